"""Why the service level missed its plan: volume, handle time, agents, and what neither of them explains."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.deviations.cells import Cells
from ccstats.deviations.contributions import Account, Options, left_out, tabulate
from ccstats.deviations.game import Game, Steps, ranges, simulated_levels
from ccstats.deviations.joined import join_plan
from ccstats.deviations.request import check_keys
from ccstats.deviations.wording import AS_STATED
from ccstats.errors import OptionError, TableError
from ccstats.expectation.expected import Rows, divide, level_sums
from ccstats.expectation.outlook import numbers
from ccstats.expectation.staffed import pooled_patience
from ccstats.intervals import roll_up
from ccstats.intervals.merging import as_intervals
from ccstats.metrics import METRICS
from ccstats.periods import local_grid, period_start
from ccstats.schema import as_frame

__all__ = ["explain_service_level"]

Floats = NDArray[np.float64]

_STAFF = ("scheduled_agents", "shrinkage", "adherence")


def explain_service_level(
    plan: Any,
    intervals: Any,
    agent_intervals: Any = None,
    *,
    model: str = "erlang_a",
    by: str | Sequence[str] = "queue",
    period: str | None = None,
    timezone: str | None = None,
    definition: str | None = None,
    patience_s: float | None = None,
    scheduled: Any = None,
    target: float | None = None,
    replications: int = 200,
    coverage: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """How many points of the service level came from volume, handle time and agents, and how many from nothing that was planned.

    Parameters
    ----------
    plan : table
        A `plan`; only what `join_plan` of ``ccstats.deviations.joined`` needs of it.
    intervals : table
        `intervals`, with the plan's threshold. For ``model="transient"`` they may be finer than the plan: the arrival pattern within each
        of the plan's intervals is then a driver too.
    agent_intervals : table, optional
        `agent_intervals`. Without it agents are taken as planned, and what they did is part of the residual.
    model : str
        ``erlang_a``: every interval on its own. ``erlang_c``: nobody gives up; in overload its level is 0, whatever is changed.
        ``transient``: the queue is carried from one interval to the next. Each judges the plan as well as what happened.
    by : str
        ``queue``, or ``()`` for all queues together: each attributed on its own, weighted by its contacts, where the agents' time is known
        by queue or not given; else as one pool, in which all agents serve all queues. A plan staffed queue by queue is judged as that
        pool too, which has a higher level than its queues: ``note`` says so, and compare ``stated_service_level``.
    period : str, optional
        ``interval``, ``hour``, ``day``, ``week``, ``month``, ``quarter``, ``year``, ``weekday`` or ``slot``; None: one period.
    timezone : str, optional
        Where days begin; by default the zone the intervals were cut in.
    definition : str, optional
        Service level; by default the plan's.
    patience_s : float, optional
        Mean patience. [s] By default the plan's; where that is infinite or missing, estimated once for each queue from the intervals (total
        wait by abandons). It is the same for plan and actual.
    scheduled : table, optional
        Who was rostered in fact: ``queue, interval_start, scheduled_agents``. By default as planned. [agents]
    target : float, optional
        Service level asked for; by default the plan's ``target_service_level``. [0-1]
    replications : int
        Simulated outcomes for the spread of the residual; 0 leaves it out.
    coverage : float
        Of the simulated limits. [0-1]
    seed : int
        Of the simulation.

    Returns
    -------
    pandas.DataFrame
        One row for each group, period and ``driver``: ``mix``, ``volume``, ``handle_time``, ``scheduled_agents``, ``shrinkage``,
        ``adherence`` (these three with ``agent_intervals``), ``arrival_pattern`` (``transient``), ``residual``. In each

        ``planned_service_level`` + the sum of ``contribution`` = ``service_level``

        where the planned one is the model's level of the plan, weighted by planned contacts, and ``service_level`` was measured.
        ``stated_service_level`` is what the plan itself expects (its ``expected_service_level``), weighted alike; missing where it does not
        say, or says it by another definition. ``mix`` is
        the change of these weights to the contacts that came (0 for one interval of one queue); the drivers' are Shapley values, with
        their ``lowest`` and ``highest`` over all orders, ``one_at_a_time`` and ``last_in``; ``residual`` is queueing noise and model:
        observed less ``expected_service_level`` (the model's, at actual inputs). ``contacts`` is the contribution in contacts in time.

        ``planned`` and ``actual`` are the driver's own values in ``unit`` (sums of contacts, means of seconds, agents and shares; of mix
        and residual the two levels between which they lie; of ``arrival_pattern`` the share of contacts that came at another time of their
        interval). ``agents``: how many more in each interval would have made up for this contribution. ``agents_for_plan``,
        ``agents_for_target``: how many more would have brought the expected level to the plan's, or to ``target_service_level``; negative
        where fewer would have done, infinite where no number would.

        ``residual_low``, ``residual_high``, ``noise``: limits of the residual over simulated outcomes at actual inputs, and whether it lies
        inside: then chance alone explains it. ``counted`` (what the service level is divided by), ``late`` (of these not in time),
        ``unexplained`` (share of the contacts offered on the days compared that came in intervals without a plan, and are left out),
        ``model``, ``definition``, ``note``: the patience taken, queues taken as one pool, a plan made by another ``model``, or that states
        another service level than the model gives it, by more than a point. Where no contacts came contributions are missing; where none
        were planned, ``mix`` is.

    Raises
    ------
    TableError
        If the tables do not fit together: no queue or interval in common, other lengths, thresholds, zones or definitions.
    OptionError, ZoneError
        If an argument has no such value.

    Warns
    -----
    DataWarning
        If intervals are in one of the tables only.

    See Also
    --------
    describe_causes : the same in words, in ``ccstats.deviations.wording``.
    explain_change : period against period.
    compare_with_plan : every driver in its own unit.

    Notes
    -----
    v(S) is the model's service level with the actual values of the drivers in S and the planned values of the others, interval by interval,
    averaged with the contacts that came as weights; the Shapley value of a driver is what it adds, averaged over all orders in which the
    drivers could have changed [1]_. Agents on the floor are scheduled agents × (1 - shrinkage) × adherence, so that the five drivers make
    32 evaluations an interval, and fewer where plan and actual agree. In overload the order matters much: ``lowest`` and ``highest`` then
    lie far apart, farthest with ``erlang_c``.

    Where a subset has no contacts, its level is that of the first to come: 1 if anybody is there. Where none of the contacts of an interval
    has a known handle time, see `join_plan`; where it is not known on one side at all, it is taken from the other and explains nothing.

    The simulation draws the same contacts, handle times and agents again: arrivals at random, exponential handle times of the measured
    mean, exponential patience, the queue carried from one interval to the next.

    References
    ----------
    .. [1] L. S. Shapley (1953), A value for n-person games. In: Contributions to the Theory of Games II, Princeton, 307-317.

    Examples
    --------
    Planned for 100 calls an half-hour with 17 agents; 105 came, took longer, and one agent was missing:

    >>> import pandas as pd
    >>> import ccstats as cc
    >>> start = pd.to_datetime(["2026-03-02 09:00"], utc=True).as_unit("us")
    >>> plan = pd.DataFrame({
    ...     "queue": pd.Categorical(["sales"]), "interval_start": start, "interval_s": 1800.0, "expected_offered": 100.0,
    ...     "expected_aht_s": 240.0, "agents": 17.0, "scheduled_agents": 17.0, "threshold_s": 20.0, "patience_s": 180.0,
    ... })
    >>> came = cc.schema.INTERVALS.conform(pd.DataFrame({
    ...     **dict.fromkeys(cc.schema.INTERVALS.names(required=True), 0), "queue": ["sales"], "interval_start": start, "interval_s": 1800.0,
    ...     "timezone": "UTC", "threshold_s": 20.0, "attribute_by": "queued", "offered": 105, "answered": 100, "abandoned": 5,
    ...     "answered_within": 80, "total_talk_s": 24600.0, "talk_known": 100,
    ... }))
    >>> there = cc.schema.AGENT_INTERVALS.conform(pd.DataFrame({
    ...     **dict.fromkeys(cc.schema.AGENT_INTERVALS.names(required=True), 0.0), "agent": [f"agent {k}" for k in range(16)],
    ...     "interval_start": start[0], "interval_s": 1800.0, "timezone": "UTC", "queue": "sales", "logged_in_s": 1800.0,
    ...     "available_s": 1800.0,
    ... }))
    >>> why = cc.explain_service_level(plan, came, there, replications=0)
    >>> why[["driver", "contribution", "planned", "actual", "agents"]].round(2)
                 driver  contribution  planned  actual  agents
    0               mix          0.00     0.89    0.89    0.00
    1            volume         -0.04   100.00  105.00    0.60
    2       handle_time         -0.02   240.00  246.00    0.30
    3  scheduled_agents          0.00    17.00   17.00    0.00
    4         shrinkage         -0.06     0.00    0.06    0.89
    5         adherence          0.00     1.00    1.00    0.00
    6          residual         -0.00     0.76    0.76     NaN
    """
    options = Options(model, definition, patience_s, target, replications, coverage, seed)
    if scheduled is not None and agent_intervals is None:
        raise OptionError("scheduled= says who of the rostered was there only together with agent_intervals; give both")
    groups = [by] if isinstance(by, str) else list(by)
    if groups not in ([], ["queue"]):
        raise OptionError(f"by={by!r} is not known; give 'queue', or () for all queues together")
    frame, steps = as_intervals(intervals), None
    check_keys(frame)
    if options.carried:
        frame, agent_intervals, steps = _coarsened(plan, frame, agent_intervals)
    joined = join_plan(plan, frame, agent_intervals, scheduled=scheduled, by="queue" if groups else None)
    joined, notes = _sound(joined)
    chosen = _definition(joined, definition)
    queue = joined["queue"].cat.codes.to_numpy().astype("int64") if "queue" in joined else np.zeros(len(joined), dtype="int64")
    pattern = None if steps is None else _steps(joined, *steps)
    game, patience = _game(joined, queue, chosen, options, pattern, staffed=agent_intervals is not None)
    sums = {name: numbers(joined, name) for name in METRICS[chosen].columns}
    above, below = level_sums(sums, chosen)
    cells = Cells(joined, groups, period=period, timezone=timezone)
    account = Account(game, cells, above, below)
    rows, place = game.rows()
    left = joined[:0] if frame["offered"].sum() == joined["offered"].sum() else _left(frame, joined)
    known = np.where((numbers(joined, "talk_known") > 0) & (pattern is None), numbers(joined, "answered"), 0.0).astype("int64")
    drawn: dict[str, Any] = {"definition": chosen, "replications": replications, "seed": seed}
    simulated = simulated_levels(rows, known[place], queue[place], cells.number[place], len(cells), **drawn)
    asked = numbers(joined, "target_service_level") if target is None else np.full(len(joined), target)
    load_s = game.actual["volume"] * game.actual["handle_time"]
    stated = np.where(joined["definition"] == chosen, numbers(joined, "planned_service_level"), np.nan)
    stated_level = cells.mean(stated, numbers(joined, "planned_offered"))
    overload = (account.weights > 0) & np.isinf(patience) & (load_s >= game.agents() * game.fixed.interval_s) & (not options.carried)
    if agent_intervals is None:
        notes.append("no agent_intervals: agents as planned, what they did is in the residual")
    if "queue" not in joined and len(frame["queue"].unique()) > 1:
        notes.insert(0, "all queues as one pool")
    said = [[*own, *notes] for own in _against_plan(cells, joined, plan, model, stated_level, account.planned)]
    return tabulate(
        game,
        cells,
        account,
        target=cells.mean(asked, account.weights),
        residuals=simulated - account.expected,
        coverage=coverage,
        columns={
            "stated_service_level": stated_level,
            "unexplained": left_out(joined, left, cells, groups, period=period, timezone=timezone),
            "model": pd.Categorical([model] * len(cells), categories=[model]),
            "definition": pd.Categorical([chosen] * len(cells), categories=[chosen]),
            "note": _notes(cells, said, patience, overload),
        },
    )


def _sound(joined: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Intervals a model can judge, handle times that one side does not know taken from the other; and what the reader must know of that."""
    planned, actual = numbers(joined, "planned_aht_s"), numbers(joined, "aht_s")
    notes = ["no handle times in the intervals: as planned"] if np.isnan(actual).all() else []
    joined = joined.assign(planned_aht_s=np.where(np.isnan(planned), actual, planned), aht_s=np.where(np.isnan(actual), planned, actual))
    joined = joined[joined["aht_s"].notna()].reset_index(drop=True)
    if not len(joined):
        raise TableError("neither plan nor intervals know a handle time; give expected_aht_s, or intervals whose contacts have talk_s")
    if (without := joined["threshold_s"].isna()).any():
        row = joined[without].iloc[0]
        raise TableError(
            f"{without.sum()} intervals have no threshold, neither in the plan nor in intervals, or several in one pool, first "
            f"{row.get('queue', 'all queues')} at {row['interval_start']}; count with to_intervals(threshold_s=20), the same for a pool"
        )
    return joined, notes


