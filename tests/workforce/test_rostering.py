"""Rosters: every rule looked at again by a checker of its own, conflicts named, and a hundred people over four weeks."""

from __future__ import annotations

import datetime as dt
import itertools
import os

import numpy as np
import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import DataWarning, OptionError, TableError

pytest.importorskip("ortools")
EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
MONDAY = pd.Timestamp("2024-03-04", tz="UTC")
KINDS = {"early": (6, 14), "day": (8, 16), "mid": (10, 18), "late": (14, 22), "night": (22, 30)}


def shifts_of(need: dict[str, int], days: int = 7, *, weekend: float = 1.0, queue: str | None = None) -> pd.DataFrame:
    rows = []
    for ahead in range(days):
        day = MONDAY + pd.Timedelta(days=ahead)
        for name, agents in need.items():
            start, end = KINDS[name]
            many = int(round(agents * (weekend if day.weekday() >= 5 else 1.0)))
            rows.append(
                {"shift": name, "started_at": day + pd.Timedelta(hours=start), "ended_at": day + pd.Timedelta(hours=end), "agents": many}
            )
            rows[-1] |= {} if queue is None else {"queue": queue}
    return pd.DataFrame(rows)


def people_of(many: int, **more) -> list[dict]:
    return [{"agent": f"a{at:03d}", **more} for at in range(many)]


def broken(made: cc.Roster, shifts: pd.DataFrame, people: list[dict], rules: dict) -> list[str]:
    """Every rule by plain loops over the roster; what is broken."""
    rules = {"max_days_in_row": 5, "min_rest_h": 11.0, "days_off_in_row": 2, "extra_hours": 0.0} | rules
    found = []
    roster = made.roster
    first = shifts["started_at"].min().date()
    days = (shifts["started_at"].max().date() - first).days + 1
    for (shift, start), group in roster.groupby(["shift", "started_at"]):
        wanted = shifts[(shifts["shift"] == shift) & (shifts["started_at"] == start)]["agents"].sum()
        if len(group) > wanted or group["agent"].duplicated().any():
            found.append(f"{shift} {start}: {len(group)} of {wanted}")
    filled = len(roster) + int(made.unfilled["agents"].sum())
    if filled != shifts["agents"].sum():
        found.append(f"{filled} of {shifts['agents'].sum()} accounted for")
    for person in people:
        mine = roster[roster["agent"] == person["agent"]].sort_values("started_at")
        worked = [(at.date() - first).days for at in mine["started_at"]]
        if len(set(worked)) < len(worked):
            found.append(f"{person['agent']}: two shifts a day")
        for one, two in itertools.pairwise(mine.itertuples()):
            if (two.started_at - one.ended_at).total_seconds() < rules["min_rest_h"] * 3600:
                found.append(f"{person['agent']}: {one.shift} then {two.shift}")
        flags = [day in worked for day in range(days)]
        for at in range(days - rules["max_days_in_row"]):
            if all(flags[at : at + rules["max_days_in_row"] + 1]):
                found.append(f"{person['agent']}: days in a row from {at}")
        for week in range(0, days - 6, 7):
            off = [not flag for flag in flags[week : week + 7]]
            if not any(all(off[at : at + rules["days_off_in_row"]]) for at in range(7 - rules["days_off_in_row"] + 1)):
                found.append(f"{person['agent']}: days off in week {week // 7}")
            hours = sum(row.paid_s for row in mine.itertuples() if week <= (row.started_at.date() - first).days < week + 7) / 3600
            if hours > person.get("hours_per_week", 40) + rules["extra_hours"] + 1e-9:
                found.append(f"{person['agent']}: {hours} hours")
        for row in mine.itertuples():
            if person.get("skills") and row.queue not in person["skills"]:
                found.append(f"{person['agent']}: {row.queue}")
            if str(row.started_at.date()) in person.get("away", []):
                found.append(f"{person['agent']}: away on {row.started_at}")
            if person.get("available") and row.started_at.strftime("%a").lower() not in person["available"]:
                found.append(f"{person['agent']}: not available on {row.started_at:%a}")
    return found


def quiet(*arguments, **options) -> cc.Roster:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.build_roster(*arguments, timezone="UTC", **options)


