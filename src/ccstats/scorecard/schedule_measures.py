"""Figures made of a schedule and what agents did: adherence, conformance, shrinkage."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from ccstats.agreement import Target
from ccstats.errors import DataWarning
from ccstats.labels import reason
from ccstats.metrics import Metric
from ccstats.scorecard.sources import ALL, NotMeasured, Sources
from ccstats.workforce.adherence import measure_adherence
from ccstats.workforce.shrinkage import measure_shrinkage

__all__ = ["cut_out", "measure_kept"]

#: Of each metric of a schedule: what is divided, by what, and whether it is the rest that counts.
_KEPT = {
    "adherence": ("in_adherence_s", "scheduled_s", False),
    "conformance": ("worked_on_queue_s", "scheduled_on_queue_s", False),
    "shrinkage": ("on_queue_s", "paid_s", True),
}


def cut_out(spans: pd.DataFrame, excluded: list[tuple[pd.Timestamp, pd.Timestamp]]) -> pd.DataFrame:
    """Stretches of time of agents without the times that are left out.

    Examples
    --------
    >>> nine, hour = pd.Timestamp("2026-03-02 09:00", tz="UTC"), pd.Timedelta("1h")
    >>> day = pd.DataFrame({"agent": ["Ada"], "started_at": [nine], "ended_at": [nine + 8 * hour]})
    >>> cut_out(day, [(nine + hour, nine + 2 * hour)])["started_at"].dt.hour.tolist()
    [9, 11]
    """
    for begin, end in excluded:
        before, after = spans[spans["started_at"] < begin], spans[spans["ended_at"] > end]
        before = before.assign(ended_at=before["ended_at"].where(before["ended_at"] < begin, begin))
        after = after.assign(started_at=after["started_at"].where(after["started_at"] > end, end))
        spans = pd.concat([before, after]).sort_values(["agent", "started_at"], kind="stable", ignore_index=True)
    return spans


def measure_kept(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    """Adherence, conformance or shrinkage: seconds of all agents added up, divided last.

    Parameters
    ----------
    sources : Sources
        With ``schedule`` and ``agent_states``.
    target, metric, period
        What is judged.

    Returns
    -------
    pandas.DataFrame
        ``queue, period_start, value, value_low, value_high, count``: the figure rests on the agents who were scheduled.

    Raises
    ------
    NotMeasured
        If one of the tables was not given, or they have no agent in common: a schedule that calls agents otherwise than the log would
        make everybody absent.

    Examples
    --------
    >>> measure_kept.__name__
    'measure_kept'
    """
    schedule, states = (
        cut_out(each, sources.excluded(target)) for each in (sources.rows("schedule", target), sources.table("agent_states"))
    )
    if len(schedule) and not set(schedule["agent"].astype("str")) & set(states["agent"].astype("str")):
        raise NotMeasured(reason("no_agent_scheduled"))
    by_queue = target.by_queue and "queue" in schedule and bool(schedule["queue"].notna().any())
    measure = measure_shrinkage if metric.function == "measure_shrinkage" else measure_adherence
    above, below, rest = _KEPT[metric.name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # measure_adherence says them where a schedule is looked at by itself
        table = measure(
            schedule, states, by=[*(["queue"] if by_queue else []), "agent"], period=period, timezone=sources.agreement.timezone
        )
    table = table.assign(queue=table["queue"].astype("str") if by_queue else ALL, agents=table[below] > 0)
    sums = table.groupby(["queue", "period_start"], as_index=False)[[above, below, "agents"]].sum()
    value = sums[above] / sums[below].where(sums[below] > 0)
    return sums[["queue", "period_start"]].assign(
        value=1 - value if rest else value, value_low=np.nan, value_high=np.nan, count=sums["agents"].astype("float64")
    )
