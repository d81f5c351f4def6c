"""Charts that accumulate, EWMA and CUSUM: the chance of a first signal at each point, from the integral equation of the statistic.

The law of the statistic among the charts still silent is carried from point to point on Gauss-Legendre nodes. Its density is smooth inside
the limits, so a few dozen nodes give all digits that double precision has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["cusum_signals", "ewma_signals", "siegmund_mean"]

Floats = NDArray[np.float64]


def _normal_density(x: Any) -> Any:
    return np.exp(-0.5 * np.square(x)) / math.sqrt(2 * math.pi)


def _nodes(low: float, high: float, step_sd: float) -> tuple[Floats, Floats]:
    """Nodes and weights between two limits, for a statistic whose steps have the standard deviation ``step_sd``."""
    if high <= low:
        return np.empty(0), np.empty(0)
    x, weight = _unit_nodes(20 + math.ceil(3 * (high - low) / step_sd))
    return low + (high - low) * (x + 1) / 2, weight * (high - low) / 2


@lru_cache(maxsize=64)
def _unit_nodes(count: int) -> tuple[Floats, Floats]:
    x, weight = np.polynomial.legendre.leggauss(count)
    return x, weight


def ewma_signals(*, weight: float, width: float, exact_limits: bool, sides: int, shift: float) -> Iterator[float]:
    """Chance that an EWMA first leaves its limits at point 1, 2, ….

    Parameters
    ----------
    weight : float
        Share of the newest point in the statistic, in (0, 1].
    width : float
        Distance of the limits from the centre, in standard deviations of the statistic.
    exact_limits : bool
        Limits from the standard deviation at each point, instead of its final value.
    sides : int
        2, or 1 for the upper limit only.
    shift : float
        Mean of the points. [sigma]

    Yields
    ------
    float

    Notes
    -----
    With a statistic at ``z`` the next one is normal with mean ``(1 - weight) z + weight shift`` and standard deviation ``weight`` (Lucas &
    Saccucci 1990; Crowder 1987). Without a lower limit the nodes end nine standard deviations below where the statistic can settle.

    Examples
    --------
    >>> next(ewma_signals(weight=1.0, width=3.0, exact_limits=False, sides=2, shift=3.0)) > 0.5
    True
    """
    final_sd = math.sqrt(weight / (2 - weight))
    decay = 1 - weight

    def limits(point: int) -> tuple[float, float]:
        high = width * final_sd * (math.sqrt(1 - decay ** (2 * point)) if exact_limits else 1.0)
        return (-high if sides == 2 else min(shift, 0.0) - 9 * final_sd), high

    def leaves(mean: Any, low: float, high: float) -> Any:
        return ndtr((mean - high) / weight) + (ndtr((low - mean) / weight) if sides == 2 else 0.0)

    position, mass = np.zeros(1), np.ones(1)  # of the charts still silent; all begin at the centre
    point, before = 1, -math.inf
    while True:
        low, high = limits(point)
        if high - before <= 1e-14 * high:
            break
        mean = decay * position + weight * shift
        yield float(leaves(mean, low, high) @ mass)
        nodes, weights = _nodes(low, high, weight)
        mass = weights * (_normal_density((nodes[:, None] - mean) / weight) @ mass) / weight
        position, before, point = nodes, high, point + 1
    mean = decay * position + weight * shift
    step = weights[:, None] * _normal_density((nodes[:, None] - mean) / weight) / weight
    leaving = leaves(mean, low, high)
    while True:
        yield float(leaving @ mass)
        mass = step @ mass


class _Side:
    """One side of a CUSUM: the law of its statistic among the charts still silent, an atom at 0 and masses on nodes.

    ``fresh`` are masses on nodes of their own, which came in at the last point and join the others at the next.
    """

    def __init__(self, k: float, h: float, shift: float) -> None:
        self.k, self.h, self.shift = k, h, shift
        nodes, weights = _nodes(0.0, h, 1.0)
        self.position = np.concatenate([[0.0], nodes])
        self.weights = weights
        self.step = self._step_from(self.position)
        self.leaving = self._leaving_from(self.position)
        self.mass = np.zeros(len(self.position))
        self.fresh: tuple[Floats, Floats] | None = None

    def _step_from(self, position: Floats) -> Floats:
        drift = position + self.shift - self.k
        inside = self.weights[:, None] * _normal_density(self.position[1:, None] - drift)
        return np.vstack([ndtr(-drift), inside])

    def _leaving_from(self, position: Floats) -> Floats:
        return np.asarray(ndtr(position + self.shift - self.k - self.h))

    def move(self) -> float:
        """Take the next point; the chance that this side signals at it."""
        signal = float(self.leaving @ self.mass)
        self.mass = self.step @ self.mass
        if self.fresh is not None:
            position, mass = self.fresh
            signal += float(self._leaving_from(position) @ mass)
            self.mass += self._step_from(position) @ mass
            self.fresh = None
        return signal


def cusum_signals(*, k: float, h: float, head_start: float, sides: int, shift: float) -> Iterator[float]:
    """Chance that a tabular CUSUM first signals at point 1, 2, ….

    Parameters
    ----------
    k, h : float
        Reference value and decision interval. [sigma]
    head_start : float
        Where the statistics begin, of both sides if there are two. [sigma]
    sides : int
        2, or 1 for the upper side only.
    shift : float
        Mean of the points. [sigma]

    Yields
    ------
    float

    Notes
    -----
    While both sides are above 0 their sum falls by ``2 k`` at each point whatever the point is. Two consequences make two sides exact with
    one-dimensional integrals, for any head start:

    * From the head start on, as long as both sides are above 0, the pair moves on one known diagonal.
    * Once a side has been at 0, their sum can no longer exceed ``h`` with both above 0, so whenever one signals the other is at 0. The law
      of one side among the charts still silent is then its own chain, less what the other side's signals take out of its atom at 0.

    For head starts up to ``h / 2 + k`` the mean agrees with the formula of Lucas & Crosier (1982) from the two one-sided means.

    Examples
    --------
    >>> next(cusum_signals(k=0.5, h=4.0, head_start=0.0, sides=2, shift=4.5)) > 0.4
    True
    """
    up = _Side(k, h, shift)
    if sides == 1:
        up.fresh = np.array([head_start]), np.ones(1)
        while True:
            yield up.move()
    down = _Side(k, h, -shift)
    total, diagonal, mass = 2 * head_start, np.array([head_start]), np.ones(1)  # both above 0: place of the upper side, masses
    if head_start == 0:
        up.mass[0] = down.mass[0] = 1.0
        mass = np.empty(0)
    while True:
        above, below = up.move(), down.move()
        up.mass[0] -= below
        down.mass[0] -= above
        signal = above + below
        if mass.size:
            other = total - diagonal
            signal += float((up._leaving_from(diagonal) + down._leaving_from(other)) @ mass)
            total -= 2 * k
            for side, place in ((up, diagonal), (down, other)):
                drift = place + side.shift - k  # where this side goes, on average
                reached_zero = ndtr(-drift) - ndtr(np.minimum(total - h, 0.0) - drift)
                side.mass[0] += float(reached_zero @ mass)
                nodes, weights = _nodes(max(total, 0.0), h, 1.0)
                side.fresh = nodes, weights * (_normal_density(nodes[:, None] - drift) @ mass)
            nodes, weights = _nodes(max(total - h, 0.0), min(h, total), 1.0)
            mass = weights * (_normal_density(nodes[:, None] - (diagonal + shift - k)) @ mass)
            diagonal = nodes
        yield signal


def siegmund_mean(*, k: float, h: float, sides: int, shift: float) -> float:
    """Siegmund's approximation of the average run length of a CUSUM.

    Parameters
    ----------
    k, h, sides, shift
        As for `cusum_signals`.

    Returns
    -------
    float
        [points]

    Notes
    -----
    Siegmund (1985): with ``d = shift - k`` and ``b = h + 1.166`` one side runs ``(exp(-2 d b) + 2 d b - 1) / (2 d²)`` points, ``b²`` where
    ``d`` is 0; two sides add their rates.

    Examples
    --------
    >>> round(siegmund_mean(k=0.5, h=5.0, sides=2, shift=0.0), 1)
    469.1
    """

    def one_side(drift: float) -> float:
        b = h + 1.166
        return b * b if abs(drift) * b < 1e-6 else (math.exp(-2 * drift * b) + 2 * drift * b - 1) / (2 * drift * drift)

    if sides == 1:
        return one_side(shift - k)
    return 1 / (1 / one_side(shift - k) + 1 / one_side(-shift - k))
