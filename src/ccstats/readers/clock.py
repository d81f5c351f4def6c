"""Wall clocks: local times into instants, with both hours of the clock change marked."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

from ccstats.periods import zone_offsets

__all__ = ["Instants", "in_turn", "localise"]

_NAT = np.iinfo(np.int64).min
_DAY = 86_400_000_000
_LAST = np.iinfo(np.int64).max
#: How bad it is if times are out of order, and a second between them, against a second off a known length.
_OUT_OF_ORDER, _FAR = 1e12, 1e-9
#: What lengths and times that were rounded apart may differ by. [s]
_ROUNDED_S = 1.5


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
    times = naive if known.all() else naive[known]
    if not len(times):
        nothing, none = pd.Series(naive.view("M8[us]")).dt.tz_localize("UTC"), np.zeros(len(naive), dtype=bool)
        return Instants(nothing, none, pd.Series(naive.view("m8[us]")), none.copy())
    turns, offsets = zone_offsets(timezone, int(times.min()) - 2 * _DAY, int(times.max()) + 2 * _DAY)
    # A stretch of constant offset ends on the wall clock where the next begins, by its own offset; times after that are of the next.
    ends = turns[1:] + offsets[:-1]
    # No clock is moved by more than a day: only near its turns a time can be a special one.
    first, near = naive - offsets[0], np.empty(0, dtype="int64")
    if len(ends):
        bounds = np.sort(np.concatenate([ends - 2 * _DAY, ends + 2 * _DAY]))
        below, above = (np.searchsorted(ends + step, np.append(bounds, _LAST), side="left") for step in (-2 * _DAY, 2 * _DAY))
        between = np.searchsorted(bounds, naive, side="right")
        first, near = naive - offsets[below].take(between), np.flatnonzero(known & (below != above).take(between))
    later = np.zeros(len(naive), dtype="int64")
    never, twice = np.zeros((2, len(naive)), dtype=bool)
    shown = naive[near]
    of = np.searchsorted(ends, shown, side="right")
    following = np.minimum(of + 1, len(turns) - 1)
    never[near] = shown - offsets[of] < turns[of]
    twice[near] = (following > of) & (shown - offsets[following] >= turns[following])
    first[near] = np.where(never[near], turns[of], shown - offsets[of])
    later[near] = np.where(twice[near], offsets[of] - offsets[following], 0)
    if len(times) < len(naive):
        first[~known] = later[~known] = _NAT
    return Instants(pd.Series(first.view("M8[us]")).dt.tz_localize("UTC"), twice, pd.Series(later.view("m8[us]")), never)


def in_turn(*times: Instants, lengths: Mapping[tuple[int, int], pd.Series] | None = None, near: bool = True) -> list[pd.Series]:
    """Instants of each row that came one after the other: of an hour that the clock showed twice the one that fits.

    That is, first of all, the one that keeps them in order; then the one that agrees with the ``lengths`` [s] that are known between two
    of them (by their places); then, if they shall be ``near``, the one that makes the row shortest; else the first. Missing ones are passed
    over.

    Examples
    --------
    A call from ten seconds before to ten seconds after the clock was put back to two:

    >>> call = [localise(pd.to_datetime(pd.Series([f"2024-10-27 {at}"])), "Europe/Berlin") for at in ("02:59:50", "02:00:10")]
    >>> [at.utc[0].strftime("%H:%M:%S") for at in call], [at[0].strftime("%H:%M:%S") for at in in_turn(*call)]
    (['00:59:50', '00:00:10'], ['00:59:50', '01:00:10'])
    """
    rows = np.flatnonzero(np.logical_or.reduce([at.twice for at in times]))
    if not len(rows):
        return [at.utc for at in times]
    first, later = (
        np.stack([each.iloc[rows].astype("int64").to_numpy() for each in some])
        for some in zip(*((at.utc, at.later) for at in times), strict=True)
    )
    twice, there = np.stack([at.twice[rows] for at in times]), first != _NAT
    known = {pair: seconds.to_numpy(dtype="float64")[rows] for pair, seconds in (lengths or {}).items()}
    best, fits = np.full(len(rows), np.inf), first.copy()
    for which in product((0, 1), repeat=len(times)):  # all the first ones come first
        shown = first + np.where(twice, later, 0) * np.array(which)[:, None]
        misfit = _misfit(shown, there, known, near=near)
        better = misfit < best
        best[better], fits[:, better] = misfit[better], shown[:, better]
    taken = [at.utc.copy() for at in times]
    for values, found in zip(taken, fits, strict=True):
        values.iloc[rows] = pd.Series(found.view("M8[us]")).dt.tz_localize("UTC").array
    return taken


def _misfit(shown: np.ndarray, there: np.ndarray, known: Mapping[tuple[int, int], np.ndarray], *, near: bool) -> np.ndarray:
    """How badly times [µs] stand in a row: out of order, off the lengths that are known, or far from each other."""
    misfit = np.zeros(shown.shape[1])
    before, any_before = shown[0], there[0]
    for at, is_there in zip(shown[1:], there[1:], strict=True):
        gap = np.where(any_before & is_there, (at - before) / 1e6, 0.0)
        misfit += np.where(gap < 0, _OUT_OF_ORDER, gap * _FAR if near else 0.0)
        before, any_before = np.where(is_there, at, before), any_before | is_there
    for (begin, end), seconds in known.items():
        off = np.abs((shown[end] - shown[begin]) / 1e6 - seconds)
        misfit += np.where(there[begin] & there[end] & (off > _ROUNDED_S), off, 0.0)
    return misfit
