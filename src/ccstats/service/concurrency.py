"""How many contacts did agents have at once? Chat concurrency: handling time over the time with at least one contact."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import DataWarning, OptionError, ZoneError
from ccstats.periods import PERIODS, local_grid, period_start
from ccstats.schema import CONTACTS, as_frame
from ccstats.service._booking import seconds_added
from ccstats.service._groups import Groups, micros_of

__all__ = ["measure_concurrency"]

Ints = NDArray[np.int64]


def measure_concurrency(
    contacts: Any,
    *,
    by: str | Sequence[str] = ("agent",),
    channel: str | None = "chat",
    period: str | None = None,
    timezone: str | None = None,
    wrap_up: bool = True,
) -> pd.DataFrame:
    """How many contacts an agent handled at once: handling seconds over the seconds with at least one contact, per group and period.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit.
    by : str or sequence of str
        Group columns; without ``agent`` a row holds the agents of a group together, each at work on their own; none: one row for all.
    channel : str, optional
        Contacts of this channel only; None: of all.
    period : str, optional
        ``hour``, ``day``, ``week``, ``month``, ``quarter`` or ``year``: time is cut at its ends; without one, one row a group.
    timezone : str, optional
        The zone whose days count; needed with ``period``.
    wrap_up : bool
        Whether wrap-up belongs to handling.

    Returns
    -------
    pandas.DataFrame
        One row a group and period in which anyone had a contact: ``contacts`` (answered in it), ``total_handling_s``, ``total_busy_s``
        (with at least one contact, each agent on their own), ``concurrency`` (the one over the other, from 1) and ``most_at_once``; without
        ``period`` also ``left_out``: answered, but their agent, wait or talk is not known. What has nothing to divide by is missing.

    Raises
    ------
    TableError
        If the table does not fit the schema.
    OptionError, ColumnError, ZoneError
        If the channel or period is not known, a ``by`` column is not there, or a period is asked for without a zone.

    Warns
    -----
    DataWarning
        If contacts were left out.

    See Also
    --------
    ccstats.queueing.chat : what concurrency does to handle times and staff.

    Notes
    -----
    A contact is handled from its answer (``queued_at + wait_s``) for ``talk_s + hold_s`` and, with ``wrap_up``, ``wrap_s``; a hold or
    wrap-up that is not logged counts as none. The time with at least one contact is that of the agent in all contacts of the group: of
    ``by=("agent", "queue")`` in this queue, of ``by=()`` in all. Concurrency is a ratio of sums, so a row of several agents weighs each by
    the time they were busy. Handling that ends as another begins is not at the same time.

    Examples
    --------
    Two chats of ten minutes, the second five minutes after the first:

    >>> import ccstats as cc
    >>> import pandas as pd
    >>> at = pd.to_datetime(["2026-03-02T10:00Z", "2026-03-02T10:05Z"])
    >>> chats = pd.DataFrame({"queued_at": at, "wait_s": 0.0, "talk_s": 600.0, "hold_s": 0.0, "wrap_s": 0.0})
    >>> words = {"outcome": "answered", "channel": "chat", "agent": "Ada"}
    >>> chats = chats.assign(**{name: pd.Categorical([word] * 2) for name, word in words.items()})
    >>> cc.measure_concurrency(chats)[["total_handling_s", "total_busy_s", "most_at_once"]].to_dict("records")
    [{'total_handling_s': 1200.0, 'total_busy_s': 900.0, 'most_at_once': 2}]
    """
    if period is not None and period not in PERIODS:
        raise OptionError(f"period={period!r}: expected {', '.join(PERIODS)} or None")
    if period is not None and timezone is None:
        raise ZoneError(f"period={period!r} needs timezone=, such as 'Europe/Istanbul': where days begin is not in the table")
    frame = _answered(contacts, channel)
    known = frame[["agent", "talk_s", "wait_s", "queued_at"]].notna().all(axis=1).to_numpy()
    if not known.all():
        text = f"{int((~known).sum()):,} of {len(known):,} answered contacts are left out: their agent, wait or talk is not known"
        warnings.warn(text, DataWarning, stacklevel=2)
    groups = Groups(frame, by, instants=frame["queued_at"], period=None, timezone="UTC")
    missing = groups.count(~known)
    rows = frame[known].reset_index(drop=True)
    group, agent = groups.codes[known], rows["agent"].cat.codes.to_numpy().astype("int64")
    begin: Ints = micros_of(seconds_added(rows["queued_at"], rows["wait_s"]))
    parts = ["talk_s", "hold_s", "wrap_s"] if wrap_up else ["talk_s", "hold_s"]
    end = begin + np.rint(rows[parts].fillna(0.0).sum(axis=1).to_numpy(dtype="float64") * 1e6).astype("int64")
    who, start, stop, at_once = _sweep(group * (int(agent.max(initial=0)) + 1) + agent, begin, end)
    owner = who // (int(agent.max(initial=0)) + 1)

    edges = _edges(begin, end, period, timezone)
    owner, start, stop, at_once = _cut(owner, start, stop, at_once, edges)
    slots = len(edges) - 1
    cell = owner * slots + np.searchsorted(edges, start, side="right") - 1
    answered = group * slots + np.searchsorted(edges, begin, side="right") - 1
    size = len(groups.keys) * slots
    lasted = (stop - start) / 1e6
    busy = np.bincount(cell, weights=lasted, minlength=size)
    handling = np.bincount(cell, weights=lasted * at_once, minlength=size)
    number = np.bincount(answered, minlength=size).astype("int64")
    most = np.zeros(size, dtype="int64")
    np.maximum.at(most, cell, at_once)
    keys = groups.keys.iloc[np.repeat(np.arange(len(groups.keys)), slots)].reset_index(drop=True)
    if period is not None:
        starts = pd.DatetimeIndex(edges[:-1].view("datetime64[us]")).tz_localize("UTC").tz_convert(timezone)
        keys["period_start"] = starts.take(np.tile(np.arange(slots), len(groups.keys)))
    columns = {
        "contacts": number,
        "total_handling_s": handling.astype("float64"),
        "total_busy_s": busy.astype("float64"),
        "concurrency": np.divide(handling, busy, out=np.full(size, np.nan), where=busy > 0),
        "most_at_once": most,
    }
    if period is None:
        return keys.assign(**columns, left_out=missing)
    return keys.assign(**columns)[(number > 0) | (busy > 0)].reset_index(drop=True)


def _answered(contacts: Any, channel: str | None) -> pd.DataFrame:
    frame = as_frame(contacts, what="contacts")
    names = ["queued_at", "outcome", "wait_s", "talk_s", "hold_s", "wrap_s", "agent", "channel"]
    CONTACTS.check(frame, columns=names, keys=False)
    if channel is None:
        return frame[frame["outcome"] == "answered"].reset_index(drop=True)
    words = [str(each) for each in frame["channel"].cat.categories]
    if len(frame) and channel not in words:
        raise OptionError(f"channel={channel!r} is not in contacts; there are: {', '.join(words)}; None is all of them")
    return frame[(frame["outcome"] == "answered") & (frame["channel"] == channel)].reset_index(drop=True)


def _sweep(who: Ints, begin: Ints, end: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Stretches in which somebody has a constant number of contacts, at least one: who, from, to, how many."""
    owner = np.concatenate([who, who])
    moment = np.concatenate([begin, end])
    step = np.repeat(np.array([1, -1], dtype="int64"), len(who))
    order = np.lexsort((moment, owner))
    owner, moment, step = owner[order], moment[order], step[order]
    running = np.cumsum(step)  # back to 0 after each one's last end
    there = (running[:-1] > 0) & (moment[1:] > moment[:-1])
    return owner[:-1][there], moment[:-1][there], moment[1:][there], running[:-1][there]


