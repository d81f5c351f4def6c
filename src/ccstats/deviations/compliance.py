"""Compliance with a target: how many periods met it, the longest run that did not, and whether the whole met it for sure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from ccstats.deviations.target_periods import TargetPeriods, judge_periods
from ccstats.errors import OptionError
from ccstats.periods import PERIODS, period_start
from ccstats.spc.proportions import check_confidence, wilson_interval

__all__ = ["list_breaches", "measure_compliance"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_VERDICTS = ("met", "missed", "undecided")
_SPANS = ("day", "week", "month", "quarter", "year")
#: From this many days on the spread is that between days, which the course of a day does not widen.
_DAYS = 8
_EXACT = 1e-9
#: More correlation than this is not believed: it would leave no periods.
_ALIKE = 0.9


def measure_compliance(
    intervals: Any,
    *,
    metric: str = "service_level",
    target: float | tuple[float, float],
    sense: str | None = None,
    by: str | Sequence[str] = "queue",
    period: str = "interval",
    within: str | None = None,
    timezone: str | None = None,
    k: int | None = None,
    n: int | None = None,
    tolerance: float = 0.0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How a target was kept: share of periods that met it, longest run that did not, and the whole with its confidence limits.

    Parameters
    ----------
    intervals : pandas.DataFrame or Arrow table
        As `to_intervals` makes it; for a service level with ``threshold_s``.
    metric : str
        A share, mean or longest wait of `ccstats.metrics.METRICS` that is made of `intervals`.
    target : float or (float, float)
        What was asked for, or the two ends of a band; shares as 0-1. [unit of the metric]
    sense : str, optional
        ``at_least`` or ``at_most``. By default the metric's own; one that is neither good nor bad (handle time) has none.
    by : str or sequence of str
        Group columns; none gives one group.
    period : str
        Each of these meets the target or breaks it: ``interval``, ``hour``, ``day``, ``week``, ``month``, ``quarter`` or ``year``.
    within : str, optional
        ``day``, ``week``, ``month``, ``quarter`` or ``year``: one row for each, in which its periods are counted;
        without one, one row a group.
    timezone : str, optional
        Where days begin; by default the zone the intervals were cut in.
    k, n : int, optional
        The target must be met in at least ``k`` of every ``n`` consecutive periods with data; without ``n``, of all. [periods]
    tolerance : float
        A value that misses the target by no more than this still meets it. [unit of the metric]
    confidence : float
        Of the limits of the whole value, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        The groups, ``period_start`` with ``within``, ``metric``, ``target_low`` and ``target_high`` (missing: open on that side);
        ``periods`` with data, ``empty`` ones, ``met``; ``interval_attainment`` (met / periods), between ``attainment_low`` and
        ``attainment_high``, and ``contact_attainment``, the share of contacts that fell in periods that met it; ``breaches``, runs of
        consecutive periods in breach, ``breach_run``, the length of the longest, and its ``breach_started_at`` (the first of equal ones;
        missing: none); ``fewest_met``, the least met in any ``n`` consecutive periods, and
        ``k_of_n_met`` (missing without ``k``, or with fewer than ``n`` periods). For the whole ``contacts``, ``value`` (sums divided last),
        ``deviation`` (value - target; of a band from the end that it is beyond, 0 inside), ``target_met``; ``dispersion``, variance
        relative to independent contacts (of shares); ``value_low`` and ``value_high``; ``target_met_ci``, whether the limits reach the
        target; ``verdict``: ``met`` and ``missed`` where both limits say so, else ``undecided``. Where no contacts came all of these are
        missing. An empty table gives an empty one.

    Raises
    ------
    OptionError
        If an argument has no such value; if the metric is a count, which has no target that fits every period, is not made of intervals,
        or is neutral and ``sense`` is not given.
    TableError
        If a column is missing, one queue has two rows for one interval, intervals of one queue have several lengths, or no period has data.
    ColumnError, ZoneError
        As `roll_up` does.

    See Also
    --------
    list_breaches : every run in breach.
    judge_service_level : whether a miss is noise given volume, handle time and staff.

    Notes
    -----
    Runs and ``n`` consecutive periods pass over periods without data, such as nights, and end with the row: with ``within="day"`` no run
    goes over midnight. A day of twenty good half-hours at night and ten bad ones at noon attains 67 % of its intervals, and much less of
    its contacts: compare the two.

    The limits of the attainment are Wilson's with (1 - r) / (1 + r) times as many periods, where r is the correlation of neighbours:
    periods next to each other are met or missed together.

    The limits of the value do not take the contacts of one queue as independent. The value is a ratio X / N of sums, so its variance is
    that of the sum over periods of :math:`(x_j - n_j X / N) / N` (the linearised ratio [1]_). It is estimated from the periods, or, from 8
    days on, from the days, with the covariance of neighbours (Bartlett weights [2]_) and m - 1 degrees of freedom for m of them. Shares get
    Wilson's limits with as many contacts as give this variance, at most those that came; means normal ones. With one period nothing can be
    estimated: the limits are missing, and the verdict is ``undecided``. On half-hours with a daily course and a correlation of 0.5, nominal
    95 % limits held the truth in 92 to 95 of 100 months, fortnights and days. A longest wait is a fact, not an estimate: no limits, and the
    verdict is plain.

    References
    ----------
    .. [1] W. G. Cochran (1977), Sampling Techniques, 3rd edition, section 2.11.
    .. [2] W. K. Newey, K. D. West (1987), Econometrica 55(3), 703-708.

    Examples
    --------
    >>> import ccstats as cc
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1).contacts, timezone="Europe/London", threshold_s=20)
    >>> kept = cc.measure_compliance(half_hours, target=0.8, k=3, n=4)
    >>> bool((kept["met"] <= kept["periods"]).all()), set(kept["verdict"]) <= {"met", "missed", "undecided"}
    (True, True)
    """
    _check_counts(k, n)
    _check_within(within, period)
    check_confidence(confidence)
    each = judge_periods(intervals, metric=metric, target=target, sense=sense, by=by, period=period, timezone=timezone, tolerance=tolerance)
    row, keys = each.rows(within)
    size, data = len(keys), each.data
    at, met = row[data], each.met[data]
    periods, met_in = (np.bincount(at, weights=chosen, minlength=size).astype("int64") for chosen in (np.ones(len(at)), met))
    contacts = np.bincount(at, weights=each.contacts[data], minlength=size).astype("float64")
    in_met = np.bincount(at, weights=each.contacts[data] * met, minlength=size)
    breaches, longest, first = _longest(at, met, size)
    attained = _attained(at, met, met_in, periods, confidence)
    starts = pd.DatetimeIndex(each.table["period_start"])[data]
    fewest = _fewest(at, met, periods, n)
    enough = pd.Series(fewest).ge(k).astype("boolean") if k is not None else pd.Series(pd.NA, index=range(size), dtype="boolean")
    value = each.pooled(row)
    dispersion, low, high = _limits(each, row, value, confidence)
    fact = each.metric.kind == "max"
    known, inside = ~np.isnan(value), each.inside(value)
    lower, upper = (value, value) if fact else (low, high)
    surely, missed = each.inside(lower) & each.inside(upper), each.below(upper) | each.above(lower)
    verdict = pd.Categorical(np.select([surely, missed], _VERDICTS[:2], _VERDICTS[2]), categories=list(_VERDICTS))
    return pd.DataFrame(
        {
            **{name: keys[name].array for name in keys},
            "metric": pd.Categorical([metric] * size, categories=[metric]),
            "target_low": each.low,
            "target_high": each.high,
            "periods": periods,
            "empty": np.bincount(row[~data], minlength=size).astype("int64"),
            "met": met_in,
            "interval_attainment": _divide(met_in, periods),
            "attainment_low": attained[0],
            "attainment_high": attained[1],
            "contact_attainment": _divide(in_met, contacts),
            "breaches": breaches,
            "breach_run": longest,
            "breach_started_at": starts.take(np.maximum(first, 0)).where(first >= 0) if len(starts) else starts[:0],
            "fewest_met": fewest,
            "k_of_n_met": enough.array,
            "contacts": contacts,
            "value": value,
            "deviation": each.deviation(value),
            "target_met": pd.Series(inside).where(known).astype("boolean").array,
            "dispersion": dispersion,
            "value_low": low,
            "value_high": high,
            "target_met_ci": pd.Series(~missed).where(~np.isnan(lower)).astype("boolean").array,
            "verdict": pd.Series(verdict).where(known).array,
        }
    )


