"""Channel events: who met whom in a bridge, how a call left the queue, and what is not known where events are not logged."""

from __future__ import annotations

import csv
import io
import json
import random
import tracemalloc
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from exam_cases import cases_of
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning, ZoneError
from ccstats.readers.asterisk_cel import looks_like

BASE = 1709280000
COLUMNS = ["eventtype", "eventtime", "uniqueid", "linkedid", "channame", "appname", "appdata", "exten", "cid_num", "extra"]
CALLER, AGENT = "PJSIP/trunk-0000000a", "PJSIP/ayşe-0000000b"
QUEUE, OFFERED = ("Queue", "satış,t,,,60"), ("AppQueue", "(Outgoing Line)")
Event = dict[str, Any]


def event(at: float, kind: str, uid: str = "1.1", name: str = CALLER, app: tuple[str, str] = ("", ""), **more: Any) -> Event:
    extra = {key.rstrip("_"): value for key, value in more.items() if key not in ("linkedid", "exten", "cid_num")}
    return {
        "at": at, "eventtype": kind, "uniqueid": uid, "linkedid": more.get("linkedid", "1.1"), "channame": name, "appname": app[0],
        "appdata": app[1], "exten": more.get("exten", "800"), "cid_num": more.get("cid_num", "0301"),
        "extra": json.dumps(extra, ensure_ascii=False, separators=(",", ":")) if extra else "",
    }  # fmt: skip


def entered() -> list[Event]:
    """A caller whom the dialplan answered, 5 s before the queue."""
    return [event(0, "CHAN_START"), event(1, "ANSWER", app=("Answer", "")), event(5, "APP_START", app=QUEUE)]


def gave_up(at: float = 35) -> list[Event]:
    return [event(at, "APP_END", app=QUEUE), event(at + 0.01, "HANGUP", hangupsource=CALLER, hangupcause=16), event(at + 0.01, "CHAN_END")]


def rang() -> list[Event]:
    return [event(7, "CHAN_START", "1.2", AGENT)]


def talk() -> list[Event]:
    """The agent answers at 15 s, both meet at 17 s, and the agent hangs up at 77 s."""
    return [
        event(15, "ANSWER", "1.2", AGENT, OFFERED),
        event(15.5, "BRIDGE_ENTER", "1.2", AGENT, OFFERED, bridge_id="b"),
        event(17, "BRIDGE_ENTER", app=QUEUE, bridge_id="b"),
        event(77, "BRIDGE_EXIT", "1.2", AGENT, OFFERED, bridge_id="b"),
        event(77.1, "HANGUP", "1.2", AGENT, OFFERED, hangupsource=AGENT, hangupcause=16),
        event(77.1, "CHAN_END", "1.2", AGENT, OFFERED),
        event(77.2, "BRIDGE_EXIT", app=QUEUE, bridge_id="b"),
        event(77.3, "APP_END", app=QUEUE),
        event(77.4, "HANGUP", hangupsource=AGENT, hangupcause=16),
        event(77.4, "CHAN_END"),
        event(77.4, "LINKEDID_END"),
    ]


def answered() -> list[Event]:
    return [*entered(), *rang(), *talk()]


def renamed(events: list[Event], call: str) -> list[Event]:
    return [{**each, "uniqueid": each["uniqueid"].replace("1.", f"{call}.", 1), "linkedid": f"{call}.1"} for each in events]


def without(events: list[Event], *kinds: str) -> list[Event]:
    return [each for each in events if each["eventtype"] not in kinds]


def text(events: list[Event], columns: list[str] = COLUMNS) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({**each, "eventtime": f"{BASE + each['at']:.6f}"} for each in events)
    return file.getvalue().encode()


def read(events: list[Event] | bytes, **options: Any):
    data = events if isinstance(events, bytes) else text(events)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read(data, **{"format": "asterisk_cel", "pseudonyms": False, **options})


def only(events: list[Event], **options: Any) -> pd.Series:
    contacts = read(events, **options).contacts
    assert len(contacts) == 1
    return contacts.iloc[0]


def notes(events: list[Event]) -> str:
    return " / ".join(read(events).notes["note"])