def _edges(begin: Ints, end: Ints, period: str | None, timezone: str | None) -> Ints:
    """Where periods begin that hold the handling, and the end of the last [µs]."""
    if period is None or timezone is None or not len(begin):
        return np.array([np.iinfo(np.int64).min, np.iinfo(np.int64).max])
    first, last = (pd.Timestamp(int(each), unit="us", tz="UTC") for each in (begin.min(), end.max()))
    grid = local_grid(first, last + pd.Timedelta("1us"), every="1h" if period == "hour" else "1D", timezone=timezone)["interval_start"]
    starts = np.unique(micros_of(pd.Series(period_start(grid, period=period, timezone=timezone))))
    return np.append(starts, np.iinfo(np.int64).max)


def _cut(owner: Ints, start: Ints, stop: Ints, at_once: Ints, edges: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """The stretches cut at the edges."""
    first, last = np.searchsorted(edges, start, side="right") - 1, np.searchsorted(edges, stop, side="left")
    pieces = last - first
    row = np.repeat(np.arange(len(owner)), pieces)
    piece = np.arange(len(row)) - np.repeat(np.cumsum(pieces) - pieces, pieces) + first[row]
    return owner[row], np.maximum(start[row], edges[piece]), np.minimum(stop[row], edges[piece + 1]), at_once[row]
