"""Calendars: read by somebody else's parser, and checked against the words of RFC 5545."""

from __future__ import annotations

from pathlib import Path

import icalendar
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import OptionError, TableError
from ccstats.exports.calendars import _folded, _text

NINE = pd.Timestamp("2024-03-04 09:00", tz="Europe/Berlin")
STAMP = "2024-03-01T12:00Z"
HOSTILE = [
    "Ada; Lovelace, \\n",
    "two\r\nlines\nEND:VEVENT\nBEGIN:VEVENT",
    "../../etc/passwd",
    "CON",
    "👩‍💻" * 40,
    "ß" * 100,
    "\x00\x1b[2J",
    "",
]


def roster_of(names: list[str]) -> pd.DataFrame:
    starts = pd.DatetimeIndex([NINE + pd.Timedelta(days=at) for at in range(len(names))]).tz_convert("UTC")
    frame = pd.DataFrame(
        {"agent": names, "shift": "early", "queue": "sales, help", "started_at": starts, "ended_at": starts + pd.Timedelta("8h")}
    )
    return frame.astype({"agent": "str"})


def events_of(path: Path) -> list[icalendar.Event]:
    calendar = icalendar.Calendar.from_ical(path.read_bytes())
    assert not calendar.errors
    assert calendar["VERSION"] == "2.0"
    assert calendar["PRODID"].startswith("-//ccstats//")
    events = calendar.walk("VEVENT")
    assert not any(event.errors for event in events)
    return events


def test_every_shift_is_an_event(tmp_path: Path) -> None:
    roster = roster_of(HOSTILE)
    [path] = cc.write_calendar(roster, tmp_path / "shifts.ics", stamped_at=STAMP)
    events = events_of(path)
    assert len(events) == len(roster)
    for event, row in zip(events, roster.itertuples(), strict=True):
        assert (event["DTSTART"].dt, event["DTEND"].dt) == (row.started_at.to_pydatetime(), row.ended_at.to_pydatetime())
        assert event["DTSTAMP"].dt == pd.Timestamp(STAMP).to_pydatetime()
        plain = row.agent.replace("\r\n", "\n").translate({0: " ", 27: " "})
        assert event["SUMMARY"] == f"early: {plain}"
        assert [str(each) for each in event["CATEGORIES"].cats] == ["sales, help"]
    assert len({event["UID"] for event in events}) == len(events)


def test_lines_are_those_of_the_standard(tmp_path: Path) -> None:
    [path] = cc.write_calendar(roster_of(HOSTILE), tmp_path / "shifts.ics", stamped_at=STAMP)
    data = path.read_bytes()
    assert data.endswith(b"END:VCALENDAR\r\n")
    assert data.count(b"\n") == data.count(b"\r\n") == data.count(b"\r")
    for line in data.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()  # no character is torn apart
    assert data.count(b"\r\nBEGIN:VEVENT") == len(HOSTILE)  # none of a name's making
    assert not any(octet < 32 and octet not in (10, 13) for octet in data)


@pytest.mark.parametrize("letter", ["x", "ß", "€", "👩"])
def test_lines_are_as_long_as_they_may_be(letter: str) -> None:
    for many in range(60, 90):
        pieces = _folded("x" * (many % 4) + letter * many).split(b"\r\n")
        assert pieces[-1] == b""
        lengths = [len(piece) for piece in pieces[:-1]]
        assert all(75 - len(letter.encode()) < length <= 75 for length in lengths[:-1])
        assert lengths[-1] <= 75
        assert b"".join([pieces[0], *(piece[1:] for piece in pieces[1:])]).decode() == "x" * (many % 4) + letter * many


def test_what_has_a_meaning_in_a_text_is_escaped() -> None:
    assert _text('a\\b;c,d:e"f\r\ng') == 'a\\\\b\\;c\\,d:e"f\\ng'  # RFC 5545, 3.3.11


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_folding_and_escaping_are_undone_by_another_parser(value: str) -> None:
    line = _folded(f"SUMMARY:{_text(value)}")
    assert all(len(piece) <= 75 for piece in line.split(b"\r\n"))
    calendar = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\n" + line + b"END:VEVENT\r\nEND:VCALENDAR\r\n"
    [event] = icalendar.Calendar.from_ical(calendar).walk("VEVENT")
    ends = value.replace("\r\n", "\n").translate(dict.fromkeys([0x0D, 0x85, 0x2028, 0x2029], "\n"))
    wanted = ends.translate({at: " " for at in [*range(9), 11, 12, *range(14, 32), *range(127, 133), *range(134, 160)]})
    assert event["SUMMARY"] == wanted


