"""The digest of a table changes with anything it says, and with nothing else."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ccstats.errors import SourceMissingError
from ccstats.scorecard.digests import digest_file, digest_table

words = st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=4))
numbers = st.one_of(st.none(), st.integers(-(2**62), 2**62))
cell_rows = st.lists(st.tuples(words, numbers, st.floats(allow_nan=True), st.booleans()), min_size=1, max_size=6)


def table(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    text, whole, real, flag = zip(*rows, strict=True)
    at = pd.to_datetime(np.arange(len(rows)), unit="s", utc=True)
    columns = {"queue": pd.array(text, dtype="str"), "offered": pd.array(whole, dtype="Int64"), "share": real, "flag": flag, "at": at}
    return pd.DataFrame(columns)


def same(one: object, other: object) -> bool:
    return one == other or (one is None and other is None) or (one != one and other != other)


@settings(max_examples=40, deadline=None)
@given(rows=cell_rows, data=st.data())
def test_any_other_cell_changes_it(rows: list[tuple[object, ...]], data: st.DataObject) -> None:
    at, column = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 3))
    new = data.draw([words, numbers, st.floats(allow_nan=True), st.booleans()][column])
    assume(not same(rows[at][column], new))
    changed = list(rows)
    changed[at] = (*rows[at][:column], new, *rows[at][column + 1 :])
    assert digest_table(table(rows)) != digest_table(table(changed))


@settings(max_examples=40, deadline=None)
@given(rows=cell_rows)
def test_another_order_name_or_length_changes_it(rows: list[tuple[object, ...]]) -> None:
    frame = table(rows)
    found = digest_table(frame)
    assert digest_table(frame.rename(columns={"queue": "channel"})) != found
    assert digest_table(frame.drop(columns="flag")) != found
    assert digest_table(pd.concat([frame, frame.tail(1)], ignore_index=True)) != found
    assert digest_table(frame.assign(at=frame["at"] + pd.Timedelta("1us"))) != found
    if len(frame) > 1:  # instants differ from row to row
        assert digest_table(frame[::-1]) != found


@settings(max_examples=40, deadline=None)
@given(rows=cell_rows)
def test_dtype_zone_index_and_order_of_columns_do_not(rows: list[tuple[object, ...]]) -> None:
    frame = table(rows)
    found = digest_table(frame)
    text = frame["queue"].astype("category").cat.add_categories(["never used", "nor this"])
    assert digest_table(frame.assign(queue=text)) == found
    assert digest_table(frame.assign(queue=frame["queue"].astype(object).where(frame["queue"].notna(), None))) == found
    assert digest_table(frame[list(reversed(frame.columns))]) == found
    assert digest_table(frame.set_axis(range(7, 7 + len(frame)))) == found
    assert digest_table(frame.assign(at=frame["at"].dt.tz_convert("Asia/Tokyo").dt.as_unit("us"))) == found
    assert digest_table(frame.assign(flag=frame["flag"].astype("int64"))) == found
    assert digest_table(frame.assign(customer="somebody")) == found  # another pseudonym in every run


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.one_of(st.none(), st.integers(-(2**53), 2**53)), min_size=1))
def test_whole_numbers_are_the_same_as_floats(values: list[int | None]) -> None:
    whole = pd.DataFrame({"n": pd.array(values, dtype="Int64")})
    real = pd.DataFrame({"n": [np.nan if each is None else float(each) for each in values]})
    assert digest_table(whole) == digest_table(real)
    if None not in values:
        assert digest_table(whole) == digest_table(whole.astype("int64")) == digest_table(whole.astype("int64").astype("category"))


def test_zero_is_zero_and_one_missing_number_is_as_good_as_another() -> None:
    assert digest_table(pd.DataFrame({"x": [0.0]})) == digest_table(pd.DataFrame({"x": [-0.0]}))
    other = np.frombuffer(np.array([0x7FF8000000000001], dtype="<u8").tobytes(), dtype="<f8")
    assert digest_table(pd.DataFrame({"x": [1.0, *other]})) == digest_table(pd.DataFrame({"x": [1.0, np.nan]}))


def test_texts_do_not_run_into_each_other() -> None:
    one, other = pd.DataFrame({"x": ["a\0b", "c"]}), pd.DataFrame({"x": ["a", "b\0c"]})
    assert digest_table(one) != digest_table(other)
    assert digest_table(pd.DataFrame({"x": ["1"]})) != digest_table(pd.DataFrame({"x": [1]}))


def test_a_column_without_values_has_no_type() -> None:
    empty = [pd.Series([None, None], dtype=dtype) for dtype in ("object", "float64", "str", "category", "datetime64[us, UTC]", "Int64")]
    assert len({digest_table(pd.DataFrame({"x": each})) for each in empty}) == 1
    assert digest_table(pd.DataFrame({"x": empty[0]})) != digest_table(pd.DataFrame({"x": empty[0].head(1)}))


def test_an_arrow_table_has_the_digest_of_its_rows() -> None:
    frame = table([("a", 1, 0.5, True), (None, 2, float("nan"), False)])
    assert digest_table(pa.Table.from_pandas(frame)) == digest_table(frame)


def test_a_file_has_that_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"1|2|3\r\n")
    assert digest_file(path) == hashlib.sha256(b"1|2|3\r\n").hexdigest()
    with pytest.raises(SourceMissingError, match="nowhere"):
        digest_file(tmp_path / "nowhere")
