"""Agents inferred from contacts: second by second against a plain loop, on days that the clocks change, and on February 1999."""

from __future__ import annotations

import math
import os
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import OptionError, TableError, ZoneError
from ccstats.schema import AGENT_STATES, CONTACTS
from ccstats.workforce.presence import compare_presence, infer_agents

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
EXAMPLES = max(60, int(500 * EXAM))
#: An hour before midnight of the day that Berlin's clocks go forward, and of the day that they go back.
STARTS = {"spring": pd.Timestamp("2026-03-29T22:30", tz="UTC"), "autumn": pd.Timestamp("2026-10-24T21:30", tz="UTC")}

#: Agent, queue, tens of seconds of queueing, waiting, talk, hold and wrap-up.
tens = st.integers(0, 30)
services = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 900), st.integers(0, 5), tens, st.integers(0, 5), tens),
    max_size=14,
)


def contacts_of(rows, start=STARTS["spring"]):
    """Answered contacts; parts of no length are not logged at all."""
    table = pd.DataFrame(rows, columns=["agent", "queue", "at", "wait_s", "talk_s", "hold_s", "wrap_s"])
    parts = {name: (table[name] * 10.0).astype("float64") for name in ("wait_s", "talk_s", "hold_s", "wrap_s")}
    parts |= {name: parts[name].where(parts[name] > 0) for name in ("hold_s", "wrap_s")}
    frame = pd.DataFrame(
        {
            "contact_id": pd.Series([f"c{number}" for number in range(len(table))], dtype="str"),
            "visit": 1,
            "channel": pd.Series(["voice"] * len(table), dtype="str"),
            "direction": pd.Series(["inbound"] * len(table), dtype="str"),
            "queue": table["queue"].astype("str"),
            "queued_at": start + pd.to_timedelta(table["at"].astype("int64") * 10, unit="s"),
            "outcome": pd.Series(["answered"] * len(table), dtype="str"),
            "raw_outcome": pd.Series(["A"] * len(table), dtype="str"),
            **parts,
            "ring_s": np.nan,
            "agent": table["agent"].astype("str"),
        }
    )
    return CONTACTS.conform(frame.astype({"visit": "int64"}))


def plain_states(rows, start, gap, zone):
    """What each agent does in each ten seconds after the start, and the services they begin there."""
    doing, begun = {}, Counter()
    for agent in sorted({row[0] for row in rows}):
        mine = sorted(
            (at + wait, at + wait + talk + hold, at + wait + talk + hold + wrap)
            for who, _, at, wait, talk, hold, wrap in rows
            if who == agent
        )
        for begin, talked, wrapped in mine:
            for tick in range(begin, wrapped):
                if tick < talked or doing.get((agent, tick)) == "on_contact":
                    doing[agent, tick] = "on_contact"
                else:
                    doing[agent, tick] = "wrap"
        for before in mine:
            end = max(wrapped for begin, _, wrapped in mine if begin <= before[0])
            following = min((begin for begin, _, _ in mine if begin >= end), default=None)
            if following is None or any(begin <= end < wrapped for begin, _, wrapped in mine):
                continue
            days = {(start + pd.Timedelta(seconds=10 * tick)).tz_convert(ZoneInfo(zone)).date() for tick in (end, following)}
            if following - end <= gap and len(days) == 1:
                doing.update({(agent, tick): "available" for tick in range(end, following)})
    for who, queue, at, wait, *_ in rows:
        begun[who, queue, at + wait] = 1
    return doing, begun


def ticks(states, start):
    """The same from the table; no moment may be covered twice."""
    doing, begun = {}, Counter()
    for row in states.to_dict("records"):
        first, last = (round((row[name] - start).total_seconds() / 10) for name in ("started_at", "ended_at"))
        if row["state"] == "on_contact":
            begun[row["agent"], row["queue"], first] += 1
        for tick in range(first, last):
            assert (row["agent"], tick) not in doing
            doing[row["agent"], tick] = row["state"]
    return doing, begun


@given(services, st.sampled_from([0, 1, 12, 60, math.inf]), st.sampled_from(list(STARTS)), st.sampled_from(["Europe/Berlin", "UTC"]))
@settings(max_examples=EXAMPLES, deadline=None)
def test_against_a_plain_loop(rows, gap, season, zone):
    start = STARTS[season]
    states = infer_agents(contacts_of(rows, start), gap_s=gap * 10, timezone=zone)
    AGENT_STATES.check(states)
    assert ticks(states, start) == plain_states(rows, start, gap, zone)
    assert set(states["reason"]) <= {"inferred"}
    assert set(states["closed_by"]) <= {"assumed"}
    idle = states["state"] == "available"
    assert (states["queue"].isna() == idle).all()
    assert (states["contact_id"].isna() == idle).all()
    assert (states.loc[states["state"] != "on_contact", "ended_at"] > states.loc[states["state"] != "on_contact", "started_at"]).all()


