"""Sharing out agents the quick way, in plain Python: what the exact way is measured by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def greedy(first, gain, cost=None, *, start=None, tolerance=1e-9) -> tuple[NDArray[np.int64], float]:
    """Agents and their cost: taken away from above (or ``start``) one at a time where least is lost for the money, while the target is met.

    From below, the first agent of a flooded interval helps nobody. A start that misses the target costs infinitely much.
    """
    cost = np.ones(len(first)) if cost is None else np.asarray(cost, dtype=float)
    last = [max(at for at, worth in enumerate(row) if worth > -np.inf) for row in gain]
    chosen = last if start is None else [int(agents - least) for agents, least in zip(start, first, strict=True)]
    if sum(row[at] for row, at in zip(gain, chosen, strict=True)) < -tolerance:
        return np.asarray(first) + chosen, float("inf")
    while True:
        spare = sum(row[at] for row, at in zip(gain, chosen, strict=True)) + tolerance
        losses = [(row[at] - row[at - 1] if at else np.inf, number) for number, (row, at) in enumerate(zip(gain, chosen, strict=True))]
        ways = [(loss / cost[number], number) for loss, number in losses if loss <= spare]
        if not ways:
            agents = np.asarray(first) + chosen
            return agents, float(cost @ agents)
        chosen[min(ways)[1]] -= 1
