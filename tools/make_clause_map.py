"""Write docs/clause_map.md: each clause of EN 15838, its counterpart in ISO 18295-1, and what serves it, from the registry.

python tools/make_clause_map.py            writes the page
python tools/make_clause_map.py --check    says whether it is up to date, writes nothing
"""

from __future__ import annotations

import sys
from pathlib import Path

from ccstats.metrics import METRICS, NOT_OFFERED, Metric
from ccstats.metrics.clauses import CLAUSES, Clause, clauses_of

PAGE = Path(__file__).parents[1] / "docs" / "clause_map.md"

HEAD = """# Clause by clause

Which clause of EN 15838:2009 is served by what. The standard was withdrawn in 2017 (S02), succeeded by EN ISO 18295-1 and -2; its clauses
still order this package. This page is written by `tools/make_clause_map.py` from `ccstats.metrics`; change that, then run it again.

**The standard says what to measure. It sets no targets, and neither do we**: a target comes from the agreement with the client, or from a
regulator's rule that is named with its source and date. Nothing here certifies anything.

Topics are short names of ours; no wording of either standard is known to us or quoted here. A counterpart in ISO 18295-1 is named only
where a public page describes that clause and the topic is plainly the same (codes: [Sources](sources.md)); otherwise it says *not mapped*.
A metric that serves several clauses stands under each of them. Formulas, units and sources are on the page
[Nomenclature](nomenclature.md), functions on the page [Functions](api.md).

| clause | topic | ISO 18295-1 | metrics |
|---|---|---|--:|
"""

LATER_HEAD = """## Not offered

Rows of the dictionary of metrics that no function computes, and why:

| metric | reason, or what tells more |
|---|---|
"""


def counterpart(clause: Clause) -> str:
    return f"{clause.counterpart} ({clause.source})" if clause.counterpart else "not mapped"


def metrics_of(clause: Clause) -> list[Metric]:
    return [metric for metric in METRICS.values() if clause.number in clauses_of(metric.clause)]


def head_line(clause: Clause) -> str:
    return f"| {clause.number} | {clause.topic} | {counterpart(clause)} | {len(metrics_of(clause))} |\n"


def metric_line(metric: Metric) -> str:
    made_of = ", ".join(f"`{name}`" for name in metric.columns)
    return f"| {metric.title} | `{metric.function}` | `{metric.column}` | `{metric.table}`: {made_of} |\n"


def section(clause: Clause) -> str:
    parts = [f"## {clause.number} {clause.topic[0].upper()}{clause.topic[1:]}\n\nISO 18295-1: {counterpart(clause)}.\n"]
    metrics = metrics_of(clause)
    if metrics:
        parts.append(
            "\n| what is measured | function | column | made of |\n|---|---|---|---|\n" + "".join(metric_line(metric) for metric in metrics)
        )
    else:
        parts.append("\nNo metric of its own.\n")
    made = {metric.function for metric in metrics}
    beside = [name for name in clause.functions if name not in made]
    if beside:
        parts.append(f"\nBeside these: {', '.join(f'`{name}`' for name in beside)}.\n")
    return "".join(parts)


def page() -> str:
    later = "".join(f"| `{name}` | {reason} |\n" for name, reason in NOT_OFFERED.items())
    top = HEAD + "".join(head_line(clause) for clause in CLAUSES.values())
    return "\n".join([top, *(section(clause) for clause in CLAUSES.values()), LATER_HEAD + later])


def main(arguments: list[str]) -> int:
    text = page()
    if "--check" in arguments:
        fresh = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        print(f"{PAGE.name} is up to date" if fresh else f"{PAGE.name} is out of date: run python tools/make_clause_map.py")
        return 0 if fresh else 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
