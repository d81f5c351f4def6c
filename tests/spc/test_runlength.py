"""Run lengths against plain loops, exact counts of permutations, other equations for the same thing, and properties."""

from __future__ import annotations

import itertools
import math
import os
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import ccstats as cc
from ccstats.errors import OptionError
from ccstats.spc.automaton import rule_automaton
from ccstats.spc.rules import RULES, Rule, rules_of
from ccstats.spc.same_points import simulated_signal_share
from ccstats.spc.schemes import normal_machine
from ccstats.spc.signal_time import follow
from ccstats.spc.zone_chain import Autoregressive, zone_signals

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))


# Plain loops


def breaks(values: list[float], rule: Rule, width: float = 3.0) -> bool:
    """Whether the last of these values (in sigma from the centre) completes a pattern: the rule, read aloud."""
    last = values[-rule.window :]
    whole = len(last) == rule.window
    if rule.kind == "beyond":
        return abs(values[-1]) > width
    if rule.kind == "zone":
        same = whole and (min(last) > 0 or max(last) < 0)
        enough = sum(each > rule.zone for each in last) >= rule.count or sum(each < -rule.zone for each in last) >= rule.count
        return enough and (same or not rule.one_side)
    if not whole:
        return False
    if rule.kind == "run":
        return min(last) > 0 or max(last) < 0
    if rule.kind == "inside":
        return all(abs(each) <= rule.zone for each in last)
    if rule.kind == "outside":
        return all(abs(each) > rule.zone for each in last) and max(last) > 0 > min(last)
    rises = [later > earlier for earlier, later in itertools.pairwise(last)]
    if rule.kind == "trend":
        return all(rises) or not any(rises)
    return all(a != b for a, b in itertools.pairwise(rises))


def first_signal(values: list[float], rules: tuple[Rule, ...], width: float = 3.0) -> int:
    """The point of the first signal; one more than there are points where none signals."""
    for point in range(1, len(values) + 1):
        if any(breaks(values[:point], rule, width) for rule in rules):
            return point
    return len(values) + 1


def within(found: float, hits: int, charts: int) -> bool:
    """Whether a chance lies in the 99.99 % interval of a count."""
    low, high = stats.binomtest(hits, charts).proportion_ci(0.9999, method="exact")
    return bool(low <= found <= high)


CHARTS = max(1500, int(50_000 * EXAM))


@pytest.mark.parametrize(
    ("rules", "shift", "autocorrelation"),
    [
        ("western_electric", 0.5, 0.0),
        ("nelson", 0.0, 0.0),
        ("nelson", 0.7, 0.0),
        ("nelson", 0.3, 0.5),
        ("nhs", -0.4, 0.0),
        ("nhs", 0.0, -0.6),
        (Rule("out", "outside", count=3, zone=0.5), 0.8, -0.2),
        (("alternating_14", Rule("ins", "inside", count=5, zone=1.2)), 0.2, -0.4),
        ((Rule("z", "zone", 3, 5, 1.5, one_side=True), Rule("t", "trend", count=4)), 0.5, 0.3),
    ],
)
def test_rules_against_a_plain_loop(rules: object, shift: float, autocorrelation: float) -> None:
    chosen = rules_of(rules)  # type: ignore[arg-type]
    noise = np.random.default_rng(7).standard_normal((CHARTS, 30))
    x = noise.copy()
    for point in range(1, 30):
        x[:, point] = autocorrelation * x[:, point - 1] + math.sqrt(1 - autocorrelation**2) * noise[:, point]
    scores = (x + shift) / math.sqrt(1 - autocorrelation)
    signals = np.array([first_signal(row, chosen) for row in scores.tolist()])
    law = cc.spc.run_length(rules=chosen, shift=shift, autocorrelation=autocorrelation)
    for points in (1, 2, 3, 5, 9, 15, 20, 30):
        assert within(law.probability(points), int((signals <= points).sum()), CHARTS)


