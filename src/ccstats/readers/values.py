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
from ccstats.readers.words import of_series, to_series
from ccstats.readers.workbooks import cell_text

__all__ = ["COLONS", "LONGEST_S", "SECONDS", "TIMES", "Parsed", "of_day", "to_counts", "to_instants", "to_numbers", "to_seconds", "to_text"]

#: Units of durations, and seconds in one of each.
SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0, "h": 3600.0, "excel_days": 86_400.0}
#: Durations written with colons.
COLONS = ("h:mm:ss", "mm:ss", "h:mm")
#: Ways of writing instants besides strptime formats.
TIMES = ("iso", "epoch_s", "epoch_ms", "epoch_us", "excel_days")
#: Digits of what a strptime format may ask for.
_DIGITS = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2}

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
_ISO = r"\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
_MOSTLY = r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?:$|:[0-5][0-9])"
_OFFSET = r" ?(?:Z|UTC|[+-]\d{2}(?::?\d{2})?)"
_FIRST, _LAST = pd.Timestamp("1970-01-01"), pd.Timestamp("2200-01-01")
#: No contact lasts a year: such a number is in another unit or an overflow. [s]
LONGEST_S = 366 * 86_400.0
_NAT = np.iinfo(np.int64).min


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
    text = pc.utf8_trim_whitespace(of_series(column))
    unknown = pc.is_in(text, pa.array(["", *missing], text.type))
    return to_series(pc.if_else(unknown, None, text) if pc.any(unknown).as_py() else text)


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
        seconds = column.dt.total_seconds().reset_index(drop=True)
        there = seconds.notna()
    else:
        text = to_text(column, missing)
        there = text.notna()
        seconds = _colons(text, unit) if unit in COLONS else _numbers(text, decimal, thousands) * SECONDS[unit]
    good = (seconds >= 0) & (seconds < LONGEST_S)
    return Parsed(seconds.where(good), (there & ~good).to_numpy(dtype=bool))


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
    return Parsed(numbers.where(good).astype("Int64"), (text.notna() & ~good).to_numpy(dtype=bool))


def to_numbers(column: pd.Series, *, missing: tuple[str, ...] = (), decimal: str = ".", thousands: str = "") -> Parsed:
    """Finite numbers of either sign.

    Examples
    --------
    >>> to_numbers(pd.Series(["2,5", "-1", "many"]), decimal=",").values.tolist()
    [2.5, -1.0, nan]
    """
    text = to_text(column, missing)
    numbers = _numbers(text, decimal, thousands)
    return Parsed(numbers, (text.notna() & numbers.isna()).to_numpy(dtype=bool))


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
    column = column.reset_index(drop=True)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        utc, wall, there = column.dt.tz_convert("UTC").dt.tz_localize(None), _none(column), column.notna()
    elif pd.api.types.is_datetime64_dtype(column.dtype):
        utc, wall, there = _none(column), column, column.notna()
    else:
        text = to_text(column, missing)
        there = text.notna()
        utc, wall = _of_text(text, written, decimal)
    utc, wall = (values.where((values >= _FIRST) & (values < _LAST)).astype("datetime64[us]") for values in (utc, wall))
    if timezone is None and wall.notna().any():
        raise ZoneError(
            "the times have no zone of their own; say where the clock stood: timezone='Europe/Istanbul', "
            "or timezone in [clock] of the mapping"
        )
    local = localise(wall, timezone or "UTC")
    at = local.utc.where(utc.isna(), utc.dt.tz_localize("UTC"))
    return local._replace(utc=at), (there & at.isna()).to_numpy(dtype=bool)


def _of_text(text: pd.Series, written: str, decimal: str) -> tuple[pd.Series, pd.Series]:
    """Times in UTC and times on the wall, both without a zone."""
    utc, wall = _none(text), _none(text)
    if written in ("epoch_s", "epoch_ms", "epoch_us", "excel_days"):
        numbers = _numbers(text, decimal, "")
        if written == "excel_days":
            # Days of the 1900 date system, whose day 60 never was; rounded to milliseconds, as a float of days carries no more.
            milliseconds = (numbers.where(numbers.between(61, 110_000)) * 86_400_000).round()
            wall = pd.Timestamp("1899-12-30") + pd.to_timedelta(milliseconds, unit="ms")
        else:
            seconds = numbers / {"epoch_s": 1, "epoch_ms": 1e3, "epoch_us": 1e6}[written]
            micros = (seconds.where(seconds.between(0, 7.3e9)) * 1e6).round()
            utc = pd.Series(np.where(micros.isna(), _NAT, micros.fillna(0).to_numpy(dtype="int64")).view("M8[us]"))
        left = text.where(utc.isna() & wall.isna())
        if not left.notna().any():
            return utc, wall
        also = _slowly(left, "iso")
        return utc.fillna(also[0]), wall.fillna(also[1])
    iso = _as_iso(of_series(text), written)
    if iso is None:
        return _slowly(text, written)
    found = _iso(iso)
    if found is not None:
        return found
    fits = pc.match_substring_regex(iso, _MOSTLY)
    found = _iso(pc.if_else(fits, iso, None))
    if found is None:
        return _slowly(text, written)
    others = _slowly(to_series(pc.if_else(fits, None, of_series(text))), written)
    return found[0].fillna(others[0]), found[1].fillna(others[1])


