"""All that a report is made of: what was read, what was agreed, and the tables that several of its sections show, each made once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from ccstats.agreement import Agreement
from ccstats.deviations.plan import compare_with_plan
from ccstats.deviations.usual import plan_as_usual
from ccstats.errors import CcstatsError
from ccstats.intervals import to_intervals
from ccstats.labels import number_text, phrase
from ccstats.privacy import key_of
from ccstats.readers.contract import Log
from ccstats.report.deviation_report import DeviationReport, build_deviation_report
from ccstats.report.parts import Text
from ccstats.report.placing import count_agents
from ccstats.report.scorecard_report import ScorecardReport
from ccstats.report.service_report import ServiceReport
from ccstats.report.statistics import build_statistics
from ccstats.scorecard.digests import digest_table
from ccstats.workforce.demand import to_forecast
from ccstats.workforce.patience import Patience, estimate_patience
from ccstats.workforce.staffing import plan_staffing

__all__ = ["Material"]

#: So many contacts are enough of a secret.
_DIGESTED = 10_000


@dataclass(frozen=True)
class Material:
    """What was read and agreed, and how the report is to be cut.

    Attributes
    ----------
    lang, timezone : str
        Language of what people read, and whose days count.
    log : Log, optional
        What `ccstats.read` gave.
    service : ServiceReport, optional
        Its service by group and period, suppressed as asked for.
    scorecard : ScorecardReport, optional
        Figures against what was agreed.
    records : mapping of str to pandas.DataFrame
        ``surveys``, ``evaluations``, ``complaints``, ``forecast``, where there are any.
    rejected : mapping of str to pandas.DataFrame
        The rows of those that were rejected, with line and reason.
    every : str
        Length of the intervals.
    threshold_s, short_s : float, mapping or None
        Of the service level and of short abandons. [s]
    definition : str
        Which service level is meant.
    suppress_below : int
        Figures on fewer contacts than this are blank, and finer tables left out; 0: none. [contacts]
    agent_names : bool
        Whether agents are shown by their names.
    inputs : mapping of str to str
        SHA-256 of the files it was made of, by what they are.
    options : mapping of str to str
        How it was made, for its provenance.

    Examples
    --------
    >>> Material("en", "UTC").agreement is None
    True
    """

    lang: str
    timezone: str
    log: Log | None = None
    service: ServiceReport | None = None
    scorecard: ScorecardReport | None = None
    records: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    rejected: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    every: str = "30min"
    threshold_s: float | Mapping[str, float] | None = None
    short_s: float | Mapping[str, float] | None = None
    definition: str = "service_level"
    suppress_below: int = 0
    agent_names: bool = False
    inputs: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def agreement(self) -> Agreement | None:
        """What was agreed, if anything.

        Examples
        --------
        >>> Material("en", "UTC").agreement
        """
        return None if self.scorecard is None else self.scorecard.agreement

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """The log's contacts as `intervals`."""
        assert self.log is not None
        return to_intervals(self.log.contacts, every=self.every, timezone=self.timezone, threshold_s=self.threshold_s, short_s=self.short_s)

    @cached_property
    def _queues(self) -> int:
        return len(self.intervals["queue"].unique())

    @cached_property
    def agent_intervals(self) -> pd.DataFrame | None:
        """Its agents as `agent_intervals`, by queue where every agent served one only; None where the log says nothing of them."""
        if self.log is None:
            return None
        return count_agents(self.log.agent_states, queues=self._queues, every=self.every, timezone=self.timezone)

    @cached_property
    def statistics(self) -> dict[str, pd.DataFrame]:
        """Agents, outcomes, ends and transfers, suppressed as asked for."""
        if self.log is None:
            return {}
        return build_statistics(self.log, timezone=self.timezone, suppress_below=self.suppress_below)

    @cached_property
    def agent_key(self) -> bytes:
        """Secret behind the numbers that agents have instead of names: yours, or one of who holds the contacts, the same for the same."""
        assert self.log is not None
        if os.environ.get("CCSTATS_KEY"):
            return key_of(None)
        return digest_table(self.log.contacts[["contact_id", "visit", "queued_at", "agent"]].head(_DIGESTED)).encode()

    @cached_property
    def by(self) -> tuple[str, ...]:
        """``queue`` where agents are known by queue, else nothing: then all queues are one pool."""
        known = self.agent_intervals is not None and "queue" in self.agent_intervals
        return ("queue",) if known or self._queues <= 1 else ()

    @cached_property
    def patience(self) -> Patience:
        """How long callers are willing to wait."""
        assert self.log is not None
        return estimate_patience(self.log.contacts)

    @cached_property
    def target(self) -> float | None:
        """The service level that was agreed for all queues, if there is one such target."""
        agreed = [] if self.agreement is None else self.agreement.targets
        level = [each for each in agreed if each.metric == self.definition and each.op in (">=", ">") and not each.queues]
        return float(level[0].value) if level and isinstance(level[0].value, int | float) else None

    @cached_property
    def plan(self) -> pd.DataFrame | None:
        """Agents that the agreed service level takes for what was forecast or, without a forecast, for what came; None without a target."""
        if self.target is None or self.log is None:
            return None
        forecast = self.records.get("forecast")
        return plan_staffing(
            to_forecast(self.intervals) if forecast is None else forecast,
            target_service_level=self.target,
            threshold_s=self.threshold_s,
            patience_s=self.patience.mean_s,
            definition=self.definition,
            short_s=self.short_s,
        )

    def compared(self, period: str | None, *, together: bool = False) -> pd.DataFrame:
        """Plan against actual as `ccstats.compare_with_plan` makes it: by queue where agents are known so, or all queues together.

        Examples
        --------
        >>> Material.compared.__name__
        'compared'
        """
        by = () if together else self.by
        return compare_with_plan(self.plan, self.intervals, self.agent_intervals, by=by, period=period, timezone=self.timezone)

    @cached_property
    def usual(self) -> pd.DataFrame | None:
        """What was usual, as a plan; None where that cannot be told."""
        if self.agent_intervals is None:
            return None
        try:
            return plan_as_usual(self.intervals, self.agent_intervals, by="queue" if self.by else ())
        except CcstatsError:
            return None

    @cached_property
    def days(self) -> DeviationReport:
        """The service level day by day with limits, what deviates, and why: by queue where agents are known so."""
        return build_deviation_report(
            self.intervals,
            self.agent_intervals,
            metric=self.definition,
            by=("queue",) if not self.suppress_below else (),
            timezone=self.timezone,
            period="day",
        )

    def busiest(self, most: int) -> list[str]:
        """Queues by how many contacts they were offered, those with most of them first.

        Examples
        --------
        >>> Material.busiest.__name__
        'busiest'
        """
        offered = self.intervals.groupby("queue", observed=True)["offered"].sum()
        return [str(queue) for queue in offered.sort_values(ascending=False, kind="stable").index[:most]]

    def not_all(self, most: int) -> list[Text]:
        """That only the busiest queues have a chart, where there are more.

        Examples
        --------
        >>> Material.not_all.__name__
        'not_all'
        """
        shown, count = (number_text(each, lang=self.lang) for each in (most, self._queues))
        return [Text(phrase("page_too_many_queues", self.lang, queues=count, shown=shown), note=True)] if self._queues > most else []

    def records_of(self, name: str) -> Any:
        """A table beside the log, or None.

        Examples
        --------
        >>> Material("en", "UTC").records_of("surveys") is None
        True
        """
        return self.records.get(name)
