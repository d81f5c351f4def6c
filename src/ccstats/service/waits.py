"""How long people waited: quantiles and shares, always from contacts, because quantiles do not add up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.schema import CONTACTS, NOT_QUEUED, as_frame
from ccstats.service._booking import wait_of
from ccstats.service._groups import Groups

__all__ = ["measure_waits"]


def measure_waits(
    contacts: Any,
    *,
    by: str | Sequence[str] = (),
    period: str | None = None,
    timezone: str = "UTC",
    every: str = "30min",
    quantiles: float | Sequence[float] = (0.5, 0.9, 0.95),
    within_s: float | Sequence[float] = (10, 20, 30, 60, 120, 300),
    clock: str = "queued",
) -> pd.DataFrame:
    """Waits per group and period: quantiles of the answered and of the abandoned, the longest, and how many waited no longer than x.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit.
    by : str or sequence of str
        Group columns of ``contacts``, such as ``queue``.
    period : str, optional
        ``interval``, ``hour``, ``day``, ``week``, ``month``, ``quarter``, ``year``, ``weekday`` or ``slot``, by ``queued_at``;
        without one, one row a group.
    timezone : str
        The zone whose days count.
    every : str
        Length of an interval or slot, such as ``"15min"``.
    quantiles : float or sequence of float
        Which quantiles. [0-1]
    within_s : float or sequence of float
        Waits to count up to, inclusive. [s]
    clock : str
        Where the wait starts: ``queued``, or ``arrived`` on the platform (voice menu included); where no arrival before the queue is
        logged, it starts in the queue.

    Returns
    -------
    pandas.DataFrame
        One row a group and period in which anyone queued: ``answered``, ``abandoned``, ``open`` (still waiting where the log ends: counted
        apart, in no quantile), ``wait_unknown`` (answered or abandoned, but the wait is not known); ``wait_p50_s``, … of the answered;
        ``abandon_wait_p50_s``, … of the abandoned; ``max_wait_s`` of anyone queued; then for each x ``answered_within_20s``,
        ``answered_share_within_20s`` and the same for ``abandoned``. Quantiles and shares of nobody are missing.

    Raises
    ------
    OptionError
        If a quantile is outside 0-1, a wait to count up to is negative, or ``clock`` or ``period`` is not known.
    ColumnError
        If a ``by`` column is not there, or ``clock="arrived"`` and the source does not log ``arrived_at``.

    See Also
    --------
    measure_service : ratios and means, which do add up.

    Notes
    -----
    Quantiles are exact: linear interpolation between order statistics (Hyndman and Fan's type 7, NumPy's ``linear``) of the contacts in the
    cell. They are computed anew for every grouping and never averaged over intervals. Shares are of the answered (of the abandoned) whose
    wait is known, so they are two distributions, not a service level.

    The waits of the abandoned say how long people who left had waited, not how long people are willing to wait: whoever was answered first
    is not among them.

    References
    ----------
    R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50 (4), 1996, pp. 361-365.

    Examples
    --------
    >>> import ccstats as cc
    >>> contacts = cc.synthesize_contacts(seed=1).contacts
    >>> waits = cc.measure_waits(contacts, by="queue", quantiles=[0.9], within_s=[20])
    >>> (waits["wait_p90_s"] <= waits["max_wait_s"]).all()
    np.True_
    """
    shares, limits = _numbers("quantiles", quantiles), _numbers("within_s", within_s)
    _check_options(shares, limits)
    frame = as_frame(contacts, what="contacts")
    CONTACTS.check(frame, columns=["queued_at", "outcome", "wait_s"], keys=False)
    frame = frame[~frame["outcome"].isin(NOT_QUEUED)]
    outcome, wait = frame["outcome"].to_numpy(), wait_of(frame, clock)
    groups = Groups(frame, by, instants=frame["queued_at"], period=period, timezone=timezone, every=every)

    answered, abandoned = outcome == "answered", outcome == "abandoned"
    known = ~np.isnan(wait)
    columns: dict[str, Any] = {
        "answered": groups.count(answered),
        "abandoned": groups.count(abandoned),
        "open": groups.count(outcome == "open"),
        "wait_unknown": groups.count((answered | abandoned) & ~known),
    }
    for name, chosen in (("wait", answered & known), ("abandon_wait", abandoned & known)):
        found = groups.quantiles(wait, chosen, shares)
        columns |= {f"{name}_p{100 * share:g}_s": found[:, position] for position, share in enumerate(shares)}
    columns["max_wait_s"] = groups.largest(wait, known)
    for name, chosen in (("answered", answered & known), ("abandoned", abandoned & known)):
        total = groups.count(chosen)
        for limit in limits:
            within = groups.count(chosen & (wait <= limit))
            columns[f"{name}_within_{limit:g}s"] = within
            columns[f"{name}_share_within_{limit:g}s"] = np.divide(within, total, out=np.full(len(total), np.nan), where=total > 0)
    return groups.table(columns)


def _numbers(name: str, asked: float | Sequence[float]) -> list[float]:
    try:
        return np.ravel(np.asarray(asked, dtype="float64")).tolist()
    except (TypeError, ValueError):
        raise OptionError(f"{name}={asked!r}: expected a number or a sequence of numbers") from None


def _check_options(quantiles: Sequence[float], within_s: Sequence[float]) -> None:
    outside = [share for share in quantiles if not 0 <= share <= 1]
    if outside:
        raise OptionError(f"quantiles={outside}: expected shares between 0 and 1, such as 0.9 for the 90th percentile")
    negative = [limit for limit in within_s if not limit >= 0]
    if negative:
        raise OptionError(f"within_s={negative}: expected waits in seconds, 0 or more")
