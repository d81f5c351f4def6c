"""What is unusual: metrics against what was to be expected of them, on the chart that fits."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.deviations.control import CHARTS, FEWEST, SHORT, chart_for, judge_by_chart
from ccstats.deviations.expected import judge_service_level
from ccstats.deviations.incidents import number_incidents
from ccstats.deviations.observed import SUB_DAILY, group_names, metric_names, observe_metrics, zone_of
from ccstats.deviations.request import Job, check_alike, check_family, check_keys, check_request, put_behind, rows_in_span
from ccstats.deviations.residuals import WINDOW, ResidualOptions, group_bounds, judge_residuals, points_needed
from ccstats.deviations.signals import add_runs, add_signals
from ccstats.deviations.sustained import BUDGET
from ccstats.errors import DataWarning, OptionError, TableError
from ccstats.intervals.merging import as_intervals
from ccstats.metrics import METRICS, SERVICE_LEVELS
from ccstats.schema import POINTS, as_frame

__all__ = ["find_deviations"]

Bools = NDArray[np.bool_]

#: Share of false ones among the series named at one moment, where several are judged.
_FALSE = 0.1
#: Chance of a false alarm of 3 sigma.
_THREE_SIGMA = 0.0027


def find_deviations(
    table: Any,
    *,
    metric: str | Sequence[str],
    by: str | Sequence[str] = "queue",
    period: str = "interval",
    timezone: str | None = None,
    chart: str = "auto",
    baseline: Any = "auto",
    rules: Any = None,
    target: float | Mapping[str, float] | None = None,
    agent_intervals: Any = None,
    alpha: float | None = None,
    false_discovery: float | str | None = "auto",
    holidays: Any = None,
    gap: int = 1,
    seed: int = 0,
) -> pd.DataFrame:
    """Which values of a metric are deviations and not noise, with what was to be expected, limits, direction and how sure it is.

    Parameters
    ----------
    table : pandas.DataFrame or Arrow table
        `intervals`.
    metric : str or sequence of str
        Counts, ratios and means of the registry that are made of intervals: ``service_level``, ``offered``, ``aht_s``, ….
    by : str or sequence of str
        Group columns; none judges all queues as one.
    period : str
        ``interval``, ``hour``, ``day``, ``week``, ``month``, ``quarter`` or ``year``. Sums are rolled up first and divided once.
    timezone : str, optional
        Whose days and weekdays count; by default the zone the intervals were cut in.
    chart : str
        ``residual``: ranks of residuals from a calendar baseline, and sustained deviations. ``expected``: a service level against its
        simulated spread for the contacts that came, their handle times and the agents who were there. ``profile``: residuals from the
        calendar baseline by the normal law. ``xmr, i_prime, p, p_prime, u, u_prime, c``: charts of `ccstats.spc.limits`. ``auto`` chooses,
        and ``note`` says why.
    baseline : str, tuple, table, Baseline or path
        ``auto`` and kinds of `fit_profile` (``overall``, ``slot``, ``weekday``, ``weekday_slot``, ``same_weekday``, ``stl``, ``mstl``) move
        along: a day is judged by the 28 days before it. A span ``(start, end)``, or a table of earlier intervals, is frozen. A
        `ccstats.spc.Baseline`, or its file, for the charts of `ccstats.spc.limits`.
    rules : str, Rule or several of them, optional
        Run rules of `ccstats.spc.apply_rules` beside the limits. None: no run rules below days, nine on one side from days on; see Notes.
    target : float or dict of metric to float, optional
        Shown beside the values; a missed target is no deviation, see `measure_compliance`.
    agent_intervals : pandas.DataFrame or Arrow table, optional
        Who was there; lets ``auto`` judge service levels by ``expected``.
    alpha : float, optional
        Share of quiet values outside the limits; by default 0.01, and 0.0027 (3 sigma) for the charts of `ccstats.spc.limits`. [0-1]
    false_discovery : float or str, optional
        Share of false ones among the series that deviate at one moment. ``auto``: 0.1 where several are judged; None: no control. [0-1]
    holidays : str or iterable of dates, optional
        A country (``"TR"``) or dates, see `fit_profile`.
    gap : int
        Quiet values that do not end an incident. [periods]
    seed : int
        Of the simulation of ``expected``.

    Returns
    -------
    pandas.DataFrame
        Table `points`: a row for every group, period and metric, also for those of which nothing can be said: then figures are missing,
        ``signal`` is False and ``note`` says why. ``p_value`` is that of the single value; ``rule`` is ``beyond_limits``, ``sustained`` or
        the names of run rules. ``signalled_at`` is when it could first be told: of a single value the end of its period, of a sustained
        deviation the end of the period in which the sum crossed its threshold. ``baseline`` knows the day so far, but not in sustained
        deviations, which the day's factor follows: there it is that of the calendar alone, and so are ``sigma`` and ``score``; limits and
        ``p_value`` stay. ``severity`` looks at all rows of the call.

    Raises
    ------
    OptionError
        If a metric, chart, baseline or another option is unknown or does not fit, or every series has too few points.
    TableError
        If the table is no table of intervals, or empty, or no value of a metric is known, or every series is constant.
    ColumnError, ZoneError
        If a ``by`` column is missing, or the time zone is.

    Warns
    -----
    DataWarning
        If limits rest on fewer than 20 points, or some series cannot be judged; their notes say so too.

    See Also
    --------
    list_incidents : neighbouring signals joined, in words.
    judge_service_level : whether a service level was noise, given what came and who was there.
    explain_service_level : where a deviation came from.

    Notes
    -----
    *Why not a p chart.* Neighbouring contacts share their queue, so a service level varies far more than binomially: a p chart flags 13 to
    88 % of the half-hours of stable queues, Laney's p' 1.5 to 6 %.

    *Residuals.* Each value is compared with its weekday and time of day (`fit_profile`: days before its own, the day's factor so far), on
    a scale where counts and means are about symmetric, and ranked among the residuals of the 28 days before: limits are their 0.5 % and
    99.5 % points at ranks that leave exactly 1 % of further ones outside, whatever their shape, skewness or dispersion. That takes 200
    baseline residuals. Rows of the first 28 days (``phase`` baseline) are judged by the other days of these, looking both ways.

    *Sustained deviations.* A volume 20 % up is 2 sigma in a half-hour and 30 in a week. Sums of ranked residuals at three sizes of a shift
    find it (`ccstats.deviations.sustained`); thresholds are simulated for the dependence the baseline's residuals show, within days and of
    whole days, so that about half a percent of quiet rows lie in false deviations. With the limits that makes 1 to 1.5 % in all. The
    rows from the estimated beginning on are marked. What is found is kept from later baselines for 14 days; what lasts longer is normal.

    *Few points, long periods.* With fewer than 200 residuals, and from days on: p' for shares, I' for means, XmR for counts (of residuals
    from the weekday baseline, given three weeks of days), u' for counts of months, 3 sigma. Limits of fewer than 20 points come with a
    warning, of fewer than 8 there are none.

    *Run rules.* Below days there are none: half-hours are autocorrelated, and at a lag-1 correlation of 0.25 a run of eight comes 2.5
    times as often as it should, at 0.43 4.5 times. From days on ``beyond_limits`` and ``run_of_9``: of stable series of 24 independent days
    6.7 % have a signal (5.8 % with 3 sigma alone), with Western Electric or NHS rules 15 %.

    *Many series.* With 40 series some value is always beyond its 1 % limits. Among the series judged in the same period p values are
    controlled by Benjamini and Hochberg: of those that deviate at one moment at most ``false_discovery`` are expected to be false, and the
    share for sustained ones shrinks alike. ``severity`` is 1 less the q value over all rows of the call; keep rows above 0.9 to have
    at most 10 % false ones in a month's list.

    References
    ----------
    Benjamini & Hochberg (1995); Page (1954) for sums; Laney (2002) for p'; Taylor (2017) for I'.

    Examples
    --------
    >>> import ccstats as cc
    >>> contacts = cc.synthesize_contacts(seed=1, days=35).contacts
    >>> half_hours = cc.to_intervals(contacts, every="30min", timezone="Europe/Istanbul", threshold_s=20)
    >>> points = cc.find_deviations(half_hours, metric="offered")
    >>> points["chart"].unique().tolist()
    ['residual']
    >>> bool(points.loc[points["phase"] == "judged", "signal"].mean() < 0.03)
    True
    """
    frame = as_intervals(table)
    check_keys(frame)
    metrics, names, zone = metric_names(metric), group_names(by), zone_of(frame, timezone)
    request = check_request(chart, baseline, alpha, false_discovery, target, metrics, period, rules, gap)
    observed = observe_metrics(frame, metrics=metrics, by=names, period=period, timezone=zone)
    earlier = None
    if request.earlier is not None:
        check_alike(frame, request.earlier, period)
        earlier = observe_metrics(request.earlier, metrics=metrics, by=names, period=period, timezone=zone)
        request = replace(request, baseline=None)
    series = sum(len(group_bounds(each, names)) for each in observed.values())
    wanted = request.false_discovery
    share = (_FALSE if series > 1 else None) if isinstance(wanted, str) else wanted
    job = Job(frame, agent_intervals, names, period, zone, request, holidays, seed, 1.0 if share is None else share / series)
    parts = [_judge_metric(job, name, observed[name], None if earlier is None else earlier[name]) for name in metrics]
    problems = [each for _, found in parts for each in found]
    if len(problems) == series:
        raise _nothing_judged(problems)
    if problems:
        shown = "; ".join(problems[:3]) + ("; …" if len(problems) > 3 else "")
        warnings.warn(f"{len(problems)} of {series} series cannot be judged: {shown}", DataWarning, stacklevel=2)
    points = pd.concat([part for part, _ in parts], ignore_index=True)
    points = add_signals(points, share=share)
    points["target"] = points["metric"].map(request.targets).astype("float64")
    points["metric"] = pd.Categorical(points["metric"], categories=metrics)
    points["incident"] = number_incidents(points, by=names, gap=gap)
    ordered = points.sort_values([*names, "period_start", "metric"], kind="stable", ignore_index=True)
    return POINTS.conform(ordered[[*[name for name in names if name not in POINTS], *[name for name in POINTS.names() if name in ordered]]])


def _judge_metric(job: Job, name: str, observed: pd.DataFrame, earlier: pd.DataFrame | None) -> tuple[pd.DataFrame, list[str]]:
    """Points of one metric before signals, and what is wrong with the series of which nothing can be said."""
    metric = METRICS[name]
    family = {"ratio": "share", "mean": "mean", "max": "mean"}.get(metric.kind, "count")
    if metric.kind == "max":
        observed = observed.assign(count=1.0)
    if family == "share" and (observed["value"] > 1).any():
        family = "mean"  # booked by event, a share of a short period can pass 1
    check_family(job.request.chart, name, family)
    own = np.ones(len(observed), dtype=bool)
    if earlier is not None:
        observed, own = put_behind(earlier, observed, job.by)
    # the first and last period are rarely there as a whole: their counts are no counts of a period
    excluded = ~observed["whole"].to_numpy() if family == "count" else np.zeros(len(observed), dtype=bool)
    fixed = ~own if earlier is not None else rows_in_span(observed, job)
    chosen, reasons = _choose(job, name, family, observed, excluded, fixed)
    pieces, problems = [], []
    for chart in dict.fromkeys(chosen):
        rows = np.flatnonzero(chosen == chart)
        mine = observed.iloc[rows].reset_index(drop=True)
        judged = _judge_by(job, str(chart), name, family, mine, excluded[rows], None if fixed is None else fixed[rows])
        for begin, end in group_bounds(mine, job.by):
            given = judged["failed"].get(begin)
            if chart != "expected" and _constant(mine["value"].to_numpy()[begin:end]):
                given = _why_nothing(mine["value"].to_numpy()[begin:end])
                judged["points"].loc[begin : end - 1, ["score", "p_value", "chance"]] = np.nan
                judged["points"].loc[begin : end - 1, "single"] = False
                judged["points"].loc[begin : end - 1, "side"] = 0
            if given is None and not np.isfinite(judged["points"]["p_value"].to_numpy()[begin:end]).any():
                given = _why_nothing(mine["value"].to_numpy()[begin:end])
            if given is not None:
                who = ", ".join(str(mine[each].iloc[begin]) for each in job.by)
                problems.append(f"{name}{f' of {who}' if who else ''}: {given}")
                judged["points"].loc[begin : end - 1, "remark"] = given
        part = pd.concat([mine, judged["points"]], axis=1).assign(chart=chart, reason=reasons[rows])
        part["excluded"] = excluded[rows]
        part["signalled"] = _ends(part["period_end"], judged["points"]["seen_at"].to_numpy())
        pieces.append(add_runs(part, by=job.by, rules=job.request.rules)[own[rows]])
    found = pd.concat(pieces, ignore_index=True).assign(metric=name)
    known = np.isfinite(found["value"])
    found["phase"] = np.where(found["excluded"], "excluded", found["phase"])
    found["count"] = found["count"].where(np.isfinite(found["count"]) | (family != "count"), found["value"])
    notes = [found["reason"], found["remark"], np.where(found["excluded"], "not a whole period", ""), np.where(known, "", "no value")]
    found["note"] = [("; ".join(part for part in each if part)) for each in zip(*notes, strict=True)]
    return found, problems


def _judge_by(job: Job, chart: str, name: str, family: str, mine: pd.DataFrame, excluded: Bools, fixed: Bools | None) -> dict[str, Any]:
    request = job.request
    if chart == "expected":
        return {"points": _expected(job, name, mine), "failed": {}}
    if chart in ("residual", "profile"):
        budget = BUDGET * min(1.0, job.share / job.alpha)
        options = ResidualOptions(request.kind, job.alpha, fixed, job.holidays, budget, chart == "profile")
        try:
            points = judge_residuals(mine, by=job.by, family=family, excluded=excluded, timezone=job.zone, options=options)
        except OptionError as error:
            raise OptionError(f"{name}: {error}") from None
        return {"points": points, "failed": {}}
    everything = ~excluded if fixed is None else fixed & ~excluded
    points, failed = judge_by_chart(
        mine,
        chart=chart,
        by=job.by,
        family=family,
        baseline_rows=everything,
        baseline=request.frozen,
        excluded=excluded,
        seasonal=request.chart == "auto",
        timezone=job.zone,
        holidays=job.holidays,
        alpha=request.alpha or _THREE_SIGMA,
    )
    return {"points": points, "failed": failed}


def _choose(job: Job, name: str, family: str, observed: pd.DataFrame, excluded: Bools, fixed: Bools | None) -> tuple[Any, Any]:
    """The chart of each row, and why."""
    request = job.request
    if request.chart != "auto":
        charts = np.full(len(observed), request.chart, dtype=object)
        reasons = np.full(len(observed), f"chart {request.chart} as asked", dtype=object)
        return charts, _short(job, observed, excluded, fixed, charts, reasons)
    if job.agent_intervals is not None and name in SERVICE_LEVELS and _agents_told(job):
        why = "simulated spread for the contacts, handle times and agents of the period: what came of these is no deviation here"
        why += "; all queues and agents as one pool" if not job.by and len(job.frame["queue"].unique()) > 1 else ""
        return np.full(len(observed), "expected", dtype=object), np.full(len(observed), why, dtype=object)
    charts, reasons = np.full(len(observed), "", dtype=object), np.full(len(observed), "", dtype=object)
    fallback, needed = chart_for(family, job.period), points_needed(job.alpha)
    usable = np.isfinite(observed["value"].to_numpy()) & ~excluded
    for begin, end in group_bounds(observed, job.by):
        rows = slice(begin, end)
        starts = observed["period_start"].iloc[rows]
        learn = usable[rows] & (fixed[rows] if fixed is not None else (starts < starts.iloc[0] + pd.Timedelta(days=WINDOW)).to_numpy())
        days = starts[learn].dt.tz_localize(None).dt.normalize().nunique()  # some midnights do not exist
        if job.period in SUB_DAILY and learn.sum() >= needed and days >= 7:
            charts[rows], reasons[rows] = "residual", f"ranked among the residuals of {'the baseline' if fixed is not None else '28 days'}"
        else:
            what = f"{int(learn.sum())} baseline points on {days} days" if job.period in SUB_DAILY else f"a {job.period} a point"
            late = "; too few days to know the course of a day" if job.period in SUB_DAILY and days < 7 else ""
            charts[rows], reasons[rows] = fallback, f"chart {fallback} for a {_WORDS[family]}: {what}, ranks need {needed} on 7 days{late}"
    return charts, _short(job, observed, excluded, fixed, charts, reasons)


_WORDS = {"share": "ratio", "mean": "mean", "count": "count"}


def _agents_told(job: Job) -> bool:
    """Whether agents are known by queue, where queues are judged apart."""
    if not job.by or "queue" in as_frame(job.agent_intervals, what="agent_intervals"):
        return True
    said = "agent_intervals have no queue, so service levels of single queues are judged by their past; give to_agent_intervals(by='queue')"
    warnings.warn(said, DataWarning, stacklevel=5)
    return False


def _short(job: Job, observed: pd.DataFrame, excluded: Bools, fixed: Bools | None, charts: Any, reasons: Any) -> Any:
    """Reasons, with a warning where limits of a control chart rest on few points."""
    usable = np.isfinite(observed["value"].to_numpy()) & ~excluded & (True if fixed is None else fixed)
    few = []
    for begin, end in group_bounds(observed, job.by):
        points = int(usable[begin:end].sum())
        if charts[begin] in CHARTS and job.request.frozen is None and FEWEST <= points < SHORT:
            few.append(points)
            reasons[begin:end] = [
                f"{each}; short series: limits rest on {points} points, they settle from {SHORT} on" for each in reasons[begin:end]
            ]
    if few:
        warnings.warn(
            f"limits of {len(few)} series rest on fewer than {SHORT} points (fewest {min(few)}) and will move as points come",
            DataWarning,
            stacklevel=5,
        )
    return reasons


def _expected(job: Job, name: str, mine: pd.DataFrame) -> pd.DataFrame:
    """Points of a service level against its simulated spread."""
    if job.agent_intervals is None:
        raise OptionError("chart='expected' needs agent_intervals=: who was there decides what could be expected")
    if job.by not in ([], ["queue"]):
        raise OptionError(f"chart='expected' judges queues or all as one, not by {', '.join(job.by)}; give by='queue' or by=()")
    found = judge_service_level(
        job.frame,
        job.agent_intervals,
        by="queue" if job.by else (),
        definition=name,
        period=job.period,
        timezone=job.zone,
        coverage=1 - job.alpha,
        seed=job.seed,
    ).rename(columns={"interval_start": "period_start"})
    keys = [*job.by, "period_start"]
    found["period_start"] = found["period_start"].dt.tz_convert(job.zone)
    if job.by:
        found["queue"] = found["queue"].astype(str)
    left = mine[keys].assign(**({"queue": mine["queue"].astype(str)} if job.by else {}))
    matched = left.merge(found, on=keys, how="left", validate="one_to_one")
    center, sigma = matched["expected_service_level"], matched["expected_sd"]
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where(sigma > 0, (mine["value"] - center) / sigma, np.nan)
    return pd.DataFrame(
        {
            "baseline": center,
            "lower": matched["expected_low"],
            "upper": matched["expected_high"],
            "sigma": sigma,
            "score": score,
            "p_value": matched["p_value"],
            "single": matched["verdict"].isin(["better", "worse"]).to_numpy(),
            "side": np.int8(0),
            "chance": np.nan,
            "seen_at": -1,
            "began_at": -1,
            "phase": "judged",
            "remark": matched["note"].fillna("").astype(str),
        }
    )


def _ends(period_end: pd.Series[Any], rows: NDArray[np.int64]) -> pd.Series[Any]:
    """The ends of the periods of these rows; missing where there is none."""
    return pd.Series(pd.DatetimeIndex(period_end)[np.maximum(rows, 0)]).where(rows >= 0)


def _constant(value: NDArray[np.float64]) -> bool:
    known = value[np.isfinite(value)]
    return len(known) >= FEWEST and bool((known == known[0]).all())


def _why_nothing(value: NDArray[np.float64]) -> str:
    known = value[np.isfinite(value)]
    if not len(known):
        return f"all its {len(value)} periods are empty"
    if _constant(value):
        return f"its {len(known)} values are all {known[0]:g}: nothing varies, so there are no limits"
    return f"its {len(known)} values of {len(value)} periods are too few for a baseline of 7 days and {points_needed(0.01)} residuals"


def _nothing_judged(problems: list[str]) -> Exception:
    shown = "\n  - ".join(problems[:10])
    text = f"no series can be judged:\n  - {shown}"
    return (TableError if any("empty" in each or "nothing varies" in each for each in problems) else OptionError)(text)
