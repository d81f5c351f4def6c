"""The queue_log table of QueueMetrics: read like the file it was made of."""

from __future__ import annotations

import random
import warnings

import pandas as pd
import pytest
from exam_cases import SAMPLES
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning, FormatError, OptionError

HEADER = "partition,time_id,call_id,queue,agent,verb,data1,data2,data3,data4,unique_row_count"
PATH = SAMPLES / "queuemetrics_table" / "queue_log.csv"


def read(*lines: str, header: str = HEADER, **options: object) -> cc.Log:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read("\n".join([header, *lines, ""]).encode(), format="queuemetrics_table", pseudonyms=False, **options)


def as_table(text: str) -> pd.DataFrame:
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        time, call, queue, agent, verb, *data = line.split("|")
        data = [*data, *[""] * 5][:5]
        rows.append(["P001", int(time), call, queue, agent, verb, *data, "1", number])
    names = ["partition", "time_id", "call_id", "queue", "agent", "verb", "data1", "data2", "data3", "data4", "data5", "serverid"]
    return pd.DataFrame(rows, columns=[*names, "unique_row_count"])


def test_the_table_is_read_like_the_file() -> None:
    text = (SAMPLES / "asterisk_queue_log" / "small_day.queue_log").read_text(encoding="utf-8")
    file, table = cc.read(text.encode(), key="k"), as_table(text)
    shuffled = table.sample(frac=1, random_state=3, ignore_index=True)
    for source in (table, shuffled, table.to_csv(index=False).encode(), table.to_csv(index=False, sep="\t").encode()):
        log = cc.read(source, format="queuemetrics_table", key="k")
        assert_frame_equal(log.contacts, file.contacts)
        assert_frame_equal(log.agent_states, file.agent_states)
        assert log.count("used") == file.count("used")
        assert log.format == "queuemetrics_table"


@pytest.mark.parametrize("time", ["inf", "-inf", "1e308", "-1e308", "NaN", "9e18"])
def test_a_time_that_no_clock_shows_is_rejected(time: str) -> None:
    log = read("P001,1709280000,17.1,support,NONE,ENTERQUEUE,,5551,1,,1", f"P001,{time},17.1,support,NONE,ABANDON,1,1,12,,2")
    assert log.rejected["line"].tolist() == [3]
    assert log.contacts["outcome"].tolist() == ["open"]


def test_states_of_the_agent() -> None:
    spans = cc.read(PATH).agent_states
    assert set(spans["agent"]) == {"jürgen"}
    talk = spans[spans["state"] == "on_contact"]
    assert [f"{at:%H:%M:%S}" for at in (*talk["started_at"], *talk["ended_at"])] == ["08:00:22", "08:02:22"]
    assert f"{spans['started_at'].min():%H:%M:%S}" == "08:00:05"


def test_rejected_rows_are_told_by_the_line_of_the_dump() -> None:
    rows = [
        "P001,1709280000,17.1,support,NONE,ENTERQUEUE,,5551,1,,1",
        "",
        "P001,soon,17.1,support,NONE,ABANDON,1,1,12,,2",
        'P001,1709280010,17.1,support,NONE,"ABAN\nDON",1,1,12,,3',
        "P001,1709280012,17.1,support,NONE,ABANDON,1,1,12,,4",
    ]
    log = read(*rows, keep_text=True)
    assert log.rejected["line"].tolist() == [4, 5]
    assert "a field holds a line end" in log.rejected["reason"].tolist()
    assert log.rejected["text"].str.contains("support").all()
    assert log.count() == 7
    assert log.contacts["outcome"].tolist() == ["abandoned"]
    with pytest.raises(FormatError, match=r"line 4: .*on_error='reject'"):
        read(*rows, on_error="raise")


def test_partitions_are_read_one_at_a_time() -> None:
    rows = [
        "P001,1709280000,17.1,support,NONE,ENTERQUEUE,,5551,1,,1",
        "P002,1709280001,17.1,sales,NONE,ENTERQUEUE,,5552,1,,1",
        "P001,1709280012,17.1,support,NONE,ABANDON,1,1,12,,2",
        "P002,1709280021,17.1,sales,NONE,ABANDON,1,1,20,,2",
    ]
    with pytest.raises(OptionError, match=r"2 partitions \('P001', 'P002'\).*partition='P001'"):
        read(*rows)
    log = read(*rows, partition="P002")
    assert log.contacts[["queue", "wait_s"]].to_numpy().tolist() == [["sales", 20.0]]
    assert log.count("ignored") == 3  # the header and the other partition
    for wrong in ("P003", 2):
        with pytest.raises(OptionError, match="is not in the table; it holds 'P001', 'P002'"):
            read(*rows, partition=wrong)


def test_agents_may_be_named() -> None:
    assert set(cc.read(PATH, agents={"Agent/jürgen": "Jürgen Groß"}).agent_states["agent"]) == {"Jürgen Groß"}


def test_columns_that_are_missing_or_numbers_are_refused() -> None:
    with pytest.raises(ColumnError, match="verb"):
        read(header="time_id,call_id,queue,agent")
    frame = as_table("1709280000|17.10|support|NONE|ENTERQUEUE||5551|1").astype({"call_id": "float64"})
    with pytest.raises(ColumnError, match="different calls"):
        cc.read(frame, format="queuemetrics_table")


def test_words_for_no_value_are_none_in_categories_too() -> None:
    rows = "1709280000|17.1|support|NONE|ENTERQUEUE|NULL|5551|1\n1709280012|17.1|support|NONE|ABANDON|1|1|12|(null)"
    rows += "\n1709280020|17.2|NULL|NONE|ENTERQUEUE||5551|1"
    text = as_table(rows).astype({"data1": "str", "data4": "str", "queue": "str"})
    logs = [cc.read(each, format="queuemetrics_table", key="k") for each in (text, text.astype({"queue": "category", "data4": "category"}))]
    for log in logs:
        assert log.contacts["queue"].tolist() == ["support"]
        assert log.rejected["line"].tolist() == [3]
    assert_frame_equal(logs[0].contacts, logs[1].contacts)


def test_a_database_is_read_like_the_file() -> None:
    import sqlalchemy as sa

    whole = cc.read(PATH, key="k")
    engine = sa.create_engine("sqlite://")
    rows = pd.read_csv(PATH, dtype=str, keep_default_na=False).astype({"time_id": int, "unique_row_count": int})
    rows.iloc[random.Random(1).sample(range(len(rows)), len(rows))].to_sql("queue_log", engine, index=False)
    log = cc.read_sql("queue_log", engine, format="queuemetrics_table", key="k")
    engine.dispose()
    assert log.contacts.equals(whole.contacts)
    assert log.agent_states.equals(whole.agent_states)
