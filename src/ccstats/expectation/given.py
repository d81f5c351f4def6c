"""What chance alone makes of the contacts that came, the agents who were there and the time the contacts took: many outcomes, compiled.

`simulated` asks what a plan will bring: how many contacts come is part of the chance. Here the count of every interval is known, and so is
its mean handle time; only when in the interval they came, which of them took long, and how long each was ready to wait is drawn again.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from ccstats.expectation.expected import Rows, handle_times

__all__ = ["simulate_given"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: So many outcomes have a stream of random numbers of their own, so that they are the same on any number of cores.
_TOGETHER = 5

_COUNTED = ("answered", "abandoned", "answered_within", "abandoned_within", "abandoned_short")


def simulate_given(
    rows: Rows, fixed: Ints, *, replications: int, rng: np.random.Generator, ring_s: ArrayLike = 0.0
) -> dict[str, NDArray[Any]]:
    """Counts of simulated outcomes of the same contacts and agents.

    Parameters
    ----------
    rows : Rows
        Known ones, with their runs; ``offered`` are whole numbers of contacts, and ``agents`` may be fractional.
    fixed : numpy.ndarray of int
        So many contacts of each interval, the first to be answered, take ``aht_s`` in the mean exactly; all others take it in expectation.
        [contacts]
    replications : int
        Outcomes to draw.
    rng : numpy.random.Generator
        Where the randomness comes from.
    ring_s : array of float or float
        How long the phone rings before an answer, in the mean of each interval: part of the wait, and the agent is taken meanwhile. [s]

    Returns
    -------
    dict of str to numpy.ndarray
        ``offered``, ``answered``, ``abandoned``, ``answered_within``, ``abandoned_within``, ``abandoned_short`` and ``reached_threshold``,
        outcomes × intervals. Intervals of no run have zeros. Contacts that neither met an agent nor gave up are in ``offered`` only.

    Notes
    -----
    Given their number the arrivals of a Poisson process are independent and uniform; given their sum, exponential handle times are the gaps
    between uniform points [1]_. First come, first served; exponential patience. Part of an agent is there in one piece: at the beginning of
    the interval where agents are getting fewer (before, now, after), at its end where they are getting more, else anywhere in it. An agent
    who leaves hands the contact in hand to the next who is free, so that exactly the measured seconds are worked. A run begins empty; the
    whole agents of its last interval stay for whoever still waits.

    References
    ----------
    .. [1] L. Devroye (1986), Non-Uniform Random Variate Generation, chapter V, theorems 2.1 and 2.2.

    Examples
    --------
    >>> one = np.ones(1)
    >>> rows = Rows(100 * one, 12 * one, 180 * one, 1800 * one, np.inf * one, 20 * one, np.nan * one, np.zeros(1, dtype=int))
    >>> drawn = simulate_given(rows, np.array([100]), replications=3, rng=np.random.default_rng(1))
    >>> drawn["answered"].tolist()
    [[100], [100], [100]]
    """
    counts = np.zeros((replications, len(rows.offered), len(_COUNTED)), dtype=np.int32)
    offered, ring = np.rint(rows.offered).astype(np.int64), np.broadcast_to(np.asarray(ring_s, dtype="float64"), rows.offered.shape)
    taken = handle_times(rows) + ring
    threshold, short = (np.nan_to_num(each, nan=-np.inf) for each in (rows.threshold_s, rows.short_s))
    own, soon, runs = np.minimum(fixed, offered), threshold - ring, list(zip(*_ends(rows.run), strict=True))

    def play(begin: int, stream: np.random.Generator) -> None:
        for low, high in runs:
            part = slice(low, high)
            _play(
                offered[part],
                own[part],
                rows.agents[part],
                taken[part],
                rows.patience_s[part],
                soon[part],
                threshold[part],
                short[part],
                float(rows.interval_s[low]),
                stream,
                counts[begin : begin + _TOGETHER],
                low,
            )

    begins = range(0, replications, _TOGETHER)
    if len(begins) < 2:
        play(0, rng)
    else:  # the simulation lets go of the interpreter: outcomes share the cores
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(play, begins, rng.spawn(len(begins))))
    made: dict[str, NDArray[Any]] = {name: counts[:, :, place] for place, name in enumerate(_COUNTED)}
    made["offered"] = np.broadcast_to(np.where(rows.run >= 0, offered, 0), counts.shape[:2])
    made["reached_threshold"] = made["offered"] - made["answered_within"] - made["abandoned_within"]
    return made


def _ends(run: Ints) -> tuple[Ints, Ints]:
    """First interval of each run, and the one after its last."""
    place = np.flatnonzero(run >= 0)
    _, first, size = np.unique(run[place], return_index=True, return_counts=True)
    return place[first], place[first] + size


@njit(cache=True, nogil=True)
def _play(  # pragma: no cover - compiled; checked against a plain loop and against Erlang A in the tests
    offered: Ints,
    fixed: Ints,
    agents: Floats,
    aht: Floats,
    patience: Floats,
    soon: Floats,
    threshold: Floats,
    short: Floats,
    length: float,
    rng: Any,
    counts: NDArray[np.int32],
    first: int,
) -> None:
    """Outcomes of one run, counted in ``counts`` (outcomes × intervals × answered, abandoned, …) from interval ``first`` on."""
    steps, size = offered.size, offered.sum()
    begin = np.zeros(steps + 1, dtype=np.int64)
    begin[1:] = np.cumsum(offered)
    cell = np.repeat(np.arange(steps), offered)
    arrival, handle, patient = np.empty(size), np.empty(size), np.empty(size)
    change_at, duty = np.empty(3 * steps), np.empty(3 * steps, dtype=np.int64)
    for outcome in range(counts.shape[0]):
        for step in range(steps):
            _draw_contacts(arrival, handle, patient, begin[step], begin[step + 1], fixed[step], aht[step], patience[step], rng)
            for each in range(begin[step], begin[step + 1]):
                arrival[each] = (step + arrival[each]) * length
            before = agents[step - 1] if step > 0 else 0.0
            after = agents[step + 1] if step + 1 < steps else 0.0
            whole = int(agents[step] + 1e-9)
            part = max(agents[step] - whole, 0.0)
            free = rng.random() * (1 - part)
            if before > agents[step] > after:
                free = 0.0
            elif before < agents[step] < after:
                free = 1 - part
            change_at[3 * step], duty[3 * step] = step * length, whole
            change_at[3 * step + 1], duty[3 * step + 1] = (step + free) * length, whole + (part > 0)
            change_at[3 * step + 2], duty[3 * step + 2] = (step + free + part) * length, whole
        mine = counts[outcome, first : first + steps]
        _serve(arrival, handle, patient, cell, begin[:-1].copy(), change_at, duty, soon, threshold, short, mine)


@njit(cache=True, nogil=True)
def _draw_contacts(  # pragma: no cover - compiled
    arrival: Floats, handle: Floats, patient: Floats, low: int, high: int, fixed: int, aht: float, patience: float, rng: Any
) -> None:
    """Arrivals in order, in parts of the interval; handle times, ``fixed`` of them ``aht`` in the mean; patience."""
    gaps, taken = 0.0, 0.0
    for each in range(low, high):
        gaps += rng.standard_exponential()
        arrival[each] = gaps
        handle[each] = rng.standard_exponential()
        if each < low + fixed:
            taken += handle[each]
        patient[each] = np.inf if patience == np.inf else patience * rng.standard_exponential()
    gaps += rng.standard_exponential()
    for each in range(low, high):
        arrival[each] /= gaps
        handle[each] *= aht * fixed / taken if each < low + fixed else aht


@njit(cache=True, nogil=True)
def _serve(  # pragma: no cover - compiled
    arrival: Floats,
    handle: Floats,
    patient: Floats,
    cell: Ints,
    taken: Ints,
    change_at: Floats,
    duty: Ints,
    soon: Floats,
    threshold: Floats,
    short: Floats,
    counts: NDArray[np.int32],
) -> None:
    """What becomes of the contacts, counted.

    ``taken``: number of each interval's next handle time, given out in the order of answers; ``soon``: an agent found within it answers in
    time.
    """
    most = duty.max() if duty.size else 0
    ends, in_hand = np.empty(most + 1), np.empty(most + 1)  # when busy agents become free (a heap); work that was left over
    busy, left, on, change, head, tail = 0, 0, 0, 0, 0, 0
    while head < arrival.size:
        next_change = change_at[change] if change < change_at.size else np.inf
        next_free = ends[0] if busy > 0 else np.inf
        next_arrival = arrival[tail] if tail < arrival.size else np.inf
        now = min(next_change, next_free, next_arrival)
        if next_change == now and now < np.inf:
            on = duty[change]
            change += 1
            while busy > on:
                busy -= 1
                in_hand[left] = ends[busy] - now
                left += 1
        elif next_free == now and now < np.inf:
            busy -= 1
            if busy > 0:
                _sink(ends, busy, ends[busy])
        elif now < np.inf:
            tail += 1
        else:  # nobody is there any more
            on = 0
            now = np.inf
            tail = arrival.size
        while busy < on and left > 0:
            left -= 1
            _rise(ends, busy, now + in_hand[left])
            busy += 1
        while head < tail and (busy < on or now == np.inf):
            step = cell[head]
            wait = now - arrival[head]
            if wait <= patient[head] and now < np.inf:
                _rise(ends, busy, now + handle[taken[step]])
                taken[step] += 1
                busy += 1
                counts[step, 0] += 1
                counts[step, 2] += wait <= soon[step]
            elif patient[head] < np.inf:
                counts[step, 1] += 1
                counts[step, 3] += patient[head] <= threshold[step]
                counts[step, 4] += patient[head] <= short[step]
            head += 1


@njit(cache=True, nogil=True)
def _rise(heap: Floats, size: int, value: float) -> None:  # pragma: no cover - compiled
    """A value added to a heap of ``size``, the smallest on top."""
    at = size
    while at > 0 and heap[(at - 1) // 2] > value:
        heap[at] = heap[(at - 1) // 2]
        at = (at - 1) // 2
    heap[at] = value


@njit(cache=True, nogil=True)
def _sink(heap: Floats, size: int, value: float) -> None:  # pragma: no cover - compiled
    """The top of a heap of ``size`` replaced by another value."""
    at = 0
    while 2 * at + 1 < size:
        below = 2 * at + 1
        if below + 1 < size and heap[below + 1] < heap[below]:
            below += 1
        if heap[below] >= value:
            break
        heap[at] = heap[below]
        at = below
    heap[at] = value
