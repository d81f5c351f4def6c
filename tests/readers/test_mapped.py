"""The mapped reader: values against plain loops, every refusal's text, workbooks that mean harm, and drafts in four languages."""

from __future__ import annotations

import datetime as dt
import io
import os
import random
import tomllib
import zipfile
from zoneinfo import ZoneInfo

import openpyxl
import pandas as pd
import pytest
from exam_cases import cases_of
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import CcstatsError, ColumnError, DataWarning, FormatError, OptionError, SourceMissingError, ZoneError
from ccstats.readers import workbooks
from ccstats.readers.instants import to_instants
from ccstats.readers.values import to_seconds
from ccstats.schema import AGENT_STATES, CONTACTS

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
COLUMNS = {"contact_id": "id", "queue": "q", "queued_at": "at", "wait_s": "wait", "outcome": "result"}
CONSTANTS = {"channel": "voice", "direction": "inbound"}
MAPPING = {"columns": COLUMNS, "constants": CONSTANTS}
HEADER = "id,q,at,wait,result\n"


def read(text: str | bytes, mapping: dict | None = None, **options):
    data = text.encode() if isinstance(text, str) else text
    return cc.read(data, mapping=mapping or MAPPING, **{"timezone": "Europe/Berlin", **options})


def book_of(rows: list[list[object]], **more: list[list[object]]) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    for title, others in more.items():
        sheet = book.create_sheet(title)
        for row in others:
            sheet.append(row)
    book.save(file)
    return file.getvalue()


# Values.


def loop_seconds(text: str, unit: str, decimal: str) -> float | None | str:
    """Seconds, None for blank, or "bad"."""
    text = text.strip()
    if not text:
        return None
    try:
        if unit in ("h:mm:ss", "mm:ss", "h:mm"):
            parts = text.split(":")
            if not all(part.isdigit() for part in parts) or len(parts) not in (2, 3):
                return "bad"
            if any(len(part) != 2 for part in parts[-1:]) or int(parts[-1]) > 59:
                return "bad"
            if len(parts) == 3:
                return int(parts[0]) * 3600 + int(parts[1]) * 60 + int(parts[2]) if int(parts[1]) < 60 else "bad"
            if unit == "h:mm:ss":
                return "bad"
            return int(parts[0]) * (3600 if unit == "h:mm" else 60) + int(parts[1]) * (60 if unit == "h:mm" else 1)
        if decimal == "," and "." in text:
            return "bad"
        number = float(text.replace(decimal, "."))
        number *= {"s": 1, "ms": 0.001, "us": 1e-6, "min": 60, "h": 3600, "excel_days": 86400}[unit]
    except ValueError:
        return "bad"
    return number if 0 <= number < 366 * 86400 else "bad"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "min", "h", "excel_days", "h:mm:ss", "mm:ss", "h:mm"])
def test_durations_against_a_loop(unit: str) -> None:
    rng = random.Random(unit)
    for decimal in ".,":
        texts = []
        for _ in range(max(300, int(5000 * EXAM))):
            number = str(rng.choice([rng.randrange(100), round(rng.random() * 1000, 3), -1, 1e300]))
            colons = ":".join(f"{rng.randrange(75):02}" for _ in range(rng.choice([1, 2, 3, 4])))
            texts.append(rng.choice([number, number.replace(".", ","), colons, "", "soon", " 7 ", "1:2", "0:01:30", "30:00:00", "1,234.5"]))
        found = to_seconds(pd.Series(texts), unit, decimal=decimal)
        for text, value, bad in zip(texts, found.values, found.bad, strict=True):
            expected = loop_seconds(text, unit, decimal)
            assert bad == (expected == "bad"), (text, unit)
            assert pd.isna(value) if expected in (None, "bad") else value == pytest.approx(expected)


NINE = dt.datetime(2024, 3, 1, 9, 0, 30, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("iso", "2024-03-01 09:00:30"),
        ("iso", "2024-03-01T09:00:30.000"),
        ("iso", "2024-03-01T08:00:30Z"),
        ("iso", "2024-03-01 08:00:30 UTC"),
        ("iso", "2024-03-01T10:00:30+02:00"),
        ("iso", "2024-03-01T10:00:30,000+0200"),
        ("%d.%m.%Y %H:%M:%S", "01.03.2024 09:00:30"),
        ("%d.%m.%Y %H:%M:%S", "2024-03-01 09:00:30"),
        ("%m/%d/%Y %I:%M:%S %p", "03/01/2024 09:00:30 AM"),
        ("%Y%m%d%H%M%S%z", "20240301090030+0100"),
        ("epoch_s", "1709280030"),
        ("epoch_ms", "1709280030000"),
        ("epoch_us", "1709280030000000"),
        ("excel_days", "45352.375347222222"),
    ],
)
def test_instants_in_every_way_they_are_written(written: str, text: str) -> None:
    at, bad = to_instants(pd.Series([text, "soon", None, ""]), written, timezone="Europe/Berlin")
    assert at.utc[0] == NINE
    assert at.utc[1:].isna().all()
    assert bad.tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    "text", ["2024-02-30 09:00", "09:00", "2024-03-01", "1969-12-31 12:00", "2200-01-02 00:00", "0001-01-01 00:00", "1e30"]
)
@pytest.mark.parametrize("written", ["iso", "%Y-%m-%d %H:%M", "epoch_s", "excel_days"])
def test_instants_that_are_none(written: str, text: str) -> None:
    at, bad = to_instants(pd.Series([text]), written, timezone="UTC")
    assert (at.utc.isna().tolist(), bad.tolist()) == ([True], [True])


