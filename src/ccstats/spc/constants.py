"""The constants of control charts, computed rather than copied from a table of three decimals."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ccstats.errors import OptionError

__all__ = ["D2_PAIR", "D4_PAIR", "ChartConstants", "c4", "chart_constants", "d2", "d3"]

#: d2 of two points, 2 / sqrt(pi): a moving range divided by it estimates sigma. Tables print 1.128.
D2_PAIR = 2.0 / math.sqrt(math.pi)

#: D4 of two points at 3 sigma, 1 + 3 d3/d2: upper limit of moving ranges over their mean. Tables print 3.267.
D4_PAIR = 1.0 + 3.0 * math.sqrt(math.pi / 2.0 - 1.0)


class ChartConstants(NamedTuple):
    """Factors of a subgroup size, under the names of the textbooks.

    Attributes
    ----------
    c4, d2, d3 : float
        Mean of the standard deviation, mean and standard deviation of the range of normal data. [sigma]
    A, A2, A3 : float
        Half-width of the limits of means, by sigma, by the mean range, by the mean standard deviation.
    B3, B4, B5, B6 : float
        Limits of standard deviations, by their mean (3, 4) and by sigma (5, 6).
    D1, D2, D3, D4 : float
        Limits of ranges, by sigma (1, 2) and by their mean (3, 4).

    Examples
    --------
    >>> round(chart_constants(5).A3, 3)
    1.427
    """

    c4: float
    d2: float
    d3: float
    A: float
    A2: float
    A3: float
    B3: float
    B4: float
    B5: float
    B6: float
    D1: float
    D2: float
    D3: float
    D4: float


def c4(size: ArrayLike) -> Any:
    """Mean of the sample standard deviation of normal data, as a share of sigma.

    Parameters
    ----------
    size : int or array of int
        Observations in a subgroup; NaN below 2. [observations]

    Returns
    -------
    float or numpy.ndarray

    Notes
    -----
    ``sqrt(2 / (n - 1)) gamma(n / 2) / gamma((n - 1) / 2)``, by a ratio of gamma functions that stays accurate for any ``n``.

    References
    ----------
    Montgomery, Introduction to Statistical Quality Control, eq. 6.9 (its constant c4).

    Examples
    --------
    >>> round(c4(5), 6)
    0.939986
    """
    n = np.asarray(size, dtype=np.float64)
    half = np.where(n >= 2, (n - 1) / 2, np.nan)
    out = special.poch(half, 0.5) / np.sqrt(half)
    return float(out) if out.ndim == 0 else out


def d2(size: int) -> float:
    """Mean of the range of normal data.

    Parameters
    ----------
    size : int
        Observations in a subgroup, 2 to 10,000. [observations]

    Returns
    -------
    float
        [sigma]

    Raises
    ------
    OptionError
        If the size is out of range.

    References
    ----------
    Tippett (1925), Biometrika 17: the integral over the distribution of the range.

    Examples
    --------
    >>> round(d2(2), 6), round(d2(5), 6)
    (1.128379, 2.325929)
    """
    return _range_moments(_checked(size))[0]


def d3(size: int) -> float:
    """Standard deviation of the range of normal data.

    Parameters
    ----------
    size : int
        Observations in a subgroup, 2 to 10,000. [observations]

    Returns
    -------
    float
        [sigma]

    Raises
    ------
    OptionError
        If the size is out of range.

    References
    ----------
    As `d2`.

    Examples
    --------
    >>> round(d3(2), 6), round(d3(5), 6)
    (0.852502, 0.864082)
    """
    return _range_moments(_checked(size))[1]


def chart_constants(size: int, *, width: float = 3.0) -> ChartConstants:
    """Every factor of the textbook's table for one subgroup size.

    Parameters
    ----------
    size : int
        Observations in a subgroup, 2 to 10,000. [observations]
    width : float
        Distance of the limits from the centre. [sigma]

    Returns
    -------
    ChartConstants
        Lower limits that would be negative are 0.

    Raises
    ------
    OptionError
        If the size or the width is out of range.

    References
    ----------
    Montgomery, Introduction to Statistical Quality Control, appendix VI; computed here.

    Examples
    --------
    >>> {name: round(value, 3) for name, value in chart_constants(5)._asdict().items() if name in ("A2", "B4", "D4")}
    {'A2': 0.577, 'B4': 2.089, 'D4': 2.114}
    """
    if not 0 < width < math.inf:
        raise OptionError(f"width={width} is no distance; give sigmas above 0")
    mean_range, spread = _range_moments(_checked(size))
    mean_sd = c4(size)
    rest = width * math.sqrt(1 - mean_sd**2)
    a = width / math.sqrt(size)
    return ChartConstants(
        c4=mean_sd,
        d2=mean_range,
        d3=spread,
        A=a,
        A2=a / mean_range,
        A3=a / mean_sd,
        B3=max(0.0, 1 - rest / mean_sd),
        B4=1 + rest / mean_sd,
        B5=max(0.0, mean_sd - rest),
        B6=mean_sd + rest,
        D1=max(0.0, mean_range - width * spread),
        D2=mean_range + width * spread,
        D3=max(0.0, 1 - width * spread / mean_range),
        D4=1 + width * spread / mean_range,
    )


def _checked(size: Any) -> int:
    if isinstance(size, bool | np.bool_) or not isinstance(size, int | np.integer) or not 2 <= size <= 10_000:
        raise OptionError(f"size={size!r} is no subgroup size; give a whole number from 2 to 10000")
    return int(size)


@lru_cache(maxsize=256)
def _range_moments(size: int) -> tuple[float, float]:
    """Mean and standard deviation of the range.

    The chance of a range up to w is n times the integral of phi(x) (Phi(x + w) - Phi(x))^(n - 1); the moments are integrals of the rest.
    Over x the integrand vanishes at both ends with all its derivatives, so that a plain sum is exact; over w it is smooth.
    """
    step, nodes = 0.02, 200
    x: NDArray[np.float64] = np.arange(-9.0, 9.0 + step / 2, step)
    density = np.exp(-0.5 * x**2) / math.sqrt(2 * math.pi)
    points, weights = np.polynomial.legendre.leggauss(nodes)
    w, weights = 8.5 * (points + 1), 8.5 * weights
    within = special.ndtr(x[:, None] + w) - special.ndtr(x)[:, None]
    beyond = np.maximum(1 - size * step * (density @ within ** (size - 1)), 0.0)
    mean, square = float(weights @ beyond), float(2 * (weights * w) @ beyond)
    return mean, math.sqrt(square - mean**2)
