"""When a scheme signals for the first time: the law of the run length, from the chance of a first signal at each point.

Every engine (`ccstats.spc.zone_chain`, `ccstats.spc.accumulating`) yields the chance that the first signal comes at point 1, 2, 3, …, one
after the other. Once the share of those still silent that signals next has stopped changing, it stays as it is: the rest is geometric, and
the whole law is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError

__all__ = ["RunLength", "follow"]

#: Relative change over `_WINDOW` points below which the share that signals next counts as settled.
_SETTLED = 1e-11
_WINDOW = 16
#: Once so few charts are silent, how the last of them go on no longer matters (and is lost in rounding).
_SPENT = 1e-10
_MOST_POINTS = 2_000_000
#: A share so small that the mean is no number to speak of.
_NEVER = 1e-100


@dataclass(frozen=True, eq=False)
class RunLength:
    """How many points a scheme runs until it signals: the signalling point is counted.

    Attributes
    ----------
    mean : float
        The average run length (ARL); ``inf`` where a signal is impossible or as good as (1e-100 a point). ``float(run_length)`` is the
        same. [points]
    sd : float
        Standard deviation of the run length; NaN where only the mean is known. [points]
    exact : bool
        Whether the figures are exact, up to rounding and quadrature (better than eight digits).
    method : str
        How they were found.
    first_signal : numpy.ndarray
        Chance that the first signal comes at point 1, 2, …, up to where the rest is geometric.
    later : float
        Of those silent so far, the share that signals at each later point.

    Examples
    --------
    The three-sigma chart gives a false alarm every 370 points on average, but half of the charts give one within 257:

    >>> import ccstats as cc
    >>> run = cc.spc.run_length("xmr")
    >>> round(float(run), 1), run.median
    (370.4, 257)
    """

    mean: float
    sd: float
    exact: bool
    method: str
    first_signal: NDArray[np.float64] = field(repr=False)
    later: float = field(repr=False)

    def __float__(self) -> float:
        return self.mean

    def probability(self, points: ArrayLike) -> Any:
        """Chance of at least one signal within the first ``points`` points.

        Parameters
        ----------
        points : int or array of int
            How many points, 0 or more. [points]

        Returns
        -------
        float or numpy.ndarray
            0 for no points; of the shape of ``points``.

        Raises
        ------
        OptionError
            If ``points`` is no whole number of points, or only the mean is known (Siegmund's approximation).

        Examples
        --------
        >>> import ccstats as cc
        >>> round(cc.spc.run_length("xmr").probability(24), 4)
        0.0628
        """
        count = whole_points(points)
        if not len(self.first_signal):
            raise OptionError(f"{self.method} knows the mean run length only; leave method= out for the whole law")
        known = len(self.first_signal)
        signalled = np.concatenate([[0.0], np.cumsum(self.first_signal)])
        rest = np.maximum(count - known, 0.0)
        silent = (1 - signalled[-1]) * np.exp(rest * np.log1p(-self.later)) if self.later < 1 else np.zeros(count.shape)
        out = np.where(count <= known, signalled[np.minimum(count, known).astype(int)], 1 - silent)
        return float(np.clip(out, 0, 1)) if out.ndim == 0 else np.clip(out, 0, 1)

    def quantile(self, q: float) -> float:
        """The point by which a share ``q`` of charts has signalled.

        Parameters
        ----------
        q : float
            A share between 0 and 1, both excluded.

        Returns
        -------
        float
            A whole number of points; ``inf`` where so many never signal. [points]

        Raises
        ------
        OptionError
            If ``q`` is no share, or only the mean is known.

        Examples
        --------
        One chart in ten gives a false alarm by point 39:

        >>> import ccstats as cc
        >>> cc.spc.run_length("xmr").quantile(0.1)
        39
        """
        if not 0 < q < 1:
            raise OptionError(f"q={q!r} must be a share between 0 and 1, both excluded")
        low, high = 0, max(len(self.first_signal), 1)
        if math.isinf(self.mean) and self.probability(high) < q:
            return math.inf
        while self.probability(high) < q:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.probability(middle) < q else (low, middle)
        return high

    @property
    def median(self) -> float:
        """The point by which half of the charts have signalled.

        Examples
        --------
        >>> import ccstats as cc
        >>> cc.spc.run_length("xmr", shift=2).median
        5
        """
        return self.quantile(0.5)


def whole_points(points: ArrayLike) -> NDArray[np.float64]:
    """``points`` as an array, if they are whole numbers of points, none negative."""
    try:
        count = np.asarray(points, dtype="float64")
    except (TypeError, ValueError):
        count = np.array(np.nan)
    if not (np.isfinite(count).all() and (count >= 0).all() and (count == np.floor(count)).all()):
        raise OptionError(f"points={points!r} must be whole numbers of points, 0 or more")
    return count


def follow(signals: Iterator[float], *, method: str, at_least: int = 64) -> RunLength:
    """The law of the run length, from an engine that yields the chance of a first signal at point 1, 2, ….

    Parameters
    ----------
    signals : iterator of float
        Chances of a first signal at point 1, 2, …; endless.
    method : str
        How the engine works, in a few words.
    at_least : int
        Points to follow before the law may count as settled: more than the longest memory of the scheme. [points]

    Returns
    -------
    RunLength
        ``mean`` is ``inf`` when nothing has signalled after ``at_least`` points.

    Raises
    ------
    OptionError
        If the law does not settle.

    Examples
    --------
    A die that is thrown until the first six:

    >>> import itertools
    >>> round(float(follow(((5 / 6) ** k / 6 for k in itertools.count()), method="a die")), 9)
    6.0
    """
    chances: list[float] = []
    shares: list[float] = []
    silent = 1.0
    for chance in signals:
        chances.append(chance)
        shares.append(chance / silent if silent > 0 else 1.0)
        silent -= chance
        if silent <= _SPENT:
            break
        if len(shares) >= at_least + _WINDOW:
            share = shares[-1]
            change = max(abs(share - shares[-2]), abs(share - shares[-_WINDOW]))
            if change <= _SETTLED * share:  # also when nothing ever signals
                break
            if len(shares) > _MOST_POINTS:
                raise OptionError(f"the run length has not settled after {_MOST_POINTS} points; choose less extreme parameters")
    first_signal, later, silent = np.array(chances), min(shares[-1], 1.0), max(silent, 0.0)
    if later <= _NEVER:
        return RunLength(math.inf, math.nan, True, method, first_signal, 0.0)
    before = np.concatenate([[1.0], 1.0 - np.cumsum(first_signal)[:-1]])  # silent before point 1, 2, …
    point = np.arange(len(first_signal))
    known = float(len(first_signal))
    mean = float(before.sum()) + silent / later
    second = float(((2 * point + 1) * before).sum()) + silent * ((2 * known + 1) / later + 2 * (1 - later) / later**2)
    return RunLength(mean, math.sqrt(max(second - mean**2, 0.0)), True, method, first_signal, later)
