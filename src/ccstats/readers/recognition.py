"""Which reader is a file for? All are asked, and exactly one must say yes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ccstats.errors import FormatError
from ccstats.readers.contract import Reader, Source
from ccstats.readers.wording import hint_of, shown_bytes

__all__ = ["HEAD", "recognise"]

#: How much of a file a recogniser is shown. [bytes]
HEAD = 65_536


def recognise(sources: Sequence[Source], readers: Mapping[str, Reader]) -> Reader:
    r"""The one reader that knows all of ``sources``.

    Empty files are of no format; they go along with the others.

    Parameters
    ----------
    sources : sequence of Source
        Opened and decompressed.
    readers : mapping of str to Reader
        Who is asked.

    Returns
    -------
    Reader

    Raises
    ------
    FormatError
        If no reader or several know a file, if the files are of different formats, or if all are empty.

    Examples
    --------
    >>> from ccstats.readers import READERS
    >>> recognise([Source("queue_log", b"1266833905|NONE|NONE|NONE|QUEUESTART|\n")], READERS).name
    'asterisk_queue_log'
    """
    names = ", ".join(readers)
    found: dict[str, str] = {}
    for source in sources:
        if source.frame is not None:
            raise FormatError(f"{source.name}: a frame is not recognised by its content; say which it is: format= one of {names}")
        head = bytes(source.data[:HEAD])
        if not head:
            continue
        yes = [name for name, reader in readers.items() if reader.looks_like(head)]
        if not yes:
            raise FormatError(
                f"{source.name} is of no format known here: it begins with {shown_bytes(head)}.{hint_of(head)} "
                f"Formats: {names}. Name one with format=, or describe the file's columns with mapping= (see ccstats.draft_mapping)."
            )
        if len(yes) > 1:
            raise FormatError(f"{source.name} could be {' or '.join(yes)}; say which with format=")
        found.setdefault(yes[0], source.name)
    if not found:
        empty = sources[0].name if len(sources) == 1 else f"all {len(sources)} files"
        raise FormatError(f"{empty}: empty, so there is nothing to recognise; name the format with format= to read it as an empty log")
    if len(found) > 1:
        each = ", ".join(f"{source} is {name}" for name, source in found.items())
        raise FormatError(f"files of one call must be of one format, but {each}; read them one by one")
    return readers[next(iter(found))]
