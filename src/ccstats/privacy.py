"""Personal data (7.9, 5.7): keyed pseudonyms for customers, suppression of small groups of agents."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Iterable, Sequence

import pandas as pd

from ccstats.errors import OptionError

__all__ = ["key_of", "pseudonym", "pseudonymise", "suppress_small"]

#: Hexadecimal digits of a pseudonym: 80 bits, so that among 100 million customers a collision has a chance below 1 in 200 million.
_DIGITS = 20


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
        If the key given is empty.

    Examples
    --------
    >>> key_of("our secret")
    b'our secret'
    >>> len(key_of(None)) > 0
    True
    """
    if key is None:
        key = os.environ.get("CCSTATS_KEY") or secrets.token_bytes(32)
    elif not key:
        raise OptionError("key= is empty; give a secret text or bytes, or leave it out for a random key per run")
    return key.encode() if isinstance(key, str) else bytes(key)


def pseudonym(value: str, key: bytes) -> str:
    """A keyed pseudonym of one identifier: HMAC-SHA-256 (RFC 2104), the first 20 hexadecimal digits.

    Examples
    --------
    >>> pseudonym("5551234", b"k") == pseudonym("5551234", b"k")
    True
    >>> pseudonym("5551234", b"k") == pseudonym("5551234", b"another")
    False
    """
    return hmac.digest(key, value.encode("utf-8", "surrogateescape"), "sha256").hex()[:_DIGITS]


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
    codes, unique = pd.factorize(series.where(series.str.strip() != ""))
    hashed = pd.array([pseudonym(value, key) for value in unique.tolist()], dtype="str")
    return pd.Series(hashed.take(codes, allow_fill=True), dtype="str", index=series.index)


def suppress_small(table: pd.DataFrame, *, count: str, at_least: int, keep: Sequence[str] = ()) -> pd.DataFrame:
    """Blank the figures of rows that rest on few cases; the rows stay, so that nothing seems to be lost.

    Parameters
    ----------
    table : pandas.DataFrame
        Any table of ours, such as one row an agent.
    count : str
        The column that says how many cases a row rests on.
    at_least : int
        Rows below this many are blanked. [cases]
    keep : sequence of str
        Columns to leave alone; text and categories (names) are always left alone.

    Returns
    -------
    pandas.DataFrame
        A copy with numbers missing where suppressed, and a column ``suppressed``.

    Raises
    ------
    OptionError
        If ``count`` is no column of the table.

    Examples
    --------
    >>> agents = pd.DataFrame({"agent": ["Ada", "Bo"], "answered": [40, 2], "aht_s": [180.0, 95.0]})
    >>> suppress_small(agents, count="answered", at_least=5)["aht_s"].isna().tolist()
    [False, True]
    """
    if count not in table:
        raise OptionError(f"count={count!r} is no column of the table; it has: {', '.join(map(str, table.columns))}")
    small = (table[count].fillna(0) < at_least).to_numpy(dtype=bool)
    out = table.copy()
    for name in table.columns:
        if name in keep or not pd.api.types.is_numeric_dtype(table[name].dtype):
            continue
        whole = pd.api.types.is_integer_dtype(table[name].dtype)
        out[name] = out[name].astype("Int64" if whole else "float64").mask(small)
    out["suppressed"] = small
    return out
