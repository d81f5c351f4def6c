"""FreeSWITCH's call detail records: every form, every outcome, what leftovers of earlier queues do, and hostile documents."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning, FormatError, OptionError, ZoneError
from ccstats.readers.freeswitch_cdr import TEMPLATES, looks_like

T = 1709280000
START = pd.Timestamp("2024-03-01 08:00:00", tz="UTC")


def leg(**facts: Any) -> dict[str, Any]:
    base = {
        "uuid": "m1",
        "cc_side": "member",
        "cc_queue": "sales",
        "cc_member_uuid": "v1",
        "cc_queue_joined_epoch": T,
        "start_epoch": T - 5,
    }
    return {name: value for name, value in {**base, **facts}.items() if value is not None}


def as_json(*legs: dict[str, Any], encode: bool = True) -> bytes:
    told = [{name: quote(str(value)) if encode else value for name, value in each.items()} for each in legs]
    return "\n".join(json.dumps({"core-uuid": "c", "channel_data": {}, "variables": each}) for each in told).encode()


def as_xml(*legs: dict[str, Any]) -> bytes:
    cells = ("".join(f"<{name}>{quote(str(value))}</{name}>" for name, value in each.items()) for each in legs)
    return "".join(f'<?xml version="1.0"?>\n<cdr core-uuid="c"><variables>{each}</variables></cdr>\n' for each in cells).encode()


def as_table(*legs: dict[str, Any]) -> bytes:
    names = list(dict.fromkeys(["cc_side", "cc_queue", "cc_queue_joined_epoch", "uuid", *(name for each in legs for name in each)]))
    return "\n".join([",".join(names), *(",".join(str(each.get(name, "")) for name in names) for each in legs), ""]).encode()


every_form = pytest.mark.parametrize("form", [as_json, as_xml, as_table])


def one(log: cc.Log) -> dict[str, Any]:
    assert len(log.contacts) == 1
    return log.contacts.iloc[0].to_dict()


@every_form
@pytest.mark.parametrize(
    ("facts", "outcome", "wait", "talk"),
    [
        ({"cc_cause": "answered", "cc_queue_answered_epoch": T + 8, "cc_queue_terminated_epoch": T + 68}, "answered", 8, 60),
        ({"cc_cause": "cancel", "cc_cancel_reason": "BREAK_OUT", "cc_queue_canceled_epoch": T + 9}, "abandoned", 9, None),
        ({"cc_cause": "cancel", "cc_cancel_reason": "NONE", "cc_queue_canceled_epoch": T + 9}, "abandoned", 9, None),
        ({"cc_cause": "cancel", "cc_queue_canceled_epoch": T + 9}, "abandoned", 9, None),
        ({"cc_cause": "cancel", "cc_cancel_reason": "TIMEOUT", "cc_queue_canceled_epoch": T + 9}, "timed_out", 9, None),
        ({"cc_cause": "cancel", "cc_cancel_reason": "NO_AGENT_TIMEOUT", "cc_queue_canceled_epoch": T + 9}, "timed_out", 9, None),
        ({"cc_cause": "cancel", "cc_cancel_reason": "EXIT_WITH_KEY", "cc_queue_canceled_epoch": T + 9}, "exited_key", 9, None),
        ({"cc_cause": "cancel", "cc_cancel_reason": "BREAK_OUT", "cc_exit_key": "1", "cc_queue_canceled_epoch": T}, "exited_key", 0, None),
        ({"cc_cause": "cancel", "cc_cancel_reason": "TIMEOUT"}, "timed_out", None, None),
        ({"cc_queue_canceled_epoch": T + 9, "cc_cancel_reason": "TIMEOUT"}, "timed_out", 9, None),
        ({"cc_queue_answered_epoch": T + 8}, "answered", 8, None),
    ],
)
def test_what_becomes_of_a_caller(form: Any, facts: dict[str, Any], outcome: str, wait: float | None, talk: float | None) -> None:
    found = one(cc.read(form(leg(**facts)), format="freeswitch_cdr"))
    assert found["outcome"] == outcome
    assert found["queued_at"] == START
    assert [None if pd.isna(found[each]) else found[each] for each in ("wait_s", "talk_s")] == [wait, talk]


@every_form
@pytest.mark.parametrize("facts", [{}, {"cc_cause": "cancel", "cc_cancel_reason": "ALIENS"}, {"cc_cause": "abducted"}])
def test_words_that_are_not_known(form: Any, facts: dict[str, Any]) -> None:
    with pytest.warns(DataWarning, match="counted as 'unknown'"):
        assert one(cc.read(form(leg(**facts)), format="freeswitch_cdr"))["outcome"] == "unknown"


@every_form
def test_what_an_earlier_queue_of_the_call_left_is_not_believed(form: Any) -> None:
    stale = {"cc_queue_answered_epoch": T - 60, "cc_queue_terminated_epoch": T - 10, "cc_agent": "ada", "cc_agent_uuid": "a1"}
    left = {"cc_cause": "cancel", "cc_cancel_reason": "TIMEOUT", "cc_queue_canceled_epoch": T + 30}
    log = cc.read(form(leg(**stale, **left)), format="freeswitch_cdr")
    found = one(log)
    assert (found["outcome"], found["wait_s"]) == ("timed_out", 30)
    assert pd.isna(found["agent"])
    assert len(log.notes) == 0
    with pytest.warns(DataWarning, match="unknown"):  # nor does it tell where the platform does not
        assert one(cc.read(form(leg(**stale)), format="freeswitch_cdr"))["outcome"] == "unknown"
    fresh = {"cc_queue_answered_epoch": T + 6, "cc_queue_canceled_epoch": T - 20, "cc_cancel_reason": "TIMEOUT", "cc_cause": "answered"}
    found = one(cc.read(form(leg(**fresh)), format="freeswitch_cdr"))
    assert (found["outcome"], found["raw_outcome"], found["wait_s"]) == ("answered", "answered", 6)
    assert pd.isna(found["talk_s"])


def test_a_caller_who_hung_up_as_the_agent_answered_was_not_answered_as_the_platform_says() -> None:
    facts = {"cc_cause": "cancel", "cc_cancel_reason": "NONE", "cc_queue_answered_epoch": T + 9, "cc_queue_canceled_epoch": T + 9}
    log = cc.read(as_json(leg(**facts)))
    assert one(log)["outcome"] == "abandoned"
    assert "cancelled as an agent answered: not answered, as the platform says" in set(log.notes["note"])


ANSWERED = {"cc_cause": "answered", "cc_queue_answered_epoch": T + 10, "cc_agent": "ada", "cc_agent_uuid": "a2", "end_epoch": T + 99}
OF_M1 = {"cc_side": "agent", "cc_member_session_uuid": "m1", "cc_agent": "ada"}


@every_form
def test_agents_legs_tell_rings_offers_and_the_end_of_the_talk(form: Any) -> None:
    legs = [
        leg(**ANSWERED),
        leg(**OF_M1, uuid="a1", start_epoch=T, answer_epoch=0, end_epoch=T + 5),
        leg(**OF_M1, uuid="a2", start_epoch=T + 4, answer_epoch=T + 10, end_epoch=T + 70),
        leg(**{**OF_M1, "cc_member_session_uuid": "m9"}, uuid="a3", start_epoch=T + 4, answer_epoch=T + 10, end_epoch=T + 70),
    ]
    for order in (legs, legs[::-1]):
        log = cc.read(form(*order), format="freeswitch_cdr")
        found = one(log)
        assert [found[each] for each in ("wait_s", "ring_s", "talk_s", "ring_attempts", "ring_noanswer")] == [10, 6, 60, 2, 1]
        assert log.summary()[["fate", "rule", "lines"]].query("fate != 'used' and rule != 'header'").to_numpy().tolist() == [
            ["ignored", "agent's leg of a caller who is not in the log", 1]
        ]


@every_form
def test_an_agents_leg_that_names_no_caller_belongs_to_none_even_if_a_caller_has_no_name(form: Any) -> None:
    legs = [leg(**ANSWERED, cc_member_uuid=None), leg(**OF_M1, cc_member_uuid=None, uuid="a2", start_epoch=T + 4, answer_epoch=T + 10)]
    log = cc.read(form(*legs), format="freeswitch_cdr")
    assert log.lines.set_index("rule")["lines"]["agent's leg of a caller who is not in the log"] == 1
    assert pd.isna(one(log)["ring_s"])
    assert "ring_attempts" not in log.contacts


def test_directions_are_in_the_order_of_the_schema() -> None:
    legs = [leg(uuid=f"m{9 - at}", direction=way, cc_cause="cancel") for at, way in enumerate(("local", "outbound", "inbound"))]
    found = cc.read(as_table(*legs), format="freeswitch_cdr").contacts["direction"]
    assert set(found) == {"internal", "outbound", "inbound"}
    assert found.cat.categories.tolist() == ["inbound", "outbound", "internal"]


def test_the_leg_behind_a_loopback_is_told_by_the_agent_and_a_standby_leg_tells_no_times() -> None:
    real = leg(**OF_M1, uuid="real", start_epoch=T + 4, answer_epoch=T + 10, end_epoch=T + 70)
    assert one(cc.read(as_json(leg(**ANSWERED), real)))["ring_s"] == 6
    standby = {**real, "uuid": "a2", "cc_agent_type": "uuid-standby", "start_epoch": T - 900, "answer_epoch": T - 890}
    found = one(cc.read(as_json(leg(**ANSWERED), standby)))
    assert pd.isna(found["ring_s"])
    assert pd.isna(found["talk_s"])
    assert found["ring_attempts"] == 1


def test_the_end_of_the_call_ends_the_talk_only_if_nothing_came_after_it() -> None:
    assert one(cc.read(as_json(leg(**ANSWERED, last_app="callcenter"))))["talk_s"] == 89
    for after in ({"last_app": "bridge"}, {"last_app": "callcenter", "transfer_history": "1:x:bl_xfer:2"}):
        log = cc.read(as_json(leg(**ANSWERED, **after)))
        assert pd.isna(one(log)["talk_s"])
        assert "answered, but when the talk ended is not in the log: talk_s is missing" in set(log.notes["note"])


@every_form
def test_legs_without_what_is_needed_are_rejected(form: Any) -> None:
    bad = [
        leg(uuid="b1", cc_queue=None, cc_cause="cancel"),
        leg(uuid="b2", cc_queue_joined_epoch="0"),
        leg(uuid="b3", cc_queue_joined_epoch="soon"),
        leg(uuid="b4", cc_cause="answered"),
        leg(uuid="b5", cc_cause="answered", cc_queue_answered_epoch=T - 1),
    ]
    with pytest.warns(DataWarning):
        log = cc.read(form(*bad, leg()), format="freeswitch_cdr")
    assert len(log.contacts) == 1
    assert log.rejected["reason"].tolist() == [
        "cc_queue is blank",
        "cc_queue_joined_epoch is blank",
        "cc_queue_joined_epoch is no instant written as epoch_s, or outside 1970 to 2200",
        *2 * ["answered, but cc_queue_answered_epoch is blank or before the caller joined"],
    ]
    with pytest.raises(FormatError, match="(line|record) [12]: cc_queue is blank"):
        cc.read(form(*bad), format="freeswitch_cdr", on_error="raise")


def test_each_leg_counts_once_over_all_forms() -> None:
    legs = [leg(uuid=f"m{at}", cc_cause="cancel", cc_cancel_reason="TIMEOUT", cc_queue_canceled_epoch=T + at) for at in range(5)]
    log = cc.read([as_json(*legs), as_xml(*legs[:3]), as_table(*legs[2:])], format="freeswitch_cdr")
    assert log.contacts["wait_s"].tolist() == [0, 1, 2, 3, 4]
    assert log.lines.query("fate == 'ignored' and rule != 'header'")["lines"].sum() == 6
    assert log.count() == 12


def test_many_files_of_one_document_each_keep_their_names(tmp_path: Any) -> None:
    for at in range(30):
        facts = {"cc_cause": "answered"} if at == 7 else {"cc_cause": "cancel", "cc_queue_canceled_epoch": T + 1}
        (tmp_path / f"{at:02}.cdr.xml").write_bytes(as_xml(leg(uuid=f"m{at}", **facts)))
    log = cc.read(tmp_path / "*.cdr.xml", keep_text=True)
    assert len(log.contacts) == 29
    assert log.rejected["source"].str.endswith("07.cdr.xml").tolist() == [True]
    assert log.rejected["text"].str.contains("<uuid>m7</uuid>").all()
    assert log.lines["source"].nunique() == 30


def test_values_may_be_encoded_or_not_and_numbers() -> None:
    facts = leg(cc_queue="büro@pbx", cc_cause="cancel", cc_queue_canceled_epoch=T + 4)
    assert one(cc.read(as_json(facts)))["queue"] == one(cc.read(as_json(facts, encode=False)))["queue"] == "büro@pbx"
    assert one(cc.read(as_json({**facts, "cc_queue": "100% sales"}, encode=False)))["queue"] == "100% sales"


def test_callers_and_numbers_come_from_the_call_flow() -> None:
    steps = [{"caller_profile": {"caller_id_number": n, "destination_number": d}} for n, d in (("555", "8000"), ("666", "900"))]
    document = {"core-uuid": "c", "variables": leg(cc_cause="cancel"), "callflow": steps}
    found = one(cc.read(json.dumps(document).encode(), pseudonyms=False))
    assert (found["customer"], found["dnis"]) == ("555", "900")


@pytest.mark.parametrize(
    "document",
    [
        '{"core-uuid": "c", "variables": []}',
        '{"core-uuid": "c", "variables": "x"}',
        '{"core-uuid": "c"}',
        '{"core-uuid": "c", "variables": {"a": 1}, "callflow": [{"caller_profile": 7}]}',
    ],
)
def test_documents_that_are_none(document: str) -> None:
    log = cc.read(document.encode(), format="freeswitch_cdr")
    assert (log.count("rejected"), log.count()) == (1, 1)


BOMB = "<!DOCTYPE cdr [" + '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)) + "]>"


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (BOMB + "<cdr><variables><uuid>&a11;</uuid></variables></cdr>", ["no <cdr> element", "broken XML"]),
        ("<cdr>" + BOMB + "<variables><uuid>&a11;</uuid></variables></cdr>", ["broken XML"]),
        ('<!DOCTYPE cdr SYSTEM "file:///etc/passwd"><cdr/>', ["no <cdr> element", "cut: it ends before </cdr>"]),
        ('<cdr xmlns:x="file:///etc/passwd"><variables>&x;</variables></cdr>', ["broken XML"]),
        ("<cdr>" + "<a>" * 100 + "</a>" * 100 + "</cdr>", ["nested too deeply"]),
        ("<cdr>" + "<a>" * 100_000 + "</cdr>", ["nested too deeply"]),
        ("<cdr>" + "x" * (8 * 2**20) + "</cdr>", ["longer than 8,388,608 bytes"]),
        ("<cdr><variables>", ["cut: it ends before </cdr>"]),
        ("<cdr><variables></cdr>", ["broken XML"]),
        ("<cdr>\0</cdr>", ["broken XML"]),
    ],
)
def test_hostile_documents_are_set_aside_and_the_next_one_is_read(text: str, reasons: list[str]) -> None:
    good = as_xml(leg(cc_cause="cancel", cc_queue_canceled_epoch=T + 4))
    log = cc.read(text.encode() + good + text.encode() + good.replace(b"m1", b"m2"), format="freeswitch_cdr")
    assert log.rejected["reason"].tolist() == 2 * reasons
    assert log.contacts["wait_s"].tolist() == [4, 4]


def test_a_type_declared_within_the_reach_of_the_parser_is_refused() -> None:
    from ccstats.readers.accounting import Account
    from ccstats.readers.contract import Options, Source
    from ccstats.readers.xml_records import XmlRecords

    account = Account(Options())
    records = XmlRecords(Source("a", b""), "cdr", {("a",)}, account)
    with pytest.raises(Exception, match="document type"):
        records._values('<!DOCTYPE cdr [<!ENTITY e "x">]><cdr><a>&e;</a></cdr>')


LEAVES = st.sampled_from(("word", "&amp;", "<!-- no -->", "<![CDATA[<a>]]>", "<?p i?>", "<b/>", "", "&none;", "</b>"))
XML = st.recursive(
    LEAVES, lambda inner: st.builds("<{0}>{1}</{0}>".format, st.sampled_from("abc"), inner) | st.builds("".join, st.lists(inner))
)


@given(XML)
def test_elements_hold_what_the_parser_told_step_by_step_holds(inner: str) -> None:
    from ccstats.readers.accounting import Account
    from ccstats.readers.contract import Options, Source
    from ccstats.readers.xml_records import XmlRecords

    records = XmlRecords(Source("a", b""), "cdr", {("a",), ("b",), ("a", "b"), ("b", "a", "a")}, Account(Options()))
    text = f"<cdr>{inner}</cdr>"
    found = records._of_elements(text)
    if found is not None:
        assert found == records._values(text)
    else:
        with pytest.raises(Exception, match="broken XML"):
            records._values(text)


# ---------------------------------------------------------------------------------------------------------------- templates


def row(**facts: Any) -> dict[str, str]:
    base = {
        "caller_id_name": "Ada", "caller_id_number": "100", "destination_number": "8000", "context": "default",
        "start_stamp": "2024-03-01 09:00:00", "answer_stamp": "", "end_stamp": "2024-03-01 09:00:40", "duration": "40", "billsec": "0",
        "hangup_cause": "ORIGINATOR_CANCEL", "uuid": "0b8e2f4a-0c5d-4b6e-9f10-00000000abcd", "bleg_uuid": "",
    }  # fmt: skip
    return {**base, **facts}


def as_template(name: str, *rows: dict[str, str]) -> bytes:
    between = '", "' if name == "snom" else '","'
    lines = ['"' + between.join(each.get(column, "") for column in TEMPLATES[name]) + '"' for each in rows]
    return "".join(f"INSERT INTO cdr VALUES ({line});\n" if name == "sql" else f"{line}\n" for line in lines).encode()


@pytest.mark.parametrize("name", TEMPLATES)
def test_shipped_templates_are_told_by_content(name: str) -> None:
    data = as_template(name, row())
    assert looks_like(data)
    found = one(cc.read(data, timezone="Europe/Berlin", queues=["8000"]))
    assert (found["queue"], found["outcome"], found["wait_s"], found["queued_at"]) == ("8000", "abandoned", 40, START)
    # And by name, where the first lines fit none.
    broken = b"\n".join([b'"x"'] * 25) + b"\n" + data
    assert not looks_like(broken)
    log = cc.read(broken, timezone="Europe/Berlin", queues=["8000"], format="freeswitch_cdr", template=name)
    assert (len(log.contacts), log.count("rejected")) == (1, 25)


def test_a_template_of_ones_own() -> None:
    data = b"cancel;TIMEOUT;sales;member;u1;1709280000;1709280009\n".replace(b";", b",")
    names = ["cc_cause", "cc_cancel_reason", "cc_queue", "cc_side", "uuid", "cc_queue_joined_epoch", "cc_queue_canceled_epoch"]
    for template in (names, ",".join(f'"${{{name}}}"' for name in names)):
        assert one(cc.read(data, format="freeswitch_cdr", template=template))["outcome"] == "timed_out"
    for bad in ("nonsense", [], ["a", "a"], 7, [1, 2]):
        with pytest.raises(OptionError, match="template="):
            cc.read(data, format="freeswitch_cdr", template=bad)


def test_calls_of_no_queue_are_an_error_that_says_what_is_missing() -> None:
    with pytest.raises(OptionError, match=r"does not say which calls were in a queue: it has no column cc_side.*queues=\['8000'\]"):
        cc.read(as_template("example", row()), timezone="UTC")
    for bad in ("8000", 8000):
        with pytest.raises(OptionError, match="queues="):
            cc.read(as_template("example", row()), timezone="UTC", queues=bad)
    with pytest.raises(OptionError, match="answers_first="):
        cc.read(as_template("example", row()), timezone="UTC", queues=["8000"], answers_first="yes")
    with pytest.raises(ZoneError, match="timezone="):
        cc.read(as_template("example", row()), queues=["8000"])
    with pytest.raises(ColumnError, match="uuid"):
        cc.read(b"a,b\n1,2\n", format="freeswitch_cdr")


BRIDGED = {"answer_stamp": "2024-03-01 09:00:10", "billsec": "30", "hangup_cause": "NORMAL_CLEARING", "bleg_uuid": "b1"}
AGENT = {
    "destination_number": "1001", "uuid": "b1", "start_stamp": "2024-03-01 09:00:12", "answer_stamp": "2024-03-01 09:00:20",
    "duration": "28", "billsec": "20", "hangup_cause": "NORMAL_CLEARING",
}  # fmt: skip


def test_waits_of_a_queue_that_answers_by_itself_are_not_in_the_records_without_the_agents_leg() -> None:
    gave_up = row(uuid="u2", answer_stamp="2024-03-01 09:00:01", billsec="39", hangup_cause="NORMAL_CLEARING")

    def read(*rows: dict[str, str], **options: Any) -> pd.DataFrame:
        data = as_template("example", *rows)
        contacts = cc.read(data, format="freeswitch_cdr", template="example", timezone="UTC", queues=["8000"], **options).contacts
        return contacts.set_index("contact_id")

    alone = read(row(uuid="u1", **BRIDGED)).loc["u1"]
    assert (alone["outcome"], alone["wait_s"], alone["talk_s"]) == ("answered", 10, 30)
    hidden = read(row(uuid="u1", **BRIDGED), gave_up)
    assert hidden["outcome"].tolist() == ["answered", "abandoned"]
    assert hidden.loc["u1", ["wait_s", "talk_s"]].isna().all()
    assert hidden.loc["u2", "wait_s"] == 40
    assert read(row(uuid="u1", **BRIDGED), answers_first=True).loc["u1", ["wait_s", "talk_s"]].isna().all()
    assert read(row(uuid="u1", **BRIDGED), gave_up, answers_first=False).loc["u1", "wait_s"] == 10
    told = read(row(uuid="u1", **BRIDGED), gave_up, row(**AGENT)).loc["u1"]
    assert [told[each] for each in ("wait_s", "ring_s", "talk_s", "agent")] == [20, 8, 20, "1001"]


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [("NORMAL_CLEARING", "abandoned"), ("ORIGINATOR_CANCEL", "abandoned"), ("NO_ANSWER", "timed_out"), ("USER_BUSY", "failed")],
)
def test_hangup_causes_of_calls_that_nobody_took(cause: str, outcome: str) -> None:
    data = as_template("example", row(hangup_cause=cause))
    assert one(cc.read(data, timezone="UTC", queues={8000: "Büro"}))["outcome"] == outcome


def test_names_with_quotes_do_not_break_the_row() -> None:
    for name in ('Joe "JJ" Doe', '"JJ"', '5" pipe', 'a"b"c"', 'end"'):
        log = cc.read(
            as_template("example", row(caller_id_name=name), row(uuid="u2")), timezone="UTC", queues=["8000"], format="freeswitch_cdr"
        )
        assert (len(log.contacts), log.count("rejected")) == (2, 0), name


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_that_went_through_a_spreadsheet_program(delimiter: str) -> None:
    changed = row(start_stamp="2020/2/10 22:41", end_stamp="2020/2/10 22:42", caller_id_number="1.00E+11")
    data = (delimiter.join(changed.get(name, "") for name in TEMPLATES["example"]) + "\r\n").encode()
    with pytest.warns(DataWarning, match="without seconds"):
        log = cc.read(data, timezone="Asia/Shanghai", queues=["8000"])
    assert one(log)["queued_at"] == pd.Timestamp("2020-02-10 14:41", tz="UTC")
    assert one(log)["wait_s"] == 40  # durations were kept
    assert log.notes.set_index("note")["count"]["start_stamp has no seconds, as a spreadsheet program leaves it: to the minute"] == 1


def test_the_table_in_a_database() -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    engine = sqlalchemy.create_engine("sqlite://")
    legs = [leg(uuid=None, xml_cdr_uuid=f"m{at}", cc_cause="cancel", cc_queue_canceled_epoch=T + at) for at in range(7)]
    pd.DataFrame(legs).to_sql("v_xml_cdr", engine, index=False)
    log = cc.read_sql("select * from v_xml_cdr", engine, format="freeswitch_cdr", chunk_rows=3)
    assert log.contacts["wait_s"].tolist() == list(range(7))
    assert log.count("used") == 7


def loop(legs: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The same contacts by one plain loop."""
    out = []
    for each in legs:
        if each.get("cc_side") != "member":
            continue
        joined, cause, reason = each["cc_queue_joined_epoch"], each.get("cc_cause"), each.get("cc_cancel_reason") or "NONE"
        left = each.get("cc_queue_answered_epoch" if cause == "answered" else "cc_queue_canceled_epoch", 0)
        wait = left - joined if left >= joined else None
        if cause == "answered" and wait is None:
            continue
        mine = [
            other
            for other in legs
            if other.get("cc_side") == "agent"
            and (other.get("cc_member_uuid"), other.get("cc_member_session_uuid")) == (each["cc_member_uuid"], each["uuid"])
        ]
        took = [other for other in mine if other["answer_epoch"] and other["uuid"] == each.get("cc_agent_uuid")]
        known = {"BREAK_OUT": "abandoned", "NONE": "abandoned", "TIMEOUT": "timed_out"}
        outcome = "answered" if cause == "answered" else known.get(reason, "unknown")
        ring = talk = None
        if outcome == "answered":
            ended = each.get("cc_queue_terminated_epoch", 0)
            talk = ended - left if ended >= joined and ended >= left else None
            if took:
                ring = took[0]["answer_epoch"] - took[0]["start_epoch"]
                talk = took[0]["end_epoch"] - left if talk is None and took[0]["end_epoch"] >= left else talk
        out.append((each["uuid"], outcome, wait, ring, talk, len(mine), sum(not other["answer_epoch"] for other in mine)))
    return sorted(out, key=lambda each: each[0])


