"""Opening hours as people write them: spans of the wall clock per weekday or date, read and refused where they overlap."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ccstats.errors import OptionError, did_you_mean
from ccstats.periods.local import WEEKDAYS

__all__ = [
    "DAY_MIN",
    "WEEK_MIN",
    "as_date",
    "check_country",
    "holiday_mask",
    "holidays_of",
    "read_dates",
    "read_spans",
    "read_week",
    "week_spans",
]

#: Minutes of a day and of a week.
DAY_MIN, WEEK_MIN = 1440, 10_080

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|24:00")
#: Where days are counted from.
EPOCH = dt.date(1970, 1, 1)


def read_spans(given: Any, where: str) -> tuple[tuple[int, int], ...]:
    """Spans of one day in minutes from its midnight, in order; one that runs over midnight ends beyond 1440.

    Examples
    --------
    >>> read_spans([("22:00", "06:00"), ("09:00", "12:30")], "Monday")
    ((540, 750), (1320, 1800))
    """
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise OptionError(f"{where}: {given!r} are no opening hours; give spans such as [('09:00', '17:30')], or [] for closed")
    spans = []
    for span in given:
        if isinstance(span, str) or not isinstance(span, Sequence) or len(span) != 2:
            raise OptionError(f"{where}: {span!r} is no span; give two times of the wall clock, such as ('09:00', '17:30')")
        opens, closes = (_minutes(each, where) for each in span)
        if opens in (closes, DAY_MIN):
            raise OptionError(f"{where}: {tuple(span)!r} has no length; a whole day is ('00:00', '24:00'), and closed is an empty list")
        spans.append((opens, closes if closes > opens else closes + DAY_MIN))
    spans.sort()
    for (_, closes), (opens, _) in zip(spans, spans[1:], strict=False):
        if opens < closes:
            raise OptionError(f"{where}: opening hours overlap: one span ends {_clock(closes)}, the next begins {_clock(opens)}")
    return tuple(spans)


def read_week(hours: Mapping[str, Any]) -> dict[str, tuple[tuple[int, int], ...]]:
    """Spans of each weekday, none left out; names in any case.

    Examples
    --------
    >>> read_week({"monday": [("09:00", "17:00")]})["Monday"]
    ((540, 1020),)
    """
    names = {name.lower(): name for name in WEEKDAYS}
    week: dict[str, tuple[tuple[int, int], ...]] = {name: () for name in WEEKDAYS}
    seen: set[str] = set()
    for day, spans in hours.items():
        name = names.get(str(day).lower())
        if name is None:
            raise OptionError(f"hours: {day!r} is no weekday; expected {', '.join(WEEKDAYS)}.{did_you_mean(str(day).title(), WEEKDAYS)}")
        if name in seen:
            raise OptionError(f"hours: {name} is given twice")
        seen.add(name)
        week[name] = read_spans(spans, f"hours[{day!r}]")
    whole = week_spans(week)
    for at, (begun, closes) in enumerate(whole):
        opens = whole[at + 1][0] if at + 1 < len(whole) else whole[0][0] + WEEK_MIN
        if opens < closes:
            days = [WEEKDAYS[each // DAY_MIN % 7] for each in (begun, opens)]
            raise OptionError(
                f"hours: opening hours overlap: the span that begins on {days[0]} ends {_clock(closes)} the day after, "
                f"the one of {days[1]} begins {_clock(opens)}"
            )
    return week


def week_spans(week: Mapping[str, Sequence[tuple[int, int]]]) -> list[tuple[int, int]]:
    """All spans of a week, in minutes from Monday's midnight, in order.

    Examples
    --------
    >>> week_spans({"Monday": [(0, 60)], "Tuesday": [(0, 60)]})
    [(0, 60), (1440, 1500)]
    """
    return sorted((at * DAY_MIN + opens, at * DAY_MIN + closes) for at, name in enumerate(WEEKDAYS) for opens, closes in week.get(name, ()))


def read_dates(given: Any, where: str) -> tuple[dt.date, ...]:
    """Dates in order, each once.

    Examples
    --------
    >>> read_dates(["2026-12-25"], "holidays")
    (datetime.date(2026, 12, 25),)
    """
    if not isinstance(given, Iterable):
        raise OptionError(f"{where}={given!r} is no country and no list of dates")
    return tuple(sorted({as_date(each, where) for each in given}))


def as_date(given: Any, where: str) -> dt.date:
    """A date, from a date or its text.

    Examples
    --------
    >>> as_date("2026-12-25", "holidays")
    datetime.date(2026, 12, 25)
    """
    if isinstance(given, dt.datetime):
        given = given.date()
    if isinstance(given, dt.date) and given == given:  # a missing instant is not itself
        return given
    try:
        return dt.date.fromisoformat(given)
    except (TypeError, ValueError):
        raise OptionError(f"{where}: {given!r} is no date; give one such as 2026-12-25") from None


def check_country(country: str) -> str:
    """The name of a country, or of a part of one, whose public holidays are known.

    Raises
    ------
    OptionError
        If they are not.

    Examples
    --------
    >>> check_country("DE-BE")
    'DE-BE'
    """
    holidays_of(country, 2024)
    return country


@lru_cache(maxsize=1024)
def holidays_of(country: str, year: int) -> frozenset[int]:
    """Public holidays of a year, as days since 1970.

    Examples
    --------
    >>> import datetime as dt
    >>> (dt.date(2026, 10, 29) - dt.date(1970, 1, 1)).days in holidays_of("TR", 2026)
    True
    """
    import holidays

    code, _, part = country.partition("-")
    try:
        found = holidays.country_holidays(code, subdiv=part or None, years=year)
    except (NotImplementedError, AttributeError):
        raise OptionError(
            f"holidays={country!r} is not known; give a country such as 'TR', one with its part, such as 'DE-BE', or a list of dates"
        ) from None
    return frozenset((each - EPOCH).days for each in found)


def holiday_mask(
    holidays: str | tuple[dt.date, ...] | None, dates: np.ndarray[Any, np.dtype[np.int64]]
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whether each date (days since 1970) is a public holiday.

    Examples
    --------
    >>> holiday_mask((dt.date(1970, 1, 2),), np.arange(3)).tolist()
    [False, True, False]
    """
    if holidays is None or not len(dates):
        return np.zeros(len(dates), dtype=np.bool_)
    if isinstance(holidays, str):
        years = (np.array([dates.min(), dates.max()]).astype("datetime64[D]").astype("datetime64[Y]").view("i8") + 1970).tolist()
        known = [day for year in range(years[0], years[1] + 1) for day in holidays_of(holidays, year)]
    else:
        known = [(each - EPOCH).days for each in holidays]
    return np.isin(dates, np.array(known, dtype=np.int64))


def _minutes(text: Any, where: str) -> int:
    found = _CLOCK.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise OptionError(f"{where}: {text!r} is no time of the wall clock; write it as '09:00', and the end of a day as '24:00'")
    return DAY_MIN if found[1] is None else 60 * int(found[1]) + int(found[2])


def _clock(minutes: int) -> str:
    return f"at {minutes % DAY_MIN // 60:02d}:{minutes % 60:02d}"
