"""The amazon_connect_agent_events reader: states and traps by hand, streams in any order against a plain loop."""

from __future__ import annotations

import gzip
import json
import random
from typing import Any

import pandas as pd
import pytest
from exam_cases import cases_of

import ccstats as cc
from ccstats.errors import DataWarning, FormatError, OptionError
from ccstats.schema import AGENT_STATES

AVAILABLE, LUNCH, OFFLINE = ("Available", "ROUTABLE"), ("Lunch", "CUSTOM"), ("Offline", "OFFLINE")


def when(clock: str) -> str:
    return f"2024-03-01T{clock}Z"


def snapshot(status: tuple[str, str], since: str, *contacts: tuple[str, str, str], name: str | None = "zoe") -> dict[str, Any]:
    return {
        "AgentStatus": {"Name": status[0], "Type": status[1], "StartTimestamp": when(since)},
        "Configuration": {"Username": name},
        "Contacts": [
            {"ContactId": key, "State": state, "StateStartTimestamp": when(at), "Queue": {"Name": f"queue of {key}"}}
            for key, state, at in contacts
        ],
    }


def event(clock: str, kind: str, now: Any = None, before: Any = None, *, agent: str = "i/agent/u1", key: str = "") -> dict[str, Any]:
    return {
        "AgentARN": agent,
        "EventId": key or f"{agent} {clock} {kind}",
        "EventTimestamp": when(clock),
        "EventType": kind,
        "CurrentAgentSnapshot": now,
        "PreviousAgentSnapshot": before,
    }


def read(*events: Any, **options: Any) -> cc.Log:
    log = cc.read("".join(map(json.dumps, events)).encode(), format="amazon_connect_agent_events", **options)
    AGENT_STATES.check(log.agent_states)
    assert len(log.contacts) == 0
    assert log.count() == len(events)
    return log


def spans(log: cc.Log) -> list[tuple[str, str, str]]:
    """State and hours of each span."""
    states = log.agent_states
    return [
        (state, f"{start:%H:%M:%S}", f"{end:%H:%M:%S}")
        for state, start, end in zip(states["state"], states["started_at"], states["ended_at"], strict=True)
    ]


def change(clock: str, now: Any, before: Any = None, **more: Any) -> dict[str, Any]:
    return event(clock, "STATE_CHANGE", now, before, **more)


BEAT = event("10:00:00", "HEART_BEAT", snapshot(AVAILABLE, "08:00:00"))


@pytest.mark.parametrize(
    ("contact", "state"),
    [("CONNECTED", "on_contact"), ("CONNECTED_ONHOLD", "hold"), ("ENDED", "wrap"), ("CONNECTING", "reserved"), ("INCOMING", "reserved"),
     ("PENDING", "reserved"), ("MISSED", "available"), ("REJECTED", "available"), ("ERROR", "available"), ("PAUSED", "available")],
)  # fmt: skip
def test_states_of_contacts(contact: str, state: str) -> None:
    log = read(change("09:00:00", snapshot(AVAILABLE, "08:00:00", ("c1", contact, "09:00:00"))), BEAT)
    assert spans(log) == [(state, "09:00:00", "10:00:00")]
    row = log.agent_states.iloc[0]
    assert row["closed_by"] == "end_of_file"
    if state != "available":
        assert (row["contact_id"], row["queue"]) == ("c1", "queue of c1")


@pytest.mark.parametrize(
    ("status", "expected"),
    [(AVAILABLE, ["available", None]), (LUNCH, ["pause", "Lunch"]), (OFFLINE, None), (("Night", "MOON"), ["other", "Night"])],
)
@pytest.mark.filterwarnings("ignore::ccstats.errors.DataWarning")
def test_states_of_statuses(status: tuple[str, str], expected: list[str | None] | None) -> None:
    states = read(change("09:00:00", snapshot(status, "09:00:00")), BEAT).agent_states
    found = states[["state", "reason"]].astype(object).where(states[["state", "reason"]].notna(), None).to_numpy().tolist()
    assert found == ([] if expected is None else [expected])


def test_a_status_without_a_type_goes_by_its_name() -> None:
    for (name, _), state in ((AVAILABLE, "available"), (LUNCH, "pause")):
        plain = snapshot((name, ""), "09:00:00")
        assert spans(read(change("09:00:00", plain), BEAT)) == [(state, "09:00:00", "10:00:00")]


