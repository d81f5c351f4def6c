"""Erlang's models against plain loops, other people's special functions, and what must hold in any queue."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, linalg, special, stats

from ccstats.queueing import erlang
from ccstats.queueing.kernels import above, below, erlang_b_scalar, mean_waits, shares
from ccstats.queueing.sizing import SERVICE_LEVELS

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
AHT = 180.0
NODES, WEIGHTS = np.polynomial.legendre.leggauss(400)

loads = st.floats(-2, 3).map(lambda x: 10.0**x)
patiences = st.floats(-0.3, 6).map(lambda x: 10.0**x)
thresholds = st.floats(0, 2000)
whole_agents = st.integers(1, 300)
real_agents = st.floats(0.05, 300)


# -- Oracles: the birth-death chain, state by state ------------------------------------------------------------------------------------


def chain(n: int, a: float, patience: float, lines: float, t: float, short: float) -> dict[str, float]:
    """All measures of a small queue from its states: time in handle times, waits by the exponential of an absorbing chain."""
    theta = AHT / patience
    places = int(lines - n) if lines < math.inf else 40 + int(max(a - n, 0) / theta + 12 * math.sqrt(a / theta))  # beyond, < 1e-20
    weights = [1.0]
    for j in range(1, n + places + 1):
        weights.append(weights[-1] * a / (min(j, n) + max(j - n, 0) * theta))
    p = np.array(weights) / math.fsum(weights)
    blocked = p[-1] if lines < math.inf else 0.0
    waiting = p[n : n + places]  # who meets j waiting, j = 0, 1, …

    def left(rates: np.ndarray, after: float) -> np.ndarray:
        """Probability of waiting still after a time, for each number found waiting: those ahead go at n + jθ, the caller at ``rates``."""
        drift = np.zeros((places, places))
        for j in range(places):
            ahead = n + j * theta
            drift[j, j] = -ahead - rates[j]
            if j:
                drift[j, j - 1] = ahead
        return linalg.expm(drift * after / AHT) @ np.ones(places)

    patient, impatient = left(np.zeros(places), t), left(np.full(places, theta), t)
    # answered sooner or later, and its mean time: first-step equations, from the head of the queue backwards
    answered, time_answered, time_all = np.zeros(places), np.zeros(places), np.zeros(places)
    for j in range(places):
        rate = n + (j + 1) * theta
        before = (answered[j - 1], time_answered[j - 1], time_all[j - 1]) if j else (1.0, 0.0, 0.0)
        on = (n + j * theta) / rate
        answered[j] = on * before[0]
        time_answered[j] = on * (before[1] + before[0] / rate)
        time_all[j] = 1 / rate + on * before[2]

    def answered_after(after: float) -> np.ndarray:
        """Probability of being answered after a time: still waiting then in state i, and answered from there."""
        drift = np.zeros((places, places))
        for j in range(places):
            drift[j, j] = -(n + (j + 1) * theta)
            if j:
                drift[j, j - 1] = n + j * theta
        return linalg.expm(drift * after / AHT) @ answered

    late = float(waiting @ answered_after(t))
    all_answered = float(p[:n].sum() + waiting @ answered)
    within, abandoned = all_answered - late, float(waiting @ (1 - answered))

    def early(after: float) -> float:
        still = left(np.full(places, theta), after)
        return abandoned - float(waiting @ (still - answered_after(after)))

    wait, answered_wait = float(waiting @ time_all), float(waiting @ time_answered)
    return {
        "wait_probability": float(waiting.sum()),
        "abandonment_rate": abandoned,
        "blocking_rate": float(blocked),
        "occupancy": float(np.minimum(np.arange(n + places + 1), n) @ p) / n,
        "mean_queue": float(np.maximum(np.arange(n + places + 1) - n, 0) @ p),
        "all": AHT * wait / (1 - blocked),
        "answered": AHT * answered_wait / all_answered,
        "abandoned": AHT * (wait - answered_wait) / abandoned if abandoned else math.nan,
        "service_level": within,
        "sl_answered_only": within / all_answered,
        "sl_excl_early_abandoned": within / (1 - early(t)),
        "sl_early_abandoned_met": within + early(t),
        "sl_excl_short": within / (1 - early(short)),
        "sl_virtual": float(1 - blocked - waiting @ patient),
        "longer": float(waiting @ impatient) / (1 - blocked),
    }


def ours(n: float, a: float, patience: float, lines: float, t: float, short: float) -> dict[str, float]:
    queue = {"aht_s": AHT, "patience_s": patience, "lines": lines}
    return {
        "wait_probability": erlang.wait_probability(n, a, **queue),
        "abandonment_rate": erlang.abandonment_rate(n, a, **queue),
        "blocking_rate": erlang.blocking_rate(n, a, **queue),
        "occupancy": erlang.occupancy(n, a, **queue),
        "mean_queue": erlang.mean_queue(n, a, **queue),
        **{of: erlang.mean_wait_s(n, a, **queue, of=of) for of in ("all", "answered", "abandoned")},
        **{each: erlang.service_level(n, a, **queue, threshold_s=t, definition=each, short_s=short) for each in SERVICE_LEVELS},
        "longer": erlang.wait_exceeds(n, a, **queue, wait_s=t),
    }


@settings(max_examples=max(40, int(600 * EXAM)), deadline=None)
@given(
    n=st.integers(1, 50),
    rho=st.floats(0.05, 1.8),
    patience=st.one_of(st.just(math.inf), st.floats(20, 2000)),
    places=st.one_of(st.none(), st.integers(0, 60)),
    t=st.floats(0, 400),
    short=st.floats(0, 60),
)
def test_every_measure_against_the_chain(n: int, rho: float, patience: float, places: int | None, t: float, short: float) -> None:
    if places is None:
        patience = min(patience, 250.0)  # so that the oracle's chain stays short
    lines = math.inf if places is None else n + places
    expected, found = chain(n, rho * n, patience, lines, t, short), ours(n, rho * n, patience, lines, t, short)
    for name, value in expected.items():
        if name == "abandoned" and expected["abandonment_rate"] < 1e-9:
            continue  # the oracle's difference of two means says nothing here
        assert found[name] == pytest.approx(value, rel=1e-8, abs=1e-11, nan_ok=True), name


def recursion(load: float, tau: float, level: float) -> int:
    """Fewest agents by the plain recursion of Erlang B from one agent on."""
    blocking, n = 1.0, 0
    while True:
        n += 1
        blocking = load * blocking / (n + load * blocking)
        if n > load:
            waiting = blocking / (1 - load / n * (1 - blocking))
            if 1 - waiting * math.exp(-(n - load) * tau) >= level:
                return n


def test_erlang_c_staffing_against_a_plain_recursion() -> None:
    rng = np.random.default_rng(11)
    load = rng.lognormal(3.0, 0.8, 1000)
    for level, threshold in ((0.8, 20.0), (0.95, 10.0), (0.5, 0.0)):
        expected = [recursion(each, threshold / AHT, level) for each in load]
        asked = {"aht_s": AHT, "target_service_level": level, "threshold_s": threshold}
        assert erlang.agents_required(load, **asked).tolist() == expected
        assert erlang.agents_required(np.tile(load, 6), **asked).tolist() == expected * 6  # so many rows that a grid is used
        assert [erlang.agents_required(each, **asked) for each in load[:200]] == expected[:200]


# -- Other people's special functions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0.01, 0.5, 1.5, 3.25, 11.9, 12.1, 32.4, 100.5, 1000.25])
@pytest.mark.parametrize("rho", [0.05, 0.29, 0.31, 0.8, 0.999, 1.0, 1.2, 2.3, 2.4, 10.0])
def test_real_valued_erlang_b_is_the_integral(n: float, rho: float) -> None:
    a = max(rho * n, 0.02)
    top = max(n / a - 1, 0.0)

    def integrand(t: float) -> float:  # a ∫ e^-at (1 + t)^n dt, the largest value taken out
        return math.exp(n * (math.log1p(t) - math.log1p(top)) - a * (t - top))

    width = (1 + top) / math.sqrt(n + 1) + 1 / a
    cuts = [max(top + k * width, 0.0) for k in (-12, -4, -1, 0, 1, 4, 12, 40, 80)]
    total = sum(
        integrate.quad(integrand, low, high, epsabs=0, epsrel=1e-12)[0] for low, high in zip(cuts, cuts[1:], strict=False) if high > low
    )
    log_expected = -(math.log(a * total) + n * math.log1p(top) - a * top)
    if log_expected > -600:
        assert math.log(erlang.erlang_b(n, a)) == pytest.approx(log_expected, rel=1e-10, abs=1e-9)
    else:
        assert erlang.erlang_b(n, a) < 1e-250


@pytest.mark.parametrize(
    ("n", "a", "patience"),
    [
        (0.3, 0.2, 60), (0.5, 2.0, 300), (1.7, 1.0, 20), (2.5, 2.5, 180), (7.25, 9.0, 45), (13.6, 10.0, 900), (33.3, 40.1, 240),
        (49.5, 30.0, 60), (120.75, 121.0, 3000), (250.1, 400.0, 120),
    ],
)  # fmt: skip
def test_parts_of_agents_against_quadrature_of_the_offered_wait(n: float, a: float, patience: float) -> None:
    """Zeltyn & Mandelbaum's density v(x) = λ exp(λH(x) - nμx) / (E + λJ), in handle times, and E as an integral too."""
    theta = AHT / patience
    peak = max(math.log(a / n) / theta, 0.0)

    def exponent(x: float) -> float:
        return a * -math.expm1(-theta * x) / theta - n * x

    def area(part: Callable[[float], float], log_density: Callable[[float], float], at: float, width: float) -> float:
        cuts = sorted({max(at + k * width, 0.0) for k in (-30, -8, -2, 0, 2, 8, 30, 100, 400)})
        top = log_density(at)
        return sum(
            integrate.quad(lambda x: part(x) * math.exp(log_density(x) - top), low, high, epsabs=0, epsrel=1e-12, limit=200)[0]
            for low, high in zip(cuts, cuts[1:], strict=False)
        )

    width = 1 / (math.sqrt(min(a, n) * theta) + abs(a - n) * (peak == 0) + 0.01 * n)
    height = math.exp(exponent(peak))
    busiest = max((n - 1) - a, 0.0)  # of e^-t (1 + t/a)^(n-1)
    log_idle = lambda t: (n - 1) * math.log1p(t / a) - t  # noqa: E731
    idle = area(lambda _: 1.0, log_idle, busiest, 1 + math.sqrt(n)) * math.exp(log_idle(busiest))
    busy, gone, wait = (
        a * height * area(part, exponent, peak, width)
        for part in (lambda _: 1.0, lambda x: -math.expm1(-theta * x), lambda x: -math.expm1(-theta * x) / theta)
    )
    queue = {"aht_s": AHT, "patience_s": patience}
    assert erlang.wait_probability(n, a, **queue) == pytest.approx(busy / (idle + busy), rel=1e-9)
    assert erlang.abandonment_rate(n, a, **queue) == pytest.approx(gone / (idle + busy), rel=1e-9)
    assert erlang.mean_wait_s(n, a, **queue) == pytest.approx(AHT * wait / (idle + busy), rel=1e-9)


