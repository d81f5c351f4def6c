"""The event simulation: contact by contact against a plain loop, its averages against Erlang's formulas, and what must always hold."""

from __future__ import annotations

import csv
import math
import os
from heapq import heapify, heappop, heappush
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccstats.errors import OptionError
from ccstats.queueing.simulation import Simulated, arrival_times, simulate_queue, simulate_queues

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
ROWS = list(csv.DictReader((Path(__file__).parent / "reference" / "simulation_erlang.csv").read_text(encoding="utf-8").splitlines()))


def plain_loop(arrival, handle, patience, duty, interval_s, ring):
    """The same queue as a list of events, with giving up as an event of its own: `(offered, agent, fate, wait)` of each contact."""
    leave, come, free, arrive, give_up = range(5)
    events = [(t, arrive, i) for i, t in enumerate(arrival)]
    for k, row in enumerate(duty):
        for j, here in enumerate([*row, False]):
            was = row[j - 1] if j else False
            if here != was:
                events.append((j * interval_s, come if here else leave, k))
    heapify(events)
    on_duty, idle, waiting, serving = set(), [], [], {}
    out = [(math.nan, -1, "never", math.nan)] * len(arrival)
    while events:
        now, what, who = heappop(events)
        if what == leave:
            on_duty.discard(who)
            if who in idle:
                idle.remove(who)
        elif what == come:
            on_duty.add(who)
            if who not in serving:
                idle.append(who)
        elif what == free:
            del serving[who]
            if who in on_duty:
                idle.append(who)
        elif what == arrive:
            waiting.append(who)
            if patience[who] < math.inf:
                heappush(events, (now + patience[who], give_up, who))
        elif who in waiting:
            waiting.remove(who)
            out[who] = (math.nan, -1, "abandoned", patience[who])
        while idle and waiting:
            agent, contact = idle.pop(0), waiting.pop(0)
            serving[agent] = contact
            answer, limit = now + ring[contact], arrival[contact] + patience[contact]
            if answer <= limit:
                out[contact] = (now, agent, "answered", answer - arrival[contact])
                heappush(events, (answer + handle[contact], free, agent))
            else:
                out[contact] = (now, agent, "abandoned", patience[contact])
                heappush(events, (limit, free, agent))
    return out


def fates(run: Simulated) -> list[str]:
    return [
        "abandoned" if left else "never" if math.isnan(start) else "answered"
        for left, start in zip(run.abandoned, run.start_s, strict=True)
    ]


def as_duty(agents):
    return [[k < n for n in agents] for k in range(max(agents, default=0))]


@pytest.mark.parametrize("whole", [False, True], ids=["any instant", "whole seconds, many ties"])
def test_same_as_plain_loop(whole):
    rng = np.random.default_rng(20250106)
    cases = max(60, int(2000 * EXAM))
    seen = set()
    for case in range(cases):
        size, steps = int(rng.integers(0, 120)), int(rng.integers(1, 9))
        arrival = np.sort(rng.random(size) * steps * 60.0)
        handle, ring = rng.exponential(40.0, size), rng.exponential(4.0, size) * (case % 3 > 0)
        patience = np.where(rng.random(size) < 0.3, np.inf, rng.exponential(30.0, size))
        if whole:
            arrival, handle, ring, patience = (np.floor(each) for each in (arrival, handle, ring, patience))
        agents = rng.integers(0, 5, steps)
        duty = rng.random((4, steps)) < 0.7 if case % 2 else np.array(as_duty(agents.tolist()), dtype=bool).reshape(-1, steps)
        run = simulate_queue(arrival, handle, patience, agents=duty if case % 2 else agents, interval_s=60.0, ring_s=ring)
        plain = plain_loop(arrival.tolist(), handle.tolist(), patience.tolist(), duty.tolist(), 60.0, ring.tolist())
        assert fates(run) == [each[2] for each in plain]
        assert run.agent.tolist() == [each[1] for each in plain]
        np.testing.assert_array_equal(run.offered_s, [each[0] for each in plain])
        np.testing.assert_array_equal(run.wait_s, [each[3] for each in plain])
        seen |= set(fates(run))
    assert seen == {"answered", "abandoned", "never"}


