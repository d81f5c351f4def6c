"""The compiled follower of callers: events in file order into queue visits, one record a visit.

A caller waits, talks, or has ended. Each call id points to its latest visit, each visit to the one before of the same call; the visits
that wait in a queue are chained, so that a call that was renamed by an attended transfer is found again by its time of entry.
It is one file because the machine and the steps that it takes on its records are read together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ccstats.readers.asterisk_queue_log import verbs as v
from ccstats.readers.asterisk_queue_log.compiled import inner, plain
from ccstats.readers.asterisk_queue_log.scan import Chunk
from ccstats.schema import CONTACTS

__all__ = ["AGAIN", "FATES", "LOST_END", "NOTES", "Visits"]

VISIT = np.dtype(
    [
        *((name, "i8") for name in ("queued", "connected", "ended", "held")),
        *((name, "f8") for name in ("wait", "ring", "talk", "hold", "wrap")),
        *((name, "i4") for name in ("call", "queue", "agent", "customer", "dnis", "disposition", "sent_word", "sent_queue")),
        *((name, "i4") for name in ("attempts", "noanswer", "previous", "before", "after")),
        ("raw", "i2"),
        *((name, "i1") for name in ("outcome", "ended_by", "state", "flags")),
    ],
    align=True,
)
CALL = np.dtype([("latest", "i4"), ("renamed", "i4"), ("dnis", "i4")])

_WORDS_OF = ("customer", "dnis", "disposition", "sent_word")

# Numbers of one type and no literals: loops are compiled anew for each literal that they are called with.
WAITING, TALKING, ENDED = np.int8(1), np.int8(2), np.int8(4)
IMPUTED, OUTBOUND, DUMPED, NO_ENTRY, WAIT_UNKNOWN, WAIT_BY_CLOCK = 1, 2, 4, 8, 16, 32

#: What became of a line that the scanner took, besides being used.
FATES = (
    "",
    "repeats the line before",
    "its visit has ended already",
    "its visit was answered already",
    "no such visit in the log",
    "",  # an entry that was read before: the only one that is rejected
)
_USED, _REPEATED, _OVER, _ANSWERED, _NO_VISIT, AGAIN = range(len(FATES))

LOST_END = "no end logged a day or more after joining: left open, its wait so far is not to be believed"

#: Repairs and assumptions that are counted.
NOTES = (
    "joined the queue before the log begins: queued_at from the wait logged",
    "joined the queue before the log begins: wait unknown, queued_at is the first that is known of the visit",
    "attended transfer swapped the call ids: repaired",
    "left a queue without a logged end and joined again: outcome overflowed",
    "wait not logged: wait_s from the timestamps",
    "talk not logged: talk_s from the timestamps",
    "wait logged and timestamps differ by more than 1 s: wait_s as logged",
    "talk logged and timestamps differ by more than 1 s: talk_s as logged",
    "RINGNOANSWER after at most 1 s: the phone did not really ring",
    "ring of a visit that is not in the log: ring_attempts not counted",
    "a restart lost waiting callers: outcome failed",
    "a restart cut answered calls: talk_s missing",
    "outbound calls: not among the contacts",
    "clock went backwards",
    LOST_END,
)
(
    _N_BEFORE, _N_BEFORE_UNKNOWN, _N_SWAP, _N_OVERFLOW, _N_WAIT_CLOCK, _N_TALK_CLOCK, _N_WAIT_DIFFERS, _N_TALK_DIFFERS,
    _N_NO_RING, _N_RING_LOST, _N_RESTART_WAIT, _N_RESTART_TALK, _N_OUTBOUND, _N_BACKWARDS, _N_LOST_END,
) = range(len(NOTES))  # fmt: skip
_COUNT, _FLOOR, _LAST, _FIRST = range(4)  # places in ``marks``

_WORDS, _PARTIES = CONTACTS["outcome"].vocabulary, CONTACTS["ended_by"].vocabulary
ANSWERED, _OPEN, _FAILED = _WORDS.index("answered"), _WORDS.index("open"), _WORDS.index("failed")
_OVERFLOWED, _DROPPED, _UNKNOWN = _WORDS.index("overflowed"), _WORDS.index("agent_dropped"), _WORDS.index("unknown")
_AGENT, _CUSTOMER, _SYSTEM = _PARTIES.index("agent"), _PARTIES.index("customer"), _PARTIES.index("system")
_ENTERQUEUE, _CONNECT, _DUMP, _RESTART = v.CODE["ENTERQUEUE"], v.CODE["CONNECT"], v.CODE["AGENTDUMP"], v.CODE["QUEUESTART"]
_ATTENDED = v.CODE["ATTENDEDTRANSFER"]

_SECOND = 1_000_000
_SLACK = 1_500_000  # whole seconds, rounded twice, are at most 1 apart
_DEPTH = 64  # visits of one call looked back for one that an event speaks of
_BREADTH = 10_000  # waiting callers looked through for one whose call id was swapped
_WRAP_AFTER = 60 * _SECOND
_BEHIND = 60 * _SECOND  # a line so far behind the latest time was not written now
_DAY_S = 86_400.0


@plain
def _find(visits, calls, call, queue, states):
    """Latest visit of this call to this queue in one of these states, or -1."""
    at = calls[call].latest
    for _ in range(_DEPTH):
        if at < 0:
            return -1
        if visits[at].queue == queue and visits[at].state & states:
            return at
        at = visits[at].previous
    return -1


@inner
def _find_named(visits, calls, call, queue, states):
    """As `_find`, also under the name that an attended transfer gave the call."""
    at = _find(visits, calls, call, queue, states)
    if at < 0 and calls[call].renamed >= 0:
        at = _find(visits, calls, calls[call].renamed, queue, states)
    return at


@inner
def _find_now(visits, calls, marks, call, queue, states, time):
    """As `_find_named`, but a line that was read before, with the end of another visit of the call, finds none."""
    at = _find_named(visits, calls, call, queue, states)
    over = _find_named(visits, calls, call, queue, ENDED) if at >= 0 else -1
    if over >= 0 and visits[over].ended >= time:
        same = visits[over].ended == time and marks[_LAST] - time > _BEHIND
        if same or time < visits[at].queued or at < over:
            return -1
    return at


@inner
def _find_entry(visits, calls, call, queue, time):
    """Latest visit of this call, or of the one it was renamed to, that entered this queue at this very time, or -1."""
    for name in (call, calls[call].renamed):
        at = calls[name].latest if name >= 0 else -1
        for _ in range(_BREADTH):
            if at < 0 or visits[at].queued < time:
                break
            if visits[at].queued == time and visits[at].queue == queue:
                return at
            at = visits[at].previous
    return -1


@plain
def _open(visits, calls, marks, call, queue, time):
    at = marks[_COUNT]
    marks[_COUNT] += 1
    visit = visits[at]
    visit.queued = time
    visit.connected = visit.ended = visit.held = -1
    visit.wait = visit.ring = visit.talk = visit.hold = visit.wrap = np.nan
    visit.call, visit.queue = call, queue
    visit.agent = visit.customer = visit.disposition = visit.sent_word = visit.sent_queue = -1
    visit.dnis = calls[call].dnis
    visit.attempts = visit.noanswer = 0
    visit.before = visit.after = -1
    visit.raw, visit.outcome, visit.ended_by = -1, _OPEN, -1
    visit.state, visit.flags = WAITING, 0
    visit.previous = calls[call].latest
    calls[call].latest = at
    return at


@plain
def _chain(visits, tails, at):
    queue = visits[at].queue
    visits[at].before = tails[queue]
    visits[at].after = -1
    if tails[queue] >= 0:
        visits[tails[queue]].after = at
    tails[queue] = at


@inner
def _unchain(visits, tails, at):
    visit = visits[at]
    if visit.before >= 0:
        visits[visit.before].after = visit.after
    if visit.after >= 0:
        visits[visit.after].before = visit.before
    elif tails[visit.queue] == at:
        tails[visit.queue] = visit.before
    visit.before = visit.after = -1


@inner
def _rename(visits, calls, at, call):
    """Give a visit to the call it truly belongs to."""
    visit = visits[at]
    old = visit.call
    if old == call or calls[old].latest != at:
        return False
    calls[old].latest = visit.previous
    calls[old].renamed = call
    first = calls[call].latest
    visit.customer = visits[first].customer if first >= 0 else -1
    if first >= 0 and visit.dnis < 0:
        visit.dnis = visits[first].dnis
    if first >= 0 and visits[first].raw == _ATTENDED and visits[first].sent_queue < 0:
        visits[first].sent_queue = visit.queue
    visit.call, visit.previous = call, first
    calls[call].latest = at
    return True


@inner
def _claim(visits, calls, tails, marks, agent_words, call, queue, entered):
    """The visit that waits in this queue under a consultation's call id and truly is this call's, or -1.

    It entered at the second that the wait logged points to; if several did, the one that the agent who had this call announced.
    """
    if entered < marks[_FIRST] + _SLACK:  # it may have entered before the log begins
        return -1
    latest = calls[call].latest
    word = -2
    if latest >= 0 and visits[latest].agent >= 0:
        word = agent_words[visits[latest].agent]
    best, nearest, announced = -1, _SLACK + 1, False
    at = tails[queue]
    for _ in range(_BREADTH):
        if at < 0 or visits[at].queued < entered - _SLACK:
            break
        apart = abs(visits[at].queued - entered)
        same = visits[at].customer == word
        if apart <= _SLACK and visits[at].call != call and (same, -apart) > (announced, -nearest):
            best, nearest, announced = at, apart, same
        at = visits[at].before
    if best >= 0 and not _rename(visits, calls, best, call):
        return -1
    return best


@inner
def _overflow(visits, tails, notes, at, time):
    """A caller left a queue and the log does not say how."""
    visit = visits[at]
    _unchain(visits, tails, at)
    visit.state = ENDED
    if visit.flags & DUMPED:
        visit.outcome, visit.raw, visit.ended_by = _DROPPED, _DUMP, _AGENT
    else:
        visit.outcome, visit.raw = _OVERFLOWED, _ENTERQUEUE
        visit.ended = time
        notes[_N_OVERFLOW] += 1
    visit.wait = max(visit.ended - visit.queued, 0) / _SECOND


@inner
def _set_wait(visit, notes, wait, time):
    by_clock = max(time - visit.queued, 0) / _SECOND
    if np.isnan(wait):
        visit.wait = by_clock
        visit.flags |= WAIT_BY_CLOCK
        notes[_N_WAIT_CLOCK] += 1
    else:
        visit.wait = wait
        if not visit.flags & IMPUTED and abs(wait - by_clock) * _SECOND > _SLACK:
            notes[_N_WAIT_DIFFERS] += 1


@inner
def _impute(visits, calls, tails, marks, notes, call, queue, entered, known):
    """Open a visit whose entry is not in the log; ``known`` says whether its wait is."""
    latest = calls[call].latest
    if latest >= 0 and visits[latest].state == WAITING:
        _overflow(visits, tails, notes, latest, max(entered, visits[latest].queued))
    at = _open(visits, calls, marks, call, queue, entered)
    visits[at].flags |= IMPUTED
    if known:
        notes[_N_BEFORE] += 1
    else:
        visits[at].flags |= WAIT_UNKNOWN
        notes[_N_BEFORE_UNKNOWN] += 1
    return at


@inner
def _end_talk(visit, notes, verb, ended_by, time, wait, talk, word):
    visit.state, visit.ended = ENDED, time
    visit.raw, visit.ended_by = verb, ended_by
    if word >= 0:
        visit.sent_word = word
    if not np.isnan(wait) and (visit.flags & WAIT_BY_CLOCK or np.isnan(visit.wait)):
        visit.wait = wait
    by_clock = np.nan
    if visit.connected >= 0:
        by_clock = max(time - visit.connected, 0) / _SECOND
    if np.isnan(talk):
        talk = by_clock
        notes[_N_TALK_CLOCK] += 1
    elif not np.isnan(by_clock) and abs(talk - by_clock) * _SECOND > _SLACK:
        notes[_N_TALK_DIFFERS] += 1
    if visit.held >= 0:
        visit.hold += max(time - visit.held, 0) / _SECOND
        visit.held = -1
    visit.talk = talk if np.isnan(visit.hold) else max(talk - visit.hold, 0.0)


@plain
def _connect(visits, tails, talks, at, agent, time):
    visit = visits[at]
    _unchain(visits, tails, at)
    visit.state, visit.outcome, visit.raw = TALKING, ANSWERED, _CONNECT
    visit.connected, visit.agent = time, agent
    visit.attempts += 1
    visit.flags &= ~DUMPED
    if agent >= 0:
        talks[agent] = at


@plain
def _follow(
    time, verbs, ids, figures, call_of, queue_of, agent_of, word_of, roles, outcomes, parties, agent_words,
    visits, calls, tails, talks, marks, notes, fates, agents,
):  # fmt: skip
    for i in range(len(time)):
        t = time[i]
        if t < marks[_LAST]:
            notes[_N_BACKWARDS] += 1
        else:
            marks[_LAST] = t
        agent = agent_of[ids[2, i]]
        agents[i] = agent
        code = verbs[i]
        if code >= len(roles):
            continue
        role = roles[code]
        if role == v.NOTHING or (role > v.RESTART):
            continue
        if role == v.RESTART:
            for at in range(marks[_FLOOR], marks[_COUNT]):
                if visits[at].state == WAITING:
                    _unchain(visits, tails, at)
                    visits[at].state = ENDED
                    if visits[at].flags & DUMPED:
                        visits[at].outcome, visits[at].raw, visits[at].ended_by = _DROPPED, _DUMP, _AGENT
                    else:
                        visits[at].outcome, visits[at].raw, visits[at].ended_by = _FAILED, code, _SYSTEM
                        visits[at].ended = t
                        notes[_N_RESTART_WAIT] += 1
                    visits[at].wait = max(visits[at].ended - visits[at].queued, 0) / _SECOND
                elif visits[at].state == TALKING:
                    visits[at].state, visits[at].ended, visits[at].ended_by = ENDED, t, _SYSTEM
                    notes[_N_RESTART_TALK] += 1
            marks[_FLOOR] = marks[_COUNT]
            continue
        call, queue = call_of[ids[0, i]], queue_of[ids[1, i]]
        word = word_of[ids[3, i]] if ids[3, i] >= 0 else -1
        wait, talk, other = figures[0, i], figures[1, i], figures[2, i]
        latest = calls[call].latest

        if role == v.JOIN or role == v.DIAL_OUT:
            twin = _find_entry(visits, calls, call, queue, t)
            # A dialplan may send a caller who left at once back within the second; in a copy the time has gone on since.
            if twin >= 0 and not (visits[twin].state == ENDED and visits[twin].ended == t and marks[_LAST] - t <= _BEHIND):
                fates[i] = AGAIN
                continue
            if latest >= 0 and visits[latest].state == WAITING:
                _overflow(visits, tails, notes, latest, t)
            at = _open(visits, calls, marks, call, queue, t)
            if role == v.DIAL_OUT:
                visits[at].flags |= OUTBOUND
                notes[_N_OUTBOUND] += 1
            else:
                visits[at].customer = word
                _chain(visits, tails, at)

        elif role == v.CONNECT or role == v.WAIT_END:
            at = _find_now(visits, calls, marks, call, queue, WAITING, t)
            if at < 0 and _find(visits, calls, call, queue, TALKING) >= 0:
                fates[i] = _ANSWERED
                continue
            entered = t if np.isnan(wait) else t - np.int64(wait * _SECOND)
            if at < 0 and not np.isnan(wait):
                at = _claim(visits, calls, tails, marks, agent_words, call, queue, entered)
                notes[_N_SWAP] += at >= 0
            if at < 0:
                over = _find(visits, calls, call, queue, ENDED)
                if over >= 0 and (np.isnan(wait) or visits[over].ended >= entered - _SLACK):
                    fates[i] = _OVER
                    continue
                at = _impute(visits, calls, tails, marks, notes, call, queue, entered, not np.isnan(wait))
            visit = visits[at]
            if not visit.flags & WAIT_UNKNOWN:
                _set_wait(visit, notes, wait, t)
            if role == v.CONNECT:
                _connect(visits, tails, talks, at, agent, t)
                visit.ring = other
            else:
                _unchain(visits, tails, at)
                visit.state, visit.ended = ENDED, t
                visit.outcome, visit.ended_by, visit.raw = outcomes[code], parties[code], code

        elif role == v.TALK_END:
            at = _find_now(visits, calls, marks, call, queue, TALKING, t)
            swapped = False
            if at < 0 and agent >= 0 and talks[agent] >= 0:
                mate = talks[agent]
                began = t - np.int64(talk * _SECOND) if not np.isnan(talk) else t
                same = not abs(visits[mate].wait - wait) * _SECOND > _SLACK and abs(visits[mate].connected - began) <= 2 * _SLACK
                if visits[mate].state == TALKING and visits[mate].queue == queue and same:
                    at, swapped = mate, True
            if at < 0:
                at = _find_now(visits, calls, marks, call, queue, WAITING, t)
                if at < 0:
                    over = _find_named(visits, calls, call, queue, ENDED)
                    before = (0.0 if np.isnan(wait) else wait) + (0.0 if np.isnan(talk) else talk)
                    entered = t - np.int64(before * _SECOND)
                    if over >= 0 and visits[over].ended >= entered - _SLACK:
                        fates[i] = _OVER
                        continue
                    at = _impute(visits, calls, tails, marks, notes, call, queue, entered, not np.isnan(wait))
                began = t if np.isnan(talk) else t - np.int64(talk * _SECOND)
                _connect(visits, tails, talks, at, agent, -1 if np.isnan(talk) else began)
                visits[at].wait = wait
                if np.isnan(wait) and not np.isnan(talk) and not visits[at].flags & WAIT_UNKNOWN:
                    visits[at].wait = max(began - visits[at].queued, 0) / _SECOND
            if code == _ATTENDED and visits[at].call != call:  # under the consultation's id: the customer takes its place
                other_visit = calls[call].latest
                if other_visit >= 0 and visits[other_visit].state != ENDED and visits[other_visit].queue != queue:
                    if _rename(visits, calls, other_visit, visits[at].call):
                        visits[at].sent_queue = visits[other_visit].queue
                        notes[_N_SWAP] += 1
                elif calls[call].renamed == visits[at].call and calls[visits[at].call].latest != at:
                    visits[at].sent_queue = visits[calls[visits[at].call].latest].queue
            elif swapped and _rename(visits, calls, at, call):
                notes[_N_SWAP] += 1
            _end_talk(visits[at], notes, code, parties[code], t, wait, talk, word)

        elif role == v.REFUSED:
            twin = _find_entry(visits, calls, call, queue, t)
            if twin >= 0 and visits[twin].raw == code and (twin == latest or marks[_LAST] - t > _BEHIND):
                fates[i] = _REPEATED
                continue
            at = _open(visits, calls, marks, call, queue, t)
            visits[at].state, visits[at].ended = ENDED, t
            visits[at].outcome, visits[at].ended_by, visits[at].raw = outcomes[code], parties[code], code
            visits[at].flags |= NO_ENTRY

        elif role == v.DUMP:
            at = _find_named(visits, calls, call, queue, WAITING | TALKING)
            if at < 0:
                fates[i] = _NO_VISIT
                continue
            visit = visits[at]
            if visit.state == TALKING:
                visit.state, visit.outcome, visit.raw, visit.agent = WAITING, _OPEN, -1, -1
                visit.wait = visit.ring = np.nan
                visit.connected = -1
                if not visit.flags & OUTBOUND:
                    _chain(visits, tails, at)
            else:
                visit.attempts += 1
            visit.flags = (visit.flags | DUMPED) & ~WAIT_BY_CLOCK
            visit.ended = t

        elif role == v.RING or role == v.RING_CANCEL:
            at = _find_named(visits, calls, call, queue, WAITING | TALKING | ENDED)
            if role == v.RING and not other > 1.0:
                notes[_N_NO_RING] += 1
            if at < 0:
                notes[_N_RING_LOST] += 1
                continue
            if marks[_LAST] - t > _BEHIND and (visits[at].state == ENDED or t < visits[at].queued):
                fates[i] = _OVER
                continue
            visits[at].attempts += 1
            visits[at].noanswer += role == v.RING
            visits[at].flags &= ~DUMPED

        elif role == v.HOLD or role == v.UNHOLD:
            at = latest
            if at < 0 or visits[at].state != TALKING:
                fates[i] = _NO_VISIT
                continue
            visit = visits[at]
            if agent < 0:
                agents[i] = visit.agent
            if np.isnan(visit.hold):
                visit.hold = 0.0
            if role == v.HOLD:
                if visit.held >= 0:
                    fates[i] = _REPEATED
                else:
                    visit.held = t
            elif visit.held >= 0:
                visit.hold += max(t - visit.held, 0) / _SECOND
                visit.held = -1
            else:
                fates[i] = _REPEATED

        elif role == v.DID:
            calls[call].dnis = word
            if latest >= 0 and visits[latest].state == WAITING and visits[latest].dnis < 0:
                visits[latest].dnis = word

        elif role == v.STATUS:
            at = _find_named(visits, calls, call, queue, WAITING | TALKING | ENDED)
            if at < 0:
                at = latest
            if at < 0:
                fates[i] = _NO_VISIT
                continue
            visits[at].disposition = word

        elif role == v.WRAP:
            at = talks[agent] if agent >= 0 else latest
            if at >= 0 and visits[at].ended >= 0 and abs(t - visits[at].ended) <= _WRAP_AFTER:
                visits[at].wrap = other


@plain
def _finish(visits, marks, notes):
    for at in range(marks[_FLOOR], marks[_COUNT]):
        visit = visits[at]
        if visit.state != WAITING:
            continue
        if visit.flags & DUMPED:
            visit.outcome, visit.raw, visit.ended_by = _DROPPED, _DUMP, _AGENT
            visit.wait = max(visit.ended - visit.queued, 0) / _SECOND
        else:
            visit.wait = max(marks[_LAST] - visit.queued, 0) / _SECOND
            notes[_N_LOST_END] += visit.wait >= _DAY_S and not visit.flags & OUTBOUND


class Visits:
    """Follows the callers of a log, chunk after chunk.

    Examples
    --------
    >>> Visits().count
    0
    """

    def __init__(self) -> None:
        self._visits = np.empty(4096, dtype=VISIT)
        self.calls = np.empty(0, dtype=CALL)
        self._tails = np.empty(0, dtype="int32")
        self._talks = np.empty(0, dtype="int32")
        self._marks = np.array([0, 0, -1, -1], dtype="int64")
        self._notes = np.zeros(len(NOTES), dtype="int64")

    def expect(self, visits: int) -> None:
        """Set room aside, before the first chunk; the system gives the memory as it is filled."""
        self._visits = np.empty(max(visits, len(self._visits)), dtype=VISIT)

    @property
    def count(self) -> int:
        """How many visits there are."""
        return int(self._marks[_COUNT])

    @property
    def first(self) -> int:
        """The first time in the log. In microseconds."""
        return int(self._marks[_FIRST])

    @property
    def last(self) -> int:
        """The latest time in the log. In microseconds."""
        return int(self._marks[_LAST])

    @property
    def notes(self) -> dict[str, int]:
        """Repairs and assumptions, counted."""
        return dict(zip(NOTES, self._notes.tolist(), strict=True))

    def follow(self, chunk: Chunk, numbers: tuple[np.ndarray, ...], sizes: tuple[int, int, int], agent_words: np.ndarray) -> Any:
        """Follow a chunk; return the fate of each event and its agent.

        ``numbers`` are the log-wide numbers of the chunk's calls, queues, agents (-1: none) and words, ``sizes`` how many calls,
        queues and agents there are now.
        """
        if len(chunk.time) and self._marks[_FIRST] < 0:
            self._marks[_FIRST] = chunk.time[0]
        if self.count + len(chunk.time) > len(self._visits):
            self._visits.resize(int(1.25 * self.count) + len(chunk.time) + 4096, refcheck=False)
        self.calls = _grown(self.calls, sizes[0])
        self._tails, self._talks = _grown(self._tails, sizes[1]), _grown(self._talks, sizes[2])
        fates, agents = np.zeros(len(chunk.time), dtype="int8"), np.empty(len(chunk.time), dtype="int32")
        _follow(
            chunk.time, chunk.verb, chunk.ids, chunk.figures, *numbers, v.ROLE, v.OUTCOME, v.ENDED_BY, agent_words,
            self._visits, self.calls, self._tails, self._talks, self._marks, self._notes, fates, agents,
        )  # fmt: skip
        return fates, agents

    def going_on(self, since: int, calls: int) -> np.ndarray:
        """Which of so many calls, under any of their names, have a visit that goes on or that ended at ``since`` [µs] or later."""
        visits, known = self._visits[: self.count], self.calls[:calls]
        recent = (visits["state"] != ENDED) | (np.maximum(visits["ended"], visits["queued"]) >= since)
        busy = np.zeros(calls, dtype=bool)
        busy[visits["call"][recent]] = True
        other = np.flatnonzero(known["renamed"] >= 0)
        named = known["renamed"][other]
        busy[other] |= busy[named]
        busy[named[busy[other]]] = True
        return busy

    def over(self, busy: np.ndarray) -> np.ndarray:
        """Hand over the visits of the calls that are not ``busy``, and keep the others."""
        visits = self._visits[: self.count]
        stays = busy[visits["call"]]
        over, left = visits[~stays], visits[stays]
        # One place more, for none: -1.
        place = np.full(len(visits) + 1, -1, dtype="int32")
        place[np.flatnonzero(stays)] = np.arange(len(left))
        for name in ("previous", "before", "after"):
            left[name] = place[left[name]]
        for table in (self.calls["latest"], self._tails, self._talks):
            table[:] = place[table]
        self._marks[_FLOOR] = np.count_nonzero(stays[: self._marks[_FLOOR]])
        self._marks[_COUNT] = len(left)
        self._visits = left
        return over

    def words_used(self) -> np.ndarray:
        """Numbers of the words that the visits and calls kept speak of."""
        visits = self._visits[: self.count]
        return np.concatenate([*(visits[name] for name in _WORDS_OF), self.calls["dnis"]])

    def renumber(self, calls: np.ndarray, words: np.ndarray) -> None:
        """Calls and words have new numbers (-1: forgotten)."""
        visits = self._visits[: self.count]
        visits["call"] = calls[visits["call"]]
        for name in _WORDS_OF:
            visits[name] = _renumbered(visits[name], words)
        known = self.calls[: len(calls)][calls >= 0]
        known["renamed"], known["dnis"] = _renumbered(known["renamed"], calls), _renumbered(known["dnis"], words)
        self.calls = known

    def finish(self) -> np.ndarray:
        """End the log: who still waits is open. Hands the visits over, once."""
        _finish(self._visits, self._marks, self._notes)
        visits, self._visits = self._visits[: self.count], np.empty(0, dtype=VISIT)
        return visits


def _renumbered(numbers: np.ndarray, new: np.ndarray) -> np.ndarray:
    return np.where(numbers >= 0, new[numbers], -1)


def _grown(array: np.ndarray, size: int) -> np.ndarray:
    """Return the array with room for ``size``, new places being -1 in every field."""
    if size <= len(array):
        return array
    bigger = np.full((int(1.25 * size) + 1024) * (array.itemsize // 4), -1, dtype="int32").view(array.dtype)
    bigger[: len(array)] = array
    return bigger
