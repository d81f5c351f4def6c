"""Rows of many sources kept in little memory until all of them are there."""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.readers.categories import is_of_words
from ccstats.readers.contract import Options
from ccstats.readers.threads import for_each
from ccstats.readers.words import coded, of_series, to_series
from ccstats.schema import AGENT_STATES, CONTACTS, sortable, sorting, tied

__all__ = ["Parts", "alike", "given_back", "repeated", "room", "taken"]

_CATEGORIES = {column.name for table in (CONTACTS, AGENT_STATES) for column in table.columns if column.kind == "category"} | {"_source"}
_WORTH = 64 << 20  # memory of PyArrow's, at its most, from which on what is free is given back [bytes]
_BLOCK = 65_536  # values that are moved to memory of their own together
_Made = TypeVar("_Made")
_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)


class Parts:
    """Frames with the same columns, one after the other.

    Columns that the tables have as categories, or that come as such, are kept as small numbers of their words, and so is the frame made of
    them all. Texts of lines (``_text``) are kept only if the options ask for them.

    Examples
    --------
    >>> parts = Parts(Options())
    >>> for queue in ("sales", "billing"):
    ...     parts.append(pd.DataFrame({"contact_id": ["1"], "queue": [queue]}))
    >>> whole = parts.frame()
    >>> whole["queue"].tolist(), whole["queue"].cat.categories.tolist(), len(parts)
    (['sales', 'billing'], ['billing', 'sales'], 2)
    """

    def __init__(self, options: Options) -> None:
        self._texts = options.keep_text
        self._columns: dict[str, _Column] = {}
        self._frames = 0

    def __len__(self) -> int:
        """How many frames were taken up, be they here still or not."""
        return self._frames

    def append(self, frame: pd.DataFrame) -> None:
        """Take up a frame."""
        self._frames += 1
        names = [name for name in frame.columns if name != "_text" or self._texts]
        for name in names:
            if name not in self._columns:
                few = name in _CATEGORIES or is_of_words(frame[name])
                self._columns[name] = _Category() if few else _Whole() if name in ("_line", "_weight") else _Column()
        for_each(lambda name: self._columns[name].append(frame[name]), names, rows=len(frame))

    def extend(self, frames: Iterable[pd.DataFrame]) -> None:
        """Take up frames as they come."""
        for frame in frames:
            self.append(frame)

    def frame(self) -> pd.DataFrame:
        """All rows in one frame; once, as their memory goes over to it column by column."""
        names = list(self._columns)
        rows = max((len(column) for column in self._columns.values()), default=0)
        wholes = for_each(lambda name: _with_room(self._columns.pop(name).whole()), names, rows=rows)
        return pd.DataFrame(dict(zip(names, wholes, strict=True)), copy=False)


class _Column:
    """Values of one column."""

    def __init__(self) -> None:
        self._dtype: Any = None
        self._blocks: list[Any] = []
        self._waiting: list[Any] = []
        self._many = 0
        self._others: list[Any] = []  # of another type, before
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def append(self, values: pd.Series) -> None:
        if is_of_words(values):
            values = to_series(of_series(values))
        if self._dtype is not None and self._dtype != values.dtype:
            self._others.append(self._finished())
        self._dtype = values.dtype
        self._keep(_plain(values))

    def whole(self) -> Any:
        last = self._finished()
        return pd.concat([pd.Series(each) for each in (*self._others, last)], ignore_index=True).array if self._others else last

    def _keep(self, array: Any) -> None:
        self._waiting.append(array)
        self._rows += len(array)
        self._many += len(array)
        if self._many >= _BLOCK:
            # Of a large table a piece has memory of its own already.
            alone = len(self._waiting) == 1 and self._many > 2 * _BLOCK and _owns(array)
            self._blocks.append(self._waiting[0] if alone else _together(self._waiting, mapped=True))
            self._waiting, self._many = [], 0

    def _all(self) -> Any:
        arrays, self._blocks, self._waiting, self._many = [*self._blocks, *self._waiting], [], [], 0
        return _together(arrays)

    def _finished(self) -> Any:
        values = self._all()
        if isinstance(values, pa.Array):
            return _TEXT.__from_arrow__(pa.chunked_array([values]))  # type: ignore[attr-defined]
        return pd.Series(values).astype(self._dtype).array if self._dtype.kind in "mM" else values


