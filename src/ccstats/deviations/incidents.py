"""Incidents: neighbouring signals joined, worst first, each with a sentence that a manager reads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.deviations.incident_words import describe_incidents
from ccstats.errors import OptionError, TableError, did_you_mean
from ccstats.metrics import METRICS, Metric
from ccstats.schema import POINTS, as_frame

__all__ = ["list_incidents", "number_incidents"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_NEEDED = ("period_start", "period_end", "metric", "value", "count", "baseline", "score", "signal", "rule", "direction", "severity")
_DIRECTIONS = ("worse", "higher", "lower", "better")
_UNITS = ("contacts", "s")
#: Nothing came and less than this was to be expected: the queue was closed. [contacts]
_CLOSED = 0.5


def list_incidents(points: Any, *, gap: int = 1) -> pd.DataFrame:
    """Deviations of one queue and metric that belong together as one row each, worst first, in words.

    Parameters
    ----------
    points : pandas.DataFrame or Arrow table
        Table `points`, as `find_deviations` makes it: any number of queues and metrics, with or without a column ``queue``. Further text or
        category columns, such as ``channel``, are groups too.
    gap : int
        Up to this many judged periods without a signal between two signals of one direction do not part them. Periods without data
        (nothing to divide by, no baseline, closed: nothing came and nothing was to be expected, or no row) never do, so that an incident
        goes on over night; a signal the other way always does. [periods]

    Returns
    -------
    pandas.DataFrame
        One row an incident: ``incident`` (1 is the worst), the groups, ``metric``; ``started_at`` and ``ended_at``, from the first signal's
        start to the last one's end, in the zone of the points; ``periods`` (judged, those bridged included) and ``signals``; ``direction``.
        Over all those periods ``value``, ``baseline`` and ``difference``: shares and means weighted by their count, counts added up, of a
        longest wait the worst; ``contacts``, those the metric was divided by (or counted); ``excess`` and ``excess_unit`` (``contacts`` or
        ``s``): how much was lost, of a metric that should be high what it lacks (contacts not answered in time), else what was too much
        (contacts abandoned, calls that came, seconds of handle time); negative where it was the other way, missing for quantiles and
        maxima. ``worst_at`` (start), ``worst_value`` and ``score`` of the signal farthest out; ``severity``, the largest; ``rules``, joined
        by ``+``; ``in_words``.

        Sorted by direction (worse, then higher and lower of what is neither good nor bad, then better), contacts before seconds, the
        largest excess first. Points without signals, and an empty table, give an empty table.

    Raises
    ------
    TableError
        If a column is missing or of another kind, or a group has two rows for one period and metric.
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
    ... })
    >>> incidents = cc.list_incidents(points)
    >>> incidents["in_words"][0]
    'Tuesday 3 March 14:00–15:30, sales: service level 59 % where 80 % was to be expected, 21 points below, 64 calls late'
    >>> int(incidents["periods"][0]), int(incidents["signals"][0]), round(float(incidents["excess"][0]), 1)
    (3, 2, 64.0)
    """
    return _find(points, gap)[0]


def number_incidents(points: Any, *, gap: int = 1) -> pd.api.extensions.ExtensionArray:
    """The number of the incident each point belongs to, as `list_incidents` numbers them: the column ``incident`` of `points`.

    Parameters
    ----------
    points : pandas.DataFrame or Arrow table
        Table `points`; a column ``incident`` need not be there.
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
    return _find(points, gap)[1]


def _find(points: Any, gap: int) -> tuple[pd.DataFrame, pd.api.extensions.ExtensionArray]:
    """The incidents, and the number of each row's."""
    if isinstance(gap, bool) or not isinstance(gap, int | np.integer) or gap < 0:
        raise OptionError(f"gap={gap!r} is no number of periods; give a whole number from 0, such as 1")
    frame = as_frame(points, what="points")
    POINTS.check(frame, columns=_NEEDED, keys=False)
    texts = (pd.CategoricalDtype, pd.StringDtype)
    by = [str(name) for name in frame if name == "queue" or (name not in POINTS and isinstance(frame[name].dtype, texts))]
    keys = [*by, "metric"]
    group = frame.groupby(keys, observed=True, sort=True, dropna=False).ngroup().to_numpy().astype("int64")
    starts = pd.DatetimeIndex(frame["period_start"]).as_unit("us").asi8
    order = np.lexsort((starts, group))
    frame, group, starts = frame.iloc[order].reset_index(drop=True), group[order], starts[order]
    again = (np.diff(group) == 0) & (np.diff(starts) == 0)
    if again.any():
        shown = frame.loc[int(np.argmax(again)), [*keys, "period_start"]].to_dict()
        raise TableError(f"points have two rows for {shown}; give one row per group, metric and period")
    metrics = _metrics_of(frame)
    kinds = np.array([metric.kind for metric in metrics], dtype="str")
    value, count, baseline = (_floats(frame, name) for name in ("value", "count", "baseline"))
    signal = frame["signal"].to_numpy(dtype=bool)
    direction = _directions(frame["direction"], value - baseline, metrics)
    closed = np.where(kinds == "count", (value == 0) & (baseline < _CLOSED), count == 0)
    judged = signal | ~(closed | np.isnan(value) | np.isnan(baseline))
    raw = _join(group, signal, direction, judged, int(gap))
    table, rank = _summarise(frame, metrics, raw, judged, direction, by)
    numbers = np.zeros(len(frame), dtype="int64")
    numbers[order] = np.where(raw < 0, 0, np.append(rank, 0)[raw])
    return table, pd.Series(numbers).where(numbers > 0).astype("Int64").array


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


