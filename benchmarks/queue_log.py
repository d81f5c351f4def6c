"""How fast a queue_log becomes contacts and agent states, beside the time that bare CSV readers need only to split its lines.

Run ``python benchmarks/queue_log.py --lines 10000000``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_FIRST = 1_700_000_000 - 1_700_000_000 % 86_400
_DAY = 86_400
_AGENTS, _QUEUES, _CUSTOMERS = 200, 20, 300_000
_CALLS, _PAUSES = 60, (10, 20, 32, 45)  # a shift: calls of one agent, and before which of them he pauses


def write_log(path: Path, lines: int, *, seed: int = 1) -> None:
    """A plausible log of exactly so many lines: shifts, pauses, calls that interleave, rings nobody took, abandons, restarts."""
    random = np.random.default_rng(seed)
    days = max(1, min(20, lines // 50_000))
    written, day, serial = 0, 0, 0
    with path.open("wb") as file:
        while written < lines:
            texts, serial = _days(random, day, days, serial)
            texts = texts[: lines - written]
            offsets, data = texts.buffers()[1:]
            begin, end = np.frombuffer(offsets, "int64")[[texts.offset, texts.offset + len(texts)]]
            file.write(memoryview(data)[begin:end])
            written += len(texts)
            day += days


def _days(random: np.random.Generator, day: int, days: int, serial: int) -> tuple[pa.LargeStringArray, int]:
    shape = (days, _AGENTS, _CALLS)
    login = _FIRST + _DAY * (day + np.arange(days)[:, None]) + random.integers(25_200, 39_600, (days, _AGENTS))
    talk = np.maximum(random.lognormal(5.2, 0.7, shape), 2).astype("int64")
    idle = random.exponential(90, shape).astype("int64") + 1
    pause = np.zeros(shape, "int64")
    pause[:, :, list(_PAUSES)] = random.integers(120, 1800, (days, _AGENTS, len(_PAUSES)))
    ends = login[:, :, None] + np.cumsum(talk + idle + pause, axis=2)
    agent = np.broadcast_to(np.arange(_AGENTS)[None, :, None], shape)
    queue = (agent + random.integers(0, 2, shape)) % _QUEUES

    def flat(array: np.ndarray) -> np.ndarray:
        return array.reshape(-1)

    connected, talked, agent_of, queue_of = flat(ends - talk), flat(talk), flat(agent), flat(queue)
    count = len(connected)
    wait = np.where(random.random(count) < 0.5, random.integers(2, 9, count), random.exponential(45, count).astype("int64") + 5)
    rang = np.minimum(wait, random.integers(1, 9, count))
    lost = count // 11  # callers that nobody answers
    lost_at = np.sort(_FIRST + _DAY * (day + random.integers(0, days, lost)) + random.integers(28_800, 64_800, lost))
    lost_wait = random.exponential(60, lost).astype("int64")
    entered = np.concatenate([connected - wait, lost_at])
    created = entered - random.integers(3, 40, len(entered))
    serials = np.empty(len(entered), "int64")
    serials[np.argsort(created, kind="stable")] = serial + np.cumsum(random.integers(1, 4, len(entered)))
    calls = _join([_text(created), _text(serials)], ".")
    queues = _lookup([f"queue{number}" for number in range(_QUEUES)], np.concatenate([queue_of, random.integers(0, _QUEUES, lost)]))
    people = [f"PJSIP/{2001 + number}" for number in range(_AGENTS)]
    agents = _lookup(people, agent_of)
    mine, none = calls[:count], _lookup(["NONE"], np.zeros(1, "int8"))
    own = queues[:count]

    def nobody(rows: int) -> Any:
        return none.take(pa.array(np.zeros(rows, "int8")))

    parts: list[tuple[np.ndarray, Any, Any, Any, Any]] = []

    def add(at: np.ndarray, call: Any, in_queue: Any, who: Any, *tail: Any) -> None:
        tails = _join(list(tail), "|") if len(tail) > 1 else pa.scalar(tail[0]) if isinstance(tail[0], str) else tail[0]
        if isinstance(tails, pa.Scalar):
            tails = _lookup([tails.as_py()], np.zeros(len(at), "int8"))
        parts.append((at, call, in_queue, who, tails))

    for number in (0, 1):
        member_of = _lookup([f"queue{(each + number) % _QUEUES}" for each in range(_AGENTS)], np.tile(np.arange(_AGENTS), days))
        staff = _lookup(people, np.tile(np.arange(_AGENTS), days))
        add(flat(login), nobody(login.size), member_of, staff, "ADDMEMBER", "")
        add(flat(ends[:, :, -1]) + 30, nobody(login.size), member_of, staff, "REMOVEMEMBER", "")
    callers = _text(5_550_000_000 + random.integers(0, _CUSTOMERS, len(entered)))
    add(entered, calls, queues, nobody(len(entered)), "ENTERQUEUE", "", callers, "1")
    some = np.flatnonzero((random.random(count) < 0.25) & (wait > 16))
    other = _lookup(people, random.integers(0, _AGENTS, len(some)))
    add(connected[some] - rang[some] - 1, mine.take(some), own.take(some), other, "RINGNOANSWER", "15000")
    add(connected, mine, own, agents, "CONNECT", _text(wait), _join([_text(connected - 5), _text(serials[:count] + 1)], "."),
        _text(rang))  # fmt: skip
    kind = np.where(random.random(count) < 0.6, 0, 1)
    sent = random.random(count) < 0.02
    rows = np.flatnonzero(~sent)
    verb = _lookup(["COMPLETECALLER", "COMPLETEAGENT"], kind[rows])
    add((connected + talked)[rows], mine.take(rows), own.take(rows), agents.take(rows), verb, _text(wait[rows]), _text(talked[rows]), "1")
    rows = np.flatnonzero(sent)
    add((connected + talked)[rows], mine.take(rows), own.take(rows), agents.take(rows), "BLINDTRANSFER", "2900", "from-internal",
        _text(wait[rows]), _text(talked[rows]), "1")  # fmt: skip
    gone = _lookup(["ABANDON", "ABANDON", "ABANDON", "EXITWITHTIMEOUT"], random.integers(0, 4, lost))
    add(lost_at + lost_wait, calls[count:], queues[count:], nobody(lost), gone, "1", "1", _text(lost_wait))
    breaks = np.flatnonzero(flat(pause))
    began = flat(ends - talk - idle - pause)[breaks] + 1
    reason = _lookup(["Lunch", "Break", "Training", "Desk"], random.integers(0, 4, len(breaks)))
    over = began + flat(pause)[breaks] - 1
    who = agents.take(breaks)
    resting = nobody(len(breaks))
    both = [_lookup([f"queue{each}" for each in range(_QUEUES)], (agent_of[breaks] + number) % _QUEUES) for number in (0, 1)]
    add(began, resting, resting, who, "PAUSEALL", reason)
    for in_queue in both:
        add(began, resting, in_queue, who, "PAUSE", reason)
    add(over, resting, resting, who, "UNPAUSEALL", "")
    for in_queue in both:
        add(over, resting, in_queue, who, "UNPAUSE", "")
    starts = np.array([_FIRST + _DAY * at + 10_800 for at in range(day, day + days) if at % 7 == 0], "int64")
    add(starts, nobody(len(starts)), nobody(len(starts)), nobody(len(starts)), "QUEUESTART", "")

    at = np.concatenate([part[0] for part in parts])
    order = np.argsort(at, kind="stable")
    columns = [pa.concat_arrays([part[field] for part in parts]).take(pa.array(order)) for field in (1, 2, 3, 4)]
    return _join([_join([_text(at[order]), *columns], "|"), "\n"], ""), int(serials.max()) + 1


def _join(parts: list[Any], separator: str) -> Any:
    kind = pa.large_string()
    return pc.binary_join_element_wise(*(pa.scalar(part, kind) if isinstance(part, str) else part for part in (*parts, separator)))


def _text(numbers: np.ndarray) -> Any:
    return pa.array(numbers).cast(pa.large_string())


def _lookup(words: list[str], codes: np.ndarray) -> Any:
    return pa.array(words, pa.large_string()).take(pa.array(codes))


def _ours(path: Path) -> dict[str, int]:
    import ccstats as cc

    log = cc.read(str(path), format="asterisk_queue_log", key="benchmark")
    outcomes = log.contacts["outcome"].value_counts()
    return {
        "lines": log.count(), "answered": int(outcomes["answered"]), "abandoned": int(outcomes["abandoned"]),
        "contacts": len(log.contacts), "agents": log.agent_states["agent"].nunique(), "spans": len(log.agent_states),
    }  # fmt: skip


def _duckdb(path: Path) -> dict[str, int]:
    import duckdb

    with duckdb.connect() as db:
        db.execute(
            "create table log as select * from read_csv(?, delim='|', header=false, all_varchar=true, null_padding=true, "
            "quote='', escape='', auto_detect=false, columns={" + ", ".join(f"'c{at}': 'varchar'" for at in range(12)) + "})",
            [str(path)],
        )
        _DONE["at"] = time.perf_counter()
        found = dict(db.execute("select c4, count(*) from log group by 1").fetchall())
        agents = db.execute("select count(distinct c3) from log where c3 <> 'NONE'").fetchone()[0]
    return {
        "lines": sum(found.values()), "answered": found["CONNECT"], "abandoned": found.get("ABANDON", 0),
        "contacts": found["ENTERQUEUE"], "agents": agents,
    }  # fmt: skip


def _pandas(path: Path) -> dict[str, int]:
    import pandas as pd

    frame = pd.read_csv(path, sep="|", names=range(12), dtype="str", engine="c", quoting=3)
    _DONE["at"] = time.perf_counter()
    return {"lines": len(frame), "answered": int((frame[4] == "CONNECT").sum())}


def _bytes(path: Path) -> dict[str, int]:
    return {"lines": int(np.count_nonzero(np.fromfile(path, dtype="uint8") == 10))}


_CASES = {"bytes": _bytes, "ours": _ours, "duckdb": _duckdb, "pandas": _pandas}
_TITLES = {
    **{"ours": "ccstats, contacts and agent states", "duckdb": "DuckDB, bare read_csv", "pandas": "pandas, bare read_csv"},
    "bytes": "the limit: every byte looked at once, by one core",
}
_DONE: dict[str, float] = {}  # when the reading was over, if the check comes after


def _watch(peak: list[float], stop: threading.Event) -> None:
    """Largest memory of this process, without the pages of mapped files, which the system takes back when it needs them."""
    while not stop.wait(0.02):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("RssAnon"):
                peak[0] = max(peak[0], int(line.split()[1]) / 1024)


@contextmanager
def watched() -> Iterator[list[float]]:
    """The largest memory of this process while the block runs, as one number in MB."""
    peak, stop = [0.0], threading.Event()
    if Path("/proc/self/status").exists():
        threading.Thread(target=_watch, args=(peak, stop), daemon=True).start()
    try:
        yield peak
    finally:
        stop.set()


def _run_case(case: str, path: Path) -> dict[str, Any]:
    if case == "ours":  # compile, or load what is compiled, before the clock runs
        with tempfile.TemporaryDirectory() as folder:
            small = Path(folder) / "small"
            write_log(small, 200_000)
            _ours(small)
    with watched() as peak:
        begin = time.perf_counter()
        found = _CASES[case](path)
        seconds = _DONE.get("at", time.perf_counter()) - begin
    return {"who": case, "seconds": seconds, "peak_mb": peak[0], "found": found}


def main(lines: int = 10_000_000, path: Path | None = None) -> list[dict[str, Any]]:
    """Time each reader in a process of its own; first its figures must agree with the others'."""
    with tempfile.TemporaryDirectory() as folder:
        if path is None:
            path = Path(folder) / "queue_log"
            write_log(path, lines)
        path.read_bytes()  # into the page cache, for all alike
        results = []
        for case in ("duckdb", "ours", "pandas", "bytes"):
            command = [sys.executable, __file__, "--case", case, "--path", str(path)]
            results.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]))
    truth = results[0]["found"]
    for result in results[1:]:
        for name, value in result["found"].items():
            if name in truth and truth[name] != value:
                raise AssertionError(f"{result['who']} found {value} {name}, DuckDB {truth[name]}")
    base = results[0]["seconds"]
    return [
        {
            "case": f"queue_log, {truth['lines']:,} lines",
            "who": _TITLES[result["who"]],
            "seconds": round(result["seconds"], 2),
            "rows_per_second": round(truth["lines"] / result["seconds"]),
            "peak_mb": round(result["peak_mb"]),
            "ratio": round(result["seconds"] / base, 2),
        }
        for result in results
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--case", choices=sorted(_CASES))
    parser.add_argument("--path", type=Path)
    asked = parser.parse_args()
    if asked.case:
        print(json.dumps(_run_case(asked.case, asked.path)))
    else:
        for row in main(asked.lines, asked.path):
            print(row)
