"""The compiled counting against a plain loop: every combination of options, on the nights the clocks change."""

from __future__ import annotations

import os
import warnings

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from interval_cases import NIGHTS, clip_by_loop, count_by_loop, noon, plain, random_contacts, random_spans

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
EXAMPLES = max(20, int(600 * EXAM))

THRESHOLDS = st.sampled_from([None, 20, 0, 12.5, {"sales": 10, "billing": 30.25}, {"sales": None, "complaints": 0, "billing": 5}])
OPTIONS = st.fixed_dictionaries(
    {
        "every": st.sampled_from(["15min", "30min", "1h", "2h", "1D"]),
        "threshold_s": THRESHOLDS,
        "short_s": st.sampled_from([None, 5, {"complaints": 2.5}]),
        "by": st.sampled_from([(), ("channel",), ("channel", "direction")]),
        "attribute_by": st.sampled_from(["queued", "left", "ended", "event"]),
        "inclusive": st.booleans(),
        "fill": st.booleans(),
        "wait_histogram": st.sampled_from([None, (10,), (5, 20, 60.5)]),
    }
)


def check(contacts: pd.DataFrame, options: dict) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cc.errors.DataWarning)
        found = cc.to_intervals(contacts, **options)
    expected = count_by_loop(contacts, **options)
    if not len(expected):
        assert len(found) == 0
        return
    assert list(found.columns) == list(expected.columns)
    assert plain(found) == plain(expected)


@pytest.mark.parametrize("night", NIGHTS)
@settings(max_examples=EXAMPLES, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(0, 60),
    extras=st.booleans(),
    whole=st.booleans(),
    arrived=st.booleans(),
    untold=st.sampled_from([0.0, 0.02, 0.5]),
    options=OPTIONS,
)
def test_counting_agrees_with_a_plain_loop(night, seed, rows, extras, whole, arrived, untold, options):
    zone, middle = noon(night)
    contacts = random_contacts(seed, rows, middle, extras=extras, whole=whole, untold=untold)
    check(contacts, {**options, "timezone": zone, "clock": "arrived" if arrived and extras else "queued"})


@pytest.mark.parametrize("fill", [True, False])
@pytest.mark.parametrize("attribute_by", ["queued", "left", "ended", "event"])
def test_many_contacts_of_few_cells_agree_too(attribute_by, fill):
    """So many contacts per cell that cells are not looked for first, which is another way through the loops."""
    zone, middle = noon("autumn in London")
    contacts = random_contacts(7, 3000, middle, extras=True, days=1, untold=0.01)
    check(
        contacts,
        {
            **{"every": "30min", "timezone": zone, "threshold_s": 20, "short_s": 5, "by": ("channel",), "attribute_by": attribute_by},
            **{"clock": "arrived", "inclusive": True, "fill": fill, "wait_histogram": (30,)},
        },
    )


@pytest.mark.parametrize("night", NIGHTS)
@pytest.mark.parametrize("by", [(), ("queue",)])
@settings(max_examples=EXAMPLES // 2, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(0, 30), every=st.sampled_from(["15min", "30min", "1h", "1D"]))
def test_clipping_agrees_with_a_plain_loop(night, by, seed, rows, every):
    zone, middle = noon(night)
    spans = random_spans(seed, rows, middle)
    found = cc.to_agent_intervals(spans, every=every, timezone=zone, by=by)
    expected = clip_by_loop(spans, every=every, timezone=zone, by=by)
    keys = ["agent", "interval_start", *by]
    order = sorted(expected, key=lambda key: (key[0], key[1], *((each is None, each or "") for each in key[2:])))
    columns = plain(found)
    assert list(zip(*(columns[name] for name in keys), strict=True)) == order
    assert columns["interval_s"] == [expected[key]["length"] for key in order]
    assert columns["handled"] == [expected[key]["handled"] for key in order]
    for state in ("available", "reserved", "on_contact", "hold", "wrap", "pause", "other"):
        assert columns[f"{state}_s"] == [expected[key][state] / 1e6 for key in order]
    assert columns["logged_in_s"] == pytest.approx(
        [sum(value for name, value in expected[key].items() if name not in ("handled", "length")) / 1e6 for key in order]
    )
