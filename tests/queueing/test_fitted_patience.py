"""Mean patience and its laws: against SciPy's censored fits, plain log-likelihoods and queues whose patience is known."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ccstats.errors import OptionError
from ccstats.queueing.patience import LAWS, fit_law, mean_patience, time_to_return
from ccstats.queueing.simulation import arrival_times, simulate_queue

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
EXAMPLES = max(40, int(1000 * EXAM))


def waits(seed, size=400, law="weibull", shape=0.8, scale=100.0, offered=80.0):
    """Waits of callers with this patience who are answered after exponential offered waits."""
    rng = np.random.default_rng(seed)
    patience = scale * rng.weibull(shape, size) if law == "weibull" else scale * np.exp(shape * rng.standard_normal(size))
    answer = rng.exponential(offered, size)
    return np.minimum(patience, answer), patience <= answer


def frozen(law, shape, scale):
    """The law as SciPy has it."""
    return {
        "exponential": stats.expon(scale=scale),
        "weibull": stats.weibull_min(shape, scale=scale),
        "lognormal": stats.lognorm(shape, scale=scale),
    }[law]


def plain_likelihood(wait, gave_up, law, shape, scale):
    """The log-likelihood, contact by contact."""
    dist = frozen(law, shape, scale)
    return sum(float(dist.logpdf(w)) if left else float(dist.logsf(w)) for w, left in zip(wait, gave_up, strict=True) if w > 0)


def simulated(seed, *, patience_s, hours=3.0, per_hour=200, agents=9, aht_s=180.0):
    """Waits in an overloaded queue of callers with exponential patience; whether they gave up; when they came."""
    rng = np.random.default_rng(seed)
    arrival = arrival_times([per_hour * hours], interval_s=3600 * hours, seed=rng)
    run = simulate_queue(
        arrival,
        rng.exponential(aht_s, arrival.size),
        rng.exponential(patience_s, arrival.size),
        agents=[agents, agents],
        interval_s=3600 * hours,
    )
    known = ~np.isnan(run.wait_s)
    return run.wait_s[known], run.abandoned[known], arrival[known]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("shape", "scale"), [(0.5, 60.0), (1.0, 300.0), (2.5, 40.0)])
def test_fit_is_that_of_scipy(law, shape, scale):
    wait, gave_up = waits(7, shape=shape, scale=scale)
    found = fit_law(wait, gave_up, law)
    peer = {"exponential": stats.expon, "weibull": stats.weibull_min, "lognormal": stats.lognorm}[law]
    *theirs, _, their_scale = peer.fit(stats.CensoredData.right_censored(wait, ~gave_up), floc=0)
    assert found.scale_s == pytest.approx(their_scale, rel=1e-4)
    assert found.shape == pytest.approx(theirs[0] if theirs else 1.0, rel=1e-4)
    assert found.log_likelihood == pytest.approx(plain_likelihood(wait, gave_up, law, found.shape, found.scale_s), rel=1e-10)
    assert found.log_likelihood >= plain_likelihood(wait, gave_up, law, theirs[0] if theirs else 1.0, their_scale) - 1e-9
    assert found.aic == pytest.approx(2 * (1 if law == "exponential" else 2) - 2 * found.log_likelihood)
    assert found.abandoned == gave_up.sum()
    dist = frozen(law, found.shape, found.scale_s)
    assert (found.mean_s, found.median_s) == (pytest.approx(dist.mean()), pytest.approx(dist.median()))


@pytest.mark.parametrize("law", LAWS)
def test_fit_is_the_top_and_errors_are_its_curvature(law):
    wait, gave_up = waits(8, size=300, shape=1.3)
    found = fit_law(wait, gave_up, law)
    steps = [(found.shape, 1e-4 * found.shape), (found.scale_s, 1e-4 * found.scale_s)][1 if law == "exponential" else 0 :]

    def value(*moves):
        parameters = [at + move * step for (at, step), move in zip(steps, moves, strict=True)]
        return plain_likelihood(wait, gave_up, law, *([1.0] * (2 - len(steps))), *parameters)

    units = np.eye(len(steps), dtype=int)
    for unit in units:
        assert value(*unit) < found.log_likelihood > value(*-unit)
    curvature = np.array(
        [
            [
                (value(*(a + b)) - value(*(a - b)) - value(*(b - a)) + value(*(-a - b))) / (4 * sa * sb)
                for b, (_, sb) in zip(units, steps, strict=True)
            ]
            for a, (_, sa) in zip(units, steps, strict=True)
        ]
    )
    errors = np.sqrt(np.diag(np.linalg.inv(-curvature)))
    expected = [found.scale_se_s] if law == "exponential" else [found.shape_se, found.scale_se_s]
    np.testing.assert_allclose(errors, expected, rtol=1e-3)


@pytest.mark.parametrize(("law", "shape"), [("weibull", 0.6), ("weibull", 1.8), ("lognormal", 0.7), ("lognormal", 1.6)])
def test_the_law_that_was_drawn_is_found(law, shape):
    wait, gave_up = waits(9, size=40_000, law=law, shape=shape, scale=90.0, offered=60.0)
    found = {name: fit_law(wait, gave_up, name) for name in LAWS}
    assert min(found.values(), key=lambda each: each.aic).name == law
    best = found[law]
    assert abs(best.shape - shape) < 4 * best.shape_se
    assert abs(best.scale_s - 90.0) < 4 * best.scale_se_s


def test_waits_far_beyond_every_abandon():
    """Censored far out in the normal tail, where the tail itself underflows."""
    wait = np.append(np.linspace(10.0, 10.001, 50), [1e5, 1e6])
    gave_up = np.append(np.ones(50, dtype=bool), [False, False])
    found = fit_law(wait, gave_up, "lognormal")
    assert found.log_likelihood == pytest.approx(plain_likelihood(wait, gave_up, "lognormal", found.shape, found.scale_s), rel=1e-9)
    for move in (0.999, 1.001):
        assert plain_likelihood(wait, gave_up, "lognormal", found.shape * move, found.scale_s) < found.log_likelihood
        assert plain_likelihood(wait, gave_up, "lognormal", found.shape, found.scale_s * move) < found.log_likelihood


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=30), st.sampled_from(LAWS))
@settings(max_examples=EXAMPLES, deadline=None)
def test_any_waits_have_a_top_or_none(pairs, law):
    wait, gave_up = np.array([w / 2 for w, _ in pairs]), np.array([left for _, left in pairs], dtype=bool)
    found = fit_law(wait, gave_up, law)
    seen = wait[gave_up & (wait > 0)]
    if seen.size == 0 or (law != "exponential" and (seen == wait.max()).all()):
        assert all(math.isnan(each) for each in found[1:7])
        assert math.isnan(found.mean_s)
        assert found.abandoned == seen.size
    else:
        top = plain_likelihood(wait, gave_up, law, found.shape, found.scale_s)
        assert found.log_likelihood == pytest.approx(top, rel=1e-9, abs=1e-9)
        for shape, scale in ((1.001, 1.0), (0.999, 1.0), (1.0, 1.001), (1.0, 0.999)):
            if law != "exponential" or shape == 1.0:
                assert plain_likelihood(wait, gave_up, law, found.shape * shape, found.scale_s * scale) <= top + 1e-7


def test_fit_does_not_depend_on_the_unit_of_time():
    wait, gave_up = waits(10)
    for law in LAWS:
        one, other = fit_law(wait, gave_up, law), fit_law(wait * 3600, gave_up, law)
        assert other.shape == pytest.approx(one.shape, rel=1e-8)
        assert other.scale_s == pytest.approx(one.scale_s * 3600, rel=1e-8)
        assert other.scale_se_s == pytest.approx(one.scale_se_s * 3600, rel=1e-6)


def test_mean_patience_is_the_exponential_fit():
    wait, gave_up = waits(11)
    found, law = mean_patience(wait.sum(), gave_up.sum()), fit_law(wait, gave_up, "exponential")
    assert (float(found.mean_s), float(found.se_s)) == (pytest.approx(law.scale_s), pytest.approx(law.scale_se_s))
    assert found.low_s == pytest.approx(2 * wait.sum() / stats.chi2.ppf(0.975, 2 * gave_up.sum() + 2))
    assert found.high_s == pytest.approx(2 * wait.sum() / stats.chi2.ppf(0.025, 2 * gave_up.sum()))


def test_mean_patience_at_the_edges():
    found = mean_patience([600.0, 0.0, 0.0], [0, 4, 0])
    assert found.mean_s[:2].tolist() == [math.inf, 0.0]
    assert found.low_s[0] == pytest.approx(-600.0 / math.log(0.025))
    assert found.high_s[0] == math.inf
    assert (found.low_s[1], found.high_s[1]) == (0.0, 0.0)
    assert np.isnan([each[2] for each in found]).all()
    assert np.isnan(found.se_s[0])
    for total, count in ((-1.0, 3), (10.0, -3), (np.nan, 1), (np.inf, 1)):
        with pytest.raises(OptionError, match="not negative"):
            mean_patience(total, count)


def test_interval_covers_the_truth_of_a_queue():
    """In a queue, where one caller's wait depends on the others', the limits hold the true mean as often as they say."""
    runs = max(100, int(2000 * EXAM))
    inside = 0
    for seed in range(runs):
        wait, gave_up, _ = simulated(seed, patience_s=120.0)
        found = mean_patience(wait.sum(), gave_up.sum())
        inside += bool(found.low_s <= 120.0 <= found.high_s)
    assert abs(inside / runs - 0.95) < 4 * math.sqrt(0.95 * 0.05 / runs) + 0.005


def test_a_mean_of_quotients_is_too_large_and_the_pooled_one_is_right():
    wait, gave_up, arrival = simulated(1, patience_s=100.0, hours=100.0, per_hour=60, agents=3)
    interval = (arrival // 1800).astype(int)
    total, count = np.bincount(interval, weights=wait), np.bincount(interval, weights=gave_up)
    some = count > 0
    pooled = mean_patience(wait.sum(), gave_up.sum())
    assert pooled.low_s < 100.0 < pooled.high_s
    assert (total[some] / count[some]).mean() > pooled.high_s


def test_unknown_law():
    with pytest.raises(OptionError, match="exponential, weibull, lognormal"):
        fit_law([1.0], [True], "gamma")


visits = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20), st.integers(0, 6), st.booleans()), max_size=25)


@given(visits, st.integers(0, 30))
@settings(max_examples=EXAMPLES, deadline=None)
def test_time_to_return_is_the_plain_one(rows, end):
    found, came = time_to_return(
        [row[0] for row in rows], [row[1] for row in rows], [row[1] + row[2] for row in rows], [row[3] for row in rows], end_s=end
    )
    expected = []
    for who, began, wait, gave_up in rows:
        if gave_up:
            left = began + wait
            later = [other for each, other, _, _ in rows if each == who and other > left]
            expected.append((min(later) - left, True) if later else (max(end - left, 0), False))
    assert list(zip(found.tolist(), came.tolist(), strict=True)) == expected


def test_time_to_return_refuses():
    with pytest.raises(OptionError, match="same length"):
        time_to_return([1, 2], [0.0], [1.0], [True], end_s=5)
    with pytest.raises(OptionError, match="finite"):
        time_to_return([1], [np.nan], [1.0], [True], end_s=5)
