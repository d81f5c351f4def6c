"""States of workers: their activities, with the reservations laid over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.readers.accounting import Account
from ccstats.readers.spans import laid_over
from ccstats.readers.twilio_taskrouter.attributes import coded
from ccstats.readers.twilio_taskrouter.events import RANK
from ccstats.readers.twilio_taskrouter.tasks import Tasks
from ccstats.readers.twilio_taskrouter.values import NEVER
from ccstats.readers.words import to_series

__all__ = ["ACTIVITIES", "MEANINGS", "states_of"]

#: What an activity means that nobody has explained, by its name; any other one is a pause.
ACTIVITIES = {
    "available": "available", "idle": "available", "offline": "offline", "logged out": "offline", "unavailable": "pause", "break": "pause",
    "busy": "pause", "reserved": "other",
}  # fmt: skip
#: What an activity may mean.
MEANINGS = ("available", "pause", "other", "offline")
_STATES = (*MEANINGS, "reserved", "on_contact", "wrap")
_AVAILABLE, _PAUSE, _OTHER, _OFFLINE, _RESERVED, _ON_CONTACT, _WRAP = range(len(_STATES))
_CLOSED_BY = ("event", "next_event", "end_of_file", "assumed")
_EVENT, _NEXT, _END, _ASSUMED = range(len(_CLOSED_BY))
#: Clocks of two parts of the platform may differ by so much. [us]
_CLOSE = 1_000_000


class _Spans(NamedTuple):
    """Spans in columns; words are places in lists, -1 is none."""

    worker: np.ndarray
    start: np.ndarray
    end: np.ndarray
    state: np.ndarray
    reason: np.ndarray
    queue: np.ndarray
    contact: np.ndarray
    closed_by: np.ndarray


def states_of(
    events: pa.Table,
    workers: np.ndarray,
    names: pa.Array,
    tasks: Tasks,
    contacts: pa.Array,
    activities: Mapping[str, str],
    account: Account,
) -> pd.DataFrame:
    """Spans of all workers from all events in their order.

    ``workers`` are those of the events, as places in ``names``; ``contacts`` are of tasks, and ``activities`` says what an activity
    means, by its name in small letters.
    """
    at = events["at"].to_numpy()
    last = int(at[-1]) if len(at) else NEVER
    (now, before), words = coded(events["activity"], events["before"])
    base, gone = _activities(events, workers, now, before, words.to_pylist(), activities, account)
    layers = [base, *_offers(tasks, contacts, gone, last, account)]
    told = (names, words, tasks.places, contacts)
    return laid_over([_frame(layer, *told) for layer in layers], account)


def _meanings(events: pa.Table, now: np.ndarray, words: list[str], activities: Mapping[str, str]) -> np.ndarray:
    """What each activity means, as a place among the states; -1 where nobody has said it. The last one is that without a name."""
    folded = [*map(str.casefold, words), ""]
    meaning = dict(ACTIVITIES)
    told = np.flatnonzero(events["rank"].to_numpy() <= RANK["activity.updated"])
    for code, available in zip(now[told], events["available"].take(pa.array(told)).to_pylist(), strict=True):
        if available == "true":
            meaning[folded[code]] = "available"
        elif available == "false" and meaning.get(folded[code]) == "available":
            meaning[folded[code]] = "pause"
    meaning |= activities
    return np.array([MEANINGS.index(meaning[word]) if word in meaning else -1 for word in folded])


def _activities(
    events: pa.Table, workers: np.ndarray, now: np.ndarray, before: np.ndarray, words: list[str], activities: Mapping[str, str],
    account: Account,
) -> tuple[_Spans, tuple[np.ndarray, np.ndarray]]:  # fmt: skip
    """Spans of activities, each from an event to the worker's next one; and which workers went offline when, by worker and time."""
    means = _meanings(events, now, words, activities)
    rank = events["rank"].to_numpy()
    rows = np.flatnonzero((rank >= RANK["worker.activity.update"]) & (workers >= 0))
    rows = rows[np.argsort(workers[rows], kind="stable")]
    worker, at, now, before = workers[rows], events["at"].to_numpy()[rows], now[rows], before[rows]
    spent, deleted = events["spent"].to_numpy()[rows], rank[rows] == RANK["worker.deleted"]
    first = np.r_[True, worker[1:] != worker[:-1]][: len(rows)]
    last = np.r_[first[1:], True][: len(rows)]
    begun = np.where((spent != NEVER) & (before >= 0), at - spent, NEVER)
    since, then = np.roll(at, 1), np.roll(np.where(deleted, -1, now), 1)
    known = begun != NEVER
    # Nobody was seen to be available before the log, as contacts taken before it are not seen.
    start = np.where(first & (means[before] == _AVAILABLE), np.maximum(begun, events["at"].to_numpy()[:1]), begun) if len(rows) else begun
    lost = ~first & known & (begun > since + _CLOSE)
    told = first & known | lost
    ends = np.full(int(last.sum()), events["at"][-1].as_py() if len(events) else NEVER)
    parts = (
        (worker[told], start[told], at[told], before[told], _NEXT),
        (worker[lost], since[lost], begun[lost], then[lost], _ASSUMED),
        *((worker[those], since[those], at[those], then[those], _NEXT) for those in [~first & ~lost]),
        (worker[last], at[last], ends, np.where(deleted, -1, now)[last], _END),
    )
    worker_of, begin, end, word = (np.concatenate([part[place] for part in parts]) for place in range(4))
    closed_by = np.concatenate([np.full(len(part[0]), part[4]) for part in parts])
    counted = (word >= 0) & (end > begin)
    account.note("an activity that no event reported: taken from WorkerPreviousActivityName of the next", int(lost.sum()))
    account.note("activities whose meaning is not known: pause (see activities=)", int((counted & (means[word] < 0)).sum()))
    state = np.where(means[word] < 0, _PAUSE, means[word])
    kept = counted & (state != _OFFLINE)
    none = np.full(len(word), -1)
    spans = _Spans(worker_of, begin, end, state, np.where(state == _AVAILABLE, -1, word), none, none, closed_by)
    went = deleted | (means[now] == _OFFLINE)
    return _of(spans, kept), (worker[went], at[went])


