"""Figures made of records: surveys, repeats, evaluations, complaints, written work, staff, forecasts, and what no log tells."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from ccstats.agreement import Target
from ccstats.deviations.accuracy import measure_forecast_accuracy
from ccstats.errors import DataWarning
from ccstats.intervals import to_intervals
from ccstats.labels import reason
from ccstats.metrics import Metric
from ccstats.periods import period_start
from ccstats.satisfaction.complaints import measure_complaints
from ccstats.satisfaction.quality import measure_quality
from ccstats.satisfaction.resolution import measure_resolution
from ccstats.satisfaction.staff import measure_absenteeism, measure_turnover
from ccstats.satisfaction.surveys import measure_satisfaction
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
_PENDING = {
    "complaint_on_time_rate": (("on_time", "late"), "not_due"),
    "response_sl": (("answered_within", "answered_late", "overdue"), "not_due"),
    "callback_on_time_rate": (("on_time", "late"), "not_due"),
    "fcr_window": (("issues",), "censored"),
}


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


def _both(measure: Callable[[str | tuple[()]], pd.DataFrame], column: str, rows: pd.DataFrame, count: str) -> pd.DataFrame:
    """By queue, where the rows know theirs, and over all of them."""
    parts = []
    for by in ["queue", ()] if "queue" in rows else [()]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # said once where the tables are read and checked
            table = measure(by)  # type: ignore[arg-type]
        if len(table):
            parts.append(_figures(table, column, _numbers(table, count)))
    return pd.concat(parts, ignore_index=True) if parts else _none()


def _column(target: Target, metric: Metric) -> str:
    """The column of a mean, its longest or one of its quantiles; of the clock that the target is counted by."""
    name, seconds = metric.column.removesuffix("_s"), "_s" if metric.column.endswith("_s") else ""
    if target.calendar == "working_days" and metric.name == "complaint_resolution_s":
        name, seconds = f"{name}_working", "_days"
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
    contacts = sources.rows("contacts", target)
    if "customer" not in contacts or contacts["customer"].isna().all():
        raise NotMeasured(reason("no_customer"))
    zone = sources.agreement.timezone
    asked: dict[str, Any] = {"period": period, "timezone": zone, "confidence": target.confidence_level}
    if target.limit is not None:
        asked["window_days"] = target.limit / 86_400
    return _both(lambda by: measure_resolution(contacts, by=by, **asked), _column(target, metric), contacts, _COUNTS[metric.name])


def _satisfaction(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    surveys = sources.rows("surveys", target)
    instrument = metric.name.split("_")[0]
    if instrument in ("csat", "nps", "ces", "enps"):
        surveys = surveys[surveys["instrument"] == instrument].reset_index(drop=True)
        if not len(surveys):
            raise NotMeasured(reason("no_survey", instrument=instrument))
    elif metric.name == "response_rate":
        surveys = surveys.drop_duplicates("response_id").reset_index(drop=True)
    asked: dict[str, Any] = {"period": period, "timezone": sources.agreement.timezone, "confidence": target.confidence_level}
    contacts = sources.tables.get("contacts")
    count = _COUNTS.get(metric.name, "responses")
    return _both(lambda by: measure_satisfaction(surveys, contacts=contacts, by=by, **asked), _column(target, metric), surveys, count)


def _quality(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    evaluations = sources.rows("evaluations", target)
    asked: dict[str, Any] = {"period": period, "timezone": sources.agreement.timezone, "confidence": target.confidence_level}
    if "contacts" in sources.tables:
        asked["contacts"] = sources.rows("contacts", target)
    elif metric.name == "qm_coverage":
        raise NotMeasured(reason("no_contacts_for_share"))
    return _both(lambda by: measure_quality(evaluations, by=by, **asked), _column(target, metric), evaluations, "evaluations")


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
    return _both(
        lambda by: measure_complaints(complaints, by=by, **asked),
        _column(target, metric),
        complaints,
        _COUNTS.get(metric.name, "complaints"),
    )


def _accuracy(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    forecast = sources.rows("forecast", target)
    zone = sources.agreement.timezone
    if "contacts" in sources.tables:
        intervals = to_intervals(sources.rows("contacts", target), timezone=zone)
    else:
        intervals = sources.rows("intervals", target)
    parts = []
    for by in ("queue", ()):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # a forecast may well reach further than what has happened
            table = measure_forecast_accuracy(forecast, intervals, by=by, period=period, timezone=zone)
        table = table[table["metric"].astype("str") == "offered"].reset_index(drop=True)
        parts.append(_figures(table, metric.column, _numbers(table, "intervals")))
    return pd.concat(parts, ignore_index=True)


def _agents(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    contacts, states = sources.rows("contacts", target), sources.table("agent_states")
    table = measure_agents(contacts, states, by=(), period=period, timezone=sources.agreement.timezone)
    return _figures(table, metric.column, _numbers(table, "handled"))  # agents' time is not told apart by queue


def _staff(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    staff = sources.rows("staff", target)
    asked: dict[str, Any] = {"period": period, "timezone": sources.agreement.timezone, "observed": sources.covers}
    return _both(lambda by: measure_turnover(staff, by=by, **asked), _column(target, metric), staff, "headcount_start")


def _absences(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    absences = sources.rows("absences", target)
    zone = sources.agreement.timezone
    return _both(lambda by: measure_absenteeism(absences, by=by, period=period, timezone=zone), _column(target, metric), absences, "agents")


def _deferred(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    items = sources.rows("items", target)
    asked: dict[str, Any] = {"period": period, "timezone": sources.agreement.timezone, "target_s": target.limit, "as_of": sources.covers[1]}
    if target.calendar != "elapsed":
        asked["calendar"] = sources.agreement.calendar()
    return _both(lambda by: measure_deferred(items, by=by, **asked), _column(target, metric), items, "items")


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
        zone = sources.agreement.timezone
        lacking: set[str] = set()

        def table(by: Any) -> pd.DataFrame:
            made = measure(contacts, by=by, period=period, timezone=zone, **asked)
            lacking.update(made["not_logged"].astype("str").unique() if "not_logged" in made else ())
            return made

        found = _both(table, _column(target, metric), contacts, count)
        if len(found) and found["value"].isna().all() and (words := sorted(lacking - {""})):
            raise NotMeasured(reason("source_lacks_columns", columns=", ".join(words)))
        return found

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
    whole = frame if (frame["queue"] == ALL).all() else frame[frame["queue"] != ALL]
    parts = [frame[frame["queue"] != ALL], whole.assign(queue=ALL)]
    sums = pd.concat(parts).groupby(["queue", "period_start"], as_index=False)[["numerator", "denominator"]].sum()
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
