"""The queue_log reader: calls, version by version and trap by trap."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from queue_logs import BASE, fates, lines, notes, read, read_bytes, spans, visits

from ccstats.errors import CcstatsError, DataWarning, FormatError, OptionError
from ccstats.privacy import pseudonym
from ccstats.readers.asterisk_queue_log import READER, looks_like
from ccstats.readers.asterisk_queue_log.names import plain_name
from ccstats.readers.contract import Options, Source

ISSUE_759 = b"""\
1717397259|1717397243.239826|1501|NONE|DID|C9001
1717397259|1717397243.239826|1501|NONE|ENTERQUEUE|C9002|1
1717397271|1717397243.239826|1501|PJSIP/7009|CONNECT|12|1717397259.239827|11
1717397390|1717397390.239830|1509|NONE|DID|
1717397390|1717397390.239830|1509|NONE|ENTERQUEUE||7009|1
1717397391|1717397390.239830|1501|PJSIP/7009|ATTENDEDTRANSFER|APP|Queue|12|120|1
1717397397|1717397243.239826|1509|PJSIP/7051|CONNECT|7|1717397390.239831|6
1717397570|1717397243.239826|1509|PJSIP/7051|COMPLETEAGENT|7|173|1
"""


def expect_issue_759(data: bytes) -> None:
    log = read_bytes(data)
    found = visits(log, "contact_id", "visit", "queue", "outcome", "wait_s", "ring_s", "talk_s", "agent", "transferred_to", "ended_by")
    assert found == [
        ("1717397243.239826", 1, "1501", "answered", 12.0, 11.0, 120.0, "7009", "1509", "agent"),
        ("1717397243.239826", 2, "1509", "answered", 7.0, 6.0, 173.0, "7051", None, "agent"),
    ]
    assert log.contacts["ivr_s"].tolist()[0] == 16.0
    assert log.contacts["dnis"].tolist()[0] == "C9001"
    assert log.contacts["queued_at"].dt.strftime("%H:%M:%S").tolist() == ["06:47:39", "06:49:50"]
    contacts_of = log.agent_states.dropna(subset="contact_id")["contact_id"]
    assert set(contacts_of) == {"1717397243.239826"}
    assert log.count("used") == 8
    assert notes(log)["attended transfer swapped the call ids: repaired"] == 1


def test_issue_759_inline() -> None:
    expect_issue_759(ISSUE_759)


@pytest.mark.shared
def test_issue_759_as_reported() -> None:
    folder = Path(os.environ.get("CCSTATS_SHARED", "../shared"))
    expect_issue_759((folder / "data/asterisk/issue759_attended_transfer.queue_log").read_bytes())


def test_issue_759_transfer_line_after_the_connect() -> None:
    rows = ISSUE_759.splitlines(keepends=True)
    expect_issue_759(b"".join([*rows[:5], rows[6], rows[5], rows[7]]))


def test_swapped_consultation_that_the_customer_abandons() -> None:
    log = read("""
        +0|.1|sales|NONE|ENTERQUEUE||5551|1
        +5|.1|sales|SIP/11|CONNECT|5|.2|3
        +60|.3|help|NONE|ENTERQUEUE||11|1
        +65|.3|sales|SIP/11|ATTENDEDTRANSFER|APP|Queue|5|60|1
        +90|.1|help|NONE|ABANDON|1|1|30
    """)
    assert visits(log, "contact_id", "visit", "queue", "outcome", "wait_s", "talk_s") == [
        (f"{BASE}.1", 1, "sales", "answered", 5.0, 60.0),
        (f"{BASE}.1", 2, "help", "abandoned", 30.0, None),
    ]
    assert log.contacts["customer"].nunique() == 1


def test_swapped_consultation_of_a_call_that_was_in_no_queue() -> None:
    log = read("""
        +0|.9|help|NONE|ENTERQUEUE||5559|1
        +2|.9|help|SIP/12|CONNECT|2|.8|1
        +50|.3|help|NONE|ENTERQUEUE||11|1
        +58|.1|help|SIP/13|CONNECT|8|.4|3
        +70|.1|help|SIP/13|COMPLETECALLER|8|12|1
        +80|.9|help|SIP/12|COMPLETECALLER|2|78|1
    """)
    assert visits(log, "contact_id", "outcome", "wait_s", "talk_s") == [
        (f"{BASE}.1", "answered", 8.0, 12.0),
        (f"{BASE}.9", "answered", 2.0, 78.0),
    ]


def test_a_waiting_caller_is_not_taken_for_a_consultation_for_good() -> None:
    """If a call's own entry is lost and another entered at that very second, both calls are still there in the end."""
    log = read("""
        +0|.5|help|NONE|ENTERQUEUE||5550|1
        +50|.3|help|NONE|ENTERQUEUE||5553|1
        +58|.1|help|SIP/13|CONNECT|8|.4|3
        +60|.3|help|SIP/14|CONNECT|10|.6|3
        +70|.1|help|SIP/13|COMPLETECALLER|8|12|1
        +70|.3|help|SIP/14|COMPLETECALLER|10|10|1
        +71|.5|help|NONE|ABANDON|1|1|71
    """)
    assert visits(log, "contact_id", "outcome", "queued_at", "wait_s", "talk_s") == [
        (f"{BASE}.1", "answered", 50, 8.0, 12.0),
        (f"{BASE}.3", "answered", 50, 10.0, 10.0),
        (f"{BASE}.5", "abandoned", 0, 71.0, None),
    ]


