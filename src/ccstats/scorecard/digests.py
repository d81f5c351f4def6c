"""What went in, so that it can be shown later that it was the same: a digest of a file, and of a table whatever wrote it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import SourceMissingError
from ccstats.schema import as_frame

__all__ = ["digest_file", "digest_table"]

#: Columns that another run may fill otherwise although the data is the same: without a fixed key pseudonyms are new every time.
_PER_RUN = ("customer",)
#: Up to here every whole number is a float of its own.
_EXACT = 2**53


def digest_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    str

    Raises
    ------
    SourceMissingError
        If it is not there or cannot be read.

    Examples
    --------
    >>> import ccstats as cc
    >>> len(digest_file(cc.sample_log()))
    64
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SourceMissingError(f"{str(path)!r} cannot be read: {error.strerror}") from error


def digest_table(table: Any) -> str:
    """SHA-256 of what a table says, in hexadecimal: the same for the same rows in the same order, on every machine and Python.

    Parameters
    ----------
    table : pandas.DataFrame or Arrow table
        Any table of ours. Columns count by name, not by place; ``customer`` is left out, since without a fixed key its pseudonyms are new
        in every run.

    Returns
    -------
    str

    Notes
    -----
    Numbers are hashed as 64-bit floats (whole ones beyond 2**53 also as they are), instants as microseconds since 1970, everything else as
    text; text is hashed by its sorted vocabulary and the place in it, so that unused categories and their order do not count. A column
    without any value is hashed by its length.

    Examples
    --------
    >>> one = pd.DataFrame({"queue": ["a", "b"], "offered": [1, 2]})
    >>> digest_table(one) == digest_table(one[["offered", "queue"]].astype({"queue": "category"}))
    True
    >>> digest_table(one) == digest_table(one[::-1])
    False
    """
    frame = as_frame(table)
    whole = hashlib.sha256()
    for name in sorted(map(str, frame.columns)):
        if name not in _PER_RUN:
            _add(whole, name.encode())
            for part in _parts(frame[name]):
                _add(whole, part)
    return whole.hexdigest()


def _add(whole: Any, part: bytes) -> None:
    """With its length before it, so that no two lists of parts look the same."""
    whole.update(len(part).to_bytes(8, "little"))
    whole.update(part)


def _parts(values: pd.Series[Any]) -> list[bytes]:
    if isinstance(values.dtype, pd.CategoricalDtype) and not isinstance(values.dtype.categories.dtype, pd.StringDtype):
        values = values.astype(values.dtype.categories.dtype)
    dtype, missing = values.dtype, values.isna().to_numpy(dtype=bool)
    if missing.all():  # a column without a value has no type that every file format keeps
        return [b"missing", len(values).to_bytes(8, "little")]
    if isinstance(dtype, pd.DatetimeTZDtype):
        return [b"instant", values.dt.tz_convert("UTC").dt.as_unit("us").astype("int64").to_numpy().astype("<i8").tobytes()]
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_numeric_dtype(dtype):
        numbers = values.to_numpy(dtype="float64", na_value=np.nan)
        numbers = np.where(np.isnan(numbers), np.nan, numbers + 0.0)  # one NaN, and no negative zero
        return [b"number", numbers.astype("<f8").tobytes(), *_beyond_floats(values, missing)]
    texts = values.astype("str")
    words = sorted(texts.dropna().unique())
    codes = pd.Categorical(texts, categories=words).codes.astype("<i4")
    return [b"text", len(words).to_bytes(8, "little"), *(word.encode("utf-8", "surrogateescape") for word in words), codes.tobytes()]


def _beyond_floats(values: pd.Series[Any], missing: np.ndarray[Any, Any]) -> list[bytes]:
    """Whole numbers that a float cannot hold, written out."""
    if not pd.api.types.is_integer_dtype(values.dtype):
        return []
    large = [f"{at}:{value}" for at, value in enumerate(values) if not missing[at] and abs(int(value)) > _EXACT]
    return [",".join(large).encode()] if large else []
