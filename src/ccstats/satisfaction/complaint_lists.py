"""What complaints are about, and how old those are that are still open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError, TableError
from ccstats.periods import Calendar
from ccstats.queueing.durations import summarise_durations
from ccstats.satisfaction._cells import Cells, divide, keys_of
from ccstats.satisfaction.complaint_clocks import read_complaints_as_of
from ccstats.schema import COMPLAINTS, ITEMS, as_frame
from ccstats.schema.instants import as_known, check_order, look_at
from ccstats.spc.proportions import check_confidence, wilson_interval

__all__ = ["list_backlog", "list_complaint_reasons"]

#: How a record says when it began and ended.
_BEGUN = {"received_at": ("resolved_at", "complaint_id", COMPLAINTS), "opened_at": ("closed_at", "item_id", ITEMS)}


def list_complaint_reasons(
    complaints: Any,
    *,
    by: str | Sequence[str] = (),
    period: str | None = None,
    timezone: str | None = None,
    as_of: Any = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What complaints are about: how many for each reason, the most frequent first.

    Parameters
    ----------
    complaints : pandas.DataFrame or Arrow table
        One row a complaint.
    by : str or sequence of str
        Group columns, such as ``queue``.
    period : str, optional
        ``hour``, ``day``, ``week``, ``month``, ``quarter`` or ``year``, by ``received_at``.
    timezone : str, optional
        The zone whose days count; needed with ``period``.
    as_of : datetime-like with a time zone, optional
        The instant the complaints are looked at; by default the last one in the table.
    confidence : float
        Of all intervals, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        The groups, ``period_start``, ``reason`` (missing: none given), ``complaints``, ``share`` of the group's with ``share_low`` and
        ``share_high`` (Wilson), ``cumulative_share`` down to this reason, ``open``, and ``complaint_resolution_p50_s`` with limits
        (open ones counted as lasting at least so long). Within a group by number, then by reason. Without complaints it is empty.

    Raises
    ------
    TableError, OptionError, ColumnError, ZoneError
        As `measure_complaints` does.

    Examples
    --------
    >>> import ccstats as cc
    >>> import pandas as pd
    >>> table = pd.DataFrame({"complaint_id": list("abc"), "reason": pd.Categorical(["bill", "wait", "bill"])})
    >>> table["received_at"], table["resolved_at"] = pd.Timestamp("2026-03-02", tz="UTC"), pd.Timestamp("2026-03-03", tz="UTC")
    >>> cc.list_complaint_reasons(table)[["reason", "complaints", "cumulative_share"]].to_dict("records")[0]
    {'reason': 'bill', 'complaints': 2, 'cumulative_share': 0.6666666666666666}
    """
    check_confidence(confidence)
    frame, at = read_complaints_as_of(complaints, columns=["received_at", "resolved_at", "reason"], as_of=as_of)
    keys = keys_of(frame, by, instants=frame["received_at"], period=period, timezone=timezone, what="complaints")
    names = [*keys.columns]
    if "reason" in names:
        raise OptionError("by= names 'reason', which is in the result as it is; leave it out of by=")
    whole, cells = (
        Cells(keys),
        Cells(keys.assign(reason=frame["reason"].cat.reorder_categories(frame["reason"].cat.categories.sort_values()))),
    )
    first = np.unique(cells.codes, return_index=True)[1]
    group, size = whole.codes[first], len(cells)
    number, total = cells.count(), whole.count()[group]
    closed = frame["resolved_at"].notna().to_numpy()
    age = (frame["resolved_at"].fillna(at) - frame["received_at"]).dt.total_seconds().to_numpy(dtype="float64")
    times = summarise_durations(age, closed, cells.codes, groups=size, shares=[0.5], confidence=confidence)
    low, high = wilson_interval(number, total, confidence=confidence)
    table = cells.table(
        {"complaints": number, "share": divide(number, total), "share_low": low, "share_high": high, "cumulative_share": np.nan}
        | {"open": cells.count(~closed)}
        | {f"complaint_resolution_p50_s{end}": times[f"p50{end}"] for end in ("", "_low", "_high")}
    )
    order = np.lexsort((np.arange(size), -number, group))
    table = table.iloc[order].reset_index(drop=True)
    so_far = table["complaints"].groupby(group[order]).cumsum().to_numpy()
    return table.assign(cumulative_share=divide(so_far, total[order]))


