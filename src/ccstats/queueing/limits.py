"""Many-server limits: what large centres tend to when staffed at the load plus β times its root. For guesses and plots, not for targets."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.optimize import elementwise

from ccstats.errors import OptionError
from ccstats.queueing.measures import checked

__all__ = ["garnett", "garnett_beta", "halfin_whitt", "halfin_whitt_beta", "square_root_staffing"]

Floats = NDArray[np.float64]


def halfin_whitt(beta: ArrayLike) -> Floats:
    """Probability of waiting in a large centre of patient callers (Erlang C).

    Parameters
    ----------
    beta : array of float
        Agents beyond the load, in roots of the load: ``(n - a) / √a``.

    Returns
    -------
    numpy.ndarray
        1 where ``beta`` is 0 or less: the queue grows without end.

    Raises
    ------
    OptionError
        If a value is missing.

    Notes
    -----
    ``1 / (1 + β Φ(β) / φ(β))``.

    References
    ----------
    S. Halfin, W. Whitt (1981), "Heavy-traffic limits for queues with many exponential servers", Operations Research 29, theorem 1.

    Examples
    --------
    >>> halfin_whitt([0.5, 1.0, 0.0]).round(4).tolist()
    [0.5045, 0.2234, 1.0]
    """
    # φ(β) / Φ(β) is the hazard of -β: no quotient of two vanishing numbers.
    surplus = np.maximum(_numbers(beta, "beta"), 0.0)
    with np.errstate(divide="ignore"):  # a hazard below the smallest float: nobody waits
        return np.asarray(1.0 / (1.0 + surplus / _hazard(-surplus)))


def garnett(beta: ArrayLike, ratio: ArrayLike) -> Floats:
    """Probability of waiting in a large centre of impatient callers (Erlang A).

    Parameters
    ----------
    beta : array of float
        Agents beyond the load, in roots of the load; may be negative.
    ratio : array of float
        Mean patience / mean handle time; ``inf`` is `halfin_whitt`.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    OptionError
        If a value is missing, or a ratio not positive.

    Notes
    -----
    With h the hazard of the normal law and r the ratio: ``1 / (1 + h(β √r) / (√r h(-β)))``.

    References
    ----------
    O. Garnett, A. Mandelbaum, M. Reiman (2002), "Designing a call center with impatient customers", M&SOM 4, theorem 4.

    Examples
    --------
    Callers as patient as calls are long, staffed exactly at the load: half of them wait.

    >>> garnett(0.0, 1.0).tolist(), garnett([-1.0, 2.0], 4.0).round(4).tolist()
    (0.5, [0.9822, 0.0255])
    """
    surplus, root = _numbers(beta, "beta"), np.sqrt(checked(ratio, "ratio", positive=True, infinite=True))
    with np.errstate(divide="ignore"):
        patient = np.isinf(root)
        limited = np.where(patient, 1.0, root)
        wait = 1.0 / (1.0 + _hazard(surplus * limited) / (limited * _hazard(-surplus)))
    return np.asarray(np.where(patient, halfin_whitt(surplus), wait)[()])


def halfin_whitt_beta(wait_probability: ArrayLike) -> Floats:
    """The surplus β at which this share waits, for patient callers.

    Parameters
    ----------
    wait_probability : array of float
        Share that waits, above 0; 1 gives 0.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    OptionError
        If a share is not above 0 and at most 1.

    Examples
    --------
    >>> round(float(halfin_whitt_beta(0.5)), 4)
    0.5061
    """
    return garnett_beta(wait_probability, np.inf)


def garnett_beta(wait_probability: ArrayLike, ratio: ArrayLike) -> Floats:
    """The surplus β at which this share waits, for impatient callers.

    Parameters
    ----------
    wait_probability : array of float
        Share that waits, from 1e-300 to 1.
    ratio : array of float
        Mean patience / mean handle time.

    Returns
    -------
    numpy.ndarray
        Minus infinity for a share of 1; 0 if the ratio is infinite too.

    Raises
    ------
    OptionError
        If a share is not within its limits, or a ratio not positive.

    Examples
    --------
    >>> round(float(garnett_beta(0.2, 2.0)), 4)
    0.9284
    """
    share, patience = np.broadcast_arrays(
        checked(wait_probability, "wait_probability", positive=True), checked(ratio, "ratio", positive=True, infinite=True)
    )
    if (share > 1).any() or (share < 1e-300).any():
        raise OptionError("wait_probability= must be a share from 1e-300 to 1")
    # In logarithms, so that small shares are found as well; between bounds wide enough for every share but 1.
    low = np.where(np.isinf(patience), 0.0, -40.0 * (1.0 + 1.0 / np.sqrt(patience)))
    found = elementwise.find_root(
        lambda beta, asked, r: np.log(garnett(beta, r)) - np.log(asked), (low, np.full(low.shape, 37.4)), args=(share, patience)
    )
    return np.asarray(np.where(share == 1, np.where(np.isinf(patience), 0.0, -np.inf), found.x)[()])


def square_root_staffing(load: ArrayLike, beta: ArrayLike) -> Floats:
    """Agents by the square-root rule: a first guess for any target, and the shape of economies of scale.

    Parameters
    ----------
    load : array of float
        Offered load. [Erlangs]
    beta : array of float
        Agents beyond the load, in roots of the load.

    Returns
    -------
    numpy.ndarray
        Agents, not rounded, at least 0. [agents]

    Raises
    ------
    OptionError
        If a load is negative, or a value missing.

    Notes
    -----
    ``a + β √a``.

    Examples
    --------
    A hundred times the load needs ten times the surplus:

    >>> square_root_staffing([1.0, 100.0], 0.5).tolist()
    [1.5, 105.0]
    """
    a = checked(load, "load")
    return np.asarray(np.maximum(a + _numbers(beta, "beta") * np.sqrt(a), 0.0))


def _hazard(x: Floats) -> Floats:
    """φ(x) / (1 - Φ(x)), for any x."""
    return np.asarray(np.sqrt(2.0 / np.pi) / special.erfcx(x / np.sqrt(2.0)))


def _numbers(values: ArrayLike, name: str) -> Floats:
    out = np.asarray(values, dtype="float64")
    if not np.isfinite(out).all():
        raise OptionError(f"{name}= must be finite numbers")
    return out
