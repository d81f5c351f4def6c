"""Compiled measures in seconds, and the searches for agents, load and waits that rest on them: what `ccstats.queueing.erlang` calls.

Every search brackets the answer with an evaluated miss and an evaluated hit, so that what comes back was met, and its neighbour missed.

It is one file because the searches are loops around one function, `measure`, and are compiled with it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ccstats.queueing.kernels import below, compiled, erlang_b_scalar, inner, mean_waits, shares

__all__ = [
    "GRID_BITS", "MEASURES", "SERVICE_LEVELS", "agents_for", "agents_for_many", "agents_for_rows", "line_rows", "lines_for", "load_for",
    "load_rows", "measure", "measure_rows", "quantile", "quantile_rows",
]  # fmt: skip

#: Service levels by the names of the registry; the number is the code that the kernels know them by.
SERVICE_LEVELS = {
    "service_level": 0,
    "sl_answered_only": 1,
    "sl_excl_early_abandoned": 2,
    "sl_early_abandoned_met": 3,
    "sl_excl_short": 4,
    "sl_virtual": 5,
}
#: What `measure` computes, by code.
MEASURES = {
    **SERVICE_LEVELS,
    "wait_probability": 6,
    "abandonment_rate": 7,
    "blocking_rate": 8,
    "occupancy": 9,
    "mean_queue": 10,
    "mean_wait_all": 11,
    "mean_wait_answered": 12,
    "mean_wait_abandoned": 13,
    "longer_all": 14,
    "longer_answered": 15,
    "longer_abandoned": 16,
    "longer_virtual": 17,
}
_SHORT, _VIRTUAL, _DELAY, _ABANDONED, _BLOCKED, _OCCUPANCY, _QUEUE, _WAIT_ALL, _WAIT_ANSWERED, _WAIT_ABANDONED, _LONGER = range(4, 15)
_LIMITED = (0, _WAIT_ANSWERED, _ABANDONED, _OCCUPANCY, _BLOCKED)  # what the targets of `Need` limit; the first is a service level
#: A target is met when it is missed by less than this share of it, so that 2.1 Erlangs at an occupancy of 0.7 need 3 agents.
TOLERANCE = 1e-12
_LEAST_LOAD = 1e-300
_MOST_LOAD = 1e6  # an agent; a target that still holds there holds for any load
_MOST_AGENTS = 2.0**50  # beyond, one agent more or less is lost in rounding
#: Trailing bits of a load that `agents_for_many` leaves out: 512 grid points within each power of two.
GRID_BITS = 43
#: Mean handle time, mean patience, lines, code of the service level, threshold, short; then the targets, NaN where there is none:
#: service level, mean wait of the answered, abandonment, occupancy, blocking.
Need = tuple[float, float, float, float, float, float, float, float, float, float, float]


@compiled
def _of(values: NDArray[np.float64], i: int) -> float:
    return values[i] if len(values) > 1 else values[0]  # type: ignore[no-any-return]


@compiled
def _column(need: NDArray[np.float64], i: int) -> Need:
    j = i if need.shape[1] > 1 else 0
    return (
        need[0, j], need[1, j], need[2, j], need[3, j], need[4, j], need[5, j], need[6, j], need[7, j], need[8, j], need[9, j], need[10, j]
    )  # fmt: skip


@inner
def _mean_wait(what: int, n: float, a: float, impatience: float, places: float) -> float:
    """Mean wait of the answered or of the abandoned, in mean handle times; NaN where there is none."""
    if n == math.inf:
        return 0.0 if what == _WAIT_ANSWERED else math.nan
    first = math.floor(places + 1e-9) if places < math.inf else places
    part = places - first if places < math.inf and places - first > 1e-9 else 0.0
    waited, count = 0.0, 0.0
    for step in range(2):
        share = part if step == 1 else 1.0 - part
        if share == 0.0:
            continue
        _, _, abandoned, _, late, _, within, _ = shares(n, a, impatience, first + step, 0.0)
        answered_wait, abandoned_wait = mean_waits(n, a, impatience, first + step)
        if what == _WAIT_ANSWERED:
            waited += share * late * answered_wait if late > 0.0 else 0.0
            count += share * (within + late)
        else:
            waited += share * abandoned * abandoned_wait if abandoned > 0.0 else 0.0
            count += share * abandoned
    return waited / count if count > 0.0 else math.nan


@compiled
def _ratio(part: float, whole: float) -> float:
    return part / whole if part > 0.0 else 0.0


@inner
def _unclipped(what: int, n: float, a: float, aht: float, patience: float, lines: float, t: float, short: float) -> float:
    """`measure`, where a share may be beyond 0 or 1 by a rounding error, of a load that is not 0."""
    places = lines - n if lines < math.inf else math.inf
    impatience = aht / patience
    if what in (_WAIT_ANSWERED, _WAIT_ABANDONED):
        return aht * _mean_wait(what, n, a, impatience, places)
    timed = what < _DELAY or what >= _LONGER
    blocked, waiting, abandoned, over, late, gone_late, within, queue = shares(n, a, impatience, places, t / aht if timed else 0.0)
    if what == 0:
        return within
    if what == 1:
        return _ratio(within, within + late)
    if what == 2:
        return _ratio(within, within + late + gone_late + blocked)
    if what == 3:
        return within + (abandoned - gone_late)
    if what == _SHORT:
        gone_later = shares(n, a, impatience, places, short / aht)[5]
        return _ratio(within, within + late + gone_later + blocked)
    if what == _VIRTUAL:
        return within if impatience == 0.0 else 1.0 - blocked - over
    if what == _DELAY:
        return waiting
    if what == _ABANDONED:
        return abandoned
    if what == _BLOCKED:
        return blocked
    if what == _OCCUPANCY:
        if n == 0.0:
            return math.nan
        return 1.0 if queue == math.inf else a * (within + late) / n
    if what == _QUEUE:
        return queue
    if what == _WAIT_ALL:
        return aht * queue / (a * (1.0 - blocked)) if blocked < 1.0 else math.nan
    if what == _LONGER:
        return math.exp(-t / patience) * over / (1.0 - blocked)
    if what == _LONGER + 1:
        return late / (within + late)
    if what == _LONGER + 2:
        return gone_late / abandoned
    return over / (1.0 - blocked)


@compiled
def measure(what: int, n: float, a: float, aht: float, patience: float, lines: float, t: float, short: float) -> float:
    """One measure of ``n`` agents at load ``a``, by its code in `MEASURES`.

    Parameters
    ----------
    what : int
        Code.
    n, a : float
        Agents and offered load. [agents, Erlang]
    aht, patience : float
        Mean handle time; mean patience, inf for none who leaves. [s]
    lines : float
        Places in all, at least ``n``; inf for no limit.
    t, short : float
        Threshold, and how short an abandoned wait is ignored by ``sl_excl_short``. [s]

    Returns
    -------
    float
        A share of all offered, a mean in seconds, or a number of contacts.

    Examples
    --------
    >>> round(measure(MEASURES["service_level"], 14.0, 10.0, 180.0, np.inf, np.inf, 20.0, 0.0), 4)
    0.8884
    """
    if a == 0.0:
        return 0.0 if what == _QUEUE or (what == _OCCUPANCY and n > 0.0) else math.nan
    if a < _LEAST_LOAD:  # as good as none, and quotients of it are numbers
        a, queued = _LEAST_LOAD, a / _LEAST_LOAD
    else:
        queued = 1.0
    value = _unclipped(what, n, a, aht, patience, lines, t, short)
    if _QUEUE <= what < _LONGER:
        return value * queued if what == _QUEUE else value
    if value < 0.0:
        return 0.0
    return 1.0 if value > 1.0 else value  # NaN stays


@compiled
def measure_rows(
    what: int,
    n: NDArray[np.float64],
    a: NDArray[np.float64],
    aht: NDArray[np.float64],
    patience: NDArray[np.float64],
    lines: NDArray[np.float64],
    t: NDArray[np.float64],
    short: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """`measure` row by row; an array of one number holds for all rows."""
    for i in range(len(out)):
        out[i] = measure(what, _of(n, i), _of(a, i), _of(aht, i), _of(patience, i), _of(lines, i), _of(t, i), _of(short, i))


@inner
def _slack(n: float, a: float, need: Need) -> float:
    """By how much the targets are met, the tightest of them; negative where one is missed, never beyond -1 or 1."""
    least = 1.0
    for k in range(5):
        limit = need[6 + k]
        if limit != limit:
            continue
        if k == 0:
            reached = measure(int(need[3]), n, a, need[0], need[1], need[2], need[4], need[5])
            slack = (reached - limit) / max(limit, 1e-300) if reached == reached else -1.0
        else:
            slack = _below_limit(measure(_LIMITED[k], n, a, need[0], need[1], need[2], 0.0, 0.0), limit)
        least = min(least, slack)
    return max(least, -1.0)


@inner
def _below_limit(value: float, limit: float) -> float:
    """Positive where ``value`` is below ``limit``, smooth up to an infinite value; a value that is not there misses."""
    if value == limit:
        return 0.0
    return (limit - value) / (limit + value) if value < math.inf else -1.0


@inner
def _out_of_reach(need: Need) -> bool:
    """Whether no number of agents meets a target, though rounding may say so: certainty, no wait, nobody lost, nobody busy."""
    _, patience, lines, _, t, _, level, wait, abandonment, occupancy, blocking = need
    if occupancy == 0.0 or (level == 1.0 and t < math.inf):
        return True
    if lines < math.inf:
        return blocking == 0.0
    return wait == 0.0 or (abandonment == 0.0 and patience < math.inf)


@compiled
def _root(by_load: bool, other: float, miss: float, hit: float, need: Need) -> float:
    """Where the slack is 0 between a miss and a hit, in agents or in load: Chandrupatla's inverse quadratic search (1997)."""
    a, b = hit, miss
    f_a = _slack(other, a, need) if by_load else _slack(a, other, need)
    f_b = _slack(other, b, need) if by_load else _slack(b, other, need)
    if f_a <= 0.0 or f_b >= 0.0:
        return a if f_a <= 0.0 else b
    c, f_c, step = b, f_b, 0.5
    for _ in range(200):
        x = a + step * (b - a)
        f = _slack(other, x, need) if by_load else _slack(x, other, need)
        if (f >= 0.0) == (f_a >= 0.0):
            c, f_c = a, f_a
        else:
            c, f_c, b, f_b = b, f_b, a, f_a
        a, f_a = x, f
        best = a if abs(f_a) < abs(f_b) else b
        least = (4e-16 * abs(best) + (0.0 if by_load else 1e-15)) / abs(b - a)
        if least > 0.5 or f_a == 0.0:
            return best
        xi, phi = (a - b) / (c - b), (f_a - f_b) / (f_c - f_b)
        step = 0.5
        if phi * phi < xi and (1.0 - phi) * (1.0 - phi) < 1.0 - xi:
            step = f_a / (f_b - f_a) * f_c / (f_b - f_c) + (c - a) / (b - a) * f_a / (f_c - f_a) * f_b / (f_c - f_b)
        step = min(max(step, least), 1.0 - least)
    return best