def state_by_state(n: float, a: float, theta: float) -> tuple[float, float]:
    """Mean waits of those answered after a wait and of the abandoned, summed over all states that weigh anything."""
    mode = max((a - n) / theta, 0.0)
    spread = 12 * math.sqrt(max(a, n) / theta)
    most = mode + spread if a > n else min(spread, 60 * n / (n - a) if n > a else spread)
    j = np.arange(1.0, most + 50)
    rate = n + j * theta
    logs = np.cumsum(np.log(a / rate))
    weights = np.exp(logs - logs.max())
    served, left = np.cumsum(1 / rate), np.cumsum(j * theta / rate)
    answered = math.fsum(weights * served) / math.fsum(weights)
    return answered, math.fsum(weights * left) / (theta * math.fsum(weights * j))


@pytest.mark.parametrize("n", [20.0, 90.5, 99.0, 100.0, 100.25, 103.0, 130.0, 300.0])
@pytest.mark.parametrize("theta", [0.011, 0.009, 1e-3, 1e-5, 1e-7])
def test_mean_waits_of_much_patience_against_all_states(n: float, theta: float) -> None:
    """On both sides of where a quadrature takes over."""
    a = 100.0
    if max(a - n, 0) / theta > 2e6:
        return
    assert mean_waits(n, a, theta, math.inf) == pytest.approx(state_by_state(n, a, theta), rel=1e-10)


