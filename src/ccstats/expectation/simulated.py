"""What becomes of given agents and demand by chance: one simulated outcome, as the counts and sums that the formulas expect."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ccstats.errors import OptionError
from ccstats.expectation.expected import COUNTS, Rows, Sums, batches, complete, handle_times
from ccstats.queueing.network import OUTCOME_WORDS, simulate_network, staff_by_interval
from ccstats.queueing.replications import random_stream
from ccstats.queueing.simulation import arrival_times, simulate_queues

__all__ = ["simulate_once"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_LOST = ("abandoned", "blocked_full")


def simulate_once(rows: Rows, seed: np.random.SeedSequence) -> Sums:
    """Sums of one simulated outcome: Poisson arrivals, exponential handle times and patience, agents who come and go.

    Parameters
    ----------
    rows : Rows
        Known ones, with their runs.
    seed : numpy.random.SeedSequence
        The same seed draws the same contacts for the same demand, whatever the agents: plans can be compared contact by contact.

    Returns
    -------
    dict of str to numpy.ndarray
        As from `transient_sums`. ``offered`` are the contacts drawn.

    Examples
    --------
    >>> one = np.ones(1)
    >>> rows = Rows(100 * one, 14 * one, 180 * one, 1800 * one, np.inf * one, 20 * one, np.nan * one, np.zeros(1, dtype=int))
    >>> drawn = simulate_once(rows, np.random.SeedSequence(1))
    >>> bool(drawn["answered_within"][0] <= drawn["answered"][0] <= drawn["offered"][0])
    True
    """
    aht, lines = handle_times(rows), np.broadcast_to(rows.lines, rows.offered.shape)
    names = (*COUNTS, "abandoned_short", "total_wait_s", "occupied_s", "staffed_s", "queue_at_end")
    sums = {name: np.zeros(len(aht)) for name in names}
    arrivals, handle, patience, duty = (random_stream(seed, name) for name in ("arrivals", "handle", "patience", "duty"))
    for cells in batches(rows):
        runs, steps = cells.shape
        length = float(rows.interval_s[cells[0, 0]])
        at = arrival_times(rows.offered[cells].ravel(), interval_s=length, seed=arrivals)
        cell = np.minimum((at / length).astype(np.int64), cells.size - 1)
        row, run = cells.ravel()[cell], cell // steps
        arrival = at - run * (steps * length)
        # The rest of a fractional agent is there in that share of the outcomes.
        agents = np.floor(rows.agents[cells] + duty.random((runs, 1)))
        times = aht[row] * handle.standard_exponential(len(at)), rows.patience_s[row] * patience.standard_exponential(len(at))
        places = lines[cells]
        if (places != places[:, :1]).any():
            raise OptionError("lines= change within the day; model='simulation' takes one number until a queue closes, 'transient' any")
        made = _simulate(run, arrival, *times, agents, length, places[:, 0])
        answered = ~np.isnan(made.start_s)
        in_time, early = made.wait_s <= rows.threshold_s[row], made.wait_s <= rows.short_s[row]

        def add(name: str, values: Floats | NDArray[np.bool_], cell: Ints = cell, cells: Ints = cells) -> None:
            sums[name][cells] = np.bincount(cell, weights=values, minlength=cells.size).reshape(cells.shape)

        add("offered", np.ones(len(at)))
        add("answered", answered)
        add("abandoned", made.abandoned)
        add("blocked", made.blocked)
        add("answered_within", answered & in_time)
        add("abandoned_within", made.abandoned & in_time)
        add("abandoned_short", made.abandoned & early)
        add("total_wait_s", np.where(answered, made.wait_s, 0.0))
        sums["staffed_s"][cells] = agents * length
        sums["occupied_s"][cells] = _occupied(run[answered], made.start_s[answered], made.end_s[answered], cells.shape, length)
        gone = np.where(answered | made.abandoned | made.blocked, arrival + made.wait_s, np.inf)
        change = _counts(run, arrival, cells.shape, length) - _counts(run, gone, cells.shape, length)
        sums["queue_at_end"][cells] = np.cumsum(change, axis=1)
    return complete(sums, rows)


class _Made(NamedTuple):
    """What became of each contact; the blocked have waited 0 s."""

    start_s: Floats
    end_s: Floats
    wait_s: Floats
    abandoned: NDArray[np.bool_]
    blocked: NDArray[np.bool_]


def _simulate(run: Ints, arrival: Floats, handle: Floats, patience: Floats, agents: Floats, length: float, lines: Floats) -> _Made:
    """The queues simulated, the agents of the last interval staying for whoever still waits when it ends."""
    stay = 1
    while True:
        duty = np.hstack([agents, np.repeat(agents[:, -1:], stay, axis=1)])
        if np.isinf(lines).all():  # the faster way
            free = simulate_queues(run, arrival, handle, patience, agents=duty, interval_s=length)
            made = _Made(free.start_s, free.end_s, free.wait_s, free.abandoned, np.zeros(len(run), dtype=bool))
        else:
            made = _blocking(run, arrival, handle, patience, duty, length, lines)
        late = ~(arrival + made.wait_s <= duty.shape[1] * length) & (agents[run, -1] > 0)
        if not late.any():
            return made
        stay *= 4


def _blocking(run: Ints, arrival: Floats, handle: Floats, patience: Floats, duty: Floats, length: float, lines: Floats) -> _Made:
    """The queues simulated with a limit on the contacts in each, every run on its own."""
    staff, own = staff_by_interval(duty, interval_s=length), np.eye(len(duty), dtype="int64")
    made = simulate_network(run, arrival, handle, patience, staff=staff, preference=own, lines=lines)
    abandoned, blocked = (np.array([OUTCOME_WORDS[code] == word for code in sorted(OUTCOME_WORDS)])[made.outcome] for word in _LOST)
    return _Made(made.start_s, made.end_s, np.where(blocked, 0.0, made.wait_s), abandoned, blocked)


def _counts(run: Ints, at: Floats, shape: tuple[int, ...], length: float, *, rest: bool = False) -> Floats:
    """How many of these moments lie in each cell, or the seconds from them to its end; those beyond the run lie in none."""
    step = np.minimum(at / length, shape[1]).astype(np.int64)
    weights = (step + 1) * length - at if rest else None
    counted = np.bincount(run * (shape[1] + 1) + step, weights=weights, minlength=shape[0] * (shape[1] + 1))
    return counted.reshape(shape[0], shape[1] + 1)[:, :-1].astype("float64")


def _occupied(run: Ints, start: Floats, end: Floats, shape: tuple[int, ...], length: float) -> Floats:
    """Seconds of contact in each cell: those in hand when it begins, with what begins in it, without what follows an end in it."""
    change = _counts(run, start, shape, length) - _counts(run, end, shape, length)
    in_hand = np.cumsum(change, axis=1) - change
    return in_hand * length + _counts(run, start, shape, length, rest=True) - _counts(run, end, shape, length, rest=True)
