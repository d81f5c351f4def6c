"""The voice menu, callbacks and outbound contacts against plain loops and tables drawn by hand."""

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

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
EXAMPLES = settings(max_examples=max(20, int(500 * EXAM)), deadline=None)
WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
OFFICE = cc.Calendar({day: [("09:00", "17:00")] for day in WEEK}, timezone="Europe/Berlin", holidays=[dt.date(2026, 4, 6)])


def share(met: int, of: int) -> float:
    return met / of if of else math.nan


def with_menu(contacts: pd.DataFrame, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = len(contacts)
    seconds = pd.Series(pd.to_timedelta(rng.integers(0, 90, n), unit="s"))
    return contacts.assign(
        ivr_s=np.where(rng.random(n) < 0.3, np.nan, rng.integers(0, 60, n)),
        human_option_at=(contacts["arrived_at"] + seconds).mask(rng.random(n) < 0.4),
        contained=rng.random(n) < 0.2,
    )


@EXAMPLES
@given(seed=st.integers(0, 10**6), n=st.integers(0, 60), by=st.sampled_from([(), "queue"]), period=st.sampled_from([None, "day"]))
def test_the_voice_menu_is_a_loop_over_contacts(contacts_of, seed, n, by, period):
    contacts = with_menu(contacts_of(seed, n), seed)
    before = contacts.copy()
    made = cc.measure_ivr(contacts, by=by, period=period, timezone="Europe/Berlin")
    pd.testing.assert_frame_equal(contacts, before)
    seen, cells = set(), {} if by or period else {(): []}
    for row in sorted(contacts.to_dict("records"), key=lambda row: (row["contact_id"], row["visit"])):
        if row["outcome"] == "ignored" or row["contact_id"] in seen:
            continue
        seen.add(row["contact_id"])
        row["left"] = row["outcome"] == "ivr_abandoned" and not row["contained"]
        if not (row["ivr_s"] > 0 or pd.notna(row["human_option_at"]) or row["contained"] or row["left"]):
            continue
        at = row["arrived_at"] if pd.notna(row["arrived_at"]) else row["queued_at"]
        key = ((row["queue"],) if by else ()) + ((at.tz_convert("Europe/Berlin").normalize(),) if period else ())
        cells.setdefault(key, []).append(row)
    assert len(made) == len(cells)
    for row, key in zip(made.to_dict("records"), sorted(cells), strict=True):
        mine = cells[key]
        waits = [
            (each["human_option_at"] - each["arrived_at"]).total_seconds()
            for each in mine
            if pd.notna(each["human_option_at"]) and pd.notna(each["arrived_at"])
        ]
        spent = [each["ivr_s"] for each in mine if not math.isnan(each["ivr_s"])]
        assert row["entered"] == len(mine)
        np.testing.assert_allclose(row["ivr_s"], np.mean(spent) if spent else math.nan)
        np.testing.assert_allclose(row["ivr_to_option_s"], np.mean(waits) if waits else math.nan)
        np.testing.assert_equal(row["ivr_to_option_max_s"], max(waits, default=math.nan))
        assert row["offered_human"] == sum(pd.notna(each["human_option_at"]) for each in mine)
        assert row["contained"] == sum(each["contained"] for each in mine)
        np.testing.assert_equal(row["ivr_containment_rate"], share(row["contained"], len(mine)))
        assert row["ivr_abandoned"] == sum(each["left"] for each in mine)
        assert row["not_logged"] == ""


def test_what_the_menu_does_not_log_is_missing_and_named(contacts_of):
    contacts = contacts_of(1, 60)
    made = cc.measure_ivr(contacts).loc[0]
    assert made["not_logged"] == "ivr_s, human_option_at, contained"
    assert made["entered"] == made["ivr_abandoned"] > 0
    assert pd.isna(made[["offered_human", "contained", "ivr_to_option_s", "ivr_to_option_max_s", "ivr_containment_rate", "ivr_s"]]).all()
    assert cc.measure_ivr(contacts.drop(columns="arrived_at")).loc[0, "not_logged"].startswith("arrived_at, ")


def test_a_human_offered_before_the_arrival_is_refused(contacts_of):
    contacts = with_menu(contacts_of(1, 20), 1)
    contacts["human_option_at"] = contacts["arrived_at"] - pd.Timedelta("1s")
    with pytest.raises(TableError, match="human_option_at before arrived_at.*contact_id 'c"):
        cc.measure_ivr(contacts)


def callbacks(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    queued = pd.Series(pd.Timestamp("2026-04-01T06:00", tz="UTC") + pd.to_timedelta(rng.integers(0, 6 * 86_400, n), unit="s"))
    wait = rng.integers(0, 300, n).astype("float64")
    asked = queued + pd.to_timedelta(wait, unit="s")

    def later(mean: float, missing: float) -> pd.Series:
        return (asked + pd.to_timedelta(np.round(rng.exponential(mean, n)), unit="s")).mask(rng.random(n) < missing)

    return pd.DataFrame(
        {
            "contact_id": pd.Series([f"c{number}" for number in range(n)], dtype="str"),
            "visit": np.ones(n, dtype="int64"),
            "queued_at": queued,
            "wait_s": wait,
            "outcome": pd.Categorical(rng.choice(["callback", "answered"], n, p=[0.8, 0.2]), categories=["callback", "answered"]),
            "queue": pd.Categorical(rng.choice(["help", "sales"], n)),
            "promised_at": later(90_000, 0.4),
            "attempted_at": later(60_000, 0.3),
        }
    )


@EXAMPLES
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(0, 50),
    by=st.sampled_from([(), "queue"]),
    promise=st.sampled_from([{}, {"promise_s": 50_000.0}, {"promise_working_days": 1, "calendar": OFFICE}]),
    as_of=st.sampled_from([None, "2026-04-05T12:00Z"]),
)
def test_callbacks_are_a_loop_over_them(seed, n, by, promise, as_of):
    contacts = callbacks(seed, n)
    made = cc.measure_callbacks(contacts, by=by, as_of=as_of, **promise)
    rows = [row for row in contacts.to_dict("records") if row["outcome"] == "callback"]
    for row in rows:
        row["asked_at"] = row["queued_at"] + pd.Timedelta(seconds=row["wait_s"])
    if as_of is None:
        moments = [row[name] for row in rows for name in ("asked_at", "promised_at", "attempted_at") if pd.notna(row[name])]
        now = max(moments, default=pd.Timestamp(0, tz="UTC"))
    else:
        now = pd.Timestamp(as_of)
    cells: dict[tuple, list[dict]] = {} if by else {(): []}
    for row in rows:
        if row["asked_at"] <= now:
            cells.setdefault((row["queue"],) if by else (), []).append(row)
    assert len(made) == len(cells)
    for found, key in zip(made.to_dict("records"), sorted(cells), strict=True):
        counts = {"on_time": 0, "late": 0, "not_due": 0, "no_promise": 0}
        took = []
        for row in cells[key]:
            tried = row["attempted_at"] if pd.notna(row["attempted_at"]) and row["attempted_at"] <= now else None
            if tried is not None:
                took.append((tried - row["asked_at"]).total_seconds())
            last = row["promised_at"]  # the last instant that keeps the promise
            if pd.isna(last) and "promise_s" in promise:
                last = row["asked_at"] + pd.Timedelta(seconds=50_000)
            if pd.isna(last) and "promise_working_days" in promise:
                date = row["asked_at"].tz_convert("Europe/Berlin").date() + dt.timedelta(days=1)
                while date.weekday() > 4 or date == dt.date(2026, 4, 6):
                    date += dt.timedelta(days=1)
                last = pd.Timestamp(date + dt.timedelta(days=1), tz="Europe/Berlin") - pd.Timedelta("1us")
            if pd.isna(last):
                counts["no_promise"] += 1
            elif tried is not None:
                counts["on_time" if tried <= last else "late"] += 1
            else:
                counts["late" if last < now else "not_due"] += 1
        assert {name: found[name] for name in counts} == counts
        assert (found["callbacks"], found["attempted"]) == (len(cells[key]), len(took))
        np.testing.assert_allclose(found["callback_attempt_s"], np.mean(took) if took else math.nan)
        np.testing.assert_equal(found["callback_on_time_rate"], share(counts["on_time"], counts["on_time"] + counts["late"]))


def test_a_promise_of_two_working_days_ends_at_midnight():
    """Portugal's DL 134/2009: a reply within two working days. Asked for on Thursday before Easter Monday, it is due by Tuesday's end."""
    asked = pd.Timestamp("2026-04-02 10:00", tz="Europe/Berlin").tz_convert("UTC")
    tried = pd.DatetimeIndex(["2026-04-07 23:59:59", "2026-04-08 00:00:00"], tz="Europe/Berlin").tz_convert("UTC")
    calls = callbacks(1, 2).assign(queued_at=asked, wait_s=0.0, promised_at=pd.NaT, attempted_at=tried)
    calls = calls.assign(outcome=pd.Categorical(["callback"] * 2), promised_at=pd.to_datetime([None, None], utc=True))
    made = cc.measure_callbacks(calls, by=(), promise_working_days=2, calendar=OFFICE).loc[0]
    assert (made["on_time"], made["late"]) == (1, 1)


def test_callbacks_without_their_columns_are_counted_and_nothing_is_said_of_them(contacts_of):
    made = cc.measure_callbacks(contacts_of(2, 200), by=()).loc[0]
    assert made["not_logged"] == "promised_at, attempted_at"
    assert made["callbacks"] > 0
    assert pd.isna(made[["attempted", "on_time", "late", "not_due", "callback_on_time_rate", "callback_attempt_s"]]).all()
    assert cc.measure_callbacks(contacts_of(2, 0)).empty


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"promise_s": 1, "promise_working_days": 1}, OptionError, "give one of them"),
        ({"promise_working_days": 1}, OptionError, "needs calendar="),
        ({"promise_s": -1}, OptionError, "expected seconds"),
        ({"by": "team"}, ColumnError, "no column 'team'"),
        ({"as_of": "2026-04-05"}, ZoneError, "no instant"),
    ],
)
def test_bad_callback_arguments_are_refused(options, error, text):
    with pytest.raises(error, match=text):
        cc.measure_callbacks(callbacks(1, 5), **options)


