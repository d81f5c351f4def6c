"""How long did each complaint take, and was that in time? Complaints checked, cut at the instant they are looked at, on three clocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import ColumnError, OptionError
from ccstats.periods import Calendar
from ccstats.schema import COMPLAINTS, as_frame
from ccstats.schema.instants import as_known, check_order, look_at

__all__ = ["Clocks", "judge_limit", "read_complaints_as_of"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Clocks:
    """Durations of complaints (or other records) on the clocks there are: elapsed time, and working time and days of a calendar."""

    def __init__(self, frame: pd.DataFrame, calendar: Calendar | None) -> None:
        self.frame, self.calendar = frame, calendar

    def durations(self, start: str, end: pd.Series) -> dict[str, Floats]:
        """From a column to instants: ``""`` and ``working`` in seconds, ``working_days`` in days; missing where an instant is."""
        begin = self.frame[start]
        found: dict[str, Any] = {"": (end - begin).dt.total_seconds().to_numpy(dtype="float64", na_value=np.nan)}
        if self.calendar is not None:
            found["working"] = self.calendar.open_seconds(begin, end)
            found["working_days"] = self.calendar.working_days(begin, end)
        return found


def read_complaints_as_of(
    complaints: Any, *, columns: Sequence[str], as_of: Any, until: pd.Timestamp | None = None
) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Complaints received up to an instant, with what had happened to them by then; and that instant, by default the last there is.

    Raises
    ------
    TableError
        If the table does not fit, or a complaint was resolved or acknowledged before it was received.
    ZoneError
        If ``as_of`` has no zone.
    """
    frame = as_frame(complaints, what="complaints")
    COMPLAINTS.check(frame, columns=list(dict.fromkeys(["complaint_id", *columns])))
    instants = [name for name in ("acknowledged_at", "resolved_at") if name in columns]
    for name in instants:
        check_order(frame, "received_at", name, key=["complaint_id"], what="complaints")
    at = look_at(as_of, *(frame[name] for name in ("received_at", *instants)), pd.Series([] if until is None else [until]))
    frame = frame[frame["received_at"] <= at].reset_index(drop=True)
    return frame.assign(**{name: as_known(frame[name], at) for name in instants}), at


def judge_limit(
    frame: pd.DataFrame,
    as_of: pd.Timestamp,
    *,
    limit_s: float | Mapping[str, float] | None,
    limit_working_days: int | None,
    calendar: Calendar | None,
    clock: str,
) -> tuple[Flags, Flags, Flags]:
    """Of each complaint: whether its limit had passed by then, whether it was resolved within it, and whether it has one.

    Raises
    ------
    OptionError
        If both limits are given, one is no number, or it needs a calendar that is not given.
    """
    if clock not in ("elapsed", "working"):
        raise OptionError(f"clock={clock!r}: expected 'elapsed' or 'working'")
    if limit_s is not None and limit_working_days is not None:
        raise OptionError(f"limit_s={limit_s!r} and limit_working_days={limit_working_days!r}: give one of them")
    if calendar is None and (clock == "working" or limit_working_days is not None):
        raise OptionError("a limit in working time needs calendar=, such as cc.Calendar({'Monday': [('09:00', '17:00')], …})")
    received, resolved = frame["received_at"], frame["resolved_at"]
    none = np.zeros(len(frame), dtype=bool)
    if limit_working_days is not None and calendar is not None:
        deadline = pd.Series(calendar.after_working_days(received, limit_working_days), index=frame.index)
        return (deadline <= as_of).to_numpy(), (resolved < deadline).to_numpy(), deadline.notna().to_numpy()
    if limit_s is None:
        return none, none, none
    limit = _limits(frame, limit_s)
    now = pd.Series(as_of, index=frame.index, dtype=received.dtype)
    took, age = (
        (each - received).dt.total_seconds().to_numpy(dtype="float64", na_value=np.nan)
        if calendar is None or clock == "elapsed"
        else calendar.open_seconds(received, each)
        for each in (resolved, now)
    )
    return age > limit, took <= limit, ~np.isnan(limit)


def _limits(frame: pd.DataFrame, limit_s: float | Mapping[str, float]) -> Floats:
    values = list(limit_s.values()) if isinstance(limit_s, Mapping) else [limit_s]
    if any(not isinstance(each, Real) or isinstance(each, bool) or not 0 <= each < np.inf for each in values):
        raise OptionError(f"limit_s={limit_s!r}: expected seconds from 0, or seconds for each reason")
    if not isinstance(limit_s, Mapping):
        return np.full(len(frame), float(limit_s))
    if "reason" not in frame:
        raise ColumnError("limit_s= names reasons, and complaints have no column 'reason'")
    return np.asarray(frame["reason"].astype("str").map(dict(limit_s)).to_numpy(dtype="float64", na_value=np.nan), dtype="float64")
