"""How many complaints came, and how were they handled? Rate, acknowledgement, resolution, what was in time (EN 15838, 7.8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import ColumnError, OptionError
from ccstats.periods import Calendar
from ccstats.queueing.durations import summarise_durations
from ccstats.queueing.survival import poisson_limits
from ccstats.satisfaction._cells import Cells, columns_of, divide, keys_of
from ccstats.satisfaction.complaint_clocks import Clocks, judge_limit, read_complaints_as_of
from ccstats.schema import CONTACTS, as_frame
from ccstats.spc.proportions import check_confidence, wilson_interval

__all__ = ["measure_complaints"]

Floats = NDArray[np.float64]


def measure_complaints(
    complaints: Any,
    *,
    contacts: Any = None,
    handled: float | pd.DataFrame | None = None,
    by: str | Sequence[str] = (),
    period: str | None = None,
    timezone: str | None = None,
    limit_s: float | Mapping[str, float] | None = None,
    limit_working_days: int | None = None,
    clock: str = "elapsed",
    calendar: Calendar | None = None,
    as_of: Any = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Complaints per 1,000 contacts, time to acknowledge and to resolve, and the share resolved in time, per group and period.

    Parameters
    ----------
    complaints : pandas.DataFrame or Arrow table
        One row a complaint.
    contacts : pandas.DataFrame or Arrow table, optional
        One row a visit: what the rate is divided by, contacts with an answered visit (each once a group, booked where it queued).
    handled : float or pandas.DataFrame, optional
        Instead of ``contacts``: how many were handled, one number for all; or a table with the ``by`` columns, ``period_start`` where a
        period is asked for, and ``handled``. [contacts]
    by : str or sequence of str
        Group columns of ``complaints`` (and of ``contacts`` or ``handled``), such as ``queue``.
    period : str, optional
        ``hour``, ``day``, ``week``, ``month``, ``quarter`` or ``year``, by ``received_at``; without one, one row a group.
    timezone : str, optional
        The zone whose days count; by default the calendar's. Needed with ``period``.
    limit_s : float or mapping of str to float, optional
        A complaint resolved in no more than this is in time; one number, or one for each ``reason`` (others have no limit). [s]
    limit_working_days : int, optional
        Instead: in time is what is resolved by the end of this working day, the day of receipt being day 0. Needs ``calendar``.
    clock : {"elapsed", "working"}
        The clock that ``limit_s`` runs on; working time needs ``calendar``.
    calendar : Calendar, optional
        Opening hours and holidays: adds times in working time and working days.
    as_of : datetime-like with a time zone, optional
        The instant the complaints are looked at: what happened later had not. By default the last instant in the tables.
    confidence : float
        Of all intervals, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        One row a group and period in which there were complaints or contacts: ``complaints``, ``handled``, ``complaints_per_1000``
        [per 1000]; ``acknowledged``, ``complaint_ack_s`` (mean), ``complaint_ack_p50_s``, ``complaint_ack_p95_s``; ``closed``, ``open``,
        ``complaint_resolution_s``, ``…_p50_s``, ``…_p95_s``; with a calendar the same as ``complaint_resolution_working_s`` and
        ``complaint_resolution_working_days`` [d]; ``on_time``, ``late`` (resolved late, or open beyond the limit), ``not_due`` (open and
        within it), ``no_limit``, ``complaint_on_time_rate``, ``on_time_rate_due`` (of complaints whose limit has passed by ``as_of`` only);
        ``without_reminder``, ``reminders_unknown``, ``complaint_first_resolution`` (of the closed whose reminders are known). Figures
        have ``_low`` and ``_high`` beside them. What has nothing to divide by is missing, and times of nothing are.

    Raises
    ------
    TableError
        If the table does not fit the schema, or a complaint was resolved or acknowledged before it was received: with row and key.
    OptionError
        If both ``contacts`` and ``handled``, or two limits, are given; or an argument has no such value.
    ColumnError, ZoneError
        If a ``by`` column is not there, or a period is asked for without a zone.

    See Also
    --------
    list_complaint_reasons : what they are about.
    list_backlog : how old the open ones are.

    Notes
    -----
    *Rate.* Complaints are booked when received, contacts when they queued; a complaint in March about February counts in March. Limits are
    exact for a Poisson count [1]_, and take complaints as independent: several by one customer about one thing are fewer than they look.

    *Times.* Medians and 95th percentiles know of the open ones, which have lasted at least so long (Kaplan and Meier): the time by which
    half are resolved, missing while fewer than that are. Means are over the closed, and too low while the slow are open. A complaint
    resolved without acknowledgement counts as not acknowledged up to then. Working days are counted as in `Calendar.working_days`.

    *In time* = resolved within the limit / (resolved + open beyond the limit). While a month is young its quick complaints are already
    in it and its slow ones not yet: ``complaint_on_time_rate`` is then too good, ``on_time_rate_due`` is not. Limits are Wilson's.

    References
    ----------
    .. [1] F. Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28, 437-442.

    Examples
    --------
    >>> import ccstats as cc
    >>> import pandas as pd
    >>> received = pd.to_datetime(["2026-03-02T09:00Z", "2026-03-03T09:00Z", "2026-03-20T09:00Z"])
    >>> resolved = pd.to_datetime(["2026-03-04T09:00Z", None, "2026-03-21T09:00Z"])
    >>> table = pd.DataFrame({"complaint_id": list("abc"), "received_at": received, "resolved_at": resolved, "reminders": [0, 2, 0]})
    >>> table["acknowledged_at"] = table["received_at"]
    >>> month = cc.measure_complaints(table, handled=1500, limit_s=14 * 86_400, as_of="2026-03-31T00:00Z").loc[0]
    >>> month[["complaints_per_1000", "on_time", "late", "complaint_resolution_p50_s"]].tolist()
    [2.0, 2.0, 1.0, 172800.0]
    """
    check_confidence(confidence)
    if contacts is not None and handled is not None:
        raise OptionError("contacts= and handled= say the same; give one of them")
    zone = timezone if timezone is not None or calendar is None else calendar.timezone
    visits = None if contacts is None else _handled_visits(contacts)
    until = None if visits is None else visits["queued_at"].max()
    needed = ["received_at", "acknowledged_at", "resolved_at", "reminders"]
    frame, at = read_complaints_as_of(complaints, columns=needed, as_of=as_of, until=until)
    frame_keys = keys_of(frame, by, instants=frame["received_at"], period=period, timezone=zone, what="complaints")
    other_keys, other_size = _others(visits, handled, by, at, period, zone, frame_keys)
    cells = Cells(_stacked(frame_keys, other_keys))
    codes, others = cells.codes[: len(frame)], cells.codes[len(frame) :]
    size = len(cells)

    def count(chosen: Any) -> NDArray[np.int64]:
        return np.bincount(codes[np.asarray(chosen, dtype=bool)], minlength=size).astype("int64")

    came = np.bincount(codes, minlength=size).astype("int64")
    base = np.bincount(others, weights=other_size, minlength=size) if contacts is not None or handled is not None else np.full(size, np.nan)
    columns: dict[str, Any] = {"complaints": came, "handled": pd.Series(base).astype("Int64")}
    limits = poisson_limits(came, confidence=confidence)
    for name, number in zip(("", "_low", "_high"), (came, *limits), strict=True):
        columns[f"complaints_per_1000{name}"] = divide(1000 * number, base)

    clocks = Clocks(frame, calendar)
    closed, seen = frame["resolved_at"].notna().to_numpy(), frame["acknowledged_at"].notna().to_numpy()
    now = pd.Series(at, index=frame.index, dtype="datetime64[us, UTC]")
    resolution = clocks.durations("received_at", frame["resolved_at"].fillna(now))
    receipt = clocks.durations("received_at", frame["acknowledged_at"].fillna(frame["resolved_at"]).fillna(now))
    columns["acknowledged"] = count(seen)
    columns |= _times("complaint_ack", receipt, seen, codes, size, confidence)
    columns["closed"], columns["open"] = count(closed), count(~closed)
    columns |= _times("complaint_resolution", resolution, closed, codes, size, confidence)

    passed, met, limited = judge_limit(frame, at, limit_s=limit_s, limit_working_days=limit_working_days, calendar=calendar, clock=clock)
    columns |= {
        "on_time": count(met),
        "late": count(limited & (closed & ~met | ~closed & passed)),
        "not_due": count(limited & ~closed & ~passed),
        "no_limit": count(~limited),
    }
    columns |= _share("complaint_on_time_rate", columns["on_time"], columns["on_time"] + columns["late"], confidence)
    columns |= _share("on_time_rate_due", count(met & passed), count(limited & passed), confidence)
    reminders = frame["reminders"].to_numpy(dtype="float64", na_value=np.nan)
    columns["without_reminder"] = count(closed & (reminders == 0))
    columns["reminders_unknown"] = count(closed & np.isnan(reminders))
    columns |= _share("complaint_first_resolution", columns["without_reminder"], count(closed & ~np.isnan(reminders)), confidence)
    return cells.table(columns)


