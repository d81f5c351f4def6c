"""What a lost site or a surge would do to a plan: the same intervals as planned and under stress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.deviations.outages import overlap
from ccstats.deviations.requirement import required_agents
from ccstats.errors import OptionError, ZoneError, did_you_mean
from ccstats.expectation.expected import Sums, divide, handle_times
from ccstats.expectation.outlook import Asked, Options, by_formula, numbers, outcomes, read_plan

__all__ = ["Stress", "stress_plan"]

Floats = NDArray[np.float64]

#: A service level no further below the planned one is as planned again.
_AS_PLANNED = 0.01
#: The columns of a summary and their types; instants are made of theirs later.
_SUMMARY = {
    "queue": "object",
    "start": "object",
    "end": "object",
    "intervals": "int64",
    **dict.fromkeys(("offered", "planned_service_level", "stressed_service_level", "extra_late", "extra_lost"), "float64"),
    **dict.fromkeys(("longest_queue", "agents_short", "agent_hours_short"), "float64"),
    "recovered_at": "object",
    "time_to_recover_s": "float64",
    "note": "str",
}


@dataclass(frozen=True)
class Stress:
    """A plan as planned and under stress.

    Attributes
    ----------
    intervals : pandas.DataFrame
        One row per queue and interval of the plan.
    summary : pandas.DataFrame
        One row per queue.

    Examples
    --------
    >>> Stress(pd.DataFrame(), pd.DataFrame()).summary.empty
    True
    """

    intervals: pd.DataFrame
    summary: pd.DataFrame


def stress_plan(
    plan: Any,
    *,
    agents_lost: float | str | Mapping[str, float | str] = 0,
    volume: float | Mapping[str, float] = 1.0,
    aht: float | Mapping[str, float] = 1.0,
    start: Any = None,
    end: Any = None,
    agents: str = "agents",
    model: str = "transient",
    replications: int = 200,
    seed: int = 0,
) -> Stress:
    """What a plan would come to if agents were lost, more contacts came, or they took longer, for a while or throughout.

    Parameters
    ----------
    plan : table
        A `plan`, with at least what `evaluate_staffing` needs.
    agents_lost : float, int, str, or mapping of queue to one of these
        A float from 0 to below 1 is the share of the agents on the floor that is lost; a whole number, or more than 1, so many agents of
        each queue, or all where there are fewer; ``all``: all. ``1`` is one agent; ``1.0``, which could be either, is refused. Queues that
        a mapping does not name lose none. [agents or share]
    volume, aht : float, or mapping of queue to float
        Factors of the contacts expected and of their handle time.
    start, end : datetime-like, with a time zone, optional
        From when until when; by default from the plan's beginning, to its end. An interval that lies in it partly is under stress in that
        proportion.
    agents : str
        Column that says who is on the floor, as for `evaluate_staffing`.
    model : str
        ``transient``: the queue is carried from one interval to the next. ``stationary``: every interval on its own, which knows nothing of
        what is left of the stress when it ends. ``simulation``: means of replications.
    replications, seed : int
        For ``model="simulation"``: outcomes, planned and under stress with the same random numbers.

    Returns
    -------
    Stress
        ``intervals``: ``queue``, ``interval_start``, ``interval_s``, ``stressed`` (share of the interval), ``definition``,
        ``target_service_level``; ``planned_…`` and ``stressed_…`` ``offered``, ``aht_s``, ``agents``, ``service_level``, ``late``
        (not answered within the threshold), ``lost`` (abandoned or blocked) and, but for the stationary model, ``queue_at_end``;
        ``required_agents`` that would hold the target under stress (each interval on its own), and ``agents_short``, how many more than
        are there.

        ``summary``: ``queue``, ``start`` and ``end`` of the stress, ``intervals`` in it; of those in it ``offered``, ``planned_…`` and
        ``stressed_service_level``; over the whole plan ``extra_late`` and ``extra_lost``, ``longest_queue`` at the end of an interval;
        ``agents_short``, the most in any interval, and ``agent_hours_short``; ``recovered_at``, the start of the first interval after the
        stress that is within a point of the planned service level again (and stays so), ``time_to_recover_s`` from the end of the stress
        until then, and ``note`` where the plan ends first.

        Shares without contacts, and intervals that cannot be evaluated, are missing; there is nothing required without a target.

    Raises
    ------
    TableError
        If a column is missing or of another kind, or intervals of a queue overlap.
    OptionError, ZoneError
        If an argument has no such value, a mapping names no queue of the plan, or nothing of the plan lies between start and end.

    Warns
    -----
    DataWarning
        If intervals cannot be evaluated.

    See Also
    --------
    measure_continuity : what outages did cost.
    evaluate_staffing : the plan itself.

    Notes
    -----
    The transient model serves what it can and carries the rest; contacts are booked where they join, so that those who come under stress
    and wait beyond its end are late where they came. Where nobody gives up, queues of a long outage live on for hours. Nobody redials in
    these models: a real surge is followed by the calls of those who gave up, and recovers later.

    Examples
    --------
    A third of the agents is lost for an hour, and nobody gives up; the queue is gone long after they have come back:

    >>> import pandas as pd
    >>> import ccstats as cc
    >>> starts = pd.date_range("2026-03-02 08:00", periods=12, freq="30min", tz="UTC")
    >>> demand = {"queue": "sales", "interval_start": starts, "interval_s": 1800, "expected_offered": 100, "expected_aht_s": 180}
    >>> plan = cc.plan_staffing(pd.DataFrame(demand), target_service_level=0.8, threshold_s=20)
    >>> stress = cc.stress_plan(plan, agents_lost=1 / 3, start="2026-03-02 09:00Z", end="2026-03-02 10:00Z")
    >>> stress.intervals["stressed_service_level"].round(2).tolist()[1:6]
    [0.89, 0.31, 0.11, 0.56, 0.86]
    >>> stress.summary["time_to_recover_s"].tolist()
    [3600.0]
    """
    options = Options(model, replications=replications, seed=seed)
    asked = read_plan(plan, agents)
    queues = [str(word) for word in asked.frame["queue"].cat.categories]
    share, span = _in_stress(asked, start, end)
    factors = {}
    for name, given in (("volume", volume), ("aht", aht)):
        factor = _by_queue(given, name, 1.0, queues, asked)
        if not (np.isfinite(factor) & (factor >= 0)).all() or (name == "aht" and (factor == 0).any()):
            raise OptionError(f"{name}={given!r} must be a factor such as 1.2" + (", above 0" if name == "aht" else ", 0 or more"))
        factors[name] = 1 + (factor - 1) * share
    rows = asked.rows
    left = np.maximum(rows.agents - _lost(agents_lost, queues, asked) * share, 0.0)
    lines = np.where(np.isfinite(rows.lines) & (rows.lines == rows.agents), left, rows.lines)  # by Erlang B: as many lines as agents
    stressed = replace(
        asked, rows=rows._replace(offered=rows.offered * factors["volume"], aht_s=rows.aht_s * factors["aht"], agents=left, lines=lines)
    )
    sides = {"planned": (asked, _expect(asked, options)), "stressed": (stressed, _expect(stressed, options))}
    table = asked.frame[["queue", "interval_start", "interval_s"]].assign(
        stressed=share, definition=pd.Categorical(asked.definition), target_service_level=asked.target
    )
    for name, (side, sums) in sides.items():
        table = table.assign(**{f"{name}_{column}": values for column, values in _columns(side, sums).items()})
    needed = _required(stressed)
    table = table.assign(required_agents=needed, agents_short=np.maximum(needed - left, 0.0))
    summaries = [_summary(part.reset_index(drop=True), span) for _, part in table.groupby("queue", observed=True, sort=True)]
    summary = pd.DataFrame(summaries, columns=list(_SUMMARY)).astype({**_SUMMARY, "queue": table["queue"].dtype})
    for name in ("start", "end", "recovered_at"):
        summary[name] = pd.to_datetime(summary[name], utc=True).dt.as_unit("us")
    return Stress(table, summary)


def _in_stress(asked: Asked, start: Any, end: Any) -> tuple[Floats, tuple[float, float]]:
    """The share of each interval that lies between start and end; and these, since 1970 [s]."""
    begins = pd.DatetimeIndex(asked.frame["interval_start"]).tz_convert("UTC").as_unit("us").asi8 / 1e6
    length = asked.rows.interval_s
    bounds = []
    for name, given, otherwise in (("start", start, -np.inf), ("end", end, np.inf)):
        if given is None:
            bounds.append(otherwise)
            continue
        try:
            instant = pd.Timestamp(given)
        except (ValueError, TypeError):
            raise OptionError(f"{name}={given!r} is no instant; give one such as '2026-03-02 09:00+01:00'") from None
        if instant.tz is None:
            raise ZoneError(f"{name}={given!r} has no time zone; give one such as '2026-03-02 09:00+01:00'")
        bounds.append(instant.timestamp())
    if bounds[0] >= bounds[1]:
        raise OptionError(f"start={start!r} does not come before end={end!r}")
    share = divide(overlap(bounds[0], bounds[1], begins, length), length)
    if len(share) and not (share > 0).any():
        low, high = (pd.Timestamp(each, unit="s", tz="UTC") for each in (begins.min(), (begins + length).max()))
        raise OptionError(f"nothing of the plan, which reaches from {low} to {high}, lies between start={start!r} and end={end!r}")
    return share, (bounds[0], bounds[1])


def _by_queue(given: Any, name: str, otherwise: float, queues: list[str], asked: Asked) -> Floats:
    """A number for each row, from one for all or from a mapping."""
    if isinstance(given, Mapping):
        unknown = sorted(set(map(str, given)) - set(queues))
        if unknown:
            near = did_you_mean(unknown[0], queues)
            raise OptionError(f"{name}= names queue {unknown[0]!r}, which is not in the plan; its queues are {', '.join(queues)}.{near}")
    by_name = {queue: given.get(queue, otherwise) for queue in queues} if isinstance(given, Mapping) else dict.fromkeys(queues, given)
    for value in by_name.values():
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            raise OptionError(f"{name}={given!r} must be a number, or a mapping of queues to numbers")
    return np.array([float(by_name[queue]) for queue in queues])[asked.queue] if queues else np.zeros(0)


def _lost(given: Any, queues: list[str], asked: Asked) -> Floats:
    """Agents lost of each interval: a share of those who are there, or a count."""

    def told(each: Any) -> Any:
        if isinstance(each, float | np.floating) and each == 1:
            raise OptionError(
                f"agents_lost={given!r} may mean one agent or all of them; write agents_lost=1 for one agent, agents_lost='all' for all"
            )
        if isinstance(each, str) and each != "all":
            raise OptionError(f"agents_lost={given!r} is not known; give a share below 1, a count of agents, or 'all'")
        return 1.0 if isinstance(each, str) else each

    lost = {queue: told(each) for queue, each in given.items()} if isinstance(given, Mapping) else told(given)
    values = _by_queue(lost, "agents_lost", 0.0, queues, asked)
    whole = {queue: lost.get(queue, 0.0) if isinstance(lost, Mapping) else lost for queue in queues}
    counted = np.array([isinstance(whole[queue], int | np.integer) or whole[queue] > 1 for queue in queues], dtype=bool)
    if not (np.isfinite(values) & (values >= 0)).all():
        raise OptionError(f"agents_lost={given!r} must be a share from 0.0 to below 1, a count of agents, 0 or more, or 'all'")
    counts = counted[asked.queue] if queues else np.zeros(0, dtype=bool)
    return np.where(counts, np.minimum(values, asked.rows.agents), values * asked.rows.agents)


def _expect(asked: Asked, options: Options) -> Sums:
    """Expected sums of every interval; of the simulation, their means."""
    if options.model != "simulation":
        return by_formula(asked, options)
    total: Sums = {}
    for sums in outcomes(asked, options):
        for name, values in sums.items():
            total[name] = total.get(name, 0.0) + values / options.replications
    return total


def _columns(asked: Asked, sums: Sums) -> dict[str, Floats]:
    known = np.where(asked.known, 1.0, np.nan)
    made = {
        "offered": asked.rows.offered,
        "aht_s": asked.rows.aht_s,
        "agents": asked.rows.agents,
        "service_level": divide(sums["within"], sums["counted"]) * known,
        "late": (sums["counted"] - sums["within"]) * known,
        "lost": (sums["abandoned"] + sums["blocked"]) * known,
    }
    return made | ({"queue_at_end": sums["queue_at_end"] * known} if "queue_at_end" in sums else {})


def _required(asked: Asked) -> Floats:
    frame, rows = asked.frame, asked.rows
    lines = numbers(frame, "lines")
    return required_agents(
        rows.offered,
        aht_s=handle_times(rows),
        interval_s=rows.interval_s,
        target_service_level=asked.target,
        threshold_s=rows.threshold_s,
        patience_s=rows.patience_s,
        lines=np.where(np.isnan(lines), np.inf, lines),
        short_s=rows.short_s,
        model=frame["model"].astype("str").to_numpy() if "model" in frame else "erlang_a",
        definition=asked.definition,
    )


def _summary(table: pd.DataFrame, span: tuple[float, float]) -> dict[str, Any]:
    """One queue's row of the summary."""
    begins = pd.DatetimeIndex(table["interval_start"]).tz_convert("UTC").as_unit("us").asi8 / 1e6
    ends = begins + table["interval_s"].to_numpy()
    within = (table["stressed"] > 0).to_numpy()
    made: dict[str, Any] = {"queue": table["queue"].iloc[0], "start": pd.NaT, "end": pd.NaT, "intervals": int(within.sum())}
    part = table[within]
    counted = {side: part[f"{side}_offered"].where(part[f"{side}_service_level"].notna(), 0.0) for side in ("planned", "stressed")}
    made["offered"] = float(part["stressed_offered"].sum())
    for side, weight in counted.items():
        made[f"{side}_service_level"] = _ratio((part[f"{side}_service_level"] * weight).sum(), weight.sum())
    for name in ("late", "lost"):
        made[f"extra_{name}"] = float((table[f"stressed_{name}"] - table[f"planned_{name}"]).sum())
    made["longest_queue"] = float(table["stressed_queue_at_end"].max()) if "stressed_queue_at_end" in table else np.nan
    short = part["agents_short"]
    made["agents_short"] = float(short.max()) if short.notna().any() else np.nan
    made["agent_hours_short"] = float((short * part["interval_s"]).sum(min_count=1) / 3600)
    made |= {"recovered_at": pd.NaT, "time_to_recover_s": np.nan, "note": ""}
    if not within.any():
        return made | {"note": "not under stress"}
    last = int(np.flatnonzero(within)[-1])
    low, high = max(span[0], begins[0]), min(span[1], ends[-1])
    made["start"], made["end"] = (pd.Timestamp(each, unit="s", tz="UTC") for each in (low, high))
    later = np.arange(last + 1, len(table))
    worse = (table["stressed_service_level"] < table["planned_service_level"] - _AS_PLANNED).to_numpy()[later]
    first = int(np.flatnonzero(worse)[-1]) + 1 if worse.any() else 0
    if first >= len(later):
        return made | {"note": "the plan ends before it is as planned again"}
    again = begins[later[first]]
    return made | {"recovered_at": pd.Timestamp(again, unit="s", tz="UTC"), "time_to_recover_s": again - high}


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below > 0 else float("nan")
