"""Expectations as a table: at the grain asked for, with the limits that past errors at that grain give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.schema import FORECAST
from ccstats.workforce.forecast_history import Grid, History
from ccstats.workforce.forecast_spread import COVERAGES, Spread, fit_spread, holiday_cv2, negative_binomial_limits
from ccstats.workforce.forecast_trials import LEARNING, Past, Tell, Trials, origins_of, run_trials
from ccstats.workforce.special_days import Specials

__all__ = ["learn_trials", "tabulate"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def learn_trials(past: Past, chosen: Sequence[str], *, ahead: int, tell: Tell | None = None) -> Trials:
    """Forecasts of the last weeks by the model of each group, in ``expected["chosen"]``."""
    origins = origins_of(len(past.history.grid.date), most=LEARNING)
    made = run_trials(past, origins, ahead=ahead, methods=[[method] for method in chosen], tell=tell, text="learning limits")
    expected = np.zeros(len(made.at))
    for group, method in enumerate(chosen):
        mine = made.group == group
        expected[mine] = made.expected[method][mine]
    return replace(made, expected={"chosen": expected})


def tabulate(
    history: History,
    specials: Specials,
    future: Grid,
    expected: Floats,
    aht: Floats,
    chosen: Sequence[str],
    trials: Trials,
    columns: Sequence[str],
    period: str,
    notes: Sequence[NDArray[np.object_]],
) -> pd.DataFrame:
    """The forecast at the grain asked for."""
    outputs = np.arange(len(history.keys)) if columns else np.zeros(len(history.keys), dtype=np.int64)
    keys = history.keys if columns else pd.DataFrame({"queue": ["all"]})
    unit = np.arange(len(future.start)) if period == "interval" else future.day
    first = np.flatnonzero(np.append(True, np.diff(unit) != 0)) if len(unit) else np.empty(0, dtype=np.int64)
    holidays = specials.holiday_dates()
    holiday = np.isin(future.date, holidays)[future.day[first]]
    seen = int(np.isin(history.grid.date, holidays).sum())
    days = (future.date[future.day[first]] - history.grid.date[-1]).astype("float64")
    parts = []
    for output in range(len(keys)):
        groups = np.flatnonzero(outputs == output).tolist()
        rows = expected[groups]
        mean = np.add.reduceat(rows.sum(axis=0), first) if len(first) else np.empty(0)
        weighted = np.where(np.isnan(aht[groups]), 0.0, aht[groups] * np.maximum(rows, 1e-9))
        weight = np.where(np.isnan(aht[groups]), 0.0, np.maximum(rows, 1e-9))
        top, bottom = (np.add.reduceat(each.sum(axis=0), first) for each in (weighted, weight)) if len(first) else (np.empty(0),) * 2
        seconds = np.divide(top, bottom, out=np.full(len(first), np.nan), where=bottom > 0)
        spread = _spread(trials, groups, period)
        variance = spread.variance(mean, np.maximum(days, 1.0), np.where(holiday, holiday_cv2(seen), 0.0))
        names = sorted({chosen[group] for group in groups})
        texts = ["; ".join(dict.fromkeys(text for group in groups for text in [notes[group][at]] if text)) for at in first]
        parts.append(
            pd.DataFrame(
                {
                    **{str(name): keys[name].iloc[output] for name in keys},
                    "interval_start": future.start[first],
                    "interval_s": np.add.reduceat(future.length_s, first),
                    "expected_offered": mean,
                    "expected_aht_s": seconds,
                    "model_offered": mean,
                    "model_aht_s": seconds,
                    **_limits(mean, variance),
                    "model": "+".join(names),
                    "note": pd.array(texts, dtype="str"),
                }
            )
        )
    made = pd.concat(parts, ignore_index=True)
    for name in keys:
        made[name] = made[name].astype("str").astype("category")
    made["model"] = made["model"].astype("str").astype("category")
    return FORECAST.conform(made)


def _limits(mean: Floats, variance: Floats) -> dict[str, Floats]:
    found = {}
    for coverage in COVERAGES:
        for side, probability in (("low", (1 - coverage) / 2), ("high", (1 + coverage) / 2)):
            found[f"offered_{side}_{coverage * 100:.0f}"] = negative_binomial_limits(mean, variance, probability)
    return found


def _spread(trials: Trials, groups: Sequence[int], period: str) -> Spread:
    """What past forecasts of these groups together were off, by interval or day."""
    use = np.isin(trials.group, groups) & ~trials.holiday & (trials.share > 0)
    unit = trials.at if period == "interval" else trials.day
    key = trials.origin[use] * (int(unit.max(initial=0)) + 1) + unit[use]
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    mean: Any = np.bincount(place, weights=trials.expected["chosen"][use], minlength=len(first))
    actual: Any = np.bincount(place, weights=trials.actual[use], minlength=len(first))
    return fit_spread(mean, actual, trials.ahead[use][first].astype("float64"))
