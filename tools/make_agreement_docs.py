"""Write what the docs say of agreements from their models: docs/agreement.schema.json, and the table of presets in docs/agreement.md.

python tools/make_agreement_docs.py            writes them
python tools/make_agreement_docs.py --check    says whether they are up to date, writes nothing
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ccstats.agreement import Agreement
from ccstats.agreement.describing import describe_target

DOCS = Path(__file__).parents[1] / "docs"
SCHEMA, PAGE = DOCS / "agreement.schema.json", DOCS / "agreement.md"
BEGIN, END = "<!-- presets: written by tools/make_agreement_docs.py -->\n", "<!-- end of presets -->\n"


def schema() -> str:
    return json.dumps(Agreement.json_schema(), indent=2, ensure_ascii=False) + "\n"


def table() -> str:
    lines = ["| preset | jurisdiction | target | conf. | as of | source |\n|---|---|---|---|---|---|\n"]
    rows = Agreement.presets()
    for row in rows.itertuples():
        agreement = Agreement.preset(row.id, reading=row.reading or None)
        target = next(each for each in agreement.targets if each.name == row.target)
        asked = describe_target(agreement, target)[0].strip()
        several = rows.loc[rows["id"] == row.id, "reading"].nunique() > 1 and row.reading
        name = f"`{row.id}`" + (f", reading `{row.reading}`" if several else "")
        lines.append(f"| {name} | {row.jurisdiction} | {asked} | {row.confidence} | {row.as_of} | {row.source} |\n")
    return "".join(lines)


def page() -> str:
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.split(END)[1]


def main(arguments: list[str]) -> int:
    wanted = {SCHEMA: schema(), PAGE: page()}
    if "--check" not in arguments:
        for path, text in wanted.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path.name for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    print(f"out of date: {', '.join(stale)}: run python tools/make_agreement_docs.py" if stale else "up to date")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