def test_an_answered_call() -> None:
    row = only(answered())
    assert row[["contact_id", "queue", "outcome", "raw_outcome", "agent"]].tolist() == [
        "1.1", "satış", "answered", "BRIDGE_ENTER", "PJSIP/ayşe",
    ]  # fmt: skip
    assert row[["wait_s", "ring_s", "talk_s"]].tolist() == [12, 10, 60]
    assert row[["ended_by", "customer", "dnis", "ring_attempts", "ring_noanswer"]].tolist() == ["agent", "0301", "800", 1, 0]
    assert row["arrived_at"] == pd.Timestamp(BASE, unit="s", tz="UTC")
    assert read(answered()).notes.empty


def test_what_call_detail_records_hide() -> None:
    """The same two calls in both logs: the dialplan answers first, so the records say ANSWERED of the call that nobody took."""

    def record(number: str, channel: str, start: int, end: int) -> str:
        times = [pd.Timestamp(BASE + at, unit="s").strftime("%Y-%m-%d %H:%M:%S") for at in (start, start + 1, end)]
        cells = ["", "0301", "800", "in", "Bo", CALLER, channel, "Queue", "satış,t,,,60", *times, str(end - start), str(end - start - 1)]
        return ",".join(f'"{cell}"' for cell in [*cells, "ANSWERED", "DOCUMENTATION", number, ""]) + "\n"

    records = (record("1.1", AGENT, 0, 77) + record("2.1", "", 100, 135)).encode()
    cdr = cc.read(records, format="asterisk_cdr", timezone="UTC").contacts.set_index("contact_id")
    later = [{**each, "at": each["at"] + 100} for each in renamed([*entered(), *gave_up()], "2")]
    cel = read([*answered(), *later]).contacts.set_index("contact_id")

    assert cdr["raw_outcome"].tolist() == ["ANSWERED", "ANSWERED"]
    assert cdr["outcome"].tolist() == cel["outcome"].tolist() == ["answered", "abandoned"]
    # Records know neither when a call joined the queue nor when the agent came; events know both.
    assert cdr.loc["1.1", ["wait_s", "talk_s"]].isna().all()
    assert cel.loc["1.1", ["wait_s", "talk_s"]].tolist() == [12, 60]
    assert cdr.loc["2.1", "wait_s"] == 35
    assert cel.loc["2.1", ["wait_s", "ended_by"]].tolist() == [30, "customer"]


@pytest.mark.parametrize(
    ("end", "outcome", "raw", "wait_s"),
    [
        (gave_up(), "abandoned", "APP_END", 30),
        (without(gave_up(), "APP_END"), "abandoned", "HANGUP", 30.01),
        ([event(35, "LINKEDID_END")], "abandoned", "LINKEDID_END", 30),
        # In h it is over, whatever runs there.
        ([event(35, "APP_END", app=QUEUE), event(35, "APP_START", app=("Macro", "hangupcall"), exten="h"), event(36, "HANGUP", exten="h")],
         "abandoned", "APP_END", 30),
        # The queue gives the call back, and the dialplan hangs up.
        ([event(35, "APP_END", app=QUEUE), event(35, "HANGUP", hangupsource="dialplan/builtin")], "overflowed", "APP_END", 30),
        ([event(35, "HANGUP", hangupsource="dialplan/builtin")], "overflowed", "HANGUP", 30),
        ([event(65, "APP_END", app=QUEUE), event(65, "HANGUP", hangupsource="dialplan/builtin")], "timed_out", "APP_END", 60),
        ([event(64.5, "APP_END", app=QUEUE), event(90, "HANGUP", hangupsource=CALLER)], "timed_out", "APP_END", 59.5),
        # It goes on in the dialplan.
        ([event(35, "APP_END", app=QUEUE), event(50, "HANGUP", hangupsource=CALLER)], "overflowed", "APP_END", 30),
        ([event(35, "APP_END", app=QUEUE), event(35.1, "APP_START", app=("Playback", "bye")), event(35.2, "HANGUP")],
         "overflowed", "APP_END", 30),
        ([event(35, "APP_START", app=("VoiceMail", "1@default")), event(50, "HANGUP", hangupsource=CALLER)], "overflowed", "APP_START", 30),
        ([event(35, "MY_EVENT", app=("CELGenUserEvent", "MY_EVENT")), event(50, "HANGUP")], "overflowed", "MY_EVENT", 30),
        ([event(35, "FORWARD", app=QUEUE)], "open", np.nan, 30),
        ([event(90_006, "HANGUP", "9.9", linkedid="9.9")], "failed", np.nan, np.nan),
    ],
)  # fmt: skip
def test_how_a_call_leaves_the_queue(end: list[Event], outcome: str, raw: Any, wait_s: float) -> None:
    other = renamed(answered(), "7")  # so that all events occur
    row = read([*entered(), *end] if outcome == "open" else [*other, *entered(), *end]).contacts.iloc[0]
    assert (row["contact_id"], row["outcome"]) == ("1.1", outcome)
    assert row["raw_outcome"] == raw or (pd.isna(raw) and pd.isna(row["raw_outcome"]))
    assert row["wait_s"] == pytest.approx(wait_s, nan_ok=True)
    assert row["ended_by"] == "customer" if outcome == "abandoned" else pd.isna(row.get("ended_by"))