def test_every_rule_is_kept() -> None:
    rng = np.random.default_rng(2)
    for _ in range(4):
        need = {name: int(rng.integers(0, 4)) for name in KINDS}
        people = people_of(14)
        for person in people:
            person["hours_per_week"] = float(rng.choice([20, 32, 40]))
            if rng.random() < 0.3:
                person["away"] = [str((MONDAY + pd.Timedelta(days=int(rng.integers(0, 14)))).date())]
            if rng.random() < 0.3:
                person["available"] = ["mon", "tue", "wed", "sat"]
        rules = {
            "min_rest_h": float(rng.choice([11, 12])),
            "max_days_in_row": int(rng.integers(3, 6)),
            "days_off_in_row": int(rng.integers(1, 4)),
        }
        shifts = shifts_of(need, 14, weekend=0.5)
        if not shifts["agents"].sum():
            continue
        made = quiet(shifts, people, rules=rules, time_limit_s=4)
        assert broken(made, shifts, people, rules) == []
        assert made.bound <= made.objective + 1e-9
        assert made.fairness["shifts"].sum() == len(made.roster)


def test_the_checker_sees_what_is_broken() -> None:
    shifts = shifts_of({"day": 1}, 7)
    people = people_of(2)
    made = quiet(shifts, people)
    assert broken(made, shifts, people, {}) == []
    assert broken(made, shifts, people, {"max_days_in_row": 1})
    assert broken(made, shifts, people, {"min_rest_h": 20})
    assert broken(made, shifts, [people[0] | {"hours_per_week": 8}, people[1] | {"hours_per_week": 8}], {})


def test_no_early_shift_after_a_late_one_and_nothing_else_is_forbidden() -> None:
    """pyworkforce's rule "night, then no morning" forbids every shift the next day: two people, N N N and M M M, are infeasible there."""
    shifts = shifts_of({"early": 1, "night": 1}, 3)
    made = quiet(shifts, people_of(2), rules={"max_nights_in_row": 3}, coverage="hard")
    assert made.status == "optimal"
    assert len(made.roster) == 6
    assert {frozenset(group) for _, group in made.roster.groupby("agent")["shift"]} == {frozenset({"early"}), frozenset({"night"})}


def test_everyone_rests() -> None:
    """pyworkforce's max_resting bounds rest from above: one person works seven days of seven there, here two days off stand in a row."""
    peer = pytest.importorskip("pyworkforce.rostering")
    theirs = peer.MinHoursRoster(
        num_days=7, resources=["a000"], shifts=["day"], shifts_hours=[8], min_working_hours=0, max_resting=7,
        required_resources={"day": [1] * 7}, banned_shifts=[], non_sequential_shifts=[],
    ).solve()  # fmt: skip
    assert (theirs["status"], len(theirs["resource_shifts"])) == ("OPTIMAL", 7)
    made = quiet(shifts_of({"day": 1}), people_of(1))
    assert (len(made.roster), int(made.unfilled["agents"].sum())) == (5, 2)
    assert broken(made, shifts_of({"day": 1}), people_of(1), {}) == []


def test_nobody_works_more_than_it_takes() -> None:
    """pyworkforce's preference weights made working pay: 96 hours where 48 suffice."""
    shifts = shifts_of({"day": 1}, 6)
    people = [person | {"wishes": [{"weekday": "mon", "shift": "day", "work": True, "weight": 50}]} for person in people_of(3)]
    made = quiet(shifts, people)
    assert made.roster["paid_s"].sum() == 6 * 8 * 3600


def test_wishes_are_met_where_they_cost_nothing() -> None:
    people = people_of(4)
    people[0]["wishes"] = [{"weekday": "Friday", "work": False}]
    people[1]["wishes"] = [{"date": "2024-03-05", "shift": "late", "work": True}]
    made = quiet(shifts_of({"day": 1, "late": 1}, 7), people)
    fair = made.fairness.set_index("agent")
    assert fair.loc[["a000", "a001"], "wishes_met"].tolist() == [1, 1]
    late = made.roster[(made.roster["shift"] == "late") & (made.roster["started_at"].dt.date == dt.date(2024, 3, 5))]
    assert late["agent"].tolist() == ["a001"]


