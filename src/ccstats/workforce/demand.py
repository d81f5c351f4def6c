"""What is expected to come: a forecast from a planner's file, or from what came before."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, DataWarning, FormatError, OptionError, TableError
from ccstats.periods import check_timezone, seconds_of
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Options
from ccstats.readers.files import open_sources
from ccstats.readers.tabular import Grid, Layout, read_grid
from ccstats.readers.values import COLONS, to_instants, to_seconds, to_text
from ccstats.schema import FORECAST, INTERVALS, as_frame

__all__ = ["read_forecast", "to_forecast"]

#: What planners call our columns; compared in small letters, with everything between words an underscore.
_CALLED = {
    "queue": ("queue", "skill", "group"),
    "interval_start": ("interval_start", "start", "datetime", "date_time", "timestamp", "interval"),
    "interval_s": ("interval_s",),
    "expected_offered": ("expected_offered", "offered", "contacts", "calls", "volume"),
    "expected_aht_s": ("expected_aht_s", "aht_s", "aht"),
    "agents": ("agents",),
}
_PARTS = ("talk", "hold", "wrap")
_LISTED = 5


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
    sums = [f"total_{part}_s" for part in _PARTS] + [f"{part}_known" for part in _PARTS]
    INTERVALS.check(table, columns=["queue", "interval_start", "interval_s", "offered", *sums])
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

    Columns are recognised by name: ``interval_start`` (or ``start``, ``datetime``, or ``date`` and ``time`` in two columns),
    ``expected_offered`` (``offered``, ``contacts``, ``calls``, ``volume``), ``expected_aht_s`` (``aht_s``, ``aht``), ``queue`` (``skill``,
    ``group``) and ``interval_s``. A file of `intervals` is taken too, see `to_forecast`. ``agents`` (on the floor, of a `plan`) are
    kept where the file has them; other columns are left out.

    Parameters
    ----------
    source : path, bytes, open file or frame
        The forecast.
    timezone : str, optional
        Zone of times without an offset.
    time_format : str
        ``iso`` or a strptime format such as ``%d.%m.%Y %H:%M``.
    every : str, optional
        Length of the intervals, such as ``"30min"``; otherwise column ``interval_s``, or the shortest step between two starts of a queue.
    aht_s : float, optional
        Handle time where the file has none. [s]
    aht_unit : str
        How the file writes handle times: ``s``, ``min``, ``h:mm:ss``, ``mm:ss``, …
    queue : str
        Name of the queue where the file has no such column.
    decimal : str
        Sign in the file's numbers.
    sheet : str or int, optional
        Sheet of a workbook; the first by default.

    Returns
    -------
    pandas.DataFrame
        A `forecast`, sorted by queue and time. Numbers that cannot be read are missing and a `DataWarning` names their lines, so that one
        bad cell does not cost the plan; so are lines without a readable time, which are left out.

    Raises
    ------
    ColumnError
        If there is no time, no volume, or no handle time and no ``aht_s=``.
    FormatError
        If the file holds nothing, or the same queue and interval twice.
    OptionError
        If the length of the intervals cannot be told.
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
    opened = open_sources(source)
    if len(opened) > 1:
        raise OptionError(f"read_forecast takes one file, found {len(opened)}; read them one by one and concatenate the tables")
    account = Account(Options())
    grid = read_grid(opened[0], Layout(decimal=decimal, sheet=sheet), account)
    rejected = account.tables()[0]
    _say(grid.name, rejected["line"].to_numpy(), "do not fit the header and are left out")
    if not len(grid.line):
        raise FormatError(f"{grid.name} holds no rows of a forecast; expected a header and one line per interval")
    names = {_plain(name): name for name in reversed(grid.header)}
    if {"offered", "total_talk_s", "talk_known"} <= names.keys():
        grid = _of_intervals(grid, names, timezone, decimal)
        names = {name: name for name in grid.header}
    found = {ours: next((names[name] for name in called if name in names), None) for ours, called in _CALLED.items()}
    _check_found(grid, found, names, aht_s)
    instants, unread = to_instants(_times(grid, found, names), time_format, timezone=timezone)
    frame = pd.DataFrame({"interval_start": instants.utc})
    frame["queue"] = to_text(grid.columns[found["queue"]]).fillna(queue) if found["queue"] else queue
    frame["expected_offered"] = _number(grid, found["expected_offered"], decimal)
    frame["expected_aht_s"] = _handle_times(grid, found["expected_aht_s"], aht_unit, decimal) if found["expected_aht_s"] else np.nan
    if aht_s is not None:
        frame["expected_aht_s"] = frame["expected_aht_s"].fillna(aht_s)
    if found["agents"]:
        frame["agents"] = _number(grid, found["agents"], decimal)
    frame["interval_s"] = _lengths(grid, frame, found["interval_s"], every, decimal)
    there = frame["interval_start"].notna().to_numpy()
    how = f" that can be read ({time_format})" if unread.any() else ""
    _say(grid.name, grid.line[~there], f"have no time{how} and are left out")
    frame, lines = frame[there].reset_index(drop=True), grid.line[there]
    twice = frame.duplicated(["queue", "interval_start"]).to_numpy()
    if twice.any():
        raise FormatError(f"{grid.name}: {_lines(lines[twice])} repeat a queue and interval already given; each may stand once")
    frame["queue"] = frame["queue"].astype("str").astype("category")
    return FORECAST.conform(frame)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


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
    if found["interval_start"]:
        return grid.columns[found["interval_start"]]
    day, time = (to_text(grid.columns[names[name]]) for name in ("date", "time"))
    return day.str.removesuffix(" 00:00:00") + " " + time  # a workbook's dates come with midnight


def _number(grid: Grid, name: str | None, decimal: str) -> pd.Series:
    """Numbers as they stand, negative ones too: the plan says row by row what is wrong with them."""
    column = grid.columns[str(name)]
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype("float64").reset_index(drop=True)
    text = to_text(column)
    numbers = pd.to_numeric(text if decimal == "." else text.str.replace(decimal, ".", regex=False), errors="coerce").astype("float64")
    _say(grid.name, grid.line[(text.notna() & numbers.isna()).to_numpy()], f"have no number in column {name!r}: taken as missing")
    return numbers


def _handle_times(grid: Grid, name: str, unit: str, decimal: str) -> pd.Series:
    if unit == "s":
        return _number(grid, name, decimal)
    try:
        parsed = to_seconds(grid.columns[name], unit, decimal=decimal)
    except KeyError:
        raise OptionError(f"aht_unit={unit!r}: expected s, min, h or one of {', '.join(COLONS)}") from None
    _say(grid.name, grid.line[parsed.bad], f"have no duration in {unit} in column {name!r}: taken as missing")
    return parsed.values


def _lengths(grid: Grid, frame: pd.DataFrame, name: str | None, every: Any, decimal: str) -> Any:
    if every is not None:
        return float(seconds_of(every))
    if name is not None:
        lengths = _number(grid, name, decimal)
        if not (lengths > 0).all():
            raise FormatError(f"{grid.name}: {_lines(grid.line[~(lengths > 0).to_numpy()])} have no positive length in column {name!r}")
        return lengths
    steps = frame.sort_values("interval_start").groupby("queue")["interval_start"].diff().dt.total_seconds()
    steps = steps[steps > 0]
    if steps.empty:
        raise OptionError(f"{grid.name}: the length of the intervals cannot be told from one row; say every='30min' (--every 30min)")
    return float(steps.min())


def _of_intervals(grid: Grid, names: dict[str, str], timezone: str | None, decimal: str) -> Grid:
    """A file of `intervals` as a forecast, still as a grid with its lines."""
    needed = (
        "queue",
        "interval_start",
        "interval_s",
        "offered",
        *(f"total_{part}_s" for part in _PARTS),
        *(f"{part}_known" for part in _PARTS),
    )
    missing = [name for name in needed if name not in names]
    if missing:
        raise ColumnError(f"{grid.name} looks like a table of intervals but lacks {', '.join(missing)}")
    frame = pd.DataFrame({name: grid.columns[names[name]].reset_index(drop=True) for name in ("queue", "interval_start")})
    frame["line"] = grid.line
    for name in needed[2:]:
        frame[name] = _number(grid, names[name], decimal)
    frame["interval_start"] = to_instants(frame["interval_start"], "iso", timezone=timezone)[0].utc
    bad = frame["interval_start"].isna() | frame["interval_s"].isna()
    _say(grid.name, grid.line[bad.to_numpy()], "have no interval that can be read and are left out")
    frame = frame[~bad].sort_values(["queue", "interval_start"], ignore_index=True)
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


def _lines(lines: np.ndarray) -> str:
    shown = ", ".join(map(str, lines[:_LISTED]))
    return f"line{'s' if len(lines) > 1 else ''} {shown}{', …' if len(lines) > _LISTED else ''} ({len(lines)} in all)"


def _say(name: str, lines: np.ndarray, what: str) -> None:
    if len(lines):
        warnings.warn(f"{name}: {_lines(lines)} {what}", DataWarning, stacklevel=3)
