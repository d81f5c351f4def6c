"""Sample sizes against printed ones: Cochran's examples, Krejcie and Morgan's table."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from contact_cases import calls
from hypothesis import given, settings
from hypothesis import strategies as st
from quality_cases import forms
from scipy import special

import ccstats as cc
from ccstats.errors import OptionError

#: Two standard errors, as Cochran takes.
TWO = 1 - 2 * special.ndtr(-2.0)


def test_cochran() -> None:
    """Sampling Techniques (1977): section 4.4, blood group of 3,200 islanders to 5 points: 400, 356 with the correction; section 4.6,
    seedlings in a bed of 430, mean 19, variance 85.6, to 10 %: 95, and 78."""
    assert cc.evaluations_needed(0.05, share=0.5, confidence=TWO) == 400
    assert cc.evaluations_needed(0.05, share=0.5, confidence=TWO, population=3200) == 356
    assert cc.evaluations_needed(1.9, sd=math.sqrt(85.6), confidence=TWO, student=False) == 95
    assert cc.evaluations_needed(1.9, sd=math.sqrt(85.6), confidence=TWO, student=False, population=430) == 78


def test_krejcie_and_morgan() -> None:
    """R. V. Krejcie and D. W. Morgan (1970), Educational and Psychological Measurement 30, 607-610: table 1."""
    table = {10: 10, 50: 44, 100: 80, 200: 132, 500: 217, 1000: 278, 5000: 357, 10000: 370, 100000: 384}
    found = cc.evaluations_needed(0.05, share=0.5, population=list(table))
    # they round to the nearest, mostly; we up
    assert (np.abs(found - np.array(list(table.values()))) <= 1).all()


@settings(max_examples=100, deadline=None)
@given(margin=st.floats(0.02, 0.4), share=st.floats(0.05, 0.95), sd=st.floats(0.02, 0.5), population=st.integers(1, 3000))
def test_the_number_needed_keeps_the_margin_and_one_less_does_not(margin, share, sd, population) -> None:
    for asked in ({"share": share}, {"sd": sd}, {"sd": sd, "student": False}):
        needed = cc.evaluations_needed(margin, population=population, **asked)
        assert 1 <= needed <= population
        least = 2 if "sd" in asked and "student" not in asked else 1
        if needed < population:
            assert cc.margin_of(needed, population=population, **asked) <= margin * (1 + 1e-9)
        if needed > least:
            assert cc.margin_of(needed - 1, population=population, **asked) > margin * (1 - 1e-9)


def test_a_plan_for_agents() -> None:
    contacts = calls([f"k{number}" for number in range(300)], days=list(np.linspace(0, 20, 300)), agent=["Ada"] * 200 + ["Bo"] * 100)
    rows = [
        {"evaluation_id": str(number), "contact_id": f"c{number:03d}", "points": float(points)}
        for number, points in enumerate([9, 7, 8, 6, 10])
    ]
    frame = forms([*rows, rows[0] | {"evaluation_id": "again", "assessor": "R"}])
    plan = cc.plan_evaluations(contacts, frame, margin=0.1, share=0.8)
    assert plan[["agent", "answered", "evaluations"]].values.tolist() == [["Ada", 200, 5], ["Bo", 100, 0]]
    assert plan["evaluations_needed"].tolist() == cc.evaluations_needed(0.1, share=0.8, population=[200, 100]).tolist()
    assert plan["further"].tolist() == [plan["evaluations_needed"][0] - 5, plan["evaluations_needed"][1]]
    assert plan["margin_now"][0] == pytest.approx(1.96 * math.sqrt(0.16 / 5 * 195 / 199), abs=1e-4)
    assert math.isnan(plan["margin_now"][1])
    spread = cc.plan_evaluations(contacts, frame, margin=0.1)
    given = cc.plan_evaluations(contacts, frame, margin=0.1, sd=float(np.std([0.9, 0.7, 0.8, 0.6, 1.0], ddof=1)))
    pd.testing.assert_frame_equal(spread, given)
    assert len(cc.plan_evaluations(contacts.iloc[:0], margin=0.1, share=0.8)) == 0


def test_everybody_evaluated_leaves_nothing_to_chance() -> None:
    assert cc.margin_of(50, population=50, share=0.5) == 0.0
    assert math.isnan(cc.margin_of(0, population=50, share=0.5))
    assert math.isnan(cc.margin_of(1, population=50, sd=0.1))


def test_bad_input() -> None:
    for asked in ({}, {"share": 0.5, "sd": 0.1}):
        with pytest.raises(OptionError, match="not both"):
            cc.evaluations_needed(0.1, **asked)
    for asked in ({"share": 0.0}, {"share": 1.0}, {"sd": 0.0}, {"sd": -1.0}, {"share": True}):
        with pytest.raises(OptionError, match="not possible"):
            cc.evaluations_needed(0.1, **asked)
    with pytest.raises(OptionError, match="margin=0"):
        cc.evaluations_needed(0, share=0.5)
    with pytest.raises(OptionError, match="population"):
        cc.evaluations_needed(0.1, share=0.5, population=-1)
    with pytest.raises(OptionError, match="give share="):
        cc.plan_evaluations(calls(["A"]), margin=0.1)
    with pytest.raises(OptionError, match="too few scores"):
        cc.plan_evaluations(calls(["A"]), forms([{"evaluation_id": "1", "points": 5.0}]), margin=0.1)
