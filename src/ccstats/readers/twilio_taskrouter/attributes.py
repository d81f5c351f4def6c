"""Attributes of tasks, which are whatever an application has put there, and texts as places in a list of words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from ccstats.readers.categories import is_of_words
from ccstats.readers.json_records import clean_text
from ccstats.readers.values import to_text
from ccstats.readers.words import of_series

__all__ = ["About", "abouts_of", "coded", "numbered"]


class About(NamedTuple):
    """What a task's attributes tell of the contact."""

    conversation: str | None
    call: str | None
    direction: str | None
    caller: str | None
    called: str | None
    hung_up: str | None
    outcome: str | None


#: Text as places in a list of words.
_CODED = pa.dictionary(pa.int32(), pa.large_string())


def coded(*columns: pa.ChunkedArray) -> tuple[list[np.ndarray], pa.Array]:
    """Columns as places in one list of words, -1 where there is none; words are listed as they first come."""
    every = (
        pa.chunked_array([column.combine_chunks().dictionary_encode() for column in columns], _CODED).unify_dictionaries().combine_chunks()
    )
    indices, words = every.indices, every.dictionary
    if any(pa.types.is_dictionary(column.type) for column in columns):
        # Of words that were there before rows were left out and put in order, those that are, in the order that they have now.
        encoded = indices.dictionary_encode()
        indices, words = encoded.indices, words.take(encoded.dictionary)
    return np.split(indices.fill_null(-1).to_numpy(), np.cumsum([len(column) for column in columns[:-1]])), words


def numbered(column: pd.Series, missing: tuple[str, ...]) -> pa.ChunkedArray:
    """PyArrow's text as by `to_text`, or numbers of its words where the column is a category."""
    if not is_of_words(column):
        return of_series(to_text(column, missing))
    places, words = pd.factorize(to_text(pd.Series(column.cat.categories), missing))
    codes = np.append(places, -1).astype("int32")[column.cat.codes]
    return pa.chunked_array([pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(words, pa.large_string()))])


def abouts_of(attributes: Sequence[Any] | pa.ChunkedArray, abouts: dict[About, int]) -> np.ndarray:
    """Numbers of what attributes tell; -1 where nothing is there that could be read."""

    def number(held: Any) -> int:
        about = _about(held)
        return -1 if about is None else abouts.setdefault(about, len(abouts))

    if isinstance(attributes, pa.ChunkedArray):
        (codes,), words = coded(attributes)
        return np.array([*map(number, words.to_pylist()), -1])[codes]
    known: dict[str, int] = {}
    for held in attributes:
        if isinstance(held, str) and held not in known:
            known[held] = number(held)
    return np.array([known[held] if isinstance(held, str) else number(held) for held in attributes], dtype="int64")


def _about(attributes: Any) -> About | None:
    """Attributes are whatever an application has put there: what is not as expected is not known."""
    if isinstance(attributes, str):
        try:
            attributes = json.loads(attributes)
        except (ValueError, RecursionError):
            return None
    if not isinstance(attributes, dict):
        return None
    conversations = attributes.get("conversations")
    conversations = conversations if isinstance(conversations, dict) else {}

    def first(held: dict[str, Any], *names: str) -> str | None:
        texts = (clean_text(value).strip() for name in names if isinstance(value := held.get(name), str))
        return next((text for text in texts if text), None)

    return About(
        first(conversations, "conversation_id"),
        first(attributes, "call_sid"),
        first(attributes, "direction"),
        first(attributes, "from", "caller", "customerAddress"),
        first(attributes, "to", "called", "outbound_to"),
        first(conversations, "hang_up_by"),
        first(conversations, "outcome"),
    )
