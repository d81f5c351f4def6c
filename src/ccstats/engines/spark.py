"""Tables on a Spark cluster: counted where their partitions are, added up there, and only the sums come back."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
import pyarrow as pa

from ccstats.errors import TableError
from ccstats.schema import TABLES, Table, worded

__all__ = ["SparkTable"]

#: A column that is there only while rows are on their way.
_PLACE = "_place"
#: More rows than any partition has: each is one piece.
_WHOLE = 1 << 62


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

    def map_partitions(self, function: Callable[[pd.DataFrame], Any]) -> Iterator[Any]:
        """What the function makes of each piece; with ``merge`` and ``key`` added up on the cluster, so that one frame comes back.

        Parameters
        ----------
        function : callable
            Given a frame of the table with the schema's dtypes; it runs on the workers, which need ccstats too.

        Yields
        ------
        object
            What it returns; what is added up has its words as text.

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
        merge, key = getattr(function, "merge", None), getattr(function, "key", None)
        if merge is None or key is None:
            found = _run(asked.mapInArrow(_Collected(function, table, batch_rows), "result binary"))
            yield from (pickle.loads(each.as_py()) for each in found["result"])  # noqa: S301 - of our own workers
            return
        # Counted without a row: wrong columns are an error before anything runs on the cluster, and the result's types are known.
        schema = _arrow(function(_typed(table, asked.limit(0).toArrow()))).schema
        parts = asked.mapInArrow(_Counted(function, table, batch_rows, schema), _spark_schema(schema))
        result = TABLES["intervals" if self.table == "contacts" else "agent_intervals"]
        parts = parts.groupBy(key).applyInArrow(lambda rows: _arrow(merge([_of_arrow(rows, result)]), schema), _spark_schema(schema))
        yield _of_arrow(_run(parts), result)

    @property
    def names(self) -> list[str]:
        """The columns there are."""
        return list(self.frame.columns)

    def shuffle(self, key: Callable[[pd.DataFrame], pd.Series]) -> SparkTable:
        """The same rows in other partitions: those with the same key are in one, and each is one piece.

        Parameters
        ----------
        key : callable
            Given a piece, whose index is 0, 1, 2, …; returns for each row what it goes by.

        Returns
        -------
        SparkTable
            Of as many partitions as the session makes (``spark.sql.shuffle.partitions``). A worker needs memory for a whole one.

        Examples
        --------
        >>> SparkTable.shuffle.__name__
        'shuffle'
        """
        from pyspark.sql.types import LongType, StructField, StructType

        table = TABLES[self.table]
        schema = StructType([*self.frame.schema.fields, StructField(_PLACE, LongType())])
        dealt = self.frame.mapInArrow(_Dealt(key, table, self.batch_rows), schema).repartition(_PLACE)
        # In an order of their own: rows come from other workers in any.
        order = [_quoted(name) for name in (*table.key, "queued_at") if name in self.frame.columns]
        return replace(self, frame=dealt.sortWithinPartitions(*order).drop(_PLACE), batch_rows=_WHOLE)


def _run(parts: Any) -> pa.Table:
    try:
        return parts.toArrow()
    except Exception as error:  # of many kinds, and with what the worker said in its text
        if not type(error).__module__.startswith(("pyspark", "py4j")):
            raise
        raise TableError(f"Spark could not count the table: {_told(str(error))}") from error


@dataclass(frozen=True)
class _Counted:
    """Counts the pieces of a partition."""

    function: Callable[[pd.DataFrame], pd.DataFrame]
    table: Table
    batch_rows: int
    schema: pa.Schema

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for piece in _pieces(batches, self.batch_rows):
            yield from _arrow(self.function(_typed(self.table, piece)), self.schema).to_batches()


@dataclass(frozen=True)
class _Collected:
    """Sends back what the function makes of each piece, whatever it is."""

    function: Callable[[pd.DataFrame], Any]
    table: Table
    batch_rows: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for piece in _pieces(batches, self.batch_rows):
            made = pickle.dumps(self.function(_typed(self.table, piece)))
            yield pa.RecordBatch.from_pydict({"result": pa.array([made], pa.binary())})


@dataclass(frozen=True)
class _Dealt:
    """Says beside each row where it goes."""

    key: Callable[[pd.DataFrame], pd.Series]
    table: Table
    batch_rows: int

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for piece in _pieces(batches, self.batch_rows):
            places = pd.util.hash_pandas_object(self.key(_typed(self.table, piece)).astype("str"), index=False).to_numpy()
            yield from piece.append_column(_PLACE, pa.array(places.view("int64"))).to_batches()


def _pieces(batches: Iterator[pa.RecordBatch], batch_rows: int) -> Iterator[pa.Table]:
    """Batches of a partition, some together."""
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= batch_rows:
            yield pa.Table.from_batches(waiting)
            waiting, rows = [], 0
    if rows:
        yield pa.Table.from_batches(waiting)


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
