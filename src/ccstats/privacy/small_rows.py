"""Rows that rest on few cases, blanked each for itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ccstats.errors import ColumnError
from ccstats.schema import as_frame

__all__ = ["suppress_small"]


def suppress_small(table: Any, *, count: str, at_least: int, keep: Sequence[str] = ()) -> pd.DataFrame:
    """Blank the figures of rows that rest on few cases; the rows stay, so that nothing seems to be lost.

    Only for a table of which no sums are shown anywhere: what is blanked here can be had from a total by subtraction. `suppress_cells`
    blanks as many more rows as that takes.

    Parameters
    ----------
    table : pandas.DataFrame or Arrow table
        Any table of ours, such as one row an agent.
    count : str
        The column that says how many cases a row rests on.
    at_least : int
        Rows below this many are blanked. [cases]
    keep : sequence of str
        Columns to leave alone; text and categories (names) are always left alone.

    Returns
    -------
    pandas.DataFrame
        A copy with numbers missing where suppressed, and a column ``suppressed``.

    Raises
    ------
    ColumnError
        If ``count`` is no column of the table.

    See Also
    --------
    suppress_cells

    Examples
    --------
    >>> agents = pd.DataFrame({"agent": ["Ada", "Bo"], "answered": [40, 2], "aht_s": [180.0, 95.0]})
    >>> suppress_small(agents, count="answered", at_least=5)["aht_s"].isna().tolist()
    [False, True]
    """
    frame: pd.DataFrame = as_frame(table)
    if count not in frame:
        raise ColumnError(f"count={count!r} is no column of the table; it has: {', '.join(map(str, frame.columns))}")
    small = (frame[count].fillna(0) < at_least).to_numpy(dtype=bool)
    out = frame.copy()
    for name in frame.columns:
        if name in keep or not pd.api.types.is_numeric_dtype(frame[name].dtype):
            continue
        whole = pd.api.types.is_integer_dtype(frame[name].dtype)
        out[name] = out[name].astype("Int64" if whole else "float64").mask(small)
    out["suppressed"] = small
    return out
