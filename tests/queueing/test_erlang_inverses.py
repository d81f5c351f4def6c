"""The fewest agents, the most load, the fewest lines: met there, missed next door, the same by every way."""

from __future__ import annotations

import math
import os
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccstats.queueing import erlang
from ccstats.queueing.sizing import SERVICE_LEVELS

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
AHT = 180.0
CASES = 100_000
law = settings(max_examples=max(60, int(2000 * EXAM)), deadline=None)

loads = st.floats(-2, 3).map(lambda x: 10.0**x)
patiences = st.one_of(st.just(math.inf), st.floats(-0.3, 6).map(lambda x: 10.0**x))
targets = st.fixed_dictionaries(
    {},
    optional={
        "level": st.floats(0.05, 0.99),
        "wait": st.floats(0.1, 300),
        "abandonment": st.floats(0.001, 0.5),
        "occupancy": st.floats(0.2, 0.99),
    },
).filter(bool)


def asked(case: dict[str, float], threshold: float, definition: str, short: float) -> dict[str, object]:
    out: dict[str, object] = {"aht_s": AHT}
    if "level" in case:
        out |= {"target_service_level": case["level"], "threshold_s": threshold, "definition": definition, "short_s": short}
    names = {
        "wait": "max_mean_wait_s",
        "abandonment": "max_abandonment_rate",
        "occupancy": "max_occupancy",
        "blocking": "max_blocking_rate",
    }
    return out | {names[name]: value for name, value in case.items() if name != "level"}


def is_met(n: float, a: float, queue: dict[str, float], case: dict[str, float], threshold: float, definition: str, short: float) -> bool:
    """Each target looked at by its own public function, with the tolerance that is documented."""
    slack = 1e-12
    met = True
    if "level" in case:
        reached = erlang.service_level(n, a, aht_s=AHT, **queue, threshold_s=threshold, definition=definition, short_s=short)
        met &= reached >= case["level"] * (1 - slack)
    if "wait" in case:
        met &= erlang.mean_wait_s(n, a, aht_s=AHT, **queue, of="answered") <= case["wait"] * (1 + 2 * slack)
    if "abandonment" in case:
        met &= erlang.abandonment_rate(n, a, aht_s=AHT, **queue) <= case["abandonment"] * (1 + 2 * slack)
    if "occupancy" in case:
        met &= erlang.occupancy(n, a, aht_s=AHT, **queue) <= case["occupancy"] * (1 + 2 * slack)
    if "blocking" in case:
        met &= erlang.blocking_rate(n, a, aht_s=AHT, **queue) <= case["blocking"] * (1 + 2 * slack)
    return bool(met)


@pytest.mark.parametrize("patient", [True, False])
def test_met_at_n_missed_at_one_less_in_100_000_random_cases(patient: bool) -> None:
    rng = np.random.default_rng(20240501)
    load = 10 ** rng.uniform(-2, 3, CASES)
    queue = {"aht_s": rng.uniform(30, 900, CASES), "threshold_s": rng.uniform(0, 120, CASES)}
    if not patient:
        queue["patience_s"] = 10 ** rng.uniform(0, 4, CASES)
    level = rng.uniform(0.05, 0.99, CASES)
    agents = erlang.agents_required(load, **queue, target_service_level=level)
    assert (agents == np.floor(agents)).all()
    assert agents.min() == 1
    assert (erlang.service_level(agents, load, **queue) >= level * (1 - 1e-12)).all()
    assert (erlang.service_level(agents - 1, load, **queue) < level).all()


@pytest.mark.parametrize("definition", SERVICE_LEVELS)
def test_every_definition_is_minimal_too(definition: str) -> None:
    rng = np.random.default_rng(5)
    size = max(2000, int(CASES * EXAM))
    load, level = 10 ** rng.uniform(-1, 2.5, size), rng.uniform(0.1, 0.95, size)
    queue = {"aht_s": AHT, "patience_s": 10 ** rng.uniform(0, 4, size), "threshold_s": rng.uniform(0, 60, size)}
    queue |= {"definition": definition, "short_s": rng.uniform(0, 20, size)}
    agents = erlang.agents_required(load, **queue, target_service_level=level)
    assert (erlang.service_level(agents, load, **queue) >= level * (1 - 1e-12)).all()
    assert ((erlang.service_level(agents - 1, load, **queue) < level) | (agents == 1)).all()
    # … and it is the first of all numbers, not only better than its neighbour.
    some = slice(0, 300)
    every = np.arange(1, 400)[:, None]
    picked = {name: value[some] if isinstance(value, np.ndarray) else value for name, value in queue.items()}
    met = erlang.service_level(every, load[some], **picked) >= level[some] * (1 - 1e-12)
    inside = agents[some] < 400
    assert (every[met.argmax(axis=0), 0] == agents[some])[inside].all()


