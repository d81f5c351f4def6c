"""Incidents: neighbouring signals joined, worst first, each with a sentence that a manager reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.deviations.incident_words import describe_incidents
from ccstats.errors import ColumnError, OptionError, TableError, did_you_mean
from ccstats.intervals.merging import as_intervals
from ccstats.metrics import METRICS, Metric
from ccstats.schema import POINTS, as_frame

__all__ = ["list_incidents", "number_incidents"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_NEEDED = (
    "period_start",
    "period_end",
    "metric",
    "value",
    "count",
    "baseline",
    "score",
    "signal",
    "rule",
    "direction",
    "severity",
    "signalled_at",
    "target",
)
_DIRECTIONS = ("worse", "higher", "lower", "better")
_UNITS = ("contacts", "s")
#: Metrics whose excess is contacts that gave up.
_GAVE_UP = "abandoned"
#: Nothing came and less than this was to be expected: the queue was closed. [contacts]
_CLOSED = 0.5


def list_incidents(points: Any, *, intervals: Any = None, gap: int | None = None) -> pd.DataFrame:
    """Deviations of one queue and metric that belong together as one row each, worst first, in words.

    Parameters
    ----------
    points : pandas.DataFrame or Arrow table
        Table `points`, as `find_deviations` makes it: any number of queues and metrics, with or without a column ``queue``. Further text or
        category columns, such as ``channel``, are groups too.
    intervals : pandas.DataFrame or Arrow table, optional
        The `intervals` that the points were made of: tells the calls lost in incidents of other metrics than abandonment.
    gap : int, optional
        Up to this many judged periods without a signal between two signals of one direction do not part them; by default as
        `find_deviations` joined them, or 1 where points have no numbers of incidents. Periods without data (nothing to divide by, no
        baseline, closed: nothing came and nothing was to be expected, or no row) never part signals, so that an incident goes on over
        night; a signal the other way always does. [periods]

    Returns
    -------
    pandas.DataFrame
        One row an incident: ``incident`` (1 is the worst; as in the points, where these are numbered and no ``gap`` is given), the groups,
        ``metric``; ``started_at`` and ``ended_at``, from the first signal's start to the last one's end, and ``signalled_at``, when it
        could first be told, all in the zone of the points; ``periods`` (judged, those bridged included) and ``signals``; ``direction``.
        Over all those periods ``value``, ``baseline`` and ``difference``: shares and means weighted by their count, counts added up, of a
        longest wait the worst; ``contacts``, those the metric was divided by (or counted); ``excess`` and ``excess_unit`` (``contacts`` or
        ``s``): how much was lost, of a metric that should be high what it lacks (contacts not answered in time), else what was too much
        (contacts abandoned, calls that came, seconds of handle time); negative where it was the other way, missing for quantiles and
        maxima. ``lost_calls``, contacts that gave up beyond what was to be expected: of abandonment the excess, else with ``intervals``
        those from start to end less the share that gives up outside of the group's incidents. ``worst_at`` (start), ``worst_value``,
        ``score`` and ``target`` of the signal farthest out on the incident's side; ``severity``, the largest; ``rules``, joined by ``+``;
        ``in_words``.

        Sorted by direction (worse, then higher and lower of what is neither good nor bad, then better), contacts before seconds, the
        largest excess first; with ``intervals`` those that lost most calls before all others. Points without signals, and an empty table,
        give an empty table.

    Raises
    ------
    TableError
        If a column is missing or of another kind, or a group has two rows for one period and metric.
    ColumnError
        If ``intervals`` have no such group column.
    OptionError
        If ``gap`` is no whole number from 0, or a metric is not in the registry.

    See Also
    --------
    find_deviations : makes the points.
    number_incidents : the incident each point belongs to.
    explain_service_level : why.

    Notes
    -----
    Where counts are not known, all periods weigh the same and ``excess`` is missing. Quantiles do not add up; their ``value`` is the mean
    weighted by contacts.

    Examples
    --------
    Two half-hours of a Tuesday that belong together; the one between them was not odd enough on its own:

    >>> import pandas as pd
    >>> import ccstats as cc
    >>> starts = pd.date_range("2026-03-03 14:00", periods=4, freq="30min", tz="Europe/London").as_unit("us")
    >>> points = pd.DataFrame({
    ...     "queue": pd.Categorical(["sales"] * 4), "period_start": starts, "period_end": starts + pd.Timedelta("30min"),
    ...     "metric": pd.Categorical(["service_level"] * 4), "value": [0.5, 0.72, 0.6, 0.8], "count": [100.0, 50.0, 150.0, 90.0],
    ...     "baseline": 0.8, "score": [-4.1, -1.2, -3.8, 0.0], "signal": [True, False, True, False], "rule": ["limits", "", "limits", ""],
    ...     "direction": pd.Categorical(["worse", None, "worse", None]), "severity": [0.99, 0.0, 0.98, 0.0],
    ...     "signalled_at": starts + pd.Timedelta("30min"), "target": 0.8,
    ... })
    >>> incidents = cc.list_incidents(points)
    >>> incidents["in_words"][0]
    'Tuesday 3 March 14:00–15:30, sales: service level 59 % where 80 % was to be expected, 21 points below, 64 calls late'
    >>> int(incidents["periods"][0]), int(incidents["signals"][0]), round(float(incidents["excess"][0]), 1)
    (3, 2, 64.0)
    """
    found = _find(points, None, gap)
    table = found.table
    if intervals is not None:
        table = _with_lost_calls(table, found.by, as_intervals(intervals))
        costliest = np.argsort(-np.round(np.maximum(np.nan_to_num(table["lost_calls"].to_numpy(dtype="float64")), 0.0)), kind="stable")
        table = table.iloc[costliest].reset_index(drop=True)
    return table.assign(in_words=pd.array(describe_incidents(table, found.by), dtype="str"))


def number_incidents(points: Any, *, by: Sequence[str] | None = None, gap: int = 1) -> pd.api.extensions.ExtensionArray:
    """The number of the incident each point belongs to, as `list_incidents` numbers them: the column ``incident`` of `points`.

    Parameters
    ----------
    points : pandas.DataFrame or Arrow table
        Table `points`; a column ``incident`` is not looked at.
    by : sequence of str, optional
        Group columns; by default ``queue`` and every text or category column that the table `points` does not know.
    gap : int
        As for `list_incidents`. [periods]

    Returns
    -------
    pandas array of Int64
        One for each row in the order of the rows; missing outside of incidents. Periods between two signals of one incident belong to it.

    Raises
    ------
    TableError, OptionError
        As `list_incidents` does.

    Examples
    --------
    >>> from ccstats.schema import POINTS
    >>> len(number_incidents(POINTS.empty()))
    0
    """
    return _find(as_frame(points, what="points").drop(columns="incident", errors="ignore"), by, gap).numbers


class _Found(NamedTuple):
    """Incidents, the groups, and the number of every row of the points."""

    table: pd.DataFrame
    by: list[str]
    numbers: pd.api.extensions.ExtensionArray


def _find(points: Any, by: Sequence[str] | None, gap: int | None) -> _Found:
    if gap is not None and (isinstance(gap, bool) or not isinstance(gap, int | np.integer) or gap < 0):
        raise OptionError(f"gap={gap!r} is no number of periods; give a whole number from 0, such as 1")
    frame = as_frame(points, what="points")
    POINTS.check(frame, columns=_NEEDED, keys=False)
    texts = (pd.CategoricalDtype, pd.StringDtype)
    known = [str(name) for name in frame if name == "queue" or (name not in POINTS and isinstance(frame[name].dtype, texts))]
    names = known if by is None else list(by)
    keys = [*names, "metric"]
    group = frame.groupby(keys, observed=True, sort=True, dropna=False).ngroup().to_numpy().astype("int64")
    starts = pd.DatetimeIndex(frame["period_start"]).as_unit("us").asi8
    order = np.lexsort((starts, group))
    frame, group, starts = frame.iloc[order].reset_index(drop=True), group[order], starts[order]
    again = (np.diff(group) == 0) & (np.diff(starts) == 0)
    if again.any():
        shown = frame.loc[int(np.argmax(again)), [*keys, "period_start"]].to_dict()
        raise TableError(f"points have two rows for {shown}; give one row per group, metric and period")
    metrics = _metrics_of(frame)
    for name in ("value", "baseline"):
        unknown = int((frame["signal"] & frame[name].isna()).sum())
        if unknown:
            raise TableError(f"{unknown} signals have no {name}; a deviation needs both value and baseline, as find_deviations gives them")
    signal = frame["signal"].to_numpy(dtype=bool)
    direction = _directions(frame["direction"], _floats(frame, "value") - _floats(frame, "baseline"), metrics)
    judged = signal | _judged(frame, metrics)
    given = _floats(frame, "incident")[signal] if gap is None and "incident" in frame else np.array([np.nan])
    if np.isnan(given).any():
        given = np.array([])
    raw = _join(group, signal, direction, judged, 1 if gap is None else int(gap), given)
    table, rank = _summarise(frame, metrics, raw, judged, direction, names)
    number = np.append(rank, 0)
    if len(given):
        number[raw[signal]] = given.astype("int64")
        table["incident"] = number[np.argsort(rank)]
    numbers = np.zeros(len(frame), dtype="int64")
    numbers[order] = np.where(raw < 0, 0, number[raw])
    return _Found(table, names, pd.Series(numbers).where(numbers > 0).astype("Int64").array)


def _judged(frame: pd.DataFrame, metrics: list[Metric]) -> Bools:
    """Whether anything could be said of a row: something came or was to be expected, and value and baseline are known."""
    value, count, baseline = (_floats(frame, name) for name in ("value", "count", "baseline"))
    counted = np.array([metric.kind == "count" for metric in metrics], dtype=bool)
    closed = np.where(counted, (value == 0) & (baseline < _CLOSED), count == 0)
    return ~(closed | np.isnan(value) | np.isnan(baseline))


def _metrics_of(frame: pd.DataFrame) -> list[Metric]:
    """The registry's entry for the metric of every row."""
    found = {}
    for name in frame["metric"].unique():
        if name not in METRICS:
            raise OptionError(f"metric {name!r} of the points is not in the registry.{did_you_mean(str(name), METRICS)}")
        found[name] = METRICS[name]
    return [found[name] for name in frame["metric"]]


