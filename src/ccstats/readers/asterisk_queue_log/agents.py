"""The compiled follower of agents: events in file order into spans of one state, contiguous from login to logout.

Each agent has a few facts (logged in, on a contact, on hold, paused, wrapping up) that events change; the state shown is the first that
holds of on_contact or hold, wrap, pause, available. A span is written whenever the state shown changes.
It is one file because the machine and the steps that it takes on its records are read together.
"""

from __future__ import annotations

import numpy as np

from ccstats.readers.asterisk_queue_log import verbs as v
from ccstats.readers.asterisk_queue_log.compiled import inner, plain
from ccstats.readers.asterisk_queue_log.scan import Chunk
from ccstats.schema import AGENT_STATES, STATES

__all__ = ["NOTES", "Agents"]

SPAN = np.dtype(
    [("start", "i8"), ("end", "i8"), *((name, "i4") for name in ("agent", "reason", "queue", "call")), ("state", "i1"), ("closed", "i1")],
    align=True,
)
AGENT = np.dtype(
    [
        *((name, "i8") for name in ("last", "since", "opened", "floor", "earlier", "wrap_until", "left_at", "talking_since")),
        *((name, "i4") for name in ("restarts", "stay", "pauses", "members", "paused", "span")),
        *((name, "i4") for name in ("reason", "queue", "call", "shown_reason", "shown_queue", "shown_call")),
        ("shown", "i4"),
        ("facts", "i4"),
    ],
    align=True,
)
#: An agent in a queue: a member during the stay that ``stay`` numbers, paused during the pause time that ``paused`` numbers.
PAIR = np.dtype([("key", "i8"), ("stay", "i4"), ("paused", "i4")])

# Numbers of the type of the fields they are compared with: loops are compiled anew for each literal that they are called with.
LOGGED_IN, BY_AGENT_LINES, EVER_AGENT_LINES, PAUSED_ALL, LEFT, LEAVING, ASSUMED, TALKING, HELD = (np.int32(1 << bit) for bit in range(9))
_NONE, _NO_FACT = np.int32(-1), np.int32(0)
_STAYS = EVER_AGENT_LINES  # the only fact that outlives a logout and a restart

#: Repairs and assumptions that are counted.
NOTES = (
    "agent seen at work without a login: logged in from the first event",
    "login before the log begins, known from the time logged at logoff",
    "agent answered another contact before the last one ended: on_contact closed there",
    "agent still on_contact where the log ends, a day or more after the answer: the end was lost, that time is not to be believed",
)
_N_ASSUMED, _N_BACKFILLED, _N_SECOND, _N_LOST_END = range(len(NOTES))
_COUNT, _RESTARTS, _PAIRS, _SHUFFLED = range(4)  # places in ``marks``

_AVAILABLE, _RESERVED, _ON_CONTACT, _HOLD, _WRAP, _PAUSE = (
    np.int32(STATES.index(word)) for word in ("available", "reserved", "on_contact", "hold", "wrap", "pause")
)
_EVENT, _NEXT, _RESTART, _END, _ASSUME = (
    np.int32(AGENT_STATES["closed_by"].vocabulary.index(word)) for word in ("event", "next_event", "restart", "end_of_file", "assumed")
)
_SECOND = 1_000_000
_SLACK = 3_000_000
_DAY = 86_400 * _SECOND
_RELOGIN = 3_600 * _SECOND  # a login within the hour after a logout during a contact belongs to that contact's time


@inner
def _pair(pairs, marks, agent, queue):
    """Place of an agent in a queue; made if it is new."""
    key = np.int64(agent) << 32 | np.int64(queue)
    mask = len(pairs) - 1
    slot = np.int64((np.uint64(key) * np.uint64(11400714819323198485)) >> np.uint64(20)) & mask
    while pairs[slot].key != key:
        if pairs[slot].key < 0:
            pairs[slot].key, pairs[slot].stay, pairs[slot].paused = key, -1, -1
            marks[_PAIRS] += 1
            break
        slot = (slot + 1) & mask
    return slot


@plain
def _repair(old, pairs, marks):
    """Move all pairs to a larger table."""
    for at in range(len(old)):
        if old[at].key >= 0:
            slot = _pair(pairs, marks, old[at].key >> 32, old[at].key & 0xFFFFFFFF)
            pairs[slot].stay, pairs[slot].paused = old[at].stay, old[at].paused


