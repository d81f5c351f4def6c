"""Where plan and actual parted: volume, handle time, staff and service side by side, and variances that add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.deviations.cells import Cells
from ccstats.deviations.joined import join_plan
from ccstats.deviations.request import check_keys
from ccstats.deviations.requirement import required_agents
from ccstats.deviations.shapley import attribute, subsets
from ccstats.errors import OptionError, did_you_mean
from ccstats.expectation.expected import divide, level_sums
from ccstats.expectation.outlook import numbers
from ccstats.intervals.merging import as_intervals
from ccstats.intervals.ratios import add_ratios

__all__ = ["compare_with_plan"]

Floats = NDArray[np.float64]

_FACTORS = ("scheduled_agents", "shrinkage", "adherence")
_TERMS = ("interval_s", "target_service_level", "threshold_s", "patience_s", "lines", "short_s")
_HANDLED = ("total_talk_s", "total_hold_s", "total_wrap_s", "talk_known", "hold_known", "wrap_known")
#: Agents that are missing by no more than this share are not.
_SHARE = 1e-9


def compare_with_plan(
    plan: Any,
    intervals: Any,
    agent_intervals: Any = None,
    *,
    scheduled: Any = None,
    by: str | Sequence[str] | None = None,
    period: str | None = "day",
    timezone: str | None = None,
    target: Any = None,
    cost_per_hour: Any = None,
) -> pd.DataFrame:
    """Plan against actual: volume, handle time, staff and service, what each did to the hours, and what was short or to spare.

    Parameters
    ----------
    plan : table
        A `plan`.
    intervals : table
        `intervals`, booked where contacts joined the queue, with the plan's threshold.
    agent_intervals : table, optional
        `agent_intervals`, cut alike. Without it the columns of actual staff are left out.
    scheduled : table, optional
        ``queue, interval_start, scheduled_agents``: who was rostered in fact. By default as planned. [agents]
    by : str, optional
        ``queue``; ``()`` for all queues as one pool, whose requirement is that of a pool; None: ``queue`` where agents are known by queue.
    period : str, optional
        ``interval``, ``hour``, ``day``, ``week``, ``month``, ``quarter``, ``year``, ``weekday``, ``slot``; None: one row a queue.
    timezone : str, optional
        Where days begin; by default the zone the intervals were cut in.
    target : float or dict, optional
        Service level that actual demand was to be given, of all queues or of each; by default the plan's. [0-1]
    cost_per_hour : float or dict, optional
        Cost of one scheduled agent-hour, of all queues or of each. Adds the columns of cost.

    Returns
    -------
    pandas.DataFrame
        One row per queue (if so) and period, made of the ``intervals`` that both tables have:

        *terms*: ``definition`` of the service levels, ``threshold_s``, ``target_service_level`` (weighted by contacts offered);

        *demand*: ``planned_offered, offered``; ``planned_aht_s, aht_s``; ``planned_workload_hours, workload_hours`` (contacts times handle
        time [Erlang-hours]); the difference of these is ``volume_effect_hours + aht_effect_hours``;

        *service*: ``planned_service_level`` (weighted by planned contacts), ``achieved_service_level``, ``late``, the contacts that were
        not served in time;

        *requirement* [agent-hours on the floor]: ``planned_required_hours`` as planned, ``required_hours``, what it would have taken for
        the demand that came to meet the target, by the plan's model;

        *staff* [agent-hours]: ``planned_scheduled_hours, scheduled_hours``, ``planned_shrinkage, shrinkage``, ``planned_adherence,
        adherence``, ``planned_agent_hours, agent_hours`` on the floor; the difference of these is ``scheduled_effect_hours +
        shrinkage_effect_hours + adherence_effect_hours``;

        *short and to spare*: ``below_plan_intervals`` (fewer on the floor than the plan requires), ``understaffed_intervals`` (fewer than
        actual demand required), ``overstaffed_intervals`` (one agent less would have been enough), ``missing_hours``, ``spare_hours``,
        ``late_understaffed``, the late contacts of understaffed intervals;

        *cost*: ``planned_cost, cost`` of the hours scheduled, ``spare_cost``, ``missing_cost``: hours to spare or missing on the floor as
        the scheduled hours behind them, at the shrinkage and adherence that were (spare) or were planned (missing).

        Hours, counts and costs add up over queues and periods; shares and means are divided last. What needs a target or a handle time is
        missing where there is none; counts of short intervals count only those whose requirement is known.

    Raises
    ------
    TableError
        If the tables cannot be compared, see `ccstats.deviations.joined.join_plan`.
    OptionError
        If an argument has no such value, or a dict leaves a queue out.
    ZoneError
        If the zone is not known, or one of its periods begins inside an interval.

    Warns
    -----
    DataWarning
        If intervals in which something was planned or happened are left out.

    See Also
    --------
    explain_service_level : the same drivers in points of service level.
    measure_forecast_accuracy : how good the forecast was.

    Notes
    -----
    Effects are Shapley values, interval by interval: the mean over the orders in which plan could have become actual, factor by factor, so
    that they add up without a remainder and none is favoured. For workload V × A that is the midpoint rule, ``(V' - V) (A + A') / 2`` for
    volume. How agents on the floor are taken apart into scheduled agents, shrinkage and adherence stands in `ccstats.deviations.staff`.

    The requirement is real-valued and of each interval alone. Where the plan meets its target over a day, some of its own intervals fall
    short of that requirement on purpose; compare ``required_hours`` of the day then, not intervals.

    Erlang A takes patience from the plan. Agents missing in overload cost more than calls late: those who give up are in ``late`` too.

    Examples
    --------
    A plan for 300 s and nine contacts every half-hour, whatever comes:

    >>> import ccstats as cc
    >>> centre = cc.synthesize_contacts(seed=1, days=2)
    >>> half_hours = cc.to_intervals(centre.contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> staffed = cc.to_agent_intervals(centre.agent_states, timezone="Europe/Istanbul", by="queue")
    >>> forecast = half_hours[["queue", "interval_start", "interval_s"]].assign(expected_offered=9, expected_aht_s=300.0)
    >>> plan = cc.plan_staffing(forecast, target_service_level=0.8, threshold_s=20, shrinkage=0.3)
    >>> days = cc.compare_with_plan(plan, half_hours, staffed)
    >>> change = days["workload_hours"] - days["planned_workload_hours"]
    >>> bool(((days["volume_effect_hours"] + days["aht_effect_hours"] - change).abs() < 1e-9).all())
    True
    """
    check_keys(as_intervals(intervals))
    joined = join_plan(plan, intervals, agent_intervals, scheduled=scheduled, by=by)
    keys = [name for name in ("queue",) if name in joined]
    if target is not None:
        joined["target_service_level"] = _of_queues(target, "target", joined, most=1.0)
    rate = None if cost_per_hour is None else _of_queues(cost_per_hour, "cost_per_hour", joined, most=np.inf)
    cells = Cells(joined, keys, period=period, timezone=timezone)
    offered = numbers(joined, "offered")
    within, counted = _level(joined)
    columns: dict[str, Any] = {
        **_terms(joined, cells),
        "intervals": cells.count(np.ones(len(joined), dtype=bool)),
        **_demand(joined, cells),
        "planned_service_level": cells.mean(numbers(joined, "planned_service_level"), numbers(joined, "planned_offered")),
        "achieved_service_level": divide(cells.add(within), cells.add(counted)),
        "late": cells.add(counted - within),
    }
    given: dict[str, Any] = {name: numbers(joined, name) for name in _TERMS}
    given |= {name: joined[name].astype("str").to_numpy() for name in ("model", "definition")}
    planned_aht, aht = numbers(joined, "planned_aht_s"), numbers(joined, "aht_s")
    planned = numbers(joined, "required_agents")
    if np.isnan(planned).any():
        planned = np.where(np.isnan(planned), required_agents(numbers(joined, "planned_offered"), aht_s=planned_aht, **given), planned)
    required = required_agents(offered, aht_s=aht, **given)
    hours = given["interval_s"] / 3600
    columns |= {"planned_required_hours": cells.add(planned * hours), "required_hours": cells.add(required * hours)}
    columns |= _staff(joined, cells, hours)
    if agent_intervals is not None:
        columns |= _short(joined, cells, hours, planned, required, counted - within)
    if rate is not None:
        columns |= _cost(joined, cells, hours, required, rate)
    return cells.keys.assign(**columns)


def _of_queues(given: Any, name: str, joined: pd.DataFrame, *, most: float) -> Floats:
    """An option of every row: one value, or a dict with a value for each queue."""
    if not isinstance(given, Mapping):
        values = np.full(len(joined), given, dtype=object)
    else:
        if "queue" not in joined:
            raise OptionError(f"{name}= is a dict of queues, but the queues are compared as one pool; give one number")
        lacking = [queue for queue in joined["queue"].unique() if queue not in given]
        if lacking:
            near = did_you_mean(str(lacking[0]), given)
            raise OptionError(f"{name}= is a dict without the queue {lacking[0]!r}; give every queue compared a value.{near}")
        values = np.array([given[queue] for queue in joined["queue"]], dtype=object)
    for value in dict.fromkeys(values.tolist()):
        number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
        if not (number and 0 < value <= most and value < np.inf):
            raise OptionError(f"{name}={value!r}: expected {'a share above 0, at most 1' if most == 1 else 'a number above 0'}")
    return values.astype("float64")


def _level(joined: pd.DataFrame) -> tuple[Floats, Floats]:
    """Contacts in time and contacts counted, each row by its definition."""
    within, counted = np.full((2, len(joined)), np.nan)
    sums = {str(name): numbers(joined, str(name)) for name in joined if name != "blocked" and joined[name].dtype.kind in "iuf"}
    words = joined["definition"].astype("str").to_numpy()
    for word in np.unique(words):
        of_it = words == word
        within[of_it], counted[of_it] = (each[of_it] for each in level_sums(sums, word))
    return within, counted


def _terms(joined: pd.DataFrame, cells: Cells) -> dict[str, Any]:
    """What the service levels mean."""
    words = joined["definition"].cat.categories
    codes = cells.common(joined["definition"].cat.codes.to_numpy().astype("float64"))
    return {
        "definition": pd.Categorical.from_codes(np.where(np.isnan(codes), -1, codes).astype("int64"), categories=words),
        "threshold_s": cells.common(numbers(joined, "threshold_s")),
        "target_service_level": cells.mean(numbers(joined, "target_service_level"), numbers(joined, "offered")),
    }


def _demand(joined: pd.DataFrame, cells: Cells) -> dict[str, Any]:
    """Volume, handle time and their product, with the effect of each on it."""
    planned, offered, planned_aht, aht = (numbers(joined, name) for name in ("planned_offered", "offered", "planned_aht_s", "aht_s"))
    # A handle time that nobody needs may be any: the other side's, so that it has no effect.
    planned_aht, aht = (
        np.where(np.isnan(own) & (volume == 0), np.nan_to_num(other), own)
        for own, volume, other in ((planned_aht, planned, aht), (aht, offered, planned_aht))
    )
    before, effects = _split([planned, planned_aht / 3600], [offered, aht / 3600])
    handled = pd.DataFrame({name: cells.add(np.nan_to_num(numbers(joined, name))) for name in _HANDLED})
    return {
        "planned_offered": cells.add(planned),
        "offered": cells.add(offered).astype("int64"),
        "planned_aht_s": cells.mean(planned_aht, planned),
        "aht_s": add_ratios(handled, metrics=("aht_s",))["aht_s"].to_numpy(),
        "planned_workload_hours": cells.add(before),
        "workload_hours": cells.add(offered * aht / 3600),
        "volume_effect_hours": cells.add(effects[0]),
        "aht_effect_hours": cells.add(effects[1]),
    }


def _staff(joined: pd.DataFrame, cells: Cells, hours: Floats) -> dict[str, Any]:
    """Scheduled agents, shrinkage, adherence and their product, with the effect of each on it."""
    scheduled, shrinkage, adherence = (numbers(joined, f"planned_{name}") for name in _FACTORS)
    sides = {"planned_": [scheduled * hours, 1 - shrinkage, adherence]}
    if "agents" in joined:
        scheduled, shrinkage, adherence = (numbers(joined, name) for name in _FACTORS)
        sides[""] = [scheduled * hours, 1 - shrinkage, adherence]
    columns: dict[str, Any] = {}
    for side, (rostered, kept, held) in sides.items():
        columns[f"{side}scheduled_hours"] = cells.add(rostered)
        columns[f"{side}shrinkage"] = 1 - divide(cells.add(rostered * kept), cells.add(rostered))
        columns[f"{side}adherence"] = divide(cells.add(rostered * kept * held), cells.add(rostered * kept))
        columns[f"{side}agent_hours"] = cells.add(rostered * kept * held)
    if "agents" in joined:
        _, effects = _split(sides["planned_"], sides[""])
        names = ("scheduled_effect_hours", "shrinkage_effect_hours", "adherence_effect_hours")
        columns |= {name: cells.add(each) for name, each in zip(names, effects, strict=True)}
    return columns


def _split(before: list[Floats], after: list[Floats]) -> tuple[Floats, Floats]:
    """The product before, and what each factor did to it: factors × rows."""
    products = [
        np.prod([a if actual else b for a, b, actual in zip(after, before, row, strict=True)], axis=0) for row in subsets(len(before))
    ]
    return products[0], attribute(products).shapley


def _short(joined: pd.DataFrame, cells: Cells, hours: Floats, planned: Floats, required: Floats, late: Floats) -> dict[str, Any]:
    """Intervals with too few and too many agents, and what came of it."""
    agents = numbers(joined, "agents")
    under = agents < required * (1 - _SHARE)
    return {
        "below_plan_intervals": cells.count(agents < planned * (1 - _SHARE)),
        "understaffed_intervals": cells.count(under),
        "overstaffed_intervals": cells.count(agents - 1 >= required * (1 - _SHARE)),
        "missing_hours": cells.add(np.maximum(required - agents, 0.0) * hours),
        "spare_hours": cells.add(np.maximum(agents - required, 0.0) * hours),
        "late_understaffed": cells.add(np.where(under, late, 0.0)),
    }


def _cost(joined: pd.DataFrame, cells: Cells, hours: Floats, required: Floats, rate: Floats) -> dict[str, Any]:
    """What scheduled hours cost, and those behind the hours to spare and missing on the floor."""

    def scheduled_for(side: str) -> Floats:
        kept = (1 - numbers(joined, f"{side}shrinkage")) * numbers(joined, f"{side}adherence")
        return np.divide(1.0, kept, out=np.ones(len(kept)), where=kept > 0)

    columns = {"planned_cost": cells.add(numbers(joined, "planned_scheduled_agents") * hours * rate)}
    if "agents" in joined:
        gap = numbers(joined, "agents") - required
        columns["cost"] = cells.add(numbers(joined, "scheduled_agents") * hours * rate)
        columns["spare_cost"] = cells.add(np.maximum(gap, 0.0) * scheduled_for("") * hours * rate)
        columns["missing_cost"] = cells.add(np.maximum(-gap, 0.0) * scheduled_for("planned_") * hours * rate)
    return columns