def _directions(given: pd.Series[Any], difference: Floats, metrics: list[Metric]) -> NDArray[np.object_]:
    """As given; where it is not, by the metric's sense and the side of the baseline."""
    above = difference >= 0
    senses = np.array([metric.direction for metric in metrics], dtype=object)
    good = np.where(senses == "higher_is_better", above, ~above)
    made = np.where(senses == "neutral", np.where(above, "higher", "lower"), np.where(good, "better", "worse"))
    return np.where(given.isna().to_numpy(), made, given.astype("object").to_numpy())


def _join(group: Ints, signal: Bools, direction: NDArray[np.object_], judged: Bools, gap: int, given: Floats) -> Ints:
    """For every row of the sorted points the incident it lies in, -1 outside; as numbered where the signals have given numbers."""
    at = np.flatnonzero(signal)
    if not len(at):
        return np.full(len(signal), -1, dtype="int64")
    passed = np.cumsum(judged)[at]
    apart = np.diff(given) != 0 if len(given) else np.diff(passed) - 1 > gap
    parted = (np.diff(group[at]) != 0) | (direction[at][1:] != direction[at][:-1]) | apart
    number = np.append(0, np.cumsum(parted))
    last = np.cumsum(signal) - 1  # the signal at or before each row, and from there the next
    following = np.where(signal, last, np.minimum(last + 1, len(at) - 1))
    within = (last >= 0) & (number[last] == number[following]) & (signal | (last < len(at) - 1))
    return np.where(within, number[last], -1).astype("int64")


