"""Agent event stream of Amazon Connect: a JSON record each time an agent's status or contacts change, with snapshots before and after."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd

from ccstats.errors import DataWarning, OptionError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.json_facts import BadRecord, instant_of, list_of, object_of, text_of
from ccstats.readers.json_records import JsonRecords, JsonShape, starts_as_json
from ccstats.readers.settling import to_log
from ccstats.readers.spans import told_apart, whole_spans
from ccstats.schema import CONTACTS

__all__ = ["READER", "SHAPE", "looks_like", "read_agent_events"]

SHAPE = JsonShape(
    keys=("AWSAccountId", "AgentARN", "CurrentAgentSnapshot", "EventId", "EventTimestamp", "EventType", "InstanceARN"),
    within=("Records", "records", "Events", "events"),
)
#: What the agent does for a contact in this state; of several contacts the first in this order is what the agent is said to do.
_WORK = {
    "CONNECTED": "on_contact", "CONNECTED_ONHOLD": "hold", "ENDED": "wrap", "CONNECTING": "reserved", "INCOMING": "reserved",
    "PENDING": "reserved",
}  # fmt: skip
_ORDER = {word: at for at, word in enumerate(_WORK)}
#: … and in these nothing: the offer is over, or the task is put aside and its place is free. The status says what the agent does.
_NO_WORK = ("MISSED", "REJECTED", "ERROR", "PAUSED")
#: What a status means, by its type; older events have no type, so these two go by their names.
_STATUS = {"ROUTABLE": "available", "CUSTOM": "pause", "OFFLINE": None}
_NAMED = {"Available": "ROUTABLE", "Offline": "OFFLINE"}
_TYPES = ("LOGIN", "LOGOUT", "STATE_CHANGE", "HEART_BEAT")
#: Heartbeats come every two minutes; where nothing came for so long, events are missing.
_SILENCE = timedelta(hours=1)
_PRECEDENCE = ("contact", "status")


class _Contact(NamedTuple):
    key: str
    root: str
    state: str
    since: datetime | None
    queue: str | None


class _Snapshot(NamedTuple):
    status: str | None
    kind: str | None
    since: datetime | None
    contacts: tuple[_Contact, ...]

    def facts(self) -> dict[tuple[Any, ...], datetime | None]:
        """Each fact, and when it began."""
        status = {(self.status, self.kind, self.since): self.since}
        return {**status, **{(each.key, each.state, each.since): each.since for each in self.contacts}}


class _Event(NamedTuple):
    at: datetime
    newest: datetime
    key: str
    kind: str
    agent: str
    name: str | None
    before: _Snapshot | None
    after: _Snapshot | None
    source: str


class _Shown(NamedTuple):
    """What the agent is said to do, and the fact that says so."""

    state: str
    reason: str | None
    queue: str | None
    contact: str | None
    fact: tuple[Any, ...]


def looks_like(head: bytes) -> bool:
    """Whether it is JSON with snapshots of agents.

    Examples
    --------
    >>> looks_like(b'{"AgentARN": "a/agent/u1", "CurrentAgentSnapshot": {"AgentStatus": {"Name": "Available"}}, "EventType": "LOGIN"')
    True
    >>> looks_like(b'{"ContactId": "c1", "AWSContactTraceRecordFormatVersion": "2017-03-10"}')
    False
    """
    return starts_as_json(head) and b'"CurrentAgentSnapshot"' in head


def read_agent_events(sources: Sequence[Source], options: Options) -> Log:
    """Read agent events; `ccstats.read` is the way in.

    Parameters
    ----------
    sources : sequence of Source
        Files of the stream: events one after the other, lines, or lists, in any order.
    options : Options
        ``precedence``: where an agent in a custom status has a contact, whether the ``"contact"`` (the default) or the ``"status"``
        says what the agent does.

    Returns
    -------
    Log
        Lines are events. ``contacts`` is empty: contacts are in the contact records.

    Raises
    ------
    OptionError
        If ``precedence`` is none of the two.

    Examples
    --------
    >>> log = read_agent_events([Source("empty", b"")], Options())
    >>> len(log.contacts), len(log.agent_states)
    (0, 0)
    """
    precedence = options.extra.get("precedence", "contact")
    if precedence not in _PRECEDENCE:
        raise OptionError(f"precedence={precedence!r}: expected one of {', '.join(map(repr, _PRECEDENCE))}")
    account = Account(options, unit="record")
    events: dict[str, _Event] = {}
    for source in sources:
        records = JsonRecords(source, SHAPE, account)
        for record in records:
            try:
                event = _event(record.value, source.name)
            except BadRecord as problem:
                records.reject(record, str(problem))
                continue
            if event.key in events:
                account.count(source.name, "ignored", "delivered again: same EventId", 1)
            else:
                events[event.key] = event
        if options.progress:
            options.progress(source.name, 1.0)
    states = _states(sorted(events.values()), account, precedence == "status")
    return to_log(CONTACTS.empty(), account, options, "amazon_connect_agent_events", states=states)


def _event(record: dict[str, Any], source: str) -> _Event:
    key, agent, kind, at = (
        text_of(record, "EventId"), text_of(record, "AgentARN"), text_of(record, "EventType"), instant_of(record, "EventTimestamp"),
    )  # fmt: skip
    if key is None or agent is None or kind is None or at is None:
        there = {"EventId": key, "AgentARN": agent, "EventType": kind, "EventTimestamp": at}
        raise BadRecord(f"{next(name for name, value in there.items() if value is None)} is missing")
    before, after = object_of(record, "PreviousAgentSnapshot"), object_of(record, "CurrentAgentSnapshot")
    if kind == "STATE_CHANGE" and not after:
        raise BadRecord("CurrentAgentSnapshot is missing")
    name = text_of(object_of(after, "Configuration"), "Username") or text_of(object_of(before, "Configuration"), "Username")
    earlier, now = (_snapshot(each) if each else None for each in (before, after))
    begun = [since for since in (now.facts().values() if now else ()) if since is not None]
    # Of events of one instant the one that knows the newest fact is the last.
    return _Event(at, max(begun, default=at), key, kind, agent, name, earlier, now, source)


def _snapshot(snapshot: dict[str, Any]) -> _Snapshot:
    status = object_of(snapshot, "AgentStatus")
    name, kind = text_of(status, "Name"), text_of(status, "Type")
    contacts = tuple(_contact(each) for each in list_of(snapshot, "Contacts"))
    if kind is None and name is not None:
        kind = _NAMED.get(name, "CUSTOM")
    return _Snapshot(name, kind, instant_of(status, "StartTimestamp"), contacts)


def _contact(contact: dict[str, Any]) -> _Contact:
    key, state = text_of(contact, "ContactId"), text_of(contact, "State")
    if key is None or state is None:
        raise BadRecord("a contact has no ContactId or no State")
    queue = object_of(contact, "Queue")
    named = text_of(queue, "Name") or _last_of(text_of(queue, "ARN"))
    # The same name of a contact as in the contact records: that of the first of its parts.
    return _Contact(key, text_of(contact, "InitialContactId") or key, state, instant_of(contact, "StateStartTimestamp"), named)


def _shown(snapshot: _Snapshot, status_first: bool) -> _Shown | None:
    """What an agent does of whom this is known; None if logged out."""
    kind = snapshot.kind
    at_work = [each for each in snapshot.contacts if each.state in _WORK]
    if at_work and not (status_first and kind == "CUSTOM"):
        # Of several in one state the one that has been in it for longest, so that the next one does not take its place.
        first = min(at_work, key=lambda each: (_ORDER[each.state], each.since is None, each.since or each.key, each.key))
        return _Shown(_WORK[first.state], None, first.queue, first.root, (first.key, first.state, first.since))
    if kind is None:
        return None
    state = _STATUS.get(kind, "other")
    reason = None if state == "available" else snapshot.status
    return _Shown(state, reason, None, None, (snapshot.status, kind, snapshot.since)) if state else None


@dataclass
class _Agent:
    """One agent, followed through the events in their order."""

    log_begins: datetime
    status_first: bool
    known: _Snapshot | None = None
    shown: _Shown | None = None
    #: Since when that is shown, when the last event came, and when the agent logged out, if so.
    since: datetime | None = None
    last: datetime | None = None
    left: datetime | None = None
    beats: bool = False
    silent: int = 0
    missed: int = 0
    unended: int = 0
    spans: list[tuple[Any, ...]] = field(default_factory=list)

    def follow(self, event: _Event) -> None:
        if self.beats and self.shown and self.last and event.at - self.last > _SILENCE:
            self.silent += 1
        self.last = event.at
        self.beats |= event.kind == "HEART_BEAT"
        if event.kind == "HEART_BEAT":
            return
        if event.kind == "LOGIN":
            self._end_unreported_stay(event)
            self.left = None
        if event.before is not None and event.kind == "STATE_CHANGE":
            self.missed += self.known is not None and self.left is None and event.before.facts() != self.known.facts()
            new = _new(event.after, event.before) if event.after is not None else {}
            self._learn(event.before, min(event.at, max(new.values(), default=event.at)), login=False)
        if event.kind == "LOGOUT":
            self._show(None, event.at)
            self.known, self.left = event.after or self.known, event.at
        elif event.after is not None:
            self._learn(event.after, event.at, login=event.kind == "LOGIN")

    def _end_unreported_stay(self, event: _Event) -> None:
        """A login of somebody who is shown at work: the logout is missing, and stands in the snapshot before, if anywhere."""
        if self.shown is None or self.since is None or self.left is not None:
            return
        before = event.before
        told = before is not None and before.kind == "OFFLINE" and before.since is not None and self.since <= before.since <= event.at
        gone = before.since if before is not None and told else event.at
        self.missed += told
        self.unended += not told
        self._write(gone or event.at, "event" if told else "assumed")
        self.shown, self.since = None, gone

    def _learn(self, snapshot: _Snapshot, at: datetime, *, login: bool) -> None:
        if self.left is not None:
            snapshot = _later_than(snapshot, self.left)
        facts, shown = snapshot.facts(), _shown(snapshot, self.status_first)
        if self.known is None:
            # At first sight: what began before the log is known, but not what was between, so nobody was available before it.
            begun = (shown and facts[shown.fact]) or at
            begun = at if login else max(begun, self.log_begins) if shown and shown.state == "available" else begun
        else:
            new = _new(snapshot, self.known)
            begun = new.get(shown.fact, at) if shown and shown.fact in new else max(new.values(), default=at)
            # What is older than what was shown until now shows again from the event on.
            begun = at if self.since is not None and begun < self.since else begun
        self.known = snapshot
        self._show(shown, min(begun, at))

    def _show(self, shown: _Shown | None, begun: datetime) -> None:
        if (shown and shown[:4]) == (self.shown and self.shown[:4]) and self.since is not None:
            self.shown = shown
            return
        begun = max(begun, self.since or begun)
        self._write(begun, "event")
        self.shown, self.since = shown, begun

    def _write(self, until: datetime, closed_by: str) -> None:
        if self.shown is not None and self.since is not None and until > self.since:
            state, reason, queue, contact = self.shown[:4]
            self.spans.append((self.since, until, state, reason, queue, contact, closed_by))

    def end(self) -> None:
        """The log ends with the agent's last event: what is shown then is open."""
        if self.last is not None:
            self._write(self.last, "end_of_file")


