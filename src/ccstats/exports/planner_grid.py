"""A roster as the workbook that planners look at: agents by days, hours, coverage against what is required, and what it all means."""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError, TableError
from ccstats.exports.exact_csv import as_table
from ccstats.periods import check_timezone
from ccstats.report.cells import safe_cell
from ccstats.report.files import write_bytes
from ccstats.report.workbooks import add_sheet
from ccstats.workforce.kept import ON_QUEUE

__all__ = ["write_planner_grid"]

#: Fills that tell shifts apart and leave the text readable.
_FILLS = ("#DDEBF7", "#E2EFDA", "#FFF2CC", "#FCE4D6", "#EDE2F6", "#D9F0F0", "#F4DCE6", "#E7E6E6")
_SHORT, _SPARE = {"bg_color": "#F8CBAD", "font_color": "#9C0006"}, {"bg_color": "#DDEBF7"}
#: Columns and rows of a worksheet, less what stands beside the days and over the rows.
_DAYS, _ROWS = 16_000, 1_048_000


def write_planner_grid(
    roster: Any, out: str | Path, *, timezone: str, coverage: Any = None, activities: Any = None, notes: Sequence[str] = ()
) -> Path:
    """Write a roster as an Excel workbook: who works which shift on which day, and whether that is enough.

    Parameters
    ----------
    roster : Roster or table
        ``agent, started_at, ended_at``, and ``shift, queue, paid_s`` where it has them. Of a `Roster`, shifts that stayed unfilled and
        the figures of fairness get sheets of their own.
    out : str or Path
        ``….xlsx``; its folder must be there. It is written under a temporary name and moved into place.
    timezone : str
        Whose days and wall clock are shown. A shift stands on the day it starts on.
    coverage : Schedule or table, optional
        ``queue, interval_start, interval_s, required`` (and ``covered``, what the schedule had): what the roster is held against.
    activities : PlacedBreaks or table, optional
        What the agents of the roster do when, as `place_breaks` makes it: breaks are then taken out of the coverage.
    notes : sequence of str
        What else the reader should know: where it came from, by which rules.

    Returns
    -------
    Path
        The file written. Sheets ``roster`` (codes of shifts and starts), ``hours`` (paid), ``coverage``, ``unfilled``, ``fairness``,
        ``shifts`` (the codes) and ``to know``.

    Raises
    ------
    TableError
        If a column is missing, a row has no agent, start or end, or the table is larger than a worksheet.
    OptionError, ZoneError
        If an argument has a value that is not allowed, or the file cannot be written.

    See Also
    --------
    write_roster : the same for programs.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> nine = pd.to_datetime(["2024-03-04 09:00"], utc=True)
    >>> roster = pd.DataFrame({"agent": ["Ada"], "shift": ["day"], "started_at": nine, "ended_at": nine + pd.Timedelta("8h")})
    >>> path = cc.write_planner_grid(roster, f"{tempfile.mkdtemp()}/roster.xlsx", timezone="Europe/Berlin")
    >>> import openpyxl
    >>> [cell.value for cell in openpyxl.load_workbook(path)["roster"][2]]
    ['Ada', 'D 10:00', 1, 8]
    """
    import xlsxwriter

    zone, path = check_timezone(timezone), Path(out)
    if path.suffix.lower() != ".xlsx":
        raise OptionError(f"out={str(out)!r}: the planner's grid is a workbook; name it ….xlsx")
    rows = _rows(roster, zone)
    covered = (
        None if coverage is None else _coverage(coverage, rows if activities is None else as_table(activities, "schedule", "activities"))
    )
    days = pd.DatetimeIndex([])
    if len(rows) and (rows["day"].max() - rows["day"].min()).days < _DAYS:
        days = pd.date_range(rows["day"].min(), rows["day"].max())
    if (len(rows) and not len(days)) or max(rows["agent"].nunique(), 0 if covered is None else len(covered)) > _ROWS:
        raise TableError("roster: more days, agents or intervals than a worksheet has columns or rows; write a shorter stretch of time")
    codes = _codes(rows["shift"])
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        _grid(book, rows, days, codes)
        _hours(book, rows, days)
        if covered is not None:
            _covered_sheet(book, covered, zone)
        for name in ("unfilled", "fairness"):
            table = getattr(roster, name, None)
            if isinstance(table, pd.DataFrame) and len(table):
                add_sheet(book, name, table, zone)
        add_sheet(book, "shifts", _legend(rows, codes), zone)
        add_sheet(book, "to know", pd.DataFrame({"to know": _lines(zone, covered, activities, notes)}, dtype="str"), zone)
    try:
        write_bytes(path, buffer.getvalue())
    except OSError as error:
        raise OptionError(f"out={str(out)!r} cannot be written: {error.strerror}. Name a file in a folder you may write to.") from error
    return path