@inner
def _patient_agents(a: float, tau: float, level: float) -> float:
    """Fewest agents for a service level where nobody leaves: upwards from the load, each step one of the recursion of Erlang B."""
    n = math.floor(a) + 1.0
    root, over = below(n, a, a - n), math.exp(-(n - a) * tau)
    step, most = math.exp(-tau), (1.0 - level) + TOLERANCE * level
    while over > most * (1.0 + (n - a) / n * root):
        n += 1.0
        root = n / a * (1.0 + root)
        over *= step
    return n


@inner
def _whole_agents(a: float, need: Need, low: float, high: float, guess: float, stride: float) -> float:
    """Fewest whole agents above a missed ``low``, up to ``high``: met, or inf where it is not known what is; inf if nothing is met.

    Steps outwards from the guess until a miss and a hit are known, then between them by secants, every third time to the middle.
    """
    most = _MOST_AGENTS if need[2] == math.inf else math.floor(need[2] + 1e-9)
    miss, hit, turn = math.nan, math.nan, 0
    n = min(max(guess, low + 1.0), high, most)
    while high - low > 1.0:
        if low >= most:
            return math.inf
        slack = _slack(n, a, need)
        if slack >= -TOLERANCE:
            high, hit = n, slack
        else:
            low, miss = n, slack
        turn += 1
        if high == math.inf or (hit == hit and miss != miss):  # outwards
            n = min(low + stride, most) if high == math.inf else max(high - stride, low + 1.0)
            stride *= 2.0
        elif hit == hit and turn % 3 > 0:
            n = low + math.ceil(miss / (miss - hit) * (high - low))
            n = min(max(n, low + 1.0), high - 1.0)
        else:
            n = math.ceil(0.5 * (low + high))
    return high


