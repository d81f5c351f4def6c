"""Words for error texts of readers: what a file begins with, safe to show."""

from __future__ import annotations

import re

__all__ = ["hint_of", "shown_bytes"]

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
