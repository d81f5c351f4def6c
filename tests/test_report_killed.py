"""A report that is killed while it is made: no file is half there, and the next run completes it."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.15"))
CENTRE = Path(__file__).parents[1] / "data" / "samples" / "centre"
#: Runs the command once, and then in forks of a process that has loaded everything, each killed after so many seconds.
DRIVER = """
import os, signal, sys, time
from ccstats.cli import main

def report(out):
    sys.argv = ["ccstats", "report", "queue_log", "--agreement", "agreement.toml", "--out", out]
    try:
        main()
    except SystemExit as end:
        return end.code or 0
    return 0

told = os.fdopen(os.dup(1), "w")
os.dup2(os.open("said", os.O_WRONLY | os.O_CREAT), 1)
os.dup2(1, 2)
print(report("whole"), file=told, flush=True)
for line in sys.stdin:
    out, moment, seconds = line.split()
    begun, pid = time.time(), os.fork()
    if not pid:
        os._exit(report(out))
    if moment == "writing":  # something was written since it began
        while time.time() < begun + 60 and not (os.path.isdir(out) and os.stat(out).st_mtime >= begun):
            time.sleep(0.005)
    if moment != "never":
        time.sleep(float(seconds))
        os.kill(pid, signal.SIGKILL)  # it may have ended, but nobody has waited for it
    print(os.waitpid(pid, 0)[1], file=told, flush=True)
"""


def whole(path: Path, other: Path) -> bool:
    """Whether a file is all there: the same bytes, or, where it tells when it was made, to its end."""
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            return book.testzip() is None
    if path.suffix == ".html":
        return path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    if path.name == "provenance.json":
        return bool(json.loads(path.read_text(encoding="utf-8")))
    return path.read_bytes() == other.read_bytes()


def files(folder: Path) -> set[str]:
    """What is to be seen in it; a name that begins with a point is hidden."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_killed_at_any_moment_no_file_is_half(tmp_path: Path) -> None:
    """kill -9, again and again, into a folder that stays: whatever is there is whole."""
    lines = gzip.decompress((CENTRE / "queue_log.gz").read_bytes()).splitlines(keepends=True)[:300]
    (tmp_path / "queue_log").write_bytes(b"".join(lines))
    (tmp_path / "agreement.toml").write_bytes((CENTRE / "agreement.toml").read_bytes())
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CCSTATS_")}
    rng = random.Random(11)
    seen: set[str] = set()
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER], cwd=tmp_path, env=clean, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None

        def run(out: str, killed: str, after: float = 0.0) -> int:
            print(out, killed, after, file=driver.stdin, flush=True)
            return int(driver.stdout.readline())

        begun = time.monotonic()
        assert int(driver.stdout.readline()) == 0, (tmp_path / "said").read_text()
        took = time.monotonic() - begun  # a fork, for which all is loaded, is over in less than half of it
        expected = files(tmp_path / "whole")
        assert {"report.html", "report.xlsx", "kpis.json", "service.csv"} <= expected
        for number in range(max(2, round(20 * EXAM))):
            killed = ("writing", "any")[number % 2]
            run("a", killed, took * rng.uniform(0.0, 0.2 if killed == "writing" else 0.5))
            there = files(tmp_path / "a") if (tmp_path / "a").exists() else set()
            assert seen <= there <= expected
            seen = there
            assert [name for name in sorted(there) if not whole(tmp_path / "a" / name, tmp_path / "whole" / name)] == []
        assert run("a", "never") == 0, (tmp_path / "said").read_text()
        driver.stdin.close()
    assert files(tmp_path / "a") == expected
    assert all(whole(tmp_path / "a" / name, tmp_path / "whole" / name) for name in expected)
