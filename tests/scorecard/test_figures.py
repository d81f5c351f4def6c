"""The figures of a scorecard are those of the function that its metric names, called by hand with what the target asks for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scorecard_cases import (
    ZONE,
    absences,
    agreement,
    complaints,
    contacts,
    evaluations,
    figures,
    instant,
    items,
    judged,
    month,
    only,
    staff,
    states,
    surveys,
)

import ccstats as cc
from ccstats.errors import TableError
from ccstats.metrics import METRICS, NOT_OFFERED, SERVICE_LEVELS
from ccstats.scorecard.service_measures import _together

SHORT = {"outcome": "abandoned", "wait_s": 4.0, "agent": None, "talk_s": float("nan")}
END = instant("2026-04-01")


@pytest.fixture(scope="module")
def march() -> pd.DataFrame:
    """Two queues with every outcome and waits of all lengths, from a seed, and instants before the queue."""
    rng = np.random.default_rng(7)
    rows = []
    for at, row in enumerate(month(8, usual={})):
        outcome = str(rng.choice(["answered", "answered", "answered", "abandoned", "callback", "timed_out"]))
        when = pd.Timestamp(row["queued_at"])
        rows.append(
            {
                "queued_at": str(when),
                "arrived_at": str(when - pd.Timedelta(seconds=15)),
                "human_option_at": str(when - pd.Timedelta(seconds=5)),
                "queue": "sales" if at % 3 else "support",
                "outcome": outcome,
                "wait_s": float(rng.integers(0, 90)),
                "agent": ["Ada", "Bo"][at % 2] if outcome == "answered" else None,
                "talk_s": 100.0 + at % 7 if outcome == "answered" else float("nan"),
                "customer": f"k{rng.integers(0, 60)}",
            }
        )
    return contacts(rows)


def by_hand(table: pd.DataFrame, column: str) -> dict[str, float]:
    queue = table["queue"].astype("str") if "queue" in table else ["all"] * len(table)
    return dict(zip(queue, table[column].to_numpy("float64", na_value=np.nan), strict=True))


def value_of(kpis: pd.DataFrame) -> dict[str, float]:
    return {str(queue): value for queue, value in zip(kpis["queue"], kpis["value"], strict=True)}


TERMS = {"service_level": {"threshold_s": 20, "short_s": 5}, "queues": {"sales": {}, "support": {"threshold_s": 40, "short_s": 10}}}


@pytest.mark.parametrize("by_queue", [True, False])
def test_all_nine_service_levels_with_thresholds_of_each_queue(march: pd.DataFrame, by_queue: bool) -> None:
    targets = [{"metric": "service_level", "formula": formula, "by_queue": by_queue} for formula in SERVICE_LEVELS]
    kpis = judged(agreement(*targets, **TERMS), contacts=march)
    counted = cc.to_intervals(march, timezone=ZONE, threshold_s={"sales": 20, "support": 40}, short_s={"sales": 5, "support": 10})
    by = ["queue"] if by_queue else []
    measured = cc.measure_service(counted, by=by, timezone=ZONE)
    assert sorted(set(kpis["metric"].astype("str"))) == sorted(SERVICE_LEVELS)
    for formula, here in kpis.groupby("metric", observed=True):
        assert value_of(here) == pytest.approx(by_hand(measured, formula))
        kept = cc.measure_compliance(counted, metric=formula, target=0.0, by=by, timezone=ZONE)
        for end in ("value_low", "value_high"):
            assert here[end].to_numpy() == pytest.approx(kept[end].to_numpy())


@pytest.mark.parametrize(("clock", "more"), [("queued", 0.0), ("human_option", 5.0), ("arrived", 15.0)])
def test_the_clock_says_where_the_wait_begins(march: pd.DataFrame, clock: str, more: float) -> None:
    kpis = judged(
        agreement({"metric": "service_level", "clock": clock}, {"metric": "asa_s", "clock": clock, "op": "<=", "value": 1}), contacts=march
    )
    answered = march[march["outcome"] == "answered"]
    for queue, rows in answered.groupby("queue", observed=True):
        here = kpis[kpis["queue"] == queue].set_index("target")["value"]
        offered = (march["queue"] == queue).sum()
        assert here["t0"] == pytest.approx(((rows["wait_s"] + more) <= 20).sum() / offered)
        assert here["t1"] == pytest.approx((rows["wait_s"] + more).mean())


def test_who_was_never_offered_a_human_has_no_wait_from_there() -> None:
    option = {"human_option_at": "2026-03-01 11:59:50"}
    rows = contacts([{"queued_at": "2026-03-01 12:00", **option}, {"queued_at": "2026-03-01 12:01", "wait_s": 500.0}])
    row = only({"metric": "asa_s", "clock": "human_option"}, contacts=rows, period="day")
    assert (row["value"], row["count"]) == (20.0, 1)


def test_a_threshold_by_day_holds_on_its_days() -> None:
    # of two calls a day one waits 30 s; on Mondays, of which March 2026 has 5, 45 s are in time
    rows = contacts(month(1, 1, worse={"wait_s": 30.0}))
    rules = [{"threshold_s": 45, "days": ["mon"]}]
    row = only({"metric": "service_level", "threshold_s": 20, "threshold_rules": rules}, contacts=rows)
    assert row["value"] == pytest.approx((31 + 5) / 62)
    assert "mon 45 s" in row["definition"]
    left = agreement(
        {"metric": "service_level", "threshold_s": 20, "threshold_rules": rules},
        service_level={"attribute_by": "left"},
    )
    late = {"queued_at": "2026-03-01 23:59:40", "wait_s": 45.0}  # a Sunday's call, answered on Monday beside one of Monday
    both = contacts([*month(1), late, {"queued_at": "2026-03-02 00:00:10", "wait_s": 45.0}])
    assert only(left, contacts=both)["value"] == pytest.approx(32 / 33)


@pytest.mark.parametrize("metric", ["wait_p50_s", "wait_p90_s", "wait_p95_s"])
def test_quantiles_are_those_of_the_waits(march: pd.DataFrame, metric: str) -> None:
    kpis = judged({"metric": metric, "op": "<=", "value": 1}, contacts=march)
    found = cc.measure_waits(march, by="queue", quantiles=METRICS[metric].probability, within_s=())
    assert value_of(kpis) == pytest.approx(by_hand(found, metric))
    assert kpis["value_low"].isna().all()


def test_of_a_mean_also_its_longest_a_quantile_and_the_shortest(march: pd.DataFrame) -> None:
    few = contacts([{"queued_at": f"2026-03-01 12:{at:02d}", "wait_s": float(wait)} for at, wait in enumerate(range(10, 210, 10))])
    base = {"metric": "asa_s", "op": "<=", "value": 1}
    assert only({**base, "statistic": "max"}, contacts=few, period="day")["value"] == 200
    assert only({**base, "statistic": "quantile", "probability": 0.5}, contacts=few, period="day")["value"] == 105
    shortest = only({**base, "probability": 0.95}, contacts=few, period="day")
    assert (shortest["value"], shortest["count"]) == (100.0, 19)  # without the 200
    assert "over the shortest 95" in shortest["definition"]


@pytest.mark.parametrize(
    "metric", ["offered", "abandoned", "abandonment_rate", "answer_rate", "mean_wait_s", "max_wait_s", "aht_s", "att_s"]
)
def test_the_other_figures_of_logs(march: pd.DataFrame, metric: str) -> None:
    kpis = judged({"metric": metric, "op": "<=", "value": 1}, contacts=march)
    counted = cc.to_intervals(march, timezone=ZONE)
    assert value_of(kpis) == pytest.approx(by_hand(cc.measure_service(counted, by="queue", timezone=ZONE), metric))


def test_intervals_are_taken_if_they_fit(march: pd.DataFrame) -> None:
    counted = cc.to_intervals(march, timezone=ZONE, threshold_s=20)
    fits = judged({"metric": "service_level"}, intervals=counted)
    assert fits.drop(columns="unusual").equals(judged({"metric": "service_level"}, contacts=march).drop(columns="unusual"))
    for more, said in (
        ({"threshold_s": 30}, "counted with 20 s, and the target has 30 s"),
        ({"clock": "arrived"}, "the target's clock is arrived: give contacts"),
        ({"threshold_rules": [{"threshold_s": 90, "days": ["mon"]}]}, "depends on the day: give contacts"),
        ({"formula": "sl_excl_short"}, "no short-abandon threshold"),
    ):
        found = judged({"metric": "service_level", **more}, intervals=counted)
        assert found["verdict_reason"].str.contains(said).all()
    other = cc.to_intervals(march, timezone=ZONE, threshold_s=20, short_s=10)
    found = judged(agreement({"metric": "service_level", "formula": "sl_short_met"}, service_level={"short_s": 5}), intervals=other)
    assert found["verdict_reason"].str.contains("counted with 10 s, and the target has 5 s").all()


@pytest.mark.parametrize("metric", ["fcr_window", "fcr_window_contacts", "fcr_gross", "repeat_rate", "repeat_contacts"])
@pytest.mark.parametrize("by_queue", [True, False])
def test_resolution(march: pd.DataFrame, metric: str, by_queue: bool) -> None:
    kpis = judged({"metric": metric, "by_queue": by_queue, "limit": 3 * 86_400}, contacts=march)
    asked = {"key": "customer", "window_days": 3, "observed": (instant("2026-03-01"), END)}
    found = cc.measure_resolution(march, by=["queue"] if by_queue else [], **asked)
    assert value_of(kpis) == pytest.approx(by_hand(found, metric))


def test_a_repeat_in_another_queue_is_a_repeat() -> None:
    who = {"customer": "tom"}
    rows = contacts(
        [
            {"queued_at": "2026-03-02 12:00", **who},
            {"queued_at": "2026-03-03 12:00", "queue": "support", **who},
            *month(1, usual={"queue": "x"}),
        ]
    )
    found = judged(agreement({"metric": "fcr_window", "queues": ["sales"]}), contacts=rows)
    assert value_of(found) == {"sales": 0.0}
    whole = judged(agreement({"metric": "fcr_window", "queues": ["sales"], "by_queue": False}), contacts=rows)
    assert (whole["value"][0], whole["count"][0]) == (0.0, 1)


def test_what_customers_said(march: pd.DataFrame) -> None:
    asked = pd.concat(
        [
            surveys([5, 4, 2, 4, None]),
            surveys([10] * 6 + [8] * 2 + [3] * 4, instrument="nps"),
            surveys([10, 3], instrument="enps"),
            surveys([7, 6, 2, 4], instrument="ces"),
        ],
        ignore_index=True,
    )
    found = cc.measure_satisfaction(asked).set_index("instrument")
    for metric, instrument in (
        *dict.fromkeys((("csat_top2", "csat"), ("csat_mean", "csat"), ("nps", "nps"), ("nps_se", "nps"), ("enps", "enps"))),
        *(("ces_mean", "ces"), ("ces_easy", "ces"), ("ces_net", "ces"), ("nps_ci_low", "nps")),
    ):
        row = only({"metric": metric, "value": 1}, contacts=march, surveys=asked)
        assert row["value"] == pytest.approx(found.loc[instrument, metric]), metric
        assert row["count"] == found.loc[instrument, "responses"]
        low = next((name for name in (f"{metric}_low", f"{metric}_ci_low") if name in found), None)
        assert row["value_low"] == pytest.approx(np.nan if low is None else found.loc[instrument, low], nan_ok=True)
    row = only({"metric": "response_rate"}, contacts=march, surveys=asked)  # of 5 + 12 + 4 customers one is silent; agents are no customers
    assert (row["value"], row["count"], row["verdict"]) == (pytest.approx(20 / 21), 21, "met")


def test_an_answer_to_any_question_is_a_response() -> None:
    first = surveys([None, 4, None])
    second = surveys([9, None, None], instrument="nps").assign(response_id=first["response_id"])
    both = pd.concat([first, second], ignore_index=True)
    row = only({"metric": "response_rate"}, contacts=contacts(month(1)), surveys=both)
    assert (row["value"], row["count"]) == (pytest.approx(2 / 3), 3)


def test_surveys_belong_to_the_queue_and_channel_of_their_contact() -> None:
    rows = contacts([*month(1, usual={"channel": "chat"}), {"queued_at": "2026-03-04 12:00", "contact_id": "x", "queue": "support"}])
    asked = surveys([5, 5, 1]).assign(contact_id=["c00000", "c00001", "x"], channel=pd.Categorical(["email"] * 3))
    assert value_of(judged({"metric": "csat_top2"}, contacts=rows, surveys=asked)) == {"sales": 1.0, "support": 0.0}
    assert value_of(judged({"metric": "csat_top2", "channels": ["voice"]}, contacts=rows, surveys=asked))["support"] == 0.0
    by_email = judged({"metric": "csat_top2", "channels": ["email"], "by_queue": False}, contacts=rows, surveys=asked)
    assert by_email["verdict"].tolist() == ["not_decidable"]  # they were asked by e-mail, but called


def test_answers_on_two_scales_can_be_judged_queue_by_queue_only() -> None:
    two = surveys([5, 4]).assign(queue="a"), surveys([9, 2]).assign(queue="b", scale_max=10.0, response_id=["x", "y"])
    asked = cc.schema.SURVEYS.conform(pd.concat(two, ignore_index=True))
    assert value_of(judged({"metric": "csat_top2"}, surveys=asked, period="day")) == {"a": 1.0, "b": 0.5}
    row = only({"metric": "csat_top2", "by_queue": False}, surveys=asked, period="day")
    assert row["verdict"] == "not_decidable"
    assert "scale" in row["verdict_reason"]


def test_quality(march: pd.DataFrame) -> None:
    forms = evaluations([9.0, 8.0, 4.0])
    for metric in ("qm_score", "critical_accuracy", "auto_fail_rate", "qm_coverage"):
        kpis = judged({"metric": metric, "by_queue": False}, contacts=march, evaluations=forms)
        found = cc.measure_quality(forms, contacts=march, by=())
        assert kpis["value"][0] == pytest.approx(found[metric][0])
        assert (kpis["verdict"][0] == "not_decidable") == (metric in ("auto_fail_rate",) and kpis["value_high"][0] < 0)


def test_complaints_on_three_clocks() -> None:
    # Friday noon to Tuesday noon: 4 days, 2 working days, and with office hours of 8 h two of them whole
    hours = {"office": {"hours": {"mon-fri": ["08:00-16:00"]}}}
    rows = complaints([{"received_at": "2026-03-06 12:00", "resolved_at": "2026-03-10 12:00", "acknowledged_at": "2026-03-09 12:00"}])
    calls = contacts(month(4))

    def value(**more: Any) -> Any:
        asked = agreement({"op": "<=", "value": 1, "metric": "complaint_resolution_s", **more}, calendars=hours, working_days="office")
        return only(asked, contacts=calls, complaints=rows)["value"]

    assert value() == 4 * 86_400
    assert value(calendar="working_days") == 2
    assert value(calendar="working_hours") == 16 * 3600
    assert value(metric="complaint_ack_s") == 3 * 86_400
    assert value(metric="complaint_ack_s", calendar="working_days") == 1
    assert value(metric="complaint_ack_s", calendar="working_hours") == 8 * 3600
    assert value(metric="complaints_per_1000") == pytest.approx(1000 / 124)
    for clock, limit, kept in (
        *(("elapsed", 4 * 86_400, 1.0), ("elapsed", 4 * 86_400 - 1, 0.0), ("working_days", 2, 1.0), ("working_days", 1, 0.0)),
        *(("working_hours", 16 * 3600, 1.0), ("working_hours", 16 * 3600 - 1, 0.0)),
    ):
        assert value(metric="complaint_on_time_rate", calendar=clock, limit=limit, op=">=") == kept, (clock, limit)


@pytest.mark.parametrize("every", ["15min", "30min", "1h"])
def test_forecasts_of_any_interval(march: pd.DataFrame, every: str) -> None:
    came = cc.to_intervals(march, timezone=ZONE, every=every)
    forecast = came[["queue", "interval_start", "interval_s"]].assign(expected_offered=came["offered"] * 1.25, expected_aht_s=100.0)
    metrics = ("wape", "mape", "forecast_bias", "forecast_hit_rate", "forecast_error")
    kpis = judged(agreement(*({"metric": metric, "op": "<=", "value": 1} for metric in metrics)), contacts=march, forecast=forecast)
    found = cc.measure_forecast_accuracy(forecast, came, by="queue", timezone=ZONE)
    for metric in metrics:
        assert value_of(kpis[kpis["metric"] == metric]) == pytest.approx(by_hand(found[found["metric"] == "offered"], metric))


def test_written_work() -> None:
    rows = items(
        [
            {"opened_at": "2026-03-02 10:00", "first_response_at": "2026-03-02 11:00", "closed_at": "2026-03-02 12:00"},
            {"opened_at": "2026-03-02 10:00", "first_response_at": "2026-03-03 10:00"},
            {"opened_at": "2026-03-30 10:00"},
        ]
    )
    found = cc.measure_deferred(rows, by=(), target_s=3600, as_of=END).loc[0]
    calls = contacts(month(1))
    for metric in ("first_response_s", "resolution_s", "backlog", "backlog_age_s", "response_sl"):
        row = only({"metric": metric, "op": "<=", "value": 1, "limit": 3600}, contacts=calls, items=rows)
        assert row["queue"] == "post"
        assert row["value"] == pytest.approx(found[metric])
    longest = only({"metric": "first_response_s", "statistic": "max", "op": "<=", "value": 86_400}, contacts=calls, items=rows)
    assert longest["value"] == (END - instant("2026-03-30 10:00")).total_seconds()  # the third still waits, and has for longest
    assert longest["verdict"] == "not_met"


def test_callbacks_by_a_limit_in_seconds_and_in_working_days() -> None:
    asked = {"queued_at": "2026-03-06 12:00", "outcome": "callback", "wait_s": 0.0}
    tried = [{**asked, "attempted_at": "2026-03-06 13:00"}, {**asked, "attempted_at": "2026-03-09 18:00"}]
    calls = contacts([*month(1), *tried])
    base = {"metric": "callback_on_time_rate"}
    assert only({**base, "limit": 3600}, contacts=calls)["value"] == 0.5
    office = {"calendars": {"office": {"hours": {"mon-fri": ["08:00-16:00"]}}}, "working_days": "office"}
    assert only(agreement({**base, "limit": 1, "calendar": "working_days"}, **office), contacts=calls)["value"] == 1.0


def test_menus_concurrency_and_dialling(march: pd.DataFrame) -> None:
    menu = march.assign(contained=False)
    assert value_of(judged({"metric": "ivr_to_option_s", "op": "<=", "value": 1}, contacts=menu)) == {"sales": 10.0, "support": 10.0}
    assert value_of(judged({"metric": "ivr_containment_rate"}, contacts=menu)) == {"sales": 0.0, "support": 0.0}
    found = cc.measure_concurrency(march, by="queue", channel=None)
    assert value_of(judged({"metric": "concurrency"}, contacts=march)) == pytest.approx(by_hand(found, "concurrency"))
    dialled = march.assign(direction=pd.Categorical(["outbound"] * len(march)), disposition=pd.Categorical(["sale"] * len(march)))
    found = cc.measure_outbound(dialled, by="queue")
    kpis = judged({"metric": "dialer_abandonment_rate"}, contacts=dialled)
    assert value_of(kpis) == pytest.approx(by_hand(found, "dialer_abandonment_rate"))


def test_time_of_agents_is_that_of_all_queues(march: pd.DataFrame) -> None:
    day = "2026-03-02"
    spans = states(
        [
            {"started_at": f"{day} 08:00", "ended_at": f"{day} 10:00", "state": "available"},
            {"started_at": f"{day} 10:00", "ended_at": f"{day} 11:00", "state": "on_contact", "queue": "sales"},
        ]
    )
    given = {"contacts": march, "agent_states": spans}
    row = only({"metric": "occupancy"}, **given)
    assert (row["queue"], row["value"]) == ("all", pytest.approx(1 / 3))
    said = only({"metric": "occupancy", "queues": ["sales"]}, **given)
    assert "do not say the queue" in said["verdict_reason"]
    storm = {"exclude": [{"start": f"{day}T08:00", "end": f"{day}T09:00", "reason": "storm"}]}
    assert only({"metric": "occupancy", **storm}, **given)["value"] == pytest.approx(1 / 2)


def test_staff(march: pd.DataFrame) -> None:
    people = staff(
        [{"agent": name, "joined_at": "2025-01-01"} for name in "abc"]
        + [{"agent": "d", "joined_at": "2025-01-01", "left_at": "2026-03-10"}]
    )
    assert only({"metric": "agent_turnover"}, contacts=march, staff=people)["value"] == pytest.approx(1 / 3.5)
    away = absences(
        [{"agent": "Ada", "started_at": "2026-03-04 08:00"}, {"agent": "Bo", "started_at": "2026-03-04 08:00", "absent_s": 7200.0}]
    )
    row = only({"metric": "absenteeism_rate", "confidence_level": 0.8}, contacts=march, absences=away)
    found = cc.measure_absenteeism(away, confidence=0.8).loc[0]
    assert row[["value", "value_low"]].tolist() == pytest.approx(found[["absenteeism_rate", "absenteeism_rate_low"]].tolist())


def _stretches(rows: list[tuple[str, str, str, str]], queue: dict[str, str] | None = None) -> pd.DataFrame:
    """(agent, from, to, activity) on the third of March; breaks do not say their queue."""
    frame = pd.DataFrame(rows, columns=["agent", "started_at", "ended_at", "activity"])
    for name in ("started_at", "ended_at"):
        frame[name] = [instant(f"2026-03-03 {clock}") for clock in frame[name]]
    queues = queue or {}
    serving = frame["activity"].eq("on_queue")
    return frame.assign(queue=[queues.get(agent) if serve else None for agent, serve in zip(frame["agent"], serving, strict=True)])


_DAY = [
    ("Ada", "09:00", "12:00", "on_queue"), ("Ada", "12:00", "13:00", "training"), ("Ada", "13:00", "17:00", "on_queue"),
    ("Bo", "09:00", "13:00", "on_queue"),
]  # fmt: skip
_DONE = [
    {"agent": agent, "started_at": f"2026-03-03 {start}", "ended_at": f"2026-03-03 {end}", "state": state}
    for agent, start, end, state in (
        ("Ada", "09:30", "12:00", "available"), ("Ada", "12:00", "13:00", "pause"), ("Ada", "13:00", "17:00", "on_contact"),
        ("Bo", "09:00", "12:00", "available"), ("Zoe", "08:00", "18:00", "available"),
    )
]  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "both", "sales", "support"),
    [
        ("adherence", 10.5 / 12, 7.5 / 8, 3 / 4),
        ("conformance", 9.5 / 11, 6.5 / 7, 3 / 4),
        ("shrinkage", 1 - 9.5 / 12, 1 - 6.5 / 8, 1 - 3 / 4),
    ],
)
def test_a_schedule_is_kept_or_not(march: pd.DataFrame, metric: str, both: float, sales: float, support: float) -> None:
    """By hand: of Ada's eight hours half a one is late, of Bo's four one is missed; Zoe is in no schedule."""
    plan, done = _stretches(_DAY, {"Ada": "sales", "Bo": "support"}), states(_DONE)
    given = {"contacts": march, "agent_states": done}
    row = only({"metric": metric, "by_queue": False}, schedule=plan, **given)
    assert (row["value"], row["count"]) == (pytest.approx(both), 2)
    assert np.isnan(row["value_low"])
    assert only({"metric": metric, "by_queue": False}, schedule=plan.drop(columns="queue"), **given)["value"] == pytest.approx(both)
    apart = judged({"metric": metric}, schedule=plan, **given)
    assert value_of(apart) == pytest.approx({"sales": sales, "support": support})
    named = only({"metric": metric, "queues": ["support"]}, schedule=plan, **given)
    assert named["value"] == pytest.approx(support)
    # As the function itself says it of all agents.
    measure = cc.measure_shrinkage if metric == "shrinkage" else cc.measure_adherence
    assert row["value"] == pytest.approx(measure(plan, done, by=())[metric].iloc[0])
    trace = cc.trace_scorecard(judged({"metric": metric}, schedule=plan, **given), agreement({"metric": metric}), schedule=plan, **given)
    assert set(trace["input"]) == {"schedule", "agent_states"}


def test_time_that_is_left_out_is_no_time_of_a_schedule(march: pd.DataFrame) -> None:
    """Without the hour from nine to ten nobody was late; the hour that Bo missed stays."""
    away = [{"start": "2026-03-03T09:00", "end": "2026-03-03T10:00", "reason": "fire alarm"}]
    row = only(
        {"metric": "adherence", "by_queue": False, "exclude": away}, contacts=march, schedule=_stretches(_DAY), agent_states=states(_DONE)
    )
    assert row["value"] == pytest.approx(9 / 10)


def test_a_schedule_of_other_names_makes_nobody_absent(march: pd.DataFrame) -> None:
    plan, done = _stretches([(f"agent {name}", *rest) for name, *rest in _DAY]), states(_DONE)
    asked = {"metric": "adherence", "by_queue": False}
    row = only(asked, contacts=march, schedule=plan, agent_states=done)
    assert "no agent in common" in row["verdict_reason"]
    assert "not given: agent_states" in only(asked, contacts=march, schedule=plan)["verdict_reason"]
    with pytest.raises(TableError, match="an agent does one thing at a time"):
        only(asked, contacts=march, schedule=pd.concat([plan, plan]), agent_states=done)


def test_figures_are_sums_over_sums_and_what_is_said_of_all_goes_first(march: pd.DataFrame) -> None:
    cost = {"metric": "cost_per_contact", "period_start": "2026-03-05"}
    rows = figures(
        [
            {**cost, "queue": "sales", "numerator": 30.0, "denominator": 10.0},
            {**cost, "queue": "support", "numerator": 10.0, "denominator": 10.0},
        ]
    )
    base = {"metric": "cost_per_contact", "op": "<=", "value": 1}
    assert value_of(judged(base, contacts=march, figures=rows)) == {"sales": 3.0, "support": 1.0}
    assert only({**base, "by_queue": False}, contacts=march, figures=rows)["value"] == 2.0
    told = pd.concat([rows, figures([{**cost, "numerator": 50.0, "denominator": 10.0}])], ignore_index=True).astype({"queue": "category"})
    assert only({**base, "by_queue": False}, contacts=march, figures=told)["value"] == 5.0
    named = agreement({**base, "by_queue": False}, queues={"sales": {}, "support": {}})
    alone = figures([{**cost, "numerator": 8.0, "denominator": 4.0}])
    assert only(named, contacts=march, figures=alone)["value"] == 2.0  # of no queue is of all
    for metric in ("line_accessibility", "system_availability"):
        share = figures([{"metric": metric, "period_start": "2026-03-05", "numerator": 9.0, "denominator": 10.0}])
        assert only({"metric": metric}, contacts=march, figures=share)["value"] == 0.9


@pytest.mark.parametrize("period", ["day", "month"])
def test_every_metric_is_measured_or_says_why_not(march: pd.DataFrame, period: str) -> None:
    limited = ("complaint_on_time_rate", "response_sl")
    names = [name for name in METRICS if period == "month" or METRICS[name].kind == "computed"] + list(NOT_OFFERED)
    asked = agreement(*({"metric": metric} | ({"limit": 3600} if metric in limited else {}) for metric in names))
    few = march[march["queued_at"] < instant("2026-03-04")].reset_index(drop=True) if period == "day" else march
    for given in ({"contacts": few}, {"surveys": surveys([5, 4])}):
        kpis = judged(asked, period=period, **given)
        assert set(kpis["target"].astype("str")) == {target.name for target in asked.targets}
        assert (kpis["value"].notna() | (kpis["verdict_reason"] != "")).all()
        assert ((kpis["verdict"] == "not_decidable") == (kpis["verdict_reason"] != "")).all()
        assert len(cc.trace_scorecard(kpis, asked, **given))


@pytest.mark.filterwarnings("ignore:.*have no wait_s:ccstats.errors.DataWarning")
@pytest.mark.parametrize("outcome", ["answered", "abandoned", "open"])
def test_of_two_thresholds_in_one_interval_a_wait_that_is_not_known_is_missing(outcome: str) -> None:
    who = {"agent": None, "talk_s": float("nan")} if outcome != "answered" else {}
    at_ten = {"queued_at": "2026-03-02 10:00"}
    both = contacts([{"wait_s": 40.0, **at_ten}, {"wait_s": float("nan"), "outcome": outcome, **at_ten, **who}])
    parts = [
        cc.to_intervals(both.iloc[[at]].reset_index(drop=True), threshold_s=threshold, fill=False) for at, threshold in ((0, 20), (1, 30))
    ]
    row = _together(parts).iloc[0]
    assert row["offered"] == 2
    missing = {name for name in ("total_wait_s", "total_abandon_wait_s", "max_wait_s") if pd.isna(row[name])}
    assert (
        missing == {"answered": {"total_wait_s", "max_wait_s"}, "abandoned": {"total_abandon_wait_s", "max_wait_s"}, "open": set()}[outcome]
    )
