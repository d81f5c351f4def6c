"""Tables of products with a known header: a file, a frame and a database's table are read alike."""

from __future__ import annotations

import io

import pandas as pd
import pytest
import sqlalchemy as sa
from exam_cases import Case, cases_of
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning

FORMATS = ["cisco_ucce", "cisco_uccx", "zendesk_talk", "talkdesk"]
CASES = [case for format in FORMATS for case in cases_of(format)]
every_case = pytest.mark.parametrize("case", CASES, ids=str)


def frame_of(case: Case) -> pd.DataFrame:
    return pd.read_csv(case.path, dtype=str, keep_default_na=False)


@every_case
def test_a_frame_is_read_like_the_file(case: Case) -> None:
    log, frame = case.read(), frame_of(case)
    assert_frame_equal(case.read(frame).contacts, log.contacts)
    # Databases give numbers as numbers and nothing as None.
    typed = pd.read_csv(io.BytesIO(case.data), keep_default_na=False, na_values=["", "NULL"])
    log = case.read(typed)
    assert len(log.contacts) == len(case.read().contacts)


@every_case
def test_a_table_of_a_database_is_read_like_the_file(case: Case) -> None:
    log, frame = case.read(), frame_of(case).replace({"": None, "NULL": None})
    engine = sa.create_engine("sqlite://")
    frame.columns = [name.lower() for name in frame.columns]
    frame.to_sql("calls", engine, index=False)
    options = {"pseudonyms": False, **case.options}
    if (log.contacts["outcome"] == "unknown").any():
        with pytest.warns(DataWarning, match="counted as 'unknown'"):
            read = cc.read_sql("calls", engine, **options)
    else:
        read = cc.read_sql("calls", engine, **options)
    engine.dispose()
    assert_frame_equal(read.contacts, log.contacts)
    assert_frame_equal(read.agent_states, log.agent_states)


@every_case
def test_a_table_without_its_columns_says_which(case: Case) -> None:
    with pytest.raises(ColumnError, match="the table has no column .*; found 'queue', 'wait'"):
        case.read(b"queue,wait\nsupport,12\n")


@every_case
def test_semicolons_and_title_case_change_nothing(case: Case) -> None:
    frame = frame_of(case)
    frame.columns = [name.upper() for name in frame.columns]
    again = frame.to_csv(index=False, sep=";").encode()
    log = case.read(again)
    assert_frame_equal(log.contacts, case.read().contacts)
    assert case.read(again, format=None).format == case.format
