"""Readers: log files and database tables of many vendors into `contacts` and `agent_states`."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import pandas as pd

from ccstats.errors import DataWarning, FormatError, OptionError, ZoneError, did_you_mean
from ccstats.periods import check_timezone
from ccstats.privacy import key_of
from ccstats.readers.contract import IntervalLog, Log, Options, Reader, Source
from ccstats.readers.files import open_sources
from ccstats.readers.recognition import recognise
from ccstats.readers.registry import READERS, formats, register_reader

__all__ = ["READERS", "formats", "read", "read_intervals", "read_sql", "register_reader"]

_FRAME = "<frame>"
_L = TypeVar("_L", Log, IntervalLog)


def read(
    source: Any,
    *,
    format: str | None = None,
    timezone: str | None = None,
    key: str | bytes | None = None,
    on_error: str = "reject",
    pseudonyms: bool = True,
    keep_text: bool = False,
    progress: Callable[[str, float], None] | None = None,
    **options: Any,
) -> Log:
    r"""Read logs into two tables, contacts and agent states, with an account of every line.

    Parameters
    ----------
    source : path, glob, open file, bytes, frame, or list of these
        What to read: all of it is one log, in one format. ``.gz``, ``.bz2``, ``.xz`` and ``.zst`` are decompressed. Frames (pandas,
        Polars, PyArrow, DuckDB) need ``format=``.
    format : str, optional
        Name of the format, see `formats`; by default it is recognised by the content, and exactly one reader must know it.
    timezone : str, optional
        Zone of the log's clock, such as ``Europe/Istanbul``; required where the log holds local times without a zone.
    key : str or bytes, optional
        Secret for the customers' pseudonyms; ``CCSTATS_KEY`` or a random one by default.
    on_error : {"reject", "raise"}
        Bad lines are set aside with a reason, or the first of them raises.
    pseudonyms : bool
        Whether customers' ids are replaced by keyed pseudonyms.
    keep_text : bool
        Whether ``log.rejected`` holds the text of the lines; it may hold personal data.
    progress : callable, optional
        Called with a source's name and the share of it that is read. [0-1]
    **options
        What a single format understands besides, see `formats`; ``mapping=`` implies ``format="mapped"``.

    Returns
    -------
    Log
        An empty file of a named format gives empty, valid tables and a `DataWarning`.

    Raises
    ------
    SourceMissingError
        If a file is not there.
    FormatError
        If the content is of no format, of several, broken, or larger than the bounds; or a line is bad and ``on_error="raise"``.
    ZoneError
        If the zone is unknown, or is missing for a log in local time.
    OptionError
        If an argument has a value that is not allowed.

    See Also
    --------
    read_sql : the same from a database.
    draft_mapping : a first mapping for a file of any other format.

    Examples
    --------
    >>> import ccstats as cc
    >>> lines = b"1709280000|17.1|support|NONE|ENTERQUEUE||anna|1\n1709280012|17.1|support|NONE|ABANDON|1|1|12\n"
    >>> cc.read(lines).contacts[["queue", "outcome", "wait_s"]].to_dict("records")
    [{'queue': 'support', 'outcome': 'abandoned', 'wait_s': 12.0}]
    """
    secret = _checked(on_error, timezone, key)
    reader, sources = _opened(source, format, timezone, options, "contacts")
    asked = Options(timezone, secret, pseudonyms, on_error, keep_text, format is not None, progress, options)
    return _run(reader, sources, asked, Log)


def read_intervals(
    source: Any,
    *,
    format: str | None = None,
    timezone: str | None = None,
    on_error: str = "reject",
    keep_text: bool = False,
    progress: Callable[[str, float], None] | None = None,
    **options: Any,
) -> IntervalLog:
    r"""Read what a platform counted by itself: tables of intervals, with an account of every line.

    Parameters
    ----------
    source, format, timezone, on_error, keep_text, progress, **options
        As for `read`; the formats are those of `formats` that yield ``intervals``. Of a database, give the frame a query made.

    Returns
    -------
    IntervalLog
        ``intervals`` and ``agent_intervals``, as `to_intervals` and `to_agent_intervals` make them; ``attribute_by`` says where the
        platform books a contact. What it does not count is missing, and intervals without a row stay out: `merge_intervals` fills them.

    Raises
    ------
    FormatError
        As for `read`, and if the format holds single contacts.
    SourceMissingError, ZoneError, OptionError
        As for `read`.

    See Also
    --------
    measure_service : ratios of intervals.
    merge_intervals : tables of intervals as one.

    Examples
    --------
    >>> import ccstats as cc
    >>> rows = b"ROW_DATE,STARTTIME,INTRVL,SPLIT,CALLSOFFERED,ACDCALLS,ABNCALLS,ANSTIME\n2024-03-01,930,30,12,10,8,2,96\n"
    >>> log = cc.read_intervals(rows, timezone="Europe/Berlin")
    >>> cc.measure_service(log.intervals, by="queue")[["queue", "answer_rate", "asa_s"]].to_dict("records")
    [{'queue': '12', 'answer_rate': 0.8, 'asa_s': 12.0}]
    """
    _checked(on_error, timezone, None)
    reader, sources = _opened(source, format, timezone, options, "intervals")
    asked = Options(timezone, b"", True, on_error, keep_text, format is not None, progress, options)
    return _run(reader, sources, asked, IntervalLog)


def read_sql(
    query: Any,
    connection: Any,
    *,
    format: str,
    timezone: str | None = None,
    key: str | bytes | None = None,
    on_error: str = "reject",
    pseudonyms: bool = True,
    keep_text: bool = False,
    chunk_rows: int = 10_000,
    progress: Callable[[str, float], None] | None = None,
    **options: Any,
) -> Log:
    r"""Read a log that a database holds: the table of a product, a queue_log in a realtime table, or any table with a mapping.

    Rows are fetched in chunks and reduced to what the two tables need, so that a table that would not fit into memory can be read, if the
    result does. Nothing is written: what the query does is rolled back. An address of a database never appears in an error or a trace.

    Parameters
    ----------
    query : str or SQLAlchemy selectable
        A SELECT, or the bare name of a table. Write a colon that is no parameter as ``\:``.
    connection : str, sqlalchemy.Engine or sqlalchemy.Connection
        The database; an address such as ``postgresql+psycopg://…`` is opened and closed here.
    format : str
        Name of the format, see `formats`.
    timezone, key, on_error, pseudonyms, keep_text, **options
        As for `read`; they are checked before the query runs.
    chunk_rows : int
        Rows fetched at a time: more rows take more memory and little less time. The result is the same. [rows]
    progress : callable, optional
        Called with the source's name and the share of it that is read. [0-1] The database counts the rows first, which takes it some time;
        where it cannot count them, it is called once, at the end.

    Returns
    -------
    Log
        Line numbers are rows of the result, from 1. No rows give empty, valid tables and a `DataWarning`.

    Raises
    ------
    MissingExtraError
        If SQLAlchemy or the database's driver is not installed.
    SourceMissingError
        If the database cannot be reached, or the query fails.
    OptionError, ZoneError, FormatError
        As for `read`.

    See Also
    --------
    read : the same from files and frames.

    Examples
    --------
    >>> import sqlalchemy as sa
    >>> engine = sa.create_engine("sqlite://")
    >>> with engine.begin() as db:
    ...     _ = db.execute(sa.text("create table calls (id text, q text, at text, wait real, result text)"))
    ...     _ = db.execute(sa.text("insert into calls values ('1', 'support', '2024-03-01 09:00', 12, 'answered')"))
    >>> mapping = {
    ...     "columns": {"contact_id": "id", "queue": "q", "queued_at": "at", "wait_s": "wait", "outcome": "result"},
    ...     "constants": {"channel": "voice", "direction": "inbound"},
    ... }
    >>> read_sql("calls", engine, format="mapped", mapping=mapping, timezone="Europe/London").contacts["wait_s"].tolist()
    [12.0]
    >>> engine.dispose()
    """
    from ccstats.readers.databases import Query

    reader = _named(format, options)
    if reader is None:
        raise OptionError(f"format=None: rows of a database do not tell their format; name one of {', '.join(READERS)}")
    secret = _checked(on_error, timezone, key)
    _check_options(reader, timezone, options, "contacts")
    if isinstance(chunk_rows, bool) or not isinstance(chunk_rows, int) or chunk_rows < 1:
        raise OptionError(f"chunk_rows={chunk_rows!r}: expected a whole number of rows, from 1")
    share = None if progress is None else functools.partial(progress, _FRAME)
    asked = Options(timezone, secret, pseudonyms, on_error, keep_text, format_named=True, extra=options)
    with Query(query, connection, chunk_rows=chunk_rows, progress=share) as rows:
        # A reader that streams goes through its sources once; another one is given a list.
        return _run(reader, _sources(rows) if reader.streams else list(_sources([rows.whole()])), asked, Log)


def _checked(on_error: str, timezone: str | None, key: str | bytes | None) -> bytes:
    """The secret for pseudonyms, after the arguments that every reader has were checked."""
    if on_error not in ("reject", "raise"):
        raise OptionError(f"on_error={on_error!r}: expected 'reject' (set bad lines aside) or 'raise' (stop at the first)")
    if timezone is not None:
        check_timezone(timezone)
    return key_of(key)


def _sources(frames: Iterable[pd.DataFrame]) -> Iterator[Source]:
    """Frames of one table as sources that follow each other."""
    first = 1
    for frame in frames:
        if frame.empty and first == 1:
            _warn_empty(_FRAME)
        yield Source(_FRAME, frame=frame, first=first)
        first += len(frame)


def _warn_empty(name: str, what: str = "contacts") -> None:
    warnings.warn(f"{name} is empty: no {what} were read from it", DataWarning, stacklevel=4)


def _opened(source: Any, format: str | None, timezone: str | None, options: Mapping[str, Any], what: str) -> tuple[Reader, list[Source]]:
    """The sources and who reads them, if it yields ``what``; without it, whatever it yields."""
    reader = _named(format, options)
    if reader is not None:
        _check_options(reader, timezone, options, what)
    sources = open_sources(source)
    if reader is None:
        reader = recognise(sources, READERS)
        _check_options(reader, timezone, options, what)
    for each in sources:
        if len(each.data if each.frame is None else each.frame) == 0:
            _warn_empty(each.name, what or "rows")
    return reader, sources


def _named(name: str | None, options: Mapping[str, Any]) -> Reader | None:
    if name is None:
        return READERS["mapped"] if options.get("mapping") is not None else None
    if name not in READERS:
        near = did_you_mean(str(name), READERS)
        raise OptionError(f"format={name!r} is not known; formats: {', '.join(READERS)}.{near}")
    return READERS[name]


def _check_options(reader: Reader, timezone: str | None, options: Mapping[str, Any], what: str) -> None:
    if what and what not in reader.yields and "intervals" in (what, *reader.yields):
        kinds = ("single contacts or states of agents", "read"), ("intervals that the platform counted", "read_intervals")
        found, way = kinds[what != "intervals"]
        raise FormatError(f"format {reader.name!r} holds {found}, not {what}: read it with ccstats.{way}")
    unknown = [name for name in options if name not in reader.options]
    if unknown:
        common = ["format", "timezone", "key", "on_error", "pseudonyms", "keep_text", "progress"]
        takes = f"takes {', '.join(reader.options)}" if reader.options else "takes none of its own"
        near = did_you_mean(unknown[0], [*reader.options, *common])
        raise OptionError(f"unknown option {', '.join(unknown)}: format {reader.name!r} {takes}, besides {', '.join(common)}.{near}")
    if reader.clock == "wall" and timezone is None:
        raise ZoneError(
            f"a log of format {reader.name!r} holds local times without a zone; say where its clock stood, "
            "for example timezone='Europe/Istanbul'"
        )


def _run(reader: Reader, sources: Any, options: Options, kind: type[_L]) -> _L:
    log = reader.read(sources, options)
    if not isinstance(log, kind):
        raise FormatError(f"the reader {reader.name!r} gave {type(log).__qualname__}; a reader returns ccstats.{kind.__name__}")
    return log
