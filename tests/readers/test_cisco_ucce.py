"""Termination_Call_Detail: every disposition, both kinds of legs, and the traps, worked by hand."""

from __future__ import annotations

import warnings

import pytest

import ccstats as cc
from ccstats.errors import DataWarning, OptionError, ZoneError

ZONE = "Europe/Berlin"
LEG = {
    "RecoveryKey": "1",
    "AgentSkillTargetID": "5001",
    "SkillGroupSkillTargetID": "5101",
    "CallTypeID": "5201",
    "RouterCallKeyDay": "153000",
    "RouterCallKey": "7",
    "DateTime": "2024-03-01 09:10:00",
    "PeripheralCallType": "2",
    "CallDisposition": "13",
    "Duration": "100",
    "RingTime": "10",
    "TalkTime": "60",
    "HoldTime": "5",
    "WorkTime": "25",
    "LocalQTime": "0",
    "DelayTime": "0",
    "TimeToAband": "0",
    "EnterpriseQueueTime": "30",
    "TimeZone": "-60",
    "ANI": "+4930",
    "MRDomainID": "1",
}


def read(*legs: dict[str, str], **options):
    lines = [",".join(LEG), *(",".join({**LEG, "RecoveryKey": str(at), **leg}.values()) for at, leg in enumerate(legs))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read("\n".join(lines).encode() + b"\n", **{"timezone": ZONE, "pseudonyms": False, **options})


def one(**leg: str) -> dict:
    (row,) = read(leg).contacts.to_dict("records")
    return row


def test_a_handled_leg() -> None:
    row = one()
    # Ended 08:10:00 UTC, lasted 100 s at the agent's phone, 30 s in the network's queue before.
    assert str(row["queued_at"]) == "2024-03-01 08:07:50+00:00"
    assert [row[name] for name in ("wait_s", "ring_s", "talk_s", "hold_s", "wrap_s")] == [40, 10, 60, 5, 25]
    assert (row["contact_id"], row["queue"], row["agent"], row["customer"]) == ("153000-7", "5201", "5001", "+4930")


@pytest.mark.parametrize(
    ("code", "with_agent", "alone"),
    [
        ("1", "abandoned", "abandoned"),
        ("2", "abandoned", "abandoned"),
        ("3", "abandoned", "abandoned"),
        ("4", "abandoned", "abandoned"),
        ("5", "abandoned", "abandoned"),
        ("6", "answered", "abandoned"),
        ("7", "abandoned", "abandoned"),
        ("9", "blocked_full", "blocked_full"),
        ("13", "answered", None),
        ("14", "answered", None),
        ("17", "overflowed", "overflowed"),
        ("18", "overflowed", "overflowed"),
        ("22", "timed_out", "timed_out"),
        ("27", "failed", "failed"),
        ("28", "answered", None),
        ("29", "answered", None),
        ("30", "answered", None),
        ("52", "answered", None),
        ("60", "failed", "failed"),
        ("99", "unknown", "unknown"),
        ("15", None, None),
        ("19", None, None),
        ("53", None, None),
        ("58", None, None),
    ],
)
def test_what_a_disposition_becomes(code: str, with_agent: str | None, alone: str | None) -> None:
    for agent, wanted in (("5001", with_agent), ("NULL", alone), ("", alone)):
        found = read({"CallDisposition": code, "AgentSkillTargetID": agent}).contacts["outcome"].tolist()
        assert found == ([] if wanted is None else [wanted])


def test_unknown_dispositions_warn() -> None:
    data = (",".join(LEG) + "\n" + ",".join({**LEG, "CallDisposition": "88"}.values()) + "\n").encode()
    with pytest.warns(DataWarning, match=r"1 contacts have an outcome that format 'cisco_ucce' does not know \('88'\)"):
        assert cc.read(data, timezone=ZONE).contacts["outcome"].tolist() == ["unknown"]


def test_given_up_while_ringing_waited_in_the_network_too() -> None:
    row = one(CallDisposition="3", TimeToAband="9", RingTime="9", Duration="9", TalkTime="0", HoldTime="0", WorkTime="0")
    assert (row["wait_s"], str(row["queued_at"])) == (39, "2024-03-01 08:09:21+00:00")
    assert row["ended_by"] == "customer"


def test_given_up_in_the_voice_response_unit() -> None:
    leg = {"CallDisposition": "2", "AgentSkillTargetID": "", "TimeToAband": "75", "Duration": "75", "PeripheralCallType": "1"}
    row = one(**leg, RingTime="0", TalkTime="0", HoldTime="0", WorkTime="0", LocalQTime="75", EnterpriseQueueTime="75")
    assert (row["wait_s"], str(row["queued_at"])) == (75, "2024-03-01 08:08:45+00:00")


def test_offers_not_taken_are_counted_at_the_next_visit() -> None:
    legs = [
        {"CallDisposition": "19", "DateTime": "2024-03-01 09:00:00"},
        {"CallDisposition": "15", "DateTime": "2024-03-01 09:01:00"},
        {"CallDisposition": "28", "DateTime": "2024-03-01 09:10:00"},
        {"CallDisposition": "19", "DateTime": "2024-03-01 09:12:00"},
        {"CallDisposition": "13", "DateTime": "2024-03-01 09:20:00"},
        {"CallDisposition": "13", "DateTime": "2024-03-01 09:20:00", "RouterCallKey": "8"},
    ]
    contacts = read(*reversed(legs)).contacts
    assert contacts[["contact_id", "visit", "ring_attempts", "ring_noanswer"]].to_numpy().tolist() == [
        ["153000-7", 1, 3, 2],
        ["153000-7", 2, 2, 1],
        ["153000-8", 1, 1, 0],
    ]


def test_calls_that_do_not_come_in_are_left_out_by_rule() -> None:
    log = read({"PeripheralCallType": "9"}, {"PeripheralCallType": "10"}, {"PeripheralCallType": ""})
    assert len(log.contacts) == 1
    assert log.count("ignored") == 2 + 1


def test_queues_are_call_types_or_skill_groups() -> None:
    legs = [{}, {"CallTypeID": "", "RouterCallKey": "8"}]
    log = read(*legs)
    assert log.contacts["queue"].tolist() == ["5201", "5101"]
    assert log.notes["note"].str.contains("no call_type: the queue is the skill group").any()
    assert read(*legs, queue_by="skill_group").contacts["queue"].tolist() == ["5101", "5101"]
    with pytest.raises(OptionError, match="queue_by='team': expected 'call_type' or 'skill_group'"):
        read(queue_by="team")


def test_figures_that_do_not_add_up_are_counted_not_repaired() -> None:
    log = read({"Duration": "160"})
    assert log.contacts["wait_s"].tolist() == [40]
    assert log.notes["note"].str.startswith("Duration is not LocalQTime").any()
    assert len(read({"Duration": "101"}).notes) == 0


def test_a_zone_that_the_rows_contradict_is_noted() -> None:
    assert len(read({}).notes) == 0
    assert read({}, timezone="America/New_York").notes["note"].str.startswith("TimeZone of the row is not the zone").any()
    with pytest.raises(ZoneError, match="holds local times"):
        read({}, timezone=None)


def test_what_is_not_logged_is_missing() -> None:
    data = b"RouterCallKeyDay,RouterCallKey,DateTime,CallDisposition,TalkTime,AgentSkillTargetID,CallTypeID\n"
    row = cc.read(data + b"1,2,2024-03-01 09:00:00,13,60,5,6\n", timezone=ZONE).contacts.iloc[0]
    assert row[["hold_s", "wrap_s", "ring_s"]].isna().all()
    assert "customer" not in row


def test_a_recovery_key_counts_once() -> None:
    log = read({"RecoveryKey": "5"}, {"RecoveryKey": "5"})
    assert len(log.contacts) == 1
    assert log.rejected["reason"].tolist() == ["repeats an earlier row (same RecoveryKey)"]


def test_a_call_that_was_not_routed_is_known_by_its_recovery_key() -> None:
    assert one(RouterCallKey="NULL")["contact_id"] == "recovery-0"
    assert read({"RouterCallKey": "", "RecoveryKey": ""}).rejected["reason"].tolist() == [
        "RouterCallKeyDay, RouterCallKey and RecoveryKey are blank"
    ]


def test_other_domains_are_tasks() -> None:
    assert [one(MRDomainID=domain)["channel"] for domain in ("1", "0", "5000")] == ["voice", "voice", "task"]
