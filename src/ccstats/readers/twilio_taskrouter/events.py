"""Events of TaskRouter in columns, by whichever way they came: the same fields under differently written names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.readers.accounting import Account
from ccstats.readers.contract import Source
from ccstats.readers.json_facts import BadRecord, object_of
from ccstats.readers.json_records import JsonRecords, JsonShape, starts_as_json
from ccstats.readers.product_tables import MISSING, folded
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.threads import for_each
from ccstats.readers.twilio_taskrouter.attributes import About, abouts_of, coded, numbered
from ccstats.readers.twilio_taskrouter.values import EPOCH, MICROSECOND, NEVER, are_milliseconds, as_text, micros_of, number_of
from ccstats.readers.values import to_text, trimmed

__all__ = ["KINDS", "RANK", "SHAPE", "events_of", "is_json"]

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
RANK = {kind: at for at, kind in enumerate(KINDS)}
#: Types that are known and tell nothing of contacts or states of agents.
_SILENT = (
    "activity.deleted", "task.transfer-attempt-failed", "task.transfer-completed", "task-channel.created", "task-channel.updated",
    "task-channel.deleted", "task-queue.created", "task-queue.deleted", "task-queue.expression.updated", "worker.created",
    "worker.attributes.update", "worker.capacity.update", "worker.channel.availability.update", "workflow.created", "workflow.updated",
    "workflow.deleted", "workflow.entered", "workflow.target-matched", "workspace.created", "workspace.updated", "workspace.deleted",
)  # fmt: skip
#: Fields that are read, by their names without case and signs.
_NAMES = (
    "EventType", "Sid", "Timestamp", "TimestampMs", "TaskSid", "ReservationSid", "WorkerSid", "WorkerName", "TaskQueueName", "TaskQueueSid",
    "TaskChannelUniqueName", "TaskCanceledReason", "Reason", "ActivityName", "ActivityAvailable", "WorkerActivityName",
    "WorkerPreviousActivityName", "WorkerTimeInPreviousActivityMs", "WorkerTimeInPreviousActivity", "TaskQueueEnteredDate",
    "TransferTo", "TransferType", "TransferInitiatingReservationSid",
)  # fmt: skip
_ATTRIBUTES = "TaskAttributes"
#: Before this Event Streams told in milliseconds what is said to be in seconds. [us]
_IN_SECONDS = (datetime(2021, 5, 22, tzinfo=UTC) - EPOCH) // MICROSECOND
_LONGEST_MS = 366 * 86_400_000.0
_BATCH = 2_000
#: Records that become columns together, while they are near. [rows]
_TOGETHER = 250
_SHAPES = 1000


class _Batch(NamedTuple):
    """Some rows of one source: fields by their names, in lists where they may hold what is no text; rows that are bad from the start."""

    columns: dict[str, Any]
    attributes: Sequence[Any] | pa.ChunkedArray
    line: np.ndarray
    weight: np.ndarray
    texts: Callable[[int], str]
    refused: dict[str, list[int]]


def is_json(source: Source) -> bool:
    """Whether a source is JSON and not a table."""
    return source.frame is None and starts_as_json(bytes(source.data[:65_536]))


def events_of(source: Source, account: Account, abouts: dict[About, int], strange: Counter[str]) -> Iterator[pa.Table]:
    """The events of a source that are used, in columns; the others are booked.

    ``abouts`` numbers what attributes tell, and ``strange`` counts types that are not known.
    """
    batches = _of_json(source, account) if is_json(source) else _of_grid(source, account)
    bad: dict[str, list[tuple[int, int, str]]] = {}
    for batch in batches:
        yield _Reading(source.name, batch, account, bad).events(abouts, strange)
    for reason, rows in bad.items():
        lines, weights, texts = zip(*rows, strict=True)
        account.reject(source.name, lines, reason, texts=texts, weight=sum(weights))


class _Reading:
    """Rows of a batch on their way: the first reason closes each."""

    def __init__(self, source: str, batch: _Batch, account: Account, bad: dict[str, list[tuple[int, int, str]]]) -> None:
        self.source, self.batch, self.account, self.bad = source, batch, account, bad
        self.many = len(batch.line)
        self.open = np.ones(self.many, dtype=bool)

    def events(self, abouts: dict[About, int], strange: Counter[str]) -> pa.Table:
        """The events of the rows that stay open."""
        for reason, rows in self.batch.refused.items():
            self.close(np.isin(np.arange(self.many), rows), reason)
        (codes,), words = coded(self.words("EventType"))
        kinds = words.to_pylist()
        self.close(codes < 0, "EventType is missing")
        rank = self._kinds(codes, kinds, strange)
        at = self._instants("TimestampMs")
        at = np.where(at == NEVER, self._instants("Timestamp", at == NEVER), at)
        self.close(at == NEVER, "Timestamp is missing")
        sids = {name: self.words(name) for name in ("TaskSid", "ReservationSid", "WorkerSid")}
        for name, sid in sids.items():
            needs = np.array([name in KINDS[kind] for kind in KINDS])[rank]
            self.close(needs & sid.is_null().to_numpy(), f"{name} is missing")
        task = sids["TaskSid"]
        about = np.where(task.is_valid().to_numpy(), abouts_of(self.batch.attributes, abouts), -1)
        key = self._keys(at, rank, *sids.values())
        spent = self._spent(at)
        queue, queue_sid = self.words("TaskQueueName"), self.words("TaskQueueSid")
        to = self.text("TransferTo")
        to_worker = pc.equal(pc.utf8_lower(self.text("TransferType", to.is_null().to_numpy())), "worker")
        to = pc.if_else(pc.and_(to.is_null(), pc.fill_null(to_worker, False)), "WK", to)
        # It only stands in for an event that is lost: where it is no time, it is not known.
        entered = self._instants("TaskQueueEnteredDate", np.zeros(self.many, dtype=bool))
        name, channel = self.words("WorkerName"), self.words("TaskChannelUniqueName")
        canceled = self.text("TaskCanceledReason")
        reason = pc.coalesce(canceled, self.text("Reason", canceled.is_null().to_numpy()))
        of_activity = rank <= RANK["activity.updated"]
        activity = self.words("WorkerActivityName", ~of_activity)
        if of_activity.any():
            activity = pc.if_else(pa.array(of_activity), self.text("ActivityName", of_activity), _as_text(activity))
        before, available, sender = (
            self.words(name) for name in ("WorkerPreviousActivityName", "ActivityAvailable", "TransferInitiatingReservationSid")
        )
        columns = {
            "at": at, "rank": rank, "key": key, "task": task, "reservation": sids["ReservationSid"], "worker": sids["WorkerSid"],
            "name": name, "queue": queue, "queue_sid": queue_sid, "channel": channel, "about": about, "reason": reason,
            "activity": activity, "before": before, "spent": spent, "available": available, "to": to, "sender": sender,
            "entered": entered, "weight": self.batch.weight,
        }  # fmt: skip
        table = pa.table(columns)
        return table if self.open.all() else table.filter(pa.array(self.open))

    def text(self, name: str, needed: np.ndarray | None = None) -> pa.ChunkedArray:
        """Text of a field; rows that need it and where it is none are closed."""
        return _as_text(self.words(name, needed))

    def words(self, name: str, needed: np.ndarray | None = None) -> pa.ChunkedArray:
        """The same as numbers of its words where a table has it so."""
        values = self.batch.columns.get(folded(name))
        if values is None:
            return pa.chunked_array([pa.nulls(self.many, pa.large_string())])
        if isinstance(values, pa.ChunkedArray):
            return values
        try:
            texts = values if isinstance(values, pa.Array) else pa.array(values, pa.large_string())
        except (pa.ArrowException, UnicodeEncodeError):
            wrong = np.array([isinstance(value, dict | list) for value in values], dtype=bool)
            self.close(wrong if needed is None else wrong & needed, f"{name} is no text")
            texts = pa.array([None if no else as_text(value) for value, no in zip(values, wrong, strict=True)], pa.large_string())
        texts = trimmed(texts)
        blank = pc.equal(texts, "")
        return pa.chunked_array([pc.if_else(blank, None, texts) if pc.any(blank).as_py() else texts])

    def close(self, mask: np.ndarray, reason: str) -> None:
        """Reject the open rows of ``mask``."""
        hit = np.flatnonzero(mask & self.open).tolist()
        if hit:
            batch = self.batch
            self.bad.setdefault(reason, []).extend((int(batch.line[at]), int(batch.weight[at]), batch.texts(at)) for at in hit)
            self.open[hit] = False

    def _kinds(self, codes: np.ndarray, kinds: list[str], strange: Counter[str]) -> np.ndarray:
        """The ranks of types; rows of others are ignored."""
        ranks = [RANK.get(kind, -1) for kind in kinds]
        rules = ["of another product" if kind.startswith(_STREAM) else "of a type that tells nothing of contacts or agents"
                 if kind in _SILENT else "EventType is not known" for kind in kinds]  # fmt: skip
        others = self.open & (np.array([*ranks, 0])[codes] < 0)
        rows = np.bincount(codes[others], minlength=len(kinds))
        weights = np.bincount(codes[others], self.batch.weight[others], minlength=len(kinds))
        for code in np.flatnonzero(rows).tolist():
            self.account.count(self.source, "ignored", rules[code], int(weights[code]))
            if rules[code].endswith("not known"):
                strange[kinds[code]] += int(rows[code])
        self.open &= ~others
        return np.maximum(np.array([*ranks, 0], dtype="int8")[codes], 0)

    def _each(self, name: str, read: Callable[[str, str], Any], nothing: Any, needed: np.ndarray | None = None) -> np.ndarray:
        """What ``read`` makes of each word of a field; rows that need it and of which it can make nothing are closed."""
        (codes,), words = coded(self.words(name, needed))
        values, reasons = np.full(len(words) + 1, nothing), np.zeros(len(words) + 1, dtype="int64")
        said: dict[str, int] = {}
        for at, word in enumerate(words.to_pylist()):
            try:
                values[at] = read(word, name)
            except BadRecord as problem:
                reasons[at] = said.setdefault(str(problem), len(said) + 1)
        for reason, number in said.items():
            wrong = reasons[codes] == number
            self.close(wrong if needed is None else wrong & needed, reason)
        return values[codes]

    def _instants(self, name: str, needed: np.ndarray | None = None) -> np.ndarray:
        """Times in microseconds since 1970."""
        text = self.text(name, needed)
        if are_milliseconds(text):
            # As nearly all are written: PyArrow reads them at once.
            there = text.is_valid().to_numpy()
            return np.where(there, text.cast("int64").fill_null(0).to_numpy() * 1000, NEVER)
        return self._each(name, micros_of, NEVER, needed)

    def _spent(self, at: np.ndarray) -> np.ndarray:
        """How long the activity before lasted, in microseconds."""
        milliseconds = self._each("WorkerTimeInPreviousActivityMs", number_of, np.nan)
        asked = np.isnan(milliseconds) & (at >= _IN_SECONDS)
        spent = np.where(asked, self._each("WorkerTimeInPreviousActivity", number_of, np.nan, asked) * 1000, milliseconds)
        good = (spent >= 0) & (spent < _LONGEST_MS)
        spent = np.where(good, spent, 0.0)
        whole = np.floor(spent)
        return np.where(good, (whole * 1000 + np.rint((spent - whole) * 1000)).astype("int64"), NEVER)

    def _keys(self, at: np.ndarray, rank: np.ndarray, *sids: pa.ChunkedArray) -> pa.ChunkedArray:
        """What tells one event from another: sent again, it has the same Sid."""
        key = self.text("Sid")
        without = np.flatnonzero(key.is_null().to_numpy() & self.open)
        if not len(without):
            return key
        kinds, told = list(KINDS), [sid.take(pa.array(without)).to_pylist() for sid in sids]
        made = [
            f"{(EPOCH + int(at[row]) * MICROSECOND).isoformat()} {kinds[rank[row]]} {task} {reservation} {worker}"
            for row, task, reservation, worker in zip(without, *told, strict=True)
        ]
        instead = np.zeros(self.many, dtype="int64")
        instead[without] = np.arange(len(without))
        return pc.coalesce(key, pa.array(made, pa.large_string()).take(pa.array(instead)))


def _of_json(source: Source, account: Account) -> Iterator[_Batch]:
    spelling = _Spelling()
    numbers: list[int] = []
    texts: list[str] = []
    refused: dict[str, list[int]] = {}
    rows: list[dict[str, Any]] = []
    pieces: list[list[Any]] = []

    def batch() -> _Batch:
        pieces.append(spelling.columns(rows))
        *columns, attributes = map(_together, zip(*pieces, strict=True))
        named = {folded(name): column for name, column in zip(_NAMES, columns, strict=True)}
        line, weight = np.array(numbers, dtype="int64"), np.ones(len(numbers), dtype="int64")
        told = pa.chunked_array([attributes]) if isinstance(attributes, pa.Array) else attributes
        return _Batch(named, told, line, weight, texts.__getitem__, refused)

    for record in JsonRecords(source, SHAPE, account):
        try:
            facts = _facts(record.value)
        except BadRecord as problem:
            refused.setdefault(str(problem), []).append(len(numbers))
            facts = {}
        numbers.append(record.number)
        texts.append(record.text)
        rows.append(spelling.of(facts))
        if len(rows) == _TOGETHER:
            pieces.append(spelling.columns(rows))
            rows = []
        if len(numbers) == _BATCH:
            yield batch()
            numbers, texts, refused, rows, pieces = [], [], {}, [], []
    yield batch()


class _Spelling:
    """The keys under which the fields of a source stand, as its first records write them; those of others are renamed."""

    def __init__(self) -> None:
        self._keys, self._known = [*_NAMES, _ATTRIBUTES], set[int]()
        self._shapes: dict[tuple[str, ...], dict[str, str] | None] = {}

    def of(self, facts: dict[str, Any]) -> dict[str, Any]:
        """The fields of a record, which may have others besides."""
        shape = tuple(facts)
        renamed = self._shapes[shape] if shape in self._shapes else self._learnt(shape)
        return facts if renamed is None else {ours: facts[theirs] for ours, theirs in renamed.items()}

    def _learnt(self, shape: tuple[str, ...]) -> dict[str, str] | None:
        """Our keys and those of records of this shape; None where they are the same."""
        called = {folded(key): key for key in shape}
        theirs = {at: called[folded(key)] for at, key in enumerate(self._keys) if folded(key) in called}
        for at in theirs.keys() - self._known:
            self._keys[at] = theirs[at]
        self._known |= theirs.keys()
        renamed = {self._keys[at]: key for at, key in theirs.items()}
        found = renamed if any(ours != key for ours, key in renamed.items()) else None
        if len(self._shapes) < _SHAPES:
            self._shapes[shape] = found
        return found

    def columns(self, rows: list[dict[str, Any]]) -> list[Any]:
        """The fields of some records, each as PyArrow's text, or as lists if one of them holds what is no text."""
        try:
            return list(pa.array(rows, pa.struct([(key, pa.large_string()) for key in self._keys])).flatten())
        except (pa.ArrowException, UnicodeEncodeError):
            return [[facts.get(key) for facts in rows] for key in self._keys]


