"""What did customers say? CSAT, NPS and CES per group and period, each with its interval, and how many of those asked answered."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import DataWarning, OptionError
from ccstats.satisfaction._cells import columns_of
from ccstats.satisfaction.contact_facts import as_names, book, contact_facts, group_rows
from ccstats.satisfaction.scales import STATISTICS, check_surveys, one_scale, unit_scores
from ccstats.satisfaction.score_intervals import mean_interval, net_interval, net_standard_error
from ccstats.spc.proportions import check_confidence, wilson_interval

__all__ = ["measure_satisfaction"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Steps a scale is cut into for the interval of its mean where answers are no whole points.
_FINE = 200


def measure_satisfaction(
    surveys: Any,
    *,
    contacts: Any = None,
    by: str | Sequence[str] = (),
    period: str | None = None,
    timezone: str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """CSAT, NPS and CES with their intervals, and the response rate, per group and instrument.

    Parameters
    ----------
    surveys : pandas.DataFrame or Arrow table
        One row a question put to somebody, answered or not; scale and polarity are in the data.
    contacts : pandas.DataFrame or Arrow table, optional
        One row a visit: dates surveys that do not say when they were sent, and lends its columns to ``by``.
    by : str or sequence of str
        Group columns of ``surveys``, or of ``contacts`` (of the last answered visit), such as ``queue``.
    period : str, optional
        ``hour``, ``day``, ``week`` or ``month``; without one, one row a group. A survey counts when it was sent (``invited_at``), else
        when its contact queued, else when it was answered; where none is known its period is missing.
    timezone : str, optional
        The zone whose days count; needed with ``period``.
    confidence : float
        Of all intervals, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        The groups, ``instrument``, ``period_start`` where asked for; ``responses`` (questions answered), ``invitations`` (asked; missing
        where the table holds only answers), ``response_rate``. Then, each with ``_low`` and ``_high``: ``csat_top1`` and ``csat_top2``
        (shares in the top one and two points), ``csat_mean``, ``ces_mean``, ``other_mean`` (points of the scale, good end up) with
        ``_rescaled`` (0-1), ``ces_easy`` (share above the middle), ``ces_net`` [points]; ``nps`` and ``enps`` with ``_se``, ``_ci_low``,
        ``_ci_high`` [points]; ``net_method`` names the interval of net scores. What does not apply is missing. An empty table gives an
        empty one.

    Raises
    ------
    TableError
        With rows and keys, if a score is off its scale, a response is there twice, an answer came before its question, an NPS is not on
        0-10; if one row would mix scales of an instrument.
    OptionError, ColumnError, ZoneError
        If an argument has no such value, a ``by`` column is not there, or a period is asked for without a zone.

    Warns
    -----
    DataWarning
        If there are only answers, so that no response rate can be given.

    See Also
    --------
    adjust_satisfaction : what the customers who did not answer would change.
    compare_satisfaction : change between two periods, with a test.
    explain_satisfaction : what drives it.

    Notes
    -----
    *Scales.* Any, as declared by ``scale_min`` and ``scale_max``; where lower is better scores are turned over (low + high − score), so
    that every figure is better when higher. Top boxes are counted on scales of 3 to 11 points answered in whole points; on others, such as
    0-100, they are missing and the mean is what there is. On 3 points the top two are two thirds of the scale: prefer ``csat_top1``.

    *CES.* ``ces_easy`` is the share above the middle of the scale: 5-7 on 1-7, 4-5 on 1-5; for version 1.0, where 1 is very low effort,
    1-2. ``ces_net`` is 100 × (share 6-7 − share 1-3) and defined on seven points only.

    *NPS.* 100 × (share 9-10 − share 0-6); its standard error is 100 √((p + d − (p − d)²) / n).

    *Intervals.* Shares: Wilson. NPS and ``ces_net``: exact up to 30 answers, beyond that normal where at least 10 are on either side, a
    score interval elsewhere. Means: a bootstrap worked out without drawing (Hesterberg's expanded percentiles), so that the same data
    give the same figures. All take the answers as a sample of what such customers would say: they do not know of those who did not
    answer.

    References
    ----------
    Wilson (1927), Journal of the American Statistical Association 22; Tango (1998), Statistics in Medicine 17; Chan and Zhang (1999),
    Biometrics 55; Hesterberg (2015), The American Statistician 69 (4).

    Examples
    --------
    CSAT of four customers out of five who were asked:

    >>> import pandas as pd
    >>> import ccstats as cc
    >>> from ccstats.schema import SURVEYS
    >>> surveys = pd.DataFrame({"response_id": list("12345"), "contact_id": list("abcde"), "score": [5, 4, 2, 4, None]})
    >>> surveys = surveys.assign(instrument="csat", scale_min=1.0, scale_max=5.0, polarity="higher_is_better")
    >>> surveys["invited_at"] = pd.Timestamp("2024-03-01", tz="UTC")
    >>> surveys["responded_at"] = pd.Timestamp("2024-03-02", tz="UTC")
    >>> found = cc.measure_satisfaction(SURVEYS.conform(surveys)).loc[0]
    >>> found["responses"], found["response_rate"], found["csat_top2"], found["csat_mean"]
    (np.int64(4), np.float64(0.8), np.float64(0.75), np.float64(3.75))
    """
    confidence = check_confidence(confidence)
    frame = check_surveys(surveys)
    names = as_names(by)
    frame, facts = with_facts(frame, contacts, names, timezone)
    codes, keys = group_rows(frame, [*names, "instrument"], booked_at=book(frame, facts), period=period, timezone=timezone, what="surveys")
    one_scale(frame, codes, lambda code: describe(keys.drop(columns="instrument"), code))
    size = len(keys)
    answered = frame["good"].notna().to_numpy()
    responses = np.bincount(codes[answered], minlength=size)
    invitations = np.bincount(codes, minlength=size)
    asked = pd.Series(invitations, dtype="Int64")
    asked[keys["instrument"].isin(_only_answers(frame)).to_numpy()] = pd.NA
    counted = asked.to_numpy(dtype="float64", na_value=np.nan)
    columns: dict[str, Any] = {"responses": responses, "invitations": asked}
    with np.errstate(invalid="ignore", divide="ignore"):
        columns["response_rate"] = np.where(counted > 0, responses / counted, np.nan)
    limits = wilson_interval(np.where(np.isnan(counted), np.nan, responses), counted, confidence=confidence)
    columns["response_rate_low"], columns["response_rate_high"] = limits
    method = np.full(size, None, dtype=object)
    for name, statistic in STATISTICS.items():
        columns |= _figures(frame, codes, size, name, statistic.kind, confidence, method)
    columns["net_method"] = pd.array(method, dtype="str")
    return keys.assign(**columns)


def with_facts(frame: pd.DataFrame, contacts: Any, names: Sequence[str], timezone: str | None) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The surveys with those columns of their contacts that they lack themselves, and what is known of the contacts.

    Raises
    ------
    OptionError
        If a group column is one that the result has anyway.
    ColumnError
        If neither table has a group column.

    Examples
    --------
    >>> import pandas as pd
    >>> with_facts(pd.DataFrame({"contact_id": ["1"]}), None, [], None)[1] is None
    True
    """
    taken = [name for name in names if name in ("instrument", "period_start", "responses", "invitations", *STATISTICS)]
    if taken:
        raise OptionError(f"by={list(names)}: {', '.join(map(repr, taken))} is in the result as it is; leave it out of by=")
    facts = None if contacts is None else contact_facts(contacts, timezone=timezone or "UTC")
    if facts is not None:
        wanted = [name for name in names if name not in frame and name in facts]
        if wanted:
            frame = frame.merge(facts[["contact_id", *wanted]], on="contact_id", how="left")
    columns_of(names, frame.drop(columns=["good", "points", "boxed"], errors="ignore"), what="surveys")
    return frame, facts


def _only_answers(frame: pd.DataFrame) -> list[str]:
    """Instruments of which the table seems to hold only the answers: nobody failed to answer, and nobody is said to have been asked."""
    silent = frame["good"].isna() | frame["invited_at"].notna()
    known = silent.groupby(frame["instrument"], observed=True).any()
    found = [str(name) for name in known.index[~known.to_numpy(dtype="bool")]]
    if found:
        warnings.warn(
            f"{', '.join(found)}: every row is an answer and none says when the customer was asked, so the table holds answers only: "
            "no response rate. Give a row without a score for everybody who was asked and did not answer.",
            DataWarning,
            stacklevel=3,
        )
    return found


def _figures(
    frame: pd.DataFrame, codes: Ints, size: int, name: str, kind: str, confidence: float, method: NDArray[np.object_]
) -> dict[str, Floats]:
    unit = unit_scores(frame, name)
    fits = ~np.isnan(unit)
    at, unit = codes[fits], unit[fits]
    count = np.bincount(at, minlength=size)
    if kind == "share":
        met = np.bincount(at, weights=unit, minlength=size)
        low, high = wilson_interval(met, count, confidence=confidence)
        return {name: _divide(met, count), f"{name}_low": low, f"{name}_high": high}
    if kind == "net":
        up, down = (np.bincount(at[unit == end], minlength=size) for end in (1.0, 0.0))
        low, high, how = net_interval(up, down, count, confidence=confidence)
        method[count > 0] = how[count > 0]
        middle = "" if name == "ces_net" else "_ci"
        out = {name: 100 * _divide(up - down, count)}
        if middle:
            out[f"{name}_se"] = net_standard_error(up, down, count)
        return out | {f"{name}{middle}_low": low, f"{name}{middle}_high": high}
    least, points = (frame[column].to_numpy(dtype="float64")[fits] for column in ("scale_min", "points"))
    start, width = np.full(size, np.nan), np.full(size, np.nan)
    start[at], width[at] = least, points - 1
    rescaled = _divide(np.bincount(at, weights=unit, minlength=size), count)
    low, high = mean_limits(at, unit, width, confidence)
    return {
        name: start + width * rescaled,
        f"{name}_low": start + width * low,
        f"{name}_high": start + width * high,
        f"{name}_rescaled": rescaled,
    }


def mean_limits(at: Ints, unit: Floats, width: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Limits of the mean of scores on 0-1 per group; ``width`` is the number of steps of each group's scale.

    Examples
    --------
    >>> import numpy as np
    >>> low, high = mean_limits(np.zeros(3, dtype=int), np.array([0.0, 0.5, 1.0]), np.array([2.0]), 0.95)
    >>> bool(low[0] < 0.5 < high[0])
    True
    """
    low, high = np.full(len(width), np.nan), np.full(len(width), np.nan)
    order = np.argsort(at, kind="stable")
    at, unit = at[order], unit[order]
    groups, begins = np.unique(at, return_index=True)
    for group, values in zip(groups, np.split(unit, begins[1:]) if len(groups) else [], strict=True):
        step = values * width[group]
        whole = float(width[group]).is_integer() and np.allclose(step, np.round(step), atol=1e-6)
        steps = int(width[group]) if whole else _FINE
        counts = np.bincount(np.round(values * steps).astype("int64"), minlength=steps + 1)
        low[group], high[group] = (limit / steps for limit in mean_interval(counts, confidence=confidence))
    return low, high


def _divide(above: Any, below: Any) -> Floats:
    above, below = np.asarray(above, dtype="float64"), np.asarray(below, dtype="float64")
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below > 0)


def describe(keys: pd.DataFrame, code: int) -> str:
    """A group in words, for errors.

    Examples
    --------
    >>> import pandas as pd
    >>> describe(pd.DataFrame({"queue": ["sales"]}), 0)
    'queue sales'
    """
    return ", ".join(f"{name} {keys[name].iloc[code]}" for name in keys.columns)
