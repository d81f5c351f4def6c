"""Schedules and rosters as CSV: what was written is what is read, and nothing in it is a formula."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import ColumnError, FormatError, OptionError, SourceMissingError, TableError, ZoneError
from ccstats.exports.schedules import read_coverage
from ccstats.report.files import csv_text

NAMES = [
    "Ada",
    "=HYPERLINK(1)",
    "'=1+1",
    "''@x",
    "-",
    "+49 30",
    "@",
    "Zürich, Süd",
    'a "b"',
    "a;b|c\td",
    " padded ",
    "👩‍💻",
    "two\nlines",
    "cr\rhere",
    "x" * 500,
]
NINE = pd.Timestamp("2024-03-04 09:00", tz="Europe/Berlin")


def roster_of(names: list[str]) -> pd.DataFrame:
    starts = pd.Series([NINE + pd.Timedelta(hours=24 * at, microseconds=at) for at in range(len(names))])
    frame = pd.DataFrame({"agent": names, "shift": names[::-1], "started_at": starts, "ended_at": starts + pd.Timedelta("8h")})
    frame = frame.assign(queue=names, paid_s=[27000.1 + at / 3 for at in range(len(names))], paid=[at % 2 == 0 for at in range(len(names))])
    for name in ("started_at", "ended_at"):
        frame[name] = frame[name].dt.tz_convert("UTC").dt.as_unit("us")
    return frame.astype({name: "str" for name in ("agent", "shift", "queue")})


def test_a_roster_comes_back(tmp_path: Path) -> None:
    roster = roster_of(NAMES)
    path = cc.write_roster(roster, tmp_path / "roster.csv")
    assert_frame_equal(cc.read_roster(path), roster)
    assert [each.name for each in tmp_path.iterdir()] == ["roster.csv"]  # no temporary name is left


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8), min_size=1, max_size=5))
def test_any_name_comes_back(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    roster = roster_of(names)
    assert_frame_equal(cc.read_roster(cc.write_roster(roster, tmp_path_factory.mktemp("a") / "roster.csv")), roster)


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    path = cc.write_roster(roster_of(NAMES), tmp_path / "roster.csv")
    cells = pd.read_csv(path, dtype="str", keep_default_na=False)[["agent", "shift", "queue"]].to_numpy().ravel()
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


def test_a_schedule_comes_back_with_its_coverage(tmp_path: Path) -> None:
    hours = pd.date_range("2024-03-04 08:00", periods=10, freq="h", tz="UTC", unit="us")
    plan = pd.DataFrame({"queue": "help", "interval_start": hours, "interval_s": 3600.0, "agents": [1, 2, 3, 3, 3, 3, 3, 2, 1, 1]})
    lunch = [{"offset_s": 4 * 3600, "length_s": 1800, "paid": False}]
    templates = [{"shift": "day", "first_start": "08:00", "last_start": "12:00", "length_s": 6.5 * 3600, "breaks": lunch}]
    made = cc.schedule_shifts(plan, templates, timezone="UTC")
    assert len(made.shifts) > 1
    assert_frame_equal(
        cc.read_schedule(cc.write_schedule(made, tmp_path / "shifts.csv")), made.shifts.astype({"shift": "str", "queue": "str"})
    )
    (tmp_path / "coverage.csv").write_text(csv_text(made.coverage))
    assert_frame_equal(read_coverage(tmp_path / "coverage.csv"), made.coverage)
    assert cc.read_shifts(cc.write_shifts(templates, tmp_path / "shifts.toml"))[0].breaks[0].length_s == 1800


def test_an_empty_roster_comes_back(tmp_path: Path) -> None:
    again = cc.read_roster(cc.write_roster(roster_of(["Ada"]).iloc[:0], tmp_path / "roster.csv"))
    assert list(again.columns) == list(roster_of(["Ada"]).columns)
    assert len(again) == 0


def test_another_planners_table_is_read(tmp_path: Path) -> None:
    rows = [
        "agent;team;started_at;ended_at;activity",
        "Ada;red;2024-03-04 09:00;2024-03-04 12:00;",
        "Bo;;2024-03-04 09:00;2024-03-04 10:00;training",
    ]
    text = "\n".join([*rows, ""])
    made = cc.read_roster(text.encode(), timezone="Europe/Berlin")
    assert made["started_at"].tolist() == [NINE.tz_convert("UTC")] * 2
    assert made["team"].isna().tolist() == [False, True]
    assert made["activity"].isna().tolist() == [True, False]
    with pd.ExcelWriter(tmp_path / "roster.xlsx") as book:
        pd.DataFrame(
            {"agent": ["Ada"], "started_at": [NINE.tz_localize(None)], "ended_at": [NINE.tz_localize(None) + pd.Timedelta("1h")]}
        ).to_excel(book, index=False)
    assert cc.read_roster(tmp_path / "roster.xlsx", timezone="Europe/Berlin")["started_at"].tolist() == [NINE.tz_convert("UTC")]


ROW = "Ada,2024-03-04T09:00Z,2024-03-04T17:00Z\n"


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("", ColumnError, "a roster needs agent, started_at, ended_at; it is empty"),
        ("agent,start\nAda,1\n", ColumnError, "started_at, ended_at; found 'agent', 'start'"),
        (f"agent,started_at,ended_at\n{ROW},2024-03-04T09:00Z,2024-03-04T17:00Z\n", FormatError, "line 3: agent is missing"),
        (f"agent,started_at,ended_at\n{ROW}Bo,soon,2024-03-04T17:00Z\n", FormatError, "line 3: started_at 'soon' is no time"),
        (f"agent,started_at,ended_at\n{ROW}Bo,,2024-03-04T17:00Z\n", FormatError, "line 3: started_at is missing"),
        (f"agent,started_at,ended_at\n{ROW}Bo,2024-03-04T17:00Z\n", FormatError, "line 3: 2 fields, the header has 3"),
        (f'agent,started_at,ended_at\n{ROW}"Bo,2024', FormatError, "line 3: a quoted field is never closed"),
        (
            "agent,started_at,ended_at,paid\nAda,2024-03-04T09:00Z,2024-03-04T17:00Z,maybe\n",
            FormatError,
            "paid 'maybe' is no true or false",
        ),
        ("agent,started_at,ended_at,paid_s\nAda,2024-03-04T09:00Z,2024-03-04T17:00Z,much\n", FormatError, "paid_s 'much' is no number"),
        ("agent,started_at,ended_at\nAda,2024-03-04T09:00,2024-03-04T17:00\n", ZoneError, "timezone='Europe/Istanbul'"),
        ("agent\0,started_at\n", FormatError, "zero bytes"),
    ],
)
def test_what_is_no_roster_is_refused_with_its_line(text: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=None) as raised:
        cc.read_roster(text.encode())
    assert said in str(raised.value)


@pytest.mark.parametrize("agents", ["-1", "2.5", "", "many", "1e300", "nan", "inf"])
def test_agents_of_a_shift_are_whole(agents: str) -> None:
    text = f"shift,started_at,ended_at,agents\nday,2024-03-04T09:00Z,2024-03-04T17:00Z,{agents}\n"
    with pytest.raises(FormatError, match="line 2: agents"):
        cc.read_schedule(text.encode())


def test_no_local_time_that_never_was() -> None:
    text = b"agent,started_at,ended_at\nAda,2024-03-31 02:30,2024-03-31 09:00\n"
    with pytest.raises(FormatError, match="line 2: started_at '2024-03-31 02:30'"):
        cc.read_roster(text, timezone="Europe/Berlin")


def test_what_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be written"):
        cc.write_roster(roster_of(["Ada"]), tmp_path / "nowhere" / "roster.csv")
    with pytest.raises(TableError, match="no column agent"):
        cc.write_roster(roster_of(["Ada"]).drop(columns="agent"), tmp_path / "roster.csv")
    with pytest.raises(TableError, match="time zone"):
        cc.write_roster(roster_of(["Ada"]).assign(started_at="soon"), tmp_path / "roster.csv")
    with pytest.raises(SourceMissingError):
        cc.read_roster(tmp_path / "roster.csv")
    with pytest.raises(OptionError, match="one file"):
        cc.read_schedule([b"a", b"b"])
    assert not list(tmp_path.iterdir())
