"""Archives: what is added twice is there once, what was open is completed, and a writing that is killed leaves nothing half."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

import ccstats as cc
from ccstats.engines.converting import convert_parts
from ccstats.errors import FormatError, OptionError, SourceMissingError
from ccstats.readers.file_by_file import read_file_by_file
from ccstats.schema import AGENT_STATES, CONTACTS, worded
from command_line import run

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.15"))
AGREEMENT = str(Path(__file__).parents[1] / "data" / "samples" / "centre" / "agreement.toml")
SAMPLE = Path(__file__).parents[1] / "data" / "samples" / "centre" / "queue_log.gz"


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return gzip.decompress(SAMPLE.read_bytes()).splitlines(keepends=True)[:9000]


@pytest.fixture(scope="module")
def log(lines: list[bytes]) -> cc.Log:
    return cc.read(b"".join(lines), format="asterisk_queue_log", key="k")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(worded(one)[sorted(one)], worded(other)[sorted(other)], check_dtype=False)


def test_an_archive_gives_the_log_again(log: cc.Log, tmp_path: Path) -> None:
    done = cc.write_archive(log, tmp_path / "a", customers=True)
    assert (done.added, done.completed, done.known) == (len(log.contacts) + len(log.agent_states), 0, 0)
    again = cc.read_archive(tmp_path / "a")
    CONTACTS.check(again.contacts)
    AGENT_STATES.check(again.agent_states)
    same(again.contacts, log.contacts)
    same(again.agent_states, log.agent_states)
    assert again.summary().equals(log.summary())
    months = {path.parent.name for path in (tmp_path / "a" / "contacts").rglob("*.parquet")}
    assert months == {f"month={month}" for month in log.contacts["queued_at"].dt.strftime("%Y-%m").unique()}
    rules = {"timezone": "Europe/Berlin", "threshold_s": 20}
    pd.testing.assert_frame_equal(cc.to_intervals(cc.scan(tmp_path / "a"), **rules), cc.to_intervals(log.contacts, **rules))


def test_twice_adds_nothing(log: cc.Log, tmp_path: Path) -> None:
    cc.write_archive(log, tmp_path)
    before = bytes_of(tmp_path) | {"archive.json": (tmp_path / "archive.json").read_bytes()}
    done = cc.write_archive(cc.read(b"".join(gzip.decompress(SAMPLE.read_bytes()).splitlines(keepends=True)[:9000]), key="other"), tmp_path)
    assert done == (0, 0, len(log.contacts) + len(log.agent_states), 0)
    assert bytes_of(tmp_path) | {"archive.json": (tmp_path / "archive.json").read_bytes()} == before
    assert "customer" not in cc.read_archive(tmp_path).contacts


@pytest.mark.parametrize("cut", [1500, 4000, 7777])
def test_what_was_open_is_completed(cut: int, lines: list[bytes], log: cc.Log, tmp_path: Path) -> None:
    """The first part ends while calls go on; both parts together, later, complete them, in whatever order they are added."""
    begun = cc.read(b"".join(lines[:cut]), format="asterisk_queue_log", key="k")
    unfinished = (begun.contacts["outcome"] == "open") | ((begun.contacts["outcome"] == "answered") & begun.contacts["talk_s"].isna())
    assert unfinished.any()
    cc.write_archive(begun, tmp_path / "a", customers=True)
    done = cc.write_archive(log, tmp_path / "a", customers=True)
    assert done.completed >= unfinished.sum()
    cc.write_archive(begun, tmp_path / "a", customers=True)  # an old file once more undoes nothing
    same(cc.read_archive(tmp_path / "a").contacts, log.contacts)
    same(cc.read_archive(tmp_path / "a").agent_states, log.agent_states)


HOSTILE = ["../../../etc/passwd", "a/b", "..", "x" * 10_000, "=cmd()", "<script>", "😀 مرحبا", "%2F", "x" * 9_999 + "y", "CON", "a\nb"]


def test_a_later_version_of_a_finished_visit_takes_its_place(tmp_path: Path) -> None:
    head = "id,created_at,updated_at,completion_status,agent_id,wait_time,talk_time,wrap_up_time,call_group_id,direction,phone_number\n"
    row = "7,2024-03-01T08:00:00Z,2024-03-01T08:0{}:00Z,completed,{},12,60,{},3,inbound,+49\n"
    old, new, less = (cc.read((head + row.format(*each)).encode(), format="zendesk_talk") for each in ((6, 5, 0), (9, 5, 75), (9, 5, "")))
    assert cc.write_archive(old, tmp_path / "a")[:3] == (1, 0, 0)
    assert cc.write_archive(new, tmp_path / "a")[:3] == (0, 1, 0)
    for again in (new, less):  # the same, and one of which less is known
        assert cc.write_archive(again, tmp_path / "a")[:3] == (0, 0, 1)
    assert cc.read_archive(tmp_path / "a").contacts["wrap_s"].tolist() == [75.0]


def test_the_same_logs_once_more_change_nothing(tmp_path: Path) -> None:
    """Two visits within one second have one place in an archive, and of two versions the one of the log added last for the first time."""
    twice = b"1709280000|1.2|q|NONE|ENTERQUEUE||5551|1\n1709280000|1.2|q|NONE|EXITWITHTIMEOUT|1|1|0\n"
    twice += b"1709280000|1.2|q|NONE|ENTERQUEUE||5551|1\n1709280012|1.2|q|NONE|EXITWITHTIMEOUT|1|1|12\n"
    one = cc.read(b"1709280000|1.7|q|NONE|ENTERQUEUE||5551|1\n1709280012|1.7|q|NONE|ABANDON|1|1|12\n")
    other = replace(one, contacts=one.contacts.assign(wait_s=20.0))
    logs = [cc.read(twice), one, other]
    assert [cc.write_archive(each, tmp_path)[:2] for each in logs] == [(1, 0), (1, 0), (0, 1)]
    for _ in range(2):
        assert [cc.write_archive(each, tmp_path)[:2] for each in logs] == [(0, 0)] * 3
        assert cc.read_archive(tmp_path).contacts["wait_s"].tolist() == [0.0, 20.0]


def test_pseudonyms_of_another_key_and_numbers_of_visits_are_no_news(tmp_path: Path) -> None:
    first = b"1709280000|1.7|p|NONE|ENTERQUEUE||5551|1\n1709280012|1.7|p|NONE|EXITWITHTIMEOUT|1|1|12\n"
    second = b"1709280012|1.7|q|NONE|ENTERQUEUE||5551|1\n1709280020|1.7|q|NONE|ABANDON|1|1|8\n"
    later = b"1709281000|1.9|q|NONE|ENTERQUEUE||5551|1\n1709281020|1.9|q|NONE|ABANDON|1|1|20\n"
    assert cc.write_archive(cc.read(first + second, key="a"), tmp_path, customers=True)[:3] == (2, 0, 0)
    assert cc.write_archive(cc.read(second + later, key="b"), tmp_path, customers=True)[:3] == (1, 0, 1)
    assert cc.read_archive(tmp_path).contacts[["queue", "visit"]].to_numpy().tolist() == [["p", 1], ["q", 2], ["q", 1]]


def test_queues_of_any_name_have_a_file_in_the_folder(log: cc.Log, tmp_path: Path) -> None:
    frame = log.contacts.iloc[: len(HOSTILE)].assign(queue=pd.Series(HOSTILE, dtype="str"))
    made = cc.Log(CONTACTS.conform(frame), log.agent_states.iloc[:0], log.rejected, log.lines, log.notes, log.format)
    cc.write_archive(made, tmp_path / "a", customers=True)
    same(cc.read_archive(tmp_path / "a").contacts, made.contacts)
    assert {path.name for path in tmp_path.iterdir()} == {"a"}
    files = [path for path in (tmp_path / "a").rglob("*.parquet")]
    assert len(files) == len(HOSTILE)
    assert all(len(path.name.encode()) < 200 for path in files)


def test_what_is_wrong_is_said(log: cc.Log, tmp_path: Path) -> None:
    with pytest.raises(SourceMissingError, match=r"is no archive.*ccstats convert makes one"):
        cc.read_archive(tmp_path)
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(OptionError, match="is no archive of ccstats, and not empty"):
        cc.write_archive(log, tmp_path)
    with pytest.raises(OptionError, match="cannot be written"):
        cc.write_archive(log, tmp_path / "letter.txt")
    cc.write_archive(log, tmp_path / "a")
    first = next((tmp_path / "a" / "contacts").rglob("*.parquet"))
    whole = first.read_bytes()
    first.write_bytes(whole[: len(whole) // 2])
    for do in (lambda: cc.read_archive(tmp_path / "a"), lambda: cc.write_archive(log, tmp_path / "a")):
        with pytest.raises(FormatError, match="cannot be read as Parquet"):
            do()
    for text in ("{", "{}", '{"archive": 9, "logs": {}}', '{"archive": 1, "logs": {"a": {}}}', "[]"):
        (tmp_path / "a" / "archive.json").write_text(text)
        with pytest.raises(FormatError, match=r"archive\.json"):
            cc.read_archive(tmp_path / "a")


def ccstats(*words: str, folder: Path) -> subprocess.Popen[bytes]:
    """The command in a process of its own; what it says stands in ``said``."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CCSTATS_")}
    with (folder / "said").open("wb") as said:
        return subprocess.Popen([sys.executable, "-m", "ccstats", *words], cwd=folder, stdout=said, stderr=said, env=clean)