class _Whole(_Column):
    """Whole numbers that are not negative, as small as they can be."""

    def append(self, values: pd.Series) -> None:
        self._keep(values.to_numpy(dtype=np.min_scalar_type(values.max()) if len(values) else "uint8"))

    def whole(self) -> Any:
        return self._all()


class _Category(_Column):
    """Words of one column as numbers."""

    def __init__(self) -> None:
        super().__init__()
        self._words: dict[str, int] = {}

    def append(self, values: pd.Series) -> None:
        codes, found = coded(values)
        ours = np.array([*(self._words.setdefault(word, len(self._words)) for word in found), -1])
        self._keep(ours.astype(_small(len(self._words))).take(codes))

    def whole(self) -> pd.Categorical:
        """A category whose words are in their order, as if it had been made of text."""
        ordered = sorted(self._words)
        place = np.full(len(ordered) + 1, -1, dtype=_small(len(ordered)))
        place[[self._words[word] for word in ordered]] = np.arange(len(ordered))
        return pd.Categorical.from_codes(place[self._all()], categories=pd.Index(ordered, dtype="str"))


def _small(words: int) -> np.dtype[Any]:
    return np.min_scalar_type(-max(words, 1))


def _plain(values: pd.Series) -> Any:
    """Text as PyArrow has it, numbers and times as NumPy has them, anything else as it is."""
    if isinstance(values.dtype, pd.StringDtype):
        texts = pa.array(values, type=pa.large_string())
        return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    if values.dtype.kind in "mM":
        return values.astype("int64").to_numpy()
    return values.to_numpy() if isinstance(values.dtype, np.dtype) else values.array


def _owns(array: Any) -> bool:
    """Whether it is not a part of something larger that it keeps in memory."""
    return not isinstance(array, pa.Array) or array.get_total_buffer_size() <= 1.25 * array.nbytes


def _together(arrays: list[Any], *, mapped: bool = False) -> Any:
    """The arrays as one; numbers in memory of their own, if they shall be ``mapped``, which is given back as soon as it is free."""
    if len(arrays) == 1 and not mapped:
        one = arrays[0]
        if isinstance(one, pa.Array):
            return one.cast(pa.large_string())
        return one if not isinstance(one, np.ndarray) or one.flags.writeable else one.copy()  # users write into their tables
    if isinstance(arrays[0], pa.Array):
        texts = pa.concat_arrays([each.cast(pa.large_string()) for each in arrays])
        # Places in so few texts fit into half the bytes.
        return texts.cast(pa.string()) if mapped and texts.nbytes < 2**31 else texts
    if not isinstance(arrays[0], np.ndarray):
        return pd.concat([pd.Series(each) for each in arrays], ignore_index=True).array
    kind = np.result_type(*arrays)
    if not mapped or kind.hasobject:
        return np.concatenate(arrays)
    return np.concatenate(arrays, out=room(sum(map(len, arrays)), kind))


def room(many: int, dtype: Any) -> np.ndarray:
    """An array of its own memory, which is given back as soon as it is free; small pieces of a process's memory seldom are.

    Examples
    --------
    >>> len(room(3, "int64"))
    3
    """
    kind = np.dtype(dtype)
    return np.frombuffer(mmap.mmap(-1, max(many, 1) * kind.itemsize), dtype=kind)[:many]


