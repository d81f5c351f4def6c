"""The tables: their columns, meaning, unit, dtype, key and vocabulary. One list; documentation and checks are made from it."""

from ccstats.schema.frames import as_frame
from ccstats.schema.logs import (
    AGENT_INTERVALS,
    AGENT_STATES,
    CLOSED_BY,
    CONTACTS,
    FORECAST,
    INTERVALS,
    NOT_QUEUED,
    OUTCOMES,
    PLAN,
    POINTS,
    SERVICE,
    STATES,
)
from ccstats.schema.records import (
    ABSENCES,
    COMPLAINTS,
    EVALUATIONS,
    FIGURES,
    INSTRUMENTS,
    ITEMS,
    KPIS,
    POLARITIES,
    STAFF,
    SURVEYS,
    VERDICTS,
)
from ccstats.schema.table import Column, Table, sortable, sorting
from ccstats.schema.tables import TABLES

__all__ = [
    "ABSENCES",
    "AGENT_INTERVALS",
    "AGENT_STATES",
    "CLOSED_BY",
    "COMPLAINTS",
    "CONTACTS",
    "Column",
    "EVALUATIONS",
    "FIGURES",
    "FORECAST",
    "INSTRUMENTS",
    "INTERVALS",
    "ITEMS",
    "KPIS",
    "NOT_QUEUED",
    "OUTCOMES",
    "PLAN",
    "POINTS",
    "POLARITIES",
    "SERVICE",
    "STAFF",
    "STATES",
    "SURVEYS",
    "TABLES",
    "Table",
    "VERDICTS",
    "as_frame",
    "sortable",
    "sorting",
]
