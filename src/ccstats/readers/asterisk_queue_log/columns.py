"""The compiled columns: records in sorted order, taken apart into one array a column. No text, and no pandas."""

from __future__ import annotations

import numpy as np

from ccstats.readers.asterisk_queue_log.compiled import compiled, plain
from ccstats.readers.asterisk_queue_log.visits import ANSWERED, IMPUTED, NO_ENTRY

__all__ = ["contact_columns", "created", "grouped", "mapped", "ranks", "seen", "span_columns"]

_DAY_US = 86_400_000_000
_RUN = 24
_NAT = np.iinfo("int64").min


@compiled
def _prefixes(arena, offsets, count):
    """The first 16 bytes of each name as two numbers that sort like the bytes."""
    keys = np.zeros((count, 2), np.uint64)
    for name in range(count):
        begin, end = offsets[name], offsets[name + 1]
        for at in range(begin, min(end, begin + 16)):
            place = at - begin
            keys[name, place // 8] |= np.uint64(arena[at]) << np.uint64(56 - 8 * (place % 8))
    return keys


@plain
def _before(a, b, keys, arena, offsets):
    """Whether name ``a`` sorts before name ``b``, byte by byte."""
    if keys[a, 0] != keys[b, 0]:
        return keys[a, 0] < keys[b, 0]
    if keys[a, 1] != keys[b, 1]:
        return keys[a, 1] < keys[b, 1]
    i, j = offsets[a], offsets[b]
    while i < offsets[a + 1] and j < offsets[b + 1]:
        if arena[i] != arena[j]:
            return arena[i] < arena[j]
        i += 1
        j += 1
    return offsets[a + 1] - offsets[a] < offsets[b + 1] - offsets[b]


@compiled
def ranks(arena, offsets, count):
    """Rank of each name in sorted order: a merge sort that leaves alone what stands in order, as call ids nearly do."""
    keys = _prefixes(arena, offsets, count)
    order = np.arange(count)
    for begin in range(0, count, _RUN):
        for at in range(begin + 1, min(begin + _RUN, count)):
            name, place = order[at], at
            while place > begin and _before(name, order[place - 1], keys, arena, offsets):
                order[place] = order[place - 1]
                place -= 1
            order[place] = name
    spare = np.empty(count, np.int64)
    width = _RUN
    while width < count:
        for begin in range(0, count - width, 2 * width):
            middle, end = begin + width, min(begin + 2 * width, count)
            right = order[middle]
            low, high = begin, middle  # the left names before the first right one stay
            while low < high:
                half = (low + high) // 2
                if _before(right, order[half], keys, arena, offsets):
                    high = half
                else:
                    low = half + 1
            if low == middle:
                continue
            for at in range(low, middle):
                spare[at] = order[at]
            i, j, place = low, middle, low
            while i < middle:
                if j < end and _before(order[j], spare[i], keys, arena, offsets):
                    order[place] = order[j]
                    j += 1
                else:
                    order[place] = spare[i]
                    i += 1
                place += 1
        width *= 2
    ranks = np.empty(count, np.int64)
    for place in range(count):
        ranks[order[place]] = place
    return ranks


@compiled
def grouped(groups, starts, count):
    """Rows by group, within a group by start, else as they stand; and the number of each row within its group, from 1."""
    places = np.zeros(count + 1, np.int64)
    for row in range(len(groups)):
        places[groups[row] + 1] += 1
    for group in range(count):
        places[group + 1] += places[group]
    order = np.empty(len(groups), np.int64)
    begins = places.copy()
    for row in range(len(groups)):
        group = groups[row]
        at = places[group]
        places[group] += 1
        while at > begins[group] and starts[order[at - 1]] > starts[row]:
            order[at] = order[at - 1]
            at -= 1
        order[at] = row
    numbers = np.empty(len(groups), np.int64)
    for group in range(count):
        for at in range(begins[group], begins[group + 1]):
            numbers[at] = at - begins[group] + 1
    return order, numbers


@compiled
def created(arena, offsets, count):
    """When the channel was created that a call id names, as in ``pbx-1266833905.20``; -1 where it does not say."""
    out = np.full(count, -1, np.int64)
    for name in range(count):
        begin, at = offsets[name], offsets[name + 1] - 1
        digits = 0
        while at >= begin and 48 <= arena[at] <= 57:
            at -= 1
            digits += 1
        if digits == 0 or at < begin or arena[at] != 46:
            continue
        at -= 1
        epoch, scale, digits = 0, 1, 0
        while at >= begin and 48 <= arena[at] <= 57 and digits < 11:
            epoch += scale * (arena[at] - 48)
            scale *= 10
            at -= 1
            digits += 1
        if 9 <= digits <= 10 and (at < begin or (arena[at] == 45 and at > begin)):
            out[name] = epoch * 1_000_000
    return out


@compiled
def seen(codes, size):
    """Which codes below ``size`` there are."""
    out = np.zeros(size, np.bool_)
    for row in range(len(codes)):
        if codes[row] >= 0:
            out[codes[row]] = True
    return out


@compiled
def mapped(codes, table, out):
    """Write what the table says for each code; -1 stays."""
    for row in range(len(codes)):
        out[row] = table[codes[row]] if codes[row] >= 0 else -1


@compiled
def contact_columns(visits, order, numbers, channel_created, holds):
    """Take visits apart in this order: codes, small codes, figures, instants, counts; and count the holds taken as zero.

    Where a queue logs holds at all (``holds``, or any of these visits), an answered visit without one was not held. Refused contacts never
    joined: no time, no wait.
    """
    count, queues = len(order), len(holds)
    codes = np.empty((8, count), np.int32)  # call, queue, agent, target, customer, dnis, disposition, verb
    small = np.empty((2, count), np.int8)  # outcome, who ended it
    figures = np.empty((6, count), np.float64)  # wait, ring, talk, hold, wrap, menu
    instants = np.empty((2, count), np.int64)  # queued, arrived
    counts = np.empty((2, count), np.int64)  # rings, rings nobody took
    unseen = np.empty(count, np.bool_)
    none_held = 0
    for at in range(count):
        visit = visits[order[at]]
        if not np.isnan(visit.hold) and not np.isnan(visit.talk):
            holds[visit.queue] = True
    for at in range(count):
        visit = visits[order[at]]
        refused = visit.flags & NO_ENTRY != 0
        codes[0, at], codes[1, at], codes[2, at] = visit.call, visit.queue, visit.agent
        codes[3, at] = visit.sent_queue if visit.sent_queue >= 0 else visit.sent_word + queues if visit.sent_word >= 0 else -1
        codes[4, at], codes[5, at], codes[6, at], codes[7, at] = visit.customer, visit.dnis, visit.disposition, visit.raw
        small[0, at], small[1, at] = visit.outcome, visit.ended_by
        hold = np.nan if np.isnan(visit.talk) else visit.hold
        if np.isnan(hold) and not np.isnan(visit.talk) and holds[visit.queue] and visit.outcome == ANSWERED:
            hold = 0.0
            none_held += 1
        figures[0, at] = np.nan if refused else visit.wait
        figures[1, at] = visit.ring if visit.outcome == ANSWERED else np.nan
        figures[2, at], figures[3, at], figures[4, at], figures[5, at] = visit.talk, hold, visit.wrap, np.nan
        instants[0, at] = _NAT if refused else visit.queued
        began = channel_created[visit.call]
        if began < 0 or began > visit.queued or visit.queued - began > _DAY_US:
            instants[1, at] = visit.queued if refused else _NAT
        else:
            instants[1, at] = began
            if numbers[at] == 1 and not refused:
                figures[5, at] = (visit.queued - began) / 1e6
        counts[0, at], counts[1, at] = visit.attempts, visit.noanswer
        unseen[at] = visit.flags & (IMPUTED | NO_ENTRY) != 0
    return codes, small, figures, instants, counts, unseen, none_held


@compiled
def span_columns(spans, order, renamed, nameless):
    """Take spans apart in this order: codes, small codes, instants; a span without a contact has the call id ``nameless``."""
    count = len(order)
    codes = np.empty((4, count), np.int32)  # agent, reason, queue, call
    small = np.empty((2, count), np.int8)  # state, what closed it
    instants = np.empty((2, count), np.int64)
    for at in range(count):
        span = spans[order[at]]
        call = span.call
        if call < 0:
            call = nameless
        elif renamed[call] >= 0:
            call = renamed[call]
        codes[0, at], codes[1, at], codes[2, at], codes[3, at] = span.agent, span.reason, span.queue, call
        small[0, at], small[1, at] = span.state, span.closed
        instants[0, at], instants[1, at] = span.start, span.end
    return codes, small, instants
