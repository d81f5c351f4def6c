"""Call-centre logs into decisions: read them, measure the service, and say which definition was used."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

#: Where each public name lives. Everything is loaded on first use, so that ``import ccstats`` costs next to nothing.
_HOME = {
    "Agreement": "ccstats.agreement.contract",
    "Calendar": "ccstats.periods.calendars",
    "CcstatsError": "ccstats.errors",
    "DataWarning": "ccstats.errors",
    "IntervalLog": "ccstats.readers.contract",
    "Log": "ccstats.readers.contract",
    "Planted": "ccstats.synthetic",
    "Profile": "ccstats.profile",
    "QueueSpec": "ccstats.synthetic",
    "Reader": "ccstats.readers.contract",
    "Records": "ccstats.readers.records.result",
    "Target": "ccstats.agreement.targets",
    "adjust_satisfaction": "ccstats.satisfaction.adjustment",
    "anonymise_agents": "ccstats.privacy",
    "backtest_staffing": "ccstats.workforce.backtesting",
    "build_scorecard": "ccstats.scorecard.building",
    "check_nonresponse": "ccstats.satisfaction.nonresponse",
    "compare_agents": "ccstats.satisfaction.comparison",
    "compare_plans": "ccstats.workforce.evaluation",
    "compare_presence": "ccstats.workforce.presence",
    "compare_satisfaction": "ccstats.satisfaction.satisfaction_change",
    "compare_with_plan": "ccstats.deviations.plan",
    "describe_causes": "ccstats.deviations.wording",
    "draft_mapping": "ccstats.readers.drafting",
    "estimate_patience": "ccstats.workforce.patience",
    "estimate_retrials": "ccstats.workforce.patience",
    "evaluate_staffing": "ccstats.workforce.evaluation",
    "evaluations_needed": "ccstats.satisfaction.evaluation_plans",
    "explain_change": "ccstats.deviations.change",
    "explain_satisfaction": "ccstats.satisfaction.drivers",
    "explain_service_level": "ccstats.deviations.causes",
    "find_change_points": "ccstats.profile",
    "find_deviations": "ccstats.deviations.charts",
    "fit_profile": "ccstats.profile",
    "formats": "ccstats.readers.registry",
    "freeze_profile": "ccstats.profile",
    "infer_agents": "ccstats.workforce.presence",
    "judge_service_level": "ccstats.deviations.expected",
    "list_abandoned": "ccstats.service.listing",
    "list_backlog": "ccstats.satisfaction.complaint_lists",
    "list_breaches": "ccstats.deviations.compliance",
    "list_complaint_reasons": "ccstats.satisfaction.complaint_lists",
    "list_contacts": "ccstats.service.listing",
    "list_ended_by": "ccstats.service.listing",
    "list_incidents": "ccstats.deviations.incidents",
    "list_repeats": "ccstats.satisfaction.resolution",
    "list_transfers": "ccstats.service.listing",
    "list_unanswered": "ccstats.service.listing",
    "margin_of": "ccstats.satisfaction.evaluation_plans",
    "measure_absenteeism": "ccstats.satisfaction.staff",
    "measure_agents": "ccstats.service.agents",
    "measure_assessors": "ccstats.satisfaction.calibration",
    "measure_calibration": "ccstats.satisfaction.calibration",
    "measure_callbacks": "ccstats.service.channels",
    "measure_complaints": "ccstats.satisfaction.complaints",
    "measure_compliance": "ccstats.deviations.compliance",
    "measure_concurrency": "ccstats.service.concurrency",
    "measure_continuity": "ccstats.deviations.continuity",
    "measure_deferred": "ccstats.service.deferred",
    "measure_forecast_accuracy": "ccstats.deviations.accuracy",
    "measure_index": "ccstats.scorecard.index",
    "measure_item_agreement": "ccstats.satisfaction.calibration",
    "measure_ivr": "ccstats.service.channels",
    "measure_outbound": "ccstats.service.channels",
    "measure_pauses": "ccstats.service.agents",
    "measure_quality": "ccstats.satisfaction.quality",
    "measure_resolution": "ccstats.satisfaction.resolution",
    "measure_returns_after_abandon": "ccstats.satisfaction.returns",
    "measure_satisfaction": "ccstats.satisfaction.surveys",
    "measure_service": "ccstats.service.ratios",
    "measure_training": "ccstats.satisfaction.staff",
    "measure_turnover": "ccstats.satisfaction.staff",
    "measure_waits": "ccstats.service.waits",
    "merge_intervals": "ccstats.intervals",
    "plan_as_usual": "ccstats.deviations.usual",
    "plan_evaluations": "ccstats.satisfaction.evaluation_plans",
    "plan_multiskill": "ccstats.workforce.multiskill",
    "plan_staffing": "ccstats.workforce.staffing",
    "read": "ccstats.readers",
    "read_absences": "ccstats.readers.records",
    "read_complaints": "ccstats.readers.records",
    "read_evaluations": "ccstats.readers.records",
    "read_figures": "ccstats.readers.records",
    "read_forecast": "ccstats.workforce.demand",
    "read_intervals": "ccstats.readers",
    "read_items": "ccstats.readers.records",
    "read_sql": "ccstats.readers",
    "read_staff": "ccstats.readers.records",
    "read_surveys": "ccstats.readers.records",
    "reconcile": "ccstats.service.reconciliation",
    "reforecast_day": "ccstats.deviations.intraday",
    "register_reader": "ccstats.readers.registry",
    "roll_up": "ccstats.intervals",
    "sample_file": "ccstats.readers.bundled",
    "sample_log": "ccstats.readers.bundled",
    "score_evaluations": "ccstats.satisfaction.quality",
    "simulate_contacts": "ccstats.synthetic",
    "stress_plan": "ccstats.deviations.stress",
    "summarise_backtest": "ccstats.workforce.backtesting",
    "suppress_cells": "ccstats.privacy",
    "suppress_small": "ccstats.privacy",
    "synthesize_contacts": "ccstats.synthetic",
    "tabulate_agents": "ccstats.workforce.calculator",
    "to_agent_intervals": "ccstats.intervals",
    "to_forecast": "ccstats.workforce.demand",
    "to_intervals": "ccstats.intervals",
    "trace_scorecard": "ccstats.scorecard.tracing",
    "write_report": "ccstats.report.scorecard_files",
    "read_parquet": "ccstats.exports",
    "write_parquet": "ccstats.exports",
    "write_queue_log": "ccstats.exports",
}
_MODULES = {
    "erlang": "ccstats.queueing.erlang",
    "spc": "ccstats.spc",
    **{name: f"ccstats.{name}" for name in ("errors", "labels", "metrics", "periods", "privacy", "schema")},
}

__all__ = ["__version__", *sorted(_HOME), *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module 'ccstats' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