VERSIONS = {
    # version: (lines, expected wait, ring, talk)
    "1.2": ("+0|.1|q|NONE|ENTERQUEUE||5551\n+9|.1|q|Agent/1|CONNECT|9\n+39|.1|q|Agent/1|COMPLETECALLER|9|30", 9.0, None, 30.0),
    "1.2 transfer": ("+0|.1|q|NONE|ENTERQUEUE||5551\n+9|.1|q|Agent/1|CONNECT|9\n+39|.1|q|Agent/1|TRANSFER|200|default", 9.0, None, 30.0),
    "1.4": ("+0|.1|q|NONE|ENTERQUEUE||5551\n+9|.1|q|SIP/1|CONNECT|9|.2\n+39|.1|q|SIP/1|TRANSFER|200|default|9|30", 9.0, None, 30.0),
    "1.6": ("+0|.1|q|NONE|ENTERQUEUE||5551\n+9|.1|q|SIP/1|CONNECT|9|.2|4\n+39|.1|q|SIP/1|TRANSFER|200|default|9|30|1", 9.0, 4.0, 30.0),
    "1.8": ("+0|.1|q|NONE|ENTERQUEUE||5551|1\n+9|.1|q|SIP/1|CONNECT|9|.2|4\n+39|.1|q|SIP/1|COMPLETEAGENT|9|30|1", 9.0, 4.0, 30.0),
    "11": ("+0|.1|q|NONE|ENTERQUEUE||5551|1\n+9|.1|q|SIP/1|CONNECT|9|.2|4\n+39|.1|q|SIP/1|COMPLETECALLER|9|30|1", 9.0, 4.0, 30.0),
    "12": ("+0|.1|q|NONE|ENTERQUEUE||5551|1\n+9|.1|q|SIP/1|CONNECT|9|.2|4\n+39|.1|q|SIP/1|BLINDTRANSFER|200|home|9|30|1", 9.0, 4.0, 30.0),
    "13": (
        "+0|.1|q|NONE|ENTERQUEUE||5551|1\n+9|.1|q|PJSIP/1|CONNECT|9|.2|4\n+39|.1|q|PJSIP/1|ATTENDEDTRANSFER|BRIDGE|0a-b|9|30|1",
        9.0, 4.0, 30.0,
    ),
    "18 link": (
        "+0|.1|q|NONE|ENTERQUEUE||5551|1\n+9|.1|q|PJSIP/1|CONNECT|9|.2|4\n"
        "+39|.1|q|PJSIP/1|ATTENDEDTRANSFER|LINK|PJSIP/1-00000001|PJSIP/200-0000000b|9|30|1",
        9.0, 4.0, 30.0,
    ),
    "20": ("+0|.1|q|NONE|ENTERQUEUE||5551|1|Ann_a\n+9|.1|q|PJSIP/1|CONNECT|9|.2|4\n+39|.1|q|PJSIP/1|COMPLETEAGENT|9|30|1", 9.0, 4.0, 30.0),
    "stray separator": (
        "+0|.1|q|NONE|ENTERQUEUE||5551|1|\n+9|.1|q|PJSIP/1|CONNECT|9|.2|4|\n+39|.1|q|PJSIP/1|ATTENDEDTRANSFER|APP|Queue|9|30|1|",
        9.0, 4.0, 30.0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_parameters_of_every_version(version: str) -> None:
    text, wait, ring, talk = VERSIONS[version]
    log = read(text)
    assert visits(log, "outcome", "wait_s", "ring_s", "talk_s", "agent") == [("answered", wait, ring, talk, "1")]
    assert log.contacts["customer"].tolist() == [pseudonym("5551", b"k")]
    assert log.count("used") == 3


@pytest.mark.parametrize(
    ("tail", "target"),
    [
        ("BLINDTRANSFER|200|default|9|30|1", "200"),
        ("ATTENDEDTRANSFER|LINK|PJSIP/1-00000001|PJSIP/200-0000000b|9|30|1", "200"),
        ("ATTENDEDTRANSFER|BRIDGE|0a-b|9|30|1", None),
        ("ATTENDEDTRANSFER|APP|VoiceMail|9|30|1", "VoiceMail"),
    ],
)
def test_transfers_say_where_to(tail: str, target: str | None) -> None:
    log = read(f"+0|.1|q|NONE|ENTERQUEUE||5551|1\n+9|.1|q|PJSIP/1|CONNECT|9|.2|4\n+39|.1|q|PJSIP/1|{tail}")
    assert visits(log, "outcome", "transferred_to", "ended_by") == [("answered", target, "agent")]


@pytest.mark.parametrize(
    ("tail", "outcome", "ended_by", "wait"),
    [
        ("ABANDON|1|1|20", "abandoned", "customer", 20.0),
        ("EXITWITHTIMEOUT|1|1|20", "timed_out", "system", 20.0),
        ("EXITWITHTIMEOUT|1", "timed_out", "system", 21.0),
        ("EXITWITHKEY|5|1|1|20", "exited_key", "customer", 20.0),
        ("EXITWITHKEY|5|1", "exited_key", "customer", 21.0),
        ("EXITEMPTY|1|1|20", "left_empty", "system", 20.0),
        ("LEAVEEMPTY|", "left_empty", "system", 21.0),
        ("WITHDRAW|1|1|20|by|supervisor", "withdrawn", "system", 20.0),
        ("SYSCOMPAT|", "failed", "system", 21.0),
    ],
)
def test_ways_to_leave_without_an_answer(tail: str, outcome: str, ended_by: str, wait: float) -> None:
    log = read(f"+0|.1|q|NONE|ENTERQUEUE||5551|1\n+21|.1|q|NONE|{tail}")
    assert visits(log, "outcome", "raw_outcome", "ended_by", "wait_s", "talk_s", "agent") == [
        (outcome, tail.split("|")[0], ended_by, wait, None, None)
    ]


def test_abandoned_in_the_agents_announcement_is_no_answer() -> None:
    log = read("+0|.1|q|NONE|ENTERQUEUE||5551|1\n+21|.1|q|Anna Smith|ABANDON|1|1|21")
    assert visits(log, "outcome", "agent", "wait_s") == [("abandoned", None, 21.0)]


def test_ids_that_look_like_numbers_are_different_calls() -> None:
    log = read("+0|.2|q|NONE|ENTERQUEUE||1|1\n+1|.20|q|NONE|ENTERQUEUE||2|2\n+2|.2|q|NONE|ABANDON|1|1|2\n+9|.20|q|NONE|ABANDON|1|2|8")
    assert visits(log, "contact_id", "wait_s") == [(f"{BASE}.2", 2.0), (f"{BASE}.20", 8.0)]


def test_a_loop_in_the_dialplan_makes_a_visit_each_time() -> None:
    log = read("""
        +0|.1|q|NONE|ENTERQUEUE||5551|1
        +30|.1|q|NONE|EXITWITHTIMEOUT|1|1|30
        +35|.1|q|NONE|ENTERQUEUE||5551|1
        +65|.1|q|NONE|EXITWITHTIMEOUT|1|1|30
        +66|.1|other|NONE|ENTERQUEUE||5551|1
        +70|.1|other|SIP/1|CONNECT|4|.2|2
        +80|.1|other|SIP/1|COMPLETECALLER|4|10|1
    """)
    assert visits(log, "visit", "queue", "outcome", "queued_at", "wait_s", "ivr_s") == [
        (1, "q", "timed_out", 0, 30.0, 0.0),
        (2, "q", "timed_out", 35, 30.0, None),
        (3, "other", "answered", 66, 4.0, None),
    ]


def test_left_without_a_logged_end_and_joined_again() -> None:
    log = read("+0|.1|a|NONE|ENTERQUEUE||5551|1\n+30|.1|b|NONE|ENTERQUEUE||5551|1\n+40|.1|b|NONE|ABANDON|1|1|10")
    assert visits(log, "queue", "outcome", "wait_s") == [("a", "overflowed", 30.0), ("b", "abandoned", 10.0)]
    assert notes(log)["left a queue without a logged end and joined again: outcome overflowed"] == 1


def test_the_same_entry_twice_is_one() -> None:
    entry, end = "+0|.1|a|NONE|ENTERQUEUE||5551|1\n", "+40|.1|a|NONE|ABANDON|1|1|40\n"
    log = read(entry + entry + end + end)
    assert visits(log, "outcome", "wait_s") == [("abandoned", 40.0)]
    assert log.rejected.to_dict("records") == [{"source": "log0", "line": 2, "reason": "repeats an entry already read"}]
    assert fates(log)["ignored", "ABANDON: its visit has ended already"] == 1


def test_a_log_pasted_twice_counts_once() -> None:
    data = ISSUE_759 + lines("""
        +20000000|.1|q|NONE|ENTERQUEUE||5551|1
        +20000009|.1|q|SIP/1|RINGNOANSWER|9000
        +20000030|.1|q|NONE|EXITWITHTIMEOUT|1|1|30
        +20000030|.1|q|NONE|ENTERQUEUE||5551|1
        +20000060|.1|q|SIP/1|CONNECT|30|.2|4
        +20000090|.1|q|SIP/1|COMPLETECALLER|30|30|1
        +20000100|.5|q|NONE|FULL|
        +20000100|.5|r|NONE|FULL|
        +20000200|.1|q|NONE|ENTERQUEUE||5551|1
    """)  # fmt: skip
    once, twice = read_bytes(data), read_bytes(data + data)
    assert twice.contacts.equals(once.contacts)
    assert twice.rejected["reason"].tolist() == ["repeats an entry already read"] * 5
    assert once.rejected.empty
    with pytest.raises(FormatError, match="log0, line 20: repeats an entry already read"):
        read_bytes(data + data, on_error="raise")
    kept = read_bytes(data + data, keep_text=True)
    assert kept.rejected["text"].str.contains("ENTERQUEUE").all()


def test_a_loop_within_one_second_is_no_repetition() -> None:
    turn = "+0|.1|q|NONE|ENTERQUEUE||5551|1\n+0|.1|q|NONE|EXITEMPTY|1|1|0\n"
    data = lines(turn * 2 + "+0|.1|q|NONE|ENTERQUEUE||5551|1\n+90|.1|q|NONE|ABANDON|1|1|90\n")
    for log in (read_bytes(data), read_bytes(data + data)):
        assert visits(log, "visit", "outcome", "wait_s") == [(1, "left_empty", 0.0), (2, "left_empty", 0.0), (3, "abandoned", 90.0)]


@pytest.mark.parametrize(("later", "lost"), [(86_399, 0), (86_400, 2)])
def test_ends_that_were_lost_are_told(later: int, lost: int) -> None:
    text = f"""
        +0|.1|q|NONE|ENTERQUEUE||5551|1
        +0|.2|q|NONE|ENTERQUEUE||5552|1
        +0|.3|q|NONE|ENTERQUEUE||5553|1
        +0|.3|q|SIP/1|CONNECT|0|.4|0
        +0|.9|q|SIP/2|CALLOUTBOUND||5551
        +{later}|NONE|NONE|NONE|CONFIGRELOAD|
    """
    waiting = "no end logged a day or more after joining: left open, its wait so far is not to be believed"
    talking = "agent still on_contact where the log ends, a day or more after the answer: the end was lost, that time is not to be believed"
    if lost:
        with pytest.warns(DataWarning, match=f"2 visits have {waiting}"):
            log = read(text)
    else:
        log = read(text)
    assert (notes(log).get(waiting, 0), notes(log).get(talking, 0)) == (lost, lost // 2)
    assert visits(log, "outcome") == [("open",), ("open",), ("answered",)]


def test_a_restart_loses_who_waits() -> None:
    log = read("""
        +0|.1|q|NONE|ENTERQUEUE||5551|1
        +1|.2|q|NONE|ENTERQUEUE||5552|1
        +5|.2|q|SIP/1|CONNECT|4|.3|2
        +50|NONE|NONE|NONE|QUEUESTART|
        +60|.4|q|NONE|ENTERQUEUE||5551|1
    """)
    assert visits(log, "contact_id", "outcome", "raw_outcome", "wait_s", "talk_s", "ended_by") == [
        (f"{BASE}.1", "failed", "QUEUESTART", 50.0, None, "system"),
        (f"{BASE}.2", "answered", "CONNECT", 4.0, None, "system"),
        (f"{BASE}.4", "open", None, 0.0, None, None),
    ]


def test_the_end_of_the_log_leaves_calls_open() -> None:
    log = read("+0|.1|q|NONE|ENTERQUEUE||1|1\n+1|.2|q|NONE|ENTERQUEUE||2|1\n+5|.2|q|SIP/1|CONNECT|4|.3|2\n+9|NONE|NONE|NONE|CONFIGRELOAD|")
    assert visits(log, "outcome", "wait_s", "talk_s", "ended_by") == [("open", 9.0, None, None), ("answered", 4.0, None, None)]
    assert fates(log)["ignored", "CONFIGRELOAD: configuration reloaded"] == 1


def test_the_beginning_of_the_log_cuts_calls() -> None:
    log = read("""
        +100|.1|q|SIP/1|CONNECT|30|.9|5
        +101|.2|q|NONE|ABANDON|1|1|40
        +102|.3|q|SIP/2|COMPLETEAGENT|12|60|1
        +103|.4|q|NONE|EXITWITHTIMEOUT|1
        +120|.1|q|SIP/1|COMPLETECALLER|30|20|1
    """)
    assert visits(log, "outcome", "queued_at", "wait_s", "talk_s", "ring_attempts") == [
        ("answered", 70, 30.0, 20.0, None),
        ("abandoned", 61, 40.0, None, None),
        ("answered", 30, 12.0, 60.0, None),
        ("timed_out", 103, None, None, None),
    ]
    assert notes(log)["joined the queue before the log begins: queued_at from the wait logged"] == 3


def test_rings_are_milliseconds_and_answers_seconds() -> None:
    log = read("""
        +0|.1|q|NONE|ENTERQUEUE||5551|1
        +15|.1|q|SIP/1|RINGNOANSWER|15000
        +16|.1|q|SIP/2|RINGNOANSWER|0
        +20|.1|q|SIP/3|CONNECT|20|.2|4
        +20|.1|q|SIP/4|RINGNOANSWER|4000
        +25|.1|q|SIP/3|COMPLETEAGENT|20|5|1
        +30|.5|q|NONE|ENTERQUEUE||5551|1
        +33|.5|q|SIP/1|RINGCANCELED|3000
        +33|.5|q|NONE|ABANDON|1|1|3
    """)
    assert visits(log, "ring_s", "ring_attempts", "ring_noanswer") == [(4.0, 4, 3), (None, 1, 0)]
    assert notes(log)["RINGNOANSWER after at most 1 s: the phone did not really ring"] == 1
    assert (f"{BASE + 0}", "reserved") not in spans(log, "agent", "state")
    assert ("3", 16, 20, "reserved") not in spans(log)  # agent 3 had no login before


def test_a_dropped_call_waits_on() -> None:
    log = read("""
        +0|.1|q|NONE|ENTERQUEUE||5551|1
        +9|.1|q|SIP/1|AGENTDUMP|
        +12|.1|q|SIP/2|CONNECT|12|.2|2
        +20|.1|q|SIP/2|COMPLETEAGENT|12|8|1
        +30|.3|q|NONE|ENTERQUEUE||5551|1
        +39|.3|q|SIP/1|AGENTDUMP|
        +50|.4|q|NONE|ENTERQUEUE||5551|1
        +52|.4|q|SIP/1|AGENTDUMP|
        +55|.4|q|NONE|ABANDON|1|1|5
    """)
    assert visits(log, "outcome", "raw_outcome", "wait_s", "agent") == [
        ("answered", "COMPLETEAGENT", 12.0, "2"),
        ("agent_dropped", "AGENTDUMP", 9.0, None),
        ("abandoned", "ABANDON", 5.0, None),
    ]


def test_hold_is_taken_out_of_talk() -> None:
    log = read("""
        +0|.1|q|NONE|ENTERQUEUE||5551|1
        +10|.1|q|SIP/1|CONNECT|10|.2|2
        +20|.1|q|SIP/1|CALLERONHOLD|
        +35|.1|q|SIP/1|CALLEROFFHOLD|
        +50|.1|q|SIP/1|CALLERONHOLD|
        +70|.1|q|SIP/1|COMPLETECALLER|10|60|1
        +80|.3|q|NONE|ENTERQUEUE||5552|1
        +81|.3|q|SIP/1|CONNECT|1|.4|1
        +85|.3|q|SIP/1|COMPLETECALLER|1|4|1
        +90|.5|other|NONE|ENTERQUEUE||5552|1
        +91|.5|other|SIP/1|CONNECT|1|.6|1
        +95|.5|other|SIP/1|COMPLETECALLER|1|4|1
    """)
    assert visits(log, "talk_s", "hold_s") == [(25.0, 35.0), (4.0, 0.0), (4.0, None)]


def test_wazo_refusals_and_wrap_up() -> None:
    log = read("""
        +40|.1|q|NONE|FULL|
        +41|.2|q|NONE|JOINEMPTY|
        +42|.3|q|NONE|CLOSED|
        +43|.4|q|NONE|DIVERT_CA_RATIO|
        +44|.5|q|NONE|DIVERT_HOLDTIME|
        +50|opaque|q|NONE|CLOSED|
        +60|.7|q|NONE|ENTERQUEUE||5551|1
        +61|.7|q|Agent/1001|CONNECT|1|.8|1
        +70|.7|q|Agent/1001|COMPLETEAGENT|1|9|1
        +70|NONE|NONE|Agent/1001|WRAPUPSTART|15
    """)
    columns = ("outcome", "queued_at", "arrived_at", "wait_s", "wrap_s", "ended_by")
    assert visits(log, *columns) == [
        ("blocked_full", None, 0, None, None, "system"),
        ("blocked_empty", None, 0, None, None, "system"),
        ("blocked_closed", None, 0, None, None, "system"),
        ("blocked_full", None, 0, None, None, "system"),
        ("blocked_full", None, 0, None, None, "system"),
        ("answered", 60, 0, 1.0, 15.0, "agent"),
        ("blocked_closed", None, 50, None, None, "system"),
    ]


def test_did_and_call_status() -> None:
    log = read("""
        +0|.1|q|NONE|DID|0800555
        +0|.1|q|NONE|ENTERQUEUE||5551|1
        +10|.1|q|SIP/1|CONNECT|10|.2|2
        +20|.1|q|SIP/1|COMPLETECALLER|10|10|1
        +50|.1|q|SIP/1|CALLSTATUS|SALE
        +60|.7|q|SIP/1|CALLSTATUS|SALE
    """)
    assert visits(log, "dnis", "disposition") == [("0800555", "SALE")]
    assert fates(log)["ignored", "CALLSTATUS: no such visit in the log"] == 1


def test_outbound_calls_are_the_agents_but_not_contacts() -> None:
    log = read("""
        +0|NONE|q|SIP/1|ADDMEMBER|
        +10|.1|q|SIP/1|CALLOUTBOUND||5551
        +20|.1|q|SIP/1|CONNECT|10|.2|
        +50|.1|q|SIP/1|COMPLETEAGENT|10|30|1
        +60|.3|q|SIP/1|OUTDIAL|5552
        +61|.3|q|SIP/1|OUTCALL|ANSWER|30|x
    """)
    assert len(log.contacts) == 0
    assert ("1", 20, 50, "on_contact") in spans(log)
    assert notes(log)["outbound calls: not among the contacts"] == 1
    assert fates(log)["ignored", "OUTDIAL: outbound call"] == 1


@pytest.mark.parametrize("caller", ["", "anonymous", "Unknown", " "])
def test_callers_without_a_number(caller: str) -> None:
    log = read(f"+0|.1|q|NONE|ENTERQUEUE||{caller}|1\n+9|.1|q|NONE|ABANDON|1|1|9")
    assert visits(log, "customer") == [(None,)]


def test_customers_in_clear_only_on_request() -> None:
    text = "+0|.1|q|NONE|ENTERQUEUE||+5551|1\n+9|.1|q|NONE|ABANDON|1|1|9"
    assert visits(read(text, pseudonyms=False), "customer") == [("+5551",)]
    assert visits(read(text), "customer") == [(pseudonym("+5551", b"k"),)]


@pytest.mark.parametrize(
    ("call", "arrived"),
    [(".1", 0), (f"pbx-one-{BASE}.1", 0), ("opaque", None), (f"{BASE + 100}.1", None), (f"{BASE - 90_000}.1", None), (f"x{BASE}.1", None)],
)
def test_arrival_only_where_the_call_id_tells(call: str, arrived: int | None) -> None:
    log = read(f"+30|{call}|q|NONE|ENTERQUEUE||5551|1\n+39|{call}|q|NONE|ABANDON|1|1|9")
    assert visits(log, "arrived_at", "ivr_s") == [(arrived, None if arrived is None else 30.0)]


def test_disagreement_is_counted_and_the_log_believed() -> None:
    log = read("+0|.1|q|NONE|ENTERQUEUE||5551|1\n+10|.1|q|SIP/1|CONNECT|15|.2|2\n+20|.1|q|SIP/1|COMPLETECALLER|15|11|1")
    assert visits(log, "wait_s", "talk_s") == [(15.0, 11.0)]
    assert notes(log)["wait logged and timestamps differ by more than 1 s: wait_s as logged"] == 1
    assert "talk logged and timestamps differ by more than 1 s: talk_s as logged" not in notes(log)


def test_unknown_verbs_are_kept_in_the_account() -> None:
    with pytest.warns(DataWarning, match="SNOOZE"):
        log = read("+0|.1|q|NONE|ENTERQUEUE||5551|1\n+5|.1|q|NONE|SNOOZE|a|b\n+9|.1|q|NONE|ABANDON|1|1|9")
    assert visits(log, "outcome") == [("abandoned",)]
    assert fates(log)["ignored", "unknown verb SNOOZE"] == 1
    assert notes(log)["unknown verbs"] == 1
    assert log.rejected.empty


BAD = {
    "1700000000|.1|q|NONE": "fewer than five fields",
    "hello": "fewer than five fields",
    "later|.1|q|NONE|ENTERQUEUE||1|1": "epoch is not a number",
    "|.1|q|NONE|ENTERQUEUE||1|1": "epoch is not a number",
    "-5|.1|q|NONE|ENTERQUEUE||1|1": "epoch is not a number",
    "12|.1|q|NONE|ENTERQUEUE||1|1": "epoch outside 1999-2100",
    "1700000000000|.1|q|NONE|ENTERQUEUE||1|1": "epoch outside 1999-2100",
    "99999999999999999999|.1|q|NONE|ENTERQUEUE||1|1": "epoch is not a number",
    "+5|.1|q|NONE||1": "no verb",
    "+5|.1|q|NONE|ENTER\0QUEUE|": "NUL byte",
    "+5|.1|q|NONE|INFO|" + "x" * 9000: "longer than 8192 bytes",
    "|" * 9000: "longer than 8192 bytes",
    "+5|.1|q|SIP/1|CONNECT|-3|.2|1": "negative duration",
    "+5|.1|q|SIP/1|COMPLETEAGENT|3|9999999|1": "impossible duration (a day or more)",
    "+5|.1|q|SIP/1|COMPLETECALLER|3|86400|1": "impossible duration (a day or more)",
    "+5|.1|q|SIP/1|CONNECT|abc|.2|1": "duration is not a number",
    "+5|.1|q|SIP/1|RINGNOANSWER|soon": "duration is not a number",
    "+5|.1|q|An|na|CONNECT|3|.2|1": "separator inside a name",
    "+5|NONE|q|NONE|ENTERQUEUE||1|1": "call event without a call id",
    "+5||q|NONE|ENTERQUEUE||1|1": "call event without a call id",
    "+5|.1|NONE|NONE|ENTERQUEUE||1|1": "call event without a queue",
    f"{BASE + 900_000}|.1|q|NONE|ENTERQUEUE||1|1": "epoch more than a day ahead of the lines around it",
}


@pytest.mark.parametrize("bad", BAD, ids=[f"{at}-{reason}" for at, reason in enumerate(BAD.values())])
def test_bad_lines_are_set_aside_with_line_and_reason(bad: str) -> None:
    good = "+0|.7|q|NONE|ENTERQUEUE||1|1\n{}\n+9|.7|q|NONE|ABANDON|1|1|9"
    log = read(good.format(bad))
    assert log.rejected.to_dict("records") == [{"source": "log0", "line": 2, "reason": BAD[bad]}]
    assert visits(log, "contact_id", "outcome") == [(f"{BASE}.7", "abandoned")]
    with pytest.raises(FormatError, match="line 2"):
        read(good.format(bad), on_error="raise")
    kept = read(good.format(bad), keep_text=True)
    assert kept.rejected["text"].tolist() == [lines(bad).decode().rstrip("\n")]


def test_crlf_bom_blank_lines_and_latin_1() -> None:
    data = lines("+0|.1|Café|NONE|ENTERQUEUE||1|1\n\n+9|.1|Café|NONE|ABANDON|1|1|9\n+10|NONE|NONE|NONE|QUEUESTART")
    for changed in (data.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + data, data.decode().encode("latin-1")):
        log = read_bytes(changed)
        assert visits(log, "queue", "outcome", "wait_s") == [("Café", "abandoned", 9.0)]
        assert fates(log) == {("used", "ENTERQUEUE"): 1, ("used", "ABANDON"): 1, ("used", "QUEUESTART"): 1, ("ignored", "blank line"): 1}
    assert notes(log)["lines that are not UTF-8: read as Latin-1"] == 2


@pytest.mark.parametrize("cut", ["", "|.1|q|NO", "|.1|q|NONE|ABAN", "|.1|q|NONE|ABANDON", "|.1|q|NONE|COMPLETEAGENT|9"])
def test_a_last_line_that_was_cut_off(cut: str) -> None:
    data = lines("+0|.1|q|NONE|ENTERQUEUE||1|1") + lines(f"+9{cut}|")[:-2]
    log = read_bytes(data)
    assert log.rejected.to_dict("records") == [{"source": "log0", "line": 2, "reason": "cut off at the end of the file"}]


def test_a_last_line_without_line_end() -> None:
    log = read_bytes(lines("+0|.1|q|NONE|ENTERQUEUE||1|1\n+9|.1|q|NONE|ABANDON|1|1|9").rstrip(b"\n"))
    assert visits(log, "outcome") == [("abandoned",)]


def test_rotated_files_are_one_stream_by_content() -> None:
    old = lines("+0|.1|q|NONE|ENTERQUEUE||1|1\n+5|NONE|q|SIP/1|ADDMEMBER|")
    middle = lines("+9|.1|q|SIP/1|CONNECT|9|.2|2")
    new = lines("+30|.1|q|SIP/1|COMPLETECALLER|9|21|1\n+40|NONE|q|SIP/1|REMOVEMEMBER|")
    for order in ((old, middle, new), (new, old, middle), (middle, new, old)):
        log = read_bytes(*order)
        assert visits(log, "visit", "outcome", "wait_s", "talk_s") == [(1, "answered", 9.0, 21.0)]
        assert spans(log)[0] == ("1", 5, 7, "available")
        assert spans(log)[-1] == ("1", 30, 40, "available")
    assert set(log.lines["source"]) == {"log0", "log1", "log2"}


def test_overlapping_sources_are_warned_about() -> None:
    one = lines("+0|.1|q|NONE|ENTERQUEUE||1|1\n+900|.1|q|NONE|ABANDON|1|1|900")
    two = lines("+300|.5|q|NONE|ENTERQUEUE||1|1\n+700|.5|q|NONE|ABANDON|1|1|400")
    with pytest.warns(DataWarning, match="log1 begins before log0 ends"):
        log = read_bytes(one, two)
    assert visits(log, "wait_s") == [(900.0,), (400.0,)]


@pytest.mark.parametrize("seconds", [3_600, 3_601])
def test_sources_that_overlap_by_more_than_an_hour_are_refused(seconds: int) -> None:
    one = lines("+0|.1|q|NONE|ENTERQUEUE||1|1\n+9000|.1|q|NONE|ABANDON|1|1|9000")
    two = lines(f"+300|.5|q|NONE|ENTERQUEUE||1|1\n+{300 + seconds}|.5|q|NONE|ABANDON|1|1|{seconds}")
    three = lines("+9001|.7|q|NONE|ENTERQUEUE||1|1\n+9002|.7|q|NONE|ABANDON|1|1|1")
    if seconds <= 3_600:
        with pytest.warns(DataWarning, match="log1 begins before log0 ends: name each log once"):
            assert len(read_bytes(one, two, three).contacts) == 3
        return
    said = "log0 and log1 overlap in time from 2023-11-14T22:18:20Z to 2023-11-14T23:18:21Z, .*name each log once; read the logs"
    for sources in ((one, two), (one, two, three)):
        with pytest.raises(FormatError, match=said):
            read_bytes(*sources)


def test_empty_log() -> None:
    log = read_bytes(b"")
    assert (len(log.contacts), len(log.agent_states), log.count()) == (0, 0, 0)
    assert len(read_bytes().contacts) == 0


@pytest.mark.parametrize(
    ("logged", "plain"),
    [
        ("SIP/2001", "2001"), ("PJSIP/2001", "2001"), ("Local/2004@from-queue/n", "2004"), ("Local/2004@from-internal", "2004"),
        ("Agent/3001", "3001"), ("IAX2/44", "44"), ("Anna Smith", "Anna Smith"), ("DAHDI/1", "DAHDI/1"), ("SIP/trunk/555", "SIP/trunk/555"),
        ("Zap/g1/555", "Zap/g1/555"), ("SIP/", "SIP/"), ("Ops/Night", "Ops/Night"),
    ],
)  # fmt: skip
def test_names_of_agents(logged: str, plain: str) -> None:
    assert plain_name(logged) == plain


def test_names_given_by_the_caller() -> None:
    text = "+0|NONE|q|SIP/1|ADDMEMBER|\n+1|NONE|q|Agent/1|ADDMEMBER|\n+2|NONE|q|PJSIP/2|ADDMEMBER|\n+9|NONE|NONE|NONE|CONFIGRELOAD|"
    assert {row[0] for row in spans(read(text), "agent")} == {"1", "2"}
    named = read(text, extra={"agents": {"Agent/1": "Anna", "2": "Bo"}})
    assert {row[0] for row in spans(named, "agent")} == {"1", "Anna", "Bo"}
    for wrong in ("Anna", {"Agent/1": 3}, {"": "x"}):
        with pytest.raises(OptionError, match="agents="):
            read(text, extra={"agents": wrong})


def test_recognition_is_strict() -> None:
    assert looks_like(ISSUE_759)
    assert looks_like(b"\xef\xbb\xbf" + ISSUE_759.replace(b"\n", b"\r\n"))
    assert looks_like(ISSUE_759.rstrip(b"\n"))
    assert looks_like((ISSUE_759 * 100)[:65_536])
    for other in (
        b"", b"\n\n", b"a|b|c|d|e\n", b"1717397259|a|b|c|d\n", b"1717397259|a|b|c|UNHEARDOF|\n", b"time,queue\n1717397259,q\n",
        b'{"a": 1}\n',
        b"1717397259|1|q|NONE|ENTERQUEUE|\n" + b"prose\n" * 9, b"\x1f\x8b\x08\x00", b"PK\x03\x04", b"2024-01-01|a|b|c|ENTERQUEUE|\n",
    ):  # fmt: skip
        assert not looks_like(other), other


def test_progress_is_told() -> None:
    told: list[tuple[str, float]] = []
    read_bytes(ISSUE_759, progress=lambda text, share: told.append((text, share)))
    assert told == [("log0", 1.0)]


def test_pieces_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    from ccstats.readers.asterisk_queue_log import inputs

    data = ISSUE_759 + lines("junk\n\n" + VERSIONS["18 link"][0]).replace(b"17000000", b"17180000")
    whole = read_bytes(data, keep_text=True)
    for size in (1, 50, 200, 400):
        monkeypatch.setattr(inputs, "_PIECE", size)
        parts = read_bytes(data, keep_text=True)
        for name in ("contacts", "agent_states", "rejected", "notes"):
            assert getattr(parts, name).equals(getattr(whole, name)), (size, name)
        assert (
            parts.summary()
            .sort_values(["fate", "rule"], ignore_index=True)
            .equals(whole.summary().sort_values(["fate", "rule"], ignore_index=True))
        )


def test_errors_are_ours() -> None:
    assert issubclass(FormatError, CcstatsError)
    with pytest.raises(CcstatsError, match="log, line 1: fewer than five fields"):
        READER.read([Source("log", b"x\n")], Options(on_error="raise"))