def _rows(roster: Any, zone: str) -> pd.DataFrame:
    """A row an agent and shift; rows of one shift that follow each other without a gap are one."""
    frame = as_table(roster, "roster", "roster")
    missing = [name for name in ("agent", "started_at", "ended_at") if name not in frame]
    if missing:
        raise TableError(f"roster: no column {', '.join(missing)}; a roster has agent, started_at, ended_at")
    bad = frame["agent"].isna() | ~(frame["ended_at"] > frame["started_at"])
    if bad.any():
        raise TableError(f"roster: agent, started_at or ended_at is missing, or the end not after the start, in row {bad.idxmax()}")
    seconds = (frame["ended_at"] - frame["started_at"]).dt.total_seconds()
    if "paid" in frame and "paid_s" not in frame:
        seconds = seconds.where(frame["paid"].astype("bool"), 0.0)
    rows = pd.DataFrame(
        {
            "agent": frame["agent"].astype("str"),
            "shift": frame["shift"].astype("str").fillna("") if "shift" in frame else "",
            "queue": frame["queue"].astype("str").fillna("") if "queue" in frame else "",
            "started_at": frame["started_at"].dt.tz_convert(zone),
            "ended_at": frame["ended_at"].dt.tz_convert(zone),
            "paid_s": frame["paid_s"].fillna(seconds) if "paid_s" in frame else seconds,
        }
    ).sort_values(["agent", "started_at"], kind="stable", ignore_index=True)
    before = rows.shift()
    goes_on = (rows["agent"] == before["agent"]) & (rows["shift"] == before["shift"]) & (rows["started_at"] == before["ended_at"])
    blocks = rows.groupby((~goes_on).cumsum().to_numpy())
    rows = blocks.agg({"agent": "first", "shift": "first", "queue": "first", "started_at": "first", "ended_at": "last", "paid_s": "sum"})
    return rows.assign(day=rows["started_at"].dt.tz_localize(None).dt.normalize()).reset_index(drop=True)


def _codes(shifts: pd.Series) -> dict[str, str]:
    """The shortest beginning of each name that is no other's, in capitals."""
    names = sorted(set(shifts) - {""})
    codes: dict[str, str] = {}
    for name in names:
        lengths = range(1, len(name) + 1)
        others = [other.casefold() for other in names if other != name]
        code = next((name[:at] for at in lengths if not any(each.startswith(name[:at].casefold()) for each in others)), name)
        codes[name] = safe_cell(code.upper() if code.upper() not in codes.values() else name)
    return codes


