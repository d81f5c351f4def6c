"""Who calls again, and days that are busier than expected."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ccstats.errors import OptionError
from ccstats.queueing import erlang
from ccstats.queueing.general_patience import impatient_agents_required, impatient_queue
from ccstats.queueing.patience_laws import PatienceLaw
from ccstats.queueing.random_rate import gamma_rate, rate_points
from ccstats.queueing.retrials import retrial_load

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))


@settings(max_examples=int(50 + 1000 * EXAM), deadline=None)
@given(
    load=st.floats(0.01, 3000.0),
    rho=st.floats(0.3, 8.0),
    patience=st.floats(1.0, 1e5),
    again=st.floats(0.0, 0.99),
    blocked=st.floats(0.0, 0.99),
    places=st.one_of(st.just(np.inf), st.integers(0, 200)),
)
def test_the_fixed_point_is_fixed_in_overload_too(load, rho, patience, again, blocked, places) -> None:
    agents = max(math.ceil(load / rho), 1)
    own = {"aht_s": 180.0, "lines": agents + places}
    all_calls = float(retrial_load(agents, load, patience=patience, retry_share=again, blocked_retry_share=blocked, **own))
    lost = again * erlang.abandonment_rate(agents, all_calls, patience_s=patience, **own)
    lost += blocked * erlang.blocking_rate(agents, all_calls, patience_s=patience, **own)
    assert all_calls == pytest.approx(load + float(lost) * all_calls, rel=1e-11)
    assert load * (1 - 1e-12) <= all_calls <= load / (1 - max(again, blocked)) * (1 + 1e-9)


@settings(max_examples=30, deadline=None)
@given(load=st.floats(0.5, 500.0), rho=st.floats(0.5, 3.0), again=st.floats(0.0, 0.9))
def test_more_who_call_again_more_load_and_more_agents_less(load: float, rho: float, again: float) -> None:
    agents = max(load / rho, 0.5)
    law = PatienceLaw.lognormal(median_s=60.0, sigma=1.0)
    few, many = retrial_load(agents, load, aht_s=180.0, patience=law, retry_share=[again, again + 0.09])
    assert few <= many * (1 + 1e-12)
    assert retrial_load(agents + 1, load, aht_s=180.0, patience=law, retry_share=again) <= few * (1 + 1e-12)


def test_a_plain_loop_of_callers_who_call_again() -> None:
    """Iterating on the load, call by call of the loop, comes to the same: and agents then meet target with all attempts."""
    law = PatienceLaw.weibull(shape=0.8, scale_s=60.0)
    load = 10.0
    for _ in range(2000):
        load = 10.0 + 0.7 * load * float(impatient_queue(9, load, aht_s=180.0, patience=law).abandonment_rate)
    assert retrial_load(9, 10.0, aht_s=180.0, patience=law, retry_share=0.7) == pytest.approx(load, rel=1e-12)
    asked = {"aht_s": 180.0, "patience": law, "threshold_s": 20.0}
    queue = impatient_queue(9, 10.0, retry_share=0.7, **asked)
    assert queue.service_level == pytest.approx(float(impatient_queue(9, load, **asked).service_level), rel=1e-12)
    assert queue.mean_queue == pytest.approx(float(impatient_queue(9, load, **asked).mean_queue), rel=1e-12)
    agents = impatient_agents_required(10.0, retry_share=0.7, target_service_level=0.8, **asked)
    at = [float(impatient_queue(n, 10.0, retry_share=0.7, **asked).service_level) for n in (agents - 1, agents)]
    assert at[0] < 0.8 <= at[1]


def test_without_abandonment_nobody_calls_again() -> None:
    assert retrial_load([8, 10, 12], 10.0, aht_s=180.0, retry_share=0.9).tolist() == [10.0, 10.0, 10.0]
    assert retrial_load(10, [0.0, 10.0], aht_s=180.0, patience=60.0, retry_share=0.0).tolist() == [0.0, 10.0]
    # No agent: everybody leaves every time; with one half calling again there are twice as many calls.
    assert retrial_load(0, 10.0, aht_s=180.0, patience=60.0, retry_share=0.5) == pytest.approx(20.0, rel=1e-12)


def test_an_uncertain_rate_is_the_mean_over_its_days_weighted_by_calls() -> None:
    rate = rate_points([0.7, 1.0, 1.5], [2.0, 5.0, 1.0])
    law = PatienceLaw.fixed(60.0)
    days = [impatient_queue(12, 10.0 * f, aht_s=180.0, patience=law, threshold_s=20.0, short_s=5.0) for f in rate.factors]
    together = impatient_queue(12, 10.0, aht_s=180.0, patience=law, threshold_s=20.0, short_s=5.0, rate=rate)
    calls = rate.weights * rate.factors / (rate.weights @ rate.factors)
    within = sum(share * day.service_level for share, day in zip(calls, days, strict=True))
    answered = sum(share * (1 - day.abandonment_rate) for share, day in zip(calls, days, strict=True))
    assert together.service_level == pytest.approx(within, rel=1e-12)
    assert together.sl_answered_only == pytest.approx(within / answered, rel=1e-12)
    waited = sum(s * (1 - d.abandonment_rate) * d.mean_wait_answered_s for s, d in zip(calls, days, strict=True))
    assert together.mean_wait_answered_s == pytest.approx(waited / answered, rel=1e-12)
    assert together.occupancy == pytest.approx(sum(w * d.occupancy for w, d in zip(rate.weights, days, strict=True)), rel=1e-12)
    assert together.mean_queue == pytest.approx(sum(w * d.mean_queue for w, d in zip(rate.weights, days, strict=True)), rel=1e-12)


@pytest.mark.parametrize("cv", [0.02, 0.1, 0.3, 1.0])
def test_gamma_rate_has_the_moments_of_the_gamma_law(cv: float) -> None:
    rate, shape = gamma_rate(cv), 1.0 / cv**2
    for power in range(1, 9):
        moment = math.exp(math.lgamma(shape + power) - math.lgamma(shape) - power * math.log(shape))
        assert rate.weights @ rate.factors**power == pytest.approx(moment, rel=1e-10)
    assert (rate.factors >= 0).all()


@pytest.mark.parametrize(
    ("load", "cv", "points", "digits"),
    [(100.0, 0.1, 64, 1e-12), (1000.0, 0.1, 64, 1e-7), (1000.0, 0.3, 64, 2e-3), (1000.0, 0.3, 256, 5e-6)],
)
def test_gamma_average_against_a_fine_grid(load: float, cv: float, points: int, digits: float) -> None:
    agents, law = round(load * 1.05), stats.gamma(1 / cv**2, scale=cv**2)
    own = {"aht_s": 180.0, "patience": 120.0, "threshold_s": 20.0}
    edges = np.linspace(law.ppf(1e-15), law.isf(1e-15), 201)
    nodes, weights = np.polynomial.legendre.leggauss(20)
    half = (edges[1] - edges[0]) / 2
    factor = (edges[:-1, None] + half + half * nodes).ravel()
    levels = impatient_queue(agents, load * factor, **own).service_level
    exact = float(np.tile(weights * half, 200) @ (factor * law.pdf(factor) * levels))
    error = abs(float(impatient_queue(agents, load, rate=gamma_rate(cv, points=points), **own).service_level) - exact)
    print(f"{load} Erlangs, cv {cv}, {points} points: error {error:.1e}")  # noqa: T201
    assert error < digits


def test_a_certain_rate_changes_nothing_and_an_uncertain_one_needs_agents() -> None:
    own = {"aht_s": 180.0, "patience": 120.0, "threshold_s": 20.0}
    assert impatient_queue(12, 10.0, rate=gamma_rate(0.0), **own) == pytest.approx(impatient_queue(12, 10.0, **own), rel=1e-14)
    agents = [float(impatient_agents_required(100.0, rate=gamma_rate(cv), target_service_level=0.8, **own)) for cv in (0.0, 0.1, 0.2)]
    assert agents == sorted(set(agents))
    below = impatient_queue(agents[2] - 1, 100.0, rate=gamma_rate(0.2), **own)
    assert below.service_level < 0.8 <= impatient_queue(agents[2], 100.0, rate=gamma_rate(0.2), **own).service_level


def test_a_day_without_calls_and_a_day_of_overload_do_not_spoil_the_mean() -> None:
    queue = impatient_queue(12, 10.0, aht_s=180.0, rate=rate_points([0.0, 1.0, 2.0, 5.0], [1.0, 1.0, 1.0, 0.0]))
    # Of 3 calls on the two days with calls, 2 come on the day of overload, where nobody is answered in time.
    assert queue.service_level == pytest.approx(float(impatient_queue(12, 10.0, aht_s=180.0).service_level) / 3, rel=1e-12)
    assert queue.mean_wait_s == np.inf


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: retrial_load(10, 10.0, aht_s=180.0, patience=60.0, retry_share=1.0), "retry_share"),
        (lambda: retrial_load(10, 10.0, aht_s=180.0, patience=60.0, retry_share=-0.1), "retry_share"),
        (lambda: retrial_load(10, 10.0, aht_s=180.0, patience=60.0, retry_share=0.1, lines=9), "lines="),
        (lambda: retrial_load(10, 10.0, aht_s=180.0, patience=60.0, retry_share=0.1, lines=[20, 21]), "lines= has shape"),
        (lambda: retrial_load(10, 10.0, aht_s=180.0, patience=60.0, retry_share=0.1, blocked_retry_share=1.0), "blocked_retry_share"),
        (lambda: retrial_load(10, 10.0, aht_s=180.0, patience=PatienceLaw.fixed(9.0), retry_share=0.1, lines=20), "exponential"),
        (lambda: gamma_rate(-0.1), "cv="),
        (lambda: gamma_rate(0.1, points=0), "points="),
        (lambda: rate_points([1.0, 2.0], [1.0]), "weights="),
        (lambda: rate_points([1.0, -2.0], [1.0, 1.0]), "factors="),
        (lambda: rate_points([1.0, 2.0], [0.0, 0.0]), "weights="),
    ],
)
def test_bad_input_is_named(make, word: str) -> None:
    with pytest.raises(OptionError, match=word):
        make()