def _together(parts: Sequence[Any]) -> Any:
    """Parts of a field one after the other: as text if all are."""
    if all(isinstance(part, pa.Array) for part in parts):
        return pa.concat_arrays(parts)
    return [value for part in parts for value in (part.to_pylist() if isinstance(part, pa.Array) else part)]


def _of_grid(source: Source, account: Account) -> Iterator[_Batch]:
    grid = read_grid(source, Layout(), account)
    wanted = {folded(name) for name in (*_NAMES, _ATTRIBUTES)}
    names = [name for name in grid.columns if folded(name) in wanted]
    texts = for_each(lambda name: numbered(grid.columns[name], MISSING), names, rows=len(grid.line))
    columns: dict[str, pa.ChunkedArray] = {}
    for name, text in zip(names, texts, strict=True):
        before = columns.get(folded(name))
        columns[folded(name)] = text if before is None else pc.coalesce(_as_text(text), _as_text(before))

    def shown(row: int) -> str:
        cells = (to_text(values.iloc[[row]], MISSING).iat[0] for values in grid.columns.values())
        return " | ".join(cell for cell in cells if isinstance(cell, str))

    many = len(grid.line)
    attributes = columns.get(folded(_ATTRIBUTES), pa.chunked_array([pa.nulls(many, pa.large_string())]))
    yield _Batch(columns, attributes, grid.line, grid.weight, shown, {})


def _as_text(words: pa.ChunkedArray) -> pa.ChunkedArray:
    return words.cast(pa.large_string())


def _facts(record: dict[str, Any]) -> dict[str, Any]:
    """The fields of an event, with its type among them."""
    if "data" in record and "EventType" not in record:
        data = object_of(record, "data")
        facts = object_of(data, "payload") if data.get("payload") is not None else {}
        kind = record.get("type")
        # Of another product the whole type stays, so that it is told from ours.
        return {**facts, " eventtype": kind.removeprefix(_PREFIX)} if isinstance(kind, str) and kind.startswith(_STREAM) else facts
    if "event_data" in record:
        theirs = {"event_type": " eventtype", "event_date_ms": " timestampms", "event_date": " timestamp", "sid": " sid"}
        return {**object_of(record, "event_data"), **{name: record[key] for key, name in theirs.items() if key in record}}
    return record