def test_of_several_contacts_the_one_worked_at_for_longest_is_shown() -> None:
    first, second = ("a", "CONNECTED", "09:00:00"), ("b", "CONNECTED", "09:05:00")
    log = read(
        change("09:00:00", snapshot(AVAILABLE, "08:00:00", first)),
        change("09:05:00", snapshot(AVAILABLE, "08:00:00", first, second)),
        change("09:10:01", snapshot(AVAILABLE, "08:00:00", ("a", "CONNECTED_ONHOLD", "09:10:00"), second)),
        change("09:20:00", snapshot(AVAILABLE, "08:00:00", ("a", "CONNECTED_ONHOLD", "09:10:00"))),
        BEAT,
    )
    # b begins where a was put on hold, and a is on hold from where b has gone.
    assert spans(log) == [("on_contact", "09:00:00", "09:10:00"), ("on_contact", "09:10:00", "09:20:00"), ("hold", "09:20:00", "10:00:00")]
    assert log.agent_states["contact_id"].tolist() == ["a", "b", "a"]


def test_a_custom_status_with_a_contact_counts_as_the_contact_unless_asked_otherwise() -> None:
    call = ("c1", "CONNECTED", "09:10:00")
    events = (
        change("09:00:00", snapshot(LUNCH, "09:00:00")),
        change("09:10:00", snapshot(LUNCH, "09:00:00", call)),
        change("09:20:00", snapshot(LUNCH, "09:00:00")),
        BEAT,
    )
    lunch = [("pause", "09:00:00", "09:10:00"), ("on_contact", "09:10:00", "09:20:00"), ("pause", "09:20:00", "10:00:00")]
    assert spans(read(*events)) == spans(read(*events, precedence="contact")) == lunch
    assert spans(read(*events, precedence="status")) == [("pause", "09:00:00", "10:00:00")]
    with pytest.raises(OptionError, match="precedence='phone': expected one of 'contact', 'status'"):
        read(*events, precedence="phone")


def test_what_began_before_the_log_is_known_but_nobody_was_available_before_it() -> None:
    other = change("09:30:00", snapshot(OFFLINE, "06:00:00"), agent="i/agent/u2")
    call = ("c1", "CONNECTING", "09:40:00")
    idle = change("09:40:00", snapshot(AVAILABLE, "07:00:00", call), snapshot(AVAILABLE, "07:00:00"))
    assert spans(read(other, idle, BEAT)) == [("available", "09:30:00", "09:40:00"), ("reserved", "09:40:00", "10:00:00")]
    back = change("09:40:00", snapshot(AVAILABLE, "09:39:00"), snapshot(LUNCH, "07:00:00"))
    assert spans(read(other, back, BEAT)) == [("pause", "07:00:00", "09:39:00"), ("available", "09:39:00", "10:00:00")]


def test_a_change_that_no_event_reported_is_taken_from_the_snapshot_before() -> None:
    log = read(
        change("09:00:00", snapshot(AVAILABLE, "09:00:00")),
        change(
            "09:20:00",
            snapshot(AVAILABLE, "09:00:00", ("c", "ENDED", "09:20:00")),
            snapshot(AVAILABLE, "09:00:00", ("c", "CONNECTED", "09:10:00")),
        ),
        BEAT,
    )
    assert spans(log) == [("available", "09:00:00", "09:10:00"), ("on_contact", "09:10:00", "09:20:00"), ("wrap", "09:20:00", "10:00:00")]
    assert dict(log.notes.to_numpy()) == {"PreviousAgentSnapshot tells of a change that no event reported: taken": 1}


@pytest.mark.parametrize("after", [None, snapshot(AVAILABLE, "09:00:00")])
def test_a_logout_ends_and_what_is_older_does_not_begin_again(after: dict[str, Any] | None) -> None:
    stale = snapshot(AVAILABLE, "09:00:00", ("c1", "ENDED", "09:10:00"))
    start = (change("09:00:00", snapshot(AVAILABLE, "09:00:00")), event("09:30:00", "LOGOUT", after), change("09:31:00", stale, stale))
    assert spans(read(*start, BEAT)) == [("available", "09:00:00", "09:30:00")]
    # A login with a status kept from before begins with the login, a status set since then where it says.
    kept = event("09:40:00", "LOGIN", snapshot(AVAILABLE, "09:00:00"))
    assert spans(read(*start, kept, BEAT))[1:] == [("available", "09:40:00", "10:00:00")]
    fresh = event("09:40:00", "LOGIN", snapshot(AVAILABLE, "09:39:58"))
    assert spans(read(*start, fresh, BEAT))[1:] == [("available", "09:39:58", "10:00:00")]
    again = change("09:45:00", snapshot(LUNCH, "09:44:00"), snapshot(OFFLINE, "09:30:00"))
    assert spans(read(*start, again, BEAT))[1:] == [("pause", "09:44:00", "10:00:00")]