@inner
def _write(spans, marks, me, agent, start, end, state, reason, queue, call, closed):
    """Write a span, or lengthen the last one where nothing but time passed; empty ones are dropped."""
    if end <= start:
        return
    if me.span >= 0:
        last = spans[me.span]
        if last.end == start and last.state == state and last.reason == reason and last.queue == queue and last.call == call:
            last.end, last.closed = end, closed
            return
    at = marks[_COUNT]
    marks[_COUNT] += 1
    span = spans[at]
    span.start, span.end, span.agent, span.state, span.closed = start, end, agent, state, closed
    span.reason, span.queue, span.call = reason, queue, call
    me.span = at


@inner
def _close(spans, marks, me, agent, time, closed):
    """Write what was shown until now."""
    if me.facts & LOGGED_IN:
        _write(spans, marks, me, agent, me.since, time, me.shown, me.shown_reason, me.shown_queue, me.shown_call, closed)
    me.since = max(me.since, time)
    me.floor = max(me.floor, time)


@inner
def _show(spans, marks, me, agent, time, closed):
    """Show the state that the facts make now; write the span before if it differs."""
    reason = queue = call = -1
    if me.facts & TALKING:
        state, queue, call = _HOLD if me.facts & HELD else _ON_CONTACT, me.queue, me.call
    elif me.wrap_until > time:
        state, queue, call = _WRAP, me.queue, me.call
    elif me.facts & PAUSED_ALL or (me.paused > 0 and me.paused >= me.members):
        state, reason = _PAUSE, me.reason
    else:
        state = _AVAILABLE
    if state != me.shown or reason != me.shown_reason or queue != me.shown_queue or call != me.shown_call:
        _close(spans, marks, me, agent, time, closed)
        me.shown, me.shown_reason, me.shown_queue, me.shown_call = state, reason, queue, call


@inner
def _expire(spans, marks, me, agent, time):
    """End a wrap-up whose time was over before now."""
    if me.facts & LOGGED_IN and me.shown == _WRAP and me.wrap_until <= time:
        until = max(me.wrap_until, me.since)
        _show(spans, marks, me, agent, until, _EVENT)


@inner
def _enter(me, time, facts):
    """Begin a stay."""
    me.facts = (me.facts & _STAYS) | LOGGED_IN | facts
    me.earlier = me.floor
    me.since = me.opened = max(time, me.floor)
    me.span = -1
    me.wrap_until = -1
    me.shown, me.shown_reason, me.shown_queue, me.shown_call = _AVAILABLE, -1, -1, -1


@inner
def _leave(spans, marks, me, agent, time, closed, facts):
    """End a stay: membership and pauses are over with it."""
    _close(spans, marks, me, agent, time, closed)
    me.facts = (me.facts & _STAYS) | facts
    me.stay += 1
    me.pauses += 1
    me.members = me.paused = 0
    me.reason = -1
    me.wrap_until = -1


@inner
def _catch_up(spans, marks, restarts, me, agent, time):
    """A restart since this agent's last event ended his stay."""
    if me.restarts == marks[_RESTARTS]:
        return
    at = restarts[me.restarts]
    me.restarts = marks[_RESTARTS]
    if me.facts & LOGGED_IN:
        if me.facts & LEAVING:
            _leave(spans, marks, me, agent, me.left_at, _EVENT, _NO_FACT)
        else:
            at = max(at, me.since)
            _expire(spans, marks, me, agent, at)
            _leave(spans, marks, me, agent, at, _RESTART, _NO_FACT)
    else:
        me.facts &= _STAYS
    me.floor = max(me.floor, restarts[me.restarts - 1])  # nothing goes on through a restart


@inner
def _join(me, pair):
    """Count a queue as one that this agent serves."""
    if pair.stay != me.stay:
        pair.stay = me.stay
        me.members += 1


@inner
def _pause_in(me, pair):
    if pair.paused != me.pauses:
        pair.paused = me.pauses
        me.paused += 1


@inner
def _unpause_in(me, pair):
    if pair.paused == me.pauses:
        pair.paused = -1
        me.paused -= 1


@inner
def _ring(spans, marks, me, agent, time, seconds, queue, call):
    """The phone rang for the last seconds: the agent was reserved, if nothing else was shown."""
    if not seconds > 0 or not me.facts & LOGGED_IN or me.shown != _AVAILABLE:
        return
    start = max(me.since, time - np.int64(seconds * _SECOND))
    if start >= time:
        return
    _close(spans, marks, me, agent, start, _NEXT)
    _write(spans, marks, me, agent, start, time, _RESERVED, _NONE, queue, call, _EVENT)
    me.since = me.floor = time


