"""What is expected to come: a forecast from a planner's file, or from what came before."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, DataWarning, FormatError, OptionError, TableError, ZoneError
from ccstats.periods import check_timezone
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Options, Source
from ccstats.readers.files import open_sources
from ccstats.readers.tabular import Grid, Layout, read_grid
from ccstats.readers.values import to_text
from ccstats.schema import FORECAST, INTERVALS, as_frame
from ccstats.workforce.demand_cells import handle_times, lengths, lines_of, numbers_of, queues_of, say, starts, with_formulas

__all__ = ["read_forecast", "to_forecast"]

#: What planners call our columns; in small letters, with everything between words an underscore, and ``_s`` for a unit in brackets.
_CALLED = {
    "queue": ("queue", "skill", "group"),
    "interval_start": ("interval_start", "start", "datetime", "date_time", "timestamp", "interval"),
    "interval_s": ("interval_s",),
    "expected_offered": ("expected_offered", "offered", "contacts", "calls", "volume", "calls_offered", "contacts_offered"),
    "expected_aht_s": ("expected_aht_s", "aht_s", "aht", "expected_aht"),
}
#: What a plan says of itself, besides what is expected.
_ASSUMED = (
    *("agents", "scheduled_agents", "required_agents", "shrinkage", "expected_service_level"),
    *("patience_s", "threshold_s", "target_service_level", "lines", "short_s"),
)
_PARTS = ("talk", "hold", "wrap")
_SUMS = (*(f"total_{part}_s" for part in _PARTS), *(f"{part}_known" for part in _PARTS))
#: Columns in which a workbook's formula should have had a value.
_NUMERIC = {*(name for ours, called in _CALLED.items() if ours != "queue" for name in called), "date", "time", *_ASSUMED, *_SUMS}
#: Units as headings say them.
_UNITS = {"s": "s", "sec": "s", "secs": "s", "seconds": "s", "min": "min", "mins": "min", "minutes": "min", "h": "h", "hours": "h"} | {
    each: each for each in ("h:mm:ss", "mm:ss", "h:mm")
}
_BRACKETS = r"[\[(]([^\])]*)[\])]"
#: A header stands no lower than under this many lines of title.
_TITLES = 10


def to_forecast(intervals: Any) -> pd.DataFrame:
    """What came, taken for what will come: `intervals` as a `forecast`.

    Parameters
    ----------
    intervals : table
        `intervals`, such as `to_intervals` makes.

    Returns
    -------
    pandas.DataFrame
        A `forecast`, one row per queue and interval. The handle time is that of the interval's own contacts, part by part (talk, hold,
        wrap-up, as far as they are logged); where an interval knows none, the queue's own mean, weighted by contacts; missing where the
        queue never knows it.

    Raises
    ------
    TableError
        If a column is missing or of another kind.

    Examples
    --------
    >>> import ccstats as cc
    >>> log = cc.read(cc.sample_log(), timezone="Europe/Berlin")
    >>> half_hours = cc.to_intervals(log.contacts, timezone="Europe/Berlin", threshold_s=20)
    >>> cc.to_forecast(half_hours).columns.tolist()
    ['queue', 'interval_start', 'interval_s', 'expected_offered', 'expected_aht_s']
    """
    table = as_frame(intervals, what="intervals")
    INTERVALS.check(table, columns=["queue", "interval_start", "interval_s", "offered", *_SUMS])
    aht = np.zeros(len(table))
    logged = np.zeros(len(table), dtype=bool)
    groups = table["queue"].cat.codes
    for part in _PARTS:
        total, known = table[f"total_{part}_s"].fillna(0.0), table[f"{part}_known"]
        pooled = (total.groupby(groups).transform("sum") / known.groupby(groups).transform("sum")).to_numpy(dtype="float64")
        with np.errstate(invalid="ignore", divide="ignore"):
            own = np.where(known > 0, total / known, pooled)
        there = ~np.isnan(own)
        aht += np.where(there, own, 0.0)
        logged |= there
    return FORECAST.conform(
        pd.DataFrame(
            {
                "queue": table["queue"],
                "interval_start": table["interval_start"],
                "interval_s": table["interval_s"],
                "expected_offered": table["offered"].astype("float64"),
                "expected_aht_s": np.where(logged, aht, np.nan),
            }
        )
    )


def read_forecast(
    source: Any,
    *,
    timezone: str | None = None,
    time_format: str = "iso",
    every: Any = None,
    aht_s: float | None = None,
    aht_unit: str = "s",
    queue: str = "all",
    decimal: str = ".",
    sheet: str | int | None = None,
) -> pd.DataFrame:
    r"""A forecast from CSV, Excel, Parquet or a frame, as planners keep it.

    Columns are recognised by name: ``interval_start`` (or ``start``, ``datetime``; or ``date`` and ``time``, ``start`` or ``interval`` in
    two columns), ``expected_offered`` (``offered``, ``contacts``, ``calls``, ``volume``, ``calls offered``), ``expected_aht_s`` (``aht_s``,
    ``aht``), ``queue`` (``skill``, ``group``) and ``interval_s``; a unit or zone may follow in brackets: ``AHT (min)``, ``start (UTC)``.
    Up to ten lines of title above the header are passed over. A file of `intervals` is taken too, see `to_forecast`.

    Of a `plan`, also as the workbook that ``ccstats staff`` writes, its agents on the floor and its assumptions are kept where the file has
    them, so that it can be simulated as it was planned and compared with what came: ``agents``, ``scheduled_agents``, ``shrinkage``,
    ``required_agents``, ``expected_service_level``, ``patience_s``, ``threshold_s``, ``target_service_level``,
    ``definition``, ``lines`` and ``short_s`` (``inf`` or ``∞`` is infinite). Other columns are left out.

    Parameters
    ----------
    source : path, bytes, open file or frame
        The forecast.
    timezone : str, optional
        Zone of times without an offset; otherwise the one in the heading, such as ``interval start (Europe/Istanbul)``.
    time_format : str
        ``iso`` or a strptime format such as ``%d.%m.%Y %H:%M``.
    every : str, optional
        Length of the intervals, such as ``"30min"``; otherwise column ``interval_s``, or the shortest step between two starts of a queue.
    aht_s : float, optional
        Handle time where the file has none. [s]
    aht_unit : str
        How the file writes handle times: ``s``, ``min``, ``h:mm:ss``, ``mm:ss``, …; a heading such as ``AHT (min)`` takes the place of
        ``s``.
    queue : str
        Name of the queue where the file has no such column.
    decimal : str
        Sign in the file's numbers, ``.`` or ``,``. Another one between groups of three digits is read as such: ``1,250`` is 1250.
    sheet : str or int, optional
        Sheet of a workbook; the first by default.

    Returns
    -------
    pandas.DataFrame
        A `forecast`, sorted by queue and time. Numbers that cannot be read are missing and a `DataWarning` names their lines, so that one
        bad cell does not cost the plan; lines without a readable time are left out, and so are those in the hour that the clock leaves out
        when summer time begins. Where it shows an hour twice, the second line of that time is the later; if there is only one, it is
        the first, and the warning says so. An interval without a length has the most common one.

    Raises
    ------
    ColumnError
        If there is no time, no volume, or no handle time and no ``aht_s=``.
    FormatError
        If the file holds nothing, no time can be read, handle times have colons and ``aht_unit`` does not say so, or the same queue and
        interval stands there twice.
    OptionError
        If the length of the intervals cannot be told, or an option is none of those above.
    ZoneError
        If the times have no offset and there is no zone, or no zone of this name.

    Examples
    --------
    >>> text = b"start,calls,aht\n2024-03-04 09:00,100,180\n2024-03-04 09:30,120,180\n"
    >>> read_forecast(text, timezone="Europe/Istanbul")[["queue", "interval_s", "expected_offered", "expected_aht_s"]]
      queue  interval_s  expected_offered  expected_aht_s
    0   all      1800.0             100.0           180.0
    1   all      1800.0             120.0           180.0
    """
    timezone = None if timezone is None else check_timezone(timezone)
    if decimal not in (".", ","):
        raise OptionError(f"decimal={decimal!r}: expected '.' or ','")
    opened = open_sources(source)
    if len(opened) > 1:
        raise OptionError(f"read_forecast takes one file, found {len(opened)}; read them one by one and concatenate the tables")
    grid = _under_title(opened[0], Layout(decimal=decimal, sheet=sheet))
    if not len(grid.line):
        raise FormatError(f"{grid.name} holds no rows of a forecast; expected a header and one line per interval")
    names = _names(grid)
    found = _found(names)
    timezone = _agreed(grid, timezone, _zone(found["interval_start"]))
    grid = with_formulas(grid, opened[0], sheet, [name for ours, name in names.items() if ours in _NUMERIC])
    if {"offered", "total_talk_s", "talk_known"} <= names.keys():
        grid, time_format = _of_intervals(grid, names, timezone, time_format, decimal), "iso"
        names = {name: name for name in grid.header}
        found = _found(names)
    _check_found(grid, found, names, aht_s)
    frame = pd.DataFrame({"expected_offered": numbers_of(grid, str(found["expected_offered"]), decimal)})
    frame["queue"] = queues_of(grid.columns[found["queue"]]).fillna(queue) if found["queue"] else queue
    frame["interval_start"], there = starts(
        grid,
        _times(grid, found, names),
        queue=frame["queue"],
        offered=frame["expected_offered"],
        time_format=time_format,
        timezone=timezone,
    )
    twice = there & frame[there].duplicated(["queue", "interval_start"]).reindex(frame.index, fill_value=False).to_numpy()
    if twice.any():
        raise FormatError(f"{grid.name}: {lines_of(grid.line[twice])} repeat a queue and interval already given; each may stand once")
    aht = found["expected_aht_s"]
    frame["expected_aht_s"] = handle_times(grid, aht, _unit(aht, aht_unit), decimal) if aht else np.nan
    if aht_s is not None:
        frame["expected_aht_s"] = frame["expected_aht_s"].fillna(aht_s)
    for name in _ASSUMED:
        if name in names:
            frame[name] = numbers_of(grid, names[name], decimal, infinite=True)
    if "definition" in names:
        frame["definition"] = to_text(grid.columns[names["definition"]]).astype("category")
    length = found["interval_s"]
    given = numbers_of(grid, length, decimal)[there].reset_index(drop=True) if length and every is None else None
    grid.line, frame = grid.line[there], frame[there].reset_index(drop=True)
    frame["interval_s"] = lengths(grid, frame, given, length, every)
    frame["queue"] = frame["queue"].astype("str").astype("category")
    return FORECAST.conform(frame)


def _under_title(source: Source, layout: Layout) -> Grid:
    """The file from the first line that has headings of ours; from its first where none has."""
    skip = 0
    if source.frame is None:
        for titles in range(_TITLES + 1):
            above = Layout(decimal=layout.decimal, sheet=layout.sheet, skip_rows=titles)
            names = _names(read_grid(source, above, Account(Options()), rows=1))
            if sum(name is not None for name in _found(names).values()) + ("date" in names) > 1:
                skip = titles
                break
    account = Account(Options())
    grid = read_grid(source, Layout(decimal=layout.decimal, sheet=layout.sheet, skip_rows=skip), account)
    say(grid.name, account.tables()[0]["line"].to_numpy(), "do not fit the header and are left out")
    return grid


def _names(grid: Grid) -> dict[str, str]:
    return {_plain(name): name for name in reversed(grid.header)}


def _found(names: dict[str, str]) -> dict[str, str | None]:
    return {ours: next((names[name] for name in called if name in names), None) for ours, called in _CALLED.items()}


def _plain(name: str) -> str:
    bare = re.sub(r"[^a-z0-9]+", "_", re.sub(_BRACKETS, " ", name.lower())).strip("_")
    return f"{bare}_s" if _said(name, "") == "s" and not bare.endswith("_s") else bare


def _said(name: str, otherwise: str) -> str:
    """The unit in a heading's brackets."""
    return next((_UNITS[each] for each in re.findall(_BRACKETS, name.lower()) if each in _UNITS), otherwise)


