"""How was the service: sums per group and period, divided last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ccstats.errors import OptionError
from ccstats.intervals import roll_up
from ccstats.intervals.ratios import add_ratios
from ccstats.metrics import RATIOS, SERVICE_LEVELS

__all__ = ["measure_service"]


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
        ``interval``, ``hour``, ``day``, ``week``, ``month``, ``quarter``, ``year``, ``weekday`` or ``slot``; without one, one row a group.
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
