"""What each figure of a scorecard was made of, so that an audit can make it again: inputs with digests, rows, parameters, version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ccstats import __version__
from ccstats.agreement import Agreement
from ccstats.errors import OptionError
from ccstats.metrics import METRICS
from ccstats.periods import period_start
from ccstats.schema import TABLES, as_frame
from ccstats.scorecard.digests import digest_file, digest_table
from ccstats.scorecard.sources import ALL, Sources

__all__ = ["trace_scorecard"]

#: Tables that a metric of `intervals` or `agent_intervals` is counted from, where they are given.
_COUNTED_FROM = {"intervals": "contacts", "agent_intervals": "agent_states"}
#: Fields of a target that say what is measured; the others say what it must reach and what that is worth.
_MEASURED = (
    *("metric", "statistic", "probability", "threshold_s", "threshold_rules", "clock", "formula", "queues", "channels"),
    *("exclude", "confidence_level", "calendar", "limit"),
)


def trace_scorecard(
    kpis: Any, agreement: Agreement, *, files: Mapping[str, str | Path | Iterable[str | Path]] | None = None, **tables: Any
) -> pd.DataFrame:
    """Where each figure of a scorecard comes from.

    Parameters
    ----------
    kpis : pandas.DataFrame or Arrow table
        As `build_scorecard` made it.
    agreement : Agreement
        The one it was made with.
    files : mapping of str to path or paths, optional
        By name of a table, the files it was read from: then their bytes are digested, not the table.
    **tables : table
        Those that `build_scorecard` was given, by the same names.

    Returns
    -------
    pandas.DataFrame
        One row a figure and table it is made of: ``queue, period_start, metric, target, function`` (of ccstats), ``input`` (the table),
        ``columns``, ``rows`` (of that table, in this queue and period; without a queue of its own or of its contact: in the period),
        ``sha256`` (of the files, or else of the table), ``parameters`` (JSON: time zone, threshold, clock, exclusions, …),
        ``ccstats_version``. The same inputs give the same rows, whenever.

    Raises
    ------
    OptionError
        If no tables are given, or a file is named for a table that is not.

    Examples
    --------
    >>> import ccstats as cc
    >>> log = cc.read(cc.sample_log(), key="a secret")
    >>> agreement = cc.Agreement.from_toml(cc.sample_file("agreement.toml"))
    >>> kpis = cc.build_scorecard(agreement, contacts=log.contacts)
    >>> trace = trace_scorecard(kpis, agreement, contacts=log.contacts, files={"contacts": cc.sample_log()})
    >>> len(trace["sha256"].iloc[0])
    64
    """
    frame = as_frame(kpis, what="kpis")
    days = frame["period_start"].dt.tz_convert(agreement.timezone).dt.date if len(frame) else None
    sources = Sources.of(agreement, tables, covers=None if days is None else (days.min(), days.max()))
    unknown = sorted(set(files or {}) - set(sources.tables))
    if unknown:
        raise OptionError(f"files= names {', '.join(unknown)}, of which no table was given; given are: {', '.join(sources.tables)}")
    digests = {name: _digest(name, table, files or {}) for name, table in sources.tables.items()}
    counts: dict[tuple[str, str], Any] = {}
    targets = {target.name: target for target in agreement.targets}
    rows = []
    for row in frame.itertuples():
        metric = METRICS.get(str(row.metric))
        if metric is None:
            continue  # it is not offered, so made of nothing
        target = targets[str(row.target)]
        period = str(row.period)
        for name in _tables_of(metric.table, sources):
            if (name, period) not in counts:
                counts[name, period] = _rows_by_period(sources, name, period)
            rows.append(
                {
                    "queue": row.queue,
                    "period_start": row.period_start,
                    "metric": row.metric,
                    "target": row.target,
                    "function": metric.function,
                    "input": name,
                    "columns": " ".join(column for column in metric.columns if column in TABLES[name]),
                    "rows": int(counts[name, period].get((str(row.queue), row.period_start), 0)),
                    "sha256": digests[name],
                    "parameters": _parameters(agreement, target, str(row.queue)),
                    "ccstats_version": __version__,
                }
            )
    names = ["queue", "period_start", "metric", "target", "function", "input", "columns", "rows", "sha256", "parameters", "ccstats_version"]
    return pd.DataFrame(rows, columns=names)


def _digest(name: str, table: pd.DataFrame, files: Mapping[str, Any]) -> str:
    if name not in files:
        return digest_table(table)
    given = files[name]
    paths = [given] if isinstance(given, str | Path) else list(given)
    return " ".join(digest_file(path) for path in paths)


def _tables_of(table: str, sources: Sources) -> list[str]:
    """The tables given that a metric of ``table`` was made of."""
    named = [_COUNTED_FROM.get(table, table)]
    if named[0] not in sources.tables:
        named = [table]
    if table in ("surveys", "evaluations", "complaints") and "contacts" in sources.tables:
        named.append("contacts")
    if table == "schedule" and "agent_states" in sources.tables:
        named.append("agent_states")
    if table == "forecast":
        named.append("contacts" if "contacts" in sources.tables else "intervals")
    return [name for name in named if name in sources.tables]


def _rows_by_period(sources: Sources, name: str, period: str) -> dict[Any, int]:
    frame = sources.placed(name)
    at = sources.instants(name, frame)
    starts = pd.Series(period_start(at, period=period, timezone=sources.agreement.timezone), index=frame.index)
    whole = starts.value_counts()
    found = {(ALL, start): int(number) for start, number in whole.items()}
    if "queue" in frame:
        by_queue = starts.groupby([frame["queue"].astype("str"), starts]).size()
        return found | {key: int(number) for key, number in by_queue.items()}
    return found


def _parameters(agreement: Agreement, target: Any, queue: str) -> str:
    """What is measured and how, as JSON with sorted keys."""
    said = {name: value for name, value in target.model_dump(mode="json").items() if name in _MEASURED and value not in (None, [], "")}
    said |= {"timezone": agreement.timezone, "definition": agreement.definition_of(target), "clock": agreement.clock_of(target)}
    if target.statistic == "share_within" and queue != ALL:
        said |= {"threshold_s": agreement.threshold_of(queue, target), "short_s": agreement.short_of(queue)}
    return json.dumps(said, sort_keys=True, ensure_ascii=False)
