"""Where the time of a report goes: a queue_log of a million contacts to the page, the workbook and the tables.

There is no peer that makes such a report, so the time is shown by step, as the report itself tells what it is making. Everything runs in a
process of its own, with everything compiled before.

Run ``python benchmarks/report.py --lines 3450000``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from queue_log import write_log


def _run(path: Path) -> dict[str, Any]:
    steps: list[tuple[str, float]] = [("", time.perf_counter())]

    def note(what: str, done: float = 0.0) -> None:
        if what != steps[-1][0]:
            steps.append((what, time.perf_counter()))

    note("loading libraries")
    import ccstats as cc

    write = cc.write_report  # its modules are loaded when it is named
    note("reading")
    log = cc.read(str(path), format="asterisk_queue_log", key="benchmark")
    note("measuring the service")
    with tempfile.TemporaryDirectory() as folder:
        files = write(log=log, out=folder, timezone="Europe/Berlin", progress=note)
        page = Path(folder) / "report.html"
        if page not in files or f"{log.count():,}" not in page.read_text(encoding="utf-8"):
            raise AssertionError("the report does not say how many lines the log has")
        note("end")
    seconds: dict[str, float] = {}
    for (what, begin), (_, end) in zip(steps[1:], steps[2:], strict=False):
        seconds[what] = seconds.get(what, 0.0) + end - begin
    from intervals import memory  # loads libraries, whose time has been told by now

    return {"contacts": len(log.contacts), "seconds": seconds, "peak_mb": memory("VmHWM") / 2**20}


def main(lines: int = 3_450_000) -> list[dict[str, Any]]:
    """The steps that take longest, and the whole."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "queue_log"
        write_log(path, lines)
        for _ in range(2):  # the first one compiles
            shown = subprocess.run([sys.executable, __file__, "--path", str(path)], check=True, capture_output=True, text=True).stdout
        found = json.loads(shown.splitlines()[-1])
    case, whole = f"report, {found['contacts']:,} contacts", sum(found["seconds"].values())
    shares = [
        {"case": case, "who": what, "seconds": seconds, "peak_mb": "–", "share of the whole": seconds / whole}
        for what, seconds in sorted(found["seconds"].items(), key=lambda item: -item[1])[:8]
    ]
    return [{"case": case, "who": "whole", "seconds": whole, "peak_mb": round(found["peak_mb"]), "share of the whole": 1}, *shares]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=3_450_000)
    parser.add_argument("--path", type=Path)
    asked = parser.parse_args()
    if asked.path:
        print(json.dumps(_run(asked.path)))
    else:
        for row in main(asked.lines):
            print(row)
