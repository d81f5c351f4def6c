"""What a table is: its columns with meaning, unit, dtype, key and vocabulary, and one check that reports every problem at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.errors import ColumnError, TableError
from ccstats.schema.order import sortable, sorting

__all__ = ["Column", "Table", "column"]

_DTYPES = {
    "id": "str",
    "text": "str",
    "category": "category",
    "instant": "datetime64[us, UTC]",
    "period": "datetime64[us, UTC]",
    "seconds": "float64",
    "count": "int64",
    "maybe_count": "Int64",
    "share": "float64",
    "number": "float64",
    "flag": "bool",
}


@dataclass(frozen=True)
class Column:
    """One column of a table: its name, kind, meaning, unit, and what it may hold.

    Parameters
    ----------
    name : str
        Column name.
    kind : str
        ``id`` and ``text`` (str), ``category``, ``instant`` (UTC), ``period`` (any zone), ``seconds`` (float, not negative),
        ``count`` (int64), ``maybe_count`` (Int64, missing allowed), ``share`` (float), ``number`` (float) or ``flag`` (bool).
    meaning : str
        One line for the documentation.
    required : bool
        Whether the column must be there; others are there where the source has them.
    nullable : bool
        Whether single values may be missing.
    vocabulary : tuple of str
        The closed list of values, where there is one.

    Examples
    --------
    >>> from ccstats.schema import CONTACTS
    >>> CONTACTS["wait_s"].unit
    's'
    """

    name: str
    kind: str
    meaning: str
    required: bool = True
    nullable: bool = True
    vocabulary: tuple[str, ...] = ()

    @property
    def dtype(self) -> str:
        """The pandas dtype, as text."""
        return _DTYPES[self.kind]

    @property
    def unit(self) -> str:
        """The unit: ``s`` for durations, ``UTC`` for instants, ``1`` for counts and shares, empty otherwise."""
        units = {"seconds": "s", "instant": "UTC", "period": "zone asked for", "count": "1", "maybe_count": "1", "share": "0-1"}
        return units.get(self.kind, "")


@dataclass(frozen=True)
class Table:
    """One table of the design: what a row is, its key and its columns.

    Examples
    --------
    >>> from ccstats.schema import CONTACTS
    >>> CONTACTS.key
    ('contact_id', 'visit')
    >>> len(CONTACTS.empty())
    0
    """

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    _by_name: dict[str, Column] = field(default_factory=dict, repr=False, compare=False)
    _empty: dict[frozenset[str], pd.DataFrame] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_name.update({column.name: column for column in self.columns})

    def __getitem__(self, name: str) -> Column:
        try:
            return self._by_name[name]
        except KeyError:
            raise ColumnError(f"table {self.name!r} has no column {name!r}; it has: {', '.join(self._by_name)}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def names(self, *, required: bool = False) -> list[str]:
        """Column names in their order; with ``required=True`` only those that must be there.

        Examples
        --------
        >>> from ccstats.schema import CONTACTS
        >>> CONTACTS.names(required=True)[:3]
        ['contact_id', 'visit', 'channel']
        """
        return [column.name for column in self.columns if column.required or not required]

    def empty(self, extra: Iterable[str] = ()) -> pd.DataFrame:
        """An empty, valid table: the required columns and the optional ones named in ``extra``.

        Examples
        --------
        >>> from ccstats.schema import AGENT_STATES
        >>> AGENT_STATES.empty()["started_at"].dtype
        datetime64[us, UTC]
        """
        wanted = frozenset(extra)
        if wanted not in self._empty:
            frame: dict[str, Any] = {}
            for column in self.columns:
                if column.required or column.name in wanted:
                    words = pd.CategoricalDtype(list(column.vocabulary)) if column.vocabulary else column.dtype
                    frame[column.name] = pd.Series([], dtype=words)
            self._empty[wanted] = pd.DataFrame(frame)
        return self._empty[wanted].copy()

    def problems(self, frame: pd.DataFrame, *, columns: Sequence[str] | None = None, keys: bool = True) -> list[str]:
        """Everything in ``frame`` that breaks this schema, one line each (empty when it is sound).

        Parameters
        ----------
        frame : pandas.DataFrame
            The table.
        columns : sequence of str, optional
            Look at these columns only; by default all the schema's.
        keys : bool
            Whether the key must be unique.

        Examples
        --------
        >>> from ccstats.schema import CONTACTS
        >>> CONTACTS.problems(CONTACTS.empty().drop(columns="wait_s"))
        ["column 'wait_s' is missing (seconds: from joining the queue to the answer or to leaving, ringing included)"]
        """
        found: list[str] = []
        for column in self.columns:
            if columns is not None and column.name not in columns:
                continue
            if column.name not in frame:
                if column.required or columns is not None:
                    found.append(f"column {column.name!r} is missing ({column.kind}: {column.meaning})")
                continue
            found += _column_problems(column, frame[column.name])
        if keys and all(name in frame for name in self.key):
            key = [name for name in (*self.key, *_by_columns(self, frame)) if name in frame]
            repeated = frame.duplicated(key, keep=False).to_numpy()
            if repeated.any():
                shown = frame.loc[repeated, key].head(1).to_dict("records")[0]
                found.append(f"key {tuple(key)} is repeated in {repeated.sum()} rows, first {shown}{_rows(repeated)}")
        return found

    def check(self, frame: pd.DataFrame, *, columns: Sequence[str] | None = None, keys: bool = True) -> None:
        """Raise one `TableError` that lists every problem of ``frame``; return nothing when it is sound.

        Examples
        --------
        >>> from ccstats.schema import CONTACTS
        >>> CONTACTS.check(CONTACTS.empty())
        """
        found = self.problems(frame, columns=columns, keys=keys)
        if found:
            lines = "\n  - ".join(found)
            raise TableError(
                f"the table does not fit the schema of {self.name!r} ({len(found)} problem{'s' if len(found) > 1 else ''}):\n  - {lines}\n"
                f"TABLES[{self.name!r}].conform(frame) of ccstats.schema repairs dtypes and order; see 'Tables, columns and metrics'."
            )

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Columns in the schema's order (unknown ones last), with its dtypes, sorted by key, default index.

        Examples
        --------
        >>> from ccstats.schema import CONTACTS
        >>> CONTACTS.conform(CONTACTS.empty())["visit"].dtype
        dtype('int64')
        """
        conformed = self.typed(frame)
        order = self.order(conformed)
        return conformed.reset_index(drop=True) if order is None else conformed.take(order).reset_index(drop=True)

    def typed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The same columns in the schema's order (unknown ones last) and with its dtypes, rows as they are.

        Examples
        --------
        >>> from ccstats.schema import CONTACTS
        >>> CONTACTS.typed(pd.DataFrame({"queue": ["b", "a"], "visit": ["1", "2"]})).dtypes.astype(str).to_dict()
        {'visit': 'int64', 'queue': 'category'}
        """
        out: dict[str, Any] = {}
        for column in self.columns:
            if column.name not in frame:
                continue
            values = frame[column.name]
            if column.vocabulary and list(getattr(values.dtype, "categories", ())) != list(column.vocabulary):
                values = _coded(values, column.vocabulary)
            elif column.kind == "category" and isinstance(values.dtype, pd.StringDtype):
                values = _categories(values)
            elif column.dtype == "str" and isinstance(getattr(values.dtype, "categories", pd.Index([])).dtype, pd.StringDtype):
                # As by astype, which makes an object of each on its way.
                values = pd.Series(values.cat.categories.array.take(values.cat.codes.to_numpy(), allow_fill=True), index=values.index)
            elif column.kind != "period" and str(values.dtype) != column.dtype:
                values = values.astype(column.dtype)  # type: ignore[call-overload]
            out[column.name] = values
        for name in frame.columns:
            out.setdefault(name, frame[name])
        return pd.DataFrame(out, copy=False)

    def order(self, frame: pd.DataFrame) -> np.ndarray | None:
        """Where the rows stand once they are sorted by key, stably, missing ones last; None where they are sorted already.

        Examples
        --------
        >>> from ccstats.schema import AGENT_STATES
        >>> AGENT_STATES.order(pd.DataFrame({"agent": ["b", "a", "b"]})).tolist()
        [1, 0, 2]
        """
        return sorting([sortable(frame[name]) for name in self.key if name in frame])


def _categories(values: pd.Series[Any]) -> pd.Series[Any]:
    """Text as a category of its words in their order."""
    text = pa.array(values, pa.large_string())
    coded = (text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text).dictionary_encode()
    words = coded.dictionary.to_pylist()
    ordered = sorted(words)
    place = {word: at for at, word in enumerate(ordered)}
    codes = np.array([*(place[word] for word in words), -1])[coded.indices.fill_null(-1).to_numpy()]
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(ordered, dtype="str")), index=values.index)


def _coded(values: pd.Series[Any], words: tuple[str, ...]) -> pd.Series[Any]:
    """Text as a category of these words; others are missing."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.set_categories(list(words))  # as a type, the same words in another order would be taken for the same
    if not isinstance(values.dtype, pd.StringDtype):
        return values.astype(pd.CategoricalDtype(list(words)))
    codes = pc.fill_null(pc.index_in(pa.array(values, pa.large_string()), pa.array(words, pa.large_string())), -1).to_numpy()
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(list(words), dtype="str")), index=values.index)


