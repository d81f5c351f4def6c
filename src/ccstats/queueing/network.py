"""Event simulation of several queues and skill groups: arrays in, arrays out, the loop compiled.

The whole routing is two tables of groups × queues: ``preference`` (who may take what, and how gladly) and ``opens_s`` (after what wait).
Everything random (arrivals, handle times, patience, who comes again) is drawn outside and handed in, so that the same contacts can meet
another staffing: common random numbers by construction.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError
from ccstats.queueing.network_loop import ABANDONED, ANSWERED, BLOCKED, CALLBACK, WAITING, run_events

__all__ = ["OUTCOME_WORDS", "SimulatedNetwork", "Staff", "simulate_network", "staff_by_interval"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: The outcome of `SimulatedNetwork` in the words of ``contacts``.
OUTCOME_WORDS = {WAITING: "open", ANSWERED: "answered", ABANDONED: "abandoned", BLOCKED: "blocked_full", CALLBACK: "callback"}


class Staff(NamedTuple):
    """Who is on duty when.

    Attributes
    ----------
    group : numpy.ndarray
        The group of each agent: a row of ``preference``.
    agent, on_s, off_s : numpy.ndarray
        Spans of duty: the agent, its start and its end. Spans of one agent may touch or overlap; a gap is a break. [s]

    Examples
    --------
    One agent with a break from 600 to 900 s:

    >>> Staff([0], [0, 0], [0.0, 900.0], [600.0, 3600.0]).on_s
    [0.0, 900.0]
    """

    group: ArrayLike
    agent: ArrayLike
    on_s: ArrayLike
    off_s: ArrayLike


class SimulatedNetwork(NamedTuple):
    """What became of every attempt: first the contacts as they were given, then whoever came again, in the order of their decision.

    Attributes
    ----------
    contact : numpy.ndarray
        Row of the contact in what was given.
    attempt : numpy.ndarray
        1, 2, … within the contact. One who is called back has a further attempt.
    queue : numpy.ndarray
        The queue.
    arrival_s : numpy.ndarray
        When the attempt joined the queue. [s]
    offered_s : numpy.ndarray
        When an agent was taken; NaN where none was. [s]
    start_s : numpy.ndarray
        When the agent answered; NaN where none did. [s]
    wait_s : numpy.ndarray
        From arrival to the answer, to giving up, or to leaving for a callback; NaN for the blocked and where nothing of it happened. [s]
    talk_end_s : numpy.ndarray
        When the contact hung up after the answer; NaN where there was none. [s]
    end_s : numpy.ndarray
        When the agent was free again, or the contact had left; NaN where neither happened. [s]
    outcome : numpy.ndarray
        0 waiting for ever, 1 answered, 2 abandoned, 3 blocked, 4 left for a callback; `OUTCOME_WORDS` names them.
    agent : numpy.ndarray
        The agent taken; -1 where none was.

    Examples
    --------
    >>> staff = staff_by_interval([[1]], interval_s=600.0)
    >>> simulate_network([0, 0], [0.0, 10.0], 60.0, staff=staff).wait_s.tolist()
    [0.0, 50.0]
    """

    contact: Ints
    attempt: Ints
    queue: Ints
    arrival_s: Floats
    offered_s: Floats
    start_s: Floats
    wait_s: Floats
    talk_end_s: Floats
    end_s: Floats
    outcome: NDArray[np.int8]
    agent: Ints


def staff_by_interval(agents: ArrayLike, *, interval_s: float) -> Staff:
    """Agents on duty from how many each group has in each interval.

    Parameters
    ----------
    agents : array of int (groups × intervals)
        Agents on duty. The agent of number ``k`` within a group is there when the group has more than ``k``. [agents]
    interval_s : float
        Length of an interval; the first begins at 0. [s]

    Returns
    -------
    Staff
        Agents are numbered group by group.

    Raises
    ------
    OptionError
        If a number of agents is negative or not whole, or the interval is not positive.

    Examples
    --------
    >>> staff = staff_by_interval([[2, 1], [0, 1]], interval_s=900.0)
    >>> staff.group.tolist(), staff.agent.tolist(), staff.on_s.tolist()
    ([0, 0, 1], [0, 0, 1, 2], [0.0, 900.0, 0.0, 900.0])
    """
    count = np.asarray(agents)
    if count.ndim != 2 or not np.issubdtype(count.dtype, np.number) or not ((count >= 0) & (count == np.floor(count))).all():
        raise OptionError("agents= must be whole numbers of agents, none negative: one row for each group, one column for each interval")
    if not (np.isfinite(interval_s) and interval_s > 0):
        raise OptionError(f"interval_s={interval_s!r} must be a positive number of seconds")
    most = count.max(axis=1, initial=0).astype("int64")
    group = np.repeat(np.arange(len(count)), most)
    number = np.arange(len(group)) - np.repeat(np.cumsum(most) - most, most)
    agent, interval = np.nonzero(number[:, None] < count[group])
    return Staff(group, agent, interval * float(interval_s), (interval + 1) * float(interval_s))


def simulate_network(
    queue: ArrayLike,
    arrival_s: ArrayLike,
    handle_s: ArrayLike,
    patience_s: ArrayLike = np.inf,
    *,
    staff: Staff,
    preference: ArrayLike | None = None,
    opens_s: ArrayLike = 0.0,
    priority: ArrayLike = 0,
    head_start_s: ArrayLike = 0.0,
    wrap_s: ArrayLike = 0.0,
    ring_s: ArrayLike = 0.0,
    lines: ArrayLike = np.inf,
    total_lines: float = np.inf,
    retrial_s: ArrayLike = np.inf,
    callback_s: ArrayLike = np.inf,
    callback_delay_s: ArrayLike = 0.0,
    callback_keeps_place: bool = True,
) -> SimulatedNetwork:
    """What becomes of each contact of several queues whose agents may serve more than one.

    Parameters
    ----------
    queue : array of int
        The queue of each contact: a column of ``preference``.
    arrival_s : array of float
        When each contact comes, in any order. [s]
    handle_s : array of float or float
        How long it keeps an agent from the answer on: talk, hold and wrap-up together. [s]
    patience_s : array of float, float, or array (contacts × attempts)
        How long it waits before it gives up; ``inf`` never does. The last column serves for all further attempts. [s]
    staff : Staff
        The agents, their groups and duties. One whose duty ends finishes the contact in hand.
    preference : array of int (groups × queues), optional
        1: the queue is the group's first choice, 2 its second, …; 0 or less: the group does not serve it. By default group ``k`` serves
        queue ``k`` alone.
    opens_s : array of float (groups × queues) or float
        How long a contact must have waited before the group may take it: 0 at once, ``inf`` never; overflow is a positive number. [s]
    priority : array of int (queues) or int
        Contacts of a lower number are taken first, whatever they have waited.
    head_start_s : array of float (queues) or float
        Among queues of the same priority and preference, by how much longer their contacts count as waiting (ageing). [s]
    wrap_s : array of float or float
        The last part of ``handle_s``, when the contact has hung up and its line is free. [s]
    ring_s : array of float or float
        How long the agent's phone rings before the answer; part of the wait, and the agent is taken meanwhile. [s]
    lines : array of float (queues) or float
        Contacts of a queue that can be waiting, ringing or talking at a time; who comes then is blocked. [contacts]
    total_lines : float
        The same for all queues together. [contacts]
    retrial_s : array of float, float, or array (contacts × attempts)
        How long after leaving unserved (given up or blocked) the contact comes again: column ``k`` after attempt ``k + 1``; ``inf`` or NaN:
        never. A contact makes one attempt more than there are columns at most. [s]
    callback_s : array of float or float
        After what wait the contact accepts to be called back; ``inf``: never. [s]
    callback_delay_s : array of float or float
        How long after that it can be called back at the earliest. [s]
    callback_keeps_place : bool
        Whether it counts as waiting since it first joined, and so keeps its place in the queue, or since it can be called back.

    Returns
    -------
    SimulatedNetwork
        Without contacts all arrays are empty.

    Raises
    ------
    OptionError
        If the arrays do not fit together, or hold what cannot be.

    See Also
    --------
    ccstats.queueing.simulation.simulate_queue : one queue and one group, faster.

    Notes
    -----
    A free agent takes, of the contacts that wait for the group, one of the lowest ``priority``, then of the lowest ``preference``, then the
    one that has waited longest (``head_start_s`` added), then of the lowest queue number. A contact that finds several agents idle takes
    one of the group that prefers it most, then the one who has been idle longest. Within a queue it is first come, first served.

    At one instant duties change first, then contacts hang up, agents become free, queues open to further groups, contacts come, come again,
    and last give up: one whose patience ends at the instant an agent is found is served. While it rings a contact can give up, but no
    longer take a callback. One who waits at home for a callback holds no line, does not give up and is never blocked.

    References
    ----------
    Garnett, O. & Mandelbaum, A. (2000), An introduction to skills-based routing and its operational complexities.

    Examples
    --------
    Group 0 serves sales (queue 0) and, after they have waited 20 seconds, contacts of support (queue 1); group 1 serves support.

    >>> staff = staff_by_interval([[1], [1]], interval_s=3600.0)
    >>> run = simulate_network([1, 1], [0.0, 5.0], 60.0, staff=staff, preference=[[1, 2], [0, 1]], opens_s=[[0, 20], [0, 0]])
    >>> run.wait_s.tolist(), run.agent.tolist()
    ([0.0, 20.0], [1, 0])
    """
    place = np.atleast_1d(np.asarray(queue))
    arrival = np.array(arrival_s, dtype="float64", ndmin=1)
    group, change_at, change_agent, change_on = _duty_changes(staff)
    likes = np.eye(_groups(group), dtype="int64") if preference is None else np.asarray(preference)
    if likes.ndim != 2 or not np.issubdtype(likes.dtype, np.integer):
        raise OptionError("preference= must be whole numbers, one row for each group, one column for each queue")
    groups, queues = likes.shape
    if group.size and group.max() >= groups:
        raise OptionError(f"staff.group names group {group.max()}, but preference= has the groups 0 to {groups - 1}")
    if arrival.ndim != 1 or not np.isfinite(arrival).all():
        raise OptionError("arrival_s= must be one row of finite times")
    if place.shape != arrival.shape or (place.size and not ((place >= 0) & (place < queues) & (place == np.floor(place))).all()):
        raise OptionError(f"queue= must name a column of preference= (0 to {queues - 1}) for each of the {arrival.size} contacts")
    place = place.astype("int64")
    size = len(arrival)
    handle = _fitted(handle_s, "handle_s", (size,), finite=True)
    wrap = _fitted(wrap_s, "wrap_s", (size,), finite=True)
    if (wrap > handle).any():
        raise OptionError(f"wrap_s= is a part of handle_s= and must not exceed it (contact {int(np.argmax(wrap > handle))} does)")
    ring = _fitted(ring_s, "ring_s", (size,), finite=True)
    patience = _by_attempt(patience_s, "patience_s", size, least=1)
    delays = np.asarray(retrial_s, dtype="float64")
    retrial = _by_attempt(np.where(np.isnan(delays), np.inf, delays), "retrial_s", size, least=0)
    callback = _fitted(callback_s, "callback_s", (size,))
    opens = _fitted(opens_s, "opens_s", (groups, queues))
    attempts = size + np.isfinite(retrial).sum() + np.isfinite(callback).sum()
    delay = _fitted(callback_delay_s, "callback_delay_s", (size,), finite=True)
    order = np.argsort(arrival, kind="stable")  # memory is then read in the order in which it lies: three times as fast
    contact, attempt, came, offered, agent, outcome = run_events(
        place[order],
        arrival[order],
        handle[order],
        wrap[order],
        ring[order],
        patience[order],
        retrial[order],
        callback[order],
        delay[order],
        bool(callback_keeps_place),
        group,
        likes.astype("int64"),
        opens,
        np.sort(np.where((likes > 0).T, opens.T, np.inf), axis=1, stable=True),
        _fitted(priority, "priority", (queues,), finite=True, signed=True).astype("int64"),
        _fitted(head_start_s, "head_start_s", (queues,), finite=True),
        _fitted(lines, "lines", (queues,)),
        float(_fitted(total_lines, "total_lines", (1,))[0]),
        change_at,
        change_agent,
        change_on,
        int(attempts),
    )
    rows = np.arange(len(contact))
    rows[order] = np.arange(size)  # where each contact's first attempt is
    contact, attempt, came = order[contact][rows], attempt[rows], came[rows]
    offered, agent, outcome = offered[rows], agent[rows], outcome[rows]
    answered, abandoned, calls_back = (outcome == each for each in (ANSWERED, ABANDONED, CALLBACK))
    start = np.where(answered, offered + ring[contact], np.nan)
    limit = patience[contact, np.minimum(attempt, patience.shape[1] - 1)]
    wait = np.select([answered, abandoned, calls_back], [start - came, limit, callback[contact]], np.nan)
    end = np.where(answered, start + handle[contact], np.where(outcome == BLOCKED, came, came + wait))
    talk_end = start + handle[contact] - wrap[contact]
    return SimulatedNetwork(contact, attempt + 1, place[contact], came, offered, start, wait, talk_end, end, outcome, agent)


def _groups(group: Ints) -> int:
    return int(group.max(initial=0)) + 1


def _fitted(values: ArrayLike, name: str, shape: tuple[int, ...], *, finite: bool = False, signed: bool = False) -> Floats:
    """The values as an array of ``shape``, of which one number may stand for all."""
    out = np.asarray(values, dtype="float64")
    if out.shape not in ((), shape):
        raise OptionError(f"{name}= has shape {out.shape}; expected one number or an array of shape {shape}")
    if np.isnan(out).any() or (finite and np.isinf(out).any()) or (not signed and (out < 0).any()):
        raise OptionError(f"{name}= has values that are missing" + ("" if signed else ", negative") + (" or infinite" if finite else ""))
    return np.broadcast_to(out, shape).copy()  # a view would be read-only, for which the loop would be compiled again


def _by_attempt(values: ArrayLike, name: str, size: int, *, least: int) -> Floats:
    """Contacts × attempts, ``least`` columns at the least; one column where there is one number for each contact."""
    out = np.asarray(values, dtype="float64")
    if out.ndim == 2:
        return _fitted(out, name, (size, max(out.shape[1], least)))
    return _fitted(out, name, (size,))[:, None]


def _duty_changes(staff: Staff) -> tuple[Ints, Floats, Ints, NDArray[np.bool_]]:
    """The group of each agent, and when who goes on or off duty: in time order, at one instant by agent."""
    group = np.array(staff.group, dtype="int64", ndmin=1)
    agent = np.atleast_1d(np.asarray(staff.agent, dtype="int64"))
    on, off = (np.atleast_1d(np.asarray(each, dtype="float64")) for each in (staff.on_s, staff.off_s))
    if not agent.shape == on.shape == off.shape or agent.ndim != 1 or group.ndim != 1:
        raise OptionError("staff: agent, on_s and off_s must be rows of the same length, group one row with a number for each agent")
    if (group < 0).any() or (agent < 0).any() or (agent >= len(group)).any():
        raise OptionError(f"staff: agent must name one of the {len(group)} agents of group, and groups must not be negative")
    if not (np.isfinite(on).all() and np.isfinite(off).all() and (on <= off).all()):
        raise OptionError("staff: every duty must end at a finite time, and not before it begins")
    who = np.concatenate([agent, agent])
    when = np.concatenate([on, off])
    step = np.repeat([1, -1], len(agent))
    # on before off at one instant, so that spans that touch are one
    order = np.lexsort((-step, when, who))
    who, when, step = who[order], when[order], step[order]
    present = np.cumsum(step)
    kept = (step > 0) & (present == 1) | (step < 0) & (present == 0)
    who, when, on_now = who[kept], when[kept], step[kept] > 0
    longer = np.repeat(when[1::2] > when[::2], 2)  # spans without length are none
    who, when, on_now = who[longer], when[longer], on_now[longer]
    order = np.lexsort((who, when))
    return group, when[order], who[order], on_now[order]