def test_counts_against_a_plain_loop() -> None:
    rng = np.random.default_rng(3)
    rules = rules_of("western_electric") + rules_of("inside_15")
    size = CHARTS, 25
    for law, draws, center, sd in [
        (cc.spc.run_length("c", mean=4, rules=rules), rng.poisson(4, size), 4, 2),  # every limit is a whole number
        (
            cc.spc.run_length("c", mean=6.5, rules=rules, shift=0.5),
            rng.poisson(6.5 + 0.5 * 2.55, size),
            6.5,
            math.sqrt(6.5),
        ),
        (cc.spc.run_length("p", mean=0.8, counts=25, rules=rules), rng.binomial(25, 0.8, size), 20, 2),
    ]:
        scores = (draws - center) / sd
        signals = np.array([first_signal(row, rules) for row in scores.tolist()])
        for points in (1, 2, 4, 8, 16, 25):
            assert within(law.probability(points), int((signals <= points).sum()), CHARTS)


def accumulate(values: list[float], k: float, h: float, head_start: float) -> int:
    up = down = head_start
    for point, value in enumerate(values, 1):
        up, down = max(0.0, up + value - k), max(0.0, down - value - k)
        if up > h or down > h:
            return point
    return len(values) + 1


@pytest.mark.parametrize(("k", "h", "head_start", "shift"), [(0.5, 4, 2, 0.5), (0.5, 4, 3.8, 0.3), (0.25, 3, 3, 0), (0.1, 5, 4, -0.4)])
def test_two_sided_cusum_with_any_head_start_against_a_plain_loop(k: float, h: float, head_start: float, shift: float) -> None:
    x = np.random.default_rng(5).standard_normal((5 * CHARTS, 40)) + shift
    signals = np.array([accumulate(row, k, h, head_start) for row in x.tolist()])
    law = cc.spc.run_length("cusum", k=k, h=h, head_start=head_start, shift=shift)
    for points in (1, 2, 3, 5, 8, 13, 21, 40):
        assert within(law.probability(points), int((signals <= points).sum()), len(x))


def test_ewma_with_exact_limits_and_one_side_against_a_plain_loop() -> None:
    weight, width = 0.15, 2.2
    for sides, limits, shift in [(2, "exact", 0.3), (1, "exact", 0.0), (1, "asymptotic", -0.2)]:
        signals = []
        for row in (np.random.default_rng(8).standard_normal((CHARTS, 30)) + shift).tolist():
            z, first = 0.0, 31
            for point, value in enumerate(row, 1):
                z += weight * (value - z)
                sd = math.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * point) if limits == "exact" else 1))
                if (z if sides == 1 else abs(z)) > width * sd:
                    first = point
                    break
            signals.append(first)
        law = cc.spc.run_length("ewma", weight=weight, width=width, limits=limits, sides=sides, shift=shift)
        for points in (1, 2, 4, 8, 16, 30):
            assert within(law.probability(points), int((np.array(signals) <= points).sum()), CHARTS)


@pytest.mark.parametrize("rules", ["shewhart", "nelson", "nhs"])
@pytest.mark.parametrize("autocorrelation", [0.0, 0.4])
def test_charts_that_judge_their_own_points_against_a_plain_loop(rules: str, autocorrelation: float) -> None:
    charts, points = 500, 40
    signals = 0
    for row in np.random.default_rng(11).standard_normal((charts, points)).tolist():
        x = row[:1]
        for value in row[1:]:
            x.append(autocorrelation * x[-1] + math.sqrt(1 - autocorrelation**2) * value)
        center = sum(x) / points
        sigma = sum(abs(b - a) for a, b in itertools.pairwise(x)) / (points - 1) / (2 / math.sqrt(math.pi))
        signals += first_signal([(value - center) / sigma for value in x], rules_of(rules)) <= points
    machine, cuts = normal_machine(rules_of(rules), 3.0)
    share = simulated_signal_share(points, machine, cuts, autocorrelation=autocorrelation, replications=charts, seed=11)
    assert share == signals / charts
    whole = cc.spc.signal_probability(
        points, rules=rules, autocorrelation=autocorrelation, estimated=True, replications=charts, seed=11, charts=3
    )
    assert float(whole) == pytest.approx(1 - (1 - share) ** 3, rel=1e-12)
    assert whole.standard_error == pytest.approx(3 * (1 - share) ** 2 * math.sqrt(share * (1 - share) / charts), rel=1e-12)