def test_a_login_of_somebody_at_work_ends_what_was_before() -> None:
    start = (event("08:00:00", "LOGIN", snapshot(AVAILABLE, "08:00:00")), change("08:05:00", snapshot(LUNCH, "08:05:00")))
    again = snapshot(AVAILABLE, "09:40:00")
    told = read(*start, event("09:40:00", "LOGIN", again, snapshot(OFFLINE, "08:30:00")), BEAT)
    assert spans(told)[1:] == [("pause", "08:05:00", "08:30:00"), ("available", "09:40:00", "10:00:00")]
    assert told.agent_states["closed_by"].tolist() == ["event", "event", "end_of_file"]
    assert dict(told.notes.to_numpy()) == {"PreviousAgentSnapshot tells of a change that no event reported: taken": 1}
    untold = read(*start, event("09:40:00", "LOGIN", again), BEAT)
    assert spans(untold)[1:] == [("pause", "08:05:00", "09:40:00"), ("available", "09:40:00", "10:00:00")]
    assert untold.agent_states["closed_by"].tolist() == ["event", "assumed", "end_of_file"]
    assert dict(untold.notes.to_numpy()) == {"a login without a logout before it: what was before ends there": 1}
    # What the snapshot before tells of is no logout, or one before the break.
    for before in (snapshot(LUNCH, "08:30:00"), snapshot(OFFLINE, "07:30:00")):
        assert spans(read(*start, event("09:40:00", "LOGIN", again, before), BEAT)) == spans(untold)
    # The same status over both logins is two stays.
    same = read(start[0], event("09:40:00", "LOGIN", snapshot(AVAILABLE, "08:00:00")), BEAT)
    assert spans(same) == [("available", "08:00:00", "09:40:00"), ("available", "09:40:00", "10:00:00")]


def test_a_login_seen_first_begins_there() -> None:
    assert spans(read(event("09:40:00", "LOGIN", snapshot(LUNCH, "07:00:00")), BEAT)) == [("pause", "09:40:00", "10:00:00")]


def test_heartbeats_only_say_how_far_the_log_reaches() -> None:
    log = read(event("09:00:00", "HEART_BEAT", snapshot(LUNCH, "08:00:00")), BEAT)
    assert len(log.agent_states) == 0
    assert dict(log.notes.to_numpy()) == {"agents of whom there are only heartbeats: no states": 1}
    gone = event("09:00:10", "HEART_BEAT", snapshot(AVAILABLE, "08:00:00"))
    log = read(change("08:00:00", snapshot(AVAILABLE, "08:00:00")), event("09:00:00", "LOGOUT"), gone)
    assert spans(log) == [("available", "08:00:00", "09:00:00")]


def test_an_hour_without_events_is_counted_where_there_are_heartbeats() -> None:
    note = "no event of the agent for an hour within a state: events may be missing"
    start = change("08:00:00", snapshot(AVAILABLE, "08:00:00"))
    assert note not in set(read(start, BEAT).notes["note"])
    early = event("08:02:00", "HEART_BEAT", snapshot(AVAILABLE, "08:00:00"))
    assert dict(read(start, early, BEAT).notes.to_numpy()) == {note: 1}


def test_events_of_one_instant_are_ordered_by_what_they_know() -> None:
    ring, call = ("c", "CONNECTING", "09:00:00"), ("c", "CONNECTED", "09:00:01")
    events = (
        change("09:00:01", snapshot(AVAILABLE, "08:00:00", ring), snapshot(AVAILABLE, "08:00:00"), key="z"),
        change("09:00:01", snapshot(AVAILABLE, "08:00:00", call), snapshot(AVAILABLE, "08:00:00", ring), key="a"),
        BEAT,
    )
    assert (
        spans(read(*events)) == spans(read(*events[::-1])) == [("reserved", "09:00:00", "09:00:01"), ("on_contact", "09:00:01", "10:00:00")]
    )