def _join(group: Ints, signal: Bools, direction: NDArray[np.object_], judged: Bools, gap: int) -> Ints:
    """For every row of the sorted points the incident it lies in, -1 outside."""
    at = np.flatnonzero(signal)
    if not len(at):
        return np.full(len(signal), -1, dtype="int64")
    passed = np.cumsum(judged)[at]
    parted = (np.diff(group[at]) != 0) | (direction[at][1:] != direction[at][:-1]) | (np.diff(passed) - 1 > gap)
    number = np.append(0, np.cumsum(parted))
    last = np.cumsum(signal) - 1  # the signal at or before each row, and from there the next
    following = np.where(signal, last, np.minimum(last + 1, len(at) - 1))
    within = (last >= 0) & (number[last] == number[following]) & (signal | (last < len(at) - 1))
    return np.where(within, number[last], -1).astype("int64")


def _summarise(
    frame: pd.DataFrame, metrics: list[Metric], raw: Ints, judged: Bools, direction: NDArray[np.object_], by: list[str]
) -> tuple[pd.DataFrame, Ints]:
    """One row an incident, ranked, and the rank of each."""
    size = int(raw.max(initial=-1)) + 1
    flagged = np.flatnonzero(frame["signal"].to_numpy(dtype=bool))
    number = raw[flagged]
    first, last = (flagged[np.searchsorted(number, np.arange(size) + shift) - shift] for shift in (0, 1))
    value, baseline, score, severity = (_floats(frame, name) for name in ("value", "baseline", "score", "severity"))
    farthest = np.lexsort((-np.abs(value - baseline)[flagged], -np.nan_to_num(np.abs(score[flagged]), nan=-1.0), number))
    worst = flagged[farthest[np.searchsorted(number, np.arange(size))]]
    rows = np.flatnonzero(judged & (raw >= 0))
    highest = np.full(size, np.nan)
    np.fmax.at(highest, number, severity[flagged])
    starts, ends = (frame[name].dt.tz_convert(frame["period_start"].dt.tz).dt.as_unit("us") for name in ("period_start", "period_end"))
    made = {
        **{name: frame[name].iloc[first].array for name in by},
        "metric": frame["metric"].iloc[first].cat.remove_unused_categories().array,
        "started_at": starts.iloc[first].array,
        "ended_at": ends.iloc[last].array,
        "periods": np.bincount(raw[rows], minlength=size).astype("int64"),
        "signals": np.bincount(number, minlength=size).astype("int64"),
        "direction": pd.Categorical(direction[first], categories=list(_DIRECTIONS)),
        **_figures(frame.iloc[rows], raw[rows], [metrics[row] for row in first], value[worst], baseline[worst]),
        "worst_at": starts.iloc[worst].array,
        "worst_value": value[worst],
        "score": score[worst],
        "severity": highest,
        "rules": pd.array(_rules_of(frame["rule"].astype("object").to_numpy()[flagged], number, size), dtype="str"),
    }
    table = pd.DataFrame(made)
    lost = np.nan_to_num(np.abs(table["excess"].to_numpy()), nan=-1.0)
    side = np.array([0, 1, 1, 2])[table["direction"].cat.codes.to_numpy()]  # higher and lower rank alike
    ranked = np.lexsort((first, -np.nan_to_num(np.abs(score[worst])), -lost, table["excess_unit"].cat.codes.to_numpy(), side))
    table = table.iloc[ranked].reset_index(drop=True)
    table.insert(0, "incident", np.arange(1, size + 1, dtype="int64"))
    table["in_words"] = pd.array(describe_incidents(table, by), dtype="str")
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


def _rules_of(rules: NDArray[np.object_], number: Ints, size: int) -> list[str]:
    """Each incident's rules once, in the order in which they first spoke."""
    found: list[dict[str, None]] = [{} for _ in range(size)]
    for each, at in zip(rules, number, strict=True):
        if isinstance(each, str):
            found[at].update(dict.fromkeys(filter(None, each.split("+"))))
    return ["+".join(each) for each in found]
