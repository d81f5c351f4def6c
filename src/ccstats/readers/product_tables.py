"""Tables whose header is known: CSV, Excel, Parquet, frames and query results of one product, by the names of its columns."""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from ccstats.errors import ColumnError, did_you_mean
from ccstats.readers.accounting import Account
from ccstats.readers.categories import constant_category, is_of_words
from ccstats.readers.clock import Instants
from ccstats.readers.contract import Options, Source
from ccstats.readers.instants import to_instants
from ccstats.readers.parts import Parts
from ccstats.readers.pieces import in_pieces
from ccstats.readers.tabular import Grid, Layout, read_grid
from ccstats.readers.values import to_numbers, to_seconds, to_text, to_words
from ccstats.readers.words import coded, constant, filled, of_series, to_series

__all__ = ["MISSING", "Rows", "folded", "header_has", "of_two_tables"]

#: Words of database clients for a field that holds nothing.
MISSING = ("NULL", "null", "(null)", "\\N")
_DELIMITERS = (",", ";", "\t", "|")


@functools.lru_cache(maxsize=4096)
def folded(name: str) -> str:
    """A column's name without case and signs, as databases and exports write it differently.

    Examples
    --------
    >>> folded("Router_Call Key")
    'routercallkey'
    """
    return "".join(sign for sign in str(name).casefold() if sign.isalnum())


def header_has(head: bytes, *groups: Iterable[str]) -> bool:
    r"""Whether the first line that is not blank is a header with all columns of at least one group.

    Examples
    --------
    >>> header_has(b'"RouterCallKey";"DateTime";"Duration"\n1;2;3\n', ["DateTime", "router_call_key"])
    True
    >>> header_has(b"queue,wait\n", ["DateTime"])
    False
    """
    first = next((line for line in head[:16_384].splitlines() if line.strip()), b"").decode("utf-8", "replace")
    if "\0" in first:
        return False
    try:
        cells = next(csv.reader([first], delimiter=max(_DELIMITERS, key=first.count)), [])
    except csv.Error:
        return False
    found = {folded(cell) for cell in cells}
    return any(found >= {folded(name) for name in group} for group in groups)


