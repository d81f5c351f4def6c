"""Agents of several skills: between the bounds, judged by other contacts, never counted once per skill."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import DataWarning, OptionError
from ccstats.queueing.erlang import agents_required
from ccstats.synthetic import simulate_contacts
from ccstats.workforce.multiskill import MultiskillPlan, plan_multiskill

START = pd.Timestamp("2026-03-02T09:00Z")
X = {"a": {"a": 1}, "b": {"b": 1}, "ab": {"a": 2, "b": 2}}


def make_forecast(*loads: dict[str, float], aht_s: float = 180.0) -> pd.DataFrame:
    """One interval for each dict of Erlangs by queue."""
    rows = [
        (queue, START + pd.Timedelta(minutes=30 * k), 1800.0, load * 1800.0 / aht_s, aht_s)
        for k, by_queue in enumerate(loads)
        for queue, load in by_queue.items()
    ]
    frame = pd.DataFrame(rows, columns=["queue", "interval_start", "interval_s", "expected_offered", "expected_aht_s"])
    return frame.astype({"queue": "category", "interval_start": "datetime64[us, UTC]"})


def plan(forecast, skills, **options) -> MultiskillPlan:
    return plan_multiskill(forecast, skills, **({"seed": 1, "contacts": 10_000, "replications": 8} | options))


def agents_of(found: MultiskillPlan) -> dict[str, float]:
    return dict(zip(found.staff["group"].astype("str"), found.staff["agents"], strict=True))


def test_a_flexible_agent_is_counted_once():
    """Two skills of 8 Erlangs need 11 agents each; a tool that counts flexible agents once per skill says 11 for both."""
    found = plan(make_forecast({"a": 8.0, "b": 8.0}), {"all": {"a": 1, "b": 1}})
    pooled = agents_required(16.0, aht_s=180.0, target_service_level=0.8, threshold_s=20.0)
    row = found.totals.iloc[0]
    assert (row["pooled_agents"], row["separate_agents"]) == (pooled, 22.0)
    # everybody serves everything: one queue of 16 Erlangs, for which the formula knows the answer
    assert row["agents"] == pooled > 16
    assert found.service["met"].all()


def test_agents_who_share_nothing_are_what_the_formula_says():
    found = plan(make_forecast({"a": 8.0, "b": 30.0}), {"a": {"a": 1}, "b": {"b": 1}}, patience_s=120.0)
    alone = [agents_required(load, aht_s=180.0, target_service_level=0.8, threshold_s=20.0, patience_s=120.0) for load in (8.0, 30.0)]
    assert list(agents_of(found).values()) == alone
    assert found.service["separate_agents"].tolist() == alone
    assert found.service["met"].all()


@pytest.mark.parametrize(
    "options",
    [{}, {"cost": {"ab": 1.15}}, {"patience_s": 120.0, "max_agents": {"ab": 2}}, {"priorities": {"a": 0, "b": 1}, "patience_s": 60.0}],
)
def test_the_answer_lies_between_the_bounds_and_holds_for_other_contacts(options):
    found = plan(make_forecast({"a": 8.0, "b": 8.0}), X, **options)
    row = found.totals.iloc[0]
    assert row["pooled_agents"] <= row["agents"] <= row["separate_agents"]
    assert row["agents"] == sum(agents_of(found).values())
    assert agents_of(found)["ab"] <= options.get("max_agents", {}).get("ab", np.inf)
    service = found.service
    assert (service["expected_service_level"] >= 0.8).all()
    assert (service["expected_service_level_low"] < service["expected_service_level"]).all()
    assert (service["expected_service_level"] < service["expected_service_level_high"]).all()
    # played through for a day, as contacts
    day = pd.concat([found.staff.assign(interval_start=START + pd.Timedelta(minutes=30 * k)) for k in range(48)], ignore_index=True)
    forecast = make_forecast(*[{"a": 8.0, "b": 8.0}] * 48)
    levels = []
    for seed in range(6):
        patience = options.get("patience_s")
        made = simulate_contacts(forecast, seed=seed, skills=X, staff=day, patience_s=patience, priorities=options.get("priorities"))
        levels.append(cc.measure_service(cc.to_intervals(made.contacts, threshold_s=20), by="queue")["service_level"].to_numpy())
    mean, error = np.mean(levels, axis=0), np.std(levels, axis=0, ddof=1) / np.sqrt(6)
    assert (mean + 4 * error >= 0.8).all()


def test_a_little_flexibility_saves_agents():
    few = plan(make_forecast({"a": 8.0, "b": 8.0}), X, max_agents={"ab": 3})
    assert few.totals["agents"].iloc[0] < few.totals["separate_agents"].iloc[0]
    assert 0 < agents_of(few)["ab"] <= 3


def test_one_less_of_any_group_misses_the_target():
    forecast = make_forecast({"a": 6.0, "b": 9.0})
    found = plan(forecast, X, patience_s=120.0, contacts=30_000)
    agents = agents_of(found)
    for group in [name for name, count in agents.items() if count]:
        staff = found.staff.assign(agents=[count - (name == group) for name, count in agents.items()])
        day = pd.concat([staff.assign(interval_start=START + pd.Timedelta(minutes=30 * k)) for k in range(48)], ignore_index=True)
        levels = []
        for seed in range(6):
            made = simulate_contacts(make_forecast(*[{"a": 6.0, "b": 9.0}] * 48), seed=seed, skills=X, staff=day, patience_s=120.0)
            levels.append(cc.measure_service(cc.to_intervals(made.contacts, threshold_s=20), by="queue")["service_level"].to_numpy())
        # the search met other contacts and may be one agent too careful: no more than a point above the target
        assert np.mean(levels, axis=0).min() < 0.81, group


def test_overflow_and_targets_by_queue():
    skills = {"gold": {"gold": 1}, "plain": {"plain": 1}}
    forecast = make_forecast({"gold": 4.0, "plain": 12.0})
    targets = {"target_service_level": {"gold": 0.9, "plain": 0.7}, "patience_s": {"gold": 200.0, "plain": 90.0}}
    apart = plan(forecast, skills, **targets)
    helped = plan(forecast, skills, overflow_s={"plain": {"gold": 10.0}}, **targets)
    assert helped.totals["agents"].iloc[0] <= apart.totals["agents"].iloc[0]
    for found in (apart, helped):
        assert (found.service["expected_service_level"] >= found.service["target_service_level"] - 0.02).all()
    assert helped.service["target_service_level"].tolist() == [0.9, 0.7]
    assert helped.service["patience_s"].tolist() == [200.0, 90.0]


def test_intervals_empty_unknown_and_alike():
    forecast = make_forecast({"a": 5.0, "b": 5.0}, {"a": 0.0, "b": 0.0}, {"a": 5.0, "b": 5.0}, {"a": 5.0, "b": 0.0})
    forecast.loc[forecast["expected_offered"].eq(0) & forecast["queue"].eq("b"), "expected_offered"] = np.nan
    before = forecast.copy()
    found = plan(forecast, X)
    pd.testing.assert_frame_equal(forecast, before)
    agents = found.staff.pivot_table(index="interval_start", columns="group", values="agents", observed=True)
    assert agents.iloc[0].tolist() == agents.iloc[2].tolist()
    assert agents.iloc[1].sum() == 0
    assert agents.iloc[3].sum() == agents_required(5.0, aht_s=180.0, target_service_level=0.8, threshold_s=20.0)
    empty = found.service["separate_agents"] == 0
    assert empty.sum() == 3
    assert found.service.loc[empty, "expected_service_level"].isna().all()
    assert found.service["met"].all()
    assert found.service[["queue", "interval_start"]].equals(
        found.service[["queue", "interval_start"]].sort_values(["queue", "interval_start"])
    )


def test_same_seed_same_plan():
    one, two = (plan(make_forecast({"a": 5.0, "b": 3.0}), X) for _ in range(2))
    for left, right in zip((one.staff, one.service, one.totals), (two.staff, two.service, two.totals), strict=True):
        pd.testing.assert_frame_equal(left, right)


def test_too_few_agents_allowed_is_said():
    with pytest.warns(DataWarning, match="1 of 1 intervals cannot meet"):
        found = plan(make_forecast({"a": 8.0, "b": 8.0}), {"all": {"a": 1, "b": 1}}, max_agents={"all": 15}, patience_s=60.0)
    assert agents_of(found) == {"all": 15.0}
    assert not found.service["met"].any()


@pytest.mark.parametrize(
    ("skills", "options", "text"),
    [
        ({"a": {"a": 1}}, {}, "no group serves"),
        ({"a": {"a": 1, "c": 1}}, {}, "c"),
        (X, {"target_service_level": 1.0}, "target_service_level"),
        (X, {"target_service_level": {"a": 0.8}}, "no queue 'b'"),
        (X, {"threshold_s": 0.0}, "threshold_s"),
        (X, {"patience_s": np.nan}, "patience_s"),
        (X, {"cost": {"c": 1.0}}, "c"),
        (X, {"cost": {"ab": 0.0}}, "cost"),
        (X, {"max_agents": {"ab": -1}}, "max_agents"),
        (X, {"priorities": {"c": 1}}, "c"),
        (X, {"contacts": 10}, "contacts"),
        (X, {"replications": 1}, "replications"),
    ],
)
def test_what_cannot_be_is_refused(skills, options, text):
    with pytest.raises(cc.CcstatsError, match=text):
        plan(make_forecast({"a": 1.0, "b": 1.0}), skills, **options)


def test_queues_of_one_interval_have_one_length():
    forecast = make_forecast({"a": 1.0, "b": 1.0})
    forecast.loc[0, "interval_s"] = 900.0
    with pytest.raises(cc.CcstatsError, match="interval_s"):
        plan(forecast, X)


@pytest.mark.parametrize("seed", [-1, 1.5, "one", True])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(OptionError, match="must be a whole number from 0 on"):
        plan(make_forecast({"a": 8.0}), {"a": {"a": 1}}, seed=seed)
