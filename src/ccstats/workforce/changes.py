"""The rest of the day: overtime, leave and moved breaks that close its gaps at the least cost, and the service to expect with them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning, OptionError
from ccstats.workforce.breaks import in_queues, plan_of
from ccstats.workforce.change_model import Day
from ccstats.workforce.change_options import Limits, check_allowed
from ccstats.workforce.evaluation import evaluate_staffing
from ccstats.workforce.seats import read_spans, seconds_of
from ccstats.workforce.shift_service import gaps_of, hours_short, on_the_floor, with_expected

__all__ = ["SuggestedChanges", "suggest_changes"]

_FIGURES = ("expected_service_level", "expected_asa_s", "expected_abandonment_rate", "expected_occupancy")


@dataclass(frozen=True)
class SuggestedChanges:
    """What to ask whom for, and what comes of it.

    Attributes
    ----------
    changes : pandas.DataFrame
        One row a change: ``kind, agent`` (missing where the schedule has no names)``, seat, queue, shift, started_at, ended_at`` (of the
        overtime, the time given up, or the break at its new place)``, was_at`` (where the break was)``, hours`` (of agents' time won or
        given up)``, cost, helps`` (the intervals short of agents in which it puts somebody on queue).
    coverage : pandas.DataFrame
        ``queue, interval_start, interval_s, required, covered_before, covered, gap_before, gap`` (agents short; negative: spare), and where
        the plan says what is expected, ``expected_service_level_before`` and the ``expected_…`` figures with the changes.
    service : pandas.DataFrame
        By queue, over these intervals: the ``expected_…`` figures ``…_before`` and with the changes; without rows where the plan does not
        tell.
    schedule : pandas.DataFrame
        The schedule with the changes, as stretches.
    status : str
        ``optimal``; ``feasible``: the time was over, and the bounds say how far it may be from the best.
    objective, bound : float
        Cost of the changes (with ``short_cost`` that of hours short besides), and what no list of changes that closes as much can be below.
    short_bound : float
        Agent-hours that are short whatever is changed; missing with ``short_cost``.

    Examples
    --------
    >>> SuggestedChanges.__dataclass_params__.frozen
    True
    """

    changes: pd.DataFrame
    coverage: pd.DataFrame
    service: pd.DataFrame
    schedule: pd.DataFrame
    status: str
    objective: float
    bound: float
    short_bound: float
    _plan: pd.DataFrame

    @property
    def cost(self) -> float:
        """Cost of all changes; below 0 they save."""
        return float(self.changes["cost"].sum())

    @property
    def short_hours(self) -> float:
        """Agent-hours short with the changes."""
        return hours_short(self.coverage)

    @property
    def short_hours_before(self) -> float:
        """Agent-hours short without them."""
        return hours_short(self.coverage, "gap_before")

    def gaps(self) -> pd.DataFrame:
        """Intervals that stay short of agents, the worst first.

        Examples
        --------
        >>> SuggestedChanges.gaps.__name__
        'gaps'
        """
        return gaps_of(self.coverage)

    def as_plan(self) -> pd.DataFrame:
        """The plan of these intervals with the agents on the floor after the changes, for `evaluate_staffing`.

        Examples
        --------
        >>> SuggestedChanges.as_plan.__name__
        'as_plan'
        """
        return self._plan


def suggest_changes(
    schedule: Any,
    allowed: Any,
    *,
    now: Any,
    until: Any = None,
    plan: Any = None,
    shifts: Any = None,
    required: str | None = None,
    short_cost: float | None = None,
    notice_s: float = 0.0,
    rest_s: float = 0.0,
    longest_s: float | None = None,
    apart_s: float = 0.0,
    model: str = "stationary",
    time_limit_s: float = 30.0,
    gap: float = 1e-4,
) -> SuggestedChanges:
    """Changes to the rest of the day that leave as few agents short as can be, at the least cost.

    Parameters
    ----------
    schedule : Schedule, Roster, PlacedBreaks or table
        Who is there: whole shifts, or stretches with ``activity``, such as `place_breaks` makes them. Take out who has not come.
    allowed : table or list of mappings
        ``kind`` (``overtime_before, overtime_after, leave, break_move``)``, cost`` (of an hour, or of a break moved; that of leave may be
        below 0: it saves)``, most_s, step_s, agents`` (who may be asked)``, most`` (such changes in all). Kinds may be there several times,
        for several groups of agents.
    now : instant
        With a time zone. Intervals that begin now or later are looked at.
    until : instant, optional
        Until when; by default midnight in the zone of ``now``. No change reaches beyond it.
    plan : table, optional
        What is required: the plan, or that of a new forecast; by default that of the Schedule.
    shifts : table or list, optional
        Templates, for the breaks of whole shifts.
    required : str, optional
        As for `schedule_shifts`.
    short_cost : float, optional
        Of an agent-hour short. By default all is closed that can be, whatever it costs. [cost/h]
    notice_s : float
        Nothing changes before so long from now. [s]
    rest_s : float
        From one shift of an agent to the next. [s]
    longest_s : float, optional
        No shift may become longer. [s]
    apart_s : float
        A moved break is so far from others. [s]
    model : {"stationary", "transient", "simulation"}
        Of the service expected; see `evaluate_staffing`.
    time_limit_s : float
        The best found then is returned with its bound. [s]
    gap : float
        Stop when the changes are proved to be so near the best. [1]

    Returns
    -------
    SuggestedChanges
        Everybody is asked for one change at most. Nobody is sent home where that would leave an interval shorter than it need be.

    Raises
    ------
    TableError
        If the schedule or plan lacks a column.
    OptionError
        If an argument is wrong, or no interval of the plan is between ``now`` and ``until``.

    Warns
    -----
    DataWarning
        If intervals stay short, with the worst; if the time was over before the best was proved.

    See Also
    --------
    place_breaks : before the day begins.
    reforecast_day : what the day is going to be.

    Notes
    -----
    Whole numbers x of changes minimise the agent-hours short, Σ h (r - a - Dx)⁺, with a the agents who are there and D what a change adds
    to an interval; then c'x, with no more short than that. With ``short_cost`` the two are added up. Agents with the same shifts are one.

    Examples
    --------
    An agent is short from five to seven, and one too many is there in the afternoon:

    >>> import ccstats as cc
    >>> hours = pd.date_range("2024-03-04 09:00", periods=10, freq="h", tz="UTC", unit="us")
    >>> plan = pd.DataFrame({"queue": "help", "interval_start": hours, "interval_s": 3600.0, "agents": 1})
    >>> roster = pd.DataFrame({"agent": ["Ada", "Bo"], "shift": "day", "started_at": hours[0], "ended_at": hours[8]})
    >>> allowed = [{"kind": "overtime_after", "cost": 45, "most_s": 7200}, {"kind": "leave", "cost": -20, "most_s": 7200}]
    >>> made = cc.suggest_changes(roster, allowed, now=hours[4], plan=plan)
    >>> made.changes[["agent", "kind", "hours", "cost"]].values.tolist(), made.short_hours
    ([['Ada', 'overtime_after', 2.0, 90.0], ['Bo', 'leave', -2.0, -40.0]], 0.0)
    """
    first, last = _span(now, until)
    limits = _limits(first, notice_s, rest_s, longest_s, apart_s, short_cost, time_limit_s, gap)
    rules = check_allowed(allowed)
    frame, column = plan_of(schedule, plan, required)
    begin = seconds_of(frame["interval_start"])
    frame = frame[(begin >= first) & (begin + frame["interval_s"].to_numpy(dtype="float64") <= last + 1e-6)].reset_index(drop=True)
    if not len(frame):
        raise OptionError(f"now={now!r}, until={until!r}: no interval of the plan is between them")
    spans = in_queues(read_spans(schedule, shifts), frame)
    # The interval that has begun is not looked at, so nothing may change in it.
    limits = replace(limits, from_s=max(limits.from_s, float(begin[begin >= first].min())))
    day = Day(spans, frame, frame[column].to_numpy(dtype="float64"), rules, limits, last)
    solved = day.solve(short_cost, float(time_limit_s), float(gap))
    changes = day.table(spans, solved.counts)
    coverage = frame[["queue", "interval_start", "interval_s"]].assign(
        required=day.required, covered_before=day.before, covered=day.before + day.gains @ solved.counts
    )
    coverage = coverage.assign(gap_before=coverage["required"] - coverage["covered_before"], gap=coverage["required"] - coverage["covered"])
    known = frame.drop(columns="_required", errors="ignore")
    was, staffed = (on_the_floor(known, coverage, name) for name in ("covered_before", "covered"))
    coverage = _with_service(was, staffed, coverage)
    made = SuggestedChanges(
        changes, coverage, _service(was, staffed, model), day.changed(spans, solved.counts), solved.status, solved.objective, solved.bound,
        solved.short_bound, staffed,
    )  # fmt: skip
    _warn(made)
    return made


def _span(now: Any, until: Any) -> tuple[float, float]:
    try:
        start = pd.Timestamp(now)
        end = start.normalize() + pd.DateOffset(days=1) if until is None else pd.Timestamp(until)
        known = start.tz is not None and end.tz is not None and start < end
    except (TypeError, ValueError):
        known = False
    if not known:
        raise OptionError(f"now={now!r}, until={until!r}: expected instants with a time zone, the second after the first")
    return start.timestamp(), end.timestamp()


def _limits(first: float, notice_s: Any, rest_s: Any, longest_s: Any, apart_s: Any, short_cost: Any, time_limit_s: Any, gap: Any) -> Limits:
    values = {"notice_s": notice_s, "rest_s": rest_s, "apart_s": apart_s, "time_limit_s": time_limit_s, "gap": gap}
    values |= {name: value for name, value in (("longest_s", longest_s), ("short_cost", short_cost)) if value is not None}
    for name, value in values.items():
        if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= float(value) < np.inf:
            raise OptionError(f"{name}={value!r}: expected a number, 0 or more")
    return Limits(first + float(notice_s), float(rest_s), None if longest_s is None else float(longest_s), float(apart_s))


def _with_service(was: pd.DataFrame, staffed: pd.DataFrame, coverage: pd.DataFrame) -> pd.DataFrame:
    name = "expected_service_level"
    before = with_expected(was, coverage)
    after = with_expected(staffed, coverage)
    if name in before:
        after.insert(list(after.columns).index(name), f"{name}_before", before[name])
    return after


def _service(was: pd.DataFrame, staffed: pd.DataFrame, model: str) -> pd.DataFrame:
    """What is expected of each queue over all of these intervals, before and after."""
    if any(name not in was for name in ("expected_offered", "expected_aht_s", "threshold_s", "patience_s")):
        return pd.DataFrame({"queue": pd.Series([], dtype="str")})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        before, after = (evaluate_staffing(each, model=model, period=None, replications=200) for each in (was, staffed))
    made = after[["queue", "expected_offered", "target_service_level"]].assign(queue=after["queue"].astype("str"))
    for name in _FIGURES:
        made[f"{name}_before"], made[name] = before[name], after[name]
    return made


def _warn(made: SuggestedChanges) -> None:
    short = made.gaps()
    if len(short):
        worst = short.iloc[0]
        warnings.warn(
            f"{len(short)} intervals stay short of agents, the worst queue {worst['queue']!r} at {worst['interval_start']} by "
            f"{worst['gap']:.2f}; SuggestedChanges.gaps() lists them",
            DataWarning,
            stacklevel=3,
        )
    if made.status != "optimal":
        warnings.warn("the time was over before the best was proved: see bound and short_bound", DataWarning, stacklevel=3)
