"""Sharing out agents over the intervals of a day, week or month: the fewest agent-hours that meet one target over all of them.

A multiple-choice knapsack: every interval chooses one number of agents, each choice costs time and is worth something towards the common
target. Arrays in, arrays out; what a choice is worth comes from the caller, so any queueing model will do.
"""

from __future__ import annotations

from heapq import heapify, heappop, heapreplace
from time import monotonic
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from ccstats.errors import OptionError

__all__ = ["Allocation", "allocate_agents"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Allocation(NamedTuple):
    """How many agents each interval gets, what they cost, and how few they could be at best.

    Attributes
    ----------
    agents : numpy.ndarray of int64
        Agents of each interval.
    cost : float
        Their cost: the sum of ``cost × agents``; infinite where no choice meets the target (``agents`` then holds what is worth most).
    bound : float
        No allocation that meets the target costs less; equal to ``cost`` where that is proved.

    Examples
    --------
    >>> Allocation(np.array([2, 3]), 5.0, 5.0).gap
    0.0
    """

    agents: Ints
    cost: float
    bound: float

    @property
    def gap(self) -> float:
        """How much of the cost could be saved at most: 0 where the allocation is proved to be the cheapest."""
        return (self.cost - self.bound) / self.cost if 0 < self.cost < np.inf else 0.0


def allocate_agents(
    first: ArrayLike, gain: ArrayLike, cost: ArrayLike = 1.0, *, tolerance: float = 1e-9, time_limit_s: float = 10.0
) -> Allocation:
    """The cheapest numbers of agents whose gains add up to zero or more, proved to be the cheapest.

    Parameters
    ----------
    first : array of int
        Agents that the first column of ``gain`` stands for, one number an interval; the next column is one agent more. [agents]
    gain : array of float, intervals × choices
        What each choice is worth: contacts served in time less the target's share of all contacts. ``-inf`` forbids a choice. [contacts]
    cost : array of float or float
        What one agent costs in each interval, usually its length. [s]
    tolerance : float
        The target is met where the gains add up to ``-tolerance`` or more. [contacts]
    time_limit_s : float
        Search no longer than this. [s]

    Returns
    -------
    Allocation
        Where time runs out, the best that was found, with ``bound`` below ``cost``. Where no choice meets the target, the ones that
        are worth most, with an infinite cost. No intervals: an empty allocation that costs nothing.

    Raises
    ------
    OptionError
        If the shapes do not fit, an interval has no choice, a gain is NaN, or a cost is not positive.

    Notes
    -----
    Lagrangian relaxation (Everett 1963) gives a bound, a first allocation and the price of a contact served in time; its best price is
    found by secants, in finitely many steps, because the bound is piecewise linear in it. Where service grows by less with every agent,
    rounding up leaves less than one agent between allocation and bound, and nothing cheaper can exist: costs only take multiples of their
    greatest common divisor. Otherwise (choices whose worth is convex, as under overload; intervals of unlike length) choices whose
    reduced cost exceeds the remaining gap are in no better allocation, and HiGHS (branch and bound, Huangfu & Hall 2018) searches the
    rest with no gap allowed. Its answer is added up again; one that meets the target only within the solver's own tolerance is forbidden
    and the search goes on.

    Multiple-choice knapsack: Sinha & Zoltners (1979), The multiple-choice knapsack problem, Operations Research 27, 503-515.

    Examples
    --------
    Two intervals; the second gains more from its third agent than the first from its second:

    >>> allocate_agents([1, 2], [[-5.0, -1.0, 0.0], [-3.0, 1.0, 2.0]]).agents
    array([2, 3])
    """
    first_, gain_, cost_ = _checked(first, gain, cost)
    rows = np.arange(len(first_))
    price = cost_[:, None] * np.arange(gain_.shape[1])
    base = float(cost_ @ first_)

    def total(chosen: Ints) -> float:
        return float(price[rows, chosen].sum())

    def proved(chosen: Ints, cheapest: float = np.inf) -> Allocation:
        spent = total(chosen)
        return Allocation(first_ + chosen, base + spent, base + min(cheapest, spent))

    most = np.argmax(gain_, axis=1)
    if gain_[rows, most].sum() < -tolerance:
        return Allocation(first_ + most, np.inf, np.inf)
    fewest = np.argmax(gain_ > -np.inf, axis=1)
    if gain_[rows, fewest].sum() >= -tolerance:
        return proved(fewest)
    per_contact, bound, enough = _best_price(gain_, price, fewest, most, tolerance)
    chosen = _trimmed(gain_, cost_, enough, tolerance)

    spent = total(chosen)
    slack = 1e-9 * max(1.0, spent)  # what adding up floats may be off by
    next_less = spent - max(_common_step(cost_) - slack, slack)  # whatever is cheaper costs this or less
    if bound > next_less:
        return proved(chosen)
    reduced = price - per_contact * gain_
    reduced -= reduced.min(axis=1, keepdims=True)
    better, cheapest = _search(gain_, price, reduced <= next_less - bound + slack, next_less, tolerance, monotonic() + time_limit_s)
    return proved(chosen if better is None else better, max(bound, cheapest))


def _checked(first: ArrayLike, gain: ArrayLike, cost: ArrayLike) -> tuple[Ints, Floats, Floats]:
    first_, gain_ = np.asarray(first).astype(np.int64), np.asarray(gain, dtype="float64")
    if first_.ndim != 1 or gain_.ndim != 2 or len(gain_) != len(first_):
        raise OptionError(f"gain= needs one row an interval: found {gain_.shape} for {first_.shape} intervals")
    cost_ = np.broadcast_to(np.asarray(cost, dtype="float64"), first_.shape)
    if not (np.isfinite(cost_) & (cost_ > 0)).all():
        raise OptionError("cost= must be positive and finite in every interval")
    if (np.isnan(gain_) | (gain_ == np.inf)).any() or not (gain_ > -np.inf).any(axis=1).all():
        raise OptionError("gain= must be finite, or -inf where a choice is forbidden, and leave every interval a choice")
    return first_, gain_, cost_


def _common_step(cost: Floats) -> float:
    """The step that all total costs are multiples of; 0 where there is none that a float can hold."""
    if not len(cost) or not (cost == np.floor(cost)).all():
        return float(cost[0]) if len(cost) and (cost == cost[0]).all() else 0.0
    return float(np.gcd.reduce(cost.astype(np.int64)))


def _best_price(gain: Floats, price: Floats, low: Ints, high: Ints, tolerance: float) -> tuple[float, float, Ints]:
    """Price of a contact that gives the highest Lagrangian bound, that bound, and the choices at this price that meet the target.

    ``low`` misses the target and ``high`` meets it. A price at which both are equally good either is the best one, or yields choices
    that are better than both and take the place of one.
    """
    rows = np.arange(len(gain))

    def totals(chosen: Ints) -> tuple[float, float]:
        return float(price[rows, chosen].sum()), float(gain[rows, chosen].sum()) + tolerance

    (low_cost, low_gain), (high_cost, high_gain) = totals(low), totals(high)
    while True:
        per_contact = (high_cost - low_cost) / (high_gain - low_gain)
        chosen = np.argmin(price - per_contact * gain, axis=1)
        spent, gained = totals(chosen)
        line, value = low_cost - per_contact * low_gain, spent - per_contact * gained
        if value >= line - 1e-12 * max(1.0, abs(line)):
            return per_contact, min(value, line), high
        if gained >= 0:
            high, high_cost, high_gain = chosen, spent, gained
        else:
            low, low_cost, low_gain = chosen, spent, gained


def _trimmed(gain: Floats, cost: Floats, start: Ints, tolerance: float) -> Ints:
    """Choices after taking agents away one at a time, least loss per cost first, while the target is met."""
    chosen = start.copy()
    slack = float(gain[np.arange(len(gain)), chosen].sum()) + tolerance

    def next_loss(row: int) -> tuple[float, int] | None:
        at = chosen[row]
        if at == 0 or gain[row, at - 1] == -np.inf:
            return None
        return float(gain[row, at] - gain[row, at - 1]) / float(cost[row]), row

    heap = [entry for row in range(len(gain)) if (entry := next_loss(row)) is not None]
    heapify(heap)
    while heap:
        loss, row = heap[0]
        if loss * cost[row] > slack:
            heappop(heap)
            continue
        chosen[row] -= 1
        slack -= loss * float(cost[row])
        entry = next_loss(row)
        if entry is None:
            heappop(heap)
        else:
            heapreplace(heap, entry)
    return chosen


def _search(
    gain: Floats, price: Floats, open_: NDArray[np.bool_], at_most: float, tolerance: float, deadline: float
) -> tuple[Ints | None, float]:
    """The cheapest of the open choices that meet the target for ``at_most``, None if none is found; and what no such choices undercut."""
    if not open_.any(axis=1).all():
        return None, np.inf
    row, choice = np.nonzero(open_)
    size = len(row)
    spend, worth = price[row, choice], gain[row, choice]
    unit = spend[spend > 0].min(initial=1.0)  # costs from 1 on, because the solver's tolerances are absolute
    constraints = [
        LinearConstraint(csr_array((np.ones(size), (row, np.arange(size)))), 1, 1),
        LinearConstraint(worth[None, :], -tolerance, np.inf),
        LinearConstraint(spend[None, :] / unit, -np.inf, at_most / unit),
    ]
    bound = -np.inf
    while (left := deadline - monotonic()) > 0:
        options = {"mip_rel_gap": 0, "time_limit": left}
        found = milp(spend / unit, integrality=np.ones(size), bounds=Bounds(0, 1), constraints=constraints, options=options)
        if found.status == 2:  # infeasible
            return None, np.inf
        if found.mip_dual_bound is not None:
            bound = found.mip_dual_bound * unit
        taken = found.x > 0.5 if found.x is not None else np.zeros(size, dtype=bool)
        if taken.any() and worth[taken].sum() >= -tolerance:
            return choice[taken], np.inf if found.status == 0 else bound
        if found.status != 0:  # out of time, and nothing found on the way
            break
        constraints.append(LinearConstraint(taken[None, :].astype("float64"), -np.inf, len(gain) - 1))
    return None, bound
