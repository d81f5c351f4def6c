"""Whether a figure deviates from its own past (7.4), apart from whether it meets its target."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy import stats

from ccstats import spc
from ccstats.agreement import Target
from ccstats.deviations.charts import find_deviations
from ccstats.errors import CcstatsError, DataWarning, OptionError
from ccstats.metrics import Metric
from ccstats.periods import period_start
from ccstats.scorecard.service_measures import count_intervals
from ccstats.scorecard.sources import ALL, NotMeasured, Sources

__all__ = ["find_unusual"]

#: Share of days that signal while nothing has changed: `find_deviations` puts its limits there.
_FALSE = 0.01
#: With fewer periods than this the limits of a chart are themselves noise.
_FEWEST = 12


def find_unusual(sources: Sources, target: Target, metric: Metric, period: str, queue: str, figures: pd.DataFrame) -> list[str]:
    """For each period ``yes``, ``no`` or ``unknown``.

    Parameters
    ----------
    sources, target, metric, period, queue
        What is judged.
    figures : pandas.DataFrame
        ``period_start, value, count``, period after period; incomplete ones have no value.

    Returns
    -------
    list of str
        Figures of logs are looked at day by day with `ccstats.find_deviations`, of which 1 in 100 deviates by chance: ``yes`` where so many
        do as chance alone gives in 1 of 100 periods. Others are put on an I' chart of their own, if there are 12 periods.

    Examples
    --------
    >>> find_unusual.__name__
    'find_unusual'
    """
    if figures["value"].isna().all():
        return ["unknown"] * len(figures)
    if metric.kind in ("ratio", "mean", "count", "max") and metric.table == "intervals" and period != "interval":
        return _by_day(sources, target, metric, period, queue, figures)
    value, count = figures["value"].to_numpy("float64"), figures["count"].to_numpy("float64")
    known = ~np.isnan(value)
    if known.sum() < _FEWEST:
        return ["unknown"] * len(figures)
    try:
        chart = spc.limits("i_prime", value, np.where(count > 0, count, np.nan))
    except OptionError:  # figures that are all alike, or of periods too far apart, have no spread to judge by
        return ["unknown"] * len(figures)
    outside = np.asarray(chart.signals)
    return ["unknown" if not here else "yes" if odd else "no" for here, odd in zip(known, outside, strict=True)]


def _by_day(sources: Sources, target: Target, metric: Metric, period: str, queue: str, figures: pd.DataFrame) -> list[str]:
    days = _days(sources, target, metric, queue)
    if days is None:
        return ["unknown"] * len(figures)
    days = days[days["queue"].astype("str") == queue] if queue != ALL else days
    judged = days[days["value"].notna() & (days["lower"].notna() | days["upper"].notna())]
    start = period_start(judged["period_start"], period=period, timezone=sources.agreement.timezone)
    found = judged["signal"].groupby(start).agg(["sum", "size"])
    said = []
    for at, value in zip(figures["period_start"], figures["value"], strict=True):
        if np.isnan(value) or at not in found.index:
            said.append("unknown")
            continue
        odd, all_days = (int(number) for number in found.loc[[at]].to_numpy()[0])
        said.append("yes" if odd and stats.binom.sf(odd - 1, all_days, _FALSE) < _FALSE or odd == all_days else "no")
    return said


def _days(sources: Sources, target: Target, metric: Metric, queue: str) -> pd.DataFrame | None:
    """Daily points of all queues (or of all together), made once; None where they cannot be."""
    terms = target.threshold_s, target.threshold_rules, target.clock, target.queues, target.channels, target.exclude
    key = ("days", metric.name, terms, queue == ALL)
    if key not in sources.cache:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # what it says of short series is `unknown` here
            try:
                intervals = count_intervals(sources, target)
                by = () if queue == ALL else "queue"
                sources.cache[key] = find_deviations(
                    intervals, metric=metric.name, by=by, period="day", timezone=sources.agreement.timezone
                )
            except (CcstatsError, NotMeasured):
                sources.cache[key] = None
    made: pd.DataFrame | None = sources.cache[key]
    return made