def test_the_local_day_ends_the_duty_and_a_long_gap_too():
    # 23:40, 23:52, 00:02 and 00:30 in Berlin, a minute each
    rows = [("a", "x", tick, 0, 6, 0, 0) for tick in (-300, -228, -168, 0)]
    midnight = pd.Timestamp("2026-10-25T00:30", tz="Europe/Berlin").tz_convert("UTC")
    contacts = contacts_of(rows, midnight)
    available = {
        zone: infer_agents(contacts, gap_s=900, timezone=zone).query("state == 'available'")["started_at"].dt.tz_convert("Europe/Berlin")
        for zone in ("Europe/Berlin", "UTC")
    }
    assert [f"{each:%H:%M}" for each in available["Europe/Berlin"]] == ["23:41"]
    assert [f"{each:%H:%M}" for each in available["UTC"]] == ["23:41", "23:53"]


def test_the_hour_that_comes_twice_is_one_day():
    rows = [("a", "x", tick, 0, 60, 0, 0) for tick in range(0, 1500, 120)]  # ten minutes on, ten off, from 00:30 to past 03:00
    start = pd.Timestamp("2026-10-25T00:30", tz="Europe/Berlin").tz_convert("UTC")
    states = infer_agents(contacts_of(rows, start), timezone="Europe/Berlin")
    assert (states["ended_at"].max() - states["started_at"].min()).total_seconds() == 12 * 1200 + 600
    assert (states["ended_at"] - states["started_at"]).dt.total_seconds().sum() == 12 * 1200 + 600
    staffed = cc.to_agent_intervals(states, every="30min", timezone="Europe/Berlin")
    assert staffed["logged_in_s"].iloc[:-1].eq(1800).all()


def test_who_is_left_out():
    contacts = contacts_of([("a", "x", 0, 1, 6, 0, 3), ("b", "x", 5, 1, 6, 0, 3), ("b", "y", 50, 1, 6, 0, 3), ("a", "y", 70, 1, 6, 0, 3)])
    contacts["outcome"] = contacts["outcome"].where(contacts["contact_id"] != "c1", "abandoned")
    contacts["wait_s"] = contacts["wait_s"].where(contacts["contact_id"] != "c2")
    contacts["agent"] = contacts["agent"].where(contacts["contact_id"] != "c3")
    states = infer_agents(contacts)
    assert states["contact_id"].tolist() == ["c0", "c0"]
    assert states["state"].tolist() == ["on_contact", "wrap"]


def test_a_service_of_unknown_length_is_a_mark():
    contacts = contacts_of([("a", "x", 0, 0, 6, 0, 0), ("a", "x", 30, 0, 0, 0, 0), ("a", "x", 60, 0, 6, 0, 0)])
    contacts["talk_s"] = contacts["talk_s"].where(contacts["contact_id"] != "c1")
    states = infer_agents(contacts, gap_s=300)
    assert (states["state"] == "on_contact").sum() == 3
    assert (states["ended_at"] - states["started_at"]).dt.total_seconds().sum() == 660
    staffed = cc.to_agent_intervals(states)
    assert staffed["handled"].sum() == 3
    assert staffed["logged_in_s"].sum() == 660


def test_nobody():
    none = contacts_of([])
    states = infer_agents(none)
    AGENT_STATES.check(states)
    assert len(states) == 0
    assert len(cc.to_agent_intervals(states)) == 0
    table = compare_presence(none)
    assert table["gap_s"].tolist() == [300, 900, 1800]
    assert table[["logged_in_s", "sessions"]].eq(0).all().all()
    assert table[["occupancy", "mean_agents", "max_agents"]].isna().all().all()


def test_order_source_and_input_do_not_matter():
    contacts = cc.synthesize_contacts(seed=3, days=2).contacts
    before = contacts.copy(deep=True)
    states = infer_agents(contacts, timezone="Europe/Istanbul")
    pd.testing.assert_frame_equal(contacts, before)
    for other in (contacts.sample(frac=1, random_state=1), pl.from_pandas(contacts)):
        found = infer_agents(other, timezone="Europe/Istanbul")
        pd.testing.assert_frame_equal(found, states, check_categorical=False)


