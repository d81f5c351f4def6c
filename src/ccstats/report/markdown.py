"""The service-level report as Markdown: the table first, then the definitions, then what became of every line."""

from __future__ import annotations

import pandas as pd

from ccstats import __version__
from ccstats.labels import check_language, column_label, metric_title, number_text, phrase
from ccstats.metrics import METRICS
from ccstats.report.cells import escape_markdown, present
from ccstats.report.service_report import ServiceReport
from ccstats.report.statistics import split_waits

__all__ = ["markdown_report", "markdown_table"]


def markdown_table(table: pd.DataFrame, *, period: str | None = None, lang: str = "en") -> str:
    r"""A table of ours as a Markdown table; text is left, figures are right.

    Examples
    --------
    >>> print(markdown_table(pd.DataFrame({"queue": ["a|b"], "offered": [3]})))
    | queue | offered |
    |:--|--:|
    | a\|b | 3 |
    """
    shown = present(table, period=period, lang=lang)
    aligned = ["--:" if pd.api.types.is_numeric_dtype(dtype) else ":--" for dtype in table.dtypes]
    lines = ["| " + " | ".join(map(escape_markdown, map(str, shown.columns))) + " |", "|" + "|".join(aligned) + "|"]
    lines += ["| " + " | ".join(map(escape_markdown, row)) + " |" for row in shown.itertuples(index=False)]
    return "\n".join(lines)


def _definitions(report: ServiceReport) -> list[str]:
    """The table of definitions; where headings are no names, each name beside its heading."""
    table, lang = report.definitions(), report.lang
    if lang == "en":
        return [markdown_table(table)]
    rows = [
        f"| {escape_markdown(column_label(name, lang))} | {escape_markdown(metric_title(name, lang))} | `{name}` | "
        f"{escape_markdown(METRICS[name].formula)} | {METRICS[name].clause} |"
        for name in map(str, table["metric"])
    ]
    titles = (phrase("column", lang), column_label("title", lang), "CSV", phrase("formula", lang), phrase("clause", lang))
    head = f"| {' | '.join(titles)} |\n|:--|:--|:--|:--|:--|"
    return [phrase("formula_names", lang), "\n".join([head, *rows])]


def markdown_report(report: ServiceReport) -> str:
    """The whole report as Markdown text, in the language of the report.

    Reasons, notes and rules of what was read are those of the reader, in English.

    Examples
    --------
    >>> import ccstats as cc
    >>> from ccstats.report import build_service_report
    >>> log = cc.read(cc.sample_log())
    >>> print(markdown_report(build_service_report(log, timezone="Europe/Berlin")).splitlines()[0])
    # Service level
    >>> print(markdown_report(build_service_report(log, timezone="Europe/Berlin", lang="tr")).splitlines()[0])
    # Hizmet seviyesi
    """
    lang = check_language(report.lang)
    fates = {fate: int(report.account.loc[report.account["fate"] == fate, "lines"].sum()) for fate in ("used", "ignored", "rejected")}
    counted = {fate: number_text(lines, lang=lang) for fate, lines in (fates | {"lines": sum(fates.values())}).items()}
    defined = phrase(
        "definition_line",
        lang,
        definition=f"`{report.definition}`",
        formula=escape_markdown(METRICS[report.definition].formula),
        threshold=escape_markdown(report.threshold),
        short=escape_markdown(report.short),
    )
    # In English both are lines; elsewhere those of a log and those of a telephone have names of their own.
    account = report.account if lang == "en" else report.account.rename(columns={"lines": "lines_read"})
    zone = phrase("times_of_zone", lang, zone=escape_markdown(report.timezone))
    read = phrase("lines_read", lang, **counted, format=escape_markdown(report.format), sources=escape_markdown(", ".join(report.sources)))
    parts = [
        f"# {phrase('service_level', lang)}",
        f"{defined}. {phrase('booked_where_queued', lang)} {zone}",
        markdown_table(report.headline(), period=report.period, lang=lang),
        f"## {phrase('waits' if report.period != 'interval' else 'waits_whole_log', lang)}",
        phrase("waits_note", lang),
        *(markdown_table(table, period=report.period, lang=lang) for table in split_waits(report.waits)),
        f"## {phrase('definitions', lang)}",
        *_definitions(report),
        f"## {phrase('what_was_read', lang)}",
        read,
        markdown_table(account, lang=lang),
    ]
    if len(report.notes):
        parts += [phrase("repaired_or_assumed", lang), markdown_table(report.notes, lang=lang)]
    if len(report.rejected):
        parts += [phrase("first_rejected", lang, file="`rejected.csv`"), markdown_table(report.rejected.head(20), lang=lang)]
    parts.append(f"{phrase('made_with', lang, version=__version__)} {phrase('standard_no_targets', lang)}")
    return "\n\n".join(parts) + "\n"
