"""Figures made of logs: service levels by any clock and threshold, rates, means, the longest wait and quantiles of waits."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.agreement import Target
from ccstats.deviations.compliance import measure_compliance
from ccstats.intervals import to_intervals
from ccstats.intervals.sums import add_up, measure_columns
from ccstats.labels import reason
from ccstats.metrics import METRICS, Metric
from ccstats.periods import period_start
from ccstats.schema import NOT_QUEUED
from ccstats.scorecard.sources import ALL, NotMeasured, Sources
from ccstats.service.ratios import measure_service
from ccstats.service.waits import measure_waits

__all__ = ["count_intervals", "measure_logged"]

#: Of the mean of the shortest waits: whose waits they are.
_WAITED = {"asa_s": ("answered",), "mean_abandon_s": ("abandoned",), "mean_wait_s": ("answered", "abandoned")}


def measure_logged(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    """One metric of logs by queue and period, and over all queues.

    Parameters
    ----------
    sources : Sources
        With ``contacts``, or ``intervals`` counted as the target needs.
    target : Target
        Its threshold, clock, queues, channels and exclusions.
    metric : Metric
        Made of `contacts` or `intervals`.
    period : str
        ``interval`` (half an hour), ``day`` to ``year``.

    Returns
    -------
    pandas.DataFrame
        ``queue`` (``all``: together), ``period_start, value, value_low, value_high, count``. The ends are those of `measure_compliance`,
        which does not take the contacts of one queue as independent; counts, quantiles and the longest wait have none.

    Raises
    ------
    NotMeasured
        If the tables do not have what it takes.

    Examples
    --------
    >>> measure_logged.__name__
    'measure_logged'
    """
    if metric.kind == "quantile" or target.probability is not None or (target.statistic == "max" and metric.kind != "max"):
        return _of_waits(sources, target, metric, period)
    intervals = count_intervals(sources, target)
    if not len(intervals):
        raise NotMeasured(reason("no_contacts"))
    if "within" in metric.formula and intervals["threshold_s"].isna().all():
        raise NotMeasured(reason("no_threshold"))
    if metric.name.endswith(("excl_short", "short_met")) and intervals["short_s"].isna().all():
        raise NotMeasured(reason("no_short"))
    zone = sources.agreement.timezone
    by = ["queue"] if target.by_queue else []
    measured = measure_service(intervals, by=by, period=period, timezone=zone)
    if lacking := [name for name in metric.columns if name not in measured]:
        raise NotMeasured(reason("source_lacks_columns", columns=", ".join(lacking)))
    made = pd.DataFrame({"queue": measured["queue"].astype("str") if by else [ALL] * len(measured)})
    made["period_start"] = measured["period_start"].dt.tz_convert(zone)
    made["value"], made["count"] = measured[metric.name].to_numpy("float64", na_value=np.nan), _cases(measured, metric)
    if metric.kind not in ("ratio", "mean") or period == "interval" or made["value"].isna().all():
        return made.assign(value_low=np.nan, value_high=np.nan)  # one interval says nothing of what the next could be
    ends = measure_compliance(
        intervals, metric=metric.name, target=0.0, sense="at_least", by=by, within=period, timezone=zone, confidence=target.confidence_level
    )
    ends["queue"] = ends["queue"].astype("str") if by else ALL
    return made.merge(ends[["queue", "period_start", "value_low", "value_high"]], on=["queue", "period_start"], how="left")


def _cases(measured: pd.DataFrame, metric: Metric) -> NDArray[np.float64]:
    """What the value was divided by; of a count the value itself, of a maximum all that were offered."""
    terms = METRICS[metric.parts[0]].denominator if metric.parts else metric.denominator
    if not terms:
        terms = ((1, "offered" if metric.kind == "max" else metric.name),)
    found = np.zeros(len(measured))
    for sign, name in terms:
        found += sign * measured[name].to_numpy("float64", na_value=np.nan)
    return found


def count_intervals(sources: Sources, target: Target) -> pd.DataFrame:
    """The intervals a target is judged on: counted from contacts by its clock and threshold, or those that were given, if they fit.

    Parameters
    ----------
    sources : Sources
        With ``contacts`` or ``intervals``.
    target : Target
        Its threshold, rules for single days, clock, queues, channels and exclusions.

    Returns
    -------
    pandas.DataFrame
        `intervals`.

    Raises
    ------
    NotMeasured
        If the clock is not in the data, or the intervals were counted otherwise.

    Examples
    --------
    >>> count_intervals.__name__
    'count_intervals'
    """
    agreement, terms = sources.agreement, sources.agreement.service_level
    if "contacts" not in sources.tables:
        if "intervals" not in sources.tables:
            sources.table("contacts")
        return _given_intervals(sources, target)
    key = ("intervals", target.threshold_s, target.threshold_rules, target.clock, target.queues, target.channels, target.exclude)
    if key in sources.cache:
        kept: pd.DataFrame = sources.cache[key]
        return kept
    clock = agreement.clock_of(target)
    contacts = _by_clock(sources.rows("contacts", target), clock)
    names = [str(name) for name in contacts["queue"].dropna().unique()]
    short = {name: value for name in names if (value := agreement.short_of(name)) is not None}
    limits = _thresholds(sources, target, contacts)
    parts = []
    for limit in np.unique(limits):
        rows = contacts[limits == limit].reset_index(drop=True)
        here = to_intervals(
            rows,
            timezone=agreement.timezone,
            threshold_s=float(limit),
            short_s={name: short[name] for name in rows["queue"].dropna().unique() if name in short} or None,
            attribute_by=terms.attribute_by,
            clock="arrived" if clock == "arrived" else "queued",
            inclusive=terms.inclusive,
            fill=False,
        )
        parts.append(here)
    made = _together(parts) if parts else to_intervals(contacts, timezone=agreement.timezone)
    sources.cache[key] = made
    return made


def _together(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Intervals that were counted with several thresholds, as one table of one row a queue and interval."""
    words = sorted({str(word) for part in parts for word in part["queue"].dropna().unique()})
    one = pd.concat([part.assign(queue=part["queue"].astype(pd.CategoricalDtype(words))) for part in parts], ignore_index=True)
    keys = ["queue", "interval_start"]
    if not one.duplicated(keys).any():
        return one
    # Contacts of two days of different thresholds were booked in one interval, where they ended: sums add up.
    groups = one.groupby(keys, observed=True, sort=True)
    largest = {name: groups[name].max() for name in ("threshold_s", "short_s")}
    made = groups.first().assign(**largest).reset_index()
    sums, missing = add_up(one, groups.ngroup().to_numpy(), len(made))
    return made.assign(**measure_columns(sums, missing))[list(one.columns)]