def test_killed_at_any_moment_nothing_is_half_and_nothing_twice(lines: list[bytes], log: cc.Log, tmp_path: Path) -> None:
    """kill -9 while it converts, again and again; whatever is there can be read, and a run that is let end completes it."""
    (tmp_path / "queue_log").write_bytes(b"".join(lines))
    begun = time.monotonic()
    first = ccstats("convert", "queue_log", "whole", folder=tmp_path)
    assert first.wait() == 0, (tmp_path / "said").read_text()
    took = time.monotonic() - begun
    rng = random.Random(4)
    for _ in range(max(2, round(20 * EXAM))):
        running = ccstats("convert", "queue_log", "a", folder=tmp_path)
        # Most of the time goes into starting and reading; half of the kills come while files are written.
        time.sleep(took * rng.choice([rng.uniform(0.0, 1.0), rng.uniform(0.75, 1.0)]))
        running.send_signal(signal.SIGKILL)
        running.wait()
        files = [path for path in (tmp_path / "a").rglob("[!.]*.parquet")] if (tmp_path / "a").exists() else []
        for path in files:
            assert len(cc.read_parquet(path)) > 0
    last = ccstats("convert", "queue_log", "a", folder=tmp_path)
    assert last.wait() == 0
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "whole")
    assert [path.name for path in (tmp_path / "a").rglob(".*") if path.name != ".lock"] == []
    same(cc.read_archive(tmp_path / "a").contacts, log.contacts.drop(columns="customer"))


