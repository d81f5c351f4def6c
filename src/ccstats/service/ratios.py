"""Ratios of sums: one divider for every metric of the registry, and the table of service."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress, product
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, OptionError
from ccstats.intervals import roll_up
from ccstats.metrics import METRICS, RATIOS, SERVICE_LEVELS, Metric, Term
from ccstats.schema import TABLES

__all__ = ["add_ratios", "measure_service"]


def measure_service(
    intervals: Any,
    *,
    by: str | Sequence[str] = (),
    period: str | None = None,
    timezone: str | None = None,
    definition: str = "service_level",
) -> pd.DataFrame:
    """Service per group and period: counts, sums and every ratio that comes from them.

    Parameters
    ----------
    intervals : pandas.DataFrame or Arrow table
        As `to_intervals` makes it.
    by : str or sequence of str
        Group columns, such as ``queue``; none gives one group.
    period : str, optional
        ``interval``, ``hour``, ``day``, ``week``, ``month``, ``weekday`` or ``slot``; without one, one row a group.
    timezone : str, optional
        Where the periods' days begin; by default the zone the intervals were cut in.
    definition : str
        Which of the nine service levels (`ccstats.metrics.SERVICE_LEVELS`) stands first. All nine are in the table under their own names.

    Returns
    -------
    pandas.DataFrame
        The ``by`` columns, ``period_start``, the definition the counts were made with, counts and sums, then the ratios. A ratio whose
        denominator is empty is missing, never 0 or 1. Without a threshold all nine service levels are missing.

    Raises
    ------
    OptionError
        If ``definition`` is not one of the nine, or ``period`` is not known.
    ColumnError
        If a ``by`` column is not there.
    ZoneError
        If a day of ``timezone`` begins inside an interval.

    See Also
    --------
    measure_waits : quantiles, which do not add up and come from contacts.
    list_contacts : the contacts behind a figure.

    Notes
    -----
    Numerators and denominators are added up over the group first and divided last. The mean of two intervals' service levels is another
    number: 90 % of 10 contacts and 25 % of 400 are 26.6 % of 410, not 57.5 %. Contacts still waiting where the log ends (``open``) are left
    out of the denominators of the default service level, the answer rate and the abandonment rate.

    With ``attribute_by="event"`` a contact's offer and its answer may lie in different intervals, so that a share of a short period can
    exceed 1.

    Examples
    --------
    >>> import ccstats as cc
    >>> contacts = cc.synthesize_contacts(seed=1).contacts
    >>> half_hours = cc.to_intervals(contacts, every="30min", timezone="Europe/London", threshold_s=20)
    >>> service = cc.measure_service(half_hours, by="queue", definition="sl_answered_only")
    >>> service["service_level"].between(0, 1).all()
    np.True_
    """
    if definition not in SERVICE_LEVELS:
        raise OptionError(f"definition={definition!r} is not a service level; choose one of the nine: {', '.join(SERVICE_LEVELS)}")
    sums = roll_up(intervals, by=by, period=period, timezone=timezone)
    return add_ratios(sums, metrics=tuple(dict.fromkeys((definition, *RATIOS["intervals"]))))


def add_ratios(sums: pd.DataFrame, *, metrics: Sequence[str] = RATIOS["intervals"]) -> pd.DataFrame:
    """A table of sums with ratios of the registry appended, in the order named.

    Parameters
    ----------
    sums : pandas.DataFrame
        Counts and sums; not changed.
    metrics : sequence of str
        Names of ratios and means in `ccstats.metrics.METRICS`.

    Returns
    -------
    pandas.DataFrame
        A copy with one float column a metric, missing where the denominator is empty or a sum was never logged. ``aht_s`` adds the means
        that are known and is followed by ``aht_parts``, which names them (``talk+wrap``).

    Raises
    ------
    OptionError
        If a metric is not a ratio of the registry.
    ColumnError
        If a column that every table of its kind has is not in ``sums``.

    Examples
    --------
    >>> import pandas as pd
    >>> from ccstats.service.ratios import add_ratios
    >>> add_ratios(pd.DataFrame({"total_wait_s": [90.0, 0.0], "answered": [6, 0]}), metrics=["asa_s"])["asa_s"].tolist()
    [15.0, nan]
    """
    columns: dict[str, Any] = {}
    for name in metrics:
        metric = METRICS.get(name)
        if metric is None or not (metric.denominator or metric.parts):
            raise OptionError(f"{name!r} is not a ratio of the registry; ratios are: {', '.join(RATIOS['intervals'])}")
        if metric.parts:
            parts = {part: _divide(sums, METRICS[part]) for part in metric.parts}
            columns[name] = _add_known(list(parts.values()))
            columns["aht_parts"] = _names_known(parts)
        else:
            columns[name] = _divide(sums, metric)
    return sums.assign(**columns)


def _divide(sums: pd.DataFrame, metric: Metric) -> np.ndarray:
    above, below = _add(sums, metric.numerator, metric), _add(sums, metric.denominator, metric)
    return np.divide(metric.scale * above, below, out=np.full(len(sums), np.nan), where=below > 0)


def _add(sums: pd.DataFrame, terms: Sequence[Term], metric: Metric) -> np.ndarray:
    total = np.zeros(len(sums))
    for sign, column in terms:
        if column in sums:
            total += sign * sums[column].to_numpy(dtype="float64", na_value=np.nan)
        elif TABLES[metric.table][column].required:
            raise ColumnError(
                f"{metric.name} = {metric.formula} needs the column {column!r}; the table has: {', '.join(map(str, sums.columns))}"
            )
        else:
            total += np.nan
    return total


def _add_known(means: list[np.ndarray]) -> np.ndarray:
    stacked = np.stack(means)
    return np.where(np.isnan(stacked).all(axis=0), np.nan, np.nansum(stacked, axis=0))


def _names_known(parts: dict[str, np.ndarray]) -> Any:
    """``talk+hold+wrap``, or what of it is known; missing where nothing is."""
    words = [METRICS[part].numerator[0][1].removeprefix("total_").removesuffix("_s") for part in parts]
    names = ["+".join(compress(words, chosen)) or None for chosen in product((False, True), repeat=len(words))]
    known = ~np.isnan(np.stack(list(parts.values())))
    return pd.array(names, dtype="str").take(np.ravel_multi_index(tuple(known.astype("int64")), (2,) * len(words)))
