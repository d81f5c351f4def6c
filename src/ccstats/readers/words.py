"""Columns of text as a whole: few words are looked up once each, not once a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "coded",
    "constant",
    "each_combination",
    "each_word",
    "filled",
    "joined",
    "of_series",
    "renumbered",
    "to_series",
    "without",
]

_TEXT = pd.StringDtype("pyarrow", na_value=np.nan)


def of_series(text: pd.Series) -> pa.ChunkedArray:
    """Text as PyArrow has it, without a copy where pandas keeps it there.

    Examples
    --------
    >>> of_series(pd.Series(["a", None], dtype="str")).null_count
    1
    """
    if isinstance(text.dtype, pd.CategoricalDtype):
        codes = text.cat.codes.to_numpy()
        words = pa.array(text.cat.categories.astype("str"), pa.large_string())
        return pa.chunked_array([words.take(pa.array(codes, mask=codes < 0))])
    array = pa.array(text if isinstance(text.dtype, pd.StringDtype) else text.astype("str"), pa.large_string())
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def to_series(text: pa.Array | pa.ChunkedArray) -> pd.Series:
    """PyArrow's text as a column of ``str``.

    Examples
    --------
    >>> to_series(pa.array(["a", None])).tolist()
    ['a', nan]
    """
    array = text if isinstance(text, pa.ChunkedArray) else pa.chunked_array([text])
    return pd.Series(_TEXT.__from_arrow__(array.cast(pa.large_string())))  # type: ignore[attr-defined]


def constant(word: str | None, rows: int) -> pd.Series:
    """One word in every row, or nothing.

    Examples
    --------
    >>> constant("voice", 2).tolist()
    ['voice', 'voice']
    """
    return to_series(pa.repeat(pa.scalar(word, pa.large_string()), rows))


def coded(text: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Numbers of the words of a column, -1 where there is none, and its words, in the order they come or that of a category.

    Examples
    --------
    >>> codes, words = coded(pd.Series(["b", None, "a", "b"]))
    >>> codes.tolist(), words
    ([0, -1, 1, 0], ['b', 'a'])
    >>> coded(pd.Series(["b", None], dtype=pd.CategoricalDtype(["a", "b"])))[1]
    ['b']
    """
    if isinstance(text.dtype, pd.CategoricalDtype):
        codes, words = text.cat.codes.to_numpy(), [str(word) for word in text.cat.categories]
        codes, seen = renumbered(codes, len(words))
        return codes, words if seen.all() else [word for word, stands in zip(words, seen, strict=True) if stands]
    found = of_series(text).combine_chunks().dictionary_encode()
    return found.indices.fill_null(-1).to_numpy(zero_copy_only=False), found.dictionary.to_pylist()


def renumbered(codes: np.ndarray, many: int) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of so many words, -1 where there is none, without the words that stand in no row, and which words do.

    Examples
    --------
    >>> codes, seen = renumbered(np.array([2, -1, 0], dtype="int8"), 3)
    >>> codes.tolist(), seen.tolist()
    ([1, -1, 0], [True, False, True])
    """
    # One place more, for none: -1. In as few bits as they come, the last number has no next one.
    seen = np.bincount(codes.astype("int64") + 1, minlength=many + 1)[1:] > 0
    if seen.all():
        return codes, seen
    places = np.append(np.where(seen, np.cumsum(seen) - 1, -1), -1).astype(codes.dtype)
    return places.take(codes), seen


def each_word(text: pd.Series, change: Callable[[str], str | None]) -> pd.Series:
    """What ``change``, often a dictionary's ``get``, makes of each word; missing stays missing.

    Examples
    --------
    >>> each_word(pd.Series(["Straße", None]), str.casefold).tolist()
    ['strasse', nan]
    """
    codes, words = coded(text)
    return _placed([change(word) for word in words], codes).set_axis(text.index)


def each_combination(change: Callable[..., str | None], *columns: pd.Series | np.ndarray) -> pd.Series:
    """What ``change`` makes of each combination of words (or None) and flags that stand in a row of these columns, as a category.

    Examples
    --------
    >>> status, waited = pd.Series(["DROP", "DROP", None]), np.array([True, False, True])
    >>> each_combination(lambda word, was_there: f"{word} {was_there}", status, waited).tolist()
    ['DROP True', 'DROP False', 'None True']
    """
    of_row: np.ndarray = np.zeros(len(columns[0]), dtype="int64")
    combinations: list[tuple[Any, ...]] = [()]
    for column in columns:
        codes, words = (np.asarray(column, dtype="int8"), [False, True]) if column.dtype == bool else coded(pd.Series(column))
        words = [*words, None]
        found = pa.array(of_row * len(words) + np.where(codes < 0, len(words) - 1, codes)).dictionary_encode()
        before, last = np.divmod(found.dictionary.to_numpy(), len(words))
        combinations = [(*combinations[at], words[word]) for at, word in zip(before, last, strict=True)]
        of_row = found.indices.to_numpy()
    made = [change(*each) for each in combinations]
    known = list(dict.fromkeys(word for word in made if word is not None))
    places = np.array([-1 if word is None else known.index(word) for word in made], dtype=np.min_scalar_type(-len(known) - 1))
    return pd.Series(pd.Categorical.from_codes(places[of_row], categories=pd.Index(known, dtype="str")))


def _placed(words: list[str | None], codes: np.ndarray) -> pd.Series:
    """The words of these numbers; missing at -1."""
    return to_series(pa.array([*words, None], pa.large_string()).take(pa.array(np.where(codes < 0, len(words), codes))))


def filled(text: pd.Series, other: pd.Series) -> pd.Series:
    """The text, and the other one where it is missing; a category if both are, and as it is if it is nowhere missing.

    Examples
    --------
    >>> filled(pd.Series(["a", None]), pd.Series(["x", "y"], dtype="category")).tolist()
    ['a', 'y']
    """
    none = text.isna().to_numpy()
    if not none.any():
        return text
    if not isinstance(text.dtype, pd.CategoricalDtype) or not isinstance(other.dtype, pd.CategoricalDtype):
        return to_series(pc.coalesce(of_series(text), of_series(other))).set_axis(text.index)
    words = sorted({*text.cat.categories, *other.cat.categories})
    place = {word: at for at, word in enumerate(words)}
    ours = np.array([*(place[word] for word in text.cat.categories), -1])[text.cat.codes.to_numpy()]
    others = np.array([*(place[word] for word in other.cat.categories), -1])[other.cat.codes.to_numpy()]
    codes = np.where(none, others, ours)
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(words, dtype="str")), index=text.index)


def joined(sign: str, *texts: pd.Series) -> pd.Series:
    """The words of each row with a sign between them; a missing one counts as blank.

    Examples
    --------
    >>> joined("|", pd.Series(["a", "a"]), pd.Series(["b", None])).tolist()
    ['a|b', 'a|']
    """
    arrays = [pc.fill_null(of_series(text), "") for text in texts]
    return to_series(pc.binary_join_element_wise(*arrays, pa.scalar(sign, pa.large_string()))).set_axis(texts[0].index)


def without(text: pd.Series, pattern: str) -> pd.Series:
    r"""The text without what matches, by the rules of RE2: signs of a class such as ``\d`` are those of ASCII.

    Examples
    --------
    >>> without(pd.Series(["SIP/anna-0a1b", None]), "-[0-9a-f]{4,}$").tolist()
    ['SIP/anna', nan]
    """
    return to_series(pc.replace_substring_regex(of_series(text), pattern, "")).set_axis(text.index)
