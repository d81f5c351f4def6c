"""Tables as Parquet that says what it holds: every column's kind, unit and meaning stand in the file's metadata."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from ccstats.errors import FormatError, OptionError, SourceMissingError, TableError, did_you_mean
from ccstats.metrics import METRICS
from ccstats.report.files import whole_file
from ccstats.schema import TABLES, Table, as_frame

__all__ = ["read_parquet", "table_of", "write_parquet"]

_KEY = b"ccstats"


def write_parquet(frame: Any, path: str | Path, *, table: str) -> Path:
    r"""Write one of our tables as Parquet, with what each column is, in which unit, in the metadata.

    The file is written under a temporary name and moved into place. Instants are UTC microseconds, words of a vocabulary are
    dictionaries; any program that reads Parquet reads it.

    Parameters
    ----------
    frame : pandas.DataFrame or object with ``__arrow_c_stream__``
        The table. Columns that the schema does not know (of a ``by=``, say) are kept.
    path : str or Path
        The file; its folder must be there.
    table : str
        What it is: ``contacts``, ``agent_states``, ``intervals``, … (a name of ``ccstats.schema.TABLES``).

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    OptionError
        If there is no such table, or the file cannot be written.
    TableError
        If the frame does not fit the table's schema, or another column of it holds values of several types.

    See Also
    --------
    read_parquet : the same table again.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> contacts = cc.read(b"1709280000|1.2|q|NONE|ENTERQUEUE||5551|1\n1709280012|1.2|q|NONE|ABANDON|1|1|12\n").contacts
    >>> path = cc.write_parquet(contacts, f"{tempfile.mkdtemp()}/contacts.parquet", table="contacts")
    >>> import pyarrow.parquet
    >>> pyarrow.parquet.read_schema(path).field("wait_s").metadata[b"unit"]
    b's'
    """
    import pyarrow as pa
    from pyarrow import parquet

    schema = _named(table)
    frame = as_frame(frame, what=table)
    schema.check(frame, keys=False)
    try:
        arrow = pa.Table.from_pandas(frame, preserve_index=False)
    except pa.ArrowException as error:
        raise TableError(
            f"{table} cannot be written as Parquet: {'; '.join(map(str, error.args))[:300]}. Give each column one type."
        ) from None
    fields = [_typed(field).with_metadata(_meaning(schema, field.name)) for field in arrow.schema]
    about = {"table": schema.name, "row": schema.row, "key": list(schema.key), "version": version("ccstats")}
    metadata = {**arrow.schema.metadata, _KEY: json.dumps(about).encode()}
    arrow = arrow.cast(pa.schema(fields, metadata=metadata))
    path = Path(path)
    try:
        with whole_file(path) as name:
            parquet.write_table(arrow, name, compression="zstd")
    except OSError as error:
        raise OptionError(
            f"{str(path)!r} cannot be written: {error.strerror or error}. Name a file in a folder you may write to."
        ) from error
    return path


def read_parquet(path: str | Path) -> pd.DataFrame:
    """Read a table that `write_parquet` wrote: the same columns, types and rows.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    pandas.DataFrame
        Checked against the schema of the table that the file says it is.

    Raises
    ------
    SourceMissingError
        If there is no such file.
    FormatError
        If it is no Parquet, broken, or not written by `write_parquet`.
    TableError
        If its content does not fit its schema.

    See Also
    --------
    write_parquet : writes it.

    Examples
    --------
    >>> read_parquet("nowhere.parquet")
    Traceback (most recent call last):
    ccstats.errors.SourceMissingError: no file 'nowhere.parquet'
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        # The file's own name is no partition: a folder called month=3 adds no column.
        arrow = parquet.ParquetFile(path).read()
    except FileNotFoundError:
        raise SourceMissingError(f"no file {str(path)!r}") from None
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise FormatError(f"{str(path)!r} cannot be read as Parquet ({str(error)[:200]}); write it again") from None
    name = table_of(arrow.schema.metadata or {})
    if name not in TABLES:
        raise FormatError(
            f"{str(path)!r} does not say which table of ours it is; ccstats.write_parquet says it. Read logs in Parquet with "
            "ccstats.read(…, format=…), other tables with pandas.read_parquet"
        )
    try:
        frame: pd.DataFrame = arrow.to_pandas()
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise FormatError(f"{str(path)!r} does not fit its own description ({str(error)[:200]}); write it again") from None
    for each in frame.columns[frame.dtypes == "category"]:
        if len(frame[each].cat.categories) == 0:  # of no row
            words = TABLES[name][each].vocabulary if each in TABLES[name] else ()
            frame[each] = frame[each].astype("str").astype(pd.CategoricalDtype(pd.Index(words, dtype="str")))
    TABLES[name].check(frame, keys=False)
    return frame


def _named(table: str) -> Table:
    if table not in TABLES:
        raise OptionError(f"table={table!r} is none of ours: {', '.join(TABLES)}.{did_you_mean(str(table), TABLES)}")
    return TABLES[table]


def _typed(field: Any) -> Any:
    """The field; a category without any words, which Arrow takes for one of nothing, is one of text."""
    import pyarrow as pa

    if pa.types.is_dictionary(field.type) and pa.types.is_null(field.type.value_type):
        return field.with_type(pa.dictionary(pa.int32(), pa.large_string()))
    return field


def _meaning(schema: Table, name: str) -> dict[str, str]:
    if name in schema:
        column = schema[name]
        return {"kind": column.kind, "unit": column.unit, "meaning": column.meaning}
    if name in METRICS:
        return {"kind": "number", "unit": METRICS[name].unit, "meaning": METRICS[name].formula}
    return {}


def table_of(metadata: dict[bytes, bytes]) -> str | None:
    """Which of our tables a file says that it is, by its metadata.

    Examples
    --------
    >>> table_of({b"ccstats": b'{"table": "contacts"}'})
    'contacts'
    """
    try:
        about = json.loads(metadata[_KEY])
    except (KeyError, ValueError):
        return None
    name = about.get("table") if isinstance(about, dict) else None
    return name if isinstance(name, str) else None
