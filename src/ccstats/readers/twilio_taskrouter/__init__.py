"""Twilio TaskRouter and Flex: events as callbacks or Event Streams told them; tasks make contacts, workers make agents' states."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.errors import DataWarning, OptionError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.json_records import starts_as_json
from ccstats.readers.product_tables import header_has
from ccstats.readers.settling import to_log
from ccstats.readers.spans import told_apart
from ccstats.readers.threads import for_each
from ccstats.readers.twilio_taskrouter.attributes import About, coded
from ccstats.readers.twilio_taskrouter.contacts import Told, contacts_of
from ccstats.readers.twilio_taskrouter.events import SHAPE, events_of, is_json
from ccstats.readers.twilio_taskrouter.tasks import REASONS, first_of, tasks_of
from ccstats.readers.twilio_taskrouter.values import NEVER
from ccstats.readers.twilio_taskrouter.workers import MEANINGS, states_of
from ccstats.schema import CONTACTS

__all__ = ["READER", "SHAPE", "looks_like", "read_events"]


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
    abouts: dict[About, int] = {}
    strange: Counter[str] = Counter()
    found = []
    for source in sources:
        found.append(pa.concat_tables(events_of(source, account, abouts, strange)))
        if options.progress:
            options.progress(source.name, 1.0)
    _warn(strange, account)
    if not found:
        return to_log(CONTACTS.empty(), account, options, "twilio_taskrouter")
    events = _once([source.name for source in sources], found, account)
    workers, names = _workers(events, account)
    tasks = tasks_of(events, workers)
    told = Told(events, list(abouts))
    last = events["at"][-1].as_py() if len(events) else NEVER
    contacts = contacts_of(tasks, told, names, reasons, last, account)
    states = states_of(events, workers, pa.array(names.values(), pa.large_string()), tasks, told.contact, activities, account)
    return to_log(contacts, account, options, "twilio_taskrouter", states=states)


def _once(names: list[str], found: list[pa.Table], account: Account) -> pa.Table:
    """The events in their order, each once, and the lines booked."""
    events = _together(found)
    (key,), words = coded(events["key"])
    again = key <= np.r_[-1, np.maximum.accumulate(key)[:-1]][: len(key)]
    begin = 0
    for name, part in zip(names, found, strict=True):
        weight, twice = part["weight"].to_numpy(), again[begin : begin + len(part)]
        account.count(name, "used", "event", int(weight[~twice].sum()))
        account.count(name, "ignored", "delivered again: same Sid", int(weight[twice].sum()))
        begin += len(part)
    kept = np.flatnonzero(~again)
    key, at, rank = key[kept], events["at"].to_numpy()[kept], events["rank"].to_numpy()[kept]
    order = np.lexsort((rank, at))
    # What is told of one time and is of one kind comes in the order of keys.
    tied = (np.diff(at[order]) == 0) & (np.diff(rank[order]) == 0)
    if tied.any():
        places = np.flatnonzero(np.append(tied, False) | np.append(False, tied))
        rows = order[places]
        keys = words.take(pa.array(key[rows]))
        by_key = np.empty(len(rows), dtype="int64")
        by_key[pc.sort_indices(keys).to_numpy()] = np.arange(len(rows))
        order[places] = rows[np.lexsort((by_key, rank[rows], at[rows]))]
    events = events.drop_columns(["key", "weight"])
    # Words of a field mostly come again and again: from here on a row has their numbers.
    rows = pa.array(kept[order])

    def numbered_and_taken(each: pa.ChunkedArray) -> pa.ChunkedArray:
        return (each.dictionary_encode() if pa.types.is_large_string(each.type) else each).take(rows)

    return pa.table(for_each(numbered_and_taken, events.combine_chunks().columns, rows=len(events)), events.column_names)


def _together(found: list[pa.Table]) -> pa.Table:
    """All events in one table; what is words in some of them only is text."""
    if any(each.schema != found[0].schema for each in found):
        names = found[0].column_names
        texts = [[each.cast("large_string") if pa.types.is_dictionary(each.type) else each for each in part.columns] for part in found]
        found = [pa.table(columns, names) for columns in texts]
    return pa.concat_tables(found)


def _workers(events: pa.Table, account: Account) -> tuple[np.ndarray, dict[str, str]]:
    """Workers of events as places in a list, and their names by their Sids: the last one that was told, or else the Sid."""
    (workers,), sids = coded(events["worker"])
    (name,), told = coded(events["name"])
    last = first_of(workers, name, len(sids), last=True)
    called = pc.coalesce(told.take(pa.array(last, mask=last < 0)), sids)
    named = dict(zip(sids.to_pylist(), called.to_pylist(), strict=True))
    apart = told_apart(named)
    account.note("two workers of one name: WorkerSid is added", sum(apart[sid] != name for sid, name in named.items()))
    return workers, apart


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