def replicate(model, arrivals_per_hour, aht_s, patience_s, agents, threshold_s, seed):
    """The measures of one long run, its first tenth left out."""
    rng = np.random.default_rng(seed)
    hours = max(2000 / arrivals_per_hour, 400 * aht_s / 3600) * (1 + 40 * EXAM)
    arrival = arrival_times([arrivals_per_hour * hours], interval_s=hours * 3600.0, seed=rng)
    handle = rng.exponential(aht_s, len(arrival))
    patience = np.inf if model == "C" else rng.exponential(patience_s, len(arrival))
    # agents stay long after the last arrival, so that a patient caller is always served
    run = simulate_queue(arrival, handle, patience, agents=[agents], interval_s=hours * 7200.0 + 1e6)
    late = arrival >= hours * 360.0
    wait, left = run.wait_s[late], run.abandoned[late]
    answered, quick = ~left, ~left & (wait <= threshold_s)
    # an abandoned contact always waited, an answered one where nobody was idle
    measures = {
        "prob_wait": np.mean(left | (wait > 0)),
        "prob_abandon": np.mean(left),
        "mean_wait_s": np.mean(wait),
        "mean_wait_served_s": np.mean(wait[answered]),
        "mean_wait_abandoned_s": np.mean(wait[left]) if left.any() else np.nan,
        "mean_queue": np.sum(wait) / (hours * 3240.0),
        "occupancy": np.sum(np.broadcast_to(handle, arrival.shape)[late][answered]) / (hours * 3240.0 * agents),
        "sl_offered": np.mean(quick),
        "sl_answered": quick.sum() / answered.sum(),
        "sl_wait": np.mean(wait <= threshold_s),
        "sl_excl_short": quick.sum() / (len(wait) - np.sum(left & (wait <= threshold_s))),
    }
    return measures | {"service_level": measures["sl_offered"]}


CONFIGS = sorted({(r["model"], r["arrivals_per_hour"], r["aht_s"], r["patience_s"], r["agents"]) for r in ROWS})


@pytest.mark.parametrize("config", CONFIGS, ids=["-".join(each) for each in CONFIGS])
def test_within_confidence_interval_of_erlang(config):
    model, rate, aht, patience, agents = config
    rows = [r for r in ROWS if (r["model"], r["arrivals_per_hour"], r["aht_s"], r["patience_s"], r["agents"]) == config]
    numbers = (float(rate), float(aht), float(patience or "inf"), int(agents), 20.0)
    runs = [replicate(model, *numbers, seed=[7, k]) for k in range(30)]
    assert rows
    for row in rows:
        values = np.array([each[row["metric"]] for each in runs])
        mean, error = values.mean(), values.std(ddof=1) / math.sqrt(len(values))
        expected = float(row["value"])
        rounding = expected * 10.0 ** (1 - int(row["digits"]))
        # 4 standard errors: with some 50 figures and 29 degrees of freedom a false alarm has a chance of 2 %, and the seeds are fixed
        assert abs(mean - expected) <= 4 * error + rounding, f"{row}: simulated {mean} ± {error}"
        assert error < 0.1 * expected, f"{row}: the interval is too wide to prove anything"


times = st.lists(st.floats(0, 500), max_size=40).map(sorted)


