"""Wall clocks become instants, on both nights the clocks change, in zones with odd offsets."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccstats.readers.clock import in_turn, localise

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
ZONES = ["Europe/London", "Australia/Lord_Howe", "America/New_York", "Africa/Cairo", "Pacific/Apia", "Asia/Jerusalem"]


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=max(30, int(1500 * EXAM)), deadline=None)
@given(seconds=st.lists(st.integers(1_262_304_000, 1_767_225_600), min_size=1, max_size=30))
def test_localise_reverses_the_wall_clock(zone, seconds):
    """Wall times made from instants come back as those instants, or as the other one of an hour that happened twice."""
    instants = pd.Series(pd.to_datetime(seconds, unit="s", utc=True)).dt.as_unit("us")
    wall = instants.dt.tz_convert(zone).dt.tz_localize(None)
    found = localise(wall, zone)
    assert not found.never.any()
    assert (found.utc.dt.tz_convert(zone).dt.tz_localize(None) == wall).all()
    unsure = wall.dt.tz_localize(zone, ambiguous="NaT").isna().to_numpy()
    assert (found.twice == unsure).all()
    assert (found.utc[~unsure] == instants[~unsure]).all()
    second = found.utc + found.later.where(found.twice, pd.Timedelta(0))
    assert ((found.utc == instants) | (second == instants)).all()


def test_an_hour_that_happened_twice_is_the_first_and_says_how_much_later_the_second_is():
    wall = pd.Series(pd.to_datetime(["2026-10-25 00:59", "2026-10-25 01:00", "2026-10-25 01:59", "2026-10-25 02:00"]))
    found = localise(wall, "Europe/London")
    assert found.twice.tolist() == [False, True, True, False]
    assert found.utc.dt.strftime("%H:%M").tolist() == ["23:59", "00:00", "00:59", "02:00"]
    assert found.later[found.twice].tolist() == [pd.Timedelta(hours=1)] * 2


def test_an_hour_that_never_happened_becomes_the_moment_the_clocks_went_forward():
    wall = pd.Series(pd.to_datetime(["2026-03-29 00:59:59", "2026-03-29 01:00:00", "2026-03-29 01:59:00", "2026-03-29 02:00:00"]))
    found = localise(wall, "Europe/London")
    assert found.never.tolist() == [False, True, True, False]
    assert found.utc.dt.strftime("%H:%M:%S").tolist() == ["00:59:59", "01:00:00", "01:00:00", "01:00:00"]


def test_a_day_that_never_happened_and_missing_times():
    found = localise(pd.Series(pd.to_datetime(["2011-12-30 15:00", None])), "Pacific/Apia")
    assert found.utc[0] == pd.Timestamp("2011-12-30 10:00", tz="UTC")
    assert found.utc.isna().tolist() == [False, True]
    assert np.array_equal(found.never, [True, False])


@pytest.mark.parametrize(("zone", "night"), [("Europe/London", "2026-10-25 01:00"), ("Australia/Lord_Howe", "2026-04-04 15:00")])
@settings(max_examples=max(50, int(1500 * EXAM)), deadline=None)
@given(
    calls=st.lists(
        st.tuples(st.integers(-7200, 7200), *(st.one_of(st.none(), st.integers(0, 800)) for _ in range(2))), min_size=1, max_size=20
    )
)
def test_times_in_turn_keep_the_lengths_of_calls_shorter_than_what_was_shown_twice(zone, night, calls):
    begun = pd.Timestamp(night, tz="UTC") + pd.to_timedelta(pd.Series([call[0] for call in calls]), unit="s")
    steps = [pd.to_timedelta(pd.Series([call[at] for call in calls], dtype="float64"), unit="s") for at in (1, 2)]
    instants = [begun, begun + steps[0], begun + steps[0].fillna(pd.Timedelta(0)) + steps[1]]
    shown = [localise(at.dt.as_unit("us").dt.tz_convert(zone).dt.tz_localize(None), zone) for at in instants]
    found = in_turn(*shown)
    for place in (1, 2):
        there = instants[place].notna()
        assert (found[place].isna() == ~there).all()
        assert ((found[place] - found[0])[there] == (instants[place] - instants[0])[there]).all()


def shown_in_berlin(*clocks: str) -> list:
    return [localise(pd.Series(pd.to_datetime([f"2024-10-27 {clock}"])), "Europe/Berlin") for clock in clocks]


@pytest.mark.parametrize(
    ("clocks", "options", "found"),
    [
        (("01:59:50", "02:00:10", "03:00:30"), {}, ("23:59:50", "00:00:10", "02:00:30")),
        (("02:59:50", "03:00:10", "03:02:10"), {}, ("01:59:50", "02:00:10", "02:02:10")),
        (("01:59:50", "02:00:10", "03:00:30"), {"lengths": {(1, 2): 7220.0}}, ("23:59:50", "00:00:10", "02:00:30")),
        (("01:59:50", "02:00:10", "03:00:30"), {"lengths": {(0, 1): 20.0}}, ("23:59:50", "00:00:10", "02:00:30")),
        (("02:30:00", "02:30:10", "03:30:30"), {"lengths": {(0, 2): 7230.0}}, ("00:30:00", "00:30:10", "02:30:30")),
        (("02:30:00", "02:30:10", "03:30:30"), {"lengths": {(0, 2): 3630.0}}, ("01:30:00", "01:30:10", "02:30:30")),
        (("02:15:00", "10:00:00"), {"near": False}, ("00:15:00", "09:00:00")),
        (("02:50:00", "02:10:00"), {"near": False}, ("00:50:00", "01:10:00")),
        (("02:50:00", "NaT", "02:10:00"), {}, ("00:50:00", None, "01:10:00")),
        (("02:50:00", "03:10:00", "02:20:00"), {}, ("00:50:00", "02:10:00", "00:20:00")),
    ],
)
def test_order_then_lengths_then_nearness_decide(clocks, options, found):
    lengths = {pair: pd.Series([length]) for pair, length in options.get("lengths", {}).items()}
    times = [
        localise(pd.Series([pd.NaT], dtype="datetime64[us]"), "Europe/Berlin") if clock == "NaT" else shown_in_berlin(clock)[0]
        for clock in clocks
    ]
    taken = in_turn(*times, lengths=lengths, near=options.get("near", True))
    assert [None if pd.isna(at[0]) else at[0].strftime("%H:%M:%S") for at in taken] == list(found)
    assert {str(at.dtype) for at in taken} == {"datetime64[us, UTC]"}
