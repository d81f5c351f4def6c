"""What the models expect of given agents, as the counts and sums that `intervals` hold of what happened.

A model's answer is turned into sums (answered, within the threshold, seconds waited …), because sums add up over intervals, days and queues
and are divided last, by the same formulas of the registry that divide what was observed.

Every contact is booked in the interval in which it joins, as in `intervals` by default. Intervals that follow each other make a *run*;
what is left of one is carried into the next by the transient model and the simulation. A run ends at a gap, where the length of the
intervals changes, where an interval is not known, and where nothing is expected and nobody is there: closed. Whoever still waits then is
served by the agents of the last interval, and the next run starts empty.

It is one file because rows, sums and both formulas are used together by evaluation, back-test and simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ccstats.errors import OptionError
from ccstats.metrics import METRICS, SERVICE_LEVELS
from ccstats.queueing import erlang
from ccstats.queueing.transient import transient_service

__all__ = [
    "COUNTS",
    "DEFINITIONS",
    "FORMULAS",
    "Rows",
    "batches",
    "complete",
    "divide",
    "handle_times",
    "known_rows",
    "level_sums",
    "run_numbers",
    "stationary_sums",
    "transient_sums",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Sums = dict[str, Floats]

#: The nine service levels that are counted, and the models' own: the offered wait, answered or not, within the threshold.
DEFINITIONS = (*SERVICE_LEVELS, "sl_virtual")

#: The counts of contacts that every model tells.
COUNTS = ("offered", "answered", "abandoned", "blocked", "answered_within", "abandoned_within")

_NO_LIMIT: Floats = np.array(np.inf)


class Rows(NamedTuple):
    """What a model needs to know of each interval, in the order of queue and time.

    Attributes
    ----------
    offered : numpy.ndarray
        Contacts expected. [contacts]
    agents : numpy.ndarray
        On the floor, real-valued. [agents]
    aht_s, interval_s, patience_s, threshold_s, short_s : numpy.ndarray
        Handle time, length, mean patience (infinite: nobody gives up), threshold of the service level, and of a short abandon (missing:
        none). [s]
    run : numpy.ndarray
        Number of the run that the interval belongs to; -1 where it is not known.
    lines : numpy.ndarray
        Contacts that can wait or be served at once; one number may stand for all. [contacts]

    Examples
    --------
    >>> one = np.ones(1)
    >>> Rows(10 * one, 3 * one, 180 * one, 1800 * one, np.inf * one, 20 * one, np.nan * one, np.zeros(1, dtype=int)).offered.tolist()
    [10.0]
    """

    offered: Floats
    agents: Floats
    aht_s: Floats
    interval_s: Floats
    patience_s: Floats
    threshold_s: Floats
    short_s: Floats
    run: Ints
    lines: Floats = _NO_LIMIT

    def take(self, which: NDArray[np.bool_] | Ints) -> Rows:
        """These rows only.

        Examples
        --------
        >>> Rows(*(np.arange(3.0) for _ in range(7)), np.arange(3)).take(np.array([2])).agents.tolist()
        [2.0]
        """
        return Rows(*(each[which] if np.ndim(each) else each for each in self))  # type: ignore[arg-type]


def known_rows(rows: Rows) -> NDArray[np.bool_]:
    """Which intervals a model can say anything about: numbers that can be, and a handle time where contacts are expected.

    Examples
    --------
    >>> one = np.ones(2)
    >>> known_rows(Rows(np.array([5.0, 5.0]), one, np.array([180.0, np.nan]), 1800 * one, one, one, one, np.zeros(2, dtype=int))).tolist()
    [True, False]
    """
    with np.errstate(invalid="ignore"):
        return (
            np.isfinite(rows.offered)
            & (rows.offered >= 0)
            & np.isfinite(rows.agents)
            & (rows.agents >= 0)
            & ((np.isfinite(rows.aht_s) & (rows.aht_s > 0)) | (rows.offered == 0))
            & (rows.interval_s > 0)
            & (rows.patience_s > 0)
        )


def run_numbers(queue: Ints, start_s: Floats, rows: Rows) -> Ints:
    """The run each interval belongs to; -1 where it is not known or closed.

    Parameters
    ----------
    queue : array of int
        Number of the queue.
    start_s : array of float
        Start of the interval since any instant. [s]
    rows : Rows
        In the order of queue and time.

    Returns
    -------
    numpy.ndarray
        0, 1, … in order.

    Examples
    --------
    A gap of half an hour after the second interval:

    >>> one = np.ones(3)
    >>> rows = Rows(one, one, 180 * one, 1800 * one, one, one, one, np.zeros(3, dtype=int))
    >>> run_numbers(np.zeros(3, dtype=int), np.array([0.0, 1800.0, 5400.0]), rows).tolist()
    [0, 0, 1]
    """
    there = known_rows(rows) & ((rows.offered > 0) | (rows.agents > 0))
    begins = there.copy()
    follows = (np.diff(queue) == 0) & (np.diff(rows.interval_s) == 0) & (np.abs(start_s[:-1] + rows.interval_s[:-1] - start_s[1:]) < 1e-3)
    begins[1:] &= ~(there[:-1] & follows)
    return np.where(there, np.cumsum(begins) - 1, -1)


def stationary_sums(rows: Rows) -> Sums:
    """Expected sums of each interval on its own, as if it had always been so: Erlang A, or C where nobody gives up, with their lines.

    Parameters
    ----------
    rows : Rows
        Known ones.

    Returns
    -------
    dict of str to numpy.ndarray
        Named like the columns of `intervals`, with ``occupied_s`` and ``staffed_s`` of the agents and ``virtual_within``, those whose
        offered wait is within the threshold. Overload without abandonment gives the limit: all are answered, after an infinite wait.

    Examples
    --------
    >>> one = np.ones(1)
    >>> rows = Rows(100 * one, 14 * one, 180 * one, 1800 * one, np.inf * one, 20 * one, np.nan * one, np.zeros(1, dtype=int))
    >>> round(float(stationary_sums(rows)["answered_within"][0]), 1)
    88.8
    """
    aht, offered = handle_times(rows), rows.offered
    agents = np.minimum(rows.agents, rows.lines)  # who has no line serves nobody
    load = erlang.offered_load(offered, aht_s=aht, interval_s=rows.interval_s)
    queue = {"aht_s": aht, "patience_s": rows.patience_s, "lines": rows.lines}

    def within(definition: str, threshold_s: Floats) -> Floats:
        level = erlang.service_level(agents, load, threshold_s=np.nan_to_num(threshold_s), definition=definition, **queue)
        return offered * np.nan_to_num(level)

    wait = erlang.mean_wait_s(agents, load, of="answered", **queue)
    nobody = np.isnan(wait)  # is answered: nobody comes, or nobody is there and all are blocked or give up
    blocked = offered * np.nan_to_num(erlang.blocking_rate(agents, load, **queue))
    abandoned = np.where(nobody, offered - blocked, offered * np.nan_to_num(erlang.abandonment_rate(agents, load, **queue)))
    answered = np.where(nobody, 0.0, offered - blocked - abandoned)
    served_s = agents * rows.interval_s
    in_time = within("service_level", rows.threshold_s)
    sums = {
        "offered": offered,
        "answered": answered,
        "abandoned": abandoned,
        "blocked": blocked,
        "answered_within": in_time,
        "abandoned_within": np.maximum(within("sl_early_abandoned_met", rows.threshold_s) - in_time, 0.0),
        "total_wait_s": np.where(nobody, 0.0, wait) * answered,
        "occupied_s": np.where(agents > 0, served_s * np.nan_to_num(erlang.occupancy(agents, load, **queue)), 0.0),
        "staffed_s": rows.agents * rows.interval_s,
        "virtual_within": within("sl_virtual", rows.threshold_s),
    }
    if not np.isnan(rows.short_s).all():
        early = within("sl_early_abandoned_met", rows.short_s) - within("service_level", rows.short_s)
        sums["abandoned_short"] = np.maximum(early, 0.0)
    return complete(sums, rows)


def transient_sums(rows: Rows, *, finish: bool = True) -> Sums:
    """Expected sums of runs of intervals, the queue carried from one to the next.

    Parameters
    ----------
    rows : Rows
        Known ones, with their runs.
    finish : bool
        Whether agents finish the contact in hand when their duty ends, see `transient_service`.

    Returns
    -------
    dict of str to numpy.ndarray
        As from `stationary_sums`, with ``queue_at_end`` instead of ``virtual_within``.

    Examples
    --------
    >>> one = np.ones(2)
    >>> rows = Rows(100 * one, 8 * one, 180 * one, 1800 * one, np.inf * one, 20 * one, np.nan * one, np.zeros(2, dtype=int))
    >>> first, second = transient_sums(rows)["queue_at_end"]
    >>> bool(second > first > 10)
    True
    """
    aht, lines = handle_times(rows), np.broadcast_to(rows.lines, rows.offered.shape)
    sums = {name: np.zeros(len(aht)) for name in (*COUNTS, "total_wait_s", "occupied_s", "staffed_s", "queue_at_end")}
    if not np.isnan(rows.short_s).all():
        sums["abandoned_short"] = np.zeros(len(aht))
    for cells in batches(rows):
        length = rows.interval_s[cells]
        given: dict[str, Any] = {"aht_s": aht[cells], "interval_s": length, "patience_s": rows.patience_s[cells]}
        given |= {"lines": lines[cells], "finish": finish}
        offered, agents = rows.offered[cells], np.minimum(rows.agents, lines)[cells]  # who has no line serves nobody
        found = transient_service(offered, agents, threshold_s=np.nan_to_num(rows.threshold_s[cells]), **given)
        for name in (*COUNTS, "queue_at_end"):
            sums[name][cells] = getattr(found, name)
        sums["total_wait_s"][cells] = np.where(found.answered > 0, found.mean_wait_s, 0.0) * found.answered
        sums["staffed_s"][cells] = rows.agents[cells] * length
        sums["occupied_s"][cells] = np.nan_to_num(found.occupancy) * agents * length
        if "abandoned_short" in sums:
            early = transient_service(offered, agents, threshold_s=np.nan_to_num(rows.short_s[cells]), **given)
            sums["abandoned_short"][cells] = early.abandoned_within
    return complete(sums, rows)


def level_sums(sums: Sums, definition: str) -> tuple[Floats, Floats]:
    """What is divided for a service level, above and below the line.

    Parameters
    ----------
    sums : dict of str to numpy.ndarray
        Counts; what is not there did not happen.
    definition : str
        One of `DEFINITIONS`.

    Returns
    -------
    tuple of numpy.ndarray

    Raises
    ------
    OptionError
        If there is no such definition, or these sums cannot tell it.

    Examples
    --------
    >>> above, below = level_sums({"answered": np.array([8.0]), "answered_within": np.array([6.0])}, "sl_answered_only")
    >>> float(above[0] / below[0])
    0.75
    """
    if definition not in DEFINITIONS:
        raise OptionError(f"definition={definition!r} is not a service level; choose one of: {', '.join(DEFINITIONS)}")
    if definition == "sl_virtual":
        if "virtual_within" not in sums:
            raise OptionError(
                "definition='sl_virtual' is the wait a contact would have if it never gave up: only model='stationary' tells it; "
                "plan and evaluate with 'service_level' or another counted definition"
            )
        return sums["virtual_within"], sums["offered"]
    metric = METRICS[definition]
    above, below = (
        sum((sign * sums[column] for sign, column in terms if column in sums), start=np.zeros(()))
        for terms in (metric.numerator, metric.denominator)
    )
    if "blocked" in sums and {(1, "answered"), (1, "abandoned")} <= set(metric.denominator):
        below = below + sums["blocked"]  # of all who came, as in the formulas: the models' offered holds them
    return above, below


def divide(above: Floats, below: Floats) -> Floats:
    """A quotient of sums: missing where there is nothing to divide by.

    Examples
    --------
    >>> divide(np.array([1.0, 0.0]), np.array([4.0, 0.0])).tolist()
    [0.25, nan]
    """
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)


def handle_times(rows: Rows) -> Floats:
    """Handle times, those of intervals without contacts taken from the interval before: somebody may still be served."""
    known = np.isfinite(rows.aht_s) & (rows.aht_s > 0)
    if known.all() or not known.any():
        return np.where(known, rows.aht_s, 1.0)
    at = np.arange(len(known))
    last = np.maximum.accumulate(np.where(known, at, -1))
    return rows.aht_s[np.where(last < 0, np.argmax(known), last)]


def batches(rows: Rows) -> Iterator[Ints]:
    """Numbers of the rows, as runs × intervals, runs of the same length and step together."""
    place = np.flatnonzero(rows.run >= 0)
    _, first, sizes = np.unique(rows.run[place], return_index=True, return_counts=True)
    kinds, kind = np.unique(np.column_stack([sizes, rows.interval_s[place[first]]]), axis=0, return_inverse=True)
    for number in range(len(kinds)):
        chosen = np.flatnonzero(kind == number)
        yield place[first[chosen][:, None] + np.arange(sizes[chosen[0]])]


def complete(sums: Sums, rows: Rows) -> Sums:
    """With those who reached the threshold, or were blocked; without it none knows who was within, nor who was short without that rule."""
    without = np.isnan(rows.threshold_s)
    for name in ("answered_within", "abandoned_within", "virtual_within"):
        if name in sums:
            sums[name] = np.where(without, np.nan, sums[name])
    short = sums.get("abandoned_short", np.zeros(len(without)))
    return {
        **sums,
        "reached_threshold": sums["offered"] - sums["answered_within"] - sums["abandoned_within"],
        "abandoned_short": np.where(np.isnan(rows.short_s), 0.0, short),
    }


#: The formulas by name.
FORMULAS: dict[str, Callable[[Rows], Sums]] = {"stationary": stationary_sums, "transient": transient_sums}
