"""Who was on duty when, for logs that only say who answered which contact."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.intervals import to_agent_intervals
from ccstats.intervals.cells import coded, constant, instants_of, micros_of
from ccstats.periods import check_timezone, period_start, seconds_of
from ccstats.schema import AGENT_STATES, CLOSED_BY, CONTACTS, STATES, as_frame

__all__ = ["compare_presence", "infer_agents"]


def infer_agents(contacts: Any, *, gap_s: float = 900.0, timezone: str = "UTC") -> pd.DataFrame:
    """Agent states of a log that has none: on duty from the first to the last service of the day, long gaps excepted.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit, with ``agent``.
    gap_s : float
        Time between two services up to this is spent available, a longer one off duty; infinite for no such rule. [s]
    timezone : str
        The zone whose midnights end a day.

    Returns
    -------
    pandas.DataFrame
        Table `agent_states`, with ``reason`` ``inferred`` and ``closed_by`` ``assumed`` throughout. Empty where nobody is known to have
        answered anything.

    Raises
    ------
    TableError
        If a column is missing or has another dtype, or a duration is negative.
    OptionError, ZoneError
        If ``gap_s`` is no number of seconds, or there is no such zone.

    See Also
    --------
    compare_presence : how much depends on ``gap_s``.
    to_agent_intervals : agents on duty per interval, from this table.

    Notes
    -----
    A service begins at the answer, ``queued_at`` plus ``wait_s``. Talk and hold are one span ``on_contact`` (a log of contacts does not say
    in which order they came), wrap-up follows as ``wrap``; a part that is not logged has no length. Visits answered by nobody known, or
    whose wait is not known, are left out.

    Where services of one agent overlap (several chats at once, two clocks that disagree), a span ends where the next service begins and
    the last one begun stays until all talk, then all wrap-up is over. So no moment counts twice, none is lost, and each service begins a
    span of its own; of services begun at the same moment for the same queue, one stands for all.

    Time between services is ``available`` if it is no longer than ``gap_s`` and lies within one local day. What is inferred is short of
    the truth by the time before the first and after the last service, and takes short breaks for waiting.

    Examples
    --------
    >>> import ccstats as cc
    >>> centre = cc.synthesize_contacts(seed=1, days=2)
    >>> states = cc.infer_agents(centre.contacts, timezone="Europe/Istanbul")
    >>> states["state"].unique().tolist()
    ['on_contact', 'wrap', 'available']
    >>> staffed = cc.to_agent_intervals(states, every="30min", timezone="Europe/Istanbul")
    """
    gap = _gap(gap_s)
    zone = check_timezone(timezone)
    services, agent, queue, start, talk_end, wrap_end = _services(contacts)

    # The latest end so far of an agent's talk, and of all their work.
    talk_until, busy_until = (pd.Series(ends).groupby(agent).cummax().to_numpy() for ends in (talk_end, wrap_end))
    follows = np.append(agent[1:] == agent[:-1], False)[: len(start)]
    following = np.where(follows, np.roll(start, -1), np.iinfo("int64").max)
    again = follows & (following == start) & (np.roll(queue, -1) == queue)
    idle = follows & (following > busy_until) & (following - busy_until <= gap)
    idle[idle] = _day(busy_until[idle], zone) == _day(following[idle], zone)
    talk_stops, wrap_stops = np.minimum(talk_until, following), np.minimum(busy_until, following)
    spans = [
        ("on_contact", ~again, start, talk_stops),
        ("wrap", wrap_stops > talk_until, talk_until, wrap_stops),
        ("available", idle, busy_until, following),
    ]
    parts = []
    for state, chosen, begin, end in spans:
        rows = services[chosen]
        serving = np.full(len(rows), state != "available")
        parts.append(
            pd.DataFrame(
                {
                    "agent": rows["agent"].array,
                    "started_at": _instants(begin[chosen]),
                    "ended_at": _instants(end[chosen]),
                    "state": constant(state, len(rows), STATES),
                    "reason": constant("inferred", len(rows)),
                    "queue": rows["queue"].where(serving).array,
                    "contact_id": rows["contact_id"].where(serving).array,
                    "closed_by": constant("assumed", len(rows), CLOSED_BY),
                }
            )
        )
    return AGENT_STATES.conform(pd.concat(parts, ignore_index=True))


def compare_presence(
    contacts: Any, *, gaps_s: Iterable[float] = (300.0, 900.0, 1800.0), timezone: str = "UTC", every: Any = "30min"
) -> pd.DataFrame:
    """How much the agents that `infer_agents` finds depend on the longest gap allowed between two services.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit, with ``agent``.
    gaps_s : iterable of float
        Gaps to compare. [s]
    timezone : str
        The zone whose midnights end a day.
    every : str or timedelta
        Length of the intervals over which agents are counted.

    Returns
    -------
    pandas.DataFrame
        One row a gap, ascending: ``gap_s``; ``logged_in_s`` (agent-seconds on duty) and ``handling_s`` of it; ``occupancy``; ``sessions``
        (unbroken stretches); ``mean_agents``, over all intervals in which the longest of the gaps has anybody on duty; ``max_agents``, the
        most in one interval. Ratios of nothing are missing.

    Raises
    ------
    TableError, OptionError, ZoneError
        As `infer_agents`; and if no gap is given.

    Notes
    -----
    Handling is the same in every row; what changes is how much idle time is taken for waiting. Where ``occupancy`` of two gaps differs by
    more than a plan can bear, the log needs agent states of its own.

    Examples
    --------
    >>> import ccstats as cc
    >>> centre = cc.synthesize_contacts(seed=1, days=2)
    >>> table = cc.compare_presence(centre.contacts, timezone="Europe/Istanbul")
    >>> table["logged_in_s"].is_monotonic_increasing, bool(table["handling_s"].nunique() == 1)
    (True, True)
    """
    gaps = sorted({float(gap) for gap in gaps_s if _gap(gap) >= 0})
    if not gaps:
        raise OptionError("gaps_s= is empty: give at least one gap in seconds")
    seconds_of(every)
    frame = as_frame(contacts, what="contacts")
    tables = [infer_agents(frame, gap_s=gap, timezone=timezone) for gap in gaps]
    counted = [to_agent_intervals(states, every=every, timezone=timezone) for states in tables]
    open_s = counted[-1].drop_duplicates("interval_start")["interval_s"].sum()
    rows = []
    for gap, states, intervals in zip(gaps, tables, counted, strict=True):
        handling, total = intervals[["on_contact_s", "wrap_s"]].sum().sum(), intervals["logged_in_s"].sum()
        each = intervals.groupby("interval_start")[["logged_in_s", "interval_s"]].agg({"logged_in_s": "sum", "interval_s": "first"})
        rows.append(
            {
                "gap_s": gap,
                "logged_in_s": total,
                "handling_s": handling,
                "occupancy": handling / total if total else np.nan,
                "sessions": _sessions(states),
                "mean_agents": total / open_s if open_s else np.nan,
                "max_agents": (each["logged_in_s"] / each["interval_s"]).max(),
            }
        )
    return pd.DataFrame(rows)


def _gap(gap_s: Any) -> float:
    """The gap in microseconds."""
    try:
        gap = float(gap_s)
    except (TypeError, ValueError):
        gap = -1.0
    if not gap >= 0:
        raise OptionError(f"gap_s={gap_s!r} is no number of seconds from 0 on")
    return gap * 1e6


def _services(contacts: Any) -> tuple[Any, ...]:
    """Visits answered by somebody known, by agent and answer; codes of agent and queue; answer, end of talk and of wrap-up [µs]."""
    frame = as_frame(contacts, what="contacts")
    columns = ["contact_id", "queue", "queued_at", "outcome", "wait_s", "talk_s", "hold_s", "wrap_s", "agent"]
    CONTACTS.check(frame, columns=columns, keys=False)
    known = (frame["outcome"] == "answered") & frame[["agent", "queued_at", "wait_s"]].notna().all(axis=1)
    rows = frame.loc[known.to_numpy(), columns]
    (agent, agents), (queue, queues) = coded(rows["agent"]), coded(rows["queue"])
    rows = rows.assign(agent=pd.Categorical.from_codes(agent, categories=agents), queue=pd.Categorical.from_codes(queue, categories=queues))
    wait, talk, hold, wrap = (micros_of(rows[f"{part}_s"].to_numpy(dtype="float64")) for part in ("wait", "talk", "hold", "wrap"))
    start = instants_of(rows["queued_at"]) + wait
    talk_end = start + talk + hold
    wrap_end = talk_end + wrap
    order = np.lexsort((talk_end, wrap_end, queue, start, agent))
    return rows.iloc[order], *(each[order] for each in (agent, queue, start, talk_end, wrap_end))


def _instants(micros: np.ndarray) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(micros.view("datetime64[us]")).tz_localize("UTC")


def _day(micros: np.ndarray, zone: str) -> np.ndarray:
    return period_start(_instants(micros), period="day", timezone=zone).asi8


def _sessions(states: pd.DataFrame) -> int:
    """Stretches without a moment between two spans; spans of one agent never overlap."""
    agent, begin, end = states["agent"].cat.codes.to_numpy(), instants_of(states["started_at"]), instants_of(states["ended_at"])
    if not len(states):
        return 0
    latest = pd.Series(end).groupby(agent).cummax().to_numpy()
    return int(1 + ((agent[1:] != agent[:-1]) | (begin[1:] > latest[:-1])).sum())