def given_back(made: _Made) -> _Made:
    """What was made, once the memory of all that it took to make it is given back to the system.

    PyArrow keeps what is freed, tens of megabytes after each step on a million rows; of little it may keep all, as new memory costs time.

    Examples
    --------
    >>> given_back([1])
    [1]
    """
    pool = pa.default_memory_pool()
    if (pool.max_memory() or _WORTH) >= _WORTH:
        pool.release_unused()
    return made


def _with_room(made: Any) -> Any:
    """An array, after what PyArrow has kept of making it was given back; numbers took none of its memory."""
    return made if isinstance(made, np.ndarray | pd.Categorical) else given_back(made)


def taken(frame: pd.DataFrame | dict[Any, pd.Series], rows: np.ndarray) -> pd.DataFrame:
    """These rows (a mask or places) of the frame or its columns, which are used up one by one so that none is ever there twice.

    Words that the tables have as categories are taken as numbers, which is faster, and stay so.

    Examples
    --------
    >>> taken(pd.DataFrame({"a": [1, 2, 3]}), np.array([True, False, True]))["a"].tolist()
    [1, 3]
    """
    columns: dict[Any, pd.Series] = frame if isinstance(frame, dict) else {name: frame.pop(str(name)) for name in list(frame)}
    names = list(columns)
    some = for_each(lambda name: _with_room(_numbered(columns.pop(name)).array[rows]), names, rows=len(rows))
    return pd.DataFrame(dict(zip(names, some, strict=True)), copy=False)


def _numbered(values: pd.Series) -> pd.Series:
    if values.name not in _CATEGORIES or not isinstance(values.dtype, pd.StringDtype):
        return values
    codes, words = coded(values)
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(words, dtype="str")))


def repeated(frame: pd.DataFrame, same: Sequence[str], newest: str | None = None, *, order: np.ndarray | None = None) -> np.ndarray:
    """Which rows repeat an earlier one in these columns, or with ``newest`` one with a larger value there, or any if theirs is missing.

    Of rows with the same value of ``newest`` the last one is the newest.

    It is done by sorting, which takes less memory than a table of what was seen: by the first column, in which mostly no two rows are
    tied, and only those that are by all. ``order`` is how the first column is sorted, where it is known.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": ["x", "y", None, "x", None], "at": [1, 1, 1, 2, None]})
    >>> repeated(frame, ["a"]).tolist(), repeated(frame, ["a"], "at").tolist()
    ([False, False, False, True, True], [True, False, False, False, True])
    >>> repeated(pd.DataFrame({"a": ["x", "x"], "at": [1, 1]}), ["a"], "at").tolist()
    [True, False]
    """
    first = sortable(frame[same[0]])
    rows, _ = tied(first, sorting([first]) if order is None else order)
    again = np.zeros(len(frame), dtype=bool)
    if len(rows):
        some = pa.array(rows)
        keys = pa.table({str(at): (sortable(frame[name]) if at else first).take(some) for at, name in enumerate(same)})
        by: list[tuple[str, str]] = [(name, "ascending") for name in keys.column_names]
        table = keys
        if newest is not None:
            table = keys.append_column("newest", sortable(frame[newest]).take(some)).append_column("came", some)
            by += [("newest", "descending"), ("came", "descending")]
        inner = pc.sort_indices(table, sort_keys=by).to_numpy()
        again[rows[inner[1:]]] = alike(keys, inner)
    return again


def alike(keys: pa.Table, order: np.ndarray) -> np.ndarray:
    """Of rows in this order, whether each but the first has the keys of the one before."""
    equal = np.ones(max(len(order) - 1, 0), dtype=bool)
    for column in keys.columns:
        values = column.take(pa.array(order)).combine_chunks()
        one, other = values[:-1], values[1:]
        both = pc.and_(pc.is_null(one), pc.is_null(other))
        equal &= pc.or_(pc.fill_null(pc.equal(one, other), False), both).to_numpy(zero_copy_only=False)
    return equal
