"""Wall clocks: local times into instants, with both hours of the clock change marked."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.periods import zone_offsets

__all__ = ["Instants", "as_iso", "localise"]

_NAT = np.iinfo(np.int64).min
_DAY = 86_400_000_000
#: Digits of what a strptime format may ask for, which of them may be one, and where they end in ISO.
_DIGITS = {"%Y": 4, "%m": 2, "%d": 2, "%H": 2, "%M": 2, "%S": 2}
_SHORT = ("%d", "%m", "%H")
_ENDS = {"%Y": 4, "%m": 7, "%d": 10, "%H": 13, "%M": 16, "%S": 19}


class Instants(NamedTuple):
    """Local times as instants.

    ``utc`` is the instant; ``twice`` marks times that the clock showed twice (the first is taken), ``later`` is how much the second would
    be later, and ``never`` marks times that the clock never showed (moved on to the end of the gap).

    Examples
    --------
    >>> localise(pd.Series(pd.to_datetime(["1999-09-03 01:30:00"])), "Asia/Jerusalem").twice.tolist()
    [True]
    """

    utc: pd.Series
    twice: np.ndarray
    later: pd.Series
    never: np.ndarray

    def or_else(self, other: Instants) -> Instants:
        """These instants, and the other ones where these are missing.

        Examples
        --------
        >>> one, two = (localise(pd.to_datetime(pd.Series([each])), "UTC") for each in (None, "2024-03-01"))
        >>> one.or_else(two).utc[0]
        Timestamp('2024-03-01 00:00:00+0000', tz='UTC')
        """
        known = self.utc.notna()
        return Instants(
            self.utc.where(known, other.utc),
            np.where(known, self.twice, other.twice),
            self.later.where(known, other.later),
            np.where(known, self.never, other.never),
        )


def localise(wall: pd.Series, timezone: str) -> Instants:
    """Instants of local times.

    A time that the clock showed twice (the hour before summer time ends) is read as the first of the two; one that it never showed
    is moved to the end of the gap. Both are marked, so that a reader can count them.

    Parameters
    ----------
    wall : pandas.Series of datetime64
        Local times without a zone; missing ones stay missing.
    timezone : str
        The zone the clock stood in.

    Returns
    -------
    Instants

    Examples
    --------
    Summer time began in Israel on 2 April 1999 at two o'clock:

    >>> localise(pd.Series(pd.to_datetime(["1999-04-02 02:30:00"])), "Asia/Jerusalem").utc.tolist()
    [Timestamp('1999-04-02 00:00:00+0000', tz='UTC')]
    """
    naive = pd.DatetimeIndex(wall).as_unit("us").asi8
    known = naive != _NAT
    if not known.any():
        nothing, none = pd.Series(naive.view("M8[us]")).dt.tz_localize("UTC"), np.zeros(len(naive), dtype=bool)
        return Instants(nothing, none, pd.Series(naive.view("m8[us]")), none.copy())
    turns, offsets = zone_offsets(timezone, int(naive[known].min()) - 2 * _DAY, int(naive[known].max()) + 2 * _DAY)
    # A stretch of constant offset ends on the wall clock where the next begins, by its own offset; times after that are of the next.
    ends = turns[1:] + offsets[:-1]
    stretch = np.searchsorted(ends - 2 * _DAY, naive, side="right")
    first, later = naive - offsets[stretch], np.zeros(len(naive), dtype="int64")
    never, twice = np.zeros((2, len(naive)), dtype=bool)
    # No clock is moved by more than a day: only near its turns a time can be a special one.
    near = np.flatnonzero(known & (stretch != np.searchsorted(ends + 2 * _DAY, naive, side="right")))
    shown = naive[near]
    of = np.searchsorted(ends, shown, side="right")
    following = np.minimum(of + 1, len(turns) - 1)
    never[near] = shown - offsets[of] < turns[of]
    twice[near] = (following > of) & (shown - offsets[following] >= turns[following])
    first[near] = np.where(never[near], turns[of], shown - offsets[of])
    later[near] = np.where(twice[near], offsets[of] - offsets[following], 0)
    first[~known] = later[~known] = _NAT
    return Instants(pd.Series(first.view("M8[us]")).dt.tz_localize("UTC"), twice, pd.Series(later.view("m8[us]")), never)


def as_iso(text: pa.ChunkedArray, written: str) -> pa.ChunkedArray | None:
    """Large texts of times in a strptime format that is made of numbers, rewritten as ISO, others as they are; None for another format.

    Examples
    --------
    >>> as_iso(pa.chunked_array([pa.array(["01.03.2024 9:05", "noon"], pa.large_string())]), "%d.%m.%Y %H:%M").to_pylist()
    ['2024-03-01 09:05', 'noon']
    """
    if written == "iso":
        return text
    parts = re.findall("%.|[^%]+", written)
    asked = [part for part in parts if part[0] == "%"]
    if len(set(asked)) < len(asked) or not set(_DIGITS) >= set(asked) >= set(_DIGITS) - {"%S"} or re.search("[0-9]", written):
        return None
    array = text.combine_chunks()
    if not len(array):
        return text
    octets = np.frombuffer(array.buffers()[2] or b"", dtype="uint8")
    begins = np.frombuffer(array.buffers()[1], dtype="int64")[array.offset :][: len(array) + 1]
    there = array.is_valid().to_numpy(zero_copy_only=False)
    length = np.where(there, np.diff(begins), 0)
    blank = np.frombuffer(b"0000-00-00 00:00:00"[: 19 if "%S" in asked else 16], dtype="uint8")
    iso = np.empty((len(array), len(blank)), dtype="uint8")
    done = np.zeros(len(array), dtype=bool)
    apart = not any(one in _DIGITS and other in _DIGITS for one, other in pairwise(parts))
    for many in range(len(_SHORT) + 1 if apart else 1):
        for short in combinations(_SHORT, many):
            place, form = _form(parts, short)
            rows = np.flatnonzero(~done & (length == len(form)))
            if len(rows):
                signs = _signs(octets, begins[rows], len(form))
                fits = signs - form <= np.where(form == ord("0"), 9, 0).astype("uint8")
                if not fits.all():
                    fit = fits.all(axis=1)
                    rows, signs = rows[fit], signs[fit]
                lines = np.tile(blank, (len(rows), 1))
                for part, columns in place.items():
                    lines[:, _ENDS[part] - len(columns) : _ENDS[part]] = signs[:, columns.start : columns.stop]
                if len(rows) == len(iso):
                    iso = lines
                else:
                    iso[rows] = lines
                done[rows] = True
    ends = np.append(0, np.cumsum(np.where(done, len(blank), 0)))
    plain = pa.py_buffer(iso if done.all() else iso[done])
    if (done | ~there).all():
        return pa.chunked_array([pa.LargeStringArray.from_buffers(len(array), pa.py_buffer(ends), plain, pa.array(done).buffers()[1])])
    ours = pa.LargeStringArray.from_buffers(int(done.sum()), pa.py_buffer(np.arange(done.sum() + 1) * len(blank)), plain)
    return pa.chunked_array([pc.replace_with_mask(array, pa.array(done), ours)])


def _signs(octets: np.ndarray, begins: np.ndarray, many: int) -> np.ndarray:
    """So many signs from each of these places, a row each; where they follow one another, as mostly they do, as they stand there."""
    if begins[-1] - begins[0] == (len(begins) - 1) * many:
        return octets[begins[0] : begins[-1] + many].reshape(-1, many)
    return octets[begins[:, np.newaxis] + np.arange(many)]


def _form(parts: list[str], short: tuple[str, ...]) -> tuple[dict[str, range], np.ndarray]:
    """Where each part of a time stands, and its signs with a zero for each digit, if these parts have one digit."""
    place, form = {}, b""
    for part in parts:
        more = part.encode() if part not in _DIGITS else b"0" * (1 if part in short else _DIGITS[part])
        if part in _DIGITS:
            place[part] = range(len(form), len(form) + len(more))
        form += more
    return place, np.frombuffer(form, dtype="uint8")
