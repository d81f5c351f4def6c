"""The fast way through a delimited text: whole columns at once, where nothing in it needs a closer look."""

from __future__ import annotations

import csv as careful
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

__all__ = ["plain_columns"]

#: The longest field that Python's csv module takes; longer lines are left to it, so that its answer stays the same. [bytes]
_LONGEST = 131_072
#: Lines whose quotes are looked at together. [bytes]
_TOGETHER = 262_144
_QUOTE, _LINE_END, _RETURN = b'"\n\r'


def plain_columns(
    data: bytes, delimiter: str, *, quoted: bool = True, header: Sequence[str] | None = None
) -> tuple[list[str], pd.DataFrame] | None:
    r"""The header and the columns of a text as text, or None where it is not plain.

    Plain is a text in UTF-8 whose first line is the header, without blank lines, lone carriage returns or zero bytes, whose lines all have
    as many fields as the header, and whose quotes stand around whole fields, or doubled within them, with no line end between them. Row
    *n* of the frame is then line *n* + 2 of the text. The header comes first, then the columns, which are called by their places.

    Parameters
    ----------
    data : bytes
        The text.
    delimiter : str
        One sign.
    quoted : bool
        Whether a quote is a quote and not a sign like others.
    header : sequence of str, optional
        The header of a text that begins with its first row.

    Returns
    -------
    (list of str, pandas.DataFrame) or None

    Examples
    --------
    >>> header, columns = plain_columns(b'a,b\n1,"x, y"\n', ",")
    >>> header, columns.to_numpy().tolist()
    (['a', 'b'], [['1', 'x, y']])
    >>> plain_columns(b'a,b\n1,"x\ny"\n', ",") is None
    True
    """
    if not data or b"\0" in data or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")):
        return None
    octets, text = np.frombuffer(data, dtype="uint8"), pa.py_buffer(data)
    ends = np.flatnonzero(octets == _LINE_END)
    stops = ends if len(ends) and ends[-1] == len(octets) - 1 else np.append(ends, len(octets))
    above = 1 if header is None else 0
    if len(stops) <= above or np.diff(stops, prepend=-1).max() >= _LONGEST:
        return None
    has_quotes = quoted and b'"' in data
    if has_quotes and not _quotes_whole_fields(octets, ord(delimiter), stops):
        return None
    try:
        # All signs are looked at together, not value by value.
        pa.LargeBinaryArray.from_buffers(pa.large_binary(), 1, [None, pa.py_buffer(np.array([0, len(data)])), text]).cast("large_string")
        if header is None:
            first = data[: stops[0]].decode("utf-8").removesuffix("\r")
            header = next(careful.reader([first], delimiter=delimiter)) if has_quotes else first.split(delimiter)
        if not any(name.strip() for name in header):
            return None
        names = [str(at) for at in range(len(header))]
        table = csv.read_csv(
            pa.BufferReader(text),
            read_options=csv.ReadOptions(column_names=names, skip_rows=above, block_size=1 << 20),
            parse_options=csv.ParseOptions(delimiter=delimiter, quote_char='"' if has_quotes else False, double_quote=has_quotes),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False, check_utf8=False
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    if table.num_rows != len(stops) - above or _has_blank_row(table):
        return None
    return list(header), table.to_pandas(types_mapper=lambda kind: pd.StringDtype(na_value=np.nan))


def _quotes_whole_fields(octets: np.ndarray, delimiter: int, stops: np.ndarray) -> bool:
    """Whether every other quote begins a field and the ones between end it, on the same line, or the two stand together as one sign."""
    line = 0
    while line < len(stops):
        # Some lines at a time, that fit into the processor's memory.
        begin = stops[line - 1] + 1 if line else 0
        last = max(int(np.searchsorted(stops, begin + _TOGETHER)), line + 1)
        if not _are_whole(octets[begin : stops[last - 1] + 1], delimiter, stops[line:last] - begin):
            return False
        line = last
    return True


def _are_whole(octets: np.ndarray, delimiter: int, stops: np.ndarray) -> bool:
    """The same of a few lines."""
    at = np.flatnonzero(octets == _QUOTE)
    if not len(at):
        return True
    if (np.searchsorted(at, stops) % 2).any():
        return False
    allowed = np.zeros(256, dtype=bool)
    allowed[[_QUOTE, delimiter, _LINE_END]] = True
    before = octets[at[0::2][int(at[0] == 0) :] - 1]
    after = octets[at[1::2][: -1 if at[-1] == len(octets) - 1 else None] + 1]
    return bool(allowed[before].all() and (allowed[after] | (after == _RETURN)).all())


def _has_blank_row(table: pa.Table) -> bool:
    """Whether there is a line of nothing but blanks, which is no row."""
    blank = None
    for column in table.columns:
        bare = pc.equal(pc.utf8_trim_whitespace(column), "")
        blank = bare if blank is None else pc.and_(blank, bare)
        if not pc.any(blank).as_py():
            return False
    return True
