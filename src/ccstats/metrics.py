"""The registry of metrics: each formula once, as data, with unit, direction, clause of EN 15838 and source.

A ratio is kept as signed columns over signed columns. One divider serves them all (`ccstats.intervals.ratios.add_ratios`), so that a figure
is always sums divided last, never an average of averages. Source codes (V06, M02, …) are resolved on the page *Differences from vendor
reports*.

What is in the registry: every metric of the dictionary that is a count, sum, ratio, mean, maximum or quantile of columns of `contacts`,
`intervals` or `agent_intervals`. The border cases: ``aht_s`` is a sum of three means and names its parts; ``handled`` is counted from what
agents did, because transfers in and outbound contacts have no queue visit; ``workload_erlang`` and ``concurrency`` also come from logged
columns, but the first is a product of metrics and the second needs overlapping spans, so neither is a ratio of sums. `COMES_LATER` lists
them and everything else that is not here, each with what it waits for. ``utilisation`` is over paid time, which no table holds: it is made
where that is given; ``utilisation_logged`` is the part of it that logs alone can tell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["COMES_LATER", "METRICS", "RATIOS", "SERVICE_LEVELS", "Metric", "Term"]

#: A sign (+1 or -1) and a column.
Term = tuple[int, str]


@dataclass(frozen=True)
class Metric:
    """One metric: what it is called, how it is computed, and who says so.

    Parameters
    ----------
    name : str
        Column name.
    title : str
        What people call it.
    kind : str
        ``count``, ``sum``, ``ratio``, ``mean``, ``quantile`` or ``max``.
    table : str
        The table whose columns it is made of.
    numerator, denominator : tuple of (sign, column)
        Added up with their signs; without a denominator the numerator is the metric.
    formula : str
        The same, to read.
    unit : str
        ``count``, ``ratio`` (0-1), ``s`` or ``1/h``.
    direction : str
        ``higher_is_better``, ``lower_is_better`` or ``neutral``.
    clause : str
        Clause of EN 15838 it serves.
    source : str
        Codes of the source list, or the words ``trade convention`` and ``this project``.
    scale : float
        Factor on the quotient, such as 3600 for "per hour".
    parts : tuple of str
        Metrics it is the sum of, over those that are known.
    probability : float, optional
        Of a quantile. [0-1]

    Examples
    --------
    >>> import ccstats as cc
    >>> metric = cc.metrics.METRICS["service_level"]
    >>> metric.numerator, metric.denominator
    (((1, 'answered_within'),), ((1, 'offered'), (-1, 'open')))
    """

    name: str
    title: str
    kind: str
    table: str
    numerator: tuple[Term, ...]
    denominator: tuple[Term, ...]
    formula: str
    unit: str
    direction: str
    clause: str
    source: str
    scale: float = 1.0
    parts: tuple[str, ...] = ()
    probability: float | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of ``table`` it is made of, each once.

        Examples
        --------
        >>> METRICS["sl_answered_only"].columns
        ('answered_within', 'answered')
        """
        if self.parts:
            return tuple(column for part in self.parts for column in METRICS[part].columns)
        return tuple(dict.fromkeys(column for _, column in self.numerator + self.denominator))


def _terms(text: str) -> tuple[Term, ...]:
    return tuple((-1 if sign == "-" else 1, name) for sign, name in re.findall(r"([+-]?)\s*([a-z]\w*)", text))


def _count(name: str, title: str, meaning: str, direction: str, clause: str, source: str, *, table: str = "intervals") -> Metric:
    return Metric(name, title, "count", table, ((1, name),), (), meaning, "count", direction, clause, source)


def _quotient(
    name: str,
    title: str,
    formula: str,
    unit: str,
    direction: str,
    clause: str,
    source: str,
    *,
    kind: str = "ratio",
    table: str = "intervals",
    scale: float = 1.0,
) -> Metric:
    # The terms are read from the formula, so that what is shown and what is computed cannot part.
    above, below = formula.split("/")
    return Metric(name, title, kind, table, _terms(above), _terms(below), formula, unit, direction, clause, source, scale=scale)


