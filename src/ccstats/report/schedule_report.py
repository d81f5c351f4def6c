"""A schedule or a roster for people: what it holds, how good it is, and what is still missing."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccstats.workforce.rostering import Roster
from ccstats.workforce.scheduling import Schedule

__all__ = ["roster_lines", "schedule_lines", "schedule_summary"]


def schedule_summary(schedule: Schedule) -> pd.DataFrame:
    """Shifts of a schedule by queue and template.

    Returns
    -------
    pandas.DataFrame
        ``queue, shift, agents`` (how many shifts are to be filled)``, paid_hours``.

    Examples
    --------
    >>> schedule_summary.__name__
    'schedule_summary'
    """
    shifts = schedule.shifts.assign(paid_hours=schedule.shifts["agents"] * schedule.shifts["paid_s"] / 3600)
    return shifts.groupby(["queue", "shift"], as_index=False, sort=True)[["agents", "paid_hours"]].sum()


def schedule_lines(schedule: Schedule) -> list[str]:
    """What the reader of a schedule must know.

    Examples
    --------
    >>> schedule_lines.__name__
    'schedule_lines'
    """
    coverage = schedule.coverage
    hours = coverage["interval_s"] / 3600
    short, spare = (float((hours * np.maximum(sign * coverage["gap"], 0.0)).sum()) for sign in (1, -1))
    lines = [
        f"{schedule.heads:,} {'people' if len(schedule.tours) else 'shifts'}, {schedule.paid_hours:,.1f} paid hours; "
        f"{_proof(schedule.status, schedule.gap)}",
        f"{len(schedule.gaps()):,} of {len(coverage):,} intervals short of agents: {short:,.1f} agent-hours short, {spare:,.1f} spare",
    ]
    plan = schedule.as_plan()
    if "expected_service_level" in coverage and coverage["expected_service_level"].notna().any():
        keys = ["queue", "interval_start"]
        offered = plan[[*keys, "expected_offered"]].assign(queue=plan["queue"].astype("str"))
        judged = coverage.merge(offered, on=keys).dropna(subset=["expected_service_level", "expected_offered"])
        weight = float(judged["expected_offered"].sum())
        if weight > 0:
            level = float((judged["expected_service_level"] * judged["expected_offered"]).sum() / weight)
            lines.append(f"expected service level with these agents: {100 * level:.1f} % of {weight:,.0f} contacts")
    return lines


def roster_lines(roster: Roster) -> list[str]:
    """What the reader of a roster must know.

    Examples
    --------
    >>> roster_lines.__name__
    'roster_lines'
    """
    fair = roster.fairness
    missing = int(roster.unfilled["agents"].sum())
    lines = [
        f"{len(roster.roster):,} of {len(roster.roster) + missing:,} shifts have a name; {_proof(roster.status, roster.gap)}",
        f"{fair['hours'].sum():,.1f} hours of {fair['contract_hours'].sum():,.1f} in contracts",
    ]
    for name in ("weekends", "nights"):
        if fair[name].any():
            lines.append(f"{name}: {fair[name].min()} to {fair[name].max()} each")
    if fair["wishes"].any():
        lines.append(f"wishes: {fair['wishes_met'].sum():,} of {fair['wishes'].sum():,} met")
    return lines


def _proof(status: str, gap: float) -> str:
    if status == "optimal":
        return "proved to be the best"
    return f"the time was over; at most {100 * gap:.1f} % from the best"
