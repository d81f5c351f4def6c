"""Contacts that came and agents who were there, in one row an interval; and how long the contacts took, and were ready to wait."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import DataWarning, OptionError, TableError
from ccstats.expectation.expected import Rows, divide, run_numbers
from ccstats.expectation.outlook import numbers
from ccstats.intervals import roll_up
from ccstats.intervals.merging import as_intervals
from ccstats.periods import period_start, slot_of
from ccstats.schema import AGENT_INTERVALS, as_frame

__all__ = ["OCCUPIED", "Window", "handle_times", "join_agents", "pooled_patience", "staffed_rows"]

Floats = NDArray[np.float64]

#: States in which an agent has a contact, and those that count as on the floor.
OCCUPIED = ("on_contact_s", "hold_s", "wrap_s")
_PRODUCTIVE = ("available_s", "reserved_s", *OCCUPIED)
_PARTS = ("talk", "hold", "wrap")
#: Answered contacts from which on an interval's own mean handle time is taken.
_ENOUGH = 10
#: Over what handle times are taken, and over what where nothing is known.
_FALLBACKS = {"interval": ("interval", "slot", "all"), "slot": ("slot", "all"), "month": ("month", "all")}
_WAITS = ("total_wait_s", "total_abandon_wait_s")
_COUNTS = (
    *("offered", "answered", "abandoned", "abandoned_short", "answered_within", "abandoned_within", "callback_within", "reached_threshold"),
    *(
        "flowed_out",
        "callbacks",
        "lost",
        "open",
        "unknown",
        "talk_known",
        "hold_known",
        "wrap_known",
    ),
)


def join_agents(intervals: Any, agent_intervals: Any, by: str | Sequence[str] | None) -> tuple[pd.DataFrame, list[str]]:
    """Sums of contacts and of agents' seconds in one row each, per interval that either table has.

    Parameters
    ----------
    intervals, agent_intervals : table
        As `backtest_staffing` takes them.
    by : str, optional
        ``queue``; ``()`` for all queues as one; None: ``queue`` where ``agent_intervals`` has it.

    Returns
    -------
    tuple of (pandas.DataFrame, list of str)
        Counts and sums, ``productive_s`` (agents on the floor), ``available_s`` and the seconds with contacts, 0 where there were none, by
        ``queue`` (if so) and ``interval_start``; and the columns grouped by: ``queue`` or nothing.

    Raises
    ------
    TableError
        If the tables do not fit together.
    OptionError
        If ``by`` has no such value.
    """
    frame = as_intervals(intervals)
    agents = as_frame(agent_intervals, what="agent_intervals")
    AGENT_INTERVALS.check(agents, columns=["interval_start", "interval_s", "timezone", *_PRODUCTIVE], keys=False)
    names = None if by is None else [by] if isinstance(by, str) else list(by)
    if names not in (None, [], ["queue"]):
        raise OptionError(f"by={by!r} is not known; give 'queue', or () for all queues as one")
    keys = (["queue"] if "queue" in agents else []) if names is None else names
    agents = agents.assign(productive_s=agents[list(_PRODUCTIVE)].sum(axis=1))
    agents = agents[agents["productive_s"] > 0]
    if keys and ("queue" not in agents or agents["queue"].isna().any()):
        found = "some of the agents' time has no queue" if "queue" in agents else "agent_intervals has no column 'queue'"
        raise TableError(f"by='queue': {found}; use by=() for all queues as one pool, or count agents with to_agent_intervals(by='queue')")
    zone = _common_zone(frame, agents)
    lengths = _lengths(frame, agents)

    sums = roll_up(frame, by=keys, period="interval", timezone=zone)
    sums["interval_start"] = sums.pop("period_start").dt.tz_convert("UTC").dt.as_unit("us")
    seconds = ["productive_s", "available_s", *OCCUPIED]
    staffed = agents[[*keys, "interval_start", *seconds]].groupby([*keys, "interval_start"], observed=True).sum().reset_index()
    staffed["interval_start"] = staffed["interval_start"].dt.as_unit("us")
    if keys:  # the same words in both tables, so that they can be joined
        words = pd.CategoricalDtype(sorted({*sums["queue"].astype("str"), *staffed["queue"].astype("str")}))
        sums, staffed = (each.assign(queue=each["queue"].astype("str").astype(words)) for each in (sums, staffed))
    made = sums.merge(staffed, on=[*keys, "interval_start"], how="outer").merge(lengths, on="interval_start", how="left")
    made = made.sort_values([*keys, "interval_start"], ignore_index=True).assign(timezone=pd.Categorical([zone] * len(made)))
    # Where nobody called nobody waited; where somebody did, a wait that is not known is not none.
    quiet = made["offered"].isna()
    made[list(_WAITS)] = made[list(_WAITS)].mask(quiet, 0.0)
    made = made.fillna(dict.fromkeys((*_COUNTS, *seconds), 0)).astype({"offered": "int64", "answered": "int64"})
    without = (made["offered"] > 0) & made["threshold_s"].isna()
    if without.any():
        what = "were counted without a threshold" if frame["threshold_s"].isna().all() else "have no threshold, or several in one pool"
        raise TableError(
            f"{without.sum()} intervals with contacts {what}; count them with to_intervals(threshold_s=20), one for all queues that share "
            "agents"
        )
    return made, keys


def _common_zone(frame: pd.DataFrame, agents: pd.DataFrame) -> str:
    zones = [sorted(map(str, each["timezone"].unique())) for each in (frame, agents)]
    if len({*zones[0], *zones[1]}) > 1:
        raise TableError(
            f"intervals were cut in {' and '.join(zones[0])}, agent intervals in {' and '.join(zones[1])}; make both with one timezone="
        )
    return (zones[0] or zones[1] or ["UTC"])[0]


def _lengths(frame: pd.DataFrame, agents: pd.DataFrame) -> pd.DataFrame:
    """The length of every interval, if both tables were cut alike."""
    made = pd.concat([each[["interval_start", "interval_s"]].astype({"interval_start": "datetime64[us, UTC]"}) for each in (frame, agents)])
    made = made.drop_duplicates().sort_values("interval_start", ignore_index=True)
    starts = pd.DatetimeIndex(made["interval_start"]).asi8 / 1e6
    into = starts[:-1] + made["interval_s"].to_numpy()[:-1] > starts[1:] + 1e-3
    if into.any():
        at = made["interval_start"].iloc[1:][into].iloc[0]
        raise TableError(
            f"intervals and agent intervals were cut differently: two of them hold {at}; make both with one every= and timezone="
        )
    return made


def pooled_patience(frame: pd.DataFrame, queue: NDArray[np.int64], patience_s: float | None) -> Floats:
    """The mean patience of each interval's queue: as given, or total wait by abandons, over intervals in which all waits are known.

    It is infinite where nobody abandoned; where somebody did, but no interval knows its waits, it is taken so with a warning.

    Examples
    --------
    >>> frame = pd.DataFrame({"total_wait_s": [100.0, 40.0], "total_abandon_wait_s": [60.0, 0.0], "abandoned": [2, 0]})
    >>> pooled_patience(frame, np.array([0, 0]), None).tolist(), pooled_patience(frame, np.array([0, 1]), None).tolist()
    ([100.0, 100.0], [80.0, inf])
    """
    if patience_s is not None:
        if not patience_s > 0:
            raise OptionError(f"patience_s={patience_s!r} must be a positive number of seconds, or infinite")
        return np.full(len(frame), float(patience_s))
    total, abandoned = numbers(frame, "total_wait_s") + numbers(frame, "total_abandon_wait_s"), numbers(frame, "abandoned")
    known = ~np.isnan(total)
    waited, gone, left = (np.bincount(queue, weights=each) for each in (np.where(known, total, 0.0), abandoned * known, abandoned))
    if ((left > 0) & (np.bincount(queue, weights=known) == 0)).any():
        text = "contacts were abandoned, and of no interval all waits are known: patience is taken as endless; give patience_s="
        warnings.warn(text, DataWarning, stacklevel=3)
    pooled = np.divide(waited, gone, out=np.full(len(gone), np.inf), where=(gone > 0) & (waited > 0))
    return pooled[queue]


class Window:
    """Sums over the intervals around each one, as far as its run reaches.

    Parameters
    ----------
    run : numpy.ndarray of int
        Number of the run that each interval belongs to, ascending; -1: none.
    width : int
        Intervals, an odd number.

    Examples
    --------
    >>> Window(np.array([0, 0, 0, -1, 1]), 3).mean(np.array([3.0, 6.0, 9.0, 5.0, 1.0])).tolist()
    [4.5, 6.0, 7.5, 5.0, 1.0]
    """

    def __init__(self, run: NDArray[np.int64], width: int) -> None:
        if width != int(width) or width < 1 or width % 2 == 0:
            raise OptionError(f"window={width!r} must be an odd number of intervals: 1 (each its own), 3, 5, …")
        at = np.arange(len(run))
        begins = np.append(True, (np.diff(run) != 0) | (run[1:] < 0))[: len(run)]
        first = np.maximum.accumulate(np.where(begins, at, 0))
        last = np.append(np.flatnonzero(begins)[1:], len(run))[np.cumsum(begins) - 1] - 1
        self._low, self._high = np.maximum(at - width // 2, first), np.minimum(at + width // 2, last)

    def total(self, values: Floats) -> Floats:
        """The sum."""
        sums = np.append(0.0, np.cumsum(values))
        return sums[self._high + 1] - sums[self._low]

    def mean(self, values: Floats) -> Floats:
        """The mean; of one interval the value itself, to the last bit."""
        count = self._high - self._low + 1
        return np.where(count == 1, values, self.total(values) / count)


def handle_times(frame: pd.DataFrame, queue: NDArray[np.int64], aht_s: str | float, window: Window) -> Floats:
    """The handle time of each interval, see `backtest_staffing`; missing where none is known anywhere.

    Examples
    --------
    >>> frame = pd.DataFrame({"total_talk_s": [3000.0, 0.0], "talk_known": [20, 0], "timezone": "UTC"}).assign(
    ...     interval_start=pd.date_range("2026-03-02", periods=2, freq="30min", tz="UTC")
    ... )
    >>> handle_times(frame, np.zeros(2, dtype=int), "interval", Window(np.zeros(2, dtype=int), 1)).tolist()
    [150.0, 150.0]
    """
    if not isinstance(aht_s, str):
        if not (np.isfinite(aht_s) and aht_s > 0):
            raise OptionError(f"aht_s={aht_s!r} must be a positive number of seconds, or 'interval', 'slot' or 'month'")
        return np.full(len(frame), float(aht_s))
    if aht_s not in _FALLBACKS:
        raise OptionError(f"aht_s={aht_s!r} is not known; give {', '.join(map(repr, _FALLBACKS))} or a number of seconds")
    found = np.full(len(frame), np.nan)
    if not len(frame):
        return found
    zone = str(frame["timezone"].iloc[0])
    periods = {
        "slot": slot_of(frame["interval_start"], timezone=zone).codes,
        "month": pd.factorize(period_start(frame["interval_start"], period="month", timezone=zone))[0],
        "all": np.zeros(len(frame), dtype="int64"),
    }
    for period in _FALLBACKS[aht_s]:
        mean, known = np.zeros(len(frame)), np.zeros(len(frame))
        for part in _PARTS:
            total, count = (np.nan_to_num(numbers(frame, name)) for name in (f"total_{part}_s", f"{part}_known"))
            if period == "interval":
                total, count = window.total(total), window.total(count)
            else:
                group = queue * (int(periods[period].max()) + 1) + periods[period]
                total, count = np.bincount(group, weights=total)[group], np.bincount(group, weights=count)[group]
            mean += np.divide(total, count, out=np.zeros(len(frame)), where=count > 0)
            known = np.maximum(known, count)
        better = np.isnan(found) & (mean > 0) & (known >= (_ENOUGH if period == "interval" else 1))
        found[better] = mean[better]
    return found


def staffed_rows(
    frame: pd.DataFrame, queue: NDArray[np.int64], *, patience_s: float | None, aht_s: str | float, window: int, averaged: bool = True
) -> Rows:
    """What a model needs to know of each interval, from contacts and agents in one row.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `join_agents` makes it.
    queue : array of int
        Number of the queue.
    patience_s, aht_s, window
        As `backtest_staffing` takes them.
    averaged : bool
        Whether volumes are averaged over the window as handle times are.

    Returns
    -------
    Rows
        With their runs.

    Examples
    --------
    >>> staffed_rows.__name__
    'staffed_rows'
    """
    rows = Rows(
        numbers(frame, "offered"),
        divide(numbers(frame, "productive_s"), numbers(frame, "interval_s")),
        np.full(len(frame), np.nan),
        numbers(frame, "interval_s"),
        pooled_patience(frame, queue, patience_s),
        numbers(frame, "threshold_s"),
        numbers(frame, "short_s"),
        np.zeros(len(frame), dtype="int64"),
    )
    start = pd.DatetimeIndex(frame["interval_start"]).as_unit("us").asi8 / 1e6
    around = Window(run_numbers(queue, start, rows._replace(aht_s=np.ones(len(frame)))), window)
    handle = handle_times(frame, queue, aht_s, around)
    rows = rows._replace(aht_s=handle, offered=around.mean(rows.offered) if averaged else rows.offered)
    return rows._replace(run=run_numbers(queue, start, rows))
