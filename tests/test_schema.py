"""The schema's check reports every problem at once, with rows, and lets sound tables pass."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from ccstats.errors import CcstatsError, ColumnError, TableError
from ccstats.schema import CONTACTS, INTERVALS, OUTCOMES, TABLES, as_frame


def two_contacts() -> pd.DataFrame:
    return CONTACTS.conform(
        pd.DataFrame(
            {
                "contact_id": ["1266833905.20", "1266833905.2"],
                "visit": [1, 1],
                "channel": "voice",
                "direction": "inbound",
                "queue": ["sales", "support"],
                "queued_at": pd.to_datetime(["2025-03-01T08:00:00Z", "2025-03-01T08:00:05Z"]),
                "outcome": ["answered", "abandoned"],
                "raw_outcome": ["CONNECT", "ABANDON"],
                "wait_s": [12.0, 40.0],
                "ring_s": [4.0, np.nan],
                "talk_s": [95.0, np.nan],
                "hold_s": [np.nan, np.nan],
                "wrap_s": [np.nan, np.nan],
                "agent": ["Ada", None],
            }
        )
    )


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_empty_tables_are_sound(table) -> None:
    assert table.problems(table.empty()) == []
    assert table.problems(table.empty(extra=table.names())) == []
    assert list(table.empty(extra=table.names()).columns) == table.names()


def test_a_sound_table_passes_sorted_by_key_with_text_ids() -> None:
    contacts = two_contacts()
    CONTACTS.check(contacts)
    assert contacts["contact_id"].tolist() == ["1266833905.2", "1266833905.20"]
    assert contacts.index.equals(pd.RangeIndex(2))
    assert str(contacts["queued_at"].dtype) == "datetime64[us, UTC]"


def test_every_problem_is_reported_at_once_with_its_rows() -> None:
    bad = two_contacts().drop(columns="ring_s")
    bad["wait_s"] = [-1.0, np.inf]
    bad["queued_at"] = bad["queued_at"].dt.tz_localize(None)
    bad["outcome"] = pd.Categorical(["answered", "vanished"])
    bad["contact_id"] = bad["contact_id"].astype(float)
    bad["agent"] = bad["agent"].astype("str")
    bad["queue"] = bad["queue"].where(bad["queue"] == "sales")
    with pytest.raises(TableError) as caught:
        CONTACTS.check(bad)
    text = str(caught.value)
    for said in (
        "'ring_s' is missing",
        "'wait_s' is negative (row 0; 1 in all)",
        "'wait_s' is infinite (row 1; 1 in all)",
        "'queued_at' is datetime64[us], expected datetime64[us, UTC]",
        "['vanished'], outside its vocabulary",
        "'contact_id' is float64, expected str",
        "'agent' is str, expected category",
        "'queue' has missing values (row 0; 1 in all)",
    ):
        assert said in text, text
    assert isinstance(caught.value, CcstatsError)
    assert isinstance(caught.value, ValueError)


def test_a_repeated_key_is_named() -> None:
    twice = pd.concat([two_contacts()] * 2, ignore_index=True)
    assert any("key ('contact_id', 'visit') is repeated in 4 rows" in problem for problem in CONTACTS.problems(twice))
    assert CONTACTS.problems(twice, keys=False) == []


def test_only_the_columns_asked_for_are_looked_at() -> None:
    bad = two_contacts().assign(talk_s=-1.0)
    assert CONTACTS.problems(bad, columns=["wait_s"]) == []
    assert CONTACTS.problems(bad, columns=["talk_s"]) == ["column 'talk_s' is negative (rows 0, 1; 2 in all)"]
    assert "column 'ivr_s' is missing" in CONTACTS.problems(bad, columns=["ivr_s"])[0]


def test_an_unknown_column_names_those_there_are() -> None:
    with pytest.raises(ColumnError, match="table 'contacts' has no column 'wait'; it has: contact_id"):
        _ = CONTACTS["wait"]


def test_the_check_changes_nothing() -> None:
    contacts = two_contacts()
    before = contacts.copy(deep=True)
    CONTACTS.check(contacts)
    CONTACTS.conform(contacts)
    pd.testing.assert_frame_equal(contacts, before)


def test_offered_is_the_sum_of_its_parts_in_words() -> None:
    parts = {part.strip() for part in INTERVALS["offered"].meaning.split("+")}
    outside = {"blocked", "ivr_abandoned", None}
    assert parts == set(OUTCOMES.values()) - outside


@pytest.mark.parametrize("make", [pl.from_pandas, pa.Table.from_pandas, lambda frame: duckdb.sql("select * from frame").arrow()])
def test_frames_that_speak_arrow_are_accepted(make) -> None:
    frame = two_contacts()
    back = CONTACTS.conform(as_frame(make(frame)))
    CONTACTS.check(back)
    for name in ("contact_id", "outcome", "queue", "wait_s"):
        assert back[name].astype("str").tolist() == frame[name].astype("str").tolist()
    assert (back["queued_at"] == frame["queued_at"]).all()


@pytest.mark.parametrize("make", [pl.from_pandas, pa.Table.from_pandas])
def test_periods_keep_the_zone_they_come_in(make) -> None:
    days = pd.date_range("2026-07-01", periods=2, freq="D", tz="Europe/London").as_unit("ns")
    frame = pd.DataFrame({name: days for name in ("period_start", "period_end", "signalled_at", "interval_start", "told_at")})
    back = as_frame(make(frame))
    for name in ("period_start", "period_end", "signalled_at"):
        assert str(back[name].dtype) == "datetime64[us, Europe/London]", name
    assert str(back["interval_start"].dtype) == "datetime64[us, UTC]"
    assert str(back["told_at"].dt.tz) == "Europe/London"
    assert (back == frame).all(axis=None)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(
        TableError, match="contacts: expected a pandas frame or a table that speaks the Arrow PyCapsule protocol.*found builtins.list"
    ):
        as_frame([1, 2], what="contacts")


def test_counts_with_gaps_come_from_arrow_and_are_told() -> None:
    frame = as_frame(pa.table({"offered": pa.array([1, None], pa.int64())}))
    assert frame["offered"].dtype == "Int64"
    assert INTERVALS.problems(frame, columns=["offered"], keys=False) == ["column 'offered' has missing values (row 1; 1 in all)"]