def _share(name: str, met: Any, of: Any, confidence: float) -> dict[str, Floats]:
    low, high = wilson_interval(met, of, confidence=confidence)
    return {name: divide(met, of), f"{name}_low": low, f"{name}_high": high}


def _times(
    name: str, clocks: dict[str, Floats], ended: NDArray[np.bool_], codes: NDArray[np.int64], size: int, confidence: float
) -> dict[str, Floats]:
    """Mean, median and 95th percentile on each clock, with limits beside them."""
    out = {}
    for clock, duration in clocks.items():
        unit = "" if clock == "working_days" else "_s"
        for figure, values in summarise_durations(duration, ended, codes, groups=size, confidence=confidence).items():
            what, _, end = figure.partition("_")
            parts = [name, clock, "" if what == "mean" else what]
            out["_".join(part for part in parts if part) + unit + (f"_{end}" if end else "")] = values
    return out


def _handled_visits(contacts: Any) -> pd.DataFrame:
    frame = as_frame(contacts, what="contacts")
    CONTACTS.check(frame, columns=["contact_id", "queued_at", "outcome"], keys=False)
    return frame[(frame["outcome"] == "answered") & frame["queued_at"].notna()].sort_values("queued_at", kind="stable", ignore_index=True)


def _others(
    visits: pd.DataFrame | None,
    handled: Any,
    by: str | Sequence[str],
    at: pd.Timestamp,
    period: str | None,
    timezone: str | None,
    like: pd.DataFrame,
) -> tuple[pd.DataFrame, Floats]:
    """The groups that contacts were handled in, and how many in each."""
    if visits is not None:
        visits = visits[visits["queued_at"] <= at].reset_index(drop=True)
        keys = keys_of(visits, by, instants=visits["queued_at"], period=period, timezone=timezone, what="contacts")
        fresh = ~keys.assign(contact_id=visits["contact_id"]).duplicated().to_numpy()
        return keys[fresh].reset_index(drop=True), np.ones(int(fresh.sum()))
    if handled is None:
        return like.iloc[:0], np.empty(0)
    if isinstance(handled, Real) and not isinstance(handled, bool):
        _check_handled(np.array([float(handled)]))
        if not like.columns.empty:
            raise OptionError("handled= is one number, and groups or periods are asked for; give a table with their columns and 'handled'")
        return pd.DataFrame(index=pd.RangeIndex(1)), np.array([float(handled)])
    table = as_frame(handled, what="handled")
    if "handled" not in table:
        raise ColumnError(f"handled= has no column 'handled'; it has: {', '.join(map(str, table.columns))}")
    keys = table[columns_of(list(like.columns), table, what="handled=")].reset_index(drop=True)
    numbers = table["handled"].to_numpy(dtype="float64", na_value=np.nan)
    _check_handled(numbers)
    return keys, numbers


def _check_handled(numbers: Floats) -> None:
    bad = np.flatnonzero((numbers < 0) | np.isinf(numbers) | (numbers % 1 > 0))
    if len(bad):
        raise OptionError(f"handled={numbers[bad[0]]:g} (row {bad[0]}): expected how many contacts were handled, a whole number from 0")


def _stacked(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Keys of both on one another; categories of one column are put together, so that they stay categories."""
    for name in first.columns:
        one, two = first[name].dtype, second[name].dtype
        if one != two and isinstance(one, pd.CategoricalDtype) and not isinstance(two, pd.DatetimeTZDtype):
            words = set(one.categories) | set(second[name].dropna().unique())
            both = pd.CategoricalDtype(sorted(words))
            first, second = first.assign(**{name: first[name].astype(both)}), second.assign(**{name: second[name].astype(both)})
        elif isinstance(one, pd.DatetimeTZDtype) and isinstance(two, pd.DatetimeTZDtype):
            second = second.assign(**{name: second[name].dt.tz_convert(one.tz).dt.as_unit(one.unit)})
    return pd.concat([first, second], ignore_index=True)