def _definition(joined: pd.DataFrame, definition: str | None) -> str:
    """The one service level to explain."""
    words = sorted(map(str, joined["definition"].unique()))
    if definition is None and len(words) > 1:
        raise OptionError(f"queues are planned for different service levels ({', '.join(words)}); say which one with definition=")
    chosen = definition or words[0]
    if chosen in ("sl_excl_short", "sl_short_met") and joined["short_s"].isna().any():
        raise TableError(
            f"definition={chosen!r} counts short abandons, but no table says what is short; count with to_intervals(short_s=5)"
        )
    return chosen


def _game(
    joined: pd.DataFrame, queue: NDArray[np.int64], definition: str, options: Options, steps: Steps | None, *, staffed: bool
) -> tuple[Game, Floats]:
    """The intervals as a game, and the patience taken."""
    asked = numbers(joined, "patience_s")
    patience = pooled_patience(joined, queue, options.patience_s)
    if options.patience_s is None:
        patience = np.where(np.isfinite(asked), asked, patience)
    if options.model == "erlang_c":
        patience = np.full(len(joined), np.inf)
    columns = {"volume": "offered", "handle_time": "aht_s"} | ({name: name for name in _STAFF} if staffed else {})
    fixed = Rows(
        offered=numbers(joined, "offered"),
        agents=numbers(joined, "planned_agents"),
        aht_s=numbers(joined, "aht_s"),
        interval_s=numbers(joined, "interval_s"),
        patience_s=patience,
        threshold_s=numbers(joined, "threshold_s"),
        short_s=numbers(joined, "short_s"),
        run=queue,
        lines=numbers(joined, "lines"),
    )
    game = Game(
        {driver: numbers(joined, f"planned_{name}") for driver, name in columns.items()},
        {driver: numbers(joined, name) for driver, name in columns.items()},
        fixed,
        start_s=_seconds(joined["interval_start"]),
        definition=definition,
        carried=options.carried,
        steps=steps,
    )
    return game, patience


