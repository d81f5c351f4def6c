"""What can still be changed in a day: overtime, voluntary leave and breaks moved, listed for everybody who may be asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError, did_you_mean
from ccstats.schema import as_frame
from ccstats.workforce.kept import ON_QUEUE
from ccstats.workforce.seats import BREAK, seconds_of

__all__ = ["KINDS", "Allowed", "Limits", "Option", "Worker", "check_allowed", "list_options", "workers_of"]

KINDS = ("overtime_before", "overtime_after", "leave", "break_move")


@dataclass(frozen=True)
class Allowed:
    """One kind of change that may be made.

    Parameters
    ----------
    kind : {"overtime_before", "overtime_after", "leave", "break_move"}
        Come earlier, stay longer, go home earlier, have a break at another time.
    cost : float
        Of an hour of overtime or of paid time given up (below 0: it saves), or of one break moved.
    most_s : float
        Longest overtime or leave; how far a break may be moved either way. [s]
    step_s : float
        All are multiples of it. [s]
    agents : tuple of str, optional
        Who may be asked; by default everybody.
    most : int, optional
        No more such changes in all.

    Examples
    --------
    >>> Allowed("overtime_after", cost=30.0, most_s=7200).step_s
    1800.0
    """

    kind: str
    cost: float = 0.0
    most_s: float = 3600.0
    step_s: float = 1800.0
    agents: tuple[str, ...] | None = None
    most: int | None = None


def check_allowed(allowed: Any) -> tuple[Allowed, ...]:
    """Kinds of changes of a table or list, each checked.

    Raises
    ------
    OptionError
        With what is wrong.

    Examples
    --------
    >>> check_allowed([{"kind": "leave", "cost": -20}])[0].cost
    -20
    >>> check_allowed([{"kind": "holiday"}])
    Traceback (most recent call last):
    ccstats.errors.OptionError: allowed: kind='holiday': expected one of overtime_before, overtime_after, leave, break_move
    """
    if isinstance(allowed, Allowed):
        allowed = [allowed]
    if isinstance(allowed, Mapping) or not isinstance(allowed, Iterable) or hasattr(allowed, "__arrow_c_stream__"):
        allowed = as_frame(allowed, what="allowed").to_dict("records")
    return tuple(_allowed(each) for each in allowed)


def _allowed(given: Any) -> Allowed:
    if isinstance(given, Mapping):
        values = {
            str(name): value for name, value in given.items() if value is not None and not (isinstance(value, float) and value != value)
        }
        unknown = [name for name in values if name not in Allowed.__dataclass_fields__]
        if unknown:
            raise OptionError(f"allowed: unknown {', '.join(unknown)}.{did_you_mean(unknown[0], Allowed.__dataclass_fields__)}")
        if isinstance(values.get("agents"), str):
            values["agents"] = (values["agents"],)
        if "kind" not in values:
            raise OptionError(f"allowed: 'kind' is missing; expected one of {', '.join(KINDS)}")
        given = Allowed(**values)
    if not isinstance(given, Allowed):
        raise OptionError(f"allowed: expected kinds of changes as mappings or rows of a table, found {type(given).__qualname__}")
    if given.kind not in KINDS:
        raise OptionError(f"allowed: kind={given.kind!r}: expected one of {', '.join(KINDS)}")
    for name, least in (("cost", -np.inf), ("most_s", 0.0), ("step_s", 60.0)):
        value = getattr(given, name)
        if not isinstance(value, Real) or isinstance(value, bool) or not np.isfinite(float(value)) or float(value) < least:
            raise OptionError(
                f"allowed: {given.kind}: {name}={value!r}: expected a number" + (f", {least:g} or more" if least >= 0 else "")
            )
    if given.most_s > 24 * 3600:
        raise OptionError(f"allowed: {given.kind}: most_s={given.most_s!r}: expected a day at most")
    if given.cost < 0 and given.kind != "leave":
        raise OptionError(f"allowed: {given.kind}: cost={given.cost!r}: only leave can save; expected 0 or more")
    if given.most is not None and (not isinstance(given.most, int | np.integer) or isinstance(given.most, bool) or given.most < 0):
        raise OptionError(f"allowed: {given.kind}: most={given.most!r}: expected a whole number of changes")
    if given.agents is not None:
        given = Allowed(given.kind, given.cost, given.most_s, given.step_s, tuple(map(str, given.agents)), given.most)
    return given


@dataclass(frozen=True)
class Worker:
    """Somebody's shifts of the day: of each its number, queue, start, end, and when something else than the queue is planned in it.

    Examples
    --------
    >>> Worker("Ada", ()).agent
    'Ada'
    """

    agent: str | None
    shifts: tuple[tuple[int, str, float, float, tuple[tuple[float, float, str, bool], ...]], ...]


@dataclass(frozen=True)
class Limits:
    """From when changes are possible, rest between shifts, length of a shift, time between breaks; in seconds.

    Examples
    --------
    >>> Limits(0.0, 39600.0, None, 0.0).rest_s
    39600.0
    """

    from_s: float
    rest_s: float
    longest_s: float | None
    apart_s: float


@dataclass(frozen=True)
class Option:
    """One change that one worker can make: which shift of theirs, from when to when, and the stretches on queue won (+1) and lost (-1).

    Examples
    --------
    >>> Option(0, 0, 0.0, 1800.0, 15.0, 0.5, ((0.0, 1800.0, 1.0),)).hours
    0.5
    """

    rule: int
    shift: int
    begin: float
    end: float
    cost: float
    hours: float
    stretches: tuple[tuple[float, float, float], ...]
    moved: tuple[float, float] | None = field(default=None)


def workers_of(spans: pd.DataFrame) -> list[Worker]:
    """Everybody's shifts; who has no name is somebody new in each.

    Examples
    --------
    >>> from ccstats.workforce.seats import read_spans
    >>> nine = pd.Timestamp("2024-03-01 09:00", tz="UTC")
    >>> day = pd.DataFrame([{"shift": "day", "started_at": nine, "ended_at": nine + pd.Timedelta("8h"), "agents": 2}])
    >>> len(workers_of(read_spans(day)))
    2
    """
    begin, end = seconds_of(spans["started_at"]), seconds_of(spans["ended_at"])
    shifts: dict[int, tuple[str | None, int, str, float, float, tuple[tuple[float, float, str, bool], ...]]] = {}
    table = zip(spans["seat"], spans["agent"], spans["queue"], begin, end, spans["activity"], spans["paid"], strict=True)
    for seat, agent, queue, first, last, activity, paid in table:
        _, _, _, start, until, off = shifts.get(seat, (None, 0, "", first, last, ()))
        off = off if activity == ON_QUEUE else (*off, (float(first), float(last), str(activity), bool(paid)))
        name = None if pd.isna(agent) else str(agent)
        shifts[seat] = (name, int(seat), str(queue), float(min(start, first)), float(max(until, last)), off)
    people: dict[Any, list[Any]] = {}
    for name, *shift in shifts.values():
        people.setdefault(shift[0] if name is None else name, []).append((name, tuple(shift)))
    return [Worker(each[0][0], tuple(sorted((shift for _, shift in each), key=lambda shift: shift[2]))) for each in people.values()]


def list_options(worker: Worker, allowed: tuple[Allowed, ...], limits: Limits) -> list[Option]:
    """Every change that a worker can make.

    Examples
    --------
    >>> ada = Worker("Ada", ((1, "help", 0.0, 7200.0, ()),))
    >>> found = list_options(ada, check_allowed([{"kind": "overtime_after", "cost": 30, "most_s": 3600}]), Limits(0.0, 0.0, None, 0.0))
    >>> [(each.begin, each.end, each.cost) for each in found]
    [(7200.0, 9000.0, 15.0), (7200.0, 10800.0, 30.0)]
    """
    found: list[Option] = []
    for number, rule in enumerate(allowed):
        if rule.agents is not None and worker.agent not in rule.agents:
            continue
        steps = rule.step_s * np.arange(1, int(rule.most_s / rule.step_s + 1e-9) + 1)
        for place, (_, _, start, end, off) in enumerate(worker.shifts):
            if rule.kind == "break_move":
                found += _moves(rule, number, place, start, end, off, steps, limits)
            elif rule.kind == "leave":
                found += _leaves(rule, number, place, start, end, off, steps, limits)
            else:
                found += _overtime(rule, number, place, worker, steps, limits)
    return found


def _overtime(rule: Allowed, number: int, place: int, worker: Worker, steps: Any, limits: Limits) -> list[Option]:
    _, _, start, end, _ = worker.shifts[place]
    earliest = worker.shifts[place - 1][3] + limits.rest_s if place else -np.inf
    latest = worker.shifts[place + 1][2] - limits.rest_s if place + 1 < len(worker.shifts) else np.inf
    found = []
    for length in steps:
        first, last = (start - length, start) if rule.kind == "overtime_before" else (end, end + length)
        if first < max(limits.from_s, earliest if rule.kind == "overtime_before" else -np.inf) - 1e-6:
            continue
        if (rule.kind == "overtime_after" and last > latest + 1e-6) or (
            limits.longest_s and end - start + length > limits.longest_s + 1e-6
        ):
            continue
        hours = float(length) / 3600
        found.append(Option(number, place, float(first), float(last), rule.cost * hours, hours, ((float(first), float(last), 1.0),)))
    return found


def _leaves(rule: Allowed, number: int, place: int, start: float, end: float, off: Any, steps: Any, limits: Limits) -> list[Option]:
    found = []
    for length in steps:
        first = end - float(length)
        if first < max(limits.from_s, start) - 1e-6:
            continue
        lost = _without(first, end, [(low, high) for low, high, *_ in off])
        unpaid = sum(max(0.0, high - max(low, first)) for low, high, _, paid in off if not paid)
        hours = (end - first - unpaid) / 3600
        found.append(Option(number, place, first, end, rule.cost * hours, -hours, tuple((low, high, -1.0) for low, high in lost)))
    return found


def _moves(rule: Allowed, number: int, place: int, start: float, end: float, off: Any, steps: Any, limits: Limits) -> list[Option]:
    found = []
    for low, high, activity, _ in off:
        if activity != BREAK or low < limits.from_s - 1e-6:
            continue
        others = [(first, last, limits.apart_s if word == BREAK else 0.0) for first, last, word, _ in off if first != low]
        for by in (*-steps[::-1], *steps):
            first, last = low + float(by), high + float(by)
            if first < max(start, limits.from_s) - 1e-6 or last > end + 1e-6:
                continue
            if any(first < after + apart - 1e-6 and last > before - apart + 1e-6 for before, after, apart in others):
                continue
            stretches = ((low, high, 1.0), (first, last, -1.0))
            found.append(Option(number, place, first, last, float(rule.cost), 0.0, stretches, moved=(low, high)))
    return found


def _without(first: float, last: float, holes: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """What is left of a stretch without the holes in it."""
    left, at = [], first
    for low, high in sorted(holes):
        if min(low, last) > at:
            left.append((at, min(low, last)))
        at = max(at, high)
    return [*left, (at, last)] if at < last else left
