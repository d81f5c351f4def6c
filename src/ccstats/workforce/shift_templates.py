"""Shift templates: when a shift may start, how long it is, which breaks it has; and every shift that they allow within a plan."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from ccstats.errors import FormatError, OptionError, SourceMissingError, did_you_mean
from ccstats.periods import WEEKDAYS, Calendar
from ccstats.schema import as_frame

__all__ = ["Break", "Candidates", "Shift", "check_shifts", "list_candidates", "read_shifts"]

Floats = NDArray[np.float64]
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DAYS = tuple(day[:3].casefold() for day in WEEKDAYS)
_DAY_S = 86_400
_LONGEST_S = 24 * 3600


@dataclass(frozen=True)
class Break:
    """A break within a shift: how long after its start, how long, and whether it is paid.

    Parameters
    ----------
    offset_s, length_s : float
        Where it has its place, after the start of the shift; and how long it is. [s]
    paid : bool
        Whether it is.
    earliest_s, latest_s : float, optional
        Between which times after the start of the shift it may begin, for `place_breaks`; by default it may not be moved. [s]

    Examples
    --------
    >>> Break(4 * 3600, 1800).paid
    False
    >>> Break(4 * 3600, 1800, earliest_s=3 * 3600).window
    (10800, 14400)
    """

    offset_s: float
    length_s: float
    paid: bool = False
    earliest_s: float | None = None
    latest_s: float | None = None

    @property
    def window(self) -> tuple[float, float]:
        """First and last second after the start of the shift at which it may begin."""
        return (
            self.offset_s if self.earliest_s is None else self.earliest_s,
            self.offset_s if self.latest_s is None else self.latest_s,
        )


@dataclass(frozen=True)
class Shift:
    """One template.

    Parameters
    ----------
    shift : str
        Its name.
    first_start, last_start : str
        Local wall clock, ``"07:00"``; between them a shift may start every ``start_step_s``. Where the last is before the first, the window
        runs over midnight.
    length_s : float
        From start to end, breaks included; at most a day. [s]
    start_step_s : float
        [s]
    breaks : tuple of Break
        In order, within the shift, none over another.
    cost : float, optional
        What one such shift costs; by default its paid hours.
    days : tuple of str
        Weekdays it may start on: ``mon`` … ``sun``.

    Examples
    --------
    >>> early = Shift("early", "07:00", "09:00", 8 * 3600, breaks=(Break(4 * 3600, 1800),))
    >>> len(early.starts), early.paid_s / 3600
    (5, 7.5)
    """

    shift: str
    first_start: str
    last_start: str
    length_s: float
    start_step_s: float = 1800.0
    breaks: tuple[Break, ...] = ()
    cost: float | None = None
    days: tuple[str, ...] = field(default=_DAYS)

    @property
    def starts(self) -> list[int]:
        """Seconds after local midnight at which it may start."""
        first, last = _seconds_of(self.first_start), _seconds_of(self.last_start)
        return list(range(first, (last if last >= first else last + _DAY_S) + 1, int(self.start_step_s)))

    @property
    def paid_s(self) -> float:
        """Paid time, in seconds."""
        return self.length_s - sum(each.length_s for each in self.breaks if not each.paid)

    @property
    def work(self) -> list[tuple[float, float]]:
        """Stretches of work between the breaks, in seconds after the start of the shift."""
        edges = [0.0, *(edge for each in self.breaks for edge in (each.offset_s, each.offset_s + each.length_s)), self.length_s]
        return [(low, high) for low, high in zip(edges[::2], edges[1::2], strict=True) if high > low]


def check_shifts(shifts: Any) -> tuple[Shift, ...]:
    """Templates of a table or a list of mappings, each checked.

    Raises
    ------
    OptionError
        With the shift's name and what is wrong with it.

    Examples
    --------
    >>> check_shifts([{"shift": "late", "first_start": "14:00", "last_start": "14:00", "length_s": 28800}])[0].starts
    [50400]
    >>> check_shifts([{"shift": "late", "first_start": "25:00", "last_start": "14:00", "length_s": 28800}])
    Traceback (most recent call last):
    ccstats.errors.OptionError: shift 'late': first_start='25:00' is no time of the wall clock; write it as '09:00'
    """
    if isinstance(shifts, Shift):
        shifts = [shifts]
    if isinstance(shifts, Mapping) or not isinstance(shifts, Iterable) or hasattr(shifts, "__arrow_c_stream__"):
        shifts = as_frame(shifts, what="shifts").to_dict("records")
    made = tuple(each if isinstance(each, Shift) else _shift(each) for each in shifts)
    if not made:
        raise OptionError("shifts: there is none; give at least one template with shift, first_start, last_start, length_s")
    names = [each.shift for each in made]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise OptionError(f"shifts: {', '.join(map(repr, twice))} are there twice; give each template a name of its own")
    for each in made:
        _check(each)
    return made


def read_shifts(path: str | Path) -> tuple[Shift, ...]:
    """Shift templates of a TOML file with one ``[[shift]]`` each, or of a table (CSV, Excel, Parquet) with a row each.

    Parameters
    ----------
    path : str or Path
        ``….toml`` such as::

            [[shift]]
            shift = "early"
            first_start = "07:00"
            last_start = "09:00"
            length_s = 30600
            breaks = [{ offset_s = 14400, length_s = 1800, paid = false }]

        or a table with these columns, in which lengths may have a colon (``8:30``) and breaks are ``4:00+0:30; 6:00+0:15 paid``.

    Returns
    -------
    tuple of Shift

    Raises
    ------
    SourceMissingError
        If there is no such file.
    ColumnError
        If a table has no column ``shift``.
    FormatError
        If it is no TOML, or has other keys than templates have; or a table's line does not fit its header.
    OptionError
        If a template is wrong.

    Examples
    --------
    >>> read_shifts("nowhere.toml")
    Traceback (most recent call last):
    ccstats.errors.SourceMissingError: no file 'nowhere.toml'
    """
    if Path(path).suffix.casefold() not in ("", ".toml"):
        from ccstats.workforce.planner_files import read_shift_table

        return read_shift_table(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise SourceMissingError(f"no file {str(path)!r}") from None
    except (OSError, UnicodeError) as error:
        raise FormatError(f"{str(path)!r} cannot be read as text: {error}") from None
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise FormatError(f"{str(path)!r} is no TOML: {str(error)[:200]}") from None
    listed = content.get("shift")
    if set(content) != {"shift"} or not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise FormatError(f"{str(path)!r}: expected one [[shift]] a template and nothing else, found {', '.join(content) or 'nothing'}")
    return check_shifts(listed)


@dataclass(frozen=True)
class Candidates:
    """Every shift that could be worked: a row each, and what it covers of each interval.

    Attributes
    ----------
    rows : pandas.DataFrame
        ``shift, day, started_at, ended_at, paid_s, cost``; ``day`` is the local date the shift belongs to.
    covered : scipy.sparse.csc_matrix
        Share of each interval (rows) that each shift (columns) works in it.

    Examples
    --------
    >>> Candidates.__dataclass_params__.frozen
    True
    """

    rows: pd.DataFrame
    covered: sparse.csc_matrix


def list_candidates(shifts: tuple[Shift, ...], starts: Floats, lengths: Floats, timezone: str, calendar: Calendar | None) -> Candidates:
    """Every shift of the templates that works in some interval, on an absolute axis of time.

    Parameters
    ----------
    shifts : tuple of Shift
        The templates.
    starts, lengths : numpy.ndarray
        Intervals: start since 1970 and length, ascending, not overlapping. [s]
    timezone : str
        Whose wall clock the templates mean. A start that the clocks leave out begins when they go on.
    calendar : Calendar, optional
        Shifts that are not inside its opening hours are left out.

    Examples
    --------
    A shift over midnight is one shift:

    >>> night = check_shifts([{"shift": "night", "first_start": "22:00", "last_start": "22:00", "length_s": 28800}])
    >>> hours = np.arange(48) * 3600.0 + 1709251200
    >>> made = list_candidates(night, hours, np.full(48, 3600.0), "UTC", None)
    >>> made.covered.sum(axis=0).astype(int).tolist()
    [[6, 8, 2]]
    """
    ends = starts + lengths
    first, last = (pd.Timestamp(at, unit="s", tz="UTC").tz_convert(timezone).date() for at in (starts[0], ends[-1]))
    found: dict[str, list[Any]] = {name: [] for name in ("shift", "day", "started_at", "ended_at", "paid_s", "cost")}
    entries: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    many = 0
    # A shift of a day's length that starts late in its window may reach from two days before.
    for ahead in range(-2, (last - first).days + 1):
        day = first + dt.timedelta(days=ahead)
        for each in shifts:
            if _DAYS[day.weekday()] not in each.days:
                continue
            for clock in each.starts:
                start = _instant(day, clock, timezone)
                end = start + each.length_s
                if end <= starts[0] or start >= ends[-1] or (calendar is not None and not _open(calendar, start, end)):
                    continue
                places, shares = _coverage([(start + low, start + high) for low, high in each.work], starts, ends)
                if not len(places):
                    continue
                entries[0].append(places)
                entries[1].append(np.full(len(places), many))
                entries[2].append(shares)
                cost = each.paid_s / 3600 if each.cost is None else float(each.cost)
                for name, value in zip(found, (each.shift, day, start, end, each.paid_s, cost), strict=True):
                    found[name].append(value)
                many += 1
    rows, columns, values = (np.concatenate(each) if each else np.empty(0) for each in entries)
    covered = sparse.csc_matrix((values, (rows, columns)), shape=(len(starts), many))
    frame = pd.DataFrame(found)
    for name in ("started_at", "ended_at"):
        frame[name] = pd.to_datetime(np.asarray(frame[name], dtype="float64") * 1e6, unit="us", utc=True).as_unit("us")
    return Candidates(frame, covered)


def _coverage(work: list[tuple[float, float]], starts: Floats, ends: Floats) -> tuple[NDArray[np.int64], Floats]:
    low, high = np.searchsorted(ends, work[0][0], "right"), np.searchsorted(starts, work[-1][1], "left")
    places = np.arange(low, high)
    seconds = np.zeros(len(places))
    for begin, end in work:
        seconds += np.clip(np.minimum(ends[places], end) - np.maximum(starts[places], begin), 0.0, None)
    there = seconds > 0
    return places[there], (seconds / (ends[places] - starts[places]))[there]


def _instant(day: dt.date, clock: int, timezone: str) -> float:
    day += dt.timedelta(days=clock // _DAY_S)
    wall = pd.Timestamp(day) + pd.Timedelta(seconds=clock % _DAY_S)
    return wall.tz_localize(timezone, ambiguous=True, nonexistent="shift_forward").timestamp()


def _open(calendar: Calendar, start: float, end: float) -> bool:
    moments = pd.to_datetime([start, end], unit="s", utc=True)
    return bool(calendar.open_seconds(moments[:1], moments[1:])[0] >= end - start - 1e-6)


def _seconds_of(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 3600 + int(minutes) * 60


_KEYS = ("shift", "first_start", "last_start", "start_step_s", "length_s", "breaks", "cost", "days")


def _shift(given: Any) -> Shift:
    if not isinstance(given, Mapping):
        raise OptionError(f"shifts: expected templates as mappings or rows of a table, found {type(given).__qualname__}")
    values = {str(name): value for name, value in given.items() if not (isinstance(value, float) and value != value) and value is not None}
    name = values.get("shift")
    if not isinstance(name, str) or not name:
        raise OptionError(f"shifts: a template has no name in 'shift'; found {', '.join(map(str, values))}")
    unknown = [key for key in values if key not in _KEYS]
    if unknown:
        raise OptionError(
            f"shift {name!r}: unknown {', '.join(unknown)}; a template has {', '.join(_KEYS)}.{did_you_mean(unknown[0], _KEYS)}"
        )
    missing = [key for key in ("first_start", "length_s") if key not in values]
    if missing:
        raise OptionError(f"shift {name!r}: {' and '.join(missing)} is missing")
    values.setdefault("last_start", values["first_start"])
    values["breaks"] = tuple(_break(name, each) for each in values.get("breaks", ()))
    if "days" in values:
        days = values["days"]
        values["days"] = tuple(str(day).strip().casefold()[:3] for day in (re.split(r"[,; ]+", days) if isinstance(days, str) else days))
    return Shift(**values)


def _break(name: str, given: Any) -> Break:
    if isinstance(given, Break):
        return given
    try:
        return Break(**given) if isinstance(given, Mapping) else Break(*given)
    except TypeError:
        raise OptionError(
            f"shift {name!r}: a break is offset_s, length_s and paid, and where it may be moved earliest_s and latest_s; found {given!r}"
        ) from None


def _check(each: Shift) -> None:
    said = f"shift {each.shift!r}"
    for name in ("first_start", "last_start"):
        clock = getattr(each, name)
        if not isinstance(clock, str) or not _CLOCK.fullmatch(clock):
            raise OptionError(f"{said}: {name}={clock!r} is no time of the wall clock; write it as '09:00'")
    if not _number(each.length_s) or not 0 < each.length_s <= _LONGEST_S:
        raise OptionError(f"{said}: length_s={each.length_s!r}; expected seconds above 0, at most a day")
    if not _number(each.start_step_s) or each.start_step_s < 60 or each.start_step_s % 60:
        raise OptionError(f"{said}: start_step_s={each.start_step_s!r}; expected whole minutes, in seconds")
    if each.cost is not None and (not _number(each.cost) or each.cost < 0):
        raise OptionError(f"{said}: cost={each.cost!r}; expected a number, 0 or more")
    unknown = [day for day in each.days if day not in _DAYS]
    if unknown or not each.days:
        raise OptionError(f"{said}: days={each.days!r}; expected some of {', '.join(_DAYS)}")
    at = 0.0
    for pause in each.breaks:
        if not _number(pause.offset_s) or not _number(pause.length_s) or pause.length_s <= 0 or not isinstance(pause.paid, bool | np.bool_):
            raise OptionError(f"{said}: break {pause!r}; expected seconds after the start, seconds above 0, and paid true or false")
        if pause.offset_s < at or pause.offset_s + pause.length_s > each.length_s:
            raise OptionError(f"{said}: the break after {pause.offset_s:g} s overlaps the one before, or is not inside the shift")
        first, last = pause.window
        if not (_number(first) and _number(last)) or not 0 <= first <= pause.offset_s <= last <= each.length_s - pause.length_s:
            raise OptionError(
                f"{said}: the break after {pause.offset_s:g} s may begin from {first!r} to {last!r} s; expected times within the shift "
                "with its own place between them"
            )
        at = pause.offset_s + pause.length_s
    if not each.work:
        raise OptionError(f"{said}: nothing but breaks")


def _number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool) and np.isfinite(value)