class Rows:
    """The rows of one table on their way: each is open until one reason closes it.

    Parameters
    ----------
    grid : Grid
        As `ccstats.readers.tabular.read_grid` gives it.
    account : Account
        Where what is ignored, rejected and assumed is booked.
    options : Options
        What the caller asked for.
    needed : sequence of str
        Columns without which nothing can be read; a `ColumnError` lists those that are not there.
    missing : tuple of str
        Words for "not known".

    Examples
    --------
    >>> account = Account(Options())
    >>> grid = Grid("a.csv", ["Wait"], {"Wait": pd.Series(["12", "soon"])}, np.array([2, 3]), np.array([1, 1]))
    >>> rows = Rows(grid, account, Options(), needed=["wait"])
    >>> rows.seconds("wait").tolist(), rows.open.tolist()
    ([12.0, nan], [True, False])
    """

    def __init__(
        self, grid: Grid, account: Account, options: Options, *, needed: Sequence[str] = (), missing: tuple[str, ...] = MISSING
    ) -> None:
        self.grid, self.account, self.options, self.missing = grid, account, options, missing
        self.open = np.ones(len(grid.line), dtype=bool)
        self.columns: dict[str, pd.Series] = {}
        self._asked: dict[str, pd.Series] = {}
        for name, values in grid.columns.items():
            self.columns.setdefault(folded(name), values)
        absent = [name for name in needed if folded(name) not in self.columns]
        if absent and grid.header:
            near = did_you_mean(absent[0], grid.header)
            raise ColumnError(
                f"{grid.name}: the table has no column {', '.join(absent)}; found {', '.join(map(repr, grid.header[:40]))}.{near}"
            )

    def __len__(self) -> int:
        return len(self.open)

    def in_pieces(self, made: Callable[[Rows], pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """What a function that reads the rows one by one makes of them, a piece at a time and on several cores.

        Examples
        --------
        >>> rows = Rows(Grid("a", ["Q"], {"Q": pd.Series(["x"])}, np.array([2]), np.array([1])), Account(Options()), Options())
        >>> [frame["queue"].tolist() for frame in rows.in_pieces(lambda piece: piece.frame({"queue": piece.text("q")}))]
        [['x']]
        """
        return in_pieces(self.grid, self.account, lambda grid, booked: made(Rows(grid, booked, self.options, missing=self.missing)))

    def has(self, name: str) -> bool:
        """Whether the table has this column.

        Examples
        --------
        >>> Rows(Grid("a", ["Q"], {"Q": pd.Series(["x"])}, np.array([2]), np.array([1])), Account(Options()), Options()).has("q")
        True
        """
        return folded(name) in self.columns

    def put(self, name: str, values: pd.Series) -> None:
        """Read these values under a name from now on, whatever stood there.

        Examples
        --------
        >>> rows = Rows(Grid("a", ["Q"], {"Q": pd.Series(["x"])}, np.array([2]), np.array([1])), Account(Options()), Options())
        >>> rows.put("q", rows.text("q") + "!")
        >>> rows.text("q").tolist()
        ['x!']
        """
        self.columns[folded(name)] = values
        self._asked.pop(folded(name), None)

    def close(self, mask: np.ndarray | pd.Series, reason: str) -> None:
        """Reject the open rows of ``mask``."""
        hit = np.asarray(mask, dtype=bool) & self.open
        at = np.flatnonzero(hit)
        texts = self._texts(at) if self.options.keep_text and len(at) else ()
        self.account.reject(self.grid.name, self.grid.line[at], reason, texts=texts, weight=int(self.grid.weight[at].sum()))
        self.open &= ~hit

    def ignore(self, mask: np.ndarray | pd.Series, rule: str) -> None:
        """Leave the open rows of ``mask`` out by a rule."""
        hit = np.asarray(mask, dtype=bool) & self.open
        self.account.count(self.grid.name, "ignored", rule, int(self.grid.weight[hit].sum()))
        self.open &= ~hit

    def note(self, mask: np.ndarray | pd.Series, note: str) -> None:
        """Count the open rows of ``mask`` among the notes."""
        self.account.note(note, int((np.asarray(mask, dtype=bool) & self.open).sum()))

    def text(self, *names: str) -> pd.Series:
        """Text of the first of these columns that has any, row by row; missing where none has."""
        out: pd.Series | None = None
        for name in filter(self.has, names):
            more = self._text(folded(name))
            out = more.copy() if out is None else to_series(pc.coalesce(of_series(out), of_series(more)))
            if not of_series(out).null_count:
                break
        return constant(None, len(self)) if out is None else out

    def words(self, *names: str) -> pd.Series:
        """The same as `text`, as a category where the table has the columns that are needed as such."""
        found: pd.Series | None = None
        for key in map(folded, filter(self.has, names)):
            column = self.columns[key]
            more = to_words(column, self.missing) if is_of_words(column) else self._text(key)
            found = more if found is None else filled(found, more)
            if not found.hasnans:
                break
        return constant_category(None, len(self)) if found is None else found

    def _text(self, key: str) -> pd.Series:
        if key not in self._asked:
            self._asked[key] = to_text(self.columns[key], self.missing)
        return self._asked[key]

    def call_ids(self, name: str) -> pd.Series:
        """Text of a column of call ids; a `ColumnError` if it was read as numbers, which makes one of 1266833905.2 and 1266833905.20."""
        ids = self.columns.get(folded(name))
        if ids is not None and pd.api.types.is_float_dtype(ids.dtype) and ids.notna().any():
            raise ColumnError(
                f"{self.grid.name}: column {name!r} was read as numbers, and 1266833905.2 and 1266833905.20 are different calls; "
                "read it as text"
            )
        return self.text(name)

    def seconds(self, name: str, unit: str = "s") -> pd.Series:
        """Durations; rows where it is none are rejected, and all are missing where there is no such column."""
        if not self.has(name):
            return pd.Series(np.full(len(self), np.nan))
        parsed = to_seconds(self.columns[folded(name)], unit, missing=self.missing)
        self.close(parsed.bad, f"{name} is no duration in {unit}, or negative, or above a year")
        return parsed.values

    def numbers(self, name: str) -> pd.Series:
        """Numbers of either sign; rows where it is none are rejected, and all are missing where there is no such column."""
        if not self.has(name):
            return pd.Series(np.full(len(self), np.nan))
        parsed = to_numbers(self.columns[folded(name)], missing=self.missing)
        self.close(parsed.bad, f"{name} is no number")
        return parsed.values

    def flags(self, name: str) -> np.ndarray:
        """Whether a yes-or-no column says yes; blank and absent is no."""
        codes, words = coded(self.words(name))
        return np.array([*(word.casefold() in ("true", "t", "1", "yes", "y") for word in words), False])[codes]

    def instants(self, name: str, written: str = "iso", *, timezone: str | None = None, missing: tuple[str, ...] = ()) -> Instants:
        """Instants; rows where it is none are rejected, and hours that the clock showed twice or never are counted."""
        column = self.columns[folded(name)] if self.has(name) else constant(None, len(self))
        at, bad = to_instants(column, written, timezone=timezone, missing=(*self.missing, *missing))
        self.close(bad, f"{name} is no instant written as {written}, or outside 1970 to 2200")
        self.note(at.twice, f"{name}: local time that the clock showed twice: the first is taken")
        self.note(at.never, f"{name}: local time that the clock never showed: moved on")
        return at

    def frame(self, columns: Mapping[str, pd.Series | np.ndarray | str | None]) -> pd.DataFrame:
        """The open rows with their place in ``_source``, ``_line`` and ``_weight``; a word, or None, stands in every row."""
        rows = np.flatnonzero(self.open)
        many = len(rows)

        def kept(values: pd.Series | np.ndarray | str | None) -> Any:
            if values is None or isinstance(values, str):
                return constant(values, many)
            if many == len(self):
                return values
            return values[rows] if isinstance(values, np.ndarray) else values.array.take(rows)

        out = {name: kept(values) for name, values in columns.items()}
        out |= {"_line": kept(self.grid.line), "_weight": kept(self.grid.weight), "_source": constant_category(self.grid.name, many)}
        if self.options.keep_text:
            out["_text"] = pd.Series(self._texts(rows), dtype="str")
        return pd.DataFrame(out, copy=False)

    def _texts(self, rows: np.ndarray) -> list[str]:
        columns = [values.iloc[rows].astype("str").fillna("") for values in self.grid.columns.values()]
        return [" | ".join(cells) for cells in zip(*columns, strict=True)]


def of_two_tables(
    sources: Iterable[Source],
    account: Account,
    options: Options,
    first: tuple[str, str, Sequence[str], Callable[[Rows], pd.DataFrame]],
    second: tuple[str, str, Sequence[str], Callable[[Rows], pd.DataFrame]],
) -> tuple[Parts, Parts]:
    r"""Rows of a product that has two tables, whichever of them each source is.

    Parameters
    ----------
    sources : iterable of Source
        In the order they were named; empty ones are passed over.
    account, options
        As the reader has them.
    first, second : (name, column, needed columns, function)
        A table's name, the column that tells it from the other, the columns it needs, and what makes a frame of its rows.

    Returns
    -------
    tuple of Parts
        Of each table the frames, a source each.

    Raises
    ------
    ColumnError
        If a source is none of the two, or lacks a column.

    Examples
    --------
    >>> tables = [(name + "s", name, (name,), lambda rows, name=name: rows.frame({name: rows.text(name)})) for name in ("call", "span")]
    >>> calls, spans = of_two_tables([Source("a.csv", b"call\n7\n")], Account(Options()), Options(), *tables)
    >>> len(calls), len(spans)
    (1, 0)
    """
    found = (Parts(options), Parts(options))
    for source in sources:
        rows = Rows(read_grid(source, Layout(), account), account, options)
        for place, (_, column, needed, made) in enumerate((first, second)):
            if rows.has(column):
                found[place].extend(Rows(rows.grid, account, options, needed=needed).in_pieces(made))
                break
        else:
            if rows.columns:
                raise ColumnError(
                    f"{source.name} is neither {first[0]} (column {first[1]!r}) nor {second[0]} ({second[1]!r}); "
                    f"its columns: {', '.join(map(repr, rows.grid.header[:40]))}"
                )
        if options.progress:
            options.progress(source.name, 1.0)
    return found
