"""The solvers of schedules: whole numbers of shifts for given coverage, by HiGHS or by pyworkforce, and how far they are from the best."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse
from scipy.sparse import csgraph

from ccstats.errors import MissingExtraError, OptionError

__all__ = ["Problem", "Solution", "solve_highs", "solve_pyworkforce"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """What to cover with which columns, and what it costs.

    Attributes
    ----------
    covered : scipy.sparse.csc_matrix
        Agents that one of each column gives each interval.
    required, weight : numpy.ndarray
        Agents asked for in each interval, and what an agent more or less counts there (hours).
    cost : numpy.ndarray
        Of one of each column.
    short_cost, spare_cost : float
        Of an agent-hour short of, or beyond, what is required.
    lines : list of (interval, slope, intercept), optional
        Instead of ``short_cost``: what is lost in an interval is no less than intercept + slope × agents.
    most : numpy.ndarray, optional
        Agents that an interval can hold.
    groups : list of (numpy.ndarray, float)
        Columns of which no more than so many may be taken together.
    must : bool
        ``short_cost`` is so high that a whole agent short costs more than any column that covers it.

    Examples
    --------
    >>> Problem.__dataclass_params__.frozen
    True
    """

    covered: sparse.csc_matrix
    required: Floats
    weight: Floats
    cost: Floats
    short_cost: float
    spare_cost: float
    lines: tuple[NDArray[np.int64], Floats, Floats] | None = None
    most: Floats | None = None
    groups: tuple[tuple[NDArray[np.int64], float], ...] = ()
    must: bool = False

    def value(self, counts: Floats) -> float:
        """What a solution costs, shortfall and surplus or loss included.

        Examples
        --------
        >>> one = Problem(sparse.csc_matrix([[1.0]]), np.array([3.0]), np.array([1.0]), np.array([2.0]), 10.0, 0.0)
        >>> one.value(np.array([2.0]))
        14.0
        """
        there = self.covered @ counts
        total = float(self.cost @ counts)
        total += self.spare_cost * float(self.weight @ np.clip(there - self.required, 0.0, None))
        if self.lines is None:
            return total + self.short_cost * float(self.weight @ np.clip(self.required - there, 0.0, None))
        places, slopes, intercepts = self.lines
        lost = np.zeros(len(self.required))
        np.maximum.at(lost, places, intercepts + slopes * there[places])
        return total + float(lost.sum())


@dataclass(frozen=True)
class Solution:
    """Counts of the columns, how the solver ended, and a bound that no solution is below.

    Examples
    --------
    >>> Solution(np.array([1.0]), "optimal", 2.0, 2.0).status
    'optimal'
    """

    counts: Floats
    status: str
    objective: float
    bound: float


def solve_highs(problem: Problem, *, time_limit_s: float, gap: float) -> Solution:
    """The least cost by HiGHS: branch and bound on each stretch of time that no shift connects with another.

    Where the time is over before any whole solution was found, the linear one is rounded down and filled up.

    Examples
    --------
    >>> one = Problem(sparse.csc_matrix([[1.0], [1.0]]), np.array([3.0, 2.0]), np.ones(2), np.array([2.0]), 100.0, 0.0)
    >>> found = solve_highs(one, time_limit_s=10, gap=0)
    >>> found.counts.tolist(), found.objective, found.status
    ([3.0], 6.0, 'optimal')
    """
    blocks = _blocks(problem)
    if len(blocks) > 1:
        return _in_blocks(problem, blocks, time_limit_s, gap)
    model = _Model(problem)
    options = {"time_limit": max(float(time_limit_s), 0.05), "mip_rel_gap": float(gap)}
    found = optimize.milp(model.cost, constraints=model.rows, integrality=model.whole, bounds=model.bounds, options=options)
    if found.x is not None:
        counts = np.rint(found.x[: problem.covered.shape[1]])
        objective = problem.value(counts)
        bound = -np.inf if found.mip_dual_bound is None else float(found.mip_dual_bound) + model.beside
        # HiGHS ends within its tolerances: 888.9999 is 889.
        bound = objective if abs(bound - objective) <= 1e-6 * max(1.0, abs(objective)) else min(bound, objective)
        return Solution(counts, "optimal" if found.status == 0 else "feasible", objective, bound)
    relaxed = optimize.milp(model.cost, constraints=model.rows, bounds=model.bounds)
    if relaxed.x is None:
        return Solution(np.zeros(problem.covered.shape[1]), "infeasible", np.nan, np.nan)
    counts = _trimmed(problem, np.floor(relaxed.x[: problem.covered.shape[1]] + 1e-9))
    return Solution(counts, "feasible", problem.value(counts), float(relaxed.fun) + model.beside)


def _blocks(problem: Problem) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Intervals and columns that have to do with each other."""
    intervals, columns = problem.covered.shape
    ties = [sparse.csr_matrix((np.ones(len(m) - 1), (m[:-1], m[1:])), shape=(columns, columns)) for m, _ in problem.groups if len(m) > 1]
    same = sum(ties[1:], start=ties[0]) if ties else sparse.csr_matrix((columns, columns))
    graph = sparse.bmat([[None, problem.covered], [problem.covered.T, same]], format="csr")
    many, label = csgraph.connected_components(graph, directed=False)
    order = [np.flatnonzero(label == each) for each in range(many)] if many <= 10_000 else [np.arange(intervals + columns)]
    blocks = [(each[each < intervals], each[each >= intervals] - intervals) for each in order]
    # Intervals that no shift reaches are none's business.
    return [block for block in blocks if len(block[1])]


