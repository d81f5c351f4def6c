"""What `to_agent_intervals` promises: every second of a span is in exactly one interval, whatever the order and the split."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import ColumnError, OptionError, TableError
from ccstats.schema import AGENT_INTERVALS, AGENT_STATES, STATES
from interval_cases import NIGHTS, noon, plain, random_spans

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
EXAMPLES = max(10, int(200 * EXAM))


def spans(*rows: tuple[str, str, str], agent: str = "Ada", queue: str | None = None) -> pd.DataFrame:
    """Spans from (start, end, state) on 1 June 2026 UTC."""
    size = len(rows)
    instants = [pd.to_datetime([f"2026-06-01 {row[place]}" for row in rows], utc=True).as_unit("us") for place in (0, 1)]
    return pd.DataFrame(
        {
            "agent": pd.Categorical([agent] * size),
            "started_at": instants[0],
            "ended_at": instants[1],
            "state": pd.Categorical([row[2] for row in rows], categories=list(STATES)),
            "queue": pd.Categorical([queue] * size, categories=["sales"]),
        }
    )


class Partitions:
    """An engine as `to_agent_intervals` sees one."""

    def __init__(self, frames: list[pd.DataFrame]) -> None:
        self._frames = frames

    def map_partitions(self, function):
        shipped = pickle.loads(pickle.dumps(function))
        return [shipped(frame) for frame in self._frames]


def test_a_span_is_clipped_to_the_intervals_it_lies_in():
    table = cc.to_agent_intervals(spans(("10:20", "11:10", "available"), ("11:10", "11:30", "on_contact")))
    assert table["interval_start"].dt.strftime("%H:%M").tolist() == ["10:00", "10:30", "11:00"]
    assert table["available_s"].tolist() == [600.0, 1800.0, 600.0]
    assert table["on_contact_s"].tolist() == [0.0, 0.0, 1200.0]
    assert table["logged_in_s"].tolist() == [600.0, 1800.0, 1800.0]
    assert table["handled"].tolist() == [0, 0, 1]


def test_a_contact_is_handled_where_its_span_begins_even_without_length():
    table = cc.to_agent_intervals(spans(("10:20", "10:40", "on_contact"), ("11:00", "11:00", "on_contact"), ("12:00", "12:00", "pause")))
    assert table["interval_start"].dt.strftime("%H:%M").tolist() == ["10:00", "10:30", "11:00"]
    assert table["handled"].tolist() == [1, 0, 1]
    assert table["on_contact_s"].tolist() == [600.0, 600.0, 0.0]


def test_by_queue_keeps_time_without_a_queue_apart():
    both = pd.concat([spans(("10:00", "10:10", "on_contact"), queue="sales"), spans(("10:10", "10:20", "available"))], ignore_index=True)
    table = cc.to_agent_intervals(both, by="queue")
    assert plain(table[["queue", "on_contact_s", "available_s"]]) == {
        "queue": ["sales", None],
        "on_contact_s": [600.0, 0.0],
        "available_s": [0.0, 600.0],
    }


def test_a_day_that_the_clocks_change():
    london = spans(("10:00", "10:01", "available"))
    london["started_at"] = pd.to_datetime(["2026-10-24 23:00"], utc=True).as_unit("us")
    london["ended_at"] = pd.to_datetime(["2026-10-26 00:00"], utc=True).as_unit("us")
    table = cc.to_agent_intervals(london, every="1D", timezone="Europe/London")
    assert table["interval_s"].tolist() == table["available_s"].tolist() == [25 * 3600.0]
    assert len(cc.to_agent_intervals(london, every="30min", timezone="Europe/London")) == 50


@pytest.mark.parametrize("night", NIGHTS)
@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 10**6), by=st.sampled_from([(), "queue"]), parts=st.integers(1, 4))
def test_no_second_is_lost_and_no_order_or_split_matters(night, seed, by, parts):
    zone, middle = noon(night)
    table = random_spans(seed, 40, middle)
    found = cc.to_agent_intervals(table, timezone=zone, by=by)
    length = (table["ended_at"] - table["started_at"]).dt.total_seconds()
    for state in STATES:
        assert found[f"{state}_s"].sum() == pytest.approx(length[table["state"] == state].sum())
    assert found["handled"].sum() == (table["state"] == "on_contact").sum()
    rng = np.random.default_rng(seed)
    shuffled = table.iloc[rng.permutation(len(table))]
    pd.testing.assert_frame_equal(cc.to_agent_intervals(shuffled, timezone=zone, by=by), found)
    part_of = rng.integers(0, parts, len(table))
    pieces = Partitions([table[part_of == part] for part in range(parts)])
    pd.testing.assert_frame_equal(cc.to_agent_intervals(pieces, timezone=zone, by=by), found)


def test_result_has_the_schema():
    zone, middle = noon("autumn in Lord Howe")
    for by in ((), "queue"):
        table = cc.to_agent_intervals(random_spans(1, 50, middle), timezone=zone, by=by)
        AGENT_INTERVALS.check(table, keys=False)
        assert list(table.columns) == [name for name in AGENT_INTERVALS.names() if name != "queue" or by]
        keys = ["agent", "interval_start", *(["queue"] if by else [])]
        assert table.sort_values(keys, ignore_index=True).equals(table)
        assert not table.duplicated(keys).any()


def test_no_spans_give_an_empty_table():
    empty = cc.to_agent_intervals(AGENT_STATES.empty())
    assert len(empty) == 0
    AGENT_INTERVALS.check(empty)
    assert len(cc.to_agent_intervals(Partitions([]))) == 0
    assert len(cc.to_agent_intervals(Partitions([AGENT_STATES.empty()]))) == 0


def test_an_arrow_frame_is_counted_like_a_pandas_frame():
    table = random_spans(2, 40, pd.Timestamp("2026-01-01", tz="UTC"))
    assert plain(cc.to_agent_intervals(pl.from_pandas(table), by="queue")) == plain(cc.to_agent_intervals(table, by="queue"))


def test_a_span_that_ends_before_it_starts_is_named():
    with pytest.raises(TableError, match=r"1 spans end before they start \(rows 1\), first 'Ada' pause from 2026-06-01 11:00"):
        cc.to_agent_intervals(spans(("10:00", "10:10", "available"), ("11:00", "10:50", "pause")))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"ended_at": pd.DatetimeIndex([None], tz="UTC").as_unit("us")}, "column 'ended_at' has missing values"),
        ({"agent": pd.Categorical([None], categories=["Ada"])}, "column 'agent' has missing values"),
        ({"state": pd.Categorical(["asleep"])}, "outside its vocabulary"),
        ({"state": ["pause"]}, "column 'state' is str, expected category"),
    ],
)
def test_states_that_break_the_schema_are_refused(change, text):
    with pytest.raises(TableError, match=text):
        cc.to_agent_intervals(spans(("10:00", "10:10", "available")).assign(**change))


def test_options_that_are_not_known_are_refused():
    table = spans(("10:00", "10:10", "available"))
    with pytest.raises(OptionError, match="by='agent' is not known"):
        cc.to_agent_intervals(table, by="agent")
    with pytest.raises(OptionError, match="divides a day"):
        cc.to_agent_intervals(table, every="7min")
    with pytest.raises((TableError, ColumnError), match="'queue' is missing"):
        cc.to_agent_intervals(table.drop(columns="queue"), by="queue")