def test_mean_waits_of_endless_patience_end() -> None:
    """Overload: all wait until enough have left, ln(a/n) mean patiences; the abandoned are those of them with less patience."""
    start = time.perf_counter()
    for theta in (1e-9, 1e-12, 1e-15):
        answered, abandoned = mean_waits(1000.0, 1e5, theta, math.inf)
        assert answered * theta == pytest.approx(math.log(100), rel=1e-5)
        assert abandoned * theta == pytest.approx(1 - 0.01 * math.log(100) / 0.99, rel=1e-5)
        answered, abandoned = mean_waits(40.0, 33.0, theta, math.inf)  # patience that nobody needs: exponential waits
        assert (answered, abandoned) == pytest.approx((1 / 7, 1 / 7), rel=1e-6)
        assert mean_waits(0.0, 1e5, theta, math.inf) == pytest.approx((math.nan, 1 / theta), nan_ok=True)
    assert time.perf_counter() - start < 4.0  # state by state the first takes 2 s, the next 50 s


def test_both_sides_of_a_poisson_law_against_scipy() -> None:
    rng = np.random.default_rng(3)
    worst = 0.0
    for _ in range(4000):
        s = 10 ** rng.uniform(-2, 5)
        x = s * 10 ** rng.uniform(-0.9, 0.9) if rng.random() < 0.5 else max(s + rng.normal(0, 5) * math.sqrt(s), s / 50)
        log_at = s * math.log(x) - x - special.gammaln(s + 1)
        if log_at < -300:
            continue
        at = math.exp(log_at)
        noise = 1e-15 * (abs(s * math.log(x)) + x + abs(special.gammaln(s + 1)))  # of the oracle's density
        low = below(s, x, x - s) * at
        assert low == pytest.approx(special.gammaincc(s, x), rel=1e-12 + 4 * noise, abs=1e-14 + noise), (s, x)
        if x <= s:
            total, moment = above(s, x, x - s)
            assert total * at == pytest.approx(special.gammainc(s + 1, x), rel=1e-12 + 4 * noise), (s, x)
            assert 1 / (below(s, x, x - s) + 1 + total) == pytest.approx(at, rel=1e-12 + 4 * noise), (s, x)
            if s < 1e4:
                j = np.arange(1.0, 2 + 40 * math.sqrt(s) + 60)
                terms = np.cumprod(x / (s + j))
                error = abs(moment * x - math.fsum(j * terms)) / (moment * x)
                worst = max(worst, error)
    assert worst < 1e-12


