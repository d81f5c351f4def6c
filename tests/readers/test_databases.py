"""Databases read in chunks: the result does not depend on them, nothing is left open, and large tables fit into little memory."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator

import pandas as pd
import pytest
import sqlalchemy as sa
from exam_cases import CASES, Case
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import DataWarning
from ccstats.readers import READERS

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
