"""Columns of text or typed values into instants, with a mask of what could not be read."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.errors import OptionError, ZoneError
from ccstats.readers.categories import by_word
from ccstats.readers.clock import Instants, localise
from ccstats.readers.masks import known
from ccstats.readers.values import cast_all, plain_numbers, to_text
from ccstats.readers.words import of_series

__all__ = ["TIMES", "in_formats", "to_instants"]

#: Ways of writing instants besides strptime formats.
TIMES = ("iso", "epoch_s", "epoch_ms", "epoch_us", "excel_days")
_ISO = r"\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?"
_MOSTLY = r"^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?:$|:[0-5][0-9])"
_OFFSET = r" ?(?:Z|UTC|[+-]\d{2}(?::?\d{2})?)"
_FIRST, _LAST = np.datetime64("1970-01-01", "us"), np.datetime64("2200-01-01", "us")
_FEW, _MANY = 64, 5_000
_NAT = np.datetime64("NaT", "us")


@by_word
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
        there = known(text)
        utc, wall = _of_text(text, written, decimal)
    utc, wall = (_bounded(values) for values in (utc, wall))
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


def in_formats(text: pd.Series, formats: Sequence[str]) -> pd.Series | None:
    """Times on the wall in the first of these strptime formats that each is in, missing where it is in none; None for few of them.

    Examples
    --------
    >>> in_formats(pd.Series(["01.03.2024 09:00", "noon"] * 3_000), ["%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M"])[:2].tolist()
    [Timestamp('2024-03-01 09:00:00'), NaT]
    """
    if len(text) < _MANY:
        return None
    from ccstats.readers.times import formatted

    wall, left = _none(text), np.flatnonzero(known(text))
    for written in formats:
        if len(left):
            found = formatted(of_series(text.iloc[left]).combine_chunks(), written)
            wall[left] = _NAT if found is None else found
            left = left[np.isnat(wall[left])]
    return pd.Series(wall)


def _of_text(text: pd.Series, written: str, decimal: str) -> tuple[np.ndarray, np.ndarray]:
    """Times in UTC and times on the wall, both without a zone."""
    if written in ("epoch_s", "epoch_ms", "epoch_us", "excel_days"):
        first = text.iloc[:_FEW]
        if known(first).any() and np.isnan(plain_numbers(first, decimal, "")).all():
            found = _of_iso(text)
            if not (known(text) & np.isnat(found[0]) & np.isnat(found[1])).any():
                return found
        utc, wall = _none(text), _none(text)
        numbers = plain_numbers(text, decimal, "")
        if written == "excel_days":
            # Days of the 1900 date system, whose day 60 never was; rounded to milliseconds, as a float of days carries no more.
            days = (numbers >= 61) & (numbers <= 110_000)
            wall[days] = np.datetime64("1899-12-30", "us") + np.round(numbers[days] * 86_400_000).astype("m8[ms]")
        else:
            seconds = numbers / {"epoch_s": 1, "epoch_ms": 1e3, "epoch_us": 1e6}[written]
            fits = (seconds >= 0) & (seconds <= 7.3e9)
            if fits.all():
                return np.round(seconds * 1e6).astype("int64").view("M8[us]"), wall
            utc[fits] = np.round(seconds[fits] * 1e6).astype("int64").view("M8[us]")
        left = known(text) & np.isnat(utc) & np.isnat(wall)
        if not left.any():
            return utc, wall
        also = _of_iso(text.where(left))
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
    return _and_slowly((_none(text), wall), np.flatnonzero(np.isnat(wall) & known(text)), text, written)


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
        times = cast_all(part, pa.timestamp("us", zone))
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


def _bounded(times: np.ndarray) -> np.ndarray:
    """The times from 1970 to before 2200, others missing."""
    outside = (times < _FIRST) | (times >= _LAST)
    return np.where(outside, _NAT, times) if outside.any() else times


def _none(like: pd.Series | pa.ChunkedArray) -> np.ndarray:
    return np.full(len(like), _NAT)


def _micros(times: pd.Series) -> np.ndarray:
    """Times without a zone, in microseconds; those outside 1970 to 2200 may not be told in them, and are missing."""
    return np.asarray(times.where((times >= pd.Timestamp(_FIRST)) & (times < pd.Timestamp(_LAST))).astype("datetime64[us]").to_numpy())
