"""The groups and periods of a result, and the sums over the intervals of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import OptionError, ZoneError, did_you_mean
from ccstats.expectation.expected import divide
from ccstats.periods import PERIODS, check_timezone, period_start, slot_of, weekday_of

__all__ = ["Cells"]

Floats = NDArray[np.float64]

_WORDS = ("interval", *PERIODS, "weekday", "slot")


class Cells:
    """Rows of intervals cut into groups and periods; every sum is made for all cells at once.

    Parameters
    ----------
    frame : pandas.DataFrame
        With ``interval_start, interval_s, timezone`` and the columns of ``by``.
    by : sequence of str
        ``queue`` or nothing.
    period : str, optional
        ``interval``, ``hour``, ``day``, ``week``, ``month``, ``quarter``, ``year``, ``weekday``, ``slot``; None: no periods.
    timezone : str, optional
        Where days begin; by default the zone the intervals were cut in.

    Attributes
    ----------
    number : numpy.ndarray of int
        The cell of each row: 0, 1, …
    keys : pandas.DataFrame
        One row a cell: the ``by`` columns and ``period_start``, ``weekday`` or ``slot``.

    Raises
    ------
    OptionError
        If the period is not known, or shorter than the intervals.
    ZoneError
        If the zone is not known, or one of its periods begins inside an interval.

    Examples
    --------
    >>> starts = pd.date_range("2026-03-02 08:00", periods=3, freq="30min", tz="UTC")
    >>> cells = Cells(pd.DataFrame({"interval_start": starts, "interval_s": 1800.0, "timezone": "UTC"}), [], period="hour")
    >>> cells.add([3, 4, 5]).tolist()
    [7.0, 5.0]
    """

    def __init__(self, frame: pd.DataFrame, by: Sequence[str], *, period: str | None, timezone: str | None = None) -> None:
        if period is not None and period not in _WORDS:
            near = did_you_mean(str(period), _WORDS)
            raise OptionError(f"period={period!r} is not known; choose one of: {', '.join(_WORDS)}, or None for one row a group.{near}")
        cut = str(frame["timezone"].iloc[0])
        zone = cut if timezone is None else check_timezone(timezone)
        starts = pd.DatetimeIndex(frame["interval_start"])
        columns: dict[str, Any] = {name: frame[name] for name in by}
        if period in ("weekday", "slot"):
            _whole(frame, starts, "day", zone, cut)
            columns[period] = (weekday_of if period == "weekday" else slot_of)(starts, timezone=zone)
        elif period is not None:
            columns["period_start"] = starts.tz_convert(zone) if period == "interval" else _whole(frame, starts, period, zone, cut)
        table = pd.DataFrame(columns, index=frame.index)
        groups = table.groupby(list(columns), observed=True, sort=True).ngroup() if columns else pd.Series(0, index=frame.index)
        self.number: NDArray[np.int64] = groups.to_numpy().astype("int64")
        self.keys = table.iloc[np.unique(self.number, return_index=True)[1]].reset_index(drop=True)

    def __len__(self) -> int:
        return len(self.keys)

    def add(self, values: Any) -> Floats:
        """The sum over the rows of each cell; a missing one is missing."""
        return np.bincount(self.number, weights=values, minlength=len(self)).astype("float64")

    def count(self, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
        """How many rows of each cell are chosen."""
        return np.bincount(self.number[chosen], minlength=len(self)).astype("int64")

    def mean(self, values: Floats, weights: Floats) -> Floats:
        """The weighted mean over the rows of each cell; what has no weight need not be known, and without any weight it is missing."""
        return divide(self.add(np.where(weights > 0, weights * values, 0.0)), self.add(weights))

    def common(self, values: Floats) -> Floats:
        """The value that all rows of a cell have; missing where they differ."""
        low, high = np.full(len(self), np.inf), np.full(len(self), -np.inf)
        np.minimum.at(low, self.number, values)
        np.maximum.at(high, self.number, values)
        return np.where(low == high, low, np.nan)


def _whole(frame: pd.DataFrame, starts: pd.DatetimeIndex, period: str, zone: str, cut: str) -> pd.DatetimeIndex:
    """Where the period of each interval begins, if none begins inside one."""
    begin = period_start(starts, period=period, timezone=zone)
    last = starts + pd.to_timedelta(frame["interval_s"].to_numpy(dtype="float64") * 1e6 - 1, unit="us")
    split = np.asarray(begin != period_start(last, period=period, timezone=zone))
    if split.any():
        row = frame.iloc[int(np.argmax(split))]
        shown = f"the interval of {row['interval_s']:g} s from {row['interval_start'].tz_convert(cut)}"
        if cut == zone:
            raise OptionError(f"period={period!r} is shorter than the intervals: one begins inside {shown}")
        raise ZoneError(f"a {period} of {zone} begins inside {shown}, which was cut in {cut}; make the intervals with timezone={zone!r}")
    return begin
