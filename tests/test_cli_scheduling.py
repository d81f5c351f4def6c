"""From history to forecast, agents, shifts, names and adherence: each command reads what the one before wrote."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import icalendar
import openpyxl
import pandas as pd
import pytest

import ccstats as cc
from command_line import run

ZONE = "Europe/Berlin"
SHIFTS = """shift,first_start,last_start,length_s,breaks
full,08:00,09:00,8:30,4:00+0:30 within 3:00-5:00
half,08:00,12:00,4:00,
"""
PEOPLE = "agent,hours_per_week,wishes\n" + "".join(f"{name},40,{'off wed' if name == 'A' else ''}\n" for name in "ABCDEFG")
LATE_S = 600
AGREED = """client = "Client"
name = "Hours"
timezone = "Europe/Berlin"

[queues."=help"]
hours = "day"

[calendars.day.hours]
"mon-fri" = ["OPENS-18:00"]
"""


class Done(NamedTuple):
    code: int
    stdout: str
    stderr: str


def call(folder: Path, *words: str) -> Done:
    done = run(*words, folder=folder, env={"COLUMNS": "200"})
    return Done(done.returncode, done.stdout.decode(), " ".join(done.stderr.decode().split()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five days of a small centre: forecast, staffed, scheduled and rostered once for all tests."""
    folder = tmp_path_factory.mktemp("planned")
    (folder / "shifts.csv").write_text(SHIFTS)
    (folder / "people.csv").write_text(PEOPLE)
    starts = pd.date_range("2026-02-09", "2026-03-01 23:30", freq="30min")  # three weeks, from a Monday
    slots = (starts.hour * 60 + starts.minute - 480) // 30
    calls = ((slots >= 0) & (slots < 17) & (starts.day_of_week < 5)) * (6 + 6 * ((slots >= 4) & (slots < 12)))
    pd.DataFrame({"queue": "=help", "start": starts, "calls": calls, "aht": 240}).to_csv(folder / "history.csv", index=False)
    commands = {
        "forecast": ("history.csv", "--horizon", "5D", "--method", "profile", "--out", "forecast"),
        "staff": ("forecast", "-s", "80/20", "--patience", "180", "--out", "plan.csv"),
        "schedule": ("plan.csv", "--shifts", "shifts.csv", "--calendar", "--out", "schedule"),
        "roster": ("schedule", "--people", "people.csv", "--time-limit", "4", "--calendars", "--out", "roster"),
    }
    for name, words in commands.items():
        done = call(folder, name, *words, "--timezone", ZONE)
        assert done.code == 0, done.stderr
        (folder / f"{name}.txt").write_text(done.stdout)
    return folder


def log_of(activities: pd.DataFrame, late: str) -> str:
    """A queue_log of agents who do what they should, but for one who comes late on the first day."""
    lines = []
    for (agent, _), day in activities.groupby(["agent", activities["started_at"].dt.date]):
        came = day["started_at"].min().timestamp() + (LATE_S if agent == late and day["started_at"].min().day == 2 else 0)
        lines += [(came, agent, "ADDMEMBER"), (day["ended_at"].max().timestamp(), agent, "REMOVEMEMBER")]
        for row in day[day["activity"] == "break"].itertuples():
            lines += [(row.started_at.timestamp(), agent, "PAUSEALL"), (row.ended_at.timestamp(), agent, "UNPAUSEALL")]
    return "".join(
        f"{at:.0f}|NONE|{'help' if 'MEMBER' in verb else 'NONE'}|{agent}|{verb}|{'lunch' if 'PAUSE' in verb else ''}\n"
        for at, agent, verb in sorted(lines)
    )


def test_the_forecast_is_as_the_weeks_before(folder: Path) -> None:
    made, history = pd.read_csv(folder / "forecast" / "forecast.csv"), pd.read_csv(folder / "history.csv")
    assert len(made) == 5 * 48
    assert made["expected_offered"].sum() == pytest.approx(history["calls"].sum() / 3, rel=0.02)
    assert made["expected_aht_s"].round(3).eq(240).all()
    assert (made["offered_low_95"] <= made["expected_offered"]).all()
    assert "model profile" in (folder / "forecast.txt").read_text()


