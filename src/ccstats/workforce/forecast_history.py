"""What the past says: contacts by group, local day and time of day, what is not known of them, and the days to come laid out alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import ColumnError, OptionError, TableError
from ccstats.periods import check_timezone, local_grid, seconds_of
from ccstats.schema import INTERVALS, as_frame

__all__ = ["MINIMUM_DAYS", "Grid", "History", "lay_out", "read_history"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: A forecast needs every weekday twice. [days]
MINIMUM_DAYS = 14
PARTS = ("talk", "hold", "wrap")
#: So many contacts expected and none come: an outage. (Chance would do it once in 160,000 times.)
_SURE = 12.0
#: A queue without a contact for so many days up to the end has been closed. [days]
_CLOSED_DAYS = 14


@dataclass(frozen=True)
class Grid:
    """Intervals of consecutive local days: the local day and the time on the wall clock of each."""

    start: pd.DatetimeIndex
    length_s: Floats
    date: Ints  # of each day, days since 1970
    day: Ints  # of each interval, its place in `date`
    slot: Ints  # of each interval: time on the wall clock / step
    step_s: int

    @property
    def slots(self) -> int:
        """Slots of a day."""
        return 86_400 // self.step_s

    @property
    def exposure(self) -> Floats:
        """Days × slots: how much of the slot a day has; 0 where the clock leaves it out, 2 where it shows it twice."""
        found = np.zeros((len(self.date), self.slots))
        np.add.at(found, (self.day, self.slot), self.length_s / self.step_s)
        return found


@dataclass(frozen=True)
class History:
    """Contacts of every group by local day and slot.

    Attributes
    ----------
    keys : pandas.DataFrame
        The groups: ``queue`` and further columns.
    grid : Grid
        Its days.
    count, known : numpy.ndarray
        Groups × days × slots: contacts, and how much of the slot is known. [contacts, slots]
    total, handled : numpy.ndarray
        Parts × groups × days × slots: seconds of talk, hold and wrap-up, and the contacts whose part is known. [s, contacts]
    notes : tuple of str
        What was left out.
    """

    keys: pd.DataFrame
    grid: Grid
    zone: str
    count: Floats
    known: Floats
    total: Floats
    handled: Floats
    notes: tuple[str, ...] = ()

    def until(self, days: int) -> History:
        """The first ``days`` days of it."""
        keep = self.grid.day < days
        grid = Grid(
            self.grid.start[keep],
            self.grid.length_s[keep],
            self.grid.date[:days],
            self.grid.day[keep],
            self.grid.slot[keep],
            self.grid.step_s,
        )
        return replace(
            self,
            grid=grid,
            count=self.count[:, :days],
            known=self.known[:, :days],
            total=self.total[:, :, :days],
            handled=self.handled[:, :, :days],
        )


def lay_out(start: Any, end: Any, *, step_s: int, zone: str) -> Grid:
    """The intervals between two instants.

    Examples
    --------
    >>> day = pd.Timestamp("2026-10-25", tz="Europe/London")
    >>> grid = lay_out(day, day + pd.DateOffset(days=1), step_s=1800, zone="Europe/London")
    >>> len(grid.start), grid.slots, float(grid.exposure[0, 2])  # between 1:00 and 1:30 twice
    (50, 48, 2.0)
    """
    start, end = (pd.Timestamp(each).tz_convert("UTC") for each in (start, end))
    made = local_grid(start, end, every=pd.Timedelta(seconds=step_s), timezone=zone)
    index = pd.DatetimeIndex(made["interval_start"])
    wall = index.tz_convert(zone).tz_localize(None).as_unit("s").asi8
    date, slot = wall // 86_400, wall % 86_400 // step_s
    dates = np.arange(date[0], date[-1] + 1) if len(date) else np.empty(0, dtype=np.int64)
    return Grid(index, made["interval_s"].to_numpy(), dates, date - (date[0] if len(date) else 0), slot, step_s)


def read_history(intervals: Any, *, by: Sequence[str], timezone: str | None, exclude: Any = None, special: Any = ()) -> History:
    """Intervals as a history.

    Parameters
    ----------
    intervals : table
        `intervals`.
    by : sequence of str
        Columns that make groups, besides ``queue``.
    timezone : str or None
        Whose days count; by default the zone that the intervals were cut in.
    exclude : tuple or list of tuples, optional
        Spans ``(start, end)`` that are not to be learnt from.
    special : array of int
        Dates (days since 1970) on which no contacts may be the truth.

    Raises
    ------
    TableError, ColumnError, OptionError, ZoneError
        If the table or an option cannot be; rows are named.
    """
    frame = as_frame(intervals, what="intervals")
    keys = list(dict.fromkeys(("queue", *by)))
    _check(frame, keys)
    zone = _zone(frame, timezone)
    step_s = _step(frame)
    first, last = frame["interval_start"].min(), frame["interval_start"].max() + pd.Timedelta(seconds=1)
    begin = first.tz_convert(zone).normalize()
    grid = lay_out(begin, last, step_s=step_s, zone=zone)
    at = grid.start.get_indexer(pd.DatetimeIndex(frame["interval_start"]))
    off = np.flatnonzero(at < 0)
    if len(off):
        row = int(off[0])
        raise TableError(
            f"rows {_rows(off)} begin where no interval of {step_s // 60} minutes begins in {zone}, first "
            f"{frame['interval_start'].iloc[row]}; give the zone that the intervals were cut in, or intervals of one length (roll_up)"
        )
    if len(grid.date) < MINIMUM_DAYS:
        days = "1 local day" if len(grid.date) == 1 else f"{len(grid.date)} local days"
        raise TableError(
            f"rows 0 to {len(frame) - 1} are {days}, from {begin.date()} to {last.tz_convert(zone).date()}; a forecast needs "
            f"{MINIMUM_DAYS} or more, so that every weekday comes twice: give more history, or take a day for what comes with to_forecast"
        )
    history = _filled(frame, keys, grid, at, zone)
    notes = _leave_out(history, np.isin(grid.date, np.asarray(special, dtype=np.int64)))
    known = history.known
    for begins, ends in _spans(exclude, zone):
        hit = np.asarray((grid.start >= begins) & (grid.start < ends))
        known[:, grid.day[hit], grid.slot[hit]] = 0.0
    if not (known > 0).any():
        raise TableError("no interval of the history is left to learn from: every row is excluded, or no contact ever came")
    return replace(history, notes=tuple(notes))


def _check(frame: pd.DataFrame, keys: list[str]) -> None:
    lacking = [name for name in keys if name not in frame]
    if lacking:
        raise ColumnError(f"the intervals have no column {lacking[0]!r}; they have: {', '.join(map(str, frame.columns))}")
    needed = ["queue", "interval_start", "interval_s", "offered"]
    INTERVALS.check(frame, columns=needed, keys=False)
    sums = [name for part in PARTS for name in (f"total_{part}_s", f"{part}_known") if name in frame]
    INTERVALS.check(frame, columns=sums, keys=False)
    if not len(frame):
        raise TableError("there is no history: the intervals have no row. Make them of a log with to_intervals, two weeks of it at least")
    twice = np.flatnonzero(frame.duplicated([*keys, "interval_start"], keep=False).to_numpy())
    if len(twice):
        one = frame.iloc[int(twice[0])]
        raise TableError(
            f"rows {_rows(twice)} repeat a queue and interval, first {one['queue']!r} at {one['interval_start']}: each may stand once. "
            "Add parts of one log with merge_intervals, drop copies, or name what tells them apart in by="
        )


def _rows(rows: Ints) -> str:
    shown = ", ".join(map(str, rows[:6].tolist()))
    return f"{shown}, … ({len(rows)} in all)" if len(rows) > 6 else shown


def _zone(frame: pd.DataFrame, timezone: str | None) -> str:
    if timezone is not None:
        return check_timezone(timezone)
    cut: Any = frame["timezone"].dropna().unique() if "timezone" in frame else []
    if len(cut) != 1:
        raise OptionError("timezone= is needed: the intervals do not say in which zone's days they were cut")
    return check_timezone(str(cut[0]))


def _step(frame: pd.DataFrame) -> int:
    lengths, often = np.unique(frame["interval_s"].to_numpy(dtype="float64"), return_counts=True)
    common = float(lengths[often.argmax()])
    longer = np.flatnonzero(frame["interval_s"].to_numpy(dtype="float64") > common)
    if len(longer):
        raise TableError(
            f"rows {_rows(longer)} are longer than the most common interval of {common:g} s; bring all to one length with roll_up"
        )
    try:
        return seconds_of(pd.Timedelta(seconds=common))
    except (OptionError, ValueError, OverflowError):
        raise TableError(f"intervals of {common:g} s do not divide a day; a forecast takes 15, 30 or 60 minutes, or the like") from None


def _filled(frame: pd.DataFrame, keys: list[str], grid: Grid, at: Ints, zone: str) -> History:
    grouped = frame.groupby(keys, observed=True, sort=True)
    group = grouped.ngroup().to_numpy()
    if (group < 0).any():
        raise TableError(f"rows {_rows(np.flatnonzero(group < 0))} have no {' or '.join(keys)}; name the group, or leave the rows out")
    names = grouped.size().reset_index()[keys]
    shape = (len(names), len(grid.date), grid.slots)
    where = (group, grid.day[at], grid.slot[at])

    def put(values: Any) -> Floats:
        found = np.zeros(shape)
        np.add.at(found, where, np.asarray(values, dtype="float64"))
        return found

    zeros = np.zeros(len(frame))
    total = [put(frame[f"total_{part}_s"].fillna(0.0) if f"total_{part}_s" in frame else zeros) for part in PARTS]
    handled = [put(frame[f"{part}_known"] if f"total_{part}_s" in frame and f"{part}_known" in frame else zeros) for part in PARTS]
    known = put(grid.length_s[at] / grid.step_s)
    return History(names, grid, zone, put(frame["offered"]), known, np.stack(total), np.stack(handled))


def _spans(given: Any, zone: str) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
    if given is None:
        return []
    spans = [given] if isinstance(given, tuple) and len(given) == 2 else list(given)
    found = []
    for span in spans:
        try:
            low, high = (instant_of(each, zone) for each in span)
        except (TypeError, ValueError):
            raise OptionError(f"exclude: {span!r} is no span; give (start, end), such as ('2026-03-02', '2026-03-04 12:00')") from None
        if not low < high:
            raise OptionError(f"exclude: {span!r} ends before it begins")
        found.append((low, high))
    return found


def instant_of(given: Any, zone: str) -> pd.Timestamp:
    """A date or time as an instant, local where it has no zone.

    Examples
    --------
    >>> instant_of("2026-03-29 01:30", "Europe/London").isoformat()
    '2026-03-29T02:00:00+01:00'
    """
    at = pd.Timestamp(given)
    if at is pd.NaT or pd.isna(at):
        raise ValueError(given)
    return at.tz_localize(zone, ambiguous=True, nonexistent="shift_forward") if at.tz is None else at.tz_convert(zone)


def _leave_out(history: History, special: Bools) -> list[str]:
    """Mark as not known: days without any record, queues before their first contact, outages. Returns what to say of it."""
    count, known = history.count, history.known
    weekday = (history.grid.date + 3) % 7
    notes = []
    total, there = count.sum(axis=(0, 2)), (known > 0).any(axis=(0, 2))
    usual = _usual(total, there & ~special, weekday)
    gap = (total == 0) & (usual > _SURE) & ~special
    ends = _last(total)
    gap[ends + 1 :] &= len(total) - 1 - ends < _CLOSED_DAYS
    known[:, gap] = 0.0
    lost = int((gap | ~there).sum())
    if lost:
        notes.append(f"{lost} day{'s' if lost > 1 else ''} without any record taken for gaps, not for days without contacts")
    out = 0
    for group, (mine, seen) in enumerate(zip(count, known, strict=True)):
        day = mine.sum(axis=1)
        first, last = int(np.argmax(day > 0)), _last(day)
        if not day.any():
            continue
        seen[:first] = 0.0
        stop = len(day) if len(day) - 1 - last < _CLOSED_DAYS else last + 1
        out += _outages(mine, seen, weekday, special, stop)
        known[group] = seen
    if out:
        notes.append(f"{out} intervals without a contact where {_SURE:.0f} or more were due in a row taken for outages, not for low demand")
    return notes


def _last(day: Floats) -> int:
    found = np.flatnonzero(day > 0)
    return int(found[-1]) if len(found) else len(day) - 1


def _usual(total: Floats, usable: Bools, weekday: Ints) -> Floats:
    """The median of the nearest nine same weekdays, zeros of outages left out if most are not."""
    found = np.zeros(len(total))
    for each in range(7):
        here = np.flatnonzero(weekday == each)
        values = np.where(usable[here], total[here], np.nan)
        for place, day in enumerate(here):
            near = values[max(0, place - 4) : place + 5]
            near = near[~np.isnan(near)]
            found[day] = np.median(near) if len(near) else 0.0
    return found


def _outages(count: Floats, known: Floats, weekday: Ints, special: Bools, stop: int) -> int:
    """Mark runs of slots without contacts where many were due; how many slots."""
    day = count.sum(axis=1)
    usual = _usual(day, (known > 0).any(axis=1) & ~special, weekday)
    share = np.zeros((7, count.shape[1]))
    for each in range(7):
        here = (weekday == each) & ~special & (day > 0)
        if here.any():
            # a slot that is empty on most of these days is closed, whatever a few hold
            sums = count[here].sum(axis=0) * ((count[here] > 0).mean(axis=0) > 0.5)
            share[each] = sums / max(sums.sum(), 1.0)
    due = np.where(special[:, None], 0.0, share[weekday] * usual[:, None]) * known
    due[stop:] = 0.0
    flat, zero = due.ravel(), (count.ravel() == 0) & (due.ravel() > 0)
    run = np.cumsum(np.append(True, np.diff(zero.astype(np.int8)) != 0)) - 1
    hit = zero & (np.bincount(run, weights=flat * zero)[run] > _SURE)
    known[hit.reshape(known.shape)] = 0.0
    return int(hit.sum())
