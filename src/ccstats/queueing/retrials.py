"""Who gives up calls again: how much load the repeated calls add."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import elementwise

from ccstats.errors import OptionError
from ccstats.queueing.kernels import shares
from ccstats.queueing.measures import SUMS, checked
from ccstats.queueing.offered_wait import row_arguments, row_sums
from ccstats.queueing.patience_laws import PatienceLaw

__all__ = ["all_attempts", "retrial_load"]

Floats = NDArray[np.float64]

_ABANDONED = SUMS.index("abandoned")
_EXACTLY = {"xatol": 0.0, "xrtol": 4e-16, "fatol": 0.0, "frtol": 0.0}


def retrial_load(
    agents: ArrayLike,
    load: ArrayLike,
    *,
    aht_s: ArrayLike,
    patience: PatienceLaw | ArrayLike = np.inf,
    retry_share: ArrayLike,
    lines: ArrayLike = np.inf,
    blocked_retry_share: ArrayLike = 0.0,
) -> Floats:
    """The load of all attempts, when a share of those who abandon or are turned away calls again.

    Parameters
    ----------
    agents : array of float
        Agents. [agents]
    load : array of float
        Offered load of first calls. [Erlangs]
    aht_s : array of float
        Mean handle time. [s]
    patience : PatienceLaw or array of float
        The law of patience; a number is the mean of an exponential one, ``inf`` never leaves. [s]
    retry_share : array of float
        Share of those who abandon that call again, each time anew; below 1.
    lines : array of float
        Contacts in hand and waiting at most; finite lines need exponential patience. [contacts]
    blocked_retry_share : array of float
        Share of those turned away that call again, each time anew; below 1.

    Returns
    -------
    numpy.ndarray
        Load to put into any model in place of ``load``, whose measures are then per attempt; at most ``load / (1 - share)``. [Erlangs]

    Raises
    ------
    OptionError
        If a share is not within 0 to 1, 1 excluded (for then nobody ever gives up and an overload grows without end), lines are fewer than
        agents, or an argument is negative or missing.

    Notes
    -----
    The root of ``x = load + x (retry_share P(abandon | x) + blocked_retry_share P(blocked | x))``. What is served rises with the load
    offered, so the right side rises more slowly than the left and the root is bracketed, in overload as well. Iterating on whole agents
    instead can flip between two answers for ever. Repeated calls are taken to arrive as if independent of the queue they left: good when
    callers let some minutes pass.

    References
    ----------
    M. S. Aguir, F. Karaesmen, Z. Akşin, F. Chauvet (2004), "The impact of retrials on call center performance", OR Spectrum 26.

    Examples
    --------
    Ten agents, ten Erlangs of first calls; one in five who hang up dials again:

    >>> round(float(retrial_load(10, 10.0, aht_s=180.0, patience=60.0, retry_share=0.2)), 6)
    10.358524
    """
    own, shape = row_arguments(agents, load, aht_s, patience, 0.0, None, retry_share)
    own["lines"] = _extra(checked(lines, "lines", infinite=True), "lines", shape)
    own["blocked_retry_share"] = _extra(checked(blocked_retry_share, "blocked_retry_share"), "blocked_retry_share", shape)
    if (own["blocked_retry_share"] >= 1).any():
        raise OptionError("blocked_retry_share= must be below 1: when everybody turned away calls again, an overload grows without end")
    if (own["lines"] < own["agents"]).any():
        raise OptionError("lines= must not be fewer than agents=: a contact in hand takes a line")
    if isinstance(patience, PatienceLaw) and np.isfinite(own["lines"]).any():
        raise OptionError("lines= are finite but patience= is a law: finite lines need exponential patience, give its mean in seconds")
    return np.asarray(all_attempts(own, patience).reshape(shape)[()])


def all_attempts(own: dict[str, Floats], patience: PatienceLaw | ArrayLike) -> Floats:
    """The load including those who call again, in rows.

    Parameters
    ----------
    own : dict
        As from `row_arguments`; with ``lines`` and ``blocked_retry_share`` where these matter.
    patience : PatienceLaw or array of float
        As for `retrial_load`.

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> own, _ = row_arguments(10, 10.0, 180.0, 60.0, 0.0, None, 0.2)
    >>> all_attempts(own, 60.0).round(6).tolist()
    [10.358524]
    """
    first, again = own["load"], own["retry_share"]
    most = np.maximum(again, own.get("blocked_retry_share", 0.0))
    out = first.copy()
    rows = np.flatnonzero((most > 0) & (first > 0))
    if rows.size:
        part = {name: value[rows] for name, value in own.items()}

        def excess(load: Floats, row: NDArray[np.int64]) -> Floats:
            return np.asarray(
                load * (1.0 - _returning({name: value[row] for name, value in part.items()} | {"load": load}, patience)) - first[rows][row]
            )

        top = first[rows] / (1.0 - most[rows]) * (1 + 1e-12)
        out[rows] = elementwise.find_root(excess, (first[rows], top), args=(np.arange(rows.size),), tolerances=_EXACTLY).x
    return out


def _returning(own: dict[str, Floats], patience: PatienceLaw | ArrayLike) -> Floats:
    """Share of all attempts that is followed by another."""
    if "lines" in own and np.isfinite(own["lines"]).any():
        lost = _lost(own["agents"], own["load"], own["aht_s"] / own["patience_s"], own["lines"])
        return np.asarray(own["retry_share"] * lost[:, 0] + own["blocked_retry_share"] * lost[:, 1])
    return np.asarray(own["retry_share"] * row_sums(own, patience)[:, _ABANDONED])


def _extra(values: Floats, name: str, shape: tuple[int, ...]) -> Floats:
    try:
        return np.broadcast_to(values, shape).ravel()
    except ValueError as error:
        raise OptionError(f"{name}= has shape {values.shape}, which does not fit the {shape} of the other arguments") from error


@njit(cache=True, nogil=True, error_model="numpy")
def _lost(agents: Floats, load: Floats, impatience: Floats, lines: Floats) -> Floats:  # pragma: no cover - compiled
    """Abandoned and turned away of all offered, for each row."""
    out = np.empty((load.size, 2))
    for row in range(load.size):
        turned_away, _, abandoned, _, _, _, _, _ = shares(agents[row], load[row], impatience[row], lines[row] - agents[row], 0.0)
        out[row] = abandoned, turned_away
    return out
