"""Wall clocks: local times into instants, with both hours of the clock change marked."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ccstats.periods import zone_offsets

__all__ = ["Instants", "in_turn", "localise"]

_NAT = np.iinfo(np.int64).min
_DAY = 86_400_000_000
_LAST = np.iinfo(np.int64).max


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


def in_turn(*times: Instants) -> list[pd.Series]:
    """Instants of each row that came one after the other: of an hour that the clock showed twice the one that keeps them so.

    A time is the second of the two where the first were before an earlier time of its row; then also where the second is not after the
    next time of its row, so that no hour is put between them. Missing ones are passed over.

    Examples
    --------
    A call from ten seconds before to ten seconds after the clock was put back to two:

    >>> call = [localise(pd.to_datetime(pd.Series([f"2024-10-27 {at}"])), "Europe/Berlin") for at in ("02:59:50", "02:00:10")]
    >>> [at.utc[0].strftime("%H:%M:%S") for at in call], [at[0].strftime("%H:%M:%S") for at in in_turn(*call)]
    (['00:59:50', '00:00:10'], ['00:59:50', '01:00:10'])
    """
    taken = [at.utc for at in times]
    if not any(at.twice.any() for at in times):
        return taken
    before = taken[0]
    for place, at in enumerate(times):
        taken[place] = taken[place].mask(at.twice & (taken[place] < before), at.utc + at.later)
        before = taken[place].fillna(before)
    following = taken[-1]
    for place, at in reversed(list(enumerate(times))):
        second = at.utc + at.later
        taken[place] = taken[place].mask(at.twice & (second <= following), second) if place < len(times) - 1 else taken[place]
        following = taken[place].fillna(following)
    return taken