def test_a_queue_without_a_time_limit_does_not_time_out() -> None:
    events = [*entered()[:2], event(5, "APP_START", app=("Queue", "care")), event(9005, "APP_END", app=("Queue", "care"))]
    assert only([*events, event(9050, "HANGUP")])["outcome"] == "overflowed"


def test_an_answer_of_the_phone_is_none_of_the_call() -> None:
    # The caller hangs up while the agent hears who is calling: the phone was answered, but they never met.
    other = renamed(answered(), "7")
    row = read([*other, *entered(), *rang(), event(15, "ANSWER", "1.2", AGENT, OFFERED), *gave_up(16)]).contacts.iloc[0]
    assert row[["outcome", "wait_s"]].tolist() == ["abandoned", 11]
    assert row[["ring_attempts", "ring_noanswer"]].tolist() == [1, 1]


def test_phones_that_ring_and_what_local_channels_dial() -> None:
    dialled = ("AppDial", "(Outgoing Line)")
    events = [
        *answered(),
        event(8, "CHAN_START", "1.3", "Local/102@agents-00000001;1"),
        event(8, "CHAN_START", "1.4", "Local/102@agents-00000001;2"),
        event(8, "CHAN_START", "1.5", "PJSIP/102-0000000c"),
        event(14, "HANGUP", "1.5", "PJSIP/102-0000000c", dialled),
        event(14, "HANGUP", "1.3", "Local/102@agents-00000001;1", OFFERED),
        event(60, "CHAN_START", "1.6", "PJSIP/205-0000000d"),  # after the answer: no offer of the queue
    ]
    assert only(events)[["ring_attempts", "ring_noanswer", "agent"]].tolist() == [2, 1, "PJSIP/ayşe"]


def test_whoever_picks_the_call_up_is_the_agent() -> None:
    # A colleague's call has an id of its own, which ends as it joins the older one: the caller is not gone by that.
    colleague = "PJSIP/zoe-0000000e"
    events = [
        *entered(),
        *rang(),
        event(9, "CHAN_START", "8.1", colleague, linkedid="8.1"),
        event(10, "HANGUP", "1.2", AGENT, hangupcause=26),
        event(11, "BRIDGE_ENTER", "8.1", colleague, OFFERED, linkedid="8.1", bridge_id="b"),
        event(11.5, "LINKEDID_END", "8.1", colleague, OFFERED, linkedid="8.1"),
        event(12, "BRIDGE_ENTER", app=QUEUE, bridge_id="b"),
        event(42, "BRIDGE_EXIT", app=QUEUE, bridge_id="b"),
        event(42, "APP_END", app=QUEUE),
        event(42, "HANGUP", hangupsource=CALLER),
        event(42, "BRIDGE_EXIT", "8.1", colleague, OFFERED, bridge_id="b"),
        event(42, "HANGUP", "8.1", colleague, OFFERED, hangupsource=""),
    ]
    row = only(events)
    assert row[["outcome", "agent", "wait_s", "talk_s", "ended_by"]].tolist() == ["answered", "PJSIP/zoe", 7, 30, "customer"]
    assert row[["ring_attempts", "ring_noanswer"]].tolist() == [1, 1]


