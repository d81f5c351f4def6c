"""Deviations for people: incidents in words, each with what it came from."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ccstats.deviations.causes import explain_service_level
from ccstats.deviations.charts import find_deviations
from ccstats.deviations.incidents import list_incidents
from ccstats.deviations.planned import read_planned
from ccstats.deviations.usual import plan_as_usual
from ccstats.deviations.wording import describe_causes
from ccstats.errors import CcstatsError, DataWarning, OptionError, TableError
from ccstats.metrics import METRICS, SERVICE_LEVELS
from ccstats.report.cells import escape_markdown
from ccstats.report.files import csv_text, write_texts

__all__ = ["DeviationReport", "build_deviation_report", "write_deviations"]

#: So many incidents, the costliest, are explained: each takes a simulation.
_EXPLAINED = 20
#: What the model's service level, from which reasons start, is that of.
_AGAINST = {"plan": "the plan as modelled", "usual": "the usual as modelled"}


@dataclass(frozen=True)
class DeviationReport:
    """Points, incidents and reasons of one table of intervals.

    Attributes
    ----------
    points : pandas.DataFrame
        Every period with its limits and signals.
    incidents : pandas.DataFrame
        Signals joined, the costliest first, with ``in_words`` and ``why`` (empty where nothing can be said).
    causes : pandas.DataFrame
        The attribution of every incident that was explained, under its ``incident``.
    against : str
        What the reasons are differences from: ``plan``, or ``usual``; empty where nothing was explained.
    metrics : tuple of str
        What was judged.
    timezone : str
        Zone of all times.
    threshold : str
        That of the service levels, in words.

    Examples
    --------
    >>> DeviationReport.__dataclass_params__.frozen
    True
    """

    points: pd.DataFrame
    incidents: pd.DataFrame
    causes: pd.DataFrame
    against: str
    metrics: tuple[str, ...]
    timezone: str
    threshold: str

    def sentences(self) -> list[str]:
        """One sentence an incident, with its reasons.

        Examples
        --------
        >>> empty = pd.DataFrame({"in_words": [], "why": []}, dtype="str")
        >>> DeviationReport(empty, empty, empty, "", (), "UTC", "").sentences()
        []
        """
        pairs = zip(self.incidents["in_words"], self.incidents["why"], strict=True)
        return [f"{said}{f' — {why}' if why else ''}" for said, why in pairs]

    def definitions(self) -> list[str]:
        """What was judged, each metric with its formula and threshold.

        Examples
        --------
        >>> DeviationReport.definitions.__name__
        'definitions'
        """
        return [f"{name} = {METRICS[name].formula}{self.threshold if 'within' in METRICS[name].formula else ''}" for name in self.metrics]

    def charts(self) -> list[str]:
        """How the points were judged, most of them first: the notes of the points, with how many each is for.

        Examples
        --------
        >>> DeviationReport.charts.__name__
        'charts'
        """
        counted = self.points["note"].astype("str").str.partition("; ")[0].value_counts()
        return [f"{note} ({count:,} points)" for note, count in counted.items() if note]


def build_deviation_report(
    intervals: pd.DataFrame,
    agent_intervals: pd.DataFrame | None = None,
    *,
    plan: pd.DataFrame | None = None,
    metric: str | Sequence[str] = "service_level",
    by: Sequence[str] = ("queue",),
    timezone: str,
    since: Any = None,
    seed: int = 0,
    **options: Any,
) -> DeviationReport:
    """Find what deviates, join it to incidents, and say what each came from.

    Parameters
    ----------
    intervals : pandas.DataFrame
        `intervals`.
    agent_intervals : pandas.DataFrame, optional
        `agent_intervals`, cut alike. Without it nothing is said of agents.
    plan : pandas.DataFrame, optional
        What was planned; without it reasons are differences from what was usual.
    metric : str or sequence of str
        What is judged.
    by : sequence of str
        ``queue``, or nothing for all queues together.
    timezone : str
        Whose days count.
    since : datetime-like, optional
        Incidents that ended before are left out; what lies before is still learnt from.
    seed : int
        Of the simulations.
    **options
        ``period, chart, baseline, rules, target, alpha, holidays`` of `find_deviations`; ``chart="expected"`` judges service levels by
        the agents who were there.

    Returns
    -------
    DeviationReport

    Raises
    ------
    CcstatsError
        As `find_deviations`. What cannot be explained is said in ``why``, and stops nothing.

    Examples
    --------
    >>> build_deviation_report.__name__
    'build_deviation_report'
    """
    metrics = (metric,) if isinstance(metric, str) else tuple(metric)
    begin = None if since is None else _moment(since, timezone)
    judged_by = agent_intervals if options.get("chart") == "expected" else None  # only where asked: it takes a model that fits the centre
    last = (intervals["interval_start"] + pd.to_timedelta(intervals["interval_s"], unit="s")).max()
    if begin is not None and not begin < last:
        raise OptionError(f"since={since!r} is after the contacts, which end {last.tz_convert(timezone):%Y-%m-%d %H:%M} ({timezone})")
    if plan is not None:
        _check_overlap(plan, intervals, timezone)
        read_planned(plan)  # what a plan must have, before an hour is spent on judging
    points = find_deviations(
        intervals, metric=list(metrics), by=list(by), timezone=timezone, agent_intervals=judged_by, seed=seed, **options
    )
    incidents = list_incidents(points, intervals=intervals)
    if begin is not None:
        incidents = incidents[incidents["ended_at"] > begin].reset_index(drop=True)
        points = points[points["period_end"] > begin].reset_index(drop=True)
    queues = intervals["queue"].astype("str").unique()
    if list(by) and agent_intervals is not None and "queue" not in agent_intervals and len(queues) == 1:
        agent_intervals = agent_intervals.assign(queue=pd.Categorical([queues[0]] * len(agent_intervals)))
    if list(by) and agent_intervals is not None and "queue" not in agent_intervals:
        told = "reasons leave agents out, the plan's are taken for them" if plan is not None else "no reasons are told"
        warnings.warn(f"it is not known which queue an agent served: {told}; all queues together (by nothing) have them", DataWarning, 2)
        agent_intervals = None
    against = "" if not len(incidents) or (plan is None and agent_intervals is None) else "usual" if plan is None else "plan"
    causes, why = [], [""] * len(incidents)
    if against:
        table, known = plan, True
        if table is None:
            table, known = _usual(intervals, agent_intervals, by)
        for place, row in enumerate(incidents.head(_EXPLAINED).to_dict("records")):
            if not known:
                break
            found, why[place] = _explain(row, table, intervals, agent_intervals, by, timezone, against, seed)
            if found is not None:
                causes.append(found.assign(incident=row["incident"]))
    made = pd.concat(causes, ignore_index=True) if causes else pd.DataFrame({"incident": pd.array([], dtype="Int64")})
    seconds = intervals["threshold_s"].dropna().unique()
    threshold = "" if not len(seconds) else f"; threshold {f'{seconds[0]:g} s' if len(seconds) == 1 else 'by queue'}, inclusive"
    return DeviationReport(points, incidents.assign(why=pd.array(why, dtype="str")), made, against, metrics, timezone, threshold)


def _moment(since: Any, timezone: str) -> pd.Timestamp:
    try:
        begin = pd.Timestamp(since)
        if begin is pd.NaT:
            raise ValueError
    except (TypeError, ValueError):
        raise OptionError(f"since={since!r} is no day or moment; expected such as 2026-03-01 or '2026-03-01 14:00'") from None
    return begin.tz_localize(timezone) if begin.tzinfo is None else begin


def _check_overlap(plan: pd.DataFrame, intervals: pd.DataFrame, timezone: str) -> None:
    """Whether the plan is for these days at all, asked before anything is judged."""
    spans = [[each["interval_start"].min(), each["interval_start"].max()] for each in (plan, intervals)]
    if spans[0][1] < spans[1][0] or spans[1][1] < spans[0][0]:
        said = [" to ".join(f"{each.tz_convert(timezone):%Y-%m-%d %H:%M}" for each in span) for span in spans]
        raise TableError(f"the plan is for {said[0]}, the contacts came {said[1]} ({timezone}); give the plan of these days")


def _usual(intervals: pd.DataFrame, agent_intervals: Any, by: Sequence[str]) -> tuple[Any, bool]:
    try:
        return plan_as_usual(intervals, agent_intervals, by="queue" if list(by) == ["queue"] else ()), True
    except CcstatsError as error:
        warnings.warn(f"incidents are not explained: {error}", DataWarning, stacklevel=3)
        return None, False


def _explain(
    row: dict[Any, Any],
    plan: Any,
    intervals: pd.DataFrame,
    agent_intervals: pd.DataFrame | None,
    by: Sequence[str],
    timezone: str,
    against: str,
    seed: int,
) -> tuple[pd.DataFrame | None, str]:
    """The causes of one incident's service level, and they in words."""
    queue = str(row["queue"]) if list(by) == ["queue"] else None

    def during(table: pd.DataFrame | None) -> pd.DataFrame | None:
        if table is None:
            return None
        here = (table["interval_start"] >= row["started_at"]) & (table["interval_start"] < row["ended_at"])
        if queue is not None and "queue" in table:
            here &= table["queue"].astype("str").isin([queue, "nan"]) | table["queue"].isna()
        return table[here].reset_index(drop=True)

    level = row["metric"] if row["metric"] in SERVICE_LEVELS else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # of intervals at the incident's edges
            causes = explain_service_level(
                during(plan),
                during(intervals),
                during(agent_intervals),
                by="queue" if queue is not None else (),
                timezone=timezone,
                definition=level,
                seed=seed,
            )
    except CcstatsError as error:
        return None, f"not explained: {str(error).splitlines()[0]}"
    told = describe_causes(causes).iloc[0]
    if pd.isna(told["points"]):
        return causes, ""
    parts = str(told["words"]).partition(": ")[2] or "no difference"
    return causes, f"service level {told['points']:+.0f} points against {_AGAINST[against]}: {parts}".replace("-", "−")