# -- What must hold in any queue (workforce.md: property tests that need no table) --------------------------------------------------------

law = settings(max_examples=max(60, int(2000 * EXAM)), deadline=None)


@law
@given(n=whole_agents, a=loads)
def test_patience_like_handling_gives_poisson(n: int, a: float) -> None:
    """Every contact leaves at the same rate, answered or not: the number present is Poisson."""
    present = stats.poisson(a)
    assert erlang.wait_probability(n, a, aht_s=AHT, patience_s=AHT) == pytest.approx(present.sf(n - 1), rel=1e-9, abs=1e-290)
    busy = present.expect(lambda k: np.minimum(k, n), lb=0, ub=5000, maxcount=6000, tolerance=0) if a < 300 else None
    if busy is not None:
        assert erlang.occupancy(n, a, aht_s=AHT, patience_s=AHT) == pytest.approx(busy / n, rel=1e-9)


@law
@given(n=real_agents, rho=st.floats(0.1, 0.95), t=thresholds)
def test_endless_patience_is_erlang_c(n: float, rho: float, t: float) -> None:
    long = {"aht_s": AHT, "patience_s": 1e15}
    assert erlang.wait_probability(n, rho * n, **long) == pytest.approx(erlang.erlang_c(n, rho * n), rel=1e-8)
    found = erlang.service_level(n, rho * n, **long, threshold_s=t)
    assert found == pytest.approx(erlang.service_level(n, rho * n, aht_s=AHT, threshold_s=t), abs=1e-8)
    if erlang.erlang_c(n, rho * n) > 1e-280:
        assert erlang.mean_wait_s(n, rho * n, **long) == pytest.approx(erlang.mean_wait_s(n, rho * n, aht_s=AHT), rel=1e-7)
        answered = erlang.mean_wait_s(n, rho * n, **long, of="answered")
        assert answered == pytest.approx(erlang.mean_wait_s(n, rho * n, aht_s=AHT, of="answered"), rel=1e-7)