def _offers(tasks: Tasks, contacts: pa.Array, gone: tuple[np.ndarray, np.ndarray], last: int, account: Account) -> list[_Spans]:
    """Spans of ringing, wrap-up and talk."""
    each, none = tasks.reservations, np.full(len(tasks.reservations.task), -1)
    taken, known = each.taken & (each.began != NEVER), each.worker >= 0
    rang = np.where(each.accepted != NEVER, each.accepted, np.where(each.taken, NEVER, each.ended_at))
    made = known & (each.created != NEVER)
    began, (talked, wrapped) = each.began, tasks.ends()
    # Where the end is lost, the worker was busy until going offline, and at most until the log ends.
    times, number = np.unique(np.concatenate([gone[1], began]), return_inverse=True)
    went = gone[0] * len(times) + number[: len(gone[1])]
    following = np.searchsorted(went, each.worker * len(times) + number[len(gone[1]) :], side="right")
    there = np.append(gone[0], -1)[following] == each.worker
    until = np.where(there, np.append(gone[1], NEVER)[following], last)
    closed = np.where(there, _ASSUMED, _END)
    talks = known & taken
    over, wraps = talked != NEVER, (wrapped != NEVER) | (each.wrapped != NEVER)
    endless = (made & (rang == NEVER) & ~each.taken).sum() + (talks & ~over).sum() + (talks & over & wraps & (wrapped == NEVER)).sum()
    account.note("reservations without an end: rung ones are left out, taken ones last until the worker goes offline", int(endless))
    ended = wrapped != NEVER

    def spans(where: np.ndarray, start: np.ndarray, end: np.ndarray, state: int, closed_by: np.ndarray) -> _Spans:
        layer = _Spans(each.worker, start, end, np.full(len(none), state), none, each.queue, each.task, closed_by)
        return _in_turn(_of(layer, np.flatnonzero(where)[np.argsort(each.task[where], kind="stable")]), place)

    (code,), called = coded(pa.chunked_array([contacts]))
    rank = np.empty(len(called), dtype="int64")
    rank[pc.sort_indices(called).to_numpy()] = np.arange(len(called))
    place = rank[code]
    return [
        spans(made & (rang != NEVER), each.created, rang, _RESERVED, np.full(len(none), _EVENT)),
        spans(talks & over & wraps, talked, np.where(ended, wrapped, np.maximum(until, talked)), _WRAP, np.where(ended, _EVENT, closed)),
        spans(talks, began, np.where(over, talked, until), _ON_CONTACT, np.where(over, _EVENT, closed)),
    ]


def _in_turn(spans: _Spans, place: np.ndarray) -> _Spans:
    """Of a worker's contacts at once the one that began first, then what is left of the others; ``place`` puts contacts in order."""
    spans = _of(spans, np.lexsort((place[spans.contact], spans.end, spans.start, spans.worker)))
    ended = pd.Series(spans.end).groupby(spans.worker).cummax().to_numpy()
    first = np.r_[True, spans.worker[1:] != spans.worker[:-1]][: len(ended)]
    start = np.where(first, spans.start, np.maximum(spans.start, np.roll(ended, 1)))
    return _of(spans._replace(start=start), spans.end > start)


def _of(spans: _Spans, rows: np.ndarray) -> _Spans:
    return _Spans(*(each[rows] for each in spans))


def _frame(spans: _Spans, names: pa.Array, activities: pa.Array, queues: pa.Array, contacts: pa.Array) -> pd.DataFrame:
    def words(codes: np.ndarray, found: pa.Array) -> pd.Series:
        return to_series(found.take(pa.array(codes, mask=codes < 0)))

    def category(codes: np.ndarray, found: Sequence[str]) -> pd.Series:
        return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(list(found), dtype="str")))

    def instants(micros: np.ndarray) -> pd.Series:
        return pd.Series(micros.view("M8[us]")).dt.tz_localize("UTC")

    return pd.DataFrame(
        {
            "agent": words(spans.worker, names),
            "started_at": instants(spans.start),
            "ended_at": instants(spans.end),
            "state": category(spans.state, _STATES),
            "reason": category(spans.reason, activities.to_pylist()),
            "queue": category(spans.queue, queues.to_pylist()),
            "contact_id": words(spans.contact, contacts),
            "closed_by": category(spans.closed_by, _CLOSED_BY),
        }
    )
