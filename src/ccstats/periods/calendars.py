"""When a centre is open: opening hours, holidays and exceptions as instants, working time between instants, and working days.

Nothing here steps through time. Opening hours are laid on the wall clock day by day, moved to UTC one stretch of constant offset after
the other, and a column of instants is looked up in them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.periods.hours import DAY_MIN, EPOCH, as_date, check_country, read_dates, read_spans, read_week
from ccstats.periods.local import WEEKDAYS, _micros, _utc, check_timezone
from ccstats.periods.openings import DAY, Bools, Floats, Ints, Openings, open_before

__all__ = ["Calendar"]

_NAT = np.iinfo(np.int64).min
#: How far beyond an instant an opening is looked for. [days]
_FAR = 20 * 366


@dataclass(frozen=True)
class Calendar:
    """Opening hours of a centre or a queue, with its holidays and exceptions, and the working time that follows from them.

    Parameters
    ----------
    hours : mapping of str to sequence of (str, str), optional
        For each weekday (``Monday``, …) spans of the wall clock, ``("09:00", "17:30")``; the end of a day is ``"24:00"``, and a span whose
        end is not after its start runs over midnight. A weekday that is not named is closed. None: always open, on holidays too.
    timezone : str
        The zone whose wall clock and days count.
    holidays : str or iterable of datetime.date, optional
        Closed days: the public holidays of a country (``"TR"``) or of a part of one (``"DE-BE"``), or dates.
    exceptions : mapping of datetime.date to sequence of (str, str), optional
        Dates with hours of their own, ``[]`` closed; they go before holidays and weekdays.

    Raises
    ------
    OptionError
        If hours overlap or cannot be read, a weekday or country is not known, or no day is ever open; the text names the day.
    ZoneError
        If the zone is unknown.

    Notes
    -----
    The centre is open while the wall clock shows a time within a span. When clocks go forward over a span's start, it opens with the first
    moment after the gap; when they go back over its end, it closes, and opens again for the hour that the clock repeats. A span belongs to
    the day that it begins on: a night shift before a holiday runs to its end.

    A *working day* is a local day with opening hours that is no holiday (with ``hours=None``: any day that is no holiday). Whether a
    Saturday is one is for the law or the agreement to say; give ``hours`` accordingly. Half holidays are not known.

    Examples
    --------
    >>> import ccstats as cc
    >>> import pandas as pd
    >>> week = {day: [("09:00", "17:00")] for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")}
    >>> office = cc.Calendar(week, timezone="Europe/Berlin", holidays="DE-BE")
    >>> friday, monday = pd.Timestamp("2026-06-05 16:00", tz="Europe/Berlin"), pd.Timestamp("2026-06-08 10:30", tz="Europe/Berlin")
    >>> office.open_seconds(friday, monday)[0] / 3600
    np.float64(2.5)
    """

    hours: Mapping[str, Sequence[tuple[str, str]]] | None = None
    timezone: str = "UTC"
    holidays: str | Iterable[dt.date] | None = None
    exceptions: Mapping[dt.date, Sequence[tuple[str, str]]] | None = None

    _openings: ClassVar[Openings]  # set once for each calendar, from its fields

    def __post_init__(self) -> None:
        if self.hours is not None and not isinstance(self.hours, Mapping):
            raise OptionError(f"hours={self.hours!r}: expected spans per weekday, such as {{'Monday': [('09:00', '17:00')]}}, or None")
        if self.exceptions is not None and not isinstance(self.exceptions, Mapping):
            raise OptionError(
                f"exceptions={self.exceptions!r}: expected spans per date, such as {{date(2026, 12, 24): [('09:00', '12:00')]}}"
            )
        week = {name: ((0, DAY_MIN),) for name in WEEKDAYS} if self.hours is None else read_week(self.hours)
        special = {as_date(day, "exceptions"): read_spans(spans, f"exceptions[{day}]") for day, spans in (self.exceptions or {}).items()}
        if not any(week.values()) and not any(special.values()):
            raise OptionError("hours: no day is open; give spans for a weekday, or hours=None for always open")
        holidays = self.holidays
        if holidays is not None:
            holidays = check_country(holidays) if isinstance(holidays, str) else read_dates(holidays, "holidays")
        numbered = {(day - EPOCH).days: spans for day, spans in sorted(special.items())}
        openings = Openings(check_timezone(self.timezone), week, numbered, holidays, self.hours is None)
        openings.check_exceptions()
        for name, value in (("timezone", openings.timezone), ("holidays", holidays), ("_openings", openings)):
            object.__setattr__(self, name, value)

    def spans(self, start: Any, end: Any) -> pd.DataFrame:
        """The spans that the centre is open between two instants.

        Parameters
        ----------
        start, end : datetime-like, with a time zone
            Spans are cut here.

        Returns
        -------
        pandas.DataFrame
            ``opens_at`` and ``closes_at`` (UTC), in order, none touching the next; empty when ``end`` is not after ``start``.

        Examples
        --------
        >>> day = pd.Timestamp("2026-03-29", tz="Europe/London")
        >>> always = Calendar(timezone="Europe/London").spans(day, day + pd.DateOffset(days=2))
        >>> (always["closes_at"] - always["opens_at"]).tolist()
        [Timedelta('1 days 23:00:00')]
        """
        low, high = _micros(pd.DatetimeIndex([start, end])).tolist()
        if high <= low:
            opens = closes = np.empty(0, dtype=np.int64)
        else:
            opens, closes = self._openings.open(low, high)
            opens, closes = np.maximum(opens, low), np.minimum(closes, high)
            opens, closes = opens[opens < closes], closes[opens < closes]
        return pd.DataFrame({"opens_at": _utc(opens), "closes_at": _utc(closes)})

    def is_open(self, instants: Any) -> Bools:
        """Whether the centre is open at each instant; closed at the moment it closes, and not open at a missing one.

        Examples
        --------
        >>> noon = pd.to_datetime(["2026-06-06 12:00", "2026-06-08 12:00"], utc=True)
        >>> Calendar({"Monday": [("09:00", "17:00")]}).is_open(noon).tolist()
        [False, True]
        """
        (at,) = _columns(instants)
        known = at != _NAT
        found = np.zeros(len(at), dtype=np.bool_)
        if known.any():
            opens, closes = self._openings.open(int(at[known].min()), int(at[known].max()))
            place = np.searchsorted(opens, at[known], side="right") - 1
            found[known] = (place >= 0) & (at[known] < np.append(closes, _NAT)[place])
        return found

    def open_seconds(self, starts: Any, ends: Any) -> Floats:
        """The working time between two instants each.

        Parameters
        ----------
        starts, ends : pandas.Series, pandas.DatetimeIndex, array or one instant, with a time zone
            As many of the one as of the other, or one for all.

        Returns
        -------
        numpy.ndarray
            Seconds; negative where the end is before the start, missing where an end or start is missing. [s]

        Examples
        --------
        >>> always = Calendar(timezone="Europe/London")
        >>> day = pd.Timestamp("2026-03-29", tz="Europe/London")
        >>> always.open_seconds(day, day + pd.DateOffset(days=1)) / 3600
        array([23.])
        """
        begin, end = _columns(starts, ends)
        known = (begin != _NAT) & (end != _NAT)
        found = np.full(len(begin), np.nan)
        if known.any():
            both = np.stack([begin[known], end[known]])
            opens, closes = self._openings.open(int(both.min()), int(both.max()))
            before = open_before(opens, closes, both)
            found[known] = (before[1] - before[0]) / 1e6
        return found

    def working_days(self, starts: Any, ends: Any) -> Floats:
        """The working days after the day of each start, up to the day of its end: the day something is received is day 0.

        Parameters
        ----------
        starts, ends : pandas.Series, pandas.DatetimeIndex, array or one instant, with a time zone
            As many of the one as of the other, or one for all.

        Returns
        -------
        numpy.ndarray
            Whole numbers; negative where the end's day is before the start's, missing where an end or start is missing.

        See Also
        --------
        after_working_days : the deadline. What is done on the Saturday after a Friday's deadline took as many days, and is late.

        Notes
        -----
        The way of counting of Regulation (EEC, Euratom) No 1182/71, articles 2 and 3: the day of the event is not counted.

        Examples
        --------
        >>> week = Calendar({day: [("09:00", "17:00")] for day in WEEKDAYS[:5]})
        >>> week.working_days(pd.Timestamp("2026-06-05 16:00", tz="UTC"), pd.Timestamp("2026-06-09 09:00", tz="UTC"))
        array([2.])
        """
        begin, end = _columns(starts, ends)
        known = (begin != _NAT) & (end != _NAT)
        found = np.full(len(begin), np.nan)
        if known.any():
            both = np.stack([begin[known], end[known]])
            days = self._openings.days(int(both.min()), int(both.max()))
            so_far = np.cumsum(days.worked)[days.at(both)]
            found[known] = so_far[1] - so_far[0]
        return found

    def after_working_days(self, instants: Any, days: Any) -> pd.DatetimeIndex:
        """The deadline that is so many working days away: the midnight that ends the last of them.

        Parameters
        ----------
        instants : pandas.Series, pandas.DatetimeIndex, array or one instant, with a time zone
            Their day is day 0.
        days : int or array of int
            Working days, from 0 (the end of the day itself).

        Returns
        -------
        pandas.DatetimeIndex
            UTC. In time is what happens before it. Missing where the instant is, or where no such day comes within 20 years.

        Raises
        ------
        OptionError
            If a number of days is negative or not whole.

        Examples
        --------
        >>> week = Calendar({day: [("09:00", "17:00")] for day in WEEKDAYS[:5]})
        >>> week.after_working_days(pd.Timestamp("2026-06-05 16:00", tz="UTC"), 2)[0]
        Timestamp('2026-06-10 00:00:00+0000', tz='UTC')
        """
        at, count = np.broadcast_arrays(*_columns(instants), np.atleast_1d(_numbers("days", days, whole=True)))
        asked = count.astype(np.int64)

        def deadline(low: int, high: int, chosen: Bools) -> tuple[Ints, Bools]:
            table = self._openings.days(low, high)
            own = table.at(at[chosen])
            worked = np.flatnonzero(table.worked)
            place = np.searchsorted(worked, own, side="right") + asked[chosen] - 1
            there = place < len(worked)
            last = np.where(asked[chosen] == 0, own, np.append(worked, 0)[np.where(there, place, -1)])
            return table.bounds[last + 1], there | (asked[chosen] == 0)

        return _utc(_search(at, 2 * asked.max(initial=0) + 30, deadline))

    def after_open_seconds(self, instants: Any, seconds: Any) -> pd.DatetimeIndex:
        """The first instant by which so much working time has passed.

        Parameters
        ----------
        instants : pandas.Series, pandas.DatetimeIndex, array or one instant, with a time zone
            Where the clock starts; while the centre is closed it stands still.
        seconds : float or array of float
            Working time from 0 (the instant itself). [s]

        Returns
        -------
        pandas.DatetimeIndex
            UTC. Missing where the instant is, or where so much working time does not come within 20 years.

        Raises
        ------
        OptionError
            If a number of seconds is negative or missing.

        Examples
        --------
        >>> week = Calendar({day: [("09:00", "17:00")] for day in WEEKDAYS[:5]})
        >>> week.after_open_seconds(pd.Timestamp("2026-06-05 16:00", tz="UTC"), 2 * 3600)[0]
        Timestamp('2026-06-08 10:00:00+0000', tz='UTC')
        """
        at, wanted = np.broadcast_arrays(*_columns(instants), np.atleast_1d(_numbers("seconds", seconds)))
        asked = np.rint(wanted * 1e6).astype(np.int64)

        def reached(low: int, high: int, chosen: Bools) -> tuple[Ints, Bools]:
            opens, closes = self._openings.open(low, high)
            opens, closes = opens[opens < high], np.minimum(closes[opens < high], high)
            until = np.cumsum(closes - opens)
            target = open_before(opens, closes, at[chosen]) + asked[chosen]
            place = np.searchsorted(until, target)
            there = place < len(until)
            place = np.where(there, place, -1)
            moment = np.append(closes, 0)[place] - (np.append(until, 0)[place] - target)
            return np.where(asked[chosen] == 0, at[chosen], moment), there | (asked[chosen] == 0)

        return _utc(_search(at, 4 * int(asked.max(initial=0)) // DAY + 30, reached))

    def working_day_of_month(self, instants: Any) -> Floats:
        """Which working day of its month each instant's day is, from 1; missing on other days and for missing instants.

        Examples
        --------
        >>> week = Calendar({day: [("09:00", "17:00")] for day in WEEKDAYS[:5]})
        >>> week.working_day_of_month(pd.to_datetime(["2026-06-05", "2026-06-06"], utc=True)).tolist()
        [5.0, nan]
        """
        (at,) = _columns(instants)
        known = at != _NAT
        found = np.full(len(at), np.nan)
        if known.any():
            days = self._openings.days(int(at[known].min()) - 32 * DAY, int(at[known].max()))
            months = days.dates.astype("datetime64[D]").astype("datetime64[M]").view("i8")
            so_far = np.cumsum(days.worked)
            first = np.searchsorted(months, months)
            number = np.where(days.worked, so_far - (so_far - days.worked)[first], np.nan)
            found[known] = number[days.at(at[known])]
        return found

    def is_holiday_neighbour(self, instants: Any) -> Bools:
        """Whether each instant's day is the last working day before a holiday, or the first after one.

        A holiday on a day that is closed anyway, such as a Sunday, has no neighbours. Missing instants have none either.

        Examples
        --------
        >>> week = Calendar({day: [("09:00", "17:00")] for day in WEEKDAYS[:5]}, holidays=[dt.date(2026, 5, 25)])
        >>> week.is_holiday_neighbour(pd.date_range("2026-05-21", "2026-05-27", tz="UTC")).tolist()
        [False, True, False, False, False, True, False]
        """
        (at,) = _columns(instants)
        known = at != _NAT
        found = np.zeros(len(at), dtype=np.bool_)
        if known.any():
            days = self._openings.days(int(at[known].min()) - 60 * DAY, int(at[known].max()) + 60 * DAY)
            worked = np.flatnonzero(days.worked)
            between = np.diff(np.cumsum(days.kept_closed)[worked]) > 0
            near = np.zeros(len(days.dates), dtype=np.bool_)
            near[worked] = np.append(False, between)[: len(worked)] | np.append(between, False)[: len(worked)]
            found[known] = near[days.at(at[known])]
        return found


def _columns(*given: Any) -> list[Ints]:
    """Instants [µs], as many of each."""
    columns = [_micros([each] if isinstance(each, dt.datetime) or each is pd.NaT else each) for each in given]
    longest = {len(each) for each in columns if len(each) != 1} or {1}
    if len(longest) > 1:
        raise OptionError(f"{' and '.join(str(len(each)) for each in columns)} instants: expected as many of each, or one for all")
    return [np.asarray(each) for each in np.broadcast_arrays(*columns)]


def _numbers(name: str, given: Any, *, whole: bool = False) -> Floats:
    try:
        numbers = np.asarray(given, dtype="float64")
    except (TypeError, ValueError):
        numbers = np.array(np.nan)
    if not (np.isfinite(numbers) & (numbers >= 0)).all() or (whole and (numbers % 1 != 0).any()):
        raise OptionError(f"{name}={given!r}: expected {'whole numbers' if whole else 'numbers'} from 0")
    return numbers


def _search(at: Ints, ahead: int, answer: Callable[[int, int, Bools], tuple[Ints, Bools]]) -> Ints:
    """Look ever farther ahead (`ahead` days first) for what comes after each instant; missing where nothing comes."""
    found = np.full(len(at), _NAT)
    missing = at != _NAT
    while missing.any():
        moments, there = answer(int(at[missing].min()), int(at[missing].max()) + ahead * DAY, missing)
        rows = np.flatnonzero(missing)
        found[rows[there]] = moments[there]
        missing[rows[there]] = False
        if ahead >= _FAR:
            break
        ahead = min(4 * ahead, _FAR)
    return found
