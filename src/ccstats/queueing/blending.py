"""Blending: agents call out, or work on what can wait, when enough of them are free."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError
from ccstats.queueing.measures import QueueMeasures, Targets, check_targets, checked, divide_sums, fewest_agents
from ccstats.queueing.offered_wait import offered_wait
from ccstats.queueing.patience_laws import Panels, PatienceLaw

__all__ = ["BlendedMeasures", "blended_agents_required", "blended_queue", "idle_reserve"]

Floats = NDArray[np.float64]


class BlendedMeasures(NamedTuple):
    """What callers meet, and what gets done besides.

    Attributes
    ----------
    queue : QueueMeasures
        Of the inbound contacts; its occupancy includes the other work.
    blended_load : numpy.ndarray
        Agents busy with other work on average: how many Erlangs of it get done. [Erlangs]

    Examples
    --------
    >>> round(float(blended_queue(14, 10.0, aht_s=180.0, reserve=2).blended_load), 3)
    3.25
    """

    queue: QueueMeasures
    blended_load: Floats


def blended_queue(
    agents: ArrayLike,
    load: ArrayLike,
    *,
    aht_s: ArrayLike,
    reserve: ArrayLike,
    patience: PatienceLaw | float = np.inf,
    threshold_s: ArrayLike = 20.0,
    short_s: ArrayLike | None = None,
) -> BlendedMeasures:
    """Service level of inbound contacts, and how much other work gets done, when some agents are kept free.

    Parameters
    ----------
    agents : array of int
        Agents. [agents]
    load : array of float
        Offered load of inbound contacts. [Erlangs]
    aht_s : array of float
        Mean handle time, the same for inbound contacts and other work. [s]
    reserve : array of int
        Agents kept free: other work is begun only while fewer than ``agents - reserve`` are busy, and never while somebody waits. [agents]
    patience : PatienceLaw or float
        The law of patience of inbound callers; a number is the mean of an exponential one. [s]
    threshold_s : array of float
        Answered within. [s]
    short_s : array of float, optional
        Those who leave within this are not counted by ``sl_excl_short``. [s]

    Returns
    -------
    BlendedMeasures
        Shares are NaN where nobody calls; the other work then fills all agents but the reserve.

    Raises
    ------
    OptionError
        If an argument is negative or missing, agents are not whole, or more are kept free than there are.

    Notes
    -----
    There is always other work to do and it is not interrupted, so at least ``c = agents - reserve`` agents are busy: a birth–death chain on
    c, c + 1, …; what ends in state c is followed by a piece of other work, and c p(c) Erlangs of it get done. With equal handle times such
    a threshold is the best policy, save for changing between two neighbouring ones. Where the other work takes much longer than a call,
    keep more agents free than this model says.

    References
    ----------
    S. Bhulai, G. Koole (2003), "A queueing model for call blending in call centers", IEEE Transactions on Automatic Control 48, section II.

    Examples
    --------
    Fourteen agents for ten Erlangs: with two kept free, three do other work, and the service level falls from 0.89 to 0.67:

    >>> blended = blended_queue(14, 10.0, aht_s=180.0, reserve=[14, 2], threshold_s=20.0)
    >>> blended.queue.service_level.round(2).tolist(), blended.blended_load.round(2).tolist()
    ([0.89, 0.67], [0.0, 3.25])
    """
    rows, shape = _arguments(agents, load, aht_s, reserve, threshold_s, short_s)
    if (rows[3] > rows[0]).any():
        raise OptionError("reserve= must not be more than agents=: that many cannot be kept free")
    return _divided(rows, _law(patience), shape)


def idle_reserve(
    agents: ArrayLike,
    load: ArrayLike,
    *,
    aht_s: ArrayLike,
    target_service_level: float,
    threshold_s: ArrayLike = 20.0,
    definition: str = "service_level",
    patience: PatienceLaw | float = np.inf,
) -> Floats:
    """The fewest agents to keep free so that inbound contacts still meet their service level.

    Parameters
    ----------
    agents, load, aht_s, patience, threshold_s
        As for `blended_queue`.
    target_service_level : float
        At least this share, by ``definition``: a service level of `QueueMeasures`.
    definition : str
        Which service level.

    Returns
    -------
    numpy.ndarray
        Agents; NaN where even without other work the target is missed, 0 where nobody calls.

    Raises
    ------
    OptionError
        If an argument is negative or missing, or the target no share below 1.

    Examples
    --------
    >>> idle_reserve([14, 15, 16, 12], 10.0, aht_s=180.0, target_service_level=0.8, threshold_s=20.0).tolist()
    [4.0, 3.0, 3.0, nan]
    """
    targets = check_targets(Targets(target_service_level, definition))
    rows, shape = _arguments(agents, load, aht_s, 0, threshold_s, None)
    return np.asarray(_reserve(rows, _law(patience), targets).reshape(shape)[()])


def blended_agents_required(
    load: ArrayLike,
    blended_load: ArrayLike,
    *,
    aht_s: ArrayLike,
    target_service_level: float,
    threshold_s: ArrayLike = 20.0,
    definition: str = "service_level",
    patience: PatienceLaw | float = np.inf,
) -> Floats:
    """The fewest agents that meet the service level of inbound contacts and get the other work done.

    Parameters
    ----------
    load : array of float
        Offered load of inbound contacts. [Erlangs]
    blended_load : array of float
        Other work to be done. [Erlangs]
    aht_s, patience, threshold_s
        As for `blended_queue`.
    target_service_level : float
        At least this share of the inbound contacts, by ``definition``.
    definition : str
        Which service level.

    Returns
    -------
    numpy.ndarray
        Agents, whole numbers as float; keep `idle_reserve` of them free. Where nobody calls, enough for the other work.

    Raises
    ------
    OptionError
        If an argument is negative or missing, or the target no share below 1.

    Examples
    --------
    Ten Erlangs of calls and four of e-mail; two teams apart would need 14 and 4:

    >>> blended_agents_required(10.0, 4.0, aht_s=180.0, target_service_level=0.8, threshold_s=20.0).tolist()
    16.0
    """
    targets, law = check_targets(Targets(target_service_level, definition)), _law(patience)
    other = checked(blended_load, "blended_load")
    rows, shape = _arguments(np.zeros(other.shape), load, aht_s, 0, threshold_s, None)
    wanted = np.broadcast_to(other, shape).ravel()

    def met(agents: Floats) -> NDArray[np.bool_]:
        here = [agents, *rows[1:]]
        free = _reserve(here, law, targets)
        here[3] = np.where(np.isnan(free), agents, free)
        return ~np.isnan(free) & (_divided(here, law, agents.shape).blended_load >= wanted * (1 - 1e-12))

    quiet = rows[1] == 0
    return np.asarray(np.where(quiet, np.ceil(wanted - 1e-9), fewest_agents(met, rows[1])).reshape(shape)[()])


def _law(patience: PatienceLaw | float) -> PatienceLaw:
    return patience if isinstance(patience, PatienceLaw) else PatienceLaw.exponential(patience)


def _arguments(
    agents: ArrayLike, load: ArrayLike, aht_s: ArrayLike, reserve: ArrayLike, threshold_s: ArrayLike, short_s: ArrayLike | None
) -> tuple[list[Floats], tuple[int, ...]]:
    """Agents, load, handle time, reserve, threshold, short in rows; and the shape."""
    staff, free = checked(agents, "agents"), checked(reserve, "reserve")
    for name, value in (("agents", staff), ("reserve", free)):
        if (value != np.floor(value)).any():
            raise OptionError(f"{name}= must be whole numbers of agents")
    short = np.float64(-1.0) if short_s is None else checked(short_s, "short_s")
    values = np.broadcast_arrays(
        staff,
        checked(load, "load"),
        checked(aht_s, "aht_s", positive=True),
        free,
        checked(threshold_s, "threshold_s", infinite=True),
        short,
    )
    return [np.ascontiguousarray(value).ravel() for value in values], values[0].shape


def _reserve(rows: list[Floats], law: PatienceLaw, targets: Targets) -> Floats:
    """Bisection on the agents kept free, from none to all."""
    agents, load = rows[0], rows[1]

    def met(free: Floats) -> NDArray[np.bool_]:
        return np.asarray(targets.met(_divided([*rows[:3], free, *rows[4:]], law, agents.shape).queue) | (load == 0))

    low, high = np.full(agents.shape, -1.0), agents.copy()
    never = ~met(high)
    while (high - low > 1).any():
        middle = np.where(high - low > 1, np.floor((low + high) / 2), high)
        good = met(middle)
        low, high = np.where(good, low, middle), np.where(good, middle, high)
    return np.where(never, np.nan, high)


def _divided(rows: list[Floats], law: PatienceLaw, shape: tuple[int, ...]) -> BlendedMeasures:
    agents, load, aht, reserve, threshold, short = rows
    sums, other = _chain(agents, load, aht, agents - reserve, threshold, short, law.panels)
    queue = divide_sums(sums, load, aht, agents)
    with np.errstate(divide="ignore", invalid="ignore"):
        occupancy = np.where(agents > 0, queue.occupancy + other / agents, queue.occupancy)
    queue = QueueMeasures(*(np.asarray(each).reshape(shape)[()] for each in queue._replace(occupancy=occupancy)))
    return BlendedMeasures(queue, np.asarray(other.reshape(shape)[()]))


@njit(cache=True, nogil=True, error_model="numpy")
def _chain(  # pragma: no cover - compiled; checked against a linear solve in the tests
    agents: Floats,
    load: Floats,
    aht: Floats,
    busy_at_least: Floats,
    threshold: Floats,
    short: Floats,
    law: Panels,
) -> tuple[Floats, Floats]:
    """Sums per inbound contact, and the Erlangs of other work that get done."""
    sums, other = np.full((load.size, 9), np.nan), busy_at_least.copy()
    for row in range(load.size):
        a, n, least = load[row], int(agents[row]), int(busy_at_least[row])
        if a == 0.0:
            continue
        # last, lowest: probabilities of the highest and lowest state, given that an agent is free.
        last = lowest = 1.0
        for j in range(least + 1, n):
            last = a * last / (a * last + j)
            lowest *= 1.0 - last
        if least == n:
            last = np.inf
        sums[row] = offered_wait(a / aht[row], n / aht[row], last, threshold[row], short[row], law)
        if least == n:
            other[row] = max(n - a * sums[row, 5], 0.0)
        else:
            other[row] = least * lowest * (1.0 - sums[row, 0])
    return sums, other
