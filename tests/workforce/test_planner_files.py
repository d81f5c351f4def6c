"""People, rules and shift templates as planners keep them: TOML and tables say the same, and what is wrong is named with its line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import CcstatsError, ColumnError, FormatError, OptionError, SourceMissingError

PEOPLE_TOML = """
[[person]]
agent = "Ada"
skills = ["sales", "help"]
hours_per_week = 20
available = ["mon", "Friday"]
away = [2024-03-08]
wishes = [{ weekday = "fri", work = false }, { date = 2024-03-11, work = false }, { weekday = "mon", shift = "late 2", work = true }]

[[person]]
agent = "Bo"
"""
PEOPLE_ROWS = pd.DataFrame(
    {
        "agent": ["Ada", "Bo"],
        "skills": ["sales, help", None],
        "hours_per_week": [20, None],
        "available": ["mon, Friday", None],
        "away": ["2024-03-08", None],
        "wishes": ["off fri; off 2024-03-11; Mon late 2", None],
    }
)


def test_people_of_toml_and_of_tables_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "people.toml").write_text(PEOPLE_TOML)
    PEOPLE_ROWS.to_csv(tmp_path / "people.csv", index=False)
    PEOPLE_ROWS.to_excel(tmp_path / "people.xlsx", index=False)
    made = cc.read_people(tmp_path / "people.toml")
    ada = cc.Person(
        "Ada", ("sales", "help"), 20.0, ("mon", "fri"), (dt.date(2024, 3, 8),),
        (cc.Wish(weekday="fri"), cc.Wish(date=dt.date(2024, 3, 11)), cc.Wish(weekday="mon", shift="late 2", work=True)),
    )  # fmt: skip
    assert made == (ada, cc.Person("Bo"))
    assert cc.read_people(tmp_path / "people.csv") == made
    assert cc.read_people(tmp_path / "people.xlsx") == made


SHIFTS_TOML = """
[[shift]]
shift = "early"
first_start = "07:00"
last_start = "09:00"
length_s = 30600
breaks = [{ offset_s = 14400, length_s = 1800, earliest_s = 12600, latest_s = 18000 }, { offset_s = 21600, length_s = 900, paid = true }]
days = ["mon", "tue"]