def transferred(kind: str, **extra: str) -> list[Event]:
    at_the_end = [{**each, "extra": ""} if each["eventtype"] == "HANGUP" else each for each in talk()]
    return [*entered(), *rang(), event(47, kind, "1.2", AGENT, OFFERED, **extra), *at_the_end]


def test_a_transfer_ends_the_talk_with_the_agent() -> None:
    row = only(transferred("BLINDTRANSFER", extension="204", context="internal", bridge_id="b"))
    assert row[["outcome", "talk_s", "transferred_to"]].tolist() == ["answered", 30, "204"]
    row = only(transferred("ATTENDEDTRANSFER", bridge1_id="b", bridge2_id="c", transfer_target_channel_name="PJSIP/205-0000000f"))
    assert row[["talk_s", "transferred_to"]].tolist() == [30, "PJSIP/205"]
    assert (
        only(transferred("ATTENDEDTRANSFER", bridge1_id="b", transfer_target_channel_name="N/A", app_="Voicemail"))["transferred_to"]
        == "Voicemail"
    )
    # A transfer of another call is none of this one.
    other = transferred("BLINDTRANSFER", extension="204", bridge_id="x")
    assert "transferred_to" not in only(other)
    assert only(other)["talk_s"] == 60


def test_a_call_that_an_agent_took_to_a_queue_belongs_to_the_customers_call() -> None:
    """From 40 s on the agent consults another queue on a call of his own, whose channel the customer's replaces at 65 s."""
    own, second, queue = "PJSIP/ayşe-0000000c", "PJSIP/can-0000000d", ("Queue", "destek,t")
    of_own = {"linkedid": "1.3"}
    events = [
        *answered()[:7],
        event(40, "CHAN_START", "1.3", own, **of_own),
        event(41, "APP_START", "1.3", own, queue, **of_own),
        event(43, "CHAN_START", "1.4", second, **of_own),
        event(50, "BRIDGE_ENTER", "1.4", second, OFFERED, bridge_id="c", **of_own),
        event(50.1, "BRIDGE_ENTER", "1.3", own, queue, bridge_id="c", **of_own),
        event(65, "ATTENDEDTRANSFER", "1.2", AGENT, OFFERED, bridge1_id="b", bridge2_id="c"),
        event(65.1, "BRIDGE_EXIT", app=QUEUE, bridge_id="b"),
        event(65.2, "BRIDGE_ENTER", app=QUEUE, bridge_id="c"),
        event(65.3, "BRIDGE_EXIT", "1.3", own, queue, bridge_id="c"),
        event(65.4, "HANGUP", "1.3", own, queue),
        event(65.4, "BRIDGE_EXIT", "1.2", AGENT, OFFERED, bridge_id="b"),
        event(65.5, "HANGUP", "1.2", AGENT, OFFERED),
        event(120, "BRIDGE_EXIT", bridge_id="c"),
        event(120.1, "HANGUP"),
        event(120.1, "BRIDGE_EXIT", "1.4", second, OFFERED, bridge_id="c"),
        event(120.2, "HANGUP", "1.4", second, OFFERED),
    ]
    rows = read(events).contacts
    assert rows["contact_id"].tolist() == ["1.1", "1.1"]
    assert rows["agent"].tolist() == ["PJSIP/ayşe", "PJSIP/can"]
    assert rows[["wait_s", "ring_s", "talk_s"]].round(3).to_numpy().tolist() == [[12, 10, 48], [9.1, 7.1, 69.9]]
    assert rows["ring_attempts"].tolist() == [1, 1]


def test_where_bridges_are_not_logged_the_phones_answer_is_taken() -> None:
    events = without(answered(), "BRIDGE_ENTER", "BRIDGE_EXIT")
    row = only(events)
    assert row[["outcome", "raw_outcome", "wait_s", "agent"]].tolist() == ["answered", "ANSWER", 10, "PJSIP/ayşe"]
    assert row["talk_s"] == pytest.approx(62.1)
    assert "BRIDGE_ENTER is not logged" in notes(events)
    # The caller's own ANSWER, by the dialplan, is no answer of an agent.
    assert only([*entered(), *gave_up()])["outcome"] == "abandoned"