@law
@given(n=real_agents, a=loads)
def test_no_patience_is_erlang_b(n: float, a: float) -> None:
    assert erlang.abandonment_rate(n, a, aht_s=AHT, patience_s=1e-12) == pytest.approx(erlang.erlang_b(n, a), rel=1e-8, abs=1e-290)


@law
@given(n=real_agents, a=loads, patience=patiences, t=thresholds)
def test_as_many_lines_as_agents_is_erlang_b(n: float, a: float, patience: float, t: float) -> None:
    blocking = erlang.erlang_b(n, a)
    for each in (patience, math.inf):
        queue = {"aht_s": AHT, "patience_s": each, "lines": n}
        assert erlang.blocking_rate(n, a, **queue) == pytest.approx(blocking, rel=1e-13)
        assert erlang.service_level(n, a, **queue, threshold_s=t) == pytest.approx(1 - blocking, rel=1e-11, abs=1e-15)
        assert erlang.wait_probability(n, a, **queue) == erlang.mean_queue(n, a, **queue) == erlang.abandonment_rate(n, a, **queue) == 0


@law
@given(n=real_agents, rho=st.floats(0.05, 0.9), patience=patiences, t=thresholds)
def test_very_many_lines_are_no_limit(n: float, rho: float, patience: float, t: float) -> None:
    for each in (patience, math.inf):
        few, many = (ours(n, rho * n, each, lines, t, 5.0) for lines in (n + 5000, math.inf))
        for name, value in many.items():
            if name == "abandoned" and many["abandonment_rate"] < 1e-250:
                continue
            assert few[name] == pytest.approx(value, rel=1e-9, abs=1e-11, nan_ok=True), name


