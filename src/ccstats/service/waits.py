"""How long people waited: quantiles and shares, from contacts, because quantiles do not add up; of scans by sketches, which do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.schema import CONTACTS, NOT_QUEUED, as_frame
from ccstats.service._booking import wait_of
from ccstats.service._groups import Groups

__all__ = ["count_waits", "measure_waits"]

_COUNTS = ("answered", "abandoned", "open", "wait_unknown")


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
    contacts : pandas.DataFrame, Arrow table, or anything with ``map_partitions(function)``
        One row a visit. Of a `scan` no more than a few pieces are in memory.
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
        ``answered_share_within_20s`` and the same for ``abandoned``. Quantiles and shares of nobody are missing. Of a scan also
        ``wait_rank_error`` and ``abandon_wait_rank_error``: by how much the share of those who waited no longer than a quantile may differ
        from the share asked for, with 99 % confidence; 0 where the quantiles are exact. [0-1]

    Raises
    ------
    OptionError
        If a quantile is outside 0-1, a wait to count up to is negative, or ``clock`` or ``period`` is not known.
    ColumnError
        If a ``by`` column is not there, or ``clock="arrived"`` and the source does not log ``arrived_at``.
    MissingExtraError
        If a scan is given and the library of sketches is not installed.

    See Also
    --------
    measure_service : ratios and means, which do add up.

    Notes
    -----
    Quantiles are exact: linear interpolation between order statistics (Hyndman and Fan's type 7, NumPy's ``linear``) of the contacts in the
    cell. They are computed anew for every grouping and never averaged over intervals. Shares are of the answered (of the abandoned) whose
    wait is known, so they are two distributions, not a service level.

    Of a scan all counts and ``max_wait_s`` are exact, and the quantiles come from a KLL sketch for every group and period (Apache
    DataSketches; ``pip install 'ccstats[sketch]'``): some 2,000 waits that stand for all, of which the sketches of two partitions make one
    again. Groups of up to 2,000 waits are exact; beyond, a quantile is a wait that somebody had, near the rank asked for, and as the
    sketch draws lots another run may name another one within ``wait_rank_error``.

    The waits of the abandoned say how long people who left had waited, not how long people are willing to wait: whoever was answered first
    is not among them.

    References
    ----------
    R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages", The American Statistician 50 (4), 1996, pp. 361-365.
    Z. Karnin, K. Lang and E. Liberty, "Optimal quantile approximation in streams", FOCS 2016, pp. 71-78.

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
    asked: dict[str, Any] = {"by": by, "period": period, "timezone": timezone, "every": every, "clock": clock}
    if hasattr(contacts, "map_partitions"):
        from ccstats.service._sketched_waits import scanned_waits

        keys, counts, found = scanned_waits(contacts, shares, limits, asked)
    else:
        groups, counts, wait, chosen = count_waits(contacts, limits, **asked)
        keys = groups.keys
        found = {name: (groups.quantiles(wait, each, shares), np.empty(0)) for name, each in chosen.items()}
    columns: dict[str, Any] = {name: counts[name] for name in _COUNTS}
    for name, (values, _) in found.items():
        columns |= {f"{name}_p{100 * share:g}_s": values[:, position] for position, share in enumerate(shares)}
    columns["max_wait_s"] = counts["max_wait_s"]
    for name in ("answered", "abandoned"):
        total = counts[f"{name}_known"]
        for limit in limits:
            within = columns[f"{name}_within_{limit:g}s"] = counts[f"{name}_within_{limit:g}s"]
            columns[f"{name}_share_within_{limit:g}s"] = np.divide(within, total, out=np.full(len(total), np.nan), where=total > 0)
    if hasattr(contacts, "map_partitions"):
        columns |= {f"{name}_rank_error": error for name, (_, error) in found.items()}
    return keys.assign(**columns)


def count_waits(
    contacts: Any, limits: Sequence[float], *, by: str | Sequence[str], period: str | None, timezone: str, every: str, clock: str
) -> tuple[Groups, dict[str, Any], np.ndarray, dict[str, np.ndarray]]:
    """The cells of contacts, what adds up in them, the wait of each contact, and of whom quantiles are taken.

    Examples
    --------
    >>> import ccstats as cc
    >>> contacts = cc.synthesize_contacts(seed=1).contacts
    >>> groups, counts, wait, chosen = count_waits(contacts, [20], by="queue", period=None, timezone="UTC", every="30min", clock="queued")
    >>> bool((counts["answered_within_20s"] <= counts["answered"]).all()), list(chosen)
    (True, ['wait', 'abandon_wait'])
    """
    frame = as_frame(contacts, what="contacts")
    CONTACTS.check(frame, columns=["queued_at", "outcome", "wait_s"], keys=False)
    frame = frame[~frame["outcome"].isin(NOT_QUEUED)]
    outcome, wait = frame["outcome"].to_numpy(), wait_of(frame, clock)
    groups = Groups(frame, by, instants=frame["queued_at"], period=period, timezone=timezone, every=every)
    known = ~np.isnan(wait)
    left = {name: outcome == name for name in ("answered", "abandoned")}
    counts = {
        **{name: groups.count(each) for name, each in left.items()},
        "open": groups.count(outcome == "open"),
        "wait_unknown": groups.count((left["answered"] | left["abandoned"]) & ~known),
        **{f"{name}_known": groups.count(each & known) for name, each in left.items()},
        **{f"{name}_within_{limit:g}s": groups.count(each & known & (wait <= limit)) for name, each in left.items() for limit in limits},
        "max_wait_s": groups.largest(wait, known),
    }
    return groups, counts, wait, {"wait": left["answered"] & known, "abandon_wait": left["abandoned"] & known}


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
