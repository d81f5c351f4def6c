"""Limits of control charts: one function for all of them, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError
from ccstats.spc.attributes import between_sigma, draw_law, law_sigma, pooled_ratio
from ccstats.spc.baselines import Baseline, check_center
from ccstats.spc.drawn import Companion, Drawn
from ccstats.spc.funnel import draw_funnel, overdispersion
from ccstats.spc.individuals import draw_i_prime, draw_t, draw_xbar, draw_xmr, middle, pooled_sigma, range_sigma, transformed, weighted_mean
from ccstats.spc.memory import draw_cusum, draw_ewma, draw_ma
from ccstats.spc.options import check_chart, settle
from ccstats.spc.series import Kind, Series, read_series

__all__ = ["Limits", "limits"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Limits:
    """A chart: each point, and how far it may lie from the centre.

    Attributes
    ----------
    chart : str
        Which one.
    statistic : numpy.ndarray of float
        What the limits are for: the value, a ratio, a mean of a subgroup, an average or a sum; missing where the point is.
    center, lower, upper : numpy.ndarray of float
        One for each point; NaN where there is no such limit, or a point has no denominator.
    sigma : numpy.ndarray of float
        Standard deviation of the statistic; of a t chart on its transformed scale.
    z : numpy.ndarray of float
        Distance from the centre. [sigma]
    phase : numpy.ndarray of int
        0, 1, … in order.
    used : numpy.ndarray of bool
        Whether the point may count for limits: known and not excluded.
    baseline : Baseline
        What the limits are made of, to be saved and applied to later points.
    companion : Companion or None
        Moving ranges (``xmr``) or standard deviations (``xbar_s``).
    details : mapping of str to numpy.ndarray
        ``p_prime, u_prime``: ``sigma_z``. ``i_prime``: ``sigma_unit``. ``t``: ``transformed, transformed_center``. ``xbar_s``: ``size``.
        ``cusum``: ``target, c_plus, n_plus, c_minus, n_minus, new_mean``. ``funnel``: ``warning_lower, warning_upper, stretch``.
    labels : numpy.ndarray or None
        Names of subgroups, in order of first appearance.
    power : float
        Of the scale on which ``z`` is a distance; 1 but for a t chart.

    Examples
    --------
    >>> import ccstats as cc
    >>> chart = cc.spc.limits("c", [21, 24, 16, 12, 15, 28, 20, 31, 25, 39])
    >>> chart
    Limits(chart='c', points=10, phases=1, signals=1)
    >>> chart.signals.nonzero()[0].tolist()
    [9]
    """

    chart: str
    statistic: Floats
    center: Floats
    lower: Floats
    upper: Floats
    sigma: Floats
    z: Floats
    phase: NDArray[np.int64]
    used: NDArray[np.bool_]
    baseline: Baseline
    companion: Companion | None
    details: Mapping[str, NDArray[Any]]
    labels: NDArray[Any] | None
    power: float

    @property
    def signals(self) -> NDArray[np.bool_]:
        """Points strictly beyond the limits; a missing point is none.

        Examples
        --------
        >>> import ccstats as cc
        >>> cc.spc.limits("xmr", [7, 4, 5], center=4, sigma=1).signals.tolist()
        [False, False, False]
        """
        return (self.statistic > self.upper) | (self.statistic < self.lower)

    def score(self, statistic: ArrayLike) -> Floats:
        """How far figures lie from the centre.

        Parameters
        ----------
        statistic : array of float
            One for each point of the chart.

        Returns
        -------
        numpy.ndarray
            [sigma]

        Examples
        --------
        >>> import ccstats as cc
        >>> cc.spc.limits("xmr", [7, 4, 5], center=4, sigma=2).score([6, 4, 2]).tolist()
        [1.0, 0.0, -1.0]
        """
        figures = np.asarray(statistic, dtype=np.float64)
        center = self.center
        if self.power != 1:
            figures, center = figures**self.power, center**self.power
        out: Floats = (figures - center) / self.sigma
        return out

    def __repr__(self) -> str:
        phases = int(self.phase[-1]) + 1
        return f"Limits(chart={self.chart!r}, points={len(self.statistic)}, phases={phases}, signals={int(self.signals.sum())})"


@dataclass(frozen=True)
class _Chart:
    """What a chart takes, how it learns its centre and sigma from a phase, and how it is drawn."""

    kind: Kind
    center: Callable[[str, Series, Mapping[str, Any]], float]
    sigma: Callable[[str, Series, float, Mapping[str, Any]], float]
    draw: Callable[[Series, Floats, Floats, Mapping[str, Any]], Drawn]


_PLAIN = Kind()
_COUNTED = Kind(groups="added", signed=False)
_SHARE = Kind(counts="divides", groups="added", share=True, signed=False)
_RATE = Kind(counts="divides", groups="added", signed=False)

_CHARTS: dict[str, _Chart] = {
    "xmr": _Chart(_PLAIN, middle, range_sigma, draw_xmr),
    "i_prime": _Chart(Kind(counts="weighs"), weighted_mean, range_sigma, draw_i_prime),
    "p": _Chart(_SHARE, pooled_ratio, law_sigma, partial(draw_law, "p")),
    "p_prime": _Chart(_SHARE, pooled_ratio, between_sigma, partial(draw_law, "p_prime")),
    "u": _Chart(_RATE, pooled_ratio, law_sigma, partial(draw_law, "u")),
    "u_prime": _Chart(_RATE, pooled_ratio, between_sigma, partial(draw_law, "u_prime")),
    "c": _Chart(_COUNTED, pooled_ratio, law_sigma, partial(draw_law, "c")),
    "np": _Chart(_SHARE, pooled_ratio, law_sigma, partial(draw_law, "np")),
    "xbar_s": _Chart(Kind(groups="averaged"), weighted_mean, pooled_sigma, draw_xbar),
    "t": _Chart(Kind(signed=False), middle, range_sigma, draw_t),
    "g": _Chart(Kind(signed=False), pooled_ratio, law_sigma, partial(draw_law, "g")),
    "ewma": _Chart(_PLAIN, middle, range_sigma, draw_ewma),
    "cusum": _Chart(_PLAIN, middle, range_sigma, draw_cusum),
    "ma": _Chart(_PLAIN, middle, range_sigma, draw_ma),
    "funnel": _Chart(_RATE, pooled_ratio, lambda chart, part, center, options: overdispersion(part, center, options), draw_funnel),
}


def limits(
    chart: str,
    values: ArrayLike,
    counts: ArrayLike | None = None,
    *,
    subgroups: ArrayLike | None = None,
    phases: Any = None,
    exclude: Any = None,
    baseline: Baseline | None = None,
    **parameters: Any,
) -> Limits:
    """The limits of a control chart.

    Parameters
    ----------
    chart : str
        ``xmr`` single values with moving ranges · ``i_prime`` means of unequal counts (Taylor) · ``p, np`` shares and ``u`` rates by the
        binomial and Poisson laws · ``p_prime, u_prime`` the same, widened to how points really vary (Laney) · ``c`` counts · ``xbar_s``
        subgroup means with standard deviations · ``t`` times between rare events · ``g`` contacts between them · ``ewma, cusum, ma``
        for small shifts that last · ``funnel`` agents or queues side by side.
    values : array of float
        In order of time; missing ones NaN. Numerators for ``p, p_prime, np, u, u_prime, funnel``, means for ``i_prime``, single
        observations for ``xbar_s`` (or a row for each subgroup), else what is charted.
    counts : array of float or float, optional
        Denominators of numerators; of ``i_prime`` what each value is a mean of; of ``funnel`` contacts or expected events. A point
        with a count of 0 is missing. [contacts]
    subgroups : array, optional
        A label for each value: observations of ``xbar_s`` are averaged by it, those of ``p, p_prime, np, u, u_prime, c, funnel`` added.
    phases : array, optional
        A label for each point, or the positions where phases begin: each phase has limits of its own, and no moving range, run or sum
        goes across.
    exclude : array, optional
        Flags or positions of points that do not count for the limits; they are judged all the same.
    baseline : Baseline, optional
        Frozen limits to judge these points by. With as many ``phases`` as it has, each its own; without, its last.
    **parameters
        ``center, sigma`` : known values (``sigma`` where it is estimated; of ``p_prime, u_prime`` that of scores, of ``t`` both on the
        transformed scale); ``center="median"`` for ``xmr, t, ewma, cusum, ma``.
        ``width`` : distance of the limits from the centre. [sigma] 3, of ``ewma`` 2.7.
        ``clip`` : cut limits to what the metric can be (True), to ``(low, high)``, or not (False).
        ``ranges="mean"`` or ``"median"``, ``screen`` (take out large moving ranges once, Nelson 1982), ``bridge_gaps``, ``d2``, ``d4``
        (such as the 1.128 and 3.267 of printed tables) : wherever sigma comes from moving ranges.
        ``power=3.6`` of ``t``; ``least=0`` of ``g``; ``weight=0.1``, ``limits="exact"`` or ``"asymptotic"`` of ``ewma``;
        ``k=0.5``, ``h=5``, ``head_start=0``, ``sides=2`` of ``cusum`` [sigma]; ``window=5`` of ``ma``;
        ``distribution="binomial"``, ``method="exact"``, ``coverage=0.998``, ``warning_coverage=0.95``, ``overdispersion=None``,
        ``winsorize=0.1`` of ``funnel``.

    Returns
    -------
    Limits
        A limit that the metric cannot pass lies at its bound and is never broken. Given ``center`` and ``sigma`` or a baseline, any
        number of points will do, even none that is known.

    Raises
    ------
    OptionError
        If the chart or a parameter is unknown, there are too few points or all are equal where a spread is to be estimated, counts are
        lacking, or numbers are not possible.

    See Also
    --------
    ccstats.spc.apply_rules : Runs, trends and zones beside the limits.
    ccstats.spc.run_length : How often a chart cries wolf, and how fast it sees a shift.

    Notes
    -----
    A missing point is a gap: no moving range is taken across it, unless ``bridge_gaps=True``. Excluded points are gaps when sigma is
    estimated. Peers differ here; on a series with one gap that moves a limit by some hundredths of a sigma.
    The 2.7 and 0.1 of ``ewma`` give as few false alarms as 3 sigma does for single points, one in 369.

    References
    ----------
    Montgomery, Introduction to Statistical Quality Control. Laney (2002), Quality Engineering 14(4). Taylor (2017), Normalized individuals
    control chart, variation.com. Nelson (1994), Journal of Quality Technology 26(3), for ``t``. Benneyan (2001), Health Care Management
    Science 4, for ``g``. Spiegelhalter (2005), Statistics in Medicine 24(8), for ``funnel``.

    Examples
    --------
    Answered within 20 seconds, of those offered, on eight days:

    >>> import ccstats as cc
    >>> within, offered = [81, 160, 79, 83, 155, 80, 84, 41], [100, 200, 100, 100, 200, 100, 100, 100]
    >>> chart = cc.spc.limits("p_prime", within, offered, exclude=[7])
    >>> float(chart.center[0].round(3)), chart.lower.round(2).tolist()[:2], chart.signals.nonzero()[0].tolist()
    (0.802, [0.71, 0.74], [7])
    """
    name = check_chart(chart)
    row = _CHARTS[name]
    known = _known(name, baseline, parameters)
    options = settle(name, parameters, None if baseline is None else baseline.parameters)
    if name == "funnel":
        if phases is not None:
            raise OptionError("a funnel has no order in time, so no phases=; call limits for each period")
        row = _Chart(_SHARE, row.center, row.sigma, row.draw) if options["distribution"] == "binomial" else row
    if name == "cusum" and options["head_start"] >= options["h"]:
        raise OptionError(f"head_start={options['head_start']:g} is a signal before the first point; give less than h={options['h']:g}")
    series = read_series(name, row.kind, values, counts, subgroups, phases, exclude)
    if known is None:
        learned = _learn(name, row, series, options)
        which = series.phase
    else:
        learned = known
        which = _phase_of(known, series, phases is not None)
    center, sigma = np.array(learned.center)[which], np.array(learned.sigma)[which]
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = row.draw(series, center, sigma, options)
        lower, upper = _clipped(drawn, options.get("clip", False))
    out = Limits(
        chart=name,
        statistic=drawn.statistic,
        center=drawn.center,
        lower=lower,
        upper=upper,
        sigma=drawn.sigma,
        z=np.empty(0),
        phase=series.phase,
        used=series.used,
        baseline=learned,
        companion=drawn.companion,
        details=drawn.details,
        labels=series.labels,
        power=drawn.power,
    )
    object.__setattr__(out, "z", out.score(out.statistic))
    return out


def _known(chart: str, baseline: Baseline | None, parameters: Mapping[str, Any]) -> Baseline | None:
    if baseline is None:
        return None
    if not isinstance(baseline, Baseline):
        raise OptionError(f"baseline= must be a Baseline, not {type(baseline).__name__}; read one with Baseline.load")
    if baseline.chart != chart:
        raise OptionError(f"this baseline is of chart {baseline.chart!r}, not {chart!r}; freeze one from limits({chart!r}, …).baseline")
    given = [each for each in ("center", "sigma") if parameters.get(each) is not None]
    if given:
        raise OptionError(f"{' and '.join(given)}= and baseline= both say what is known; give one of them")
    return baseline


def _learn(chart: str, row: _Chart, series: Series, options: Mapping[str, Any]) -> Baseline:
    """Centre and sigma of each phase, as given or estimated from it."""
    centers, sigmas, points = [], [], []
    given_center, given_sigma = options["center"], options.get("sigma")
    scaled = transformed(series, options["power"]) if chart == "t" else series
    for part in scaled.parts():
        center = row.center(chart, part, options) if given_center is None or isinstance(given_center, str) else given_center
        if center == given_center:
            check_center(chart, center, options)
        centers.append(center)
        sigmas.append(row.sigma(chart, part, center, options) if given_sigma is None else given_sigma)
        both = given_sigma is not None and center == given_center
        points.append(0 if both else int(part.used.sum()))
    rest = {name: value for name, value in options.items() if name not in ("center", "sigma")}
    return Baseline(chart, tuple(centers), tuple(sigmas), tuple(points), rest)


def _phase_of(baseline: Baseline, series: Series, phased: bool) -> NDArray[np.int64]:
    """Which phase of the baseline each point is judged by."""
    have, found = len(baseline.center), int(series.phase[-1]) + 1
    if not phased or have == 1:
        return np.full(len(series.x), have - 1, dtype=np.int64)
    if have != found:
        raise OptionError(f"these points have {found} phases, the baseline has {have}; give as many, or no phases= to use its last")
    return series.phase


def _clipped(drawn: Drawn, clip: Any) -> tuple[Floats, Floats]:
    if clip is False:
        return drawn.lower, drawn.upper
    low, high = (drawn.floor, drawn.ceiling) if clip is True else clip
    low, high = -np.inf if low is None else low, np.inf if high is None else high
    return np.clip(drawn.lower, low, high), np.clip(drawn.upper, low, high)
