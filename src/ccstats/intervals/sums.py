"""Adding rows of `intervals`: what a sum is when some of its parts are missing, decided once for counting, merging and rolling up.

All sums are made of whole numbers (counts, microseconds), so that any order and any split give the same result to the last bit. When a
value is missing is decided from sums that are never missing, so that it too does not depend on the split:

* ``total_talk_s`` (``hold``, ``wrap`` alike) is missing where contacts were answered and ``talk_known`` is 0, and 0.0 where none was
  answered; ``held`` goes with ``hold_known``, ``total_to_agent_s`` with ``arrival_known``;
* a count that needs a rule or a column which some of the parts do not have (threshold counts, ``blocked``, ``ivr_abandoned``,
  ``transferred``, a wait histogram) is missing where it is missing for any part in which something is booked: a sum over some of the
  contacts would look like one over all. So are ``total_wait_s``, ``total_abandon_wait_s`` and ``max_wait_s`` where a part that answered,
  lost to abandonment or saw anybody leave does not tell them, as tables of other systems may, and contacts without a known wait;
* ``ring_attempts``, ``ring_noanswer`` and ``arrival_known`` are summed over the parts that know them, and missing where none of the parts
  with visits does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ccstats.intervals.cells import micros_of
from ccstats.intervals.loops import BOOKED_AS
from ccstats.intervals.row_loops import add_rows, take_maxima
from ccstats.schema import INTERVALS

__all__ = ["LEFT_AS", "THRESHOLD_COUNTS", "add_up", "histogram_names", "measure_columns"]

#: Counts that need a threshold.
THRESHOLD_COUNTS = ("answered_within", "abandoned_within", "callback_within", "reached_threshold")
#: Outcomes of a visit to a queue: their sum counts the visits that left it or are still open.
LEFT_AS = BOOKED_AS[:7]

#: Counts outside ``offered``, which a source may not have.
_REFUSED = BOOKED_AS[7:]
_COUNTS = (*LEFT_AS, "offered", "abandoned_short", "talk_known", "hold_known", "wrap_known")
_TOTALS = ("total_wait_s", "total_abandon_wait_s", "total_talk_s", "total_hold_s", "total_wrap_s")
_NOT_ALWAYS = ("ring_attempts", "ring_noanswer", "arrival_known")
_HISTOGRAM = re.compile(r"(answered|abandoned)_within_(\d[\d.e+-]*)s")

Sums = dict[str, np.ndarray]


def histogram_names(columns: Iterable[Any]) -> list[str]:
    """The columns of a wait histogram, by their seconds, answered before abandoned."""
    found = {match for name in columns if (match := _HISTOGRAM.fullmatch(str(name)))}
    return [match[0] for match in sorted(found, key=lambda match: (float(match[2]), match[1] == "abandoned"))]


def measure_columns(sums: Sums, missing: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Columns of `intervals` from whole sums [counts, µs], in the schema's order, missing where the rules above say so.

    ``max_wait_s`` is -1 where nobody queued; ``missing`` holds masks for counts that are not decided by other sums.
    """
    answered = sums["answered"] > 0
    masks = dict(missing)
    for part in ("talk", "hold", "wrap"):
        masks[f"total_{part}_s"] = answered & (sums[f"{part}_known"] == 0)
    masks["held"] = masks["total_hold_s"] | masks.get("held", False)
    masks["max_wait_s"] = (sums["max_wait_s"] < 0) | masks.get("max_wait_s", False)
    if "arrival_known" in sums:
        masks["total_to_agent_s"] = answered & (sums["arrival_known"] == 0)
    columns: dict[str, Any] = {}
    for name in [*(each for each in INTERVALS.names() if each in sums), *histogram_names(sums)]:
        kind = INTERVALS[name].kind if name in INTERVALS else "count"
        unknown = name in masks and bool(masks[name].any())
        if kind == "seconds":
            columns[name] = sums[name] / 1e6
            if unknown:
                columns[name][masks[name]] = np.nan
        elif unknown or kind == "maybe_count":
            mask = masks[name].copy() if unknown else np.zeros(len(answered), dtype=bool)
            columns[name] = pd.arrays.IntegerArray(np.where(mask, 0, sums[name]) if unknown else sums[name], mask)
        else:
            columns[name] = sums[name]
    return columns


def add_up(frame: pd.DataFrame, at: np.ndarray, rows: int) -> tuple[Sums, dict[str, np.ndarray]]:
    """Sums of the rows of ``frame`` per row ``at`` of the result, and where they are missing; input for `measure_columns`."""
    sums: Sums = {}
    missing: dict[str, np.ndarray] = {}

    def add(values: np.ndarray) -> np.ndarray:
        out = np.zeros(rows, dtype=np.int64)
        add_rows(at, np.ascontiguousarray(values, dtype=np.int64), out)
        return out

    for name in (*_COUNTS, "held"):
        if name in frame:
            sums[name] = add(_whole(frame[name]))
    for name in (*_TOTALS, "total_to_agent_s"):
        if name in frame:
            sums[name] = add(micros_of(frame[name].to_numpy(dtype="float64", na_value=np.nan)))
    longest = np.full(rows, -1, dtype=np.int64)
    waits = frame["max_wait_s"].to_numpy(dtype="float64", na_value=np.nan)
    take_maxima(at, np.where(np.isnan(waits), -1, micros_of(waits)), longest)
    sums["max_wait_s"] = longest

    left = np.sum([_whole(frame[name]) for name in LEFT_AS], axis=0) > 0
    booked = left | (_whole(frame["offered"]) > 0)
    count, visited = add(np.ones(len(frame))), add(left)
    for name in (*THRESHOLD_COUNTS, *_REFUSED, "transferred", *histogram_names(frame.columns)):
        if name in frame:
            unknown = frame[name].isna().to_numpy()
            sums[name] = add(_whole(frame[name]))
            if unknown.any():
                missing[name] = (add(unknown & booked) > 0) | ((add(unknown) == count) & (count > 0))
    for name, needed in {
        "total_wait_s": _whole(frame["answered"]) > 0,
        "total_abandon_wait_s": _whole(frame["abandoned"]) > 0,
        "max_wait_s": np.sum([_whole(frame[name]) for name in LEFT_AS if name != "open"], axis=0) > 0,
        "held": _whole(frame["hold_known"]) > 0,
    }.items():
        if name in frame and (untold := needed & frame[name].isna().to_numpy()).any():
            missing[name] = add(untold) > 0
    for name in _NOT_ALWAYS:
        if name in frame:
            known = frame[name].notna().to_numpy()
            sums[name] = add(_whole(frame[name]))
            missing[name] = (visited > 0) & (add(known & left) == 0)
    return sums, missing


def _whole(values: pd.Series) -> np.ndarray:
    return values.to_numpy(dtype="int64", na_value=0) if values.dtype.kind != "f" else np.nan_to_num(values.to_numpy()).astype(np.int64)
