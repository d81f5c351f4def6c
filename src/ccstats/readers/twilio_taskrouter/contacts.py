"""Contacts: each stay of a task in a queue, with the reservation that was taken first."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.readers.accounting import Account
from ccstats.readers.categories import category_of, chosen
from ccstats.readers.twilio_taskrouter.attributes import About, coded
from ccstats.readers.twilio_taskrouter.events import KINDS
from ccstats.readers.twilio_taskrouter.tasks import OUTCOMES, Stays, Tasks, first_of
from ccstats.readers.twilio_taskrouter.values import NEVER
from ccstats.readers.words import each_word, of_series, to_series

__all__ = ["Told", "contacts_of"]

_DIRECTIONS = ("inbound", "outbound", "internal")
_HUNG_UP = {"customer": "customer", "agent": "agent", "system": "system"}
#: Clocks of two parts of the platform may differ by so much. [us]
_CLOSE = 1_000_000


class Told:
    """What a task's events tell of the contact besides what became of it, a task each."""

    def __init__(self, events: pa.Table, abouts: list[About]) -> None:
        events = events.select(["task", "about", "channel"]).filter(events["task"].is_valid())
        (self.task,), sids = coded(events["task"])
        self.tasks, self.about = len(sids), events["about"].to_numpy()
        columns = zip(*abouts, strict=True) if abouts else [()] * len(About._fields)
        self.words = {name: pa.array(column, pa.large_string()) for name, column in zip(About._fields, columns, strict=True)}
        call = self.of("call")
        self.contact = pc.coalesce(self.of("conversation"), call, sids)
        (channel,), words = coded(events["channel"])
        named = _taken(words, first_of(self.task, channel, self.tasks))
        self.channel = each_word(to_series(pc.coalesce(named, pc.if_else(call.is_valid(), "voice", "task"))), str.casefold)

    def of(self, name: str, *, last: bool = False) -> pa.Array:
        """The first text of this name, or the last."""
        return self._chosen(self.words[name], last)

    def direction(self) -> pa.Array:
        """The first direction that is one."""
        folded = each_word(to_series(self.words["direction"]), str.casefold)
        return self._chosen(of_series(each_word(folded, dict(zip(_DIRECTIONS, _DIRECTIONS, strict=True)).get)).combine_chunks(), last=False)

    def _chosen(self, words: pa.Array, last: bool) -> pa.Array:
        there = np.append(words.is_valid().to_numpy(zero_copy_only=False), False)
        return _taken(words, first_of(self.task, np.where(there[self.about], self.about, -1), self.tasks, last=last))


