"""The days of a table judged one by one: which days each is judged by, the fits run, holidays, and what to say of each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ccstats.errors import OptionError
from ccstats.profile import loops
from ccstats.profile.frozen import FITTED, Profile, tabulate_levels
from ccstats.profile.rows import Rows, days_of
from ccstats.profile.seasonal import decompose_days

__all__ = ["Fit", "Options", "Plan", "freeze", "plan_days"]

_SUNDAY = 6
#: Earlier holidays that are needed before a holiday is compared with them.
_HOLIDAYS = 2
#: Standard deviation of a holiday's factor about Sundays while too few holidays are known: assumed, as nothing tells it yet.
_HOLIDAY_SD = 0.3


@dataclass(frozen=True)
class Options:
    """How to fit; see `ccstats.profile.fit_profile`."""

    kind: str
    half_life: str | None
    weeks: int
    day_factor: bool
    rebase: bool
    minimum: int

    def arguments(self) -> tuple[float, int, bool, bool, int]:
        """What the compiled fit is told after the kind."""
        half = -1.0 if self.half_life is None or self.kind == "same_weekday" else float(days_of(self.half_life, "half_life"))
        return half, self.weeks, self.rebase, self.day_factor, self.minimum


@dataclass(frozen=True)
class Plan:
    """For each day the bounds of the days it is judged by, whether itself is left out of them, and from where their age is counted."""

    first: np.ndarray
    stop: np.ndarray
    left_out: np.ndarray
    anchor: np.ndarray
    early: np.ndarray


def plan_days(rows: Rows, width: int, mask: np.ndarray | None, frozen: bool) -> Plan:
    """Which days each day is judged by: those before it, or the rest of its own first window or frozen baseline."""
    days = len(rows.day_date)
    first, stop, left_out = (np.full(days, fill, dtype=np.int64) for fill in (0, 0, -1))
    anchor, early = rows.day_date.copy(), np.zeros(days, dtype=bool)
    usable_day = np.zeros(days, dtype=bool)
    usable_day[rows.day_of[rows.usable if mask is None else rows.usable & mask]] = True
    for group in range(len(rows.keys)):
        low, high = rows.days_of_group(group)
        dates, known = rows.day_date[low:high], usable_day[low:high]
        if not known.any():
            continue
        mine = slice(low, high)
        if frozen:
            if mask is not None:
                early[mine] = known
                first[mine], stop[mine] = np.where(known, low, 0), np.where(known, high, 0)
                anchor[mine] = dates[known].max()
            continue
        begin = dates[known][0]
        early[mine] = dates < begin + width
        end = low + int(np.searchsorted(dates, begin + width))
        first[mine] = np.where(early[mine], low, low + np.searchsorted(dates, dates - width))
        stop[mine] = np.where(early[mine], end, np.arange(low, high))
    left_out[early] = np.flatnonzero(early)
    return Plan(first, stop, left_out, anchor, early)


def freeze(rows: Rows, watched: np.ndarray, options: Options) -> Profile:
    """Fit the watched rows of each group once (for ``same_weekday`` once a weekday) and tabulate."""
    if options.kind in ("stl", "mstl"):
        raise OptionError(f"kind={options.kind!r} follows the series and cannot be frozen; choose one of: auto, {', '.join(loops.KINDS)}")
    groups, slots = len(rows.keys), rows.slots
    each = 7 if options.kind == "same_weekday" else 1
    size = groups * 7 * slots
    bounds = np.array([rows.days_of_group(group) for group in range(groups)], dtype=np.int64).reshape(-1, 2).repeat(each, axis=0)
    last = np.zeros(groups, dtype=np.int64)
    days = rows.day_of[watched & rows.usable]
    np.maximum.at(last, rows.day_group[days], rows.day_date[days])
    arrays, points = _empty(size)
    jobs = groups * each
    used, spread, shift = np.full(jobs, -1, dtype=np.int64), np.full((jobs, 3), np.nan), np.full(jobs, -1, dtype=np.int64)
    _run_jobs(
        rows, watched, options,
        (bounds[:, 0].copy(), bounds[:, 1].copy(), np.full(jobs, -1, dtype=np.int64), last.repeat(each)),
        np.arange(jobs + 1) * (size // max(jobs, 1)),
        np.tile(np.arange(slots), groups * 7), np.tile(np.repeat(np.arange(7), slots), groups),
        arrays, points, used, spread, shift,
    )  # fmt: skip
    for name, column in zip(("dispersion", "between", "among_days"), spread.T, strict=True):
        arrays[name][:] = np.repeat(column, size // max(jobs, 1))
    kinds = np.array([*loops.KINDS, ""])[used].repeat(size // max(jobs, 1))
    return tabulate_levels(rows, arrays, points, kinds)


def _empty(size: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    return {name: np.full(size, np.nan) for name in FITTED}, np.zeros(size, dtype=np.int64)


def _run_jobs(
    rows: Rows,
    watched: np.ndarray,
    options: Options,
    spans: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    target: np.ndarray,
    target_slot: np.ndarray,
    target_weekday: np.ndarray,
    arrays: dict[str, np.ndarray],
    points: np.ndarray,
    used: np.ndarray,
    spread: np.ndarray,
    shift: np.ndarray,
) -> None:
    kind = loops.KINDS.index(options.kind) if options.kind in loops.KINDS else -1
    loops.fit_jobs(
        *spans, target.astype(np.int64), rows.day_rows, rows.day_date, rows.day_weekday, rows.value, rows.count, rows.slot, watched,
        target_slot.astype(np.int64), target_weekday.astype(np.int64), rows.slots, rows.family, kind, *options.arguments(),
        *(arrays[name] for name in FITTED[:4]), points, used, spread, shift,
    )  # fmt: skip


class Fit:
    """What is expected of every row, filled step by step; rows and days are those of `Rows`."""

    def __init__(self, rows: Rows) -> None:
        days = len(rows.day_date)
        self.arrays, self.points = _empty(len(rows.value))
        self.kinds: np.ndarray = np.full(days, "", dtype=object)
        self.notes: np.ndarray = np.full(days, "", dtype=object)
        self.shift_date = np.full(days, -1, dtype=np.int64)
        self.shifted = np.zeros(days, dtype=bool)

    def run(self, rows: Rows, watched: np.ndarray, plan: Plan, options: Options) -> None:
        """Fit for each day the days it is judged by."""
        if options.kind in ("stl", "mstl"):
            enough = decompose_days(
                rows,
                (plan.first, plan.stop),
                plan.early,
                kind=options.kind,
                by_day=options.day_factor,
                fitted=self.arrays,
                points=self.points,
            )
            self.kinds[enough] = options.kind
            return
        days = len(rows.day_date)
        used, spread = np.full(days, -1, dtype=np.int64), np.full((days, 3), np.nan)
        spans = (plan.first, plan.stop, plan.left_out, plan.anchor)
        weekday = rows.day_weekday[rows.day_of]
        _run_jobs(rows, watched, options, spans, rows.day_rows, rows.slot, weekday, self.arrays, self.points, used, spread, self.shift_date)
        for name, column in zip(("dispersion", "between", "among_days"), spread.T, strict=True):
            self.arrays[name][:] = column[rows.day_of]
        self.kinds[:] = np.array([*loops.KINDS, ""], dtype=object)[used]
        self.shifted = self.shift_date >= 0

    def take(self, rows: Rows, kept: Profile, days: np.ndarray) -> None:
        """Take the rows of these days from a kept profile."""
        at = kept.look_up(rows)
        mine = np.flatnonzero(days[rows.day_of])
        known, unknown = mine[at[mine] >= 0], mine[at[mine] < 0]
        for name in FITTED:
            self.arrays[name][known] = kept.cells[name].to_numpy()[at[known]]
            self.arrays[name][unknown] = np.nan
        self.points[known] = kept.cells["points"].to_numpy()[at[known]]
        kinds = kept.cells["kind"].to_numpy(dtype=object)
        self.kinds[rows.day_of[known]] = kinds[at[known]]

    def describe(self, rows: Rows, options: Options) -> None:
        """Say of each day why it was fitted as it was."""
        for day in np.flatnonzero(self.kinds == ""):
            self.notes[day] = f"fewer than minimum={options.minimum} days to be judged by"
        if options.kind == "auto":
            words = {
                "weekday_slot": "auto: enough days for weekday and time of day",
                "weekday": "auto: enough days for weekdays",
                "slot": "auto: too few days for weekdays, so time of day alone",
                "overall": "auto: too few days for weekdays, so one level",
            }
            for kind, text in words.items():
                self.notes[self.kinds == kind] = text
        for day in np.flatnonzero(self.shifted):
            self.notes[day] = _join(self.notes[day], f"new level since {np.datetime64(int(self.shift_date[day]), 'D')}")

    def judge_holidays(self, rows: Rows, watched: np.ndarray, kept: Profile | None, plan: Plan, options: Options) -> None:
        """Compare each holiday with earlier holidays, as a share of their ordinary levels, or with Sundays while too few are known."""
        arrays, low = self.arrays, rows.day_rows[:-1]
        known = np.isfinite(arrays["level"]) & np.isfinite(rows.value) & (rows.count > 0)
        seen, due = (np.add.reduceat(np.where(known, rows.count * each, 0.0), low) for each in (rows.value, arrays["level"]))
        days = np.flatnonzero(rows.day_holiday)
        ratio = np.divide(seen, due, out=np.full(len(low), np.nan), where=due > 0)
        sundays = []
        for day in days.tolist():
            earlier = days[(rows.day_group[days] == rows.day_group[day]) & (days < day)]
            shares = ratio[earlier][np.isfinite(ratio[earlier])]
            if len(shares) < _HOLIDAYS or rows.family == loops.NUMBER:
                sundays.append(day)
                continue
            self._scale(rows, day, float(np.median(shares)), float(np.var(shares, ddof=1)))
            self.notes[day] = _join(f"holiday: compared with {len(shares)} earlier holidays", self.notes[day])
        if sundays and options.kind not in ("stl", "mstl"):
            self._as_sundays(rows, watched, kept, plan, options, np.array(sundays))

    def _scale(self, rows: Rows, day: int, share: float, variance: float) -> None:
        mine, arrays = slice(int(rows.day_rows[day]), int(rows.day_rows[day + 1])), self.arrays
        arrays["level"][mine] *= share
        if rows.family == loops.SHARE:
            arrays["level"][mine] = np.minimum(arrays["level"][mine], 1.0)
        arrays["level_variance"][mine] *= share * share
        if share > 0:
            arrays["among_days"][mine] = np.maximum(arrays["among_days"][mine], variance / (share * share))

    def _as_sundays(self, rows: Rows, watched: np.ndarray, kept: Profile | None, plan: Plan, options: Options, days: np.ndarray) -> None:
        """Give these days the levels of Sundays."""
        weekday, mine = rows.day_weekday.copy(), np.isin(np.arange(len(rows.day_date)), days)
        weekday[mine] = _SUNDAY
        alike = replace(rows, day_weekday=weekday)
        fit = Fit(alike)
        fit.run(alike, watched, replace(plan, stop=np.where(mine, plan.stop, plan.first)), options)
        if kept is not None:
            fit.take(alike, kept, mine & ~plan.early)
        chosen = mine[rows.day_of]
        for name in FITTED:
            self.arrays[name][chosen] = fit.arrays[name][chosen]
        self.arrays["among_days"][chosen] += _HOLIDAY_SD**2
        self.points[chosen], self.kinds[mine] = fit.points[chosen], fit.kinds[mine]
        for day in days:
            rows_of_day = slice(int(rows.day_rows[day]), int(rows.day_rows[day + 1]))
            level = self.arrays["level"][rows_of_day]
            text = "holiday: compared with Sundays, as fewer than two earlier holidays are known"
            if not (level > 0).any():
                level[:] = np.nan
                text = "holiday: nothing to compare with, as fewer than two earlier holidays are known and Sundays are closed"
            self.notes[day] = _join(text, self.notes[day])


def _join(*texts: str) -> str:
    return "; ".join(filter(None, texts))
