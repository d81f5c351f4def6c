"""The charts of `ccstats.spc` on one series: as the book has them, or about the level that the calendar expects."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats import spc
from ccstats.errors import CcstatsError, DataWarning, OptionError
from ccstats.profile import fit_profile

__all__ = ["ABOUT_LEVEL", "BOOK", "SHORT", "draw_about_level", "draw_book"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Charts of `ccstats.spc` that make sense of one value a period.
BOOK = ("xmr", "i_prime", "p", "p_prime", "u", "u_prime", "c", "np", "ewma", "cusum", "ma")
#: What `draw_about_level` draws for each family.
ABOUT_LEVEL = {"share": "p_prime", "count": "u_prime", "mean": "i_prime"}
#: Limits from fewer points are a guess.
SHORT = 20
#: Fewest points that limits can be made of.
_LEAST = 5


@dataclass(frozen=True)
class _Scale:
    """What rules look at: distances from 0 in standard deviations."""

    center: Floats
    lower: Floats
    upper: Floats
    sigma: Floats


def _empty(size: int) -> pd.DataFrame:
    figures = dict.fromkeys(("baseline", "lower", "upper", "sigma", "score"), np.full(size, np.nan))
    return pd.DataFrame({**figures, "rule": pd.array([""] * size, dtype="str"), "remark": pd.array([""] * size, dtype="str")})


def _with_rules(made: pd.DataFrame, fired: dict[str, Bools]) -> pd.DataFrame:
    rule = np.full(len(made), "", dtype=object)
    for name, at in fired.items():
        rule[at] = np.where(rule[at] == "", name, rule[at] + f"+{name}")
    return made.assign(rule=pd.array(rule, dtype="str"))


def draw_book(
    frame: pd.DataFrame, *, chart: str, family: str, learns: Bools, rules: Any, baseline: spc.Baseline | None = None, **parameters: Any
) -> pd.DataFrame:
    """One series on a chart of the book: one centre for all points, whatever the calendar says.

    Parameters
    ----------
    frame : pandas.DataFrame
        Of one group: ``value, count``, in time.
    chart : str
        One of `BOOK`.
    family : str
        ``share``, ``count`` or ``mean``.
    learns : numpy.ndarray of bool
        Points that limits are made of.
    rules : Any
        As `ccstats.spc.apply_rules` takes them.
    baseline : Baseline, optional
        Frozen limits.

    Returns
    -------
    pandas.DataFrame
        ``baseline, lower, upper, sigma, score, rule, remark``, a row a point.

    Raises
    ------
    OptionError
        If the chart does not fit the metric, or there are too few points.
    """
    value, count = (frame[name].to_numpy(dtype="float64") for name in ("value", "count"))
    if chart in ("p", "p_prime", "np") and family != "share":
        raise OptionError(f"chart={chart!r} is for shares; choose chart='auto', 'u_prime' for counts or 'i_prime' for means")
    if chart in ("c", "u", "u_prime") and family != "count":
        raise OptionError(f"chart={chart!r} is for counts; choose chart='auto', 'p_prime' for shares or 'i_prime' for means")
    if chart == "i_prime" and family == "count":
        raise OptionError("chart='i_prime' is for means and shares; choose chart='auto', 'u_prime' or 'xmr' for counts")
    values: Floats = value
    counts: Floats | None = None
    if chart in ("p", "p_prime", "np"):
        values, counts = np.round(value * count), count
    elif chart in ("u", "u_prime"):
        counts = (frame["period_end"] - frame["period_start"]).dt.total_seconds().to_numpy() / 3600
    elif chart == "i_prime":
        counts = np.where(count > 0, count, np.nan)
        values = np.where(count > 0, value, np.nan)
    drawn = spc.limits(chart, values, counts, exclude=None if baseline is not None else ~learns, baseline=baseline, **parameters)
    back = {"u": counts, "u_prime": counts, "np": 1 / count if chart == "np" else None}.get(chart)
    times = np.ones(len(frame)) if back is None else back
    made = _empty(len(frame)).assign(
        **{
            name: getattr(drawn, at) * times
            for name, at in (("baseline", "center"), ("lower", "lower"), ("upper", "upper"), ("sigma", "sigma"))
        },
        score=drawn.z,
    )
    plain = chart in ("ewma", "cusum", "ma")
    return _with_rules(made, spc.apply_rules(drawn.statistic, drawn, rules="shewhart" if plain else rules))


def draw_about_level(
    frame: pd.DataFrame,
    *,
    family: str,
    by: Sequence[str],
    learns: Bools,
    timezone: str,
    rules: Any,
    kind: str,
    holidays: Any,
) -> pd.DataFrame:
    """One series about the level of its weekday (and time, and holiday), its dispersion found from neighbours: p', u' or I'.

    Parameters
    ----------
    frame : pandas.DataFrame
        Of one group: ``by`` columns, ``period_start, value, count``, in time.
    family : str
        ``share``, ``count`` or ``mean``.
    by : sequence of str
        Group columns.
    learns : numpy.ndarray of bool
        Points that limits are made of.
    timezone : str
        Whose weekdays.
    rules : Any
        As `ccstats.spc.apply_rules` takes them.
    kind, holidays
        Of the baseline, see `ccstats.profile.fit_profile`.

    Returns
    -------
    pandas.DataFrame
        ``baseline, lower, upper, sigma, score, rule, remark``, a row a point.

    Raises
    ------
    OptionError
        If there are too few points, or they do not vary.

    Notes
    -----
    Points are divided by the standard deviation that chance alone gives them about their level (binomial, Poisson, or one by the root of
    the contacts), and charted as individuals with the spread that the moving ranges show, as Laney and Taylor do about one centre.
    """
    value, count = (frame[name].to_numpy(dtype="float64") for name in ("value", "count"))
    known = np.isfinite(value) & learns
    if known.sum() < _LEAST:
        raise OptionError(f"limits need at least {_LEAST} points with a value, found {known.sum()} of {len(value)}; take a shorter period=")
    level, remark = _levels(frame, family, by, learns, timezone, kind, holidays)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = {
            "share": np.sqrt(level * (1 - level) / count),
            "count": np.sqrt(level),
            "mean": level / np.sqrt(count),
        }[family]
        z = np.where(spread > 0, (value - level) / spread, np.nan)
    if (np.isfinite(z) & learns).sum() < _LEAST:
        raise OptionError(f"limits need at least {_LEAST} points that can vary about their level, found {(np.isfinite(z) & learns).sum()}")
    drawn = spc.limits("xmr", z, exclude=~learns | ~np.isfinite(z), center=0.0, clip=False)
    sigma = drawn.sigma * spread
    low, high = level + drawn.lower * spread, level + drawn.upper * spread
    if family == "share":
        low, high = np.maximum(low, 0.0), np.minimum(high, 1.0)
    scale = _Scale(np.zeros(len(z)), drawn.lower, drawn.upper, drawn.sigma)
    made = _empty(len(frame)).assign(
        baseline=level,
        lower=np.maximum(low, 0.0),
        upper=high,
        sigma=sigma,
        score=z / drawn.sigma,
        remark=pd.array([remark] * len(frame), dtype="str"),
    )
    return _with_rules(made, spc.apply_rules(z, scale, rules=rules))


def _levels(
    frame: pd.DataFrame, family: str, by: Sequence[str], learns: Bools, timezone: str, kind: str, holidays: Any
) -> tuple[Floats, str]:
    """The calendar's level of each point; one for all where there are too few days for a calendar."""
    value, count = (frame[name].to_numpy(dtype="float64") for name in ("value", "count"))
    weights = np.where(np.isfinite(value) & learns, 1.0 if family == "count" else np.nan_to_num(count), 0.0)
    overall = np.full(len(value), float(np.nansum(weights * np.nan_to_num(value)) / weights.sum())) if weights.sum() > 0 else value * np.nan
    if kind == "overall":
        return overall, "one level for all"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            fitted = fit_profile(
                frame,
                value="value",
                count=None if family == "count" else "count",
                by=tuple(by),
                timezone=timezone,
                kind=kind,
                family=family,
                exclude=~learns,
                half_life=None,
                window="92D",
                holidays=holidays,
            )
    except CcstatsError:
        if kind != "auto":
            raise
        return overall, "too few days for a calendar: one level for all"
    level = fitted["level"].to_numpy(dtype="float64")
    return np.where(np.isfinite(level), level, overall), "about the level of " + str(fitted["kind"].iloc[-1]).replace("_", " and ")
