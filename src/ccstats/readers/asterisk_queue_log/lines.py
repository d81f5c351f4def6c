"""The compiled writer: columns of a table into lines of the file form, first what follows the time and then, in their order, the whole."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc

from ccstats.readers.asterisk_queue_log.compiled import inner, plain

__all__ = ["NEVER", "PIECE", "Tails", "lines_of", "tails_of"]

_NAMED, _COLUMNS = 4, 10  # columns before the data, and with them
NEVER = np.iinfo("int64").max  # the time of a line that has none, which comes last
PIECE = 8_192  # rows written at a time
_PIPE, _BLANK, _NEWLINE, _RETURN, _DOT, _ZERO = 124, 32, 10, 13, 46, 48
_LONGEST_TIME = 26  # signs
_SECOND = np.uint64(1_000_000)


class Tails(NamedTuple):
    """What follows the time in each line, its end included: the bytes, and where each begins and ends in them."""

    data: np.ndarray
    begins: np.ndarray
    ends: np.ndarray


@inner
def _is_blank(data, begin, end, words, bounds):
    """Whether the bytes are one of the words for "no value"."""
    for word in range(len(bounds) - 1):
        if bounds[word + 1] - bounds[word] == end - begin:
            same = True
            for at in range(end - begin):
                same &= words[bounds[word] + at] == data[begin + at]
            if same:
                return True
    return False


@plain
def _write_tails(columns, offsets, words, bounds, longest, out, at, begins, ends):
    for row in range(len(begins)):
        begins[row] = after = at
        for column in range(_COLUMNS):
            out[at] = _PIPE
            at += 1
            if column == _NAMED:
                after = at
            data, begin, end = columns[column], offsets[column][row], offsets[column][row + 1]
            if begin == end or (end - begin <= longest and _is_blank(data, begin, end, words, bounds)):
                continue
            for place in range(begin, end):
                sign = data[place]
                out[at] = _BLANK if sign in (_NEWLINE, _RETURN) else sign
                at += 1
        while at > after and out[at - 1] == _PIPE:
            at -= 1
        out[at] = _NEWLINE
        at += 1
        ends[row] = at


@inner
def _write_number(out, at, number, digits):
    """Write a whole number with at least so many digits, and return where it ends."""
    end, over = at + digits, number // np.uint64(10**digits)
    while over > 0:
        end += 1
        over //= np.uint64(10)
    for place in range(end - 1, at - 1, -1):
        out[place] = _ZERO + number % np.uint64(10)
        number //= np.uint64(10)
    return end


@plain
def _write_lines(data, begins, ends, rows, moments, out):
    at = 0
    for line in range(len(rows)):
        if moments[line] < NEVER:
            at = _write_number(out, at, np.uint64(moments[line]) // _SECOND, 1)
            out[at] = _DOT
            at = _write_number(out, at + 1, np.uint64(moments[line]) % _SECOND, 6)
        for place in range(begins[rows[line]], ends[rows[line]]):
            out[at] = data[place]
            at += 1
    return at


def tails_of(columns: Sequence[Any], blank: Sequence[str], pool: Executor | None = None) -> Tails:
    """Call id, queue, agent, event and up to six columns of data with pipes between them, of which none stands at the end.

    The columns are PyArrow's large texts in chunks. Line ends in them are made blanks, and the words ``blank`` stand for nothing.

    Examples
    --------
    >>> import pyarrow as pa
    >>> columns = [pa.chunked_array([[text]], pa.large_string()) for text in ("17.1", "a b", "NONE", "ABANDON", "1", "NULL")]
    >>> tails_of(columns, ["NULL"]).data[:24].tobytes()
    b'|17.1|a b|NONE|ABANDON|1'
    """
    rows = len(columns[0])
    words, bounds = np.frombuffer("".join(blank).encode(), dtype="uint8"), np.cumsum([0, *(len(word.encode()) for word in blank)])
    longest = int(np.diff(bounds).max(initial=0))
    pieces = [[column.slice(first, PIECE) for column in columns] for first in range(0, rows, PIECE)]
    # Room for all of them side by side, as nobody knows how long one becomes before it is written.
    places = np.cumsum([0, *(sum(column.nbytes for column in piece) + (_COLUMNS + 1) * len(piece[0]) for piece in pieces)])
    data, begins, ends = np.empty(places[-1], dtype="uint8"), np.empty(rows, dtype="int64"), np.empty(rows, dtype="int64")

    def write(at: int) -> None:
        many = len(pieces[at][0])
        texts = [*map(_views, pieces[at]), *[_nothing(many)] * (_COLUMNS - len(columns))]
        octets, offsets = zip(*texts, strict=True)
        these = slice(at * PIECE, at * PIECE + many)
        _write_tails(octets, offsets, words, bounds, longest, data, places[at], begins[these], ends[these])

    for _ in (map if pool is None else pool.map)(write, range(len(pieces))):
        pass
    return Tails(data, begins, ends)


def lines_of(tails: Sequence[Tails], rows: np.ndarray, moments: np.ndarray) -> np.ndarray:
    r"""The lines of these rows of the tails, which stand one after the other, with their times in microseconds since 1970; as bytes.

    Examples
    --------
    >>> tails = Tails(np.frombuffer(b"|17.1\n|17.2\n", dtype="uint8"), np.array([0, 6]), np.array([6, 12]))
    >>> lines_of([tails], np.array([1, 0]), np.array([1266833905_000000, NEVER])).tobytes()
    b'1266833905.000000|17.2\n|17.1\n'
    """
    data, begins, ends = tails[0] if len(tails) == 1 else _in_one(tails)
    out = np.empty(int((ends[rows] - begins[rows]).sum()) + _LONGEST_TIME * len(rows), dtype="uint8")
    return out[: _write_lines(data, begins, ends, rows, moments, out)]


def _in_one(tails: Sequence[Tails]) -> Tails:
    data, begins, ends = (np.concatenate(each) for each in zip(*tails, strict=True))
    before = np.cumsum([0, *(len(each.data) for each in tails[:-1])])
    shift = np.repeat(before, [len(each.begins) for each in tails])
    return Tails(data, begins + shift, ends + shift)


def _views(column: Any) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of a text, and where each row begins in them and the last one ends."""
    text = column.combine_chunks()
    text = pc.fill_null(text, "") if text.null_count else text
    _, offsets, octets = text.buffers()
    bounds = np.frombuffer(offsets, dtype="int64")[text.offset : text.offset + len(text) + 1]
    return _read_only(np.frombuffer(octets or b"", dtype="uint8")), _read_only(bounds)


def _nothing(rows: int) -> tuple[np.ndarray, np.ndarray]:
    return _read_only(np.empty(0, dtype="uint8")), _read_only(np.zeros(rows + 1, dtype="int64"))


def _read_only(values: np.ndarray) -> np.ndarray:
    """All columns are of one kind to the compiler."""
    values = np.require(values, requirements=["C", "A"])[:]
    values.flags.writeable = False
    return values
