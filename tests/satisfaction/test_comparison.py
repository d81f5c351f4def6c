"""Agents side by side: the plain funnel, a loop over strata, false alarms, and case mix that misleads without adjustment."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_cases import forms, random_forms
from scipy import stats

import ccstats as cc
from ccstats.errors import ColumnError, OptionError, TableError

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0.05, 0.98), coverage=st.sampled_from([0.95, 0.998]))
def test_without_strata_flags_are_binomial_tails(seed, share, coverage) -> None:
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 80, 12)
    met = rng.binomial(n, np.clip(share + rng.normal(0, 0.15, 12), 0, 1))
    counts = pd.DataFrame({"agent": list("abcdefghijkl"), "met": met, "n": n})
    made = cc.compare_agents(counts, met="met", counted="n", coverage=coverage, at_least=1)
    center, tail = met.sum() / n.sum(), (1 - coverage) / 2
    if center in (0, 1):
        assert set(made["flag"]) == {"inside"}
        return
    above, below = stats.binom.sf(met - 1, n, center) <= tail, stats.binom.cdf(met, n, center) <= tail
    assert made["flag"].tolist() == np.where(above, "above", np.where(below, "below", "inside")).tolist()
    assert made["share_adjusted"].tolist() == pytest.approx((met / n).tolist())


def test_ten_of_ten_is_no_signal() -> None:
    """Of a share of 0.81 it comes about once in eight."""
    counts = pd.DataFrame({"agent": ["few", "many"], "met": [10, 800], "n": [10, 990]})
    assert cc.compare_agents(counts, met="met", counted="n")["flag"].tolist() == ["inside", "inside"]


def test_overdispersion_is_that_of_the_funnel() -> None:
    counts = pd.DataFrame({"agent": list("abcdef"), "met": [40, 50, 30, 80, 9, 20], "n": [50, 60, 60, 90, 20, 40]})
    made = cc.compare_agents(counts, met="met", counted="n", overdispersion=True)
    funnel = cc.spc.limits("funnel", counts["met"], counts["n"], overdispersion="multiplicative")
    plain = cc.compare_agents(counts, met="met", counted="n")
    assert (plain["z"] / made["z"]).tolist() == pytest.approx(
        funnel.details["stretch"].tolist() if np.ndim(funnel.details["stretch"]) else [float(funnel.details["stretch"])] * 6
    )


@settings(max_examples=max(25, int(500 * EXAM)), deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 80))
def test_expected_is_a_loop_over_strata(seed, size) -> None:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "agent": rng.choice(["Ada", "Bo", "Cy"], size),
            "queue": rng.choice(["easy", "hard"], size),
            "slot": rng.choice(["am", "pm"], size),
            "ok": rng.random(size) < 0.7,
        }
    )
    before = frame.copy()
    made = cc.compare_agents(frame, met="ok", strata=["queue", "slot"], at_least=1).set_index("agent")
    pd.testing.assert_frame_equal(frame, before)
    shuffled = cc.compare_agents(frame.sample(frac=1, random_state=seed), met="ok", strata=["queue", "slot"], at_least=1).set_index("agent")
    pd.testing.assert_frame_equal(shuffled, made)
    assert made["expected"].sum() == pytest.approx(frame["ok"].sum())
    for agent, rows in frame.groupby("agent"):
        expected = sum(
            frame[(frame["queue"] == row["queue"]) & (frame["slot"] == row["slot"])]["ok"].mean() for row in rows.to_dict("records")
        )
        assert made.loc[agent, "expected"] == pytest.approx(expected)
        assert (made.loc[agent, "counted"], made.loc[agent, "met"]) == (len(rows), rows["ok"].sum())
        if expected > 0:
            assert made.loc[agent, "share_adjusted"] == pytest.approx(rows["ok"].sum() / expected * frame["ok"].mean())


def test_a_hard_queue_is_not_the_agents_doing() -> None:
    """Both queues are handled alike by all; who sits in the hard one looks worse, until it is adjusted for."""
    rng = np.random.default_rng(7)
    rows = []
    for number in range(20):
        share = 0.9 if number < 10 else 0.1
        hard = rng.random(300) < share
        ok = rng.random(300) < np.where(hard, 0.6, 0.9)
        rows.append(pd.DataFrame({"agent": f"a{number:02d}", "queue": np.where(hard, "hard", "easy"), "ok": ok}))
    frame = pd.concat(rows, ignore_index=True)
    assert (cc.compare_agents(frame, met="ok")["flag"] != "inside").sum() >= 15
    assert (cc.compare_agents(frame, met="ok", strata="queue")["flag"] != "inside").sum() <= 1


def test_false_alarms_are_as_rare_as_promised_and_a_bad_agent_is_found() -> None:
    rng = np.random.default_rng(11)
    runs, flagged, found = max(60, int(1000 * EXAM)), 0, 0
    queue = np.tile(np.repeat(["a", "b"], [30, 70]), 25)
    for _ in range(runs):
        chance = np.where(queue == "a", 0.6, 0.9)
        chance[:100] -= 0.25  # the first agent
        frame = pd.DataFrame(
            {"agent": np.repeat([f"a{number:02d}" for number in range(25)], 100), "queue": queue, "ok": rng.random(2500) < chance}
        )
        flags = cc.compare_agents(frame, met="ok", strata="queue")["flag"] != "inside"
        found += flags[0]
        flagged += flags[1:].sum()
    assert found > 0.9 * runs
    assert flagged <= 0.002 * runs * 24 + 3 * np.sqrt(0.002 * runs * 24) + 1


def test_evaluations_that_pass() -> None:
    frame = forms(
        [
            {"evaluation_id": "1", "contact_id": "a", "points": 8.0},
            {"evaluation_id": "2", "contact_id": "b", "points": 7.9},
            {"evaluation_id": "3", "contact_id": "c", "points": 9.0, "auto_fail": True, "critical_error": True},
            {"evaluation_id": "4", "contact_id": "d", "points": np.nan},
        ]
    )
    found = cc.compare_agents(frame, at_least=1).iloc[0]
    assert (found["counted"], found["met"]) == (3, 1)
    assert cc.compare_agents(random_forms(2, 40), strata="assessor")["counted"].sum() <= 40


def test_names_of_few_cases_are_not_told() -> None:
    counts = pd.DataFrame({"agent": ["Ada", "Bo", "Cy"], "met": [30, 3, 25], "n": [40, 4, 40]})
    made = cc.compare_agents(counts, met="met", counted="n")
    assert made["agent"].tolist()[:2] == ["Ada", "Cy"]
    assert made["suppressed"].tolist() == [False, False, True]
    assert made.iloc[2].drop("suppressed").isna().all()
    assert "Bo" not in made["agent"].cat.categories
    whole = cc.compare_agents(counts, met="met", counted="n", at_least=1)
    assert whole.loc[whole["agent"] != "Bo", "expected"].tolist() == made["expected"].dropna().tolist()  # still in the whole


def test_all_or_none_met_is_inside() -> None:
    counts = pd.DataFrame({"agent": ["Ada", "Bo"], "met": [20, 30], "n": [20, 30]})
    made = cc.compare_agents(counts, met="met", counted="n")
    assert made["flag"].tolist() == ["inside", "inside"]
    assert made["lower"].isna().all()
    assert len(cc.compare_agents(counts.iloc[:0], met="met", counted="n")) == 0


def test_bad_input() -> None:
    counts = pd.DataFrame({"agent": ["Ada", "Bo"], "met": [3, 5], "n": [4, 4]})
    with pytest.raises(TableError, match="met=5 of 4"):
        cc.compare_agents(counts, met="met", counted="n")
    with pytest.raises(TableError, match="name the column of cases"):
        cc.compare_agents(counts, met="met")
    with pytest.raises(TableError, match="expected flags"):
        cc.compare_agents(counts.assign(met="yes"), met="met")
    with pytest.raises(ColumnError, match="'team'"):
        cc.compare_agents(counts, met="met", counted="n", strata="team")
    with pytest.raises(OptionError, match="own stratum"):
        cc.compare_agents(counts, met="met", counted="n", strata="agent")
    for asked in ({"coverage": 1.0}, {"coverage": 99.8}, {"pass_mark": 80}, {"winsorize": 0.5}, {"at_least": 0}, {"at_least": 2.5}):
        with pytest.raises(OptionError, match=next(iter(asked))):
            cc.compare_agents(counts, met="met", counted="n", **asked)
