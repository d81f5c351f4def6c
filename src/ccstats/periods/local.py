"""Local time: intervals cut from local midnight, and the hour, day, week, month, quarter and year an instant lies in.

Nothing here computes with time zones row by row. The changes of a zone's offset are found once a year of the zone; days become a short
table of instants, and a column of ten million instants is looked up in it. Before 1900 and after 2200 an offset is taken as constant.
It is one file because every function looks up the same table of days; more than half of its lines are docstrings.
"""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError, ZoneError, did_you_mean

__all__ = [
    "PERIODS",
    "WEEKDAYS",
    "check_timezone",
    "local_grid",
    "period_start",
    "seconds_of",
    "slot_of",
    "weekday_of",
    "zone_offsets",
]

#: Periods that have a start; ``weekday`` and ``slot`` have a name instead.
PERIODS = ("hour", "day", "week", "month", "quarter", "year")

#: Names of the days, Monday first (ISO 8601).
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

#: Days of the longest period of each name, and some: so far back its start is looked for.
_LONGEST = {"hour": 32, "day": 32, "week": 32, "month": 32, "quarter": 93, "year": 367}

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_NAT = np.iinfo(np.int64).min
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Ints = np.ndarray[Any, np.dtype[np.int64]]


def check_timezone(name: Any) -> str:
    """The name of a time zone, if there is one of this name.

    Parameters
    ----------
    name : str or zoneinfo.ZoneInfo
        A name of the IANA database, such as ``Europe/Istanbul``.

    Returns
    -------
    str

    Raises
    ------
    ZoneError
        If there is no such zone; the text proposes the nearest names.

    Examples
    --------
    >>> check_timezone("Europe/Istanbul")
    'Europe/Istanbul'
    """
    text = getattr(name, "key", name)
    if isinstance(text, str) and text:
        try:
            return str(zoneinfo.ZoneInfo(text).key)
        except (KeyError, ValueError, OSError):
            pass
    hint = did_you_mean(str(text), sorted(zoneinfo.available_timezones()))
    raise ZoneError(f"timezone={name!r} is no zone of the IANA database; give a name such as 'Europe/Istanbul' or 'UTC'.{hint}")


def seconds_of(every: Any) -> int:
    """The length of an interval, from a text such as ``"15min"``, ``"1h"`` or ``"1D"``.

    Parameters
    ----------
    every : str, datetime.timedelta or pandas.Timedelta
        Whole minutes that divide a day.

    Returns
    -------
    int
        Seconds. [s]

    Raises
    ------
    OptionError
        If it is no length, no whole minutes, or does not divide a day.

    Examples
    --------
    >>> seconds_of("30min"), seconds_of("1D")
    (1800, 86400)
    """
    try:
        if not isinstance(every, str | timedelta | np.timedelta64):
            raise TypeError
        nanoseconds = pd.Timedelta(every).as_unit("ns").value
    except (ValueError, TypeError):
        nanoseconds = 0
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    if nanoseconds <= 0 or rest or seconds % 60 or 86_400 % seconds:
        raise OptionError(
            f"every={every!r} is no length of whole minutes that divides a day; give '15min', '30min', '1h', '1D' or the like"
        )
    return int(seconds)


def local_grid(start: Any, end: Any, *, every: Any, timezone: str) -> pd.DataFrame:
    """The intervals between two instants: cut every ``every`` of elapsed time from local midnight.

    Parameters
    ----------
    start, end : datetime-like, with a time zone
        Every interval that has a moment in ``[start, end)``.
    every : str or timedelta
        Length of an interval, as `seconds_of` takes it. With ``"1D"`` an interval is the local day, whatever its length.
    timezone : str
        The zone whose midnights the intervals are cut from.

    Returns
    -------
    pandas.DataFrame
        ``interval_start`` (UTC) and ``interval_s``. The last interval of a day the clocks change may be shorter; where local midnight
        does not exist, the day begins with the first moment after it. Empty when ``end`` is not after ``start``.

    Raises
    ------
    OptionError
        If ``every`` is no length that divides a day.
    ZoneError
        If the zone is unknown, or an instant has none.

    Examples
    --------
    The day the clocks go forward has 46 half-hours in London:

    >>> import pandas as pd
    >>> day = pd.Timestamp("2026-03-29", tz="Europe/London")
    >>> len(local_grid(day, day + pd.DateOffset(days=1), every="30min", timezone="Europe/London"))
    46
    """
    zone, step = check_timezone(timezone), seconds_of(every) * _SECOND
    first, end_us = _micros(pd.DatetimeIndex([start, end]))
    if end_us <= first:
        starts = np.empty(0, dtype=np.int64)
        return pd.DataFrame({"interval_start": _utc(starts), "interval_s": np.empty(0)})
    bounds, _ = _local_days(zone, int(first), int(end_us) - 1)
    edges = _cut(bounds, step)
    low, high = np.searchsorted(edges, [first, end_us - 1], side="right")
    edges = edges[low - 1 : high + 1]
    return pd.DataFrame({"interval_start": _utc(edges[:-1]), "interval_s": np.diff(edges) / _SECOND})