def list_breaches(
    intervals: Any,
    *,
    metric: str = "service_level",
    target: float | tuple[float, float],
    sense: str | None = None,
    by: str | Sequence[str] = "queue",
    period: str = "interval",
    timezone: str | None = None,
    tolerance: float = 0.0,
    least: int = 1,
) -> pd.DataFrame:
    """Every run of consecutive periods in breach of a target.

    Parameters
    ----------
    intervals, metric, target, sense, by, period, timezone, tolerance
        As for `measure_compliance`.
    least : int
        Leave shorter runs out. [periods]

    Returns
    -------
    pandas.DataFrame
        The groups, ``metric``, ``started_at`` and ``ended_at`` (the end of the run's last interval), ``periods`` in breach,
        ``contacts``, ``value`` over the run (sums divided last; of a longest wait the longest), its ``deviation`` from the target, and
        ``worst_value``, that of the period farthest from it; in the order of groups and time. Without a breach the table is empty.

    Raises
    ------
    OptionError, TableError, ColumnError, ZoneError
        As `measure_compliance` does.

    Examples
    --------
    >>> import ccstats as cc
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1).contacts, timezone="Europe/London", threshold_s=20)
    >>> breaches = list_breaches(half_hours, target=0.8)
    >>> int(breaches["periods"].max()) == int(cc.measure_compliance(half_hours, target=0.8)["breach_run"].max())
    True
    """
    if isinstance(least, bool) or not isinstance(least, int | np.integer) or least < 1:
        raise OptionError(f"least={least!r} is no number of periods; give a whole number from 1")
    each = judge_periods(intervals, metric=metric, target=target, sense=sense, by=by, period=period, timezone=timezone, tolerance=tolerance)
    group, keys = each.rows(None)
    data = np.flatnonzero(each.data)
    run = _runs(group[data], each.met[data])
    broken = ~each.met[data] & (np.bincount(run)[run] >= least if len(run) else True)
    rows = data[broken]
    _, first, number = np.unique(run[broken], return_index=True, return_inverse=True)
    last = np.append(first[1:], len(rows))[: len(first)] - 1
    of_period = np.full(len(each.table), -1, dtype="int64")
    of_period[rows] = number
    value = each.pooled(of_period)
    return pd.DataFrame(
        {
            **{name: keys[name].iloc[group[rows[first]]].array for name in keys},
            "metric": pd.Categorical([metric] * len(first), categories=[metric]),
            "started_at": each.table["period_start"].iloc[rows[first]].array,
            "ended_at": each.ended.iloc[rows[last]].array,
            "periods": np.bincount(number, minlength=len(first)).astype("int64"),
            "contacts": np.bincount(number, weights=each.contacts[rows], minlength=len(first)).astype("float64"),
            "value": value,
            "deviation": each.deviation(value),
            "worst_value": each.value[rows[_farthest(np.abs(each.deviation(each.value[rows])), number)]],
        }
    )


