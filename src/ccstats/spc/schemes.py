"""The law of the run length of each chart: what a chart may be told, and which engine knows it."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ccstats.errors import OptionError, did_you_mean
from ccstats.spc.accumulating import cusum_signals, ewma_signals, siegmund_mean
from ccstats.spc.automaton import Automaton, cell_cuts, rule_automaton
from ccstats.spc.rules import Rule, rules_of
from ccstats.spc.signal_time import RunLength, follow
from ccstats.spc.zone_chain import Autoregressive, Independent, zone_signals

__all__ = ["checked", "largest_shift", "law_of", "normal_machine", "parameters_of", "whole"]

Floats = NDArray[np.float64]

_SHEWHART = rules_of(None)
_NEIGHBOURS = ("trend", "alternate")


# Each of these is one chart; its parameters are those that `run_length` takes for it.


@lru_cache(maxsize=1024)
def _xmr(*, rules: tuple[Rule, ...] = _SHEWHART, width: float = 3.0, shift: float = 0.0, autocorrelation: float = 0.0) -> RunLength:
    _between(width, "width", 0, math.inf)
    _between(autocorrelation, "autocorrelation", -0.99, 0.99, included=True)
    machine, cuts = normal_machine(rules, width)
    if autocorrelation:
        scaled = cuts * math.sqrt(1 - autocorrelation) - shift
        law: Any = Autoregressive(np.concatenate([[-np.inf], scaled, [np.inf]]), autocorrelation)
        method = "integral equation of the last point"
    else:
        law = Independent(_normal_chances(cuts - shift))
        method = "Markov chain of the rules" + (" and integral equation of the last point" if machine.steps else "")
    return follow(zone_signals(machine, law), method=method, at_least=max(64, 4 * machine.memory))


@lru_cache(maxsize=1024)
def _cusum(*, k: float, h: float, head_start: float = 0.0, sides: float = 2, shift: float = 0.0, method: str = "exact") -> RunLength:
    two = _sides(sides)
    _between(h, "h", 0, 100)
    _between(head_start, "head_start", 0, h, included=True)
    if k < 0 or (k == 0 and two == 2):
        raise OptionError(f"k={k!r} must be above 0, or with sides=1 at least 0: it is what the sums lose at each point")
    if method == "siegmund":
        if head_start:
            raise OptionError(f"head_start={head_start!r}: Siegmund's approximation begins at 0; leave method= out")
        mean = siegmund_mean(k=k, h=h, sides=two, shift=shift)
        return RunLength(mean, math.nan, False, "Siegmund's approximation", np.empty(0), math.nan)
    if method != "exact":
        raise OptionError(f"method={method!r} is not known; choose 'exact' or 'siegmund'")
    return follow(cusum_signals(k=k, h=h, head_start=head_start, sides=two, shift=shift), method="integral equation")


@lru_cache(maxsize=1024)
def _ewma(*, weight: float, width: float, limits: str = "asymptotic", sides: float = 2, shift: float = 0.0) -> RunLength:
    if not 0.001 <= weight <= 1:
        raise OptionError(f"weight={weight!r} must lie between 0.001 and 1, the share of the newest point")
    _between(width, "width", 0, math.inf)
    if limits not in ("asymptotic", "exact"):
        raise OptionError(f"limits={limits!r} is not known; choose 'asymptotic' or 'exact'")
    signals = ewma_signals(weight=weight, width=width, exact_limits=limits == "exact", sides=_sides(sides), shift=shift)
    # an average that remembers long takes long to settle, and begins where it cannot signal yet
    return follow(signals, method="integral equation", at_least=max(64, math.ceil(10 / weight)))


@lru_cache(maxsize=1024)
def _c(*, mean: float, rules: tuple[Rule, ...] = _SHEWHART, width: float = 3.0, shift: float = 0.0) -> RunLength:
    _between(mean, "mean", 0, math.inf)
    return _count_law(mean, math.sqrt(mean), math.inf, rules, width, shift)


@lru_cache(maxsize=1024)
def _u(*, mean: float, counts: float, rules: tuple[Rule, ...] = _SHEWHART, width: float = 3.0, shift: float = 0.0) -> RunLength:
    _between(mean, "mean", 0, math.inf)
    _between(counts, "counts", 0, math.inf)
    return _c(mean=mean * counts, rules=rules, width=width, shift=shift)


@lru_cache(maxsize=1024)
def _p(*, mean: float, counts: float, rules: tuple[Rule, ...] = _SHEWHART, width: float = 3.0, shift: float = 0.0) -> RunLength:
    _between(mean, "mean", 0, 1)
    trials = whole(counts, "counts", 1)
    return _count_law(mean * trials, math.sqrt(mean * (1 - mean) * trials), trials, rules, width, shift)


@lru_cache(maxsize=1024)
def _np(*, mean: float, counts: float, rules: tuple[Rule, ...] = _SHEWHART, width: float = 3.0, shift: float = 0.0) -> RunLength:
    trials = whole(counts, "counts", 1)
    _between(mean, "mean", 0, trials)
    return _p(mean=mean / trials, counts=counts, rules=rules, width=width, shift=shift)


_LAWS: dict[str, Callable[..., RunLength]] = {"xmr": _xmr, "cusum": _cusum, "ewma": _ewma, "c": _c, "u": _u, "np": _np, "p": _p}


def law_of(chart: str, parameters: dict[str, Any]) -> RunLength:
    """The law of the run length of a chart with these parameters.

    Examples
    --------
    >>> round(float(law_of("xmr", {"shift": 3})), 6)
    2.0
    """
    return _law(chart)(**checked(chart, parameters))


def parameters_of(chart: str) -> tuple[str, ...]:
    """What a chart may be told.

    Examples
    --------
    >>> parameters_of("c")
    ('mean', 'rules', 'width', 'shift')
    """
    return tuple(inspect.signature(_law(chart)).parameters)


def checked(chart: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a chart: numbers as floats, rules as a tuple; what does not belong to it raises.

    Examples
    --------
    >>> checked("ewma", {"weight": 1, "width": 3})
    {'weight': 1.0, 'width': 3.0}
    """
    accepted = inspect.signature(_law(chart)).parameters
    out: dict[str, Any] = {}
    for name, value in parameters.items():
        if name not in accepted:
            hint = did_you_mean(name, accepted)
            raise OptionError(f"chart {chart!r} takes no {name}=; it takes: {', '.join(accepted)}.{hint}")
        if name == "rules":
            out[name] = rules_of(value)
        elif name in ("limits", "method"):
            out[name] = str(value)
        else:
            try:
                out[name] = float(value)
            except (TypeError, ValueError):
                out[name] = math.nan
            if not math.isfinite(out[name]):
                raise OptionError(f"{name}={value!r} must be a finite number")
    missing = [name for name, each in accepted.items() if each.default is each.empty and name not in out]
    if missing:
        raise OptionError(f"chart {chart!r} needs {', '.join(f'{name}=' for name in missing)}; without, it has no run length")
    return out