def period_start(instants: Any, *, period: str, timezone: str) -> pd.DatetimeIndex:
    """The start of the local hour, day, week, month, quarter or year that each instant lies in.

    Parameters
    ----------
    instants : pandas.Series, pandas.DatetimeIndex or array, with a time zone
        Missing ones stay missing.
    period : str
        ``hour`` (cut like intervals: elapsed hours from local midnight), ``day``, ``week`` (from Monday), ``month``, ``quarter`` (from
        January, April, July and October) or ``year``.
    timezone : str
        The zone whose days count.

    Returns
    -------
    pandas.DatetimeIndex
        In ``timezone``. A period that begins on a day the zone left out starts with the next day that exists.

    Raises
    ------
    OptionError
        If the period is not one of these.
    ZoneError
        If the zone is unknown, or the instants have none.

    Notes
    -----
    Where clocks go back across midnight, a day begins the last time the date turns to it.

    Examples
    --------
    >>> import pandas as pd
    >>> late = pd.Series(pd.to_datetime(["2026-06-30 23:30"], utc=True))
    >>> period_start(late, period="month", timezone="Europe/London")[0]
    Timestamp('2026-07-01 00:00:00+0100', tz='Europe/London')
    """
    if period not in PERIODS:
        raise OptionError(f"period={period!r} has no start; choose one of: {', '.join(PERIODS)}")
    zone, micros = check_timezone(timezone), _micros(instants)
    known = micros != _NAT
    starts = np.full(len(micros), _NAT)
    if known.any():
        low, high = int(micros[known].min()), int(micros[known].max())
        bounds, dates = _local_days(zone, low - _LONGEST[period] * _DAY, high)
        edges = {"hour": lambda: _cut(bounds, 3600 * _SECOND), "day": lambda: bounds}.get(
            period, lambda: _calendar(bounds, dates, period)
        )()
        at = np.searchsorted(edges, micros, side="right") - 1
        starts[known] = edges[at[known]]
    return _utc(starts).tz_convert(zone)


def weekday_of(instants: Any, *, timezone: str) -> pd.Categorical[Any]:
    """The name of the local weekday of each instant, as an ordered category from Monday to Sunday.

    Parameters
    ----------
    instants : pandas.Series, pandas.DatetimeIndex or array, with a time zone
        Missing ones stay missing.
    timezone : str
        The zone whose days count.

    Returns
    -------
    pandas.Categorical

    Raises
    ------
    ZoneError
        If the zone is unknown, or the instants have none.

    Examples
    --------
    >>> import pandas as pd
    >>> weekday_of(pd.to_datetime(["2026-06-28 20:00"], utc=True), timezone="Asia/Kathmandu")[0]
    'Monday'
    """
    zone, micros = check_timezone(timezone), _micros(instants)
    known = micros != _NAT
    codes = np.full(len(micros), -1, dtype=np.int64)
    if known.any():
        bounds, dates = _local_days(zone, int(micros[known].min()), int(micros[known].max()))
        days = dates[np.searchsorted(bounds, micros[known], side="right") - 1]
        codes[known] = (days + 3) % 7  # 1970-01-01 was a Thursday
    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(list(WEEKDAYS), ordered=True))


def slot_of(instants: Any, *, timezone: str) -> pd.Categorical[Any]:
    """The local time of day of each instant, ``"HH:MM"``, as an ordered category of those that occur.

    Parameters
    ----------
    instants : pandas.Series, pandas.DatetimeIndex or array, with a time zone
        Missing ones stay missing.
    timezone : str
        The zone whose clock is read. A time that the clock shows twice is one slot.

    Returns
    -------
    pandas.Categorical

    Raises
    ------
    ZoneError
        If the zone is unknown, or the instants have none.

    Examples
    --------
    >>> import pandas as pd
    >>> slot_of(pd.to_datetime(["2026-06-28 20:00"], utc=True), timezone="Asia/Kathmandu")[0]
    '01:45'
    """
    zone, micros = check_timezone(timezone), _micros(instants)
    known = micros != _NAT
    minutes = np.full(len(micros), -1, dtype=np.int64)
    if known.any():
        turns, offsets = zone_offsets(zone, int(micros[known].min()), int(micros[known].max()))
        local = micros[known] + offsets[np.searchsorted(turns, micros[known], side="right") - 1]
        minutes[known] = local % _DAY // (60 * _SECOND)
    seen = np.flatnonzero(np.bincount(minutes[known], minlength=1))
    minutes[known] = np.searchsorted(seen, minutes[known])
    names = [f"{each // 60:02d}:{each % 60:02d}" for each in seen.tolist()]
    return pd.Categorical.from_codes(minutes, dtype=pd.CategoricalDtype(pd.Index(names, dtype="str"), ordered=True))


