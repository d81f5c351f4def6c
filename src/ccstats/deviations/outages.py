"""A table of outages, checked against a table of intervals; which intervals each touches, and for how long."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import ColumnError, OptionError, TableError, ZoneError, did_you_mean
from ccstats.schema import as_frame

__all__ = ["Outages", "merge_spans", "overlap", "read_outages"]

Floats = NDArray[np.float64]

_LABELS = ("label", "kind")


class Outages(NamedTuple):
    """Outages in the order of their start.

    Attributes
    ----------
    start, end : numpy.ndarray
        Since 1970. [s]
    queue : numpy.ndarray of object
        The queue that was out; empty: all of them.
    label : numpy.ndarray of object
        What was said about it.

    Examples
    --------
    >>> Outages(np.array([0.0, 60.0]), np.array([30.0, 90.0]), np.array(["", "sales"]), np.array(["", ""])).of("support").start.tolist()
    [0.0]
    """

    start: Floats
    end: Floats
    queue: NDArray[Any]
    label: NDArray[Any]

    def of(self, queue: str) -> Outages:
        """Those of one queue."""
        its = (self.queue == queue) | (self.queue == "")
        return Outages(*(each[its] for each in self))


def read_outages(outages: Any, *, low: float, high: float, queues: list[str]) -> Outages:
    """The outages as arrays, if they fit the intervals.

    Parameters
    ----------
    outages : table
        ``started_at, ended_at``, and where known ``queue`` and ``label`` (or ``kind``).
    low, high : float
        Where the intervals begin and end, since 1970. [s]
    queues : list of str
        The queues that there are; empty where all are one pool.

    Returns
    -------
    Outages

    Raises
    ------
    ColumnError, ZoneError, TableError, OptionError
        If a column is missing, instants have no zone, an outage ends before it starts, lies outside the intervals or names no such queue.

    Examples
    --------
    >>> table = pd.DataFrame({"started_at": pd.to_datetime(["1970-01-01 00:10Z"]), "ended_at": pd.to_datetime(["1970-01-01 00:20Z"])})
    >>> read_outages(table, low=0.0, high=3600.0, queues=["sales"]).end.tolist()
    [1200.0]
    """
    frame = as_frame(outages, what="outages")
    instants = []
    for name in ("started_at", "ended_at"):
        if name not in frame:
            raise ColumnError(
                f"outages= has no column {name!r}; it has: {', '.join(map(str, frame.columns))}.{did_you_mean(name, frame.columns)} "
                "Expected started_at, ended_at and, where known, queue and label"
            )
        if not isinstance(frame[name].dtype, pd.DatetimeTZDtype):
            raise ZoneError(f"outages: column {name!r} is {frame[name].dtype}; give each instant its zone with Series.dt.tz_localize")
        if frame[name].isna().any():
            row = int(np.argmax(frame[name].isna()))
            raise TableError(f"outages: row {row} has no {name}; for one that still goes on give the end of the intervals, {_shown(high)}")
        instants.append(pd.DatetimeIndex(frame[name]).tz_convert("UTC").as_unit("us").asi8 / 1e6)
    start, end = instants
    for wrong, text in (
        (end <= start, "ends before it starts, or when it starts"),
        ((start < low) | (end > high), f"lies outside the intervals, which reach from {_shown(low)} to {_shown(high)}"),
    ):
        if wrong.any():
            row = int(np.argmax(wrong))
            raise TableError(
                f"outages: row {row}, {_shown(start[row])} to {_shown(end[row])}, {text} ({int(wrong.sum())} such rows); "
                "correct the times, or leave the row out"
            )
    queue = _texts(frame, "queue") if "queue" in frame else np.full(len(frame), "", dtype=object)
    named = sorted(set(queue) - {""})
    if named and not queues:
        raise OptionError(f"outages name queues ({', '.join(named)}), which by=() does not tell apart; measure by='queue'")
    unknown = sorted(set(named) - set(queues))
    if unknown:
        near = did_you_mean(unknown[0], queues)
        raise TableError(f"outages: queue {unknown[0]!r} is not among the intervals' queues: {', '.join(queues)}.{near}")
    label = next((_texts(frame, name) for name in _LABELS if name in frame), np.full(len(frame), "", dtype=object))
    order = np.lexsort((end, start))
    return Outages(*(each[order] for each in (start, end, queue, label)))


def merge_spans(start: Floats, end: Floats) -> tuple[Floats, Floats]:
    """Spans that overlap or touch, as one.

    Parameters
    ----------
    start, end : numpy.ndarray
        In the order of their start. [s]

    Returns
    -------
    tuple of numpy.ndarray

    Examples
    --------
    >>> merge_spans(np.array([0.0, 5.0, 20.0]), np.array([10.0, 8.0, 30.0]))
    (array([ 0., 20.]), array([10., 30.]))
    """
    if not len(start):
        return start, end
    reached = np.maximum.accumulate(end)
    begins = np.append(True, start[1:] > reached[:-1])
    return start[begins], reached[np.append(np.flatnonzero(begins)[1:] - 1, len(start) - 1)]


def overlap(start: float, end: float, begins: Floats, length: Floats) -> Floats:
    """Seconds of a span in each interval.

    Parameters
    ----------
    start, end : float
        The span. [s]
    begins, length : numpy.ndarray
        The intervals. [s]

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> overlap(30.0, 130.0, np.array([0.0, 60.0, 120.0]), np.full(3, 60.0)).tolist()
    [30.0, 60.0, 10.0]
    """
    return np.maximum(np.minimum(end, begins + length) - np.maximum(start, begins), 0.0)


def _texts(frame: pd.DataFrame, name: str) -> NDArray[Any]:
    return frame[name].astype("object").where(frame[name].notna(), "").astype("str").to_numpy(dtype=object)


def _shown(second: float) -> str:
    return str(pd.Timestamp(second, unit="s", tz="UTC"))
