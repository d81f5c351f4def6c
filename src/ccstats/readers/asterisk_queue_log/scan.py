"""The compiled scanner: bytes of a queue_log into arrays of events, one pass, no strings made.

Names (call ids, queues, agents, caller numbers, unknown verbs) become small numbers: first within a chunk of the file, so that chunks
can be scanned in parallel, then within the whole log by `interner.Names`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ccstats.readers.asterisk_queue_log import verbs as v
from ccstats.readers.asterisk_queue_log.compiled import compiled, plain
from ccstats.readers.asterisk_queue_log.interner import intern
from ccstats.readers.asterisk_queue_log.octets import (
    MAX_US,
    MIN_US,
    PRIME,
    SEED,
    epoch_in,
    hash_of,
    is_none,
    looks_like_name,
    number_in,
    same_bytes,
    seconds_in,
    slot_of,
)

__all__ = ["Chunk", "scan"]

_PIPE, _NEWLINE, _RETURN = 124, 10, 13
_MAX_LINE = 8192
#: No call waits, rings or talks for a day; agents stay logged in for days. [s]
_DAY_S, _WEEK_S = 86_400.0, 7 * 86_400.0


@plain
def _verb(data, begin, end, h, words, offsets, hashes, slots):
    """Code of a known verb, or -1."""
    mask = len(slots) - 1
    slot = slot_of(h, mask)
    while slots[slot] >= 0:
        code = slots[slot]
        if hashes[code] == h and same_bytes(words, offsets[code], offsets[code + 1], data, begin, end):
            return code
        slot = (slot + 1) & mask
    return -1


def _verb_table() -> tuple[np.ndarray, ...]:
    words = "".join(v.VERBS).encode()
    data = np.frombuffer(words, dtype="uint8")
    offsets = np.cumsum([0, *map(len, v.VERBS)])
    hashes = np.array([hash_of(data, offsets[code], offsets[code + 1]) for code in range(v.KNOWN)], dtype="uint64")
    slots = np.full(256, -1, dtype="int32")
    for code in range(v.KNOWN):
        slot = slot_of(hashes[code], 255)
        while slots[slot] >= 0:
            slot = (slot + 1) & 255
        slots[slot] = code
    return data, offsets, hashes, slots


@plain
def _scan_into(
    data, begin, end, cut, shapes, roles, words, offsets, verb_hashes, verb_slots,
    time, line, verb, ids, figures, slots, begins, ends, hashes, counts, bad_line, bad_why, starts, field_hash,
):  # fmt: skip
    good = bad = blank = lines = 0

    at = begin
    while at < end:
        lines += 1
        first = at
        fields = 0
        starts[0] = at
        nul = False
        h = SEED
        while at < end and fields < 5:
            b = data[at]
            if b == _PIPE:
                field_hash[fields] = h
                fields += 1
                starts[fields] = at + 1
                h = SEED
            elif b == _NEWLINE:
                break
            else:
                nul |= b == 0
                h = (h ^ np.uint64(b)) * PRIME
            at += 1
            if at - first > _MAX_LINE:
                break
        while at < end:
            b = data[at]
            if b == _PIPE:
                if at - first <= _MAX_LINE:
                    fields += 1
                    starts[fields] = at + 1
            elif b == _NEWLINE:
                break
            elif b == 0:
                nul = True
            at += 1
        stop = at
        ended = at < end
        at += 1
        while stop > first and data[stop - 1] == _RETURN:
            stop -= 1
        unfinished = cut and not ended

        why = v.GOOD
        code = -1
        parameters = 0
        moment = np.int64(-1)
        wait = talk = other = np.nan
        word_begin = word_end = -1
        if stop - first > _MAX_LINE:
            why = v.TOO_LONG
        elif fields < 4:
            empty = True
            for place in range(first, stop):
                empty &= data[place] == 32 or data[place] == 9
            if empty:
                blank += 1
                continue
            why = v.NUL if nul else (v.CUT if unfinished else v.FEW_FIELDS)
        elif nul:
            why = v.NUL
        else:
            starts[fields + 1] = stop + 1
            if fields == 4:
                field_hash[4] = hash_of(data, starts[4], stop)
            moment = epoch_in(data, starts[0], starts[1] - 1)
            if moment < 0:
                why = v.NO_EPOCH
            elif moment < MIN_US or moment > MAX_US:
                why = v.WRONG_EPOCH
            elif starts[5] - 1 == starts[4]:
                why = v.CUT if unfinished else v.NO_VERB
        if why == v.GOOD:
            code = _verb(data, starts[4], starts[5] - 1, field_hash[4], words, offsets, verb_hashes, verb_slots)
            parameters = fields - 4
            while parameters > 0 and starts[4 + parameters] == starts[5 + parameters] - 1:
                parameters -= 1
            if code < 0:
                if unfinished and fields == 4:
                    why = v.CUT
                elif looks_like_name(data, starts[4], starts[5] - 1):
                    for field in range(5, min(fields, 6) + 1):
                        b, e = starts[field], starts[field + 1] - 1
                        if _verb(data, b, e, hash_of(data, b, e), words, offsets, verb_hashes, verb_slots) >= 0:
                            why = v.SPLIT_NAME
            else:
                role = roles[code]
                if v.JOIN <= role <= v.REFUSED or role == v.DUMP:
                    if is_none(data, starts[1], starts[2] - 1):
                        why = v.NO_CALL
                    elif is_none(data, starts[2], starts[3] - 1):
                        why = v.NO_QUEUE
        if why == v.GOOD and code >= 0:
            shape = shapes[code]
            wait_at = talk_at = other_at = word_at = need = 0
            if shape == v.WORD:
                word_at = 1
            elif shape == v.ENTER:
                word_at, need = 2, 2
            elif shape == v.ANSWER:
                wait_at, other_at, need = 1, 3, 1
            elif shape == v.TALKED:
                wait_at, talk_at, need = 1, 2, 2
            elif shape == v.WAITED:
                wait_at, need = 3, 1
            elif shape == v.KEYED:
                wait_at, need = 4, 2
            elif shape == v.SENT:
                word_at, wait_at, talk_at, need = 1, 3, 4, 2
                if parameters < 4:
                    wait_at = talk_at = 0
            elif shape == v.SENT_ATTENDED:
                need = 5
                if parameters >= 5:
                    wait_at, talk_at = parameters - 2, parameters - 1
                    if data[starts[5]] == 65:  # APP|name
                        word_at = 2
                    elif data[starts[5]] == 76:  # LINK|channel|channel
                        word_at = 3 if parameters >= 6 else 0
            elif shape == v.RANG_MS or shape == v.LASTING:
                other_at, need = 1, 1
            elif shape == v.LEFT_AFTER:
                other_at = 2
            if unfinished and parameters < need:
                why = v.CUT
            if word_at and word_at <= parameters:
                word_begin, word_end = starts[4 + word_at], starts[5 + word_at] - 1
            if wait_at and wait_at <= parameters:
                wait, wrong = seconds_in(data, starts[4 + wait_at], starts[5 + wait_at] - 1, _DAY_S)
                why = max(why, wrong)
            if talk_at and talk_at <= parameters:
                talk, wrong = seconds_in(data, starts[4 + talk_at], starts[5 + talk_at] - 1, _DAY_S)
                why = max(why, wrong)
            if other_at and other_at <= parameters:
                if shape == v.RANG_MS:
                    other, kind = number_in(data, starts[4 + other_at], starts[5 + other_at] - 1)
                    other /= 1000.0
                    if kind < 0:
                        why = v.NO_NUMBER
                    elif other < 0:
                        why = v.NEGATIVE
                    elif other >= _DAY_S:
                        why = v.IMPOSSIBLE
                else:
                    other, wrong = seconds_in(
                        data, starts[4 + other_at], starts[5 + other_at] - 1, _WEEK_S if shape == v.LEFT_AFTER else _DAY_S
                    )
                    if wrong != v.GOOD and shape == v.LEFT_AFTER:  # some versions log nonsense there; it only back-fills a login
                        other = np.nan
                    else:
                        why = max(why, wrong)
        if why != v.GOOD:
            bad_line[bad], bad_why[bad] = lines, why
            bad += 1
            continue

        for kind in range(3):
            b, e = starts[1 + kind], starts[2 + kind] - 1
            ids[kind, good] = intern(data, b, e, field_hash[1 + kind], kind, slots, begins, ends, hashes, counts)
        number = -1
        if word_end > word_begin:
            h = hash_of(data, word_begin, word_end)
            number = intern(data, word_begin, word_end, h, 3, slots, begins, ends, hashes, counts)
        ids[3, good] = number
        if code < 0:
            b, e = starts[4], starts[5] - 1
            number = intern(data, b, e, field_hash[4], 4, slots, begins, ends, hashes, counts)
            code = v.KNOWN + number
        time[good], line[good], verb[good] = moment, lines, code
        figures[0, good], figures[1, good], figures[2, good] = wait, talk, other
        good += 1
    return good, bad, blank, lines


@compiled
def _scan(data, begin, end, cut, shapes, roles, words, offsets, verb_hashes, verb_slots):
    most = 2  # never full: a full table would be another kind of array to the compiler
    for at in range(begin, end):
        most += data[at] == _NEWLINE
    size = 16
    while size < 2 * most:
        size *= 2
    time = np.empty(most, np.int64)
    line = np.empty(most, np.int32)
    verb = np.empty(most, np.int32)
    ids = np.empty((4, most), np.int32)  # call, queue, agent, word
    figures = np.empty((3, most), np.float64)  # wait, talk, ring or other seconds
    slots = np.full((5, size), -1, np.int32)  # …, unknown verb
    begins = np.empty((5, most), np.int64)
    ends = np.empty((5, most), np.int64)
    hashes = np.empty((5, most), np.uint64)
    counts = np.zeros(5, np.int64)
    bad_line = np.empty(most, np.int32)
    bad_why = np.empty(most, np.int8)
    starts = np.empty(_MAX_LINE + 4, np.int64)
    field_hash = np.empty(6, np.uint64)
    good, bad, blank, lines = _scan_into(
        data, begin, end, cut, shapes, roles, words, offsets, verb_hashes, verb_slots,
        time, line, verb, ids, figures, slots, begins, ends, hashes, counts, bad_line, bad_why, starts, field_hash,
    )  # fmt: skip
    bad_line, bad_why = bad_line[:bad].copy(), bad_why[:bad].copy()
    return time, line, verb, ids, figures, begins, ends, hashes, counts, bad_line, bad_why, good, blank, lines


class Chunk(NamedTuple):
    r"""Events of a piece of a file: arrays of one length, names as numbers within the piece, and its bad and blank lines.

    Examples
    --------
    >>> chunk = scan(np.frombuffer(b"1266833905|NONE|NONE|NONE|QUEUESTART|\n", dtype="uint8"), 0, 38, cut=False)
    >>> len(chunk.time), chunk.lines
    (1, 1)
    """

    data: np.ndarray
    time: np.ndarray
    line: np.ndarray
    verb: np.ndarray
    ids: np.ndarray
    figures: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    hashes: np.ndarray
    counts: np.ndarray
    bad_line: np.ndarray
    bad_why: np.ndarray
    blank: int
    lines: int
    converted: int


_TABLE: list[tuple[np.ndarray, ...]] = []


def scan(data: np.ndarray, begin: int, end: int, *, cut: bool) -> Chunk:
    """Scan the bytes from ``begin`` to ``end``, which are whole lines; with ``cut`` the last one has no line end and may be cut off.

    Lines that are not UTF-8 are read as Latin-1.

    Parameters
    ----------
    data : numpy.ndarray of uint8
        The file.
    begin, end : int
        Where the piece stands in it. [bytes]
    cut : bool
        Whether the piece ends the file without a line end.

    Returns
    -------
    Chunk

    Examples
    --------
    >>> line = b"1266833905|1.1|support|NONE|ABANDON|1|1|x"
    >>> scan(np.frombuffer(line, dtype="uint8"), 0, len(line), cut=False).bad_why.tolist() == [v.NO_NUMBER]
    True
    """
    if not _TABLE:
        _TABLE.append(_verb_table())
    converted = 0
    if end > begin and data[begin:end].max() > 127:
        data, converted = _as_utf8(data, begin, end)
        if converted:
            begin, end = 0, len(data)
    found = _scan(data, begin, end, cut, v.SHAPE, v.ROLE, *_TABLE[0])
    (time, line, verb, ids, figures), names, (good, blank, lines) = found[:5], found[5:11], found[11:]
    events = (time[:good], line[:good], verb[:good], ids[:, :good], figures[:, :good])
    return Chunk._make((data, *events, *names, blank, lines, converted))


def _as_utf8(data: np.ndarray, begin: int, end: int) -> tuple[np.ndarray, int]:
    """Return the file as it is, or this piece of it with the lines that are not UTF-8 converted, and how many those are."""
    piece = data[begin:end].tobytes()
    try:
        piece.decode()
    except UnicodeDecodeError:
        lines = piece.split(b"\n")
        converted = 0
        for at, line in enumerate(lines):
            try:
                line.decode()
            except UnicodeDecodeError:
                lines[at] = line.decode("latin-1").encode()
                converted += 1
        return np.frombuffer(b"\n".join(lines), dtype="uint8"), converted
    return data, 0