def test_the_schedule_covers_the_plan_and_says_so(folder: Path) -> None:
    text = (folder / "schedule.txt").read_text()
    assert "proved to be the best" in text
    assert "0 of 240 intervals short of agents" in text
    assert "expected service level with these agents" in text
    assert {path.name for path in (folder / "schedule").iterdir()} == {
        *("shifts.csv", "coverage.csv", "plan.csv", "templates.toml", "schedule.ics")
    }
    shifts, coverage = (pd.read_csv(folder / "schedule" / f"{name}.csv") for name in ("shifts", "coverage"))
    plan = pd.read_csv(folder / "plan.csv")
    assert plan["scheduled_agents"].max() >= 2
    assert coverage["required"].tolist() == plan["scheduled_agents"].tolist()
    assert (coverage["covered"] >= coverage["required"]).all()
    assert set(shifts["shift"]) <= {"full", "half"}
    assert cc.read_shifts(folder / "schedule" / "templates.toml") == cc.read_shifts(folder / "shifts.csv")
    events = icalendar.Calendar.from_ical((folder / "schedule" / "schedule.ics").read_bytes()).walk("VEVENT")
    assert len(events) == len(shifts)


def test_no_shift_is_outside_the_opening_hours(folder: Path) -> None:
    """The plan asks for agents from eight: opening at nine is refused, and shifts of a queue open from eight to six are within."""
    (folder / "agreed.toml").write_text(AGREED.replace("OPENS", "08:00"))
    (folder / "late.toml").write_text(AGREED.replace("OPENS", "09:00"))
    words = ("schedule", "plan.csv", "--shifts", "shifts.csv", "--timezone", ZONE, "--agreement")
    done = call(folder, *words, "agreed.toml", "--out", "-")
    assert done.code == 0, done.stderr
    shifts = pd.read_csv(io.StringIO(done.stdout))
    local = [pd.to_datetime(shifts[name], utc=True).dt.tz_convert(ZONE) for name in ("started_at", "ended_at")]
    assert len(shifts) > 0
    assert local[0].dt.hour.min() >= 8
    assert ((local[1].dt.hour * 60 + local[1].dt.minute) <= 18 * 60).all()
    refused = call(folder, *words, "late.toml")
    assert (refused.code, "need agents in closed hours" in refused.stderr) == (2, True)
    elsewhere = call(folder, *words[:-2], "Asia/Tokyo", "--agreement", "agreed.toml")
    assert (elsewhere.code, "give the same zone" in elsewhere.stderr) == (2, True)


def test_every_shift_has_a_name_and_breaks_are_where_they_may_be(folder: Path) -> None:
    assert "shifts have a name" in (folder / "roster.txt").read_text()
    shifts, roster = cc.read_schedule(folder / "schedule" / "shifts.csv"), cc.read_roster(folder / "roster" / "roster.csv")
    unfilled = pd.read_csv(folder / "roster" / "unfilled.csv")
    assert len(roster) + unfilled["agents"].sum() == shifts["agents"].sum()
    assert set(roster["agent"]) <= set("ABCDEFG")
    activities = cc.read_roster(folder / "roster" / "activities.csv")
    breaks = activities[activities["activity"] == "break"].merge(roster, on=["agent", "shift"], suffixes=("", "_shift"))
    breaks = breaks[(breaks["started_at"] >= breaks["started_at_shift"]) & (breaks["ended_at"] <= breaks["ended_at_shift"])]
    assert len(breaks) == (roster["shift"] == "full").sum() > 0
    assert (breaks["started_at"] - breaks["started_at_shift"]).dt.total_seconds().between(3 * 3600, 5 * 3600).all()
    assert not breaks["paid"].any()
    book = openpyxl.load_workbook(folder / "roster" / "roster.xlsx")
    assert {"roster", "hours", "coverage", "fairness", "shifts", "to know"} <= set(book.sheetnames)
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)
    said = " ".join(str(row[0]) for row in book["to know"].iter_rows(values_only=True))
    assert "people: people.csv" in said
    assert "breaks are taken out" in said
    assert len(list((folder / "roster" / "calendars").iterdir())) == roster["agent"].nunique()


