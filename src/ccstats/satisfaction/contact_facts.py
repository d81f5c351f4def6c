"""What is known of the contact a customer was asked about: its wait, queue, hour, transfer, and whether it was a repeat."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.periods import check_timezone
from ccstats.satisfaction._cells import Cells, keys_of
from ccstats.schema import CONTACTS, NOT_QUEUED, as_frame

__all__ = ["as_names", "book", "contact_facts", "group_rows"]

_NEEDED = ("contact_id", "visit", "queue", "queued_at", "outcome", "wait_s", "agent")


def as_names(names: str | Any, *, what: str = "by") -> list[str]:
    """A list of column names of one or several, each once.

    Examples
    --------
    >>> as_names("queue"), as_names(["queue", "agent", "queue"])
    (['queue'], ['queue', 'agent'])
    """
    listed = [names] if isinstance(names, str) else list(names)
    wrong = [name for name in listed if not isinstance(name, str)]
    if wrong:
        raise OptionError(f"{what}={listed!r}: expected names of columns, found {wrong[0]!r}")
    return list(dict.fromkeys(listed))


def contact_facts(contacts: Any, *, timezone: str = "UTC", window_days: float = 7.0) -> pd.DataFrame:
    """One row per contact that joined a queue, whatever number of visits it took.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit.
    timezone : str
        Whose hours count.
    window_days : float
        A contact is a repeat if the same customer had one at most this long before. [days]

    Returns
    -------
    pandas.DataFrame
        ``contact_id``; ``queued_at`` of the first visit; ``wait_s``, the sum over visits; ``queue``, ``agent`` and ``channel`` of the last
        answered visit (of the last, where none was answered); ``answered``; ``transferred``; ``hour`` (local, 0-23) and ``weekday`` (0 is
        Monday); where there is a customer, ``repeat`` (missing: customer not known, or the window begins before the data does);
        ``reason`` and any other column from the same visit.

    Raises
    ------
    TableError
        If a column is missing or of another kind.

    Examples
    --------
    >>> import ccstats as cc
    >>> facts = contact_facts(cc.synthesize_contacts(seed=1).contacts)
    >>> facts["contact_id"].is_unique
    True
    """
    frame = as_frame(contacts, what="contacts")
    CONTACTS.check(frame, columns=_NEEDED)
    check_timezone(timezone)
    frame = frame[~frame["outcome"].isin(NOT_QUEUED)]
    frame = frame.sort_values(["contact_id", "visit"], kind="stable", ignore_index=True)
    answered = (frame["outcome"] == "answered").to_numpy()
    # The visit that is judged comes last of its contact: answered ones after the others.
    judged = frame.assign(_answered=answered).sort_values(["contact_id", "_answered", "visit"], kind="stable")
    facts = judged.drop_duplicates("contact_id", keep="last").drop(columns=["_answered", "visit", "outcome"]).reset_index(drop=True)
    code = pd.factorize(frame["contact_id"])[0]
    size = len(facts)
    wait = frame["wait_s"].to_numpy(dtype="float64", na_value=np.nan)
    known = ~np.isnan(wait)
    waited = np.bincount(code[known], weights=wait[known], minlength=size)
    facts["wait_s"] = np.where(np.bincount(code[known], minlength=size) > 0, waited, np.nan)
    first = frame.drop_duplicates("contact_id")
    facts["queued_at"] = first["queued_at"].reset_index(drop=True)
    facts["answered"] = np.bincount(code[answered], minlength=size) > 0
    moved = frame["transferred_to"].notna().to_numpy() if "transferred_to" in frame else np.zeros(len(frame), dtype=bool)
    facts["transferred"] = np.bincount(code[moved], minlength=size) > 0
    if "transferred_to" not in frame:
        facts = facts.drop(columns="transferred")
    local = facts["queued_at"].dt.tz_convert(timezone)
    facts["hour"], facts["weekday"] = local.dt.hour, local.dt.day_of_week
    if "customer" in facts:
        facts["repeat"] = _repeats(facts, window_days)
    return facts


def book(surveys: pd.DataFrame, facts: pd.DataFrame | None) -> pd.Series[Any]:
    """When each survey counts: when it was asked, else when its contact queued, else when it was answered.

    Examples
    --------
    >>> import pandas as pd
    >>> at = pd.to_datetime(["2024-03-01", None], utc=True)
    >>> book(pd.DataFrame({"invited_at": at, "responded_at": at[::-1], "contact_id": ["1", "2"]}), None).notna().all()
    np.True_
    """
    at = surveys["invited_at"]
    if facts is not None:
        at = at.fillna(facts.set_index("contact_id")["queued_at"].reindex(surveys["contact_id"]).set_axis(surveys.index))
    return at.fillna(surveys["responded_at"])


def group_rows(
    frame: pd.DataFrame, by: list[str], *, booked_at: pd.Series[Any], period: str | None, timezone: str | None, what: str
) -> tuple[np.ndarray, pd.DataFrame]:
    """The group of each row and the groups in order: ``by`` columns, and ``period_start`` where a period is asked for.

    Raises
    ------
    ColumnError
        If a ``by`` column is not there.
    OptionError
        If there is no such period.
    ZoneError
        If a period is asked for without a zone, or the zone is not known.

    Examples
    --------
    >>> import pandas as pd
    >>> calls = pd.DataFrame({"queue": ["b", "a", "b"]})
    >>> codes, groups = group_rows(calls, ["queue"], booked_at=None, period=None, timezone=None, what="contacts")
    >>> codes.tolist(), groups["queue"].tolist()
    ([1, 0, 1], ['a', 'b'])
    """
    cells = Cells(keys_of(frame, by, instants=booked_at, period=period, timezone=timezone, what=what))
    return cells.codes, cells.keys


def _repeats(facts: pd.DataFrame, window_days: float) -> pd.arrays.BooleanArray:
    if not (isinstance(window_days, int | float) and np.isfinite(window_days) and window_days > 0):
        raise OptionError(f"window_days={window_days!r}: expected a number of days above 0")
    ordered = facts[["customer", "queued_at"]].sort_values(["customer", "queued_at"], kind="stable")
    window = pd.Timedelta(days=window_days)
    since = ordered["queued_at"] - ordered.groupby("customer", observed=True)["queued_at"].shift()
    found = (since <= window).reindex(facts.index).to_numpy()
    too_early = (facts["queued_at"] < facts["queued_at"].min() + window).to_numpy() & ~found
    return pd.arrays.BooleanArray(found, facts["customer"].isna().to_numpy() | too_early)
