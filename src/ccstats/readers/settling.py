"""Rows of all sources into a log: each record once, customers hidden, visits numbered, and the tables in their form."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa

from ccstats.errors import DataWarning
from ccstats.privacy import hide_texts, pseudonymise
from ccstats.readers.accounting import Account
from ccstats.readers.categories import words_used
from ccstats.readers.contract import Log, Options
from ccstats.readers.parts import Parts, alike, given_back, repeated, taken
from ccstats.readers.words import of_series, to_series
from ccstats.schema import AGENT_STATES, CONTACTS, Table, came_at, sortable, sorting, tied

__all__ = ["hidden", "settle", "to_log", "used", "with_visits"]

#: The column of customers who are pseudonyms already.
_HIDDEN = "_pseudonym"


def settle(
    parts: Parts | list[pd.DataFrame],
    account: Account,
    options: Options,
    *,
    same: Sequence[str],
    called: str | None = None,
    newest: str | None = None,
    rule: str = "row",
    ordered: bool = False,
) -> pd.DataFrame:
    """All tables' rows together, each record once, and the lines booked.

    Rows that agree in the columns ``same`` (``called`` so in messages) are one record. With ``newest`` the row with the largest value
    there is taken, of equals the last, and the others are ignored as older versions; otherwise the first is taken and the others are
    rejected. `Parts` are used up, and make categories of what the tables have as categories. The rows stay in the order they came, or are
    ``ordered`` by the first of the columns, as `with_visits` sorts them next.

    Examples
    --------
    >>> part = pd.DataFrame({"id": ["a", "a"], "at": [1, 2], "_source": "x", "_line": [2, 3], "_weight": 1, "_text": ""})
    >>> settle([part], Account(Options()), Options(), same=["id"], newest="at")["at"].tolist()
    [2]
    """
    frame = parts.frame() if isinstance(parts, Parts) else pd.concat(parts, ignore_index=True)
    hiding = None if "customer" in same else _hiding(frame, options)
    order = sorting([sortable(frame[same[0]])])
    again = given_back(repeated(frame, same, newest, order=order))
    weight, lines = frame["_weight"].to_numpy(), frame["_line"].to_numpy()
    texts = frame["_text"].to_numpy() if options.keep_text else None
    codes, names = pd.factorize(frame["_source"])
    for at, name in enumerate(names):
        here = codes == at
        twice = here & again
        many = int(weight[twice].sum())
        if newest:
            account.count(str(name), "ignored", "another version of the same record is newer or came later", many)
        else:
            reason = f"repeats an earlier row (same {called or ', '.join(same)})"
            account.reject(str(name), lines[twice], reason, texts=() if texts is None else texts[twice], weight=many)
        account.count(str(name), "used", rule, int(weight[here].sum()) - many)
    rows = ~again if again.any() else None
    if ordered and order is not None:
        rows = order if rows is None else order[rows[order]]
    if rows is not None:
        columns = dict(frame.items())
        del frame
        frame = taken(columns, rows)
    if hiding is not None:
        customers = to_series(hiding.result()).array
        frame[_HIDDEN] = customers if rows is None else customers[rows]
    return frame


def _hiding(frame: pd.DataFrame, options: Options) -> Future[pa.Array] | None:
    """Pseudonyms of the customers, who leave the frame, made beside what follows."""
    if "customer" not in frame or not options.pseudonyms:
        return None
    with_key = ThreadPoolExecutor(1)
    hiding = with_key.submit(hide_texts, of_series(frame.pop("customer")).combine_chunks(), options.key)
    with_key.shutdown(wait=False)
    return hiding


def hidden(frame: pd.DataFrame, options: Options) -> pd.DataFrame:
    """The frame with pseudonyms for its customers, those that `settle` made or new ones; used up.

    Examples
    --------
    >>> hidden(pd.DataFrame({"customer": ["5551"]}), Options(key=b"k"))["customer"].tolist() != ["5551"]
    True
    """
    if _HIDDEN in frame:
        frame["customer"] = frame.pop(_HIDDEN)
    elif "customer" in frame and options.pseudonyms:
        frame["customer"] = given_back(pseudonymise(frame["customer"], options.key))
    return frame


def to_log(contacts: pd.DataFrame, account: Account, options: Options, format: str, *, states: pd.DataFrame | None = None) -> Log:
    """Number the visits, replace customers by pseudonyms, warn of unknown outcomes, and make the `Log`; uses the contacts up.

    Examples
    --------
    >>> to_log(CONTACTS.empty(), Account(Options()), Options(), "mine").format
    'mine'
    """
    frame = contacts
    if _HIDDEN in frame:
        frame["customer"] = frame.pop(_HIDDEN)
        options = replace(options, pseudonyms=False)  # they are made
    for name in list(frame.columns):
        # A column that no row of this log fills is one that the source does not have.
        unfilled = name in CONTACTS and not CONTACTS[name].required and frame[name].isna().all()
        if str(name).startswith("_") or unfilled:
            del frame[name]
    hiding = _hiding(frame, options)
    if hiding is not None:
        frame["_row"] = np.arange(len(frame))
    if "visit" not in frame:
        frame = given_back(with_visits(frame))
    elif (order := CONTACTS.order(frame)) is not None:
        frame = taken(frame, order)
    unknown = frame.loc[frame["outcome"] == "unknown", "raw_outcome"]
    if len(unknown):
        words = ", ".join(repr(each) for each in sorted(unknown.dropna().astype("str").unique())[:5]) or "blank"
        warnings.warn(
            f"{len(unknown)} contacts have an outcome that format {format!r} does not know ({words}); they are counted as 'unknown'",
            DataWarning,
            stacklevel=5,
        )
    if hiding is not None:
        frame["customer"] = to_series(hiding.result()).array.take(frame["_row"].to_numpy())
    frame = pd.DataFrame(used(frame, CONTACTS), copy=False).reset_index(drop=True)
    rejected, lines, notes = account.tables()
    spans = AGENT_STATES.empty() if states is None else AGENT_STATES.conform(states)
    return Log(CONTACTS.typed(frame), spans, rejected, lines, notes, format, options.timezone)


def used(frame: pd.DataFrame, table: Table) -> dict[str, pd.Series]:
    """The columns that readers do not need for themselves, without words that stand in no row, save those of a vocabulary.

    Examples
    --------
    >>> list(used(pd.DataFrame({"queue": ["sales"], "_line": [2]}), CONTACTS))
    ['queue']
    """
    columns = {str(name): values for name, values in frame.items() if not str(name).startswith("_")}
    return {name: values if name in table and table[name].vocabulary else words_used(values) for name, values in columns.items()}


def with_visits(contacts: pd.DataFrame) -> pd.DataFrame:
    """The contacts in order, with the number of each one's visits in time; those without a time come last.

    Examples
    --------
    >>> at = pd.to_datetime(pd.Series(["2024-03-01 09:05", "2024-03-01 09:00"]), utc=True)
    >>> with_visits(pd.DataFrame({"contact_id": "7", "queue": ["b", "a"], "queued_at": at}))[["queue", "visit"]].to_numpy().tolist()
    [['a', 1], ['b', 2]]
    """
    contact = sortable(contacts["contact_id"])
    order = sorting([contact])
    rows, ties = tied(contact, order)
    visit = np.ones(len(contacts), dtype="int64")
    if len(rows):
        times = came_at(contacts[[name for name in ("queued_at", "arrived_at") if name in contacts]].iloc[rows])
        inner = sorting([contact.take(pa.array(rows)), sortable(times)])
        if inner is not None:
            order = np.arange(len(contacts)) if order is None else order.copy()
            rows = order[ties] = rows[inner]
        begins = np.append(True, ~alike(pa.table({"contact_id": contact.take(pa.array(rows))}), np.arange(len(rows))))
        first = np.maximum.accumulate(np.where(begins, ties, 0))
        visit[ties] = ties - first + 1
    return (contacts if order is None else taken(contacts, order)).assign(visit=visit)
