"""The queue_log reader: spans of agents, and the realtime table."""

from __future__ import annotations

import pandas as pd
import pytest
from queue_logs import BASE, check, notes, read, spans, visits

from ccstats.errors import ColumnError, ZoneError
from ccstats.readers.asterisk_queue_log import READER
from ccstats.readers.contract import Options, Source

ALL = ("agent", "started_at", "ended_at", "state", "reason", "queue", "closed_by")


def test_from_login_to_logout_without_a_gap() -> None:
    log = read("""
        +0|NONE|q|SIP/1|ADDMEMBER|
        +100|.1|q|NONE|ENTERQUEUE||5551|1
        +110|.1|q|SIP/1|CONNECT|10|.2|4
        +170|.1|q|SIP/1|COMPLETEAGENT|10|60|1
        +300|NONE|NONE|SIP/1|PAUSEALL|Lunch
        +300|NONE|q|SIP/1|PAUSE|Lunch
        +900|NONE|NONE|SIP/1|UNPAUSEALL|
        +900|NONE|q|SIP/1|UNPAUSE|
        +1000|NONE|q|SIP/1|REMOVEMEMBER|
        +1000|NONE|q|SIP/1|UNPAUSE|
    """)
    assert spans(log, *ALL) == [
        ("1", 0, 106, "available", None, None, "next_event"),
        ("1", 106, 110, "reserved", None, "q", "event"),
        ("1", 110, 170, "on_contact", None, "q", "event"),
        ("1", 170, 300, "available", None, None, "next_event"),
        ("1", 300, 900, "pause", "Lunch", None, "event"),
        ("1", 900, 1000, "available", None, None, "event"),
    ]
    assert log.agent_states["contact_id"].tolist()[1:3] == [f"{BASE}.1", f"{BASE}.1"]


def test_a_pause_written_for_every_queue_counts_once() -> None:
    text = "+0|NONE|a|SIP/1|ADDMEMBER|\n+0|NONE|b|SIP/1|ADDMEMBER|\n"
    text += "+10|NONE|NONE|SIP/1|PAUSEALL|Lunch\n+10|NONE|a|SIP/1|PAUSE|Lunch\n+10|NONE|b|SIP/1|PAUSE|Lunch\n"
    text += "+70|NONE|NONE|SIP/1|UNPAUSEALL|\n+70|NONE|a|SIP/1|UNPAUSE|\n+70|NONE|b|SIP/1|UNPAUSE|\n+99|NONE|NONE|NONE|CONFIGRELOAD|"
    assert spans(read(text)) == [("1", 0, 10, "available"), ("1", 10, 70, "pause"), ("1", 70, 99, "available")]


def test_paused_in_one_of_two_queues_is_not_paused() -> None:
    log = read("""
        +0|NONE|a|SIP/1|ADDMEMBER|
        +0|NONE|b|SIP/1|ADDMEMBER|
        +10|NONE|a|SIP/1|PAUSE|Desk
        +20|NONE|b|SIP/1|PAUSE|Desk
        +30|NONE|a|SIP/1|UNPAUSE|
        +40|NONE|a|SIP/1|PAUSE|Desk
        +50|NONE|b|SIP/1|REMOVEMEMBER|
        +60|NONE|a|SIP/1|UNPAUSE|
        +70|NONE|a|SIP/1|REMOVEMEMBER|
    """)
    assert spans(log) == [
        ("1", 0, 20, "available"), ("1", 20, 30, "pause"), ("1", 30, 40, "available"), ("1", 40, 60, "pause"), ("1", 60, 70, "available"),
    ]  # fmt: skip


def test_another_reason_begins_another_span_and_the_same_one_does_not() -> None:
    log = read("""
        +0|NONE|q|SIP/1|ADDMEMBER|
        +10|NONE|q|SIP/1|PAUSE|Lunch
        +20|NONE|q|SIP/1|PAUSE|Lunch
        +30|NONE|q|SIP/1|PAUSE|Training
        +40|NONE|q|SIP/1|UNPAUSE|Auto-Unpause
        +40|NONE|q|SIP/1|PAUSE|Desk
        +50|NONE|q|SIP/1|UNPAUSE|
        +60|NONE|NONE|SIP/1|PAUSEALL|
        +61|NONE|NONE|SIP/1|PAUSEREASON|Coffee
        +80|NONE|q|SIP/1|REMOVEMEMBER|
    """)
    assert spans(log, "started_at", "ended_at", "state", "reason") == [
        (0, 10, "available", None), (10, 30, "pause", "Lunch"), (30, 40, "pause", "Training"), (40, 50, "pause", "Desk"),
        (50, 60, "available", None), (60, 61, "pause", None), (61, 80, "pause", "Coffee"),
    ]  # fmt: skip


