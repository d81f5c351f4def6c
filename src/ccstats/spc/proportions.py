"""How sure a share is: Wilson's interval."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from ccstats.errors import OptionError

__all__ = ["check_confidence", "wilson_interval"]


def check_confidence(confidence: Any) -> float:
    """The confidence as a number between 0 and 1.

    Parameters
    ----------
    confidence : float
        What a caller asked for.

    Returns
    -------
    float

    Raises
    ------
    OptionError
        If it is none.

    Examples
    --------
    >>> check_confidence(0.95)
    0.95
    """
    if isinstance(confidence, bool) or not isinstance(confidence, int | float | np.number) or not 0 < confidence < 1:
        raise OptionError(f"confidence={confidence!r} is out of range; give a share between 0 and 1, such as 0.95")
    return float(confidence)


def wilson_interval(met: ArrayLike, counted: ArrayLike, *, confidence: float = 0.95) -> tuple[Any, Any]:
    """The interval of true shares that fit what was counted.

    Parameters
    ----------
    met : float or array of float
        How many met the condition, such as answered in time. [contacts]
    counted : float or array of float
        Of how many. [contacts]
    confidence : float
        Share of intervals that hold the truth, between 0 and 1.

    Returns
    -------
    tuple of float or of numpy.ndarray
        Lower and upper end, between 0 and 1. Where nothing was counted, or either is missing, NaN.

    Raises
    ------
    OptionError
        If a number is negative or infinite, more met than were counted, shapes do not fit, or the confidence is out of range.

    Notes
    -----
    Unlike share ± 1.96 standard errors it is not empty at 0 or 1. It takes contacts as independent, which those of one queue are not: of
    a service level it is the least width, see `ccstats.judge_service_level`.

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22; Newcombe (1998), Statistics in Medicine 17, method 3.

    Examples
    --------
    81 of 263 contacts were transferred:

    >>> low, high = wilson_interval(81, 263)
    >>> round(low, 4), round(high, 4)
    (0.2553, 0.3662)
    """
    confidence = check_confidence(confidence)
    try:
        k, n = np.broadcast_arrays(np.asarray(met, dtype=np.float64), np.asarray(counted, dtype=np.float64))
    except (TypeError, ValueError):
        raise OptionError("met and counted must be numbers, one each or arrays of fitting shapes") from None
    bad = (k < 0) | (n < 0) | (k > n) | np.isinf(k) | np.isinf(n)
    if bad.any():
        at = tuple(int(each[0]) for each in np.nonzero(np.atleast_1d(bad)))
        raise OptionError(f"met={np.atleast_1d(k)[at]:g} of counted={np.atleast_1d(n)[at]:g} is not possible; give 0 <= met <= counted")
    z = float(special.ndtri(0.5 + confidence / 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (k + z**2 / 2) / (n + z**2)
        half = z * np.sqrt(k * (n - k) / n + z**2 / 4) / (n + z**2)
    low, high = np.where(k == 0, 0.0, middle - half), np.where(k == n, 1.0, middle + half)
    empty = (n == 0) | np.isnan(half)
    low, high = (np.where(empty, np.nan, np.clip(each, 0.0, 1.0)) for each in (low, high))
    return (low[()], high[()]) if low.ndim else (float(low), float(high))
