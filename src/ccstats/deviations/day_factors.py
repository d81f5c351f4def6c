"""How busy a day is against its forecast, and how long its contacts take: what is believed beforehand, and after the first hours.

A day of a queue has a *day factor*: contacts of an interval scatter about factor × forecast. The factor is gamma-distributed over days;
given the contacts so far it is gamma-distributed still, with the shape and rate of the two added. Where intervals scatter more than Poisson
counts about their day's level, by a dispersion φ, contacts and forecast so far are divided by φ before they are added: each tells that much
less.

Handle times have a factor of their own: the mean of n contacts, which scatter by so many times their mean each, is weighed against what the
factor is from day to day (normal against normal).

What days are like is estimated from earlier ones by moments: what scatters between days beyond what chance within days explains. Few days
tell little, so that what is assumed without any counts as `PRIOR_DAYS` more of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from ccstats.expectation.expected import divide

__all__ = ["PRIOR_DAYS", "Belief", "count_limits", "learn", "learn_handle_times", "update", "update_handle_times"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Days of history that the assumption without any weighs as much as.
PRIOR_DAYS = 4


class Belief(NamedTuple):
    """What is known of a factor, or of many.

    Attributes
    ----------
    mean : float or array
        Expected factor.
    cv2 : float or array
        Square of its coefficient of variation; 0: it is known.
    spread : float or array
        Of counts: their variance about the day's level by that level (Poisson: 1). Of handle times: the square of the coefficient of
        variation of a single one (exponential: 1).

    Examples
    --------
    >>> Belief(1.0, 0.01, 1.0).cv2
    0.01
    """

    mean: Any
    cv2: Any
    spread: Any

    def take(self, which: Ints) -> Belief:
        """These of many, in this order.

        Examples
        --------
        >>> Belief(np.array([1.0, 1.2]), np.zeros(2), np.ones(2)).take(np.array([1, 1])).mean.tolist()
        [1.2, 1.2]
        """
        return Belief(*(each[which] for each in self))

    def limits(self, coverage: float) -> tuple[Any, Any]:
        """Between what the factor lies with so much probability, it being gamma-distributed.

        Examples
        --------
        >>> low, high = Belief(1.0, 0.01, 1.0).limits(0.95)
        >>> float(low.round(3)), float(high.round(3))
        (0.814, 1.205)
        """
        some = np.asarray(self.cv2) > 0
        cv2 = np.where(some, self.cv2, 1.0)
        low, high = (cv2 * special.gammaincinv(1 / cv2, share) for share in ((1 - coverage) / 2, (1 + coverage) / 2))
        return self.mean * np.where(some, low, 1.0), self.mean * np.where(some, high, 1.0)


def update(belief: Belief, offered: Any, forecast: Any) -> Belief:
    """The belief about a day factor after so many contacts, where so many were forecast.

    Parameters
    ----------
    belief : Belief
        Beforehand.
    offered, forecast : float or array
        So far. [contacts]

    Returns
    -------
    Belief

    Examples
    --------
    120 contacts where 100 were forecast, on days that vary by 10 %: half of the surprise is taken for the day's, half for chance.

    >>> round(update(Belief(1.0, 0.01, 1.0), 120, 100).mean, 3)
    1.1
    """
    learnt = 1 + belief.cv2 * offered / belief.spread
    return Belief(learnt / (1 / belief.mean + belief.cv2 * forecast / belief.spread), belief.cv2 / learnt, belief.spread)


def update_handle_times(belief: Belief, ratio: Any, known: Any) -> Belief:
    """The belief about a handle-time factor after so many contacts, whose mean was so many times what was forecast.

    Parameters
    ----------
    belief : Belief
        Beforehand.
    ratio : float or array
        Mean handle time by the one forecast for these contacts; not looked at without contacts.
    known : float or array
        Contacts whose handle time is known. [contacts]

    Returns
    -------
    Belief

    Examples
    --------
    A hundred contacts of 10 % more than forecast, on days that vary by 10 %, tell half:

    >>> float(update_handle_times(Belief(1.0, 0.01, 1.0), 1.1, 100).mean.round(9))
    1.05
    """
    told = belief.cv2 * np.asarray(known, dtype="float64")
    weight = np.divide(told, told + belief.spread, out=np.zeros(np.shape(told)), where=told > 0)
    return Belief(belief.mean + weight * np.where(weight > 0, ratio - belief.mean, 0.0), (1 - weight) * belief.cv2, belief.spread)


def learn(assumed: Belief, offered: Floats, expected: Floats, day: Ints, inflate: Floats) -> Belief:
    """What the day factors of earlier days were like.

    Parameters
    ----------
    assumed : Belief
        Without any history.
    offered, expected : array of float
        Of each interval, what came and what was expected, above 0. [contacts]
    day : array of int
        Number of its day: 0, 1, …
    inflate : array of float
        Of each day, what squares have to be multiplied by because the expectation was made of the days themselves; 1: it was not.

    Returns
    -------
    Belief

    Notes
    -----
    φ is Pearson's statistic about each day's own level by its degrees of freedom, not below 1. The variance between D days is
    ``Σ D/(D - 1) (N - mF)² - φ m F`` by ``Σ (mF)²``, over days with N contacts, F expected, and m their overall ratio; not below 0.

    Examples
    --------
    Four days that were 10 % above or below in every interval vary by at most a little more than chance has it:

    >>> expected = np.full(400, 100.0)
    >>> day = np.arange(400) // 100
    >>> offered = expected * np.where(day % 2 == 0, 1.1, 0.9)
    >>> round(learn(Belief(1.0, 0.0, 1.0), offered, expected, day, np.ones(4)).cv2 * 2, 4)
    0.0132
    """
    came, forecast = (np.bincount(day, weights=each).astype("float64") for each in (offered, expected))
    mean = float(came.sum() / forecast.sum())
    level = divide(came, forecast)[day] * expected
    there = level > 0
    freedom = float((np.bincount(day[there], minlength=len(came)) - 1).clip(0).sum())
    excess = inflate[day[there]] * (offered[there] - level[there]) ** 2 / level[there]
    spread = max(1.0, float(excess.sum()) / freedom) if freedom > 0 else assumed.spread
    inflate = np.maximum(inflate, len(came) / max(len(came) - 1, 1))
    between = float((inflate * (came - mean * forecast) ** 2 - spread * mean * forecast).sum() / ((mean * forecast) ** 2).sum())
    return _weighed(assumed, Belief(mean, max(between, 0.0), spread), len(came))


def learn_handle_times(assumed: Belief, aht_s: Floats, expected_s: Floats, known: Floats, day: Ints, inflate: Floats) -> Belief:
    """What the handle-time factors of earlier days were like.

    Parameters
    ----------
    assumed, day, inflate
        As for `learn`.
    aht_s, expected_s : array of float
        Of each interval, the mean handle time and the one expected. [s]
    known : array of float
        Contacts that the mean is of, above 0. [contacts]

    Returns
    -------
    Belief

    Examples
    --------
    >>> day = np.arange(40) // 10
    >>> aht_s = 200.0 * np.where(day % 2 == 0, 1.1, 0.9)
    >>> found = learn_handle_times(Belief(1.0, 0.0, 1.0), aht_s, np.full(40, 200.0), np.full(40, 50.0), day, np.ones(4))
    >>> round(found.cv2 * 2, 4), round(found.spread, 6)
    (0.0133, 0.0)
    """
    contacts, took, expected = (
        np.bincount(day, weights=known * each).astype("float64") for each in (np.ones(len(known)), aht_s, expected_s)
    )
    ratio, mean = took / expected, float(took.sum() / expected.sum())
    freedom = float((np.bincount(day) - 1).clip(0).sum())
    excess = inflate[day] * known * (aht_s / (ratio[day] * expected_s) - 1) ** 2
    spread = float(excess.sum()) / freedom if freedom > 0 else assumed.spread
    inflate = np.maximum(inflate, len(contacts) / max(len(contacts) - 1, 1))
    between = float((inflate * (ratio / mean - 1) ** 2 - spread / contacts).mean())
    return _weighed(assumed, Belief(mean, max(between, 0.0), spread), len(contacts))


def _weighed(assumed: Belief, found: Belief, days: int) -> Belief:
    """What was found, with what was assumed as so many days more; how counts scatter is found from many intervals, and stands."""
    share = days / (days + PRIOR_DAYS)
    mean, cv2 = (share * mine + (1 - share) * theirs for mine, theirs in zip(found[:2], assumed[:2], strict=True))
    return Belief(mean, cv2, found.spread)


def count_limits(mean: Floats, belief: Belief, coverage: float) -> tuple[Floats, Floats]:
    """Between what counts lie with so much probability, where their mean varies with the factor believed in.

    Parameters
    ----------
    mean : array of float
        Expected counts. [contacts]
    belief : Belief
        The factor's, of which ``cv2`` and ``spread`` count.
    coverage : float
        Probability; the whole numbers that enclose it at least. [0-1]

    Returns
    -------
    tuple of numpy.ndarray

    Notes
    -----
    A negative binomial count with the variance ``spread × mean + cv2 × mean²``; a Poisson count where that is the mean.

    Examples
    --------
    >>> low, high = count_limits(np.array([0.0, 100.0]), Belief(1.0, 0.01, 1.0), 0.9)
    >>> low.tolist(), high.tolist()
    ([0.0, 78.0], [0.0, 124.0])
    """
    beyond = (belief.spread - 1) * mean + belief.cv2 * mean**2
    wide = beyond > 1e-9 * mean
    size = np.where(wide, mean, 1.0) ** 2 / np.where(wide, beyond, 1.0)
    chance = np.where(wide, size / (size + mean), 0.5)

    def up_to(count: Floats) -> Floats:
        """The chance of no more."""
        whole = np.maximum(count, 0.0)
        return np.where(count < 0, 0.0, np.where(wide, special.betainc(size, whole + 1, chance), special.pdtr(whole, mean)))

    found = []
    for share in ((1 - coverage) / 2, (1 + coverage) / 2):
        near = np.where(wide, special.nbdtrik(share, size, chance), special.pdtrik(share, mean))
        limit = np.ceil(np.nan_to_num(near)) - 1  # the inverse is of a continuous function, and has no answer below its start
        for _ in range(2):
            limit = np.where(up_to(limit) < share, limit + 1, limit)
        found.append(np.where(mean > 0, np.maximum(limit, 0.0), 0.0))
    return found[0], found[1]
