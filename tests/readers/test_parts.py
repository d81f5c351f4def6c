"""Rows sorted by their first key, and the ties by all keys, stand as if each had been compared with each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from ccstats.readers.accounting import Account
from ccstats.readers.categories import words_used
from ccstats.readers.contract import Options
from ccstats.readers.masks import among
from ccstats.readers.parts import repeated
from ccstats.readers.settling import settle, with_visits
from ccstats.schema import sortable, sorting, tied

WORDS = st.sampled_from(["", "a", "ab", "b", "ä", None])
ROWS = st.lists(st.tuples(WORDS, WORDS, st.one_of(st.none(), st.integers(0, 3))), max_size=30)


def _frame(rows: list[tuple[str | None, str | None, int | None]]) -> pd.DataFrame:
    one, two, number = zip(*rows, strict=True) if rows else ((), (), ())
    return pd.DataFrame(
        {
            "one": pd.Series(one, dtype="str"),
            "two": pd.Series(two, dtype="str").astype("category"),
            "number": pd.Series(number, dtype="Int64"),
        }
    )


def _key(value: str | int | None) -> tuple[bool, str | int]:
    """Missing ones come last."""
    return (value is None, 0 if value is None else value)


@given(ROWS, st.permutations([0, 1, 2]), st.integers(1, 3))
def test_sorting_is_that_of_a_plain_sort(rows: list[tuple[str | None, str | None, int | None]], places: list[int], many: int) -> None:
    frame = _frame(rows)
    asked = places[:many]
    expected = sorted(range(len(rows)), key=lambda row: [_key(rows[row][at]) for at in asked])
    found = sorting([sortable(frame.iloc[:, at]) for at in asked])
    assert (list(range(len(rows))) if found is None else found.tolist()) == expected
    assert (found is None) == (expected == list(range(len(rows))))


@given(
    st.integers(1, 20).flatmap(lambda many: st.lists(st.text("0129", min_size=many, max_size=many), min_size=1, max_size=30)),
    st.text("0/:+-a ٣"),
)
def test_digits_are_sorted_as_texts(texts: list[str], other: str) -> None:
    for words in (texts, [*texts, other]):
        found = sorting([sortable(pd.Series(words, dtype="str"))])
        expected = sorted(range(len(words)), key=words.__getitem__)
        assert (list(range(len(words))) if found is None else found.tolist()) == expected


@given(ROWS)
def test_tied_rows_are_those_with_a_twin(rows: list[tuple[str | None, str | None, int | None]]) -> None:
    key = sortable(_frame(rows)["one"])
    order = sorting([key])
    found, places = tied(key, order)
    words = [row[0] for row in rows]
    assert sorted(found.tolist()) == [row for row, word in enumerate(words) if words.count(word) > 1]
    whole = np.arange(len(rows)) if order is None else order
    assert whole[places].tolist() == found.tolist()


@given(ROWS, st.permutations([0, 1, 2]), st.integers(1, 3), st.booleans())
def test_repeated_rows_are_those_that_a_plain_loop_finds(
    rows: list[tuple[str | None, str | None, int | None]], places: list[int], many: int, by_newest: bool
) -> None:
    frame = _frame(rows).assign(newest=pd.Series([(7 * at) % 5 if at % 4 else None for at in range(len(rows))], dtype="Int64"))
    asked = places[:many]
    newest = [None if pd.isna(each) else int(each) for each in frame["newest"]]
    expected = []
    for row in range(len(rows)):
        twins = [other for other in range(len(rows)) if all(rows[other][at] == rows[row][at] for at in asked)]
        # With it the largest is taken, of equal ones the last, a missing one only if there is no other.
        by = [(newest[other] is None, -(newest[other] or 0), -other) for other in twins] if by_newest else [(False, 0, -twins[0])]
        taken = -min(by)[2]
        expected.append(row != taken)
    found = repeated(frame, [frame.columns[at] for at in asked], "newest" if by_newest else None)
    assert found.tolist() == expected


@given(ROWS, st.booleans())
def test_settled_rows_are_the_same_in_either_order(rows: list[tuple[str | None, str | None, int | None]], newest: bool) -> None:
    frame = _frame(rows).rename(columns={"one": "contact_id", "two": "queue"})
    at = pd.to_datetime(frame["number"].fillna(0).astype("int64"), unit="s", utc=True).dt.as_unit("us")
    frame = frame.assign(queued_at=at, _source="x", _line=np.arange(2, len(rows) + 2), _weight=1, _text="")
    told = []
    for ordered in (False, True):
        account = Account(Options())
        once = settle(
            [frame.copy()], account, Options(), same=["contact_id", "queue"], newest="number" if newest else None, ordered=ordered
        )
        visits = with_visits(once)
        told.append((visits[["contact_id", "_line", "visit"]].astype(object).to_numpy().tolist(), account.tables()[1].to_dict("list")))
    assert repr(told[0]) == repr(told[1])


@given(
    st.lists(WORDS, max_size=20), st.lists(st.sampled_from(["", "a", "NULL", "ä"]), min_size=1, max_size=3, unique=True), st.integers(0, 3)
)
def test_words_among_others(texts: list[str | None], words: list[str], offset: int) -> None:
    array = pa.array(texts, pa.large_string())[offset:]
    expected = [text in words for text in texts[offset:]]
    found = among(array, words)
    assert ([False] * len(expected) if found is None else found.to_pylist()) == expected
    assert (found is None) == (not any(expected))


def test_few_short_words_in_a_long_column() -> None:
    array = pa.array(["abcdefgh"] * 20 + ["-", None, "", "x"], pa.large_string())
    found = among(array, ["", "-"])
    assert found is not None
    assert np.flatnonzero(found.to_numpy(zero_copy_only=False)).tolist() == [20, 22]


def test_words_that_stand_in_no_row_are_left_out() -> None:
    category = pd.Series(pd.Categorical(["b", None, "c"], categories=["a", "b", "c"]))
    assert words_used(category).cat.categories.tolist() == ["b", "c"]
    assert words_used(category).cat.codes.tolist() == [0, -1, 1]
    full = category.cat.remove_unused_categories()
    assert words_used(full) is full
    none = pd.Series(pd.Categorical([None], categories=["a"]))
    assert words_used(none).cat.categories.tolist() == []
    number = pd.Series([1.0])
    assert words_used(number) is number
