"""The genesys_cloud_user_status reader: two timelines by hand, overlapping pages, and a plain loop over every second."""

from __future__ import annotations

import json
import random
from typing import Any

import pandas as pd
import pytest
from exam_cases import cases_of

import ccstats as cc
from ccstats.errors import DataWarning, FormatError, OptionError
from ccstats.schema import AGENT_STATES

Span = tuple[str, str, str | None]


def when(clock: str | None) -> str | None:
    return clock and f"2024-03-01T{clock}:00.000Z"


def user(presence: list[Span], routing: list[Span], key: str = "u1") -> dict[str, Any]:
    """A record; without an end a span has no ``endTime``, as the current one has none."""

    def spans(those: list[Span], name: str) -> list[dict[str, Any]]:
        found = [{"startTime": when(start), "endTime": when(end), name: word} for word, start, end in those]
        return [{key: value for key, value in each.items() if value is not None} for each in found]

    return {"userId": key, "primaryPresence": spans(presence, "systemPresence"), "routingStatus": spans(routing, "routingStatus")}


def read(*records: Any, **options: Any) -> cc.Log:
    log = cc.read("\n".join(map(json.dumps, records)).encode(), format="genesys_cloud_user_status", **options)
    AGENT_STATES.check(log.agent_states)
    assert len(log.contacts) == 0
    return log


def spans(log: cc.Log) -> list[tuple[str, str, str, str]]:
    states = log.agent_states.assign(reason=log.agent_states["reason"].astype("str").fillna(""))
    return [
        (row.state, row.reason, f"{row.started_at:%H:%M}", f"{row.ended_at:%H:%M}")
        for row in states[["state", "reason", "started_at", "ended_at"]].itertuples(index=False)
    ]


@pytest.mark.parametrize(
    ("presence", "routing", "expected"),
    [
        ("ON_QUEUE", "IDLE", [("available", "")]),
        ("ON_QUEUE", "INTERACTING", [("on_contact", "")]),
        ("ON_QUEUE", "NOT_RESPONDING", [("pause", "NOT_RESPONDING")]),
        ("ON_QUEUE", "COMMUNICATING", [("other", "COMMUNICATING")]),
        ("ON_QUEUE", "OFF_QUEUE", [("other", "ON_QUEUE")]),
        ("AVAILABLE", "OFF_QUEUE", [("other", "AVAILABLE")]),
        *((word, "OFF_QUEUE", [("pause", word)]) for word in ("AWAY", "BUSY", "IDLE", "MEAL", "TRAINING", "MEETING", "BREAK")),
        ("OFFLINE", "OFF_QUEUE", []),
        # What the routing status still says when the agent has left the queue.
        ("BREAK", "IDLE", [("pause", "BREAK")]),
        ("BREAK", "NOT_RESPONDING", [("pause", "BREAK")]),
        ("BREAK", "INTERACTING", [("on_contact", "")]),
        ("AVAILABLE", "COMMUNICATING", [("other", "COMMUNICATING")]),
        ("OFFLINE", "INTERACTING", []),
        ("on_queue", "Idle", [("available", "")]),
    ],
)
def test_states(presence: str, routing: str, expected: list[tuple[str, str]]) -> None:
    log = read(user([(presence, "09:00", "10:00")], [(routing, "09:00", "10:00")]))
    assert [each[:2] for each in spans(log)] == expected
    assert log.notes["note"].tolist() == []


def test_an_interaction_outlasts_the_time_on_queue_but_not_the_login() -> None:
    log = read(
        user(
            [("ON_QUEUE", "09:00", "10:00"), ("BREAK", "10:00", "10:30"), ("OFFLINE", "10:30", "12:00")],
            [
                ("IDLE", "09:00", "09:50"),
                ("INTERACTING", "09:50", "10:10"),
                ("OFF_QUEUE", "10:10", "10:20"),
                ("INTERACTING", "10:20", "12:00"),
            ],
        )
    )
    assert spans(log) == [
        ("available", "", "09:00", "09:50"),
        ("on_contact", "", "09:50", "10:10"),
        ("pause", "BREAK", "10:10", "10:20"),
        ("on_contact", "", "10:20", "10:30"),
    ]
    assert log.agent_states["closed_by"].astype("str").tolist() == ["event", "event", "next_event", "next_event"]


