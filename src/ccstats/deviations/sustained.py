"""Deviations that last: small residuals added up, against thresholds that know how residuals hang together.

A single half-hour's limits cannot see what is half a sigma off for a day. Sums can: for each of several sizes of a shift the scores beyond
half that size are added up until they cross a threshold or are used up (CUSUM, Page 1954). Once crossed, everything from the last zero on
deviates, and what follows is added as long as it is nearer to the shift's own size than to nothing.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

__all__ = ["BUDGET", "SCALES", "Thresholds", "fit_thresholds", "follow_sums"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
njit: Any = numba.njit

#: Half the size of the shifts looked for. [standard deviations of one residual]
SCALES: tuple[float, ...] = (0.5, 1.0, 1.5)
#: Share of rows that lie in a sustained deviation of one scale and side while nothing changes.
BUDGET = 0.00075
#: Rows that are simulated to find a threshold, in days that know the same level error for so long.
_ROWS, _DAYS_ALIKE = 500_000, 20
#: Shares of rows in excursions at least as high, between which the tail is measured; beyond it is exponential.
_TAIL, _DECADE = 0.002, 10.0
#: A deviation has ended once its sum has fallen so far, in units of one by half the shift.
_GIVEN_UP = 2.0
#: By how many standard errors of chance the variance of days is taken higher than found.
_DOUBT = 0.3


class Thresholds(NamedTuple):
    """Heights that a sum must reach, and how fast the chance of a height falls, by scale and side (low, high)."""

    height: Floats
    decay: Floats


def fit_thresholds(scores: Floats, day: Ints, budget: float = BUDGET) -> Thresholds:
    """Thresholds that leave ``budget`` of the rows in false deviations, given how the baseline's scores hang together.

    Parameters
    ----------
    scores : numpy.ndarray of float
        Normal scores of the baseline, in order of time.
    day : numpy.ndarray of int
        Number of the day of each.
    budget : float
        Share of rows, for each scale and side. [0-1]

    Returns
    -------
    Thresholds

    Notes
    -----
    Scores are taken as a day's own effect plus an autoregression within the day, both normal. Its correlation is that of neighbours, or on
    one side that of neighbours beyond one standard deviation, if that is larger: congestion comes in clusters, quiet does not. The
    variance of days is what their means vary more than the autoregression explains. Half a million rows of such a series give
    the height of excursions, its tail beyond 0.2 % taken as exponential. The same random numbers serve every call.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> free = fit_thresholds(rng.normal(size=1344), np.arange(1344) // 48)
    >>> hung = fit_thresholds(np.repeat(rng.normal(size=448), 3), np.arange(1344) // 48)
    >>> bool((hung.height > free.height).all())
    True
    """
    height, decay = np.empty((len(SCALES), 2)), np.empty((len(SCALES), 2))
    for side in (0, 1):
        within, among, rows, error = measure_dependence(scores, day, side)
        # rounded, so that series alike share one simulation
        steps, tail = _simulated_heights(_nearest(within, 0.02), _nearest(among, 0.005), max(round(rows), 1), _nearest(error, 0.005))
        for scale in range(len(SCALES)):
            fall = np.log(_DECADE) / (tail[scale] - steps[scale])
            height[scale, side] = max(tail[scale] + np.log(_TAIL / budget) / fall, SCALES[scale])
            decay[scale, side] = fall
    return Thresholds(height, decay)


def _nearest(value: float, step: float) -> float:
    return round(round(value / step) * step, 4)


@lru_cache(maxsize=4096)
def _simulated_heights(within: float, among: float, rows: int, error: float) -> tuple[Floats, Floats]:
    """Heights of excursions above which 2 % and 0.2 % of the rows lie, by scale."""
    path = _play(_numbers(), within, among, rows, error)
    heights = np.array([measure_excursions(path, scale, _TAIL * _DECADE, _TAIL) for scale in SCALES])
    return heights[:, 0], heights[:, 1]


@lru_cache(maxsize=1)
def _numbers() -> Floats:
    """One series of normal random numbers for all simulations, so that thresholds differ only where series do."""
    return np.random.default_rng(7_4).standard_normal(2 * _ROWS)


@njit(cache=True, nogil=True)
def _play(numbers, within, among, rows, error):
    path = np.empty(len(numbers) // 2)
    last, level, share = 0.0, 0.0, np.sqrt(1.0 - within * within)
    for i in range(len(path)):
        if i % rows == 0:
            day = i // rows
            if day % _DAYS_ALIKE == 0:
                level = error * numbers[-1 - 2 * (day // _DAYS_ALIKE)]
            effect = np.sqrt(among) * numbers[-2 - 2 * (day % (len(path) // 2))] + level
        last = within * last + share * numbers[i]
        path[i] = effect + np.sqrt(1.0 - among) * last
    return path


@njit(cache=True, nogil=True)
def measure_excursions(path, scale, often, seldom):
    """The heights of excursions in which shares ``often`` and ``seldom`` of the rows lie, both sides together."""
    step, bins = 0.02 / scale, 20_000
    lengths = np.zeros(bins)
    for sign in (-1.0, 1.0):
        total, peak, length, begun = 0.0, 0.0, 0, 0
        for i in range(len(path)):
            total += sign * path[i] - scale
            if total <= 0.0:
                if peak > 0.0:
                    lengths[min(int(peak / step), bins - 1)] += length
                total, peak, length, begun = 0.0, 0.0, 0, i + 1
            elif total > peak:
                peak, length = total, i + 1 - begun
    rows, at_often, at_seldom = 0.0, 0.0, 0.0
    for each in range(bins - 1, -1, -1):
        rows += lengths[each] / 2.0
        if at_seldom == 0.0 and rows > seldom * len(path):
            at_seldom = (each + 1) * step
        if rows > often * len(path):
            at_often = (each + 1) * step
            break
    return at_often, max(at_seldom, at_often + step)


@njit(cache=True, nogil=True)
def _tail_correlation(wanted):
    """The correlation of two normal numbers of which the second exceeds 1 with this chance if the first does."""
    low, high = 0.0, 0.95
    for _ in range(20):
        middle = 0.5 * (low + high)
        found, mass = 0.0, 0.0
        for step in range(40):
            y = 1.05 + 0.1 * step
            weight = np.exp(-0.5 * y * y)
            mass += weight
            found += weight * 0.5 * math.erfc((1.0 - middle * y) / np.sqrt(2.0 * (1.0 - middle * middle)))
        if found / mass < wanted:
            low = middle
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def measure_dependence(scores, day, side):
    """Autoregression within days, variance among days, rows a day, and error of the level."""
    size, sign = len(scores), 2.0 * side - 1.0
    mean, spread = np.mean(scores), max(np.std(scores), 1e-9)
    products, pairs, first, both, beyond = 0.0, 0, 0, 0, 0
    squares, days, inverse = 0.0, 0, 0.0
    i = 0
    while i < size:
        j, total = i, 0.0
        while j < size and day[j] == day[i]:
            here = (scores[j] - mean) / spread
            total += here
            beyond += sign * here > 1.0
            if j > i:
                before = (scores[j - 1] - mean) / spread
                products += here * before
                pairs += 1
                if sign * before > 1.0:
                    first += 1
                    both += sign * here > 1.0
            j += 1
        squares += (total / (j - i)) ** 2
        inverse += 1.0 / (j - i)
        days += 1
        i = j
    rows = days / inverse
    neighbours = products / max(pairs, 1)
    if first > 20:
        neighbours = max(neighbours, _tail_correlation(both / first * 0.15866 / (beyond / size)))
    of_days = squares / max(days - 1, 1)
    within, among = 0.0, 0.0
    for _ in range(30):
        # variance of the mean of a day of an autoregression of variance 1
        own = ((1.0 + within) / (1.0 - within) - 2.0 * within * (1.0 - within**rows) / (rows * (1.0 - within) ** 2)) / rows
        own = min(own, 0.999)
        # what chance alone may have hidden in so few days is added: none found is not none there
        hidden = _DOUBT * own * np.sqrt(2.0 / max(days - 1, 1))
        among = min(max((of_days + hidden - own) / (1.0 - own), 0.0), 0.9)
        within = min(max((neighbours - among) / (1.0 - among), 0.0), 0.9)
    error = np.sqrt(among / days + (1.0 - among) * (1.0 + within) / (1.0 - within) / size)
    return within, among, rows, error


@njit(cache=True, nogil=True)
def follow_sums(scores, scales, height, decay, which, budget):
    """Add scores up and mark what deviates.

    Parameters
    ----------
    scores : numpy.ndarray of float
        Normal scores in order of time; missing ones are passed over.
    scales : numpy.ndarray of float
        `SCALES`.
    height, decay : numpy.ndarray of float
        Of several `Thresholds`, one above the other.
    which : numpy.ndarray of int
        Number of the thresholds that hold for each row; -1: none, sums start anew.
    budget : float
        The share of rows they were made for.

    Returns
    -------
    tuple of numpy.ndarray
        Of each row the side (-1 low, 1 high, 0 none); the row at which it was first known, and the first row of the deviation it belongs to
        (-1: none); and the share of rows in deviations as clear as this while nothing changes (missing: none).
    """
    size, count = len(scores), len(scales)
    side, seen, began, chance = np.zeros(size, np.int8), np.full(size, -1), np.full(size, -1), np.full(size, np.nan)
    for scale in range(count):
        for up in range(2):
            sign = 2.0 * up - 1.0
            total, rows, start, done, marking, half, rest, shown = 0.0, 0, 0, 0, False, 0.0, 0.0, 1.0
            for i in range(size):
                if which[i] < 0:
                    total, rows, start, marking = 0.0, 0, i + 1, False
                    continue
                if np.isnan(scores[i]):
                    continue
                if marking:
                    total += sign * scores[i] - scales[scale]
                    rest += sign * scores[i] - half
                    if rest < -_GIVEN_UP / half:
                        marking, total, rows, start = False, 0.0, 0, i + 1
                        continue
                    if rest <= 0.0:
                        continue
                    rest = 0.0
                else:
                    total += sign * scores[i] - scales[scale]
                    if total <= 0.0:
                        total, rows, start = 0.0, 0, i + 1
                        continue
                    rows += 1
                    needed = height[which[i], scale, up]
                    if total <= needed:
                        continue
                    marking, rest, done = True, 0.0, start
                    half = 0.5 * (total / rows + scales[scale])
                    shown = budget
                higher = max(total - height[which[i], scale, up], 0.0)
                shown = min(shown, budget * np.exp(-decay[which[i], scale, up] * higher))
                for row in range(done, i + 1):
                    if np.isnan(scores[row]):
                        continue
                    if seen[row] < 0 or i < seen[row]:
                        seen[row] = i
                    if side[row] == 0 or start < began[row]:
                        began[row] = start
                    if not chance[row] <= shown:
                        chance[row], side[row] = shown, np.int8(sign)
                done = i + 1
    return side, seen, began, chance