@pytest.mark.parametrize(
    ("missing", "note", "figures"),
    [
        (["BRIDGE_EXIT"], "BRIDGE_EXIT is not logged", {"talk_s": 60.1}),
        (["BRIDGE_EXIT", "HANGUP"], "BRIDGE_EXIT is not logged", {"talk_s": 60.1}),
        (["BRIDGE_EXIT", "HANGUP", "CHAN_END"], "neither HANGUP nor CHAN_END", {"talk_s": 60.3}),
        (["CHAN_START"], "CHAN_START is not logged", {"ring_s": np.nan, "wait_s": 12, "talk_s": 60}),
        (["BRIDGE_ENTER", "ANSWER"], "neither BRIDGE_ENTER nor ANSWER", {"outcome": "unknown"}),
        (["LINKEDID_END", "ANSWER"], "", {"wait_s": 12, "talk_s": 60}),
    ],
)
def test_events_that_are_switched_off(missing: list[str], note: str, figures: dict[str, Any]) -> None:
    events = without(answered(), *missing)
    row = only(events)
    for name, value in figures.items():
        assert row[name] == (value if isinstance(value, str) else pytest.approx(value, nan_ok=True)), name
    assert note in notes(events)


def test_where_ends_are_switched_off_a_call_without_one_is_unknown() -> None:
    ends = ("HANGUP", "CHAN_END", "APP_END", "LINKEDID_END")
    log = read(without([*entered(), *renamed([{**each, "at": each["at"] + 90_000} for each in answered()], "7")], *ends))
    assert log.contacts["outcome"].tolist() == ["unknown", "answered"]
    assert log.notes["note"].str.contains("goes on for a day").any()


def test_without_app_end_a_note_says_what_may_be_wrong() -> None:
    assert "APP_END is not logged" in notes(without([*entered(), *gave_up()], "APP_END"))


@pytest.mark.parametrize("kinds", [("CHAN_START", "CHAN_END"), ("CHAN_START", "HANGUP", "BRIDGE_ENTER", "BRIDGE_EXIT", "ANSWER")])
def test_without_starts_of_queue_there_are_no_queue_calls(kinds: tuple[str, ...]) -> None:
    events = [each for each in answered() if each["eventtype"] in kinds]
    log = read(events)
    assert len(log.contacts) == 0
    assert log.count("ignored") == len(events) + 1
    assert log.notes.to_numpy().tolist() == [
        ["no APP_START of Queue(): no queue calls (cel.conf needs APP_START in events and queue in apps)", len(events)]
    ]


def test_names_in_json_may_be_escaped() -> None:
    escaped = [{**each, "extra": each["extra"].replace("ş", "\\u015f").replace("/", "\\/")} for each in answered()]
    assert only(escaped)["ended_by"] == "agent"
    broken = [{**each, "extra": each["extra"].replace("ş", "\\ud800").replace("PJSIP", "\\q")} for each in answered()]
    assert "ended_by" not in only(broken)


def test_bridges_without_ids() -> None:
    events = [{**each, "extra": ""} if each["eventtype"].startswith("BRIDGE") else each for each in answered()]
    assert only(events)[["outcome", "wait_s", "talk_s", "agent"]].tolist() == ["answered", 12, 60, "PJSIP/ayşe"]
    assert "BRIDGE_ENTER without bridge_id" in notes(events)
    bare = text(events, [name for name in COLUMNS if name != "extra"])
    assert read(bare).contacts["outcome"].tolist() == ["answered"]


def test_a_bridge_that_thousands_of_calls_were_in_takes_no_more_memory_than_as_many_bridges() -> None:
    calls = [{**each, "at": each["at"] + 100 * call} for call in range(3000) for each in renamed(answered(), f"{call + 10}")]
    tracemalloc.start()
    contacts = read(calls).contacts
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert contacts[["wait_s", "talk_s", "ring_attempts"]].drop_duplicates().to_numpy().tolist() == [[12, 60, 1]]
    assert contacts["agent"].eq("PJSIP/ayşe").sum() == 3000
    # Each call beside each entry into its bridge would be 9 million rows.
    assert peak < 150e6


