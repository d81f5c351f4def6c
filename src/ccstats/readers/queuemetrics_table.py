"""QueueMetrics' copy of Asterisk's queue_log in a database: one row a line of the log, with a partition and a running number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.product_tables import MISSING, Rows, header_has
from ccstats.readers.tabular import Layout, read_grid

__all__ = ["READER", "looks_like", "read_table"]

_NEEDED = ("time_id", "call_id", "queue", "agent", "verb")
_TAKEN = (*_NEEDED, "data1", "data2", "data3", "data4", "data5", "unique_row_count")
_PARTITIONS = 10  # named in an error


def looks_like(head: bytes) -> bool:
    r"""Whether the first line is the table's header.

    Examples
    --------
    >>> looks_like(b"partition,time_id,call_id,queue,agent,verb,data1,data2,data3,data4\n")
    True
    >>> looks_like(b"1266833905|NONE|NONE|NONE|QUEUESTART|\n")
    False
    """
    return header_has(head, _NEEDED)


def read_table(sources: Sequence[Source], options: Options) -> Log:
    r"""Read dumps of the table; `ccstats.read` is the way in.

    Parameters
    ----------
    sources : sequence of Source
        Dumps or frames of one table.
    options : Options
        ``extra["partition"]`` names the partition to read where there are several; ``extra["agents"]`` maps what the log calls agents to
        their names.

    Returns
    -------
    Log
        As `asterisk_queue_log` reads the file that the table was made of.

    Raises
    ------
    ColumnError
        If a column is not there, or call ids were read as numbers.
    OptionError
        If the table holds several partitions and none is chosen, or the one chosen is not there.

    Examples
    --------
    >>> rows = b"partition,time_id,call_id,queue,agent,verb,data1,data2,data3,data4\n"
    >>> rows += b"P001,1709280000,17.1,support,NONE,ENTERQUEUE,,5551,1,\nP001,1709280012,17.1,support,NONE,ABANDON,1,1,12,\n"
    >>> log = read_table([Source("queue_log", rows)], Options(key=b"k"))
    >>> log.contacts[["queue", "outcome", "wait_s"]].to_dict("records")
    [{'queue': 'support', 'outcome': 'abandoned', 'wait_s': 12.0}]
    """
    from ccstats.readers.asterisk_queue_log import read_queue_log

    account = Account(options)
    tables = [Rows(read_grid(source, Layout(), account), account, options, needed=_NEEDED) for source in sources]
    partition = _chosen(tables, options)
    frames, places = [], {}
    for number, rows in enumerate(tables, 1):
        rows.close(rows.grid.weight > 1, "a field holds a line end")
        if partition is not None:
            rows.ignore(rows.text("partition").fillna("") != partition, "another partition")
        keep = np.flatnonzero(rows.open)
        # A name of its own, so that two sources of one name are told apart.
        name = rows.grid.name if rows.grid.name not in places else f"{rows.grid.name} ({number})"
        places[name] = (rows.grid.name, rows.grid.line[keep])
        rows.call_ids("call_id")
        columns = {name: _cells(rows.columns[name.replace("_", "")]) for name in _TAKEN if rows.has(name)}
        frame = pd.DataFrame(columns).iloc[keep].reset_index(drop=True)
        frames.append(Source(name, frame=frame if len(columns) else pd.DataFrame({each: [] for each in _NEEDED}, dtype="str")))
    plain = replace(options, on_error="reject", extra={"agents": options.extra.get("agents")}, progress=None)
    log = read_queue_log(frames, plain)
    _book(log, places, account)
    if options.progress:
        for rows in tables:
            options.progress(rows.grid.name, 1.0)
    rejected, lines, notes = account.tables()
    return replace(log, rejected=rejected, lines=lines, notes=notes, format="queuemetrics_table")


def _cells(column: pd.Series) -> pd.Series:
    """The column without the words for "no value": in a log's line nothing stands there."""
    return column.mask(column.isin(MISSING)) if isinstance(column.dtype, pd.StringDtype) else column


def _chosen(tables: list[Rows], options: Options) -> str | None:
    """The partition to read, or none where all rows are of one."""
    there = sorted({str(each) for rows in tables for each in rows.text("partition").dropna().unique()})
    asked = options.extra.get("partition")
    shown = ", ".join(map(repr, there[:_PARTITIONS])) + (", …" if len(there) > _PARTITIONS else "")
    if asked is None:
        if len(there) > 1:
            raise OptionError(
                f"the table holds {len(there)} partitions ({shown}), which are different switches or tenants with calls and agents of "
                f"their own; read one at a time with partition={there[0]!r}"
            )
        return None
    if not isinstance(asked, str) or (there and asked not in there):
        raise OptionError(f"partition={asked!r} is not in the table; it holds {shown or 'none'}")
    return asked


def _book(log: Log, places: dict[str, tuple[str, np.ndarray]], account: Account) -> None:
    """The account of the lines made of the rows, told by the rows' own lines."""
    for source, fate, rule, count in log.lines[log.lines["fate"] != "rejected"].itertuples(index=False):
        account.count(places[source][0], fate, rule, count)
    for (source, reason), bad in log.rejected.groupby(["source", "reason"], sort=False):
        name, lines = places[str(source)]
        account.reject(name, lines[bad["line"].to_numpy() - 1], str(reason), texts=bad.get("text", ()))
    for note, count in log.notes.itertuples(index=False):
        account.note(note, count)


READER = Reader(
    name="queuemetrics_table",
    title="QueueMetrics queue_log table",
    yields=("contacts", "agent_states"),
    clock="utc",
    evidence="documentation of its loaders; the verbs as in asterisk_queue_log",
    looks_like=looks_like,
    read=read_table,
    options=("agents", "partition"),
)
