"""Charts of single points and of subgroup means: XmR, Taylor's I', t, and X-bar with S.

The spread of single points comes from neighbours: a moving range sees what changes from point to point and not the shift that the chart
is to find.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ccstats.spc.constants import D2_PAIR, D4_PAIR, c4
from ccstats.spc.drawn import Companion, Drawn, no_spread, too_few
from ccstats.spc.series import Series

__all__ = [
    "draw_i_prime",
    "draw_t",
    "draw_xbar",
    "draw_xmr",
    "middle",
    "pair_sigma",
    "pooled_sigma",
    "range_sigma",
    "transformed",
    "weighted_mean",
]

Floats = NDArray[np.float64]
Options = Mapping[str, Any]

#: The median of the moving range of normal data. [sigma]
_MEDIAN_PAIR = math.sqrt(2.0) * float(special.ndtri(0.75))


def middle(chart: str, part: Series, options: Options) -> float:
    """The centre of a phase: the mean of its points, or their median.

    Examples
    --------
    >>> from ccstats.spc.series import Kind, read_series
    >>> middle("xmr", read_series("xmr", Kind(), [1, 2, 6], None, None, None, None), {"center": "median"})
    2.0
    """
    used = part.x[part.used]
    if not len(used):
        raise too_few(chart, part, "at least 1 known point", "Give more points, or center= and sigma=")
    return float(np.median(used) if options["center"] == "median" else np.mean(used))


def weighted_mean(chart: str, part: Series, options: Options) -> float:
    """The mean of all that the points are means of.

    Examples
    --------
    >>> from ccstats.spc.series import Kind, read_series
    >>> weighted_mean("i_prime", read_series("i_prime", Kind(counts="weighs"), [1, 4], [2, 1], None, None, None), {})
    2.0
    """
    if not part.used.any():
        raise too_few(chart, part, "at least 1 known point", "Give more points, or center= and sigma=")
    return float(np.average(part.x[part.used], weights=part.count[part.used]))


def pair_sigma(chart: str, part: Series, x: Floats, options: Options, *, count: Floats | None = None, least: float = 0.0) -> float:
    """Sigma from the moving ranges of one phase.

    Parameters
    ----------
    chart : str
        Its name, for errors.
    part : Series
        The phase.
    x : numpy.ndarray of float
        Its points, on the scale that is to be judged.
    options : mapping
        ``d2, d4, ranges, screen, bridge_gaps``.
    count : numpy.ndarray of float, optional
        What each point is a mean of; sigma is then that of one unit.
    least : float
        A sigma no larger than this is none.

    Returns
    -------
    float

    Raises
    ------
    OptionError
        If there are no two neighbours, or they never differ.

    Notes
    -----
    ``mean(MR) / d2``, with ``d2 = 2/sqrt(pi)`` unless told otherwise, or ``median(MR) / 0.9539``. For means of ``n`` a range is first
    divided by ``sqrt((1/n + 1/n') / 2)`` (Taylor). ``screen`` takes out, once, ranges at or above ``d4`` times their mean (Nelson 1982).

    Examples
    --------
    >>> from ccstats.spc.options import settle
    >>> from ccstats.spc.series import Kind, read_series
    >>> part = read_series("xmr", Kind(), [1, 3, 2, 5], None, None, None, None)
    >>> round(pair_sigma("xmr", part, part.x, settle("xmr", {"d2": 1.128})), 4)
    1.773
    """
    remedy = "Give more points, or center= and sigma="
    at = np.flatnonzero(part.used)
    near = np.ones(max(len(at) - 1, 0), dtype=bool) if options["bridge_gaps"] else np.diff(at) == 1
    before, after = at[:-1][near], at[1:][near]
    if not len(after):
        gaps = "" if len(at) < 2 else " with bridge_gaps=True gaps between points are bridged;"
        raise too_few(chart, part, "at least 2 neighbouring points", f"To estimate the spread{gaps} {remedy[0].lower()}{remedy[1:]}")
    ranges = np.abs(x[after] - x[before])
    if count is not None:
        ranges = ranges / np.sqrt((1 / count[after] + 1 / count[before]) / 2)
    sigma = _from_ranges(ranges, options)
    if options["screen"]:
        kept = ranges[ranges < (options["d4"] or D4_PAIR) * (options["d2"] or D2_PAIR) * sigma]
        sigma = _from_ranges(kept, options) if len(kept) else 0.0
    if not sigma > least:
        raise no_spread(chart, part, "Give sigma=, or wait until they vary")
    return sigma


def range_sigma(chart: str, part: Series, center: float, options: Options) -> float:
    """Sigma of the points themselves.

    Examples
    --------
    >>> from ccstats.spc.options import settle
    >>> from ccstats.spc.series import Kind, read_series
    >>> part = read_series("xmr", Kind(), [1, 3, 2, 5], None, None, None, None)
    >>> round(range_sigma("xmr", part, 2.75, settle("xmr", {})), 4)
    1.7725
    """
    return pair_sigma(chart, part, part.x, options, count=part.count)


def pooled_sigma(chart: str, part: Series, center: float, options: Options) -> float:
    """Sigma from the standard deviations within subgroups.

    Notes
    -----
    The best linear unbiased estimate, ``sum(w s / c4) / sum(w)`` with ``w = c4^2 / (1 - c4^2)``; for equal sizes it is the mean of ``s``
    over c4 (Burr 1969).

    Examples
    --------
    >>> from ccstats.spc.series import Kind, read_series
    >>> part = read_series("xbar_s", Kind(groups="averaged"), [[1, 3], [2, 6]], None, None, None, None)
    >>> round(pooled_sigma("xbar_s", part, 3.0, {}), 4)
    2.6587
    """
    inside = part.used & ~np.isnan(part.deviation)
    if not inside.any():
        raise too_few(chart, part, "at least 1 subgroup of 2 values", "Give more values in a subgroup, or center= and sigma=")
    mean = c4(part.count[inside])
    weight = mean**2 / (1 - mean**2)
    sigma = float(np.sum(weight * part.deviation[inside] / mean) / np.sum(weight))
    if not sigma > 0:
        raise no_spread(chart, part, "Values within each subgroup are equal; give sigma=, or use chart 'xmr' on the means")
    return sigma


def transformed(series: Series, power: float) -> Series:
    """The times of a t chart, made close to normal.

    Examples
    --------
    >>> from ccstats.spc.series import Kind, read_series
    >>> transformed(read_series("t", Kind(), [1, 16], None, None, None, None), 4.0).x.tolist()
    [1.0, 2.0]
    """
    return Series(series.value, series.count, series.x ** (1 / power), series.deviation, series.used, series.phase, series.labels)


def draw_xmr(series: Series, center: Floats, sigma: Floats, options: Options) -> Drawn:
    """Individual values with their moving ranges.

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.spc.options import settle
    >>> from ccstats.spc.series import Kind, read_series
    >>> series = read_series("xmr", Kind(), [1, 3], None, None, None, None)
    >>> draw_xmr(series, np.full(2, 2.0), np.ones(2), settle("xmr", {})).upper.tolist()
    [5.0, 5.0]
    """
    width = options["width"]
    d2 = options["d2"] if options["d2"] and options["ranges"] == "mean" else D2_PAIR
    d4 = options["d4"] or 1 + (D4_PAIR - 1) * width / 3
    companion = Companion("moving_range", _ranges_between(series, options), d2 * sigma, np.zeros_like(sigma), d4 * d2 * sigma)
    return Drawn(series.x, center, sigma, center - width * sigma, center + width * sigma, companion=companion)


def draw_i_prime(series: Series, center: Floats, sigma: Floats, options: Options) -> Drawn:
    """Means of unequal counts.

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.spc.options import settle
    >>> from ccstats.spc.series import Kind, read_series
    >>> series = read_series("i_prime", Kind(counts="weighs"), [5, 6], [4, 9], None, None, None)
    >>> draw_i_prime(series, np.full(2, 5.0), np.full(2, 6.0), settle("i_prime", {})).upper.tolist()
    [14.0, 11.0]
    """
    deviation = sigma / np.sqrt(series.count)
    half = options["width"] * deviation
    return Drawn(series.x, center, deviation, center - half, center + half, details={"sigma_unit": sigma})


def draw_t(series: Series, center: Floats, sigma: Floats, options: Options) -> Drawn:
    """Times between rare events, judged on a scale where they are close to normal.

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.spc.options import settle
    >>> from ccstats.spc.series import Kind, read_series
    >>> series = read_series("t", Kind(signed=False), [8, 27], None, None, None, None)
    >>> draw_t(series, np.full(2, 2.5), np.full(2, 0.5), settle("t", {"power": 3})).upper.tolist()
    [64.0, 64.0]
    """
    power, half = options["power"], options["width"] * sigma
    low = np.maximum(center - half, 0.0) ** power
    details = {"transformed": series.x ** (1 / power), "transformed_center": center}
    return Drawn(series.x, center**power, sigma, low, (center + half) ** power, floor=0.0, power=1 / power, details=details)


def draw_xbar(series: Series, center: Floats, sigma: Floats, options: Options) -> Drawn:
    """Means of subgroups, and their standard deviations.

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.spc.options import settle
    >>> from ccstats.spc.series import Kind, read_series
    >>> series = read_series("xbar_s", Kind(groups="averaged"), [[1, 2, 3, 4]], None, None, None, None)
    >>> draw_xbar(series, np.full(1, 2.0), np.full(1, 2.0), settle("xbar_s", {})).upper.tolist()
    [5.0]
    """
    width, size = options["width"], series.count
    deviation = sigma / np.sqrt(size)
    mean = c4(size)
    rest = width * sigma * np.sqrt(1 - mean**2)
    companion = Companion("s", series.deviation, mean * sigma, np.maximum(mean * sigma - rest, 0.0), mean * sigma + rest)
    details = {"size": np.nan_to_num(size).astype(np.int64)}
    return Drawn(series.x, center, deviation, center - width * deviation, center + width * deviation, companion=companion, details=details)


def _from_ranges(ranges: Floats, options: Options) -> float:
    if options["ranges"] == "median":
        return float(np.median(ranges) / (options["d2"] or _MEDIAN_PAIR))
    return float(np.mean(ranges) / (options["d2"] or D2_PAIR))


def _ranges_between(series: Series, options: Options) -> Floats:
    """The moving range at each point, those of excluded points too; missing where there is no neighbour in the phase."""
    out = np.full(len(series.x), np.nan)
    at = np.flatnonzero(~np.isnan(series.x))
    before, after = at[:-1], at[1:]
    near = series.phase[after] == series.phase[before]
    if not options["bridge_gaps"]:
        near &= after - before == 1
    before, after = before[near], after[near]
    out[after] = np.abs(series.x[after] - series.x[before])
    return out
