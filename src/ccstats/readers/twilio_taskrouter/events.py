"""Events of TaskRouter, by whichever way they came: one object an event with the same fields under differently written names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd

from ccstats.readers.accounting import Account
from ccstats.readers.contract import Source
from ccstats.readers.json_facts import BadRecord, instant_of, object_of
from ccstats.readers.json_records import JsonRecords, JsonShape, Record, clean_text, starts_as_json
from ccstats.readers.product_tables import MISSING, folded
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.values import to_text

__all__ = ["KINDS", "SHAPE", "About", "Event", "Passed", "Records", "event_of", "is_json"]

SHAPE = JsonShape(
    keys=(
        # a callback's form fields, in whatever order they were kept
        "EventType", "Sid", "AccountSid", "WorkspaceSid", "WorkspaceName", "EventDescription", "ResourceType", "ResourceSid", "Timestamp",
        "TimestampMs", "TaskSid", "TaskPriority", "WorkerSid", "WorkerActivityName", "WorkflowName", "ReservationSid", "OperatingUnitSid",
        # Event Streams, and events that the interface lists
        "specversion", "datacontenttype", "dataschema", "account_sid", "actor_sid", "event_type",
    ),
    within=("events", "Events", "records", "Records"),
)  # fmt: skip
#: Event Streams put this before the type of the event.
_STREAM, _PREFIX = "com.twilio.", "com.twilio.taskrouter."
#: Types of events that are used, in the order in which they happen where several have one time; what each of them needs besides.
KINDS: dict[str, tuple[str, ...]] = {
    "activity.created": (),
    "activity.updated": (),
    "task.created": ("TaskSid",),
    "task.updated": ("TaskSid",),
    "task-queue.timeout": ("TaskSid",),
    "task-queue.moved": ("TaskSid",),
    "task-queue.entered": ("TaskSid",),
    "task.transfer-initiated": ("TaskSid",),
    "reservation.created": ("TaskSid", "ReservationSid"),
    "reservation.accepted": ("TaskSid", "ReservationSid"),
    "reservation.rejected": ("TaskSid", "ReservationSid"),
    "reservation.timeout": ("TaskSid", "ReservationSid"),
    "reservation.rescinded": ("TaskSid", "ReservationSid"),
    "reservation.canceled": ("TaskSid", "ReservationSid"),
    "reservation.failed": ("TaskSid", "ReservationSid"),
    "task.transfer-failed": ("TaskSid",),
    "task.transfer-canceled": ("TaskSid",),
    "reservation.wrapup": ("TaskSid", "ReservationSid"),
    "task.wrapup": ("TaskSid",),
    "reservation.completed": ("TaskSid", "ReservationSid"),
    "workflow.timeout": ("TaskSid",),
    "workflow.skipped": ("TaskSid",),
    "task.completed": ("TaskSid",),
    "task.canceled": ("TaskSid",),
    "task.deleted": ("TaskSid",),
    "task.system-deleted": ("TaskSid",),
    "worker.activity.update": ("WorkerSid",),
    "worker.deleted": ("WorkerSid",),
}
_RANK = {kind: at for at, kind in enumerate(KINDS)}
#: Types that are known and tell nothing of contacts or states of agents.
_SILENT = (
    "activity.deleted", "task.transfer-attempt-failed", "task.transfer-completed", "task-channel.created", "task-channel.updated",
    "task-channel.deleted", "task-queue.created", "task-queue.deleted", "task-queue.expression.updated", "worker.created",
    "worker.attributes.update", "worker.capacity.update", "worker.channel.availability.update", "workflow.created", "workflow.updated",
    "workflow.deleted", "workflow.entered", "workflow.target-matched", "workspace.created", "workspace.updated", "workspace.deleted",
)  # fmt: skip
#: Numbers of times from here on are milliseconds.
_MILLISECONDS = 1e11
_MILLISECOND = timedelta(milliseconds=1)
#: Before this Event Streams told in milliseconds what is said to be in seconds.
_IN_SECONDS = datetime(2021, 5, 22, tzinfo=UTC)
_EPOCH, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_LONGEST_MS = 366 * 86_400_000.0


class About(NamedTuple):
    """What a task's attributes tell of the contact."""

    conversation: str | None
    call: str | None
    direction: str | None
    caller: str | None
    called: str | None
    hung_up: str | None
    outcome: str | None


