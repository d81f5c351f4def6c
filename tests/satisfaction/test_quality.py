"""Scores of evaluations against a loop over forms, the coverage of their limits, and what breaks a form."""

from __future__ import annotations

import math
import os

import numpy as np
import pandas as pd
import pytest
from contact_cases import calls
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_cases import START, forms, random_forms

import ccstats as cc
from ccstats.errors import ColumnError, OptionError, TableError, ZoneError
from ccstats.satisfaction._cells import Clusters, score_limits, share_limits

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))


def by_hand(rows: list[dict]) -> dict:
    """The figures of one group, one evaluation after another."""
    evaluations: dict[str, list[dict]] = {}
    for row in rows:
        evaluations.setdefault(row["evaluation_id"], []).append(row)
    out = {"evaluations": len(evaluations), "items": len(rows), "items_not_applicable": 0, "bad": {}, "fails": 0, "critical": 0}
    got = form = most = 0.0
    for items in evaluations.values():
        failed = any(item["auto_fail"] for item in items)
        out["fails"] += failed
        out["critical"] += any(item["critical_error"] for item in items)
        for word in {item["error_class"] for item in items if item["critical_error"]}:
            out["bad"][word] = out["bad"].get(word, 0) + 1
        for item in items:
            if math.isnan(item["points"]):
                out["items_not_applicable"] += 1
                continue
            form += item["weight"] * item["points"]
            got += 0.0 if failed else item["weight"] * item["points"]
            most += item["weight"] * item["max_points"]
    return out | {"qm_score": got / most if most else math.nan, "form_score": form / most if most else math.nan}


@settings(max_examples=max(25, int(1000 * EXAM)), deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 25), by=st.sampled_from(["agent", "item", "assessor", ()]))
def test_quality_is_a_loop_over_forms(seed, count, by) -> None:
    frame = random_forms(seed, count)
    before = frame.copy()
    made = cc.measure_quality(frame, by=by)
    pd.testing.assert_frame_equal(frame, before)
    groups: dict[object, list[dict]] = {}
    for row in frame.to_dict("records"):
        groups.setdefault(row[by] if by else None, []).append(row)
    assert len(made) == len(groups)
    for _, row in made.iterrows():
        want = by_hand(groups[row[by] if by else None])
        for name in ("evaluations", "items", "items_not_applicable"):
            assert row[name] == want[name]
        assert row["qm_score"] == pytest.approx(want["qm_score"], nan_ok=True)
        assert row["form_score"] == pytest.approx(want["form_score"], nan_ok=True)
        assert row["auto_fail_rate"] == pytest.approx(want["fails"] / want["evaluations"])
        assert row["critical_accuracy"] == pytest.approx(1 - want["critical"] / want["evaluations"])
        for word in ("customer", "compliance"):
            name = f"critical_accuracy_{word}"
            if name in made:
                assert row[name] == pytest.approx(1 - want["bad"].get(word, 0) / want["evaluations"])
        for name in ("qm_score", "form_score", "critical_accuracy", "auto_fail_rate"):
            low, high = row[f"{name}_low"], row[f"{name}_high"]
            assert math.isnan(low) or -1e-12 <= low <= row[name] + 1e-12 <= high + 2e-12


@settings(max_examples=max(25, int(500 * EXAM)), deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 20))
def test_the_order_of_rows_changes_nothing(seed, count) -> None:
    frame = random_forms(seed, count)
    shuffled = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
    pd.testing.assert_frame_equal(cc.measure_quality(shuffled), cc.measure_quality(frame))
    pd.testing.assert_frame_equal(cc.measure_calibration(shuffled), cc.measure_calibration(frame))
    pd.testing.assert_frame_equal(cc.score_evaluations(shuffled), cc.score_evaluations(frame))


def test_an_automatic_fail_is_nought_and_an_item_that_does_not_apply_is_nothing() -> None:
    frame = forms(
        [
            {"evaluation_id": "1", "contact_id": "a", "item": "x", "points": 5.0},
            {"evaluation_id": "1", "contact_id": "a", "item": "y", "points": np.nan, "weight": 9.0},
            {"evaluation_id": "2", "contact_id": "b", "item": "x", "points": 10.0, "auto_fail": True, "critical_error": True},
            {"evaluation_id": "3", "contact_id": "c", "item": "x", "points": np.nan},
        ]
    )
    scores = cc.score_evaluations(frame)
    assert scores["qm_score"].tolist()[:2] == [0.5, 0.0]
    assert scores["form_score"].tolist()[:2] == [0.5, 1.0]
    assert math.isnan(scores["qm_score"][2])
    found = cc.measure_quality(frame).iloc[0]
    assert (found["qm_score"], found["form_score"], found["items_not_applicable"]) == (0.25, 0.75, 2)