def test_who_comes_late_is_told(folder: Path) -> None:
    activities = cc.read_roster(folder / "roster" / "activities.csv")
    first = activities[activities["started_at"].dt.day == 2].sort_values("started_at")["agent"].iloc[0]
    (folder / "late_log").write_text(log_of(activities, first))
    asked = ("--reason", "lunch=break", "--match", "activity", "--out", "kept")
    done = call(folder, "adherence", "roster", "late_log", "-z", ZONE, *asked)
    assert done.code == 0, done.stderr
    kept, exceptions = (pd.read_csv(folder / "kept" / f"{name}.csv") for name in ("adherence", "exceptions"))
    scheduled = (activities["ended_at"] - activities["started_at"]).dt.total_seconds().sum()
    assert kept["scheduled_s"].sum() == scheduled
    assert kept["exception_s"].sum() == LATE_S
    assert exceptions[["agent", "seconds", "kind"]].values.tolist() == [[first, LATE_S, "late"]]
    assert {path.name for path in (folder / "kept").iterdir()} == {"adherence.csv", "exceptions.csv", "shrinkage.csv", "paid_time.csv"}
    assert "adherence = in_adherence_s / scheduled_s" in done.stdout
    printed = call(folder, "adherence", "roster", "late_log", "-z", ZONE, "--by", "queue", "--period", "day", "--out", "-")
    assert list(pd.read_csv(io.StringIO(printed.stdout)).columns[:2]) == ["queue", "period_start"]


def test_tables_are_printed_as_csv_and_read_from_standard_input(folder: Path) -> None:
    words = ("schedule", "-", "--shifts", "shifts.csv", "-z", ZONE, "--out", "-")
    done = run(*words, folder=folder, stdin=(folder / "plan.csv").read_bytes())
    assert pd.read_csv(io.BytesIO(done.stdout))["agents"].sum() == cc.read_schedule(folder / "schedule" / "shifts.csv")["agents"].sum()


def test_a_log_is_counted_and_the_past_is_looked_back_at(folder: Path) -> None:
    made = cc.synthesize_contacts(seed=1, days=28)
    cc.write_queue_log(made.contacts, folder / "calls_log", shape="file")
    (folder / "own.csv").write_text("start,end,offered\n2025-02-05,2025-02-06,500\n")
    words = ("--horizon", "7D", "--by", "", "--overrides", "own.csv", "--out", "of_log")
    done = call(folder, "forecast", "calls_log", "-z", "Europe/Istanbul", *words, "--method", "naive")
    assert done.code == 0, done.stderr
    assert "do not fit the header" not in done.stderr  # it was not taken for a table
    forecast = pd.read_csv(folder / "of_log" / "forecast.csv")
    day = pd.to_datetime(forecast["interval_start"]).dt.tz_convert("Europe/Istanbul").dt.date.astype("str") == "2025-02-05"
    assert forecast.loc[day, "expected_offered"].sum() == pytest.approx(500)
    done = call(folder, "forecast", "history.csv", "-z", ZONE, "--horizon", "2D", "--method", "profile", "--backtest", "--out", "back")
    assert done.code == 0, done.stderr
    assert {path.name for path in (folder / "back").iterdir()} == {"forecast.csv", "backtest.csv"}
    assert "wape" in (folder / "back" / "backtest.csv").read_text().partition("\n")[0]


def test_what_cannot_be_covered_is_named(folder: Path) -> None:
    (folder / "late.toml").write_text('[[shift]]\nshift = "late"\nfirst_start = "12:00"\nlength_s = 14400\n')
    done = call(folder, "schedule", "plan.csv", "--shifts", "late.toml", "-z", ZONE)
    assert done.code == 0
    assert "intervals are short of agents, the worst queue" in done.stderr
    assert "Short of agents, the worst first" in done.stdout