def test_without_linkedid_bridges_still_tell() -> None:
    log = read(text(answered(), [name for name in COLUMNS if name != "linkedid"]))
    assert log.contacts[["contact_id", "outcome", "wait_s", "talk_s"]].to_numpy().tolist() == [["1.1", "answered", 12.0, 60.0]]
    assert log.notes["note"].str.startswith("linkedid is blank or not there").any()


def test_types_that_are_numbers() -> None:
    numbers = {"CHAN_START": 1, "CHAN_END": 2, "HANGUP": 3, "ANSWER": 4, "APP_START": 5, "APP_END": 6, "BRIDGE_ENTER": 7, "BRIDGE_EXIT": 8,
               "LINKEDID_END": 14}  # fmt: skip
    log = read([{**each, "eventtype": numbers[each["eventtype"]]} for each in answered()])
    assert_frame_equal(log.contacts, read(answered()).contacts)
    assert log.notes["note"].str.startswith("types of events are numbers").any()
    assert read([{**entered()[0], "eventtype": "99"}]).count("rejected") == 1


def test_times_of_day_need_a_zone_and_seconds_do_not() -> None:
    wall = text(answered()).decode()
    for each in answered():
        seconds = f"{BASE + each['at']:.6f}"
        wall = wall.replace(seconds, pd.Timestamp(seconds and float(seconds), unit="s").strftime("%Y-%m-%d %H:%M:%S.%f"))
    with pytest.raises(ZoneError, match="eventtime holds local times"):
        read(wall.encode())
    shifted = read(wall.encode(), timezone="Europe/Istanbul").contacts
    assert shifted["queued_at"].tolist() == [pd.Timestamp(BASE + 5 - 3 * 3600, unit="s", tz="UTC")]
    assert_frame_equal(read(wall.encode(), timezone="UTC").contacts, read(answered()).contacts)
    assert_frame_equal(read(answered(), timezone="Europe/Istanbul").contacts, read(answered()).contacts)


SAMPLE = [
    "eventtype", "eventtime", "cidname", "cidnum", "cidani", "cidrdnis", "ciddnid", "exten", "context", "channame", "appname",
    "appdata", "amaflags", "acctcode", "uniqueid", "linkedid", "peer", "userfield", "userdeftype", "extra",
]  # fmt: skip
ADVANCED = [
    "eventtype", "eventenum", "eventtime", "userdeftype", "cidname", "cidnum", "exten", "context", "channame", "appname",
    "appdata", "amaflags", "acctcode", "uniqueid", "userfield", "cidani", "cidrdnis", "ciddnid", "peer", "linkedid", "peeracct",
    "extra", "tenantid",
]  # fmt: skip


@pytest.mark.parametrize(
    "names", [SAMPLE, [SAMPLE[0], "", *SAMPLE[1:]], ADVANCED, [*ADVANCED[:2], "", *ADVANCED[2:]]], ids=["20", "21", "23", "24"]
)
def test_layouts_of_cel_custom(names: list[str]) -> None:
    lines = []
    for each in renamed(answered(), str(BASE)):
        cells = {**each, "cidnum": each["cid_num"], "eventtime": f"{BASE + each['at']:.6f}"}
        lines.append(",".join('"' + str(cells.get(name, "")).replace('"', '""') + '"' for name in names))
    data = ("\n".join(lines) + "\n").encode()
    assert looks_like(data)
    row = only(data, format=None)
    assert row[["outcome", "wait_s", "talk_s", "agent", "customer"]].tolist() == ["answered", 12, 60, "PJSIP/ayşe", "0301"]
    assert not looks_like(data.replace(b'"CHAN_START"', b'"SOMETHING"'))
    assert not looks_like(b'"",' + data)


