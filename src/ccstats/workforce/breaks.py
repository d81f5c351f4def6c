"""Breaks where staff is long: each moved within its window to where it harms coverage least."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import OptionError, TableError
from ccstats.workforce.break_model import BreakProblem, BreakRules, Placement
from ccstats.workforce.seats import BREAK, read_seats, seconds_of, spans_of, template_of, to_instants
from ccstats.workforce.shift_service import hours_short, on_the_floor, read_required, with_expected
from ccstats.workforce.shift_templates import Shift, check_shifts

__all__ = ["PlacedBreaks", "place_breaks"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PlacedBreaks:
    """A schedule with its breaks, and what they did to coverage.

    Attributes
    ----------
    schedule : pandas.DataFrame
        ``seat`` (one shift of one agent)``, agent`` (missing where the schedule has no names)``, queue, shift, started_at, ended_at,
        activity`` (``on_queue`` or ``break``)``, paid``: one row a stretch; what `measure_adherence` takes.
    breaks : pandas.DataFrame
        ``seat, agent, queue, shift, started_at, ended_at, paid, was_at``: one row a break; ``was_at`` is where the template has it.
    coverage : pandas.DataFrame
        ``queue, interval_start, interval_s, required``; agents with the breaks at their own places and as placed, ``covered_before,
        covered``; how many are short, ``gap_before, gap`` (negative: spare); and where the plan says what is expected, ``agents`` on the
        floor and the ``expected_…`` figures with them.
    status : str
        ``optimal``; ``feasible``: the time was over, and ``bound`` says how far it may be from the best.
    objective, bound : float
        Agent-hours short, and what no placement can be below.

    Examples
    --------
    >>> PlacedBreaks.__dataclass_params__.frozen
    True
    """

    schedule: pd.DataFrame
    breaks: pd.DataFrame
    coverage: pd.DataFrame
    status: str
    objective: float
    bound: float
    _plan: pd.DataFrame

    @property
    def short_hours(self) -> float:
        """Agent-hours short with the breaks as placed."""
        return hours_short(self.coverage)

    @property
    def short_hours_before(self) -> float:
        """Agent-hours short with the breaks where the templates have them."""
        return hours_short(self.coverage, "gap_before")

    def as_plan(self) -> pd.DataFrame:
        """The plan with the agents that are on the floor now, for `evaluate_staffing`.

        Examples
        --------
        >>> PlacedBreaks.as_plan.__name__
        'as_plan'
        """
        return self._plan


def place_breaks(
    schedule: Any,
    shifts: Any,
    *,
    plan: Any = None,
    required: str | None = None,
    edge_s: float = 0.0,
    apart_s: float = 0.0,
    max_at_once: int | None = None,
    move_s: float = 0.0,
    step_s: float = 900.0,
    never_worse: bool = False,
    time_limit_s: float = 30.0,
    gap: float = 1e-4,
) -> PlacedBreaks:
    """The breaks of shifts or of a roster, each where it leaves the fewest agents short.

    Parameters
    ----------
    schedule : Schedule, Roster or table
        Whole shifts: ``shift, started_at, ended_at``, ``agents`` or ``agent``, ``queue``.
    shifts : table, list of mappings or of Shift
        The templates they were made of. A break may begin from its ``earliest_s`` to its ``latest_s`` after the start of the shift.
    plan : table, optional
        What is required; by default that of the Schedule.
    required : str, optional
        As for `schedule_shifts`.
    edge_s : float
        No break in the first or last so many seconds of a shift. [s]
    apart_s : float
        At least so long from the end of one break to the start of the next. [s]
    max_at_once : int, optional
        No more agents of a queue on a break at a time. [agents]
    move_s : float
        How far a break without a window may be moved either way; 0: it stays where it is. [s]
    step_s : float
        Breaks are moved by multiples of it. [s]
    never_worse : bool
        No interval may be short of more agents than with the breaks at their own places.
    time_limit_s : float
        For each queue. [s]
    gap : float
        Stop when the placement is proved to be so near the best. [1]

    Returns
    -------
    PlacedBreaks
        Every break is as long as before, so paid time is the same. Of placements with the fewest agent-hours short, one that keeps most
        spare where there is least. Agents of the same shift and start are alike; names that come first have the first breaks.

    Raises
    ------
    TableError
        If the schedule or plan lacks a column, or a queue of the schedule is not in the plan.
    OptionError
        If an argument or template is wrong, or the rules leave no place for a break: the message says which one is in the way.

    See Also
    --------
    schedule_shifts, build_roster : make the shifts.
    suggest_changes : for what is left of the day.

    Notes
    -----
    Whole numbers of agents of each shift and start begin each break at each place. That breaks of one agent are apart is a condition on
    how many have begun each by then, as in implicit models of breaks [1]_: in order of time the same agents take first and second breaks.

    References
    ----------
    .. [1] T. Aykin (1996), Optimal shift scheduling with multiple break windows. Management Science 42, 591-602.

    Examples
    --------
    Two agents would have lunch in the busiest hour:

    >>> import ccstats as cc
    >>> hours = pd.date_range("2024-03-04 09:00", periods=8, freq="h", tz="UTC", unit="us")
    >>> plan = pd.DataFrame({"queue": "help", "interval_start": hours, "interval_s": 3600.0, "agents": [1, 1, 1, 1, 2, 1, 1, 1]})
    >>> lunch = {"offset_s": 4 * 3600, "length_s": 3600, "earliest_s": 3 * 3600, "latest_s": 5 * 3600}
    >>> templates = [{"shift": "day", "first_start": "09:00", "length_s": 8 * 3600, "breaks": [lunch]}]
    >>> roster = pd.DataFrame({"agent": ["Ada", "Bo"], "shift": "day", "started_at": hours[0], "ended_at": hours[0] + pd.Timedelta("8h")})
    >>> made = cc.place_breaks(roster, templates, plan=plan, step_s=3600)
    >>> made.short_hours_before, made.short_hours, made.breaks["started_at"].dt.hour.tolist()
    (2.0, 0.0, [12, 14])
    """
    rules = _rules(edge_s, apart_s, move_s, step_s, max_at_once, never_worse, time_limit_s, gap)
    templates = {each.shift: each for each in check_shifts(shifts)}
    frame, column = plan_of(schedule, plan, required)
    seats = in_queues(read_seats(schedule), frame)
    lengths = (seats["ended_at"] - seats["started_at"]).dt.total_seconds().to_numpy()
    of_seat = [template_of(templates, name, float(length)) for name, length in zip(seats["shift"], lengths, strict=True)]
    begin = seconds_of(seats["started_at"])
    coverage, found, solved = [], [], []
    for queue, rows in frame.groupby("queue", observed=True, sort=True):
        mine = np.flatnonzero((seats["queue"] == queue).to_numpy())
        groups, members = _alike(mine, of_seat, begin)
        starts, spans = seconds_of(rows["interval_start"]), rows["interval_s"].to_numpy(dtype="float64")
        problem = BreakProblem(groups, rows[column].to_numpy(dtype="float64"), starts, spans, rules)
        placed = problem.solve(time_limit_s=float(time_limit_s), gap=float(gap))
        solved.append(placed)
        found.append(_to_seats(problem, members, placed))
        before, after = problem.before, problem.covered(placed.counts)
        coverage.append(
            rows[["queue", "interval_start", "interval_s"]].assign(
                required=problem.required, covered_before=before, covered=after,
                gap_before=problem.required - before, gap=problem.required - after,
            )
        )  # fmt: skip
    table = pd.concat(found, ignore_index=True) if found else _to_seats(None, [], None)
    schedule_rows = spans_of(
        seats, table["row"].to_numpy(), table["start"].to_numpy(), table["length"].to_numpy(), table["paid"].to_numpy(dtype=bool)
    )
    breaks = schedule_rows[schedule_rows["activity"] == BREAK].drop(columns="activity").reset_index(drop=True)
    # Both are in order of seats and, within one, of time.
    breaks["was_at"] = to_instants(table.sort_values(["row", "start"], kind="stable")["own"].to_numpy())
    together = pd.concat(coverage, ignore_index=True) if coverage else frame.assign(covered=0.0, gap=0.0, gap_before=0.0)
    staffed = on_the_floor(frame.drop(columns="_required", errors="ignore"), together)
    return PlacedBreaks(
        schedule_rows,
        breaks,
        with_expected(staffed, together),
        "optimal" if all(each.status == "optimal" for each in solved) else "feasible",
        float(sum(each.objective for each in solved)),
        float(sum(each.bound for each in solved)),
        staffed,
    )


def plan_of(schedule: Any, plan: Any, required: str | None) -> tuple[pd.DataFrame, str]:
    """The plan and its column with the agents to cover; of a Schedule what that had to cover, where no plan is given.

    Raises
    ------
    OptionError
        If there is none.
    TableError
        If it is wrong.

    Examples
    --------
    >>> plan_of(pd.DataFrame(), None, None)
    Traceback (most recent call last):
    ccstats.errors.OptionError: plan= is missing: only a Schedule knows by itself what is required
    """
    if plan is not None:
        return read_required(plan, required)
    if not hasattr(schedule, "coverage") or not hasattr(schedule, "as_plan"):
        raise OptionError("plan= is missing: only a Schedule knows by itself what is required")
    known = schedule.coverage[["queue", "interval_start", "required"]].rename(columns={"required": "_required"})
    own = schedule.as_plan()
    return read_required(own.assign(queue=own["queue"].astype("str")).merge(known, on=["queue", "interval_start"], how="left"), "_required")


def in_queues(seats: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Seats, each in a queue of the plan; those that say none are in the only one.

    Raises
    ------
    TableError
        If a queue is not in the plan.

    Examples
    --------
    >>> in_queues(pd.DataFrame({"queue": [""]}), pd.DataFrame({"queue": ["help"]}))["queue"].tolist()
    ['help']
    """
    known = plan["queue"].unique()
    if len(known) == 1:
        seats = seats.assign(queue=seats["queue"].where(seats["queue"] != "", known[0]))
    unknown = sorted(set(seats["queue"]) - set(known))
    if unknown:
        raise TableError(
            f"schedule: queues {', '.join(map(repr, unknown[:5]))} are not in the plan; it has {', '.join(map(repr, known[:5])) or 'none'}"
        )
    return seats