def _new(snapshot: _Snapshot, known: _Snapshot) -> dict[tuple[Any, ...], datetime]:
    """Facts that were not known, and when they began."""
    before = known.facts()
    return {fact: since for fact, since in snapshot.facts().items() if fact not in before and since is not None}


def _later_than(snapshot: _Snapshot, left: datetime) -> _Snapshot:
    """What began after the agent logged out: snapshots go on telling of what was before."""
    contacts = tuple(each for each in snapshot.contacts if each.since is not None and each.since > left)
    status = snapshot if snapshot.since is not None and snapshot.since > left else _Snapshot(None, None, None, ())
    return _Snapshot(status.status, status.kind, status.since, contacts)


def _states(events: list[_Event], account: Account, status_first: bool) -> pd.DataFrame:
    agents: dict[str, _Agent] = {}
    names: dict[str, str] = {}
    strange: dict[str, int] = {}
    for event in events:
        if event.kind not in _TYPES:
            account.count(event.source, "ignored", "EventType is not known", 1)
            strange[event.kind] = strange.get(event.kind, 0) + 1
            continue
        beat = event.kind == "HEART_BEAT"
        account.count(event.source, *(("ignored", "HEART_BEAT: only tells how far the log reaches") if beat else ("used", "event")), 1)
        names[event.agent] = event.name or names.get(event.agent) or _last_of(event.agent) or event.agent
        for word in _strange_words(event.after) if not beat else ():
            strange[word] = strange.get(word, 0) + 1
        agents.setdefault(event.agent, _Agent(events[0].at, status_first)).follow(event)
    called = told_apart(names)
    rows: list[tuple[Any, ...]] = []
    for key, agent in agents.items():
        agent.end()
        rows += [(called[key], *span) for span in agent.spans]
    account.note("two agents of one name: the end of AgentARN is added", sum(called[key] != name for key, name in names.items()))
    account.note("agents of whom there are only heartbeats: no states", sum(agent.known is None for agent in agents.values()))
    account.note("PreviousAgentSnapshot tells of a change that no event reported: taken", sum(each.missed for each in agents.values()))
    account.note("a login without a logout before it: what was before ends there", sum(each.unended for each in agents.values()))
    account.note("no event of the agent for an hour within a state: events may be missing", sum(each.silent for each in agents.values()))
    account.note("a word that is not known: the type of an event (ignored), of a status (other) or the state of a contact (none)",
                 sum(strange.values()))  # fmt: skip
    if strange:
        words = ", ".join(map(repr, sorted(strange)[:5]))
        warnings.warn(
            f"{sum(strange.values())} events have words that format 'amazon_connect_agent_events' does not know ({words}); see log.notes",
            DataWarning,
            stacklevel=5,
        )
    columns = ["agent", "started_at", "ended_at", "state", "reason", "queue", "contact_id", "closed_by"]
    spans = pd.DataFrame(rows, columns=columns)
    for name in columns:
        at = name in ("started_at", "ended_at")
        spans[name] = pd.to_datetime(spans[name], utc=True).dt.as_unit("us") if at else spans[name].astype("str")
    return whole_spans(spans, account)


def _strange_words(snapshot: _Snapshot | None) -> Iterable[str]:
    if snapshot is not None:
        if snapshot.kind is not None and snapshot.kind not in _STATUS:
            yield snapshot.kind
        yield from (each.state for each in snapshot.contacts if each.state not in _WORK and each.state not in _NO_WORK)


def _last_of(address: str | None) -> str | None:
    return address.rsplit("/", 1)[-1] if address else None


READER = Reader(
    name="amazon_connect_agent_events",
    title="Amazon Connect agent event stream (JSON)",
    yields=("agent_states",),
    clock="utc",
    evidence="the vendor's documentation; not seen on real data",
    looks_like=looks_like,
    read=read_agent_events,
    options=("precedence",),
)
