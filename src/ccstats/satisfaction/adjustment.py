"""What would all contacts have said? Figures adjusted for who answered, and the range that no adjustment can narrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from ccstats.errors import OptionError
from ccstats.satisfaction.contact_facts import as_names, contact_facts, group_rows
from ccstats.satisfaction.nonresponse import asked_contacts
from ccstats.satisfaction.poststratification import poststratify
from ccstats.satisfaction.propensity import Answers, design_matrix, estimate_all
from ccstats.satisfaction.scales import STATISTICS, check_surveys, one_scale, unit_scores
from ccstats.satisfaction.score_intervals import mean_interval
from ccstats.spc.proportions import check_confidence, wilson_interval

__all__ = ["CANNOT_CORRECT", "adjust_satisfaction"]

Floats = NDArray[np.float64]

#: What every adjusted figure has to say of itself.
CANNOT_CORRECT = (
    "adjusted for the named variables only: nobody can correct for customers who answer because they are unhappy (or happy); "
    "the sensitivity range says how far that could move the figure"
)

#: With fewer answers than this no models are fitted.
_FEWEST = 30


def adjust_satisfaction(
    surveys: Any,
    contacts: Any,
    *,
    statistic: str = "csat_top2",
    variables: str | Sequence[str] = ("wait_s", "queue", "hour"),
    by: str | Sequence[str] = (),
    period: str | None = None,
    timezone: str | None = None,
    population: str = "answered",
    response_odds: tuple[float, float] = (0.5, 2.0),
    confidence: float = 0.95,
) -> pd.DataFrame:
    """A figure as answered, post-stratified and adjusted for who answered, and how far those who answer out of anger could move it.

    Parameters
    ----------
    surveys : pandas.DataFrame or Arrow table
        One row a question, with ``contact_id``.
    contacts : pandas.DataFrame or Arrow table
        One row a visit.
    statistic : str
        ``csat_top1``, ``csat_top2``, ``csat_mean``, ``nps``, ``ces_easy``, ``ces_mean``, ``ces_net`` or ``other_mean``.
    variables : str or sequence of str
        What answering and satisfaction may both depend on, as for `check_nonresponse`.
    by : str or sequence of str
        Group columns of the contacts, such as ``queue``. The models are those of all contacts of the period.
    period : str, optional
        ``day``, ``week`` or ``month``, by the contact's ``queued_at``, each with models of its own; without one, everything together.
    timezone : str, optional
        Whose hours and days count; needed with ``period``. Hours are those of UTC without it.
    population : str
        ``answered`` contacts, ``all`` that joined a queue, or ``invited`` ones.
    response_odds : (float, float)
        The unhappiest may be this much less or more likely to answer, in odds, than the happiest *of the same wait, queue and hour*.
    confidence : float
        Of all intervals, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        The groups, ``period_start`` where asked for, ``statistic``, ``contacts``, ``responses``; ``observed``, ``poststratified``,
        ``adjusted`` with ``_low`` and ``_high``; ``sensitivity_low`` and ``sensitivity_high``, the range for the odds given, sampling
        error included, and ``sensitivity_least`` and ``sensitivity_most``, the same without it; ``effective_responses``, as many
        unweighted answers as the weighted are worth; ``can_correct``, always false for one-sided answers, and ``note``, which says so.
        With fewer than 30 answers in the period, or all alike, only ``observed`` is there.

    Raises
    ------
    TableError, OptionError, ColumnError, ZoneError
        As `check_nonresponse` does, and if ``response_odds`` are not positive and in order.

    See Also
    --------
    check_nonresponse : whether it matters.

    Notes
    -----
    *The truth meant* is the mean satisfaction to be expected of the contacts that came: each with its own probability of being
    satisfied, given what happened to it. The interval has this in its centre; that of what they would really have said, had everybody
    answered, is a little different.

    *Adjusted* is the augmented inverse-probability estimator: a logistic regression of answering on the variables (smooth in numbers,
    a level each for queues and hours, with interactions), one of satisfaction, and the mean over all contacts of what the second
    predicts, corrected by the answers' weighted errors. It is right if one of the two is, and its standard error needs no term for the
    weights' estimation because the two errors multiply. Shares get Wilson's limits with as many answers as give that standard error.

    *Post-stratified* is the classical figure: cells of queue, wait and hour, each weighted by its contacts; cells with few answers are
    joined to coarser ones. It is there to be compared with; it leaves what differs inside a cell.

    *Sensitivity.* Let the unhappy among contacts that are alike answer with odds γ times those of the happy. Then of those who were
    silent the odds of being happy are γ times what the answers say, and the truth is the mean of the answers of those who gave one and
    of that for the others: no assumption but γ, which the data say nothing about. Scores in between are tilted by γ^score, with the
    score on 0-1.

    On 2,500 simulated contacts with 440 to 850 answers, 1,000 seeds each, the adjusted 95 % interval held the truth in 95.5, 96.0 and
    94.1 % for straight, curved and stepped dependence (as answered: 0.3, 93.4 and 0.4 %); the sensitivity range in 95.8 % where the
    true odds were at its very end, 0.5. With a hundred answers, at that end, it held it in 92 of 100.

    References
    ----------
    Robins, Rotnitzky and Zhao (1994), Journal of the American Statistical Association 89, pp. 846-866. Kim and Yu (2011), same journal,
    106, pp. 157-165 (exponential tilting).

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> from ccstats.schema import SURVEYS
    >>> calls = cc.synthesize_contacts(seed=1).contacts
    >>> calls = calls[calls["outcome"] == "answered"].drop_duplicates("contact_id").reset_index(drop=True)
    >>> score = (calls["wait_s"] < 30).map({True: 5.0, False: 2.0})  # who waited is not satisfied …
    >>> score = score.where((calls["wait_s"] >= 30) | (calls.index % 4 == 0))  # … and always answers; of the others every fourth
    >>> surveys = pd.DataFrame({"response_id": calls["contact_id"], "contact_id": calls["contact_id"], "score": score})
    >>> surveys = surveys.assign(instrument="csat", scale_min=1.0, scale_max=5.0, polarity="higher_is_better")
    >>> surveys = SURVEYS.conform(surveys.assign(invited_at=None, responded_at=None))
    >>> found = cc.adjust_satisfaction(surveys, calls, variables="wait_s").loc[0]
    >>> bool(found["observed"] < found["adjusted"])
    True
    """
    confidence = check_confidence(confidence)
    odds = _check_odds(response_odds)
    frame = check_surveys(surveys)
    unit = unit_scores(frame, statistic)
    names, groups = as_names(variables, what="variables"), as_names(by)
    frame = frame.assign(unit=unit)[(frame["instrument"] == STATISTICS[statistic].instrument).to_numpy()]
    facts = asked_contacts(frame, contact_facts(contacts, timezone=timezone or "UTC"), population, names)
    one_scale(frame, np.zeros(len(frame), dtype="int64"), lambda _: "")
    said = frame.dropna(subset=["unit", "contact_id"]).groupby("contact_id")["unit"].mean()
    facts["unit"] = facts["contact_id"].map(said)
    low, high = _ends(frame, statistic)
    codes, keys = group_rows(facts, groups, booked_at=facts["queued_at"], period=period, timezone=timezone, what="contacts")
    figures = {name: np.full(len(keys), np.nan) for name in _COLUMNS}
    notes = np.full(len(keys), CANNOT_CORRECT, dtype=object)
    spans = pd.factorize(keys["period_start"])[0] if period is not None else np.zeros(len(keys), dtype="int64")
    for span in np.unique(spans):
        rows = np.flatnonzero(spans[codes] == span)
        _fill(figures, notes, facts.iloc[rows].reset_index(drop=True), codes[rows], names, odds, STATISTICS[statistic].kind, confidence)
    columns: dict[str, Any] = {"statistic": pd.array([statistic] * len(keys), dtype="str")}
    columns["contacts"] = np.bincount(codes, minlength=len(keys))
    columns["responses"] = np.bincount(codes[facts["unit"].notna().to_numpy()], minlength=len(keys))
    columns |= {name: low + (high - low) * values if name != "effective_responses" else values for name, values in figures.items()}
    return keys.assign(**columns, can_correct=False, note=pd.array(notes, dtype="str"))


_COLUMNS = (
    *(f"{name}{end}" for name in ("observed", "poststratified", "adjusted") for end in ("", "_low", "_high")),
    "sensitivity_low",
    "sensitivity_least",
    "sensitivity_most",
    "sensitivity_high",
    "effective_responses",
)


def _fill(
    figures: dict[str, Floats],
    notes: NDArray[np.object_],
    facts: pd.DataFrame,
    codes: NDArray[np.int64],
    names: list[str],
    odds: tuple[float, float],
    kind: str,
    confidence: float,
) -> None:
    """The figures, on 0-1, of the groups of one period."""
    unit = facts["unit"].to_numpy(dtype="float64")
    answered = ~np.isnan(unit)
    for group in np.unique(codes):
        own = unit[answered & (codes == group)]
        if len(own):
            figures["observed"][group] = own.mean()
            limits = _sample_limits(own, kind, confidence)
            figures["observed_low"][group], figures["observed_high"][group] = limits
    if answered.sum() < _FEWEST or np.ptp(unit[answered]) == 0:
        why = f"only {answered.sum()} answers" if answered.sum() < _FEWEST else "all answers alike"
        notes[np.unique(codes)] = f"not adjusted: {why} in the period; {CANNOT_CORRECT}"
        return
    design = design_matrix(facts, names, answered)
    answers = Answers(answered, unit, design)
    base = estimate_all(answers)
    tilted = [estimate_all(answers, odd) if odd != 1 else base for odd in odds]
    weight, spread = poststratify(facts, names, answered, unit, codes)
    for group in np.unique(codes):
        here = codes == group
        if not (answered & here).any():
            notes[group] = f"no answers in the group: its figure rests on the models of the others; {CANNOT_CORRECT}"
        figures["poststratified"][group] = weight[group]
        figures["poststratified_low"][group], figures["poststratified_high"][group] = _limits(
            weight[group], spread[group], kind, confidence
        )
        value, variance = _mean(base, here)
        figures["adjusted"][group] = value
        figures["adjusted_low"][group], figures["adjusted_high"][group] = _limits(value, variance, kind, confidence)
        ranges = [(_mean(each, here)[0], _limits(*_mean(each, here), kind, confidence)) for each in tilted]
        figures["sensitivity_least"][group], figures["sensitivity_most"][group] = (each[0] for each in ranges)
        figures["sensitivity_low"][group], figures["sensitivity_high"][group] = ranges[0][1][0], ranges[1][1][1]
        worth = 1 / base[2][answered & here]
        figures["effective_responses"][group] = worth.sum() ** 2 / (worth**2).sum() if len(worth) else 0.0


def _mean(estimate: tuple[Floats, Floats, Floats], here: NDArray[np.bool_]) -> tuple[float, float]:
    count = here.sum()
    return float(np.clip(estimate[0][here].mean(), 0.0, 1.0)), float((estimate[1][here] ** 2).sum() / count**2)


def _limits(value: float, variance: float, kind: str, confidence: float) -> tuple[float, float]:
    """Limits on 0-1 of a figure with that variance: Wilson's for shares, normal ones for the others."""
    if np.isnan(value) or np.isnan(variance):
        return np.nan, np.nan
    if kind != "share":
        half = float(special.ndtri(0.5 + confidence / 2)) * np.sqrt(variance)
        return max(value - half, 0.0), min(value + half, 1.0)
    if variance <= 0:
        return value, value
    inside = float(np.clip(value, 1e-6, 1 - 1e-6))
    worth = inside * (1 - inside) / variance
    low, high = wilson_interval(inside * worth, worth, confidence=confidence)
    return float(low), float(high)


