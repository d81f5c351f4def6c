"""The clauses of EN 15838 that metrics name: a short topic, the counterpart in ISO 18295-1 where a source tells, and what else serves it.

Topics are short names of this project, not titles or wording of the standard. A counterpart is named where a public page describes the
clause of ISO 18295-1 (S14, S15 of the page *Sources*) and the topic is plainly the same; otherwise it is ``None``: not mapped. Neither
standard sets targets, and neither do we.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CLAUSES", "Clause", "clauses_of"]


@dataclass(frozen=True)
class Clause:
    """One clause of EN 15838.

    Parameters
    ----------
    number : str
        Its number, or a range of them.
    topic : str
        What it is about, in a few words of ours.
    counterpart : str or None
        Clause of ISO 18295-1 on the same topic; None: not mapped.
    source : str
        Code of the page that describes the counterpart; empty where there is none.
    functions : tuple of str
        Public names that serve the clause beside those that make its metrics.

    Examples
    --------
    >>> from ccstats.metrics.clauses import CLAUSES
    >>> CLAUSES["7.8"].topic, CLAUSES["7.8"].counterpart
    ('complaints', '4.4, handling of complaints')
    """

    number: str
    topic: str
    counterpart: str | None = None
    source: str = ""
    functions: tuple[str, ...] = ()


_ALL = (
    Clause("4", "management and strategy", "5, leadership", "S14"),
    Clause("5.5", "agents: skills and performance", "6, human resources", "S14", ("measure_agents", "measure_pauses", "compare_agents")),
    Clause("5.6", "agents: satisfaction", "6, human resources", "S14"),
    Clause("5.7", "agents: protection and confidentiality", functions=("anonymise_agents", "suppress_small")),
    Clause("6.1", "infrastructure: lines and systems", "8, service delivery infrastructure", "S14"),
    Clause("6.1-6.4", "infrastructure as a whole", "8, service delivery infrastructure", "S14"),
    Clause(
        "7.2", "agreements with client organisations", "9, client relationship; Annex B", "S14", ("Agreement", "Target", "list_breaches")
    ),
    Clause(
        "7.3",
        "service statistics",
        "Annex A, guidance on metrics",
        "S14",
        ("list_contacts", "list_abandoned", "list_transfers", "list_unanswered", "list_ended_by", "reconcile"),
    ),
    Clause(
        "7.4",
        "control of deviations",
        functions=(
            *("find_deviations", "list_incidents", "judge_service_level", "compare_with_plan", "reforecast_day"),
            *("explain_service_level", "explain_change", "find_change_points"),
        ),
    ),
    Clause(
        "7.5",
        "process quality",
        functions=("score_evaluations", "plan_evaluations", "evaluations_needed", "measure_assessors", "measure_item_agreement"),
    ),
    Clause(
        "7.6",
        "workforce management",
        functions=("estimate_patience", "plan_multiskill", "evaluate_staffing", "compare_plans", "backtest_staffing", "infer_agents"),
    ),
    Clause("7.7", "access channels"),
    Clause("7.8", "complaints", "4.4, handling of complaints", "S15", ("list_backlog", "list_complaint_reasons")),
    Clause("7.9", "confidentiality and data protection", functions=("suppress_cells", "suppress_small", "anonymise_agents")),
    Clause("7.10", "continuity of service", functions=("measure_continuity", "stress_plan")),
    Clause(
        "8",
        "customer satisfaction",
        "4.3, customer experience measured and watched",
        "S15",
        (
            *("check_nonresponse", "adjust_satisfaction", "compare_satisfaction", "explain_satisfaction"),
            *("list_repeats", "measure_returns_after_abandon"),
        ),
    ),
)

#: Every clause by number, in the order of the standard.
CLAUSES: dict[str, Clause] = {clause.number: clause for clause in _ALL}


def clauses_of(text: str) -> tuple[str, ...]:
    """The clauses in a metric's ``clause``, each a key of `CLAUSES`.

    Examples
    --------
    >>> clauses_of("6.1-6.4; 7.10")
    ('6.1-6.4', '7.10')
    """
    return tuple(part.strip() for part in text.split(";"))
