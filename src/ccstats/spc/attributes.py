"""Charts of counts and shares: p, np, u, c and g by the law that the counts should follow, p' and u' by how far they do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccstats.spc.drawn import Drawn, no_spread, too_few
from ccstats.spc.individuals import pair_sigma
from ccstats.spc.series import Series

__all__ = ["between_sigma", "by_law", "draw_law", "law_sigma", "pooled_ratio"]

Floats = NDArray[np.float64]
Options = Mapping[str, Any]

#: A spread of scores no larger than this is rounding: a score is measured in standard deviations.
_ROUNDING = 1e-9


def pooled_ratio(chart: str, part: Series, options: Options) -> float:
    """All numerators over all denominators of a phase, or the mean count where there are none.

    Examples
    --------
    >>> from ccstats.spc.series import Kind, read_series
    >>> pooled_ratio("p", read_series("p", Kind(counts="divides"), [1, 2], [4, 8], None, None, None), {})
    0.25
    """
    if not part.used.any():
        raise too_few(chart, part, "at least 1 point with a count above 0", "Give more points, or center=")
    total = float(part.value[part.used].sum())
    return total / float(part.count[part.used].sum())


def by_law(chart: str, center: Any, count: Floats, options: Options) -> Floats:
    """The standard deviation of a point by the law of its chart: binomial, Poisson or geometric.

    Examples
    --------
    >>> import numpy as np
    >>> by_law("p", 0.5, np.array([25.0, 100.0]), {}).tolist()
    [0.1, 0.05]
    """
    middle = np.asarray(center, dtype=np.float64)
    variance: Floats
    if chart == "g":
        variance = (middle - options["least"]) * (middle - options["least"] + 1)
    elif chart == "np":
        variance = middle * (1 - middle) * count
    else:
        variance = (middle * (1 - middle) if chart in ("p", "p_prime") else middle) / count
    deviation: Floats = np.sqrt(np.maximum(variance, 0.0))
    return deviation


def law_sigma(chart: str, part: Series, center: float, options: Options) -> float:
    """1, as the law says all; after a look at whether it leaves any spread.

    Examples
    --------
    >>> from ccstats.spc.series import Kind, read_series
    >>> law_sigma("c", read_series("c", Kind(), [1, 2], None, None, None, None), 1.5, {})
    1.0
    """
    if not np.nanmax(by_law(chart, center, part.count, options), initial=0.0) > 0:
        if not part.used.any():
            raise too_few(chart, part, "at least 1 point with a count above 0", "Give more points")
        raise no_spread(chart, part, "By their law they cannot vary; give center=, or wait until they differ")
    return 1.0


def between_sigma(chart: str, part: Series, center: float, options: Options) -> float:
    """Laney's sigma of scores: how many times more than by law points vary, seen between neighbours.

    References
    ----------
    Laney (2002), Quality Engineering 14(4): improved control charts for attributes.

    Examples
    --------
    >>> from ccstats.spc.options import settle
    >>> from ccstats.spc.series import Kind, read_series
    >>> part = read_series("p_prime", Kind(counts="divides"), [40, 60, 40, 60], [100] * 4, None, None, None)
    >>> round(between_sigma("p_prime", part, 0.5, settle("p_prime", {})), 3)
    3.545
    """
    law_sigma(chart, part, center, options)
    with np.errstate(invalid="ignore"):
        score = (part.x - center) / by_law(chart, center, part.count, options)
    return pair_sigma(chart, part, score, options, least=_ROUNDING)


def draw_law(chart: str, series: Series, center: Floats, sigma: Floats, options: Options) -> Drawn:
    """Any chart of this file.

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.spc.options import settle
    >>> from ccstats.spc.series import Kind, read_series
    >>> series = read_series("c", Kind(), [4, 5], None, None, None, None)
    >>> draw_law("c", series, np.full(2, 4.0), np.ones(2), settle("c", {})).upper.tolist()
    [10.0, 10.0]
    """
    deviation = sigma * by_law(chart, center, series.count, options)
    floor, ceiling = 0.0, 1.0 if chart in ("p", "p_prime") else np.inf
    statistic, line, top = series.x, center, np.full(len(center), ceiling)
    details: dict[str, NDArray[Any]] = {}
    if chart == "np":
        statistic, line, top = np.where(np.isnan(series.count), np.nan, series.value), center * series.count, series.count
    if chart in ("p_prime", "u_prime"):
        details["sigma_z"] = sigma
    half = options["width"] * deviation
    return Drawn(statistic, line, deviation, line - half, line + half, floor=floor, ceiling=top, details=details)
