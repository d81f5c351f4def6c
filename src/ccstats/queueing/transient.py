"""A queue through the whole day: M(t)/M/s(t)+M exactly, by uniformisation, with the backlog carried over from interval to interval.

Erlang's formulas take every interval for itself, as if it had lasted for ever. Here the queue that one interval leaves behind is the queue
the next one begins with, and agents come and go at the borders (`transient_service`). `stationary_service` gives the same measures interval
by interval from the formulas, to be laid beside them. The compiled engine is in `ccstats.queueing.uniformisation`.
It is one file because it is one table and the two functions that fill it; half of its lines describe them.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError
from ccstats.queueing import erlang
from ccstats.queueing.uniformisation import MEASURES, follow

__all__ = ["Transient", "stationary_service", "transient_service"]

Floats = NDArray[np.float64]

_MOST_STATES = 1_000_000  # above the most probable one, for a stationary start


class Transient(NamedTuple):
    """What is expected of each interval; every field has the shape of the intervals, ``(intervals,)`` or ``(queues, intervals)``.

    Contacts are booked where they join the queue, whatever happens to them later. `mean_queue`, `occupancy` and `queue_at_end` belong to
    the clock: they also see who came before.

    Attributes
    ----------
    offered : numpy.ndarray
        Contacts that come in the interval. [contacts]
    answered, abandoned, blocked : numpy.ndarray
        Of these, answered in the end, given up in the end, and turned away because all lines were taken. What is missing to ``offered``
        waits for ever: only where the last interval has no agents and nobody gives up. [contacts]
    answered_within, abandoned_within : numpy.ndarray
        Answered, given up within the threshold; NaN without one. [contacts]
    service_level : numpy.ndarray
        ``answered_within / offered``; NaN where nothing is offered.
    abandonment_rate : numpy.ndarray
        ``abandoned / offered``; NaN where nothing is offered.
    wait_probability : numpy.ndarray
        Share of the offered that find no agent free and wait; NaN where nothing is offered.
    mean_wait_s : numpy.ndarray
        Mean wait of the answered (ASA); NaN where nobody is answered. [s]
    mean_wait_all_s : numpy.ndarray
        Mean wait of all admitted, those who give up included; NaN where nobody is admitted, infinite where some wait for ever. [s]
    mean_queue : numpy.ndarray
        Waiting contacts, mean over the interval. [contacts]
    queue_at_end : numpy.ndarray
        Waiting contacts expected at the end of the interval, before the staffing changes. [contacts]
    occupancy : numpy.ndarray
        Busy agents by agents on duty, mean over the interval; NaN without agents.

    Examples
    --------
    >>> day = transient_service([50, 50], [3, 5], aht_s=180, interval_s=1800, patience_s=300, threshold_s=20)
    >>> (day.answered + day.abandoned).round(6).tolist()
    [50.0, 50.0]
    """

    offered: Floats
    answered: Floats
    abandoned: Floats
    blocked: Floats
    answered_within: Floats
    abandoned_within: Floats
    service_level: Floats
    abandonment_rate: Floats
    wait_probability: Floats
    mean_wait_s: Floats
    mean_wait_all_s: Floats
    mean_queue: Floats
    queue_at_end: Floats
    occupancy: Floats


def transient_service(
    offered: ArrayLike,
    agents: ArrayLike,
    *,
    aht_s: ArrayLike,
    interval_s: ArrayLike,
    patience_s: ArrayLike = np.inf,
    threshold_s: ArrayLike | None = None,
    lines: ArrayLike = np.inf,
    start: Literal["empty", "stationary"] | ArrayLike = "empty",
    finish: bool = True,
) -> Transient:
    r"""Service of each interval of a day or a week, the backlog of one interval being the beginning of the next.

    All arguments but ``start`` and ``finish`` broadcast against each other; the last axis is the intervals, in time order without gaps.

    Parameters
    ----------
    offered : array of float
        Contacts expected in each interval; they come at a constant rate within it. [contacts]
    agents : array of float
        Agents on duty in each interval, changing at its borders; need not be whole. [agents]
    aht_s : array of float or float
        Mean handle time, wrap-up included; exponential. [s]
    interval_s : array of float or float
        Length of each interval (they may differ: the day the clocks change). [s]
    patience_s : array of float or float
        Mean patience, exponential; infinite: nobody gives up. [s]
    threshold_s : array of float or float, optional
        A wait up to this counts as in time. Each contact is judged by the threshold of the interval it comes in. [s]
    lines : array of float or float
        Places in all, waiting and being served, no fewer than agents; a contact that finds them taken is blocked. Whole or infinite.
        [contacts]
    start : {"empty", "stationary"} or array of float
        In which state the first interval begins: nobody there; as if it had lasted for ever; or the probabilities of 0, 1, 2, … contacts in
        the system (one row, or one per queue). Who is there at the start is served, but booked nowhere.
    finish : bool
        Whether an agent whose duty ends finishes the contact in hand (as people do, and as `simulate_queue` has it), which gives the queue
        a little more than the agents counted. False: the contact goes back to the head of the queue at once; right where ``agents`` was
        measured from a log and holds the minutes of finishing already.

    Returns
    -------
    Transient
        Expected counts, ratios and means for each interval. Who still waits when the last interval ends is followed on under its staffing,
        patience and handle time until answered or gone.

    Raises
    ------
    OptionError
        If a value is negative, missing or not finite where it must be, the shapes do not fit, there are fewer lines than agents, or
        ``start="stationary"`` is asked for a first interval that has no stationary state (more work than agents, nobody gives up, no end
        of lines).

    See Also
    --------
    stationary_service : the same measures interval by interval, no backlog carried.
    ccstats.queueing.simulation.simulate_queue : any distribution of handle times and patience, one run at a time.

    Notes
    -----
    The number of contacts k in the system is a birth-and-death chain: up at ``offered / interval_s`` while ``k < lines``, down at
    ``min(k, n) / aht_s + max(k - n, 0) / patience_s`` (n whole). With Q the matrix of its rates and Λ at least the largest of them,

    .. math:: p(t) = p(0) e^{Qt} = \sum_i e^{-Λt} (Λt)^i / i! \; p(0) (I + Q/Λ)^i,

    all terms non-negative [1]_ [2]_, in steps of Λt ≤ 500, so that no weight underflows however long the interval. The states kept follow
    the probability: after each step at most 2e-17 is cut off at the ends, and a step that would lose more than 1e-15 on either side is
    repeated with more states. What is lost is missing in ``answered + abandoned + blocked = offered``: less than 1e-11 of it in a day.

    A waiting contact only needs to know how many are ahead of it, so those who came in an interval are a second chain, fed by the first;
    what becomes of those still waiting at its end is computed backwards from the end of the day, through all changes of staffing. Nothing
    is approximated there either. Only those who come so shortly before a change of staffing or rates that their threshold ends after it
    need an integral over the moment they come, by Gauss and Legendre; the error was below 1e-12 of the offered wherever it was measured.

    If duties end at a border, agents leave at random among those on duty, the busy ones with their contact [3]_ (exhaustive discipline).
    From then on that contact concerns neither queue nor lines nor occupancy. With ``finish=False`` a contact that was handed back may give
    up after all; it stays booked as answered. On a day with two peaks, in half-hours and with handle times of four minutes, the two differ
    by 0.4 points of service level where the peak has 6 agents (2.3 points in the worst half-hour), by 1.3 points (5.8) where it has 58.

    Whole numbers of agents are exact. Between them, at ``n = m - 1 + f`` agents, the rates are those of the continued formulas of
    `ccstats.queueing.erlang`: all are busy in state m, where contacts are served at ``n / aht_s``; state k below it is left at
    ``(k - 1 + f) / aht_s``, and state 1 at ``offered / interval_s * (1 / B(f, load) - 1)`` with B Erlang's loss formula (at ``f / aht_s``
    where nobody calls). So a constant staffing settles exactly where Erlang A and C say (with finite lines their neighbour in
    ``lines - agents``, which they interpolate). Where f changes, state k moves by one with a chance that keeps the contacts in the system
    the same on average; everything is continuous in the number of agents. What that chance adds: where 5.3 and 5.7 agents take turns every
    minute, 0.2 points of service level against 5.5 all the time; every half-hour, 0.1.

    Time grows with (seconds × rates) × (states in use), so with the square of the size, and is long where patience is a fraction of a
    second. Queues, the rows of a table, are spread over the cores.

    References
    ----------
    .. [1] A. Jensen, "Markoff chains as an aid in the study of Markoff processes", Skandinavisk Aktuarietidskrift 36 (1953), 87-91.
    .. [2] W. K. Grassmann, "Transient solutions in Markovian queueing systems", Computers & Operations Research 4 (1977), 47-53.
    .. [3] A. Ingolfsson, E. Akhmetshina, S. Budge, Y. Li, X. Wu, "A survey and experimental comparison of service-level-approximation
       methods for nonstationary M(t)/M/s(t) queueing systems with exhaustive discipline", INFORMS Journal on Computing 19 (2007), 201-214.

    Examples
    --------
    A rush at nine that two agents too few must carry: the queue is felt in the next half-hour, although that one is staffed well.

    >>> rush = transient_service([20, 80, 20], [4, 6, 4], aht_s=180, interval_s=1800, patience_s=600, threshold_s=20)
    >>> rush.service_level.round(3).tolist()
    [0.901, 0.231, 0.677]
    >>> rush.queue_at_end.round(1).tolist()
    [0.1, 6.7, 0.1]
    """
    expected, staff, aht, length, patience, places, limit = _columns(offered, agents, aht_s, interval_s, patience_s, lines, threshold_s)
    if not ((places == np.floor(places)) | np.isinf(places)).all():
        raise OptionError("lines= must be whole numbers of places, or infinite")
    few = places < staff
    if few.any():
        where = tuple(int(each[0]) for each in np.nonzero(few))
        found = f"lines= holds {places[where]:g} at {where} for {staff[where]:g} agents"
        raise OptionError(f"{found}; expected at least one line for each agent")
    shape = expected.shape
    lam, mu, theta = expected / length, 1.0 / aht, 1.0 / patience
    queues = shape[0] if len(shape) == 2 else 1
    rows = [each.reshape(queues, -1) for each in (lam, staff, mu, theta, _first_rate(lam, staff, mu), places, length, limit)]
    starts = _starts(start, rows)
    jobs = [(first, *(each[queue] for each in rows), finish) for queue, first in enumerate(starts)]
    if queues == 1:
        parts = [follow(*jobs[0])]
    else:  # the engine lets go of the interpreter: queues share the cores
        with ThreadPoolExecutor() as pool:
            parts = list(pool.map(lambda job: follow(*job), jobs))
    sums = dict(zip(MEASURES, np.moveaxis(np.array(parts), -1, 0).reshape(len(MEASURES), *shape), strict=True))
    if threshold_s is None:
        sums["answered_within"], sums["abandoned_within"] = limit, limit.copy()
    admitted = np.where(sums["admitted"] > 1e-12 * expected, sums["admitted"], 0.0)  # the rest is what was cut off
    for_ever = admitted - sums["answered"] - sums["abandoned"] > 1e-6 * admitted
    wait_all = np.where(for_ever, np.inf, sums["wait_answered_s"] + sums["wait_abandoned_s"])
    return Transient(
        offered=expected,
        answered=sums["answered"],
        abandoned=sums["abandoned"],
        blocked=sums["blocked"],
        answered_within=sums["answered_within"],
        abandoned_within=sums["abandoned_within"],
        service_level=_ratio(sums["answered_within"], expected),
        abandonment_rate=_ratio(sums["abandoned"], expected),
        wait_probability=_ratio(sums["waited"], expected),
        mean_wait_s=_ratio(sums["wait_answered_s"], sums["answered"]),
        mean_wait_all_s=_ratio(wait_all, admitted),
        mean_queue=sums["queue_s"] / length,
        queue_at_end=sums["queue_at_end"],
        occupancy=_ratio(sums["busy_s"], staff * length),
    )


def stationary_service(
    offered: ArrayLike,
    agents: ArrayLike,
    *,
    aht_s: ArrayLike,
    interval_s: ArrayLike,
    patience_s: ArrayLike = np.inf,
    threshold_s: ArrayLike | None = None,
    lines: ArrayLike = np.inf,
) -> Transient:
    """The same measures, each interval for itself as if it had lasted for ever: Erlang C, or A where patience is finite.

    Parameters
    ----------
    offered, agents, aht_s, interval_s, patience_s, threshold_s, lines : array of float or float
        As for `transient_service`; no fewer lines than agents.

    Returns
    -------
    Transient
        Where there is more work than agents and nobody gives up, the limits: all wait, without end, and all are answered in the end.
        ``queue_at_end`` is ``mean_queue``.

    Raises
    ------
    OptionError
        If a value is negative, missing or not finite where it must be, the shapes do not fit, or there are fewer lines than agents.

    See Also
    --------
    transient_service : with the backlog of the interval before.

    Notes
    -----
    The formulas are those of `ccstats.queueing.erlang`. Their answer differs from the transient one wherever the queue has no time to
    settle: at sharp changes, close to or beyond saturation, and where handle times are long compared with the interval.

    Examples
    --------
    The rush again: the half-hour after it looks as good as the one before.

    >>> rush = stationary_service([20, 80, 20], [4, 6, 4], aht_s=180, interval_s=1800, patience_s=600, threshold_s=20)
    >>> rush.service_level.round(3).tolist()
    [0.875, 0.084, 0.875]
    """
    expected, staff, aht, length, patience, places, limit = _columns(offered, agents, aht_s, interval_s, patience_s, lines, threshold_s)
    load = erlang.offered_load(expected, aht_s=aht, interval_s=length)
    queue = {"aht_s": aht, "patience_s": patience, "lines": places}

    def share(value: float | Floats) -> Floats:  # nobody calls: no share, but no contacts either
        return np.where(expected > 0, value, 0.0)

    blocked, abandoned = (expected * share(each(staff, load, **queue)) for each in (erlang.blocking_rate, erlang.abandonment_rate))
    within, early = limit, limit.copy()  # NaN, unless a threshold is given
    if threshold_s is not None:
        within, either = (
            expected * share(erlang.service_level(staff, load, threshold_s=limit, definition=each, **queue))
            for each in ("service_level", "sl_early_abandoned_met")
        )
        early = np.maximum(either - within, 0.0)
    mean_queue = np.asarray(erlang.mean_queue(staff, load, **queue))
    return Transient(
        offered=expected,
        answered=expected - blocked - abandoned,
        abandoned=abandoned,
        blocked=blocked,
        answered_within=within,
        abandoned_within=early,
        service_level=_ratio(within, expected),
        abandonment_rate=_ratio(abandoned, expected),
        wait_probability=np.asarray(erlang.wait_probability(staff, load, **queue)),
        mean_wait_s=np.asarray(erlang.mean_wait_s(staff, load, of="answered", **queue)),
        mean_wait_all_s=np.asarray(erlang.mean_wait_s(staff, load, of="all", **queue)),
        mean_queue=mean_queue,
        queue_at_end=mean_queue.copy(),
        occupancy=np.asarray(erlang.occupancy(staff, load, **queue)),
    )


def _columns(
    offered: ArrayLike,
    agents: ArrayLike,
    aht_s: ArrayLike,
    interval_s: ArrayLike,
    patience_s: ArrayLike,
    lines: ArrayLike,
    threshold_s: ArrayLike | None,
) -> tuple[Floats, ...]:
    """The arguments, checked and of one shape; the threshold NaN where none was given."""
    given = [
        _checked("offered", offered, 0.0, np.inf),
        _checked("agents", agents, 0.0, np.inf),
        _checked("aht_s", aht_s, None, np.inf),
        _checked("interval_s", interval_s, None, np.inf),
        _checked("patience_s", patience_s, None, None),
        _checked("lines", lines, 0.0, None),
        np.asarray(np.nan) if threshold_s is None else _checked("threshold_s", threshold_s, 0.0, np.inf),
    ]
    shapes = [each.shape for each in given]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        found = ", ".join(map(str, shapes))
        raise OptionError(f"the intervals do not fit together: offered=, agents=, … have the shapes {found}; expected one shape") from None
    if len(shape) not in (1, 2) or 0 in shape:
        raise OptionError(f"the intervals have the shape {shape}; expected (intervals,) or (queues, intervals), at least one of each")
    return tuple(np.broadcast_to(each, shape).copy() for each in given)


def _checked(name: str, values: ArrayLike, at_least: float | None, below: float | None) -> Floats:
    """The values as floats, each ``>= at_least`` (or above 0 where that is None) and, if ``below`` is infinite, finite."""
    try:
        out: Floats = np.asarray(values, dtype="float64")
    except (TypeError, ValueError):
        raise OptionError(f"{name}= must be numbers, found {values!r:.80}") from None
    bad = ~(out > 0 if at_least is None else out >= at_least)
    if below is not None:
        bad |= ~np.isfinite(out)
    if bad.any():
        where = "" if out.ndim == 0 else f" at {tuple(int(each[0]) for each in np.nonzero(bad))}"
        need = "positive" if at_least is None else "zero or more"
        raise OptionError(f"{name}= holds {out[bad].flat[0]}{where}; expected {need}" + ("" if below is None else " and finite"))
    return out


def _ratio(part: Floats, whole: Floats) -> Floats:
    out = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def _starts(start: str | ArrayLike, rows: list[Floats]) -> list[Floats]:
    """The distribution of the contacts in the system at the beginning, for each queue."""
    queues = len(rows[0])
    if isinstance(start, str):
        if start == "empty":
            return [_standing(np.ones(1), float(rows[1][queue, 0])) for queue in range(queues)]
        if start == "stationary":
            return [_stationary(*(float(each[queue, 0]) for each in rows[:6])) for queue in range(queues)]
        raise OptionError(f"start={start!r} is not known; expected 'empty', 'stationary' or the probabilities of 0, 1, 2, … contacts")
    given = np.atleast_1d(_checked("start", start, 0.0, np.inf))
    if given.ndim > 2 or given.shape[0] not in (1, queues) and given.ndim == 2 or not given.size:
        raise OptionError(f"start= has shape {given.shape}; expected (states,) or ({queues}, states)")
    if not np.allclose(given.sum(axis=-1), 1.0, rtol=0, atol=1e-9):
        raise OptionError(f"start= adds up to {np.atleast_1d(given.sum(axis=-1))[0]:.6g}; expected probabilities that add up to 1")
    return [_standing(each, float(rows[1][queue, 0])) for queue, each in enumerate(np.broadcast_to(given, (queues, given.shape[-1])))]


def _first_rate(lam: Floats, agents: Floats, mu: Floats) -> Floats:
    """How fast state 1 is left: with part f of an agent, such that the states up to it weigh 1 / B(f, load), as in Erlang's formulas."""
    part = agents - np.ceil(agents) + 1.0
    coming = (lam > 0) & (part < 1)
    load = np.where(coming, lam / mu, 1.0)
    return np.where(coming, lam * (1.0 / erlang.erlang_b(part, load) - 1.0), part * mu)


