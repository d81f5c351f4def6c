"""Conversation details of Genesys Cloud: a JSON record each; queue visits are found among participants, sessions, segments."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning
from ccstats.privacy import pseudonymise
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.json_facts import BadRecord, instant_of, list_of, text_of
from ccstats.readers.json_records import JsonRecords, JsonShape, clean_text, starts_as_json
from ccstats.readers.values import LONGEST_S
from ccstats.schema import AGENT_STATES, CONTACTS

__all__ = ["READER", "SHAPE", "looks_like", "read_conversations"]

SHAPE = JsonShape(
    keys=("conversationId", "conversationStart", "conversationEnd", "originatingDirection", "divisionIds", "mediaStatsMinConversationMos"),
    within=("conversations",),
)
#: What a queue session's metrics say became of the visit; the first that is there.
_METRICS = {"tAnswered": "answered", "tAbandon": "abandoned", "tFlowOut": "overflowed"}
#: Where a visit flowed out to that is an outcome of its own.
_FLOW_OUT = {"voicemail": "voicemail", "callback": "callback"}
#: How a queue session ended, where it has no metrics and no agent took the contact.
_ENDED = {
    "peer": "abandoned",
    "endpoint": "abandoned",
    "transfer": "overflowed",
    "transfer.forward": "overflowed",
    "transfer.noanswer": "overflowed",
    "transfer.notavailable": "overflowed",
    "transfer.consult": "overflowed",
    "transfer.conference": "overflowed",
    "timeout": "timed_out",
    "error": "failed",
    "transport.failure": "failed",
    "uncallable": "failed",
}
#: How the agent's session ended, as who hung up; a transfer is nobody's.
_HUNG_UP = {"client": "agent", "endpoint": "agent", "peer": "customer", "system": "system", "timeout": "system", "error": "system"}
_DIRECTIONS = ("inbound", "outbound")
_OF_CUSTOMER = ("customer", "external")
_COLUMNS = (
    "contact_id", "visit", "channel", "direction", "queue", "queued_at", "outcome", "raw_outcome", "wait_s", "ring_s", "talk_s", "hold_s",
    "wrap_s", "agent", "arrived_at", "ivr_s", "ended_by", "customer", "dnis", "disposition", "ring_attempts", "ring_noanswer",
)  # fmt: skip
_NEVER = datetime(2200, 1, 1, tzinfo=UTC)
#: Clocks of two parts of the platform may differ by so much. [s]
_CLOSE_S = 1.0


class _Segment(NamedTuple):
    kind: str
    start: datetime
    end: datetime | None
    queue: str | None
    ended: str | None
    wrap_up: str | None

    @property
    def seconds(self) -> float:
        return float("nan") if self.end is None else (self.end - self.start).total_seconds()


class _Session(NamedTuple):
    purpose: str
    user: str | None
    media: str
    facts: dict[str, Any]
    metrics: dict[str, float]
    segments: list[_Segment]

    def of(self, kind: str) -> list[_Segment]:
        return [each for each in self.segments if each.kind == kind]

    def lasted(self, kind: str, metric: str, notes: dict[str, int]) -> float:
        """Seconds in one kind of segment: as the platform says, else the sum of its segments; missing where one has not ended."""
        parts = self.of(kind)
        summed = sum((each.seconds for each in parts), 0.0)
        told = self.metrics.get(metric)
        if told is None:
            return summed
        if parts and abs(told - summed) > _CLOSE_S:
            note = f"{metric} differs from its segments by more than a second: {metric} is taken"
            notes[note] = notes.get(note, 0) + 1
        return told


class _Kept(NamedTuple):
    rank: tuple[bool, datetime, int]
    source: str
    rows: list[tuple[Any, ...]]
    notes: dict[str, int]


def looks_like(head: bytes) -> bool:
    """Whether it is JSON with conversations that have participants with sessions.

    Examples
    --------
    >>> looks_like(b'{"conversations": [{"conversationId": "c1", "participants": [{"purpose": "acd", "sessions": [')
    True
    >>> looks_like(b'{"conversations": []}')
    False
    """
    return starts_as_json(head) and all(key in head for key in (b'"conversationId"', b'"participants"', b'"sessions"'))


def read_conversations(sources: Sequence[Source], options: Options) -> Log:
    """Read conversation details; `ccstats.read` is the way in.

    Parameters
    ----------
    sources : sequence of Source
        Answers of the details query or of the job: pages, lines or lists of conversations.
    options : Options
        No option of its own.

    Returns
    -------
    Log
        Lines are conversations. ``agent_states`` is empty.

    Examples
    --------
    >>> log = read_conversations([Source("empty", b"")], Options())
    >>> len(log.contacts), len(log.agent_states)
    (0, 0)
    """
    account = Account(options, unit="record")
    kept: dict[str, _Kept] = {}
    for source in sources:
        records = JsonRecords(source, SHAPE, account)
        for record in records:
            try:
                key, found = _conversation(record.value, source.name)
            except BadRecord as problem:
                records.reject(record, str(problem))
                continue
            other = kept.get(key)
            if other is not None:
                found, other = (found, other) if found.rank >= other.rank else (other, found)
                account.count(other.source, "ignored", "another version of the same conversation", 1)
            kept[key] = found
        if options.progress:
            options.progress(source.name, 1.0)
    rows: list[tuple[Any, ...]] = []
    for found in kept.values():
        account.count(found.source, *(("used", "conversation") if found.rows else ("ignored", "visited no queue")), 1)
        rows += found.rows
        for note, count in found.notes.items():
            account.note(note, count)
    contacts = _frame(rows)
    _warn(contacts)
    if options.pseudonyms:
        contacts["customer"] = pseudonymise(contacts["customer"], options.key)
    rejected, lines, notes = account.tables()
    return Log(CONTACTS.conform(contacts), AGENT_STATES.empty(), rejected, lines, notes, "genesys_cloud_conversations", options.timezone)


def _frame(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True)) if rows else {name: () for name in _COLUMNS}
    out: dict[str, Any] = {}
    for name, values in columns.items():
        kind = CONTACTS[name].kind
        if kind == "instant":
            out[name] = pd.Series(pd.DatetimeIndex(pd.to_datetime(list(values), utc=True)).as_unit("us"))
        elif kind == "seconds":
            out[name] = np.array(values, dtype="float64")
        elif kind == "count":
            out[name] = np.array(values, dtype="int64")
        elif kind == "maybe_count":
            out[name] = pd.array(values, dtype="Int64")
        else:
            out[name] = pd.Series(list(values), dtype="str")
    return pd.DataFrame(out)


def _warn(contacts: pd.DataFrame) -> None:
    unknown = contacts.loc[contacts["outcome"] == "unknown", "raw_outcome"]
    if len(unknown):
        words = ", ".join(map(repr, sorted(unknown.dropna().unique())[:5])) or "blank"
        warnings.warn(
            f"{len(unknown)} queue visits ended in a way that format 'genesys_cloud_conversations' does not know ({words}); "
            "they are counted as 'unknown'",
            DataWarning,
            stacklevel=5,
        )


def _conversation(record: dict[str, Any], source: str) -> tuple[str, _Kept]:
    key = text_of(record, "conversationId")
    if key is None:
        raise BadRecord("conversationId is missing")
    began, over = instant_of(record, "conversationStart"), instant_of(record, "conversationEnd")
    if began is None:
        raise BadRecord("conversationStart is missing")
    sessions = [_session(each, participant) for participant in list_of(record, "participants") for each in list_of(participant, "sessions")]
    segments = [each for session in sessions for each in session.segments]
    last = max((each.end or each.start for each in segments), default=began)
    rank = (over is not None, max(last, over or began), len(segments))
    notes: dict[str, int] = {}
    return key, _Kept(rank, source, _visits(key, began, over, record, sessions, notes), notes)


def _session(session: dict[str, Any], participant: dict[str, Any]) -> _Session:
    segments = [_segment(each) for each in list_of(session, "segments")]
    segments.sort(key=lambda each: each.start)
    metrics: dict[str, float] = {}
    for each in list_of(session, "metrics"):
        name, value = text_of(each, "name"), each.get("value")
        if name is None or not name.startswith("t") or value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LONGEST_S * 1000:
            raise BadRecord(f"metric {name} is no duration in milliseconds, or above a year")
        metrics[name] = metrics.get(name, 0.0) + value / 1000
    purpose, media = text_of(participant, "purpose") or "unknown", text_of(session, "mediaType") or "unknown"
    return _Session(purpose, text_of(participant, "userId"), media, session, metrics, segments)


def _segment(segment: dict[str, Any]) -> _Segment:
    start, end = instant_of(segment, "segmentStart"), instant_of(segment, "segmentEnd")
    if start is None:
        raise BadRecord("segmentStart is missing")
    if end is not None:
        seconds = (end - start).total_seconds()
        if seconds < -_CLOSE_S:
            raise BadRecord("a segment ends before it starts")
        if seconds >= LONGEST_S:
            raise BadRecord("a segment is longer than a year")
        end = max(end, start)
    kind = text_of(segment, "segmentType") or "unknown"
    return _Segment(kind, start, end, text_of(segment, "queueId"), text_of(segment, "disconnectType"), text_of(segment, "wrapUpCode"))


def _visits(
    key: str, began: datetime, over: datetime | None, record: dict[str, Any], sessions: list[_Session], notes: dict[str, int]
) -> list[tuple[Any, ...]]:
    """One row for each queue that a session of the queue's own participant (purpose acd) stood in."""
    visits = []
    for session in sessions:
        if session.purpose == "acd":
            queues = [each.queue for each in session.segments if each.queue]
            for queue in dict.fromkeys(queues):
                those = [each for each in session.segments if each.queue == queue]
                # The wait begins with the first segment of type interact; a delay before it is the platform's own.
                queued = next((each.start for each in those if each.kind == "interact"), those[0].start)
                # A session has one figure for its end, that of the queue it ended in.
                visits.append((queued, queue, session if queue == queues[-1] else session._replace(metrics={}), those))
    visits.sort(key=lambda each: each[0])
    agents = [(session, session.of("interact"), session.of("alert")) for session in sessions if session.purpose in ("agent", "user")]
    taken: set[int] = set()
    rows: list[tuple[Any, ...]] = []
    customer, dialled = _customer(sessions)
    ivr = [each for session in sessions if session.purpose == "ivr" for each in session.segments if each.kind in ("ivr", "system")]
    for at, (queued, queue, session, those) in enumerate(visits):
        until = next((each[0] for each in visits[at + 1 :] if each[1] == queue and each[2].media == session.media), _NEVER)

        def here(parts: list[_Segment], queue: str = queue, queued: datetime = queued, until: datetime = until) -> bool:
            return any(each.queue == queue and (queued - each.start).total_seconds() <= _CLOSE_S and each.start < until for each in parts)

        near = [each for each in agents if each[0].media == session.media]
        served = sorted((each for each in near if here(each[1])), key=lambda each: each[1][0].start)
        served = [each for each in served if id(each[0]) not in taken]
        offers = [each for each in near if here(each[2])]
        outcome, raw = _outcome(session, those, bool(served), over)
        answer = served[0][0] if served and outcome == "answered" else None
        if outcome == "answered":
            taken |= {id(each[0]) for each in served}
            _note(notes, "further agents of a queue visit: their time is not in the row", max(0, len(served) - 1))
        direction = text_of(record, "originatingDirection") or text_of(session.facts, "direction")
        if direction not in _DIRECTIONS:
            _note(notes, "direction is not logged: outbound with a campaign, inbound without", 1)
            direction = "outbound" if text_of(session.facts, "outboundCampaignId") else "inbound"
        left = those[-1].end if answer is None else answer.of("interact")[0].start
        wait = _wait(session, raw, outcome, queued, left, notes)
        nan = float("nan")
        ring = talk = hold = wrap = nan
        ended_by = "customer" if outcome == "abandoned" else None
        disposition = None
        if answer is not None:
            connected = answer.of("interact")[0].start
            rings = [each for each in answer.of("alert") if each.start <= connected]
            ring = rings[-1].seconds if rings else nan
            talk = answer.lasted("interact", "tTalkComplete", notes)
            hold = answer.lasted("hold", "tHeldComplete", notes) if talk == talk else nan
            wraps = answer.of("wrapup")
            wrap = answer.lasted("wrapup", "tAcw", notes) if wraps or "tAcw" in answer.metrics else nan
            disposition = next((each.wrap_up for each in reversed(wraps) if each.wrap_up), None)
            talked = [each for each in answer.segments if each.kind in ("interact", "hold")]
            ended_by = _HUNG_UP.get(talked[-1].ended or "")
        first = at == 0 and bool(ivr)
        menu = sum((each.seconds for each in ivr if each.start <= queued), 0.0) if first else nan
        missed = sum(1 for each in offers if not each[1])
        rows.append(
            (key, at + 1, session.media, direction, queue, queued, outcome, raw, wait, ring, talk, hold, wrap,
             answer.user if answer else None, began, menu, ended_by, customer, dialled, disposition, len(offers), missed)
        )  # fmt: skip
    return rows


