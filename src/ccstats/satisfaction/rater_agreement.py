"""How far do assessors agree? Cohen's and Fleiss' kappa of categories, intraclass correlations of scores; arrays only."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from ccstats.errors import OptionError

__all__ = ["Agreement", "cohen_kappa", "fleiss_kappa", "intraclass_correlation"]

Floats = NDArray[np.float64]


class Agreement(NamedTuple):
    """A measure of agreement with its limits; missing where it cannot be told.

    Examples
    --------
    >>> Agreement(0.5, 0.2, 0.8).value
    0.5
    """

    value: float
    low: float
    high: float


_NONE = Agreement(np.nan, np.nan, np.nan)


def cohen_kappa(first: ArrayLike, second: ArrayLike, *, confidence: float = 0.95) -> Agreement:
    """Agreement of two assessors beyond chance, each with habits of their own.

    Parameters
    ----------
    first, second : array
        The category that each gave, contact by contact; numbers or text.
    confidence : float
        Of the limits, between 0 and 1.

    Returns
    -------
    Agreement
        1: they always agree; 0: as often as by chance. Missing where both gave one and the same category throughout, or there is nothing.
        The limits are normal, from the large-sample variance; below some 30 contacts they are rough.

    Raises
    ------
    OptionError
        If the two differ in length.

    References
    ----------
    J. Cohen (1960), Educational and Psychological Measurement 20, 37-46. Variance: J. L. Fleiss, J. Cohen and B. S. Everitt (1969),
    Psychological Bulletin 72, 323-327.

    Examples
    --------
    >>> cohen_kappa(["pass", "pass", "fail", "fail"], ["pass", "fail", "fail", "fail"]).value
    0.5
    """
    a, b = np.asarray(first), np.asarray(second)
    if a.ndim != 1 or a.shape != b.shape:
        raise OptionError(f"two assessors must judge the same contacts: {a.shape} and {b.shape} judgements found")
    if len(a) == 0:
        return _NONE
    words, code = np.unique(np.concatenate([a, b]), return_inverse=True)
    size = len(words)
    share = np.bincount(code[: len(a)] * size + code[len(a) :], minlength=size * size).reshape(size, size) / len(a)
    rows, columns = share.sum(axis=1), share.sum(axis=0)
    seen, chance = float(np.trace(share)), float(rows @ columns)
    if chance >= 1:
        return _NONE
    kappa = (seen - chance) / (1 - chance)
    away = (columns[:, None] + rows[None, :]) * (1 - kappa)
    diagonal = float((np.diag(share) * (1 - np.diag(away)) ** 2).sum())
    other = (1 - kappa) ** 2 * float((share * (columns[:, None] + rows[None, :]) ** 2).sum())
    other -= (1 - kappa) ** 2 * float((np.diag(share) * (columns + rows) ** 2).sum())
    variance = (diagonal + other - (kappa - chance * (1 - kappa)) ** 2) / ((1 - chance) ** 2 * len(a))
    half = float(special.ndtri(0.5 + confidence / 2)) * float(np.sqrt(max(variance, 0.0)))
    return Agreement(kappa, max(kappa - half, -1.0), min(kappa + half, 1.0))


def fleiss_kappa(counts: ArrayLike, *, confidence: float = 0.95) -> Agreement:
    """Agreement of any number of assessors beyond chance, whoever judged which contact.

    Parameters
    ----------
    counts : array of int, contacts × categories
        How many assessors gave each contact each category. Contacts with fewer than two judgements are left out; the number may differ
        from contact to contact.
    confidence : float
        Of the limits, between 0 and 1.

    Returns
    -------
    Agreement
        1: they always agree; 0: as often as by chance. Missing where only one category was given, or no contact has two judgements. The
        limits are Student's over contacts left out one at a time (jackknife), missing with one contact.

    Raises
    ------
    OptionError
        If there are no two dimensions, or a count is negative or broken.

    Notes
    -----
    With unequal numbers of judgements, each contact's share of agreeing pairs has the same weight, and chance is taken from all judgements.

    References
    ----------
    J. L. Fleiss (1971), Psychological Bulletin 76, 378-382.

    Examples
    --------
    >>> round(fleiss_kappa([[3, 0], [0, 3], [2, 1], [3, 0]]).value, 3)
    0.625
    """
    table = np.asarray(counts, dtype="float64")
    if table.ndim != 2 or (table < 0).any() or (table != np.floor(table)).any():
        raise OptionError("counts must be whole numbers from 0, one row a contact and one column a category")
    table = table[table.sum(axis=1) >= 2]
    if len(table) == 0:
        return _NONE
    judged = table.sum(axis=1)
    agree = ((table**2).sum(axis=1) - judged) / (judged * (judged - 1))
    value = float(_kappa(agree.mean(), table.sum(axis=0)))
    size = len(table)
    if size < 2 or np.isnan(value):
        return Agreement(float(value), np.nan, np.nan)
    without = _kappa((agree.sum() - agree) / (size - 1), table.sum(axis=0) - table)
    if np.isnan(without).any():
        return Agreement(float(value), np.nan, np.nan)
    error = float(np.sqrt((size - 1) / size * ((without - without.mean()) ** 2).sum()))
    half = float(special.stdtrit(size - 1, 0.5 + confidence / 2)) * error
    return Agreement(float(value), max(value - half, -1.0), min(value + half, 1.0))


def _kappa(seen: ArrayLike, categories: Floats) -> Floats:
    share = categories / categories.sum(axis=-1, keepdims=True)
    chance = (share**2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(chance < 1 - 1e-12, (seen - chance) / (1 - chance), np.nan)


def intraclass_correlation(scores: ArrayLike, *, model: str = "two_way", confidence: float = 0.95) -> Agreement:
    """How much of the spread of single scores comes from the contacts, not from who judged them.

    Parameters
    ----------
    scores : array of float, contacts × assessors
        NaN where an assessor did not judge a contact.
    model : str
        ``one_way``: ICC(1,1), assessors differ from contact to contact; ``two_way``: ICC(2,1), agreement of assessors who stand for others
        like them; ``fixed``: ICC(3,1), consistency of just these assessors, however strict each is.
    confidence : float
        Of the limits, between 0 and 1.

    Returns
    -------
    Agreement
        1: assessors make no difference. It can be negative where they differ more than contacts do. Where every assessor judged every
        contact the limits are Shrout and Fleiss's; otherwise the variances are estimated by Henderson's method 3, and the limits by leaving
        out contacts one at a time. Missing where there are fewer than two contacts or assessors, or too few judgements for the model.

    Raises
    ------
    OptionError
        If there are no two dimensions, a score is infinite, or the model is not known.

    References
    ----------
    P. E. Shrout and J. L. Fleiss (1979), Psychological Bulletin 86, 420-428. C. R. Henderson (1953), Biometrics 9, 226-252, method 3.

    Examples
    --------
    Six contacts, four assessors (the table of Shrout and Fleiss):

    >>> round(intraclass_correlation([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]).value, 2)
    0.29
    """
    y = np.asarray(scores, dtype="float64")
    if model not in ("one_way", "two_way", "fixed"):
        raise OptionError(f"model={model!r} is not known; choose one of: one_way, two_way, fixed")
    if y.ndim != 2 or np.isinf(y).any():
        raise OptionError("scores must be finite numbers or NaN, one row a contact and one column an assessor")
    y = y[(~np.isnan(y)).sum(axis=1) >= 2]
    y = y[:, (~np.isnan(y)).any(axis=0)] if len(y) else y
    if y.shape[0] < 2 or y.shape[1] < 2:
        return _NONE
    if np.isnan(y).any():
        value = _unbalanced(y, model)
        without = np.array([_unbalanced(np.delete(y, row, axis=0), model) for row in range(len(y))])
        if np.isnan(value) or np.isnan(without).any():
            return Agreement(float(value), np.nan, np.nan)
        error = float(np.sqrt((len(y) - 1) / len(y) * ((without - without.mean()) ** 2).sum()))
        half = float(special.stdtrit(len(y) - 1, 0.5 + confidence / 2)) * error
        return Agreement(float(value), max(value - half, -1.0), min(value + half, 1.0))
    return _balanced(y, model, (1 - confidence) / 2)


def _balanced(y: Floats, model: str, tail: float) -> Agreement:
    """Shrout and Fleiss's forms and limits."""
    n, k = y.shape
    between = k * y.mean(axis=1).var(ddof=1)
    judges = n * y.mean(axis=0).var(ddof=1)
    total = ((y - y.mean()) ** 2).sum()
    within = (total - (n - 1) * between) / (n * (k - 1))
    error = max((total - (n - 1) * between - (k - 1) * judges) / ((n - 1) * (k - 1)), 0.0)
    if total <= 1e-15:
        return _NONE

    def from_ratio(ratio: float) -> float:
        return (ratio - 1) / (ratio + k - 1) if np.isfinite(ratio) else 1.0

    if model != "two_way":
        spread = within if model == "one_way" else error
        freedom = n * (k - 1) if model == "one_way" else (n - 1) * (k - 1)
        ratio = between / spread if spread > 1e-15 else np.inf
        above, below = float(stats.f.isf(tail, n - 1, freedom)), float(stats.f.isf(tail, freedom, n - 1))
        ends = (float(from_ratio(each)) for each in (ratio, ratio / above, ratio * below))
        return Agreement(*ends)
    value = (between - error) / (between + (k - 1) * error + k * (judges - error) / n)
    if error <= 1e-15:  # assessors differ by nothing but their strictness
        return Agreement(float(value), np.nan, np.nan)
    ratio, c = judges / error, max(float(value), 0.0)
    a, b = k * c * ratio, n * (1 + (k - 1) * c) - k * c
    freedom = (k - 1) * (n - 1) * (a + b) ** 2 / ((n - 1) * k**2 * c**2 * ratio**2 + b**2)
    above, below = float(stats.f.isf(tail, n - 1, freedom)), float(stats.f.isf(tail, freedom, n - 1))
    rest = k * judges + (k * n - k - n) * error
    low = n * (between - above * error) / (above * rest + n * between)
    high = n * (below * between - error) / (rest + n * below * between)
    return Agreement(float(value), float(low), float(high))


