"""Twilio TaskRouter: every outcome, transfers, lost events, workers with several tasks at once, and all forms alike."""

from __future__ import annotations

import json
import random
import re
import warnings
from typing import Any

import pandas as pd
import pytest
from exam_cases import SAMPLES

import ccstats as cc
from ccstats.errors import DataWarning, OptionError

ZERO = pd.Timestamp("2024-03-01T09:00:00Z")
ATTRIBUTES = '{"call_sid": "CA1", "direction": "inbound", "from": "+49301", "to": "+49302"}'
Facts = dict[str, Any]


def event(second: float, kind: str, queue: str | None = None, res: str | None = None, worker: str | None = None, **more: Any) -> Facts:
    milliseconds = ZERO.value // 1_000_000 + round(second * 1000)
    facts: Facts = {"EventType": kind, "WorkspaceSid": "WS1", "Timestamp": str(milliseconds // 1000), "TimestampMs": str(milliseconds)}
    if not kind.startswith(("worker.", "activity.")):
        facts |= {"TaskSid": "WT1", "TaskAttributes": ATTRIBUTES, "TaskChannelUniqueName": "voice"}
    facts |= {"TaskQueueName": queue, "TaskQueueSid": f"WQ{queue}"} if queue else {}
    facts |= {"ReservationSid": res} if res else {}
    facts |= {"WorkerSid": f"WK{worker}", "WorkerName": worker} if worker else {}
    facts |= more
    # Of an event of its own as of one that was sent again, the Sid is made of what it says.
    return {**facts, "Sid": f"EV{abs(hash(json.dumps(facts, sort_keys=True)))}"}


def activity(second: float, worker: str, now: str, before: str | None = None, spent_s: float | None = None) -> Facts:
    more: Facts = {"WorkerActivityName": now}
    more |= {"WorkerPreviousActivityName": before} if before else {}
    more |= {"WorkerTimeInPreviousActivityMs": str(round(spent_s * 1000))} if spent_s is not None else {}
    return event(second, "worker.activity.update", worker=worker, **more)


def read(*events: Facts, **options: Any) -> cc.Log:
    text = "\n".join(json.dumps(each, ensure_ascii=False) for each in events).encode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read(text, format="twilio_taskrouter", pseudonyms=False, **options)


def visits(log: cc.Log, *columns: str) -> list[tuple[Any, ...]]:
    frame = log.contacts[list(columns)].astype(object)
    return list(frame.where(frame.notna(), None).itertuples(index=False, name=None))


def spans(log: cc.Log) -> list[tuple[str, float, float, str, str]]:
    return [
        (each.agent, (each.started_at - ZERO).total_seconds(), (each.ended_at - ZERO).total_seconds(), each.state, each.closed_by)
        for each in log.agent_states.itertuples()
    ]


ENTERED = event(0, "task-queue.entered", "q")
TAKEN = (event(10, "reservation.created", "q", "r1", "Ada"), event(15, "reservation.accepted", "q", "r1", "Ada"))


@pytest.mark.parametrize(
    ("last", "outcome", "raw"),
    [
        (event(40, "task.canceled", TaskCanceledReason="hangup"), "abandoned", "task.canceled hangup"),
        (event(40, "task.canceled"), "abandoned", "task.canceled"),
        (event(40, "task.canceled", TaskCanceledReason="redirected"), "overflowed", "task.canceled redirected"),
        (event(40, "task.canceled", TaskCanceledReason="Gone fishing"), "unknown", "task.canceled Gone fishing"),
        (event(40, "workflow.timeout"), "timed_out", "workflow.timeout"),
        (event(40, "workflow.skipped"), "overflowed", "workflow.skipped"),
        (event(40, "task-queue.timeout", "q"), "timed_out", "task-queue.timeout"),
        (event(40, "task-queue.moved", "q"), "overflowed", "task-queue.moved"),
        (event(40, "task.deleted"), "failed", "task.deleted"),
        (event(40, "task.system-deleted"), "failed", "task.system-deleted"),
        (event(40, "task.completed"), "unknown", "task.completed"),
        (event(40, "task.updated"), "open", None),
    ],
)
def test_what_becomes_of_a_stay_that_nobody_took(last: Facts, outcome: str, raw: str | None) -> None:
    assert visits(read(ENTERED, last), "outcome", "raw_outcome", "wait_s", "agent") == [(outcome, raw, 40.0, None)]


def test_a_step_that_timed_out_and_moved_timed_out_whichever_came_first() -> None:
    for first, second in (("timeout", "moved"), ("moved", "timeout")):
        log = read(ENTERED, event(30, f"task-queue.{first}", "q"), event(30.1, f"task-queue.{second}", "q"))
        assert visits(log, "outcome") == [("timed_out",)]


def test_reasons_of_an_application_may_be_told() -> None:
    events = (ENTERED, event(40, "task.canceled", TaskCanceledReason="Mailbox"))
    assert visits(read(*events, reasons={"mailbox": "voicemail"}), "outcome") == [("voicemail",)]
    with pytest.raises(OptionError, match="reasons="):
        read(*events, reasons={"mailbox": "fax"})
    with pytest.raises(OptionError, match="activities="):
        read(*events, activities=["Training"])


def test_the_parts_of_an_answered_contact() -> None:
    log = read(ENTERED, *TAKEN, event(75, "reservation.wrapup", "q", "r1", "Ada"), event(95, "reservation.completed", "q", "r1", "Ada"))
    assert visits(log, "outcome", "wait_s", "ring_s", "talk_s", "wrap_s", "agent") == [("answered", 15.0, 5.0, 60.0, 20.0, "Ada")]
    assert log.contacts["hold_s"].isna().all()


def test_while_talk_goes_on_it_is_missing() -> None:
    assert visits(read(ENTERED, *TAKEN), "outcome", "wait_s", "talk_s") == [("answered", 15.0, None)]


def test_without_a_wrap_up_talk_lasts_to_the_end() -> None:
    log = read(ENTERED, *TAKEN, event(75, "reservation.completed", "q", "r1", "Ada"))
    assert visits(log, "talk_s", "wrap_s") == [(60.0, None)]
    assert "completed without a wrap-up: talk_s lasts to the end, wrap_s is missing" in set(log.notes["note"])


def test_the_tasks_own_events_stand_in_for_lost_ones() -> None:
    log = read(ENTERED, *TAKEN, event(75, "task.wrapup"), event(95, "task.completed"))
    assert visits(log, "talk_s", "wrap_s") == [(60.0, 20.0)]
    assert [each[1:4] for each in spans(log)] == [(10, 15, "reserved"), (15, 75, "on_contact"), (75, 95, "wrap")]


def test_an_acceptance_that_is_lost() -> None:
    log = read(ENTERED, TAKEN[0], event(75, "reservation.wrapup", "q", "r1", "Ada"), event(95, "reservation.completed", "q", "r1", "Ada"))
    assert visits(log, "outcome", "wait_s", "ring_s", "talk_s") == [("answered", 10.0, None, 65.0)]
    assert dict(log.notes.to_numpy())["reservation.accepted is lost: taken when it was made"] == 1


def test_a_queue_joined_in_an_event_that_is_lost() -> None:
    entered = {"TaskQueueEnteredDate": "2024-03-01T09:00:02Z"}
    log = read(
        event(10, "reservation.created", "q", "r1", "Ada", **entered), event(15, "reservation.accepted", "q", "r1", "Ada", **entered)
    )
    assert visits(log, "queue", "wait_s") == [("q", 13.0)]
    for seconds in ("1709283602", "1709283602000"):
        assert visits(read({**TAKEN[0], "TaskQueueEnteredDate": seconds}, TAKEN[1]), "wait_s") == [(13.0,)]
    log = read(*TAKEN)
    assert len(log.contacts) == 0
    assert dict(log.notes.to_numpy())["tasks that joined no queue in the log: no contact"] == 1
    # Where both are there and disagree, it is counted.
    log = read(ENTERED, TAKEN[0], {**TAKEN[1], "TaskQueueEnteredDate": "2024-03-01T08:59:00Z"})
    assert dict(log.notes.to_numpy())["TaskQueueEnteredDate is not when task-queue.entered came: the event is taken"] == 1


def test_offers_let_pass_are_counted_and_rescinded_ones_are_not() -> None:
    offers = [
        (event(at, "reservation.created", "q", f"r{at}", who), event(at + 5, f"reservation.{how}", "q", f"r{at}", who))
        for at, who, how in ((1, "A", "timeout"), (2, "B", "rejected"), (3, "C", "rescinded"), (4, "D", "canceled"), (5, "E", "accepted"))
    ]
    log = read(ENTERED, *(each for pair in offers for each in pair))
    assert visits(log, "outcome", "wait_s", "agent", "ring_attempts", "ring_noanswer") == [("answered", 10.0, "E", 5, 2)]
    assert {each[3] for each in spans(log) if each[0] != "E"} == {"reserved"}


def test_the_same_queue_again_is_one_stay_and_after_another_queue_a_new_one() -> None:
    again = (event(20, "task-queue.timeout", "q"), event(20, "task-queue.entered", "q"))
    log = read(ENTERED, *again, event(50, "task.canceled", TaskCanceledReason="hangup"))
    assert visits(log, "queue", "outcome", "wait_s") == [("q", "abandoned", 50.0)]
    log = read(ENTERED, event(20, "task-queue.entered", "p"), event(30, "task-queue.entered", "q"), event(50, "task.canceled"))
    assert visits(log, "visit", "queue", "outcome", "wait_s") == [
        (1, "q", "overflowed", 20.0), (2, "p", "overflowed", 10.0), (3, "q", "abandoned", 20.0),
    ]  # fmt: skip


def sent(second: float, kind: str, to: str, queue: str) -> Facts:
    return event(second, "task.transfer-initiated", queue, TransferType=kind, TransferTo=to, TransferInitiatingReservationSid="r1")


def test_a_transfer_to_a_queue_is_a_visit_of_its_own() -> None:
    second = (event(70, "reservation.created", "p", "r2", "Bo"), event(72, "reservation.accepted", "p", "r2", "Bo"))
    log = read(ENTERED, *TAKEN, sent(60, "QUEUE", "WQp", "p"), *second, event(99, "task.canceled", TaskCanceledReason="hangup"))
    assert visits(log, "queue", "outcome", "wait_s", "transferred_to", "agent") == [
        ("q", "answered", 15.0, "p", "Ada"), ("p", "answered", 12.0, None, "Bo"),
    ]  # fmt: skip
    # The queue's own event, if there is one, begins no other.
    log = read(ENTERED, *TAKEN, sent(60, "QUEUE", "WQp", "p"), event(60.2, "task-queue.entered", "p"), *second)
    assert visits(log, "queue", "wait_s") == [("q", 15.0), ("p", 12.0)]


@pytest.mark.parametrize(
    ("last", "outcome", "to"),
    [
        ((event(80, "task.transfer-canceled"),), "withdrawn", None),
        ((event(80, "task.transfer-failed"),), "failed", None),
        ((event(80, "task.transfer-failed"), event(80, "task.canceled", TaskCanceledReason="hangup")), "abandoned", "p"),
        ((event(80, "task.canceled", TaskCanceledReason="hangup"),), "abandoned", "p"),
    ],
)
def test_a_transfer_that_nobody_took(last: tuple[Facts, ...], outcome: str, to: str | None) -> None:
    log = read(ENTERED, *TAKEN, sent(60, "QUEUE", "WQp", "p"), *last)
    assert visits(log, "queue", "outcome", "wait_s") == [("q", "answered", 15.0), ("p", outcome, 20.0)]
    assert ("transferred_to" in log.contacts) == (to is not None)  # where nobody was sent on there is no such column
    if to is not None:
        assert visits(log, "transferred_to") == [(to,), (None,)]


def test_what_fails_after_a_transfer_was_taken_does_not_undo_it() -> None:
    second = (event(70, "reservation.created", "p", "r2", "Bo"), event(72, "reservation.accepted", "p", "r2", "Bo"))
    log = read(ENTERED, *TAKEN, sent(60, "QUEUE", "WQp", "p"), *second, event(90, "task.transfer-failed"))
    assert visits(log, "queue", "transferred_to") == [("q", "p"), ("p", None)]


def test_a_transfer_to_a_worker_who_refused_sent_nothing_on() -> None:
    refused = (event(70, "reservation.created", "q", "r2", "Bo"), event(75, "reservation.rejected", "q", "r2", "Bo"))
    over = (event(76, "task.transfer-failed"), event(90, "reservation.completed", "q", "r1", "Ada"))
    log = read(ENTERED, *TAKEN, {**sent(60, "WORKER", "", "q"), "TransferTo": "WKBo"}, *refused, *over)
    assert visits(log, "queue", "outcome", "agent") == [("q", "answered", "Ada")]
    assert "transferred_to" not in log.contacts


@pytest.mark.parametrize("to", ["WKBo", None])
def test_a_transfer_to_a_worker_is_no_visit(to: str | None) -> None:
    second = (event(70, "reservation.created", "q", "r2", "Bo"), event(72, "reservation.accepted", "q", "r2", "Bo"))
    over = (event(90, "reservation.completed", "q", "r1", "Ada"), event(99, "reservation.completed", "q", "r2", "Bo"))
    log = read(ENTERED, *TAKEN, {**sent(60, "WORKER", "", "q"), "TransferTo": to}, *second, *over)
    assert visits(log, "queue", "talk_s", "transferred_to") == [("q", 75.0, "Bo" if to else "WK")]
    assert [each[1:4] for each in spans(log) if each[0] == "Bo"] == [(70, 72, "reserved"), (72, 99, "on_contact")]


def test_the_contact_is_the_conversation_or_the_call_or_the_task() -> None:
    def named(*attributes: Any) -> str:
        events = [event(at, "task.updated", TaskAttributes=each) for at, each in enumerate(attributes, 1)]
        log = read({**ENTERED, "TaskAttributes": "{}"}, *events)
        return str(log.contacts["contact_id"][0])

    assert named('{"call_sid": "CA1"}') == "CA1"
    assert named('{"call_sid": "CA1"}', '{"call_sid": "CA1", "conversations": {"conversation_id": "7"}}') == "7"
    assert named({"conversations": {"conversation_id": "8"}}) == "8"
    for nothing in ("{}", "no JSON", '{"call_sid": 7, "conversations": []}', "[" * 5000, "null"):
        assert named(nothing) == "WT1"


def test_customer_and_direction_from_the_attributes() -> None:
    attributes = '{"direction": "outbound", "to": "+491", "from": "+492", "conversations": {"hang_up_by": "Agent"}}'
    log = read(*({**each, "TaskAttributes": attributes} for each in (ENTERED, *TAKEN)))
    assert visits(log, "direction", "customer", "ended_by") == [("outbound", "+491", "agent")]
    assert "dnis" not in log.contacts
    log = read(ENTERED, *TAKEN)
    assert visits(log, "direction", "customer", "dnis") == [("inbound", "+49301", "+49302")]


def test_activities_and_what_they_mean() -> None:
    events = (
        activity(0, "Ada", "Available"),
        activity(60, "Ada", "Training"),
        activity(90, "Ada", "Chat only"),
        activity(99, "Ada", "Offline"),
    )
    assert [each[1:4] for each in spans(read(*events))] == [(0, 60, "available"), (60, 90, "pause"), (90, 99, "pause")]
    log = read(*events, activities={"chat only": "available", "TRAINING": "other"})
    assert [each[1:4] for each in spans(log)] == [(0, 60, "available"), (60, 90, "other"), (90, 99, "available")]
    assert log.agent_states["reason"].astype("str").fillna("").tolist() == ["", "Training", ""]
    told = event(0, "activity.created", ActivityName="Chat only", ActivityAvailable="true")
    assert [each[3] for each in spans(read(told, *events))] == ["available", "pause", "available"]
    assert [each[3] for each in spans(read(told, *events, activities={"chat only": "pause"}))] == ["available", "pause", "pause"]


def test_the_activity_before_the_first_event_is_known() -> None:
    log = read(activity(0, "Bo", "Offline"), activity(60, "Ada", "Break", "Available", 100), activity(70, "Cy", "Available", "Break", 100))
    # To be available is believed from the log's first event on.
    assert spans(log)[:2] == [("Ada", 0, 60, "available", "next_event"), ("Ada", 60, 70, "pause", "end_of_file")]
    assert spans(log)[2] == ("Cy", -30, 70, "pause", "next_event")


def test_an_activity_whose_event_is_lost() -> None:
    log = read(
        activity(0, "Ada", "Available", "Offline", 9), activity(100, "Ada", "Available", "Break", 40), activity(120, "Ada", "Offline")
    )
    assert spans(log) == [
        ("Ada", 0, 60, "available", "assumed"), ("Ada", 60, 100, "pause", "next_event"), ("Ada", 100, 120, "available", "next_event"),
    ]  # fmt: skip
    # Before May 2021 the seconds of a stream were milliseconds.
    old = {**activity(0, "Ada", "Break", "Training"), "TimestampMs": "1600000000000", "WorkerTimeInPreviousActivity": "60000"}
    assert len(read(old, activity(10, "Bo", "Break")).agent_states) == 1
    # In whole seconds, cut off, it is not lost.
    log = read(activity(0, "Ada", "Available"), {**activity(60.9, "Ada", "Break", "Available"), "WorkerTimeInPreviousActivity": "60"})
    assert [each[1:4] for each in spans(log)] == [(0, 60.9, "available")]


def test_a_worker_with_several_contacts_at_once_has_one_state() -> None:
    events = [activity(0, "Ada", "Available")]
    for task, begin, end in (("1", 10, 100), ("2", 20, 50), ("3", 80, 130)):
        facts = [event(begin, "reservation.created", "q", f"r{task}", "Ada"), event(begin, "reservation.accepted", "q", f"r{task}", "Ada"),
                 event(end, "reservation.completed", "q", f"r{task}", "Ada")]  # fmt: skip
        events += [{**each, "TaskSid": f"WT{task}", "TaskAttributes": "{}"} for each in facts]
    log = read(*events, activity(200, "Ada", "Offline"))
    assert [each[1:4] for each in spans(log)] == [
        (0, 10, "available"),
        (10, 100, "on_contact"),
        (100, 130, "on_contact"),
        (130, 200, "available"),
    ]
    assert log.agent_states["contact_id"].fillna("").tolist() == ["", "WT1", "WT3", ""]


def test_a_reservation_without_an_end_lasts_until_the_worker_goes_offline() -> None:
    log = read(ENTERED, *TAKEN, activity(60, "Ada", "Offline"), activity(9000, "Bo", "Available"))
    assert spans(log) == [("Ada", 10, 15, "reserved", "event"), ("Ada", 15, 60, "on_contact", "assumed")]
    log = read(ENTERED, *TAKEN, activity(60, "Bo", "Offline"))
    assert spans(log)[-1] == ("Ada", 15, 60, "on_contact", "end_of_file")


def test_events_of_one_second_are_put_in_their_order() -> None:
    events = [ENTERED, *TAKEN, event(75, "reservation.wrapup", "q", "r1", "Ada"), event(75, "reservation.completed", "q", "r1", "Ada")]
    same = [{**each, "TimestampMs": None, "Timestamp": "1709283600"} for each in events]
    log = read(*same[::-1])
    assert visits(log, "outcome", "wait_s", "ring_s", "talk_s", "wrap_s") == [("answered", 0.0, 0.0, 0.0, 0.0)]


def test_any_order_and_any_number_of_deliveries() -> None:
    rng = random.Random(3)
    for name in ("callbacks.jsonl", "stream.json"):
        text = (SAMPLES / "twilio_taskrouter" / name).read_text()
        records = json.loads(text) if name == "stream.json" else [json.loads(each) for each in text.splitlines() if each.endswith("}")]
        whole = read(*records)
        for _ in range(10):
            several = rng.choices(records, k=20) + records
            rng.shuffle(several)
            log = read(*several)
            pd.testing.assert_frame_equal(log.contacts, whole.contacts)
            pd.testing.assert_frame_equal(log.agent_states, whole.agent_states)
            assert log.count("used") == whole.count("used")


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def test_all_forms_are_read_alike() -> None:
    lines = (SAMPLES / "twilio_taskrouter" / "callbacks.jsonl").read_text().splitlines()
    good = [facts for each in lines if each.endswith("}") and "soon" not in (facts := json.loads(each)).values() and "EventType" in facts]
    whole = read(*good)
    stream, listed = [], []
    for facts in good:
        payload = {"eventtype" if name == "EventType" else snake(name): value for name, value in facts.items() if name[:9] != "Timestamp"}
        at = pd.Timestamp(int(facts["TimestampMs"]), unit="ms", tz="UTC").isoformat()
        kind, about = facts["EventType"], {"sid": facts["Sid"], "product_name": "TaskRouter"}
        stream.append(
            {"specversion": "1.0", "type": f"com.twilio.taskrouter.{kind}", "data": {**about, "payload": {**payload, "timestamp": at}}}
        )
        inner = {name: value for name, value in payload.items() if name not in ("eventtype", "sid")}
        listed.append(
            {"account_sid": "AC1", "event_data": inner, "event_date_ms": int(facts["TimestampMs"]), "event_type": kind, "sid": facts["Sid"]}
        )
    page = json.dumps({"events": listed, "meta": {"page": 0, "key": "events"}}).encode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        pages = cc.read(page, pseudonyms=False)
        rows = cc.read(pd.DataFrame(good).rename(columns=snake), format="twilio_taskrouter", pseudonyms=False)
    for other in (read(*stream), pages, rows):
        assert other.count("used") == whole.count("used")
        pd.testing.assert_frame_equal(other.contacts, whole.contacts)
        pd.testing.assert_frame_equal(other.agent_states, whole.agent_states)


def test_a_frame_has_its_bad_rows() -> None:
    frame = pd.DataFrame([ENTERED, {**ENTERED, "Sid": "EV2", "TimestampMs": "soon"}, {"Sid": "EV3"}])
    log = cc.read(frame, format="twilio_taskrouter", keep_text=True)
    assert log.rejected["line"].tolist() == [2, 3]
    assert "EV3" in log.rejected["text"][1]
    assert log.count() == 3


def test_a_row_of_several_lines_counts_as_many() -> None:
    text = (SAMPLES / "twilio_taskrouter" / "table.csv").read_text()
    assert cc.read(text.encode()).count() == 9
    log = cc.read(text.replace(', ""direction', ',\n""direction').encode())
    assert (log.count(), log.count("used"), log.count("ignored"), log.count("rejected")) == (14, 10, 3, 1)
    log = cc.read((text + 'EV8,task.created,WS1,soon,WT3,"{\n}",voice,,,,,,,,,\n').encode())
    assert log.count("rejected") == 3


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({**ENTERED, "EventType": None}, "EventType is missing"),
        ({**ENTERED, "EventType": ["task"]}, "EventType is no text"),
        ({**ENTERED, "TaskSid": ""}, "TaskSid is missing"),
        ({**TAKEN[0], "ReservationSid": None}, "ReservationSid is missing"),
        ({**ENTERED, "TimestampMs": "99999999999999"}, "TimestampMs is outside 1970 to 2200"),
        ({**ENTERED, "TimestampMs": "-5"}, "TimestampMs is no instant such as 2024-03-01T09:00:00.000Z"),
        ({**ENTERED, "TimestampMs": None, "Timestamp": None}, "Timestamp is missing"),
        ({"type": "com.twilio.taskrouter.task.created", "data": {"payload": 7}}, "payload is no object"),
        ({"type": "com.twilio.taskrouter.task.created", "data": {}}, "Timestamp is missing"),
        ({**activity(0, "Ada", "Break"), "WorkerTimeInPreviousActivityMs": "long"}, "WorkerTimeInPreviousActivityMs is no number"),
    ],
)
def test_bad_records_are_rejected_with_their_reason(record: Facts, reason: str) -> None:
    assert read(record).rejected["reason"].tolist() == [reason]


