"""The rows of a large table a piece at a time: what is made of a piece fits into memory that is used again for the next."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pandas as pd
import pyarrow as pa

from ccstats.readers.accounting import Account
from ccstats.readers.tabular import Grid

__all__ = ["in_pieces"]

#: New memory costs more than work on it: pieces are small for that, and large beside what one costs besides. [rows]
_ROWS, _LEAST = 200_000, 50_000


def in_pieces(grid: Grid, account: Account, made: Callable[[Grid, Account], pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """What a function makes of a table whose rows it reads one by one, a piece at a time, on as many cores as PyArrow may use.

    Parameters
    ----------
    grid : Grid
        The table.
    account : Account
        Where its lines are booked, in the same order as if the table were one piece.
    made : callable
        Takes a piece and the account to book it in; the frames come in the order of the rows.

    Examples
    --------
    >>> from ccstats.readers.contract import Options
    >>> import numpy as np
    >>> grid = Grid("a.csv", ["Queue"], {"Queue": pd.Series(["support"])}, np.array([2]), np.array([1]))
    >>> [len(frame) for frame in in_pieces(grid, Account(Options()), lambda piece, booked: pd.DataFrame(piece.columns))]
    [1]
    """
    many, cores = len(grid.line), pa.cpu_count()
    count = max(-(-many // _ROWS), min(cores, many // _LEAST))
    if count <= 1:
        yield made(grid, account)
        return
    cuts = [many * at // count for at in range(count + 1)]
    pieces = [grid.part(first, end) for first, end in pairwise(cuts)]
    accounts = [account.of_piece() for _ in pieces]
    # Before Python 3.14 filters are those of the process: what pandas sets aside in one thread must not stay when another is done.
    with warnings.catch_warnings(), ThreadPoolExecutor(min(cores, count)) as pool:
        yield from pool.map(made, pieces, accounts)
    account.take_up(accounts)