def _unbalanced(y: Floats, model: str) -> float:
    """The same from variances by Henderson's method 3: sums of squares that each factor adds to the other, set to what is expected."""
    known = ~np.isnan(y)
    contact, judge = np.nonzero(known)
    values = y[known]
    size, n = len(values), y.shape[0]
    if n < 2:
        return np.nan
    of_contact = known.sum(axis=1)
    spread = ((values - np.nanmean(y, axis=1)[contact]) ** 2).sum()
    freedom = size - n
    if model == "one_way":
        within = spread / freedom
        total = ((values - values.mean()) ** 2).sum()
        each = (size - (of_contact**2).sum() / size) / (n - 1)
        between = ((total - spread) / (n - 1) - within) / each
        return float(between / (between + within)) if between + within > 1e-15 else np.nan
    used = known.any(axis=0)
    dummies = known[:, used].astype("float64")
    rows = np.eye(int(used.sum()))[np.searchsorted(np.flatnonzero(used), judge)]
    rows = rows - (dummies / of_contact[:, None])[contact]
    fit, _, rank, _ = np.linalg.lstsq(rows, values - np.nanmean(y, axis=1)[contact], rcond=None)
    left = ((values - np.nanmean(y, axis=1)[contact] - rows @ fit) ** 2).sum()
    freedom = size - n - int(rank)
    if freedom < 1 or rank < 1:
        return np.nan
    error = left / freedom
    of_judge = dummies.sum(axis=0)
    means = (np.nan_to_num(y[:, used]) * dummies).sum(axis=0) / of_judge
    only_judges = ((values - means[np.searchsorted(np.flatnonzero(used), judge)]) ** 2).sum()
    contacts = (only_judges - left - (n + int(rank) - int(used.sum())) * error) / (size - (dummies**2 / of_judge).sum())
    judges = (spread - left - int(rank) * error) / (size - (dummies**2 / of_contact[:, None]).sum())
    whole = contacts + error + (judges if model == "two_way" else 0.0)
    return float(contacts / whole) if whole > 1e-15 else np.nan
