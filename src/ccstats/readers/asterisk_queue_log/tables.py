"""From records to tables: visits into `contacts`, spans into `agent_states`; text is made here and only here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ccstats.privacy import pseudonymise
from ccstats.readers.asterisk_queue_log import columns
from ccstats.readers.asterisk_queue_log import verbs as v
from ccstats.readers.asterisk_queue_log.interner import Names
from ccstats.readers.asterisk_queue_log.names import plain_name
from ccstats.readers.asterisk_queue_log.visits import OUTBOUND
from ccstats.readers.contract import Options
from ccstats.schema import AGENT_STATES, CONTACTS, STATES

__all__ = ["agent_states_table", "contacts_table"]

#: What stands for a caller whose number is not known.
_NO_NUMBER = frozenset({"anonymous", "unknown", "unavailable", "restricted", "private", "withheld", "none", "null"})
_CHANNEL = re.compile(r"-[0-9a-fA-F]{8}(;[12])?$")
_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
_INSTANT = pd.DatetimeTZDtype("us", "UTC")


def _texts(names: Names, numbers: np.ndarray) -> list[str]:
    found: list[str] = names.array().take(pa.array(numbers)).to_pylist()
    return found


def _used(codes: np.ndarray, size: int) -> np.ndarray:
    """Return the different codes, without the missing (-1)."""
    return np.flatnonzero(columns.seen(codes, size))


def _categories(codes: np.ndarray, used: np.ndarray, texts: list[str]) -> pd.Categorical:
    """Codes as a category of the texts of the used ones, sorted; blank texts are missing."""
    words = sorted({text for text in texts if text})
    place = {word: at for at, word in enumerate(words)}
    table = np.full(int(used[-1]) + 1 if len(used) else 0, -1, dtype="int32")
    table[used] = [place.get(text, -1) for text in texts]
    small = np.empty(len(codes), dtype="int8" if len(words) < 128 else "int16" if len(words) < 32_768 else "int32")
    columns.mapped(codes, table, small)
    return pd.Categorical.from_codes(small, categories=pd.Index(words, dtype="str"), validate=False)


def _fixed(codes: np.ndarray, words: tuple[str, ...]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=pd.Index(words, dtype="str"), validate=False)


def _named(codes: np.ndarray, names: Names) -> pd.Categorical:
    used = _used(codes, names.count)
    return _categories(codes, used, _texts(names, used))


def _words(codes: np.ndarray, names: Names) -> pd.Categorical:
    used = _used(codes, names.count)
    return _categories(codes, used, [text.strip() for text in _texts(names, used)])


def _listed(codes: np.ndarray, words: list[str]) -> pd.Categorical:
    used = _used(codes, len(words))
    return _categories(codes, used, [words[code] for code in used])


def _ids(numbers: np.ndarray, names: Names, missing: np.ndarray | None = None) -> Any:
    """Names by number as text; those ``missing`` are masked."""
    found = names.array().take(pa.array(numbers))
    if missing is not None:
        valid = pa.py_buffer(np.packbits(~missing, bitorder="little"))
        found = pa.Array.from_buffers(found.type, len(found), [valid, *found.buffers()[1:]])
    return _TEXT.__from_arrow__(pa.chunked_array([found]))  # type: ignore[attr-defined]


def _customers(codes: np.ndarray, names: Names, options: Options) -> Any:
    used = _used(codes, names.count)
    texts: list[str | None] = [None if not text or text.lower() in _NO_NUMBER else text for text in map(str.strip, _texts(names, used))]
    shown = pseudonymise(texts, options.key) if options.pseudonyms else pd.Series(texts, dtype="str")
    table = np.zeros(int(used[-1]) + 1 if len(used) else 0, dtype="int32")
    table[used] = np.arange(len(used))
    places = np.empty(len(codes), dtype="int32")
    columns.mapped(codes, table, places)
    found = pa.array(shown, type=pa.large_string()).take(pa.array(places, mask=places < 0))
    return _TEXT.__from_arrow__(pa.chunked_array([found]))  # type: ignore[attr-defined]


def _targets(codes: np.ndarray, queues: Names, words: Names) -> pd.Categorical:
    """Where agents sent contacts: the queue where it is known, else the number or channel logged, counted after the queues."""
    used = _used(codes, queues.count + words.count)
    by_queue, by_word = used[used < queues.count], used[used >= queues.count] - queues.count
    texts = [*_texts(queues, by_queue), *(plain_name(_CHANNEL.sub("", text)) for text in _texts(words, by_word))]
    return _categories(codes, used, texts)


def _contact_columns(finish: Callable[[], np.ndarray], holds: np.ndarray, calls: Names) -> tuple[Any, ...]:
    """Sorted columns of the visits, whose memory is given back."""
    records = finish()
    outbound = records["flags"] & OUTBOUND != 0
    if outbound.any():
        records = records[~outbound]
    ranks = columns.ranks(calls.arena, calls.offsets, calls.count)[records["call"]]
    order, numbers = columns.grouped(ranks, np.ascontiguousarray(records["queued"]), calls.count)
    created = columns.created(calls.arena, calls.offsets, calls.count)
    return numbers, *columns.contact_columns(records, order, numbers, created, holds)


def _span_columns(finish: Callable[[], np.ndarray], agents: list[str], renamed: np.ndarray, nameless: int) -> tuple[Any, ...]:
    """Sorted columns of the spans, whose memory is given back."""
    records = finish()
    ranks = np.empty(len(agents), dtype="int32")
    ranks[sorted(range(len(agents)), key=agents.__getitem__)] = np.arange(len(agents))
    order, _ = columns.grouped(ranks[records["agent"]], np.ascontiguousarray(records["start"]), len(agents))
    found: tuple[Any, ...] = columns.span_columns(records, order, renamed, nameless)
    return found


def contacts_table(
    finish: Callable[[], np.ndarray], holds: np.ndarray, calls: Names, queues: Names, agents: list[str], words: Names, options: Options
) -> tuple[pd.DataFrame, int]:
    """Make the table `contacts`, and count the visits whose hold is taken as zero.

    ``finish`` hands the visits over, ``holds`` says which queues are known to log holds.

    Examples
    --------
    >>> from ccstats.readers.asterisk_queue_log.visits import Visits
    >>> contacts_table(Visits().finish, np.zeros(0, dtype=bool), Names(), Names(), [], Names(), Options())[0].shape
    (0, 23)
    """
    numbers, codes, small, figures, instants, counts, unseen, none_held = _contact_columns(finish, holds, calls)
    call, queue, agent, target, customer, dnis, disposition, verb = codes
    wait, ring, talk, hold, wrap, ivr = figures
    frame = pd.DataFrame(
        {
            "contact_id": _ids(call, calls),
            "visit": numbers,
            "channel": _fixed(np.zeros(len(numbers), dtype="int8"), ("voice",)),
            "direction": _fixed(np.zeros(len(numbers), dtype="int8"), CONTACTS["direction"].vocabulary),
            "queue": _named(queue, queues),
            "queued_at": pd.array(instants[0], dtype=_INSTANT),
            "outcome": _fixed(small[0], CONTACTS["outcome"].vocabulary),
            "raw_outcome": _listed(verb, list(v.VERBS)),
            "wait_s": wait,
            "ring_s": ring,
            "talk_s": talk,
            "hold_s": hold,
            "wrap_s": wrap,
            "agent": _listed(agent, agents),
            "arrived_at": pd.array(instants[1], dtype=_INSTANT),
            "ivr_s": ivr,
            "transferred_to": _targets(target, queues, words),
            "ended_by": _fixed(small[1], CONTACTS["ended_by"].vocabulary),
            "customer": _customers(customer, words, options),
            "dnis": _words(dnis, words),
            "disposition": _words(disposition, words),
            "ring_attempts": pd.arrays.IntegerArray(counts[0], unseen),
            "ring_noanswer": pd.arrays.IntegerArray(counts[1], unseen.copy()),
        },
        copy=False,
    )
    return frame, none_held


def agent_states_table(
    finish: Callable[[], np.ndarray], calls: Names, queues: Names, agents: list[str], words: Names, renamed: np.ndarray, nameless: int
) -> pd.DataFrame:
    """Make the table `agent_states`; contacts that a transfer renamed bear their true id, ``nameless`` is the number of no call id.

    ``finish`` hands the spans over.

    Examples
    --------
    >>> from ccstats.readers.asterisk_queue_log.agents import Agents
    >>> agent_states_table(lambda: Agents().finish(0), Names(), Names(), [], Names(), np.empty(0, dtype="i4"), 0).shape
    (0, 8)
    """
    codes, small, instants = _span_columns(finish, agents, renamed, nameless)
    agent, reason, queue, call = codes
    return pd.DataFrame(
        {
            "agent": _listed(agent, agents),
            "started_at": pd.array(instants[0], dtype=_INSTANT),
            "ended_at": pd.array(instants[1], dtype=_INSTANT),
            "state": _fixed(small[0], STATES),
            "reason": _words(reason, words),
            "queue": _named(queue, queues),
            "contact_id": _ids(call, calls, call == nameless),
            "closed_by": _fixed(small[1], AGENT_STATES["closed_by"].vocabulary),
        },
        copy=False,
    )