@every_form
@pytest.mark.parametrize("seed", range(6))
def test_equals_a_plain_loop(form: Any, seed: int) -> None:
    rng = random.Random(seed)
    legs: list[dict[str, Any]] = [leg(**OF_M1, uuid="a0", start_epoch=T, answer_epoch=0, end_epoch=T)]
    for at in range(60):
        joined, own, visit = T + rng.randrange(9999), f"m{at:03}", f"v{at}"
        left = joined + rng.choice([-5, 0, 3, 40])
        facts: dict[str, Any] = {"uuid": own, "cc_member_uuid": visit, "cc_queue_joined_epoch": joined}
        facts["cc_cause"] = rng.choice(["answered", "answered", "cancel"])
        facts["cc_cancel_reason"] = rng.choice([None, "BREAK_OUT", "TIMEOUT", "NONE", "WHO_KNOWS"])
        facts["cc_queue_answered_epoch" if facts["cc_cause"] == "answered" else "cc_queue_canceled_epoch"] = left
        facts["cc_queue_terminated_epoch"] = rng.choice([None, left + 50, joined - 100])
        facts["cc_agent_uuid"] = f"a{at}-0"
        for offer in range(rng.randrange(3)):
            start = joined + rng.randrange(9)
            times = {"start_epoch": start, "answer_epoch": rng.choice([0, start + 2]), "end_epoch": start + rng.randrange(99)}
            legs.append(leg(**{**OF_M1, "cc_member_session_uuid": own}, uuid=f"a{at}-{offer}", cc_member_uuid=visit, **times))
        legs.append(leg(**facts))
    rng.shuffle(legs)
    with pytest.warns(DataWarning):
        contacts = cc.read(form(*legs), format="freeswitch_cdr").contacts.sort_values("contact_id")
    columns = ["contact_id", "outcome", "wait_s", "ring_s", "talk_s", "ring_attempts", "ring_noanswer"]
    found = [tuple(None if pd.isna(cell) else cell for cell in each) for each in contacts[columns].astype(object).itertuples(index=False)]
    expected = loop(legs)
    # Of an answer by a leg that is not in the log nobody knows how often it rang.
    for place, (one_, other) in enumerate(zip(found, expected, strict=True)):
        expected[place] = other if one_[5] is not None else (*other[:5], None, None)
        assert one_[5] is not None or other[5] == 0
    assert found == expected
