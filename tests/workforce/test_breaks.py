"""Breaks where staff is long: every placement tried out as the oracle, properties of any, and what is in the way where none is allowed."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import DataWarning, OptionError, TableError

HOUR = 3600
NINE = pd.Timestamp("2024-03-04 09:00", tz="UTC").as_unit("us")


def plan(agents: list[float], *, every_s: int = HOUR, queue: str = "help") -> pd.DataFrame:
    starts = NINE + pd.to_timedelta(np.arange(len(agents)) * every_s, unit="s")
    return pd.DataFrame({"queue": queue, "interval_start": starts, "interval_s": float(every_s), "agents": agents})


def pause(at: float, hours: float, first: float | None = None, last: float | None = None, paid: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {"offset_s": at * HOUR, "length_s": hours * HOUR, "paid": paid}
    return made | {name: at * HOUR for name, at in (("earliest_s", first), ("latest_s", last)) if at is not None}


def shift(name: str, start: int, hours: float, *breaks: dict[str, Any]) -> dict[str, Any]:
    return {"shift": name, "first_start": f"{start:02d}:00", "length_s": hours * HOUR, "breaks": list(breaks)}


def rows(*some: tuple[str, float, float, int], queue: str = "help") -> pd.DataFrame:
    """(shift, start after nine, hours, agents)"""
    frame = pd.DataFrame(some, columns=["shift", "started_at", "ended_at", "agents"])
    frame["ended_at"] = NINE + pd.to_timedelta((frame["started_at"] + frame["ended_at"]) * HOUR, unit="s")
    frame["started_at"] = NINE + pd.to_timedelta(frame["started_at"] * HOUR, unit="s")
    return frame.assign(queue=queue)


def place(*arguments: Any, **options: Any) -> cc.PlacedBreaks:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.place_breaks(*arguments, **options)


def hours_after(instants: pd.Series) -> list[float]:
    return ((instants - NINE).dt.total_seconds() / HOUR).tolist()


TWO = (pause(1, 1, 0, 3), pause(4, 1, 2, 5))


def by_hand(
    need: list[float], seats: list[tuple[float, float]], *, apart: float = 0.0, edge: float = 0.0, most: int | None = None
) -> float:
    """Fewest agent-hours short of all placements of the breaks TWO, on whole hours; inf where the rules allow none."""
    best = np.inf
    places = [
        (first, second)
        for first, second in itertools.product(range(4), range(2, 6))
        if second >= first + 1 + apart and first >= edge and second + 1 <= 6 - edge
    ]
    for chosen in itertools.product(places, repeat=len(seats)):
        there, away = np.zeros(len(need)), np.zeros(len(need))
        for (start, hours), pair in zip(seats, chosen, strict=True):
            for at in range(len(need)):
                there[at] += start <= at < start + hours
                away[at] += sum(start + each == at for each in pair)
        if most is None or away.max() <= most:
            best = min(best, float(np.clip(np.array(need) - there + away, 0, None).sum()))
    return best


@pytest.mark.parametrize("seed", range(12))
def test_every_placement_tried_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    need = [float(each) for each in rng.integers(0, 4, 8)]
    starts = sorted(int(each) for each in rng.integers(0, 3, 3))
    asked = {"apart": float(rng.integers(0, 2)), "edge": float(rng.integers(0, 2)), "most": [None, 1, 2][int(rng.integers(0, 3))]}
    schedule = pd.concat([rows(("six", start, 6, 1)) for start in starts])
    best = by_hand(need, [(start, 6) for start in starts], **asked)
    options = {"apart_s": asked["apart"] * HOUR, "edge_s": asked["edge"] * HOUR, "max_at_once": asked["most"]}
    if np.isinf(best):
        with pytest.raises(OptionError, match="max_at_once"):
            place(schedule, [shift("six", 9, 6, *TWO)], plan=plan(need), step_s=HOUR, **options)
        return
    made = place(schedule, [shift("six", 9, 6, *TWO)], plan=plan(need), step_s=HOUR, gap=0.0, **options)
    assert (made.status, made.objective) == ("optimal", pytest.approx(best))
    assert made.bound == pytest.approx(best)
    assert made.short_hours == pytest.approx(best)


@settings(max_examples=25, deadline=None)
@given(
    need=st.lists(st.integers(0, 6), min_size=20, max_size=20),
    counts=st.lists(st.integers(0, 3), min_size=3, max_size=3),
    apart=st.sampled_from([0, 1800, 3600]),
    paid=st.booleans(),
    never_worse=st.booleans(),
)
def test_what_holds_for_any_schedule(need: list[int], counts: list[int], apart: int, paid: bool, never_worse: bool) -> None:
    template = shift("day", 9, 8, pause(2, 0.25, 1, 3, paid=True), pause(4, 0.5, 3, 5.5, paid=paid), pause(6.5, 0.25, 6.5, 7, paid=True))
    late = shift("late", 11, 6, pause(3, 0.5, 2, 4))
    schedule = rows(("day", 0, 8, counts[0]), ("late", 2, 6, counts[1]), ("day", 1, 8, counts[2]))
    made = place(
        schedule, [template, late], plan=plan([float(each) for each in need], every_s=1800), apart_s=apart, never_worse=never_worse
    )
    seats = made.schedule.groupby("seat")
    # Every shift is whole, its stretches follow each other, and its breaks are those of the template, in time paid and unpaid.
    assert len(seats) == sum(counts)
    for _, stretches in seats:
        assert (stretches["started_at"].iloc[1:].to_numpy() == stretches["ended_at"].iloc[:-1].to_numpy()).all()
        own = template if stretches["shift"].iloc[0] == "day" else late
        start = stretches["started_at"].iloc[0]
        assert (stretches["ended_at"].iloc[-1] - start).total_seconds() == own["length_s"]
        found = stretches[stretches["activity"] == "break"]
        at = (found["started_at"] - start).dt.total_seconds().to_numpy()
        lasting = (found["ended_at"] - found["started_at"]).dt.total_seconds().to_numpy()
        assert lasting.tolist() == [each["length_s"] for each in own["breaks"]]
        assert found["paid"].tolist() == [each["paid"] for each in own["breaks"]]
        assert all(each["earliest_s"] <= moment <= each["latest_s"] for each, moment in zip(own["breaks"], at, strict=True))
        assert (at[1:] - at[:-1] - lasting[:-1] >= apart - 1e-6).all()
    # Coverage is what a loop over the stretches says.
    serving = made.schedule[made.schedule["activity"] == "on_queue"]
    for row in made.coverage.itertuples():
        end = row.interval_start + pd.Timedelta(row.interval_s, unit="s")
        seconds = sum(
            max(0.0, (min(each.ended_at, end) - max(each.started_at, row.interval_start)).total_seconds()) for each in serving.itertuples()
        )
        assert row.covered == pytest.approx(seconds / row.interval_s)
        assert row.gap == pytest.approx(row.required - row.covered)
        if never_worse:
            assert max(row.gap, 0) <= max(row.gap_before, 0) + 1e-6
    assert made.short_hours <= made.short_hours_before + 1e-6
    assert made.bound <= made.objective + 1e-9


def test_what_a_schedule_covers_is_what_its_breaks_leave() -> None:
    """The coverage of schedule_shifts, with the breaks at their places, is the one that placing begins from."""
    need = [2.0, 3, 4, 4, 5, 4, 3, 2]
    template = shift("day", 9, 8, pause(4, 1, 3, 5), pause(6, 0.5, 5, 7))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        schedule = cc.schedule_shifts(plan(need), [template], timezone="UTC", max_heads=4)
    made = place(schedule, [template], step_s=HOUR)
    assert made.coverage["covered_before"].tolist() == pytest.approx(schedule.coverage["covered"].tolist())
    assert made.coverage["required"].tolist() == schedule.coverage["required"].tolist()
    assert made.short_hours < made.short_hours_before
    assert made.as_plan()["agents"].tolist() == pytest.approx(made.coverage["covered"].tolist())


def test_spare_is_kept_where_there_is_least() -> None:
    """Nothing is short wherever lunch is: it is where most are spare."""
    lunch = shift("day", 9, 6, pause(3, 1, 1, 4))
    made = place(rows(("day", 0, 6, 1)), [lunch], plan=plan([0.0, 0, 0, 0, 0, 0]), step_s=HOUR)
    assert made.objective == 0
    busy = place(rows(("day", 0, 6, 3)), [lunch], plan=plan([0.0, 1, 2, 0, 2, 0]), step_s=HOUR)
    assert busy.objective == 0
    assert busy.coverage["gap"].max() <= 0
    taken = busy.coverage["covered_before"] - busy.coverage["covered"]
    assert busy.coverage["covered"].tolist()[3] >= 1 or taken.tolist()[3] <= 2


def test_a_roster_gets_names_and_is_kept_or_not() -> None:
    """What comes out is a schedule that adherence is measured by."""
    roster = pd.DataFrame({"agent": ["Bo", "Ada"], "shift": "day", "started_at": NINE, "ended_at": NINE + pd.Timedelta("6h")})
    made = place(roster, [shift("day", 9, 6, pause(3, 1, 1, 4))], plan=plan([1, 1, 1, 1, 1, 1]), max_at_once=1, step_s=HOUR)
    assert made.breaks["agent"].tolist() == ["Ada", "Bo"]
    first, second = hours_after(made.breaks["started_at"])
    assert first < second
    assert hours_after(made.breaks["was_at"]) == [3.0, 3.0]
    states = pd.DataFrame({"agent": ["Ada", "Bo"], "started_at": NINE, "ended_at": NINE + pd.Timedelta("6h"), "state": "available"})
    states = cc.schema.AGENT_STATES.conform(states.assign(reason=None, queue=None, contact_id=None, closed_by="event"))
    kept = cc.measure_adherence(made.schedule, states)
    assert kept["adherence"].tolist() == pytest.approx([5 / 6, 5 / 6])  # both worked through their lunch


def test_several_queues_and_one_without_shifts() -> None:
    both = pd.concat([plan([1] * 6, queue="a"), plan([2] * 6, queue="b"), plan([1] * 6, queue="c")])
    schedule = pd.concat([rows(("day", 0, 6, 2), queue="a"), rows(("day", 0, 6, 3), queue="b")])
    made = place(schedule, [shift("day", 9, 6, pause(3, 1, 1, 4))], plan=both, step_s=HOUR)
    short = made.coverage.assign(short=made.coverage["gap"].clip(lower=0)).groupby("queue", observed=True)["short"].sum()
    assert short.to_dict() == {"a": 0.0, "b": 0.0, "c": 6.0}
    assert made.objective == 6.0


def test_breaks_without_a_window_stay_unless_they_may_move() -> None:
    template = shift("day", 9, 6, pause(3, 1))
    need = plan([0.0, 0, 0, 1, 0, 0])
    assert hours_after(place(rows(("day", 0, 6, 1)), [template], plan=need, step_s=HOUR).breaks["started_at"]) == [3.0]
    moved = place(rows(("day", 0, 6, 1)), [template], plan=need, step_s=HOUR, move_s=HOUR)
    assert hours_after(moved.breaks["started_at"])[0] in (2.0, 4.0)


def test_expected_service_is_told_where_the_plan_tells() -> None:
    forecast = pd.DataFrame(
        {
            "queue": "help", "interval_start": NINE + pd.to_timedelta(np.arange(12) * 1800, unit="s"), "interval_s": 1800.0,
            "expected_offered": [40.0] * 4 + [80.0] * 4 + [40.0] * 4, "expected_aht_s": 240.0,
        }
    )  # fmt: skip
    staffed = cc.plan_staffing(forecast, target_service_level=0.8, threshold_s=20, patience_s=180)
    most = int(staffed["agents"].max())
    made = place(rows(("day", 0, 6, most)), [shift("day", 9, 6, pause(2.5, 0.5, 0.5, 5.5))], plan=staffed)
    assert made.objective == 0.0
    assert (made.coverage["expected_service_level"] >= 0.8 - 1e-9).all()
    assert made.short_hours_before > 0


def test_no_breaks_and_no_shifts() -> None:
    made = place(rows(("day", 0, 6, 2)), [shift("day", 9, 6)], plan=plan([2.0] * 6))
    assert (len(made.breaks), made.objective, made.status) == (0, 0.0, "optimal")
    empty = place(rows(("day", 0, 6, 2)).iloc[:0], [shift("day", 9, 6)], plan=plan([2.0] * 6))
    assert (len(empty.schedule), empty.objective) == (0, 12.0)


def test_a_week_of_a_large_centre_is_placed_in_time() -> None:
    rng = np.random.default_rng(1)
    starts = np.arange(0, 7 * 24, 24)[:, None] + np.arange(0, 8, 0.5)
    schedule = rows(*[("day", float(at), 8, int(rng.integers(1, 12))) for at in starts.ravel()])
    need = [float(each) for each in np.clip(40 * np.sin(np.arange(7 * 96) / 96 * 2 * np.pi * 1.5), 0, None).round()]
    template = shift("day", 9, 8, pause(2, 0.25, 1, 3, True), pause(4, 0.5, 3, 5), pause(6, 0.25, 5.5, 7, True))
    made = place(schedule, [template], plan=plan(need, every_s=900), apart_s=HOUR / 2, time_limit_s=20, gap=1e-3)
    assert made.short_hours < made.short_hours_before
    assert made.objective - made.bound <= 0.01 * made.objective


BAD: dict[str, tuple[Any, Any, dict[str, Any], type[Exception], str]] = {
    "no plan": (rows(("day", 0, 6, 1)), [shift("day", 9, 6)], {"plan": None}, OptionError, "only a Schedule knows"),
    "no template": (rows(("odd", 0, 6, 1)), [shift("day", 9, 6)], {}, OptionError, "no template 'odd'.*there are: 'day'"),
    "other length": (rows(("day", 0, 5, 1)), [shift("day", 9, 6)], {}, OptionError, "21600 s long, but the schedule has one of 18000 s"),
    "no column": (rows(("day", 0, 6, 1)).drop(columns="ended_at"), [shift("day", 9, 6)], {}, TableError, "no column ended_at"),
    "no agents": (rows(("day", 0, 6, 1)).drop(columns="agents"), [shift("day", 9, 6)], {}, TableError, "no column agent .or agents"),
    "half an agent": (rows(("day", 0, 6, 1)).assign(agents=0.5), [shift("day", 9, 6)], {}, TableError, "no whole number in rows 0"),
    "backwards": (rows(("day", 0, -6, 1)), [shift("day", 9, 6)], {}, TableError, "not after started_at in rows 0"),
    "unknown queue": (rows(("day", 0, 6, 1), queue="x"), [shift("day", 9, 6)], {}, TableError, "queues 'x' are not in the plan.*'help'"),
    "edge": (rows(("day", 0, 6, 1)), [shift("day", 9, 6, pause(1, 1, 0, 2))], {"edge_s": 3 * HOUR}, OptionError, "from both ends"),
    "apart": (rows(("day", 0, 6, 1)), [shift("day", 9, 6, pause(1, 1), pause(2, 1))], {"apart_s": HOUR}, OptionError, "after the one bef"),
    "window": (rows(("day", 0, 6, 1)), [shift("day", 9, 6, pause(1, 1, 2, 3))], {}, OptionError, "its own place between them"),
    "window outside": (rows(("day", 0, 6, 1)), [shift("day", 9, 6, pause(1, 1, 0, 6))], {}, OptionError, "within the shift"),
    "at once": (
        rows(("day", 0, 6, 4)), [shift("day", 9, 6, pause(1, 1, 1, 2))], {"max_at_once": 1, "step_s": HOUR}, OptionError, "need 2 agents",
    ),
    "never worse": (
        rows(("day", 0, 6, 1)), [shift("day", 9, 6, pause(1, 1, 0, 5))], {"never_worse": True, "edge_s": 2 * HOUR},
        OptionError, "never_worse=True: no placement",
    ),
    "edge odd": (rows(("day", 0, 6, 1)), [shift("day", 9, 6)], {"edge_s": -1}, OptionError, "edge_s=-1"),
    "step odd": (rows(("day", 0, 6, 1)), [shift("day", 9, 6)], {"step_s": 0}, OptionError, "step_s=0"),
    "most odd": (rows(("day", 0, 6, 1)), [shift("day", 9, 6)], {"max_at_once": 1.5}, OptionError, "max_at_once=1.5"),
    "never odd": (rows(("day", 0, 6, 1)), [shift("day", 9, 6)], {"never_worse": 1}, OptionError, "never_worse=1"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said(name: str) -> None:
    schedule, templates, options, error, words = BAD[name]
    need = plan([1.0, 0, 1, 1, 1, 1])
    with pytest.raises(error, match=words):
        cc.place_breaks(schedule, templates, **{"plan": need, **options})
