"""Folders that the steps of planning hand on: what is written is read, and nothing of an earlier run is taken for this one's."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import OptionError, SourceMissingError
from ccstats.exports.folders import ScheduleFolder, read_planned, read_schedule_folder, write_roster_folder, write_schedule_folder
from ccstats.workforce.rostering import Roster

LUNCH = [{"offset_s": 4 * 3600, "length_s": 1800, "paid": False}]
TEMPLATES = [{"shift": "day", "first_start": "08:00", "length_s": 8.5 * 3600, "breaks": LUNCH}]


@pytest.fixture(scope="module")
def made() -> cc.Schedule:
    hours = pd.date_range("2024-03-04 08:00", periods=8, freq="h", tz="UTC", unit="us")
    plan = pd.DataFrame({"queue": "help", "interval_start": hours, "interval_s": 3600.0, "agents": [1, 2, 2, 2, 1, 2, 2, 1]})
    return cc.schedule_shifts(plan, TEMPLATES, timezone="UTC")


def roster_of(schedule: cc.Schedule, names: list[str]) -> Roster:
    rows = pd.concat([schedule.shifts.assign(agent=name) for name in names]) if names else schedule.shifts.iloc[:0].assign(agent="")
    table = rows[["agent", "shift", "started_at", "ended_at", "queue", "paid_s"]].reset_index(drop=True)
    unfilled = schedule.shifts.iloc[:0][["queue", "shift", "started_at", "ended_at", "agents"]]
    return Roster(table.astype({"agent": "str"}), unfilled, pd.DataFrame({"agent": names}), "optimal", 0.0, 0.0)


def test_a_schedule_is_handed_on(made: cc.Schedule, tmp_path: Path) -> None:
    paths = write_schedule_folder(made, TEMPLATES, tmp_path / "a" / "b")
    assert sorted(paths) == sorted((tmp_path / "a" / "b").iterdir())
    again = read_schedule_folder(tmp_path / "a" / "b")
    assert_frame_equal(again.shifts, made.shifts.astype({"queue": "str", "shift": "str"}))
    assert again.coverage is not None
    assert_frame_equal(again.coverage, made.coverage.astype({"queue": "str"}))
    assert again.templates == cc.read_shifts(tmp_path / "a" / "b" / "templates.toml")
    alone = read_schedule_folder(tmp_path / "a" / "b" / "shifts.csv")
    assert alone.coverage is None
    assert alone.templates is None


def test_a_roster_is_handed_on_with_its_breaks(made: cc.Schedule, tmp_path: Path) -> None:
    folder = ScheduleFolder(made.shifts, made.coverage, cc.read_shifts(cc.write_shifts(TEMPLATES, tmp_path / "t.toml")))
    write_roster_folder(roster_of(made, ["Ada", "=Bo"]), folder, tmp_path / "roster", timezone="UTC")
    planned = read_planned(tmp_path / "roster")
    assert planned.groupby("agent")["activity"].agg(list).tolist() == [["on_queue", "break", "on_queue"]] * 2
    assert sorted(planned["agent"].unique()) == ["=Bo", "Ada"]
    (tmp_path / "roster" / "activities.csv").unlink()
    assert "activity" not in read_planned(tmp_path / "roster")


def test_nothing_of_an_earlier_roster_is_taken_for_this_ones(made: cc.Schedule, tmp_path: Path) -> None:
    known = ScheduleFolder(made.shifts, made.coverage, cc.read_shifts(cc.write_shifts(TEMPLATES, tmp_path / "t.toml")))
    write_roster_folder(roster_of(made, ["Ada"]), known, tmp_path / "roster", timezone="UTC")
    before = {path.name: path.read_bytes() for path in (tmp_path / "roster").iterdir()}
    with pytest.raises(OptionError, match="activities.csv of an earlier roster"):
        write_roster_folder(roster_of(made, ["Bo"]), ScheduleFolder(made.shifts, None, None), tmp_path / "roster", timezone="UTC")
    assert {path.name: path.read_bytes() for path in (tmp_path / "roster").iterdir()} == before
    write_roster_folder(roster_of(made, []), known, tmp_path / "roster", timezone="UTC")
    assert len(read_planned(tmp_path / "roster")) == 0


def test_an_empty_folder_says_what_writes_it(tmp_path: Path) -> None:
    with pytest.raises(SourceMissingError, match="ccstats schedule --out writes it"):
        read_schedule_folder(tmp_path)
    with pytest.raises(SourceMissingError, match="ccstats roster --out writes them"):
        read_planned(tmp_path)
