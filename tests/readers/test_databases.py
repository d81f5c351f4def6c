"""Databases read in chunks: the result does not depend on them, nothing is left open, and large tables fit into little memory."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa
from exam_cases import CASES, Case
from pandas.testing import assert_frame_equal

import ccstats as cc
import large_tables
from ccstats.errors import DataWarning, OptionError, SourceMissingError, ZoneError
from ccstats.readers import READERS
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.databases import Query
from ccstats.readers.parts import Parts, repeated

#: Files without a header, which a table of a database has.
BARE = ("made_up_master.csv", "Master.csv", "asterisk_template.csv", "excel.csv")
TABLES = [case for case in CASES if READERS[case.format].streams and case.path.suffix == ".csv" and case.path.name not in BARE]


def frame_of(case: Case) -> pd.DataFrame:
    """The sample as rows of text, None where nothing stands."""
    above = 2 if case.path.name == "german_export.csv" else 0
    text = case.data.decode().split("\n", above)[-1]
    separator = max(",;\t", key=text.split("\n", 1)[0].count)
    frame = pd.read_csv(io.StringIO(text), sep=separator, dtype=str, keep_default_na=False)
    return frame.replace({"": None, "NULL": None})


@contextlib.contextmanager
def in_sqlite(*frames: pd.DataFrame, **kinds: object) -> Iterator[sa.Engine]:
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    for at, frame in enumerate(frames):
        frame.to_sql(f"calls{at or ''}", engine, index=False, **kinds)
    yield engine
    engine.dispose()


def read_sql(query: object, connection: object, **options: object) -> cc.Log:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read_sql(query, connection, **{"pseudonyms": False, **options})


def same(one: cc.Log, other: cc.Log) -> None:
    for name in ("contacts", "agent_states", "rejected"):
        assert_frame_equal(getattr(one, name), getattr(other, name))
    for name in ("lines", "notes"):  # in the order in which they turned up
        assert sorted(getattr(one, name).itertuples(index=False)) == sorted(getattr(other, name).itertuples(index=False))


@pytest.mark.parametrize("case", TABLES, ids=str)
def test_chunks_do_not_change_the_result(case: Case) -> None:
    frame = frame_of(case)
    frame = pd.concat([frame, frame.iloc[:2]], ignore_index=True)  # a record again, in another chunk
    with in_sqlite(frame) as engine:
        whole = read_sql("calls", engine, chunk_rows=len(frame) + 1, keep_text=True, **case.options)
        for rows in (1, 3):
            same(read_sql("calls", engine, chunk_rows=rows, keep_text=True, **case.options), whole)
        assert whole.count() == len(frame)


EVENTS = [
    (2, "2023-11-14 22:13:30", "1.1", "q", "SIP/1", "CONNECT", "10", "1.2", "4"),
    (1, "2023-11-14 22:13:20", "1.1", "q", "NONE", "ENTERQUEUE", "", "5551", "1"),
    (3, None, "1.1", "q", "SIP/1", "CONNECT", "10", None, None),
    (4, "2023-11-14 22:14:30+00:00", "1.1", "q", "SIP/1", "COMPLETECALLER", "10", "60", "1"),
    (5, "1700000080", "1.3", "r", "NONE", "ENTERQUEUE", None, None, None),
    (6, "1700000090.5", "1.3", "r", "NONE", "ABANDON", "1", "1", "10"),
]


def test_a_realtime_table_whose_rows_come_in_any_order_and_ways_of_time() -> None:
    names = ["id", "time", "callid", "queuename", "agent", "event", "data1", "data2", "data3"]
    with in_sqlite(pd.DataFrame(EVENTS, columns=names)) as engine:
        for rows in (1, 2, 5, 10):
            log = read_sql("calls", engine, format="asterisk_queue_log", timezone="UTC", chunk_rows=rows)
            assert log.contacts[["contact_id", "outcome", "wait_s", "talk_s"]].fillna(-1).to_numpy().tolist() == [
                ["1.1", "answered", 10.0, 60.0],
                ["1.3", "abandoned", 10.0, -1.0],
            ]
            assert log.rejected[["line", "reason"]].to_numpy().tolist() == [[3, "epoch is not a number"]]
        # Without a zone a local time among instants is a broken row, and a table of them an error.
        log = read_sql("calls", engine, format="asterisk_queue_log")
        assert log.rejected["line"].tolist() == [1, 2, 3]
        with pytest.raises(ZoneError, match="local times without a zone"):
            read_sql("select * from calls where id in (1, 2, 3)", engine, format="asterisk_queue_log", chunk_rows=1)


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_a_type_does_not_depend_on_what_stands_in_other_rows(rows: int) -> None:
    query = "select null as a, null as b, null as c union all select 9007199254740993, 1.5, 'x' union all select null, 7, null"
    with Query(query, "sqlite://", chunk_rows=rows) as found:
        frame = found.whole()
    assert frame["a"].dtype == "Int64"
    assert frame["a"].tolist() == [pd.NA, 9007199254740993, pd.NA]
    assert frame["b"].astype("float64").tolist()[1:] == [1.5, 7.0]
    assert frame["c"].dtype == "str"


def test_a_reader_that_does_not_stream_is_given_all_rows_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Source] = []

    def read(sources: list[Source], options: Options) -> Log:
        given.extend(sources)
        return READERS["zendesk_talk"].read([], options) if not sources else cc.read(b"", format="zendesk_talk")

    reader = Reader("ours", "ours", ("contacts",), "utc", "none", lambda head: False, read)
    monkeypatch.setitem(READERS.added, "ours", reader)
    read_sql("select 1 as a union all select null union all select 3", "sqlite://", format="ours", chunk_rows=1)
    assert [source.first for source in given] == [1]
    assert given[0].frame is not None
    assert given[0].frame["a"].tolist() == [1, pd.NA, 3]


def test_options_are_checked_before_the_query_runs() -> None:
    options = {"format": "asterisk_cdr", "timezone": "UTC"}
    for wrong, message in (
        ({"chunk_rows": 0}, "chunk_rows=0: expected a whole number of rows, from 1"),
        ({"chunk_rows": True}, "chunk_rows=True"),
        ({"chunk_rows": 2.5}, "chunk_rows=2.5"),
        ({"on_error": "ignore"}, "on_error"),
        ({"format": None}, "rows of a database do not tell their format"),
        ({"answer_first": True}, "unknown option answer_first"),
        ({"answers_first": 7}, "answers_first=7"),
        ({"key": ""}, "key= is empty"),
    ):
        with pytest.raises(OptionError, match=message):
            cc.read_sql("no such query", "sqlite://", **{**options, **wrong})
    with pytest.raises(ZoneError):
        cc.read_sql("no such query", "sqlite://", format="asterisk_cdr")


def cdr(engine: sa.Engine, rows: int) -> None:
    with engine.begin() as db:
        large_tables.fill(db, "cdr", rows)


def test_progress_is_told_by_the_rows(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'calls.db'}"
    engine = sa.create_engine(url)
    cdr(engine, 100)
    options = {"format": "asterisk_cdr", "timezone": "UTC", "chunk_rows": 30}
    text = "select * from cdr where calldate > :at"
    for query in ("cdr", "select * from cdr;", sa.text(text).bindparams(at="2000"), sa.select(sa.text("*")).select_from(sa.table("cdr"))):
        for connection in (url, engine):
            told: list[tuple[str, float]] = []
            cc.read_sql(query, connection, progress=lambda *each, told=told: told.append(each), **options)
            assert told == [("<frame>", 0.3), ("<frame>", 0.6), ("<frame>", 0.9), ("<frame>", 1.0)]
    told = []
    query = sa.text("select * from cdr;")  # which is no part of another query, so that nobody can count its rows
    cc.read_sql(query, engine, progress=lambda *each: told.append(each), **options)
    assert told == [("<frame>", 1.0)]
    engine.dispose()


def test_memory_comes_from_the_system_only_while_rows_are_read() -> None:
    own = pa.default_memory_pool().backend_name
    assert own != "system"
    with pytest.raises(KeyboardInterrupt), Query("select 1", "sqlite://") as outer:  # noqa: PT012
        with Query("select 1", "sqlite://") as inner:
            assert pa.default_memory_pool().backend_name == "system"
            inner.whole()
        assert pa.default_memory_pool().backend_name == "system"  # the other one still reads
        outer.whole()
        raise KeyboardInterrupt
    assert pa.default_memory_pool().backend_name == own


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_who_stops_on_the_way_leaves_nothing_open(tmp_path, stop: type[BaseException]) -> None:
    def progress(_: str, share: float) -> None:
        raise stop

    engine = sa.create_engine(f"sqlite:///{tmp_path / 'calls.db'}", poolclass=sa.pool.QueuePool)
    cdr(engine, 1000)
    for connection in (engine, engine.connect()):
        with pytest.raises(stop):
            cc.read_sql("cdr", connection, format="asterisk_cdr", timezone="UTC", chunk_rows=10, progress=progress)
    assert engine.pool.checkedout() == 1  # the connection given
    connection.rollback()
    with engine.begin() as db:
        db.execute(sa.text("drop table cdr"))  # which an open cursor would forbid
    connection.close()
    engine.dispose()


def test_a_failure_on_the_way_is_told_without_the_address(tmp_path) -> None:
    with pytest.warns(sa.exc.SAWarning, match="'password' are not accepted"):
        engine = sa.create_engine(f"sqlite:///{tmp_path / 'calls.db'}?password=S3CRET", poolclass=sa.pool.QueuePool)

    def fail(value: int) -> int:
        if value > 50:
            raise RuntimeError
        return value

    sa.event.listen(engine, "connect", lambda connection, _: connection.create_function("fail", 1, fail))
    cdr(engine, 100)
    with pytest.raises(SourceMissingError, match="could not answer: OperationalError: user-defined function raised exception") as caught:
        cc.read_sql("select cdr.*, fail(rowid) as f from cdr", engine, format="asterisk_cdr", timezone="UTC", chunk_rows=10)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "S3CRET" not in str(caught.value)
    assert engine.pool.checkedout() == 0
    engine.dispose()


#: A million rows of each table take a few minutes together, so that many are read only where that is asked for.
MANY = large_tables.ROWS if os.environ.get("CCSTATS_EXAM") else 100_000


@pytest.mark.parametrize("name", large_tables.tables(large_tables.WORDS["sqlite"]))
def test_large_tables_take_little_memory(name: str, tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'calls.db'}"
    engine = sa.create_engine(url)
    with engine.begin() as db:
        expected = large_tables.fill(db, name, MANY)
    engine.dispose()
    large_tables.compile_once()
    resident, own, found = large_tables.read_apart(url, name)
    assert {what: found[what] for what in expected} == expected
    assert resident < large_tables.MOST_MB
    assert own < 200 or MANY == large_tables.ROWS


def test_parts_are_as_if_they_were_put_together_at_once() -> None:
    rng = np.random.default_rng(7)
    frames = []
    for at in range(9):
        many = int(rng.integers(0, 20_000))
        frames.append(
            pd.DataFrame(
                {
                    "contact_id": pd.Series(rng.integers(0, 99, many)).astype("str").mask(rng.random(many) < 0.1),
                    "queue": pd.Series(rng.integers(0, 10 + 40 * at, many)).astype("str").mask(rng.random(many) < 0.1),
                    "wait_s": rng.random(many),
                    "queued_at": pd.Series(rng.integers(0, 10**15, many)).astype("datetime64[us, UTC]").mask(rng.random(many) < 0.1),
                    "attempts": pd.Series(rng.integers(0, 9, many), dtype="Int64" if at % 2 else "int64"),
                    "_line": np.arange(many) + 70_000 * at,
                    "_text": pd.Series([""] * many, dtype="str"),
                }
            )
        )
    parts = Parts(Options())
    for frame in frames:
        parts.append(frame)
    whole, expected = parts.frame(), pd.concat(frames, ignore_index=True).drop(columns="_text")
    assert whole["queue"].cat.categories.tolist() == sorted(expected["queue"].dropna().unique())
    assert_frame_equal(whole.astype({"queue": "str", "_line": "int64"}), expected, check_dtype=False)
    assert whole.dtypes[["contact_id", "queued_at"]].equals(expected.dtypes[["contact_id", "queued_at"]])


def test_repeated_rows_are_those_that_pandas_finds() -> None:
    rng = np.random.default_rng(3)
    for many in (0, 1, 2, 500):
        frame = pd.DataFrame(
            {
                "a": pd.Series(rng.integers(0, 5, many)).astype("str").mask(rng.random(many) < 0.3),
                "b": pd.Series(rng.integers(0, 3, many)).astype("float64").mask(rng.random(many) < 0.3),
                "c": pd.Series(rng.integers(0, 3, many)).astype("str").astype("category"),
                "d": pd.Series(rng.integers(0, 3, many)).astype("datetime64[us, UTC]").mask(rng.random(many) < 0.3),
            }
        )
        for same in (["a"], ["b"], ["a", "b"], ["a", "b", "c", "d"]):
            assert repeated(frame, same).tolist() == frame.duplicated(same).tolist()
