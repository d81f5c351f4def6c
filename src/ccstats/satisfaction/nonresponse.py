"""Are those who answered like those who did not? Wait, queue and hour of the contacts behind the answers beside those of all contacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ccstats.errors import ColumnError, OptionError, TableError
from ccstats.satisfaction._holm import holm
from ccstats.satisfaction.contact_facts import as_names, contact_facts
from ccstats.satisfaction.scales import check_surveys
from ccstats.schema import INSTRUMENTS
from ccstats.spc.proportions import check_confidence

__all__ = ["POPULATIONS", "asked_contacts", "check_nonresponse"]

Flags = NDArray[np.bool_]

#: Whose opinion is wanted: all contacts that were answered, all that joined a queue, or those that were asked.
POPULATIONS = ("answered", "all", "invited")

#: Differences of shares below this many of their standard deviations do not matter, however sure they are (Cohen's small effect is 0.2).
_MATTERS = 0.1
_FEW = 5
_QUANTILES = 5


def check_nonresponse(
    surveys: Any,
    contacts: Any,
    *,
    variables: str | Sequence[str] = ("wait_s", "queue", "hour"),
    instrument: str | None = None,
    population: str = "answered",
    timezone: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Whether the contacts whose customers answered differ from all contacts, variable by variable and level by level.

    Parameters
    ----------
    surveys : pandas.DataFrame or Arrow table
        One row a question, with ``contact_id``.
    contacts : pandas.DataFrame or Arrow table
        One row a visit.
    variables : str or sequence of str
        What to compare: ``wait_s`` (sum over visits), ``queue`` and ``agent`` (of the last answered visit), ``hour`` and ``weekday``
        (local), ``transferred``, ``repeat``, or a column of the contacts. Numbers are cut at the quintiles of all contacts.
    instrument : str, optional
        Look at answers to this question only; by default an answer to any counts.
    population : str
        Who is compared with: ``answered`` contacts, ``all`` that joined a queue, or ``invited`` ones (with a row in ``surveys``).
    timezone : str
        Whose hours and weekdays count.
    confidence : float
        A variable differs where the test's p, after Holm's correction for the number of variables, is below 1 − confidence.

    Returns
    -------
    pandas.DataFrame
        One row a variable and level, in their order: ``contacts``, ``responses``, ``contact_share``, ``response_share``, ``difference``
        (response − contact share), ``standardized_difference`` (in standard deviations of the contacts' share), ``response_rate``; of the
        variable as a whole ``p_value``, ``p_adjusted``, ``largest_difference`` (the largest standardized one), and ``differs``: by more
        than chance *and* by 0.1 standard deviations or more. ``p_value`` is missing where there is nothing to compare.

    Raises
    ------
    TableError
        As `measure_satisfaction` does; if no survey belongs to a contact of the population.
    OptionError, ColumnError
        If an argument has no such value, or a variable is not known of the contacts.

    See Also
    --------
    adjust_satisfaction : figures with these differences taken out.

    Notes
    -----
    The test is χ² for who answered against who did not; levels with fewer than 5 expected are put together for it. Where nothing differs
    here, answers may still be one-sided in what was not compared, and in satisfaction itself: nothing in the data can show that.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> from ccstats.schema import SURVEYS
    >>> calls = cc.synthesize_contacts(seed=1).contacts
    >>> ids = calls.loc[calls["outcome"] == "answered", "contact_id"].drop_duplicates().reset_index(drop=True)
    >>> surveys = pd.DataFrame({"response_id": ids, "contact_id": ids, "instrument": "csat", "score": 4.0})
    >>> surveys["score"] = surveys["score"].where(surveys.index % 3 == 0)  # every third answers, whatever happened to them
    >>> surveys = surveys.assign(scale_min=1.0, scale_max=5.0, polarity="higher_is_better", invited_at=None, responded_at=None)
    >>> found = cc.check_nonresponse(SURVEYS.conform(surveys), calls, variables="queue")
    >>> found["differs"].any()
    np.False_
    """
    alpha = 1 - check_confidence(confidence)
    frame = check_surveys(surveys)
    if instrument is not None:
        if instrument not in INSTRUMENTS:
            raise OptionError(f"instrument={instrument!r}: expected one of {', '.join(INSTRUMENTS)}")
        frame = frame[frame["instrument"] == instrument]
    names = as_names(variables, what="variables")
    facts = asked_contacts(frame, contact_facts(contacts, timezone=timezone), population, names)
    answered = facts["contact_id"].isin(set(frame.loc[frame["good"].notna(), "contact_id"].dropna())).to_numpy()
    parts = [_compare(facts[name], answered, name) for name in names]
    tested = [number for number, part in enumerate(parts) if part["p_value"].notna().any()]
    adjusted = np.full(len(parts), np.nan)
    if tested:
        adjusted[tested] = holm([parts[number]["p_value"].iloc[0] for number in tested])
    for part, p in zip(parts, adjusted, strict=True):
        part["p_adjusted"] = p
        part["largest_difference"] = part["standardized_difference"].abs().max()
        part["differs"] = (part["p_adjusted"] < alpha) & (part["largest_difference"] >= _MATTERS)
    return pd.concat(parts, ignore_index=True)