def _by_clock(contacts: pd.DataFrame, clock: str) -> pd.DataFrame:
    """The contacts, ``wait_s`` counted from where the clock starts."""
    if clock == "first_ring":
        raise NotMeasured(reason("no_first_ring"))
    column = {"arrived": "arrived_at", "human_option": "human_option_at"}.get(clock)
    if column is not None and (column not in contacts or contacts[column].isna().all()):
        raise NotMeasured(reason("no_arrival" if column == "arrived_at" else "no_human_option"))
    if clock != "human_option":
        return contacts
    # Who was never offered a human has no wait on this clock.
    contacts = contacts[contacts["human_option_at"].notna() | contacts["outcome"].isin(NOT_QUEUED)].reset_index(drop=True)
    before = (contacts["queued_at"] - contacts["human_option_at"]).dt.total_seconds()
    return contacts.assign(wait_s=(contacts["wait_s"] + before).clip(lower=0))


def _thresholds(sources: Sources, target: Target, contacts: pd.DataFrame) -> NDArray[np.float64]:
    """The threshold [s] of each contact, by its queue and day."""
    found = np.full(len(contacts), np.nan)
    at = sources.instants("contacts", contacts)
    for name, rows in contacts.groupby("queue", observed=True).indices.items():
        usual = sources.agreement.threshold_of(str(name), target)
        found[rows] = usual
        if target.threshold_rules:
            known = rows[at.iloc[rows].notna().to_numpy()]
            calendar = sources.agreement.calendar(str(name))
            found[known] = target.thresholds_at(at.iloc[known], calendar=calendar, threshold_s=usual)
    return np.nan_to_num(found, nan=sources.agreement.service_level.threshold_s)