def test_progress_tells_ever_better_rosters() -> None:
    told: list[tuple[str, float]] = []
    made = quiet(shifts_of({"day": 2, "late": 1}, 14), people_of(6), time_limit_s=10, progress=lambda *words: told.append(words))
    costs = [float(text.split()[1].rstrip(",")) for text, _ in told[:-1]]
    assert told[-1] == ("rostered", 1.0)
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] == pytest.approx(made.objective)
    assert all(0 <= share <= 1 for _, share in told)


def test_weekends_are_shared() -> None:
    made = quiet(shifts_of({"day": 2}, 28), people_of(8), rules={"days_off_in_row": 1}, time_limit_s=15)
    assert len(made.unfilled) == 0
    assert made.fairness["weekends"].max() - made.fairness["weekends"].min() <= 1
    capped = quiet(shifts_of({"day": 1}, 14), people_of(5), rules={"max_weekends": 1}, time_limit_s=10)
    assert capped.fairness["weekends"].max() <= 1


def test_skills() -> None:
    shifts = pd.concat([shifts_of({"day": 1}, 5, queue="de"), shifts_of({"day": 1}, 5, queue="fr")])
    people = [{"agent": "Ada", "skills": ["de"]}, {"agent": "Bo", "skills": "de, fr"}]
    made = quiet(shifts, people)
    assert made.roster[made.roster["agent"] == "Ada"]["queue"].tolist() == ["de"] * 5
    assert made.roster[made.roster["agent"] == "Bo"]["queue"].tolist() == ["fr"] * 5
    with pytest.warns(DataWarning, match="5 agent-shifts stay unfilled"):
        short = cc.build_roster(shifts, people[:1], timezone="UTC")
    assert short.unfilled["queue"].unique().tolist() == ["fr"]


def test_fixed_assignments_are_kept() -> None:
    shifts = shifts_of({"day": 1, "late": 1}, 5)
    fixed = pd.DataFrame(
        {"agent": ["a001"] * 2, "shift": ["late", "day"], "started_at": [shifts["started_at"][1], shifts["started_at"][4]]}
    )
    made = quiet(shifts, people_of(3), fixed=fixed)
    taken = set(zip(made.roster["agent"], made.roster["shift"], made.roster["started_at"], strict=True))
    assert set(fixed.itertuples(index=False, name=None)) <= taken


CONFLICTS = {
    "coverage": ({"day": 3}, 2, {}, "coverage \\(every shift has all its agents\\)"),
    "one too tired": ({"late": 1, "early": 1}, 1, {"min_rest_h": 12.0}, "coverage"),
}


@pytest.mark.parametrize("name", CONFLICTS)
def test_rules_in_conflict_are_named(name: str) -> None:
    need, many, rules, words = CONFLICTS[name]
    with pytest.raises(OptionError, match=f"no roster keeps all rules; the fewest to give up: {words}"):
        cc.build_roster(shifts_of(need, 7), people_of(many), timezone="UTC", rules=rules, coverage="hard")


def test_the_fewest_rules_are_named() -> None:
    """One person is fixed to a late and the next early shift: only the rest stands against it."""
    shifts = shifts_of({"early": 1, "late": 1}, 2)
    fixed = pd.DataFrame(
        {"agent": ["a000"] * 2, "shift": ["late", "early"], "started_at": [shifts["started_at"][1], shifts["started_at"][2]]}
    )
    with pytest.raises(
        OptionError, match=r"the fewest to give up: (rest \(min_rest_h between shifts\)|fixed \(fixed assignments\))\. Relax"
    ):
        cc.build_roster(shifts, people_of(2), timezone="UTC", fixed=fixed)


def test_a_schedule_goes_straight_in() -> None:
    starts = pd.date_range("2024-03-04", periods=24 * 5, freq="h", tz="UTC", unit="us")
    plan = pd.DataFrame(
        {"queue": "help", "interval_start": starts, "interval_s": 3600.0, "agents": [2.0 if 8 <= at.hour < 16 else 0.0 for at in starts]}
    )
    schedule = cc.schedule_shifts(plan, [{"shift": "day", "first_start": "08:00", "length_s": 8 * 3600}], timezone="UTC")
    made = quiet(schedule, people_of(2))
    assert len(made.roster) == 10
    kept = cc.measure_adherence(
        made.roster,
        cc.schema.AGENT_STATES.conform(
            made.roster[["agent", "started_at", "ended_at", "queue"]].assign(
                state="available", reason=None, contact_id=None, closed_by="event"
            )
        ),
    )
    assert kept["adherence"].tolist() == [1.0, 1.0]


