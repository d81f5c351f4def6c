"""Survival curves and hazards: against published values, SciPy, exact fractions in plain loops, and simulated truth."""

from __future__ import annotations

import csv
import math
import os
import warnings
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ccstats.errors import OptionError
from ccstats.queueing.survival import durations, hazard_rate, kaplan_meier, poisson_limits

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
EXAMPLES = max(40, int(1000 * EXAM))

#: Weeks in remission on 6-MP (Freireich et al. 1963); negative where the patient was still in remission.
WEEKS = np.array([6, 6, 6, 7, 10, 13, 16, 22, 23, -6, -9, -10, -11, -17, -19, -20, -25, -32, -32, -34, -35.0])
REFERENCE = list(csv.DictReader((Path(__file__).parents[1] / "reference" / "survival_6mp.csv").read_text(encoding="utf-8").splitlines()))

censored = st.lists(st.tuples(st.integers(0, 12).map(float), st.booleans()), min_size=1, max_size=40)


def columns(pairs):
    return np.array([wait for wait, _ in pairs]), np.array([ended for _, ended in pairs], dtype=bool)


def plain_curve(pairs):
    """Survival and Greenwood's sum after each time, in exact fractions; the sum is None where nobody is left."""
    share, spread, rows = Fraction(1), Fraction(0), []
    for time in sorted({0.0, *(wait for wait, ended in pairs if ended), max(wait for wait, _ in pairs)}):
        at_risk = sum(wait >= time for wait, _ in pairs)
        ends = sum(wait == time and ended for wait, ended in pairs)
        share *= Fraction(at_risk - ends, at_risk)
        if spread is not None:
            spread = spread + Fraction(ends, at_risk * (at_risk - ends)) if at_risk > ends else None
        rows.append((time, at_risk, ends, share, spread))
    return rows


@pytest.mark.parametrize("row", REFERENCE, ids=lambda row: f"{row['quantity']}{row['time']}")
def test_published(row):
    curve = kaplan_meier(np.abs(WEEKS), WEEKS > 0)
    at = int(np.searchsorted(curve.time_s, float(row["time"] or 0)))
    found = {"survival": curve.survival[at], "se": curve.survival_se[at], "median": curve.quantile(0.5)[0]}[row["quantity"]]
    assert found == pytest.approx(float(row["value"]), abs=0.0 if row["quantity"] == "median" else 0.5 * 10.0 ** -int(row["digits"]))


@given(censored)
@settings(max_examples=EXAMPLES, deadline=None)
def test_curve_is_the_plain_one(pairs):
    curve, expected = kaplan_meier(*columns(pairs)), plain_curve(pairs)
    assert curve.time_s.tolist() == [row[0] for row in expected]
    assert curve.at_risk.tolist() == [row[1] for row in expected]
    assert curve.events.tolist() == [row[2] for row in expected]
    for place, (_, _, _, share, spread) in enumerate(expected):
        assert curve.survival[place] == pytest.approx(float(share), rel=1e-12, abs=0)
        if share == 0:
            assert np.isnan([curve.survival_se[place], curve.survival_low[place], curve.survival_high[place]]).all()
        elif share == 1:
            assert (curve.survival_se[place], curve.survival_low[place], curve.survival_high[place]) == (0, 1, 1)
        else:
            assert curve.survival_se[place] == pytest.approx(float(share) * math.sqrt(spread), rel=1e-9)
            centre = math.log(-math.log(share))
            reach = stats.norm.ppf(0.975) * math.sqrt(spread) / -math.log(share)
            low, high = (math.exp(-math.exp(centre + sign * reach)) for sign in (1, -1))
            assert (curve.survival_low[place], curve.survival_high[place]) == (pytest.approx(low, rel=1e-9), pytest.approx(high, rel=1e-9))


@pytest.mark.parametrize("seed", range(5))
def test_curve_is_that_of_scipy(seed):
    rng = np.random.default_rng(seed)
    wait, ended = rng.integers(1, 60, 200) / 2, rng.random(200) < 0.6
    curve = kaplan_meier(wait, ended, confidence=0.9)
    peer = stats.ecdf(stats.CensoredData.right_censored(wait, ~ended)).sf
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # SciPy says so where its limits are undefined
        limits = peer.confidence_interval(0.9, method="log-log")
    at = np.searchsorted(peer.quantiles, curve.time_s[1:-1], side="right") - 1
    np.testing.assert_allclose(curve.survival[1:-1], peer.probabilities[at], rtol=1e-12)
    np.testing.assert_allclose(curve.survival_low[1:-1], limits.low.probabilities[at], rtol=1e-9)
    np.testing.assert_allclose(curve.survival_high[1:-1], limits.high.probabilities[at], rtol=1e-9)


@given(censored, st.sampled_from([0.1, 0.25, 0.5, 0.75]))
@settings(max_examples=EXAMPLES, deadline=None)
def test_quantile_value_and_mean(pairs, share):
    curve, rows = kaplan_meier(*columns(pairs)), plain_curve(pairs)
    reached = [time for time, _, _, left, _ in rows if left <= 1 - Fraction(str(share))]
    value, low, high = curve.quantile(share)
    assert value == reached[0] if reached else math.isnan(value)
    assert not low > value
    assert not high < value
    area = sum(float(left) * (later[0] - time) for (time, _, _, left, _), later in zip(rows, rows[1:], strict=False))
    assert curve.mean_s() == pytest.approx(area, rel=1e-12)
    last = rows[-1]
    for time in (0.0, 0.5, 3.0, 11.9, last[0], last[0] + 0.5):
        left = [row[3] for row in rows if row[0] <= time][-1]
        known = time <= last[0] or last[3] == 0
        assert curve.at(time) == (pytest.approx(float(left)) if known else pytest.approx(math.nan, nan_ok=True))
    assert np.isnan(curve.at(-1.0))


