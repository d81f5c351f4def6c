"""Replications: Student's interval covers what it should, streams are independent, stopping stops, warm-up is found."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ccstats.errors import OptionError
from ccstats.queueing.replications import (
    Replications,
    half_width,
    paired_differences,
    random_stream,
    replicate,
    warm_up_length,
)

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))


def exponential_mean(size, mean=60.0):
    return lambda seed: {"mean": random_stream(seed, "numbers").exponential(mean, size).mean()}


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
@settings(max_examples=100, deadline=None)
def test_the_interval_is_students(values, confidence):
    values = np.array(values)
    runs = Replications({"m": values}, confidence, seed=1)
    error = stats.sem(values)
    if error > 0:
        lower, upper = stats.t.interval(confidence, len(values) - 1, loc=values.mean(), scale=error)
        np.testing.assert_allclose(runs.interval["m"], (lower, upper), rtol=1e-9, atol=1e-9 * error)
    assert runs.mean["m"] == values.mean()


def test_the_interval_covers_the_known_mean_as_often_as_it_says():
    trials = max(400, int(20_000 * EXAM))
    for confidence in (0.8, 0.95):
        hits = 0
        for trial in range(trials):
            lower, upper = replicate(exponential_mean(50), seed=trial, replications=10, confidence=confidence).interval["mean"]
            hits += lower <= 60.0 <= upper
        # the means of 50 exponentials are nearly normal: their skewness costs half a point at most
        slack = 3.5 * np.sqrt(confidence * (1 - confidence) / trials) + 0.005
        assert abs(hits / trials - confidence) <= slack


def test_missing_values_do_not_count():
    runs = Replications({"asa_s": np.array([9.0, np.nan, 10.0, 11.0]), "none": np.full(4, np.nan)}, 0.95, seed=1)
    assert runs.mean["asa_s"] == 10.0
    assert runs.half_width["asa_s"] == half_width(np.array([9.0, 10.0, 11.0]), 0.95)
    assert np.isnan(runs.mean["none"])
    assert runs.half_width["none"] == np.inf


def test_runs_are_repeatable_independent_and_do_not_depend_on_their_number():
    few, more = (replicate(exponential_mean(20), seed=5, replications=n).values["mean"] for n in (10, 40))
    assert (few == more[:10]).all()
    assert len(set(more)) == 40
    assert not (replicate(exponential_mean(20), seed=6, replications=10).values["mean"] == few).any()


def test_streams_are_named_and_do_not_disturb_each_other():
    child = np.random.SeedSequence(3).spawn(2)[1]
    draws = {name: random_stream(child, name).random(2000) for name in ("arrivals", "handle", "patience")}
    assert (random_stream(child, "handle").random(2000) == draws["handle"]).all()
    correlations = np.corrcoef(list(draws.values()))[np.triu_indices(3, 1)]
    assert (np.abs(correlations) < 0.08).all()
    assert random_stream(3, "handle").random() != draws["handle"][0]


def test_it_goes_on_until_the_interval_is_narrow_enough():
    runs = replicate(exponential_mean(50), seed=1, wanted=1.0, replications=10)
    assert runs.half_width["mean"] <= 1.0
    values = runs.values["mean"]
    assert len(values) > 10
    assert half_width(values[:-1], 0.95) > 1.0
    assert len(replicate(exponential_mean(50), seed=1, wanted=0.01, replications=10, max_replications=15).values["mean"]) == 15


def test_only_named_measures_stop_it():
    def run(seed):
        rng = random_stream(seed, "x")
        return {"loud": rng.normal(0, 100), "quiet": rng.normal(0, 0.01)}

    assert len(replicate(run, seed=1, wanted={"quiet": 1.0}, replications=5).values["loud"]) == 5


def test_common_random_numbers_narrow_the_difference():
    slow, fast = (replicate(exponential_mean(100, mean), seed=2, replications=20) for mean in (63.0, 60.0))
    paired = paired_differences(slow, fast)
    assert paired.interval["mean"][0] < 3.0 < paired.interval["mean"][1]
    assert paired.half_width["mean"] < 0.1 * slow.half_width["mean"]
    short = paired_differences(slow, replicate(exponential_mean(100), seed=2, replications=8))
    assert (short.values["mean"] == paired.values["mean"][:8]).all()


def test_warm_up_is_found():
    rng = np.random.default_rng(1)
    steady = rng.normal(10.0, 1.0, 2000)
    assert warm_up_length(steady) < 200
    rising = steady - 10.0 * np.exp(-np.arange(2000) / 60.0)
    cut = warm_up_length(rising)
    assert 100 <= cut <= 500
    assert cut % 5 == 0
    assert abs(rising[cut:].mean() - 10.0) < abs(rising.mean() - 10.0)
    assert warm_up_length(np.arange(1000.0)) == 500  # never steady: as much as may be
    assert warm_up_length([]) == warm_up_length([1.0] * 9) == 0


@given(st.lists(st.floats(-100, 100), min_size=10, max_size=120), st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_warm_up_is_the_best_cut_of_a_plain_search(values, batch):
    means = [np.mean(values[k * batch : (k + 1) * batch]) for k in range(len(values) // batch)]
    errors = [np.var(means[k:]) / (len(means) - k) for k in range(len(means) // 2 + 1)]
    assert errors[warm_up_length(values, batch=batch) // batch] == pytest.approx(min(errors), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"replications": 1}, "replications"),
        ({"replications": 50, "max_replications": 20}, "max_replications"),
        ({"confidence": 1.0}, "confidence"),
        ({"wanted": {"median": 1.0}}, "median"),
    ],
)
def test_what_cannot_be_is_refused(arguments, text):
    with pytest.raises(OptionError, match=text):
        replicate(exponential_mean(5), seed=1, **arguments)


def test_runs_must_measure_the_same():
    names = iter(["a", "b"])
    with pytest.raises(OptionError, match="every run must measure the same"):
        replicate(lambda _: {next(names): 1.0}, seed=1, replications=2)
    one, other = replicate(exponential_mean(5), seed=1), replicate(exponential_mean(5), seed=2)
    with pytest.raises(OptionError, match="same seed="):
        paired_differences(one, other)
    with pytest.raises(OptionError, match="no measure in common"):
        paired_differences(one, Replications({"b": np.ones(2)}, 0.95, seed=1))
    with pytest.raises(OptionError, match="observations"):
        warm_up_length([1.0, np.nan])
