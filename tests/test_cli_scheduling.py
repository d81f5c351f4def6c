"""From a plan to shifts, names and adherence: each command reads what the one before wrote."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import icalendar
import openpyxl
import pandas as pd
import pytest

import ccstats as cc
from ccstats.cli.shell import main
from test_cli import run

ZONE = "Europe/Berlin"
SHIFTS = """shift,first_start,last_start,length_s,breaks
full,08:00,09:00,8:30,4:00+0:30 within 3:00-5:00
half,08:00,12:00,4:00,
"""
PEOPLE = "agent,hours_per_week,wishes\n" + "".join(
    f"{name},40,{wish}\n" for name, wish in zip("ABCDEFG", ["off wed"] + [""] * 6, strict=True)
)
LATE_S = 600


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five days of a small centre, planned, scheduled and rostered once for all tests."""
    folder = tmp_path_factory.mktemp("planned")
    (folder / "shifts.csv").write_text(SHIFTS)
    (folder / "people.csv").write_text(PEOPLE)
    starts = [pd.Timestamp(f"2026-03-0{day} 08:00") + pd.Timedelta(minutes=30 * at) for day in range(2, 7) for at in range(17)]
    calls = [6 + 6 * (4 <= at < 12) for _ in range(5) for at in range(17)]
    pd.DataFrame({"queue": "=help", "start": starts, "calls": calls, "aht": 240}).to_csv(folder / "forecast.csv", index=False)
    asked = ("staff", "forecast.csv", "-s", "80/20", "--patience", "180", "-z", ZONE, "--out", "plan.csv")
    assert run(*asked, folder=folder).returncode == 0
    done = run("schedule", "plan.csv", "--shifts", "shifts.csv", "-z", ZONE, "--calendar", "--out", "schedule", folder=folder)
    assert done.returncode == 0, done.stderr.decode()
    (folder / "schedule.txt").write_bytes(done.stdout)
    words = ("--people", "people.csv", "-z", ZONE, "--time-limit", "4", "--calendars", "--out", "roster")
    done = run("roster", "schedule", *words, folder=folder)
    assert done.returncode == 0, done.stderr.decode()
    (folder / "roster.txt").write_bytes(done.stdout)
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


def test_the_schedule_covers_the_plan_and_says_so(folder: Path) -> None:
    text = (folder / "schedule.txt").read_text()
    assert "proved to be the best" in text
    assert "0 of 85 intervals short of agents" in text
    assert "expected service level with these agents" in text
    assert {path.name for path in (folder / "schedule").iterdir()} == {
        "shifts.csv",
        "coverage.csv",
        "plan.csv",
        "templates.toml",
        "schedule.ics",
    }
    shifts, coverage = (pd.read_csv(folder / "schedule" / f"{name}.csv") for name in ("shifts", "coverage"))
    plan = pd.read_csv(folder / "plan.csv")
    assert coverage["required"].tolist() == plan["scheduled_agents"].tolist()
    assert (coverage["covered"] >= coverage["required"]).all()
    assert set(shifts["shift"]) <= {"full", "half"}
    assert cc.read_shifts(folder / "schedule" / "templates.toml") == cc.read_shifts(folder / "shifts.csv")
    events = icalendar.Calendar.from_ical((folder / "schedule" / "schedule.ics").read_bytes()).walk("VEVENT")
    assert len(events) == len(shifts)


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
    (folder / "queue_log").write_text(log_of(activities, first))
    done = run(
        "adherence", "roster", "queue_log", "-z", ZONE, "--reason", "lunch=break", "--match", "activity", "--out", "kept", folder=folder
    )
    assert done.returncode == 0, done.stderr.decode()
    kept, exceptions = (pd.read_csv(folder / "kept" / f"{name}.csv") for name in ("adherence", "exceptions"))
    scheduled = (activities["ended_at"] - activities["started_at"]).dt.total_seconds().groupby(activities["agent"]).sum()
    # The log begins when the first agent comes who is not late.
    begin = pd.Timestamp(int((folder / "queue_log").read_text().partition("|")[0]), unit="s", tz="UTC")
    unseen = (begin - activities["started_at"].min()).total_seconds()
    late = LATE_S - unseen
    assert late > 0
    assert kept["exception_s"].sum() == late
    assert exceptions.query("kind != 'outside'")[["agent", "seconds", "kind"]].values.tolist() == [[first, late, "late"]]
    assert kept.set_index("agent")["scheduled_s"].sum() == pytest.approx(scheduled.sum(), abs=unseen * len(scheduled))
    assert {path.name for path in (folder / "kept").iterdir()} == {"adherence.csv", "exceptions.csv", "shrinkage.csv", "paid_time.csv"}
    assert b"adherence = in_adherence_s / scheduled_s" in done.stdout
    printed = run("adherence", "roster", "queue_log", "-z", ZONE, "--by", "queue", "--period", "day", "--out", "-", folder=folder)
    assert list(pd.read_csv(io.BytesIO(printed.stdout)).columns[:2]) == ["queue", "period_start"]


def test_tables_are_printed_as_csv_and_read_from_standard_input(folder: Path) -> None:
    done = run("schedule", "-", "--shifts", "shifts.csv", "-z", ZONE, "--out", "-", folder=folder, stdin=(folder / "plan.csv").read_bytes())
    assert pd.read_csv(io.BytesIO(done.stdout))["agents"].sum() == cc.read_schedule(folder / "schedule" / "shifts.csv")["agents"].sum()


def test_what_cannot_be_covered_is_named(folder: Path) -> None:
    (folder / "late.toml").write_text('[[shift]]\nshift = "late"\nfirst_start = "12:00"\nlength_s = 14400\n')
    done = run("schedule", "plan.csv", "--shifts", "late.toml", "-z", ZONE, folder=folder)
    assert done.returncode == 0
    assert b"intervals are short of agents, the worst queue" in done.stderr
    assert "Short of agents, the worst first" in done.stdout.decode()
    assert not (folder / "late").exists()


def test_help_has_examples_and_needs_no_pandas() -> None:
    for name in ("schedule", "roster", "adherence"):
        text = " ".join(run(name, "--help", env={"COLUMNS": "200"}).stdout.decode().split())
        assert f"ccstats {name} " in text.partition("Examples")[2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("schedule", "plan.csv", "--shifts", "shifts.csv"), "--timezone is missing"),
        (("schedule", "forecast.csv", "--shifts", "shifts.csv", "-z", ZONE), "ccstats staff makes a plan of it"),
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
def test_bad_input_is_one_message_and_exit_status_2(
    words: tuple[str, ...], said: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty").mkdir(exist_ok=True)
    (folder / "rules.toml").write_text("min_rest = 11\n")
    (folder / "few.csv").write_text("agent\nA\n")
    (folder / "queue_log").write_text(log_of(cc.read_roster(folder / "roster" / "activities.csv"), "A"))
    row = "A,2026-03-02T08:00Z,2026-03-02T16:00Z\n"
    (folder / "broken.csv").write_text(f"agent,started_at,ended_at\n{row}B,soon,2026-03-02T16:00Z\n")
    (folder / "twice.csv").write_text(f"agent,started_at,ended_at\n{row}{row}")
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["ccstats", *words])
    monkeypatch.delenv("CCSTATS_TIMEZONE", raising=False)
    with warnings.catch_warnings(), pytest.raises(SystemExit) as left:  # in this process: a new one takes seconds
        main()
    assert left.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())
