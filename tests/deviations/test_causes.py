"""Attribution of a missed service level: worked figures, loops over all orders, and sums that must be exact."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise, permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from cause_cases import Row, intervals_of, plan_of, rostered_of, staff_of
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.deviations.joined import join_plan
from ccstats.deviations.shapley import attribute, subsets
from ccstats.deviations.wording import describe_causes
from ccstats.errors import ColumnError, DataWarning, OptionError, TableError
from ccstats.expectation.expected import Rows, stationary_sums, transient_sums

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
WORKED = pd.read_csv(Path(__file__).parents[1] / "reference" / "attribution.csv", keep_default_na=False)
MODELS = {"ErlangC": ("erlang_c", np.inf), "ErlangA180": ("erlang_a", 180.0)}
DRIVERS = {"volume": "volume", "AHT": "handle_time", "agents": "scheduled_agents"}
KINDS = {"Shapley": "contribution", "one at a time": "one_at_a_time", "last in": "last_in"}
STAFF = ["scheduled_agents", "shrinkage", "adherence"]


def explained(rows: list[Row], **asked: object) -> pd.DataFrame:
    plan = plan_of(rows, patience_s=float(asked.pop("plan_patience_s", np.inf)))
    return cc.explain_service_level(plan, intervals_of(rows), staff_of(rows), **{"replications": 0, **asked})


def level(calls: float, aht: float, agents: float, patience: float, length: float = 1800.0) -> float:
    """The service level of one interval by the plain formula; of nobody, that of the first to come."""
    load = max(calls, 1e-9) * aht / length
    return float(cc.erlang.service_level(agents, load, aht_s=aht, threshold_s=20, patience_s=patience))


def over_orders(value: Callable[[frozenset[str]], float], drivers: list[str]) -> dict[str, tuple[float, float, float]]:
    """Mean, least and most of what each adds, by a plain loop over all orders."""
    known: dict[frozenset[str], float] = {}
    added: dict[str, list[float]] = {name: [] for name in drivers}
    for order in permutations(drivers):
        steps = [frozenset(order[:k]) for k in range(len(order) + 1)]
        for step in steps:
            if step not in known:
                known[step] = value(step)
        for name, (before, after) in zip(order, pairwise(steps), strict=True):
            added[name].append(known[after] - known[before])
    return {name: (float(np.mean(each)), min(each), max(each)) for name, each in added.items()}


def worked_case(row: pd.Series) -> tuple[list[Row], float, str]:
    model, patience = MODELS[row["model"]]
    planned, actual = ([float(row[f"{side}_{name}"]) for name in ("calls_h", "aht", "agents")] for side in ("plan", "act"))
    # The figures are per hour: an hour is one interval.
    return [Row((planned[0], int(actual[0])), (planned[1], actual[1]), (planned[2], actual[2]))], patience, model


@lru_cache
def worked_answer(rows: tuple[Row], patience: float, model: str) -> pd.DataFrame:
    plan = plan_of(rows, length_s=3600.0, patience_s=patience)
    came, there = intervals_of(rows, length_s=3600.0), staff_of(rows, length_s=3600.0)
    rostered = rostered_of(rows, [rows[0].agents[1]], length_s=3600.0)
    return cc.explain_service_level(plan, came, there, model=model, scheduled=rostered, replications=0).set_index("driver")


@pytest.mark.parametrize("number", range(len(WORKED)))
def test_worked_figures(number: int) -> None:
    row = WORKED.iloc[number]
    rows, patience, model = worked_case(row)
    why = worked_answer(tuple(rows), patience, model)
    kind, _, who = str(row["quantity"]).partition(": ")
    if kind in KINDS:
        found = why.loc[DRIVERS[who], KINDS[kind]]
        assert not why.loc[["shrinkage", "adherence"], KINDS[kind]].any()
    elif kind == "unexplained by one-at-a-time":
        found = why["expected_service_level"].iloc[0] - why["planned_service_level"].iloc[0] - why["one_at_a_time"].sum()
    else:
        found = why[{"SL plan": "planned_service_level", "SL actual": "expected_service_level"}[kind]].iloc[0]
    assert found == pytest.approx(float(row["value"]), abs=5e-5)
    assert len(WORKED) == 24


@pytest.mark.parametrize("number", range(len(WORKED)))
def test_worked_figures_from_arrays(number: int) -> None:
    row = WORKED.iloc[number]
    (only,), patience, _ = worked_case(row)
    pairs = only.offered, only.aht_s, only.agents
    game = [level(*(pair[bit] for pair, bit in zip(pairs, members.astype(int), strict=True)), patience, 3600.0) for members in subsets(3)]
    made = attribute(game)
    kind, _, who = str(row["quantity"]).partition(": ")
    if kind in KINDS:
        found = getattr(made, {"contribution": "shapley"}.get(KINDS[kind], KINDS[kind]))[list(DRIVERS).index(who), 0]
    else:
        one = float(made.one_at_a_time.sum())
        found = {"SL plan": game[0], "SL actual": game[-1], "unexplained by one-at-a-time": game[-1] - game[0] - one}[kind]
    assert found == pytest.approx(float(row["value"]), abs=5e-5)


whole = st.integers(0, 120)
real_rows = st.lists(
    st.builds(
        Row,
        offered=st.tuples(st.one_of(st.just(0.0), st.floats(0.1, 120)), whole),
        aht_s=st.tuples(st.floats(30, 600), st.floats(30, 600)),
        agents=st.tuples(
            st.one_of(st.just(0.0), st.floats(0.5, 30)), st.one_of(st.just(0.0), st.integers(1, 30).map(float), st.floats(0.5, 30))
        ),
        shrinkage=st.sampled_from([0.0, 0.25, 0.4]),
        pause=st.sampled_from([0.0, 0.1, 0.5]),
        queue=st.just("sales"),
        slot=st.just(0),
        within=st.none(),
    ),
    min_size=1,
    max_size=5,
).map(lambda rows: [row._replace(slot=slot // 2, queue=("sales", "support")[slot % 2]) for slot, row in enumerate(rows)])


def drop_silence(rows: list[Row]) -> list[Row]:
    """Rows of which at least one agent is known, so that there is a table of agents."""
    return rows if any(row.agents[1] > 0 for row in rows) else [*rows[:-1], rows[-1]._replace(agents=(rows[-1].agents[0], 3.0))]


@given(rows=real_rows.map(drop_silence), model=st.sampled_from(["erlang_a", "erlang_c", "transient"]), by=st.sampled_from(["queue", ()]))
@settings(max_examples=max(int(1000 * EXAM), 20), deadline=None)
def test_contributions_add_up(rows: list[Row], model: str, by: object) -> None:
    why = explained(rows, model=model, by=by, plan_patience_s=120.0)
    groups = why.groupby("queue", observed=True) if by else [("all", why)]
    for _, part in groups:
        if np.isnan(part["service_level"].iloc[0]) or np.isnan(part["planned_service_level"].iloc[0]):
            continue
        total = part["planned_service_level"].iloc[0] + part["contribution"].sum()
        assert total == pytest.approx(part["service_level"].iloc[0], abs=1e-12)
        inner = part[~part["driver"].isin(["mix", "residual"])]
        mix, residual = (part.loc[part["driver"] == name, "contribution"].iloc[0] for name in ("mix", "residual"))
        expected = part["planned_service_level"].iloc[0] + mix + inner["contribution"].sum()
        assert expected == pytest.approx(part["expected_service_level"].iloc[0], abs=1e-12)
        assert residual == pytest.approx(part["service_level"].iloc[0] - expected, abs=1e-12)
        assert (inner["lowest"] <= inner["contribution"] + 1e-12).all()
        assert (inner["highest"] >= inner["contribution"] - 1e-12).all()


@given(rows=real_rows, model=st.sampled_from(["erlang_a", "erlang_c"]))
@settings(max_examples=max(int(200 * EXAM), 8), deadline=None)
def test_is_the_loop_over_all_orders(rows: list[Row], model: str) -> None:
    rows = [row._replace(offered=(row.offered[0], max(row.offered[1], 1)), agents=(row.agents[0] + 1, row.agents[1] + 1)) for row in rows]
    rows = [row._replace(offered=(row.offered[0] + 1, row.offered[1])) for row in rows]
    patience = {"erlang_a": 150.0, "erlang_c": np.inf}[model]
    why = explained(rows, model=model, by=(), plan_patience_s=150.0).set_index("driver")
    joined = join_plan(plan_of(rows), intervals_of(rows), staff_of(rows))
    came = joined["offered"].sum()

    def value(have: frozenset[str]) -> float:
        total = 0.0
        for row in joined.to_dict("records"):

            def of(driver: str, name: str, row: dict = row) -> float:
                return row[name] if driver in have else row[f"planned_{name}"]

            agents = of("scheduled_agents", "scheduled_agents") * (1 - of("shrinkage", "shrinkage")) * of("adherence", "adherence")
            total += row["offered"] / came * level(of("volume", "offered"), of("handle_time", "aht_s"), agents, patience)
        return total

    drivers = ["volume", "handle_time", *STAFF]
    planned = [level(row.offered[0], row.aht_s[0], row.agents[0], patience) for row in rows]
    start = np.average(planned, weights=[row.offered[0] for row in rows])
    assert why["planned_service_level"].iloc[0] == pytest.approx(start, abs=1e-9)
    assert why.loc["mix", "contribution"] == pytest.approx(value(frozenset()) - start, abs=1e-9)
    assert why["expected_service_level"].iloc[0] == pytest.approx(value(frozenset(drivers)), abs=1e-9)
    for driver, (mean, least, most) in over_orders(value, drivers).items():
        assert why.loc[driver, "contribution"] == pytest.approx(mean, abs=1e-9)
        assert why.loc[driver, "lowest"] == pytest.approx(least, abs=1e-9)
        assert why.loc[driver, "highest"] == pytest.approx(most, abs=1e-9)
        assert why.loc[driver, "one_at_a_time"] == pytest.approx(value(frozenset([driver])) - value(frozenset()), abs=1e-9)
        assert why.loc[driver, "last_in"] == pytest.approx(value(frozenset(drivers)) - value(frozenset(drivers) - {driver}), abs=1e-9)


MORNING = [
    Row((30.0, 38), (180.0, 200.0), (6.0, 5.0), slot=0, shrinkage=0.25, within=20),
    Row((50.0, 47), (180.0, 175.0), (8.0, 8.0), slot=1, shrinkage=0.25, pause=0.3, within=41),
    Row((20.0, 26), (180.0, 210.0), (4.0, 3.0), slot=2, shrinkage=0.25, within=15),
]


def finer(rows: list[Row], shares: list[list[int]]) -> pd.DataFrame:
    """The same counts in ten-minute steps: so many contacts in each."""
    steps = []
    for row, counts in zip(rows, shares, strict=True):
        within = [row.within or 0, 0, 0]
        steps += [row._replace(slot=3 * row.slot + k, offered=(0.0, count), within=min(within[k], count)) for k, count in enumerate(counts)]
    return intervals_of(steps, length_s=600.0)


def test_transient_is_the_day_evaluated_directly() -> None:
    shares = [[30, 4, 4], [15, 16, 16], [6, 0, 20]]
    assert [sum(each) for each in shares] == [row.offered[1] for row in MORNING]
    plan, fine, there = plan_of(MORNING, patience_s=120.0), finer(MORNING, shares), staff_of(MORNING)
    why = cc.explain_service_level(plan, fine, there, model="transient", replications=0).set_index("driver")
    joined = join_plan(plan, intervals_of(MORNING), there)

    def value(have: frozenset[str]) -> float:
        def of(driver: str, name: str) -> np.ndarray:
            return np.repeat(joined[name if driver in have else f"planned_{name}"].to_numpy(dtype="float64"), 3)

        pattern = np.concatenate(shares) / np.repeat([sum(each) for each in shares], 3) if "arrival_pattern" in have else np.full(9, 1 / 3)
        one = np.ones(9)
        agents = of("scheduled_agents", "scheduled_agents") * (1 - of("shrinkage", "shrinkage")) * of("adherence", "adherence")
        offered = of("volume", "offered") * pattern
        rows = Rows(offered, agents, of("handle_time", "aht_s"), 600 * one, 120 * one, 20 * one, np.nan * one, np.zeros(9, dtype=int))
        sums = transient_sums(rows)
        within, all_ = (sums[name].reshape(3, 3).sum(axis=1) for name in ("answered_within", "offered"))
        return float(np.average(within / all_, weights=[row.offered[1] for row in MORNING]))

    drivers = ["volume", "handle_time", *STAFF, "arrival_pattern"]
    assert why.index.tolist() == ["mix", *drivers, "residual"]
    assert why["expected_service_level"].iloc[0] == pytest.approx(value(frozenset(drivers)), abs=1e-7)
    for driver, (mean, least, most) in over_orders(value, drivers).items():
        assert why.loc[driver, "contribution"] == pytest.approx(mean, abs=1e-7)
        assert why.loc[driver, "lowest"] == pytest.approx(least, abs=1e-7)
        assert why.loc[driver, "highest"] == pytest.approx(most, abs=1e-7)
    assert why.loc["arrival_pattern", "contribution"] < -0.01
    away = [sum(abs(count / sum(each) - 1 / 3) for count in each) / 2 for each in shares]
    assert why.loc["arrival_pattern", "actual"] == pytest.approx(np.average(away, weights=[sum(each) for each in shares]))
    assert why["planned_service_level"].iloc[0] + why["contribution"].sum() == pytest.approx(why["service_level"].iloc[0], abs=1e-12)


def test_transient_without_finer_counts_has_five_drivers_and_carries_the_queue() -> None:
    through = explained(MORNING, model="transient", plan_patience_s=120.0)
    alone = explained(MORNING, model="erlang_a", plan_patience_s=120.0)
    assert through["driver"].astype("str").tolist() == ["mix", "volume", "handle_time", *STAFF, "residual"]
    assert abs(through["expected_service_level"][0] - alone["expected_service_level"][0]) > 1e-3
    even = cc.explain_service_level(
        plan_of(MORNING), finer(MORNING, [[13, 13, 12], [16, 15, 16], [9, 8, 9]]), model="transient", replications=0
    )
    assert abs(even.set_index("driver").loc["arrival_pattern", "contribution"]) < 0.01


def test_agents_are_those_that_make_up_for_it() -> None:
    why = explained(MORNING, plan_patience_s=120.0, target=0.9).set_index("driver")
    came = np.array([row.offered[1] for row in MORNING])

    def with_more(more: float) -> float:
        each = [level(row.offered[1], row.aht_s[1], row.agents[1] + more, 120.0) for row in MORNING]
        return float(np.average(each, weights=came))

    assert with_more(0) == pytest.approx(why["expected_service_level"].iloc[0])
    for driver in ("mix", "volume", "handle_time", *STAFF):
        reached = with_more(why.loc[driver, "agents"])
        assert reached == pytest.approx(why["expected_service_level"].iloc[0] - why.loc[driver, "contribution"], abs=1e-7)
    assert with_more(why["agents_for_plan"].iloc[0]) == pytest.approx(why["planned_service_level"].iloc[0], abs=1e-7)
    assert with_more(why["agents_for_target"].iloc[0]) == pytest.approx(0.9, abs=1e-7)
    assert np.isnan(why.loc["residual", "agents"])


@pytest.mark.parametrize("model", ["erlang_a", "erlang_c", "transient"])
def test_agents_by_interval_too(model: str) -> None:
    why = explained(MORNING, plan_patience_s=120.0, period="interval", model=model)
    assert why["period_start"].nunique() == 3
    if model == "transient":
        return
    patience = {"erlang_a": 120.0, "erlang_c": np.inf}[model]
    for row, (_, part) in zip(MORNING, why.groupby("period_start"), strict=True):
        part = part.set_index("driver")
        for driver in ("volume", "handle_time", *STAFF):
            wanted = part["expected_service_level"].iloc[0] - part.loc[driver, "contribution"]
            more = part.loc[driver, "agents"]
            if np.isfinite(more):
                reached = level(row.offered[1], row.aht_s[1], max(row.agents[1] + more, 0.0), patience)
                assert reached == pytest.approx(wanted, abs=1e-7)


def test_no_number_of_agents_and_fewer_than_none() -> None:
    hopeless = explained([Row((50, 50), (180.0, 180.0), (8, 5), within=10)], target=1.0).set_index("driver")
    assert hopeless["agents_for_target"].iloc[0] == np.inf or hopeless["agents_for_target"].iloc[0] > 20
    nobody = explained([Row((50, 50), (180.0, 180.0), (8, 0.0)), Row((1, 1), (180.0, 180.0), (1, 1), slot=1)], period="interval")
    first = nobody[nobody["period_start"] == nobody["period_start"].min()].set_index("driver")
    assert first["expected_service_level"].iloc[0] == 0
    assert first["agents_for_plan"].iloc[0] == pytest.approx(8, abs=1e-6)


def test_queues_roll_up_by_contacts() -> None:
    rows = [
        Row((60.0, 30), (200.0, 220.0), (9.0, 8.0), queue="sales", within=20),
        Row((40.0, 90), (300.0, 280.0), (9.0, 10.0), queue="support", within=40),
        Row((40.0, 50), (300.0, 310.0), (9.0, 9.0), queue="support", slot=1, within=45),
    ]
    each = explained(rows, plan_patience_s=150.0)
    together = explained(rows, plan_patience_s=150.0, by=()).set_index("driver")
    weights = each.groupby("queue", observed=True)["counted"].first()
    weights = weights / weights.sum()
    for driver in ("volume", "handle_time", *STAFF, "residual"):
        parts = each[each["driver"] == driver].set_index("queue")["contribution"]
        assert together.loc[driver, "contribution"] == pytest.approx((parts * weights).sum(), abs=1e-12)
    # The mix is that within the queues and that over them.
    within = (each[each["driver"] == "mix"].set_index("queue")["contribution"] * weights).sum()
    planned = each.groupby("queue", observed=True)["planned_service_level"].first()
    over = (planned * weights).sum() - np.average(planned, weights=[60, 80])
    assert together.loc["mix", "contribution"] == pytest.approx(within + over, abs=1e-12)
    assert "queue" not in together


def test_periods_add_up_to_the_whole() -> None:
    rows = [row._replace(slot=row.slot + day * 48) for day in range(3) for row in MORNING]
    days = explained(rows, period="day", plan_patience_s=120.0)
    whole_ = explained(rows, plan_patience_s=120.0).set_index("driver")
    assert len(days) == 3 * 7
    means = days[days["driver"].isin(["volume", *STAFF])].groupby("driver", observed=True)["contribution"].mean()
    for driver, value in means.items():  # every day is the same
        assert whole_.loc[driver, "contribution"] == pytest.approx(value, abs=1e-12)
    assert explained(rows, period="weekday", plan_patience_s=120.0)["weekday"].astype("str").unique().tolist() == [
        "Monday",
        "Tuesday",
        "Wednesday",
    ]
    assert explained(rows, period="slot", plan_patience_s=120.0)["slot"].nunique() == 3


def test_values_in_their_own_units() -> None:
    why = explained(MORNING, plan_patience_s=120.0).set_index("driver")
    assert why.loc["volume", ["planned", "actual"]].tolist() == [100.0, 111.0]
    assert why.loc["handle_time", "planned"] == pytest.approx(180.0)
    assert why.loc["handle_time", "actual"] == pytest.approx(np.average([200, 175, 210], weights=[38, 47, 26]))
    planned, actual = (
        (1 - why.loc["shrinkage", side]) * why.loc["scheduled_agents", side] * why.loc["adherence", side] for side in ("planned", "actual")
    )
    assert planned == pytest.approx(np.mean([6, 8, 4]))
    assert actual == pytest.approx(np.mean([5, 8, 3]))
    assert why["unit"].astype("str").tolist() == ["0-1", "contacts", "s", "agents", "0-1", "0-1", "0-1"]
    assert why.loc["mix", "planned"] == why["planned_service_level"].iloc[0]
    assert why.loc["residual", ["planned", "actual"]].tolist() == why[["expected_service_level", "service_level"]].iloc[0].tolist()
    assert why["late"].iloc[0] == 111 - (20 + 41 + 15)
    assert why["contacts"].sum() == pytest.approx(111 * (why["service_level"].iloc[0] - why["planned_service_level"].iloc[0]))


def test_noise_is_named_and_so_is_what_is_not() -> None:
    rows = [row._replace(shrinkage=0.0, pause=0.0) for row in MORNING]
    expected = explained(rows, plan_patience_s=120.0)["expected_service_level"][0]
    for share, noise in ((expected, True), (max(expected - 0.45, 0.0), False)):
        usual = [row._replace(within=round(share * row.offered[1])) for row in rows]
        why = explained(usual, plan_patience_s=120.0, replications=100).set_index("driver")
        assert why.loc["residual", "noise"] is np.bool_(noise) or bool(why.loc["residual", "noise"]) == noise
        assert why["noise"].notna().sum() == 1
        low, high = why.loc["residual", ["residual_low", "residual_high"]]
        assert low < high
        assert (low <= why.loc["residual", "contribution"] <= high) == noise
    again = [explained(rows, plan_patience_s=120.0, replications=30, seed=seed)["residual_low"].iloc[-1] for seed in (1, 1, 2)]
    assert again[0] == again[1] != again[2]


def test_lines_of_the_plan_hold_for_what_happened_too() -> None:
    tables = plan_of(MORNING, patience_s=120.0), intervals_of(MORNING), staff_of(MORNING)
    free = cc.explain_service_level(*tables, replications=0)
    few = cc.explain_service_level(tables[0].assign(lines=8.0), *tables[1:], replications=20)
    assert few["planned_service_level"][0] != free["planned_service_level"][0]
    one = [row[1] for row in zip(MORNING, [6.0, 8.0, 4.0], strict=True)]
    loads = [row.offered[0] * row.aht_s[0] / 1800 for row in MORNING]
    levels = cc.erlang.service_level(one, loads, aht_s=180, threshold_s=20, patience_s=120, lines=8)
    assert few["planned_service_level"][0] == pytest.approx(np.average(levels, weights=[30, 50, 20]), abs=1e-9)
    assert few["planned_service_level"][0] + few["contribution"].sum() == pytest.approx(few["service_level"][0], abs=1e-12)
    assert few["residual_low"].iloc[-1] < few["residual_high"].iloc[-1]


def test_nothing_was_planned() -> None:
    why = explained([Row((0.0, 12), (180.0, 200.0), (0, 3), within=10)], plan_patience_s=120.0).set_index("driver")
    assert np.isnan(why["planned_service_level"].iloc[0])
    assert np.isnan(why.loc["mix", "contribution"])
    assert why.loc["scheduled_agents", "one_at_a_time"] == 1  # of the first to come, with somebody there
    assert why.loc["residual", "contribution"] == pytest.approx(10 / 12 - level(12, 200, 3, 120), abs=1e-12)
    assert np.isneginf(why.loc["scheduled_agents", "agents"])


def test_spread_narrows_with_the_contacts() -> None:
    day = [row._replace(slot=row.slot + 3 * turn) for turn in range(8) for row in MORNING]
    wide, narrow = (explained(rows, plan_patience_s=120.0, replications=60).iloc[-1] for rows in (MORNING, day))
    assert narrow["residual_high"] - narrow["residual_low"] < wide["residual_high"] - wide["residual_low"]


def test_without_agents_their_effect_is_in_the_residual() -> None:
    why = cc.explain_service_level(plan_of(MORNING), intervals_of(MORNING), replications=0)
    assert why["driver"].astype("str").tolist() == ["mix", "volume", "handle_time", "residual"]
    assert why["note"].str.contains("no agent_intervals").all()
    with pytest.raises(OptionError, match="agent_intervals"):
        cc.explain_service_level(plan_of(MORNING), intervals_of(MORNING), scheduled=rostered_of(MORNING, [6, 8, 4]))


def test_patience_is_the_plans_or_estimated() -> None:
    came = intervals_of(MORNING).assign(abandoned=4, total_abandon_wait_s=200.0, total_wait_s=280.0)
    rows = {"plan": 90.0, "estimated": np.inf}
    notes = {
        name: cc.explain_service_level(plan_of(MORNING, patience_s=each), came, staff_of(MORNING), replications=0)
        for name, each in rows.items()
    }
    assert notes["plan"]["note"][0] == "patience 90 s"
    assert notes["estimated"]["note"][0] == "patience 120 s"
    given_ = cc.explain_service_level(plan_of(MORNING, patience_s=90.0), came, staff_of(MORNING), patience_s=120.0, replications=0)
    pd.testing.assert_frame_equal(given_, notes["estimated"])


def test_definitions_have_their_own_weights() -> None:
    came = intervals_of(MORNING).assign(answered=[30, 45, 20], abandoned=[8, 2, 6])
    plan, there = plan_of(MORNING, patience_s=120.0), staff_of(MORNING)
    for definition in ("sl_answered_only", "sl_excl_flowout", "sl_early_abandoned_met"):
        why = cc.explain_service_level(plan, came, there, definition=definition, replications=0)
        assert why["definition"].astype("str").unique().tolist() == [definition]
        assert why["planned_service_level"][0] + why["contribution"].sum() == pytest.approx(why["service_level"][0], abs=1e-12)
        measured = cc.measure_service(came, by="queue", definition=definition)[definition][0]
        assert why["service_level"][0] == pytest.approx(measured)
        one = np.ones(3)
        planned = Rows(
            plan["expected_offered"].to_numpy(),
            plan["agents"].to_numpy(),
            180 * one,
            1800 * one,
            120 * one,
            20 * one,
            np.nan * one,
            np.zeros(3, int),
        )
        sums = stationary_sums(planned)
        if definition == "sl_answered_only":
            assert why["planned_service_level"][0] == pytest.approx(sums["answered_within"].sum() / sums["answered"].sum(), abs=1e-9)


def test_what_is_left_out_is_counted() -> None:
    plan = plan_of(MORNING[:2], patience_s=120.0)
    with pytest.warns(DataWarning, match="left out"):
        why = cc.explain_service_level(plan, intervals_of(MORNING), staff_of(MORNING), replications=0)
    assert why["unexplained"][0] == pytest.approx(26 / 111)
    assert why["counted"][0] == 38 + 47


def test_overload_is_said_where_nobody_gives_up() -> None:
    rows = [Row((50, 60), (180.0, 200.0), (6, 5), within=3)]
    c, a = (explained(rows, model=model, patience_s=120.0) for model in ("erlang_c", "erlang_a"))
    assert "overload" in c["note"][0]
    assert "overload" not in a["note"][0]
    assert c["expected_service_level"][0] == 0


def test_inputs_stay_and_arrow_is_taken() -> None:
    polars = pytest.importorskip("polars")
    tables = plan_of(MORNING, patience_s=120.0), intervals_of(MORNING), staff_of(MORNING)
    before = [table.copy(deep=True) for table in tables]
    why = cc.explain_service_level(*tables, replications=0)
    for table, copy in zip(tables, before, strict=True):
        pd.testing.assert_frame_equal(table, copy)
    arrow = cc.explain_service_level(*(polars.from_pandas(table) for table in tables), replications=0)
    pd.testing.assert_frame_equal(arrow, why, check_categorical=False)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"model": "erlang_aa"}, "Did you mean erlang_a"),
        ({"period": "dai"}, "day"),
        ({"by": "agent"}, "by='agent'"),
        ({"definition": "servicelevel"}, "Did you mean service_level"),
        ({"patience_s": 0}, "patience_s"),
        ({"patience_s": "x"}, "patience_s='x' must be a positive number"),
        ({"target": 80}, "target"),
        ({"target": "x"}, "target='x' must be"),
        ({"replications": -1}, "replications"),
        ({"coverage": 1.0}, "coverage"),
        ({"coverage": "x"}, "coverage='x' must lie"),
        ({"timezone": "Mars"}, "timezone"),
    ],
)
def test_bad_options(asked: dict[str, object], said: str) -> None:
    with pytest.raises(cc.CcstatsError, match=said):
        explained(MORNING, period=asked.pop("period", "day"), **asked)


def test_tables_that_do_not_fit() -> None:
    plan, came, there = plan_of(MORNING), intervals_of(MORNING), staff_of(MORNING)
    later = plan.assign(interval_start=plan["interval_start"] + pd.Timedelta(days=30))
    with pytest.raises(TableError, match="do not overlap"):
        cc.explain_service_level(later, came, there)
    with pytest.raises(TableError, match="threshold_s"):
        cc.explain_service_level(plan.assign(threshold_s=30.0), came, there)
    with pytest.raises(TableError, match="length"):
        cc.explain_service_level(plan.assign(interval_s=900.0), came, there)
    with pytest.raises(TableError, match="is there twice"):
        cc.explain_service_level(plan, pd.concat([came, came[:1]]), there)
    with pytest.raises(TableError, match="threshold"):
        cc.explain_service_level(plan.drop(columns="threshold_s"), came.assign(threshold_s=np.nan), there)
    silent = came.assign(total_talk_s=0.0, talk_known=0)
    with pytest.raises(TableError, match="handle time"):
        cc.explain_service_level(plan.assign(expected_offered=0.0, expected_aht_s=np.nan), silent, there)


def test_in_words() -> None:
    why = explained(MORNING, plan_patience_s=120.0, replications=50, period="day")
    told = describe_causes(why)
    assert told.columns.tolist() == ["queue", "period_start", "points", "late", "words"]
    text = told["words"][0]
    points = round(100 * (why["service_level"][0] - why["planned_service_level"][0]))
    assert text.startswith(f"{abs(points)} points {'below' if points < 0 else 'above'} plan, 35 calls late: ")
    parts = [part.rsplit(" ", 1) for part in text.split(": ")[1].split(", ")]
    assert sum(int(value.replace("−", "-")) for _, value in parts) == points
    assert {name for name, _ in parts} <= {"mix", "volume", "handle time", "agents", "chance", "not explained"}
    silent = describe_causes(why.assign(service_level=np.nan))
    assert silent["words"][0].startswith("no contacts")
    assert describe_causes(why[:0]).empty
    with pytest.raises(ColumnError, match="contribution"):
        describe_causes(why.drop(columns="contribution"))


TWO = [
    Row((60.0, 66), (200.0, 210.0), (9.0, 9.0), queue="sales", within=50),
    Row((30.0, 33), (200.0, 210.0), (5.0, 5.0), queue="support", within=25),
]


def test_a_plan_by_queue_judged_as_one_pool_says_what_it_stated() -> None:
    stated = [level(row.offered[0], row.aht_s[0], row.agents[0], 150.0) for row in TWO]
    plan = plan_of(TWO, patience_s=150.0, expected_service_level=stated, model="erlang_a")
    came, there = intervals_of(TWO), staff_of(TWO)
    pooled = cc.explain_service_level(plan, came, there.drop(columns="queue"), by=(), replications=0)
    mean, modelled = np.average(stated, weights=[60, 30]), level(90, 200, 14, 150.0)
    assert modelled > mean + 0.02
    assert pooled["stated_service_level"].tolist() == pytest.approx([mean] * len(pooled), abs=1e-12)
    assert pooled["planned_service_level"][0] == pytest.approx(modelled, abs=1e-12)
    said = f"patience 150 s; the plan states {100 * mean:.0f} %, the model {100 * modelled:.0f} %; all queues as one pool"
    assert set(pooled["note"]) == {said}
    assert " the plan as modelled, " in describe_causes(pooled)["words"][0]
    # Queue by queue the plan is as it states, one by one and together.
    for by in ("queue", ()):
        each = cc.explain_service_level(plan, came, there, by=by, replications=0)
        assert each["stated_service_level"].tolist() == pytest.approx(each["planned_service_level"].tolist(), abs=1e-9)
        assert set(each["note"]) == {"patience 150 s"}
        assert describe_causes(each)["words"].str.contains(r"points (?:below|above) plan, ").all()
    unstated = cc.explain_service_level(
        plan.drop(columns="expected_service_level"), came, there.drop(columns="queue"), by=(), replications=0
    )
    assert unstated["stated_service_level"].isna().all()
    assert set(unstated["note"]) == {"patience 150 s; all queues as one pool"}
    other = cc.explain_service_level(plan, came, there, definition="sl_answered_only", replications=0)
    assert other["stated_service_level"].isna().all()


def test_another_model_than_the_plans_is_named() -> None:
    came, there = intervals_of(TWO), staff_of(TWO)
    plan = plan_of(TWO, patience_s=150.0, model="erlang_a")
    noted = {
        model: set(cc.explain_service_level(plan, came, there, model=model, replications=0)["note"]) for model in ("erlang_a", "erlang_c")
    }
    assert noted["erlang_a"] == {"patience 150 s"}
    assert all("by erlang_c; the plan is by erlang_a" in note for note in noted["erlang_c"])
    mixed = plan.assign(model=["erlang_a", "erlang_c"])
    each = cc.explain_service_level(mixed, came, there, replications=0).groupby("queue", observed=True)["note"].first()
    assert each.tolist() == ["patience 150 s", "patience 150 s; by erlang_a; the plan is by erlang_c"]
    pooled = cc.explain_service_level(mixed, came, there.drop(columns="queue"), by=(), replications=0)["note"][0]
    assert "by erlang_a; the plan is by erlang_a and erlang_c" in pooled
    silent = cc.explain_service_level(plan.drop(columns="model"), came, there, model="erlang_c", replications=0)
    assert not silent["note"].str.contains("the plan is by").any()


def test_words_against_the_plan_or_the_plan_as_modelled() -> None:
    why = explained(MORNING, plan_patience_s=120.0)
    usual = describe_causes(why)["words"][0]
    planned = why["planned_service_level"]
    assert " plan, 35 calls late" in usual
    assert describe_causes(why.drop(columns="stated_service_level"))["words"][0] == usual
    for apart in (-0.0099, 0.0, 0.0099, np.nan):
        assert describe_causes(why.assign(stated_service_level=planned + apart))["words"][0] == usual
    for apart in (-0.0101, 0.0101):
        other = describe_causes(why.assign(stated_service_level=planned + apart))["words"][0]
        assert other == usual.replace(" plan, ", " the plan as modelled, ")
    silent = describe_causes(why.assign(service_level=np.nan, stated_service_level=planned + 0.1))
    assert silent["words"][0].endswith("no service level now or in the plan")
