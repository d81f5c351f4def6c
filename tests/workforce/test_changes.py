"""Changes to the rest of the day: every list of changes tried out as the oracle, what holds for any, and what may not be changed."""

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
EIGHT = pd.Timestamp("2024-03-04 08:00", tz="UTC").as_unit("us")


def at(hours: float) -> pd.Timestamp:
    return EIGHT + pd.Timedelta(hours * HOUR, unit="s")


def plan(agents: list[float], *, every_s: int = HOUR, queue: str = "help") -> pd.DataFrame:
    starts = EIGHT + pd.to_timedelta(np.arange(len(agents)) * every_s, unit="s")
    return pd.DataFrame({"queue": queue, "interval_start": starts, "interval_s": float(every_s), "agents": agents})


def stretches(*people: tuple[str, float, float, float | None], queue: str = "help") -> pd.DataFrame:
    """(agent, from, to, an hour's break at): hours after eight."""
    rows = []
    for agent, start, end, lunch in people:
        cuts = [(start, end, "on_queue")] if lunch is None else [
            (start, lunch, "on_queue"), (lunch, lunch + 1, "break"), (lunch + 1, end, "on_queue")
        ]  # fmt: skip
        rows += [(agent, at(low), at(high), word, word == "on_queue") for low, high, word in cuts if high > low]
    return pd.DataFrame(rows, columns=["agent", "started_at", "ended_at", "activity", "paid"]).assign(queue=queue, shift="day")


def suggest(*arguments: Any, **options: Any) -> cc.SuggestedChanges:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.suggest_changes(*arguments, **options)


def allow(kind: str, cost: float, hours: float, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "cost": cost, "most_s": hours * HOUR, "step_s": HOUR, **more}


EVERYTHING = [allow("overtime_before", 30, 2), allow("overtime_after", 20, 2), allow("leave", -8, 3), allow("break_move", 3, 2)]


def ways(start: int, end: int, lunch: int, now: int, until: int) -> list[tuple[float, set[int]]]:
    """Cost of each change that one agent can make, and the hours on queue then."""

    def hours(low: int, high: int, pause: int) -> set[int]:
        return {hour for hour in range(low, high) if hour != pause}

    found = [(0.0, hours(start, end, lunch))]
    for more in (1, 2):
        if start - more >= now:
            found.append((30.0 * more, hours(start - more, end, lunch)))
        if end >= now and end + more <= until:
            found.append((20.0 * more, hours(start, end + more, lunch)))
    for less in (1, 2, 3):
        if end - less >= max(now, start) and end <= until:
            unpaid = 1 if lunch >= end - less else 0
            found.append((-8.0 * (less - unpaid), hours(start, end - less, lunch)))
    for by in (-2, -1, 1, 2):
        if lunch >= now and start <= lunch + by < end and lunch + by >= now:
            found.append((3.0, hours(start, end, lunch + by)))
    return found


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("price", [None, 25.0])
def test_every_list_of_changes_tried_out(seed: int, price: float | None) -> None:
    rng = np.random.default_rng(seed)
    people = []
    for name in ("Ada", "Bo", "Cy"):
        start = int(rng.integers(0, 4))
        end = start + int(rng.integers(4, 7))
        people.append((name, start, end, int(rng.integers(start + 1, end - 1))))
    need, now = rng.integers(0, 4, 12), int(rng.integers(0, 5))
    best: tuple[float, ...] = (np.inf, np.inf)
    for chosen in itertools.product(*(ways(*each[1:], now=now, until=12) for each in people)):
        short = sum(max(0, int(need[hour]) - sum(hour in serving for _, serving in chosen)) for hour in range(now, 12))
        cost = sum(cost for cost, _ in chosen)
        best = min(best, (short, cost) if price is None else (cost + price * short, 0.0))
    made = suggest(
        stretches(*people), EVERYTHING, plan=plan([float(each) for each in need]), now=at(now), until=at(12), short_cost=price, gap=0
    )
    assert made.status == "optimal"
    if price is None:
        assert (made.short_hours, made.cost) == (pytest.approx(best[0]), pytest.approx(best[1]))
        assert (made.short_bound, made.bound) == (pytest.approx(best[0]), pytest.approx(best[1]))
        assert made.objective == pytest.approx(made.cost)
    else:
        assert made.cost + price * made.short_hours == pytest.approx(best[0])
        assert (made.objective, made.bound) == (pytest.approx(best[0]), pytest.approx(best[0]))