@inner
def _first_met(a: float, need: Need) -> float:
    """The first whole number from 1 on that meets every target; inf where none does.

    For what an agent more may spoil: where patience is shorter than the handle time, callers who wait leave their lines sooner than callers
    who talk, so that with more agents more are turned away.
    """
    n, most = 1.0, math.floor(need[2] + 1e-9)
    while n <= most and _slack(n, a, need) < -TOLERANCE:
        n += 1.0
    return n if n <= most else math.inf


@compiled
def agents_for(a: float, need: Need, fractional: bool, margin: float) -> float:
    """Fewest agents that meet every target at load ``a``.

    Parameters
    ----------
    a : float
        Offered load. [Erlang]
    need : tuple of float
        As `Need`.
    fractional : bool
        Whether the answer may be between whole numbers.
    margin : float
        A guess of (agents - a) / √a, from a similar row; NaN without one. It changes the time taken, not the answer.

    Returns
    -------
    float
        0 without load, else at least 1 (above 0 where fractional); inf where no number of agents meets the targets.

    Examples
    --------
    >>> agents_for(10.0, (180.0, np.inf, np.inf, 0.0, 20.0, 0.0, 0.8, np.nan, np.nan, np.nan, np.nan), False, np.nan)
    14.0
    """
    if a == 0.0:
        return 0.0
    if a >= _MOST_AGENTS or _out_of_reach(need):
        return math.inf
    aht, patience, lines, _, t, _, level, wait, abandonment, occupancy, blocking = need
    patient = patience == math.inf and lines == math.inf
    if patient and level > 0.0 and wait != wait and abandonment != abandonment and occupancy != occupancy and blocking != blocking:
        whole = _patient_agents(a, t / aht, level)
    elif lines < math.inf and patience < aht and ((level == level and need[3] >= 2.0) or blocking == blocking):
        whole = _first_met(a, need)
    else:
        low = math.floor(a) if patient and (level > 0.0 or wait < math.inf) else 0.0
        known = margin == margin
        guess, stride = math.ceil(a + (margin if known else 0.0) * math.sqrt(a)), 1.0 if known else max(1.0, math.floor(0.3 * math.sqrt(a)))
        whole = _whole_agents(a, need, low, math.inf, guess, stride)
    return _root(False, a, whole - 1.0, whole, need) if fractional and whole < math.inf else whole


