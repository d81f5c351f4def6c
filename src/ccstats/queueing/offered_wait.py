"""The integrals behind every queue whose callers have a limited patience: compiled, scaled, for any law.

While all servers are busy and work ends at a total rate r, the offered wait V (of a caller who would wait for ever) has the density
``v(x) = λ p exp(λ H(x) - r x)``, where H is the integral of the survival of patience and p the probability that one server is about to be
idle. The exponent is concave, so there is one peak; everything is scaled by it, and pieces that add less than e⁻⁸⁰ of it are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError
from ccstats.queueing.kernels import below
from ccstats.queueing.measures import SUMS, checked
from ccstats.queueing.patience_laws import Panels, PatienceLaw

__all__ = ["offered_wait", "row_arguments", "row_sums"]

Floats = NDArray[np.float64]

_UNIT = PatienceLaw.exponential(1.0)
_NEVER = PatienceLaw.exponential(np.inf)
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(20)
_FEW_NODES, _FEW_WEIGHTS = np.polynomial.legendre.leggauss(5)
_CUT = 80.0  # e**-80 of the peak is nothing
_STEP = 10.0  # largest change of the exponent that 20 nodes integrate to rounding
_FEW_STEP = 0.5  # and that 5 nodes do, where nobody leaves
_STACK = 256


@njit(cache=True, nogil=True, error_model="numpy")
def _series(coefficients: Floats, u: float) -> Any:  # pragma: no cover - compiled
    """A Chebyshev series at u in -1 to 1 (Clenshaw)."""
    first, second = 0.0, 0.0
    for k in range(coefficients.size - 1, 0, -1):
        first, second = coefficients[k] + 2.0 * u * first - second, first
    return coefficients[0] + u * first - second


@njit(cache=True, nogil=True, error_model="numpy")
def _exponent(  # pragma: no cover - compiled
    x: float, i: int, surplus: float, arrivals: float, edges: Floats, lost: Floats, lost_at: Floats
) -> Any:
    """λ H(x) - r x for x in panel i, as (λ - r) x - λ (area lost): no digits go where patience is long."""
    u = (2.0 * x - edges[i] - edges[i + 1]) / (edges[i + 1] - edges[i])
    return surplus * x - arrivals * (lost_at[i] + _series(lost[i], u))


@njit(cache=True, nogil=True, error_model="numpy")
def _panel_of(x: float, edges: Floats) -> int:  # pragma: no cover - compiled
    """The panel that x lies in, its left edge included."""
    low, high = 0, edges.size - 1
    while high - low > 1:
        middle = (low + high) // 2
        if edges[middle] <= x:
            low = middle
        else:
            high = middle
    return low


@njit(cache=True, nogil=True, error_model="numpy")
def _gone_by(x: float, edges: Floats, cdf: Floats, cdf_at: Floats, end: float) -> Any:  # pragma: no cover - compiled
    """Share of callers whose patience has ended by x."""
    if x < 0.0:
        return 0.0
    if x >= edges[-1]:
        return end
    i = _panel_of(x, edges)
    if x == edges[i]:  # exact also at 0, where a law that begins like a root is no polynomial
        return cdf_at[i]
    return _series(cdf[i], (2.0 * x - edges[i] - edges[i + 1]) / (edges[i + 1] - edges[i]))


@njit(cache=True, nogil=True, error_model="numpy")
def _peak(surplus: float, arrivals: float, edges: Floats, cdf: Floats, cdf_at: Floats, end: float) -> Any:  # pragma: no cover - compiled
    """Where the exponent is largest: where as many lose patience as come too many."""
    limit = surplus / arrivals
    if limit <= 0.0 or _gone_by(0.0, edges, cdf, cdf_at, end) >= limit:
        return 0.0
    low, high = 0.0, edges[-1]
    for _ in range(200):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        if _gone_by(middle, edges, cdf, cdf_at, end) < limit:
            low = middle
        else:
            high = middle
    return high


@njit(cache=True, nogil=True, error_model="numpy")
def offered_wait(  # pragma: no cover - compiled; checked against Erlang A, chains, quadrature and simulation in the tests
    arrivals: float,
    rate: float,
    idle: float,
    threshold: float,
    short: float,
    law: Panels,
) -> Floats:
    """What callers meet, as in `SUMS`.

    Parameters
    ----------
    arrivals : float
        Contacts per second, positive.
    rate : float
        Contacts that end per second while all servers are busy.
    idle : float
        Probability that a caller meets exactly one server idle, given that one is: 1 / E in the notation of Zeltyn & Mandelbaum.
        0 where nobody ever waits; infinite where all servers are always busy.
    threshold, short : float
        Within these waits; a negative one counts nobody. [s]
    law : Panels
        The law of patience, in pieces.

    Returns
    -------
    numpy.ndarray
        Nine numbers. Where more come than can ever be served or leave, the limit: nobody is answered in time, waits are infinite.

    Notes
    -----
    Zeltyn & Mandelbaum (2005), section 4: J, J1 and J_H are integrals of the same density; here they are cut at the two thresholds and all
    terms are positive, so that a small share keeps its digits.
    """
    edges, cdf, cdf_at, lost, lost_at, flat, end = law.edges, law.cdf, law.cdf_at, law.lost, law.lost_at, law.flat, law.end
    out = np.zeros(9)
    surplus = arrivals - rate
    count = edges.size - 1
    last = edges[count]
    slope = surplus - arrivals * end  # of the exponent after the last edge
    if slope >= 0.0:
        out[0] = 1.0
        out[2] = _gone_by(threshold, edges, cdf, cdf_at, end)
        out[3] = _gone_by(short, edges, cdf, cdf_at, end)
        out[5] = rate / arrivals
        out[6] = end
        out[7] = np.inf if end < 1.0 else 0.0
        out[8] = end * last - lost_at[count]
        return out
    if idle == 0.0:
        out[1] = out[4] = 1.0 if threshold >= 0.0 else 0.0
        out[5] = 1.0
        return out

    peak = _peak(surplus, arrivals, edges, cdf, cdf_at, end)
    top = 0.0
    if peak > 0.0:
        at = _panel_of(peak, edges)
        top = max(top, _exponent(min(peak, last), at, surplus, arrivals, edges, lost, lost_at))
    cuts = np.array([0.0, max(min(threshold, short), 0.0), max(threshold, short, 0.0), np.inf])
    time, stay, leave = np.zeros(3), np.zeros(3), np.zeros(3)  # integrals of the density, of those who stay and leave, between the cuts
    wait_answered, wait_abandoned = 0.0, 0.0
    stack = np.empty((_STACK, 4))
    for zone in range(3):
        for i in range(_panel_of(cuts[zone], edges) if cuts[zone] < last else count, count):
            if edges[i] >= cuts[zone + 1]:
                break
            # Both sides of the peak apart: on each the exponent only rises or only falls.
            depth = 0
            low, high = max(edges[i], cuts[zone]), min(edges[i + 1], cuts[zone + 1])
            if low >= high:
                continue
            at_low = _exponent(low, i, surplus, arrivals, edges, lost, lost_at)
            if low >= peak and at_low < top - _CUT:
                break
            at_high = _exponent(high, i, surplus, arrivals, edges, lost, lost_at)
            if low < peak < high:
                at_peak = _exponent(peak, i, surplus, arrivals, edges, lost, lost_at)
                stack[0], stack[1] = (low, peak, at_low, at_peak), (peak, high, at_peak, at_high)
                depth = 2
            else:
                stack[0] = (low, high, at_low, at_high)
                depth = 1
            while depth > 0:
                depth -= 1
                low, high, at_low, at_high = stack[depth]
                if max(at_low, at_high) < top - _CUT:
                    continue
                if abs(at_high - at_low) > _STEP and depth < _STACK - 2:
                    middle = (low + high) / 2
                    at_middle = _exponent(middle, i, surplus, arrivals, edges, lost, lost_at)
                    stack[depth] = (low, middle, at_low, at_middle)
                    stack[depth + 1] = (middle, high, at_middle, at_high)
                    depth += 2
                    continue
                few = flat[i] and abs(at_high - at_low) <= _FEW_STEP
                nodes, weights = (_FEW_NODES, _FEW_WEIGHTS) if few else (_NODES, _WEIGHTS)
                centre, width = (edges[i] + edges[i + 1]) / 2, (edges[i + 1] - edges[i]) / 2
                for k in range(nodes.size):
                    x = (low + high + (high - low) * nodes[k]) / 2
                    u = (x - centre) / width
                    area = lost_at[i] + _series(lost[i], u)
                    gone = cdf[i, 0] if flat[i] else _series(cdf[i], u)
                    dense = weights[k] * (high - low) / 2 * np.exp(surplus * x - arrivals * area - top)
                    time[zone] += dense
                    stay[zone] += (1.0 - gone) * dense
                    leave[zone] += gone * dense
                    wait_answered += (1.0 - gone) * x * dense
                    wait_abandoned += (x * gone - area) * dense
        # After the last edge nobody leaves any more: the density is exponential.
        low, high = max(cuts[zone], last), cuts[zone + 1]
        if low < high:
            dense = np.exp(surplus * low - arrivals * (lost_at[count] + end * (low - last)) - top)
            dense *= np.expm1(slope * (high - low)) / slope
            time[zone] += dense
            stay[zone] += (1.0 - end) * dense
            leave[zone] += end * dense
    dense = np.exp(surplus * last - arrivals * lost_at[count] - top) / -slope
    wait_answered += (1.0 - end) * dense * (last - 1.0 / slope)
    wait_abandoned += (end * last - lost_at[count]) * dense

    free = np.exp(-top) / idle
    whole = free + arrivals * time.sum()
    early, late = (0, 1) if threshold <= short else (1, 0)  # zones up to each threshold: 0 the first, 1 the first and second
    for which in range(2):
        limit, upto = (threshold, early) if which == 0 else (short, late)
        if limit < 0.0:
            continue
        within = leave[0] + (leave[1] if upto else 0.0)
        beyond = time[2] + (0.0 if upto else time[1])
        left = arrivals * (within + (_gone_by(limit, edges, cdf, cdf_at, end) * beyond if beyond > 0.0 else 0.0)) / whole
        if which == 0:
            out[1] = (free + arrivals * (stay[0] + (stay[1] if upto else 0.0))) / whole
            out[2] = left
            out[4] = (free + arrivals * (time[0] + (time[1] if upto else 0.0))) / whole
        else:
            out[3] = left
    out[0] = arrivals * time.sum() / whole
    out[5] = (free + arrivals * stay.sum()) / whole
    out[6] = arrivals * leave.sum() / whole
    out[7] = arrivals * wait_answered / whole
    out[8] = arrivals * wait_abandoned / whole
    return out


def row_arguments(
    agents: ArrayLike,
    load: ArrayLike,
    aht_s: ArrayLike,
    patience: PatienceLaw | ArrayLike,
    threshold_s: ArrayLike,
    short_s: ArrayLike | None,
    retry_share: ArrayLike,
) -> tuple[dict[str, Floats], tuple[int, ...]]:
    """The arguments of a queue of impatient callers by name: checked, broadcast and in one row; and the shape they had.

    Parameters
    ----------
    agents, load, aht_s, patience, threshold_s, short_s, retry_share
        As for `ccstats.queueing.general_patience.impatient_queue`.

    Returns
    -------
    tuple of dict and tuple of int

    Raises
    ------
    OptionError
        If one is not what it must be, or they do not fit together.

    Examples
    --------
    >>> own, shape = row_arguments([9, 10], 8.0, 180.0, 60.0, 20.0, None, 0.0)
    >>> own["load"].tolist(), shape
    ([8.0, 8.0], (2,))
    """
    own = {
        "agents": checked(agents, "agents"),
        "load": checked(load, "load"),
        "aht_s": checked(aht_s, "aht_s", positive=True),
        "threshold_s": checked(threshold_s, "threshold_s", infinite=True),
        "short_s": np.float64(-1.0) if short_s is None else checked(short_s, "short_s"),
        "retry_share": checked(retry_share, "retry_share"),
        "patience_s": np.float64(1.0) if isinstance(patience, PatienceLaw) else checked(patience, "patience", positive=True, infinite=True),
    }
    if (own["retry_share"] >= 1).any():
        raise OptionError("retry_share= must be below 1: when everybody who leaves calls again, an overload grows without end")
    try:
        arrays = np.broadcast_arrays(*own.values())
    except ValueError as error:
        shapes = ", ".join(f"{name} {np.shape(value)}" for name, value in own.items() if np.ndim(value))
        raise OptionError(f"the arguments do not fit together: {shapes}") from error
    return {name: np.ascontiguousarray(array).ravel() for name, array in zip(own, arrays, strict=True)}, arrays[0].shape


def row_sums(own: dict[str, Floats], patience: PatienceLaw | ArrayLike) -> Floats:
    """What callers meet in each row.

    Parameters
    ----------
    own : dict
        As from `row_arguments`.
    patience : PatienceLaw or array of float
        The law; anything else stands for exponential laws with the means in ``own["patience_s"]``.

    Returns
    -------
    numpy.ndarray (rows × 9)
        `SUMS` per offered contact; NaN where nobody calls.

    Examples
    --------
    >>> own, _ = row_arguments(10, 10.0, 180.0, 60.0, 20.0, None, 0.0)
    >>> row_sums(own, 60.0).round(3).tolist()
    [[0.423, 0.718, 0.097, 0.0, 0.742, 0.842, 0.158, 6.314, 3.138]]
    """
    laws = [(np.ones(own["load"].size, dtype=bool), patience.panels)] if isinstance(patience, PatienceLaw) else []
    if not laws:  # one exponential law for all means: time is counted in units of the mean patience
        never = np.isinf(own["patience_s"])
        laws = [(some, law.panels) for some, law in ((~never, _UNIT), (never, _NEVER)) if some.any()]
    second = np.where(np.isinf(own["patience_s"]), 1.0, own["patience_s"])
    out = np.empty((own["load"].size, len(SUMS)))
    for some, law in laws:
        agents, load, aht, threshold, short = (own[name][some] for name in ("agents", "load", "aht_s", "threshold_s", "short_s"))
        out[some] = _each(agents, load, aht, threshold, short, second[some], law)
    return out


@njit(cache=True, nogil=True, error_model="numpy")
def _each(  # pragma: no cover - compiled
    agents: Floats,
    load: Floats,
    aht: Floats,
    threshold: Floats,
    short: Floats,
    unit: Floats,
    law: Panels,
) -> Floats:
    """`offered_wait` for each row; ``unit`` is the second of the law."""
    out = np.empty((load.size, 9))
    for row in range(load.size):
        a, n = load[row], agents[row]
        if a == 0.0:
            out[row] = np.nan
            continue
        idle = n / (a * below(n, a, a - n)) if n > 0.0 else 0.0  # 1 / E = B(n - 1, a), continued to parts of an agent
        second = unit[row]
        out[row] = offered_wait(
            a / aht[row] * second,
            n / aht[row] * second,
            idle,
            threshold[row] / second,
            short[row] / second,
            law,
        )
        out[row, 7] *= second
        out[row, 8] *= second
    return out
