"""The fast way through a delimited text: whole columns at once, where nothing in it needs a closer look."""

from __future__ import annotations

import csv as careful
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from ccstats.readers.threads import for_each

__all__ = ["plain_columns"]

#: The longest field that Python's csv module takes; longer lines are left to it, so that its answer stays the same. [bytes]
_LONGEST = 131_072
#: Lines whose quotes are looked at together. [bytes]
_TOGETHER = 1 << 20
#: A text from which on it is looked through by several threads. [bytes]
_WORTH_THREADS = 4 << 20
_QUOTE, _LINE_END, _RETURN = b'"\n\r'
#: Rows from which on columns of few words are looked for, in as many, and how often a word comes again there. [rows, times]
_MANY, _AGAIN = 2_000, 8
_WORDS = pa.dictionary(pa.int32(), pa.large_string())
_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)


def plain_columns(
    data: Any, delimiter: str, *, quoted: bool = True, header: Sequence[str] | None = None, categories: bool = True
) -> tuple[list[str], list[pd.Series]] | None:
    r"""The header and the columns of a text as text, or None where it is not plain.

    Of a long text the columns whose words come again and again are categories of them.

    Plain is a text in UTF-8 whose first line is the header, without blank lines, lone carriage returns or zero bytes, whose lines all have
    as many fields as the header, and whose quotes stand around whole fields, or doubled within them, with no line end between them. Row
    *n* of the columns is then line *n* + 2 of the text. The header comes first, then the columns.

    Parameters
    ----------
    data : bytes or another buffer
        The text.
    delimiter : str
        One sign.
    quoted : bool
        Whether a quote is a quote and not a sign like others.
    header : sequence of str, optional
        The header of a text that begins with its first row.
    categories : bool
        Whether columns may be categories.

    Returns
    -------
    (list of str, list of pandas.Series) or None

    Examples
    --------
    >>> header, columns = plain_columns(b'a,b\n1,"x, y"\n', ",")
    >>> header, [column.tolist() for column in columns]
    (['a', 'b'], [['1'], ['x, y']])
    >>> plain_columns(b'a,b\n1,"x\ny"\n', ",") is None
    True
    """
    if not len(data):
        return None
    octets, text = np.frombuffer(data, dtype="uint8"), pa.py_buffer(data)
    seen = _looked_through(octets, ord(delimiter), quoted=quoted)
    above = 1 if header is None else 0
    if seen is None or len(seen[0]) <= above:
        return None
    stops, has_quotes = seen
    try:
        # All signs are looked at together, not value by value.
        pa.LargeBinaryArray.from_buffers(pa.large_binary(), 1, [None, pa.py_buffer(np.array([0, len(octets)])), text]).cast("large_string")
        if header is None:
            first = octets[: stops[0]].tobytes().decode("utf-8").removesuffix("\r")
            header = next(careful.reader([first], delimiter=delimiter)) if has_quotes else first.split(delimiter)
        if not any(name.strip() for name in header):
            return None
        parse = csv.ParseOptions(delimiter=delimiter, quote_char='"' if has_quotes else False, double_quote=has_quotes)
        few = None
        if categories and len(stops) > _MANY:
            few = _few_words(_table(text[: stops[_MANY] + 1], len(header), above, parse, frozenset()))
        table = _table(text, len(header), above, parse, few or frozenset())
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    if table.num_rows != len(stops) - above or _has_blank_row(table):
        return None
    return list(header), for_each(_series, table.columns, rows=table.num_rows)


def _table(text: pa.Buffer, columns: int, above: int, parse: csv.ParseOptions, few: frozenset[int]) -> pa.Table:
    """The columns as text, called by their places, some of them as numbers of their words."""
    types = {str(at): _WORDS if at in few else pa.large_string() for at in range(columns)}
    return csv.read_csv(
        pa.BufferReader(text),
        read_options=csv.ReadOptions(column_names=list(types), skip_rows=above, block_size=1 << 20),
        parse_options=parse,
        convert_options=csv.ConvertOptions(column_types=types, strings_can_be_null=False, check_utf8=False),
    )


def _few_words(table: pa.Table) -> frozenset[int]:
    """The places of columns whose words come again and again."""
    return frozenset(at for at, column in enumerate(table.columns) if pc.count_distinct(column).as_py() * _AGAIN <= len(column))


