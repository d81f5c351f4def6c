"""How time and memory grow: with contacts, queues and cores from Parquet to a monthly service table, with agents in the formulas.

*Contacts*: 10,000 to 100 million, in files of a million each (a slice of a year each), to the monthly service table by queue. First the
same from files and from one frame in memory is compared, of a million contacts: counts must be the same numbers, sums within 1e-12. Each
size in a process of its own; memory is its resident peak, libraries and mapped files included. *Queues*: a million contacts in 1 to 1,000
queues, half-hours of all. *Cores*: ten million contacts counted on one core, then two. *Agents*: what it takes to find how many agents it
takes where the answer is 1 to 100,000, for a thousand rows with a handle time of their own each.

Run ``python benchmarks/scaling.py --most 1000000``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

import ccstats as cc
from intervals import make_contacts, memory

ZONE, PART, QUEUES = "Europe/Istanbul", 1_000_000, 20


def write_year(folder: Path, rows: int, *, queues: int = QUEUES) -> list[Path]:
    """A year of contacts in files of a million at most, each with its slice of the year and its own chance."""
    files = []
    parts = -(-rows // PART)
    for part in range(parts):
        contacts = make_contacts(min(PART, rows - part * PART), queues=queues, seed=part, year=(part / parts, (part + 1) / parts))
        files.append(folder / f"{part:03d}.parquet")
        cc.write_parquet(contacts, files[-1], table="contacts")
    return files


def monthly(source: Any) -> pd.DataFrame:
    half_hours = cc.to_intervals(source, every="30min", timezone=ZONE, threshold_s=20, fill=False)
    return cc.measure_service(half_hours, by="queue", period="month", timezone=ZONE)


def compare(files: list[Path]) -> None:
    """Raise if the table of files differs from that of one frame."""
    scanned, in_memory = monthly(cc.scan(files)), monthly(pd.concat(map(pd.read_parquet, files), ignore_index=True))
    if list(scanned.columns) != list(in_memory.columns) or len(scanned) != len(in_memory):
        raise AssertionError("the tables of files and of a frame differ in shape")
    for name in scanned.columns:
        a, b = scanned[name], in_memory[name]
        if a.dtype.kind == "f":
            same = np.isclose(a, b, rtol=1e-12, atol=0, equal_nan=True).all()
        else:
            same = (a.astype("str") == b.astype("str")).all()
        if not same:
            raise AssertionError(f"the tables of files and of a frame differ in {name}")


def _here(folder: str, cores: int) -> dict[str, float]:
    if cores == 1:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        pa.set_cpu_count(1)
    monthly(make_contacts(1000))  # compile, or load what is compiled, before the clock runs
    begun = time.perf_counter()
    table = monthly(cc.scan(folder, cores=cores))
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "offered": float(table["offered"].sum()), "peak_mb": memory("VmHWM") / 2**20}


def _apart(folder: str, cores: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--here", folder, "--cores", str(cores)]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found


def _line(case: str, who: str, seconds: float, rows: int, peak_mb: float | None = None) -> dict[str, Any]:
    memory = "–" if peak_mb is None else round(peak_mb)
    return {"case": case, "size": who, "seconds": seconds, "rows_per_second": int(rows / seconds), "peak_mb": memory}


def _best(run: Any, repeat: int) -> float:
    took = []
    for _ in range(repeat):
        begun = time.perf_counter()
        run()
        took.append(time.perf_counter() - begun)
    return min(took)


def main(most: int = 100_000_000, *, repeat: int = 3) -> list[dict[str, Any]]:
    """Lines of the four curves; ``most`` contacts at the most."""
    lines: list[dict[str, Any]] = []
    sizes = [size for size in (10**power for power in range(4, 9)) if size <= most]
    cores = len(os.sched_getaffinity(0))
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            files = write_year(Path(folder), size)
            if size == min(PART, most):
                compare(files)
            found = _apart(folder, cores)
            if not 0.9 * size < found["offered"] <= size:
                raise AssertionError(f"of {size} contacts {found['offered']} were offered")
            lines.append(_line("contacts in Parquet to a monthly table", f"{size:,} contacts", found["seconds"], size, found["peak_mb"]))
            if size == min(10_000_000, most):
                for each in range(1, cores + 1):
                    found = _apart(folder, each)
                    case = f"cores, {size:,} contacts in Parquet to a monthly table"
                    lines.append(_line(case, f"{each} of {cores} cores", found["seconds"], size, found["peak_mb"]))
    lines.sort(key=lambda line: line["case"].startswith("cores"))
    rows = min(1_000_000, most)
    for queues in (1, 10, 100, 1000):
        contacts = make_contacts(rows, queues=queues)
        run = lambda: cc.to_intervals(contacts, every="30min", timezone=ZONE, threshold_s=20, fill=False)  # noqa: B023, E731
        run()
        lines.append(_line(f"queues, {rows:,} contacts in memory to half-hours", f"{queues:,} queues", _best(run, repeat), rows))
    rows = min(1_000, most)
    for agents in (1, 10, 100, 1_000, 10_000, 100_000):
        aht = np.random.default_rng(agents).uniform(170, 190, rows)
        load = max(agents - np.sqrt(agents), 0.3)
        for model, patience in (("Erlang C", np.inf), ("Erlang A", 120.0)):
            run = lambda: cc.erlang.agents_required(load, aht_s=aht, target_service_level=0.8, threshold_s=20, patience_s=patience)  # noqa: B023, E731
            run()
            lines.append(_line(f"agents required, {model}, {rows:,} rows", f"about {agents:,} agents", _best(run, repeat), rows))
    return sorted(lines, key=lambda line: line["case"].startswith("agents") + ("Erlang A" in line["case"]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=100_000_000)
    parser.add_argument("--here", metavar="FOLDER", help="in this process, printed as JSON")
    parser.add_argument("--cores", type=int, default=2)
    asked = parser.parse_args()
    if asked.here:
        print(json.dumps(_here(asked.here, asked.cores)))
    else:
        for row in main(asked.most):
            print(row)
