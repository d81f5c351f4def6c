"""The verdict: met, not met, or not decidable and why; and whether a change from the period before is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from ccstats.labels import reason

__all__ = ["Bounds", "Judged", "judge", "judge_k_of_n", "judge_trend"]

Floats = NDArray[np.float64]

#: Differences below this are those of floating point, not of contacts.
_EXACT = 1e-9


@dataclass(frozen=True)
class Bounds:
    """The values that meet a target: between ``low`` and ``high`` (infinite: open), the ends included unless ``strict``.

    Examples
    --------
    >>> Bounds(0.8, float("inf")).hold(0.8), Bounds(0.8, float("inf"), strict=True).hold(0.8)
    (True, False)
    """

    low: float
    high: float
    strict: bool = False

    def hold(self, value: float) -> bool:
        """Whether a value meets the target.

        Examples
        --------
        >>> Bounds(20.0, 40.0).hold(41.0)
        False
        """
        gap = -_EXACT if self.strict else _EXACT
        return bool(value >= self.low - gap and value <= self.high + gap)

    def reach(self, low: float, high: float) -> bool:
        """Whether any value between ``low`` and ``high`` meets the target.

        Examples
        --------
        >>> Bounds(0.8, float("inf")).reach(0.7, 0.81)
        True
        """
        gap = -_EXACT if self.strict else _EXACT
        return bool(high >= self.low - gap and low <= self.high + gap)


@dataclass(frozen=True)
class Judged:
    """A verdict (``met``, ``not_met`` or ``not_decidable``) and its reason in words.

    Examples
    --------
    >>> Judged("met", "").verdict
    'met'
    """

    verdict: str
    reason: str


def judge(
    value: float,
    low: float,
    high: float,
    bounds: Bounds,
    *,
    sampled: bool = False,
    margin_adjusted: bool = False,
    missing: str = "",
    floor: float = np.nan,
    ceiling: float = np.nan,
    show: Any = "{:.4g}".format,
) -> Judged:
    """What can be said of one figure and its target.

    Parameters
    ----------
    value, low, high : float
        The figure and the ends of its interval; missing: none.
    bounds : Bounds
        What meets the target.
    sampled : bool
        The figure is a sample (answers, evaluations) of what the target is about: then it is decided only where the whole interval lies on
        one side. A figure over all contacts is a fact and decided as it is.
    margin_adjusted : bool
        The target counts as met unless even the better end of the interval misses it.
    missing : str
        Why there is no figure, or none that may be judged; empty: there is one.
    floor, ceiling : float
        What the figure can still become, once cases that are open now are decided; missing: none are.
    show : callable
        How a value is written in the reason.

    Returns
    -------
    Judged

    Examples
    --------
    >>> judge(0.81, 0.79, 0.83, Bounds(0.8, float("inf"))).verdict
    'met'
    >>> judge(0.81, 0.72, 0.88, Bounds(0.8, float("inf")), sampled=True)
    Judged(verdict='not_decidable', reason='the interval 0.72 to 0.88 holds the target: too few cases to tell')
    >>> judge(0.78, 0.72, 0.83, Bounds(0.8, float("inf")), margin_adjusted=True)
    Judged(verdict='met', reason='the value misses the target by less than its margin of error')
    """
    if missing:
        return Judged("not_decidable", missing)
    if np.isnan(value):
        return Judged("not_decidable", reason("nothing_to_measure"))
    inside = bounds.hold(value)
    if floor < ceiling and (bounds.hold(floor) != inside or bounds.hold(ceiling) != inside):
        return Judged("not_decidable", reason("open_cases_decide", low=show(floor), high=show(ceiling)))
    if not (sampled or margin_adjusted):
        return Judged("met" if inside else "not_met", "")
    if np.isnan(low) or np.isnan(high):
        return Judged("not_decidable", reason("margin_unknown"))
    if margin_adjusted:
        reached = bounds.reach(low, high)
        said = reason("misses_within_margin") if reached and not inside else ""
        return Judged("met" if reached else "not_met", said)
    if bounds.hold(low) and bounds.hold(high):
        return Judged("met", "")
    if not bounds.reach(low, high):
        return Judged("not_met", "")
    return Judged("not_decidable", reason("interval_holds_target", low=show(low), high=show(high)))


def judge_k_of_n(met: Sequence[bool | None], *, k: int, n: int) -> list[Judged]:
    """For each period, whether the target was met in at least ``k`` of the ``n`` periods that end with it.

    Parameters
    ----------
    met : sequence of bool or None
        Period by period, in time and without gaps; None: not decidable.
    k, n : int
        How many of how many. [periods]

    Returns
    -------
    list of Judged
        Decided as soon as the periods that are known decide it: with two misses, 10 of 12 is still open; with three it is not met.

    Examples
    --------
    >>> [each.verdict for each in judge_k_of_n([True, True, False, True], k=2, n=3)]
    ['not_decidable', 'met', 'met', 'met']
    """
    found = []
    for at in range(len(met)):
        window = list(met[max(0, at - n + 1) : at + 1])
        window += [None] * (n - len(window))  # periods before the data begin
        good, bad = sum(each is True for each in window), sum(each is False for each in window)
        said = reason("k_of_n", good=good, bad=bad, n=n, k=k)
        verdict = "met" if good >= k else "not_met" if n - bad < k else "not_decidable"
        found.append(Judged(verdict, said))
    return found


def judge_trend(values: pd.DataFrame, *, direction: str, confidence: float = 0.95) -> list[str | None]:
    """Each period against the one before: ``better``, ``worse`` or ``steady``; None where it cannot be told.

    Parameters
    ----------
    values : pandas.DataFrame
        ``value, value_low, value_high`` of one metric and queue, period after period.
    direction : str
        Of the metric. One that is neither good nor bad has no trend.
    confidence : float
        Of the intervals.

    Returns
    -------
    list of str or None

    Notes
    -----
    The half widths of both intervals are taken as normal quantiles times standard errors; a difference beyond the same quantile times the
    root of their summed squares is more than chance.

    Examples
    --------
    >>> rows = pd.DataFrame({"value": [0.80, 0.70], "value_low": [0.78, 0.68], "value_high": [0.82, 0.72]})
    >>> judge_trend(rows, direction="higher_is_better")
    [None, 'worse']
    """
    sign = {"higher_is_better": 1.0, "lower_is_better": -1.0}.get(direction)
    if sign is None or not len(values):
        return [None] * len(values)
    value, low, high = (values[name].to_numpy("float64") for name in ("value", "value_low", "value_high"))
    z = float(special.ndtri(0.5 + confidence / 2))
    error = (high - low) / (2 * z)
    change = sign * np.diff(value)
    noise = z * np.hypot(error[1:], error[:-1])
    words = np.select([change > noise, change < -noise], ["better", "worse"], "steady")
    known = ~(np.isnan(change) | np.isnan(noise))
    return [None, *(str(word) if told else None for word, told in zip(words, known, strict=True))]
