"""What each value could be expected to be, and how far it lies from that: the two public functions and the table they make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.profile import loops
from ccstats.profile.frozen import FITTED, Profile
from ccstats.profile.judging import Fit, Options, Plan, freeze, plan_days
from ccstats.profile.rows import Rows, days_of, prepare_rows, row_mask

__all__ = ["fit_profile", "freeze_profile"]

_KINDS = ("auto", *loops.KINDS, "stl", "mstl")
_PHASES = ("baseline", "judged", "excluded")


def fit_profile(
    table: Any,
    *,
    value: str,
    count: str | None = None,
    by: str | Sequence[str] = ("queue",),
    start: str = "period_start",
    timezone: str | None = None,
    kind: str = "auto",
    family: str = "auto",
    baseline: Any = None,
    exclude: Any = None,
    window: str = "28D",
    half_life: str | None = "14D",
    weeks: int = 6,
    holidays: Any = None,
    day_factor: bool = True,
    level_shifts: bool = True,
    minimum: int = 7,
) -> pd.DataFrame:
    """What each value could be expected to be, from the calendar and the days before it, and how far it lies from that.

    Parameters
    ----------
    table : pandas.DataFrame or Arrow table
        One row per group and period: half-hours or days, as `measure_service` gives them.
    value : str
        Column of what was observed.
    count : str, optional
        Column of what ``value`` was divided by (contacts of a service level, answered of a handle time); none for counts.
    by : str or sequence of str
        Group columns; each group is fitted on its own.
    start : str
        Column of the periods' starts, with a time zone.
    timezone : str, optional
        Whose weekdays and times of day; by default the zone of ``start``, or that the intervals were cut in.
    kind : str
        ``weekday_slot``, ``slot``, ``weekday``, ``overall``; ``same_weekday``, the mean of the last ``weeks`` same weekdays at the same
        time; ``stl`` or ``mstl``, decomposition by statsmodels (slow: one for each day judged); ``auto``, the richest of the first four
        that the days seen allow: weekdays from 20 days on, slots where a day has several.
    family : str
        How values vary: ``count``, ``share``, ``mean``, or ``number`` (any sign). ``auto``: a number where some are negative; without
        ``count`` a count; with it a share where all lie in 0-1, else a mean.
    baseline : tuple, boolean array or Profile, optional
        Freeze the baseline: a span ``(start, end)``, a mask of rows, or a profile kept from before. By default it moves along.
    exclude : tuple or boolean array, optional
        A span or a mask of rows that no baseline may use, such as a known incident. They are judged all the same.
    window : str
        How many days before a day its baseline looks back on. [days]
    half_life : str, optional
        After this a day counts half; None counts all alike. [days]
    weeks : int
        Same weekdays that ``same_weekday`` takes.
    holidays : str or iterable of dates, optional
        A country (``"TR"``, ``"DE-BE"``) or dates. Holidays are in no baseline of ordinary days.
    day_factor : bool
        Whether the day so far tells of the rest of the day.
    level_shifts : bool
        Whether a clear change of level that has lasted ten days re-bases the window.
    minimum : int
        Fewest days with values behind a baseline. [days]

    Returns
    -------
    pandas.DataFrame
        One row per row of ``table``, in its order:

        ``baseline``: what was to be expected, ``level`` × ``day_factor``. ``level``: from the days before alone. ``day_factor``: the day's
        factor as known before the row, from its earlier rows, shrunk towards 1; 1 as the day begins. ``sigma``: standard deviation of the
        value about ``baseline``, what is not known of the baseline included. ``score``: (value - baseline) / sigma, "this half-hour is
        odd". ``level_score``: likewise about ``level``, the variation of whole days included. ``day_score``: the day so far, this row
        included, about its level, standardised: "the day is high"; a single odd row moves it little. ``residual``: value - baseline.
        ``points``: observations behind the baseline. ``dispersion``, ``between``, ``day_sd``: see Notes. ``phase``: ``baseline``,
        ``judged``, or ``excluded`` (asked for, or a holiday where the baseline comes from). ``kind``: what was fitted. ``special``:
        ``holiday``, ``level_shift``, ``closed`` or empty. ``note``: why this kind, and what else there is to know.

        Where nothing is known (fewer than ``minimum`` days, a time at which a ratio never had contacts, no variation at all) the figures
        are missing. A count that is always 0 at a time at which contacts were due by weekday and slot has level 0, special ``closed``.

    Raises
    ------
    ColumnError, TableError, ZoneError
        If a column is missing or of the wrong kind, or two rows have the same keys.
    OptionError
        If an option has no such value, or no group has enough days; the text says how many there are.

    Notes
    -----
    A row is judged by earlier days only: those of ``window`` before its local day. Days of the first window have none before them; they
    are ``baseline`` and judged by the other days of that window. Within a frozen baseline a day is likewise judged without itself.

    A level is overall × slot × weekday × cell (sums for shares and numbers), fitted by weighted means whose outlying rows are drawn in
    beyond 2.5 and ignored beyond 6 standard deviations. Each step is drawn towards the one before as far as chance could explain its
    differences (empirical Bayes), so that a queue without a pattern does not pay for 336 cells.

    The variance about a level mu is mu² (dispersion / mu + between) for counts, mu (1 - mu) (dispersion / count + between) for shares,
    mu² (dispersion / count + between) for means, and ``between`` for numbers; both are estimated from residuals, never assumed: Poisson or
    binomial values have dispersion 1 and between 0 (a share is not taken to vary less than that). ``day_sd`` is the standard deviation of
    the factors of whole days.

    A holiday is compared with earlier holidays, as a share of what their weekdays usually have, once two are known; before that with
    Sundays, and a standard deviation of 30 % is assumed for it. A level that has changed for less than ten days is left out of the level
    instead of followed, so that a bad week does not become its own baseline.

    References
    ----------
    Efron & Morris (1973) and DerSimonian & Laird (1986) for the shrinkage; Laney (2002) for variation between subgroups.

    Examples
    --------
    >>> import ccstats as cc
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1, days=35).contacts, timezone="Europe/Istanbul")
    >>> found = cc.fit_profile(half_hours, value="offered", start="interval_start", holidays="TR")
    >>> found["phase"].unique().tolist(), found["kind"].unique().tolist()
    (['baseline', 'judged'], ['weekday_slot'])
    >>> bool(found["score"].std() < 1.1)
    True
    """
    _check_options(kind, weeks, minimum)
    rows = prepare_rows(
        table, value=value, count=count, by=by, start=start, timezone=timezone, family=family, holidays=holidays, exclude=exclude
    )
    frozen = baseline is not None
    mask = None if not frozen or isinstance(baseline, Profile) else row_mask(baseline, rows.instants, rows.order, rows.timezone, "baseline")
    options = Options(kind, half_life, weeks, day_factor, level_shifts and not frozen, minimum)
    plan = plan_days(rows, days_of(window, "window") if kind != "same_weekday" else 7 * weeks, mask, frozen)
    fit = Fit(rows)
    watched = rows.watched if mask is None else rows.watched & mask
    kept = baseline if isinstance(baseline, Profile) else None if mask is None else freeze(rows, watched, options)
    fit.run(rows, watched, plan, options)
    if kept is not None:
        fit.take(rows, kept, ~plan.early)
    fit.describe(rows, options)
    if rows.day_holiday.any():
        fit.judge_holidays(rows, watched, kept, plan, options)
    if len(rows.value) and not np.isfinite(fit.arrays["level"]).any():
        _explain_too_few(rows, mask, minimum)
    return _finish(rows, fit, plan, mask, day_factor)


def freeze_profile(
    table: Any,
    *,
    value: str,
    count: str | None = None,
    by: str | Sequence[str] = ("queue",),
    start: str = "period_start",
    timezone: str | None = None,
    kind: str = "auto",
    family: str = "auto",
    baseline: Any = None,
    exclude: Any = None,
    half_life: str | None = None,
    weeks: int = 6,
    holidays: Any = None,
    day_factor: bool = True,
    minimum: int = 7,
) -> Profile:
    """Levels and spread by weekday and time of day, to be kept: a baseline for `fit_profile` that no longer moves.

    Parameters
    ----------
    table, value, count, by, start, timezone, kind, family, exclude, weeks, holidays, day_factor, minimum
        As in `fit_profile`; ``stl`` and ``mstl`` follow their series and cannot be kept.
    baseline : tuple or boolean array, optional
        The span or rows to fit; by default all.
    half_life : str, optional
        Before the last day used; by default all days count alike. [days]

    Returns
    -------
    Profile

    Raises
    ------
    ColumnError, TableError, ZoneError, OptionError
        As `fit_profile`.

    Examples
    --------
    >>> import ccstats as cc
    >>> from ccstats.profile import freeze_profile
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1, days=35).contacts, timezone="Europe/Istanbul")
    >>> kept = freeze_profile(half_hours, value="offered", start="interval_start", baseline=("2025-01-06", "2025-02-03"))
    >>> judged = cc.fit_profile(half_hours, value="offered", start="interval_start", baseline=kept)
    >>> judged["phase"].unique().tolist()
    ['judged']
    """
    _check_options(kind, weeks, minimum)
    rows = prepare_rows(
        table, value=value, count=count, by=by, start=start, timezone=timezone, family=family, holidays=holidays, exclude=exclude
    )
    mask = None if baseline is None else row_mask(baseline, rows.instants, rows.order, rows.timezone, "baseline")
    kept = freeze(rows, rows.watched if mask is None else rows.watched & mask, Options(kind, half_life, weeks, day_factor, False, minimum))
    if not np.isfinite(kept.cells["level"]).any():
        _explain_too_few(rows, mask, minimum)
    return kept


def _check_options(kind: str, weeks: int, minimum: int) -> None:
    if kind not in _KINDS:
        raise OptionError(f"kind={kind!r} is not known; choose one of: {', '.join(_KINDS)}")
    for name, each, least in (("weeks", weeks, 1), ("minimum", minimum, 2)):
        if not isinstance(each, int | np.integer) or each < least:
            raise OptionError(f"{name}={each!r} must be a whole number of at least {least}")


def _explain_too_few(rows: Rows, mask: np.ndarray | None, minimum: int) -> None:
    usable = rows.usable if mask is None else rows.usable & mask
    seen = np.bincount(rows.day_group[np.unique(rows.day_of[usable])], minlength=len(rows.keys))
    most = int(seen.argmax())
    raise OptionError(
        f"a baseline needs at least minimum={minimum} days with values besides the day judged; the most that any group has is "
        f"{int(seen[most])} ({rows.name_of(most)}). Give more days, longer periods of the past, or a smaller minimum="
    )


def _finish(rows: Rows, fit: Fit, plan: Plan, mask: np.ndarray | None, day_factor: bool) -> pd.DataFrame:
    """Follow the days and put everything into the order of the table."""
    size = len(rows.value)
    baseline, sigma, level_sigma, day_score = (np.full(size, np.nan) for _ in range(4))
    factor = np.ones(size)
    arrays = fit.arrays
    loops.follow_days(
        rows.day_rows, rows.value, rows.count, *(arrays[name] for name in FITTED), rows.family, day_factor,
        baseline, factor, sigma, level_sigma, day_score,
    )  # fmt: skip
    residual = rows.value - baseline
    early, holiday = plan.early[rows.day_of], rows.day_holiday[rows.day_of]
    learned = early if mask is None else mask
    phase = np.where(rows.excluded | (learned & holiday), 2, np.where(learned, 0, 1))
    closed = np.zeros(size, dtype=bool) if rows.family != loops.COUNT else arrays["level"] == 0
    special = np.where(holiday, 3, np.where(fit.shifted[rows.day_of], 2, np.where(closed, 1, 0)))
    columns = {
        "baseline": baseline,
        "level": arrays["level"],
        "day_factor": factor,
        "sigma": sigma,
        "score": residual / sigma,
        "level_score": (rows.value - arrays["level"]) / level_sigma,
        "day_score": day_score,
        "residual": residual,
        "points": fit.points,
        "dispersion": arrays["dispersion"],
        "between": arrays["between"],
        "day_sd": np.sqrt(arrays["among_days"]),
    }
    back = np.empty(size, dtype=np.int64)
    back[rows.order] = np.arange(size)
    out = pd.DataFrame({name: each[back] for name, each in columns.items()})
    out["phase"] = pd.Categorical.from_codes(phase[back], dtype=pd.CategoricalDtype(list(_PHASES)))
    words = (fit.kinds[rows.day_of], pd.array(["", "closed", "level_shift", "holiday"], dtype="str").take(special), fit.notes[rows.day_of])
    for name, each in zip(("kind", "special", "note"), words, strict=True):
        out[name] = pd.array(each, dtype="str").take(back)
    return out
