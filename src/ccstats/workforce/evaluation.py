"""What a plan will achieve: by formula, through the day with its backlog, or simulated; and plans side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import OptionError
from ccstats.expectation.expected import Sums, divide
from ccstats.expectation.outlook import Asked, Cells, Options, Quotient, by_formula, numbers, outcomes, read_plan
from ccstats.spc.proportions import wilson_interval

__all__ = ["compare_plans", "evaluate_staffing"]

Floats = NDArray[np.float64]

#: Every ratio, and the sums it is divided from.
_RATIOS = {
    "expected_service_level": ("within", "counted"),
    "expected_asa_s": ("total_wait_s", "answered"),
    "expected_abandonment_rate": ("abandoned", "offered"),
    "expected_occupancy": ("occupied_s", "staffed_s"),
}


def evaluate_staffing(
    plan: Any,
    *,
    model: str = "stationary",
    agents: str = "agents",
    period: str | None = "interval",
    timezone: str | None = None,
    arrival_cv: float = 0.0,
    replications: int = 200,
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """What the agents of a plan are expected to achieve, per interval or per day, week, month and so on, and how sure the target is.

    Parameters
    ----------
    plan : table
        A `plan`. Threshold, patience, definition, target and shrinkage are the plan's own columns: to ask "and if customers wait two
        minutes?", pass ``plan.assign(patience_s=120.0)``. So are ``lines`` and ``short_s``, where there are
        such columns: who finds all lines taken is blocked, counted as offered, and neither answered nor abandoned.
    model : str
        ``stationary``: every interval on its own, as if it had always been so (Erlang A, C where ``patience_s`` is infinite,
        and B where the plan is by ``erlang_b``; that has no queue, so the other models refuse it).
        ``transient``: the queue is carried from one interval to the next. ``simulation``: replications of single contacts, the queue
        carried over.
    agents : str
        Column that says who is on the floor. ``scheduled_agents`` are counted without their ``shrinkage``; every other column as it is.
    period : str, optional
        ``interval``; or ``hour, day, week, month, quarter, year``: sums per queue and period, divided last; None: one row a queue.
    timezone : str, optional
        The zone whose days count. Needed with a period longer than an interval, and with ``arrival_cv``.
    arrival_cv : float
        How far a day's demand strays from the forecast: coefficient of variation of a factor that all intervals of a queue's day share,
        gamma distributed with mean 1. 0: the forecast is right, and contacts come at random about it. [1]
    replications : int
        Simulated outcomes, for ``model="simulation"`` and for ``target_met_probability``. With 0 the latter is left out: a replication
        costs about half a microsecond a contact.
    confidence : float
        Of the limits of simulated figures. [0-1]
    seed : int
        Of the simulation. The same seed draws the same contacts for plans of the same demand.

    Returns
    -------
    pandas.DataFrame
        ``queue``; ``interval_start``, ``interval_s`` and ``agents`` on the floor, or ``period_start`` (in ``timezone``) and ``intervals``
        that were counted; ``model``, ``definition``; ``agent_hours``; ``expected_offered``; ``expected_service_level`` by the plan's
        definition, ``expected_asa_s``, ``expected_abandonment_rate``, ``expected_occupancy``; ``target_service_level``. The transient model
        and the simulation add ``expected_queue_at_end`` of intervals, the simulation ``…_low`` and ``…_high``, confidence limits of each
        expectation. Periods have ``target_met_probability`` with its limits.

        A share without contacts is missing. In overload without abandonment the stationary answer is the limit (nobody in time, infinite
        wait, for the whole period too); the other models say how far the queue grows until then. Without a threshold there is no service
        level. Without rows the table is empty.

    Raises
    ------
    TableError
        If a column is missing or of another kind, or a queue has the same or overlapping intervals twice.
    OptionError, ZoneError
        If an argument has no such value, or the zone is unknown or needed.

    Warns
    -----
    DataWarning
        If intervals cannot be evaluated: no or negative volume or agents, or contacts without a handle time. Their figures are missing and
        periods are counted without them.

    See Also
    --------
    compare_plans : several plans side by side.
    backtest_staffing : which model fits this centre.

    Notes
    -----
    *Carry-over.* The queue is carried over midnight, and over all intervals that follow each other in the plan. It starts empty after a
    gap, after intervals in which nothing is expected and nobody is on the floor (closed), after one that cannot be evaluated, and where the
    length of the intervals changes. Whoever still waits when the last interval before it ends is served by its agents, who stay on for
    that. Contacts are booked where they join.

    *The target of a period* is the plan's; where it changes within the period, the mean of the targets, weighted by contacts.

    *Probability.* ``target_met_probability`` is the share of simulated outcomes in which the service level of the finite number of contacts
    reached the target, whichever model the expectations come from: neither formula knows how far a month strays from its mean. Those who
    wait, wait together; taken as independent draws they would make the month look several times surer than it is. Its limits are Wilson's
    [1]_. Outcomes without contacts count for nothing. Expectations with ``arrival_cv`` are averaged over the same factor, by 16 points of
    Gauss-Legendre in its quantiles. Limits of simulated ratios are those of a quotient of means, Student's t over the replications [2]_. A
    fractional agent is on the floor in that share of the replications.

    *Agents who leave* finish the contact in hand. In the simulation these seconds are part of the occupancy, which can exceed 1 where many
    leave at once.

    References
    ----------
    .. [1] E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference. Journal of the American Statistical
       Association 22, 209-212.
    .. [2] A. M. Law (2015), Simulation Modeling and Analysis, 5th edition, chapter 9 (replications) and section 9.5 (quotients).

    Examples
    --------
    A morning staffed with eight agents for 10 Erlangs: the formula says nobody is ever answered in time, but the day begins empty.

    >>> import pandas as pd
    >>> import ccstats as cc
    >>> morning = pd.DataFrame({
    ...     "queue": pd.Categorical(["sales"] * 3),
    ...     "interval_start": pd.date_range("2026-03-02 08:00", periods=3, freq="30min", tz="UTC", unit="us"),
    ...     "interval_s": 1800.0, "expected_offered": 100.0, "expected_aht_s": 180.0, "agents": [8, 8, 14],
    ...     "threshold_s": 20.0, "patience_s": float("inf"), "target_service_level": 0.8,
    ... })
    >>> cc.evaluate_staffing(morning)["expected_service_level"].round(2).tolist()
    [0.0, 0.0, 0.89]
    >>> through_the_day = cc.evaluate_staffing(morning, model="transient")
    >>> bool(through_the_day["expected_service_level"][0] > 0.05 and through_the_day["expected_service_level"][2] < 0.8)
    True
    """
    options = Options(model, period, timezone, arrival_cv, replications, confidence, seed)
    asked = read_plan(plan, agents)
    cells = Cells(asked, period, timezone)
    columns: dict[str, Any] = {**cells.keys}
    if period == "interval":
        columns |= {"interval_s": asked.rows.interval_s, "agents": asked.rows.agents}
    else:
        columns["intervals"] = cells.add(asked.known).astype("int64")
    columns["model"] = pd.Categorical([model] * len(cells), categories=[model])
    columns["definition"] = pd.Categorical(asked.definition[cells.first])
    columns["agent_hours"] = _hours(asked, cells, asked.rows.agents)
    columns["expected_offered"] = _offered(asked, cells)
    columns |= _expect(asked, cells, options)
    return pd.DataFrame(columns)


def compare_plans(
    plans: Mapping[str, Any],
    *,
    model: str = "stationary",
    agents: str = "agents",
    period: str | None = None,
    timezone: str | None = None,
    arrival_cv: float = 0.0,
    replications: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Plans side by side: hours, service, and how much each differs from the first.

    Parameters
    ----------
    plans : dict of str to table
        A `plan` under each name; the others are compared with the first.
    model, agents, timezone, arrival_cv, replications, seed
        As for `evaluate_staffing`. Simulated plans of the same demand meet the same contacts.
    period : str, optional
        As for `evaluate_staffing`; by default one row a plan and queue.

    Returns
    -------
    pandas.DataFrame
        ``plan``, ``queue``, ``period_start`` where there are periods; ``agent_hours`` on the floor and ``scheduled_hours`` (missing where
        the plan has no ``scheduled_agents``); ``expected_offered``; ``expected_service_level``, ``expected_abandonment_rate``,
        ``expected_asa_s`` and ``expected_occupancy`` of all contacts together; ``intervals_below_target`` of those with contacts and a
        target; and for each of these figures ``…_difference`` to the same queue and period of the first plan, missing where that has none.

    Raises
    ------
    OptionError
        If there is no plan, or as for `evaluate_staffing`.
    TableError, ZoneError
        As for `evaluate_staffing`.

    Warns
    -----
    DataWarning
        As for `evaluate_staffing`.

    Examples
    --------
    One agent more, and what it buys:

    >>> import pandas as pd
    >>> import ccstats as cc
    >>> lean = pd.DataFrame({
    ...     "queue": pd.Categorical(["sales"]), "interval_start": pd.to_datetime(["2026-03-02 08:00+00:00"]).as_unit("us"),
    ...     "interval_s": 1800.0, "expected_offered": 100.0, "expected_aht_s": 180.0, "agents": 13, "threshold_s": 20.0,
    ...     "patience_s": float("inf"), "target_service_level": 0.8,
    ... })
    >>> both = cc.compare_plans({"lean": lean, "one more": lean.assign(agents=14)})
    >>> both[["plan", "agent_hours", "expected_service_level", "intervals_below_target"]].round(3)
           plan  agent_hours  expected_service_level  intervals_below_target
    0      lean          6.5                   0.796                       1
    1  one more          7.0                   0.888                       0
    """
    if not isinstance(plans, Mapping) or not plans:
        raise OptionError("plans= must be a dict of names and plans, such as {'today': plan, 'one more': other}; found none")
    options = Options(model, period, timezone, arrival_cv, replications, seed=seed)
    parts = [_summary(plan, agents, options) for plan in plans.values()]
    keys = [name for name in ("queue", "interval_start", "period_start") if name in parts[0]]
    figures = [name for name in parts[0].columns if name not in keys]
    first = parts[0].set_index(keys)[figures]
    for number, part in enumerate(parts):
        same = first.reindex(part.set_index(keys).index).to_numpy(dtype="float64")
        with np.errstate(invalid="ignore"):  # an infinite wait less another one is not known
            more = part[figures].to_numpy(dtype="float64") - same
        parts[number] = part.assign(**{f"{name}_difference": more[:, place] for place, name in enumerate(figures)})
    names = [str(name) for name in plans]
    made = pd.concat(parts, ignore_index=True)
    plan_of = pd.Categorical(np.repeat(names, [len(part) for part in parts]), categories=names)
    made = made.assign(plan=plan_of, queue=made["queue"].astype("category"))
    return made[["plan", *made.columns.drop("plan")]]


