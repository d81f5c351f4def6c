"""From shifts to names: who works when, by the rules; and which rules are in each other's way where they cannot all be kept."""

from __future__ import annotations

import datetime as dt
import itertools
import warnings
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning, MissingExtraError, OptionError, TableError
from ccstats.periods import check_timezone
from ccstats.schema import as_frame
from ccstats.workforce.people import Person, RosterRules, check_people, read_rules

__all__ = ["Roster", "build_roster"]

_SCALE = 60  # hours are counted in minutes, costs in hundredths
_CENTS = 100
#: What can be relaxed, in words.
RULES = {
    "coverage": "every shift has all its agents",
    "rest": "min_rest_h between shifts",
    "days_in_row": "max_days_in_row",
    "days_off": "days_off_in_row in each seven days",
    "hours": "hours_per_week and extra_hours",
    "weekends": "max_weekends",
    "nights": "max_nights_in_row",
    "fixed": "fixed assignments",
}


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
    check_roster : the rules once more, for rosters changed by hand.

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
    asked = _Asked(_shifts(shifts, zone), check_people(people), read_rules(rules))
    asked.place(fixed)
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise MissingExtraError(f"rosters need OR-tools ({error}); install it with: pip install ortools") from None
    model = _Model(cp_model, asked, hard=coverage == "hard")
    solver = _solver(cp_model, time_limit_s, seed)
    status = solver.solve(model.model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        relaxed = _Model(cp_model, asked, hard=coverage == "hard", relax=True)
        second = _solver(cp_model, time_limit_s, seed)
        if second.solve(relaxed.model) in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            broken = [f"{name} ({RULES[name]})" for name, flag in relaxed.given_up.items() if second.value(flag)]
            if broken:
                raise OptionError(f"no roster keeps all rules; the fewest to give up: {', '.join(broken)}. Relax them, or add people")
        raise OptionError(f"no roster was found within {time_limit_s:g} s; allow more time, or relax rules")
    return _result(asked, model, solver, "optimal" if status == cp_model.OPTIMAL else "feasible")


def _solver(cp_model: Any, time_limit_s: float, seed: int) -> Any:
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = float(time_limit_s)
    solver.parameters.num_workers = 2
    solver.parameters.random_seed = int(seed)
    return solver


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


class _Asked:
    """The problem: shifts, people, rules, days, fixed assignments."""

    def __init__(self, shifts: pd.DataFrame, people: tuple[Person, ...], rules: RosterRules) -> None:
        self.shifts, self.people, self.rules = shifts, people, rules
        days = list(shifts["day"]) or [dt.date(1970, 1, 1)]
        self.first = min(days)
        self.many_days = (max(days) - self.first).days + 1
        self.ahead = np.array([(day - self.first).days for day in shifts["day"]], dtype="int64")
        self.fixed: set[tuple[int, int]] = set()
        if rules.max_shift_h is not None:
            long = (shifts["ended_at"] - shifts["started_at"]).dt.total_seconds() > rules.max_shift_h * 3600
            if long.any():
                row = shifts[long].iloc[0]
                raise OptionError(
                    f"shifts: {int(long.sum())} are longer than max_shift_h={rules.max_shift_h:g}, first {row['shift']!r} on {row['day']}"
                )

    def place(self, fixed: Any) -> None:
        """Take fixed assignments."""
        if fixed is None:
            return
        frame = as_frame(fixed, what="fixed")
        missing = [name for name in ("agent", "shift", "started_at") if name not in frame]
        if missing:
            raise TableError(f"fixed: no column {', '.join(missing)}")
        person = {each.agent: at for at, each in enumerate(self.people)}
        shift = {(name, at): row for row, (name, at) in enumerate(zip(self.shifts["shift"], self.shifts["started_at"], strict=True))}
        for row, (agent, name, at) in enumerate(zip(frame["agent"], frame["shift"], frame["started_at"], strict=True)):
            if agent not in person:
                raise OptionError(f"fixed, row {row}: {agent!r} is not among the people")
            if (name, at) not in shift:
                raise OptionError(f"fixed, row {row}: there is no shift {name!r} at {at}")
            self.fixed.add((person[agent], shift[name, at]))
        spans = sorted((p, self.shifts["started_at"][s], self.shifts["ended_at"][s]) for p, s in self.fixed)
        for (one, _, end), (other, start, _) in itertools.pairwise(spans):
            if one == other and start < end:
                raise TableError(f"fixed: shifts of {self.people[one].agent!r} overlap at {start}")


class _Model:
    """The 0-1 program. With ``relax`` each kind of rule may be given up, and as few as possible are."""

    def __init__(self, cp_model: Any, asked: _Asked, *, hard: bool, relax: bool = False) -> None:
        self.asked, self.model = asked, cp_model.CpModel()
        self.given_up: dict[str, Any] = {name: self.model.new_bool_var(f"give up {name}") for name in RULES} if relax else {}
        self.costs: list[tuple[Any, int]] = []
        shifts, people = asked.shifts, asked.people
        self.works: dict[tuple[int, int], Any] = {}
        for p, person in enumerate(people):
            for s, (day, queue) in enumerate(zip(shifts["day"], shifts["queue"], strict=True)):
                if (p, s) in asked.fixed or person.can(day, queue):
                    self.works[p, s] = self.model.new_bool_var("")
        self.of_person: dict[int, list[int]] = defaultdict(list)
        of_shift: dict[int, list[Any]] = defaultdict(list)
        for (p, s), variable in self.works.items():
            self.of_person[p].append(s)
            of_shift[s].append(variable)
        for p, s in asked.fixed:
            self._rule("fixed", self.works[p, s] == 1)
        self.short = []
        for s, agents in enumerate(shifts["agents"]):
            short = self.model.new_int_var(0, int(agents), "")
            self.model.add(sum(of_shift[s]) + short == int(agents))
            if hard:
                self._rule("coverage", short == 0)
            self._cost(short, asked.rules.short_cost)
            self.short.append(short)
        self.on_day = [self._days(p) for p in range(len(people))]
        for p in range(len(people)):
            self._rest(p)
            self._days_rules(p)
            self._hours(p)
            self._wishes(p)
        self._fair()
        if relax:
            self.model.minimize(sum(self.given_up.values()))
        else:
            self.model.minimize(sum(cost * variable for variable, cost in self.costs))

    def _rule(self, name: str, constraint: Any) -> None:
        added = self.model.add(constraint)
        if self.given_up:
            added.only_enforce_if(self.given_up[name].negated())

    def _cost(self, variable: Any, cost: float) -> None:
        if cost > 0:
            self.costs.append((variable, int(round(cost * _CENTS))))

    def _days(self, p: int) -> list[Any]:
        """Whether the person works, day by day; at most one shift each."""
        by_day: dict[int, list[Any]] = defaultdict(list)
        for s in self.of_person[p]:
            by_day[int(self.asked.ahead[s])].append(self.works[p, s])
        out: list[Any] = []
        for day in range(self.asked.many_days):
            if day not in by_day:
                out.append(0)
                continue
            works = self.model.new_bool_var("")
            self.model.add(sum(by_day[day]) == works)
            out.append(works)
        return out

    def _rest(self, p: int) -> None:
        start = pd.DatetimeIndex(self.asked.shifts["started_at"]).as_unit("s").asi8
        end = pd.DatetimeIndex(self.asked.shifts["ended_at"]).as_unit("s").asi8
        rest = int(round(self.asked.rules.min_rest_h * 3600))
        mine = self.of_person[p]
        by_day: dict[int, list[int]] = defaultdict(list)
        for s in mine:
            by_day[int(self.asked.ahead[s])].append(s)
        for s in mine:
            # All that comes too soon after s, on each following day, is one line: only one shift a day is worked.
            for day in range(int(self.asked.ahead[s]) + 1, int(self.asked.ahead[s]) + 4):
                soon = [t for t in by_day.get(day, ()) if start[t] < end[s] + rest]
                if soon:
                    self._rule("rest", self.works[p, s] + sum(self.works[p, t] for t in soon) <= 1)

    def _days_rules(self, p: int) -> None:
        rules, days = self.asked.rules, self.on_day[p]
        for day in range(len(days) - rules.max_days_in_row):
            self._rule("days_in_row", sum(days[day : day + rules.max_days_in_row + 1]) <= rules.max_days_in_row)
        if rules.days_off_in_row:
            for first in range(0, len(days), 7):
                week = days[first : first + 7]
                if len(week) < 7 or not any(not isinstance(day, int) for day in week):
                    continue
                blocks = []
                for at in range(7 - rules.days_off_in_row + 1):
                    block = self.model.new_bool_var("")
                    for day in week[at : at + rules.days_off_in_row]:
                        self.model.add(day == 0).only_enforce_if(block)
                    blocks.append(block)
                self._rule("days_off", sum(blocks) >= 1)
        if rules.max_nights_in_row is not None:
            nights = self._marked(p, self.asked.shifts["night"].to_numpy())
            for day in range(len(nights) - rules.max_nights_in_row):
                self._rule("nights", sum(nights[day : day + rules.max_nights_in_row + 1]) <= rules.max_nights_in_row)

    def _marked(self, p: int, mask: np.ndarray) -> list[Any]:
        out: list[Any] = [0] * self.asked.many_days
        for s in self.of_person[p]:
            if mask[s]:
                out[int(self.asked.ahead[s])] = out[int(self.asked.ahead[s])] + self.works[p, s]
        return out

    def _hours(self, p: int) -> None:
        rules, person = self.asked.rules, self.asked.people[p]
        minutes = np.rint(self.asked.shifts["paid_s"].to_numpy() / 60).astype("int64")
        for first in range(0, self.asked.many_days, 7):
            days = min(7, self.asked.many_days - first)
            worked = sum(int(minutes[s]) * self.works[p, s] for s in self.of_person[p] if first <= self.asked.ahead[s] < first + 7)
            contract = int(round(person.hours_per_week * _SCALE * days / 7))
            if isinstance(worked, int):
                continue
            self._rule("hours", worked <= int(round((person.hours_per_week + rules.extra_hours) * _SCALE)))
            under = self.model.new_int_var(0, contract, "")
            self.model.add(under >= contract - worked)
            if rules.hours_cost > 0:
                self.costs.append((under, max(1, int(round(rules.hours_cost * _CENTS / 60)))))

    def _wishes(self, p: int) -> None:
        for wish in self.asked.people[p].wishes:
            about = [
                self.works[p, s] for s in self.of_person[p] if wish.applies(self.asked.shifts["day"][s], self.asked.shifts["shift"][s])
            ]
            if not about:
                continue
            cost = self.asked.rules.wish_cost * wish.weight
            if wish.work and wish.date is not None:
                self._cost(1 - sum(about), cost)
            else:
                for variable in about:
                    self._cost((1 - variable) if wish.work else variable, cost)

    def _fair(self) -> None:
        """Weekends and nights beyond what the person with fewest has."""
        weekday = np.array([day.weekday() for day in self.asked.shifts["day"]])
        for name, mask, cost, most in (
            ("weekends", weekday >= 5, self.asked.rules.weekend_cost, self.asked.rules.max_weekends),
            ("nights", self.asked.shifts["night"].to_numpy(), self.asked.rules.night_cost, None),
        ):
            counts = []
            for p in range(len(self.asked.people)):
                if name == "weekends":
                    weeks: dict[int, list[Any]] = defaultdict(list)
                    for s in self.of_person[p]:
                        if mask[s]:
                            day = self.asked.shifts["day"][s]
                            weeks[(day - dt.timedelta(days=day.weekday())).toordinal()].append(self.works[p, s])
                    flags = []
                    for members in weeks.values():
                        flag = self.model.new_bool_var("")
                        self.model.add_max_equality(flag, members)
                        flags.append(flag)
                    if most is not None and flags:
                        self._rule("weekends", sum(flags) <= most)
                    count = sum(flags)
                else:
                    count = sum(self.works[p, s] for s in self.of_person[p] if mask[s])
                if not isinstance(count, int):
                    counts.append(count)
            if len(counts) > 1 and cost > 0:
                top, bottom = (self.model.new_int_var(0, self.asked.many_days, "") for _ in range(2))
                for count in counts:
                    self.model.add(count <= top)
                    self.model.add(count >= bottom)
                self._cost(top - bottom, cost)


def _result(asked: _Asked, model: _Model, solver: Any, status: str) -> Roster:
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
    return Roster(order, unfilled, pd.DataFrame(records), status, solver.objective_value / _CENTS, solver.best_objective_bound / _CENTS)


def _met(wish: Any, mine: pd.DataFrame) -> bool:
    about = [wish.applies(day, shift) for day, shift in zip(mine["day"], mine["shift"], strict=True)]
    return any(about) if wish.work else not any(about)
