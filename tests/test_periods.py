"""Local time against PEP 495 calendar arithmetic, on the nights that go wrong."""

from __future__ import annotations

import datetime as dt
import os
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccstats.errors import OptionError, ZoneError
from ccstats.periods import WEEKDAYS, check_timezone, local_grid, period_start, seconds_of, slot_of, weekday_of
from interval_cases import NIGHTS, interval_of, local_midnight, noon

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
MANY = int(500_000 * EXAM)
UTC = dt.UTC


def local_day(zone: str, date: str, every: str) -> pd.DataFrame:
    day = pd.Timestamp(f"{date} 12:00", tz=zone)
    start, end = period_start([day, day + pd.DateOffset(days=1)], period="day", timezone=zone)
    return local_grid(start, end, every=every, timezone=zone)


@pytest.mark.parametrize(
    ("zone", "date", "every", "intervals", "last_s"),
    [
        ("Europe/London", "2026-03-29", "30min", 46, 1800),
        ("Europe/London", "2026-10-25", "30min", 50, 1800),
        ("Europe/London", "2026-03-29", "1D", 1, 23 * 3600),
        ("Europe/London", "2026-10-25", "1D", 1, 25 * 3600),
        ("Asia/Kathmandu", "2026-03-01", "1D", 1, 86_400),
        ("Australia/Lord_Howe", "2026-04-05", "1h", 25, 1800),
        ("Australia/Lord_Howe", "2026-10-04", "1h", 24, 1800),
        ("Australia/Lord_Howe", "2026-04-05", "30min", 49, 1800),
        ("America/New_York", "2026-03-08", "2h", 12, 3600),
        ("Africa/Cairo", "2023-04-28", "1h", 23, 3600),
        ("Africa/Cairo", "2023-10-26", "1h", 25, 3600),
        ("America/Sao_Paulo", "2018-11-04", "15min", 92, 900),
        ("Pacific/Apia", "2011-12-29", "30min", 48, 1800),
        ("America/Havana", "2025-11-02", "1h", 25, 3600),  # midnight twice, the date turns once
        ("America/St_Johns", "2010-11-06", "1h", 25, 3600),  # the date turns, turns back after a minute, and turns again
        ("America/St_Johns", "2010-11-07", "1h", 24, 3600),
    ],
)
def test_a_local_day_is_cut_from_its_midnight(zone, date, every, intervals, last_s):
    grid = local_day(zone, date, every)
    assert (len(grid), grid["interval_s"].iloc[-1]) == (intervals, last_s)
    ends = grid["interval_start"] + pd.to_timedelta(grid["interval_s"], unit="s")
    assert (ends[:-1].to_numpy() == grid["interval_start"][1:].to_numpy()).all()


def test_the_day_that_apia_left_out_is_no_day():
    apia = "Pacific/Apia"
    grid = local_grid(pd.Timestamp("2011-12-28", tz=apia), pd.Timestamp("2012-01-02", tz=apia), every="1D", timezone=apia)
    days = grid["interval_start"].dt.tz_convert(apia).dt.strftime("%m-%d").tolist()
    assert days == ["12-28", "12-29", "12-31", "01-01"]
    assert weekday_of(grid["interval_start"], timezone=apia).tolist() == ["Wednesday", "Thursday", "Saturday", "Sunday"]


@pytest.mark.parametrize("night", NIGHTS)
@settings(max_examples=max(20, int(1000 * EXAM)), deadline=None)
@given(data=st.data())
def test_grid_covers_exactly_what_was_asked_for(night, data):
    zone, middle = noon(night)
    every = data.draw(st.sampled_from(["15min", "1h", "6h", "1D"]))
    start = middle + pd.Timedelta(data.draw(st.integers(-200_000, 200_000)), "s")
    end = start + pd.Timedelta(data.draw(st.integers(1, 200_000)), "s")
    grid = local_grid(start, end, every=every, timezone=zone)
    moment, expected = start.to_pydatetime(), []
    while moment < end:
        expected.append(interval_of(moment, zone, pd.Timedelta(every).to_pytimedelta()))
        moment = expected[-1][0] + dt.timedelta(seconds=expected[-1][1])
    assert list(zip(grid["interval_start"], grid["interval_s"], strict=True)) == expected


def test_a_grid_of_nothing_is_empty():
    now = pd.Timestamp("2026-01-01", tz="UTC")
    assert local_grid(now, now, every="1h", timezone="UTC").empty


