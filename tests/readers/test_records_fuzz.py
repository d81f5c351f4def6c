"""Hostile records: whatever is in a file, nothing but our own errors comes out, the table is valid, and every line is accounted for."""

from __future__ import annotations

import csv
import io
import os
import random
import warnings
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_fuzz import mutated
from test_records import READERS, SOUND, adds_up, table_of

import ccstats as cc
from ccstats.errors import CcstatsError, DataWarning

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
#: Files of each kind. [files]
FILES = max(40, int(500 * EXAM))
SAMPLES = {
    name: b"".join(cc.sample_file(f"{name}.csv").read_bytes().splitlines(True)[:40]) for name in ("surveys", "complaints", "evaluations")
}


def survives(name: str, data: bytes, **options: Any) -> cc.Records | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            made = READERS[name](data, **options)
        except CcstatsError:
            return None
    table_of(name).check(made.table)
    adds_up(made)
    return made


def lines_in(data: bytes) -> int:
    """Lines as the CSV module counts them."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t|", key=_header(text).count), strict=True)
    while True:
        try:
            next(reader)
        except StopIteration:
            return reader.line_num
        except csv.Error:
            continue


def _header(text: str) -> str:
    return next((line for line in io.StringIO(text[: 2**20], newline="") if line.strip()), "")


@pytest.mark.parametrize("name", READERS)
def test_mutated_files(name: str) -> None:
    rng = random.Random(name)
    data, read_well = SAMPLES.get(name, SOUND[name].encode()), 0
    for _ in range(FILES):
        bad = mutated(rng, data)
        made = survives(name, bad, timezone=rng.choice([None, "Europe/Berlin"]), keep_text=rng.random() < 0.2)
        plain = not bad.startswith(
            (b"\x1f\x8b", b"BZh", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"PK\x03\x04", b"PAR1", b"\0\0\xfe\xff")
        )
        if made is not None and plain:
            read_well += 1
            assert made.count() == lines_in(bad), bad
    assert read_well > FILES // 10, "many mutations leave something to read"


@settings(max_examples=max(100, int(5_000 * EXAM)), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), name=st.sampled_from(sorted(READERS)), zone=st.sampled_from([None, "UTC", "Europe/Berlin"]))
def test_any_cells(data: st.DataObject, name: str, zone: str | None) -> None:
    header = next(csv.reader(io.StringIO(SOUND[name])))
    likely = st.sampled_from(["1", "-1", "2025-03-01", "2025-03-01T09:00Z", "csat", "yes", "1e308", "NaN", "9999-12-31", "=1+1", ""])
    cell = likely | st.text(max_size=8)
    cells = data.draw(st.lists(st.lists(cell, min_size=len(header), max_size=len(header)), max_size=6))
    file = io.StringIO(newline="")
    csv.writer(file).writerows([header, *cells])
    survives(name, file.getvalue().encode("utf-8", "surrogatepass"), timezone=zone)
