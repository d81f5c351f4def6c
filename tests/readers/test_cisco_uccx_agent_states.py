"""Cisco UCCX AgentStateDetail: what the samples do not hold, and spans against a plain loop."""

from __future__ import annotations

import random
import warnings
from typing import Any

import pandas as pd
import pytest
from exam_cases import SAMPLES

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning, OptionError

HEADER = "agentID,eventDateTime,gmtOffset,eventType,reasonCode,profileID"
ZERO = pd.Timestamp("2024-03-01T08:00:00Z")
STATES = {1: "other", 2: "pause", 3: "available", 4: "reserved", 5: "on_contact", 6: "wrap"}


def row(agent: object, second: float, kind: object, code: object = 0) -> str:
    return f"{agent},{ZERO + pd.Timedelta(second, 's'):%Y-%m-%d %H:%M:%S.%f},0,{kind},{code},1"


def read(*rows: str, header: str = HEADER, **options: Any) -> cc.Log:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read("\n".join([header, *rows, ""]).encode(), format="cisco_uccx_agent_states", **options)


def spans(log: cc.Log) -> list[tuple[str, float, float, str, str | None, str]]:
    return [
        (
            each.agent,
            (each.started_at - ZERO).total_seconds(),
            (each.ended_at - ZERO).total_seconds(),
            each.state,
            each.reason if pd.notna(each.reason) else None,
            each.closed_by,
        )
        for each in log.agent_states.itertuples()
    ]


@pytest.mark.parametrize("kind", STATES)
def test_every_type_is_a_state_that_lasts_to_the_next_event(kind: int) -> None:
    log = read(row(7, 0, kind, 5), row(7, 60, 7))
    assert spans(log) == [("7", 0, 60, STATES[kind], "5" if kind == 2 else None, "next_event")]
    assert len(log.contacts) == 0


def test_the_code_zero_and_null_are_no_reason() -> None:
    log = read(row(7, 0, 2, 0), row(7, 10, 3), row(7, 20, 2, "NULL"), row(7, 30, 3), row(7, 40, 2, ""), row(7, 50, 7))
    assert [each[4] for each in spans(log)] == [None] * 5


def test_an_unknown_type_is_other_and_warned_of() -> None:
    with pytest.warns(DataWarning, match=r"1 events have an eventType .* \('9'\)"):
        log = cc.read("\n".join([HEADER, row(7, 0, 9), row(7, 5, 3), row(7, 9, 7)]).encode())
    assert [each[3] for each in spans(log)] == ["other", "available"]
    assert dict(log.notes.to_numpy())["eventType is not known: state other"] == 1


def test_the_log_ends_within_a_state() -> None:
    log = read(row(7, 0, 3), row(8, 0, 3), row(8, 90, 7))
    assert spans(log) == [("7", 0, 90, "available", None, "end_of_file"), ("8", 0, 90, "available", None, "next_event")]
    assert dict(log.notes.to_numpy()) == {"agents whose last state has no end: closed where the log ends": 1}


def test_a_logout_that_is_missing_ends_with_the_login() -> None:
    log = read(row(7, 0, 3), row(7, 90_000, 1), row(7, 90_000, 2), row(7, 90_010, 7))
    assert spans(log) == [("7", 0, 90_000, "available", None, "assumed"), ("7", 90_000, 90_010, "pause", None, "next_event")]
    notes = dict(log.notes.to_numpy())
    assert notes["a login without a logout before it: the state before ends with it"] == 1
    assert notes["states of more than a day: a logout may be missing"] == 1


def test_between_logout_and_login_there_is_nothing() -> None:
    log = read(row(7, 0, 3), row(7, 10, 7), row(7, 50, 1), row(7, 51, 2), row(7, 60, 7, 4))
    assert [each[:4] for each in spans(log)] == [("7", 0, 10, "available"), ("7", 50, 51, "other"), ("7", 51, 60, "pause")]
    assert len(log.notes) == 0


def test_events_of_one_millisecond_stay_in_the_order_of_the_table() -> None:
    rows = [row(7, 0, 1), row(7, 0, 2, 32760), row(7, 5, 4), row(7, 5, 3), row(7, 9, 7)]
    expected = [("7", 0, 5, "pause", "32760", "next_event"), ("7", 5, 9, "available", None, "next_event")]
    assert spans(read(*rows)) == expected
    # The newest first is the order of the table turned round.
    assert spans(read(*rows[::-1])) == expected
    # One that goes up and down is no such table.
    mixed = [rows[4], rows[0], rows[1], rows[2], rows[3]]
    assert spans(read(*mixed)) == expected


