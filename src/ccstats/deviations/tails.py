"""How rare is it: residuals on a scale where they are alike, ranks among their baseline, and the share of false alarms among many."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["empirical_limits", "false_shares", "from_scale", "lower_chances", "normal_scores", "to_scale"]

Floats = NDArray[np.float64]

#: A normal score tells no more than this. [standard deviations]
_FARTHEST = 4.0


def to_scale(family: str, value: Floats, baseline: Floats, sigma: Floats) -> Floats:
    """Distance from the baseline in standard deviations, on the scale of the family.

    Parameters
    ----------
    family : str
        ``count`` (square roots, Anscombe), ``mean`` (cube roots, Wilson and Hilferty), or ``share`` (arc sine of square roots).
    value, baseline, sigma : numpy.ndarray of float
        What was observed, what was to be expected, and the standard deviation of the first about the second.

    Returns
    -------
    numpy.ndarray
        Missing where any is missing or the spread is 0.

    Notes
    -----
    Counts of few contacts and means of few handle times are skewed to the right, the more so the fewer, and shares near 1 to the left.
    Roots take most of that out, so that a residual at night and one at noon can be ranked together: without, a service level of 54 %
    where 99 % was to be expected is 9 sigma out, and one of 17 % instead of 89 % only 5.

    References
    ----------
    Anscombe (1948), Biometrika 35; Wilson & Hilferty (1931), PNAS 17.

    Examples
    --------
    >>> import numpy as np
    >>> to_scale("share", np.array([0.54, 0.17]), np.array([0.99, 0.89]), np.array([0.05, 0.14])).round(1).tolist()
    [-2.6, -3.6]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if family == "count":
            ratio = _dispersion(baseline, sigma)
            return (2 * np.sqrt(value + 0.375) - _root_mean(baseline, ratio)) / np.sqrt(ratio)
        if family == "mean":
            shape = (baseline / sigma) ** 2
            return 3 * np.sqrt(shape) * (np.cbrt(value / baseline) - 1 + 1 / (9 * shape))
        angle, spread = _angle(baseline, sigma)
        return np.where(sigma > 0, (np.arcsin(np.sqrt(np.clip(value, 0.0, 1.0))) - angle) / spread, np.nan)


def from_scale(family: str, score: Floats, baseline: Floats, sigma: Floats) -> Floats:
    """The value that lies so many standard deviations from the baseline: the inverse of `to_scale`, within what the metric can be.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.array([1.0])
    >>> bool(np.isclose(to_scale("count", from_scale("count", 2 * one, 50 * one, 8 * one), 50 * one, 8 * one), 2.0).all())
    True
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        if family == "count":
            ratio = _dispersion(baseline, sigma)
            return np.maximum(np.maximum(score * np.sqrt(ratio) + _root_mean(baseline, ratio), 0.0) ** 2 / 4 - 0.375, 0.0)
        if family == "mean":
            shape = (baseline / sigma) ** 2
            return baseline * np.maximum(1 - 1 / (9 * shape) + score / (3 * np.sqrt(shape)), 0.0) ** 3
        angle, spread = _angle(baseline, sigma)
        return np.sin(np.clip(angle + score * spread, 0.0, np.pi / 2)) ** 2


def _angle(baseline: Floats, sigma: Floats) -> tuple[Floats, Floats]:
    """A share as an angle, and its standard deviation."""
    share = np.clip(baseline, 1e-4, 1 - 1e-4)
    return np.arcsin(np.sqrt(share)), sigma / (2 * np.sqrt(share * (1 - share)))


def _dispersion(baseline: Floats, sigma: Floats) -> Floats:
    """Variance by mean; of next to nothing at least that of chance."""
    return np.maximum(sigma**2 / np.maximum(baseline, 0.25), 1e-12)


def _root_mean(baseline: Floats, ratio: Floats) -> Floats:
    """Mean of 2 sqrt(x + 3/8): by Taylor for large means, exact at 0, and within 0.01 of Poisson's in between."""
    return 2 * np.sqrt(np.maximum(baseline + 0.375 - 0.25 * ratio * -np.expm1(-1.28 * baseline), 0.375))