def test_what_has_no_end_lasts_to_the_last_instant_of_the_log() -> None:
    log = read(user([("ON_QUEUE", "09:00", None)], [("IDLE", "09:00", None)]), user([("BREAK", "09:00", "11:00")], [], key="u2"))
    assert spans(log) == [("available", "", "09:00", "11:00"), ("pause", "BREAK", "09:00", "11:00")]
    assert log.agent_states["closed_by"].astype("str").tolist() == ["end_of_file", "event"]


OPEN = user([("ON_QUEUE", "09:00", None)], [("INTERACTING", "09:10", None)])
CLOSED = user([("ON_QUEUE", "09:00", "10:00"), ("MEAL", "10:00", None)], [("INTERACTING", "09:10", "09:20"), ("IDLE", "09:20", "10:00")])


@pytest.mark.parametrize("pages", [[OPEN, CLOSED], [CLOSED, OPEN], [OPEN, OPEN, CLOSED, CLOSED, OPEN]])
def test_of_a_span_on_several_pages_the_one_with_an_end_is_the_later(pages: list[Any]) -> None:
    log = read(*pages)
    assert spans(log) == [("on_contact", "", "09:10", "09:20"), ("available", "", "09:20", "10:00")]
    assert log.count("used") == len(pages)
    assert log.notes["note"].str.startswith("a span that several records tell of").any()


def test_a_span_stored_for_both_of_its_days_counts_once_with_the_later_end() -> None:
    short, long = user([("BREAK", "09:00", "10:00")], []), user([("BREAK", "09:00", "11:00")], [])
    for records in ([short, long], [long, short]):
        assert spans(read(*records)) == [("pause", "BREAK", "09:00", "11:00")]


def test_an_open_span_that_no_later_page_closes_ends_where_the_next_begins() -> None:
    log = read(user([("MEAL", "09:00", None)], []), user([("BREAK", "10:00", "11:00")], []))
    assert spans(log) == [("pause", "MEAL", "09:00", "10:00"), ("pause", "BREAK", "10:00", "11:00")]
    assert log.agent_states["closed_by"].astype("str").tolist() == ["next_event", "event"]


def test_an_open_logout_does_not_last_into_the_next_day_on_queue() -> None:
    log = read(user([("OFFLINE", "08:00", None)], []), GOOD)
    assert spans(log) == [("available", "", "09:00", "10:00")]


def test_spans_are_whole_so_they_reach_beyond_what_is_known_of_the_other_timeline() -> None:
    log = read(user([("ON_QUEUE", "06:00", "12:00")], [("IDLE", "08:00", "09:00"), ("INTERACTING", "09:00", "09:30")]))
    assert spans(log) == [("available", "", "08:00", "09:00"), ("on_contact", "", "09:00", "09:30")]
    assert log.notes["count"].tolist() == [1]
    # A break is one, whatever the routing status was.
    log = read(
        user([("BREAK", "06:00", "08:00"), ("ON_QUEUE", "08:00", "09:00")], [("IDLE", "08:00", "09:00"), ("INTERACTING", "09:00", "11:00")])
    )
    assert spans(log) == [("pause", "BREAK", "06:00", "08:00"), ("available", "", "08:00", "09:00")]


def test_one_timeline_alone_says_what_it_can() -> None:
    log = read(user([("ON_QUEUE", "09:00", "10:00"), ("MEAL", "10:00", "10:30")], []), user([], [("IDLE", "09:00", "10:00")], key="u2"))
    assert spans(log) == [("other", "ON_QUEUE", "09:00", "10:00"), ("pause", "MEAL", "10:00", "10:30"), ("available", "", "09:00", "10:00")]
    assert set(log.notes["note"]) == {
        "users without primaryPresence: nobody knows when they were logged in",
        "users without routingStatus: time on queue is 'other'",
    }


