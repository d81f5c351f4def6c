"""Was the target met: in how many periods, for how long not, in k of n, and how sure is that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from ccstats import spc
from ccstats.deviations.observed import group_names, metric_names, observe_metrics, zone_of
from ccstats.deviations.residuals import group_bounds
from ccstats.errors import OptionError
from ccstats.intervals.merging import as_intervals
from ccstats.metrics import METRICS
from ccstats.periods import PERIODS, period_start

__all__ = ["list_breaches", "measure_compliance"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_VERDICTS = ["met", "missed", "undecided"]
_ORDER = ("interval", *PERIODS)


def measure_compliance(
    intervals: Any,
    *,
    metric: str = "service_level",
    target: float,
    by: str | Sequence[str] = "queue",
    period: str = "interval",
    timezone: str | None = None,
    within: str | None = "month",
    k: int | None = None,
    n: int | None = None,
    margin: float | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How often a target was met, how long it was not, whether in k of n periods, and what of that is beyond doubt.

    Parameters
    ----------
    intervals : pandas.DataFrame or Arrow table
        `intervals`.
    metric : str
        A ratio, mean or count of the registry with a better side.
    target : float
        What was asked for, in the metric's unit; met when reached exactly.
    by : str or sequence of str
        Group columns; none for all together.
    period : str
        What must meet the target: ``interval``, ``hour``, ``day``, ``week`` or ``month``.
    timezone : str, optional
        Whose days count; by default the zone the intervals were cut in.
    within : str, optional
        A longer period to report on, one row each; None: one row a group.
    k, n : int, optional
        Met in at least ``k`` of ``n`` consecutive periods. [periods]
    margin : float, optional
        Doubt about a value, in the metric's unit: 0.02 are two points of a share. By default it is estimated, see Notes.
    confidence : float
        Of the intervals and verdicts. [0-1]

    Returns
    -------
    pandas.DataFrame
        The ``by`` columns, ``period_start`` of ``within``, ``metric``, ``target``; ``periods`` with a value, ``empty`` ones without (they
        count neither way); ``met``, ``attainment`` = met / periods with its interval ``attainment_low, attainment_high``;
        ``attainment_weighted``, the share of contacts in periods that met it; ``breaches``, runs of missed periods (empty ones are passed
        over), ``longest_breach`` [periods] and ``longest_breach_started_at``; with ``k`` and ``n``: ``windows`` of n periods that end here
        and ``windows_met``; ``surely_met, surely_missed, undecided`` periods; ``value`` of ``within`` as a whole (sums divided once),
        ``value_low, value_high``, ``verdict`` on it: ``met``, ``missed``, ``undecided``; ``note``. Where no period has a value, figures are
        missing.

    Raises
    ------
    OptionError
        If the metric has no better side, ``within`` is not longer than ``period``, ``k`` and ``n`` do not fit, or a number is out of range.
    TableError, ColumnError, ZoneError
        As `roll_up`; and if no value of the metric is known.

    See Also
    --------
    list_breaches : the runs one by one.
    find_deviations : whether it is unusual, which is another question.

    Notes
    -----
    *Doubt about a period.* Of a share Wilson's interval, with contacts divided by the over-dispersion of the group's periods (Laney's
    squared sigma of scores between neighbours, at least 1); of a mean its value ± z sigma / sqrt(count) with sigma from Taylor's I' chart;
    of a count none. *Of the whole* the same with the variance of a ratio of sums over periods, widened for the correlation of
    neighbours. *Of the attainment* Wilson's, with periods divided by (1 + r) / (1 - r), where r is the correlation of neighbours' being
    met, as periods next to each other are met or missed together.

    Examples
    --------
    >>> import ccstats as cc
    >>> contacts = cc.synthesize_contacts(seed=1, days=35).contacts
    >>> half_hours = cc.to_intervals(contacts, every="30min", timezone="Europe/Istanbul", threshold_s=20)
    >>> months = cc.measure_compliance(half_hours, target=0.80, by=(), period="day", within="month", k=4, n=5)
    >>> months[["periods", "met"]].sum().tolist()[0]
    35
    """
    observed, names, zone, better = _observe(intervals, metric, target, by, period, timezone)
    if within is not None and (within not in PERIODS or _ORDER.index(within) <= _ORDER.index(period)):
        raise OptionError(f"within={within!r} must be longer than period={period!r}; choose one of: {', '.join(PERIODS)}, or None")
    if (k is None) != (n is None) or (k is not None and n is not None and not 1 <= k <= n):
        raise OptionError(f"k={k!r} and n={n!r} go together: met in at least k of n consecutive periods, with 1 <= k <= n")
    if margin is not None and not margin >= 0:
        raise OptionError(f"margin={margin!r} must be 0 or more, in the metric's unit: 0.02 are two points of a share")
    if not 0 < confidence < 1:
        raise OptionError(f"confidence={confidence!r} must lie between 0 and 1, such as 0.95")
    span = observed["period_start"] if within is None else period_start(observed["period_start"], period=within, timezone=zone)
    rows = []
    for begin, end in group_bounds(observed, names):
        part = observed.iloc[begin:end].reset_index(drop=True)
        value, count = part["value"].to_numpy(), part["count"].to_numpy()
        met = np.where(np.isnan(value), False, better * value >= better * target)
        doubt = _Doubt.of(metric, value, count, margin, confidence)
        sure, missed = doubt.verdicts(value, count, better * target, better)
        windows = _windows(met, ~np.isnan(value), k, n)
        labels = np.zeros(end - begin, dtype=np.int64) if within is None else pd.factorize(span[begin:end])[0]
        for label in range(labels.max() + 1):
            here = labels == label
            keys = {name: part[name].iloc[0] for name in names}
            if within is not None:
                keys["period_start"] = span[begin:end][here][0]
            rows.append(keys | _row(part[here], met[here], sure[here], missed[here], windows[:, here], doubt, better, target, confidence))
    made = pd.DataFrame(rows)
    made.insert(len(names) + (within is not None), "metric", metric)
    made.insert(len(names) + (within is not None) + 1, "target", float(target))
    if k is None:
        made = made.drop(columns=["windows", "windows_met"])
    made["verdict"] = pd.Categorical(made["verdict"], categories=_VERDICTS)
    dtypes: dict[str, Any] = {name: observed[name].dtype for name in names}
    return made.astype({**dtypes, "metric": "category", "note": "str"})


