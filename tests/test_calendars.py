"""Working time against a plain minute-by-minute loop on the nights that go wrong, and working days against published ones."""

from __future__ import annotations

import datetime as dt
import os
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import OptionError, ZoneError
from ccstats.periods import WEEKDAYS, Calendar
from interval_cases import NIGHTS, local_midnight, noon

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
MINUTE = dt.timedelta(minutes=1)
OFFICE = {day: [("09:00", "17:00")] for day in WEEKDAYS[:5]}


def minutes(text: str) -> int:
    hour, minute = text.split(":")
    return 60 * int(hour) + int(minute)


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def hours_of(calendar: Calendar, date: dt.date) -> list[tuple[int, int]]:
    """Spans that begin on a date, by the rules as they are written down."""
    if date in (calendar.exceptions or {}):
        spans = calendar.exceptions[date]
    elif calendar.hours is None:
        spans = [("00:00", "24:00")]
    elif date in (calendar.holidays or ()):
        spans = []
    else:
        spans = calendar.hours.get(WEEKDAYS[date.weekday()], [])
    pairs = [(minutes(a), minutes(b)) for a, b in spans]
    return [(a, b if b > a else b + 1440) for a, b in pairs]


def open_by_loop(calendar: Calendar, at: dt.datetime) -> bool:
    local = at.astimezone(ZoneInfo(calendar.timezone))
    now, today = 60 * local.hour + local.minute, local.date()
    yesterday = today - dt.timedelta(days=1)
    return any(a <= now < b for a, b in hours_of(calendar, today)) or any(now + 1440 < b for _, b in hours_of(calendar, yesterday))


def worked_by_loop(calendar: Calendar, date: dt.date) -> bool:
    given = date in (calendar.exceptions or {})
    return bool(hours_of(calendar, date)) and (given or date not in (calendar.holidays or ()))