# Exact counts


def still_silent(points: int, rule: Rule) -> list[Fraction]:
    """Share of all orders of 1, 2, … points in which no trend (or alternation) is complete, by the rank of the last point."""
    ways: dict[tuple[int, int, int], int] = {(0, 0, 0): 1}  # rank of the last, direction of the last step, length of the pattern
    out = [Fraction(1)]
    for n in range(2, points + 1):
        after: dict[tuple[int, int, int], int] = {}
        for (last, direction, length), count in ways.items():
            for rank in range(n):  # among n points now: those at or above the new rank move up one
                step = 1 if rank > last else -1
                same = direction != 0 and (step == direction if rule.kind == "trend" else step == -direction)
                long = length + 1 if same else 1
                if long < rule.count - 1:
                    key = rank, step, long
                    after[key] = after.get(key, 0) + count
        ways = after
        out.append(Fraction(sum(ways.values()), math.factorial(n)))
    return out


@pytest.mark.parametrize("name", ["trend_of_6", "trend_of_7", "alternating_14"])
def test_rules_on_order_against_an_exact_count_of_permutations(name: str) -> None:
    silent = still_silent(24, RULES[name])
    found = cc.spc.run_length(rules=name, shift=0.7).probability(np.arange(1, 25))  # order does not know of shifts
    np.testing.assert_allclose(found, [float(1 - each) for each in silent], atol=1e-13)
    assert 0 < silent[23] < silent[22]


