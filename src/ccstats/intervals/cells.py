"""Groups, cells and rows of `ccstats.intervals`: who is counted where, and which row of the result that is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, OptionError, did_you_mean
from ccstats.intervals.row_loops import find_cells, place_cells
from ccstats.periods import local_grid
from ccstats.schema import Table

__all__ = ["Cells", "Grid", "Groups", "by_names", "check_by", "coded", "instants_of", "micros_of", "plain"]

#: More groups than this are numbered by sorting them, so that a table of all combinations is never made.
_COMBINATIONS = 1 << 22
#: More intervals on end, or more rows, are more likely a wrong date than a wish.
_MOST_INTERVALS, _MOST_ROWS = 20_000_000, 200_000_000


def by_names(by: Any) -> tuple[str, ...]:
    """The columns to group by, each once.

    Raises
    ------
    OptionError
        If it is neither a name nor several.

    Examples
    --------
    >>> by_names("queue"), by_names(["queue", "channel", "queue"]), by_names(())
    (('queue',), ('queue', 'channel'), ())
    """
    names = (by,) if isinstance(by, str) else tuple(by) if isinstance(by, Iterable) else (by,)
    if not all(isinstance(name, str) for name in names):
        raise OptionError(f"by={by!r} must be a column name, several of them, or () for none")
    return tuple(dict.fromkeys(names))


def check_by(by: str | Sequence[str], columns: Iterable[Any], *, what: str, fixed: Table | None = None) -> tuple[str, ...]:
    """The ``by`` columns as a tuple, if they are there and none of them has a meaning of its own in the result."""
    names = by_names(by)
    known = [str(column) for column in columns]
    for name in names:
        if name not in known:
            raise ColumnError(f"by={name!r} is no column of {what}; it has: {', '.join(known)}.{did_you_mean(name, known)}")
        if fixed is not None and name in fixed:
            raise OptionError(f"by={name!r} has a meaning of its own in the table {fixed.name!r}; rename the column of {what}")
    return names


def plain(values: np.ndarray) -> np.ndarray:
    """A contiguous view that says it is read only: one type for the compiled loops, whatever pandas hands out."""
    view = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


def instants_of(values: pd.Series) -> np.ndarray:
    """Microseconds since 1970; missing is the smallest integer."""
    return plain(pd.DatetimeIndex(values).as_unit("us").asi8)


def micros_of(seconds: np.ndarray) -> np.ndarray:
    """Whole microseconds; missing is 0."""
    return np.rint(np.nan_to_num(seconds, nan=0.0) * 1e6).astype(np.int64)


def coded(values: Any) -> tuple[np.ndarray, pd.Index]:
    """Codes (-1 is missing) and labels in the order of the result: sorted, or as an ordered category has them."""
    series = pd.Series(values)
    held: Any = series.array if isinstance(series.dtype, pd.CategoricalDtype) else pd.Categorical(series)
    labels = held.categories
    if held.ordered or labels.is_monotonic_increasing:
        return held.codes, labels
    order = labels.argsort()
    rank = np.full(len(labels) + 1, -1, dtype=np.int32)
    rank[order] = np.arange(len(labels), dtype=np.int32)
    return rank[held.codes], labels[order]


class Groups:
    """Combinations of columns, numbered in sorted order; a missing value sorts last.

    Parameters
    ----------
    columns : dict of str to (codes, labels)
        As `coded` makes them; without columns there is one group.
    rows : int
        Length of the columns.
    """

    def __init__(self, columns: dict[str, tuple[np.ndarray, pd.Index]], rows: int) -> None:
        self._labels = {name: labels for name, (_, labels) in columns.items()}
        self._sizes = [len(labels) + 1 for labels in self._labels.values()]
        self.size = math.prod(self._sizes)
        if self.size >= 1 << 62:
            raise OptionError(f"by={list(columns)} has {self.size:.1e} combinations; count by fewer columns")
        width = np.int32 if self.size <= _COMBINATIONS else np.int64
        self.numbers: Any = np.zeros(rows, dtype=width)
        for size, (codes, _) in zip(self._sizes, columns.values(), strict=True):
            self.numbers *= width(size)
            self.numbers += codes
            missing = codes < 0
            if missing.any():
                self.numbers[missing] += width(size)
        self._listed: np.ndarray | None = None
        if self.size > _COMBINATIONS:
            self._listed, self.numbers = np.unique(self.numbers, return_inverse=True)
            self.size = len(self._listed)

    def present(self) -> tuple[np.ndarray, np.ndarray]:
        """The numbers that occur, and for each row the place of its number among them."""
        occurs = np.bincount(self.numbers, minlength=self.size) > 0
        return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[self.numbers]

    def columns(self, numbers: np.ndarray) -> dict[str, Any]:
        """The columns' values for these numbers: categories of the values that occur, or instants."""
        rest = self._combined(numbers)
        found: dict[str, Any] = {}
        for size, (name, labels) in reversed(list(zip(self._sizes, self._labels.items(), strict=True))):
            rest, codes = np.divmod(rest, size)
            found[name] = _values(np.where(codes < len(labels), codes, -1), labels)
        return dict(reversed(found.items()))

    def leading(self, numbers: np.ndarray) -> np.ndarray:
        """The code of the first column for these numbers."""
        return self._combined(numbers) // math.prod(self._sizes[1:])

    def _combined(self, numbers: np.ndarray) -> np.ndarray:
        return numbers.astype(np.int64) if self._listed is None else self._listed[numbers]


