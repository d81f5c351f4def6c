"""Concurrency against a loop over every second of every agent."""

from __future__ import annotations

import os
import warnings
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning, OptionError, TableError, ZoneError

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
START = pd.Timestamp("2026-03-28T22:30", tz="UTC")  # before the night the clocks of Berlin go forward


def chats(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "queued_at": START + pd.to_timedelta(rng.integers(0, 6000, n), unit="s"),
            "wait_s": rng.integers(0, 50, n).astype(float),
            "talk_s": rng.choice([0.0, 1.0, 60.0, 600.0], n),
            "hold_s": np.where(rng.random(n) < 0.5, rng.integers(0, 40, n).astype(float), np.nan),
            "wrap_s": np.where(rng.random(n) < 0.5, rng.integers(0, 90, n).astype(float), np.nan),
            "outcome": pd.Categorical(rng.choice(["answered", "abandoned"], n, p=[0.8, 0.2])),
            "channel": pd.Categorical(rng.choice(["chat", "voice"], n, p=[0.8, 0.2]), categories=["chat", "voice"]),
            "agent": pd.Categorical(rng.choice(["Ada", "Bo", "Cy"], n)),
            "queue": pd.Categorical(rng.choice(["help", "sales"], n)),
        }
    )


@settings(max_examples=max(10, int(300 * EXAM)), deadline=None)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(0, 40),
    by=st.sampled_from([("agent",), (), "queue", ("queue", "agent")]),
    channel=st.sampled_from(["chat", None]),
    period=st.sampled_from([None, "hour", "day"]),
    wrap_up=st.booleans(),
)
def test_concurrency_is_a_loop_over_seconds(seed, n, by, channel, period, wrap_up):
    contacts = chats(seed, n)
    before = contacts.copy()
    made = cc.measure_concurrency(contacts, by=by, channel=channel, period=period, timezone="Europe/Berlin", wrap_up=wrap_up)
    pd.testing.assert_frame_equal(contacts, before)
    names = [by] if isinstance(by, str) else list(by)

    def label(at: pd.Timestamp) -> tuple:
        local = at.tz_convert("Europe/Berlin")
        return (local.floor("1h" if period == "hour" else "1D"),) if period else ()

    seconds: dict[tuple, Counter] = {}
    answered: Counter = Counter()
    for row in contacts.to_dict("records"):
        if row["outcome"] != "answered" or (channel and row["channel"] != channel):
            continue
        group = tuple(row[name] for name in names)
        begin = row["queued_at"] + pd.Timedelta(seconds=row["wait_s"])
        answered[(*group, *label(begin))] += 1
        lasted = np.nansum([row["talk_s"], row["hold_s"], row["wrap_s"] if wrap_up else 0])
        for second in range(int(lasted)):
            at = begin + pd.Timedelta(seconds=second)
            seconds.setdefault((*group, *label(at)), Counter())[(row["agent"], at)] += 1
    keys = sorted(set(answered) | set(seconds)) if names or period else [()]
    assert [tuple(row[: len(names) + bool(period)]) for row in made.itertuples(index=False)] == keys
    for row, key in zip(made.to_dict("records"), keys, strict=True):
        mine = seconds.get(key, Counter())
        assert row["contacts"] == answered[key]
        assert row["total_handling_s"] == sum(mine.values())
        assert row["total_busy_s"] == len(mine)
        assert row["most_at_once"] == max(mine.values(), default=0)
        np.testing.assert_allclose(row["concurrency"], sum(mine.values()) / len(mine) if mine else np.nan)


def test_a_row_of_several_agents_is_a_ratio_of_sums():
    contacts = chats(3, 200)
    agents, whole = cc.measure_concurrency(contacts), cc.measure_concurrency(contacts, by=()).loc[0]
    assert whole["total_busy_s"] == agents["total_busy_s"].sum()
    assert whole["concurrency"] == pytest.approx(agents["total_handling_s"].sum() / agents["total_busy_s"].sum())
    assert whole["concurrency"] >= 1


def test_contacts_that_tell_too_little_are_left_out_and_counted():
    contacts = chats(1, 30).assign(outcome=pd.Categorical(["answered"] * 30), channel=pd.Categorical(["chat"] * 30))
    contacts.loc[:2, "talk_s"] = np.nan
    contacts.loc[3, "agent"] = None
    with pytest.warns(DataWarning, match="4 of 30 answered contacts are left out"):
        made = cc.measure_concurrency(contacts, by=()).loc[0]
    assert (made["contacts"], made["left_out"]) == (26, 4)


def test_nothing_gives_one_row_of_nothing_or_no_row():
    none = chats(1, 0)
    assert np.isnan(cc.measure_concurrency(none, by=()).loc[0, "concurrency"])
    assert cc.measure_concurrency(none).empty
    assert cc.measure_concurrency(none, period="day", timezone="UTC").empty


def test_the_bundled_centre_of_calls_has_one_call_at_a_time():
    centre = cc.synthesize_contacts(seed=1, days=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        made = cc.measure_concurrency(centre.contacts, channel=None)
    assert made["concurrency"].dropna().to_numpy() == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"channel": "fax"}, OptionError, "channel='fax' is not in contacts; there are: chat, voice"),
        ({"by": "team"}, ColumnError, "no column 'team'"),
        ({"period": "day"}, ZoneError, "needs timezone="),
        ({"period": "slot", "timezone": "UTC"}, OptionError, "quarter, year"),
    ],
)
def test_bad_arguments_are_refused(options, error, text):
    with pytest.raises(error, match=text):
        cc.measure_concurrency(chats(1, 5), **options)


def test_a_table_that_does_not_fit_is_refused():
    with pytest.raises(TableError, match="'agent' is missing"):
        cc.measure_concurrency(chats(1, 5).drop(columns="agent"))


def test_contacts_that_end_on_the_hour_are_of_the_hour_before():
    at = pd.to_datetime(["2026-03-02T10:50Z", "2026-03-02T10:50Z", "2026-03-02T11:20Z"])
    contacts = pd.DataFrame({"queued_at": at, "wait_s": 0.0, "talk_s": 600.0, "hold_s": 0.0, "wrap_s": 0.0})
    words = {"outcome": "answered", "channel": "chat", "agent": "Ada"}
    contacts = contacts.assign(**{name: pd.Categorical([word] * 3) for name, word in words.items()})
    made = cc.measure_concurrency(contacts, period="hour", timezone="UTC")
    assert made[["concurrency", "most_at_once", "contacts"]].to_numpy().tolist() == [[2.0, 2.0, 2.0], [1.0, 1.0, 1.0]]
