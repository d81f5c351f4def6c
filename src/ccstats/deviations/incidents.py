"""Incidents: neighbouring signals of one group and direction as one event, with what it cost, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import ColumnError, OptionError
from ccstats.intervals.merging import as_intervals
from ccstats.metrics import METRICS, SERVICE_LEVELS
from ccstats.schema import POINTS, as_frame

__all__ = ["list_incidents", "number_incidents"]

#: Metrics whose excess is contacts that were lost: how many of its denominator, and in which direction.
_LOST = {"abandonment_rate": 1, "abandonment_rate_handled_base": 1, "abandonment_rate_net": 1, "abandoned": 1, "answer_rate": -1}


def number_incidents(points: pd.DataFrame, *, by: Sequence[str], gap: int) -> Any:
    """The number of the incident that each row belongs to.

    Parameters
    ----------
    points : pandas.DataFrame
        Rows with ``signal``, ``direction``, ``p_value``, ``period_start`` and the ``by`` columns.
    by : sequence of str
        Group columns.
    gap : int
        Quiet periods that do not end an incident. [periods]

    Returns
    -------
    pandas array of Int64
        1, 2, … in order of their beginning; missing where there is no signal.

    Notes
    -----
    Periods are counted among those of the group in which anything was judged: a closed night neither bridges nor ends an incident.

    Examples
    --------
    >>> frame = pd.DataFrame({
    ...     "period_start": pd.date_range("2026-01-05", periods=4, freq="h", tz="UTC"),
    ...     "signal": [True, False, True, False], "direction": ["worse", None, "worse", None], "p_value": [0.001, 0.5, 0.001, 0.5]})
    >>> number_incidents(frame, by=[], gap=1).tolist()
    [1, <NA>, 1, <NA>]
    """
    numbers = np.zeros(len(points), dtype=np.int64)
    frame = points.reset_index(drop=True)
    starts = pd.DatetimeIndex(frame["period_start"]).tz_convert("UTC")
    open_at = (frame["p_value"].notna() | frame["signal"]).to_numpy()
    signal = frame["signal"].to_numpy(dtype=bool)
    group = frame.groupby(list(by), observed=True, dropna=False).ngroup().to_numpy() if by else np.zeros(len(frame), dtype=np.int64)
    direction = frame["direction"].astype("str").to_numpy()
    found: list[tuple[Any, NDArray[np.int64]]] = []
    for each in np.unique(group[signal]):
        mine = group == each
        clock = np.unique(starts[mine & open_at])
        for sense in np.unique(direction[mine & signal]):
            rows = np.flatnonzero(mine & signal & (direction == sense))
            position = np.searchsorted(clock, starts[rows])
            order = np.argsort(position, kind="stable")
            rows, position = rows[order], position[order]
            parts = np.split(rows, np.flatnonzero(np.diff(position) > gap + 1) + 1)
            found += [(starts[part[0]], part) for part in parts]
    for number, (_, rows) in enumerate(sorted(found, key=lambda each: (each[0], each[1][0])), start=1):
        numbers[rows] = number
    return pd.array(numbers, dtype="Int64").copy() if not len(numbers) else pd.Series(numbers, dtype="Int64").mask(numbers == 0).array


def list_incidents(points: Any, *, intervals: Any = None, gap: int | None = None) -> pd.DataFrame:
    """Incidents, the costliest first: where, from when to when, how bad, how many contacts it cost, and one sentence on each.

    Parameters
    ----------
    points : pandas.DataFrame or Arrow table
        As `find_deviations` makes it.
    intervals : pandas.DataFrame or Arrow table, optional
        The `intervals` that the points were made of: tells the abandoned contacts of incidents whose points do not.
    gap : int, optional
        Quiet periods that do not end an incident; by default as `find_deviations` numbered them. [periods]

    Returns
    -------
    pandas.DataFrame
        One row an incident, sorted by ``rank``: ``incident``; the group columns (``queue``); ``started_at``, ``ended_at``, ``signalled_at``
        in the zone of the points; ``periods`` with a signal; ``metrics``; ``direction``; the worst point (farthest from its baseline in
        standard deviations, on the side of the incident): ``metric``, ``value``, ``baseline``; ``late``: contacts not answered in time
        beyond the baseline; ``lost_calls``: contacts that gave up beyond the baseline; ``surplus``: contacts offered beyond the baseline;
        ``excess_s``: seconds of handling beyond the baseline; ``severity``, the highest; ``target`` of the worst point's metric;
        ``in_words``. Sums are over the rows with a signal, missing where no such metric was judged, and negative where it was better or
        lower. Without signals the table is empty.

        ``rank`` is by lost calls, then late ones, then the size of the surplus, then severity.

    Raises
    ------
    ColumnError
        If a column of `points` is missing.
    OptionError
        If ``gap`` is no number of periods.

    See Also
    --------
    find_deviations : the points.
    explain_service_level : why.

    Notes
    -----
    ``lost_calls`` is count times rate less baseline of an abandonment or answer rate among the metrics. Where there is none and
    ``intervals`` are given, it is the abandoned of the incident less the share of contacts abandoned outside of all incidents.

    Examples
    --------
    >>> import ccstats as cc
    >>> contacts = cc.synthesize_contacts(seed=1, days=35).contacts
    >>> half_hours = cc.to_intervals(contacts, every="30min", timezone="Europe/Istanbul", threshold_s=20)
    >>> incidents = cc.list_incidents(cc.find_deviations(half_hours, metric="service_level"))
    >>> bool(incidents["rank"].is_monotonic_increasing)
    True
    """
    frame = as_frame(points, what="points")
    missing = [name for name in POINTS.names() if name not in frame and POINTS[name].required]
    if missing:
        raise ColumnError(f"points lack the columns {', '.join(missing)}; give the table that find_deviations returns")
    by = [str(name) for name in frame.columns if name == "queue" or name not in POINTS]
    if gap is not None:
        if not isinstance(gap, int) or gap < 0:
            raise OptionError(f"gap={gap!r} must be a whole number of periods, 0 or more")
        frame = frame.assign(incident=number_incidents(frame, by=by, gap=gap))
    usual = None if intervals is None else _abandoned(as_intervals(intervals), frame, by)
    rows = [
        _incident(number, part, by, usual)
        for number, part in frame[frame["incident"].notna()].groupby("incident", sort=True, observed=True)
    ]
    names = ["rank", "incident", *by, *_KINDS]
    if not rows:
        return _typed(pd.DataFrame({name: [] for name in names}), frame, by)
    made = pd.DataFrame(rows)
    order = pd.DataFrame(
        {
            "lost": -made["lost_calls"].fillna(0.0),
            "late": -made["late"].fillna(0.0),
            "surplus": -made["surplus"].abs().fillna(0.0),
            "severity": -made["severity"].fillna(0.0),
            "incident": made["incident"],
        }
    )
    made = made.iloc[order.sort_values(list(order.columns), kind="stable").index].reset_index(drop=True)
    return _typed(made.assign(rank=np.arange(1, len(made) + 1))[names], frame, by)


_KINDS = {
    "started_at": "instant",
    "ended_at": "instant",
    "signalled_at": "instant",
    "periods": "int64",
    "metrics": "str",
    "direction": "str",
    "metric": "str",
    "value": "float64",
    "baseline": "float64",
    "late": "float64",
    "lost_calls": "float64",
    "surplus": "float64",
    "excess_s": "float64",
    "severity": "float64",
    "target": "float64",
    "in_words": "str",
}


def _typed(made: pd.DataFrame, points: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    dtypes = {name: points["period_start"].dtype if kind == "instant" else kind for name, kind in _KINDS.items()}
    return made.astype({"rank": "int64", "incident": "int64", **{name: points[name].dtype for name in by}, **dtypes})


def _incident(number: Any, part: pd.DataFrame, by: list[str], usual: Any) -> dict[str, Any]:
    """One row of `list_incidents`."""
    # points on the incident's side first: inside a sustained deviation single values may lie on the other
    away = part["value"] - part["baseline"]
    sense = part["direction"].iloc[0]
    sides = np.array([_side(METRICS[name].direction, sense) for name in part["metric"]])
    distance = (part["score"] * sides).fillna(-np.inf)
    worst = part.loc[distance.idxmax()]
    contacts = part["count"].fillna(0.0) * away
    late = _total(-contacts, part["metric"].isin(SERVICE_LEVELS), part["metric"])
    lost = None
    for name, sign in _LOST.items():
        if lost is None and (part["metric"] == name).any():
            lost = _total(sign * (away if name == "abandoned" else contacts), part["metric"] == name, part["metric"])
    if lost is None and usual is not None:
        lost = usual(part)
    seconds = part["metric"].map(lambda name: METRICS[name].unit == "s" and METRICS[name].kind == "mean").to_numpy(dtype=bool)
    row = {
        "incident": number,
        **{name: part[name].iloc[0] for name in by},
        "started_at": part["period_start"].min(),
        "ended_at": part["period_end"].max(),
        "signalled_at": part["signalled_at"].min(),
        "periods": part["period_start"].nunique(),
        "metrics": ", ".join(dict.fromkeys(map(str, part["metric"]))),
        "direction": str(sense),
        "metric": str(worst["metric"]),
        "value": worst["value"],
        "baseline": worst["baseline"],
        "late": late,
        "lost_calls": np.nan if lost is None else lost,
        "surplus": _total(away, part["metric"] == "offered", part["metric"]),
        "excess_s": _total(contacts, seconds & part["metric"].isin(["aht_s"]).to_numpy(), part["metric"])
        if (part["metric"] == "aht_s").any()
        else _total(contacts, seconds, part["metric"]),
        "severity": part["severity"].max(),
        "target": worst["target"],
    }
    return {**row, "in_words": _in_words(row, part, by, worst)}


def _side(direction: str, sense: str) -> float:
    if sense in ("higher", "lower"):
        return 1.0 if sense == "higher" else -1.0
    return 1.0 if (direction == "higher_is_better") == (sense == "better") else -1.0


def _total(values: pd.Series[Any], chosen: Any, metric: pd.Series[Any]) -> float:
    """Sum over the rows of the first metric among those chosen, so that two service levels are not added up."""
    rows = np.asarray(chosen, dtype=bool)
    if not rows.any():
        return np.nan
    first = metric[rows].iloc[0]
    return float(values[rows & (metric == first).to_numpy()].sum())


def _abandoned(intervals: pd.DataFrame, points: pd.DataFrame, by: list[str]) -> Any:
    """A function that tells the abandoned of an incident beyond the share usual outside of incidents."""
    starts = intervals["interval_start"]
    group = [name for name in by if name in intervals]
    quiet = np.ones(len(intervals), dtype=bool)
    spans = {}
    for number, part in points[points["incident"].notna()].groupby("incident", observed=True):
        inside = np.zeros(len(intervals), dtype=bool)
        for begin, end in part[["period_start", "period_end"]].drop_duplicates().itertuples(index=False):
            inside |= ((starts >= begin) & (starts < end)).to_numpy()
        for name in group:
            inside &= (intervals[name].astype("str") == str(part[name].iloc[0])).to_numpy()
        spans[number] = inside
        quiet &= ~inside
    offered, abandoned = (intervals[name].to_numpy(dtype="float64") for name in ("offered", "abandoned"))

    def lost(part: pd.DataFrame) -> float:
        inside = spans[part["incident"].iloc[0]]
        alike = quiet.copy()
        for name in group:
            alike &= (intervals[name].astype("str") == str(part[name].iloc[0])).to_numpy()
        share = abandoned[alike].sum() / offered[alike].sum() if offered[alike].sum() > 0 else 0.0
        return float(abandoned[inside].sum() - share * offered[inside].sum())

    return lost


def _in_words(row: dict[str, Any], part: pd.DataFrame, by: list[str], worst: pd.Series[Any]) -> str:
    """A sentence such as ``Tuesday 3 March 14:00–16:00, sales: service level 62 % where 80 % was to be expected, 18 points below``."""
    where = ", ".join(str(row[name]) for name in by)
    mine = part[part["metric"] == worst["metric"]]
    value, baseline = _pooled(mine)
    metric = METRICS[str(worst["metric"])]
    name = metric.title.split(" - ")[0]
    parts = [f"{name[0].lower()}{name[1:]} {_shown(value, metric.unit)} where {_shown(baseline, metric.unit)} was to be expected"]
    if metric.unit == "ratio":
        points = round(100 * value) - round(100 * baseline)
        if points:
            parts.append(f"{abs(points)} point{'s' if abs(points) > 1 else ''} {'above' if points > 0 else 'below'}")
    elif baseline > 0:
        parts.append(f"{100 * (value / baseline - 1):+.0f} %".replace("-", "−"))
    for key, word, other in (("late", "late", "fewer late"), ("lost_calls", "lost", "fewer lost")):
        if np.isfinite(row[key]) and abs(row[key]) >= 0.5:
            calls = round(abs(row[key]))
            parts.append(f"{calls:,} call{'s' if calls != 1 else ''} {word if row[key] > 0 else other}")
    return f"{_when(row['started_at'], row['ended_at'])}{f', {where}' if where else ''}: {', '.join(parts)}"


def _pooled(mine: pd.DataFrame) -> tuple[float, float]:
    """Value and baseline over the whole incident: sums of counts, means by contacts of the rest."""
    metric = METRICS[str(mine["metric"].iloc[0])]
    if not metric.denominator and not metric.parts:
        if metric.kind == "max":
            return float(mine["value"].max()), float(mine["baseline"].max())
        return float(mine["value"].sum()), float(mine["baseline"].sum())
    weight = mine["count"].to_numpy(dtype="float64")
    weight = weight / weight.sum() if weight.sum() > 0 else np.full(len(weight), 1 / len(weight))
    return float((mine["value"] * weight).sum()), float((mine["baseline"] * weight).sum())


def _shown(value: float, unit: str) -> str:
    if unit == "ratio":
        return f"{100 * value:.0f} %"
    if unit == "s":
        return f"{value:,.0f} s"
    return f"{value:,.0f}"


def _when(start: pd.Timestamp, end: pd.Timestamp) -> str:
    """Local days and times; whole days without times."""
    days = f"{start:%A} {start.day} {start:%B}"
    midnight = start == start.normalize() and end == end.normalize()
    last = end - pd.Timedelta(microseconds=1)
    if midnight:
        if last.normalize() == start.normalize():
            return days
        return f"{days} to {last:%A} {last.day} {last:%B}"
    if last.normalize() == start.normalize():
        closing = "24:00" if end == end.normalize() else f"{end:%H:%M}"
        return f"{days} {start:%H:%M}–{closing}"
    return f"{days} {start:%H:%M} to {end:%A} {end.day} {end:%B} {end:%H:%M}"
