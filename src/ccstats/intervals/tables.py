"""Contacts and agent states into intervals: counts and sums, which add up; and adding them: over partitions, queues, days and months."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError, ZoneError
from ccstats.intervals import loops, row_loops
from ccstats.intervals.cells import Groups, check_by, coded, instants_of, micros_of
from ccstats.intervals.counts import AgentRules, CountPart, Rules, count_contacts, count_spans, per_queue, seconds, warn_of_names
from ccstats.intervals.merging import added_up, as_intervals, booked_in_ways, by_columns, in_common, merge_agents, merge_parts
from ccstats.intervals.sums import add_up, measure_columns
from ccstats.periods import PERIODS, check_timezone, period_start, seconds_of, slot_of, weekday_of
from ccstats.schema import INTERVALS

__all__ = ["merge_intervals", "roll_up", "to_agent_intervals", "to_intervals"]


def to_intervals(
    contacts: Any,
    *,
    every: Any = "30min",
    timezone: str = "UTC",
    threshold_s: Any = None,
    short_s: Any = None,
    by: str | Sequence[str] = (),
    attribute_by: str = "queued",
    clock: str = "queued",
    inclusive: bool = True,
    fill: bool = True,
    wait_histogram: Iterable[float] | None = None,
) -> pd.DataFrame:
    """Counts and sums per queue and interval: offered, answered, abandoned, within the threshold, waits, talk, hold and wrap-up.

    Parameters
    ----------
    contacts : pandas.DataFrame, Arrow table, or anything with ``map_partitions(function)``
        One row per visit to a queue. Partitions are counted one by one and added up.
    every : str or timedelta
        Length of an interval: whole minutes that divide a day. With ``"1D"`` an interval is the local day, 23 to 25 hours.
    timezone : str
        Intervals are cut from midnight here; their starts are UTC.
    threshold_s : float or dict of queue to float, optional
        Service-level threshold. [s] A queue that is not in the dict has none, and its four threshold counts are missing.
    short_s : float or dict of queue to float, optional
        Abandons after a wait up to this are ``abandoned_short``. [s] Without one there is no such rule and the count is 0.
    by : str or sequence of str
        Further columns of ``contacts`` to count by, such as ``channel``.
    attribute_by : str
        Where a contact is booked: ``queued``, where it joined the queue; ``left``, where it was answered or left; ``ended``, after
        wrap-up; ``event``, offered when queued, reached the threshold when it did, outcome and wait when it left (open ones where the
        log ends), talk, hold and wrap-up when it ended.
    clock : str
        Where the wait starts: ``queued`` or ``arrived`` (on the platform; from ``queued_at`` where the arrival is not known or later). Most
        platforms log one arrival a contact: then the wait of a visit after a transfer contains the talk before it.
    inclusive : bool
        Whether a wait equal to a threshold (or to ``short_s`` or a step of the histogram) is within it.
    fill : bool
        Whether every group has a row for every interval from the first to the last one that anything is booked in.
    wait_histogram : iterable of float, optional
        For every value x [s] two more columns, ``answered_within_{x}s`` and ``abandoned_within_{x}s``. They are cumulative and add up.

    Returns
    -------
    pandas.DataFrame
        Table `intervals`. Empty intervals have counts 0, sums 0.0 and no longest wait. ``total_talk_s`` is missing where contacts were
        answered and none of them has a known talk time (``hold`` and ``wrap`` alike). ``transferred``, ``ring_attempts``,
        ``ring_noanswer``, ``arrival_known`` and ``total_to_agent_s`` are there where contacts have ``transferred_to``, ``ring_attempts``,
        ``ring_noanswer`` and ``arrived_at``. Contacts that left before a queue or were blocked are booked at ``arrived_at``, or at
        ``queued_at`` where that is missing. Without contacts the table is empty.

    Raises
    ------
    TableError
        If a column is missing or has another dtype, a duration is negative, or a contact counted in ``offered`` has no ``queued_at``.
    OptionError, ZoneError, ColumnError
        If an argument has no such value, there is no such zone, or ``by`` is no column.

    Warns
    -----
    DataWarning
        If ``clock="arrived"`` meets contacts without arrival, contacts left the queue and have no ``wait_s``, or a name among the
        thresholds looks like a misspelt queue.

    See Also
    --------
    measure_service : the ratios of these sums.
    merge_intervals : tables made apart.

    Notes
    -----
    Durations are added in whole microseconds. The result depends neither on the order of the rows nor on how they were split. Thresholds
    too are compared in microseconds, so that 20.0 seconds are within 20 whatever clock they were computed from.

    Of a contact without a known wait nobody can say that it was within a threshold, so it is not counted there; it is booked as if it had
    not waited. ``total_wait_s`` is missing where such a contact was answered, ``total_abandon_wait_s`` where one was abandoned, and
    ``max_wait_s`` where one left in any way. Of contacts that are still ``open`` nothing of this depends on the wait.

    Examples
    --------
    >>> import ccstats as cc
    >>> contacts = cc.synthesize_contacts(seed=1).contacts
    >>> half_hours = cc.to_intervals(contacts, every="30min", timezone="Europe/London", threshold_s=20)
    >>> int(half_hours["offered"].sum()) == len(contacts)
    True
    """
    for name, value, words in (("attribute_by", attribute_by, loops.MODES), ("clock", clock, ("queued", "arrived"))):
        if value not in words:
            raise OptionError(f"{name}={value!r} is not known; choose one of: {', '.join(words)}")
    rules = Rules(
        every_s=seconds_of(every),
        timezone=check_timezone(timezone),
        threshold_s=per_queue(threshold_s, "threshold_s"),
        short_s=per_queue(short_s, "short_s"),
        by=_without_queue(by),
        attribute_by=attribute_by,
        from_arrival=clock == "arrived",
        inclusive=bool(inclusive),
        fill=bool(fill),
        histogram=_steps(wait_histogram),
    )
    if hasattr(contacts, "map_partitions"):
        part = CountPart.contacts(rules, partial(merge_parts, fill=False))
        intervals = merge_parts(added_up(contacts.map_partitions(part), part.merge), fill=rules.fill)
    else:
        intervals = count_contacts(contacts, rules)
    for name, given in (("threshold_s", rules.threshold_s), ("short_s", rules.short_s)):
        warn_of_names(given, name, intervals["queue"].cat.categories)
    return intervals


def merge_intervals(parts: Iterable[Any]) -> pd.DataFrame:
    """Tables of intervals that were made apart, as one: counts and sums added, the longest wait kept, gaps filled.

    Parameters
    ----------
    parts : iterable of pandas.DataFrame or Arrow table
        Tables `intervals`, of days, files or machines, made with the same length, time zone, ``by`` and ``attribute_by``. With
        ``fill=False`` they are smaller; filled ones give the same result.

    Returns
    -------
    pandas.DataFrame
        Table `intervals`, equal to that of all contacts together. Every group has a row for every interval of the whole span; such a row
        takes its thresholds from the nearest earlier row of its group, or the next. A column that only some parts have (``transferred``,
        a wait histogram) is missing where a part without it has contacts.

    Raises
    ------
    TableError
        If a part is no table of intervals; if the parts differ in time zone, ``attribute_by``, ``by`` or the length of an interval; or if
        the same queue and interval was counted with different thresholds.

    Notes
    -----
    The usual length is the longest found, so that the table must not consist of the short last intervals of clock-change days alone.

    Examples
    --------
    >>> import ccstats as cc
    >>> contacts = cc.synthesize_contacts(seed=1).contacts
    >>> parts = [cc.to_intervals(part, fill=False) for part in (contacts[:100], contacts[100:])]
    >>> cc.merge_intervals(parts).equals(cc.to_intervals(contacts))
    True
    """
    return merge_parts(parts, fill=True)


def roll_up(intervals: Any, *, by: str | Sequence[str] = (), period: str | None = None, timezone: str | None = None) -> pd.DataFrame:
    """Counts and sums of intervals per group and period: the part of `measure_service` that adds; it divides afterwards.

    Parameters
    ----------
    intervals : pandas.DataFrame or Arrow table
        As `to_intervals` makes it.
    by : str or sequence of str
        Group columns, such as ``queue``; none gives one group.
    period : str, optional
        ``interval``, ``hour``, ``day``, ``week``, ``month``, ``quarter``, ``year``, ``weekday`` or ``slot`` (time of day);
        without one, one row a group.
    timezone : str, optional
        Where the periods' days begin; by default the zone the intervals were cut in.

    Returns
    -------
    pandas.DataFrame
        The ``by`` columns; ``period_start`` in the zone asked for, or ``weekday``, or ``slot`` (``"HH:MM"``); ``threshold_s`` and
        ``short_s`` (missing where they differ within a row), ``attribute_by``, counts and sums. Periods without a row in ``intervals``
        are not invented, and an empty table stays empty. A threshold count is missing where one of its intervals with contacts has none.

    Raises
    ------
    ColumnError
        If a ``by`` column is not there.
    OptionError
        If the period is not known, or shorter than the intervals.
    TableError
        If this is no table of intervals, or intervals of one row were booked in several ways; with ``by="queue"`` each queue has its own.
    ZoneError
        If the zone is unknown, if the intervals were cut in several zones and none is named, or if a period begins inside an interval.

    Notes
    -----
    Each contact was counted against its own queue's threshold, so that queues with different thresholds can be added.

    Examples
    --------
    >>> import ccstats as cc
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1).contacts, timezone="Europe/London", threshold_s=20)
    >>> days = cc.roll_up(half_hours, by="queue", period="day")
    >>> int(days["offered"].sum()) == int(half_hours["offered"].sum())
    True
    """
    frame = as_intervals(intervals)
    names = check_by(by, ["queue", "timezone", *by_columns(frame)], what="intervals")
    columns: dict[str, Any] = {name: coded(frame[name]) for name in names}
    if period is not None:
        label, codes, labels = _periods(frame, period, timezone)
        columns[label] = (codes, labels)
    groups = Groups(columns, len(frame))
    used, at = groups.present()
    keys = groups.columns(used)
    thresholds = {}
    for name in ("threshold_s", "short_s"):
        values, differ = in_common(frame, name, at, len(used))
        differing = np.zeros(len(used), dtype=bool)
        differing[at[differ]] = True
        thresholds[name] = np.where(differing, np.nan, values)
    booked = pd.Categorical(frame["attribute_by"], categories=list(INTERVALS["attribute_by"].vocabulary))
    ways = np.zeros(len(used), dtype=np.int8)
    ways[at] = booked.codes
    several = np.zeros(len(used), dtype=bool)
    several[at[ways[at] != booked.codes]] = True
    if several.any():
        raise booked_in_ways(frame[several[at]], "intervals that would be added were")
    how = pd.Categorical.from_codes(ways, dtype=booked.dtype)
    return pd.DataFrame({**keys, **thresholds, "attribute_by": how, **measure_columns(*add_up(frame, at, len(used)))}, copy=False)


def to_agent_intervals(agent_states: Any, *, every: Any = "30min", timezone: str = "UTC", by: str | Sequence[str] = ()) -> pd.DataFrame:
    """Seconds per state for each agent and interval, every span clipped to the intervals that it lies in.

    Parameters
    ----------
    agent_states : pandas.DataFrame, Arrow table, or anything with ``map_partitions(function)``
        One row per span of one agent in one state.
    every : str or timedelta
        Length of an interval: whole minutes that divide a day. With ``"1D"`` an interval is the local day.
    timezone : str
        Intervals are cut from midnight here; their starts are UTC.
    by : str or sequence of str
        ``queue`` for a row per queue served; spans without a queue then have a row of their own.

    Returns
    -------
    pandas.DataFrame
        Table `agent_intervals`: ``logged_in_s`` (all states together: an agent in two states at once counts twice), seconds per state, and
        ``handled``, the spans ``on_contact`` that begin in the interval. An agent has rows only where logged in; spans of no length count
        only as ``handled``. Without spans the table is empty.

    Raises
    ------
    TableError
        If a column is missing or has another dtype, or a span ends before it starts.
    OptionError, ZoneError
        If ``every`` or ``by`` has no such value, or there is no such zone.

    Examples
    --------
    >>> import ccstats as cc
    >>> states = cc.synthesize_contacts(seed=1).agent_states
    >>> staffed = cc.to_agent_intervals(states, every="30min", timezone="Europe/London")
    >>> bool((staffed["on_contact_s"] <= staffed["logged_in_s"]).all())
    True
    """
    names = (by,) if isinstance(by, str) else tuple(by)
    if names not in ((), ("queue",)):
        raise OptionError(f"by={by!r} is not known for agent intervals; give 'queue' or nothing")
    rules = AgentRules(every_s=seconds_of(every), timezone=check_timezone(timezone), by=names)
    if hasattr(agent_states, "map_partitions"):
        return merge_agents(added_up(agent_states.map_partitions(CountPart.spans(rules, merge_agents)), merge_agents))
    return count_spans(agent_states, rules)


def _without_queue(by: str | Sequence[str]) -> tuple[str, ...]:
    """The ``by`` columns; intervals are by queue anyway."""
    return tuple(name for name in dict.fromkeys((by,) if isinstance(by, str) else by) if name != "queue")


def _steps(wait_histogram: Iterable[float] | None) -> dict[str, float]:
    """Steps of the histogram by the text that names their columns, ascending."""
    if wait_histogram is None:
        return {}
    if isinstance(wait_histogram, int | float | str):
        raise OptionError(f"wait_histogram={wait_histogram!r} is no list of seconds; give for example (10, 20, 60)")
    steps = sorted({seconds(each, f"wait_histogram: {each!r}") for each in wait_histogram})
    named = {f"{each:g}": each for each in steps}
    if len(named) < len(steps):
        raise OptionError(f"wait_histogram={steps} has steps that differ by less than their column names can show")
    return named


def _periods(frame: pd.DataFrame, period: str, timezone: str | None) -> tuple[str, np.ndarray, Any]:
    """Name, codes and labels of the period each interval lies in; checks that none begins inside an interval."""
    words = ("interval", *PERIODS, "weekday", "slot")
    if period not in words:
        raise OptionError(f"period={period!r} is not known; choose one of: {', '.join(words)}, or None for one row a group")
    zones = [str(zone) for zone in frame["timezone"].unique()]
    if timezone is None and len(zones) > 1:
        raise ZoneError(f"intervals were cut in several zones ({', '.join(zones)}); say timezone= for the zone of the periods")
    zone = check_timezone(timezone if timezone is not None else (zones or ["UTC"])[0])
    starts, lengths = instants_of(frame["interval_start"]), micros_of(frame["interval_s"].to_numpy(dtype="float64"))
    at, first = pd.factorize(starts)
    longest = np.zeros(len(first), dtype=np.int64)
    row_loops.take_maxima(at, lengths, longest)
    begin, last = (pd.DatetimeIndex(each.view("datetime64[us]")).tz_localize("UTC") for each in (first, first + longest - 1))
    if period != "interval":
        named = period if period in PERIODS else "day"
        split = period_start(begin, period=named, timezone=zone) != period_start(last, period=named, timezone=zone)
        if split.any():
            _explain_split(frame, named, zone, begin[split][0], zones)
    if period in ("weekday", "slot"):
        found = (weekday_of if period == "weekday" else slot_of)(begin, timezone=zone)
        return period, found.codes[at], found.categories
    periods = begin.tz_convert(zone) if period == "interval" else period_start(begin, period=period, timezone=zone)
    codes, labels = pd.factorize(periods, sort=True)
    return "period_start", codes[at], labels


def _explain_split(frame: pd.DataFrame, period: str, zone: str, start: pd.Timestamp, zones: list[str]) -> None:
    rows = frame[frame["interval_start"] == start]
    cut, length = str(rows["timezone"].iloc[0]), rows["interval_s"].max()
    shown = f"the interval of {length:g} s from {start.tz_convert(cut)}"
    if cut == zone:
        raise OptionError(f"period={period!r} is shorter than the intervals: one begins inside {shown}. Make shorter intervals with every=")
    raise ZoneError(
        f"a {period} of {zone} begins inside {shown}, which was cut in {cut}. "
        f"Make the intervals with timezone={zone!r}, or with a length that fits both, such as every='15min'"
    )