def _rules(
    edge_s: Any, apart_s: Any, move_s: Any, step_s: Any, max_at_once: Any, never_worse: Any, time_limit_s: Any, gap: Any
) -> BreakRules:
    for name, value in {"edge_s": edge_s, "apart_s": apart_s, "move_s": move_s, "time_limit_s": time_limit_s, "gap": gap}.items():
        if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= float(value) < np.inf:
            raise OptionError(f"{name}={value!r}: expected a number, 0 or more")
    if not isinstance(step_s, Real) or isinstance(step_s, bool) or not 60 <= float(step_s) < np.inf:
        raise OptionError(f"step_s={step_s!r}: expected seconds, 60 or more")
    if max_at_once is not None and (not isinstance(max_at_once, int | np.integer) or isinstance(max_at_once, bool) or max_at_once < 0):
        raise OptionError(f"max_at_once={max_at_once!r}: expected a whole number of agents")
    if not isinstance(never_worse, bool):
        raise OptionError(f"never_worse={never_worse!r}: expected True or False")
    return BreakRules(
        float(edge_s), float(apart_s), float(move_s), float(step_s), None if max_at_once is None else int(max_at_once), never_worse
    )


def _alike(mine: NDArray[np.int64], of_seat: list[Shift], begin: Floats) -> tuple[list[tuple[Shift, float, int]], list[list[int]]]:
    """Seats of the same template and start together."""
    found: dict[tuple[str, float], list[int]] = {}
    for row in mine:
        found.setdefault((of_seat[row].shift, float(begin[row])), []).append(int(row))
    return [(of_seat[rows[0]], start, len(rows)) for (_, start), rows in found.items()], list(found.values())


def _to_seats(problem: BreakProblem | None, members: list[list[int]], placed: Placement | None) -> pd.DataFrame:
    """Who begins each break when: in order of time, in order of seats."""
    parts: list[pd.DataFrame] = []
    if problem is not None and placed is not None:
        for rows, (template, start, _), blocks in zip(members, problem.groups, problem.blocks, strict=True):
            for each, block in zip(template.breaks, blocks, strict=True):
                at = np.repeat(problem.begin[block], np.rint(placed.counts[block]).astype("int64"))
                part = {"row": rows, "start": at, "length": each.length_s, "paid": bool(each.paid), "own": start + each.offset_s}
                parts.append(pd.DataFrame(part))
    if parts:
        return pd.concat(parts, ignore_index=True)
    kinds = {"row": "int64", "start": "float64", "length": "float64", "paid": "bool", "own": "float64"}
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in kinds.items()})