def test_types_that_are_not_known_are_warned_of() -> None:
    with pytest.warns(DataWarning, match=r"1 events have an EventType .*task\.teleported"):
        log = cc.read(json.dumps(event(0, "task.teleported")).encode())
    assert log.summary()[["fate", "rule"]].to_numpy().tolist() == [["ignored", "EventType is not known"]]


@pytest.mark.filterwarnings("ignore::ccstats.errors.DataWarning")
def test_records_that_write_their_fields_differently_are_read_alike() -> None:
    text = (SAMPLES / "twilio_taskrouter" / "callbacks.jsonl").read_text(encoding="utf-8")
    records = [json.loads(line) for line in text.splitlines() if line.startswith('{"EventType"') and line.endswith("}")]
    snake = [{re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower(): value for key, value in record.items()} for record in records]
    # A number and an object where others have text.
    typed = [
        {
            key: json.loads(value) if key == "TimestampMs" and value.isdecimal() or value[:2] == '{"' else value
            for key, value in each.items()
        }
        for each in records
    ]
    plain, *others = (
        cc.read("".join(json.dumps(each) + "\n" for each in those).encode(), format="twilio_taskrouter", key="k")
        for those in (records, *([one if at % 3 else other for at, (one, other) in enumerate(zip(records, those, strict=True))]
                                 for those in (snake, typed)))
    )  # fmt: skip
    assert len(plain.contacts) > 5
    for log in others:
        pd.testing.assert_frame_equal(log.contacts, plain.contacts)
        pd.testing.assert_frame_equal(log.agent_states, plain.agent_states)