def list_breaches(
    intervals: Any,
    *,
    metric: str = "service_level",
    target: float,
    by: str | Sequence[str] = "queue",
    period: str = "interval",
    timezone: str | None = None,
    least: int = 1,
) -> pd.DataFrame:
    """Runs of consecutive periods in which a target was missed.

    Parameters
    ----------
    intervals, metric, target, by, period, timezone
        As in `measure_compliance`.
    least : int
        Leave shorter runs out. [periods]

    Returns
    -------
    pandas.DataFrame
        One row a run, in order of time within each group: the ``by`` columns, ``started_at``, ``ended_at``, ``periods`` (empty ones do not
        count and do not end a run), ``contacts``, ``value`` over the run (contacts' mean), ``worst``. Without breaches the table is empty.

    Raises
    ------
    OptionError, TableError, ColumnError, ZoneError
        As `measure_compliance`.

    Examples
    --------
    >>> import ccstats as cc
    >>> from ccstats.deviations.compliance import list_breaches
    >>> contacts = cc.synthesize_contacts(seed=1).contacts
    >>> half_hours = cc.to_intervals(contacts, every="30min", timezone="Europe/Istanbul", threshold_s=20)
    >>> bool((list_breaches(half_hours, target=0.80, least=2)["periods"] >= 2).all())
    True
    """
    observed, names, _, better = _observe(intervals, metric, target, by, period, timezone)
    rows = []
    for begin, end in group_bounds(observed, names):
        part = observed.iloc[begin:end]
        known = part[part["value"].notna()]
        missed = (better * known["value"] < better * target).to_numpy()
        for first, stop in _runs(missed):
            run = known.iloc[first:stop]
            if stop - first < least:
                continue
            weight = run["count"].fillna(1.0)
            rows.append(
                {
                    **{name: run[name].iloc[0] for name in names},
                    "started_at": run["period_start"].iloc[0],
                    "ended_at": run["period_end"].iloc[-1],
                    "periods": stop - first,
                    "contacts": run["count"].sum(min_count=1),
                    "value": float((run["value"] * weight).sum() / weight.sum()),
                    "worst": better * (better * run["value"]).min(),
                }
            )
    columns = [*names, "started_at", "ended_at", "periods", "contacts", "value", "worst"]
    dtypes: dict[str, Any] = {name: observed[name].dtype for name in names} | dict.fromkeys(
        ("started_at", "ended_at"), observed["period_start"].dtype
    )
    dtypes |= {"periods": "int64", "contacts": "float64", "value": "float64", "worst": "float64"}
    return (pd.DataFrame(rows) if rows else pd.DataFrame({name: [] for name in columns}))[columns].astype(dtypes)


