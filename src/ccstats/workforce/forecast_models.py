"""The models that may say how many contacts a group's days to come will have, and each of their intervals."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccstats.workforce.day_level import YEAR, DayLevel, Days, fit_day_levels
from ccstats.workforce.forecast_history import Grid, History
from ccstats.workforce.intraday_profile import HOLIDAY, day_shares
from ccstats.workforce.special_days import Specials

__all__ = ["METHODS", "GroupFit", "fit_groups"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: The models, in the order in which one is taken where two are as good.
METHODS = ("profile", "ets", "mstl", "naive")
#: What the models of statsmodels look at, unless there are two years. [days]
_LOOK_BACK = 366
#: A week's season needs so many.
_WEEKS = 4


@dataclass(frozen=True)
class GroupFit:
    """What was learnt of one group."""

    history: History
    group: int
    shares: Floats
    level: DayLevel
    specials: Specials

    @property
    def queue(self) -> str:
        """The group's queue."""
        return str(self.history.keys["queue"].iloc[self.group])

    def expect(self, future: Grid, method: str) -> Floats:
        """Contacts expected in each interval of days to come; of models joined by ``+`` their mean."""
        if "+" in method:
            return self.expect_each(future, [method])[method]
        if method == "naive":
            return self._as_last_week(future)
        usual, special = self.level.expect(future.date, self.specials.shares(future, self.queue))
        if method != "profile":
            usual = _smoothed(self.level, future.date, method) * special
        holiday = np.isin(future.date, self.specials.holiday_dates())
        kind = np.where(holiday, HOLIDAY, (future.date + 3) % 7)
        cells = usual[:, None] * self.shares[kind] * self.specials.factors(future, self.queue)
        found: Floats = cells[future.day, future.slot] * future.length_s / future.step_s
        return found

    def expect_each(self, future: Grid, methods: Sequence[str]) -> dict[str, Floats]:
        """The same for several models, each of which is fitted once."""
        single = {each: self.expect(future, each) for each in sorted({part for method in methods for part in method.split("+")})}
        return {method: np.mean([single[part] for part in method.split("+")], axis=0) for method in methods}

    def _as_last_week(self, future: Grid) -> Floats:
        """The last known contacts of the same weekday and slot, holidays left out."""
        history = self.history
        count, known = history.count[self.group], history.known[self.group]
        weekday = (history.grid.date + 3) % 7
        holiday = np.isin(history.grid.date, self.specials.holiday_dates())
        last = np.zeros((7, history.grid.slots))
        for each in range(7):
            for day in np.flatnonzero((weekday == each) & ~holiday):
                seen = known[day] > 0
                last[each][seen] = count[day][seen] / known[day][seen]
        found: Floats = last[(future.date + 3) % 7][future.day, future.slot] * future.length_s / future.step_s
        return found


def fit_groups(history: History, specials: Specials) -> list[GroupFit]:
    """Learn the shares and level of every group."""
    shares, days = [], []
    date = history.grid.date
    kind = np.where(np.isin(date, specials.holiday_dates()), HOLIDAY, (date + 3) % 7)
    for group, queue in enumerate(history.keys["queue"].astype("str")):
        known = history.known[group] * specials.factors(history.grid, queue)
        count = np.where(known > 0, history.count[group], 0.0)
        share = day_shares(count, known, kind)
        shares.append(share)
        days.append(Days(date, count.sum(axis=1), (share[kind] * known).sum(axis=1), specials.shares(history.grid, queue)))
    levels = fit_day_levels(days, specials)
    return [GroupFit(history, group, shares[group], level, specials) for group, level in enumerate(levels)]


def _smoothed(fit: DayLevel, date: Ints, method: str) -> Floats:
    """Levels of ordinary days to come by exponential smoothing of logarithms, weekdays that are closed left out."""
    days = fit.days
    weekday = (days.date + 3) % 7
    open_ = ~fit.closed[weekday]
    holiday = np.isin(days.date, fit.specials.holiday_dates())
    followed = np.maximum(fit.usual * (1.0 + fit.level), 1e-3)
    own = np.where(days.share > 0, (days.count + 0.5) / np.maximum(days.share, 1e-9), followed)
    clean = np.where(fit.usable & ~holiday, own / np.maximum(fit.special, 1e-3), followed)
    period = int((~fit.closed).sum())
    ahead = np.cumsum(~fit.closed[(np.arange(days.date[-1] + 1, date[-1] + 1) + 3) % 7])
    steps = int(ahead[-1]) if len(ahead) else 0
    weekly = period > 1 and open_.sum() >= _WEEKS * period
    # a short history has the weekdays of the regression, which knows what is chance
    usual = np.ones(len(date)) if weekly else fit.calendar(date, {})[0]
    series = np.log(np.maximum(clean[open_] / (1.0 if weekly else np.maximum(fit.usual[open_], 1e-3)), 1e-3))
    if not steps or len(series) < 2:
        return fit.expect(date, {})[0]
    path = _path(series[-_LOOK_BACK if len(series) < 2 * YEAR else 0 :], period if weekly else 1, steps, method)
    at = date - days.date[-1] - 1
    # the rest of a day that has begun is of its own level
    now = float(np.log(followed[-1] / (1.0 if weekly else max(float(fit.usual[-1]), 1e-3))))
    found = np.where(at >= 0, np.append(path, 0.0)[np.maximum(ahead[np.maximum(at, 0)] - 1, 0)], now)
    return np.where(fit.closed[(date + 3) % 7], 0.0, usual * np.exp(np.clip(found, -50, 50)))


def _path(series: Floats, period: int, steps: int, method: str) -> Floats:
    """Days to come of a series of logarithms whose season has so many days; 1: none."""
    from statsmodels.tsa.holtwinters import ExponentialSmoothing
    from statsmodels.tsa.seasonal import MSTL, STL

    size, year = len(series), round(365.25 * period / 7)
    season, rest = np.zeros(steps), series
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if method == "mstl" and period > 1:
            if size >= 2 * year:
                parts = np.asarray(MSTL(series, periods=(period, year)).fit().seasonal)
            else:
                parts = np.asarray(STL(series, period=period, robust=True, seasonal=13).fit().seasonal)[:, None]
            rest = series - parts.sum(axis=1)
            for part, length in zip(parts.T, (period, year), strict=False):
                season += part[size - length + np.arange(steps) % length]
        seasonal = method == "ets" and period > 1
        model = ExponentialSmoothing(
            rest,
            seasonal="add" if seasonal else None,
            seasonal_periods=period if seasonal else None,
            initialization_method="heuristic" if size >= 10 else "estimated",
        )
        found = model.fit(use_brute=False)
        path = np.asarray(found.forecast(steps)) + season
    spread = float(np.median(np.abs(found.resid)) * 1.4826)
    result: Floats = path + spread**2 / 2.0  # the mean of a lognormal lies above its median
    return result