def _expect(asked: Asked, cells: Cells, options: Options) -> dict[str, Any]:
    """The expectations of each row of the result, its target, and for periods how likely that is met."""
    by_interval, simulated = options.period == "interval", options.model == "simulation"
    ratios = dict(_RATIOS)
    if by_interval and options.model != "stationary":
        ratios["expected_queue_at_end"] = ("queue_at_end", "known")
    columns: dict[str, Any] = {}
    if not simulated:
        totals = _totals(asked, cells, by_formula(asked, options))
        columns = {name: divide(totals[above], totals[below]) for name, (above, below) in ratios.items()}
    quotients = {name: Quotient() for name in ratios}
    met, counted = np.zeros(len(cells)), np.zeros(len(cells))
    if simulated or not by_interval:
        target = np.where(asked.known, asked.target, 0.0)
        for sums in outcomes(asked, options):
            totals = _totals(asked, cells, sums)
            for name, (above, below) in ratios.items():
                quotients[name].add(totals[above], totals[below])
            lacking = cells.add(target * sums["counted"]) - totals["within"]  # contacts in time that the target is short of
            met += (totals["counted"] > 0) & (lacking <= 1e-9 * totals["counted"])
            counted += totals["counted"] > 0
    if simulated:
        for name, quotient in quotients.items():
            value, half = quotient.value(), quotient.half_width(options.confidence)
            columns |= {name: value, f"{name}_low": value - half, f"{name}_high": value + half}
    offered = np.where(asked.known, asked.rows.offered, 0.0)
    columns["target_service_level"] = target = cells.mean(asked.target, offered)
    if not by_interval and options.replications:
        met[np.isnan(target)] = np.nan
        columns["target_met_probability"] = divide(met, counted)
        low, high = wilson_interval(met, counted, confidence=options.confidence)
        columns |= {"target_met_probability_low": low, "target_met_probability_high": high}
    return columns


