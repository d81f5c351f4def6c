"""Why the service level of one period differs from that of another: contacts, handle time, agents, patience, and the mix of queues."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.deviations.cells import Cells
from ccstats.deviations.contributions import Account, Options, left_out, tabulate
from ccstats.deviations.game import Game, simulated_levels
from ccstats.deviations.request import check_keys
from ccstats.errors import DataWarning, OptionError, TableError, did_you_mean
from ccstats.expectation.expected import Rows, divide, level_sums, run_numbers
from ccstats.expectation.outlook import numbers
from ccstats.expectation.staffed import Window, handle_times, join_agents, pooled_patience
from ccstats.intervals.merging import as_intervals
from ccstats.metrics import METRICS
from ccstats.periods import WEEKDAYS, slot_of, weekday_of
from ccstats.schema import as_frame

__all__ = ["explain_change"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MATCHES = ("weekday", "slot")
_PERIODS = (None, "weekday", "slot")
_PARTS = ("talk", "hold", "wrap")
#: A Monday, for weeks that are no date.
_MONDAY = pd.Timestamp("2024-01-01", tz="UTC")
_NAMES = {"planned": "before", "actual": "after", "planned_service_level": "service_level_before", "agents_for_plan": "agents_for_before"}


def explain_change(
    intervals_before: Any,
    intervals_after: Any,
    agent_intervals_before: Any = None,
    agent_intervals_after: Any = None,
    *,
    model: str = "erlang_a",
    by: str | Sequence[str] = "queue",
    match: str = "weekday",
    period: str | None = None,
    definition: str = "service_level",
    patience_s: float | None = None,
    target: float | None = None,
    replications: int = 200,
    coverage: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """How many points of the change between two periods came from volume, handle time, agents and patience, and from the mix of contacts.

    Parameters
    ----------
    intervals_before, intervals_after : table
        `intervals` of the two periods, such as last week and this one, with the same length, zone and thresholds.
    agent_intervals_before, agent_intervals_after : table, optional
        `agent_intervals`, cut alike; by queue where there are several. Without them only the mix can be told from the rest.
    model : str
        ``erlang_a``, ``erlang_c`` (nobody gives up) or ``transient`` (the queue carried from one interval to the next).
    by : str
        ``queue``, or ``()`` for all queues together: each attributed on its own, weighted by its contacts.
    match : str
        What is compared with what: ``weekday``, the same time of the same weekday; ``slot``, the same time of day.
    period : str, optional
        ``weekday`` or ``slot`` for a result each; None: one for all.
    definition : str
        Service level.
    patience_s : float, optional
        Mean patience. [s] By default it is estimated for each queue and period (total wait by abandons), and is a driver.
    target : float, optional
        Service level asked for. [0-1]
    replications : int
        Simulated outcomes of both periods for the spread of the residual; 0 leaves it out.
    coverage : float
        Of the simulated limits. [0-1]
    seed : int
        Of the simulation.

    Returns
    -------
    pandas.DataFrame
        As from `explain_service_level`, with ``before`` and ``after`` for ``planned`` and ``actual``, and drivers ``mix``, ``volume``,
        ``handle_time``, ``agents``, ``patience``, ``residual``:

        ``service_level_before`` + the sum of ``contribution`` = ``service_level``

        Both are measured; ``expected_service_level`` is the model's of the period after. ``mix`` is the change of weights over queues, days
        and times of day; ``residual`` is by how much more the observation is off the model after than before. ``agents_for_before``: how
        many more agents would have brought the expected level back to that before. ``unexplained``: share of the contacts after at times
        that the period before does not have.

    Raises
    ------
    TableError
        If the tables do not fit together: no time or queue in common, other lengths, zones or thresholds, agents not known by queue.
    OptionError
        If an argument has no such value.

    Warns
    -----
    DataWarning
        If contacts came at times that only one of the periods has.

    See Also
    --------
    explain_service_level : against a plan.
    describe_causes : in words, in ``ccstats.deviations.wording``.
    infer_agents : agents from contacts, where the source does not log their states.

    Notes
    -----
    Intervals that match are averaged first: a period of four weeks has one mean Monday, nine o'clock. Volume is the mean per interval,
    handle time the mean per contact (where none was answered, that of the queue), agents the mean on the floor. The residual's limits come
    from simulating every single interval of both periods.

    Examples
    --------
    Two weeks of which the second has half as many contacts again in sales:

    >>> import ccstats as cc
    >>> more = cc.Planted("volume", "2025-01-13", "2025-01-20", 1.5, "sales")
    >>> centre = cc.synthesize_contacts(seed=1, days=14, planted=[more])
    >>> half_hours = cc.to_intervals(centre.contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> staffed = cc.to_agent_intervals(centre.agent_states, timezone="Europe/Istanbul", by="queue")
    >>> second = "2025-01-13 00:00+03:00"
    >>> weeks = [each[each["interval_start"] < second] for each in (half_hours, staffed)]
    >>> weeks += [each[each["interval_start"] >= second] for each in (half_hours, staffed)]
    >>> why = cc.explain_change(weeks[0], weeks[2], weeks[1], weeks[3], replications=0)
    >>> sales = why[why["queue"] == "sales"].set_index("driver")
    >>> sales["contribution"].idxmin(), bool(sales.loc["volume", "after"] > 1.4 * sales.loc["volume", "before"])
    ('volume', True)
    """
    options = Options(model, definition, patience_s, target, replications, coverage, seed)
    for name, value, words in (("match", match, _MATCHES), ("period", period, _PERIODS)):
        if value not in words:
            known = [str(word) for word in words if word]
            raise OptionError(f"{name}={value!r} is not known; choose one of: {', '.join(known)}.{did_you_mean(str(value), known)}")
    if period == "weekday" and match == "slot":
        raise OptionError("period='weekday' needs match='weekday': match='slot' puts all days together")
    if (agent_intervals_before is None) != (agent_intervals_after is None):
        raise OptionError("agents are known of one of the periods only; give agent_intervals of both, or of neither")
    groups = [by] if isinstance(by, str) else list(by)
    if groups not in ([], ["queue"]):
        raise OptionError(f"by={by!r} is not known; give 'queue', or () for all queues together")
    staffed = agent_intervals_before is not None
    frames = [_frame(before_or_after, what) for before_or_after, what in ((intervals_before, "before"), (intervals_after, "after"))]
    _check_alike(*frames)
    agents = (agent_intervals_before, agent_intervals_after)
    sides = [_prepared(frame, there, groups, match, definition) for frame, there in zip(frames, agents, strict=True)]
    keys = [name for name in ("queue", "weekday", "slot") if name in sides[0]]
    joined, left = _matched(_profile(sides[0], keys), _profile(sides[1], keys), keys, staffed=staffed)
    cells = Cells(joined, groups, period=period)
    sums = [[numbers(joined, f"{name}_{side}") for name in ("above", "below")] for side in ("before", "after")]
    start, observed = (divide(cells.add(above), cells.add(below)) for above, below in sums)
    columns = {
        "unexplained": left_out(joined, left, cells, groups, period=period, timezone=None),
        "model": pd.Categorical([model if staffed else "none"] * len(cells)),
        "definition": pd.Categorical([definition] * len(cells)),
    }
    if not staffed:
        return _mix_only(joined, cells, sums, start, observed, target, columns)
    patience = [_patience(side, joined, options) for side in sides]
    game = _game(joined, patience, options)
    account = Account(game, cells, sums[1][0], sums[1][1], counted=sums[0][1])
    drawn = {"definition": definition, "replications": replications, "seed": seed}
    levels = [_simulated(side, joined, keys, cells, waits, **drawn) for side, waits in zip(sides, patience, strict=True)]
    made = tabulate(
        game,
        cells,
        account,
        before=start,
        target=np.full(len(cells), np.nan if target is None else target),
        residuals=(levels[1] - account.expected) - (levels[0] - account.planned),
        coverage=coverage,
        columns={**columns, "note": pd.Series("", index=range(len(cells)), dtype="str")},
    )
    return made.rename(columns=_NAMES)


def _frame(intervals: Any, what: str) -> pd.DataFrame:
    frame = as_intervals(intervals)
    if not len(frame):
        raise TableError(f"intervals {what} have no rows; give two periods to compare")
    return frame


def _check_alike(before: pd.DataFrame, after: pd.DataFrame) -> None:
    """Refuse periods that were counted differently."""
    for name, advice in (("timezone", "timezone="), ("attribute_by", "attribute_by=")):
        words = [sorted(map(str, each[name].unique())) for each in (before, after)]
        if words[0] != words[1] or len(words[0]) > 1:
            raise TableError(
                f"the periods have different {name}: {', '.join(words[0])} and {', '.join(words[1])}; count both with one {advice}"
            )
    lengths = [float(each["interval_s"].max()) for each in (before, after)]
    if lengths[0] != lengths[1]:
        raise TableError(f"intervals have different lengths: {lengths[0]:g} s before, {lengths[1]:g} s after; make both with one every=")
    common = set(map(str, before["queue"].unique())) & set(map(str, after["queue"].unique()))
    if not common:
        raise TableError(f"the periods have no queue in common: {', '.join(map(str, before['queue'].unique()))} before")
    for name in ("threshold_s", "short_s"):
        found = [each.astype({"queue": "str"}).groupby("queue")[name].max() for each in (before, after)]
        for queue in sorted(common):
            if found[0][queue] != found[1][queue] and not (np.isnan(found[0][queue]) and np.isnan(found[1][queue])):
                raise TableError(
                    f"queue {queue!r} has different {name}: {found[0][queue]:g} s before, {found[1][queue]:g} s after; count both with one"
                )


def _prepared(frame: pd.DataFrame, agents: Any, groups: list[str], match: str, definition: str) -> pd.DataFrame:
    """One row an interval: contacts, agents, what is divided for the service level, and the time it is matched by."""
    check_keys(frame)
    zone = str(frame["timezone"].iloc[0])
    if agents is None:
        made = frame.sort_values(["queue", "interval_start"], ignore_index=True)
    else:
        agents = as_frame(agents, what="agent_intervals")
        if not len(agents):
            raise TableError("agent_intervals of one of the periods has no rows; leave both out to compare contacts only")
        if "queue" not in agents and len(set(frame["queue"])) == 1:
            agents = agents.assign(queue=frame["queue"].iloc[0])
        made, _ = join_agents(frame, agents, "queue" if groups else None)
    above, below = level_sums({name: numbers(made, name) for name in METRICS[definition].columns}, definition)
    if (unknown := np.isnan(above) & (below > 0)).any():
        raise TableError(
            f"{unknown.sum()} intervals with contacts were counted without a threshold; count them with to_intervals(threshold_s=20)"
        )
    times = {"weekday": weekday_of(made["interval_start"], timezone=zone)} if match == "weekday" else {}
    slot = slot_of(made["interval_start"], timezone=zone).astype("str")
    words = {"queue": made["queue"].astype("str")} if "queue" in made else {}
    return made.assign(**words, **times, slot=slot, above=np.nan_to_num(above), below=below)


def _profile(side: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The intervals of the same queue and time added up, with their number, and the mean handle time."""
    parts = [name for part in _PARTS for name in (f"total_{part}_s", f"{part}_known")]
    names = ["offered", "above", "below", *parts, "interval_s", *(["productive_s"] if "productive_s" in side else [])]
    sums = side[[*keys, *names]].astype(dict.fromkeys(names, "float64")).fillna(dict.fromkeys(names, 0.0)).assign(times=1.0)
    made = sums.groupby(keys, observed=True, as_index=False).sum()
    fixed = side.groupby(keys, observed=True, as_index=False)[["threshold_s", "short_s"]].max()
    made = made.merge(fixed, on=keys)
    queue = pd.factorize(made["queue"])[0] if "queue" in made else np.zeros(len(made), dtype="int64")
    handle = np.zeros(len(made))
    for part in _PARTS:
        total, known = numbers(made, f"total_{part}_s"), numbers(made, f"{part}_known")
        wide = divide(*(np.bincount(queue, weights=each).astype("float64") for each in (total, known)))[queue]
        handle += np.nan_to_num(np.where(known > 0, divide(total, known), wide))
    return made.drop(columns=parts).assign(aht_s=np.where(handle > 0, handle, np.nan))


def _matched(before: pd.DataFrame, after: pd.DataFrame, keys: list[str], *, staffed: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both periods side by side, on a week that is no date; and what came after at times that cannot be compared."""
    made = before.merge(after, on=keys, how="outer", suffixes=("_before", "_after"), indicator="where")
    seconds = pd.to_timedelta(made["slot"].astype("str") + ":00")
    if "weekday" in made:
        days = pd.Categorical(made["weekday"], categories=WEEKDAYS).codes
        seconds = seconds + pd.to_timedelta(days, unit="D")
    length = made[["interval_s_before", "interval_s_after"]].sum(axis=1) / made[["times_before", "times_after"]].sum(axis=1)
    made = made.assign(interval_start=(_MONDAY + seconds).dt.as_unit("us"), interval_s=length, timezone="UTC")
    made = made.sort_values([*(["queue"] if "queue" in made else []), "interval_start"], ignore_index=True)
    aht = [numbers(made, f"aht_s_{side}") for side in ("before", "after")]
    made["aht_s_before"], made["aht_s_after"] = (np.where(np.isnan(own), other, own) for own, other in (aht, aht[::-1]))
    known = made["aht_s_before"].notna() if staffed else (made["below_before"] > 0) | ~(made["below_after"] > 0)
    sound = (made.pop("where") == "both") & known
    if not sound.any():
        raise TableError(
            "the periods have nothing in common to compare: no queue with the same "
            f"{'weekday and time of day' if 'weekday' in made else 'time of day'} and known handle times; compare whole weeks, or single "
            "days with match='slot'"
        )
    lost = [int(made.loc[~sound, f"offered_{side}"].sum()) for side in ("before", "after")]
    if any(lost):
        warnings.warn(
            f"{lost[0]:,} contacts before and {lost[1]:,} after came at times that cannot be compared, and are left out; see 'unexplained'",
            DataWarning,
            stacklevel=3,
        )
    made["offered"] = made["offered_after"].fillna(0.0)
    return made[sound].reset_index(drop=True), made[~sound & (made["offered"] > 0)]


def _codes(joined: pd.DataFrame) -> Ints:
    """Number of the queue of each row."""
    return pd.factorize(joined["queue"])[0].astype("int64") if "queue" in joined else np.zeros(len(joined), dtype="int64")


def _patience(side: pd.DataFrame, joined: pd.DataFrame, options: Options) -> Floats:
    """Mean patience of the queue of each matched row, in this period."""
    if options.model == "erlang_c":
        return np.full(len(joined), np.inf)
    pooled = pooled_patience(side, _codes(side), options.patience_s)
    if "queue" not in joined:
        return np.full(len(joined), float(pooled[0]))
    return numbers(joined.assign(patience_s=joined["queue"].map(dict(zip(side["queue"], pooled, strict=True)))), "patience_s")


def _game(joined: pd.DataFrame, patience: list[Floats], options: Options) -> Game:
    """The mean week before against the mean week after."""
    drivers = []
    for side, waits in zip(("before", "after"), patience, strict=True):
        drivers.append(
            {
                "volume": numbers(joined, f"offered_{side}") / numbers(joined, f"times_{side}"),
                "handle_time": numbers(joined, f"aht_s_{side}"),
                "agents": numbers(joined, f"productive_s_{side}") / numbers(joined, f"interval_s_{side}"),
                **({"patience": waits} if options.patience_s is None and options.model != "erlang_c" else {}),
            }
        )
    length = numbers(joined, "interval_s")
    fixed = Rows(
        offered=drivers[1]["volume"],
        agents=drivers[1]["agents"],
        aht_s=drivers[1]["handle_time"],
        interval_s=length,
        patience_s=patience[1],
        threshold_s=np.nan_to_num(numbers(joined, "threshold_s_after")),
        short_s=numbers(joined, "short_s_after"),
        run=_codes(joined),
    )
    start = pd.DatetimeIndex(joined["interval_start"]).as_unit("us").asi8 / 1e6
    return Game(drivers[0], drivers[1], fixed, start_s=start, definition=str(options.definition), carried=options.carried)


def _simulated(side: pd.DataFrame, joined: pd.DataFrame, keys: list[str], cells: Cells, patience: Floats, **drawn: Any) -> Floats:
    """Outcomes × cells: the service level of this period, every interval as it was."""
    queue = _codes(side)
    place = side[keys].merge(joined[keys].assign(place=np.arange(len(joined))), on=keys, how="left")["place"].to_numpy()
    there = ~np.isnan(place)
    at = np.where(there, place, 0).astype("int64")
    rows = Rows(
        offered=numbers(side, "offered"),
        agents=numbers(side, "productive_s") / numbers(side, "interval_s"),
        aht_s=handle_times(side, queue, "interval", Window(np.arange(len(side)), 1)),
        interval_s=numbers(side, "interval_s"),
        patience_s=patience[at],
        threshold_s=numbers(side, "threshold_s"),
        short_s=numbers(side, "short_s"),
        run=np.zeros(len(side), dtype="int64"),
    )
    start = pd.DatetimeIndex(side["interval_start"]).as_unit("us").asi8 / 1e6
    rows = rows._replace(run=run_numbers(queue, start, rows))
    answered = np.where(numbers(side, "talk_known") > 0, numbers(side, "answered"), 0.0).astype("int64")
    cell = np.where(there, cells.number[at], len(cells))  # one more for those that are not compared
    return simulated_levels(rows, answered, queue, cell, len(cells) + 1, **drawn)[:, :-1]


def _mix_only(
    joined: pd.DataFrame,
    cells: Cells,
    sums: list[list[Floats]],
    start: Floats,
    observed: Floats,
    target: float | None,
    columns: dict[str, Any],
) -> pd.DataFrame:
    """Without agents: the mix, by the service levels before as they were, and the rest."""
    (above, below), (_, after) = sums
    weighed = cells.mean(divide(above, below), after)
    each, none = np.repeat(np.arange(len(cells)), 2), np.full(2 * len(cells), np.nan)
    contribution = np.column_stack([weighed - start, observed - weighed]).ravel()
    counted = cells.add(after)
    repeated = {
        "service_level_before": start,
        "expected_service_level": np.full(len(cells), np.nan),
        "service_level": observed,
        "target_service_level": np.full(len(cells), np.nan if target is None else target),
        "agents_for_before": np.full(len(cells), np.nan),
        "agents_for_target": np.full(len(cells), np.nan),
        "counted": counted,
        "late": counted - cells.add(sums[1][0]),
        **columns,
        "note": ["no agent_intervals: volume, handle time and agents cannot be told apart; infer_agents estimates who was there"]
        * len(cells),
    }
    made: dict[str, Any] = {
        "driver": pd.Categorical(["mix", "residual"] * len(cells), ordered=True),
        "contribution": contribution,
        "lowest": contribution,
        "highest": contribution,
        "one_at_a_time": none,
        "last_in": none,
        "contacts": contribution * counted[each],
        "before": np.column_stack([start, weighed]).ravel(),
        "after": np.column_stack([weighed, observed]).ravel(),
        "unit": pd.Categorical(["0-1"] * len(each)),
        **dict.fromkeys(("agents", "residual_low", "residual_high"), none),
        "noise": pd.array([pd.NA] * len(each), dtype="boolean"),
        **{name: pd.Series(values).take(each).array for name, values in repeated.items()},
    }
    keys: dict[str, Any] = {str(name): cells.keys[name].take(each).array for name in cells.keys.columns}
    return pd.DataFrame(keys | made)
