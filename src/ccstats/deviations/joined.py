"""A plan, or a forecast, beside what happened: one row per queue and interval, after every check that the two may be compared at all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.deviations.planned import INNER, fill_means, planned_handle_times, planned_shares, pool_planned, read_planned
from ccstats.deviations.staff import factor_agents, read_agents, read_scheduled, sum_agents
from ccstats.errors import DataWarning, OptionError, TableError
from ccstats.expectation.outlook import numbers
from ccstats.intervals import roll_up
from ccstats.intervals.merging import as_intervals
from ccstats.metrics import SERVICE_LEVELS
from ccstats.periods import period_start

__all__ = ["join_forecast", "join_plan"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: The queue of a plan for all queues together, compared with whatever queues there are as one pool.
_POOL = {"all"}
_SHORT = ("sl_excl_short", "sl_short_met")
_TERMS = ("threshold_s", "short_s", "definition", "model", "target_service_level", "patience_s", "lines")
_STAFF = ("scheduled_agents", "shrinkage", "adherence", "agents")


def join_plan(
    plan: Any, intervals: Any, agent_intervals: Any = None, *, scheduled: Any = None, by: str | Sequence[str] | None = None
) -> pd.DataFrame:
    """The plan beside what happened, per queue and interval that both have.

    Parameters
    ----------
    plan : table
        A `plan`. Beside its keys, volume, handle time and ``agents`` everything may be left out: ``scheduled_agents`` (then agents by one
        less shrinkage), ``shrinkage`` (0), ``adherence`` (1), ``planned_pause``, ``patience_s`` (infinite), ``definition``
        (``service_level``), ``model``, ``threshold_s``, ``short_s`` (then those of the intervals).
    intervals : table
        `intervals`, booked where contacts joined the queue, with the plan's threshold.
    agent_intervals : table, optional
        `agent_intervals`, cut alike. Without it the columns of actual staff are left out.
    scheduled : table, optional
        ``queue, interval_start, scheduled_agents``: who was rostered in fact. By default as planned. [agents]
    by : str, optional
        ``queue``; ``()`` for all queues as one pool, whose plan may also be for one queue named ``all``; None: ``queue`` where all the
        agents' time on the floor is known by queue, or there is only one queue; else one pool.

    Returns
    -------
    pandas.DataFrame
        Sorted by ``queue`` (if so) and ``interval_start``, with ``interval_s, timezone, threshold_s, short_s, definition, model,
        target_service_level, patience_s, lines``;

        *planned*: ``planned_offered, planned_aht_s, planned_scheduled_agents, planned_shrinkage, planned_adherence, planned_agents,
        planned_service_level, required_agents``;

        *actual*: the counts and sums of `intervals`; ``aht_s``, talk, hold and wrap-up each by the contacts whose part is known, in the
        interval, or else the queue's local day, or else its whole table; and with ``agent_intervals``: ``scheduled_agents, shrinkage,
        adherence, agents, logged_in_agents``. ``agents = scheduled_agents × (1 - shrinkage) × adherence`` on both sides, see
        `ccstats.deviations.staff`.

        Where nobody is scheduled, shares are as planned. A planned handle time where no contacts are planned is that of the day or table.
        Pooled queues add up; means are weighted by planned contacts, patience as the rate of giving up, and ``required_agents``, which a
        pool has fewer of than its queues one by one, is missing.

    Raises
    ------
    TableError
        If a table lacks a column, intervals are booked otherwise, or the tables do not fit: no queue or interval in common, other lengths,
        thresholds, time zones, definitions; agents not known by queue.
    OptionError
        If ``by`` has no such value.

    Warns
    -----
    DataWarning
        If intervals in which something was planned or happened are in one of the tables only, or were not planned; if a plan has more
        agents on the floor than it schedules (then as many are taken as scheduled); and if ``by`` is left out and some of the agents' time
        on the floor has no queue, so that all queues make one pool.

    Notes
    -----
    Time logged in without a queue (pauses of agents counted by queue) goes to the queues that the agent serves, by time served.

    Examples
    --------
    >>> import ccstats as cc
    >>> centre = cc.synthesize_contacts(seed=1, days=2)
    >>> half_hours = cc.to_intervals(centre.contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> staffed = cc.to_agent_intervals(centre.agent_states, timezone="Europe/Istanbul", by="queue")
    >>> forecast = half_hours[["queue", "interval_start", "interval_s"]].assign(expected_offered=9, expected_aht_s=300.0)
    >>> plan = cc.plan_staffing(forecast, target_service_level=0.8, threshold_s=20, shrinkage=0.3)
    >>> joined = join_plan(plan, half_hours, staffed)
    >>> product = joined["scheduled_agents"] * (1 - joined["shrinkage"]) * joined["adherence"]
    >>> bool(((product - joined["agents"]).abs() < 1e-9).all()), len(joined) == len(plan)
    (True, True)
    """
    planned, frame = read_planned(plan), as_intervals(intervals)
    agents = None if agent_intervals is None else read_agents(agent_intervals)
    keys = _keys(by, planned, frame, agents)
    made, left_out = _side_by_side(planned, frame, keys, agents, what="plan")
    made = _same_definition(made)
    sound = np.isfinite(numbers(made, "planned_offered")) & np.isfinite(numbers(made, "present"))
    if agents is not None:
        made, covered = _with_agents(made, agents, keys)
        sound &= covered
    made = _sound(made, sound, left_out, what="plan")
    made = made.assign(aht_s=_aht(made), planned_scheduled_agents=made["scheduled"], planned_agents=made["present"])
    made["planned_shrinkage"], made["planned_adherence"] = planned_shares(made)
    if agents is not None:
        made = factor_agents(made, numbers(made, "scheduled") if scheduled is None else read_scheduled(scheduled, made, keys))
    elif scheduled is not None:
        raise OptionError("scheduled= says who was rostered, which is compared with agent_intervals; give that table too")
    return made[_order(made, keys, staffed=agents is not None)]


def join_forecast(forecast: Any, intervals: Any) -> pd.DataFrame:
    """A forecast beside what came, per queue and interval that both have.

    Parameters
    ----------
    forecast : table
        A `forecast` or a `plan`, of which only the forecast is looked at.
    intervals : table
        `intervals`, booked where contacts joined the queue, by any threshold.

    Returns
    -------
    pandas.DataFrame
        ``queue, interval_start, interval_s, timezone, planned_offered, planned_aht_s``, counts and sums of `intervals`, and ``aht_s``, as
        from `join_plan`.

    Raises
    ------
    TableError
        As `join_plan`.

    Warns
    -----
    DataWarning
        If intervals in which something was expected or happened are in one of the tables only.

    Examples
    --------
    >>> import ccstats as cc
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1, days=2).contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> forecast = half_hours[["queue", "interval_start", "interval_s"]].assign(expected_offered=9.0, expected_aht_s=300.0)
    >>> int(join_forecast(forecast, half_hours)["offered"].sum()) == int(half_hours["offered"].sum())
    True
    """
    planned, frame = read_planned(forecast, what="forecast"), as_intervals(intervals)
    made, left_out = _side_by_side(planned, frame, ["queue"], None, what="forecast")
    made = _sound(made, np.isfinite(numbers(made, "planned_offered")), left_out, what="forecast")
    first = ["queue", "interval_start", "interval_s", "timezone", "planned_offered", "planned_aht_s"]
    sums = [name for name in _measures(made) if name not in (*first, *_TERMS)]
    return made.assign(aht_s=_aht(made))[[*first, *(name for name in sums if name != "aht_s"), "aht_s"]]


def _side_by_side(
    planned: pd.DataFrame, frame: pd.DataFrame, keys: list[str], agents: pd.DataFrame | None, *, what: str
) -> tuple[pd.DataFrame, tuple[pd.DataFrame, pd.DataFrame]]:
    """Rows of the intervals that both tables have, sorted; and the rows of each that the other has not."""
    zone = _one_zone(frame, agents)
    booked = sorted(map(str, frame["attribute_by"].unique()))
    if booked not in ([], ["queued"]):
        raise TableError(
            f"intervals are booked by {' and '.join(booked)}; a {what} says who is to join the queue when, so give intervals made with "
            "attribute_by='queued'"
        )
    _check_overlap(planned, frame, zone, what=what)
    actual = _actual(frame, keys, zone)
    planned = planned if keys else pool_planned(planned)
    if keys:  # the same words in both tables, so that they can be joined
        words = pd.CategoricalDtype(sorted({*planned["queue"], *actual["queue"].astype("str")}))
        planned, actual = (each.assign(queue=each["queue"].astype("str").astype(words)) for each in (planned, actual))
    planned = planned.assign(planned_aht_s=planned_handle_times(planned, zone))
    names = [*keys, "interval_start"]
    made = planned.merge(actual, on=names, how="inner", suffixes=("_planned", "")).sort_values(names, ignore_index=True)
    if not len(made):
        raise TableError(
            f"{what} and intervals are cut differently: no interval begins at the same instant, {what} at "
            f"{planned['interval_start'].iloc[0]}, intervals at {actual['interval_start'].iloc[0]}; make both with one every= and timezone="
        )
    _same_length(made, "interval_s_planned", f"the {what}", "the intervals")
    both = pd.MultiIndex.from_frame(made[names])
    left_out = tuple(each[~pd.MultiIndex.from_frame(each[names]).isin(both)] for each in (planned, actual))
    return made.assign(timezone=pd.Categorical([zone] * len(made))), (left_out[0], left_out[1])


def _one_zone(frame: pd.DataFrame, agents: pd.DataFrame | None) -> str:
    zones = [sorted(map(str, each["timezone"].unique())) for each in (frame, *([] if agents is None else [agents]))]
    if len({zone for each in zones for zone in each}) > 1:
        found = f", agent intervals in {' and '.join(zones[1])}" if len(zones) > 1 else ""
        raise TableError(f"intervals were cut in {' and '.join(zones[0])}{found}; make all of them with one timezone=")
    return (zones[0] or ["UTC"])[0]


def _keys(by: Any, planned: pd.DataFrame, frame: pd.DataFrame, agents: pd.DataFrame | None) -> list[str]:
    """The columns grouped by: ``queue``, or nothing for one pool."""
    names = None if by is None else [by] if isinstance(by, str) else list(by)
    if names not in (None, [], ["queue"]):
        raise OptionError(f"by={by!r} is not known; give 'queue', or () for all queues as one")
    of_plan, of_intervals = (set(map(str, each["queue"].unique())) for each in (planned, frame))
    one = of_plan == of_intervals and len(of_plan) == 1
    told = agents is None or "queue" in agents
    placed = agents is None or "queue" not in agents or not (agents["queue"].isna() & (agents["productive_s"] > 0)).any()
    if names is None:
        names = ["queue"] if (told or one) and placed else []
        if not placed and len(of_intervals) > 1:
            warnings.warn(
                "some of the agents' time on the floor has no queue, so all queues are taken as one pool; by=() says so without this note",
                DataWarning,
                stacklevel=4,
            )
    if names and agents is not None:
        if not (told or one):
            raise TableError(
                "by='queue': agent_intervals has no column 'queue' and there are several queues; use by=() for all queues as one pool, or "
                "count agents with to_agent_intervals(by='queue')"
            )
        if not placed:
            raise TableError("by='queue': some of the agents' time on the floor has no queue; use by=() for all queues as one pool")
    if not names and of_plan not in (of_intervals, _POOL):
        raise TableError(
            f"one pool of all queues needs the same queues in both tables; the plan has {_shown(of_plan)}, intervals {_shown(of_intervals)}"
        )
    return names


def _check_overlap(planned: pd.DataFrame, frame: pd.DataFrame, zone: str, *, what: str) -> None:
    of_plan, of_intervals = (set(map(str, each["queue"].unique())) for each in (planned, frame))
    if not of_plan & of_intervals and of_plan != _POOL:
        raise TableError(
            f"{what} and intervals have no queue in common: the {what} has {_shown(of_plan)}, intervals {_shown(of_intervals)}"
        )
    spans = [(each["interval_start"].min(), each["interval_start"].max()) for each in (planned, frame)]
    if spans[0][1] < spans[1][0] or spans[1][1] < spans[0][0]:
        said = [" to ".join(f"{each.tz_convert(zone):%Y-%m-%d %H:%M}" for each in span) for span in spans]
        raise TableError(f"{what} and intervals do not overlap in time: the {what} is for {said[0]}, intervals for {said[1]} ({zone})")


def _shown(words: set[str]) -> str:
    return ", ".join(map(repr, sorted(words)[:5])) + (f" and {len(words) - 5} more" if len(words) > 5 else "") if words else "none"


def _actual(frame: pd.DataFrame, keys: list[str], zone: str) -> pd.DataFrame:
    """Counts and sums per queue and interval, with the length of each."""
    sums = roll_up(frame, by=keys, period="interval", timezone=zone).drop(columns="attribute_by")
    sums["interval_start"] = sums.pop("period_start").dt.tz_convert("UTC").dt.as_unit("us")
    lengths = frame[["interval_start", "interval_s"]].drop_duplicates().astype({"interval_start": "datetime64[us, UTC]"})
    if (several := lengths["interval_start"].duplicated()).any():
        at = lengths["interval_start"][several].iloc[0]
        raise TableError(f"intervals have different lengths: several begin at {at}; make all with one every=")
    return sums.merge(lengths, on="interval_start", how="left")


def _same_length(made: pd.DataFrame, name: str, one: str, other: str) -> None:
    differ = made[name].notna() & ((made[name] - made["interval_s"]).abs() > 1e-3)
    if differ.any():
        row = made[differ].iloc[0]
        raise TableError(
            f"intervals have different lengths: at {row['interval_start']} {one} has {row[name]:g} s, {other} {row['interval_s']:g} s "
            f"({differ.sum()} intervals); make all with one every="
        )


def _same_definition(made: pd.DataFrame) -> pd.DataFrame:
    """Refuse service levels that cannot be compared; where the plan has no threshold, that of the intervals."""
    unknown = sorted(set(made["definition"].unique()) - set(SERVICE_LEVELS))
    if unknown:
        raise TableError(
            f"the plan's definition is {', '.join(unknown)}, which no log can tell; plan with one of: {', '.join(SERVICE_LEVELS)}"
        )
    for queue, rows in made.groupby("queue", observed=True) if "queue" in made else [("all queues", made)]:
        if len(words := sorted(rows["definition"].unique())) > 1:
            raise TableError(f"queue {queue!r} has several definitions of the service level in the plan: {', '.join(words)}; give one")
    busy, short = numbers(made, "offered") > 0, made["definition"].isin(_SHORT).to_numpy()
    for name, counts in (("threshold_s", np.ones(len(made), dtype=bool)), ("short_s", short)):
        planned, observed = numbers(made, f"{name}_planned"), numbers(made, name)
        differ = counts & ~np.isnan(planned) & np.where(np.isnan(observed), busy, planned != observed)
        if differ.any():
            row = made[differ].iloc[0]
            found = "without one, or with several in one pool" if np.isnan(row[name]) else f"with {row[name]:g} s"
            raise TableError(
                f"plan and intervals have different {name}: {row.get('queue', 'all queues')} at {row['interval_start']} is planned with "
                f"{row[f'{name}_planned']:g} s and counted {found} ({differ.sum()} intervals); count again with to_intervals({name}="
                f"{row[f'{name}_planned']:g}), or plan anew"
            )
        made[name] = np.where(np.isnan(planned), observed, planned)
    return made.astype({"definition": "category", "model": "category"})


def _with_agents(made: pd.DataFrame, agents: pd.DataFrame, keys: list[str]) -> tuple[pd.DataFrame, Flags]:
    """Agents' seconds beside the rest; and whether an interval lies on a local day from the first to the last with agents."""
    queues = made["queue"].dtype if keys else None
    made = made.merge(sum_agents(agents, keys, queues, made["queue"].iloc[0] if keys else None), on=[*keys, "interval_start"], how="left")
    _same_length(made, "interval_s_staffed", "agent_intervals", "plan and intervals")
    zone = str(made["timezone"].iloc[0])
    days = period_start(made["interval_start"], period="day", timezone=zone)
    first, last = period_start(agents["interval_start"].agg(["min", "max"]), period="day", timezone=zone)
    covered = np.asarray((days >= first) & (days <= last))
    if not covered.any():
        raise TableError(
            f"agent_intervals do not overlap in time with plan and intervals: agents from {first:%Y-%m-%d} to {last:%Y-%m-%d}, the others "
            f"from {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d} ({zone})"
        )
    return made, covered