def test_names_come_from_the_option() -> None:
    records = [user([("MEAL", "09:00", "10:00")], [], key=key) for key in ("u1", "u2", "u3", "u4")]
    log = read(*records, users={"u1": "Zoë", "u2": "Anna", "u3": "Anna", "nobody": "Anna"})
    assert log.agent_states["agent"].astype("str").tolist() == ["Anna (u2)", "Anna (u3)", "Zoë", "u4"]
    assert {"two users of one name: the id is added", "users without a name in users=: called by the id"} <= set(log.notes["note"])
    assert read(*records).agent_states["agent"].astype("str").tolist() == ["u1", "u2", "u3", "u4"]
    for bad in (["u1"], {"u1": 7}, {"u1": ""}, "Zoë"):
        with pytest.raises(OptionError, match="expected names by ids"):
            read(*records, users=bad)


def test_unknown_words_are_warned_about() -> None:
    odd = user(
        [("SIESTA", "09:00", "10:00"), ("ON_QUEUE", "10:00", "11:00")], [("OFF_QUEUE", "09:00", "10:00"), ("THINKING", "10:00", "11:00")]
    )
    with pytest.warns(DataWarning, match="2 spans have a status .*'SIESTA', 'THINKING'"):
        log = read(odd)
    assert spans(log) == [("other", "SIESTA", "09:00", "10:00"), ("other", "THINKING", "10:00", "11:00")]


GOOD = user([("ON_QUEUE", "09:00", "10:00")], [("IDLE", "09:00", "10:00")])
PLAIN = {"startTime": "2024-03-01T09:00:00Z", "endTime": "2024-03-01T10:00:00Z", "systemPresence": "BUSY"}


@pytest.mark.parametrize(
    ("more", "reason"),
    [({"userId": None}, "userId is missing"), ({"userId": 7}, "userId is no text"), ({"primaryPresence": {"a": 1}}, "no list of objects"),
     ({"primaryPresence": [PLAIN | {"startTime": None}]}, "primaryPresence has a span without startTime"),
     ({"primaryPresence": [PLAIN | {"systemPresence": " "}]}, "a span without systemPresence"),
     ({"routingStatus": [PLAIN]}, "routingStatus has a span without routingStatus"),
     ({"primaryPresence": [PLAIN | {"endTime": "2024-03-01T08:00:00Z"}]}, "ends before it starts"),
     ({"primaryPresence": [PLAIN | {"endTime": "2025-04-01T08:00:00Z"}]}, "more than a year"),
     ({"primaryPresence": [PLAIN | {"endTime": "soon"}]}, "endTime is no instant"),
     ({"primaryPresence": [PLAIN | {"startTime": "2024-03-01T09:00:00"}]}, "startTime is no instant")],
)  # fmt: skip
def test_what_cannot_be_read_is_rejected_with_a_reason(more: dict[str, Any], reason: str) -> None:
    log = read(GOOD, GOOD | more)
    assert log.rejected["line"].tolist() == [2]
    assert reason in log.rejected["reason"].iloc[0]
    with pytest.raises(FormatError, match="record 2: "):
        read(GOOD, GOOD | more, on_error="raise")


def test_years_offline_are_no_error() -> None:
    offline = {"startTime": "2020-03-01T09:00:00Z", "endTime": "2024-03-01T09:00:00Z"}
    record = GOOD | {"primaryPresence": [offline | {"systemPresence": "OFFLINE"}, *GOOD["primaryPresence"]]}
    record["routingStatus"] = [offline | {"routingStatus": "OFF_QUEUE"}, *GOOD["routingStatus"]]
    assert spans(read(record)) == [("available", "", "09:00", "10:00")]


