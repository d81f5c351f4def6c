"""Merging: tables of intervals that were made apart, as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import TableError
from ccstats.intervals.cells import Cells, Grid, Groups, coded, constant, instants_of, micros_of
from ccstats.intervals.counts import agent_frame
from ccstats.intervals.row_loops import add_rows
from ccstats.intervals.sums import THRESHOLD_COUNTS, add_up, histogram_names, measure_columns
from ccstats.schema import AGENT_INTERVALS, INTERVALS, STATES, as_frame

__all__ = ["added_up", "as_intervals", "booked_in_ways", "by_columns", "in_common", "merge_agents", "merge_parts"]

_DAY_S, _HALF_DAY_S = 86_400, 43_200
_WAITING = 500_000  # rows


def as_intervals(table: Any) -> pd.DataFrame:
    """A table of intervals as a pandas frame, if it has the columns."""
    frame = as_frame(table, what="intervals")
    INTERVALS.check(frame.iloc[:0], keys=False)
    return frame


def in_common(frame: pd.DataFrame, name: str, at: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """One value per row of the result, and the rows of ``frame`` that have another."""
    values = frame[name].to_numpy(dtype="float64", na_value=np.nan)
    out = np.full(rows, np.nan)
    out[at] = values
    chosen = out[at]
    return out, (chosen != values) & ~(np.isnan(chosen) & np.isnan(values))


def _stack(frames: list[pd.DataFrame], keys: Sequence[str]) -> pd.DataFrame:
    """All frames as one, with the same categories and all columns."""
    for name in keys:
        labels = sorted(set().union(*(coded(frame[name])[1] for frame in frames)))
        dtype = pd.CategoricalDtype(pd.Index(labels, dtype=None if labels else "str"))
        frames = [frame.assign(**{name: frame[name].astype(dtype)}) for frame in frames]
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    optional = dict.fromkeys(name for frame in frames for name in frame.columns)
    return pd.concat(filled, ignore_index=True).reindex(columns=list(optional))


def by_columns(frame: pd.DataFrame) -> list[str]:
    """The columns that a table of intervals was counted by, beside the queue."""
    return [name for name in frame.columns if name not in INTERVALS and name not in histogram_names([name])]


def booked_in_ways(frame: pd.DataFrame, what: str) -> TableError:
    """The error for contacts that were booked by several rules, with the queues of each."""
    queues = {str(how): sorted(map(str, rows["queue"].unique())) for how, rows in frame.groupby("attribute_by", observed=True)}
    queues = dict(sorted(queues.items()))
    shown = "; ".join(
        f"{how!r}: {len(names)} queue{'s' if len(names) > 1 else ''} ({', '.join(names[:5])}{', …' if len(names) > 5 else ''})"
        for how, names in queues.items()
    )
    return TableError(
        f"{what} booked in several ways (attribute_by: {', '.join(queues)}): {shown}. A call that crosses the end of an interval would be "
        "counted in one place above the line and in another below it. Keep the tables apart, measure by='queue' where each queue has one "
        "rule, or count contacts again with the other's rule: to_intervals(contacts, attribute_by=…)"
    )


def added_up(parts: Iterable[pd.DataFrame], merge: Callable[[list[pd.DataFrame]], pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The parts, those of many partitions merged as they come, so that no more rows wait than the result has, or half a million."""
    waiting: list[pd.DataFrame] = []
    rows = least = 0
    for part in parts:
        waiting.append(part)
        rows += len(part)
        if rows > max(_WAITING, 2 * least):
            waiting = [merge(waiting)]
            rows = least = len(waiting[0])
    yield from waiting