def _farthest(distance: Floats, number: Ints) -> Ints:
    """Where the largest distance of each number stands, the first of equal ones."""
    order = np.lexsort((-distance, number))
    return order[np.append(True, np.diff(number[order]) > 0)[: len(order)]]


def _check_counts(k: int | None, n: int | None) -> None:
    given = f"k={k!r}, n={n!r}"
    for each in (k, n):
        if each is not None and (isinstance(each, bool) or not isinstance(each, int | np.integer) or each < 1):
            raise OptionError(f"{given}: give whole numbers of periods from 1, such as k=10, n=12")
    if n is not None and (k is None or k > n):
        raise OptionError(f"{given}: the target can be met in at most n of n periods; give k <= n, such as k=10, n=12")


def _check_within(within: str | None, period: str) -> None:
    if within is None:
        return
    if within not in _SPANS:
        raise OptionError(f"within={within!r} is not known; choose one of: {', '.join(_SPANS)}, or None for one row a group")
    if period in PERIODS and (PERIODS.index(within) <= PERIODS.index(period) or period == "week"):
        raise OptionError(f"periods of a {period} do not divide a {within}; choose a shorter period, or within=None")


def _runs(row: Ints, met: NDArray[np.bool_]) -> Ints:
    """The number of the run of equal answers in one row that each period belongs to."""
    changed = (np.diff(row) != 0) | (met[1:] != met[:-1])
    return np.append(0, np.cumsum(changed))[: len(row)].astype("int64")


def _longest(row: Ints, met: NDArray[np.bool_], size: int) -> tuple[Ints, Ints, Ints]:
    """Runs in breach of each row, the longest, and where it begins among the periods with data; 0, 0 and -1 without one."""
    longest, begin = np.zeros(size, dtype="int64"), np.full(size, -1, dtype="int64")
    broken = np.flatnonzero(~met)
    _, first, length = np.unique(_runs(row, met)[broken], return_index=True, return_counts=True)
    first = broken[first]
    order = np.lexsort((-first, length, row[first]))  # what is written last stays: the longest, of equal ones the first
    longest[row[first[order]]], begin[row[first[order]]] = length[order], first[order]
    return np.bincount(row[first], minlength=size).astype("int64"), longest, begin


