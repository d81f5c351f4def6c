"""General patience: against Erlang A, textbook integrals, the event simulation, and what must always hold."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from ccstats.errors import OptionError
from ccstats.queueing import erlang
from ccstats.queueing.general_patience import impatient_agents_required, impatient_queue
from ccstats.queueing.measures import DEFINITIONS, QueueMeasures
from ccstats.queueing.patience_laws import PatienceLaw
from ccstats.queueing.simulation import simulate_queue

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
SHARES = ("wait_probability", "abandonment_rate", "occupancy", *DEFINITIONS)

STEPS = np.arange(5.0, 400.0, 5.0)
LAWS = {
    "exponential": PatienceLaw.exponential(120.0),
    "Weibull, most leave early": PatienceLaw.weibull(shape=0.5, scale_s=90.0),
    "Weibull, most leave late": PatienceLaw.weibull(shape=3.0, scale_s=90.0),
    "lognormal": PatienceLaw.lognormal(median_s=90.0, sigma=1.0),
    "fixed": PatienceLaw.fixed(60.0),
    "two kinds": PatienceLaw.mixture([PatienceLaw.exponential(5.0), PatienceLaw.exponential(300.0)], [0.3, 0.7]),
    "one in five balks": PatienceLaw.weibull(shape=2.0, scale_s=100.0).balking(0.2),
    "limit of two minutes": PatienceLaw.mixture([PatienceLaw.exponential(100.0), PatienceLaw.fixed(120.0)], [0.6, 0.4]),
    "curve": PatienceLaw.from_curve(STEPS, np.exp(-STEPS / 150.0), tail_mean_s=150.0),
}


def draw(name: str, rng: np.random.Generator, size: int) -> np.ndarray:
    """Patience as the law says, by other means than its distribution function."""
    kind = rng.random(size)
    return {
        "exponential": lambda: rng.exponential(120.0, size),
        "Weibull, most leave early": lambda: 90.0 * rng.weibull(0.5, size),
        "Weibull, most leave late": lambda: 90.0 * rng.weibull(3.0, size),
        "lognormal": lambda: rng.lognormal(math.log(90.0), 1.0, size),
        "fixed": lambda: np.full(size, 60.0),
        "two kinds": lambda: np.where(kind < 0.3, rng.exponential(5.0, size), rng.exponential(300.0, size)),
        "one in five balks": lambda: np.where(kind < 0.2, 0.0, 100.0 * rng.weibull(2.0, size)),
        "limit of two minutes": lambda: np.where(kind < 0.6, rng.exponential(100.0, size), 120.0),
        "curve": lambda: stepped(rng.exponential(150.0, size)),
    }[name]()


def stepped(times: np.ndarray) -> np.ndarray:
    """The next multiple of five seconds below 395, as the curve has it; beyond it the time itself."""
    return np.where(times <= STEPS[-1], np.ceil(times / 5.0) * 5.0, times)


def survival(name: str, x: float) -> float:
    return {
        "exponential": lambda: math.exp(-x / 120.0),
        "Weibull, most leave early": lambda: math.exp(-((x / 90.0) ** 0.5)),
        "Weibull, most leave late": lambda: math.exp(-((x / 90.0) ** 3.0)),
        "lognormal": lambda: 0.5 * math.erfc(math.log(max(x, 1e-300) / 90.0) / math.sqrt(2.0)),
        "fixed": lambda: float(x < 60.0),
        "two kinds": lambda: 0.3 * math.exp(-x / 5.0) + 0.7 * math.exp(-x / 300.0),
        "one in five balks": lambda: 0.8 * math.exp(-((x / 100.0) ** 2.0)),
        "limit of two minutes": lambda: 0.6 * math.exp(-x / 100.0) + 0.4 * (x < 120.0),
        "curve": lambda: math.exp(-(math.floor(x / 5.0) * 5.0 if x < STEPS[-1] else x) / 150.0),
    }[name]()


def plain_integrals(name: str, n: int, load: float, aht: float, t: float) -> dict[str, float]:
    """Zeltyn & Mandelbaum's formulas on a fine grid between the corners: trapezoids with Richardson's correction, nothing scaled."""
    arrivals, rate = load / aht, n / aht
    idle = 1.0
    for k in range(1, n):  # E: states below n - 1 against it
        idle = 1.0 + idle * k / load
    corners = sorted({0.0, t, 60.0, 120.0, 1500.0, *STEPS} | {10.0**k for k in np.arange(-9, 2, 0.5)})
    nodes, weights = np.polynomial.legendre.leggauss(12)
    area, sums = 0.0, np.zeros(8)
    for low, high in zip(corners[:-1], corners[1:], strict=True):
        x = (low + high + (high - low) * nodes) / 2
        stay = np.array([survival(name, each) for each in x])
        # The integral of the survival within the piece, to each node, by the same rule on the part before it.
        inner = np.array([[survival(name, low + (each - low) * (1 + node) / 2) for node in nodes] for each in x])
        lived = area + (inner @ weights) * (x - low) / 2
        dense = np.exp(arrivals * lived - rate * x) * weights * (high - low) / 2
        early = x <= t
        sums += [
            dense.sum(), (dense * stay).sum(), (dense * lived).sum(), (dense * stay * early).sum(), (dense * early).sum(),
            (dense * (1 - stay) * early).sum(), (dense * ~early).sum(), (dense * x * stay).sum(),
        ]  # fmt: skip
        area += (stay @ weights) * (high - low) / 2
    whole = idle + arrivals * sums[0]
    answered = (idle + arrivals * sums[1]) / whole
    return {
        "wait_probability": arrivals * sums[0] / whole,
        "abandonment_rate": 1.0 - answered,
        "mean_wait_s": arrivals * sums[2] / whole,
        "mean_wait_answered_s": arrivals * sums[7] / whole / answered,
        "service_level": (idle + arrivals * sums[3]) / whole,
        "sl_virtual": (idle + arrivals * sums[4]) / whole,
        "sl_early_abandoned_met": (idle + arrivals * (sums[3] + sums[5] + (1 - survival(name, t)) * sums[6])) / whole,
    }


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("agents", [8, 11, 14])
def test_textbook_integrals(name: str, agents: int) -> None:
    queue = impatient_queue(agents, 10.0, aht_s=180.0, patience=LAWS[name], threshold_s=20.0)
    for field, value in plain_integrals(name, agents, 10.0, 180.0, 20.0).items():
        assert getattr(queue, field) == pytest.approx(value, rel=1e-8), field


def same_as_erlang_a(agents, load, aht_s, patience_s, threshold_s, short_s, tolerance):
    queue = impatient_queue(agents, load, aht_s=aht_s, patience=patience_s, threshold_s=threshold_s, short_s=short_s)
    own = {"aht_s": aht_s, "patience_s": patience_s}
    expected = {
        "wait_probability": erlang.wait_probability(agents, load, **own),
        "abandonment_rate": erlang.abandonment_rate(agents, load, **own),
        "mean_wait_s": erlang.mean_wait_s(agents, load, **own, of="all"),
        "mean_wait_answered_s": erlang.mean_wait_s(agents, load, **own, of="answered"),
        "mean_wait_abandoned_s": erlang.mean_wait_s(agents, load, **own, of="abandoned"),
        "occupancy": erlang.occupancy(agents, load, **own),
        "mean_queue": erlang.mean_queue(agents, load, **own),
        **{
            name: erlang.service_level(agents, load, **own, threshold_s=threshold_s, short_s=short_s, definition=name)
            for name in DEFINITIONS
        },
    }
    worst = 0.0
    for field, value in expected.items():
        ours = np.asarray(getattr(queue, field))
        # Virtual service levels are 1 minus the share that waits longer in Erlang A, so that tiny ones have absolute digits only.
        np.testing.assert_allclose(ours, value, rtol=tolerance, atol=3e-15, err_msg=field)
        clear = np.abs(value) > 1e-5
        worst = max(worst, float(np.max(np.abs(ours[clear] / np.asarray(value)[clear] - 1), initial=0)))
    return worst


def test_an_exponential_law_is_erlang_a() -> None:
    rng = np.random.default_rng(5)
    size = int(200 + 10_000 * EXAM)
    load = np.exp(rng.uniform(np.log(0.1), np.log(1e4), size))
    agents = np.maximum(np.round(load + rng.normal(0, 2, size) * np.sqrt(load)), 1.0)
    worst = same_as_erlang_a(agents, load, 180.0, np.exp(rng.uniform(0.0, 9.0, size)), rng.uniform(0.0, 60.0, size), 5.0, 1e-9)
    print(f"Erlang A on {size} settings: worst relative difference {worst:.1e}")  # noqa: T201


@pytest.mark.parametrize("patience_s", [0.5, 60.0, 1e6])
@pytest.mark.parametrize("load", [0.01, 1.0, 100.0, 1e5])
@pytest.mark.parametrize("rho", [0.5, 1.0, 1.5, 10.0])
def test_extremes_of_erlang_a(patience_s: float, load: float, rho: float) -> None:
    agents = np.array([max(load / rho, 0.3)])  # parts of an agent too
    same_as_erlang_a(agents, np.array([load]), 180.0, patience_s, 20.0, 5.0, 1e-9)


def test_a_law_and_its_mean_are_the_same_and_never_leaving_is_erlang_c() -> None:
    by_law = impatient_queue(12, 10.0, aht_s=180.0, patience=LAWS["exponential"])
    by_mean = impatient_queue(12, 10.0, aht_s=180.0, patience=120.0)
    np.testing.assert_allclose(by_law, by_mean, rtol=1e-12)
    patient = impatient_queue(12, 10.0, aht_s=180.0)
    assert patient.wait_probability == pytest.approx(float(erlang.erlang_c(12, 10.0)), rel=1e-12)
    assert patient.mean_wait_s == pytest.approx(float(erlang.erlang_c(12, 10.0)) * 180.0 / 2.0, rel=1e-12)
    assert patient.abandonment_rate == 0.0
    assert math.isnan(patient.mean_wait_abandoned_s)


def simulated(name: str, agents: int, load: float, aht: float, t: float, short: float, seed: int, contacts: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    arrival = np.cumsum(rng.exponential(aht / load, contacts))
    run = simulate_queue(arrival, rng.exponential(aht, contacts), draw(name, rng, contacts), agents=[agents], interval_s=arrival[-1] + 1e7)
    counted = arrival > 20 * aht  # the queue begins empty
    wait, left = run.wait_s[counted], run.abandoned[counted]
    in_time = (~left & (wait <= t)).mean()
    return {
        "abandonment_rate": left.mean(),
        "mean_wait_s": wait.mean(),
        "mean_wait_answered_s": wait[~left].mean(),
        "mean_wait_abandoned_s": wait[left].mean(),
        "service_level": in_time,
        "sl_answered_only": in_time / (~left).mean(),
        "sl_excl_early_abandoned": in_time / (1 - (left & (wait <= t)).mean()),
        "sl_early_abandoned_met": (wait <= t).mean(),
        "sl_excl_short": in_time / (1 - (left & (wait <= short)).mean()),
    }


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize(("agents", "load"), [(9, 10.0), (42, 40.0)])
def test_simulation_agrees(name: str, agents: int, load: float) -> None:
    runs = [simulated(name, agents, load, 180.0, 20.0, 5.0, seed, int(4_000 + 200_000 * EXAM)) for seed in range(20)]
    queue = impatient_queue(agents, load, aht_s=180.0, patience=LAWS[name], threshold_s=20.0, short_s=5.0)
    wide = stats.t.ppf(1 - 0.005 / len(runs[0]), len(runs) - 1)  # 99 % for all measures of a setting together
    for field in runs[0]:
        values = np.array([run[field] for run in runs])
        away = abs(values.mean() - getattr(queue, field))
        # A mean that is the same in every run (patience that is fixed) has no interval.
        assert away <= wide * values.std(ddof=1) / math.sqrt(len(runs)) + 1e-9 * abs(values.mean()), field


laws = st.one_of(
    st.builds(PatienceLaw.exponential, st.floats(1.0, 1e5)),
    st.builds(lambda shape, scale: PatienceLaw.weibull(shape=shape, scale_s=scale), st.floats(0.3, 4.0), st.floats(1.0, 1e4)),
    st.builds(lambda median, sigma: PatienceLaw.lognormal(median_s=median, sigma=sigma), st.floats(1.0, 1e4), st.floats(0.1, 2.5)),
    st.builds(lambda limit, share: PatienceLaw.fixed(limit).balking(share), st.floats(0.1, 1e3), st.floats(0.0, 1.0)),
)


@settings(max_examples=int(60 + 1000 * EXAM), deadline=None)
@given(law=laws, load=st.floats(0.1, 2000.0), z=st.floats(-5.0, 5.0), t=st.floats(0.0, 300.0))
def test_what_must_hold_for_every_law(law: PatienceLaw, load: float, z: float, t: float) -> None:
    agents = max(round(load + z * math.sqrt(load)), 1)
    fewer, queue, more = (impatient_queue(n, load, aht_s=180.0, patience=law, threshold_s=t) for n in (agents, agents + 1, agents + 1.5))
    for field in SHARES:
        assert -1e-12 <= getattr(queue, field) <= 1 + 1e-12, field
    # What comes in is answered or leaves; who is answered keeps an agent busy; Little.
    assert queue.occupancy * (agents + 1) == pytest.approx(load * (1 - queue.abandonment_rate), rel=1e-9)
    assert queue.mean_queue == pytest.approx(load / 180.0 * queue.mean_wait_s, rel=1e-9)
    kept, lost = 1 - queue.abandonment_rate, queue.abandonment_rate
    assert queue.mean_wait_s == pytest.approx(
        kept * np.nan_to_num(queue.mean_wait_answered_s) + lost * np.nan_to_num(queue.mean_wait_abandoned_s), rel=1e-9, abs=1e-12
    )
    assert queue.mean_wait_s <= law.mean_s * (1 + 1e-6)
    assert (
        queue.service_level
        <= min(queue.sl_answered_only, queue.sl_excl_early_abandoned, queue.sl_early_abandoned_met, queue.sl_virtual) + 1e-12
    )
    for better, worse in ((queue, fewer), (more, queue)):
        for field in DEFINITIONS:
            assert getattr(better, field) >= getattr(worse, field) - 1e-9, field
        assert better.abandonment_rate <= worse.abandonment_rate + 1e-9
        assert better.mean_wait_s <= worse.mean_wait_s * (1 + 1e-9) + 1e-12
    # The unit of time does not matter; in the end everybody is answered or has left.
    hour = PatienceLaw(lambda x: law.cdf(x * 3600.0), tuple(mark / 3600.0 for mark in law.marks_s))
    hours = impatient_queue(agents + 1, load, aht_s=0.05, patience=hour, threshold_s=t / 3600.0)
    assert hours.service_level == pytest.approx(float(queue.service_level), rel=1e-8, abs=1e-12)
    late = impatient_queue(agents, load, aht_s=180.0, patience=law, threshold_s=np.inf)
    assert late.service_level == pytest.approx(1 - float(late.abandonment_rate), rel=1e-9)
    assert late.sl_early_abandoned_met == pytest.approx(1.0, rel=1e-9)


@settings(max_examples=int(30 + 1000 * EXAM), deadline=None)
@given(
    law=laws, load=st.floats(0.05, 500.0), t=st.floats(0.0, 120.0), target=st.floats(0.05, 0.99), definition=st.sampled_from(DEFINITIONS)
)
def test_the_fewest_agents(law: PatienceLaw, load: float, t: float, target: float, definition: str) -> None:
    asked = {"aht_s": 180.0, "patience": law, "threshold_s": t}
    agents = int(impatient_agents_required(load, **asked, target_service_level=target, definition=definition))
    assert getattr(impatient_queue(agents, load, **asked), definition) >= target * (1 - 1e-12)
    assert agents == 1 or not getattr(impatient_queue(agents - 1, load, **asked), definition) >= target * (1 - 1e-12)
    part = float(impatient_agents_required(load, **asked, target_service_level=target, definition=definition, fractional=True))
    assert agents - 1 <= part <= agents


def test_every_limit_counts() -> None:
    load, asked = np.array([0.0, 0.4, 8.4, 96.0]), {"aht_s": 180.0, "patience": LAWS["lognormal"]}
    for limits in ({"max_mean_wait_s": 10.0}, {"max_abandonment_rate": 0.05}, {"max_occupancy": 0.7}, {"target_service_level": 0.8}):
        agents = impatient_agents_required(load, **asked, **limits)
        assert agents[0] == 0
        both = impatient_agents_required(load, **asked, **(limits | {"max_occupancy": 0.8}))
        assert (both >= agents * (limits.get("max_occupancy", 1.0) != 0.7)).all()
    # 8.4 Erlangs that nearly all get answered: 12 agents are busy for at most 0.7, not 13.
    assert impatient_agents_required(8.4, aht_s=180.0, max_occupancy=0.7) == 12
    # Impatient callers can be served well with fewer agents than Erlangs (nobody waits longer than a moment).
    assert impatient_agents_required(100.0, aht_s=180.0, patience=120.0, target_service_level=0.8, threshold_s=20.0) == 96


def test_agents_required_are_those_of_erlang_a() -> None:
    load = np.exp(np.random.default_rng(2).uniform(-1.0, 7.0, 50))
    own = {"aht_s": 240.0, "threshold_s": 30.0, "target_service_level": 0.9}
    expected = erlang.agents_required(load, patience_s=90.0, **own)
    np.testing.assert_array_equal(impatient_agents_required(load, patience=90.0, **own), expected)


def test_overload_comes_to_the_limit() -> None:
    queue = impatient_queue([8, 10], 10.0, aht_s=180.0)
    assert queue.service_level.tolist() == [0.0, 0.0]
    assert queue.mean_wait_s.tolist() == [np.inf, np.inf]
    assert queue.occupancy.tolist() == [1.0, 1.0]
    assert queue.abandonment_rate.tolist() == [0.0, 0.0]
    # Half of the callers never leave: with too few agents for them the wait grows without end, and the other half all leave.
    stubborn = PatienceLaw.mixture([PatienceLaw.exponential(60.0), PatienceLaw.exponential(np.inf)], [0.5, 0.5])
    queue = impatient_queue([4, 6], 10.0, aht_s=180.0, patience=stubborn)
    assert queue.mean_wait_s[0] == np.inf
    assert queue.abandonment_rate[0] == 0.5
    assert 0.39 < queue.abandonment_rate[1] < 0.5
    # No agent at all: everybody waits as long as patience lasts.
    nobody = impatient_queue(0, 10.0, aht_s=180.0, patience=PatienceLaw.fixed(50.0))
    assert (nobody.abandonment_rate, nobody.service_level, nobody.mean_wait_s) == (1.0, 0.0, pytest.approx(50.0))


def test_no_load_no_shares() -> None:
    queue = impatient_queue([0, 3], 0.0, aht_s=180.0, patience=60.0)
    assert queue.occupancy.tolist() == queue.mean_queue.tolist() == [0.0, 0.0]
    assert np.isnan(np.concatenate([queue.service_level, queue.abandonment_rate, queue.mean_wait_s])).all()


def test_arrays_broadcast_and_are_not_changed() -> None:
    agents, load, patience = np.array([[10.0], [12.0]]), np.array([9.0, 10.0, 11.0]), np.array([60.0, 120.0, np.inf])
    before = [each.copy() for each in (agents, load, patience)]
    queue = impatient_queue(agents, load, aht_s=180.0, patience=patience)
    assert queue.service_level.shape == (2, 3)
    assert queue.service_level[1, 2] == impatient_queue(12, 11.0, aht_s=180.0).service_level
    assert isinstance(queue, QueueMeasures)
    for old, new in zip(before, (agents, load, patience), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("name", LAWS)
def test_the_law_is_what_it_says(name: str) -> None:
    law, rng = LAWS[name], np.random.default_rng(9)
    for x in (0.0, 1.0, 7.5, 59.0, 60.0, 119.9, 120.0, 399.0, 1000.0):
        assert law.survival(x) == pytest.approx(survival(name, x), abs=1e-14)
    drawn = draw(name, rng, 200_000)
    assert law.mean_s == pytest.approx(drawn.mean(), rel=0.02)
    panels = law.panels
    x = rng.uniform(0.0, min(panels.edges[-1], 2000.0), 500)
    at = np.searchsorted(panels.edges, x, side="right") - 1
    u = (2 * x - panels.edges[at] - panels.edges[at + 1]) / (panels.edges[at + 1] - panels.edges[at])
    pieces = np.array([np.polynomial.chebyshev.chebval(each, panels.cdf[i]) for each, i in zip(u, at, strict=True)])
    np.testing.assert_allclose(pieces, law.cdf(x), atol=3e-14)
    area = np.array([panels.lost_at[i] + np.polynomial.chebyshev.chebval(v, panels.lost[i]) for v, i in zip(u, at, strict=True)])
    for k in range(0, 500, 100):
        corners = [c for c in panels.edges if c < x[k]][-60:]
        value = sum(integrate.quad(law.cdf, a, b, epsabs=1e-12)[0] for a, b in zip(corners, [*corners[1:], x[k]], strict=True))
        value += panels.lost_at[list(panels.edges).index(corners[0])]
        assert area[k] == pytest.approx(value, rel=1e-9, abs=1e-12)


def test_means_of_the_laws() -> None:
    assert PatienceLaw.weibull(shape=0.5, scale_s=90.0).mean_s == pytest.approx(90.0 * special.gamma(3.0), rel=1e-9)
    assert PatienceLaw.lognormal(median_s=90.0, sigma=1.0).mean_s == pytest.approx(90.0 * math.exp(0.5), rel=1e-9)
    assert PatienceLaw.exponential(np.inf).mean_s == np.inf
    assert PatienceLaw.from_curve([10.0], [0.5]).mean_s == np.inf


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: PatienceLaw.exponential(0.0), "mean_s"),
        (lambda: PatienceLaw.exponential(np.nan), "mean_s"),
        (lambda: PatienceLaw.weibull(shape=-1.0, scale_s=90.0), "shape"),
        (lambda: PatienceLaw.weibull(shape=0.05, scale_s=90.0), "shape"),
        (lambda: PatienceLaw.lognormal(median_s=90.0, sigma=20.0), "sigma"),
        (lambda: PatienceLaw.fixed(-1.0), "times_s"),
        (lambda: PatienceLaw.from_curve([1.0, 2.0], [0.5, 0.6]), "survival"),
        (lambda: PatienceLaw.from_curve([2.0, 1.0], [0.6, 0.5]), "times_s"),
        (lambda: PatienceLaw.from_curve([1.0, 2.0], [0.5]), "shapes"),
        (lambda: PatienceLaw.mixture([LAWS["fixed"]], [0.5, 0.5]), "weights"),
        (lambda: PatienceLaw.mixture([LAWS["fixed"]], [-1.0]), "weights"),
        (lambda: LAWS["fixed"].balking(1.5), "share"),
        (lambda: PatienceLaw(lambda x: np.minimum(x / 7.0, 1.0) * (0.9 + 0.1 * (np.sin(1e9 * x) > 0)), (7.0,)).panels, "jumps"),
        (lambda: PatienceLaw(lambda x: np.exp(-x / 7.0), (7.0, 100.0)).panels, "rise"),
        (lambda: PatienceLaw(lambda x: x / 7.0, (20.0,)).panels, "rise"),
        (lambda: impatient_queue(-1, 10.0, aht_s=180.0), "agents="),
        (lambda: impatient_queue(10, np.nan, aht_s=180.0), "load="),
        (lambda: impatient_queue(10, "many", aht_s=180.0), "load="),
        (lambda: impatient_queue(10, [1.0, -2.0], aht_s=180.0), r"position \[1\]"),
        (lambda: impatient_queue(10, 10.0, aht_s=0.0), "aht_s="),
        (lambda: impatient_queue(10, 10.0, aht_s=180.0, patience=0.0), "patience="),
        (lambda: impatient_queue(10, 10.0, aht_s=180.0, threshold_s=-1.0), "threshold_s="),
        (lambda: impatient_queue([1, 2], [1.0, 2.0, 3.0], aht_s=180.0), "do not fit together"),
        (lambda: impatient_agents_required(10.0, aht_s=180.0), "nothing is asked for"),
        (lambda: impatient_agents_required(10.0, aht_s=180.0, target_service_level=1.0), "target_service_level"),
        (lambda: impatient_agents_required(10.0, aht_s=180.0, max_mean_wait_s=0.0), "max_mean_wait_s"),
        (lambda: impatient_agents_required(10.0, aht_s=180.0, target_service_level=0.8, definition="sl_answered"), "sl_answered_only"),
    ],
)
def test_bad_input_is_named(make, word: str) -> None:
    with pytest.raises(OptionError, match=word):
        make()
