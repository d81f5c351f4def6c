"""Figures made of records: surveys, repeats, evaluations, complaints, written work, staff, forecasts, and what no log tells."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ccstats.agreement import Target
from ccstats.deviations.accuracy import measure_forecast_accuracy
from ccstats.errors import DataWarning, TableError
from ccstats.intervals import to_intervals
from ccstats.labels import reason
from ccstats.metrics import Metric
from ccstats.periods import Calendar, period_start
from ccstats.satisfaction.complaints import measure_complaints
from ccstats.satisfaction.quality import measure_quality
from ccstats.satisfaction.resolution import measure_resolution
from ccstats.satisfaction.scales import check_surveys
from ccstats.satisfaction.staff import measure_absenteeism, measure_turnover
from ccstats.satisfaction.surveys import measure_satisfaction
from ccstats.schema import ITEMS, SURVEYS
from ccstats.scorecard.schedule_measures import cut_out, measure_kept
from ccstats.scorecard.sources import ALL, NotMeasured, Sources
from ccstats.service.agents import measure_agents
from ccstats.service.channels import measure_callbacks, measure_ivr, measure_outbound
from ccstats.service.concurrency import measure_concurrency
from ccstats.service.deferred import measure_deferred

__all__ = ["RECORD_MEASURES", "measure_figures"]

#: What a figure rests on, by metric: the column of its function's table that counts it.
_COUNTS = {
    **dict.fromkeys(("fcr_window", "repeat_contacts"), "issues"),
    **dict.fromkeys(("fcr_window_contacts",), "contacts"),
    "fcr_gross": "inbound_contacts",
    "fcr_net": "resolvable_contacts",
    "repeat_rate": "lookback_contacts",
    "response_rate": "invitations",
    "complaints_per_1000": "handled",
    "complaint_resolution_s": "closed",
    "complaint_first_resolution": "closed",
    "complaint_ack_s": "acknowledged",
}

#: Shares that open cases can still move: the columns that count the decided ones, and the one that counts the open ones.
_PENDING: dict[str, tuple[tuple[str, ...], str]] = {
    "complaint_on_time_rate": (("on_time", "late"), "not_due"),
    "complaint_first_resolution": (("closed",), "open"),
    "response_sl": (("answered_within", "answered_late", "overdue"), "not_due"),
    "response_sl_working": (("answered_within_working", "answered_late_working", "overdue_working"), "not_due_working"),
    "callback_on_time_rate": (("on_time", "late"), "not_due"),
    "fcr_window": (("issues",), "censored"),
    "fcr_window_contacts": (("contacts",), "censored_contacts"),
    "fcr_gross": (("inbound_contacts",), "censored_contacts"),
}


#: Of a time of written work, what ends it.
_ENDS = {"first_response_s": ("first_response_at", "closed_at"), "resolution_s": ("closed_at",)}


def _figures(table: pd.DataFrame, column: str, count: Any) -> pd.DataFrame:
    """A measured table in the scorecard's columns: queue, period, value, interval, count."""
    made = pd.DataFrame({"queue": table["queue"].astype("str") if "queue" in table else [ALL] * len(table)})
    made["period_start"] = table["period_start"].array
    made["value"] = _numbers(table, column)
    for end in ("low", "high"):
        name = next((each for each in (f"{column}_{end}", f"{column}_ci_{end}") if each in table), None)
        made[f"value_{end}"] = np.nan if name is None else _numbers(table, name)
    made["count"] = count
    if column in _PENDING:
        counted, pending = _PENDING[column]
        n, open_cases = sum(_numbers(table, name) for name in counted), _numbers(table, pending)
        good = np.nan_to_num(made["value"]) * n
        with np.errstate(invalid="ignore"):
            made["floor"], made["ceiling"] = good / (n + open_cases), (good + open_cases) / (n + open_cases)
    return made


def _numbers(table: pd.DataFrame, column: str) -> Any:
    if column not in table:
        raise NotMeasured(reason("not_from_these", metric=column))
    return table[column].to_numpy("float64", na_value=np.nan)


