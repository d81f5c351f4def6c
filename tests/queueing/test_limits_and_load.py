"""Many-server limits against the exact models they are limits of; time-varying load against a differential equation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from ccstats.errors import OptionError
from ccstats.queueing import erlang
from ccstats.queueing.limits import garnett, garnett_beta, halfin_whitt, halfin_whitt_beta, square_root_staffing
from ccstats.queueing.time_varying_load import offered_load_curve, sinusoidal_load


@pytest.mark.parametrize("beta", [0.1, 0.5, 1.0, 2.0])
def test_erlang_c_tends_to_halfin_whitt(beta: float) -> None:
    load = np.array([1e2, 1e4, 1e5])
    away = np.abs(erlang.erlang_c(square_root_staffing(load, beta), load) / halfin_whitt(beta) - 1)
    assert (np.diff(away) < 0).all()
    assert away[-1] < 0.01


@pytest.mark.parametrize("beta", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("ratio", [0.25, 1.0, 9.0])
def test_erlang_a_tends_to_garnett(beta: float, ratio: float) -> None:
    load = np.array([1e2, 1e4, 1e5])
    exact = erlang.wait_probability(square_root_staffing(load, beta), load, aht_s=180.0, patience_s=180.0 * ratio)
    away = np.abs(exact / garnett(beta, ratio) - 1)
    assert (np.diff(away) < 0).all()
    assert away[-1] < 0.01


@settings(deadline=None)
@given(beta=st.floats(-6.0, 12.0), ratio=st.floats(1e-4, 1e4))
def test_inverse_and_order(beta: float, ratio: float) -> None:
    wait = float(garnett(beta, ratio))
    assert 0 <= wait <= 1
    assert garnett(beta + 0.1, ratio) <= wait
    assert wait <= halfin_whitt(beta) + 1e-12
    if wait < 1 - 1e-12:
        assert garnett(garnett_beta(wait, ratio), ratio) == pytest.approx(wait, rel=1e-9)


def test_edges_of_the_limits() -> None:
    assert halfin_whitt([-1.0, 0.0, 50.0]).tolist() == [1.0, 1.0, 0.0]
    assert garnett([-60.0, 60.0], 2.0).tolist() == [1.0, 0.0]
    assert garnett(0.7, np.inf) == halfin_whitt(0.7)
    assert halfin_whitt_beta([0.1, 0.5, 1.0]) == pytest.approx([1.4202, 0.5061, 0.0], abs=1e-4)
    assert garnett_beta(1.0, 2.0) == -np.inf
    assert garnett(garnett_beta(1e-200, 3.0), 3.0) == pytest.approx(1e-200, rel=1e-6)
    assert square_root_staffing([0.0, 100.0, 1.0], [1.0, -0.5, -3.0]).tolist() == [0.0, 95.0, 0.0]


def test_sine_against_its_differential_equation() -> None:
    rate, mean, aht = 200 / 3600, 200 / 3600 * 600.0, 600.0
    turn = 2 * np.pi / 7200.0
    times = np.linspace(100_000.0, 107_200.0, 9)

    def change(t: float, m: np.ndarray) -> np.ndarray:
        return rate * (1 + 0.5 * np.sin(turn * t)) - m / aht

    run = integrate.solve_ivp(change, (0.0, times[-1]), [mean], t_eval=times, rtol=1e-10, atol=1e-10, method="DOP853")
    np.testing.assert_allclose(sinusoidal_load(times, mean, amplitude=0.5, period_s=7200.0, aht_s=aht), run.y[0], rtol=1e-7)


@settings(max_examples=25, deadline=None)
@given(contacts=st.lists(st.floats(0.0, 500.0), min_size=1, max_size=8), aht=st.floats(20.0, 20_000.0), start=st.floats(0.0, 50.0))
def test_curve_against_its_differential_equation(contacts, aht: float, start: float) -> None:
    length, expected, now = 900.0, [], start
    for number in contacts:
        run = integrate.solve_ivp(
            lambda _, m, rate=number / length: [rate - m[0] / aht, m[0]], (0.0, length), [now, 0.0], rtol=1e-10, atol=1e-10, method="DOP853"
        )
        now = run.y[0, -1]
        expected.append(run.y[1, -1] / length)
    np.testing.assert_allclose(offered_load_curve(contacts, aht_s=aht, interval_s=length, start_load=start), expected, rtol=1e-6, atol=1e-7)


def test_curve_of_a_day_that_repeats() -> None:
    day = np.array([[10.0, 80.0, 30.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
    handle = np.array([600.0, 900.0, 5000.0, 700.0])
    many = offered_load_curve(np.tile(day, 60), aht_s=np.tile(handle, 60), interval_s=900.0)[:, -4:]
    np.testing.assert_allclose(offered_load_curve(day, aht_s=handle, interval_s=900.0, cyclic=True), many, rtol=1e-10)
    # Work is neither lost nor made: over a whole cycle the mean load is the load of all contacts.
    cycle = offered_load_curve(day[0], aht_s=2000.0, interval_s=900.0, cyclic=True)
    assert cycle.mean() == pytest.approx(day[0].sum() * 2000.0 / 3600.0, rel=1e-12)
    # A steady rate is the plain offered load.
    np.testing.assert_allclose(offered_load_curve([50.0] * 3, aht_s=180.0, interval_s=900.0, cyclic=True), 10.0, rtol=1e-12)
    # And the sine, in a thousand steps.
    edges = np.linspace(0.0, 86400.0, 1001)
    middle, step = (edges[1:] + edges[:-1]) / 2, 86.4
    calls = 200 / 3600 * step * (1 + 0.5 * np.sin(2 * np.pi * middle / 86400.0))
    sine = sinusoidal_load(middle, 200.0, amplitude=0.5, period_s=86400.0, aht_s=3600.0)
    np.testing.assert_allclose(offered_load_curve(calls, aht_s=3600.0, interval_s=step, cyclic=True), sine, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: halfin_whitt(np.nan), "beta="),
        (lambda: garnett(0.0, 0.0), "ratio="),
        (lambda: garnett_beta(1.5, 1.0), "wait_probability="),
        (lambda: halfin_whitt_beta(0.0), "wait_probability="),
        (lambda: square_root_staffing(-1.0, 0.5), "load="),
        (lambda: sinusoidal_load(0.0, 1.0, amplitude=1.5, period_s=60.0, aht_s=60.0), "amplitude="),
        (lambda: sinusoidal_load(np.inf, 1.0, amplitude=0.5, period_s=60.0, aht_s=60.0), "time_s="),
        (lambda: offered_load_curve(5.0, aht_s=60.0, interval_s=900.0), "contacts="),
        (lambda: offered_load_curve([5.0, np.nan], aht_s=60.0, interval_s=900.0), "contacts="),
        (lambda: offered_load_curve([5.0, 5.0], aht_s=[60.0, 60.0, 60.0], interval_s=900.0), "does not fit"),
        (lambda: offered_load_curve([5.0], aht_s=60.0, interval_s=900.0, start_load=1.0, cyclic=True), "start_load="),
    ],
)
def test_bad_input_is_named(make, word: str) -> None:
    with pytest.raises(OptionError, match=word):
        make()