def _observe(
    intervals: Any, metric: str, target: float, by: str | Sequence[str], period: str, timezone: str | None
) -> tuple[pd.DataFrame, list[str], str, float]:
    """Values, group columns, zone, and +1 where more is better, -1 where less is."""
    if not isinstance(metric, str):
        raise OptionError("metric= must be one metric: each has a target of its own")
    metric_names(metric)
    direction = METRICS[metric].direction
    if direction == "neutral":
        raise OptionError(f"metric={metric!r} has no better side, so no target is met or missed; find_deviations judges it both ways")
    if not np.isfinite(target) or (METRICS[metric].unit == "ratio" and not 0 <= target <= 1):
        raise OptionError(f"target={target!r} must be {'a share between 0 and 1' if METRICS[metric].unit == 'ratio' else 'a number'}")
    frame = as_intervals(intervals)
    names, zone = group_names(by), zone_of(frame, timezone)
    observed = observe_metrics(frame, metrics=[metric], by=names, period=period, timezone=zone)[metric]
    return observed, names, zone, 1.0 if direction == "higher_is_better" else -1.0


class _Doubt:
    """How far the values of a group can be trusted."""

    def __init__(self, kind: str, factor: float, margin: float | None, confidence: float) -> None:
        self.kind, self.factor, self.margin, self.confidence = kind, factor, margin, confidence
        self.z = float(special.ndtri(0.5 + confidence / 2))

    @classmethod
    def of(cls, metric: str, value: Floats, count: Floats, margin: float | None, confidence: float) -> _Doubt:
        """Of a share the over-dispersion, of a mean the standard deviation of one contact, as neighbours tell them."""
        kind = {"ratio": "share", "mean": "mean"}.get(METRICS[metric].kind, "none")
        share = kind == "share" and not (value > 1).any()
        kind = "mean" if kind == "share" and not share else kind
        factor = 1.0 if share else 0.0
        if kind != "none" and (~np.isnan(value)).sum() > 2:
            try:
                if share:
                    factor = max(1.0, spc.limits("p_prime", value * count, count, bridge_gaps=True).baseline.sigma[0] ** 2)
                else:
                    factor = spc.limits("i_prime", value, count, bridge_gaps=True).baseline.sigma[0]
            except OptionError:  # they never differ: nothing but chance
                pass
        return cls(kind, factor, margin, confidence)

    def bounds(self, value: Any, count: Any) -> tuple[Any, Any]:
        """Lower and upper end of what a period's true value may be."""
        if self.margin is not None:
            return value - self.margin, value + self.margin
        if self.kind == "share":
            contacts = np.nan_to_num(count) / self.factor
            return spc.wilson_interval(np.clip(value, 0, 1) * contacts, contacts, confidence=self.confidence)
        if self.kind == "mean":
            half = self.z * self.factor / np.sqrt(np.maximum(count, 1.0))
            return value - half, value + half
        return value, value

    def verdicts(self, value: Floats, count: Floats, wanted: float, better: float) -> tuple[Bools, Bools]:
        """Surely met, surely missed."""
        low, high = (better * np.asarray(each) for each in self.bounds(value, count))
        low, high = np.minimum(low, high), np.maximum(low, high)
        with np.errstate(invalid="ignore"):
            return low >= wanted, high < wanted