def _slowly(text: pd.Series, written: str) -> tuple[pd.Series, pd.Series]:
    """The same, in any way of writing that pandas reads; one time that is none does not matter to the others."""
    utc, wall = _none(text), _none(text)
    if written != "iso":
        try:
            read = pd.to_datetime(text, format=written, errors="coerce", utc="%z" in written)
        except (ValueError, re.error) as error:
            raise OptionError(f"{written!r} is no way to write a time: {error}; expected {', '.join(TIMES)} or a strptime format") from None
        if "%z" in written:
            utc = read.dt.tz_localize(None)
        else:
            wall = read
    left = text.where(utc.isna() & wall.isna())
    zoned = left.where(left.str.fullmatch(_ISO + _OFFSET, na=False)).str.replace(" ?UTC$", "Z", regex=True)
    plain = left.where(left.str.fullmatch(_ISO, na=False)).str.replace(",", ".")
    if zoned.notna().any():
        found = pd.to_datetime(zoned.str.replace(",", "."), format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
        utc = utc.astype("datetime64[us]").fillna(found.astype("datetime64[us]"))
    if plain.notna().any():
        wall = wall.astype("datetime64[us]").fillna(pd.to_datetime(plain, format="ISO8601", errors="coerce").astype("datetime64[us]"))
    return utc, wall


def _as_iso(text: pa.ChunkedArray, written: str) -> pa.ChunkedArray | None:
    """Times of a format of numbers that always have as many digits, rewritten as ISO, others as they are; None for another format."""
    if written == "iso":
        return text
    parts = re.findall("%.|[^%]+", written)
    asked = [part for part in parts if part[0] == "%"]
    if len(set(asked)) < len(asked) or not set(_DIGITS) >= set(asked) >= set(_DIGITS) - {"%S"}:
        return None
    place = {part: f"\\{at}" for at, part in enumerate(asked, 1)}
    pattern = "".join(f"([0-9]{{{_DIGITS[part]}}})" if part in _DIGITS else re.escape(part) for part in parts)
    seconds = f":{place['%S']}" if "%S" in place else ""
    iso = f"{place['%Y']}-{place['%m']}-{place['%d']} {place['%H']}:{place['%M']}{seconds}"
    return pc.replace_substring_regex(text, f"^{pattern}$", iso)


def _iso(text: pa.ChunkedArray) -> tuple[pd.Series, pd.Series] | None:
    """Times in UTC and times on the wall, both without a zone, if PyArrow reads all of them and they have minutes."""
    if not pc.all(pc.equal(pc.binary_slice(text.cast(pa.large_binary()), 13, 14), b":")).as_py():
        return None

    def read(part: pa.ChunkedArray, zone: str | None) -> pd.Series | None:
        try:
            return pd.Series(part.cast(pa.timestamp("us", zone)).to_numpy().astype("M8[us]"))
        except pa.ArrowInvalid:
            return None

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


def _none(like: pd.Series | pa.ChunkedArray) -> pd.Series:
    return pd.Series(np.full(len(like), np.datetime64("NaT", "us")))


def _numbers(text: pd.Series, decimal: str, thousands: str) -> pd.Series:
    plain = of_series(text)
    if thousands:
        plain = pc.replace_substring(plain, thousands, "")
    if decimal != ".":
        # With a decimal comma a point is no decimal sign.
        plain = pc.replace_substring(pc.if_else(pc.match_substring(plain, "."), None, plain), decimal, ".")
    try:
        # What PyArrow reads is a number, or is not finite; but an exponent may be longer than ours.
        exponents = any(pc.any(pc.match_substring(plain, sign)).as_py() for sign in "eE")
        numbers = None if exponents else plain.cast("float64")
    except pa.ArrowInvalid:
        numbers = None
    if numbers is None:
        there = pc.if_else(pc.match_substring_regex(plain, f"^(?:{_NUMBER})$"), plain, None)
        numbers = pc.utf8_ltrim(there, "+").cast("float64")
    found = numbers.to_numpy()
    return pd.Series(np.where(np.isfinite(found), found, np.nan))


def _colons(text: pd.Series, unit: str) -> pd.Series:
    """Hours may pass 24 and leading minutes 60; the parts after them may not."""
    plain = of_series(text)
    micros = of_day(plain)
    if micros is None:
        parts = pc.extract_regex(plain, r"^(?:(?P<a>\d{1,6}):)?(?P<b>\d{1,6}):(?P<c>\d{2}(?:[.,]\d+)?)$")
        a, b, c = (_floats(pc.struct_field(parts, name)) for name in "abc")
    else:
        minutes, rest = np.divmod(micros, 60e6)
        a, b, c = (pd.Series(part) for part in (minutes // 60, minutes % 60, rest / 1e6))
    three = a.notna() & (b < 60) & (c < 60)
    two = a.isna() & (c < 60)
    as_three = a * 3600 + b * 60 + c
    as_two = (b * 3600 + c * 60) if unit == "h:mm" else (b * 60 + c)
    return as_three.where(three, np.nan) if unit == "h:mm:ss" else as_three.where(three, as_two.where(two))


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
    try:
        micros = dated.cast(pa.timestamp("us")).cast("int64")
    except pa.ArrowInvalid:
        return None
    return np.asarray(micros.to_numpy(zero_copy_only=False))


def _floats(digits: pa.ChunkedArray) -> pd.Series:
    """Numbers of a group of a match; missing where it is empty, as it took no part in it."""
    plain = pc.replace_substring(digits, ",", ".")
    return pd.Series(pc.if_else(pc.equal(plain, ""), None, plain).cast("float64").to_numpy())