def test_near_the_truth_of_a_centre():
    """Handling is found exactly; presence lies between handling and what was logged, and never where nobody was logged in."""
    centre = cc.synthesize_contacts(seed=4, days=5)
    inferred = infer_agents(centre.contacts, gap_s=1800, timezone="Europe/Istanbul")

    def total(states, *words):
        length = (states["ended_at"] - states["started_at"]).dt.total_seconds()
        return length[states["state"].isin(words)].sum() if words else length.sum()

    true = centre.agent_states
    served = set(centre.contacts.loc[centre.contacts["outcome"] == "answered", "contact_id"])
    known = true[true["contact_id"].isin(served)]
    assert total(inferred, "on_contact") == pytest.approx(total(known, "on_contact", "hold"), rel=1e-4)
    assert total(inferred, "wrap") == pytest.approx(total(known, "wrap"), rel=1e-4)
    assert total(inferred, "on_contact", "wrap") < total(inferred) < total(true)
    assert total(inferred) > 0.75 * total(true)
    logged_in = cc.to_agent_intervals(true, timezone="Europe/Istanbul")[["agent", "interval_start", "logged_in_s"]].astype({"agent": "str"})
    found = cc.to_agent_intervals(inferred, timezone="Europe/Istanbul")[["agent", "interval_start", "logged_in_s"]].astype({"agent": "str"})
    both = found.merge(logged_in, on=["agent", "interval_start"], how="left", suffixes=("", "_true"))
    assert (both["logged_in_s"] <= both["logged_in_s_true"] + 0.01).all()


def test_gaps_compared():
    contacts = cc.synthesize_contacts(seed=5, days=3).contacts
    table = compare_presence(contacts, gaps_s=(1800, 300, 300), timezone="Europe/Istanbul", every="1h")
    assert table["gap_s"].tolist() == [300, 1800]
    intervals = {
        gap: cc.to_agent_intervals(infer_agents(contacts, gap_s=gap, timezone="Europe/Istanbul"), every="1h", timezone="Europe/Istanbul")
        for gap in (300, 1800)
    }
    hours = intervals[1800]["interval_start"].nunique()
    for row in table.to_dict("records"):
        each = intervals[row["gap_s"]]
        on_duty, handling = each["logged_in_s"].sum(), (each["on_contact_s"] + each["wrap_s"]).sum()
        assert (row["logged_in_s"], row["handling_s"]) == (pytest.approx(on_duty), pytest.approx(handling))
        assert row["occupancy"] == pytest.approx(handling / on_duty)
        assert row["mean_agents"] == pytest.approx(on_duty / 3600 / hours)
        assert row["max_agents"] == pytest.approx(each.groupby("interval_start")["logged_in_s"].sum().max() / 3600)
        sessions = cc.measure_agents(contacts, infer_agents(contacts, gap_s=row["gap_s"], timezone="Europe/Istanbul"), by=())[
            "sessions"
        ].iloc[0]
        assert row["sessions"] == sessions


def test_bad_input():
    contacts = contacts_of([("a", "x", 0, 1, 6, 0, 3)])
    for gap in (-1, math.nan, "long", None):
        with pytest.raises(OptionError, match="gap_s="):
            infer_agents(contacts, gap_s=gap)
    with pytest.raises(OptionError, match="gaps_s="):
        compare_presence(contacts, gaps_s=())
    with pytest.raises(OptionError, match="every="):
        compare_presence(contacts[:0], every="7min")
    with pytest.raises(ZoneError, match="Berlin"):
        infer_agents(contacts, timezone="Europe/Berln")
    with pytest.raises(TableError, match="'agent' is missing"):
        infer_agents(contacts.drop(columns="agent"))
    with pytest.raises(TableError, match="'talk_s' is negative"):
        infer_agents(contacts.assign(talk_s=-1.0))


@pytest.mark.shared
def test_february_1999(shared: Path):
    log = cc.read(shared / "data" / "anonymous_bank_1999" / "february.txt", format="technion_bank", timezone="Asia/Jerusalem")
    states = infer_agents(log.contacts, timezone="Asia/Jerusalem")
    AGENT_STATES.check(states)
    staffed = cc.to_agent_intervals(states, every="30min", timezone="Asia/Jerusalem")
    assert staffed["handled"].sum() == 26_671  # services with a server, counted by hand
    talk = log.contacts["talk_s"].sum()
    handling = staffed["on_contact_s"].sum()
    assert talk * 0.98 < handling <= talk  # services of one agent overlap a little
    # the centre is closed from Friday 14:00 to Saturday 20:00
    local = staffed["interval_start"].dt.tz_convert("Asia/Jerusalem")
    closed = ((local.dt.day_of_week == 4) & (local.dt.hour >= 15)) | ((local.dt.day_of_week == 5) & (local.dt.hour < 19))
    assert staffed.loc[closed, "logged_in_s"].sum() < 0.01 * staffed["logged_in_s"].sum()
    table = compare_presence(log.contacts, timezone="Asia/Jerusalem")
    assert table["handling_s"].eq(handling).all()
    assert table["occupancy"].is_monotonic_decreasing
    assert 0.5 < table["occupancy"].iloc[1] < 0.8
    assert 3 < table["mean_agents"].iloc[1] < 6
