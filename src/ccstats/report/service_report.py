"""The service-level report of a log: which tables it holds and under which definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ccstats.agreement import Agreement
from ccstats.errors import OptionError
from ccstats.intervals import to_intervals
from ccstats.labels import check_language, phrase
from ccstats.metrics import METRICS
from ccstats.readers.contract import Log
from ccstats.service.ratios import measure_service
from ccstats.service.waits import measure_waits

__all__ = ["HEADLINE", "ServiceReport", "agreed_thresholds", "build_service_report"]

#: The columns a client reads, in this order, after the group, the period and the definition asked for.
HEADLINE = ("offered", "answered", "abandoned", "flowed_out", "callbacks", "lost", "open", "unknown", "blocked", "ivr_abandoned")
_RATIOS = ("answer_rate", "abandonment_rate", "asa_s", "mean_abandon_s", "max_wait_s", "att_s", "mean_hold_s", "mean_wrap_s", "aht_s")


@dataclass(frozen=True)
class ServiceReport:
    """The monthly service-level table and what it takes to trust it.

    Attributes
    ----------
    groups, total : pandas.DataFrame
        `ccstats.measure_service` by group and period, and over all groups.
    waits : pandas.DataFrame
        `ccstats.measure_waits` for the same groups and periods; with ``period="interval"`` one row a group, over the whole log.
    account, rejected, notes : pandas.DataFrame
        What became of every line, which were rejected and why, and what was repaired.
    period, timezone, definition : str
        How it was cut and which service level stands first.
    threshold, short : str
        The thresholds, in words.
    format : str
        The log's format.
    sources : tuple of str
        The files read.
    lang : str
        Language of what people read; tables and their columns are the same in all.

    Examples
    --------
    >>> ServiceReport.__dataclass_params__.frozen
    True
    """

    groups: pd.DataFrame
    total: pd.DataFrame
    waits: pd.DataFrame
    account: pd.DataFrame
    rejected: pd.DataFrame
    notes: pd.DataFrame
    period: str | None
    timezone: str
    definition: str
    threshold: str
    short: str
    format: str
    sources: tuple[str, ...]
    lang: str = "en"

    def headline(self) -> pd.DataFrame:
        """The columns a client reads: groups first, then a row for all of them in every period.

        Counts that are zero everywhere (nobody flowed out, nothing was lost) are left out; the CSV has every column.

        Examples
        --------
        >>> import ccstats as cc
        >>> from ccstats.report import build_service_report
        >>> log = cc.read(cc.sample_log())
        >>> report = build_service_report(log, timezone="Europe/Berlin", threshold_s=20)
        >>> list(report.headline().columns[:4])
        ['queue', 'period_start', 'service_level', 'offered']
        """
        by = [name for name in self.groups.columns if name not in self.total.columns]
        total = self.total.copy()
        for name in by:
            taken = set(self.groups[name].astype("str"))
            word = phrase("all", self.lang)
            words = (word, f"({word})", f"(({word}))", phrase("all_of_them", self.lang))
            total[name] = next(each for each in words if each not in taken)
        rows = pd.concat([self.groups.astype({name: "str" for name in by}), total], ignore_index=True) if by else total
        when = [name for name in ("period_start", "weekday", "slot") if name in rows]
        first = ["offered", "answered", "abandoned"]
        counts = [*first, *(name for name in HEADLINE if name not in first and rows[name].sum() > 0)]
        ratios = [name for name in _RATIOS if name in rows and rows[name].notna().any()]
        columns = [*by, *when, self.definition, *counts, *(name for name in ratios if name != self.definition)]
        # The totals come last, and a stable sort leaves them last within their period.
        return rows[columns].sort_values(when, kind="stable", ignore_index=True) if when else rows[columns]

    def definitions(self) -> pd.DataFrame:
        """Name, formula and clause of every figure in the headline: ``metric, formula, clause``.

        Examples
        --------
        >>> ServiceReport.definitions.__name__
        'definitions'
        """
        shown = [METRICS[name] for name in self.headline().columns if name in METRICS]
        return pd.DataFrame(
            {
                "metric": [metric.name for metric in shown],
                "formula": [metric.formula for metric in shown],
                "clause": [metric.clause for metric in shown],
            }
        )


def _words(threshold: float | Mapping[str, float] | None, lang: str) -> str:
    if threshold is None:
        return phrase("none", lang)
    if isinstance(threshold, Mapping):
        return ", ".join(f"{queue}: {_seconds(seconds, lang)}" for queue, seconds in sorted(threshold.items()))
    return _seconds(threshold, lang)


def _seconds(value: float, lang: str) -> str:
    return phrase("seconds", lang, number=f"{value:g}" if lang == "en" else f"{value:g}".replace(".", ","))


def agreed_thresholds(agreement: Agreement, queues: Sequence[str]) -> tuple[float | dict[str, float], dict[str, float] | None]:
    """Service-level and short-abandon thresholds that were agreed for these queues.

    Parameters
    ----------
    agreement : Agreement
        What was agreed.
    queues : sequence of str
        Queues of a log; those that the agreement does not name take its general threshold.

    Returns
    -------
    tuple
        Thresholds, one number where all have the same, and short-abandon thresholds by queue, None where there are none. [s]

    Examples
    --------
    >>> import ccstats as cc
    >>> agreed_thresholds(cc.Agreement.from_toml(cc.sample_file("agreement.toml")), ["sales", "support"])
    (20.0, None)
    """
    named = [queue for queue in queues if not agreement.queues or queue in agreement.queues]
    limits = {queue: agreement.threshold_of(queue) if queue in named else agreement.service_level.threshold_s for queue in queues}
    shorts = {queue: value for queue in named if (value := agreement.short_of(queue)) is not None}
    return next(iter(limits.values())) if len(set(limits.values())) == 1 else limits, shorts or None


def build_service_report(
    log: Log,
    *,
    timezone: str,
    period: str | None = "month",
    by: Sequence[str] = ("queue",),
    every: str = "30min",
    threshold_s: float | Mapping[str, float] | None = 20,
    short_s: float | Mapping[str, float] | None = None,
    definition: str = "service_level",
    lang: str = "en",
) -> ServiceReport:
    """The service-level report of one log.

    Parameters
    ----------
    log : Log
        What `ccstats.read` gave.
    timezone : str
        The zone whose days and months count.
    period : str or None
        ``interval, hour, day, week, month, quarter, year, weekday, slot``, or None for one row a group.
    by : sequence of str
        Columns of ``contacts`` to group by; none for totals only.
    every : str
        Length of the intervals beneath, such as ``"15min"``.
    threshold_s, short_s : float, mapping or None
        Service-level and short-abandon thresholds, for all queues or per queue. [s]
    definition : str
        Which of the nine service levels stands first.
    lang : str
        Language of what people read: ``en``, ``de``, ``es`` or ``tr``.

    Returns
    -------
    ServiceReport

    Raises
    ------
    OptionError
        If lines were rejected and none was used (the format does not fit), a group is no column of ``contacts``, or there is no such
        language. A log without contacts gives an empty report.

    Examples
    --------
    >>> import ccstats as cc
    >>> log = cc.read(cc.sample_log())
    >>> report = build_service_report(log, timezone="Europe/Berlin", threshold_s=20)
    >>> report.definition, report.threshold
    ('service_level', '20 s')
    """
    check_language(lang)
    by = tuple(dict.fromkeys(by))
    if log.count("rejected") and not log.count("used"):
        reason = log.rejected["reason"].mode().iloc[0]
        raise OptionError(
            f"none of {log.count():,} lines could be used as {log.format!r}; most were rejected because: {reason}. "
            "Is the format right? Leave format= out to have it recognised, and see log.rejected or ccstats check"
        )
    unknown = [name for name in by if name not in log.contacts]
    if unknown:
        raise OptionError(f"by={unknown}: no such columns in contacts; it has: {', '.join(log.contacts.columns)}")
    beside_queue = tuple(name for name in by if name != "queue")
    intervals = to_intervals(
        log.contacts, every=every, timezone=timezone, threshold_s=threshold_s, short_s=short_s, by=beside_queue, fill=period == "interval"
    )
    groups = measure_service(intervals, by=by, period=period, timezone=timezone, definition=definition)
    total = measure_service(intervals, period=period, timezone=timezone, definition=definition)
    waits = measure_waits(log.contacts, by=by, period=None if period == "interval" else period, timezone=timezone)
    return ServiceReport(
        groups=groups,
        total=total,
        waits=waits,
        account=log.summary(),
        rejected=log.rejected,
        notes=log.notes,
        period=period,
        timezone=timezone,
        definition=definition,
        threshold=_words(threshold_s, lang),
        short=_words(short_s, lang),
        format=log.format,
        sources=tuple(dict.fromkeys(log.lines["source"].astype(str))),
        lang=lang,
    )
