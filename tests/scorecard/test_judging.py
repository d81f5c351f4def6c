"""What is said of a figure: every way to a verdict, k of n beside a plain loop, and which changes are more than chance."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccstats.scorecard.judging import Bounds, judge, judge_k_of_n, judge_trend

INF, NAN = math.inf, math.nan
AT_LEAST, AT_MOST = Bounds(0.8, INF), Bounds(-INF, 20.0)


@pytest.mark.parametrize(
    ("value", "bounds", "verdict"),
    [
        (0.8, AT_LEAST, "met"),
        (0.1 + 0.7, AT_LEAST, "met"),  # 0.7999999999999999
        (0.799, AT_LEAST, "not_met"),
        (20.0, AT_MOST, "met"),
        (20.1, AT_MOST, "not_met"),
        (0.8, Bounds(0.8, INF, strict=True), "not_met"),
        (0.8001, Bounds(0.8, INF, strict=True), "met"),
        (20.0, Bounds(-INF, 20.0, strict=True), "not_met"),
        (5.0, Bounds(5.0, 8.0), "met"),
        (8.0, Bounds(5.0, 8.0), "met"),
        (8.1, Bounds(5.0, 8.0), "not_met"),
        (4.9, Bounds(5.0, 8.0), "not_met"),
    ],
)
def test_a_count_of_everything_is_compared_as_it_is_whatever_its_interval(value: float, bounds: Bounds, verdict: str) -> None:
    for low, high in ((NAN, NAN), (value - 1, value + 1)):
        found = judge(value, low, high, bounds)
        assert (found.verdict, found.reason) == (verdict, "")


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.80, 0.90, "met"), (0.81, 0.90, "met"), (0.70, 0.79, "not_met"), (0.79, 0.90, "not_decidable"), (0.70, 0.80, "not_decidable")],
)
def test_a_sample_is_decided_by_its_whole_interval(low: float, high: float, verdict: str) -> None:
    found = judge((low + high) / 2, low, high, AT_LEAST, sampled=True)
    assert found.verdict == verdict
    assert found.reason == (
        f"the interval {low:g} to {high:g} holds the target: too few cases to tell" if verdict == "not_decidable" else ""
    )


def test_a_sample_between_two_values_can_lie_inside_outside_and_across_one_or_both() -> None:
    band = Bounds(5.0, 8.0)
    found = [judge((a + b) / 2, a, b, band, sampled=True).verdict for a, b in ((5, 8), (6, 7), (8.1, 9), (1, 4.9), (4, 6), (7, 9), (4, 9))]
    assert found == ["met", "met", "not_met", "not_met", "not_decidable", "not_decidable", "not_decidable"]


def test_a_margin_forgives_what_it_reaches_and_says_so_only_where_it_has_to() -> None:
    within = judge(0.78, 0.75, 0.81, AT_LEAST, margin_adjusted=True)
    assert (within.verdict, within.reason) == ("met", "the value misses the target by less than its margin of error")
    assert judge(0.82, 0.75, 0.90, AT_LEAST, margin_adjusted=True).reason == ""
    assert judge(0.70, 0.65, 0.79, AT_LEAST, margin_adjusted=True).verdict == "not_met"
    # an end that only touches: enough for at least, not for more than
    assert judge(0.78, 0.75, 0.80, AT_LEAST, margin_adjusted=True).verdict == "met"
    assert judge(0.78, 0.75, 0.80, Bounds(0.8, INF, strict=True), margin_adjusted=True).verdict == "not_met"
    # adjusted, a sample need not be decided by its whole interval
    assert judge(0.78, 0.75, 0.81, AT_LEAST, margin_adjusted=True, sampled=True).verdict == "met"


@pytest.mark.parametrize("asked", [{"sampled": True}, {"margin_adjusted": True}])
@pytest.mark.parametrize("ends", [(NAN, NAN), (0.7, NAN), (NAN, 0.9)])
def test_without_a_margin_what_needs_one_is_not_decidable(asked: dict[str, bool], ends: tuple[float, float]) -> None:
    found = judge(0.8, *ends, AT_LEAST, **asked)
    assert (found.verdict, found.reason) == ("not_decidable", "its margin of error is not known")


def test_what_is_missing_goes_before_any_figure() -> None:
    assert judge(0.9, 0.9, 0.9, AT_LEAST, missing="no table").reason == "no table"
    assert judge(NAN, NAN, NAN, AT_LEAST).reason == "there is nothing to measure"
    assert {judge(NAN, NAN, NAN, AT_LEAST, **more).verdict for more in ({}, {"sampled": True}, {"margin_adjusted": True})} == {
        "not_decidable"
    }


@pytest.mark.parametrize(
    ("value", "floor", "ceiling", "verdict"),
    [
        (0.9, 0.75, 0.92, "not_decidable"),
        (0.9, 0.80, 0.92, "met"),  # even the worst end keeps it
        (0.5, 0.40, 0.90, "not_decidable"),
        (0.5, 0.40, 0.79, "not_met"),  # even the best end misses it
        (0.9, 0.9, 0.9, "met"),
        (0.9, NAN, NAN, "met"),
        (0.9, 0.75, INF, "not_decidable"),
    ],
)
def test_open_cases_leave_it_open_only_where_they_decide(value: float, floor: float, ceiling: float, verdict: str) -> None:
    found = judge(value, NAN, NAN, AT_LEAST, floor=floor, ceiling=ceiling)
    assert found.verdict == verdict
    assert ("the cases still open decide it" in found.reason) == (verdict == "not_decidable")


@settings(deadline=None)
@given(
    value=st.floats(0, 1), half=st.floats(0, 0.5), low=st.floats(0, 1), sampled=st.booleans(), adjusted=st.booleans(), strict=st.booleans()
)
def test_a_verdict_never_gets_worse_as_the_figure_gets_better(
    value: float, half: float, low: float, sampled: bool, adjusted: bool, strict: bool
) -> None:
    order = ["not_met", "not_decidable", "met"]
    bounds = Bounds(low, INF, strict=strict)

    def rank(at: float) -> int:
        return order.index(judge(at, at - half, at + half, bounds, sampled=sampled, margin_adjusted=adjusted).verdict)

    assert rank(value) <= rank(value + 0.01) <= rank(value + 1)


def plain_k_of_n(met: list[bool | None], k: int, n: int) -> list[str]:
    """Every way in which the unknown periods can have ended, one by one."""
    out = []
    for end in range(1, len(met) + 1):
        window = [None] * max(0, n - end) + met[max(0, end - n) : end]
        unknown = window.count(None)
        sure = window.count(True)
        ways = {sure + more >= k for more in range(unknown + 1)}
        out.append("not_decidable" if len(ways) == 2 else "met" if True in ways else "not_met")
    return out


@settings(deadline=None)
@given(met=st.lists(st.sampled_from([True, False, None]), max_size=20), n=st.integers(1, 14), data=st.data())
def test_k_of_n_beside_every_way_it_can_end(met: list[bool | None], n: int, data: st.DataObject) -> None:
    k = data.draw(st.integers(1, n))
    found = judge_k_of_n(met, k=k, n=n)
    assert [each.verdict for each in found] == plain_k_of_n(met, k, n)
    for at, each in enumerate(found):
        window = met[max(0, at - n + 1) : at + 1]
        assert each.reason == f"met in {window.count(True)} and missed in {window.count(False)} of {n} periods; {k} are asked for"


def trend(values: list[float], half: list[float], direction: str = "higher_is_better", confidence: float = 0.95) -> list[str | None]:
    at, by = np.array(values), np.array(half)
    rows = pd.DataFrame({"value": at, "value_low": at - by, "value_high": at + by})
    return judge_trend(rows, direction=direction, confidence=confidence)


def test_a_change_beyond_both_margins_is_more_than_chance() -> None:
    # 0.03 and 0.04 make 0.05 together
    assert trend([0.80, 0.8499, 0.80], [0.03, 0.04, 0.03]) == [None, "steady", "steady"]
    assert trend([0.80, 0.8501, 0.80], [0.03, 0.04, 0.03]) == [None, "better", "worse"]
    assert trend([80.0, 85.01], [3.0, 4.0], "lower_is_better") == [None, "worse"]


def test_the_level_of_confidence_cancels_out_while_both_intervals_have_it() -> None:
    for confidence in (0.5, 0.9, 0.99):
        assert trend([0.80, 0.8501], [0.03, 0.04], confidence=confidence) == [None, "better"]


def test_without_an_interval_a_value_or_a_good_side_there_is_no_trend() -> None:
    assert trend([0.8, 0.9], [NAN, 0.01]) == [None, None]
    assert trend([0.8, NAN, 0.9], [0.01, 0.01, 0.01]) == [None, None, None]
    assert trend([0.8, 0.9], [0.01, 0.01], "neutral") == [None, None]
    assert trend([], []) == []
