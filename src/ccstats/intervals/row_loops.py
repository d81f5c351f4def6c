"""Compiled loops over cells and the rows of a result: which cells are used, whose they are, and what their rows hold."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

__all__ = ["add_rows", "booked_rows", "find_cells", "ones", "pick_columns", "place_cells", "take_maxima"]

#: Untyped, because a type checker cannot follow the arguments that all loops share.
njit: Any = numba.njit


@njit(cache=True, nogil=True)
def ones(word):  # pragma: no cover - compiled
    """Bits set in a 64-bit word, added up in parallel."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit(cache=True, nogil=True)
def find_cells(bits, before):  # pragma: no cover - compiled
    """The cells whose bit is set, in order; ``before`` is filled with the bits set before each word."""
    total = 0
    for word in range(len(bits)):
        before[word] = total
        total += ones(bits[word])
    cells = np.empty(total, dtype=np.int64)
    row = 0
    for word in range(len(bits)):
        left = bits[word]
        while left:
            lowest = left & (~left + np.uint64(1))
            cells[row] = word * 64 + ones(lowest - np.uint64(1))
            left ^= lowest
            row += 1
    return cells


@njit(cache=True, nogil=True)
def place_cells(cells, first, sizes, intervals):  # pragma: no cover - compiled
    """Group and interval of cells in ascending order; ``first`` and ``sizes`` are the blocks of groups with the same first key."""
    group, interval = np.empty(len(cells), dtype=np.int32), np.empty(len(cells), dtype=np.int32)
    block = 0
    for row in range(len(cells)):
        while block + 1 < len(first) and cells[row] >= first[block + 1] * intervals:
            block += 1
        within = cells[row] - first[block] * intervals
        interval[row] = within // sizes[block]
        group[row] = first[block] + within % sizes[block]
    return group, interval


@njit(cache=True, nogil=True)
def booked_rows(counts):  # pragma: no cover - compiled
    """The rows in which anything is counted."""
    rows, found = np.empty(len(counts), dtype=np.int64), 0
    for row in range(len(counts)):
        for column in range(counts.shape[1]):
            if counts[row, column]:
                rows[found] = row
                found += 1
                break
    return rows[:found]


@njit(cache=True, nogil=True)
def pick_columns(table, rows, columns, out, begin, end):  # pragma: no cover - compiled
    """Copy some rows of some columns into one array a column; block by block, so that a row is read from memory once."""
    for start in range(begin, end, 1024):
        stop = min(start + 1024, end)
        for j in range(len(columns)):
            for r in range(start, stop):
                out[j, r] = table[rows[r], columns[j]]


@njit(cache=True, nogil=True)
def add_rows(at, values, out):  # pragma: no cover - compiled
    """Add each value to the row it belongs to."""
    for r in range(len(at)):
        out[at[r]] += values[r]


@njit(cache=True, nogil=True)
def take_maxima(at, values, out):  # pragma: no cover - compiled
    """Keep the largest value of each row."""
    for r in range(len(at)):
        out[at[r]] = max(out[at[r]], values[r])
