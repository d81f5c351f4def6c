"""Forecasts of the past by what was known then, beside what came: by them a model is chosen, and its limits are learnt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccstats.workforce.forecast_history import MINIMUM_DAYS, Grid, History
from ccstats.workforce.forecast_models import METHODS, GroupFit, fit_groups
from ccstats.workforce.special_days import Specials

__all__ = ["Past", "Tell", "Trials", "choose_methods", "days_after", "origins_of", "part_of", "run_trials"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
#: Is told what is being done, and the share of the whole that is done.
Tell = Callable[[str, float], None]

#: Origins that a model is chosen by; the limits look at more.
CHOOSING = 6
LEARNING = 16
#: A history of fewer days has origins closer together.
_SHORT = 84
#: No trial looks further ahead. [days]
LONGEST = 28
#: What may be chosen. The first stays unless the trials prove another better: by so many standard errors, on a week of days or more.
_CANDIDATES = ("profile", "profile+ets", *METHODS[1:])
_SURE, _ENOUGH = 2.0, 7


@dataclass(frozen=True)
class Trials:
    """Rows of past forecasts: one group in one interval, seen from one origin.

    Attributes
    ----------
    group, origin, ahead, day, at : numpy.ndarray
        The group; how many days were known; days ahead, from 1; the day and the interval of the history.
    actual, share : numpy.ndarray
        What came, and how much of the interval is known.
    expected : dict of str to numpy.ndarray
        By model, of the known part of the interval; missing where the model was not tried.
    holiday : numpy.ndarray
        Whether the day is one.
    """

    group: Ints
    origin: Ints
    ahead: Ints
    day: Ints
    at: Ints
    actual: Floats
    share: Floats
    expected: dict[str, Floats]
    holiday: NDArray[np.bool_]


def origins_of(days: int, *, most: int, step: int | None = None) -> list[int]:
    """How many days are known at each origin, the latest first.

    Examples
    --------
    >>> origins_of(28, most=4), origins_of(14, most=4), origins_of(200, most=3)
    ([25, 22, 19, 16], [11, 8], [193, 186, 179])
    """
    step = step or (7 if days >= _SHORT else 3)
    least = 7 if days < 28 else 14
    return [origin for origin in range(days - step, least - 1, -step)][:most]


def days_after(grid: Grid, first: int, stop: int) -> tuple[Grid, Ints]:
    """Some of the days of a grid, and which of its intervals they have."""
    keep = np.flatnonzero((grid.day >= first) & (grid.day < stop))
    return Grid(grid.start[keep], grid.length_s[keep], grid.date[first:stop], grid.day[keep] - first, grid.slot[keep], grid.step_s), keep


def part_of(tell: Tell | None, low: float, high: float) -> Tell:
    """Who is told of a part of the whole, from one share of it to another.

    Examples
    --------
    >>> part_of(lambda text, share: print(text, share), 0.5, 0.75)("limits", 1.0)
    limits 0.75
    """
    return (lambda text, share: None) if tell is None else lambda text, share: tell(text, low + (high - low) * share)


class Past:
    """A history, and what could be learnt of its first days: once for every origin."""

    def __init__(self, history: History, specials: Specials, fits: dict[int, list[GroupFit]] | None = None) -> None:
        self.history, self.specials = history, specials
        self._fits = {} if fits is None else fits

    def until(self, origin: int) -> Past:
        """The same as it was once so many days were known; what is learnt of it is kept for both."""
        return Past(self.history.until(origin), self.specials, self._fits)

    def fits(self, origin: int) -> list[GroupFit]:
        """What was learnt of each group once so many days were known."""
        if origin not in self._fits:
            self._fits[origin] = fit_groups(self.history.until(origin), self.specials)
        return self._fits[origin]


def run_trials(
    past: Past, origins: Sequence[int], *, ahead: int, methods: Sequence[Sequence[str]], tell: Tell | None = None, text: str = ""
) -> Trials:
    """Forecast the days after every origin; ``methods`` says which models each group is tried with."""
    history = past.history
    total = len(history.grid.date)
    tried = sorted({method for each in methods for method in each})
    rows: list[tuple[int, int, Grid, Ints, dict[str, Floats]]] = []
    for place, origin in enumerate(origins):
        if tell:
            tell(text, place / len(origins))
        future, keep = days_after(history.grid, origin, min(origin + ahead, total))
        for group, fit in enumerate(past.fits(origin)):
            made = fit.expect_each(future, methods[group])
            rows.append((group, origin, future, keep, {method: made.get(method, np.full(len(keep), np.nan)) for method in tried}))
    sizes = [len(keep) for _, _, _, keep, _ in rows]
    which, since = (np.repeat(np.array([each[column] for each in rows], dtype=np.int64), sizes) for column in (0, 1))
    at = np.concatenate([each[3] for each in rows]) if rows else np.empty(0, dtype=np.int64)
    day, slot = history.grid.day[at], history.grid.slot[at]
    whole = history.grid.exposure[day, slot]
    seen = history.known[which, day, slot]
    # an hour that the clock shows twice is one cell of the history: each of its intervals takes half
    part = np.divide(history.grid.length_s[at] / history.grid.step_s, whole, out=np.zeros(len(at)), where=whole > 0)
    share = np.divide(seen, whole, out=np.zeros(len(at)), where=whole > 0)
    actual = np.where(seen > 0, history.count[which, day, slot] * part, 0.0)
    expected = {method: (np.concatenate([each[4][method] for each in rows]) if rows else np.empty(0)) * share for method in tried}
    holiday = np.isin(history.grid.date[day], past.specials.holiday_dates())
    return Trials(which, since, day - since + 1, day, at, actual, share, expected, holiday)


def choose_methods(past: Past, *, ahead: int, tell: Tell | None = None) -> list[str]:
    """The model of each group: the first, unless another's errors of days were smaller beyond what chance makes of them.

    Notes
    -----
    The rule of standard errors (Breiman et al. 1984, "Classification and Regression Trees", section 3.4.3): the difference of the absolute
    errors, averaged over the origins that a day was seen from, has a mean and a standard error over days. Origins at which no forecast
    would be made, for want of history, say nothing of the models.
    """
    groups, days = len(past.history.keys), len(past.history.grid.date)
    origins = [origin for origin in origins_of(days, most=CHOOSING) if origin >= MINIMUM_DAYS]
    if days - min(origins, default=days) < _ENOUGH:
        return [_CANDIDATES[0]] * groups
    asked = [method for method in _CANDIDATES if method != "mstl" or days >= 42]
    trials = run_trials(past, origins, ahead=ahead, methods=[asked] * groups, tell=tell, text="choosing models")
    chosen = []
    for group in range(groups):
        mine = trials.group == group
        pair, place = np.unique(trials.origin[mine] * (days + 1) + trials.day[mine], return_inverse=True)
        came = np.bincount(place, weights=trials.actual[mine])
        off = {method: np.abs(np.bincount(place, weights=trials.expected[method][mine]) - came) for method in asked}
        known = np.bincount(place, weights=trials.share[mine]) > 0
        proved = {method: _proved(off[_CANDIDATES[0]] - off[method], pair % (days + 1), known) for method in asked[1:]}
        best = max(proved, key=proved.__getitem__)
        chosen.append(best if proved[best] > 0 else _CANDIDATES[0])
    return chosen


def _proved(gain: Floats, day: Ints, known: NDArray[np.bool_]) -> float:
    """By how much the mean gain of a day surely lies above nothing, in contacts."""
    _, place, often = np.unique(day[known], return_inverse=True, return_counts=True)
    if len(often) < _ENOUGH:
        return 0.0
    mean = np.bincount(place, weights=gain[known]) / often
    return float(mean.mean() - _SURE * mean.std(ddof=1) / np.sqrt(len(mean)))
