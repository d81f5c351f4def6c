"""Funnels, shares and constants against SciPy's laws, simulation and printed tables."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

import ccstats as cc
from ccstats.errors import OptionError
from ccstats.spc.funnel import funnel_limits

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))


# --- funnel -----------------------------------------------------------------------------------------------------------------------------


@given(center=st.floats(0.02, 0.98), size=st.integers(2, 2000), coverage=st.sampled_from([0.9, 0.95, 0.998]))
@settings(max_examples=60, deadline=None)
def test_exact_limits_are_the_confidence_limits_about_the_centre(center: float, size: int, coverage: float) -> None:
    tail = (1 - coverage) / 2
    low, high = funnel_limits(center, [size], coverage=coverage)
    k = center * size
    assert low[0] == pytest.approx(stats.beta.ppf(tail, k, size - k + 1), rel=1e-9)
    assert high[0] == pytest.approx(stats.beta.ppf(1 - tail, k + 1, size - k), rel=1e-9)
    low, high = funnel_limits(center, [size], coverage=coverage, distribution="poisson")
    assert low[0] * size == pytest.approx(stats.chi2.ppf(tail, 2 * k) / 2, rel=1e-9)
    assert high[0] * size == pytest.approx(stats.chi2.ppf(1 - tail, 2 * (k + 1)) / 2, rel=1e-9)


@given(center=st.floats(0.02, 0.98), size=st.integers(2, 500), chance=st.sampled_from([0.9, 0.95, 0.998]), shares=st.booleans())
@settings(max_examples=80, deadline=None)
def test_interpolated_limits_are_their_loop(center: float, size: int, chance: float, shares: bool) -> None:
    law = stats.binom(size, center) if shares else stats.poisson(size * center)
    got = funnel_limits(center, [size], coverage=chance, method="interpolated", distribution="binomial" if shares else "poisson")
    for limit, tail in zip(got, ((1 - chance) / 2, 1 - (1 - chance) / 2), strict=True):
        reached = law.cdf(np.arange(-1, 3 * size + 50))  # from -1 on, where it is 0
        r = 0
        while reached[r + 1] < tail:
            r += 1
        assert limit[0] * size == pytest.approx(r - (reached[r + 1] - tail) / (reached[r + 1] - reached[r]), rel=1e-6, abs=1e-6)


def test_normal_limits() -> None:
    low, high = funnel_limits(0.5, [100, 0], coverage=0.95, method="normal")
    np.testing.assert_allclose([low[0], high[0]], [0.5 - 1.959963985 * 0.05, 0.5 + 1.959963985 * 0.05])
    assert np.isnan(low[1])


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_few_contacts_mean_wide_limits(seed: int) -> None:
    counts = np.sort(np.random.default_rng(seed).integers(5, 2000, 30))
    chart = cc.spc.limits("funnel", np.random.default_rng(seed).binomial(counts, 0.7), counts)
    assert (np.diff(chart.upper - chart.lower) <= 1e-12).all()
    assert (chart.lower <= chart.details["warning_lower"]).all()
    assert (chart.details["warning_upper"] <= chart.upper).all()
    assert (chart.lower >= 0).all()
    assert (chart.upper <= 1).all()


def test_alike_agents_stay_inside() -> None:
    generator = np.random.default_rng(2)
    units = int(100_000 * max(EXAM, 0.2))
    counts = generator.integers(20, 400, units)
    chart = cc.spc.limits("funnel", generator.binomial(counts, 0.8), counts)
    outside = np.mean(chart.signals)
    warned = np.mean((chart.statistic > chart.details["warning_upper"]) | (chart.statistic < chart.details["warning_lower"]))
    # Counts are whole numbers, so that exact limits hold a little more than they promise.
    assert 0.0005 < outside < 0.002 + 4 * math.sqrt(0.002 / units)
    assert 0.03 < warned < 0.05


@pytest.mark.parametrize(("kind", "between"), [("multiplicative", 0.05), ("additive", 0.05), ("additive", 0.0), ("multiplicative", 0.0)])
def test_overdispersion_is_found_and_the_limits_hold(kind: str, between: float) -> None:
    generator = np.random.default_rng(3)
    counts = generator.integers(150, 250, 4000)
    values = generator.binomial(counts, generator.normal(0.6, between, 4000).clip(0, 1))
    chart = cc.spc.limits("funnel", values, counts, overdispersion=kind, winsorize=0.0)
    law = math.sqrt(0.24 / 200)
    if kind == "additive":
        assert chart.baseline.sigma[0] == pytest.approx(between, abs=0.004 if between else 0.012)
    else:
        assert chart.baseline.sigma[0] == pytest.approx(math.hypot(law, between) / law, rel=0.04)
    assert np.mean(chart.signals) < 0.004
    assert cc.spc.limits("funnel", values, counts).signals.mean() > (0.05 if between else 0.0005)


def test_overdispersion_is_its_loop() -> None:
    values, counts = np.array([40.0, 70, 45, 65, 52, 90]), np.array([100.0, 110, 90, 100, 120, 100])
    center = values.sum() / counts.sum()
    variance = [center * (1 - center) / n for n in counts]
    score = [(v / n - center) / math.sqrt(s) for v, n, s in zip(values, counts, variance, strict=True)]
    low, high = np.quantile(score, [0.1, 0.9])
    square = [min(max(each, low), high) ** 2 for each in score]
    phi = sum(square) / len(square)
    one = cc.spc.limits("funnel", values, counts, overdispersion="multiplicative")
    exact = cc.spc.limits("funnel", values, counts)
    assert one.baseline.sigma[0] == pytest.approx(math.sqrt(phi))
    np.testing.assert_allclose(one.lower - center, math.sqrt(phi) * (exact.lower - center))
    np.testing.assert_allclose(one.sigma, [math.sqrt(phi * s) for s in variance])
    weight = [1 / s for s in variance]
    tau2 = (len(score) * phi - (len(score) - 1)) / (sum(weight) - sum(w * w for w in weight) / sum(weight))
    two = cc.spc.limits("funnel", values, counts, overdispersion="additive", clip=False)
    assert two.baseline.sigma[0] == pytest.approx(math.sqrt(tau2))
    np.testing.assert_allclose(two.sigma, [math.sqrt(s + tau2) for s in variance])
    np.testing.assert_allclose((two.upper - center) / (exact.upper - center), [math.sqrt(1 + tau2 / s) for s in variance])


def test_what_a_funnel_refuses() -> None:
    with pytest.raises(OptionError, match="no order in time"):
        cc.spc.limits("funnel", [1, 2], [3, 4], phases=[1])
    with pytest.raises(OptionError, match="values\\[0\\]=5 over counts\\[0\\]=3"):
        cc.spc.limits("funnel", [5, 2], [3, 4])
    assert cc.spc.limits("funnel", [5, 2], [3, 4], distribution="poisson").statistic[0] == pytest.approx(5 / 3)
    with pytest.raises(OptionError, match="center=1.2 is no share"):
        cc.spc.limits("funnel", [1, 2], [3, 4], center=1.2)
    with pytest.raises(OptionError, match="at least 2 units"):
        cc.spc.limits("funnel", [1], [3], overdispersion="additive")
    with pytest.raises(OptionError, match="found no spread"):
        cc.spc.limits("funnel", [3, 4], [3, 4])
    with pytest.raises(OptionError, match="choose 'binomial' or 'poisson'"):
        funnel_limits(0.5, [3], distribution="normal")
    with pytest.raises(OptionError, match="must lie between 0 and 1"):
        funnel_limits(1.5, [3])


# --- Wilson's interval ------------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 500), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
@settings(max_examples=100, deadline=None)
def test_wilson_is_scipys(counted: int, data: st.DataObject, confidence: float) -> None:
    met = data.draw(st.integers(0, counted))
    theirs = stats.binomtest(met, counted).proportion_ci(confidence, method="wilson")
    low, high = cc.spc.wilson_interval(met, counted, confidence=confidence)
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert 0 <= low <= met / counted <= high <= 1


def test_wilson_of_arrays_and_of_nothing() -> None:
    low, high = cc.spc.wilson_interval([0, 5, 10, float("nan")], [0, 10, 10, 3])
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, False, False, True]
    assert high[2] == 1.0
    assert isinstance(cc.spc.wilson_interval(1, 2)[0], float)
    for wrong in ((-1, 3), (4, 3), (1, float("inf")), ("a", 3), ([1, 2], [1, 2, 3])):
        with pytest.raises(OptionError, match="met"):
            cc.spc.wilson_interval(*wrong)
    with pytest.raises(OptionError, match="confidence=95"):
        cc.spc.wilson_interval(1, 3, confidence=95)


# --- constants --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 3, 5, 8, 25])
def test_constants_are_the_integrals(size: int) -> None:
    mean, _ = integrate.quad(lambda x: 1 - stats.norm.cdf(x) ** size - (1 - stats.norm.cdf(x)) ** size, -12, 12, epsabs=1e-12, limit=200)
    assert cc.spc.d2(size) == pytest.approx(mean, abs=1e-9)
    grid = np.linspace(-8, 8, 1601)
    low, high = np.meshgrid(stats.norm.cdf(grid), stats.norm.cdf(grid), indexing="ij")
    either = np.triu(1 - high**size - (1 - low) ** size + np.abs(high - low) ** size)  # one value below x, one above y
    square = (2 * either.sum() - np.trace(either)) * 0.01**2  # the diagonal belongs to the half by half
    assert cc.spc.d3(size) == pytest.approx(math.sqrt(square - mean**2), abs=2e-5)
    assert cc.spc.c4(size) == pytest.approx(math.sqrt(2 / (size - 1)) * math.gamma(size / 2) / math.gamma((size - 1) / 2), rel=1e-12)


def test_closed_forms() -> None:
    assert cc.spc.d2(2) == pytest.approx(2 / math.sqrt(math.pi), abs=1e-11)
    assert cc.spc.d2(3) == pytest.approx(3 / math.sqrt(math.pi), abs=1e-11)
    assert cc.spc.d3(2) == pytest.approx(math.sqrt(2 - 4 / math.pi), abs=1e-10)
    assert cc.spc.c4(10_000_000) == pytest.approx(1 - 1 / (4 * 9_999_999), abs=1e-13)
    np.testing.assert_allclose(cc.spc.c4([1, 2]), [np.nan, math.sqrt(2 / math.pi)])


@pytest.mark.parametrize(
    ("size", "printed"),
    [  # the table of every textbook, three decimals
        (2, {"A": 2.121, "A2": 1.880, "A3": 2.659, "B4": 3.267, "B6": 2.606, "d2": 1.128, "d3": 0.853, "D2": 3.686, "D4": 3.267}),
        (5, {"A": 1.342, "A2": 0.577, "A3": 1.427, "B3": 0, "B4": 2.089, "B6": 1.964, "d2": 2.326, "d3": 0.864, "D2": 4.918, "D4": 2.114}),
        (
            10,
            {
                "A3": 0.975,
                "B3": 0.284,
                "B4": 1.716,
                "B5": 0.276,
                "B6": 1.669,
                "d2": 3.078,
                "d3": 0.797,
                "D1": 0.687,
                "D3": 0.223,
                "D4": 1.777,
            },
        ),
    ],
)
def test_constants_round_to_the_printed_table(size: int, printed: dict[str, float]) -> None:
    got = cc.spc.chart_constants(size)._asdict()
    assert {name: got[name] for name in printed} == pytest.approx(printed, abs=1.1e-3)


def test_constants_refuse_what_is_no_size() -> None:
    for wrong in (1, 2.5, True, 20_000, "5"):
        with pytest.raises(OptionError, match="is no subgroup size"):
            cc.spc.d2(wrong)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="width=0"):
        cc.spc.chart_constants(5, width=0)
