"""From shifts to names: who works when, by the rules; and which rules are in each other's way where they cannot all be kept."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning, MissingExtraError, OptionError, TableError
from ccstats.periods import check_timezone
from ccstats.schema import as_frame
from ccstats.workforce.people import check_people, read_rules
from ccstats.workforce.roster_model import CENTS, RULES, RosterModel, RosterRequest

__all__ = ["Roster", "build_roster"]


@dataclass(frozen=True)
class Roster:
    """Who works when.

    Attributes
    ----------
    roster : pandas.DataFrame
        ``agent, shift, started_at, ended_at, queue, paid_s``: one row a person and shift.
    unfilled : pandas.DataFrame
        ``queue, shift, started_at, ended_at, agents``: how many are missing.
    fairness : pandas.DataFrame
        One row a person: ``agent, shifts, hours, contract_hours, nights, weekends, wishes, wishes_met``.
    status : str
        ``optimal`` or ``feasible`` (the time was over: `gap` says how far it may be from the best).
    objective, bound : float
        Cost by the rules' weights, and what no roster can be below.

    Examples
    --------
    >>> Roster.__dataclass_params__.frozen
    True
    """

    roster: pd.DataFrame
    unfilled: pd.DataFrame
    fairness: pd.DataFrame
    status: str
    objective: float
    bound: float

    @property
    def gap(self) -> float:
        """How far the objective may be from the best, relative to it."""
        return 0.0 if self.objective <= self.bound else (self.objective - self.bound) / max(abs(self.objective), 1e-12)


def build_roster(
    shifts: Any,
    people: Any,
    *,
    timezone: str,
    rules: Any = None,
    fixed: Any = None,
    coverage: str = "soft",
    time_limit_s: float = 60.0,
    seed: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> Roster:
    """Names for shifts, by the rules.

    Parameters
    ----------
    shifts : Schedule or table
        ``shift, started_at, ended_at, agents`` and, where there are several, ``queue``; `schedule_shifts` makes them.
    people : table or list
        ``agent``; ``skills`` (queues; missing: all), ``hours_per_week``, ``available`` (weekdays; missing: all), ``away`` (dates),
        ``wishes`` (list of ``date`` or ``weekday``, ``shift``, ``work``, ``weight``).
    timezone : str
        Whose days, weeks and weekends count. A shift belongs to the day it starts on, weeks are seven days from the first.
    rules : RosterRules or mapping, optional
        See `RosterRules`.
    fixed : table, optional
        ``agent, shift, started_at``: assignments that are given.
    coverage : {"soft", "hard"}
        Whether shifts may stay unfilled, at ``short_cost`` each, or all must be filled.
    time_limit_s : float
        The best found by then is returned with its bound. [s]
    seed : int
        Of the solver.
    progress : callable, optional
        Called whenever a better roster is found, with its cost and what none can be below, and the share of the time that is over. [0-1]

    Returns
    -------
    Roster

    Raises
    ------
    OptionError
        If the rules cannot all be kept: the message names the fewest kinds of rules to give up; or an argument or row is wrong.
    TableError
        If a column is missing, or fixed assignments of a person overlap.
    MissingExtraError
        If OR-tools cannot be imported.

    Warns
    -----
    DataWarning
        If shifts stay unfilled.

    See Also
    --------
    schedule_shifts : makes the shifts.
    measure_adherence : whether the roster was kept.

    Notes
    -----
    Solved by OR-tools' CP-SAT with two workers: a 0-1 variable a person and shift they can work. Sequence rules are on days and pairs of
    shifts, so that "no early after a late" forbids just that pair. Days before the roster's first count as days off.

    Examples
    --------
    >>> import ccstats as cc
    >>> days = pd.date_range("2024-03-04 09:00", periods=5, freq="D", tz="UTC", unit="us")
    >>> shifts = pd.DataFrame({"shift": "day", "started_at": days, "ended_at": days + pd.Timedelta("8h"), "agents": 1})
    >>> people = [{"agent": "Ada", "hours_per_week": 24}, {"agent": "Bo", "hours_per_week": 16, "away": ["2024-03-04"]}]
    >>> made = cc.build_roster(shifts, people, timezone="UTC")
    >>> made.status, made.fairness[["agent", "hours"]].values.tolist()
    ('optimal', [['Ada', 24.0], ['Bo', 16.0]])
    """
    zone = check_timezone(timezone)
    if coverage not in ("soft", "hard"):
        raise OptionError(f"coverage={coverage!r}: expected 'soft' or 'hard'")
    if isinstance(time_limit_s, bool) or not isinstance(time_limit_s, int | float) or not 0 < time_limit_s < np.inf:
        raise OptionError(f"time_limit_s={time_limit_s!r}: expected seconds above 0")
    asked = RosterRequest(_shifts(shifts, zone), check_people(people), read_rules(rules))
    asked.place(fixed)
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise MissingExtraError(f"rosters need OR-tools ({error}); install it with: pip install 'ccstats[roster]'") from None
    model = RosterModel(cp_model, asked, hard=coverage == "hard")
    found = (cp_model.OPTIMAL, cp_model.FEASIBLE)
    first = _solver(cp_model, time_limit_s, seed)
    begun = first.solve(model.begun()) in found
    if begun:
        model.begin_with(first.response_proto.solution)
    solver = _solver(cp_model, time_limit_s, seed)
    status = solver.solve(model.model, _watch(cp_model, progress, time_limit_s) if progress else None)
    if progress:
        progress("rostered", 1.0)
    if status not in found and begun:
        return _result(asked, model, first, "feasible", solver.best_objective_bound)
    if status not in found:
        relaxed = RosterModel(cp_model, asked, hard=coverage == "hard", relax=True)
        second = _solver(cp_model, time_limit_s, seed)
        if second.solve(relaxed.model) in found:
            broken = [f"{name} ({RULES[name]})" for name, flag in relaxed.given_up.items() if second.value(flag)]
            if broken:
                raise OptionError(f"no roster keeps all rules; the fewest to give up: {', '.join(broken)}. Relax them, or add people")
        raise OptionError(f"no roster was found within {time_limit_s:g} s; allow more time, or relax rules")
    return _result(asked, model, solver, "optimal" if status == cp_model.OPTIMAL else "feasible", solver.best_objective_bound)


def _solver(cp_model: Any, time_limit_s: float, seed: int) -> Any:
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = float(time_limit_s)
    solver.parameters.num_workers = 2
    solver.parameters.random_seed = int(seed)
    return solver


def _watch(cp_model: Any, progress: Callable[[str, float], None], time_limit_s: float) -> Any:
    class Watch(cp_model.CpSolverSolutionCallback):
        def on_solution_callback(self) -> None:
            cost, bound = self.objective_value / CENTS, self.best_objective_bound / CENTS
            progress(f"cost {cost:g}, none below {bound:g}", min(self.wall_time / time_limit_s, 1.0))

    return Watch()


def _shifts(shifts: Any, zone: str) -> pd.DataFrame:
    frame = as_frame(getattr(shifts, "shifts", shifts), what="shifts")
    missing = [name for name in ("shift", "started_at", "ended_at", "agents") if name not in frame]
    if missing:
        raise TableError(f"shifts: no column {', '.join(missing)}; ccstats.schedule_shifts makes them")
    for name in ("started_at", "ended_at"):
        if not isinstance(frame[name].dtype, pd.DatetimeTZDtype):
            raise TableError(f"shifts: {name} is {frame[name].dtype}; expected instants with a time zone")
    agents = pd.to_numeric(frame["agents"], errors="coerce")
    bad = ~(agents >= 0) | (agents != agents.round()) | ~(frame["ended_at"] > frame["started_at"])
    if bad.any():
        raise TableError(
            f"shifts: agents is no whole number, or ended_at not after started_at, in rows {', '.join(map(str, frame.index[bad][:5]))}"
        )
    frame = frame[agents > 0].assign(agents=agents.astype("int64"), shift=frame["shift"].astype("str"))
    frame = frame.assign(queue=frame["queue"].astype("str") if "queue" in frame else "")
    seconds = (frame["ended_at"] - frame["started_at"]).dt.total_seconds()
    frame = frame.assign(
        paid_s=frame["paid_s"].astype("float64") if "paid_s" in frame else seconds, day=frame["started_at"].dt.tz_convert(zone).dt.date,
        night=_covers_night(frame, zone),
    )  # fmt: skip
    return frame.sort_values(["started_at", "queue", "shift"], kind="stable", ignore_index=True)


def _covers_night(frame: pd.DataFrame, zone: str) -> pd.Series:
    """Whether three in the morning lies within."""
    start, end = (frame[name].dt.tz_convert(zone).dt.tz_localize(None) for name in ("started_at", "ended_at"))
    three = start.dt.normalize() + pd.Timedelta("3h")
    three = three.where(three >= start, three + pd.Timedelta("1D"))
    return three < end


def _result(asked: RosterRequest, model: RosterModel, solver: Any, status: str, bound: float) -> Roster:
    taken = sorted((p, s) for (p, s), variable in model.works.items() if solver.value(variable))
    rows, names = [s for _, s in taken], [asked.people[p].agent for p, _ in taken]
    table = asked.shifts.iloc[rows][["shift", "started_at", "ended_at", "queue", "paid_s"]].reset_index(drop=True)
    table.insert(0, "agent", pd.Series(names, dtype="str"))
    short = np.array([solver.value(each) for each in model.short], dtype="int64")
    unfilled = asked.shifts[["queue", "shift", "started_at", "ended_at"]].assign(agents=short)[short > 0].reset_index(drop=True)
    if len(unfilled):
        warnings.warn(f"{int(short.sum())} agent-shifts stay unfilled: Roster.unfilled lists them", DataWarning, stacklevel=3)
    records = []
    for p, person in enumerate(asked.people):
        mine = asked.shifts.iloc[[s for q, s in taken if q == p]]
        weekends = {day - dt.timedelta(days=day.weekday()) for day in mine["day"] if day.weekday() >= 5}
        met = [_met(wish, mine) for wish in person.wishes]
        records.append(
            {
                "agent": person.agent, "shifts": len(mine), "hours": float(mine["paid_s"].sum() / 3600),
                "contract_hours": person.hours_per_week * asked.many_days / 7, "nights": int(mine["night"].sum()),
                "weekends": len(weekends), "wishes": len(met), "wishes_met": sum(met),
            }
        )  # fmt: skip
    order = table.sort_values(["agent", "started_at"], kind="stable", ignore_index=True)
    # Constants within the objective are in both.
    return Roster(order, unfilled, pd.DataFrame(records), status, solver.objective_value / CENTS, bound / CENTS)


def _met(wish: Any, mine: pd.DataFrame) -> bool:
    about = [wish.applies(day, shift) for day, shift in zip(mine["day"], mine["shift"], strict=True)]
    return any(about) if wish.work else not any(about)
