"""Sentences that several sections say: the main figures of a chart, and an incident with what it came from."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ccstats.labels import column_label, metric_title, moment_text, number_text, phrase, vocabulary_word
from ccstats.metrics import METRICS
from ccstats.report.cells import short_name, unit_of
from ccstats.report.scorecard_report import figure_text

__all__ = ["extremes", "incident_line", "points_text", "safe_names", "titled"]

#: Columns that hold names of the data, which may be of any length.
_NAMES = ("queue", "agent", "level", "reason", "reference")
#: What a driver of the service level is called, those of one name told together, as `ccstats.describe_causes` does.
_DRIVERS = {"scheduled_agents": "agents", "shrinkage": "agents", "adherence": "agents"}


def titled(name: str, lang: str) -> str:
    """What a metric or column is called.

    Examples
    --------
    >>> titled("asa_s", "en"), titled("missing_hours", "en")
    ('Average speed of answer', 'Missing hours')
    """
    text = metric_title(name, lang) if name in METRICS else column_label(name, lang)
    return text[:1].upper() + text[1:]


def _when(value: Any, period: str | None, lang: str) -> str:
    if isinstance(value, pd.Timestamp):
        return moment_text(value, period=period, lang=lang)
    return vocabulary_word(str(value), "weekday", lang)


def extremes(table: pd.DataFrame, column: str, *, over: str, period: str | None = None, lang: str = "en") -> str:
    """The lowest and the highest value of a column and where they are: what a chart shows, for those who do not see it.

    Examples
    --------
    >>> extremes(pd.DataFrame({"slot": ["09:00", "09:30"], "service_level": [0.7, 0.9]}), "service_level", over="slot")
    'Service level - of all offered: 2 values, lowest 70.0 % (09:00), highest 90.0 % (09:30).'
    """
    known = table[table[column].notna()].reset_index(drop=True)
    name = titled(column, lang)
    if not len(known):
        return f"{name}: {phrase('no_data', lang)}."
    ends = [known.iloc[int(place)] for place in (known[column].argmin(), known[column].argmax())]
    unit = unit_of(column)
    low, high = (f"{figure_text(float(row[column]), unit, lang)} ({_when(row[over], period, lang)})" for row in ends)
    return phrase("page_extremes", lang, name=name, count=number_text(len(known), lang=lang), low=low, high=high)


def points_text(share: float, lang: str) -> str:
    """A difference of shares in percentage points, with its sign.

    Examples
    --------
    >>> points_text(-0.113, "en"), points_text(0.0004, "en")
    ('−11.3', '0.0')
    """
    text = number_text(abs(100 * share), digits=1, lang=lang)
    return text if not float(f"{100 * share:.1f}") else f"{'−' if share < 0 else '+'}{text}"


def incident_line(row: dict[Any, Any], metric: str, causes: pd.DataFrame, lang: str) -> str:
    """An incident in a sentence: when, where, what was measured, what was to be expected, and what it came from.

    Examples
    --------
    >>> zone = "Europe/Berlin"
    >>> row = {"queue": "sales", "started_at": pd.Timestamp("2025-03-19", tz=zone), "ended_at": pd.Timestamp("2025-03-20", tz=zone),
    ...        "value": 0.72, "baseline": 0.83, "difference": -0.11}
    >>> incident_line(row, "service_level", pd.DataFrame(), "en")
    '2025-03-19, sales: 72.0 % where 83.0 % was to be expected (−11.0 points)'
    """
    last = row["ended_at"] - pd.Timedelta("1s")
    days = list(dict.fromkeys(moment_text(each, period="day", lang=lang) for each in (row["started_at"], last)))
    where = short_name(str(row["queue"]), 40) if "queue" in row else phrase("all_queues", lang)
    unit = unit_of(metric)
    said = phrase(
        "page_incident",
        lang,
        when=" – ".join(days),
        queue=where,
        value=figure_text(row["value"], unit, lang),
        baseline=figure_text(row["baseline"], unit, lang),
        points=points_text(row["difference"], lang),
    )
    if not len(causes):
        return said
    parts: dict[str, float] = {}
    for driver, value in zip(causes["driver"].astype("str"), causes["contribution"], strict=True):
        called = _DRIVERS.get(driver, driver)
        parts[called] = parts.get(called, 0.0) + float(value)
    told = [f"{vocabulary_word(name, 'driver', lang)} {points_text(value, lang)}" for name, value in parts.items() if abs(value) >= 0.005]
    return f"{said}. {phrase('page_came_from', lang, causes=', '.join(told))}" if told else said


def safe_names(table: pd.DataFrame) -> pd.DataFrame:
    """A table for a chart, with names of the data that fit: cut, on one line, without control characters.

    Examples
    --------
    >>> safe_names(pd.DataFrame({"queue": ["x" * 50], "offered": [3]}))["queue"].str.len().tolist()
    [24]
    """
    made = table.copy()
    for name in _NAMES:
        if name in table:
            texts = {each: short_name(str(each), 24) for each in table[name].dropna().unique()}
            taken: dict[str, int] = {}
            for each, text in texts.items():  # two long names that begin alike stay two
                taken[text] = taken.get(text, 0) + 1
                texts[each] = text if taken[text] == 1 else f"{text[:20]}…({taken[text]})"
            made[name] = table[name].astype("object").map(texts)
    return made
