"""Folders that one step of planning hands to the next: a schedule, a roster, what each agent is to do when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ccstats.errors import OptionError, SourceMissingError
from ccstats.exports.calendars import write_calendar
from ccstats.exports.exact_csv import write_exact
from ccstats.exports.planner_grid import write_planner_grid
from ccstats.exports.schedules import read_coverage, read_roster, read_schedule, write_roster, write_schedule, write_shifts
from ccstats.report.files import csv_text, write_texts
from ccstats.workforce.breaks import place_breaks
from ccstats.workforce.rostering import Roster
from ccstats.workforce.scheduling import Schedule
from ccstats.workforce.shift_templates import Shift, read_shifts

__all__ = ["ScheduleFolder", "read_planned", "read_schedule_folder", "write_roster_folder", "write_schedule_folder"]

_SHIFTS, _COVERAGE, _TEMPLATES, _PLAN = "shifts.csv", "coverage.csv", "templates.toml", "plan.csv"
_ROSTER, _ACTIVITIES = "roster.csv", "activities.csv"


@dataclass(frozen=True)
class ScheduleFolder:
    """What a folder of a schedule holds: its shifts, and where they are there the coverage and the templates.

    Examples
    --------
    >>> ScheduleFolder(pd.DataFrame(), None, None).templates is None
    True
    """

    shifts: pd.DataFrame
    coverage: pd.DataFrame | None
    templates: tuple[Shift, ...] | None


def write_schedule_folder(schedule: Schedule, templates: Any, out: str | Path, *, calendar: bool = False) -> list[Path]:
    """Write a schedule: its shifts, the coverage, the plan with the agents it puts on the floor, the templates, and what else is asked for.

    Parameters
    ----------
    schedule : Schedule
        As `schedule_shifts` makes it.
    templates : table or list of Shift
        What it was made of; their breaks are needed later.
    out : str or Path
        The folder, made if it is not there.
    calendar : bool
        Whether to write ``schedule.ics`` too.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OptionError
        If the folder cannot be made or written to.

    Examples
    --------
    >>> write_schedule_folder.__name__
    'write_schedule_folder'
    """
    folder = Path(out)
    made = write_texts(folder, {_PLAN: csv_text(schedule.as_plan())})
    made += [write_schedule(schedule, folder / _SHIFTS), write_exact(schedule.coverage, folder / _COVERAGE)]
    made.append(write_shifts(templates, folder / _TEMPLATES))
    if len(schedule.tours):
        made += write_texts(folder, {"tours.csv": csv_text(schedule.tours)})
    if calendar:
        made += write_calendar(schedule, folder / "schedule.ics")
    return made


def read_schedule_folder(path: str | Path, *, timezone: str | None = None) -> ScheduleFolder:
    """Read what `write_schedule_folder` wrote, or a table of shifts alone.

    Raises
    ------
    SourceMissingError
        If there is nothing of that name, or no shifts in the folder.
    ColumnError, FormatError, OptionError, ZoneError
        As for `read_schedule` and `read_shifts`.

    Examples
    --------
    >>> read_schedule_folder("nowhere/shifts.csv")
    Traceback (most recent call last):
    ccstats.errors.SourceMissingError: there is no file nowhere/shifts.csv: there is no folder nowhere
    """
    path = Path(path)
    if not path.is_dir():
        return ScheduleFolder(read_schedule(str(path), timezone=timezone), None, None)
    if not (path / _SHIFTS).is_file():
        raise SourceMissingError(f"no file {_SHIFTS} in the folder {str(path)!r}: ccstats schedule --out writes it")
    return ScheduleFolder(
        read_schedule(str(path / _SHIFTS), timezone=timezone),
        read_coverage(str(path / _COVERAGE), timezone=timezone) if (path / _COVERAGE).is_file() else None,
        read_shifts(path / _TEMPLATES) if (path / _TEMPLATES).is_file() else None,
    )


def write_roster_folder(
    roster: Roster, schedule: ScheduleFolder, out: str | Path, *, timezone: str, calendars: bool = False, notes: Sequence[str] = ()
) -> list[Path]:
    """Write a roster: the table, what each agent is to do when (where the templates of the schedule are known), the planner's workbook.

    Parameters
    ----------
    roster : Roster
        As `build_roster` makes it.
    schedule : ScheduleFolder
        What it was made of. With coverage and templates, breaks are placed where they leave the fewest agents short.
    out : str or Path
        The folder, made if it is not there.
    timezone : str
        Of the workbook.
    calendars : bool
        Whether to write a calendar for each agent, into ``calendars``.
    notes : sequence of str
        What the workbook says besides.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OptionError
        If the folder cannot be made or written to, or a shift of the roster is of no template.

    Examples
    --------
    >>> write_roster_folder.__name__
    'write_roster_folder'
    """
    folder = Path(out)
    activities = _activities(roster, schedule)
    if activities is None and (folder / _ACTIVITIES).is_file():
        raise OptionError(
            f"out={str(out)!r} holds {_ACTIVITIES} of an earlier roster, and the breaks of this one are not known; remove it, or name "
            "another folder"
        )
    made = write_texts(folder, {"unfilled.csv": csv_text(roster.unfilled), "fairness.csv": csv_text(roster.fairness)})
    made.append(write_roster(roster, folder / _ROSTER))
    if activities is not None:
        made.append(write_roster(activities, folder / _ACTIVITIES))
    grid = folder / "roster.xlsx"
    made.append(write_planner_grid(roster, grid, timezone=timezone, coverage=schedule.coverage, activities=activities, notes=notes))
    if calendars:
        made += write_calendar(roster, folder / "calendars", by="agent")
    return made


def _activities(roster: Roster, schedule: ScheduleFolder) -> pd.DataFrame | None:
    """What each agent is to do when; nothing where the breaks are not known."""
    if schedule.coverage is None or schedule.templates is None:
        return None
    if not len(roster.roster):
        return roster.roster.assign(activity=pd.Series([], dtype="str"), paid=pd.Series([], dtype="bool"))
    plan = schedule.coverage[["queue", "interval_start", "interval_s", "required"]]
    return place_breaks(roster, schedule.templates, plan=plan, required="required").schedule.drop(columns="seat")


def read_planned(path: str | Path, *, timezone: str | None = None) -> pd.DataFrame:
    """What each agent was to do when: of a folder that `write_roster_folder` wrote, or of a table.

    Raises
    ------
    SourceMissingError
        If there is nothing of that name, or no roster in the folder.
    ColumnError, FormatError, ZoneError
        As for `read_roster`.

    Examples
    --------
    >>> read_planned("nowhere.csv")
    Traceback (most recent call last):
    ccstats.errors.SourceMissingError: there is no file nowhere.csv (looked in ...
    """
    path = Path(path)
    if not path.is_dir():
        return read_roster(str(path), timezone=timezone)
    for name in (_ACTIVITIES, _ROSTER):
        if (path / name).is_file():
            return read_roster(str(path / name), timezone=timezone)
    raise SourceMissingError(f"no file {_ACTIVITIES} or {_ROSTER} in the folder {str(path)!r}: ccstats roster --out writes them")
