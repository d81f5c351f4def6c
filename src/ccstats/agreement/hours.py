"""When a service is open, as it was agreed: weekly hours, holidays and exceptions, checked but not yet computed with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import field_validator, model_validator

from ccstats.agreement.words import DAYS, Model, Refusal
from ccstats.errors import OptionError, did_you_mean
from ccstats.periods import WEEKDAYS, Calendar
from ccstats.periods.hours import check_country

__all__ = ["OpeningHours", "days_of", "minutes_of"]

_DAY = 1440
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*[-\u2013]\s*(\d{1,2}):(\d{2})")


class OpeningHours(Model):
    """Weekly opening hours, public holidays and single days that differ.

    Parameters
    ----------
    hours : dict of str to list of str
        By days (``mon``, ``mon-fri``, ``sat,sun``), spans such as ``08:00-18:00``, local time. ``00:00-24:00`` is the whole day; a span
        that ends before it begins goes on into the next day. Days that are not named are closed.
    holidays : str, optional
        Country whose public holidays are closed, by the codes of the package ``holidays``, with a subdivision where it matters: ``TR``,
        ``DE-BE``. Without one no day is a holiday.
    exceptions : dict of date to list of str
        Single days with hours of their own, which also win over a holiday; an empty list: closed.

    Raises
    ------
    pydantic.ValidationError
        If a day, a span, a country or a date is not known, or if hours overlap.

    Examples
    --------
    >>> office = OpeningHours(hours={"mon-fri": ["08:00-18:00"], "sat": ["09:00-13:00"]}, holidays="DE-BE", exceptions={"2026-12-24": []})
    >>> office.spans_of("sat")
    ((540, 780),)
    """

    hours: dict[str, tuple[str, ...]]
    holidays: str | None = None
    exceptions: dict[date, tuple[str, ...]] = {}

    @field_validator("holidays")
    @classmethod
    def _known_country(cls, code: str | None) -> str | None:
        try:
            return None if code is None else check_country(code)
        except OptionError as error:
            raise Refusal(str(error)) from None

    @model_validator(mode="after")
    def _no_overlap(self) -> OpeningHours:
        if not self.hours:
            raise Refusal('no opening hours; write for example hours = {"mon-fri" = ["08:00-18:00"]}', "hours")
        week: list[tuple[int, int, str]] = []
        for key, spans in self.hours.items():
            for day in _checked(days_of, key, "hours", key):
                for at, span in enumerate(spans):
                    begin, end = _checked(minutes_of, span, "hours", key, at)
                    start = DAYS.index(day) * _DAY
                    week.append((start + begin, start + end, f"{key} {span}"))
        _refuse_overlap(week, 7 * _DAY)
        for day_of_year, spans in self.exceptions.items():
            key = day_of_year.isoformat()
            _refuse_overlap(
                [(*_checked(minutes_of, span, "exceptions", key, at), f"{key} {span}") for at, span in enumerate(spans)],
                None,
                "exceptions",
                key,
            )
        return self

    def spans_of(self, day: str) -> tuple[tuple[int, int], ...]:
        """The spans that begin on one day of an ordinary week.

        Parameters
        ----------
        day : str
            ``mon`` to ``sun``.

        Returns
        -------
        tuple of (int, int)
            Begin and end, in order; an end beyond 1440 lies on the next day. [minutes from midnight]

        Examples
        --------
        >>> OpeningHours(hours={"mon-sun": ["22:00-06:00"]}).spans_of("wed")
        ((1320, 1800),)
        """
        return tuple(sorted(minutes_of(span) for key, spans in self.hours.items() if day in days_of(key) for span in spans))

    @property
    def always(self) -> bool:
        """Whether it is open round the clock, every day.

        Examples
        --------
        >>> OpeningHours(hours={"mon-sun": ["00:00-24:00"]}).always
        True
        """
        length = sum(end - begin for day in DAYS for begin, end in self.spans_of(day))
        return length == 7 * _DAY and self.holidays is None and not self.exceptions

    def calendar(self, timezone: str) -> Calendar:
        """The calendar that computes with these hours.

        Parameters
        ----------
        timezone : str
            Zone of the clock that the hours are read from.

        Returns
        -------
        ccstats.periods.Calendar

        Examples
        --------
        >>> import pandas as pd
        >>> office = OpeningHours(hours={"mon-fri": ["08:00-18:00"]}).calendar("Europe/Berlin")
        >>> bool(office.is_open(pd.to_datetime(["2026-06-08 09:00"]).tz_localize("Europe/Berlin"))[0])
        True
        """
        week = {name: [_clocks(*span) for span in self.spans_of(day)] for day, name in zip(DAYS, WEEKDAYS, strict=True)}
        exceptions = {day: [_clocks(*minutes_of(span)) for span in spans] for day, spans in self.exceptions.items()}
        return Calendar(None if self.always else week, timezone=timezone, holidays=self.holidays, exceptions=exceptions)


def _clocks(begin: int, end: int) -> tuple[str, str]:
    """A span in minutes as two times of the wall clock."""
    end = end if end <= _DAY else end - _DAY
    return f"{begin // 60:02d}:{begin % 60:02d}", f"{end // 60:02d}:{end % 60:02d}"


def days_of(key: str) -> tuple[str, ...]:
    """The days that a key of weekly hours names.

    Parameters
    ----------
    key : str
        ``mon``, ``mon-fri``, ``sat-mon``, or several with commas between.

    Returns
    -------
    tuple of str

    Raises
    ------
    Refusal
        If one is no day.

    Examples
    --------
    >>> days_of("mon-wed,sat"), days_of("sat-mon")
    (('mon', 'tue', 'wed', 'sat'), ('sat', 'sun', 'mon'))
    """
    found: list[str] = []
    for part in key.lower().replace(" ", "").split(","):
        ends = [_day(each, key) for each in part.split("-", 1)]
        first, last = ends[0], ends[-1]
        found += [DAYS[(first + step) % 7] for step in range((last - first) % 7 + 1)]
    return tuple(dict.fromkeys(found))


def _day(text: str, key: str) -> int:
    if text not in DAYS:
        near = text[:3] if text[:3] in DAYS else ""
        hint = f" Did you mean {near}?" if near else did_you_mean(text, DAYS)
        raise Refusal(f"{key!r} names no days; write mon, tue, wed, thu, fri, sat, sun, or mon-fri, or sat,sun.{hint}")
    return DAYS.index(text)


def minutes_of(span: str) -> tuple[int, int]:
    """Begin and end of a span of local time.

    Parameters
    ----------
    span : str
        ``HH:MM-HH:MM``.

    Returns
    -------
    (int, int)
        An end before the begin lies on the next day, beyond 1440. [minutes from midnight]

    Raises
    ------
    Refusal
        If it is no span, or empty.

    Examples
    --------
    >>> minutes_of("08:00-24:00"), minutes_of("22:00-06:00")
    ((480, 1440), (1320, 1800))
    """
    match = _SPAN.fullmatch(span.strip())
    if match is None:
        raise Refusal(f"{span!r} is no span of time; write it as '08:00-18:00'")
    hour, minute, to_hour, to_minute = map(int, match.groups())
    begin, end = hour * 60 + minute, to_hour * 60 + to_minute
    if minute > 59 or to_minute > 59 or begin >= _DAY or end > _DAY:
        raise Refusal(f"{span!r} is beyond the day; times run from 00:00 to 24:00")
    if begin == end:
        raise Refusal(f"{span!r} is empty; write '00:00-24:00' for the whole day")
    return begin, end if end > begin else end + _DAY


def _checked(check: Any, text: str, *path: str | int) -> Any:
    try:
        return check(text)
    except Refusal as error:
        raise Refusal(str(error), *path) from None


def _refuse_overlap(spans: Sequence[tuple[int, int, str]], around: int | None, *path: str) -> None:
    ordered = sorted(spans)
    pairs = list(zip(ordered, ordered[1:], strict=False))
    if around is not None and ordered:  # Sunday's night may reach into Monday
        begin, end, name = ordered[0]
        pairs += [(each, (begin + around, end + around, name)) for each in ordered if each[1] > around and len(ordered) > 1]
    for (_, end, name), (begin, _, other) in pairs:
        if begin < end:
            day = f"{DAYS[begin // _DAY % 7]} " if around is not None else ""
            at = f"{day}{begin % _DAY // 60:02d}:{begin % 60:02d}"
            raise Refusal(f"opening hours overlap at {at}: {name!r} and {other!r}", *(path or ("hours", other.rsplit(" ", 1)[0])))
