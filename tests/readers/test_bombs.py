"""Files made to do harm: one endless line, deep nesting, nothing but separators, packed zeros. Nothing breaks, and memory stays bounded."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import subprocess
import sys
from pathlib import Path

import pytest
from exam_cases import cases_of, lines_of
from json_units import JSON

from ccstats.errors import CcstatsError
from ccstats.readers import READERS

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02")) >= 1
#: Of one line, and of a million short ones. [bytes]
LONG, MANY = (100 * 2**20, 8 * 2**20) if EXAM else (2**20, 2**17)
#: Memory above that of reading the sample: so many times the file, and what any file may take. [1, bytes]
TIMES, BESIDES = 16, 250 * 2**20

BOMBS = {
    "one line": lambda: b"x" * LONG,
    "one field in quotes": lambda: b'"' + b"x" * LONG,
    "quotes": lambda: b'"' * LONG,
    "commas": lambda: b"," * (LONG // 4),
    "semicolons": lambda: b";" * (LONG // 4),
    "separators of a log": lambda: b"|" * LONG,
    "zero bytes": lambda: bytes(LONG),
    "open brackets": lambda: b"[" * LONG,
    "nested objects": lambda: b'{"a":' * (LONG // 5),
    "one number": lambda: b"9" * LONG,
    "durations": lambda: b"1:" * (LONG // 2),
    "blank lines": lambda: b"\n" * MANY,
    "empty fields": lambda: b'""\n' * (MANY // 3),
    "nested elements": lambda: b"<a>" * (LONG // 3),
    "one element": lambda: b"<cdr><variables><uuid>" + b"x" * LONG,
    "one attribute": lambda: b'<cdr a="' + b"x" * LONG,
}
#: Formats whose memory is measured, each in a process of its own.
MEASURED = list(READERS) if EXAM else ["asterisk_queue_log", "zendesk_talk", "amazon_connect_records"]


def survives(format: str, name: str) -> int | None:
    """Read the first sample's first line with the bomb below it; the lines that were accounted for, or None where it was refused."""
    case = cases_of(format)[0]
    data = case.data[: case.data.find(b"\n") + 1] + BOMBS[name]()
    try:
        log = case.read(data)
    except CcstatsError:
        return None
    assert log.count() == log.count("used") + log.count("ignored") + log.count("rejected")
    if not case.binary and format not in JSON and len(data) < 2**24:
        assert log.count() == lines_of(format, data)
    return log.count()


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("format", READERS)
def test_a_bomb_does_no_harm(format: str, name: str) -> None:
    counted = survives(format, name)
    assert counted is None or counted > 0


@pytest.mark.parametrize("format", MEASURED)
def test_memory_stays_bounded(format: str) -> None:
    code = (
        "import json, sys; sys.path.append('..'); from test_bombs import *; from peak_memory import peak_mb\n"
        "cases_of(sys.argv[1])[0].read()\n"
        "base = peak_mb(); [survives(sys.argv[1], name) for name in BOMBS]; print(json.dumps((peak_mb() - base) * 2**20))"
    )
    ran = subprocess.run([sys.executable, "-c", code, format], capture_output=True, text=True, cwd=Path(__file__).parent)
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert json.loads(ran.stdout) < TIMES * LONG + BESIDES


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
@pytest.mark.parametrize("format", READERS)
def test_a_packed_bomb_does_no_harm(format: str, pack) -> None:
    case = cases_of(format)[0]
    try:
        log = case.read(pack(case.data + bytes(LONG)))
    except CcstatsError:
        return
    assert log.count() > 0