def _values(codes: np.ndarray, labels: pd.Index) -> Any:
    if isinstance(labels, pd.DatetimeIndex):
        return labels.take(codes)
    seen = np.zeros(len(labels) + 1, dtype=bool)
    seen[codes] = True
    seen[-1] = False
    rank = np.cumsum(seen, dtype=np.int32) - 1
    rank[-1] = -1
    return pd.Categorical.from_codes(rank[codes], dtype=pd.CategoricalDtype(labels[seen[:-1]]))


class Grid(NamedTuple):
    """Intervals on end: their edges [µs since 1970], one more than intervals, and the usual length [µs]."""

    edges: np.ndarray
    step: int

    @classmethod
    def between(cls, low: int, high: int, *, every_s: int, timezone: str) -> Grid:
        """The intervals from the one that ``low`` lies in to the one that ``high`` lies in."""
        first, end = pd.DatetimeIndex(np.array([low, high + 1]).view("datetime64[us]"), tz="UTC")
        intervals = (high - low) // (every_s * 1_000_000) + 1
        if intervals > _MOST_INTERVALS:
            raise OptionError(f"{intervals:,} intervals of {every_s} s from {first} to {end} are too many; is one of these dates wrong?")
        frame = local_grid(first, end, every=pd.Timedelta(seconds=every_s), timezone=timezone)
        starts = instants_of(frame["interval_start"])
        last = starts[-1] + micros_of(frame["interval_s"].to_numpy())[-1]
        return cls(plain(np.append(starts, last)), every_s * 1_000_000)

    def columns(self, which: np.ndarray, timezone: str) -> dict[str, Any]:
        """Start, length and zone of these intervals."""
        return {
            "interval_start": pd.DatetimeIndex(self.edges[which].view("datetime64[us]")).tz_localize("UTC"),
            "interval_s": (np.diff(self.edges) / 1e6)[which],
            "timezone": constant(timezone, len(which)),
        }


def constant(word: str, rows: int, words: Sequence[str] = ()) -> Any:
    """A category column with one value."""
    categories = list(words) or [word]
    return pd.Categorical.from_codes(np.full(rows, categories.index(word), dtype=np.int8), dtype=pd.CategoricalDtype(categories))


class Cells:
    """Where each group's intervals lie among all cells, in the order of the finished table.

    Parameters
    ----------
    leading : array of int
        For each group the code of its first key column, ascending.
    intervals : int
        How many intervals the grid has.
    """

    def __init__(self, leading: np.ndarray, intervals: int) -> None:
        first = np.searchsorted(leading, leading, side="left")
        self.stride = np.searchsorted(leading, leading, side="right") - first
        self.base = first * intervals + np.arange(len(leading)) - first
        self.total = len(leading) * intervals
        self._first, self._intervals = first, intervals

    def check_size(self) -> None:
        """Raise if all cells are too many to be meant."""
        if self.total > _MOST_ROWS:
            raise OptionError(
                f"fill=True would make {self.total:,} rows: {len(self.base):,} groups by {self._intervals:,} intervals. "
                "If the span is too long, a date is wrong; otherwise give fill=False"
            )

    def bits(self, *, full: bool) -> np.ndarray:
        """A mask of one bit a cell, none or all set."""
        mask = np.full(-(-self.total // 64), ~np.uint64(0) if full else np.uint64(0), dtype=np.uint64)
        if full and self.total % 64:
            mask[-1] = np.uint64((1 << (self.total % 64)) - 1)
        return mask

    def rows(self, bits: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Group and interval of every row, and for each word of the mask the rows before it."""
        before = np.empty(len(bits), dtype=np.int64)
        return *self.place(find_cells(bits, before)), before

    def place(self, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Group and interval of these cells, which are in ascending order."""
        return place_cells(cells, *np.unique(self._first, return_counts=True), self._intervals)