@lru_cache(maxsize=64)
def normal_machine(rules: tuple[Rule, ...], width: float) -> tuple[Automaton, Floats]:
    """The machine of the rules for points of any value, and where its cells are cut.

    Examples
    --------
    >>> normal_machine(rules_of("shewhart"), 3.0)[1].tolist()
    [-3.0, 3.0]
    """
    cuts = cell_cuts(rules, width)
    inside = np.concatenate([cuts[:1] - 1, (cuts[1:] + cuts[:-1]) / 2, cuts[-1:] + 1]) if len(cuts) else np.zeros(1)
    return rule_automaton(rules, inside, width), cuts


def largest_shift(chart: str, sign: int, parameters: dict[str, Any]) -> float:
    """How far the mean of a chart can shift up (1) or down (-1), in sigma of a point: counts and shares have ends.

    Examples
    --------
    >>> largest_shift("c", -1, {"mean": 4.0})
    2.0
    """
    if chart not in ("c", "u", "np", "p") or (sign > 0 and chart in ("c", "u")):
        return math.inf
    given = checked(chart, parameters)
    mean, counts = float(given["mean"]), float(given.get("counts", 1.0))
    if chart in ("c", "u"):
        return math.sqrt(mean * counts)
    share = mean / counts if chart == "np" else mean
    room = 1 - share if sign > 0 else share
    return room * math.sqrt(counts / (share * (1 - share))) * (1 - 1e-12)


