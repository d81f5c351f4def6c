"""A plan as a schedule meets it: the agents it asks for, those who are there, and the service that the sizing models expect of them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning, TableError
from ccstats.schema import PLAN, as_frame
from ccstats.workforce.evaluation import evaluate_staffing

__all__ = ["gaps_of", "hours_short", "on_the_floor", "read_required", "with_expected"]

#: Less than that is the solver's rounding. [agents]
_COVERED_ENOUGH = 1e-6


def read_required(plan: Any, required: str | None, objective: str = "cost") -> tuple[pd.DataFrame, str]:
    """The plan in order, checked, and the name of the column with the agents to cover.

    Raises
    ------
    TableError
        If a column is missing, agents are missing, negative or infinite, or a queue has intervals twice or overlapping.

    Examples
    --------
    >>> read_required(pd.DataFrame({"queue": ["help"]}), None)
    Traceback (most recent call last):
    ccstats.errors.TableError: plan: no column interval_start, interval_s, agents; make one with ccstats.plan_staffing, or name the agents' column with required=
    """  # noqa: E501
    frame = as_frame(plan, what="plan")
    column = required or ("scheduled_agents" if "scheduled_agents" in frame else "agents")
    absent = [name for name in ("queue", "interval_start", "interval_s", column) if name not in frame]
    if absent:
        raise TableError(
            f"plan: no column {', '.join(absent)}; make one with ccstats.plan_staffing, or name the agents' column with required="
        )
    if objective == "service_level":
        PLAN.check(frame, columns=["expected_offered", "expected_aht_s", "threshold_s", "patience_s", "definition", "model"], keys=False)
    frame = frame.assign(queue=frame["queue"].astype("str")).sort_values(["queue", "interval_start"], kind="stable", ignore_index=True)
    if not isinstance(frame["interval_start"].dtype, pd.DatetimeTZDtype):
        raise TableError(f"plan: interval_start is {frame['interval_start'].dtype}; expected instants with a time zone")
    numbers = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    bad = ~(numbers >= 0) | np.isinf(numbers)
    if bad.any():
        row = frame.loc[np.flatnonzero(bad)[0]]
        raise TableError(
            f"plan: {column} is missing, negative or infinite in {int(bad.sum())} rows, first queue {row['queue']!r} at "
            f"{row['interval_start']}: {row[column]!r}. Leave such intervals out or say how many agents they need"
        )
    ends = frame["interval_start"] + pd.to_timedelta(frame["interval_s"], unit="s")
    over = (frame["queue"] == frame["queue"].shift()) & (frame["interval_start"] < ends.shift())
    if over.any():
        row = frame.iloc[int(np.argmax(over.to_numpy()))]
        raise TableError(f"plan: queue {row['queue']!r} has intervals twice or overlapping, first at {row['interval_start']}")
    return frame, column


def on_the_floor(plan: pd.DataFrame, coverage: pd.DataFrame, covered: str = "covered") -> pd.DataFrame:
    """The plan with the agents of a schedule, without the shrinkage that its scheduled agents hold.

    Examples
    --------
    >>> start = pd.to_datetime(["2024-03-01 09:00"], utc=True)
    >>> plan = pd.DataFrame({"queue": "help", "interval_start": start, "scheduled_agents": 5.0, "shrinkage": 0.2})
    >>> on_the_floor(plan, pd.DataFrame({"queue": "help", "interval_start": start, "covered": 10.0}))["agents"].tolist()
    [8.0]
    """
    there = coverage[["queue", "interval_start", covered]].rename(columns={covered: "_covered"})
    plan = plan.merge(there, on=["queue", "interval_start"], how="left")
    share = 1 - plan["shrinkage"].fillna(0.0) if "shrinkage" in plan and "scheduled_agents" in plan else 1.0
    return plan.assign(agents=plan["_covered"] * share, queue=plan["queue"].astype("category")).drop(columns="_covered")


def with_expected(plan: pd.DataFrame, coverage: pd.DataFrame) -> pd.DataFrame:
    """Coverage with what the sizing models expect of the agents on the floor, where the plan says enough.

    Examples
    --------
    >>> with_expected(pd.DataFrame(), pd.DataFrame({"covered": [1.0]})).columns.tolist()
    ['covered']
    """
    if any(name not in plan for name in ("expected_offered", "expected_aht_s", "threshold_s", "patience_s")):
        return coverage
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        expected = evaluate_staffing(plan)
    names = ["agents", "expected_service_level", "expected_asa_s", "expected_abandonment_rate", "expected_occupancy"]
    keys = ["queue", "interval_start"]
    found = expected[[*keys, *names]].assign(queue=expected["queue"].astype("str"))
    return coverage.merge(found, on=keys, how="left")


def gaps_of(coverage: pd.DataFrame) -> pd.DataFrame:
    """Intervals that are short of agents, the worst first.

    Examples
    --------
    >>> gaps_of(pd.DataFrame({"gap": [0.5, -1.0, 2.0]}))["gap"].tolist()
    [2.0, 0.5]
    """
    short = coverage[coverage["gap"] > _COVERED_ENOUGH]
    return short.sort_values("gap", ascending=False, kind="stable", ignore_index=True)


def hours_short(coverage: pd.DataFrame, column: str = "gap") -> float:
    """Agent-hours short, all intervals added.

    Examples
    --------
    >>> hours_short(pd.DataFrame({"gap": [0.5, -1.0, 2.0], "interval_s": 1800.0}))
    1.25
    """
    return float((coverage[column].clip(lower=0.0) * coverage["interval_s"]).sum() / 3600)
