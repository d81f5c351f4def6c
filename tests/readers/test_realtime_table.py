"""Rows of a realtime table as lines: at hand or streamed, in order or not, on one thread or several."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.readers.asterisk_queue_log import inputs, realtime
from ccstats.readers.asterisk_queue_log.lines import PIECE
from ccstats.readers.asterisk_queue_log.realtime import RealtimeTable

BLANK = ("NULL", "(null)")
ODD = ("NULL", "(null)", "null", "NULLS", "", "|", "a|b", "x||", "two\nlines", "\r\n", "jürgen", "\u2028", "NONE", None)
COLUMNS = ("callid", "queuename", "agent", "event", "data1", "data2", "data3", "data4", "data5")


def made_up(rows: int, *, shuffled: bool = False) -> pd.DataFrame:
    random_ = random.Random(rows)
    columns = {name: [random_.choice(ODD) if random_.random() < 0.3 else f"{name}{at % 97}" for at in range(rows)] for name in COLUMNS}
    times = [f"{1_709_280_000 + at // 3}" + ("" if at % 5 else f".{at % 1000:03}") for at in range(rows)]
    for at in range(0, rows, 101):
        times[at] = random_.choice(("soon", "-1", "0", "inf", "9999999999999"))
    frame = pd.DataFrame({"id": range(rows), "time": times, **columns}).astype({name: "str" for name in ("time", *COLUMNS)})
    return frame.sample(frac=1, random_state=1, ignore_index=True) if shuffled else frame


def moment(time: str) -> int | None:
    try:
        seconds, _, part = time.partition(".")
        return None if int(seconds) < 0 else min(int(seconds), 9_000_000_000_000) * 1_000_000 + int(part.ljust(6, "0"))
    except ValueError:
        return None


def expected(frame: pd.DataFrame) -> list[tuple[str, int]]:
    """The lines and their rows, put together one by one."""
    found = []
    for row, (number, time, *cells) in enumerate(frame.itertuples(index=False), 1):
        words = ["" if pd.isna(cell) or cell in BLANK else cell.replace("\n", " ").replace("\r", " ") for cell in cells]
        at = moment(time)
        written = "" if at is None else f"{at // 1_000_000}.{at % 1_000_000:06}"
        found.append(((at is None, at or 0, number), "|".join((written, *words[:4], "|".join(words[4:]).rstrip("|"))), row))
    return [(line, row) for _, line, row in sorted(found)]


def lines(frames: list[pd.DataFrame]) -> list[tuple[str, int]]:
    table = RealtimeTable("queue_log", None, BLANK)
    for frame in frames:
        table.add(frame)
    assert table.finish() == {}
    assert len(table) == sum(map(len, frames))
    assert table.at_hand == (sum(map(bool, map(len, frames))) < 2)
    found = []
    for write, rows in table.lines():
        texts = write().tobytes().decode().removesuffix("\n").split("\n")
        found += zip(texts, rows.tolist(), strict=True)
    return found


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("rows", [1, PIECE, 2 * PIECE + 5])
def test_lines_of_one_frame_and_of_several(rows: int, *, shuffled: bool) -> None:
    frame = made_up(rows, shuffled=shuffled)
    parts = [frame.iloc[first : first + 5_000] for first in range(0, rows, 5_000)]
    assert lines([frame]) == expected(frame)
    assert lines([frame.iloc[:0], *parts, frame.iloc[:0]]) == expected(frame)


@pytest.mark.parametrize("name", ["data", "data1"])
def test_columns_of_data_may_be_missing(name: str) -> None:
    frame = made_up(500)[["id", "time", *COLUMNS[:4], "data3"]].rename(columns={"data3": name})
    assert lines([frame]) == expected(frame)
    assert lines([frame.drop(columns=name)]) == expected(frame.drop(columns=name))


def test_texts_in_any_chunks_and_places() -> None:
    frame = made_up(3_000)
    parts = [frame.iloc[first : first + 700] for first in range(0, 3_000, 700)]
    together = pd.concat(parts, ignore_index=True).set_index(np.arange(3_000) * 2)
    assert lines([together]) == expected(frame)
    assert lines([together.iloc[1_000:2_000]]) == expected(frame.iloc[1_000:2_000])


def test_scanned_on_threads_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = made_up(2 * PIECE + 5, shuffled=True)
    events = pd.Series(["ENTERQUEUE", "CONNECT", "ABANDON", "RINGNOANSWER", "PAUSE", "HOLD"])
    frame["event"] = events.iloc[np.arange(len(frame)) % len(events)].to_numpy()
    frame["data1"] = frame["data3"] = "1"

    def read() -> cc.Log:
        return cc.read(frame, format="asterisk_queue_log", key="k", keep_text=True)

    with pytest.warns(cc.DataWarning):
        one = read()
    monkeypatch.setattr(inputs, "_PIECE", 1)
    monkeypatch.setattr(realtime, "_WORTH_THREADS", 0)
    with pytest.warns(cc.DataWarning):
        several = read()
    for name in ("contacts", "agent_states", "rejected", "lines", "notes"):
        assert_frame_equal(getattr(one, name), getattr(several, name))
    assert len(one.contacts) > 1000
    assert len(one.rejected) > 100
