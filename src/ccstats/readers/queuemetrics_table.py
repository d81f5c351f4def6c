"""QueueMetrics' copy of Asterisk's queue_log in a database: one row a line of the log, with a partition and a running number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from ccstats.errors import OptionError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.masks import among
from ccstats.readers.product_tables import MISSING, Rows, header_has
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.values import to_text
from ccstats.readers.words import coded, of_series, to_series

__all__ = ["READER", "looks_like", "read_table"]

_NEEDED = ("time_id", "call_id", "queue", "agent", "verb")
_TAKEN = (*_NEEDED, "data1", "data2", "data3", "data4", "data5", "unique_row_count")
_NUMBERS = ("time_id", "unique_row_count")
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


def read_table(sources: Iterable[Source], options: Options) -> Log:
    r"""Read dumps of the table; `ccstats.read` is the way in.

    Parameters
    ----------
    sources : iterable of Source
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
    taken = _Taken(sources, account, options)
    plain = replace(options, on_error="reject", extra={"agents": options.extra.get("agents"), "blank": MISSING}, progress=None)
    log = read_queue_log(taken.rows(), plain)
    _book(log, taken.places, account)
    if options.progress:
        for name, _ in taken.places.values():
            options.progress(name, 1.0)
    rejected, lines, notes = account.tables()
    return replace(log, rejected=rejected, lines=lines, notes=notes, format="queuemetrics_table")


class _Taken:
    """The rows of the partition asked for, on their way to the reader of the log, and where each stood."""

    def __init__(self, sources: Iterable[Source], account: Account, options: Options) -> None:
        self._sources, self._account, self._options = sources, account, options
        #: Of each name given to the log's reader the source's own, and the lines of the rows taken.
        self.places: dict[str, tuple[str, list[np.ndarray]]] = {}

    def rows(self) -> Iterator[Source]:
        asked, there, name = self._options.extra.get("partition"), set(), ""
        for number, source in enumerate(self._sources, 1):
            # Lines are made of all columns alike, which takes text.
            grid = read_grid(source, Layout(), self._account, categories=False)
            rows = Rows(grid, self._account, self._options, needed=_NEEDED)
            rows.close(rows.grid.weight > 1, "a field holds a line end")
            partitions, codes = _partitions(rows)
            there |= set(partitions) - {""}
            if asked is not None:
                rows.ignore((partitions != asked)[codes], "another partition")
            if "callid" in rows.columns and pd.api.types.is_float_dtype(rows.columns["callid"].dtype):
                rows.call_ids("call_id")
            if source.first == 1:
                # A name of its own, so that two sources of one name are told apart.
                name = source.name if source.name not in self.places else f"{source.name} ({number})"
                self.places[name] = (source.name, [])
            keep, lines = np.flatnonzero(rows.open), self.places[name][1]
            columns = {each: rows.columns[each.replace("_", "")] for each in _TAKEN if rows.has(each)}
            columns |= {each: _cells(columns[each]) for each in _NUMBERS if each in columns}
            frame = pd.DataFrame(columns, copy=False) if columns else pd.DataFrame(columns=_NEEDED, dtype="str")
            if len(keep) < len(frame):
                frame = frame.iloc[keep].reset_index(drop=True)
            yield Source(name, frame=frame, first=1 + sum(map(len, lines)))
            lines.append(rows.grid.line[keep])
        _check_partition(asked, sorted(there))


def _partitions(rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """The partitions, "" among them as the last, and which of them each row is in."""
    column = rows.columns.get("partition")
    if column is None or not isinstance(column.dtype, pd.StringDtype):
        column = rows.text("partition")
    codes, words = coded(column)
    return np.append(to_text(pd.Series(words, dtype="str"), MISSING).fillna("").to_numpy(dtype=object), ""), codes


def _cells(column: pd.Series) -> pd.Series:
    """The column without the words for "no value", so that all that stands in it are numbers."""
    if not isinstance(column.dtype, pd.StringDtype):
        return column
    text = of_series(column).combine_chunks()
    empty = among(text, MISSING)
    return column if empty is None else to_series(pc.if_else(empty, None, text))


def _check_partition(asked: object, there: list[str]) -> None:
    """Several partitions are several logs: one of them has to be asked for."""
    shown = ", ".join(map(repr, there[:_PARTITIONS])) + (", …" if len(there) > _PARTITIONS else "")
    if asked is None:
        if len(there) > 1:
            raise OptionError(
                f"the table holds {len(there)} partitions ({shown}), which are different switches or tenants with calls and agents of "
                f"their own; read one at a time with partition={there[0]!r}"
            )
    elif not isinstance(asked, str) or (there and asked not in there):
        raise OptionError(f"partition={asked!r} is not in the table; it holds {shown or 'none'}")


def _book(log: Log, places: dict[str, tuple[str, list[np.ndarray]]], account: Account) -> None:
    """The account of the lines made of the rows, told by the rows' own lines."""
    for source, fate, rule, count in log.lines[log.lines["fate"] != "rejected"].itertuples(index=False):
        account.count(places[source][0], fate, rule, count)
    for (source, reason), bad in log.rejected.groupby(["source", "reason"], sort=False):
        name, lines = places[str(source)]
        account.reject(name, np.concatenate(lines)[bad["line"].to_numpy() - 1], str(reason), texts=bad.get("text", ()))
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
    streams=True,
)
