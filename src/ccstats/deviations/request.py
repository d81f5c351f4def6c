"""What `find_deviations` was asked for, checked, and the rows that its baseline rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats import spc
from ccstats.deviations.control import CHARTS
from ccstats.deviations.observed import SUB_DAILY, check_amounts
from ccstats.errors import OptionError, TableError, did_you_mean
from ccstats.intervals.merging import as_intervals, by_columns
from ccstats.metrics import METRICS, SERVICE_LEVELS

__all__ = ["Job", "Request", "check_alike", "check_family", "check_keys", "check_request", "put_behind", "rows_in_span"]

Bools = NDArray[np.bool_]

_OWN = ("auto", "residual", "expected", "profile")
_KINDS = ("auto", "overall", "slot", "weekday", "weekday_slot", "same_weekday", "stl", "mstl")
#: Run rules of charts of days, weeks and months, see Notes of `find_deviations`.
_DAILY_RULES = ("beyond_limits", "run_of_9")
#: Chance of a false alarm of residuals and simulated spreads, where none is asked for.
_ALPHA = 0.01


@dataclass(frozen=True)
class Request:
    """Options, checked.

    Parameters
    ----------
    chart, kind : str
        The chart, and the kind of a moving baseline.
    baseline : tuple or None
        A span of the table itself.
    earlier : pandas.DataFrame or None
        Earlier intervals.
    frozen : ccstats.spc.Baseline or None
        Frozen limits.
    alpha : float or None
        Share of quiet values outside the limits, where it was given. [0-1]
    rules : tuple of ccstats.spc.Rule
        Run rules.
    false_discovery : float, str or None
        As in `find_deviations`.
    targets : dict
        Target by metric.
    """

    chart: str
    kind: str
    baseline: Any
    earlier: Any
    frozen: spc.Baseline | None
    alpha: float | None
    rules: tuple[spc.Rule, ...]
    false_discovery: float | str | None
    targets: dict[str, float]


@dataclass(frozen=True)
class Job:
    """What all metrics of one call share.

    Parameters
    ----------
    frame, agent_intervals : table
        As given.
    by, period, zone, holidays, seed
        As in `find_deviations`.
    request : Request
        The other options.
    share : float
        Share of false discoveries, for one series. [0-1]
    """

    frame: pd.DataFrame
    agent_intervals: Any
    by: list[str]
    period: str
    zone: str
    request: Request
    holidays: Any
    seed: int
    share: float

    @property
    def alpha(self) -> float:
        """Share of quiet values outside the limits of residuals."""
        return self.request.alpha or _ALPHA


def check_request(
    chart: str, baseline: Any, alpha: Any, false_discovery: Any, target: Any, metrics: list[str], period: str, rules: Any, gap: int
) -> Request:
    """Check the options of `find_deviations`, and tell apart what ``baseline`` can be.

    Examples
    --------
    >>> check_request("auto", "auto", None, "auto", 0.8, ["service_level"], "day", None, 1).targets
    {'service_level': 0.8}
    """
    known = (*_OWN, *CHARTS)
    if not isinstance(chart, str) or chart not in known:
        elsewhere = (
            " That one has figures of its own: see ccstats.spc.limits."
            if isinstance(chart, str) and chart in spc.CHARTS
            else did_you_mean(str(chart), known)
        )
        raise OptionError(f"chart={chart!r} is not known; choose one of: {', '.join(known)}.{elsewhere}")
    if alpha is not None and not (isinstance(alpha, int | float) and 0 < alpha < 0.5):
        raise OptionError(f"alpha={alpha!r} must lie between 0 and 0.5, such as 0.01")
    share = 0.1 if false_discovery is None or isinstance(false_discovery, str) and false_discovery == "auto" else false_discovery
    if not (isinstance(share, int | float) and 0 < share <= 1):
        raise OptionError(f"false_discovery={false_discovery!r} must be a share such as 0.1, 'auto' or None")
    if not isinstance(gap, int | np.integer) or gap < 0:
        raise OptionError(f"gap={gap!r} must be a whole number of periods, 0 or more")
    kind, span, earlier, frozen = "auto", None, None, None
    if isinstance(baseline, str) and baseline in _KINDS:
        kind = baseline
    elif isinstance(baseline, spc.Baseline):
        frozen = baseline
    elif isinstance(baseline, Path) or (isinstance(baseline, str) and Path(baseline).suffix):
        frozen = spc.Baseline.load(baseline)
    elif isinstance(baseline, tuple) and len(baseline) == 2:
        span = baseline
    elif isinstance(baseline, pd.DataFrame) or hasattr(baseline, "__arrow_c_stream__"):
        earlier = as_intervals(baseline)
        check_keys(earlier)
    else:
        raise OptionError(
            f"baseline={baseline!r} is not known; choose one of: {', '.join(_KINDS)}, or give a span (start, end), a table of earlier "
            f"intervals, a spc.Baseline or its file.{did_you_mean(str(baseline), _KINDS)}"
        )
    if frozen is not None:
        if chart not in ("auto", frozen.chart):
            raise OptionError(f"the baseline is of chart {frozen.chart!r}, not {chart!r}")
        if frozen.chart not in CHARTS:
            raise OptionError(f"a baseline of chart {frozen.chart!r} has figures of its own: see ccstats.spc.limits")
        chart = frozen.chart
    if chart == "expected" and (not set(metrics) <= set(SERVICE_LEVELS)):
        raise OptionError(f"chart='expected' is for service levels ({', '.join(SERVICE_LEVELS)}), not for {', '.join(metrics)}")
    chosen = spc.rules_of(rules if rules is not None else (_DAILY_RULES if period not in SUB_DAILY else "beyond_limits"))
    try:
        targets = (
            {name: float(each) for name, each in target.items()}
            if isinstance(target, Mapping)
            else dict.fromkeys(metrics, np.nan if target is None else float(target))
        )
    except (TypeError, ValueError):
        raise OptionError(f"target={target!r} must be a number such as 0.8, or a dict of metric to number") from None
    for name in targets:
        if name not in metrics:
            raise OptionError(
                f"target= names {name!r}, which is not judged; metrics are: {', '.join(metrics)}.{did_you_mean(name, metrics)}"
            )
    for name, each in targets.items():
        if METRICS[name].unit == "ratio" and not (np.isnan(each) or 0 <= each <= 1):
            raise OptionError(
                f"target={each:g} of {name}: a share is given from 0 to 1, such as {each / 100 if 1 < each <= 100 else 0.8:g}"
            )
    return Request(chart, kind, span, earlier, frozen, alpha, chosen, false_discovery, targets)


def check_family(chart: str, metric: str, family: str) -> None:
    """Whether a chart of the book is one for such a metric.

    Examples
    --------
    >>> check_family("p", "service_level", "share")
    """
    fits = {"p": ["share"], "p_prime": ["share"], "u": ["count"], "u_prime": ["count"], "c": ["count"], "i_prime": ["share", "mean"]}
    if family not in fits.get(chart, [family]):
        words = {"share": "shares", "count": "counts", "mean": "means"}
        fit = " and ".join(words[each] for each in fits[chart])
        raise OptionError(f"chart={chart!r} is for {fit}, and {metric} is none of them; choose chart='auto' or 'xmr'")


def check_alike(frame: pd.DataFrame, earlier: pd.DataFrame, period: str) -> None:
    """Whether a table of earlier intervals was counted as the one to be judged.

    Examples
    --------
    >>> check_alike(pd.DataFrame({"threshold_s": [20.0]}), pd.DataFrame({"threshold_s": [20.0]}), "day")
    """
    for name in ("threshold_s", "short_s", "attribute_by", *(["interval_s"] if period == "interval" else [])):
        if name in frame and name in earlier:
            ours, theirs = ({str(each) for each in table[name].dropna().unique()} for table in (frame, earlier))
            if ours and theirs and not (ours & theirs):
                raise TableError(
                    f"the table of the baseline was counted otherwise: its {name} is {', '.join(sorted(theirs))}, that of the other "
                    f"{', '.join(sorted(ours))}; make both with the same arguments"
                )


def check_keys(frame: pd.DataFrame) -> None:
    """Whether every queue and interval is there once, and holds what can be.

    Examples
    --------
    >>> from ccstats.schema import INTERVALS
    >>> check_keys(INTERVALS.empty())
    """
    check_amounts(frame)
    keys = ["queue", "interval_start", *by_columns(frame)]
    twice = frame.duplicated(list(dict.fromkeys(keys)))
    if twice.any():
        first = frame[twice].iloc[0]
        said = f"queue {first['queue']!r}, interval {first['interval_start']}"
        raise TableError(f"{said} is there twice ({int(twice.sum())} such rows); parts of a table are added by merge_intervals(parts)")


def rows_in_span(observed: pd.DataFrame, job: Job) -> Bools | None:
    """Rows of the span that the baseline is frozen on; None where none was given."""
    if job.request.baseline is None:
        return None
    try:
        low, high = (pd.Timestamp(each) for each in job.request.baseline)
        low, high = (each.tz_localize(job.zone) if each.tz is None else each for each in (low, high))
    except (ValueError, TypeError):
        raise OptionError(f"baseline={job.request.baseline!r} is no span of dates such as ('2025-01-06', '2025-02-03')") from None
    if not low < high:
        raise OptionError(f"baseline={job.request.baseline!r} is no span: its end must come after its start")
    inside = ((observed["period_start"] >= low) & (observed["period_start"] < high)).to_numpy()
    if not inside.any():
        first, last = observed["period_start"].min(), observed["period_end"].max()
        raise OptionError(f"baseline={job.request.baseline!r} has no period of the table, which runs from {first} to {last}")
    return inside


def put_behind(earlier: pd.DataFrame, observed: pd.DataFrame, by: list[str]) -> tuple[pd.DataFrame, Bools]:
    """Earlier rows before those to be judged, group by group, and which rows are to be judged."""
    if earlier["period_end"].max() > observed["period_start"].min():
        raise TableError(
            f"the table of the baseline must end before the other begins: it ends {earlier['period_end'].max()}, the other begins "
            f"{observed['period_start'].min()}; give a span baseline=(start, end) for a part of the same table"
        )
    both = pd.concat([earlier.assign(own=False), observed.assign(own=True)], ignore_index=True)
    for name in by:
        labels = sorted({*earlier[name].astype(str), *observed[name].astype(str)})
        both[name] = pd.Categorical(both[name].astype(str), categories=labels)
    both = both.sort_values([*by, "period_start"], kind="stable", ignore_index=True)
    return both.drop(columns="own"), both["own"].to_numpy(dtype=bool)