def _seconds(instants: Any) -> Floats:
    return pd.DatetimeIndex(instants).as_unit("us").asi8 / 1e6


def _coarsened(plan: Any, frame: pd.DataFrame, agents: Any) -> tuple[pd.DataFrame, Any, Any]:
    """Finer intervals named after those of the plan that they lie in, so that they add up to them; and the finer ones with their grid."""
    lengths = numbers(as_frame(plan, what="plan"), "interval_s")
    if not len(frame) or not len(lengths) or np.isnan(lengths).all() or not frame["interval_s"].max() < np.nanmax(lengths):
        return frame, agents, None
    step, zone = float(np.nanmax(lengths)), str(frame["timezone"].iloc[0])
    begin, end = frame["interval_start"].min(), frame["interval_start"].max() + timedelta(seconds=1)
    coarse = local_grid(begin, end, every=timedelta(seconds=step), timezone=zone)
    if step % frame["interval_s"].max():
        return frame, agents, None  # join_plan says what does not fit
    end = coarse["interval_start"].iloc[-1] + timedelta(seconds=coarse["interval_s"].iloc[-1])
    fine = local_grid(coarse["interval_start"].iloc[0], end, every=timedelta(seconds=frame["interval_s"].max()), timezone=zone)

    def named(table: pd.DataFrame) -> pd.DataFrame:
        at = np.searchsorted(_seconds(coarse["interval_start"]), _seconds(table["interval_start"]), side="right") - 1
        inside = (at >= 0) & (_seconds(table["interval_start"]) < _seconds([end])[0])
        taken = coarse.iloc[at[inside]]
        return table[inside].assign(interval_start=taken["interval_start"].array, interval_s=taken["interval_s"].array)

    if agents is not None:
        agents = as_frame(agents, what="agent_intervals")
        if {"interval_start", "interval_s"} <= set(agents.columns) and agents["interval_s"].max() < step:
            agents = named(agents)
    return named(frame), agents, (frame, fine)