def test_the_same_words_are_the_same_bytes_and_a_moved_end_is_the_same_event(tmp_path: Path) -> None:
    roster = roster_of(["Ada", "Bo"])
    [one] = cc.write_calendar(roster, tmp_path / "1.ics", stamped_at=STAMP)
    [two] = cc.write_calendar(roster.sample(frac=1, random_state=1), tmp_path / "2.ics", stamped_at=NINE.replace(month=3, day=1, hour=13))
    assert one.read_bytes() == two.read_bytes()
    [longer] = cc.write_calendar(roster.assign(ended_at=roster["ended_at"] + pd.Timedelta("1h"), shift="late"), tmp_path / "3.ics")
    assert [event["UID"] for event in events_of(longer)] == [event["UID"] for event in events_of(one)]
    [other] = cc.write_calendar(roster.assign(agent=["Ada", "Cy"]), tmp_path / "4.ics")
    assert [a["UID"] == b["UID"] for a, b in zip(events_of(other), events_of(one), strict=True)] == [True, False]


def test_a_calendar_for_each_agent_stays_in_its_folder(tmp_path: Path) -> None:
    out = tmp_path / "calendars"
    paths = cc.write_calendar(
        pd.concat([roster_of(HOSTILE), roster_of(["ada", "Ada", "A/da"]).shift(0)]), out, by="agent", stamped_at=STAMP
    )
    assert sorted(paths) == sorted(out.iterdir())
    assert [each.name for each in tmp_path.iterdir()] == ["calendars"]
    assert len({path.name.casefold() for path in paths}) == len(paths) == len(HOSTILE) + 3
    assert all(len(path.name.encode()) < 200 for path in paths)
    assert sum(len(events_of(path)) for path in paths) == len(HOSTILE) + 3
    [ada] = [path for path in paths if path.name.startswith("Ada-")]
    assert [str(event["SUMMARY"]) for event in events_of(ada)] == ["early"]
    assert "X-WR-CALNAME:Ada\r\n" in ada.read_bytes().decode()


def test_a_schedule_has_numbers_instead_of_names(tmp_path: Path) -> None:
    shifts = roster_of(["x", "y"]).drop(columns="agent").assign(agents=[3, 12])
    [path] = cc.write_calendar(shifts, tmp_path / "shifts.ics", name="Rota, week 10")
    assert [str(event["SUMMARY"]) for event in events_of(path)] == ["early × 3", "early × 12"]
    assert b"X-WR-CALNAME:Rota\\, week 10\r\n" in path.read_bytes()
    with pytest.raises(OptionError, match="no agents yet"):
        cc.write_calendar(shifts, tmp_path, by="agent")


def test_activities_say_what_is_done(tmp_path: Path) -> None:
    roster = roster_of(["Ada", "Ada"]).assign(activity=["on_queue", "training"])
    [path] = cc.write_calendar(roster, tmp_path / "shifts.ics", by=None)
    assert [str(event["SUMMARY"]) for event in events_of(path)] == ["early: Ada", "early, training: Ada"]


def test_no_shift_is_a_calendar_too(tmp_path: Path) -> None:
    [path] = cc.write_calendar(roster_of(["Ada"]).iloc[:0], tmp_path / "shifts.ics")
    assert events_of(path) == []


@pytest.mark.parametrize(
    ("change", "options", "error", "said"),
    [
        ({}, {"by": "team"}, OptionError, "expected 'agent'"),
        ({}, {"stamped_at": "today at nine"}, OptionError, "stamped_at"),
        ({}, {"stamped_at": "2024-03-01"}, OptionError, "with a zone"),
        ({}, {"stamped_at": float("nan")}, OptionError, "stamped_at"),
        ({}, {"name": 3}, OptionError, "name"),
        ({"ended_at": pd.Series([NINE, NINE])}, {}, TableError, "row 0"),
        ({"agent": ["Ada", None]}, {}, TableError, "row 1"),
        ({"started_at": ["a", "b"]}, {}, TableError, "time zone"),
    ],
)
def test_bad_input_is_told(change: dict, options: dict, error: type[Exception], said: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=said):
        cc.write_calendar(roster_of(["Ada", "Bo"]).assign(**change), tmp_path / "shifts.ics", **options)


def test_an_agent_does_not_start_twice_at_once(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="row 0 starts when another one of the same agent does"):
        cc.write_calendar(pd.concat([roster_of(["Ada"]), roster_of(["Ada"])]), tmp_path / "shifts.ics")
    with pytest.raises(OptionError, match="cannot be written"):
        cc.write_calendar(roster_of(["Ada"]), tmp_path / "nowhere" / "shifts.ics")
