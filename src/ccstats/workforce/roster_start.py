"""A roster to begin with: shift by shift, whoever has worked least and may; by no means the best, but it keeps the rules."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccstats.workforce.people import Person, RosterRules

__all__ = ["first_roster"]

_HOUR = 3600


def first_roster(
    shifts: pd.DataFrame, people: tuple[Person, ...], rules: RosterRules, ahead: np.ndarray, fixed: set[tuple[int, int]]
) -> set[tuple[int, int]]:
    """Pairs of person and shift that keep the rules; days off are spread over the weekdays.

    Fixed assignments are in it whatever the rules say of them.

    Parameters
    ----------
    shifts : pandas.DataFrame
        In order of their start: ``day, queue, started_at, ended_at, paid_s, agents, night``.
    people : tuple of Person
        Everyone.
    rules : RosterRules
        What to keep.
    ahead : numpy.ndarray
        Days of each shift after the first day.
    fixed : set of (person, shift)
        What is given.

    Examples
    --------
    >>> first_roster(pd.DataFrame(columns=["day"]), (Person("Ada"),), RosterRules(), np.empty(0, "int64"), set())
    set()
    """
    taken = set(fixed)
    if not len(shifts):
        return taken
    start, end = (pd.DatetimeIndex(shifts[name]).as_unit("s").asi8 for name in ("started_at", "ended_at"))
    paid, night = shifts["paid_s"].to_numpy(dtype="float64"), shifts["night"].to_numpy(dtype=bool)
    many, days, weeks = len(people), int(ahead.max()) + 1, int(ahead.max()) // 7 + 1
    works, nights = np.zeros((many, days), dtype=bool), np.zeros((many, days), dtype=bool)
    hours, weekends = np.zeros((many, weeks)), np.zeros(many)
    spans: list[list[tuple[int, int]]] = [[] for _ in people]
    off = _days_off(shifts, many, rules, ahead)

    def put(person: int, shift: int) -> None:
        works[person, ahead[shift]] = True
        nights[person, ahead[shift]] = night[shift]
        hours[person, ahead[shift] // 7] += paid[shift] / _HOUR
        spans[person].append((int(start[shift]), int(end[shift])))

    def may(person: int, shift: int) -> bool:
        day = int(ahead[shift])
        week, at = divmod(day, 7)
        if works[person, day] or off[person, week] <= at < off[person, week] + rules.days_off_in_row:
            return False
        if hours[person, week] + paid[shift] / _HOUR > people[person].hours_per_week + rules.extra_hours + 1e-9:
            return False
        rest = rules.min_rest_h * _HOUR
        if any(start[shift] < ended + rest and began < end[shift] + rest for began, ended in spans[person]):
            return False
        for flags, most in ((works, rules.max_days_in_row), (nights, rules.max_nights_in_row if night[shift] else None)):
            if most is not None:
                low = high = day
                while low > 0 and flags[person, low - 1]:
                    low -= 1
                while high + 1 < days and flags[person, high + 1]:
                    high += 1
                if high - low + 1 > most:
                    return False
        return (
            rules.max_weekends is None
            or not _weekend(shifts, shift)
            or weekends[person] < rules.max_weekends
            or _worked_weekend(person, shift)
        )

    def _worked_weekend(person: int, shift: int) -> bool:
        other = int(ahead[shift]) + (1 if shifts["day"].iloc[shift].weekday() == 5 else -1)
        return 0 <= other < days and bool(works[person, other])

    for person, shift in sorted(fixed, key=lambda pair: pair[1]):
        put(person, shift)
    for shift in range(len(shifts)):
        day, queue = shifts["day"].iloc[shift], shifts["queue"].iloc[shift]
        open_ = int(shifts["agents"].iloc[shift]) - sum(1 for _, each in fixed if each == shift)
        week = int(ahead[shift]) // 7
        # Who is furthest from the contract first; of equals the one with fewer skills, who fits elsewhere less.
        order = sorted(
            range(many),
            key=lambda person: (hours[person, week] - people[person].hours_per_week, len(people[person].skills or ()) or 99, person),
        )
        for person in order:
            if open_ <= 0:
                break
            if (person, shift) not in taken and people[person].can(day, queue) and may(person, shift):
                if _weekend(shifts, shift) and not _worked_weekend(person, shift):
                    weekends[person] += 1
                taken.add((person, shift))
                put(person, shift)
                open_ -= 1
    return taken


def _days_off(shifts: pd.DataFrame, many: int, rules: RosterRules, ahead: np.ndarray) -> np.ndarray:
    """When each person's days off begin in each week: where most people are to spare, and round the weekdays in turn."""
    need = np.zeros((int(ahead.max()) // 7 + 1) * 7)
    np.add.at(need, ahead, shifts["agents"].to_numpy(dtype="float64"))
    off = np.zeros((many, len(need) // 7), dtype="int64")
    for week in range(off.shape[1]):
        there = np.full(7, float(many))
        wanted = need[7 * week : 7 * week + 7]
        # Somebody else chooses first each week, so that free weekends go round.
        for person in np.roll(np.arange(many), -week * max(1, many // 3)):
            spare = there / np.maximum(wanted, 0.5)
            blocks = [spare[at : at + rules.days_off_in_row].min(initial=np.inf) for at in range(7 - rules.days_off_in_row + 1)]
            off[person, week] = int(np.argmax(blocks))
            there[off[person, week] : off[person, week] + rules.days_off_in_row] -= 1
    return off


def _weekend(shifts: pd.DataFrame, shift: int) -> bool:
    return bool(shifts["day"].iloc[shift].weekday() >= 5)
