"""Deferred work: e-mail and back office, where a contact may wait hours and what is not done today is there tomorrow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError
from ccstats.queueing.measures import checked

__all__ = ["DeferredWork", "deferred_agents_required", "deferred_work"]

Floats = NDArray[np.float64]


class DeferredWork(NamedTuple):
    """What becomes of deferred work, interval by interval; arrays of the shape of the arrivals.

    Attributes
    ----------
    done : numpy.ndarray
        Contacts finished in the interval, whenever they came. [contacts]
    backlog : numpy.ndarray
        Contacts not finished at its end. [contacts]
    oldest_s : numpy.ndarray
        How long the oldest of them has been there; 0 without backlog. [s]
    within_deadline : numpy.ndarray
        Of the contacts that came in the interval, those finished within the deadline, in this interval or later. [contacts]
    open : numpy.ndarray
        Of the contacts that came in the interval, those neither finished nor overdue when the last interval ends. [contacts]
    service_level : numpy.ndarray
        ``within_deadline / (arrived - open)``; NaN where nothing came, or all of it is open.

    Examples
    --------
    >>> deferred_work([60, 0], [40, 40], interval_s=3600.0, deadline_s=1800.0).backlog.tolist()
    [20.0, 0.0]
    """

    done: Floats
    backlog: Floats
    oldest_s: Floats
    within_deadline: Floats
    open: Floats
    service_level: Floats


def deferred_work(
    contacts: ArrayLike,
    capacity: ArrayLike,
    *,
    interval_s: float,
    deadline_s: ArrayLike,
    backlog: ArrayLike = 0.0,
    backlog_age_s: ArrayLike = 0.0,
    cyclic: bool = False,
) -> DeferredWork:
    """How much deferred work is done in time, when what is left is carried over.

    Parameters
    ----------
    contacts : array of float (… × intervals)
        Contacts that come in each interval, evenly. [contacts]
    capacity : array of float (… × intervals)
        Contacts that can be finished in each interval: ``agents × interval_s / aht_s``, 0 while closed. [contacts]
    interval_s : float
        Length of an interval. [s]
    deadline_s : array of float
        From arrival to the end of the work, closing hours included. [s]
    backlog : array of float
        Contacts waiting at the beginning; they are worked off first and belong to no interval. [contacts]
    backlog_age_s : array of float
        How long they have been there. [s]
    cyclic : bool
        Whether the intervals repeat for ever, such as a week: the backlog at the beginning is then that at the end, and nothing is open.

    Returns
    -------
    DeferredWork
        With ``cyclic`` and less capacity than contacts the backlog grows without end: infinite backlog and age, service level 0.

    Raises
    ------
    OptionError
        If an argument is negative or missing, the arrays do not fit together, or a backlog is given with ``cyclic``.

    Notes
    -----
    First in, first out, as a fluid: work comes and is done at constant rates within an interval. The k-th contact is in time when the k-th
    is finished at most a deadline after the k-th came; both curves are straight between their corners, so shares are exact. The handle time
    itself is not added to the wait, and chance is left out: both are small when deadlines are long against handle times.

    Examples
    --------
    A hundred e-mails in each of three hours, agents for 80 and then 120 an hour; those of the second hour wait up to 24 minutes:

    >>> work = deferred_work([100, 100, 0], [80, 80, 120], interval_s=3600.0, deadline_s=1200.0)
    >>> work.backlog.tolist(), work.within_deadline.round(6).tolist()
    ([20.0, 40.0, 0.0], [100.0, 33.333333, 0.0])
    """
    came, can, deadline, left, age = _arguments(contacts, capacity, deadline_s, backlog, backlog_age_s, cyclic)
    length = float(checked(interval_s, "interval_s", positive=True))
    count = came.shape[-1]
    rows, able = came.reshape(-1, count), can.reshape(-1, count)
    limit, first = deadline.ravel(), (left.ravel(), age.ravel())
    out = _cycle(rows, able, limit, length) if cyclic else _walk(rows, able, limit, first[0], first[1], length)
    done, behind, oldest, within, unsettled = out
    with np.errstate(invalid="ignore", divide="ignore"):
        settled = rows - unsettled
        level = np.where(settled > 1e-12 * rows, within / settled, np.nan)
    return DeferredWork(*(each.reshape(came.shape) for each in (done, behind, oldest, within, unsettled, level)))


def deferred_agents_required(
    contacts: ArrayLike,
    *,
    aht_s: ArrayLike,
    interval_s: float,
    deadline_s: ArrayLike,
    target_service_level: float,
    presence: ArrayLike = 1.0,
    backlog: ArrayLike = 0.0,
    backlog_age_s: ArrayLike = 0.0,
    cyclic: bool = True,
    fractional: bool = False,
) -> Floats:
    """The fewest agents that finish a share of deferred work within its deadline.

    Parameters
    ----------
    contacts : array of float (… × intervals)
        Contacts that come in each interval. [contacts]
    aht_s : array of float
        Mean handle time; one, or one for each interval. [s]
    interval_s : float
        Length of an interval. [s]
    deadline_s : array of float
        From arrival to the end of the work. [s]
    target_service_level : float
        At least this share of all contacts of all intervals.
    presence : array of float (… × intervals)
        Share of the agents at work in each interval: 0 while closed.
    backlog, backlog_age_s
        As for `deferred_work`; only without ``cyclic``.
    cyclic : bool
        Whether the intervals repeat for ever. If not, what is open at the end counts as missed.
    fractional : bool
        Whether parts of an agent are allowed.

    Returns
    -------
    numpy.ndarray
        Agents, one number for each row of intervals; 0 where nothing comes, infinite where the target is out of reach: the deadline passes
        while nobody is at work.

    Raises
    ------
    OptionError
        If an argument is negative or missing, or the target not within 0 to 1.

    Notes
    -----
    Every agent more finishes every contact earlier or at the same time, so bisection finds the true minimum.

    Examples
    --------
    E-mails around the clock, answered from 8 to 16 o'clock within a day; ten minutes each:

    >>> hours = np.arange(24)
    >>> emails = np.where((hours >= 8) & (hours < 20), 30.0, 5.0)
    >>> at_work = (hours >= 8) & (hours < 16)
    >>> day = {"aht_s": 600.0, "interval_s": 3600.0, "deadline_s": 86400.0}
    >>> deferred_agents_required(emails, **day, target_service_level=0.9, presence=at_work).tolist()
    9.0
    """
    if not 0 < target_service_level <= 1:
        raise OptionError(f"target_service_level={target_service_level!r} must be a share above 0, at most 1")
    length = float(checked(interval_s, "interval_s", positive=True))
    handle, there = checked(aht_s, "aht_s", positive=True), checked(presence, "presence")
    each = np.broadcast_to(there * length / handle, np.broadcast_shapes(there.shape, handle.shape, np.shape(contacts)))  # one agent does
    came, each, deadline, left, age = _arguments(contacts, each, deadline_s, backlog, backlog_age_s, cyclic)
    total = came.sum(axis=-1)
    wanted = target_service_level * (1 - 1e-12) * total

    def missed(agents: Floats) -> NDArray[np.bool_]:
        can = agents[..., None] * each
        work = deferred_work(came, can, interval_s=length, deadline_s=deadline, backlog=left, backlog_age_s=age, cyclic=cyclic)
        return np.asarray((work.within_deadline.sum(axis=-1) < wanted) & (total > 0))

    # So many agents do all of it within a millionth of any interval in which somebody is there; more cannot help.
    least = np.where(each > 0, each, np.inf).min(axis=-1)
    high = np.ceil(1e6 * (total + left) / least) + 1.0
    low = np.zeros(total.shape)
    never = missed(high)
    while (wide := high - low > 1.0).any():
        middle = np.where(wide, np.floor((low + high) / 2), high)
        bad = missed(middle)
        low, high = np.where(wide & bad, middle, low), np.where(wide & ~bad, middle, high)
    for _ in range(50 if fractional else 0):
        middle = (low + high) / 2
        bad = missed(middle)
        low, high = np.where(bad, middle, low), np.where(bad, high, middle)
    return np.asarray(np.where(total == 0, 0.0, np.where(never, np.inf, high))[()])


def _arguments(
    contacts: ArrayLike, capacity: ArrayLike, deadline_s: ArrayLike, backlog: ArrayLike, backlog_age_s: ArrayLike, cyclic: bool
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Contacts and capacity with their intervals along the last axis; deadline, backlog and its age for each row of them."""
    came, can = checked(contacts, "contacts"), checked(capacity, "capacity")
    deadline, left = checked(deadline_s, "deadline_s", infinite=True), checked(backlog, "backlog")
    age = checked(backlog_age_s, "backlog_age_s")
    if came.ndim == 0 or came.shape[-1] == 0:
        raise OptionError("contacts= must have one number for each interval, of which there must be one at least")
    if cyclic and left.any():
        raise OptionError("backlog= has no meaning with cyclic=True: what is there at the beginning follows from the end")
    try:
        came, can = np.broadcast_arrays(came, can)
        shape = np.broadcast_shapes(came.shape[:-1], deadline.shape, left.shape, age.shape)
    except ValueError as error:
        shapes = f"contacts= {came.shape}, capacity= {can.shape}, deadline_s= {deadline.shape}, backlog= {left.shape}"
        raise OptionError(f"the arguments do not fit together: {shapes}; expected rows of as many intervals") from error
    wide = (*shape, came.shape[-1])
    series = [np.broadcast_to(value, wide).copy() for value in (came, can)]
    single = [np.broadcast_to(value, shape).copy() for value in (deadline, left, age)]
    return series[0], series[1], single[0], single[1], single[2]


