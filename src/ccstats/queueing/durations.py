"""How long did it take, where some are not finished? Means and quantiles of durations of many groups at once, arrays only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ccstats.errors import OptionError
from ccstats.queueing.survival import kaplan_meier

__all__ = ["summarise_durations"]

Floats = NDArray[np.float64]


def summarise_durations(
    duration_s: ArrayLike,
    ended: ArrayLike,
    group: ArrayLike,
    *,
    groups: int,
    shares: Sequence[float] = (0.5, 0.95),
    confidence: float = 0.95,
) -> dict[str, Floats]:
    r"""Mean and quantiles of durations per group; those that have not ended count as lasting at least so long.

    Parameters
    ----------
    duration_s : array of float
        Durations; missing ones are left out. [s]
    ended : array of bool
        Whether each has ended; the others are cut off by the end of the data.
    group : array of int
        The group of each, from 0.
    groups : int
        How many groups there are.
    shares : sequence of float
        Which quantiles. [0-1]
    confidence : float
        Confidence of all limits. [0-1]

    Returns
    -------
    dict of str to numpy.ndarray
        ``mean`` of those that have ended, ``mean_low``, ``mean_high``; for each share ``p50`` and the like with ``_low`` and ``_high``: the
        time by which that share has ended. Missing where nothing ended, where the curve does not come down to the share, and limits where
        they cannot be told (of a mean from fewer than two). [s]

    Raises
    ------
    OptionError
        If a duration is negative or infinite, or a share or ``confidence`` is none.

    Notes
    -----
    Quantiles are Kaplan and Meier's (`kaplan_meier`), with limits of Brookmeyer and Crowley: with nothing cut off the quantile is the
    smallest duration that at least this share does not exceed. The mean is over what has ended, as the trade reports it, and is too low
    while the slow ones are open; its limits are Student's, :math:`\bar x \pm t_{n-1}\, s / \sqrt n`, not below 0.

    Examples
    --------
    Three complaints, the third still open after 90 s:

    >>> found = summarise_durations([10.0, 30.0, 90.0], [True, True, False], [0, 0, 0], groups=1, shares=[0.5])
    >>> found["mean"].tolist(), found["p50"].tolist()
    ([20.0], [30.0])
    """
    if not all(0 < share < 1 for share in shares):
        raise OptionError(f"shares={list(shares)}: expected shares between 0 and 1, such as 0.5 for the median")
    seconds, over, code = np.asarray(duration_s, dtype="float64"), np.asarray(ended, dtype=bool), np.asarray(group, dtype="int64")
    known = ~np.isnan(seconds)
    order = np.argsort(code[known], kind="stable")
    seconds, over, code = (each[known][order] for each in (seconds, over, code))
    edges = np.searchsorted(code, np.arange(groups + 1))
    found = np.full((groups, len(shares), 3), np.nan)
    for at, (first, last) in enumerate(zip(edges[:-1], edges[1:], strict=True)):
        if first < last and shares:
            curve = kaplan_meier(seconds[first:last], over[first:last], confidence=confidence)
            found[at] = [curve.quantile(share) for share in shares]
    n = np.bincount(code[over], minlength=groups).astype("float64")
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(code[over], weights=seconds[over], minlength=groups) / n
        spread = np.bincount(code[over], weights=(seconds[over] - mean[code[over]]) ** 2, minlength=groups)
        width = special.stdtrit(np.maximum(n - 1, 1), 0.5 + confidence / 2) * np.sqrt(spread / (n - 1) / n)
    width = np.where(n > 1, width, np.nan)
    out = {"mean": mean, "mean_low": np.maximum(mean - width, 0.0), "mean_high": mean + width}
    for at, share in enumerate(shares):
        for number, end in enumerate(("", "_low", "_high")):
            out[f"p{100 * share:g}{end}"] = found[:, at, number]
    return out