def test_durations_from_instants_in_the_hours_of_the_clock_change() -> None:
    mapping = {
        "columns": {"contact_id": "id", "queue": "q", "queued_at": "at", "answered_at": "on", "left_at": "off", "outcome": "result"},
        "constants": CONSTANTS,
    }
    text = (
        "id,q,at,on,off,result\n"
        "1,a,2023-10-29 01:59:50,2023-10-29 02:00:10,,answered\n"  # into the hour shown twice
        "2,a,2023-10-29 02:59:50,2023-10-29 03:00:10,,answered\n"  # out of it: the second showing
        "3,a,2023-10-29 02:59:50,2023-10-29 02:00:10,,answered\n"  # within it, from the first to the second
        "4,a,2024-03-31 01:59:50,2024-03-31 03:00:10,,answered\n"  # over the gap
        "5,a,2023-10-29 02:10:00,,2023-10-29 02:10:40,abandoned\n"
        "6,a,2023-10-29 04:10:00,,2023-10-29 04:09:40,abandoned\n"
    )
    log = read(text, mapping)
    assert log.contacts["wait_s"].tolist() == [20.0, 20.0, 20.0, 20.0, 40.0]
    assert log.rejected[["line", "reason"]].to_numpy().tolist() == [[7, "wait_s would be negative: its end is before its start"]]
    notes = log.notes.set_index("note")["count"]
    assert notes["queued_at: local time that the clock showed twice: the first is taken"] == 3


# Tables against a loop.


def test_random_tables_against_a_loop() -> None:
    words = {"Handled": "answered", "Lost": "abandoned", "Full": "blocked_full"}
    mapping = {**MAPPING, "columns": {**COLUMNS, "agent": "who", "talk_s": "talk"}, "outcomes": words, "units": {"wait_s": "ms"}}
    for seed in range(max(5, int(100 * EXAM))):
        rng = random.Random(seed)
        lines, expected, rejected, seen, visits = ["id,q,at,wait,result,who,talk"], {}, [], set(), {}
        for number in range(2, rng.randrange(3, 80)):
            who = rng.choice(["ada", "bo", ""])
            row = [
                rng.choice(["1", "2", "03", "4.50", ""]),
                rng.choice(["a", "b", ""]),
                rng.choice(["2024-03-01 09:00", f"2024-03-01 09:{number % 60:02}:07", "later"]),
                rng.choice(["1000", "250", "0", "", "-5", "x"]),
                rng.choice([*words, "LOST", "Odd", ""]),
                who,
                rng.choice(["60", "0", ""]),
            ]
            lines.append(",".join(row))
            identity, queue, at, wait, word, _, talk = row
            outcome = {**words, "LOST": "abandoned"}.get(word, "unknown")
            key = (identity, queue, at, outcome == "blocked_full")
            if "" in (identity, queue) or at == "later" or wait in ("-5", "x") or key in seen:
                rejected.append(number)
                continue
            seen.add(key)
            time = dt.datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("Europe/Berlin"))
            visits.setdefault(identity, []).append((time, number))
            blocked, answered = outcome == "blocked_full", outcome == "answered"
            expected[number] = [identity, queue, None if blocked else time, outcome, None if blocked or not wait else float(wait) / 1000,
                                who or None if answered else None, float(talk) if answered and talk else None]  # fmt: skip
        text = "\n".join(lines) + "\n"
        odd = any(row[3] == "unknown" for row in expected.values())
        if odd:
            with pytest.warns(DataWarning, match="the mapping does not know"):
                log = read(text, mapping)
        else:
            log = read(text, mapping)
        CONTACTS.check(log.contacts)
        order = sorted(
            (identity, visit, number) for identity, those in visits.items() for visit, (_, number) in enumerate(sorted(those), 1)
        )
        assert log.contacts[["contact_id", "visit"]].to_numpy().tolist() == [[identity, visit] for identity, visit, _ in order]
        found = log.contacts[["contact_id", "queue", "queued_at", "outcome", "wait_s", "agent", "talk_s"]].astype(object)
        found = found.where(found.notna(), None).to_numpy().tolist()
        assert found == [expected[number] for _, _, number in order]
        assert sorted(log.rejected["line"]) == rejected
        assert log.count() == len(lines)