def test_a_contact_wins_over_a_pause_which_goes_on_afterwards() -> None:
    log = read("""
        +0|NONE|q|SIP/1|ADDMEMBER|
        +10|.1|q|SIP/1|CONNECT|5|.2|0
        +20|NONE|NONE|SIP/1|PAUSEALL|Lunch
        +50|.1|q|SIP/1|COMPLETECALLER|5|40|1
        +60|NONE|NONE|SIP/1|UNPAUSEALL|
        +70|NONE|q|SIP/1|REMOVEMEMBER|
    """)
    assert spans(log) == [("1", 0, 10, "available"), ("1", 10, 50, "on_contact"), ("1", 50, 60, "pause"), ("1", 60, 70, "available")]


def test_hold_and_wrap_up() -> None:
    log = read("""
        +0|NONE|NONE|Agent/1|AGENTLOGIN|SIP/1
        +10|.1|q|Agent/1|CONNECT|5|.2|0
        +20|.1|q|NONE|CALLERONHOLD|
        +25|.1|q|NONE|CALLEROFFHOLD|
        +50|.1|q|Agent/1|COMPLETECALLER|5|40|1
        +50|NONE|NONE|Agent/1|WRAPUPSTART|15
        +90|.3|q|Agent/1|CONNECT|5|.2|0
        +95|.3|q|Agent/1|COMPLETECALLER|5|5|1
        +95|NONE|NONE|Agent/1|WRAPUPSTART|15
        +99|NONE|NONE|Agent/1|AGENTLOGOFF|SIP/1|99
    """)
    assert spans(log, "started_at", "ended_at", "state", "closed_by") == [
        (0, 10, "available", "next_event"),
        (10, 20, "on_contact", "next_event"), (20, 25, "hold", "event"), (25, 50, "on_contact", "event"),
        (50, 65, "wrap", "event"), (65, 90, "available", "next_event"), (90, 95, "on_contact", "event"), (95, 99, "wrap", "event"),
    ]  # fmt: skip
    assert visits(log, "talk_s", "hold_s", "wrap_s") == [(35.0, 5.0, 15.0), (5.0, 0.0, 15.0)]


def test_nobody_took_it_and_the_ring_is_reserved_time() -> None:
    log = read("""
        +0|NONE|q|SIP/1|ADDMEMBER|
        +50|.1|q|SIP/1|RINGNOANSWER|15000
        +50|NONE|q|SIP/1|PAUSE|Auto-Pause
        +60|NONE|q|SIP/1|REMOVEMEMBER|
    """)
    assert spans(log) == [("1", 0, 35, "available"), ("1", 35, 50, "reserved"), ("1", 50, 60, "pause")]


def test_a_restart_ends_every_stay() -> None:
    log = read("""
        +0|NONE|q|SIP/1|ADDMEMBER|
        +0|NONE|q|SIP/2|ADDMEMBER|
        +10|.1|q|SIP/1|CONNECT|5|.2|0
        +40|NONE|NONE|NONE|QUEUESTART|
        +60|.3|q|SIP/1|CONNECT|5|.2|0
        +70|.3|q|SIP/1|COMPLETECALLER|5|10|1
        +80|NONE|NONE|NONE|QUEUESTART|
    """)
    assert spans(log, "agent", "started_at", "ended_at", "state", "closed_by") == [
        ("1", 0, 10, "available", "next_event"), ("1", 10, 40, "on_contact", "restart"),
        ("1", 60, 70, "on_contact", "event"), ("1", 70, 80, "available", "restart"),
        ("2", 0, 40, "available", "restart"),
    ]  # fmt: skip
    assert notes(log)["agent seen at work without a login: logged in from the first event"] == 1


def test_logging_off_during_a_contact_waits_for_its_end() -> None:
    log = read("""
        +0|NONE|q|SIP/1|ADDMEMBER|
        +10|.1|q|SIP/1|CONNECT|5|.2|0
        +40|NONE|q|SIP/1|REMOVEMEMBER|
        +50|.1|q|SIP/1|COMPLETECALLER|5|40|1
        +90|NONE|NONE|NONE|CONFIGRELOAD|
    """)
    assert spans(log) == [("1", 0, 10, "available"), ("1", 10, 50, "on_contact")]


def test_a_lost_end_does_not_last_overnight() -> None:
    log = read("""
        +0|NONE|q|SIP/1|ADDMEMBER|
        +10|.1|q|SIP/1|CONNECT|5|.2|0
        +40|NONE|q|SIP/1|REMOVEMEMBER|
        +50000|NONE|q|SIP/1|ADDMEMBER|
        +50010|.3|q|SIP/1|CONNECT|5|.2|0
        +50020|.5|q|SIP/1|CONNECT|5|.2|0
        +50090|NONE|NONE|NONE|CONFIGRELOAD|
    """)
    assert spans(log, "started_at", "ended_at", "state", "closed_by") == [
        (0, 10, "available", "next_event"), (10, 40, "on_contact", "event"), (50000, 50010, "available", "next_event"),
        (50010, 50020, "on_contact", "assumed"), (50020, 50090, "on_contact", "end_of_file"),
    ]  # fmt: skip