def test_an_event_that_repeats_the_state_does_not_end_it_but_another_reason_does() -> None:
    log = read(row(7, 0, 2, 5), row(7, 10, 2, 5), row(7, 20, 2, 6), row(7, 30, 7))
    assert [each[1:5] for each in spans(log)] == [(0, 20, "pause", "5"), (20, 30, "pause", "6")]


def test_a_row_that_comes_twice_counts_once() -> None:
    log = read(row(7, 0, 3), row(7, 0, 3), row(7, 10, 7))
    assert log.rejected["reason"].tolist() == ["repeats an earlier row (same agent, time, type, reason and profile)"]
    assert [each[:3] for each in spans(log)] == [("7", 0, 10)]


def test_a_new_id_of_the_same_login_is_the_same_agent() -> None:
    header = f"{HEADER},resourceLoginID,resourceName"
    log = read(f"{row(7, 0, 3)},zoe,Zoë", f"{row(8, 10, 2)},zoe,Zoë B.", f"{row(8, 20, 7)},zoe,Zoë B.", header=header)
    assert [each[:4] for each in spans(log)] == [("Zoë B.", 0, 10, "available"), ("Zoë B.", 10, 20, "pause")]


def test_contacts_are_of_what_is_done_for_one() -> None:
    kinds = {3: "", 4: "c1", 5: "c1", 6: "c1", 2: "c1", 7: "c1"}
    rows = [f"{row(7, at, kind)},{contact}" for at, (kind, contact) in enumerate(kinds.items())]
    log = read(*rows, header=f"{HEADER},contactID")
    assert log.agent_states["contact_id"].fillna("").tolist() == ["", "c1", "c1", "c1", ""]


def test_times_of_a_report_need_their_zone() -> None:
    log = read("7,2024-03-01 09:00:00,0,3,0,1", "7,2024-03-01 09:01:00,0,7,0,1", timezone="Europe/Berlin")
    assert [each[1:3] for each in spans(log)] == [(0, 60)]


def test_bad_rows_are_rejected_and_a_table_without_its_columns_is_none() -> None:
    log = read(row("", 0, 3), row(7, 0, ""), "7,,0,3,0,1", "7,now,0,3,0,1", row(7, 5, 3), row(7, 9, 7))
    assert log.rejected["line"].tolist() == [2, 3, 4, 5]
    assert len(log.agent_states) == 1
    with pytest.raises(ColumnError, match="eventType"):
        read(header="agentID,eventDateTime")
    with pytest.raises(OptionError, match="precedence"):
        read(precedence="contact")


def test_against_a_loop() -> None:
    rng = random.Random(11)
    for _ in range(30):
        rows: list[str] = []
        state_of: dict[str, list[tuple[int, int, int]]] = {}
        expected: list[tuple[Any, ...]] = []
        at = last = 0
        for _ in range(rng.randrange(1, 40)):
            at += rng.choice([0, 1, 1, 7, 60])
            agent, kind, code = rng.choice("abc"), rng.randrange(1, 8), rng.choice([0, 5])
            line = row(agent, at, kind, code)
            if line in rows:
                continue
            rows.append(line)
            last = at
            state_of.setdefault(agent, []).append((at, kind, code))
        for agent, events in state_of.items():
            mine: list[list[Any]] = []
            for place, (start, kind, code) in enumerate(events):
                following = events[place + 1] if place + 1 < len(events) else None
                end = following[0] if following else last
                closed = "end_of_file" if following is None else "assumed" if following[1] == 1 else "next_event"
                if kind == 7 or end == start:
                    continue
                state, reason = STATES[kind], "5" if kind == 2 and code == 5 else None
                if mine and mine[-1][2] == start and mine[-1][3:5] == [state, reason] and mine[-1][5] == "next_event":
                    mine[-1][2], mine[-1][5] = end, closed
                else:
                    mine.append([agent, start, end, state, reason, closed])
            expected += [tuple(each) for each in mine]
        assert spans(read(*rows)) == sorted(expected, key=lambda each: each[:2])


@pytest.mark.parametrize("sample", ["made_up_joined.csv", "made_up_newest_first.csv"])
def test_a_database_and_a_frame_are_read_like_the_file(sample: str) -> None:
    import sqlalchemy as sa

    path = SAMPLES / "cisco_uccx_agent_states" / sample
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        whole = cc.read(path)
        frame = pd.read_csv(path, sep=None, engine="python")
        assert cc.read(frame, format="cisco_uccx_agent_states").agent_states.equals(whole.agent_states)
        engine = sa.create_engine("sqlite://")
        frame.to_sql("AgentStateDetail", engine, index=False)
        for rows in (10_000, 2):
            log = cc.read_sql("AgentStateDetail", engine, format="cisco_uccx_agent_states", chunk_rows=rows)
            assert log.agent_states.equals(whole.agent_states)
        engine.dispose()