def test_mean_of_what_was_all_seen_is_the_mean():
    wait = np.random.default_rng(3).exponential(50, 500)
    assert kaplan_meier(wait, np.ones(500, dtype=bool)).mean_s() == pytest.approx(wait.mean(), rel=1e-12)


def test_thinned_curve_is_exact_where_it_remains():
    rng = np.random.default_rng(4)
    curve = kaplan_meier(rng.exponential(60, 20_000), rng.random(20_000) < 0.3)
    thin = curve.thin(101)
    at = np.searchsorted(curve.time_s, thin.time_s)
    assert 60 < len(thin.time_s) <= 101
    assert (thin.time_s[0], thin.time_s[-1]) == (0.0, curve.time_s[-1])
    np.testing.assert_array_equal(thin.survival, curve.survival[at])
    np.testing.assert_array_equal(np.cumsum(thin.events), np.cumsum(curve.events)[at])
    np.testing.assert_array_equal(thin.at_risk, curve.at_risk[at])
    assert curve.thin(len(curve.time_s)) is curve


def test_nothing():
    curve = kaplan_meier([], [])
    assert all(len(each) == 0 for each in curve)
    assert np.isnan([*curve.quantile(0.5), curve.mean_s(), float(curve.at(3.0))]).all()
    assert hazard_rate([], [], edges_s=[0, 5]).events.tolist() == [0]


def test_coverage_of_the_limits():
    """Limits at three times hold the true share about as often as they say."""
    rng, runs = np.random.default_rng(5), max(100, int(3000 * EXAM))
    times, inside = np.array([10.0, 40.0, 80.0]), np.zeros(3)
    for _ in range(runs):
        patience, offered = rng.exponential(60, 150), rng.exponential(80, 150)
        curve = kaplan_meier(np.minimum(patience, offered), patience <= offered)
        at = np.searchsorted(curve.time_s, times, side="right") - 1
        true = np.exp(-times / 60)
        inside += (curve.survival_low[at] <= true) & (true <= curve.survival_high[at])
    assert (np.abs(inside / runs - 0.95) < 4 * math.sqrt(0.95 * 0.05 / runs) + 0.01).all()


@given(censored, st.sampled_from([0.0, 1.0, 2.5]), st.sampled_from([(0, 3, 6, 12), (0, 1, 2, 5), (2, 4.5, 7)]))
@settings(max_examples=EXAMPLES, deadline=None)
def test_hazard_is_the_plain_one(pairs, smooth, edges):
    rates = hazard_rate(*columns(pairs), edges_s=edges, smooth_s=smooth)

    def plain(start, end):
        last = end == edges[-1]
        events = sum(ended and (start <= wait < end or (last and wait == end)) for wait, ended in pairs)
        return events, sum(max(min(wait, end) - start, 0) for wait, _ in pairs)

    for place, (start, end) in enumerate(zip(edges, edges[1:], strict=False)):
        events, exposure = plain(start, end)
        assert (rates.start_s[place], rates.end_s[place], rates.events[place]) == (start, end, events)
        assert rates.exposure_s[place] == pytest.approx(exposure, abs=1e-9)
        near, time = plain(max(start - smooth, edges[0]), min(end + smooth, edges[-1]))
        low, high = poisson_limits(near)
        expected = [each / time if time else math.nan for each in (near, low, high)]
        found = [rates.hazard[place], rates.hazard_low[place], rates.hazard_high[place]]
        assert found == [pytest.approx(each, rel=1e-9, nan_ok=True) for each in expected]


@pytest.mark.parametrize("count", [0, 1, 2, 7, 60, 5000])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_poisson_limits_miss_by_half_on_either_side(count, confidence):
    low, high = (float(each) for each in poisson_limits(count, confidence=confidence))
    miss = (1 - confidence) / 2
    assert stats.poisson.cdf(count, high) == pytest.approx(miss, rel=1e-9)
    assert low == 0 if count == 0 else stats.poisson.sf(count - 1, low) == pytest.approx(miss, rel=1e-9)
    if count:
        assert 2 * low == pytest.approx(stats.chi2.ppf(miss, 2 * count), rel=1e-9)


@pytest.mark.parametrize(
    ("wait", "event"),
    [([1.0, np.nan], [True, True]), ([-1.0], [True]), ([np.inf], [False]), ([1.0], [1]), ([1.0], [True, False]), ([[1.0]], [[True]])],
)
def test_bad_durations(wait, event):
    with pytest.raises(OptionError, match=r"durations|events"):
        durations(wait, event)


@pytest.mark.parametrize("edges", [[0], [0, 0], [5, 3], [-1, 3], [0, np.inf]])
def test_bad_edges(edges):
    with pytest.raises(OptionError, match="edges_s="):
        hazard_rate([1.0], [True], edges_s=edges)


def test_bad_options():
    with pytest.raises(OptionError, match="confidence="):
        kaplan_meier([1.0], [True], confidence=95)
    with pytest.raises(OptionError, match="smooth_s="):
        hazard_rate([1.0], [True], edges_s=[0, 1], smooth_s=-1)
