"""Metrics of logs: counts, sums, ratios, means, maxima and quantiles of columns of `contacts`, `intervals` and `agent_intervals`.

The border cases: ``aht_s`` is a sum of three means and names its parts; ``handled`` is counted from what agents did, because transfers in
and outbound contacts have no queue visit. ``utilisation`` is over paid time, which no table holds; ``utilisation_logged`` is the part of it
that logs alone can tell.
"""

from __future__ import annotations

import re

from ccstats.metrics.metric import HIGHER, LOWER, NEUTRAL, Metric, Term

__all__ = ["LOGGED"]


def _terms(text: str) -> tuple[Term, ...]:
    return tuple((-1 if sign == "-" else 1, name) for sign, name in re.findall(r"([+-]?)\s*([a-z]\w*)", text))


def _count(name: str, title: str, meaning: str, direction: str, clause: str, source: str, *, table: str = "intervals") -> Metric:
    function = "measure_agents" if table == "agent_intervals" else "measure_service"
    return Metric(name, title, "count", table, ((1, name),), (), meaning, "count", direction, clause, source, function=function)


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
    function = "measure_agents" if table == "agent_intervals" else "measure_service"
    terms = _terms(above), _terms(below)
    return Metric(name, title, kind, table, *terms, formula, unit, direction, clause, source, scale=scale, function=function)


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
        function="measure_waits",
    )


_WIDELY_USED = "V01, V02, V03, V06, M01, M02"

#: In the order people read them.
LOGGED: tuple[Metric, ...] = (
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
