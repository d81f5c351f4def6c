"""Time as a contact centre counts it: local intervals, days, weeks, months, quarters and years, and working time by a calendar."""

from ccstats.periods.calendars import Calendar
from ccstats.periods.local import (
    PERIODS,
    WEEKDAYS,
    check_timezone,
    local_grid,
    period_start,
    seconds_of,
    slot_of,
    weekday_of,
    zone_offsets,
)

__all__ = [
    "Calendar",
    "PERIODS",
    "WEEKDAYS",
    "check_timezone",
    "local_grid",
    "period_start",
    "seconds_of",
    "slot_of",
    "weekday_of",
    "zone_offsets",
]