def test_callbacks_before_they_were_asked_for_are_refused_with_row_and_key():
    calls = callbacks(1, 6).assign(outcome=pd.Categorical(["answered", *["callback"] * 5]))
    early = calls["queued_at"] - pd.Timedelta("1s")
    with pytest.raises(TableError, match="attempted_at before asked_at.*row 2, contact_id 'c2', visit 1"):
        cc.measure_callbacks(calls.assign(attempted_at=calls["attempted_at"].where(calls.index != 2, early)))
    with pytest.raises(TableError, match="promised_at before asked_at"):
        cc.measure_callbacks(calls.assign(promised_at=early))


@EXAMPLES
@given(seed=st.integers(0, 10**6), n=st.integers(0, 80), by=st.sampled_from([(), "queue"]), words=st.booleans())
def test_outbound_is_a_loop_over_attempts(contacts_of, seed, n, by, words):
    contacts = contacts_of(seed, n)
    rng = np.random.default_rng(seed)
    contacts["right"] = rng.random(n) < 0.3
    contacts["disposition"] = pd.Categorical(rng.choice(["sale", "no sale", "machine"], n))
    right, live = (["sale", "no sale"], "sale") if words else ("right", None)
    made = cc.measure_outbound(contacts, right_party=right, live=live, within_s=5, by=by)
    cells: dict[tuple, list[dict]] = {} if by else {(): []}
    for row in contacts.to_dict("records"):
        if row["direction"] == "outbound" and row["outcome"] != "ignored":
            cells.setdefault((row["queue"],) if by else (), []).append(row)
    assert len(made) == len(cells)
    for found, key in zip(made.to_dict("records"), sorted(cells), strict=True):
        mine = cells[key]
        picked = [each for each in mine if (each["disposition"] == "sale" if words else each["outcome"] in ("answered", "abandoned"))]
        reached = [each for each in mine if (each["disposition"] != "machine" if words else each["right"])]
        told = [each for each in picked if each["outcome"] != "answered" or not math.isnan(each["wait_s"])]
        alone = [each for each in told if each["outcome"] != "answered" or each["wait_s"] > 5]
        assert (found["dial_attempts"], found["connects"], found["right_party"]) == (len(mine), len(picked), len(reached))
        assert (found["no_agent"], found["wait_unknown"]) == (len(alone), len(picked) - len(told))
        np.testing.assert_equal(found["connect_rate"], share(len(picked), len(mine)))
        np.testing.assert_equal(found["rpc_rate"], share(len(reached), len(mine)))
        np.testing.assert_equal(found["dialer_abandonment_rate"], share(len(alone), len(told)))


