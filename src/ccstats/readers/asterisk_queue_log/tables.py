"""From records to tables: visits into `contacts`, spans into `agent_states`; text is made here and only here."""

from __future__ import annotations

import re
from typing import Any

import numba
import numpy as np
import pandas as pd
import pyarrow as pa

from ccstats.privacy import pseudonymise
from ccstats.readers.asterisk_queue_log import verbs as v
from ccstats.readers.asterisk_queue_log.names import plain_name
from ccstats.readers.asterisk_queue_log.scan import Names
from ccstats.readers.asterisk_queue_log.visits import IMPUTED, NO_ENTRY, OUTBOUND
from ccstats.readers.contract import Options
from ccstats.schema import AGENT_STATES, CONTACTS, STATES

__all__ = ["agent_states_table", "contacts_table"]

#: What stands for a caller whose number is not known.
_NO_NUMBER = frozenset({"anonymous", "unknown", "unavailable", "restricted", "private", "withheld", "none", "null"})
_CHANNEL = re.compile(r"-[0-9a-fA-F]{8}(;[12])?$")
_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
_DAY_US = 86_400_000_000
_ANSWERED = CONTACTS["outcome"].vocabulary.index("answered")
_RUN = 24

_compiled = numba.njit(cache=True, nogil=True)


@_compiled
def _prefixes(arena, offsets, count):
    """The first 16 bytes of each name as two numbers that sort like the bytes."""
    keys = np.zeros((count, 2), np.uint64)
    for name in range(count):
        begin, end = offsets[name], offsets[name + 1]
        for at in range(begin, min(end, begin + 16)):
            place = at - begin
            keys[name, place // 8] |= np.uint64(arena[at]) << np.uint64(56 - 8 * (place % 8))
    return keys


@_compiled
def _before(a, b, keys, arena, offsets):
    """Whether name ``a`` sorts before name ``b``, byte by byte."""
    if keys[a, 0] != keys[b, 0]:
        return keys[a, 0] < keys[b, 0]
    if keys[a, 1] != keys[b, 1]:
        return keys[a, 1] < keys[b, 1]
    i, j = offsets[a], offsets[b]
    while i < offsets[a + 1] and j < offsets[b + 1]:
        if arena[i] != arena[j]:
            return arena[i] < arena[j]
        i += 1
        j += 1
    return offsets[a + 1] - offsets[a] < offsets[b + 1] - offsets[b]


@_compiled
def _ranks(arena, offsets, count):
    """Rank of each name in sorted order: a merge sort that leaves alone what stands in order, as call ids nearly do."""
    keys = _prefixes(arena, offsets, count)
    order = np.arange(count)
    for begin in range(0, count, _RUN):
        for at in range(begin + 1, min(begin + _RUN, count)):
            name, place = order[at], at
            while place > begin and _before(name, order[place - 1], keys, arena, offsets):
                order[place] = order[place - 1]
                place -= 1
            order[place] = name
    spare = np.empty(count, np.int64)
    width = _RUN
    while width < count:
        for begin in range(0, count - width, 2 * width):
            middle, end = begin + width, min(begin + 2 * width, count)
            right = order[middle]
            low, high = begin, middle  # the left names before the first right one stay
            while low < high:
                half = (low + high) // 2
                if _before(right, order[half], keys, arena, offsets):
                    high = half
                else:
                    low = half + 1
            if low == middle:
                continue
            for at in range(low, middle):
                spare[at] = order[at]
            i, j, place = low, middle, low
            while i < middle:
                if j < end and _before(order[j], spare[i], keys, arena, offsets):
                    order[place] = order[j]
                    j += 1
                else:
                    order[place] = spare[i]
                    i += 1
                place += 1
        width *= 2
    ranks = np.empty(count, np.int64)
    for place in range(count):
        ranks[order[place]] = place
    return ranks


@_compiled
def _grouped(groups, starts, count):
    """Rows by group, within a group by start, else as they stand; and the number of each row within its group, from 1."""
    places = np.zeros(count + 1, np.int64)
    for row in range(len(groups)):
        places[groups[row] + 1] += 1
    for group in range(count):
        places[group + 1] += places[group]
    order = np.empty(len(groups), np.int64)
    begins = places.copy()
    for row in range(len(groups)):
        group = groups[row]
        at = places[group]
        places[group] += 1
        while at > begins[group] and starts[order[at - 1]] > starts[row]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = row
    numbers = np.empty(len(groups), np.int64)
    for group in range(count):
        for at in range(begins[group], begins[group + 1]):
            numbers[at] = at - begins[group] + 1
    return order, numbers


@_compiled
def _created(arena, offsets, count):
    """When the channel was created that a call id names, as in ``pbx-1266833905.20``; -1 where it does not say. [µs]"""
    out = np.full(count, -1, np.int64)
    for name in range(count):
        begin, at = offsets[name], offsets[name + 1] - 1
        digits = 0
        while at >= begin and 48 <= arena[at] <= 57:
            at -= 1
            digits += 1
        if digits == 0 or at < begin or arena[at] != 46:
            continue
        at -= 1
        epoch, scale, digits = 0, 1, 0
        while at >= begin and 48 <= arena[at] <= 57 and digits < 11:
            epoch += scale * (arena[at] - 48)
            scale *= 10
            at -= 1
            digits += 1
        if 9 <= digits <= 10 and (at < begin or (arena[at] == 45 and at > begin)):
            out[name] = epoch * 1_000_000
    return out


def _texts(names: Names, numbers: np.ndarray) -> list[str]:
    found: list[str] = names.array().take(pa.array(numbers)).to_pylist()
    return found


def _used(codes: np.ndarray) -> np.ndarray:
    """Return the different codes, without the missing (-1)."""
    return np.flatnonzero(np.bincount(codes + 1)[1:]) if len(codes) else np.empty(0, dtype="int64")


def _categories(codes: np.ndarray, used: np.ndarray, texts: list[str]) -> pd.Categorical:
    """Codes as a category of the texts of the used ones, sorted; blank texts are missing."""
    words = sorted({text for text in texts if text})
    place = {word: at for at, word in enumerate(words)}
    table = np.full((int(used[-1]) if len(used) else -1) + 2, -1, dtype="int32")  # its last place is for the missing, code -1
    table[used] = [place.get(text, -1) for text in texts]
    table[-1] = -1
    return pd.Categorical.from_codes(table[codes], categories=pd.Index(words, dtype="str"))


def _fixed(codes: np.ndarray, words: tuple[str, ...]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, categories=list(words))


def _named(codes: np.ndarray, names: Names) -> pd.Categorical:
    used = _used(codes)
    return _categories(codes, used, _texts(names, used))


def _words(codes: np.ndarray, names: Names) -> pd.Categorical:
    used = _used(codes)
    return _categories(codes, used, [text.strip() for text in _texts(names, used)])


def _arrow_text(array: Any) -> Any:
    return _TEXT.__from_arrow__(pa.chunked_array([array]))


def _ids(codes: np.ndarray, names: Names) -> Any:
    return _arrow_text(names.array().take(pa.array(codes, mask=codes < 0)))


def _instants(values: np.ndarray) -> pd.Series:
    """UTC instants of microseconds; -1 is missing."""
    return pd.Series(np.where(values < 0, np.datetime64("NaT", "us"), values.astype("datetime64[us]"))).dt.tz_localize("UTC")


def _customers(codes: np.ndarray, names: Names, options: Options) -> Any:
    used = _used(codes)
    texts: list[str | None] = [
        None if not text or text.lower() in _NO_NUMBER else text for text in map(str.strip, _texts(names, used))
    ]
    shown = pseudonymise(texts, options.key) if options.pseudonyms else pd.Series(texts, dtype="str")
    place = np.zeros((int(used[-1]) if len(used) else -1) + 2, dtype="int64")
    place[used] = np.arange(len(used))
    return _arrow_text(pa.array(shown, type=pa.large_string()).take(pa.array(place[codes], mask=codes < 0)))


def _targets(visits: np.ndarray, queues: Names, words: Names) -> pd.Categorical:
    """Where agents sent contacts: the queue where it is known, else the number or channel logged."""
    by_queue, by_word = _used(visits["sent_queue"]), _used(visits["sent_word"])
    codes = np.where(visits["sent_queue"] >= 0, visits["sent_queue"], visits["sent_word"] + queues.count)
    codes[(visits["sent_queue"] < 0) & (visits["sent_word"] < 0)] = -1
    used = np.concatenate([by_queue, by_word + queues.count])
    texts = [*_texts(queues, by_queue), *(plain_name(_CHANNEL.sub("", text)) for text in _texts(words, by_word))]
    return _categories(codes, used, texts)


def contacts_table(
    visits: np.ndarray, calls: Names, queues: Names, agents: list[str], words: Names, options: Options
) -> tuple[pd.DataFrame, int]:
    """Make the table `contacts`, and count the visits whose hold is taken as zero.

    Examples
    --------
    >>> from ccstats.readers.asterisk_queue_log.visits import Visits
    >>> contacts_table(Visits().finish(), Names(), Names(), [], Names(), Options())[0].shape
    (0, 24)
    """
    visits = visits[visits["flags"] & OUTBOUND == 0] if (visits["flags"] & OUTBOUND).any() else visits
    order, numbers = _grouped(_ranks(calls.arena, calls.offsets, calls.count)[visits["call"]], np.ascontiguousarray(visits["queued"]), calls.count)
    visits = visits[order]
    call, queued, flags, outcome = visits["call"], visits["queued"], visits["flags"], visits["outcome"]
    refused = flags & NO_ENTRY != 0
    created = _created(calls.arena, calls.offsets, calls.count)[call]
    created[(created > queued) | (queued - created > _DAY_US)] = -1
    ivr = np.where((created >= 0) & (numbers == 1) & ~refused, (queued - created) / 1e6, np.nan)
    talk, hold = visits["talk"], np.where(np.isnan(visits["talk"]), np.nan, visits["hold"])
    holds = np.zeros(queues.count, dtype=bool)
    holds[visits["queue"][~np.isnan(hold)]] = True
    none_held = holds[visits["queue"]] & np.isnan(hold) & ~np.isnan(talk) & (outcome == _ANSWERED)
    hold[none_held] = 0.0
    unseen = flags & (IMPUTED | NO_ENTRY) != 0
    agent_codes = visits["agent"]
    used_agents = _used(agent_codes)
    frame = pd.DataFrame(
        {
            "contact_id": _ids(call, calls),
            "visit": numbers,
            "channel": pd.Categorical.from_codes(np.zeros(len(visits), dtype="int8"), categories=["voice"]),
            "direction": _fixed(np.zeros(len(visits), dtype="int8"), CONTACTS["direction"].vocabulary),
            "queue": _named(visits["queue"], queues),
            "queued_at": _instants(np.where(refused, -1, queued)),
            "outcome": _fixed(outcome, CONTACTS["outcome"].vocabulary),
            "raw_outcome": _categories(visits["raw"], _used(visits["raw"]), [list(v.VERBS)[code] for code in _used(visits["raw"])]),
            "wait_s": np.where(refused, np.nan, visits["wait"]),
            "ring_s": np.where(outcome == _ANSWERED, visits["ring"], np.nan),
            "talk_s": talk.copy(),
            "hold_s": hold,
            "wrap_s": visits["wrap"].copy(),
            "agent": _categories(agent_codes, used_agents, [agents[code] for code in used_agents]),
            "arrived_at": _instants(np.where(refused & (created < 0), queued, created)),
            "ivr_s": ivr,
            "transferred_to": _targets(visits, queues, words),
            "ended_by": _fixed(visits["ended_by"], CONTACTS["ended_by"].vocabulary),
            "customer": _customers(visits["customer"], words, options),
            "dnis": _words(visits["dnis"], words),
            "disposition": _words(visits["disposition"], words),
            "ring_attempts": pd.arrays.IntegerArray(visits["attempts"].astype("int64"), unseen),
            "ring_noanswer": pd.arrays.IntegerArray(visits["noanswer"].astype("int64"), unseen.copy()),
        },
        copy=False,
    )
    return frame, int(none_held.sum())


def agent_states_table(spans: np.ndarray, calls: Names, renamed: np.ndarray, queues: Names, agents: list[str], words: Names) -> pd.DataFrame:
    """Make the table `agent_states`; contacts that a transfer renamed bear their true id.

    Examples
    --------
    >>> from ccstats.readers.asterisk_queue_log.agents import Agents
    >>> agent_states_table(Agents().finish(0), Names(), np.empty(0, dtype="i4"), Names(), [], Names()).shape
    (0, 8)
    """
    ranks = np.empty(len(agents), dtype="int64")
    ranks[sorted(range(len(agents)), key=agents.__getitem__)] = np.arange(len(agents))
    order, _ = _grouped(ranks[spans["agent"]], np.ascontiguousarray(spans["start"]), len(agents))
    spans = spans[order]
    call = spans["call"].copy()
    if len(renamed):
        known = call >= 0
        call[known] = np.where(renamed[call[known]] >= 0, renamed[call[known]], call[known])
    used_agents = _used(spans["agent"])
    return pd.DataFrame(
        {
            "agent": _categories(spans["agent"], used_agents, [agents[code] for code in used_agents]),
            "started_at": _instants(spans["start"]),
            "ended_at": _instants(spans["end"]),
            "state": _fixed(spans["state"], STATES),
            "reason": _words(spans["reason"], words),
            "queue": _named(spans["queue"], queues),
            "contact_id": _ids(call, calls),
            "closed_by": _fixed(spans["closed"], AGENT_STATES["closed_by"].vocabulary),
        },
        copy=False,
    )