def _summarise(
    frame: pd.DataFrame, metrics: list[Metric], raw: Ints, judged: Bools, direction: NDArray[np.object_], by: Sequence[str]
) -> tuple[pd.DataFrame, Ints]:
    """One row an incident, ranked, and the rank of each."""
    size = int(raw.max(initial=-1)) + 1
    flagged = np.flatnonzero(frame["signal"].to_numpy(dtype=bool))
    number = raw[flagged]
    first, last = (flagged[np.searchsorted(number, np.arange(size) + shift) - shift] for shift in (0, 1))
    value, baseline, score, severity = (_floats(frame, name) for name in ("value", "baseline", "score", "severity"))
    upwards = np.array([metrics[row].direction == "higher_is_better" for row in flagged], dtype=bool) == (direction[flagged] == "better")
    side = np.where(upwards & (direction[flagged] != "lower") | (direction[flagged] == "higher"), 1.0, -1.0)
    # Within a deviation that lasts, single values may lie on the other side.
    out, away = (side * each[flagged] for each in (score, value - baseline))
    farthest = np.lexsort((-np.nan_to_num(away), -np.nan_to_num(out, nan=-np.inf), number))
    worst = flagged[farthest[np.searchsorted(number, np.arange(size))]]
    rows = np.flatnonzero(judged & (raw >= 0))
    highest = np.full(size, np.nan)
    np.fmax.at(highest, number, severity[flagged])
    zone = frame["period_start"].dt.tz
    starts, ends, told = (frame[name].dt.tz_convert(zone).dt.as_unit("us") for name in ("period_start", "period_end", "signalled_at"))
    figures = _figures(frame.iloc[rows], raw[rows], [metrics[row] for row in first], value[worst], baseline[worst])
    gave_up = np.array([_GAVE_UP in metrics[row].columns[:1] for row in first], dtype=bool)
    made = {
        **{name: frame[name].iloc[first].array for name in by},
        "metric": frame["metric"].iloc[first].cat.remove_unused_categories().array,
        "started_at": starts.iloc[first].array,
        "ended_at": ends.iloc[last].array,
        "signalled_at": told.iloc[flagged].groupby(number).min().array,
        "periods": np.bincount(raw[rows], minlength=size).astype("int64"),
        "signals": np.bincount(number, minlength=size).astype("int64"),
        "direction": pd.Categorical(direction[first], categories=list(_DIRECTIONS)),
        **figures,
        "lost_calls": np.where(gave_up, figures["excess"], np.nan),
        "worst_at": starts.iloc[worst].array,
        "worst_value": value[worst],
        "score": score[worst],
        "target": _floats(frame, "target")[worst],
        "severity": highest,
        "rules": pd.array(_rules_of(frame["rule"].astype("object").to_numpy()[flagged], number, size), dtype="str"),
    }
    table = pd.DataFrame(made)
    lost = np.nan_to_num(np.abs(table["excess"].to_numpy()), nan=-1.0)
    side = np.array([0, 1, 1, 2])[table["direction"].cat.codes.to_numpy()]  # higher and lower rank alike
    ranked = np.lexsort((first, -np.nan_to_num(np.abs(score[worst])), -lost, table["excess_unit"].cat.codes.to_numpy(), side))
    table = table.iloc[ranked].reset_index(drop=True)
    table.insert(0, "incident", np.arange(1, size + 1, dtype="int64"))
    rank = np.empty(size, dtype="int64")
    rank[ranked] = np.arange(1, size + 1)
    return table, rank