def test_pages_without_users_are_ignored() -> None:
    log = read({"totalHits": 0}, {"userDetails": [GOOD], "totalHits": 1}, {"userDetails": None, "cursor": "x"}, {}, user([], [], key="u9"))
    assert log.summary()[["fate", "rule", "lines"]].to_numpy().tolist() == [
        ["used", "user", 1],
        ["ignored", "page without users", 3],
        ["ignored", "user without a status", 1],
    ]


PRESENCES = ["AVAILABLE", "AWAY", "BUSY", "OFFLINE", "IDLE", "ON_QUEUE", "ON_QUEUE", "ON_QUEUE", "MEAL", "TRAINING", "MEETING", "BREAK"]
ROUTINGS = ["OFF_QUEUE", "IDLE", "IDLE", "INTERACTING", "INTERACTING", "NOT_RESPONDING", "COMMUNICATING"]


def a_minute(presence: str, routing: str) -> tuple[str, str] | None:
    """What an agent does who has this presence and this routing status."""
    if presence == "OFFLINE":
        return None
    if routing == "INTERACTING":
        return ("on_contact", "")
    if routing == "COMMUNICATING":
        return ("other", routing)
    if presence == "AVAILABLE":
        return ("other", presence)
    if presence != "ON_QUEUE":
        return ("pause", presence)
    return {"IDLE": ("available", ""), "NOT_RESPONDING": ("pause", routing)}.get(routing, ("other", presence))


@pytest.mark.parametrize("seed", range(12))
def test_overlapping_pages_in_any_order_give_what_happened_minute_by_minute(seed: int) -> None:
    rng = random.Random(seed)
    ends = 60 * rng.randrange(1, 12)
    truth: dict[str, list[tuple[str, str]]] = {}
    pages: list[dict[str, Any]] = []
    for key in ("u1", "u2", "u3"):
        lines: list[list[tuple[str, int, int]]] = []
        for words in (PRESENCES, ROUTINGS):
            line, at, last = [], 0, ""
            while at < ends:
                until = min(ends, at + rng.randrange(1, 90))
                last = rng.choice([word for word in words if word != last])
                line.append((last, at, until))
                at = until
            lines.append(line)
        minutes = [[word for word, start, end in line for _ in range(start, end)] for line in lines]
        truth[key] = list(zip(*minutes, strict=True))
        # A page knows what had begun by when it was asked for, and the ends that there were by then; the last knows all but the last end.
        for asked in (*(rng.randrange(ends) for _ in range(rng.randrange(4))), ends):
            known = [
                [(word, clock(start), clock(end) if end <= asked and end < ends else None) for word, start, end in line if start <= asked]
                for line in lines
            ]
            pages.append(user(known[0], known[1], key=key))
    pages.append(user([("OFFLINE", "00:00", clock(ends))], [], key="clock"))  # so that the log tells when it ends
    rng.shuffle(pages)
    log = read(*pages)
    found: dict[str, list[Any]] = {key: [None] * ends for key in truth}
    midnight = pd.Timestamp("2024-03-01", tz="UTC")
    for row in log.agent_states.itertuples(index=False):
        start, end = (round((each - midnight).total_seconds() / 60) for each in (row.started_at, row.ended_at))
        assert found[row.agent][start:end] == [None] * (end - start)
        found[row.agent][start:end] = [(row.state, row.reason if isinstance(row.reason, str) else "")] * (end - start)
    assert found == {key: [a_minute(*pair) for pair in line] for key, line in truth.items()}


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def test_all_shapes_of_file_read_alike() -> None:
    case = cases_of("genesys_cloud_user_status")[1]
    assert case.path.name == "pages.json"
    records = [json.loads(text) for text in case.units]
    for shape in (json.dumps(records), "\n".join(map(json.dumps, records)), json.dumps({"userDetails": records, "totalHits": 4})):
        log = case.read(shape.encode())
        pd.testing.assert_frame_equal(log.agent_states, case.read().agent_states)
        assert log.count() == len(records)
