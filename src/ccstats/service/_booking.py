"""Which visits a count of ``intervals`` counts and when each is booked: the rules of `to_intervals`, one measure at a time.

The loops of `to_intervals` count all measures in one pass; this says for one measure which rows they were. Tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, OptionError
from ccstats.schema import CONTACTS, NOT_QUEUED, OUTCOMES

__all__ = ["MEASURES", "Seconds", "Visits", "seconds_added", "wait_of"]

#: A limit: none, one for all, or one for each queue. [s]
Seconds = float | Mapping[str, float] | None

_KNOWN = {"talk_known": "talk_s", "hold_known": "hold_s", "wrap_known": "wrap_s"}
_COUNTED_IN = tuple(dict.fromkeys(count for count in OUTCOMES.values() if count))
_WITHIN = {"answered_within": "answered", "abandoned_within": "abandoned", "callback_within": "callbacks"}

#: The measures that count visits.
MEASURES = (
    "offered",
    *_COUNTED_IN,
    "abandoned_short",
    *_WITHIN,
    "reached_threshold",
    *_KNOWN,
    "held",
    "transferred",
    "arrival_known",
)


def seconds_added(instants: pd.Series, seconds: pd.Series | np.ndarray) -> pd.Series:
    """Instants moved on by whole microseconds; a missing duration adds nothing."""
    micros = np.rint(np.nan_to_num(np.asarray(seconds, dtype="float64")) * 1e6).astype("timedelta64[us]")
    return instants + pd.Series(micros, index=instants.index)


def wait_of(frame: pd.DataFrame, clock: str) -> np.ndarray:
    """The wait on the clock asked for [s]: from the queue, or from the arrival on the platform where one is logged before it."""
    if clock not in ("queued", "arrived"):
        raise OptionError(f"clock={clock!r}: expected 'queued' or 'arrived'")
    wait = np.rint(frame["wait_s"].to_numpy(dtype="float64", na_value=np.nan) * 1e6) / 1e6
    if clock == "queued":
        return wait
    if "arrived_at" not in frame:
        raise ColumnError("clock='arrived' needs the column 'arrived_at', which this source does not log; use clock='queued'")
    before = (frame["queued_at"] - frame["arrived_at"]).dt.total_seconds().to_numpy(dtype="float64", na_value=np.nan)
    return np.where(before > 0, np.rint((before + wait) * 1e6) / 1e6, wait)


class Visits:
    """Contacts with the definitions that a figure was made with."""

    def __init__(
        self, frame: pd.DataFrame, *, threshold_s: Seconds, short_s: Seconds, inclusive: bool, attribute_by: str, clock: str
    ) -> None:
        modes = ("queued", "left", "ended", "event")
        if attribute_by not in modes:
            raise OptionError(f"attribute_by={attribute_by!r}: expected {', '.join(modes)}")
        CONTACTS.check(frame, columns=["queue", "queued_at", "outcome", "wait_s", "talk_s", "hold_s", "wrap_s"], keys=False)
        self.frame, self.inclusive, self.attribute_by = frame, inclusive, attribute_by
        self.threshold_s, self.short_s = threshold_s, short_s
        outcome = frame["outcome"].astype("str")
        self.queued = ~outcome.isin([*NOT_QUEUED]).to_numpy()
        self.counted_in = outcome.map(OUTCOMES).to_numpy(dtype=object)
        self.wait = wait_of(frame, clock)

    def counted(self, measure: str) -> np.ndarray:
        """Which visits the measure counts."""
        if measure == "offered":
            return self.queued
        if measure in _COUNTED_IN:
            return self.counted_in == measure
        if measure in _WITHIN:
            return (self.counted_in == _WITHIN[measure]) & self._within(self._limit("threshold_s", self.threshold_s))
        if measure == "reached_threshold":
            limit = self._limit("threshold_s", self.threshold_s)
            return self.queued & ~self._within(limit) & ~np.isnan(limit)
        if measure == "abandoned_short":  # without a rule nothing is short
            return (self.counted_in == "abandoned") & self._within(self._limit("short_s", {} if self.short_s is None else self.short_s))
        answered = self.counted_in == "answered"
        if measure in _KNOWN:
            return answered & self.frame[_KNOWN[measure]].notna().to_numpy()
        if measure == "held":
            return answered & (self.frame["hold_s"] > 0).to_numpy()
        if measure == "transferred":
            return answered & self._logged("transferred_to").notna().to_numpy()
        return answered & (self._logged("arrived_at") <= self.frame["queued_at"]).to_numpy()

    def booked_at(self, measure: str) -> pd.Series:
        """When each visit is booked in the measure; those that never queued where they arrived."""
        frame = self.frame
        queued = frame["queued_at"]
        left = seconds_added(queued, frame["wait_s"])
        handle = frame[["talk_s", "hold_s", "wrap_s"]].sum(axis=1).where(self.counted_in == "answered", 0.0)
        moments = {"queued": queued, "left": left, "ended": seconds_added(left, handle)}
        if self.attribute_by != "event":
            booked = moments[self.attribute_by]
        elif measure == "reached_threshold":
            limit = self._limit("threshold_s", self.threshold_s)
            begins = seconds_added(left, -self.wait)  # the wait on the clock asked for ends where the visit left
            booked = seconds_added(begins, limit)
            booked = booked.where(booked > queued, queued)
        else:
            booked = moments["queued" if measure == "offered" else "ended" if measure in (*_KNOWN, "held") else "left"]
        arrived = frame["arrived_at"].fillna(queued) if "arrived_at" in frame else queued
        return booked.where(self.queued, arrived)

    def _logged(self, column: str) -> pd.Series:
        if column not in self.frame:
            raise ColumnError(f"this measure needs the column {column!r}, which this source does not log")
        return self.frame[column]

    def _within(self, limit: np.ndarray) -> np.ndarray:
        return self.wait <= limit if self.inclusive else self.wait < limit

    def _limit(self, name: str, limit: Seconds) -> np.ndarray:
        if limit is None:
            raise OptionError(f"this measure needs {name}=, the limit in seconds that the figure was made with")
        if isinstance(limit, Mapping):
            return self.frame["queue"].astype("str").map(limit).to_numpy(dtype="float64", na_value=np.nan)
        return np.full(len(self.frame), float(limit))
