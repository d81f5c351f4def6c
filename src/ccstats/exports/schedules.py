"""Schedules and rosters as CSV, and back: the files that one step of planning hands to the next."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from ccstats.errors import OptionError, TableError
from ccstats.exports.exact_csv import as_table, read_exact, write_exact
from ccstats.report.files import write_text
from ccstats.workforce.shift_templates import check_shifts

__all__ = ["read_coverage", "read_roster", "read_schedule", "write_roster", "write_schedule", "write_shifts"]

_KINDS = {
    **{name: "text" for name in ("agent", "shift", "queue")},
    **{name: "instant" for name in ("started_at", "ended_at", "interval_start")},
    **{name: "number" for name in ("paid_s", "cost", "interval_s", "required", "covered", "gap", "hours_per_week")},
    **{f"expected_{name}": "number" for name in ("service_level", "asa_s", "abandonment_rate", "occupancy")},
    "paid": "flag",
}
_SHIFTS = ("shift", "started_at", "ended_at", "agents")
_ROSTER = ("agent", "started_at", "ended_at")
_COVERAGE = ("queue", "interval_start", "interval_s", "required", "covered", "gap")


def write_schedule(schedule: Any, path: str | Path) -> Path:
    """Write the shifts of a schedule as CSV.

    Parameters
    ----------
    schedule : Schedule or table
        As `schedule_shifts` makes it, or a table ``shift, started_at, ended_at, agents`` (and ``queue, paid_s, cost``).
    path : str or Path
        The file; its folder must be there. It is written under a temporary name and moved into place.

    Returns
    -------
    Path
        The file written. Text that begins like a formula has an apostrophe in front.

    Raises
    ------
    TableError
        If a column is missing.
    OptionError
        If the file cannot be written.

    See Also
    --------
    read_schedule : the same table again.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> nine = pd.to_datetime(["2024-03-04 09:00"], utc=True).as_unit("us")
    >>> shifts = pd.DataFrame({"queue": ["help"], "shift": ["day"], "started_at": nine, "ended_at": nine + pd.Timedelta("8h"), "agents": [3]})
    >>> cc.read_schedule(cc.write_schedule(shifts, f"{tempfile.mkdtemp()}/shifts.csv")).equals(shifts.astype({"queue": "str", "shift": "str"}))
    True
    """  # noqa: E501
    return _write(schedule, "shifts", "schedule", _SHIFTS, path)


def read_schedule(source: Any, *, timezone: str | None = None) -> pd.DataFrame:
    r"""The shifts that `write_schedule` wrote, or another planner's table of shifts.

    Parameters
    ----------
    source : path, bytes, open file or frame
        CSV, Excel or Parquet with ``shift, started_at, ended_at, agents``, and ``queue, paid_s, cost`` where it has them.
    timezone : str, optional
        Zone of times without an offset.

    Returns
    -------
    pandas.DataFrame
        For `build_roster`. Instants are in UTC; columns that are not ours are text.

    Raises
    ------
    SourceMissingError
        If there is no such file.
    ColumnError
        If a column is not there.
    FormatError
        If a line does not fit the header, or a cell cannot be read; its line is named.
    ZoneError
        If times have no offset and there is no zone.

    See Also
    --------
    write_schedule : writes it.

    Examples
    --------
    >>> import ccstats as cc
    >>> lines = b"shift;started_at;ended_at;agents\nday;2024-03-04 09:00;2024-03-04 17:00;2\n"
    >>> cc.read_schedule(lines, timezone="Europe/Berlin")["started_at"].tolist()
    [Timestamp('2024-03-04 08:00:00+0000', tz='UTC')]
    """
    kinds = {**_KINDS, "agents": "count"}
    return read_exact(source, kinds, needed=_SHIFTS, what="schedule", made_by="ccstats.schedule_shifts", timezone=timezone)


def write_roster(roster: Any, path: str | Path) -> Path:
    """Write a roster as CSV.

    Parameters
    ----------
    roster : Roster or table
        As `build_roster` makes it, the schedule of `place_breaks`, or a table ``agent, started_at, ended_at``. Other columns are kept.
    path : str or Path
        The file; its folder must be there. It is written under a temporary name and moved into place.

    Returns
    -------
    Path
        The file written. Text that begins like a formula has an apostrophe in front.

    Raises
    ------
    TableError
        If a column is missing.
    OptionError
        If the file cannot be written.

    See Also
    --------
    read_roster : the same table again.
    write_planner_grid, write_calendar : for people.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> nine = pd.to_datetime(["2024-03-04 09:00"], utc=True).as_unit("us")
    >>> roster = pd.DataFrame({"agent": ["=Ada"], "started_at": nine, "ended_at": nine + pd.Timedelta("8h")})
    >>> cc.read_roster(cc.write_roster(roster, f"{tempfile.mkdtemp()}/roster.csv"))["agent"].tolist()
    ['=Ada']
    """
    return _write(roster, "roster", "roster", _ROSTER, path)


def read_roster(source: Any, *, timezone: str | None = None) -> pd.DataFrame:
    r"""The roster that `write_roster` wrote, or another planner's table of who works when.

    Parameters
    ----------
    source : path, bytes, open file or frame
        CSV, Excel or Parquet with ``agent, started_at, ended_at``, and ``shift, queue, activity, paid, paid_s`` where it has them.
    timezone : str, optional
        Zone of times without an offset.

    Returns
    -------
    pandas.DataFrame
        For `measure_adherence`, or as ``fixed=`` of `build_roster`. Instants are in UTC; columns that are not ours are text, missing where
        empty.

    Raises
    ------
    SourceMissingError
        If there is no such file.
    ColumnError
        If a column is not there.
    FormatError
        If a line does not fit the header, or a cell cannot be read; its line is named.
    ZoneError
        If times have no offset and there is no zone.

    See Also
    --------
    write_roster : writes it.

    Examples
    --------
    >>> import ccstats as cc
    >>> cc.read_roster(b"agent,started_at,ended_at\nAda,soon,2024-03-04T17:00Z\n")
    Traceback (most recent call last):
    ccstats.errors.FormatError: <bytes>, line 2: started_at 'soon' is no time such as 2024-03-01T09:00:00+01:00
    """
    return read_exact(source, _KINDS, needed=_ROSTER, what="roster", made_by="ccstats.build_roster", timezone=timezone)


def read_coverage(source: Any, *, timezone: str | None = None) -> pd.DataFrame:
    r"""Agents required and covered in each interval, as ``ccstats schedule`` wrote them beside the shifts.

    Examples
    --------
    >>> read_coverage(b"queue,interval_start,interval_s,required,covered,gap\nhelp,2024-03-04T09:00Z,1800.0,3.0,2.0,1.0\n")["gap"].tolist()
    [1.0]
    """
    kinds = {**_KINDS, "agents": "number"}
    return read_exact(source, kinds, needed=_COVERAGE, what="coverage", made_by="ccstats schedule", timezone=timezone)


def write_shifts(shifts: Any, path: str | Path) -> Path:
    """Write shift templates as TOML.

    Parameters
    ----------
    shifts : table, list of mappings or of Shift
        Templates.
    path : str or Path
        The file; its folder must be there.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    OptionError
        If a template is wrong, or the file cannot be written.

    See Also
    --------
    read_shifts : the same templates again.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> early = cc.Shift("early", "07:00", "09:00", 8 * 3600, breaks=(cc.Break(4 * 3600, 1800),))
    >>> cc.read_shifts(cc.write_shifts([early], f"{tempfile.mkdtemp()}/shifts.toml")) == (early,)
    True
    """
    import tomli_w

    listed = [_plain(asdict(each)) for each in check_shifts(shifts)]
    path = Path(path)
    try:
        write_text(path, tomli_w.dumps({"shift": listed}))
    except OSError as error:
        raise OptionError(
            f"{str(path)!r} cannot be written: {error.strerror or error}. Name a file in a folder you may write to."
        ) from error
    return path


def _plain(value: Any) -> Any:
    """What TOML knows."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items() if each is not None}
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value.item() if hasattr(value, "item") else value


def _write(given: Any, name: str, what: str, needed: tuple[str, ...], path: str | Path) -> Path:
    frame = as_table(given, name, what)
    missing = [each for each in needed if each not in frame]
    if missing:
        raise TableError(f"{what}: no column {', '.join(missing)}; found {', '.join(map(str, frame.columns))}")
    return write_exact(frame, path)
