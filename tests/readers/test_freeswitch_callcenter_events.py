"""Events of mod_callcenter: callers and agents whose truth is known, in both forms, cut, repeated and in any order."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import DataWarning, FormatError
from ccstats.readers.freeswitch_callcenter_events import looks_like

T = 1709280000
Event = dict[str, str]


class Script:
    """What happens, event by event."""

    def __init__(self, core: str = "c1") -> None:
        self.events: list[Event] = []
        self.core, self.host = core, "pbx1"

    def add(self, at: float, action: str, **headers: Any) -> Script:
        base = {"Event-Subclass": "callcenter::info", "Event-Name": "CUSTOM", "Core-UUID": self.core, "FreeSWITCH-Hostname": self.host}
        base |= {"Event-Date-Timestamp": str(round((T + at) * 1e6)), "Event-Sequence": str(len(self.events) + 1), "CC-Action": action}
        self.events.append(base | {name.replace("_", "-"): str(value) for name, value in headers.items()})
        return self

    def member(self, at: float, action: str, *, visit: str = "v1", call: str = "u1", queue: str = "sales", **headers: Any) -> Script:
        ids = {"CC_Queue": queue, "CC_Member_UUID": visit, "CC_Member_Session_UUID": call}
        return self.add(at, action, **ids, **headers)


def as_blocks(events: list[Event]) -> bytes:
    return "".join("".join(f"{name}: {quote(value)}\n" for name, value in each.items()) + "\n" for each in events).encode()


def as_json(events: list[Event]) -> bytes:
    return "\n".join(map(json.dumps, events)).encode()


every_form = pytest.mark.parametrize("form", [as_blocks, as_json])


def read(script: Script, form: Any = as_json) -> cc.Log:
    return cc.read(form(script.events), format="freeswitch_callcenter_events", pseudonyms=False)


def seconds(log: cc.Log) -> list[tuple[Any, ...]]:
    states = log.agent_states
    begun, over = ((states[name] - pd.Timestamp(T, unit="s", tz="UTC")).dt.total_seconds() for name in ("started_at", "ended_at"))
    text = states[["agent", "state", "reason", "queue", "contact_id", "closed_by"]].astype(object).where(lambda cells: cells.notna(), None)
    return [(*each[:2], start, end, *each[2:]) for each, start, end in zip(text.itertuples(index=False), begun, over, strict=True)]


@every_form
@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        ({"CC_Cause": "Cancel", "CC_Cancel_Reason": "BREAK_OUT"}, "abandoned"),
        ({"CC_Cause": "Cancel", "CC_Cancel_Reason": "NONE"}, "abandoned"),
        ({"CC_Cause": "Cancel"}, "abandoned"),
        ({"CC_Cause": "Cancel", "CC_Cancel_Reason": "TIMEOUT"}, "timed_out"),
        ({"CC_Cause": "Cancel", "CC_Cancel_Reason": "NO_AGENT_TIMEOUT"}, "timed_out"),
        ({"CC_Cause": "Cancel", "CC_Cancel_Reason": "EXIT_WITH_KEY"}, "exited_key"),
    ],
)
def test_callers_whom_no_agent_took(form: Any, end: dict[str, str], outcome: str) -> None:
    log = read(Script().member(0.25, "member-queue-start").member(9, "member-queue-end", **end), form)
    assert log.contacts[["outcome", "wait_s", "queue", "contact_id"]].to_numpy().tolist() == [[outcome, 8.75, "sales", "u1"]]
    assert (log.count("used"), log.count()) == (2, 2)


@pytest.mark.parametrize("end", [{"CC_Cause": "Cancel", "CC_Cancel_Reason": "UFO"}, {"CC_Cause": "Beamed"}, {}])
def test_ends_that_are_not_known(end: dict[str, str]) -> None:
    with pytest.warns(DataWarning, match="counted as 'unknown'"):
        log = read(Script().member(0, "member-queue-start").member(9, "member-queue-end", **end))
    assert log.contacts[["outcome", "wait_s"]].to_numpy().tolist() == [["unknown", 9]]


def answered(script: Script, agent: str = "ada", **ids: str) -> Script:
    times = {"CC_Agent_Called_Time": T + 4, "CC_Agent_Answered_Time": T + 10, "CC_Member_Joined_Time": T}
    script.add(4, "agent-state-change", CC_Agent=agent, CC_Agent_State="Receiving")
    script.member(4.5, "agent-offering", CC_Agent=agent, **ids).member(10.5, "bridge-agent-start", CC_Agent=agent, **times, **ids)
    script.add(10.6, "agent-state-change", CC_Agent=agent, CC_Agent_State="In a queue call")
    script.member(70.5, "bridge-agent-end", CC_Agent=agent, **times, **ids)
    script.member(70.6, "member-queue-end", CC_Agent=agent, CC_Cause="Terminated", CC_Member_Leaving_Time=T + 70, **times, **ids)
    return script.add(70.7, "agent-state-change", CC_Agent=agent, CC_Agent_State="Waiting")


COLUMNS = ["outcome", "wait_s", "ring_s", "talk_s", "agent"]


@every_form
def test_an_answered_caller_and_what_remains_of_it_in_a_log_cut_anywhere(form: Any) -> None:
    whole = answered(Script().member(0.5, "member-queue-start"))
    assert read(whole, form).contacts[COLUMNS].to_numpy().tolist() == [["answered", 10, 6, 60, "ada"]]
    for at in range(1, len(whole.events)):
        late, early = Script(), Script()
        late.events, early.events = whole.events[at:], whole.events[:at]
        contacts = read(late, form).contacts
        if at <= 6:  # up to the queue's end every event knows when the caller joined
            assert contacts[COLUMNS[:2]].to_numpy().tolist() == [["answered", 10]]
            assert contacts["talk_s"].round(6).tolist() == [60.5 if at <= 5 else 60.6]
        else:
            assert len(contacts) == 0
        contacts = read(early, form).contacts
        assert contacts["outcome"].tolist() == (["open"] if at <= 3 else ["answered"])
        assert contacts["talk_s"].notna().tolist() == [at >= 6]


def test_the_key_of_older_releases() -> None:
    script = Script().member(0, "member-queue-start").member(9, "member-queue-end", CC_Cause="Cancel", CC_Cancel_Reason="BREAK_OUT")
    script.events[-1]["variable_cc_exit_key"] = "1"
    assert read(script).contacts["outcome"].tolist() == ["exited_key"]


def test_a_call_in_two_queues_is_two_visits_and_a_caller_who_comes_back_another_contact() -> None:
    gone = {"CC_Cause": "Cancel", "CC_Cancel_Reason": "TIMEOUT"}
    script = Script().member(0, "member-queue-start").member(5, "member-queue-end", **gone)
    script.member(6, "member-queue-start", visit="v2", queue="late").member(9, "member-queue-end", visit="v2", queue="late", **gone)
    script.member(20, "member-queue-resume", call="u2").member(24, "member-queue-end", call="u2", CC_Member_Joined_Time=T, **gone)
    found = read(script).contacts[["contact_id", "visit", "queue", "wait_s"]].to_numpy().tolist()
    assert found == [["u1", 1, "sales", 5], ["u1", 2, "late", 3], ["u2", 1, "sales", 4]]


def test_a_caller_who_hangs_up_as_the_agent_answers_was_not_answered_as_the_platform_says() -> None:
    script = Script().member(0, "member-queue-start").member(5, "bridge-agent-start", CC_Agent="ada")
    script.member(5.1, "member-queue-end", CC_Cause="Cancel", CC_Cancel_Reason="NONE")
    script.member(5.2, "bridge-agent-end", CC_Agent="ada").member(5.3, "member-queue-end", CC_Cause="Terminated", CC_Agent="ada")
    log = read(script)
    assert log.contacts["outcome"].tolist() == ["abandoned"]
    assert log.contacts["talk_s"].isna().all()
    assert log.notes["note"].tolist() == ["cancelled as an agent answered: not answered, as the platform says"]


def test_waits_that_the_module_tells_otherwise_are_counted() -> None:
    script = Script().member(0, "member-queue-start")
    script.member(30, "bridge-agent-start", CC_Agent="ada", CC_Agent_Answered_Time=T + 20, CC_Member_Joined_Time=T)
    assert read(script).notes["note"].tolist() == ["the wait by the module's own times differs from that by the events"]
    # Of a caller who came back the module tells when he joined at first.
    script.events[0]["CC-Action"] = "member-queue-resume"
    assert len(read(script).notes) == 0


@every_form
def test_states_of_an_agent(form: Any) -> None:
    script = Script().add(0, "agent-status-change", CC_Agent="ada", CC_Agent_Status="Available").member(0.5, "member-queue-start")
    answered(script).add(80, "agent-status-change", CC_Agent="ada", CC_Agent_Status="On Break")
    script.add(90, "agent-status-change", CC_Agent="ada", CC_Agent_Status="Available (On Demand)")
    script.add(95, "agent-state-change", CC_Agent="ada", CC_Agent_State="Idle")
    script.add(97, "agent-status-change", CC_Agent="ada", CC_Agent_Status="Logged Out").add(99, "members-count", CC_Queue="sales")
    assert seconds(read(script, form)) == [
        ("ada", "available", 0, 4, None, None, None, "event"),
        ("ada", "reserved", 4, 10.5, None, "sales", "u1", "event"),
        ("ada", "on_contact", 10.5, 70.5, None, "sales", "u1", "event"),
        ("ada", "available", 70.5, 80, None, None, None, "event"),
        ("ada", "pause", 80, 90, "On Break", None, None, "event"),
        ("ada", "available", 90, 95, None, None, None, "event"),
        ("ada", "other", 95, 97, "Idle", None, None, "event"),
    ]


def test_a_call_outlasts_the_agents_logout_and_what_is_open_ends_with_the_log() -> None:
    script = Script().member(0, "member-queue-start").member(5, "bridge-agent-start", CC_Agent="ada")
    script.add(6, "agent-status-change", CC_Agent="ada", CC_Agent_Status="Logged Out")
    script.add(3, "agent-state-change", CC_Agent="bo", CC_Agent_State="Waiting").add(50, "members-count")
    assert seconds(read(script)) == [
        ("ada", "on_contact", 5, 50, None, "sales", "u1", "end_of_file"),
        ("bo", "other", 3, 50, None, None, None, "end_of_file"),  # free, but whether on break is not known
    ]


def test_agents_on_demand_do_nothing_after_a_call_until_they_say_so() -> None:
    script = Script().add(0, "agent-status-change", CC_Agent="ada", CC_Agent_Status="Available (On Demand)")
    script.member(5, "agent-offering", CC_Agent="ada").member(8, "bridge-agent-fail", CC_Agent="ada")
    script.add(12, "agent-state-change", CC_Agent="ada", CC_Agent_State="Waiting").add(20, "members-count")
    assert [each[1:4] for each in seconds(read(script))] == [
        ("available", 0, 5),
        ("reserved", 5, 8),
        ("other", 8, 12),
        ("available", 12, 20),
    ]


def test_words_that_are_not_known_are_counted() -> None:
    script = Script().add(0, "agent-status-change", CC_Agent="ada", CC_Agent_Status="Lunch")
    script.add(5, "agent-state-change", CC_Agent="ada", CC_Agent_State="Dreaming").add(6, "agent-teleport", CC_Agent="ada").add(
        9, "members-count"
    )
    with pytest.warns(DataWarning, match="3 events have words .*'Dreaming', 'Lunch', 'agent-teleport'"):
        log = read(script)
    assert seconds(log) == [("ada", "other", 0, 9, "Lunch", None, None, "end_of_file")]
    assert log.notes["count"].tolist() == [3]
    assert log.lines.set_index("rule")["lines"]["CC-Action is not known"] == 1


def test_a_restart_loses_callers_and_ends_calls_of_its_host_only() -> None:
    script = Script().member(0, "member-queue-start").member(1, "member-queue-start", visit="v2", call="u2")
    script.add(1, "agent-status-change", CC_Agent="ada", CC_Agent_Status="Available").member(
        2, "bridge-agent-start", visit="v2", CC_Agent="ada"
    )
    script.host, script.core = "pbx2", "other"
    script.member(3, "member-queue-start", visit="v3", call="u3").add(4, "members-count")
    script.add(5, "agent-status-change", CC_Agent="bo", CC_Agent_Status="Available")
    script.host, script.core = "pbx1", "c2"
    script.add(60, "agent-status-change", CC_Agent="cy", CC_Agent_Status="Available").add(70, "members-count")
    log = read(script)
    assert log.contacts[["contact_id", "outcome", "wait_s"]].fillna(-1).to_numpy().tolist() == [
        ["u1", "failed", -1],
        ["u2", "answered", 1],
        ["u3", "open", 67],
    ]
    assert [each[:4] for each in seconds(log) if each[0] == "ada"] == [
        ("ada", "available", 1, 2),
        ("ada", "on_contact", 2, 60),
        ("ada", "available", 60, 70),
    ]
    assert "the platform was restarted (another Core-UUID)" in set(log.notes["note"])


def test_two_machines_of_one_name_are_no_restart() -> None:
    script = Script()
    for at in range(6):
        script.core = f"c{at % 2}"
        ids = {"visit": f"v{at}", "call": f"u{at}", "CC_Agent": f"a{at % 2}"}
        script.member(at, "member-queue-start", visit=f"v{at}", call=f"u{at}").member(at + 2, "bridge-agent-start", **ids)
        script.member(at + 9, "member-queue-end", CC_Cause="Terminated", **ids)
    log = read(script)
    assert log.contacts["outcome"].tolist() == ["answered"] * 6
    assert log.contacts["wait_s"].tolist() == [2] * 6
    assert log.notes.empty


def test_callers_whose_end_is_lost_do_not_wait_for_ever() -> None:
    script = Script().member(0, "member-queue-start").member(0, "member-queue-start", visit="v2", call="u2", queue="first")
    script.member(30, "member-queue-start", visit="v3", call="u2", queue="second").member(40, "member-queue-end", visit="v3", call="u2")
    script.member(86400 + 9, "member-queue-start", visit="v4", call="u4").add(86400 + 10, "members-count")
    with pytest.warns(DataWarning):  # an end without a cause
        log = read(script)
    assert log.contacts[["contact_id", "queue", "outcome", "wait_s"]].fillna(-1).to_numpy().tolist() == [
        ["u1", "sales", "failed", -1],
        ["u2", "first", "failed", -1],
        ["u2", "second", "unknown", 10],
        ["u4", "sales", "open", 1],
    ]
    assert log.notes["count"].tolist() == [2]


def test_other_messages_and_bad_ones() -> None:
    good = as_blocks(Script().member(0, "member-queue-start").events)
    text = b"Content-Type: auth/request\n\nContent-Length: 7\nContent-Type: text/event-plain\n\n\n" + good
    text += b"Event-Name: HEARTBEAT\nEvent-Date-Timestamp: 5\n\n"
    text += b"Event-Subclass: sofia%3A%3Aregister\nEvent-Name: CUSTOM\nCC-Action: x\n\n"
    for bad in ("", "soon", "-5", "1e15", "9" * 30, "0"):
        text += good.replace(b"1709280000000000", bad.encode())
    text += good.replace(b"CC-Member-UUID", b"CC-Nobody") + good.replace(b"member-queue-start", b"agent-offering") + b"no event at all"
    log = cc.read(text, keep_text=True)
    assert len(log.contacts) == 1
    assert log.count() == 14
    assert log.count("ignored") == 4
    assert log.rejected["line"].tolist() == list(range(6, 15))
    assert log.rejected["reason"].tolist() == [
        "Event-Date-Timestamp is missing",
        *5 * ["Event-Date-Timestamp is no time in microseconds, or outside 1970 to 2200"],
        "CC-Member-UUID is missing",
        "CC-Agent is missing",
        "no event: neither CC-Action nor Event-Name",
    ]
    assert log.rejected["text"].str.contains("CC-|no event").all()
    assert "the text ends within a line: it may be cut" in set(log.notes["note"])
    with pytest.raises(FormatError, match="record 6: Event-Date-Timestamp is missing"):
        cc.read(text, on_error="raise")


def test_a_block_without_end_is_not_taken_whole() -> None:
    huge = b"A: " + b"x" * (9 * 2**20) + b"\n\n" + as_blocks(Script().member(0, "member-queue-start").events)
    log = cc.read(huge, format="freeswitch_callcenter_events")
    assert log.rejected["reason"].tolist() == ["longer than 8,388,608 bytes"]
    assert len(log.contacts) == 1


def test_events_without_numbers_are_told_apart_by_what_they_say() -> None:
    script = Script().member(0, "member-queue-start").member(0, "member-queue-start", visit="v2", call="u2")
    for each in script.events:
        del each["Event-Sequence"]
    script.events.append(script.events[0])
    log = read(script)
    assert len(log.contacts) == 2
    assert log.lines.set_index("rule")["lines"]["delivered again"] == 1


def test_frames_and_strangers_are_refused() -> None:
    with pytest.raises(FormatError, match="not from a frame"):
        cc.read(pd.DataFrame({"CC-Action": ["x"]}), format="freeswitch_callcenter_events")
    assert not looks_like(b"CC-Action: x\n")
    assert not looks_like(b'{"Event-Name": "HEARTBEAT"}')


def simulated(rng: random.Random) -> tuple[Script, list[tuple[Any, ...]]]:
    """Callers one after the other at one agent's desk, and what becomes of them."""
    script, truth, now = Script(), [], 0.0
    for at in range(40):
        ids = {"visit": f"v{at}", "call": f"u{at:02}", "queue": rng.choice(["büro", "sales"])}
        agent = rng.choice(["ada", "bo"])
        joined = now + rng.randrange(1, 50) / 4
        script.member(joined, "member-queue-start", **ids)
        now, tried = joined, 0
        for _ in range(rng.randrange(3)):
            script.member(now + 1, "agent-offering", CC_Agent=agent, **ids).member(now + 4, "bridge-agent-fail", CC_Agent=agent, **ids)
            now, tried = now + 5, tried + 1
        if rng.random() < 0.5:
            script.member(now + 0.5, "agent-offering", CC_Agent=agent, **ids).member(now + 3, "bridge-agent-start", CC_Agent=agent, **ids)
            talk = rng.randrange(1, 400) / 4
            script.member(now + 3 + talk, "bridge-agent-end", CC_Agent=agent, **ids)
            script.member(now + 3 + talk, "member-queue-end", CC_Agent=agent, CC_Cause="Terminated", **ids)
            truth.append((ids["call"], ids["queue"], "answered", now + 3 - joined, 2.5, talk, agent, tried + 1, tried))
            now += 3 + talk
        else:
            reason, outcome = rng.choice([("BREAK_OUT", "abandoned"), ("TIMEOUT", "timed_out")])
            script.member(now + 2, "member-queue-end", CC_Cause="Cancel", CC_Cancel_Reason=reason, **ids)
            truth.append((ids["call"], ids["queue"], outcome, now + 2 - joined, None, None, None, tried, tried))
            now += 2
    return script, truth