def test_the_same_table_as_csv_excel_parquet_and_frame(tmp_path) -> None:
    rows = [
        ["id", "q", "at", "wait", "result"],
        ["0007", "Störung", "2024-03-01 09:00:00", "12.5", "answered"],
        ["8", "şube", "2024-03-01 09:01:00", "", "abandoned"],
    ]
    csv = read("\n".join(",".join(row) for row in rows) + "\n").contacts
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    typed = frame.assign(at=pd.to_datetime(frame["at"]), wait=pd.to_numeric(frame["wait"]))
    aware = typed.assign(at=typed["at"].dt.tz_localize("Europe/Berlin"), wait=pd.to_timedelta(typed["wait"], unit="s"))
    for each in (frame, typed, aware, typed.astype({"q": "category", "result": object})):
        assert_frame_equal(csv, cc.read(each, mapping=MAPPING, timezone="Europe/Berlin").contacts)
        path = tmp_path / "calls.parquet"
        each.to_parquet(path)
        assert_frame_equal(csv, cc.read(path, mapping=MAPPING, timezone="Europe/Berlin").contacts)
    assert_frame_equal(csv, cc.read(aware, mapping=MAPPING).contacts)
    assert_frame_equal(csv, read(book_of(rows)).contacts)
    cells = [
        rows[0],
        ["0007", "Störung", pd.Timestamp(2024, 3, 1, 9).to_pydatetime(), 12.5, "answered"],
        ["8", "şube", pd.Timestamp(2024, 3, 1, 9, 1).to_pydatetime(), None, "abandoned"],
    ]
    assert_frame_equal(csv, read(book_of(cells)).contacts)
    tabs = "\n".join("\t".join(row) for row in rows)
    assert_frame_equal(csv, read(tabs).contacts)
    assert_frame_equal(csv, read(tabs.encode("cp1254"), {**MAPPING, "source": {"encoding": "cp1254"}}).contacts)
    assert_frame_equal(csv, read(tabs.encode("utf-16-le"), {**MAPPING, "source": {"encoding": "utf-16-le"}}).contacts)
    assert_frame_equal(csv, read(tabs.encode("utf-16"), {**MAPPING, "source": {"encoding": "utf-16"}}).contacts)


def test_typed_cells_of_excel() -> None:
    rows = [["Report"], [], ["id", "q", "at", "wait", "result"]]
    rows += [[1709280009.10, "a", pd.Timestamp(2024, 3, 1, 9).to_pydatetime(), dt.time(0, 1, 30), "answered"]]
    rows += [[2, "a", pd.Timestamp(2024, 3, 1, 10).to_pydatetime(), dt.timedelta(hours=30, seconds=5), "answered"]]
    rows += [[True, "=1+1", pd.Timestamp(2024, 3, 1, 11).to_pydatetime(), None, "answered", None, "beyond the header"]]
    mapping = {**MAPPING, "units": {"wait_s": "h:mm:ss"}, "source": {"skip_rows": 1, "sheet": "Calls"}}
    log = read(book_of([["nothing"]], Calls=rows), mapping)
    assert log.contacts["contact_id"].tolist() == ["1709280009.1", "2"]
    assert log.contacts["wait_s"].tolist() == [90.0, 108_005.0]
    assert log.rejected.to_dict("list") == {"source": ["<bytes>"], "line": [6], "reason": ["7 fields, the header has 5"]}
    assert log.count() == 6
    by_number = {**mapping, "source": {"skip_rows": 1, "sheet": 2}}
    assert_frame_equal(log.contacts, read(book_of([["nothing"]], Calls=rows), by_number).contacts)


def test_ids_that_look_like_numbers_and_hostile_cells_stay_text() -> None:
    text = (
        HEADER
        + "007,=1+1,2024-03-01 09:00,1,answered\n1266833905.20,@SUM(A1),2024-03-01 09:00,1,answered\n"
        + "1e5,\"=cmd|' /C calc'!A0\",2024-03-01 09:00,1,answered\n"
    )
    contacts = read(text).contacts
    assert contacts["contact_id"].tolist() == ["007", "1266833905.20", "1e5"]
    assert contacts["queue"].tolist() == ["=1+1", "@SUM(A1)", "=cmd|' /C calc'!A0"]