def _given_intervals(sources: Sources, target: Target) -> pd.DataFrame:
    agreement = sources.agreement
    clock = agreement.clock_of(target)
    if clock != "queued":
        raise NotMeasured(reason("clock_of_intervals", clock=clock))
    if target.threshold_rules:
        raise NotMeasured(reason("threshold_by_day"))
    intervals = sources.rows("intervals", target)
    if "within" in METRICS[agreement.definition_of(target)].formula:
        for name, rows in intervals.groupby("queue", observed=True):
            counted, wanted = rows["threshold_s"].dropna().unique(), agreement.threshold_of(str(name), target)
            if set(counted) - {wanted}:
                raise NotMeasured(reason("other_threshold", queue=name, counted=f"{counted[0]:g}", wanted=f"{wanted:g}"))
    if "short" in METRICS[agreement.definition_of(target)].formula:
        for name, rows in intervals.groupby("queue", observed=True):
            counted, short = rows["short_s"].dropna().unique(), agreement.short_of(str(name))
            if len(counted) and set(counted) - {short}:
                wanted_short = "–" if short is None else f"{short:g}"
                raise NotMeasured(reason("other_threshold", queue=name, counted=f"{counted[0]:g}", wanted=wanted_short))
    return intervals


def _of_waits(sources: Sources, target: Target, metric: Metric, period: str) -> pd.DataFrame:
    """Quantiles of waits, and the mean of the shortest waits."""
    if period == "interval":
        raise NotMeasured(reason("no_quantile_of_intervals"))
    contacts = _by_clock(sources.rows("contacts", target), sources.agreement.clock_of(target))
    clock = "arrived" if sources.agreement.clock_of(target) == "arrived" else "queued"
    if metric.kind != "quantile":
        return _of_single_waits(contacts, target, metric, period, sources.agreement.timezone, clock)
    by = ["queue"] if target.by_queue else []
    asked = {"quantiles": metric.probability, "within_s": (), "clock": clock}
    found = measure_waits(contacts, by=by, period=period, timezone=sources.agreement.timezone, **asked)  # type: ignore[arg-type]
    made = pd.DataFrame({"queue": found["queue"].astype("str") if by else [ALL] * len(found)})
    made["period_start"], made["value"], made["count"] = found["period_start"], found[metric.name], found["answered"].astype("float64")
    return made.assign(value_low=np.nan, value_high=np.nan)


def _of_single_waits(contacts: pd.DataFrame, target: Target, metric: Metric, period: str, zone: str, clock: str) -> pd.DataFrame:
    """The longest wait, a quantile of waits, or the mean of the shortest, of those whose mean the metric is."""
    if metric.name not in _WAITED:
        raise NotMeasured(reason("no_shortest", metric=metric.name, statistic=target.statistic))
    waited = contacts[contacts["outcome"].isin(_WAITED[metric.name]) & contacts["wait_s"].notna()]
    wait = waited["wait_s"]
    if clock == "arrived":
        wait = wait + (waited["queued_at"] - waited["arrived_at"]).dt.total_seconds()
    starts = period_start(waited["queued_at"], period=period, timezone=zone)
    queue = waited["queue"].astype("str") if target.by_queue else ALL
    rows = pd.DataFrame({"queue": queue, "period_start": starts, "wait": wait}).dropna().sort_values("wait", kind="stable")
    keys = ["queue", "period_start"]
    group = rows.groupby(keys)["wait"]
    share = 1.0 if target.probability is None else target.probability
    if target.statistic == "max":
        made = pd.DataFrame({"value": group.max(), "count": group.size()})
    elif target.statistic == "quantile":
        made = pd.DataFrame({"value": group.quantile(share), "count": group.size()})
    else:
        kept = rows[group.cumcount() < np.ceil(share * group.transform("size") - 1e-9)]
        shortest = kept.groupby(keys)["wait"]
        made = pd.DataFrame({"value": shortest.mean(), "count": shortest.size()})
    return made.reset_index().astype({"count": "float64"}).assign(value_low=np.nan, value_high=np.nan)
