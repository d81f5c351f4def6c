"""Plan against actual: a day by hand, variances that add up, the same by a plain loop; and how good a forecast was."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_cases import ZONE, make_agents, make_intervals, make_plan, planned_for, stack, starts

import ccstats as cc
from ccstats.deviations.accuracy import measure_forecast_accuracy
from ccstats.deviations.joined import join_plan
from ccstats.deviations.plan import compare_with_plan
from ccstats.deviations.requirement import required_agents
from ccstats.errors import DataWarning, OptionError, TableError, ZoneError

CENTRE_ZONE = "Europe/Istanbul"
ADDED = (
    *("intervals", "planned_offered", "offered", "planned_workload_hours", "workload_hours", "volume_effect_hours", "aht_effect_hours"),
    *("late", "planned_required_hours", "required_hours", "planned_scheduled_hours", "scheduled_hours", "planned_agent_hours"),
    *("agent_hours", "scheduled_effect_hours", "shrinkage_effect_hours", "adherence_effect_hours", "below_plan_intervals"),
    *("understaffed_intervals", "overstaffed_intervals", "missing_hours", "spare_hours", "late_understaffed"),
    *("planned_cost", "cost", "spare_cost", "missing_cost"),
)


@pytest.fixture(scope="module")
def centre() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Three queues over eight days, their agents by queue, and a plan a fifth too high in volume."""
    made = cc.synthesize_contacts(seed=7, days=8, timezone=CENTRE_ZONE)
    half_hours = cc.to_intervals(made.contacts, timezone=CENTRE_ZONE, threshold_s=20)
    return half_hours, cc.to_agent_intervals(made.agent_states, timezone=CENTRE_ZONE, by="queue"), planned_for(half_hours, volume=1.2)


def orders(before: list[float], after: list[float]) -> list[float]:
    """What each factor does to a product, the mean over all orders of changing them."""
    found = [0.0] * len(before)
    every = list(itertools.permutations(range(len(before))))
    for order in every:
        now = list(before)
        for place in order:
            was = math.prod(now)
            now[place] = after[place]
            found[place] += (math.prod(now) - was) / len(every)
    return found


def test_an_hour_by_hand() -> None:
    """Planned 100 contacts of 180 s and 7 of 10 agents; 120 of 200 s come, two agents are ill, one of the eight pauses too long."""
    start = starts(1)
    plan = make_plan(start, 100.0, 7.0, aht_s=180.0, scheduled_agents=10.0, shrinkage=0.3, required_agents=6.6, expected_service_level=0.75)
    half_hours = make_intervals(start, [120], answered=[90], answered_within=[60], aht_s=200.0)
    day = compare_with_plan(plan, half_hours, make_agents(start, [6.0], [4.8]), cost_per_hour=20).iloc[0]
    assert day["planned_workload_hours"] == pytest.approx(5.0)
    assert day["workload_hours"] == pytest.approx(120 * 200 / 3600)
    assert day["volume_effect_hours"] == pytest.approx(20 * 190 / 3600)
    assert day["aht_effect_hours"] == pytest.approx(20 * 110 / 3600)
    assert day["achieved_service_level"] == pytest.approx(0.5)
    assert (day["planned_service_level"], day["late"]) == (0.75, 60.0)
    # 10 x 0.7 x 1 = 7 on the floor was planned, 10 x 0.6 x 0.8 = 4.8 were there; in half an hour.
    assert (day["planned_agent_hours"], day["agent_hours"], day["scheduled_hours"]) == pytest.approx((3.5, 2.4, 5.0))
    assert (day["shrinkage"], day["adherence"]) == pytest.approx((0.4, 0.8))
    assert day["scheduled_effect_hours"] == pytest.approx(0.0)
    assert day["shrinkage_effect_hours"] == pytest.approx(10 * -0.1 * (1 + 0.8) / 2 / 2)
    assert day["adherence_effect_hours"] == pytest.approx(10 * -0.2 * (0.7 + 0.6) / 2 / 2)
    need = cc.erlang.agents_required(120 * 200 / 1800, aht_s=200, target_service_level=0.8, threshold_s=20, patience_s=180, fractional=True)
    assert (day["planned_required_hours"], day["required_hours"]) == pytest.approx((3.3, need / 2))
    assert day[["below_plan_intervals", "understaffed_intervals", "overstaffed_intervals"]].tolist() == [1, 1, 0]
    assert (day["missing_hours"], day["spare_hours"], day["late_understaffed"]) == pytest.approx(((need - 4.8) / 2, 0.0, 60.0))
    assert (day["planned_cost"], day["cost"], day["spare_cost"]) == (100.0, 100.0, 0.0)
    assert day["missing_cost"] == pytest.approx((need - 4.8) / 2 / 0.7 * 20)


