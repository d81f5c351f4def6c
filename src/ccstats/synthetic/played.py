"""A run of the network simulation as contacts and agent states."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccstats.queueing.network import OUTCOME_WORDS, SimulatedNetwork
from ccstats.queueing.network_loop import ANSWERED, BLOCKED, CALLBACK, WAITING
from ccstats.schema import CLOSED_BY, STATES
from ccstats.synthetic.agents import Blocks, weave_states
from ccstats.synthetic.contacts import instants, text_ids
from ccstats.synthetic.duties import TICK_S, People
from ccstats.synthetic.truth import CODE, category


class Played:
    """The run as tables."""

    def __init__(
        self,
        run: SimulatedNetwork,
        hold_s: np.ndarray,
        wrap_s: np.ndarray,
        queues: list[str],
        people: People,
        likes: np.ndarray,
        origin: pd.Timestamp,
        last: pd.Timestamp,
    ) -> None:
        self.run, self.queues, self.people, self.likes, self.origin = run, queues, people, likes, origin
        self.answered, self.blocked = run.outcome == ANSWERED, run.outcome == BLOCKED
        self.hold_known, self.wrap_known = (self.answered & ~np.isnan(each[run.contact]) for each in (hold_s, wrap_s))
        self.at = self._cut(run.arrival_s)
        log_end = max(self._cut(np.array([(last - origin).total_seconds()]))[0], self.at.max(initial=0))
        self.left = np.where(run.outcome == WAITING, log_end, self._cut(run.arrival_s + np.nan_to_num(run.wait_s)))
        start = np.nan_to_num(run.start_s)
        self.talk_end = np.where(self.answered, self._cut(np.nan_to_num(run.talk_end_s)), self.left)
        self.free = np.where(self.answered, self._cut(np.nan_to_num(run.end_s)), self.left)
        # on hold in the middle of the conversation
        middle = (start + np.nan_to_num(run.talk_end_s)) / 2
        hold = np.where(self.hold_known, np.nan_to_num(hold_s)[run.contact], 0.0)
        self.hold_from, self.hold_to = (
            np.where(hold > 0, np.clip(self._cut(middle + side * hold / 2), self.left, self.talk_end), self.talk_end) for side in (-1, 1)
        )
        self._number()

    @staticmethod
    def _cut(seconds: np.ndarray) -> np.ndarray:
        return np.floor(seconds / TICK_S + 1e-6).astype("int64")

    def _number(self) -> None:
        """Contacts numbered as they come; a callback is the second visit of its contact, a retrial a contact of its own."""
        run = self.run
        order = np.lexsort((run.attempt, run.contact))
        before = np.roll(order, 1)
        called_back = (run.attempt[order] > 1) & (run.outcome[before] == CALLBACK)
        call = np.cumsum(~called_back) - 1
        first = self.at[order][~called_back]
        number = np.argsort(np.argsort(first, kind="stable"), kind="stable")
        self.number, self.visit = np.empty(len(order), dtype="int64"), np.ones(len(order), dtype="int64")
        self.number[order] = number[call]
        self.visit[order[called_back]] = 2
        self.arrived = np.empty(len(order), dtype="int64")
        self.arrived[order] = first[call]
        self.customer = self.number[run.contact]

    def contacts(self, channel: str) -> pd.DataFrame:
        """The table `contacts`."""
        run, rows = self.run, np.lexsort((self.visit, self.number))
        queued = ~self.blocked

        def seconds(later: np.ndarray, earlier: np.ndarray, known: np.ndarray) -> np.ndarray:
            return np.where(known, (later - earlier) * TICK_S, np.nan).round(3)[rows]

        def when(ticks: np.ndarray) -> pd.Series:
            return instants(self.origin, ticks[rows], TICK_S)

        held = self.hold_to - self.hold_from
        words = np.array([CODE[OUTCOME_WORDS[code]] for code in range(len(OUTCOME_WORDS))])
        outcome = category(words[run.outcome[rows]], list(CODE))
        second = (self.visit == 2).astype("int64")[rows]
        return pd.DataFrame(
            {
                "contact_id": text_ids("c", self.number[rows]),
                "visit": self.visit[rows],
                "channel": category(second, [channel, "callback"]).remove_unused_categories(),
                "direction": category(second, ["inbound", "outbound", "internal"]),
                "queue": category(run.queue[rows], self.queues),
                "queued_at": when(self.at).where(queued[rows]),
                "outcome": outcome,
                "raw_outcome": outcome.remove_unused_categories(),
                "wait_s": seconds(self.left, self.at, queued),
                "ring_s": seconds(self.left, self._cut(np.nan_to_num(run.offered_s)), self.answered),
                "talk_s": seconds(self.talk_end, self.left + held, self.answered),
                "hold_s": seconds(self.hold_to, self.hold_from, self.hold_known),
                "wrap_s": seconds(self.free, self.talk_end, self.wrap_known),
                "agent": category(np.where(self.answered, run.agent, -1)[rows], self.people.names).remove_unused_categories(),
                "arrived_at": when(self.arrived),
                "customer": text_ids("k", self.customer[rows]),
            }
        )

    def agent_states(self) -> pd.DataFrame:
        """The table `agent_states`."""
        run, people = self.run, self.people
        taken = np.flatnonzero(run.agent >= 0)
        offered = self._cut(np.nan_to_num(run.offered_s))
        taken = taken[np.lexsort((self.free[taken], offered[taken], run.agent[taken]))]
        times = (offered, self.left, self.hold_from, self.hold_to, self.talk_end, self.free)
        blocks = Blocks(run.agent[taken], taken, *(each[taken] for each in times))
        spans = weave_states(blocks, people.sessions, people.rests, people.reason + 1)
        # without a contact an agent belongs to a queue only if there is no other
        only = np.where((self.likes > 0).sum(axis=1) == 1, (self.likes > 0).argmax(axis=1), -1)
        serves = spans.contact >= 0
        queue = np.where(serves, np.append(run.queue, -1)[spans.contact], np.append(only, -1)[people.group[spans.agent]])
        return pd.DataFrame(
            {
                "agent": category(spans.agent, people.names).remove_unused_categories(),
                "started_at": instants(self.origin, spans.start, TICK_S),
                "ended_at": instants(self.origin, spans.end, TICK_S),
                "state": category(spans.state, STATES),
                "reason": category(spans.pause - 1, people.reasons),
                "queue": category(queue, self.queues),
                "contact_id": text_ids("c", np.append(self.number, 0)[spans.contact]).where(serves),
                "closed_by": category(np.zeros(len(spans.agent), dtype="int8"), CLOSED_BY),
            }
        )
