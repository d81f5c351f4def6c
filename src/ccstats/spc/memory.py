"""Charts that remember: exponentially weighted and moving averages, and cumulative sums; for small shifts that last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ccstats.spc.drawn import Drawn
from ccstats.spc.series import Series

__all__ = ["draw_cusum", "draw_ewma", "draw_ma"]

Floats = NDArray[np.float64]
Options = Mapping[str, Any]


def draw_ewma(series: Series, center: Floats, sigma: Floats, options: Options) -> Drawn:
    """Exponentially weighted moving averages.

    Notes
    -----
    ``z = weight x + (1 - weight) z'``, from the centre as a phase begins. After ``i`` known points its variance is
    ``sigma^2 weight / (2 - weight) (1 - (1 - weight)^(2 i))``; ``limits="asymptotic"`` leaves out the last factor. A missing point leaves
    the average as it is.

    References
    ----------
    Lucas & Saccucci (1990), Technometrics 32(1).

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.spc.options import settle
    >>> from ccstats.spc.series import Kind, read_series
    >>> series = read_series("ewma", Kind(), [11, 13, 12], None, None, None, None)
    >>> draw_ewma(series, np.full(3, 10.0), np.ones(3), settle("ewma", {"weight": 0.5})).statistic.tolist()
    [10.5, 11.75, 11.875]
    """
    weight = options["weight"]
    statistic, seen = _averages(series.x, series.phase, center, weight)
    share = weight / (2 - weight)
    factor = share if options["limits"] == "asymptotic" else share * (1 - (1 - weight) ** (2.0 * np.maximum(seen, 1)))
    deviation = sigma * np.sqrt(factor)
    half = options["width"] * deviation
    return Drawn(statistic, center, deviation, center - half, center + half)


def draw_ma(series: Series, center: Floats, sigma: Floats, options: Options) -> Drawn:
    """Moving averages of the known points among the last few.

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.spc.options import settle
    >>> from ccstats.spc.series import Kind, read_series
    >>> series = read_series("ma", Kind(), [1, 3, 5, 7], None, None, None, None)
    >>> draw_ma(series, np.full(4, 4.0), np.ones(4), settle("ma", {"window": 2})).statistic.tolist()
    [1.0, 2.0, 4.0, 6.0]
    """
    statistic, seen = _moving(series.x, series.phase, options["window"])
    deviation = sigma / np.sqrt(np.maximum(seen, 1))
    half = options["width"] * deviation
    return Drawn(statistic, center, deviation, center - half, center + half)


def draw_cusum(series: Series, center: Floats, sigma: Floats, options: Options) -> Drawn:
    """Cumulative sums of what exceeds the target by more than ``k`` sigma, upwards and downwards.

    Notes
    -----
    ``C+ = max(0, C+' + x - center - k sigma)``, ``C-`` likewise downwards, both from ``head_start`` sigma as a phase begins; a signal is a
    sum strictly above ``h`` sigma. Sums are in the unit of the data and go on after a signal; a missing point leaves them as they are.
    The statistic is the larger sum, that downwards with a minus sign. ``n_plus`` counts the points since ``C+`` was last 0, and
    ``new_mean`` is ``center + k sigma + C+ / n_plus``, or the same downwards.

    References
    ----------
    Page (1954), Biometrika 41; Lucas & Crosier (1982), Technometrics 24(3), for the head start; Montgomery, Introduction to Statistical
    Quality Control, eq. 9.2 to 9.5.

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.spc.options import settle
    >>> from ccstats.spc.series import Kind, read_series
    >>> series = read_series("cusum", Kind(), [1.5, -2, -3], None, None, None, None)
    >>> draw_cusum(series, np.zeros(3), np.ones(3), settle("cusum", {})).statistic.tolist()
    [1.0, -1.5, -4.0]
    """
    slack, interval = options["k"] * sigma, options["h"] * sigma
    high, low, rising, falling = _sums(series.x, series.phase, center, slack, options["head_start"] * sigma)
    details = {"target": center, "c_plus": high, "n_plus": rising}
    with np.errstate(divide="ignore", invalid="ignore"):
        new_mean = np.where(high > 0, center + slack + high / rising, np.nan)
        if options["sides"] == 2:
            details |= {"c_minus": low, "n_minus": falling}
            new_mean = np.where(low > high, center - slack - low / falling, new_mean)
    details["new_mean"] = new_mean
    statistic = high if options["sides"] == 1 else np.where(low > high, -low, high)
    lower = np.full(len(high), np.nan) if options["sides"] == 1 else -interval
    return Drawn(statistic, np.zeros(len(high)), sigma, lower, interval, details=details)


@njit(cache=True, nogil=True)
def _averages(x: Floats, phase: NDArray[np.int64], center: Floats, weight: float) -> tuple[Floats, NDArray[np.int64]]:
    out, seen = np.full(len(x), np.nan), np.zeros(len(x), dtype=np.int64)
    z, count = 0.0, 0
    for i in range(len(x)):
        if i == 0 or phase[i] != phase[i - 1]:
            z, count = center[i], 0
        if not np.isnan(x[i]):
            z = weight * x[i] + (1.0 - weight) * z
            count += 1
            out[i] = z
        seen[i] = count
    return out, seen


@njit(cache=True, nogil=True)
def _moving(x: Floats, phase: NDArray[np.int64], window: int) -> tuple[Floats, NDArray[np.int64]]:
    out, seen = np.full(len(x), np.nan), np.zeros(len(x), dtype=np.int64)
    for i in range(len(x)):
        total, count = 0.0, 0
        for j in range(max(0, i - window + 1), i + 1):
            if phase[j] == phase[i] and not np.isnan(x[j]):
                total += x[j]
                count += 1
        seen[i] = count
        if not np.isnan(x[i]):
            out[i] = total / count
    return out, seen


@njit(cache=True, nogil=True)
def _sums(
    x: Floats, phase: NDArray[np.int64], center: Floats, slack: Floats, start: Floats
) -> tuple[Floats, Floats, NDArray[np.int64], NDArray[np.int64]]:
    high, low = np.full(len(x), np.nan), np.full(len(x), np.nan)
    rising, falling = np.zeros(len(x), dtype=np.int64), np.zeros(len(x), dtype=np.int64)
    up, down, up_count, down_count = 0.0, 0.0, 0, 0
    for i in range(len(x)):
        if i == 0 or phase[i] != phase[i - 1]:
            up, down, up_count, down_count = start[i], start[i], 0, 0
        if not np.isnan(x[i]):
            up = max(0.0, x[i] - (center[i] + slack[i]) + up)
            down = max(0.0, (center[i] - slack[i]) - x[i] + down)
            up_count = up_count + 1 if up > 0 else 0
            down_count = down_count + 1 if down > 0 else 0
            high[i], low[i] = up, down
        rising[i], falling[i] = up_count, down_count
    return high, low, rising, falling