@law
@given(n=real_agents, a=loads, patience=patiences, lines=st.one_of(st.just(math.inf), st.floats(0, 60)))
def test_in_the_end_all_are_answered_blocked_or_gone(n: float, a: float, patience: float, lines: float) -> None:
    queue = {"aht_s": AHT, "patience_s": patience, "lines": n + lines}
    found = ours(n, a, patience, n + lines, 1e12, 0.0)
    lost = found["abandonment_rate"] + found["blocking_rate"]
    assert found["service_level"] == pytest.approx(1 - lost, abs=1e-12)
    assert found["sl_answered_only"] == pytest.approx(1, abs=1e-12)
    # Flow of the answered = agents busy; those waiting = flow of the admitted × wait, and they leave as fast as they lose patience.
    assert a * (1 - lost) == pytest.approx(n * found["occupancy"], rel=1e-9)
    assert found["mean_queue"] * AHT == pytest.approx(a * (1 - found["blocking_rate"]) * found["all"], rel=1e-12)
    assert found["mean_queue"] * AHT == pytest.approx(a * found["abandonment_rate"] * patience, rel=1e-10, abs=1e-300)
    # The wait of all is that of the answered and that of the abandoned.
    parts = (1 - lost) * found["answered"] + found["abandonment_rate"] * np.nan_to_num(found["abandoned"])
    assert parts == pytest.approx((1 - found["blocking_rate"]) * found["all"], rel=1e-8, abs=1e-280)
    assert all(0 <= erlang.service_level(n, a, **queue, threshold_s=20, definition=each) <= 1 for each in SERVICE_LEVELS)


@law
@given(
    n=whole_agents,
    a=loads,
    patience=st.one_of(st.just(math.inf), patiences),
    t=thresholds,
    places=st.one_of(st.just(math.inf), st.integers(1, 40)),
)
def test_more_agents_less_load_less_patience(n: int, a: float, patience: float, t: float, places: float) -> None:
    lines = n + places
    here, more, busier = (
        ours(n, a, patience, lines, t, t / 3),
        ours(n + 1, a, patience, lines, t, t / 3),
        ours(n, 1.1 * a, patience, lines, t, t / 3),
    )
    slack = 1e-12
    # Talking callers hold their lines longer than impatient ones: with finite lines more agents may turn more away.
    spoilt = {"blocking_rate", "wait_probability", "mean_queue", "all"} if places < math.inf else set()
    if patience < math.inf and spoilt:
        spoilt |= {name for name in SERVICE_LEVELS if name not in ("service_level", "sl_answered_only")} | {"abandonment_rate"}
    for name in SERVICE_LEVELS:
        assert more[name] >= here[name] - slack or name in spoilt, name
        assert busier[name] <= here[name] + slack, name
    for name in ("wait_probability", "abandonment_rate", "blocking_rate", "occupancy", "mean_queue", "all", "answered"):
        assert more[name] <= here[name] * (1 + slack) + 1e-15 or (name in spoilt and name != "abandonment_rate"), name
        assert busier[name] >= here[name] * (1 - slack) - 1e-15 or (name in spoilt and name != "blocking_rate"), name
    if patience < math.inf and places == math.inf:
        shorter = ours(n, a, patience / 1.3, lines, t, t / 3)
        assert shorter["wait_probability"] <= here["wait_probability"] * (1 + slack)
        assert shorter["abandonment_rate"] >= here["abandonment_rate"] * (1 - slack)
        assert shorter["all"] <= here["all"] * (1 + slack)
        assert shorter["sl_virtual"] >= here["sl_virtual"] - slack


@law
@given(n=real_agents, a=loads, patience=patiences, t=thresholds, unit=st.sampled_from([1 / 60, 0.1, 7.0]))
def test_the_unit_of_time_does_not_matter(n: float, a: float, patience: float, t: float, unit: float) -> None:
    seconds = erlang.service_level(n, a, aht_s=AHT, patience_s=patience, threshold_s=t)
    other = erlang.service_level(n, a, aht_s=AHT * unit, patience_s=patience * unit, threshold_s=t * unit)
    assert other == pytest.approx(seconds, rel=1e-9, abs=1e-12)
    waits = [erlang.mean_wait_s(n, a, aht_s=AHT * k, patience_s=patience * k, of="answered") / k for k in (1.0, unit)]
    assert waits[0] == pytest.approx(waits[1], rel=1e-9, abs=1e-290)