def test_a_call_that_was_in_the_queue_before_the_log_begins_is_told() -> None:
    whole = [{**each, "extra": each["extra"].replace('"b"', '"c"')} for each in renamed(answered(), "2")]
    log = read([*talk(), *whole, event(90, "HANGUP", "3.1", linkedid="3.1")])
    assert log.contacts["contact_id"].tolist() == ["2.1"]
    assert log.notes["note"].str.contains("before the log begins").sum() == 1
    ignored = log.lines[log.lines["fate"] == "ignored"].set_index("rule")["lines"]
    assert ignored["of a call whose APP_START of Queue() is not in the log"] == len(talk())
    assert ignored["of a call that visited no queue"] == 1


def test_repeated_and_bad_rows() -> None:
    log = read([*answered(), answered()[2], {**event(6, "APP_START", app=("Queue", " ,t"))}, {**event(6, "HANGUP"), "uniqueid": ""}])
    assert log.rejected["reason"].tolist() == [
        "repeats an earlier row (same in all columns read)", "appdata of Queue names no queue", "uniqueid is blank",
    ]  # fmt: skip
    assert len(log.contacts) == 1
    frame = pd.read_csv(io.BytesIO(text(answered())), keep_default_na=False)
    with pytest.raises(ColumnError, match="'uniqueid' was read as numbers"):
        cc.read(frame, format="asterisk_cel")
    with pytest.raises(ColumnError, match="no column appdata"):
        read(text(answered(), [name for name in COLUMNS if name != "appdata"]))


def test_a_database_is_read_like_its_export() -> None:
    case = next(case for case in cases_of("asterisk_cel") if case.path.name == "made_up_table.csv")
    frame = pd.read_csv(case.path, dtype=str, keep_default_na=False)
    frame["eventtime"], frame["id"] = pd.to_datetime(frame["eventtime"]), frame["id"].astype(int)
    engine = sa.create_engine("sqlite://")
    frame.sample(frac=1, random_state=1).to_sql("cel", engine, index=False)
    found = cc.read_sql("cel", engine, pseudonyms=False, **case.options)
    engine.dispose()
    assert_frame_equal(found.contacts, case.read().contacts)


def a_day(seed: int) -> list[Event]:
    """Calls that overlap: several queues, phones that ring in vain, answers, transfers to another queue, hang-ups of either side."""
    rng, events = random.Random(seed), []
    for number in range(90):
        call, at = f"{number + 100}.1", rng.uniform(0, 3000)

        def add(kind: str, uid: str, name: str, app: tuple[str, str] = ("", ""), *, call: str = call, **extra: Any) -> None:
            nonlocal at
            at += rng.uniform(0.001, 0.4)
            events.append(event(round(at, 6), kind, uid, name, app, linkedid=call, **extra))

        mine = f"PJSIP/trunk-{number:08x}"
        add("CHAN_START", call, mine)
        for visit in range(rng.choice([1, 1, 2])):
            queue = ("Queue", f"q{rng.randrange(3)},t,,,{rng.choice(['', '5'])}")
            add("APP_START", call, mine, queue)
            for attempt in range(rng.randrange(3)):
                phone = (f"{number + 100}.{10 * visit + attempt + 2}", f"PJSIP/{rng.randrange(4)}-{number:06x}{visit}{attempt}")
                add("CHAN_START", *phone)
                at += rng.uniform(1, 9)
                if rng.random() < 0.6:
                    bridge, both = f"b{number}-{visit}", [(call, mine, queue), (*phone, OFFERED)]
                    rng.shuffle(both)
                    add("ANSWER", *phone, OFFERED)
                    for each in both:
                        add("BRIDGE_ENTER", *each, bridge_id=bridge)
                    at += rng.uniform(1, 200)
                    if rng.random() < 0.3:
                        add("BLINDTRANSFER", *phone, OFFERED, bridge_id=bridge, extension="7")
                    for each in rng.sample(both, 2):
                        add("BRIDGE_EXIT", *each, bridge_id=bridge)
                    add("HANGUP", *phone, OFFERED, hangupsource=rng.choice([phone[1], mine, ""]))
                    break
                add("HANGUP", *phone, OFFERED)
            if rng.random() < 0.8:
                at += rng.uniform(0, 15)
                add("APP_END", call, mine, queue)
                at += rng.choice([0, 0, 5])
        if rng.random() < 0.95:
            add("HANGUP", call, mine, hangupsource=rng.choice([mine, "", "dialplan/builtin"]))
            add("LINKEDID_END", call, mine)
    return events


