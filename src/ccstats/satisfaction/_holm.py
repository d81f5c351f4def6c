"""What a p value is worth where there are several: Holm's adjustment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["holm"]

Floats = NDArray[np.float64]


def holm(p_values: Any) -> Floats:
    """P values adjusted for their number (Holm 1979, Scandinavian Journal of Statistics 6); missing ones stay missing and do not count.

    statsmodels has it too, and collects all garbage of the process at every call.

    Examples
    --------
    >>> holm([0.01, float("nan"), 0.04]).tolist()
    [0.02, nan, 0.04]
    """
    p = np.asarray(p_values, dtype="float64")
    out = np.full(len(p), np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    out[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1.0)
    return out
