"""Plans under stress: accounts by a plain loop, a day simulated with the site lost, time to recover by hand, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

import ccstats as cc
from ccstats.deviations.stress import stress_plan
from ccstats.errors import DataWarning, OptionError, TableError, ZoneError
from ccstats.queueing import erlang
from ccstats.queueing.transient import transient_service

START = pd.Timestamp("2026-03-02 08:00", tz="UTC")


def plan_of(queue: str = "sales", steps: int = 10, *, agents: float = 13.0, patience_s: float = 240.0, **columns: object) -> pd.DataFrame:
    start = pd.date_range(START, periods=steps, freq="30min", unit="us")
    plan = pd.DataFrame({"queue": pd.Categorical([queue] * steps), "interval_start": start, "interval_s": 1800.0})
    given = {"expected_offered": 100.0, "expected_aht_s": 180.0, "agents": agents, "threshold_s": 20.0, "patience_s": patience_s}
    return plan.assign(**given, target_service_level=0.8, **columns)


def two() -> pd.DataFrame:
    return pd.concat([plan_of(), plan_of("support", agents=15.0)], ignore_index=True).astype({"queue": "category"})


@pytest.mark.parametrize("lost", [{"sales": 0.5}, {"sales": 4}, {"support": 99}, 1 / 3, 5])
def test_accounts_by_a_plain_loop(lost) -> None:
    plan = two()
    kept = plan.copy()
    low, high = START + pd.Timedelta("1h"), START + pd.Timedelta("135min")
    found = stress_plan(plan, agents_lost=lost, volume=1.2, aht={"sales": 1.1}, start=low, end=high)
    assert len(found.intervals) == len(plan)
    for number, queue in enumerate(("sales", "support")):
        planned, under = {}, {"offered": [], "aht": [], "agents": []}
        its = plan[plan["queue"] == queue]
        for row in its.itertuples():
            end = row.interval_start + pd.Timedelta("30min")
            share = max((min(end, high) - max(row.interval_start, low)) / pd.Timedelta("30min"), 0.0)
            gone = lost.get(queue, 0) if isinstance(lost, dict) else lost
            gone = min(gone, row.agents) if isinstance(gone, int) else gone * row.agents
            under["offered"].append(100.0 * (1 + 0.2 * share))
            under["aht"].append(180.0 * (1 + (0.1 if queue == "sales" else 0.0) * share))
            under["agents"].append(row.agents - gone * share)
        planned = transient_service([100.0] * 10, its["agents"], aht_s=180.0, interval_s=1800.0, patience_s=240.0, threshold_s=20.0)
        found_under = transient_service(
            under["offered"], under["agents"], aht_s=under["aht"], interval_s=1800.0, patience_s=240.0, threshold_s=20.0
        )
        table = found.intervals[found.intervals["queue"] == queue]
        for side, made in (("planned", planned), ("stressed", found_under)):
            np.testing.assert_allclose(table[f"{side}_service_level"], made.answered_within / made.offered, atol=1e-9)
            np.testing.assert_allclose(table[f"{side}_lost"], made.abandoned, atol=1e-7)
            np.testing.assert_allclose(table[f"{side}_queue_at_end"], made.queue_at_end, atol=1e-7)
        np.testing.assert_allclose(table["stressed_agents"], under["agents"])
        late = [made.offered - made.answered_within for made in (found_under, planned)]
        summary = found.summary.iloc[number]
        assert summary["extra_late"] == pytest.approx((late[0] - late[1]).sum())
        assert summary["extra_lost"] == pytest.approx((found_under.abandoned - planned.abandoned).sum())
        assert summary["longest_queue"] == pytest.approx(max(found_under.queue_at_end))
        load = np.array(under["offered"]) * under["aht"] / 1800
        needed = erlang.agents_required(
            load, aht_s=under["aht"], target_service_level=0.8, threshold_s=20.0, patience_s=240.0, fractional=True
        )
        np.testing.assert_allclose(table["required_agents"], needed, rtol=1e-6)
        short = np.maximum(needed - under["agents"], 0)[2:5]
        assert summary["agents_short"] == pytest.approx(short.max(), abs=1e-6)
        assert summary["agent_hours_short"] == pytest.approx(short.sum() / 2, abs=1e-6)
        assert (summary["start"], summary["end"], summary["intervals"]) == (low, high, 3)
    pd.testing.assert_frame_equal(plan, kept)


def test_time_to_recover_is_that_of_the_fluid() -> None:
    """Nobody gives up: 240 contacts more than are served must be worked off by what the agents have to spare, 30 a half-hour."""
    steps = 30
    plan = plan_of(steps=steps, agents=13.0, patience_s=math.inf)
    stress = stress_plan(plan, agents_lost="all", start=START, end=START + pd.Timedelta("1h"))
    table, summary = stress.intervals, stress.summary.iloc[0]
    assert table["stressed_queue_at_end"][1] == pytest.approx(200.0, abs=0.5)
    # 130 are served and 100 come each half-hour: nothing waits after nearly 7 of them, and some more until all is as ever
    assert table["stressed_service_level"][:6].max() < 0.01
    assert 200 / 30 * 1800 <= summary["time_to_recover_s"] <= 14 * 1800
    assert summary["recovered_at"] == START + pd.Timedelta("1h") + pd.Timedelta(seconds=summary["time_to_recover_s"])
    short = stress_plan(plan[:6], agents_lost="all", start=START, end=START + pd.Timedelta("1h")).summary.iloc[0]
    assert math.isnan(short["time_to_recover_s"])
    assert "plan ends before" in short["note"]


def test_a_lost_site_simulated() -> None:
    """Simulated contact by contact elsewhere: what came of a plan whose agents were gone is what was said of it."""
    plan = plan_of(steps=12)
    said = stress_plan(plan, agents_lost=6, start=START + pd.Timedelta("2h"), end=START + pd.Timedelta("3h"))
    fewer = plan.assign(agents=plan["agents"] - np.where(np.isin(np.arange(12), [4, 5]), 6, 0))
    levels = []
    for seed in range(60):
        half_hours = cc.to_intervals(cc.simulate_contacts(fewer, seed=seed).contacts, threshold_s=20)
        levels.append((half_hours["answered_within"] / half_hours["offered"]).to_numpy()[:12])
    mean, error = np.mean(levels, axis=0), np.std(levels, axis=0) / math.sqrt(60)
    assert (np.abs(mean - said.intervals["stressed_service_level"]) < 4 * error + 0.01).all()
    by_chance = stress_plan(plan, agents_lost=6, start=START + pd.Timedelta("2h"), end=START + pd.Timedelta("3h"), model="simulation")
    difference = by_chance.intervals["stressed_service_level"] - said.intervals["stressed_service_level"]
    assert difference.abs().max() < 0.04


def test_no_stress_changes_nothing() -> None:
    for model in ("transient", "stationary", "simulation"):
        found = stress_plan(two(), model=model, replications=5)
        for name in ("service_level", "late", "lost", "offered", "aht_s", "agents"):
            np.testing.assert_array_equal(found.intervals[f"planned_{name}"], found.intervals[f"stressed_{name}"])
        assert found.summary[["extra_late", "extra_lost"]].to_numpy().tolist() == [[0, 0], [0, 0]]
        assert ("stressed_queue_at_end" in found.intervals) == (model != "stationary")


def test_a_plan_without_rows_has_results_without_rows() -> None:
    some, none = stress_plan(plan_of(), agents_lost=2), stress_plan(plan_of()[:0], agents_lost=2)
    for full, empty in ((some.intervals, none.intervals), (some.summary, none.summary)):
        assert empty.empty
        assert {name: str(each) for name, each in empty.dtypes.items()} == {name: str(each) for name, each in full.dtypes.items()}


def test_all_agents_and_one() -> None:
    plan, window = two(), {"start": START, "end": START + pd.Timedelta("1h")}
    gone = stress_plan(plan, agents_lost="all", **window).intervals
    assert (gone["stressed_agents"] == np.where(gone["stressed"] > 0, 0.0, gone["planned_agents"])).all()
    one = stress_plan(plan, agents_lost={"sales": 1, "support": "all"}, **window).intervals
    lost = one["planned_agents"] - one["stressed_agents"]
    assert lost[one["stressed"] > 0].tolist() == [1.0, 1.0, 15.0, 15.0]
    for each in (1.0, np.float64(1.0), np.float32(1.0)):
        for given in (each, {"sales": 0.5, "support": each}):
            with pytest.raises(OptionError, match="agents_lost=1 for one agent, agents_lost='all' for all"):
                stress_plan(plan, agents_lost=given, **window)


def test_more_stress_is_never_better() -> None:
    previous = np.ones(10)
    for lost in (0, 2, 4, 8, 13):
        table = stress_plan(plan_of(), agents_lost=lost).intervals
        assert (table["stressed_service_level"] <= previous + 1e-9).all()
        previous = table["stressed_service_level"]
    assert previous.tolist() == [0.0] * 10


def test_plans_of_the_house() -> None:
    demand = plan_of()[["queue", "interval_start", "interval_s", "expected_offered", "expected_aht_s"]]
    lossy = cc.plan_staffing(demand, model="erlang_b", max_blocking_rate=0.05)
    under = stress_plan(lossy, agents_lost=0.5, model="stationary").intervals
    left = lossy["agents"][0] / 2
    assert under["stressed_lost"][0] == pytest.approx(100 * float(erlang.blocking_rate(left, 10.0, aht_s=180.0, lines=left)), rel=1e-6)
    plan = cc.plan_staffing(demand, target_service_level=0.8, threshold_s=20, patience_s=240, shrinkage=0.3)
    by_schedule = stress_plan(plan, agents="scheduled_agents").intervals
    np.testing.assert_allclose(by_schedule["planned_agents"], plan["scheduled_agents"] * 0.7)
    untargeted = stress_plan(plan_of().assign(target_service_level=np.nan), volume=2.0)
    assert untargeted.intervals["required_agents"].isna().all()
    assert math.isnan(untargeted.summary["agents_short"][0])
    with pytest.warns(DataWarning, match="cannot be evaluated"):
        broken = stress_plan(plan_of().assign(expected_aht_s=[np.nan] + [180.0] * 9), volume=1.5)
    assert broken.intervals["stressed_service_level"].isna().tolist() == [True] + [False] * 9


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"agents_lost": -1}, OptionError, "share from 0.0 to below 1"),
        ({"agents_lost": "some"}, OptionError, "or 'all'"),
        ({"agents_lost": True}, OptionError, "must be a number"),
        ({"agents_lost": {"slaes": 1}}, OptionError, "Did you mean sales"),
        ({"volume": math.inf}, OptionError, "factor such as 1.2"),
        ({"aht": 0.0}, OptionError, "above 0"),
        ({"aht": "long"}, OptionError, "must be a number"),
        ({"model": "fluid"}, OptionError, "choose one of"),
        ({"start": "2026-03-02 09:00"}, ZoneError, "no time zone"),
        ({"start": "nine"}, OptionError, "no instant"),
        ({"start": "2026-03-02 09:00Z", "end": "2026-03-02 08:00Z"}, OptionError, "does not come before"),
        ({"start": "2026-03-03 09:00Z"}, OptionError, "nothing of the plan"),
        ({"agents": "heads"}, TableError, "'heads' is missing"),
    ],
)
def test_what_cannot_be_is_refused(options, error, said) -> None:
    with pytest.raises(error, match=said):
        stress_plan(plan_of(), **options)
