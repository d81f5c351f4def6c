"""First contact resolution against a loop over contacts, a published example, and what must hold of any log."""

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
from ccstats.errors import ColumnError, DataWarning, OptionError, TableError, ZoneError
from ccstats.schema import CONTACTS

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))


def test_the_published_example() -> None:
    """callcenterdecoded.com: Tom, Jane, Jane, Bob, one issue each: 2 of 4 contacts, 2 of 3 issues."""
    found = cc.measure_resolution(calls(["T", "J", "J", "B"]), key="customer", observed=LATE).iloc[0]
    assert found["fcr_window_contacts"] == 2 / 4
    assert found["fcr_window"] == 2 / 3
    assert (found["issues"], found["contacts"], found["repeat_contacts"], found["repeat_rate"]) == (3, 4, 1, 1 / 4)


def loop(frame: pd.DataFrame, *, window: float, key: tuple[str, ...], direction: str | None, by: str | None) -> dict:
    """Counts by cell, one contact after another."""
    everyone = contacts_of(frame, direction)
    if not everyone:
        return {}
    low, high = min(one["begun"] for one in everyone), max(one["over"] for one in everyone)
    span = pd.Timedelta(days=window)
    people: dict[tuple, list[dict]] = {}
    cells: dict[object, dict[str, int]] = {}

    def cell(one: dict) -> dict[str, int]:
        return cells.setdefault(one[by] if by else None, dict.fromkeys(NAMES, 0))

    for one in everyone:
        if not one["answered"]:
            continue
        this = cell(one)
        if pd.isna(one["customer"]):
            this["no_customer"] += 1
            this["inbound_contacts"] += one["over"] + span <= high
            continue
        people.setdefault(tuple(None if pd.isna(one[name]) else one[name] for name in key), []).append(one)
    for theirs in people.values():
        theirs.sort(key=lambda one: (one["begun"], one["contact_id"]))
        for place, one in enumerate(theirs):
            this = cell(one)
            follows = place > 0 and one["begun"] - theirs[place - 1]["over"] <= span
            followed = place + 1 < len(theirs) and theirs[place + 1]["begun"] - one["over"] <= span
            over, back = one["over"] + span <= high, one["begun"] - span >= low
            this["contacts"] += over
            this["inbound_contacts"] += over
            this["censored_contacts"] += not over
            this["issues"] += over and not follows
            this["censored"] += not over and not follows
            this["single"] += over and not follows and not followed
            this["lookback_contacts"] += back
            this["repeat_contacts"] += back and follows
            this["marked"] += one["done"] and not follows
    return cells


COUNTED = ["issues", "contacts", "inbound_contacts", "lookback_contacts", "repeat_contacts", "censored", "censored_contacts", "no_customer"]
NAMES = [*COUNTED, "single", "marked"]


@settings(max_examples=max(25, int(1500 * EXAM)), deadline=None)
@given(
    seed=st.integers(0, 10**6),
    size=st.integers(1, 70),
    window=st.sampled_from([0.04, 1, 3.5, 7]),
    key=st.sampled_from([("customer",), ("customer", "reason"), ("reason", "customer")]),
    direction=st.sampled_from(["inbound", None]),
    by=st.sampled_from([None, "queue"]),
)
def test_resolution_is_a_loop_over_contacts(seed, size, window, key, direction, by) -> None:
    frame = random_calls(seed, size)
    frame["reason"] = frame["reason"].cat.add_categories("?").fillna("?") if frame["reason"].isna().all() else frame["reason"]
    before = frame.copy()
    made = cc.measure_resolution(frame, window_days=window, key=key, direction=direction, by=by or ())
    pd.testing.assert_frame_equal(frame, before)
    expected = loop(frame, window=window, key=key, direction=direction, by=by)
    if by is None and not expected:
        assert made["issues"].tolist() == [0]
        assert made["fcr_window"].isna().all()
        return
    assert len(made) == len(expected)
    told = cc.measure_resolution(frame, window_days=window, key=key, direction=direction, by=by or (), resolved="done")
    for (_, row), (_, mark) in zip(made.iterrows(), told.iterrows(), strict=True):
        want = expected[row[by] if by else None]
        for name in COUNTED:
            assert row[name] == want[name], name
        for name, above, below in (
            ("fcr_window", "single", "issues"),
            ("fcr_window_contacts", "single", "contacts"),
            ("fcr_gross", "single", "inbound_contacts"),
            ("repeat_rate", "repeat_contacts", "lookback_contacts"),
        ):
            if want[below] == 0:
                assert math.isnan(row[name])
                assert math.isnan(row[f"{name}_low"])
            else:
                assert row[name] == pytest.approx(want[above] / want[below])
                assert 0 <= row[f"{name}_low"] <= row[name] <= row[f"{name}_high"] <= 1
        assert mark["fcr_gross"] == pytest.approx(want["marked"] / mark["inbound_contacts"])


