"""Where rows stand once they are sorted, and which of them are tied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["sortable", "sorting", "tied"]

_MOST_DIGITS = 18  # that any number of fits into 64 bits


def sorting(keys: Sequence[pa.Array]) -> np.ndarray | None:
    """Where rows with these keys stand once they are sorted, stably, missing ones last; None where they are sorted already.

    Rows are sorted by the first key, which mostly tells them apart; only those that are tied in it are looked at again.

    Examples
    --------
    >>> sorting([pa.array(["b", "a", "b"])]).tolist(), sorting([pa.array([1, 1, 2])]) is None
    ([1, 0, 2], True)
    """
    if not keys or not len(keys[0]):
        return None
    order = None if _ascends(keys[0]) else pc.array_sort_indices(keys[0]).to_numpy()
    if len(keys) > 1:
        rows, places = tied(keys[0], order)
        if len(rows):
            names = [str(at) for at in range(len(keys))]
            some = pa.table([key.take(pa.array(rows)) for key in keys], names)
            inner = pc.sort_indices(some, sort_keys=[(name, "ascending") for name in names]).to_numpy()
            if (inner[1:] < inner[:-1]).any():
                order = np.arange(len(keys[0])) if order is None else order.copy()
                order[places] = rows[inner]
    return None if order is None or bool((order[1:] > order[:-1]).all()) else order


def tied(key: pa.Array, order: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Rows that have a key in common with another row, in the order that sorts the key (None: it is sorted), and their places in it.

    Examples
    --------
    >>> rows, places = tied(pa.array(["b", "a", "b"]), np.array([1, 0, 2]))
    >>> rows.tolist(), places.tolist()
    ([0, 2], [1, 2])
    """
    values = key if order is None else key.take(pa.array(order))
    before, after = values[:-1], values[1:]
    equal = pc.fill_null(pc.equal(before, after), False).to_numpy(zero_copy_only=False)
    if key.null_count:  # they come last
        equal[len(equal) - key.null_count + 1 :] = True
    places = np.flatnonzero(np.append(equal, False) | np.append(False, equal))
    return places if order is None else order[places], places


def _ascends(key: pa.Array) -> bool:
    """Whether no value is below the one before; False also where some are missing, or may be no number."""
    if key.null_count or pa.types.is_floating(key.type):
        return False
    return not pc.any(pc.less(key[1:], key[:-1])).as_py()


def sortable(values: pd.Series[Any]) -> pa.Array:
    """A column as PyArrow sorts it like pandas: text by its code points, or as numbers that sort like it, categories by their order.

    Examples
    --------
    >>> sortable(pd.Series(["b", None], dtype="category")).to_pylist()
    [0, None]
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes = values.cat.codes.to_numpy()
        return pa.array(codes, mask=codes < 0)
    array = pa.array(values, from_pandas=True)
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return _of_digits(array) if array.type == pa.large_string() else array


def _of_digits(text: pa.Array) -> pa.Array:
    """Texts of digits, as many in each, as numbers, which sort alike and in a third of the time; others as they are."""
    if not len(text) or text.null_count:
        return text
    ends = np.frombuffer(text.buffers()[1], dtype="int64")[text.offset : text.offset + len(text) + 1]
    lengths = np.diff(ends)
    if not 0 < lengths[0] <= _MOST_DIGITS or (lengths != lengths[0]).any():
        return text
    octets = np.frombuffer(text.buffers()[2], dtype="uint8")[ends[0] : ends[-1]]
    return text.cast(pa.int64()) if octets.min() >= ord("0") and octets.max() <= ord("9") else text
