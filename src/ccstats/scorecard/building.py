"""The scorecard: each target of an agreement, queue by queue and period by period, with its figure, interval, verdict, trend and money."""

from __future__ import annotations

import warnings
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ccstats.agreement import Agreement, Target
from ccstats.errors import ColumnError, DataWarning, OptionError, ZoneError, did_you_mean
from ccstats.labels import reason, share_text
from ccstats.metrics import METRICS, NOT_OFFERED, Metric
from ccstats.schema import KPIS
from ccstats.scorecard.index import fulfilment
from ccstats.scorecard.judging import Bounds, Judged, judge, judge_k_of_n, judge_trend
from ccstats.scorecard.record_measures import RECORD_MEASURES
from ccstats.scorecard.service_measures import measure_logged
from ccstats.scorecard.sources import ALL, NotMeasured, Sources, period_end
from ccstats.scorecard.unusual import find_unusual

__all__ = ["SCORED", "build_scorecard"]

#: Periods that the scorecard itself can have.
SCORED = ("day", "week", "month", "quarter", "year")
#: Tables whose figures are samples: not everybody was asked, not every contact was listened to.
_SAMPLED = ("surveys", "evaluations")
#: Made of these tables and yet no samples: who answered of those asked, what was listened to of all, and what describes a sample itself.
_WHOLE = ("response_rate", "qm_coverage", "nps_se", "nps_ci_low", "nps_ci_high")
_WORST = {"points": -100.0}
_FIGURES = ("value", "value_low", "value_high", "count")
#: What the value can still become while some cases are open, where a measure tells.
_OPEN = ("floor", "ceiling")


def build_scorecard(
    agreement: Agreement,
    *,
    contacts: Any = None,
    intervals: Any = None,
    agent_states: Any = None,
    surveys: Any = None,
    evaluations: Any = None,
    complaints: Any = None,
    items: Any = None,
    forecast: Any = None,
    staff: Any = None,
    absences: Any = None,
    schedule: Any = None,
    figures: Any = None,
    period: str = "month",
    covers: tuple[date, date] | None = None,
) -> pd.DataFrame:
    """Every target of an agreement against what was measured: one verdict per queue and period, with its reason.

    Parameters
    ----------
    agreement : Agreement
        Its targets, thresholds, time zone, opening hours and money.
    contacts, intervals, agent_states : table, optional
        What logs say. Contacts are counted as each target needs it; intervals are taken as they are, and must fit.
    surveys, evaluations, complaints, items, staff, absences : table, optional
        Records beside the logs, as `ccstats.schema` describes them. One without a column ``queue`` has that of its contact.
    forecast : table, optional
        What was expected, for the accuracy of forecasts.
    schedule : table, optional
        What agents were meant to do when, as for `measure_adherence`; with ``agent_states`` for adherence, conformance and shrinkage.
    figures : table, optional
        What no log tells, as sums over sums: costs, availability of lines.
    period : str
        ``day, week, month, quarter`` or ``year``. A target with a ``period`` of its own in the agreement keeps it.
    covers : tuple of date, optional
        First and last local day that the tables are about; by default those of the first and the last contact. Give it where a period
        begins or ends with days without contacts that the agreement does not call closed.

    Returns
    -------
    pandas.DataFrame
        `kpis`, by queue (``all``: together), period, metric and target. ``verdict`` is

        * ``met`` or ``not_met``: a figure over all contacts is a fact and is compared as it is; a sample (surveys, evaluations) is decided
          only where its whole interval lies on one side; a margin-adjusted target is missed only where the interval misses it too; with
          *k* of *n* the last *n* periods decide;
        * ``not_decidable``: there is nothing to measure, the data do not cover the period, the source lacks the clock or the table that the
          target needs, or the sample is too small. ``verdict_reason`` says which.

        ``value_low`` and ``value_high`` are the ends of the figure's interval, ``previous`` and ``trend`` set it beside the period before,
        ``unusual`` says whether it deviates from its own past (7.4). ``indicator`` is how far the target is fulfilled (0-100, see
        `ccstats.scorecard.index.fulfilment`), missing where nothing can be decided. ``money`` is due only where it can be decided;
        a malus is not where the margin lets the target pass. Records that do not know their queue are judged together (``all``).

    Raises
    ------
    OptionError
        If there is no target, the period is not known, or nothing to measure was given.
    TableError
        If a table breaks its schema.

    Warns
    -----
    DataWarning
        If the agreement names queues that the data do not have.

    See Also
    --------
    measure_index : the weighted figure of each period.
    trace_scorecard : what each figure was made of.

    Notes
    -----
    Nothing is carried from one period into the next, but for *k* of *n*. Whether a change is more than chance is judged by the intervals of
    both periods; figures without an interval (counts, quantiles, longest waits) have no trend.

    Examples
    --------
    >>> import ccstats as cc
    >>> log = cc.read(cc.sample_log(), key="a secret")
    >>> agreement = cc.Agreement.from_toml(cc.sample_file("agreement.toml"))
    >>> kpis = build_scorecard(agreement, contacts=log.contacts)
    >>> sorted(kpis["verdict"].unique().astype(str))
    ['met', 'not_decidable', 'not_met']
    """
    if period not in SCORED:
        raise OptionError(f"period={period!r} is not known; choose one of: {', '.join(SCORED)}")
    if not agreement.targets:
        raise OptionError(f"the agreement {agreement.name!r} has no targets; add [[targets]] to it")
    given = {"contacts": contacts, "intervals": intervals, "agent_states": agent_states, "surveys": surveys, "evaluations": evaluations}
    given |= {"complaints": complaints, "items": items, "forecast": forecast, "staff": staff, "absences": absences}
    given |= {"schedule": schedule, "figures": figures}
    sources = Sources.of(agreement, given, covers=covers)
    _warn_of_unknown_queues(sources)
    rows = [_of_target(sources, target, target.period or period) for target in agreement.targets]
    made = pd.concat(rows, ignore_index=True)
    for name in ("queue", "metric", "target", "unit", "clause"):
        made[name] = made[name].astype("category")
    return KPIS.conform(made)[KPIS.names()].sort_values(["period_start", "queue", "metric", "target"], ignore_index=True)