@settings(max_examples=max(25, int(500 * EXAM)), deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 60))
def test_the_order_of_rows_and_an_unrelated_customer_change_nothing(seed, size) -> None:
    frame = random_calls(seed, size)
    asked = {"key": "customer", "by": "queue", "observed": LATE, "direction": None}
    made = cc.measure_resolution(frame, **asked)
    shuffled = frame.sample(frac=1, random_state=seed).reset_index(drop=True)
    pd.testing.assert_frame_equal(cc.measure_resolution(shuffled, **asked), made)
    stranger = calls(["stranger"], days=[3.0], queue="other").reindex(columns=frame.columns)
    stranger["contact_id"], stranger["done"] = pd.array(["stranger"], dtype="str"), False
    words = [name for name in frame if isinstance(frame[name].dtype, pd.CategoricalDtype)]
    both = CONTACTS.conform(pd.concat([each.astype(dict.fromkeys(words, "str")) for each in (frame, stranger)], ignore_index=True))
    with_stranger = cc.measure_resolution(both, **asked)
    others = with_stranger[with_stranger["queue"] != "other"].reset_index(drop=True)
    pd.testing.assert_frame_equal(others.astype({"queue": "str"}), made.astype({"queue": "str"}))


@settings(max_examples=max(25, int(500 * EXAM)), deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 60), windows=st.tuples(st.floats(0.01, 20), st.floats(0.01, 20)))
def test_longer_windows_find_no_more_resolved_and_no_fewer_repeats(seed, size, windows) -> None:
    frame = random_calls(seed, size)
    short, long = (
        cc.measure_resolution(frame, key="customer", window_days=each, observed=LATE, direction=None).iloc[0] for each in sorted(windows)
    )
    assert long["censored"] == short["censored"] == 0
    for name in ("fcr_window_contacts", "fcr_gross"):
        assert not long[name] > short[name]
    assert long["issues"] <= short["issues"]
    assert long["fcr_window"] * long["issues"] <= short["fcr_window"] * short["issues"] + 1e-9 or math.isnan(short["fcr_window"])
    assert long["repeat_contacts"] >= short["repeat_contacts"]


def test_the_issue_based_share_can_rise_with_the_window() -> None:
    """Why the docs say to compare windows by contacts: two issues of two contacts become one of four."""
    frame = calls(["A", "A", "A", "A", "B"], days=[0, 1, 9, 10, 3])
    shares = [cc.measure_resolution(frame, key="customer", window_days=each, observed=LATE)["fcr_window"][0] for each in (7, 14)]
    assert shares == [1 / 3, 1 / 2]


def test_the_window_ends_inclusively_and_runs_from_the_end_of_the_contact_before() -> None:
    for talk, issues in ((0.0, 2), (1.0, 1), (2.0, 1)):
        frame = calls(["A", "A"], days=[0, 7 + 1 / 86400], talk_s=talk)
        assert cc.measure_resolution(frame, key="customer", observed=LATE)["issues"][0] == issues


def test_both_ends_of_the_data_are_censored() -> None:
    frame = calls(["A", "B", "C", "C", "D"], days=[0, 5, 12, 13, 14])
    found = cc.measure_resolution(frame, key="customer").iloc[0]  # 14 days: A and B are over by day 7 and 12
    assert (found["issues"], found["censored"], found["contacts"], found["censored_contacts"]) == (2, 2, 2, 3)
    assert found["fcr_window"] == 1.0
    assert (found["lookback_contacts"], found["repeat_contacts"]) == (3, 1)
    # C's issue is censored although its second contact is known: leaving out only what has one contact would leave the failures in.
    assert cc.measure_resolution(frame, key="customer", observed=LATE)["fcr_window"][0] == 3 / 4


