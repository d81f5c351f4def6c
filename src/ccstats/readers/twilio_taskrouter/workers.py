"""States of workers: their activities, with the reservations laid over them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd

from ccstats.readers.accounting import Account
from ccstats.readers.spans import laid_over
from ccstats.readers.twilio_taskrouter.events import Event
from ccstats.readers.twilio_taskrouter.tasks import Task

__all__ = ["ACTIVITIES", "MEANINGS", "states_of"]

#: What an activity means that nobody has explained, by its name; any other one is a pause.
ACTIVITIES = {
    "available": "available", "idle": "available", "offline": "offline", "logged out": "offline", "unavailable": "pause", "break": "pause",
    "busy": "pause", "reserved": "other",
}  # fmt: skip
#: What an activity may mean.
MEANINGS = ("available", "pause", "other", "offline")
_COLUMNS = ["agent", "started_at", "ended_at", "state", "reason", "queue", "contact_id", "closed_by"]
#: Clocks of two parts of the platform may differ by so much.
_CLOSE = timedelta(seconds=1)


class _Span(NamedTuple):
    worker: str
    start: datetime
    end: datetime
    state: str
    reason: str | None
    queue: str | None
    contact: str | None
    closed_by: str


def states_of(
    events: Sequence[Event], tasks: Iterable[Task], names: Mapping[str, str], activities: Mapping[str, str], account: Account
) -> pd.DataFrame:
    """Spans of all workers from all events in their order.

    ``activities`` says what an activity means, by its name in small letters.
    """
    if not events:
        return _frame([], names)
    last = events[-1].at
    offline: dict[str, list[datetime]] = {}
    base = _activities(events, activities, offline, account)
    ringing, talking, wrapping = [], [], []
    endless = 0
    for task in tasks:
        for each in task.reservations.values():
            if each.worker is None:
                continue
            about = (each.queue, task.contact)
            taken = each.accepted or (each.created if each.taken else None)
            rang = each.accepted or (each.ended[1] if each.ended and not each.taken else None)
            if each.created is not None and rang is not None:
                ringing.append(_Span(each.worker, each.created, rang, "reserved", None, *about, "event"))
            elif each.created is not None and not each.taken:
                endless += 1
            if taken is None:
                continue
            talked, wrapped = task.ends(each)
            # Where the end is lost, the worker was busy until going offline, and at most until the log ends.
            went = offline.get(each.worker, [])
            following = bisect_right(went, taken)
            gone = went[following] if following < len(went) else None
            until, closed_by = (gone, "assumed") if gone else (last, "end_of_file")
            endless += talked is None or (each.wrapped is not None and wrapped is None)
            talking.append(_Span(each.worker, taken, talked or until, "on_contact", None, *about, "event" if talked else closed_by))
            if talked is not None and (wrapped is not None or each.wrapped is not None):
                end = wrapped or max(until, talked)
                wrapping.append(_Span(each.worker, talked, end, "wrap", None, *about, "event" if wrapped else closed_by))
    account.note("reservations without an end: rung ones are left out, taken ones last until the worker goes offline", endless)
    layers = [base, *(_in_turn(layer) for layer in (ringing, wrapping, talking))]
    return laid_over([_frame(layer, names) for layer in layers], account)


def _activities(
    events: Sequence[Event], activities: Mapping[str, str], offline: dict[str, list[datetime]], account: Account
) -> list[_Span]:
    """Spans of activities, from each event to the worker's next one; ``offline`` is filled with when workers went offline, in order."""
    spans: list[_Span] = []
    known: dict[str, Event] = {}
    lost = unknown = 0
    meaning = dict(ACTIVITIES)
    for event in events:
        word = (event.activity or "").casefold()
        if event.kind.startswith("activity.") and event.available == "true":
            meaning[word] = "available"
        elif event.kind.startswith("activity.") and event.available == "false" and meaning.get(word) == "available":
            meaning[word] = "pause"
    meaning |= activities

    def add(worker: str, start: datetime, end: datetime, activity: str | None, closed_by: str = "next_event") -> None:
        nonlocal unknown
        if activity is None or end <= start:
            return
        state = meaning.get(activity.casefold())
        unknown += state is None
        if state != "offline":
            state = state or "pause"
            spans.append(_Span(worker, start, end, state, None if state == "available" else activity, None, None, closed_by))

    for event in events:
        if event.kind not in ("worker.activity.update", "worker.deleted") or event.worker is None:
            continue
        worker = event.worker
        begun = event.at - event.spent if event.spent is not None and event.before else None
        before = known.get(worker)
        if before is None:
            if begun is not None and event.before:
                # Nobody was seen to be available before the log, as contacts taken before it are not seen.
                available = meaning.get(event.before.casefold()) == "available"
                add(worker, max(begun, events[0].at) if available else begun, event.at, event.before)
        elif begun is not None and begun > before.at + _CLOSE:
            lost += 1
            add(worker, before.at, begun, before.activity, "assumed")
            add(worker, begun, event.at, event.before)
        else:
            add(worker, before.at, event.at, before.activity)
        gone = event.kind == "worker.deleted"
        if gone or meaning.get((event.activity or "").casefold()) == "offline":
            offline.setdefault(worker, []).append(event.at)
        known[worker] = event._replace(activity=None) if gone else event
    for worker, event in known.items():
        add(worker, event.at, events[-1].at, event.activity, "end_of_file")
    account.note("an activity that no event reported: taken from WorkerPreviousActivityName of the next", lost)
    account.note("activities whose meaning is not known: pause (see activities=)", unknown)
    return spans


def _in_turn(spans: list[_Span]) -> list[_Span]:
    """Of a worker's contacts at once the one that began first, then what is left of the others."""
    out: list[_Span] = []
    until: dict[str, datetime] = {}
    for span in sorted(spans, key=lambda each: (each.worker, each.start, each.end, each.contact or "")):
        start = max(span.start, until.get(span.worker, span.start))
        if span.end > start:
            out.append(span._replace(start=start))
            until[span.worker] = span.end
    return out


def _frame(spans: list[_Span], names: Mapping[str, str]) -> pd.DataFrame:
    rows: list[tuple[Any, ...]] = [(names.get(span.worker, span.worker), *span[1:]) for span in spans]
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    for name in _COLUMNS:
        at = name in ("started_at", "ended_at")
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("us") if at else frame[name].astype("str")
    return frame