def test_anhoej_against_all_series() -> None:
    for points in (2, 7, 10, 12):
        signals = [cc.spc.runs_test(sides, center=0.5).signal for sides in itertools.product((0, 1), repeat=points)]
        assert float(cc.spc.signal_probability(points, rules="anhoj")) == pytest.approx(np.mean(signals), abs=1e-12)
    for points in (10, 12):
        halves = [np.isin(np.arange(points), high) for high in itertools.combinations(range(points), points // 2)]
        signals = [cc.spc.runs_test(sides.astype(float)).signal for sides in halves]
        for odd in (0, 1):  # a point on the median is left out
            found = cc.spc.signal_probability(points + odd, rules="anhoj", estimated=True)
            assert float(found) == pytest.approx(np.mean(signals), abs=1e-12)
    shifted = [
        0.7 ** sum(sides) * 0.3 ** (10 - sum(sides)) * cc.spc.runs_test(sides, center=0.5).signal
        for sides in itertools.product((0, 1), repeat=10)
    ]
    assert float(cc.spc.signal_probability(10, rules="anhoj", shift=stats.norm.ppf(0.7))) == pytest.approx(sum(shifted), abs=1e-12)
    assert 0 < float(cc.spc.signal_probability(2000, rules="anhoj", estimated=True)) < 1


def test_limits_alone_are_a_geometric_law() -> None:
    chance = 2 * stats.norm.sf(3)
    law = cc.spc.run_length()
    assert law.mean == pytest.approx(1 / chance, rel=1e-11)
    assert law.sd == pytest.approx(math.sqrt(1 - chance) / chance, rel=1e-11)
    assert law.probability(1000) == pytest.approx(1 - (1 - chance) ** 1000, rel=1e-11)
    assert law.quantile(0.99) == math.ceil(math.log(0.01) / math.log1p(-chance))
    counts = np.arange(0, 60)
    inside = stats.binom.pmf(counts, 60, 0.9)[np.abs(counts - 54) <= 3 * math.sqrt(5.4)].sum() + 0.9**60 * (3 * math.sqrt(5.4) >= 6)
    assert float(cc.spc.run_length("p", mean=0.9, counts=60)) == pytest.approx(1 / (1 - inside), rel=1e-9)
    assert float(cc.spc.run_length("np", mean=54, counts=60)) == pytest.approx(1 / (1 - inside), rel=1e-9)
    assert float(cc.spc.run_length("u", mean=0.25, counts=100)) == pytest.approx(float(cc.spc.run_length("c", mean=25)), rel=1e-12)
    assert float(cc.spc.run_length("c", mean=1e6)) == pytest.approx(370.4, rel=0.01)


# Other equations for the same thing


def test_ewma_against_the_integral_equation_of_the_mean() -> None:
    for weight, width, shift in [(0.1, 2.7, 0.0), (0.3, 3.0, 0.8), (0.03, 2.4, 0.2)]:
        limit = width * math.sqrt(weight / (2 - weight))
        x, w = np.polynomial.legendre.leggauss(150)
        x, w = x * limit, w * limit
        kernel = w * stats.norm.pdf((x - (1 - weight) * x[:, None]) / weight, loc=shift) / weight
        means = np.linalg.solve(np.eye(len(x)) - kernel, np.ones(len(x)))
        start = 1 + (w * stats.norm.pdf(x / weight, loc=shift) / weight) @ means
        assert float(cc.spc.run_length("ewma", weight=weight, width=width, shift=shift)) == pytest.approx(start, rel=1e-9)


def test_an_ewma_without_memory_is_the_chart_itself() -> None:
    for limits in ("asymptotic", "exact"):
        for shift in (0, 1.5):
            found = cc.spc.run_length("ewma", weight=1, width=3, limits=limits, shift=shift)
            assert float(found) == pytest.approx(float(cc.spc.run_length(shift=shift)), rel=1e-10)
            assert found.sd == pytest.approx(cc.spc.run_length(shift=shift).sd, rel=1e-10)


def test_one_sided_cusum_against_a_chain_of_many_states() -> None:
    # Brook & Evans (1972): the statistic in steps; the error falls with their square, so two sizes give the limit.
    def chain(states: int, k: float, h: float, shift: float) -> float:
        step = 2 * h / (2 * states - 1)
        place = step * np.arange(states)
        high = stats.norm.cdf(place + step / 2 - place[:, None] + k - shift)
        inside = np.diff(high, prepend=0, axis=1)
        return float(np.linalg.solve(np.eye(states) - inside, np.ones(states))[0])

    for k, h, shift in [(0.5, 4, 0.0), (0.25, 6, 0.5), (0.0, 3, 0.0)]:
        coarse, fine = chain(100, k, h, shift), chain(200, k, h, shift)
        assert float(cc.spc.run_length("cusum", k=k, h=h, sides=1, shift=shift)) == pytest.approx(fine + (fine - coarse) / 3, rel=1e-4)


def test_two_sided_cusum_against_the_formula_of_one_sided_ones() -> None:
    for k, h, head_start, shift in [(0.5, 4, 0, 0.3), (0.5, 5, 2.5, 0.0), (0.3, 3, 1.8, 1.0)]:
        up, up_0, down, down_0 = (
            float(cc.spc.run_length("cusum", k=k, h=h, head_start=start, sides=1, shift=sign * shift))
            for sign, start in ((1, head_start), (1, 0), (-1, head_start), (-1, 0))
        )
        both = (up * down_0 + down * up_0 - up_0 * down_0) / (up_0 + down_0)
        assert float(cc.spc.run_length("cusum", k=k, h=h, head_start=head_start, shift=shift)) == pytest.approx(both, rel=1e-9)
    exact, close = (float(cc.spc.run_length("cusum", k=0.5, h=4, method=method)) for method in ("exact", "siegmund"))
    assert close == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("rules", ["western_electric", "nelson", "nhs"])
def test_dependent_points_without_dependence_are_independent(rules: str) -> None:
    # Places within a cell are shares of its width here, and chances there: another integral for the same thing.
    machine, cuts = normal_machine(rules_of(rules), 3.0)
    other = follow(zone_signals(machine, Autoregressive(np.concatenate([[-np.inf], cuts - 0.4, [np.inf]]), 0.0)), method="")
    law = cc.spc.run_length(rules=rules, shift=0.4)
    assert other.mean == pytest.approx(law.mean, rel=1e-9)
    assert other.sd == pytest.approx(law.sd, rel=1e-9)


def test_states_by_power_iteration() -> None:
    # The machine of the Western Electric rules as a matrix, multiplied by hand.
    machine, cuts = normal_machine(rules_of("western_electric"), 3.0)
    chances = np.diff(stats.norm.cdf(np.concatenate([[-np.inf], cuts, [np.inf]])))
    step = np.zeros((len(machine.cell), len(machine.cell)))
    law = np.zeros(len(machine.cell))
    for cell, chance in enumerate(chances):
        if machine.start[cell] >= 0:
            law[machine.start[cell]] += chance
        for state, following in enumerate(machine.follow[:, cell, 0]):
            if following >= 0:
                step[state, following] += chance
    mean = 1 + float(np.linalg.solve(np.eye(len(step)) - step, np.ones(len(step))) @ law)
    assert float(cc.spc.run_length(rules="western_electric")) == pytest.approx(mean, rel=1e-10)
    for points in range(1, 30):
        assert cc.spc.run_length(rules="western_electric").probability(points) == pytest.approx(1 - law.sum(), rel=1e-9)
        law = law @ step


def test_the_machine_is_small() -> None:
    cells = np.array([-1.0, 1.0])
    assert len(rule_automaton(rules_of(["run_of_8", "run_of_9"]), cells, 3.0).cell) == 14  # the longer run never comes to be
    assert len(normal_machine(rules_of("nelson"), 3.0)[0].cell) < 6000


# Properties

SHIFTS = st.floats(0, 4)
SETS = st.sampled_from(["shewhart", "western_electric", "nhs", "run_of_9", "inside_15", "provost_murray"])
SCHEMES = st.one_of(
    st.fixed_dictionaries({"chart": st.just("xmr"), "rules": st.sampled_from(["shewhart", "western_electric", "nhs"])}),
    st.fixed_dictionaries({"chart": st.just("cusum"), "k": st.floats(0.1, 1), "h": st.floats(1, 6), "head_start": st.floats(0, 1)}),
    st.fixed_dictionaries(
        {
            "chart": st.just("ewma"),
            "weight": st.floats(0.05, 1),
            "width": st.floats(1, 3.5),
            "limits": st.sampled_from(["asymptotic", "exact"]),
        }
    ),
)


@settings(max_examples=25, deadline=None)
@given(scheme=SCHEMES, shifts=st.tuples(SHIFTS, SHIFTS))
def test_a_larger_shift_is_found_sooner_on_either_side(scheme: dict[str, object], shifts: tuple[float, float]) -> None:
    small, large = (cc.spc.run_length(**scheme, shift=shift) for shift in sorted(shifts))
    assert large.mean <= small.mean * (1 + 1e-9)
    assert float(cc.spc.run_length(**scheme, shift=-max(shifts))) == pytest.approx(large.mean, rel=1e-8)


@settings(max_examples=25, deadline=None)
@given(scheme=SCHEMES, shift=SHIFTS, q=st.floats(0.01, 0.99))
def test_the_law_is_one(scheme: dict[str, object], shift: float, q: float) -> None:
    law = cc.spc.run_length(**scheme, shift=shift)
    points = np.arange(0, 400)
    chance = law.probability(points)
    assert chance[0] == 0
    assert (np.diff(chance) >= -1e-12).all()
    assert (chance <= 1).all()
    at = law.quantile(q)
    assert law.probability(at) >= q > law.probability(at - 1)
    most = np.arange(int(law.quantile(1 - 1e-9)) + 1) if law.mean < 2000 else points
    if law.mean < 2000:  # the mean is the sum of what is still silent, the second moment that of 2 n + 1
        silent = 1 - law.probability(most)
        assert law.mean == pytest.approx(silent.sum(), rel=1e-6)
        assert law.sd**2 == pytest.approx(((2 * most + 1) * silent).sum() - law.mean**2, rel=1e-5, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(fewer=SETS, more=SETS, shift=st.floats(0, 2), points=st.integers(1, 60))
def test_more_rules_signal_sooner(fewer: str, more: str, shift: float, points: int) -> None:
    one, both = (cc.spc.run_length(rules=rules, shift=shift) for rules in (fewer, list({*rules_of(fewer), *rules_of(more)})))
    assert both.mean <= one.mean * (1 + 1e-9)
    assert both.probability(points) >= one.probability(points) - 1e-12


@settings(max_examples=15, deadline=None)
@given(scheme=SCHEMES, points=st.integers(1, 20), probability=st.floats(0.3, 0.99), direction=st.sampled_from(["up", "down"]))
def test_the_detectable_shift_is_where_it_is_found(scheme: dict[str, object], points: int, probability: float, direction: str) -> None:
    size = cc.spc.detectable_shift(**scheme, points=points, probability=probability, direction=direction)
    sign = 1 if direction == "up" else -1
    found = float(cc.spc.signal_probability(points, **scheme, shift=sign * size))
    if size > 0:
        assert found == pytest.approx(probability, abs=1e-7)
    else:
        assert found >= probability


def test_detectable_shift_by_the_mean_and_at_the_ends() -> None:
    size = cc.spc.detectable_shift("cusum", k=0.5, h=4, mean_run_length=8)
    assert float(cc.spc.run_length("cusum", k=0.5, h=4, shift=size)) == pytest.approx(8, rel=1e-8)
    assert cc.spc.detectable_shift(mean_run_length=400) == 0  # false alarms alone come sooner
    assert cc.spc.detectable_shift("c", mean=4, points=5, direction="down") == math.inf  # there is no lower limit
    assert 2 < cc.spc.detectable_shift("c", mean=25, points=5, direction="down") < 5
    down = cc.spc.detectable_shift("p", mean=0.8, counts=100, points=5, direction="down")
    assert cc.spc.signal_probability(5, "p", mean=0.8, counts=100, shift=-down).probability == pytest.approx(0.9, abs=1e-7)
    assert cc.spc.detectable_shift("p", mean=0.5, counts=4, points=1, probability=0.99) == math.inf


def test_schemes_that_never_signal() -> None:
    law = cc.spc.run_length("p", mean=0.5, counts=4)
    assert math.isinf(law.mean)
    assert math.isinf(law.median)
    assert law.probability([0, 10**9]).tolist() == [0, 0]


def test_more_charts_give_more_false_alarms() -> None:
    one = float(cc.spc.signal_probability(20))
    assert one == pytest.approx(1 - (1 - 2 * stats.norm.sf(3)) ** 20, rel=1e-10)
    assert float(cc.spc.signal_probability(20, charts=50)) == pytest.approx(1 - (1 - one) ** 50, rel=1e-10)
    assert float(cc.spc.signal_probability(0)) == 0
    assert float(cc.spc.signal_probability(1, estimated=True)) == 0


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: cc.spc.run_length("xbar"), "xmr, cusum"),
        (lambda: cc.spc.run_length("ewmaa", weight=0.1, width=3), "Did you mean ewma"),
        (lambda: cc.spc.run_length("xmr", k=1), "takes no k="),
        (lambda: cc.spc.run_length("cusum", k=0.5), "needs h="),
        (lambda: cc.spc.run_length("cusum", k=0.5, h=4, head_start=5), "head_start=5"),
        (lambda: cc.spc.run_length("cusum", k=0, h=4), "above 0"),
        (lambda: cc.spc.run_length("cusum", k=0.5, h=4, sides=3), "sides=3"),
        (lambda: cc.spc.run_length("cusum", k=0.5, h=4, method="guess"), "siegmund"),
        (lambda: cc.spc.run_length("cusum", k=0.5, h=4, head_start=1, method="siegmund"), "begins at 0"),
        (lambda: cc.spc.run_length("cusum", k=0.5, h=4, method="siegmund").probability(3), "mean run length only"),
        (lambda: cc.spc.run_length("ewma", weight=0, width=3), "weight=0"),
        (lambda: cc.spc.run_length("ewma", weight=0.1, width=3, limits="no"), "asymptotic"),
        (lambda: cc.spc.run_length(shift="far"), "shift='far'"),
        (lambda: cc.spc.run_length(shift=[0, 1]), "finite number"),
        (lambda: cc.spc.run_length(shift=math.nan), "finite number"),
        (lambda: cc.spc.run_length(width=0), "width=0"),
        (lambda: cc.spc.run_length(autocorrelation=1), "autocorrelation=1"),
        (lambda: cc.spc.run_length(rules="anhoj"), "judges a whole series"),
        (lambda: cc.spc.run_length(rules="nelsen"), "Did you mean nelson"),
        (lambda: cc.spc.run_length(rules=Rule("wide", "zone", 10, 30, 1.0)), "too wide"),
        (lambda: cc.spc.run_length("c", mean=4, rules="nelson"), "compare neighbours"),
        (lambda: cc.spc.run_length("c", mean=0), "mean=0"),
        (lambda: cc.spc.run_length("c", mean=4, shift=-3), "takes the mean from 4 to -2"),
        (lambda: cc.spc.run_length("p", mean=0.8, counts=12.5), "whole number"),
        (lambda: cc.spc.run_length("p", mean=80, counts=100), "mean=80"),
        (lambda: cc.spc.run_length().probability(2.5), "whole numbers of points"),
        (lambda: cc.spc.run_length().probability("ten"), "whole numbers of points"),
        (lambda: cc.spc.run_length().quantile(1), "q=1"),
        (lambda: cc.spc.signal_probability(-1), "points=-1"),
        (lambda: cc.spc.signal_probability(10, charts=0), "charts=0"),
        (lambda: cc.spc.signal_probability(10, "ewma", weight=0.1, width=3, estimated=True), "for chart 'xmr'"),
        (lambda: cc.spc.signal_probability(10, shift=1, estimated=True), "shift along"),
        (lambda: cc.spc.signal_probability(10, estimated=True, replications=0), "replications=0"),
        (lambda: cc.spc.signal_probability(10, rules=["anhoj", "run_of_8"]), "neither with other rules"),
        (lambda: cc.spc.signal_probability(10, "c", mean=4, rules="anhoj"), "nor with counts"),
        (lambda: cc.spc.signal_probability(10, rules="anhoj", autocorrelation=0.3), "autocorrelation"),
        (lambda: cc.spc.detectable_shift(), "points="),
        (lambda: cc.spc.detectable_shift(points=5, mean_run_length=4), "one of the two"),
        (lambda: cc.spc.detectable_shift(points=5, shift=1), "leave it out"),
        (lambda: cc.spc.detectable_shift(points=5, probability=1), "probability=1"),
        (lambda: cc.spc.detectable_shift(mean_run_length=1), "above 1"),
        (lambda: cc.spc.detectable_shift(points=5, direction="left"), "'up' or 'down'"),
    ],
)
def test_what_cannot_be_is_refused(call: object, text: str) -> None:
    with pytest.raises(OptionError, match=text):
        call()  # type: ignore[operator]


@pytest.mark.parametrize("options", [{"points": 5, "probability": "x"}, {"points": 5, "probability": None}, {"mean_run_length": "x"}])
def test_words_for_numbers_are_refused(options: dict) -> None:
    with pytest.raises(OptionError, match="must"):
        cc.spc.detectable_shift("xmr", **options)


@pytest.mark.parametrize("seed", ["x", -1])
def test_what_is_no_seed_is_refused(seed: object) -> None:
    with pytest.raises(OptionError, match="seed="):
        cc.spc.signal_probability(10, estimated=True, seed=seed)
