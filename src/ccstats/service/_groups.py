"""Rows cut into groups and periods, for figures that come from contacts or spans and not from intervals."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, OptionError
from ccstats.periods import PERIODS, local_grid, period_start, slot_of, weekday_of

__all__ = ["Groups", "alphabetical", "columns_of", "micros_of", "period_of"]

Mask = np.ndarray


def columns_of(by: str | Sequence[str], frame: pd.DataFrame, *, what: str, reserved: Sequence[str] = ()) -> list[str]:
    """The group columns, each once, all of them in ``frame`` and none of them a column that the result has anyway."""
    names = list(dict.fromkeys([by] if isinstance(by, str) else by))
    taken = [name for name in names if name in reserved]
    if taken:
        raise OptionError(f"by={names}: {', '.join(map(repr, taken))} is in the result as it is; leave it out of by=")
    lacking = [name for name in names if name not in frame]
    if lacking:
        raise ColumnError(f"by={names}: {what} has no column {', '.join(map(repr, lacking))}; it has: {', '.join(map(str, frame.columns))}")
    return names


def alphabetical(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the categories of unordered columns sorted: pandas sorts rows by them, and sources name them in any order."""
    unordered = [name for name, dtype in frame.dtypes.items() if isinstance(dtype, pd.CategoricalDtype) and not dtype.ordered]
    return frame.assign(**{str(name): frame[name].cat.reorder_categories(frame[name].cat.categories.sort_values()) for name in unordered})


def micros_of(instants: pd.Series) -> np.ndarray:
    """Microseconds since 1970."""
    return pd.DatetimeIndex(instants).as_unit("us").asi8


def period_of(instants: pd.Series, *, period: str, timezone: str, every: str) -> tuple[str, Any]:
    """The period each instant lies in: name of its column, and values. ``every`` is the length of intervals and slots."""
    if period in PERIODS:
        return "period_start", period_start(instants, period=period, timezone=timezone)
    if period == "weekday":
        return "weekday", weekday_of(instants, timezone=timezone)
    if period not in ("interval", "slot"):
        raise OptionError(f"period={period!r}: expected interval, {', '.join(PERIODS)}, weekday, slot or None")
    known = instants.dropna()
    if known.empty:
        starts = pd.DatetimeIndex(instants)
    else:
        edges = pd.DatetimeIndex(
            local_grid(known.min(), known.max() + pd.Timedelta("1us"), every=every, timezone=timezone)["interval_start"]
        )
        at = edges.searchsorted(pd.DatetimeIndex(instants), side="right") - 1
        starts = edges.take(np.where(instants.isna(), -1, at), allow_fill=True, fill_value=None)
    return ("slot", slot_of(starts, timezone=timezone)) if period == "slot" else ("period_start", starts.tz_convert(timezone))


class Groups:
    """The cells of ``by`` columns and periods that occur in a frame, in order; each figure is computed for all cells at once."""

    def __init__(
        self,
        frame: pd.DataFrame,
        by: str | Sequence[str],
        *,
        instants: pd.Series,
        period: str | None,
        timezone: str,
        every: str = "30min",
        what: str = "contacts",
    ) -> None:
        keys = alphabetical(frame[columns_of(by, frame, what=what)]).reset_index(drop=True)
        if period is not None:
            name, values = period_of(instants, period=period, timezone=timezone, every=every)
            keys[name] = values
        if keys.columns.empty:  # no grouping: one group, even of nothing
            self.codes, self.keys = np.zeros(len(frame), dtype="int64"), pd.DataFrame(index=pd.RangeIndex(1))
        else:
            self.codes = keys.groupby(list(keys.columns), observed=True, dropna=False).ngroup().to_numpy()
            first = np.empty(int(self.codes.max(initial=-1)) + 1, dtype="int64")
            first[self.codes[::-1]] = np.arange(len(frame))[::-1]  # what is written last stays
            self.keys = keys.iloc[first].reset_index(drop=True)

    def split(self, sizes: Sequence[int]) -> list[Groups]:
        """The same cells for each of the tables that were stacked on one another."""
        parts = []
        for codes in np.split(self.codes, np.cumsum(sizes)[:-1]):
            part = copy(self)
            part.codes = codes
            parts.append(part)
        return parts

    def count(self, chosen: Mask | None = None) -> np.ndarray:
        """Rows chosen (all), per cell."""
        return np.bincount(self.codes if chosen is None else self.codes[chosen], minlength=len(self.keys))

    def total(self, values: np.ndarray, chosen: Mask | None = None) -> np.ndarray:
        """Sum of the values chosen (all), per cell."""
        codes, values = (self.codes, values) if chosen is None else (self.codes[chosen], values[chosen])
        return np.bincount(codes, weights=values, minlength=len(self.keys)).astype("float64")

    def largest(self, values: np.ndarray, chosen: Mask | None = None) -> np.ndarray:
        """Maximum of the values chosen (all), per cell; missing where there is none."""
        out = np.full(len(self.keys), np.nan)
        np.fmax.at(out, self.codes if chosen is None else self.codes[chosen], values if chosen is None else values[chosen])
        return out

    def quantiles(self, values: np.ndarray, chosen: Mask, shares: Sequence[float]) -> np.ndarray:
        """Quantiles of the values chosen, cells × shares, linear between order statistics; missing where there is no value."""
        codes, values = self.codes[chosen], values[chosen]
        values = values[np.lexsort((values, codes))]
        sizes = np.bincount(codes, minlength=len(self.keys))
        begins = np.cumsum(sizes) - sizes
        out = np.full((len(sizes), len(shares)), np.nan)
        some = sizes > 0
        for column, share in enumerate(shares):
            rank = (sizes[some] - 1) * share
            low = np.floor(rank).astype("int64")
            high = np.minimum(low + 1, sizes[some] - 1)
            below, above = values[begins[some] + low], values[begins[some] + high]
            out[some, column] = below + (rank - low) * (above - below)
        return out

    def table(self, columns: dict[str, Any]) -> pd.DataFrame:
        """The cells with figures beside them."""
        return self.keys.assign(**columns)
