"""Effects of the calendar and a level that wanders, fitted together: a log-linear mixed model whose variances all queues tell of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.linalg.lapack import dpttrf, dpttrs

__all__ = ["DayRows", "fit_effects", "shared_weights", "solve_mixed"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
#: Effects, level, and the logarithm of the marginal likelihood.
Solution = tuple[Floats, Floats, float]

#: Variances that are weighed up. By what share a day differs by chance, squared; standard deviations of a day's step of the level and of
#: a day's trend. [logarithm]
_SPREADS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
_STEPS = (0.005, 0.01, 0.02, 0.04, 0.08)
_TRENDS = (0.0005, 0.002, 0.008)
#: A queue's steps and trend are of the size of the centre's, by such a factor more or less.
_ALIKE = 1.5
#: Days further off than so many standard deviations count less (Huber).
_FAR = 2.0
#: Turns of the iteration after which the variances are looked at anew.
_LOOK = (3, 8)
_TURNS = 40


@dataclass(frozen=True)
class DayRows:
    """Consecutive days of one queue.

    Attributes
    ----------
    columns : numpy.ndarray
        Days × effects.
    count, share, weight : numpy.ndarray
        Contacts, how much of the day is known, and how much it counts.
    use : numpy.ndarray
        Days that are learnt from.
    prior : numpy.ndarray
        Precision of each effect about none; that of the trend is set here.
    trend : int
        The column of the trend.
    kept : float
        What is left of the level a day later; 1: it returns to nothing.
    """

    columns: Floats
    count: Floats
    share: Floats
    weight: Floats
    use: Bools
    prior: Floats
    trend: int
    kept: float = 1.0

    def precision(self, trend: float) -> Floats:
        """`prior` with the trend's of this standard deviation."""
        found = self.prior.copy()
        found[self.trend] = trend**-2.0
        return found


def fit_effects(queues: Sequence[DayRows]) -> list[tuple[Floats, Floats]]:
    """Effects of each queue, and its level on each day as a logarithm.

    Notes
    -----
    Contacts of a day have the mean μ = share × exp(effects + level) and the variance μ + c μ²; effects are normal about none, the level
    wanders and, where ``kept`` is less than 1, fades. Penalised quasi-likelihood (Breslow & Clayton 1993): working responses and weights, a
    linear mixed model solved, and so on; days far off drawn in. The result is the mean over all c, steps of the level and sizes of the
    trend, weighed by their marginal likelihood (the effects integrated out, so that it does not mistake a close fit for calm) times a
    prior. What a few weeks of one queue say of the latter two is little: the prior is what the other queues say (`shared_weights`).

    Examples
    --------
    >>> count = np.where(np.arange(60) < 40, 100.0, 150.0)
    >>> rows = DayRows(np.column_stack([np.ones(60), np.arange(-59.0, 1)]), count, np.ones(60), np.ones(60), count > 0, np.full(2, 1e-4), 1)
    >>> (effects, level), = fit_effects([rows])
    >>> bool(abs(np.exp(effects[0] + level[-1]) - 150) < 5)
    True
    """
    found = [_each_variance(rows) if rows.count[rows.use].sum() > 0 else None for rows in queues]
    weights = iter(shared_weights([one[0] for one in found if one is not None]))
    fitted = []
    for rows, one in zip(queues, found, strict=True):
        if one is None:
            nothing = np.zeros(rows.columns.shape[1])
            nothing[0] = -50.0
            fitted.append((nothing, np.zeros(len(rows.count))))
        else:
            weight = next(weights).ravel()
            fitted.append((weight @ one[1], weight @ one[2]))
    return fitted


def shared_weights(evidence: Sequence[Floats]) -> list[Floats]:
    """How much each combination of variances counts for each queue.

    Parameters
    ----------
    evidence : sequence of numpy.ndarray
        Of each queue, logarithms of marginal likelihoods by chance, step and trend.

    Notes
    -----
    A centre's step and trend are unknown, all of the grid as likely; a queue's lie about them, lognormal by a factor of 1.5. The prior of a
    queue is what follows from all the others.

    Examples
    --------
    >>> unsure, sure = np.zeros((6, 5, 3)), np.zeros((6, 5, 3))
    >>> sure[:, 4, 0] = 20.0
    >>> alone, = shared_weights([unsure])
    >>> beside, _ = shared_weights([unsure, sure])
    >>> bool(alone.sum(axis=(0, 2))[4] < 0.2), bool(beside.sum(axis=(0, 2))[4] > 0.5)
    (True, True)
    """
    near = np.kron(_nearness(_STEPS), _nearness(_TRENDS))
    likely = [np.exp(each - each.max()) for each in evidence]
    told = [np.log(near @ each.sum(axis=0).ravel()) for each in likely]
    found = []
    for place, each in enumerate(likely):
        others = np.sum([one for other, one in enumerate(told) if other != place], axis=0) + np.zeros(len(near))
        prior = near.T @ np.exp(others - others.max())
        weight = each * prior.reshape(each.shape[1:])
        found.append(weight / weight.sum())
    return found


