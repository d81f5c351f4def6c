"""Ratios of sums: one divider for every metric of the registry."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import compress, product
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, OptionError
from ccstats.metrics import METRICS, RATIOS, Metric, Term
from ccstats.schema import TABLES

__all__ = ["add_ratios"]


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
    >>> from ccstats.intervals.ratios import add_ratios
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
