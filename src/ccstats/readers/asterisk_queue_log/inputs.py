"""What the stream is made of: sources cut at line ends into pieces, which are scanned ahead of those who follow them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from ccstats.readers.asterisk_queue_log.realtime import RealtimeTable
from ccstats.readers.asterisk_queue_log.scan import Chunk, scan
from ccstats.readers.contract import Source

__all__ = ["NOTHING", "Input", "Piece", "of_file", "pieces_of", "scanned", "worth_threads"]

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


class Piece(NamedTuple):
    """Whole lines of an input, scanned or about to be; ``share`` of it read then, and the row of a table that each was."""

    input: Input
    data: np.ndarray
    begin: int
    end: int
    share: float
    rows: np.ndarray | None
    chunk: Future[Chunk] | Chunk


def scanned(piece: Piece) -> Chunk:
    """The events of a piece, when they are there."""
    return piece.chunk.result() if isinstance(piece.chunk, Future) else piece.chunk


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
    """Whether scanning ahead pays: small logs need no threads, and tables the memory that those take."""
    return sum(each.size for each in inputs if each.table is None) > 2 * _PIECE


def pieces_of(inputs: Iterable[Input], pool: ThreadPoolExecutor | None) -> Iterator[Piece]:
    """Cut the inputs at line ends and have the pieces scanned."""
    for each in inputs:
        for data, begin, end, share, rows in _cuts(each):
            cut = bool(end == len(data) and data[-1] != 10)
            chunk = scan(data, begin, end, cut=cut) if pool is None else pool.submit(scan, data, begin, end, cut=cut)
            yield Piece(each, data, begin, end, share, rows, chunk)


def _cuts(source: Input) -> Iterator[tuple[np.ndarray, int, int, float, np.ndarray | None]]:
    """Pieces that begin and end at line ends: bytes, where it begins and ends in them, the share up to there, and rows of a table."""
    if source.table is not None:
        taken, many = 0, len(source.table)
        for data, rows in source.table.lines():
            taken += len(rows)
            yield data, 0, len(data), taken / many, rows
        return
    data, size = source.data, source.size
    begin = 3 if data[:3].tobytes() == b"\xef\xbb\xbf" else 0
    while begin < size:
        end = _line_end(data, min(begin + _PIECE, size))
        yield data, begin, end, end / size, None
        begin = end


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
