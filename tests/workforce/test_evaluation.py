"""Evaluating plans: against the formulas row by row, against contacts booked one by one, and against days lived through in plain Python."""

from __future__ import annotations

import heapq
import math
import os
import random
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccstats.errors import DataWarning, OptionError, TableError, ZoneError
from ccstats.expectation.expected import FORMULAS, Rows
from ccstats.expectation.simulated import simulate_once
from ccstats.metrics import METRICS
from ccstats.queueing import erlang
from ccstats.queueing.replications import random_stream
from ccstats.queueing.simulation import arrival_times, simulate_queue
from ccstats.queueing.transient import transient_service
from ccstats.workforce.evaluation import compare_plans, evaluate_staffing
from ccstats.workforce.staffing import plan_staffing

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
INF = float("inf")
FIGURES = ["expected_service_level", "expected_asa_s", "expected_abandonment_rate", "expected_occupancy"]
DEFINITIONS = ["service_level", "sl_answered_only", "sl_excl_early_abandoned", "sl_early_abandoned_met", "sl_virtual"]


def make_plan(rows: int = 4, *, queue: str = "sales", start: str = "2026-03-02 08:00", **columns: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "queue": pd.Categorical([queue] * rows),
            "interval_start": pd.date_range(start, periods=rows, freq="30min", tz="UTC", unit="us"),
            "interval_s": 1800.0,
            "expected_offered": 60.0,
            "expected_aht_s": 180.0,
            "agents": 8.0,
            "threshold_s": 20.0,
            "patience_s": 240.0,
            "target_service_level": 0.8,
            "definition": pd.Categorical(["service_level"] * rows),
        }
    )
    return frame.assign(**columns)


def two_queues(rng: np.random.Generator, rows: int = 20) -> pd.DataFrame:
    """Two queues with a closed night in one, a gap in the other, and whatever volumes."""
    parts = []
    for queue, patience in (("help", INF), ("sales", 120.0)):
        offered = rng.uniform(0, 90, rows) * (rng.random(rows) < 0.9)
        part = make_plan(rows, queue=queue, expected_offered=offered, agents=rng.integers(4, 14, rows).astype(float), patience_s=patience)
        parts.append(part.assign(expected_aht_s=rng.uniform(100, 300, rows)))
    parts[0].loc[8:10, ["expected_offered", "agents"]] = 0.0
    parts[1] = parts[1].drop(index=[5, 6])
    plan = pd.concat([part.assign(queue=part["queue"].astype("str")) for part in parts], ignore_index=True)
    return plan.assign(queue=plan["queue"].astype("category"))


