"""A plan where nobody wrote one: what was usual at this time of the week, so that what happened has something to be compared with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.expectation.expected import divide
from ccstats.expectation.outlook import numbers
from ccstats.expectation.staffed import Window, handle_times, join_agents, pooled_patience
from ccstats.profile import fit_profile
from ccstats.schema import PLAN, as_frame

__all__ = ["plan_as_usual"]


def plan_as_usual(
    intervals: Any,
    agent_intervals: Any,
    *,
    by: str | tuple[()] | None = None,
    patience_s: float | None = None,
    **profile: Any,
) -> pd.DataFrame:
    """The volume, handle time and agents that were usual for each interval, as a `plan`.

    Parameters
    ----------
    intervals : table
        `intervals`, counted with a threshold.
    agent_intervals : table
        `agent_intervals`, cut alike.
    by : str, optional
        ``queue``: every queue with its agents; ``()``: all queues as one, named ``all``. By default ``queue`` where the agents' time has
        one.
    patience_s : float, optional
        Mean patience; by default total wait by abandons of each queue, see `estimate_patience`. [s]
    **profile
        How the calendar is taken into account: ``kind``, ``baseline``, ``window``, ``half_life``, ``holidays``, see `fit_profile`.

    Returns
    -------
    pandas.DataFrame
        A `plan`: ``interval_start``, ``expected_offered``, ``expected_aht_s``, ``agents`` (real-valued) and what they rest on. An interval
        is compared with earlier ones, the first weeks with each other. Intervals that the calendar knows nothing of are missing. The note
        of every row says that nobody planned this.

    Raises
    ------
    TableError, OptionError
        If the tables do not fit together, or there are too few intervals for a profile.

    See Also
    --------
    explain_service_level : what a difference from a plan came from.

    Notes
    -----
    Explained against this plan, a bad day is told apart into more contacts, longer ones and fewer agents *than usual*; whether the usual
    was enough is another question.

    Examples
    --------
    >>> import ccstats as cc
    >>> centre = cc.synthesize_contacts(seed=1, days=21)
    >>> half_hours = cc.to_intervals(centre.contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> staffed = cc.to_agent_intervals(centre.agent_states, timezone="Europe/Istanbul")
    >>> usual = cc.plan_as_usual(half_hours, staffed, by=())
    >>> bool((usual["agents"] >= 0).all())
    True
    """
    if "count" in profile or "value" in profile:
        raise OptionError("value= and count= are those of the volume, the handle time and the agents; give kind=, window=, holidays= …")
    frame, keys = join_agents(as_frame(intervals, what="intervals"), agent_intervals, by)
    queue = frame["queue"].cat.codes.to_numpy().astype("int64") if keys else np.zeros(len(frame), dtype="int64")
    alone = Window(np.arange(len(frame)), 1)
    observed = frame[["interval_start", "interval_s", "timezone", "threshold_s", "short_s"]].assign(
        queue=frame["queue"] if keys else pd.Categorical(["all"] * len(frame)),
        offered=frame["offered"].astype("float64"),
        aht_s=np.where(frame["answered"] > 0, handle_times(frame, queue, "interval", alone), np.nan),
        answered=frame["answered"].astype("float64"),
        agents=divide(numbers(frame, "productive_s"), numbers(frame, "interval_s")),
    )
    zone = str(frame["timezone"].iloc[0]) if len(frame) else "UTC"
    usual = {
        name: fit_profile(observed, value=name, count=count, start="interval_start", timezone=zone, **profile)["level"].to_numpy()
        for name, count in (("offered", None), ("aht_s", "answered"), ("agents", None))
    }
    made = observed[["queue", "interval_start", "interval_s", "threshold_s", "short_s"]].assign(
        expected_offered=np.maximum(usual["offered"], 0.0),
        expected_aht_s=usual["aht_s"],
        agents=np.maximum(usual["agents"], 0.0),
        patience_s=pooled_patience(frame, queue, patience_s),
        definition=pd.Categorical(["service_level"] * len(frame)),
        note=pd.Series(["nobody planned this: it is what was usual"] * len(frame), dtype="str"),
    )
    return made[[*(name for name in PLAN.names() if name in made)]]
