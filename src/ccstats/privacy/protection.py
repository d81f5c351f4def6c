"""Which rows of a table of counts must be blanked so that no small one can be computed from those left: arrays in, a mask out."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["protect"]

#: A movement below this is none. [cases]
_MOVED = 1e-7


def protect(
    counts: npt.NDArray[np.float64],
    parts: Any,
    cell_counts: npt.NDArray[np.float64],
    *,
    small: npt.NDArray[np.bool_],
    at_least: int,
    zeros: bool = False,
) -> npt.NDArray[np.bool_]:
    """The rows to blank.

    Parameters
    ----------
    counts : array
        Count of every row that is printed, cells and sums. [cases]
    parts : sparse array
        Rows by cells: 1 where the row stands for the cell.
    cell_counts : array
        Count of every cell, printed or not. [cases]
    small : array of bool
        The rows that nobody may compute.
    at_least : int
        What is left to read must allow each of them this many cases. [cases]
    zeros : bool
        Whether it is unknown that a cell of 0 cases is empty.

    Returns
    -------
    array of bool
        The small rows, and those that have to be blanked for their sake.

    Examples
    --------
    >>> from scipy import sparse
    >>> parts = sparse.csr_array(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]))
    >>> counts = np.array([40.0, 3, 25, 68])
    >>> protect(counts, parts, counts[:3], small=counts < 5, at_least=5).tolist()
    [False, True, True, False]
    """
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    blank = small.copy()
    safe = ~small | (np.diff(parts.indptr) == 0)  # a sum of nothing gives nobody away
    if safe.all():
        return blank
    # Cells that no printed sum ties together, over any number of others, do not give each other away: one row of each such group of
    # rows is protected at a time, all groups at once. The smallest need the most room, and what gives it often serves the others.
    _, label = connected_components(sparse.block_array([[None, parts], [parts.T, None]]), directed=False)
    of_row, of_cell = label[: len(counts)], label[len(counts) :]
    order = np.lexsort((np.arange(len(counts)), counts))
    free = (cell_counts > 0) | zeros
    while not safe.all():
        first = order[~safe[order]]
        groups, at = np.unique(of_row[first], return_index=True)
        rows, cells = np.flatnonzero(np.isin(of_row, groups)), np.flatnonzero(np.isin(of_cell, groups) & free)
        raised = np.searchsorted(rows, first[at])
        moved = _raised(counts[rows], parts[rows][:, cells].tocsr(), cell_counts[cells], raised, at_least, blank[rows])
        blank[rows] |= np.abs(moved) > _MOVED
        safe[rows] |= counts[rows] + moved >= at_least - _MOVED
    return blank


def _raised(
    counts: npt.NDArray[np.float64],
    parts: Any,
    cell_counts: npt.NDArray[np.float64],
    raised: npt.NDArray[np.intp],
    at_least: int,
    blank: npt.NDArray[np.bool_],
) -> npt.NDArray[np.float64]:
    """How every row moves when some are raised to ``at_least``, as cheaply as can be.

    A row that moves must be blanked, which costs its count, and nothing if it is blank already.
    """
    from scipy import sparse
    from scipy.optimize import linprog

    rows, cells = parts.shape
    # Unknowns: each cell up, each cell down, and how far each row moves either way.
    upper = np.concatenate([np.full(cells, np.inf), cell_counts, np.full(rows, np.inf)])
    both, eye = sparse.hstack([parts, -parts]).tocsr(), sparse.eye_array(rows)
    # Of equal ways the one that moves least.
    cost = np.concatenate([np.full(2 * cells, 1e-6), np.where(blank, 0.0, counts + 1.0)])
    found = linprog(
        cost,
        A_ub=sparse.vstack([sparse.hstack([both, -eye]), sparse.hstack([-both, -eye])]).tocsr(),
        b_ub=np.zeros(2 * rows),
        A_eq=sparse.hstack([both[raised], sparse.csr_array((len(raised), rows))]).tocsr(),
        b_eq=at_least - counts[raised],
        bounds=np.column_stack([np.zeros(len(upper)), upper]),
        method="highs-ds",
    )
    if found.x is None:  # pragma: no cover - raising the cells of a row alone is always a way
        raise AssertionError(found.message)
    moved: npt.NDArray[np.float64] = both @ found.x[: 2 * cells]
    return moved
