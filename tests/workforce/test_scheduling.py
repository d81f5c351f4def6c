"""Schedules of shifts: small cases by hand, all solutions tried out as the oracle, pyworkforce beside us and its faults guarded."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import DataWarning, FormatError, OptionError, SourceMissingError, TableError
from ccstats.workforce.shift_solvers import Problem, solve_highs

HOUR = 3600


def plan(agents: list[float], *, start: str = "2024-03-04", zone: str = "UTC", every_s: int = HOUR, queue: str = "help") -> pd.DataFrame:
    first = pd.Timestamp(start, tz=zone).tz_convert("UTC").as_unit("us")
    starts = first + pd.to_timedelta(np.arange(len(agents)) * every_s, unit="s")
    return pd.DataFrame({"queue": queue, "interval_start": starts, "interval_s": float(every_s), "agents": agents})


def shift(name: str, start: str, hours: float, **more) -> dict:
    return {"shift": name, "first_start": start, "length_s": hours * HOUR, **more}


def by_hour(made: cc.Schedule) -> list[float]:
    return made.coverage["covered"].tolist()


@pytest.mark.parametrize("objective", ["cost", "heads", "paid"])
def test_night_shifts_go_over_midnight(objective: str) -> None:
    """Three agents from 22 to 6 are three, not six (pyworkforce wraps the shift round within its day)."""
    need = [3 if 22 <= at < 30 else 0 for at in range(48)]
    made = cc.schedule_shifts(plan(need), [shift("night", "22:00", 8)], timezone="UTC", objective=objective)
    assert made.shifts[["shift", "agents"]].values.tolist() == [["night", 3]]
    assert (made.status, made.gap, made.heads, made.paid_hours) == ("optimal", 0.0, 3, 24.0)
    assert by_hour(made) == need


def test_the_evening_before_counts() -> None:
    made = cc.schedule_shifts(plan([2] * 6 + [0] * 18), [shift("night", "22:00", 8)], timezone="UTC")
    assert made.shifts["started_at"].tolist() == [pd.Timestamp("2024-03-03 22:00", tz="UTC")]
    assert by_hour(made)[:7] == [2, 2, 2, 2, 2, 2, 0]


def test_breaks_are_not_covered_and_not_paid() -> None:
    early = shift(
        "early", "08:00", 8, breaks=[{"offset_s": 4 * HOUR, "length_s": HOUR}, {"offset_s": 6 * HOUR, "length_s": HOUR / 2, "paid": True}]
    )
    need = [0] * 8 + [1] * 8 + [0] * 8
    with pytest.warns(DataWarning, match=r"2 intervals are short.*2024-03-04 12:00:00\+00:00 by 1.00"):
        made = cc.schedule_shifts(plan(need), [early], timezone="UTC", max_heads=1)
    assert by_hour(made)[8:16] == [1, 1, 1, 1, 0, 1, 0.5, 1]
    assert made.shifts["paid_s"].tolist() == [7 * HOUR]
    assert made.gaps()[["gap"]].values.tolist() == [[1.0], [0.5]]


def test_what_cannot_be_covered_is_named_and_the_rest_is_covered() -> None:
    need = [0] * 6 + [2] * 14 + [0] * 4
    with pytest.warns(DataWarning, match="6 intervals are short"):
        made = cc.schedule_shifts(plan(need), [shift("day", "08:00", 8)], timezone="UTC")
    assert by_hour(made)[8:16] == [2] * 8
    assert made.gaps()["interval_start"].dt.hour.tolist() == [6, 7, 16, 17, 18, 19]


def test_all_solutions_tried_out() -> None:
    """Small problems: no whole numbers of shifts cost less, whatever the objective."""
    rng = np.random.default_rng(3)
    for _ in range(12):
        need = rng.integers(0, 4, 8).astype(float)
        shifts = [shift(f"s{at}", f"{start:02d}:00", hours) for at, (start, hours) in enumerate([(0, 4), (2, 4), (4, 4), (1, 6)])]
        short, spare = float(rng.integers(1, 6)), float(rng.integers(0, 3))
        table = plan(list(need))
        for objective in ("cost", "heads", "paid", "difference"):
            made = _quiet(table, shifts, timezone="UTC", objective=objective, short_cost=short, spare_cost=spare, gap=0.0)
            cover = np.array(
                [[1 if start <= hour < start + hours else 0 for start, hours in [(0, 4), (2, 4), (4, 4), (1, 6)]] for hour in range(8)]
            )
            cost = {"cost": [4, 4, 4, 6], "paid": [4, 4, 4, 6], "heads": [1, 1, 1, 1], "difference": [0, 0, 0, 0]}[objective]
            best = min(
                float(np.dot(cost, counts))
                + (1 if objective == "difference" else short) * np.clip(need - cover @ counts, 0, None).sum()
                + (1 if objective == "difference" else spare) * np.clip(cover @ counts - need, 0, None).sum()
                for counts in itertools.product(range(4), repeat=4)
            )
            # The shift of the evening before could start at none of these hours, so nothing else can cover.
            assert made.objective == pytest.approx(best)
            assert made.bound == pytest.approx(best)


def _quiet(*arguments, **options) -> cc.Schedule:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.schedule_shifts(*arguments, **options)


def week(peak: float = 30.0) -> pd.DataFrame:
    day = np.concatenate([np.zeros(28), np.sin(np.linspace(0, np.pi, 60)) ** 0.7 * peak, np.linspace(peak / 10, 0, 8)])
    return plan(list(np.concatenate([np.rint(day * each) for each in (1.1, 1.0, 0.95, 0.97, 0.9, 0.6, 0.4)])), every_s=900)


def templates(many: int) -> list[dict]:
    all_ = [(start, hours) for start in np.arange(6, 18, 0.25) for hours in (4, 6, 8, 8.5) if start + hours <= 24]
    chosen = dict.fromkeys(np.linspace(0, len(all_) - 1, many).round().astype(int))
    lunch = [{"offset_s": 4 * HOUR, "length_s": HOUR / 2}]
    return [
        shift(f"s{at}", f"{int(all_[at][0]):02d}:{int(all_[at][0] % 1 * 60):02d}", all_[at][1], breaks=lunch if all_[at][1] >= 8 else [])
        for at in chosen
    ]


@pytest.mark.parametrize("objective", ["heads", "paid", "difference"])
@pytest.mark.parametrize("many", [10, 20])
def test_the_same_optimum_as_pyworkforce(many: int, objective: str) -> None:
    """672 quarter-hours; with 50 templates it is in the benchmarks."""
    pytest.importorskip("pyworkforce.scheduling")
    ours = _quiet(week(), templates(many), timezone="UTC", objective=objective, gap=0.0, time_limit_s=120)
    theirs = _quiet(week(), templates(many), timezone="UTC", objective=objective, engine="pyworkforce", time_limit_s=120)
    assert (ours.status, theirs.status) == ("optimal", "optimal")
    assert ours.objective == pytest.approx(theirs.objective)
    assert ours.coverage["gap"].to_numpy() @ ours.coverage["interval_s"].to_numpy() is not None


REFUSED = {
    "over midnight": (plan([3 if 22 <= at < 30 else 0 for at in range(48)]), [shift("night", "22:00", 8)], {}, "over midnight"),
    "fractions": (plan([1.5] * 24), [shift("day", "00:00", 8)], {}, "no whole number"),
    "part of an interval": (plan([1] * 24), [shift("day", "08:30", 8)], {}, "part of an interval"),
    "desks": (plan([1] * 24), [shift("day", "08:00", 8)], {"max_agents": 3}, "limits on agents"),
    "objective": (plan([1] * 24), [shift("day", "08:00", 8)], {"objective": "cost"}, "it knows heads"),
    "days of unequal length": (plan([1] * 30), [shift("day", "00:00", 4)], {}, "same number of intervals"),
    "price of an hour short": (plan([1] * 24), [shift("day", "08:00", 8)], {"short_cost": 2.0}, "no price of an hour short"),
    "price of an hour to spare": (plan([1] * 24), [shift("day", "08:00", 8)], {"spare_cost": 2.0}, "no price of an agent to spare"),
    "tours": (plan([1] * 168), [shift("day", "08:00", 8)], {"days_off": 2}, "tours of several days"),
    "heads": (plan([1] * 24), [shift("day", "08:00", 8)], {"max_heads": 1}, "limits on agents or heads"),
    "intervals of unequal length": (
        pd.concat([plan([1] * 12), plan([1] * 24, start="2024-03-04 12:00", every_s=1800)]), [shift("day", "08:00", 8)],
        {"objective": "difference"}, "not equally long",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_pyworkforce_gets_wrong_is_refused(name: str) -> None:
    table, shifts, options, words = REFUSED[name]
    with pytest.raises(OptionError, match=f"pyworkforce.*cannot do this right.*{words}.*engine='highs'"):
        cc.schedule_shifts(table, shifts, timezone="UTC", **{"objective": "heads", "engine": "pyworkforce", **options})


def test_failures_of_pyworkforce_are_no_agents() -> None:
    """Its sentinel rows (day -1, -1 agents) become an error; a demand beyond its bound is no failure of ours."""
    pytest.importorskip("pyworkforce.scheduling")
    uncovered = plan([1] * 24)
    with pytest.raises(OptionError, match=r"no schedule \(infeasible\).*engine='highs' names the intervals"):
        cc.schedule_shifts(uncovered, [shift("day", "08:00", 8)], timezone="UTC", objective="heads", engine="pyworkforce")
    far = plan([5] + [0] * 23)
    made = _quiet(far, [shift("day", "08:00", 8)], timezone="UTC", objective="difference", engine="pyworkforce")
    assert (made.objective, len(made.shifts)) == (5.0, 0)
    whole = plan([np.float64(2.0)] * 24)
    made = _quiet(whole, [shift("all", "00:00", 24)], timezone="UTC", objective="heads", engine="pyworkforce", time_limit_s=5)
    assert made.heads == 2


def test_a_demand_that_pyworkforce_bounds_away_is_answered() -> None:
    """Its own bound on the difference makes five agents in a period that nothing covers infeasible; ours is as large as the demand."""
    peer = pytest.importorskip("pyworkforce.scheduling")
    asked = {"num_days": 1, "periods": 2, "shifts_coverage": {"late": [0, 1]}, "required_resources": [[5, 1]], "max_shift_concurrency": 9}
    bounded = peer.MinAbsDifference(**asked, max_period_concurrency=3, max_search_time=5.0).solve()
    assert bounded["status"] == "INFEASIBLE"
    assert [row["resources"] for row in bounded["resources_shifts"]] == [-1]  # and that is no number of agents
    made = _quiet(plan([5, 1] + [0] * 22), [shift("late", "01:00", 1)], timezone="UTC", objective="difference", engine="pyworkforce")
    assert (made.objective, made.heads, made.status) == (5.0, 1, "optimal")


def test_shifts_over_midnight_wrap_round_there() -> None:
    """Three agents from 22 to 6 are six to pyworkforce, three a day; here they are three, and it is not asked."""
    peer = pytest.importorskip("pyworkforce.scheduling")
    wrapped = [1] * 6 + [0] * 16 + [1] * 2
    need = [[0] * 22 + [3] * 2, [3] * 6 + [0] * 18]
    theirs = peer.MinRequiredResources(
        num_days=2, periods=24, shifts_coverage={"night": wrapped}, required_resources=need, max_period_concurrency=9,
        max_shift_concurrency=9, max_search_time=5.0,
    ).solve()  # fmt: skip
    assert sum(row["resources"] for row in theirs["resources_shifts"]) == 6
    assert cc.schedule_shifts(plan(need[0] + need[1]), [shift("night", "22:00", 8)], timezone="UTC", objective="heads").heads == 3


def test_half_a_shift_costs_what_it_pays() -> None:
    """It counts heads unless costs are given, which the adapter does; breaks of the templates are periods that are not covered."""
    pytest.importorskip("pyworkforce.scheduling")
    lunch = [{"offset_s": 2 * HOUR, "length_s": HOUR}]
    need = plan([0] * 8 + [1, 1, 0, 1] + [0] * 12)
    shifts = [shift("long", "08:00", 8), shift("half", "08:00", 4, breaks=lunch)]
    made = _quiet(need, shifts, timezone="UTC", objective="paid", engine="pyworkforce")
    assert (made.shifts["shift"].tolist(), made.paid_hours, made.coverage["gap"].max()) == (["half"], 3.0, 0.0)
    assert by_hour(made)[8:12] == [1, 1, 0, 1]


@pytest.mark.parametrize("status", ["FEASIBLE", "UNKNOWN", "INFEASIBLE"])
def test_what_pyworkforce_is_asked_and_answers(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    """It is given arrays as long as the day, plain numbers and a limit in float seconds (older releases cut, break or refuse others); an
    answer within its time has no bound there, so none is told; its rows of failure are an error, never -1 agents."""
    peer = pytest.importorskip("pyworkforce.scheduling")
    seen: list[dict] = []

    class Late:
        def __init__(self, **asked) -> None:
            seen.append(asked)

        def solve(self) -> dict:
            if status == "FEASIBLE":
                return {"status": status, "cost": 2, "resources_shifts": [{"day": 0, "shift": "s0", "resources": 2}]}
            return {"status": status, "cost": -1, "resources_shifts": [{"day": -1, "shift": "Unknown", "resources": -1}]}

    monkeypatch.setattr(peer, "MinRequiredResources", Late)
    asked = (plan([np.int64(1)] * 24), [shift("all", "00:00", 24)])
    options = {"timezone": "UTC", "objective": "heads", "engine": "pyworkforce", "time_limit_s": 7}
    if status == "FEASIBLE":
        with pytest.warns(DataWarning, match="the time was over"):
            made = cc.schedule_shifts(*asked, **options)
        assert (made.status, made.heads, made.bound) == ("feasible", 2, -np.inf)
    else:
        with pytest.raises(OptionError, match=f"no schedule .{status.casefold()}. and does not say why"):
            cc.schedule_shifts(*asked, **options)
    (given,) = seen
    assert [len(each) for each in given["shifts_coverage"].values()] == [given["periods"]] == [24]
    assert {type(each) for each in (*given["shifts_coverage"]["s0"], *given["required_resources"][0])} == {int}
    assert (type(given["max_search_time"]), given["max_search_time"]) == (float, 7.0)


def test_days_off_in_a_row() -> None:
    """Seven days of one agent: with two days off in a row it takes two people, and each has them."""
    made = cc.schedule_shifts(
        plan(([0] * 8 + [1] * 8 + [0] * 8) * 7), [shift("day", "08:00", 8)], timezone="UTC", objective="heads", days_off=2
    )
    assert made.heads == 2
    assert made.coverage["gap"].max() <= 0
    for off in made.tours["days_off"]:
        days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
        places = {days.index(day) for day in off.split()}
        assert any({at, (at + 1) % 7} <= places for at in range(7))
    assert made.tours["agents"].sum() == 2
    worked = made.shifts["agents"].sum()
    assert worked <= 10


def test_weeks_of_fifty_shifts_with_two_days_off_in_a_row_are_solved_in_time() -> None:
    """350 columns (50 templates, 7 pairs of days off) over 672 quarter-hours: within 1 % of the fewest people before 25 s are over."""
    made = _quiet(week(60), templates(50), timezone="UTC", objective="heads", days_off=2, gap=0.01, time_limit_s=25)
    assert made.gap <= 0.01
    assert made.bound <= made.objective
    assert (made.coverage["gap"] <= 1e-6).all()
    assert len(made.tours) > 10


def test_limits_of_desks_and_heads_hold() -> None:
    need = [0] * 8 + [5] * 8 + [0] * 8
    made = _quiet(plan(need), [shift("day", "08:00", 8), shift("half", "08:00", 4)], timezone="UTC", max_agents=3)
    assert max(by_hour(made)) == 3
    made = _quiet(plan(need * 2), [shift("day", "08:00", 8), shift("half", "08:00", 4)], timezone="UTC", max_heads=2)
    assert made.shifts.groupby("started_at")["agents"].sum().tolist() == [2, 2]


def test_least_agents_where_a_shift_can_be() -> None:
    made = _quiet(plan([0] * 8 + [1] * 8 + [0] * 8), [shift("day", "08:00", 8)], timezone="UTC", min_agents=2)
    assert by_hour(made)[8:16] == [2] * 8
    assert made.coverage["required"].tolist() == [0] * 8 + [2] * 8 + [0] * 8


def test_the_hour_that_the_clocks_skip() -> None:
    """On the day summer time begins in Berlin, 23 hours: a night shift begins at 22:00 on the wall and lasts eight hours."""
    need = plan([0] * 22 + [1] * 8 + [0] * 17, start="2024-03-30", zone="Europe/Berlin")
    made = cc.schedule_shifts(need, [shift("night", "22:00", 8)], timezone="Europe/Berlin")
    assert made.shifts["started_at"].tolist() == [pd.Timestamp("2024-03-30 21:00", tz="UTC")]
    assert made.coverage["gap"].max() == 0
    skipped = cc.schedule_shifts(
        plan([0, 0, 1, 1, 0], start="2024-03-31", zone="Europe/Berlin"), [shift("x", "02:30", 2)], timezone="Europe/Berlin"
    )
    assert skipped.shifts["started_at"].tolist() == [pd.Timestamp("2024-03-31 01:00", tz="UTC")]


def test_windows_steps_and_weekdays() -> None:
    window = {"shift": "w", "first_start": "23:00", "last_start": "01:00", "start_step_s": 3600, "length_s": 2 * HOUR, "days": "Mon, tue"}
    template = cc.Shift(**{**window, "days": ("mon", "tue")})
    assert [at / HOUR for at in template.starts] == [23, 24, 25]
    made = _quiet(plan([1] * 72), [window], timezone="UTC")
    assert {at.strftime("%a %H") for at in made.shifts["started_at"]} <= {"Mon 23", "Tue 00", "Tue 01", "Tue 23", "Wed 00", "Wed 01"}


def staffed() -> pd.DataFrame:
    forecast = pd.DataFrame(
        {
            "queue": "help",
            "interval_start": pd.date_range("2024-03-04 08:00", periods=24, freq="30min", tz="UTC", unit="us"),
            "interval_s": 1800.0,
            "expected_offered": 60 + 30 * np.sin(np.linspace(0, np.pi, 24)),
            "expected_aht_s": 240.0,
        }
    )
    return cc.plan_staffing(forecast, target_service_level=0.8, threshold_s=20, patience_s=180.0)


DAY = [shift("half", "08:00", 4, last_start="16:00"), shift("day", "08:00", 8, last_start="12:00", breaks=[(4 * HOUR, HOUR / 2)])]


def test_what_the_schedule_promises_the_simulation_keeps() -> None:
    made = _quiet(staffed(), DAY, timezone="UTC")
    assert made.coverage["gap"].max() <= 1e-9
    promised = made.coverage
    assert (promised["expected_service_level"] >= 0.8 - 1e-9).all()
    as_plan = made.as_plan()
    transient = cc.evaluate_staffing(as_plan, model="transient", period=None)
    simulated = cc.evaluate_staffing(as_plan, model="simulation", period=None, replications=200, seed=1, confidence=0.99)
    assert (
        simulated["expected_service_level_low"][0] <= transient["expected_service_level"][0] <= simulated["expected_service_level_high"][0]
    )
    stationary = cc.evaluate_staffing(as_plan, period=None)["expected_service_level"][0]
    assert stationary == pytest.approx(np.average(promised["expected_service_level"], weights=staffed()["expected_offered"]))


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_the_simulated_schedule_shows_its_service_level_within_its_interval(seed: int) -> None:
    """Of intervals without carry-over, what the schedule promises is what single contacts, simulated, say within their 99.9 % interval."""
    made = _quiet(staffed(), DAY, timezone="UTC")
    every = made.as_plan()
    # Each interval as a day of its own, long enough that the empty start does not count.
    alone = every.assign(
        queue=pd.Categorical([f"q{at}" for at in range(len(every))]),
        interval_s=20 * 1800.0,
        expected_offered=20 * every["expected_offered"],
    )
    found = cc.evaluate_staffing(alone, model="simulation", period="interval", replications=60, seed=seed, confidence=0.999)
    found = found.set_index("queue").loc[list(alone["queue"])]
    promised = made.coverage["expected_service_level"].to_numpy()
    low, high = (found[f"expected_service_level_{end}"].to_numpy() for end in ("low", "high"))
    assert ((low - 0.003 <= promised) & (promised <= high + 0.003)).all()  # 0.003: that the queue begins empty
    whole = cc.evaluate_staffing(every, model="simulation", period=None, replications=400, seed=seed, confidence=0.999).iloc[0]
    # Over the day the queue is carried over, and the schedule holds what the transient model says of it.
    carried = cc.evaluate_staffing(every, model="transient", period=None)["expected_service_level"].iloc[0]
    assert whole["expected_service_level_low"] <= carried <= whole["expected_service_level_high"]
    assert whole["expected_service_level_high"] >= 0.8


def test_lost_service_is_priced() -> None:
    """The dearer a lost contact, the more agents; and no cheaper schedule is found by trying one shift more or less."""
    levels, heads = [], []
    for price in (0.01, 0.5, 20.0):
        made = _quiet(staffed(), DAY, timezone="UTC", objective="service_level", lost_contact_cost=price, gap=0.0)
        levels.append(float(np.average(made.coverage["expected_service_level"].fillna(0), weights=staffed()["expected_offered"])))
        heads.append(made.heads)
    assert heads == sorted(heads)
    assert heads[0] < heads[2]
    assert levels == sorted(levels)
    assert levels[2] > 0.95


def test_several_queues_one_by_one() -> None:
    both = pd.concat([plan([1] * 24, queue="a"), plan([2] * 24, queue="b")])
    seen = []
    made = cc.schedule_shifts(both, [shift("all", "00:00", 24)], timezone="UTC", progress=lambda queue, share: seen.append((queue, share)))
    assert made.shifts[["queue", "agents"]].values.tolist() == [["a", 1], ["b", 2]]
    assert seen == [("a", 0.5), ("b", 1.0)]


def test_each_queue_has_its_opening_hours() -> None:
    """The night queue is always open; the day's shifts lie within its hours, although the plan ends later."""
    both = pd.concat([plan([1] * 24, queue="night"), plan([0] * 9 + [1] * 8 + [0] * 7, queue="day")])
    week = {name: [("09:00", "17:00")] for name in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")}
    shifts = [shift("any", "00:00", 8, last_start="23:00", start_step_s=HOUR)]
    made = cc.schedule_shifts(both, shifts, timezone="UTC", calendar={"day": cc.Calendar(week, timezone="UTC")}, min_agents=1)
    day = made.shifts[made.shifts["queue"] == "day"]
    assert [(at.hour, end.hour) for at, end in zip(day["started_at"], day["ended_at"], strict=True)] == [(9, 17)]
    assert made.coverage.query("queue == 'night'")["covered"].min() == 1
    with pytest.raises(OptionError, match=r"calendar.*expected a Calendar"):
        cc.schedule_shifts(both, shifts, timezone="UTC", calendar={"day": week})


def test_shrinkage_is_taken_off_the_floor() -> None:
    table = plan([4] * 24).assign(scheduled_agents=5.0, shrinkage=0.2)
    made = cc.schedule_shifts(table, [shift("all", "00:00", 24)], timezone="UTC")
    assert made.shifts["agents"].tolist() == [5]
    assert made.as_plan()["agents"].tolist() == [4.0] * 24


def test_the_time_limit_is_kept_and_the_gap_is_told() -> None:
    import time

    began = time.monotonic()
    made = _quiet(week(120), templates(60), timezone="UTC", objective="difference", days_off=2, time_limit_s=0.2, gap=0.0)
    assert time.monotonic() - began < 60
    assert made.status in ("feasible", "optimal")
    assert made.bound <= made.objective
    assert 0 <= made.gap < 1


def test_a_linear_answer_is_filled_up_where_no_whole_one_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy import optimize

    real = optimize.milp

    def late(*arguments, **options):
        found = real(*arguments, **options)
        if "integrality" in options:
            found.x = None
        return found

    monkeypatch.setattr("ccstats.workforce.shift_solvers.optimize.milp", late)
    with pytest.warns(DataWarning, match="the time was over"):
        made = cc.schedule_shifts(plan([0] * 8 + [3] * 8 + [0] * 8), [shift("day", "08:00", 8)], timezone="UTC")
    assert (made.status, made.shifts["agents"].tolist(), made.coverage["gap"].max()) == ("feasible", [3], 0.0)


BAD = {
    "no column": (plan([1]).drop(columns="agents"), [shift("x", "08:00", 8)], {}, TableError, "no column agents"),
    "negative": (plan([1, -1]), [shift("x", "08:00", 8)], {}, TableError, "negative or infinite in 1 rows.*01:00"),
    "twice": (pd.concat([plan([1]), plan([1])]), [shift("x", "08:00", 8)], {}, TableError, "twice or overlapping"),
    "naive": (plan([1]).assign(interval_start=pd.Timestamp("2024-03-04")), [shift("x", "08:00", 8)], {}, TableError, "time zone"),
    "closed": (
        plan([1] * 24), [shift("x", "08:00", 8)], {"calendar": cc.Calendar(timezone="UTC", hours={"Monday": [("09:00", "17:00")]})},
        OptionError, "16 intervals need agents in closed hours, first 2024-03-04 00:00",
    ),
    "no shifts": (plan([1]), [], {}, OptionError, "there is none"),
    "no name": (plan([1]), [{"length_s": 3}], {}, OptionError, "no name"),
    "no length": (plan([1]), [{"shift": "x", "first_start": "08:00"}], {}, OptionError, "'x': length_s is missing"),
    "unknown key": (plan([1]), [shift("x", "08:00", 8, lenght=3)], {}, OptionError, "unknown lenght"),
    "too long": (plan([1]), [shift("x", "08:00", 25)], {}, OptionError, "at most a day"),
    "break outside": (plan([1]), [shift("x", "08:00", 4, breaks=[(4 * HOUR, HOUR)])], {}, OptionError, "not inside the shift"),
    "breaks over each other": (plan([1]), [shift("x", "08:00", 8, breaks=[(HOUR, HOUR)] * 2)], {}, OptionError, "overlaps the one before"),
    "break odd": (plan([1]), [shift("x", "08:00", 8, breaks=[7])], {}, OptionError, "a break is offset_s"),
    "all break": (plan([1]), [shift("x", "08:00", 8, breaks=[(0, 8 * HOUR)])], {}, OptionError, "nothing but breaks"),
    "same name": (plan([1]), [shift("x", "08:00", 8)] * 2, {}, OptionError, "'x' are there twice"),
    "day": (plan([1]), [shift("x", "08:00", 8, days=["monday", "someday"])], {}, OptionError, "expected some of mon"),
    "step": (plan([1]), [shift("x", "08:00", 8, start_step_s=7)], {}, OptionError, "whole minutes"),
    "cost": (plan([1]), [shift("x", "08:00", 8, cost=-1)], {}, OptionError, "cost=-1"),
    "objective": (plan([1]), [shift("x", "08:00", 8)], {"objective": "joy"}, OptionError, "objective='joy'"),
    "engine": (plan([1]), [shift("x", "08:00", 8)], {"engine": "hand"}, OptionError, "engine='hand'"),
    "days off": (plan([1]), [shift("x", "08:00", 8)], {"days_off": 7}, OptionError, "days_off=7"),
    "limit": (plan([1]), [shift("x", "08:00", 8)], {"max_heads": -1}, OptionError, "max_heads=-1"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said(name: str) -> None:
    table, shifts, options, error, words = BAD[name]
    with pytest.raises(error, match=words):
        cc.schedule_shifts(table, shifts, timezone="UTC", **options)


def test_nothing_to_schedule() -> None:
    made = cc.schedule_shifts(plan([1]).iloc[:0], [shift("x", "08:00", 8)], timezone="UTC")
    assert (len(made.shifts), made.status, made.heads, made.gap) == (0, "optimal", 0, 0.0)
    idle = cc.schedule_shifts(plan([0] * 24), [shift("x", "08:00", 8)], timezone="UTC")
    assert (len(idle.shifts), idle.objective) == (0, 0.0)


def test_templates_of_a_file(tmp_path) -> None:
    path = tmp_path / "shifts.toml"
    path.write_text(
        '[[shift]]\nshift = "früh"\nfirst_start = "07:00"\nlast_start = "09:00"\nlength_s = 30600\n'
        "breaks = [{ offset_s = 14400, length_s = 1800, paid = false }]\n\n"
        '[[shift]]\nshift = "spät"\nfirst_start = "14:00"\nlength_s = 28800\ndays = ["mon", "fri"]\n',
        encoding="utf-8",
    )
    early, late = cc.read_shifts(path)
    assert (early.shift, len(early.starts), early.paid_s, late.days) == ("früh", 5, 28800, ("mon", "fri"))
    with pytest.raises(SourceMissingError):
        cc.read_shifts(tmp_path / "none.toml")
    for text in ("[[shift", "[shifts]\n", 'shift = "x"', "", "\x00", "a = " + "[" * 5000):
        path.write_text(text)
        with pytest.raises(FormatError):
            cc.read_shifts(path)
    frame = pd.DataFrame([shift("a", "08:00", 8, cost=3.0), shift("b", "09:00", 4)])
    made = _quiet(plan([1] * 24), frame, timezone="UTC")
    assert set(made.shifts["shift"]) <= {"a", "b"}


def test_values_of_solutions_are_those_of_the_definition() -> None:
    from scipy import sparse

    rng = np.random.default_rng(0)
    for _ in range(20):
        cover = rng.integers(0, 2, (6, 4)).astype(float)
        required, weight, cost = rng.random(6) * 5, rng.random(6) + 0.1, rng.random(4)
        problem = Problem(sparse.csc_matrix(cover), required, weight, cost, 7.0, 0.5)
        counts = rng.integers(0, 4, 4).astype(float)
        by_hand = sum(c * x for c, x in zip(cost, counts, strict=True))
        for row in range(6):
            there = sum(cover[row, column] * counts[column] for column in range(4))
            by_hand += weight[row] * (7.0 * max(required[row] - there, 0) + 0.5 * max(there - required[row], 0))
        assert problem.value(counts) == pytest.approx(by_hand)
        assert solve_highs(problem, time_limit_s=10, gap=0).objective <= by_hand + 1e-9


def test_to_cover_all_is_to_leave_nothing_short_at_a_high_price() -> None:
    """The shorter program, without columns for hours short, has the same optimum; intervals that no shift reaches cost the same."""
    from dataclasses import replace

    from scipy import sparse

    rng = np.random.default_rng(5)
    for _ in range(25):
        cover = rng.integers(0, 2, (8, 5)).astype(float)
        cover[rng.integers(0, 8)] = 0.0
        required, cost = rng.integers(0, 5, 8).astype(float), rng.integers(1, 9, 5).astype(float)
        soft = Problem(sparse.csc_matrix(cover), required, np.ones(8), cost, 1000.0, 0.0)
        found = [solve_highs(each, time_limit_s=10, gap=0) for each in (soft, replace(soft, must=True))]
        assert found[0].objective == pytest.approx(found[1].objective)
        assert found[1].bound == pytest.approx(found[1].objective)
        assert found[1].status == "optimal"