def _figures(rows: pd.DataFrame, number: Ints, metrics: list[Metric], worst_value: Floats, worst_baseline: Floats) -> dict[str, Any]:
    """Value, baseline and excess over all judged periods of each incident: sums divided last."""
    size = len(metrics)
    value, baseline, count = (_floats(rows, name) for name in ("value", "baseline", "count"))
    added, extreme, quantile = (np.array([each.kind in kinds for each in metrics], dtype=bool) for kinds in _KINDS)

    def add(values: Floats) -> Floats:
        return np.bincount(number, weights=values, minlength=size).astype("float64")

    counted = add(np.nan_to_num(count))
    weights = np.where((added | (counted == 0))[number], 1.0, np.nan_to_num(count))
    total = np.where(added, 1.0, add(weights))
    over, expected = (
        np.where(extreme, worst, add(weights * each) / total) for each, worst in ((value, worst_value), (baseline, worst_baseline))
    )
    difference = over - expected
    known = added | (counted > 0)
    by_time = np.array([bool(each.denominator) and each.denominator[0][1].endswith("_s") for each in metrics], dtype=bool)
    in_seconds = np.array([bool(each.parts) or each.numerator[0][1].endswith("_s") for each in metrics], dtype=bool)
    sign = np.array([-1.0 if each.direction == "higher_is_better" else 1.0 for each in metrics])
    scale = np.array([each.scale for each in metrics], dtype="float64")
    return {
        "value": over,
        "baseline": expected,
        "difference": difference,
        "contacts": np.where(added, over, np.where(known & ~by_time, counted, np.nan)),
        "excess": np.where(known & ~extreme & ~quantile, sign * difference * total / scale, np.nan),
        "excess_unit": pd.Categorical(np.where(in_seconds, "s", "contacts"), categories=list(_UNITS)),
    }


