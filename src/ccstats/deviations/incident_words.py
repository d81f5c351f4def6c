"""Incidents in words: "Tuesday 3 March 14:00–16:00, sales: service level 62 % where 80 % was to be expected, 18 points below, …"."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ccstats.metrics import METRICS, Metric
from ccstats.periods import WEEKDAYS

__all__ = ["describe_incidents"]

_MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
#: What people call these; others by their title.
_CALLED = {"service_level": "service level", "aht_s": "handle time", "att_s": "talk time", "offered": "contacts"}
#: What the contacts of an excess were, by what the metric counts.
_LOST = {
    "answered_within": ("late", "fewer late"),
    "answered": ("not answered", "more answered"),
    "abandoned": ("more abandoned", "fewer abandoned"),
    "blocked": ("more blocked", "fewer blocked"),
    "held": ("more on hold", "fewer on hold"),
    "transferred": ("more transferred", "fewer transferred"),
    "ring_noanswer": ("more rang unanswered", "fewer rang unanswered"),
}
#: What would break a line, or not be seen.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def describe_incidents(incidents: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """A sentence for each incident: when, who, what was seen and what was to be expected, and what it cost.

    Parameters
    ----------
    incidents : pandas.DataFrame
        With the group columns, ``metric, started_at, ended_at, value, baseline, contacts, excess`` and, where known, ``lost_calls``;
        times in the zone to be shown.
    by : sequence of str
        The group columns.

    Returns
    -------
    list of str
        Whole days without a time, whole months by their name; years only where a span has two. A difference is that of the figures shown;
        shares less than two points apart have a decimal. What differs by less than is shown is said to be hardly above or below. Names
        stay on one line; an empty one is ``(no name)``.

    Examples
    --------
    >>> starts = pd.to_datetime(["2026-03-03"]).tz_localize("Europe/London")
    >>> days = pd.DataFrame({"metric": "offered", "started_at": starts, "ended_at": starts + pd.DateOffset(days=3), "value": 240.0,
    ...     "baseline": 200.0, "contacts": 240.0, "excess": 40.0})
    >>> describe_incidents(days, [])
    ['3–5 March: 240 contacts where 200 were to be expected, 20 % above']
    """
    said = []
    for row in incidents.to_dict("records"):
        who = "".join(f", {_named(row[name])}" for name in by if not pd.isna(row[name]))
        said.append(f"{_when(row['started_at'], row['ended_at'])}{who}: {_what(METRICS[str(row['metric'])], row)}")
    return said


def _named(name: Any) -> str:
    return _CONTROL.sub(" ", str(name)).strip() or "(no name)"


def _when(started_at: pd.Timestamp, ended_at: pd.Timestamp) -> str:
    start, end = started_at.tz_localize(None), ended_at.tz_localize(None)
    last = end - pd.Timedelta(1, "us")
    one_day, one_year = start.date() == last.date(), start.year == last.year
    if start != start.normalize() or end != end.normalize():
        until = f"{end:%H:%M}" if end != end.normalize() else "24:00"
        if one_day:
            return f"{_day(start)} {start:%H:%M}–{until}"
        return f"{_day(start, not one_year)} {start:%H:%M} – {_day(last, not one_year)} {until}"
    if one_day:
        return _day(start)
    if start.day == end.day == 1:
        first, final = (_MONTHS[each.month - 1] for each in (start, last))
        if one_year:
            return f"{first if first == final else f'{first}–{final}'} {start.year}"
        return f"{first} {start.year} – {final} {last.year}"
    if one_year and start.month == last.month:
        return f"{start.day}–{last.day} {_MONTHS[start.month - 1]}"
    return " – ".join(f"{each.day} {_MONTHS[each.month - 1]}{'' if one_year else f' {each.year}'}" for each in (start, last))


def _day(day: pd.Timestamp, year: bool = False) -> str:
    return f"{WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]}{f' {day.year}' if year else ''}"


def _what(metric: Metric, row: dict[Any, Any]) -> str:
    value, baseline = float(row["value"]), float(row["baseline"])
    name = _CALLED.get(metric.name) or metric.title[:1].lower() + metric.title[1:]
    show = _share if metric.unit == "ratio" else _seconds if metric.unit == "s" else _number
    digits = 1 if metric.unit == "ratio" and abs(round(100 * value) - round(100 * baseline)) < 2 else 0
    shown = f"{show(value, digits)} {name}" if metric.kind == "count" else f"{name} {show(value, digits)}"
    if math.isnan(baseline):
        return shown
    if shown == "1 contacts":
        shown = "1 contact"
    expected = show(baseline, digits)
    parts = [f"{shown} where {expected} {'were' if metric.kind == 'count' else 'was'} to be expected"]
    if show(value, digits) == expected:
        how = "on the whole neither above nor below" if math.isclose(value, baseline) else f"hardly {_side(value - baseline)}"
        parts = [f"{shown}, {how} what was to be expected"]
    elif metric.unit == "ratio":
        points = round(100 * value, digits) - round(100 * baseline, digits)
        parts.append(f"{abs(points):.{digits}f} point{'' if abs(points) == 1 else 's'} {_side(points)}")
    elif metric.unit == "s":
        parts.append(f"{_seconds(abs(_rounded(value) - _rounded(baseline)), 0)} {_side(value - baseline)}")
    elif baseline > 0:
        percent = 100 * abs(value / baseline - 1)
        parts.append(f"{f'{percent:,.0f}' if percent > 0.5 else 'less than 1'} % {_side(value - baseline)}")
    return ", ".join([*parts, *_cost(metric, row)])


def _cost(metric: Metric, row: dict[Any, Any]) -> list[str]:
    """How many contacts it was about."""
    lost, contacts = float(row["excess"]), float(row["contacts"])
    words = _LOST.get(metric.numerator[0][1]) if metric.kind == "ratio" else None
    if words and abs(lost) >= 0.5:
        said = [f"{_calls(abs(lost))} {words[0 if lost > 0 else 1]}"]
    else:
        said = [f"over {_calls(contacts)}"] if metric.kind == "mean" and contacts >= 0.5 else []
    given_up = float(row.get("lost_calls", math.nan))
    if metric.numerator[:1] != ((1, "abandoned"),) and abs(given_up) >= 0.5:
        said.append(f"{_calls(abs(given_up))} {'more' if given_up > 0 else 'fewer'} abandoned")
    return said


def _side(difference: float) -> str:
    return "above" if difference > 0 else "below"


def _calls(number: float) -> str:
    return f"{number:,.0f} call{'' if round(number) == 1 else 's'}"


def _share(value: float, digits: int) -> str:
    return f"{100 * value:.{digits}f} %"


def _seconds(value: float, _: int) -> str:
    return f"{_number(value, 0)} s"


def _number(value: float, _: int) -> str:
    rounded = _rounded(value)
    return f"{rounded:,.0f}" if rounded == round(rounded) else f"{rounded:.1f}"


def _rounded(value: float) -> float:
    """Whole from ten on."""
    return round(value, 0 if abs(value) >= 9.95 else 1)
