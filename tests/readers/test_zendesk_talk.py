"""Zendesk Talk: what each completion status becomes, newest versions, and dating the queue."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import DataWarning

CALL = {"id": "1", "created_at": "2024-03-01T08:00:00Z", "updated_at": "2024-03-01T08:05:00Z", "direction": "inbound", "agent_id": "31",
        "call_group_id": "4", "completion_status": "completed", "wait_time": "20", "time_to_answer": "35", "talk_time": "90",
        "hold_time": "5", "wrap_up_time": "7", "ivr_time_spent": "10", "voicemail": "false", "customer_requested_voicemail": "false",
        "overflowed": "false", "outside_business_hours": "false", "ivr_routed_to": "", "phone_number": "+4930"}  # fmt: skip


def read(*calls: dict[str, str], **options):
    frame = pd.DataFrame([{**CALL, "id": str(at), **call} for at, call in enumerate(calls)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read(frame, format="zendesk_talk", pseudonyms=False, **options)


@pytest.mark.parametrize(
    ("call", "outcome"),
    [
        ({}, "answered"),
        ({"voicemail": "true"}, "voicemail"),
        ({"agent_id": "", "voicemail": "True"}, "voicemail"),
        ({"agent_id": "", "customer_requested_voicemail": "1"}, "voicemail"),
        ({"agent_id": "", "overflowed": "true"}, "overflowed"),
        ({"agent_id": "", "ivr_routed_to": "+4989"}, "overflowed"),
        ({"agent_id": ""}, "unknown"),
        ({"agent_id": "", "outside_business_hours": "true"}, "blocked_closed"),
        ({"agent_id": "", "outside_business_hours": "true", "voicemail": "true"}, "blocked_closed"),
        ({"outside_business_hours": "true"}, "answered"),
        ({"completion_status": "abandoned_in_queue", "agent_id": ""}, "abandoned"),
        ({"completion_status": "abandoned_in_voicemail", "agent_id": ""}, "abandoned"),
        ({"completion_status": "not_answered", "agent_id": ""}, "abandoned"),
        ({"completion_status": "abandoned_in_ivr", "agent_id": ""}, "ivr_abandoned"),
        ({"completion_status": "abandoned_on_hold"}, "answered"),
        ({"completion_status": "pending_voicemail", "agent_id": ""}, "voicemail"),
        ({"completion_status": "not_available", "agent_id": ""}, "left_empty"),
        ({"completion_status": "failed", "agent_id": ""}, "failed"),
        ({"completion_status": "eaten", "agent_id": ""}, "unknown"),
    ],
)
def test_what_a_status_becomes(call: dict[str, str], outcome: str) -> None:
    assert read(call).contacts["outcome"].tolist() == [outcome]


def test_the_queue_is_dated_from_the_answer_or_after_the_menu() -> None:
    log = read({}, {"completion_status": "abandoned_in_queue", "agent_id": ""}, {"time_to_answer": "0"})
    assert log.contacts["queued_at"].dt.second.tolist() == [15, 10, 10]
    assert log.notes["count"].tolist() == [1]


def test_the_newest_version_counts_whatever_the_order() -> None:
    versions = [{"id": "7", "updated_at": f"2024-03-01T08:0{minute}:00Z", "wrap_up_time": str(minute)} for minute in (6, 9, 8)]
    log = read(*versions)
    assert log.contacts["wrap_s"].tolist() == [9]
    assert log.summary().set_index("rule")["lines"].to_dict() == {"call": 1, "another version of the same record is newer or came later": 2}


def test_outbound_calls_are_no_queue_visits() -> None:
    log = read({}, {"direction": "outbound"}, {"direction": "sideways"})
    assert (len(log.contacts), log.count("ignored"), log.count("rejected")) == (1, 1, 1)


def test_without_a_group_the_queue_is_the_line() -> None:
    log = read({"call_group_id": ""})
    assert log.contacts["queue"].tolist() == ["+4930"]
    assert log.notes["note"].str.startswith("no call group").all()
    assert read({"call_group_id": "", "phone_number": ""}).count("rejected") == 1


def test_bad_values_are_rejected() -> None:
    log = read({}, {"created_at": ""}, {"created_at": "soon"}, {"wait_time": "-1"}, {"wait_time": ""}, {"id": ""})
    assert log.rejected["line"].tolist() == [2, 3, 4, 5, 6]