def test_agent_lines_are_the_login_where_there_are_both_kinds() -> None:
    log = read("""
        +0|NONE|NONE|Agent/1|AGENTLOGIN|SIP/1
        +1|NONE|a|Agent/1|ADDMEMBER|
        +9|NONE|a|Agent/1|REMOVEMEMBER|
        +20|NONE|NONE|Agent/1|AGENTLOGOFF|SIP/1|20
        +20|NONE|NONE|Agent/1|UNPAUSEALL|
        +25|NONE|a|Agent/1|ADDMEMBER|
        +30|NONE|NONE|Agent/1|AGENTCALLBACKLOGIN|11@home
        +40|NONE||Agent/1|AGENTCALLBACKLOGOFF|11@home|10|Autologoff
    """)
    assert spans(log) == [("1", 0, 20, "available"), ("1", 30, 40, "available")]


def test_a_login_before_the_log_begins() -> None:
    log = read("""
        +0|.1|q|NONE|ENTERQUEUE||5551|1
        +50|.1|q|Agent/1|CONNECT|50|.2|0
        +80|.1|q|Agent/1|COMPLETECALLER|50|30|1
        +90|NONE|NONE|Agent/1|AGENTLOGOFF|SIP/1|3600
        +95|NONE|NONE|Agent/2|AGENTLOGOFF|SIP/1|60
        +96|NONE|NONE|Agent/3|AGENTLOGOFF|SIP/1|1700000096
    """)
    assert spans(log) == [
        ("1", 0, 50, "available"), ("1", 50, 80, "on_contact"), ("1", 80, 90, "available"), ("2", 35, 95, "available"),
    ]  # fmt: skip
    assert notes(log)["login before the log begins, known from the time logged at logoff"] == 2


def test_a_logoff_written_twice_during_a_contact() -> None:
    log = read("""
        +0|NONE|NONE|NONE|CONFIGRELOAD|
        +50|.1|q|Agent/1|CONNECT|50|.2|0
        +60|NONE|NONE|Agent/1|AGENTLOGOFF|SIP/1|500
        +60|NONE|NONE|Agent/1|AGENTLOGOFF|SIP/1|500
        +80|.1|q|Agent/1|COMPLETECALLER|50|30|1
    """)
    assert spans(log) == [("1", 0, 50, "available"), ("1", 50, 80, "on_contact")]


def test_a_talk_that_began_before_the_log() -> None:
    log = read("+100|.1|q|SIP/1|COMPLETEAGENT|10|60|1\n+120|NONE|NONE|NONE|CONFIGRELOAD|")
    assert spans(log) == [("1", 40, 100, "on_contact"), ("1", 100, 120, "available")]


def test_a_clock_set_back_makes_no_overlap() -> None:
    log = read("""
        +1000|NONE|q|SIP/1|ADDMEMBER|
        +1100|.1|q|SIP/1|CONNECT|5|.2|0
        +800|.1|q|SIP/1|COMPLETECALLER|5|10|1
        +900|NONE|q|SIP/1|PAUSE|x
        +1200|NONE|q|SIP/1|REMOVEMEMBER|
    """)
    assert spans(log) == [("1", 1000, 1100, "available"), ("1", 1100, 1200, "pause")]
    assert notes(log)["clock went backwards"] == 2


def table(**columns: list[object]) -> pd.DataFrame:
    rows = len(columns["time"])
    base: dict[str, list[object]] = {
        "id": list(range(1, rows + 1)),
        "callid": ["1.1"] * rows,
        "queuename": ["q"] * rows,
        "agent": ["NONE", *["SIP/1"] * (rows - 1)],
        "event": ["ENTERQUEUE", "CONNECT", "ATTENDEDTRANSFER"][:rows],
    }
    return pd.DataFrame(base | columns)


DATA: dict[str, list[object]] = {
    "data1": ["", "10", "LINK"], "data2": ["5551", "1.2", "SIP/1-00000001"], "data3": ["1", "4", "SIP/300-00000002"],
    "data4": [None, None, "10"], "data5": [None, None, "60|1"],
}  # fmt: skip


def read_table(frame: pd.DataFrame, **asked: object):
    log = READER.read([Source("queue_log", frame=frame)], Options(**({"key": b"k"} | asked)))  # type: ignore[arg-type]
    check(log)
    assert log.count() == len(frame)
    return log