def test_an_unbiased_share_where_the_data_end() -> None:
    """Every customer comes twice, 3.5 days apart, in half of all cases: the share is a half however late the data end."""
    rng = np.random.default_rng(3)
    days, who = [], []
    for number in range(4000):
        at = rng.uniform(0, 21)
        again = rng.random() < 0.5
        for each in [at, at + rng.uniform(0, 7)] if again else [at]:
            if each <= 21:
                days.append(each)
                who.append(f"k{number}")
    found = cc.measure_resolution(
        calls(who, days=days), key="customer", observed=(START - pd.Timedelta(days=9), START + pd.Timedelta(days=21))
    )
    assert found["fcr_window_low"][0] < 0.5 < found["fcr_window_high"][0]
    assert found["censored"][0] > 1000


def test_gross_net_and_dispositions() -> None:
    frame = calls(
        ["A", "B", "B", "C", None],
        disposition=pd.Categorical(["closed", "closed", "closed", "ordered", "closed"]),
        hard=[False, False, False, True, False],
    )
    plain = cc.measure_resolution(frame, key="customer", observed=LATE).iloc[0]
    assert plain["fcr_gross"] == 2 / 5
    assert plain["no_customer"] == 1
    assert math.isnan(plain["fcr_net"])
    assert plain["resolvable_contacts"] == 0
    net = cc.measure_resolution(frame, key="customer", observed=LATE, not_resolvable="hard").iloc[0]
    assert net["fcr_net"] == 1 / 4
    assert net["resolvable_contacts"] == 4
    words = cc.measure_resolution(
        frame, key="customer", observed=LATE, resolved={"closed"}, not_resolvable={"disposition": ["ordered"]}
    ).iloc[0]
    assert words["fcr_gross"] == 2 / 5
    assert words["fcr_net"] == 2 / 4
    assert words["returned_after_resolved"] == 1 / 2  # A and B are marked at first contact; B came again
    missing = frame.assign(disposition=frame["disposition"].where(frame["contact_id"] != "c000"))
    told = cc.measure_resolution(missing, key="customer", observed=LATE, resolved={"closed"}).iloc[0]
    assert told["unknown_resolution"] == 1
    assert told["fcr_gross"] == 1 / 4


def test_a_transfer_is_one_contact_of_its_first_answered_visit() -> None:
    frame = calls(
        ["A", "A", "A"], contact_id=["x", "x", "x"], visit=[1, 2, 3], outcome=["abandoned", "answered", "answered"], queue=["a", "b", "c"]
    )
    found = cc.measure_resolution(frame, key="customer", by="queue", observed=LATE)
    assert found["queue"].tolist() == ["b"]
    assert found["fcr_window"].tolist() == [1.0]


def test_limits_know_that_contacts_of_a_customer_go_together() -> None:
    apart = calls([f"k{number}" for number in range(100)] + [f"a{number // 2}" for number in range(20)])
    few = calls([f"k{number}" for number in range(100)] + ["a"] * 20)
    one, other = (cc.measure_resolution(each, key="customer", observed=LATE).iloc[0] for each in (apart, few))
    assert (
        other["fcr_window_contacts_high"] - other["fcr_window_contacts_low"]
        > one["fcr_window_contacts_high"] - one["fcr_window_contacts_low"]
    )
    alone = cc.measure_resolution(calls([f"k{number}" for number in range(50)]), key="customer", observed=LATE).iloc[0]
    assert (alone["fcr_window_low"], alone["fcr_window_high"]) == cc.spc.wilson_interval(50, 50)


def test_a_reason_that_is_not_logged_is_said() -> None:
    with pytest.warns(DataWarning, match="no 'reason'"):
        made = cc.measure_resolution(calls(["A", "A"]), observed=LATE)
    assert made["issues"][0] == 1
    both = calls(["A", "A"], reason=pd.Categorical(["bill", "move"]))
    assert cc.measure_resolution(both, observed=LATE)["issues"][0] == 2


