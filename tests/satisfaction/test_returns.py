"""Who comes again after giving up: against a loop over contacts, and the share that the sample's maker planted."""

from __future__ import annotations

import math
import os

import numpy as np
import pandas as pd
import pytest
from contact_cases import LATE, START, calls, contacts_of, random_calls
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import OptionError

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))


@settings(max_examples=max(25, int(1500 * EXAM)), deadline=None)
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(1, 70),
    hours=st.sampled_from([1, 24, 72]),
    words=st.sampled_from([("abandoned",), ("abandoned", "timed_out")]),
)
def test_returns_are_a_loop_over_contacts(seed, size, hours, words) -> None:
    frame = random_calls(seed, size, days=6)
    made = cc.measure_returns_after_abandon(frame, within_s=hours * 3600, outcomes=words).iloc[0]
    everyone = sorted(contacts_of(frame, "inbound"), key=lambda one: (one["begun"], one["contact_id"]))
    last = {
        row["contact_id"]: row
        for row in sorted(frame.to_dict("records"), key=lambda row: row["visit"])
        if row["direction"] == "inbound" and row["outcome"] != "blocked_full" and not pd.isna(row["queued_at"])
    }
    want = dict.fromkeys(("abandons", "returned", "answered_later", "censored", "no_customer"), 0)
    high = max((one["over"] for one in everyone), default=None)
    for place, one in enumerate(everyone):
        if one["answered"] or last[one["contact_id"]]["outcome"] not in words:
            continue
        if pd.isna(one["customer"]):
            want["no_customer"] += 1
            continue
        limit = one["over"] + pd.Timedelta(hours=hours)
        if limit > high:
            want["censored"] += 1
            continue
        want["abandons"] += 1
        theirs = [each for each in everyone[place + 1 :] if each["customer"] == one["customer"]]
        want["returned"] += any(each["begun"] <= limit for each in theirs)
        want["answered_later"] += any(each["begun"] <= limit and each["answered"] for each in theirs)
    for name, count in want.items():
        assert made[name] == count, name
    if want["abandons"]:
        assert made["returned_share"] == want["returned"] / want["abandons"]
        assert made["returned_share_low"] <= made["returned_share"] <= made["returned_share_high"]
    else:
        assert math.isnan(made["returned_share"])


def test_time_and_share_by_hand() -> None:
    frame = calls(
        ["A", "A", "B", "B", "B", "C"],
        days=[0, 0.01, 1, 1.02, 1.03, 2],
        outcome=["abandoned", "answered", "abandoned", "abandoned", "answered", "abandoned"],
    )
    found = cc.measure_returns_after_abandon(frame, observed=LATE).iloc[0]
    assert (found["abandons"], found["returned"], found["answered_later"]) == (4, 3, 3)
    assert found["returned_share"] == found["returned_share_km"] == pytest.approx(3 / 4)
    # 864, 864 and 1728 s after leaving: half of three quarters have come after 864 s
    assert found["median_return_s"] == pytest.approx(864.0)


def test_kaplan_and_meier_use_the_censored() -> None:
    """As long as it is seen, half return within 12 hours, evenly; the data end while most are still waited for."""
    rng = np.random.default_rng(1)
    days, who, outcome = [], [], []
    for number in range(3000):
        at = rng.uniform(0, 1)
        for each, word in [(at, "abandoned"), *([(at + rng.uniform(0, 0.5), "answered")] if rng.random() < 0.5 else [])]:
            if each <= 1:
                days.append(each)
                who.append(f"k{number}")
                outcome.append(word)
    span = (START, START + pd.Timedelta(days=1))
    found = cc.measure_returns_after_abandon(calls(who, days=days, outcome=outcome), within_s=43_200, observed=span).iloc[0]
    assert 1200 < found["censored"] < 1800
    assert found["returned_share_km"] == pytest.approx(0.5, abs=0.03)
    assert found["median_return_s"] == pytest.approx(21_600, rel=0.1)


def test_the_sample_has_the_returns_that_were_planted() -> None:
    """data/samples/centre: of those who did not get through 40 % call again after some 15 minutes."""
    log = cc.read(cc.sample_log(), key="k")
    found = cc.measure_returns_after_abandon(
        log.contacts, outcomes=("abandoned", "timed_out", "exited_key", "left_empty"), within_s=86_400
    ).iloc[0]
    assert found["returned_share_low"] < 0.40 < found["returned_share_high"]
    assert 600 < found["median_return_s"] < 1200


def test_nothing_and_bad_input() -> None:
    assert len(cc.measure_returns_after_abandon(calls([]), by="queue")) == 0
    nobody = cc.measure_returns_after_abandon(calls(["A"])).iloc[0]
    assert nobody["abandons"] == 0
    assert math.isnan(nobody["returned_share"])
    assert math.isnan(nobody["median_return_s"])
    for bad in ("answered", "open", "left", ()):
        with pytest.raises(OptionError, match="outcomes"):
            cc.measure_returns_after_abandon(calls(["A"]), outcomes=bad)
    for bad in (0, math.inf, math.nan, "1h"):
        with pytest.raises(OptionError, match="within_s"):
            cc.measure_returns_after_abandon(calls(["A"]), within_s=bad)
