"""The amazon_connect_records reader: outcomes and traps by hand, redelivery in any order against a plain loop."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

import pandas as pd
import pytest
from exam_cases import cases_of

import ccstats as cc
from ccstats.errors import DataWarning, FormatError
from ccstats.schema import CONTACTS

DAY = "2024-03-01T"
QUEUE = {"Name": "q", "EnqueueTimestamp": f"{DAY}09:00:10Z", "DequeueTimestamp": f"{DAY}09:00:40Z", "Duration": 30}
AGENT = {"Username": "zoe", "ConnectedToAgentTimestamp": f"{DAY}09:00:40Z", "AgentInteractionDuration": 60, "CustomerHoldDuration": 5}


def record(key: str = "c1", **more: Any) -> dict[str, Any]:
    base = {
        "AWSAccountId": "0",
        "ContactId": key,
        "Channel": "VOICE",
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": f"{DAY}09:00:00Z",
        "LastUpdateTimestamp": f"{DAY}09:10:00Z",
        "DisconnectTimestamp": f"{DAY}09:05:00Z",
        "Queue": QUEUE,
    }
    return base | more


def read(*records: Any, **options: Any) -> cc.Log:
    log = cc.read("".join(map(json.dumps, records)).encode(), format="amazon_connect_records", pseudonyms=False, **options)
    CONTACTS.check(log.contacts)
    return log


@pytest.mark.parametrize(
    ("more", "outcome"),
    [({"Agent": AGENT}, "answered"), ({"Agent": AGENT, "NextContactId": "c2"}, "answered"),
     ({"DisconnectReason": "CUSTOMER_DISCONNECT"}, "abandoned"),
     ({"DisconnectReason": None}, "abandoned"), ({"DisconnectReason": "CONTACT_FLOW_DISCONNECT"}, "overflowed"),
     ({"DisconnectReason": "EXPIRED"}, "timed_out"), ({"DisconnectReason": "API"}, "withdrawn"),
     ({"DisconnectReason": "TELECOM_PROBLEM"}, "failed"), ({"NextContactId": "elsewhere"}, "overflowed"),
     ({"NextContactId": "elsewhere", "DisconnectReason": "CUSTOMER_DISCONNECT"}, "abandoned"),
     ({"DisconnectTimestamp": None, "Queue": {"Name": "q", "EnqueueTimestamp": f"{DAY}09:00:10Z"}}, "open")],
)  # fmt: skip
def test_outcomes(more: dict[str, Any], outcome: str) -> None:
    contacts = read(record(**more)).contacts
    assert contacts["outcome"].tolist() == [outcome]
    assert contacts["raw_outcome"].astype("str").fillna("").tolist() == [more.get("DisconnectReason") or ""]


@pytest.mark.parametrize(
    ("method", "outcome"),
    [("CALLBACK", "callback"), ("QUEUE_TRANSFER", "overflowed"), ("TRANSFER", "overflowed"), ("DISCONNECT", "abandoned")],
)
def test_the_next_contact_says_how_it_went_on(method: str, outcome: str) -> None:
    later = {"Name": "r", "EnqueueTimestamp": f"{DAY}09:00:50Z", "Duration": 5}
    log = read(record("c2", InitialContactId="c1", InitiationMethod=method, Queue=later), record("c1", NextContactId="c2"))
    assert log.contacts["outcome"].tolist()[0] == outcome
    assert log.contacts[["contact_id", "visit"]].to_numpy().tolist() == [["c1", 1], ["c1", 2]]


def test_a_hang_up_with_a_next_contact_elsewhere_is_counted() -> None:
    notes = dict(read(record(NextContactId="elsewhere", DisconnectReason="CUSTOMER_DISCONNECT")).notes.to_numpy())
    assert notes["the customer hung up, and a next contact is not in the log: abandoned, though it may be a callback"] == 1


def test_unknown_reasons_are_warned_about() -> None:
    with pytest.warns(DataWarning, match="1 contacts ended in a way .*'BARGED'"):
        assert read(record(DisconnectReason="BARGED")).contacts["outcome"].tolist() == ["unknown"]


def test_what_is_not_logged_is_missing() -> None:
    row = read(record(Agent={"ARN": "a/agent/u7", "ConnectedToAgentTimestamp": f"{DAY}09:00:40Z"})).contacts.iloc[0]
    assert row["agent"] == "u7"
    assert all(pd.isna(row[name]) for name in ("talk_s", "hold_s", "wrap_s", "ring_s"))


def test_a_wait_that_differs_is_counted_and_kept() -> None:
    log = read(record(Agent=AGENT, Queue={**QUEUE, "Duration": 50}))
    assert log.contacts["wait_s"].tolist() == [50.0]
    assert log.notes["note"].str.contains("differs").any()


def test_contacts_outside_queues_are_counted_not_shown() -> None:
    log = read(
        record("a", Queue=None), record("b", Agent=AGENT, Queue=None, InitiationMethod="OUTBOUND"), record("c", InitiationMethod="MONITOR")
    )
    assert len(log.contacts) == 0
    assert log.summary()[["fate", "lines"]].to_numpy().tolist() == [["ignored", 2], ["ignored", 1]]


@pytest.mark.parametrize(
    ("more", "reason"),
    [({"ContactId": None}, "ContactId is missing"), ({"ContactId": 7}, "ContactId is no text"), ({"Channel": None}, "Channel is missing"),
     ({"Agent": []}, None), ({"Agent": [1]}, "Agent is no object"), ({"Queue": {**QUEUE, "Duration": -1}}, "Queue.Duration is no number"),
     ({"Queue": {**QUEUE, "Duration": True}}, "Queue.Duration is no number"), ({"Queue": {**QUEUE, "Duration": 1e300}}, "Queue.Duration"),
     ({"LastUpdateTimestamp": "2024-03-01 09:00"}, "LastUpdateTimestamp is no instant"),
     ({"InitiationTimestamp": "0001-01-01T00:00:00Z"}, "1970"),
     ({"Queue": {**QUEUE, "Name": None}}, "neither Name nor ARN"), ({"AgentConnectionAttempts": 1.5}, "no whole number"),
     ({"Agent": {**AGENT, "ConnectedToAgentTimestamp": f"{DAY}09:00:00Z"}}, "before it was queued")],
)  # fmt: skip
def test_what_cannot_be_read_is_rejected_with_a_reason(more: dict[str, Any], reason: str | None) -> None:
    log = read(record("good"), record("bad") | more)
    assert log.rejected["line"].tolist() == ([] if reason is None else [2])
    assert reason is None or reason in log.rejected["reason"].iloc[0]
    if reason:
        with pytest.raises(FormatError, match="record 2: "):
            read(record("good"), record("bad") | more, on_error="raise")


@pytest.mark.parametrize("seed", range(6))
def test_a_stream_redelivered_out_of_order_counts_each_contact_once_in_its_newest_version(seed: int) -> None:
    rng = random.Random(seed)
    versions = []
    for at in range(rng.randrange(2, 40)):
        for _ in range(rng.choice([1, 1, 2, 4])):
            talk = rng.randrange(1000)
            updated = f"{DAY}10:{rng.randrange(60):02}:{rng.randrange(60):02}Z"
            one = record(f"c{at:02}", Agent={**AGENT, "AgentInteractionDuration": talk}, LastUpdateTimestamp=updated)
            versions += [one] * rng.choice([1, 1, 3])
    rng.shuffle(versions)
    newest: dict[str, tuple[str, int]] = {}
    for one in versions:
        told = (one["LastUpdateTimestamp"], one["Agent"]["AgentInteractionDuration"])
        if told[0] >= newest.get(one["ContactId"], ("", 0))[0]:
            newest[one["ContactId"]] = told
    texts = [json.dumps(one) for one in versions]
    at = rng.randrange(len(texts))
    halves = [part for part in ("".join(texts[:at]), "".join(texts[at:])) if part]
    whole = "".join(texts).encode()
    lines, listed = "\n".join(texts).encode(), f"[{','.join(texts)}]".encode()
    for source in (whole, lines, listed, gzip.compress(whole), [part.encode() for part in halves]):
        log = cc.read(source)
        assert log.format == "amazon_connect_records"
        found = dict(zip(log.contacts["contact_id"], log.contacts["talk_s"], strict=True))
        assert found == {key: float(talk) for key, (_, talk) in newest.items()}
        assert (log.count(), log.count("used"), log.count("rejected")) == (len(versions), len(newest), 0)


def test_all_shapes_of_file_read_alike() -> None:
    case = cases_of("amazon_connect_records")[0]
    records = [json.loads(text) for text in case.units]
    for shape in (json.dumps(records), "\n".join(json.dumps(each, indent=1) for each in records), json.dumps({"Records": records})):
        log = case.read(shape.encode())
        pd.testing.assert_frame_equal(log.contacts, case.read().contacts)
        assert log.count() == len(records)