class Event(NamedTuple):
    """One event; the first three put events in their order."""

    at: datetime
    rank: int
    key: str
    kind: str
    source: str
    task: str | None
    reservation: str | None
    worker: str | None
    name: str | None
    queue: str | None
    queue_sid: str | None
    channel: str | None
    about: About | None
    reason: str | None
    #: Activities: the new one, the one before, and how long that lasted; of ``activity.*`` whether one is available.
    activity: str | None
    before: str | None
    spent: timedelta | None
    available: str | None
    transfer_to: str | None
    transfer_from: str | None
    entered: datetime | None


class Passed(NamedTuple):
    """No event that is used: the rule, and the type if it is one that is not known."""

    rule: str
    strange: str | None = None


class Records:
    """The records of one source: JSON, or the rows of a table; ``weight`` is how many lines the last one given out covers."""

    def __init__(self, source: Source, account: Account) -> None:
        self.source, self.account = source, account
        self.weight = 1
        self.json = JsonRecords(source, SHAPE, account) if is_json(source) else None
        self.bad: dict[str, tuple[list[int], list[str], list[int]]] = {}

    def __iter__(self) -> Iterator[Record]:
        if self.json is not None:
            yield from self.json
            return
        grid = read_grid(self.source, Layout(), self.account)
        columns = {name: to_text(values, MISSING) for name, values in grid.columns.items()}
        for at, cells in enumerate(zip(*columns.values(), strict=True)):
            facts = {name: cell for name, cell in zip(columns, cells, strict=True) if not pd.isna(cell)}
            self.weight = int(grid.weight[at])
            yield Record(int(grid.line[at]), facts, " | ".join(facts.values()) if self.account.keeps_text else "")
        for reason, (lines, texts, weights) in self.bad.items():
            self.account.reject(self.source.name, lines, reason, texts=texts, weight=sum(weights))

    def reject(self, record: Record, reason: str) -> None:
        """Set aside the record that was given out last."""
        if self.json is not None:
            self.json.reject(record, reason)
            return
        lines, texts, weights = self.bad.setdefault(reason, ([], [], []))
        lines.append(record.number)
        weights.append(self.weight)
        if self.account.keeps_text:
            texts.append(record.text)


def is_json(source: Source) -> bool:
    """Whether a source is JSON and not a table."""
    return source.frame is None and starts_as_json(bytes(source.data[:65_536]))


def event_of(record: dict[str, Any], source: str) -> Event | Passed:
    """The event that a record tells of."""
    facts = _facts(record)
    kind = _text(facts, "EventType")
    if kind is None:
        raise BadRecord("EventType is missing")
    if kind.startswith(_STREAM):
        return Passed("of another product")
    if kind in _SILENT:
        return Passed("of a type that tells nothing of contacts or agents")
    if kind not in KINDS:
        return Passed("EventType is not known", kind)
    at = _instant(facts, "TimestampMs") or _instant(facts, "Timestamp")
    if at is None:
        raise BadRecord("Timestamp is missing")
    for name in KINDS[kind]:
        if _text(facts, name) is None:
            raise BadRecord(f"{name} is missing")
    task, reservation, worker = (_text(facts, name) for name in ("TaskSid", "ReservationSid", "WorkerSid"))
    about = _about(facts) if task else None
    # Sent again, it has the same Sid.
    key = _text(facts, "Sid") or f"{at.isoformat()} {kind} {task} {reservation} {worker}"
    spent = _number(facts, "WorkerTimeInPreviousActivityMs")
    if spent is None and at >= _IN_SECONDS and (seconds := _number(facts, "WorkerTimeInPreviousActivity")) is not None:
        spent = seconds * 1000
    if spent is not None and not 0 <= spent < _LONGEST_MS:
        spent = None
    queue, queue_sid = _text(facts, "TaskQueueName"), _text(facts, "TaskQueueSid")
    to = _text(facts, "TransferTo")
    if to is None and (_text(facts, "TransferType") or "").casefold() == "worker":
        to = "WK"
    try:
        entered = _instant(facts, "TaskQueueEnteredDate")
    except BadRecord:
        # It only stands in for an event that is lost.
        entered = None
    return Event(
        at, _RANK[kind], key, kind, source, task, reservation, worker, _text(facts, "WorkerName"), queue, queue_sid,
        _text(facts, "TaskChannelUniqueName"), about, _text(facts, "TaskCanceledReason") or _text(facts, "Reason"),
        _text(facts, "ActivityName" if kind.startswith("activity.") else "WorkerActivityName"),
        _text(facts, "WorkerPreviousActivityName"), None if spent is None else timedelta(milliseconds=spent),
        _text(facts, "ActivityAvailable"), to, _text(facts, "TransferInitiatingReservationSid"), entered,
    )  # fmt: skip


