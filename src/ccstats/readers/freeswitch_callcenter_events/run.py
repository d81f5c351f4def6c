"""Callers and agents of mod_callcenter, followed through its events in their order."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ccstats.readers.accounting import Account
from ccstats.readers.spans import whole_spans
from ccstats.readers.values import LONGEST_S
from ccstats.schema import CONTACTS

__all__ = ["AGENTS", "FACTS", "MEMBERS", "Event", "Run"]

#: What the module does to callers and agents.
MEMBERS = ("member-queue-start", "member-queue-resume", "bridge-agent-start", "bridge-agent-end", "bridge-agent-fail", "member-queue-end")
AGENTS = ("agent-offering", "agent-state-change", "agent-status-change")
_OF_CALLER = frozenset((*MEMBERS, "agent-offering"))
#: Headers that are read, in the order of an event's fields after its action.
FACTS = (
    "Core-UUID", "FreeSWITCH-Hostname", "CC-Queue", "CC-Name", "CC-Agent", "CC-Agent-Status", "CC-Agent-State", "CC-Agent-Called-Time",
    "CC-Agent-Answered-Time", "CC-Member-UUID", "CC-Member-Session-UUID", "CC-Member-CID-Number", "CC-Member-DNIS", "CC-Member-Joined-Time",
    "CC-Member-Leaving-Time", "CC-Cause", "CC-Cancel-Reason", "variable_cc_exit_key",
)  # fmt: skip
#: Why a caller left without an agent.
_CANCEL = {
    "BREAK_OUT": "abandoned",
    "NONE": "abandoned",
    "TIMEOUT": "timed_out",
    "NO_AGENT_TIMEOUT": "timed_out",
    "EXIT_WITH_KEY": "exited_key",
}
#: What an agent does in this state, whatever the status; in other states the status tells.
_WORK = {"In a queue call": "on_contact", "Receiving": "reserved", "Reserved": "reserved"}
_FREE = {"Waiting": "available", "Idle": "other"}
_STATES = frozenset((*_WORK, *_FREE))
_ON_DEMAND = "Available (On Demand)"
_STATUS = ("Available", _ON_DEMAND, "On Break", "Logged Out")
#: Whole seconds of the module and the event's own clock may differ by so much. [us]
_CLOSE_US = 1_500_000
#: A caller whose end is not in the log waits still if the log ends within this time. [us]
_OPEN_US = 86_400_000_000


class Event(NamedTuple):
    """One event: its time [us], its number, what happened, and its headers, None where there is none.

    Examples
    --------
    >>> event = Event(1709280012_500000, 7, "member-queue-end", joined="1709280000")
    >>> event.epoch(event.joined)
    1709280000000000
    """

    at: int
    sequence: int
    action: str
    core: str | None = None
    host: str | None = None
    queue: str | None = None
    name: str | None = None
    agent: str | None = None
    status: str | None = None
    state: str | None = None
    called: str | None = None
    answered: str | None = None
    member: str | None = None
    session: str | None = None
    customer: str | None = None
    dnis: str | None = None
    joined: str | None = None
    leaving: str | None = None
    cause: str | None = None
    reason: str | None = None
    exit_key: str | None = None

    def epoch(self, word: str | None) -> int | None:
        """A time of the module [us], which has whole seconds; None where it is none, after the event, or long before it."""
        at = int(word) * 1_000_000 if word and word.isascii() and word.isdigit() and len(word) < 12 else 0
        return at if 0 < at <= self.at + _CLOSE_US and self.at - at < LONGEST_S * 1e6 else None


@dataclass(slots=True)
class _Visit:
    """One caller in one queue."""

    contact: str
    queue: str
    queued: int
    exact: bool
    customer: str | None
    dnis: str | None
    resumed: bool = False
    offers: dict[str, int] = field(default_factory=dict)
    attempts: int = 0
    missed: int = 0
    answered: int | None = None
    ring: float = float("nan")
    agent: str | None = None
    over: int | None = None
    left: int | None = None
    outcome: str | None = None
    raw: str | None = None


@dataclass
class _Agent:
    """One agent, followed through the events in their order."""

    core: str = ""
    status: str | None = None
    state: str | None = None
    queue: str | None = None
    contact: str | None = None
    shown: tuple[str, str | None, str | None, str | None] | None = None
    since: int = 0
    spans: list[tuple[Any, ...]] = field(default_factory=list)

    def _now(self) -> tuple[str, str | None, str | None, str | None] | None:
        work = _WORK.get(self.state or "")
        if work:
            return work, None, self.queue, self.contact
        if self.status == "Logged Out" or (self.status is None and self.state is None):
            return None
        if self.status == "On Break":
            return "pause", self.status, None, None
        if self.status not in _STATUS:
            return "other", self.status, None, None
        state = _FREE.get(self.state or "Waiting", "other")
        return state, None if state == "available" else self.state, None, None

    def show(self, at: int) -> None:
        now, before = self._now(), self.shown
        if now == before:
            return
        # The state comes a moment before the event that says whose call it is.
        if not (now and before and now[:2] == before[:2] and before[2] is None):
            self.close(at, "event")
            self.since = at
        self.shown = now

    def close(self, at: int, closed_by: str) -> None:
        if self.shown is not None and at > self.since:
            state, reason, queue, contact = self.shown
            self.spans.append((self.since, at, state, reason, queue, contact, closed_by))


class Run:
    """Callers and agents, followed through all events in their order.

    Parameters
    ----------
    account : Account
        Where notes are booked.
    strange : dict
        Filled with words that are not known, and how often they come.
    ends : mapping
        When the last event of each Core-UUID is [us].

    Examples
    --------
    >>> from ccstats.readers.contract import Options
    >>> run = Run(Account(Options()), {}, {})
    >>> run.follow(Event(1709280000_000000, 1, "member-queue-start", member="v1", queue="sales"))
    >>> run.follow(Event(1709280009_000000, 2, "member-queue-end", member="v1", queue="sales", cause="Cancel"))
    >>> run.tables(1709280009_000000)[0][["outcome", "wait_s"]].to_dict("records")
    [{'outcome': 'abandoned', 'wait_s': 9.0}]
    """

    def __init__(self, account: Account, strange: dict[str, int], ends: Mapping[str, int]) -> None:
        self.account, self.strange, self.ends = account, strange, ends
        self.visits: list[_Visit] = []
        self.latest: dict[str, _Visit] = {}
        self.of_call: dict[str, _Visit] = {}
        self.agents: dict[str, _Agent] = {}
        #: The programs that run on each host by when they end, and the callers and agents of each.
        self.running: dict[str, list[tuple[int, str]]] = {}
        self.callers: dict[str, list[_Visit]] = {}
        self.theirs: dict[str, set[str]] = {}
        self.offered = False

    def follow(self, event: Event) -> None:
        """What this event changes."""
        core = event.core or ""
        if core and core not in self.callers:
            self._began(core, event.host or "", event.at)
        member, name = event.member, event.agent
        if member and event.action in _OF_CALLER:
            self._member(member, core, event)
        if name:
            agent = self.agents.get(name) or self.agents.setdefault(name, _Agent())
            agent.core = core
            self.theirs.setdefault(core, set()).add(name)
            self._agent(agent, event)
            agent.show(event.at)

    def _began(self, core: str, host: str, at: int) -> None:
        """Another program on the host: those of which no event follows are gone; two that go on are two with one name."""
        self.callers[core] = []
        running = self.running.setdefault(host, [])
        while running and running[0][0] < at:
            self._restarted(heapq.heappop(running)[1], at)
        heapq.heappush(running, (self.ends.get(core, at), core))

    def _restarted(self, core: str, at: int) -> None:
        """Calls do not outlive the program; where agents were is kept, but not that they were in one."""
        for visit in self.callers[core]:
            if visit.outcome is None and visit.answered is None:
                visit.outcome, visit.raw = "failed", "restart"
        for agent in (self.agents[name] for name in self.theirs.get(core, ())):
            if agent.core == core and agent.state in _WORK:
                agent.state = "Waiting"
                agent.show(at)
        self.account.note("the platform was restarted (another Core-UUID)", 1)

    def _member(self, member: str, core: str, event: Event) -> None:
        action, visit = event.action, self.latest.get(member)
        begins = action in ("member-queue-start", "member-queue-resume")
        joined = event.at if begins else event.epoch(event.joined)
        if begins or (visit is None and joined is not None):
            queue = event.queue or event.name
            if queue is None or joined is None:
                self.account.note("events of a caller without a queue", 1)
                return
            contact = event.session or member
            for before in (visit, self.of_call.get(contact)):
                if before is not None and before.outcome is None and before.answered is None:
                    self._lost(before)
            visit = _Visit(contact, queue, joined, begins, event.customer, event.dnis, action == "member-queue-resume")
            self.visits.append(visit)
            self.latest[member] = self.of_call[contact] = visit
            self.callers.setdefault(core, []).append(visit)
            self.account.note("callers whose joining is not in the log: by CC-Member-Joined-Time, in whole seconds", not begins)
        if visit is None:
            return
        name, closed = event.agent, visit.outcome is not None
        if action == "agent-offering" and name:
            self.offered = True
            visit.offers[name] = event.at
            visit.attempts += 1
        elif action == "bridge-agent-fail":
            visit.missed += 1
        elif action in ("bridge-agent-start", "bridge-agent-end") and not closed:
            if visit.answered is None:
                self._answered(visit, name, event)
            if action == "bridge-agent-end":
                visit.over = event.at
        elif action == "member-queue-end" and not closed:
            if event.cause == "Terminated":
                if visit.answered is None:
                    self._answered(visit, name, event)
                visit.outcome, visit.raw = "answered", "Terminated"
                visit.over = visit.over or event.at
                return
            reason = "NONE" if event.reason is None else event.reason
            outcome = _CANCEL.get(reason, "unknown") if event.cause == "Cancel" else "unknown"
            by_key = reason == "BREAK_OUT" and bool(event.exit_key)
            visit.outcome, visit.raw = "exited_key" if by_key else outcome, f"{event.cause or ''} {reason}".strip()
            visit.left = event.at if visit.exact else event.epoch(event.leaving) or event.at
            self.account.note("cancelled as an agent answered: not answered, as the platform says", visit.answered is not None)

    def _lost(self, visit: _Visit) -> None:
        visit.outcome = "failed"
        self.account.note("the end of a waiting caller is not in the log, and the log goes on for a day, or with the same caller", 1)

    def _answered(self, visit: _Visit, name: str | None, event: Event) -> None:
        """The agent has the caller: now, or, where only later events are in the log, when they say."""
        told, called = event.epoch(event.answered), event.epoch(event.called)
        now = event.action == "bridge-agent-start"
        at = event.at if now and visit.exact else told if told is not None else event.at if now else None
        if at is None:
            return
        visit.answered, visit.agent = max(at, visit.queued), name
        joined = event.epoch(event.joined)
        if now and visit.exact and not visit.resumed and told is not None and joined is not None:
            differs = abs((told - joined) - (event.at - visit.queued)) > _CLOSE_US
            self.account.note("the wait by the module's own times differs from that by the events", differs)
        offered = visit.offers.get(name or "")
        if now and offered is not None:
            visit.ring = (event.at - offered) / 1e6
        elif told is not None and called is not None and told >= called:
            visit.ring = (told - called) / 1e6

    def _agent(self, agent: _Agent, event: Event) -> None:
        action = event.action
        if action == "agent-status-change":
            agent.status = event.status
            self._known(agent.status, _STATUS)
        elif action == "agent-state-change":
            agent.state = event.state
            self._known(agent.state, _STATES)
        elif action in ("agent-offering", "bridge-agent-start"):
            agent.state = "Receiving" if action == "agent-offering" else "In a queue call"
            agent.queue, agent.contact = event.queue, event.session or event.member
        elif action in ("bridge-agent-end", "bridge-agent-fail"):
            agent.state = "Idle" if agent.status == _ON_DEMAND else "Waiting"
        if agent.state not in _WORK:
            agent.queue = agent.contact = None

    def _known(self, word: str | None, words: Collection[str]) -> None:
        if word is None or word not in words:
            self.strange[word or "blank"] = self.strange.get(word or "blank", 0) + 1

    def tables(self, last: int) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Contacts and spans; what is open where the log ends (``last``) [us] is so."""
        spans = []
        for name, agent in self.agents.items():
            agent.close(last, "end_of_file")
            spans += [(name, *span) for span in agent.spans]
        names = ["agent", "started_at", "ended_at", "state", "reason", "queue", "contact_id", "closed_by"]
        states = pd.DataFrame(spans, columns=names)
        for name in names:
            states[name] = _instants(states[name]) if name.endswith("ed_at") else states[name].astype("str")
        rows = [self._row(visit, last) for visit in self.visits]
        contacts = pd.DataFrame(rows) if rows else CONTACTS.empty()
        if rows:
            contacts["queued_at"] = _instants(contacts["queued_at"])
            contacts = contacts.astype({name: "str" for name in ("agent", "customer", "dnis", "raw_outcome")})
            contacts = contacts.astype({name: "Int64" for name in ("ring_attempts", "ring_noanswer")})
            if not self.offered:
                contacts = contacts.drop(columns=["ring_attempts", "ring_noanswer"])
        return contacts, whole_spans(states, self.account)

    def _row(self, visit: _Visit, last: int) -> dict[str, Any]:
        if visit.outcome is None and visit.answered is None and last - visit.queued > _OPEN_US:
            self._lost(visit)
        # Answered, and the log ends before the talk does.
        outcome = visit.outcome or ("open" if visit.answered is None else "answered")
        taken = outcome == "answered"
        if taken and visit.answered is None:
            outcome, taken = "unknown", False
            self.account.note("answered, but when is not in the log: counted as 'unknown'", 1)
        until = visit.answered if taken else last if outcome == "open" else visit.left
        talk = max(0, visit.over - visit.answered) / 1e6 if taken and visit.over is not None and visit.answered is not None else np.nan
        return {
            "contact_id": visit.contact,
            "channel": "voice",
            "direction": "inbound",
            "queue": visit.queue,
            "queued_at": visit.queued,
            "outcome": outcome,
            "raw_outcome": visit.raw,
            "wait_s": np.nan if until is None else max(0, until - visit.queued) / 1e6,
            "ring_s": visit.ring if taken else np.nan,
            "talk_s": talk,
            "hold_s": np.nan,
            "wrap_s": np.nan,
            "agent": visit.agent if taken else None,
            "customer": visit.customer,
            "dnis": visit.dnis,
            "ring_attempts": visit.attempts if visit.exact else None,
            "ring_noanswer": visit.missed if visit.exact else None,
        }


def _instants(micros: pd.Series) -> pd.Series:
    return pd.to_datetime(micros.astype("int64"), unit="us", utc=True).dt.as_unit("us")