def test_agents_are_named_by_their_user_name_and_told_apart() -> None:
    def of(agent: str, name: str | None) -> list[dict[str, Any]]:
        beat = event("10:00:00", "HEART_BEAT", agent=agent)
        return [change("09:00:00", snapshot(AVAILABLE, "09:00:00", name=name), agent=agent), beat]

    log = read(*of("i/agent/u1", "anna"), *of("i/agent/u2", "anna"), *of("i/agent/u3", None), *of("i/agent/u4", "zoë"))
    assert log.agent_states["agent"].astype("str").tolist() == ["anna (u1)", "anna (u2)", "u3", "zoë"]
    assert "two agents of one name: the end of AgentARN is added" in set(log.notes["note"])
    log = read(*of("i/agent/u1", "anna"), *of("j/agent/u1", "anna"))
    assert log.agent_states["agent"].astype("str").tolist() == ["anna (i/agent/u1)", "anna (j/agent/u1)"]


def test_unknown_words_are_warned_about() -> None:
    odd = snapshot(("Night", "MOON"), "09:00:00", ("c", "FROZEN", "09:00:00"))
    with pytest.warns(DataWarning, match="3 events have words .*'FROZEN', 'MOON', 'NAP'"):
        log = read(change("09:00:00", odd), event("09:10:00", "NAP", odd), BEAT)
    assert log.summary().set_index("rule")["lines"].to_dict()["EventType is not known"] == 1


GOOD = change("09:00:00", snapshot(AVAILABLE, "09:00:00"))


@pytest.mark.parametrize(
    ("more", "reason"),
    [({"EventId": None}, "EventId is missing"), ({"AgentARN": 7}, "AgentARN is no text"), ({"EventType": ""}, "EventType is missing"),
     ({"EventTimestamp": "2024-03-01 09:00"}, "EventTimestamp is no instant"), ({"EventTimestamp": "2300-01-01T00:00:00Z"}, "1970"),
     ({"CurrentAgentSnapshot": None}, "CurrentAgentSnapshot is missing"), ({"CurrentAgentSnapshot": [1]}, "no object"),
     ({"CurrentAgentSnapshot": {"Contacts": {"a": 1}}}, "Contacts is no list"),
     ({"PreviousAgentSnapshot": {"Contacts": [{}]}}, "no ContactId"),
     ({"CurrentAgentSnapshot": {"AgentStatus": {"StartTimestamp": 5}}}, "StartTimestamp is no instant")],
)  # fmt: skip
def test_what_cannot_be_read_is_rejected_with_a_reason(more: dict[str, Any], reason: str) -> None:
    log = read(GOOD, GOOD | {"EventId": "bad"} | more)
    assert log.rejected["line"].tolist() == [2]
    assert reason in log.rejected["reason"].iloc[0]
    with pytest.raises(FormatError, match="record 2: "):
        read(GOOD, GOOD | {"EventId": "bad"} | more, on_error="raise")


def test_a_printed_example_with_remarks_is_no_json_and_said_so() -> None:
    printed = (
        b'{"AgentARN": "a", "CurrentAgentSnapshot": {"AgentStatus": {"Name": "Available", //chosen by hand\n}},\n"EventType": "LOGIN",}\n'
    )
    log = cc.read(printed + json.dumps(GOOD).encode())
    assert log.format == "amazon_connect_agent_events"
    assert log.rejected[["line", "reason"]].to_numpy().tolist() == [[1, "broken JSON"]]
    assert (log.count("used"), log.count()) == (1, 2)
    with pytest.raises(FormatError, match="record 1: broken JSON"):
        cc.read(printed, on_error="raise")


ORDER = ["CONNECTED", "CONNECTED_ONHOLD", "ENDED", "CONNECTING"]
STATES = {"CONNECTED": "on_contact", "CONNECTED_ONHOLD": "hold", "ENDED": "wrap", "CONNECTING": "reserved"}


def clock(milliseconds: int) -> str:
    return f"{pd.Timestamp('2024-03-01') + pd.Timedelta(milliseconds, 'ms'):%H:%M:%S.%f}"


