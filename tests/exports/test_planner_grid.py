"""The planner's workbook as a spreadsheet opens it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import OptionError, TableError, ZoneError
from ccstats.workforce.rostering import Roster

BERLIN = "Europe/Berlin"
HOSTILE = ["=HYPERLINK(1)", "@SUM(A1)", "{=1}", "two\nlines", "x" * 40_000, "👩‍💻"]


def at(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz=BERLIN).tz_convert("UTC").as_unit("us")


def roster_of(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["agent", "shift", "started_at", "ended_at"])
    frame = frame.assign(**{name: pd.DatetimeIndex([at(each) for each in frame[name]]) for name in ("started_at", "ended_at")})
    hours = (frame["ended_at"] - frame["started_at"]).dt.total_seconds()
    return frame.assign(queue="help", paid_s=hours - 1800.0)


ROSTER = roster_of(
    ("Ada", "early", "2024-03-08 06:00", "2024-03-08 14:00"),
    ("Ada", "early", "2024-03-10 07:00", "2024-03-10 15:00"),
    ("Bo", "night", "2024-03-08 22:00", "2024-03-09 06:00"),
    ("Bo", "late", "2024-03-10 14:00", "2024-03-10 22:00"),
)


CENTURY = roster_of(
    ("Ada", "early", "1970-03-08 06:00", "1970-03-08 14:00"),
    ("Ada", "early", "2124-03-08 06:00", "2124-03-08 14:00"),
)


def cells(path: Path, sheet: str) -> list[list[object]]:
    return [list(row) for row in openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True)]


def test_agents_by_days(tmp_path: Path) -> None:
    path = cc.write_planner_grid(ROSTER, tmp_path / "roster.xlsx", timezone=BERLIN)
    days = [dt.datetime(2024, 3, day) for day in (8, 9, 10)]  # noqa: DTZ001 - a worksheet knows no zones
    assert cells(path, "roster") == [
        ["agent", *days, "shifts", "hours"],
        ["Ada", "E 06:00", None, "E 07:00", 2, 15],
        ["Bo", "N 22:00", None, "L 14:00", 2, 15],
        ["agents at work", 2, 0, 2, None, None],
    ]
    assert cells(path, "hours") == [
        ["agent", *days, "hours"],
        ["Ada", 7.5, None, 7.5, 15],
        ["Bo", 7.5, None, 7.5, 15],
        ["together", 15, None, 15, 30],
    ]
    assert cells(path, "shifts")[1:] == [["E", "early", 2, 15], ["L", "late", 1, 7.5], ["N", "night", 1, 7.5]]
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["roster", "hours", "shifts", "to know"]
    assert [book[name].freeze_panes for name in book.sheetnames] == ["B2", "B2", "A2", "A2"]
    assert BERLIN in str(cells(path, "to know"))
    assert [each.name for each in tmp_path.iterdir()] == ["roster.xlsx"]


def test_coverage_is_what_a_plain_loop_counts(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    starts = pd.date_range("2024-03-30 20:00", periods=40, freq="30min", tz="UTC", unit="us")  # over the change of the clocks
    coverage = pd.DataFrame({"queue": "help", "interval_start": starts, "interval_s": 1800.0, "required": 2.0, "covered": 3.0})
    begin = starts[0] + pd.to_timedelta(rng.integers(-8 * 60, 20 * 60, 30), unit="min")
    roster = pd.DataFrame({"agent": [f"a{each}" for each in range(30)], "started_at": begin, "ended_at": begin + pd.Timedelta("475min")})
    rows = cells(cc.write_planner_grid(roster, tmp_path / "roster.xlsx", timezone=BERLIN, coverage=coverage), "coverage")
    assert rows[0][:5] == ["queue", f"interval start ({BERLIN})", "required", "scheduled", "rostered"]
    for row, start in zip(rows[1:], starts, strict=True):
        end, wanted = start + pd.Timedelta("30min"), 0.0
        for each in roster.itertuples():
            wanted += max(0.0, (min(end, each.ended_at) - max(start, each.started_at)).total_seconds()) / 1800
        assert row[4] == pytest.approx(wanted, abs=1e-5)
        assert row[5] == pytest.approx(wanted - 2, abs=1e-5)
    book = openpyxl.load_workbook(tmp_path / "roster.xlsx")
    rules = [rule for each in book["coverage"].conditional_formatting for rule in each.rules]
    assert {(rule.type, rule.operator) for rule in rules} >= {("cellIs", "lessThan"), ("cellIs", "greaterThanOrEqual"), ("dataBar", None)}
    assert book["coverage"].freeze_panes == "C2"
    assert "breaks are not taken out" in str(cells(tmp_path / "roster.xlsx", "to know"))


def test_queues_and_activities_are_kept_apart(tmp_path: Path) -> None:
    start = pd.DatetimeIndex([at("2024-03-08 10:00")] * 2)
    coverage = pd.DataFrame({"queue": ["help", "sales"], "interval_start": start, "interval_s": 3600.0, "required": [1.0, 1.0]})
    roster = ROSTER.iloc[:1]
    activities = pd.concat(
        [
            roster.assign(activity="on_queue", ended_at=at("2024-03-08 10:15")),
            roster.assign(activity="break", started_at=at("2024-03-08 10:15")),
        ]
    )
    path = cc.write_planner_grid(roster, tmp_path / "a.xlsx", timezone=BERLIN, coverage=coverage, activities=activities)
    assert [row[3:] for row in cells(path, "coverage")[1:]] == [[0.25, -0.75], [0, -1]]
    assert cells(path, "roster")[1][1] == "E 06:00"


def test_rows_of_one_shift_are_one_cell(tmp_path: Path) -> None:
    rows = roster_of(("Ada", "early", "2024-03-08 06:00", "2024-03-08 10:00"), ("Ada", "early", "2024-03-08 10:00", "2024-03-08 14:00"),
                     ("Ada", "early", "2024-03-08 16:00", "2024-03-08 18:00"))  # fmt: skip
    rows = rows.drop(columns="paid_s").assign(paid=[True, False, True])
    path = cc.write_planner_grid(rows, tmp_path / "a.xlsx", timezone=BERLIN)
    assert cells(path, "roster")[1] == ["Ada", "E 06:00 + E 16:00", 2, 6]


def test_hostile_names_do_no_harm(tmp_path: Path) -> None:
    rows = roster_of(*((name, name, "2024-03-08 06:00", "2024-03-08 14:00") for name in HOSTILE))
    coverage = pd.DataFrame({"queue": HOSTILE, "interval_start": rows["started_at"], "interval_s": 1800.0, "required": 1.0})
    path = cc.write_planner_grid(rows, tmp_path / "a.xlsx", timezone=BERLIN, coverage=coverage, notes=["=cmd|' /C calc'!A0"])
    book = openpyxl.load_workbook(path)
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert not str(cell.value).startswith(("=", "@", "\t"))
                assert cell.hyperlink is None
    assert len(cells(path, "roster")) == len(HOSTILE) + 2


def test_codes_are_apart_whatever_the_names(tmp_path: Path) -> None:
    names = ["early", "Early", "earl", "late", "l", "L", "è"]
    rows = roster_of(*((f"a{place}", name, "2024-03-08 06:00", "2024-03-08 14:00") for place, name in enumerate(names)))
    legend = cells(cc.write_planner_grid(rows, tmp_path / "a.xlsx", timezone=BERLIN), "shifts")[1:]
    assert sorted(str(row[1]) for row in legend) == sorted(names)
    assert len({row[0] for row in legend}) == len(names)


def test_a_roster_brings_what_is_unfilled_and_how_fair_it_is(tmp_path: Path) -> None:
    unfilled = ROSTER.iloc[:1][["queue", "shift", "started_at", "ended_at"]].assign(agents=2)
    made = Roster(ROSTER, unfilled, pd.DataFrame({"agent": ["Ada"], "hours": [15.0]}), "optimal", 1.0, 1.0)
    path = cc.write_planner_grid(made, tmp_path / "a.xlsx", timezone=BERLIN)
    assert openpyxl.load_workbook(path).sheetnames == ["roster", "hours", "unfilled", "fairness", "shifts", "to know"]
    assert cells(path, "unfilled")[1][-1] == 2


def test_an_empty_roster_is_a_workbook(tmp_path: Path) -> None:
    path = cc.write_planner_grid(ROSTER.iloc[:0], tmp_path / "a.xlsx", timezone=BERLIN)
    assert cells(path, "roster") == [["agent", "shifts", "hours"]]


@pytest.mark.parametrize(
    ("rows", "options", "error", "said"),
    [
        (ROSTER, {"timezone": "Europe/Berln"}, ZoneError, "Europe/Berlin"),
        (ROSTER, {"out": "roster.csv"}, OptionError, ".xlsx"),
        (ROSTER, {"out": "nowhere/roster.xlsx"}, OptionError, "cannot be written"),
        (ROSTER.drop(columns="agent"), {}, TableError, "no column agent"),
        (ROSTER.assign(ended_at=ROSTER["started_at"]), {}, TableError, "row 0"),
        (ROSTER.assign(agent=None), {}, TableError, "row 0"),
        (ROSTER, {"coverage": ROSTER}, TableError, "coverage: no column interval_start"),
        (CENTURY, {}, TableError, "worksheet"),
    ],
)  # fmt: skip
def test_bad_input_is_told(rows: pd.DataFrame, options: dict, error: type[Exception], said: str, tmp_path: Path) -> None:
    asked = {"out": "roster.xlsx", "timezone": BERLIN, **options}
    with pytest.raises(error, match=said):
        cc.write_planner_grid(rows, tmp_path / asked.pop("out"), **asked)
