"""Chat: one agent, several contacts at once, each of which takes longer the more there are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError
from ccstats.queueing.measures import SUMS, QueueMeasures, Targets, check_targets, checked, divide_sums, fewest_agents
from ccstats.queueing.offered_wait import offered_wait
from ccstats.queueing.patience_laws import Panels, PatienceLaw

__all__ = ["ChatMeasures", "chat_agents_required", "chat_queue"]

Floats = NDArray[np.float64]


class ChatMeasures(NamedTuple):
    """What customers and agents of a chat queue meet.

    Attributes
    ----------
    queue : QueueMeasures
        Waits, service levels, abandonment; its occupancy is the share of agents with at least one chat.
    mean_in_system : numpy.ndarray
        Chats in hand and waiting on average. [contacts]
    mean_concurrency : numpy.ndarray
        Chats in hand per agent on average. [contacts]
    mean_handle_s : numpy.ndarray
        How long a chat is in hand on average; NaN where nobody writes. [s]

    Examples
    --------
    >>> chat_queue(4, 5.0, aht_s=[300, 360, 450]).mean_concurrency.round(3).tolist()
    1.468
    """

    queue: QueueMeasures
    mean_in_system: Floats
    mean_concurrency: Floats
    mean_handle_s: Floats


def chat_queue(
    agents: ArrayLike,
    load: ArrayLike,
    *,
    aht_s: ArrayLike,
    patience: PatienceLaw | float = np.inf,
    threshold_s: ArrayLike = 20.0,
    short_s: ArrayLike | None = None,
) -> ChatMeasures:
    """Waits and service level of agents who handle several chats at once.

    Parameters
    ----------
    agents : array of int
        Agents. [agents]
    load : array of float
        Contacts per second × the handle time of a chat that is alone, ``aht_s[0]``. [Erlangs]
    aht_s : array of float
        Handle time of a chat while its agent has 1, 2, … of them in hand: as many as an agent takes at most. Along the last axis. [s]
    patience : PatienceLaw or float
        The law of patience; a number is the mean of an exponential one. [s]
    threshold_s : array of float
        Taken up within. [s]
    short_s : array of float, optional
        Those who leave within this are not counted by ``sl_excl_short``.

    Returns
    -------
    ChatMeasures
        Shares are NaN where nobody writes; in overload without patience waits are infinite and nobody is answered in time.

    Raises
    ------
    OptionError
        If an argument is negative or missing, or agents are not whole.

    Notes
    -----
    A birth–death chain: j chats are spread as evenly as can be, so that with ``j = q n + r`` of them r agents have q + 1 and n - r have q,
    and chats end at the rate ``Σ k / aht_k``. A chat waits when every agent has as many as they take. Exact for exponential work where a
    chat moves when another agent becomes free; platforms that never move a chat do slightly worse.

    References
    ----------
    G. Koole (2013), "Call Center Optimization", section 7.4, on handle times that depend on the number of parallel chats.

    Examples
    --------
    Sixty chats an hour, four agents, three at once; alone a chat takes five minutes, one of three 7:30:

    >>> chat = chat_queue(4, 60 / 3600 * 300, aht_s=[300, 360, 450])
    >>> round(float(chat.queue.wait_probability), 6), round(float(chat.mean_in_system), 6)
    (0.045295, 5.948736)
    """
    rows, handle, shape = _arguments(agents, load, aht_s, threshold_s, short_s)
    return _divided(rows, handle, _law(patience), shape)


def chat_agents_required(
    load: ArrayLike,
    *,
    aht_s: ArrayLike,
    patience: PatienceLaw | float = np.inf,
    target_service_level: float | None = None,
    threshold_s: ArrayLike = 20.0,
    definition: str = "service_level",
    short_s: ArrayLike | None = None,
    max_mean_wait_s: float | None = None,
    max_abandonment_rate: float | None = None,
    max_occupancy: float | None = None,
) -> Floats:
    """The fewest agents that meet every target for chats handled several at once.

    Parameters
    ----------
    load, aht_s, patience, threshold_s, short_s
        As for `chat_queue`.
    target_service_level, definition, max_mean_wait_s, max_abandonment_rate, max_occupancy
        As for `ccstats.queueing.general_patience.impatient_agents_required`; the occupancy is the share of agents with at least one chat.

    Returns
    -------
    numpy.ndarray
        Agents, whole numbers as float; 0 where nobody writes.

    Raises
    ------
    OptionError
        If nothing is asked for, or something that no number of agents can give.

    Examples
    --------
    >>> chat_agents_required(90 / 3600 * 300, aht_s=[300, 360, 450], target_service_level=0.8, threshold_s=30.0).tolist()
    5.0
    """
    targets = check_targets(Targets(target_service_level, definition, max_mean_wait_s, max_abandonment_rate, max_occupancy))
    rows, handle, shape = _arguments(1, load, aht_s, threshold_s, short_s)
    law = _law(patience)

    def met(agents: Floats) -> NDArray[np.bool_]:
        return targets.met(_divided([agents, *rows[1:]], handle, law, agents.shape).queue)

    return np.asarray(fewest_agents(met, rows[1]).reshape(shape)[()])


def _law(patience: PatienceLaw | float) -> PatienceLaw:
    return patience if isinstance(patience, PatienceLaw) else PatienceLaw.exponential(patience)


def _arguments(
    agents: ArrayLike, load: ArrayLike, aht_s: ArrayLike, threshold_s: ArrayLike, short_s: ArrayLike | None
) -> tuple[list[Floats], Floats, tuple[int, ...]]:
    """Agents, load, threshold, short in rows; handle times, rows × levels; and the shape."""
    staff, handle = checked(agents, "agents"), np.atleast_1d(checked(aht_s, "aht_s", positive=True))
    if (staff != np.floor(staff)).any():
        raise OptionError("agents= must be whole numbers: chats are spread over whole agents")
    short = np.float64(-1.0) if short_s is None else checked(short_s, "short_s")
    values = [staff, checked(load, "load"), checked(threshold_s, "threshold_s", infinite=True), np.asarray(short)]
    shape = np.broadcast_shapes(*(value.shape for value in values), handle.shape[:-1])
    rows = [np.ascontiguousarray(np.broadcast_to(value, shape)).ravel() for value in values]
    levels = handle.shape[-1]
    return rows, np.ascontiguousarray(np.broadcast_to(handle, (*shape, levels))).reshape(-1, levels), shape


def _divided(rows: list[Floats], handle: Floats, law: PatienceLaw, shape: tuple[int, ...]) -> ChatMeasures:
    agents, load = rows[0], rows[1]
    sums, below, busy = _chain(agents, load, rows[2], rows[3], handle, law.panels)
    queue = divide_sums(sums, load, handle[:, 0], agents)
    # Chats in hand: those below the last level, and all places where somebody waits.
    full = queue.wait_probability
    in_hand = np.where(load > 0, below + np.where(full > 0, full * agents * handle.shape[1], 0.0), 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        occupancy = np.where(load > 0, busy / agents, 0.0)
        handled = in_hand / (load / handle[:, 0] * sums[:, SUMS.index("answered")])
        concurrency = np.where(load > 0, in_hand / agents, 0.0)
    in_system = in_hand + queue.mean_queue
    queue = QueueMeasures(*(np.asarray(each).reshape(shape)[()] for each in queue._replace(occupancy=occupancy)))
    return ChatMeasures(queue, in_system.reshape(shape)[()], concurrency.reshape(shape)[()], handled.reshape(shape)[()])


@njit(cache=True, nogil=True, error_model="numpy")
def _chain(  # pragma: no cover - compiled; checked against a linear solve in the tests
    agents: Floats,
    load: Floats,
    threshold: Floats,
    short: Floats,
    handle: Floats,
    law: Panels,
) -> tuple[Floats, Floats, Floats]:
    """Sums per contact, chats in hand while nobody waits (weighted by its probability), and mean agents with a chat."""
    sums, below, busy = np.full((load.size, 9), np.nan), np.zeros(load.size), np.zeros(load.size)
    levels = handle.shape[1]
    for row in range(load.size):
        if load[row] == 0.0:
            continue
        n = int(agents[row])
        arrivals = load[row] / handle[row, 0]
        # last: probability of the highest state so far, given one of them; chats, hands: means given one of them.
        last, chats, hands, rate = 1.0, 0.0, 0.0, 0.0
        for j in range(1, n * levels + 1):
            level, more = (j - 1) // n, (j - 1) % n + 1
            rate = more * (level + 1) / handle[row, level]
            if level > 0:
                rate += (n - more) * level / handle[row, level - 1]
            if j < n * levels:
                last = arrivals * last / (arrivals * last + rate)
                chats += last * (j - chats)
                hands += last * (min(j, n) - hands)
        sums[row] = offered_wait(arrivals, rate, last, threshold[row], short[row], law)
        below[row] = (1.0 - sums[row, 0]) * chats
        busy[row] = (1.0 - sums[row, 0]) * hands + sums[row, 0] * n
    return sums, below, busy
