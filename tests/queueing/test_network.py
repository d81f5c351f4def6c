"""The network simulation: attempt by attempt against a plain one, its averages against formulas and Ciw, and what must always hold."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from network_oracle import plain_network

from ccstats.errors import OptionError
from ccstats.queueing.network import OUTCOME_WORDS, SimulatedNetwork, Staff, simulate_network, staff_by_interval
from ccstats.queueing.replications import paired_differences, random_stream, replicate
from ccstats.queueing.simulation import simulate_queue

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))


def words(run: SimulatedNetwork) -> list[str]:
    return [OUTCOME_WORDS[code] for code in run.outcome.tolist()]


def test_one_queue_and_one_group_is_the_one_queue_simulation():
    rng = np.random.default_rng(11)
    for case in range(max(40, int(1000 * EXAM))):
        size, steps = int(rng.integers(0, 150)), int(rng.integers(1, 9))
        arrival = np.sort(rng.random(size) * steps * 60.0)
        handle, ring = rng.exponential(40.0, size), rng.exponential(4.0, size) * (case % 3 > 0)
        patience = np.where(rng.random(size) < 0.3, np.inf, rng.exponential(30.0, size))
        if case % 2:
            arrival, handle, ring, patience = (np.floor(each) for each in (arrival, handle, ring, patience))
        agents = rng.integers(0, 5, steps)
        one = simulate_queue(arrival, handle, patience, agents=agents, interval_s=60.0, ring_s=ring)
        staff = staff_by_interval([agents], interval_s=60.0)
        run = simulate_network(np.zeros(size, dtype=int), arrival, handle, patience, staff=staff, preference=[[1]], ring_s=ring)
        for name in ("offered_s", "start_s", "wait_s", "end_s", "agent"):
            np.testing.assert_array_equal(getattr(run, name), getattr(one, name), err_msg=name)
        np.testing.assert_array_equal(run.outcome == 2, one.abandoned)
        assert (run.attempt == 1).all()


INF = math.inf


def random_centre(seed):
    """A small centre with everything in it: the arguments of both simulations."""
    rng = np.random.default_rng(seed)
    whole = seed % 2 == 0  # whole seconds bring many ties
    size, queues, groups, people = (int(rng.integers(low, high)) for low, high in ((0, 50), (1, 4), (1, 4), (0, 7)))
    attempts = int(rng.integers(1, 4))

    def times(mean, *shape, never=0.0):
        out = rng.exponential(mean, shape)
        out = np.floor(out) if whole else out
        return np.where(rng.random(shape) < never, INF, out)

    spread = float(rng.choice([100.0, 400.0, 1500.0]))
    arrival = np.sort(rng.random(size)) * spread
    duties = []
    for _ in range(people):
        marks = np.unique(np.floor(rng.random(2 * int(rng.integers(1, 4))) * spread * 1.5))
        marks = marks[: len(marks) // 2 * 2]
        duties.append(list(zip(marks[::2].tolist(), marks[1::2].tolist(), strict=True)))
    return {
        "queue": rng.integers(0, queues, size),
        "arrival": np.floor(arrival) if whole else arrival,
        "handle": times(40.0, size),
        "patience": times(30.0, size, attempts, never=0.2),
        "group": rng.integers(0, groups, people),
        "duties": duties,
        "preference": rng.integers(-1, 4, (groups, queues)),
        "opens": np.where(rng.random((groups, queues)) < 0.5, 0.0, times(15.0, groups, queues, never=0.1)),
        "priority": rng.integers(0, 2, queues),
        "head_start": times(20.0, queues) * rng.integers(0, 2),
        "share_wrap": rng.random(size) * rng.integers(0, 2),
        "ring": times(4.0, size) * rng.integers(0, 2),
        "lines": np.where(rng.random(queues) < 0.5, INF, rng.integers(0, 8, queues)),
        "total": float(rng.integers(1, 12)) if rng.random() < 0.4 else INF,
        "retrial": times(25.0, size, attempts - 1, never=0.4),
        "callback": times(30.0, size, never=float(rng.choice([1.0, 0.5]))),
        "delay": times(20.0, size) * rng.integers(0, 2),
        "keeps": bool(rng.integers(0, 2)),
    }


seeds = st.integers(0, 2**32)


def both(centre):
    c = dict(centre)
    wrap = c["handle"] * c.pop("share_wrap")
    plain = plain_network(
        **{key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in c.items()}, wrap=wrap.tolist()
    )
    spans = [(agent, *span) for agent, mine in enumerate(c["duties"]) for span in mine]
    agent, on, off = (np.array(each) for each in zip(*spans, strict=True)) if spans else (np.array([], dtype=int),) * 3
    run = simulate_network(
        c["queue"],
        c["arrival"],
        c["handle"],
        c["patience"],
        staff=Staff(c["group"], agent, on, off),
        preference=c["preference"],
        opens_s=c["opens"],
        priority=c["priority"],
        head_start_s=c["head_start"],
        wrap_s=wrap,
        ring_s=c["ring"],
        lines=c["lines"],
        total_lines=c["total"],
        retrial_s=c["retrial"],
        callback_s=c["callback"],
        callback_delay_s=c["delay"],
        callback_keeps_place=c["keeps"],
    )
    return run, plain


@given(seeds.map(random_centre))
@settings(max_examples=max(300, int(10_000 * EXAM)), deadline=None)
def test_same_as_plain_simulation(centre):
    run, plain = both(centre)
    assert run.contact.tolist() == [v.contact for v in plain]
    assert run.attempt.tolist() == [v.attempt for v in plain]
    assert run.queue.tolist() == [v.queue for v in plain]
    assert words(run) == [v.fate for v in plain]
    assert run.agent.tolist() == [v.agent for v in plain]
    for name, theirs in (("arrival_s", "came"), ("offered_s", "offered"), ("wait_s", "wait"), ("end_s", "end")):
        np.testing.assert_array_equal(getattr(run, name), [getattr(v, theirs) for v in plain], err_msg=name)


def test_the_plain_comparison_sees_everything():
    """The cases above contain every outcome, overflow, retrials and callbacks often enough to mean something."""
    seen = {word: 0 for word in OUTCOME_WORDS.values()}
    later, shared = 0, 0
    for seed in range(60):
        case = random_centre(seed)
        run, _ = both(case)
        for word in words(run):
            seen[word] += 1
        later += int((run.attempt > 1).sum())
        served = run.agent >= 0
        opens = case["opens"][case["group"][run.agent[served]], run.queue[served]] if served.any() else np.array([])
        shared += int((opens > 0).sum())
    assert min(seen.values()) > 20, seen
    assert later > 20
    assert shared > 20


@given(seeds.map(random_centre))
@settings(max_examples=max(60, int(2000 * EXAM)), deadline=None)
def test_what_always_holds(centre):
    run, _ = both(centre)
    size = len(centre["queue"])
    served = run.agent >= 0
    # conservation: every contact has its first attempt, and as many attempts as its last one says, each after the one before has left
    assert np.bincount(run.contact, minlength=size).sum() == len(run.contact)
    assert (run.attempt[:size] == 1).all()
    order = np.lexsort((run.attempt, run.contact))
    contact, attempt = run.contact[order], run.attempt[order]
    again = np.flatnonzero(attempt > 1)
    assert (contact[again - 1] == contact[again]).all()
    assert (attempt[again - 1] == attempt[again] - 1).all()
    assert (run.arrival_s[order][again] >= run.end_s[order][again - 1]).all()
    assert np.isin(run.outcome[order][again - 1], [2, 3, 4]).all()
    # nobody serves two at a time, nobody begins outside duty, nobody serves what the group does not
    groups = centre["group"]
    for agent in np.unique(run.agent[served]):
        mine = np.flatnonzero(run.agent == agent)
        mine = mine[np.lexsort((run.end_s[mine], run.offered_s[mine]))]
        assert (run.offered_s[mine][1:] >= run.end_s[mine][:-1]).all()
        assert all(any(on <= t <= off for on, off in centre["duties"][agent]) for t in run.offered_s[mine])
        assert (centre["preference"][groups[agent], run.queue[mine]] > 0).all()
    # an answered contact waited no longer than its patience, and one that gave up exactly as long
    limit = centre["patience"][run.contact, np.minimum(run.attempt, centre["patience"].shape[1]) - 1]
    answered, abandoned = run.outcome == 1, run.outcome == 2
    fresh = ~np.isin(np.arange(len(run.contact)), order[again][run.outcome[order][again - 1] == 4])  # callbacks wait at home
    assert (run.wait_s[answered & fresh] <= limit[answered & fresh] + 1e-9).all()
    assert (run.wait_s[abandoned] == limit[abandoned]).all()


def test_order_does_not_matter():
    rng = np.random.default_rng(5)
    size = 400
    queue, arrival, handle = rng.integers(0, 2, size), rng.random(size) * 7200.0, rng.exponential(100.0, size)
    patience, retrial = rng.exponential(60.0, (size, 3)), rng.exponential(300.0, (size, 2))
    staff = staff_by_interval([[3, 4], [2, 2]], interval_s=3600.0)
    shuffle = rng.permutation(size)
    design = {"staff": staff, "preference": [[1, 2], [0, 1]], "opens_s": [[0, 20], [0, 0]]}
    one = simulate_network(queue, arrival, handle, patience, retrial_s=retrial, **design)
    two = simulate_network(queue[shuffle], arrival[shuffle], handle[shuffle], patience[shuffle], retrial_s=retrial[shuffle], **design)
    table = {(c, k): (w, o, a) for c, k, w, o, a in zip(one.contact, one.attempt, one.wait_s, one.outcome, one.agent, strict=True)}
    assert len(one.contact) > size
    rows = zip(shuffle[two.contact], two.attempt, two.wait_s, two.outcome, two.agent, strict=True)
    assert all(np.array_equal(table[c, k], rest, equal_nan=True) for c, k, *rest in rows)


def test_one_more_agent_meets_the_same_contacts():
    """Common random numbers: what is drawn does not depend on the staffing, and the paired interval is the narrower one."""

    def centre(agents):
        def run(seed):
            arrival = np.cumsum(random_stream(seed, "arrivals").exponential(10.0, 2000))
            handle = random_stream(seed, "handle").exponential(180.0, 2000)
            patience = random_stream(seed, "patience").exponential(120.0, 2000)
            staff = staff_by_interval([[agents]], interval_s=1e6)
            out = simulate_network(np.zeros(2000, dtype=int), arrival, handle, patience, staff=staff)
            return {"abandoned": np.mean(out.outcome == 2), "last": out.arrival_s[-1]}

        return run

    few, more = (replicate(centre(agents), seed=4, replications=10) for agents in (18, 19))
    assert (few.values["last"] == more.values["last"]).all()
    fewer_lost = paired_differences(few, more)
    assert fewer_lost.interval["abandoned"][0] > 0
    assert fewer_lost.half_width["abandoned"] < 0.5 * min(few.half_width["abandoned"], more.half_width["abandoned"])


def test_overflow_priority_and_breaks_by_hand():
    # one agent of group 0 for both queues; queue 1 has priority
    staff = staff_by_interval([[1]], interval_s=1000.0)
    run = simulate_network([0, 0, 1], [0.0, 1.0, 2.0], 10.0, staff=staff, preference=[[1, 1]], priority=[1, 0])
    assert run.wait_s.tolist() == [0.0, 19.0, 8.0]
    # the group likes queue 0 more, at equal priority
    run = simulate_network([0, 1, 0], [0.0, 1.0, 2.0], 10.0, staff=staff, preference=[[1, 2]])
    assert run.wait_s.tolist() == [0.0, 19.0, 8.0]
    # a head start of 5 s for queue 1
    run = simulate_network([0, 0, 1], [0.0, 1.0, 2.0], 10.0, staff=staff, preference=[[1, 1]], head_start_s=[0.0, 5.0])
    assert run.wait_s.tolist() == [0.0, 19.0, 8.0]
    # the agent goes on a break at 5 with a contact in hand, and is back at 30
    pause = Staff([0], [0, 0], [0.0, 30.0], [5.0, 60.0])
    run = simulate_network([0, 0], [0.0, 1.0], 10.0, staff=pause, preference=[[1]])
    assert run.wait_s.tolist() == [0.0, 29.0]
    # wrap-up keeps the agent, not the line
    run = simulate_network([0, 0], [0.0, 7.0], 10.0, staff=staff, preference=[[1]], wrap_s=4.0, lines=1)
    assert run.wait_s.tolist() == [0.0, 3.0]
    assert run.talk_end_s.tolist() == [6.0, 16.0]
    run = simulate_network([0, 0], [0.0, 5.0], 10.0, staff=staff, preference=[[1]], wrap_s=4.0, lines=1, retrial_s=[[9.0], [9.0]])
    assert words(run) == ["answered", "blocked_full", "answered"]
    assert run.arrival_s.tolist() == [0.0, 5.0, 14.0]
    # a callback after 3 s keeps its place before the third contact
    run = simulate_network([0, 0, 0], [0.0, 1.0, 2.0], 10.0, staff=staff, preference=[[1]], callback_s=[INF, 3.0, INF])
    assert words(run) == ["answered", "callback", "answered", "answered"]
    assert run.arrival_s.tolist() == [0.0, 1.0, 2.0, 4.0]
    assert run.start_s[2:].tolist() == [20.0, 10.0]


def test_nothing_to_do():
    staff = staff_by_interval([[2, 3], [0, 1]], interval_s=60.0)
    run = simulate_network([], [], 5.0, staff=staff)
    assert {len(each) for each in run} == {0}
    nobody = simulate_network(
        [0, 1], [1.0, 2.0], 5.0, [INF, 3.0], staff=staff_by_interval([[0], [0]], interval_s=60.0), preference=np.eye(2, dtype=int)
    )
    assert words(nobody) == ["open", "abandoned"]


def test_spans_of_duty_that_touch_are_one():
    apart = Staff([0, 0], [0, 0, 1, 0], [0.0, 10.0, 0.0, 5.0], [10.0, 50.0, 50.0, 5.0])
    whole = Staff([0, 0], [0, 1], [0.0, 0.0], [50.0, 50.0])
    runs = [simulate_network([0, 0, 0], [1.0, 12.0, 13.0], 5.0, staff=staff, preference=[[1]]).agent.tolist() for staff in (apart, whole)]
    assert runs == [[0, 1, 0]] * 2


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"queue": [0, 2]}, "queue="),
        ({"queue": [0, 0.5]}, "queue="),
        ({"queue": [0]}, "queue="),
        ({"arrival_s": [1.0, np.nan]}, "arrival_s"),
        ({"handle_s": -1.0}, "handle_s"),
        ({"handle_s": [1.0, 2.0, 3.0]}, "handle_s"),
        ({"patience_s": np.nan}, "patience_s"),
        ({"patience_s": np.ones((3, 2))}, "patience_s"),
        ({"wrap_s": 6.0}, "wrap_s"),
        ({"ring_s": np.inf}, "ring_s"),
        ({"opens_s": [[0.0]]}, "opens_s"),
        ({"lines": -1}, "lines"),
        ({"total_lines": np.nan}, "total_lines"),
        ({"retrial_s": -1.0}, "retrial_s"),
        ({"callback_s": -1.0}, "callback_s"),
        ({"priority": np.inf}, "priority"),
        ({"preference": [[1.0, 1.5]]}, "preference"),
        ({"preference": [[1, 1]]}, "names group 1"),
        ({"staff": Staff([0], [0], [5.0], [1.0])}, "before it begins"),
        ({"staff": Staff([0], [1], [0.0], [1.0])}, "agent must name"),
        ({"staff": Staff([0], [0, 0], [0.0], [1.0])}, "same length"),
    ],
)
def test_what_cannot_be_is_refused(arguments, text):
    staff = staff_by_interval([[1], [1]], interval_s=60.0)
    good = {"queue": [0, 1], "arrival_s": [1.0, 2.0], "handle_s": 5.0, "staff": staff, "preference": [[1, 0], [0, 1]]}
    with pytest.raises(OptionError, match=text):
        simulate_network(**(good | arguments))


@pytest.mark.parametrize(("agents", "interval_s"), [([[1.5]], 60.0), ([[-1]], 60.0), ([1, 2], 60.0), ([[1]], 0.0), ([["a"]], 60.0)])
def test_numbers_of_agents_are_checked(agents, interval_s):
    with pytest.raises(OptionError, match=r"agents=|interval_s="):
        staff_by_interval(agents, interval_s=interval_s)
