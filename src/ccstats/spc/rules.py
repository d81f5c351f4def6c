"""Rules beside the limits, as data, and the points where they are broken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError, did_you_mean
from ccstats.spc.runs import figures

__all__ = ["RULE_SETS", "RULES", "Rule", "apply_rules", "rules_of"]

_Flags = NDArray[np.bool_]
_Ints = NDArray[np.int64]

_KINDS = ("beyond", "zone", "run", "trend", "alternate", "inside", "outside", "longest_run", "crossings")

#: Charts whose neighbouring points share data or have no order: a run on them means nothing.
_NO_RUNS = {
    "ewma": "neighbouring averages share their data",
    "cusum": "neighbouring sums share their data",
    "ma": "neighbouring averages share their data",
    "funnel": "agents or queues have no order in time",
}


@dataclass(frozen=True)
class Rule:
    """A pattern of points that is rare while nothing has changed.

    Attributes
    ----------
    name : str
        What it is called in results.
    kind : str
        ``beyond`` (outside the limits), ``zone`` (``count`` of ``window`` points on one side beyond ``zone``), ``run`` (``count`` points on
        one side of the centre), ``trend`` (``count`` points, each higher than the one before, or each lower), ``alternate`` (``count``
        points going up and down in turn), ``inside`` (``count`` points within ``zone``), ``outside`` (``count`` points beyond ``zone``, on
        both sides), ``longest_run`` and ``crossings`` (Anhøj: the whole phase is judged, by limits that know its length).
    count : int
        Points that the pattern needs. [points]
    window : int
        Among how many neighbouring points; 0 stands for ``count``. [points]
    zone : float
        Distance from the centre. [sigma]
    one_side : bool
        For ``zone``: the whole window lies on one side of the centre.
    description : str
        The rule in words.
    source : str
        Where it is from.

    Examples
    --------
    Five points of one week on one side:

    >>> Rule("run_of_5", "run", count=5).window
    5
    """

    name: str
    kind: str
    count: int = 1
    window: int = 0
    zone: float = 0.0
    one_side: bool = False
    description: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if not self.window:
            object.__setattr__(self, "window", self.count)
        if self.kind not in _KINDS:
            known = f"choose one of: {', '.join(_KINDS)}.{did_you_mean(str(self.kind), _KINDS)}"
            raise OptionError(f"rule {self.name!r} has kind {self.kind!r}; {known}")
        least = {"trend": 2, "alternate": 3, "outside": 2}.get(self.kind, 1)
        if not least <= self.count <= self.window:
            wanted = f"give {least} or more, and no more than the window"
            raise OptionError(f"rule {self.name!r} needs {self.count} of {self.window} points; {wanted}")
        if self.window > self.count and self.kind != "zone":
            raise OptionError(f"rule {self.name!r} has a window of {self.window} points; only kind 'zone' has one wider than its count")
        if self.kind in ("zone", "inside", "outside") and not 0 < self.zone < np.inf:
            raise OptionError(f"rule {self.name!r} has zone={self.zone}; give its distance from the centre in sigma, above 0")
        if self.one_side and self.kind != "zone":
            raise OptionError(f"rule {self.name!r} has one_side=True; only kind 'zone' has a window that it could hold for")


_WE = "Western Electric (1956), Statistical Quality Control Handbook"
_NELSON = "Nelson (1984), Journal of Quality Technology 16(4), 237-239"
_NHS = "NHS England, Making Data Count"
_ANHOJ = "Anhøj & Olesen (2014), PLoS ONE 9(11), e113825"

#: Every rule by name.
RULES: MappingProxyType[str, Rule] = MappingProxyType(
    {
        each.name: each
        for each in (
            Rule("beyond_limits", "beyond", description="one point outside the limits", source="Shewhart (1931)"),
            Rule("two_of_three", "zone", 2, 3, 2.0, description="two of three points on one side beyond 2 sigma", source=_WE),
            Rule("four_of_five", "zone", 4, 5, 1.0, description="four of five points on one side beyond 1 sigma", source=_WE),
            Rule("two_of_three_one_side", "zone", 2, 3, 2.0, True, "two of three points beyond 2 sigma, all three on one side", _NHS),
            Rule("run_of_7", "run", 7, description="seven points in a row on one side of the centre", source=_NHS),
            Rule("run_of_8", "run", 8, description="eight points in a row on one side of the centre", source=_WE),
            Rule("run_of_9", "run", 9, description="nine points in a row on one side of the centre", source=_NELSON),
            Rule("trend_of_6", "trend", 6, description="six points in a row rising, or falling", source=_NELSON),
            Rule("trend_of_7", "trend", 7, description="seven points in a row rising, or falling", source=_NHS),
            Rule("alternating_14", "alternate", 14, description="fourteen points in a row going up and down in turn", source=_NELSON),
            Rule("inside_15", "inside", 15, zone=1.0, description="fifteen points in a row within 1 sigma", source=_NELSON),
            Rule("outside_8", "outside", 8, zone=1.0, description="eight points in a row beyond 1 sigma, on both sides", source=_NELSON),
            Rule("longest_run", "longest_run", description="a run longer than chance explains in so many points", source=_ANHOJ),
            Rule("crossings", "crossings", description="fewer crossings of the centre than chance explains", source=_ANHOJ),
        )
    }
)

_SETS = {
    "shewhart": "beyond_limits",
    "western_electric": "beyond_limits two_of_three four_of_five run_of_8",
    "nelson": "beyond_limits run_of_9 trend_of_6 alternating_14 two_of_three four_of_five inside_15 outside_8",
    "montgomery": "beyond_limits two_of_three four_of_five run_of_8 trend_of_6 inside_15 alternating_14 outside_8",
    "nhs": "beyond_limits run_of_7 trend_of_7 two_of_three_one_side",
    "provost_murray": "beyond_limits run_of_8 trend_of_6 two_of_three inside_15",
    "anhoj": "longest_run crossings",
}

#: Rules that belong together, in the order of their source: ``nelson`` has Nelson's rules 1 to 8.
RULE_SETS: MappingProxyType[str, tuple[Rule, ...]] = MappingProxyType(
    {name: tuple(RULES[each] for each in names.split()) for name, names in _SETS.items()}
)

_SPELLINGS = {"anhoej": "anhoj", "anhøj": "anhoj", "we": "western_electric"}


def rules_of(rules: str | Rule | Iterable[str | Rule] | None) -> tuple[Rule, ...]:
    """The rules that names stand for.

    Parameters
    ----------
    rules : str, Rule, or several of them
        Names of `RULE_SETS` or of `RULES`; ``nelson_5`` is the fifth of its set; None stands for ``shewhart``.

    Returns
    -------
    tuple of Rule
        Each once, in the order given.

    Raises
    ------
    OptionError
        If there is no such rule, no rule at all, or two differ under one name, or ``rules`` is neither a name nor several.

    Examples
    --------
    >>> [rule.name for rule in rules_of("nhs")]
    ['beyond_limits', 'run_of_7', 'trend_of_7', 'two_of_three_one_side']
    >>> rules_of("nelson_3")[0].description
    'six points in a row rising, or falling'
    """
    if rules is None:
        rules = "shewhart"
    if not isinstance(rules, str | Rule | Iterable):
        raise OptionError(f"rules={rules!r} is no rule; give a set ({', '.join(RULE_SETS)}), a rule, several, or None for the limits alone")
    found: dict[str, Rule] = {}
    for item in [rules] if isinstance(rules, str | Rule) else rules:
        for rule in (item,) if isinstance(item, Rule) else _named(item):
            if found.setdefault(rule.name, rule) != rule:
                raise OptionError(f"rules= has two different rules named {rule.name!r}; give each its own name")
    if not found:
        raise OptionError(f"rules= is empty; give a set ({', '.join(RULE_SETS)}), a rule, or None for the limits alone")
    return tuple(found.values())


def apply_rules(
    statistic: ArrayLike, limits: Any, *, rules: str | Rule | Iterable[str | Rule] | None = "western_electric", mark: str = "end"
) -> dict[str, _Flags]:
    """Where rules are broken.

    Parameters
    ----------
    statistic : array of float
        What the limits are for, in order of time; missing ones are gaps.
    limits : Limits
        From `ccstats.spc.limits`, or anything with ``center, sigma, lower, upper`` and, where there are several, ``phase``.
    rules : str, Rule, or several of them
        A set (``shewhart, western_electric, nelson, montgomery, nhs, provost_murray, anhoj``), single rules, or your own; None: the
        limits alone.
    mark : str
        ``end``: the points at which a pattern is complete; ``pattern``: all points that it is made of.

    Returns
    -------
    dict of str to numpy.ndarray of bool
        One array per rule, by its name. A missing point breaks nothing.

    Raises
    ------
    OptionError
        If a rule is unknown, the statistic is not of numbers, lengths differ, or a run is asked for on a chart whose points have no
        independent order.

    Notes
    -----
    *Beyond* is strict: a point on a limit is inside. Phases and gaps interrupt every pattern. ``count`` of ``window`` is judged once the
    window lies within its phase, and its last point must itself be beyond the zone (in a phase's first window, or where the whole window
    must lie on one side, any may be); points outside the limits still count there. A point on the centre line ends a run, equal
    neighbours end a trend, a point at exactly 1 sigma is within it. Only Anhøj's rules look over gaps and drop points on the centre line:
    they judge a phase as a whole and, with ``mark="end"``, mark the last point of each run that is too long, or the last point of the
    phase.

    Conventions are those of R's ``qcc``; Champ & Woodall leave points beyond 3 sigma out of the zones, which makes no difference to the
    first signal, and let a window be shorter at the start.

    References
    ----------
    Champ & Woodall (1987), Technometrics 29(4). Each rule names its own source.

    Examples
    --------
    >>> import ccstats as cc
    >>> waits = [20, 22, 19, 21, 20, 18, 21, 23, 24, 23, 25, 24, 23, 24, 23]
    >>> chart = cc.spc.limits("xmr", waits, center=20.5, sigma=2.0)
    >>> broken = cc.spc.apply_rules(chart.statistic, chart, rules="western_electric")
    >>> {name: flags.nonzero()[0].tolist() for name, flags in broken.items()}
    {'beyond_limits': [], 'two_of_three': [], 'four_of_five': [10, 11, 12, 13, 14], 'run_of_8': [13, 14]}
    """
    chosen = rules_of(rules)
    if mark not in ("end", "pattern"):
        raise OptionError(f"mark={mark!r} is not known; choose 'end' or 'pattern'{did_you_mean(str(mark), ('end', 'pattern'))}")
    chart = getattr(limits, "chart", None)
    if chart in _NO_RUNS and any(rule.kind != "beyond" for rule in chosen):
        raise OptionError(f"only the limits judge a chart of kind {chart!r}, as {_NO_RUNS[chart]}; use rules='shewhart'")
    pattern = _Pattern(statistic, limits, whole=mark == "pattern")
    return {rule.name: pattern.find(rule) for rule in chosen}


def _named(name: Any) -> tuple[Rule, ...]:
    text = _SPELLINGS.get(name, name) if isinstance(name, str) else repr(name)
    if text in RULE_SETS:
        return RULE_SETS[text]
    if text in RULES:
        return (RULES[text],)
    family, _, number = text.rpartition("_")
    members = RULE_SETS.get(_SPELLINGS.get(family, family), ())
    if number.isdecimal() and 1 <= int(number) <= len(members):
        return (members[int(number) - 1],)
    known = [*RULE_SETS, *RULES]
    raise OptionError(f"there is no rule {name!r}; sets: {', '.join(RULE_SETS)}; rules: {', '.join(RULES)}.{did_you_mean(text, known)}")


class _Pattern:
    """One series, cut where phases or gaps interrupt it, and the patterns in it."""

    def __init__(self, statistic: ArrayLike, limits: Any, *, whole: bool) -> None:
        self.whole = whole
        try:
            self.value = np.asarray(statistic, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise OptionError(f"the statistic must be one series of numbers: {error}") from None
        size = self.value.shape
        try:
            self.lower, self.upper, center, sigma = (
                np.broadcast_to(np.asarray(getattr(limits, each), dtype=np.float64), size) for each in ("lower", "upper", "center", "sigma")
            )
            phase = np.broadcast_to(np.asarray(getattr(limits, "phase", 0)), size)
        except AttributeError:
            raise OptionError(
                f"limits= must have lower, upper, center and sigma, as spc.limits returns; this is a {type(limits).__name__}"
            ) from None
        except ValueError:
            raise OptionError(f"the limits are not for this statistic: its shape is {size}, that of its limits another") from None
        if self.value.ndim != 1:
            raise OptionError(f"the statistic must be one series, not an array of shape {size}")
        with np.errstate(divide="ignore", invalid="ignore"):
            score = limits.score(self.value) if hasattr(limits, "score") else (self.value - center) / sigma
        self.z = score
        self.side = np.nan_to_num(np.sign(self.value - center)).astype(np.int64)
        self.phase = phase
        known = ~np.isnan(self.value)
        first = ~known
        first[1:] |= ~known[:-1] | (phase[1:] != phase[:-1])
        first[:1] = True
        self.order = np.arange(len(first))
        self.first = first
        self.position = self.order - np.maximum.accumulate(np.where(first, self.order, 0))
        self.known = known

    def find(self, rule: Rule) -> _Flags:
        found: _Flags = getattr(self, f"_{rule.kind}")(rule)
        return found

    def _beyond(self, rule: Rule) -> _Flags:
        return (self.value > self.upper) | (self.value < self.lower)

    def _zone(self, rule: Rule) -> _Flags:
        out = np.zeros(len(self.z), dtype=bool)
        for side, there in ((1, self.z > rule.zone), (-1, self.z < -rule.zone)):
            ends = self._among(there, rule.window) >= rule.count
            if rule.one_side:
                ends &= self._among(self.side == side, rule.window) == rule.window
            else:
                ends &= there | (self.position == rule.window - 1)
            out |= there & self._spread(ends, rule.window) if self.whole else ends
        return out

    def _run(self, rule: Rule) -> _Flags:
        return self._complete(self.side, rule.count, rule.count)

    def _trend(self, rule: Rule) -> _Flags:
        return self._complete(self._steps(), rule.count - 1, rule.count)

    def _alternate(self, rule: Rule) -> _Flags:
        steps = self._steps()
        turns = np.zeros_like(steps)
        turns[1:] = steps[1:] * steps[:-1] < 0
        return self._complete(np.where(self.position >= 2, turns, 0), rule.count - 2, rule.count)

    def _inside(self, rule: Rule) -> _Flags:
        return self._complete((np.abs(self.z) <= rule.zone).astype(np.int64), rule.count, rule.count)

    def _outside(self, rule: Rule) -> _Flags:
        above, below = self.z > rule.zone, self.z < -rule.zone
        both = (self._among(above, rule.count) > 0) & (self._among(below, rule.count) > 0)
        ends = (self._streak((above | below).astype(np.int64)) >= rule.count) & both
        return self._spread(ends, rule.count) if self.whole else ends

    def _longest_run(self, rule: Rule) -> _Flags:
        out = np.zeros(len(self.side), dtype=bool)
        for at in self._useful():
            _, limit, _, _ = figures(self.side[at].astype(np.float64))
            turns = np.concatenate([[0], np.flatnonzero(np.diff(self.side[at])) + 1, [len(at)]])
            for begin, end in zip(turns[:-1], turns[1:], strict=True):
                if end - begin > limit:
                    out[at[begin:end] if self.whole else at[end - 1]] = True
        return out

    def _crossings(self, rule: Rule) -> _Flags:
        out = np.zeros(len(self.side), dtype=bool)
        for at in self._useful():
            _, _, crossings, fewest = figures(self.side[at].astype(np.float64))
            if crossings < fewest:
                out[at if self.whole else at[-1]] = True
        return out

    def _useful(self) -> list[_Ints]:
        """Of each phase, where its points off the centre line are."""
        at = np.flatnonzero(self.side)
        phase = self.phase[at]
        return [each for each in np.split(at, np.flatnonzero(phase[1:] != phase[:-1]) + 1) if len(each)]

    def _steps(self) -> _Ints:
        """Whether each point lies above (1) or below (-1) the one before."""
        steps = np.zeros(len(self.value), dtype=np.int64)
        steps[1:] = np.nan_to_num(np.sign(np.diff(self.value)))
        return np.where(self.position >= 1, steps, 0)

    def _streak(self, state: _Ints) -> _Ints:
        """How many neighbours up to each point share its state, within its phase; 0 where the state is 0."""
        fresh = self.first | (state == 0)
        fresh[1:] |= state[1:] != state[:-1]
        begin = np.maximum.accumulate(np.where(fresh, self.order, 0))
        return np.where(state == 0, 0, self.order - begin + 1)

    def _complete(self, state: _Ints, least: int, points: int) -> _Flags:
        """Where a streak of the state is long enough to be a pattern of so many points."""
        ends = self._streak(state) >= least
        return self._spread(ends, points) if self.whole else ends

    def _among(self, there: _Flags, window: int) -> _Ints:
        """How many of the last points of the window, where it lies within its phase, else 0."""
        total = np.concatenate([[0], np.cumsum(there)])
        low = np.maximum(self.order - window + 1, 0)
        return np.where(self.position >= window - 1, total[1:] - total[low], 0)

    def _spread(self, ends: _Flags, points: int) -> _Flags:
        """All points of the patterns that end at these."""
        change = np.zeros(len(ends) + 1, dtype=np.int64)
        at = np.flatnonzero(ends)
        np.add.at(change, at - points + 1, 1)
        np.subtract.at(change, at + 1, 1)
        return np.cumsum(change[:-1]) > 0
