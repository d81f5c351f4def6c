"""Columns of text or typed values into text, seconds and instants, with a mask of what could not be read."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.errors import OptionError, ZoneError
from ccstats.readers.clock import Instants, localise
from ccstats.readers.masks import among, without
from ccstats.readers.words import coded, of_series, to_series
from ccstats.readers.workbooks import cell_text

__all__ = [
    "COLONS",
    "LONGEST_S",
    "SECONDS",
    "TIMES",
    "Parsed",
    "of_day",
    "to_counts",
    "to_instants",
    "to_numbers",
    "to_seconds",
    "to_text",
    "trimmed",
]

#: Units of durations, and seconds in one of each.
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0, "excel_days": 86_400.0}
#: Durations written with colons.
COLONS = ("h:mm:ss", "mm:ss", "h:mm")
#: Ways of writing instants besides strptime formats.
TIMES = ("iso", "epoch_s", "epoch_ms", "epoch_us", "excel_days")

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
_ISO = r"\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
_MOSTLY = r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?:$|:[0-5][0-9])"
_OFFSET = r" ?(?:Z|UTC|[+-]\d{2}(?::?\d{2})?)"
_FIRST, _LAST = np.datetime64("1970-01-01", "us"), np.datetime64("2200-01-01", "us")
#: No contact lasts a year: such a number is in another unit or an overflow. [s]
LONGEST_S = 366 * 86_400.0
_FEW = 64
_MANY = 5_000
_NAT = np.datetime64("NaT", "us")
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
        there = _known(text)
        seconds = _colons(text, unit) if unit in COLONS else _numbers(text, decimal, thousands) * SECONDS[unit]
    good = (seconds >= 0) & (seconds < LONGEST_S)
    return Parsed(pd.Series(np.where(good, seconds, np.nan)), there & ~good)


def to_counts(column: pd.Series, *, missing: tuple[str, ...] = ()) -> Parsed:
    """Whole numbers that are not negative.

    Examples
    --------
    >>> to_counts(pd.Series(["2", "two"])).values.tolist()
    [2, <NA>]
    """
    text = to_text(column, missing)
    numbers = _numbers(text, ".", "")
    good = (numbers >= 0) & (numbers < 2**31) & (numbers % 1 == 0)
    return Parsed(pd.Series(np.where(good, numbers, np.nan)).astype("Int64"), _known(text) & ~good)


def to_numbers(column: pd.Series, *, missing: tuple[str, ...] = (), decimal: str = ".", thousands: str = "") -> Parsed:
    """Finite numbers of either sign.

    Examples
    --------
    >>> to_numbers(pd.Series(["2,5", "-1", "many"]), decimal=",").values.tolist()
    [2.5, -1.0, nan]
    """
    text = to_text(column, missing)
    numbers = _numbers(text, decimal, thousands)
    return Parsed(pd.Series(numbers), _known(text) & np.isnan(numbers))


def to_instants(
    column: pd.Series, written: str, *, timezone: str | None, missing: tuple[str, ...] = (), decimal: str = "."
) -> tuple[Instants, np.ndarray]:
    """Instants in UTC, and a mask of those that could not be read.

    Parameters
    ----------
    column : pandas.Series
        Text, numbers, or datetimes with or without a zone.
    written : str
        One of `TIMES`, or a strptime format such as ``%d.%m.%Y %H:%M:%S``. ISO is understood besides.
    timezone : str or None
        Zone of times without an offset.
    missing : tuple of str
        Words for "not known".
    decimal : str
        Sign in numbers.

    Returns
    -------
    Instants, numpy.ndarray of bool
        Bad where not of this form, or outside 1970 to 2200.

    Raises
    ------
    ZoneError
        If times have no offset and there is no zone.
    OptionError
        If ``written`` is no strptime format.

    Examples
    --------
    >>> at, bad = to_instants(pd.Series(["01.03.2024 09:00"]), "%d.%m.%Y %H:%M", timezone="Europe/Berlin")
    >>> at.utc[0], bad.tolist()
    (Timestamp('2024-03-01 08:00:00+0000', tz='UTC'), [False])
    """
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        utc, wall = _micros(column.dt.tz_convert("UTC").dt.tz_localize(None)), _none(column)
        there = column.notna().to_numpy()
    elif pd.api.types.is_datetime64_dtype(column.dtype):
        utc, wall = _none(column), _micros(column)
        there = column.notna().to_numpy()
    else:
        text = to_text(column, missing)
        there = _known(text)
        utc, wall = _of_text(text, written, decimal)
    utc, wall = (np.where((values >= _FIRST) & (values < _LAST), values, _NAT) for values in (utc, wall))
    missing_utc, missing_wall = np.isnat(utc), np.isnat(wall)
    if timezone is None and not missing_wall.all():
        raise ZoneError(
            "the times have no zone of their own; say where the clock stood: timezone='Europe/Istanbul', "
            "or timezone in [clock] of the mapping"
        )
    local = localise(pd.Series(wall), timezone or "UTC")
    if not missing_utc.all():
        at = pd.Series(utc).dt.tz_localize("UTC")
        local = local._replace(utc=at if missing_wall.all() else local.utc.where(missing_utc, at))
    return local, there & missing_utc & missing_wall


def _of_text(text: pd.Series, written: str, decimal: str) -> tuple[np.ndarray, np.ndarray]:
    """Times in UTC and times on the wall, both without a zone."""
    if written in ("epoch_s", "epoch_ms", "epoch_us", "excel_days"):
        utc, wall = _none(text), _none(text)
        numbers = _numbers(text, decimal, "")
        if written == "excel_days":
            # Days of the 1900 date system, whose day 60 never was; rounded to milliseconds, as a float of days carries no more.
            days = (numbers >= 61) & (numbers <= 110_000)
            wall[days] = np.datetime64("1899-12-30", "us") + np.round(numbers[days] * 86_400_000).astype("m8[ms]")
        else:
            seconds = numbers / {"epoch_s": 1, "epoch_ms": 1e3, "epoch_us": 1e6}[written]
            fits = (seconds >= 0) & (seconds <= 7.3e9)
            utc[fits] = np.round(seconds[fits] * 1e6).astype("int64").view("M8[us]")
        left = _known(text) & np.isnat(utc) & np.isnat(wall)
        if not left.any():
            return utc, wall
        also = _of_text(text.where(left), "iso", decimal)
        return np.where(np.isnat(utc), also[0], utc), np.where(np.isnat(wall), also[1], wall)
    return _of_format(text, written) if written != "iso" else _of_iso(text)


def _of_format(text: pd.Series, written: str) -> tuple[np.ndarray, np.ndarray]:
    """In a strptime format, most of many in compiled code, which takes too long to load for few."""
    wall = None
    if len(text) >= _MANY:
        from ccstats.readers.times import formatted

        wall = formatted(of_series(text).combine_chunks(), written)
    if wall is None:
        return _slowly(text, written)
    return _and_slowly((_none(text), wall), np.flatnonzero(np.isnat(wall) & _known(text)), text, written)


def _of_iso(text: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    iso = of_series(text)
    found = _iso(iso)
    if found is not None:
        return found
    fits = pc.match_substring_regex(iso, _MOSTLY)
    found = _iso(pc.if_else(fits, iso, None))
    if found is None:
        return _slowly(text, "iso")
    return _and_slowly(found, np.flatnonzero(pc.invert(pc.fill_null(fits, True)).to_numpy()), text, "iso")


def _and_slowly(found: tuple[np.ndarray, np.ndarray], left: np.ndarray, text: pd.Series, written: str) -> tuple[np.ndarray, np.ndarray]:
    """What was found, with the rows that are left."""
    if len(left):
        for times, others in zip(found, _slowly(text.iloc[left].reset_index(drop=True), written), strict=True):
            times[left] = others
    return found


def _slowly(text: pd.Series, written: str) -> tuple[np.ndarray, np.ndarray]:
    """The same, in any way of writing that pandas reads; one time that is none does not matter to the others."""
    utc, wall = _none(text), _none(text)
    if written != "iso":
        try:
            read = pd.to_datetime(text, format=written, errors="coerce", utc="%z" in written)
        except (ValueError, re.error) as error:
            raise OptionError(f"{written!r} is no way to write a time: {error}; expected {', '.join(TIMES)} or a strptime format") from None
        if "%z" in written:
            utc = _micros(read.dt.tz_localize(None))
        else:
            wall = _micros(read)
    left = text.where(np.isnat(utc) & np.isnat(wall))
    zoned = left.where(left.str.fullmatch(_ISO + _OFFSET, na=False)).str.replace(" ?UTC$", "Z", regex=True)
    plain = left.where(left.str.fullmatch(_ISO, na=False)).str.replace(",", ".")
    if zoned.notna().any():
        found = pd.to_datetime(zoned.str.replace(",", "."), format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
        utc = np.where(np.isnat(utc), _micros(found), utc)
    if plain.notna().any():
        wall = np.where(np.isnat(wall), _micros(pd.to_datetime(plain, format="ISO8601", errors="coerce")), wall)
    return utc, wall


def _iso(text: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray] | None:
    """Times in UTC and times on the wall, both without a zone, if PyArrow reads all of them and they have minutes."""
    if not pc.all(pc.equal(pc.binary_slice(text.cast(pa.large_binary()), 13, 14), b":")).as_py():
        return None

    def read(part: pa.ChunkedArray, zone: str | None) -> np.ndarray | None:
        times = _cast(part, pa.timestamp("us", zone))
        return None if times is None else np.asarray(times.to_numpy(zero_copy_only=False).astype("M8[us]"))

    wall = read(text, None)
    if wall is not None:
        return _none(text), wall
    utc = read(text, "UTC")
    if utc is not None:
        wall = _none(text)
    else:
        zoned = pc.match_substring_regex(text, "(?:Z|[+-][0-9:]{2,5})$")
        utc, wall = read(pc.if_else(zoned, text, None), "UTC"), read(pc.if_else(zoned, None, text), None)
    return None if utc is None or wall is None else (utc, wall)


def _none(like: pd.Series | pa.ChunkedArray) -> np.ndarray:
    return np.full(len(like), _NAT)


def _micros(times: pd.Series) -> np.ndarray:
    """Times without a zone, in microseconds; those outside 1970 to 2200 may not be told in them, and are missing."""
    return np.asarray(times.where((times >= pd.Timestamp(_FIRST)) & (times < pd.Timestamp(_LAST))).astype("datetime64[us]").to_numpy())


def _known(text: pd.Series) -> np.ndarray:
    return np.asarray(of_series(text).is_valid().to_numpy())


def _numbers(text: pd.Series, decimal: str, thousands: str) -> np.ndarray:
    plain = of_series(text)
    if thousands:
        plain = pc.replace_substring(plain, thousands, "")
    if decimal != ".":
        # With a decimal comma a point is no decimal sign.
        plain = pc.replace_substring(pc.if_else(pc.match_substring(plain, "."), None, plain), decimal, ".")
    # What PyArrow reads is a number, or is not finite; but an exponent may be longer than ours.
    numbers = None if any(_may_hold(plain, sign) for sign in b"eE") else _cast(plain, pa.float64())
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
    micros = _cast(dated, pa.timestamp("us"))
    return None if micros is None else np.asarray(micros.cast("int64").to_numpy(zero_copy_only=False))


def _cast(text: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray | None:
    """The texts as this type, or None if one cannot be; the first are tried alone, as it takes long to tell of each of many that fail."""
    try:
        text[:_FEW].cast(kind)
        return text.cast(kind)
    except pa.ArrowInvalid:
        return None


def _floats(digits: pa.ChunkedArray) -> np.ndarray:
    """Numbers of a group of a match; missing where it is empty, as it took no part in it."""
    plain = pc.replace_substring(digits, ",", ".")
    return np.asarray(pc.if_else(pc.equal(plain, ""), None, plain).cast("float64").to_numpy())