def by_a_loop(events: list[Event]) -> dict[tuple[str, float], tuple]:
    """The same visits by one walk through the events of each call."""
    found: dict[tuple[str, float], tuple] = {}
    last = max(each["at"] for each in events)
    for call in {each["linkedid"] for each in events}:
        mine = sorted((each for each in events if each["linkedid"] == call), key=lambda each: each["at"])
        for number, start in enumerate(mine):
            if start["eventtype"] != "APP_START" or start["appname"] != "Queue":
                continue
            inside: dict[str, set[str]] = {}
            joined = answered = ended = agent = left = to = None
            rung = set()
            for each in mine[number + 1 :]:
                kind, extra = each["eventtype"], json.loads(each["extra"] or "{}")
                bridge, own = extra.get("bridge_id"), each["uniqueid"] == start["uniqueid"]
                if kind == "BRIDGE_ENTER":
                    inside.setdefault(bridge, set()).add(each["uniqueid"])
                    joined = joined or (bridge if own and not left else None)
                    if joined == bridge and len(inside[bridge]) > 1 and answered is None:
                        answered = each["at"]
                        agent = next(iter(inside[bridge] - {start["uniqueid"]}))
                elif kind == "BRIDGE_EXIT" and bridge in inside:
                    inside[bridge].discard(each["uniqueid"])
                    if bridge == joined and ended is None:
                        ended = each["at"]
                elif kind == "BLINDTRANSFER" and bridge == joined and joined:
                    to, ended = extra["extension"], each["at"]
                elif kind == "CHAN_START" and not left and answered is None:
                    rung.add(each["uniqueid"])
                shows = kind in ("HANGUP", "APP_END", "APP_START") and own
                if left is None and (shows or kind == "LINKEDID_END"):
                    left = each
            hangs = next(
                (each for each in mine[number + 1 :] if each["eventtype"] == "HANGUP" and each["uniqueid"] == start["uniqueid"]), None
            )
            again = next((each["at"] for each in mine[number + 1 :] if each["eventtype"] == "APP_START"), 1e9)
            until = answered or (left["at"] if left else last)
            wait = until - start["at"]
            limit = float(start["appdata"].split(",")[4] or 0)
            source = json.loads(hangs["extra"]).get("hangupsource", "") if hangs else ""
            at_once = bool(hangs and left and hangs["at"] - left["at"] <= 2 and again > hangs["at"])
            if answered:
                outcome = "answered"
            elif not left:
                outcome = "open"
            elif (
                left["eventtype"] in ("HANGUP", "LINKEDID_END") or (left["eventtype"] == "APP_END" and at_once)
            ) and source != "dialplan/builtin":
                outcome = "abandoned"
            else:
                outcome = "timed_out" if limit and wait >= limit - 1 else "overflowed"
            talk = round(ended - answered, 6) if answered and ended else None
            found[call, start["at"]] = (outcome, round(wait, 6), talk, agent in rung if answered else False, len(rung), to)
    return found


@pytest.mark.parametrize("seed", range(6))
def test_a_loop_finds_the_same_in_any_order_of_rows(seed: int) -> None:
    events = a_day(seed)
    expected = by_a_loop(events)
    random.Random(seed).shuffle(events)
    contacts = read(events).contacts
    found = {}
    for row in contacts.itertuples():
        talk = None if pd.isna(row.talk_s) else round(row.talk_s, 6)
        at = round(row.queued_at.timestamp() - BASE, 6)
        to = None if pd.isna(row.transferred_to) else row.transferred_to
        taken = row.ring_attempts - row.ring_noanswer == 1
        found[row.contact_id, at] = (row.outcome, round(row.wait_s, 6), talk, taken, row.ring_attempts, to)
    assert found == expected
    assert {"answered", "abandoned", "timed_out", "overflowed", "open"} <= {each[0] for each in found.values()}
