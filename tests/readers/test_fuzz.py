"""Hostile input: whatever is in a file or a mapping, nothing but our own errors comes out, and every line is accounted for."""

from __future__ import annotations

import io
import os
import random
import warnings
from typing import Any

import openpyxl
import pandas as pd
import pytest
from exam_cases import CASES, Case, lines_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import CcstatsError, DataWarning
from ccstats.readers import READERS, instants, plain_csv, read, read_intervals
from ccstats.schema import TABLES

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
#: Files of all samples together; the queue_log has as many of its own.
FILES = max(60, int(4_000 * EXAM))
#: Mutations of each format's samples together, and at least of one.
EACH, LEAST = (5_000, 500) if EXAM >= 1 else (0, max(20, int(2_000 * EXAM) // 2))
TOKENS = [
    b"|", b"\t", b",", b";", b'"', b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"-", b"NaN", b"inf", b"-1",
    b"1e308", b"99999999999999999999", b"0x10", b"24:00:00", b"9999-12-31 23:59:59", b"0001-01-01 00:00", b"1970-01-01T00:00Z", b"NONE",
    b"ENTERQUEUE", b"CONNECT", b"ABANDON", b"HANG", b"AGENT", b"PHANTOM", b"\xc3\xa9", b"\xe2\x80\xa8", b"=cmd|' /C calc'!A0",
    b"\x1f\x8b", b"BZh9", b"PK\x03\x04", b"PAR1", b"x" * 9000, b'"' * 7, b"\x85", b"\x0b\x0c\x1c",
]  # fmt: skip

IN_JSON = [
    b"{", b"}", b"[", b"]", b":", b'"', b"\\", b'\\"', b"null", b"true", b"{}", b"[]", b"}{", b"},{", b"\\ud800", b"\\u00", b"1e999",
    b"NaN", b'{"conversations":[', b'{"ContactId":', b'{"conversationId":', b'{"completedContacts":[', b'{"abandoned":',
    b"[" * 3000, b'{"a":' * 3000, b"9" * 5000, b"[{", b"}]", b",", b"\x1e",
]  # fmt: skip

IN_XML = [
    b"<", b">", b"</", b"/>", b"<cdr>", b"</cdr>", b"<cdr ", b"</variables>", b"<!--", b"-->", b"<?", b"?>", b"&b;", b"&#0;",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&#x10FFFF;", b"%", b"%00", b"%ff", b"<![CDATA[", b"]]>", b"<a>" * 3000, b"<cdrs>",
    b"</cdr >", b'<a b="' + b"c" * 5000,
]  # fmt: skip


def mutated(rng: random.Random, data: bytes, tokens: list[bytes] = TOKENS) -> bytes:
    """Cut, repeat, swap, drop, flip or insert, a few times."""
    for _ in range(rng.choice([1, 1, 2, 3, 8])):
        at, to = sorted(rng.randrange(len(data) + 1) for _ in range(2)) if data else (0, 0)
        kind = rng.randrange(7)
        if kind == 0:
            data = data[:at]
        elif kind == 1:
            data = data[:at] + data[min(to, at + 200) :]
        elif kind == 2:
            data = data[:at] + data[at : at + 300] + data[at:]
        elif kind == 3 and data:
            at = min(at, len(data) - 1)
            data = data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
        elif kind == 4:
            lines = data.split(b"\n")
            rng.shuffle(lines)
            data = b"\n".join(lines)
        else:
            data = data[:at] + rng.choice(tokens) + data[at + rng.randrange(3) :]
    return data


def survives(data: Any, **options: Any) -> Any:
    """Read, let our own errors pass, and check what comes out."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            log = (read_intervals if "intervals" in READERS[options.get("format", "mapped")].yields else read)(data, **options)
        except CcstatsError:
            return None
    for name in ("contacts", "agent_states", "intervals", "agent_intervals"):
        if hasattr(log, name):
            TABLES[name].check(getattr(log, name))
    assert log.count() == log.count("used") + log.count("ignored") + log.count("rejected")
    return log


def as_if_long(monkeypatch: pytest.MonkeyPatch, long: bool) -> None:
    """Read any text as a long one is read: columns are categories, times are read in compiled code."""
    for module, name, few in ((plain_csv, "_MANY", 2_000), (plain_csv, "_AGAIN", 8), (instants, "_MANY", 5_000)):
        monkeypatch.setattr(module, name, 1 if long else few)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_mutated_files(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, length = random.Random(str(case)), random.Random(f"length {case}")
    data, read_well = case.data, 0
    tokens = TOKENS + 2 * (IN_JSON if case.shape else IN_XML if case.tag else [])
    many = max(LEAST, EACH // sum(other.format == case.format for other in CASES))
    for _ in range(many):
        bad = mutated(rng, data, tokens)
        as_if_long(monkeypatch, length.random() < 0.5)
        log = survives(bad, **case.options, keep_text=rng.random() < 0.2)
        plain = not bad.startswith(
            (b"\x1f\x8b", b"BZh", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"PK\x03\x04", b"PAR1", b"\0\0\xfe\xff")
        )
        if log is not None and plain:
            read_well += 1
            assert log.count() == lines_of(case.format, bad), bad
    assert read_well > many // 4, "most mutations leave something to read"


@pytest.mark.parametrize("case", [case for case in CASES if case.path.suffix == ".csv"], ids=str)
def test_a_long_text_is_read_as_a_short_one(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCSTATS_KEY", "k")
    rng, told = random.Random(f"long {case}"), 0
    for _ in range(max(LEAST, EACH // 4)):
        bad, logs = mutated(rng, case.data), []
        for long in (False, True):
            as_if_long(monkeypatch, long)
            logs.append(survives(bad, **case.options, keep_text=True))
        assert (logs[0] is None) == (logs[1] is None), bad
        if logs[0] is not None:
            told += 1
            for name in ("contacts", "agent_states", "intervals", "agent_intervals", "rejected", "lines", "notes"):
                if hasattr(logs[0], name):
                    pd.testing.assert_frame_equal(*(getattr(log, name) for log in logs), obj=f"{name} of {bad!r}")
    assert told > 5


def test_mutated_files_of_an_unnamed_format() -> None:
    rng = random.Random(7)
    for _ in range(FILES // 4):
        survives(mutated(rng, rng.choice(CASES).data), timezone="Asia/Jerusalem")


def workbook() -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for line in CASES_BY_NAME["epochs.csv"].data.decode().splitlines():
        book.active.append(line.split(","))
    book.save(file)
    return file.getvalue()


CASES_BY_NAME = {case.path.name: case for case in CASES}


def test_mutated_workbooks_and_compressed_files() -> None:
    import gzip
    import lzma

    rng = random.Random(8)
    options = CASES_BY_NAME["epochs.csv"].options
    whole = workbook()
    assert len(survives(whole, **options).contacts) == 4
    for _ in range(max(20, FILES // 50)):
        survives(mutated(rng, whole), **options)
        for pack in (gzip.compress, lzma.compress):
            survives(mutated(rng, pack(CASES_BY_NAME["epochs.csv"].data)), **options)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["queue", "iso", "%Y", "%", "s", "answered", "id"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    ["contact_id", "queue", "queued_at", "wait_s", "outcome", "channel", "direction", "agent", "visit", "delimiter", "encoding",
     "skip_rows", "sheet", "decimal", "thousands", "quote", "missing", "timezone", "times"]
)  # fmt: skip
sections = st.dictionaries(names, values, max_size=6)
mappings = st.dictionaries(
    st.sampled_from(["table", "source", "clock", "columns", "units", "outcomes", "states", "words", "constants", "ignore"]),
    sections | values,
    max_size=8,
)
SOUND = {
    "columns": {"contact_id": "id", "queue": "q", "queued_at": "at", "wait_s": "w", "outcome": "o"},
    "constants": {"channel": "voice", "direction": "inbound"},
}


@settings(max_examples=max(150, int(5_000 * EXAM)), deadline=None, suppress_health_check=list(HealthCheck))
@given(mapping=mappings, base=st.booleans())
def test_any_mapping(mapping: dict[str, Any], base: bool) -> None:
    survives(b"id,q,at,w,o\n1,a,2024-03-01 09:00,12,answered\n", mapping={**SOUND, **mapping} if base else mapping, timezone="UTC")


@settings(max_examples=max(100, int(5_000 * EXAM)), deadline=None, suppress_health_check=list(HealthCheck))
@given(cells=st.lists(st.lists(st.text(max_size=12), min_size=5, max_size=5), max_size=6), zone=st.sampled_from(["UTC", "Europe/Berlin"]))
def test_any_cells(cells: list[list[str]], zone: str) -> None:
    import csv

    file = io.StringIO(newline="")
    csv.writer(file).writerows([["id", "q", "at", "w", "o"], *cells])
    data = file.getvalue().encode("utf-8", "surrogatepass")
    log = survives(data, mapping=SOUND, timezone=zone)
    if log is not None:
        assert log.count() == lines_of("mapped", data)


@settings(max_examples=max(60, int(2_000 * EXAM)), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=300) | st.text(max_size=200).map(lambda text: ("Queue,Start\n" + text).encode("utf-8", "surrogatepass")))
def test_any_bytes_are_drafted_or_refused(data: bytes) -> None:
    import tomllib

    try:
        text = cc.draft_mapping(data)
    except CcstatsError:
        return
    assert "columns" in tomllib.loads(text)
    survives(data, mapping=text, timezone="UTC")
