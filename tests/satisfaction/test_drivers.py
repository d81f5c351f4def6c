"""Drivers: planted effects are found, plain tables agree, and what cannot be told is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from survey_cases import BASE, contacts_of, surveys_of

import ccstats as cc


def planted(seed=1, count=3000):
    rng = np.random.default_rng(seed)
    wait, moved = rng.exponential(90, count), rng.random(count) < 0.2
    agent, reason = rng.choice(["ada", "bob", "eve"], count, p=[0.5, 0.3, 0.2]), rng.choice(["bill", "move"], count)
    happy = rng.random(count) < expit(1.5 - 0.008 * wait - 0.9 * moved - 0.7 * (agent == "eve"))
    calls = contacts_of(count, wait_s=wait, transferred_to=np.where(moved, "x", None), agent=agent, reason=reason)
    return surveys_of(np.where(happy, 5.0, 2.0).tolist()), calls, wait, moved, agent


def test_planted_drivers_are_found_and_the_rest_is_not():
    surveys, calls, wait, moved, agent = planted()
    names = ["wait_s", "transferred_to", "agent", "reason"]
    found = cc.explain_satisfaction(surveys, calls, drivers=names, confidence=0.999).set_index(["driver", "level"])
    for key, log_odds in [
        (("wait_s", "+60 s"), -0.48),
        (("transferred_to", "yes"), -0.9),
        (("agent", "eve"), -0.7),
        (("agent", "bob"), 0.0),
    ]:
        row = found.loc[key]
        assert row["odds_ratio_low"] < np.exp(log_odds) < row["odds_ratio_high"], key
    assert found.loc[("agent", "eve"), "reference"] == "ada"
    assert found.loc[("transferred_to", "yes"), "share"] == pytest.approx(moved.mean())
    assert found.loc[("reason", "move"), "driver_p"] > 0.01
    assert found.loc[("wait_s", "+60 s"), "driver_p_adjusted"] < 1e-6
    # The effect in points: the mean difference that a transfer makes, from the planted model itself.
    base = 1.5 - 0.008 * wait - 0.7 * (agent == "eve")
    truth = 100 * (expit(base - 0.9) - expit(base)).mean()
    assert found.loc[("transferred_to", "yes"), "effect_low"] < truth < found.loc[("transferred_to", "yes"), "effect_high"]


def test_one_yes_no_driver_is_a_table_of_four():
    # Of 60 transferred 24 happy, of 140 others 98: odds ratio (24/36)/(98/42), effect 40 - 70 points.
    moved = [True] * 60 + [False] * 140
    scores = [5.0] * 24 + [1.0] * 36 + [5.0] * 98 + [1.0] * 42
    calls = contacts_of(200, transferred_to=np.where(moved, "x", None))
    row = cc.explain_satisfaction(surveys_of(scores), calls, drivers="transferred_to").loc[0]
    assert row["odds_ratio"] == pytest.approx((24 / 36) / (98 / 42), rel=1e-6)
    assert row["effect"] == pytest.approx(-30.0, abs=1e-6)
    error = np.sqrt(1 / 24 + 1 / 36 + 1 / 98 + 1 / 42)  # robust and model's errors agree in a saturated model
    assert np.log(row["odds_ratio_high"] / row["odds_ratio"]) == pytest.approx(1.959964 * error, rel=0.01)
    points = 100 * np.sqrt(0.4 * 0.6 / 60 + 0.7 * 0.3 / 140)
    assert row["effect_high"] - row["effect"] == pytest.approx(1.959964 * points, rel=0.01)


def test_repeats_are_the_same_customer_within_the_window():
    days = np.array([0.0, 20, 25, 20, 29, 20])
    calls = contacts_of(6, customer=["c", "c", "c", "d", "d", None], queued_at=BASE + pd.to_timedelta(days, unit="D"))
    from ccstats.satisfaction.contact_facts import contact_facts

    repeat = contact_facts(calls)["repeat"]
    assert repeat.isna().tolist() == [True, False, False, False, False, True]  # the first: the window begins before the data
    assert repeat.fillna(False).tolist() == [False, False, True, False, False, False]
    assert contact_facts(calls, window_days=9)["repeat"].fillna(False).tolist() == [False, False, True, False, True, False]


def test_a_level_where_all_are_happy_is_penalised_and_says_so():
    scores = [5.0] * 15 + [5.0, 1.0, 5.0] * 40
    calls = contacts_of(135, agent=["eve"] * 15 + ["ada"] * 120)
    row = cc.explain_satisfaction(surveys_of(scores), calls, drivers="agent").loc[0]
    assert row["odds_ratio"] == pytest.approx((15.5 / 0.5) / (80.5 / 40.5), rel=1e-4)  # Firth: a half is added to each cell
    assert "penalised (Firth)" in row["note"]


def test_what_cannot_be_told_apart_is_said():
    surveys, calls, *_ = planted(count=400)
    calls["queue"] = calls["agent"]
    found = cc.explain_satisfaction(surveys, calls, drivers=["agent", "queue"]).set_index("driver")
    assert found.loc["agent", "effect"].notna().all()
    assert found.loc["queue", "effect"].isna().all()
    assert found.loc["queue", "note"].eq("cannot be told apart from drivers and levels above").all()
    same = cc.explain_satisfaction(surveys, calls.assign(reason=pd.Categorical(["bill"] * 400)), drivers="reason").loc[0]
    assert same["note"] == "the same in all answers"


def test_too_few_is_said():
    row = cc.explain_satisfaction(surveys_of([5.0] * 40 + [1.0] * 3), contacts_of(43, wait_s=np.arange(43.0)), drivers="wait_s").loc[0]
    assert row["note"].startswith("not fitted: 3 of 43 answers are of the rarer kind")
    assert np.isnan(row["effect"])
    names = [f"a{number % 12}" for number in range(60)]
    found = cc.explain_satisfaction(surveys_of([5.0, 1.0, 5.0] * 20), contacts_of(60, agent=names), drivers="agent", fewest=3)
    assert found["note"].str.contains("intervals are too narrow").all()
    rare = cc.explain_satisfaction(surveys_of([5.0, 1.0, 5.0] * 20), contacts_of(60, agent=names), drivers="agent", fewest=10)
    assert len(rare) == 1
    assert rare.loc[0, "note"] == "the same in all answers"


def test_errors():
    surveys, calls, *_ = planted(count=60)
    for arguments, message in [
        ({"outcome": "csat_top3"}, "Did you mean"),
        ({"drivers": "weather"}, "'weather' is not known of the contacts"),
        ({"drivers": []}, "at least one"),
        ({"window_days": 0, "drivers": "repeat"}, "window_days=0"),
        ({"step_s": 0}, "step_s=0"),
    ]:
        with pytest.raises(cc.CcstatsError, match=message):
            cc.explain_satisfaction(surveys, calls, **arguments)
    with pytest.raises(cc.CcstatsError, match="none of 1 answers belongs"):
        cc.explain_satisfaction(surveys_of([5.0], prefix="z"), calls, drivers="wait_s")
