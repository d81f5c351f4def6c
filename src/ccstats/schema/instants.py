"""Instants of records checked against one another, and the instant that records are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import TableError, ZoneError

__all__ = ["as_known", "check_order", "look_at"]


def check_order(frame: pd.DataFrame, first: str, second: str, *, key: Sequence[str], what: str) -> None:
    """Refuse records whose second instant is before their first, with row and key.

    Parameters
    ----------
    frame : pandas.DataFrame
        The records.
    first, second : str
        Columns; a missing instant is not before another.
    key : sequence of str
        Columns that name a record.
    what : str
        What the records are, for the error.

    Raises
    ------
    TableError
        If there are such records; the first five are named.

    Examples
    --------
    >>> times = pd.to_datetime(["2026-03-01T10:00Z", "2026-03-01T09:00Z"])
    >>> check_order(pd.DataFrame({"id": ["a"], "came": times[:1], "left": times[:1]}), "came", "left", key=["id"], what="visits")
    """
    wrong = np.flatnonzero((frame[second] < frame[first]).to_numpy(dtype=bool, na_value=False))
    if len(wrong):
        records = frame[list(key)].iloc[wrong[:5]].to_dict("records")
        named = [", ".join(f"{name} {value!r}" for name, value in record.items()) for record in records]
        shown = "; ".join(
            f"row {frame.index[row]}, {name}: {second} {frame[second].iloc[row]} is before {first} {frame[first].iloc[row]}"
            for row, name in zip(wrong.tolist(), named, strict=False)
        )
        raise TableError(f"{what}: {len(wrong)} of {len(frame)} have {second} before {first}; correct or drop them: {shown}")


def as_known(instants: pd.Series[Any], as_of: pd.Timestamp) -> pd.Series[Any]:
    """Instants as they were known at one: later ones had not happened.

    Examples
    --------
    >>> days = pd.Series(pd.to_datetime(["2026-03-01", "2026-03-05"], utc=True))
    >>> as_known(days, days[0]).isna().tolist()
    [False, True]
    """
    return instants.where(instants <= as_of)


def look_at(as_of: Any, *instants: pd.Series[Any]) -> pd.Timestamp:
    """The instant that records are looked at: the one given, else the last there is (1970 where there is none).

    Raises
    ------
    ZoneError
        If the one given is no instant with a time zone.

    Examples
    --------
    >>> look_at("2026-04-01T00:00+02:00")
    Timestamp('2026-03-31 22:00:00+0000', tz='UTC')
    """
    if as_of is None:
        return max((each for each in (column.max() for column in instants) if pd.notna(each)), default=pd.Timestamp(0, tz="UTC"))
    try:
        at = pd.Timestamp(as_of)
    except (TypeError, ValueError):
        at = None
    if at is None or pd.isna(at) or at.tz is None:
        raise ZoneError(f"as_of={as_of!r} is no instant with a time zone; give one such as '2026-04-01T00:00+02:00'")
    return at.tz_convert("UTC")
