"""How well were contacts handled? Scores of evaluations, critical errors, automatic fails, coverage, and how many evaluations it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import ColumnError, TableError
from ccstats.satisfaction._cells import Cells, Clusters, divide, keys_of, score_limits, share_limits
from ccstats.satisfaction._forms import FORM_COLUMNS, add_up, checked
from ccstats.schema import CONTACTS, as_frame
from ccstats.spc.proportions import check_confidence

__all__ = ["measure_quality", "score_evaluations"]

Ints = NDArray[np.int64]


def score_evaluations(evaluations: Any) -> pd.DataFrame:
    """One row an evaluation: its score with and without automatic fails, and what it rests on.

    Parameters
    ----------
    evaluations : pandas.DataFrame or Arrow table
        One row an item of an evaluation.

    Returns
    -------
    pandas.DataFrame
        ``evaluation_id``, what the table says of it (``contact_id, agent, assessor, evaluated_at, queue, channel``), ``points`` and
        ``max_points`` (weighted, of items that apply), ``qm_score`` (0 after an automatic fail), ``form_score`` (without regard to
        it), ``items``, ``items_not_applicable``, ``critical_error``, ``auto_fail``; sorted by ``evaluation_id``. An evaluation
        without an item that applies has no score, unless it failed automatically, which is 0.

    Raises
    ------
    TableError
        If points are outside 0 to ``max_points``, a weight is negative, one evaluation has several contacts, agents or assessors, or the
        table does not fit its schema.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> form = cc.schema.EVALUATIONS.conform(pd.DataFrame({
    ...     "evaluation_id": "E1", "contact_id": "c1", "agent": "Ada", "assessor": "Q", "evaluated_at": pd.Timestamp("2025-03-03T09:00Z"),
    ...     "item": ["greeting", "solution", "data protection"], "weight": [1.0, 4.0, 2.0], "points": [2.0, 3.0, None],
    ...     "max_points": [2.0, 4.0, 2.0], "critical_error": False, "auto_fail": False}))
    >>> cc.score_evaluations(form)[["points", "max_points", "form_score", "items_not_applicable"]].round(3).values.tolist()
    [[14.0, 18.0, 0.778, 1.0]]
    """
    frame = checked(as_frame(evaluations, what="evaluations"))
    code, ids = pd.factorize(frame["evaluation_id"], sort=True)
    code = code.astype("int64")
    first = np.empty(len(ids), dtype="int64")
    first[code[::-1]] = np.arange(len(frame))[::-1]
    sums = add_up(frame, code, len(ids))
    form = divide(sums["points"], sums["possible"])
    told = frame.iloc[first].reset_index(drop=True)
    return pd.DataFrame(
        {
            "evaluation_id": told["evaluation_id"],
            **{name: told[name] for name in FORM_COLUMNS if name in frame},
            "points": sums["points"],
            "max_points": sums["possible"],
            "qm_score": np.where(sums["failed"], 0.0, form),
            "form_score": form,
            "items": sums["items"],
            "items_not_applicable": sums["not_applicable"],
            "critical_error": sums["critical"],
            "auto_fail": sums["failed"],
        }
    )


def measure_quality(
    evaluations: Any,
    *,
    contacts: Any = None,
    by: str | Sequence[str] = "agent",
    period: str | None = None,
    timezone: str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Quality monitoring per group and period: score, critical error accuracy, automatic fails, and the share of contacts evaluated.

    Parameters
    ----------
    evaluations : pandas.DataFrame or Arrow table
        One row an item of an evaluation.
    contacts : pandas.DataFrame or Arrow table, optional
        The contacts that could have been evaluated, for ``qm_coverage``; ``by`` must be columns of both.
    by : str or sequence of str
        Group columns of ``evaluations``: ``agent``, ``queue``, ``assessor``, ``item`` … A group of items judges its own rows alone.
    period : str, optional
        ``hour``, ``day``, ``week``, ``month``, … by ``evaluated_at`` (of contacts by ``queued_at``); without one, one row a group.
    timezone : str, optional
        The zone whose days count; needed with ``period``.
    confidence : float
        Of the limits, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        One row a group and period: ``evaluations``, ``items`` and ``items_not_applicable``; ``qm_score``, the points of all evaluations
        over what was possible, where an automatic fail makes an evaluation's points 0, and ``form_score``, without regard to it;
        ``critical_accuracy``, the share of evaluations without a critical error, with ``error_class`` also
        ``critical_accuracy_<class>`` for each class; ``auto_fail_rate``; each with ``_low`` and ``_high``. With ``contacts``:
        ``answered`` (contacts), ``evaluated`` of them, ``qm_coverage``; agents without an evaluation have rows then, too, and
        ``contacts_unknown`` counts evaluations of contacts that are not in the table. Shares of nothing are missing.

    Raises
    ------
    TableError
        If a table does not fit its schema, or as `score_evaluations` does.
    ColumnError
        If a ``by`` column is not there.
    OptionError, ZoneError
        If an argument has no such value, or ``period`` is given without ``timezone``.

    See Also
    --------
    plan_evaluations : how many evaluations it takes.
    compare_agents : who differs from the others by more than chance.

    Notes
    -----
    ``qm_score`` weights an evaluation by what was possible in it: one with many items that do not apply counts less. The contact is the
    sampling unit: two evaluations of one contact are one cluster, and items of one evaluation are never taken as independent. The limits
    of scores are Wilson's, with as many units as give the variance of the linearised ratio (Cochran 1977, Sampling Techniques, 2.11), and
    Student's t; where all scores are alike each contact counts as one pass or fail. Of 10 to 40 evaluations with a mean of 0.85 and a
    standard deviation of 0.12, nominal 95 % limits held the truth in 94 to 95 of 100 cases; where one evaluation in twenty is an
    automatic fail, in 88 to 91, because few evaluations often hold none: there look at ``auto_fail_rate``, too. They suppose that
    contacts were drawn by chance; of contacts chosen because of complaints they say nothing.

    A contact counts as evaluated in its own period, not in that of the evaluation, so that coverage never exceeds 1.

    Examples
    --------
    >>> import ccstats as cc
    >>> import pandas as pd
    >>> forms = cc.schema.EVALUATIONS.conform(pd.DataFrame({
    ...     "evaluation_id": ["E1", "E1", "E2", "E2"], "contact_id": ["c1", "c1", "c2", "c2"], "agent": "Ada", "assessor": "Q",
    ...     "evaluated_at": pd.Timestamp("2025-03-03T09:00Z"), "item": ["greeting", "solution"] * 2, "weight": 1.0,
    ...     "points": [2.0, 4.0, 2.0, 4.0], "max_points": [2.0, 4.0] * 2, "critical_error": [False, False, False, True],
    ...     "auto_fail": [False, False, False, True]}))
    >>> quality = cc.measure_quality(forms, by="agent")
    >>> quality[["evaluations", "qm_score", "form_score", "critical_accuracy", "auto_fail_rate"]].values.tolist()
    [[2.0, 0.5, 1.0, 0.5, 0.5]]
    """
    check_confidence(confidence)
    names = list(dict.fromkeys([by] if isinstance(by, str) else by))
    told = as_frame(evaluations, what="evaluations")
    classes = "error_class" in told
    frame = checked(told, more=["error_class"] if classes else [])
    keys = keys_of(frame, names, instants=frame["evaluated_at"], period=period, timezone=timezone, what="evaluations")
    visits, visit_keys = _answered(contacts, names, period=period, timezone=timezone)
    cells = Cells(keys if visits is None else _stack(keys, visit_keys))
    of_rows, of_visits = np.split(cells.codes, [len(frame)])

    # One unit is one evaluation, or the part of it that lies in a cell.
    whole = pd.factorize(frame["evaluation_id"])[0].astype("int64")
    unit, pairs = pd.factorize(of_rows * (int(whole.max(initial=0)) + 1) + whole)
    unit = unit.astype("int64")
    first = np.empty(len(pairs), dtype="int64")
    first[unit[::-1]] = np.arange(len(frame))[::-1]
    cell = of_rows[first]
    sums = add_up(frame, unit, len(pairs))
    clusters = Clusters(cell, _contact_of(frame.iloc[first], whole[first]), len(cells))

    def counted(flags: Any) -> Ints:
        return np.bincount(cell, weights=flags, minlength=len(cells)).astype("int64")

    columns: dict[str, Any] = {
        "evaluations": counted(np.ones(len(pairs))),
        "items": counted(sums["items"]),
        "items_not_applicable": counted(sums["not_applicable"]),
    }

    def put(name: str, limits: Any) -> None:
        columns.update(zip((name, f"{name}_low", f"{name}_high"), limits, strict=True))

    everything = np.ones(len(pairs))
    put("qm_score", score_limits(np.where(sums["failed"], 0.0, sums["points"]), sums["possible"], clusters, confidence=confidence))
    put("form_score", score_limits(sums["points"], sums["possible"], clusters, confidence=confidence))
    put("critical_accuracy", share_limits(~sums["critical"], everything, clusters, confidence=confidence))
    if classes:
        critical = frame["critical_error"].to_numpy(dtype=bool)
        for word in sorted(map(str, frame["error_class"].dropna().unique())):
            wrong = critical & (frame["error_class"] == word).to_numpy()
            found = np.bincount(unit, weights=wrong, minlength=len(pairs)) > 0
            put(f"critical_accuracy_{word}", share_limits(~found, everything, clusters, confidence=confidence))
    put("auto_fail_rate", share_limits(sums["failed"], everything, clusters, confidence=confidence))
    if visits is not None:
        columns |= _coverage(visits, of_visits, frame.iloc[first], cell, len(cells))
    return cells.table(columns)


