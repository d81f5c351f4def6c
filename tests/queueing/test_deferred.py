"""Deferred work against a plain loop over small lots of contacts, by hand, and what must always hold."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccstats.errors import OptionError
from ccstats.queueing.deferred import deferred_agents_required, deferred_work

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
HOUR = 3600.0
LOTS = 400


def plain_loop(contacts, capacity, interval_s, deadline_s, backlog=0.0, age_s=0.0):
    """Each interval cut into lots; every lot waits its turn and takes its share of the capacity of the time it is worked on."""
    step = interval_s / LOTS
    lots = [(-age_s, backlog, -1)] if backlog else []
    for i, number in enumerate(contacts):
        lots += [((i + (k + 0.5) / LOTS) * interval_s, number / LOTS, i) for k in range(LOTS)] if number else []
    count = len(contacts)
    done, within, unsettled, backlog_at = np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count)
    head, spare = 0, 0.0
    left = [size for _, size, _ in lots]
    for i in range(count):
        for k in range(LOTS):
            now, spare = (i * LOTS + k + 1) * step, capacity[i] / LOTS
            while spare > 1e-15 and head < len(lots) and lots[head][0] <= now:
                part = min(spare, left[head])
                left[head] -= part
                spare -= part
                done[i] += part
                if lots[head][2] >= 0 and now - lots[head][0] <= deadline_s:
                    within[lots[head][2]] += part
                if left[head] <= 1e-15:
                    head += 1
        here = [k for k in range(head, len(lots)) if lots[k][0] <= (i + 1) * interval_s]
        backlog_at[i] = sum(left[k] for k in here)
    for k in range(head, len(lots)):
        if lots[k][2] >= 0 and lots[k][0] + deadline_s >= count * interval_s:
            unsettled[lots[k][2]] += left[k]
    return done, backlog_at, within, unsettled


@pytest.mark.parametrize("seed", range(int(6 + 50 * EXAM)))
def test_against_small_lots(seed: int) -> None:
    rng = np.random.default_rng(seed)
    contacts = rng.integers(0, 60, 10) * (rng.random(10) < 0.8)
    capacity = rng.integers(0, 70, 10) * (rng.random(10) < 0.7)
    backlog, age, deadline = rng.integers(0, 50) * 1.0, rng.uniform(0, 5) * HOUR, rng.uniform(0.1, 5) * HOUR
    work = deferred_work(contacts, capacity, interval_s=HOUR, deadline_s=deadline, backlog=backlog, backlog_age_s=age)
    # A lot is finished up to one step late, and its corners are cut: theirs with a deadline a little shorter and longer are on both sides.
    close = 4.0 * 70 / LOTS
    done, behind, least, unsettled = plain_loop(contacts, capacity, HOUR, deadline - 2 * HOUR / LOTS, backlog, age)
    most = plain_loop(contacts, capacity, HOUR, deadline + 2 * HOUR / LOTS, backlog, age)[2]
    assert (work.within_deadline >= least - close).all()
    assert (work.within_deadline <= most + close).all()
    for ours, theirs in ((work.done, done), (work.backlog, behind), (work.open, unsettled)):
        np.testing.assert_allclose(ours, theirs, atol=close)


def test_by_hand() -> None:
    # 30 contacts in the first hour, nobody there; then 20 an hour. The k-th comes at 2k minutes and is done at 60 + 3k minutes.
    work = deferred_work([30, 0, 0], [0, 20, 20], interval_s=HOUR, deadline_s=4500.0)
    assert work.done.tolist() == [0.0, 20.0, 10.0]
    assert work.backlog.tolist() == [30.0, 10.0, 0.0]
    assert work.oldest_s == pytest.approx([3600.0, 4800.0, 0.0])  # the 20th came at 40 minutes
    # Delay 60 + k minutes: within 75 minutes are the first 15.
    np.testing.assert_allclose(work.within_deadline, [15.0, 0.0, 0.0], rtol=1e-9)
    np.testing.assert_allclose(work.service_level, [0.5, np.nan, np.nan], rtol=1e-9)


def test_the_end_of_the_last_interval() -> None:
    # Nobody at work. After two hours those of the first half-hour are overdue (90 minutes), the rest is open.
    work = deferred_work([60, 60], [0, 0], interval_s=HOUR, deadline_s=5400.0)
    np.testing.assert_allclose(work.open, [30.0, 60.0])
    assert work.service_level[0] == 0.0
    assert np.isnan(work.service_level[1])
    # An old backlog comes first, and its age is known.
    work = deferred_work([0, 0], [10, 10], interval_s=HOUR, deadline_s=HOUR, backlog=25.0, backlog_age_s=7200.0)
    assert work.oldest_s.tolist() == [10800.0, 14400.0]
    assert work.backlog.tolist() == [15.0, 5.0]


def test_enough_capacity_needs_no_time() -> None:
    work = deferred_work([10, 20, 5], [20, 20, 20], interval_s=HOUR, deadline_s=0.0)
    np.testing.assert_allclose(work.service_level, [1.0, 1.0, 1.0])
    assert work.backlog.tolist() == [0.0, 0.0, 0.0]


series = st.lists(st.integers(0, 40), min_size=4, max_size=12)


@settings(max_examples=int(100 + 2000 * EXAM), deadline=None)
@given(contacts=series, capacity=series, deadline=st.floats(0.0, 8.0), backlog=st.integers(0, 60), more=st.integers(0, 20))
def test_what_must_hold(contacts, capacity, deadline, backlog, more) -> None:
    size = min(len(contacts), len(capacity))
    came, can = np.array(contacts[:size], dtype=float), np.array(capacity[:size], dtype=float)
    own = {"interval_s": HOUR, "deadline_s": deadline * HOUR, "backlog": float(backlog)}
    work = deferred_work(came, can, **own)
    np.testing.assert_allclose(backlog + np.cumsum(came) - np.cumsum(work.done), work.backlog, atol=1e-9)
    assert (work.done <= can + 1e-9).all()
    assert (work.within_deadline + work.open <= came + 1e-9).all()
    assert ((work.oldest_s > 0) == (work.backlog > 1e-9)).all()
    better = deferred_work(came, can + more, **own)
    assert (better.within_deadline >= work.within_deadline - 1e-9).all()
    assert (better.backlog <= work.backlog + 1e-9).all()
    longer = deferred_work(came, can, **(own | {"deadline_s": (deadline + 1) * HOUR}))
    assert (longer.within_deadline >= work.within_deadline - 1e-9).all()
    # A cycle is what many cycles come to.
    cycle = deferred_work(came, can, interval_s=HOUR, deadline_s=deadline * HOUR, cyclic=True)
    if can.sum() >= came.sum() > 0:
        many = deferred_work(np.tile(came, 9), np.tile(can, 9), interval_s=HOUR, deadline_s=deadline * HOUR)
        for ours, theirs in zip(cycle[:4], many[:4], strict=True):
            np.testing.assert_allclose(ours, theirs[4 * size : 5 * size], atol=1e-7)
    elif came.sum() > 0:
        assert (cycle.backlog == np.inf).all()
        assert (cycle.within_deadline == 0).all()


@settings(max_examples=int(40 + 500 * EXAM), deadline=None)
@given(
    contacts=series, there=st.lists(st.booleans(), min_size=12, max_size=12), deadline=st.floats(0.5, 30.0),
    target=st.floats(0.1, 0.99), cyclic=st.booleans()
)  # fmt: skip
def test_fewest_agents(contacts, there, deadline, target, cyclic) -> None:
    came, presence = np.array(contacts, dtype=float), np.array(there[: len(contacts)], dtype=float)
    own = {"interval_s": HOUR, "deadline_s": deadline * HOUR, "cyclic": cyclic}
    agents = float(deferred_agents_required(came, aht_s=600.0, presence=presence, target_service_level=target, **own))

    def share(n: float) -> float:
        return float(deferred_work(came, n * presence * 6.0, **own).within_deadline.sum() / came.sum())

    if not came.any():
        assert agents == 0
    elif np.isinf(agents):
        assert share(1e7) < target
    else:
        assert share(agents) >= target * (1 - 1e-9)
        assert agents == 1 or share(agents - 1) < target
        part = float(deferred_agents_required(came, aht_s=600.0, presence=presence, target_service_level=target, fractional=True, **own))
        assert agents - 1 <= part <= agents


def test_many_weeks_at_once() -> None:
    rng = np.random.default_rng(3)
    contacts, presence = rng.uniform(0, 40, (5, 48)), (np.arange(48) % 24 >= 8).astype(float)
    own = {"aht_s": 300.0, "interval_s": HOUR, "target_service_level": 0.9, "presence": presence}
    together = deferred_agents_required(contacts, deadline_s=[HOUR, 2 * HOUR, 8 * HOUR, 24 * HOUR, 48 * HOUR], **own)
    alone = [deferred_agents_required(row, deadline_s=h * HOUR, **own) for row, h in zip(contacts, (1, 2, 8, 24, 48), strict=True)]
    assert together.tolist() == [float(each) for each in alone]


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: deferred_work([1, -1], [1, 1], interval_s=HOUR, deadline_s=HOUR), "contacts="),
        (lambda: deferred_work([1, 1], [1, np.nan], interval_s=HOUR, deadline_s=HOUR), "capacity="),
        (lambda: deferred_work([1, 1], [1, 1, 1], interval_s=HOUR, deadline_s=HOUR), "do not fit together"),
        (lambda: deferred_work([1, 1], [1, 1], interval_s=0.0, deadline_s=HOUR), "interval_s="),
        (lambda: deferred_work([1, 1], [1, 1], interval_s=HOUR, deadline_s=-1.0), "deadline_s="),
        (lambda: deferred_work([1, 1], [1, 1], interval_s=HOUR, deadline_s=HOUR, backlog=1.0, cyclic=True), "backlog="),
        (lambda: deferred_work(5.0, 1.0, interval_s=HOUR, deadline_s=HOUR), "contacts="),
        (
            lambda: deferred_agents_required([1, 1], aht_s=60.0, interval_s=HOUR, deadline_s=HOUR, target_service_level=1.5),
            "target_service_level=",
        ),
        (lambda: deferred_agents_required([1, 1], aht_s=0.0, interval_s=HOUR, deadline_s=HOUR, target_service_level=0.5), "aht_s="),
    ],
)
def test_bad_input_is_named(make, word: str) -> None:
    with pytest.raises(OptionError, match=word):
        make()