def expected_start(moment: dt.datetime, zone_name: str, period: str) -> dt.datetime:
    zone = ZoneInfo(zone_name)
    date = moment.astimezone(zone).date()
    if period == "hour":
        return interval_of(moment, zone_name, dt.timedelta(hours=1))[0]
    if period == "week":
        date -= dt.timedelta(days=date.weekday())
    if period in ("month", "quarter", "year"):
        date = date.replace(day=1, month={"month": date.month, "quarter": (date.month - 1) // 3 * 3 + 1, "year": 1}[period])
    return local_midnight(date, zone)


@pytest.mark.parametrize("period", ["hour", "day", "week", "month", "quarter", "year"])
@pytest.mark.parametrize("night", NIGHTS)
def test_period_start_agrees_with_the_calendar(night, period):
    zone, middle = noon(night)
    rng = np.random.default_rng(3)
    instants = middle + pd.to_timedelta(rng.integers(-40 * 86_400, 40 * 86_400, 300), unit="s")
    found = period_start(instants, period=period, timezone=zone)
    assert str(found.tz) == zone
    assert found.tolist() == [expected_start(each.to_pydatetime(), zone, period) for each in instants]


@pytest.mark.parametrize("night", NIGHTS)
def test_weekdays_and_slots_are_those_of_the_wall_clock(night):
    zone, middle = noon(night)
    instants = middle + pd.to_timedelta(np.random.default_rng(4).integers(-90 * 86_400, 90 * 86_400, 300), unit="s")
    local = [each.to_pydatetime().astimezone(ZoneInfo(zone)) for each in instants]
    assert weekday_of(instants, timezone=zone).tolist() == [WEEKDAYS[each.weekday()] for each in local]
    assert slot_of(instants, timezone=zone).tolist() == [each.strftime("%H:%M") for each in local]
    assert list(slot_of(instants, timezone=zone).categories) == sorted({each.strftime("%H:%M") for each in local})


def test_a_call_late_on_30_june_utc_is_july_in_london():
    late = pd.Series(pd.to_datetime(["2026-06-30 23:30"], utc=True))
    assert period_start(late, period="month", timezone="Europe/London")[0].month == 7
    assert period_start(late, period="month", timezone="UTC")[0].month == 6


def test_missing_instants_stay_missing():
    instants = pd.DatetimeIndex(["2026-06-30 23:30", None], tz="UTC")
    assert period_start(instants, period="week", timezone="Asia/Beirut").isna().tolist() == [False, True]
    assert weekday_of(instants, timezone="Asia/Beirut").isna().tolist() == [False, True]
    assert slot_of(instants, timezone="Asia/Beirut").isna().tolist() == [False, True]
    nothing = instants[1:]
    assert period_start(nothing, period="day", timezone="UTC").isna().all()
    assert weekday_of(nothing, timezone="UTC").isna().all()
    assert slot_of(nothing, timezone="UTC").isna().all()


@pytest.mark.parametrize("night", NIGHTS)
def test_a_long_column_is_placed_like_its_parts(night):
    """Nothing depends on the range that the tables of days and offsets are made for."""
    zone, middle = noon(night)
    instants = middle + pd.to_timedelta(np.random.default_rng(5).integers(-3 * 365 * 86_400, 3 * 365 * 86_400, MANY), unit="s")
    whole = period_start(instants, period="day", timezone=zone)
    some = slice(0, 50)
    assert whole[some].tolist() == [period_start(instants[[i]], period="day", timezone=zone)[0] for i in range(50)]
    assert (whole <= instants).all()


def test_lengths():
    lengths = ["1min", "15min", "30min", "1h", "90min", "1D", dt.timedelta(hours=2), pd.Timedelta("24h")]
    assert [seconds_of(each) for each in lengths] == [60, 900, 1800, 3600, 5400, 86_400, 7200, 86_400]


@pytest.mark.parametrize("every", ["7min", "45s", "2D", "0min", "-30min", "half an hour", "30", 30, 30.0, None, pd.NaT, "NaT", True])
def test_a_length_that_does_not_fit_is_refused(every):
    with pytest.raises(OptionError, match="divides a day"):
        seconds_of(every)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Europe/Londn", "Europe/London"),
        ("europe/istanbul", "Europe/Istanbul"),
        ("Istanbul", "Europe/Istanbul"),
        ("", ""),
        (None, ""),
        ("../etc", ""),
    ],
)
def test_an_unknown_zone_is_refused_with_the_nearest_names(name, hint):
    with pytest.raises(ZoneError, match="no zone of the IANA database") as error:
        check_timezone(name)
    assert hint in str(error.value)


def test_zone_objects_are_names():
    assert check_timezone(ZoneInfo("Asia/Kathmandu")) == "Asia/Kathmandu"


def test_instants_without_a_zone_are_refused():
    with pytest.raises(ZoneError, match="no time zone"):
        period_start(pd.DatetimeIndex(["2026-01-01"]), period="day", timezone="UTC")
    with pytest.raises(OptionError, match="choose one of: hour, day, week, month, quarter, year"):
        period_start(pd.DatetimeIndex(["2026-01-01"], tz="UTC"), period="fortnight", timezone="UTC")


def test_far_dates_are_placed_without_rules():
    instants = pd.DatetimeIndex(["1850-06-01", "2500-06-01"], tz="UTC")
    assert period_start(instants[:1], period="day", timezone="UTC")[0] == instants[0]
    assert period_start(instants, period="day", timezone="Asia/Kathmandu").strftime("%Y-%m-%d").tolist() == ["1850-06-01", "2500-06-01"]
