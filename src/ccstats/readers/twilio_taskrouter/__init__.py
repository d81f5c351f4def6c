"""Twilio TaskRouter and Flex: events as callbacks or Event Streams told them; tasks make contacts, workers make agents' states."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from ccstats.errors import DataWarning, OptionError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.json_facts import BadRecord
from ccstats.readers.json_records import starts_as_json
from ccstats.readers.product_tables import header_has, to_log
from ccstats.readers.spans import told_apart
from ccstats.readers.twilio_taskrouter.events import SHAPE, Event, Passed, Records, event_of, is_json
from ccstats.readers.twilio_taskrouter.tasks import OUTCOMES, REASONS, Stay, Task
from ccstats.readers.twilio_taskrouter.workers import MEANINGS, states_of
from ccstats.schema import CONTACTS

__all__ = ["READER", "SHAPE", "looks_like", "read_events"]

_DIRECTIONS = ("inbound", "outbound", "internal")
_HUNG_UP = {"customer": "customer", "agent": "agent", "system": "system"}
_COLUMNS = (
    "contact_id", "channel", "direction", "queue", "queued_at", "outcome", "raw_outcome", "wait_s", "ring_s", "talk_s", "hold_s", "wrap_s",
    "agent", "arrived_at", "transferred_to", "ended_by", "customer", "dnis", "disposition", "ring_attempts", "ring_noanswer",
)  # fmt: skip
_CLOSE = timedelta(seconds=1)
_NOT_KNOWN = float("nan")


def looks_like(head: bytes) -> bool:
    """Whether it is JSON with events of TaskRouter, in any of their three forms, or a table of them.

    Examples
    --------
    >>> looks_like(b'{"EventType": "task.created", "WorkspaceSid": "WS1", "TaskSid": "WT1"}')
    True
    >>> looks_like(b'{"EventType": "LOGIN", "EventId": "e1", "AgentARN": "a/agent/u1"}')
    False
    """
    if not starts_as_json(head):
        return header_has(head, ("EventType", "WorkspaceSid", "TaskSid"), ("EventType", "WorkspaceSid", "WorkerSid"))
    callback = b'"EventType"' in head and b'"WorkspaceSid"' in head
    listed = all(key in head for key in (b'"event_type"', b'"event_data"', b'"workspace_sid"'))
    return callback or listed or b'"com.twilio.taskrouter.' in head


def read_events(sources: Sequence[Source], options: Options) -> Log:
    """Read events; `ccstats.read` is the way in.

    Parameters
    ----------
    sources : sequence of Source
        Events as JSON or tables with a row an event, in any order.
    options : Options
        ``activities``: what activities of workers mean, by their names: ``"available"``, ``"pause"``, ``"other"`` or ``"offline"``.
        ``reasons``: outcomes by the reasons for which an application cancels tasks.

    Returns
    -------
    Log
        Lines are events.

    Raises
    ------
    OptionError
        If an option is no mapping of names to words that it may have.

    Examples
    --------
    >>> log = read_events([Source("empty", b"")], Options())
    >>> len(log.contacts), len(log.agent_states)
    (0, 0)
    """
    activities = _option(options, "activities", MEANINGS)
    reasons = REASONS | _option(options, "reasons", CONTACTS["outcome"].vocabulary)
    account = Account(options, unit="record" if sources and is_json(sources[0]) else "line")
    events: dict[str, Event] = {}
    strange: Counter[str] = Counter()
    for source in sources:
        records = Records(source, account)
        for record in records:
            try:
                event = event_of(record.value, source.name)
            except BadRecord as problem:
                records.reject(record, str(problem))
                continue
            if isinstance(event, Passed):
                account.count(source.name, "ignored", event.rule, records.weight)
                strange.update([event.strange] if event.strange else [])
            elif event.key in events:
                account.count(source.name, "ignored", "delivered again: same Sid", records.weight)
            else:
                events[event.key] = event
                account.count(source.name, "used", "event", records.weight)
        if options.progress:
            options.progress(source.name, 1.0)
    _warn(strange, account)
    ordered = sorted(events.values(), key=lambda each: each[:3])
    named = {each.worker: each.name or each.worker for each in ordered if each.worker}
    named |= {each.worker: each.name for each in ordered if each.worker and each.name}
    names = told_apart(named)
    account.note("two workers of one name: WorkerSid is added", sum(names[key] != name for key, name in named.items()))
    tasks = _tasks(ordered)
    contacts = _contacts(tasks, names, reasons, ordered[-1].at if ordered else None, account)
    states = states_of(ordered, tasks, names, activities, account)
    return to_log(contacts, account, options, "twilio_taskrouter", states=states)


def _option(options: Options, name: str, words: Sequence[str]) -> dict[str, str]:
    found = options.extra.get(name) or {}
    if not isinstance(found, Mapping) or not all(isinstance(key, str) and value in words for key, value in found.items()):
        raise OptionError(f"{name}={found!r}: expected a mapping of names to one of {', '.join(map(repr, words))}")
    return {key.strip().casefold(): value for key, value in found.items()}


def _warn(strange: Counter[str], account: Account) -> None:
    account.note("an EventType that is not known: ignored", strange.total())
    if strange:
        words = ", ".join(map(repr, sorted(strange)[:5]))
        warnings.warn(
            f"{strange.total()} events have an EventType that format 'twilio_taskrouter' does not know ({words}); they are ignored",
            DataWarning,
            stacklevel=5,
        )


def _tasks(events: list[Event]) -> list[Task]:
    queues = {each.queue_sid: each.queue for each in events if each.queue_sid and each.queue}
    tasks: dict[str, Task] = {}
    for event in events:
        if event.task is not None:
            tasks.setdefault(event.task, Task(event.task, queues)).follow(event)
    return list(tasks.values())


def _contacts(
    tasks: list[Task], names: Mapping[str, str], reasons: Mapping[str, str], last: datetime | None, account: Account
) -> pd.DataFrame:
    rows: list[tuple[Any, ...]] = []
    for task in tasks:
        for note in task.notes:
            account.note(note, 1)
        visits = [each for each in task.stays if not each.direct and each.queue is not None]
        account.note("tasks that joined no queue in the log: no contact", int(not visits))
        account.note("sent to a worker and not to a queue: the worker's time is in agent_states", sum(each.direct for each in task.stays))
        rows += [_visit(task, each, names, reasons, last, account) for each in visits]
    columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True)) if rows else {name: () for name in _COLUMNS}
    out: dict[str, Any] = {}
    for name, values in columns.items():
        kind = CONTACTS[name].kind
        if kind == "instant":
            out[name] = pd.Series(pd.DatetimeIndex(pd.to_datetime(list(values), utc=True)).as_unit("us"))
        elif kind == "seconds":
            out[name] = pd.Series(list(values), dtype="float64")
        else:
            out[name] = pd.Series(list(values), dtype="Int64" if kind == "maybe_count" else "str")
    return pd.DataFrame(out)


def _visit(
    task: Task, stay: Stay, names: Mapping[str, str], reasons: Mapping[str, str], last: datetime | None, account: Account
) -> tuple[Any, ...]:
    answer = stay.answer
    ring = talk = wrap = wait = _NOT_KNOWN
    agent = sent_to = raw = None
    if answer is not None:
        outcome, at = "answered", answer.accepted or answer.created
        account.note("reservation.accepted is lost: taken when it was made", int(answer.accepted is None))
        apart = answer.entered is not None and not stay.sent and abs(answer.entered - stay.since) > 2 * _CLOSE
        account.note("TaskQueueEnteredDate is not when task-queue.entered came: the event is taken", int(apart))
        wait = _between(stay.since, at)
        if answer.accepted is not None:
            ring = _between(answer.created, answer.accepted)
        talked, wrapped = task.ends(answer)
        talk, wrap = _between(at, talked), _between(talked, wrapped)
        account.note("completed without a wrap-up: talk_s lasts to the end, wrap_s is missing", int(bool(talked) and not wrapped))
        agent = names.get(answer.worker or "", answer.worker)
        sent_to = names.get(answer.sent_to or "", answer.sent_to)
        others = sum(each.taken for each in stay.reservations) - 1
        account.note("further workers who took a task of one stay: their time is not in the row", max(0, others))
    elif stay.left is None:
        outcome = "open"
        wait = _between(stay.since, last)
    else:
        kind, reason, at = stay.left
        raw = kind if reason is None else f"{kind} {reason}"
        outcome = OUTCOMES.get(kind) or reasons.get((reason or "").casefold(), "unknown")
        wait = _between(stay.since, at)
    told = [about.direction.casefold() for about in task.about if about.direction]
    direction = next((each for each in told if each in _DIRECTIONS), None)
    account.note("direction is not in TaskAttributes: inbound", int(direction is None))
    direction = direction or "inbound"
    hung_up = _HUNG_UP.get(next((about.hung_up for about in reversed(task.about) if about.hung_up), "").casefold())
    ended_by = "customer" if outcome == "abandoned" else hung_up if answer is not None and sent_to is None else None
    caller = next((about.caller for about in task.about if about.caller), None)
    called = next((about.called for about in task.about if about.called), None)
    outbound = direction == "outbound"
    channel = (task.channel or ("voice" if any(about.call for about in task.about) else "task")).casefold()
    said = next((about.outcome for about in reversed(task.about) if about.outcome), None) if answer is not None else None
    return (
        task.contact, channel, direction, stay.queue, stay.since, outcome, raw, wait, ring, talk, _NOT_KNOWN, wrap,
        agent, task.arrived, sent_to, ended_by, called if outbound else caller, None if outbound else called, said,
        len(stay.reservations), sum(each.missed for each in stay.reservations),
    )  # fmt: skip


def _between(start: datetime | None, end: datetime | None) -> float:
    """Seconds; missing where one of them is, or where they are the wrong way round."""
    if start is None or end is None or end < start - _CLOSE:
        return _NOT_KNOWN
    return max(0.0, (end - start).total_seconds())


READER = Reader(
    name="twilio_taskrouter",
    title="Twilio TaskRouter, Flex (events of callbacks and Event Streams)",
    yields=("contacts", "agent_states"),
    clock="utc",
    evidence="the vendor's documentation and its public code over such events; not seen on real data",
    looks_like=looks_like,
    read=read_events,
    options=("activities", "reasons"),
)
