"""What drives satisfaction? Wait, transfers, repeat contacts, agents and reasons side by side, each with the others held equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from ccstats.errors import ColumnError, OptionError, TableError, did_you_mean
from ccstats.satisfaction._holm import holm
from ccstats.satisfaction.contact_facts import as_names, contact_facts
from ccstats.satisfaction.driver_terms import Term, find_terms
from ccstats.satisfaction.logistic import Fit, fit_logistic
from ccstats.satisfaction.scales import STATISTICS, check_surveys, one_scale, unit_scores
from ccstats.spc.proportions import check_confidence

__all__ = ["explain_satisfaction"]

Floats = NDArray[np.float64]

_OUTCOMES = ("csat_top1", "csat_top2", "nps_promoter", "nps_detractor", "ces_easy")
_NICKNAMES = {"transferred_to": "transferred"}
#: With fewer answers of the rarer kind no model is fitted; with fewer per effect the row says so.
_FEWEST = 10
_PER_EFFECT = 5


def explain_satisfaction(
    surveys: Any,
    contacts: Any,
    *,
    outcome: str = "csat_top2",
    drivers: str | Sequence[str] = ("wait_s", "transferred_to", "repeat", "agent", "reason"),
    window_days: float = 7.0,
    step_s: float = 60.0,
    fewest: int = 10,
    timezone: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Driver table: by how many points each driver moves the share of satisfied customers, the other drivers held equal.

    Parameters
    ----------
    surveys : pandas.DataFrame or Arrow table
        One row a question, with ``contact_id``.
    contacts : pandas.DataFrame or Arrow table
        One row a visit.
    outcome : str
        What is explained: ``csat_top2``, ``csat_top1``, ``nps_promoter``, ``nps_detractor`` or ``ces_easy``.
    drivers : str or sequence of str
        Of the contact: ``wait_s`` (sum over visits) and other numbers, ``transferred_to`` (whether it was transferred), ``repeat``
        (whether the same customer was there in the window before), ``agent`` and ``queue`` (of the last answered visit), ``reason``,
        ``hour``, ``weekday``, or any column of the contacts or the surveys.
    window_days : float
        For ``repeat``. [days]
    step_s : float
        The difference in a duration that an effect is given for. [s]
    fewest : int
        Levels with fewer answers are put together as ``(other)``. [answers]
    timezone : str
        Whose hours and weekdays count.
    confidence : float
        Of all intervals, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        One row a driver and level, in the order asked: ``driver``, ``level``, ``reference`` (what it is compared with: the commonest
        level, or the value one step lower), ``responses`` and ``share`` of the answers it concerns; ``effect`` with ``_low`` and
        ``_high``, the average marginal effect in points; ``odds_ratio`` with ``_low`` and ``_high``; ``p_value``, and ``driver_p``, of
        all levels of the driver together; ``driver_p_adjusted`` for the number of drivers (Holm); ``note``. Where an effect cannot be
        told it is missing and the note says why.

    Raises
    ------
    TableError
        As `measure_satisfaction` does; if no answered survey belongs to one of the contacts.
    OptionError, ColumnError
        If an argument has no such value, or a driver is not known of contacts or surveys.

    See Also
    --------
    check_nonresponse : whether those who answered are like the others.
    compare_satisfaction : change between two periods, without explaining it.

    Notes
    -----
    A logistic regression (statsmodels) with standard errors that do not take the model for right (HC1); answers of one customer count as
    independent. The effect is the mean over all answers of the difference that the driver's change makes to the fitted share; its interval
    comes by the delta method.

    *Levels in which everybody is satisfied, or nobody*, would have an infinite effect: then the whole model is fitted with Firth's
    penalised likelihood, which keeps it finite, and the rows of such levels say so.
    *Drivers that cannot be told apart* (every answer about returns is from agent A): the later one in ``drivers`` loses the level, with
    a note. *Too few*: with fewer than 10 answers of the rarer kind nothing is fitted; with fewer than 5 per effect the rows say so, and
    their intervals are too narrow. A driver here is what goes along with satisfaction among those who answered. It is a cause only as
    far as nothing else that matters was left out: an agent with the hard cases looks bad without ``reason``.

    References
    ----------
    Firth (1993), Biometrika 80, pp. 27-38; Heinze and Schemper (2002), Statistics in Medicine 21, pp. 2409-2419.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> from ccstats.schema import SURVEYS
    >>> calls = cc.synthesize_contacts(seed=1).contacts
    >>> calls = calls[calls["outcome"] == "answered"].drop_duplicates("contact_id").reset_index(drop=True)
    >>> happy = (calls["wait_s"] < 30) ^ (calls.index % 5 == 0)  # waiting decides, with a fifth that is otherwise
    >>> surveys = pd.DataFrame({"response_id": calls["contact_id"], "contact_id": calls["contact_id"]})
    >>> surveys["score"] = happy.map({True: 5.0, False: 2.0})
    >>> surveys = surveys.assign(instrument="csat", scale_min=1.0, scale_max=5.0, polarity="higher_is_better")
    >>> surveys = SURVEYS.conform(surveys.assign(invited_at=None, responded_at=None))
    >>> found = cc.explain_satisfaction(surveys, calls, drivers="wait_s").loc[0]
    >>> bool(found["effect_high"] < 0)
    True
    """
    confidence = check_confidence(confidence)
    if outcome not in _OUTCOMES:
        raise OptionError(f"outcome={outcome!r}: expected {', '.join(_OUTCOMES)}.{did_you_mean(str(outcome), _OUTCOMES)}")
    if not step_s > 0 or not fewest >= 1:
        raise OptionError(f"step_s={step_s!r}, fewest={fewest!r}: expected seconds above 0 and at least 1 answer")
    names = as_names(drivers, what="drivers")
    if not names:
        raise OptionError("drivers=[]: expected at least one, such as 'wait_s'")
    frame, happy = _answers(surveys, outcome)
    facts = contact_facts(contacts, timezone=timezone, window_days=window_days)
    frame, happy = _join(frame, happy, facts, names)
    terms = [term for name in names for term in find_terms(frame[_NICKNAMES.get(name, name)], name, step_s=step_s, fewest=fewest)]
    table = pd.DataFrame([_row(term) for term in terms])
    rarer = int(min(happy.sum(), len(happy) - happy.sum()))
    if rarer < _FEWEST:
        table["note"] = f"not fitted: {rarer} of {len(happy)} answers are of the rarer kind, {_FEWEST} are needed"
        return _finish(table)
    kept, notes = _tell_apart(terms)
    for number, note in notes.items():
        table.loc[number, "note"] = note
    if not kept:
        return _finish(table)
    separated = [number for number in kept if terms[number].separated(happy)]
    fit = fit_logistic(np.column_stack([np.ones(len(happy)), *(terms[number].column for number in kept)]), happy, firth=bool(separated))
    z = float(special.ndtri(0.5 + confidence / 2))
    for position, number in enumerate(kept, start=1):
        siblings = [
            at for at, other in enumerate(kept, start=1) if terms[other].driver == terms[number].driver and not terms[other].numeric
        ]
        _fill(table, number, terms[number], fit, position, siblings, z)
        said = [terms[number].note] if terms[number].note else []
        if number in separated:
            said.append("everybody or nobody here is satisfied: penalised (Firth), the size of the effect is uncertain")
        if rarer < _PER_EFFECT * len(kept):
            said.append(f"{rarer} answers of the rarer kind for {len(kept)} effects: intervals are too narrow")
        table.loc[number, "note"] = "; ".join(said)
    for name in names:
        at = [position for position, number in enumerate(kept, start=1) if terms[number].driver == name]
        if at:
            wald = fit.effects[at] @ np.linalg.pinv(fit.covariance[np.ix_(at, at)]) @ fit.effects[at]
            table.loc[table["driver"] == name, "driver_p"] = float(stats.chi2.sf(wald, len(at)))
    return _finish(table)


