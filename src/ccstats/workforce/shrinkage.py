"""What became of paid time: shrinkage planned and actual, and the steps from paid hours to contacts handled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccstats.workforce.adherence import add_up, pieces_of
from ccstats.workforce.kept import ON_QUEUE, cut_at

__all__ = ["measure_shrinkage", "split_paid_time"]

#: What scheduled time on queue became when the agent was not logged in.
_ABSENT = "absent"


def measure_shrinkage(
    schedule: Any,
    agent_states: Any,
    *,
    by: str | Sequence[str] = (),
    period: str | None = None,
    timezone: str = "UTC",
    every: str = "30min",
    on_queue: str | Sequence[str] = (ON_QUEUE,),
    covered: tuple[Any, Any] | None = None,
) -> pd.DataFrame:
    r"""The share of paid time that does not serve queues: as planned, and as it was.

    Parameters
    ----------
    schedule : pandas.DataFrame or Arrow table
        ``agent, started_at, ended_at, activity`` and ``paid`` (true where it is not there): paid time with what it was meant for, leave and
        training included. A roster without activities has no planned shrinkage.
    agent_states : pandas.DataFrame or Arrow table
        What the agents did.
    by, period, timezone, every, on_queue, covered
        As for `measure_adherence`.

    Returns
    -------
    pandas.DataFrame
        The groups, ``period_start``, and: ``paid_s``; ``planned_on_queue_s``, ``on_queue_s`` of it; ``planned_shrinkage = 1 -
        planned_on_queue_s / paid_s`` and ``shrinkage = 1 - on_queue_s / paid_s`` (missing where nothing was paid). Time on queue outside
        the schedule is not paid.

    Raises
    ------
    TableError, OptionError, ZoneError
        As for `measure_adherence`.

    Warns
    -----
    DataWarning
        As for `measure_adherence`.

    See Also
    --------
    split_paid_time : which activities it is made of.
    plan_staffing : takes it as ``shrinkage=``.

    Examples
    --------
    >>> import ccstats as cc
    >>> nine, hour = pd.Timestamp("2024-03-01 09:00", tz="UTC"), pd.Timedelta("1h")
    >>> day = pd.DataFrame({"agent": "Ada", "started_at": [nine, nine + 3 * hour], "ended_at": [nine + 3 * hour, nine + 4 * hour],
    ...                     "activity": ["on_queue", "training"]})
    >>> log = cc.read(b"1709285400|NONE|q|Ada|ADDMEMBER|\n1709294400|NONE|q|Ada|REMOVEMEMBER|\n")
    >>> cc.measure_shrinkage(day, log.agent_states, covered=(nine, nine + 4 * hour))[["planned_shrinkage", "shrinkage"]].values.tolist()
    [[0.25, 0.375]]
    """
    pieces, groups = _paid(schedule, agent_states, by, on_queue, covered)
    pieces = cut_at(pieces, period, timezone, every)
    seconds = (pieces["ended_at"] - pieces["started_at"]).dt.total_seconds()
    keys = [*groups, *(["period_start"] if period else [])]
    sums = pieces[keys].assign(
        paid_s=seconds,
        planned_on_queue_s=seconds.where(pieces["planned_on"], 0.0),
        on_queue_s=seconds.where(pieces["serving"], 0.0),
    )
    out = add_up(sums, keys, ["paid_s", "planned_on_queue_s", "on_queue_s"])
    with np.errstate(invalid="ignore", divide="ignore"):
        return out.assign(
            planned_shrinkage=1 - (out["planned_on_queue_s"] / out["paid_s"]).where(out["paid_s"] > 0),
            shrinkage=1 - (out["on_queue_s"] / out["paid_s"]).where(out["paid_s"] > 0),
        )


def split_paid_time(
    schedule: Any,
    agent_states: Any,
    *,
    by: str | Sequence[str] = (),
    on_queue: str | Sequence[str] = (ON_QUEUE,),
    reasons: Mapping[str, str] | None = None,
    covered: tuple[Any, Any] | None = None,
) -> pd.DataFrame:
    r"""The waterfall of paid time: what each activity took of it, and what was left for the queues, planned and actual.

    Parameters
    ----------
    schedule, agent_states, by, on_queue, covered
        As for `measure_shrinkage`.
    reasons : mapping of str to str, optional
        What a pause's reason is called in the schedule, so that both stand in one row.

    Returns
    -------
    pandas.DataFrame
        The groups, and: ``step`` (``paid``; each activity that is not on queue, the most costly first; ``absent``, logged out when on queue
        was planned; ``on_queue``), ``planned_s, actual_s, planned_share, actual_share`` (of paid time). The steps between the first and
        the last add up to the difference of the two. What was planned off queue while the agent was logged out is what was planned.

    Raises
    ------
    TableError, OptionError
        As for `measure_adherence`.

    Examples
    --------
    >>> import ccstats as cc
    >>> nine, hour = pd.Timestamp("2024-03-01 09:00", tz="UTC"), pd.Timedelta("1h")
    >>> day = pd.DataFrame({"agent": "Ada", "started_at": [nine, nine + 3 * hour], "ended_at": [nine + 3 * hour, nine + 4 * hour],
    ...                     "activity": ["on_queue", "training"]})
    >>> log = cc.read(b"1709285400|NONE|q|Ada|ADDMEMBER|\n1709294400|NONE|q|Ada|REMOVEMEMBER|\n")
    >>> steps = cc.split_paid_time(day, log.agent_states, covered=(nine, nine + 4 * hour))
    >>> steps[["step", "planned_share", "actual_share"]].values.tolist()
    [['paid', 1.0, 1.0], ['training', 0.25, 0.25], ['absent', 0.0, 0.125], ['on_queue', 0.75, 0.625]]
    """
    pieces, groups = _paid(schedule, agent_states, by, on_queue, covered, reasons)
    seconds = (pieces["ended_at"] - pieces["started_at"]).dt.total_seconds()
    planned = pieces["planned"].mask(pieces["planned_on"], ON_QUEUE)
    away = pieces["planned"].mask(pieces["planned_on"], _ABSENT)
    actual = pieces["actual"].fillna(away)
    both = [
        pieces[groups].assign(step=step, planned_s=seconds * share, actual_s=seconds * (1 - share))
        for step, share in ((planned, 1), (actual, 0))
    ]
    paid = pieces[groups].assign(step="paid", planned_s=seconds, actual_s=seconds)
    out = add_up(pd.concat([*both, paid], ignore_index=True), [*groups, "step"], ["planned_s", "actual_s"])
    whole = out[out["step"] == "paid"][[*groups, "actual_s"]].rename(columns={"actual_s": "_paid"})
    out = out.merge(whole, on=groups, how="left") if groups else out.assign(_paid=float(whole["_paid"].sum()))
    for side in ("planned", "actual"):
        out[f"{side}_share"] = (out[f"{side}_s"] / out["_paid"]).where(out["_paid"] > 0)
    place = out["step"].map({"paid": 0, _ABSENT: 2, ON_QUEUE: 3}).fillna(1)
    order = out.assign(_place=place, _cost=-out[["planned_s", "actual_s"]].max(axis=1)).sort_values(
        [*groups, "_place", "_cost"], kind="stable"
    )
    return order.drop(columns=["_paid", "_place", "_cost"]).reset_index(drop=True)


def _paid(
    schedule: Any, agent_states: Any, by: str | Sequence[str], on_queue: Any, covered: Any, reasons: Any = None
) -> tuple[pd.DataFrame, list[str]]:
    pieces, groups = pieces_of(
        schedule, agent_states, by, on_queue=on_queue, reasons=reasons, match="time", tolerance_s=0.0, covered=covered
    )
    return pieces[pieces["paid"] & pieces["scheduled"]].reset_index(drop=True), groups
