"""The service-level report as Markdown: the table first, then the definitions, then what became of every line."""

from __future__ import annotations

import pandas as pd

from ccstats import __version__
from ccstats.metrics import METRICS
from ccstats.report.cells import escape_markdown, present
from ccstats.report.service_report import ServiceReport
from ccstats.report.statistics import split_waits

__all__ = ["markdown_report", "markdown_table"]


def markdown_table(table: pd.DataFrame, *, period: str | None = None) -> str:
    r"""A table of ours as a Markdown table; text is left, figures are right.

    Examples
    --------
    >>> print(markdown_table(pd.DataFrame({"queue": ["a|b"], "offered": [3]})))
    | queue | offered |
    |:--|--:|
    | a\|b | 3 |
    """
    shown = present(table, period=period)
    aligned = ["--:" if pd.api.types.is_numeric_dtype(dtype) else ":--" for dtype in table.dtypes]
    lines = ["| " + " | ".join(map(escape_markdown, map(str, shown.columns))) + " |", "|" + "|".join(aligned) + "|"]
    lines += ["| " + " | ".join(map(escape_markdown, row)) + " |" for row in shown.itertuples(index=False)]
    return "\n".join(lines)


def markdown_report(report: ServiceReport) -> str:
    """The whole report as Markdown text.

    Examples
    --------
    >>> import ccstats as cc
    >>> from ccstats.report import build_service_report
    >>> log = cc.read(cc.sample_log())
    >>> print(markdown_report(build_service_report(log, timezone="Europe/Berlin")).splitlines()[0])
    # Service level
    """
    metric = METRICS[report.definition]
    used, ignored, rejected = (
        int(report.account.loc[report.account["fate"] == fate, "lines"].sum()) for fate in ("used", "ignored", "rejected")
    )
    parts = [
        "# Service level",
        f"`{report.definition}` = {escape_markdown(metric.formula)}; threshold {escape_markdown(report.threshold)}, inclusive; "
        f"short-abandon rule {escape_markdown(report.short)}. "
        f"A contact is booked where it joined the queue. Times are those of {escape_markdown(report.timezone)}.",
        markdown_table(report.headline(), period=report.period),
        "## Waits" if report.period != "interval" else "## Waits, over the whole log",
        "Quantiles are taken from the contacts themselves, never averaged. Waits that the log's end cut short are counted apart (open).",
        *(markdown_table(table, period=report.period) for table in split_waits(report.waits)),
        "## Definitions",
        markdown_table(report.definitions()),
        "## What was read",
        f"{used + ignored + rejected:,} lines: {used:,} used, {ignored:,} ignored by rule, {rejected:,} rejected "
        f"(format {escape_markdown(report.format)}, from {escape_markdown(', '.join(report.sources))}).",
        markdown_table(report.account),
    ]
    if len(report.notes):
        parts += ["What was repaired or assumed:", markdown_table(report.notes)]
    if len(report.rejected):
        parts += ["The first lines rejected (all of them in `rejected.csv`):", markdown_table(report.rejected.head(20))]
    parts.append(f"Made with ccstats {__version__}. The standard sets no targets; none are claimed here.")
    return "\n\n".join(parts) + "\n"