def _grid(book: Any, rows: pd.DataFrame, days: pd.DatetimeIndex, codes: dict[str, str]) -> None:
    sheet, places, agents = _header(book, "roster", rows, days, ["shifts", "hours"])
    fills = {name: book.add_format({"bg_color": _FILLS[at % len(_FILLS)], "align": "center"}) for at, name in enumerate(codes)}
    plain, number = book.add_format({"align": "center"}), book.add_format({"num_format": "0.0#"})
    starts, ends = (rows[name].dt.strftime("%H:%M") for name in ("started_at", "ended_at"))
    shown: dict[tuple[str, Any], list[str]] = {}
    fill: dict[tuple[str, Any], Any] = {}
    for agent, day, shift, start, end in zip(rows["agent"], rows["day"], rows["shift"], starts, ends, strict=True):
        shown.setdefault((agent, day), []).append(f"{codes[shift]} {start}" if shift else f"{start}–{end}")
        fill.setdefault((agent, day), fills.get(shift, plain))
    for key, texts in shown.items():
        sheet.write_string(agents[key[0]], places[key[1]], " + ".join(texts), fill[key])
    for agent, mine in rows.groupby("agent"):
        sheet.write_number(agents[str(agent)], len(days) + 1, len(mine))
        sheet.write_number(agents[str(agent)], len(days) + 2, mine["paid_s"].sum() / 3600, number)
    bold = book.add_format({"bold": True, "top": 1, "align": "center"})
    if agents:
        sheet.write_string(len(agents) + 1, 0, "agents at work", bold)
        for each, at in places.items():
            sheet.write_number(len(agents) + 1, at, rows.loc[rows["day"] == each, "agent"].nunique(), bold)


def _hours(book: Any, rows: pd.DataFrame, days: pd.DatetimeIndex) -> None:
    sheet, places, agents = _header(book, "hours", rows, days, ["hours"])
    number, bold = book.add_format({"num_format": "0.0#"}), book.add_format({"num_format": "0.0#", "bold": True, "top": 1})
    hours = rows.assign(hours=rows["paid_s"] / 3600)
    cells = hours.groupby(["agent", "day"], as_index=False)["hours"].sum()
    for agent, day, value in zip(cells["agent"], cells["day"], cells["hours"], strict=True):
        sheet.write_number(agents[agent], places[day], value, number)
    for name, at, column in (("agent", len(days) + 1, agents), ("day", len(agents) + 1, places)):
        for key, value in hours.groupby(name)["hours"].sum().items():
            where = (column[key], at) if name == "agent" else (at, column[key])
            sheet.write_number(*where, value, number if name == "agent" else bold)
    if agents:
        sheet.write_string(len(agents) + 1, 0, "together", bold)
        sheet.write_number(len(agents) + 1, len(days) + 1, hours["hours"].sum(), bold)


def _header(
    book: Any, name: str, rows: pd.DataFrame, days: pd.DatetimeIndex, after: list[str]
) -> tuple[Any, dict[Any, int], dict[Any, int]]:
    """A sheet with agents down and days across; the column of each day, the row of each agent."""
    sheet = book.add_worksheet(name)
    shape = {"bold": True, "bottom": 1, "align": "center", "num_format": "ddd dd mmm"}
    workday, weekend = book.add_format(shape), book.add_format({**shape, "bg_color": "#D9D9D9"})
    sheet.write_string(0, 0, "agent", book.add_format({"bold": True, "bottom": 1}))
    places = {day: at for at, day in enumerate(days, 1)}
    for day, at in places.items():
        sheet.write_datetime(0, at, day.to_pydatetime(), weekend if day.weekday() >= 5 else workday)
    for at, title in enumerate(after, len(days) + 1):
        sheet.write_string(0, at, title, workday)
    agents = {agent: at for at, agent in enumerate(dict.fromkeys(rows["agent"]), 1)}
    for agent, at in agents.items():
        sheet.write_string(at, 0, safe_cell(agent))
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, max(len(days), 1), 12)
    sheet.freeze_panes(1, 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)  # as wide as a page, as long as it is
    return sheet, places, agents


