"""Columns of which some rows are kept, against a plain choice row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccstats.readers.masks import only, without

rows = st.lists(st.tuples(st.one_of(st.none(), st.text(max_size=3)), st.booleans()), max_size=40)


@given(rows, st.integers(0, 5))
def test_text_stays_in_the_rows_of_the_mask(rows: list[tuple[str | None, bool]], first: int) -> None:
    text = pd.Series([word for word, _ in rows], dtype="str", index=np.arange(len(rows))[::-1])
    mask = np.array([kept for _, kept in rows], dtype=bool)
    expected = pd.Series([word if kept else None for word, kept in rows], dtype="str", index=text.index)
    pd.testing.assert_series_equal(only(text, mask), expected)
    pd.testing.assert_series_equal(only(text.iloc[first:], mask[first:]), expected.iloc[first:])  # begins within a buffer
    pd.testing.assert_series_equal(text, pd.Series([word for word, _ in rows], dtype="str", index=text.index))  # is as it was


@given(rows, st.integers(0, 5))
def test_text_is_missing_in_the_rows_of_the_mask(rows: list[tuple[str | None, bool]], first: int) -> None:
    text, mask = (
        (pa.array(each, kind) for each, kind in zip(zip(*rows, strict=True), (pa.large_string(), pa.bool_()), strict=True))
        if rows
        else (pa.array([], pa.large_string()), pa.array([], pa.bool_()))
    )
    expected = [None if left_out else word for word, left_out in rows]
    found = without(text, mask)
    found.validate(full=True)
    assert found.to_pylist() == expected
    assert without(text[first:], mask[first:]).to_pylist() == expected[first:]


@pytest.mark.parametrize("values", [[1.5, 2.5], pd.to_datetime(["2024-03-01", "2024-03-02"], utc=True), pd.Categorical(["a", "b"])])
def test_other_kinds_are_masked_alike(values: object) -> None:
    found = only(pd.Series(values), pd.Series([True, False]))
    assert found.isna().tolist() == [False, True]
    assert found[0] == pd.Series(values)[0]
