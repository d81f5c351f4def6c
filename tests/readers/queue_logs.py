"""What the tests of the queue_log reader share: reading text, and the rules that hold for every log that was read."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ccstats.readers.asterisk_queue_log import READER
from ccstats.readers.contract import Log, Options, Source
from ccstats.schema import AGENT_STATES, CONTACTS

#: Where the times of the samples begin; samples write seconds after it.
BASE = 1_700_000_000


def lines(text: str) -> bytes:
    """Lines written as ``+12|callid|…``; the number is seconds after BASE, and a call id ``.7`` is short for one created at BASE."""
    out = []
    for line in text.strip("\n").splitlines():
        line = line.strip()
        if line.startswith("+"):
            seconds, rest = line[1:].split("|", 1)
            line = f"{BASE + int(seconds)}|{rest}"
        out.append(line.replace("|.", f"|{BASE}."))
    return "".join(f"{line}\n" for line in out).encode()


def read_bytes(*data: bytes, **asked: Any) -> Log:
    sources = [Source(f"log{at}", each) for at, each in enumerate(data)]
    log = READER.read(sources, Options(**({"key": b"k"} | asked)))
    check(log)
    assert log.count() == sum(map(line_count, data)) == sum(log.count(fate) for fate in ("used", "ignored", "rejected"))
    return log


def line_count(data: bytes) -> int:
    """Lines of a file, an unfinished last one included; a byte order mark is none."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    return data.count(b"\n") + (data != b"" and not data.endswith(b"\n"))


def read(text: str, **asked: Any) -> Log:
    return read_bytes(lines(text), **asked)


def check(log: Log) -> None:
    """Rules of every log: schema, keys, order; spans of one agent follow each other; rejected lines are accounted for."""
    CONTACTS.check(log.contacts)
    AGENT_STATES.check(log.agent_states)
    pd.testing.assert_frame_equal(log.contacts, CONTACTS.conform(log.contacts))
    pd.testing.assert_frame_equal(log.agent_states, AGENT_STATES.conform(log.agent_states))
    spans = log.agent_states
    assert (spans["ended_at"] > spans["started_at"]).all()
    same = spans["agent"].astype("str").eq(spans["agent"].astype("str").shift())
    assert (spans["started_at"] >= spans["ended_at"].shift())[same].all()
    assert len(log.rejected) == log.count("rejected")
    assert log.notes["count"].gt(0).all()
    assert not log.notes["note"].duplicated().any()


def visits(log: Log, *columns: str) -> list[tuple[Any, ...]]:
    """Rows of contacts, missing values as None, instants as seconds after BASE."""
    frame = log.contacts[list(columns)]
    return [tuple(_plain(value) for value in row) for row in frame.astype(object).itertuples(index=False)]


def spans(log: Log, *columns: str) -> list[tuple[Any, ...]]:
    names = columns or ("agent", "started_at", "ended_at", "state")
    return [tuple(_plain(value) for value in row) for row in log.agent_states[list(names)].astype(object).itertuples(index=False)]


def notes(log: Log) -> dict[str, int]:
    return dict(zip(log.notes["note"], log.notes["count"].tolist(), strict=True))


def fates(log: Log) -> dict[tuple[str, str], int]:
    table = log.summary()
    return {(fate, rule): count for fate, rule, count in table.itertuples(index=False)}


def _plain(value: Any) -> Any:
    if value is None or value is pd.NaT or value is pd.NA or value != value:
        return None
    if isinstance(value, pd.Timestamp):
        seconds = value.timestamp() - BASE
        return int(seconds) if seconds == int(seconds) else seconds
    return value
