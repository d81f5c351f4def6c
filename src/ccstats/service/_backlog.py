"""Work on hand at many instants at once: how much, how old, and how long it would take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.periods import Calendar
from ccstats.service._groups import micros_of

__all__ = ["Backlog"]

Ints = NDArray[np.int64]

_DAY = 86_400_000_000
_NEVER = np.iinfo(np.int64).max


class Backlog:
    """Items of several groups, from ``opened_at`` to ``closed_at``."""

    def __init__(self, frame: pd.DataFrame, codes: Ints, groups: int, calendar: Calendar | None) -> None:
        self.opened = micros_of(frame["opened_at"])
        self.closed = np.where(frame["closed_at"].isna(), _NEVER, micros_of(frame["closed_at"]))
        self.codes, self.groups, self.calendar = codes, groups, calendar

    def measure(self, starts: Ints, ends: Ints, closure_days: int) -> dict[str, Any]:
        """Figures of each group at the end of each period [µs], groups by periods in one row; `closures` since its start."""
        size = self.groups * len(ends)
        names = ["backlog_age_s", "backlog_age_max_s", "daily_closures", "backlog_days"]
        names[2:2] = ["backlog_age_working_s", "backlog_age_working_max_s"] if self.calendar is not None else []
        counts = {name: np.zeros(size, dtype="int64") for name in ("closures", "backlog")}
        figures = {name: np.full(size, np.nan) for name in names}
        for group in range(self.groups if len(self.opened) else 0):
            here = slice(group * len(ends), (group + 1) * len(ends))
            mine = np.flatnonzero(self.codes == group)
            mine = mine[np.argsort(self.opened[mine], kind="stable")]
            opened, closed = self.opened[mine], self.closed[mine]
            done = np.sort(closed)
            came, gone = np.searchsorted(opened, ends, side="right"), np.searchsorted(done, ends, side="right")
            backlog = came - gone
            counts["backlog"][here] = backlog
            # up to the last instant of the period before; what is closed as a period begins belongs to it
            stop = np.minimum(np.searchsorted(done, np.append(starts[1:], _NEVER), side="left"), gone)
            counts["closures"][here] = stop - np.searchsorted(done, starts, side="left")
            some = backlog > 0
            # Sorted by opening, the first item whose closing, and that of all before it, is later than t is the oldest one open at t.
            oldest = np.searchsorted(np.maximum.accumulate(closed), ends, side="right")
            by_closing = np.argsort(closed, kind="stable")
            for suffix, clock in (("", None), ("_working", self.calendar)):
                if suffix and clock is None:
                    continue
                when, at = _seconds(opened, opened[0], clock), _seconds(ends, opened[0], clock)
                total = np.append(0.0, np.cumsum(when))[came] - np.append(0.0, np.cumsum(when[by_closing]))[gone]
                mean = at - np.divide(total, backlog, out=np.full(len(ends), np.nan), where=some)
                figures[f"backlog_age{suffix}_s"][here] = np.maximum(mean, 0.0)
                figures[f"backlog_age{suffix}_max_s"][here] = np.where(some, at - when[np.minimum(oldest, len(when) - 1)], np.nan)
            begin = np.maximum(ends - closure_days * _DAY, opened[0])
            days = self._days(begin, ends)
            closures = gone - np.searchsorted(done, begin, side="right")
            daily = np.divide(closures, days, out=np.full(len(ends), np.nan), where=days > 0)
            figures["daily_closures"][here] = daily
            figures["backlog_days"][here] = np.divide(backlog, daily, out=np.full(len(ends), np.nan), where=daily > 0)
        measured = pd.DatetimeIndex(np.tile(ends, self.groups).view("datetime64[us]")).tz_localize("UTC")
        return {"measured_at": measured, **counts, **figures}

    def _days(self, begin: Ints, end: Ints) -> NDArray[np.float64]:
        if self.calendar is None:
            return np.maximum(end - begin, 0) / _DAY
        return self.calendar.working_days(*(pd.DatetimeIndex(each.view("datetime64[us]")).tz_localize("UTC") for each in (begin, end)))


def _seconds(instants: Ints, origin: int, calendar: Calendar | None) -> NDArray[np.float64]:
    """From an origin to instants, on the clock of the calendar where there is one."""
    if calendar is None:
        return (instants - origin) / 1e6
    zero, at = (pd.DatetimeIndex(each.view("datetime64[us]")).tz_localize("UTC") for each in (np.array([origin]), instants))
    return calendar.open_seconds(zero, at)