@plain
def _follow(time, verbs, ids, figures, call_of, queue_of, agents, word_of, roles, paused_word, none_queue,
            known, pairs, restarts, spans, marks, notes, first):  # fmt: skip
    for i in range(len(time)):
        code = verbs[i]
        if code >= len(roles):
            continue
        role = roles[code]
        if role == v.RESTART:
            restarts[marks[_RESTARTS]] = time[i]
            marks[_RESTARTS] += 1
            continue
        agent = np.int64(agents[i])
        if agent < 0 or not (role == v.CONNECT or role == v.TALK_END or (v.RING <= role <= v.UNHOLD) or role == v.WRAP or role > v.RESTART):
            continue
        me = known[agent]
        t = max(time[i], me.last)
        me.last = t
        _catch_up(spans, marks, restarts, me, agent, t)
        _expire(spans, marks, me, agent, t)
        queue, call = queue_of[ids[1, i]], call_of[ids[0, i]]
        word = word_of[ids[3, i]] if ids[3, i] >= 0 else -1
        other = figures[2, i]
        closed = _NEXT

        if role == v.LOGIN or role == v.ADD:
            if me.facts & LEAVING and t - me.left_at > _RELOGIN:
                _leave(spans, marks, me, agent, me.left_at, _EVENT, _NO_FACT)
            me.facts &= ~LEAVING
            if role == v.LOGIN:
                if not me.facts & LOGGED_IN:
                    _enter(me, t, _NO_FACT)
                me.facts |= BY_AGENT_LINES | EVER_AGENT_LINES
            else:
                if not me.facts & LOGGED_IN and not me.facts & EVER_AGENT_LINES:
                    _enter(me, t, _NO_FACT)
                slot = _pair(pairs, marks, agent, queue)
                _join(me, pairs[slot])
                if word == paused_word:
                    _pause_in(me, pairs[slot])
        elif role == v.REMOVE or role == v.LOGOFF:
            if role == v.REMOVE:
                slot = _pair(pairs, marks, agent, queue)
                _unpause_in(me, pairs[slot])
                if pairs[slot].stay == me.stay:
                    pairs[slot].stay = -1
                    me.members -= 1
                if me.members > 0 or me.facts & BY_AGENT_LINES:
                    if me.facts & LOGGED_IN:
                        _show(spans, marks, me, agent, t, _EVENT)
                    continue
            elif other >= 0 and not me.facts & LEFT and (not me.facts & LOGGED_IN or me.facts & ASSUMED):
                if not me.facts & LOGGED_IN:
                    _enter(me, t, ASSUMED)
                began = max(t - np.int64(other * _SECOND), first, me.earlier)
                if began < me.opened:
                    before = me.span
                    me.span = -1
                    _write(spans, marks, me, agent, began, me.opened, _AVAILABLE, _NONE, _NONE, _NONE, _ASSUME)
                    if before >= 0:
                        me.span = before
                        marks[_SHUFFLED] = 1
                    notes[_N_BACKFILLED] += 1
                me.facts &= ~ASSUMED
            if me.facts & LOGGED_IN and me.facts & TALKING:
                me.facts |= LEAVING
                me.left_at = t
            elif me.facts & LOGGED_IN:
                _leave(spans, marks, me, agent, t, _EVENT, LEFT)
            else:
                me.facts |= LEFT
            continue
        elif role == v.TALK_END or role == v.DUMP:
            talk = figures[1, i]
            began = t if np.isnan(talk) else t - np.int64(talk * _SECOND)
            if me.facts & TALKING:
                if call == me.call or (queue == me.queue and abs(me.talking_since - began) <= _SLACK):
                    me.facts &= ~(TALKING | HELD)
                    if me.facts & LEAVING:
                        _leave(spans, marks, me, agent, t, _EVENT, LEFT)
                        continue
                    closed = _EVENT
            elif not me.facts & (LOGGED_IN | LEFT) and role == v.TALK_END:
                notes[_N_ASSUMED] += 1
                _enter(me, began, ASSUMED)
                me.shown, me.shown_queue, me.shown_call = _ON_CONTACT, queue, call
                me.queue, me.call = queue, call
                _join(me, pairs[_pair(pairs, marks, agent, queue)])
                closed = _EVENT
        elif role == v.CONNECT:
            if me.facts & LEAVING:
                _leave(spans, marks, me, agent, me.left_at, _EVENT, LEFT)
            if not me.facts & LOGGED_IN:
                notes[_N_ASSUMED] += 1
                _enter(me, t, ASSUMED)
            _join(me, pairs[_pair(pairs, marks, agent, queue)])
            if me.facts & TALKING and me.call != call:
                notes[_N_SECOND] += 1
                closed = _ASSUME
            _ring(spans, marks, me, agent, t, other, queue, call)
            me.facts = (me.facts | TALKING) & ~HELD
            me.queue, me.call, me.talking_since, me.wrap_until = queue, call, t, -1
        elif role == v.RING or role == v.RING_CANCEL:
            if not me.facts & (LOGGED_IN | LEFT):
                notes[_N_ASSUMED] += 1
                _enter(me, t, ASSUMED)
            if me.facts & LOGGED_IN:
                _join(me, pairs[_pair(pairs, marks, agent, queue)])
                _ring(spans, marks, me, agent, t, other, queue, call)
        elif role == v.HOLD or role == v.UNHOLD:
            if me.facts & TALKING and me.call == call:
                me.facts = me.facts | HELD if role == v.HOLD else me.facts & ~HELD
                closed = _EVENT if role == v.UNHOLD else _NEXT
        else:
            if not me.facts & (LOGGED_IN | LEFT):
                notes[_N_ASSUMED] += 1
                _enter(me, t, ASSUMED)
            if not me.facts & LOGGED_IN:
                continue
            resting = me.facts & PAUSED_ALL or me.paused > 0
            if role == v.WRAP:
                if not me.facts & TALKING and other > 0:
                    me.wrap_until = t + np.int64(other * _SECOND)
            elif role == v.PAUSE_ALL:
                me.facts |= PAUSED_ALL
                me.reason = word
            elif role == v.UNPAUSE_ALL:
                me.facts &= ~PAUSED_ALL
                me.pauses += 1
                me.paused = 0
                closed = _EVENT
            elif role == v.PAUSE_REASON:
                if resting:
                    me.reason = word
            elif role == v.PAUSE and queue == none_queue:
                me.facts |= PAUSED_ALL
                me.reason = word
            elif role == v.UNPAUSE and queue == none_queue:
                me.facts &= ~PAUSED_ALL
                me.pauses += 1
                me.paused = 0
                closed = _EVENT
            elif role == v.PAUSE:
                slot = _pair(pairs, marks, agent, queue)
                _join(me, pairs[slot])
                _pause_in(me, pairs[slot])
                if word >= 0 or not resting:
                    me.reason = word
            elif role == v.UNPAUSE:
                slot = _pair(pairs, marks, agent, queue)
                _join(me, pairs[slot])
                _unpause_in(me, pairs[slot])
                me.facts &= ~PAUSED_ALL
                closed = _EVENT
        if me.facts & LOGGED_IN:
            _show(spans, marks, me, agent, t, closed)


