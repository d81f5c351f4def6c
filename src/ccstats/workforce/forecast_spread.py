"""How far contacts lie from what was expected, learnt from forecasts of the past, and the limits that follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import nnls

__all__ = ["COVERAGES", "Spread", "fit_spread", "negative_binomial_limits"]

Floats = NDArray[np.float64]

#: Probabilities within the limits.
COVERAGES = (0.80, 0.95)
#: Before anything is known: days vary by a tenth, and this counts as so many rows.
_PRIOR_CV2, _PRIOR_ROWS = 0.01, 4.0
#: A squared error counts for no more than so many variances.
_BOUND = 12.0
#: A holiday is as much off as its factor was, a third; divided by the holidays seen.
_HOLIDAY_CV2 = 0.09
#: Above so many contacts counts are as good as real numbers.
_LARGE = 1e6


@dataclass(frozen=True)
class Spread:
    """Variance of contacts about what is expected: ``chance`` × mean + (``level`` + ``growth`` × days ahead) × mean²."""

    chance: float
    level: float
    growth: float

    def variance(self, mean: Floats, ahead: Floats, special: Floats | float = 0.0) -> Floats:
        """The variance of each; ``special``: squared coefficient of variation to be added."""
        found: Floats = self.chance * mean + (self.level + self.growth * ahead + special) * mean**2
        return found


def holiday_cv2(seen: int) -> float:
    """What holidays vary more than other days, once so many were seen.

    Examples
    --------
    >>> holiday_cv2(0), holiday_cv2(8)
    (0.09, 0.01)
    """
    return _HOLIDAY_CV2 / (1 + seen)


def fit_spread(mean: Floats, actual: Floats, ahead: Floats) -> Spread:
    """Learn the spread from forecasts of the past.

    Parameters
    ----------
    mean, actual, ahead : numpy.ndarray
        What was expected and what came [contacts], and how far ahead it was. [days]

    Notes
    -----
    Non-negative least squares of squared errors, each divided by its variance, a few times; chance alone (Poisson) is the least. A prior
    of 10 % counts as four rows.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> mean = np.full(4000, 200.0)
    >>> found = fit_spread(mean, rng.poisson(mean * rng.gamma(25, 1 / 25, 4000)), np.ones(4000))
    >>> bool(abs(found.level + found.growth - 0.04) < 0.006)
    True
    """
    keep = mean > 0
    mean, actual, ahead = mean[keep], actual[keep], ahead[keep]
    chance, level, growth = 1.0, _PRIOR_CV2, 0.0
    if not len(mean):
        return Spread(chance, level, growth)
    step = max(float(ahead.max()), 1.0)
    prior = np.sqrt(_PRIOR_ROWS) * np.array([[1.0, 0.0, 0.0], [0.0, 1.0 / _PRIOR_CV2, 0.0]])
    for _ in range(6):
        variance = Spread(chance, level, growth).variance(mean, ahead)
        square = np.minimum((actual - mean) ** 2, _BOUND * variance)
        rows = np.column_stack([mean, mean**2, mean**2 * ahead / step]) / variance[:, None]
        goal = (square - mean) / variance  # beyond the chance of a Poisson count
        found, _ = nnls(np.vstack([rows, prior]), np.append(goal, np.sqrt(_PRIOR_ROWS) * np.array([0.0, 1.0])))
        chance, level, growth = 1.0 + float(found[0]), float(found[1]), float(found[2]) / step
    return Spread(chance, level, growth)


def negative_binomial_limits(mean: Any, variance: Any, probability: float) -> Floats:
    """Quantile of a negative binomial count, between whole numbers where the probability lies between theirs.

    Parameters
    ----------
    mean, variance : array-like
        A variance no larger than the mean makes it Poisson. [contacts, contacts²]
    probability : float
        Of lying below. [0-1]

    Returns
    -------
    numpy.ndarray
        Not negative; 0 where the mean is.

    Notes
    -----
    The distribution function is drawn straight between k - ½ and k + ½, so that limits of small counts are as often too wide as too narrow;
    whole quantiles always are too wide. Above a million contacts a gamma distribution stands for it.

    Examples
    --------
    >>> negative_binomial_limits([100.0, 0.0], [100.0, 0.0], 0.5).round().tolist()
    [100.0, 0.0]
    """
    mean, variance = np.broadcast_arrays(np.asarray(mean, dtype="float64"), np.asarray(variance, dtype="float64"))
    found = np.zeros(mean.shape)
    busy, large = mean > 1e-12, mean > _LARGE
    poisson = busy & ~large & (variance <= mean * (1 + 1e-9))
    mixed = busy & ~large & ~poisson
    if poisson.any():
        found[poisson] = _between(stats.poisson(mean[poisson]), probability)
    if mixed.any():
        over = variance[mixed] - mean[mixed]
        size, chance = mean[mixed] ** 2 / over, mean[mixed] / variance[mixed]
        found[mixed] = _between(stats.nbinom(size, chance), probability)
    if large.any():
        found[large] = stats.gamma.ppf(probability, mean[large] ** 2 / variance[large], scale=variance[large] / mean[large])
    return found


def _between(law: Any, probability: float) -> Floats:
    whole = law.ppf(probability)
    below, here = law.cdf(whole - 1), law.cdf(whole)
    part = np.divide(probability - below, here - below, out=np.ones_like(here), where=here > below)
    return np.maximum(whole - 0.5 + np.clip(part, 0.0, 1.0), 0.0)