def _grouped(measure: Callable[[list[str]], pd.DataFrame], column: str, rows: pd.DataFrame, target: Target, count: str) -> pd.DataFrame:
    """By queue where the target asks for it and the rows know theirs, else over all of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # said once where the tables are read and checked
        table = measure(["queue"] if target.by_queue and "queue" in rows and rows["queue"].notna().any() else [])
    return _figures(table, column, _numbers(table, count)) if len(table) else _none()


def _column(target: Target, metric: Metric) -> str:
    """The column of a mean, its longest or one of its quantiles; of the clock that the target is counted by."""
    name, seconds = metric.column.removesuffix("_s"), "_s" if metric.column.endswith("_s") else ""
    if target.calendar == "working_days" and metric.name in ("complaint_resolution_s", "complaint_ack_s"):
        name, seconds = f"{name}_working_days", ""
    elif (
        target.calendar != "elapsed"
        and metric.function in ("measure_deferred", "measure_complaints")
        and (seconds or name == "response_sl")
    ):
        name = f"{name}_working"
    if target.statistic == "max":
        return f"{name}_max{seconds}"
    if target.statistic == "quantile" and target.probability is not None:
        return f"{name}_p{100 * target.probability:g}{seconds}"
    return f"{name}{seconds}"


def _none() -> pd.DataFrame:
    return pd.DataFrame(columns=["queue", "period_start", "value", "value_low", "value_high", "count"])


def _resolution(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    if metric.name == "fcr_net":
        raise NotMeasured(reason("not_from_these", metric=metric.name))  # which contacts nobody can resolve is not in the tables
    mine = sources.rows("contacts", target)
    if "customer" not in mine or mine["customer"].isna().all():
        raise NotMeasured(reason("no_customer"))
    # Who comes again may come to another queue: all contacts are looked at, and those counted that began where the target is about.
    whole = sources.rows("contacts", target, everything=True)
    asked: dict[str, Any] = {"period": period, "timezone": sources.agreement.timezone, "confidence": target.confidence_level}
    asked["observed"] = sources.covers
    if target.limit is not None:
        asked["window_days"] = target.limit / 86_400
    if len(mine) == len(whole):  # what is asked about is a part of the whole
        whole = whole.assign(asked_about=True)
    else:
        visits = pd.MultiIndex.from_frame(whole[["contact_id", "visit"]])
        whole = whole.assign(asked_about=visits.isin(pd.MultiIndex.from_frame(mine[["contact_id", "visit"]])))

    def measure(by: list[str]) -> pd.DataFrame:
        table = measure_resolution(whole, by=[*by, "asked_about"], **asked)
        return table[table["asked_about"]].reset_index(drop=True)

    return _grouped(measure, _column(target, metric), whole, target, _COUNTS[metric.name])


def _satisfaction(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    surveys = sources.rows("surveys", target)
    check_surveys(surveys)
    instrument = metric.name.split("_")[0]
    if metric.name == "response_rate":
        surveys = _asked(surveys)
    else:
        surveys = surveys[surveys["instrument"] == instrument].reset_index(drop=True)
        if not len(surveys):
            raise NotMeasured(reason("no_survey", instrument=instrument))
    asked: dict[str, Any] = {"period": period, "timezone": sources.agreement.timezone, "confidence": target.confidence_level}
    if len(sources.tables.get("contacts", ())):
        asked["contacts"] = sources.tables["contacts"]
    count = _COUNTS.get(metric.name, "responses")
    try:
        return _grouped(lambda by: measure_satisfaction(surveys, by=by, **asked), _column(target, metric), surveys, target, count)
    except TableError as error:  # the answers are sound each by itself, but on several scales
        raise NotMeasured(str(error)) from error


def _asked(surveys: pd.DataFrame) -> pd.DataFrame:
    """One row a customer who was asked; answered is what has an answer to any question. Agents are not customers."""
    customers = surveys["instrument"] != "enps"
    rows = surveys[customers] if customers.any() else surveys
    rows = rows.assign(silent=rows["score"].isna()).sort_values(["response_id", "silent"], kind="stable").drop_duplicates("response_id")
    score = np.where(rows["silent"], np.nan, 1.0)
    made = rows.drop(columns="silent").assign(score=score, scale_min=0.0, scale_max=1.0, polarity="higher_is_better", instrument="other")
    return SURVEYS.conform(made.reset_index(drop=True))


def _quality(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    evaluations = sources.rows("evaluations", target)
    asked: dict[str, Any] = {"period": period, "timezone": sources.agreement.timezone, "confidence": target.confidence_level}
    if "contacts" in sources.tables:
        asked["contacts"] = sources.rows("contacts", target)
    elif metric.name == "qm_coverage":
        raise NotMeasured(reason("no_contacts_for_share"))
    count = "answered" if metric.name == "qm_coverage" else "evaluations"
    return _grouped(lambda by: measure_quality(evaluations, by=by, **asked), _column(target, metric), evaluations, target, count)


def _complaints(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    complaints = sources.rows("complaints", target)
    asked: dict[str, Any] = {"period": period, "timezone": sources.agreement.timezone, "confidence": target.confidence_level}
    asked["as_of"] = sources.covers[1]
    if "contacts" in sources.tables:
        asked["contacts"] = sources.rows("contacts", target)
    elif metric.name == "complaints_per_1000":
        raise NotMeasured(reason("no_contacts_to_divide"))
    if target.calendar != "elapsed":
        asked |= {"calendar": sources.agreement.calendar(), "clock": "working" if target.calendar == "working_hours" else "elapsed"}
    if target.limit is not None:
        asked["limit_working_days" if target.calendar == "working_days" else "limit_s"] = (
            int(target.limit) if target.calendar == "working_days" else target.limit
        )
    count = _COUNTS.get(metric.name, "complaints")
    return _grouped(lambda by: measure_complaints(complaints, by=by, **asked), _column(target, metric), complaints, target, count)


def _accuracy(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    forecast = sources.rows("forecast", target)
    zone = sources.agreement.timezone
    if "contacts" in sources.tables:
        lengths = forecast["interval_s"].unique()
        if len(lengths) != 1:
            raise NotMeasured(reason("not_from_these", metric=metric.name))
        intervals = to_intervals(sources.rows("contacts", target), timezone=zone, every=f"{lengths[0]:g}s")
    else:
        intervals = sources.rows("intervals", target)

    def measure(by: list[str]) -> pd.DataFrame:
        table = measure_forecast_accuracy(forecast, intervals, by=by, period=period, timezone=zone)
        return table[table["metric"].astype("str") == "offered"].reset_index(drop=True)

    try:
        return _grouped(measure, _column(target, metric), forecast, target, "intervals")
    except TableError as error:  # both tables are sound, but do not fit each other
        raise NotMeasured(str(error)) from error


def _agents(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    states = sources.table("agent_states")
    if words := (*target.queues, *target.channels):
        raise NotMeasured(reason("not_said", table="agent_states", column="queue" if target.queues else "channel", words=", ".join(words)))
    states = cut_out(states, sources.excluded(target))
    contacts = sources.rows("contacts", target)
    table = measure_agents(contacts, states, by=(), period=period, timezone=sources.agreement.timezone)
    return _figures(table, metric.column, _numbers(table, "handled"))  # agents' time is not told apart by queue


def _staff(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    staff = sources.rows("staff", target)
    asked: dict[str, Any] = {"period": period, "timezone": sources.agreement.timezone, "observed": sources.covers}
    return _grouped(lambda by: measure_turnover(staff, by=by, **asked), _column(target, metric), staff, target, "headcount_start")


def _absences(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    absences = sources.rows("absences", target)
    asked: dict[str, Any] = {"period": period, "timezone": sources.agreement.timezone, "confidence": target.confidence_level}
    return _grouped(lambda by: measure_absenteeism(absences, by=by, **asked), _column(target, metric), absences, target, "agents")


def _deferred(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    items = sources.rows("items", target)
    if target.calendar == "working_days":
        raise NotMeasured(reason("not_in_working_days", metric=metric.name))
    zone, calendar = sources.agreement.timezone, None if target.calendar == "elapsed" else sources.agreement.calendar()
    if target.statistic == "max" and metric.name in _ENDS:
        return _longest(items, metric, period, zone=zone, calendar=calendar, as_of=sources.covers[1], by_queue=target.by_queue)
    asked: dict[str, Any] = {"period": period, "timezone": zone, "target_s": target.limit, "as_of": sources.covers[1]}
    asked |= {"calendar": calendar, "confidence": target.confidence_level}
    return _grouped(lambda by: measure_deferred(items, by=by, **asked), _column(target, metric), items, target, "items")


def _longest(
    items: pd.DataFrame, metric: Metric, period: str, *, zone: str, calendar: Calendar | None, as_of: pd.Timestamp, by_queue: bool
) -> pd.DataFrame:
    """The longest time of the items opened in each period; what has not ended has lasted so long, and may last any longer."""
    ITEMS.check(items, columns=["item_id", "opened_at", "first_response_at", "closed_at"])
    items = items[items["opened_at"] < as_of].reset_index(drop=True)
    known = [items[name].where(items[name] <= as_of) for name in _ENDS[metric.name]]
    ended = known[0] if len(known) == 1 else known[0].fillna(known[1])
    until = ended.fillna(as_of.tz_convert("UTC"))
    took = (until - items["opened_at"]).dt.total_seconds() if calendar is None else calendar.open_seconds(items["opened_at"], until)
    rows = pd.DataFrame({"queue": items["queue"].astype("str") if by_queue else ALL, "took": took, "open": ended.isna()})
    if len(known) == 2:  # closed without a reply: it never had the time asked for
        rows.loc[known[0].isna() & known[1].notna(), "took"] = np.nan
    rows["period_start"] = period_start(items["opened_at"], period=period, timezone=zone)
    made = rows.groupby(["queue", "period_start"], as_index=False).agg(value=("took", "max"), count=("took", "count"), open=("open", "any"))
    made["ceiling"] = made["value"].where(~made["open"], np.inf)
    return made.assign(floor=made["value"], value_low=np.nan, value_high=np.nan).drop(columns="open")


def _callbacks(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    asked: dict[str, Any] = {"as_of": sources.covers[1]}
    if target.limit is not None and target.calendar == "working_days":
        asked |= {"promise_working_days": int(target.limit), "calendar": sources.agreement.calendar()}
    elif target.limit is not None:
        asked |= {"promise_s": target.limit}
    return _of_contacts(measure_callbacks, "callbacks", **asked)(sources, target, metric, period)


def _of_contacts(measure: Callable[..., pd.DataFrame], count: str, **asked: Any) -> Callable[..., pd.DataFrame]:
    def measured(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
        contacts = sources.rows("contacts", target)
        lacking = [name for name in metric.columns if name not in contacts and not (name == "promised_at" and target.limit is not None)]
        if lacking:
            raise NotMeasured(reason("source_lacks_columns", columns=", ".join(lacking)))
        if metric.name == "rpc_rate":
            raise NotMeasured(reason("not_from_these", metric=metric.name))  # which dispositions are those of the right person is not told
        more = {"confidence": target.confidence_level} | asked if measure is not measure_concurrency else asked
        zone = sources.agreement.timezone
        return _grouped(
            lambda by: measure(contacts, by=by, period=period, timezone=zone, **more), _column(target, metric), contacts, target, count
        )

    return measured


def measure_figures(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    """Figures that were given as sums over sums, by queue and period; over all queues the sums are added.

    Parameters
    ----------
    sources : Sources
        With ``figures``.
    target, metric, period
        What is judged.

    Returns
    -------
    pandas.DataFrame
        ``queue, period_start, value, value_low, value_high, count``; rows without a queue are about all of them.

    Raises
    ------
    NotMeasured
        If no such figures were given.

    Examples
    --------
    >>> measure_figures.__name__
    'measure_figures'
    """
    figures = sources.rows("figures", target) if "figures" in sources.tables else pd.DataFrame({"metric": []})
    figures = figures[figures["metric"].astype("str") == metric.name]
    if not len(figures):
        raise NotMeasured(reason("no_log_tells", metric=metric.name))
    starts = period_start(figures["period_start"], period=period, timezone=sources.agreement.timezone)
    frame = figures.assign(period_start=starts, queue=figures["queue"].astype("str").fillna(ALL))
    told = frame["queue"] == ALL
    if target.by_queue and not told.all():
        rows = frame[~told]
    else:  # what is said of all goes first; where nothing is, the queues are added up
        rows = frame[told | ~frame["period_start"].isin(frame.loc[told, "period_start"])].assign(queue=ALL)
    sums = rows.groupby(["queue", "period_start"], as_index=False)[["numerator", "denominator"]].sum()
    value = np.divide(sums["numerator"], sums["denominator"].where(sums["denominator"] != 0))
    return sums[["queue", "period_start"]].assign(value=value, value_low=np.nan, value_high=np.nan, count=sums["denominator"])


def _needs_more(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    raise NotMeasured(reason("said_of_a_target", metric=metric.name, function=metric.function))


#: How the figures of each function are had.
RECORD_MEASURES: dict[str, Callable[[Sources, Target, Metric, str], pd.DataFrame]] = {
    "measure_resolution": _resolution,
    "measure_satisfaction": _satisfaction,
    "measure_quality": _quality,
    "measure_complaints": _complaints,
    "measure_forecast_accuracy": _accuracy,
    "measure_agents": _agents,
    **dict.fromkeys(("measure_adherence", "measure_shrinkage"), measure_kept),
    "measure_turnover": _staff,
    "measure_absenteeism": _absences,
    "measure_deferred": _deferred,
    "measure_ivr": _of_contacts(measure_ivr, "entered"),
    "measure_callbacks": _callbacks,
    "measure_concurrency": _of_contacts(measure_concurrency, "contacts", channel=None),
    "measure_outbound": _of_contacts(measure_outbound, "dial_attempts"),
    **dict.fromkeys(("build_scorecard", "measure_continuity"), measure_figures),
    **dict.fromkeys(("measure_compliance", "plan_staffing", "measure_calibration", "measure_training"), _needs_more),
}