@settings(max_examples=25, deadline=None)
@given(
    need=st.lists(st.integers(0, 5), min_size=24, max_size=24),
    people=st.lists(st.tuples(st.integers(0, 6), st.integers(3, 6), st.integers(1, 2)), min_size=1, max_size=5),
    now=st.integers(0, 8),
    rest=st.sampled_from([0, 2 * HOUR]),
    notice=st.sampled_from([0, 1800]),
)
def test_what_holds_for_any_day(need: list[int], people: list[tuple[int, int, int]], now: int, rest: int, notice: int) -> None:
    schedule = stretches(*((f"a{place}", start, start + many, start + lunch) for place, (start, many, lunch) in enumerate(people)))
    kinds = [{**each, "step_s": 1800} for each in EVERYTHING]
    made = suggest(
        schedule, kinds, plan=plan([float(each) for each in need], every_s=1800), now=at(now), until=at(12), rest_s=rest,
        longest_s=7 * HOUR, notice_s=notice,
    )  # fmt: skip
    assert made.short_hours <= made.short_hours_before + 1e-6
    assert made.short_bound <= made.short_hours + 1e-6
    assert made.bound <= made.objective + 1e-6
    # What the changed schedule covers, by a loop over its stretches, is what is told.
    serving = made.schedule[made.schedule["activity"] == "on_queue"]
    for row in made.coverage.itertuples():
        end = row.interval_start + pd.Timedelta(row.interval_s, unit="s")
        seconds = sum(
            max(0.0, (min(each.ended_at, end) - max(each.started_at, row.interval_start)).total_seconds()) for each in serving.itertuples()
        )
        assert row.covered == pytest.approx(seconds / row.interval_s)
    # Everybody changes once at most, nothing before it can, and nobody works longer than is allowed.
    assert made.changes["agent"].is_unique
    assert (made.changes["started_at"] >= at(now) + pd.Timedelta(notice, unit="s")).all()
    whole = made.schedule.groupby("agent").agg(start=("started_at", "min"), end=("ended_at", "max"))
    assert (whole["end"] - whole["start"] <= pd.Timedelta("7h")).all()
    order = made.schedule.sort_values(["agent", "started_at"])
    same = order["agent"] == order["agent"].shift()
    assert (order["started_at"] == order["ended_at"].shift())[same].all()
    # Hours won and lost are those of the stretches.
    paid = made.schedule[made.schedule["paid"]]
    was = schedule[schedule["paid"]]
    change = (paid["ended_at"] - paid["started_at"]).sum() - (was["ended_at"] - was["started_at"]).sum()
    assert made.changes["hours"].sum() == pytest.approx(change / pd.Timedelta("1h"))


def test_each_kind_and_what_it_helps() -> None:
    day = stretches(("Ada", 0, 7, 2), ("Bo", 2, 8, 4))
    need = [1.0, 1, 1, 2, 2, 2, 1, 1, 1, 0]
    made = suggest(day, EVERYTHING, plan=plan(need), now=EIGHT, until=at(10))
    assert made.short_hours_before == 2.0
    assert made.short_hours == 0.0
    assert made.changes.set_index("agent")["kind"].to_dict() == {"Ada": "overtime_after", "Bo": "break_move"}
    assert made.changes["helps"].tolist() == [(at(8),), (at(4),)]
    assert made.changes["was_at"].tolist()[1] == at(4)
    assert made.gaps().empty


def test_overtime_closes_what_it_reaches_and_the_rest_is_named() -> None:
    with pytest.warns(DataWarning, match=r"1 intervals stay short.*2024-03-04 18:00:00\+00:00 by 1.00"):
        made = cc.suggest_changes(stretches(("Ada", 0, 8, None)), [allow("overtime_after", 40, 2)], plan=plan([1.0] * 11), now=at(5))
    row = made.changes.iloc[0]
    assert (row["kind"], row["started_at"], row["ended_at"], row["hours"], row["cost"]) == ("overtime_after", at(8), at(10), 2.0, 80.0)
    assert row["helps"] == (at(8), at(9))
    assert pd.isna(row["was_at"])
    assert made.gaps()["interval_start"].tolist() == [at(10)]
    assert (made.short_bound, made.status) == (1.0, "optimal")
    assert made.schedule["ended_at"].max() == at(10)