def test_joined_columns_and_contacts_without_an_id() -> None:
    mapping = {
        "columns": {"queue": "q", "queued_at": ["day", "time"], "outcome": "result"},
        "constants": CONSTANTS,
        "clock": {"times": "%d.%m.%Y %H:%M"},
    }
    log = read("q;day;time;result\na;01.03.2024;09:00;answered\na;01.03.2024;;answered\n", mapping)
    assert log.contacts["contact_id"].tolist() == ["<bytes>:2"]
    assert log.contacts["queued_at"].dt.hour.tolist() == [8]
    assert log.rejected["reason"].tolist() == ["queued_at is blank"]
    joined = read(HEADER + "1,a,2024-03-01 09:00,1,answered\n", {"columns": {**COLUMNS, "contact_id": ["q", "id"]}, "constants": CONSTANTS})
    assert joined.contacts["contact_id"].tolist() == ["a|1"]


def test_lines_are_those_of_the_file_when_cells_hold_line_ends() -> None:
    text = (
        HEADER
        + '1,"a\nb",2024-03-01 09:00,1,answered\n2,a,soon,1,answered\n3,"a\n\nb",soon,1,answered\n'
        + '4,a,2024-03-01 09:00\n5,"a"b,2024-03-01 09:00,1,answered\n6,"a,2024'
    )
    log = read(text)
    assert log.rejected[["line", "reason"]].to_numpy().tolist() == [
        [4, "queued_at (at) is no instant written as iso, or outside 1970 to 2200"],
        [5, "queued_at (at) is no instant written as iso, or outside 1970 to 2200"],
        [8, "3 fields, the header has 5"],
        [9, "broken quotes (',' expected after '\"')"],
        [10, "a quoted field is never closed"],
    ]
    assert log.count() == 10
    assert log.count("rejected") == 7


def test_visits_are_numbered_in_time_and_repeats_rejected() -> None:
    text = HEADER + "1,b,2024-03-01 09:05,1,answered\n1,a,2024-03-01 09:00,1,abandoned\n1,a,2024-03-01 09:00,2,abandoned\n"
    log = read(text)
    assert log.contacts[["visit", "queue"]].to_numpy().tolist() == [[1, "a"], [2, "b"]]
    assert log.rejected["reason"].tolist() == ["repeats an earlier row (same contact_id, queue and queued_at)"]
    mapped = {"columns": {**COLUMNS, "visit": "wait"}, "constants": CONSTANTS}
    log = read(
        HEADER
        + "1,b,2024-03-01 09:05,2,answered\n1,a,2024-03-01 09:00,2,answered\n1,a,2024-03-01 09:00,0,answered\n"
        + "1,a,2024-03-01 09:00,,answered\n",
        mapped,
    )
    assert log.contacts["visit"].tolist() == [2]
    assert log.rejected["reason"].tolist() == [
        "repeats an earlier row (same contact_id and visit)",
        *["visit is no whole number from 1"] * 2,
    ]


def test_agent_states_with_a_duration() -> None:
    mapping = {
        "table": "agent_states",
        "columns": {"agent": "who", "started_at": "from", "duration_s": "long", "state": "what"},
        "states": {"Ready": "available"},
        "units": {"duration_s": "min"},
    }
    log = read("who,from,long,what\nada,2024-03-01 09:00,1.5,Ready\nada,2024-03-01 09:02,,Ready\n", mapping)
    AGENT_STATES.check(log.agent_states)
    span = log.agent_states["ended_at"] - log.agent_states["started_at"]
    assert span.dt.total_seconds().tolist() == [90.0]
    assert log.rejected["reason"].tolist() == ["ended_at is blank"]
    assert len(log.contacts) == 0


def test_facts_of_an_answer_that_others_have_are_left_out_and_noted() -> None:
    mapping = {"columns": {**COLUMNS, "talk_s": "talk", "agent": "who"}, "constants": CONSTANTS}
    log = read("id,q,at,wait,result,talk,who\n1,a,2024-03-01 09:00,5,abandoned,7,ada\n2,a,2024-03-01 09:00,5,abandoned,0,\n", mapping)
    assert log.contacts[["talk_s", "agent"]].isna().all(axis=None)
    assert log.notes.set_index("note")["count"].to_dict() == {"ring, talk, hold or wrap-up of a contact that was not answered: left out": 1}


def test_windows_text_is_read_and_noted() -> None:
    log = read((HEADER + "1,Störung,2024-03-01 09:00,5,answered\n").encode("cp1252"))
    assert log.contacts["queue"].tolist() == ["Störung"]
    assert "read as Windows-1252" in log.notes["note"].tolist()[0]


