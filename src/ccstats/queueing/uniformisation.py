"""The compiled engine of `ccstats.queueing.transient`: one queue followed through its intervals, by uniformisation, backlog included.

Everything is a sum of non-negative terms: no differences, no cancellation, no underflow. Notation: ``k`` contacts are in the system;
a waiting contact knows how many are ahead of it (``j``) and nothing else, for those behind never matter (first come, first served). Three
vectors are carried forward through an interval:

* ``p[k]``: the probability of k contacts in the system;
* ``u[j]``: the expected number of contacts that came in this interval and wait with j ahead;
* ``w[j]``: the same, each counted with the seconds it has waited.

What those still waiting at the end of the interval may expect is worked out backwards from the end of the day (`_go_back`).

Between whole numbers, ``n = m - 1 + f`` agents with ``0 < f <= 1``, the state in which all are busy is ``m``; below it state k stands for
``k - 1 + f`` contacts. The rates are those of the continued Erlang formulas, so their stationary law is the law of this chain. For f = 1
it is the ordinary chain, and for f near 0 the ordinary chain of m - 1 agents, one state higher; where f changes, the states move
(`_displaced`), so that everything is continuous in the number of agents.

It is one file because the functions are parts of one loop, and because Numba's cache does not see a change in another file.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["MEASURES", "follow"]

Floats = NDArray[np.float64]

#: Columns of what `follow` returns, in this order.
MEASURES = (
    "answered",
    "abandoned",
    "blocked",
    "answered_within",
    "abandoned_within",
    "waited",
    "wait_answered_s",
    "wait_abandoned_s",
    "busy_s",
    "queue_s",
    "queue_at_end",
    "admitted",
)

_STEPS = 500.0  # expected jumps in one step: exp(-500) is far from the smallest number, and few jumps are computed in vain
_TAIL = 1e-17  # probability cut off on either side after a step
_LEAK = 1e-15  # probability that may leave the window within a step; else the window grows and the step is repeated
_SURE = -39.0  # log of a probability that is taken for zero (1e-17)


@njit(cache=True, nogil=True)
def _poisson(mean: float) -> tuple[Floats, Floats]:  # pragma: no cover - compiled
    """``P(N = i)`` and ``P(N > i)`` of a Poisson number N with a mean of at most a few hundred, as far as they matter."""
    size = int(mean + 9.0 * np.sqrt(mean) + 25.0)
    weight, beyond = np.empty(size), np.empty(size)
    weight[0] = np.exp(-mean)
    for i in range(1, size):
        weight[i] = weight[i - 1] * mean / i
    total = 0.0
    for i in range(size - 1, -1, -1):
        beyond[i] = total
        total += weight[i]
    for i in range(size):
        weight[i] /= total
        beyond[i] /= total
    return weight, beyond


@njit(cache=True, nogil=True)
def _gauss(size: int) -> tuple[Floats, Floats]:  # pragma: no cover - compiled
    """Nodes and weights of Gauss and Legendre on (0, 1), by Newton's method on the Legendre polynomial."""
    node, weight = np.empty(size), np.empty(size)
    for i in range(size):
        x = np.cos(np.pi * (i + 0.75) / (size + 0.5))
        slope = 1.0
        for _ in range(8):
            last, value = 0.0, 1.0
            for degree in range(size):
                last, value = value, ((2 * degree + 1) * x * value - degree * last) / (degree + 1)
            slope = size * (x * value - last) / (x * x - 1.0)
            x -= value / slope
        node[i], weight[i] = 0.5 - 0.5 * x, 1.0 / ((1.0 - x * x) * slope * slope)
    return node, weight


@njit(cache=True, nogil=True)
def _all_busy(n: float) -> int:  # pragma: no cover - compiled
    """The state in which all agents are busy and nobody waits: who has as many ahead is the first in the queue."""
    return int(np.ceil(n))


@njit(cache=True, nogil=True)
def _in_hand(k: float, n: float) -> float:  # pragma: no cover - compiled
    """How many contacts the agents have in hand in state k."""
    return min(max(k - np.ceil(n) + n, 0.0), n) if k > 0.0 else 0.0


@njit(cache=True, nogil=True)
def _displaced(k: float, n: float, later: float, leaving: float) -> float:  # pragma: no cover - compiled
    """By how much state k moves, on average, where n agents become ``later`` and ``leaving`` of them take their contacts along: -1 to 1."""
    moved = (n - np.ceil(n)) - (later - np.ceil(later))
    return float(moved - (leaving * _in_hand(k, n) / n if leaving > 0.0 else 0.0))