def _share(name: str, title: str, formula: str, direction: str, clause: str, source: str, *, table: str = "intervals") -> Metric:
    return _quotient(name, title, formula, "ratio", direction, clause, source, table=table)


def _mean(name: str, title: str, formula: str, direction: str, clause: str, source: str) -> Metric:
    return _quotient(name, title, formula, "s", direction, clause, source, kind="mean")


def _wait_quantile(percent: int, title: str) -> Metric:
    share = percent / 100
    return Metric(
        f"wait_p{percent}_s",
        title,
        "quantile",
        "contacts",
        ((1, "wait_s"),),
        (),
        f"quantile of wait_s of the answered, {share:.2f}",
        "s",
        LOWER,
        "7.3; 7.4",
        "this project",
        probability=share,
    )


HIGHER, LOWER, NEUTRAL = "higher_is_better", "lower_is_better", "neutral"
_WIDELY_USED = "V01, V02, V03, V06, M01, M02"

_REGISTERED = (
    # volumes
    _count(
        "offered",
        "Contacts offered",
        "answered + abandoned + flowed_out + callbacks + lost + open + unknown",
        NEUTRAL,
        "7.3",
        "V07, V08, V13",
    ),
    _count("answered", "Contacts answered", "queue visits with outcome answered", NEUTRAL, "7.3", "V08, V13"),
    _count(
        "handled",
        "Contacts handled",
        "contacts whose span in state on_contact began, transfers in and outbound included",
        NEUTRAL,
        "7.3",
        "V13",
        table="agent_intervals",
    ),
    _count(
        "abandoned", "Contacts abandoned", "customer left while queued or ringing, before an answer", LOWER, "7.3", "V07, V13, V26, V27"
    ),
    _count(
        "abandoned_short", "Short abandons", "abandoned with wait_s <= short_s; none without a rule", NEUTRAL, "7.3", "V05, V06, V24, V25"
    ),
    _count("answered_within", "Answered within threshold", "answered with wait_s <= threshold_s", HIGHER, "7.3", "V03, V13, V16, V22"),
    _count("abandoned_within", "Abandoned within threshold", "abandoned with wait_s <= threshold_s", NEUTRAL, "7.3", "V03, V13"),
    _count("callback_within", "Callback taken within threshold", "callback with wait_s <= threshold_s", NEUTRAL, "7.3", "V13"),
    _count("flowed_out", "Flow-outs", "timed_out + exited_key + left_empty + overflowed + voicemail", NEUTRAL, "7.3", "V07"),
    _count("blocked", "Blocked contacts", "refused before the queue: full, empty or closed", LOWER, "6.1; 7.7", "R31; trade convention"),
    _count("callbacks", "Callbacks taken", "queue visits turned into a request to be called back", NEUTRAL, "7.3; 7.7", "V13, V14"),
    # the nine service levels
    _share("service_level", "Service level - of all offered", "answered_within / (offered - open)", HIGHER, "7.3; 7.2", _WIDELY_USED),
    _share(
        "sl_excl_flowout",
        "Service level - answered and abandoned only",
        "answered_within / (answered + abandoned)",
        HIGHER,
        "7.3",
        _WIDELY_USED,
    ),
    _share(
        "sl_excl_early_abandoned",
        "Service level - abandons before T ignored",
        "answered_within / (answered + abandoned - abandoned_within)",
        HIGHER,
        "7.3; 7.2",
        "V01, V02, V03, V22, M01, M03",
    ),
    _share(
        "sl_early_abandoned_met",
        "Service level - abandons before T count as met",
        "(answered_within + abandoned_within) / (answered + abandoned)",
        HIGHER,
        "7.3",
        "V01, V02, V03, V21, M01, M02",
    ),
    _share(
        "sl_answered_only", "Service level - answered only", "answered_within / answered", HIGHER, "7.3", "V01, V19, V21, V30, M01, V06"
    ),
    _share(
        "sl_excl_short",
        "Service level - short abandons excluded",
        "answered_within / (answered + abandoned - abandoned_short)",
        HIGHER,
        "7.3; 7.2",
        "V06, V24, V25",
    ),
    _share(
        "sl_short_met",
        "Service level - short abandons count as met",
        "(answered_within + abandoned_short) / (answered + abandoned)",
        HIGHER,
        "7.3",
        "M01, M02",
    ),
    _share(
        "sl_removed_from_queue",
        "Service level - removed from queue",
        "(answered_within + abandoned_within + callback_within) / (offered - open)",
        HIGHER,
        "7.3",
        "V13",
    ),
    _share(
        "sl_event",
        "Service level - event based",
        "answered_within / (answered_within + abandoned_within + reached_threshold)",
        HIGHER,
        "7.3; 7.4",
        "V02, V03, V04",
    ),
    # accessibility
    _share("answer_rate", "Answer rate", "answered / (offered - open)", HIGHER, "7.3", "V08, R30"),
    _share("abandonment_rate", "Abandonment rate", "abandoned / (offered - open)", LOWER, "7.3", "V08, V14, V15"),
    _share(
        "abandonment_rate_net",
        "Abandonment rate net of short abandons",
        "(abandoned - abandoned_short) / (offered - open - abandoned_short)",
        LOWER,
        "7.3",
        "V05, V26",
    ),
    _share("abandonment_rate_handled_base", "Abandonment rate (handled base)", "abandoned / (answered + abandoned)", LOWER, "7.3", "V26"),
    _share("blocked_rate", "Blocked rate", "blocked / (blocked + offered)", LOWER, "6.1; 7.7", "R31; trade convention"),
    _share("rona_rate", "Agent non-response (RONA) rate", "ring_noanswer / ring_attempts", LOWER, "5.5; 7.3", "V13, V05"),
    # waits
    _mean("asa_s", "Average speed of answer", "total_wait_s / answered", LOWER, "7.3", "V13, V19, M24"),
    _mean(
        "mean_wait_s",
        "Average wait, all contacts",
        "(total_wait_s + total_abandon_wait_s) / (answered + abandoned)",
        LOWER,
        "7.3",
        "trade convention",
    ),
    _mean("mean_abandon_s", "Average time to abandon", "total_abandon_wait_s / abandoned", NEUTRAL, "7.3", "V13"),
    _mean("time_to_agent_s", "Time to agent including IVR", "total_to_agent_s / arrival_known", LOWER, "7.7", "R07, R10"),
    _wait_quantile(50, "Wait, median"),
    _wait_quantile(90, "Wait, 90th percentile"),
    _wait_quantile(95, "Wait, 95th percentile"),
    Metric(
        "max_wait_s",
        "Longest wait",
        "max",
        "intervals",
        ((1, "max_wait_s"),),
        (),
        "max of wait_s over all queued contacts, answered or not",
        "s",
        LOWER,
        "7.3; 7.4",
        "V13",
    ),
    # handling
    _mean("att_s", "Average talk time", "total_talk_s / talk_known", NEUTRAL, "7.3", "V13, V19, V29"),
    _mean("mean_hold_s", "Average hold time, all contacts", "total_hold_s / hold_known", LOWER, "7.3", "V13"),
    _mean("mean_wrap_s", "Average after-contact work", "total_wrap_s / wrap_known", LOWER, "7.3; 7.6", "V13"),
    Metric(
        "aht_s",
        "Average handle time",
        "mean",
        "intervals",
        (),
        (),
        "att_s + mean_hold_s + mean_wrap_s, over the parts that are logged (aht_parts names them)",
        "s",
        NEUTRAL,
        "7.3; 7.6",
        "V13; trade convention",
        parts=("att_s", "mean_hold_s", "mean_wrap_s"),
    ),
    _share("hold_rate", "Hold rate", "held / answered", LOWER, "7.3", "V13, V33"),
    _share("transfer_rate", "Transfer rate", "transferred / answered", LOWER, "7.3", "V13"),
    # agents: ringing (reserved) and other work stand neither above nor below the line of occupancy
    _share(
        "occupancy",
        "Occupancy",
        "(on_contact_s + hold_s + wrap_s) / (on_contact_s + hold_s + wrap_s + available_s)",
        NEUTRAL,
        "7.6",
        "V11, V13, M20",
        table="agent_intervals",
    ),
    _share(
        "occupancy_logged",
        "Occupancy (logged-in base)",
        "(on_contact_s + hold_s + wrap_s) / logged_in_s",
        NEUTRAL,
        "7.6",
        "M20",
        table="agent_intervals",
    ),
    _share(
        "utilisation_logged",
        "Utilisation (logged-in base)",
        "(on_contact_s + hold_s + wrap_s + available_s) / logged_in_s",
        NEUTRAL,
        "7.6",
        "M20, trade convention",
        table="agent_intervals",
    ),
    _quotient(
        "contacts_per_hour",
        "Contacts per agent hour",
        "3600 * handled / logged_in_s",
        "1/h",
        NEUTRAL,
        "5.5",
        "trade convention",
        table="agent_intervals",
        scale=3600.0,
    ),
)

