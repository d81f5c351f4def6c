"""Targets: what fits a metric, what is out of range, when a value meets it, and thresholds that depend on the day."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import ccstats as cc
from ccstats.agreement import Exclusion
from ccstats.metrics import METRICS, NOT_OFFERED, SERVICE_LEVELS


def target(**fields: object) -> cc.Target:
    return cc.Target(**{"name": "t", "metric": "service_level", "op": ">=", "value": 0.8, **fields})


@pytest.mark.parametrize(
    ("metric", "statistic", "unit"),
    [
        ("sl_excl_short", "share_within", "ratio"),
        ("asa_s", "mean", "s"),
        ("max_wait_s", "max", "s"),
        ("wait_p90_s", "quantile", "s"),
        ("offered", "count", "count"),
        ("csat_top2", "ratio", "ratio"),
        ("nps", "ratio", "points"),
        ("complaint_resolution_s", "mean", "s"),
        ("complaints_per_1000", "ratio", "per 1000"),
    ],
)
def test_statistic_and_unit_follow_from_the_metric(metric: str, statistic: str, unit: str) -> None:
    made = target(metric=metric, value=None)
    assert (made.statistic, made.unit) == (statistic, unit)
    assert made.probability == (0.9 if metric == "wait_p90_s" else None)


def test_every_metric_of_the_dictionary_can_have_a_target() -> None:
    for metric in (*METRICS, *NOT_OFFERED):
        assert target(metric=metric, value=None).metric == metric


@pytest.mark.parametrize(
    ("fields", "key", "said"),
    [
        ({"metric": "servce_level"}, "metric", "Did you mean service_level"),
        ({"value": 80}, "value", "write 0.8 for 80 %"),
        ({"value": -0.1}, "value", "out of range"),
        ({"metric": "wape", "value": 15}, "value", "write 0.15 for 15 %"),
        ({"metric": "nps", "value": 120}, "value", "from -100 to 100"),
        ({"metric": "asa_s", "value": -1}, "value", "never negative"),
        ({"metric": "asa_s", "value": 60, "threshold_s": 20}, "threshold_s", "belongs to a service level"),
        ({"metric": "asa_s", "value": 60, "statistic": "share_within"}, "statistic", "asa_s is none"),
        ({"metric": "asa_s", "value": 60, "statistic": "ratio"}, "statistic", "is a time"),
        ({"metric": "asa_s", "value": 60, "statistic": "quantile"}, "statistic", "which quantile"),
        ({"metric": "max_wait_s", "value": 60, "statistic": "mean"}, "statistic", "is a max"),
        ({"metric": "wait_p90_s", "value": 60, "probability": 0.8}, "probability", "quantile at 0.9"),
        ({"statistic": "mean"}, "statistic", "share_within"),
        ({"metric": "csat_top2", "statistic": "quantile"}, "statistic", "it has no quantile"),
        ({"probability": 0.9}, "probability", "belongs to a quantile"),
        ({"unit": "%"}, "unit", "0-1"),
        ({"formula": "sl_best"}, "formula", "none of the nine"),
        ({"metric": "sl_excl_short", "formula": "sl_answered_only"}, "formula", "contradicts"),
        ({"value": [0.7, 0.8]}, "value", "one value"),
        ({"op": "between"}, "value", "two values"),
        ({"op": "between", "value": [0.9, 0.8]}, "value", "lower end"),
        ({"k": 3, "n": 2}, "k", "k = 3 of n = 2"),
        ({"k": 3}, "k", "give both"),
        ({"n": 3}, "n", "give both"),
        ({"metric": "complaint_on_time_rate", "calendar": "working_days", "limit": 2.5}, "limit", "whole"),
        ({"value": None, "money": [{"when": "below", "value": 0.8, "amount": -1}]}, "money", "money without a value"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_key(fields: dict, key: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said) as caught:
        target(**fields)
    assert caught.value.errors()[0]["ctx"]["error"].path[0] == key


@pytest.mark.parametrize(
    "fields",
    [
        {"value": "0.8"},
        {"value": True},
        {"k": 2.5, "n": 3},
        {"k": 0, "n": 3},
        {"by_queue": "yes"},
        {"op": "=>"},
        {"period": "fortnight"},
        {"confidence": "D"},
        {"confidence_level": 95},
        {"value": math.nan},
        {"value": math.inf},
        {"threshold_s": 0},
        {"weight": -1},
        {"treshold_s": 20},
        {"name": ""},
        {"threshold_rules": [{"threshold_s": 90}]},
        {"threshold_rules": [{"threshold_s": 90, "days": ["monday"]}]},
    ],
)
def test_wrong_types_and_words_are_refused(fields: dict) -> None:
    with pytest.raises(ValidationError):
        target(**fields)


def test_a_target_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        target().value = 0.5  # type: ignore[misc]


@pytest.mark.parametrize(
    ("op", "value", "met", "missed", "bounds"),
    [
        (">=", 0.8, 0.8, 0.79, (0.8, math.nan)),
        (">", 0.8, 0.81, 0.8, (0.8, math.nan)),
        ("<=", 0.8, 0.8, 0.81, (math.nan, 0.8)),
        ("<", 0.8, 0.79, 0.8, (math.nan, 0.8)),
        ("between", (0.05, 0.08), 0.05, 0.09, (0.05, 0.08)),
    ],
)
def test_values_meet_or_miss(op: str, value: object, met: float, missed: float, bounds: tuple[float, float]) -> None:
    made = target(op=op, value=value)
    assert made.is_met(met) is True
    assert made.is_met(missed) is False
    assert made.is_met(math.nan) is None
    np.testing.assert_equal(made.bounds(), bounds)


def test_a_margin_helps_only_where_it_was_agreed() -> None:
    # 2011 monitoring: a plan fails only where the margin of error cannot explain it.
    assert target(margin_adjusted=True).is_met(0.77, low=0.73, high=0.81) is True
    assert target(margin_adjusted=True).is_met(0.77, low=0.75, high=0.79) is False
    assert target(margin_adjusted=True).is_met(0.77) is False
    assert target().is_met(0.77, low=0.73, high=0.81) is False
    assert target(op="between", value=(0.8, 0.9), margin_adjusted=True).is_met(0.92, low=0.89, high=0.95) is True
    assert target(op="<=", value=0.8, margin_adjusted=True).is_met(0.82, low=0.79, high=0.85) is True


@given(
    st.sampled_from([">=", ">", "<=", "<"]),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 0.3),
    st.booleans(),
)
def test_a_margin_never_hurts(op: str, value: float, measured: float, half: float, adjusted: bool) -> None:
    made = target(op=op, value=value, margin_adjusted=adjusted)
    plain = {">=": measured >= value, ">": measured > value, "<=": measured <= value, "<": measured < value}[op]
    found = made.is_met(measured, low=measured - half, high=measured + half)
    assert found or not plain
    assert adjusted or found == plain


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, ""),
        ({"value": None}, "no value"),
        ({"applies_to": "emergency calls"}, "about emergency calls"),
        ({"applies_to": "emergency calls", "queues": ["112"]}, ""),
        ({"metric": "complaint_on_time_rate"}, "no time limit"),
        ({"metric": "complaint_on_time_rate", "limit": 86400}, ""),
        ({"metric": "staffing_variance"}, "not offered"),
        ({"metric": "adherence"}, ""),
    ],
)
def test_what_it_lacks_is_said(fields: dict, said: str) -> None:
    lacks = target(**fields).lacks
    assert said in lacks if said else lacks == ""


def test_exclusions_are_whole_dates_or_instants() -> None:
    days = Exclusion(start=dt.date(2026, 3, 2), end=dt.date(2026, 3, 2), reason="storm")
    assert days.span() == (dt.datetime(2026, 3, 2), dt.datetime(2026, 3, 3))  # noqa: DTZ001 - local time of the agreement
    midnight = Exclusion(start=dt.datetime(2026, 3, 2), end=dt.datetime(2026, 3, 3), reason="storm")  # noqa: DTZ001
    assert midnight.span() == days.span()
    assert isinstance(midnight.start, dt.datetime)


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2026-03-02", "2026-03-01", "begins at"),
        ("2026-03-02T10:00", "2026-03-02T10:00", "begins at"),
        ("2026-03-02", "2026-03-02T10:00", "two dates"),
        ("2026-03-02T10:00Z", "2026-03-02T11:00Z", "zone of its own"),
    ],
)
def test_exclusions_that_make_no_sense_are_refused(start: str, end: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Exclusion(start=start, end=end, reason="storm")


def test_thresholds_follow_the_day() -> None:
    banks = cc.Agreement.preset("br_sac_2008", reading="banks", timezone="America/Sao_Paulo").targets[0]
    calendar = cc.Calendar(
        {day: [("08:00", "18:00")] for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")},
        timezone="America/Sao_Paulo",
        holidays="BR",
    )
    # January 2026: the 1st (Thursday) is a holiday; working days are 2, 5, 6, 7, 8, …; so the 5th of them is the 8th.
    expected = {
        "2026-01-02 12:00": 90,  # Friday, after the holiday
        "2026-01-05 12:00": 90,  # Monday
        "2026-01-06 12:00": 45,
        "2026-01-08 12:00": 90,  # fifth working day
        "2026-01-09 12:00": 45,
        "2026-01-12 00:30": 90,  # Monday there
        "2026-01-11 23:30": 45,  # Sunday there, Monday in UTC
        "2025-12-31 12:00": 90,  # Wednesday, before the holiday
    }
    days = pd.to_datetime(list(expected)).tz_localize("America/Sao_Paulo").tz_convert("UTC")
    assert banks.thresholds_at(days, calendar=calendar, threshold_s=20).tolist() == list(expected.values())


def test_the_first_rule_that_fits_holds() -> None:
    rules = [{"threshold_s": 30, "days": ["mon"]}, {"threshold_s": 60, "days": ["mon", "tue"]}]
    days = pd.to_datetime(["2026-06-08", "2026-06-09", "2026-06-10"]).tz_localize("UTC")
    found = target(threshold_rules=rules).thresholds_at(days, calendar=cc.Calendar(), threshold_s=20)
    assert found.tolist() == [30, 60, 20]


def test_the_nine_are_nine() -> None:
    assert len(SERVICE_LEVELS) == 9
    for name in SERVICE_LEVELS:
        assert target(formula=name).formula == name