def _series(column: pa.ChunkedArray) -> pd.Series:
    """Text, or a category of it if there are few words indeed."""
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
        words = column.chunk(0).dictionary
        if len(words) * _AGAIN <= len(column):
            codes = np.concatenate([chunk.indices.to_numpy() for chunk in column.chunks])
            return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(words.to_pylist(), dtype="str")))
        column = column.cast(pa.large_string())
    return pd.Series(_TEXT.__from_arrow__(column))  # type: ignore[attr-defined]


def _looked_through(octets: np.ndarray, delimiter: int, *, quoted: bool) -> tuple[np.ndarray, bool] | None:
    """Where the lines stop and whether there are quotes; None where a sign is not plain, or a line is too long."""
    many = pa.cpu_count()
    if many == 1 or len(octets) < _WORTH_THREADS:
        return _lines_seen(octets, 0, len(octets), delimiter, quoted)
    cuts = sorted({0, len(octets), *(_after_line(octets, len(octets) * at // many) for at in range(1, many))})
    with ThreadPoolExecutor(many) as pool:
        found = list(pool.map(lambda begin, end: _lines_seen(octets, begin, end, delimiter, quoted), cuts[:-1], cuts[1:]))
    seen = [each for each in found if each is not None]
    return (np.concatenate([stops for stops, _ in seen]), any(quotes for _, quotes in seen)) if len(seen) == len(found) else None


def _after_line(octets: np.ndarray, at: int) -> int:
    """Where the line that is here ends, if it is not too long; else where all ends."""
    stops = np.flatnonzero(octets[at : at + _LONGEST] == _LINE_END)
    return at + int(stops[0]) + 1 if len(stops) else len(octets)


def _lines_seen(octets: np.ndarray, begin: int, all_of: int, delimiter: int, quoted: bool) -> tuple[np.ndarray, bool] | None:
    """The same of the lines from one place to before another."""
    ends, has_quotes, before = [], False, begin - 1
    while begin < all_of:
        # Some lines at a time, that fit into the processor's memory.
        some = octets[begin : min(begin + _TOGETHER, all_of)]
        stops = np.flatnonzero(some == _LINE_END)
        if begin + len(some) == len(octets):
            stops = stops if some[-1] == _LINE_END else np.append(stops, len(some))
        elif not len(stops):
            return None
        some = some[: stops[-1] + 1]
        returns = np.flatnonzero(some == _RETURN)
        if not some.all() or (some.take(returns + 1, mode="clip") != _LINE_END).any():
            return None
        if quoted and (some == _QUOTE).any():
            has_quotes = True
            if not _quotes_whole_fields(some, delimiter, stops):
                return None
        ends.append(stops + begin)
        if np.diff(ends[-1], prepend=before).max() >= _LONGEST:
            return None
        before = ends[-1][-1]
        begin += len(some)
    return (np.concatenate(ends), has_quotes) if ends else None


def _quotes_whole_fields(octets: np.ndarray, delimiter: int, stops: np.ndarray) -> bool:
    """Whether every other quote begins a field and the ones between end it, on the same line, or the two stand together as one sign."""
    at = np.flatnonzero(octets == _QUOTE)
    if (np.searchsorted(at, stops) % 2).any():
        return False
    before = octets[at[0::2][int(at[0] == 0) :] - 1]
    after = octets[at[1::2][: -1 if at[-1] == len(octets) - 1 else None] + 1]
    return all(
        ((signs == delimiter) | (signs == _QUOTE) | (signs == _LINE_END) | (signs == other)).all()
        for signs, other in ((before, _QUOTE), (after, _RETURN))
    )


def _has_blank_row(table: pa.Table) -> bool:
    """Whether there is a line of nothing but blanks, which is no row."""
    coded = [column for column in table.columns if pa.types.is_dictionary(column.type)]
    if any(not any(pc.any(_bare(chunk.dictionary)).as_py() for chunk in column.chunks) for column in coded):
        return False
    blank = None
    for column in sorted(table.columns, key=lambda each: pa.types.is_dictionary(each.type)):
        bare = pa.chunked_array([_blank(chunk) for chunk in column.chunks], pa.bool_())
        blank = bare if blank is None else pc.and_(blank, bare)
        if not pc.any(blank).as_py():
            return False
    return True


def _blank(text: pa.Array) -> pa.Array:
    return _bare(text.dictionary).take(text.indices) if pa.types.is_dictionary(text.type) else _bare(text)


def _bare(text: pa.Array) -> pa.Array:
    return pc.equal(pc.utf8_trim_whitespace(text), "")