def test_to_spare_costs_the_hours_behind_it() -> None:
    start = starts(1)
    plan = make_plan(start, 10.0, 7.0, scheduled_agents=10.0, shrinkage=0.3)
    day = compare_with_plan(plan, make_intervals(start, [10]), make_agents(start, [8.0], [6.0]), cost_per_hour={"sales": 40.0}).iloc[0]
    spare = (6.0 - day["required_hours"] * 2) / 2
    assert day[["overstaffed_intervals", "understaffed_intervals", "late_understaffed"]].tolist() == [1, 0, 0.0]
    assert day["spare_hours"] == pytest.approx(spare)
    assert day["spare_cost"] == pytest.approx(spare * 10 / 6 * 40)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_effects_add_up_to_the_whole(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start, size = starts(30), 30
    rostered, shrinkage = rng.gamma(4, 5, size), rng.uniform(0, 0.6, size)
    plan = make_plan(start, rng.gamma(2, 30, size), rostered * (1 - shrinkage), aht_s=rng.uniform(60, 600, size), scheduled_agents=rostered)
    logged_in = rng.gamma(4, 4, size) * rng.integers(0, 2, size)
    half_hours = make_intervals(start, rng.poisson(40, size) * rng.integers(0, 2, size), aht_s=rng.uniform(60, 600, size))
    made = compare_with_plan(plan, half_hours, make_agents(start, logged_in, logged_in * rng.uniform(0, 1, size)), period="interval")
    for names, total in (
        (("volume", "aht"), ("planned_workload_hours", "workload_hours")),
        (("scheduled", "shrinkage", "adherence"), ("planned_agent_hours", "agent_hours")),
    ):
        effects = sum(made[f"{name}_effect_hours"] for name in names)
        change = made[total[1]] - made[total[0]]
        assert np.abs(effects - change).max() <= 1e-12 * np.maximum(1.0, made[list(total)].to_numpy().max())


def test_everything_by_a_plain_loop(centre: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    half_hours, staffed, plan = centre
    made = compare_with_plan(plan, half_hours, staffed, period="day", cost_per_hour={"sales": 20, "support": 30, "complaints": 25})
    joined = join_plan(plan, half_hours, staffed)
    local = joined["interval_start"].dt.tz_convert(CENTRE_ZONE).dt.normalize()
    cost = {"sales": 20, "support": 30, "complaints": 25}
    for row in made.to_dict("records"):
        total = dict.fromkeys(ADDED, 0.0)
        seconds = {part: [0.0, 0] for part in ("talk", "hold", "wrap")}
        for each in joined[(joined["queue"] == row["queue"]) & (local == row["period_start"])].itertuples():
            hours = each.interval_s / 3600
            total["intervals"] += 1
            total["planned_offered"] += each.planned_offered
            total["offered"] += each.offered
            total["planned_workload_hours"] += each.planned_offered * each.planned_aht_s / 3600
            total["workload_hours"] += each.offered * each.aht_s / 3600
            effects = orders([each.planned_offered, each.planned_aht_s / 3600], [each.offered, each.aht_s / 3600])
            total["volume_effect_hours"] += effects[0]
            total["aht_effect_hours"] += effects[1]
            for part, (_, _) in seconds.items():
                seconds[part][0] += getattr(each, f"total_{part}_s")
                seconds[part][1] += getattr(each, f"{part}_known")
            late = each.offered - each.open - each.answered_within
            need = 0.0
            if each.offered:
                load = each.offered * each.aht_s / each.interval_s
                need = float(
                    cc.erlang.agents_required(
                        load, aht_s=each.aht_s, target_service_level=0.8, threshold_s=20, patience_s=180, fractional=True
                    )
                )
            total["late"] += late
            total["planned_required_hours"] += each.required_agents * hours
            total["required_hours"] += need * hours
            before = [each.planned_scheduled_agents * hours, 1 - each.planned_shrinkage, each.planned_adherence]
            after = [each.scheduled_agents * hours, 1 - each.shrinkage, each.adherence]
            total["planned_scheduled_hours"] += before[0]
            total["scheduled_hours"] += after[0]
            total["planned_agent_hours"] += each.planned_agents * hours
            total["agent_hours"] += each.agents * hours
            for name, effect in zip(("scheduled", "shrinkage", "adherence"), orders(before, after), strict=True):
                total[f"{name}_effect_hours"] += effect
            total["below_plan_intervals"] += each.agents < each.required_agents - 1e-9
            total["understaffed_intervals"] += each.agents < need - 1e-9
            total["overstaffed_intervals"] += each.agents - 1 > need - 1e-9
            total["missing_hours"] += max(need - each.agents, 0) * hours
            total["spare_hours"] += max(each.agents - need, 0) * hours
            total["late_understaffed"] += late if each.agents < need - 1e-9 else 0
            rate = cost[row["queue"]]
            total["planned_cost"] += before[0] * rate
            total["cost"] += after[0] * rate
            kept = after[1] * after[2]
            total["spare_cost"] += max(each.agents - need, 0) * hours * rate / kept if kept > 0 else 0.0
            total["missing_cost"] += max(need - each.agents, 0) * hours * rate / (before[1] * before[2] or 1.0)
        for name, value in total.items():
            assert row[name] == pytest.approx(value, abs=1e-8), name
        if total["offered"]:
            assert row["achieved_service_level"] == pytest.approx(1 - total["late"] / total["offered"])
            assert row["aht_s"] == pytest.approx(sum(above / below for above, below in seconds.values()))
        if total["planned_offered"]:
            assert row["planned_aht_s"] == pytest.approx(3600 * total["planned_workload_hours"] / total["planned_offered"])


def test_periods_add_up_and_ratios_are_divided_last(centre: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    half_hours, staffed, plan = centre
    whole = compare_with_plan(plan, half_hours, staffed, period=None, cost_per_hour=25).set_index("queue")
    for period in ("interval", "hour", "day", "week", "month", "weekday", "slot"):
        parts = compare_with_plan(plan, half_hours, staffed, period=period, cost_per_hour=25)
        sums = parts.groupby("queue", observed=True)[list(ADDED)].sum()
        np.testing.assert_allclose(sums.to_numpy(), whole[list(ADDED)].to_numpy().astype("float64"), rtol=1e-9)
    expected = cc.measure_service(half_hours, by="queue").set_index("queue")
    assert whole["achieved_service_level"].to_dict() == pytest.approx(expected["service_level"].to_dict())
    assert whole["aht_s"].to_dict() == pytest.approx(expected["aht_s"].to_dict())


def test_definition_of_each_queue_is_the_plans(centre: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    half_hours, _, plan = centre
    words = plan["queue"].astype("str").map({"sales": "sl_answered_only"}).fillna("service_level").astype("category")
    made = compare_with_plan(plan.assign(definition=words), half_hours, period=None).set_index("queue")
    service = cc.measure_service(half_hours, by="queue").set_index("queue")
    assert made["achieved_service_level"]["sales"] == pytest.approx(service["sl_answered_only"]["sales"])
    assert made["achieved_service_level"]["support"] == pytest.approx(service["service_level"]["support"])
    assert made["definition"].to_dict() == {"sales": "sl_answered_only", "support": "service_level", "complaints": "service_level"}


def test_without_agents_only_the_plans_side_of_staff_is_there(centre: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    half_hours, _, plan = centre
    made = compare_with_plan(plan, half_hours, cost_per_hour=20)
    assert {"planned_agent_hours", "required_hours", "planned_cost"} <= set(made)
    assert not {"agent_hours", "understaffed_intervals", "scheduled_effect_hours", "cost"} & set(made)


def test_a_pool_needs_less_than_its_queues(centre: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    half_hours, staffed, plan = centre
    pool = compare_with_plan(plan, half_hours, staffed, by=(), period=None).iloc[0]
    parts = compare_with_plan(plan, half_hours, staffed, period=None)
    assert pool["required_hours"] < parts["required_hours"].sum()
    assert pool["planned_required_hours"] < parts["planned_required_hours"].sum()
    assert pool["agent_hours"] == pytest.approx(parts["agent_hours"].sum())
    assert pool["late"] == parts["late"].sum()


def test_target_of_the_caller_or_none() -> None:
    start = starts(2)
    plan, half_hours = make_plan(start, 100.0, 14.0), make_intervals(start, [100, 100])
    loose, tight = (compare_with_plan(plan, half_hours, target=target)["required_hours"].iloc[0] for target in (0.5, {"sales": 0.95}))
    assert loose < compare_with_plan(plan, half_hours)["required_hours"].iloc[0] < tight
    none = compare_with_plan(plan.drop(columns="target_service_level"), half_hours, make_agents(start, [9, 9], [9, 9])).iloc[0]
    assert np.isnan(none["required_hours"])
    assert np.isnan(none["missing_hours"])
    assert none["understaffed_intervals"] == 0
    assert none["agent_hours"] == pytest.approx(9.0)


def test_without_handle_times_only_what_needs_them_is_missing() -> None:
    start = starts(2)
    half_hours = make_intervals(start, [10, 0]).assign(total_talk_s=np.nan, total_wrap_s=np.nan, talk_known=0, wrap_known=0, hold_known=0)
    hours = compare_with_plan(make_plan(start, [9.0, 0.0], 3.0), half_hours, period="interval")
    assert hours["workload_hours"].isna().tolist() == [True, False]
    assert hours["volume_effect_hours"].iloc[1] == 0.0
    assert hours["required_hours"].isna().tolist() == [True, False]
    assert hours["offered"].tolist() == [10, 0]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"period": "fortnight"}, OptionError, "period='fortnight' is not known; choose one of: interval, hour"),
        ({"period": "day", "timezone": "Mars/Olympus"}, ZoneError, "no zone of the IANA"),
        ({"period": "day", "timezone": "Asia/Kathmandu"}, ZoneError, "a day of Asia/Kathmandu begins inside the interval"),
        ({"target": 80}, OptionError, "target=80: expected a share above 0, at most 1"),
        ({"target": {"help": 0.8}}, OptionError, "target= is a dict without the queue 'sales'"),
        ({"target": {"sales": 0.8}, "by": ()}, OptionError, "compared as one pool; give one number"),
        ({"cost_per_hour": -1}, OptionError, "cost_per_hour=-1: expected a number above 0"),
        ({"cost_per_hour": "20"}, OptionError, "cost_per_hour='20'"),
        ({"by": "agent"}, OptionError, "by='agent' is not known"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], error: type[Exception], text: str) -> None:
    # An hour before the midnight of Kathmandu, 18:15 UTC.
    start = pd.date_range("2026-03-02 17:00", periods=4, freq="30min", tz="UTC").as_unit("us")
    with pytest.raises(error, match=text):
        compare_with_plan(make_plan(start, 9.0, 3.0), make_intervals(start, [9] * 4), **options)


def test_an_hour_is_no_period_of_longer_intervals() -> None:
    start = starts(3, every="2h")
    with pytest.raises(OptionError, match="period='hour' is shorter than the intervals"):
        compare_with_plan(make_plan(start, 9.0, 3.0, interval_s=7200.0), make_intervals(start, [9] * 3, interval_s=7200.0), period="hour")


@pytest.mark.parametrize("model", ["erlang_a", "erlang_c", "erlang_b"])
def test_requirement_is_that_of_the_rows_own_model(model: str) -> None:
    found = required_agents(
        [50.0, 0.0, 120.0], aht_s=[200.0, np.nan, 90.0], interval_s=1800.0, target_service_level=[0.8, 0.8, 0.95], threshold_s=20.0,
        patience_s=150.0, model=model,
    )  # fmt: skip
    for value, volume, aht, target in zip(found, (50.0, 0.0, 120.0), (200.0, 1.0, 90.0), (0.8, 0.8, 0.95), strict=True):
        load = volume * aht / 1800
        if model == "erlang_b":
            assert value == cc.erlang.lines_required(load, max_blocking_rate=1 - target, fractional=True)
        else:
            options: dict[str, Any] = {"patience_s": 150.0} if model == "erlang_a" else {}
            options |= {"aht_s": aht, "target_service_level": target, "threshold_s": 20, "fractional": True}
            assert value == pytest.approx(cc.erlang.agents_required(load, **options))


def test_requirement_is_missing_where_no_model_knows() -> None:
    words = ["service_level", "sl_short_met", "sl_excl_short", "sl_excl_short", "sl_event", "service_level"]
    found = required_agents(
        100.0, aht_s=180.0, interval_s=1800.0, target_service_level=[0.8] * 5 + [np.nan], threshold_s=20.0, patience_s=180.0,
        short_s=[np.nan, 5.0, np.nan, 5.0, np.nan, np.nan], definition=words,
    )  # fmt: skip
    assert np.isnan(found).tolist() == [False, True, True, False, False, True]
    assert found[4] == found[0] != found[3]


# -- how good a forecast was


def by_hand(expected: list[float], actual: list[float], tolerance: float) -> dict[str, float]:
    """Measures of one queue's volume, interval by interval."""
    there = [(f, a) for f, a in zip(expected, actual, strict=True) if f > 0 or a > 0]
    total = sum(a for _, a in there)
    hits = [abs(f - a) <= tolerance * a for f, a in there]
    return {
        "intervals": len(there),
        "forecast_bias": sum(f - a for f, a in there) / total,
        "wape": sum(abs(f - a) for f, a in there) / total,
        "rmse": math.sqrt(sum((f - a) ** 2 for f, a in there) / len(there)),
        "mape": float(np.mean([abs(f - a) / a for f, a in there if a > 0])),
        "forecast_hit_rate": sum(hits) / len(there),
        "weighted_hit_rate": sum(a for (_, a), hit in zip(there, hits, strict=True) if hit) / total,
    }


def test_accuracy_by_a_plain_loop() -> None:
    rng = np.random.default_rng(3)
    start = starts(96, start=pd.Timestamp("2026-03-02", tz=ZONE))
    expected, actual = rng.gamma(1, 10, 96) * rng.integers(0, 2, 96), rng.poisson(9, 96) * rng.integers(0, 2, 96)
    aht, planned_aht = rng.uniform(100, 300, 96), rng.uniform(100, 300, 96)
    half_hours = make_intervals(start, actual, aht_s=aht)
    accuracy = measure_forecast_accuracy(make_plan(start, expected, 0.0, aht_s=planned_aht), half_hours, tolerance=0.3)
    volume, handling = (accuracy[accuracy["metric"] == name].iloc[0] for name in ("offered", "aht_s"))
    assert volume[list(by_hand([1], [1], 0))].to_dict() == pytest.approx(by_hand(list(expected), list(actual), 0.3))
    days = [(sum(expected[part]), sum(actual[part])) for part in (slice(0, 48), slice(48, 96))]
    assert volume["day_wape"] == pytest.approx(sum(abs(f - a) for f, a in days) / sum(actual))
    assert volume["day_hit_rate"] == pytest.approx(np.mean([abs(f - a) <= 0.3 * a for f, a in days]))
    assert (volume["expected"], volume["actual"], volume["days"]) == pytest.approx((expected.sum(), actual.sum(), 2))
    assert volume["forecast_error"] == pytest.approx(expected.sum() - actual.sum())

    came = actual > 0
    weight, took = actual[came], actual[came] * aht[came]
    error = planned_aht[came] - aht[came]
    assert handling["actual"] == pytest.approx(took.sum() / weight.sum())
    assert handling["expected"] == pytest.approx((weight * planned_aht[came]).sum() / weight.sum())
    assert handling["forecast_bias"] == pytest.approx((weight * error).sum() / took.sum())
    assert handling["wape"] == pytest.approx((weight * abs(error)).sum() / took.sum())
    assert handling["rmse"] == pytest.approx(math.sqrt((weight * error**2).sum() / weight.sum()))
    assert handling["mape"] == pytest.approx(np.mean(abs(error) / aht[came]))
    assert handling["forecast_hit_rate"] == pytest.approx(np.mean(abs(error) <= 0.3 * aht[came]))
    day_errors = []
    for part in (slice(0, 48), slice(48, 96)):
        forecast = (expected[part] * planned_aht[part]).sum() / expected[part].sum()
        day_errors.append((actual[part].sum(), forecast, (actual[part] * aht[part]).sum() / actual[part].sum()))
    assert handling["day_wape"] == pytest.approx(sum(n * abs(f - a) for n, f, a in day_errors) / sum(n * a for n, _, a in day_errors))


def test_groups_and_periods_do_not_cancel_errors() -> None:
    start = starts(2)
    plan = stack(*(make_plan(start, 10.0, 0.0, queue=queue) for queue in "ab"))
    half_hours = stack(make_intervals(start, [5, 20], queue="a"), make_intervals(start, [15, 10], queue="b"))
    each = measure_forecast_accuracy(plan, half_hours, by=(), period="interval")
    volume = each[each["metric"] == "offered"]
    assert volume["forecast_bias"].tolist() == pytest.approx([0.0, -1 / 3])
    assert volume["wape"].tolist() == pytest.approx([0.5, 1 / 3])
    assert list(measure_forecast_accuracy(plan, half_hours)["queue"]) == ["a", "a", "b", "b"]


@pytest.mark.parametrize("mean", [0.4, 3.0, 10.0, 60.0])
def test_what_chance_leaves_a_perfect_forecast(mean: float) -> None:
    """The floor is what a forecast of the true mean has, of counts that are Poisson, and last week's figures are worse by sqrt 2."""
    rng = np.random.default_rng(5)
    start = starts(48 * 70, start=pd.Timestamp("2026-01-05", tz="UTC"))
    half_hours = make_intervals(start, rng.poisson(mean, len(start))).assign(timezone="UTC").astype({"timezone": "category"})
    accuracy = measure_forecast_accuracy(make_plan(start, mean, 0.0), half_hours).iloc[0]
    assert accuracy["noise_wape"] == pytest.approx(accuracy["wape"], rel=0.05)
    assert accuracy["noise_hit_rate"] == pytest.approx(accuracy["forecast_hit_rate"], abs=0.03)
    assert accuracy["noise_day_wape"] == pytest.approx(accuracy["day_wape"], rel=0.35)
    if mean >= 10:
        assert accuracy["relative_error"] == pytest.approx(1 / math.sqrt(2), rel=0.05)


def test_ten_contacts_an_interval() -> None:
    """The figures of the notes, summed over the Poisson law."""
    law = [math.exp(-10) * 10**k / math.factorial(k) for k in range(80)]
    start = starts(1)
    accuracy = measure_forecast_accuracy(make_plan(start, 10.0, 0.0), make_intervals(start, [10])).iloc[0]
    assert accuracy["noise_wape"] == pytest.approx(sum(p * abs(k - 10) for k, p in enumerate(law)) / 10)
    assert accuracy["noise_wape"] == pytest.approx(0.25, abs=0.001)
    assert accuracy["noise_hit_rate"] == pytest.approx(sum(p for k, p in enumerate(law) if abs(k - 10) <= 0.1 * k))
    assert accuracy["noise_hit_rate"] == pytest.approx(0.24, abs=0.002)


def test_last_week_is_the_same_local_time_when_clocks_change() -> None:
    """Berlin's clocks go forward on 29 March 2026: 08:00 is 07:00 UTC before and 06:00 UTC after."""
    before, after = (pd.Timestamp(f"2026-{day} 08:00", tz=ZONE) for day in ("03-25", "04-01"))
    half_hours = stack(make_intervals(starts(2, start=before), [10, 30]), make_intervals(starts(2, start=after), [20, 40]))
    with pytest.warns(DataWarning, match="2 intervals are compared"):
        accuracy = measure_forecast_accuracy(make_plan(starts(2, start=after), [25.0, 40.0], 0.0), half_hours).iloc[0]
    assert accuracy["naive_wape"] == pytest.approx(20 / 60)
    assert accuracy["relative_error"] == pytest.approx(5 / 20)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"tolerance": -0.1}, OptionError, "tolerance=-0.1 must be a share"),
        ({"by": "agent"}, OptionError, "by='agent' is not known"),
        ({"period": "shift"}, OptionError, "period='shift' is not known"),
    ],
)
def test_accuracy_options_that_cannot_be(options: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        measure_forecast_accuracy(make_plan(starts(1), 9.0, 3.0), make_intervals(starts(1), [9]), **options)


def test_nothing_to_measure() -> None:
    with pytest.raises(TableError, match="nothing was forecast and nothing came"):
        measure_forecast_accuracy(make_plan(starts(1), 0.0, 0.0), make_intervals(starts(1), [0]))


def test_intervals_there_twice_are_refused() -> None:
    came = make_intervals(starts(2), [9, 9])
    for function in (cc.compare_with_plan, cc.measure_forecast_accuracy):
        with pytest.raises(TableError, match="is there twice"):
            function(make_plan(starts(2), 9.0, 3.0), pd.concat([came, came]))