def _cycle(came: Floats, can: Floats, deadline: Floats, length: float) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """The second of four cycles: with enough capacity the backlog vanishes once in each, so the first and the last two are enough."""
    count = came.shape[1]
    nothing = np.zeros(len(came))
    four = _walk(np.tile(came, 4), np.tile(can, 4), deadline, nothing, nothing, length)
    done, behind, oldest, within, _ = (each[:, count : 2 * count] for each in four)
    total, able = came.sum(axis=1), can.sum(axis=1)
    never = (able < total * (1 - 1e-12))[:, None]
    return (
        np.where(never, can, done),
        np.where(never, np.inf, behind),
        np.where(never, np.inf, oldest),
        np.where(never, 0.0, within),
        0 * came,
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _walk(  # pragma: no cover - compiled; checked against a plain loop in the tests
    came: Floats, can: Floats, deadline: Floats, backlog: Floats, age: Floats, length: float
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Done, backlog and oldest by interval; within the deadline and open by the interval in which contacts came."""
    rows, count = came.shape
    done, behind, oldest = np.empty((rows, count)), np.empty((rows, count)), np.zeros((rows, count))
    within, unsettled = np.zeros((rows, count)), np.zeros((rows, count))
    begin, end, amount = np.empty(2 * count), np.empty(2 * count), np.empty(2 * count)
    slack = 1e-12 * length * count  # a wait that rounding lifts above the deadline is still within it
    for row in range(rows):
        # The work that gets done, in pieces of constant rate: at capacity while there is a backlog, as it comes afterwards.
        pieces, now = 0, backlog[row]
        for i in range(count):
            more, able = came[row, i], can[row, i]
            before, busy = now, 1.0
            if able > more:
                busy = min(now / (able - more), 1.0)
                now = 0.0 if busy < 1.0 else max(now + more - able, 0.0)
            else:
                now += more - able
            begin[pieces], end[pieces], amount[pieces] = i * length, (i + busy) * length, able * busy
            begin[pieces + 1], end[pieces + 1], amount[pieces + 1] = (i + busy) * length, (i + 1) * length, more * (1.0 - busy)
            pieces += 2
            done[row, i] = before + more - now
            behind[row, i] = now
        # First in, first out: contacts and work side by side; -1 are those who were there at the beginning.
        piece, used = 0, 0.0
        for i in range(-1, count):
            size = backlog[row] if i < 0 else came[row, i]
            taken = 0.0
            while taken < size:
                while piece < pieces and used >= amount[piece]:
                    piece, used = piece + 1, 0.0
                if piece == pieces:
                    break
                part = min(size - taken, amount[piece] - used)
                if i >= 0:
                    lasted = (end[piece] - begin[piece]) / amount[piece]
                    first = begin[piece] + used * lasted - (i + taken / size) * length
                    last = first + part * (lasted - length / size)
                    early, late = min(first, last), max(first, last)
                    limit = deadline[row] + slack
                    if late <= limit:
                        within[row, i] += part
                    elif early < limit:
                        within[row, i] += part * (limit - early) / (late - early)
                used, taken = (used + part, taken + part) if part < amount[piece] - used else (amount[piece], taken + part)
                if size - taken <= 1e-13 * size:
                    break
            if i >= 0 and taken < size and now > 0.0:
                # Not done when the last interval ends: open from the moment on after which the deadline lies beyond it.
                since = min(max((count - i) - deadline[row] / length, taken / size), 1.0)
                unsettled[row, i] = size * (1.0 - since)
        # The oldest of the backlog: the contact after the last one done.
        came_before, i = 0.0, 0
        total = 0.0
        for at in range(count):
            total += came[row, at]
            there = behind[row, at]
            if there <= 1e-12 * (total + backlog[row]):
                continue
            gone = total - there
            if gone < 0.0:
                oldest[row, at] = (at + 1) * length + age[row]
                continue
            while i < at and came_before + came[row, i] <= gone:
                came_before += came[row, i]
                i += 1
            oldest[row, at] = (at + 1 - i - min((gone - came_before) / came[row, i], 1.0)) * length if came[row, i] > 0.0 else 0.0
    return done, behind, oldest, within, unsettled
