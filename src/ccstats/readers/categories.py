"""Columns of few words as categories, which are compared, taken and changed as numbers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import numpy as np
import pandas as pd

from ccstats.readers.words import coded, renumbered

__all__ = ["by_word", "categorised", "category_of", "chosen", "constant_category", "each_category", "is_of_words", "words_used"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def by_word(read: Callable[Concatenate[pd.Series, _P], _R]) -> Callable[Concatenate[pd.Series, _P], _R]:
    """The same function of a column, that reads each word of a category once; it gives a column, a mask, or a tuple of such.

    Examples
    --------
    >>> by_word(lambda column: column.astype("float64"))(pd.Series(["2", None, "2"], dtype="category")).tolist()
    [2.0, nan, 2.0]
    """

    @functools.wraps(read)
    def reading(column: pd.Series, *args: _P.args, **options: _P.kwargs) -> _R:
        if not is_of_words(column):
            return read(column, *args, **options)
        column = words_used(column)
        # The last word is none: it has the code -1.
        words = pd.Series([*column.cat.categories, None], dtype="str")
        return cast("_R", _of_rows(read(words, *args, **options), column.cat.codes.to_numpy()))

    return reading


def is_of_words(column: pd.Series) -> bool:
    """Whether it is a category of texts.

    Examples
    --------
    >>> is_of_words(pd.Series(["a"], dtype="category")), is_of_words(pd.Series([1], dtype="category"))
    (True, False)
    """
    return isinstance(column.dtype, pd.CategoricalDtype) and isinstance(column.cat.categories.dtype, pd.StringDtype)


def _of_rows(values: Any, codes: np.ndarray) -> Any:
    """Values of each word as values of each row."""
    if isinstance(values, tuple):
        each = [_of_rows(value, codes) for value in values]
        return type(values)(*each) if hasattr(values, "_fields") else tuple(each)
    return pd.Series(values.array.take(codes)) if isinstance(values, pd.Series) else values.take(codes)


def constant_category(word: str | None, rows: int) -> pd.Series:
    """One word in every row as a category, or nothing.

    Examples
    --------
    >>> constant_category("voice", 2).tolist(), constant_category(None, 1).tolist()
    (['voice', 'voice'], [nan])
    """
    codes = np.full(rows, -1 if word is None else 0, dtype="int8")
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index([] if word is None else [word], dtype="str")))


def each_category(text: pd.Series, change: Callable[[str], str | None], among: Sequence[str] = ()) -> pd.Series:
    """What ``change`` makes of each word as a category, to which ``among`` belong besides; missing stays missing.

    Examples
    --------
    >>> found = each_category(pd.Series(["ein", None, "aus"]), {"ein": "inbound"}.get, among=("inbound", "outbound"))
    >>> found.tolist(), found.cat.categories.tolist()
    (['inbound', nan, nan], ['inbound', 'outbound'])
    """
    codes, words = coded(text)
    changed = [change(word) for word in words]
    place = {word: at for at, word in enumerate(dict.fromkeys([*among, *(word for word in changed if word is not None)]))}
    places = np.array([*(-1 if word is None else place[word] for word in changed), -1], dtype=np.min_scalar_type(-len(place) - 1))
    return pd.Series(pd.Categorical.from_codes(places.take(codes), categories=pd.Index(list(place), dtype="str")), index=text.index)


def category_of(codes: np.ndarray, words: Sequence[str]) -> pd.Series:
    """The words of these numbers, missing at -1, as a category of those that stand in a row, in their order.

    Examples
    --------
    >>> found = category_of(np.array([2, -1, 0]), ["b", "c", "a"])
    >>> found.tolist(), found.cat.categories.tolist()
    (['a', nan, 'b'], ['a', 'b'])
    """
    _, seen = renumbered(codes, len(words))
    ordered = sorted({word for word, stands in zip(words, seen, strict=True) if stands})
    place = {word: at for at, word in enumerate(ordered)}
    places = np.array([*(place.get(word, -1) for word in words), -1], dtype=np.min_scalar_type(-len(ordered) - 1))
    return pd.Series(pd.Categorical.from_codes(places.take(codes), categories=pd.Index(ordered, dtype="str")))


def chosen(default: str | None, *choices: tuple[np.ndarray | pd.Series, str]) -> pd.Series:
    """The word of the last mask that a row is in, or else the default, as a category.

    Examples
    --------
    >>> chosen("open", (np.array([True, True, False]), "abandoned"), (np.array([True, False, False]), "answered")).tolist()
    ['answered', 'abandoned', 'open']
    """
    words = list(dict.fromkeys(word for word in (default, *(word for _, word in choices)) if word is not None))
    codes = np.full(len(choices[0][0]), -1 if default is None else 0, dtype="int8")
    for mask, word in choices:
        codes[np.asarray(mask, dtype=bool)] = words.index(word)
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(words, dtype="str")))


def categorised(text: pd.Series, table: Mapping[str, str], among: Sequence[str], default: str) -> pd.Series:
    """A category of these words, as the table says; the default where it has nothing.

    Examples
    --------
    >>> found = categorised(pd.Series(["SALE", "DROP", None]), {"DROP": "abandoned"}, ["unknown", "abandoned"], "unknown")
    >>> found.tolist(), found.cat.categories.tolist()
    (['unknown', 'abandoned', 'unknown'], ['unknown', 'abandoned'])
    """
    codes, words = coded(text)
    place = {word: at for at, word in enumerate(among)}
    places = np.array([*(place[table.get(word, default)] for word in words), place[default]], dtype="int8")
    return pd.Series(pd.Categorical.from_codes(places[codes], categories=pd.Index(list(among), dtype="str")))


def words_used(values: pd.Series) -> pd.Series:
    """A category without the words that stand in no row; the same column if there are none, or it is no category.

    Examples
    --------
    >>> words_used(pd.Series(pd.Categorical(["a"], ["a", "b"]))).cat.categories.tolist()
    ['a']
    """
    if not isinstance(values.dtype, pd.CategoricalDtype):
        return values
    codes, seen = renumbered(values.cat.codes.to_numpy(), len(values.cat.categories))
    if seen.all():
        return values
    kind = pd.CategoricalDtype(values.cat.categories[seen], ordered=values.cat.ordered)
    return pd.Series(pd.Categorical.from_codes(codes, dtype=kind), index=values.index)
