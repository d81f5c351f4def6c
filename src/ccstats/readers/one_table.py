"""A log that is one table, one row a visit: all that a reader of one's own needs besides its columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Source
from ccstats.readers.product_tables import Rows, header_has
from ccstats.readers.settling import settle, to_log
from ccstats.readers.tabular import Layout, read_grid
from ccstats.schema import CONTACTS

__all__ = ["Rows", "header_has", "log_of_table"]


def log_of_table(
    sources: Sequence[Source],
    options: Options,
    visits: Callable[[Rows], pd.DataFrame],
    *,
    format: str,
    needed: Sequence[str] = (),
    same: Sequence[str] = ("contact_id", "queue", "queued_at"),
    newest: str | None = None,
) -> Log:
    r"""Read CSV, Excel, Parquet, frames or query results whose rows are visits.

    Parameters
    ----------
    sources : sequence of Source
        As the reader is given them.
    options : Options
        As the reader is given them.
    visits : callable
        Takes the `Rows` of one source and returns ``rows.frame({…})`` with columns of `contacts`. What it leaves out of the columns that
        every log has is missing.
    format : str
        The reader's name.
    needed : sequence of str
        Columns without which nothing can be read, by any case and signs.
    same : sequence of str
        Rows that agree in these columns are one visit; a call may visit several queues, or one again.
    newest : str, optional
        Of those the one with the largest value here is taken; by default the first, and the others are rejected.

    Returns
    -------
    Log

    Raises
    ------
    ColumnError
        If a needed column is not there.
    FormatError
        If a source cannot be read as a table, or a row is bad and ``on_error="raise"``.

    Examples
    --------
    >>> def visits(rows):
    ...     wait = rows.seconds("waited")
    ...     at = rows.instants("came", timezone="UTC").utc
    ...     return rows.frame({"contact_id": rows.text("call"), "channel": "voice", "direction": "inbound", "queue": rows.text("group"),
    ...                        "queued_at": at, "outcome": "abandoned", "wait_s": wait})
    >>> table = Source("a.csv", b"call;group;came;waited\n1;sales;2024-03-01 09:00;12\n2;sales;2024-03-01 09:01;soon\n")
    >>> log = log_of_table([table], Options(), visits, format="ours", needed=["call", "group", "came", "waited"])
    >>> log.contacts["wait_s"].tolist(), log.rejected["line"].tolist()
    ([12.0], [3])
    """
    account = Account(options)
    parts = []
    for source in sources:
        parts.append(visits(Rows(read_grid(source, Layout(), account), account, options, needed=needed)))
        if options.progress:
            options.progress(source.name, 1.0)
    # A column of ours that a reader does not fill tells nobody apart.
    same = [name for name in same if name not in CONTACTS or all(name in part for part in parts)]
    table = settle(parts, account, options, same=same, newest=newest, rule="visit", ordered=same[:1] == ["contact_id"])
    for column in CONTACTS.columns:
        if column.required and column.nullable and column.name not in table:
            table[column.name] = np.nan if column.kind == "seconds" else None
    return to_log(table, account, options, format)
