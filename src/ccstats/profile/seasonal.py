"""Seasonal decomposition by LOESS (STL, MSTL of statsmodels) where it is chosen: the level of a day from the weeks before it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ccstats.profile.loops import COUNT, NUMBER, SHARE, measure_spread
from ccstats.profile.rows import Rows

__all__ = ["decompose", "decompose_days"]

#: A week's season needs two weeks.
WEEKS = 2
#: Turns of the inner and outer loop of a robust fit: enough for baselines, and a day's fit takes a fraction of a second.
_TURNS = {"inner_iter": 2, "outer_iter": 4}


def decompose(grid: np.ndarray, *, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Trend and season of values by day and slot, gaps filled by what their slot is on average.

    Parameters
    ----------
    grid : numpy.ndarray
        One row a day, one column a slot; at least two weeks.
    kind : str
        ``stl`` (season of a week) or ``mstl`` (of a day and of a week).

    Returns
    -------
    tuple of numpy.ndarray
        Trend and season, in the shape of ``grid``.
    """
    from statsmodels.tsa.seasonal import MSTL, STL

    days, slots = grid.shape
    known = np.isfinite(grid)
    filled = np.where(known, grid, 0.0)
    mean = filled.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    mean[~known.any(axis=0)] = filled.sum() / max(known.sum(), 1)
    series = np.where(known, grid, mean).ravel()
    if kind == "stl" or slots == 1:
        found = STL(series, period=7 * slots, robust=True, **_jumps(slots)).fit(**_TURNS)
        season = found.seasonal
    else:
        found = MSTL(series, periods=(slots, 7 * slots), stl_kwargs={"robust": True, **_jumps(slots), **_TURNS}).fit()
        season = found.seasonal.sum(axis=1)
    return np.asarray(found.trend).reshape(days, slots), np.asarray(season).reshape(days, slots)


@lru_cache(maxsize=64)
def _absorbed(kind: str, days: int, slots: int) -> tuple[float, float]:
    """What a decomposition takes for pattern where there is none: the variance it leaves of noise, and that of noise a week on about it."""
    noise = np.random.default_rng(0).standard_normal((days, slots))
    trend, season = decompose(noise, kind=kind)
    return float(np.mean((noise - trend - season) ** 2)), 1.0 + float(np.mean((trend[-1, -1] + season[-7:]) ** 2))


def _jumps(slots: int) -> dict[str, int]:
    """Trend and low-pass are slow beside a day: they are smoothed at every tenth of one and drawn straight between."""
    jump = max(1, slots // 10)
    return {"trend_jump": jump, "low_pass_jump": jump}


def decompose_days(
    rows: Rows,
    spans: tuple[np.ndarray, np.ndarray],
    inside: np.ndarray,
    *,
    kind: str,
    by_day: bool,
    fitted: dict[str, np.ndarray],
    points: np.ndarray,
) -> np.ndarray:
    """Fill ``fitted`` and ``points`` for every day from the days of its span; returns which days had enough.

    A day inside its own span takes its own trend and season; a later one the last trend and the season of a week before.
    """
    enough = np.zeros(len(rows.day_date), dtype=bool)
    kept: dict[tuple[int, int], tuple[np.ndarray, np.ndarray, np.ndarray, int]] = {}
    for day, (first, stop) in enumerate(zip(*(each.tolist() for each in spans), strict=True)):
        if stop <= first:
            continue
        if (first, stop) not in kept:
            kept = {(first, stop): _decompose_span(rows, first, stop, kind, by_day)}
        trend, season, spread, size = kept[first, stop]
        days = len(trend)
        if not days:
            continue
        mine = slice(int(rows.day_rows[day]), int(rows.day_rows[day + 1]))
        at, slot = int(rows.day_date[day] - rows.day_date[first]), rows.slot[mine]
        now, then = (at, slot), (days - 7 + (at - days) % 7, slot)
        level = trend[now] + season[now] if inside[day] else trend[-1, -1] + season[then]
        if rows.family != NUMBER:
            level = np.clip(level, 0.0, 1.0 if rows.family == SHARE else None)
        enough[day] = True
        fitted["level"][mine] = level
        fitted["level_variance"][mine] = 0.0
        fitted["day_variance"][mine] = 0.0
        fitted["floor"][mine] = spread[3]
        points[mine] = size
        # a season of a week follows each of few weeks closely: what a later value lies about is itself uncertain by that share
        ahead = 1.0 if inside[day] else _absorbed(kind, days, rows.slots)[1]
        for name, each in zip(("dispersion", "between", "among_days"), spread[:3] * [ahead, ahead, 1.0], strict=True):
            fitted[name][mine] = each
    return enough


def _decompose_span(rows: Rows, first: int, stop: int, kind: str, by_day: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    days = int(rows.day_date[stop - 1] - rows.day_date[first]) + 1
    part = slice(int(rows.day_rows[first]), int(rows.day_rows[stop]))
    use = rows.usable[part]
    nothing = np.empty((0, rows.slots))
    if days < 7 * WEEKS or not use.any():
        return nothing, nothing, np.zeros(4), 0
    day = (rows.day_date[rows.day_of[part]] - rows.day_date[first])[use]
    slot, value, count = rows.slot[part][use], rows.value[part][use], rows.count[part][use]
    top, bottom = np.zeros((days, rows.slots)), np.zeros((days, rows.slots))
    np.add.at(top, (day, slot), count * value)
    np.add.at(bottom, (day, slot), count)
    grid = np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)
    trend, season = decompose(grid, kind=kind)
    if rows.family == COUNT:  # never a contact at this time of this weekday: closed, not a season that happens to come near 0
        weekday = (np.arange(days) + rows.day_weekday[first]) % 7
        for each in range(7):
            season[np.ix_(weekday == each, ~(top[weekday == each] > 0).any(axis=0))] = -np.inf
    base = (trend + season)[day, slot]
    if rows.family != NUMBER:
        base = np.clip(base, 0.0, 1.0 if rows.family == SHARE else None)
    mean = np.average(value, weights=count)
    floor = 0.5 / (count.sum() / rows.slots + 1.0) if rows.family == SHARE else 0.01 * mean if rows.family != NUMBER else 0.0
    dispersion, between, among = 0.0, max(float(np.var(value - base)) / (mean * mean if mean > 0 else 1.0), 1e-300), 0.0
    if rows.family == NUMBER:
        between = float(np.var(value - base))
    ones, none = np.ones(len(value)), np.zeros(len(value))
    by_day = by_day and len(value) >= 4 * days
    for _ in range(5):
        dispersion, between, among, _ratio = measure_spread(
            value, count, base, floor * ones, day, np.full(days, 7.0 / days), none, ones, rows.family, by_day, dispersion, between, among
        )
    short = _absorbed(kind, days, rows.slots)[0]  # of the variance this much is left over
    return trend, season, np.array([dispersion / short, between / short, among, floor]), len(value)
