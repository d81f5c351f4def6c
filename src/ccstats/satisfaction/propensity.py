"""Who answers, and what would the others have said? Two regressions and the estimator that needs only one of them to be right.

A standard fit of a logistic regression is infinite where a queue has no answer or an hour only happy ones; here a weak normal prior on
every effect keeps it finite, which is why it is not taken from elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg, special

__all__ = ["Answers", "design_matrix", "estimate_all", "fit_shares"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Weight of the prior: effects of one spread (or one level) have a standard deviation of √2 on the scale of log-odds.
_PRIOR = 0.5
#: A level needs this many who answered and who did not, else it joins its neighbours.
_LEVEL = 10
#: Nobody's chance to answer is taken for smaller than this.
_LEAST = 0.01


@dataclass(frozen=True)
class Answers:
    """All contacts, who of them answered and what, and the two models of that.

    Parameters
    ----------
    answered : array of bool
        One per contact.
    unit : array of float
        The answer, 0 (worst) to 1 (best); NaN where there is none.
    design : array of float
        Contacts × effects, with a constant first.

    Examples
    --------
    >>> import numpy as np
    >>> half = Answers(np.array([True, True, False, False]), np.array([1.0, 0.0, np.nan, np.nan]), np.ones((4, 1)))
    >>> half.chance.round(3).tolist(), half.said.round(3).tolist()
    ([0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5])
    """

    answered: Flags
    unit: Floats
    design: Floats

    @cached_property
    def chance(self) -> Floats:
        """Each contact's fitted chance to answer."""
        effects = fit_shares(self.design, self.answered.astype("float64"))
        return np.clip(special.expit(self.design @ effects), _LEAST, 1.0)

    @cached_property
    def said(self) -> Floats:
        """What each contact's like answer, on average."""
        return special.expit(self.design @ self._effects)

    @cached_property
    def inflation(self) -> Floats:
        """How much larger each answer's error is than it looks, since the model was fitted to it: 1 / (1 − leverage)."""
        said = self.said[self.answered]
        return 1 / (1 - np.minimum(said * (1 - said) * self._spread[self.answered], 0.9))

    @cached_property
    def variance(self) -> Floats:
        """How uncertain ``said`` is, contact by contact."""
        said, y = self.said, self.unit[self.answered]
        given = said[self.answered]
        dispersion = float(((y - given) ** 2).sum() / max((given * (1 - given)).sum(), 1e-9))
        return (said * (1 - said)) ** 2 * self._spread * min(dispersion, 1.0)

    @cached_property
    def _spread(self) -> Floats:
        """Variance of each contact's fitted log-odds, from the curvature of the fit."""
        given, said = self.design[self.answered], self.said[self.answered]
        curve = (given * (said * (1 - said))[:, None]).T @ given + np.diag(_prior_weights(given.shape[1], _PRIOR))
        out: Floats = np.einsum("ij,ji->i", self.design, linalg.solve(curve, self.design.T, assume_a="pos"))
        return out

    @cached_property
    def _effects(self) -> Floats:
        return fit_shares(self.design[self.answered], self.unit[self.answered])

    def predict(self, values: Floats, least: float, most: float) -> Floats:
        """What is to be expected, contact by contact, of something between two ends that those who answered show."""
        effects = fit_shares(self.design[self.answered], (values - least) / (most - least))
        return least + (most - least) * special.expit(self.design @ effects)


def design_matrix(facts: pd.DataFrame, variables: list[str], answered: Flags) -> Floats:
    """Effects by which contacts differ: smooth in numbers, one per level of words and hours, and numbers within levels of the first words.

    Parameters
    ----------
    facts : pandas.DataFrame
        One row a contact.
    variables : list of str
        Its columns: numbers get a restricted cubic spline of their logarithm (of 1 + x), words and hours a column a level; levels with
        too few answers share one, hours with their neighbours.
    answered : array of bool
        Who answered.

    Returns
    -------
    numpy.ndarray
        Contacts × effects, a constant first.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> calls = pd.DataFrame({"queue": ["a", "b"] * 50})
    >>> design_matrix(calls, ["queue"], np.arange(100) % 4 < 2).shape
    (100, 2)
    """
    smooth, levels = [], []
    for name in variables:
        values = facts[name]
        if name in ("hour", "weekday"):
            levels.append(_indicators(_merge_neighbours(values.to_numpy(dtype="int64"), answered)))
        elif pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
            smooth.append(_spline(values.to_numpy(dtype="float64", na_value=np.nan)))
        else:
            levels.append(_indicators(_merge_rare(values, answered)))
    parts = [np.ones((len(facts), 1)), *smooth, *levels]
    if smooth and levels:
        # Where waiting hurts more in one queue than in another, both models must be able to say so.
        parts += [each[:, :1] * levels[0] for each in smooth]
    for other in levels[1:]:
        parts += [levels[0][:, [column]] * other for column in range(levels[0].shape[1])]
    design: Floats = np.hstack(parts)
    return design


def fit_shares(design: Floats, share: Floats, *, prior: float = _PRIOR) -> Floats:
    """Effects of a logistic regression for shares of 0-1, with a normal prior on all but the constant.

    Parameters
    ----------
    design : array of float
        Rows × effects, a constant first.
    share : array of float
        0-1.
    prior : float
        Weight of the prior.

    Returns
    -------
    numpy.ndarray
        Effects on the scale of log-odds.

    Examples
    --------
    >>> import numpy as np
    >>> effects = fit_shares(np.ones((4, 1)), np.array([1.0, 1.0, 1.0, 0.0]))
    >>> round(float(1 / (1 + np.exp(-effects[0]))), 3)
    0.75
    """
    weight = _prior_weights(design.shape[1], prior)
    effects = np.zeros(design.shape[1])
    mean = np.clip(share.mean(), 1e-4, 1 - 1e-4)
    effects[0] = np.log(mean / (1 - mean))
    for _ in range(50):
        fitted = special.expit(design @ effects)
        slope = design.T @ (share - fitted) - weight * effects
        curve = (design * (fitted * (1 - fitted))[:, None]).T @ design + np.diag(weight)
        step = linalg.solve(curve, slope, assume_a="pos")
        effects = effects + np.clip(step, -4.0, 4.0)
        if np.abs(step).max() < 1e-6:
            break
    return effects


