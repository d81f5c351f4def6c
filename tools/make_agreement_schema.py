"""Write docs/agreement.schema.json, the JSON Schema of an agreement, from its models.

python tools/make_agreement_schema.py            writes it
python tools/make_agreement_schema.py --check    says whether it is up to date, writes nothing
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ccstats.agreement import Agreement

SCHEMA = Path(__file__).parents[1] / "docs" / "agreement.schema.json"


def text() -> str:
    return json.dumps(Agreement.json_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        fresh = SCHEMA.is_file() and SCHEMA.read_text(encoding="utf-8") == text()
        print(f"{SCHEMA.name} is up to date" if fresh else f"{SCHEMA.name} is out of date: run python tools/make_agreement_schema.py")
        return 0 if fresh else 1
    SCHEMA.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
