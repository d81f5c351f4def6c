"""Quantiles and shares of waits against NumPy and a loop over contacts."""

from __future__ import annotations

import math
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccstats.errors import ColumnError, OptionError, TableError
from ccstats.schema import NOT_QUEUED
from ccstats.service.waits import measure_waits

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))


def label(at: pd.Timestamp, period: str | None, zone: str) -> object:
    """The period an instant lies in, by the wall clock of its zone."""
    local = at.tz_convert(zone)
    day = local.date()
    if period == "weekday":
        return local.day_name()
    if period == "slot":
        midnight = local.normalize()
        return (midnight + (local - midnight).floor("30min")).strftime("%H:%M")
    if period in ("month", "quarter", "year"):
        day = day.replace(day=1, month={"month": day.month, "quarter": (day.month - 1) // 3 * 3 + 1, "year": 1}[period])
    if period == "week":
        day -= pd.Timedelta(days=day.weekday())
    if period == "hour":
        midnight = local.normalize()
        return midnight + (local - midnight).floor("1h")
    return pd.Timestamp(day).tz_localize(zone) if period else None


@settings(max_examples=max(20, int(1000 * EXAM)), deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(0, 120),
    period=st.sampled_from([None, "hour", "day", "week", "month", "quarter", "year", "weekday", "slot"]),
    by=st.sampled_from([(), "queue", ("queue", "channel")]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
    clock=st.sampled_from(["queued", "arrived"]),
)
def test_waits_are_a_loop_over_contacts(contacts_of, seed, n, period, by, zone, clock) -> None:
    contacts = contacts_of(seed, n)
    before = contacts.copy()
    made = measure_waits(contacts, by=by, period=period, timezone=zone, clock=clock, quantiles=(0, 0.5, 0.9, 0.95, 1), within_s=(0, 20))
    pd.testing.assert_frame_equal(contacts, before)

    names = [by] if isinstance(by, str) else list(by)
    cells: dict[tuple, list[dict]] = {} if names or period else {(): []}
    for contact in contacts.to_dict("records"):
        if contact["outcome"] in NOT_QUEUED:
            continue
        key = tuple(contact[name] for name in names)
        key += (label(contact["queued_at"], period, zone),) if period else ()
        early = (
            (contact["queued_at"] - contact["arrived_at"]).total_seconds()
            if clock == "arrived" and pd.notna(contact["arrived_at"])
            else 0.0
        )
        cells.setdefault(key, []).append({"outcome": contact["outcome"], "wait": contact["wait_s"] + max(early, 0)})

    found = {tuple(row[: len(names) + bool(period)]): row for row in made.itertuples(index=False, name=None)}
    assert set(found) == set(cells)
    assert list(found) == sorted(found, key=lambda key: [ordering(part) for part in key])
    for key, rows in cells.items():
        row = dict(zip(made.columns, found[key], strict=True))
        every = [each["wait"] for each in rows if not math.isnan(each["wait"])]
        assert row["open"] == sum(each["outcome"] == "open" for each in rows)
        unknown = 0
        for word, prefix in (("answered", "wait"), ("abandoned", "abandon_wait")):
            waits = [each["wait"] for each in rows if each["outcome"] == word]
            known = [wait for wait in waits if not math.isnan(wait)]
            unknown += len(waits) - len(known)
            assert row[word] == len(waits)
            for share in (0, 0.5, 0.9, 0.95, 1):
                expected = np.quantile(known, share) if known else math.nan
                np.testing.assert_allclose(row[f"{prefix}_p{100 * share:g}_s"], expected, rtol=1e-12)
            for limit in (0, 20):
                within = sum(wait <= limit for wait in known)
                assert row[f"{word}_within_{limit}s"] == within
                np.testing.assert_equal(row[f"{word}_share_within_{limit}s"], within / len(known) if known else math.nan)
        assert row["wait_unknown"] == unknown
        np.testing.assert_equal(row["max_wait_s"], max(every, default=math.nan))


def ordering(part: object) -> object:
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return days.index(part) if part in days else part


def test_quantiles_are_not_averaged() -> None:
    rows = pd.DataFrame(
        {
            "queued_at": pd.to_datetime(["2026-03-02T10:00Z"] * 9 + ["2026-03-03T10:00Z"]).as_unit("us"),
            "outcome": pd.Categorical(["answered"] * 10),
            "wait_s": [0.0] * 9 + [100.0],
        }
    )
    daily = measure_waits(rows, period="day", quantiles=[0.5], within_s=[])["wait_p50_s"]
    assert daily.tolist() == [0.0, 100.0]
    assert measure_waits(rows, quantiles=[0.5], within_s=[])["wait_p50_s"].tolist() == [0.0]


def test_open_contacts_are_counted_apart() -> None:
    rows = pd.DataFrame(
        {
            "queued_at": pd.to_datetime(["2026-03-02T10:00Z"] * 3).as_unit("us"),
            "outcome": pd.Categorical(["answered", "abandoned", "open"]),
            "wait_s": [10.0, 30.0, 500.0],
        }
    )
    waits = measure_waits(rows, within_s=[30]).iloc[0]
    assert (waits["answered"], waits["abandoned"], waits["open"]) == (1, 1, 1)
    assert (waits["wait_p95_s"], waits["abandon_wait_p95_s"], waits["max_wait_s"]) == (10.0, 30.0, 500.0)


def test_nothing_gives_one_row_of_nothing_or_no_row(contacts_of) -> None:
    none = contacts_of(1, 0)
    whole = measure_waits(none).iloc[0]
    assert whole["answered"] == 0
    assert math.isnan(whole["wait_p50_s"])
    assert math.isnan(whole["answered_share_within_20s"])
    assert measure_waits(none, by="queue", period="day").empty


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"quantiles": [90]}, OptionError, "between 0 and 1"),
        ({"within_s": [-1]}, OptionError, "seconds, 0 or more"),
        ({"clock": "ivr"}, OptionError, "'queued' or 'arrived'"),
        ({"period": "fortnight"}, OptionError, "period='fortnight'"),
        ({"by": "team"}, ColumnError, "no column 'team'"),
        ({"quantiles": "most"}, OptionError, "quantiles='most'"),
        ({"within_s": None}, OptionError, "seconds, 0 or more"),
    ],
)
def test_wrong_options(contacts_of, options, error, words) -> None:
    with pytest.raises(error, match=words):
        measure_waits(contacts_of(1), **options)


