"""Columns of which some rows are kept and the others are missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.readers.words import of_series, to_series

__all__ = ["among", "known", "only", "without"]


def only(values: pd.Series, rows: np.ndarray | pd.Series) -> pd.Series:
    """The values in these rows (a mask), missing in the others; of text the signs stay where they are, as it is large.

    Examples
    --------
    >>> only(pd.Series(["a", "b", None]), np.array([True, False, True])).tolist()
    ['a', nan, nan]
    """
    mask = np.asarray(rows, dtype=bool)
    if not isinstance(values.dtype, pd.StringDtype):
        return values.where(mask)
    return to_series(_masked(of_series(values).combine_chunks(), pa.array(mask))).set_axis(values.index)


def among(text: pa.Array, words: Sequence[str]) -> pa.Array | None:
    """Which of PyArrow's large texts are one of these words; None if none is, which mostly their lengths tell.

    Examples
    --------
    >>> among(pa.array(["NULL", "sales"], pa.large_string()), ["NULL"]).to_pylist()
    [True, False]
    >>> among(pa.array(["sales"], pa.large_string()), ["NULL"]) is None
    True
    """
    if not len(text):
        return None
    ends = np.frombuffer(text.buffers()[1], dtype="int64")[text.offset : text.offset + len(text) + 1]
    found = np.diff(ends) <= max(len(word.encode()) for word in words)
    short = np.flatnonzero(found)
    if not len(short):
        return None
    known = pa.array(words, text.type)
    if 4 * len(short) > len(text):
        every = pc.is_in(text, known)
        return every if pc.any(every).as_py() else None
    found[short] = pc.is_in(text.take(pa.array(short)), known).to_numpy(zero_copy_only=False)
    return pa.array(found) if found.any() else None


def known(text: pd.Series) -> np.ndarray:
    """Which texts are there.

    Examples
    --------
    >>> known(pd.Series(["a", None], dtype="str")).tolist()
    [True, False]
    """
    return np.asarray(of_series(text).is_valid().to_numpy())


def without(text: pa.Array, rows: pa.Array) -> pa.Array:
    """PyArrow's text, missing in these rows (a mask without missing values).

    Examples
    --------
    >>> without(pa.array(["a", "b"], pa.large_string()), pa.array([True, False])).to_pylist()
    [None, 'b']
    """
    return _masked(text, pc.invert(rows))


def _masked(text: pa.Array, rows: pa.Array) -> pa.Array:
    if text.offset or not len(text):
        return pc.if_else(rows, text, None)
    there = pc.and_(rows, text.is_valid()) if text.null_count else rows
    return pa.Array.from_buffers(text.type, len(text), [there.buffers()[1], *text.buffers()[1:]])
