"""A driver cut into the effects a model can have: a step of a number, a level of a word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

__all__ = ["Term", "find_terms"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_OTHER, _UNKNOWN = "(other)", "(not known)"


@dataclass(frozen=True)
class Term:
    """One effect of a driver.

    Parameters
    ----------
    driver, level, reference : str
        Names for the table.
    column : array of float
        Its column in the model.
    concerned : array of bool
        The answers it concerns.
    numeric : bool
        A step of a number, and not a level.
    note : str
        What is to be known of it.

    Examples
    --------
    >>> import numpy as np
    >>> Term("queue", "b", "a", np.array([0.0, 1.0]), np.array([False, True]), False, "").separated(np.array([True, True]))
    True
    """

    driver: str
    level: str
    reference: str
    column: Floats
    concerned: Flags
    numeric: bool
    note: str

    def separated(self, happy: Flags) -> bool:
        """Whether the column alone tells who is satisfied: everybody or nobody of a level, or of what is left without it."""
        if self.numeric:
            yes, no = self.column[happy], self.column[~happy]
            return bool(yes.max() < no.min() or no.max() < yes.min())
        return any(len(part) and (part.all() or not part.any()) for part in (happy[self.concerned], happy[~self.concerned]))


def find_terms(values: pd.Series[Any], driver: str, *, step_s: float, fewest: int) -> list[Term]:
    """The effects of one driver, levels in alphabetical order without the commonest, which they are compared with.

    Parameters
    ----------
    values : pandas.Series
        One per answer.
    driver : str
        Its name.
    step_s : float
        The step of a duration. [s]
    fewest : int
        Rarer levels are one. [answers]

    Returns
    -------
    list of Term
        One without a column of its own where nothing differs.

    Examples
    --------
    >>> import pandas as pd
    >>> [(term.level, term.reference) for term in find_terms(pd.Series(["a", "a", "b"]), "queue", step_s=60, fewest=1)]
    [('b', 'a')]
    """
    missing = values.isna().to_numpy()
    plain = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
    if plain and driver not in ("hour", "weekday"):
        return _numeric(values.to_numpy(dtype="float64", na_value=np.nan), missing, driver, step_s if driver.endswith("_s") else 1.0)
    words = values.astype("object").map(_word).where(~missing, _UNKNOWN).to_numpy(dtype="object")
    counts = pd.Series(words).value_counts()
    rare = set(counts.index[counts < fewest])
    if len(rare) > 1 or (rare and _OTHER in counts):
        words = np.array([_OTHER if word in rare else word for word in words], dtype="object")
    counts = pd.Series(words).value_counts().sort_index(kind="stable")
    if len(counts) < 2:
        level = str(counts.index[0]) if len(counts) else ""
        nothing = np.zeros(len(words))
        return [Term(driver, level, level, nothing, np.ones(len(words), dtype=bool), False, "the same in all answers")]
    # False is what a flag is compared with, even where it is the rarer.
    common = "no" if set(counts.index) <= {"no", "yes", _UNKNOWN} and "no" in counts else str(counts.idxmax())
    together = f"{len(rare)} levels with fewer than {fewest} answers each" if _OTHER in counts.index else ""
    terms = []
    for level in counts.index:
        if level != common:
            here = words == level
            few = f"{here.sum()} answers" if here.sum() < fewest else ""
            terms.append(Term(driver, str(level), common, here.astype("float64"), here, False, together if level == _OTHER else few))
    return terms


def _numeric(numbers: Floats, missing: Flags, driver: str, step: float) -> list[Term]:
    known = numbers[~missing]
    middle = float(np.median(known)) if len(known) else 0.0
    column = (np.where(missing, middle, numbers) - middle) / step
    unit = " s" if driver.endswith("_s") else ""
    terms = [Term(driver, f"+{step:g}{unit}", f"{step:g}{unit} less", column, ~missing, True, "")]
    if missing.any():
        terms.append(Term(driver, _UNKNOWN, "the median", missing.astype("float64"), missing, False, "value not known"))
    return terms


def _word(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:02d}"  # hours in their order
    return str(value)