def _nearness(values: Sequence[float]) -> Floats:
    """How likely a queue has each value, by the centre's."""
    away = np.subtract.outer(np.log(values), np.log(values)) / np.log(_ALIKE)
    made: Floats = np.exp(-(away**2) / 2.0)
    return made / made.sum(axis=1, keepdims=True)


def solve_mixed(
    columns: Floats, response: Floats, weight: Floats, priors: Sequence[Floats], step: float, kept: float = 1.0
) -> list[Solution]:
    """Effects and level of a linear mixed model, and the logarithm of its marginal likelihood, under each of several priors.

    Parameters
    ----------
    columns, response, weight : numpy.ndarray
        Days × effects; what is explained; one over its variance, 0 where it is not known.
    priors : sequence of numpy.ndarray
        Precision of each effect.
    step : float
        Standard deviation of a day's step of the level, which is nought before the first day.
    kept : float
        What is left of the level a day later.

    Notes
    -----
    With W the weights and K the covariance of the level, the covariance of the responses is W⁻¹ + K. K⁻¹ has three diagonals, and so
    everything is linear in the number of days: (W⁻¹ + K)⁻¹ = W - W (W + K⁻¹)⁻¹ W. Constants of the likelihood are left out.

    Examples
    --------
    >>> ((effects, level, _),) = solve_mixed(np.ones((3, 1)), np.array([1.0, 1.0, 4.0]), np.ones(3), [np.array([1e-9])], 1e-6)
    >>> effects.round(3).tolist(), level.round(3).tolist()
    ([2.0], [0.0, 0.0, 0.0])
    """
    size = len(response)
    middle = np.full(size, (1.0 + kept**2) / step**2)
    middle[-1] = 1.0 / step**2
    middle, beside, _ = dpttrf(middle + weight, np.full(max(size - 1, 0), -kept / step**2))
    weighted = weight[:, None] * np.column_stack([columns, response])
    inner, _ = dpttrs(middle, beside, weighted)
    outer = weighted - weight[:, None] * inner
    square, goal = columns.T @ outer[:, :-1], columns.T @ outer[:, -1]
    volume = np.log(middle).sum() + 2.0 * size * np.log(step) - np.log(weight[weight > 0]).sum() + response @ outer[:, -1]
    found = []
    for prior in priors:
        root = cho_factor(square + np.diag(prior))
        effects = cho_solve(root, goal)
        evidence = -0.5 * (volume + 2.0 * np.log(np.diag(root[0])).sum() - np.log(prior).sum() - goal @ effects)
        found.append((effects, inner[:, -1] - inner[:, :-1] @ effects, float(evidence)))
    return found


def _each_variance(rows: DayRows) -> tuple[Floats, Floats, Floats]:
    """The evidence for each combination of variances, and the effects and levels under each."""
    count, share = np.where(rows.use, rows.count, 0.0), np.where(rows.use, rows.share, 1.0)
    effects, level = np.zeros(rows.columns.shape[1]), np.zeros(len(count))
    effects[0] = np.log(count.sum() / share[rows.use].sum())
    spread, step, trend = 0.01, 0.02, _TRENDS[0]
    drawn = np.ones(len(count))
    for turn in range(_TURNS):
        linear = rows.columns @ effects + level
        mean = np.maximum(share * np.exp(np.clip(linear, -50, 50)), 1e-9)
        if turn > 2:
            off = np.abs(count - mean) / np.sqrt(mean + spread * mean**2)
            drawn = np.minimum(1.0, _FAR / np.maximum(off, 1e-9))
        response = np.where(rows.use, linear + (count - mean) / mean, 0.0)
        trust = np.where(rows.use, rows.weight * drawn, 0.0) * mean

        def solve(spread: float, step: float, trends: Sequence[float] = _TRENDS) -> list[Solution]:
            weight = trust / (1.0 + spread * mean)  # noqa: B023 - called in this turn only
            return solve_mixed(rows.columns, response, weight, [rows.precision(each) for each in trends], step, rows.kept)  # noqa: B023

        if turn in _LOOK:
            spread = max(_SPREADS, key=lambda each: solve(each, step, [trend])[0][2])  # noqa: B023
            likely = [[each[2] for each in solve(spread, step)] for step in _STEPS]
            best = np.unravel_index(np.argmax(likely), (len(_STEPS), len(_TRENDS)))
            step, trend = _STEPS[best[0]], _TRENDS[best[1]]
        ((new, path, _),) = solve(spread, step, [trend])
        moves = np.clip(new - effects, -2.0, 2.0), np.clip(path - level, -1.0, 1.0)
        effects, level = effects + moves[0], level + moves[1]
        if turn > _LOOK[-1] and max(np.abs(each).max() for each in moves) < 1e-4:
            break
    made = [one for each in product(_SPREADS, _STEPS) for one in solve(*each)]
    evidence = np.array([each[2] for each in made]).reshape(len(_SPREADS), len(_STEPS), len(_TRENDS))
    return evidence, np.array([each[0] for each in made]), np.array([each[1] for each in made])
