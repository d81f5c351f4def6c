"""The expected service level of every interval under every mixture of planned and actual drivers, and with more agents; arrays only.

A *driver* is something that was planned one way and turned out another. Agents on the floor are the product of the staffing drivers. What
does not differ is not evaluated twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import elementwise

from ccstats.deviations.shapley import subsets
from ccstats.expectation.expected import Rows, divide, level_sums, run_numbers, stationary_sums, transient_sums
from ccstats.expectation.given import simulate_given
from ccstats.expectation.simulated import simulate_once
from ccstats.queueing import erlang
from ccstats.queueing.replications import random_stream
from ccstats.queueing.sizing import SERVICE_LEVELS

__all__ = ["DRIVERS", "Game", "Steps", "ranges", "simulated_levels"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Drivers whose product are the agents on the floor; of ``shrinkage`` the rest of 1.
_STAFF = ("scheduled_agents", "shrinkage", "adherence", "agents")
#: All drivers, in the order they are told.
DRIVERS = ("volume", "handle_time", *_STAFF, "patience", "arrival_pattern")

#: Contacts that stand for nobody, so that the first to come has a service level too; formulas no longer depend on the number.
_NOBODY = 1e-9
#: Intervals × subsets evaluated at once.
_AT_ONCE = 1_000_000
#: Service level, and agents, that a search may be wrong by.
_TOLERANCE = 1e-9


class Steps(NamedTuple):
    """The finer counts that an actual arrival pattern is known by: consecutive steps of each interval.

    Attributes
    ----------
    first, steps : numpy.ndarray
        Of each interval, its first step and how many.
    start_s, length_s : numpy.ndarray
        Of each step. [s]
    share : numpy.ndarray
        Of each step, of the contacts of its interval.

    Examples
    --------
    >>> half_hour = Steps(np.array([0]), np.array([2]), np.array([0.0, 900.0]), np.array([900.0, 900.0]), np.array([0.75, 0.25]))
    >>> half_hour.flat().tolist()
    [0.5, 0.5]
    """

    first: Ints
    steps: Ints
    start_s: Floats
    length_s: Floats
    share: Floats

    def flat(self) -> Floats:
        """The shares if contacts came evenly."""
        return self.length_s / np.repeat(np.add.reduceat(self.length_s, self.first), self.steps)


class Game:
    """Intervals with their drivers, planned and actual, and the model that judges them.

    Parameters
    ----------
    planned, actual : dict of str to numpy.ndarray
        The drivers in each interval, named as in `DRIVERS`, finite.
    fixed : Rows
        What is the same in both, in the order of queue and time; what is a driver is not read. Its ``run`` numbers the queues.
    start_s : numpy.ndarray
        Start of each interval since any instant. [s]
    definition : str
        Service level.
    carried : bool
        Whether the queue is carried from one interval to the next (transient model), or every interval stands on its own (Erlang A and C).
    steps : Steps, optional
        Makes ``arrival_pattern`` a driver, planned flat. Needs ``carried``.

    Attributes
    ----------
    names : tuple of str
        The drivers.
    planned, actual, fixed, definition, steps
        As given.
    chain : numpy.ndarray
        Number of the stretch of intervals that may feel each other.

    Examples
    --------
    One interval: 100 calls planned, 110 came; one agent of 14 was missing.

    >>> one = np.ones(1)
    >>> fixed = Rows(one, one, one, 1800 * one, np.inf * one, 20 * one, np.nan * one, np.zeros(1, dtype=int))
    >>> planned = {"volume": 100 * one, "handle_time": 180 * one, "agents": 14 * one}
    >>> game = Game(planned, planned | {"volume": 110 * one, "agents": 13 * one}, fixed, start_s=0 * one, definition="service_level")
    >>> game.levels(one).ravel().round(3).tolist()  # plan, volume, handle time, both, agents, volume and agents, …
    [0.888, 0.783, 0.888, 0.783, 0.796, 0.627, 0.796, 0.627]
    """

    def __init__(
        self,
        planned: Mapping[str, Floats],
        actual: Mapping[str, Floats],
        fixed: Rows,
        *,
        start_s: Floats,
        definition: str,
        carried: bool = False,
        steps: Steps | None = None,
    ) -> None:
        self.planned, self.actual, self.fixed = planned, actual, fixed
        self._start, self.definition, self._carried, self.steps = start_s, definition, carried, steps
        self.names = tuple(name for name in DRIVERS if name in planned or (name == "arrival_pattern" and steps is not None))
        apart = (np.diff(fixed.run) != 0) | (np.abs(np.diff(start_s) - fixed.interval_s[:-1]) > 1e-3)
        begins = np.append(True, apart | (not carried))[: len(start_s)]
        self.chain: Ints = np.cumsum(begins) - 1

    def __len__(self) -> int:
        return len(self._start)

    def levels(self, weights: Floats) -> Floats:
        """The expected service level of each interval under each subset of the drivers.

        Parameters
        ----------
        weights : numpy.ndarray
            What each interval counts; where 0, only the planned level is looked for.

        Returns
        -------
        numpy.ndarray
            Subsets (as `subsets` orders them) × intervals. Where nobody comes, the level of the first to come: 1 if anybody is there.
            Overload without abandonment gives 0.
        """
        numbers = np.arange(len(subsets(len(self.names))))[:, None]
        made = np.empty((len(numbers), len(self)))
        if not len(self):
            return made
        begins = np.flatnonzero(np.append(True, np.diff(self.chain) != 0))
        counts = np.add.reduceat(weights, begins) > 0
        differs = np.where(counts, np.bitwise_or.reduceat(self._differs(), begins), 0)[self.chain]
        cuts = begins[self.chain[:: max(_AT_ONCE // len(numbers), 1)]]  # chains stay whole
        for rows in np.split(np.arange(len(self)), np.unique(cuts)[1:]):
            subset, place = np.nonzero((numbers & differs[rows]) == numbers)
            found = np.empty((len(numbers), len(rows)))
            found[subset, place] = self._evaluate(rows[place], subset, subset, weights)
            made[:, rows] = np.take_along_axis(found, numbers & differs[rows], axis=0)
        return made

    def counted(self) -> Floats:
        """The contacts that the planned service level is divided by, in each interval."""
        if self.definition == "service_level":
            return self.planned["volume"]
        return self._sums(np.arange(len(self)), 0, 0, np.zeros(len(self)))[1]

    def agents_for(self, level: Floats, cell: Ints, weights: Floats) -> Floats:
        """How many more agents would have brought the expected service level of each cell to ``level``, all else as it was.

        Parameters
        ----------
        level : numpy.ndarray
            Asked for in each cell; missing: not asked.
        cell : numpy.ndarray
            The cell that each interval counts in: 0, 1, …
        weights : numpy.ndarray
            What each interval counts; adds up to 1 in a cell.

        Returns
        -------
        numpy.ndarray
            For each cell, agents added in every interval in which anybody was there or came; negative where fewer would have done, infinite
            where no number would. [agents]
        """
        asked = np.flatnonzero(np.isfinite(level))
        if not len(asked):
            return np.full(len(level), np.nan)
        last, all_rows = 2 ** len(self.names) - 1, np.arange(len(self))
        present = self.agents()
        there = (present > 0) | (self.actual["volume"] > 0)
        begins = np.append(np.flatnonzero(np.append(True, np.diff(self.chain) != 0)), len(self))
        counts = all_rows if self._carried else np.flatnonzero(weights > 0)
        pairs = np.unique(np.column_stack([cell[counts], self.chain[counts]]), axis=0)
        felt = ranges(begins[pairs[:, 1]], np.diff(begins)[pairs[:, 1]])  # rows of all chains that a cell lies in
        many = np.bincount(pairs[:, 0], weights=np.diff(begins)[pairs[:, 1]], minlength=len(level)).astype(np.int64)
        first = np.cumsum(many) - many

        def excess(more: Floats, number: Ints, wanted: Floats) -> Floats:
            number = number.astype(np.int64)
            row, owner = felt[ranges(first[number], many[number])], np.repeat(np.arange(len(number)), many[number])
            own = cell[row] == number[owner]
            found = self._evaluate(row, last, owner, weights, np.where(own & there[row], more[owner], 0.0))
            return np.bincount(owner, weights=np.where(own, weights[row] * found, 0.0), minlength=len(number)) - wanted

        most = np.zeros(len(level))
        np.maximum.at(most, cell, np.maximum(present, self.actual["volume"] * self.actual["handle_time"] / self.fixed.interval_s))
        made = np.full(len(level), np.nan)
        made[asked] = _root(excess, asked, level[asked], most[asked])
        return made

    def agents(self) -> Floats:
        """Agents on the floor in each interval."""
        return self._agents(np.arange(len(self)), 2 ** len(self.names) - 1)

    def rows(self) -> tuple[Rows, Ints]:
        """What happened, as rows with their runs; and the interval of each."""
        return self._rows(np.arange(len(self)), 2 ** len(self.names) - 1, 0, np.zeros(len(self)))

    def _differs(self) -> Ints:
        """The drivers that differ in each interval, as bits."""
        made = np.zeros(len(self), dtype=np.int64)
        for bit, name in enumerate(self.names):
            if self.steps is not None and name == "arrival_pattern":
                differ = np.logical_or.reduceat(self.steps.share != self.steps.flat(), self.steps.first)
            else:
                differ = self.planned[name] != self.actual[name]
            made |= np.where(differ, 1 << bit, 0)
        return made

    def _chosen(self, name: str, row: Ints, subset: Ints | int) -> Floats:
        actual = np.asarray(subset) >> self.names.index(name) & 1 == 1
        return np.where(actual, self.actual[name][row], self.planned[name][row])

    def _agents(self, row: Ints, subset: Ints | int) -> Floats:
        """On the floor."""
        made = self.fixed.agents[row] if not set(_STAFF) & set(self.names) else np.ones(len(row))
        for name in _STAFF:
            if name in self.names:
                part = self._chosen(name, row, subset)
                made = made * (1 - part if name == "shrinkage" else part)
        return made

    def _given(self, row: Ints, subset: Ints | int, weights: Floats, more: Floats | float) -> Rows:
        """These intervals under these subsets; where nobody comes but the level counts, next to nobody."""
        offered = self._chosen("volume", row, subset)
        fixed = self.fixed.take(row)
        return fixed._replace(
            offered=np.where(weights[row] > 0, np.maximum(offered, _NOBODY), offered),
            aht_s=self._chosen("handle_time", row, subset),
            agents=np.maximum(self._agents(row, subset) + more, 0.0),
            patience_s=self._chosen("patience", row, subset) if "patience" in self.names else fixed.patience_s,
        )

    def _rows(self, row: Ints, subset: Ints | int, owner: Ints | int, weights: Floats, more: Floats | float = 0.0) -> tuple[Rows, Ints]:
        """The same in their steps, with the runs of each owner; and the place of each in ``row``."""
        rows, place, start = self._given(row, subset, weights, more), np.arange(len(row)), self._start[row]
        queue = np.asarray(owner) * (self.fixed.run.max(initial=0) + 1) + self.fixed.run[row]
        if self.steps is not None:
            step, place = ranges(self.steps.first[row], self.steps.steps[row]), np.repeat(place, self.steps.steps[row])
            actual = np.broadcast_to(np.asarray(subset) >> self.names.index("arrival_pattern") & 1 == 1, len(row))
            share = np.where(actual[place], self.steps.share[step], self.steps.flat()[step])
            rows, queue, start = rows.take(place), queue[place], self.steps.start_s[step]
            rows = rows._replace(offered=rows.offered * np.maximum(share, _NOBODY), interval_s=self.steps.length_s[step])
        return rows._replace(run=run_numbers(queue, start, rows)), place

    def _sums(self, row: Ints, subset: Ints | int, owner: Ints | int, weights: Floats, more: Floats | float = 0.0) -> tuple[Floats, Floats]:
        """What is divided for the service level of each, above and below the line."""
        if not self._carried:
            return level_sums(stationary_sums(self._given(row, subset, weights, more)), self.definition)
        rows, place = self._rows(row, subset, owner, weights, more)
        above, below = level_sums(transient_sums(rows), self.definition)
        return _total(place, above, len(row)), _total(place, below, len(row))

    def _evaluate(self, row: Ints, subset: Ints | int, owner: Ints | int, weights: Floats, more: Floats | float = 0.0) -> Floats:
        """The expected service level of each interval ``row`` under ``subset``, with so many ``more`` agents.

        Rows of one ``owner`` stand in the order of queue and time, and feel each other.
        """
        if self._carried or self.definition not in SERVICE_LEVELS:
            return np.nan_to_num(divide(*self._sums(row, subset, owner, weights, more)))
        rows = self._given(row, subset, weights, more)  # one formula instead of all of stationary_sums
        level = erlang.service_level(
            np.minimum(rows.agents, rows.lines),
            erlang.offered_load(rows.offered, aht_s=rows.aht_s, interval_s=rows.interval_s),
            **{"aht_s": rows.aht_s, "patience_s": rows.patience_s, "lines": rows.lines, "threshold_s": rows.threshold_s},
            definition=self.definition,
            short_s=np.nan_to_num(rows.short_s),
        )
        return np.nan_to_num(np.asarray(level))


def simulated_levels(
    rows: Rows, answered: Ints, queue: Ints, cell: Ints, cells: int, *, definition: str, replications: int, seed: int
) -> Floats:
    """The service level of each cell in simulated outcomes of the same contacts, handle times and agents.

    Parameters
    ----------
    rows : Rows
        With their runs, in the order of queue and time; ``offered`` are whole contacts.
    answered : numpy.ndarray
        So many contacts of each row took its handle time in the mean exactly. [contacts]
    queue, cell : numpy.ndarray
        The queue of each row, and the cell it counts in: 0, 1, …
    cells : int
        How many.
    definition : str
        Service level.
    replications, seed : int
        How many outcomes, and from what randomness.

    Returns
    -------
    numpy.ndarray
        Outcomes × cells; missing where nobody came. With finite lines the contacts of each outcome are drawn about their number.

    Examples
    --------
    >>> one, none = np.ones(1), np.zeros(1, dtype=int)
    >>> rows = Rows(100 * one, 14 * one, 180 * one, 1800 * one, np.inf * one, 20 * one, np.nan * one, none)
    >>> drawn = simulated_levels(rows, none, none, none, 1, definition="service_level", replications=50, seed=1)
    >>> drawn.shape, bool(0.7 < drawn.mean() < 1)
    ((50, 1), True)
    """
    above, below = np.zeros((replications, cells)), np.zeros((replications, cells))
    for number in np.unique(queue) if replications else []:
        own = np.flatnonzero(queue == number)
        part = rows.take(own)
        if np.isinf(part.lines).all():
            rng = random_stream(np.random.SeedSequence(seed), f"queue {number}")
            drawn = level_sums(simulate_given(part, answered[own], replications=replications, rng=rng), definition)
        else:
            seeds = np.random.SeedSequence([seed, number]).spawn(replications)
            outcomes = [level_sums(simulate_once(part, each), definition) for each in seeds]
            drawn = np.stack([each[0] for each in outcomes]), np.stack([each[1] for each in outcomes])
        for total, values in zip((above, below), drawn, strict=True):
            for outcome in range(replications):
                total[outcome] += np.bincount(cell[own], weights=values[outcome], minlength=cells)
    return divide(above, below)


def ranges(first: Ints, count: Ints) -> Ints:
    """All numbers of the ranges that begin at ``first``, one after the other.

    Examples
    --------
    >>> ranges(np.array([10, 4]), np.array([3, 2])).tolist()
    [10, 11, 12, 4, 5]
    """
    ends = np.cumsum(count)
    return np.repeat(first - ends + count, count) + np.arange(ends[-1] if len(ends) else 0)


def _total(place: Ints, values: Floats, count: int) -> Floats:
    return np.bincount(place, weights=values, minlength=count).astype("float64")


def _root(excess: Callable[[Floats, Ints, Floats], Floats], number: Ints, wanted: Floats, most: Floats) -> Floats:
    """Where ``excess``, which rises with agents, is 0: bracketed from 0 outwards, then by Chandrupatla's method.

    Fewer agents than none are none: below ``-most`` nothing changes. Ten times the root of the load above it nobody waits any more.
    """
    at_zero = excess(np.zeros(len(number)), number, wanted)
    sign = np.where(at_zero < 0, 1.0, -1.0)
    bound = np.where(sign > 0, most + 10 * np.sqrt(most) + 10, most)
    near, far = np.zeros(len(number)), np.minimum(bound, 1.0)
    open_ = np.abs(at_zero) > _TOLERANCE
    met = ~open_
    while open_.any():
        which = np.flatnonzero(open_)
        crossed = sign[which] * excess(sign[which] * far[which], number[which], wanted[which]) >= 0
        met[which] = crossed
        open_[which] = ~crossed & (far[which] < bound[which])
        on = which[open_[which]]
        near[on], far[on] = far[on], np.minimum(2 * far[on], bound[on])
    made = np.where(met, 0.0, sign * np.inf)
    find = met & (np.abs(at_zero) > _TOLERANCE)
    if find.any():
        bracket = np.sort(np.stack([sign * near, sign * far])[:, find], axis=0)
        found = elementwise.find_root(
            excess, (bracket[0], bracket[1]), args=(number[find], wanted[find]), tolerances={"xatol": _TOLERANCE, "fatol": _TOLERANCE}
        )
        made[find] = found.x
    return made