@law
@given(n=real_agents, a=loads, patience=patiences)
def test_real_agents_are_continuous(n: float, a: float, patience: float) -> None:
    """Also across the borders of the methods: a hair more of anything changes everything by a hair."""
    for each in (n, round(n), 12.0 * AHT / patience):
        if 0 < each < 1e4:
            near = [ours(each * (1 + k * 1e-9), a, patience, math.inf, 20.0, 5.0) for k in (-1, 1)]
            for name in near[0]:
                assert near[0][name] == pytest.approx(near[1][name], rel=1e-5, abs=1e-10, nan_ok=True), name


@law
@given(n=st.integers(1, 30), a=st.floats(0.1, 40), patience=patiences, lines=st.integers(31, 50))
def test_real_places_lie_between_whole_ones(n: int, a: float, patience: float, lines: int) -> None:
    low, middle, high = (erlang.blocking_rate(n, a, lines=lines + part, aht_s=AHT, patience_s=patience) for part in (0, 0.25, 1))
    assert middle == pytest.approx(0.75 * low + 0.25 * high, rel=1e-9, abs=1e-17)


@law
@given(
    n=whole_agents, a=loads, patience=patiences, q=st.floats(0, 0.999999), of=st.sampled_from(["all", "answered", "abandoned", "virtual"])
)
def test_quantiles_invert_the_distribution(n: int, a: float, patience: float, q: float, of: str) -> None:
    queue = {"aht_s": AHT, "patience_s": patience, "of": of}
    wait = erlang.wait_quantile_s(n, a, **queue, q=q)
    if math.isnan(wait):
        assert math.isnan(erlang.wait_exceeds(n, a, **queue, wait_s=0))
        return
    assert erlang.wait_exceeds(n, a, **queue, wait_s=wait) <= 1 - q + 1e-12
    if wait > 0:
        assert erlang.wait_exceeds(n, a, **queue, wait_s=wait * (1 - 1e-6)) >= 1 - q - 1e-12
    assert erlang.wait_quantile_s(n, a, **queue, q=1.0) in (0.0, math.inf)


@law
@given(n=whole_agents, a=st.floats(0.1, 200), patience=st.floats(5, 5000))
def test_means_are_areas_under_the_distribution(n: int, a: float, patience: float) -> None:
    for of in ("all", "answered", "abandoned"):
        queue = {"aht_s": AHT, "patience_s": patience, "of": of}
        if not erlang.wait_exceeds(n, a, **queue, wait_s=0) > 1e-3:
            continue
        top = erlang.wait_quantile_s(n, a, **queue, q=1 - 1e-13)
        wait = 0.5 * top * (NODES + 1)
        area = 0.5 * top * WEIGHTS @ erlang.wait_exceeds(n, a, **queue, wait_s=wait)
        assert erlang.mean_wait_s(n, a, **queue) == pytest.approx(area, rel=1e-6)


def test_kernels_know_their_limits() -> None:
    assert erlang_b_scalar(0.0, 5.0) == 1.0
    assert erlang_b_scalar(5.0, 0.0) == erlang_b_scalar(math.inf, 5.0) == erlang_b_scalar(1e6, 5.0) == 0.0
    assert shares(1e6, 5.0, 1.0, math.inf, 0.1)[6] == shares(1e6, 5.0, 0.0, math.inf, 0.1)[6] == shares(1e6, 5.0, 0.0, 10.0, 0.1)[6] == 1.0
    assert shares(0.0, 5.0, 0.0, 3.0, 0.1)[0] == 1.0
    assert all(math.isnan(each) for each in mean_waits(5.0, 5.0, 1.0, 0.0))
    assert mean_waits(5.0, 6.0, 0.0, math.inf)[0] == math.inf
