"""What a schedule has to solve: columns of shifts or tours, their costs, limits, and what service is lost with too few agents."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from ccstats.errors import DataWarning, OptionError
from ccstats.periods import Calendar
from ccstats.workforce.evaluation import evaluate_staffing
from ccstats.workforce.shift_solvers import Problem
from ccstats.workforce.shift_templates import Candidates, Shift

__all__ = ["NO_TOURS", "Wanted", "problem_of", "refuse_closed", "tour_table", "tours_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Wanted:
    """What the caller asked of a schedule.

    Examples
    --------
    >>> Wanted.__dataclass_params__.frozen
    True
    """

    templates: tuple[Shift, ...]
    zone: str
    objective: str
    short_cost: float | None
    spare_cost: float
    lost_contact_cost: float
    min_agents: float
    max_agents: float | None
    max_heads: int | None
    days_off: int
    calendar: Calendar | None
    engine: str
    time_limit_s: float
    gap: float


NO_TOURS = pd.DataFrame(
    {name: pd.Series([], dtype=dtype) for name, dtype in
     {"queue": "str", "shift": "str", "start": "str", "week_start": "object", "days_off": "str", "agents": "int64"}.items()}
)  # fmt: skip


def refuse_closed(queue: str, rows: pd.DataFrame, required: Floats, calendar: Calendar) -> None:
    """Raise `OptionError` for agents required in closed hours.

    Examples
    --------
    >>> night = pd.DataFrame({"interval_start": pd.to_datetime(["2024-03-01 03:00"], utc=True), "interval_s": [1800.0]})
    >>> refuse_closed("help", night, np.array([2.0]), Calendar(timezone="UTC", hours={"Friday": [("09:00", "17:00")]}))
    Traceback (most recent call last):
    ccstats.errors.OptionError: queue 'help': 1 intervals need agents in closed hours, first 2024-03-01 03:00:00+00:00; correct the plan or the calendar
    """  # noqa: E501
    ends = rows["interval_start"] + pd.to_timedelta(rows["interval_s"], unit="s")
    closed = (calendar.open_seconds(rows["interval_start"], ends) <= 0) & (required > 0)
    if closed.any():
        shown = ", ".join(str(at) for at in rows.loc[closed, "interval_start"].iloc[:3])
        raise OptionError(
            f"queue {queue!r}: {int(closed.sum())} intervals need agents in closed hours, first {shown}; correct the plan or the calendar"
        )


def problem_of(
    found: Candidates, columns: sparse.csc_matrix, members: Any, rows: pd.DataFrame, required: Floats, lengths: Floats, asked: Wanted
) -> Problem:
    """The program that the solvers are given.

    Examples
    --------
    >>> problem_of.__name__
    'problem_of'
    """
    hours = lengths / 3600
    each = {
        "cost": found.rows["cost"].to_numpy(dtype="float64"),
        "service_level": found.rows["cost"].to_numpy(dtype="float64"),
        "heads": np.ones(len(found.rows)),
        "paid": found.rows["paid_s"].to_numpy(dtype="float64") / 3600,
        "difference": np.zeros(len(found.rows)),
    }[asked.objective]
    cost = each if members is None else np.asarray(members.T @ each).ravel()
    if asked.objective == "heads" and members is not None:
        cost = np.ones(columns.shape[1])
    short, spare = asked.short_cost, asked.spare_cost
    must = short is None and asked.objective in ("cost", "heads", "paid")
    if asked.objective == "difference":
        short, spare = 1.0, 1.0
    elif short is None:
        # An interval covered must be worth any number of shifts that could cover it.
        worth = np.asarray(columns.T @ hours).ravel()
        usable = worth > 0
        short = 10.0 * float(np.max(cost[usable] / np.minimum(worth[usable], hours.min()), initial=1.0)) + 10.0 * spare
    lines = _losses(rows, asked) if asked.objective == "service_level" else None
    groups: list[tuple[NDArray[np.int64], float]] = []
    if asked.max_heads is not None:
        label = found.rows["day"].to_numpy() if members is None else _weeks(found, members)
        groups = [(np.flatnonzero(label == day), float(asked.max_heads)) for day in dict.fromkeys(label)]
    most = None if asked.max_agents is None else np.full(len(rows), float(asked.max_agents))
    return Problem(columns.tocsc(), required, hours, cost, float(short), float(spare), lines, most, tuple(groups), must)


def _losses(rows: pd.DataFrame, asked: Wanted) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Lower hulls of contacts not served in time over agents, as lines (interval, slope, intercept)."""
    load = (rows["expected_offered"] * rows["expected_aht_s"] / rows["interval_s"]).to_numpy(dtype="float64")
    top = int(np.ceil(np.nanmax(load, initial=0.0) * 1.3 + 6 * np.sqrt(np.nanmax(load, initial=0.0)) + 5))
    agents = np.arange(top + 1)
    many = rows.loc[rows.index.repeat(len(agents))].reset_index(drop=True)
    # Each number of agents is a queue of its own, so that intervals do not stand twice.
    many = many.assign(queue=pd.Categorical(np.tile(agents, len(rows)).astype("str")), agents=np.tile(agents, len(rows)).astype("float64"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        found = evaluate_staffing(many)
    key = ["queue", "interval_start"]
    found = found.assign(queue=found["queue"].astype("str"))
    level = many[key].assign(queue=many["queue"].astype("str")).merge(found, on=key, how="left")["expected_service_level"]
    served = level.to_numpy(dtype="float64").reshape(len(rows), len(agents))
    lost = asked.lost_contact_cost * rows["expected_offered"].to_numpy(dtype="float64")[:, None] * (1 - np.nan_to_num(served, nan=0.0))
    lost[~(rows["expected_offered"].to_numpy(dtype="float64") > 0)] = 0.0
    places, slopes, intercepts = [], [], []
    for place, curve in enumerate(np.minimum.accumulate(lost, axis=1)):
        at = 0
        while at < top and curve[at] > 1e-9:
            steps = (curve[at + 1 :] - curve[at]) / (agents[at + 1 :] - at)
            to = at + 1 + int(np.flatnonzero(steps == steps.min())[-1])
            slope = steps.min()
            if slope > -1e-12:
                break
            places.append(place)
            slopes.append(slope)
            intercepts.append(curve[at] - slope * at)
            at = to
    return np.array(places, dtype="int64"), np.array(slopes, dtype="float64"), np.array(intercepts, dtype="float64")


def tours_of(found: Candidates, rows: pd.DataFrame, asked: Wanted) -> tuple[sparse.csc_matrix, sparse.csc_matrix]:
    """Tours as columns: the same start on all days of seven but so many in a row; and which shifts each is made of.

    Examples
    --------
    >>> tours_of.__name__
    'tours_of'
    """
    first = rows["interval_start"].iloc[0].tz_convert(asked.zone).date()
    table = found.rows
    ahead = np.array([(day - first).days for day in table["day"]])
    clock = table["started_at"].dt.tz_convert(asked.zone).dt.strftime("%H:%M")
    entries: tuple[list[int], list[int]] = ([], [])
    many = 0
    for _, group in table.assign(week=ahead // 7, ahead=ahead % 7, clock=clock).groupby(["week", "shift", "clock"], sort=True):
        places = dict(zip(group["ahead"], group.index, strict=True))
        for off in range(7):
            free = {(off + more) % 7 for more in range(asked.days_off)}
            worked = [place for day, place in places.items() if day not in free]
            # Days the template does not allow, or the plan does not reach, are days off besides.
            if not worked or (off and len(places) + asked.days_off <= 7 and not free & set(places)):
                continue
            entries[0].extend(worked)
            entries[1].extend([many] * len(worked))
            many += 1
    members = sparse.csc_matrix((np.ones(len(entries[0])), entries), shape=(len(table), many))
    return (found.covered @ members).tocsc(), members


def _weeks(found: Candidates, members: sparse.csc_matrix) -> NDArray[Any]:
    first = members.tocsc().indices[members.indptr[:-1]]
    days = found.rows["day"].to_numpy()
    start = min(days)
    return np.array([(days[row] - start).days // 7 for row in first])


def tour_table(queue: str, found: Candidates, members: sparse.csc_matrix, counts: Floats, asked: Wanted) -> pd.DataFrame:
    """Tours taken, one row each.

    Examples
    --------
    >>> tour_table.__name__
    'tour_table'
    """
    records = []
    for tour in np.flatnonzero(counts > 0):
        rows = found.rows.iloc[members.indices[members.indptr[tour] : members.indptr[tour + 1]]]
        worked = {day.weekday() for day in rows["day"]}
        names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        records.append(
            {
                "queue": queue,
                "shift": rows["shift"].iloc[0],
                "start": rows["started_at"].iloc[0].tz_convert(asked.zone).strftime("%H:%M"),
                "week_start": min(rows["day"]),
                "days_off": " ".join(name for at, name in enumerate(names) if at not in worked),
                "agents": int(counts[tour]),
            }
        )
    return pd.DataFrame(records) if records else NO_TOURS