def test_coverage_counts_contacts_in_their_own_period_and_agents_without_evaluations() -> None:
    contacts = calls(["A", "B", "C", "D"], days=[0, 1, 5, 6], agent=["Ada", "Ada", "Ada", "Bo"])
    frame = forms(
        [
            {"evaluation_id": "1", "contact_id": "c000", "points": 9.0, "evaluated_at": START + pd.Timedelta(days=30)},
            {"evaluation_id": "2", "contact_id": "c000", "points": 9.0, "assessor": "R"},
            {"evaluation_id": "3", "contact_id": "gone", "points": 9.0},
        ]
    )
    found = cc.measure_quality(frame, contacts=contacts)
    assert found[["agent", "evaluations", "answered", "evaluated", "contacts_unknown"]].values.tolist() == [
        ["Ada", 3, 3, 1, 1],
        ["Bo", 0, 1, 0, 0],
    ]
    assert found["qm_coverage"].tolist() == [1 / 3, 0.0]
    assert math.isnan(found["qm_score"][1])
    months = cc.measure_quality(frame, contacts=contacts, period="month", timezone="UTC")
    assert months["evaluated"].sum() == 1
    assert months["evaluations"].sum() == 3
    with pytest.raises(ColumnError, match="coverage"):
        cc.measure_quality(frame, contacts=contacts, by="assessor")


def test_two_evaluations_of_one_contact_are_one_unit() -> None:
    rows = [{"evaluation_id": str(number), "contact_id": f"c{number}", "points": 5.0 + number % 5} for number in range(20)]
    twice = [row | {"evaluation_id": f"{row['evaluation_id']}b", "assessor": "R"} for row in rows]
    once, both = (cc.measure_quality(forms(each)).iloc[0] for each in (rows, rows + twice))
    assert both["evaluations"] == 40
    for name in ("qm_score", "qm_score_low", "qm_score_high"):
        assert both[name] == pytest.approx(once[name])


@pytest.mark.parametrize(("size", "sd"), [(10, 0.12), (40, 0.12), (10, 0.2)])
def test_limits_of_scores_hold_the_truth_as_often_as_they_say(size, sd) -> None:
    rng = np.random.default_rng(size)
    runs, mean = max(1500, int(20_000 * EXAM)), 0.85
    k = mean * (1 - mean) / sd**2 - 1
    scores = rng.beta(mean * k, (1 - mean) * k, runs * size)
    clusters = Clusters(np.repeat(np.arange(runs), size), np.tile(np.arange(size), runs), runs)
    _, low, high = score_limits(scores, np.ones(runs * size), clusters, confidence=0.95)
    assert 0.91 <= np.mean((low <= mean) & (mean <= high)) <= 0.975


def test_limits_of_shares_allow_for_clusters() -> None:
    """Three contacts of each of 100 customers, alike within customers: limits for 300 contacts would hold the truth in 87 of 100 cases."""
    rng = np.random.default_rng(2)
    runs, people, each = max(1000, int(10_000 * EXAM)), 100, 3
    chance = rng.beta(0.8 * 2.3333, 0.2 * 2.3333, (runs, people, 1))
    met = (rng.random((runs, people, each)) < chance).ravel()
    clusters = Clusters(np.repeat(np.arange(runs), people * each), np.tile(np.repeat(np.arange(people), each), runs), runs)
    _, low, high = share_limits(met, np.ones(len(met)), clusters, confidence=0.95)
    assert 0.93 <= np.mean((low <= 0.8) & (high >= 0.8)) <= 0.97
    single = Clusters(np.zeros(60, dtype="int64"), np.arange(60), 1)
    share = share_limits(np.arange(60) < 47, np.ones(60), single, confidence=0.95)
    assert (share[1][0], share[2][0]) == pytest.approx(cc.spc.wilson_interval(47, 60))


def test_periods_and_nothing() -> None:
    frame = random_forms(3, 20)
    days = cc.measure_quality(frame, by="agent", period="day", timezone="Europe/Berlin")
    assert days["evaluations"].sum() == 20
    assert str(days["period_start"].dt.tz) == "Europe/Berlin"
    empty = frame.iloc[:0]
    assert len(cc.measure_quality(empty)) == 0
    alone = cc.measure_quality(empty, by=())
    assert alone["evaluations"].tolist() == [0]
    assert alone["qm_score"].isna().all()


def test_a_frame_from_arrow_gives_the_same() -> None:
    import pyarrow as pa

    frame = random_forms(5, 20)
    made = cc.measure_quality(pa.Table.from_pandas(frame))
    pd.testing.assert_frame_equal(made, cc.measure_quality(frame), check_categorical=False)


def test_bad_input() -> None:
    one = [{"evaluation_id": "1", "points": 5.0}]
    for change, text in (
        ({"points": 11.0}, "points outside 0 to max_points"),
        ({"points": -1.0}, "points outside"),
        ({"max_points": 0.0, "points": 0.0}, "max_points that are not above 0"),
        ({"weight": -1.0}, "a weight that is not 0 or more"),
    ):
        with pytest.raises(TableError, match=text):
            cc.measure_quality(forms([one[0] | change]))
    with pytest.raises(TableError, match="several values of agent"):
        cc.measure_quality(forms([one[0], one[0] | {"item": "other", "agent": "Bo"}]))
    with pytest.raises(TableError, match="repeated"):
        cc.measure_quality(forms(one * 2))
    with pytest.raises(ColumnError, match="'team'"):
        cc.measure_quality(forms(one), by="team")
    with pytest.raises(ZoneError, match="timezone"):
        cc.measure_quality(forms(one), period="month")
    with pytest.raises(OptionError, match="confidence"):
        cc.measure_quality(forms(one), confidence=0)