def test_unknown_words_are_counted_warned_of_and_kept() -> None:
    with pytest.warns(
        DataWarning, match=r"2 contacts have an outcome that the mapping does not know \('Mystic'\).*Add them to \[outcomes\]"
    ):
        log = read(HEADER + "1,a,2024-03-01 09:00,1,Mystic\n2,a,2024-03-01 09:00,1,Mystic\n")
    assert log.contacts["outcome"].tolist() == ["unknown"] * 2
    assert log.contacts["raw_outcome"].tolist() == ["Mystic"] * 2
    assert log.notes.to_dict("records") == [{"note": "outcome is not in the mapping: unknown", "count": 2}]


# Refusals.


def test_a_wrong_mapping_says_everything_at_once() -> None:
    mapping = {
        "tabel": "contacts",
        "source": {"delimeter": ";", "skip_rows": -1, "decimal": ",,"},
        "clock": {"timezone": "Istanbul", "times": "isoo"},
        "columns": {"contact_id": "Id", "quue": "q", "queue": "qq", "queued_at": "at", "wait_s": "wait", "agent": ["a", "b"], "talk_s": 7},
        "units": {"wait_s": "sec", "queued_at": "epochs", "queue": "s", "hold_s": "s"},
        "outcomes": {"Done": "answerd"},
        "words": {"direction": {"in": "inwards"}, "outcome": {"x": "answered"}},
        "constants": {"channel": "", "direction": "inwards", "queue": "q", "wait_s": "5"},
        "ignore": {"sum": "Total"},
    }
    with pytest.raises(ColumnError) as caught:
        read(HEADER + "1,a,2024-03-01 09:00,1,answered\n", mapping)
    text = str(caught.value)
    for part in (
        "the mapping does not fit (",
        "[tabel] is no section", "Did you mean table?",
        "[source] delimeter: not known", "Did you mean delimiter?",
        "[source] skip_rows: expected a whole number of rows above the header, found -1",
        "[source] decimal: expected one character, found ',,'",
        "[clock] timezone='Istanbul' is no zone", "Europe/Istanbul",
        "[clock] times: expected iso, epoch_s, epoch_ms, epoch_us, excel_days or a strptime format such as",
        "found 'isoo'. Did you mean iso?",
        "[columns] quue: table 'contacts' has no such column. Did you mean queue or queued_at?",
        "[columns] agent: only contact_id and instants are joined from several columns, found ['a', 'b']",
        "[columns] talk_s: expected a text or a list of texts, found 7",
        "[units] wait_s: expected s, ms, us, min, h, excel_days, h:mm:ss, mm:ss, h:mm, found 'sec'.",
        "[units] queued_at: expected iso,", "found 'epochs'. Did you mean epoch_s",
        "[units] queue: only durations and instants have a unit",
        "[units] hold_s: not in [columns].",
        "[outcomes]: outcome is not in [columns].",
        "[words.direction]: direction is not in [columns].",
        "[words.outcome]: write it as [outcomes]",
        "[constants] channel: expected a text, found ''",
        "[constants] direction: 'inwards' is none of inbound, outbound, internal.",
        "[constants] queue: it is in [columns] as well; keep one",
        "[constants] wait_s: expected one of channel, direction",
        "[columns] needs outcome, or [constants] a value for it",
        "[columns] needs channel, or [constants] a value for it",
        "[columns] contact_id: <bytes> has no column 'Id'. Did you mean id?",
        "[columns] queue: <bytes> has no column 'qq'.",
        "[ignore]: <bytes> has no column 'sum'.",
        "Columns found: 'id', 'q', 'at', 'wait', 'result'",
    ):  # fmt: skip
        assert part in text, part


def test_a_wrong_word_of_ours() -> None:
    with pytest.raises(OptionError, match=r"\[outcomes\] 'Done' = 'answerd': expected one of answered, .*Did you mean answered\?"):
        read(HEADER, {**MAPPING, "outcomes": {"Done": "answerd"}})


def test_a_column_that_is_there_twice() -> None:
    with pytest.raises(ColumnError, match="<bytes> has several columns 'q'; rename all but one"):
        read("id,q,q,at,wait,result\n")


@pytest.mark.parametrize(
    ("mapping", "error", "text"),
    [
        ("no/such/mapping.toml", SourceMissingError, "there is no mapping no/such/mapping.toml"),
        ("[columns\nqueue = 1", FormatError, "the mapping is no TOML: .*line 1"),
        (7, OptionError, "mapping=: expected a dict, the path of a TOML file, or TOML text, found int"),
    ],
)
def test_a_mapping_that_cannot_be_loaded(mapping, error, text) -> None:
    with pytest.raises(error, match=text):
        cc.read(HEADER.encode(), mapping=mapping)


