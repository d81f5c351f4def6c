"""What stands in each section of a report: results of the library as tables, charts and sentences; nothing is computed here."""

from ccstats.report.sections.customers import complaints, satisfaction
from ccstats.report.sections.demand import demand, misses, staffing
from ccstats.report.sections.groups import agents, queues
from ccstats.report.sections.service import days, intraday, waits
from ccstats.report.sections.trust import data_quality, definitions, provenance
from ccstats.report.sections.verdict import verdict

__all__ = [
    "agents",
    "complaints",
    "data_quality",
    "days",
    "definitions",
    "demand",
    "intraday",
    "misses",
    "provenance",
    "queues",
    "satisfaction",
    "staffing",
    "verdict",
    "waits",
]