def _outcome(session: _Session, those: list[_Segment], served: bool, over: datetime | None) -> tuple[str, str | None]:
    """What became of a visit, and the platform's word for it."""
    for name, outcome in _METRICS.items():
        if name in session.metrics:
            if name != "tFlowOut":
                return outcome, name
            to = text_of(session.facts, "flowOutType")
            return _FLOW_OUT.get((to or "").casefold(), outcome), f"tFlowOut {to}" if to else name
    ended = those[-1].ended
    if served:
        return "answered", ended
    if those[-1].end is None:
        return ("open", ended) if over is None else ("unknown", ended)
    return _ENDED.get(ended or "", "unknown"), ended


def _wait(session: _Session, raw: str | None, outcome: str, queued: datetime, left: datetime | None, notes: dict[str, int]) -> float:
    """The platform's own figure; without it, the time from joining to the answer or to leaving."""
    between = float("nan") if left is None else max(0.0, (left - queued).total_seconds())
    told = session.metrics.get((raw or "").split(" ")[0])
    if told is None:
        return float("nan") if outcome == "open" else between
    if abs(told - between) > _CLOSE_S:
        _note(notes, "the logged wait differs from answered (or left) - queued by more than a second: the logged one is taken", 1)
    return told


def _customer(sessions: list[_Session]) -> tuple[str | None, str | None]:
    """Who the customer is, and the number dialled."""
    theirs = [each for each in sessions if each.purpose in _OF_CUSTOMER]
    for session in theirs:
        numbers = session.facts.get("callbackNumbers")
        first = numbers[0] if isinstance(numbers, list) and numbers and isinstance(numbers[0], str) else None
        outbound = text_of(session.facts, "direction") == "outbound"
        who = text_of(session.facts, "dnis" if outbound else "ani") or first or text_of(session.facts, "addressFrom")
        if who:
            dialled = None if outbound else text_of(session.facts, "dnis")
            return clean_text(who).removeprefix("tel:"), dialled.removeprefix("tel:") if dialled else None
    return None, None


def _note(notes: dict[str, int], note: str, count: int) -> None:
    if count:
        notes[note] = notes.get(note, 0) + count


READER = Reader(
    name="genesys_cloud_conversations",
    title="Genesys Cloud conversation details (JSON)",
    yields=("contacts",),
    clock="utc",
    evidence="the vendor's sample of 2016 (25 conversations, no metrics); metrics from the interface's published model",
    looks_like=looks_like,
    read=read_conversations,
)