def _standing(contacts: Floats, agents: float) -> Floats:
    """The law of the states where that of the contacts is given: with part f of an agent, one state higher with probability 1 - f."""
    higher = np.ceil(agents) - agents
    return np.append((1 - higher) * contacts, 0.0) + np.append(0.0, higher * contacts) if higher else contacts.copy()


def _stationary(lam: float, agents: float, mu: float, theta: float, first: float, lines: float) -> Floats:
    """The stationary law of the chain, from its mode outwards, until nothing is added any more."""
    if lam == 0:
        return np.ones(1)
    endless = theta == 0 and np.isinf(lines)
    crossing = lam / mu if lam <= agents * mu else agents + (lam - agents * mu) / theta if theta else np.inf
    mode = min(max(crossing, 1.0), lines)  # not 0: state 1 may be left so slowly that all are above
    out: list[Floats] = [np.ones(1)]
    if not (endless and lam >= agents * mu):
        last, k = 1.0, int(mode)
        if k:
            out.insert(0, np.asarray(np.cumprod(_leaving(np.arange(k, 0, -1), agents, mu, theta, first) / lam)[::-1], dtype="float64"))
        while last > 1e-20 and k < lines and k < mode + _MOST_STATES:
            states = np.arange(k + 1, int(min(k + 1024, lines)) + 1)
            out.append(np.asarray(last * np.cumprod(lam / _leaving(states, agents, mu, theta, first)), dtype="float64"))
            last, k = float(out[-1][-1]), int(states[-1])
        if last <= 1e-20 or k >= lines:
            law: Floats = np.concatenate(out)
            law /= law.sum()
            return law
    raise OptionError(
        f"start='stationary': the first interval, {lam / mu:.6g} Erlangs for {agents:g} agents, has no stationary state, or one too close "
        "to saturation; use start='empty', or give patience_s= or lines="
    )


def _leaving(k: NDArray[np.int64], agents: float, mu: float, theta: float, first: float) -> Floats:
    busy = np.ceil(agents)
    out: Floats = np.where(k > busy, agents * mu + (k - busy) * theta, np.where(k == 1, first, (k - busy + agents) * mu))
    return out
