"""Opening hours as declared: days, nights and midnights, and overlaps found by painting the week minute by minute."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ccstats.agreement import OpeningHours
from ccstats.agreement.hours import days_of, minutes_of
from ccstats.agreement.words import DAYS, Refusal

WEEK = 7 * 1440


def test_days_run_forward_and_round_the_end_of_the_week() -> None:
    assert days_of("mon-sun") == DAYS
    assert days_of("sat-mon") == ("sat", "sun", "mon")
    assert days_of("Mon, wed - thu") == ("mon", "wed", "thu")


@pytest.mark.parametrize("key", ["monday", "mo", "", "mon-", "mon-fry", "workdays"])
def test_what_is_no_day_is_refused(key: str) -> None:
    with pytest.raises(Refusal, match="names no days"):
        days_of(key)


def test_the_full_name_of_a_day_is_answered_with_its_short_one() -> None:
    with pytest.raises(Refusal, match="Did you mean mon"):
        days_of("monday")


@pytest.mark.parametrize(
    ("span", "said"),
    [("8-18", "no span"), ("08:00", "no span"), ("08:00-08:00", "empty"), ("25:00-26:00", "beyond"), ("08:60-09:00", "beyond")],
)
def test_what_is_no_span_is_refused(span: str, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        minutes_of(span)


@pytest.mark.parametrize(
    ("hours", "key", "said"),
    [
        ({"mon": ["08:00-12:00", "11:00-14:00"]}, "mon", "mon 11:00"),
        ({"mon-fri": ["08:00-18:00"], "fri": ["17:00-20:00"]}, "fri", "fri 17:00"),
        ({"mon": ["22:00-06:00"], "tue": ["05:00-09:00"]}, "tue", "tue 05:00"),
        ({"sun": ["22:00-06:00"], "mon": ["05:00-09:00"]}, "mon", "mon 05:00"),
    ],
)
def test_overlaps_name_both_spans_and_the_time(hours: dict, key: str, said: str) -> None:
    with pytest.raises(ValidationError, match=f"opening hours overlap at {said}") as caught:
        OpeningHours(hours=hours)
    assert caught.value.errors()[0]["ctx"]["error"].path == ("hours", key)


def test_hours_that_only_touch_are_sound() -> None:
    touching = OpeningHours(hours={"sun": ["22:00-06:00"], "mon": ["06:00-12:00", "12:00-24:00"], "tue": ["00:00-01:00"]})
    assert touching.spans_of("mon") == ((360, 720), (720, 1440))


def test_exceptions_overlap_too() -> None:
    with pytest.raises(ValidationError, match="overlap"):
        OpeningHours(hours={"mon": ["08:00-12:00"]}, exceptions={"2026-12-24": ["08:00-12:00", "11:00-13:00"]})


@pytest.mark.parametrize(("code", "said"), [("DEE", "DEE"), ("DE-XX", "XX"), ("Atlantis", "Atlantis")])
def test_countries_are_known(code: str, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        OpeningHours(hours={"mon": ["08:00-12:00"]}, holidays=code)


def test_no_hours_at_all_are_refused() -> None:
    with pytest.raises(ValidationError, match="no opening hours"):
        OpeningHours(hours={})


def test_the_calendar_is_open_when_the_hours_say_so() -> None:
    hours = OpeningHours(
        hours={"mon-fri": ["08:00-18:00"], "sat": ["22:00-02:00"]},
        holidays="DE-BE",
        exceptions={"2026-12-24": ["10:00-12:00"], "2026-06-09": []},
    )
    asked = {
        "2026-06-08 08:00": True,  # Monday
        "2026-06-08 18:00": False,
        "2026-06-09 12:00": False,  # an exception: closed
        "2026-06-13 23:00": True,  # Saturday night
        "2026-06-14 01:59": True,
        "2026-05-01 12:00": False,  # a holiday, a Friday
        "2026-12-24 09:00": False,  # an exception with its own hours
        "2026-12-24 11:00": True,
        "2026-12-25 11:00": False,
    }
    found = hours.calendar("Europe/Berlin").is_open(pd.to_datetime(list(asked)).tz_localize("Europe/Berlin"))
    assert found.tolist() == list(asked.values())


def test_round_the_clock_is_always_open() -> None:
    always = OpeningHours(hours={"mon-sun": ["00:00-24:00"]})
    assert always.always
    assert always.calendar("UTC").is_open(pd.to_datetime(["2026-12-25 03:00"], utc=True)).all()
    assert not OpeningHours(hours={"mon-sun": ["00:00-24:00"]}, holidays="TR").always


times = st.tuples(st.integers(0, 23), st.sampled_from([0, 15, 30])).map(lambda each: f"{each[0]:02d}:{each[1]:02d}")
spans = st.tuples(times, times).filter(lambda each: each[0] != each[1]).map("-".join)


@given(st.dictionaries(st.sampled_from([*DAYS, "mon-wed", "sat-sun"]), st.lists(spans, min_size=1, max_size=2), min_size=1, max_size=3))
def test_overlaps_are_those_of_a_painted_week(hours: dict[str, list[str]]) -> None:
    painted = [0] * WEEK
    for key, listed in hours.items():
        for day in days_of(key):
            for span in listed:
                begin, end = minutes_of(span)
                for minute in range(begin, end):
                    painted[(DAYS.index(day) * 1440 + minute) % WEEK] += 1
    if max(painted) > 1:
        with pytest.raises(ValidationError, match="overlap"):
            OpeningHours(hours=hours)
    else:
        sound = OpeningHours(hours=hours)
        assert sum(end - begin for day in DAYS for begin, end in sound.spans_of(day)) == sum(painted)
