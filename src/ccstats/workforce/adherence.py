"""Was the schedule kept? Adherence and conformance by agent, team and interval, and the exceptions one by one."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning, OptionError
from ccstats.workforce.kept import ON_QUEUE, check_schedule, cut_at, lay_over, mark

__all__ = ["list_exceptions", "measure_adherence", "pieces_of"]

_SUMS = ("scheduled_s", "in_adherence_s", "exception_s", "outside_s", "scheduled_on_queue_s", "worked_on_queue_s")


def measure_adherence(
    schedule: Any,
    agent_states: Any,
    *,
    by: str | Sequence[str] = ("agent",),
    period: str | None = None,
    timezone: str = "UTC",
    every: str = "30min",
    on_queue: str | Sequence[str] = (ON_QUEUE,),
    reasons: Mapping[str, str] | None = None,
    match: str = "time",
    tolerance_s: float = 0.0,
    outside: str = "ignore",
    covered: tuple[Any, Any] | None = None,
) -> pd.DataFrame:
    r"""Adherence (the right thing at the right time) and conformance (as much of it as planned) of agents to their schedule.

    Parameters
    ----------
    schedule : pandas.DataFrame or Arrow table
        ``agent, started_at, ended_at`` and ``activity`` (``on_queue`` where it is not there); a roster is one. Other columns, such as
        ``team``, may be grouped by.
    agent_states : pandas.DataFrame or Arrow table
        What the agents did.
    by : str or sequence of str
        ``agent``, columns of the schedule that are one word for each agent, or nothing for all together.
    period : str, optional
        ``interval``, ``hour``, ``day``, ``week``, ``month``, ``quarter`` or ``year``; without one, one row a group.
    timezone : str
        The zone whose days count.
    every : str
        Length of an interval.
    on_queue : str or sequence of str
        Activities of the schedule in which queues are to be served.
    reasons : mapping of str to str, optional
        What a pause's reason is called in the schedule, such as ``{"mittag": "break"}``; for ``match="activity"``.
    match : {"time", "activity"}
        ``time``: on queue when on queue was planned, and not on queue when something else was [2]_.
        ``activity``: and doing what was planned.
    tolerance_s : float
        An exception that lasts no longer counts as kept. [s]
    outside : {"ignore", "exception"}
        Whether time on queue outside the schedule is an exception too, which then lengthens the time that is judged.
    covered : (instant, instant), optional
        From when to when the log tells what agents did; by default from its first to its last moment. Other time counts nowhere.

    Returns
    -------
    pandas.DataFrame
        The groups, ``period_start``, and: ``scheduled_s``; ``in_adherence_s`` and ``exception_s``, which make it up; ``outside_s`` on queue
        outside the schedule; ``scheduled_on_queue_s``, ``worked_on_queue_s`` (in or outside the schedule); ``adherence``, ``conformance``
        (may exceed 1). Ratios with an empty denominator are missing.

    Raises
    ------
    TableError
        If a column is missing or a schedule's rows of one agent overlap.
    OptionError, ZoneError
        If an argument has a value that is not allowed.

    Warns
    -----
    DataWarning
        If scheduled agents are not in the log at all (they count as absent), or the log covers part of the schedule only.

    See Also
    --------
    list_exceptions : each exception, with its kind.
    measure_shrinkage : what became of paid time.

    Notes
    -----
    Adherence = in_adherence_s / scheduled_s = 1 - exception_s / scheduled_s; with ``outside="exception"`` it is
    in_adherence_s / (scheduled_s + outside_s). Conformance = worked_on_queue_s / scheduled_on_queue_s [1]_. Pages about this swap the two
    words; the formula decides.

    References
    ----------
    .. [1] Genesys Cloud, how adherence and conformance are calculated.
    .. [2] Amazon Connect, historical metrics definitions: adherence.

    Examples
    --------
    An hour is planned; the agent comes ten minutes late and stays ten minutes longer:

    >>> import ccstats as cc
    >>> nine = pd.Timestamp("2024-03-01 09:00", tz="UTC")
    >>> hour = pd.DataFrame({"agent": ["Ada"], "started_at": nine, "ended_at": nine + pd.Timedelta("60min")})
    >>> log = cc.read(b"1709284200|NONE|q|Ada|ADDMEMBER|\n1709287800|NONE|q|Ada|REMOVEMEMBER|\n")
    >>> covered = nine - pd.Timedelta("8h"), nine + pd.Timedelta("8h")
    >>> kept = cc.measure_adherence(hour, log.agent_states, covered=covered)
    >>> kept[["adherence", "conformance"]].round(4).values.tolist()
    [[0.8333, 1.0]]
    >>> cc.measure_adherence(hour, log.agent_states, covered=covered, outside="exception")["adherence"].round(4).tolist()
    [0.7143]
    """
    if outside not in ("ignore", "exception"):
        raise OptionError(f"outside={outside!r}: expected 'ignore' or 'exception'")
    pieces, groups = pieces_of(
        schedule, agent_states, by, on_queue=on_queue, reasons=reasons, match=match, tolerance_s=tolerance_s, covered=covered
    )
    pieces = cut_at(pieces, period, timezone, every)
    seconds = (pieces["ended_at"] - pieces["started_at"]).dt.total_seconds()
    sums = pieces[[*groups, *(["period_start"] if period else [])]].assign(
        scheduled_s=seconds.where(pieces["scheduled"], 0.0),
        in_adherence_s=seconds.where(pieces["kept"], 0.0),
        exception_s=seconds.where(pieces["scheduled"] & ~pieces["kept"], 0.0),
        outside_s=seconds.where(~pieces["scheduled"], 0.0),
        scheduled_on_queue_s=seconds.where(pieces["planned_on"], 0.0),
        worked_on_queue_s=seconds.where(pieces["serving"], 0.0),
    )
    out = add_up(sums, [*groups, *(["period_start"] if period else [])], _SUMS)
    judged = out["scheduled_s"] + (out["outside_s"] if outside == "exception" else 0.0)
    return out.assign(
        adherence=_divide(out["in_adherence_s"], judged), conformance=_divide(out["worked_on_queue_s"], out["scheduled_on_queue_s"])
    )


def list_exceptions(
    schedule: Any,
    agent_states: Any,
    *,
    on_queue: str | Sequence[str] = (ON_QUEUE,),
    reasons: Mapping[str, str] | None = None,
    match: str = "time",
    tolerance_s: float = 0.0,
    covered: tuple[Any, Any] | None = None,
) -> pd.DataFrame:
    r"""Every stretch of time that was not as planned, the longest first.

    Parameters
    ----------
    schedule, agent_states, on_queue, reasons, match, tolerance_s, covered
        As for `measure_adherence`.

    Returns
    -------
    pandas.DataFrame
        ``agent, started_at, ended_at, seconds, kind, planned, actual``; ``kind`` is ``absent`` (not seen in a whole stretch of the
        schedule), ``late``, ``left_early``, ``away`` (logged out in between), ``off_queue`` (paused when on queue was planned),
        ``worked_through`` (on queue when something else was planned), ``other_activity`` (with ``match="activity"``) or ``outside``
        (on queue when nothing was planned: no exception unless asked for).

    Raises
    ------
    TableError, OptionError
        As for `measure_adherence`.

    Examples
    --------
    >>> import ccstats as cc
    >>> nine = pd.Timestamp("2024-03-01 09:00", tz="UTC")
    >>> hour = pd.DataFrame({"agent": ["Ada"], "started_at": nine, "ended_at": nine + pd.Timedelta("60min")})
    >>> log = cc.read(b"1709284200|NONE|q|Ada|ADDMEMBER|\n1709287800|NONE|q|Ada|REMOVEMEMBER|\n")
    >>> covered = nine - pd.Timedelta("8h"), nine + pd.Timedelta("8h")
    >>> cc.list_exceptions(hour, log.agent_states, covered=covered)[["agent", "seconds", "kind"]].values.tolist()
    [['Ada', 600.0, 'late'], ['Ada', 600.0, 'outside']]
    """
    pieces, _ = pieces_of(
        schedule, agent_states, (), on_queue=on_queue, reasons=reasons, match=match, tolerance_s=tolerance_s, covered=covered
    )
    found = pieces[pieces["kind"].notna() & pieces["agent"].isin(pieces.loc[pieces["scheduled"], "agent"])]
    runs = found.groupby("run", as_index=False)
    out = runs.agg(
        agent=("agent", "first"), started_at=("started_at", "min"), ended_at=("ended_at", "max"),
        kind=("kind", "first"), planned=("planned", "first"), actual=("actual", "first"),
    )  # fmt: skip
    out.insert(4, "seconds", (out["ended_at"] - out["started_at"]).dt.total_seconds())
    return out.drop(columns="run").sort_values("seconds", ascending=False, kind="stable", ignore_index=True)


def pieces_of(
    schedule: Any, agent_states: Any, by: str | Sequence[str], *, on_queue: Any, reasons: Any, match: str, tolerance_s: float, covered: Any
) -> tuple[pd.DataFrame, list[str]]:
    """Marked pieces of time with the groups' columns, and the names of these.

    Examples
    --------
    >>> pieces_of.__name__
    'pieces_of'
    """
    plan = check_schedule(schedule)
    groups = [by] if isinstance(by, str) else list(by)
    absent = [name for name in groups if name not in plan or name in ("started_at", "ended_at")]
    if absent:
        raise OptionError(f"by={by!r}: the schedule has no column {', '.join(map(repr, absent))} to group by")
    of_agent = plan[["agent", *(name for name in groups if name != "agent")]].drop_duplicates()
    twice = of_agent.loc[of_agent["agent"].duplicated(), "agent"].unique()
    if len(twice):
        raise OptionError(
            f"by={by!r}: agents {', '.join(map(repr, twice[:5]))} have several values there; time outside the schedule could not be placed"
        )
    pieces = lay_over(plan, agent_states, reasons, covered)
    # Time of agents who are in no schedule cannot be judged by one.
    pieces = pieces[pieces["agent"].isin(of_agent["agent"])].reset_index(drop=True)
    _warn(plan, pieces)
    marked = mark(pieces, on_queue=on_queue, match=match, tolerance_s=tolerance_s)
    return marked.merge(of_agent, on="agent", how="left"), groups


def _warn(plan: pd.DataFrame, pieces: pd.DataFrame) -> None:
    seen = set(pieces.loc[pieces["actual"].notna(), "agent"])
    never = [agent for agent in plan["agent"].unique() if agent not in seen]
    if never and len(pieces):
        warnings.warn(
            f"{len(never)} scheduled agents are not on queue or paused in the log ({', '.join(map(repr, never[:5]))}"
            f"{', …' if len(never) > 5 else ''}): they count as absent. Are they called the same in both tables?",
            DataWarning,
            stacklevel=4,
        )
    scheduled = float((plan["ended_at"] - plan["started_at"]).dt.total_seconds().sum())
    there = pieces[pieces["planned"].notna()]
    covered = float((there["ended_at"] - there["started_at"]).dt.total_seconds().sum())
    if covered < scheduled - 1:
        warnings.warn(
            f"the log covers {covered / 3600:,.1f} of {scheduled / 3600:,.1f} scheduled hours; the rest is not judged",
            DataWarning,
            stacklevel=4,
        )


def add_up(sums: pd.DataFrame, keys: Sequence[str], names: Sequence[str]) -> pd.DataFrame:
    """Sums of each group; one row where there is none to group by.

    Examples
    --------
    >>> add_up(pd.DataFrame({"a": [1.0, 2.0]}), [], ["a"]).values.tolist()
    [[3.0]]
    """
    if not keys:
        return sums[list(names)].sum().to_frame().T
    return sums.groupby(list(keys), observed=True, as_index=False)[list(names)].sum()


def _divide(numerator: pd.Series, denominator: pd.Series) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(denominator > 0, numerator / denominator, np.nan)
