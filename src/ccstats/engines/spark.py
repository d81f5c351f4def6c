"""Tables on a Spark cluster: counted where their partitions are, added up there, and only the sums come back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from ccstats.errors import TableError
from ccstats.schema import TABLES, Table, worded

__all__ = ["SparkTable"]


@dataclass(frozen=True)
class SparkTable:
    """A Spark DataFrame as a table of ours.

    Attributes
    ----------
    frame : pyspark.sql.DataFrame
        Contacts or agent states, with the session that it belongs to.
    table : str
        Which of the two.
    batch_rows : int
        Rows that a worker counts at a time.

    See Also
    --------
    ccstats.scan : makes one.

    Examples
    --------
    >>> SparkTable.__dataclass_params__.frozen
    True
    """

    frame: Any
    table: str
    batch_rows: int = 1_000_000

    def map_partitions(self, function: Callable[[pd.DataFrame], pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """What the function makes of each partition; with ``merge`` and ``key`` added up on the cluster, so that one frame comes back.

        Parameters
        ----------
        function : callable
            Given a frame of the table with the schema's dtypes; it runs on the workers, which need ccstats too.

        Yields
        ------
        pandas.DataFrame
            What it returns; words are text.

        Raises
        ------
        TableError
            If a column is missing or has another type, or the function could not count what it was given.

        Examples
        --------
        >>> SparkTable.map_partitions.__name__
        'map_partitions'
        """
        wanted = getattr(function, "columns", None)
        names = [name for name in self.frame.columns if wanted is None or name in wanted]
        table, batch_rows = TABLES[self.table], self.batch_rows
        asked = self.frame.select(*(_quoted(name) for name in names))
        # Counted without a row: wrong columns are an error before anything runs on the cluster, and the result's types are known.
        schema = _arrow(function(_typed(table, asked.limit(0).toArrow()))).schema
        parts = asked.mapInArrow(_Counted(function, table, batch_rows, schema), _spark_schema(schema))
        merge, key = getattr(function, "merge", None), getattr(function, "key", None)
        if merge is not None and key is not None:
            result = self._result()
            parts = parts.groupBy(key).applyInArrow(lambda rows: _arrow(merge([_of_arrow(rows, result)]), schema), _spark_schema(schema))
        try:
            found = parts.toArrow()
        except Exception as error:  # of many kinds, and with what the worker said in its text
            if not type(error).__module__.startswith(("pyspark", "py4j")):
                raise
            raise TableError(f"Spark could not count the table: {_told(str(error))}") from error
        yield _of_arrow(found, self._result())

    def _result(self) -> Table:
        return TABLES["intervals" if self.table == "contacts" else "agent_intervals"]


@dataclass(frozen=True)
class _Counted:
    """Counts the batches of a partition, some together."""

    function: Callable[[pd.DataFrame], pd.DataFrame]
    table: Table
    batch_rows: int
    schema: pa.Schema

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        waiting: list[pa.RecordBatch] = []
        rows = 0
        for batch in batches:
            waiting.append(batch)
            rows += batch.num_rows
            if rows >= self.batch_rows:
                yield from self._of(waiting)
                waiting, rows = [], 0
        if waiting:
            yield from self._of(waiting)

    def _of(self, batches: list[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from _arrow(self.function(_typed(self.table, pa.Table.from_batches(batches))), self.schema).to_batches()


def _typed(table: Table, rows: pa.Table) -> pd.DataFrame:
    for field in rows.schema:
        if pa.types.is_timestamp(field.type) and field.type.tz is None and field.name in table:
            raise TableError(f"{field.name} is a time without a zone (TIMESTAMP_NTZ); make it one with, such as to_utc_timestamp of Spark")
    try:
        return table.typed(rows.to_pandas())
    except (TypeError, ValueError) as error:
        raise TableError(f"the columns do not fit the table {table.name!r}: {error}") from None


def _arrow(frame: pd.DataFrame, schema: pa.Schema | None = None) -> pa.Table:
    """A result as Arrow that Spark takes: words as text, missing numbers null."""
    table = pa.Table.from_pandas(worded(frame), preserve_index=False).replace_schema_metadata()
    plain = pa.schema([field.with_type(pa.string()) if _is_text(field.type) else field for field in table.schema])
    return table.cast(plain) if schema is None else table.select(schema.names).cast(schema)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_large_string(kind) or pa.types.is_string(kind) or pa.types.is_null(kind)


def _of_arrow(rows: pa.Table, table: Table) -> pd.DataFrame:
    """A result again, with the types of its table."""
    frame = rows.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype(), pa.string(): pd.StringDtype(na_value=float("nan"))}.get)
    return table.typed(frame)


def _spark_schema(schema: pa.Schema) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(schema)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def _told(text: str) -> str:
    """What the worker raised: our own error whole, or the last line of another."""
    before, ours, after = text.rpartition("ccstats.errors.")
    if ours:
        return re.split(r"\n\s*\n|\n\s*at |\nTraceback", after)[0].partition(": ")[2][:1000]
    lines = [line.strip() for line in before.splitlines() or after.splitlines() if line.strip()]
    return (lines or ["it gave no reason"])[-1][:500]