def a_day(rng: random.Random, agent: str) -> tuple[list[dict[str, Any]], list[tuple[Any, ...]]]:
    """What an agent does, as events and as spans: one thing changes at a time, and its event comes a moment later."""
    at = 1_000 * rng.randrange(60)
    status, contacts, before = (AVAILABLE, at), {}, None
    events, steps = [], []

    def told() -> dict[str, Any]:
        those = [(key, state, clock(since)) for key, (state, since) in contacts.items()]
        return snapshot(status[0], clock(status[1]), *those, name=agent)

    def happens(late: int, kind: str = "STATE_CHANGE") -> None:
        nonlocal before
        events.append(event(clock(at + late), kind, told(), before, agent=agent, key=f"{agent}{len(events):03}"))
        before = told()
        doing = sorted((ORDER.index(state), since, key) for key, (state, since) in contacts.items())
        if doing:
            shown = (STATES[ORDER[doing[0][0]]], "", doing[0][2])
        else:
            shown = {"Available": ("available", "", ""), "Lunch": ("pause", "Lunch", ""), "Offline": None}[status[0][0]]
        steps.append((at, shown))

    happens(0, "LOGIN")
    for number in range(rng.randrange(1, 40)):
        at += 1_000 * rng.randrange(1, 300)
        late = rng.randrange(500)
        key = rng.choice([*contacts, f"{agent}-{number}"])
        state = contacts[key][0] if key in contacts else None
        if rng.random() < 0.2:
            status = (rng.choice([AVAILABLE, LUNCH, OFFLINE]), at)
        elif state == "ENDED":
            del contacts[key]
            late = 0  # that a contact has gone, only the event tells
        else:
            following = {None: ["CONNECTING", "CONNECTED"], "CONNECTING": ["CONNECTED", "ENDED"]}
            contacts[key] = (rng.choice(following.get(state, ["CONNECTED", "CONNECTED_ONHOLD", "ENDED"])), at)
        happens(late)
        if rng.random() < 0.3:
            at += 1_000
            beat = event(clock(at), "HEART_BEAT", before, before, agent=agent, key=f"{agent}{len(events):03}")
            events.append(beat)
    at += 1_000
    events.append(event(clock(at), "HEART_BEAT", before, before, agent=agent, key=f"{agent}{len(events):03}"))
    told_spans: list[tuple[Any, ...]] = []
    for (start, shown), (end, _) in zip(steps, [*steps[1:], (at, None)], strict=True):
        if shown and told_spans and told_spans[-1][2:] == (agent, *shown) and told_spans[-1][1] == start:
            told_spans[-1] = (told_spans[-1][0], end, agent, *shown)
        elif shown:
            told_spans.append((start, end, agent, *shown))
    return events, told_spans


@pytest.mark.parametrize("seed", range(12))
def test_a_stream_redelivered_out_of_order_gives_what_happened(seed: int) -> None:
    rng = random.Random(seed)
    days = [a_day(rng, agent) for agent in ("anna", "jan", "zoë")]
    expected = [span for _, day in days for span in day]
    stream = [each for day, _ in days for each in day for _ in range(rng.choice([1, 1, 1, 3]))]
    rng.shuffle(stream)
    texts = [json.dumps(each) for each in stream]
    at = rng.randrange(1, len(texts))
    whole = "".join(texts).encode()
    halves = ["".join(texts[:at]).encode(), "".join(texts[at:]).encode()]
    for source in (whole, gzip.compress(whole), "\n".join(texts).encode(), f"[{','.join(texts)}]".encode(), halves):
        log = cc.read(source)
        assert log.format == "amazon_connect_agent_events"
        assert log.count() == len(stream)
        midnight = pd.Timestamp("2024-03-01", tz="UTC")
        states = log.agent_states
        found = [
            (
                *(round((time - midnight).total_seconds() * 1000) for time in row[:2]),
                *("" if pd.isna(value) else value for value in row[2:]),
            )
            for row in states[["started_at", "ended_at", "agent", "state", "reason", "contact_id"]].itertuples(index=False)
        ]
        assert found == expected


def test_all_shapes_of_file_read_alike() -> None:
    case = cases_of("amazon_connect_agent_events")[1]
    records = [json.loads(text) for text in case.units if "// what" not in text.decode()]
    for shape in (json.dumps(records), "\n".join(json.dumps(each, indent=1) for each in records), json.dumps({"Records": records})):
        log = case.read(shape.encode())
        pd.testing.assert_frame_equal(log.agent_states, case.read().agent_states)
        assert log.count() == len(records)