def list_backlog(
    records: Any,
    *,
    as_of: Any,
    by: str | Sequence[str] = (),
    edges_days: Sequence[float] = (1, 3, 7, 14, 30),
    calendar: Calendar | None = None,
) -> pd.DataFrame:
    """How old what is open is: complaints or items of written work, by age, at an instant.

    Parameters
    ----------
    records : pandas.DataFrame or Arrow table
        Table ``complaints`` (``received_at``, ``resolved_at``) or ``items`` (``opened_at``, ``closed_at``).
    as_of : datetime-like with a time zone
        When: open is what had come by then and was not done.
    by : str or sequence of str
        Group columns, such as ``queue``.
    edges_days : sequence of float
        Ages that divide the classes, ascending. [d]
    calendar : Calendar, optional
        Ages are working days of this calendar, the day of receipt being day 0; by default spans of 24 hours.

    Returns
    -------
    pandas.DataFrame
        The groups that have ever had a record by then; ``age_from_days`` and ``age_to_days`` (the class holds its lower end and not its
        upper; the last has none), ``backlog``, ``share`` of the group's backlog (missing where there is none) and ``oldest_at``, when the
        oldest of the class came. Every group has every class.

    Raises
    ------
    TableError
        If it is neither table, or something was done before it came: with row and key.
    OptionError
        If the edges do not ascend from above 0.
    ColumnError, ZoneError
        If a ``by`` column is not there, or ``as_of`` has no zone.

    Examples
    --------
    >>> import ccstats as cc
    >>> import pandas as pd
    >>> opened = pd.to_datetime(["2026-03-01T00:00Z", "2026-03-08T00:00Z"])
    >>> items = pd.DataFrame({"item_id": ["a", "b"], "opened_at": opened, "closed_at": pd.to_datetime([None, None], utc=True)})
    >>> aged = cc.list_backlog(items, as_of="2026-03-09T00:00Z", edges_days=[7])
    >>> aged[["age_from_days", "backlog"]].to_dict("list")
    {'age_from_days': [0.0, 7.0], 'backlog': [1, 1]}
    """
    frame = as_frame(records, what="records")
    begun = next((name for name in _BEGUN if name in frame), None)
    if begun is None:
        raise TableError(
            f"records: expected complaints (received_at) or items (opened_at), found columns {', '.join(map(str, frame.columns))}"
        )
    done, key, table = _BEGUN[begun]
    table.check(frame, columns=[key, begun, done])
    check_order(frame, begun, done, key=[key], what="records")
    edges = np.asarray(edges_days, dtype="float64")
    if edges.ndim != 1 or not len(edges) or not (np.diff(edges, prepend=0.0) > 0).all() or not np.isfinite(edges).all():
        raise OptionError(f"edges_days={edges_days!r}: expected ages in days, ascending from above 0, such as (1, 7, 30)")
    if as_of is None:
        raise OptionError("as_of=None: say when, such as '2026-04-01T00:00+02:00'")
    at = look_at(as_of)
    frame = frame[frame[begun] <= at].reset_index(drop=True)
    cells = Cells(keys_of(frame, by, instants=frame[begun], period=None, timezone=None, what="records"))
    open_ = as_known(frame[done], at).isna().to_numpy()
    if calendar is None:
        age = (at - frame[begun]).dt.total_seconds().to_numpy(dtype="float64") / 86_400
    else:
        age = calendar.working_days(frame[begun], at)
    kind = np.searchsorted(edges, age[open_], side="right")
    classes = len(edges) + 1
    at_class = cells.codes[open_] * classes + kind
    number = np.bincount(at_class, minlength=len(cells) * classes).astype("int64")
    oldest = frame.loc[open_, begun].groupby(at_class).min().reindex(range(len(number)))
    group = np.repeat(np.arange(len(cells)), classes)
    backlog = np.bincount(cells.codes[open_], minlength=len(cells))[group]
    return (
        cells.keys.iloc[group]
        .reset_index(drop=True)
        .assign(
            age_from_days=np.tile(np.append(0.0, edges), len(cells)),
            age_to_days=np.tile(np.append(edges, np.nan), len(cells)),
            backlog=number,
            share=divide(number, backlog),
            oldest_at=oldest.array,
        )
    )