def _attained(row: Ints, met: NDArray[np.bool_], met_in: Ints, periods: Ints, confidence: float) -> tuple[Floats, Floats]:
    """Limits of each row's share of periods that met the target."""
    away = met - _divide(met_in, periods)[row]
    together = row[1:] == row[:-1]
    products = np.bincount(row[1:][together], weights=(away[1:] * away[:-1])[together], minlength=len(periods))
    alike = np.clip(np.nan_to_num(_divide(products, np.bincount(row, weights=away**2, minlength=len(periods)))), 0.0, _ALIKE)
    effective = periods * (1 - alike) / (1 + alike)
    return wilson_interval(np.nan_to_num(_divide(met_in, periods)) * effective, effective, confidence=confidence)


def _fewest(row: Ints, met: NDArray[np.bool_], periods: Ints, n: int | None) -> pd.api.extensions.ExtensionArray:
    """The least number met in n consecutive periods of each row; missing where it has fewer."""
    size = len(periods)
    if n is None:
        return pd.Series(np.bincount(row, weights=met, minlength=size)).where(periods > 0).astype("Int64").array
    before = np.append(0, np.cumsum(met))
    begin = np.arange(max(len(row) - n + 1, 0))
    begin = begin[row[begin] == row[begin + n - 1]]
    least = np.full(size, np.inf)
    np.minimum.at(least, row[begin], (before[begin + n] - before[begin]).astype("float64"))
    return pd.Series(least).where(np.isfinite(least)).astype("Int64").array


def _limits(each: TargetPeriods, row: Ints, value: Floats, confidence: float) -> tuple[Floats, Floats, Floats]:
    """Dispersion of shares, and the limits of each row's whole value."""
    size, nothing = len(value), np.full(len(value), np.nan)
    if each.metric.kind == "max":
        return nothing, nothing, nothing
    variance, blocks = _variance(each, row, size)
    with np.errstate(invalid="ignore"):
        t = np.where(blocks > 1, special.stdtrit(np.maximum(blocks - 1, 1), 0.5 + confidence / 2), np.nan)
        half = t * np.sqrt(variance)
    if each.metric.unit != "ratio":
        return nothing, np.maximum(value - half, 0.0), value + half
    count = np.bincount(row, weights=each.contacts, minlength=size)
    share = np.clip(value, 0.0, 1.0)  # booked by event, a share of a short time can exceed 1
    independent = _divide(share * (1 - share), count)
    dispersion = np.where(independent > 0, _divide(variance, independent), np.where(blocks > 1, 1.0, np.nan))
    # Wilson's limits depend on z² / n alone, so that Student's t comes in through the number of contacts.
    z = special.ndtri(0.5 + confidence / 2)
    effective = count / np.maximum(dispersion, 1.0) * (z / t) ** 2
    low, high = wilson_interval(share * effective, effective, confidence=confidence)
    return dispersion, low, high


def _variance(each: TargetPeriods, row: Ints, size: int) -> tuple[Floats, Ints]:
    """Variance of each row's whole value from the spread of its days or periods, and how many of these there are."""
    data = each.data
    at = row[data]
    strays = np.zeros(len(row))
    for count, quotient in each.parts:
        total = np.bincount(row, weights=count, minlength=size)
        mean = _divide(np.bincount(row, weights=count * quotient, minlength=size), total)
        strays += np.nan_to_num(_divide(count * (quotient - mean[row]), total[row]))
    starts = each.table["period_start"]
    day = pd.factorize(period_start(starts, period="day", timezone=str(starts.dt.tz)))[0][data]
    new_day = np.append(True, (np.diff(at) != 0) | (np.diff(day) != 0))[: len(at)]
    by_days = np.bincount(at[new_day], minlength=size) >= _DAYS
    first = new_day | ~by_days[at]
    block = np.cumsum(first) - 1
    owner, sums = at[first], np.bincount(block, weights=strays[data], minlength=int(first.sum()))
    blocks = np.bincount(owner, minlength=size).astype("int64")
    lags = np.maximum(np.floor(np.cbrt(blocks) + _EXACT).astype("int64") - 1, 0)
    variance = np.bincount(owner, weights=sums**2, minlength=size)
    for lag in range(1, int(lags.max(initial=0)) + 1):
        both = (owner[lag:] == owner[:-lag]) & (lag <= lags[owner[lag:]])
        products = np.bincount(owner[lag:][both], weights=(sums[lag:] * sums[:-lag])[both], minlength=size)
        variance += 2 * np.maximum(1 - lag / (lags + 1.0), 0.0) * products
    return variance * _divide(blocks, blocks - 1), blocks


def _divide(above: Any, below: Any) -> Floats:
    above, below = np.broadcast_arrays(np.asarray(above, dtype="float64"), np.asarray(below, dtype="float64"))
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)
