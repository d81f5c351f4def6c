"""Do assessors measure the same? Spread, bias, kappa and intraclass correlation of contacts that several assessors evaluated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from ccstats.errors import OptionError, TableError
from ccstats.satisfaction._cells import divide
from ccstats.satisfaction.quality import score_evaluations
from ccstats.satisfaction.rater_agreement import cohen_kappa, fleiss_kappa, intraclass_correlation
from ccstats.schema import as_frame
from ccstats.spc.proportions import check_confidence

__all__ = ["measure_assessors", "measure_calibration", "measure_item_agreement"]


def measure_calibration(evaluations: Any, *, auto_fail: bool = True, confidence: float = 0.95) -> pd.DataFrame:
    """How far scores of the same contact lie apart when several assessors give them.

    Parameters
    ----------
    evaluations : pandas.DataFrame or Arrow table
        One row an item of an evaluation, with ``contact_id`` and ``assessor``. Contacts with one assessor are left out.
    auto_fail : bool
        Whether an automatic fail makes a score 0, as it does in ``qm_score``; else ``form_score`` is compared.
    confidence : float
        Of the limits, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        One row: ``contacts`` with several assessors, ``assessors``, ``evaluations``; ``calibration_sd``, the standard deviation of
        scores of one contact [score, 0-1]; ``mean_range``, from its lowest to its highest score; ``icc``, ICC(2,1), the share of the
        spread of single scores that comes from the contacts; ``icc_one_way``, ICC(1,1); ``icc_consistency``, ICC(3,1), as if every
        assessor were equally strict. ``calibration_sd`` and the correlations with ``_low`` and ``_high``. Without such contacts
        figures are missing.

    Raises
    ------
    TableError
        As `measure_quality` does; also if ``contact_id`` or ``assessor`` is not there.
    OptionError
        If the confidence is out of range.

    See Also
    --------
    measure_assessors : who is stricter than the others.
    measure_item_agreement : which items are understood differently.

    Notes
    -----
    ``calibration_sd`` is the root of the pooled variance within contacts; its limits are those of chi-squared, which suppose that
    deviations are normal. An assessor who evaluated a contact twice counts with the first time. Two agents of one contact are two contacts
    here. A small spread says little where all contacts are alike: then the correlation is small, too.

    References
    ----------
    P. E. Shrout and J. L. Fleiss (1979), Psychological Bulletin 86, 420-428.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> forms = cc.schema.EVALUATIONS.conform(pd.DataFrame({
    ...     "evaluation_id": ["1", "2", "3", "4"], "contact_id": ["a", "a", "b", "b"], "agent": "Ada", "assessor": ["P", "Q", "P", "Q"],
    ...     "evaluated_at": pd.Timestamp("2025-03-03T09:00Z"), "item": "all", "weight": 1.0, "points": [8.0, 7.0, 5.0, 5.0],
    ...     "max_points": 10.0, "critical_error": False, "auto_fail": False}))
    >>> cc.measure_calibration(forms)[["contacts", "calibration_sd", "mean_range"]].round(3).values.tolist()
    [[2.0, 0.05, 0.05]]
    """
    check_confidence(confidence)
    scores = _several(evaluations, auto_fail=auto_fail)
    wide = _wide(scores)
    judged = (~np.isnan(wide)).sum(axis=1)
    means = np.nanmean(wide, axis=1) if len(wide) else np.empty(0)
    squares, freedom = float(np.nansum((wide - means[:, None]) ** 2)), float((judged - 1).sum())
    sd = np.sqrt(divide(squares, freedom)).item()
    tail = (1 - confidence) / 2
    ends = [float(np.sqrt(squares / special.chdtri(freedom, p))) if freedom else np.nan for p in (tail, 1 - tail)]
    icc = {name: intraclass_correlation(wide, model=model, confidence=confidence) for name, model in _MODELS.items()}
    return pd.DataFrame(
        {
            "contacts": [len(wide)],
            "assessors": [wide.shape[1]],
            "evaluations": [len(scores)],
            "calibration_sd": [sd],
            "calibration_sd_low": [ends[0]],
            "calibration_sd_high": [ends[1]],
            "mean_range": [float((np.nanmax(wide, axis=1) - np.nanmin(wide, axis=1)).mean()) if len(wide) else np.nan],
            **{
                f"{name}{end}": [float(value)]
                for name, found in icc.items()
                for end, value in zip(("", "_low", "_high"), found, strict=True)
            },
        }
    )


_MODELS = {"icc": "two_way", "icc_one_way": "one_way", "icc_consistency": "fixed"}


def measure_assessors(evaluations: Any, *, auto_fail: bool = True, confidence: float = 0.95) -> pd.DataFrame:
    """How much stricter or milder each assessor is than the others were on the same contacts.

    Parameters
    ----------
    evaluations, auto_fail, confidence
        As for `measure_calibration`.

    Returns
    -------
    pandas.DataFrame
        ``assessor``, ``contacts`` shared with others, ``bias``, the mean of own score minus the mean of the others' on the same contact
        [score, 0-1; above 0: milder], with ``bias_low`` and ``bias_high`` (Student's t over contacts; missing with one contact), and
        ``spread``, the standard deviation of these differences.

    Raises
    ------
    TableError, OptionError
        As `measure_calibration` does.

    Notes
    -----
    With k assessors a contact, one mild assessor makes the others look stricter by 1 / (k - 1) of it: of two, the biases are opposite and
    equal, and nobody can say who of them is right.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> forms = cc.schema.EVALUATIONS.conform(pd.DataFrame({
    ...     "evaluation_id": ["1", "2", "3", "4"], "contact_id": ["a", "a", "b", "b"], "agent": "Ada", "assessor": ["P", "Q", "P", "Q"],
    ...     "evaluated_at": pd.Timestamp("2025-03-03T09:00Z"), "item": "all", "weight": 1.0, "points": [8.0, 7.0, 5.0, 5.0],
    ...     "max_points": 10.0, "critical_error": False, "auto_fail": False}))
    >>> cc.measure_assessors(forms)[["assessor", "bias"]].round(3).values.tolist()
    [['P', 0.05], ['Q', -0.05]]
    """
    check_confidence(confidence)
    scores = _several(evaluations, auto_fail=auto_fail)
    whole = scores.groupby("unit")["score"]
    others = (whole.transform("sum") - scores["score"]) / (whole.transform("count") - 1)
    by = scores.assign(away=scores["score"] - others).groupby("assessor", observed=True)["away"]
    count, mean, spread = by.count().to_numpy(), by.mean().to_numpy(), by.std(ddof=1).to_numpy()
    t = special.stdtrit(np.maximum(count - 1, 1), 0.5 + confidence / 2)
    half = np.where(count > 1, t * spread / np.sqrt(np.maximum(count, 1)), np.nan)
    return pd.DataFrame(
        {
            "assessor": pd.Categorical(by.count().index.astype("str")),
            "contacts": count.astype("int64"),
            "bias": mean,
            "bias_low": mean - half,
            "bias_high": mean + half,
            "spread": spread,
        }
    )


def measure_item_agreement(evaluations: Any, *, categories: str = "points", confidence: float = 0.95) -> pd.DataFrame:
    """Which items assessors agree on, contact by contact, beyond what chance gives.

    Parameters
    ----------
    evaluations : pandas.DataFrame or Arrow table
        As for `measure_calibration`.
    categories : str
        ``points``: two assessors agree if they give the same points; ``pass``: if both give all points, or neither does. That an item does
        not apply is a category of its own.
    confidence : float
        Of the limits, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        ``item``, ``contacts``, ``judgements``, ``assessors``; ``agreement``, the share of pairs of assessors who agree on a contact, every
        contact weighing the same; ``kappa`` with ``kappa_low`` and ``kappa_high``: Cohen's where the item has two assessors, else Fleiss's
        (``method`` says which). Missing where all judgements are the same category: then there is nothing to agree on.

    Raises
    ------
    OptionError
        If an argument has no such value.
    TableError
        As `measure_calibration` does.

    References
    ----------
    J. Cohen (1960), Educational and Psychological Measurement 20, 37-46. J. L. Fleiss (1971), Psychological Bulletin 76, 378-382.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> forms = cc.schema.EVALUATIONS.conform(pd.DataFrame({
    ...     "evaluation_id": list("123456"), "contact_id": ["a", "a", "b", "b", "c", "c"], "agent": "Ada", "assessor": ["P", "Q"] * 3,
    ...     "evaluated_at": pd.Timestamp("2025-03-03T09:00Z"), "item": "greeting", "weight": 1.0, "points": [2.0, 2.0, 1.0, 2.0, 0.0, 0.0],
    ...     "max_points": 2.0, "critical_error": False, "auto_fail": False}))
    >>> cc.measure_item_agreement(forms)[["item", "contacts", "agreement", "kappa", "method"]].round(3).values.tolist()
    [['greeting', 3, 0.667, 0.5, 'cohen']]
    """
    check_confidence(confidence)
    if categories not in ("points", "pass"):
        raise OptionError(f"categories={categories!r} is not known; choose 'points' or 'pass'")
    scores = _several(evaluations, auto_fail=True, scored=False)
    frame = as_frame(evaluations, what="evaluations")
    rows = (
        frame[["evaluation_id", "item", "points", "max_points"]]
        .astype({"evaluation_id": "str"})
        .merge(scores[["evaluation_id", "unit", "assessor"]].astype({"evaluation_id": "str"}), on="evaluation_id")
    )
    given = rows["points"] if categories == "points" else (rows["points"] >= rows["max_points"]).astype("float64")
    rows["category"] = given.where(rows["points"].notna(), -1.0)
    rows = rows[rows.groupby(["item", "unit"], observed=True)["category"].transform("size") > 1]
    out = [_item_row(str(item), part, confidence) for item, part in rows.groupby("item", observed=True)]
    table = pd.DataFrame(out, columns=_ITEM_COLUMNS)
    return table.astype(
        {name: "category" if name in ("item", "method") else "int64" if name in _ITEM_COUNTS else "float64" for name in _ITEM_COLUMNS}
    ).sort_values("item", ignore_index=True, key=lambda values: values.astype("str"))


_ITEM_COUNTS = ("contacts", "judgements", "assessors")
_ITEM_COLUMNS = ["item", "contacts", "judgements", "assessors", "agreement", "kappa", "kappa_low", "kappa_high", "method"]


def _item_row(item: str, rows: pd.DataFrame, confidence: float) -> tuple[Any, ...]:
    counts = pd.crosstab(rows["unit"], rows["category"]).to_numpy(dtype="float64")
    judged = counts.sum(axis=1)
    agreement = float((((counts**2).sum(axis=1) - judged) / (judged * (judged - 1))).mean())
    assessors = rows["assessor"].astype("str")
    names = sorted(assessors.unique())
    if len(names) == 2:
        pair = rows.assign(assessor=assessors).pivot_table(index="unit", columns="assessor", values="category")
        kappa, method = cohen_kappa(pair[names[0]].to_numpy(), pair[names[1]].to_numpy(), confidence=confidence), "cohen"
    else:
        kappa, method = fleiss_kappa(counts, confidence=confidence), "fleiss"
    return item, len(counts), int(judged.sum()), len(names), agreement, *map(float, kappa), method


def _several(evaluations: Any, *, auto_fail: bool, scored: bool = True) -> pd.DataFrame:
    """Evaluations of contacts that several assessors evaluated: id, unit (contact and agent), assessor, score."""
    frame = as_frame(evaluations, what="evaluations")
    lacking = [name for name in ("contact_id", "assessor") if name not in frame]
    if lacking:
        raise TableError(f"evaluations have no column {', '.join(map(repr, lacking))}; who evaluated the same contact is not known")
    scores = score_evaluations(frame)
    scores = scores.assign(score=scores["qm_score"] if auto_fail else scores["form_score"])
    scores = scores[scores["contact_id"].notna() & scores["assessor"].notna() & (scores["score"].notna() | (not scored))]
    scores = scores.assign(unit=scores.groupby(["contact_id", "agent"], observed=True).ngroup())
    scores = scores.sort_values(["evaluated_at", "evaluation_id"], kind="stable").drop_duplicates(["unit", "assessor"])
    several = scores.groupby("unit")["assessor"].transform("size") > 1
    return scores.loc[several, ["evaluation_id", "unit", "assessor", "score"]].sort_values("evaluation_id", ignore_index=True)


def _wide(scores: pd.DataFrame) -> np.ndarray:
    """Contacts × assessors; NaN where an assessor did not evaluate a contact."""
    row, col = (pd.factorize(scores[name])[0] for name in ("unit", "assessor"))
    wide = np.full((int(row.max(initial=-1)) + 1, int(col.max(initial=-1)) + 1), np.nan)
    wide[row, col] = scores["score"].to_numpy()
    return wide
