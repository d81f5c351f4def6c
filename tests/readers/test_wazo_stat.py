"""Wazo: what each status becomes, keys and names, and times with and without a zone."""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from exam_cases import cases_of
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning, ZoneError

CALL = {"id": "1", "callid": "1709280000.1", "time": "2024-03-01 09:00:00+00", "ringtime": "0", "talktime": "90", "waittime": "20",
        "status": "answered", "stat_queue_id": "4", "stat_agent_id": "7", "queue": "réception", "agent": "Agent/1001"}  # fmt: skip


def read(*calls: dict[str, Any], drop: tuple[str, ...] = (), **options: Any):
    rows = [{**CALL, "callid": f"1709280000.{at}", **call} for at, call in enumerate(calls, 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read(pd.DataFrame(rows).drop(columns=list(drop)), format="wazo_stat", **options)


@pytest.mark.parametrize(
    ("status", "outcome", "queued"),
    [
        ("answered", "answered", True),
        ("abandoned", "abandoned", True),
        ("timeout", "timed_out", True),
        ("leaveempty", "left_empty", True),
        ("full", "blocked_full", False),
        ("divert_ca_ratio", "blocked_full", False),
        ("divert_waittime", "blocked_full", False),
        ("joinempty", "blocked_empty", False),
        ("closed", "blocked_closed", False),
        ("beamed_up", "unknown", True),
    ],
)
def test_what_a_status_becomes(status: str, outcome: str, queued: bool) -> None:
    row = read({"status": status}).contacts.iloc[0]
    assert (row["outcome"], row["raw_outcome"]) == (outcome, status)
    assert pd.notna(row["queued_at"]) == pd.notna(row["wait_s"]) == queued
    assert pd.isna(row.get("arrived_at")) == queued
    assert pd.notna(row["talk_s"]) == pd.notna(row["agent"]) == (status == "answered")


def test_the_ring_is_in_the_wait_and_zero_is_not_known() -> None:
    log = read({"ringtime": "0"}, {"ringtime": "5"}, {"ringtime": "25"})
    assert log.contacts["ring_s"].fillna(-1).tolist() == [-1, 5, -1]
    assert log.contacts["wait_s"].tolist() == [20, 20, 20]
    assert log.notes.to_numpy().tolist() == [["ringtime is longer than waittime: missing", 1]]


def test_names_before_keys() -> None:
    assert read({}).contacts[["queue", "agent"]].to_numpy().tolist() == [["réception", "Agent/1001"]]
    log = read({}, drop=("queue", "agent"))
    assert log.contacts[["queue", "agent"]].to_numpy().tolist() == [["4", "7"]]
    assert log.notes["note"].str.startswith("no name of the queue").any()
    # Of two keys the table's own counts: queue_id may come with a join of stat_queue.
    assert read({"queue_id": "99"}, drop=("queue", "agent")).contacts["queue"].tolist() == ["4"]
    assert read({"stat_queue_id": "", "queue": ""}).rejected["reason"].tolist() == ["no queue, queue_name, stat_queue_id, queue_id"]


def test_times_before_20_15_have_no_zone() -> None:
    old = {"time": "2019-03-01 09:00:00.25"}
    with pytest.raises(ZoneError, match="before Wazo 20.15"):
        read(old)
    assert read(old, timezone="America/Toronto").contacts["queued_at"][0] == pd.Timestamp("2019-03-01 14:00:00.25", tz="UTC")
    # One that has a zone keeps it.
    assert read({}, timezone="America/Toronto").contacts["queued_at"][0] == pd.Timestamp("2024-03-01 09:00", tz="UTC")


def test_rows_that_were_made_anew_are_one_call() -> None:
    log = read({"callid": "1.10"}, {"callid": "1.10", "id": "900"}, {"callid": "1.1"})
    assert log.contacts["contact_id"].tolist() == ["1.1", "1.10"]
    assert log.rejected["reason"].tolist() == ["repeats an earlier row (same in all but id)"]


def test_two_queues_are_two_visits_and_one_queue_twice_is_noted() -> None:
    one, two = {"callid": "1.1"}, {"callid": "1.1", "time": "2024-03-01 09:05:00+00"}
    log = read({**two, "queue": "support"}, one)
    assert log.contacts[["visit", "queue"]].to_numpy().tolist() == [[1, "réception"], [2, "support"]]
    assert log.notes.empty
    log = read(one, two, {**one, "waittime": "3"}, {**two, "waittime": "3"})
    assert log.notes.to_numpy().tolist() == [
        ["one call answered several times in one queue: Wazo pairs each entry with each end, which counts too many", 4]
    ]


def test_waits_that_cannot_be() -> None:
    log = read(
        {"status": "leaveempty", "waittime": "-3"}, {"waittime": "-3"}, {"waittime": ""}, {"waittime": "99999999"}, {"talktime": "-1"}
    )
    assert log.contacts["outcome"].tolist() == ["left_empty"]
    assert log.contacts["wait_s"].isna().all()
    assert log.rejected["line"].tolist() == [2, 3, 4, 5]
    assert log.notes.to_numpy().tolist() == [["waittime is negative: missing", 1]]


def test_bad_rows_and_columns() -> None:
    log = read({}, {"time": ""}, {"time": "soon"}, {"callid": ""})
    assert log.rejected["line"].tolist() == [2, 3, 4]
    with pytest.raises(ColumnError, match="no column waittime"):
        read({}, drop=("waittime",))
    with pytest.raises(ColumnError, match="'callid' was read as numbers"):
        read({"callid": 1709280000.1})


def test_the_table_and_its_join_in_a_database() -> None:
    case = next(case for case in cases_of("wazo_stat") if case.path.name == "made_up_stat.csv")
    frame = pd.read_csv(case.path, dtype=str, keep_default_na=False)
    engine = sa.create_engine("sqlite://")
    frame.drop(columns=["queue", "agent"]).to_sql("stat_call_on_queue", engine, index=False)
    for kind in ("queue", "agent"):
        key = f"stat_{kind}_id"
        names = frame[[key, kind]].drop_duplicates().rename(columns={key: "id", kind: "name"})
        names[names["id"] != ""].to_sql(f"stat_{kind}", engine, index=False)
    query = (
        "SELECT c.*, q.name AS queue, a.name AS agent FROM stat_call_on_queue c "
        "LEFT JOIN stat_queue q ON q.id = c.stat_queue_id LEFT JOIN stat_agent a ON a.id = c.stat_agent_id"
    )
    with pytest.warns(DataWarning, match="beamed_up"):
        found = cc.read_sql(query, engine, **case.options)
    engine.dispose()
    assert_frame_equal(found.contacts, case.read().contacts)
