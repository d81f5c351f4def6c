"""What the stream is made of: sources cut at line ends into pieces, which are scanned ahead of those who follow them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import numpy as np

from ccstats.readers.asterisk_queue_log.realtime import RealtimeTable
from ccstats.readers.asterisk_queue_log.scan import Chunk, scan
from ccstats.readers.contract import Source

__all__ = ["NOTHING", "Input", "Piece", "at_hand", "of_file", "pieces_of", "scanned", "worth_threads"]

_PIECE = 8 << 20  # bytes scanned at a time
NOTHING = np.empty(0, dtype="uint8")
_FIRST_TIME = re.compile(rb"^(?:\xef\xbb\xbf)?(\d{9,10})(?:\.\d+)?\|", re.MULTILINE)


class Input(NamedTuple):
    """A source: the bytes of a file, or a table; with the seconds of its first and last line."""

    name: str
    data: np.ndarray
    table: RealtimeTable | None
    size: int
    first: int
    last: int


class Scanned(NamedTuple):
    """Whole lines and the events in them."""

    data: np.ndarray
    chunk: Chunk


class Piece(NamedTuple):
    """Whole lines of an input, scanned or about to be; ``share`` of it read then, and the row of a table that each was."""

    input: Input
    share: float
    rows: np.ndarray | None
    made: Future[Scanned] | Scanned


def scanned(piece: Piece) -> Scanned:
    """The lines of a piece and their events, when they are there."""
    return piece.made.result() if isinstance(piece.made, Future) else piece.made


def of_file(source: Source) -> Input:
    r"""A file and the time it spans.

    Examples
    --------
    >>> of_file(Source("queue_log", b"1266833905|NONE|NONE|NONE|QUEUESTART|\n"))[3:]
    (38, 1266833905, 1266833905)
    """
    data = np.frombuffer(source.data, dtype="uint8") if len(source.data) else NOTHING.copy()
    data.flags.writeable = False
    first = _FIRST_TIME.search(data[:65_536].tobytes())
    ends = _FIRST_TIME.findall(data[-65_536:].tobytes())
    return Input(source.name, data, None, len(data), int(first[1]) if first else -1, int(ends[-1]) if ends else -1)


def worth_threads(inputs: Iterable[Input]) -> bool:
    """Whether scanning ahead pays: small logs need no threads, and tables that stream the memory that those take."""
    return sum(each.size for each in inputs if at_hand(each)) > 2 * _PIECE


def at_hand(source: Input) -> bool:
    """Whether it is in memory as it is, and not the rows of a database, which are many more than fit there, perhaps."""
    return source.table is None or source.table.at_hand


def pieces_of(inputs: Iterable[Input], pool: ThreadPoolExecutor | None) -> Iterator[Piece]:
    """Cut the inputs at line ends and have the pieces scanned."""
    for each in inputs:
        for work, share, rows in _of_file(each) if each.table is None else _of_table(each.table):
            yield Piece(each, share, rows, work() if pool is None else pool.submit(work))


def _of_file(source: Input) -> Iterator[tuple[Callable[[], Scanned], float, None]]:
    """What scans pieces that begin and end at line ends, and the share up to there."""
    data, size = source.data, source.size
    begin = 3 if data[:3].tobytes() == b"\xef\xbb\xbf" else 0
    while begin < size:
        end = _line_end(data, min(begin + _PIECE, size))
        yield partial(_scanned_file, data, begin, end), end / size, None
        begin = end


def _scanned_file(data: np.ndarray, begin: int, end: int) -> Scanned:
    return Scanned(data[begin:end], scan(data, begin, end, cut=bool(end == len(data) and data[-1] != 10)))


def _of_table(table: RealtimeTable) -> Iterator[tuple[Callable[[], Scanned], float, np.ndarray]]:
    """What writes and scans pieces of a table, the share up to there, and the rows."""
    taken = 0
    for write, rows in table.lines():
        taken += len(rows)
        yield partial(_scanned_table, write), taken / len(table), rows


def _scanned_table(write: Callable[[], np.ndarray]) -> Scanned:
    data = write()
    return Scanned(data, scan(data, 0, len(data), cut=False))


def _line_end(data: np.ndarray, at: int) -> int:
    """Where the line that holds the byte before ``at`` ends; the first byte after it."""
    while at < len(data):
        if data[at - 1] == 10:
            return at
        ends = np.flatnonzero(data[at : at + 65_536] == 10)
        if len(ends):
            return at + int(ends[0]) + 1
        at += 65_536
    return len(data)
