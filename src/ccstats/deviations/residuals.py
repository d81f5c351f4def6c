"""The residual chart: each value against its calendar baseline, ranked among the residuals of that baseline; single ones and sustained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from ccstats.deviations.sustained import BUDGET, SCALES, fit_thresholds, follow_sums
from ccstats.deviations.tails import empirical_limits, from_scale, lower_chances, normal_scores, to_scale
from ccstats.profile import fit_profile

__all__ = ["WINDOW", "ResidualOptions", "group_bounds", "judge_residuals", "points_needed"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Days that a baseline looks back on, and after which thresholds of sums are made anew. [days]
WINDOW = 28
#: So many days of a sustained deviation are kept from later baselines; what lasts longer is the new normal. [days]
_UNLEARNT = 14
#: A single value as rare as this teaches no later baseline. What is less clear stays: without the extremes that chance makes limits would
#: grow narrower and narrower.
_NO_CHANCE = 1e-4


@dataclass(frozen=True)
class ResidualOptions:
    """What the residual chart may be told.

    Parameters
    ----------
    kind : str
        Of the profile, see `ccstats.fit_profile`.
    alpha : float
        Share of quiet values outside the limits. [0-1]
    baseline : numpy.ndarray of bool or None
        Rows that the baseline is frozen on; by default it moves along.
    holidays : str or dates, optional
        As in `ccstats.fit_profile`.
    budget : float
        Share of quiet rows in sustained deviations, for each scale and side. [0-1]
    normal : bool
        Limits by the normal law from the profile's own standard deviation, in place of ranks; nothing sustained is looked for.
    """

    kind: str
    alpha: float
    baseline: Bools | None
    holidays: Any
    budget: float = BUDGET
    normal: bool = False


def points_needed(alpha: float) -> int:
    """Baseline residuals needed for limits that leave ``alpha`` outside: 200 for 1 %, and never fewer than 200.

    Examples
    --------
    >>> points_needed(0.01), points_needed(0.005)
    (200, 400)
    """
    return max(200, int(np.ceil(2 / alpha - 1e-9)))


def judge_residuals(
    observed: pd.DataFrame, *, by: Sequence[str], family: str, excluded: Bools, timezone: str, options: ResidualOptions
) -> pd.DataFrame:
    """Judge every row of one metric by the residuals of its own group.

    Parameters
    ----------
    observed : pandas.DataFrame
        Of `observe_metrics`: sorted by group and time.
    by : sequence of str
        Group columns.
    family : str
        ``count``, ``share`` or ``mean``.
    excluded : numpy.ndarray of bool
        Rows that are neither judged nor learnt from.
    timezone : str
        Whose days count.
    options : ResidualOptions
        Baseline, alpha and budgets.

    Returns
    -------
    pandas.DataFrame
        A row for each of ``observed``: ``baseline, lower, upper, sigma, score, p_value, single, side, chance, seen_at, began_at, phase,
        remark``. Figures are missing where nothing can be said; ``seen_at`` is a row number of ``observed``.

    Notes
    -----
    Two rounds: what the first finds is kept from the baselines of the second, so that a bad week does not teach that it is normal. In both
    rounds a row is judged by rows of days before its own (in the first window, by the window's other days), so no row's baseline knows
    what came after.
    """
    frame = observed.assign(value=np.where(excluded, np.nan, observed["value"]))
    groups = group_bounds(frame, by)
    day = _day_numbers(frame["period_start"])

    def judge(unlearnt: Bools, phase: Any = None) -> pd.DataFrame:
        fitted = fit_profile(
            frame,
            value="value",
            count=None if family == "count" else "count",
            by=tuple(by),
            timezone=timezone,
            kind=options.kind,
            family=family,
            baseline=options.baseline,
            exclude=unlearnt,
            window=f"{WINDOW}D",
            half_life=None,
            holidays=options.holidays,
        )
        if phase is not None:
            fitted["phase"] = phase  # what is only unlearnt is judged all the same
        return _judge(frame, fitted, family, groups, day, unlearnt, options)

    first = judge(excluded)
    if options.normal:
        return first
    lasting = (first["side"] != 0) & (first["phase"] != "baseline") & (day - day[first["began_at"]] < _UNLEARNT)
    found = (lasting | (first["p_value"] < _NO_CHANCE)).to_numpy()
    return judge(excluded | found, first["phase"]) if found.any() else first


def _judge(
    frame: pd.DataFrame,
    fitted: pd.DataFrame,
    family: str,
    groups: list[tuple[int, int]],
    day: NDArray[np.int64],
    unlearnt: Bools,
    options: ResidualOptions,
) -> pd.DataFrame:
    value = frame["value"].to_numpy(dtype="float64")
    baseline, level, sigma = (fitted[name].to_numpy(dtype="float64") for name in ("baseline", "level", "sigma"))
    with np.errstate(divide="ignore", invalid="ignore"):
        level_sigma = (value - level) / fitted["level_score"].to_numpy(dtype="float64")
    level_sigma = np.where(np.isfinite(level_sigma), level_sigma, sigma)
    closed = (fitted["special"] == "closed").to_numpy()
    ordinary = (fitted["special"] != "holiday").to_numpy()
    early = (fitted["phase"] == "baseline").to_numpy()
    score, whole = to_scale(family, value, baseline, sigma), to_scale(family, value, level, level_sigma)
    score[closed & (value == 0)] = np.nan
    whole[closed] = np.nan
    whole[~ordinary] = np.nan

    size = len(frame)
    p_value, low, high, normal = (np.full(size, np.nan) for _ in range(4))
    side, chance = np.zeros(size, dtype=np.int8), np.full(size, np.nan)
    seen_at, began_at = (np.full(size, -1, dtype=np.int64) for _ in range(2))
    few, tied = np.zeros(size, dtype=bool), np.abs(value - baseline) <= 1e-6 * np.abs(baseline)
    needed = points_needed(options.alpha)
    frozen = options.baseline is not None
    if options.normal:
        reach = float(special.ndtri(1 - options.alpha / 2))
        low, high, p_value = np.full(size, -reach), np.full(size, reach), 2 * special.ndtr(-np.abs(score))
    for begin, end in groups if not options.normal else ():
        here = slice(begin, end)
        pools = _Pools(score[here], whole[here], day[here], early[here], ~(unlearnt[here] | closed[here]), frozen, needed)
        which = np.full(end - begin, -1, dtype=np.int64)
        thresholds: list[Any] = []
        for first, stop in pools.days():
            rows = slice(begin + first, begin + stop)
            chosen = pools.chosen(first)
            if chosen is None:
                few[rows] = True
                continue
            if pools.fresh:
                singles = np.sort(score[here][chosen])
                wholes = np.sort(whole[here][chosen][~np.isnan(whole[here][chosen])])
                bounds = empirical_limits(singles, options.alpha)
                ceiling = float(np.mean(value[here][chosen] >= 1.0)) if family == "share" else 0.0
            low[rows], high[rows] = bounds
            lower = lower_chances(singles, score[rows])
            p_value[rows] = 2 * np.minimum(lower, 1 - lower)
            if 2 * ceiling > options.alpha:  # all met is what often happens, however little of it was to be expected
                full = np.flatnonzero(value[rows] >= 1.0) + begin + first
                p_value[full], high[full], tied[full] = np.fmax(p_value[full], min(1.0, 2 * ceiling)), np.inf, True
            if len(wholes) >= needed:
                normal[rows] = normal_scores(lower_chances(wholes, whole[rows]))
                if options.budget > 0 and pools.due(first):
                    at = np.flatnonzero(chosen)[~np.isnan(whole[here][chosen])]
                    known = normal_scores(lower_chances(wholes, whole[here][at]))
                    thresholds.append(fit_thresholds(known, day[here][at], options.budget))
                which[first:stop] = len(thresholds) - 1
        if thresholds:
            height, decay = (np.stack([getattr(each, name) for each in thresholds]) for name in ("height", "decay"))
            found = follow_sums(normal[here], np.array(SCALES), height, decay, which, options.budget)
            side[here], chance[here] = found[0], found[3]
            for into, rows_found in ((seen_at, found[1]), (began_at, found[2])):
                into[here] = np.where(rows_found < 0, -1, rows_found + begin)
    single = ((score < low) | (score > high)) & ~tied
    lower = from_scale(family, low, baseline, sigma)
    upper = from_scale(family, np.where(np.isinf(high), 0.0, high), baseline, sigma)
    upper = np.where(np.isinf(high) & np.isfinite(baseline), 1.0, upper)
    # the day's factor has followed what lasts: there the calendar alone says what was to be expected
    lasting = side != 0
    baseline, sigma, score = (np.where(lasting, *each) for each in ((level, baseline), (level_sigma, sigma), (whole, score)))
    remark = np.where(few, f"fewer than {needed} baseline residuals", np.where(closed, "closed at this time so far", ""))
    remark = np.where(~ordinary, "holiday", remark)
    return pd.DataFrame(
        {
            "baseline": baseline,
            "lower": lower,
            "upper": upper,
            "sigma": sigma,
            "score": score,
            "p_value": p_value,
            "single": single,
            "side": side,
            "chance": chance,
            "seen_at": seen_at,
            "began_at": began_at,
            "phase": fitted["phase"],
            "remark": remark,
        }
    )


class _Pools:
    """For each day of one series, the rows whose residuals it is ranked among."""

    def __init__(
        self, score: Floats, whole: Floats, day: NDArray[np.int64], early: Bools, teaching: Bools, frozen: bool, needed: int
    ) -> None:
        self.day, self.early, self.frozen, self.needed = day, early, frozen, needed
        known = ~np.isnan(score)
        self.teaching, self.known = known & teaching, known
        self.fresh = False
        self._last: Any = None
        self._made: int | None = None

    def days(self) -> list[tuple[int, int]]:
        """Bounds of the rows of each day."""
        turns = np.flatnonzero(np.append(True, np.diff(self.day) != 0))
        return list(zip(turns.tolist(), [*turns[1:].tolist(), len(self.day)], strict=True))

    def chosen(self, row: int) -> Bools | None:
        """Rows to rank a day's rows among; None where there are too few. ``fresh`` says whether they are others than the last day's."""
        today = self.day[row]
        alike = self.frozen or self.early[row]
        key = None if alike else today
        if self._last is not None and self._last[0] == key:
            self.fresh = False
            same: Bools | None = self._last[1]
            return same
        span = self.early if alike else (self.day >= today - WINDOW) & (self.day < today)
        found = self.teaching & span
        if found.sum() < self.needed:  # what deviates for so long is all there is to compare with
            found = self.known & span
        self._last = (key, found if found.sum() >= self.needed else None)
        self.fresh = True
        chosen: Bools | None = self._last[1]
        return chosen

    def due(self, row: int) -> bool:
        """Whether thresholds are to be made anew: they are once the window has been renewed, or the baseline is another."""
        key = -1 if self.frozen or self.early[row] else int(self.day[row] - self.day[0]) // WINDOW
        if key == self._made:
            return False
        self._made = key
        return True


def group_bounds(frame: pd.DataFrame, by: Sequence[str]) -> list[tuple[int, int]]:
    """First row and end of each group of a sorted table.

    Examples
    --------
    >>> group_bounds(pd.DataFrame({"queue": ["a", "a", "b"]}), ["queue"])
    [(0, 2), (2, 3)]
    """
    if not by:
        return [(0, len(frame))]
    number = frame.groupby(list(by), observed=True, sort=True, dropna=False).ngroup().to_numpy()
    turns = np.flatnonzero(np.append(True, np.diff(number) != 0))
    return list(zip(turns.tolist(), [*turns[1:].tolist(), len(frame)], strict=True))


def _day_numbers(starts: pd.Series[Any]) -> NDArray[np.int64]:
    """Local date of each instant, as days since 1970."""
    local = starts.dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    return local.astype(np.int64)
