"""Plan beside actual: the factoring of agents, what may be left out, and every reason to refuse."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_cases import START, ZONE, make_agents, make_intervals, make_plan, planned_for, stack, starts

import ccstats as cc
from ccstats.deviations.joined import join_forecast, join_plan
from ccstats.errors import DataWarning, OptionError, TableError

CENTRE_ZONE = "Europe/Istanbul"


def tenths(low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers as people write them: agents to a tenth, shares to a thousandth."""
    fine = 10 if high > 1 else 1000
    return st.integers(round(low * fine), round(high * fine)).map(lambda number: number / fine)


@pytest.fixture(scope="module")
def centre() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Three queues, their agents by queue, and a plan that is a fifth too high."""
    made = cc.synthesize_contacts(seed=5, days=3, timezone=CENTRE_ZONE)
    half_hours = cc.to_intervals(made.contacts, timezone=CENTRE_ZONE, threshold_s=20)
    return half_hours, cc.to_agent_intervals(made.agent_states, timezone=CENTRE_ZONE, by="queue"), planned_for(half_hours, volume=1.2)


def factors(rostered: float, logged_in: float, present: float, planned: float, adherence: float) -> tuple[float, float, float]:
    """Scheduled agents, shrinkage and adherence of one interval, as the module says it in words."""
    rostered = max(rostered, logged_in)
    if rostered == 0:
        return 0.0, planned, adherence
    away, lost = (rostered - logged_in) / rostered, (rostered - present) / rostered
    shrinkage = planned
    if away > planned:
        shrinkage = away
    elif lost < planned:
        shrinkage = lost
    left = rostered * (1 - shrinkage)
    return rostered, shrinkage, present / left if left > 0 else adherence


def test_agents_by_a_plain_loop(centre: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    half_hours, staffed, plan = centre
    joined = join_plan(plan, half_hours, staffed)
    assert len(joined) == len(plan)
    for row in joined.sample(150, random_state=1).itertuples():
        mine = staffed[(staffed["queue"] == row.queue) & (staffed["interval_start"] == row.interval_start)]
        planned = plan[(plan["queue"] == row.queue) & (plan["interval_start"] == row.interval_start)].iloc[0]
        logged_in = sum(mine["logged_in_s"]) / 1800
        present = sum(sum(mine[f"{state}_s"]) for state in ("available", "reserved", "on_contact", "hold", "wrap")) / 1800
        rostered = float(planned["scheduled_agents"])
        in_effect = 1 - planned["agents"] / rostered if rostered > 0 else 0.3
        expected = factors(rostered, logged_in, present, in_effect, 1.0)
        assert (row.scheduled_agents, row.shrinkage, row.adherence) == pytest.approx(expected, abs=1e-12)
        assert (row.agents, row.logged_in_agents) == pytest.approx((present, logged_in), abs=1e-12)
        assert (row.planned_agents, row.planned_shrinkage, row.planned_adherence) == pytest.approx((planned["agents"], in_effect, 1.0))


def roster(start: pd.DatetimeIndex, agents: Any) -> pd.DataFrame:
    return pd.DataFrame({"queue": "sales", "interval_start": start, "scheduled_agents": agents})


def staffed_row(pause: float | None) -> st.SearchStrategy[tuple[float, ...]]:
    """Planned schedule, rostered in fact, shrinkage, adherence, logged in, share of those on the floor."""
    head = (tenths(0.0, 50.0), tenths(0.0, 50.0), tenths(pause or 0.0, 0.9), tenths(0.5, 1.0))
    return st.tuples(*head, tenths(0.0, 50.0), tenths(0.0, 1.0))


@pytest.mark.parametrize("pause", [None, 0.1])
@pytest.mark.parametrize("told", [True, False])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_factors_multiply_to_the_agents_on_both_sides(data: st.DataObject, told: bool, pause: float | None) -> None:
    rows = np.array(data.draw(st.lists(staffed_row(pause), min_size=1, max_size=40)))
    rostered, in_fact, shrinkage, adherence, logged_in, serving = rows.T
    start = starts(len(rows))
    plan = make_plan(
        start, 10.0, rostered * (1 - shrinkage) * adherence, scheduled_agents=rostered, shrinkage=shrinkage, adherence=adherence
    )
    plan = plan if pause is None else plan.assign(planned_pause=pause)
    staffed = make_agents(start, logged_in, logged_in * serving)
    made = join_plan(plan, make_intervals(start, np.full(len(rows), 10)), staffed, scheduled=roster(start, in_fact) if told else None)
    for side in ("planned_", ""):
        product = made[f"{side}scheduled_agents"] * (1 - made[f"{side}shrinkage"]) * made[f"{side}adherence"]
        assert product.to_numpy() == pytest.approx(made[f"{side}agents"].to_numpy(), rel=1e-12, abs=1e-9)
        assert made[f"{side}shrinkage"].between(-1e-9, 1 + 1e-9).all()
        assert made[f"{side}adherence"].between(-1e-9, 1 + 1e-9).all()
    expected = np.maximum(in_fact if told else made["planned_scheduled_agents"].to_numpy(), made["logged_in_agents"].to_numpy())
    assert made["scheduled_agents"].to_numpy() == pytest.approx(expected)


@settings(max_examples=10, deadline=None)
@given(rows=st.lists(st.tuples(tenths(1.0, 60.0), tenths(0.0, 0.6), tenths(0.7, 1.0), tenths(0.0, 1.0)), min_size=1, max_size=40))
def test_a_centre_that_works_to_its_plan_deviates_in_nothing(rows: list[tuple[float, ...]]) -> None:
    """Whether what the plan grants is spent logged in or out, and whether or not the plan says how it is to be spent."""
    rostered, shrinkage, adherence, taken_logged_in = np.array(rows).T
    start, granted, pause = starts(len(rows)), rostered * (1 - shrinkage), taken_logged_in * shrinkage
    plan = make_plan(start, 10.0, granted * adherence, scheduled_agents=rostered, shrinkage=shrinkage, adherence=adherence)
    staffed = make_agents(start, granted + pause * rostered, granted * adherence)
    for each in (plan, plan.assign(planned_pause=pause)):
        made = join_plan(each, make_intervals(start, np.full(len(rows), 10)), staffed)
        for name in ("scheduled_agents", "shrinkage", "adherence"):
            assert made[name].to_numpy() == pytest.approx(made[f"planned_{name}"].to_numpy(), abs=1e-9)


@pytest.mark.parametrize(
    ("logged_in", "present", "columns", "expected"),
    [
        (7.0, 7.0, {}, (10.0, 0.3, 1.0)),  # breaks are logged out
        (10.0, 7.0, {}, (10.0, 0.3, 1.0)),  # breaks are taken logged in
        (5.0, 5.0, {}, (10.0, 0.5, 1.0)),  # two are ill
        (5.0, 4.0, {}, (10.0, 0.5, 0.8)),  # and one of the others pauses
        (10.0, 5.6, {}, (10.0, 0.3, 0.8)),  # all are there, and pause too long
        (10.0, 9.0, {}, (10.0, 0.1, 1.0)),  # breaks are not taken
        (12.0, 8.4, {}, (12.0, 0.3, 1.0)),  # two were called in
        (0.0, 0.0, {}, (10.0, 1.0, 1.0)),  # nobody came
        (9.0, 7.0, {"planned_pause": 0.1}, (10.0, 0.2, 0.875)),  # one absent, one pause granted, one too much
        (8.0, 7.5, {"planned_pause": 0.1}, (10.0, 0.25, 1.0)),  # half of the granted pause is not taken
    ],
)
def test_factors_by_hand(logged_in: float, present: float, columns: dict[str, float], expected: tuple[float, ...]) -> None:
    start = starts(1)
    plan = make_plan(start, 10.0, 7.0, scheduled_agents=10.0, shrinkage=0.3, **columns)
    made = join_plan(plan, make_intervals(start, [10]), make_agents(start, [logged_in], [present])).iloc[0]
    assert made[["scheduled_agents", "shrinkage", "adherence"]].tolist() == pytest.approx(expected)


def test_rounding_to_whole_agents_is_the_plans_own_shrinkage() -> None:
    made = join_plan(make_plan(starts(1), 10.0, 15.0, scheduled_agents=22.0, shrinkage=0.3), make_intervals(starts(1), [10])).iloc[0]
    assert made["planned_shrinkage"] == pytest.approx(1 - 15 / 22)
    assert made["planned_agents"] == 15
    assert "agents" not in made
    without = join_plan(make_plan(starts(1), 10.0, 14.0, shrinkage=0.3), make_intervals(starts(1), [10])).iloc[0]
    assert without["planned_scheduled_agents"] == pytest.approx(20.0)


def test_who_was_rostered_in_fact() -> None:
    start = starts(2)
    plan = make_plan(start, 10.0, 7.0, scheduled_agents=10.0, shrinkage=0.3)
    staffed = make_agents(start, [5.6, 8.4], [5.6, 8.4])
    made = join_plan(plan, make_intervals(start, [10, 10]), staffed, scheduled=roster(start.tz_convert(ZONE), [8.0, 12.0]))
    assert made["scheduled_agents"].tolist() == [8.0, 12.0]
    assert made["shrinkage"].tolist() == pytest.approx([0.3, 0.3])
    assert made["planned_scheduled_agents"].tolist() == [10.0, 10.0]


def test_pauses_without_a_queue_go_where_the_agent_serves() -> None:
    start = starts(1)
    seconds = {f"{state}_s": 0.0 for state in ("available", "reserved", "on_contact", "hold", "wrap", "pause", "other")}
    rows = [("Ada", "sales", 900.0), ("Ada", "help", 300.0), ("Ada", None, 0.0), ("Bo", "help", 1200.0), ("Cy", None, 0.0)]
    staffed = stack(*(make_agents(start, [0.0], [0.0]).assign(agent=who, queue=queue, **seconds) for who, queue, _ in rows))
    served = np.array([each for _, _, each in rows])
    staffed = staffed.assign(available_s=served, logged_in_s=np.where(served > 0, served, 600.0))
    staffed = staffed.astype({"agent": "category", "queue": "category"})
    plan = stack(*(make_plan(start, 5.0, 1.0, queue=queue) for queue in ("help", "sales")))
    half_hours = stack(*(make_intervals(start, [5], queue=queue) for queue in ("help", "sales")))
    made = join_plan(plan, half_hours, staffed).set_index("queue")
    assert made["logged_in_agents"]["sales"] == pytest.approx((900 + 600 * 0.75) / 1800)
    assert made["logged_in_agents"]["help"] == pytest.approx((300 + 1200 + 600 * 0.25) / 1800)  # of Cy nobody knows where
    assert made["agents"].to_dict() == pytest.approx({"sales": 0.5, "help": 1500 / 1800})


def test_handle_times_fall_back_part_by_part() -> None:
    start = starts(3).append(starts(1, start=START + pd.Timedelta("1D")))
    half_hours = make_intervals(start, [4, 2, 3, 3], aht_s=[230, 330, 230, 230])
    half_hours = half_hours.assign(wrap_known=[4, 0, 0, 0], total_wrap_s=[240.0, np.nan, np.nan, np.nan])
    half_hours = half_hours.assign(talk_known=[4, 2, 0, 0], total_talk_s=[800.0, 600.0, np.nan, np.nan])
    half_hours = half_hours.assign(hold_known=0, total_hold_s=np.nan)
    made = join_plan(make_plan(start, 3.0, 2.0), half_hours)
    day = (800 + 600) / 6
    assert made["aht_s"].tolist() == pytest.approx([200 + 60, 300 + 60, day + 60, day + 60])
    nothing = half_hours.assign(talk_known=0, wrap_known=0, total_talk_s=np.nan, total_wrap_s=np.nan)
    assert join_plan(make_plan(start, 3.0, 2.0), nothing)["aht_s"].isna().all()


def test_planned_handle_time_where_nothing_is_planned() -> None:
    plan = make_plan(starts(3), [10.0, 30.0, 0.0], 5.0, aht_s=[100.0, 200.0, np.nan])
    assert join_plan(plan, make_intervals(starts(3), [1, 1, 1]))["planned_aht_s"].tolist() == pytest.approx([100.0, 200.0, 175.0])


def test_one_pool_adds_up(centre: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    half_hours, staffed, plan = centre
    whole, parts = join_plan(plan, half_hours, staffed, by=()), join_plan(plan, half_hours, staffed)
    unnamed = join_plan(plan, half_hours, staffed.drop(columns="queue"))
    assert "queue" not in whole
    for name in (
        "planned_offered",
        "offered",
        "answered_within",
        "planned_agents",
        "planned_scheduled_agents",
        "agents",
        "logged_in_agents",
    ):
        expected = parts.groupby("interval_start")[name].sum().to_numpy(dtype="float64")
        assert whole[name].to_numpy(dtype="float64") == pytest.approx(expected, abs=1e-9)
        assert unnamed[name].to_numpy(dtype="float64") == pytest.approx(expected, abs=1e-9)
    load = (parts["planned_offered"] * parts["planned_aht_s"]).groupby(parts["interval_start"]).sum().to_numpy()
    busy = load > 0
    assert (whole["planned_offered"] * whole["planned_aht_s"]).to_numpy()[busy] == pytest.approx(load[busy])
    product = whole["scheduled_agents"] * (1 - whole["shrinkage"]) * whole["adherence"]
    assert product.to_numpy() == pytest.approx(whole["agents"].to_numpy(), abs=1e-9)


def test_patience_of_a_pool_is_that_of_a_contact_chosen_at_random() -> None:
    plan = stack(
        make_plan(starts(1), 30.0, 3.0, queue="a", patience_s=60.0), make_plan(starts(1), 10.0, 3.0, queue="b", patience_s=math.inf)
    )
    half_hours = stack(*(make_intervals(starts(1), [5], queue=queue) for queue in "ab"))
    made = join_plan(plan, half_hours, by=()).iloc[0]
    assert made["patience_s"] == pytest.approx(80.0)
    assert made["model"] == "erlang_a"
    assert np.isnan(made["required_agents"])


def test_one_queue_needs_no_agents_by_queue() -> None:
    start = starts(2)
    made = join_plan(make_plan(start, 9.0, 3.0), make_intervals(start, [9, 9]), make_agents(start, [3, 3], [3, 3]), by="queue")
    assert made["queue"].tolist() == ["sales", "sales"]
    assert made["agents"].tolist() == [3.0, 3.0]


def test_arrow_tables_and_unchanged_inputs(centre: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> None:
    half_hours, staffed, plan = centre
    copies = [each.copy(deep=True) for each in centre]
    joined = join_plan(plan, half_hours, staffed)
    for each, copy in zip(centre, copies, strict=True):
        pd.testing.assert_frame_equal(each, copy)
    # Arrow keeps neither the closed vocabulary of attribute_by nor its order; what is compared is the result.
    again = join_plan(*(pa.Table.from_pandas(each) for each in (plan, half_hours, staffed)))
    pd.testing.assert_frame_equal(again, joined, check_dtype=False, check_categorical=False)


def test_intervals_that_only_one_table_has_are_counted() -> None:
    plan, half_hours = make_plan(starts(4), 9.0, 3.0), make_intervals(starts(4)[1:], [9, 9, 9])
    with pytest.warns(DataWarning, match="3 intervals are compared; left out are 1 of the plan .*, 0 of intervals"):
        assert len(join_plan(plan, half_hours)) == 3
    closed = plan.assign(expected_offered=[0.0, 9.0, 9.0, 9.0], agents=[0.0, 3.0, 3.0, 3.0])
    assert len(join_plan(closed, half_hours)) == 3  # what is closed in both may be missing without a word
    with pytest.warns(DataWarning, match=r"2 intervals are compared.* 1 of both that could not be planned"):
        assert len(join_plan(closed.assign(agents=[0.0, 3.0, np.inf, 3.0]), half_hours)) == 2


def test_days_without_any_agents_are_left_out() -> None:
    start = starts(96, start=START.normalize())
    plan, half_hours = make_plan(start, 9.0, 3.0), make_intervals(start, np.full(96, 9))
    with pytest.warns(DataWarning, match="48 intervals are compared"):
        made = join_plan(plan, half_hours, make_agents(start[20:30], np.full(10, 3.0), np.full(10, 3.0)))
    assert made["agents"].tolist() == [0.0] * 20 + [3.0] * 10 + [0.0] * 18  # nobody there on a day with agents is nobody


def test_more_on_the_floor_than_scheduled_is_said() -> None:
    with pytest.warns(DataWarning, match="more agents on the floor than it schedules in 1 intervals"):
        made = join_plan(make_plan(starts(1), 9.0, 5.0, scheduled_agents=4.0, shrinkage=0.3), make_intervals(starts(1), [9]))
    assert made[["planned_scheduled_agents", "planned_shrinkage", "planned_agents"]].iloc[0].tolist() == [5.0, 0.0, 5.0]


def test_threshold_of_the_intervals_where_the_plan_has_none() -> None:
    made = join_plan(make_plan(starts(1), 9.0, 5.0).drop(columns="threshold_s"), make_intervals(starts(1), [9], threshold_s=30.0))
    assert made["threshold_s"].tolist() == [30.0]


BASE: dict[str, Any] = {"plan": make_plan(starts(4), 9.0, 3.0), "intervals": make_intervals(starts(4), [9] * 4), "agents": None}
TWO = {
    "plan": stack(*(make_plan(starts(2), 9.0, 3.0, queue=queue) for queue in "ab")),
    "intervals": stack(*(make_intervals(starts(2), [9, 9], queue=queue) for queue in "ab")),
}
STAFF = make_agents(starts(4), [3] * 4, [3] * 4)


LATER = starts(4, start=START + pd.Timedelta("9D"))
LEFT = BASE["intervals"].assign(attribute_by="left").astype({"attribute_by": "category"})
ZONES = BASE["intervals"].assign(timezone=["UTC"] * 2 + [ZONE] * 2).astype({"timezone": "category"})
THIRTY = [20.0, 20.0, 30.0, 30.0]


def plan_with(**columns: Any) -> dict[str, Any]:
    return {"plan": BASE["plan"].assign(**columns)}


def agents_with(**columns: Any) -> dict[str, Any]:
    return {"agents": STAFF.assign(**columns)}


@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"plan": BASE["plan"].drop(columns="agents")}, TableError, "(?s)'agents' is missing.*Make a plan .* with plan_staffing"),
        (plan_with(expected_offered="many"), TableError, "'expected_offered' is str"),
        (plan_with(shrinkage=30.0), TableError, "'shrinkage' is 30 in 4 rows; expected a share"),
        (plan_with(adherence=0.0), TableError, "'adherence' is 0"),
        ({"plan": stack(BASE["plan"], BASE["plan"])}, TableError, "is there twice"),
        ({"plan": BASE["plan"][:0]}, TableError, "the plan has no rows"),
        (plan_with(interval_start=LATER), TableError, "do not overlap in time: the plan is for 2026-03-11 08:00 to 2026-03-11 09:30"),
        ({"plan": make_plan(starts(4), 9.0, 3.0, queue="help")}, TableError, "no queue in common: the plan has 'help', intervals 'sales'"),
        (plan_with(interval_start=starts(4, start=START + pd.Timedelta("10min"))), TableError, "cut differently"),
        (plan_with(interval_s=900.0), TableError, "different lengths: .* the plan has 900 s, the intervals 1800 s"),
        (plan_with(threshold_s=30.0), TableError, "different threshold_s: sales .* planned with 30 s and counted with 20 s"),
        ({"intervals": make_intervals(starts(4), [9] * 4, threshold_s=np.nan)}, TableError, "planned with 20 s and counted without one"),
        (plan_with(definition="sl_excl_short", short_s=5.0), TableError, "different short_s"),
        (plan_with(definition="sl_virtual"), TableError, "sl_virtual, which no log can tell"),
        (plan_with(definition=["service_level", "sl_answered_only"] * 2), TableError, "several definitions"),
        (plan_with(agents=np.nan), TableError, "no interval is left"),
        ({"intervals": BASE["intervals"].drop(columns="offered")}, TableError, "column 'offered' is missing"),
        ({"intervals": LEFT}, TableError, "booked by left; a plan says who is to join the queue when"),
        ({"intervals": ZONES}, TableError, "intervals were cut in Europe/Berlin and UTC"),
        ({"intervals": BASE["intervals"][:0]}, TableError, "intervals none"),
        (agents_with(timezone=pd.Categorical(["UTC"] * 4)), TableError, "cut in Europe/Berlin, agent intervals in UTC"),
        (agents_with(interval_s=900.0), TableError, "agent_intervals has 900 s, plan and intervals 1800 s"),
        ({"agents": STAFF[:0]}, TableError, "agent_intervals has no rows"),
        ({"agents": pd.concat([STAFF, STAFF[:1]])}, TableError, "agent .* is there twice"),
        ({"plan": BASE["plan"].assign(agents=-3.0)}, TableError, "'agents' is -3 in 4 rows; expected 0 or more"),
        ({"agents": STAFF.drop(columns="wrap_s")}, TableError, "column 'wrap_s' is missing"),
        (agents_with(interval_start=LATER), TableError, "agent_intervals do not overlap in time"),
        ({"by": "channel"}, OptionError, "by='channel' is not known"),
        ({**TWO, "agents": STAFF, "by": "queue"}, TableError, "agent_intervals has no column 'queue' and there are several queues"),
        (
            {**TWO, **agents_with(queue=pd.Categorical([None, "a", "a", "a"])), "by": "queue"},
            TableError,
            "time on the floor has no queue",
        ),
        ({"plan": TWO["plan"], "by": ()}, TableError, "one pool .* the plan has 'a', 'b', intervals 'sales'"),
        ({**TWO, "plan": TWO["plan"].assign(threshold_s=THIRTY), "by": ()}, TableError, "several threshold_s in the plan"),
        ({**TWO, "intervals": TWO["intervals"].assign(threshold_s=THIRTY), "by": ()}, TableError, "with several in one pool"),
        ({"scheduled": roster(starts(4), 3.0)}, OptionError, "give that table too"),
        ({"agents": STAFF, "scheduled": pd.DataFrame({"queue": ["sales"]})}, TableError, "lacks interval_start, scheduled_agents"),
        ({"agents": STAFF, "scheduled": roster(starts(4).tz_localize(None), 3.0)}, TableError, "has interval_start as datetime64"),
        ({"agents": STAFF, "scheduled": roster(starts(4), -3.0)}, TableError, "numbers from 0 up"),
        ({"agents": STAFF, "scheduled": roster(starts(3), 3.0)}, TableError, "no row for 1 of 4 intervals"),
    ],
)
def test_what_cannot_be_compared_is_refused(changed: dict[str, Any], error: type[Exception], text: str) -> None:
    asked = {**BASE, **changed}
    options = {name: asked[name] for name in ("by", "scheduled") if name in asked}
    with pytest.raises(error, match=text):
        join_plan(asked["plan"], asked["intervals"], asked["agents"], **options)


def test_a_forecast_needs_neither_agents_nor_a_threshold() -> None:
    forecast = make_plan(starts(3), [8.0, 9.0, 10.0], 3.0, threshold_s=99.0)
    made = join_forecast(forecast, make_intervals(starts(3), [7, 9, 11]))
    assert made["planned_offered"].tolist() == [8.0, 9.0, 10.0]
    assert made["offered"].tolist() == [7, 9, 11]
    assert not {"agents", "planned_agents", "threshold_s", "model"} & set(made)
    with pytest.raises(TableError, match="the forecast cannot be compared"):
        join_forecast(forecast.drop(columns="expected_aht_s"), make_intervals(starts(3), [7, 9, 11]))


def test_time_on_the_floor_without_a_queue_makes_one_pool_unless_queues_are_asked_for() -> None:
    centre = cc.synthesize_contacts(seed=1, days=2)
    table = cc.to_intervals(centre.contacts, timezone="Europe/Istanbul", threshold_s=20)
    staffed = cc.to_agent_intervals(centre.agent_states, timezone="Europe/Istanbul", by="queue")
    some = staffed.assign(queue=staffed["queue"].where(staffed.index % 7 != 0))
    forecast = cc.to_forecast(table)
    plan = cc.plan_staffing(forecast, target_service_level=0.8, threshold_s=20, patience_s=120)
    with pytest.warns(DataWarning, match="no queue, so all queues are taken as one pool"):
        assert "queue" not in join_plan(plan, table, some)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        assert cc.explain_service_level(plan, table, some, by=(), replications=0)["contribution"].notna().any()
    with pytest.raises(TableError, match=r"use by=\(\)"):
        join_plan(plan, table, some, by="queue")
