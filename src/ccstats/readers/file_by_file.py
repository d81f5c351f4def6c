"""Logs that do not fit into memory together: read file after file, as parts whose rows are those of all files read at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ccstats.errors import FormatError
from ccstats.readers import READERS, _check_options, _checked, _named, _run, _warn_empty
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.files import open_later
from ccstats.readers.recognition import recognise

__all__ = ["read_file_by_file"]

_ENOUGH = 64 << 20  # files that are together no larger are read together [bytes]


def read_file_by_file(
    source: Any,
    *,
    format: str | None = None,
    timezone: str | None = None,
    key: str | bytes | None = None,
    progress: Callable[[str, float], None] | None = None,
    **options: Any,
) -> Iterator[Log]:
    r"""Read as `ccstats.read` would, a part at a time, so that memory is needed for the largest file and not for all of them.

    What goes on from one file to the next is joined where the format's reader can do so (`ccstats.readers.contract.Reader`). Where it
    cannot, and a file does not hold whole visits, all files are read at once, as one part. Customers have the same pseudonyms in all
    parts.

    Parameters
    ----------
    source, format, timezone, key, progress, **options
        As for `ccstats.read`.

    Yields
    ------
    Log
        The account of the lines that were read since the part before.

    Raises
    ------
    SourceMissingError, FormatError, ZoneError, OptionError
        As for `ccstats.read`.

    Examples
    --------
    >>> lines = b"1709280000|17.1|support|NONE|ENTERQUEUE||anna|1\n", b"1709280012|17.1|support|NONE|ABANDON|1|1|12\n"
    >>> [part.contacts["wait_s"].tolist() for part in read_file_by_file(list(lines))]
    [[12.0]]
    """
    secret = _checked("reject", timezone, key)
    reader = _named(format, options)
    files = open_later(source)
    if reader is None:
        reader = recognise([next((each for each in (opened() for opened in files) if _size(each)), files[0]())], READERS)
    _check_options(reader, timezone, options, "contacts")
    asked = Options(timezone, secret, format_named=format is not None, progress=progress, extra=options)
    files = [partial(_of_format, opened, None if asked.format_named else reader) for opened in files]
    if reader.read_parts is not None:
        yield from reader.read_parts(files, asked)
        return
    waiting: list[Source] = []
    for opened in files:
        waiting.append(opened())
        if reader.alone and sum(map(_size, waiting)) >= _ENOUGH:
            yield _run(reader, waiting, asked, Log)
            waiting = []
    if waiting:
        yield _run(reader, waiting, asked, Log)


def _of_format(opened: Callable[[], Source], reader: Reader | None) -> Source:
    """A file, which is empty or of the format that the first one was recognised to be."""
    source = opened()
    if not _size(source):
        _warn_empty(source.name)
    elif reader is not None and (other := recognise([source], READERS)) is not reader:
        raise FormatError(f"{source.name} is {other.name}, and the files before it are {reader.name}; read them one by one")
    return source


def _size(source: Source) -> int:
    return len(source.data) if source.frame is None else int(source.frame.memory_usage().sum())