def _by_columns(table: Table, frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame.columns if name not in table and str(frame[name].dtype) in ("category", "str")]


def _rows(mask: np.ndarray) -> str:
    rows = np.flatnonzero(mask)
    shown = ", ".join(str(row) for row in rows[:5])
    return f" (row{'s' if len(rows) > 1 else ''} {shown}{', …' if len(rows) > 5 else ''}; {len(rows)} in all)"


def _fits(column: Column, values: pd.Series[Any]) -> bool:
    dtype = values.dtype
    if column.kind in ("instant", "period"):
        return isinstance(dtype, pd.DatetimeTZDtype) and (column.kind == "period" or str(dtype.tz) == "UTC")
    if column.kind in ("id", "text"):
        return isinstance(dtype, pd.StringDtype)
    if column.kind == "category":
        return isinstance(dtype, pd.CategoricalDtype)
    if column.kind in ("count", "maybe_count"):
        return pd.api.types.is_integer_dtype(dtype)
    if column.kind == "flag":
        return pd.api.types.is_bool_dtype(dtype)
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)


def _column_problems(column: Column, values: pd.Series[Any]) -> list[str]:
    if not _fits(column, values):
        return [f"column {column.name!r} is {values.dtype}, expected {column.dtype} ({column.meaning})"]
    found = []
    missing = values.isna().to_numpy()
    if missing.any() and (not column.nullable or column.kind == "count"):
        found.append(f"column {column.name!r} has missing values{_rows(missing)}")
    if column.vocabulary:
        unknown = set(values.cat.categories) - set(column.vocabulary)
        if unknown:
            bad = values.isin(unknown).to_numpy()
            if bad.any():
                words = sorted(map(str, values[bad].unique()))[:5]
                found.append(f"column {column.name!r} has {words}, outside its vocabulary {list(column.vocabulary)}{_rows(bad)}")
    if column.kind in ("seconds", "count", "maybe_count"):
        numbers = values.to_numpy(dtype="float64", na_value=np.nan)
        with np.errstate(invalid="ignore"):
            negative = numbers < 0
        if negative.any():
            found.append(f"column {column.name!r} is negative{_rows(negative)}")
        infinite = np.isinf(numbers)
        if infinite.any():
            found.append(f"column {column.name!r} is infinite{_rows(infinite)}")
    return found


def column(name: str, kind: str, meaning: str, *, required: bool = True, nullable: bool = True, words: Iterable[str] = ()) -> Column:
    """A `Column`, written short.

    Examples
    --------
    >>> column("wait_s", "seconds", "from joining the queue to the answer").unit
    's'
    """
    return Column(name, kind, meaning, required, nullable, tuple(words))