def test_files_of_one_log_are_converted_one_after_another(
    lines: list[bytes], log: cc.Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut at twenty lines, named as they come, in many parts: the same archive, and again it adds nothing."""
    monkeypatch.setattr("ccstats.readers.asterisk_queue_log.parts._ENOUGH", 100)
    monkeypatch.setattr("ccstats.readers.asterisk_queue_log.inputs._PIECE", 50_000)
    edges = [0, *sorted(random.Random(2).sample(range(1, len(lines)), 20)), len(lines)]
    for at, (begin, end) in enumerate(pairwise(edges)):
        (tmp_path / f"queue_log.{20 - at}").write_bytes(b"".join(lines[begin:end]))
    for added in (len(log.contacts) + len(log.agent_states), 0):
        parts = list(read_file_by_file(str(tmp_path / "queue_log.*"), key="k"))
        assert len(parts) > 3
        read, done = convert_parts(parts, tmp_path / "a", customers=True)
        assert (done.added, done.completed) == (added, 0)
        assert (read.visits, read.agent_states) == (len(log.contacts), len(log.agent_states))
        again = cc.read_archive(tmp_path / "a")
        same(again.contacts, log.contacts)
        same(again.agent_states, log.agent_states)
        assert again.summary().equals(log.summary())
        assert again.notes.equals(log.notes)


def test_a_report_of_an_archive_is_that_of_the_log(lines: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "queue_log").write_bytes(b"".join(lines))
    for words in (
        ("convert", "queue_log", "a"),
        ("stats", "a", "-z", "Europe/Berlin", "--out", "of_archive"),
        ("stats", "queue_log", "-z", "Europe/Berlin", "--out", "of_log"),
        ("report", "a", "-z", "Europe/Berlin", "--out", "page"),
        ("report", "a", "-z", "Europe/Berlin", "--agreement", AGREEMENT, "--out", "judged"),
    ):
        done = run(*words, folder=tmp_path)
        assert done.returncode == 0, done.stderr.decode()
    tables = sorted(path.name for path in (tmp_path / "of_log").glob("*.csv"))
    assert tables
    for name in tables:
        assert (tmp_path / "of_archive" / name).read_text() == (tmp_path / "of_log" / name).read_text()
    held = {str(path.relative_to(tmp_path / "a")) for path in (tmp_path / "a").rglob("[!.]*.parquet")}
    assert set(pd.read_csv(tmp_path / "page" / "tables" / "inputs.csv")["input"]) == held
    assert all((tmp_path / name / "report.html").stat().st_size > 50_000 for name in ("page", "judged"))
    assert json.loads((tmp_path / "judged" / "kpis.json").read_text())["kpis"]
