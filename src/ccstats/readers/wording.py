"""Words for error texts of readers: the nearest names, and bytes that are safe to show."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

__all__ = ["did_you_mean", "hint_of", "shown_bytes"]

#: How well-known contents begin that no log reader reads as they are, and what to do with them.
_KNOWN_STARTS = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook: unpack the archive, or read the workbook with format='mapped'"),
    (b"PAR1", "a Parquet file: read it with format='mapped'"),
    (b"\xd0\xcf\x11\xe0", "an old or encrypted Office file: save it as .xlsx without a password"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "an SQLite database: read it with ccstats.read_sql"),
    (b"\x1f\x8b", "compressed twice: decompress it once"),
    (b"BZh", "compressed twice: decompress it once"),
    (b"\xfd7zXZ", "compressed twice: decompress it once"),
    (b"\x28\xb5\x2f\xfd", "compressed twice: decompress it once"),
)


def did_you_mean(name: str, names: Iterable[str], *, count: int = 3) -> str:
    """A sentence that proposes the nearest of ``names``, or an empty text.

    Parameters
    ----------
    name : str
        What was written.
    names : iterable of str
        What there is.
    count : int
        Propose at most this many. [names]

    Returns
    -------
    str
        Starts with a blank, so that it can follow a sentence; empty when nothing is near.

    Examples
    --------
    >>> did_you_mean("Istanbul", ["Europe/Istanbul", "Europe/London"])
    ' Did you mean Europe/Istanbul?'
    >>> did_you_mean("quue", ["agent"])
    ''
    """
    # Names are compared as a whole and by their last part, so that a city finds its zone and a file its folder.
    known = list(dict.fromkeys(map(str, names)))
    by_key: dict[str, list[str]] = {}
    for each in known:
        for key in {each.casefold(), each.casefold().replace("\\", "/").rsplit("/", 1)[-1]}:
            by_key.setdefault(key, []).append(each)
    close = difflib.get_close_matches(str(name).casefold()[:200], by_key, n=count, cutoff=0.6)
    found = list(dict.fromkeys(each for key in close for each in by_key[key]))[:count]
    return f" Did you mean {' or '.join(found)}?" if found else ""


def shown_bytes(data: bytes, *, count: int = 32) -> str:
    r"""The first bytes as printable ASCII, with long runs of digits masked: they may be somebody's number.

    Parameters
    ----------
    data : bytes
        Any bytes.
    count : int
        Show at most this many. [bytes]

    Returns
    -------
    str

    Examples
    --------
    >>> shown_bytes(b"caller 5551234" + bytes([7]))
    "b'caller #####\\x07'"
    """
    return repr(re.sub(rb"\d{5,}", b"#####", bytes(data[:count])))


def hint_of(head: bytes) -> str:
    """A sentence saying what well-known thing begins like this, or an empty text.

    Examples
    --------
    >>> hint_of(b"%PDF-1.7")
    ' It looks like a PDF document.'
    """
    return next((f" It looks like {what}." for start, what in _KNOWN_STARTS if head.startswith(start)), "")