@every_form
@pytest.mark.parametrize("seed", range(8))
def test_the_truth_comes_out_in_any_order_and_however_often_delivered(form: Any, seed: int) -> None:
    rng = random.Random(seed)
    script, truth = simulated(rng)
    script.events += rng.sample(script.events, 20)
    rng.shuffle(script.events)
    log = read(script, form)
    columns = ["contact_id", "queue", "outcome", "wait_s", "ring_s", "talk_s", "agent", "ring_attempts", "ring_noanswer"]
    rows = log.contacts[columns].astype(object).itertuples(index=False)
    assert [tuple(None if pd.isna(cell) else cell for cell in row) for row in rows] == truth
    assert log.lines.set_index("rule")["lines"]["delivered again"] == 20
    spans = log.agent_states.sort_values(["agent", "started_at"])
    following = spans.groupby("agent", observed=True)["started_at"].shift(-1)
    assert (following.isna() | (following == spans["ended_at"])).all()  # without gaps, and none over another


@pytest.mark.parametrize("value", [True, 1.0, {"a": 1}, [1]])
def test_a_header_that_is_no_text_does_not_pass_for_a_number_equal_to_it(value: Any) -> None:
    facts = {"CC-Action": "member-queue-start", "CC-Name": "sales"}
    events = [
        {
            **facts,
            "Event-Date-Timestamp": f"170928000000000{at}",
            "CC-Member-UUID": f"v{at}",
            "CC-Member-Session-UUID": f"u{at}",
            "CC-Queue": queue,
        }
        for at, queue in enumerate((1, value))
    ]
    log = cc.read(json.dumps(events).encode(), format="freeswitch_callcenter_events")
    assert log.contacts.sort_values("contact_id")["queue"].tolist() == ["1", "sales"]
