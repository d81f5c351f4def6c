"""How good a forecast was, how good the simplest one would have been, and how good none can be better than."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from ccstats.deviations.cells import Cells
from ccstats.deviations.joined import join_forecast
from ccstats.deviations.request import check_keys
from ccstats.errors import OptionError, TableError
from ccstats.expectation.expected import divide
from ccstats.expectation.outlook import numbers
from ccstats.intervals import roll_up
from ccstats.intervals.merging import as_intervals
from ccstats.intervals.ratios import add_ratios
from ccstats.periods import period_start, slot_of

__all__ = ["measure_forecast_accuracy"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def measure_forecast_accuracy(
    forecast: Any,
    intervals: Any,
    *,
    by: str | Sequence[str] = "queue",
    period: str | None = None,
    tolerance: float = 0.10,
    timezone: str | None = None,
) -> pd.DataFrame:
    """How far a forecast was off, in volume and in handle time, beside last week's figures and beside what chance alone makes.

    Parameters
    ----------
    forecast : table
        A `forecast` or a `plan`.
    intervals : table
        `intervals`, booked where contacts joined the queue.
    by : str or sequence of str
        ``queue``; ``()`` for one row over all queues, whose errors do not cancel each other.
    period : str, optional
        ``hour``, ``day``, ``week``, ``month``, ``quarter``, ``year``, ``weekday``, ``slot``; None: one row a queue and metric.
    tolerance : float
        An interval or day is a hit within this share of what came. [0-1]
    timezone : str, optional
        Where days begin; by default the zone the intervals were cut in.

    Returns
    -------
    pandas.DataFrame
        One row per queue (if so), period and ``metric``: ``offered``, then ``aht_s``. ``intervals`` and ``days`` compared; ``expected`` and
        ``actual`` (sum of contacts; mean handle time [s]) and their difference, ``forecast_error``;

        ``forecast_bias``, what was forecast too much, as a share; ``wape``, errors without their sign as a share; ``rmse``, root mean
        square error of an interval; ``mape``, the mean of the intervals' shares (see the notes before using it); ``forecast_hit_rate``,
        share of the intervals within ``tolerance``, ``weighted_hit_rate``, share of the contacts in them; ``day_wape, day_hit_rate``, the
        same of local days of each queue;

        ``noise_wape, noise_hit_rate, noise_day_wape``: what a perfect forecast would have had, arrivals being Poisson (volume only);
        ``naive_wape``, what the queue's figures of the same time a week before would have had as a forecast, and ``relative_error``, the
        forecast's errors as a share of the errors of those, on the intervals that have both.

        Intervals with neither forecast nor contacts count nowhere. Handle times are weighted by the contacts whose handle time is known.
        Shares of nothing are missing.

    Raises
    ------
    TableError
        If the tables cannot be compared, see `ccstats.deviations.joined.join_forecast`.
    OptionError
        If an argument has no such value.
    ZoneError
        If the zone is not known, or one of its periods begins inside an interval.

    Warns
    -----
    DataWarning
        If intervals in which something was expected or happened are left out.

    See Also
    --------
    compare_with_plan : what the errors did to staff and service.

    Notes
    -----
    *What chance makes.* The mean absolute deviation of a Poisson count of mean m is ``2 exp(-m) m^(k+1) / k!`` with k the whole part of m
    [1]_. The means are the forecast's, its bias taken out. Ten contacts an interval leave a perfect forecast 25 % off, and within 10 %
    in 24 of 100 intervals only; one tolerance for every queue and length of interval measures the size of the queue. Real arrivals scatter
    more than Poisson ones, so that a good forecast stays above this floor.

    *MAPE* weighs an interval of two contacts like one of two hundred, leaves out intervals without contacts and can be off by no more than
    100 % below but by any number above: who wants a low one forecasts too little. It is here because contracts ask for it.

    *Against last week* is close to the scaled error of Hyndman and Koehler [2]_: below 1 the forecast is worth its trouble.

    References
    ----------
    .. [1] N. L. Johnson, A. W. Kemp, S. Kotz (2005), Univariate Discrete Distributions, 3rd edition, section 4.3.
    .. [2] R. J. Hyndman, A. B. Koehler (2006), Another look at measures of forecast accuracy. International Journal of Forecasting 22,
       679-688.

    Examples
    --------
    >>> import ccstats as cc
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1, days=7).contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> forecast = half_hours[["queue", "interval_start", "interval_s"]].assign(
    ...     expected_offered=1.2 * half_hours["offered"], expected_aht_s=300.0
    ... )
    >>> accuracy = cc.measure_forecast_accuracy(forecast, half_hours)
    >>> accuracy.loc[accuracy["metric"] == "offered", ["forecast_bias", "wape"]].round(9).drop_duplicates().to_numpy().tolist()
    [[0.2, 0.2]]
    """
    if not (isinstance(tolerance, int | float) and 0 <= tolerance < np.inf):
        raise OptionError(f"tolerance={tolerance!r} must be a share from 0 up, such as 0.1 for 10 %")
    keys = [by] if isinstance(by, str) else list(by)
    if keys not in ([], ["queue"]):
        raise OptionError(f"by={by!r} is not known; give 'queue', or () for one row over all queues")
    check_keys(as_intervals(intervals))
    joined = join_forecast(forecast, intervals)
    joined = joined[(joined["planned_offered"] > 0) | (joined["offered"] > 0)].reset_index(drop=True)
    if not len(joined):
        raise TableError("nothing was forecast and nothing came in the intervals that both tables have; there is no error to measure")
    cells = Cells(joined, keys, period=period, timezone=timezone)
    zone = str(joined["timezone"].iloc[0]) if timezone is None else timezone
    day = period_start(joined["interval_start"], period="day", timezone=zone)
    days = pd.DataFrame({"cell": cells.number, "queue": joined["queue"], "day": day}).groupby(["cell", "queue", "day"], observed=True)
    groups = _Groups(cells, days.ngroup().to_numpy().astype("int64"), days.ngroups, tolerance)
    before = _week_before(joined, intervals, zone)
    parts = {"offered": _volume(joined, groups, before["offered"]), "aht_s": _handle_time(joined, groups, before["aht_s"])}
    words = pd.CategoricalDtype(list(parts))
    rows = [cells.keys.assign(metric=pd.Categorical([name] * len(cells), dtype=words), **part) for name, part in parts.items()]
    order = np.argsort(np.tile(np.arange(len(cells)), len(parts)), kind="stable")
    return pd.concat(rows, ignore_index=True).take(order).reset_index(drop=True)


class _Groups(NamedTuple):
    """The cells of the result, and the local day of a queue in a cell that each interval lies on."""

    cells: Cells
    day: Ints
    days: int
    tolerance: float

    def by_day(self, values: Floats) -> Floats:
        return np.bincount(self.day, weights=values, minlength=self.days).astype("float64")

    def of_days(self, values: Floats) -> Floats:
        """Sums over days in each cell."""
        cell = np.zeros(self.days, dtype="int64")
        cell[self.day] = self.cells.number
        return np.bincount(cell, weights=values, minlength=len(self.cells)).astype("float64")

    def hits(self, expected: Floats, actual: Floats) -> Flags:
        return np.abs(expected - actual) <= self.tolerance * actual * (1 + 1e-12)


def _volume(joined: pd.DataFrame, groups: _Groups, naive: Floats) -> dict[str, Any]:
    expected, actual = numbers(joined, "planned_offered"), numbers(joined, "offered")
    add, one = groups.cells.add, np.ones(len(joined))
    total = add(actual)
    queue = joined["queue"].cat.codes.to_numpy()
    came, forecast = (np.bincount(queue, weights=each).astype("float64") for each in (actual, expected))
    ratio = divide(came, forecast)[queue]
    mean = np.where(np.isnan(ratio), actual, expected * np.nan_to_num(ratio))
    return {
        **_errors(groups, expected, actual, one, contacts=actual),
        "expected": add(expected),
        "actual": total,
        "forecast_error": add(expected) - total,
        **_day_errors(groups, groups.by_day(expected), groups.by_day(actual), np.ones(groups.days)),
        "noise_wape": divide(add(_deviation(mean)), total),
        "noise_hit_rate": divide(add(_hit_chance(mean, groups.tolerance)), add(one)),
        "noise_day_wape": divide(groups.of_days(_deviation(groups.by_day(mean))), total),
        **_beside(groups, expected, actual, naive, one),
    }


def _handle_time(joined: pd.DataFrame, groups: _Groups, naive: Floats) -> dict[str, Any]:
    expected, actual, planned = (numbers(joined, name) for name in ("planned_aht_s", "aht_s", "planned_offered"))
    weight = np.fmax.reduce([numbers(joined, f"{part}_known") for part in ("talk", "hold", "wrap")])
    weight = np.where(np.isnan(expected) | np.isnan(actual), 0.0, weight)
    expected, actual = np.nan_to_num(expected), np.nan_to_num(actual)
    add, day = groups.cells.add, groups.by_day
    # A day's handle time was forecast by the volumes forecast, and came by those that came; where none was forecast, by the latter too.
    forecast_day = divide(day(planned * expected), day(planned))
    forecast_day = np.where(np.isnan(forecast_day), divide(day(weight * expected), day(weight)), forecast_day)
    none = np.full(len(groups.cells), np.nan)
    means = [divide(add(weight * each), add(weight)) for each in (expected, actual)]
    return {
        **_errors(groups, expected, actual, weight, contacts=weight),
        "expected": means[0],
        "actual": means[1],
        "forecast_error": means[0] - means[1],
        **_day_errors(groups, np.nan_to_num(forecast_day), np.nan_to_num(divide(day(weight * actual), day(weight))), day(weight)),
        **dict.fromkeys(("noise_wape", "noise_hit_rate", "noise_day_wape"), none),
        **_beside(groups, expected, actual, naive, weight),
    }


def _errors(groups: _Groups, expected: Floats, actual: Floats, weight: Floats, *, contacts: Floats) -> dict[str, Any]:
    """Errors of intervals; the order of the columns is that of the result."""
    add, error, counted = groups.cells.add, expected - actual, weight > 0
    hit = groups.hits(expected, actual) & counted
    share = np.divide(np.abs(error), actual, out=np.zeros(len(actual)), where=counted & (actual > 0))
    below = add(weight * actual)
    return {
        "intervals": groups.cells.count(counted),
        "days": groups.of_days((groups.by_day(weight) > 0).astype("float64")).astype("int64"),
        "expected": None,
        "actual": None,
        "forecast_error": None,
        "forecast_bias": divide(add(weight * error), below),
        "wape": divide(add(weight * np.abs(error)), below),
        "rmse": np.sqrt(divide(add(weight * error**2), add(weight))),
        "mape": divide(add(share), add(counted & (actual > 0))),
        "forecast_hit_rate": divide(add(hit), add(counted)),
        "weighted_hit_rate": divide(add(hit * contacts), add(contacts)),
    }


def _day_errors(groups: _Groups, expected: Floats, actual: Floats, weight: Floats) -> dict[str, Any]:
    counted = weight > 0
    hit = (groups.hits(expected, actual) & counted).astype("float64")
    return {
        "day_wape": divide(groups.of_days(weight * np.abs(expected - actual)), groups.of_days(weight * actual)),
        "day_hit_rate": divide(groups.of_days(hit), groups.of_days(counted.astype("float64"))),
    }


def _beside(groups: _Groups, expected: Floats, actual: Floats, naive: Floats, weight: Floats) -> dict[str, Any]:
    """Errors of the figures of a week before, and of the forecast as a share of them, where both are known."""
    weight = np.where(np.isnan(naive), 0.0, weight)
    theirs = groups.cells.add(weight * np.abs(np.nan_to_num(naive) - actual))
    return {
        "naive_wape": divide(theirs, groups.cells.add(weight * actual)),
        "relative_error": divide(groups.cells.add(weight * np.abs(expected - actual)), theirs),
    }


def _deviation(mean: Floats) -> Floats:
    """Mean absolute deviation of a Poisson count."""
    whole = np.floor(mean)
    return 2 * np.exp(special.xlogy(whole + 1, mean) - mean - special.gammaln(whole + 1))


def _hit_chance(mean: Floats, tolerance: float) -> Floats:
    """The chance that a Poisson count lies so that its mean is within the tolerance of it."""
    lowest = np.ceil(mean / (1 + tolerance) - 1e-9)
    highest = np.floor(mean / (1 - tolerance) + 1e-9) if tolerance < 1 else np.full(len(mean), np.inf)
    below = np.where(lowest > 0, special.pdtr(np.maximum(lowest - 1, 0), mean), 0.0)
    up_to = np.where(np.isinf(highest), 1.0, special.pdtr(np.where(np.isinf(highest), 0.0, highest), mean))
    return np.maximum(up_to - below, 0.0)


def _week_before(joined: pd.DataFrame, intervals: Any, zone: str) -> dict[str, Floats]:
    """Contacts and handle time of the same queue and local time seven days before; missing where intervals do not go back so far."""
    past = add_ratios(roll_up(as_intervals(intervals), by="queue", period="interval"), metrics=("aht_s",))
    tables = [past.rename(columns={"period_start": "interval_start"}), joined[["queue", "interval_start"]]]
    for place, table in enumerate(tables):
        dates = period_start(table["interval_start"], period="day", timezone=zone).tz_localize(None).normalize()
        slots = slot_of(table["interval_start"], timezone=zone).astype("str")
        tables[place] = table.assign(queue=table["queue"].astype("str"), date=dates + pd.Timedelta(days=0 if place else 7), slot=slots)
    names = ["queue", "date", "slot"]
    # A local time that comes twice when the clocks go back is compared with its first.
    found = tables[1].merge(tables[0].drop_duplicates(names)[[*names, "offered", "aht_s"]], on=names, how="left")
    return {name: numbers(found, name) for name in ("offered", "aht_s")}
