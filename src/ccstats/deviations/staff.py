"""Who was there, taken apart like a plan: scheduled agents, shrinkage and adherence.

    agents = scheduled_agents × (1 - shrinkage) × adherence

*Planned* are the plan's ``agents`` out of its ``scheduled_agents``; shrinkage is what lies between them (the plan's own figure, save for
rounding to whole agents), adherence is 1 unless the plan has a column of that name.

*Actual* are agent-seconds on the floor (available, reserved, with a contact) by the length of the interval, out of those who were rostered:
``scheduled=``, or as planned where that is not given, and never fewer than were logged in. Of the rostered, a share was logged out and a
share was logged in without serving; together they are what was lost. A log does not know which of this was granted, but the plan knows how
much it grants, its shrinkage:

* who is logged out beyond that allowance makes shrinkage larger than planned (illness, a training that took longer);
* what the logged out leave of the allowance, pauses may use: no deviation, whether breaks are taken logged in or logged out;
* pauses beyond it are time that was to be served and was not: adherence below 1;
* an allowance that is not used up is shrinkage smaller than planned.

So actual shrinkage is the planned one, bounded below by the share logged out and above by all that was lost, and adherence is the rest. A
centre that works exactly to its plan deviates in neither. With a column ``planned_pause`` in the plan (share of the scheduled time that it
grants as pause while logged in, part of its shrinkage) pauses may use only that; shrinkage is then the share logged out and the granted
pause.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import TableError
from ccstats.expectation.expected import divide
from ccstats.expectation.outlook import numbers
from ccstats.expectation.staffed import OCCUPIED
from ccstats.schema import AGENT_INTERVALS, as_frame

__all__ = ["factor_agents", "read_agents", "read_scheduled", "sum_agents"]

Floats = NDArray[np.float64]

_PRODUCTIVE = ("available_s", "reserved_s", *OCCUPIED)


def read_agents(agent_intervals: Any) -> pd.DataFrame:
    """The columns of `agent_intervals` that are used, with ``productive_s``, the seconds on the floor.

    Raises
    ------
    TableError
        If one is missing or of another kind, a row is there twice, or the table is empty.

    Examples
    --------
    >>> import ccstats as cc
    >>> states = cc.synthesize_contacts(seed=1, days=1).agent_states
    >>> agents = read_agents(cc.to_agent_intervals(states))
    >>> bool((agents["productive_s"] <= agents["logged_in_s"] + 1e-6).all())
    True
    """
    agents = as_frame(agent_intervals, what="agent_intervals")
    columns = ["agent", "interval_start", "interval_s", "timezone", "logged_in_s", *_PRODUCTIVE]
    AGENT_INTERVALS.check(agents, columns=columns, keys=False)
    if not len(agents):
        raise TableError("agent_intervals has no rows; leave it out (agent_intervals=None) to compare contacts only")
    columns += ["queue"] if "queue" in agents else []
    if (twice := agents.duplicated(names := [str(name) for name in agents.select_dtypes(exclude="number")])).any():
        said = ", ".join(f"{name} {agents.loc[twice, name].iloc[0]}" for name in names if name != "timezone")
        raise TableError(f"agent_intervals: {said} is there twice ({twice.sum()} such rows); drop the copies, or merge parts")
    agents = agents[columns].assign(productive_s=agents[list(_PRODUCTIVE)].sum(axis=1))
    return agents.assign(interval_start=agents["interval_start"].dt.as_unit("us"))


def sum_agents(agents: pd.DataFrame, keys: list[str], queues: Any, only: str | None = None) -> pd.DataFrame:
    """Agents' seconds per queue and interval; time without a queue goes where the agent serves, by time served there.

    Parameters
    ----------
    agents : pandas.DataFrame
        As from `read_agents`.
    keys : list of str
        ``queue``, or nothing for one pool.
    queues : pandas.CategoricalDtype
        The queues compared; others are left out. Not looked at for one pool.
    only : str, optional
        The one queue that agents without a column ``queue`` serve.

    Returns
    -------
    pandas.DataFrame
        ``logged_in_s, productive_s`` and ``interval_s_staffed``, the length of the agents' interval. [s]

    Examples
    --------
    A quarter of an hour of pause without a queue, of an agent who serves sales only:

    >>> start = pd.Timestamp("2026-03-02 09:00", tz="UTC")
    >>> agents = pd.DataFrame({"agent": "Ada", "queue": ["sales", None], "interval_start": start, "interval_s": 1800.0})
    >>> agents = agents.assign(logged_in_s=[900.0, 900.0], productive_s=[900.0, 0.0])
    >>> sum_agents(agents, ["queue"], pd.CategoricalDtype(["sales"]))["logged_in_s"].tolist()
    [1800.0]
    """
    if keys:
        agents = agents.assign(queue=only if "queue" not in agents else agents["queue"].astype("str"))
        known = agents["queue"].notna()
        if not known.all():
            served = agents[known].groupby(["agent", "queue"], observed=True)["productive_s"].sum().rename("part").reset_index()
            served["part"] /= served.groupby("agent", observed=True)["part"].transform("sum").replace(0.0, np.nan)
            spread = agents[~known].drop(columns="queue").merge(served.dropna(), on="agent")
            spread["logged_in_s"] *= spread.pop("part")
            agents = pd.concat([agents[known], spread], ignore_index=True)
        agents = agents[agents["queue"].isin(queues.categories)].astype({"queue": queues})
    groups = agents.groupby([*keys, "interval_start"], observed=True)
    return groups[["logged_in_s", "productive_s"]].sum().assign(interval_s_staffed=groups["interval_s"].first()).reset_index()


def read_scheduled(scheduled: Any, made: pd.DataFrame, keys: list[str]) -> Floats:
    """Who was rostered in each interval of ``made``, as the table ``scheduled`` says.

    Raises
    ------
    TableError
        If a column is missing, a number is none or negative, or intervals in which agents were planned have no row.

    Examples
    --------
    >>> start = pd.date_range("2026-03-02 09:00", periods=2, freq="30min", tz="UTC")
    >>> scheduled = pd.DataFrame({"interval_start": start[:1], "scheduled_agents": 7})
    >>> read_scheduled(scheduled, pd.DataFrame({"interval_start": start, "scheduled": [8.0, 0.0]}), [])
    array([7., 0.])
    """
    frame = as_frame(scheduled, what="scheduled")
    names = [*keys, "interval_start"]
    lacking = [name for name in (*names, "scheduled_agents") if name not in frame]
    if lacking or not isinstance(frame["interval_start"].dtype, pd.DatetimeTZDtype):
        trouble = f"lacks {', '.join(lacking)}" if lacking else f"has interval_start as {frame['interval_start'].dtype}"
        raise TableError(
            f"scheduled= needs the columns {', '.join((*names, 'scheduled_agents'))}, interval_start with its zone; it {trouble}"
        )
    frame = frame.assign(interval_start=frame["interval_start"].dt.tz_convert("UTC").dt.as_unit("us"))
    if keys:
        frame = frame[frame["queue"].isin(made["queue"].cat.categories)].astype({"queue": made["queue"].dtype})
    if not (np.isfinite(numbers(frame, "scheduled_agents")) & (numbers(frame, "scheduled_agents") >= 0)).all():
        raise TableError("scheduled=: scheduled_agents must be numbers from 0 up, none missing")
    sums = frame.groupby(names, observed=True)["scheduled_agents"].sum().rename("rostered").reset_index()
    found = made[names].merge(sums, on=names, how="left")["rostered"].to_numpy(dtype="float64")
    unknown = np.isnan(found) & (numbers(made, "scheduled") > 0)
    if unknown.any():
        row = made[unknown].iloc[0]
        raise TableError(
            f"scheduled= has no row for {unknown.sum()} of {len(made)} intervals compared in which agents were planned, first "
            f"{row.get('queue', 'all queues')} at {row['interval_start']}; give 0 where nobody was rostered"
        )
    return np.nan_to_num(found)


def factor_agents(made: pd.DataFrame, rostered: Floats) -> pd.DataFrame:
    """Agents present as scheduled × (1 - shrinkage) × adherence, see the head of this file.

    Parameters
    ----------
    made : pandas.DataFrame
        ``interval_s, logged_in_s, productive_s`` (missing: nobody), ``planned_shrinkage, planned_adherence``, and ``paused``, the agents
        that the plan grants as paused out of ``scheduled`` (missing: it does not say).
    rostered : numpy.ndarray
        Who was rostered. [agents]

    Returns
    -------
    pandas.DataFrame
        With ``scheduled_agents, shrinkage, adherence, agents, logged_in_agents``.

    Examples
    --------
    Ten scheduled, three of them granted off: two are logged out, and three on average in a pause, so that two more than granted are
    missing on the floor of seven:

    >>> made = pd.DataFrame({"interval_s": [1800.0], "logged_in_s": 8 * 1800.0, "productive_s": 5 * 1800.0, "planned_shrinkage": 0.3})
    >>> made = factor_agents(made.assign(planned_adherence=1.0), np.array([10.0]))
    >>> made[["scheduled_agents", "shrinkage", "adherence", "agents"]].round(4).iloc[0].tolist()
    [10.0, 0.3, 0.7143, 5.0]
    """
    made = made.fillna({"logged_in_s": 0.0, "productive_s": 0.0})
    length = numbers(made, "interval_s")
    logged_in, present = numbers(made, "logged_in_s") / length, numbers(made, "productive_s") / length
    rostered = np.maximum(rostered, logged_in)
    away, lost = 1 - divide(logged_in, rostered), 1 - divide(present, rostered)
    granted_pause = divide(numbers(made, "paused"), numbers(made, "scheduled"))
    planned = numbers(made, "planned_shrinkage")
    shrinkage = np.where(np.isnan(granted_pause), np.clip(planned, away, lost), away + np.minimum(lost - away, granted_pause))
    shrinkage = np.where(rostered > 0, shrinkage, planned)
    granted = rostered * (1 - shrinkage)
    adherence = np.where(granted > 0, np.minimum(divide(present, granted), 1.0), numbers(made, "planned_adherence"))
    return made.assign(scheduled_agents=rostered, shrinkage=shrinkage, adherence=adherence, agents=present, logged_in_agents=logged_in)
