"""Where breaks can be and where they harm least: how many of the agents of each shift begin each break when, as a program for HiGHS."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from ccstats.errors import OptionError
from ccstats.workforce.seats import overlaps
from ccstats.workforce.shift_templates import Shift

__all__ = ["BreakRules", "BreakProblem", "Placement", "places_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BreakRules:
    """What breaks must keep.

    Examples
    --------
    >>> BreakRules(0.0, 3600.0, 0.0, 900.0, None, False).apart_s
    3600.0
    """

    edge_s: float
    apart_s: float
    move_s: float
    step_s: float
    max_at_once: int | None
    never_worse: bool


def places_of(template: Shift, rules: BreakRules) -> list[Floats]:
    """Seconds after the start of the shift at which each break of a template may begin.

    Raises
    ------
    OptionError
        If there is none, or the breaks cannot be so far apart.

    Examples
    --------
    >>> from ccstats.workforce.shift_templates import Break
    >>> day = Shift("day", "09:00", "09:00", 8 * 3600, breaks=(Break(4 * 3600, 1800, earliest_s=3.5 * 3600, latest_s=4.5 * 3600),))
    >>> places_of(day, BreakRules(0, 0, 0, 1800, None, False))[0].tolist()
    [12600.0, 14400.0, 16200.0]
    """
    found: list[Floats] = []
    free = rules.edge_s
    for each in template.breaks:
        first, last = each.window
        if each.earliest_s is None and each.latest_s is None:
            first, last = each.offset_s - rules.move_s, each.offset_s + rules.move_s
        first, last = max(first, 0.0), min(last, template.length_s - each.length_s)
        # Steps count from the break's own place, so that this is one of them.
        low, high = np.ceil((first - each.offset_s) / rules.step_s - 1e-9), np.floor((last - each.offset_s) / rules.step_s + 1e-9)
        places = each.offset_s + rules.step_s * np.arange(low, high + 1)
        places = places[(places >= rules.edge_s - 1e-6) & (places <= template.length_s - rules.edge_s - each.length_s + 1e-6)]
        later = places[places >= free - 1e-6]
        if not len(later):
            why = f"{rules.edge_s:g} s from both ends of the shift" + (f" and {rules.apart_s:g} s after the one before" if found else "")
            raise OptionError(
                f"shift {template.shift!r}: the break after {each.offset_s:g} s may begin from {first:g} to {last:g} s, where it is "
                f"nowhere {why}; give it a wider window (earliest_s, latest_s), or relax edge_s or apart_s"
            )
        found.append(places)
        free = later[0] + each.length_s + rules.apart_s
    return found


@dataclass(frozen=True)
class Placement:
    """How many begin each break at each place, how the solver ended, and its bound (agent-hours short).

    Examples
    --------
    >>> Placement(np.array([1.0]), "optimal", 0.0, 0.0).status
    'optimal'
    """

    counts: Floats
    status: str
    objective: float
    bound: float


class BreakProblem:
    """The breaks of one queue.

    Agents of the same shift and start are alike, so that it is enough to know how many begin each break when: who begins the first one
    first begins the second one first, and that keeps them apart if any order does.

    Parameters
    ----------
    groups : list of (Shift, start, agents)
        Shifts alike. [s since 1970]
    required, starts, lengths : numpy.ndarray
        Agents asked for in each interval; the intervals. [s since 1970, s]
    rules : BreakRules
        What to keep.

    Examples
    --------
    An hour with two agents too many and one with none:

    >>> from ccstats.workforce.shift_templates import Break
    >>> day = Shift("day", "00:00", "00:00", 7200, breaks=(Break(0, 3600, earliest_s=0, latest_s=3600),))
    >>> hours = np.array([0.0, 3600.0])
    >>> problem = BreakProblem([(day, 0.0, 2)], np.array([2.0, 0.0]), hours, np.full(2, 3600.0), BreakRules(0, 0, 0, 3600, None, False))
    >>> problem.solve(time_limit_s=10, gap=0).counts.tolist()
    [0.0, 2.0]
    """

    def __init__(
        self, groups: list[tuple[Shift, float, int]], required: Floats, starts: Floats, lengths: Floats, rules: BreakRules
    ) -> None:
        self.rules, self.required, self.hours = rules, required, lengths / 3600
        self.groups = groups
        known: dict[str, list[Floats]] = {}
        self.blocks: list[list[slice]] = []  # of each group, the columns of each of its breaks
        begin, length, own = [], [], []
        many = 0
        for template, start, agents in groups:
            places = known.get(template.shift) or known.setdefault(template.shift, places_of(template, rules))
            mine = []
            for each, at in zip(template.breaks, places, strict=True):
                mine.append(slice(many, many + len(at)))
                begin.append(start + at)
                length.append(np.full(len(at), each.length_s))
                own.append(np.where(np.abs(at - each.offset_s) < 1e-6, float(agents), 0.0))
                many += len(at)
            self.blocks.append(mine)
        self.begin, self.length, self.own = (np.concatenate(each) if each else np.empty(0) for each in (begin, length, own))
        self.taken = overlaps(self.begin, self.begin + self.length, starts, lengths)
        firsts = np.array([start for _, start, _ in groups], dtype="float64")
        lasts = np.array([start + template.length_s for template, start, _ in groups], dtype="float64")
        self.gross: Floats = overlaps(firsts, lasts, starts, lengths) @ np.array([agents for *_, agents in groups], dtype="float64")
        # Where the breaks have their own places, which the rules may not allow.
        at = np.array([(start + each.offset_s, each.length_s, agents) for template, start, agents in groups for each in template.breaks])
        at = at.reshape(-1, 3)
        self.before: Floats = self.gross - overlaps(at[:, 0], at[:, 0] + at[:, 1], starts, lengths) @ at[:, 2]

    def short(self, covered: Floats) -> float:
        """Agent-hours short.

        Examples
        --------
        >>> BreakProblem([], np.array([2.0]), np.zeros(1), np.array([1800.0]), BreakRules(0, 0, 0, 900, None, False)).short(np.zeros(1))
        1.0
        """
        return float(self.hours @ np.clip(self.required - covered, 0.0, None))

    def covered(self, counts: Floats) -> Floats:
        """Agents in each interval with the breaks placed so.

        Examples
        --------
        >>> BreakProblem.covered.__name__
        'covered'
        """
        there: Floats = self.gross - self.taken @ counts
        return there

    def solve(self, *, time_limit_s: float, gap: float) -> Placement:
        """The placement with the fewest agent-hours short; of those, one that keeps the leanest intervals as well staffed as it can.

        Raises
        ------
        OptionError
            If no placement keeps the rules, with the one to relax; or none was found in time.

        Examples
        --------
        >>> BreakProblem.solve.__name__
        'solve'
        """
        until = time.monotonic() + time_limit_s
        if not len(self.begin):
            value = self.short(self.gross)
            return Placement(np.empty(0), "optimal", value, value)
        intervals = len(self.required)
        eye, spare = sparse.identity(intervals, format="csr"), self.gross - self.required
        rows = [(sparse.hstack([-self.taken, eye], format="csr"), -spare, np.full(intervals, np.inf))]
        rows += [(sparse.hstack([line, sparse.csr_matrix((line.shape[0], intervals))]), low, high) for line, low, high in self._rules()]
        worst = np.clip(self.required - self.before, 0.0, None) if self.rules.never_worse else np.full(intervals, np.inf)
        found = self._milp(self.hours, rows, worst, until, gap)
        allowed = self._keeps(self.own)
        if found.x is None and not allowed:
            self._explain(found.status, time_limit_s)
        counts = self.own if found.x is None else np.rint(found.x[: len(self.begin)])
        value = self.short(self.covered(counts))
        if allowed and self.short(self.before) < value:
            counts, value = self.own, self.short(self.before)
        bound = 0.0 if found.mip_dual_bound is None else max(float(found.mip_dual_bound), 0.0)
        bound = value if abs(value - bound) <= 1e-6 * max(1.0, value) else min(bound, value)
        status = "optimal" if found.status == 0 or value <= bound else "feasible"
        return Placement(self._even(counts, rows, worst, value, until), status, value, bound)

    def _milp(self, cost: Floats, rows: list[Any], most: Floats, until: float, gap: float) -> Any:
        many = len(self.begin)
        return optimize.milp(
            np.concatenate([np.zeros(many), cost]),
            constraints=[optimize.LinearConstraint(*row) for row in rows],
            integrality=np.concatenate([np.ones(many), np.zeros(len(cost))]),
            bounds=optimize.Bounds(np.zeros(many + len(cost)), np.concatenate([np.full(many, np.inf), most])),
            options={"time_limit": max(until - time.monotonic(), 0.05), "mip_rel_gap": float(gap)},
        )

    def _even(self, counts: Floats, rows: list[Any], worst: Floats, value: float, until: float) -> Floats:
        """Of placements that are short of no more, one with the most spare agents where there are fewest."""
        intervals, spare = len(self.required), self.gross - self.required
        touched = np.unique(self.taken.tocoo().row)
        top = float(np.max(spare[touched], initial=0.0))
        if top <= 0 or until <= time.monotonic():
            return counts
        levels = top * np.array([0.2, 0.4, 0.6, 0.8])
        none = sparse.csr_matrix((len(touched), intervals))
        more = []
        for place, level in enumerate(levels):
            # below a level = level - (spare - taken), or nothing
            beside = [none] + [sparse.identity(len(touched)) if at == place else sparse.csr_matrix((len(touched),) * 2) for at in range(4)]
            more.append((sparse.hstack([-self.taken[touched], *beside], format="csr"), level - spare[touched], np.inf))
        wide = 4 * len(touched)
        kept = [(sparse.hstack([line, sparse.csr_matrix((line.shape[0], wide))], format="csr"), low, high) for line, low, high in rows]
        short = np.concatenate([np.zeros(len(self.begin)), self.hours, np.zeros(wide)])
        kept.append((sparse.csr_matrix(short), -np.inf, value + 1e-9 * max(1.0, value)))
        cost = np.concatenate([np.zeros(intervals), np.tile(self.hours[touched], 4)])
        found = self._milp(cost, kept + more, np.concatenate([worst, np.full(wide, np.inf)]), until, 1e-3)
        better = None if found.x is None else np.rint(found.x[: len(self.begin)])
        return better if better is not None and self._keeps(better) and self.short(self.covered(better)) <= value + 1e-6 else counts

    def _rules(self) -> list[tuple[sparse.csr_matrix, Floats, Floats]]:
        """Everybody has every break; those of one agent are apart; no more are away than may be."""
        many = len(self.begin)
        entries: list[tuple[int, int, float]] = []
        low: list[float] = []
        high: list[float] = []
        for (template, _, agents), mine in zip(self.groups, self.blocks, strict=True):
            for number, block in enumerate(mine):
                entries += [(len(low), at, 1.0) for at in range(block.start, block.stop)]
                low.append(agents)
                high.append(agents)
                if not number:
                    continue
                # Whoever has begun this break has begun the one before so much earlier.
                earlier = mine[number - 1]
                wait = template.breaks[number - 1].length_s + self.rules.apart_s
                for at in range(block.start, block.stop):
                    before = np.flatnonzero(self.begin[earlier] <= self.begin[at] - wait + 1e-6) + earlier.start
                    entries += [(len(low), column, 1.0) for column in range(block.start, at + 1)]
                    entries += [(len(low), int(column), -1.0) for column in before]
                    low.append(-np.inf)
                    high.append(0.0)
        row, column, value = zip(*entries, strict=True)
        made = [(sparse.csr_matrix((value, (row, column)), shape=(len(low), many)), np.array(low), np.array(high))]
        if self.rules.max_at_once is not None:
            away = self._away()
            made.append((away, np.full(away.shape[0], -np.inf), np.full(away.shape[0], float(self.rules.max_at_once))))
        return made

    def _away(self) -> sparse.csr_matrix:
        """Who is on a break at each moment that one may begin."""
        moments = np.unique(self.begin)
        low, high = np.searchsorted(moments, self.begin), np.searchsorted(moments, self.begin + self.length - 1e-6)
        column = np.repeat(np.arange(len(self.begin)), high - low)
        row = np.concatenate([np.arange(first, last) for first, last in zip(low, high, strict=True)])
        return sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=(len(moments), len(self.begin)))

    def _keeps(self, counts: Floats) -> bool:
        """Whether a placement keeps all rules."""
        for line, low, high in self._rules():
            there = line @ counts
            if (there < low - 1e-6).any() or (there > high + 1e-6).any():
                return False
        gap = np.clip(self.required - self.before, 0.0, None)
        return not self.rules.never_worse or bool((self.required - self.covered(counts) <= gap + 1e-6).all())

    def _explain(self, status: int, time_limit_s: float) -> None:
        """Raise with the rule that is in the way."""
        if status != 2:
            raise OptionError(f"no placement of the breaks was found within {time_limit_s:g} s; allow more time, or larger steps")
        if self.rules.max_at_once is not None:
            others = self._rules()[:1]
            away = self._away()
            rows: list[Any] = [(sparse.hstack([line, sparse.csr_matrix((line.shape[0], 1))]), low, high) for line, low, high in others]
            rows.append((sparse.hstack([away, -np.ones((away.shape[0], 1))]), -np.inf, 0.0))
            fewest = self._milp(np.ones(1), rows, np.full(1, np.inf), time.monotonic() + time_limit_s, 0.0)
            if fewest.x is not None and np.ceil(fewest.fun - 1e-6) > self.rules.max_at_once:
                raise OptionError(
                    f"max_at_once={self.rules.max_at_once}: within their windows the breaks need {int(np.ceil(fewest.fun - 1e-6))} agents "
                    "away at a time at least; allow so many, or widen the windows"
                )
        raise OptionError(
            "never_worse=True: no placement that keeps the other rules leaves every interval as well covered as the breaks' own places do; "
            "leave it out, or relax edge_s, apart_s or max_at_once"
        )