def whole(value: float, name: str, least: int) -> float:
    """A number, if it is whole and large enough.

    Examples
    --------
    >>> whole(20, "counts", 1)
    20.0
    """
    number = isinstance(value, int | float | np.number) and math.isfinite(value)
    if not (number and value == math.floor(value) and value >= least):
        raise OptionError(f"{name}={value!r} must be one whole number, {least} or more")
    return float(value)


def _law(chart: str) -> Callable[..., RunLength]:
    if chart not in _LAWS:
        raise OptionError(f"chart={chart!r} has no run length here; choose one of: {', '.join(_LAWS)}.{did_you_mean(str(chart), _LAWS)}")
    return _LAWS[chart]


def _normal_chances(cuts: Floats) -> Floats:
    """Chance of a normal point in each cell, also far out."""
    low, high = np.concatenate([[-np.inf], cuts]), np.concatenate([cuts, [np.inf]])
    chances: Floats = np.where(low > 0, special.ndtr(-low) - special.ndtr(-high), special.ndtr(high) - special.ndtr(low))
    return chances


def _count_law(center: float, sd: float, most: float, rules: tuple[Rule, ...], width: float, shift: float) -> RunLength:
    """Law of a chart of counts: Poisson where ``most`` is infinite, else binomial with so many trials."""
    _between(width, "width", 0, math.inf)
    if any(rule.kind in _NEIGHBOURS for rule in rules):
        named = ", ".join(rule.name for rule in rules if rule.kind in _NEIGHBOURS)
        raise OptionError(f"rules= {named} compare neighbours, and counts may be equal; leave them out, or ask for chart 'xmr'")
    now = center + shift * sd
    if not 0 <= now <= most:
        raise OptionError(f"shift={shift!r} takes the mean from {center:g} to {now:g}; it must lie between 0 and {most:g} events a point")
    cuts = cell_cuts(rules, width)
    edges = {-1.0, most}  # a cell holds the counts above its lower edge, up to its upper edge
    for at in (center + cuts * sd).tolist():
        near = round(at)
        edges |= {near - 1.0, float(near)} if abs(at - near) <= 1e-9 * max(1.0, at) else {float(math.floor(at))}
    edge = np.array(sorted(each for each in edges if -1 <= each <= most))
    low, high = edge[:-1], edge[1:]
    inside = (np.where(np.isfinite(high), high, low + 1) - center) / sd
    for cut in cuts:  # a count on a limit is on it, whatever rounding says
        inside[np.abs(inside - cut) <= 1e-9 * max(1.0, center / sd)] = cut
    upper = low >= now
    chance = np.where(upper, _above(low, now, most) - _above(high, now, most), _up_to(high, now, most) - _up_to(low, now, most))
    machine = rule_automaton(rules, inside, width)
    law = Independent(np.maximum(chance, 0.0))
    return follow(zone_signals(machine, law), method="Markov chain of the rules", at_least=max(64, 4 * machine.memory))


def _up_to(count: Floats, mean: float, most: float) -> Floats:
    """Chance of at most so many events."""
    finite = np.clip(count, 0, 2.0**52)
    chance = special.pdtr(finite, mean) if math.isinf(most) else special.bdtr(finite, int(most), mean / most)
    return np.where(count < 0, 0.0, np.where(count >= most, 1.0, chance))


def _above(count: Floats, mean: float, most: float) -> Floats:
    """Chance of more than so many events."""
    finite = np.clip(count, 0, 2.0**52)
    chance = special.pdtrc(finite, mean) if math.isinf(most) else special.bdtrc(finite, int(most), mean / most)
    return np.where(count < 0, 1.0, np.where(count >= most, 0.0, chance))


def _between(value: float, name: str, low: float, high: float, *, included: bool = False) -> None:
    if not (low <= value <= high if included else low < value < high):
        which = "both included" if included else "both excluded"
        raise OptionError(f"{name}={value!r} must lie between {low:g} and {high:g}, {which}")


def _sides(sides: float) -> int:
    if sides not in (1, 2):
        raise OptionError(f"sides={sides!r} must be 1 (upper side only) or 2")
    return int(sides)