def _row(
    part: pd.DataFrame,
    met: Bools,
    sure: Bools,
    missed: Bools,
    windows: NDArray[np.int64],
    doubt: _Doubt,
    better: float,
    target: float,
    confidence: float,
) -> dict[str, Any]:
    value, count = part["value"].to_numpy(), part["count"].to_numpy()
    known = ~np.isnan(value)
    periods, hits = int(known.sum()), int(met.sum())
    weight = np.where(known, np.where(np.isnan(count), 1.0, count), 0.0)
    alike = _neighbours(met[known].astype("float64"))
    effective = periods * (1 - alike) / (1 + alike)
    share = hits / periods if periods else np.nan
    low, high = spc.wilson_interval(share * effective, effective, confidence=confidence) if periods else (np.nan, np.nan)
    runs = _runs(~met[known])
    longest = max(runs, key=lambda run: (run[1] - run[0], -run[0]), default=None)
    starts = part["period_start"][known]
    whole, whole_low, whole_high = _whole(value[known], weight[known], doubt)
    ends = sorted((better * whole_low, better * whole_high))
    verdict = None if not periods else "met" if ends[0] >= better * target else "missed" if ends[1] < better * target else "undecided"
    notes = (
        []
        if doubt.kind != "share" or doubt.factor == 1
        else [f"contacts count {1 / doubt.factor:.2f} each: over-dispersion {doubt.factor:.1f}"]
    )
    return {
        "periods": periods,
        "empty": int((~known).sum()),
        "met": hits,
        "attainment": share,
        "attainment_low": low,
        "attainment_high": high,
        "attainment_weighted": float(weight[met].sum() / weight.sum()) if weight.sum() > 0 else np.nan,
        "breaches": len(runs),
        "longest_breach": 0 if longest is None else longest[1] - longest[0],
        "longest_breach_started_at": pd.NaT if longest is None else starts.iloc[longest[0]],
        "windows": int(windows[0].sum()),
        "windows_met": int(windows[1].sum()),
        "surely_met": int((sure & known).sum()),
        "surely_missed": int((missed & known).sum()),
        "undecided": int((known & ~sure & ~missed).sum()),
        "value": whole,
        "value_low": whole_low,
        "value_high": whole_high,
        "verdict": verdict,
        "note": "; ".join(notes if periods else ["no period has a value"]),
    }


def _whole(value: Floats, weight: Floats, doubt: _Doubt) -> tuple[float, float, float]:
    """Sums divided once, and what it may be: the variance of a ratio of sums, widened for the correlation of neighbours."""
    if not len(value):
        return np.nan, np.nan, np.nan
    if doubt.kind == "none":
        total = float(value.mean())
        return total, total - (doubt.margin or 0.0), total + (doubt.margin or 0.0)
    whole = float((value * weight).sum() / weight.sum())
    if doubt.margin is not None:
        return whole, whole - doubt.margin, whole + doubt.margin
    residual = weight * (value - whole)
    alike = max(_neighbours(residual), 0.0)
    spread = np.sqrt((residual**2).sum() * len(value) / max(len(value) - 1, 1) * (1 + alike) / (1 - alike)) / weight.sum()
    if doubt.kind == "share":
        chance = np.sqrt(whole * (1 - whole) / weight.sum())
        contacts = weight.sum() / (max(spread / chance, 1.0) ** 2 if chance > 0 else doubt.factor)
        low, high = spc.wilson_interval(whole * contacts, contacts, confidence=doubt.confidence)
        return whole, float(low), float(high)
    return whole, whole - doubt.z * spread, whole + doubt.z * spread


def _neighbours(x: Floats) -> float:
    """Correlation of neighbours, between 0 and 0.9; 0 where it cannot be told."""
    if len(x) < 3 or np.ptp(x) == 0:
        return 0.0
    away = x - x.mean()
    return float(np.clip((away[1:] * away[:-1]).sum() / (away**2).sum(), 0.0, 0.9))


def _runs(flags: Bools) -> list[tuple[int, int]]:
    """First position and end of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _windows(met: Bools, known: Bools, k: int | None, n: int | None) -> NDArray[np.int64]:
    """For each period whether a window of n periods with a value ends there, and whether at least k of them met the target."""
    out = np.zeros((2, len(met)), dtype=np.int64)
    if k is not None and n is not None and known.sum() >= n:
        at = np.flatnonzero(known)
        hits = np.convolve(met[at].astype(np.int64), np.ones(n, dtype=np.int64), mode="valid")
        out[0, at[n - 1 :]] = 1
        out[1, at[n - 1 :]] = hits >= k
    return out