def _sample_limits(unit: Floats, kind: str, confidence: float) -> tuple[float, float]:
    if kind == "share":
        low, high = wilson_interval(unit.sum(), len(unit), confidence=confidence)
        return float(low), float(high)
    steps = 200 if kind == "mean" else 2
    limits = mean_interval(np.bincount(np.round(unit * steps).astype("int64"), minlength=steps + 1), confidence=confidence)
    return limits[0] / steps, limits[1] / steps


def _ends(frame: pd.DataFrame, statistic: str) -> tuple[float, float]:
    kind = STATISTICS[statistic].kind
    if kind != "mean":
        return (0.0, 1.0) if kind == "share" else (-100.0, 100.0)
    if frame.empty:
        return np.nan, np.nan
    return float(frame["scale_min"].iloc[0]), float(frame["scale_max"].iloc[0])


def _check_odds(odds: Any) -> tuple[float, float]:
    try:
        low, high = (float(each) for each in odds)
    except (TypeError, ValueError):
        raise OptionError(f"response_odds={odds!r}: expected two numbers, such as (0.5, 2.0)") from None
    if not (0 < low <= 1 <= high < np.inf):
        raise OptionError(f"response_odds={odds!r}: expected two odds ratios with 0 < low <= 1 <= high, such as (0.5, 2.0)")
    return low, high