def _answers(surveys: Any, outcome: str) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Answers to the question, and whether each is of the kind that is explained."""
    frame = check_surveys(surveys)
    name = "nps" if outcome.startswith("nps") else outcome
    unit = unit_scores(frame, name)
    frame = frame[(frame["instrument"] == STATISTICS[name].instrument).to_numpy()]
    one_scale(frame, np.zeros(len(frame), dtype="int64"), lambda _: "")
    unit = unit[frame.index]
    said = ~np.isnan(unit)
    frame, unit = frame[said].reset_index(drop=True), unit[said]
    return frame, (unit == 0) if outcome == "nps_detractor" else (unit == 1)


def _join(frame: pd.DataFrame, happy: NDArray[np.bool_], facts: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    wanted = [_NICKNAMES.get(name, name) for name in names]
    lacking = [name for name, column in zip(names, wanted, strict=True) if column not in facts and column not in frame]
    if lacking:
        raise ColumnError(
            f"drivers={names}: {', '.join(map(repr, lacking))} is not known of the contacts ({', '.join(map(str, facts.columns))}) "
            "(repeat needs a customer, transferred_to its column), nor of the surveys"
        )
    known = frame["contact_id"].isin(set(facts["contact_id"])).to_numpy()
    if len(frame) and not known.any():
        raise TableError(
            f"none of {len(frame)} answers belongs to one of the contacts: is contact_id a name of the same contact in both tables? "
            f"First in surveys: {frame['contact_id'].iloc[0]}"
        )
    frame = frame[known].drop(columns=[name for name in wanted if name in frame and name in facts])
    columns = list(dict.fromkeys(name for name in wanted if name in facts))
    return frame.merge(facts[["contact_id", *columns]], on="contact_id", how="left"), happy[known]


def _row(term: Term) -> dict[str, Any]:
    row: dict[str, Any] = {"driver": term.driver, "level": term.level, "reference": term.reference}
    row |= {"responses": int(term.concerned.sum()), "share": float(term.concerned.mean()) if len(term.concerned) else np.nan}
    row |= dict.fromkeys(_NUMBERS, np.nan)
    return row | {"note": term.note}


_NUMBERS = (
    *(f"{name}{end}" for name in ("effect", "odds_ratio") for end in ("", "_low", "_high")),
    "p_value",
    "driver_p",
    "driver_p_adjusted",
)


def _tell_apart(terms: list[Term]) -> tuple[list[int], dict[int, str]]:
    """Terms that add something to the constant and those before them, and why the others do not."""
    kept: list[int] = []
    notes: dict[int, str] = {}
    if not terms:
        return kept, notes
    base = np.ones((len(terms[0].column), 1))
    for number, term in enumerate(terms):
        if not np.ptp(term.column) > 0:
            notes[number] = term.note or "the same in all answers"
            continue
        column = term.column / np.abs(term.column).max()
        rest = column - base @ np.linalg.lstsq(base, column, rcond=None)[0]
        if np.sqrt((rest**2).mean()) < 1e-6:
            notes[number] = "cannot be told apart from drivers and levels above"
            continue
        kept.append(number)
        base = np.column_stack([base, column])
    return kept, notes


def _fill(table: pd.DataFrame, number: int, term: Term, fit: Fit, position: int, siblings: list[int], z: float) -> None:
    effect = float(fit.effects[position])
    error = float(np.sqrt(fit.covariance[position, position]))
    table.loc[number, ["odds_ratio", "odds_ratio_low", "odds_ratio_high"]] = np.exp([effect, effect - z * error, effect + z * error])
    table.loc[number, "p_value"] = float(2 * special.ndtr(-abs(effect) / error)) if error > 0 else np.nan
    with_, without = fit.design.copy(), fit.design.copy()
    if term.numeric:
        with_[:, position] += 1.0
    else:
        with_[:, siblings] = without[:, siblings] = 0.0
        with_[:, position] = 1.0
    one, two = (special.expit(each @ fit.effects) for each in (with_, without))
    slope = (one * (1 - one)) @ with_ / len(one) - (two * (1 - two)) @ without / len(two)
    mean, spread = float((one - two).mean()), float(np.sqrt(max(slope @ fit.covariance @ slope, 0.0)))
    table.loc[number, ["effect", "effect_low", "effect_high"]] = 100 * np.array(
        [mean, max(mean - z * spread, -1.0), min(mean + z * spread, 1.0)]
    )


def _finish(table: pd.DataFrame) -> pd.DataFrame:
    each = table.drop_duplicates("driver").set_index("driver")["driver_p"].dropna()
    if len(each):
        adjusted = dict(zip(each.index, holm(each.to_numpy()), strict=True))
        table["driver_p_adjusted"] = table["driver"].map(adjusted).astype("float64")
    return table.astype({"driver": "str", "level": "str", "reference": "str", "note": "str"})
