"""Write docs/kpis.schema.json, the schema of ``kpis.json``, from the table of KPIs.

python tools/make_kpi_schema.py            writes it
python tools/make_kpi_schema.py --check    says whether it is up to date, writes nothing
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ccstats.report.kpi_schema import kpi_schema

PATH = Path(__file__).parents[1] / "docs" / "kpis.schema.json"


def main(arguments: list[str]) -> int:
    text = json.dumps(kpi_schema(), indent=2, ensure_ascii=False) + "\n"
    if "--check" not in arguments:
        PATH.write_text(text, encoding="utf-8")
        return 0
    fresh = PATH.is_file() and PATH.read_text(encoding="utf-8") == text
    print("up to date" if fresh else "out of date: run python tools/make_kpi_schema.py")
    return 0 if fresh else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
