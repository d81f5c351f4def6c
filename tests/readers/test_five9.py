"""Five9: what a row of the call log becomes, how times are written, reports of other grains, and a plain loop over random rows."""

from __future__ import annotations

import random
import warnings
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning

CALL: dict[str, str | None] = {
    "CALL ID": "1", "TIMESTAMP": "Fri, 01 Mar 2024 09:00:00", "CAMPAIGN": "line", "CALL TYPE": "Inbound", "SKILL": "sales", "AGENT": "ada",
    "AGENT NAME": "Ada B", "DISPOSITION": "Sold", "ANI": "1", "DNIS": "2", "CALL TIME": "00:03:00", "IVR TIME": "00:00:05",
    "QUEUE WAIT TIME": "00:00:20.250", "RING TIME": "00:00:03", "TALK TIME": "00:02:00", "HOLD TIME": "00:00:30", "PARK TIME": "00:00:10",
    "AFTER CALL WORK TIME": "00:00:15", "ABANDONED": "0",
}  # fmt: skip
NOBODY = {"AGENT": "[None]", "AGENT NAME": "", "TALK TIME": "", "HOLD TIME": "", "PARK TIME": "", "AFTER CALL WORK TIME": ""}
UNQUEUED = {**NOBODY, "SKILL": "[None]", "QUEUE WAIT TIME": "00:00:00.000"}


def read(*calls: dict[str, Any], zone: str = "UTC", **options: Any) -> Any:
    frame = pd.DataFrame([{**CALL, "CALL ID": str(at), **call} for at, call in enumerate(calls, 1)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read(frame.to_csv(index=False).encode(), format="five9", timezone=zone, pseudonyms=False, **options)


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        ({}, "answered"),
        ({"DISPOSITION": ""}, "answered"),
        ({"DISPOSITION": "Abandon"}, "answered"),
        ({"AGENT": "[Deleted]"}, "answered"),
        ({"TALK TIME": "00:00:00", "HOLD TIME": "", "PARK TIME": ""}, "answered"),
        ({"ABANDONED": "1"}, "answered"),
        ({"ABANDONED": "1", "TALK TIME": "00:00:00"}, "abandoned"),
        ({**NOBODY, "ABANDONED": "1", "DISPOSITION": ""}, "abandoned"),
        ({**NOBODY, "DISPOSITION": "Abandon"}, "abandoned"),
        ({**NOBODY, "DISPOSITION": "caller  disconnected"}, "abandoned"),
        ({**UNQUEUED, "SKILL": "sales", "DISPOSITION": "Abandon"}, "abandoned"),
        ({**UNQUEUED, "DISPOSITION": "Caller Disconnected"}, "ivr_abandoned"),
        ({**UNQUEUED, "ABANDONED": "1", "DISPOSITION": ""}, "ivr_abandoned"),
        ({**NOBODY, "DISPOSITION": "Sent To Voicemail"}, "voicemail"),
        ({**NOBODY, "CALL TYPE": "Inbound Voicemail", "DISPOSITION": ""}, "voicemail"),
        ({"CALL TYPE": "Inbound Voicemail"}, "answered"),
        ({**NOBODY, "DISPOSITION": "Transferred To 3rd Party"}, "overflowed"),
        ({**NOBODY, "DISPOSITION": "Queue Callback Assigned"}, "callback"),
        ({**NOBODY, "DISPOSITION": "Queue Callback Timeout"}, "callback"),
        ({"CALL TYPE": "Queue Callback"}, "answered"),
        ({**NOBODY, "DISPOSITION": "Timeout"}, "timed_out"),
        ({**NOBODY, "DISPOSITION": "System Shutdown"}, "failed"),
        ({**NOBODY, "DISPOSITION": ""}, "unknown"),
        ({**NOBODY, "DISPOSITION": "No Disposition"}, "unknown"),
        ({"CALL TYPE": "Hologram"}, "unknown"),
    ],
)
def test_what_a_call_becomes(call: dict[str, Any], outcome: str) -> None:
    assert read(call).contacts["outcome"].tolist() == [outcome]


@pytest.mark.parametrize(
    ("call", "rule"),
    [
        ({"CALL TYPE": "Outbound"}, "outbound or internal: no visit to a queue"),
        ({"CALL TYPE": "MANUAL"}, "outbound or internal: no visit to a queue"),
        ({"CALL TYPE": "3rd party transfer", **UNQUEUED}, "leg of a transfer or conference"),
        ({"CALL TYPE": "Queue Callback", **NOBODY}, "callback that reached no agent"),
        ({**UNQUEUED, "DISPOSITION": "Transferred To 3rd Party"}, "ended before any queue"),
        ({**UNQUEUED, "DISPOSITION": ""}, "ended before any queue"),
        ({**UNQUEUED, "CALL ID": "Total", "TIMESTAMP": ""}, "totals"),
        ({**UNQUEUED, "CALL ID": "", "TIMESTAMP": ""}, "totals"),
    ],
)
def test_what_is_left_out(call: dict[str, Any], rule: str) -> None:
    log = read({}, call)
    assert log.summary().set_index("rule")["lines"].to_dict() == {"call": 1, "header": 1, rule: 1}