def _coverage(given: Any, working: pd.DataFrame) -> pd.DataFrame:
    """Required agents beside those that the roster has on queue, by interval."""
    frame = as_table(given, "coverage", "coverage")
    missing = [name for name in ("queue", "interval_start", "interval_s", "required") if name not in frame]
    if missing:
        raise TableError(f"coverage: no column {', '.join(missing)}; ccstats.schedule_shifts makes it as Schedule.coverage")
    if not isinstance(frame["interval_start"].dtype, pd.DatetimeTZDtype):
        raise TableError(f"coverage: interval_start is {frame['interval_start'].dtype}; expected instants with a time zone")
    if "activity" in working:
        working = working[working["activity"].astype("str").fillna(ON_QUEUE) == ON_QUEUE]
    rostered = np.zeros(len(frame))
    queues = working["queue"].astype("str").fillna("") if "queue" in working else pd.Series("", index=working.index)
    for queue, rows in frame.reset_index(drop=True).groupby(frame["queue"].astype("str").to_numpy()):
        mine = working[(queues == queue) | (queues == "")]
        low = pd.DatetimeIndex(rows["interval_start"]).as_unit("us").asi8 / 1e6
        origin = low.min()  # sums of seconds since 1970 would be less exact
        begin, end = (np.sort(pd.DatetimeIndex(mine[name]).as_unit("us").asi8 / 1e6 - origin) for name in ("started_at", "ended_at"))
        low = low - origin
        length = rows["interval_s"].to_numpy(dtype="float64")
        high = low + length
        rostered[rows.index] = (_worked(begin, end, high) - _worked(begin, end, low)) / length
    kept = [name for name in ("required", "covered") if name in frame]
    table = frame[["queue", "interval_start", *kept]].reset_index(drop=True).rename(columns={"covered": "scheduled"})
    return table.assign(rostered=rostered.round(6), difference=(rostered - table["required"].to_numpy(dtype="float64")).round(6))


def _worked(begin: np.ndarray, end: np.ndarray, until: np.ndarray) -> np.ndarray:
    """Seconds of all stretches together that lie before each moment."""
    return _before(begin, until) - _before(end, until)


def _before(edges: np.ndarray, until: np.ndarray) -> np.ndarray:
    count = np.searchsorted(edges, until)
    return count * until - np.concatenate([[0.0], np.cumsum(edges)])[count]


def _covered_sheet(book: Any, covered: pd.DataFrame, zone: str) -> None:
    sheet = add_sheet(book, "coverage", covered, zone)
    last, at = max(len(covered), 1), covered.columns.get_loc("difference")
    short, spare = book.add_format(_SHORT), book.add_format(_SPARE)
    sheet.conditional_format(1, at, last, at, {"type": "cell", "criteria": "<", "value": -1e-6, "format": short})
    sheet.conditional_format(1, at, last, at, {"type": "cell", "criteria": ">=", "value": 1, "format": spare})
    bars = covered.columns.get_loc("rostered")
    sheet.conditional_format(1, bars, last, bars, {"type": "data_bar", "bar_color": "#9DC3E6"})
    sheet.freeze_panes(1, 2)


def _legend(rows: pd.DataFrame, codes: dict[str, str]) -> pd.DataFrame:
    hours = (rows["paid_s"] / 3600).groupby(rows["shift"]).agg(["size", "sum"]).reindex(list(codes))
    table = pd.DataFrame({"code": list(codes.values()), "shift": list(codes)}, dtype="str")
    return table.assign(times=hours["size"].to_numpy(), paid_hours=hours["sum"].to_numpy())


def _lines(zone: str, covered: pd.DataFrame | None, activities: Any, notes: Sequence[str]) -> list[str]:
    lines = [
        f"Days and times are those of {zone}; a shift stands on the day it starts on.",
        "roster: code of the shift and start; the sheet 'shifts' says which code is which.",
        "hours: paid hours, by the day on which the shift starts.",
    ]
    if covered is not None:
        out = "breaks are taken out" if activities is not None else "breaks are not taken out: they are not known here"
        lines += [
            "coverage: required = agents that the plan asks for; scheduled = those of the shifts before names were put to them.",
            f"coverage: rostered = people of the roster at work in the interval, {out}; difference = rostered - required.",
            "coverage: red where somebody is missing, blue where one or more are spare.",
        ]
    return [*lines, *map(str, notes), f"Written by ccstats {version('ccstats')}."]