def test_a_source_without_arrivals_has_no_clock_from_there(contacts_of) -> None:
    with pytest.raises(ColumnError, match="does not log"):
        measure_waits(contacts_of(1).drop(columns="arrived_at"), clock="arrived")
    with pytest.raises(TableError, match="wait_s"):
        measure_waits(contacts_of(1).drop(columns="wait_s"))


def test_polars_is_accepted(contacts_of) -> None:
    import polars as pl

    contacts = contacts_of(1)
    text = contacts.astype({name: "str" for name in contacts.columns if contacts[name].dtype == "category"})
    made = measure_waits(pl.from_pandas(text), within_s=[20])
    pd.testing.assert_frame_equal(made, measure_waits(contacts, within_s=[20]))


def test_one_number_is_a_sequence_of_one_and_a_group_named_twice_is_one(contacts_of) -> None:
    contacts = contacts_of(1)
    made = measure_waits(contacts, by=["queue", "queue"], quantiles=0.9, within_s=20)
    pd.testing.assert_frame_equal(made, measure_waits(contacts, by="queue", quantiles=[0.9], within_s=[20]))


@pytest.mark.parametrize("order", [["sales", "help", "billing"], ["help", "sales", "billing"]])
def test_rows_are_alphabetical_in_whatever_order_the_source_names_queues(contacts_of, order) -> None:
    import polars as pl

    contacts = contacts_of(1)
    made = measure_waits(contacts, by="queue")
    assert made["queue"].tolist() == ["billing", "help", "sales"]
    moved = contacts.assign(queue=contacts["queue"].cat.set_categories(order))
    polars = pl.from_pandas(moved).with_columns(pl.col("queue").cast(pl.Categorical))
    for other in (moved, polars):
        found = measure_waits(other, by="queue")
        pd.testing.assert_frame_equal(found.astype({"queue": "str"}), made.astype({"queue": "str"}))
    ranked = contacts.assign(queue=contacts["queue"].cat.set_categories(order, ordered=True))
    assert measure_waits(ranked, by="queue")["queue"].tolist() == order
