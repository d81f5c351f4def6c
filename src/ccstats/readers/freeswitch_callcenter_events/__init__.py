"""Events of FreeSWITCH's mod_callcenter (callcenter::info) as clients of the event socket log them: blocks of header lines, or JSON."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any, TypeAlias
from urllib.parse import unquote

from ccstats.errors import DataWarning, FormatError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.freeswitch_callcenter_events.run import AGENTS, FACTS, MEMBERS, Event, Run
from ccstats.readers.json_facts import BadRecord
from ccstats.readers.json_records import MAX_RECORD, JsonRecords, JsonShape, clean_text, starts_as_json
from ccstats.readers.settling import to_log

__all__ = ["READER", "SHAPE", "looks_like", "read_events"]

SHAPE = JsonShape(keys=("Event-Subclass", "Event-Name", "Core-UUID", "CC-Action", "CC-Agent", "Answer-State", "Content-Length"))
_SUBCLASS = "callcenter::info"
#: Actions that tell of no caller or agent.
_NO_NEED = ("members-count", "agent-max-no-answer")
#: Actions that are followed, and the header that tells of whom.
_NEEDED = dict.fromkeys(MEMBERS, FACTS.index("CC-Member-UUID")) | dict.fromkeys(AGENTS, FACTS.index("CC-Agent"))
_CORE = Event._fields.index("core")
_Key: TypeAlias = tuple[str, ...]
_Row: TypeAlias = tuple[Any, ...]
_LAST_US = 7_258_118_400 * 1_000_000  # 2200-01-01
_BLANK, _BLANK_LINE = re.compile(rb"[ \t\r\n]+"), re.compile(rb"\n[ \t\r]*\n")
_HEADER = re.compile(r"([A-Za-z][\w.-]{0,99}):[ \t]*(.*)")


def looks_like(head: bytes) -> bool:
    r"""Whether it is events of mod_callcenter: blocks of header lines, or JSON.

    Examples
    --------
    >>> looks_like(b"Event-Subclass: callcenter%3A%3Ainfo\nEvent-Name: CUSTOM\nCC-Action: members-count\n")
    True
    >>> looks_like(b'{"Event-Name": "CUSTOM", "CC-Action": "members-count"}')
    True
    >>> looks_like(b"Event-Name: HEARTBEAT\n\n")
    False
    """
    if starts_as_json(head):
        return b'"CC-Action"' in head
    begins = re.match(rb"[A-Za-z][\w-]{0,99}:", head.lstrip(b" \t\r\n")) is not None
    return begins and b"\nCC-Action:" in head and (b"callcenter%3A%3Ainfo" in head or b"callcenter::info" in head)


def read_events(sources: Sequence[Source], options: Options) -> Log:
    r"""Read events; `ccstats.read` is the way in.

    Parameters
    ----------
    sources : sequence of Source
        Files of events, in any order.
    options : Options
        No option of its own.

    Returns
    -------
    Log
        Lines are events, or other messages between blank lines.

    Raises
    ------
    FormatError
        If a source is a frame.

    Examples
    --------
    >>> block = "Event-Date-Timestamp: %d\nCC-Action: %s\nCC-Queue: sales\nCC-Member-UUID: v1\nCC-Member-Session-UUID: u1\n%s\n"
    >>> text = block % (1709280000000000, "member-queue-start", "")
    >>> text += block % (1709280012500000, "member-queue-end", "CC-Cause: Cancel\nCC-Cancel-Reason: TIMEOUT\n")
    >>> log = read_events([Source("events.log", text.encode())], Options())
    >>> log.contacts[["contact_id", "queue", "outcome", "wait_s"]].to_dict("records")
    [{'contact_id': 'u1', 'queue': 'sales', 'outcome': 'timed_out', 'wait_s': 12.5}]
    """
    account, words = Account(options, unit="record"), _Words()
    # As plain tuples of words, which cost the garbage collector nothing.
    events: dict[_Key, _Row] = {}
    strange: dict[str, int] = {}
    last = 0
    for source in sources:
        if source.frame is not None:
            raise FormatError(f"{source.name}: events are read from files of header blocks or JSON, not from a frame")
        for key, event in (_json if starts_as_json(bytes(source.data[:65_536])) else _blocks)(source, words, account):
            at, _, action = event[:3]
            if at > last:
                last = at
            if key in events:
                account.count(source.name, "ignored", "delivered again", 1)
            elif action in _NO_NEED:
                account.count(source.name, "ignored", "members-count and the like: tells of no caller or agent", 1)
            elif action not in _NEEDED:
                account.count(source.name, "ignored", "CC-Action is not known", 1)
                strange[action] = strange.get(action, 0) + 1
            else:
                account.count(source.name, "used", "event", 1)
                events[key] = event
        if options.progress:
            options.progress(source.name, 1.0)
    ordered = sorted(events.values(), key=itemgetter(0, 1))
    run = Run(account, strange, {event[_CORE] or "": event[0] for event in ordered})
    for event in map(Event._make, ordered):
        run.follow(event)
    contacts, states = run.tables(last)
    if strange:
        some = ", ".join(map(repr, sorted(strange)[:5]))
        warnings.warn(
            f"{sum(strange.values())} events have words that format 'freeswitch_callcenter_events' does not know ({some}); see log.notes",
            DataWarning,
            stacklevel=4,
        )
        account.note("a word that is not known: an action (ignored), or an agent's status or state (other)", sum(strange.values()))
    return to_log(contacts, account, options, "freeswitch_callcenter_events", states=states)


def _json(source: Source, words: _Words, account: Account) -> Iterator[tuple[_Key, _Row]]:
    records = JsonRecords(source, SHAPE, account)
    for record in records:
        try:
            event = _event(record.value, source.name, words, account)
        except BadRecord as problem:
            records.reject(record, str(problem))
            continue
        if event is not None:
            yield event


def _blocks(source: Source, words: _Words, account: Account) -> Iterator[tuple[_Key, _Row]]:
    """Events of a text: blocks of header lines, with a blank line after each."""
    data, at, number = memoryview(source.data), 0, 0
    bad: dict[str, tuple[list[int], list[str]]] = {}
    while at < len(data):
        blank = _BLANK.match(data, at)
        at = blank.end() if blank else at
        if at == len(data):
            break
        number += 1
        end = _BLANK_LINE.search(data, at)
        upto = end.start() if end else len(data)
        text = clean_text(bytes(data[at : min(upto, at + MAX_RECORD)]).decode("utf-8", "surrogateescape"))
        try:
            if upto - at > MAX_RECORD:
                raise BadRecord(f"longer than {MAX_RECORD:,} bytes")
            pairs = [found for line in text.split("\n") if (found := _HEADER.fullmatch(line.strip("\r \t")))]
            # Values are encoded as in addresses.
            facts = {found[1]: clean_text(unquote(found[2])) for found in pairs}
            event = _event(facts, source.name, words, account)
        except BadRecord as problem:
            numbers, texts = bad.setdefault(str(problem), ([], []))
            numbers.append(number)
            texts.append(text[:10_000] if account.keeps_text else "")
        else:
            if event is not None:
                yield event
        at = upto
    if len(data) and bytes(data[-1:]) != b"\n":
        account.note("the text ends within a line: it may be cut", 1)
    for reason, (numbers, texts) in bad.items():
        account.reject(source.name, numbers, reason, texts=texts)


def _event(facts: dict[str, Any], source: str, words: _Words, account: Account) -> tuple[_Key, _Row] | None:
    """The key and the fields of the event, if it is one of the module; others are ignored."""
    action, subclass = words.of(facts.get("CC-Action")), words.of(facts.get("Event-Subclass"))
    if action is None or subclass not in (None, _SUBCLASS):
        if _text(facts.get("Event-Name")) is not None:
            account.count(source, "ignored", "another event", 1)
        elif _text(facts.get("Content-Type")) is not None:
            account.count(source, "ignored", "another message of the event socket", 1)
        else:
            raise BadRecord("no event: neither CC-Action nor Event-Name")
        return None
    word = _text(facts.get("Event-Date-Timestamp"))
    if word is None:
        raise BadRecord("Event-Date-Timestamp is missing")
    at = int(word) if word.isascii() and word.isdigit() and len(word) < 19 else 0
    if not 0 < at < _LAST_US:
        raise BadRecord("Event-Date-Timestamp is no time in microseconds, or outside 1970 to 2200")
    # Most headers tell nothing of callers and agents: only these are looked at.
    kept = words.of_all(map(facts.get, FACTS))
    needed = _NEEDED.get(action)
    if needed is not None and kept[needed] is None:
        raise BadRecord(f"{FACTS[needed]} is missing")
    core, sequence = kept[0], _text(facts.get("Event-Sequence")) or ""
    numbered = sequence.isascii() and sequence.isdigit() and len(sequence) < 19
    if core and numbered:
        key: _Key = (core, sequence)
    else:
        told = {name: text for name, value in facts.items() if name.startswith("CC-") and (text := _text(value)) is not None}
        key = (word, *(f"{name}: {value}" for name, value in sorted(told.items())))
    return key, (at, int(sequence) if numbered else 0, action, *kept)


class _Words(dict[Any, str | None]):
    """Texts of headers: most come many times, and each is looked at and held in memory once."""

    def __missing__(self, value: Any) -> str | None:
        text = _text(value)
        if value is None or type(value) is str:  # one number may equal another of which there is no text
            self[value] = text
        return text

    def of(self, value: Any) -> str | None:
        """The same of any value."""
        return self[value] if type(value) is str else _text(value)

    def of_all(self, values: Iterable[Any]) -> list[str | None]:
        """The same of several values."""
        every = list(values)
        try:
            return list(map(self.__getitem__, every))
        except TypeError:  # an object or a list
            return list(map(self.of, every))


def _text(value: Any) -> str | None:
    """The text of a header; None where it is blank, or neither text nor a whole number."""
    if not isinstance(value, str):
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
    if value.isascii() and value.isalnum():
        return value
    text = (value if value.isascii() else clean_text(value)).strip()
    return (text.replace("\0", "") if "\0" in text else text) if text else None


READER = Reader(
    name="freeswitch_callcenter_events",
    title="FreeSWITCH mod_callcenter events (callcenter::info; header blocks or JSON)",
    yields=("contacts", "agent_states"),
    clock="utc",
    evidence="read in source code of the product; not seen on real data",
    looks_like=looks_like,
    read=read_events,
)
