"""The regression that forecasts rest on: against dense matrices, plain loops, and histories whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccstats.workforce.forecast_regression import _SPREADS, _STEPS, _TRENDS, DayRows, fit_effects, shared_weights, solve_mixed


def rows_of(count: np.ndarray, use: np.ndarray | None = None) -> DayRows:
    days = len(count)
    columns = np.column_stack([np.ones(days), np.arange(1.0 - days, 1.0)])
    return DayRows(columns, count, np.ones(days), np.ones(days), count >= 0 if use is None else use, np.array([1e-4, 1e6]), 1)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 40), st.integers(1, 4), st.floats(0.001, 1.0), st.floats(0.5, 1.0), st.integers(0, 2**31))
def test_the_mixed_model_is_the_dense_one(days: int, effects: int, step: float, kept: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns, response = rng.normal(size=(days, effects)), rng.normal(size=days)
    weight, prior = rng.uniform(0.5, 50.0, days), rng.uniform(0.1, 10.0, effects)
    other = rng.uniform(0.1, 10.0, effects)
    _, (found, level, evidence) = solve_mixed(columns, response, weight, [other, prior], step, kept)
    walk = np.zeros((days, days))
    for row in range(days):
        for column in range(days):
            # what both days have of each step up to the earlier of them
            walk[row, column] = step**2 * sum(kept ** (row - then) * kept ** (column - then) for then in range(min(row, column) + 1))
    # effects, level and noise are normal: what is expected of each given the responses, and the density of these, in one go
    covariance = np.diag(1 / weight) + walk + columns @ np.diag(1 / prior) @ columns.T
    inverse = np.linalg.inv(covariance)
    assert found == pytest.approx(np.diag(1 / prior) @ columns.T @ inverse @ response, rel=1e-6, abs=1e-8)
    assert level == pytest.approx(walk @ inverse @ response, rel=1e-6, abs=1e-8)
    density = -0.5 * (np.linalg.slogdet(covariance)[1] + response @ inverse @ response)
    assert evidence == pytest.approx(density, rel=1e-6, abs=1e-6)


def test_days_that_are_not_known_say_nothing() -> None:
    columns, weight = np.ones((6, 1)), np.array([1.0, 0.0, 1.0, 1.0, 0.0, 1.0])
    (one,) = solve_mixed(columns, np.array([1.0, 99.0, 2.0, 3.0, -99.0, 4.0]), weight, [np.ones(1)], 0.3)
    (other,) = solve_mixed(columns, np.array([1.0, 0.0, 2.0, 3.0, 0.0, 4.0]), weight, [np.ones(1)], 0.3)
    assert one[0] == pytest.approx(other[0])
    assert one[1] == pytest.approx(other[1])
    assert one[2] == pytest.approx(other[2])


def test_weights_by_a_loop() -> None:
    rng = np.random.default_rng(4)
    evidence = [rng.normal(size=(len(_SPREADS), len(_STEPS), len(_TRENDS))) * 3 for _ in range(3)]

    def near(values: tuple[float, ...], centre: int, own: int) -> float:
        mass = [np.exp(-((np.log(each / values[centre]) / np.log(1.5)) ** 2) / 2) for each in values]
        return mass[own] / sum(mass)

    pairs = [(step, trend) for step in range(len(_STEPS)) for trend in range(len(_TRENDS))]
    for queue, found in enumerate(shared_weights(evidence)):
        expected = np.zeros_like(evidence[0])
        for centre in pairs:
            others = 1.0
            for other in range(3):
                if other != queue:
                    others *= sum(
                        near(_STEPS, centre[0], step) * near(_TRENDS, centre[1], trend) * np.exp(evidence[other][:, step, trend]).sum()
                        for step, trend in pairs
                    )
            for step, trend in pairs:
                prior = near(_STEPS, centre[0], step) * near(_TRENDS, centre[1], trend)
                expected[:, step, trend] += others * prior * np.exp(evidence[queue][:, step, trend])
        assert found == pytest.approx(expected / expected.sum())
        assert found.sum() == pytest.approx(1.0)


def test_a_calm_queue_is_not_followed_and_a_restless_one_is() -> None:
    rng = np.random.default_rng(5)
    calm = rng.poisson(rng.gamma(100, 5.0, 120)).astype("float64")
    walk = np.exp(np.cumsum(rng.normal(0, 0.08, 120)))
    restless = rng.poisson(500.0 * walk).astype("float64")
    (effects, level), (other, path) = (fit_effects([rows_of(count)])[0] for count in (calm, restless))
    assert np.exp(effects[0] + level[-1]) == pytest.approx(500.0, rel=0.05)
    assert np.ptp(level) < 0.1
    assert np.exp(other[0] + path[-1]) == pytest.approx(500.0 * walk[-1], rel=0.06)


@pytest.mark.parametrize("step", [0.002, 0.1])
def test_what_other_queues_do_is_believed_of_a_short_one(step: float) -> None:
    """Two weeks of one queue hardly say whether it is calm or restless; beside five others the same two weeks are followed better."""
    rng = np.random.default_rng(6)
    alone, beside = [], []
    for _ in range(15):
        level = np.cumsum(rng.normal(0, step, (6, 14)), axis=1)
        counts = rng.poisson(rng.gamma(100, 400.0 * np.exp(level) / 100)).astype("float64")
        queues = [rows_of(count) for count in counts]
        for fitted, errors in ((fit_effects(queues[:1]), alone), (fit_effects(queues), beside)):
            effects, path = fitted[0]
            errors.append(effects[0] + path[-1] - np.log(400.0) - level[0, -1])
    assert np.std(beside) < np.std(alone)


def test_an_outlier_is_drawn_in_and_nothing_is_no_error() -> None:
    steady = np.full(60, 200.0)
    steady[30] = 5000.0
    nothing = rows_of(np.zeros(60))
    (effects, level), (empty, _) = fit_effects([rows_of(steady), nothing])
    assert np.exp(effects[0] + level[-1]) == pytest.approx(200.0, rel=0.05)
    assert np.exp(empty[0]) < 1e-20
    assert fit_effects([]) == []
