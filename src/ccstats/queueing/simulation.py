"""Event simulation of queues with agents who come and go: arrays in, arrays out, the loop compiled.

One queue, one skill, first come first served. An agent whose duty ends finishes the contact in hand; the contact goes to the agent who
has been idle longest. Everything random (arrivals, handle times, patience) is drawn outside and handed in, so that a run can be repeated,
shared with another model, or checked against a plain loop, contact by contact.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError

__all__ = ["Simulated", "arrival_times", "simulate_queue", "simulate_queues"]

Floats = NDArray[np.float64]


class Simulated(NamedTuple):
    """What became of every contact, in the order the contacts were given.

    Attributes
    ----------
    offered_s : numpy.ndarray
        When an agent was taken and the phone began to ring; NaN where none was. [s]
    start_s : numpy.ndarray
        When the agent answered; NaN where none did. [s]
    wait_s : numpy.ndarray
        From arrival to the answer or to giving up; NaN where neither happened. [s]
    end_s : numpy.ndarray
        When the agent was free again, or the contact had left; NaN where neither happened. [s]
    abandoned : numpy.ndarray
        Whether the contact gave up.
    agent : numpy.ndarray
        Number of the agent taken (0, 1, …); -1 where none was. One who gave up while it rang has an agent but no ``start_s``.

    Examples
    --------
    >>> run = simulate_queue([0.0, 10.0], 60.0, agents=[1], interval_s=600.0)
    >>> run.agent.tolist()
    [0, 0]
    """

    offered_s: Floats
    start_s: Floats
    wait_s: Floats
    end_s: Floats
    abandoned: NDArray[np.bool_]
    agent: NDArray[np.int64]


def arrival_times(expected: ArrayLike, *, interval_s: float, seed: int | np.random.Generator) -> Floats:
    """Arrival times of a Poisson process whose rate is constant within each interval.

    Parameters
    ----------
    expected : array of float
        Expected contacts in each interval. [contacts]
    interval_s : float
        Length of an interval; the first begins at 0. [s]
    seed : int or numpy.random.Generator
        Where the randomness comes from; the same seed gives the same arrivals.

    Returns
    -------
    numpy.ndarray
        Arrival times in ascending order; empty where nothing is expected. [s]

    Raises
    ------
    OptionError
        If an expectation is negative or not finite, or the interval is not positive.

    Notes
    -----
    The number in an interval is Poisson, and given the number the times are independent and uniform: the same law as thinning a faster
    process, without drawing what is thrown away (Lewis & Shedler 1979).

    Examples
    --------
    Ten contacts in the first half-hour, none in the second, forty in the third:

    >>> times = arrival_times([10, 0, 40], interval_s=1800.0, seed=1)
    >>> bool(((times < 1800) | (times >= 3600)).all())
    True
    """
    mean = np.atleast_1d(np.asarray(expected, dtype="float64"))
    if mean.ndim != 1 or not np.isfinite(mean).all() or (mean < 0).any():
        raise OptionError("expected= must be one row of finite numbers, none negative: the contacts expected in each interval")
    length = _positive(interval_s, "interval_s")
    rng = np.random.default_rng(seed)
    interval = np.repeat(np.arange(len(mean)), rng.poisson(mean))
    return np.sort((interval + rng.random(len(interval))) * length)


def simulate_queue(
    arrival_s: ArrayLike,
    handle_s: ArrayLike,
    patience_s: ArrayLike = np.inf,
    *,
    agents: ArrayLike,
    interval_s: float,
    ring_s: ArrayLike = 0.0,
) -> Simulated:
    """What becomes of each contact of one queue, given who is on duty when.

    Parameters
    ----------
    arrival_s : array of float
        When each contact joins the queue, ascending. [s]
    handle_s : array of float or float
        How long it keeps an agent from the answer on: talk, hold and wrap-up together. [s]
    patience_s : array of float or float
        How long it waits before it gives up; ``inf`` never does. [s]
    agents : array of int, or array of bool (agents × intervals)
        How many agents are on duty in each interval (number ``k`` is when more than ``k`` are), or who is. Nobody is on duty outside the
        intervals. [agents]
    interval_s : float
        Length of an interval; the first begins at 0. [s]
    ring_s : array of float or float
        How long the agent's phone rings before the answer; part of the wait, and the agent is taken meanwhile. [s]

    Returns
    -------
    Simulated
        A contact that neither meets an agent nor loses patience has NaN in all times.

    Raises
    ------
    OptionError
        If the arrays do not fit together, or hold what cannot be (descending arrivals, negative durations).

    Notes
    -----
    At the same instant duties change first, then agents become free, then a contact arrives. A contact whose patience ends at the very
    instant an agent is found is still served. Agents on duty past the end of their last interval finish the contact in hand.

    Examples
    --------
    One agent, each contact takes a minute, and the third caller waits no longer than 30 seconds:

    >>> run = simulate_queue([0.0, 10.0, 20.0], 60.0, [300.0, 300.0, 30.0], agents=[1], interval_s=600.0)
    >>> run.wait_s.tolist(), run.abandoned.tolist()
    ([0.0, 50.0, 30.0], [False, False, True])
    """
    arrival = np.atleast_1d(np.asarray(arrival_s, dtype="float64"))
    if arrival.ndim != 1 or not np.isfinite(arrival).all() or (np.diff(arrival) < 0).any():
        raise OptionError("arrival_s= must be one row of finite times in ascending order; sort the contacts by arrival")
    handle = _per_contact(handle_s, "handle_s", len(arrival), finite=True)
    patience = _per_contact(patience_s, "patience_s", len(arrival), finite=False)
    ring = _per_contact(ring_s, "ring_s", len(arrival), finite=True)
    at, who, on, count = _duty_changes(np.asarray(agents), _positive(interval_s, "interval_s"))
    offered, agent = _serve(arrival, handle, patience, ring, at, who, on, count)
    gives_up = arrival + patience
    answered = offered + ring <= gives_up  # NaN compares as False
    start = np.where(answered, offered + ring, np.nan)
    abandoned = ~answered & np.isfinite(gives_up)
    wait = np.where(abandoned, patience, start - arrival)
    end = np.where(abandoned, gives_up, start + handle)
    return Simulated(offered, start, wait, end, abandoned, agent)


def simulate_queues(
    queue: ArrayLike,
    arrival_s: ArrayLike,
    handle_s: ArrayLike,
    patience_s: ArrayLike = np.inf,
    *,
    agents: ArrayLike,
    interval_s: float,
    ring_s: ArrayLike = 0.0,
) -> Simulated:
    """What becomes of each contact of many queues that share no agents: `simulate_queue` for each, in one call.

    Parameters
    ----------
    queue : array of int
        The queue of each contact: a row of ``agents``.
    arrival_s : array of float
        When each contact joins its queue, in any order. [s]
    handle_s, patience_s, ring_s : array of float or float
        As for `simulate_queue`. [s]
    agents : array of int (queues × intervals)
        How many agents are on duty in each queue and interval. [agents]
    interval_s : float
        Length of an interval. [s]

    Returns
    -------
    Simulated
        In the order given; agents are numbered within their queue.

    Raises
    ------
    OptionError
        If the arrays do not fit together.

    Examples
    --------
    >>> run = simulate_queues([0, 1, 0], [0.0, 0.0, 5.0], 60.0, agents=[[1], [0]], interval_s=600.0)
    >>> run.wait_s.tolist()
    [0.0, nan, 55.0]
    """
    row, staff = np.atleast_1d(np.asarray(queue)), np.asarray(agents)
    arrival = np.atleast_1d(np.asarray(arrival_s, dtype="float64"))
    if staff.ndim != 2 or row.shape != arrival.shape or (row.size and not ((row >= 0) & (row < len(staff))).all()):
        raise OptionError(f"queue= must name a row of agents= (0 to {len(staff) - 1}) for each of the {arrival.size} arrivals")
    size = len(arrival)
    times = [_per_contact(handle_s, "handle_s", size, finite=True), _per_contact(patience_s, "patience_s", size, finite=False)]
    ring = _per_contact(ring_s, "ring_s", size, finite=True)
    order = np.lexsort((arrival, row))
    cuts = np.searchsorted(row[order], np.arange(len(staff) + 1))
    blank = np.full((4, size), np.nan)
    out = Simulated(blank[0], blank[1], blank[2], blank[3], np.zeros(size, dtype=bool), np.full(size, -1))
    for number in range(len(staff)):
        rows = order[cuts[number] : cuts[number + 1]]
        part = simulate_queue(
            arrival[rows], *(each[rows] for each in times), agents=staff[number], interval_s=interval_s, ring_s=ring[rows]
        )
        for whole, piece in zip(out, part, strict=True):
            whole[rows] = piece
    return out


def _positive(value: float, name: str) -> float:
    if not (np.isfinite(value) and value > 0):
        raise OptionError(f"{name}={value!r} must be a positive number of seconds")
    return float(value)


def _per_contact(values: ArrayLike, name: str, size: int, *, finite: bool) -> Floats:
    out = np.asarray(values, dtype="float64")
    if out.shape not in ((), (size,)):
        raise OptionError(f"{name}= has shape {out.shape}; expected one number, or one for each of the {size} contacts")
    if np.isnan(out).any() or (out < 0).any() or (finite and np.isinf(out).any()):
        raise OptionError(f"{name}= must hold durations in seconds, none negative or missing" + (", none infinite" if finite else ""))
    return np.ascontiguousarray(np.broadcast_to(out, (size,)))


def _duty_changes(agents: NDArray[Any], interval_s: float) -> tuple[Floats, NDArray[np.int64], NDArray[np.bool_], int]:
    """When, who and whether on: every change of duty in time order, at one instant by agent."""
    if agents.ndim == 2 and agents.dtype == bool:
        duty = agents
    elif agents.ndim == 1 and np.issubdtype(agents.dtype, np.number) and (agents >= 0).all() and (agents == np.floor(agents)).all():
        duty = np.arange(int(agents.max(initial=0)))[:, None] < agents[None, :]
    else:
        raise OptionError("agents= must be whole numbers of agents, one for each interval, or an array of bool (agents × intervals)")
    steps = np.diff(duty.astype("int8"), axis=1, prepend=0, append=0)
    who, when = np.nonzero(steps)
    on = steps[who, when] > 0
    order = np.argsort(when, kind="stable")
    return (when[order] * interval_s).astype("float64"), who[order].astype("int64"), on[order], len(duty)


@njit(cache=True, nogil=True)
def _serve(  # pragma: no cover - compiled; checked against a plain loop in the tests
    arrival: Floats,
    handle: Floats,
    patience: Floats,
    ring: Floats,
    change_at: Floats,
    change_agent: NDArray[np.int64],
    change_on: NDArray[np.bool_],
    count: int,
) -> tuple[Floats, NDArray[np.int64]]:
    """When an agent was taken for each contact, and which.

    Those who give up are not events: whoever has lost patience is passed over when the turn comes, which changes nothing for the others.
    The idle agents are a linked list (``after``, ``before``; place ``count`` is both ends), so that one who leaves is unhooked at once.
    """
    offered = np.full(arrival.size, np.nan)
    agent = np.full(arrival.size, -1, dtype=np.int64)
    on_duty = np.zeros(count, dtype=np.bool_)
    taken = np.zeros(count, dtype=np.bool_)
    after = np.full(count + 1, count, dtype=np.int64)
    before = np.full(count + 1, count, dtype=np.int64)
    busy = [(0.0, 0)]
    busy.pop()
    change, head, tail = 0, 0, 0
    while True:
        next_change = change_at[change] if change < change_at.size else np.inf
        next_free = busy[0][0] if len(busy) > 0 else np.inf
        next_arrival = arrival[tail] if tail < arrival.size else np.inf
        now = min(next_change, next_free, next_arrival)
        if now == np.inf:
            return offered, agent
        who = -1
        if next_change == now:
            who = change_agent[change]
            on_duty[who] = change_on[change]
            change += 1
            if taken[who]:
                who = -1
            elif not on_duty[who]:
                after[before[who]], before[after[who]] = after[who], before[who]
                who = -1
        elif next_free == now:
            who = heappop(busy)[1]
            taken[who] = False
            if not on_duty[who]:
                who = -1
        else:
            tail += 1
        if who >= 0:  # idle from now on: last in the list
            last = before[count]
            after[last], before[who], after[who], before[count] = who, last, count, who
        while head < tail and after[count] != count:
            if now <= arrival[head] + patience[head]:
                who = after[count]
                after[count], before[after[who]] = after[who], count
                taken[who] = True
                offered[head] = now
                agent[head] = who
                gives_up = arrival[head] + patience[head]
                heappush(busy, (now + ring[head] + handle[head] if now + ring[head] <= gives_up else gives_up, who))
            head += 1