def test_a_campaign_drawn_by_hand():
    """100 attempts, 50 picked up, 3 of them without an agent within two seconds: 6 %."""
    n = 100
    contacts = pd.DataFrame(
        {
            "direction": pd.Categorical(["outbound"] * n),
            "outcome": pd.Categorical(["answered"] * 48 + ["abandoned"] * 2 + ["failed"] * 50),
            "queued_at": pd.Timestamp("2026-03-02T10:00Z"),
            "wait_s": [2.0] * 47 + [2.5] + [1.0] * 52,
            "queue": pd.Categorical(["sales"] * n),
        }
    )
    made = cc.measure_outbound(contacts).loc[0]
    assert (made["connect_rate"], made["dialer_abandonment_rate"]) == (0.5, 0.06)
    assert pd.isna(made["rpc_rate"])
    assert pd.isna(made["right_party"])
    inbound = contacts.assign(direction=pd.Categorical(["inbound"] * n))
    assert cc.measure_outbound(inbound).empty
    whole = cc.measure_outbound(inbound, by=()).loc[0]
    assert whole["dial_attempts"] == 0
    assert pd.isna(whole["connect_rate"])


def test_bad_outbound_arguments_are_refused(contacts_of):
    contacts = contacts_of(1, 20)
    with pytest.raises(OptionError, match="within_s=-1"):
        cc.measure_outbound(contacts, within_s=-1)
    with pytest.raises(ColumnError, match="no column of flags, and contacts have no column 'disposition'"):
        cc.measure_outbound(contacts, right_party="sale")
    with pytest.raises(ColumnError, match="live= names dispositions"):
        cc.measure_outbound(contacts, live=["sale"])
    with pytest.raises(TableError, match="'direction' is missing"):
        cc.measure_outbound(contacts.drop(columns="direction"))