@pytest.mark.parametrize("date", ["Fri, 01 Mar 2024", "Fri, 1 Mar 2024", "1 MAR 2024", "2024/03/01", "2024/3/1", "2024-03-01"])
@pytest.mark.parametrize("time", ["09:00:00", "9:00"])
def test_times_are_of_the_zone_the_report_was_run_in(date: str, time: str) -> None:
    log = read({"TIMESTAMP": f"{date} {time}"}, zone="America/Los_Angeles")
    assert log.contacts["arrived_at"].tolist() == [pd.Timestamp("2024-03-01 17:00:00Z")]
    assert log.contacts["queued_at"].tolist() == [pd.Timestamp("2024-03-01 17:00:05Z")]


@pytest.mark.parametrize("written", ["", "03/01/2024 09:00", "Fri, 32 Mar 2024 09:00", "Fri, 01 Zzz 2024 09:00", "2024/03/01", "09:00"])
def test_times_that_are_none_or_may_be_two_are_rejected(written: str) -> None:
    assert read({}, {"TIMESTAMP": written}).rejected["line"].tolist() == [3]


def test_a_date_and_a_time_apart() -> None:
    call = {name: value for name, value in CALL.items() if name != "TIMESTAMP"}
    expected = read({}).contacts
    for date, time, name in (
        ("2024/03/01", "09:00:00", "TIME"),
        ("Fri, 01 Mar 2024", "9:00", "TIME"),
        ("2024-03-01", "09:00:00", "TIMESTAMP"),
        (pd.Timestamp("2024-03-01"), "09:00:00", "TIME"),
    ):
        log = cc.read(pd.DataFrame([{"DATE": date, name: time, **call}]), format="five9", timezone="UTC", pseudonyms=False)
        assert_frame_equal(log.contacts, expected)
    log = cc.read(pd.DataFrame([{"DATE": "2024/03/01", **call}]), format="five9", timezone="UTC")
    assert (len(log.contacts), log.count("rejected")) == (0, 1)
    typed = pd.DataFrame([{**CALL, "TIMESTAMP": pd.Timestamp("2024-03-01 09:00")}])
    assert_frame_equal(cc.read(typed, format="five9", timezone="UTC", pseudonyms=False).contacts, expected)


def test_hours_that_the_clock_showed_twice_or_never_are_noted() -> None:
    log = read({"TIMESTAMP": "Sun, 03 Nov 2024 01:30:00"}, {"TIMESTAMP": "Sun, 10 Mar 2024 02:30:00"}, zone="America/Los_Angeles")
    assert log.contacts["arrived_at"].tolist() == [pd.Timestamp("2024-11-03 08:30Z"), pd.Timestamp("2024-03-10 10:00Z")]
    assert log.notes["note"].str.contains("twice|never").sum() == 2


def test_talk_is_without_hold_and_park() -> None:
    assert read({}).contacts[["wait_s", "ring_s", "talk_s", "hold_s", "wrap_s"]].iloc[0].tolist() == [20.25, 3, 80, 40, 15]
    log = read({"HOLD TIME": "00:10:00"})
    assert log.contacts["talk_s"].tolist() == [120]
    assert log.notes["note"].str.contains("longer than TALK TIME").tolist() == [True]
    less = read({"TALK TIME LESS HOLD AND PARK": "00:01:17", "SPEED OF ANSWER": "00:00:40", "CALL TIME": "00:01:00"})
    assert less.contacts["talk_s"].tolist() == [77]
    assert less.notes["count"].tolist() == [1, 1]


def test_who_left_in_the_menu_joined_no_queue() -> None:
    row = read({**UNQUEUED, "DISPOSITION": "Abandon"}).contacts.iloc[0]
    assert row[["queued_at", "wait_s"]].isna().all()
    assert row["arrived_at"] == pd.Timestamp("2024-03-01 09:00:00Z")
    assert row["queue"] == "line"


def test_a_call_has_a_visit_for_each_queue_and_agent_and_rows_count_once() -> None:
    first, second = {"CALL ID": "7"}, {"CALL ID": "7", "TIMESTAMP": "Fri, 01 Mar 2024 09:05:00", "SKILL": "more", "AGENT": "bo"}
    log = read(second, first, first)
    assert log.contacts[["visit", "queue"]].to_numpy().tolist() == [[1, "sales"], [2, "more"]]
    assert log.rejected["line"].tolist() == [4]


