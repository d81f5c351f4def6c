"""The weighted index: one number for a period, how much of it is covered, and how far it hangs on the weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import OptionError
from ccstats.schema import KPIS, as_frame

__all__ = ["fulfilment", "measure_index"]

Floats = NDArray[np.float64]

#: Fewer than this many answers, evaluations or contacts make a figure that the next period may well turn around.
SMALL = 30


def fulfilment(value: Any, target_low: Any, target_high: Any, *, worst: Any = 0.0) -> Floats:
    """How far a target is fulfilled, from 0 to 100.

    Parameters
    ----------
    value : float or array of float
        What was measured. Missing gives missing.
    target_low, target_high : float or array of float
        The values that meet the target lie between them; missing or infinite: open on that side.
    worst : float or array of float
        The value at which a target that is to be reached from below is not fulfilled at all: 0, or -100 for a net score.

    Returns
    -------
    numpy.ndarray
        100 where the target is met. Below it falls in proportion: the distance of the value from ``worst``, relative to that of the target.
        Above a highest value it is the target relative to the value (a wait of 40 s against 20 s is 50), and so below a lowest value that
        is negative. Never below 0; missing without a target.

    Examples
    --------
    >>> fulfilment([0.80, 0.60, 0.90], 0.80, None).round(9).tolist(), fulfilment(40.0, None, 20.0).tolist()
    ([100.0, 75.0, 100.0], 50.0)
    """
    given = [np.asarray(np.nan if each is None else each, dtype="float64") for each in (value, target_low, target_high, worst)]
    at, low, high, floor = np.broadcast_arrays(*given)
    low, high = np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # A lowest value below zero, such as that of a bias: it relative to the value, as above a highest one.
        negative = np.where((low < 0) & (at < 0) & (floor >= low), low / at, 0.0)
        below = np.where(low > floor, (at - floor) / (low - floor), negative)
        above = np.where(at > 0, np.maximum(high, 0) / at, 0.0)
    share = np.where(at < low, below, np.where(at > high, above, 1.0))
    return np.where(np.isnan(at) | (np.isinf(low) & np.isinf(high)), np.nan, 100 * np.clip(share, 0.0, 1.0))


def measure_index(kpis: Any, *, factor: float = 2.0) -> pd.DataFrame:
    """The weighted index of each period, with its coverage and its sensitivity to the weights.

    Parameters
    ----------
    kpis : pandas.DataFrame or Arrow table
        As `build_scorecard` makes it.
    factor : float
        Every weight may be this many times larger or smaller; at least 1.

    Returns
    -------
    pandas.DataFrame
        One row a period, in time (a month and the quarter that begins with it are two): ``period_start, period``, where told,
        ``kpi_index`` (the mean of ``indicator`` over the targets that have one, by ``weight``;
        0-100), ``indicators`` (how many), ``coverage`` (their share of the weights of all targets of the period), ``index_low`` and
        ``index_high`` (over every change of the weights within the factor), ``index_equal`` (all weights alike), ``small_samples``
        (indicators that rest on fewer than 30 cases, with the queue and the metric), ``met``, ``not_met`` and ``not_decidable``. Without
        an indicator the index is missing. Each period stands for itself: nothing is carried over.

    Raises
    ------
    OptionError
        If the factor is below 1.

    Notes
    -----
    The chain is that of EN 17371-3 [1]_: a metric is measured, set against its target it is an indicator, weighted indicators make one
    figure. The bounds are exact: among weights within ``[w/factor, w*factor]`` a weighted mean is largest where the weights of all
    indicators above some value are raised and those of the others lowered; every such value is tried.

    References
    ----------
    .. [1] EN 17371-3:2020, see source S22.

    Examples
    --------
    >>> import pandas as pd
    >>> month = pd.Timestamp("2025-03-01", tz="Europe/Berlin")
    >>> rows = pd.DataFrame({"period_start": [month] * 3, "indicator": [100.0, 50.0, None], "weight": [3.0, 1.0, 1.0],
    ...                      "count": [900.0, 12.0, 0.0], "queue": "all", "metric": ["asa_s", "csat_top2", "nps"],
    ...                      "verdict": ["met", "not_met", "not_decidable"]})
    >>> measure_index(rows)[["kpi_index", "coverage", "index_low", "index_high"]].iloc[0].round(4).tolist()
    [87.5, 0.8, 71.4286, 96.1538]
    """
    if not factor >= 1:
        raise OptionError(f"factor={factor!r} is out of range; give a number from 1, such as 2 for weights half or twice as large")
    frame = as_frame(kpis, what="kpis")
    KPIS.check(frame, columns=["period_start", "indicator", "weight", "count"], keys=False)
    keys = [name for name in ("period_start", "period") if name in frame]
    groups = frame.groupby(keys, sort=True, observed=True)
    rows = [{**dict(zip(keys, key, strict=True)), **_of_period(part, factor)} for key, part in groups]
    names = [*keys, "kpi_index", "indicators", "coverage", "index_low", "index_high", "index_equal", "small_samples"]
    return pd.DataFrame(rows, columns=[*names, "met", "not_met", "not_decidable"])


def _of_period(part: pd.DataFrame, factor: float) -> dict[str, Any]:
    weighed = part[part["weight"].fillna(0) > 0]
    told = weighed[weighed["indicator"].notna()]
    weights, values = told["weight"].to_numpy("float64"), told["indicator"].to_numpy("float64")
    low, high = _bounds(weights, values, factor)
    few = told[told["count"].fillna(0) < SMALL]
    verdicts = part["verdict"].astype("str").value_counts()
    return {
        "kpi_index": _mean(weights, values),
        "indicators": len(told),
        "coverage": weights.sum() / weighed["weight"].sum() if len(weighed) else np.nan,
        "index_low": low,
        "index_high": high,
        "index_equal": _mean(np.ones(len(values)), values),
        "small_samples": ", ".join(f"{row.metric} of {row.queue}" for row in few.itertuples()),
        **{name: int(verdicts.get(name, 0)) for name in ("met", "not_met", "not_decidable")},
    }


def _mean(weights: Floats, values: Floats) -> float:
    return float((weights * values).sum() / weights.sum()) if len(values) else np.nan


def _bounds(weights: Floats, values: Floats, factor: float) -> tuple[float, float]:
    """Least and largest weighted mean with every weight between w / factor and w * factor."""
    if not len(values):
        return np.nan, np.nan
    order = np.argsort(values, kind="stable")
    weights, values = weights[order], values[order]
    # With k raised at the upper (lower) end: sums of both sorts of weights, from running totals.
    sums = [np.append(0.0, np.cumsum(each)) for each in (weights, weights * values)]
    first, rest = sums[0], sums[0][-1] - sums[0]
    first_value, rest_value = sums[1], sums[1][-1] - sums[1]
    high = (first_value / factor + rest_value * factor) / (first / factor + rest * factor)
    low = (first_value * factor + rest_value / factor) / (first * factor + rest / factor)
    return float(low.min()), float(high.max())
