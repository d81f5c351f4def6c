"""Issabel: what the samples do not hold, and agents' states against a loop over seconds."""

from __future__ import annotations

import random
import warnings

import pandas as pd
import pytest
from exam_cases import SAMPLES

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning, ZoneError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Options
from ccstats.readers.spans import laid_over

CALL = "id,id_agent,id_queue_call_entry,datetime_entry_queue,datetime_init,datetime_end,duration_wait,duration,status,uniqueid"
AUDIT = "id,id_agent,id_break,datetime_init,datetime_end"
DAY = "2024-03-01 "


def read(*lines: str, header: str = CALL, timezone: str = "America/Bogota") -> cc.Log:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read("\n".join([header, *lines, ""]).encode(), format="issabel", pseudonyms=False, timezone=timezone)


@pytest.mark.parametrize(
    ("status", "began", "outcome", "talk"),
    [
        ("terminada", "09:00:10", "answered", 50.0),
        ("activa", "09:00:10", "answered", -1.0),
        ("hold", "09:00:10", "answered", -1.0),
        ("fin-monitoreo", "09:00:10", "answered", -1.0),
        ("fin-monitoreo", "", "failed", -1.0),
        ("abandonada", "", "abandoned", -1.0),
        ("en-cola", "", "open", -1.0),
        ("", "", "unknown", -1.0),
        ("Success", "", "unknown", -1.0),
    ],
)
def test_outcomes(status: str, began: str, outcome: str, talk: float) -> None:
    log = read(f"1,7,2,{DAY}09:00:00,{DAY + began if began else 'NULL'},{DAY}09:01:00,10,50,{status},1.2")
    assert log.contacts["outcome"].tolist() == [outcome]
    assert log.contacts["talk_s"].fillna(-1).tolist() == [talk]


def test_a_wait_that_is_blank_comes_from_the_times_and_one_that_disagrees_is_counted() -> None:
    log = read(
        f"1,7,2,{DAY}09:00:00,{DAY}09:00:10,{DAY}09:01:00,NULL,50,terminada,1.2",
        f"2,7,2,{DAY}09:00:00,{DAY}09:00:10,{DAY}09:01:00,25,50,terminada,1.3",
        f"3,7,2,{DAY}09:00:00,NULL,{DAY}09:01:00,NULL,50,terminada,1.4",
    )
    assert log.contacts["wait_s"].tolist() == [10.0, 25.0]
    notes = dict(log.notes.to_numpy())
    assert notes["datetime_init - datetime_entry_queue is not duration_wait"] == 1
    assert notes["duration_wait is blank: taken from the times"] == 1
    assert log.rejected["reason"].tolist() == ["answered, but neither duration_wait nor datetime_init says after how long"]


def test_of_versions_that_end_alike_the_last_one_counts() -> None:
    rows = [f"1,7,2,{DAY}09:00:00,NULL,NULL,NULL,NULL,en-cola,1.2", f"1,7,2,{DAY}09:00:00,{DAY}09:00:10,NULL,10,NULL,activa,1.2"]
    log = read(*rows)
    assert log.contacts["outcome"].tolist() == ["answered"]
    assert log.summary().set_index("rule")["lines"]["another version of the same record is newer or came later"] == 1


def test_the_last_version_of_a_row_counts() -> None:
    rows = [
        f"1,7,2,{DAY}09:00:00,{DAY}09:00:10,NULL,10,NULL,activa,1.2",
        f"1,7,2,{DAY}09:00:00,{DAY}09:00:10,{DAY}09:01:00,10,50,terminada,1.2",
    ]
    for order in (rows, rows[::-1]):
        assert read(*order).contacts["talk_s"].tolist() == [50.0]


def test_with_both_tables_calls_lie_over_the_session() -> None:
    folder = SAMPLES / "issabel"
    with pytest.warns(DataWarning, match="perdida"):
        log = cc.read([folder / "call_entry.csv", folder / "audit.csv"], timezone="America/Bogota")
    spans = log.agent_states[log.agent_states["agent"] == "Íñigo"]
    found = [(f"{at:%H:%M:%S}", str(state)) for at, state in zip(spans["started_at"], spans["state"], strict=True)]
    assert found == [
        ("13:55:00", "available"),
        ("14:00:12", "on_contact"),
        ("14:01:00", "hold"),
        ("14:01:30", "on_contact"),
        ("14:02:12", "available"),
        ("14:12:30", "on_contact"),
        ("14:13:30", "available"),
        ("15:00:00", "pause"),
        ("15:30:00", "available"),
    ]
    assert (spans["ended_at"].to_numpy()[:-1] == spans["started_at"].to_numpy()[1:]).all()
    assert set(spans.loc[spans["state"] == "on_contact", "queue"]) == {"ventas", "soporte"}


