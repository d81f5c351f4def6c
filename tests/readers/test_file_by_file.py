"""Logs read file after file: the parts together are what is read of all files at once, wherever the files were cut."""

from __future__ import annotations

import gzip
import os
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from exam_cases import cases_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from queue_logs import BASE
from test_asterisk_queue_log_oracle import Line, calls, text_of

import ccstats as cc
from ccstats.errors import DataWarning, FormatError, OptionError, SourceMissingError, ZoneError
from ccstats.readers import READERS
from ccstats.readers.asterisk_queue_log import inputs
from ccstats.readers.asterisk_queue_log.parts import read_parts
from ccstats.readers.contract import Log, Options, Source
from ccstats.readers.file_by_file import read_file_by_file
from ccstats.schema import AGENT_STATES, CONTACTS, worded

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
SAMPLE = Path(__file__).parents[2] / "data" / "samples" / "centre" / "queue_log.gz"


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return gzip.decompress(SAMPLE.read_bytes()).splitlines(keepends=True)[:30_000]


@pytest.fixture(scope="module")
def whole(lines: list[bytes]) -> Log:
    return cc.read(b"".join(lines), format="asterisk_queue_log", key="k")


def opened(*files: bytes) -> list[Callable[[], Source]]:
    return [lambda at=at, data=data: Source(f"log{at}", data) for at, data in enumerate(files)]


def cut(lines: list[Any], edges: list[int]) -> list[list[Any]]:
    return [lines[a:b] for a, b in zip([0, *edges], [*edges, len(lines)], strict=True)]


def same(parts: list[Log], whole: Log, *, lines: bool = True) -> None:
    """The rows of both tables, the account of lines and what was noted."""
    for name, table, order in (("contacts", CONTACTS, ["contact_id", "visit"]), ("agent_states", AGENT_STATES, ["agent", "started_at"])):
        rows = [worded(getattr(part, name)) for part in parts]
        for part in parts:
            table.check(getattr(part, name))
        both = (pd.concat(rows, ignore_index=True), worded(getattr(whole, name)))
        one, other = (frame.sort_values(order, ignore_index=True, kind="stable") for frame in both)
        pd.testing.assert_frame_equal(one, other, check_dtype=False)
    assert dict(zip(parts[-1].notes["note"], parts[-1].notes["count"], strict=True)) == dict(
        zip(whole.notes["note"], whole.notes["count"], strict=True)
    )
    if lines:
        told = pd.concat([part.lines for part in parts]).groupby(["fate", "rule"])["lines"].sum()
        assert told.to_dict() == whole.lines.groupby(["fate", "rule"])["lines"].sum().to_dict()


@pytest.mark.parametrize("enough", [1, 1500])
def test_a_queue_log_cut_at_twenty_lines(enough: int, lines: list[bytes], whole: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "_PIECE", 200_000)
    rng = random.Random(enough)
    files = [b"".join(part) for part in cut(lines, sorted(rng.sample(range(1, len(lines)), 20)))]
    rng.shuffle(files)
    parts = list(read_parts(opened(*files), Options(key=b"k"), enough=enough))
    assert len(parts) > 3
    same(parts, whole)