def _unit(name: str, unit: str) -> str:
    return _said(name, unit) if unit == "s" else unit


def _zone(name: str | None) -> str | None:
    """The zone in a heading's brackets, which may hold anything else."""
    for each in re.findall(_BRACKETS, name or ""):
        try:
            return check_timezone(each.strip())
        except ZoneError:
            continue
    return None


def _agreed(grid: Grid, asked: str | None, said: str | None) -> str | None:
    if asked and said and asked != said:
        warnings.warn(f"{grid.name}: its heading says {said}, timezone says {asked}: times are read as {asked}", DataWarning, stacklevel=3)
    return asked or said


def _check_found(grid: Grid, found: dict[str, str | None], names: dict[str, str], aht_s: float | None) -> None:
    missing = []
    if not found["interval_start"] and not {"date", "time"} <= names.keys():
        missing.append("interval_start (or date and time): when the interval begins")
    if not found["expected_offered"]:
        missing.append("expected_offered (or offered, contacts, calls, volume): how many contacts are expected")
    if not found["expected_aht_s"] and aht_s is None:
        missing.append("expected_aht_s (or aht_s, aht): their handle time; or give one for all: aht_s=180 (--aht 180)")
    if missing:
        raise ColumnError(
            f"{grid.name} is no forecast yet, it lacks:\n  - "
            + "\n  - ".join(missing)
            + f"\nColumns found: {', '.join(map(repr, grid.header))}"
        )


