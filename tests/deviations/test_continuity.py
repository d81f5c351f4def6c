"""Outages: a queue worked by hand, accounts by a plain loop, a simulated centre whose outage is known, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import ccstats as cc
from ccstats.deviations.continuity import measure_continuity
from ccstats.deviations.outages import merge_spans, overlap
from ccstats.errors import ColumnError, OptionError, TableError, ZoneError

DAY = pd.Timestamp("2026-03-25", tz="UTC")


def steady(days: int = 28, queue: str = "sales") -> pd.DataFrame:
    """Twenty contacts every half-hour from 8 to 20, 16 in time after 10 s each and 2 abandoned; a little noise that adds up to nothing."""
    start = pd.date_range("2026-03-02", periods=48 * days, freq="30min", tz="UTC", unit="us")
    busy = (start.hour >= 8) & (start.hour < 20)
    wave = np.where(np.arange(len(start)) % 2, 1, -1) * busy * (np.arange(len(start)) // 48 % 2 * 2 - 1)
    contacts = []
    for at, open_, more in zip(start, busy.tolist(), wave.tolist(), strict=True):
        answered = [(10.0, "answered")] * (16 + more) + [(60.0, "answered")] * 2 if open_ else []
        contacts += [(at + pd.Timedelta(seconds=30 + 60 * k), *each) for k, each in enumerate(answered + [(90.0, "abandoned")] * 2 * open_)]
    frame = pd.DataFrame(contacts, columns=["queued_at", "wait_s", "outcome"]).assign(
        contact_id=lambda each: np.arange(len(each)).astype(str),
        **{"visit": 1, "channel": "voice", "direction": "inbound", "queue": queue, "raw_outcome": "x", "agent": "Ada"},
        talk_s=lambda each: np.where(each["outcome"] == "answered", 100.0, np.nan),
        **dict.fromkeys(("ring_s", "hold_s", "wrap_s"), np.nan),
    )
    return cc.to_intervals(cc.schema.CONTACTS.conform(frame), threshold_s=20)


def struck(half_hours: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp, *, offered: int, late_until: pd.Timestamp) -> pd.DataFrame:
    """All abandon while it is out, and nobody is answered in time until later."""
    frame = half_hours.copy()
    at = frame["interval_start"]
    out, after = (at >= start) & (at < end), (at >= end) & (at < late_until)
    frame.loc[out, ["offered", "abandoned", "reached_threshold"]] = offered
    frame.loc[out, ["answered", "answered_within", "total_wait_s", "talk_known"]] = 0
    frame.loc[after, "answered_within"] = 0
    frame.loc[after, "total_wait_s"] = frame.loc[after, "answered"] * 200.0
    return frame


def outage(*spans: tuple[str, str], **columns: object) -> pd.DataFrame:
    times = [[DAY + pd.Timedelta(each) for each in span] for span in spans]
    started, ended = (pd.DatetimeIndex([each[place] for each in times], tz="UTC") for place in (0, 1))
    return pd.DataFrame({"started_at": started, "ended_at": ended, **columns})


def test_worked_by_hand() -> None:
    """Out from 10 to 11:30: 5 a half-hour still come, and give up; late until 13:00."""
    low, high, late_until = (DAY + pd.Timedelta(each) for each in ("10h", "11h30min", "13h"))
    half_hours = struck(steady(), low, high, offered=5, late_until=late_until)
    kept = half_hours.copy()
    found = measure_continuity(half_hours, outage(("10h", "11h30min"), label=["platform"]))
    row, total = found.outages.iloc[0], found.totals.iloc[0]
    assert (row["label"], row["outage_s"], row["service_s"], row["intervals"], row["offered"]) == ("platform", 5400.0, 5400.0, 3, 15)
    assert row["expected_offered"] == pytest.approx(60.0, abs=1.5)
    assert row["never_came"] == pytest.approx(45.0, abs=1.5)
    assert (row["lost_contacts"], row["service_level"]) == (15, 0.0)
    assert row["expected_lost_contacts"] == pytest.approx(1.5, abs=0.1)
    assert row["extra_lost"] == pytest.approx(13.5, abs=0.1)
    assert row["late"] == pytest.approx(0.8 * 15, abs=0.2)
    assert row["expected_service_level"] == pytest.approx(0.8, abs=0.01)
    assert math.isnan(row["asa_s"])
    assert row["recovered_at"] == DAY + pd.Timedelta("13h")
    assert (row["time_to_recover_s"], row["censored"], row["note"]) == (5400.0, False, "")
    # three half-hours late, then three that prove the recovery
    assert row["service_level_after"] == pytest.approx(0.4, abs=0.02)
    assert row["late_after"] == pytest.approx(0.8 * 60, abs=2.5)
    assert total["service_s"] == 28 * 12 * 3600
    assert total["availability"] == pytest.approx(1 - 1.5 / (28 * 12))
    assert total["contact_availability"] == pytest.approx(1 - 1.5 / (28 * 12), abs=2e-4)
    assert (total["outages"], total["mean_outage_s"], total["mean_time_to_recover_s"], total["censored"]) == (1, 5400.0, 5400.0, 0)
    up = 28 * 12 * 3600 - 5400
    assert total["mean_time_between_s"] == up
    assert total["mean_time_between_s_low"] == pytest.approx(up / (stats.chi2.ppf(0.975, 4) / 2))
    assert total["mean_time_between_s_high"] == pytest.approx(up / (stats.chi2.ppf(0.025, 2) / 2))
    for name in ("never_came", "extra_lost", "late", "late_after", "service_level"):
        assert total[name] == pytest.approx(row[name])
    pd.testing.assert_frame_equal(half_hours, kept)


def test_overlapping_outages_count_once() -> None:
    half_hours = struck(steady(), DAY + pd.Timedelta("10h"), DAY + pd.Timedelta("12h"), offered=5, late_until=DAY + pd.Timedelta("12h"))
    one = measure_continuity(half_hours, outage(("10h", "12h")))
    two = measure_continuity(half_hours, outage(("10h", "11h15min"), ("11h", "12h")))
    assert len(two.outages) == 2
    for name in ("outages", "availability", "contact_availability", "late", "extra_lost", "never_came", "mean_outage_s", "intervals"):
        assert two.totals[name][0] == pytest.approx(one.totals[name][0]), name
    first, second = two.outages.itertuples()
    assert (first.censored, first.note, first.watched_s) == (True, "the next outage came first", 0.0)
    assert (second.censored, second.recovered_at) == (False, one.outages["recovered_at"][0])
    assert first.intervals + second.intervals == one.outages["intervals"][0] + 1


def test_what_the_table_does_not_show_is_censored() -> None:
    end = pd.Timestamp("2026-03-29 20:00", tz="UTC")
    half_hours = struck(steady(), end - pd.Timedelta("2h"), end - pd.Timedelta("1h"), offered=5, late_until=end)
    spans = pd.DataFrame({"started_at": [end - pd.Timedelta("2h")], "ended_at": [end - pd.Timedelta("1h")]})
    row = measure_continuity(half_hours, spans).outages.iloc[0]
    assert (row["censored"], row["note"]) == (True, "the table ends first")
    assert pd.isna(row["recovered_at"])
    assert math.isnan(row["time_to_recover_s"])
    total = measure_continuity(half_hours, spans).totals.iloc[0]
    assert total["censored"] == 1
    assert math.isnan(total["mean_time_to_recover_s"])


def test_no_outage_at_all() -> None:
    found = measure_continuity(steady(), outage())
    assert len(found.outages) == 0
    row = found.totals.iloc[0]
    assert (row["outages"], row["availability"], row["contact_availability"], row["late"], row["offered"]) == (0, 1.0, 1.0, 0.0, 0)
    assert row["mean_time_between_s_low"] == pytest.approx(28 * 12 * 3600 / (stats.chi2.ppf(0.975, 2) / 2))
    assert row["mean_time_between_s_high"] == math.inf


def test_closed_hours_are_not_service() -> None:
    """An outage from 18:00 to midnight costs two hours; recovery is seen the next morning."""
    half_hours = struck(steady(), DAY + pd.Timedelta("18h"), DAY + pd.Timedelta("20h"), offered=5, late_until=DAY + pd.Timedelta("18h"))
    row = measure_continuity(half_hours, outage(("18h", "24h"))).outages.iloc[0]
    assert (row["outage_s"], row["service_s"]) == (6 * 3600, 2 * 3600)
    assert row["recovered_at"] == DAY + pd.Timedelta("32h")


def test_queues_apart_and_together() -> None:
    both = pd.concat([steady(), steady(queue="support")], ignore_index=True).astype({"queue": "category"})
    both = both.sort_values(["queue", "interval_start"], ignore_index=True)
    found = measure_continuity(both, outage(("10h", "11h"), ("14h", "15h"), queue=["sales", None]))
    assert found.outages[["queue", "outage"]].to_numpy().tolist() == [["sales", 1], ["sales", 2], ["support", 1]]
    assert found.totals["outages"].tolist() == [2, 1]
    pooled = measure_continuity(both, outage(("14h", "15h")), by=())
    assert "queue" not in pooled.outages
    assert pooled.outages["offered"][0] == found.outages["offered"][1] + found.outages["offered"][2]


def test_a_simulated_outage_costs_what_was_planted() -> None:
    """The same customers, with and without the outage: the difference is the truth, the baseline an estimate of it."""
    hour = np.arange(48) / 2
    offered = np.where((hour >= 8) & (hour < 20), 80 + 30 * np.sin((hour - 8) / 12 * np.pi), 0.0)
    agents = np.where(offered > 0, np.ceil(offered * 240 / 1800 + 2.5), 0)
    start = pd.date_range("2026-03-02", periods=48 * 35, freq="30min", tz="UTC", unit="us")
    plan = pd.DataFrame({"queue": "sales", "interval_start": start, "interval_s": 1800.0, "expected_aht_s": 240.0}).assign(
        expected_offered=np.tile(offered, 35), agents=np.tile(agents, 35)
    )
    out = start.to_series().between(DAY + pd.Timedelta("10h"), DAY + pd.Timedelta("11h29min")).to_numpy()
    tables = []
    for floor in (plan["agents"], plan["agents"].where(~out, 1)):
        made = cc.simulate_contacts(plan.assign(agents=floor), patience_s=240.0, seed=4)
        tables.append(cc.to_intervals(made.contacts, threshold_s=20))
    row = measure_continuity(tables[1], outage(("10h", "11h30min"))).outages.iloc[0]
    its = [frame["interval_start"].between(DAY + pd.Timedelta("10h"), DAY + pd.Timedelta("11h29min")) for frame in tables]
    truth, told = (frame.loc[rows, ["offered", "answered_within", "abandoned"]].sum() for frame, rows in zip(tables, its, strict=True))
    assert row["offered"] == told["offered"]
    assert row["extra_lost"] == pytest.approx(told["abandoned"] - truth["abandoned"], rel=0.1)
    assert row["late"] == pytest.approx(truth["answered_within"] - told["answered_within"], rel=0.15)
    assert row["never_came"] == pytest.approx(0.0, abs=3 * math.sqrt(row["expected_offered"]))
    assert row["expected_service_level"] == pytest.approx(truth["answered_within"] / truth["offered"], abs=0.12)
    assert 0.0 <= row["time_to_recover_s"] <= 2 * 3600


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=8))
def test_merged_spans_by_a_plain_set(spans) -> None:
    spans = sorted((low, low + length) for low, length in spans)
    start, end = (np.array([each[place] for each in spans], dtype="float64") for place in (0, 1))
    low, high = merge_spans(start, end)
    covered = {second for first, last in spans for second in range(first, last)}
    assert {second for first, last in zip(low, high, strict=True) for second in range(int(first), int(last))} == covered
    assert (low[1:] > high[:-1]).all()
    begins = np.arange(0.0, 80.0, 5.0)
    inside = sum((overlap(*each, begins, np.full(16, 5.0)) for each in zip(low, high, strict=True)), start=np.zeros(16))
    assert inside.tolist() == [len(covered & set(range(int(at), int(at) + 5))) for at in begins]


@pytest.mark.parametrize(
    ("table", "options", "error", "said"),
    [
        (outage(("11h", "10h")), {}, TableError, "row 0, .* ends before it starts"),
        (outage(("-40D", "10h")), {}, TableError, "outside the intervals, which reach from 2026-03-02"),
        (outage(("10h", "11h"), queue=["slaes"]), {}, TableError, "Did you mean sales"),
        (outage(("10h", "11h"), queue=["sales"]), {"by": ()}, OptionError, "measure by='queue'"),
        (outage(("10h", "11h")).rename(columns={"ended_at": "end"}), {}, ColumnError, "no column 'ended_at'"),
        (outage(("10h", "11h")).assign(ended_at=pd.DatetimeIndex([pd.NaT], tz="UTC")), {}, TableError, "still goes on"),
        (outage(("10h", "11h")).assign(ended_at="later"), {}, ZoneError, "give each instant its zone"),
        (outage(("10h", "11h")), {"by": "agent"}, OptionError, "give 'queue'"),
        (outage(("10h", "11h")), {"definition": "sla"}, OptionError, "not an observed service level"),
        (outage(("10h", "11h")), {"recovery": 0}, OptionError, "1 or more"),
        (outage(("10h", "11h")), {"band": -1.0}, OptionError, "positive"),
        (outage(("10h", "11h")), {"least": "some"}, OptionError, "least='some' must be a positive number"),
        (outage(("10h", "11h")), {"baseline": "yearly"}, OptionError, "choose one of"),
        (outage(("10h", "11h")), {"timezone": "Mars"}, ZoneError, "no zone"),
    ],
)
def test_what_cannot_be_is_refused(half_hours, table, options, error, said) -> None:
    with pytest.raises(error, match=said):
        measure_continuity(half_hours, table, **options)


def test_tables_that_say_nothing_are_refused(half_hours) -> None:
    with pytest.raises(TableError, match="empty"):
        measure_continuity(half_hours.iloc[:0], outage())
    without = half_hours.assign(answered_within=pd.array([None] * len(half_hours), dtype="Int64"))
    with pytest.raises(TableError, match="without a threshold"):
        measure_continuity(without, outage(("10h", "11h")))
    with pytest.raises(OptionError, match="at least minimum=7 days"):
        measure_continuity(half_hours[half_hours["interval_start"] >= DAY], outage(("10h", "11h")))


@pytest.fixture(scope="module")
def half_hours() -> pd.DataFrame:
    return steady()