def busy_days(draw: random.Random, count: int, stretch: int) -> list[Line]:
    """What callers and agents do, over days: calls, transfers to another call id, pauses, members, restarts."""
    log = calls(draw, count, 0)
    for at in range(3 * count):
        near, agent = draw.choice(log), f"SIP/{draw.randrange(4)}"
        t = near[0] + draw.randrange(40)
        verb = draw.choice(("ADDMEMBER", "REMOVEMEMBER", "PAUSE", "UNPAUSE", "PAUSEALL", "UNPAUSEALL", "WRAPUPSTART", "CALLSTATUS", "DID"))
        data = {"PAUSE": ["Lunch"], "WRAPUPSTART": ["20"], "CALLSTATUS": ["SALE"], "DID": [f"09{at}"]}.get(verb, [""])
        call = near[1] if verb in ("CALLSTATUS", "DID") else "NONE"
        log.append((t, call, draw.choice(("sales", "support")), agent, verb, data))
    if draw.random() < 0.3:
        log.append((draw.randrange(60 * count), "NONE", "NONE", "NONE", "QUEUESTART", [""]))
    for t, call, queue, agent, verb, _ in list(log):
        if verb in ("COMPLETEAGENT", "TRANSFER") and draw.random() < 0.4:  # a consultation's id waits elsewhere, and takes the call's place
            other = "support" if queue == "sales" else "sales"
            log.append((t - 2, f"{BASE}.9{call[-3:]}", other, "NONE", "ENTERQUEUE", ["", agent.removeprefix("SIP/"), "1"]))
            log.append((t + 9, call, other, "SIP/3", "CONNECT", ["11", "1.3", "2"]))
            log.append((t + 40, call, other, "SIP/3", "COMPLETECALLER", ["11", "31", "1"]))
    log.sort(key=lambda line: line[0])
    return [(stretch * (t // 40) + t % 40, *rest) for t, *rest in log]


@settings(max_examples=max(20, int(1000 * EXAM)), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), st.integers(3, 40), st.sampled_from([40, 2_500, 5_000]))
def test_any_days_cut_anywhere(seed: int, count: int, stretch: int) -> None:
    """Visits that are over leave with every piece; what comes later about their calls must not miss them, nor the agents' spans."""
    draw = random.Random(seed)
    log = busy_days(draw, count, stretch)
    files = cut(log, sorted(draw.sample(range(1, len(log)), min(6, len(log) - 1))))
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore", DataWarning)
        patch.setattr(inputs, "_PIECE", draw.choice((300, 2_000, 1 << 20)))
        one = READERS["asterisk_queue_log"].read([Source("log", text_of(log))], Options(key=b"k"))
        same(list(read_parts(opened(*map(text_of, files)), Options(key=b"k"), enough=1)), one)


@pytest.mark.parametrize("format", ["mapped", "technion_bank"])
def test_files_of_whole_rows_are_read_apart(format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccstats.readers.file_by_file._ENOUGH", 1)
    for case in cases_of(format):
        rows = case.data.splitlines(keepends=True)
        above = len(case.bare.splitlines()) if case.headed else 0
        middle = (above + len(rows)) // 2
        head, one, two = b"".join(rows[:above]), b"".join(rows[above:middle]), b"".join(rows[middle:])
        names = [tmp_path / f"{name}{case.path.suffix}" for name in ("a", "b")]
        for name, part in zip(names, (one, two), strict=True):
            name.write_bytes(head + part)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)
            whole = case.read(names, pseudonyms=True, key="k")
            parts = list(read_file_by_file(names, **case.options, key="k"))
        assert len(parts) == 2
        assert sum(part.count() for part in parts) == whole.count()
        for part in parts:  # a row that stands in both files is in the archive once
            cc.write_archive(part, tmp_path / case.path.stem, customers=True)
        found = cc.read_archive(tmp_path / case.path.stem)
        for name in ("contacts", "agent_states"):
            one_table, other = worded(getattr(found, name)), worded(getattr(whole, name))
            pd.testing.assert_frame_equal(one_table[sorted(other)], other[sorted(other)], check_dtype=False)


def test_a_realtime_table_in_memory_is_no_empty_file() -> None:
    columns = ["time", "callid", "queuename", "agent", "event", "data1", "data2", "data3"]
    joined = ("1709280000", "17.1", "q", "NONE", "ENTERQUEUE", "", "anna", "1")
    rows = [joined, ("1709280012", "17.1", "q", "NONE", "ABANDON", "1", "1", "12")]
    (part,) = read_file_by_file(pd.DataFrame(rows, columns=columns), format="asterisk_queue_log", timezone="UTC")
    assert part.contacts["wait_s"].tolist() == [12.0]


def test_other_formats_are_read_as_one(tmp_path: Path) -> None:
    """Records of one call may stand in two files; only together are they its visits."""
    case = cases_of("asterisk_cdr")[0]
    rows = case.data.splitlines(keepends=True)
    for name, part in (("a.csv", rows[:3]), ("b.csv", rows[:1] + rows[3:])):
        (tmp_path / name).write_bytes(b"".join(part))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        (part,) = read_file_by_file(str(tmp_path / "*.csv"), **case.options, key="k")
        assert part.count() == cc.read(str(tmp_path / "*.csv"), **case.options, key="k").count()


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1709280000|17.1|support|NONE|ENTERQUEUE||anna|1\n")
    (tmp_path / "b").write_bytes(b"1709280000|17.1|support|NONE|ENTERQUEUE||anna|1\n")
    (tmp_path / "c").write_bytes(cases_of("technion_bank")[0].data)
    (tmp_path / "d").write_bytes(b"")
    with pytest.raises(OptionError, match="hold the same 48 bytes"):
        next(read_file_by_file([tmp_path / "a", tmp_path / "b"]))
    with pytest.raises(FormatError, match=r"c is technion_bank, and .* asterisk_queue_log"):
        list(read_file_by_file([tmp_path / "a", tmp_path / "c"]))
    with pytest.raises(SourceMissingError):
        next(read_file_by_file(tmp_path / "nowhere"))
    with pytest.raises(ZoneError):
        next(read_file_by_file(tmp_path / "c"))
    with pytest.raises(FormatError, match="nothing to recognise"):
        next(read_file_by_file(tmp_path / "d"))
    with pytest.warns(DataWarning, match="d is empty"):
        (part,) = read_file_by_file([tmp_path / "d", tmp_path / "a"])
    assert part.contacts["outcome"].tolist() == ["open"]


def test_customers_have_one_pseudonym_in_all_parts(lines: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a random key too."""
    monkeypatch.setattr("ccstats.readers.asterisk_queue_log.parts._ENOUGH", 1)
    monkeypatch.delenv("CCSTATS_KEY", raising=False)
    for at, part in enumerate(cut(lines, [10_000, 20_000])):
        (tmp_path / f"queue_log.{at}").write_bytes(b"".join(part))
    parts = list(read_file_by_file(str(tmp_path / "queue_log.*")))
    assert len(parts) > 1
    told = pd.concat([part.contacts for part in parts]).merge(
        cc.read(b"".join(lines), pseudonyms=False).contacts[["contact_id", "visit", "customer"]], on=["contact_id", "visit"]
    )
    assert told.groupby("customer_y")["customer_x"].nunique().max() == 1
    assert told["customer_x"].nunique() == told["customer_y"].nunique()
