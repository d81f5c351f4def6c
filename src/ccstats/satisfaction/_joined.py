"""Visits joined to contacts, in the order in which each customer came."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import ColumnError, DataWarning, OptionError, TableError, did_you_mean
from ccstats.schema import CONTACTS, NOT_QUEUED

__all__ = ["Joined", "Words", "flagged", "join_visits", "key_columns", "order_within", "owners"]

#: A column of flags, or words of ``reason`` and ``disposition``, or words by column.
Words = str | Collection[str] | Mapping[str, Collection[str]]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_NAT = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Joined:
    """One row a contact: where its visits stand, when it began and was over [µs since 1970], and whether anyone answered."""

    row: Ints  # the row of the visit that stands for it: the first answered, else the last
    of: Ints  # the contact of every row; -1 where the row does not count
    begun: Ints
    over: Ints
    answered: Flags
    last: Ints  # the row of its last visit

    def any(self, flags: Flags) -> Flags:
        """Whether any visit of the contact carries the flag."""
        out = np.zeros(len(self.row), dtype=bool)
        out[self.of[flags & (self.of >= 0)]] = True
        return out


def join_visits(frame: pd.DataFrame, *, direction: str | None) -> Joined:
    """Join the visits of each contact; visits that never queued, and other directions, do not count.

    A contact begins where its first visit joined a queue, and is over after the longest known wait, talk and hold of its visits.
    """
    counts = ~frame["outcome"].isin(NOT_QUEUED).to_numpy() & frame["queued_at"].notna().to_numpy()
    if direction is not None:
        words = CONTACTS["direction"].vocabulary
        if direction not in words:
            raise OptionError(f"direction={direction!r} is not known; choose one of: {', '.join(words)}, or None for all")
        counts &= (frame["direction"] == direction).to_numpy()
    rows = np.flatnonzero(counts)
    start = pd.DatetimeIndex(frame["queued_at"]).as_unit("us").asi8[rows]
    lasted = np.zeros(len(rows))
    for name in ("wait_s", "talk_s", "hold_s"):
        if name in frame:
            lasted += np.nan_to_num(frame[name].to_numpy(dtype="float64", na_value=np.nan)[rows])
    over = start + np.round(lasted * 1e6).astype("int64")
    got = (frame["outcome"] == "answered").to_numpy()[rows]
    visit = frame["visit"].to_numpy()[rows]
    # Most contacts visit one queue: only the others' ids are looked up.
    ids = frame["contact_id"]
    many = np.zeros(len(rows), dtype=bool)
    later = visit > 1
    if later.any():
        many = ids.isin(ids.iloc[rows[later]].unique()).to_numpy()[rows]
    number = np.empty(len(rows), dtype="int64")
    number[~many] = np.arange(int((~many).sum()))
    codes, unique = pd.factorize(ids.iloc[rows[many]])
    number[many] = codes + int((~many).sum())
    size = int((~many).sum()) + len(unique)
    of = np.full(len(frame), -1, dtype="int64")
    of[rows] = number
    if not many.any():
        return Joined(rows, of, start, over, got, rows)
    begun, ended = np.full(size, np.iinfo(np.int64).max), np.full(size, _NAT)
    np.minimum.at(begun, number, start)
    np.maximum.at(ended, number, over)
    answered = np.zeros(size, dtype=bool)
    answered[number[got]] = True
    stands, last = np.empty(size, dtype="int64"), np.empty(size, dtype="int64")
    order = np.lexsort((visit, number))
    last[number[order]] = rows[order]  # what is written last stays
    stands[number[order]] = rows[order]
    back = order[::-1][got[order[::-1]]]
    stands[number[back]] = rows[back]
    return Joined(stands, of, begun, ended, answered, last)


def key_columns(frame: pd.DataFrame, key: str | Sequence[str]) -> list[str]:
    """The columns that say which contacts belong together: the customer, and what else the source logs."""
    names = list(dict.fromkeys([key] if isinstance(key, str) else key))
    if "customer" not in names:
        raise OptionError(f"key={names}: without 'customer' contacts of strangers would be one issue; give key=('customer', …)")
    if "customer" not in frame:
        raise ColumnError(
            "contacts have no column 'customer'; who came again is not in the log. Read it with key=, so that callers are known"
        )
    absent = [name for name in names if name not in frame or frame[name].isna().all()]
    absent = [name for name in absent if name != "customer"]
    if absent and len(frame):
        shown = ", ".join(map(repr, absent))
        warnings.warn(
            f"contacts have no {shown}: every contact of a customer within the window is taken for the same issue, which makes resolution "
            f"look worse where customers have several issues. Give key='customer' to say that this is meant.",
            DataWarning,
            stacklevel=4,
        )
    return [name for name in names if name not in absent]


def owners(frame: pd.DataFrame, rows: Ints, names: Sequence[str]) -> tuple[Ints, Ints]:
    """For each row the number of its issue key and of its customer; -1 where the customer is not known."""
    customer = pd.factorize(frame["customer"].iloc[rows])[0].astype("int64")
    whole = customer.copy()
    for name in names:
        if name != "customer":
            part = pd.factorize(frame[name].iloc[rows])[0].astype("int64") + 1  # a missing reason is one of its own
            whole = pd.factorize(whole * (int(part.max(initial=0)) + 1) + part)[0].astype("int64")
    whole[customer < 0] = -1
    return whole, customer


def order_within(owner: Ints, begun: Ints, identity: pd.Series, rows: Ints) -> Ints:
    """Positions in the order of owner and time; of contacts that began together, the lower identity comes first; one twice is refused."""
    order = np.lexsort((begun, owner))
    tied = (np.diff(owner[order]) == 0) & (np.diff(begun[order]) == 0)
    if not tied.any():
        return order
    place = order[np.append(tied, False) | np.append(False, tied)]
    twice = identity.iloc[rows[place]].duplicated().to_numpy()
    if twice.any():
        row = int(rows[place][np.flatnonzero(twice)[0]])
        raise TableError(
            f"contacts: {int(twice.sum())} visits stand there twice, and would be repeats of themselves; first {identity.iloc[row]} "
            f"(row {row}). Drop the copies: contacts.drop_duplicates(['contact_id', 'visit'])"
        )
    rank = np.zeros(len(owner), dtype="int64")
    rank[place] = identity.iloc[rows[place]].rank(method="dense").to_numpy().astype("int64")
    return np.lexsort((rank, begun, owner))


def flagged(frame: pd.DataFrame, words: Words, *, name: str) -> tuple[Flags, Flags]:
    """Rows that carry a flag or one of the words, and rows of which that is known."""
    if isinstance(words, str):
        if words not in frame:
            raise ColumnError(
                f"{name}={words!r} is no column of contacts.{did_you_mean(words, map(str, frame.columns))} Or give words: {{{words!r}}}"
            )
        values = frame[words]
        if not pd.api.types.is_bool_dtype(values.dtype):
            raise OptionError(
                f"{name}={words!r} is {values.dtype}; expected a column of flags (bool), or words such as {{{words!r}: {{'closed'}}}}"
            )
        known = values.notna().to_numpy()
        return values.fillna(False).to_numpy(dtype=bool), known
    if isinstance(words, Mapping):
        by_column = {column: set(each) for column, each in words.items()}
    else:
        by_column = {column: set(words) for column in ("reason", "disposition") if column in frame}
    if not by_column or any(column not in frame for column in by_column):
        raise ColumnError(
            f"{name}={words!r}: contacts have no column {', '.join(map(repr, by_column)) or 'reason or disposition'} to look it up in"
        )
    there = {str(each) for column in by_column for each in frame[column].dropna().unique()}
    asked = sorted(map(str, set().union(*by_column.values())))
    if len(frame) and not there.intersection(asked):
        hint = did_you_mean(asked[0], there) if asked else ""
        warnings.warn(f"{name}: none of {asked} is in any row of {', '.join(by_column)}.{hint}", DataWarning, stacklevel=3)
    hit, known = np.zeros(len(frame), dtype=bool), np.zeros(len(frame), dtype=bool)
    for column, each in by_column.items():
        hit |= frame[column].isin(each).to_numpy()
        known |= frame[column].notna().to_numpy()
    return hit, known
