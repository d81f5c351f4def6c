"""The genesys_cloud_conversations reader: every outcome and trap by hand, and the vendor's sample of 2016 against a plain loop."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pandas as pd
import pytest
from exam_cases import cases_of

import ccstats as cc
from ccstats.errors import DataWarning, FormatError
from ccstats.schema import CONTACTS

DAY = "2024-03-01T"


def segment(kind: str, start: str, end: str | None, queue: str | None = "q", ended: str | None = None) -> dict[str, Any]:
    found: dict[str, Any] = {"segmentStart": f"{DAY}{start}.000Z", "segmentType": kind}
    found |= {"segmentEnd": f"{DAY}{end}.000Z"} if end else {}
    found |= {"queueId": queue} if queue else {}
    return found | ({"disconnectType": ended} if ended else {})


def session(purpose: str, *segments: dict[str, Any], user: str | None = None, metrics: dict[str, float] | None = None, **more: Any) -> Any:
    listed = [{"name": name, "value": value} for name, value in (metrics or {}).items()]
    return {
        "purpose": purpose,
        "userId": user,
        "sessions": [{"mediaType": "voice", "segments": list(segments), "metrics": listed, **more}],
    }


def conversation(*participants: Any, key: str = "c1", over: str | None = "10:00:00", **more: Any) -> dict[str, Any]:
    end = {"conversationEnd": f"{DAY}{over}.000Z"} if over else {}
    start = {"conversationId": key, "conversationStart": f"{DAY}09:00:00.000Z"}
    return {**start, **end, "originatingDirection": "inbound", "participants": list(participants), **more}


def read(*conversations: Any, **options: Any) -> cc.Log:
    data = json.dumps({"conversations": list(conversations)}).encode()
    log = cc.read(data, format="genesys_cloud_conversations", pseudonyms=False, **options)
    CONTACTS.check(log.contacts)
    return log


def row(*participants: Any, **more: Any) -> dict[str, Any]:
    contacts = read(conversation(*participants, **more)).contacts
    assert len(contacts) == 1
    return contacts.iloc[0].to_dict()


WAIT = segment("interact", "09:00:00", "09:00:30", ended="transfer")


@pytest.mark.parametrize(
    ("ended", "outcome"),
    [("peer", "abandoned"), ("endpoint", "abandoned"), ("transfer", "overflowed"), ("transfer.noanswer", "overflowed"),
     ("timeout", "timed_out"), ("error", "failed"), ("transport.failure", "failed"), ("uncallable", "failed")],
)  # fmt: skip
def test_without_metrics_the_end_of_the_segment_decides(ended: str, outcome: str) -> None:
    found = row(session("acd", segment("interact", "09:00:00", "09:00:30", ended=ended)))
    assert (found["outcome"], found["raw_outcome"], found["wait_s"]) == (outcome, ended, 30.0)
    assert pd.isna(found["agent"])


def test_a_figure_of_a_session_in_two_queues_is_that_of_the_last() -> None:
    first = segment("interact", "09:00:00", "09:00:50", "p", "transfer")
    second = segment("interact", "09:00:50", "09:01:50", "q", "transfer")
    agent = session("agent", segment("interact", "09:01:50", "09:05:00", "q"), user="u1")
    contacts = read(conversation(session("acd", first, second, metrics={"tAnswered": 60_000}), agent)).contacts
    assert contacts[["queue", "outcome", "wait_s"]].to_numpy().tolist() == [["p", "overflowed", 50.0], ["q", "answered", 60.0]]
    assert contacts["agent"].notna().tolist() == [False, True]


@pytest.mark.parametrize("ended", ["client", "spam", "brand.new"])
def test_other_ends_are_unknown_and_warned_about(ended: str) -> None:
    with pytest.warns(DataWarning, match=f"1 queue visits ended in a way .*{ended}"):
        found = row(session("acd", segment("interact", "09:00:00", "09:00:30", ended=ended)))
    assert (found["outcome"], found["raw_outcome"]) == ("unknown", ended)


@pytest.mark.parametrize(
    ("metrics", "flow", "outcome", "raw"),
    [({"tAbandon": 29_500, "tShortAbandon": 29_500}, None, "abandoned", "tAbandon"), ({"tFlowOut": 29_500}, None, "overflowed", "tFlowOut"),
     ({"tFlowOut": 29_500}, "Voicemail", "voicemail", "tFlowOut Voicemail"),
     ({"tFlowOut": 29_500}, "CALLBACK", "callback", "tFlowOut CALLBACK"),
     ({"tAnswered": 29_500, "tAcd": 1}, None, "answered", "tAnswered")],
)  # fmt: skip
def test_metrics_decide_where_there_are_any(metrics: dict[str, float], flow: str | None, outcome: str, raw: str) -> None:
    found = row(session("acd", WAIT, metrics=metrics, flowOutType=flow))
    assert (found["outcome"], found["raw_outcome"], found["wait_s"]) == (outcome, raw, 29.5)


def test_an_end_not_yet_there_is_open_and_has_no_wait() -> None:
    found = row(session("acd", segment("interact", "09:00:00", None)), over=None)
    assert found["outcome"] == "open"
    assert pd.isna(found["wait_s"])


def test_an_answer_without_the_agents_session_has_no_agent_and_no_talk() -> None:
    found = row(session("acd", WAIT, metrics={"tAnswered": 30_000}))
    assert found["outcome"] == "answered"
    assert all(pd.isna(found[name]) for name in ("agent", "ring_s", "talk_s", "hold_s", "wrap_s"))


def test_a_talk_not_yet_over_is_missing_not_zero() -> None:
    found = row(session("acd", WAIT), session("agent", segment("interact", "09:00:30", None), user="zoe"), over=None)
    assert (found["outcome"], found["agent"], found["wait_s"]) == ("answered", "zoe", 30.0)
    assert all(pd.isna(found[name]) for name in ("talk_s", "hold_s", "wrap_s"))


def test_hold_is_summed_apart_and_wrap_up_may_overlap() -> None:
    parts = [
        segment("interact", "09:00:30", "09:01:00"),
        segment("hold", "09:01:00", "09:01:10"),
        segment("interact", "09:01:10", "09:01:20"),
    ]
    agent = session("agent", *parts, segment("wrapup", "09:01:19", "09:01:24"), user="zoe")
    found = row(session("acd", WAIT), agent)
    assert (found["talk_s"], found["hold_s"], found["wrap_s"]) == (40.0, 10.0, 5.0)


def test_talk_per_segment_is_not_added_to_talk_per_session() -> None:
    agent = session("agent", segment("interact", "09:00:30", "09:01:30"), user="zoe", metrics={"tTalk": 30_000, "tTalkComplete": 60_000})
    assert row(session("acd", WAIT), agent)["talk_s"] == 60.0


def test_disagreements_are_counted_and_the_logged_figure_kept() -> None:
    agent = session("agent", segment("interact", "09:00:30", "09:01:30"), user="zoe", metrics={"tTalkComplete": 50_000})
    log = read(conversation(session("acd", WAIT, metrics={"tAnswered": 20_000}), agent))
    assert log.contacts[["wait_s", "talk_s"]].to_numpy().tolist() == [[20.0, 50.0]]
    assert log.notes["note"].str.contains("differs").tolist() == [True, True]


def test_two_visits_to_the_same_queue_have_each_their_own_agent() -> None:
    again = segment("interact", "09:05:00", "09:05:10", ended="transfer")
    agents = [session("agent", segment("interact", start, end), user=user) for start, end, user in
              [("09:05:10", "09:06:00", "second"), ("09:00:30", "09:04:00", "first")]]  # fmt: skip
    contacts = read(conversation(session("acd", again), *agents, session("acd", WAIT))).contacts
    assert contacts[["visit", "agent", "wait_s", "talk_s"]].to_numpy().tolist() == [[1, "first", 30.0, 210.0], [2, "second", 10.0, 50.0]]


def test_an_agent_of_another_queue_did_not_answer_this_one() -> None:
    log = read(conversation(session("acd", WAIT), session("agent", segment("interact", "09:00:30", "09:01:00", queue="other"), user="zoe")))
    assert log.contacts["outcome"].tolist() == ["overflowed"]


def test_further_agents_are_noted() -> None:
    agents = [session("agent", segment("interact", start, end), user=user) for start, end, user in
              [("09:00:30", "09:01:00", "a"), ("09:01:00", "09:02:00", "b")]]  # fmt: skip
    log = read(conversation(session("acd", WAIT), *agents))
    assert log.contacts[["agent", "talk_s"]].to_numpy().tolist() == [["a", 30.0]]
    assert log.notes["note"].str.contains("further agents").any()


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_conversation_in_two_answers_counts_once_in_its_latest_version(newest_first: bool) -> None:
    old = conversation(session("acd", segment("interact", "09:00:00", None)), over=None)
    new = conversation(session("acd", segment("interact", "09:00:00", "09:00:30", ended="peer")))
    log = read(*((new, old) if newest_first else (old, new)))
    assert log.contacts["outcome"].tolist() == ["abandoned"]
    assert (log.count(), log.count("used"), log.count("ignored")) == (2, 1, 1)


@pytest.mark.parametrize(
    ("more", "reason"),
    [({"conversationId": None}, "conversationId is missing"), ({"conversationId": 7}, "conversationId is no text"),
     ({"conversationStart": None}, "conversationStart is missing"), ({"conversationStart": "yesterday"}, "no instant"),
     ({"conversationStart": "2024-03-01T09:00:00"}, "no instant"), ({"conversationStart": 5}, "no instant"),
     ({"conversationStart": "0001-01-01T00:00:00Z"}, "outside 1970"), ({"participants": {}}, "no list of objects"),
     ({"participants": [session("acd", segment("interact", "09:00:30", "09:00:00"))]}, "ends before it starts"),
     ({"participants": [session("acd", WAIT, metrics={"tAnswered": -5})]}, "no duration"),
     ({"participants": [session("acd", WAIT, metrics={"tAnswered": True})]}, "no duration")],
)  # fmt: skip
def test_what_cannot_be_read_is_rejected_with_a_reason(more: dict[str, Any], reason: str) -> None:
    log = read(conversation(session("acd", WAIT), key="good"), {**conversation(session("acd", WAIT)), **more})
    assert log.contacts["contact_id"].tolist() == ["good"]
    assert log.rejected["line"].tolist() == [2]
    assert reason in log.rejected["reason"].iloc[0]
    with pytest.raises(FormatError, match="record 2: "):
        read(conversation(key="good"), {**conversation(session("acd", WAIT)), **more}, on_error="raise")


def test_all_shapes_of_file_read_alike() -> None:
    case = cases_of("genesys_cloud_conversations")[0]
    records = [json.loads(text) for text in case.units]
    plain = case.read().contacts
    shapes = [
        json.dumps(records),
        "".join(json.dumps(each) for each in records),
        "\n".join(json.dumps(each, indent=2) for each in records),
        json.dumps({"cursor": "x", "conversations": records, "aggregations": [{"a": [1]}]}),
        "".join(json.dumps({"conversations": [each], "totalHits": 1}) for each in records),
        "\n".join(json.dumps([each]) for each in records),
    ]
    for shape in shapes:
        log = case.read(shape.encode())
        pd.testing.assert_frame_equal(log.contacts, plain)
        assert (log.count(), log.count("rejected")) == (len(records), 0)


@pytest.mark.shared
def test_the_vendors_sample_of_2016(shared) -> None:
    """25 conversations; 21 visited a queue, each once; nothing is longer than what its segments say."""
    path = shared / "data" / "genesys_cloud" / "conversation_details_2016.json"
    log = cc.read(path)
    assert log.format == "genesys_cloud_conversations"
    assert (log.count(), log.count("used"), log.count("ignored"), log.count("rejected")) == (25, 21, 4, 0)
    contacts = log.contacts
    CONTACTS.check(contacts)
    assert not contacts.duplicated(["contact_id", "queue", "queued_at"]).any()
    assert contacts["outcome"].eq("answered").all()
    assert contacts["channel"].value_counts().to_dict() == {"callback": 19, "voice": 2}
    expected = {}
    for each in json.loads(path.read_text())["conversations"]:
        queue = agent = None
        for participant in each["participants"]:
            segments = participant["sessions"][0]["segments"]
            if participant["purpose"] == "acd":
                queue = next(part for part in segments if part["segmentType"] == "interact")
            elif participant["purpose"] == "agent" and any(part["segmentType"] == "interact" for part in segments):
                agent = (participant["userId"], segments)
        if queue is None:
            continue
        sums = {"interact": 0.0, "hold": 0.0, "wrapup": 0.0}
        for part in agent[1]:
            start, end = (datetime.fromisoformat(part[name]) for name in ("segmentStart", "segmentEnd"))
            if part["segmentType"] in sums:
                sums[part["segmentType"]] += (end - start).total_seconds()
        answer = next(part["segmentStart"] for part in agent[1] if part["segmentType"] == "interact")
        wait = (datetime.fromisoformat(answer) - datetime.fromisoformat(queue["segmentStart"])).total_seconds()
        expected[each["conversationId"]] = (queue["queueId"], agent[0], wait, *sums.values())
    found = {
        one.contact_id: (one.queue, one.agent, one.wait_s, one.talk_s, one.hold_s, one.wrap_s) for one in contacts.itertuples(index=False)
    }
    assert found.keys() == expected.keys()
    for key, figures in expected.items():
        assert found[key][:2] == figures[:2]
        assert found[key][2:] == pytest.approx(figures[2:], abs=1e-6)
