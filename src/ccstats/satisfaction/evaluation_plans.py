"""How many evaluations does it take? Numbers per agent for a wanted margin, and the margin that the present number has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ccstats.errors import OptionError
from ccstats.satisfaction._cells import Cells, keys_of
from ccstats.satisfaction.quality import score_evaluations
from ccstats.schema import CONTACTS, as_frame
from ccstats.spc.proportions import check_confidence

__all__ = ["evaluations_needed", "margin_of", "plan_evaluations"]

Floats = NDArray[np.float64]


def evaluations_needed(
    margin: float,
    *,
    population: ArrayLike | None = None,
    share: float | None = None,
    sd: float | None = None,
    confidence: float = 0.95,
    student: bool = True,
) -> Any:
    """The least number of evaluations whose share or mean score is known to a margin.

    Parameters
    ----------
    margin : float
        Half the width of the interval wanted. [share or score, as ``sd``]
    population : int or array of int, optional
        How many contacts there are to draw from; without it, many more than are evaluated. [contacts]
    share : float, optional
        For a share: about how large it is; 0.5 is the safe guess. [0-1]
    sd : float, optional
        For a mean: the standard deviation of single scores. Give either ``share`` or ``sd``. [score]
    confidence : float
        Of the interval, between 0 and 1.
    student : bool
        For a mean: allow for the standard deviation being estimated from the same few evaluations (Student's t).

    Returns
    -------
    float or numpy.ndarray
        Evaluations, whole; at most the population, at which nothing is left to chance.

    Raises
    ------
    OptionError
        If a number is not possible, or neither or both of ``share`` and ``sd`` are given.

    Notes
    -----
    With :math:`n_0 = z^2 s^2 / d^2` (for a share :math:`s^2 = p (1 - p)`) it is :math:`n_0 / (1 + n_0 / N)` for a mean and
    :math:`n_0 / (1 + (n_0 - 1) / N)` for a share.

    References
    ----------
    W. G. Cochran (1977), Sampling Techniques, 3rd edition, (4.2), (4.6): the examples of sections 4.4 and 4.6.

    Examples
    --------
    Krejcie and Morgan's table, 5 points at 95 %: of 1,000 contacts 278, of 10,000 370.

    >>> import ccstats as cc
    >>> [float(cc.evaluations_needed(0.05, population=size, share=0.5)) for size in (1000, 10000)]
    [278.0, 370.0]
    """
    check_confidence(confidence)
    _check(margin=margin, share=share, sd=sd)
    size = np.full(1, np.inf) if population is None else np.atleast_1d(np.asarray(population, dtype="float64"))
    if (size < 0).any() or np.isnan(size).any():
        raise OptionError(f"population={population!r}: expected numbers of contacts, 0 or more")
    z = float(special.ndtri(0.5 + confidence / 2))
    variance = share * (1 - share) if share is not None else float(sd or 0.0) ** 2
    first = z**2 * variance / margin**2
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = first / (1 + (first - (share is not None)) / size)
    needed = np.ceil(np.round(needed, 9))
    if sd is not None and student:
        # Student's t falls with the number it asks for: go up from the normal answer until the margin is kept.
        needed = np.maximum(needed, 2)
        wide = _half(needed, size, variance, confidence, mean=True) > margin
        while (wide & (needed < size)).any():
            needed = np.where(wide & (needed < size), needed + 1, needed)
            wide = _half(needed, size, variance, confidence, mean=True) > margin
    needed = np.clip(needed, np.minimum(1.0, size), size)
    return needed if population is not None and np.ndim(population) else float(needed[0])


def margin_of(
    evaluations: ArrayLike,
    *,
    population: ArrayLike | None = None,
    share: float | None = None,
    sd: float | None = None,
    confidence: float = 0.95,
    student: bool = True,
) -> Any:
    """Half the width of the interval that a number of evaluations gives.

    Parameters
    ----------
    evaluations : int or array of int
        How many.
    population, share, sd, confidence, student
        As for `evaluations_needed`.

    Returns
    -------
    float or numpy.ndarray
        The margin; 0 where the whole population was evaluated, missing where nothing was, or of a mean by ``student`` fewer than two.

    Raises
    ------
    OptionError
        As `evaluations_needed` does.

    Examples
    --------
    Ten evaluations say of a pass share near 85 % no more than this:

    >>> import ccstats as cc
    >>> round(cc.margin_of(10, population=400, share=0.85), 3)
    0.219
    """
    check_confidence(confidence)
    _check(margin=1.0, share=share, sd=sd)
    n = np.atleast_1d(np.asarray(evaluations, dtype="float64"))
    size = np.full(n.shape, np.inf) if population is None else np.atleast_1d(np.asarray(population, dtype="float64"))
    variance = share * (1 - share) if share is not None else float(sd or 0.0) ** 2
    half = _half(n, size, variance, confidence, mean=share is None, student=student)
    many = np.ndim(evaluations) or (population is not None and np.ndim(population))
    return half if many else float(half[0])


def plan_evaluations(
    contacts: Any,
    evaluations: Any = None,
    *,
    margin: float,
    share: float | None = None,
    sd: float | None = None,
    by: str | tuple[str, ...] | list[str] = "agent",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How many evaluations each agent needs for a wanted margin, how many there are, and what margin these have.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        The contacts of the time planned for; the answered ones can be evaluated.
    evaluations : pandas.DataFrame or Arrow table, optional
        The evaluations that there are, one row an item.
    margin : float
        Half the width of the interval wanted. [share, or score 0-1]
    share : float, optional
        Plan for a share, such as evaluations without a critical error, of about this size. [0-1]
    sd : float, optional
        Plan for a mean score whose single scores have this standard deviation. Without ``share`` and ``sd`` it is taken from
        ``evaluations``: pooled within groups. [score, 0-1]
    by : str or sequence of str
        Columns of both tables.
    confidence : float
        Of the intervals, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        The groups with ``answered`` contacts, ``evaluations`` of them, ``evaluations_needed``, ``further`` (needed beyond those there
        are), and ``margin_now`` (missing without evaluations; of a mean, with fewer than two).

    Raises
    ------
    OptionError
        If a number is not possible, or there are no scores to take ``sd`` from.
    ColumnError, TableError
        If a column is not there, or a table does not fit its schema.

    See Also
    --------
    evaluations_needed : the formula.

    Notes
    -----
    A margin of 5 points per agent takes more evaluations than anybody makes; with what is possible, compare agents by `compare_agents`,
    and plan the margin for teams (``by="queue"``).

    Examples
    --------
    >>> import ccstats as cc
    >>> contacts = cc.synthesize_contacts(seed=1, days=7).contacts
    >>> plan = cc.plan_evaluations(contacts, margin=0.1, share=0.85, by="queue")
    >>> bool((plan["evaluations_needed"] <= 49).all()), plan["further"].equals(plan["evaluations_needed"])
    (True, True)
    """
    frame = as_frame(contacts, what="contacts")
    CONTACTS.check(frame, columns=["contact_id", "outcome", *(["agent"] if by == "agent" else [])], keys=False)
    frame = frame[(frame["outcome"] == "answered").to_numpy()]
    keys = keys_of(frame, by, instants=pd.Series(dtype="str"), period=None, timezone=None, what="contacts")
    cells = Cells(keys)
    names = list(keys.columns)
    contact = pd.factorize(frame["contact_id"])[0].astype("int64")
    width = int(contact.max(initial=0)) + 1
    answered = np.bincount(np.unique(cells.codes * width + contact) // width, minlength=len(cells)).astype("int64")
    have = np.zeros(len(cells), dtype="int64")
    if evaluations is not None:
        scores = score_evaluations(evaluations)
        if "contact_id" in scores:  # a contact evaluated twice is one of the sample
            scores = scores[~(scores.duplicated(["contact_id", "agent"]) & scores["contact_id"].notna())]
        known = keys_of(scores, names, instants=scores["evaluated_at"], period=None, timezone=None, what="evaluations")
        groups = known.astype("str").apply(tuple, axis=1) if names else pd.Series([()] * len(known), dtype=object)
        found = groups.value_counts()
        have = np.array([found.get(tuple(row), 0) for row in cells.keys.astype("str").itertuples(index=False, name=None)], dtype="int64")
        if share is None and sd is None:
            sd = _pooled_sd(scores["qm_score"].to_numpy(), pd.factorize(groups)[0])
    if share is None and sd is None:
        raise OptionError("give share= (plan for a share), sd= (plan for a mean score), or evaluations to take the spread of scores from")
    needed = np.asarray(
        evaluations_needed(margin, population=answered.astype("float64"), share=share, sd=sd, confidence=confidence), dtype="float64"
    ).astype("int64")
    now = margin_of(np.minimum(have, answered), population=answered.astype("float64"), share=share, sd=sd, confidence=confidence)
    return cells.table(
        {
            "answered": answered,
            "evaluations": have,
            "evaluations_needed": needed,
            "further": np.maximum(needed - have, 0),
            "margin_now": now,
        }
    )


def _pooled_sd(scores: Floats, group: Any) -> float | None:
    known = ~np.isnan(scores)
    scores, group = scores[known], group[known]
    count = np.bincount(group, minlength=1)
    mean = np.bincount(group, weights=scores, minlength=1) / np.maximum(count, 1)
    freedom = len(scores) - (count > 0).sum()
    sd = float(np.sqrt(((scores - mean[group]) ** 2).sum() / freedom)) if freedom > 0 else 0.0
    if sd <= 0:
        raise OptionError("the evaluations have too few scores, or all the same, so that their spread is not known; give sd= or share=")
    return sd


def _half(n: Floats, size: Floats, variance: float, confidence: float, *, mean: bool, student: bool = True) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = np.where(np.isinf(size), 1.0, (size - n) / np.where(mean, size, np.maximum(size - 1, 1)))
        factor = special.stdtrit(np.maximum(n - 1, 1), 0.5 + confidence / 2) if mean and student else special.ndtri(0.5 + confidence / 2)
        half = factor * np.sqrt(variance / n * np.maximum(rest, 0.0))
    least = 2 if mean and student else 1
    return np.where((n >= size) & (n > 0), 0.0, np.where(n >= least, half, np.nan))


def _check(*, margin: float, share: float | None, sd: float | None) -> None:
    if (share is None) == (sd is None):
        raise OptionError(f"share={share!r}, sd={sd!r}: give share= for a share, or sd= for a mean, not both")
    for name, value, high in (("margin", margin, np.inf), ("share", share, 1.0), ("sd", sd, np.inf)):
        if value is None:
            continue
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not number or not 0 < value < high:
            raise OptionError(f"{name}={value!r} is not possible; give a number above 0{' and below 1' if name == 'share' else ''}")