#: Every metric by name.
METRICS: dict[str, Metric] = {metric.name: metric for metric in _REGISTERED}

#: The nine service levels, our default first. Different definitions are different names.
SERVICE_LEVELS: tuple[str, ...] = tuple(name for name in METRICS if name == "service_level" or name.startswith("sl_"))

#: By table, the metrics that are divided from its sums.
RATIOS: dict[str, tuple[str, ...]] = {
    table: tuple(metric.name for metric in _REGISTERED if metric.table == table and (metric.denominator or metric.parts))
    for table in ("intervals", "agent_intervals")
}

_WAITS_FOR = {
    "customers matched over a window of days": "repeat_contacts repeat_rate fcr_gross fcr_net fcr_window fcr_window_contacts",
    "what the voice menu did, which no table holds": "ivr_to_option_s ivr_containment_rate",
    "states of the lines": "line_accessibility",
    "promised times of callbacks": "callback_on_time_rate",
    "messages and open items of written channels": "first_response_s response_sl resolution_s backlog backlog_age_s backlog_days",
    "overlapping spans of one agent, not a ratio of sums": "concurrency",
    "a product of metrics (offered, aht_s) that planning uses": "workload_erlang",
    "plans, which hold them as `expected_occupancy` and `scheduled_agents`": "occupancy_planned scheduled_required",
    "plans beside what happened: `compare_with_plan` gives it in agent-hours": "staffing_variance",
    "forecasts beside what came: `measure_forecast_accuracy` gives them": "forecast_error mape wape forecast_bias forecast_hit_rate",
    "paid time, which no table holds: `measure_agents(paid_s=)` gives it": "utilisation",
    "schedules": "shrinkage adherence conformance absenteeism_rate",
    "evaluations of contacts": "qm_score critical_accuracy auto_fail_rate qm_coverage calibration_sd",
    "surveys": "csat_top2 csat_mean nps nps_se nps_ci_low nps_ci_high ces_mean ces_easy ces_net response_rate enps",
    "complaints": "complaints_per_1000 complaint_resolution_s complaint_on_time_rate complaint_first_resolution complaint_ack_s",
    "figures from outside the logs: staff, training, cost, downtime": (
        "agent_turnover training_hours_per_agent cost_per_contact cost_per_resolution system_availability"
    ),
    "targets: `measure_compliance` gives them": "deviation target_met interval_attainment k_of_n_met breach_run target_met_ci",
    "targets of an agreement": "kpi_index",
    "dialler logs": "rpc_rate dialer_abandonment_rate",
}

#: Metrics of the dictionary that are not registered yet, and what each waits for.
COMES_LATER: dict[str, str] = {name: reason for reason, names in _WAITS_FOR.items() for name in names.split()}
