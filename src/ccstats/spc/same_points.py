"""Charts that judge the very points they were made from: how often stable points signal.

With mean and moving range from the same points there is no closed form: charts are simulated, and each walks through the machine of the
rules. Anhøj's rules need the sides of the points only, and sides can be counted exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy import special

from ccstats.errors import OptionError
from ccstats.spc.automaton import NO_STEP, STEP_DOWN, STEP_UP, Automaton
from ccstats.spc.rules import Rule
from ccstats.spc.runs import runs_limits

__all__ = ["runs_signal_share", "simulated_signal_share"]

Floats = NDArray[np.float64]

_BLOCK = 2_000_000  # random numbers held at a time
_UP, _DOWN, _NONE = STEP_UP, STEP_DOWN, NO_STEP


def simulated_signal_share(
    points: int, machine: Automaton, cuts: Floats, *, autocorrelation: float, replications: int, seed: int | np.random.Generator
) -> float:
    """Share of stable charts with a signal, when centre and sigma come from the same points.

    Parameters
    ----------
    points : int
        Points of each chart, 2 or more. [points]
    machine : Automaton
        The rules.
    cuts : numpy.ndarray
        Where its cells are cut. [sigma]
    autocorrelation : float
        Between neighbouring points.
    replications : int
        How many charts.
    seed : int or numpy.random.Generator
        Where the randomness comes from.

    Returns
    -------
    float

    Notes
    -----
    The centre is the mean, sigma the mean moving range divided by ``2 / sqrt(pi)`` (1.128).

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.spc.automaton import rule_automaton
    >>> from ccstats.spc.rules import rules_of
    >>> machine = rule_automaton(rules_of("shewhart"), np.array([-4.0, 0.0, 4.0]), 3.0)
    >>> share = simulated_signal_share(12, machine, np.array([-3.0, 3.0]), autocorrelation=0.0, replications=4000, seed=1)
    >>> 0.01 < share < 0.05
    True
    """
    try:
        rng = np.random.default_rng(seed)
    except (TypeError, ValueError):
        raise OptionError(f"seed={seed!r} is no seed; give a whole number from 0 on, or a numpy Generator") from None
    rows = max(_BLOCK // points, 1)
    signals, left = 0, replications
    while left:
        count = min(rows, left)
        signals += _count_signals(rng.standard_normal((count, points)), autocorrelation, cuts, machine.start, machine.follow, machine.steps)
        left -= count
    return signals / replications


@njit(cache=True, nogil=True)
def _count_signals(  # pragma: no cover - compiled; checked against a plain loop in the tests
    noise: Floats, autocorrelation: float, cuts: Floats, start: NDArray[np.int64], follow: NDArray[np.int64], steps: bool
) -> int:
    fresh = math.sqrt(1 - autocorrelation * autocorrelation)
    signals = 0
    x = np.empty(noise.shape[1])
    for row in range(noise.shape[0]):
        x[0] = noise[row, 0]
        total, ranges = x[0], 0.0
        for i in range(1, x.size):
            x[i] = autocorrelation * x[i - 1] + fresh * noise[row, i]
            total += x[i]
            ranges += abs(x[i] - x[i - 1])
        center, sigma = total / x.size, ranges / (x.size - 1) * math.sqrt(math.pi) / 2
        state = 0
        for i in range(x.size):
            cell = 0
            while cell < cuts.size and x[i] > center + cuts[cell] * sigma:
                cell += 1
            if i == 0:
                state = start[cell]
            else:
                step = _NONE if not steps else _UP if x[i] > x[i - 1] else _DOWN
                state = follow[state, cell, step]
            if state < 0:
                signals += 1
                break
    return signals


def runs_signal_share(points: int, rules: Sequence[Rule], *, above: float | None) -> float:
    """Share of series of independent points that Anhøj's rules call unstable, exactly.

    Parameters
    ----------
    points : int
        Points of the series. [points]
    rules : sequence of Rule
        Of the kinds ``longest_run`` and ``crossings``.
    above : float or None
        Chance of a point above the centre; None where the centre is the median of the same points.

    Returns
    -------
    float
        0 for fewer than two points.

    Notes
    -----
    With ``a`` points above and ``b`` below, in ``r`` runs above and ``s`` below that are no longer than allowed, the arrangements are the
    ways to write ``a`` as ``r`` and ``b`` as ``s`` such numbers, twice if ``r = s``. With the median as centre half of the points lie
    above, and the one on the median, of an odd number, is left out.

    Examples
    --------
    >>> from ccstats.spc.rules import rules_of
    >>> round(runs_signal_share(24, rules_of("anhoj"), above=0.5), 3)
    0.066
    """
    useful = points if above is not None else points // 2 * 2
    if useful < 2:
        return 0.0
    kinds = {rule.kind for rule in rules}
    longest, fewest = runs_limits(useful)
    longest = min(longest, useful) if "longest_run" in kinds else useful
    fewest = fewest if "crossings" in kinds else 0
    chance = 0.5 if above is None else above
    high, low = _split_in_runs(useful, longest, chance), _split_in_runs(useful, longest, 1 - chance)
    stable = np.zeros(useful + 1)  # by the number of points above
    for runs in range(fewest + 1, useful + 1):
        more, less = (runs + 1) // 2, runs // 2
        stable += high[more] * low[less][::-1] + high[less] * low[more][::-1]
    if above is None:
        half = useful // 2
        arrangements = special.gammaln(useful + 1) - 2 * special.gammaln(half + 1)
        return max(0.0, 1 - float(stable[half]) * math.exp(useful * math.log(2) - arrangements))
    return max(0.0, 1 - float(stable.sum()))


def _split_in_runs(points: int, longest: int, chance: float) -> Floats:
    """Chance that so many points are on a side, in each way of splitting them into so many runs (runs × points)."""
    out = np.zeros((points // 2 + 2, points + 1))
    out[0, 0] = 1.0
    run = np.concatenate([[0.0], chance ** np.arange(1, longest + 1)])
    for runs in range(1, len(out)):
        out[runs] = np.convolve(out[runs - 1], run)[: points + 1]
    return out