@njit(cache=True, nogil=True)
def _leaving(k: float, n: float, mu: float, theta: float, first: float) -> float:  # pragma: no cover - compiled
    """How fast contacts leave in state k; ``first``: in state 1."""
    m = np.ceil(n)
    if k > m:
        return float(n * mu + (k - m) * theta)
    return first if k == 1.0 else _in_hand(k, n) * mu


@njit(cache=True, nogil=True)
def _resolved(top: int, seconds: float, n: float, mu: float, theta: float) -> bool:  # pragma: no cover - compiled
    """Whether a contact with ``top`` ahead has surely been answered or given up after so many seconds (Chernoff's bound)."""
    if theta * seconds > -_SURE:
        return True
    mean, steps = n * mu * seconds, max(top - np.ceil(n), 0.0) + 1.0
    return bool(mean > steps and steps - mean + steps * np.log(mean / steps) < _SURE)


@njit(cache=True, nogil=True)
def _answered_before(value: Floats, m: int) -> None:  # pragma: no cover - compiled
    """Who has fewer than m ahead is with an agent."""
    for j in range(min(m, value.shape[1])):
        for row in range(value.shape[0]):
            value[row, j] = 1.0 if row == 0 else 0.0


@njit(cache=True, nogil=True)
def _settled(top: int, n: float, mu: float, theta: float, out: Floats) -> None:  # pragma: no cover - compiled
    """What becomes of a waiting contact if nothing changes any more: ``out[:, j]``, rows as in `_go_back`."""
    m = _all_busy(n)
    _answered_before(out, m)
    for j in range(m, top + 1):
        for row in range(out.shape[0]):
            out[row, j] = 0.0
        down = n * mu + (j - m) * theta
        total = down + theta
        if total == 0.0:
            continue
        out[1, j] = theta / total
        if j:
            for row in range(out.shape[0]):
                out[row, j] += down * out[row, j - 1] / total
        for row in range(2, out.shape[0]):
            out[row, j] += out[row - 2, j] / total


@njit(cache=True, nogil=True)
def _go_back(value: Floats, top: int, seconds: float, n: float, mu: float, theta: float) -> None:  # pragma: no cover - compiled
    """Turn what a contact waiting with j ahead may expect at the end of a span into what it may expect at its beginning, in place.

    Rows: probability to be answered, to give up; and, where there are four, expected seconds still to wait times answered, times given up.
    """
    if seconds <= 0.0:
        return
    if _resolved(top, seconds, n, mu, theta):
        _settled(top, n, mu, theta, value)
        return
    m = _all_busy(n)
    _answered_before(value, m)
    if m > top:
        return
    fastest = max(n * mu + (top + 1 - m) * theta, 1.0 / seconds)
    pieces = int(np.ceil(fastest * seconds / _STEPS))
    weight, _ = _poisson(fastest * seconds / pieces)
    size = top + 1
    stay, pull = np.empty(size), np.empty(size)
    for j in range(m, size):
        pull[j] = (n * mu + (j - m) * theta) / fastest
        stay[j] = 1.0 - pull[j] - theta / fastest
    give = theta / fastest
    rows, tick, total = value.shape[0], 1.0 / fastest, np.empty(value.shape)
    for _ in range(pieces):
        for row in range(rows):
            for j in range(m, size):
                total[row, j] = weight[0] * value[row, j]
        for i in range(1, weight.size):
            for row in range(rows - 1, 1, -1):
                for j in range(top, m, -1):
                    value[row, j] = stay[j] * value[row, j] + pull[j] * value[row, j - 1] + tick * value[row - 2, j]
                value[row, m] = stay[m] * value[row, m] + tick * value[row - 2, m]
            for j in range(top, m, -1):
                value[1, j] = stay[j] * value[1, j] + pull[j] * value[1, j - 1] + give
            for j in range(top, m, -1):
                value[0, j] = stay[j] * value[0, j] + pull[j] * value[0, j - 1]
            value[0, m] = stay[m] * value[0, m] + pull[m]
            value[1, m] = stay[m] * value[1, m] + give
            for row in range(rows):
                for j in range(m, size):
                    total[row, j] += weight[i] * value[row, j]
        for row in range(rows):
            for j in range(m, size):
                value[row, j] = total[row, j]