def _times(grid: Grid, found: dict[str, str | None], names: dict[str, str]) -> pd.Series:
    start = found["interval_start"]
    if start and ("date" not in names or not _of_day(grid.columns[start])):
        return grid.columns[start]
    day, time = (to_text(grid.columns[each]) for each in (names["date"], start or names["time"]))
    return day.str.removesuffix(" 00:00:00") + " " + time  # a workbook's dates come with midnight


def _of_day(column: pd.Series) -> bool:
    """Whether these are times of a day, without the day."""
    return bool(to_text(column).dropna().str.fullmatch(r"\d{1,2}[:.]\d{2}(?:[:.]\d{2})?(?: ?[AaPp][Mm])?").all())


def _of_intervals(grid: Grid, names: dict[str, str], timezone: str | None, time_format: str, decimal: str) -> Grid:
    """A file of `intervals` as a forecast, still as a grid with its lines."""
    needed = ("queue", "interval_start", "interval_s", "offered", *_SUMS)
    missing = [name for name in needed if name not in names]
    if missing:
        raise ColumnError(f"{grid.name} looks like a table of intervals but lacks {', '.join(missing)}")
    frame = pd.DataFrame({"queue": queues_of(grid.columns[names["queue"]]), "line": grid.line})
    for name in needed[2:]:
        frame[name] = numbers_of(grid, names[name], decimal)
    frame["interval_start"], there = starts(
        grid,
        grid.columns[names["interval_start"]],
        queue=frame["queue"],
        offered=frame["offered"],
        time_format=time_format,
        timezone=timezone,
    )
    frame = frame[there].sort_values(["queue", "interval_start"], ignore_index=True)
    counts = ["offered", *(f"{part}_known" for part in _PARTS)]
    try:
        made = to_forecast(
            frame.astype({"queue": "category"} | dict.fromkeys(counts, "Int64"))
            .fillna(dict.fromkeys(counts, 0))
            .astype(dict.fromkeys(counts, "int64"))
        )
    except (TypeError, ValueError, TableError) as error:
        raise FormatError(f"{grid.name} looks like a table of intervals, but: {error}") from None
    return Grid(
        grid.name,
        list(made.columns),
        {name: made[name] for name in made.columns},
        frame["line"].to_numpy(),
        np.ones(len(made), dtype="int64"),
    )
