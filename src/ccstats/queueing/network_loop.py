"""The event loop of `ccstats.queueing.network`, compiled: who meets whom, and when.

The idle agents of a group and the contacts waiting in a queue are linked lists (``after``, ``before``; the places behind the last node are
the ends of the lists), so that one who leaves from the middle is unhooked at once. Arrivals and changes of duty come sorted; everything
else that will happen is in one heap of (instant, kind, who).
"""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["ABANDONED", "ANSWERED", "BLOCKED", "CALLBACK", "WAITING", "run_events"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

#: What became of an attempt.
WAITING, ANSWERED, ABANDONED, BLOCKED, CALLBACK = range(5)

#: What can happen, in the order in which it does at one instant; changes of duty come before all of it.
_HANGS_UP, _FREE, _OPENS, _ARRIVES, _RETURNS, _LEAVES = range(6)


@njit(cache=True, nogil=True)
def _unhook(after: Ints, before: Ints, node: int) -> None:  # pragma: no cover - compiled
    after[before[node]], before[after[node]] = after[node], before[node]


@njit(cache=True, nogil=True)
def _hook(after: Ints, before: Ints, node: int, last: int) -> None:  # pragma: no cover - compiled
    """Put ``node`` behind ``last``."""
    following = after[last]
    after[last], before[node], after[node], before[following] = node, last, following, node


@njit(cache=True, nogil=True)
def run_events(  # pragma: no cover - compiled; checked against a plain simulation in the tests
    queue: Ints,
    arrival: Floats,
    handle: Floats,
    wrap: Floats,
    ring: Floats,
    patience: Floats,
    retrial: Floats,
    callback: Floats,
    callback_delay: Floats,
    keeps_place: bool,
    group: Ints,
    preference: Ints,
    opens: Floats,
    levels: Floats,
    priority: Ints,
    head_start: Floats,
    lines: Floats,
    total_lines: float,
    change_at: Floats,
    change_agent: Ints,
    change_on: Flags,
    capacity: int,
) -> tuple[Ints, Ints, Floats, Floats, Ints, NDArray[np.int8]]:
    """Contact, attempt (from 0), arrival, instant offered, agent and outcome of every attempt; the first attempts come first, as given.

    ``arrival`` ascends; ``patience`` and ``retrial`` are contacts × attempts; ``levels`` holds for each queue the waits at which it
    opens to further groups, ascending, filled up with infinity; ``capacity`` is the largest number of attempts there can be.
    """
    size, count, groups, queues = arrival.size, group.size, preference.shape[0], preference.shape[1]
    contact = np.zeros(capacity, dtype=np.int64)
    attempt = np.zeros(capacity, dtype=np.int64)
    came = np.zeros(capacity)
    contact[:size] = np.arange(size)
    came[:size] = arrival
    since = came.copy()
    gives_up = np.full(capacity, np.inf)
    is_callback = np.zeros(capacity, dtype=np.bool_)
    waits = np.zeros(capacity, dtype=np.bool_)
    offered = np.full(capacity, np.nan)
    taken_by = np.full(capacity, -1, dtype=np.int64)
    outcome = np.zeros(capacity, dtype=np.int8)
    behind = np.arange(capacity + queues)
    ahead = np.arange(capacity + queues)
    on_duty = np.zeros(count, dtype=np.bool_)
    taken = np.zeros(count, dtype=np.bool_)
    idle_no = np.zeros(count, dtype=np.int64)
    after = np.arange(count + groups)
    before = np.arange(count + groups)
    held = np.zeros(queues)
    events = [(0.0, 0, 0)]
    events.pop()
    used, change, tail, turns = size, 0, 0, 0
    while True:
        next_change = change_at[change] if change < change_at.size else np.inf
        next_arrival = arrival[tail] if tail < size else np.inf
        now = min(next_change, next_arrival)
        pending = len(events) > 0 and events[0][0] <= now
        if pending:
            pending = events[0][0] < next_change and (events[0][0] < next_arrival or events[0][1] < _ARRIVES)
        if not pending and now == np.inf:
            return contact[:used], attempt[:used], came[:used], offered[:used], taken_by[:used], outcome[:used]
        who, record, left = -1, -1, -1  # an agent in search of a contact, a contact in search of an agent, one who leaves unserved
        left_at = now
        if not pending and next_change == now:
            who = change_agent[change]
            on_duty[who] = change_on[change]
            change += 1
            if taken[who]:
                who = -1
            elif not on_duty[who]:
                _unhook(after, before, who)
                who = -1
        else:
            if pending:
                now, kind, which = heappop(events)
            else:
                kind, which = _ARRIVES, tail
                tail += 1
            if kind == _FREE:
                taken[which] = False
                if on_duty[which]:
                    who = which
            elif kind == _HANGS_UP:
                held[queue[contact[which]]] -= 1
            elif kind == _OPENS:
                if waits[which]:
                    record = which
            elif kind == _LEAVES:
                if waits[which]:
                    waits[which] = False
                    _unhook(behind, ahead, which)
                    c = contact[which]
                    held[queue[c]] -= 1
                    left, left_at = which, now
                    if came[which] + callback[c] <= gives_up[which]:
                        outcome[which] = CALLBACK
                    else:
                        outcome[which] = ABANDONED
            else:
                record = which
                c = contact[which]
                q = queue[c]
                if not is_callback[which]:
                    gives_up[which] = came[which] + patience[c, min(attempt[which], patience.shape[1] - 1)]
                    if held[q] >= lines[q] or (total_lines < np.inf and held.sum() >= total_lines):
                        outcome[which] = BLOCKED
                        left, left_at, record = which, now, -1
                    else:
                        held[q] += 1

        if who >= 0:
            # the contact of the first priority, then of the agent's first choice, then the one who has waited longest
            g = group[who]
            best = -1
            for q in range(queues):
                head = behind[capacity + q]
                if preference[g, q] > 0 and head < capacity and now >= since[head] + opens[g, q]:
                    if best >= 0:
                        b = queue[contact[best]]
                        worse = priority[q] - priority[b]
                        if worse == 0:
                            worse = preference[g, q] - preference[g, b]
                        if worse > 0 or (worse == 0 and since[head] - head_start[q] >= since[best] - head_start[b]):
                            continue
                    best = head
            if best < 0:
                turns += 1
                idle_no[who] = turns
                _hook(after, before, who, before[count + g])
            else:
                record = best
                waits[record] = False
                _unhook(behind, ahead, record)
        elif record >= 0:
            # the agent whose first choice the queue is, then the one who has been idle longest
            q = queue[contact[record]]
            for g in range(groups):
                first = after[count + g]
                if preference[g, q] > 0 and first < count and now >= since[record] + opens[g, q]:
                    if who >= 0:
                        worse = preference[g, q] - preference[group[who], q]
                        if worse > 0 or (worse == 0 and idle_no[first] > idle_no[who]):
                            continue
                    who = first
            if who >= 0:
                _unhook(after, before, who)
                if waits[record]:
                    waits[record] = False
                    _unhook(behind, ahead, record)
            else:
                if not waits[record]:
                    waits[record] = True
                    last = ahead[capacity + q]
                    while last < capacity and since[last] > since[record]:  # only one who is called back passes others
                        last = ahead[last]
                    _hook(behind, ahead, record, last)
                    if not is_callback[record]:
                        leaves = min(gives_up[record], came[record] + callback[contact[record]])
                        if leaves < np.inf:
                            heappush(events, (leaves, _LEAVES, record))
                for level in levels[q]:
                    if since[record] + level > now:
                        if level < np.inf:
                            heappush(events, (since[record] + level, _OPENS, record))
                        break
                record = -1

        if who >= 0 and record >= 0:
            c = contact[record]
            taken[who] = True
            offered[record] = now
            taken_by[record] = who
            answer = now + ring[c]
            if answer <= gives_up[record]:
                outcome[record] = ANSWERED
                free, hangs_up = answer + handle[c], answer + handle[c] - wrap[c]
            else:
                outcome[record] = ABANDONED
                left, left_at = record, gives_up[record]
                free = hangs_up = left_at
            heappush(events, (free, _FREE, who))
            if is_callback[record]:
                held[queue[c]] += 1
            if total_lines < np.inf or lines[queue[c]] < np.inf:
                heappush(events, (hangs_up, _HANGS_UP, record))

        if left >= 0:
            c, k = contact[left], attempt[left]
            comes = np.inf
            if outcome[left] == CALLBACK:
                comes = left_at + callback_delay[c]
            elif k < retrial.shape[1]:
                comes = left_at + retrial[c, k]
            if comes < np.inf:
                contact[used], attempt[used], came[used], since[used] = c, k + 1, comes, comes
                if outcome[left] == CALLBACK:
                    is_callback[used] = True
                    if keeps_place:
                        since[used] = since[left]
                heappush(events, (comes, _RETURNS, used))
                used += 1
