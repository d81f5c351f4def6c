"""Bonus and malus: examples worked by hand, a loop that agrees, and steps that say two things refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import ccstats as cc
from ccstats.agreement import Step
from ccstats.agreement.money import check_steps, money_of


def target(*money: dict, op: str = ">=", value: object = 0.80, metric: str = "service_level") -> cc.Target:
    return cc.Target(name="t", metric=metric, op=op, value=value, money=money)


@pytest.mark.parametrize(
    ("value", "due"),
    [
        (0.90, 0.0),  # in the quiet zone
        (0.80, 0.0),  # just reached
        (0.799, 0.0),  # a tenth of a point is no full point
        (0.79, -100.0),
        (0.7725, -200.0),
        (0.77, -300.0),  # 0.80 - 0.77 is 0.03 and a little more in floating point
        (0.71, -900.0),
        (0.70, -1000.0),
        (0.50, -1000.0),  # capped
    ],
)
def test_a_malus_per_point_counts_full_points_up_to_its_cap(value: float, due: float) -> None:
    assert target({"per": 0.01, "from": 0.80, "amount": -100, "cap": -1000}).money_for(value) == due


@pytest.mark.parametrize(("rounding", "due"), [("complete", -200.0), ("started", -300.0), ("pro_rata", -250.0)])
def test_parts_of_a_point_count_as_agreed(rounding: str, due: float) -> None:
    assert target({"per": 0.01, "from": 0.80, "amount": -100, "rounding": rounding}).money_for(0.775) == pytest.approx(due)


def test_a_whole_point_is_one_point_however_it_is_rounded() -> None:
    for rounding in ("complete", "started"):
        step = {"per": 0.01, "from": 0.80, "amount": -100, "rounding": rounding}
        assert [target(step).money_for(0.80 - points / 100) for points in range(1, 20)] == [-100.0 * points for points in range(1, 20)]


def test_tiers_count_alone_the_furthest_that_applies() -> None:
    tiers = target(
        {"when": "below", "value": 0.80, "amount": -200},
        {"when": "below", "value": 0.75, "amount": -500},
        {"when": "at_least", "value": 0.85, "amount": 300},
        {"when": "above", "value": 0.90, "amount": 700},
    )
    values = [0.60, 0.75, 0.79, 0.80, 0.849, 0.85, 0.90, 0.901]
    assert [tiers.money_for(value) for value in values] == [-500, -200, -200, 0, 0, 300, 300, 700]


def test_the_side_follows_from_the_target_and_the_sign() -> None:
    assert target({"per": 10, "from": 60, "amount": -50}, op="<=", value=60, metric="asa_s").money_for(85.0) == -100.0
    assert target({"per": 10, "from": 60, "amount": 50}, op="<=", value=60, metric="asa_s").money_for(39.0) == 100.0
    assert target({"per": 0.01, "from": 0.8, "amount": 50}).money_for(0.83) == pytest.approx(150.0)


def test_without_rules_or_a_value_nothing_is_said() -> None:
    assert math.isnan(target().money_for(0.5))
    assert math.isnan(target({"when": "below", "value": 0.8, "amount": -1}).money_for(math.nan))


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([{"when": "below", "value": 0.8, "amount": -1}, {"when": "at_most", "value": 0.8, "amount": -2}], "two steps begin at 0.8"),
        ([{"when": "below", "value": 0.9, "amount": -1}, {"when": "above", "value": 0.8, "amount": 1}], "overlap"),
        ([{"when": "at_most", "value": 0.8, "amount": -1}, {"when": "at_least", "value": 0.8, "amount": 1}], "overlap"),
        ([{"when": "below", "value": 0.8, "amount": -1}, {"per": 0.01, "from": 0.7, "amount": -1}], "stands alone on its side"),
        ([{"per": 0.01, "from": 0.8, "amount": -1}, {"per": 0.01, "from": 0.7, "amount": -1}], "stands alone on its side"),
        ([{"amount": -1}], "either a fixed amount"),
        ([{"when": "below", "value": 0.8, "amount": 0}], "changes nothing"),
        ([{"when": "below", "value": 0.8, "amount": -1, "cap": -5}], "cap belongs to"),
        ([{"per": 0.01, "amount": -1}], "Add from"),
        ([{"per": 0.01, "value": 0.8, "amount": -1}], "begins at 'from'"),
        ([{"per": 0.01, "from": 0.8, "when": "at_most", "amount": -1}], "'below' or 'above'"),
        ([{"per": 0.01, "from": 0.8, "amount": -1, "cap": 5}], "must have the sign"),
        ([{"per": 0.01, "from": 80, "amount": -1}], "write 0.8 for 80 %"),
        ([{"per": -0.01, "from": 0.8, "amount": -1}], "greater than 0"),
    ],
)
def test_steps_that_say_two_things_or_nothing_are_refused(steps: list[dict], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        target(*steps)


def test_below_and_from_on_may_meet() -> None:
    both = target({"when": "below", "value": 0.8, "amount": -1}, {"when": "at_least", "value": 0.8, "amount": 1})
    assert [both.money_for(value) for value in (0.799, 0.8)] == [-1.0, 1.0]


def test_between_must_name_the_side() -> None:
    with pytest.raises(ValidationError, match="between two values"):
        target({"per": 0.01, "from": 0.8, "amount": -1}, op="between", value=(0.8, 0.9))
    assert target({"per": 0.01, "from": 0.9, "when": "above", "amount": -1}, op="between", value=(0.8, 0.9)).money_for(0.92) == -2.0


edges = st.integers(0, 100).map(lambda percent: percent / 100)


@given(st.dictionaries(edges, st.integers(-900, 900).filter(bool), max_size=4), edges, edges)
def test_tiers_agree_with_a_loop(tiers: dict[float, int], middle: float, value: float) -> None:
    steps = [Step(when="below" if edge <= middle else "above", value=edge, amount=amount) for edge, amount in tiers.items()]
    due = 0.0
    for edge in sorted(tiers, reverse=True):  # inwards to outwards, below
        if edge <= middle and value < edge:
            due = float(tiers[edge])
    for edge in sorted(tiers):
        if edge > middle and value > edge:
            due = float(tiers[edge])
    found = money_of(check_steps(steps, op=">="), value)
    assert found == due if steps else math.isnan(found)
