"""Tables of a database as frames of some rows at a time, without ever repeating the database's address."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self, TypeVar
from urllib.parse import quote, quote_plus

import numpy as np
import pandas as pd
import pyarrow as pa

from ccstats.errors import CcstatsError, MissingExtraError, OptionError, SourceMissingError

__all__ = ["Query"]

_TABLE = re.compile(r"(?:(\w+)\.)?(\w+)", re.ASCII)
_Made = TypeVar("_Made")
_POOLS: list[pa.MemoryPool] = []  # PyArrow's own, of the readings that are under way
_POOLS_LOCK = threading.Lock()


class Query:
    """The rows of a query, fetched in chunks by a cursor on the server's side; nothing runs before the first chunk is asked for.

    As a context manager it leaves neither cursor nor connection open, wherever the reading ends.

    Parameters
    ----------
    query : str or SQLAlchemy selectable
        A SELECT, or the bare name of a table (``name`` or ``schema.name``).
    connection : str, sqlalchemy.Engine or sqlalchemy.Connection
        The database; a connection given stays open.
    chunk_rows : int
        Rows fetched at a time. [rows]
    progress : callable, optional
        Called with the share of the rows that has been taken; they are counted first, by a query of their own. [0-1]

    Raises
    ------
    MissingExtraError
        If SQLAlchemy or the database's driver is not installed.
    OptionError
        If the connection is none of these, or the address cannot be understood.
    SourceMissingError
        If the database cannot be reached or the query fails, at its start or on the way.

    Examples
    --------
    >>> with Query("select 1 as one union all select 2", "sqlite://", chunk_rows=1) as query:
    ...     [frame.to_dict("list") for frame in query]
    [{'one': [1]}, {'one': [2]}]
    """

    def __init__(self, query: Any, connection: Any, *, chunk_rows: int = 10_000, progress: Callable[[float], None] | None = None) -> None:
        try:
            import sqlalchemy as sa
        except ImportError:
            raise MissingExtraError("reading databases needs SQLAlchemy; install it with: pip install 'ccstats[sql]'") from None
        if not isinstance(connection, str | sa.engine.URL | sa.Engine | sa.Connection):
            raise OptionError(
                f"connection: expected a database address, an SQLAlchemy engine or connection, found {type(connection).__qualname__}"
            )
        self._sa: Any = sa
        self._query, self._connection, self._chunk_rows, self._progress = query, connection, chunk_rows, progress
        self._secrets: list[str] = []
        self._open = contextlib.ExitStack()
        self._finished = False

    def __enter__(self) -> Self:
        self._open.enter_context(_returning_memory())
        return self

    def __exit__(self, *_: object) -> None:
        # What fails while a connection is closed changes no row that was read.
        with contextlib.suppress(Exception):
            self._open.close()

    def __iter__(self) -> Iterator[pd.DataFrame]:
        names, chunks, many = self._told(self._start)
        taken, first = 0, True
        while True:
            frame = self._told(lambda: _frame(names, next(chunks, ())))
            if frame.empty and not first:
                break
            yield frame  # also of a result without rows: it has columns
            taken, first = taken + len(frame), False
            if self._progress and many and taken < many:
                self._progress(taken / many)
        self._finished = True
        if self._progress:
            self._progress(1.0)

    def whole(self) -> pd.DataFrame:
        """All rows in one frame.

        Examples
        --------
        >>> with Query("select null as wait union all select 2", "sqlite://", chunk_rows=1) as query:
        ...     query.whole()["wait"].tolist()
        [<NA>, 2]
        """
        frames = list(self)
        columns = []
        for at in range(frames[0].shape[1]):
            parts = [frame.iloc[:, at] for frame in frames]
            # A chunk where nothing stands takes the type of those where something does.
            kind = next((part.dtype for part in parts if part.notna().any()), parts[0].dtype)
            columns.append(pd.concat([part if part.notna().any() else part.astype(kind) for part in parts], ignore_index=True))
        return pd.concat(columns, axis=1) if columns else frames[0]

    def _told(self, work: Callable[[], _Made]) -> _Made:
        """What the work gives, or its failure in our words; raised where the driver's own error, which may quote the address, is gone."""
        failure = self._attempt(work)
        if isinstance(failure, CcstatsError):
            raise failure
        return failure

    def _attempt(self, work: Callable[[], _Made]) -> _Made | CcstatsError:
        try:
            return work()
        except (_NoAddress, self._sa.exc.ArgumentError):
            return OptionError("connection: the database address cannot be understood; expected dialect+driver://user:password@host/name")
        except self._sa.exc.NoSuchModuleError as error:
            return OptionError(f"connection: SQLAlchemy knows no such database ({_first_line(error, self._secrets)})")
        except ImportError as error:
            return MissingExtraError(f"the database's driver is not installed (no module {error.name!r}); install it with pip")
        except Exception as error:  # drivers raise what they like
            kind = type(getattr(error, "orig", None) or error).__name__
            text = _first_line(error, self._secrets)
            return SourceMissingError(f"the database could not answer: {kind}: {text}. Check address, rights and query.")

    def _start(self) -> tuple[list[str], Iterator[Sequence[Any]], int | None]:
        """Names of the columns, the chunks of rows, and how many rows there are, if that was asked for and can be told."""
        sa, given = self._sa, self._connection
        url = _address(sa, given)
        self._secrets = _secrets(url)
        ours = not isinstance(given, sa.Connection)
        if ours:
            engine = given if isinstance(given, sa.Engine) else sa.create_engine(url)
            if engine is not given:
                self._open.callback(engine.dispose)
            db = self._open.enter_context(engine.connect())
        else:
            db = given
        in_transaction = _in_transaction(db)
        if ours and not in_transaction:
            db, in_transaction = db.execution_options(isolation_level=db.default_isolation_level), True
        query = _selected(sa, self._query)
        many = _counted(sa, db, query) if self._progress else None
        streamed = {"yield_per": self._chunk_rows} if in_transaction else {}
        result = db.execute(query, execution_options=streamed)
        self._open.callback(self._close, db, result, ours)
        return list(result.keys()), result.partitions(self._chunk_rows), many

    def _close(self, db: Any, result: Any, ours: bool) -> None:
        if ours and not self._finished and db.dialect.name in ("mysql", "mariadb"):
            # Its protocol cannot stop a result, and closing one reads it to its end; so the connection is given up.
            unread: Any = getattr(result.cursor, "_result", None)
            if hasattr(unread, "unbuffered_active"):
                unread.unbuffered_active = False
            db.invalidate()
        result.close()