def runs_by_hand(plan: pd.DataFrame) -> list[list[int]]:
    """Rows that follow each other and are open, in plain Python."""
    runs: list[list[int]] = []
    last = None
    for at, row in plan.iterrows():
        if row["expected_offered"] == 0 and row["agents"] == 0:
            last = None
            continue
        if last is None or row["queue"] != last["queue"] or last["interval_start"] + pd.Timedelta(seconds=1800) != row["interval_start"]:
            runs.append([])
        runs[-1].append(at)
        last = row
    return runs


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_stationary_is_erlang_row_by_row(definition: str) -> None:
    plan = two_queues(np.random.default_rng(1))
    plan["definition"] = pd.Categorical([definition] * len(plan))
    before = plan.copy()
    made = evaluate_staffing(plan.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(plan, before)
    assert made[["queue", "interval_start"]].equals(plan[["queue", "interval_start"]])
    for at, row in plan.iterrows():
        aht, agents = row["expected_aht_s"], row["agents"]
        load = row["expected_offered"] * aht / 1800
        queue = {"aht_s": aht, "patience_s": row["patience_s"]}
        expected = [
            erlang.service_level(agents, load, threshold_s=20.0, definition=definition, **queue),
            erlang.mean_wait_s(agents, load, of="answered", **queue),
            erlang.abandonment_rate(agents, load, **queue),
            erlang.occupancy(agents, load, **queue) if agents else math.nan,
        ]
        np.testing.assert_allclose(made.loc[at, FIGURES].to_numpy(dtype="float64"), np.asarray(expected, dtype="float64"), rtol=1e-9)


@pytest.mark.parametrize("definition", ["service_level", "sl_answered_only", "sl_excl_early_abandoned", "sl_early_abandoned_met"])
def test_transient_is_the_queue_followed_through_each_run(definition: str) -> None:
    plan = two_queues(np.random.default_rng(2))
    plan["definition"] = pd.Categorical([definition] * len(plan))
    made = evaluate_staffing(plan, model="transient")
    runs = runs_by_hand(plan)
    assert [len(run) for run in runs] == [8, 9, 5, 13]
    for run in runs:
        rows = plan.loc[run]
        found = transient_service(
            rows["expected_offered"].to_numpy(),
            rows["agents"].to_numpy(),
            aht_s=rows["expected_aht_s"].to_numpy(),
            interval_s=1800.0,
            patience_s=rows["patience_s"].to_numpy(),
            threshold_s=20.0,
        )
        np.testing.assert_allclose(made.loc[run, "expected_queue_at_end"], found.queue_at_end, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(made.loc[run, "expected_asa_s"], found.mean_wait_s, rtol=1e-9)
        for place, at in enumerate(run):
            counts = {name: getattr(found, name)[place] for name in ("answered", "abandoned", "answered_within", "abandoned_within")}
            counts |= {"offered": counts["answered"] + counts["abandoned"], "open": 0.0}
            above, below = METRICS[definition].formula.split("/")
            divisor = eval(below, {}, counts)
            level = eval(above, {}, counts) / divisor if divisor > 0 else math.nan
            np.testing.assert_allclose(made.loc[at, "expected_service_level"], level, rtol=1e-6)
    closed = made.loc[[8, 9, 10]]
    assert closed[FIGURES].isna().all(axis=None)
    assert (closed["agent_hours"] == 0).all()


def test_each_queue_alone_is_the_same() -> None:
    plan = two_queues(np.random.default_rng(3))
    for model in ("stationary", "transient"):
        together = evaluate_staffing(plan, model=model)
        for queue, part in plan.groupby("queue", observed=True):
            alone = evaluate_staffing(part, model=model)
            np.testing.assert_allclose(together.loc[together["queue"] == queue, FIGURES], alone[FIGURES], rtol=1e-12)


def simulated_rows(rng: np.random.Generator, agents: np.ndarray) -> Rows:
    size = len(agents)
    ones = np.ones(size)
    run = np.repeat([0, 1, 2], [size - 4, 3, 1])
    return Rows(rng.uniform(5, 30, size), agents, 150 * ones, 900 * ones, 100 * ones, 20 * ones, 5 * ones, run)


@pytest.mark.parametrize("seed", range(max(3, int(50 * EXAM))))
def test_a_simulated_outcome_is_booked_contact_by_contact(seed: int) -> None:
    rng = np.random.default_rng(seed)
    agents = rng.integers(0, 5, 8).astype("float64")
    rows = simulated_rows(rng, agents)
    made = simulate_once(rows, np.random.SeedSequence(seed))

    streams = {name: random_stream(np.random.SeedSequence(seed), name) for name in ("arrivals", "handle", "patience")}
    expected = {name: [0.0] * 8 for name in made}
    runs = sorted((list(np.flatnonzero(rows.run == number)) for number in range(3)), key=len)  # shorter runs are drawn first
    for run in runs:
        arrivals = arrival_times(rows.offered[run], interval_s=900.0, seed=streams["arrivals"])
        handle = 150.0 * streams["handle"].standard_exponential(len(arrivals))
        patience = 100.0 * streams["patience"].standard_exponential(len(arrivals))
        duty = [*agents[run], *[agents[run[-1]]] * 200]  # the last agents stay for whoever waits
        queue = simulate_queue(arrivals, handle, patience, agents=np.array(duty), interval_s=900.0)
        for at, start, wait, end in zip(arrivals, queue.start_s, queue.wait_s, queue.end_s, strict=True):
            row = run[int(at // 900)]
            answered = not math.isnan(start)
            expected["offered"][row] += 1
            expected["answered" if answered else "abandoned"][row] += 1
            expected["answered_within" if answered else "abandoned_within"][row] += wait <= 20
            expected["abandoned_short"][row] += not answered and wait <= 5
            expected["reached_threshold"][row] += wait > 20
            expected["total_wait_s"][row] += wait if answered else 0
            for place, other in enumerate(run):
                low, high = 900.0 * place, 900.0 * (place + 1)
                expected["occupied_s"][other] += max(0.0, min(end, high) - max(start, low)) if answered else 0
                expected["queue_at_end"][other] += at < high <= (start if answered else at + wait)
        for row in run:
            expected["staffed_s"][row] = agents[row] * 900
    for name, values in made.items():
        np.testing.assert_allclose(values, expected[name], atol=1e-6, err_msg=name)


def test_simulation_agrees_with_the_transient_model() -> None:
    rng = np.random.default_rng(4)
    plan = make_plan(24, expected_offered=30 + 40 * rng.random(24), agents=rng.integers(6, 9, 24).astype(float))
    truth = evaluate_staffing(plan, model="transient")
    made = evaluate_staffing(plan, model="simulation", replications=400, confidence=0.999, seed=5)
    for name in ("expected_service_level", "expected_asa_s", "expected_abandonment_rate", "expected_queue_at_end"):
        within = (made[f"{name}_low"] <= truth[name]) & (truth[name] <= made[f"{name}_high"])
        assert within.sum() >= 23, name
        assert made[name].between(made[f"{name}_low"], made[f"{name}_high"]).all()
    day = evaluate_staffing(plan, model="simulation", period=None, replications=400, confidence=0.999, seed=5)
    whole = evaluate_staffing(plan, model="transient", period=None, replications=0)
    for name in ("expected_service_level", "expected_asa_s", "expected_abandonment_rate"):
        assert day[f"{name}_low"][0] <= whole[name][0] <= day[f"{name}_high"][0], name
        assert day[f"{name}_high"][0] - day[f"{name}_low"][0] < (made[f"{name}_high"] - made[f"{name}_low"]).min()


def test_confidence_limits_cover() -> None:
    """The limits of many small simulations hold the truth about as often as they say."""
    plan = make_plan(2)
    truth = evaluate_staffing(plan, model="transient", period=None, replications=0)
    held = dict.fromkeys(("expected_service_level", "expected_asa_s", "expected_abandonment_rate"), 0)
    runs = max(40, int(400 * EXAM))
    for seed in range(runs):
        made = evaluate_staffing(plan, model="simulation", period=None, replications=15, confidence=0.9, seed=seed)
        for name in held:
            held[name] += bool(made[f"{name}_low"][0] <= truth[name][0] <= made[f"{name}_high"][0])
    assert all(count > 0.9 * runs - 3.5 * math.sqrt(0.09 * runs) for count in held.values()), held


@pytest.mark.parametrize("model", ["stationary", "transient"])
@pytest.mark.parametrize("period", ["day", "week", "month", "hour", None])
def test_periods_are_sums_divided_last(model: str, period: str | None) -> None:
    rng = np.random.default_rng(6)
    plan = pd.concat([two_queues(rng), two_queues(rng).assign(interval_start=lambda t: t["interval_start"] + pd.Timedelta("27D22h"))])
    plan = plan.assign(target_service_level=rng.uniform(0.7, 0.9, len(plan)))
    rows = evaluate_staffing(plan, model=model)
    made = evaluate_staffing(plan, model=model, period=period, timezone="Europe/London", replications=0)
    local = rows["interval_start"].dt.tz_convert("Europe/London")
    label = {
        "day": local.dt.strftime("%Y-%m-%d"),
        "month": local.dt.strftime("%Y-%m"),
        "week": local.dt.strftime("%G-%V"),
        "hour": local.dt.strftime("%Y-%m-%d %H"),
        None: local.dt.strftime("all"),
    }[period]
    groups = rows.groupby(["queue", label], observed=True)
    assert len(made) == groups.ngroups
    for (_, part), (_, row) in zip(groups, made.iterrows(), strict=True):
        offered = part["expected_offered"].sum()
        answered = [o * (1 - a) for o, a in zip(part["expected_offered"], part["expected_abandonment_rate"], strict=True) if o > 0]
        busy = part[part["expected_offered"] > 0]
        assert row["intervals"] == len(part)
        assert row["expected_offered"] == pytest.approx(offered)
        assert row["agent_hours"] == pytest.approx(part["agents"].sum() / 2)
        weights = {
            "expected_service_level": (busy, busy["expected_offered"]),
            "expected_asa_s": (busy, answered),
            "expected_abandonment_rate": (busy, busy["expected_offered"]),
            "expected_occupancy": (part[part["agents"] > 0], part.loc[part["agents"] > 0, "agents"]),
        }
        for name, (counted, weight) in weights.items():
            value = (counted[name] * weight).sum() / np.sum(weight) if len(counted) else math.nan
            np.testing.assert_allclose(row[name], value, rtol=1e-9, err_msg=name)
        if offered:
            targets = plan.sort_values(["queue", "interval_start"], ignore_index=True).loc[part.index, "target_service_level"]
            assert row["target_service_level"] == pytest.approx((targets * part["expected_offered"]).sum() / offered)


def live_through(rng: random.Random, *, offered: list[float], agents: list[int], cv: float) -> tuple[int, int]:
    """One day in plain Python: contacts in time, and contacts. Agents finish what they have in hand."""
    factor = rng.gammavariate(cv**-2, cv**2) if cv else 1.0
    arrivals, at = [], 0.0
    for number, mean in enumerate(offered):
        at = number * 1800.0
        while mean * factor > 0:
            at += rng.expovariate(mean * factor / 1800)
            if at >= (number + 1) * 1800:
                break
            arrivals.append(at)
    events = [(each, 1, rng.expovariate(1 / 240)) for each in arrivals] + [(number * 1800.0, 0, n) for number, n in enumerate(agents)]
    heapq.heapify(events)
    waiting: list[tuple[float, float]] = []
    staff = busy = good = 0
    while events:
        now, kind, value = heapq.heappop(events)
        if kind == 0:
            staff = value
        elif kind == 1:
            waiting.append((now, now + value))
        else:
            busy -= 1
        while waiting and busy < staff:
            came, leaves = waiting.pop(0)
            if leaves < now:
                continue
            good += now - came <= 20
            busy += 1
            heapq.heappush(events, (now + rng.expovariate(1 / 180), 2, 0))
    return good, len(arrivals)


@pytest.mark.parametrize("cv", [0.0, 0.3])
def test_probability_of_the_target_against_days_lived_through(cv: float) -> None:
    offered, agents = [40.0, 60.0, 30.0], [5, 9, 5]
    plan = make_plan(3, expected_offered=offered, agents=agents, target_service_level=0.75)
    replications = max(400, int(4000 * EXAM))
    for model in ("stationary", "simulation"):
        made = evaluate_staffing(plan, model=model, period="day", timezone="UTC", arrival_cv=cv, replications=replications, seed=1)
        low, found, high = (made[f"target_met_probability{end}"][0] for end in ("_low", "", "_high"))
        assert 0 < low < found < high < 1
    rng = random.Random(2)
    met, total, contacts = 0, 0, 0
    for _ in range(replications):
        good, count = live_through(rng, offered=offered, agents=agents, cv=cv)
        met += good >= 0.75 * count
        total, contacts = total + good, contacts + count
    share = met / replications
    assert abs(found - share) < 3.5 * math.sqrt((found * (1 - found) + share * (1 - share)) / replications)
    assert made["expected_service_level"][0] == pytest.approx(total / contacts, abs=0.03)
    # Wilson's limits, as they are printed in his paper
    z = 1.959963984540054
    middle, half = (found + z**2 / 2 / replications), z * math.sqrt(found * (1 - found) / replications + z**2 / 4 / replications**2)
    assert low == pytest.approx((middle - half) / (1 + z**2 / replications))
    assert high == pytest.approx((middle + half) / (1 + z**2 / replications))


def test_waiting_together_makes_a_month_less_sure_than_independent_draws() -> None:
    """The share of months that meet the target is far from what independent contacts would make it."""
    plan = make_plan(48 * 5, start="2026-03-02", expected_offered=60.0, agents=8.0)
    level = evaluate_staffing(plan, model="transient", period=None, replications=0)["expected_service_level"][0]
    contacts = 60 * len(plan)
    target = level - 2 * math.sqrt(level * (1 - level) / contacts)  # 98 % sure, were the contacts independent
    made = evaluate_staffing(plan.assign(target_service_level=target), period="month", timezone="UTC", replications=100)
    assert made["target_met_probability_high"][0] < 0.9


@pytest.mark.parametrize("model", ["stationary", "transient"])
def test_expectations_are_averaged_over_busyness(model: str) -> None:
    plan = make_plan(3, agents=[6.0, 8.0, 10.0])
    made = evaluate_staffing(plan, model=model, period=None, timezone="UTC", arrival_cv=0.25, replications=0)
    rng = np.random.default_rng(1)
    factors = np.sort(rng.gamma(16, 1 / 16, 200_000)).reshape(-1, 1000).mean(axis=1)  # 200 equally likely steps
    rows = Rows(*(np.full(3, each) for each in (60.0, 0.0, 180.0, 1800.0, 240.0, 20.0, math.nan)), np.zeros(3, dtype=int))
    rows = rows._replace(agents=np.array([6.0, 8.0, 10.0]))
    sums = [FORMULAS[model](rows._replace(offered=60.0 * factor * np.ones(3))) for factor in factors]
    total = {name: np.mean([each[name].sum() for each in sums]) for name in sums[0]}
    assert made["expected_service_level"][0] == pytest.approx(total["answered_within"] / total["offered"], abs=0.001)
    assert made["expected_asa_s"][0] == pytest.approx(total["total_wait_s"] / total["answered"], rel=0.01)
    sure = evaluate_staffing(plan, model=model, period=None, replications=0)
    assert made["expected_service_level"][0] < sure["expected_service_level"][0] - 0.01


def test_who_is_on_the_floor() -> None:
    plan = make_plan(2, agents=[7.0, 7.5], scheduled_agents=[10.0, 11.0], shrinkage=0.3, roster=[6, 9])
    assert evaluate_staffing(plan, agents="scheduled_agents")["agents"].tolist() == pytest.approx([7.0, 7.7])
    assert evaluate_staffing(plan, agents="roster")["agents"].tolist() == [6.0, 9.0]
    same = evaluate_staffing(plan.assign(agents=[7.0, 7.7]))
    pd.testing.assert_frame_equal(evaluate_staffing(plan, agents="scheduled_agents"), same, rtol=1e-12)
    made = evaluate_staffing(plan.assign(agents=7.5), model="simulation", period=None, replications=300)
    whole = evaluate_staffing(plan.assign(agents=7.5), model="transient", period=None, replications=0)
    assert made["expected_occupancy"][0] == pytest.approx(whole["expected_occupancy"][0], rel=0.03)


def test_overload_without_patience_is_a_limit_and_carried_over() -> None:
    plan = make_plan(3, agents=[4.0, 8.0, 8.0], patience_s=INF)
    still = evaluate_staffing(plan)
    assert still["expected_service_level"][0] == 0
    assert still["expected_asa_s"][0] == INF
    assert still["expected_occupancy"][0] == 1
    assert evaluate_staffing(plan, period=None, replications=0)["expected_asa_s"][0] == INF
    carried = evaluate_staffing(plan, model="transient")
    assert np.isfinite(carried["expected_asa_s"]).all()
    assert carried["expected_service_level"][1] < still["expected_service_level"][1] - 0.2
    assert carried["expected_queue_at_end"][0] > 10


def test_one_bad_row_does_not_cost_the_plan() -> None:
    plan = make_plan(8)
    bad = plan.copy()
    bad.loc[1, "expected_aht_s"] = math.nan
    bad.loc[3, "expected_offered"] = -1.0
    bad.loc[5, "agents"] = INF
    bad.loc[7, "patience_s"] = math.nan
    good = [0, 2, 4, 6]
    for model in ("stationary", "transient", "simulation"):
        with pytest.warns(DataWarning, match=r"4 of 8 intervals cannot be evaluated .* expected_aht_s nan"):
            made = evaluate_staffing(bad, model=model, replications=2)
        assert made.loc[[1, 3, 5, 7], FIGURES].isna().all(axis=None)
        assert made.loc[good, FIGURES].notna().all(axis=None)
        if model != "stationary":
            assert made["expected_queue_at_end"].isna().tolist() == [at not in good for at in range(8)]
    np.testing.assert_allclose(evaluate_quietly(bad).loc[good, FIGURES], evaluate_staffing(plan).loc[good, FIGURES])
    with pytest.warns(DataWarning):
        whole = evaluate_staffing(bad, period=None, replications=10)
    assert whole["intervals"][0] == 4
    assert whole["expected_offered"][0] == 240
    assert whole["agent_hours"][0] == 16
    assert whole["target_service_level"][0] == 0.8
    quiet = plan.assign(expected_offered=0.0, expected_aht_s=math.nan)
    assert evaluate_staffing(quiet, model="transient")["expected_queue_at_end"].tolist() == [0.0] * 8


def evaluate_quietly(plan: pd.DataFrame) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return evaluate_staffing(plan)


@pytest.mark.parametrize("model", ["stationary", "transient", "simulation"])
def test_nobody_on_the_floor(model: str) -> None:
    """All give up, or wait for ever; the other intervals' wait is not lost."""
    plan = make_plan(8, agents=[8.0, 0.0] * 4, expected_offered=np.arange(8) * 50 / 7, definition="sl_answered_only")
    made = evaluate_staffing(plan.iloc[[1]], model=model)
    assert made["expected_abandonment_rate"][0] == pytest.approx(1)
    assert made[["expected_service_level", "expected_asa_s", "expected_occupancy"]].isna().all(axis=None)
    period = evaluate_staffing(plan, model=model, period=None, replications=20)
    assert 0 < period["expected_asa_s"][0] < 1800
    endless = evaluate_staffing(plan.iloc[[1]].assign(patience_s=INF, definition="service_level"), model=model)
    assert endless["expected_service_level"][0] == 0
    assert endless["expected_abandonment_rate"][0] == 0
    assert endless["expected_asa_s"][0] == INF or model != "stationary"


def test_no_threshold_no_service_level() -> None:
    made = evaluate_staffing(make_plan(2, threshold_s=[20.0, math.nan]), model="transient")
    assert made["expected_service_level"].isna().tolist() == [False, True]
    assert made["expected_asa_s"].notna().all()
    without = evaluate_staffing(make_plan(2, target_service_level=math.nan), period=None, replications=5)
    assert math.isnan(without["target_met_probability"][0])
    assert math.isnan(without["target_service_level"][0])


def test_short_abandons_need_their_limit() -> None:
    plan = make_plan(3, definition=pd.Categorical(["sl_excl_short"] * 3), agents=5.0)
    with pytest.raises(TableError, match="short_s"):
        evaluate_staffing(plan)
    made = evaluate_staffing(plan.assign(short_s=5.0))
    load = 60 * 180 / 1800
    queue = {"aht_s": 180.0, "patience_s": 240.0}
    expected = erlang.service_level(5.0, load, threshold_s=20.0, definition="sl_excl_short", short_s=5.0, **queue)
    assert made["expected_service_level"].tolist() == pytest.approx([float(expected)] * 3)
    simulated = evaluate_staffing(plan.assign(short_s=5.0), model="simulation", period=None, replications=200, confidence=0.999)
    carried = evaluate_staffing(plan.assign(short_s=5.0), model="transient", period=None, replications=0)["expected_service_level"][0]
    assert simulated["expected_service_level_low"][0] < carried < simulated["expected_service_level_high"][0]


def with_lines(**options: object) -> pd.DataFrame:
    """A plan for a busy hour on few lines, as it comes."""
    forecast = make_plan(4, expected_offered=[60.0, 90.0, 90.0, 60.0])[
        ["queue", "interval_start", "interval_s", "expected_offered", "expected_aht_s"]
    ]
    asked = {"target_service_level": 0.8, "threshold_s": 20.0, "patience_s": 240.0, "lines": 14}
    return plan_staffing(forecast, **(asked | options))


@pytest.mark.parametrize("patience_s", [INF, 240.0])
@pytest.mark.parametrize("definition", DEFINITIONS)
def test_a_plan_with_lines_is_evaluated_with_them(patience_s: float, definition: str) -> None:
    plan = with_lines(patience_s=patience_s, definition=definition, target_service_level=0.7)
    made = evaluate_staffing(plan)
    pd.testing.assert_frame_equal(made[FIGURES], plan[FIGURES], rtol=1e-9)
    assert (evaluate_staffing(plan.assign(lines=INF))["expected_service_level"] != made["expected_service_level"]).all()
    pd.testing.assert_frame_equal(evaluate_staffing(plan.assign(lines=np.nan)), evaluate_staffing(plan.drop(columns="lines")))


def test_lines_hold_through_the_day_and_in_simulation() -> None:
    plan = with_lines().assign(agents=[5.0, 6.0, 14.0, 20.0])  # more agents than lines in the end: nobody waits
    served = {"aht_s": 180.0, "interval_s": 1800.0, "patience_s": 240.0, "threshold_s": 20.0, "lines": 14}
    found = transient_service(plan["expected_offered"], np.minimum(plan["agents"], 14), **served)
    assert (found.blocked[:3] > 0.01).all()
    made = evaluate_staffing(plan, model="transient")
    for name, expected in (
        ("expected_service_level", found.service_level),
        ("expected_asa_s", found.mean_wait_s),
        ("expected_abandonment_rate", found.abandonment_rate),
        ("expected_occupancy", found.occupancy * [1, 1, 1, 14 / 20]),
    ):
        np.testing.assert_allclose(made[name], expected, rtol=1e-12)
    options = {"model": "simulation", "replications": max(400, int(2000 * EXAM)), "confidence": 0.9999}
    simulated = evaluate_staffing(plan, **options)
    for name in [*FIGURES[:3], "expected_queue_at_end"]:
        assert (simulated[f"{name}_low"] <= made[name]).all(), name
        assert (made[name] <= simulated[f"{name}_high"]).all(), name
    steady = evaluate_staffing(plan)
    assert steady["expected_asa_s"].iloc[2:].tolist() == [0.0, 0.0]
    lost = erlang.erlang_b(14, 6.0)
    assert steady["expected_service_level"].iloc[3] == pytest.approx(1 - lost)
    assert steady["expected_occupancy"].iloc[3] == pytest.approx(6.0 * (1 - lost) / 20)


def test_lines_that_are_never_full_change_no_simulated_contact() -> None:
    plan = two_queues(np.random.default_rng(5))
    plan = plan[~((plan["queue"] == "help") & (plan["expected_offered"] * plan["expected_aht_s"] / 1800 > plan["agents"] - 1))]
    options = {"model": "simulation", "replications": 5, "period": None}
    pd.testing.assert_frame_equal(evaluate_staffing(plan.assign(lines=1e6), **options), evaluate_staffing(plan, **options))


@pytest.mark.parametrize("model", ["stationary", "transient", "simulation"])
def test_a_plan_without_short_abandons_is_evaluated_as_it_comes(model: str) -> None:
    plan = with_lines(definition="sl_excl_short", short_s=5, lines=INF)
    made = evaluate_staffing(plan, model=model, replications=50)
    assert made["definition"].tolist() == ["sl_excl_short"] * 4
    if model == "stationary":
        np.testing.assert_allclose(made["expected_service_level"], plan["expected_service_level"], rtol=1e-9)


def test_erlang_b_is_evaluated_by_its_formula_and_has_no_queue() -> None:
    plan = with_lines(model="erlang_b", lines=INF, patience_s=INF)
    plan.loc[3, "agents"] = 0.0
    made = evaluate_staffing(plan)
    load = plan["expected_offered"].to_numpy() * 180 / 1800
    lost = np.array([float(erlang.erlang_b(n, a)) for n, a in zip(plan["agents"], load, strict=True)])
    np.testing.assert_allclose(made["expected_service_level"], 1 - lost, rtol=1e-9)
    np.testing.assert_allclose(made["expected_occupancy"].iloc[:3], (load * (1 - lost))[:3] / plan["agents"].to_numpy()[:3], rtol=1e-9)
    assert made["expected_asa_s"].fillna(0.0).tolist() == [0.0] * 4
    assert made["expected_abandonment_rate"].tolist() == [0.0] * 4
    day = {"period": "day", "timezone": "UTC"}
    assert evaluate_staffing(plan, replications=0, **day)["expected_service_level"][0] == pytest.approx(
        np.average(1 - lost, weights=plan["expected_offered"])
    )
    for options in ({"model": "transient"}, {"model": "simulation"}):
        with pytest.raises(OptionError, match="erlang_b.*has no queue"):
            evaluate_staffing(plan, **options)
    with pytest.raises(OptionError, match="has no queue.*replications=0"):
        evaluate_staffing(plan, **day)


def test_days_of_the_zone_and_the_night_the_clocks_change() -> None:
    start = pd.Timestamp("2026-03-28", tz="Europe/Berlin")
    starts = pd.date_range(start, start + pd.DateOffset(days=3), freq="30min", inclusive="left").tz_convert("UTC").as_unit("us")
    plan = make_plan(len(starts), interval_start=starts)
    days = evaluate_staffing(plan, period="day", timezone="Europe/Berlin", replications=0)
    assert days["intervals"].tolist() == [48, 46, 48]
    assert str(days["period_start"].dt.tz) == "Europe/Berlin"
    later = plan.assign(interval_start=starts + pd.Timedelta("2D"))
    months = evaluate_staffing(later, period="month", timezone="Europe/Berlin", replications=0)
    assert months["intervals"].tolist() == [94, 48]
    # The queue is carried over midnight and through the night the clocks change: nothing begins empty but the first.
    carried = evaluate_staffing(plan.assign(agents=7.0), model="transient")
    assert (carried["expected_service_level"][0] > carried["expected_service_level"][1:] + 0.01).all()


def test_lengths_that_change_begin_a_run() -> None:
    plan = make_plan(3, agents=5.0)
    plan["interval_s"] = [1800.0, 900.0, 900.0]
    plan["interval_start"] = pd.to_datetime(["2026-03-02 08:00", "2026-03-02 08:30", "2026-03-02 08:45"], utc=True).as_unit("us")
    made = evaluate_staffing(plan, model="transient")
    alone = evaluate_staffing(plan.iloc[1:], model="transient")
    np.testing.assert_allclose(made["expected_service_level"][1:], alone["expected_service_level"])


@pytest.mark.parametrize("model", ["stationary", "transient", "simulation"])
@pytest.mark.parametrize("period", ["interval", "day", None])
def test_no_rows(model: str, period: str | None) -> None:
    full = evaluate_staffing(make_plan(2), model=model, period=period, timezone="UTC", replications=3)
    empty = evaluate_staffing(make_plan(0), model=model, period=period, timezone="UTC", replications=3)
    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns)
    assert len(compare_plans({"none": make_plan(0)}, model=model, period=period, timezone="UTC", replications=2)) == 0


def test_bad_plans_say_what_is_wrong() -> None:
    plan = make_plan(2)
    with pytest.raises(TableError, match=r"'threshold_s' is missing(.|\n)*'agents' is missing(.|\n)*plan.assign"):
        evaluate_staffing(plan.drop(columns=["threshold_s", "agents"]))
    with pytest.raises(TableError, match="'agents' is str, expected numbers"):
        evaluate_staffing(plan.assign(agents="eight"))
    with pytest.raises(TableError, match="'shrinkage' is missing"):
        evaluate_staffing(plan.assign(scheduled_agents=10), agents="scheduled_agents")
    with pytest.raises(TableError, match="reaches into the next one"):
        evaluate_staffing(plan.assign(interval_s=3600.0))
    with pytest.raises(TableError, match="is no service level"):
        evaluate_staffing(plan.assign(definition="sl_of_mine"))
    with pytest.raises(TableError, match="several definitions"):
        evaluate_staffing(plan.assign(definition=["service_level", "sl_answered_only"]))
    for lines in (0.0, "many"):
        with pytest.raises(TableError, match="'lines'"):
            evaluate_staffing(plan.assign(lines=lines))
    with pytest.raises(TableError, match="'short_s'"):
        evaluate_staffing(plan.assign(short_s="few"))
    with pytest.raises(OptionError, match="lines= change"):
        evaluate_staffing(plan.assign(lines=[9.0, 10.0]), model="simulation", replications=2)
    with pytest.raises(OptionError, match="only model='stationary'"):
        evaluate_staffing(plan.assign(definition="sl_virtual"), model="transient")
    with pytest.raises(TableError, match="Arrow"):
        evaluate_staffing([1, 2])


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"model": "erlang_c"}, OptionError, "stationary, transient, simulation"),
        ({"period": "fortnight"}, OptionError, "interval, hour, day, week, month, quarter, year"),
        ({"period": "day"}, ZoneError, "say timezone="),
        ({"arrival_cv": 0.1}, ZoneError, "say timezone="),
        ({"period": "day", "timezone": "Berlin"}, ZoneError, "Europe/Berlin"),
        ({"arrival_cv": -1}, OptionError, "arrival_cv"),
        ({"arrival_cv": math.nan}, OptionError, "arrival_cv"),
        ({"replications": -1}, OptionError, "replications"),
        ({"replications": 1, "model": "simulation"}, OptionError, "2 or more"),
        ({"replications": 0, "model": "simulation"}, OptionError, "^replications=0 must be a whole number, 2 or more: model='simulation'"),
        ({"replications": 2.5}, OptionError, "0 or more"),
        ({"replications": INF}, OptionError, "0 or more"),
        ({"seed": -1}, OptionError, "seed=-1 must be a whole number from 0 on"),
        ({"seed": 1.5}, OptionError, "seed=1.5"),
        ({"seed": "one"}, OptionError, "seed='one'"),
        ({"seed": None}, OptionError, "seed=None"),
        ({"confidence": 95}, OptionError, "between 0 and 1"),
    ],
)
def test_bad_options_say_what_is_allowed(options: dict, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        evaluate_staffing(make_plan(1), **options)


def mm1(offered: float, aht: float, threshold: float) -> tuple[float, float]:
    """Service level and mean wait of one agent, nobody gives up: a textbook's two formulas."""
    busy = offered * aht / 1800
    return 1 - busy * math.exp(-(1 - busy) * threshold / aht), busy / (1 - busy) * aht


def test_two_plans_of_two_rows_by_hand() -> None:
    first = make_plan(2, expected_offered=[5.0, 8.0], agents=1.0, patience_s=INF, scheduled_agents=2.0, target_service_level=0.5)
    second = first.assign(expected_offered=[5.0, 4.0], scheduled_agents=1.5)
    made = compare_plans({"first": first, "second": second})
    assert made["plan"].tolist() == ["first", "second"]
    for row, offered in ((0, (5.0, 8.0)), (1, (5.0, 4.0))):
        levels, waits = zip(*(mm1(each, 180.0, 20.0) for each in offered), strict=True)
        contacts = sum(offered)
        assert made["expected_offered"][row] == contacts
        assert made["expected_service_level"][row] == pytest.approx(sum(c * v for c, v in zip(offered, levels, strict=True)) / contacts)
        assert made["expected_asa_s"][row] == pytest.approx(sum(c * v for c, v in zip(offered, waits, strict=True)) / contacts)
        assert made["expected_occupancy"][row] == pytest.approx(contacts * 180 / 3600)
        assert made["expected_abandonment_rate"][row] == 0
        assert made["intervals_below_target"][row] == sum(level < 0.5 for level in levels)
    assert made["intervals_below_target"].tolist() == [1, 0]
    assert made["agent_hours"].tolist() == [1.0, 1.0]
    assert made["scheduled_hours"].tolist() == [2.0, 1.5]
    figures = [name for name in made.columns if f"{name}_difference" in made.columns]
    assert len(figures) == 8
    for name in figures:
        assert made[f"{name}_difference"].tolist() == pytest.approx([0.0, made[name][1] - made[name][0]])


def test_plans_are_compared_by_queue_and_period() -> None:
    rng = np.random.default_rng(8)
    plan = two_queues(rng)
    more = plan.assign(agents=plan["agents"] + 1)
    only_sales = plan[plan["queue"] == "sales"]
    made = compare_plans({"sales": only_sales, "more": more}, period="day", timezone="UTC", model="transient")
    assert made[["plan", "queue"]].astype("str").to_numpy().tolist() == [["sales", "sales"], ["more", "help"], ["more", "sales"]]
    assert made["expected_service_level_difference"].isna().tolist() == [False, True, False]
    assert made["expected_service_level_difference"][2] > 0
    assert made["scheduled_hours"].isna().all()
    with pytest.raises(OptionError, match="dict of names and plans"):
        compare_plans({})
    with pytest.raises(OptionError, match="dict of names and plans"):
        compare_plans([plan])


def test_simulated_plans_meet_the_same_contacts() -> None:
    plan = make_plan(6, agents=6.0)
    made = compare_plans({"six": plan, "seven": plan.assign(agents=7.0)}, model="simulation", replications=5)
    assert made["expected_service_level_difference"][1] > 0.02
    assert made["expected_asa_s_difference"][1] < 0
    rows = [Rows(*(np.full(3, x) for x in (60.0, n, 180.0, 1800.0, 240.0, 20.0, math.nan)), np.zeros(3, dtype=int)) for n in (6.0, 9.0)]
    few, many = (simulate_once(each, np.random.SeedSequence(3)) for each in rows)
    np.testing.assert_array_equal(few["offered"], many["offered"])
    assert (few["answered_within"] <= many["answered_within"]).all()


def test_overloaded_plans_compared_have_no_difference_of_infinities() -> None:
    plan = make_plan(2, agents=4.0, patience_s=INF)
    made = compare_plans({"a": plan, "b": plan})
    assert made["expected_asa_s"].tolist() == [INF, INF]
    assert made["expected_asa_s_difference"].isna().all()


@settings(max_examples=max(10, int(300 * EXAM)), deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.just(0.0), st.floats(1e-9, 200)), st.integers(0, 40), st.floats(30, 900), st.sampled_from([60.0, 600.0, INF])
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["stationary", "transient"]),
)
def test_shares_are_shares(rows: list[tuple[float, int, float, float]], model: str) -> None:
    offered, agents, aht, patience = (list(each) for each in zip(*rows, strict=True))
    plan = make_plan(len(rows), expected_offered=offered, agents=agents, expected_aht_s=aht, patience_s=patience)
    made = evaluate_staffing(plan, model=model)
    for name in ("expected_service_level", "expected_abandonment_rate", "expected_occupancy"):
        known = made[name].dropna()
        assert known.between(-1e-9, 1 + 1e-9).all(), name
    assert (made["expected_service_level"].isna() == (plan["expected_offered"] == 0)).all()
    assert (made["expected_asa_s"].dropna() >= 0).all()
