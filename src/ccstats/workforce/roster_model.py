"""The 0-1 program of a roster: who can work which shift, the rules as lines of it, and what is to be had least of."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError, TableError
from ccstats.schema import as_frame
from ccstats.workforce.people import Person, RosterRules
from ccstats.workforce.roster_start import first_roster

__all__ = ["CENTS", "RULES", "RosterModel", "RosterRequest"]

_SCALE = 60  # hours are counted in minutes
#: Costs are counted in hundredths.
CENTS = 100
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


class RosterRequest:
    """The problem: shifts, people, rules, days, fixed assignments.

    Examples
    --------
    >>> RosterRequest.place.__name__
    'place'
    """

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
        """Take fixed assignments.

        Examples
        --------
        >>> RosterRequest.place.__name__
        'place'
        """
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


class RosterModel:
    """The 0-1 program. With ``relax`` each kind of rule may be given up, and as few as possible are.

    Examples
    --------
    >>> RosterModel.__name__
    'RosterModel'
    """

    def __init__(self, cp_model: Any, asked: RosterRequest, *, hard: bool, relax: bool = False) -> None:
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

    def begun(self) -> Any:
        """The same program with the assignments of `first_roster`: its solution is one to begin with.

        Examples
        --------
        >>> RosterModel.begun.__name__
        'begun'
        """
        asked = self.asked
        taken = first_roster(asked.shifts, asked.people, asked.rules, asked.ahead, asked.fixed)
        model = self.model.clone()
        for key, variable in self.works.items():
            model.add(variable == (key in taken))
        return model

    def begin_with(self, solution: Any) -> None:
        """Hint a solution to the solver, all variables of it.

        Examples
        --------
        >>> RosterModel.begin_with.__name__
        'begin_with'
        """
        for index, value in enumerate(solution):
            self.model.add_hint(self.model.get_int_var_from_proto_index(index), value)

    def _rule(self, name: str, constraint: Any) -> None:
        added = self.model.add(constraint)
        if self.given_up:
            added.only_enforce_if(self.given_up[name].negated())

    def _cost(self, variable: Any, cost: float) -> None:
        if cost > 0:
            self.costs.append((variable, int(round(cost * CENTS))))

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
                self.costs.append((under, max(1, int(round(rules.hours_cost * CENTS / 60)))))

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