def _in_blocks(problem: Problem, blocks: list[tuple[NDArray[np.int64], NDArray[np.int64]]], time_limit_s: float, gap: float) -> Solution:
    counts, bound, statuses, until = np.zeros(problem.covered.shape[1]), 0.0, set(), time.monotonic() + time_limit_s
    for number, (rows, columns) in enumerate(blocks):
        # Time that one block leaves is the next ones'.
        found = solve_highs(_part(problem, rows, columns), time_limit_s=(until - time.monotonic()) / (len(blocks) - number), gap=gap)
        counts[columns] = found.counts
        bound += found.bound
        statuses.add(found.status)
    alone = np.setdiff1d(np.arange(len(problem.required)), np.concatenate([rows for rows, _ in blocks]))
    bound += _part(problem, alone, np.empty(0, dtype="int64")).value(np.empty(0))
    if "infeasible" in statuses:
        return Solution(counts, "infeasible", np.nan, np.nan)
    return Solution(counts, "feasible" if "feasible" in statuses else "optimal", problem.value(counts), bound)


def _part(problem: Problem, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Problem:
    place = np.full(len(problem.required), -1)
    place[rows] = np.arange(len(rows))
    column_place = np.full(problem.covered.shape[1], -1)
    column_place[columns] = np.arange(len(columns))
    lines = problem.lines
    if lines is not None:
        mine = place[lines[0]] >= 0
        lines = (place[lines[0]][mine], lines[1][mine], lines[2][mine])
    groups = tuple((column_place[members], most) for members, most in problem.groups if len(members) and column_place[members[0]] >= 0)
    return replace(
        problem,
        covered=problem.covered[rows][:, columns].tocsc(),
        required=problem.required[rows],
        weight=problem.weight[rows],
        cost=problem.cost[columns],
        lines=lines,
        most=None if problem.most is None else problem.most[rows],
        groups=groups,
    )


class _Model:
    """Columns: counts, agents short, agents spare (or what is lost, an interval each)."""

    def __init__(self, problem: Problem) -> None:
        self.beside = 0.0  # what it costs besides, whatever is chosen
        self.bounds = optimize.Bounds(0.0, np.inf)
        intervals, columns = problem.covered.shape
        if _covers_all(problem):
            # Nothing that a shift reaches stays short, so that no column says how short: several times faster.
            reached = np.diff(problem.covered.tocsr().indptr) > 0
            self.rows = [optimize.LinearConstraint(problem.covered, np.where(reached, problem.required, 0.0), np.inf)]
            self.cost, self.whole = problem.cost, np.ones(columns)
            self.beside = problem.short_cost * float(problem.weight[~reached] @ problem.required[~reached])
            return
        eye, none = sparse.identity(intervals, format="csc"), sparse.csc_matrix((intervals, intervals))
        rows: list[Any] = []
        if problem.lines is None:
            # cover + short - spare = required
            rows.append(
                optimize.LinearConstraint(sparse.hstack([problem.covered, eye, -eye], format="csc"), problem.required, problem.required)
            )
            short = problem.short_cost * problem.weight
        else:
            places, slopes, intercepts = problem.lines
            pick = sparse.csr_matrix((np.ones(len(places)), (np.arange(len(places)), places)), shape=(len(places), intervals))
            tilted = sparse.diags(-slopes) @ pick @ problem.covered
            rows.append(optimize.LinearConstraint(sparse.hstack([tilted, pick, pick @ none], format="csc"), intercepts, np.inf))
            rows.append(optimize.LinearConstraint(sparse.hstack([problem.covered, none, -eye], format="csc"), -np.inf, problem.required))
            short = np.ones(intervals)
        if problem.most is not None:
            rows.append(optimize.LinearConstraint(sparse.hstack([problem.covered, none, none], format="csc"), -np.inf, problem.most))
        for members, most in problem.groups:
            line = sparse.csr_matrix((np.ones(len(members)), (np.zeros(len(members)), members)), shape=(1, columns + 2 * intervals))
            rows.append(optimize.LinearConstraint(line, -np.inf, most))
        self.rows = rows
        self.cost = np.concatenate([problem.cost, short, problem.spare_cost * problem.weight])
        self.whole = np.concatenate([np.ones(columns), np.zeros(2 * intervals)])


def _covers_all(problem: Problem) -> bool:
    """Whether the best covers all that can be: whole agents, whole intervals, no limits, nothing but the columns to pay for."""
    free = problem.lines is None and problem.most is None and not problem.groups and problem.spare_cost == 0
    return problem.must and free and bool((problem.covered.data == 1).all() and (problem.required == np.rint(problem.required)).all())


def _trimmed(problem: Problem, counts: Floats) -> Floats:
    """Add the shift that saves most, one by one, as long as one saves anything and is allowed."""
    value = problem.value(counts)
    for _ in range(100_000):
        there = problem.covered @ counts
        allowed = np.ones(len(counts), dtype=bool)
        if problem.most is not None:
            full = sparse.diags((there > problem.most - 1.0 + 1e-9).astype("float64")) @ problem.covered
            allowed &= np.asarray(full.sum(axis=0)).ravel() == 0
        for members, most in problem.groups:
            if counts[members].sum() + 1 > most:
                allowed[members] = False
        gain = problem.covered.T @ (problem.weight * np.clip(problem.required - there, 0.0, 1.0))
        best = int(np.argmax(np.where(allowed, gain, -1.0)))
        counts[best] += 1
        now = problem.value(counts)
        if not allowed[best] or now >= value:
            counts[best] -= 1
            return counts
        value = now
    return counts


def solve_pyworkforce(
    problem: Problem, *, days: NDArray[np.int64], shift_days: NDArray[np.int64], objective: str, time_limit_s: float
) -> Solution:
    """The same by pyworkforce (OR-tools CP-SAT), for what it gets right; anything else is refused with the reason.

    pyworkforce takes each day alone and wraps a shift over midnight round to the same day's morning, takes whole numbers only, weighs
    agents short and spare alike, has no soft coverage beside that, and tells that it failed by rows with -1 agents. So refused are: shifts
    over midnight, tours, intervals covered in part or of unequal length, fractional requirements, costs of its own for short or spare
    agents, limits on desks and heads, days of unequal length. Its rows of failure become a status.

    Parameters
    ----------
    problem : Problem
        What to cover.
    days : numpy.ndarray
        Number of the day of each interval, ascending from 0.
    shift_days : numpy.ndarray
        The same of each column.
    objective : {"heads", "paid", "difference"}
        What is made least: people, the cost of the columns (whole numbers), or agents short and spare together.
    time_limit_s : float
        For all days together. [s]

    Raises
    ------
    OptionError
        If it is not what pyworkforce gets right.
    MissingExtraError
        If pyworkforce's solver cannot be imported.

    Examples
    --------
    >>> day = Problem(sparse.csc_matrix([[1.0, 0.0], [1.0, 1.0]]), np.array([1.0, 3.0]), np.ones(2), np.ones(2), 0.0, 0.0)
    >>> none = np.zeros(2, "int64")
    >>> solve_pyworkforce(day, days=none, shift_days=none, objective="heads", time_limit_s=10).counts.tolist()
    [1.0, 2.0]
    """
    _refuse(problem, days, shift_days, objective)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pyworkforce.scheduling import MinAbsDifference, MinRequiredResources
    except ImportError as error:
        raise MissingExtraError(f"engine='pyworkforce' needs pyworkforce with OR-tools ({error}); engine='highs' needs neither") from None
    many = int(days[-1]) + 1
    dense = np.asarray(problem.covered.todense())
    counts = np.zeros(problem.covered.shape[1])
    optimal, unit = True, _unit(problem.cost)
    for day in range(many):
        rows, columns = np.flatnonzero(days == day), np.flatnonzero(shift_days == day)
        required = [[int(round(each)) for each in problem.required[rows]]]
        if not len(columns):
            if objective != "difference" and any(required[0]):
                return Solution(counts, "infeasible", np.nan, np.nan)
            continue
        names = {f"s{at}": [int(each) for each in dense[rows, column]] for at, column in enumerate(columns)}
        # Its bounds cut off solutions where they are smaller than what may be needed.
        most = max(1, sum(required[0]))
        asked = {
            "num_days": 1, "periods": len(rows), "shifts_coverage": names, "required_resources": required,
            "max_period_concurrency": most, "max_shift_concurrency": most, "max_search_time": float(time_limit_s) / many,
            "num_search_workers": 2,
        }  # fmt: skip
        if objective == "paid":
            asked["cost_dict"] = {f"s{at}": int(round(problem.cost[column] * unit)) for at, column in enumerate(columns)}
        solver = (MinAbsDifference if objective == "difference" else MinRequiredResources)(**asked)
        answer = solver.solve()
        if answer["status"] not in ("OPTIMAL", "FEASIBLE"):
            return Solution(counts, "infeasible" if answer["status"] == "INFEASIBLE" else "unknown", np.nan, np.nan)
        optimal &= answer["status"] == "OPTIMAL"
        for row in answer["resources_shifts"]:
            if row["resources"] > 0:
                counts[columns[int(row["shift"][1:])]] += row["resources"]
    objective_value = problem.value(counts)
    return Solution(counts, "optimal" if optimal else "feasible", objective_value, objective_value if optimal else -np.inf)


def _unit(cost: Floats) -> int | None:
    """By what hours have to be multiplied to be whole: halves, quarters, minutes or seconds."""
    return next((unit for unit in (1, 2, 4, 60, 3600) if np.allclose(cost * unit, np.rint(cost * unit), atol=1e-6)), None)


def _refuse(problem: Problem, days: NDArray[np.int64], shift_days: NDArray[np.int64], objective: str) -> None:
    why = ""
    values = problem.covered.data
    outside = problem.covered.tocoo()
    if objective not in ("heads", "paid", "difference"):
        why = f"objective={objective!r}: it knows heads, paid and difference"
    elif len(values) and not np.isin(values, (0.0, 1.0)).all():
        why = "a shift covers part of an interval; it knows whole ones only"
    elif (days[outside.row] != shift_days[outside.col]).any():
        why = "a shift goes on over midnight; it would wrap it round to the morning of the same day"
    elif not np.allclose(problem.required, np.rint(problem.required), atol=1e-9):
        why = "a requirement is no whole number"
    elif objective != "difference" and problem.spare_cost > 0:
        why = "it knows no price of an agent to spare"
    elif objective == "difference" and np.ptp(problem.weight) > 1e-9:
        why = "the intervals are not equally long, which it counts alike"
    elif objective == "paid" and _unit(problem.cost) is None:
        why = "a shift's paid time is no whole number of seconds"
    elif problem.most is not None or problem.groups or problem.lines is not None:
        why = "limits on agents or heads, and costs of lost service, are not known to it"
    elif np.unique(np.bincount(days)).size > 1:
        why = "the days have not the same number of intervals"
    if why:
        raise OptionError(f"engine='pyworkforce' cannot do this right: {why}. Use engine='highs'")
