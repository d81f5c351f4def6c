"""From figures to verdicts: periods and what covers them, exclusions, k of n, margins, money, and everything that can be missing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scorecard_cases import agreement, complaints, contacts, days, evaluations, instant, items, judged, month, only, staff, surveys

import ccstats as cc
from ccstats.errors import DataWarning, OptionError, TableError
from ccstats.schema import CONTACTS, KPIS

SLOW = {"wait_s": 100.0}
LEVEL = {"metric": "service_level", "value": 0.8}


def verdicts(kpis: pd.DataFrame) -> list[str]:
    return kpis["verdict"].astype("str").tolist()


def test_the_table_is_that_of_the_schema_in_order() -> None:
    kpis = judged(agreement(LEVEL, {"metric": "asa_s", "op": "<=", "value": 20}), contacts=contacts(month(4, 1, worse=SLOW)))
    KPIS.check(kpis)
    assert list(kpis.columns) == KPIS.names()
    assert str(kpis["period_start"].dt.tz) == "Europe/Berlin"
    row = kpis[kpis["target"] == "t0"].iloc[0]
    assert (row["value"], row["count"], row["verdict"], row["indicator"]) == (0.8, 155, "met", 100.0)
    assert row["inputs"] == "intervals.answered_within, intervals.offered, intervals.open"
    assert row["definition"].endswith("threshold 20 s")


def test_inputs_are_left_as_they_are() -> None:
    calls, asked = contacts(month(2, 1, worse=SLOW)), surveys([5, 4, 1])
    before = calls.copy(deep=True), asked.copy(deep=True)
    judged(agreement(LEVEL, {"metric": "csat_top2"}, {"metric": "fcr_window"}), contacts=calls, surveys=asked)
    pd.testing.assert_frame_equal(calls, before[0])
    pd.testing.assert_frame_equal(asked, before[1])


# ---- periods


@pytest.mark.parametrize(
    ("period", "starts"),
    [
        ("month", ["2026-01-01", "2026-02-01", "2026-03-01"]),
        ("quarter", ["2026-01-01"]),
        ("year", ["2026-01-01"]),
    ],
)
def test_every_period_has_its_row(period: str, starts: list[str]) -> None:
    kpis = judged(LEVEL, contacts=contacts(month(1, first="2026-01-01", last="2026-03-31")), period=period)
    assert [f"{start:%Y-%m-%d}" for start in kpis["period_start"]] == starts
    assert set(kpis["period"]) == {period}
    assert verdicts(kpis) == (["met"] * 3 if period == "month" else ["met"] if period == "quarter" else ["not_decidable"])
    if period == "year":
        assert kpis["verdict_reason"][0] == "the data cover 90 of 365 days"
        assert kpis["indicator"].isna().all()
        assert kpis["value"].notna().all()  # so far


def test_weeks_and_days() -> None:
    calls = contacts(month(1, first="2026-03-02", last="2026-03-15"))  # Monday to Sunday of two weeks
    assert verdicts(judged(LEVEL, contacts=calls, period="week")) == ["met", "met"]
    assert len(judged(LEVEL, contacts=calls, period="day")) == 14


def test_a_target_with_a_period_of_its_own_keeps_it() -> None:
    calls = contacts(month(1, first="2026-01-01", last="2026-03-31"))
    kpis = judged(agreement({**LEVEL, "period": "quarter"}, LEVEL), contacts=calls, period="month")
    assert kpis.groupby("target", observed=True).size().to_dict() == {"t0": 1, "t1": 3}
    assert judged({**LEVEL, "period": "month"}, contacts=calls, period="quarter")["period"].tolist() == ["month"] * 3


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        ("Europe/Berlin", "2026-03-01", "2026-03-31"),
        ("Europe/Berlin", "2026-10-01", "2026-10-31"),
        ("America/Sao_Paulo", "2018-11-01", "2018-11-30"),  # the night to the 4th begins at 01:00
        ("Australia/Lord_Howe", "2026-04-01", "2026-04-30"),
    ],
)
def test_months_in_which_clocks_are_changed_are_whole(zone: str, first: str, last: str) -> None:
    calls = contacts(month(4, 1, first=first, last=last, worse=SLOW), zone)
    row = only(agreement(LEVEL, zone=zone), contacts=calls)
    assert (row["verdict"], row["value"]) == ("met", 0.8)
    short = contacts(month(1, first=first, last=str(pd.Timestamp(last) - pd.Timedelta(days=1))), zone)
    found = only(agreement(LEVEL, zone=zone), contacts=short)
    assert found["verdict_reason"] == f"the data cover {len(days(first, last)) - 1} of {len(days(first, last))} days"


def test_half_hours_are_judged_each_by_itself() -> None:
    calls = contacts([*month(1, last="2026-03-02"), {"queued_at": "2026-03-02 15:00", **SLOW}])
    kpis = judged({**LEVEL, "period": "interval"}, contacts=calls)
    assert [(f"{row.period_start:%d %H:%M}", row.verdict) for row in kpis.itertuples()] == [
        ("01 12:00", "met"),
        ("02 12:00", "met"),
        ("02 15:00", "not_met"),
    ]
    none = judged(agreement({**LEVEL, "period": "interval", "clock": "arrived"}), contacts=calls)
    assert verdicts(none) == ["not_decidable"]  # one row has to say it


# ---- what is covered


def test_closed_days_at_the_edge_are_not_missing() -> None:
    # 1 March 2026 is a Sunday; with a holiday the Monday after it, contacts begin on the 3rd
    hours = {"office": {"hours": {"mon-sat": ["08:00-16:00"]}, "exceptions": {"2026-03-02": []}}}
    calls = contacts(month(1, first="2026-03-03"))
    assert only(agreement(LEVEL, calendars=hours, hours="office"), contacts=calls)["verdict"] == "met"
    assert only(agreement(LEVEL), contacts=calls)["verdict_reason"] == "the data cover 29 of 31 days"
    late = contacts(month(1, first="2026-03-04"))
    assert only(agreement(LEVEL, calendars=hours, hours="office"), contacts=late)["verdict_reason"] == "the data cover 24 of 25 days"


def test_a_queue_is_missing_by_its_own_hours() -> None:
    hours = {"office": {"hours": {"mon-sat": ["08:00-16:00"]}}, "all": {"hours": {"mon-sun": ["00:00-24:00"]}}}
    calls = contacts(month(1, 1, first="2026-03-02", worse={"queue": "support"}))
    queues = {"sales": {"hours": "office"}, "support": {"hours": "all"}}
    kpis = judged(agreement(LEVEL, calendars=hours, queues=queues), contacts=calls)
    assert dict(zip(kpis["queue"].astype("str"), verdicts(kpis), strict=True)) == {"sales": "met", "support": "not_decidable"}
    both = only(agreement({**LEVEL, "by_queue": False}, calendars=hours, queues=queues), contacts=calls)
    assert both["verdict"] == "not_decidable"
    of_one = only(agreement({**LEVEL, "by_queue": False, "queues": ["sales"]}, calendars=hours, queues=queues), contacts=calls)
    assert of_one["verdict"] == "met"


def test_who_says_what_the_data_cover_is_believed() -> None:
    calls = contacts(month(1, first="2026-03-05", last="2026-03-20"))
    given = {"contacts": calls, "covers": (dt.date(2026, 3, 1), dt.date(2026, 3, 31))}
    assert only(LEVEL, **given)["verdict"] == "met"
    assert len(judged(LEVEL, contacts=calls, covers=(dt.date(2026, 2, 1), dt.date(2026, 3, 31)))) == 2


@pytest.mark.parametrize(
    "covers",
    [
        (dt.date(2026, 3, 2), dt.date(2026, 3, 1)),
        ("2026-03-01", "2026-03-31"),
        (dt.date(2026, 3, 1),),
        5,
        (pd.Timestamp("2026-03-01"),) * 2,
    ],
)
def test_a_span_that_is_none_is_refused(covers: Any) -> None:
    with pytest.raises(OptionError, match="covers="):
        judged(LEVEL, contacts=contacts(month(1)), covers=covers)


# ---- open cases


def test_complaints_still_open_leave_it_open_where_they_decide() -> None:
    calls = contacts(month(1))
    done = [{"received_at": "2026-03-02 12:00", "resolved_at": "2026-03-03 12:00"}] * 8
    late = [{"received_at": "2026-03-02 12:00", "resolved_at": "2026-03-20 12:00"}]
    fresh = [{"received_at": "2026-03-30 12:00"}]
    asked = {"metric": "complaint_on_time_rate", "limit": 10 * 86_400, "value": 0.8}
    assert only(asked, contacts=calls, complaints=complaints([*done, *late, *fresh]))["verdict"] == "met"  # 8 of 10 at worst
    row = only({**asked, "value": 0.85}, contacts=calls, complaints=complaints([*done, *late, *fresh]))
    assert row["verdict_reason"] == "the cases still open decide it: it can end anywhere from 80.0 % to 90.0 %"
    assert row["value"] == pytest.approx(8 / 9)
    assert only({**asked, "value": 0.95}, contacts=calls, complaints=complaints([*done, *late, *fresh]))["verdict"] == "not_met"


def test_customers_who_can_still_come_again_leave_resolution_open() -> None:
    calls = contacts(month(1, first="2026-03-01", last="2026-03-31"))
    row = only({"metric": "fcr_window", "value": 0.8}, contacts=calls)  # of 31, the last 7 can still call
    assert (row["value"], row["count"], row["verdict"]) == (1.0, 24, "not_decidable")
    assert "from 77.4 % to 100.0 %" in row["verdict_reason"]
    assert only({"metric": "fcr_window", "value": 0.7}, contacts=calls)["verdict"] == "met"


def test_an_item_that_still_waits_may_wait_any_longer() -> None:
    work = items([{"opened_at": "2026-03-02 12:00", "first_response_at": "2026-03-02 13:00"}, {"opened_at": "2026-03-31 12:00"}])
    base = {"metric": "first_response_s", "statistic": "max", "op": "<="}
    given = {"contacts": contacts(month(1)), "items": work}
    assert "from 4.32e+04 to inf" in only({**base, "value": 86_400}, **given)["verdict_reason"]
    assert only({**base, "value": 3_600}, **given)["verdict"] == "not_met"  # half a day already


# ---- samples and margins


def test_a_small_sample_decides_nothing_but_shows_how_far() -> None:
    given = {"contacts": contacts(month(1)), "surveys": surveys([5, 5, 5, 1])}
    row = only({"metric": "csat_top2", "value": 0.8}, **given)
    assert (row["verdict"], row["value"]) == ("not_decidable", 0.75)
    assert row["verdict_reason"].startswith("the interval ")
    assert row["indicator"] == pytest.approx(75 / 0.8)
    assert only({"metric": "csat_top2", "value": 0.8, "margin_adjusted": True}, **given)["verdict"] == "met"
    assert only({"metric": "response_rate", "value": 0.99}, **given)["verdict"] == "met"  # everybody who was asked is no sample
    forms = {"contacts": contacts(month(1)), "evaluations": evaluations([9.0, 9.0])}
    assert only({"metric": "qm_coverage", "value": 0.1}, **forms)["verdict"] == "not_met"
    assert only({"metric": "qm_score", "value": 0.99}, **forms)["verdict"] == "not_decidable"


def test_a_margin_forgives_and_takes_no_malus_for_what_it_forgives() -> None:
    rng = np.random.default_rng(1)
    waits = np.where(rng.random(31 * 4) < 0.78, 10.0, 60.0)
    calls = contacts([{**row, "wait_s": float(wait)} for row, wait in zip(month(4), waits, strict=True)])
    malus = {"value": 0.8, "money": [{"when": "below", "value": 0.8, "amount": -500.0}]}
    plain = only(agreement({**LEVEL, **malus}, currency="EUR"), contacts=calls)
    kind = only(agreement({**LEVEL, **malus, "margin_adjusted": True}, currency="EUR"), contacts=calls)
    assert plain["value"] < 0.8 < plain["value_high"]
    assert (plain["verdict"], plain["money"]) == ("not_met", -500.0)
    assert (kind["verdict"], kind["money"]) == ("met", 0.0)


def test_money_is_due_only_where_it_can_be_decided() -> None:
    asked = agreement({**LEVEL, "money": [{"when": "at_least", "value": 0.9, "amount": 100.0}]}, currency="EUR")
    calls = contacts(month(1, first="2026-03-01", last="2026-04-10"))
    assert judged(asked, contacts=calls)["money"].tolist() == pytest.approx([100.0, np.nan], nan_ok=True)
    assert judged(LEVEL, contacts=calls)["money"].isna().all()


# ---- k of n, trend, the past


def months(values: list[int]) -> pd.DataFrame:
    """One month each, from January 2026, of 10 calls a day of which so many are in time."""
    rows = []
    for number, good in enumerate(values, 1):
        first = pd.Timestamp(2026, number, 1)
        last = first + pd.offsets.MonthEnd(0)
        rows += month(good, 10 - good, first=str(first.date()), last=str(last.date()), worse=SLOW)
    return contacts(rows)


def test_k_of_n_looks_back_over_n_periods() -> None:
    kpis = judged({**LEVEL, "k": 2, "n": 3}, contacts=months([9, 7, 9, 7, 7]))
    assert verdicts(kpis) == ["not_decidable", "not_decidable", "met", "not_met", "not_met"]
    assert kpis["verdict_reason"][2] == "met in 2 and missed in 1 of 3 periods; 2 are asked for"
    assert kpis["indicator"].round(6).tolist() == [100.0, 87.5, 100.0, 87.5, 87.5]  # each month by itself


def test_an_incomplete_month_says_so_within_k_of_n() -> None:
    calls = months([9, 9, 9])
    short = calls[calls["queued_at"] < instant("2026-03-20")].reset_index(drop=True)
    kpis = judged({**LEVEL, "k": 3, "n": 3}, contacts=short)
    assert verdicts(kpis)[-1] == "not_decidable"
    assert kpis["verdict_reason"].iloc[-1].endswith("; this period: the data cover 19 of 31 days")


def test_previous_and_trend_are_those_of_the_month_before() -> None:
    kpis = judged(LEVEL, contacts=months([9, 9, 5]))
    assert kpis["previous"].tolist() == pytest.approx([np.nan, 0.9, 0.9], nan_ok=True)
    assert kpis["trend"].astype("object").where(kpis["trend"].notna(), None).tolist() == [None, "steady", "worse"]
    first = months([9, 9])
    cut = first[first["queued_at"] > instant("2026-01-10")].reset_index(drop=True)
    assert judged(LEVEL, contacts=cut)["previous"].isna().all()  # of half a month nothing is said


def test_a_day_out_of_line_is_unusual() -> None:
    rng = np.random.default_rng(3)
    rows = []
    for at, day in enumerate(days("2026-01-01", "2026-03-31")):
        bad = 19 if at in (60, 61, 62, 63, 64) else int(rng.integers(2, 5))
        rows += month(20 - bad, bad, first=day[:10], last=day[:10], worse=SLOW)
    kpis = judged(LEVEL, contacts=contacts(rows))
    assert kpis["unusual"].astype("str").tolist()[-1] == "yes"
    assert kpis["unusual"].astype("str").tolist()[1] == "no"
    alike = judged({"metric": "wait_p50_s", "op": "<=", "value": 20}, contacts=contacts(month(1)), period="day")
    assert set(alike["unusual"]) == {"unknown"}  # without spread nothing is out of line


# ---- exclusions and what is meant


def test_what_is_excluded_counts_nowhere_and_is_said() -> None:
    rows = month(1) + [{"queued_at": "2026-03-10 09:30", **SLOW}, {"queued_at": "2026-03-10 10:00", **SLOW}]
    storm = {"start": "2026-03-10T09:00", "end": "2026-03-10T10:00", "reason": "storm"}
    row = only({**LEVEL, "exclude": [storm]}, contacts=contacts(rows))
    assert row["value"] == pytest.approx(31 / 32)  # ten o'clock no longer belongs to it
    assert row["definition"].endswith("without 2026-03-10 09:00 to 2026-03-10 10:00 (storm)")
    whole = only({**LEVEL, "exclude": [{"start": "2026-03-10", "end": "2026-03-10", "reason": "strike"}]}, contacts=contacts(rows))
    assert (whole["value"], whole["count"]) == (1.0, 30)
    assert whole["verdict"] == "met"


def test_a_complaint_of_no_known_queue_is_about_all_of_the_agreement() -> None:
    rows = complaints([{"received_at": "2026-03-02 12:00", "contact_id": each} for each in ("c00000", None)])
    asked = {"metric": "complaints_per_1000", "op": "<=", "value": 100, "by_queue": False}
    calls = contacts(month(1, 1, worse={"queue": "support"}))
    queues = {"sales": {}, "support": {}}
    assert only(agreement(asked, queues=queues), contacts=calls, complaints=rows)["value"] == pytest.approx(1000 * 2 / 62)
    assert only(agreement({**asked, "queues": ["sales"]}, queues=queues), contacts=calls, complaints=rows)["value"] == pytest.approx(
        1000 / 31
    )
    loose = complaints([{"received_at": "2026-03-02 12:00"}])  # where no complaint knows its queue, no queue is judged as if it had none
    assert only(agreement({**asked, "by_queue": True}, queues=queues), contacts=calls, complaints=loose)["queue"] == "all"


def test_a_queue_that_the_data_do_not_have_is_said_once() -> None:
    asked = agreement(LEVEL, queues={"sales": {}, "suport": {}})
    with pytest.warns(DataWarning, match="'suport' of the agreement is not in the data.* support"):
        kpis = judged(asked, contacts=contacts(month(1, 1, worse={"queue": "support"})))
    assert dict(zip(kpis["queue"].astype("str"), kpis["verdict_reason"], strict=True)) == {
        "sales": "",
        "suport": "there is nothing to measure",
    }


def test_a_channel_that_no_queue_has_is_not_decidable() -> None:
    asked = agreement({**LEVEL, "channels": ["chat"]}, queues={"sales": {"channel": "voice"}})
    row = only(asked, contacts=contacts(month(1, 1, worse={"queue": "other", "channel": "chat"})))
    assert (row["verdict"], row["verdict_reason"]) == ("not_decidable", "there are no contacts that the target is about")


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ({"value": None}, "no value is agreed: give value"),
        ({"applies_to": "emergency calls"}, "it is about emergency calls: name their queues in queues"),
        ({"metric": "complaint_on_time_rate"}, "no time limit is agreed: give limit"),
        ({"metric": "workload_erlang", "value": 0.9}, "workload_erlang is not offered"),
        ({"metric": "adherence", "value": 0.9}, "not given: schedule"),
        ({"clock": "first_ring"}, "no log says when the call first rang"),
        ({"clock": "arrived"}, "does not log when a contact arrived"),
        ({"clock": "human_option"}, "does not log when a contact was offered a human"),
        ({"formula": "sl_excl_short"}, "no short-abandon threshold was agreed: give short_s"),
        ({"metric": "csat_top2"}, "not given: surveys"),
        ({"metric": "occupancy"}, "not given: agent_states"),
        ({"metric": "callback_on_time_rate"}, "does not log promised_at, attempted_at"),
        ({"metric": "transfer_rate", "op": "<="}, "does not log transferred"),
        ({"metric": "time_to_agent_s", "op": "<="}, "does not log"),
        ({"metric": "aht_s", "statistic": "quantile", "probability": 0.9, "op": "<="}, "is no mean of waits"),
        ({"metric": "fcr_net"}, "cannot be measured from these tables"),
        ({"metric": "target_met"}, "`measure_compliance` measures it"),
        ({"metric": "wait_p90_s", "op": "<=", "period": "interval"}, "a quantile of single half-hours"),
    ],
)
def test_what_is_lacking_is_said_and_nothing_is_guessed(target: dict[str, Any], said: str) -> None:
    row = only({**LEVEL, **target}, contacts=contacts(month(1)))
    assert row["verdict"] == "not_decidable"
    assert said in row["verdict_reason"]
    assert row[["value", "indicator", "money", "previous"]].isna().all()


def test_without_customers_nobody_can_come_again() -> None:
    row = only({"metric": "fcr_window"}, contacts=contacts(month(1)).drop(columns="customer"))
    assert row["verdict_reason"] == "the contacts do not say whose they are: customer is missing"


@pytest.mark.parametrize("period", ["day", "month", "year"])
def test_a_combination_that_a_function_refuses_is_not_decidable(period: str) -> None:
    people = staff([{"agent": "Ada", "joined_at": "2025-01-01"}])
    kpis = judged({"metric": "agent_turnover", "op": "<="}, contacts=contacts(month(1, last="2026-03-03")), staff=people, period=period)
    assert set(kpis["verdict"]) == {"not_decidable"}
    assert (kpis["verdict_reason"] != "").all()
    deferred = {"metric": "response_sl", "calendar": "working_days", "limit": 2}
    office = {"calendars": {"office": {"hours": {"mon-fri": ["08:00-16:00"]}}}, "working_days": "office"}
    work = items([{"opened_at": "2026-03-02 12:00"}])
    found = judged(agreement(deferred, **office), contacts=contacts(month(1)), items=work)
    assert "has no limit in working days" in found["verdict_reason"][0]


# ---- what is no scorecard


def test_broken_tables_are_refused_with_row_and_key() -> None:
    calls = contacts(month(1))
    turned = complaints([{"received_at": "2026-03-02 12:00", "resolved_at": "2026-03-01 12:00"}])
    with pytest.raises(TableError, match="row 0, complaint_id 'p0': resolved_at .* is before received_at"):
        judged({"metric": "complaints_per_1000", "op": "<="}, contacts=calls, complaints=turned)
    with pytest.raises(TableError, match="scale"):
        judged({"metric": "csat_top2"}, contacts=calls, surveys=surveys([6]))
    with pytest.raises(TableError, match="response_id"):
        judged({"metric": "csat_top2"}, contacts=calls, surveys=pd.concat([surveys([5]), surveys([5])], ignore_index=True))
    with pytest.raises(TableError, match="wait_s"):
        judged(LEVEL, contacts=calls.drop(columns="wait_s"))


def test_nothing_to_measure_no_target_and_no_such_period_are_refused() -> None:
    with pytest.raises(OptionError, match="nothing to measure"):
        judged(LEVEL)
    with pytest.raises(OptionError, match="no targets"):
        judged(agreement(), contacts=contacts(month(1)))
    with pytest.raises(OptionError, match="choose one of: day, week, month, quarter, year"):
        judged(LEVEL, contacts=contacts(month(1)), period="hour")


def test_empty_tables_decide_nothing() -> None:
    nobody = CONTACTS.conform(contacts(month(1)).head(0))
    with pytest.raises(OptionError, match="nothing to measure"):
        judged(LEVEL, contacts=nobody)
    covers = (dt.date(2026, 3, 1), dt.date(2026, 3, 31))
    targets = [LEVEL, *({"metric": metric} for metric in ("csat_top2", "fcr_window", "qm_score", "asa_s", "max_wait_s", "wait_p90_s"))]
    given = {"contacts": nobody, "surveys": surveys([5]).head(0), "evaluations": evaluations([5.0]).head(0)}
    kpis = judged(agreement(*targets), **given, covers=covers)
    assert len(kpis) == len(targets)
    assert set(kpis["verdict"]) == {"not_decidable"}
    assert (kpis["queue"] == "all").all()
    assert len(cc.trace_scorecard(kpis, agreement(*targets), **given)) >= len(targets)
    kept = judged({"metric": "csat_top2", "value": 0.1}, contacts=nobody, surveys=surveys([5] * 9), period="day")  # the records say when
    assert verdicts(kept) == ["met"]


def test_a_queue_called_all_is_a_queue() -> None:
    kpis = judged(LEVEL, contacts=contacts(month(1, 1, usual={"queue": "all"}, worse={"queue": "sales"})))
    assert kpis["count"].tolist() == [31, 31]


# ---- the trace


def test_the_trace_counts_the_rows_of_queue_and_period() -> None:
    calls, asked = (
        contacts(month(2, 1, last="2026-04-30", worse={"queue": "support"})),
        surveys([5, 4]).assign(contact_id=["c00000", "c00002"]),
    )
    deal = agreement(LEVEL, {"metric": "csat_top2", "by_queue": False})
    kpis = judged(deal, contacts=calls, surveys=asked)
    trace = cc.trace_scorecard(kpis, deal, contacts=calls, surveys=asked)
    level = trace[trace["target"] == "t0"]
    assert level[["queue", "rows"]].to_numpy().tolist() == [["sales", 62], ["support", 31], ["sales", 60], ["support", 30]]
    said = trace[(trace["input"] == "surveys")]
    assert said["rows"].tolist() == [2, 0]
    assert trace.groupby("input", observed=True)["sha256"].nunique().max() == 1
    assert '"threshold_s": 20.0' in level["parameters"].iloc[0]
    again = cc.trace_scorecard(kpis, deal, contacts=calls.sample(frac=1, random_state=1), surveys=asked)
    assert (again.loc[again["input"] == "contacts", "sha256"] != level["sha256"].iloc[0]).all()
    with pytest.raises(OptionError, match="of which no table was given"):
        cc.trace_scorecard(kpis, deal, contacts=calls, files={"complaints": "x.csv"})
