"""How was written work served? First response, resolution, response service level and backlog, on the calendar and in working time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import OptionError, ZoneError
from ccstats.periods import PERIODS, Calendar, check_timezone, local_grid, period_start
from ccstats.queueing.durations import summarise_durations
from ccstats.schema import ITEMS, as_frame
from ccstats.schema.instants import as_known, check_order, look_at
from ccstats.service._backlog import Backlog
from ccstats.service._groups import Groups, micros_of
from ccstats.spc.proportions import check_confidence, wilson_interval

__all__ = ["measure_deferred"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_SHARES = (0.5, 0.9)


def measure_deferred(
    items: Any,
    *,
    by: str | Sequence[str] = ("queue",),
    period: str | None = None,
    timezone: str | None = None,
    target_s: float | None = None,
    calendar: Calendar | None = None,
    as_of: Any = None,
    closure_days: int = 28,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """First response, response service level, resolution and backlog of e-mail, messages and tickets, per group and period.

    Parameters
    ----------
    items : pandas.DataFrame or Arrow table
        One row an item (table ``items``).
    by : str or sequence of str
        Group columns.
    period : str, optional
        ``hour``, ``day``, ``week``, ``month``, ``quarter`` or ``year``; without one, one row a group.
    timezone : str, optional
        The zone whose days count; by default the calendar's. Needed with ``period``.
    target_s : float, optional
        An item answered in no more than this is within the target. [s]
    calendar : Calendar, optional
        Opening hours: adds every figure on the clock of working time.
    as_of : datetime-like with a time zone, optional
        The instant the items are looked at: what happened later had not. By default the last instant in the table.
    closure_days : int
        ``backlog_days`` divides by the daily closures of so many days before. [d]
    confidence : float
        Of all intervals, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        One row a group that had items, and every period from the first item to ``as_of``, empty ones too. Of the items *opened* in it:
        ``items``; ``answered``, ``unanswered`` (still open), ``closed_unanswered``; ``first_response_s`` (mean), ``first_response_p50_s``,
        ``first_response_p90_s``; ``answered_within``, ``answered_late``, ``overdue`` (open, unanswered and older than the target),
        ``not_due`` (open, unanswered and not older), ``response_sl``; ``closed``, ``resolution_s``, ``resolution_p50_s``,
        ``resolution_p90_s``. Of its *end* (``measured_at``: of the last period ``as_of``): ``closures`` in the period, ``backlog``,
        ``backlog_age_s`` (mean), ``backlog_age_max_s``, ``daily_closures``, ``backlog_days``. Figures have ``_low`` and ``_high`` beside
        them. With a calendar also ``first_response_working_s``, ``response_sl_working``, ``resolution_working_s``,
        ``backlog_age_working_s`` and their kin, and the days of ``daily_closures`` and ``backlog_days`` are working days. Counts of a
        target are 0 and its share is missing without one; what has nothing to divide by is missing.

    Raises
    ------
    TableError
        If the table does not fit the schema, or an item was answered or closed before it was opened: with row and key.
    OptionError
        If an argument has no such value.
    ColumnError, ZoneError
        If a ``by`` column is not there, or a period is asked for without a zone.

    See Also
    --------
    list_backlog : the backlog by age.
    measure_service : contacts that wait while they wait.

    Notes
    -----
    *First response* runs from the customer's first message to the first reply of a human; automatic replies should not be in
    ``first_response_at``. Means are over the answered (closed); quantiles know of those still open, which have waited at least so long
    (Kaplan and Meier), and are missing where the curve does not come down so far.

    ``response_sl = answered within the target / (answered + unanswered, open and older than the target)``. An item closed without a reply
    is in neither. Limits are Wilson's and take items as independent.

    *Backlog* at t: items with ``opened_at <= t`` that are not closed by t. ``backlog_days`` = backlog / closures per day in the
    ``closure_days`` before t, or since the group's first item where that is later. It says how long the work on hand would take
    if nothing came and work went on as before.

    Examples
    --------
    >>> import ccstats as cc
    >>> import pandas as pd
    >>> opened = pd.to_datetime(["2026-03-02T09:00Z", "2026-03-02T10:00Z", "2026-03-03T09:00Z"])
    >>> replied = pd.to_datetime(["2026-03-02T10:00Z", None, "2026-03-03T18:00Z"])
    >>> items = pd.DataFrame({"item_id": list("abc"), "opened_at": opened, "first_response_at": replied, "closed_at": replied})
    >>> found = cc.measure_deferred(items.assign(queue="post"), target_s=4 * 3600, as_of="2026-03-04T00:00Z").loc[0]
    >>> found[["answered_within", "answered_late", "overdue", "backlog"]].astype(int).tolist(), round(float(found["response_sl"]), 3)
    ([1, 1, 1, 1], 0.333)
    """
    _check(period, target_s, closure_days, confidence)
    zone = timezone if timezone is not None or calendar is None else calendar.timezone
    if period is not None and zone is None:
        raise ZoneError(f"period={period!r} needs timezone=, such as 'Europe/Istanbul': where days begin is not in the table")
    frame, at = _items_as_of(items, as_of)
    groups = Groups(frame, by, instants=frame["opened_at"], period=None, timezone="UTC", what="items")
    starts, ends = _periods(frame, at, period, zone)
    count = len(starts)
    cell = groups.codes * count + np.searchsorted(starts, micros_of(frame["opened_at"]), side="right") - 1
    size = len(groups.keys) * count

    def number(chosen: Flags) -> Ints:
        return np.bincount(cell[chosen], minlength=size).astype("int64")

    answered, closed = frame["first_response_at"].notna().to_numpy(), frame["closed_at"].notna().to_numpy()
    now = pd.Series(at, index=frame.index, dtype="datetime64[us, UTC]")
    until_answer = frame["first_response_at"].fillna(frame["closed_at"]).fillna(now)
    until_close = frame["closed_at"].fillna(now)
    columns: dict[str, Any] = {
        "items": number(np.ones(len(frame), dtype=bool)),
        "answered": number(answered),
        "unanswered": number(~answered & ~closed),
        "closed_unanswered": number(~answered & closed),
    }
    clocks = {"": None} if calendar is None else {"": None, "_working": calendar}
    for suffix, clock in clocks.items():
        took = _took(frame["opened_at"], until_answer, clock)
        columns |= _times("first_response" + suffix, took, answered, cell, size, confidence)
        columns |= _service(suffix, took, answered, ~answered & ~closed, target_s, number, confidence)
    columns["closed"] = number(closed)
    for suffix, clock in clocks.items():
        took = _took(frame["opened_at"], until_close, clock)
        columns |= _times("resolution" + suffix, took, closed, cell, size, confidence)
    backlog = Backlog(frame, groups.codes, len(groups.keys), calendar)
    columns |= backlog.measure(starts, np.minimum(ends, micros_of(now[:1])[0] if len(now) else ends), closure_days)
    keys = groups.keys.iloc[np.repeat(np.arange(len(groups.keys)), count)].reset_index(drop=True)
    if period is not None:
        first = pd.DatetimeIndex(starts.view("datetime64[us]")).tz_localize("UTC").tz_convert(zone)
        keys["period_start"] = first.take(np.tile(np.arange(count), len(groups.keys)))
    return keys.assign(**columns)


def _check(period: str | None, target_s: Any, closure_days: Any, confidence: Any) -> None:
    if period is not None and period not in PERIODS:
        raise OptionError(f"period={period!r}: expected {', '.join(PERIODS)} or None")
    if target_s is not None and (
        not isinstance(target_s, int | float | np.number) or isinstance(target_s, bool) or not 0 <= target_s < np.inf
    ):
        raise OptionError(f"target_s={target_s!r}: expected seconds from 0, such as 86400 for a day")
    if not isinstance(closure_days, int | np.integer) or isinstance(closure_days, bool) or closure_days < 1:
        raise OptionError(f"closure_days={closure_days!r}: expected whole days from 1, such as 28")
    check_confidence(confidence)


def _items_as_of(items: Any, as_of: Any) -> tuple[pd.DataFrame, pd.Timestamp]:
    frame = as_frame(items, what="items")
    ITEMS.check(frame, columns=["item_id", "opened_at", "first_response_at", "closed_at"])
    for name in ("first_response_at", "closed_at"):
        check_order(frame, "opened_at", name, key=["item_id"], what="items")
    at = look_at(as_of, *(frame[name] for name in ("opened_at", "first_response_at", "closed_at"))).as_unit("us")
    frame = frame[frame["opened_at"] <= at].reset_index(drop=True)
    return frame.assign(**{name: as_known(frame[name], at) for name in ("first_response_at", "closed_at")}), at


def _periods(frame: pd.DataFrame, at: pd.Timestamp, period: str | None, zone: str | None) -> tuple[Ints, Ints]:
    """Where the periods from the first item on begin and end [µs]; without a period one that holds all."""
    end = int(pd.DatetimeIndex([at]).as_unit("us").asi8[0])
    if period is None or zone is None:
        return np.array([np.iinfo(np.int64).min]), np.array([end])
    if frame.empty:
        return np.empty(0, dtype="int64"), np.empty(0, dtype="int64")
    ahead = pd.Timedelta(days={"hour": 1, "day": 3, "week": 9, "month": 33, "quarter": 94}.get(period, 368))
    every = "1h" if period == "hour" else "1D"
    grid = local_grid(frame["opened_at"].min(), at + ahead, every=every, timezone=check_timezone(zone))["interval_start"]
    starts = np.unique(micros_of(pd.Series(period_start(grid, period=period, timezone=zone))))
    there = starts[:-1] <= end
    return starts[:-1][there], starts[1:][there]


def _took(start: pd.Series, end: pd.Series, calendar: Calendar | None) -> Floats:
    if calendar is not None:
        return calendar.open_seconds(start, end)
    return np.asarray((end - start).dt.total_seconds(), dtype="float64")


def _times(name: str, took: Floats, ended: Flags, cell: Ints, size: int, confidence: float) -> dict[str, Floats]:
    out = {}
    for figure, values in summarise_durations(took, ended, cell, groups=size, shares=_SHARES, confidence=confidence).items():
        what, _, end = figure.partition("_")
        out[f"{name}{'' if what == 'mean' else '_' + what}_s{'_' + end if end else ''}"] = values
    return out


def _service(
    suffix: str, took: Floats, answered: Flags, waiting: Flags, target_s: float | None, number: Any, confidence: float
) -> dict[str, Any]:
    """Answered within the target, late, overdue and not due, and the share."""
    limit = np.nan if target_s is None else float(target_s)
    within, late = number(answered & (took <= limit)), number(answered & (took > limit))
    overdue, not_due = number(waiting & (took > limit)), number(waiting & (took <= limit))
    of = within + late + overdue
    share = np.divide(within, of, out=np.full(len(of), np.nan), where=of > 0)
    low, high = wilson_interval(within, of, confidence=confidence)
    counts = {"answered_within": within, "answered_late": late, "overdue": overdue, "not_due": not_due}
    return {name + suffix: values for name, values in counts.items()} | {
        f"response_sl{suffix}": share,
        f"response_sl{suffix}_low": low,
        f"response_sl{suffix}_high": high,
    }