[[shift]]
shift = "half"
first_start = "08:00"
length_s = 14400
cost = 2.5
start_step_s = 900
"""
SHIFTS_CSV = """shift,first_start,last_start,start_step_s,length_s,breaks,cost,days
early,07:00,09:00,,8:30,4:00+0:30 within 3:30-5:00; 21600+900 paid,,"mon, tue"
half,08:00,,0:15,14400,,2.5,
"""


def test_shifts_of_toml_and_of_tables_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "shifts.toml").write_text(SHIFTS_TOML)
    (tmp_path / "shifts.csv").write_text(SHIFTS_CSV)
    made = cc.read_shifts(tmp_path / "shifts.csv")
    assert made == cc.read_shifts(tmp_path / "shifts.toml")
    assert cc.read_shifts(cc.write_shifts(made, tmp_path / "again.toml")) == made


def test_rules_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text("min_rest_h = 12\nmax_weekends = 2\n")
    assert cc.read_roster_rules(tmp_path / "rules.toml") == cc.RosterRules(min_rest_h=12, max_weekends=2)
    (tmp_path / "rules.toml").write_text("")
    assert cc.read_roster_rules(tmp_path / "rules.toml") == cc.RosterRules()


@pytest.mark.parametrize(
    ("name", "text", "error", "said"),
    [
        ("people.csv", "agent,hours_per_week\nAda,40\nBo,many\n", OptionError, "people.csv, line 3 (Bo): hours_per_week='many'"),
        ("people.csv", "agent,hours_per_week\nAda,20:30\n", OptionError, "line 2 (Ada): hours_per_week='20:30'"),
        ("people.csv", "agent,available\n\nAda,moon\n", OptionError, "line 3 (Ada): available has 'moo'"),
        ("people.csv", "agent,wishes\nAda,off\n", OptionError, "line 2 (Ada): wish 'off'; expected such as 'off fri'"),
        ("people.csv", "agent,wishes\nAda,off 2024-02-30\n", OptionError, "line 2 (Ada): wish"),
        ("people.csv", "agent,away\nAda,soon\n", OptionError, "line 2 (Ada): away"),
        ("people.csv", "agent,skils\nAda,sales\n", OptionError, "Did you mean skills?"),
        ("people.csv", "agent,skills\nAda,a\n,b\n", OptionError, "line 3: agent is missing"),
        ("people.csv", "agent\nAda\nAda\n", OptionError, "'Ada' are there twice"),
        ("people.csv", "agent\n", OptionError, "there is nobody"),
        ("people.csv", "name\nAda\n", ColumnError, "people need a column agent; found 'name'"),
        ("people.csv", "agent,skills\nAda\n", FormatError, "line 2: 1 fields, the header has 2"),
        ("people.csv", "", ColumnError, "it is empty"),
        ("people.toml", "[[person]]\nagent = 'Ada'\n[[person]]\nagent = 'Bo'\nhours_per_week = 200\n", OptionError, "[[person]] 2 (Bo)"),
        ("people.toml", "[[people]]\nagent = 'Ada'\n", FormatError, "expected one [[person]] each"),
        ("people.toml", "agent = ", FormatError, "is no TOML"),
        ("people.toml", "x = " + "[" * 5000, FormatError, "is no TOML"),
        ("shifts.csv", "shift,first_start,length_s\na,07:00,8:00\nb,25:00,8:00\n", OptionError, "line 3: shift 'b': first_start='25:00'"),
        ("shifts.csv", "shift,first_start,length_s\na,07:00,long\n", OptionError, "line 2: shift 'a': length_s='long'"),
        ("shifts.csv", "shift,first_start,length_s,breaks\na,07:00,8:00,noon\n", OptionError, "line 2: break 'noon'; expected such as"),
        ("shifts.csv", "shift,first_start,length_s\na,07:00,8:00\na,08:00,8:00\n", OptionError, "'a' are there twice"),
        ("shifts.csv", "shift,first_start,length_s\n", OptionError, "there is none"),
        ("shifts.csv", "name,first_start\n", ColumnError, "shifts need a column shift"),
        ("rules.toml", "min_rest = 11\n", OptionError, "rules.toml': rules: unknown min_rest. Did you mean min_rest_h?"),
        ("rules.toml", "max_days_in_row = 0\n", OptionError, "lets nobody work"),
        ("rules.toml", "min_rest_h = 'long'\n", OptionError, "min_rest_h='long'"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(name: str, text: str, error: type[CcstatsError], said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    read = {"people": cc.read_people, "shifts": cc.read_shifts, "rules": cc.read_roster_rules}[name.partition(".")[0]]
    with pytest.raises(error) as raised:
        read(tmp_path / name)
    assert said in str(raised.value)


@pytest.mark.parametrize("name", ["people.csv", "people.toml", "shifts.csv", "shifts.toml", "rules.toml"])
@pytest.mark.parametrize(
    "data", [b"\0\1\2", b"\xff\xfe\xff", b"agent,shift\n" + b"x" * 100_000, b"PK\x03\x04", b"shift,agent,first_start\n'" + b"\x1b" * 50]
)
def test_hostile_files_do_no_harm(name: str, data: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    read = {"people": cc.read_people, "shifts": cc.read_shifts, "rules": cc.read_roster_rules}[name.partition(".")[0]]
    with pytest.raises(CcstatsError):
        read(tmp_path / name)


def test_a_missing_file_is_said() -> None:
    for read in (cc.read_people, cc.read_roster_rules, cc.read_shifts):
        for name in ("nowhere.toml",) if read is cc.read_roster_rules else ("nowhere.toml", "nowhere.csv"):
            with pytest.raises(SourceMissingError, match="no file"):
                read(name)