@pytest.mark.parametrize(
    ("time", "zone"),
    [
        ([BASE, BASE + 10, BASE + 70], None),
        ([f"{BASE}.000000", f"{BASE + 10}", f"{BASE + 70}"], None),
        (["2023-11-14 22:13:20.000000", "2023-11-14 22:13:30", "2023-11-14 22:14:30.000000"], "UTC"),
        (["2023-11-15 01:13:20.000000", "2023-11-15 01:13:30.000000", "2023-11-15 01:14:30.000000"], "Europe/Istanbul"),
        (["2023-11-15 01:13:20+03:00", "2023-11-15 01:13:30+03:00", "2023-11-15 01:14:30+03:00"], None),
        (list(pd.to_datetime([BASE, BASE + 10, BASE + 70], unit="s", utc=True)), None),
        (list(pd.to_datetime([BASE, BASE + 10, BASE + 70], unit="s")), "UTC"),
    ],
)
def test_the_realtime_table(time: list[object], zone: str | None) -> None:
    log = read_table(table(time=time, **DATA), timezone=zone)
    found = visits(log, "outcome", "raw_outcome", "queued_at", "wait_s", "ring_s", "talk_s", "transferred_to")
    assert found == [("answered", "ATTENDEDTRANSFER", 0, 10.0, 4.0, 60.0, "300")]


def test_the_realtime_table_with_one_data_column_and_a_stray_separator() -> None:
    frame = table(time=[BASE, BASE + 10, BASE + 70], data=["|5551|1|", "10|1.2|4|", "LINK|SIP/1-00000001|SIP/300-00000002|10|60|1|"])
    assert visits(read_table(frame), "wait_s", "ring_s", "talk_s") == [(10.0, 4.0, 60.0)]


def test_rows_of_one_second_are_in_the_order_of_their_ids() -> None:
    frame = table(time=[BASE, BASE, BASE], **DATA).iloc[[2, 0, 1]]
    assert visits(read_table(frame), "outcome", "talk_s") == [("answered", 60.0)]
    frame = table(time=[BASE + 2, BASE + 12, BASE + 72], **DATA).assign(id=[9, 1, 4])
    assert visits(read_table(frame), "outcome", "queued_at", "talk_s") == [("answered", 2, 60.0)]


def test_fractions_of_a_second_are_kept() -> None:
    frame = table(time=["2023-11-14 22:13:20.250000", "2023-11-14 22:13:30.500000", "2023-11-14 22:14:30.750000"], **DATA)
    assert visits(read_table(frame, timezone="UTC"), "queued_at") == [(0.25,)]


def test_local_times_need_a_zone() -> None:
    with pytest.raises(ZoneError, match="timezone='Europe/Istanbul'"):
        read_table(table(time=["2023-11-14 22:13:20", "2023-11-14 22:13:30", "2023-11-14 22:14:30"], **DATA))


def test_the_hour_that_comes_twice() -> None:
    """Lisbon, 2023-10-29: 01:00 to 02:00 twice; the rows' order tells which, and the gap in March is noted too."""
    local = ["2023-10-29 01:30:00", "2023-10-29 01:59:00", "2023-10-29 01:10:00"]
    frame = table(time=local, event=["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"], data1=["", "1740", "1740"], data2=["5551", "1.2", "660"])
    log = read_table(frame, timezone="Europe/Lisbon")
    assert log.contacts["queued_at"].astype("str").tolist() == ["2023-10-29 00:30:00+00:00"]
    assert log.agent_states["ended_at"].astype("str").tolist() == ["2023-10-29 01:10:00+00:00"]
    assert notes(log)["local time that the clock showed twice: the hour told by the order of the rows"] == 3
    assert "talk logged and timestamps differ by more than 1 s: talk_s as logged" not in notes(log)
    spring = table(time=["2023-03-26 00:59:00", "2023-03-26 01:30:00"], data1=["", "60"])
    found = notes(read_table(spring, timezone="Europe/Lisbon"))
    assert found["local time that the clock never showed: moved to the end of the gap"] == 1


def test_bad_rows_are_named_by_their_place_in_the_table() -> None:
    frame = table(time=[BASE + 20, None, BASE], **DATA)
    assert read_table(frame).rejected.to_dict("records") == [{"source": "queue_log", "line": 2, "reason": "epoch is not a number"}]


def test_columns_that_are_missing_or_spoilt() -> None:
    with pytest.raises(ColumnError, match="no column 'event' or 'verb'"):
        read_table(table(time=[BASE, BASE, BASE]).drop(columns="event"))
    with pytest.raises(ColumnError, match="read it as text"):
        read_table(table(time=[BASE, BASE, BASE]).assign(callid=[1.1, 1.1, 1.2]))


def test_a_line_break_in_a_field_stays_in_its_row() -> None:
    frame = table(time=[BASE, BASE + 10, BASE + 70], **DATA).assign(queuename="a\nb|c"[:3])
    assert visits(read_table(frame), "queue") == [("a b",)]
