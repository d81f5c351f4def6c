"""How good forecasts of a history would have been: made again and again with what was known then, and held against what came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import OptionError, TableError, did_you_mean
from ccstats.profile.rows import days_of
from ccstats.workforce.forecast_history import MINIMUM_DAYS
from ccstats.workforce.forecast_models import METHODS
from ccstats.workforce.forecast_spread import COVERAGES
from ccstats.workforce.forecast_table import learn_trials, tabulate
from ccstats.workforce.forecast_trials import LONGEST, Past, Tell, choose_methods, days_after, part_of
from ccstats.workforce.forecasting import check_options, prepare

__all__ = ["backtest_forecast"]

Floats = NDArray[np.float64]
_WEEK = 7


def backtest_forecast(
    intervals: Any,
    *,
    horizon: str = "28D",
    origins: int = 6,
    step: str = "7D",
    methods: Sequence[str] = ("auto", *METHODS),
    by: str | Sequence[str] = "queue",
    timezone: str | None = None,
    holidays: Any = None,
    events: Any = None,
    exclude: Any = None,
    progress: Tell | None = None,
) -> pd.DataFrame:
    """How far forecasts made in the past would have been off, and how often the limits would have held: by model and days ahead.

    Parameters
    ----------
    intervals : table
        `intervals`, the first of ``origins`` after two weeks of history at least.
    horizon : str
        How far each forecast looks. [days]
    origins : int
        How many forecasts; the last one ends with the history.
    step : str
        From one origin to the next. [days]
    methods : sequence of str
        Models to compare; ``auto`` chooses anew at every origin, by what was known then.
    by, timezone, holidays, events, exclude
        As in `forecast_contacts`.
    progress : callable, optional
        Called with what is being done and the share of the whole that is done. [0-1]

    Returns
    -------
    pandas.DataFrame
        One row per queue, model, ``period`` (``interval``, ``day``) and ``horizon`` (weeks ahead: ``1``, ``2``, …, and ``all``):
        ``origins``; ``rows``, intervals or days compared; ``offered``, what came in them; ``wape``, the errors without their sign as a
        share of it; ``bias``, what was forecast too much as a share of it; ``coverage_80, coverage_95``, shares of the rows within the
        limits; ``pinball``, the mean loss of the four limits as a share of what came (smaller is better).

        Intervals with neither forecast nor contacts count nowhere, and no more does what is not known (gaps, outages, exclusions).

    Raises
    ------
    TableError
        If there is too little history for one origin, or the table is unsound, as in `forecast_contacts`.
    OptionError
        If an option has no such value.

    Notes
    -----
    The pinball loss of a limit q for the share p is (p - [y < q]) (y - q): it rewards limits that are both narrow and kept. Rolling-origin
    evaluation: Tashman (2000), "Out-of-sample tests of forecasting accuracy", International Journal of Forecasting 16.

    Examples
    --------
    >>> import ccstats as cc
    >>> made = cc.synthesize_contacts(seed=1, days=42)
    >>> half_hours = cc.to_intervals(made.contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> found = cc.backtest_forecast(half_hours, horizon="7D", origins=2, methods=["profile", "naive"], holidays="TR", by=())
    >>> wape = found[(found["period"] == "day") & (found["horizon"] == "all")].set_index("model")["wape"]
    >>> bool(wape["profile"] < 0.15)
    True
    """
    ahead, gap = days_of(horizon, "horizon"), days_of(step, "step")
    if not isinstance(origins, int | np.integer) or origins < 1:
        raise OptionError(f"origins={origins!r} must be a whole number of at least 1")
    asked = [methods] if isinstance(methods, str) else list(methods)
    unknown = [each for each in asked if each not in ("auto", *METHODS)]
    if unknown or not asked:
        raise OptionError(f"methods={methods!r}: choose of auto, {', '.join(METHODS)}.{did_you_mean(str(unknown[:1]), METHODS)}")
    columns = check_options(by, "day", "auto")
    history, specials = prepare(intervals, columns, timezone, holidays, events, exclude, ahead=0)
    days = len(history.grid.date)
    starts = [origin for origin in (days - ahead - gap * turn for turn in range(origins)) if origin >= MINIMUM_DAYS]
    if not starts:
        raise TableError(
            f"the history has {days} local days; a forecast of {ahead} after the {MINIMUM_DAYS} that it learns from takes "
            f"{ahead + MINIMUM_DAYS}: give more history or a shorter horizon"
        )
    past, parts = Past(history, specials), []
    for place, origin in enumerate(starts):
        tell = part_of(progress, place / len(starts), (place + 1) / len(starts))
        parts.append(_one(past, origin, ahead, asked, columns, tell))
    return _scores(pd.concat(parts, ignore_index=True), list(columns))


def _one(looked: Past, origin: int, ahead: int, methods: Sequence[str], columns: Sequence[str], tell: Tell) -> pd.DataFrame:
    """Forecasts from one origin beside what came, by interval and by day."""
    history, specials, past = looked.history, looked.specials, looked.until(origin)
    known = past.history
    future, at = days_after(history.grid, origin, origin + ahead)
    cell = (history.grid.day[at], history.grid.slot[at])
    whole = history.grid.exposure[cell]
    part = np.divide(future.length_s / future.step_s, whole, out=np.zeros(len(at)), where=whole > 0)
    share = np.array([np.divide(seen[cell], whole, out=np.zeros(len(at)), where=whole > 0) for seen in history.known])
    came = np.array([count[cell] * part for count in history.count]) * (share > 0)
    groups = range(len(history.keys))
    fits = past.fits(origin)
    blank = [np.full(len(at), "", dtype=object) for _ in groups]
    nothing = np.full((len(fits), len(at)), np.nan)
    parts = []
    for place, method in enumerate(methods):
        first, second = (part_of(tell, (place + low) / len(methods), (place + low + 0.5) / len(methods)) for low in (0.0, 0.5))
        chosen = choose_methods(past, ahead=min(ahead, LONGEST), tell=first) if method == "auto" else [method] * len(fits)
        trials = learn_trials(past, chosen, ahead=min(ahead, LONGEST), tell=second)
        expected = np.array([fit.expect(future, each) for fit, each in zip(fits, chosen, strict=True)]) * share
        for period in ("interval", "day"):
            made = tabulate(known, specials, future, expected, nothing, chosen, trials, columns, period, blank)
            truth = tabulate(known, specials, future, came, nothing, chosen, trials, columns, period, blank)
            made["offered"] = truth["expected_offered"]
            weeks = (made["interval_start"] - future.start[0]).dt.total_seconds() // 86_400 // _WEEK + 1
            parts.append(made.assign(model=method, period=period, horizon=weeks.astype(int).astype(str), origin=origin))
    tell("looked back", 1.0)
    return pd.concat(parts, ignore_index=True)


def _scores(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    rows = rows[(rows["expected_offered"] > 1e-9) | (rows["offered"] > 0)]
    for name in columns:
        rows[name] = rows[name].astype("str")
    rows = pd.concat([rows, rows.assign(horizon="all")], ignore_index=True)
    came, expected = rows["offered"], rows["expected_offered"]
    error = expected - came
    measures: dict[str, Any] = {"offered": came, "absolute": error.abs(), "error": error}
    loss: Any = 0.0
    for coverage in COVERAGES:
        low, high = rows[f"offered_low_{coverage * 100:.0f}"], rows[f"offered_high_{coverage * 100:.0f}"]
        measures[f"coverage_{coverage * 100:.0f}"] = ((came >= low) & (came <= high)).astype("float64")
        for limit, share in ((low, (1 - coverage) / 2), (high, (1 + coverage) / 2)):
            loss = loss + (share - (came < limit)) * (came - limit) / (2 * len(COVERAGES))
    measures["pinball"] = loss
    keys = [*columns, "model", "period", "horizon"]
    grouped = rows[[*keys, "origin"]].assign(**measures, rows=1).groupby(keys, sort=False)
    sums = grouped.agg({**dict.fromkeys(measures, "sum"), "rows": "sum", "origin": "nunique"}).reset_index()
    for name in measures:
        if name.startswith("coverage"):
            sums[name] /= sums["rows"]
    below = sums["offered"].where(sums["offered"] > 0)
    sums["wape"], sums["bias"], sums["pinball"] = sums["absolute"] / below, sums["error"] / below, sums["pinball"] / below
    return sums.rename(columns={"origin": "origins"})[
        [*keys, "origins", "rows", "offered", "wape", "bias", *(f"coverage_{each * 100:.0f}" for each in COVERAGES), "pinball"]
    ]
