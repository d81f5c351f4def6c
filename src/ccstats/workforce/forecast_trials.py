"""Forecasts of the past by what was known then, beside what came: by them a model is chosen, and its limits are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccstats.workforce.forecast_history import Grid, History
from ccstats.workforce.forecast_models import METHODS, fit_group
from ccstats.workforce.special_days import Specials

__all__ = ["Trials", "choose_methods", "days_after", "origins_of", "run_trials"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Origins that a model is chosen by; the limits look at more.
CHOOSING = 6
LEARNING = 16
#: A history of fewer days has origins closer together.
_SHORT = 84
#: No trial looks further ahead. [days]
LONGEST = 28
#: What may be chosen; the first stays unless another is clearly better: in a short history luck passes for skill.
_CANDIDATES = ("profile+ets", *METHODS)
_BETTER, _BETTER_SHORT = 0.97, 0.85


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


def run_trials(
    history: History,
    specials: Specials,
    origins: Sequence[int],
    *,
    ahead: int,
    methods: dict[str, Sequence[int]],
    groups: Sequence[int] | None = None,
) -> Trials:
    """Forecast the days after every origin; ``methods`` says which origins each model is tried at."""
    total = len(history.grid.date)
    rows: list[tuple[int, int, Grid, Ints, dict[str, Floats]]] = []
    for origin in origins:
        future, keep = days_after(history.grid, origin, min(origin + ahead, total))
        known = history.until(origin)
        for group in range(len(history.keys)) if groups is None else groups:
            fit = fit_group(known, group, specials)
            made = fit.expect_each(future, [method for method, tried in methods.items() if origin in tried])
            made = {method: made.get(method, np.full(len(keep), np.nan)) for method in methods}
            rows.append((group, origin, future, keep, made))
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
    expected = {method: (np.concatenate([each[4][method] for each in rows]) if rows else np.empty(0)) * share for method in methods}
    holiday = np.isin(history.grid.date[day], specials.holiday_dates())
    return Trials(which, since, day - since + 1, day, at, actual, share, expected, holiday)


def choose_methods(history: History, specials: Specials, *, ahead: int) -> tuple[list[str], list[dict[str, float]]]:
    """The model with the least error of days for each group, and the errors of all."""
    days = len(history.grid.date)
    origins = origins_of(days, most=CHOOSING)
    asked = [method for method in _CANDIDATES if method != "mstl" or days >= 42]
    trials = run_trials(history, specials, origins, ahead=ahead, methods=dict.fromkeys(asked, origins))
    better = _BETTER if days >= _SHORT else _BETTER_SHORT
    chosen, errors = [], []
    for group in range(len(history.keys)):
        mine = trials.group == group
        key = trials.origin[mine] * (days + 1) + trials.day[mine]
        _, place = np.unique(key, return_inverse=True)
        came = np.bincount(place, weights=trials.actual[mine])
        total = max(float(came.sum()), 1.0)
        wape = {
            method: float(np.abs(np.bincount(place, weights=trials.expected[method][mine]) - came).sum()) / total if len(came) else np.inf
            for method in asked
        }
        best = min(asked, key=lambda method: wape[method] * (better if method == _CANDIDATES[0] else 1.0))
        chosen.append(best if np.isfinite(wape[best]) else _CANDIDATES[0])
        errors.append(wape)
    return chosen, errors