def contacts_of(
    tasks: Tasks, told: Told, names: Mapping[str, str], reasons: Mapping[str, str], last: int, account: Account
) -> pd.DataFrame:
    """A row a stay in a queue; ``names`` are of workers, ``reasons`` outcomes of canceled tasks, ``last`` is when the log ends."""
    visits = np.flatnonzero(~tasks.stays.direct & (tasks.stays.queue >= 0))
    visits = visits[np.argsort(tasks.stays.task[visits], kind="stable")]
    account.note("task-queue.entered is lost: TaskQueueEnteredDate is taken", tasks.lost)
    account.note("tasks that joined no queue in the log: no contact", told.tasks - len(np.unique(tasks.stays.task[visits])))
    account.note("sent to a worker and not to a queue: the worker's time is in agent_states", int(tasks.stays.direct.sum()))
    stays, offers = Stays(*(each[visits] for each in tasks.stays)), tasks.reservations
    answer = _answers(tasks)[visits]
    answered = answer >= 0

    def of_answer(values: np.ndarray, nothing: int = NEVER) -> np.ndarray:
        return np.append(values, nothing)[answer]

    accepted, created, entered, began = map(of_answer, (offers.accepted, offers.created, offers.entered, offers.began))
    talked, wrapped = map(of_answer, tasks.ends())
    worker, sent_to = of_answer(offers.worker, -1), of_answer(offers.sent_to, -1)
    offered, taken, missed = (
        np.bincount(offers.stay[(offers.stay >= 0) & those], minlength=len(tasks.stays.task))[visits]
        for those in (True, offers.taken, offers.missed)
    )
    is_left = ~answered & (stays.left >= 0)
    kind, reason = _taken(pa.array(KINDS), np.where(is_left, stays.left, -1)), _taken(tasks.reasons, np.where(is_left, stays.reason, -1))
    became = pc.coalesce(
        of_series(each_word(to_series(kind), OUTCOMES.get)),
        of_series(each_word(to_series(pc.fill_null(reason, "")), lambda word: reasons.get(word.casefold()))),
        pa.scalar("unknown", pa.large_string()),
    )
    outcome = to_series(pc.if_else(pa.array(is_left), became, of_series(chosen("open", (answered, "answered")))))
    until = np.where(answered, began, np.where(is_left, stays.left_at, last))

    apart = answered & (entered != NEVER) & ~stays.sent & (np.abs(entered - stays.since) > 2 * _CLOSE)
    account.note("reservation.accepted is lost: taken when it was made", int((answered & (accepted == NEVER)).sum()))
    account.note("TaskQueueEnteredDate is not when task-queue.entered came: the event is taken", int(apart.sum()))
    whole = answered & (talked != NEVER) & (wrapped == NEVER)
    account.note("completed without a wrap-up: talk_s lasts to the end, wrap_s is missing", int(whole.sum()))
    others = int(np.where(answered, np.maximum(taken - 1, 0), 0).sum())
    account.note("further workers who took a task of one stay: their time is not in the row", others)

    def of_task(values: pa.Array) -> pa.Array:
        return values.take(pa.array(stays.task))

    direction = of_task(told.direction())
    account.note("direction is not in TaskAttributes: inbound", direction.null_count)
    direction = pc.fill_null(direction, "inbound")
    outbound = pc.equal(direction, "outbound")
    hung_up = each_word(to_series(of_task(told.of("hung_up", last=True))), lambda word: _HUNG_UP.get(word.casefold()))
    ended_by = hung_up.where(answered & (sent_to < 0)).mask(outcome == "abandoned", "customer")
    caller, called = of_task(told.of("caller")), of_task(told.of("called"))
    nothing, blank = pa.nulls(len(visits), pa.large_string()), pa.scalar(" ", pa.large_string())
    return pd.DataFrame(
        {
            "contact_id": to_series(of_task(told.contact)),
            "channel": told.channel.take(stays.task).reset_index(drop=True),
            "direction": to_series(direction),
            "queue": to_series(_taken(tasks.places, stays.queue)),
            "queued_at": _instants(stays.since),
            "outcome": outcome,
            "raw_outcome": to_series(pc.if_else(reason.is_null(), kind, pc.binary_join_element_wise(kind, reason, blank))),
            "wait_s": _between(stays.since, until),
            "ring_s": _between(created, accepted),
            "talk_s": _between(began, talked),
            "hold_s": np.full(len(visits), np.nan),
            "wrap_s": _between(talked, wrapped),
            "agent": to_series(_taken(pa.array(names.values(), pa.large_string()), worker)),
            "arrived_at": _instants(tasks.arrived[stays.task]),
            "transferred_to": category_of(sent_to, [names.get(place, place) for place in tasks.places.to_pylist()]),
            "ended_by": ended_by,
            "customer": to_series(pc.if_else(outbound, called, caller)),
            "dnis": to_series(pc.if_else(outbound, nothing, called)),
            "disposition": to_series(of_task(told.of("outcome", last=True))).where(answered),
            "ring_attempts": pd.Series(offered, dtype="Int64"),
            "ring_noanswer": pd.Series(missed, dtype="Int64"),
        }
    )


def _answers(tasks: Tasks) -> np.ndarray:
    """Of each stay the reservation that was taken first; -1 where none was."""
    each = tasks.reservations
    known = np.flatnonzero((each.stay >= 0) & each.taken & (each.began != NEVER))
    order = known[np.lexsort((tasks.key[known], each.began[known]))]
    return first_of(each.stay[order], order, len(tasks.stays.task))


def _between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Seconds; missing where one of them is, or where they are the wrong way round."""
    good = (start != NEVER) & (end != NEVER)
    lasted = np.where(good, end, 0) - np.where(good, start, 0)
    return np.where(good & (lasted >= -_CLOSE), np.maximum(lasted, 0) / 1e6, np.nan)


def _instants(micros: np.ndarray) -> pd.Series:
    return pd.Series(micros.view("M8[us]")).dt.tz_localize("UTC")


def _taken(words: pa.Array, places: np.ndarray) -> pa.Array:
    """Words by their places; none where that is -1."""
    return words.cast(pa.large_string()).take(pa.array(places, mask=places < 0))
