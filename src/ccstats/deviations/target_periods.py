"""Periods beside a target: the value of each, whether it met the target, and sums over any of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.deviations.observed import check_amounts
from ccstats.errors import OptionError, TableError, did_you_mean
from ccstats.intervals import roll_up
from ccstats.intervals.cells import check_by
from ccstats.intervals.merging import as_intervals, by_columns
from ccstats.intervals.ratios import add_ratios
from ccstats.metrics import METRICS, Metric
from ccstats.periods import PERIODS, check_timezone, period_start
from ccstats.schema import INTERVALS

__all__ = ["TargetPeriods", "is_number", "judge_periods"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_SENSES = ("at_least", "at_most")
_OF_METRIC = {"higher_is_better": "at_least", "lower_is_better": "at_most"}
#: A share of 0.7 that was asked for as 0.8 with a tolerance of 0.1 is met: 0.8 - 0.1 is a little more than 0.7 in binary.
_EXACT = 1e-12


@dataclass(frozen=True)
class TargetPeriods:
    """Every group and period with its value, beside the target.

    Attributes
    ----------
    metric : Metric
        What is measured.
    frame : pandas.DataFrame
        The intervals.
    names : tuple of str
        The group columns.
    table : pandas.DataFrame
        One row a group and period, in the order of groups and time: group columns, ``period_start``, sums.
    cell : numpy.ndarray of int
        The row of ``table`` that each interval lies in.
    ended : pandas.Series
        The end of each period's last interval.
    value : numpy.ndarray
        Of each period; missing where there is nothing to divide by.
    low, high : float
        The target; NaN where it is open.
    tolerance : float
        How far beyond still meets it.

    Examples
    --------
    >>> import ccstats as cc
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1).contacts, threshold_s=20)
    >>> each = judge_periods(half_hours, metric="service_level", target=0.8, period="day")
    >>> bool((each.met == (each.value >= 0.8)).all())
    True
    """

    metric: Metric
    frame: pd.DataFrame
    names: tuple[str, ...]
    table: pd.DataFrame
    cell: Ints
    ended: pd.Series[Any]
    value: Floats
    low: float
    high: float
    tolerance: float

    @property
    def data(self) -> Bools:
        """Whether a period has data."""
        return ~np.isnan(self.value)

    @property
    def met(self) -> Bools:
        """Whether a period has data and met the target."""
        return self.inside(self.value)

    @property
    def contacts(self) -> Floats:
        """What the value was divided by; of handle time the most that one of its parts was, of the longest wait the contacts offered."""
        if self.metric.kind == "max":
            return self.table["offered"].to_numpy(dtype="float64")
        return np.max([count for count, _ in self.parts], axis=0)

    @property
    def parts(self) -> list[tuple[Floats, Floats]]:
        """Denominator and quotient of each part of the metric; 0 and 0 where there is nothing to divide by."""
        found = []
        for part in [METRICS[name] for name in self.metric.parts] or [self.metric]:
            value = add_ratios(self.table, metrics=[part.name])[part.name].to_numpy(dtype="float64")
            count = np.zeros(len(self.table))
            if not np.isnan(value).all():
                for sign, column in part.denominator:
                    count += sign * self.table[column].to_numpy(dtype="float64", na_value=np.nan)
            known = ~np.isnan(value)
            found.append((np.where(known, count, 0.0), np.where(known, value, 0.0)))
        return found

    def below(self, value: Floats) -> Bools:
        """Whether a value falls short of the target."""
        return value < self.low - self.tolerance - _EXACT * max(1.0, abs(self.low))

    def above(self, value: Floats) -> Bools:
        """Whether a value exceeds the target."""
        return value > self.high + self.tolerance + _EXACT * max(1.0, abs(self.high))

    def inside(self, value: Floats) -> Bools:
        """Whether a value is known and meets the target."""
        return ~np.isnan(value) & ~self.below(value) & ~self.above(value)

    def deviation(self, value: Floats) -> Floats:
        """Value less target; of a band from the end that it is beyond, 0 inside."""
        if np.isnan(self.high):
            return value - self.low
        if np.isnan(self.low):
            return value - self.high
        return value - np.clip(value, self.low, self.high)

    def rows(self, within: str | None) -> tuple[Ints, pd.DataFrame]:
        """The row of the result that each period belongs to, and the keys of those rows."""
        keys = self.table[list(self.names)]
        if within is not None:
            starts = self.table["period_start"]
            keys = keys.assign(period_start=period_start(starts, period=within, timezone=str(starts.dt.tz)))
        if not len(keys.columns):
            return np.zeros(len(keys), dtype="int64"), pd.DataFrame(index=range(min(len(keys), 1)))
        row = keys.groupby(list(keys), observed=True, sort=False, dropna=False).ngroup().to_numpy().astype("int64")
        return row, keys.iloc[np.unique(row, return_index=True)[1]].reset_index(drop=True)

    def pooled(self, row: Ints) -> Floats:
        """The value of each row of a result over all its periods, sums divided last; -1 is no row."""
        of_interval = row[self.cell]
        chosen = of_interval >= 0
        frame = self.frame.loc[chosen, [name for name in self.frame if name in INTERVALS]]
        return _values(roll_up(frame.assign(cell=of_interval[chosen]), by="cell"), self.metric)


def judge_periods(
    intervals: Any,
    *,
    metric: str,
    target: Any,
    sense: str | None = None,
    by: str | Sequence[str] = "queue",
    period: str = "interval",
    timezone: str | None = None,
    tolerance: float = 0.0,
) -> TargetPeriods:
    """Every group and period with its value beside a target, all arguments checked; see `ccstats.measure_compliance`.

    Parameters
    ----------
    intervals, metric, target, sense, by, period, timezone, tolerance
        As for `ccstats.measure_compliance`.

    Returns
    -------
    TargetPeriods

    Raises
    ------
    OptionError, TableError, ColumnError, ZoneError
        As `ccstats.measure_compliance` does.

    Examples
    --------
    >>> import ccstats as cc
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1).contacts, threshold_s=20)
    >>> judge_periods(half_hours, metric="aht_s", target=(240, 300)).high
    300.0
    """
    asked = _metric(metric)
    low, high = _ends(asked, target, sense)
    if not is_number(tolerance) or tolerance < 0:
        raise OptionError(f"tolerance={tolerance!r} is no distance; give a number from 0, in the unit of {metric} ({asked.unit})")
    words = ("interval", *PERIODS)
    if period not in words:
        raise OptionError(f"period={period!r} is not known; choose one of: {', '.join(words)}.{did_you_mean(str(period), words)}")
    frame = as_intervals(intervals)
    check_amounts(frame)
    _check_once(frame)
    names = check_by(by, ["queue", "timezone", *by_columns(frame)], what="intervals")
    table = roll_up(frame, by=names, period=period, timezone=timezone)
    zone = check_timezone(timezone if timezone is not None else str(frame["timezone"].iloc[0]) if len(frame) else "UTC")
    starts = pd.DatetimeIndex(frame["interval_start"]).as_unit("us")
    ends = starts + pd.to_timedelta(frame["interval_s"].to_numpy(dtype="float64") * 1e6, unit="us").as_unit("us")
    if period == "interval":
        _check_lengths(frame, starts, ends)
    label = starts.tz_convert(zone) if period == "interval" else period_start(starts, period=period, timezone=zone)
    keys = [*names, "period_start"]
    places = table[keys].assign(place=np.arange(len(table)))
    cell = frame[list(names)].assign(period_start=label).merge(places, how="left", on=keys)["place"].to_numpy().astype("int64")
    ended = pd.Series(ends).groupby(cell).max().dt.tz_convert(zone)
    value = _values(table, asked)
    if len(table) and np.isnan(value).all():
        needed = " and the intervals made with threshold_s=" if any("within" in name or "reached" in name for name in asked.columns) else ""
        raise TableError(
            f"no {period} of {len(table)} has data for {metric} = {asked.formula}: it needs contacts{needed}, and the columns "
            f"{', '.join(asked.columns)}"
        )
    return TargetPeriods(asked, frame, names, table, cell, ended, value, low, high, float(tolerance))


def _metric(name: str) -> Metric:
    metric = METRICS.get(name) if isinstance(name, str) else None
    possible = [each.name for each in METRICS.values() if each.table == "intervals" and each.kind in ("ratio", "mean", "max")]
    if metric is None:
        raise OptionError(f"metric={name!r} is not known; choose one of: {', '.join(possible)}.{did_you_mean(str(name), possible)}")
    if metric.kind == "count":
        raise OptionError(f"metric={name!r} is a count, which grows with the period; choose one of: {', '.join(possible)}")
    if name not in possible:
        raise OptionError(f"metric={name!r} is made of {metric.table}, not of intervals; choose one of: {', '.join(possible)}")
    return metric


def _ends(metric: Metric, target: Any, sense: str | None) -> tuple[float, float]:
    """Lower and upper end of the target; NaN where it is open."""
    what = f"in the unit of {metric.name} ({'a share between 0 and 1' if metric.unit == 'ratio' else metric.unit})"
    if sense is not None and sense not in _SENSES:
        raise OptionError(f"sense={sense!r} is not known; choose 'at_least' or 'at_most'")
    band = isinstance(target, tuple | list) and len(target) == 2
    ends = list(target) if band else [target]
    if not all(is_number(each) and each >= 0 for each in ends) or (metric.unit == "ratio" and max(ends) > 1):
        raise OptionError(f"target={target!r} is not possible; give a number {what}, or the two ends of a band")
    if band:
        if sense is not None or ends[0] > ends[1]:
            raise OptionError(f"target={target!r}, sense={sense!r}: a band is (lowest, highest) and needs no sense")
        return float(ends[0]), float(ends[1])
    sense = sense or _OF_METRIC.get(metric.direction)
    if sense is None:
        raise OptionError(f"{metric.name} is neither better high nor low; say sense='at_least' or 'at_most', or give a band as target")
    return (float(target), np.nan) if sense == "at_least" else (np.nan, float(target))


def is_number(value: Any) -> bool:
    """Whether a value is a single finite number.

    Parameters
    ----------
    value : object
        Anything.

    Returns
    -------
    bool
        False for text, truth values, missing and infinite numbers.

    Examples
    --------
    >>> is_number(0.8), is_number("0.8"), is_number(float("nan"))
    (True, False, False)
    """
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool) and bool(np.isfinite(value))


def _values(table: pd.DataFrame, metric: Metric) -> Floats:
    if metric.kind == "max":
        return table[metric.columns[0]].to_numpy(dtype="float64", na_value=np.nan)
    return add_ratios(table, metrics=[metric.name])[metric.name].to_numpy(dtype="float64")


def _check_once(frame: pd.DataFrame) -> None:
    """One row for each queue, interval and value of what it was counted by: else contacts are counted twice."""
    key = ["queue", "interval_start", *by_columns(frame)]
    again = frame.duplicated(key).to_numpy()
    if again.any():
        row = frame.iloc[int(np.argmax(again))]
        start = pd.Timestamp(row["interval_start"]).tz_convert(str(row["timezone"]))
        shown = ", ".join(f"{name} {start if name == 'interval_start' else repr(row[name])}" for name in key)
        raise TableError(
            f"intervals have more than one row for {shown} ({again.sum()} too many in all), whose contacts would be counted twice; "
            "merge_intervals adds parts that were made apart, drop_duplicates() of pandas drops copies"
        )


def _check_lengths(frame: pd.DataFrame, starts: pd.DatetimeIndex, ends: pd.DatetimeIndex) -> None:
    """Intervals of one length, but for the last of a day the clocks change."""
    lengths = frame["interval_s"].to_numpy(dtype="float64")
    shorter = lengths < lengths.max(initial=0.0)
    if not shorter.any():
        return
    zone = str(frame["timezone"].iloc[int(np.argmax(shorter))])
    odd = shorter & (ends != period_start(ends, period="day", timezone=zone))
    if odd.any():
        at = int(np.argmax(odd))
        raise TableError(
            f"intervals have several lengths: {lengths.max():g} s, and {lengths[at]:g} s at {starts[at].tz_convert(zone)}; runs of periods "
            "need one. Make them with one every=, or give period='hour' or longer"
        )
