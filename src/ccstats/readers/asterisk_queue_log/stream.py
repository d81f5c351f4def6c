"""The stream: all sources as one log, scanned ahead on two threads, followed in order, every line accounted for."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pyarrow as pa

from ccstats.errors import DataWarning, FormatError
from ccstats.readers.accounting import Account
from ccstats.readers.asterisk_queue_log import verbs as v
from ccstats.readers.asterisk_queue_log.agents import Agents
from ccstats.readers.asterisk_queue_log.inputs import NOTHING, Input, Piece, at_hand, of_file, pieces_of, scanned, worth_threads
from ccstats.readers.asterisk_queue_log.interner import Names
from ccstats.readers.asterisk_queue_log.names import AgentNames
from ccstats.readers.asterisk_queue_log.realtime import RealtimeTable
from ccstats.readers.asterisk_queue_log.scan import Chunk
from ccstats.readers.asterisk_queue_log.tables import agent_states_table, contacts_table
from ccstats.readers.asterisk_queue_log.visits import AGAIN, FATES, LOST_END, Visits
from ccstats.readers.contract import Log, Options, Source

__all__ = ["Stream"]

_AHEAD = 4  # pieces scanned ahead
_BYTES_A_CALL, _BYTES_A_SPAN = 220, 80  # of an ordinary log: how much room is set aside; more is made where it is not enough
_DAY_US = 86_400_000_000
_OVERLAP_US, _TOO_LONG_US = 60_000_000, 3_600_000_000  # sources that overlap by so much are warned about, are refused
_SHOWN = 20  # unknown verbs named in the account; the rest are counted together
_SKIP = 1 << 30  # a verb code that nobody follows
_VERB_NAMES = list(v.VERBS)


class Stream:
    r"""Reads a log once; make a new one for each.

    Examples
    --------
    >>> log = Stream(Options()).read([Source("queue_log", b"1266833905|NONE|NONE|NONE|QUEUESTART|\n")])
    >>> log.summary().to_dict("records")
    [{'fate': 'used', 'rule': 'QUEUESTART', 'lines': 1}]
    """

    def __init__(self, options: Options, holds: Iterable[int] = ()) -> None:
        self._options = options
        self._holds = list(holds)  # numbers of queues known to log holds
        self._account = Account(options)
        self._calls, self._queues, self._words, self._logged = Names(), Names(), Names(), Names()
        self._nameless = self._calls.add(b"")
        self._constants = (self._words.add(b"PAUSED"), self._queues.add(b"NONE"))
        self._no_queue = self._queues.add(b"")
        self._agent_names = AgentNames(options.extra.get("agents"))
        self._agent_of = np.empty(0, dtype="int32")
        self._agent_words = np.empty(0, dtype="int32")
        self._visits, self._agents = Visits(), Agents()
        self._seen: list[tuple[int, int]] = []  # when parts were handed over, and how many calls had been seen by then, of those known now
        self._none_held = 0
        self._unknown: dict[str, int] = {}
        self._previous = -1  # time of the last event
        self._latest = (-1, "")  # when the source before that ended last did so, and its name

    def read(self, sources: Iterable[Source]) -> Log:
        """Read the sources as one log."""
        inputs = self._inputs(sources)
        # Of rows that stream, which may be many, one table after the other is made.
        at_once = all(map(at_hand, inputs))
        inputs.sort(key=lambda each: (each.first < 0, each.first))
        # A call has two rows of a table at the least; of a file only its size is known.
        calls = sum(each.size // _BYTES_A_CALL if each.table is None else len(each.table) // 2 for each in inputs)
        self._calls.expect(calls)
        self._visits.expect(calls)
        self._agents.expect(sum(each.size for each in inputs) // _BYTES_A_SPAN)
        for _ in self._followed(inputs, threaded=worth_threads(inputs)):
            pass
        inputs.clear()
        pa.default_memory_pool().release_unused()
        return self._log(at_once)

    def parts(self, files: Iterable[Source], *, enough: int) -> Iterator[Log]:
        """Read files that follow each other in time, and hand over what is over whenever there are ``enough`` visits; the rest at last.

        Calls and agents whose lines go on are kept, so that all parts together are what `read` makes of the files. The last part has the
        notes of all.
        """
        limit = enough
        for _ in self._followed(map(of_file, files), threaded=True):
            if self._visits.count >= limit:
                yield self._part()
                limit = max(enough, 2 * self._visits.count)
        yield self._log(at_once=True)

    def holding(self, files: Iterable[Source], *, enough: int) -> set[int]:
        """Numbers of the queues that log holds; the same as in another reading of the same files."""
        held: set[int] = set()

        def look(visits: np.ndarray) -> None:
            held.update(np.unique(visits["queue"][~np.isnan(visits["hold"]) & ~np.isnan(visits["talk"])]).tolist())

        for _ in self._followed(map(of_file, files), threaded=True):
            if self._visits.count >= enough:
                look(self._over()[0])
        look(self._visits.finish())
        return held

    def _followed(self, inputs: Iterable[Input], *, threaded: bool) -> Iterator[None]:
        """Follow the inputs, which are in order of time; stops after every piece."""
        with ExitStack() as stack:
            pool = stack.enter_context(ThreadPoolExecutor(2)) if threaded else None
            ahead = _AHEAD if threaded else 1
            waiting: deque[Piece] = deque()
            pieces = pieces_of(inputs, pool)
            line, current = 0, None
            while True:
                while len(waiting) <= ahead and (piece := next(pieces, None)):
                    waiting.append(piece)
                if not waiting:
                    break
                piece = waiting.popleft()
                chunk = scanned(piece).chunk
                following = scanned(waiting[0]).chunk if waiting else None
                if piece.input is not current:
                    if current is not None:
                        self._latest = max(self._latest, (self._previous, current.name))
                    self._check_overlap(piece.input, chunk)
                    line, current = 0, piece.input
                self._take(piece, chunk, following, line)
                line += chunk.lines
                if self._options.progress:
                    self._options.progress(piece.input.name, piece.share)
                yield

    def _inputs(self, sources: Iterable[Source]) -> list[Input]:
        """The sources as files and tables; sources that go on with a table are one with it."""
        found: list[Input | RealtimeTable] = []
        for source in sources:
            if source.frame is None:
                found.append(of_file(source))
                continue
            if source.first == 1:
                found.append(RealtimeTable(source.name, self._options.timezone, self._options.extra.get("blank", ())))
            table = found[-1]
            assert isinstance(table, RealtimeTable)
            table.add(source.frame)
        return [self._of_table(each) if isinstance(each, RealtimeTable) else each for each in found]

    def _of_table(self, table: RealtimeTable) -> Input:
        for note, count in table.finish().items():
            self._account.note(note, count)
        pa.default_memory_pool().release_unused()
        return Input(table.name, NOTHING, table, table.size, *table.span)

    def _check_overlap(self, source: Input, chunk: Chunk) -> None:
        """Two files of one log follow each other; otherwise they are of two switches, or one was given twice."""
        latest, other = self._latest
        if not len(chunk.time) or latest - int(chunk.time[0]) <= _OVERLAP_US:
            return
        begin, end = int(chunk.time[0]), min(latest, max(source.last * 1_000_000, int(chunk.time[-1])))
        if end - begin > _TOO_LONG_US:
            first, last = (np.datetime_as_string(np.datetime64(time, "us"), unit="s") + "Z" for time in (begin, end))
            raise FormatError(
                f"{other} and {source.name} overlap in time from {first} to {last}, and one log's files follow each other: "
                "name each log once; read the logs of different switches on their own"
            )
        self._account.note("sources overlap in time", 1)
        warnings.warn(
            f"{source.name} begins before {other} ends: name each log once; read the logs of different switches on their own",
            DataWarning,
            stacklevel=6,
        )

    def _take(self, piece: Piece, chunk: Chunk, following: Chunk | None, line: int) -> None:
        """Follow the events of a piece and book its lines."""
        spikes = self._spikes(chunk, following)
        if len(spikes):
            chunk.time[spikes] = chunk.time[spikes - 1] if spikes[0] else self._before_first(chunk, spikes)
            chunk.verb[spikes] = _SKIP
        fates = self._follow(chunk) if len(chunk.time) else np.empty(0, dtype="int8")
        self._reject(piece, chunk, {v.SPIKE: spikes, v.AGAIN: np.flatnonzero(fates == AGAIN)}, line)
        if len(chunk.time):
            self._previous = int(chunk.time[-1])
            self._book(piece.input.name, chunk, fates)
        self._account.count(piece.input.name, "ignored", "blank line", chunk.blank)
        self._account.note("lines that are not UTF-8: read as Latin-1", chunk.converted)

    def _spikes(self, chunk: Chunk, following: Chunk | None) -> np.ndarray:
        """Events whose time is more than a day ahead of both neighbours: one broken digit would keep everybody logged in for years."""
        if not len(chunk.time):
            return np.empty(0, dtype="int64")
        after = following.time[:1] if following is not None and len(following.time) else chunk.time[-1:]
        before = np.concatenate([[min(self._previous, int(chunk.time[0])) if self._previous >= 0 else -_DAY_US], chunk.time[:-1]])
        return np.flatnonzero((chunk.time > before + _DAY_US) & (chunk.time > np.concatenate([chunk.time[1:], after]) + _DAY_US))

    def _before_first(self, chunk: Chunk, spikes: np.ndarray) -> np.ndarray:
        times = chunk.time[spikes - 1]
        times[0] = self._previous if self._previous >= 0 else chunk.time[1:2].min(initial=chunk.time[0])
        return times

    def _reject(self, piece: Piece, chunk: Chunk, events: dict[int, np.ndarray], line: int) -> None:
        """Reject the lines that the scanner could not take, and these events by their reason."""
        at = np.concatenate([chunk.bad_line, *(chunk.line[places] for places in events.values())])
        if not len(at):
            return
        why = np.concatenate([chunk.bad_why, *(np.full(len(places), reason, dtype="int8") for reason, places in events.items())])
        rows = at.astype("int64") + line if piece.rows is None else piece.rows[at - 1]
        first = int(np.argmin(rows))
        self._options.reject(piece.input.name, int(rows[first]), v.REASONS[why[first]])
        texts = scanned(piece).data.tobytes().split(b"\n") if self._account.keeps_text else []
        for reason in np.unique(why):
            these = why == reason
            self._account.reject(
                piece.input.name,
                rows[these],
                v.REASONS[reason],
                texts=[texts[number - 1].decode("utf-8", "replace") for number in at[these]] if texts else (),
            )

    def _follow(self, chunk: Chunk) -> np.ndarray:
        """Names into the log's numbers, then callers, then agents; returns the fates of the events."""
        calls, queues, logged, words = (
            names.absorb(chunk.data, chunk.begins[kind], chunk.ends[kind], chunk.hashes[kind], int(chunk.counts[kind]))
            for kind, names in enumerate((self._calls, self._queues, self._logged, self._words))
        )
        queues[queues == self._no_queue] = self._constants[1]
        if self._logged.count > len(self._agent_of):
            new = [self._agent_names.number(text) for text in self._logged.texts(len(self._agent_of))]
            self._agent_of = np.concatenate([self._agent_of, np.array(new, dtype="int32")])
            names = [self._words.add(name.encode()) for name in self._agent_names.names[len(self._agent_words) :]]
            self._agent_words = np.concatenate([self._agent_words, np.array(names, dtype="int32")])
        people = self._agent_of[logged]
        sizes = (self._calls.count, self._queues.count, len(self._agent_words))
        fates, agents = self._visits.follow(chunk, (calls, queues, people, words), sizes, self._agent_words)
        self._agents.follow(chunk, calls, queues, agents, words, self._constants, self._visits.first)
        return fates

    def _book(self, name: str, chunk: Chunk, fates: np.ndarray) -> None:
        known = chunk.verb < v.KNOWN
        counts = np.bincount(chunk.verb[known] * len(FATES) + fates[known], minlength=v.KNOWN * len(FATES))
        for place in np.flatnonzero(counts):
            if place % len(FATES) == AGAIN:
                continue
            verb, fate = _VERB_NAMES[place // len(FATES)], FATES[place % len(FATES)]
            reason = fate or v.VERBS[verb].ignored
            self._account.count(name, "ignored" if reason else "used", f"{verb}: {reason}" if reason else verb, int(counts[place]))
        if chunk.counts[4]:
            of_verb = np.bincount(chunk.verb[~known & (chunk.verb < _SKIP)] - v.KNOWN, minlength=chunk.counts[4])
            for begin, end, count in zip(chunk.begins[4], chunk.ends[4], of_verb.tolist(), strict=False):
                verb = chunk.data[begin:end].tobytes().decode()
                if verb not in self._unknown and len(self._unknown) >= _SHOWN:
                    verb = "(others)"
                self._unknown[verb] = self._unknown.get(verb, 0) + count
                self._account.count(name, "ignored", f"unknown verb {verb}", count)

    def _over(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Visits and spans that nothing in the log changes any more, taken out, and which calls stay."""
        calls, since = self._calls.count, self._visits.last - _DAY_US
        busy = self._visits.going_on(since, calls)
        # The number that was dialled may be logged before the call joins a queue.
        seen = max((count for time, count in self._seen if time < since), default=0)
        busy[seen:] |= self._visits.calls["latest"][seen:calls] < 0
        return self._visits.over(busy), self._agents.over(busy), busy

    def _forget(self, busy: np.ndarray) -> None:
        """Give up the names of calls, and the words, that nobody speaks of any more."""
        calls, words = self._agents.names_used()
        stay, spoken = busy.copy(), np.zeros(self._words.count, dtype=bool)
        stay[self._nameless] = spoken[self._constants[0]] = True
        stay[calls[calls >= 0]] = True
        for used in (self._agent_words, words, self._visits.words_used()):
            spoken[used[used >= 0]] = True
        self._calls, new_calls = self._calls.only(stay)
        self._words, new_words = self._words.only(spoken)
        self._visits.renumber(new_calls, new_words)
        self._agents.renumber(new_calls, new_words)
        self._agent_words = new_words[self._agent_words]
        self._seen = [(time, int(np.count_nonzero(stay[:count]))) for time, count in (*self._seen, (self._visits.last, len(stay)))]

    def _part(self) -> Log:
        """What is over, as a log; the lines are those read since the last part."""
        renamed = self._renamed()
        visits, spans, busy = self._over()
        names = (self._calls, self._queues, self._agent_names.names, self._words)
        states = agent_states_table(lambda: spans, *names, renamed, self._nameless)
        contacts, none_held = contacts_table(lambda: visits, self._held(), *names, self._options)
        self._none_held += none_held
        rejected, lines, notes = self._account.tables()
        self._account = Account(self._options)
        self._forget(busy)
        return Log(contacts, states, rejected, lines, notes, "asterisk_queue_log", self._options.timezone)

    def _held(self) -> np.ndarray:
        held = np.zeros(self._queues.count, dtype=bool)
        held[[queue for queue in self._holds if queue < len(held)]] = True
        return held

    def _renamed(self) -> np.ndarray:
        is_renamed = (self._visits.calls["renamed"] >= 0) & (self._visits.calls["latest"] < 0)
        return np.where(is_renamed, self._visits.calls["renamed"], -1)

    def _log(self, at_once: bool) -> Log:
        renamed = self._renamed()
        for each in (self._calls, self._queues, self._words, self._logged):
            each.close()
        names = (self._calls, self._queues, self._agent_names.names, self._words)
        spans = (lambda: self._agents.finish(self._visits.last), *names, renamed, self._nameless)
        visits = (self._visits.finish, self._held(), *names, self._options)
        if at_once:
            with ThreadPoolExecutor(1) as pool:
                making = pool.submit(agent_states_table, *spans)
                contacts, none_held = contacts_table(*visits)
                states = making.result()
        else:
            states = agent_states_table(*spans)
            pa.default_memory_pool().release_unused()
            contacts, none_held = contacts_table(*visits)
        self._note(self._none_held + none_held)
        rejected, lines, notes = self._account.tables()
        return Log(contacts, states, rejected, lines, notes, "asterisk_queue_log", self._options.timezone)

    def _note(self, none_held: int) -> None:
        note = self._account.note
        for noted, count in {**self._visits.notes, **self._agents.notes}.items():
            note(noted, count)
        note("no hold logged in a queue that logs holds: hold_s is 0", none_held)
        note("agents logged under several names, such as SIP/2001 and PJSIP/2001: taken as one", self._agent_names.merged)
        if lost := self._visits.notes[LOST_END]:
            warnings.warn(f"{lost} visits have {LOST_END}", DataWarning, stacklevel=6)
        if self._unknown:
            note("unknown verbs", sum(self._unknown.values()))
            warnings.warn(
                f"queue_log has verbs that are not known: {', '.join(sorted(self._unknown))}; "
                f"{sum(self._unknown.values())} lines were not used",
                DataWarning,
                stacklevel=6,
            )