@law
@given(
    a=loads,
    patience=patiences,
    case=targets,
    threshold=st.floats(0, 120),
    short=st.floats(0, 30),
    definition=st.sampled_from(list(SERVICE_LEVELS)),
)
def test_several_targets_need_the_most_of_each(
    a: float, patience: float, case: dict[str, float], threshold: float, short: float, definition: str
) -> None:
    queue = {"patience_s": patience}
    together = erlang.agents_required(a, **queue, **asked(case, threshold, definition, short))
    alone = [erlang.agents_required(a, **queue, **asked({name: value}, threshold, definition, short)) for name, value in case.items()]
    assert together == max(alone)
    assert is_met(together, a, queue, case, threshold, definition, short)
    assert together == 1 or not is_met(together - 1, a, queue, case, threshold, definition, short)
    real = erlang.agents_required(a, **queue, **asked(case, threshold, definition, short), fractional=True)
    assert together - 1 - 1e-9 <= real <= together
    if 1e-6 < real < together:
        assert not is_met(real * (1 - 1e-7), a, queue, case, threshold, definition, short)
        assert is_met(real * (1 + 1e-7), a, queue, case, threshold, definition, short)


@law
@given(
    a=st.floats(0.05, 30),
    patience=patiences,
    case=st.fixed_dictionaries({}, optional={"level": st.floats(0.05, 0.99), "blocking": st.floats(0.001, 0.5)}).filter(bool),
    lines=st.integers(1, 40),
    threshold=st.floats(0, 120),
    definition=st.sampled_from(list(SERVICE_LEVELS)),
)
def test_with_finite_lines_the_first_that_meets(
    a: float, patience: float, case: dict[str, float], lines: int, threshold: float, definition: str
) -> None:
    queue = {"patience_s": patience, "lines": float(lines)}
    agents = erlang.agents_required(a, **queue, **asked(case, threshold, definition, 5.0))
    met = [n for n in range(1, lines + 1) if is_met(n, a, queue, case, threshold, definition, 5.0)]
    assert agents == (met[0] if met else math.inf)


@pytest.mark.parametrize("definition", SERVICE_LEVELS)
def test_the_first_that_meets_where_more_agents_may_hurt(definition: str) -> None:
    """Few lines and little patience: who is served holds a line longer than who waits, so the measures rise and fall with the agents."""
    rng = np.random.default_rng(8)
    size, most = 3000, 8
    load, lines, level = 10 ** rng.uniform(-1, 1.5, size), rng.integers(2, most + 1, size), rng.uniform(0.02, 0.98, size)
    queue = {"patience_s": 10 ** rng.uniform(-1, 2, size), "threshold_s": rng.uniform(0, 60, size)}
    queue |= {"definition": definition, "short_s": 20.0}
    every = np.minimum(np.arange(1, most + 1)[:, None], lines)  # the last of a row's numbers stands for those beyond
    reached = erlang.service_level(every, load, aht_s=AHT, lines=lines, **queue)
    agents = erlang.agents_required(load, aht_s=AHT, lines=lines, **queue, target_service_level=level)
    met = reached >= level * (1 - 1e-12)
    assert (agents == np.where(met.any(axis=0), met.argmax(axis=0) + 1, np.inf)).all()
    blocked = erlang.blocking_rate(every, load, aht_s=AHT, lines=lines, patience_s=queue["patience_s"])
    agents = erlang.agents_required(load, aht_s=AHT, lines=lines, patience_s=queue["patience_s"], max_blocking_rate=level)
    met = blocked <= level * (1 + 1e-12)
    assert (agents == np.where(met.any(axis=0), met.argmax(axis=0) + 1, np.inf)).all()
    if definition not in ("service_level", "sl_answered_only"):
        assert (np.diff(reached, axis=0) < -1e-6).any()  # the case is there


@pytest.mark.parametrize("definition", SERVICE_LEVELS)
def test_with_patience_like_handling_or_more_the_first_that_meets(definition: str) -> None:
    """There the search does not try every number; a table of all of them says whether it may not."""
    rng = np.random.default_rng(9)
    size, most = max(2000, int(CASES * EXAM)), 30
    load, lines, level = 10 ** rng.uniform(-1, 2, size), rng.integers(2, most + 1, size), rng.uniform(0.02, 0.98, size)
    queue = {"aht_s": AHT, "patience_s": AHT * 10 ** rng.uniform(0, 2, size), "lines": lines}
    queue["patience_s"][::4] = AHT
    timed = {"threshold_s": rng.choice([0.0, 20.0, 200.0], size), "definition": definition, "short_s": 20.0}
    every = np.minimum(np.arange(1, most + 1)[:, None], lines)
    met = erlang.service_level(every, load, **queue, **timed) >= level * (1 - 1e-12)
    agents = erlang.agents_required(load, **queue, **timed, target_service_level=level)
    assert (agents == np.where(met.any(axis=0), met.argmax(axis=0) + 1, np.inf)).all()
    most_blocked = 10 ** rng.uniform(-6, 0, size)
    met = erlang.blocking_rate(every, load, **queue) <= most_blocked * (1 + 1e-12)
    agents = erlang.agents_required(load, **queue, max_blocking_rate=most_blocked)
    assert (agents == np.where(met.any(axis=0), met.argmax(axis=0) + 1, np.inf)).all()