def write_deviations(report: DeviationReport, out: str | Path) -> list[Path]:
    """Write ``deviations.md`` and its tables as CSV into a folder, made if it is not there.

    Parameters
    ----------
    report : DeviationReport
        What `build_deviation_report` made.
    out : str or Path
        The folder.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    OptionError
        If the folder cannot be made or written to.

    Examples
    --------
    >>> write_deviations.__name__
    'write_deviations'
    """
    judged = report.points[report.points["value"].notna()]
    parts = [
        "# Deviations",
        f"{len(judged):,} values of {', '.join(report.metrics)} were judged, {int(report.points['signal'].sum()):,} deviate, in "
        f"{len(report.incidents):,} incidents. Times are those of {escape_markdown(report.timezone)}.",
        *(f"{number}. {escape_markdown(said)}" for number, said in enumerate(report.sentences(), start=1)),
        "## How they were judged",
        "\n".join(f"* {escape_markdown(line)}" for line in report.charts()),
        "\n".join(f"* {escape_markdown(line)}" for line in report.definitions()),
    ]
    texts = {"deviations.md": "\n\n".join(parts) + "\n", "points.csv": csv_text(report.points), "incidents.csv": csv_text(report.incidents)}
    if len(report.causes):
        texts["causes.csv"] = csv_text(report.causes)
    return write_texts(Path(out), texts)
