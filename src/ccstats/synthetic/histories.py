"""Long histories of intervals with known truth, from a seed: years of half-hours without the contacts, for forecasts to be tried on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.schema import INTERVALS
from ccstats.synthetic.truth import INTERVAL_S, Calendar, category, make_calendar

__all__ = ["QueueHistory", "synthesize_history"]


@dataclass(frozen=True)
class QueueHistory:
    """One queue of a long history: its true parameters.

    Parameters
    ----------
    name : str
        The queue.
    contacts_per_day : float
        Expected on a mean day from Monday to Friday as the history begins. [contacts]
    weekdays : tuple of float
        How busy Monday … Sunday are; 0 is closed.
    trend : float
        Growth of a year. [share]
    season : float
        How far the year swings about its mean: a dip in summer, a peak before the end of the year. [share]
    holiday_factor, after_factor : float
        Of a public holiday, and of the first day after it that is none. [ratio]
    level_sd, level_kept : float
        The level wanders: standard deviation of the logarithm, and what is left of it a day later.
    day_cv, interval_cv : float
        By chance whole days, and single half-hours, are busier or quieter (gamma).
    aht_s : float
        Mean handle time; it is longer in the evening. [s]

    Examples
    --------
    >>> QueueHistory("sales", 900.0).aht_s
    240.0
    """

    name: str
    contacts_per_day: float
    weekdays: tuple[float, ...] = (1.15, 1.03, 0.98, 0.94, 0.90, 0.45, 0.20)
    trend: float = 0.05
    season: float = 0.12
    holiday_factor: float = 0.30
    after_factor: float = 1.15
    level_sd: float = 0.05
    level_kept: float = 0.97
    day_cv: float = 0.05
    interval_cv: float = 0.05
    aht_s: float = 240.0


_QUEUES = (
    QueueHistory("service", 1800.0),
    QueueHistory("sales", 700.0, trend=-0.08, season=0.18, weekdays=(1.1, 1.0, 1.0, 1.0, 0.9, 0.6, 0.0)),
)


def synthesize_history(
    *,
    seed: int,
    start: str = "2023-01-02",
    days: int = 728,
    timezone: str = "Europe/Berlin",
    holidays: str | None = "DE",
    queues: tuple[QueueHistory, ...] = _QUEUES,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Half-hours of years, and the mean that each was drawn from.

    Parameters
    ----------
    seed : int
        The same seed and arguments give the same tables.
    start : str
        First local day.
    days : int
        How many. [days]
    timezone : str
        Zone of the opening hours.
    holidays : str, optional
        Country whose public holidays are kept.
    queues : tuple of QueueHistory
        The queues.

    Returns
    -------
    intervals, truth : pandas.DataFrame
        `intervals` (everything answered within the threshold: only volume and handle time are meant), and per queue and half-hour
        ``expected_offered``, by the calendar, and ``mean_offered``, what it was drawn from: level, day and half-hour included.

    Examples
    --------
    >>> intervals, truth = synthesize_history(seed=1, days=28)
    >>> bool(abs(intervals["offered"].sum() / truth["mean_offered"].sum() - 1) < 0.02)
    True
    """
    if not queues:
        raise OptionError("queues= must be at least one queue")
    calendar = make_calendar(start, days, timezone, holidays, None)
    names = sorted(each.name for each in queues)
    parts, truths = [], []
    for spec, rng in zip(queues, np.random.default_rng(seed).spawn(len(queues)), strict=True):
        expected = _expected(spec, calendar)
        total = int(calendar.day[-1]) + 1
        level = np.zeros(total)
        step = spec.level_sd * np.sqrt(1 - spec.level_kept**2) * rng.standard_normal(total)
        level[0] = spec.level_sd * rng.standard_normal()
        for day in range(1, total):
            level[day] = spec.level_kept * level[day - 1] + step[day]
        busy = np.exp(level - spec.level_sd**2 / 2) * _gamma(rng, spec.day_cv, total)
        mean = expected * busy[calendar.day] * _gamma(rng, spec.interval_cv, calendar.size)
        count = rng.poisson(mean)
        hour = calendar.local.hour.to_numpy() + calendar.local.minute.to_numpy() / 60.0
        aht = spec.aht_s * (1.0 + 0.15 * (hour > 17))
        talk = count * aht * (1.0 + 0.8 * rng.standard_normal(calendar.size) / np.sqrt(np.maximum(count, 1)))
        key = {"queue": category(np.full(calendar.size, names.index(spec.name)), names), "interval_start": calendar.starts}
        parts.append(_interval_rows(key, count, np.maximum(talk, 0.0), timezone))
        truths.append(pd.DataFrame({**key, "expected_offered": expected, "mean_offered": mean, "expected_aht_s": aht}))
    return INTERVALS.conform(pd.concat(parts)), pd.concat(truths).sort_values(["queue", "interval_start"], ignore_index=True)


def _gamma(rng: np.random.Generator, cv: float, size: int) -> np.ndarray:
    return rng.gamma(cv**-2, cv**2, size) if cv else np.ones(size)


def _expected(spec: QueueHistory, calendar: Calendar) -> np.ndarray:
    """By the calendar alone."""
    local = calendar.local
    hour = local.hour.to_numpy() + local.minute.to_numpy() / 60.0
    weekday = local.day_of_week.to_numpy()
    clock = np.arange(0.0, 24.0, 0.5)

    def curve(at: np.ndarray, late: float) -> np.ndarray:
        there = (at >= 8.0) & (at < 20.0)
        return np.where(there, 0.1 + np.exp(-(((at - 10.3 - late) / 1.7) ** 2)) + 0.7 * np.exp(-(((at - 15.0) / 2.2) ** 2)), 0.0)

    late = 1.0 * (weekday >= 5)  # at weekends people rise later
    share = np.where(late > 0, curve(hour, 1.0) / curve(clock, 1.0).sum(), curve(hour, 0.0) / curve(clock, 0.0).sum())
    turn = local.day_of_year.to_numpy() / 365.25
    swing = np.exp(-(((turn - 0.93) / 0.06) ** 2)) - 0.8 * np.exp(-(((turn - 0.58) / 0.08) ** 2))
    weights = np.asarray(spec.weekdays) / np.mean(spec.weekdays[:5])
    holiday = calendar.holiday
    by_day = np.zeros(int(calendar.day[-1]) + 2, dtype=bool)
    by_day[calendar.day[holiday]] = True
    after = np.roll(by_day, 1)[calendar.day] & ~holiday
    factor = np.where(holiday, spec.holiday_factor, np.where(after, spec.after_factor, 1.0))
    growth = (1.0 + spec.trend) ** (calendar.day / 365.25)
    return spec.contacts_per_day * share * weights[weekday] * growth * (1.0 + spec.season * swing) * factor


def _interval_rows(key: dict[str, object], count: np.ndarray, talk: np.ndarray, timezone: str) -> pd.DataFrame:
    zeros, missing = np.zeros(len(count), dtype="int64"), np.full(len(count), np.nan)
    blank = {"seconds": missing, "maybe_count": pd.array([pd.NA] * len(count), dtype="Int64")}
    columns = {column.name: blank.get(column.kind, zeros) for column in INTERVALS.columns if column.required}
    return pd.DataFrame(
        {
            **columns,
            **key,
            "interval_s": INTERVAL_S,
            "timezone": pd.Categorical([timezone] * len(count)),
            "attribute_by": pd.Categorical(["queued"] * len(count), categories=["queued", "left", "ended", "event"]),
            "offered": count,
            "answered": count,
            "total_talk_s": talk,
            "talk_known": count,
        }
    )