def _facts(record: dict[str, Any]) -> dict[str, Any]:
    """The fields by their names without case and signs, with the type of the event among them."""
    if "data" in record and "EventType" not in record:
        data = object_of(record, "data")
        payload = data.get("payload")
        facts = {folded(name): value for name, value in object_of(data, "payload").items()} if payload is not None else {}
        kind = record.get("type")
        if isinstance(kind, str) and kind.startswith(_STREAM):
            # Of another product the whole type stays, so that it is told from ours.
            facts["eventtype"] = kind.removeprefix(_PREFIX)
        return facts
    if "event_data" in record:
        facts = {folded(name): value for name, value in object_of(record, "event_data").items()}
        theirs = {"event_type": "eventtype", "event_date_ms": "timestampms", "event_date": "timestamp", "sid": "sid"}
        return {**facts, **{name: record[key] for key, name in theirs.items() if key in record}}
    return {folded(name): value for name, value in record.items()}


def _text(facts: dict[str, Any], name: str) -> str | None:
    """Text without blanks around it, also of a number or a yes; None where it is null, blank or not there."""
    value = facts.get(name.casefold())
    if value is None:
        return None
    if isinstance(value, bool | int | float):
        return str(value).casefold()
    if not isinstance(value, str):
        raise BadRecord(f"{name} is no text")
    return clean_text(value).strip() or None


def _number(facts: dict[str, Any], name: str) -> float | None:
    text = _text(facts, name)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not abs(number) < 1e18:
        raise BadRecord(f"{name} is no number")
    return number


def _instant(facts: dict[str, Any], name: str) -> datetime | None:
    """Seconds or milliseconds since 1970, or ISO 8601."""
    text = _text(facts, name)
    if text is None:
        return None
    if not text.replace(".", "", 1).isdecimal():
        return instant_of({name: text}, name)
    number = _number(facts, name) or 0.0
    milliseconds = round(number if number >= _MILLISECONDS else number * 1000, 3)
    if not milliseconds < (_LAST - _EPOCH) / _MILLISECOND:
        raise BadRecord(f"{name} is outside 1970 to 2200")
    return _EPOCH + timedelta(milliseconds=milliseconds)


def _about(facts: dict[str, Any]) -> About | None:
    """Attributes are whatever an application has put there: what is not as expected is not known."""
    attributes = facts.get("taskattributes")
    if isinstance(attributes, str):
        try:
            attributes = json.loads(attributes)
        except (ValueError, RecursionError):
            return None
    if not isinstance(attributes, dict):
        return None
    conversations = attributes.get("conversations")
    conversations = conversations if isinstance(conversations, dict) else {}

    def first(held: dict[str, Any], *names: str) -> str | None:
        texts = (clean_text(value).strip() for name in names if isinstance(value := held.get(name), str))
        return next((text for text in texts if text), None)

    return About(
        first(conversations, "conversation_id"),
        first(attributes, "call_sid"),
        first(attributes, "direction"),
        first(attributes, "from", "caller", "customerAddress"),
        first(attributes, "to", "called", "outbound_to"),
        first(conversations, "hang_up_by"),
        first(conversations, "outcome"),
    )