def test_a_mapping_file_nearly_named(tmp_path) -> None:
    (tmp_path / "mapping.toml").write_bytes(b"\xff")
    with pytest.raises(SourceMissingError, match=r"Did you mean mapping.toml\?"):
        cc.read(HEADER.encode(), mapping=tmp_path / "maping.toml")
    with pytest.raises(FormatError, match="is not UTF-8 at byte 0; save it as UTF-8"):
        cc.read(HEADER.encode(), mapping=tmp_path / "mapping.toml")


def test_the_zone_is_asked_for_once() -> None:
    row = HEADER + "1,a,2024-03-01 09:00,1,answered\n"
    with pytest.raises(ZoneError, match=r"the times have no zone of their own; say where the clock stood"):
        read(row, timezone=None)
    berlin = {**MAPPING, "clock": {"timezone": "Europe/Berlin"}}
    assert read(row, berlin, timezone="UTC").contacts["queued_at"].dt.hour.tolist() == [8]  # the mapping knows its file
    assert read(row, berlin, timezone=None).timezone == "Europe/Berlin"
    assert read(row, {**MAPPING, "clock": {"timezone": "utc"}}, timezone=None).contacts["queued_at"].dt.hour.tolist() == [9]
    assert len(read(row.replace("09:00", "09:00Z"), timezone=None).contacts) == 1


@pytest.mark.parametrize(
    ("source", "error", "text"),
    [
        ({"encoding": "rot13"}, OptionError, "encoding = 'rot13' is no text encoding"),
        ({"encoding": "klingon"}, OptionError, "encoding = 'klingon' is no text encoding"),
        ({"encoding": "ascii"}, FormatError, "<bytes> is not ascii: .*correct encoding in"),
    ],
)
def test_a_wrong_encoding(source, error, text) -> None:
    with pytest.raises(error, match=text):
        read(HEADER + "1,ö,2024-03-01 09:00,1,answered\n", {**MAPPING, "source": source})


def test_a_file_that_is_no_table() -> None:
    with pytest.raises(FormatError, match="neither text, Excel nor Parquet: it holds zero bytes"):
        read(bytes(100))
    with pytest.raises(FormatError, match="cannot be read as Parquet"):
        read(b"PAR1" + b"nonsense" * 20)
    with pytest.raises(FormatError, match="is no sound Excel workbook"):
        read(b"PK\x03\x04" + b"nonsense" * 20)
    with pytest.raises(FormatError, match=r"is an old \(.xls\) or encrypted workbook; save it as .xlsx without a password"):
        read(b"\xd0\xcf\x11\xe0" + bytes(600))
    with pytest.raises(OptionError, match=r"there is no sheet 'Cals'; its sheets are Sheet, Calls. Did you mean Calls\?"):
        read(book_of([["a"]], Calls=[["b"]]), {**MAPPING, "source": {"sheet": "Cals"}})
    with pytest.raises(OptionError, match=r"there is no sheet number 3; its sheets are Sheet, Calls"):
        read(book_of([["a"]], Calls=[["b"]]), {**MAPPING, "source": {"sheet": 3}})


def replaced(book: bytes, part: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, content if info.filename == part else old.read(info))
    return out.getvalue()


def test_a_workbook_with_entities_is_refused() -> None:
    laughs = b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY a "&lol;&lol;&lol;&lol;">]><worksheet>&a;</worksheet>'
    rows = [["id", "q", "at", "wait", "result"]]
    for content in (laughs, b"<!-- " + b"x" * 200_000 + b" -->" + laughs[21:], laughs[21:].decode().encode("utf-16")):
        for part in ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "[Content_Types].xml"):
            with pytest.raises(FormatError, match="declares a document type, as no spreadsheet program does; it is not read"):
                read(replaced(book_of(rows), part, content))


def test_a_workbook_that_unpacks_without_end_is_refused(monkeypatch) -> None:
    bomb = replaced(book_of([["id"]]), "xl/worksheets/sheet1.xml", b"<worksheet>" + b" " * 30_000_000)
    with pytest.raises(FormatError, match=r"unpacks to 30,[\d,]+ bytes, beyond the bounds of .* 500 times its size"):
        read(bomb)
    monkeypatch.setattr(workbooks, "MAX_ROWS", 3)
    with pytest.raises(FormatError, match="more than 3 rows, which Excel does not allow"):
        read(book_of([["id"]] * 5))


def test_a_workbook_that_lies_about_its_size() -> None:
    rows = [["id", "q", "at", "wait", "result"], ["1", "a", "2024-03-01 09:00", "1", "answered"]]
    book = book_of(rows)
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    huge = sheet.replace(b'ref="A1:E2"', b'ref="A1:XFD1048576"')
    assert huge != sheet
    assert len(read(replaced(book, "xl/worksheets/sheet1.xml", huge)).contacts) == 1