def test_nothing_gives_nothing() -> None:
    empty = calls([])
    assert len(cc.measure_resolution(empty, key="customer", by="queue")) == 0
    alone = cc.measure_resolution(empty, key="customer")
    assert alone["issues"].tolist() == [0]
    assert alone["fcr_window"].isna().all()
    assert len(cc.list_repeats(empty, key="customer")) == 0


def test_repeats_are_listed_with_what_they_follow() -> None:
    frame = calls(["A", "B", "A", "A"], days=[0, 1, 2, 4], talk_s=3600.0, queue=["x", "x", "y", "z"])
    found = cc.list_repeats(frame, key="customer")
    assert found[["contact_id", "previous_contact_id", "number", "gap_s", "queue", "previous_queue"]].values.tolist() == [
        ["c002", "c000", 2, 2 * 86400 - 3600.0, "y", "x"],
        ["c003", "c002", 3, 2 * 86400 - 3600.0, "z", "y"],
    ]


def test_the_sample_has_the_repeats_that_were_planted() -> None:
    """data/samples/centre: of those who were answered 8 % call again after some two days."""
    log = cc.read(cc.sample_log(), key="k")
    whole = cc.measure_resolution(log.contacts, key="customer").iloc[0]
    assert whole["repeat_rate_low"] < 0.08 < whole["repeat_rate_high"]
    assert cc.list_repeats(log.contacts, key="customer").shape[0] >= whole["repeat_contacts"]
    months = cc.measure_resolution(log.contacts, key="customer", by="queue", period="month", timezone="Europe/Berlin")
    for name in ("issues", "contacts", "repeat_contacts", "censored", "no_customer"):
        assert months[name].sum() == whole[name]


def test_a_frame_from_arrow_gives_the_same() -> None:
    import pyarrow as pa

    frame = random_calls(5, 60)
    made = cc.measure_resolution(frame, key="customer", by="queue")
    pd.testing.assert_frame_equal(
        cc.measure_resolution(pa.Table.from_pandas(frame), key="customer", by="queue"), made, check_categorical=False
    )


def test_bad_input() -> None:
    frame = calls(["A", "B"])
    for bad in (0, -1, math.nan, math.inf, "7", True):
        with pytest.raises(OptionError, match="window_days"):
            cc.measure_resolution(frame, key="customer", window_days=bad)
    with pytest.raises(OptionError, match="without 'customer'"):
        cc.measure_resolution(frame, key="queue")
    with pytest.raises(ColumnError, match="no column 'customer'"):
        cc.measure_resolution(frame.drop(columns="customer"))
    with pytest.raises(ColumnError, match="'team'"):
        cc.measure_resolution(frame, key="customer", by="team")
    with pytest.raises(ZoneError, match="timezone"):
        cc.measure_resolution(frame, key="customer", period="month")
    with pytest.raises(OptionError, match="period"):
        cc.measure_resolution(frame, key="customer", period="fortnight", timezone="UTC")
    with pytest.raises(ColumnError, match="resolved='don'"):
        cc.measure_resolution(frame.assign(done=True), key="customer", resolved="don")
    with pytest.raises(OptionError, match="flags"):
        cc.measure_resolution(frame, key="customer", resolved="queue")
    with pytest.raises(ColumnError, match="reason or disposition"):
        cc.measure_resolution(frame, key="customer", resolved={"closed"})
    with pytest.warns(DataWarning, match="Did you mean closed"):
        cc.measure_resolution(frame.assign(disposition="closed"), key="customer", resolved={"close"})
    with pytest.raises(OptionError, match="end is before"):
        cc.measure_resolution(frame, key="customer", observed=LATE[::-1])
    with pytest.raises(ZoneError, match="no time zone"):
        cc.measure_resolution(frame, key="customer", observed=("2025-01-01", "2025-02-01"))
    with pytest.raises(OptionError, match="confidence"):
        cc.measure_resolution(frame, key="customer", confidence=95)
    with pytest.raises(OptionError, match="direction"):
        cc.measure_resolution(frame, key="customer", direction="in")
    with pytest.raises(TableError, match="wait_s"):
        cc.measure_resolution(frame.assign(wait_s="5"), key="customer")