def asked_contacts(frame: pd.DataFrame, facts: pd.DataFrame, population: str, variables: Sequence[str]) -> pd.DataFrame:
    """The contacts whose opinion is wanted.

    Raises
    ------
    OptionError
        If there is no such population.
    ColumnError
        If a variable is not known of the contacts.
    TableError
        If no survey belongs to one of them.

    Examples
    --------
    >>> import pandas as pd
    >>> facts = pd.DataFrame({"contact_id": ["1", "2"], "answered": [True, False]})
    >>> len(asked_contacts(pd.DataFrame({"contact_id": ["1"]}), facts, "answered", []))
    1
    """
    if population not in POPULATIONS:
        raise OptionError(f"population={population!r}: expected {', '.join(POPULATIONS)}")
    lacking = [name for name in variables if name not in facts]
    if lacking:
        raise ColumnError(
            f"{', '.join(map(repr, lacking))} is not known of the contacts; they have: {', '.join(map(str, facts.columns))} "
            "(repeat needs a customer, transferred a transferred_to)"
        )
    asked = facts["contact_id"].isin(set(frame["contact_id"].dropna()))
    chosen = facts[{"answered": facts["answered"], "all": asked | True, "invited": asked}[population]].reset_index(drop=True)
    if len(frame) and not asked[chosen.index].any() and not chosen["contact_id"].isin(set(frame["contact_id"].dropna())).any():
        raise TableError(
            f"none of {len(frame)} surveys belongs to one of the {len(chosen)} contacts ({population}): contact_id is a name of the same "
            f"contact in both tables? first in surveys: {frame['contact_id'].iloc[0]}"
        )
    return chosen


def _compare(values: pd.Series[Any], answered: Flags, name: str) -> pd.DataFrame:
    codes, levels = _levels(values)
    contacts = np.bincount(codes, minlength=len(levels))
    responses = np.bincount(codes[answered], minlength=len(levels))
    everyone, answers = contacts.sum(), responses.sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        share, said = contacts / everyone, responses / answers
        part = pd.DataFrame(
            {
                "variable": pd.Series([name] * len(levels), dtype="str"),
                "level": pd.Series(levels, dtype="str"),
                "contacts": contacts,
                "responses": responses,
                "contact_share": share,
                "response_share": said,
                "difference": said - share,
                "standardized_difference": np.where(share < 1, (said - share) / np.sqrt(share * (1 - share)), np.nan),
                "response_rate": responses / contacts,
            }
        )
    part["p_value"] = _test(responses, contacts - responses)
    return part


def _levels(values: pd.Series[Any]) -> tuple[NDArray[np.int64], list[str]]:
    missing = values.isna().to_numpy()
    if (
        pd.api.types.is_numeric_dtype(values.dtype)
        and not pd.api.types.is_bool_dtype(values.dtype)
        and values.name not in ("hour", "weekday")
    ):
        numbers = values.to_numpy(dtype="float64", na_value=np.nan)
        edges = np.unique(np.quantile(numbers[~missing], np.linspace(0, 1, _QUANTILES + 1)[1:-1])) if not missing.all() else np.zeros(0)
        codes = np.searchsorted(edges, numbers, side="left")
        bounds = [f"{edge:g}" for edge in edges]
        between = [f"{low} to {high}" for low, high in zip(bounds, bounds[1:], strict=False)]
        words = [f"up to {bounds[0]}", *between, f"over {bounds[-1]}"] if bounds else ["any"]
    else:
        codes, found = pd.factorize(values, sort=True)
        words = [str(each) for each in found]
    if missing.any():
        codes = np.where(missing, len(words), codes)
        words = [*words, "not known"]
    kept, codes = np.unique(codes, return_inverse=True)
    return codes.astype("int64"), [words[each] for each in kept]


def _test(yes: NDArray[np.int64], no: NDArray[np.int64]) -> float:
    """The χ² test's p, small levels put together."""
    if not yes.sum() or not no.sum():
        return float("nan")
    smaller = min(yes.sum(), no.sum()) / (yes.sum() + no.sum())
    small = (yes + no) * smaller < _FEW
    table = np.array([yes, no])
    if small.any():
        table = np.column_stack([table[:, ~small], table[:, small].sum(axis=1)])
    table = table[:, table.sum(axis=0) > 0]
    return float(stats.chi2_contingency(table, correction=False)[1]) if table.shape[1] > 1 else float("nan")
