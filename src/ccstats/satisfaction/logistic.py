"""A logistic regression that also copes with levels where everybody answers alike (Firth's penalised likelihood)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

__all__ = ["Fit", "fit_logistic"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    Parameters
    ----------
    design : array of float
        Answers × effects, a constant first.
    effects : array of float
        On the scale of log-odds.
    covariance : array of float
        Of the effects.

    Examples
    --------
    >>> import numpy as np
    >>> Fit(np.ones((2, 1)), np.zeros(1), np.eye(1)).effects
    array([0.])
    """

    design: Floats
    effects: Floats
    covariance: Floats


def fit_logistic(design: Floats, happy: NDArray[np.bool_], *, firth: bool = False) -> Fit:
    """Fit it: by maximum likelihood with robust standard errors, or by Firth's penalised likelihood.

    Parameters
    ----------
    design : array of float
        Answers × effects, a constant first, of full rank.
    happy : array of bool
        What is explained.
    firth : bool
        Penalised; its covariance is that of the model.

    Returns
    -------
    Fit

    Notes
    -----
    Firth's score of effect r is Σ (y − p + h (½ − p)) x_r, with h the leverages.

    Examples
    --------
    Of 3 without all are satisfied, of 3 with it 1: the odds ratio that Firth gives is that of counts with ½ added.

    >>> import numpy as np
    >>> group = np.array([0, 0, 0, 1, 1, 1.0])
    >>> fit = fit_logistic(np.column_stack([np.ones(6), group]), np.array([True] * 4 + [False] * 2), firth=True)
    >>> round(float(np.exp(fit.effects[1])), 4), round((1.5 / 2.5) / (3.5 / 0.5), 4)
    (0.0857, 0.0857)
    """
    y = happy.astype("float64")
    if not firth:
        import statsmodels.api as sm

        found = sm.GLM(y, design, family=sm.families.Binomial()).fit(cov_type="HC1")
        return Fit(design, np.asarray(found.params), np.asarray(found.cov_params()))
    effects = np.zeros(design.shape[1])
    for _ in range(200):
        p = special.expit(design @ effects)
        weight = p * (1 - p)
        inverse = np.linalg.pinv((design * weight[:, None]).T @ design)
        leverage = weight * np.einsum("ij,jk,ik->i", design, inverse, design)
        step = inverse @ (design.T @ (y - p + leverage * (0.5 - p)))
        effects = effects + np.clip(step, -1.0, 1.0)
        if np.abs(step).max() < 1e-9:
            break
    p = special.expit(design @ effects)
    return Fit(design, effects, np.linalg.pinv((design * (p * (1 - p))[:, None]).T @ design))
