"""How long a scheme runs until it signals, how likely a false alarm is, and which change it would see.

Points are independent normal, or counts, or normal with dependent neighbours; centre and sigma are known unless said otherwise. The engines
lie beside: `schemes` (what each chart takes, and its engine), `zone_chain` and `automaton` (rules), `accumulating` (EWMA, CUSUM),
`same_points` (limits from the very points that they judge), `signal_time` (the law, from what the engines yield).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, special

from ccstats.errors import OptionError
from ccstats.spc.rules import Rule, rules_of
from ccstats.spc.same_points import runs_signal_share, simulated_signal_share
from ccstats.spc.schemes import checked, largest_shift, law_of, normal_machine, parameters_of, whole
from ccstats.spc.signal_time import RunLength

__all__ = ["RunLength", "SignalProbability", "detectable_shift", "run_length", "signal_probability"]

_WHOLE_SERIES = ("longest_run", "crossings")
#: How `detectable_shift` looks for a shift: in strides, up to here. [sigma]
_STRIDE, _MOST_SHIFT = 0.25, 15.0


@dataclass(frozen=True)
class SignalProbability:
    """Chance of at least one signal. ``float()`` of it is ``probability``.

    Attributes
    ----------
    probability : float
        The chance.
    standard_error : float
        Of a simulated chance; 0 for an exact one.
    exact : bool
        Whether it is exact.
    method : str
        How it was found.

    Examples
    --------
    >>> import ccstats as cc
    >>> round(float(cc.spc.signal_probability(24)), 4)
    0.0628
    """

    probability: float
    standard_error: float
    exact: bool
    method: str

    def __float__(self) -> float:
        return self.probability


def run_length(chart: str = "xmr", **parameters: Any) -> RunLength:
    """How many points a scheme runs until its first signal.

    Parameters
    ----------
    chart : str
        ``xmr``, ``cusum``, ``ewma``, ``c``, ``u``, ``np`` or ``p``.
    shift : float
        Mean of all points, from the first, above the centre: what has changed. [sigma of a point]
    rules : str, Rule, or several of them
        For ``xmr`` and counts, as `apply_rules` takes them; None, the default: the limits alone.
    width : float
        Distance of the limits: for ``xmr`` and counts in sigma of a point (3), for ``ewma`` in sigma of the statistic (needed).
    autocorrelation : float
        For ``xmr``: between neighbours, from -0.99 to 0.99 (0). Sigma then is what mean moving ranges say, ``sqrt(1 - autocorrelation)``
        times the standard deviation of a point; ``shift`` stays in standard deviations of a point.
    k, h : float
        For ``cusum``: reference value and decision interval (both needed). [sigma]
    head_start : float
        For ``cusum``: where the statistics begin, 0 to ``h`` (0). [sigma]
    weight : float
        For ``ewma``: share of the newest point, above 0, at most 1 (needed).
    limits : str
        For ``ewma``: ``asymptotic`` (default) or ``exact``, which are narrower for the first points.
    sides : int
        For ``cusum`` and ``ewma``: 2 (default), or 1 for the upper side only.
    method : str
        For ``cusum``: ``exact`` (default) or ``siegmund``, an approximation of the mean.
    mean : float
        For counts, the centre line: events a point (``c``, ``np``), events a unit (``u``), a share (``p``).
    counts : float
        For ``u``, ``np`` and ``p``: units, or contacts, of each point.

    Returns
    -------
    RunLength
        ``float()`` of it is the average run length. It is ``inf`` where no point can signal. All figures are exact but Siegmund's.

    Raises
    ------
    OptionError
        If the chart is not known, takes no such parameter, or a parameter is outside its range; if rules have no run length (Anhøj's judge
        a whole series) or compare neighbouring counts, which may be equal.

    See Also
    --------
    signal_probability : the chance of a false alarm in so many points, also with estimated limits.
    detectable_shift : the other way round.

    Notes
    -----
    Rules become a Markov chain of as few states as possible (Champ & Woodall 1987); rules that compare neighbours, and dependent points,
    carry the density of the last point along, on Gauss-Legendre nodes. EWMA and CUSUM are integral equations on such nodes (Crowder 1987,
    Lucas & Saccucci 1990, Lucas & Crosier 1982). A point on a limit is no signal. ``count`` of ``window`` points signal as soon as there
    are ``count``, at the start too (`apply_rules` waits for the first full window).

    References
    ----------
    Champ & Woodall (1987), Technometrics 29(4), table 1. Lucas & Crosier (1982), Technometrics 24(3). Lucas & Saccucci (1990),
    Technometrics 32(1). Siegmund (1985), Sequential Analysis.

    Examples
    --------
    The four Western Electric rules find a shift of one sigma five times sooner than the limits alone, for four times the false alarms:

    >>> import ccstats as cc
    >>> for shift in (0, 1):
    ...     alone, four = (cc.spc.run_length("xmr", rules=each, shift=shift) for each in (None, "western_electric"))
    ...     print(shift, round(float(alone), 1), round(float(four), 2))
    0 370.4 91.75
    1 43.9 9.22
    >>> round(float(cc.spc.run_length("cusum", k=0.5, h=4, head_start=2, shift=1)), 2)
    5.29
    """
    return law_of(chart, parameters)


def signal_probability(
    points: int,
    chart: str = "xmr",
    *,
    estimated: bool = False,
    charts: int = 1,
    replications: int = 100_000,
    seed: int | np.random.Generator = 0,
    **parameters: Any,
) -> SignalProbability:
    """Chance of at least one signal within so many points: of a false alarm, when nothing has shifted.

    Parameters
    ----------
    points : int
        How many points are judged. [points]
    chart : str
        As for `run_length`.
    estimated : bool
        Centre and limits come from the same points (``xmr`` only) instead of being known. For Anhøj's rules: the centre is their median.
    charts : int
        How many such charts, independent of each other: the chance that at least one of them signals.
    replications, seed
        For what has to be simulated: how many charts, and where the randomness comes from.
    **parameters
        As for `run_length`; ``rules`` may be Anhøj's here.

    Returns
    -------
    SignalProbability
        Exact for known limits and for Anhøj's rules, else simulated, with its standard error. 0 for no points.

    Raises
    ------
    OptionError
        As for `run_length`; if limits are to be estimated for another chart or for shifted points (they shift along); if Anhøj's rules are
        mixed with others.

    Notes
    -----
    Limits from the same points give fewer signals than known ones, as each odd point widens its own limits.

    Examples
    --------
    Two years of months on one chart with Nelson's eight rules, and ten such charts, known limits:

    >>> import ccstats as cc
    >>> round(float(cc.spc.signal_probability(24, rules="nelson")), 2)
    0.24
    >>> round(float(cc.spc.signal_probability(24, rules="nelson", charts=10)), 2)
    0.94
    """
    count = int(whole(points, "points", 0))
    several = int(whole(charts, "charts", 1))
    rules = rules_of(parameters.get("rules")) if "rules" in parameters_of(chart) else ()
    error, exact = 0.0, True
    if any(rule.kind in _WHOLE_SERIES for rule in rules):
        chance = _runs_chance(count, chart, rules, estimated, parameters)
        method = "exact count of runs and crossings"
    elif estimated:
        draws = int(whole(replications, "replications", 1))
        chance, exact = _estimated_chance(count, chart, parameters, draws, seed), False
        error = math.sqrt(chance * (1 - chance) / draws)
        method = f"{draws} simulated charts, limits from their own points"
    else:
        law = run_length(chart, **parameters)
        chance, method = law.probability(count), law.method
    some = -math.expm1(several * math.log1p(-chance)) if chance < 1 else 1.0
    return SignalProbability(some, several * (1 - chance) ** (several - 1) * error, exact, method)


def detectable_shift(
    chart: str = "xmr",
    *,
    points: int | None = None,
    probability: float = 0.9,
    mean_run_length: float | None = None,
    direction: str = "up",
    **parameters: Any,
) -> float:
    """The smallest shift that a scheme finds soon enough.

    Parameters
    ----------
    chart : str
        As for `run_length`.
    points : int
        Within how many points it is to be found. [points]
    probability : float
        With what chance it is to be found within ``points``.
    mean_run_length : float
        Instead of ``points``: after how many points on average at most. [points]
    direction : str
        ``up`` or ``down``; the same for charts with equal sides.
    **parameters
        As for `run_length`, without ``shift``.

    Returns
    -------
    float
        Its size; 0 where false alarms alone are as frequent, ``inf`` where no shift is found so soon (counts cannot fall below 0, nor
        shares leave 0 to 1). [sigma of a point]

    Raises
    ------
    OptionError
        As for `run_length`; if neither or both of ``points`` and ``mean_run_length`` are given, or a parameter is outside its range.

    Examples
    --------
    What a chart of daily figures finds within a week, nine times out of ten, with three-sigma limits and as an EWMA:

    >>> import ccstats as cc
    >>> round(cc.spc.detectable_shift("xmr", points=7), 2)
    2.42
    >>> round(cc.spc.detectable_shift("ewma", weight=0.2, width=2.962, points=7), 2)
    1.63
    """
    if "shift" in parameters:
        raise OptionError("detectable_shift looks for shift=; leave it out")
    if (points is None) == (mean_run_length is None):
        raise OptionError("give points= (with probability=) or mean_run_length=, one of the two")
    if points is not None:
        whole(points, "points", 1)
    if not isinstance(probability, float) or not 0 < probability < 1:
        raise OptionError(f"probability={probability!r} must lie between 0 and 1, both excluded")
    if mean_run_length is not None and not (isinstance(mean_run_length, int | float | np.integer) and mean_run_length > 1):
        raise OptionError(f"mean_run_length={mean_run_length!r} must be above 1: the signalling point is counted")
    if direction not in ("up", "down"):
        raise OptionError(f"direction={direction!r} is not known; choose 'up' or 'down'")
    sign = 1 if direction == "up" else -1

    def lead(size: float) -> float:
        """Positive where a shift of this size is found soon enough."""
        law = run_length(chart, shift=sign * size, **parameters)
        return 1 / law.mean - 1 / mean_run_length if mean_run_length else float(law.probability(points or 0)) - probability

    if lead(0.0) >= 0:
        return 0.0
    largest, low = largest_shift(chart, sign, parameters), 0.0
    while low < min(largest, _MOST_SHIFT):
        high = min(low + _STRIDE, largest)
        if lead(high) >= 0:
            return float(optimize.brentq(lead, low, high, xtol=1e-10))
        low = high
    return math.inf


def _runs_chance(points: int, chart: str, rules: Sequence[Rule], estimated: bool, parameters: dict[str, Any]) -> float:
    if chart != "xmr" or any(rule.kind not in _WHOLE_SERIES for rule in rules):
        raise OptionError(
            "Anhøj's rules judge a whole series: they go neither with other rules nor with counts; ask for them alone, for 'xmr'"
        )
    given = checked(chart, parameters)
    if given.get("autocorrelation"):
        raise OptionError(f"autocorrelation={given['autocorrelation']!r}: the runs of dependent points cannot be counted; leave it out")
    return runs_signal_share(points, rules, above=None if estimated else float(special.ndtr(given.get("shift", 0.0))))


def _estimated_chance(points: int, chart: str, parameters: dict[str, Any], replications: int, seed: int | np.random.Generator) -> float:
    if chart != "xmr":
        raise OptionError(f"estimated=True is for chart 'xmr', not {chart!r}; leave it out for known limits")
    given = checked(chart, parameters)
    if given.get("shift"):
        raise OptionError(f"shift={given['shift']!r}: limits from the same points shift along; leave shift= or estimated= out")
    run_length(chart, **parameters)  # says what is wrong with them
    if points < 2:
        return 0.0
    machine, cuts = normal_machine(given.get("rules", rules_of(None)), given.get("width", 3.0))
    correlation = given.get("autocorrelation", 0.0)
    return simulated_signal_share(points, machine, cuts, autocorrelation=correlation, replications=replications, seed=seed)
