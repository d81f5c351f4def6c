"""Tables out of the house, for other programs and other people.

Parquet with types and units, a queue_log for Asterisk's reporting tools, schedules and rosters as CSV, calendars and a planner's workbook.
"""

from ccstats.exports.calendars import write_calendar
from ccstats.exports.parquet import read_parquet, write_parquet
from ccstats.exports.planner_grid import write_planner_grid
from ccstats.exports.queue_log import write_queue_log
from ccstats.exports.schedules import read_roster, read_schedule, write_roster, write_schedule, write_shifts

__all__ = [
    "read_parquet",
    "read_roster",
    "read_schedule",
    "write_calendar",
    "write_parquet",
    "write_planner_grid",
    "write_queue_log",
    "write_roster",
    "write_schedule",
    "write_shifts",
]