def lower_chances(pool: Floats, scores: Floats) -> Floats:
    """The chance of a score no higher than each, by its rank in a sorted pool of others.

    Parameters
    ----------
    pool : numpy.ndarray of float
        Scores of the baseline, ascending.
    scores : numpy.ndarray of float
        Scores to be ranked.

    Returns
    -------
    numpy.ndarray
        Between 0 and 1, missing where a score is. Beyond the pool's ends the chance falls exponentially with the mean excess over the
        pool's outer twentieth.

    Examples
    --------
    >>> import numpy as np
    >>> lower_chances(np.arange(1.0, 200.0), np.array([1.0, 100.0, 199.0])).tolist()
    [0.005, 0.5, 0.995]
    """
    size = len(pool)
    low, high = np.searchsorted(pool, scores, side="left"), np.searchsorted(pool, scores, side="right")
    before, after = pool[np.clip(low - 1, 0, size - 1)], pool[np.clip(low, 0, size - 1)]
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.where(after > before, (scores - before) / (after - before), 0.0)
    chance = np.where(high > low, (low + high + 1) / 2, low + between) / (size + 1)
    outer = max(size // 20, min(5, size - 1))
    below, above = (
        max(abs(float(np.mean(part - end))), 1e-9) for part, end in ((pool[:outer], pool[outer]), (pool[-outer:], pool[-outer - 1]))
    )
    with np.errstate(over="ignore", under="ignore"):
        under_all = np.exp(-np.maximum(pool[0] - scores, 0.0) / below) / (size + 1)
        over_all = 1 - np.exp(-np.maximum(scores - pool[-1], 0.0) / above) / (size + 1)
    chance = np.where(scores < pool[0], under_all, np.where(scores > pool[-1], over_all, chance))
    return np.where(np.isnan(scores), np.nan, chance)


def empirical_limits(pool: Floats, alpha: float) -> tuple[float, float]:
    """The points of a sorted pool between which another score falls with chance 1 - alpha, half of the rest on each side.

    Notes
    -----
    Another draw lies below the k-th of n with chance k / (n + 1), so the points are at ranks ``alpha/2 (n + 1)`` and
    ``(1 - alpha/2) (n + 1)``: exactly alpha is left outside, however small the pool, as long as it has ``2/alpha - 1`` scores.

    Examples
    --------
    >>> import numpy as np
    >>> empirical_limits(np.arange(1.0, 200.0), 0.01)
    (1.0, 199.0)
    """
    ranks = np.array([alpha / 2, 1 - alpha / 2]) * (len(pool) + 1) - 1
    low, high = np.interp(ranks, np.arange(len(pool)), pool)
    return float(low), float(high)


def normal_scores(chances: Floats) -> Floats:
    """The normal deviates of lower chances, no farther out than 4: all ranks are told, and no single one tells too much.

    Examples
    --------
    >>> import numpy as np
    >>> normal_scores(np.array([0.5, 0.0])).tolist()
    [0.0, -4.0]
    """
    return np.clip(special.ndtri(chances), -_FARTHEST, _FARTHEST)


def false_shares(p_values: Floats, families: NDArray[Any] | None = None) -> Floats:
    """Benjamini and Hochberg's q values: the share of false ones to be expected among all that are at least as clear.

    Parameters
    ----------
    p_values : numpy.ndarray of float
        Missing ones are left out.
    families : numpy.ndarray of int, optional
        Number of the family each is judged in; by default all are one.

    Returns
    -------
    numpy.ndarray
        Missing where a p value is.

    References
    ----------
    Benjamini & Hochberg (1995), Journal of the Royal Statistical Society B 57; it holds for independent and for positively dependent ones
    (Benjamini & Yekutieli 2001).

    Examples
    --------
    >>> import numpy as np
    >>> false_shares(np.array([0.01, 0.02, 0.9])).tolist()
    [0.03, 0.03, 0.9]
    """
    out = np.full(len(p_values), np.nan)
    known = np.flatnonzero(~np.isnan(p_values))
    if not len(known):
        return out
    family = np.zeros(len(known), dtype=np.int64) if families is None else np.unique(families[known], return_inverse=True)[1]
    order = known[np.lexsort((p_values[known], family))]
    family = np.sort(family)
    sizes = np.bincount(family)
    rank = np.arange(len(order)) - (np.cumsum(sizes) - sizes)[family] + 1
    q = np.minimum(p_values[order] * sizes[family] / rank, 1.0)
    # the smallest from here to the end of the family: read backwards, families kept apart by whole numbers
    out[order] = np.minimum.accumulate((q + 2.0 * family)[::-1])[::-1] - 2.0 * family
    return out
