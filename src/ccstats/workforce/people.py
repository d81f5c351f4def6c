"""Who there is, and the rules they work by: people with skills, hours, availability and wishes, checked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError, TableError, did_you_mean
from ccstats.periods import WEEKDAYS
from ccstats.schema import as_frame

__all__ = ["Person", "RosterRules", "Wish", "check_people", "read_rules"]

_DAYS = tuple(day[:3].casefold() for day in WEEKDAYS)


@dataclass(frozen=True)
class Wish:
    """What somebody would like: to work, or not to, on a date or weekday, any shift or a certain one.

    Examples
    --------
    >>> Wish(weekday="fri", work=False).applies(dt.date(2024, 3, 1), "late")
    True
    """

    date: dt.date | None = None
    weekday: str | None = None
    shift: str | None = None
    work: bool = False
    weight: float = 1.0

    def applies(self, day: dt.date, shift: str) -> bool:
        """Whether it is about this shift on this day.

        Examples
        --------
        >>> Wish(shift="night").applies(dt.date(2024, 3, 1), "late")
        False
        """
        return (
            (self.date is None or self.date == day)
            and (self.weekday is None or self.weekday == _DAYS[day.weekday()])
            and (self.shift is None or self.shift == shift)
        )


@dataclass(frozen=True)
class Person:
    """One person of a roster.

    Parameters
    ----------
    agent : str
        Name.
    skills : tuple of str, optional
        Queues they can serve; none: all.
    hours_per_week : float
        Contract. [h]
    available : tuple of str, optional
        Weekdays (``"mon"``) they can work on; none: all.
    away : tuple of date
        Dates they cannot: leave, training.
    wishes : tuple of Wish
        What they would like.

    Examples
    --------
    >>> Person("Ada", ("sales",), 40.0, ("mon", "tue")).can(dt.date(2024, 3, 4), "sales")
    True
    """

    agent: str
    skills: tuple[str, ...] | None = None
    hours_per_week: float = 40.0
    available: tuple[str, ...] | None = None
    away: tuple[dt.date, ...] = ()
    wishes: tuple[Wish, ...] = ()

    def can(self, day: dt.date, queue: str) -> bool:
        """Whether they can serve this queue on this day.

        Examples
        --------
        >>> Person("Ada", away=(dt.date(2024, 3, 4),)).can(dt.date(2024, 3, 4), "sales")
        False
        """
        return (
            day not in self.away
            and (self.available is None or _DAYS[day.weekday()] in self.available)
            and (self.skills is None or queue in self.skills)
        )


@dataclass(frozen=True)
class RosterRules:
    """What a roster has to keep, and what it should.

    Parameters
    ----------
    max_days_in_row : int
        No more days worked one after the other. [d]
    min_rest_h : float
        Between the end of a shift and the start of the next; it also forbids an early shift after a late one. [h]
    days_off_in_row : int
        Days off in a row in each seven days. [d]
    extra_hours : float
        Hours a week above the contract that are allowed. [h]
    max_shift_h : float, optional
        No longer shift. [h]
    max_weekends : int, optional
        Weekends with a shift, over the whole roster.
    max_nights_in_row : int, optional
        Shifts that cover three in the morning, day after day.
    short_cost, hours_cost, weekend_cost, night_cost, wish_cost : float
        What counts how much where not all can be had: an agent-shift that stays open; an hour under the contract; a weekend, a night, more
        than the person with fewest has; a wish that is not met (times its weight).

    Examples
    --------
    >>> RosterRules().min_rest_h
    11.0
    """

    max_days_in_row: int = 5
    min_rest_h: float = 11.0
    days_off_in_row: int = 2
    extra_hours: float = 0.0
    max_shift_h: float | None = None
    max_weekends: int | None = None
    max_nights_in_row: int | None = None
    short_cost: float = 1000.0
    hours_cost: float = 1.0
    weekend_cost: float = 5.0
    night_cost: float = 5.0
    wish_cost: float = 2.0

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if value is None and each.name in ("max_shift_h", "max_weekends", "max_nights_in_row"):
                continue
            whole = each.name in ("max_days_in_row", "days_off_in_row", "max_weekends", "max_nights_in_row")
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or not 0 <= value < np.inf:
                raise OptionError(f"rules: {each.name}={value!r}; expected a {'whole ' if whole else ''}number, 0 or more")
        if self.max_days_in_row < 1:
            raise OptionError("rules: max_days_in_row=0 lets nobody work")
        if self.days_off_in_row > 6:
            raise OptionError(f"rules: days_off_in_row={self.days_off_in_row}; a week has seven days, one of them to work")


def read_rules(rules: Any) -> RosterRules:
    """Rules of a mapping, or as they are.

    Examples
    --------
    >>> read_rules({"min_rest": 11})
    Traceback (most recent call last):
    ccstats.errors.OptionError: rules: unknown min_rest. Did you mean min_rest_h?
    """
    if rules is None:
        return RosterRules()
    if isinstance(rules, RosterRules):
        return rules
    if not isinstance(rules, Mapping):
        raise OptionError(f"rules: expected RosterRules or a mapping, found {type(rules).__qualname__}")
    known = [each.name for each in fields(RosterRules)]
    unknown = [name for name in rules if name not in known]
    if unknown:
        raise OptionError(f"rules: unknown {', '.join(map(str, unknown))}.{did_you_mean(str(unknown[0]), known)}")
    return RosterRules(**rules)


def check_people(people: Any) -> tuple[Person, ...]:
    """People of a table or a list, each checked.

    Raises
    ------
    OptionError
        If there is nobody, or a value is wrong; the row is named.
    TableError
        If there is no column ``agent``.

    Examples
    --------
    >>> check_people([{"agent": "Ada", "skills": "sales, help", "hours_per_week": 20}])[0].skills
    ('sales', 'help')
    """
    if isinstance(people, pd.DataFrame) or hasattr(people, "__arrow_c_stream__"):
        frame = as_frame(people, what="people")
        if "agent" not in frame:
            raise TableError(f"people: no column agent; found {', '.join(map(str, frame.columns))}")
        people = frame.to_dict("records")
    if not isinstance(people, Iterable) or isinstance(people, str | Mapping):
        raise OptionError(f"people: expected a table or a list of people, found {type(people).__qualname__}")
    made = tuple(each if isinstance(each, Person) else _person(row, each) for row, each in enumerate(people))
    if not made:
        raise OptionError("people: there is nobody")
    names = [each.agent for each in made]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise OptionError(f"people: {', '.join(map(repr, twice[:5]))} are there twice; one row a person")
    idle = [each.agent for each in made if each.skills is not None and not each.skills]
    if idle:
        raise OptionError(
            f"people: {', '.join(map(repr, idle[:5]))} have no skills; leave skills empty (missing) for people who can serve all"
        )
    return made


_KEYS = tuple(each.name for each in fields(Person))


def _person(row: int, given: Any) -> Person:
    if not isinstance(given, Mapping):
        raise OptionError(f"people, row {row}: expected a mapping or a Person, found {type(given).__qualname__}")
    values = {str(name): value for name, value in given.items() if not _blank(value)}
    name = values.get("agent")
    if not isinstance(name, str) or not name.strip():
        raise OptionError(f"people, row {row}: agent is missing")
    unknown = [key for key in values if key not in _KEYS]
    if unknown:
        raise OptionError(
            f"people, row {row} ({name}): unknown {', '.join(unknown)}; known: {', '.join(_KEYS)}.{did_you_mean(unknown[0], _KEYS)}"
        )
    hours = values.get("hours_per_week", 40.0)
    if isinstance(hours, bool) or not isinstance(hours, int | float | np.number) or not 0 <= hours <= 168:
        raise OptionError(f"people, row {row} ({name}): hours_per_week={hours!r}; expected hours, at most 168")
    available = None
    if "available" in values:
        available = tuple(word.casefold()[:3] for word in _words(values["available"]))
        bad = [word for word in available if word not in _DAYS]
        if bad:
            raise OptionError(f"people, row {row} ({name}): available has {', '.join(map(repr, bad))}; expected some of {', '.join(_DAYS)}")
    try:
        away = tuple(pd.Timestamp(each).date() for each in _words(values.get("away", ())))
    except (ValueError, TypeError):
        raise OptionError(f"people, row {row} ({name}): away={values['away']!r}; expected dates such as 2024-03-01") from None
    skills = tuple(_words(values["skills"])) if "skills" in values else None
    return Person(name, skills, float(hours), available, away, tuple(_wish(row, name, each) for each in _listed(values.get("wishes", ()))))


def _wish(row: int, name: str, given: Any) -> Wish:
    if isinstance(given, Wish):
        return given
    try:
        values = dict(given)
        if values.get("date") is not None:
            values["date"] = pd.Timestamp(values["date"]).date()
        if values.get("weekday") is not None:
            values["weekday"] = str(values["weekday"]).casefold()[:3]
            if values["weekday"] not in _DAYS:
                raise ValueError
        made = Wish(**values)
    except (ValueError, TypeError):
        raise OptionError(
            f"people, row {row} ({name}): wish {given!r}; expected date or weekday, shift, work (true or false), weight"
        ) from None
    return made


def _words(given: Any) -> Sequence[Any]:
    if isinstance(given, str):
        return [word for word in (part.strip() for part in given.replace(";", ",").split(",")) if word]
    return _listed(given)


def _listed(given: Any) -> list[Any]:
    return list(given) if isinstance(given, Iterable) and not isinstance(given, str | Mapping) else [given]


def _blank(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and value != value)