def test_the_customer_of_a_callback_is_the_number_called() -> None:
    log = read({}, {"CALL TYPE": "Queue Callback"})
    assert log.contacts[["channel", "customer", "dnis"]].to_numpy().tolist() == [["voice", "1", "2"], ["callback", "2", "1"]]


def test_titles_above_the_header_and_blank_lines_are_no_calls() -> None:
    plain = pd.DataFrame([CALL]).to_csv(index=False).encode()
    titled = b'Call Log\n"From Mar 1, to Mar 2"\n\n' + plain + b"\n"
    log = cc.read(titled, timezone="UTC", pseudonyms=False)
    assert_frame_equal(log.contacts, read({}).contacts)
    assert log.summary().set_index("rule")["lines"].to_dict() == {"call": 1, "title": 3, "header": 1, "blank": 1}


def test_without_call_type_and_skill_calls_came_in_for_the_campaign() -> None:
    frame = pd.DataFrame([CALL]).drop(columns=["CALL TYPE", "SKILL", "ABANDONED", "AGENT NAME"])
    log = cc.read(frame, format="five9", timezone="UTC")
    assert log.contacts[["queue", "outcome", "agent"]].to_numpy().tolist() == [["line", "answered", "ada"]]


def test_the_report_on_segments_is_refused_with_a_reason() -> None:
    header = b"CALL ID,TIMESTAMP,CALL SEGMENT ID,SEGMENT TYPE,CALLED PARTY,RESULT,SEGMENT TIME,QUEUE WAIT TIME,DISPOSITION\n"
    with pytest.raises(ColumnError, match="report on segments of calls.*run the Call Log report"):
        cc.read(header, timezone="UTC")


def test_a_report_without_its_columns_says_which() -> None:
    with pytest.raises(ColumnError, match="TIMESTAMP"):
        cc.read(b"CALL ID,AGENT,DISPOSITION,QUEUE WAIT TIME\n", format="five9", timezone="UTC")


def test_bad_values_are_rejected() -> None:
    log = read({}, {"CALL ID": ""}, {"QUEUE WAIT TIME": ""}, {"TALK TIME": "-1"}, {"IVR TIME": "NaN"}, {"SKILL": "", "CAMPAIGN": ""})
    assert log.rejected["line"].tolist() == [3, 4, 5, 6, 7]


def plain(call: dict[str, str]) -> tuple[Any, ...] | None:
    """The same by a loop over one row."""

    def seconds(name: str) -> float:
        hours, minutes, rest = (call[name] or "0:0:0").split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(rest)

    kind, agent, gave_up = call["CALL TYPE"], call["AGENT"] != "[None]", call["ABANDONED"] == "1"
    if kind in ("Outbound", "3rd party transfer") or (kind == "Queue Callback" and not agent):
        return None
    queued = call["SKILL"] != "[None]" or seconds("QUEUE WAIT TIME") > 0
    talk, held = seconds("TALK TIME"), seconds("HOLD TIME")
    if agent and (not gave_up or talk > 0):
        spoken = talk if held > talk else talk - held
        return call["CALL ID"], "answered", seconds("QUEUE WAIT TIME"), spoken
    words = {"Abandon": "abandoned", "Sent To Voicemail": "voicemail", "Timeout": "timed_out"}
    outcome = "abandoned" if gave_up else words.get(call["DISPOSITION"], "unknown")
    if not queued:
        return (call["CALL ID"], "ivr_abandoned", None, None) if outcome == "abandoned" else None
    return call["CALL ID"], outcome, seconds("QUEUE WAIT TIME"), None


def test_against_a_plain_loop() -> None:
    rng = random.Random(9)
    calls = []
    for at in range(600):
        calls.append({
            **CALL, "CALL ID": str(at), "CALL TYPE": rng.choice(["Inbound", "Inbound", "Outbound", "Queue Callback", "3rd party transfer"]),
            "SKILL": rng.choice(["a", "b", "[None]"]), "AGENT": rng.choice(["ada", "[None]"]), "ABANDONED": rng.choice(["0", "0", "1"]),
            "DISPOSITION": rng.choice(["Abandon", "Sent To Voicemail", "Timeout", "Eaten"]), "PARK TIME": "",
            "QUEUE WAIT TIME": rng.choice(["00:00:00.000", "00:01:10.500"]), "TALK TIME": rng.choice(["00:00:00", "01:00:01", "00:00:20"]),
            "HOLD TIME": rng.choice(["00:00:00", "00:00:30"]),
        })  # fmt: skip
    expected = sorted(row for row in map(plain, calls) if row)
    contacts = read(*calls).contacts[["contact_id", "outcome", "wait_s", "talk_s"]].astype(object)
    found = sorted(tuple(None if pd.isna(cell) else cell for cell in row) for row in contacts.itertuples(index=False))
    assert found == expected
    assert len(found) > 200
