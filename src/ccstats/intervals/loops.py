"""The compiled loops of `ccstats.intervals`: arrays in, arrays out, in whole microseconds, so that sums do not depend on their order.

A *cell* is one queue (and ``by`` group) in one interval. Cells are numbered in the order of the finished table: within a queue by interval,
within an interval by group, so that the cell of group ``g`` in interval ``i`` is ``base[g] + i * stride[g]``. Which cells are used is
kept in a bit mask; a cell's row is the number of bits set before it. The memory needed thus grows with the rows of the result.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from ccstats.intervals.row_loops import ones

__all__ = [
    "ABANDONED",
    "ANSWERED",
    "BOOKED_AS",
    "CALLBACKS",
    "COUNTS",
    "EVENT",
    "FAR",
    "MODES",
    "NEVER",
    "TOTALS",
    "clip_spans",
    "count_contacts",
    "mark_contacts",
    "mark_spans",
    "scan_contacts",
]

#: Untyped, because a type checker cannot follow the arguments that all loops share.
njit: Any = numba.njit

#: Missing instant, and the threshold of a queue that has none.
NEVER = np.iinfo(np.int64).min
#: Stands for the longest wait, plus 1, where one of those who left has none that is known. [µs]
FAR = np.int64(2**62)
#: What an outcome is counted as: its position here; -1 is counted nowhere, -2 is no outcome.
BOOKED_AS = ("answered", "abandoned", "flowed_out", "callbacks", "lost", "open", "unknown", "blocked", "ivr_abandoned")
ANSWERED, ABANDONED, CALLBACKS, OPEN, BLOCKED = 0, 1, 3, 5, 7
MODES = ("queued", "left", "ended", "event")
QUEUED, LEFT, ENDED, EVENT = 0, 1, 2, 3

#: Columns of the array of sums [µs], those that most contacts touch first; ``max_wait_s`` is no sum but 1 µs more than the longest, and the
#: last two are plain numbers. Sums of waits are `NEVER` where one of them is not known.
TOTALS = (
    *("total_wait_s", "max_wait_s", "total_talk_s", "total_hold_s", "total_wrap_s", "total_abandon_wait_s", "total_to_agent_s"),
    *("ring_attempts", "ring_noanswer"),
)
WAIT, MAX_WAIT, TALK, HOLD, WRAP, ABANDON_WAIT, TO_AGENT, ATTEMPTS, NOANSWER = range(len(TOTALS))
#: Columns of the array of counts, likewise; those of a wait histogram follow, answered and abandoned in turn.
COUNTS = (
    *("offered", "answered_within", "reached_threshold", "talk_known", "hold_known", "wrap_known", "held"),
    *BOOKED_AS,
    *("abandoned_short", "abandoned_within", "callback_within", "transferred", "arrival_known", "attempts_known", "noanswer_known"),
)
OFFERED, ANSWERED_WITHIN, REACHED, TALK_KNOWN, HOLD_KNOWN, WRAP_KNOWN, HELD, BOOKED = range(8)
SHORT, ABANDONED_WITHIN, CALLBACK_WITHIN, TRANSFERRED, ARRIVAL_KNOWN, ATTEMPTS_KNOWN, NOANSWER_KNOWN = range(BOOKED + 9, BOOKED + 16)

#: Contacts that are looked at together.
_BLOCK = 128
#: Longer durations [s] are no durations: 317 years.
_TOO_LONG = 1e10


@njit(cache=True, nogil=True)
def _micros(seconds):  # pragma: no cover - compiled
    """Whole microseconds; a missing duration counts nothing, so that who has no wait is booked as if he had not waited."""
    return np.int64(np.rint(seconds * 1e6)) if seconds == seconds else np.int64(0)


@njit(cache=True, nogil=True)
def _moments(r, kind, mode, from_arrival, queued_at, arrived_at, wait_s, talk_s, hold_s, wrap_s, threshold):  # pragma: no cover - compiled
    """When a contact is booked: offered, left, ended, reached the threshold (or `NEVER`); and its wait by the clock chosen [µs]."""
    queued = queued_at[r]
    if kind >= BLOCKED:
        if len(arrived_at) and arrived_at[r] != NEVER:
            queued = arrived_at[r]
        return queued, queued, queued, queued, np.int64(0)
    wait = _micros(wait_s[r])
    left = queued + wait
    start = queued
    if from_arrival and arrived_at[r] != NEVER and arrived_at[r] <= queued:
        start = arrived_at[r]
        wait = left - start
    if mode == QUEUED:
        return queued, queued, queued, queued, wait
    if mode == LEFT:
        return left, left, left, left, wait
    ended = left
    if kind == ANSWERED:
        ended += _micros(talk_s[r]) + _micros(hold_s[r]) + _micros(wrap_s[r])
    if mode == ENDED:
        return ended, ended, ended, ended, wait
    reached = NEVER if threshold == NEVER else max(start + threshold, queued)
    return queued, left, ended, reached, wait


@njit(cache=True, nogil=True)
def _beyond(wait, threshold, inclusive):  # pragma: no cover - compiled
    return wait > threshold or (wait == threshold and not inclusive)


@njit(cache=True, nogil=True)
def scan_contacts(
    group,
    kinds,
    outcome,
    queued_at,
    arrived_at,
    wait_s,
    talk_s,
    hold_s,
    wrap_s,
    thresholds,
    mode,
    from_arrival,
    inclusive,
    seen,
    begin,
    end,
):  # pragma: no cover - compiled
    """First and last instant booked; how many contacts break the schema, lack an arrival, left without a known wait; marks the groups."""
    low, high, bad, unplaced, untold = np.int64(2**62), np.int64(-(2**62)), 0, 0, 0
    for r in range(begin, end):
        if outcome[r] < 0:
            bad += 1
            continue
        kind = kinds[outcome[r]]
        if kind < -1:
            bad += 1
        if wait_s[r] < 0 or talk_s[r] < 0 or hold_s[r] < 0 or wrap_s[r] < 0:
            bad += 1
        if wait_s[r] > _TOO_LONG or talk_s[r] > _TOO_LONG or hold_s[r] > _TOO_LONG or wrap_s[r] > _TOO_LONG:
            bad += 1
        if kind < 0:
            continue
        if kind < BLOCKED:
            if queued_at[r] == NEVER:
                bad += 1
                continue
            untold += kind != OPEN and wait_s[r] != wait_s[r]
            if from_arrival and (arrived_at[r] == NEVER or arrived_at[r] > queued_at[r]):
                unplaced += 1
        elif queued_at[r] == NEVER and (len(arrived_at) == 0 or arrived_at[r] == NEVER):
            bad += 1
            continue
        seen[group[r]] = True
        if mode == QUEUED and kind < BLOCKED:
            low = min(low, queued_at[r])
            high = max(high, queued_at[r])
            continue
        threshold = thresholds[group[r]]
        offered, left, ended, reached, wait = _moments(
            r, kind, mode, from_arrival, queued_at, arrived_at, wait_s, talk_s, hold_s, wrap_s, threshold
        )
        if mode == EVENT and (reached == NEVER or not _beyond(wait, threshold, inclusive)):
            reached = offered
        low = min(low, offered, left, reached)
        high = max(high, offered, ended, reached)
    return low, high, bad, unplaced, untold


@njit(cache=True, nogil=True)
def _add_wait(totals, at, place, wait, known):  # pragma: no cover - compiled
    """Add to a sum of waits that is known as long as all of them are."""
    if not known:
        totals[at, place] = NEVER
    elif totals[at, place] != NEVER:
        totals[at, place] += wait


@njit(cache=True, nogil=True)
def _interval(moment, edges, step):  # pragma: no cover - compiled
    """The interval a moment lies in; a guess is right but for days the clocks changed within an interval."""
    i = np.int64((moment - edges[0]) * (1.0 / step))
    if i > len(edges) - 2:
        i = np.int64(len(edges) - 2)
    while edges[i] > moment:
        i -= 1
    while edges[i + 1] <= moment:
        i += 1
    return i


@njit(cache=True, nogil=True)
def _row(cell, bits, before):  # pragma: no cover - compiled
    """The row of a cell: bits set before it."""
    word = cell >> 6
    below = bits[word] & ((np.uint64(1) << np.uint64(cell & 63)) - np.uint64(1))
    return np.uint64(before[word] + ones(below))  # unsigned: no index from the end, which would be looked for at every use


@njit(cache=True, nogil=True)
def _mark(cell, bits):  # pragma: no cover - compiled
    bits[cell >> 6] |= np.uint64(1) << np.uint64(cell & 63)


@njit(cache=True, nogil=True)
def mark_contacts(
    group, kinds, outcome, queued_at, arrived_at, wait_s, talk_s, hold_s, wrap_s, thresholds, mode, from_arrival, inclusive,
    base, stride, edges, step, bits,
):  # pragma: no cover - compiled  # fmt: skip
    """Set the bit of every cell that something is booked in."""
    for r in range(len(outcome)):
        kind = kinds[outcome[r]]
        if kind < 0:
            continue
        g = group[r]
        offered, left, ended, reached, wait = _moments(
            r, kind, mode, from_arrival, queued_at, arrived_at, wait_s, talk_s, hold_s, wrap_s, thresholds[g]
        )
        _mark(base[g] + stride[g] * _interval(offered, edges, step), bits)
        if mode == EVENT:
            _mark(base[g] + stride[g] * _interval(left, edges, step), bits)
            if kind == ANSWERED:
                _mark(base[g] + stride[g] * _interval(ended, edges, step), bits)
            if reached != NEVER and _beyond(wait, thresholds[g], inclusive):
                _mark(base[g] + stride[g] * _interval(reached, edges, step), bits)


@njit(cache=True, nogil=True)
def count_contacts(
    group, kinds, outcome, queued_at, arrived_at, wait_s, talk_s, hold_s, wrap_s, thresholds, mode, from_arrival, inclusive,
    base, stride, edges, step, bits, before,
    short, steps, transferred, attempts, noanswer, counts, totals, part, parts,
):  # pragma: no cover - compiled  # fmt: skip
    """Add every contact to its cells; of several threads each takes the groups whose number has the bits ``parts`` equal to ``part``.

    Block by block: which contacts, in which rows, then what. Before the last step the rows' memory is asked for, so that what is far away
    comes all together; the sum of what was seen is returned, lest a compiler leave it out.
    """
    mine, rows = np.empty(_BLOCK, dtype=np.int64), np.empty(_BLOCK, dtype=np.uint64)
    waits, lefts, ends, reach = np.empty((4, _BLOCK), dtype=np.int64)
    looked = np.int64(0)
    for start in range(0, len(outcome), _BLOCK):
        size = 0
        for r in range(start, min(start + _BLOCK, len(outcome))):
            mine[size] = r
            size += (group[r] & parts == part) & (kinds[outcome[r]] >= 0)
        for k in range(size):
            r = mine[k]
            g = group[r]
            kind = kinds[outcome[r]]
            if mode == QUEUED and kind < BLOCKED and not from_arrival:  # `_moments` of most contacts, without a call
                offered, waits[k] = queued_at[r], _micros(wait_s[r])
            else:
                offered, lefts[k], ends[k], reach[k], waits[k] = _moments(
                    r, kind, mode, from_arrival, queued_at, arrived_at, wait_s, talk_s, hold_s, wrap_s, thresholds[g]
                )
            rows[k] = _row(base[g] + stride[g] * _interval(offered, edges, step), bits, before)
        for k in range(size):
            looked += counts[rows[k], OFFERED] + counts[rows[k], BOOKED + ABANDONED] + totals[rows[k], WAIT] + totals[rows[k], WRAP]
        for k in range(size):
            r, at, wait = mine[k], rows[k], waits[k]
            g = group[r]
            kind, threshold = kinds[outcome[r]], thresholds[g]
            if kind >= BLOCKED:
                counts[at, BOOKED + kind] += 1
                continue
            counts[at, OFFERED] += 1
            # Who has no known wait is not known to have been within the threshold; beyond it only if he was before he joined.
            known = wait_s[r] == wait_s[r]
            beyond = threshold != NEVER and _beyond(wait, threshold, inclusive)
            within = known and not beyond
            if mode != EVENT:
                counts[at, REACHED] += beyond
            elif beyond:
                counts[_row(base[g] + stride[g] * _interval(reach[k], edges, step), bits, before), REACHED] += 1
            at_end = at
            if mode == EVENT:
                at = _row(base[g] + stride[g] * _interval(lefts[k], edges, step), bits, before)
                at_end = at
                if kind == ANSWERED:
                    at_end = _row(base[g] + stride[g] * _interval(ends[k], edges, step), bits, before)
            counts[at, BOOKED + kind] += 1
            if known or kind != OPEN:
                totals[at, MAX_WAIT] = max(totals[at, MAX_WAIT], wait + 1 if known else FAR)
            if kind == ANSWERED:
                counts[at, ANSWERED_WITHIN] += within
                _add_wait(totals, at, WAIT, wait, known)
                for h in range(len(steps)):
                    if known and not _beyond(wait, steps[h], inclusive):
                        counts[at, NOANSWER_KNOWN + 1 + 2 * h] += 1
                if talk_s[r] == talk_s[r]:
                    counts[at_end, TALK_KNOWN] += 1
                    totals[at_end, TALK] += _micros(talk_s[r])
                if hold_s[r] == hold_s[r]:
                    counts[at_end, HOLD_KNOWN] += 1
                    totals[at_end, HOLD] += _micros(hold_s[r])
                    counts[at_end, HELD] += hold_s[r] > 0
                if wrap_s[r] == wrap_s[r]:
                    counts[at_end, WRAP_KNOWN] += 1
                    totals[at_end, WRAP] += _micros(wrap_s[r])
                if len(transferred) and transferred[r]:
                    counts[at, TRANSFERRED] += 1
                if known and len(arrived_at) and arrived_at[r] != NEVER and arrived_at[r] <= queued_at[r]:
                    counts[at, ARRIVAL_KNOWN] += 1
                    totals[at, TO_AGENT] += queued_at[r] - arrived_at[r] + _micros(wait_s[r])
            elif kind == ABANDONED:
                counts[at, ABANDONED_WITHIN] += within
                _add_wait(totals, at, ABANDON_WAIT, wait, known)
                if known and short[g] != NEVER and not _beyond(wait, short[g], inclusive):
                    counts[at, SHORT] += 1
                for h in range(len(steps)):
                    if known and not _beyond(wait, steps[h], inclusive):
                        counts[at, NOANSWER_KNOWN + 2 + 2 * h] += 1
            elif kind == CALLBACKS:
                counts[at, CALLBACK_WITHIN] += within
            if len(attempts) and attempts[r] == attempts[r]:
                counts[at, ATTEMPTS_KNOWN] += 1
                totals[at, ATTEMPTS] += np.int64(attempts[r])
            if len(noanswer) and noanswer[r] == noanswer[r]:
                counts[at, NOANSWER_KNOWN] += 1
                totals[at, NOANSWER] += np.int64(noanswer[r])
    return looked


@njit(cache=True, nogil=True)
def mark_spans(group, begin, end, counted, base, stride, edges, step, bits):  # pragma: no cover - compiled
    """Set the bit of every cell that a span has a moment in, or a counted span begins in."""
    for r in range(len(group)):
        if begin[r] == end[r] and not counted[r]:
            continue
        g = group[r]
        for i in range(_interval(begin[r], edges, step), _interval(max(begin[r], end[r] - 1), edges, step) + 1):
            _mark(base[g] + stride[g] * i, bits)


@njit(cache=True, nogil=True)
def clip_spans(group, begin, end, state, counted, base, stride, edges, step, bits, before, totals):  # pragma: no cover - compiled
    """Add to every cell the part of each span that lies in it [µs], by state; the last column counts the counted spans begun."""
    for r in range(len(group)):
        if begin[r] == end[r] and not counted[r]:
            continue
        g = group[r]
        first = _interval(begin[r], edges, step)
        for i in range(first, _interval(max(begin[r], end[r] - 1), edges, step) + 1):
            row = _row(base[g] + stride[g] * i, bits, before)
            totals[row, state[r]] += min(end[r], edges[i + 1]) - max(begin[r], edges[i])
            if i == first and counted[r]:
                totals[row, totals.shape[1] - 1] += 1