def test_help_has_examples() -> None:
    for name in ("forecast", "schedule", "roster", "adherence"):
        text = " ".join(call(Path(), name, "--help").stdout.split())
        assert f"ccstats {name} " in text.partition("Examples")[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("forecast", "history.csv"), "--timezone is missing"),
        (("forecast", "nowhere.csv", "-z", ZONE), "no file nowhere.csv"),
        (("forecast", "short.csv", "-z", ZONE), "a forecast needs 14 or more"),
        (("forecast", "history.csv", "-z", ZONE, "--horizon", "soon"), "horizon"),
        (("forecast", "history.csv", "-z", ZONE, "--method", "crystal ball"), "method"),
        (("forecast", "history.csv", "-z", ZONE, "--exclude", "2026-02-10"), "expected START/END"),
        (("forecast", "history.csv", "-z", ZONE, "--events", "events.csv"), "events.csv, line 2: factor 'much' is no number"),
        (("staff", "empty", "-z", ZONE, "-s", "80/20"), "forecast.csv"),
        (("schedule", "plan.csv", "--shifts", "shifts.csv"), "--timezone is missing"),
        (("schedule", "history.csv", "--shifts", "shifts.csv", "-z", ZONE), "ccstats staff makes a plan of it"),
        (("schedule", "plan.csv", "--shifts", "people.csv", "-z", ZONE), "people.csv: shifts need a column shift"),
        (("schedule", "plan.csv", "--shifts", "nowhere.toml", "-z", ZONE), "no file 'nowhere.toml'"),
        (("schedule", "plan.csv", "--shifts", "shifts.csv", "-z", ZONE, "--objective", "fun"), "expected one of cost, heads"),
        (("schedule", "plan.csv", "--shifts", "shifts.csv", "-z", ZONE, "--required", "heads"), "no column heads"),
        (("schedule", "plan.csv", "--shifts", "shifts.csv", "-z", ZONE, "--out", "plan.csv"), "is a file; name a folder"),
        (("roster", "nowhere", "--people", "people.csv", "-z", ZONE), "no file nowhere"),
        (("roster", "empty", "--people", "people.csv", "-z", ZONE), "no file shifts.csv in the folder"),
        (("roster", "schedule", "--people", "shifts.csv", "-z", ZONE), "people need a column agent"),
        (("roster", "schedule", "--people", "people.csv", "-z", ZONE, "--rules", "rules.toml"), "Did you mean min_rest_h?"),
        (("roster", "schedule", "--people", "people.csv", "-z", ZONE, "--out", "schedule"), "is what is read"),
        (("roster", "schedule", "--people", "few.csv", "-z", ZONE, "--coverage", "hard"), "no roster keeps all rules"),
        (("adherence", "plan.csv", "queue_log", "-z", ZONE), "plan.csv: a roster needs agent, started_at, ended_at"),
        (("adherence", "roster", "nowhere", "-z", ZONE), "no file nowhere"),
        (("adherence", "roster", "queue_log", "-z", ZONE, "--reason", "lunch"), "expected REASON=ACTIVITY"),
        (("adherence", "roster", "queue_log", "-z", ZONE, "--by", "team"), "no column 'team'"),
        (("adherence", "broken.csv", "queue_log", "-z", ZONE), "broken.csv, line 3: started_at 'soon' is no time"),
        (("adherence", "twice.csv", "queue_log", "-z", ZONE), "an agent does one thing at a time"),
    ],
)
def test_bad_input_is_one_message_and_exit_status_2(words: tuple[str, ...], said: str, folder: Path) -> None:
    (folder / "empty").mkdir(exist_ok=True)
    (folder / "rules.toml").write_text("min_rest = 11\n")
    (folder / "few.csv").write_text("agent\nA\n")
    (folder / "queue_log").write_text(log_of(cc.read_roster(folder / "roster" / "activities.csv"), "A"))
    row = "A,2026-03-02T08:00Z,2026-03-02T16:00Z\n"
    (folder / "broken.csv").write_text(f"agent,started_at,ended_at\n{row}B,soon,2026-03-02T16:00Z\n")
    (folder / "twice.csv").write_text(f"agent,started_at,ended_at\n{row}{row}")
    (folder / "short.csv").write_text("start,calls,aht\n2026-03-02 08:00,10,240\n2026-03-02 08:30,10,240\n")
    (folder / "events.csv").write_text("name,start,end,factor\nsale,2026-03-02,2026-03-03,much\n")
    done = call(folder, *words)
    assert done.code == 2, done.stdout
    assert said in done.stderr