def zone_offsets(timezone: str, low: int, high: int) -> tuple[_Ints, _Ints]:
    """Stretches of constant offset that cover a span of time.

    Parameters
    ----------
    timezone : str
        The zone.
    low, high : int
        First and last instant. [µs since 1970]

    Returns
    -------
    tuple of numpy.ndarray
        Where each stretch begins, the first well before ``low`` [µs since 1970], and its offset from UTC [µs].

    Examples
    --------
    >>> zone_offsets("Asia/Kathmandu", 0, 0)[1] // 60_000_000
    array([330])
    """
    first, last = (
        min(max(int(year) + 1970, 1900), 2200) for year in np.array([low, high]).astype("datetime64[us]").astype("datetime64[Y]").view("i8")
    )
    found = [turn for year in range(first, last + 1) for turn in _turns(timezone, year)]
    turns, offsets = (np.array(each, dtype=np.int64) * _SECOND for each in zip(*found, strict=True))
    keep = np.append(True, np.diff(offsets) != 0)  # a year's first entry is rarely a change
    turns, offsets = turns[keep], offsets[keep]
    turns[0] = min(int(turns[0]), low) - 4 * _DAY
    return turns, offsets


def _micros(instants: Any) -> _Ints:
    """Microseconds since 1970 of instants that know their zone."""
    index = pd.DatetimeIndex(instants)
    if index.tz is None:
        raise ZoneError("the instants have no time zone; give each its zone with Series.dt.tz_localize first")
    return index.as_unit("us").asi8


def _utc(micros: _Ints) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC")


@lru_cache(maxsize=8192)
def _turns(timezone: str, year: int) -> tuple[tuple[int, int], ...]:
    """The zone's offset [s] as the year begins (UTC), then every change: (second since 1970, offset from then on)."""
    zone = zoneinfo.ZoneInfo(timezone)

    def offset(second: int) -> int:
        shift = (_EPOCH + timedelta(seconds=second)).astimezone(zone).utcoffset()
        return 0 if shift is None else round(shift.total_seconds())

    begin, end = (int((datetime(each, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) for each in (year, year + 1))
    found = [(begin, offset(begin))]
    for low in range(begin, end, 43_200):  # no zone has changed twice within half a day
        high, before, after = low + 43_200, offset(low), offset(low + 43_200)
        if before == after:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == before else (low, middle)
        found.append((high, after))
    return tuple(found)


def _local_days(timezone: str, low: int, high: int) -> tuple[_Ints, _Ints]:
    """Local days that cover the instants from low to high [µs]: n + 1 bounds, and n + 1 dates (days since 1970) that begin there."""
    turns, offsets = zone_offsets(timezone, low - 3 * _DAY, high + 3 * _DAY)
    begins, ends = np.maximum(turns, low - 3 * _DAY), np.append(turns[1:], high + 3 * _DAY)
    before = np.append(offsets[0], offsets[:-1])
    dates: list[_Ints] = []
    starts: list[_Ints] = []
    for begin, end, offset, old in zip(begins, ends, offsets, before, strict=True):
        midnights = np.arange((begin + offset) // _DAY + 1, (end - 1 + offset) // _DAY + 1)
        if (begin + offset) // _DAY > (begin - 1 + old) // _DAY:  # the clock turns to midnight, or beyond one that does not exist
            dates.append(np.array([(begin + offset) // _DAY]))
            starts.append(np.array([begin]))
        dates.append(midnights)
        starts.append(midnights * _DAY - offset)
    # Read backwards, a date is found first where the clock turns to it for the last time.
    each, where = np.unique(np.concatenate(dates)[::-1], return_index=True)
    bounds = np.concatenate(starts)[::-1][where]
    first, stop = np.searchsorted(bounds, [low, high], side="right")
    return bounds[first - 1 : stop + 1], each[first - 1 : stop + 1]


def _cut(bounds: _Ints, step: int) -> _Ints:
    """Edges of the intervals of whole days: every step from each bound, and the last bound."""
    if step == _DAY:
        return bounds
    counts = -(-np.diff(bounds) // step)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.append(np.repeat(bounds[:-1], counts) + within * step, bounds[-1])


def _calendar(bounds: _Ints, dates: _Ints, period: str) -> _Ints:
    """Starts of the weeks, months, quarters or years among whole days; the first day stands for the period that it lies in."""
    if period == "week":
        number = (dates + 3) // 7
    else:
        number = dates.astype("datetime64[D]").astype("datetime64[M]").view("i8") // {"month": 1, "quarter": 3, "year": 12}[period]
    starts: _Ints = bounds[np.append(True, np.diff(number) != 0)]
    return starts