def _steps(joined: pd.DataFrame, counts: pd.DataFrame, fine: pd.DataFrame) -> Steps:
    """When contacts came within each interval: evenly where none did."""
    keys = [name for name in ("queue",) if name in joined]
    start, length = _seconds(fine["interval_start"]), fine["interval_s"].to_numpy()
    begin = _seconds(joined["interval_start"])
    first = np.searchsorted(start, begin)
    count = np.searchsorted(start, begin + numbers(joined, "interval_s")) - first
    at, owner = ranges(first, count), np.repeat(np.arange(len(joined)), count)
    wanted = pd.DataFrame({**{name: joined[name].astype("str").array.take(owner) for name in keys}, "at": start[at]})
    fine_counts = pd.DataFrame({**{name: counts[name].astype("str") for name in keys}, "at": _seconds(counts["interval_start"])})
    came = fine_counts.assign(offered=numbers(counts, "offered")).groupby([*keys, "at"])[["offered"]].sum().reset_index()
    offered = np.nan_to_num(wanted.merge(came, on=[*keys, "at"], how="left")["offered"].to_numpy())
    steps = Steps(np.cumsum(count) - count, count, start[at], length[at], offered)
    total = np.bincount(owner, weights=offered, minlength=len(joined))[owner].astype("float64")
    return steps._replace(share=np.where(total > 0, divide(offered, total), steps.flat()))