def test_many_lines_and_much_patience_are_not_tried_one_by_one() -> None:
    queue = {"aht_s": AHT, "patience_s": 1e6, "lines": 6e4}
    start = time.perf_counter()
    agents = erlang.agents_required(5e4, **queue, max_blocking_rate=1e-9)
    assert time.perf_counter() - start < 4.0  # one by one took 9 s where bisection takes some 10 ms
    assert erlang.blocking_rate(agents, 5e4, **queue) <= 1e-9 * (1 + 2e-12)
    assert erlang.blocking_rate(agents - 1, 5e4, **queue) > 1e-9


@law
@given(
    n=st.integers(1, 300), patience=patiences, case=targets, threshold=st.floats(0, 120), definition=st.sampled_from(list(SERVICE_LEVELS))
)
def test_load_and_agents_are_inverse(n: int, patience: float, case: dict[str, float], threshold: float, definition: str) -> None:
    queue = {"patience_s": patience, **asked(case, threshold, definition, 5.0)}
    load = erlang.max_load(n, **queue)
    if 0 < load < math.inf:
        assert erlang.agents_required(load * (1 - 1e-8), **queue) <= n
        assert erlang.agents_required(load * (1 + 1e-8), **queue) > n
        assert erlang.agents_required(load, **queue, fractional=True) == pytest.approx(n, rel=1e-6)
    elif load == 0:
        assert erlang.agents_required(1e-9, **queue) > n
    else:
        assert erlang.agents_required(1e6, **queue) <= n


@law
@given(lines=st.integers(1, 500), most=st.floats(1e-9, 0.99))
def test_lines_and_load_are_inverse(lines: int, most: float) -> None:
    load = erlang.max_load(lines, lines=lines, max_blocking_rate=most)
    assert erlang.erlang_b(lines, load) == pytest.approx(most, rel=1e-12)
    assert erlang.lines_required(load * (1 - 1e-8), max_blocking_rate=most) <= lines
    assert erlang.lines_required(load * (1 + 1e-8), max_blocking_rate=most) > lines
    assert erlang.lines_required(load, max_blocking_rate=most, fractional=True) == pytest.approx(lines, rel=1e-7)


@law
@given(a=loads, b=loads, patience=patiences, case=targets, threshold=st.floats(0, 120), most=st.floats(0.001, 0.9))
def test_pooling_never_needs_more(a: float, b: float, patience: float, case: dict[str, float], threshold: float, most: float) -> None:
    """Of a load that waits, for any target; of one that leaves, for the share lost.

    Not of a service level amid heavy abandonment: pooled agents save some of those who would have left, and those are answered late.
    """
    for queue in (asked(case, threshold, "service_level", 5.0), {"aht_s": AHT, "patience_s": patience, "max_abandonment_rate": most}):
        apart = erlang.agents_required(a, **queue) + erlang.agents_required(b, **queue)
        assert erlang.agents_required(a + b, **queue) <= apart
    lines = [erlang.lines_required(each, max_blocking_rate=most) for each in (a, b, a + b)]
    assert lines[2] <= lines[0] + lines[1]


@pytest.mark.parametrize("patience", [math.inf, 120.0])
def test_a_year_of_rows_is_answered_as_row_by_row(patience: float) -> None:
    """Many rows with the same targets go over a grid of loads, others row by row; both give the integers of the single calls."""
    rng = np.random.default_rng(2)
    load = np.concatenate([rng.lognormal(3.0, 1.2, 20_000), [0.0, 1e-300, 1e-9, 1.0, 2.0, 64.0, 5e4, 5e4 * (1 + 1e-12)]])
    queue = {"target_service_level": 0.80, "threshold_s": 20.0, "patience_s": patience, "max_occupancy": 0.93}
    many = erlang.agents_required(load, aht_s=AHT, **queue)
    rows = erlang.agents_required(load, aht_s=np.full(len(load), AHT), **queue)
    assert many.tolist() == rows.tolist()
    picked = rng.choice(len(load), 500)
    assert [erlang.agents_required(each, aht_s=AHT, **queue) for each in load[picked]] == many[picked].tolist()
    assert erlang.agents_required(load.reshape(-1, 4), aht_s=AHT, **queue).shape == (len(load) // 4, 4)
    unreachable = erlang.agents_required(load, aht_s=AHT, target_service_level=1.0, threshold_s=20)
    assert (np.isinf(unreachable) == (load > 0)).all()


def test_inputs_are_not_changed() -> None:
    load = np.linspace(0, 50, 6000)
    load.setflags(write=False)
    copy = load.copy()
    erlang.agents_required(load, aht_s=AHT, target_service_level=0.8, threshold_s=20, patience_s=100)
    erlang.service_level(10, load, aht_s=AHT, threshold_s=20)
    assert (load == copy).all()