#: Kinds of metric that are added up, of which the worst counts, and that are neither.
_KINDS = (("count", "sum"), ("max",), ("quantile",))


def _floats(frame: pd.DataFrame, name: str) -> Floats:
    return frame[name].to_numpy(dtype="float64", na_value=np.nan)


def _with_lost_calls(table: pd.DataFrame, by: list[str], intervals: pd.DataFrame) -> pd.DataFrame:
    """The incidents with those who gave up from start to end, less the share of contacts that gives up outside of incidents."""
    lacking = [name for name in by if name not in intervals]
    if lacking:
        raise ColumnError(f"intervals have no column {lacking[0]!r}, by which the points are grouped; give those the points were made of")
    lost = table["lost_calls"].to_numpy(copy=True)
    starts = pd.DatetimeIndex(intervals["interval_start"]).as_unit("us").asi8
    spans = [pd.DatetimeIndex(table[name]).as_unit("us").asi8 for name in ("started_at", "ended_at")]
    groups = table.groupby(by, observed=True, dropna=False).indices.items() if by else [((), np.arange(len(table)))]
    for names, places in groups:
        mine = np.ones(len(intervals), dtype=bool)
        for name, value in zip(by, names if isinstance(names, tuple) else (names,), strict=True):
            mine &= (intervals[name].astype("str") == str(value)).to_numpy()
        order = np.flatnonzero(mine)[np.argsort(starts[mine], kind="stable")]
        bounds = [np.searchsorted(starts[order], each[places]) for each in spans]
        inside = np.zeros(len(order), dtype=bool)
        for low, high in zip(*bounds, strict=True):
            inside[low:high] = True
        offered, abandoned = (_floats(intervals, name)[order] for name in ("offered", "abandoned"))
        share = abandoned[~inside].sum() / offered[~inside].sum() if offered[~inside].any() else np.nan
        beyond = np.append(0.0, np.cumsum(abandoned - share * offered))
        lost[places] = np.where(np.isnan(lost[places]), beyond[bounds[1]] - beyond[bounds[0]], lost[places])
    return table.assign(lost_calls=lost)


def _rules_of(rules: NDArray[np.object_], number: Ints, size: int) -> list[str]:
    """Each incident's rules once, in the order in which they first spoke."""
    found: list[dict[str, None]] = [{} for _ in range(size)]
    for each, at in zip(rules, number, strict=True):
        if isinstance(each, str):
            found[at].update(dict.fromkeys(filter(None, each.split("+"))))
    return ["+".join(each) for each in found]