def _totals(asked: Asked, cells: Cells, sums: Sums) -> Sums:
    return {**{name: cells.add(values) for name, values in sums.items()}, "known": cells.add(asked.known)}


def _hours(asked: Asked, cells: Cells, agents: Floats) -> Floats:
    return cells.add(np.where(asked.known, agents * asked.rows.interval_s / 3600, 0.0))


def _offered(asked: Asked, cells: Cells) -> Floats:
    return cells.add(np.where(asked.known, asked.rows.offered, 0.0))


def _summary(plan: Any, agents: str, options: Options) -> pd.DataFrame:
    """The figures of one plan that are compared."""
    asked = read_plan(plan, agents)
    cells = Cells(asked, options.period, options.timezone)
    if options.model == "simulation":
        total: Sums = {}
        for sums in outcomes(asked, options):
            total = {name: total.get(name, 0.0) + values / options.replications for name, values in sums.items()}
    else:
        total = by_formula(asked, options)
    totals = _totals(asked, cells, total)
    columns: dict[str, Any] = {
        **cells.keys,
        "agent_hours": _hours(asked, cells, asked.rows.agents),
        "scheduled_hours": _hours(asked, cells, numbers(asked.frame, "scheduled_agents")),
        "expected_offered": _offered(asked, cells),
    }
    for name, (above, below) in _RATIOS.items():
        columns[name] = divide(totals[above], totals[below])
    with np.errstate(invalid="ignore"):
        below_target = divide(total["within"], total["counted"]) < asked.target - 1e-9
    columns["intervals_below_target"] = cells.add(below_target).astype("int64")
    return pd.DataFrame(columns)
