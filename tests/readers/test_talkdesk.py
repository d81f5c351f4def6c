"""Talkdesk's two reports: every type, how long callers stayed, and units."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest
from exam_cases import cases_of

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning

CALL = {"call_id": "1", "type": "inbound", "start_at": "2024-03-01T08:00:00Z", "talkdesk_phone_number": "+351200", "total_time": "150",
        "contact_phone_number": "+351911", "user_name": "Ada", "talk_time": "120", "wait_time": "25", "hold_time": "10", "abandon_time": "",
        "total_ringing_time": "8", "ring_groups": "sales", "is_callback_from_queue": "false"}  # fmt: skip
CONTACT = {"interaction_id": "1", "contact_id": "a", "direction": "Inbound", "contact_type": "Answered",
           "started_at": "2024-03-01 08:00:00",
           "answered_at": "2024-03-01 08:00:20", "wait_time": "20", "ring_time": "5", "talk_time": "100", "hold_time": "0",
           "after_call_work_time": "9", "user_name": "Ada", "ring_groups": "sales", "company_number": "+351200"}  # fmt: skip


def read(first: dict[str, str], *changes: dict[str, str], **options):
    frame = pd.DataFrame(
        [{**first, "call_id" if first is CALL else "interaction_id": str(at), **each} for at, each in enumerate(changes or ({},))]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read(frame, format="talkdesk", pseudonyms=False, **options)


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("inbound", "answered"),
        ("abandoned", "abandoned"),
        ("short_abandoned", "abandoned"),
        ("Short Abandoned", "abandoned"),
        ("missed", "timed_out"),
        ("voicemail", "voicemail"),
        ("after_hours", "blocked_closed"),
        ("outbound", None),
        ("outbound_missed", None),
        ("else", "unknown"),
    ],
)
def test_what_a_type_becomes(word: str, outcome: str | None) -> None:
    assert read(CALL, {"type": word}).contacts["outcome"].tolist() == ([] if outcome is None else [outcome])
    if word != "inbound":
        assert read(CONTACT, {"contact_type": word}).contacts["outcome"].tolist() == ([] if outcome is None else [outcome])


def test_an_answered_call() -> None:
    row = read(CALL).contacts.iloc[0]
    assert [row[name] for name in ("wait_s", "ring_s", "talk_s", "hold_s")] == [25, 8, 120, 10]
    assert pd.isna(row["wrap_s"])  # the report on calls has no after-call work
    assert read(CONTACT).contacts["wrap_s"].tolist() == [9]


def test_how_long_callers_stayed() -> None:
    log = read(CALL, {"type": "abandoned", "abandon_time": "60", "wait_time": "0"}, {"type": "abandoned", "wait_time": "7"})
    assert log.contacts["wait_s"].tolist() == [60, 7]
    log = read(CONTACT, {"contact_type": "Missed", "time_to_missed": "33"}, {"contact_type": "Voicemail", "time_to_voicemail": "44"})
    assert log.contacts["wait_s"].tolist() == [33, 44]


def test_contacts_of_one_interaction_are_visits() -> None:
    later = {"interaction_id": "0", "contact_id": "b", "started_at": "2024-03-01 08:05:00", "answered_at": "2024-03-01 08:05:20"}
    log = read(CONTACT, {}, {**later, "ring_groups": "care"}, {})
    assert log.contacts[["contact_id", "visit", "queue"]].to_numpy().tolist() == [["0", 1, "sales"], ["0", 2, "care"], ["2", 1, "sales"]]


def test_figures_that_disagree_are_counted_not_repaired() -> None:
    log = read(CONTACT, {"wait_time": "50"})
    assert log.contacts["wait_s"].tolist() == [50]
    assert log.notes["note"].tolist() == ["wait_time is not answered_at - started_at: as logged"]
    assert read(CALL, {"total_time": "20"}).notes["note"].tolist() == ["wait_time and talk_time are longer than total_time: as logged"]


def test_fractions_of_a_day_are_refused() -> None:
    log = read(CALL, {"wait_time": "0.00005787"}, {"talk_time": "0.0000694"}, {})
    assert len(log.contacts) == 1
    assert log.rejected["reason"].str.contains("is a fraction of a day").all()


def test_rows_that_cannot_be_read_are_rejected() -> None:
    log = read(
        CALL,
        {},
        {"call_id": ""},
        {"start_at": ""},
        {"start_at": "soon"},
        {"wait_time": ""},
        {"ring_groups": "", "talkdesk_phone_number": ""},
    )
    assert log.rejected["line"].tolist() == [2, 3, 4, 5, 6]


def test_both_reports_at_once_would_count_twice() -> None:
    calls, contacts = (case.data for case in cases_of("talkdesk"))
    with pytest.raises(ColumnError, match="read one report, or calls count twice"):
        cc.read([calls, contacts], format="talkdesk")


def test_times_are_utc_unless_said_otherwise() -> None:
    assert str(read(CONTACT).contacts["queued_at"][0]) == "2024-03-01 08:00:00+00:00"
    assert str(read(CONTACT, timezone="America/New_York").contacts["queued_at"][0]) == "2024-03-01 13:00:00+00:00"