def test_a_hundred_people_four_weeks_five_shifts() -> None:
    need = {"early": 22, "day": 16, "mid": 10, "late": 14, "night": 4}
    shifts = shifts_of(need, 28, weekend=0.6)
    people = people_of(100)
    rules = {"max_weekends": 3}
    made = quiet(shifts, people, rules=rules, time_limit_s=60 if EXAM >= 1 else 20)
    assert broken(made, shifts, people, rules) == []
    assert made.unfilled["agents"].sum() <= 0.02 * shifts["agents"].sum()
    assert made.fairness["weekends"].max() <= 3


BAD = {
    "nobody": (lambda: shifts_of({"day": 1}), [], {}, OptionError, "there is nobody"),
    "twice": (lambda: shifts_of({"day": 1}), [{"agent": "a"}, {"agent": "a"}], {}, OptionError, "'a' are there twice"),
    "no name": (lambda: shifts_of({"day": 1}), [{"skills": "x"}], {}, OptionError, "row 0: agent is missing"),
    "no skills": (lambda: shifts_of({"day": 1}), [{"agent": "a", "skills": []}], {}, OptionError, "'a' have no skills"),
    "hours": (lambda: shifts_of({"day": 1}), [{"agent": "a", "hours_per_week": 200}], {}, OptionError, "hours_per_week=200"),
    "away": (lambda: shifts_of({"day": 1}), [{"agent": "a", "away": "soon"}], {}, OptionError, "away='soon'"),
    "available": (lambda: shifts_of({"day": 1}), [{"agent": "a", "available": "someday"}], {}, OptionError, "available has 'som'"),
    "wish": (lambda: shifts_of({"day": 1}), [{"agent": "a", "wishes": [{"whenever": 1}]}], {}, OptionError, "wish"),
    "key": (lambda: shifts_of({"day": 1}), [{"agent": "a", "skill": "x"}], {}, OptionError, "unknown skill.*Did you mean skills"),
    "rule": (lambda: shifts_of({"day": 1}), people_of(1), {"rules": {"min_rest": 3}}, OptionError, "Did you mean min_rest_h"),
    "rule value": (lambda: shifts_of({"day": 1}), people_of(1), {"rules": {"min_rest_h": -3}}, OptionError, "min_rest_h=-3"),
    "too long": (lambda: shifts_of({"day": 1}), people_of(1), {"rules": {"max_shift_h": 6}}, OptionError, "longer than max_shift_h=6"),
    "coverage": (lambda: shifts_of({"day": 1}), people_of(1), {"coverage": "full"}, OptionError, "coverage='full'"),
    "time": (lambda: shifts_of({"day": 1}), people_of(1), {"time_limit_s": 0}, OptionError, "time_limit_s=0"),
    "no column": (lambda: shifts_of({"day": 1}).drop(columns="agents"), people_of(1), {}, TableError, "no column agents"),
    "half an agent": (lambda: shifts_of({"day": 1}).assign(agents=0.5), people_of(1), {}, TableError, "no whole number"),
    "fixed, who": (
        lambda: shifts_of({"day": 1}), people_of(1), {"fixed": pd.DataFrame({"agent": ["z"], "shift": ["day"], "started_at": [MONDAY]})},
        OptionError, "row 0: 'z' is not among the people",
    ),
    "fixed, which": (
        lambda: shifts_of({"day": 1}), people_of(1), {"fixed": pd.DataFrame({"agent": ["a000"], "shift": ["day"], "started_at": [MONDAY]})},
        OptionError, "row 0: there is no shift 'day'",
    ),
    "fixed, both": (
        lambda: shifts_of({"early": 1, "day": 1}, 1), people_of(1),
        {"fixed": pd.DataFrame({"agent": "a000", "shift": ["early", "day"], "started_at": MONDAY + pd.to_timedelta([6, 8], unit="h")})},
        TableError, "shifts of 'a000' overlap",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said(name: str) -> None:
    shifts, people, options, error, words = BAD[name]
    with pytest.raises(error, match=words):
        cc.build_roster(shifts(), people, timezone="UTC", **options)
