"""Funnels: agents or queues side by side, with limits that are wider for those with fewer contacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ccstats.errors import OptionError
from ccstats.spc.drawn import Drawn, no_spread, too_few
from ccstats.spc.series import Series

__all__ = ["draw_funnel", "funnel_limits", "overdispersion"]

Floats = NDArray[np.float64]
Options = Mapping[str, Any]


def funnel_limits(
    center: float, counts: ArrayLike, *, distribution: str = "binomial", coverage: float = 0.998, method: str = "exact"
) -> tuple[Floats, Floats]:
    """Limits that a unit of a given size stays within while it is like all others.

    Parameters
    ----------
    center : float
        The share or rate of all.
    counts : array of float
        Size of each unit: contacts counted (binomial), or expected events or exposure (Poisson). [contacts]
    distribution : str
        ``binomial`` for shares, ``poisson`` for events per unit of exposure, or observed over expected with ``center=1``.
    coverage : float
        Share of units inside while all are alike.
    method : str
        ``exact``: from the incomplete beta or gamma function, as confidence limits about the centre (Clopper & Pearson, Garwood);
        ``interpolated``: quantiles of the law, interpolated between whole numbers (Spiegelhalter 2005); ``normal``: centre ± standard
        errors.

    Returns
    -------
    tuple of numpy.ndarray
        Lower and upper limit of each unit's ratio; NaN where its count is 0 or missing. ``normal`` may leave the possible range.

    Raises
    ------
    OptionError
        If the centre is not possible, or another argument not known.

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24(8), 1185-1202.

    Examples
    --------
    Twenty transfers were expected of this agent; 1.9 times as many would be odd:

    >>> low, high = funnel_limits(1.0, [20], distribution="poisson")
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.4479, 1.9021)
    """
    size = np.atleast_1d(np.asarray(counts, dtype=np.float64))
    size = np.where(size > 0, size, np.nan)
    shares = distribution == "binomial"
    if distribution not in ("binomial", "poisson") or method not in ("exact", "interpolated", "normal"):
        given = f"distribution={distribution!r}, method={method!r}"
        raise OptionError(f"{given}: choose 'binomial' or 'poisson', and 'exact', 'interpolated' or 'normal'")
    if not 0 < coverage < 1 or not 0 < center < (1 if shares else np.inf):
        given = f"center={center!r}, coverage={coverage!r}"
        raise OptionError(f"{given}: the coverage and the centre of shares must lie between 0 and 1, other centres above 0")
    tail = (1 - coverage) / 2
    mean = center * size
    if method == "normal":
        half = -special.ndtri(tail) * np.sqrt(_variance(center, size, shares))
        return center - half, center + half
    if method == "interpolated":
        return _interpolated(tail, center, size, shares), _interpolated(1 - tail, center, size, shares)
    if shares:
        return special.betaincinv(mean, size - mean + 1, tail), special.betaincinv(mean + 1, size - mean, 1 - tail)
    return special.gammaincinv(mean, tail) / size, special.gammaincinv(mean + 1, 1 - tail) / size


def overdispersion(part: Series, center: float, options: Options) -> float:
    """How much more units differ than by chance alone.

    Parameters
    ----------
    part : Series
        The units.
    center : float
        The share or rate of all.
    options : mapping
        ``overdispersion, winsorize, distribution``.

    Returns
    -------
    float
        ``multiplicative``: the factor on standard deviations, the root of the mean squared score, at least 1; ``additive``: the standard
        deviation between units (DerSimonian & Laird), at least 0; without a model 1. Scores are first drawn in to their 10 % and 90 %
        points (``winsorize``), so that a few odd units do not widen the limits that are to find them.

    Raises
    ------
    OptionError
        If there are fewer than two units.

    References
    ----------
    Spiegelhalter (2005), Quality and Safety in Health Care 14(5), 347-351: handling over-dispersion of performance indicators.

    Examples
    --------
    >>> from ccstats.spc.options import settle
    >>> from ccstats.spc.series import Kind, read_series
    >>> part = read_series("funnel", Kind(counts="divides"), [40, 60, 45, 65], [100] * 4, None, None, None)
    >>> round(overdispersion(part, 0.525, settle("funnel", {"overdispersion": "multiplicative"})), 3)
    1.885
    """
    kind = options["overdispersion"]
    if not part.used.any():
        raise too_few("funnel", part, "at least 1 unit with a count above 0", "Give more units")
    variance = _variance(center, part.count[part.used], options["distribution"] == "binomial")
    if not (variance > 0).all():
        raise no_spread("funnel", part, "By chance alone they cannot differ; give center=")
    if kind is None:
        return 1.0
    score = (part.x[part.used] - center) / np.sqrt(variance)
    if len(score) < 2:
        raise too_few("funnel", part, "at least 2 units to see how much they differ", "Give more units, or overdispersion=None")
    low, high = np.quantile(score, [options["winsorize"], 1 - options["winsorize"]])
    square = np.clip(score, low, high) ** 2
    if kind == "multiplicative":
        return max(1.0, float(np.sqrt(square.mean())))
    weight = 1 / variance
    between = (square.sum() - (len(score) - 1)) / (weight.sum() - (weight**2).sum() / weight.sum())
    return float(np.sqrt(max(0.0, between)))


def draw_funnel(series: Series, center: Floats, sigma: Floats, options: Options) -> Drawn:
    """Units with their limits at both coverages.

    Notes
    -----
    Over-dispersion stretches the distance of each limit from the centre by the factor on its standard deviation, so that limits stay
    skewed as the law is, and without over-dispersion stay exact.

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.spc.options import settle
    >>> from ccstats.spc.series import Kind, read_series
    >>> series = read_series("funnel", Kind(counts="divides"), [8, 9], [10, 10], None, None, None)
    >>> draw_funnel(series, np.full(2, 0.85), np.ones(2), settle("funnel", {})).lower.round(3).tolist()
    [0.326, 0.326]
    """
    shares = options["distribution"] == "binomial"
    middle, size = float(center[0]), series.count
    variance = _variance(middle, size, shares)
    stretch = np.sqrt(1 + sigma**2 / variance) if options["overdispersion"] == "additive" else sigma
    top = 1.0 if shares else np.inf
    both = []
    for coverage in (options["coverage"], options["warning_coverage"]):
        limits = funnel_limits(middle, size, distribution=options["distribution"], coverage=coverage, method=options["method"])
        both += [middle + stretch * (each - middle) for each in limits]
    lower, upper, warning_lower, warning_upper = both
    if options["clip"] is True:
        warning_lower, warning_upper = np.clip(warning_lower, 0.0, top), np.clip(warning_upper, 0.0, top)
    details = {"warning_lower": warning_lower, "warning_upper": warning_upper, "stretch": stretch}
    return Drawn(series.x, center, stretch * np.sqrt(variance), lower, upper, floor=0.0, ceiling=top, details=details)


def _variance(center: float, size: Floats, shares: bool) -> Floats:
    return center * (1 - center if shares else 1) / size


def _interpolated(chance: float, center: float, size: Floats, shares: bool) -> Floats:
    """The quantile of the ratio, interpolated so that it moves smoothly with size.

    With r the first whole number whose cumulative chance F(r) reaches ``chance``, it is r - (F(r) - chance) / (F(r) - F(r - 1)).
    """
    trials = np.where(np.isnan(size), 1.0, np.round(size) if shares else size)

    def up_to(r: Floats) -> Floats:
        if shares:
            within = np.where(r < trials, special.betainc(np.maximum(trials - r, 1e-9), np.maximum(r, 0) + 1, 1 - center), 1.0)
        else:
            within = special.pdtr(np.maximum(r, 0), center * trials)
        return np.where(r < 0, 0.0, within)

    mean = center * trials
    # Bisection over whole numbers: F(low) < chance <= F(high).
    low, high = np.full(len(trials), -1.0), np.ceil(mean + 20 * np.sqrt(mean) + 60)
    high = np.minimum(high, trials) if shares else high
    while (high - low > 1).any():
        half = np.floor((low + high) / 2)  # low itself where the two are neighbours: nothing changes
        reached = up_to(half) >= chance
        low, high = np.where(reached, low, half), np.where(reached, half, high)
    at, before = up_to(high), up_to(high - 1)
    out = (high - (at - chance) / (at - before)) / trials
    return np.where(np.isnan(size), np.nan, out)