def _warn_of_unknown_queues(sources: Sources) -> None:
    names = [name for name in ("contacts", "intervals") if name in sources.tables]
    known = {str(word) for name in names for word in sources.tables[name]["queue"].dropna().unique()}
    for queue in sorted(set(sources.agreement.queues) - known) if known else ():
        warnings.warn(f"queue {queue!r} of the agreement is not in the data.{did_you_mean(queue, known)}", DataWarning, stacklevel=3)


def _of_target(sources: Sources, target: Target, period: str) -> pd.DataFrame:
    """All rows of one target: every queue it is judged for, in every period."""
    metric = _metric(sources.agreement.definition_of(target), target)
    missing = target.lacks
    if not missing and (target.queues or sources.agreement.queues) and not sources.agreement.queues_of(target):
        missing = reason("no_contacts")  # of its channels the agreement has no queue
    measured = pd.DataFrame(columns=["queue", "period_start", *_FIGURES])
    if not missing:
        try:
            measured = _measure(sources, target, metric, period)
        except NotMeasured as error:
            missing = str(error)
    if period != "interval":
        starts = sources.periods(period)
    elif len(measured):
        starts = pd.DatetimeIndex(measured["period_start"].drop_duplicates().sort_values(), tz=sources.agreement.timezone)
    else:  # one row has to say why there are none
        starts = sources.periods("day")[:1]
    queues = _queues(sources, target, metric, measured)
    frames = [_of_queue(sources, target, metric, period, queue, starts, measured[measured["queue"] == queue], missing) for queue in queues]
    return pd.concat(frames, ignore_index=True)