@contextlib.contextmanager
def _returning_memory() -> Iterator[None]:
    """While rows come and go, PyArrow takes memory from the system and gives it back: its own allocator keeps tens of megabytes."""
    with _POOLS_LOCK:
        _POOLS.append(pa.default_memory_pool())
        pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        with _POOLS_LOCK:
            first = _POOLS[0]
            _POOLS.pop()
            if not _POOLS:  # no other thread reads
                pa.set_memory_pool(first)


class _NoAddress(Exception):
    """The address cannot be understood."""


def _address(sa: Any, connection: Any) -> Any:
    if not isinstance(connection, str):
        return connection if isinstance(connection, sa.engine.URL) else connection.engine.url
    try:
        return sa.make_url(connection)
    except Exception as error:
        raise _NoAddress from error


def _in_transaction(db: Any) -> bool:
    """Whether statements are in a transaction: without one PostgreSQL has no cursors."""
    return db.dialect.name != "postgresql" or not getattr(db.connection.driver_connection, "autocommit", False)


def _selected(sa: Any, query: Any) -> Any:
    if not isinstance(query, str):
        return query
    table = _TABLE.fullmatch(query.strip())
    return sa.select(sa.text("*")).select_from(sa.table(table[2], schema=table[1])) if table else sa.text(query.strip().rstrip(";"))


def _counted(sa: Any, db: Any, query: Any) -> int | None:
    """How many rows a query gives; None where the database cannot say."""
    try:
        rows = (query.columns() if isinstance(query, sa.TextClause) else query).subquery()
        with db.begin_nested():
            return int(db.execute(sa.select(sa.func.count()).select_from(rows)).scalar())
    except (sa.exc.SQLAlchemyError, AttributeError):
        return None


def _frame(names: list[str], rows: Sequence[Any]) -> pd.DataFrame:
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    frame = pd.DataFrame({at: _column(values) for at, values in enumerate(columns)})
    frame.columns = pd.Index(names, dtype=object)
    return frame


def _column(values: tuple[Any, ...]) -> pd.Series:
    """A column whose values are the same whatever stands in the rows before and after: whole numbers with gaps are no floats."""
    kinds = {*map(type, values)} - {type(None)}
    if kinds <= {str}:
        return _of_text(pa.array(values, pa.large_string()))
    if kinds == {int}:
        try:
            whole: pd.Series = pa.array(values, pa.int64()).to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
            return whole
        except (OverflowError, pa.ArrowInvalid):
            return pd.Series(values, dtype=object)
    if kinds == {float}:
        return pd.Series(values, dtype="float64")
    if kinds in ({dt.datetime}, {dt.timedelta}):
        return pd.Series(values)
    return pd.Series(values, dtype=object)


def _of_text(values: pa.Array) -> pd.Series:
    return pd.Series(pd.StringDtype("pyarrow", na_value=np.nan).__from_arrow__(pa.chunked_array([values])))  # type: ignore[attr-defined]


def _secrets(url: Any) -> list[str]:
    words = [url.password, *(value for values in url.query.values() for value in ([values] if isinstance(values, str) else values))]
    plain = [str(word) for word in words if word]
    shown = [url.render_as_string(hide_password=hidden) for hidden in (False, True)] if url.password or url.host else []
    forms = {form for word in plain for form in (word, quote(word), quote(word, safe=""), quote_plus(word))}
    return sorted(forms | set(shown), key=len, reverse=True)


def _first_line(error: Exception, secrets: list[str]) -> str:
    text = str(getattr(error, "orig", None) or error)
    for secret in secrets:
        text = text.replace(secret, "***")
    return next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)[:300]