@plain
def _finish(known, restarts, spans, marks, notes, last):
    for agent in range(len(known)):
        me = known[agent]
        if not me.facts & LOGGED_IN:
            continue
        _catch_up(spans, marks, restarts, me, agent, last)
        if not me.facts & LOGGED_IN:
            continue
        if me.facts & LEAVING:
            _leave(spans, marks, me, agent, me.left_at, _EVENT, _NO_FACT)
        else:
            until = max(last, me.since)
            notes[_N_LOST_END] += me.facts & TALKING != 0 and until - me.talking_since >= _DAY
            _expire(spans, marks, me, agent, until)
            _leave(spans, marks, me, agent, until, _END, _NO_FACT)


class Agents:
    """Follows the agents of a log, chunk after chunk.

    Examples
    --------
    >>> len(Agents().finish(0))
    0
    """

    def __init__(self) -> None:
        self._known = np.empty(0, dtype=AGENT)
        self._pairs = _empty_pairs(4096)
        self._restarts = np.empty(64, dtype="int64")
        self._spans = np.empty(4096, dtype=SPAN)
        self._marks = np.zeros(4, dtype="int64")
        self._notes = np.zeros(len(NOTES), dtype="int64")

    def expect(self, spans: int) -> None:
        """Set room aside, before the first chunk; the system gives the memory as it is filled."""
        self._spans = np.empty(max(spans, len(self._spans)), dtype=SPAN)

    @property
    def notes(self) -> dict[str, int]:
        """Repairs and assumptions, counted."""
        return dict(zip(NOTES, self._notes.tolist(), strict=True))

    def follow(
        self,
        chunk: Chunk,
        calls: np.ndarray,
        queues: np.ndarray,
        agents: np.ndarray,
        words: np.ndarray,
        constants: tuple[int, int],
        first: int,
    ) -> None:
        """Follow a chunk.

        ``agents`` is the agent of each event (-1: none); ``calls``, ``queues`` and ``words`` are the log-wide numbers of the chunk's names,
        ``constants`` those of the word ``PAUSED`` and the queue ``NONE``; ``first`` is where the log begins. [µs]
        """
        events = len(chunk.time)
        if len(agents) and agents.max() >= len(self._known):
            known = np.zeros(int(1.25 * agents.max()) + 64, dtype=AGENT)
            for name in ("last", "floor", "span", "reason", "queue", "call"):
                known[name] = -1
            known[: len(self._known)] = self._known
            self._known = known
        spans, restarts, pairs = self._marks[_COUNT], self._marks[_RESTARTS], self._marks[_PAIRS]
        if spans + 5 * events > len(self._spans):
            self._spans.resize(int(1.25 * spans) + 5 * events, refcheck=False)
        if restarts + events > len(self._restarts):
            self._restarts.resize(restarts + events + 64, refcheck=False)
        if 2 * (pairs + events) > len(self._pairs):
            old, self._pairs = self._pairs, _empty_pairs(1 << int(4 * (pairs + events)).bit_length() - 1)
            self._marks[_PAIRS] = 0
            _repair(old, self._pairs, self._marks)
        _follow(
            chunk.time, chunk.verb, chunk.ids, chunk.figures, calls, queues, agents, words, v.ROLE, *constants,
            self._known, self._pairs, self._restarts, self._spans, self._marks, self._notes, first,
        )  # fmt: skip

    def over(self, busy: np.ndarray) -> np.ndarray:
        """Hand over the spans that nothing changes any more, and keep the last of each agent and those with a call that is ``busy``."""
        spans = self._spans[: self._marks[_COUNT]]
        stays = (spans["call"] >= 0) & busy[spans["call"]]
        last = self._known["span"][self._known["span"] >= 0]
        stays[last] = True
        place = np.full(len(spans) + 1, -1, dtype="int32")  # one more, for none
        place[np.flatnonzero(stays)] = np.arange(np.count_nonzero(stays))
        self._known["span"] = place[self._known["span"]]
        over, self._spans = spans[~stays], spans[stays]
        self._marks[_COUNT] = len(self._spans)
        return self._sorted(over)

    def names_used(self) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the calls, and of the words, that the spans and agents kept speak of."""
        spans, known = self._spans[: self._marks[_COUNT]], self._known
        return np.r_[spans["call"], known["call"], known["shown_call"]], np.r_[spans["reason"], known["reason"], known["shown_reason"]]

    def renumber(self, calls: np.ndarray, words: np.ndarray) -> None:
        """Calls and words have new numbers (-1: forgotten)."""
        for table in (self._spans[: self._marks[_COUNT]], self._known):
            for name in table.dtype.names or ():
                new = calls if name.endswith("call") else words if name.endswith("reason") else None
                if new is not None:
                    table[name] = np.where(table[name] >= 0, new[table[name]], -1)

    def finish(self, last: int) -> np.ndarray:
        """End the log at its latest time, where who is still logged in is closed. Hands over the spans, once, each agent's in order."""
        room = int(self._marks[_COUNT]) + 2 * len(self._known)
        if room > len(self._spans):
            self._spans.resize(room, refcheck=False)
        _finish(self._known, self._restarts, self._spans, self._marks, self._notes, last)
        spans, self._spans = self._spans[: self._marks[_COUNT]], np.empty(0, dtype=SPAN)
        return self._sorted(spans)

    def _sorted(self, spans: np.ndarray) -> np.ndarray:
        return spans[np.argsort(spans["start"], kind="stable")] if self._marks[_SHUFFLED] else spans


def _empty_pairs(size: int) -> np.ndarray:
    pairs = np.zeros(size, dtype=PAIR)
    pairs["key"] = -1
    return pairs