def test_what_is_allowed_to_whom() -> None:
    day = stretches(("Ada", 0, 8, None), ("Bo", 0, 8, None))
    asked = suggest(day, [allow("overtime_after", 10, 1), allow("overtime_after", 5, 1, agents=["Bo"])], plan=plan([1.0] * 9), now=at(4))
    assert asked.changes[["agent", "cost"]].values.tolist() == [["Bo", 5.0]]
    nobody = suggest(day, [allow("overtime_after", 10, 1, agents="Cy")], plan=plan([1.0] * 9), now=at(4))
    assert (len(nobody.changes), nobody.short_hours) == (0, 1.0)
    none = suggest(day, [allow("overtime_after", 10, 1, most=0)], plan=plan([1.0] * 9), now=at(4))
    assert (len(none.changes), none.short_hours) == (0, 1.0)
    one = suggest(day, [allow("leave", -10, 1, most=1)], plan=plan([0.0] * 9), now=at(4))
    assert len(one.changes) == 1


def test_rest_before_the_next_shift_is_kept() -> None:
    two = pd.concat([stretches(("Ada", 0, 8, None)), stretches(("Ada", 19, 24, None))])
    need = plan([0.0] * 8 + [1.0] * 4)
    free = suggest(two, [allow("overtime_after", 10, 4)], plan=need, now=at(4), rest_s=0)
    kept = suggest(two, [allow("overtime_after", 10, 4)], plan=need, now=at(4), rest_s=10 * HOUR)
    assert (free.changes["hours"].tolist(), kept.changes["hours"].tolist()) == ([4.0], [1.0])


def test_the_interval_that_has_begun_is_left_alone() -> None:
    """Nobody goes home in the middle of an hour that is not looked at."""
    made = suggest(
        stretches(("Ada", 0, 4, None)), [{"kind": "leave", "cost": -10, "most_s": 4 * HOUR, "step_s": 1800}], plan=plan([1.0] + [0.0] * 3),
        now=EIGHT + pd.Timedelta("20min"),
    )  # fmt: skip
    assert made.changes["started_at"].tolist() == [at(1)]
    assert made.coverage["interval_start"].min() == at(1)


def test_leave_reaches_no_further_than_is_looked_at() -> None:
    night = stretches(("Ada", 12, 20, None))
    need = plan([0.0] * 16 + [1.0] * 8)
    assert suggest(night, [allow("leave", -10, 8)], plan=need, now=at(10)).changes.empty
    assert suggest(night, [allow("leave", -10, 4)], plan=plan([0.0] * 24), now=at(10), until=at(24)).changes["hours"].tolist() == [-4.0]


