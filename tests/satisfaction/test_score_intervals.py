"""Intervals of scores: coverage counted over all answers, published limits, and the plain sums behind them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import optimize, special

from ccstats.satisfaction.score_intervals import mean_interval, net_interval, net_standard_error


@pytest.mark.parametrize("count", [1, 5, 10, 20, 30])
def test_exact_up_to_thirty_covers_as_promised(count):
    pairs = np.array([(b, c) for b in range(count + 1) for c in range(count + 1 - b)])
    up, down = pairs.T
    low, high, method = net_interval(up, down, np.full(len(up), count))
    assert set(method) == {"exact"}
    ways = special.gammaln(count + 1) - special.gammaln(up + 1) - special.gammaln(down + 1) - special.gammaln(count - up - down + 1)
    covered = []
    for p, d in itertools.product(np.linspace(0, 1, 21), repeat=2):
        if p + d <= 1 + 1e-9:
            rest = max(1 - p - d, 0.0)
            law = np.exp(ways + special.xlogy(up, p) + special.xlogy(down, d) + special.xlogy(count - up - down, rest))
            covered.append(law @ ((low <= 100 * (p - d) + 1e-9) & (high >= 100 * (p - d) - 1e-9)))
    assert min(covered) >= 0.95
    assert np.mean(covered) <= {1: 1.0, 5: 0.985}.get(count, 0.98)  # and is not wide for nothing
    assert (low <= 100 * (up - down) / count).all()
    assert (high >= 100 * (up - down) / count).all()


@pytest.mark.parametrize(("count", "least"), [(31, 0.93), (60, 0.935)])
def test_beyond_thirty_it_covers_nearly_as_much(count, least):
    pairs = np.array([(b, c) for b in range(count + 1) for c in range(count + 1 - b)])
    up, down = pairs.T
    low, high, method = net_interval(up, down, np.full(len(up), count))
    assert set(method) <= {"normal", "score"}
    assert ((method == "normal") == (np.minimum(up, down) >= 10)).all()
    ways = special.gammaln(count + 1) - special.gammaln(up + 1) - special.gammaln(down + 1) - special.gammaln(count - up - down + 1)
    covered = []
    for p, d in itertools.product(np.linspace(0.02, 0.96, 12), repeat=2):
        if p + d < 0.99:
            law = np.exp(ways + special.xlogy(up, p) + special.xlogy(down, d) + special.xlogy(count - up - down, 1 - p - d))
            covered.append(law @ ((low <= 100 * (p - d)) & (high >= 100 * (p - d))))
    assert min(covered) >= least
    assert np.mean(covered) == pytest.approx(0.95, abs=0.008)


@pytest.mark.parametrize(("up", "down", "count"), [(0, 1, 44), (33, 0, 40), (45, 5, 60), (3, 2, 31)])
def test_score_limits_are_where_the_restricted_likelihood_says(up, down, count):
    """At each limit the score statistic is z: with the other share found by a numerical search and not by Tango's closed form."""
    low, high, method = net_interval([up], [down], [count])
    assert method[0] == "score"
    for limit in (low[0] / 100, high[0] / 100):

        def against(d, limit=limit):
            rest = max(1 - 2 * d - limit, 0.0)
            return -(special.xlogy(up, d + limit) + special.xlogy(down, d) + special.xlogy(count - up - down, rest))

        bounds = (max(0.0, -limit) + 1e-12, (1 - limit) / 2 - 1e-12)
        d = optimize.minimize_scalar(against, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
        z = (up - down - count * limit) / np.sqrt(count * (2 * d + limit - limit**2))
        assert abs(z) == pytest.approx(1.959964, abs=2e-3)


def test_the_plain_formula_where_there_are_many():
    low, high, method = net_interval([50], [20], [100])
    error = float(net_standard_error(50, 20, 100))
    assert method[0] == "normal"
    assert (low[0], high[0]) == pytest.approx((30 - 1.959964 * error, 30 + 1.959964 * error))


def test_the_bootstrapped_mean_is_that_of_all_resamples():
    counts = [1, 0, 2, 1]
    values = [0, 2, 2, 3]
    means = np.sort([np.mean(each) for each in itertools.product(values, repeat=4)])  # all 4⁴ resamples
    t = special.stdtrit(3, 0.975)
    tail = special.ndtr(-t * np.sqrt(4 / 3))
    low, high = mean_interval(counts)
    levels = np.unique(means.round(9))
    below = [np.mean(means < level - 1e-9) + np.mean(np.abs(means - level) < 1e-9) / 2 for level in levels]
    assert (low, high) == pytest.approx(tuple(np.interp([tail, 1 - tail], below, levels)), abs=0.13)
    assert low < np.mean(values) < high


@pytest.mark.parametrize("shares", [[0.01, 0.02, 0.12, 0.4, 0.45], [0.05, 0.05, 0.1, 0.3, 0.5], [0.2] * 5])
@pytest.mark.parametrize("count", [10, 30, 100])
def test_means_are_covered(shares, count):
    rng = np.random.default_rng(5)
    truth = np.dot(shares, range(5))
    drawn = [mean_interval(each) for each in rng.multinomial(count, shares, size=400)]
    assert np.mean([low <= truth <= high for low, high in drawn]) >= (0.89 if count == 10 else 0.92)


def test_very_many_answers_get_students_interval_which_is_the_same():
    counts = np.array([1, 2, 12, 40, 45]) * 1200
    one, two = mean_interval(counts), mean_interval(counts * 10)
    mean = counts @ np.arange(5) / counts.sum()
    assert one[1] - mean == pytest.approx((two[1] - mean) * np.sqrt(10), rel=0.01)


def test_all_alike_is_not_sure():
    low, high = mean_interval([0, 0, 0, 0, 10])
    assert low < 4.0 == high
    assert mean_interval([0, 0, 0]) == pytest.approx((np.nan, np.nan), nan_ok=True)
    assert net_interval([0], [0], [0])[2][0] == "none"
    with pytest.raises(ValueError, match="confidence"):
        mean_interval([1, 2], confidence=95)
