"""What outages cost: availability, contacts lost, delayed and never come, and the time until the service was as usual again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from ccstats.deviations.outage_baseline import add_baseline, sum_intervals
from ccstats.deviations.outages import Outages, merge_spans, overlap, read_outages
from ccstats.errors import OptionError
from ccstats.expectation.expected import divide
from ccstats.expectation.outlook import numbers
from ccstats.intervals.merging import as_intervals
from ccstats.metrics import SERVICE_LEVELS

__all__ = ["Continuity", "measure_continuity"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: What names an outage.
_NAMED = ("outage", "label", "started_at", "ended_at")
#: Confidence of the limits of the time between outages.
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Continuity:
    """What outages cost.

    Attributes
    ----------
    outages : pandas.DataFrame
        One row per (queue and) outage.
    totals : pandas.DataFrame
        One row per queue: all outages together, overlaps counted once.

    Examples
    --------
    >>> Continuity(pd.DataFrame(), pd.DataFrame()).totals.empty
    True
    """

    outages: pd.DataFrame
    totals: pd.DataFrame


def measure_continuity(
    intervals: Any,
    outages: Any,
    *,
    by: str | Sequence[str] = "queue",
    definition: str = "service_level",
    baseline: str = "auto",
    timezone: str | None = None,
    holidays: Any = None,
    recovery: int = 3,
    band: float = 2.0,
    least: float = 0.5,
) -> Continuity:
    """What each outage cost, and all of them together: availability, contacts lost, late and never come, and time to recover.

    Parameters
    ----------
    intervals : table
        `intervals`, counted with a threshold; some weeks around the outages.
    outages : table
        ``started_at, ended_at`` (with a time zone) and, where known, ``queue`` (missing: all queues) and ``label``.
    by : str
        ``queue``, or ``()`` for all queues as one.
    definition : str
        Which of the nine observed service levels is measured.
    baseline : str
        What would have been: a ``kind`` of `fit_profile`, fitted without the outages. Of an outage's day it knows only what came before.
    timezone : str, optional
        Whose weekdays and times of day; by default the zone the intervals were cut in.
    holidays : str or iterable of dates, optional
        As `fit_profile` takes them.
    recovery : int
        Intervals on end that must be as usual. [intervals]
    band : float
        As usual is a service level not lower, and a mean wait not longer, than the baseline by more than this. [standard deviations]
    least : float
        Service time are intervals in which somebody came, or at least so many contacts are to be expected. [contacts]

    Returns
    -------
    Continuity
        ``outages``: ``queue``, ``outage`` (its number in time), ``label``, ``started_at``, ``ended_at``, ``outage_s``, ``service_s`` of it
        in service time; of the intervals that it touches ``intervals``, ``offered`` and ``expected_offered``, ``never_came`` (expected less
        offered; negative: more came), ``lost_contacts`` (abandoned, flowed out, lost, blocked) and ``expected_lost_contacts``,
        ``extra_lost``, ``late`` (not answered in time beyond the baseline), the service level and ``expected_service_level``,
        ``asa_s``, ``expected_asa_s``; of the intervals from its end until recovery is proved ``late_after``, ``extra_lost_after``, the
        service level ``…_after`` and ``expected_service_level_after``; ``recovered_at``, start of the first of ``recovery`` intervals
        that are as usual; ``time_to_recover_s`` from the end until then, at most; ``censored`` where that was not seen, ``watched_s``
        long; ``note`` says why.

        ``totals``: ``queue``, ``outages`` (those that overlap are one), ``outage_s``, ``service_s`` of the whole table, ``availability``
        (share of service time without outage), ``contact_availability`` (share of the contacts to be expected that fall outside them); the
        same counts over all intervals touched; ``mean_outage_s``, ``mean_time_to_recover_s`` of those seen to recover, ``censored`` (how
        many were not); ``mean_time_between_s`` (service time without outage, per outage) with ``…_low`` and ``…_high``.

        Without outages there are totals only, and the time between them has no other limit than the lower. What the baseline does not
        know is missing.

    Raises
    ------
    ColumnError, TableError, ZoneError
        If a column is missing; if an outage ends before it starts, lies outside the intervals, or names no queue that there is.
    OptionError
        If an argument has no such value, or there are too few days for a baseline.

    See Also
    --------
    stress_plan : what an outage would cost.
    fit_profile : the baseline.

    Notes
    -----
    *Whole intervals.* Contacts are known by interval: those of an interval that an outage touches all count to it, and are compared with
    the baseline of the whole interval. Where two outages touch an interval, both rows count it, the total once.

    *Baselines.* Contacts, service level, share lost and mean wait by weekday and time of day, each weighted as `fit_profile` does. From the
    start of an outage to the end of its local day nothing is learned, about the day either: who rings again afterwards is no busy day.

    *Recovery.* Intervals without contacts are passed over, so that one before closing time may recover the next morning. What the next
    outage, or the end of the table, cuts off is censored: it lasted longer than ``watched_s``, and is in no mean. The mean of the others
    is then too short.

    *Time between outages* supposes that they come at random at a steady rate: limits are those of a Poisson count, 95 % [1]_. From one or
    two outages next to nothing is known, as the limits show.

    References
    ----------
    .. [1] F. Garwood (1936), Fiducial limits for the Poisson distribution. Biometrika 28, 437-442.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> centre = cc.synthesize_contacts(seed=1, days=28)
    >>> half_hours = cc.to_intervals(centre.contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> at = pd.to_datetime(["2025-01-29 10:00", "2025-01-29 11:30"]).tz_localize("Europe/Istanbul")
    >>> found = cc.measure_continuity(half_hours, pd.DataFrame({"started_at": at[:1], "ended_at": at[1:]}))
    >>> found.outages["outage_s"].tolist()
    [5400.0, 5400.0, 5400.0]
    >>> bool(found.totals["availability"].between(0.99, 1).all())
    True
    """
    keys = [by] if isinstance(by, str) else list(by)
    if keys not in ([], ["queue"]):
        raise OptionError(f"by={by!r} is not known; give 'queue', or () for all queues as one")
    _check(definition, recovery, band, least)
    frame, zone = sum_intervals(as_intervals(intervals), keys, timezone)
    begins, length = frame["second"].to_numpy(), numbers(frame, "interval_s")
    words = [str(word) for word in frame["queue"].cat.categories] if keys else []
    known = read_outages(outages, low=float(begins.min()), high=float((begins + length).max()), queues=words)
    frame = add_baseline(frame, keys, known, definition, {"kind": baseline, "timezone": zone, "holidays": holidays})
    rows, totals = [], []
    for word in words or [""]:
        part = frame[frame["queue"] == word] if keys else frame
        of_it = _Queue(part, known.of(word), definition, recovery, band, least)
        named = {"queue": word} if keys else {}
        rows += [named | of_it.outage(number) for number in range(len(of_it.known.start))]
        totals.append(named | of_it.total())
    found, total = pd.DataFrame(rows, columns=None if rows else [*keys, *_NAMED]), pd.DataFrame(totals)
    for name in {"started_at", "ended_at", "recovered_at"} & set(found.columns):
        found[name] = pd.to_datetime(found[name], utc=True).dt.as_unit("us")
    words_of = pd.CategoricalDtype(words)
    return Continuity(*(each.astype({"queue": words_of}) if "queue" in each else each for each in (found, total)))


def _check(definition: str, recovery: int, band: float, least: float) -> None:
    if definition not in SERVICE_LEVELS:
        raise OptionError(f"definition={definition!r} is not an observed service level; choose one of: {', '.join(SERVICE_LEVELS)}")
    if not isinstance(recovery, int | np.integer) or isinstance(recovery, bool) or recovery < 1:
        raise OptionError(f"recovery={recovery!r} must be a whole number of intervals, 1 or more")
    for name, value in (("band", band), ("least", least)):
        if not (isinstance(value, int | float | np.integer | np.floating) and 0 < value < np.inf):
            raise OptionError(f"{name}={value!r} must be a positive number")


class _Queue:
    """One queue (or all as one), and its outages."""

    def __init__(self, frame: pd.DataFrame, known: Outages, definition: str, recovery: int, band: float, least: float) -> None:
        self.known, self._definition, self._recovery = known, definition, recovery
        self._of = {name: frame[name].to_numpy(dtype="float64") for name in frame.columns if frame[name].dtype.kind in "iuf"}
        self._starts = pd.DatetimeIndex(frame["interval_start"])
        self._begins, self._length = self._of["second"], self._of["interval_s"]
        expected = np.nan_to_num(self._of["offered_baseline"])
        self._open = (self._of["offered"] > 0) | (expected >= least)
        self._touched = [overlap(*span, self._begins, self._length) > 0 for span in zip(known.start, known.end, strict=True)]
        slack = {name: np.fmax(band * self._of[f"{name}_sigma"], least_) for name, least_ in (("level", self._one()), ("wait", 1.0))}
        slow = ~(self._of["wait"] <= self._of["wait_baseline"] + slack["wait"])
        self._usual = (self._of["level"] >= self._of["level_baseline"] - slack["level"] - 1e-12) & ~slow
        self._after = [self._recover(number) for number in range(len(known.start))]

    def _one(self) -> Floats:
        """One contact more or less is nothing unusual."""
        return np.nan_to_num(divide(np.ones(len(self._length)), self._of["level_count"]))

    def outage(self, number: int) -> dict[str, Any]:
        """One row: what one outage cost."""
        start, end = self.known.start[number], self.known.end[number]
        after = self._after[number]
        in_service = overlap(start, end, self._begins, self._length)[self._open].sum()
        return {
            "outage": number + 1,
            "label": self.known.label[number],
            "started_at": pd.Timestamp(start, unit="s", tz="UTC"),
            "ended_at": pd.Timestamp(end, unit="s", tz="UTC"),
            "outage_s": end - start,
            "service_s": in_service,
            **self._cost(self._touched[number]),
            **self._aftermath(after.rows),
            "recovered_at": pd.NaT if after.first is None else pd.Timestamp(self._begins[after.first], unit="s", tz="UTC"),
            "time_to_recover_s": np.nan if after.first is None else max(self._begins[after.first] - end, 0.0),
            "censored": after.first is None,
            "watched_s": after.watched_s,
            "note": after.note,
        }

    def total(self) -> dict[str, Any]:
        """One row: all outages together."""
        start, end = merge_spans(self.known.start, self.known.end)
        out = np.sum(
            [np.zeros(len(self._length)), *(overlap(*span, self._begins, self._length) for span in zip(start, end, strict=True))], axis=0
        )
        service_s, out_s = self._length[self._open].sum(), out[self._open].sum()
        expected = np.nan_to_num(self._of["offered_baseline"])
        touched = np.any([np.zeros(len(out), dtype=bool), *self._touched], axis=0)
        after = np.any([np.zeros(len(out), dtype=bool), *(each.rows for each in self._after)], axis=0) & ~touched
        ends = [self._begins[each.first] - span for each, span in zip(self._after, self.known.end, strict=True) if each.first is not None]
        number = len(start)
        alpha = (1 - _CONFIDENCE) / 2
        return {
            "outages": number,
            "outage_s": out_s,
            "service_s": service_s,
            "availability": _share(out_s, service_s),
            "contact_availability": _share((expected * divide(out, self._length)).sum(), expected.sum()),
            **self._cost(touched),
            **self._aftermath(after),
            "mean_outage_s": float(np.mean(end - start)) if number else np.nan,
            "mean_time_to_recover_s": float(np.mean(np.maximum(ends, 0.0))) if ends else np.nan,
            "censored": sum(each.first is None for each in self._after),
            "mean_time_between_s": (service_s - out_s) / number if number else np.nan,
            "mean_time_between_s_low": 2 * (service_s - out_s) / special.chdtri(2 * number + 2, alpha),
            "mean_time_between_s_high": 2 * (service_s - out_s) / special.chdtri(2 * number, 1 - alpha) if number else np.inf,
        }

    def _cost(self, rows: Bools) -> dict[str, Any]:
        """Counts of these intervals, beside the baseline."""
        of = {name: values[rows] for name, values in self._of.items()}
        expected = float(of["offered_baseline"].sum()) if rows.any() else 0.0
        return {
            "intervals": int(rows.sum()),
            "offered": int(of["offered"].sum()),
            "expected_offered": expected,
            "never_came": expected - of["offered"].sum(),
            "lost_contacts": int(of["lost_sum"].sum()),
            "expected_lost_contacts": _product(of, "lost"),
            "extra_lost": of["lost_sum"].sum() - _product(of, "lost"),
            "late": _product(of, "level") - of["level_sum"].sum(),
            **self._levels(of, ""),
            "asa_s": _ratio(of["wait_sum"].sum(), of["wait_count"].sum()),
            "expected_asa_s": _ratio(_product(of, "wait"), of["wait_count"].sum()),
        }

    def _aftermath(self, rows: Bools) -> dict[str, Any]:
        of = {name: values[rows] for name, values in self._of.items()}
        return {
            "late_after": _product(of, "level") - of["level_sum"].sum(),
            "extra_lost_after": of["lost_sum"].sum() - _product(of, "lost"),
            **self._levels(of, "_after"),
        }

    def _levels(self, of: dict[str, Floats], suffix: str) -> dict[str, float]:
        counted = of["level_count"].sum()
        return {
            f"{self._definition}{suffix}": _ratio(of["level_sum"].sum(), counted),
            f"expected_service_level{suffix}": _ratio(_product(of, "level"), counted),
        }

    def _recover(self, number: int) -> _Aftermath:
        """The first of so many intervals on end that are as usual, before the next outage or the end of the table."""
        end = self.known.end[number]
        later = [
            self._begins[touched].min() for other, touched in enumerate(self._touched) if other != number and self.known.end[other] > end
        ]
        stop = min([*later, np.inf])
        note = "the next outage came first" if later and stop < np.inf else "the table ends first"
        seen = np.flatnonzero((self._begins >= end) & (self._begins < stop))
        judged = seen[self._of["level_count"][seen] > 0]
        on_end = 0
        for place, row in enumerate(judged):
            on_end = on_end + 1 if self._usual[row] else 0
            if on_end == self._recovery:
                first = judged[place - on_end + 1]
                return _Aftermath(int(first), self._rows(seen[seen <= row]), self._begins[first] - end, "")
        reached = self._begins[seen[-1]] + self._length[seen[-1]] if len(seen) else end
        return _Aftermath(None, self._rows(seen), max(reached - end, 0.0), note)

    def _rows(self, which: NDArray[np.int64]) -> Bools:
        rows = np.zeros(len(self._length), dtype=bool)
        rows[which] = True
        return rows


class _Aftermath(NamedTuple):
    """What came after an outage: the first interval as usual (None: not seen), the intervals watched, how long, and why not longer."""

    first: int | None
    rows: Bools
    watched_s: float
    note: str


def _product(of: dict[str, Floats], name: str) -> float:
    """The baseline share of each interval times its contacts; none where there were no contacts."""
    count = of[f"{name}_count"]
    return float(np.where(count > 0, of[f"{name}_baseline"] * count, 0.0).sum())


def _ratio(above: float, below: float) -> float:
    return float(above / below) if below > 0 else float("nan")


def _share(out: float, whole: float) -> float:
    return float(1 - out / whole) if whole > 0 else float("nan")