@given(times, st.data())
@settings(max_examples=max(60, int(2000 * EXAM)), deadline=None)
def test_what_always_holds(arrivals, data):
    size = len(arrivals)
    arrival = np.array(arrivals)
    some = st.floats(0, 200)
    handle = np.array(data.draw(st.lists(some, min_size=size, max_size=size)))
    patience = np.array(data.draw(st.lists(some | st.just(math.inf), min_size=size, max_size=size)))
    ring = np.array(data.draw(st.lists(st.floats(0, 10), min_size=size, max_size=size)))
    agents = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=6))
    run = simulate_queue(arrival, handle, patience, agents=agents, interval_s=100.0, ring_s=ring)
    answered, never = ~np.isnan(run.start_s), np.isnan(run.wait_s)
    # every contact has one fate
    assert (answered.astype(int) + run.abandoned + never == 1).all()
    assert np.isinf(patience[never]).all()
    assert (run.wait_s[~never] >= 0).all()
    assert (run.wait_s[answered] <= patience[answered] + 1e-9).all()
    assert (run.wait_s[run.abandoned] == patience[run.abandoned]).all()
    # first come first served: agents are found in the order of arrival
    offered = run.offered_s[~np.isnan(run.offered_s)]
    assert (np.diff(offered) >= 0).all()
    for agent in range(max(agents)):
        mine = np.flatnonzero(run.agent == agent)
        # nobody serves two at a time, and nobody begins outside duty
        assert (run.offered_s[mine][1:] >= run.end_s[mine][:-1]).all()
        assert all(agents[int(t // 100.0)] > agent for t in run.offered_s[mine])
    # nobody waits while an agent is idle: whoever was not taken at once found all agents on duty taken
    for i in np.flatnonzero((run.offered_s > arrival) & (arrival < 100.0 * len(agents))):
        taken = np.sum((run.offered_s <= arrival[i]) & (run.end_s > arrival[i]) & (run.agent >= 0))
        assert taken >= agents[int(arrival[i] // 100.0)]


@given(times, st.integers(1, 3), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_more_agents_never_wait_longer_when_all_are_patient(arrivals, agents, seed):
    arrival = np.array(arrivals)
    handle = np.random.default_rng(seed).exponential(60.0, len(arrival))
    few, more = (simulate_queue(arrival, handle, agents=[n], interval_s=1e6).wait_s for n in (agents, agents + 1))
    assert (more <= few + 1e-9).all()


def test_queues_are_independent():
    rng = np.random.default_rng(3)
    size = 600
    queue, arrival = rng.integers(0, 3, size), rng.random(size) * 7200.0
    handle, patience, ring = rng.exponential(90.0, size), rng.exponential(60.0, size), rng.random(size) * 5
    agents = rng.integers(0, 9, (3, 4))
    run = simulate_queues(queue, arrival, handle, patience, agents=agents, interval_s=1800.0, ring_s=ring)
    for number in range(3):
        rows = np.flatnonzero(queue == number)
        rows = rows[np.argsort(arrival[rows])]
        alone = simulate_queue(arrival[rows], handle[rows], patience[rows], agents=agents[number], interval_s=1800.0, ring_s=ring[rows])
        for whole, part in zip(run, alone, strict=True):
            np.testing.assert_array_equal(whole[rows], part)


def test_agent_whose_duty_ends_finishes_the_contact_in_hand():
    run = simulate_queue([50.0, 55.0], 100.0, agents=[1, 0, 0], interval_s=60.0)
    assert run.end_s[0] == 150.0
    assert np.isnan(run.start_s[1])


def test_caller_can_give_up_while_it_rings():
    run = simulate_queue([0.0, 1.0], 30.0, [5.0, 60.0], agents=[1], interval_s=600.0, ring_s=8.0)
    assert run.abandoned.tolist() == [True, False]
    assert run.agent.tolist() == [0, 0]
    assert run.offered_s.tolist() == [0.0, 5.0]  # the agent is free when the first has given up
    assert run.wait_s.tolist() == [5.0, 12.0]


def test_nothing_to_do():
    run = simulate_queue([], [], agents=[2, 3], interval_s=60.0)
    assert [len(each) for each in run] == [0] * 6
    nobody = simulate_queue([1.0, 2.0], 5.0, [np.inf, 3.0], agents=[], interval_s=60.0)
    assert nobody.abandoned.tolist() == [False, True]


def test_arrivals_are_poisson():
    expected = np.array([0.0, 3.0, 12.0, 0.5])
    counts = np.array([np.histogram(arrival_times(expected, interval_s=60.0, seed=k), bins=[0, 60, 120, 180, 240])[0] for k in range(3000)])
    error = np.sqrt(expected / 3000)
    assert (np.abs(counts.mean(axis=0) - expected) <= 4 * error).all()
    # variance equals the mean; the standard error of a Poisson variance is sqrt((m + 2 m²) / n)
    assert (np.abs(counts.var(axis=0, ddof=1) - expected) <= 4 * np.sqrt((expected + 2 * expected**2) / 3000)).all()
    assert (
        arrival_times(expected, interval_s=60.0, seed=5) == arrival_times(expected, interval_s=60.0, seed=np.random.default_rng(5))
    ).all()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"arrival_s": [2.0, 1.0]}, "ascending"),
        ({"handle_s": [1.0, 2.0, 3.0]}, "handle_s"),
        ({"handle_s": -1.0}, "handle_s"),
        ({"handle_s": np.inf}, "handle_s"),
        ({"patience_s": np.nan}, "patience_s"),
        ({"agents": [1.5]}, "agents"),
        ({"agents": [-1]}, "agents"),
        ({"agents": [[1, 2]]}, "agents"),
        ({"interval_s": 0.0}, "interval_s"),
    ],
)
def test_what_cannot_be_is_refused(arguments, text):
    good = {"arrival_s": [1.0, 2.0], "handle_s": 5.0, "agents": [1], "interval_s": 60.0}
    with pytest.raises(OptionError, match=text):
        simulate_queue(**(good | arguments))


def test_queue_numbers_and_expectations_are_checked():
    with pytest.raises(OptionError, match="queue="):
        simulate_queues([0, 2], [1.0, 2.0], 5.0, agents=[[1], [1]], interval_s=60.0)
    with pytest.raises(OptionError, match="expected="):
        arrival_times([1.0, -1.0], interval_s=60.0, seed=1)
