"""Work on columns that is the same for each, on as many cores as PyArrow may use."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pyarrow as pa

__all__ = ["for_each"]

#: Rows from which on it is worth it, as a piece of a table has fewer and a thread of its own; and from which on two columns at once take
#: too much memory. [rows]
_WORTH, _MOST = 200_001, 750_000
_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def for_each(made: Callable[[_Item], _Made], items: Iterable[_Item], *, rows: int) -> list[_Made]:
    """What a function makes of each column, in their order; of few rows or very many, one after the other.

    Examples
    --------
    >>> for_each(len, ["ab", "c"], rows=2)
    [2, 1]
    """
    if not _WORTH <= rows < _MOST or pa.cpu_count() == 1:
        return [made(item) for item in items]
    with warnings.catch_warnings(), ThreadPoolExecutor(pa.cpu_count()) as pool:
        return list(pool.map(made, items))
