"""Sharing out agents: against every possible allocation, against HiGHS on the whole problem, and against the greedy one."""

from __future__ import annotations

import itertools
import os

import numpy as np
import pytest
from greedy import greedy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from ccstats.errors import OptionError
from ccstats.workforce import allocation
from ccstats.workforce.allocation import allocate_agents

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
TOLERANCE = 1e-9


def every_allocation(first, gain, cost):
    """The least cost over every combination of choices, in plain Python; infinity where none meets the target."""
    best = float("inf")
    for chosen in itertools.product(range(len(gain[0])), repeat=len(first)):
        worth = sum(gain[row][choice] for row, choice in enumerate(chosen))
        if worth >= -TOLERANCE:
            best = min(best, sum(cost[row] * (first[row] + choice) for row, choice in enumerate(chosen)))
    return best


def random_case(rng, *, intervals, choices, convex, lengths):
    """Gains that grow by less and less (as with enough agents), or in any order; some choices forbidden."""
    level = np.sort(rng.random((intervals, choices)), axis=1)
    if convex:
        level = rng.random((intervals, choices))
    gain = rng.uniform(0.5, 20, (intervals, 1)) * (level - rng.uniform(0.2, 0.95))
    gain[rng.random(gain.shape) < 0.1] = -np.inf
    gain[np.arange(intervals), rng.integers(choices, size=intervals)] = rng.uniform(-1, 1, intervals)
    return rng.integers(0, 5, intervals), gain, rng.choice(lengths, intervals)


@pytest.mark.parametrize("convex", [False, True])
@pytest.mark.parametrize("lengths", [[900.0], [900.0, 1800.0], [600.0, 901.5, 1777.77]], ids=["equal", "multiples", "unlike"])
def test_never_beaten_by_any_allocation(convex, lengths, monkeypatch):
    rng = np.random.default_rng(3)
    searches = []
    monkeypatch.setattr(allocation, "milp", lambda *args, **options: searches.append(1) or milp(*args, **options))
    beaten = 0
    for _ in range(max(60, int(4000 * EXAM))):
        case = random_case(rng, intervals=rng.integers(1, 6), choices=rng.integers(1, 6), convex=convex, lengths=lengths)
        best, exact, (_, quick) = every_allocation(*case), allocate_agents(*case), greedy(*case)
        assert exact.cost == pytest.approx(best, rel=1e-12)
        if np.isfinite(best):
            first, gain, cost = case
            assert exact.gap == 0
            assert exact.cost == pytest.approx(float(cost @ exact.agents))
            assert gain[np.arange(len(first)), exact.agents - first].sum() >= -TOLERANCE
            assert exact.cost <= quick * (1 + 1e-12)
            beaten += quick > best
    assert beaten > 0  # the cases are hard enough to tell the two apart
    assert searches  # and some go on to the search


def whole_problem(first, gain, cost):
    """HiGHS on all choices at once, without bound, start or reduction."""
    row, choice = np.nonzero(np.isfinite(gain))
    one_each = (row[None, :] == np.arange(len(first))[:, None]).astype(float)
    found = milp(
        cost[row] * choice,
        integrality=np.ones(len(row)),
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(one_each, 1, 1), LinearConstraint(gain[row, choice][None, :], 0, np.inf)],
        options={"mip_rel_gap": 0},
    )
    return float(cost @ first) + round(found.fun)


