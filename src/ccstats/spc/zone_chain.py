"""Shewhart charts with any rules: the chance of a first signal at each point, from the machine of the rules and the law of the points.

A state of the machine says in which cell the last point lies. Where rules compare neighbours, or neighbours depend on each other, the law
of the last point within its cell is carried along as well, as a density on Gauss-Legendre nodes; else one number per state is enough.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import ndtr

from ccstats.spc.automaton import NO_STEP, SIGNAL, STEP_DOWN, STEP_UP, Automaton

__all__ = ["Autoregressive", "Independent", "zone_signals"]

Floats = NDArray[np.float64]

#: Nodes per cell for independent points: their density is a polynomial, but for what is left of points long ago.
_NODES = 8
#: Where an open cell ends for the nodes, in standard deviations: the rest is 1e-19.
_FAR = 9.0


class Law(Protocol):
    """Law of the next point given the last. A place within a cell is a share of the cell, from 0 (low) to 1 (high)."""

    def nodes(self, cell: int, *, steps: bool) -> int:
        """How many nodes a cell needs."""

    def density(self, last: tuple[int, Any] | None, cell: int, place: Any) -> Any:
        """Density of the next point at places of a cell, after the last (cell and place), or of the first point."""

    def reach(self, last: tuple[int, Any] | None, cell: int, low: Any = 0.0, high: Any = 1.0) -> Any:
        """Chance that the next point lies between two places of a cell."""


@dataclass(frozen=True, eq=False)
class Independent:
    """Points that do not depend on each other; the place within a cell is the chance of a lower one there.

    Attributes
    ----------
    chance : numpy.ndarray
        Chance of a point in each cell.

    Examples
    --------
    >>> import numpy as np
    >>> float(Independent(np.array([0.5, 0.5])).reach(None, 1))
    0.5
    """

    chance: Floats

    def nodes(self, cell: int, *, steps: bool) -> int:
        """A few where the place within the cell matters, else one."""
        return _NODES if steps else 1

    def density(self, last: tuple[int, Any] | None, cell: int, place: Any) -> Any:
        """The same everywhere in the cell."""
        return self.chance[cell] * np.ones(np.broadcast_shapes(np.shape(last[1]) if last else (), np.shape(place)))

    def reach(self, last: tuple[int, Any] | None, cell: int, low: Any = 0.0, high: Any = 1.0) -> Any:
        """The share of the cell that lies between."""
        return self.chance[cell] * (high - low) * np.ones(np.shape(last[1]) if last else ())


@dataclass(frozen=True, eq=False)
class Autoregressive:
    """Normal points that depend on the one before; their mean is 0 and their standard deviation 1.

    Attributes
    ----------
    edges : numpy.ndarray
        Edges of the cells, from ``-inf`` to ``inf``. [sd of a point]
    autocorrelation : float
        Between neighbours, above -1 and below 1.

    Examples
    --------
    >>> import numpy as np
    >>> float(Autoregressive(np.array([-np.inf, 0.0, np.inf]), 0.5).reach(None, 1))
    0.5
    """

    edges: Floats
    autocorrelation: float

    def nodes(self, cell: int, *, steps: bool) -> int:
        """As many as the law of the next point needs."""
        low, high = self._ends(cell)
        return 8 + math.ceil(6 * (high - low) / math.sqrt(1 - self.autocorrelation**2))

    def density(self, last: tuple[int, Any] | None, cell: int, place: Any) -> Any:
        """Normal around the share of the last point that stays."""
        (low, high), (mean, sd) = self._ends(cell), self._next(last)
        return (high - low) * np.exp(-0.5 * ((low + (high - low) * place - mean) / sd) ** 2) / (sd * math.sqrt(2 * math.pi))

    def reach(self, last: tuple[int, Any] | None, cell: int, low: Any = 0.0, high: Any = 1.0) -> Any:
        """Chance of a point between two places of a cell; an open cell has no end."""
        (first, end), (mean, sd) = self._ends(cell), self._next(last)
        x = np.where(np.equal(low, 0), self.edges[cell], first + (end - first) * np.asarray(low))
        y = np.where(np.equal(high, 1), self.edges[cell + 1], first + (end - first) * np.asarray(high))
        a, b = (x - mean) / sd, (y - mean) / sd
        return np.where(a > 0, ndtr(-a) - ndtr(-b), ndtr(b) - ndtr(a))

    def _ends(self, cell: int) -> tuple[float, float]:
        low, high = np.clip(self.edges[cell : cell + 2], -_FAR, _FAR)
        return float(low), float(high)

    def _next(self, last: tuple[int, Any] | None) -> tuple[Any, float]:
        """Mean and standard deviation of the next point."""
        if last is None:
            return 0.0, 1.0
        low, high = self._ends(last[0])
        return self.autocorrelation * (low + (high - low) * last[1]), math.sqrt(1 - self.autocorrelation**2)


def zone_signals(machine: Automaton, law: Law) -> Iterator[float]:
    """Chance that a rule is first broken at point 1, 2, ….

    Parameters
    ----------
    machine : Automaton
        The rules.
    law : Independent or Autoregressive
        The points, with the cells of the machine.

    Yields
    ------
    float

    Notes
    -----
    Champ & Woodall (1987) for rules that need the cells only. Where a rule compares neighbours, the density of the last point is split at
    each node into what came from below and from above; integrals up to a node are those of the polynomial through all nodes, so that no
    accuracy is lost at the split.

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.spc.automaton import rule_automaton
    >>> from ccstats.spc.rules import rules_of
    >>> fair = Independent(np.array([0.5, 0.5]))
    >>> run = zone_signals(rule_automaton(rules_of("run_of_8"), np.array([-1.0, 1.0]), 3.0), fair)
    >>> [next(run) for _ in range(8)][-1] == 2**-7
    True
    """
    cells = range(len(machine.start))
    steps = (STEP_UP, STEP_DOWN) if machine.steps else (NO_STEP,)
    count = [law.nodes(cell, steps=machine.steps) for cell in cells]
    states = [np.flatnonzero(machine.cell == cell) for cell in cells]
    row = np.zeros(len(machine.cell), dtype=np.int64)  # of a state among those of its cell
    for group in states:
        row[group] = np.arange(len(group))

    density = [np.zeros((len(states[cell]), count[cell])) for cell in cells]
    leaving = [np.zeros_like(each) for each in density]
    moves, first = [], 0.0
    for source in cells:
        place, weight = _nodes(count[source])
        if machine.start[source] < 0:
            first += float(law.reach(None, source))
        else:
            density[source][row[machine.start[source]]] = law.density(None, source, place)
        for target, step in itertools.product(cells if len(states[source]) else (), steps):
            following = machine.follow[states[source], target, step]
            signals, lives = np.flatnonzero(following == SIGNAL), np.flatnonzero(following >= 0)
            within = step if source == target else NO_STEP
            low, high = (place, 1.0) if within == STEP_UP else (0.0, place) if within == STEP_DOWN else (0.0, 1.0)
            leaving[source][signals] += weight * law.reach((source, place), target, low, high)
            if lives.size:
                shape = len(states[target]), len(states[source])
                gather = csr_array((np.ones(len(lives)), (row[following[lives]], lives)), shape=shape)
                moves.append((source, target, gather, _kernel(law, source, target, within, count).T))
    yield first
    while True:
        yield float(sum(np.vdot(share, each) for share, each in zip(leaving, density, strict=True)))
        after = [np.zeros_like(each) for each in density]
        for source, target, gather, kernel in moves:
            after[target] += gather @ (density[source] @ kernel)
        density = after


def _nodes(count: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on a cell, from 0 to 1."""
    x, weight = np.polynomial.legendre.leggauss(count)
    return (x + 1) / 2, weight / 2


def _kernel(law: Law, source: int, target: int, step: int, count: list[int]) -> Floats:
    """What the density at the nodes of one cell adds to that at the nodes of another at the next point (targets × sources).

    With a step, source and target are the same cell, and only what comes from below (or above) the target counts.
    """
    place, weight = _nodes(count[source])
    at = _nodes(count[target])[0][:, None]
    whole: Floats = weight * law.density((source, place), target, at)
    if step == NO_STEP:
        return whole
    share, share_weight = _nodes(len(place) + 4)
    below = at * share  # nodes between the lower end of the cell and each target
    basis = np.polynomial.legendre.legvander(2 * place - 1, len(place) - 1)
    through = np.linalg.solve(basis.T, np.polynomial.legendre.legvander(2 * below - 1, len(place) - 1)[..., None])[..., 0]
    part: Floats = np.einsum("tq,tqs->ts", at * share_weight * law.density((source, below), target, at), through)
    return part if step == STEP_UP else whole - part
