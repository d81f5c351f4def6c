"""From agents per interval to shifts: which shifts to fill, how often, at what cost, and where they leave gaps."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import DataWarning, OptionError
from ccstats.periods import Calendar, check_timezone
from ccstats.workforce.shift_problem import NO_TOURS, Wanted, problem_of, refuse_closed, tour_table, tours_of
from ccstats.workforce.shift_service import gaps_of, on_the_floor, read_required, with_expected
from ccstats.workforce.shift_solvers import Solution, solve_highs, solve_pyworkforce
from ccstats.workforce.shift_templates import check_shifts, list_candidates

__all__ = ["Schedule", "schedule_shifts"]

Floats = NDArray[np.float64]
_OBJECTIVES = ("cost", "heads", "paid", "difference", "service_level")


@dataclass(frozen=True)
class Schedule:
    """Shifts to fill, and what they achieve.

    Attributes
    ----------
    shifts : pandas.DataFrame
        ``queue, shift, started_at, ended_at, agents`` (how many start it), ``paid_s`` and ``cost`` of one.
    coverage : pandas.DataFrame
        ``queue, interval_start, interval_s, required, covered, gap`` (agents short of the required; negative: spare), and, where the plan
        says what is expected, ``agents`` on the floor and the ``expected_service_level``, ``expected_asa_s``, ``expected_abandonment_rate``
        and ``expected_occupancy`` with them.
    tours : pandas.DataFrame
        With ``days_off``: ``queue, shift, start`` (wall clock)``, week_start, days_off, agents``; empty otherwise.
    status : str
        ``optimal``; ``feasible``: the time was over, `gap` says how far it may be from the best.
    objective, bound : float
        What the schedule costs in the objective's unit, and what no schedule can be below.

    Examples
    --------
    >>> Schedule.__dataclass_params__.frozen
    True
    """

    shifts: pd.DataFrame
    coverage: pd.DataFrame
    tours: pd.DataFrame
    status: str
    objective: float
    bound: float
    _plan: pd.DataFrame

    @property
    def gap(self) -> float:
        """How far the objective may be from the best, relative to it."""
        return 0.0 if self.objective <= self.bound else (self.objective - self.bound) / max(abs(self.objective), 1e-12)

    @property
    def heads(self) -> int:
        """Shifts filled; with ``days_off`` people."""
        table = self.tours if len(self.tours) else self.shifts
        return int(table["agents"].sum())

    @property
    def paid_hours(self) -> float:
        """Paid hours of all shifts."""
        return float((self.shifts["agents"] * self.shifts["paid_s"]).sum() / 3600)

    def gaps(self) -> pd.DataFrame:
        """Intervals that are short of agents, the worst first.

        Examples
        --------
        >>> Schedule.gaps.__name__
        'gaps'
        """
        return gaps_of(self.coverage)

    def as_plan(self) -> pd.DataFrame:
        """The plan with the agents that the schedule puts on the floor, for `evaluate_staffing` and `find_deviations`.

        Examples
        --------
        >>> Schedule.as_plan.__name__
        'as_plan'
        """
        return self._plan


def schedule_shifts(
    plan: Any,
    shifts: Any,
    *,
    timezone: str,
    required: str | None = None,
    objective: str = "cost",
    short_cost: float | None = None,
    spare_cost: float = 0.0,
    lost_contact_cost: float = 1.0,
    min_agents: float = 0.0,
    max_agents: float | None = None,
    max_heads: int | None = None,
    days_off: int = 0,
    calendar: Calendar | Mapping[str, Calendar] | None = None,
    engine: str = "highs",
    time_limit_s: float = 30.0,
    gap: float = 1e-4,
    progress: Callable[[str, float], None] | None = None,
) -> Schedule:
    """The shifts that cover a plan at the least cost.

    Parameters
    ----------
    plan : table
        `plan`, or any table with ``queue, interval_start, interval_s`` and the column ``required``. Queues are scheduled one by one.
    shifts : table, list of mappings or of Shift
        Templates: ``shift, first_start, last_start`` (local wall clock)``, start_step_s, length_s, breaks`` (of ``offset_s, length_s,
        paid``)``, cost, days``; see `Shift`. Shifts go over midnight, and those of the evening before the plan begins count too.
    timezone : str
        Whose wall clock the templates mean.
    required : str, optional
        Column with the agents to cover: ``scheduled_agents`` where there is one, else ``agents``. Breaks of the templates are taken out of
        the coverage, so shrinkage should not hold them again.
    objective : {"cost", "heads", "paid", "difference", "service_level"}
        What is made least, shortfall apart: cost of the shifts (paid hours where a template has none), their number, paid hours;
        ``difference``: agent-hours short and spare together; ``service_level``: cost, and contacts not served in time by the sizing model.
    short_cost : float, optional
        Of an agent-hour short. By default so high that whatever can be covered is. [cost/h]
    spare_cost : float
        Of an agent-hour beyond the required. [cost/h]
    lost_contact_cost : float
        With ``service_level``: of a contact not served in time. [cost]
    min_agents : float
        At least as many are required in every interval where any shift can be. [agents]
    max_agents : float, optional
        Desks: no more in any interval. [agents]
    max_heads : int, optional
        No more shifts a local day (with ``days_off``, people a week). [shifts]
    days_off : int
        So many days off in a row for everyone in each seven days of the plan, the same shift on the others; 0: days are independent. [d]
    calendar : Calendar or mapping of str to Calendar, optional
        Opening hours, of all queues or of each; a queue that is not named is always open. No shift lies outside them, and demand outside
        them is refused.
    engine : {"highs", "pyworkforce"}
        ``pyworkforce`` only for what it gets right; anything else is refused with the reason.
    time_limit_s : float
        For each queue; the best found then is returned with its bound. [s]
    gap : float
        Stop when the schedule is proved to be so near the best. [1]
    progress : callable, optional
        Called with a queue's name and the share of queues done. [0-1]

    Returns
    -------
    Schedule

    Raises
    ------
    TableError
        If a column is missing, or a queue has an interval twice or intervals that overlap.
    OptionError, ZoneError
        If an argument or template is wrong, demand lies in closed hours, or ``engine="pyworkforce"`` would get it wrong.

    Warns
    -----
    DataWarning
        If intervals are left short, with the worst; if the time was over before the best was proved.

    See Also
    --------
    plan_staffing : makes the plan.
    build_roster : puts names to the shifts.

    Notes
    -----
    Whole numbers x of shifts minimise c'x + short_cost · Σ h (r - Ax)⁺ + spare_cost · Σ h (Ax - r)⁺ with A the share of an interval that a
    shift works in it, r the required agents and h the hours of an interval: Dantzig's set covering model [1]_ with both slacks priced.
    ``service_level`` replaces the shortfall by the lower convex hull of contacts not served in time over whole numbers of agents.

    References
    ----------
    .. [1] G. B. Dantzig (1954), A comment on Edie's "Traffic delays at toll booths". Operations Research 2, 339-341.

    Examples
    --------
    Three agents from ten at night to six in the morning are three, not six:

    >>> import ccstats as cc
    >>> hours = pd.date_range("2024-03-01", periods=48, freq="h", tz="UTC", unit="us")
    >>> night = [3 if 22 <= at < 30 else 0 for at in range(48)]
    >>> plan = pd.DataFrame({"queue": "help", "interval_start": hours, "interval_s": 3600.0, "agents": night})
    >>> made = cc.schedule_shifts(plan, [{"shift": "night", "first_start": "22:00", "length_s": 8 * 3600}], timezone="UTC")
    >>> made.shifts[["shift", "agents"]].values.tolist(), made.status, len(made.gaps())
    ([['night', 3]], 'optimal', 0)
    """
    zone = check_timezone(timezone)
    numbers = {
        "spare_cost": spare_cost,
        "lost_contact_cost": lost_contact_cost,
        "min_agents": min_agents,
        "time_limit_s": time_limit_s,
        "gap": gap,
    }
    numbers |= {
        name: value
        for name, value in (("short_cost", short_cost), ("max_agents", max_agents), ("max_heads", max_heads))
        if value is not None
    }
    for name, value in numbers.items():
        if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= float(value) < np.inf:
            raise OptionError(f"{name}={value!r}: expected a number, 0 or more")
    if objective not in _OBJECTIVES:
        raise OptionError(f"objective={objective!r}: expected one of {', '.join(_OBJECTIVES)}")
    if engine not in ("highs", "pyworkforce"):
        raise OptionError(f"engine={engine!r}: expected 'highs' or 'pyworkforce'")
    if not isinstance(days_off, int) or isinstance(days_off, bool) or not 0 <= days_off <= 6:
        raise OptionError(f"days_off={days_off!r}: expected 0 to 6 days in a row")
    for each in calendar.values() if isinstance(calendar, Mapping) else (calendar,):
        if not isinstance(each, Calendar | None):
            raise OptionError(f"calendar: {each!r} found, expected a Calendar, or one for each queue")
    templates = check_shifts(shifts)
    frame, column = read_required(plan, required, objective)
    asked = Wanted(
        templates, zone, objective, short_cost, float(spare_cost), float(lost_contact_cost), float(min_agents), max_agents, max_heads,
        days_off, None, engine, float(time_limit_s), float(gap),
    )  # fmt: skip
    parts = []
    queues = frame.groupby("queue", observed=True, sort=True)
    for number, (queue, rows) in enumerate(queues, 1):
        hours = calendar.get(str(queue)) if isinstance(calendar, Mapping) else calendar
        parts.append(_of_queue(str(queue), rows.reset_index(drop=True), column, replace(asked, calendar=hours)))
        if progress:
            progress(str(queue), number / len(queues))
    return _together(parts, frame)


@dataclass(frozen=True)
class _Part:
    queue: str
    solution: Solution
    shifts: pd.DataFrame
    coverage: pd.DataFrame
    tours: pd.DataFrame


def _of_queue(queue: str, rows: pd.DataFrame, column: str, asked: Wanted) -> _Part:
    starts = pd.DatetimeIndex(rows["interval_start"].dt.tz_convert("UTC")).as_unit("us").asi8 / 1e6
    lengths = rows["interval_s"].to_numpy(dtype="float64")
    required = rows[column].to_numpy(dtype="float64")
    if asked.calendar is not None:
        refuse_closed(queue, rows, required, asked.calendar)
    found = list_candidates(asked.templates, starts, lengths, asked.zone, asked.calendar)
    reachable = np.asarray((found.covered > 0).sum(axis=1)).ravel() > 0
    required = np.where(reachable, np.maximum(required, asked.min_agents), required)
    columns, members = tours_of(found, rows, asked) if asked.days_off else (found.covered, None)
    problem = problem_of(found, columns, members, rows, required, lengths, asked)
    if asked.engine == "pyworkforce":
        unknown = "tours of several days" if asked.days_off else ""
        if asked.short_cost is not None and asked.objective != "difference":
            unknown = "price of an hour short"
        if unknown:
            raise OptionError(f"engine='pyworkforce' cannot do this right: it knows no {unknown}. Use engine='highs'")
        local = rows["interval_start"].dt.tz_convert(asked.zone).dt.date
        numbers = {day: at for at, day in enumerate(dict.fromkeys(local))}
        shift_days = found.rows["day"].map(numbers).fillna(-1).to_numpy(dtype="int64")
        solution = solve_pyworkforce(
            problem, days=local.map(numbers).to_numpy(dtype="int64"), shift_days=shift_days, objective=asked.objective,
            time_limit_s=asked.time_limit_s,
        )  # fmt: skip
        if solution.status in ("infeasible", "unknown"):
            raise OptionError(
                f"queue {queue!r}: pyworkforce found no schedule ({solution.status}) and does not say why; "
                "engine='highs' names the intervals"
            )
    else:
        solution = solve_highs(problem, time_limit_s=asked.time_limit_s, gap=asked.gap)
        if solution.status == "infeasible":
            raise OptionError(f"queue {queue!r}: no schedule is within max_agents and max_heads")
    of_shift = solution.counts if members is None else np.asarray(members @ solution.counts).ravel()
    taken = np.flatnonzero(of_shift > 0)
    shifts = found.rows.iloc[taken][["shift", "started_at", "ended_at", "paid_s", "cost"]].reset_index(drop=True)
    shifts.insert(3, "agents", of_shift[taken].astype("int64"))
    shifts.insert(0, "queue", queue)
    covered = found.covered @ of_shift
    coverage = rows[["queue", "interval_start", "interval_s"]].assign(required=required, covered=covered, gap=required - covered)
    tours = tour_table(queue, found, members, solution.counts, asked) if members is not None else NO_TOURS
    return _Part(queue, solution, shifts.sort_values(["started_at", "shift"], kind="stable", ignore_index=True), coverage, tours)


def _together(parts: list[_Part], frame: pd.DataFrame) -> Schedule:
    if not parts:
        empty = frame[["queue", "interval_start", "interval_s"]].assign(required=0.0, covered=0.0, gap=0.0)
        names = {"queue": "str", "shift": "str", "started_at": "datetime64[us, UTC]", "ended_at": "datetime64[us, UTC]", "agents": "int64"}
        shifts = pd.DataFrame(
            {name: pd.Series([], dtype=dtype) for name, dtype in (names | {"paid_s": "float64", "cost": "float64"}).items()}
        )
        return Schedule(shifts, empty, NO_TOURS, "optimal", 0.0, 0.0, frame)
    coverage = pd.concat([part.coverage for part in parts], ignore_index=True)
    plan = on_the_floor(frame, coverage)
    coverage = with_expected(plan, coverage)
    short = gaps_of(coverage)
    if len(short):
        worst = short.iloc[0]
        warnings.warn(
            f"{len(short)} intervals are short of agents, the worst queue {worst['queue']!r} at {worst['interval_start']} by "
            f"{worst['gap']:.2f}; Schedule.gaps() lists them",
            DataWarning,
            stacklevel=3,
        )
    solutions = [part.solution for part in parts]
    late = [part.queue for part in parts if part.solution.status != "optimal"]
    if late:
        warnings.warn(
            f"the time was over before the best was proved for {', '.join(map(repr, late[:5]))}: see Schedule.gap",
            DataWarning,
            stacklevel=3,
        )
    tours = [part.tours for part in parts if len(part.tours)]
    return Schedule(
        pd.concat([part.shifts for part in parts], ignore_index=True),
        coverage,
        pd.concat(tours, ignore_index=True) if tours else NO_TOURS,
        "optimal" if not late else "feasible",
        float(sum(each.objective for each in solutions)),
        float(sum(each.bound for each in solutions)),
        plan,
    )