@pytest.mark.parametrize("seed", range(6))
def test_a_day_costs_what_the_whole_problem_costs(seed):
    rng = np.random.default_rng(seed)
    steep, middle = rng.uniform(0.3, 1.5, (60, 1)), rng.uniform(2, 9, (60, 1))
    level = 1 / (1 + np.exp(-steep * (np.arange(16) - middle)))  # convex, then concave, like service under overload
    gain = rng.uniform(5, 200, (60, 1)) * (level - 0.8)
    first, cost = rng.integers(0, 30, 60), rng.choice([900.0, 1800.0] if seed % 2 else [900.0], 60)
    exact = allocate_agents(first, gain, cost)
    assert exact.gap == 0
    assert exact.cost == whole_problem(first, gain, cost)
    assert exact.cost <= greedy(first, gain, cost)[1]


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_more_to_serve_never_costs_less(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    first, gain, cost = random_case(rng, intervals=8, choices=5, convex=data.draw(st.booleans()), lengths=[900.0, 1800.0])
    harder = data.draw(st.floats(0, 5))
    assert allocate_agents(first, gain - harder, cost).cost >= allocate_agents(first, gain, cost).cost
    halved = allocate_agents(first, gain / 2, cost / 2, tolerance=TOLERANCE / 2)  # another unit
    assert halved.cost * 2 == pytest.approx(allocate_agents(first, gain, cost).cost)


def test_a_flooded_interval_gets_the_agent_that_brings_service():
    """From below the first agents of a flooded interval help nobody; only its tenth brings service."""
    gain = np.array([[-8.0] * 10 + [2.0], [-1.0, -0.5, 0.0] + [1.0] * 8])
    assert allocate_agents([0, 0], gain).agents.tolist() == [10, 0]


def test_the_target_is_met_not_nearly(monkeypatch):
    """An answer that the solver's tolerance lets pass but the target does not is forbidden, and the next best is found."""
    searches = []
    monkeypatch.setattr(allocation, "milp", lambda *args, **options: searches.append(1) or milp(*args, **options))
    rng = np.random.default_rng(0)
    again = 0
    for _ in range(60):
        # Sums that miss the target by less than 1e-7, where HiGHS looks no closer than 1e-6.
        gain = np.round(rng.uniform(-1, 1, (4, 3)), 1) - (rng.random((4, 3)) < 0.5) * 3e-8
        cost = np.round(rng.uniform(1, 9, 4), 1) + 0.05 * np.arange(4)
        searches.clear()
        assert allocate_agents(np.zeros(4), gain, cost).cost == pytest.approx(every_allocation([0] * 4, gain, cost))
        again += len(searches) > 1
    assert again > 0


def test_out_of_time_is_said(monkeypatch):
    """Where the search ends without an answer, the start is given with its distance from the bound."""
    gain, cost = np.array([[-4.0, -4.0, 6.0], [-4.0, -3.5, 4.5], [-3.0, 2.0, 2.5]]), np.array([600.0, 901.5, 1777.77])
    exact, hurried = allocate_agents([1, 1, 1], gain, cost), allocate_agents([1, 1, 1], gain, cost, time_limit_s=1e-9)
    assert exact.gap == 0
    assert hurried.cost >= exact.cost >= hurried.bound
    assert hurried.gap > 0
    assert hurried.gap == (hurried.cost - hurried.bound) / hurried.cost


def test_edges():
    nothing = allocate_agents(np.empty(0, dtype=int), np.empty((0, 3)))
    assert len(nothing.agents) == 0
    assert (nothing.cost, nothing.gap) == (0.0, 0.0)
    never = allocate_agents([3], [[-2.0, -1.0]])
    assert (never.agents.tolist(), never.cost) == ([4], np.inf)
    assert allocate_agents([3], [[0.0, 1.0]]).agents.tolist() == [3]


@pytest.mark.parametrize(
    ("first", "gain", "cost", "text"),
    [
        ([1, 2], [[0.0]], 1.0, "one row an interval"),
        ([1], [[np.nan]], 1.0, "finite"),
        ([1], [[-np.inf, -np.inf]], 1.0, "leave every interval a choice"),
        ([1], [[0.0]], 0.0, "positive"),
        ([1], [[0.0]], np.inf, "positive"),
    ],
)
def test_what_cannot_be_is_refused(first, gain, cost, text):
    with pytest.raises(OptionError, match=text):
        allocate_agents(first, gain, cost)
