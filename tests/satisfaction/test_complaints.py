"""Complaints against plain loops over them, and against figures somebody else published."""

from __future__ import annotations

import datetime as dt
import math
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import ColumnError, OptionError, TableError, ZoneError
from ccstats.queueing.durations import summarise_durations
from ccstats.schema import COMPLAINTS

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
DAY = pd.Timedelta("1D")
WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
HOLIDAY = dt.date(2026, 4, 6)  # Easter Monday
OFFICE = cc.Calendar({day: [("09:00", "17:00")] for day in WEEK}, timezone="Europe/Berlin", holidays=[HOLIDAY])


def random_complaints(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    received = pd.Timestamp("2026-03-15", tz="UTC") + pd.to_timedelta(np.sort(rng.integers(0, 45 * 86_400, n)), unit="s")

    def later(mean: float, missing: float) -> pd.Series:
        seconds = np.where(rng.random(n) < 0.1, 0, np.round(rng.exponential(mean, n)))
        return pd.Series(received + pd.to_timedelta(seconds, unit="s")).mask(rng.random(n) < missing)

    return COMPLAINTS.conform(
        pd.DataFrame(
            {
                "complaint_id": [f"k{number}" for number in range(n)],
                "contact_id": "",
                "customer": "",
                "received_at": received,
                "acknowledged_at": later(40_000, 0.2),
                "resolved_at": later(700_000, 0.3),
                "reason": rng.choice(["bill", "wait", "agent"], n),
                "status": "",
                "reminders": pd.Series(rng.integers(0, 3, n), dtype="Int64").mask(rng.random(n) < 0.1),
                "queue": rng.choice(["sales", "help"], n),
            }
        )
    )


def kaplan_meier_by_loop(times: list[tuple[float, bool]], share: float) -> float:
    left = 1.0
    for moment in sorted({time for time, ended in times if ended}):
        at_risk = sum(time >= moment for time, _ in times)
        left *= 1 - sum(ended and time == moment for time, ended in times) / at_risk
        if left <= 1 - share + 1e-12:
            return moment
    return math.nan


def deadline_by_loop(received: pd.Timestamp, days: int) -> pd.Timestamp:
    date = received.tz_convert("Europe/Berlin").date()
    while days:
        date += dt.timedelta(days=1)
        days -= date.weekday() < 5 and date != HOLIDAY
    return pd.Timestamp(date + dt.timedelta(days=1), tz="Europe/Berlin")


@settings(max_examples=max(15, int(1000 * EXAM)), deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(0, 60),
    by=st.sampled_from([(), "queue", ("queue", "reason")]),
    period=st.sampled_from([None, "week", "month", "quarter"]),
    limit=st.sampled_from([{}, {"limit_s": 500_000.0}, {"limit_working_days": 5, "calendar": OFFICE}, {"limit_s": {"bill": 90_000}}]),
    as_of=st.sampled_from([None, "2026-04-10T12:00Z", "2026-07-01T00:00Z"]),
)
def test_complaints_are_a_loop_over_them(seed, n, by, period, limit, as_of):
    complaints = random_complaints(seed, n)
    before = complaints.copy()
    made = cc.measure_complaints(complaints, by=by, period=period, timezone="Europe/Berlin", as_of=as_of, **limit)
    pd.testing.assert_frame_equal(complaints, before)
    now = pd.Timestamp(as_of) if as_of else complaints[["received_at", "acknowledged_at", "resolved_at"]].max().max()
    names = [by] if isinstance(by, str) else list(by)
    cells: dict[tuple, list[dict]] = {} if names or period else {(): []}
    for row in complaints.to_dict("records"):
        if row["received_at"] > now:
            continue
        date = row["received_at"].tz_convert("Europe/Berlin").date()
        start = {
            "week": date - dt.timedelta(days=date.weekday()),
            "month": date.replace(day=1),
            "quarter": date.replace(day=1, month=(date.month - 1) // 3 * 3 + 1),
        }
        key = (*(row[name] for name in names), *((pd.Timestamp(start[period], tz="Europe/Berlin"),) if period else ()))
        cells.setdefault(key, []).append(row)
    found = {tuple(row[: len(names) + bool(period)]): row for row in made.itertuples(index=False, name=None)}
    assert list(found) == sorted(cells)
    for key, rows in cells.items():
        row = dict(zip(made.columns, found[key], strict=True))
        done = [each for each in rows if pd.notna(each["resolved_at"]) and each["resolved_at"] <= now]
        assert (row["complaints"], row["closed"], row["open"]) == (len(rows), len(done), len(rows) - len(done))
        took = [(each["resolved_at"] - each["received_at"]).total_seconds() for each in done]
        np.testing.assert_allclose(row["complaint_resolution_s"], np.mean(took) if took else math.nan)
        times = [
            ((min(each, now) if pd.notna(each) else now, pd.notna(each) and each <= now), r) for r in rows for each in [r["resolved_at"]]
        ]
        pairs = [((end - r["received_at"]).total_seconds(), ended) for (end, ended), r in times]
        for name, share in (("p50", 0.5), ("p95", 0.95)):
            np.testing.assert_equal(row[f"complaint_resolution_{name}_s"], kaplan_meier_by_loop(pairs, share))
        seen = [each for each in rows if pd.notna(each["acknowledged_at"]) and each["acknowledged_at"] <= now]
        assert row["acknowledged"] == len(seen)
        acks = [(each["acknowledged_at"] - each["received_at"]).total_seconds() for each in seen]
        np.testing.assert_allclose(row["complaint_ack_s"], np.mean(acks) if acks else math.nan)

        verdicts = {"on_time": 0, "late": 0, "not_due": 0, "no_limit": 0}
        due = []
        for each in rows:
            over = pd.notna(each["resolved_at"]) and each["resolved_at"] <= now
            if "limit_working_days" in limit:
                end = deadline_by_loop(each["received_at"], 5)
                passed, met = end <= now, over and each["resolved_at"] < end
            else:
                seconds = limit.get("limit_s")
                seconds = seconds.get(each["reason"]) if isinstance(seconds, dict) else seconds
                if seconds is None:
                    verdicts["no_limit"] += 1
                    continue
                passed = now - each["received_at"] > pd.Timedelta(seconds=seconds)
                met = over and each["resolved_at"] - each["received_at"] <= pd.Timedelta(seconds=seconds)
            verdicts["on_time" if met else "late" if over or passed else "not_due"] += 1
            if passed:
                due.append(met)
        assert {name: row[name] for name in verdicts} == verdicts
        total = verdicts["on_time"] + verdicts["late"]
        np.testing.assert_equal(row["complaint_on_time_rate"], verdicts["on_time"] / total if total else math.nan)
        np.testing.assert_equal(row["on_time_rate_due"], sum(due) / len(due) if due else math.nan)
        chased = [each["reminders"] for each in done if pd.notna(each["reminders"])]
        np.testing.assert_equal(row["complaint_first_resolution"], chased.count(0) / len(chased) if chased else math.nan)
        assert row["reminders_unknown"] == len(done) - len(chased)


def test_median_with_open_ones_is_that_of_the_published_remission_times():
    """Freireich et al. (1963), 6-MP arm, as printed in Kalbfleisch & Prentice and Cox & Oakes: median remission 23 weeks, placebo 8."""
    treated = [(6, 1), (6, 1), (6, 1), (6, 0), (7, 1), (9, 0), (10, 1), (10, 0), (11, 0), (13, 1), (16, 1), (17, 0), (19, 0), (20, 0)]
    treated += [(22, 1), (23, 1), (25, 0), (32, 0), (32, 0), (34, 0), (35, 0)]
    placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
    last = max(week for week, _ in treated)
    # each complaint came so long before the end that an open one is as old as it was when its remission was cut off
    end = pd.Timestamp("2026-12-01", tz="UTC")
    received = [end - week * 7 * DAY if not event else end - last * 7 * DAY for week, event in treated] + [end - last * 7 * DAY] * 21
    resolved = [at + week * 7 * DAY if event else pd.NaT for at, (week, event) in zip(received, treated, strict=False)]
    resolved += [end - last * 7 * DAY + week * 7 * DAY for week in placebo]
    table = pd.DataFrame(
        {
            "complaint_id": [str(number) for number in range(42)],
            "received_at": pd.to_datetime(received),
            "resolved_at": pd.to_datetime(pd.Series(resolved), utc=True),
            "acknowledged_at": pd.to_datetime(received),
            "reminders": 0,
            "queue": pd.Categorical(["6-MP"] * 21 + ["placebo"] * 21),
        }
    )
    medians = cc.measure_complaints(table, by="queue", as_of=end)["complaint_resolution_p50_s"] / (7 * 86_400)
    assert medians.tolist() == [23, 8]


def test_rate_and_its_limits_are_those_of_the_published_table():
    """Garwood (1936), also Pearson & Hartley table 40: for a count of 10 the 95 % limits are 4.80 and 18.39; for 0, 0 and 3.69."""
    contacts = cc.synthesize_contacts(seed=1, days=3).contacts
    complaints = random_complaints(1, 10)
    rate = cc.measure_complaints(complaints, handled=4000).loc[0]
    found = [rate[f"complaints_per_1000{end}"] * 4 for end in ("", "_low", "_high")]
    assert [round(each, 2) for each in found] == [10.0, 4.8, 18.39]
    none = cc.measure_complaints(complaints.iloc[:0], contacts=contacts).loc[0]
    answered = contacts.loc[contacts["outcome"] == "answered", "contact_id"].nunique()
    assert (none["complaints"], none["handled"]) == (0, answered)
    assert round(none["complaints_per_1000_high"] * answered / 1000, 2) == 3.69


def test_contacts_are_counted_once_a_group_also_where_nobody_complained():
    contacts = cc.synthesize_contacts(seed=1, days=3, start="2026-03-30").contacts
    complaints = random_complaints(3, 40).assign(queue="Nowhere").astype({"queue": "category"})
    made = cc.measure_complaints(complaints, contacts=contacts, by="queue", period="month", timezone="Europe/Berlin")
    assert (made.loc[made["queue"] == "Nowhere", "handled"] == 0).all()
    assert made.loc[made["queue"] == "Nowhere", "complaints_per_1000"].isna().all()
    others = made[made["queue"] != "Nowhere"]
    assert len(others) > 0
    assert (others[["complaints", "complaints_per_1000"]] == 0).all(axis=None)
    answered = contacts[contacts["outcome"] == "answered"].assign(month=lambda t: t["queued_at"].dt.tz_convert("Europe/Berlin").dt.month)
    assert others["handled"].sum() == len(answered.drop_duplicates(["contact_id", "queue", "month"]))

    handled = made[["queue", "period_start", "handled"]]
    pd.testing.assert_frame_equal(
        cc.measure_complaints(complaints, handled=handled, by="queue", period="month", timezone="Europe/Berlin", as_of="2026-06-01T00:00Z"),
        cc.measure_complaints(
            complaints, contacts=contacts, by="queue", period="month", timezone="Europe/Berlin", as_of="2026-06-01T00:00Z"
        ),
    )


def test_a_deadline_on_friday_is_missed_on_saturday():
    received = pd.to_datetime(["2026-03-31T10:00Z"] * 3)  # a Tuesday; Good Friday is worked here, Easter Monday is not
    resolved = pd.to_datetime(["2026-04-03T21:59:59Z", "2026-04-03T22:00:00Z", "2026-04-04T10:00:00Z"])  # midnight in Berlin is 22:00 UTC
    table = pd.DataFrame({"complaint_id": list("abc"), "received_at": received, "acknowledged_at": received, "resolved_at": resolved})
    made = cc.measure_complaints(table.assign(reminders=0), limit_working_days=3, calendar=OFFICE).loc[0]
    assert (made["on_time"], made["late"], made["complaint_resolution_working_days"]) == (1, 2, 3.0)


def test_working_time_is_that_of_the_calendar():
    complaints = random_complaints(5, 80)
    made = cc.measure_complaints(complaints, limit_s=8 * 3600, clock="working", calendar=OFFICE).loc[0]
    done = complaints[complaints["resolved_at"].notna()]
    took = OFFICE.open_seconds(done["received_at"], done["resolved_at"])
    assert made["complaint_resolution_working_s"] == pytest.approx(took.mean())
    assert made["on_time"] == (took <= 8 * 3600).sum()
    assert made["complaint_resolution_working_s"] < made["complaint_resolution_s"]


@settings(max_examples=max(15, int(500 * EXAM)), deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(0, 60), by=st.sampled_from([(), "queue"]))
def test_reasons_and_backlog_are_loops(seed, n, by):
    complaints = random_complaints(seed, n)
    as_of = pd.Timestamp("2026-04-20", tz="UTC")
    reasons = cc.list_complaint_reasons(complaints, by=by, as_of=as_of)
    came = complaints[complaints["received_at"] <= as_of]
    assert reasons["complaints"].sum() == len(came)
    for queue, part in reasons.groupby("queue", observed=True) if by else [(None, reasons)]:
        mine = came[came["queue"] == queue] if by else came
        assert part["complaints"].is_monotonic_decreasing
        for row in part.to_dict("records"):
            these = mine[mine["reason"] == row["reason"]]
            assert row["complaints"] == len(these)
            assert row["open"] == (these["resolved_at"].isna() | (these["resolved_at"] > as_of)).sum()
            assert row["share"] == len(these) / len(mine)
        if len(part):
            assert part["cumulative_share"].iloc[-1] == 1.0

    for calendar in (None, OFFICE):
        aged = cc.list_backlog(complaints, as_of=as_of, by=by, edges_days=[1, 7, 30], calendar=calendar)
        for row in aged.to_dict("records"):
            mine = came[came["queue"] == row["queue"]] if by else came
            left = mine[mine["resolved_at"].isna() | (mine["resolved_at"] > as_of)]
            ages = [(as_of - at) / DAY if calendar is None else OFFICE.working_days(at, as_of)[0] for at in left["received_at"]]
            top = math.inf if math.isnan(row["age_to_days"]) else row["age_to_days"]
            inside = [row["age_from_days"] <= age < top for age in ages]
            assert row["backlog"] == sum(inside)
            oldest = left["received_at"][inside].min()
            assert row["oldest_at"] == oldest or (pd.isna(oldest) and pd.isna(row["oldest_at"]))


def test_durations_of_groups_are_those_of_each_group():
    rng = np.random.default_rng(2)
    seconds, ended, group = rng.exponential(100, 300), rng.random(300) < 0.7, rng.integers(0, 5, 300)
    seconds[:5] = np.nan
    found = summarise_durations(seconds, ended, group, groups=6, shares=[0.5, 0.9])
    for each in range(6):
        mine = (group == each) & ~np.isnan(seconds)
        pairs = list(zip(seconds[mine], ended[mine], strict=True))
        for name, share in (("p50", 0.5), ("p90", 0.9)):
            np.testing.assert_equal(found[name][each], kaplan_meier_by_loop(pairs, share))
        over = seconds[mine & ended]
        assert np.isnan(found["mean"][each]) if not len(over) else found["mean"][each] == pytest.approx(over.mean())
    # Student's limits of 1, 2, 3: 2 ± 4.3027 / √3 (t of two degrees of freedom, 97.5 %)
    small = summarise_durations([1.0, 2.0, 3.0], [True] * 3, [0, 0, 0], groups=1)
    assert (small["mean_low"][0], round(small["mean_high"][0], 4)) == (0.0, 4.4841)
    with pytest.raises(OptionError, match="between 0 and 1"):
        summarise_durations([1.0], [True], [0], groups=1, shares=[1.0])


def test_nothing_gives_one_row_of_nothing_or_no_row():
    none = random_complaints(1, 0)
    whole = cc.measure_complaints(none, limit_s=5, calendar=OFFICE).loc[0]
    assert whole[["complaints", "closed", "on_time", "not_due"]].tolist() == [0, 0, 0, 0]
    assert whole[["complaints_per_1000", "complaint_resolution_s", "complaint_on_time_rate", "complaint_resolution_p50_s"]].isna().all()
    assert cc.measure_complaints(none, by="queue", period="month", timezone="UTC").empty
    assert cc.list_complaint_reasons(none).empty
    assert cc.list_backlog(none, as_of="2026-01-01T00:00Z")["backlog"].tolist() == [0] * 6


def test_arrow_tables_are_as_good():
    import pyarrow as pa

    complaints = random_complaints(4, 30)
    made = cc.measure_complaints(pa.Table.from_pandas(complaints), by="queue")
    pd.testing.assert_frame_equal(made, cc.measure_complaints(complaints, by="queue"))


def test_complaints_that_cannot_be_are_refused_with_row_and_key():
    complaints = random_complaints(6, 10)
    early = complaints["received_at"] - DAY
    with pytest.raises(TableError, match="1 of 10 have resolved_at before received_at.*row 3, complaint_id 'k3'"):
        cc.measure_complaints(complaints.assign(resolved_at=complaints["resolved_at"].where(complaints.index != 3, early)))
    with pytest.raises(TableError, match="acknowledged_at before received_at.*row 0, complaint_id 'k0'"):
        cc.measure_complaints(complaints.assign(acknowledged_at=early))
    with pytest.raises(TableError, match="resolved_at before received_at.*row 0"):
        cc.list_backlog(complaints.assign(resolved_at=early), as_of="2026-06-01T00:00Z")
    with pytest.raises(TableError, match="is repeated in 2 rows"):
        cc.measure_complaints(pd.concat([complaints, complaints.iloc[:1]], ignore_index=True))
    with pytest.raises(TableError, match="'resolved_at' is missing"):
        cc.measure_complaints(complaints.drop(columns="resolved_at"))
    with pytest.raises(TableError, match="expected complaints"):
        cc.list_backlog(complaints[["complaint_id"]], as_of="2026-06-01T00:00Z")


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"handled": 5, "contacts": 1}, OptionError, "say the same"),
        ({"handled": -1}, OptionError, "whole number from 0"),
        ({"handled": 1.5}, OptionError, "whole number from 0"),
        ({"handled": 10, "by": "queue"}, OptionError, "handled= is one number"),
        ({"handled": pd.DataFrame({"queue": ["a"]}), "by": "queue"}, ColumnError, "no column 'handled'"),
        ({"handled": pd.DataFrame({"handled": [1]}), "by": "queue"}, ColumnError, "no column 'queue'"),
        ({"limit_s": 1, "limit_working_days": 1}, OptionError, "give one of them"),
        ({"limit_s": -1}, OptionError, "expected seconds from 0"),
        ({"limit_s": "a day"}, OptionError, "expected seconds from 0"),
        ({"limit_working_days": 15}, OptionError, "needs calendar="),
        ({"limit_working_days": 1.5, "calendar": OFFICE}, OptionError, "whole numbers from 0"),
        ({"limit_s": 5, "clock": "working"}, OptionError, "needs calendar="),
        ({"clock": "atomic"}, OptionError, "'elapsed' or 'working'"),
        ({"by": "team"}, ColumnError, "no column 'team'"),
        ({"period": "month"}, ZoneError, "needs timezone="),
        ({"period": "fortnight", "timezone": "UTC"}, OptionError, "quarter, year"),
        ({"as_of": "2026-04-01"}, ZoneError, "no instant with a time zone"),
        ({"confidence": 95}, OptionError, "confidence"),
    ],
)
def test_bad_arguments_are_refused(options, error, text):
    with pytest.raises(error, match=text):
        cc.measure_complaints(random_complaints(1, 5), **options)


def test_bad_lists_are_refused():
    complaints = random_complaints(1, 5)
    with pytest.raises(OptionError, match="ascending"):
        cc.list_backlog(complaints, as_of="2026-06-01T00:00Z", edges_days=[7, 3])
    with pytest.raises(ZoneError, match="no instant"):
        cc.list_backlog(complaints, as_of="2026-06-01")
    with pytest.raises(OptionError, match="leave it out"):
        cc.list_complaint_reasons(complaints, by="reason")
