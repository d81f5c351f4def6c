"""Control charts for series that are too short, or of periods too long, for residuals to be ranked: p', u', I', XmR and their like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from ccstats import spc
from ccstats.deviations.residuals import WINDOW, group_bounds
from ccstats.errors import OptionError
from ccstats.profile import fit_profile

__all__ = ["CHARTS", "FEWEST", "SHORT", "chart_for", "judge_by_chart"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Charts of `ccstats.spc.limits` that have one figure a period, on the scale of the metric.
CHARTS = ("xmr", "i_prime", "p", "p_prime", "u", "u_prime", "c")
#: Fewer points make no limits; limits of fewer than `SHORT` are shown with a warning.
FEWEST, SHORT = 8, 20
#: The chart for each family, where none is asked for.
_BY_FAMILY = {"share": "p_prime", "mean": "i_prime", "count": "xmr"}


def chart_for(family: str, period: str) -> str:
    """The chart of a family of metrics: p' for shares, I' for means, XmR for counts, u' where their periods differ in length.

    Examples
    --------
    >>> chart_for("share", "day"), chart_for("count", "month")
    ('p_prime', 'u_prime')
    """
    return "u_prime" if family == "count" and period in ("month", "quarter", "year") else _BY_FAMILY[family]


def judge_by_chart(
    observed: pd.DataFrame,
    *,
    chart: str,
    by: Sequence[str],
    family: str,
    baseline_rows: Bools,
    baseline: spc.Baseline | None,
    excluded: Bools,
    seasonal: bool,
    timezone: str,
    holidays: Any,
    alpha: float,
) -> tuple[pd.DataFrame, dict[int, str]]:
    """Judge every row of one metric by the control chart of its group.

    Parameters
    ----------
    observed : pandas.DataFrame
        Of `observe_metrics`: sorted by group and time.
    chart : str
        One of `CHARTS`.
    by : sequence of str
        Group columns.
    family : str
        ``count``, ``share`` or ``mean``.
    baseline_rows, excluded : numpy.ndarray of bool
        Rows that make the limits, and rows that are neither judged nor learnt from.
    baseline : ccstats.spc.Baseline, optional
        Frozen limits.
    seasonal : bool
        Whether counts are charted as residuals of a weekday baseline where there are days enough.
    timezone : str
        Whose days count.
    holidays : str or dates, optional
        As in `fit_profile`.
    alpha : float
        Chance of a false alarm that the limits are set to; 3 sigma is 0.0027. [0-1]

    Returns
    -------
    tuple of pandas.DataFrame and dict
        A row for each of ``observed``, as `judge_residuals` returns them, and ``deviation``, the standardised figure that run rules look
        at; and for each group, by the number of its first row, why nothing could be said of it.
    """
    value = np.where(excluded, np.nan, observed["value"].to_numpy(dtype="float64"))
    count = observed["count"].to_numpy(dtype="float64")
    width = float(special.ndtri(1 - alpha / 2))
    names = ("baseline", "lower", "upper", "sigma", "score", "p_value")
    out: dict[str, Any] = {name: np.full(len(observed), np.nan) for name in names}
    remark = np.full(len(observed), "", dtype=object)
    failed: dict[int, str] = {}
    for begin, end in group_bounds(observed, by):
        rows = slice(begin, end)
        days = observed.iloc[rows]
        learn = baseline_rows[rows] & ~np.isnan(value[rows])
        try:
            if baseline is None and learn.sum() < FEWEST:
                are = "are whole and have" if excluded[rows].any() else "have"
                raise OptionError(f"{int(learn.sum())} of its {end - begin} periods {are} a value; a chart needs at least {FEWEST}")
            usual = _seasonal(days, value[rows], learn, timezone, holidays) if seasonal and chart == "xmr" and baseline is None else None
            if usual is None:
                found = _chart(chart, family, days, value[rows], count[rows], learn, baseline, width)
            else:
                drawn = spc.limits("xmr", usual["score"], exclude=~learn, width=width)
                center, spread = (usual[name].to_numpy(dtype="float64") for name in ("baseline", "sigma"))
                found = [np.maximum(center + each * spread, 0.0) for each in (drawn.center, drawn.lower, drawn.upper)]
                found += [drawn.sigma * spread, drawn.z]
                remark[rows] = "of residuals from a weekday baseline"
        except OptionError as error:
            failed[begin] = str(error)
            continue
        score = found[4]
        for name, array in zip(names, (*found, 2 * special.ndtr(-np.abs(score))), strict=True):
            out[name][rows] = array
    judged = pd.DataFrame(out)
    judged["single"] = (value < judged["lower"]) | (value > judged["upper"])
    judged["side"], judged["chance"] = np.int8(0), np.nan
    judged["seen_at"], judged["began_at"] = -1, -1
    judged["phase"] = np.where(baseline_rows, "baseline", "judged")
    judged["remark"] = remark
    return judged, failed


def _chart(
    chart: str,
    family: str,
    observed: pd.DataFrame,
    value: Floats,
    count: Floats,
    learn: Bools,
    baseline: spc.Baseline | None,
    width: float,
) -> list[Floats]:
    """Centre, limits, sigma and standardised figure, on the scale of the metric."""
    size = (observed["period_end"] - observed["period_start"]).dt.total_seconds().to_numpy() / 86_400
    options: dict[str, Any] = {"clip": True} if family != "count" else {}
    if baseline is None:
        options["width"] = width
    if chart in ("xmr", "c"):
        drawn, scale = spc.limits(chart, value, exclude=~learn, baseline=baseline, **options), np.ones(len(value))
    elif chart == "i_prime":
        weight = np.ones(len(value)) if family == "count" else count
        drawn, scale = spc.limits(chart, value, weight, exclude=~learn, baseline=baseline, **options), np.ones(len(value))
    elif family == "count":
        if chart in ("p", "p_prime"):
            raise OptionError(f"chart={chart!r} is for shares; of a count choose xmr, c, u or u_prime")
        drawn, scale = spc.limits(chart, value, size, exclude=~learn, baseline=baseline, **options), size
    else:
        if chart in ("p", "p_prime") and family != "share":
            raise OptionError(f"chart={chart!r} is for shares; of a mean choose i_prime or xmr")
        drawn, scale = spc.limits(chart, value * count, count, exclude=~learn, baseline=baseline, **options), np.ones(len(value))
    lower = drawn.lower * scale
    if family != "count":
        lower = np.maximum(lower, 0.0)
    upper = np.minimum(drawn.upper, 1.0) if family == "share" else drawn.upper * scale
    return [drawn.center * scale, np.maximum(lower, 0.0), upper, drawn.sigma * scale, drawn.z]


def _seasonal(observed: pd.DataFrame, value: Floats, learn: Bools, timezone: str, holidays: Any) -> pd.DataFrame | None:
    """Residuals from a weekday baseline, where there are days enough for one."""
    days = (observed["period_end"] - observed["period_start"]).dt.total_seconds().max() / 86_400
    if days > 1.5 or learn.sum() < 3 * 7:
        return None
    frame = pd.DataFrame({"period_start": observed["period_start"].to_numpy(), "value": value})
    frame["period_start"] = pd.DatetimeIndex(frame["period_start"])
    try:
        fitted = fit_profile(
            frame,
            value="value",
            by=(),
            timezone=timezone,
            family="count",
            baseline=None if learn.sum() == (~np.isnan(value)).sum() else learn,
            window=f"{max(WINDOW, len(frame))}D",
            half_life=None,
            holidays=holidays,
        )
    except OptionError:
        return None
    return fitted if np.isfinite(fitted["score"]).any() else None
