"""Shifts one by one: who sits where from when to when, serving queues or on a break; and how many agents that is in each interval."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from ccstats.errors import OptionError, TableError
from ccstats.schema import as_frame
from ccstats.workforce.kept import ON_QUEUE, check_schedule
from ccstats.workforce.shift_templates import Shift, check_shifts

__all__ = ["BREAK", "overlaps", "read_seats", "read_spans", "seconds_of", "spans_of", "template_of", "to_instants"]

Floats = NDArray[np.float64]

#: What a break is called in a schedule.
BREAK = "break"


def read_seats(schedule: Any) -> pd.DataFrame:
    """Shifts as rows: of a schedule, how many agents begin each; of a roster, who.

    Parameters
    ----------
    schedule : Schedule, Roster or table
        ``shift, started_at, ended_at``; ``agent`` or ``agents``; ``queue`` where there are several.

    Returns
    -------
    pandas.DataFrame
        ``seat`` (1, 2, …: one shift of one agent)``, agent`` (missing: it has no name)``, queue, shift, started_at, ended_at``, by time.

    Raises
    ------
    TableError
        If a column is missing, a shift ends before it starts, or ``agents`` is no whole number.

    Examples
    --------
    >>> nine = pd.Timestamp("2024-03-01 09:00", tz="UTC")
    >>> two = pd.DataFrame([{"shift": "day", "started_at": nine, "ended_at": nine + pd.Timedelta("8h"), "agents": 2}])
    >>> read_seats(two)["seat"].tolist()
    [1, 2]
    """
    frame = as_frame(getattr(schedule, "roster", getattr(schedule, "shifts", schedule)), what="schedule")
    missing = [name for name in ("shift", "started_at", "ended_at") if name not in frame]
    if missing or not ("agent" in frame or "agents" in frame):
        missing += [] if "agent" in frame or "agents" in frame else ["agent (or agents: how many)"]
        raise TableError(f"schedule: no column {', '.join(missing)}; ccstats.schedule_shifts and ccstats.build_roster make such tables")
    for name in ("started_at", "ended_at"):
        if not isinstance(frame[name].dtype, pd.DatetimeTZDtype):
            raise TableError(f"schedule: {name} is {frame[name].dtype}; expected instants with a time zone")
    bad = ~(frame["ended_at"] > frame["started_at"]).to_numpy(dtype=bool)
    if bad.any():
        raise TableError(f"schedule: ended_at is missing or not after started_at in rows {', '.join(map(str, frame.index[bad][:5]))}")
    many = np.ones(len(frame), dtype="int64")
    if "agent" not in frame:
        agents = pd.to_numeric(frame["agents"], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
        bad = ~((agents >= 0) & (agents == np.rint(agents)) & (agents < 1e6))
        if bad.any():
            raise TableError(f"schedule: agents is no whole number in rows {', '.join(map(str, frame.index[bad][:5]))}")
        many = agents.astype("int64")
    seats = pd.DataFrame(
        {
            "agent": frame["agent"].astype("str") if "agent" in frame else pd.Series(None, index=frame.index, dtype="str"),
            "queue": frame["queue"].astype("str").fillna("") if "queue" in frame else "",
            "shift": frame["shift"].astype("str"),
            "started_at": frame["started_at"].dt.tz_convert("UTC").dt.as_unit("us"),
            "ended_at": frame["ended_at"].dt.tz_convert("UTC").dt.as_unit("us"),
        }
    )
    seats = seats.loc[seats.index.repeat(many)] if (many != 1).any() else seats
    seats = seats.sort_values(["started_at", "queue", "shift", "ended_at", "agent"], kind="stable", ignore_index=True)
    seats.insert(0, "seat", np.arange(1, len(seats) + 1))
    return seats


def read_spans(schedule: Any, shifts: Any = None) -> pd.DataFrame:
    """A schedule as stretches of one activity each, with the number of the shift that each belongs to.

    Parameters
    ----------
    schedule : Schedule, Roster, PlacedBreaks or table
        Whole shifts as `read_seats` takes them, or already stretches: ``agent`` or ``seat``, ``started_at, ended_at, activity``. Those of
        an agent that follow each other are one shift.
    shifts : table or list, optional
        Templates of the whole shifts, for their breaks.

    Returns
    -------
    pandas.DataFrame
        ``seat, agent, queue, shift, started_at, ended_at, activity, paid``.

    Raises
    ------
    TableError, OptionError
        If the schedule or a template is wrong.

    Examples
    --------
    >>> nine = pd.Timestamp("2024-03-01 09:00", tz="UTC")
    >>> day = pd.DataFrame([{"shift": "day", "started_at": nine, "ended_at": nine + pd.Timedelta("8h"), "agent": "Ada"}])
    >>> lunch = {"shift": "day", "first_start": "09:00", "length_s": 8 * 3600, "breaks": [(4 * 3600, 1800)]}
    >>> read_spans(day, [lunch])["activity"].tolist()
    ['on_queue', 'break', 'on_queue']
    """
    table = getattr(schedule, "schedule", schedule)
    if not isinstance(table, pd.DataFrame) or "activity" not in table:
        seats = read_seats(schedule)
        templates = {} if shifts is None else {each.shift: each for each in check_shifts(shifts)}
        return spans_of(seats, *_own_breaks(seats, templates))
    named = table.assign(agent=table["seat"].astype("str")) if "seat" in table and "agent" not in table else table
    if "seat" in named and named["agent"].isna().all():
        named = named.assign(agent=named["seat"].astype("str"))
    spans = check_schedule(named)
    queue = spans["queue"].astype("str").fillna("") if "queue" in spans else pd.Series("", index=spans.index)
    apart = (spans["agent"] != spans["agent"].shift()) | (spans["started_at"] != spans["ended_at"].shift()) | (queue != queue.shift())
    named_by = spans["agent"] if named is table else pd.Series(None, index=spans.index, dtype="str")
    return spans[["started_at", "ended_at", "activity", "paid"]].assign(
        seat=apart.cumsum(), agent=named_by, queue=queue, shift=spans["shift"].astype("str") if "shift" in spans else ""
    )[["seat", "agent", "queue", "shift", "started_at", "ended_at", "activity", "paid"]]


def spans_of(seats: pd.DataFrame, seat: NDArray[np.int64], starts: Floats, lengths: Floats, paid: NDArray[np.bool_]) -> pd.DataFrame:
    """Stretches on queue and on break of seats whose breaks are given: the place of each one's seat, its start and its length in seconds.

    Examples
    --------
    >>> nine = pd.Timestamp("2024-03-01 09:00", tz="UTC")
    >>> one = read_seats(pd.DataFrame([{"shift": "day", "started_at": nine, "ended_at": nine + pd.Timedelta("8h"), "agent": "Ada"}]))
    >>> lunch = np.array([nine.timestamp() + 4 * 3600])
    >>> spans_of(one, np.array([0]), lunch, np.array([1800.0]), np.array([False]))["ended_at"].dt.strftime("%H:%M").tolist()
    ['13:00', '13:30', '17:00']
    """
    order = np.lexsort((starts, seat))
    seat, starts, lengths, paid = seat[order], starts[order], lengths[order], paid[order]
    rows = np.concatenate([np.arange(len(seats)), seat, seat])
    begin = np.concatenate([seconds_of(seats["started_at"]), starts, starts + lengths])
    is_break = np.repeat([False, True, False], [len(seats), len(seat), len(seat)])
    is_paid = np.concatenate([np.ones(len(seats), dtype=bool), paid, np.ones(len(seat), dtype=bool)])
    order = np.lexsort((is_break, begin, rows))  # a break that follows another at once: the stretch between is empty
    rows, begin, is_break, is_paid = rows[order], begin[order], is_break[order], is_paid[order]
    last = np.append(rows[1:] != rows[:-1], True) if len(rows) else np.empty(0, dtype=bool)
    end = np.where(last, seconds_of(seats["ended_at"])[rows], np.append(begin[1:], 0.0))
    keep = end > begin
    made = seats.iloc[rows[keep]][["seat", "agent", "queue", "shift"]].reset_index(drop=True)
    return made.assign(
        started_at=to_instants(begin[keep]), ended_at=to_instants(end[keep]),
        activity=pd.Series(np.where(is_break[keep], BREAK, ON_QUEUE), dtype="str"), paid=is_paid[keep],
    )  # fmt: skip


def overlaps(begin: Floats, end: Floats, starts: Floats, lengths: Floats) -> sparse.csc_matrix:
    """Share of each interval (rows; ascending, not overlapping) that each stretch (columns) takes of it.

    Examples
    --------
    >>> overlaps(np.array([1800.0]), np.array([7200.0]), np.array([0.0, 3600.0]), np.array([3600.0, 3600.0])).toarray().tolist()
    [[0.5], [1.0]]
    """
    ends = starts + lengths
    low, high = np.searchsorted(ends, begin, "right"), np.searchsorted(starts, end, "left")
    many = np.maximum(high - low, 0)
    column = np.repeat(np.arange(len(begin)), many)
    row = low[column] + np.arange(len(column)) - np.repeat(np.cumsum(many) - many, many)
    share = (np.minimum(ends[row], end[column]) - np.maximum(starts[row], begin[column])) / lengths[row]
    return sparse.csc_matrix((share, (row, column)), shape=(len(starts), len(begin)))


def seconds_of(instants: pd.Series) -> Floats:
    """Seconds since 1970.

    Examples
    --------
    >>> seconds_of(pd.Series(pd.to_datetime(["1970-01-02"], utc=True))).tolist()
    [86400.0]
    """
    made: Floats = pd.DatetimeIndex(instants).as_unit("us").asi8 / 1e6
    return made


def to_instants(seconds: Floats) -> pd.DatetimeIndex:
    """Instants of seconds since 1970.

    Examples
    --------
    >>> to_instants(np.array([86400.0]))[0]
    Timestamp('1970-01-02 00:00:00+0000', tz='UTC')
    """
    return pd.DatetimeIndex(pd.to_datetime(np.rint(np.asarray(seconds) * 1e6).astype("int64"), unit="us", utc=True)).as_unit("us")


def template_of(templates: dict[str, Shift], name: str, length_s: float) -> Shift:
    """The template of a shift of that name and length.

    Raises
    ------
    OptionError
        If there is none, or it is longer or shorter.

    Examples
    --------
    >>> template_of({}, "early", 3600)
    Traceback (most recent call last):
    ccstats.errors.OptionError: shifts: no template 'early', of which the schedule has shifts; there are: none
    """
    if name not in templates:
        there = ", ".join(map(repr, templates)) or "none"
        raise OptionError(f"shifts: no template {name!r}, of which the schedule has shifts; there are: {there}")
    if abs(templates[name].length_s - length_s) > 1e-3:
        raise OptionError(f"shifts: template {name!r} is {templates[name].length_s:g} s long, but the schedule has one of {length_s:g} s")
    return templates[name]


def _own_breaks(seats: pd.DataFrame, templates: dict[str, Shift]) -> tuple[NDArray[np.int64], Floats, Floats, NDArray[np.bool_]]:
    """Breaks where the templates have them."""
    begin, end = seconds_of(seats["started_at"]), seconds_of(seats["ended_at"])
    found = [
        (at, begin[at] + each.offset_s, each.length_s, bool(each.paid))
        for at, name in enumerate(seats["shift"] if templates else ())
        for each in template_of(templates, name, float(end[at] - begin[at])).breaks
    ]
    seat, starts, lengths, paid = zip(*found, strict=True) if found else ((), (), (), ())
    return np.array(seat, dtype="int64"), np.array(starts, dtype="float64"), np.array(lengths, dtype="float64"), np.array(paid, dtype=bool)