def test_a_row_far_down_is_not_padded_without_end() -> None:
    book = book_of([["id", "q", "at", "wait", "result"], ["1", "a", "2024-03-01 09:00", "1", "answered"]])
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    far = sheet.replace(b'<row r="2"', b'<row r="99999999"')
    assert far != sheet
    with pytest.raises(FormatError, match="more than 1,048,576 rows"):
        read(replaced(book, "xl/worksheets/sheet1.xml", far))


# Drafts.

DRAFTS = {
    "English": "Call ID,Queue,Start Time,Wait Time,Talk Time,Agent,Status\n"
    "7,Sales,2024-03-01 09:00:00,12,90,Ada,Answered\n8,Sales,2024-03-01 09:01:00,33,,,Abandoned\n",
    "German": "Anruf-ID;Warteschlange;Beginn;Wartezeit;Gesprächszeit;Mitarbeiter;Ergebnis\n"
    "7;Service;01.03.2024 09:00:00;0:00:12;0:01:30;Jörg;Angenommen\n"
    "8;Service;01.03.2024 09:01:00;0:00:33;;;Aufgelegt\n",
    "Turkish": "Çağrı ID;Kuyruk;Başlangıç Zamanı;Bekleme Süresi;Konuşma Süresi;Temsilci;Sonuç\n"
    "7;Satış;01.03.2024 09:00:00;0:00:12;0:01:30;Ayşe;Cevaplandı\n"
    "8;Satış;01.03.2024 09:01:00;0:00:33;;;Terk edildi\n",
    "Spanish": "ID llamada;Cola;Fecha Inicio;Tiempo de espera;Tiempo conversación;Agente;Estado\n"
    "7;Ventas;01/03/2024 09:00:00;12,0;90,0;José;Contestada\n"
    "8;Ventas;01/03/2024 09:01:00;33,0;;;Abandonada\n",
    "epochs": "contact_id,queue,queued_at,wait_s,talk_s,agent,outcome\n"
    "7,Sales,1709280000000,12,90,Ada,answered\n8,Sales,1709280060000,33,,,abandoned\n",
    "titles": "Monthly report\n\nMarch 2024,,,,,,\nCall ID,Queue,Start Time,Wait Time,Talk Time,Agent,Status\n"
    "7,Sales,2024-03-01 09:00:00,0:12,1:30,Ada,Handled\n"
    "8,Sales,2024-03-01 09:01:00,0:33,,,Missed\n",
}


@pytest.mark.parametrize("language", DRAFTS)
def test_a_draft_is_usable_where_everything_could_be_guessed(language: str) -> None:
    data = DRAFTS[language].encode()
    text = cc.draft_mapping(data, timezone="Europe/Berlin")
    assert "CHECK" in text
    log = cc.read(data, mapping=text)
    CONTACTS.check(log.contacts)
    assert log.contacts["contact_id"].tolist() == ["7", "8"]
    assert log.contacts["queued_at"].tolist() == [pd.Timestamp("2024-03-01 08:00", tz="UTC"), pd.Timestamp("2024-03-01 08:01", tz="UTC")]
    assert log.contacts["wait_s"].tolist() == [12.0, 33.0]
    assert log.contacts["talk_s"].fillna(-1).tolist() == [90.0, -1.0]
    assert log.contacts["outcome"].tolist() == ["answered", "abandoned"]
    assert log.contacts["agent"].notna().tolist() == [True, False]


def test_a_draft_of_a_workbook_and_a_frame() -> None:
    rows = [line.split(",") for line in DRAFTS["English"].splitlines()]
    for source in (book_of(rows), pd.DataFrame(rows[1:], columns=rows[0]), io.BytesIO(DRAFTS["English"].encode())):
        mapping = tomllib.loads(cc.draft_mapping(source))
        assert mapping["columns"]["queued_at"] == "Start Time"
        assert mapping["constants"] == CONSTANTS


@pytest.mark.parametrize(
    ("names", "wait", "hold"),
    [
        ("Queue Wait Time,Talk Time,Hold Time", "Queue Wait Time", "Hold Time"),
        ("Hold Time,Time in Queue,Wrap Time", "Time in Queue", "Hold Time"),
        ("Speed of Answer,Hold Time,Talk Time", "Speed of Answer", "Hold Time"),
        ("Ring Time,Hold Time,Talk Time", None, "Hold Time"),
    ],
)
def test_a_draft_takes_no_hold_for_a_wait(names: str, wait: str | None, hold: str) -> None:
    text = cc.draft_mapping(f"Queue,Start,{names},Result\nS,2024-03-01 10:00:00,5,6,7,Answered\n".encode(), timezone="UTC")
    columns = tomllib.loads(text)["columns"]
    assert (columns.get("wait_s"), columns["hold_s"]) == (wait, hold)
    assert ("# wait_s =" in text) == (wait is None)


