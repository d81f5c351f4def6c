"""All tables by name."""

from __future__ import annotations

from ccstats.schema.logs import AGENT_INTERVALS, AGENT_STATES, CONTACTS, FORECAST, INTERVALS, PLAN, POINTS, SERVICE
from ccstats.schema.records import ABSENCES, COMPLAINTS, EVALUATIONS, FIGURES, ITEMS, KPIS, SCHEDULE, STAFF, SURVEYS
from ccstats.schema.table import Table

__all__ = ["TABLES"]

_ALL = (CONTACTS, AGENT_STATES, INTERVALS, AGENT_INTERVALS, SERVICE, FORECAST, PLAN, POINTS)
_RECORDS = (SURVEYS, EVALUATIONS, COMPLAINTS, ITEMS, STAFF, ABSENCES, SCHEDULE, FIGURES, KPIS)

TABLES: dict[str, Table] = {each.name: each for each in (*_ALL, *_RECORDS)}