def test_layers_against_a_loop_over_seconds() -> None:
    rng = random.Random(5)
    zero = pd.Timestamp("2024-03-01T00:00:00Z")
    for _ in range(20):
        layers, painted = [], {}
        for number, state in enumerate(("available", "pause", "on_contact")):
            rows = []
            for agent in "ab":
                at = 0
                for _ in range(rng.randrange(4)):
                    begin = at + rng.randrange(10)
                    at = begin + rng.randrange(1, 15)
                    rows.append((agent, zero + pd.Timedelta(begin, "s"), zero + pd.Timedelta(at, "s"), state, f"{number}", "event"))
                    painted |= {(agent, second): state for second in range(begin, at)}
            layers.append(pd.DataFrame(rows, columns=["agent", "started_at", "ended_at", "state", "reason", "closed_by"]))
            for name in ("started_at", "ended_at"):
                layers[-1][name] = pd.to_datetime(layers[-1][name], utc=True)
        spans = laid_over(layers, Account(Options()))
        found = {}
        for row in spans.itertuples():
            begin, end = (int((at - zero).total_seconds()) for at in (row.started_at, row.ended_at))
            for second in range(begin, end):
                assert (row.agent, second) not in found
                found[row.agent, second] = row.state
        assert found == painted


def test_the_zone_is_asked_for_and_the_hour_shown_twice_counted() -> None:
    with pytest.raises(ZoneError, match="timezone="):
        cc.read(SAMPLES / "issabel" / "audit.csv")
    log = read("1,NULL,2,2024-10-27 02:30:00,NULL,NULL,5,NULL,abandonada,1.2", timezone="Europe/Madrid")
    assert dict(log.notes.to_numpy()) == {"datetime_entry_queue: local time that the clock showed twice: the first is taken": 1}


def test_a_call_over_the_hour_shown_twice_keeps_its_length() -> None:
    night = "2024-10-27 "
    log = read(
        f"1,7,2,{night}02:59:50,{night}02:00:10,{night}02:02:10,NULL,120,terminada,1.2",
        f"2,7,2,{night}02:59:50,{night}03:00:10,{night}03:02:10,NULL,120,terminada,1.3",
        timezone="Europe/Madrid",
    )
    assert log.contacts["wait_s"].tolist() == [20.0, 20.0]
    assert log.contacts["queued_at"].dt.strftime("%H:%M:%S").tolist() == ["00:59:50", "01:59:50"]


def test_a_talk_of_hours_after_the_hour_shown_twice_is_no_wait() -> None:
    night = "2024-10-27 "
    log = read(f"1,7,2,{night}01:59:50,{night}02:00:10,{night}03:00:30,NULL,7220,terminada,1.2", timezone="Europe/Madrid")
    assert log.contacts[["wait_s", "talk_s"]].to_numpy().tolist() == [[20.0, 7220.0]]


def test_a_session_over_the_hour_shown_twice_covers_its_break() -> None:
    rows = "1,7,NULL,2024-10-27 02:15:00,2024-10-27 10:00:00\n2,7,3,2024-10-27 02:50:00,2024-10-27 02:10:00\n"
    states = cc.read(f"id,id_agent,id_break,datetime_init,datetime_end\n{rows}".encode(), timezone="Europe/Madrid").agent_states
    clocks = [states[name].dt.strftime("%H:%M").tolist() for name in ("started_at", "ended_at")]
    assert list(zip(states["state"], *clocks, strict=True)) == [
        ("other", "00:15", "00:50"), ("pause", "00:50", "01:10"), ("other", "01:10", "09:00"),
    ]  # fmt: skip


def test_bad_rows_are_rejected_with_their_reason() -> None:
    log = read(
        f",7,2,{DAY}09:00:00,NULL,NULL,10,NULL,abandonada,1.2",
        f"2,7,,{DAY}09:00:00,NULL,NULL,10,NULL,abandonada,1.2",
        "3,7,2,NULL,NULL,NULL,10,NULL,abandonada,1.2",
        "4,7,2,today,NULL,NULL,10,NULL,abandonada,1.2",
        f"5,7,2,{DAY}09:00:00,NULL,NULL,-3,NULL,abandonada,1.2",
    )
    assert log.rejected["line"].tolist() == [2, 3, 4, 5, 6]
    log = read(
        f"1,7,NULL,{DAY}10:00:00,{DAY}09:00:00", f"2,,NULL,{DAY}09:00:00,{DAY}10:00:00", f"3,7,NULL,NULL,{DAY}10:00:00", header=AUDIT
    )
    assert log.rejected["line"].tolist() == [2, 3, 4]
    with pytest.raises(ColumnError, match="neither call_entry"):
        read(header="id,status")
    with pytest.raises(ColumnError, match="duration_wait"):
        read(header="id,datetime_entry_queue")


@pytest.mark.parametrize("table", ["call_entry", "audit"])
def test_a_database_is_read_like_the_file(table: str) -> None:
    import sqlalchemy as sa

    path = SAMPLES / "issabel" / f"{table}.csv"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        whole = cc.read(path, pseudonyms=False, timezone="America/Bogota")
        engine = sa.create_engine("sqlite://")
        frame = pd.read_csv(path, dtype={"uniqueid": str, "callerid": str})
        frame.to_sql(table, engine, index=False)
        log = cc.read_sql(table, engine, format="issabel", pseudonyms=False, timezone="America/Bogota")
        engine.dispose()
    assert log.contacts.equals(whole.contacts)
    assert log.agent_states.equals(whole.agent_states)
