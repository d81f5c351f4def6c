"""Columns of which some rows are kept and the others are missing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.readers.words import of_series, to_series

__all__ = ["only", "without"]


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
