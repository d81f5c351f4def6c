"""Items of evaluations added up to one row an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import TableError
from ccstats.schema import EVALUATIONS

__all__ = ["FORM_COLUMNS", "add_up", "checked"]

Floats = NDArray[np.float64]

#: What is the same in every row of one evaluation.
FORM_COLUMNS = ("contact_id", "agent", "assessor", "evaluated_at", "queue", "channel")
_NEEDED = ("evaluation_id", "agent", "evaluated_at", "item", "weight", "points", "max_points", "critical_error", "auto_fail")


def checked(frame: pd.DataFrame, *, more: Sequence[str] = ()) -> pd.DataFrame:
    """The evaluations, if they hold together: points in range, and one contact, agent and assessor an evaluation."""
    EVALUATIONS.check(frame, columns=[*_NEEDED, *more])
    points, most, weight = (frame[name].to_numpy(dtype="float64", na_value=np.nan) for name in ("points", "max_points", "weight"))
    given = ~np.isnan(points)
    for bad, what in (
        (given & ((points < 0) | (points > most)), "points outside 0 to max_points"),
        (~(most > 0) | np.isinf(most), "max_points that are not above 0"),
        (~(weight >= 0) | np.isinf(weight), "a weight that is not 0 or more"),
    ):
        if bad.any():
            row = frame.iloc[int(np.flatnonzero(bad)[0])]
            raise TableError(
                f"evaluations: {int(bad.sum())} rows have {what}; first evaluation {row['evaluation_id']!r}, item {row['item']!r}: "
                f"points {row['points']}, max_points {row['max_points']}, weight {row['weight']}. An item that does not apply has no points"
            )
    whole = [name for name in FORM_COLUMNS if name in frame]
    distinct = frame[["evaluation_id", *whole]].drop_duplicates()
    twice = distinct["evaluation_id"].duplicated(keep=False).to_numpy()
    if twice.any():
        first = distinct.loc[twice, "evaluation_id"].iloc[0]
        here = distinct[distinct["evaluation_id"] == first]
        differ = [name for name in whole if len(here[name].drop_duplicates()) > 1]
        raise TableError(
            f"evaluations: evaluation {first!r} has several values of {', '.join(differ)}; every evaluation needs an id of its own"
        )
    return frame


def add_up(frame: pd.DataFrame, code: NDArray[np.int64], size: int) -> dict[str, Any]:
    """Sums of each group of rows: points, possible points, items, and what fails it."""
    points, most, weight = (frame[name].to_numpy(dtype="float64", na_value=np.nan) for name in ("points", "max_points", "weight"))
    applies = ~np.isnan(points)

    def total(values: Any) -> Floats:
        return np.bincount(code, weights=values, minlength=size).astype("float64")

    return {
        "points": total(np.where(applies, weight * np.nan_to_num(points), 0.0)),
        "possible": total(np.where(applies, weight * most, 0.0)),
        "items": total(np.ones(len(code))).astype("int64"),
        "not_applicable": total(~applies).astype("int64"),
        "critical": total(frame["critical_error"].to_numpy(dtype=bool)) > 0,
        "failed": total(frame["auto_fail"].to_numpy(dtype=bool)) > 0,
    }
