"""Chat and blending against the linear equations of their chains, simulations in plain Python, and their limits."""

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
from ccstats.queueing.blending import blended_agents_required, blended_queue, idle_reserve
from ccstats.queueing.chat import chat_agents_required, chat_queue
from ccstats.queueing.patience_laws import PatienceLaw

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
HANDLE = [300.0, 360.0, 450.0]


def stationary(up: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Probabilities of a birth-death chain from its full matrix of rates, by elimination without subtraction (Grassmann, Taksar, Heyman).

    ``down[j]`` leads from j + 1 to j.
    """
    size = len(up) + 1
    rates = np.diag(up, 1) + np.diag(down, -1)
    for k in range(size - 1, 0, -1):
        rates[:k, k] /= rates[k, :k].sum()
        rates[:k, :k] += np.outer(rates[:k, k], rates[k, :k])
    p = np.zeros(size)
    p[0] = 1.0
    for k in range(1, size):
        p[k] = p[:k] @ rates[:k, k]
    return p / p.sum()


def chat_rate(j: int, agents: int) -> float:
    """Chats that end per second when j are in hand, agent by agent."""
    hands = [0] * agents
    for k in range(j):
        hands[k % agents] += 1
    return sum(h / HANDLE[h - 1] for h in hands if h)


@pytest.mark.parametrize(("agents", "per_hour", "patience"), [(1, 15.0, 200.0), (4, 70.0, np.inf), (4, 110.0, 120.0), (7, 100.0, 60.0)])
def test_chat_is_its_chain(agents: int, per_hour: float, patience: float) -> None:
    places, arrivals, size = 3 * agents, per_hour / 3600, 600 if patience == np.inf else 150
    down = np.array([chat_rate(min(j, places), agents) + max(j - places, 0) / patience for j in range(1, size)])
    p = stationary(np.full(size - 1, arrivals), down)
    states, waiting = np.arange(size), np.maximum(np.arange(size) - places, 0)
    chat = chat_queue(agents, arrivals * HANDLE[0], aht_s=HANDLE, patience=patience, threshold_s=15.0)
    close = {"rel": 1e-11}
    assert chat.queue.wait_probability == pytest.approx(p[places:].sum(), **close)
    assert chat.mean_in_system == pytest.approx(p @ states, **close)
    assert chat.mean_concurrency == pytest.approx(p @ np.minimum(states, places) / agents, **close)
    assert chat.queue.occupancy == pytest.approx(p @ np.minimum(states, agents) / agents, **close)
    assert chat.queue.mean_queue == pytest.approx(p @ waiting, **close)
    assert chat.queue.abandonment_rate == pytest.approx(p @ waiting / patience / arrivals, rel=1e-11)
    # Little: handle time is what is in hand over what is answered per second.
    answered = arrivals * (1 - chat.queue.abandonment_rate)
    assert chat.mean_handle_s == pytest.approx(p @ np.minimum(states, places) / answered, **close)
    # Who finds k waiting and is patient waits for k + 1 departures, each from one place less.
    full = chat_rate(places, agents)
    late = 0.0
    for k in range(size - places):
        rates = np.array([full + i / patience for i in range(k + 1)])
        late += p[places + k] * (stats.gamma(k + 1, scale=1 / full).sf(15.0) if patience == np.inf else hypoexponential(rates, 15.0))
    assert chat.queue.sl_virtual == pytest.approx(1 - late, rel=1e-6)


def hypoexponential(rates: np.ndarray, t: float) -> float:
    """P(a sum of exponential times > t) when the rates rise by a constant: e^(-θT) is beta distributed."""
    if len(rates) == 1:
        return math.exp(-rates[0] * t)
    theta = rates[1] - rates[0]
    return float(stats.beta(rates[0] / theta, len(rates)).cdf(math.exp(-theta * t)))


def test_chat_simulated_in_plain_python() -> None:
    agents, arrivals, limit = 3, 60 / 3600, 45.0
    chat = chat_queue(agents, arrivals * HANDLE[0], aht_s=HANDLE, patience=PatienceLaw.fixed(limit), threshold_s=20.0)
    runs = []
    for seed in range(16):
        rng, now, in_hand, queue = np.random.default_rng(seed), 0.0, 0, []
        offered = within = left = 0
        size = int(1_500 + 60_000 * EXAM)
        next_arrival = rng.exponential(1 / arrivals)
        while offered < size:
            # Exponential work: the next end is drawn anew after every event; those who give up are first in the queue.
            next_end = now + rng.exponential(1 / chat_rate(in_hand, agents)) if in_hand else math.inf
            give_up = queue[0] + limit if queue else math.inf
            event = min(next_arrival, next_end, give_up)
            now = event
            if event == give_up:
                queue.pop(0)
                left += 1
            elif event == next_arrival:
                offered += 1
                next_arrival = now + rng.exponential(1 / arrivals)
                if in_hand < 3 * agents:
                    in_hand, within = in_hand + 1, within + 1
                else:
                    queue.append(now)
            elif queue:
                within += now - queue.pop(0) <= 20.0
            else:
                in_hand -= 1
        runs.append((within / size, left / size))
    for values, expected in zip(np.transpose(runs), (chat.queue.service_level, chat.queue.abandonment_rate), strict=True):
        assert abs(values.mean() - expected) <= stats.t.ppf(0.9975, 15) * values.std(ddof=1) / 4


def test_one_chat_at_once_is_erlang_a() -> None:
    load = np.array([0.5, 8.0, 95.0, 2000.0])
    agents = np.array([1.0, 9.0, 100.0, 1980.0])
    chat = chat_queue(agents, load, aht_s=[240.0], patience=90.0, threshold_s=20.0)
    own = {"aht_s": 240.0, "patience_s": 90.0}
    np.testing.assert_allclose(chat.queue.service_level, erlang.service_level(agents, load, **own, threshold_s=20.0), rtol=1e-11)
    np.testing.assert_allclose(chat.queue.mean_queue, erlang.mean_queue(agents, load, **own), rtol=1e-11)
    np.testing.assert_allclose(chat.queue.occupancy, erlang.occupancy(agents, load, **own), rtol=1e-11)
    np.testing.assert_allclose(chat.mean_handle_s, 240.0, rtol=1e-11)


@settings(max_examples=int(40 + 500 * EXAM), deadline=None)
@given(load=st.floats(0.1, 60.0), target=st.floats(0.3, 0.99), patience=st.floats(10.0, 1e4))
def test_fewest_chat_agents(load: float, target: float, patience: float) -> None:
    own = {"aht_s": HANDLE, "patience": patience, "threshold_s": 20.0}
    agents = int(chat_agents_required(load, target_service_level=target, **own))
    levels = chat_queue([max(agents - 1, 0), agents], load, **own).queue.service_level
    assert levels[1] >= target * (1 - 1e-12)
    assert agents == 1 or levels[0] < target
    # Two at once need no more agents than one at once, when a pair together ends more per second than one alone.
    assert agents <= chat_agents_required(load, target_service_level=target, aht_s=[300.0], patience=patience, threshold_s=20.0)


def test_chat_limits_and_shapes() -> None:
    over = chat_queue(1, 5.0, aht_s=HANDLE)
    assert (over.queue.service_level, over.queue.mean_wait_s, over.mean_in_system) == (0.0, np.inf, np.inf)
    none = chat_queue(2, 0.0, aht_s=HANDLE)
    assert (none.mean_in_system, none.mean_concurrency, none.queue.occupancy) == (0.0, 0.0, 0.0)
    assert math.isnan(none.queue.service_level)
    assert math.isnan(none.mean_handle_s)
    nobody = chat_queue(0, 2.0, aht_s=HANDLE, patience=60.0)
    assert nobody.queue.abandonment_rate == 1.0
    assert chat_queue([[2], [3]], [1.0, 2.0, 3.0], aht_s=HANDLE).mean_in_system.shape == (2, 3)
    assert chat_queue([2, 3], 1.0, aht_s=[HANDLE, [200.0, 300.0, 400.0]]).mean_in_system.shape == (2,)


def blended_chain(agents: int, load: float, reserve: int, patience: float) -> dict[str, float]:
    """States ``agents - reserve`` and up; handle time 1."""
    least, size = agents - reserve, 150
    states = least + np.arange(size)
    down = np.array([min(j, agents) + max(j - agents, 0) / patience for j in states[1:]])
    p = stationary(np.full(size - 1, load), down)
    waiting = np.maximum(states - agents, 0)
    return {
        "wait": p[states >= agents].sum(),
        "queue": p @ waiting,
        "abandoned": p @ waiting / patience / load,
        "other": (p[0] * least if reserve else agents - load * (1 - p @ waiting / patience / load)),
    }


@pytest.mark.parametrize(("agents", "load", "patience"), [(14, 10.0, np.inf), (6, 5.0, 0.5), (20, 25.0, 0.7), (3, 0.4, 2.0)])
def test_blending_is_its_chain(agents: int, load: float, patience: float) -> None:
    for reserve in range(agents + 1):
        blended, chain = (
            blended_queue(agents, load, aht_s=1.0, reserve=reserve, patience=patience),
            blended_chain(agents, load, reserve, patience),
        )
        assert blended.queue.wait_probability == pytest.approx(chain["wait"], rel=1e-11)
        assert blended.queue.mean_queue == pytest.approx(chain["queue"], rel=1e-11)
        assert blended.queue.abandonment_rate == pytest.approx(chain["abandoned"], rel=1e-11)
        assert blended.blended_load == pytest.approx(chain["other"], rel=1e-10, abs=1e-13)
        assert blended.queue.occupancy <= 1 + 1e-12
    # Nothing blended when all agents are kept free; every agent busy when none is.
    all_free = blended_queue(agents, load, aht_s=1.0, reserve=agents, patience=patience)
    assert all_free.queue.wait_probability == pytest.approx(
        float(erlang.wait_probability(agents, load, aht_s=1.0, patience_s=patience)), rel=1e-12
    )
    assert all_free.blended_load == 0.0
    assert blended_queue(agents, load, aht_s=1.0, reserve=0, patience=patience).queue.occupancy == pytest.approx(1.0, rel=1e-12)


def test_blending_simulated_in_plain_python() -> None:
    agents, load, reserve = 6, 3.0, 2
    blended = blended_queue(agents, load, aht_s=1.0, reserve=reserve, threshold_s=0.1)
    runs = []
    for seed in range(16):
        rng, now, queue, inbound, other = np.random.default_rng(seed), 0.0, [], 0, agents - reserve
        offered = within = finished = 0
        size = int(1_500 + 60_000 * EXAM)
        next_arrival = rng.exponential(1 / load)
        while offered < size:
            next_end = now + rng.exponential(1 / (inbound + other)) if inbound + other else math.inf
            if next_arrival < next_end:
                now, next_arrival, offered = next_arrival, next_arrival + rng.exponential(1 / load), offered + 1
                if inbound + other < agents:
                    inbound, within = inbound + 1, within + 1
                else:
                    queue.append(now)
                continue
            now = next_end
            if rng.random() < inbound / (inbound + other):
                inbound -= 1
            else:
                other, finished = other - 1, finished + 1
            if queue:
                within += now - queue.pop(0) <= 0.1
                inbound += 1
            elif inbound + other < agents - reserve:
                other += 1
        runs.append((within / size, finished / now))
    for values, expected in zip(np.transpose(runs), (blended.queue.service_level, blended.blended_load), strict=True):
        assert abs(values.mean() - expected) <= stats.t.ppf(0.9975, 15) * values.std(ddof=1) / 4


@settings(max_examples=int(40 + 500 * EXAM), deadline=None)
@given(load=st.floats(0.1, 100.0), other=st.floats(0.0, 30.0), target=st.floats(0.3, 0.99))
def test_fewest_blended_agents(load: float, other: float, target: float) -> None:
    own = {"aht_s": 180.0, "threshold_s": 20.0}
    agents = int(blended_agents_required(load, other, target_service_level=target, **own))

    def possible(n: int) -> bool:
        free = idle_reserve(n, load, target_service_level=target, **own)
        if np.isnan(free):
            return False
        levels = blended_queue(n, load, reserve=[max(free - 1, 0), free], **own).queue.service_level
        assert levels[1] >= target * (1 - 1e-12)
        assert free == 0 or levels[0] < target
        return bool(blended_queue(n, load, reserve=free, **own).blended_load >= other * (1 - 1e-12))

    assert possible(agents)
    assert agents == 1 or not possible(agents - 1)
    # No agent is busy twice, and nobody waits less because of other work.
    assert agents >= load + other - 1e-9
    assert agents >= erlang.agents_required(load, target_service_level=target, **own)


def test_more_kept_free_better_service_and_less_other_work() -> None:
    blended = blended_queue(30, 25.0, aht_s=180.0, reserve=np.arange(31))
    assert (np.diff(blended.queue.service_level) >= -1e-12).all()
    assert (np.diff(blended.blended_load) <= 1e-12).all()


def test_blending_without_calls_and_in_overload() -> None:
    blended = blended_queue([5, 8], [0.0, 10.0], aht_s=180.0, reserve=2)
    assert blended.blended_load.tolist() == [3.0, 0.0]
    assert blended.queue.occupancy.tolist() == [0.6, 1.0]
    assert blended.queue.mean_wait_s[1] == np.inf
    assert idle_reserve([0, 4], 0.0, aht_s=180.0, target_service_level=0.8).tolist() == [0.0, 0.0]
    assert blended_agents_required([0.0, 0.0], [0.0, 2.5], aht_s=180.0, target_service_level=0.8).tolist() == [0.0, 3.0]


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: chat_queue(2.5, 1.0, aht_s=HANDLE), "whole"),
        (lambda: chat_queue(2, -1.0, aht_s=HANDLE), "load="),
        (lambda: chat_queue(2, 1.0, aht_s=[300.0, 0.0]), "aht_s="),
        (lambda: chat_agents_required(1.0, aht_s=HANDLE), "nothing is asked for"),
        (lambda: blended_queue(5, 1.0, aht_s=180.0, reserve=6), "reserve="),
        (lambda: blended_queue(5, 1.0, aht_s=180.0, reserve=1.5), "reserve="),
        (lambda: blended_queue(5.5, 1.0, aht_s=180.0, reserve=1), "agents="),
        (lambda: idle_reserve(5, 1.0, aht_s=180.0, target_service_level=80), "target_service_level="),
        (lambda: blended_agents_required(5, -1.0, aht_s=180.0, target_service_level=0.8), "blended_load="),
    ],
)
def test_bad_input_is_named(make, word: str) -> None:
    with pytest.raises(OptionError, match=word):
        make()