@st.composite
def calendars(draw, zone: str, middle: pd.Timestamp) -> Calendar:
    """Random hours: none of the spans of a day reaches over those of the next, as nights end before any day begins."""
    near = [middle.date() + dt.timedelta(days=each) for each in range(-3, 4)]

    def day() -> list[tuple[str, str]]:
        edges = sorted(draw(st.lists(st.integers(300, 1439), min_size=0, max_size=6, unique=True)))
        edges = edges[: len(edges) // 2 * 2]
        spans = [(clock(a), clock(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
        last = edges[-1] if edges else 300
        if last < 1439 and draw(st.booleans()):
            spans.append((clock(draw(st.integers(last + 1, 1439))), draw(st.sampled_from(["00:00", "24:00", "02:30", "05:00", "01:13"]))))
        return spans

    hours = None if draw(st.integers(0, 5)) == 0 else {name: day() for name in WEEKDAYS} | {"Wednesday": [("08:00", "12:00")]}
    holidays = draw(st.lists(st.sampled_from(near), max_size=2))
    exceptions = {date: [] if draw(st.booleans()) else [("05:00", "11:17")] for date in draw(st.lists(st.sampled_from(near), max_size=2))}
    return Calendar(hours, timezone=zone, holidays=holidays, exceptions=exceptions)


@pytest.mark.parametrize("night", NIGHTS)
@settings(max_examples=max(3, int(100 * EXAM)), deadline=None)
@given(data=st.data())
def test_working_time_agrees_with_a_loop_over_every_minute(night, data):
    zone, middle = noon(night)
    calendar = data.draw(calendars(zone, middle))
    first = middle.floor("min") - pd.Timedelta(days=2)
    every = [first.to_pydatetime() + each * MINUTE for each in range(3 * 1440)]
    loop = np.array([open_by_loop(calendar, each) for each in every])
    instants = pd.DatetimeIndex(every)
    assert (calendar.is_open(instants) == loop).all()

    spans = calendar.spans(instants[0], instants[-1] + MINUTE)
    total = (spans["closes_at"] - spans["opens_at"]).dt.total_seconds().sum()
    assert total == 60 * loop.sum()
    assert (spans["opens_at"].to_numpy()[1:] > spans["closes_at"].to_numpy()[:-1]).all()
    shown = [any(a <= each < b for a, b in zip(spans["opens_at"], spans["closes_at"], strict=True)) for each in instants[::97]]
    assert shown == loop[::97].tolist()

    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    low, high = rng.integers(0, len(every), (2, 40))
    so_far = np.append(0, np.cumsum(loop)) * 60.0
    assert (calendar.open_seconds(instants[low], instants[high]) == so_far[high] - so_far[low]).all()

    asked = rng.integers(0, 12 * 60, 40) * 60.0
    for at, seconds, found in zip(low, asked, calendar.after_open_seconds(instants[low], asked), strict=True):
        reached = np.flatnonzero(so_far[at:] - so_far[at] >= seconds)
        if reached.size:
            assert found == every[at] + int(reached[0]) * MINUTE
        else:
            assert found is pd.NaT or found >= every[-1]


@pytest.mark.parametrize("night", NIGHTS)
@settings(max_examples=max(3, int(100 * EXAM)), deadline=None)
@given(data=st.data())
def test_working_days_agree_with_a_loop_over_dates(night, data):
    zone, middle = noon(night)
    calendar = data.draw(calendars(zone, middle))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    start, end = (middle + pd.to_timedelta(rng.integers(-40 * 86_400, 40 * 86_400, 30), unit="s") for _ in range(2))
    days = np.array([each.date() for each in pd.DatetimeIndex([*start, *end]).tz_convert(zone)]).reshape(2, -1)

    def exists(date: dt.date) -> bool:  # Apia had no 30 December 2011
        return not (zone == "Pacific/Apia" and date == dt.date(2011, 12, 30))

    def next_day(date: dt.date) -> dt.date:
        date += dt.timedelta(days=1)
        return date if exists(date) else date + dt.timedelta(days=1)

    def count(a: dt.date, b: dt.date) -> int:
        between = [a + dt.timedelta(days=each) for each in range(1, (b - a).days + 1)]
        return sum(worked_by_loop(calendar, each) and exists(each) for each in between)

    assert calendar.working_days(start, end).tolist() == [count(a, b) if a <= b else -count(b, a) for a, b in days.T]

    asked = rng.integers(0, 9, 30)
    for date, number, found in zip(days[0], asked, calendar.after_working_days(start, asked), strict=True):
        last = date
        while number:
            last = next_day(last)
            number -= worked_by_loop(calendar, last)
        assert found == local_midnight(next_day(last), ZoneInfo(zone))

    number = [count(date.replace(day=1) - dt.timedelta(days=1), date) if worked_by_loop(calendar, date) else np.nan for date in days[0]]
    np.testing.assert_equal(calendar.working_day_of_month(start), np.array(number, dtype="float64"))

    def beside(date: dt.date, step: int) -> bool:
        near, holiday = date, False
        for _ in range(60):
            near += dt.timedelta(days=step)
            if worked_by_loop(calendar, near) and exists(near):
                return holiday
            usually = calendar.hours is None or bool(calendar.hours.get(WEEKDAYS[near.weekday()]))
            holiday |= exists(near) and near in calendar.holidays and near not in calendar.exceptions and usually
        return False

    assert calendar.is_holiday_neighbour(start).tolist() == [
        worked_by_loop(calendar, date) and (beside(date, 1) or beside(date, -1)) for date in days[0]
    ]


@settings(max_examples=max(20, int(1000 * EXAM)), deadline=None)
@given(data=st.data())
def test_after_and_between_are_inverse(data):
    zone, middle = noon(data.draw(st.sampled_from(list(NIGHTS))))
    calendar = data.draw(calendars(zone, middle))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    start = middle + pd.to_timedelta(rng.integers(-40 * 86_400_000_000, 40 * 86_400_000_000, 30), unit="us")
    asked = np.round(rng.exponential(3e5, 30), 6)
    after = calendar.after_open_seconds(start, asked)
    np.testing.assert_allclose(calendar.open_seconds(start, after), asked, atol=1e-6)
    days = rng.integers(0, 40, 30)
    deadline = calendar.after_working_days(start, days)
    assert (calendar.working_days(start, deadline - pd.Timedelta("1us")) == days).all()


def test_working_days_of_a_published_year():
    """2026 has 261 weekdays; seven of Berlin's ten public holidays fall on one (list of the Land's law on public holidays)."""
    berlin = Calendar(OFFICE, timezone="Europe/Berlin", holidays="DE-BE")
    start, end = (pd.Timestamp(each, tz="Europe/Berlin") for each in ("2025-12-31 12:00", "2026-12-31 12:00"))
    # 1 Jan Thu, 8 Mar Sun, 3 Apr Fri, 6 Apr Mon, 1 May Fri, 14 May Thu, 25 May Mon, 3 Oct Sat, 25 Dec Fri, 26 Dec Sat: seven on weekdays.
    assert berlin.working_days(start, end)[0] == 261 - 7
    turkey = Calendar(OFFICE, timezone="Europe/Istanbul", holidays="TR")
    republic = pd.DatetimeIndex(["2026-10-28 12:00", "2026-10-29 12:00", "2026-10-30 12:00"], tz="Europe/Istanbul")
    assert turkey.is_open(republic).tolist() == [True, False, True]
    assert turkey.is_holiday_neighbour(republic).tolist() == [True, False, True]


def test_the_day_of_receipt_is_day_zero():
    week = Calendar(OFFICE, timezone="UTC", holidays=[dt.date(2026, 5, 25)])
    friday = pd.Timestamp("2026-05-22 08:00", tz="UTC")
    assert week.after_working_days(friday, [0, 1, 2]).strftime("%m-%d %H:%M").tolist() == ["05-23 00:00", "05-27 00:00", "05-28 00:00"]
    saturday = pd.Timestamp("2026-05-23 08:00", tz="UTC")
    assert week.after_working_days(saturday, 1)[0] == pd.Timestamp("2026-05-27", tz="UTC")
    assert week.working_days(friday, [friday, saturday, pd.Timestamp("2026-05-26 23:59", tz="UTC"), pd.NaT])[:3].tolist() == [0, 0, 1]


def test_always_open_stays_open_on_holidays_that_are_no_working_days():
    always = Calendar(holidays=[dt.date(2026, 5, 25)])
    day = pd.Timestamp("2026-05-25", tz="UTC")
    assert always.is_open(day)[0]
    assert always.open_seconds(day, day + pd.Timedelta("1D"))[0] == 86_400
    assert always.working_days(day - pd.Timedelta("1D"), day + pd.Timedelta("1D"))[0] == 1


def test_an_exception_goes_before_the_holiday():
    open_anyway = Calendar(OFFICE, holidays="DE", exceptions={dt.date(2026, 12, 25): [("10:00", "12:00")]})
    day = pd.Timestamp("2026-12-25", tz="UTC")
    assert open_anyway.open_seconds(day, day + pd.Timedelta("1D"))[0] == 7200
    assert open_anyway.working_days(day - pd.Timedelta("1D"), day)[0] == 1
    assert not open_anyway.is_holiday_neighbour(day - pd.Timedelta("1D"))[0]


def test_missing_instants():
    week = Calendar(OFFICE)
    some = pd.DatetimeIndex(["2026-06-05 16:00", None], tz="UTC")
    for found in (week.open_seconds(some, some[0]), week.working_days(some, some[0]), week.working_day_of_month(some)):
        assert np.isnan(found).tolist() == [False, True]
    assert week.is_open(some).tolist() == [True, False]
    assert week.is_holiday_neighbour(some).tolist() == [False, False]
    assert week.after_working_days(some, 1).isna().tolist() == [False, True]
    assert week.after_open_seconds(some, 1).isna().tolist() == [False, True]
    none = some[1:]
    assert np.isnan(week.open_seconds(none, none)).all()
    assert week.after_working_days(none, 1).isna().all()
    assert len(week.open_seconds(some[:0], some[:0])) == 0
    assert len(week.after_open_seconds(some[:0], 5)) == 0
    assert week.spans(some[0], some[0]).empty


def test_what_never_comes_is_missing():
    once = Calendar({}, exceptions={dt.date(2026, 6, 1): [("09:00", "10:00")]})
    at = pd.Timestamp("2026-05-01", tz="UTC")
    assert once.after_open_seconds(at, 3600)[0] == pd.Timestamp("2026-06-01 10:00", tz="UTC")
    assert once.after_open_seconds(at, 3601).isna().all()
    assert once.after_working_days(at, 1)[0] == pd.Timestamp("2026-06-02", tz="UTC")
    assert once.after_working_days(at, 2).isna().all()


def test_a_year_is_one_lookup():
    week = Calendar(OFFICE, timezone="Europe/London", holidays="GB-ENG")
    rng = np.random.default_rng(1)
    start = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 365 * 86_400, 200_000), unit="s")
    assert (week.open_seconds(start, start + pd.Timedelta("7D")) <= 7 * 8 * 3600).all()


@pytest.mark.parametrize(
    ("given", "error", "text"),
    [
        ({"hours": {"Monday": [("09:00", "12:00"), ("11:00", "13:00")]}}, OptionError, "Monday.*overlap: one span ends at 12:00"),
        ({"hours": {"Monday": [("22:00", "06:00")], "Tuesday": [("05:00", "07:00")]}}, OptionError, "begins on Monday ends at 06:00"),
        ({"hours": {"Sunday": [("22:00", "06:00")], "Monday": [("05:00", "07:00")]}}, OptionError, "begins on Sunday.*the one of Monday"),
        ({"hours": {"Sunday": [("22:00", "21:00")], "monday": [("20:00", "22:00")]}}, OptionError, "overlap"),
        ({"hours": {"Mnday": []}}, OptionError, "no weekday.*Did you mean Monday"),
        ({"hours": {"Monday": [("9", "17")]}}, OptionError, "no time of the wall clock"),
        ({"hours": {"Monday": [("09:00", "25:00")]}}, OptionError, "no time of the wall clock"),
        ({"hours": {"Monday": [("09:00", "09:00")]}}, OptionError, "has no length"),
        ({"hours": {"Monday": [("24:00", "09:00")]}}, OptionError, "has no length"),
        ({"hours": {"Monday": ("09:00", "17:00")}}, OptionError, "is no span"),
        ({"hours": {"Monday": "09:00-17:00"}}, OptionError, "are no opening hours"),
        ({"hours": {"Monday": [("09:00", "17:00")], "MONDAY": []}}, OptionError, "given twice"),
        ({"hours": {}}, OptionError, "no day is open"),
        ({"hours": 8}, OptionError, "expected spans per weekday"),
        ({"timezone": "Europe/Berln"}, ZoneError, "Did you mean"),
        ({"holidays": "XX"}, OptionError, "holidays='XX' is not known"),
        ({"holidays": "DE-XX"}, OptionError, "holidays='DE-XX' is not known"),
        ({"holidays": 5}, OptionError, "no country and no list"),
        ({"holidays": ["Christmas"]}, OptionError, "no date"),
        ({"exceptions": {"x": []}}, OptionError, "no date"),
        ({"exceptions": [1]}, OptionError, "expected spans per date"),
        (
            {"hours": {"Monday": [("22:00", "06:00")]}, "exceptions": {dt.date(2026, 6, 2): [("05:00", "07:00")]}},
            OptionError,
            "2026-06-02.*overlap",
        ),
    ],
)
def test_calendars_that_cannot_be_are_refused(given, error, text):
    with pytest.raises(error, match=text):
        Calendar(**given)


def test_bad_questions_are_refused():
    week = Calendar(OFFICE)
    at = pd.date_range("2026-06-01", periods=3, tz="UTC")
    with pytest.raises(ZoneError, match="no time zone"):
        week.is_open(at.tz_localize(None))
    with pytest.raises(OptionError, match="as many of each"):
        week.open_seconds(at, at[:2])
    for days in (-1, 1.5, np.nan, "x"):
        with pytest.raises(OptionError, match="whole numbers from 0"):
            week.after_working_days(at, days)
    with pytest.raises(OptionError, match="numbers from 0"):
        week.after_open_seconds(at, -1)


def test_quarters_and_years_are_periods_of_service():
    contacts = cc.synthesize_contacts(seed=1, days=100, start="2026-01-15", timezone="Europe/London").contacts
    table = cc.to_intervals(contacts, timezone="Europe/London", threshold_s=20)
    months, quarters, years = (
        cc.measure_service(table, by="queue", period=period, timezone="Europe/London") for period in ("month", "quarter", "year")
    )
    assert [str(each)[:10] for each in quarters["period_start"].unique()] == ["2026-01-01", "2026-04-01"]
    assert [str(each)[:10] for each in years["period_start"].unique()] == ["2026-01-01"]
    assert months["offered"].sum() == quarters["offered"].sum() == years["offered"].sum()