@njit(cache=True, nogil=True)
def _across(value: Floats, before: float, after: float, finish: bool) -> None:  # pragma: no cover - compiled
    """Take what a waiting contact may expect back over a border where the number of agents changes, in place."""
    # the same steps as in `_change`, the last first: one ahead leaves the queue's sight together with the agent who finishes it
    steps = int(np.ceil(before - after)) if finish and after < before else 1
    top = value.shape[1] - 1
    for step in range(steps - 1, -1, -1):
        staff, later = before - step, after if step == steps - 1 else before - step - 1.0
        old = value.copy()
        for j in range(top + 1):
            moves = _displaced(float(j), staff, later, staff - later if finish else 0.0)
            to = min(j + 1, top) if moves > 0.0 else max(j - 1, 0)
            for row in range(value.shape[0]):
                value[row, j] = (1.0 - abs(moves)) * old[row, j] + abs(moves) * old[row, to]


@njit(cache=True, nogil=True)
def _change(
    p: Floats, lo: int, hi: int, before: float, after: float, finish: bool
) -> tuple[Floats, int, int]:  # pragma: no cover - compiled
    """Another number of agents. Who leaves may take the contact in hand along; it no longer concerns the queue. Also the states in use."""
    if before == after:
        return p, lo, hi
    steps = int(np.ceil(before - after)) if finish and after < before else 1
    for step in range(steps):
        staff, later = before - step, after if step == steps - 1 else before - step - 1.0
        new = np.zeros(hi + 2)
        for k in range(lo, hi + 1):
            moves = _displaced(float(k), staff, later, staff - later if finish else 0.0)
            to = k + 1 if moves > 0.0 else max(k - 1, 0)
            new[k] += (1.0 - abs(moves)) * p[k]
            new[to] += abs(moves) * p[k]
        p, lo = new, max(lo - 1, 0)
        hi = hi + 1 if new[hi + 1] > 0.0 else hi
    return p, lo, hi


