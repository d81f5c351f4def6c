"""Write docs/nomenclature.md: every table and column from the schema, every metric from the registry.

python tools/make_nomenclature.py            writes the page
python tools/make_nomenclature.py --check    says whether it is up to date, writes nothing
"""

from __future__ import annotations

import sys
from pathlib import Path

from ccstats.metrics import METRICS, NOT_OFFERED, Metric
from ccstats.schema import OUTCOMES, TABLES, Column, Table

PAGE = Path(__file__).parents[1] / "docs" / "nomenclature.md"

HEAD = """# Nomenclature

Every name that a table of ccstats can show, with unit and meaning. This page is written by `tools/make_nomenclature.py` from
`ccstats.schema` and `ccstats.metrics`; change those, then run it again.

Durations are seconds and end in `_s`. Instants end in `_at` and are UTC; starts of periods end in `_start`. Shares are 0-1.
What a source does not log is missing, never zero. A ratio whose denominator is empty is missing, never 0 or 1.
"""

METRICS_HEAD = """## Metrics

Clauses are those of EN 15838; the standard says what to measure and sets no targets. Source codes are resolved on the page
[Sources](sources.md).

| metric | title | formula | from | made by | unit | direction | clause | source |
|---|---|---|---|---|---|---|---|---|
"""

LATER_HEAD = """## Metrics that are not offered

Names are reserved. What each would take, or what tells more:

| metrics | instead, or needed |
|---|---|
"""


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def column_line(column: Column, table: Table) -> str:
    marks = [word for word, holds in (("key", column.name in table.key), ("where logged", not column.required)) if holds]
    meaning = column.meaning
    if column.vocabulary and column.name != "outcome":
        meaning += ": " + ", ".join(f"`{word}`" for word in column.vocabulary)
    return f"| `{column.name}` | {cell(meaning)} | {column.unit} | {column.kind} | {', '.join(marks)} |\n"


def table_section(table: Table) -> str:
    head = f"## Table `{table.name}`\n\nOne row is {table.row}. Key: {', '.join(f'`{name}`' for name in table.key)}.\n\n"
    return (
        head + "| column | meaning | unit | kind | |\n|---|---|---|---|---|\n" + "".join(column_line(each, table) for each in table.columns)
    )


def outcome_section() -> str:
    lines = (f"| `{outcome}` | {f'`{counted}`' if counted else 'nowhere'} |\n" for outcome, counted in OUTCOMES.items())
    return "## Outcomes of a visit, and where each is counted\n\n| outcome | counted in |\n|---|---|\n" + "".join(lines)


def metric_line(metric: Metric) -> str:
    direction = metric.direction.removesuffix("_is_better")
    facts = (
        f"`{metric.name}`",
        metric.title,
        cell(metric.formula),
        f"`{metric.table}`",
        f"`{metric.function}`" + (f", column `{metric.shown_as}`" if metric.shown_as else ""),
        metric.unit,
        direction,
        metric.clause,
        metric.source,
    )
    return f"| {' | '.join(facts)} |\n"


def later_lines() -> str:
    reasons = dict.fromkeys(NOT_OFFERED.values())
    return "".join(f"| {', '.join(f'`{name}`' for name, why in NOT_OFFERED.items() if why == reason)} | {reason} |\n" for reason in reasons)


def page() -> str:
    parts = [HEAD, *(table_section(table) for table in TABLES.values())]
    parts.insert(2, outcome_section())  # after contacts
    parts += [METRICS_HEAD + "".join(metric_line(metric) for metric in METRICS.values()), LATER_HEAD + later_lines()]
    return "\n".join(parts)


def main(arguments: list[str]) -> int:
    text = page()
    if "--check" in arguments:
        fresh = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        print(f"{PAGE.name} is up to date" if fresh else f"{PAGE.name} is out of date: run python tools/make_nomenclature.py")
        return 0 if fresh else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
