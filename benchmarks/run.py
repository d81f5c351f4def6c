"""Run the benchmarks, print their tables, write them to ``benchmarks/RESULTS.md`` and draw ``benchmarks/RESULTS.svg``.

``python benchmarks/run.py`` takes some minutes; ``--quick`` proves in one that everything runs and writes nothing.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import causes
import control_charts
import deviations
import forecasts
import intervals
import pictures
import queue_log
import readers
import report
import scaling
import schedules
import simulation
import staffing
import starting
import transient

#: Section: what it measures, against what, how it is run in full and how quickly.
SECTIONS = {
    "starting": ("Starting", "pandas", starting.main, lambda: starting.main(1)),
    "intervals": ("Contacts to intervals", "DuckDB", lambda: intervals.main(10_000_000), lambda: intervals.main(100_000, repeat=1)),
    "queue_log": ("Asterisk queue_log to tables", "DuckDB", lambda: queue_log.main(10_000_000), lambda: queue_log.main(100_000)),
    "readers": ("Every reader", "bare parse", readers.main, lambda: readers.main(500, most=1e6, repeat=1, apart=False)),
    "report": ("Report", "", report.main, lambda: report.main(20_000)),
    "scaling": ("Scaling", "", scaling.main, lambda: scaling.main(100_000, repeat=1)),
    "staffing": ("Staffing", "ccstats", staffing.main, lambda: staffing.main(20_000, repeat=1, sample=500, sample_a=3)),
    "schedules": (
        "Schedules",
        "ccstats, HiGHS",
        schedules.main,
        lambda: schedules.main((10,), peak=20.0, repeat=1, time_limit_s=30.0, tours=False),
    ),
    "simulation": ("Simulation", "ccstats", simulation.main, lambda: simulation.main(5.0, repeat=1)),
    "transient": ("Transient", "ccstats, transient", transient.main, lambda: transient.main(20, repeat=1)),
    "control_charts": ("Control charts", "one pass", control_charts.main, lambda: control_charts.main(20_000, repeat=1)),
    "causes": (
        "Causes of a missed service level",
        "one plain evaluation",
        causes.main,
        lambda: causes.main(48, repeat=1, replications=5),
    ),
    "deviations": ("Deviations", "ccstats", deviations.main, lambda: deviations.main(6, quiet=1, seeds=1, days=35, repeat=1)),
    "forecasts": ("Forecasts", "ccstats", forecasts.main, lambda: forecasts.main(1, 1, 140, 14)),
}
RESULTS = Path(__file__).parent / "RESULTS.md"
PICTURE = RESULTS.with_suffix(".svg")
_PACKAGES = ("numpy", "numba", "pandas", "pyarrow", "duckdb", "orjson", "lxml", "polars", "pyworkforce", "ciw", "adtk")


def machine() -> str:
    """Processor, cores, memory and how busy it is, as far as the system tells."""
    information = Path("/proc/cpuinfo")
    names = (
        [line.split(":")[1].strip() for line in information.read_text().splitlines() if line.startswith("model name")]
        if information.exists()
        else []
    )
    busy = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB" if hasattr(os, "sysconf") else ""
    return f"{names[0] if names else platform.processor() or platform.machine()}, {os.cpu_count()} cores{memory}, {platform.system()}{busy}"


def _shown(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"


def table(rows: Iterable[dict[str, Any]], against: str) -> str:
    """One Markdown table per case: who, and a column for whatever else its rows have."""
    headings = {"rows_per_second": "rows/s", "peak_mb": "memory [MB]"}
    headings |= {"ratio": f"time ÷ {against}", "ratio_one_core": f"time ÷ {against} on one core"}
    parts = []
    for case, members in groupby(rows, key=lambda row: row["case"]):
        shown = [{headings.get(key, key): value for key, value in row.items() if key != "case"} for row in members]
        lines = [f"| {' | '.join(map(_shown, row.values()))} |" for row in shown]
        parts.append("\n".join([f"**{case}**", "", f"| {' | '.join(shown[0])} |", "|---" + "|---:" * (len(shown[0]) - 1) + "|", *lines]))
    return "\n\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=f"which of: {', '.join(SECTIONS)}; all by default")
    parser.add_argument("--quick", action="store_true", help="a small run that proves it runs; nothing is written")
    asked = parser.parse_args()
    unknown = sorted(set(asked.sections) - set(SECTIONS))
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are: {', '.join(SECTIONS)}")
    made_on = machine()  # before the benchmarks are a load themselves
    parts, found = [], {}
    for name in asked.sections or SECTIONS:
        title, against, full, quick = SECTIONS[name]
        found[name] = quick() if asked.quick else full()
        parts.append(f"## {title}\n\n{table(found[name], against)}")
        print(parts[-1], end="\n\n", flush=True)
    if asked.sections:
        return
    if asked.quick:
        with tempfile.TemporaryDirectory() as folder:
            pictures.draw(found, Path(folder) / PICTURE.name)
        return
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    made = f"{datetime.now(UTC):%d %B %Y}: {made_on}; Python {platform.python_version()}, {versions}"
    head = (
        f"# Benchmarks\n\nMade by `make bench` on {made}.\n\n"
        "Results are compared before anything is timed. Intervals: best of three, in a process of its own each; memory is the most above "
        "that of the frame. queue_log and report: one run each; memory is the most of the process, of queue_log without mapped files. "
        "Readers: best of five in turn, a process of its own for each format; memory as for queue_log. Deviations: the seconds of all "
        "cases together, once. Starting: medians of fifteen rounds, a process each. The others: medians of five alternating rounds in one "
        "process. What is compared with what stands at the head of each file of `benchmarks/`.\n\n"
        f"![Growth, readers and statistics]({PICTURE.name})\n"
    )
    pictures.draw(found, PICTURE)
    RESULTS.write_text("\n".join([head, *(f"{part}\n" for part in parts)]), encoding="utf-8")


if __name__ == "__main__":
    main()