@njit(cache=True, nogil=True)
def _grown(values: Floats, size: int) -> Floats:  # pragma: no cover - compiled
    if values.size >= size:
        return values
    out = np.zeros(size + size // 2)
    for k in range(values.size):
        out[k] = values[k]
    return out


@njit(cache=True, nogil=True)
def _jumps(  # pragma: no cover - compiled
    p: Floats,
    u: Floats,
    w: Floats,
    after: Floats,
    during: Floats,
    lo: int,
    m: int,
    stay: Floats,
    up: Floats,
    down: Floats,
    wait_stay: Floats,
    wait_in: Floats,
    wait_down: Floats,
    tick: float,
    weight: Floats,
    beyond: Floats,
) -> None:
    """The jumps of one step: ``p, u, w`` after it, and times the rate spent in it. All the time goes into these loops.

    Short loops over views from index 0 on become vector instructions; the same loops with offsets do not.
    """
    size = stay.size
    one, two = np.zeros(size + 1), np.zeros(size + 1)  # state k stands at k + 1
    one[1:] = p[:size]
    y, z = u[m:size].copy(), w[m:size].copy()
    wait_stay, wait_in, wait_down = wait_stay[m:], wait_in[m:], wait_down[m:]
    stay, from_above = stay[lo : size - 1], down[lo + 1 :]
    from_below = np.zeros(stay.size)
    from_below[1:] = up[lo : size - 2]
    after_p, after_u, after_w = after[0, lo : size - 1], after[1, m:], after[2, m:]
    in_p, in_u, in_w = during[0, lo : size - 1], during[1, m:], during[2, m:]
    width, depth = stay.size, y.size
    for i in range(weight.size):
        if i:
            ahead = one[m + 1 :]
            for j in range(depth - 1):
                z[j] = wait_stay[j] * z[j] + wait_down[j] * z[j + 1] + tick * y[j]
            for j in range(depth - 1):
                y[j] = wait_stay[j] * y[j] + wait_down[j] * y[j + 1] + wait_in[j] * ahead[j]
            new, below, same, above = two[lo + 1 :], one[lo:], one[lo + 1 :], one[lo + 2 :]
            for k in range(width):
                new[k] = stay[k] * same[k] + from_below[k] * below[k] + from_above[k] * above[k]
            one, two = two, one
        now, later, x = weight[i], beyond[i], one[lo + 1 :]
        if now > 1e-30:
            for k in range(width):
                after_p[k] += now * x[k]
            for j in range(depth):
                after_u[j] += now * y[j]
                after_w[j] += now * z[j]
        for k in range(width):
            in_p[k] += later * x[k]
        for j in range(depth):
            in_u[j] += later * y[j]
            in_w[j] += later * z[j]


@njit(cache=True, nogil=True)
def _go_on(  # pragma: no cover - compiled
    state: tuple[Floats, Floats, Floats],
    lo: int,
    hi: int,
    arrivals: float,
    rates: tuple[float, float, float, float],
    lines: float,
    seconds: float,
    flows: Floats,
) -> tuple[tuple[Floats, Floats, Floats], int, int, Floats]:
    """Carry ``p, u, w`` forward; also the time spent in each state, and in ``flows`` what was answered and given up and its waits."""
    p, u, w = state
    n, mu, theta, first = rates
    m = _all_busy(n)
    spent = np.zeros(hi + 2)
    left, slack_up, slack_down = seconds, 8, 8
    while left > 0.0:
        top, bottom = hi, lo
        hi = int(min(hi + slack_up, max(lines, hi)))
        lo = max(lo - slack_down, 0)
        while True:
            size = hi + 2
            p, u, w, spent = _grown(p, size), _grown(u, size), _grown(w, size), _grown(spent, size)
            fastest = max(arrivals + _leaving(hi + 1.0, n, mu, theta, first), n * mu + theta, 1.0 / left)
            span, tick = min(left, _STEPS / fastest), 1.0 / fastest
            up, down, stay = np.zeros(size), np.zeros(size), np.zeros(size)
            wait_in, wait_down, wait_stay = np.zeros(size), np.zeros(size), np.zeros(size)
            for k in range(lo, hi + 1):
                up[k] = arrivals * tick if k < lines else 0.0
                down[k] = _leaving(float(k), n, mu, theta, first) * tick
                stay[k] = 1.0 - up[k] - down[k]
            for j in range(m, hi + 1):
                wait_in[j] = arrivals * tick if j < lines else 0.0
                wait_down[j] = _leaving(j + 1.0, n, mu, theta, first) * tick
                wait_stay[j] = 1.0 - wait_down[j]
            after, during = np.zeros((3, size)), np.zeros((3, size))
            weight, beyond = _poisson(fastest * span)
            front = min(max(m, lo), hi + 1)  # nobody who came in this interval can get ahead of it within the step
            while front > m and (lo - front < weight.size or u[front] > 0.0 or w[front] > 0.0):
                front -= 1
            _jumps(p, u, w, after, during, lo, front, stay, up, down, wait_stay, wait_in, wait_down, tick, weight, beyond)
            over, under = up[hi] * during[0, hi] > _LEAK, lo > 0 and down[lo] * during[0, lo] > _LEAK
            if not (over or under):
                break
            if over:
                hi = int(min(hi + max(16, hi - lo), max(lines, hi)))
            if under:
                lo = max(lo - max(16, hi - lo), 0)
        left = left - span if span < left else 0.0
        for k in range(lo, hi + 1):
            spent[k] += tick * during[0, k]
        if m <= hi:
            for kind in (1, 2):  # of the contacts, and of the seconds they have waited
                waiting = 0.0
                for j in range(m, hi + 1):
                    waiting += during[kind, j]
                flows[kind, 0] += tick * n * mu * during[kind, m]
                flows[kind, 1] += tick * theta * waiting
        for k in range(size):
            p[k], u[k], w[k] = after[0, k], after[1, k], after[2, k]
        lost = 0.0
        while hi > lo and lost + p[hi] < _TAIL:
            lost += p[hi]
            p[hi] = u[hi] = w[hi] = 0.0
            hi -= 1
        lost = 0.0
        while lo < hi and lost + p[lo] < _TAIL:
            lost += p[lo]
            p[lo] = 0.0
            lo += 1
        slack_up, slack_down = 8 + 2 * max(hi - top, 0), 8 + 2 * max(bottom - lo, 0)
    return (p, u, w), lo, hi, spent


@njit(cache=True, nogil=True)
def _within_reach(  # pragma: no cover - compiled
    i: int, left: float, threshold: float, top: int, length: Floats, agents: Floats, mu: Floats, theta: Floats
) -> int:
    """The first position, up to ``top``, from which surely nobody is answered within the threshold (Chernoff's bound)."""
    most, quickest, leaves, to_go = np.ceil(agents[i]), agents[i] * mu[i], theta[i], threshold - left
    while to_go > 0.0 and i + 1 < length.size:
        i += 1
        to_go -= length[i]
        most, quickest, leaves = max(most, np.ceil(agents[i])), max(quickest, agents[i] * mu[i]), max(leaves, theta[i])
        most += 1.0  # a part of an agent may move a contact up by one place
    for j in range(int(most) + 1, top):
        steps, mean = j + 1 - most, (quickest + (j + 1 - most) * leaves) * threshold
        if steps > mean and (mean == 0.0 or steps - mean - steps * np.log(steps / mean) < _SURE):
            return j
    return top


@njit(cache=True, nogil=True)
def _expected_within(  # pragma: no cover - compiled
    i: int, left: float, threshold: float, top: int, length: Floats, agents: Floats, mu: Floats, theta: Floats, finish: bool
) -> Floats:
    """Probability to be answered, and to give up, within the threshold of coming to j ahead in interval i, ``left`` seconds before its end.

    As far as it depends on j: who comes with more ahead than the last column has no chance to be answered in time.
    """
    top = _within_reach(i, left, threshold, top, length, agents, mu, theta)
    last, seconds = i, min(left, threshold)
    to_go = threshold - seconds
    while to_go > 0.0 and not _resolved(top, seconds, agents[last], mu[last], theta[last]):
        if last + 1 == length.size:  # the last staffing stays
            seconds += to_go
            break
        last += 1
        seconds = min(length[last], to_go)
        to_go -= seconds
    value = np.zeros((2, top + 1))
    _answered_before(value, _all_busy(agents[last]))
    while True:
        _go_back(value, top, seconds, agents[last], mu[last], theta[last])
        if last == i:
            break
        _across(value, agents[last - 1], agents[last], finish)
        last -= 1
        seconds = min(left, threshold) if last == i else length[last]
    _answered_before(value, _all_busy(agents[i]))
    return value


@njit(cache=True, nogil=True)
def _unchanged(i: int, threshold: float, length: Floats, agents: Floats, mu: Floats, theta: Floats) -> bool:  # pragma: no cover - compiled
    """Whether staffing and rates stay as they are until the last who come in interval i have waited for the threshold."""
    ahead, other = 0.0, i + 1
    while other < length.size and ahead < threshold:
        if agents[other] != agents[i] or mu[other] != mu[i] or theta[other] != theta[i]:
            return False
        ahead += length[other]
        other += 1
    return True


@njit(cache=True, nogil=True)
def _next_border(i: int, seconds: float, length: Floats) -> float:  # pragma: no cover - compiled
    """The first end of an interval later than so many seconds after the beginning of interval i; infinite after the last."""
    border = 0.0
    for other in range(i, length.size):
        border += length[other]
        if border > seconds * (1.0 + 1e-12):
            return float(border)
    return np.inf


@njit(cache=True, nogil=True)
def _count_within(spent: Floats, arrivals: float, lines: float, value: Floats, out: Floats) -> None:  # pragma: no cover - compiled
    for k in range(spent.size):
        if k < lines:
            place = min(k, value.shape[1] - 1)
            out[3] += arrivals * spent[k] * value[0, place]
            out[4] += arrivals * spent[k] * value[1, place]


@njit(cache=True, nogil=True)
def follow(  # pragma: no cover - compiled; checked against the matrix exponential and the simulation in the tests
    start: Floats,
    arrivals: Floats,
    agents: Floats,
    mu: Floats,
    theta: Floats,
    first: Floats,
    lines: Floats,
    length: Floats,
    threshold: Floats,
    finish: bool,
) -> Floats:
    """Follow one queue through its intervals.

    Parameters
    ----------
    start : array of float
        Probability of states 0, 1, … when the first interval begins.
    arrivals, agents, mu, theta, first, lines, length, threshold : array of float
        For each interval: arrival rate [1/s], agents, service rate [1/s], abandonment rate [1/s], rate of leaving state 1 [1/s] (``mu``
        for whole numbers of agents; with none it does not matter), places in all, length [s], and the waiting time that still counts as in
        time [s] (NaN: not asked for).
    finish : bool
        Whether an agent whose duty ends finishes the contact in hand.

    Returns
    -------
    numpy.ndarray
        One row for each interval, one column for each of `MEASURES`.

    Examples
    --------
    Ten contacts a minute for a minute, each takes a minute, and 100 agents: all are answered.

    >>> one = np.ones(1)
    >>> row = follow(one, one / 6, 100 * one, one / 60, 0 * one, one / 60, np.inf * one, 60 * one, np.nan * one, True)[0]
    >>> round(float(row[MEASURES.index("answered")]), 9)
    10.0
    """
    count = length.size
    out = np.zeros((count, 12))
    hi = start.size - 1
    while hi > 0 and start[hi] == 0.0:
        hi -= 1
    lo = 0
    while lo < hi and start[lo] == 0.0:
        lo += 1
    state = (start.copy(), np.zeros(start.size), np.zeros(start.size))
    waiting, ages = [np.empty(0)], [np.empty(0)]
    for i in range(count):
        rates = (agents[i], mu[i], theta[i], first[i])
        n, row, lam = agents[i], out[i], arrivals[i]
        p = state[0]
        if i:
            p, lo, hi = _change(p, lo, hi, agents[i - 1], n, finish)
        state = (p, np.zeros(p.size), np.zeros(p.size))
        flows = np.zeros((3, 2))
        limit = threshold[i]
        asked = not np.isnan(limit)
        alike = asked and _unchanged(i, limit, length, agents, mu, theta)
        calm = length[i] if alike or not asked else max(length[i] - limit, 0.0)
        spent = np.zeros(1)
        if calm > 0.0:
            state, lo, hi, spent = _go_on(state, lo, hi, lam, rates, lines[i], calm, flows)
            if asked:
                top = spent.size - 1
                while top > 0 and spent[top] <= _TAIL * calm:
                    top -= 1
                only = slice(i, i + 1)
                value = _expected_within(0, limit, limit, top, length[only], agents[only], mu[only], theta[only], finish)
                _count_within(spent, lam, lines[i], value, row)
        at = calm
        while at < length[i]:  # those whose threshold ends after the border: by quadrature over their arrival, piece by piece
            until = min(_next_border(i, at + limit, length) - limit, length[i])
            quickest = lam + max(n * mu[i], agents[i + 1] * mu[i + 1]) + theta[i]
            node, weight = _gauss(int(8 + 3 * np.sqrt(quickest * (until - at))))
            begin = at
            for x in range(node.size + 1):
                to = begin + (until - begin) * node[x] if x < node.size else until
                state, lo, hi, piece = _go_on(state, lo, hi, lam, rates, lines[i], to - at, flows)
                spent = _grown(spent, piece.size)
                for k in range(piece.size):
                    spent[k] += piece[k]
                at = to
                if x < node.size:
                    value = _expected_within(i, length[i] - at, limit, hi, length, agents, mu, theta, finish)
                    _count_within(state[0], lam * weight[x] * (until - begin), lines[i], value, row)
        m = _all_busy(n)
        for k in range(spent.size):
            row[8] += (first[i] / mu[i] if k == 1 and m > 0 else _in_hand(float(k), n)) * spent[k]
            row[9] += max(k - m, 0) * spent[k]
            if k >= lines[i]:
                row[2] += lam * spent[k]
                continue
            row[11] += lam * spent[k]
            row[0 if k < m else 5] += lam * spent[k]
        for k in range(lo, hi + 1):
            row[10] += max(k - m, 0) * state[0][k]
        row[0] += flows[1, 0]
        row[1] += flows[1, 1]
        row[6] += flows[2, 0]
        row[7] += flows[2, 1]
        waiting.append(state[1][: hi + 1].copy())
        ages.append(state[2][: hi + 1].copy())
    last = count - 1
    value = np.zeros((4, max(waiting[count].size, waiting[last].size)))
    _settled(value.shape[1] - 1, agents[last], mu[last], theta[last], value)
    for i in range(last, -1, -1):
        here, aged, row = waiting[i + 1], ages[i + 1], out[i]
        size = max(here.size, waiting[i].size)
        known = value.shape[1]
        wide = np.empty((4, size))
        for j in range(size):  # beyond what was followed there is no probability: the outermost stands for it
            for kind in range(4):
                wide[kind, j] = value[kind, min(j, known - 1)]
        if i < last:
            _across(wide, agents[i], agents[i + 1], finish)
        for j in range(here.size):
            row[0] += here[j] * wide[0, j]
            row[1] += here[j] * wide[1, j]
            row[6] += aged[j] * wide[0, j] + here[j] * wide[2, j]
            row[7] += aged[j] * wide[1, j] + here[j] * wide[3, j]
        if i:
            size = max(waiting[i].size, 1)
            value = np.empty((4, size))
            for j in range(size):
                for kind in range(4):
                    value[kind, j] = wide[kind, j]
            _go_back(value, size - 1, length[i], agents[i], mu[i], theta[i])
    return out
