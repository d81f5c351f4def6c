"""Call detail records: 16 to 21 columns, database tables, and what a record of a queue call can and cannot tell."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest
import sqlalchemy as sa
from exam_cases import cases_of
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning, OptionError, ZoneError
from ccstats.readers.asterisk_cdr import looks_like

BASE = ["", "0301", "800", "in", "Bo <0301>", "SIP/t-0a1b2c3d", "SIP/anna-0a1b2c3e", "Queue", "sales,t", "2024-03-01 09:00:00",
        "2024-03-01 09:00:12", "2024-03-01 09:02:12", "132", "120", "ANSWERED", "DOCUMENTATION"]  # fmt: skip
ID, USER, LINKED = "1709280000.1", "note", ["", "1709279999.9", "4"]
NAMES = {
    "dstchannel": 6,
    "lastapp": 7,
    "lastdata": 8,
    "start": 9,
    "answer": 10,
    "end": 11,
    "duration": 12,
    "billsec": 13,
    "disposition": 14,
}


def line(cells: list[str], **changes: str) -> str:
    cells = list(cells)
    for name, value in changes.items():
        cells[NAMES[name]] = value
    return ",".join(cell if at in (12, 13) else f'"{cell}"' for at, cell in enumerate(cells)) + "\n"


def read(*lines: str, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read("".join(lines).encode(), **{"timezone": "UTC", "format": "asterisk_cdr", "pseudonyms": False, **options})


@pytest.mark.parametrize(
    ("more", "contact"),
    [
        ([], "<bytes>:1"),
        ([ID], ID),
        ([USER], "<bytes>:1"),
        ([ID, USER], ID),
        (LINKED, "1709279999.9"),
        ([ID, *LINKED], "1709279999.9"),
        ([USER, *LINKED], "1709279999.9"),
        ([ID, USER, *LINKED], "1709279999.9"),
    ],
)
def test_sixteen_to_twenty_one_columns(more: list[str], contact: str) -> None:
    text = line([*BASE, *more])
    assert looks_like(text.encode())
    row = read(text, format=None).contacts.iloc[0]
    assert (row["contact_id"], row["wait_s"], row["talk_s"], row["agent"], row["queue"]) == (contact, 12, 120, "SIP/anna", "sales")


def test_fifteen_or_twenty_two_columns_are_not_recognised() -> None:
    assert not looks_like(line(BASE[:15]).encode())
    assert not looks_like(line([*BASE, *"abcdef"]).encode())


def test_rows_of_another_length_are_rejected() -> None:
    log = read(line([*BASE, ID]), line([*BASE, ID, USER]))
    assert log.rejected[["line", "reason"]].to_numpy().tolist() == [[2, "18 fields, the header has 17"]]


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("NO ANSWER", "abandoned"),
        ("CANCEL", "abandoned"),
        ("BUSY", "abandoned"),
        ("FAILED", "failed"),
        ("CONGESTION", "failed"),
        ("HM", "unknown"),
    ],
)
def test_no_agent(word: str, outcome: str) -> None:
    row = read(line([*BASE, ID], dstchannel="", disposition=word, answer="", billsec="0")).contacts.iloc[0]
    assert (row["outcome"], row["raw_outcome"], row["wait_s"]) == (outcome, word, 132)


def test_answered_is_not_answered_by_an_agent() -> None:
    # The trap of this format: the dialplan answered, the caller gave up in the queue, and the record says ANSWERED.
    gave_up = line([*BASE, "2.1"], dstchannel="", answer="2024-03-01 09:00:00", billsec="132")
    log = read(gave_up)
    assert log.contacts[["outcome", "wait_s"]].to_numpy().tolist() == [["abandoned", 132.0]]
    # So the answered calls of this queue were answered before the queue too, and how long they waited is not told.
    log = read(gave_up, line([*BASE, ID]), line([*BASE, "3.1"], lastdata="other"))
    told = log.contacts.set_index("contact_id")
    assert told.loc[ID, ["wait_s", "talk_s"]].isna().all()
    assert told.loc["3.1", ["wait_s", "talk_s"]].tolist() == [12, 120]
    assert log.notes["note"].str.startswith("the dialplan answers before the queue").any()
    assert read(gave_up, line([*BASE, ID]), answers_first=False).contacts["wait_s"].notna().all()
    assert read(line([*BASE, ID]), answers_first=True).contacts["wait_s"].isna().all()
    with pytest.raises(OptionError, match="answers_first='maybe'"):
        read(line([*BASE, ID]), answers_first="maybe")


def test_every_member_rung_at_once_is_one_visit() -> None:
    missed = {"disposition": "NO ANSWER", "answer": "", "billsec": "0"}
    log = read(
        line([*BASE, ID], dstchannel="SIP/bo-1111", **missed), line([*BASE, ID]), line([*BASE, ID], dstchannel="SIP/cy-1112", **missed)
    )
    row = log.contacts.iloc[0]
    assert (len(log.contacts), row["ring_attempts"], row["ring_noanswer"], row["agent"]) == (1, 3, 2, "SIP/anna")


def test_two_queues_of_one_call_are_two_visits() -> None:
    later = {
        "lastdata": "care|t",
        "start": "2024-03-01 09:02:12",
        "answer": "2024-03-01 09:03:00",
        "end": "2024-03-01 09:05:00",
        "billsec": "120",
    }
    log = read(line([*BASE, ID]), line([*BASE, ID], **later))
    assert log.contacts[["visit", "queue", "wait_s"]].to_numpy().tolist() == [[1, "sales", 12.0], [2, "care", 48.0]]


def test_other_calls_are_ignored_and_repeated_records_rejected() -> None:
    log = read(line([*BASE, ID], lastapp="Dial"), line([*BASE, ID]), line([*BASE, ID]))
    assert (len(log.contacts), log.count("ignored"), log.count("used")) == (1, 1, 1)
    assert log.rejected["reason"].tolist() == ["repeats an earlier row (same in all columns read)"]


def test_bad_values_are_rejected() -> None:
    bad = [{"start": "soon"}, {"lastdata": ""}, {"duration": ""}, {"end": "2024-03-01 08:00:00"}]
    log = read(line([*BASE, ID]), *(line([*BASE, ID], **each) for each in bad))
    assert log.rejected["line"].tolist() == [2, 3, 4, 5]


def test_figures_that_disagree_are_counted() -> None:
    log = read(line([*BASE, ID], billsec="90"))
    assert log.contacts["talk_s"].tolist() == [90]
    assert log.notes["note"].str.startswith("billsec is not end - answer").any()


def test_a_zone_is_needed() -> None:
    with pytest.raises(ZoneError, match="holds local times"):
        read(line(BASE), timezone=None)
    assert str(read(line(BASE), timezone="Europe/Istanbul").contacts["queued_at"][0]) == "2024-03-01 06:00:00+00:00"


def test_a_database_is_read_like_its_export() -> None:
    case = next(case for case in cases_of("asterisk_cdr") if case.path.name == "made_up_table.csv")
    frame = pd.read_csv(case.path, dtype={"src": str, "uniqueid": str, "linkedid": str, "did": str}, keep_default_na=False)
    frame["calldate"] = pd.to_datetime(frame["calldate"])
    engine = sa.create_engine("sqlite://")
    frame.to_sql("cdr", engine, index=False)
    read = cc.read_sql("cdr", engine, pseudonyms=False, **case.options)
    engine.dispose()
    assert_frame_equal(read.contacts, case.read().contacts)
    with pytest.raises(ColumnError, match="no column lastapp"):
        case.read(frame.drop(columns="lastapp"))


def test_a_call_over_the_hour_shown_twice_keeps_its_length() -> None:
    night = "2024-10-27 "
    times = {"start": f"{night}02:59:50", "answer": f"{night}02:00:10", "end": f"{night}02:02:10", "duration": "140"}
    log = read(line(BASE, **times), timezone="Europe/Berlin")
    assert log.contacts[["wait_s", "talk_s"]].to_numpy().tolist() == [[20.0, 120.0]]
    assert log.contacts["queued_at"].tolist() == [pd.Timestamp("2024-10-27T00:59:50Z")]
    after = {"start": f"{night}02:59:50", "answer": f"{night}03:00:10", "end": f"{night}03:02:10", "duration": "140"}
    assert read(line(BASE, **after), timezone="Europe/Berlin").contacts["wait_s"].tolist() == [20.0]
