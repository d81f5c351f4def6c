"""Compiled looks at a stretch of bytes: its hash, whether it equals another, the number, time or duration that it spells.

These are the scanner's words; it calls them hundreds of millions of times, so they take an array and two places in it, never a string.
"""

from __future__ import annotations

import numpy as np

from ccstats.readers.asterisk_queue_log import verbs as v
from ccstats.readers.asterisk_queue_log.compiled import plain

__all__ = ["MAX_US", "MIN_US", "PRIME", "SEED", "epoch_in", "hash_of", "is_none", "looks_like_name", "same_bytes", "seconds_in", "slot_of"]

_DOT = 46
SEED, PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)  # FNV-1a, 64 bits
MIN_US, MAX_US = 915_148_800_000_000, 4_102_444_800_000_000  # 1999-01-01, 2100-01-01


@plain
def hash_of(data, begin, end):
    """FNV-1a of the bytes from ``begin`` to ``end``."""
    h = SEED
    for at in range(begin, end):
        h = (h ^ np.uint64(data[at])) * PRIME
    return h


@plain
def slot_of(h, mask):
    """Where to look first for a hash in a table whose size is a power of two, ``mask`` being one less."""
    return np.int64((h ^ (h >> np.uint64(29))) & np.uint64(mask))


@plain
def same_bytes(a, a_begin, a_end, b, b_begin, b_end):
    """Whether two stretches are equal."""
    if a_end - a_begin != b_end - b_begin:
        return False
    for at in range(a_end - a_begin):  # noqa: SIM110 - the compiler knows no all()
        if a[a_begin + at] != b[b_begin + at]:
            return False
    return True


@plain
def number_in(data, begin, end):
    """A plain decimal number and whether it is one: 1 yes, 0 blank, -1 no; a minus sign is understood."""
    while begin < end and data[begin] == 32:
        begin += 1
    while begin < end and data[end - 1] == 32:
        end -= 1
    if begin == end:
        return np.nan, 0
    sign = 1.0
    if data[begin] == 45:
        sign = -1.0
        begin += 1
    value, scale, digits, point = 0.0, 1.0, 0, False
    for at in range(begin, end):
        b = data[at]
        if 48 <= b <= 57:
            digits += 1
            value = value * 10.0 + (b - 48)
            if point:
                scale *= 10.0
        elif b == _DOT and not point:
            point = True
        else:
            return np.nan, -1
    if digits == 0 or digits > 15:
        return np.nan, -1
    return sign * value / scale, 1


@plain
def epoch_in(data, begin, end):
    """Microseconds since 1970, or -1 where it is no number (a fraction is allowed: the realtime table has one)."""
    value, places = 0, -1
    if begin == end or end - begin > 18:
        return -1
    for at in range(begin, end):
        b = data[at]
        if 48 <= b <= 57:
            if places < 6:
                value = value * 10 + (b - 48)
                places += places >= 0
        elif b == _DOT and places < 0 and at > begin:
            places = 0
        else:
            return -1
    for _ in range(6 - max(places, 0)):
        if value > MAX_US:
            return MAX_US + 1
        value *= 10
    return value


@plain
def seconds_in(data, begin, end, longest):
    """A duration and the reason to reject it (0: none)."""
    value, kind = number_in(data, begin, end)
    if kind < 0:
        return value, v.NO_NUMBER
    if value < 0:
        return value, v.NEGATIVE
    if value >= longest:
        return value, v.IMPOSSIBLE
    return value, v.GOOD


@plain
def is_none(data, begin, end):
    """Whether a name is empty or NONE."""
    if end == begin:
        return True
    return end - begin == 4 and data[begin] == 78 and data[begin + 1] == 79 and data[begin + 2] == 78 and data[begin + 3] == 69


@plain
def looks_like_name(data, begin, end):
    """Whether what stands for the verb has letters that no verb has."""
    for at in range(begin, end):
        b = data[at]
        if not (65 <= b <= 90 or 48 <= b <= 57 or b == 95 or b == 45):
            return True
    return False
