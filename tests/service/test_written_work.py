"""Written work against a plain loop over items, and against a backlog drawn by hand."""

from __future__ import annotations

import datetime as dt
import math
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import ColumnError, OptionError, TableError, ZoneError
from ccstats.schema import ITEMS

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
ZONE = "Europe/Berlin"
WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
OFFICE = cc.Calendar({day: [("09:00", "17:00")] for day in WEEK}, timezone=ZONE, holidays=[dt.date(2026, 4, 6)])


def random_items(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    opened = pd.Timestamp("2026-03-20", tz="UTC") + pd.to_timedelta(np.sort(rng.integers(0, 20 * 86_400, n)), unit="s")

    def later(mean: float, missing: float) -> pd.Series:
        seconds = np.where(rng.random(n) < 0.1, 0, np.round(rng.exponential(mean, n)))
        return pd.Series(opened + pd.to_timedelta(seconds, unit="s")).mask(rng.random(n) < missing)

    items = pd.DataFrame({"item_id": [f"i{number}" for number in range(n)], "opened_at": opened})
    items["first_response_at"], items["closed_at"] = later(40_000, 0.2), later(200_000, 0.25)
    items["queue"], items["channel"] = rng.choice(["post", "chat"], n), "email"
    return ITEMS.conform(items)


def kaplan_meier_by_loop(pairs: list[tuple[float, bool]], share: float) -> float:
    left = 1.0
    for moment in sorted({time for time, ended in pairs if ended}):
        left *= 1 - sum(ended and time == moment for time, ended in pairs) / sum(time >= moment for time, _ in pairs)
        if left <= 1 - share + 1e-12:
            return moment
    return math.nan


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def start_of(at: pd.Timestamp, period: str | None) -> pd.Timestamp | None:
    date = at.tz_convert(ZONE).date()
    if period == "week":
        date -= dt.timedelta(days=date.weekday())
    if period in ("month", "quarter"):
        date = date.replace(day=1, month=date.month if period == "month" else (date.month - 1) // 3 * 3 + 1)
    return None if period is None else pd.Timestamp(date, tz=ZONE)


def next_start(start: pd.Timestamp, period: str) -> pd.Timestamp:
    step = {"day": {"days": 1}, "week": {"days": 7}, "month": {"months": 1}, "quarter": {"months": 3}}[period]
    return start + pd.DateOffset(**step)


@settings(max_examples=max(15, int(500 * EXAM)), deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 50),
    by=st.sampled_from([(), "queue", ("queue", "channel")]),
    period=st.sampled_from([None, "day", "week", "month", "quarter"]),
    as_of=st.sampled_from([None, "2026-04-02T10:00Z", "2026-04-25T00:00Z"]),
    working=st.booleans(),
)
def test_written_work_is_a_loop_over_items(seed, n, by, period, as_of, working):
    items = random_items(seed, n)
    before = items.copy()
    calendar = OFFICE if working else None
    target = 20_000.0
    made = cc.measure_deferred(items, by=by, period=period, timezone=ZONE, target_s=target, calendar=calendar, as_of=as_of, closure_days=7)
    pd.testing.assert_frame_equal(items, before)
    now = pd.Timestamp(as_of) if as_of else items[["opened_at", "first_response_at", "closed_at"]].max().max()
    names = [by] if isinstance(by, str) else list(by)

    def elapsed(a: pd.Timestamp, b: pd.Timestamp) -> float:
        return (b - a).total_seconds()

    def open_(a: pd.Timestamp, b: pd.Timestamp) -> float:
        return float(OFFICE.open_seconds(a, b)[0])

    groups: dict[tuple, list[dict]] = {}
    for row in items.to_dict("records"):
        if row["opened_at"] <= now:
            row |= {name: row[name] if pd.notna(row[name]) and row[name] <= now else None for name in ("first_response_at", "closed_at")}
            groups.setdefault(tuple(row[name] for name in names), []).append(row)
    assume(groups)
    first = min(row["opened_at"] for rows in groups.values() for row in rows)
    spans = [(None, None, now)]
    if period:
        spans, start = [], start_of(first, period)
        while start <= now:
            spans.append((start, start, min(next_start(start, period), now)))
            start = next_start(start, period)
    expected = [(*key, span) for key in sorted(groups) for span in spans]
    assert len(made) == len(expected)
    for row, (*key, (label, start, end)) in zip(made.to_dict("records"), expected, strict=True):
        assert tuple(row[name] for name in names) == tuple(key)
        assert row.get("period_start") == label
        assert row["measured_at"] == end
        mine = groups[tuple(key)]
        came = [each for each in mine if start_of(each["opened_at"], period) == label]
        assert row["items"] == len(came)
        answered = [each for each in came if each["first_response_at"] is not None]
        waiting = [each for each in came if each["first_response_at"] is None and each["closed_at"] is None]
        closed = [each for each in came if each["closed_at"] is not None]
        assert (row["answered"], row["unanswered"], row["closed"]) == (len(answered), len(waiting), len(closed))
        assert row["closed_unanswered"] == len(came) - len(answered) - len(waiting)
        for suffix, took in (("", elapsed), ("_working", open_)) if working else (("", elapsed),):
            waits = [took(each["opened_at"], each["first_response_at"]) for each in answered]
            np.testing.assert_allclose(row[f"first_response{suffix}_s"], mean(waits))
            pairs = [
                (took(each["opened_at"], each["first_response_at"] or each["closed_at"] or now), each["first_response_at"] is not None)
                for each in came
            ]
            np.testing.assert_equal(row[f"first_response{suffix}_p90_s"], kaplan_meier_by_loop(pairs, 0.9))
            within = sum(wait <= target for wait in waits)
            overdue = sum(took(each["opened_at"], now) > target for each in waiting)
            assert (row[f"answered_within{suffix}"], row[f"answered_late{suffix}"]) == (within, len(waits) - within)
            assert (row[f"overdue{suffix}"], row[f"not_due{suffix}"]) == (overdue, len(waiting) - overdue)
            of = len(waits) + overdue
            np.testing.assert_equal(row[f"response_sl{suffix}"], within / of if of else math.nan)
            done = [took(each["opened_at"], each["closed_at"]) for each in closed]
            np.testing.assert_allclose(row[f"resolution{suffix}_s"], mean(done))
            pairs = [(took(each["opened_at"], each["closed_at"] or now), each["closed_at"] is not None) for each in came]
            np.testing.assert_equal(row[f"resolution{suffix}_p50_s"], kaplan_meier_by_loop(pairs, 0.5))

            ages = [
                took(each["opened_at"], end)
                for each in mine
                if each["opened_at"] <= end and (each["closed_at"] is None or each["closed_at"] > end)
            ]
            assert row["backlog"] == len(ages)
            np.testing.assert_allclose(row[f"backlog_age{suffix}_s"], mean(ages), atol=1e-5)
            np.testing.assert_allclose(row[f"backlog_age{suffix}_max_s"], max(ages, default=math.nan), atol=1e-5)
        inside = [
            each
            for each in mine
            if each["closed_at"] is not None and (start is None or start <= each["closed_at"]) and each["closed_at"] <= end
        ]
        assert row["closures"] == len([each for each in inside if start is None or each["closed_at"] < next_start(start, period)])
        begin = max(end - pd.Timedelta("7D"), min(each["opened_at"] for each in mine))
        gone = sum(each["closed_at"] is not None and begin < each["closed_at"] <= end for each in mine)
        days = OFFICE.working_days(begin, end)[0] if working else elapsed(begin, end) / 86_400
        daily = gone / days if days > 0 else math.nan
        np.testing.assert_allclose(row["daily_closures"], daily)
        np.testing.assert_allclose(row["backlog_days"], row["backlog"] / daily if daily > 0 else math.nan)


def test_a_backlog_drawn_by_hand():
    """Two a day come, one a day is closed, from Monday: after five days five lie there, and one a day makes five days of work."""
    opened = pd.DatetimeIndex(np.repeat(pd.date_range("2026-03-02 08:00", periods=5, freq="1D", tz="UTC"), 2))
    closed = pd.Series([at + pd.Timedelta("1h") if number % 2 == 0 else None for number, at in enumerate(opened)])
    items = pd.DataFrame(
        {
            "item_id": [str(each) for each in range(10)],
            "opened_at": opened,
            "first_response_at": closed,
            "closed_at": closed,
            "queue": "post",
        }
    )
    items[["first_response_at", "closed_at"]] = items[["first_response_at", "closed_at"]].apply(pd.to_datetime, utc=True)
    made = cc.measure_deferred(items, period="day", timezone="UTC", as_of="2026-03-07T00:00Z", closure_days=5)
    assert made["backlog"].tolist() == [1, 2, 3, 4, 5, 5]
    assert made["closures"].tolist() == [1, 1, 1, 1, 1, 0]
    assert made["backlog_age_max_s"].tolist() == [(16 + 24 * day) * 3600 for day in (0, 1, 2, 3, 4)] + [112 * 3600.0]
    last = cc.measure_deferred(items, as_of="2026-03-07T08:00Z", closure_days=5).loc[0]
    assert last["backlog_days"] == 5.0
    assert last["daily_closures"] == 1.0


def test_items_that_are_not_due_are_counted_apart():
    opened = pd.to_datetime(["2026-03-02T09:00Z"] * 4)
    replied = pd.to_datetime(pd.Series(["2026-03-02T10:00Z", None, None, None]), utc=True)
    closed = pd.to_datetime(pd.Series([None, None, None, "2026-03-02T09:30Z"]), utc=True)
    items = pd.DataFrame({"item_id": list("abcd"), "opened_at": opened, "first_response_at": replied, "closed_at": closed})
    early, late = (
        cc.measure_deferred(items, by=(), target_s=7200, as_of=at).loc[0] for at in ("2026-03-02T11:00Z", "2026-03-02T11:00:01Z")
    )
    assert (early["response_sl"], early["not_due"], early["closed_unanswered"]) == (1.0, 2, 1)
    assert (late["response_sl"], late["overdue"]) == (1 / 3, 2)
    none = cc.measure_deferred(items, by=()).loc[0]
    assert (none["answered_within"], none["overdue"], none["not_due"]) == (0, 0, 0)
    assert math.isnan(none["response_sl"])


def test_nothing_and_arrow():
    import pyarrow as pa

    items = random_items(3, 20)
    whole = cc.measure_deferred(items.iloc[:0], by=()).loc[0]
    assert (whole["items"], whole["backlog"]) == (0, 0)
    assert whole[["first_response_s", "backlog_age_s", "backlog_days", "response_sl"]].isna().all()
    assert cc.measure_deferred(items.iloc[:0], period="day", timezone="UTC").empty
    pd.testing.assert_frame_equal(cc.measure_deferred(pa.Table.from_pandas(items)), cc.measure_deferred(items))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"by": "team"}, ColumnError, "no column 'team'"),
        ({"period": "month"}, ZoneError, "needs timezone="),
        ({"period": "slot", "timezone": "UTC"}, OptionError, "quarter, year"),
        ({"target_s": -1}, OptionError, "target_s"),
        ({"target_s": True}, OptionError, "target_s"),
        ({"closure_days": 0}, OptionError, "closure_days"),
        ({"confidence": 95}, OptionError, "confidence"),
        ({"as_of": "2026-04-01"}, ZoneError, "no instant"),
    ],
)
def test_bad_arguments_are_refused(options, error, text):
    with pytest.raises(error, match=text):
        cc.measure_deferred(random_items(1, 5), **options)


def test_items_that_cannot_be_are_refused_with_row_and_key():
    items = random_items(1, 5)
    early = items["opened_at"] - pd.Timedelta("1h")
    with pytest.raises(TableError, match="first_response_at before opened_at.*row 0, item_id 'i0'"):
        cc.measure_deferred(items.assign(first_response_at=early))
    with pytest.raises(TableError, match="closed_at before opened_at"):
        cc.measure_deferred(items.assign(closed_at=early))
    with pytest.raises(TableError, match="is repeated"):
        cc.measure_deferred(pd.concat([items, items], ignore_index=True))


def test_what_is_closed_at_the_instant_is_not_open():
    opened = pd.to_datetime(["2026-03-02T09:00Z", "2026-03-02T10:00Z"])
    closed = pd.to_datetime(pd.Series(["2026-03-02T12:00Z", None]), utc=True)
    items = pd.DataFrame({"item_id": ["a", "b"], "opened_at": opened, "first_response_at": closed, "closed_at": closed})
    made = cc.measure_deferred(items, by=(), as_of="2026-03-02T12:00Z").loc[0]
    assert (made["backlog"], made["backlog_age_max_s"], made["closures"]) == (1, 7200.0, 1)
