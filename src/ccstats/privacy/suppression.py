"""Small cells of a printed table, and the further cells that must be blanked so that no small one is had from a sum by subtraction."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from ccstats.errors import ColumnError, OptionError, TableError
from ccstats.privacy.protection import protect
from ccstats.schema import as_frame

__all__ = ["suppress_cells"]


def suppress_cells(
    table: Any,
    *,
    count: str,
    by: str | Sequence[str],
    at_least: int = 5,
    margins: bool | Sequence[Sequence[str]] = True,
    total: str = "all",
    zeros: bool = False,
    keep: Sequence[str] = (),
) -> pd.DataFrame:
    """Blank the rows that rest on few cases, and as many others as it takes that no sum gives them back.

    A row is small if it rests on 1 to ``at_least`` - 1 cases. Every figure of a blanked row goes, since a ratio and its numerator give its
    count. For every small row, what is left to read allows a count of ``at_least`` or more, so neither its count nor that it is small can
    be computed. Nothing tells small rows from the others that were blanked for their sake.

    Parameters
    ----------
    table : pandas.DataFrame or Arrow table
        One row a cell, such as one an agent and month, and sums of them where they are printed as well. A row is a sum over a column of
        ``by`` where that column says ``total``; in a column that holds no text (``period_start``), where it is missing.
    count : str
        The column that says how many cases a row rests on; it must add up over the sums. [cases]
    by : str or sequence of str
        The columns that tell cells apart; cells that are not in the table are empty, and everybody knows.
    at_least : int
        Rows of fewer cases are small. [cases]
    margins : bool or sequence of sequences of str
        Which sums to add to the table where it lacks them: all of them (True), none (False), or those by these columns, such as
        ``[["queue"], []]`` for a sum a queue and the grand total. What is added shows the count only.
    total : str
        The word for a sum.
    zeros : bool
        Whether rows of 0 cases are small too. By default they are shown, since there is nobody in them; an agent without contacts still has
        hours and pauses, and then they should not be.
    keep : sequence of str
        Columns that stay as they are in blanked rows, such as a row's title. Figures kept here are yours to answer for.

    Returns
    -------
    pandas.DataFrame
        The rows of ``table`` in their order, then the sums added; a column ``suppressed``. Print these rows and no other sums of them.
        Whole numbers are ``Int64``, so that they can be missing. An empty table stays empty.

    Raises
    ------
    ColumnError
        If a column is not there.
    OptionError
        If ``at_least`` is no whole number of 0 or more.
    TableError
        If a cell is there twice, counts are missing, negative or broken, or a sum is not the sum of its cells.

    See Also
    --------
    suppress_small : each row for itself, where no sums are shown.

    Notes
    -----
    For every small row that is not protected yet, a linear programme looks for the cheapest way to raise it to ``at_least`` while all
    printed sums stay as they are or are blanked, other cells stay at or above 0, and moving a cell costs its count; what moves is blanked.
    This finds a good choice, not always the best one. What it does not cover: who publishes twice, about overlapping cases, must look at
    both publications together; other columns that add up are not attacked one by one, and a sum of 0 always tells that its parts are 0; who
    is in a cell knows more than who is not; where three or more columns make cells, the ranges are those of real numbers.

    The method is that of Fischetti and Salazar (2000), "Models and algorithms for optimizing cell suppression in tabular data with linear
    constraints", JASA 95, as one linear programme a cell (Kelly, Golden and Assad, 1992, "Cell suppression: disclosure protection for
    sensitive tabular data", Networks 22).

    Examples
    --------
    Bo's 3 calls could be had from the total, so the least busy of the others goes with him:

    >>> import ccstats as cc
    >>> agents = pd.DataFrame({"agent": ["Ada", "Bo", "Cy"], "answered": [40, 3, 25], "aht_s": [180.0, 95.0, 210.0]})
    >>> cc.suppress_cells(agents, count="answered", by="agent")
      agent  answered  aht_s  suppressed
    0   Ada        40  180.0       False
    1    Bo      <NA>    NaN        True
    2    Cy      <NA>    NaN        True
    3   all        68    NaN       False
    """
    frame = as_frame(table)
    names = [by] if isinstance(by, str) else list(by)
    _check(frame, count, names, at_least, keep)
    is_sum = {name: _sums(frame[name], total) for name in names}
    whole = _with_margins(frame, count, names, is_sum, margins, total)
    is_sum = {name: _sums(whole[name], total) for name in names}
    counts = whole[count].to_numpy(dtype="float64")
    parts, cells = _parts(whole, names, is_sum, total)
    added = parts @ counts[cells] if len(cells) else np.zeros(len(whole))
    wrong = np.flatnonzero(np.abs(added - counts) > 1e-6)
    if len(wrong):
        row = wrong[0]
        raise TableError(
            f"row {row} ({_told(whole, row, names)}): {count} is {counts[row]:g}, but its cells add up to {added[row]:g}. "
            f"Give every cell that a sum stands for, and a count that adds up; {total!r} marks a sum, say total= where it is a name"
        )
    small = (counts < at_least) & ((counts > 0) | zeros)
    blank = protect(counts, parts, counts[cells], small=small, at_least=at_least, zeros=zeros)
    return _blanked(whole, blank, [*names, *keep])


def _check(frame: pd.DataFrame, count: str, names: list[str], at_least: int, keep: Sequence[str]) -> None:
    for what, asked in (("count", [count]), ("by", names), ("keep", list(keep))):
        missing = [name for name in asked if name not in frame]
        if missing:
            raise ColumnError(f"{what}={missing[0]!r} is no column of the table; it has: {', '.join(map(str, frame.columns))}")
    if count in (*names, *keep):
        raise OptionError(f"count={count!r} is in by= or keep= as well; it is what gets blanked")
    if isinstance(at_least, bool) or not isinstance(at_least, int | np.integer) or at_least < 0:
        raise OptionError(f"at_least={at_least!r}: expected a whole number of cases, 0 or more")
    numbers = frame[count]
    if not pd.api.types.is_numeric_dtype(numbers.dtype) or pd.api.types.is_bool_dtype(numbers.dtype):
        raise TableError(f"count={count!r} is {numbers.dtype}; expected whole numbers of cases")
    values = numbers.to_numpy(dtype="float64", na_value=np.nan)
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0) & (values % 1 == 0)))
    if len(bad):
        raise TableError(
            f"count={count!r}: row {bad[0]} ({_told(frame, bad[0], names)}) has {values[bad[0]]:g}; expected whole numbers of 0 or more "
            f"({len(bad)} such rows). Suppress before anything else is blanked"
        )
    twice = frame.duplicated(names, keep=False).to_numpy() if names else np.full(len(frame), len(frame) > 1)
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        raise TableError(
            f"row {row} ({_told(frame, row, names)}) is there more than once by {names}; name all columns that tell cells apart"
        )


def _told(frame: pd.DataFrame, row: int, names: list[str]) -> str:
    return ", ".join(f"{name}={frame[name].iloc[row]!s:.40}" for name in names) or "the whole"


def _sums(values: pd.Series[Any], total: str) -> npt.NDArray[np.bool_]:
    if isinstance(values.dtype, pd.CategoricalDtype | pd.StringDtype) or values.dtype == object:
        return (values.astype("str") == total).fillna(False).to_numpy(dtype=bool)
    return values.isna().to_numpy(dtype=bool)


def _with_margins(
    frame: pd.DataFrame,
    count: str,
    names: list[str],
    is_sum: dict[str, npt.NDArray[np.bool_]],
    margins: bool | Sequence[Sequence[str]],
    total: str,
) -> pd.DataFrame:
    """The table with a count as ``Int64``, and the sums it lacks."""
    whole = frame.reset_index(drop=True).assign(**{count: frame[count].reset_index(drop=True).astype("Int64")})
    if margins is False or not len(frame):
        return whole
    if margins is True:
        wanted = [list(each) for size in range(len(names) - 1, -1, -1) for each in itertools.combinations(names, size)]
    else:
        wanted = [[each] if isinstance(each, str) else list(each) for each in margins]
        strange = [name for each in wanted for name in each if name not in names]
        if strange:
            raise OptionError(f"margins: {strange[0]!r} is not in by={names}")
    cell = ~np.logical_or.reduce([np.zeros(len(frame), dtype=bool), *is_sum.values()])
    there = {tuple(not is_sum[name][row] for name in names) for row in range(len(frame))}
    made = [whole]
    for group in wanted:
        level = tuple(name in group for name in names)
        if all(level):
            continue
        if level in there:
            _refuse_partial(whole, cell, level, names, is_sum)
            continue
        sums = whole[cell].groupby(group, observed=True, dropna=False, sort=True)[count].sum().reset_index() if group else None
        rows = sums if sums is not None else pd.DataFrame({count: pd.array([whole.loc[cell, count].sum()], dtype="Int64")})
        for name in names:
            if name not in group:
                text = isinstance(whole[name].dtype, pd.CategoricalDtype | pd.StringDtype) or whole[name].dtype == object
                rows[name] = pd.Series([total] * len(rows), dtype="str") if text else pd.Series([None] * len(rows), dtype=whole[name].dtype)
        made.append(rows)
    if len(made) == 1:
        return whole
    columns = {}
    for name in whole.columns:
        dtype = whole[name].dtype
        pieces = [each[name] if name in each else pd.Series([None] * len(each), dtype=_missing(dtype)) for each in made]
        if isinstance(dtype, pd.CategoricalDtype):
            words = list(dtype.categories) + ([total] if name in names and total not in dtype.categories else [])
            joined = pd.concat([piece.astype(object) for piece in pieces], ignore_index=True)
            columns[name] = joined.astype(pd.CategoricalDtype(words))
        else:
            columns[name] = pd.concat([piece.astype(_missing(dtype)) for piece in pieces], ignore_index=True)
    return pd.DataFrame(columns)


def _refuse_partial(
    whole: pd.DataFrame, cell: npt.NDArray[np.bool_], level: tuple[bool, ...], names: list[str], is_sum: dict[str, npt.NDArray[np.bool_]]
) -> None:
    """Sums that the table has for some groups and lacks for others."""
    group = [name for name, kept in zip(names, level, strict=True) if kept]
    rows = np.logical_and.reduce(
        [np.ones(len(whole), dtype=bool), *(is_sum[name] != kept for name, kept in zip(names, level, strict=True))]
    )
    if group and len(whole[cell].drop_duplicates(group)) != rows.sum():
        raise TableError(f"the table has sums by {group} for some of its groups only; give all of them, or none, or margins=False")


def _missing(dtype: Any) -> Any:
    if pd.api.types.is_bool_dtype(dtype):
        return "boolean"
    if pd.api.types.is_integer_dtype(dtype):
        return "Int64"
    return dtype


def _parts(whole: pd.DataFrame, names: list[str], is_sum: dict[str, npt.NDArray[np.bool_]], total: str) -> tuple[Any, npt.NDArray[np.intp]]:
    """Which cells each row stands for, as a matrix of rows by cells, and where the cells are."""
    from scipy import sparse

    if not len(whole):
        return sparse.csr_array((0, 0)), np.array([], dtype=np.intp)
    codes = np.zeros((len(whole), len(names)), dtype=np.int64)
    for at, name in enumerate(names):
        # A missing word is a group like any other; where it marks a sum it is taken for one below.
        codes[:, at] = pd.factorize(whole[name].astype(object), use_na_sentinel=False)[0]
        codes[is_sum[name], at] = -1
    cells = np.flatnonzero((codes >= 0).all(axis=1))
    place: dict[tuple[int, ...], list[int]] = {}
    levels = {tuple(row >= 0) for row in codes}
    for column, row in enumerate(cells):
        for level in levels:
            place.setdefault(tuple(np.where(level, codes[row], -1).tolist()), []).append(column)
    found = [place.get(tuple(row), []) for row in codes.tolist()]
    at_rows = np.repeat(np.arange(len(whole)), [len(each) for each in found])
    at_cells = np.array([column for each in found for column in each], dtype=np.intp)
    return sparse.csr_array((np.ones(len(at_cells)), (at_rows, at_cells)), shape=(len(whole), len(cells))), cells


def _blanked(whole: pd.DataFrame, blank: npt.NDArray[np.bool_], stay: list[str]) -> pd.DataFrame:
    out = whole.copy()
    for name in whole.columns:
        if name not in stay:
            out[name] = whole[name].astype(_missing(whole[name].dtype)).mask(blank)
    return out.assign(suppressed=blank)
