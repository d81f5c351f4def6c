"""Columns of text or typed values into text, seconds and numbers, with a mask of what could not be read."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.readers.categories import by_word, each_category, is_of_words
from ccstats.readers.masks import among, known, without
from ccstats.readers.words import coded, of_series, to_series
from ccstats.readers.workbooks import cell_text

__all__ = [
    "COLONS",
    "LONGEST_S",
    "SECONDS",
    "Parsed",
    "cast_all",
    "of_day",
    "plain_numbers",
    "to_counts",
    "to_numbers",
    "to_seconds",
    "to_text",
    "to_words",
    "trimmed",
]

#: Units of durations, and seconds in one of each.
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0, "excel_days": 86_400.0}
#: Durations written with colons.
COLONS = ("h:mm:ss", "mm:ss", "h:mm")

#: A number whose thousands are grouped by a sign, by twos above the first thousand, too, as in India; with the decimal sign.
_GROUPED = r"^[+-]?[1-9]\d{{0,2}}(?:{0}\d{{2,3}})*{0}\d{{3}}(?:{1}\d*)?$"
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
#: No contact lasts a year: such a number is in another unit or an overflow. [s]
LONGEST_S = 366 * 86_400.0
_FEW = 64
#: First and last signs of a value that may be blanks: those of ASCII, and any octet of others.
_EDGES = np.array([bytes([octet]).isspace() or 0x1C <= octet <= 0x1F or octet >= 0x80 for octet in range(256)])


class Parsed(NamedTuple):
    """Values, and a mask of those that were there but could not be read.

    Examples
    --------
    >>> to_seconds(pd.Series(["12", "soon"]), "s").bad.tolist()
    [False, True]
    """

    values: pd.Series
    bad: np.ndarray


@by_word
def to_text(column: pd.Series, missing: tuple[str, ...] = ()) -> pd.Series:
    """Text without blanks around it; missing where blank or one of the words for "not known".

    Examples
    --------
    >>> to_text(pd.Series([12.0, None])).tolist()
    ['12', nan]
    """
    if not isinstance(column.dtype, pd.StringDtype):
        plain = column.astype(object)
        column = pd.Series([None if pd.isna(value) else cell_text(value) for value in plain], dtype="str")
    text = trimmed(of_series(column).combine_chunks())
    unknown = among(text, ("", *missing))
    return to_series(text if unknown is None else without(text, unknown))


def to_words(column: pd.Series, missing: tuple[str, ...] = ()) -> pd.Series:
    """The same as by `to_text`, but a category of it where the column is one.

    Examples
    --------
    >>> to_words(pd.Series(["a ", "-", "a "], dtype="category"), ("-",)).cat.categories.tolist()
    ['a']
    """
    if not is_of_words(column):
        return to_text(column, missing)
    words = to_text(pd.Series(column.cat.categories), missing)
    if words.notna().all() and (words.to_numpy() == column.cat.categories.to_numpy()).all():
        return column
    return each_category(column, dict(zip(column.cat.categories, words.astype(object).where(words.notna(), None), strict=True)).get)


def trimmed(text: pa.Array) -> pa.Array:
    """Large texts without blanks around them; the same array if none begins or ends with a blank, or a sign outside ASCII that may be one.

    Examples
    --------
    >>> trimmed(pa.array([" 12", "7"], pa.large_string())).to_pylist()
    ['12', '7']
    """
    octets = np.frombuffer(text.buffers()[2] or b"", dtype="uint8")
    if not len(octets):
        return text
    ends = np.frombuffer(text.buffers()[1], dtype="int64")[text.offset : text.offset + len(text) + 1]
    first, last = octets.take(ends[:-1], mode="clip"), octets.take(ends[1:] - 1, mode="clip")
    return pc.utf8_trim_whitespace(text) if _EDGES.take(first).any() or _EDGES.take(last).any() else text


@by_word
def to_seconds(column: pd.Series, unit: str, *, missing: tuple[str, ...] = (), decimal: str = ".", thousands: str = "") -> Parsed:
    """Durations in seconds.

    Parameters
    ----------
    column : pandas.Series
        Text, numbers in ``unit``, or durations (whose unit is known).
    unit : str
        One of `SECONDS`, or ``h:mm:ss``, ``mm:ss``, ``h:mm``.
    missing : tuple of str
        Words for "not known".
    decimal, thousands : str
        Signs in numbers.

    Returns
    -------
    Parsed
        Bad where negative, not finite, longer than a year, or not of this form.

    Examples
    --------
    >>> to_seconds(pd.Series(["0:01:30", "30:00:00"]), "h:mm:ss").values.tolist()
    [90.0, 108000.0]
    """
    if pd.api.types.is_timedelta64_dtype(column.dtype):
        seconds = column.dt.total_seconds().to_numpy()
        there = ~np.isnan(seconds)
    else:
        text = to_text(column, missing)
        there = known(text)
        seconds = _colons(text, unit) if unit in COLONS else plain_numbers(text, decimal, thousands) * SECONDS[unit]
    good = (seconds >= 0) & (seconds < LONGEST_S)
    return Parsed(pd.Series(np.where(good, seconds, np.nan)), there & ~good)


@by_word
def to_counts(column: pd.Series, *, missing: tuple[str, ...] = ()) -> Parsed:
    """Whole numbers that are not negative.

    Examples
    --------
    >>> to_counts(pd.Series(["2", "two"])).values.tolist()
    [2, <NA>]
    """
    text = to_text(column, missing)
    numbers = plain_numbers(text, ".", "")
    good = (numbers >= 0) & (numbers < 2**31) & (numbers % 1 == 0)
    return Parsed(pd.Series(np.where(good, numbers, np.nan)).astype("Int64"), known(text) & ~good)


@by_word
def to_numbers(column: pd.Series, *, missing: tuple[str, ...] = (), decimal: str = ".", thousands: str = "") -> Parsed:
    """Finite numbers of either sign.

    Examples
    --------
    >>> to_numbers(pd.Series(["2,5", "-1", "many"]), decimal=",").values.tolist()
    [2.5, -1.0, nan]
    """
    text = to_text(column, missing)
    numbers = plain_numbers(text, decimal, thousands)
    return Parsed(pd.Series(numbers), known(text) & np.isnan(numbers))


def plain_numbers(text: pd.Series, decimal: str, thousands: str) -> np.ndarray:
    """Finite numbers of either sign; missing where there is none.

    Examples
    --------
    >>> plain_numbers(pd.Series(["1.234,5", "x"], dtype="str"), ",", ".").tolist()
    [1234.5, nan]
    >>> plain_numbers(pd.Series(["1.234.567", "12.5"], dtype="str"), ",", ".").tolist()  # twelve and a half?
    [1234567.0, nan]
    """
    plain = of_series(text)
    if thousands and pc.any(with_sign := pc.match_substring(plain, thousands)).as_py():
        # A sign in any other place is a decimal sign rather, and its number another one.
        grouped = pc.match_substring_regex(plain, _GROUPED.format(*map(re.escape, (thousands, decimal))))
        plain = pc.replace_substring(pc.if_else(pc.and_not(with_sign, grouped), None, plain), thousands, "")
    if decimal != ".":
        # With a decimal comma a point is no decimal sign.
        plain = pc.replace_substring(pc.if_else(pc.match_substring(plain, "."), None, plain), decimal, ".")
    # What PyArrow reads is a number, or is not finite; but an exponent may be longer than ours.
    numbers = None if any(_may_hold(plain, sign) for sign in b"eE") else cast_all(plain, pa.float64())
    if numbers is None:
        there = pc.if_else(pc.match_substring_regex(plain, f"^(?:{_NUMBER})$"), plain, None)
        numbers = pc.utf8_ltrim(there, "+").cast("float64")
    found = np.asarray(numbers.to_numpy())
    return np.where(np.isfinite(found), found, np.nan)


def _may_hold(text: pa.ChunkedArray, sign: int) -> bool:
    """Whether a sign of ASCII is in one of the texts, or in the memory around them."""
    return any(sign in chunk.buffers()[2].to_pybytes() for chunk in text.chunks if chunk.buffers()[2] is not None)


def _colons(text: pd.Series, unit: str) -> np.ndarray:
    """Hours may pass 24 and leading minutes 60; the parts after them may not."""
    plain, some = of_series(text), of_series(text.iloc[:1000])
    if len(plain) > len(some) > 2 * pc.count_distinct(some).as_py():
        codes, words = coded(text)
        return np.append(_colons(pd.Series(words, dtype="str"), unit), np.nan)[codes]
    micros = of_day(plain)
    if micros is None:
        parts = pc.extract_regex(plain, r"^(?:(?P<a>\d{1,6}):)?(?P<b>\d{1,6}):(?P<c>\d{2}(?:[.,]\d+)?)$")
        a, b, c = (_floats(pc.struct_field(parts, name)) for name in "abc")
    else:
        minutes, rest = np.divmod(micros, 60e6)
        a, b, c = minutes // 60, minutes % 60, rest / 1e6
    three = ~np.isnan(a) & (b < 60) & (c < 60)
    two = np.isnan(a) & (c < 60)
    as_three = np.where(three, a * 3600 + b * 60 + c, np.nan)
    as_two = np.where(two, b * 3600 + c * 60 if unit == "h:mm" else b * 60 + c, np.nan)
    return as_three if unit == "h:mm:ss" else np.where(three, as_three, as_two)


def of_day(text: pa.Array | pa.ChunkedArray) -> np.ndarray | None:
    """Microseconds since midnight, missing as NaN, if all are hh:mm:ss below a day, as mostly they are: PyArrow reads those at once.

    Examples
    --------
    >>> of_day(pa.array(["00:01:30.5"])).tolist(), of_day(pa.array(["1:30"]))
    ([90500000], None)
    """
    shortest = pc.min(pc.binary_length(text)).as_py()
    if shortest is None or shortest < len("hh:mm:ss"):
        return None
    dated = pc.binary_join_element_wise(pa.scalar("1970-01-01", text.type), text, pa.scalar(" ", text.type))
    micros = cast_all(dated, pa.timestamp("us"))
    return None if micros is None else np.asarray(micros.cast("int64").to_numpy(zero_copy_only=False))


def cast_all(text: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray | None:
    """The texts as this type, or None if one cannot be; the first are tried alone, as it takes long to tell of each of many that fail.

    Examples
    --------
    >>> cast_all(pa.array(["1", "2"]), pa.int64()).to_pylist(), cast_all(pa.array(["1", "x"]), pa.int64())
    ([1, 2], None)
    """
    try:
        text[:_FEW].cast(kind)
        return text.cast(kind)
    except pa.ArrowInvalid:
        return None


def _floats(digits: pa.ChunkedArray) -> np.ndarray:
    """Numbers of a group of a match; missing where it is empty, as it took no part in it."""
    plain = pc.replace_substring(digits, ",", ".")
    return np.asarray(pc.if_else(pc.equal(plain, ""), None, plain).cast("float64").to_numpy())