def estimate_all(answers: Answers, odds: float = 1.0) -> tuple[Floats, Floats, Floats]:
    """What all contacts would have said, contact by contact, and how far that is off by chance.

    Parameters
    ----------
    answers : Answers
        Who answered what.
    odds : float
        How much likelier, in odds, the unhappiest (0) answer than the happiest (1) among contacts that are alike. 1: not at all.

    Returns
    -------
    tuple of numpy.ndarray
        One number per contact, whose mean over any group of contacts estimates the group's; the part of each that is chance,
        whose squares add up to the variance of the sum; and the chance to answer.

    Notes
    -----
    With odds = 1 this is the augmented inverse-probability estimator (Robins, Rotnitzky and Zhao 1994): right if either the model of who
    answers or the model of what they say is. With other odds those who did not answer have the answers' distribution tilted by odds^y:
    for yes-no answers, odds(happy | silent) = odds × odds(happy | answered).

    Examples
    --------
    >>> import numpy as np
    >>> half = Answers(np.arange(4000) % 4 < 2, np.tile([1.0, 0.0, np.nan, np.nan], 1000), np.ones((4000, 1)))
    >>> round(float(estimate_all(half)[0].mean()), 3), round(float(estimate_all(half, odds=2.0)[0].mean()), 3)
    (0.5, 0.583)
    """
    answered, chance, said = answers.answered, answers.chance, answers.said
    y = answers.unit[answered]
    if odds == 1.0:
        silent, error = said, y - said[answered]
    else:
        tilt = odds**y
        if ((y == 0) | (y == 1)).all():
            below, above = 1 + (odds - 1) * said, odds * said
        else:
            below = answers.predict(tilt, min(1.0, odds), max(1.0, odds))
            above = answers.predict(y * tilt, 0.0, float((y * tilt).max()))
        # A curved function of something uncertain is off by half its curvature times the variance.
        curved = 2 * odds * (1 - odds) / (1 + (odds - 1) * said) ** 3
        silent = np.clip(above / below - curved * answers.variance / 2, 0.0, 1.0)
        error = ((y * tilt - above[answered]) - silent[answered] * (tilt - below[answered])) / below[answered]
    every = silent.copy()
    every[answered] = y + (1 - chance[answered]) / chance[answered] * error
    noise = every - (chance * said + (1 - chance) * silent)
    noise[answered] *= answers.inflation
    return every, noise, chance


def _prior_weights(count: int, prior: float) -> Floats:
    weight = np.full(count, prior)
    weight[0] = 1e-6
    return weight


def _spline(values: Floats) -> Floats:
    """Restricted cubic spline with up to five knots; missing values in a column of their own. Columns have mean 0 and spread 1."""
    missing = np.isnan(values)
    x = np.log1p(np.maximum(np.where(missing, np.nanmedian(values) if (~missing).any() else 0.0, values), 0.0))
    knots = np.unique(np.quantile(x[~missing], [0.05, 0.275, 0.5, 0.725, 0.95])) if (~missing).any() else np.zeros(1)
    columns = [x]
    if len(knots) > 2:
        last, before = knots[-1], knots[-2]
        cubes = [np.maximum(x - knot, 0.0) ** 3 for knot in knots]
        for number, knot in enumerate(knots[:-2]):
            columns.append(cubes[number] - cubes[-2] * (last - knot) / (last - before) + cubes[-1] * (before - knot) / (last - before))
    out = _standard(np.column_stack(columns))
    return np.column_stack([out, missing.astype("float64")]) if missing.any() else out


def _standard(columns: Floats) -> Floats:
    spread = columns.std(axis=0)
    out: Floats = (columns - columns.mean(axis=0)) / np.where(spread > 1e-12, spread, 1.0)
    return out


def _merge_neighbours(values: Any, answered: Flags) -> Any:
    """Whole numbers renumbered so that each level has enough of both; too small ones join the next."""
    found, codes = np.unique(values, return_inverse=True)
    yes, no = (np.bincount(codes[chosen], minlength=len(found)) for chosen in (answered, ~answered))
    merged = np.zeros(len(found), dtype="int64")
    level, here = 0, np.zeros(2)
    for position in range(len(found)):
        if position and here.min() >= _LEVEL and min(yes[position:].sum(), no[position:].sum()) >= _LEVEL:
            level, here = level + 1, np.zeros(2)
        merged[position] = level
        here += yes[position], no[position]
    return merged[codes]


def _merge_rare(values: pd.Series[Any], answered: Flags) -> Any:
    codes, found = pd.factorize(values, sort=True, use_na_sentinel=False)
    yes, no = (np.bincount(codes[chosen], minlength=len(found)) for chosen in (answered, ~answered))
    rare = np.minimum(yes, no) < _LEVEL
    return np.where(rare[codes], len(found), codes)


def _indicators(codes: Any) -> Floats:
    """One column a level, but the commonest."""
    levels, counts = np.unique(codes, return_counts=True)
    others = levels[levels != levels[counts.argmax()]]
    out: Floats = (np.asarray(codes)[:, None] == others[None, :]).astype("float64")
    return out