def _metric(name: str, target: Target) -> Metric:
    """The metric of a target; one that is not offered is known by name only."""
    if name in METRICS:
        return METRICS[name]
    formula = reason("not_offered", metric=name, needs=NOT_OFFERED[name])
    return replace(METRICS["utilisation"], name=name, formula=formula, unit=target.unit, inputs=())


def _queues(sources: Sources, target: Target, metric: Metric, measured: pd.DataFrame) -> list[str]:
    """What a target is judged for: queue by queue where it asks for that and the records tell, else all of them together."""
    if not target.by_queue:
        return [ALL]
    together = len(measured) and (measured["queue"] == ALL).all() and not target.queues and not target.channels
    return [ALL] if together else sources.queues(target, metric.table) or [ALL]


def _measure(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    """Figures of one target, kept for others that ask the same."""
    fields = target.model_dump(exclude={"name", "op", "value", "money", "weight", "note", "source", "as_of", "confidence", "k", "n"})
    key = ("measured", metric.name, period, repr(sorted(fields.items())))
    if key not in sources.cache:
        logged = metric.kind != "computed" and metric.table in ("intervals", "contacts")
        measure = measure_logged if logged else RECORD_MEASURES[metric.function]
        try:
            sources.cache[key] = measure(sources, target, metric, period)
        except (OptionError, ColumnError, ZoneError) as error:  # it asks for what these tables cannot tell; broken rows are a TableError
            raise NotMeasured(str(error.args[0])) from error
    measured: pd.DataFrame = sources.cache[key]
    return measured


def _of_queue(
    sources: Sources,
    target: Target,
    metric: Metric,
    period: str,
    queue: str,
    starts: pd.DatetimeIndex,
    measured: pd.DataFrame,
    missing: str,
) -> pd.DataFrame:
    here = _beside(starts, measured)
    low, high = target.bounds()
    bounds = Bounds(-np.inf if np.isnan(low) else low, np.inf if np.isnan(high) else high, strict=target.op in ("<", ">"))
    gaps = _gaps(sources, starts, period, list(sources.agreement.queues_of(target)) if queue == ALL else [queue], missing)
    sampled = metric.table in _SAMPLED and metric.name not in _WHOLE
    figures = here[["value", "value_low", "value_high"]].to_numpy("float64")
    judged = [
        judge(
            float(figures[at, 0]),
            float(figures[at, 1]),
            float(figures[at, 2]),
            bounds,
            sampled=sampled,
            margin_adjusted=target.margin_adjusted,
            missing=gap,
            floor=float(here["floor"].iloc[at]),
            ceiling=float(here["ceiling"].iloc[at]),
            show=share_text if metric.unit == "ratio" else "{:.4g}".format,
        )
        for at, gap in enumerate(gaps)
    ]
    decided = [each.verdict != "not_decidable" for each in judged]
    single = judged
    if target.k is not None and target.n is not None and not missing:
        kept = [None if each.verdict == "not_decidable" else each.verdict == "met" for each in judged]
        judged = judge_k_of_n(kept, k=target.k, n=target.n)
    whole = here["value"].where(~np.array([bool(gap) for gap in gaps], dtype=bool))
    # A sample too small for a verdict still says how far the target is fulfilled, as well as it can.
    shown = [value if known or sampled else np.nan for value, known in zip(whole, decided, strict=True)]
    return here.drop(columns=list(_OPEN)).assign(
        queue=queue,
        period=period,
        metric=metric.name,
        target=target.name,
        target_low=low,
        target_high=high,
        verdict=[each.verdict for each in judged],
        verdict_reason=[_reason(each, other) for each, other in zip(judged, single, strict=True)],
        previous=whole.shift(),
        trend=pd.Categorical(
            judge_trend(here.assign(value=whole), direction=metric.direction, confidence=target.confidence_level),
            categories=["better", "worse", "steady"],
        ),
        unusual=find_unusual(sources, target, metric, period, queue, here.assign(value=whole)),
        indicator=fulfilment(shown, low, high, worst=_WORST.get(metric.unit, 0.0)),
        weight=sources.agreement.weight_of(target),
        money=[_money(target, value, each) for value, each in zip(here["value"], single, strict=True)],
        unit=metric.unit,
        clause=metric.clause,
        definition=_definition(sources.agreement, target, metric, queue),
        inputs=", ".join(f"{metric.table}.{column}" for column in metric.columns),
    )


def _money(target: Target, value: float, judged: Judged) -> float:
    """What is due; no malus for what its margin of error lets pass."""
    if judged.verdict == "not_decidable":
        return np.nan
    due = target.money_for(value)
    return max(due, 0.0) if target.margin_adjusted and judged.verdict == "met" else due


def _beside(starts: pd.DatetimeIndex, measured: pd.DataFrame) -> pd.DataFrame:
    """The figures of one queue, a row for every period."""
    here = measured.set_index("period_start").reindex(columns=[*_FIGURES, *_OPEN]).astype("float64")
    here.index = pd.DatetimeIndex(here.index, tz=starts.tz).as_unit(starts.unit)
    return here.reindex(starts).rename_axis("period_start").reset_index()


def _reason(judged: Judged, single: Judged) -> str:
    """Of k of n, also why the last period itself is not decidable."""
    said = [judged.reason] if judged is single or not single.reason else [judged.reason, reason("this_period", reason=single.reason)]
    return "; ".join(each for each in said if each)


def _gaps(sources: Sources, starts: pd.DatetimeIndex, period: str, queues: list[str], missing: str) -> list[str]:
    """For each period why it cannot be judged whatever was measured; empty where it can."""
    if missing or period == "interval":
        return [missing] * len(starts)
    found = []
    for start, end in zip(starts, period_end(starts, period=period), strict=True):
        lacking, days = sources.missing_days(start, end, queues)
        found.append(reason("days_covered", days=days - lacking, all=days) if lacking else "")
    return found


def _definition(agreement: Agreement, target: Target, metric: Metric, queue: str) -> str:
    """How the figure is made, in one line that stands beside it."""
    said = [f"{metric.name} = {metric.formula}"]
    if "within" in metric.formula and metric.table == "intervals":
        limit = target.threshold_s if target.threshold_s is not None or queue == ALL else agreement.threshold_of(queue, target)
        key = "threshold_of_queue" if limit is None else "threshold_is" if agreement.service_level.inclusive else "threshold_exclusive"
        said.append(reason(key, limit="" if limit is None else f"{limit:g}"))
        if target.threshold_rules:
            said.append("other thresholds on " + ", ".join(f"{_days(rule)} {rule.threshold_s:g} s" for rule in target.threshold_rules))
    if metric.table in ("intervals", "contacts") and metric.kind != "computed" and agreement.clock_of(target) != "queued":
        said.append(reason("wait_from", clock=agreement.clock_of(target)))
    if target.probability is not None and metric.kind != "quantile" and target.statistic == "mean":
        said.append(reason("over_shortest", share=share_text(target.probability, digits=0)))
    elif target.statistic in ("max", "quantile") and metric.kind not in ("max", "quantile"):
        said.append(target.statistic + ("" if target.probability is None else f" {target.probability:g}"))
    if target.limit is not None:
        key = {"working_days": "limit_working_days", "working_hours": "limit_working_time", "elapsed": "limit_elapsed"}[target.calendar]
        said.append(reason(key, limit=f"{target.limit:g}"))
    for each in target.exclude:
        begin, end = each.span()
        said.append(reason("without_span", start=f"{begin:%Y-%m-%d %H:%M}", end=f"{end:%Y-%m-%d %H:%M}", why=each.reason))
    return "; ".join(said)


def _days(rule: Any) -> str:
    words = [*rule.days, *(["days beside holidays"] if rule.holiday_neighbours else [])]
    if rule.working_day_of_month is not None:
        words.append(f"working day {rule.working_day_of_month} of the month")
    return " or ".join(words)