def test_a_schedule_without_names_and_its_placed_breaks() -> None:
    """The schedule's own requirement; breaks where place_breaks put them; seats instead of names."""
    lunch = {"offset_s": 4 * HOUR, "length_s": HOUR, "earliest_s": 3 * HOUR, "latest_s": 5 * HOUR}
    template = {"shift": "day", "first_start": "08:00", "length_s": 8 * HOUR, "breaks": [lunch]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        schedule = cc.schedule_shifts(plan([2.0] * 10), [template], timezone="UTC", max_heads=3)
    placed = cc.place_breaks(schedule.shifts.assign(agents=3), [template], plan=plan([2.0] * 10), step_s=HOUR)
    made = suggest(placed, [allow("overtime_after", 10, 2)], plan=plan([2.0] * 10), now=at(3))
    assert made.changes["agent"].isna().all()
    assert made.changes["seat"].is_unique
    assert (made.short_hours, made.cost) == (0.0, 40.0)
    straight = suggest(schedule, [allow("overtime_after", 10, 2)], shifts=[template], now=at(3))
    assert straight.short_hours_before >= made.short_hours_before
    assert straight.coverage["required"].tolist() == [2.0] * 7


def test_service_before_and_after() -> None:
    forecast = pd.DataFrame(
        {
            "queue": "help", "interval_start": EIGHT + pd.to_timedelta(np.arange(16) * 1800, unit="s"), "interval_s": 1800.0,
            "expected_offered": 60.0, "expected_aht_s": 240.0,
        }
    )  # fmt: skip
    staffed = cc.plan_staffing(forecast, target_service_level=0.8, threshold_s=20, patience_s=180)
    people = stretches(*((f"a{number}", 0, 6 if number % 3 else 8, None) for number in range(int(staffed["agents"].max()))))
    made = suggest(people, [allow("overtime_after", 30, 2)], plan=staffed, now=at(2), model="transient")
    assert made.short_hours == 0
    assert (made.coverage["expected_service_level"] >= 0.8 - 1e-9).all()
    assert (made.coverage["expected_service_level"] >= made.coverage["expected_service_level_before"] - 1e-9).all()
    row = made.service.iloc[0]
    assert row["expected_service_level_before"] < row["expected_service_level"]
    assert row["target_service_level"] == 0.8
    # as evaluate_staffing says of the same agents
    again = cc.evaluate_staffing(made.as_plan(), model="transient", period=None)
    assert again["expected_service_level"].tolist() == pytest.approx([row["expected_service_level"]])
    assert suggest(people, [], plan=plan([1.0] * 8), now=at(2)).service.empty


def test_several_queues() -> None:
    both = pd.concat([plan([1.0] * 6, queue="a"), plan([1.0] * 8, queue="b")])
    day = pd.concat([stretches(("Ada", 0, 6, None), queue="a"), stretches(("Bo", 0, 6, None), queue="b")])
    made = suggest(day, [allow("overtime_after", 10, 3)], plan=both, now=at(2))
    assert made.changes[["agent", "queue", "hours"]].values.tolist() == [["Bo", "b", 2.0]]


def test_the_time_limit_is_kept_and_said() -> None:
    import time

    rng = np.random.default_rng(4)
    people = [(f"a{number}", int(start), int(start) + 8, int(start) + 4) for number, start in enumerate(rng.integers(0, 8, 150))]
    kinds = [{**each, "step_s": 900} for each in EVERYTHING]
    need = [float(each) for each in rng.integers(20, 90, 32)]
    began = time.monotonic()
    made = suggest(stretches(*people), kinds, plan=plan(need, every_s=1800), now=at(1), until=at(16), time_limit_s=5, gap=1e-3)
    assert time.monotonic() - began < 30
    assert made.short_hours < made.short_hours_before
    assert made.short_bound <= made.short_hours + 1e-6
    assert made.bound <= made.objective + 1e-6


DAY = stretches(("Ada", 0, 8, 4))
BAD: dict[str, tuple[Any, dict[str, Any], type[Exception], str]] = {
    "naive now": ([], {"now": "2024-03-04 09:00"}, OptionError, "expected instants with a time zone"),
    "no now": ([], {"now": "noon"}, OptionError, "expected instants"),
    "until before": ([], {"until": at(-1)}, OptionError, "the second after the first"),
    "after the plan": ([], {"now": at(20), "until": at(22)}, OptionError, "no interval of the plan is between"),
    "no plan": ([], {"plan": None}, OptionError, "only a Schedule knows"),
    "kind": ([{"kind": "nap"}], {}, OptionError, "kind='nap': expected one of overtime_before"),
    "no kind": ([{"cost": 1}], {}, OptionError, "'kind' is missing"),
    "unknown": ([{"kind": "leave", "price": 1}], {}, OptionError, "unknown price"),
    "no mapping": ([3], {}, OptionError, "found int"),
    "cost": ([{"kind": "leave", "cost": float("inf")}], {}, OptionError, "cost=inf: expected a number"),
    "saving overtime": ([{"kind": "overtime_after", "cost": -1}], {}, OptionError, "only leave can save"),
    "step": ([{"kind": "leave", "step_s": 0}], {}, OptionError, "step_s=0: expected a number, 60 or more"),
    "most": ([{"kind": "leave", "most": 1.5}], {}, OptionError, "most=1.5"),
    "far": ([{"kind": "leave", "most_s": 1e9}], {}, OptionError, "a day at most"),
    "price": ([], {"short_cost": -1}, OptionError, "short_cost=-1"),
    "notice": ([], {"notice_s": "soon"}, OptionError, "notice_s='soon'"),
    "queue": ([], {"plan": plan([1.0] * 8, queue="x").assign(queue=list("xyxyxyxy"))}, TableError, "queues 'help' are not in the plan"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said(name: str) -> None:
    allowed, options, error, words = BAD[name]
    with pytest.raises(error, match=words):
        cc.suggest_changes(DAY, allowed, **{"plan": plan([1.0] * 8), "now": at(1), **options})
