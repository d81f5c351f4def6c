"""How far a service level strays by chance: from simulated outcomes, or by formula; and how far out an observed one is. Arrays only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ccstats.expectation.expected import Rows, divide, handle_times

__all__ = ["Spread", "expected_variance", "spread_of_outcomes", "spread_of_shares"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Numbers in one table of intervals × contacts present.
_CELLS = 2_000_000


class Spread(NamedTuple):
    """What chance makes of a share, beside an observed one.

    Attributes
    ----------
    mean, sd : numpy.ndarray
        Of the share; missing where nothing is known.
    low, high : numpy.ndarray
        An observed share between them is not flagged.
    p_value : numpy.ndarray
        Chance of a share as far out on the same side, doubled.

    Examples
    --------
    >>> Spread(*np.ones((5, 1))).mean
    array([1.])
    """

    mean: Floats
    sd: Floats
    low: Floats
    high: Floats
    p_value: Floats


def spread_of_shares(mean: Floats, variance: Floats, observed: Floats, counted: Floats, outside: float) -> Spread:
    """The spread of shares whose mean and variance are known: that of so many independent contacts as have this variance.

    Parameters
    ----------
    mean, variance : numpy.ndarray
        Of the share.
    observed : numpy.ndarray
        The share judged.
    counted : numpy.ndarray
        What it was divided by. [contacts]
    outside : float
        Share of stable observations outside the limits, both sides together. [0-1]

    Returns
    -------
    Spread
        Missing where nothing was counted, or no mean is known.

    Notes
    -----
    Contacts that wait, wait together: a share whose variance is ten times binomial strays like that of a tenth of the contacts. Tails are
    those of the binomial distribution with ``mean (1 - mean) / variance`` trials, a real number from 1 to the contacts counted, as
    regularised incomplete beta functions. The mean is kept off 0 and 1 by half a contact in a thousand outcomes: no share is impossible.

    Examples
    --------
    >>> spread = spread_of_shares(np.array([0.5]), np.array([0.025]), np.array([0.2]), np.array([10.0]), 0.01)
    >>> spread.p_value.round(4).tolist()  # twice the chance of two or fewer of ten
    [0.1094]
    """
    there = np.isfinite(mean) & np.isfinite(variance) & (counted > 0)
    chance = _Tails(mean, variance, counted, there)
    p_value = np.minimum(2 * np.minimum(chance.below(observed), chance.above(observed)), 1.0)
    low, high = chance.limits(outside / 2)
    blank = np.where(there, 0.0, np.nan)
    return Spread(mean + blank, np.sqrt(variance) + blank, low + blank, high + blank, p_value + blank)


class _Tails:
    """Tails of binomial distributions with a real number of trials."""

    def __init__(self, mean: Floats, variance: Floats, counted: Floats, there: Bools) -> None:
        counted = np.where(there, counted, 1.0)
        edge = 0.0005 / np.maximum(counted, 1.0)
        self.mean = np.clip(np.where(there, mean, 0.5), edge, 1 - edge)
        trials = self.mean * (1 - self.mean) / np.maximum(np.where(there, variance, 1.0), 1e-300)
        self.trials = np.clip(trials, 1.0, np.maximum(counted, 1.0))

    def below(self, share: Floats) -> Floats:
        """The chance of this share or less."""
        more = self.trials * (1 - share)
        return np.where(more > 0, special.betainc(np.maximum(more, 1e-300), self.trials * share + 1, 1 - self.mean), 1.0)

    def above(self, share: Floats) -> Floats:
        """The chance of this share or more."""
        some = self.trials * share
        return np.where(some > 0, special.betainc(np.maximum(some, 1e-300), self.trials * (1 - share) + 1, self.mean), 1.0)

    def limits(self, outside: float) -> tuple[Floats, Floats]:
        """The shares between which neither tail is smaller than ``outside``."""
        found = []
        for tail, inner, outer in ((self.below, 1.0, 0.0), (self.above, 0.0, 1.0)):
            kept, left = np.full(len(self.mean), inner), np.full(len(self.mean), outer)
            left = np.where(tail(left) >= outside, kept, left)  # not even the end is outside
            ended = left == kept
            for _ in range(40):
                middle = (kept + left) / 2
                within = tail(middle) >= outside
                kept, left = np.where(within, middle, kept), np.where(within, left, middle)
            found.append(np.where(ended, outer, kept))
        return found[0], found[1]


def spread_of_outcomes(above: Floats, below: Floats, observed: Floats, counted: Floats, outside: float) -> Spread:
    """The spread of a quotient over simulated outcomes.

    Parameters
    ----------
    above, below : numpy.ndarray
        What is divided in each outcome (outcomes × shares). [contacts]
    observed, counted, outside
        As for `spread_of_shares`.

    Returns
    -------
    Spread
        Mean and standard deviation of the outcomes in which there is something to divide by. The p-value of an observed share that is k-th
        from outside among R outcomes and itself is ``2 k / (R + 1)``, at most 1; beyond all of them the tail of `spread_of_shares`, if that
        is smaller. A share is outside the limits just where its p-value is at most ``outside``.

    Examples
    --------
    >>> outcomes = np.arange(1.0, 100.0)[:, None]
    >>> spread = spread_of_outcomes(outcomes, 100 + 0 * outcomes, np.array([0.02]), np.array([100.0]), 0.1)
    >>> spread.p_value.tolist(), spread.low.tolist(), spread.high.tolist()
    ([0.06], [0.05], [0.95])
    """
    share = divide(above, below)
    known = np.isfinite(share)
    number = known.sum(axis=0)
    mean = divide(np.where(known, share, 0.0).sum(axis=0), number)
    variance = divide((np.where(known, share - mean, 0.0) ** 2).sum(axis=0), number - 1.0)
    there = np.isfinite(mean) & np.isfinite(variance) & (counted > 0)
    tails = _Tails(mean, variance, counted, there)
    as_low = (known & (share <= np.where(there, observed, 1.0) + 1e-12)).sum(axis=0)
    as_high = (known & (share >= np.where(there, observed, 0.0) - 1e-12)).sum(axis=0)
    p_value = np.minimum(2.0 * (np.minimum(as_low, as_high) + 1) / (number + 1), 1.0)
    beyond = 2 * np.minimum(tails.below(observed), tails.above(observed))
    p_value = np.where((as_low == 0) | (as_high == 0), np.fmin(p_value, beyond), p_value)

    ordered = np.sort(np.where(known, share, np.inf), axis=0)  # outcomes with nothing to divide by are last
    outermost = np.floor(outside / 2 * (number + 1) + 1e-9).astype(np.int64)  # of the outcomes within the limits, counted from 1
    at = np.arange(len(number))
    low = ordered[np.clip(outermost - 1, 0, len(share) - 1), at]
    high = ordered[np.clip(number - np.maximum(outermost, 1), 0, len(share) - 1), at]
    if (outermost < 1).any():  # too few outcomes to have so few outside: further out than all of them
        wide_low, wide_high = tails.limits(outside / 2)
        low = np.where(outermost < 1, np.minimum(low, wide_low), low)
        high = np.where(outermost < 1, np.maximum(high, wide_high), high)
    blank = np.where(there, 0.0, np.nan)
    return Spread(mean + blank, np.sqrt(variance) + blank, low + blank, high + blank, p_value + blank)


def expected_variance(rows: Rows) -> Floats:
    """Variance of the service level of each interval by formula, relative to the binomial one.

    Parameters
    ----------
    rows : Rows
        Known ones.

    Returns
    -------
    numpy.ndarray
        The variance relative to that of as many independent contacts, from 1 up to the number of contacts (all or nothing, the limit where
        more come than are served and nobody gives up). [1]

    Notes
    -----
    A contact that meets k others is answered in time with probability f(k). Over a long time the mean of f over a birth-and-death chain
    has the variance ``2 sum_j (sum_{i<=j} p_i (f_i - m))**2 / (rate p_j) / length`` [1]_; over one interval, that of a process of the same
    variances whose correlation falls exponentially. The chance of the single contacts, ``sum p f (1 - f) / contacts``, is added. With
    exponential patience the wait offered behind others is the logarithm of a beta variable, so f has a closed form. Part of an agent counts
    as in the continued Erlang formulas: nearly.

    References
    ----------
    .. [1] W. Whitt (1992), Asymptotic formulas for Markov processes with applications to simulation. Operations Research 40, 279-291.

    Examples
    --------
    >>> one = np.ones(1)
    >>> rows = Rows(100 * one, 13 * one, 180 * one, 1800 * one, np.inf * one, 20 * one, np.nan * one, np.zeros(1, dtype=int))
    >>> 5 < float(expected_variance(rows)[0]) < 50
    True
    """
    made = np.ones(len(rows.offered))
    load = rows.offered * handle_times(rows) / rows.interval_s
    endless = (load >= rows.agents) & np.isinf(rows.patience_s)
    made[endless] = np.maximum(rows.offered[endless], 1.0)
    asked = np.flatnonzero(~endless & (rows.offered > 0) & (rows.agents > 0) & ~np.isnan(rows.threshold_s))
    states = _states(rows, load)
    asked = asked[np.argsort(states[asked], kind="stable")]
    while len(asked):
        wide = states[asked]
        count = max(int(np.searchsorted(wide * np.arange(1, len(wide) + 1), _CELLS)), 1)
        some, asked = asked[:count], asked[count:]
        made[some] = _relative(rows.take(some)._replace(aht_s=handle_times(rows)[some]), load[some], int(wide[count - 1]))
    return np.clip(made, 1.0, np.maximum(rows.offered, 1.0))


def _states(rows: Rows, load: Floats) -> Floats:
    """So many contacts are hardly ever exceeded."""
    with np.errstate(invalid="ignore", divide="ignore"):
        queued = np.log(1e-9) / np.log(np.minimum(load / rows.agents, 1 - 1e-3))  # where nobody gives up
        patience = np.where(np.isinf(rows.patience_s), 0.0, rows.patience_s) / handle_times(rows)
        giving_up = np.minimum(queued, 10 * np.sqrt(load * patience) + 30) + np.maximum(load - rows.agents, 0.0) * patience
    queued = np.where(np.isinf(rows.patience_s), queued, giving_up)
    return np.ceil(np.nan_to_num(rows.agents + np.maximum(queued, 30), nan=1.0, posinf=1e4))


def _relative(rows: Rows, load: Floats, states: int) -> Floats:
    k, agents, length = np.arange(states + 1.0), rows.agents[:, None], rows.interval_s
    rate = (rows.offered / length)[:, None]
    served = np.minimum(k, agents) / rows.aht_s[:, None] + np.maximum(k - agents, 0.0) / rows.patience_s[:, None]
    with np.errstate(divide="ignore"):
        weight = np.cumsum(np.log(rate) - np.log(served[:, 1:]), axis=1)
    chance = np.exp(np.hstack([np.zeros((len(weight), 1)), weight]) - np.maximum(weight.max(axis=1, initial=0.0), 0.0)[:, None])
    chance /= chance.sum(axis=1, keepdims=True)
    in_time = _in_time(k, agents, rows)
    mean = (chance * in_time).sum(axis=1)
    spread = in_time - mean[:, None]
    variance = (chance * spread**2).sum(axis=1)
    # Sums from the nearer end: what is left of a difference near 1 would be divided by next to nothing.
    below = np.cumsum(chance * spread, axis=1)[:, :-1]
    above = np.cumsum((chance * spread)[:, :0:-1], axis=1)[:, ::-1]
    below = np.where(np.cumsum(chance, axis=1)[:, :-1] < 0.5, below, above)
    slow = 2 * np.divide(below**2, rate * chance[:, :-1], out=np.zeros_like(below), where=chance[:, :-1] > 1e-200).sum(axis=1)
    memory = divide(slow, 2 * variance * length)  # how long the correlation lasts, in intervals
    memory = np.where(memory > 0, memory, 1e-9)
    over_time = variance * 2 * memory * (1 + memory * np.expm1(-1 / memory))
    binomial = mean * (1 - mean) / rows.offered
    own = (chance * in_time * (1 - in_time)).sum(axis=1) / rows.offered
    return np.where(binomial > 0, divide(over_time + own, binomial), 1.0)


def _in_time(k: Floats, agents: Floats, rows: Rows) -> Floats:
    """The chance that a contact that meets k others is answered within the threshold."""
    ahead = np.maximum(np.floor(k - agents) + 1, 1.0)  # must leave first
    threshold, patience = rows.threshold_s[:, None], rows.patience_s[:, None]
    finite = np.where(np.isinf(patience), 1.0, patience)
    each = agents / rows.aht_s[:, None] * finite
    given_up = each / (each + ahead) * special.betainc(ahead, each + 1, -np.expm1(-threshold / finite))
    never = special.gammainc(ahead, agents * threshold / rows.aht_s[:, None])
    return np.where(k < agents, 1.0, np.where(np.isinf(patience), never, given_up))