def _left(frame: pd.DataFrame, joined: pd.DataFrame) -> pd.DataFrame:
    """Intervals with contacts, on the days compared, that are not compared."""
    zone = str(joined["timezone"].iloc[0])
    keys = [name for name in ("queue",) if name in joined]
    came = roll_up(frame, by=keys, period="interval").rename(columns={"period_start": "interval_start"})
    days, compared = (period_start(each["interval_start"], period="day", timezone=zone) for each in (came, joined))
    came = came[(came["offered"] > 0) & (days >= compared.min()) & (days <= compared.max())]
    came = came[[*keys, "interval_start", "offered"]].astype({**dict.fromkeys(keys, "str"), "interval_start": "datetime64[us, UTC]"})
    known = joined[[*keys, "interval_start"]].astype(dict.fromkeys(keys, "str"))
    made = came.merge(known, how="left", indicator="where", on=list(known))
    return made[made.pop("where") == "left_only"].assign(interval_s=1.0, timezone=zone)


def _against_plan(cells: Cells, joined: pd.DataFrame, plan: Any, model: str, stated: Floats, modelled: Floats) -> list[list[str]]:
    """In what the model that judges the plan of each cell is not the one it was made with."""
    words = as_frame(plan, what="plan").get("model", pd.Series(dtype="str")).dropna().astype("str")
    pooled = sorted(words.unique())
    made = []
    for cell in range(len(cells)):
        by_queue = "queue" in joined and len(words)
        models = sorted(set(joined["model"][cells.number == cell].astype("str")) & set(pooled)) if by_queue else pooled
        said = [f"by {model}; the plan is by {' and '.join(models)}"] if models not in ([], [model]) else []
        if abs(stated[cell] - modelled[cell]) > AS_STATED:
            said.append(f"the plan states {100 * stated[cell]:.0f} %, the model {100 * modelled[cell]:.0f} %")
        made.append(said)
    return made


def _notes(cells: Cells, notes: list[list[str]], patience: Floats, overload: NDArray[np.bool_]) -> pd.Series:
    """What the reader of each cell must know."""
    low, high = np.full(len(cells), np.inf), np.zeros(len(cells))
    np.minimum.at(low, cells.number, patience)
    np.maximum.at(high, cells.number, patience)
    beyond = cells.add(overload)
    made = []
    for cell in range(len(cells)):
        waits = f"patience {low[cell]:.0f} s" + (f" to {high[cell]:.0f} s" if high[cell] > low[cell] else "")
        waits = "nobody gives up" if np.isinf(low[cell]) else waits
        much = f"overload without abandonment in {beyond[cell]:.0f} intervals: the order of drivers matters much" if beyond[cell] else ""
        made.append("; ".join(filter(None, [waits, *notes[cell], much])))
    return pd.Series(made, dtype="str")
