"""The classical correction for who answered: cells of like contacts, each weighted by how many there are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["poststratify"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: A cell stands for its contacts if at least this many of them answered.
_ENOUGH = 5
_PARTS = 4


def poststratify(
    facts: pd.DataFrame, variables: list[str], answered: NDArray[np.bool_], unit: Floats, codes: Ints
) -> tuple[Floats, Floats]:
    """Mean per group with each cell weighted by its contacts, and its variance; cells with few answers lean on coarser ones.

    Parameters
    ----------
    facts : pandas.DataFrame
        One row a contact.
    variables : list of str
        What the cells are made of, the last the first to be left out where answers are few; numbers and hours in quarters.
    answered : array of bool
        Who answered.
    unit : array of float
        The answers, 0-1.
    codes : array of int
        The group of each contact, numbered within a longer table.

    Returns
    -------
    tuple of numpy.ndarray
        By group number: mean and variance; NaN where the number does not occur.

    Examples
    --------
    Half of the contacts waited; all of them answered, of the others a tenth:

    >>> import numpy as np, pandas as pd
    >>> calls = pd.DataFrame({"queue": ["slow"] * 100 + ["fast"] * 100})
    >>> answered = np.arange(200) < 110
    >>> unit = np.where(answered, (np.arange(200) >= 100) * 1.0, np.nan)
    >>> round(float(poststratify(calls, ["queue"], answered, unit, np.zeros(200, dtype=int))[0][0]), 6)
    0.5
    """
    size = int(codes.max(initial=0)) + 1
    levels = [_coarse(facts[name]) for name in variables]
    depth_of = np.full(len(facts), -1, dtype="int64")
    cells: list[tuple[Any, Any]] = []
    for depth in range(len(levels), -1, -1):
        keys = pd.DataFrame({str(number): level for number, level in enumerate(levels[:depth])}, index=facts.index)
        cell = keys.groupby(list(keys.columns)).ngroup().to_numpy() if depth else np.zeros(len(facts), dtype="int64")
        answers = np.bincount(cell[answered], minlength=int(cell.max(initial=0)) + 1)
        depth_of[(depth_of < 0) & ((answers[cell] >= _ENOUGH) | (depth == 0))] = len(cells)
        cells.append((cell, answers))
    finest = np.unique(cells[0][0][answered], return_inverse=True)[1]
    inside_mean = np.bincount(finest, weights=unit[answered]) / np.bincount(finest)
    alike = np.bincount(finest)[finest]
    spread = np.where(alike > 1, (unit[answered] - inside_mean[finest]) ** 2 * alike / np.maximum(alike - 1, 1), unit[answered].var())
    value, variance = np.full(size, np.nan), np.full(size, np.nan)
    for group in np.unique(codes):
        weight = np.zeros(int(answered.sum()))
        for number, (cell, answers) in enumerate(cells):
            load = np.bincount(cell[(codes == group) & (depth_of == number)], minlength=len(answers))
            weight += (load / np.maximum(answers, 1))[cell[answered]]
        weight /= (codes == group).sum()
        value[group], variance[group] = weight @ unit[answered], weight**2 @ spread
    return value, variance


def _coarse(values: pd.Series[Any]) -> Any:
    """Words as they are; numbers in quarters."""
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        numbers = values.to_numpy(dtype="float64", na_value=np.nan)
        known = numbers[~np.isnan(numbers)]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, _PARTS + 1)[1:-1])) if len(known) else np.zeros(0)
        return np.where(np.isnan(numbers), -1, np.searchsorted(edges, numbers, side="left"))
    return pd.factorize(values, sort=True, use_na_sentinel=False)[0]
