"""The plan's side of a comparison: its columns under the names used here, with what may be left out, and its queues as one pool."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import DataWarning, TableError
from ccstats.expectation.expected import divide
from ccstats.expectation.outlook import numbers
from ccstats.periods import period_start
from ccstats.schema import FORECAST, PLAN, as_frame

__all__ = ["INNER", "fill_means", "planned_handle_times", "planned_shares", "pool_planned", "read_planned"]

Floats = NDArray[np.float64]

#: Columns that `read_planned` makes for those who join tables, and no reader of the result needs.
INNER = ("scheduled", "granted", "present", "paused", "plan_shrinkage", "plan_adherence")
#: Columns that add up over pooled queues; the others are means, weighted.
_ADDED = ("planned_offered", *INNER[:4], "lines")
_OPTIONAL = ("threshold_s", "scheduled_agents", "shrinkage", "expected_service_level", "required_agents", "target_service_level")


def read_planned(plan: Any, *, what: str = "plan") -> pd.DataFrame:
    """The columns of a plan, or of a forecast as a plan of nobody, as both sides of a comparison name them.

    Parameters
    ----------
    plan : table
        A `plan`; or a `forecast`, whose further columns are left out.
    what : str
        ``plan`` or ``forecast``.

    Returns
    -------
    pandas.DataFrame
        One row per row of the plan, in its order. Volume and agents are missing where nothing can be planned: no number of agents meets the
        target, or contacts without a handle time. See `ccstats.deviations.joined.join_plan` for what may be left out.

    Raises
    ------
    TableError
        If a column is missing or of another kind, a share is none, a number is negative, a queue and interval is there twice, or there are
        no rows.

    Warns
    -----
    DataWarning
        If more agents are on the floor than are scheduled.

    Examples
    --------
    Fourteen agents of twenty scheduled, with the keys and volumes of the plan:

    >>> start = pd.date_range("2026-03-02 09:00", periods=1, freq="30min", tz="UTC")
    >>> plan = pd.DataFrame({"queue": "sales", "interval_start": start, "interval_s": 1800, "expected_offered": 100, "expected_aht_s": 180})
    >>> planned = read_planned(plan.assign(agents=14, shrinkage=0.3))
    >>> planned[["scheduled", "granted", "present"]].iloc[0].round(9).tolist()
    [20.0, 14.0, 14.0]
    """
    frame = as_frame(plan, what=what)
    needed = FORECAST.names(required=True)
    if what == "forecast":
        frame = frame[[name for name in needed if name in frame]].assign(agents=0.0)
    if all(name in frame for name in needed):
        with suppress(TypeError, ValueError):  # what cannot be taken so, the check names
            frame = PLAN.conform(frame)
    columns = [*needed, "agents", *(name for name in (*_OPTIONAL, "patience_s", "lines", "short_s") if name in frame)]
    problems = PLAN.problems(frame, columns=columns, keys=False)
    for name in ("expected_offered", "expected_aht_s", "agents", "scheduled_agents") if not problems else ():
        if (wrong := numbers(frame, name) < 0).any():
            rows = f"{wrong.sum()} row{'s' if wrong.sum() > 1 else ''}"
            problems.append(f"column {name!r} is {numbers(frame, name)[wrong][0]:g} in {rows}; expected 0 or more")
    for name in ("shrinkage", "adherence", "planned_pause"):
        wrong = (numbers(frame, name) < 0) | (numbers(frame, name) > 1) | ((name == "adherence") & (numbers(frame, name) == 0))
        if wrong.any():
            problems.append(f"column {name!r} is {numbers(frame, name)[wrong][0]:g} in {wrong.sum()} rows; expected a share from 0 to 1")
    if not problems and (repeated := frame.duplicated(["queue", "interval_start"])).any():
        first = frame[repeated].iloc[0]
        problems.append(f"queue {first['queue']!r}, interval {first['interval_start']} is there twice ({repeated.sum()} such rows)")
    if problems:
        lines = "\n  - ".join(problems)
        hint = "" if "agents" in frame else "\nMake a plan of a forecast with plan_staffing (on the shell: ccstats staff)"
        raise TableError(f"the {what} cannot be compared ({len(problems)} problem{'s' if len(problems) > 1 else ''}):\n  - {lines}{hint}")
    if not len(frame):
        raise TableError(f"the {what} has no rows; give one of the days that intervals cover")
    return _renamed(frame)


def _renamed(frame: pd.DataFrame) -> pd.DataFrame:
    offered, aht, agents, patience = (numbers(frame, name) for name in ("expected_offered", "expected_aht_s", "agents", "patience_s"))
    patience = np.where(np.isnan(patience), np.inf, patience)
    shrinkage, adherence = np.nan_to_num(numbers(frame, "shrinkage")), np.nan_to_num(numbers(frame, "adherence"), nan=1.0)
    missing = ~(np.isfinite(offered) & (offered >= 0) & np.isfinite(agents) & (agents >= 0)) | ((offered > 0) & ~(aht > 0))
    agents = np.where(missing, np.nan, agents)
    granted = agents / adherence
    rostered = numbers(frame, "scheduled_agents")
    rostered = np.where(np.isnan(rostered), granted / np.where(shrinkage < 1, 1 - shrinkage, 1.0), rostered)
    if (few := granted > rostered * (1 + 1e-9) + 1e-9).any():
        row = frame[few].iloc[0]
        warnings.warn(
            f"the plan has more agents on the floor than it schedules in {few.sum()} intervals, first {row['queue']} at "
            f"{row['interval_start']}: {granted[few][0]:g} of {rostered[few][0]:g}; as many are taken as scheduled. Correct "
            "scheduled_agents where that is not meant",
            DataWarning,
            stacklevel=5,
        )
    model = np.where(np.isfinite(patience), "erlang_a", "erlang_c")
    return pd.DataFrame(
        {
            "queue": frame["queue"].astype("str"),
            "interval_start": frame["interval_start"].dt.tz_convert("UTC").dt.as_unit("us"),
            "interval_s": numbers(frame, "interval_s"),
            "planned_offered": np.where(missing, np.nan, offered),
            "planned_aht_s": np.where(aht > 0, aht, np.nan),
            "scheduled": np.where(missing, np.nan, np.maximum(rostered, granted)),
            "granted": granted,
            "present": agents,
            "paused": numbers(frame, "planned_pause") * rostered,
            "plan_shrinkage": shrinkage,
            "plan_adherence": adherence,
            "planned_service_level": numbers(frame, "expected_service_level"),
            "required_agents": numbers(frame, "required_agents"),
            "definition": frame["definition"].astype("str").to_numpy() if "definition" in frame else "service_level",
            "model": frame["model"].astype("str").to_numpy() if "model" in frame else model,
            "target_service_level": numbers(frame, "target_service_level"),
            "threshold_s": numbers(frame, "threshold_s"),
            "short_s": numbers(frame, "short_s"),
            "patience_s": patience,
            "lines": np.where(np.isnan(numbers(frame, "lines")), np.inf, numbers(frame, "lines")),
        }
    )


def pool_planned(planned: pd.DataFrame) -> pd.DataFrame:
    """All queues of a plan as one pool: numbers add up, means are weighted by contacts, patience as the rate of giving up.

    What a pool requires is less than what its queues require one by one; ``required_agents`` is missing.

    Raises
    ------
    TableError
        If thresholds or definitions differ between the queues of an interval, or some have no waiting (Erlang B).

    Examples
    --------
    >>> start = pd.date_range("2026-03-02 09:00", periods=1, freq="30min", tz="UTC").repeat(2)
    >>> plan = pd.DataFrame({"queue": ["a", "b"], "interval_start": start, "interval_s": 1800, "expected_offered": [30, 10]})
    >>> pool = pool_planned(read_planned(plan.assign(expected_aht_s=[100, 300], agents=[2, 3])))
    >>> pool[["planned_offered", "planned_aht_s", "present"]].iloc[0].tolist()
    [40.0, 150.0, 5.0]
    """
    number, starts = pd.factorize(planned["interval_start"], sort=True)
    pool = planned.take(np.unique(number, return_index=True)[1]).reset_index(drop=True).drop(columns="queue")
    offered, rostered = (np.nan_to_num(planned[name].to_numpy()) for name in ("planned_offered", "scheduled"))

    def add(values: Floats) -> Floats:
        return np.bincount(number, weights=values, minlength=len(starts)).astype("float64")

    def mean(values: Floats, weight: Floats) -> Floats:
        weight = np.where((add(weight) > 0)[number], weight, 1.0)
        return divide(add(np.where(weight > 0, weight * values, 0.0)), add(weight))

    gives_up = planned["model"] != "erlang_c"
    planned = planned.assign(model=planned["model"].replace({"erlang_a": "erlang_c"}))  # patience makes one the other
    for name in ("threshold_s", "short_s", "interval_s", "definition", "model"):
        if len(planned[[name]].assign(number=number).drop_duplicates()) > len(starts):
            words = ", ".join(sorted(map(str, planned[name].unique())))
            raise TableError(f"queues of one pool have several {name} in the plan ({words}); compare them by='queue'")
    pool = pool.assign(required_agents=np.nan, **{name: add(planned[name].to_numpy()) for name in _ADDED})
    for name in ("planned_aht_s", "planned_service_level", "target_service_level"):
        pool[name] = mean(planned[name].to_numpy(), offered)
    for name in ("plan_shrinkage", "plan_adherence"):
        pool[name] = mean(planned[name].to_numpy(), rostered)
    with np.errstate(divide="ignore"):
        pool["patience_s"] = 1 / mean(np.where(gives_up, 1 / planned["patience_s"].to_numpy(), 0.0), offered)
    pool["model"] = np.where(pool["model"] == "erlang_b", "erlang_b", np.where(np.isfinite(pool["patience_s"]), "erlang_a", "erlang_c"))
    return pool


def planned_handle_times(planned: pd.DataFrame, zone: str) -> Floats:
    """Planned handle times; where no contacts are planned, of the queue's day, or its whole plan.

    Examples
    --------
    >>> start = pd.date_range("2026-03-02 09:00", periods=2, freq="30min", tz="UTC")
    >>> planned = pd.DataFrame({"interval_start": start, "planned_offered": [9.0, 0.0], "planned_aht_s": [180.0, np.nan]})
    >>> planned_handle_times(planned, "UTC").tolist()
    [180.0, 180.0]
    """
    aht = numbers(planned, "planned_aht_s")
    weight = np.where(np.isnan(aht), 0.0, np.nan_to_num(numbers(planned, "planned_offered")))
    return np.where(np.isnan(aht), fill_means(weight * np.nan_to_num(aht), weight, planned, zone), aht)


def planned_shares(frame: pd.DataFrame) -> tuple[Floats, Floats]:
    """Planned shrinkage and adherence, rounding to whole agents included; as the plan says where there is nobody to take a share of.

    Examples
    --------
    Fifteen agents at 30 % shrinkage are 22 scheduled, of whom 31.8 % may be missing:

    >>> frame = pd.DataFrame({"scheduled": [22.0], "granted": 15.0, "present": 15.0, "plan_shrinkage": 0.3, "plan_adherence": 1.0})
    >>> shrinkage, adherence = planned_shares(frame)
    >>> shrinkage.round(3).tolist(), adherence.tolist()
    ([0.318], [1.0])
    """
    rostered, granted, present = (numbers(frame, name) for name in ("scheduled", "granted", "present"))
    shrinkage = np.where(rostered > 0, 1 - divide(granted, rostered), numbers(frame, "plan_shrinkage"))
    return shrinkage, np.where(granted > 0, divide(present, granted), numbers(frame, "plan_adherence"))


def fill_means(total: Floats, count: Floats, frame: pd.DataFrame, zone: str) -> Floats:
    """The mean of each interval, or else of its queue's local day, or else of its queue; missing where nothing is known anywhere.

    Parameters
    ----------
    total, count : numpy.ndarray
        What is divided: 0, not missing, where nothing is known.
    frame : pandas.DataFrame
        ``interval_start``, and ``queue`` where there are several.
    zone : str
        Where days begin.

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> frame = pd.DataFrame({"interval_start": pd.date_range("2026-03-02", periods=3, freq="12h", tz="UTC")})
    >>> fill_means(np.array([300.0, 0.0, 0.0]), np.array([2.0, 0.0, 0.0]), frame, "UTC").tolist()
    [150.0, 150.0, 150.0]
    """
    queue = pd.factorize(frame["queue"])[0] if "queue" in frame else np.zeros(len(frame), dtype="int64")
    day = pd.factorize(period_start(frame["interval_start"], period="day", timezone=zone))[0]
    mean = divide(total, count)
    for group in (queue * (day.max(initial=0) + 1) + day, queue):
        above, below = (np.bincount(group, weights=values).astype("float64") for values in (total, count))
        wider = divide(above, below)[group]
        mean = np.where(np.isnan(mean), wider, mean)
    return mean