def _sound(made: pd.DataFrame, sound: Flags, left_out: tuple[pd.DataFrame, pd.DataFrame], *, what: str) -> pd.DataFrame:
    """The rows that can be compared; says how many, if some are left out in which anything was planned or happened."""
    if not sound.any():
        raise TableError(f"no interval is left to compare: the {what} has no numbers where contacts are known")
    planned, actual = left_out
    if (planned[["planned_offered", "present"]].fillna(1) > 0).any(axis=None) or (actual["offered"] > 0).any() or not sound.all():
        warnings.warn(
            f"{sound.sum()} intervals are compared; left out are {len(planned)} of the {what} that are not in intervals, {len(actual)} of "
            f"intervals that are not in the {what}, and {(~sound).sum()} of both that could not be planned or lie outside the agents' days",
            DataWarning,
            stacklevel=4,
        )
    return made[sound].reset_index(drop=True)


def _aht(made: pd.DataFrame) -> Floats:
    """Talk, hold and wrap-up each by the contacts whose part is known; a part that is never logged is left out."""
    total = np.zeros(len(made))
    zone = str(made["timezone"].iloc[0])
    for part in ("talk", "hold", "wrap"):
        total += np.nan_to_num(fill_means(np.nan_to_num(numbers(made, f"total_{part}_s")), numbers(made, f"{part}_known"), made, zone))
    return np.where(total > 0, total, np.nan)


def _measures(made: pd.DataFrame) -> list[str]:
    """The columns that are counts and sums of what happened."""
    made_here = {*INNER, "logged_in_s", "productive_s", "logged_in_agents", *_STAFF, "planned_service_level", "required_agents"}
    return [str(name) for name in made if name not in made_here and not str(name).endswith(("_planned", "_staffed"))]


def _order(made: pd.DataFrame, keys: list[str], *, staffed: bool) -> list[str]:
    """Columns of the result in their order."""
    planned = [f"planned_{name}" for name in ("offered", "aht_s", *_STAFF, "service_level")]
    first = [*keys, "interval_start", "interval_s", "timezone", *_TERMS, *planned, "required_agents"]
    last = ["aht_s", *([*_STAFF, "logged_in_agents"] if staffed else [])]
    return [*first, *(name for name in _measures(made) if name not in {*first, *last}), *last]