@compiled
def agents_for_rows(loads: NDArray[np.float64], need: NDArray[np.float64], fractional: bool, out: NDArray[np.float64]) -> None:
    """`agents_for` row by row, each the guess of the next.

    Parameters
    ----------
    loads : numpy.ndarray
        Offered load of each row. [Erlang]
    need : numpy.ndarray
        11 × 1 or 11 × rows: the targets, for all rows or for each.
    fractional : bool
        As for `agents_for`.
    out : numpy.ndarray
        Where the answers go.

    Examples
    --------
    >>> need = np.array([[180.0, np.inf, np.inf, 0.0, 20.0, 0.0, 0.8, np.nan, np.nan, np.nan, np.nan]]).T
    >>> out = np.empty(2)
    >>> agents_for_rows(np.array([1.0, 10.0]), need, False, out)
    >>> out
    array([ 3., 14.])
    """
    margin = math.nan
    for i in range(len(loads)):
        out[i] = agents_for(loads[i], _column(need, i), fractional, margin)
        if loads[i] > 0.0 and out[i] < math.inf:
            margin = (out[i] - loads[i]) / math.sqrt(loads[i])


@compiled
def agents_for_many(loads: NDArray[np.float64], keys: NDArray[np.int64], need: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """`agents_for` of very many rows with the same targets, each load between two neighbours of a grid that are answered once.

    More load never needs fewer agents: where both neighbours need the same, so does all between them.

    Parameters
    ----------
    loads : numpy.ndarray
        Offered load of each row. [Erlang]
    keys : numpy.ndarray
        The leading bits of each load (`GRID_BITS` are left out): the number of its place on a grid that is even within each power of two.
    need : numpy.ndarray
        11 × 1: the targets.
    out : numpy.ndarray
        Where the answers go.

    Examples
    --------
    >>> need = np.array([[180.0, np.inf, np.inf, 0.0, 20.0, 0.0, 0.8, np.nan, np.nan, np.nan, np.nan]]).T
    >>> loads, out = np.array([10.0, 9.99, 1.0]), np.empty(3)
    >>> agents_for_many(loads, loads.view(np.int64) >> GRID_BITS, need, out)
    >>> out
    array([14., 14.,  3.])
    """
    if len(loads) == 0:
        return
    same, first = _column(need, 0), keys.min()
    edge = np.full(keys.max() - first + 2, math.nan)
    point = np.empty(1, dtype=np.int64)
    for i in range(len(loads)):
        place = keys[i] - first
        for k in range(place, place + 2):
            if edge[k] != edge[k]:
                point[0] = (k + first) << GRID_BITS
                load = point.view(np.float64)[0]
                near = edge[k - 1] if k > 0 else math.nan
                margin = (near - load) / math.sqrt(load) if 0.0 < near < math.inf and load > 0.0 else math.nan
                edge[k] = agents_for(load, same, False, margin)
        low, high = edge[place], edge[place + 1]
        out[i] = low if low == high else _whole_agents(loads[i], same, low - 1.0, high, low, 1.0) if loads[i] > 0.0 else 0.0


@compiled
def load_for(n: float, need: Need) -> float:
    """The greatest load that ``n`` agents carry within every target.

    Parameters
    ----------
    n : float
        Agents (real-valued).
    need : tuple of float
        As for `agents_for`.

    Returns
    -------
    float
        0 where any load misses a target, inf where none does, up to a million Erlangs an agent. [Erlang]

    Examples
    --------
    >>> round(load_for(10.0, (1.0, np.inf, 10.0, 0.0, 0.0, 0.0, np.nan, np.nan, np.nan, np.nan, 0.01)), 4)
    4.4612
    """
    if _out_of_reach(need):
        return 0.0
    a = max(n, 1.0)
    if _slack(n, a, need) >= 0.0:
        hit, miss = a, 2.0 * a
        while _slack(n, miss, need) >= 0.0:
            hit, miss = miss, 2.0 * miss
            if miss > _MOST_LOAD * max(n, 1.0):
                return math.inf
    else:
        hit, miss = 0.5 * a, a
        while _slack(n, hit, need) < 0.0:
            hit, miss = 0.5 * hit, hit
            if hit < 1e-250:
                return 0.0
    return _root(True, n, miss, hit, need)


@compiled
def quantile(what: int, n: float, a: float, aht: float, patience: float, lines: float, q: float) -> float:
    """The wait that a share ``q`` does not exceed: of whom, the code of ``longer_…`` in `MEASURES` says.

    Parameters
    ----------
    what : int
        Code.
    n, a, aht, patience, lines : float
        As for `measure`.
    q : float
        Share, 0 to 1.

    Returns
    -------
    float
        0 where so many do not wait at all; inf where no wait is long enough. [s]

    Examples
    --------
    >>> round(quantile(MEASURES["longer_all"], 14.0, 10.0, 180.0, np.inf, np.inf, 0.9), 3)
    24.959
    """
    rest = 1.0 - q
    at_once = measure(what, n, a, aht, patience, lines, 0.0, 0.0)
    if not at_once > rest:
        return 0.0 if at_once == at_once else math.nan
    if rest == 0.0:
        return math.inf
    low, high = 0.0, aht / max(n, 1.0)
    while measure(what, n, a, aht, patience, lines, high, 0.0) > rest:
        low, high = high, 2.0 * high
        if high > 1e15 * aht:
            return math.inf
    # Bisection in the logarithm would not know 0; halving does, and 60 steps leave the last digit.
    for _ in range(200):
        middle = 0.5 * (low + high)
        if middle <= low or middle >= high:
            break
        if measure(what, n, a, aht, patience, lines, middle, 0.0) > rest:
            low = middle
        else:
            high = middle
    return high


@compiled
def load_rows(n: NDArray[np.float64], need: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """`load_for` row by row; ``need`` as for `agents_for_rows`."""
    for i in range(len(out)):
        out[i] = load_for(_of(n, i), _column(need, i))


@compiled
def quantile_rows(
    what: int,
    n: NDArray[np.float64],
    a: NDArray[np.float64],
    aht: NDArray[np.float64],
    patience: NDArray[np.float64],
    lines: NDArray[np.float64],
    q: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """`quantile` row by row; an array of one number holds for all rows."""
    for i in range(len(out)):
        out[i] = quantile(what, _of(n, i), _of(a, i), _of(aht, i), _of(patience, i), _of(lines, i), _of(q, i))


@compiled
def lines_for(a: float, most: float, fractional: bool) -> float:
    """Fewest lines at which Erlang B is at most ``most``.

    Parameters
    ----------
    a, most : float
        Offered load [Erlang], and the share that may be turned away.
    fractional : bool
        Whether the answer may be between whole numbers.

    Returns
    -------
    float
        0 without load, inf where nobody may be turned away.

    Examples
    --------
    >>> lines_for(10.0, 0.05, False)
    15.0
    """
    if a == 0.0 or most >= 1.0:
        return 0.0
    if most == 0.0:
        return math.inf
    low, high = 0.0, a // 1.0 + 1.0  # missed: without lines all are turned away
    while erlang_b_scalar(high, a) > most * (1.0 + TOLERANCE):
        low, high = high, 2.0 * high
    while high - low > 1.0:
        middle = 0.5 * (low + high) // 1.0
        low, high = (middle, high) if erlang_b_scalar(middle, a) > most * (1.0 + TOLERANCE) else (low, middle)
    while fractional:
        middle = 0.5 * (low + high)
        if middle <= low or middle >= high:
            break
        low, high = (middle, high) if erlang_b_scalar(middle, a) > most else (low, middle)
    return high


@compiled
def line_rows(a: NDArray[np.float64], most: NDArray[np.float64], fractional: bool, out: NDArray[np.float64]) -> None:
    """`lines_for` row by row; an array of one number holds for all rows."""
    for i in range(len(out)):
        out[i] = lines_for(_of(a, i), _of(most, i), fractional)
