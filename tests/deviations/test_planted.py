"""Planted deviations: the cases are what they say they are, they are scored as is told, and ours is ahead of the others."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest

import ccstats as cc
from ccstats.queueing.simulation import simulate_queue
from ccstats.schema import AGENT_INTERVALS, CONTACTS, INTERVALS
from deviations import OURS, run_cases, score, scores
from planted import (
    AGENTS,
    HANDLE,
    KINDS,
    LENGTH,
    LENGTHS,
    START,
    THRESHOLD,
    VOLUME,
    agent_intervals,
    count_intervals,
    occupied_seconds,
    planted_case,
    planted_cases,
)

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
CASES = max(48, round(200 * EXAM))  # 24 are a round: each length with each kind


def a_run(*, agents=5, steps=12, seed=1):
    rng = np.random.default_rng(seed)
    arrival = np.sort(rng.random(400) * steps * LENGTH * 0.9)
    handle = rng.exponential(240, 400)
    return arrival, handle, simulate_queue(arrival, handle, rng.exponential(200, 400), agents=np.full(steps, agents), interval_s=LENGTH)


def test_the_counted_intervals_are_those_of_to_intervals():
    arrival, handle, run = a_run()
    answered = ~np.isnan(run.start_s)
    contacts = CONTACTS.conform(
        pd.DataFrame(
            {
                "contact_id": [f"{number:04d}" for number in range(len(arrival))],
                "visit": 1,
                "channel": "voice",
                "direction": "inbound",
                "queue": "centre",
                "queued_at": START + pd.to_timedelta(arrival, unit="s"),
                "outcome": np.where(answered, "answered", "abandoned"),
                "raw_outcome": "",
                "wait_s": run.wait_s,
                "ring_s": np.nan,
                "talk_s": np.where(answered, handle, np.nan),
                "hold_s": np.nan,
                "wrap_s": np.nan,
                "agent": np.where(answered, "somebody", None),
            }
        )
    )
    expected = cc.to_intervals(contacts, every="30min", threshold_s=THRESHOLD)
    made = count_intervals("centre", arrival, handle, run, 12).iloc[: len(expected)]
    INTERVALS.check(made)
    columns = INTERVALS.names(required=True)  # theirs are cut to microseconds
    pd.testing.assert_frame_equal(made[columns], expected[columns], check_categorical=False, check_exact=False, rtol=1e-6)


def test_occupied_time_is_that_of_a_plain_loop():
    _, _, run = a_run()
    expected = np.zeros(12)
    for begun, ended in zip(run.start_s, run.end_s, strict=True):
        for step in range(12):
            if begun < (step + 1) * LENGTH and ended > step * LENGTH:
                expected[step] += min(ended, (step + 1) * LENGTH) - max(begun, step * LENGTH)
    np.testing.assert_allclose(occupied_seconds(run, 12), expected, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", LENGTHS)
def test_a_case_is_planted_as_it_says(kind, length):
    case = planted_case(7, kind=kind, length=length)
    calm = planted_case(7)
    INTERVALS.check(case.intervals)
    AGENT_INTERVALS.check(agent_intervals(case))
    assert case.planted.sum() == length
    assert not calm.planted.any()
    assert (case.judged | ~case.planted).all()
    assert not (case.after & case.planted).any()
    first = np.flatnonzero(case.judged)
    assert np.flatnonzero(case.planted)[0] < first[len(first) // 2]
    np.testing.assert_array_equal(calm.agents - case.agents, np.where(case.planted & (kind == AGENTS), 2, 0))
    assert (case.intervals["offered"][~case.open] == 0).all()


def test_a_planted_week_moves_what_it_says_by_as_much():
    for kind, column, size in ((VOLUME, "offered", 1.2), (HANDLE, "aht", 1.15)):
        gone, due = 0.0, 0.0
        for seed in range(12):
            case, calm = planted_case(seed, kind=kind, length=144), planted_case(seed)
            here, there = (each.intervals[case.planted] for each in (case, calm))
            gone += here["offered"].sum() if column == "offered" else here["total_talk_s"].sum() / here["answered"].sum()
            due += there["offered"].sum() if column == "offered" else there["total_talk_s"].sum() / there["answered"].sum()
        assert gone / due == pytest.approx(size, abs=0.02)


def test_a_case_comes_from_its_seed_alone():
    one, two, other = (planted_case(seed, kind=VOLUME, length=4) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one.intervals, two.intervals)
    assert not one.intervals["offered"].equals(other.intervals["offered"])


def test_the_score_is_that_of_a_plain_loop():
    case = planted_case(11, kind=HANDLE, length=8)
    flagged = np.random.default_rng(1).random(len(case.planted)) < 0.1
    hit = false = alarms = planted = 0
    delay, before = None, False
    for row in np.flatnonzero(case.judged):
        if case.planted[row]:
            if flagged[row]:
                hit += 1
                delay = planted if delay is None else delay
            planted += 1
        wrong = bool(flagged[row] and not case.planted[row] and not case.after[row])
        false += wrong
        alarms += wrong and not before
        before = wrong
    found = score(case, flagged)
    assert (found["planted"], found["hit"], found["false"], found["alarms"]) == (planted, hit, false, alarms)
    assert found["noticed"] == (hit > 0)
    assert delay is None or found["delay"] == delay
    told = scores(pd.DataFrame([found]))
    assert told["recall"] == hit / planted
    assert told["precision"] == hit / (hit + false)
    assert told["F1"] == pytest.approx(2 * told["recall"] * told["precision"] / (told["recall"] + told["precision"]))
    nothing = scores(pd.DataFrame([score(case, np.zeros(len(flagged), dtype=bool))]))
    assert (nothing["F1"], nothing["recall"], nothing["precision"]) == (0.0, 0.0, 0.0)
    everything = scores(pd.DataFrame([score(case, case.planted)]))
    assert (everything["F1"], everything["recall"], everything["precision"], everything["delay"]) == (1.0, 1.0, 1.0, 0.0)


def test_ours_is_ahead_of_every_peer_in_every_kind():
    records, _ = run_cases(planted_cases(CASES, seed=500), lambda case: (KINDS[case.kind],))
    told = {kind: {who: scores(each) for who, each in records[records["kind"] == kind].groupby("who")} for kind in KINDS}
    told["all"] = {who: scores(each) for who, each in records.groupby("who")}
    for kind, found in told.items():
        ours = found.pop(OURS)
        for who, theirs in found.items():
            assert ours["F1"] > theirs["F1"] * (1.3 if kind == "all" else 1.0), (kind, who, ours, theirs)
        assert ours["precision"] > 0.5, (kind, ours)
