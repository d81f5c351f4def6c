"""Opening hours laid on the wall clock day by day, and moved to UTC one stretch of constant offset after the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ccstats.errors import OptionError
from ccstats.periods.hours import DAY_MIN, EPOCH, holiday_mask
from ccstats.periods.local import WEEKDAYS, _local_days, zone_offsets

__all__ = ["DAY", "Bools", "Days", "Floats", "Ints", "Openings", "open_before"]

_MINUTE = 60_000_000
#: A day in microseconds.
DAY = DAY_MIN * _MINUTE
Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]


class Days(NamedTuple):
    """Whole local days in order: n + 1 bounds [µs], n dates (days since 1970), which are worked, and which a holiday keeps closed.

    Examples
    --------
    >>> always = Openings("UTC", {name: ((0, 1440),) for name in WEEKDAYS}, {}, None, True)
    >>> always.days(0, DAY).worked.tolist()
    [True, True]
    """

    bounds: Ints
    dates: Ints
    worked: Bools
    kept_closed: Bools

    def at(self, instants: Ints) -> Ints:
        """Which of the days each instant [µs] lies in.

        Examples
        --------
        >>> Days(np.array([0, DAY, 2 * DAY]), np.array([0, 1]), np.ones(2, bool), np.zeros(2, bool)).at(np.array([0, DAY])).tolist()
        [0, 1]
        """
        return np.searchsorted(self.bounds, instants, side="right") - 1


class Openings(NamedTuple):
    """What a calendar knows, read and checked: minutes of each weekday and of dates with hours of their own, and holidays.

    Examples
    --------
    >>> mondays = Openings("UTC", {"Monday": ((540, 1020),)}, {}, None, False)
    >>> opens, closes = mondays.open(4 * DAY, 5 * DAY)
    >>> (opens // 3_600_000_000 % 24).tolist()
    [9]
    """

    timezone: str
    week: Mapping[str, tuple[tuple[int, int], ...]]
    special: Mapping[int, tuple[tuple[int, int], ...]]
    holidays: str | tuple[dt.date, ...] | None
    always: bool

    def check_exceptions(self) -> None:
        """Night hours and those of a date of its own must not overlap.

        Raises
        ------
        OptionError
            If they do.

        Examples
        --------
        >>> Openings("UTC", {}, {0: ((0, 60),)}, None, False).check_exceptions()
        """
        for day in self.special:
            begin, end = self.wall(np.arange(day - 1, day + 2))
            if (begin[1:] < end[:-1]).any():
                raise OptionError(f"exceptions[{EPOCH + dt.timedelta(days=day)}]: its hours overlap with those of the day before or after")

    def wall(self, dates: Ints) -> tuple[Ints, Ints]:
        """Spans that begin on these dates (days since 1970), on the wall clock [µs], in order.

        Examples
        --------
        >>> Openings("UTC", {"Thursday": ((0, 1),)}, {}, None, False).wall(np.arange(7))[1].tolist()
        [60000000]
        """
        usual = ~np.isin(dates, np.array(list(self.special), dtype=np.int64))
        if not self.always:
            usual &= ~holiday_mask(self.holidays, dates)
        weekday = (dates + 3) % 7  # 1970-01-01 was a Thursday
        spans: list[tuple[Ints, int, int]] = [
            (dates[usual & (weekday == at)], *span) for at, name in enumerate(WEEKDAYS) for span in self.week.get(name, ())
        ]
        spans += [(np.array([day]), *span) for day, own in self.special.items() if dates[0] <= day <= dates[-1] for span in own]
        none = np.empty(0, dtype=np.int64)
        begin = np.concatenate([none, *(days * DAY + opens * _MINUTE for days, opens, _ in spans)])
        end = np.concatenate([none, *(days * DAY + closes * _MINUTE for days, _, closes in spans)])
        order = np.argsort(begin)
        return begin[order], end[order]

    def open(self, low: int, high: int) -> tuple[Ints, Ints]:
        """Where the centre opens and closes [µs], merged where spans touch, at least from low to high.

        Examples
        --------
        >>> len(Openings("UTC", {name: ((0, 1440),) for name in WEEKDAYS}, {}, None, True).open(0, 30 * DAY)[0])
        1
        """
        turns, offsets = zone_offsets(self.timezone, low, high)
        stops = np.append(turns[1:], high + 4 * DAY)
        begin, end = self.wall(np.arange((low + int(offsets.min())) // DAY - 2, (high + int(offsets.max())) // DAY + 3))
        opens, closes = [], []
        for start, stop, offset in zip(turns, stops, offsets, strict=True):
            # Spans neither overlap nor nest, so those that reach into the stretch stand together.
            first, last = np.searchsorted(end, start + offset, side="right"), np.searchsorted(begin, stop + offset, side="left")
            opens.append(np.maximum(begin[first:last] - offset, start))
            closes.append(np.minimum(end[first:last] - offset, stop))
        every, until = np.concatenate(opens), np.concatenate(closes)
        begins = np.append(True, every[1:] > until[:-1])[: len(every)]
        return every[begins], until[np.append(begins[1:], True)[: len(every)]]

    def days(self, low: int, high: int) -> Days:
        """The local days that the instants from low to high [µs] lie in.

        Examples
        --------
        >>> Openings("UTC", {"Friday": ((0, 1),)}, {}, None, False).days(0, DAY).worked.tolist()
        [False, True]
        """
        bounds, dates = _local_days(self.timezone, low, high)
        dates = dates[:-1]
        holiday = holiday_mask(self.holidays, dates) & ~np.isin(dates, np.array(list(self.special), dtype=np.int64))
        worked = np.isin(dates, self.wall(dates)[0] // DAY) & ~holiday
        usually = np.array([bool(self.week.get(name)) for name in WEEKDAYS])[(dates + 3) % 7]
        return Days(bounds, dates, worked, holiday & usually)


def open_before(opens: Ints, closes: Ints, at: Ints) -> Ints:
    """Time open before each instant, from the first opening on; all in microseconds.

    Examples
    --------
    >>> open_before(np.array([10, 30]), np.array([20, 40]), np.array([5, 15, 25, 35])).tolist()
    [0, 5, 10, 15]
    """
    if not len(opens):
        return np.zeros(at.shape, dtype=np.int64)
    until = np.append(0, np.cumsum(closes - opens))
    place = np.searchsorted(opens, at, side="right")
    span = np.maximum(place - 1, 0)
    return np.where(place > 0, until[span] + np.minimum(at, closes[span]) - opens[span], 0)
