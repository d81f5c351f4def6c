"""Keyed pseudonyms: whose identifier cannot be read back, but is the same wherever the same key is used; numbers instead of names."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.errors import ColumnError, OptionError
from ccstats.schema import as_frame

__all__ = ["anonymise_agents", "hide_texts", "key_of", "pseudonym", "pseudonymise"]

#: Hexadecimal digits of a pseudonym: 80 bits, so that among 100 million customers a collision has a chance below 1 in 200 million.
_DIGITS = 20
#: The longest key that BLAKE2b takes. [bytes]
_LONGEST_KEY = 64
#: Values hashed before other threads have their turn.
_TOGETHER = 1_000


def key_of(key: str | bytes | None) -> bytes:
    """The secret for pseudonyms: the one given, else ``CCSTATS_KEY``, else a random one for this call.

    Parameters
    ----------
    key : str, bytes or None
        The secret. With the same key the same customer has the same pseudonym in every log; without one they cannot be joined.

    Returns
    -------
    bytes
        Never empty.

    Raises
    ------
    OptionError
        If the key given is empty, or neither text nor bytes: a number would be a key of that many zeros, which anyone can guess.

    Examples
    --------
    >>> key_of("our secret")
    b'our secret'
    >>> len(key_of(None)) > 0
    True
    """
    if key is None:
        key = os.environ.get("CCSTATS_KEY") or secrets.token_bytes(32)
    elif not isinstance(key, str | bytes | bytearray):
        raise OptionError(f"key= is of type {type(key).__name__}; give a secret text or bytes, or leave it out for a random key per run")
    elif not key:
        raise OptionError("key= is empty; give a secret text or bytes, or leave it out for a random key per run")
    return key.encode() if isinstance(key, str) else bytes(key)


def pseudonym(value: str, key: bytes) -> str:
    """A keyed pseudonym of one identifier: keyed BLAKE2b (RFC 7693) in UTF-8, the first 20 of its 128 hexadecimal digits.

    A key longer than 64 bytes, the most that BLAKE2b takes, is replaced by its own BLAKE2b without a key.

    Examples
    --------
    >>> pseudonym("5551234", b"k") == pseudonym("5551234", b"k")
    True
    >>> pseudonym("5551234", b"k") == pseudonym("5551234", b"another")
    False
    """
    return _digest(value, key).hex()[:_DIGITS]


def pseudonymise(values: Iterable[str | None], key: bytes) -> pd.Series[str]:
    """Keyed pseudonyms of many identifiers; missing and blank ones stay missing.

    Each different value is hashed once, so a million calls of a hundred thousand customers cost a hundred thousand hashes.

    Parameters
    ----------
    values : iterable of str or None
        Identifiers, such as caller numbers.
    key : bytes
        The secret, as `key_of` gives it.

    Returns
    -------
    pandas.Series of str

    Examples
    --------
    >>> pseudonymise(["5551234", None, ""], b"k").isna().tolist()
    [False, True, True]
    """
    series = pd.Series(values, dtype="str")
    text = pa.array(series, pa.large_string())
    hidden = hide_texts(text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text, key)
    return pd.Series(hidden, dtype="str", index=series.index)


def hide_texts(text: pa.Array, key: bytes) -> pa.Array:
    """The same of PyArrow's large texts, on any thread, as pandas is not asked.

    Examples
    --------
    >>> hide_texts(pa.array(["5551234", " "], pa.large_string()), b"k").is_null().to_pylist()
    [False, True]
    """
    coded = text.dictionary_encode()
    blank = pc.equal(pc.utf8_trim_whitespace(coded.dictionary), "")
    hashed = pc.if_else(blank, None, _pseudonyms(coded.dictionary.cast(pa.large_binary()).to_pylist(), key))
    return hashed.take(coded.indices)


def _pseudonyms(values: list[bytes], key: bytes) -> pa.Array:
    """`pseudonym` of each value; the key is taken in once, and all are written as hexadecimal digits at once."""
    keyed = _keyed(key).copy
    digests = []
    for first in range(0, len(values), _TOGETHER):
        for value in values[first : first + _TOGETHER]:
            hashing = keyed()
            hashing.update(value)
            digests.append(hashing.digest())
        time.sleep(0)  # who waits for the interpreter has it now, and not some milliseconds later
    places = np.arange(len(values) + 1) * _DIGITS
    whole = np.frombuffer(b"".join(digests), dtype="uint8").reshape(len(values), _keyed(key).digest_size)
    return pa.LargeStringArray.from_buffers(
        len(values), pa.py_buffer(places), pa.py_buffer(whole[:, : _DIGITS // 2].tobytes().hex().encode())
    )


def _digest(value: str, key: bytes) -> bytes:
    hashing = _keyed(key)
    hashing.update(value.encode("utf-8", "surrogateescape"))
    return hashing.digest()


def _keyed(key: bytes) -> hashlib.blake2b:
    return hashlib.blake2b(key=key if len(key) <= _LONGEST_KEY else hashlib.blake2b(key).digest())


def anonymise_agents(
    table: Any, *, key: str | bytes | None = None, column: str = "agent", among: Iterable[str] | None = None
) -> pd.DataFrame:
    """Numbers instead of agents' names, for tables that leave the house.

    The order is that of keyed hashes, so that neither a number nor the order of the rows tells where a name stands in the alphabet, and the
    rows are sorted anew.

    Parameters
    ----------
    table : pandas.DataFrame or Arrow table
        Any table of ours with agents.
    key : str, bytes or None
        The secret: the same one gives the same numbers to the same agents. ``CCSTATS_KEY`` or a random one by default.
    column : str
        Where the agents stand.
    among : iterable of str, optional
        All agents who are numbered, also those who are not in this table: the same list gives the same numbers in several tables. By
        default those of the table.

    Returns
    -------
    pandas.DataFrame
        A copy with ``agent 1`` to ``agent n`` (with leading zeros, so that they sort), ordered by them; missing agents stay missing, last.
        Other columns are as they were: names that stand elsewhere stay there.

    Raises
    ------
    ColumnError
        If ``column`` is no column of the table.
    OptionError
        If ``among`` lacks an agent who is in it.

    See Also
    --------
    suppress_cells : whether figures of few contacts may be shown at all.

    Examples
    --------
    >>> import ccstats as cc
    >>> agents = pd.DataFrame({"agent": ["Ada", "Bo"], "answered": [40, 52]})
    >>> cc.anonymise_agents(agents, key="a key of ours")
         agent  answered
    0  agent 1        52
    1  agent 2        40
    """
    frame: pd.DataFrame = as_frame(table)
    if column not in frame:
        raise ColumnError(f"column={column!r} is no column of the table; it has: {', '.join(map(str, frame.columns))}")
    there = frame[column].dropna().astype("str").unique().tolist()
    everyone = there if among is None else list(dict.fromkeys(map(str, among)))
    strangers = len(set(there) - set(everyone))
    if strangers:
        raise OptionError(f"among= lacks {strangers} of the {len(there)} agents of the table; name every agent who may appear in one")
    secret = key_of(key)
    ordered = sorted(everyone, key=lambda name: _digest(name, secret))
    width = len(str(len(ordered)))
    labels = {name: f"agent {at:0{width}}" for at, name in enumerate(ordered, 1)}
    out = frame.copy()
    made = frame[column].astype("str").map(labels)
    out[column] = pd.Categorical(made, categories=sorted(set(made.dropna())))
    return out.sort_values(column, kind="stable", ignore_index=True)
