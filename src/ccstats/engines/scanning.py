"""Tables larger than memory: Parquet files read a piece at a time, while the piece before is counted on another core; logs become such."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from ccstats.engines.converting import Converted, write_parts
from ccstats.engines.spark import SparkTable
from ccstats.errors import ColumnError, FormatError, OptionError, SourceMissingError, did_you_mean
from ccstats.exports.parquet import table_of, write_parquet
from ccstats.readers.file_by_file import read_file_by_file
from ccstats.readers.files import paths_of
from ccstats.schema import TABLES, Table, worded

__all__ = ["Scan", "scan"]

_R = TypeVar("_R")
_MOST_FILES = 500  # open at a time
#: Without these nothing can be counted. What a source does not log may be missing besides.
_NEEDED = {"contacts": ("queue", "queued_at", "outcome", "wait_s"), "agent_states": ("agent", "started_at", "ended_at", "state")}


@dataclass(frozen=True)
class Scan:
    """A table in files, of which no more than a few pieces are in memory at a time.

    Attributes
    ----------
    files : tuple of Path
        In the order they are read.
    table : str
        What they hold: ``contacts`` or ``agent_states``.
    rows : int
        In all files together.
    log : Converted, optional
        Of logs: the account of their lines (``count``, ``summary``, ``lines``), and in ``notes`` what was repaired or assumed, such as
        visits whose beginning or end no file holds.

    See Also
    --------
    scan : makes one.

    Examples
    --------
    >>> Scan.__dataclass_params__.frozen
    True
    """

    files: tuple[Path, ...]
    table: str
    rows: int
    batch_rows: int = 1_000_000
    cores: int = 2
    progress: Callable[[str, float], None] | None = field(default=None, repr=False)
    log: Converted | None = field(default=None, repr=False)

    def map_partitions(self, function: Callable[[pd.DataFrame], _R]) -> Iterator[_R]:
        """What the function makes of each piece, in order; of a function with ``columns`` only those are read.

        Parameters
        ----------
        function : callable
            Given a frame of the table with the schema's dtypes; several are worked on at a time, in threads.

        Yields
        ------
        object
            What it returns.

        Raises
        ------
        FormatError
            If a file is broken.

        Examples
        --------
        >>> import tempfile
        >>> import ccstats as cc
        >>> contacts = cc.synthesize_contacts(seed=1).contacts
        >>> path = cc.write_parquet(contacts, f"{tempfile.mkdtemp()}/march.parquet", table="contacts")
        >>> sum(cc.scan(path, batch_rows=1000).map_partitions(len)) == len(contacts)
        True
        """
        wanted = getattr(function, "columns", None)
        waiting: deque[tuple[str, int, Future[_R]]] = deque()
        done = 0
        with ThreadPoolExecutor(self.cores) as pool:
            for name, batch in self._batches(wanted):
                waiting.append((name, batch.num_rows, pool.submit(_work, function, batch, TABLES[self.table])))
                if len(waiting) > self.cores:
                    done, result = self._finished(waiting.popleft(), done)
                    yield result
            while waiting:
                done, result = self._finished(waiting.popleft(), done)
                yield result

    @property
    def names(self) -> list[str]:
        """The columns that any of the files has."""
        names: list[str] = self._schema().names
        return names

    def shuffle(self, key: Callable[[pd.DataFrame], pd.Series]) -> Scan:
        """The same rows in other files, which are temporary: those with the same key are in one, and each is one piece.

        Parameters
        ----------
        key : callable
            Given a piece, whose index is 0, 1, 2, …; returns for each row what it goes by.

        Returns
        -------
        Scan
            Of as many files as have ``batch_rows`` rows each, if keys are many and all alike, and at most 500. They are gone with it.

        Examples
        --------
        >>> import tempfile
        >>> import ccstats as cc
        >>> contacts = cc.synthesize_contacts(seed=1).contacts
        >>> path = cc.write_parquet(contacts, f"{tempfile.mkdtemp()}/march.parquet", table="contacts")
        >>> by_queue = cc.scan(path, batch_rows=500).shuffle(lambda frame: frame["queue"])
        >>> sum(by_queue.map_partitions(lambda frame: frame["queue"].nunique())) == contacts["queue"].nunique()
        True
        """
        many, schema = min(max(-(-self.rows // self.batch_rows), 1), _MOST_FILES), self._schema()

        def dealt(folder: Path) -> Scan:
            files = tuple(folder / f"{at}.parquet" for at in range(many))
            with ExitStack() as stack:
                writers = [stack.enter_context(parquet.ParquetWriter(file, schema, compression="zstd")) for file in files]
                for piece in replace(self, progress=None).map_partitions(lambda frame: _dealt(frame, key, many, schema)):
                    for at, rows in piece.items():
                        writers[at].write_table(rows)
            # A piece of it is a whole file, and the pieces waiting are few.
            return replace(self, files=files, batch_rows=max(self.rows, 1), cores=1)

        return _temporary(dealt)

    def _schema(self) -> pa.Schema:
        """Of all files together, text instead of dictionaries."""
        found = []
        for path in self.files:
            with _opened(path) as file:
                fields = [each.with_type(each.type.value_type) if pa.types.is_dictionary(each.type) else each for each in file.schema_arrow]
            found.append(pa.schema([each.remove_metadata() for each in fields]))
        return pa.unify_schemas(found, promote_options="permissive")

    def _finished(self, piece: tuple[str, int, Future[_R]], done: int) -> tuple[int, _R]:
        name, rows, future = piece
        result = future.result()
        if self.progress:
            self.progress(name, (done + rows) / self.rows)
        return done + rows, result

    def _batches(self, wanted: Sequence[str] | None) -> Iterator[tuple[str, Any]]:
        """Pieces of the files; small ones that follow each other are one."""
        for path in self.files:
            with _opened(path) as file:
                columns = None if wanted is None else [name for name in file.schema_arrow.names if name in wanted]
                try:
                    waiting, rows = [], 0
                    for batch in file.iter_batches(batch_size=min(self.batch_rows, 131_072), columns=columns):
                        waiting.append(batch)
                        rows += batch.num_rows
                        if rows >= self.batch_rows:
                            yield str(path), pa.Table.from_batches(waiting)
                            waiting, rows = [], 0
                except (pa.ArrowException, OSError) as error:
                    raise FormatError(f"{str(path)!r} cannot be read as Parquet ({str(error)[:200]}); write it again") from None
                if waiting:
                    yield str(path), pa.Table.from_batches(waiting)


def scan(
    source: Any,
    *,
    table: str = "contacts",
    batch_rows: int = 1_000_000,
    cores: int | None = None,
    progress: Callable[[str, float], None] | None = None,
    format: str | None = None,
    timezone: str | None = None,
    key: str | bytes | None = None,
    **options: Any,
) -> Scan | SparkTable:
    """A table in Parquet files, in logs, or on a Spark cluster, for `to_intervals` and its like: never in memory as a whole.

    Parameters
    ----------
    source : path, glob, folder, list of these, or pyspark.sql.DataFrame
        Parquet that `write_parquet` or ``ccstats convert`` wrote, or any with the columns of our tables. Of a folder all ``*.parquet`` in
        it and below; of an archive (`write_archive`) those of the table. Or log files, of any format that `read` knows.
    table : {"contacts", "agent_states"}
        What it holds.
    batch_rows : int
        Rows of a piece; ``cores`` + 2 pieces are in memory at a time, some 100 MB each with a million rows. [rows]
    cores : int, optional
        Pieces worked on at a time: by default as many as the process may use.
    progress : callable, optional
        Called with a file's name and the share of all rows that is done, and before, of a log, with the share of it that is read. [0-1]
        Spark shows its own.
    format, timezone, key, **options
        Of logs, as for `read`. Parquet that is read as a log, by a mapping, needs one of them.

    Returns
    -------
    Scan or SparkTable

    Raises
    ------
    SourceMissingError
        If there is no such file, or no Parquet file in a folder.
    FormatError
        If a file is neither Parquet nor a log that is known, or holds another table.
    ZoneError
        If a log in local time has no ``timezone``.
    ColumnError
        If a file lacks a column without which nothing can be counted.
    OptionError
        If an argument has no such value.

    See Also
    --------
    to_intervals : counts a scan.

    Notes
    -----
    Counts and seconds of `to_intervals` are the same, to the last bit, as those of all files together in memory: seconds are added in whole
    microseconds.

    Logs are read file after file, in order of time, into temporary Parquet, which is gone with the scan. What goes on from one file to
    the next (a call of a queue_log, a stay of an agent) is joined, and what cannot be joined, because no file holds its beginning or end,
    is counted in ``scan.log.notes``. Memory is needed for the largest file, of a queue_log for a day of calls. Formats whose visits are
    made of several records, or whose records come in versions, are read as one; the page "My log is larger than memory" names them. To
    count the same logs again, or both tables, make an archive (``ccstats convert``) and scan that.

    Of a Spark DataFrame (``pip install 'ccstats[spark]'``) the partitions are counted by ``mapInArrow`` on the workers and added up there,
    queue by queue; what comes back is as large as the result. Workers need ccstats too.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> folder, contacts = Path(tempfile.mkdtemp()), cc.synthesize_contacts(seed=1).contacts
    >>> for at, part in enumerate((contacts[:500], contacts[500:])):
    ...     _ = cc.write_parquet(part.reset_index(drop=True), folder / f"{at}.parquet", table="contacts")
    >>> cc.to_intervals(cc.scan(folder), threshold_s=20).equals(cc.to_intervals(contacts, threshold_s=20))
    True
    """
    if table not in ("contacts", "agent_states"):
        raise OptionError(f"table={table!r}: expected 'contacts' or 'agent_states'.{did_you_mean(str(table), TABLES)}")
    for name, value in (("batch_rows", batch_rows), ("cores", cores)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
            raise OptionError(f"{name}={value!r}: expected a whole number, from 1")
    if hasattr(source, "mapInArrow"):
        return SparkTable(source, table, batch_rows)
    if isinstance(source, Iterator) and not hasattr(source, "read"):  # such as Path.glob gives: looked at here, and read after
        source = list(source)
    if format is not None or timezone is not None or key is not None or options or _is_log(source):
        asked = {"format": format, "timezone": timezone, "key": key, **options}
        return _of_logs(source, table, batch_rows, cores or pa.cpu_count(), progress, asked)
    files = _files(source, table)
    rows = sum(_checked(path, TABLES[table]) for path in files)
    return Scan(files, table, rows, batch_rows, cores or pa.cpu_count(), progress)


def _dealt(frame: pd.DataFrame, key: Callable[[pd.DataFrame], pd.Series], many: int, schema: pa.Schema) -> dict[int, Any]:
    """The rows of a piece by the file that they go to."""
    frame = frame.reset_index(drop=True)
    numbers = pd.util.hash_pandas_object(key(frame).astype("str"), index=False).to_numpy() % many
    rows = pa.Table.from_pandas(worded(frame).reindex(columns=schema.names), schema=schema, preserve_index=False)
    return {int(at): rows.filter(pa.array(numbers == at)) for at in np.unique(numbers)}


def _work(function: Callable[[pd.DataFrame], _R], batch: Any, table: Table) -> _R:
    return function(table.typed(batch.to_pandas()))


def _is_log(source: Any) -> bool:
    """Whether the first file there is no Parquet."""
    one = isinstance(source, str | os.PathLike | pd.DataFrame) or hasattr(source, "read") or hasattr(source, "__arrow_c_stream__")
    first = source if one else next(iter(source), None)
    if not isinstance(first, str | os.PathLike):
        return first is not None
    if Path(first).is_dir():
        return False
    path = Path(paths_of(first)[0])
    if not path.is_file():  # a pipe
        return True
    with path.open("rb") as file:
        return file.read(4) != b"PAR1"


def _of_logs(source: Any, table: str, batch_rows: int, cores: int, progress: Callable[[str, float], None] | None, asked: Any) -> Scan:
    def read(folder: Path) -> Scan:
        log = write_parts(read_file_by_file(source, progress=progress, **asked), folder)
        if not (folder / table).is_dir():  # no row
            write_parquet(TABLES[table].empty(), folder / "none.parquet", table=table)
        files = _files(folder, table)
        return Scan(files, table, sum(_checked(path, TABLES[table]) for path in files), batch_rows, cores, progress, log)

    return _temporary(read)


def _temporary(made: Callable[[Path], Scan]) -> Scan:
    """A scan of the files that are made in a new folder, which is gone with it."""
    folder = Path(tempfile.mkdtemp(prefix="ccstats-"))
    try:
        found = made(folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    weakref.finalize(found, shutil.rmtree, folder, ignore_errors=True)
    return found


def _files(source: Any, table: str) -> tuple[Path, ...]:
    sources = [source] if isinstance(source, str | os.PathLike) else list(source)
    found: list[Path] = []
    for each in sources:
        path = Path(each)
        if not path.is_dir():
            found += map(Path, paths_of(each))
            continue
        path = path / table if (path / table).is_dir() else path  # of an archive
        inside = sorted(path.rglob("[!.]*.parquet"))
        if not inside:
            raise SourceMissingError(f"no Parquet file in the folder {str(path)!r} or below")
        found += inside
    if not found:
        raise SourceMissingError("no file to scan: name a file, a folder or a glob")
    return tuple(dict.fromkeys(found))


def _opened(path: Path) -> Any:
    try:
        return parquet.ParquetFile(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FormatError(f"{str(path)!r} cannot be read as Parquet ({str(error)[:200]}); logs are read with ccstats.read") from None


def _checked(path: Path, table: Table) -> int:
    """Rows of a file, if it is such a table."""
    with _opened(path) as file:
        names, rows, said = file.schema_arrow.names, file.metadata.num_rows, table_of(file.schema_arrow.metadata or {})
    if said not in (None, table.name):
        raise FormatError(f"{str(path)!r} holds {said}, not {table.name}: scan it with table={said!r}, or leave it out")
    missing = [name for name in _NEEDED[table.name] if name not in names]
    if missing:
        raise ColumnError(f"{str(path)!r} is no table of {table.name!r}: it lacks {', '.join(missing)}; it has {', '.join(names[:40])}")
    return int(rows)