def _answered(
    contacts: Any, names: Sequence[str], *, period: str | None, timezone: str | None
) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Answered visits, and their keys."""
    if contacts is None:
        return None, None
    visits = as_frame(contacts, what="contacts")
    CONTACTS.check(visits, columns=["contact_id", "queued_at", "outcome", "agent"], keys=False)
    lacking = [name for name in names if name not in visits]
    if lacking:
        raise ColumnError(
            f"by={list(names)}: contacts have no column {', '.join(map(repr, lacking))}, so that coverage cannot be told by it; "
            f"leave contacts= out, or give columns that both have, such as agent or queue"
        )
    visits = visits[(visits["outcome"] == "answered").to_numpy()].reset_index(drop=True)
    return visits, keys_of(visits, names, instants=visits["queued_at"], period=period, timezone=timezone, what="contacts")


def _stack(one: pd.DataFrame, other: pd.DataFrame | None) -> pd.DataFrame:
    """Keys of two tables on one another; categories become those of both."""
    assert other is not None
    out: dict[str, Any] = {}
    for name in one.columns:
        parts = [one[name], other[name]]
        if any(isinstance(part.dtype, pd.CategoricalDtype) for part in parts):
            out[name] = pd.concat([part.astype("str") for part in parts], ignore_index=True).astype("category")
        elif isinstance(one[name].dtype, pd.DatetimeTZDtype) or one[name].dtype == other[name].dtype:
            out[name] = pd.concat(parts, ignore_index=True)
        else:
            raise TableError(
                f"column {name!r} is {one[name].dtype} in evaluations and {other[name].dtype} in contacts; give both the same type"
            )
    return pd.DataFrame(out, index=pd.RangeIndex(len(one) + len(other)))


def _contact_of(units: pd.DataFrame, evaluation: Ints) -> Ints:
    """The number of the contact of each unit; of unknown contacts one for each evaluation."""
    if "contact_id" not in units:
        return evaluation
    code = pd.factorize(units["contact_id"])[0].astype("int64")
    return np.where(code >= 0, code, evaluation + int(code.max(initial=-1)) + 1)


def _coverage(visits: pd.DataFrame, of_visits: Ints, units: pd.DataFrame, cell: Ints, size: int) -> dict[str, Any]:
    """Answered contacts of each cell, and which of them were evaluated: the same contact and agent."""
    if "contact_id" not in units:
        raise ColumnError("evaluations have no column 'contact_id'; which contacts were evaluated is not known. Leave contacts= out")
    pair = pd.concat(
        [each[["contact_id", "agent"]].astype({"contact_id": "str", "agent": "str"}) for each in (visits, units)], ignore_index=True
    )
    code = pair.groupby(["contact_id", "agent"], dropna=False).ngroup().to_numpy()
    of_visit, of_unit = np.split(code, [len(visits)])
    named = units["contact_id"].notna().to_numpy()
    seen = np.isin(of_visit, of_unit[named])
    contact = pd.factorize(visits["contact_id"])[0].astype("int64")
    width = int(contact.max(initial=0)) + 1
    answered = np.bincount(np.unique(of_visits * width + contact) // width, minlength=size).astype("int64")
    evaluated = np.bincount(np.unique((of_visits * width + contact)[seen]) // width, minlength=size).astype("int64")
    unknown = np.bincount(cell[~np.isin(of_unit, of_visit)], minlength=size).astype("int64")
    return {"answered": answered, "evaluated": evaluated, "qm_coverage": divide(evaluated, answered), "contacts_unknown": unknown}