def merge_parts(parts: Iterable[Any], *, fill: bool) -> pd.DataFrame:
    """See `ccstats.merge_intervals`; without ``fill`` gaps stay gaps."""
    frames = [as_intervals(part) for part in parts]
    if not frames:
        return INTERVALS.empty()
    by = by_columns(frames[0])
    for frame in frames:
        if set(by_columns(frame)) != set(by):
            raise TableError(f"the parts were counted by different columns: {by} and {by_columns(frame)}; count all of them by the same")
    frame = _stack(frames, ("queue", "timezone", "attribute_by", *by))
    if not len(frame):
        return frame
    zones = sorted(map(str, frame["timezone"].unique()))
    if len(zones) > 1:
        raise TableError(f"the parts were cut in several zones (timezone: {', '.join(zones)}); make all of them alike")
    if (frame["attribute_by"] != frame["attribute_by"].iloc[0]).any():
        raise booked_in_ways(frame, "the parts were")
    zone, how = str(frame["timezone"].iloc[0]), str(frame["attribute_by"].iloc[0])

    starts = instants_of(frame["interval_start"])
    longest = frame["interval_s"].max()
    # A day the clocks change is longer or shorter than the usual one; no other length above half a day divides a day.
    grid = Grid.between(int(starts.min()), int(starts.max()), every_s=_DAY_S if longest > _HALF_DAY_S else int(longest), timezone=zone)
    interval = np.searchsorted(grid.edges, starts)
    odd = (grid.edges[interval] != starts) | (np.diff(grid.edges)[interval] != micros_of(frame["interval_s"].to_numpy()))
    _refuse(frame, odd, f"is no interval of {grid.step / 1e6:g} s cut in {zone}; the parts must have the same every=")

    groups = Groups({name: coded(frame[name]) for name in ("queue", *by)}, len(frame))
    used, number = groups.present()
    cells = Cells(groups.leading(used), len(grid.edges) - 1)
    at, rows = cells.base[number] + cells.stride[number] * interval, np.arange(cells.total)
    if fill:
        cells.check_size()
    else:
        rows, at = np.unique(at, return_inverse=True)
    group, interval = cells.place(rows)
    thresholds = {}
    for name in ("threshold_s", "short_s"):
        thresholds[name], differ = in_common(frame, name, at, len(rows))
        _refuse(frame, differ, f"was counted with different {name}; count again with one definition")
    sums, missing = add_up(frame, at, len(rows))
    if fill:
        source = _nearest(np.bincount(at, minlength=len(rows)) > 0, group, interval, len(used))
        thresholds = {name: values[source] for name, values in thresholds.items()}
    without = np.isnan(thresholds["threshold_s"])
    missing |= {name: missing.get(name, without) | without for name in THRESHOLD_COUNTS}
    return pd.DataFrame(
        {
            **groups.columns(used[group]),
            **grid.columns(interval, zone),
            **thresholds,
            "attribute_by": constant(how, len(rows), INTERVALS["attribute_by"].vocabulary),
            **measure_columns(sums, missing),
        },
        copy=False,
    )


def _nearest(occupied: np.ndarray, group: np.ndarray, interval: np.ndarray, groups: int) -> np.ndarray:
    """For every row of a full table the nearest earlier occupied row of its group, or else the next."""
    intervals = len(group) // groups
    order = np.empty((groups, intervals), dtype=np.int64)
    order[group, interval] = np.arange(len(group))
    there = occupied[order]
    place = np.where(there, np.arange(intervals), -1)
    np.maximum.accumulate(place, axis=1, out=place)
    first = np.argmax(there, axis=1)[:, None]
    source = np.empty(len(group), dtype=np.int64)
    source[order] = np.take_along_axis(order, np.where(place < 0, first, place), axis=1)
    return source


def _refuse(frame: pd.DataFrame, wrong: np.ndarray, text: str) -> None:
    if wrong.any():
        row = frame.loc[wrong].iloc[0]
        raise TableError(f"queue {row['queue']!r}, interval {row['interval_start']} ({row['interval_s']:g} s) {text} ({wrong.sum()} rows)")


def merge_agents(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Tables of agent intervals that were made apart with the same rules, as one: seconds added."""
    frames = list(parts)
    if not frames:
        return AGENT_INTERVALS.empty()
    by = [name for name in ("queue",) if name in frames[0]]
    frame = _stack(frames, ("agent", "timezone", *by))
    starts, first = np.unique(instants_of(frame["interval_start"]), return_inverse=True)
    start = pd.DatetimeIndex(starts.view("datetime64[us]")).tz_localize("UTC")
    groups = Groups(
        {"agent": coded(frame["agent"]), "interval_start": (first, start), **{name: coded(frame[name]) for name in by}}, len(frame)
    )
    used, at = groups.present()
    totals = np.zeros((len(used), len(STATES) + 1), dtype=np.int64)
    for place, state in enumerate(STATES):
        add_rows(at, micros_of(frame[f"{state}_s"].to_numpy(dtype="float64")), totals[:, place])
    add_rows(at, frame["handled"].to_numpy(dtype="int64"), totals[:, -1])
    example = np.empty(len(used), dtype=np.int64)
    example[at] = np.arange(len(frame))
    fixed = {name: frame[name].array.take(example) for name in ("interval_s", "timezone")}
    return agent_frame({**groups.columns(used), **fixed}, totals)
