"""What was observed: intervals rolled up to the periods asked for, and each metric divided once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, OptionError, TableError, ZoneError, did_you_mean
from ccstats.intervals import roll_up
from ccstats.intervals.cells import by_names
from ccstats.intervals.merging import as_intervals
from ccstats.intervals.ratios import add_ratios
from ccstats.metrics import METRICS, NOT_OFFERED, Metric
from ccstats.periods import PERIODS, check_timezone, period_start
from ccstats.schema import INTERVALS

__all__ = ["SUB_DAILY", "check_amounts", "group_names", "metric_names", "observe_metrics", "zone_of"]

#: Periods of which a day has several.
SUB_DAILY = ("interval", "hour")


def metric_names(metric: str | Sequence[str]) -> list[str]:
    """The metrics asked for, if they can be made of intervals.

    Parameters
    ----------
    metric : str or sequence of str
        Names of `ccstats.metrics.METRICS`.

    Returns
    -------
    list of str
        Each once, in the order given.

    Raises
    ------
    OptionError
        If there is none, or one is unknown or made of another table.

    Examples
    --------
    >>> metric_names("service_level")
    ['service_level']
    """
    if not isinstance(metric, str | list | tuple) or not all(isinstance(each, str) for each in metric):
        raise OptionError(f"metric={metric!r} must be a name such as 'service_level', or a list of names")
    names = list(dict.fromkeys((metric,) if isinstance(metric, str) else metric))
    if not names:
        raise OptionError("metric= names nothing; give for example metric='service_level'")
    known = [each.name for each in METRICS.values() if each.table == "intervals"]
    for name in names:
        if name in known:
            continue
        if name in METRICS:
            raise OptionError(f"metric={name!r} is made of {METRICS[name].table}, not of intervals; choose one of: {', '.join(known)}")
        if name in NOT_OFFERED:
            raise OptionError(f"metric={name!r} cannot be made of intervals: it is not offered, which would take {NOT_OFFERED[name]}")
        raise OptionError(f"metric={name!r} is not in the registry; choose one of: {', '.join(known)}.{did_you_mean(str(name), known)}")
    return names


def group_names(by: str | Sequence[str]) -> list[str]:
    """The columns to group by, each once.

    Examples
    --------
    >>> group_names("queue")
    ['queue']
    """
    return list(by_names(by))


def check_amounts(frame: pd.DataFrame) -> None:
    """Whether rows of intervals hold what can be: nothing missing or negative, lengths above 0, no more answered in time than came.

    Raises
    ------
    TableError
        If they do not; the text names the rows.

    Examples
    --------
    >>> from ccstats.schema import INTERVALS
    >>> check_amounts(INTERVALS.empty())
    """
    INTERVALS.check(frame, keys=False)
    within, offered = (frame[name].to_numpy(dtype="float64", na_value=np.nan) for name in ("answered_within", "offered"))
    for bad, what in (
        (~(frame["interval_s"] > 0).to_numpy(), "interval_s is 0 or missing"),
        # booked by event, a contact is offered in one interval and answered in another
        ((within > offered) & (frame["attribute_by"] != "event").to_numpy(), "more answered within the threshold than offered"),
    ):
        if bad.any():
            raise TableError(
                f"intervals: {what} in {int(bad.sum())} rows, first in row {int(np.argmax(bad))}; count them with to_intervals"
            )


def zone_of(frame: pd.DataFrame, timezone: str | None) -> str:
    """The zone whose days count: the one asked for, or the one the intervals were cut in.

    Examples
    --------
    >>> zone_of(pd.DataFrame({"timezone": ["Europe/London"]}), None)
    'Europe/London'
    """
    if timezone is not None:
        return check_timezone(timezone)
    zones = [str(each) for each in frame["timezone"].unique()]
    if len(zones) > 1:
        raise ZoneError(f"intervals were cut in several zones ({', '.join(zones)}); say timezone= for the zone of the periods")
    return check_timezone((zones or ["UTC"])[0])


def observe_metrics(
    intervals: Any, *, metrics: Sequence[str], by: Sequence[str], period: str, timezone: str | None
) -> dict[str, pd.DataFrame]:
    """Value and count of each metric per group and period.

    Parameters
    ----------
    intervals : pandas.DataFrame or Arrow table
        As `to_intervals` makes it.
    metrics : sequence of str
        As `metric_names` returns them.
    by : sequence of str
        Group columns.
    period : str
        ``interval``, ``hour``, ``day``, ``week``, ``month``, ``quarter`` or ``year``.
    timezone : str, optional
        Whose days count; by default the zone the intervals were cut in.

    Returns
    -------
    dict of str to pandas.DataFrame
        By metric, sorted by group and time: the ``by`` columns, ``period_start``, ``period_end``, ``value``, ``count`` (what the value was
        divided by, missing for counts), ``whole``: whether the intervals cover the period from its start to its end. ``value`` is missing
        where the denominator is empty.

    Raises
    ------
    OptionError, ColumnError, TableError, ZoneError
        As `roll_up`; and if no value of a metric is known.

    Examples
    --------
    >>> import ccstats as cc
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1).contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> observed = observe_metrics(half_hours, metrics=["service_level"], by=["queue"], period="day", timezone=None)
    >>> observed["service_level"]["value"].max() <= 1
    np.True_
    """
    if period not in ("interval", *PERIODS):
        raise OptionError(f"period={period!r} cannot be followed in time; choose one of: interval, {', '.join(PERIODS)}")
    frame = as_intervals(intervals)
    for name in metrics:
        lacking = [column for column in METRICS[name].columns if column not in frame]
        if lacking and not METRICS[name].parts:
            needed = ", ".join(lacking)
            raise ColumnError(
                f"{name} = {METRICS[name].formula} needs {needed}, which these intervals do not have: the source does not log it"
            )
    zone = zone_of(frame, timezone)
    if not len(frame):
        raise TableError("the table of intervals is empty; there is nothing to judge")
    sums = roll_up(frame, by=by, period=period, timezone=zone)
    sums = sums.sort_values([*by, "period_start"], kind="stable", ignore_index=True)
    ends = frame["interval_start"] + pd.to_timedelta(frame["interval_s"], unit="s")
    starts = pd.DatetimeIndex(sums["period_start"])
    if period == "interval":
        last = ends.groupby(frame["interval_start"]).max()
        period_end = pd.DatetimeIndex(last.reindex(starts.tz_convert("UTC"))).tz_convert(zone)
    else:
        period_end = _next_start(starts, period, zone)
    whole = (starts >= frame["interval_start"].min()) & (period_end <= ends.max())
    keys = sums[[*by, "period_start"]].assign(period_end=period_end)
    found = {}
    for name in metrics:
        value, count = _value_and_count(sums, METRICS[name])
        if not np.isfinite(value).any():
            needed = "; were they counted with threshold_s=?" if "within" in METRICS[name].formula else ""
            raise TableError(
                f"{name} = {METRICS[name].formula} has no value in any of the {len(sums)} periods: its denominator is always empty, or its "
                f"columns were never logged{needed}"
            )
        found[name] = keys.assign(value=value, count=count, whole=whole)
    return found


def _next_start(starts: pd.DatetimeIndex, period: str, zone: str) -> pd.DatetimeIndex:
    """Where each period ends: the next one's start, found from a moment that surely lies within the next one."""
    if period == "hour":
        within_day = starts + pd.Timedelta(hours=1)
        return pd.DatetimeIndex(np.minimum(within_day, _next_start(period_start(starts, period="day", timezone=zone), "day", zone)))
    beyond = {"day": 36, "week": 7 * 24 + 36, "month": 32 * 24, "quarter": 93 * 24, "year": 367 * 24}[period]
    return period_start(starts + pd.Timedelta(hours=beyond), period=period, timezone=zone)


def _value_and_count(sums: pd.DataFrame, metric: Metric) -> tuple[np.ndarray, np.ndarray]:
    if not metric.denominator and not metric.parts:
        return sums[metric.name].to_numpy(dtype="float64", na_value=np.nan), np.full(len(sums), np.nan)
    value = add_ratios(sums, metrics=[metric.name])[metric.name].to_numpy(dtype="float64", na_value=np.nan)
    terms = METRICS[metric.parts[0]].denominator if metric.parts else metric.denominator
    count = np.zeros(len(sums))
    for sign, column in terms:
        count += sign * sums[column].to_numpy(dtype="float64", na_value=np.nan)
    return value, np.where(np.isfinite(value), count, np.nan)