@pytest.mark.parametrize(
    ("thousands", "decimal", "text", "value"),
    [
        (".", ",", "1.234,5", 1234.5), (".", ",", "0.500", None), (".", ",", "00.123", None), (".", ",", "1.234.567", 1234567.0),
        (".", ",", "12.5", None), (".", ",", "1.2.3,5", None),
        (",", ".", "12,5", None), (",", ".", "1,234.5", 1234.5), (",", ".", "12,34,567.5", 1234567.5), (",", ".", "1,2345", None),
        ("'", ".", "1'234.5", 1234.5), (" ", ",", "1 234,5", 1234.5), ("\u202f", ",", "1\u202f234,5", 1234.5), (".", ",", "12,5", 12.5),
    ],
)  # fmt: skip
def test_thousands_stand_in_groups(thousands: str, decimal: str, text: str, value: float | None) -> None:
    found = to_seconds(pd.Series([text, "3"], dtype="str"), "s", decimal=decimal, thousands=thousands)
    assert found.bad.tolist() == [value is None, False]
    assert found.values.tolist() == ([value, 3.0] if value is not None else [pytest.approx(float("nan"), nan_ok=True), 3.0])


def test_a_span_over_the_hour_shown_twice_ends_after_it_begins() -> None:
    mapping = {
        "table": "agent_states", "clock": {"timezone": "Europe/Madrid"},
        "columns": {"agent": "who", "state": "what", "started_at": "from", "ended_at": "to"}, "states": {"*": "available"},
    }  # fmt: skip
    rows = b"who,what,from,to\na,x,2024-10-27 02:15:00,2024-10-27 02:45:00\na,x,2024-10-27 02:45:00,2024-10-27 06:00:00\n"
    rows += b"b,x,2024-10-27 02:50:00,2024-10-27 02:10:00\n"
    states = cc.read(rows, mapping=mapping).agent_states
    assert states["started_at"].dt.strftime("%H:%M").tolist() == ["00:15", "00:45", "00:50"]
    assert states["ended_at"].dt.strftime("%H:%M").tolist() == ["00:45", "05:00", "01:10"]


def test_a_draft_says_what_it_could_not_guess() -> None:
    text = cc.draft_mapping(b'alpha,"be""ta\nx",result\n1,2,Purple\n')
    mapping = tomllib.loads(text)
    assert mapping["columns"] == {"outcome": "result"}
    assert mapping["outcomes"] == {"Purple": "unknown"}
    for part in (
        '# queue = "…"  # FILL IN',
        '# queued_at = "…"  # FILL IN',
        '# timezone = "Europe/Istanbul"  # FILL IN',
        "# not used: alpha",
    ):
        assert part in text
    with pytest.raises(CcstatsError, match=r"\[columns\] needs queue"):
        cc.read(b"alpha,result\n", mapping=text)


def test_what_cannot_be_drafted() -> None:
    with pytest.raises(FormatError, match="<bytes> is empty: there is no header to draft a mapping from"):
        cc.draft_mapping(b"")
    with pytest.raises(ZoneError):
        cc.draft_mapping(b"a,b\n", timezone="Berlin City")


def test_the_samples_can_be_drafted() -> None:
    for case in cases_of("mapped"):
        drafted = tomllib.loads(cc.draft_mapping(case.path))
        own = tomllib.loads(case.options["mapping"].read_text(encoding="utf-8"))
        if case.path.stem == "german_export":
            assert drafted["source"]["skip_rows"] == own["source"]["skip_rows"]
            assert {name: drafted["columns"].get(name) for name in own["columns"]} == own["columns"]
            assert drafted["clock"] == {}
            assert drafted["units"]["queued_at"] == own["clock"]["times"]


def test_nobody_talks_for_a_day():
    frame = pd.DataFrame(
        {
            "call": ["1", "2", "3"],
            "joined": ["2025-03-01 09:00:00"] * 3,
            "waited": [5, 5, 200_000],
            "spoke": [86_399, 86_400, 60],
            "result": ["answered"] * 3,
        }
    )
    mapping = {
        "columns": {"contact_id": "call", "queued_at": "joined", "wait_s": "waited", "talk_s": "spoke", "outcome": "result"},
        "constants": {"channel": "email", "direction": "inbound", "queue": "post"},
        "outcomes": {"answered": "answered"},
    }
    log = cc.read(frame, mapping=mapping, timezone="UTC")
    assert log.contacts["contact_id"].tolist() == ["1", "3"]
    assert log.rejected[["line", "reason"]].to_numpy().tolist() == [[2, "talk_s is a day or more"]]
