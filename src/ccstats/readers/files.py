"""Opening what `ccstats.read` is given: paths, lists, globs, open files, bytes and frames; decompressed within bounds."""

from __future__ import annotations

import bz2
import glob
import gzip
import lzma
import mmap
import os
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ccstats.errors import FormatError, OptionError, SourceMissingError, did_you_mean
from ccstats.readers.contract import Source

__all__ = ["MAX_BYTES", "MAX_RATIO", "RATIO_FROM", "open_later", "open_sources", "paths_of"]

#: Nothing is decompressed beyond this. [bytes]
MAX_BYTES = 64 * 2**30
#: Nor to more than this many times its compressed size, once it is larger than ``RATIO_FROM``: logs compress 5 to 50 times. [1]
MAX_RATIO = 1000
#: The ratio is not looked at below this. [bytes]
RATIO_FROM = 64 * 2**20

_CHUNK = 2**20
_CODECS = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
#: Byte-order marks, the longer before the shorter that begins it.
_MARKS = {b"\xff\xfe\x00\x00": "utf-32", b"\x00\x00\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


def open_sources(source: Any, *, max_bytes: int | None = None, max_ratio: int | None = None, ratio_from: int | None = None) -> list[Source]:
    """Open everything named and decompress it.

    Plain files are mapped, not copied. ``.gz``, ``.bz2``, ``.xz`` and ``.zst`` are recognised by their first bytes, whatever they are
    called; compression inside compression is not followed. Text in UTF-16 or UTF-32 with a byte-order mark becomes UTF-8, and the
    mark of UTF-8 is cut off.

    Parameters
    ----------
    source : path, glob, open file, bytes, frame, or list of these
        What to read. A file is read on from where it stands.
    max_bytes : int, optional
        Largest decompressed size; `MAX_BYTES` by default. [bytes]
    max_ratio, ratio_from : int, optional
        Largest ratio of decompressed to compressed size beyond ``ratio_from``; `MAX_RATIO`, `RATIO_FROM` by default. [1], [bytes]

    Returns
    -------
    list of Source
        In the order named; a glob's files by name. Never empty.

    Raises
    ------
    SourceMissingError
        If a file is not there or cannot be opened, or a glob matches nothing.
    FormatError
        If a compressed file is cut, broken, or larger than the bounds.
    OptionError
        If the source is a folder, an empty list, or nothing that can be read; or if two sources hold the same bytes, which would count
        every contact twice.

    Examples
    --------
    >>> import gzip
    >>> bytes(open_sources(gzip.compress(b"a line"))[0].data)
    b'a line'
    """
    limits = (
        MAX_BYTES if max_bytes is None else max_bytes,
        MAX_RATIO if max_ratio is None else max_ratio,
        RATIO_FROM if ratio_from is None else ratio_from,
    )
    opened = _open(source, limits)
    _refuse_copies(opened)
    return opened


def open_later(source: Any) -> list[Callable[[], Source]]:
    """What opens each file of a source when it is called, as `open_sources` does; what is no file is opened now.

    Parameters
    ----------
    source : path, glob, open file, bytes, frame, or list of these
        What to read.

    Returns
    -------
    list of callable
        In the order named. Never empty.

    Raises
    ------
    SourceMissingError, FormatError, OptionError
        As `open_sources`.

    Examples
    --------
    >>> import ccstats as cc
    >>> [source().name.endswith("queue_log.gz") for source in open_later(cc.sample_log())]
    [True]
    """
    found: list[Callable[[], Source]] = []
    names: list[str] = []
    for each in list(source) if isinstance(source, list | tuple) and source else [source]:
        for one in paths_of(each) if isinstance(each, str | os.PathLike) else [each]:
            if isinstance(one, str) and Path(one).is_file():
                names.append(one)
                found.append(partial(_open_file, one))
            else:  # a pipe, too, gives what it has once
                found += [partial(lambda opened: opened, opened) for opened in open_sources(one)]
    sizes = Counter(each.stat().st_size for each in map(Path, names))  # few are opened at a time
    _refuse_copies([Source(name, _mapped(name)) for name in names if sizes[Path(name).stat().st_size] > 1])
    return found


def _open_file(name: str) -> Source:
    return open_sources(Path(name))[0]


def _refuse_copies(opened: list[Source]) -> None:
    of_size: dict[int, list[Source]] = {}
    for source in opened:
        if source.frame is not None or not len(source.data):
            continue
        for other in of_size.setdefault(len(source.data), []):
            if np.array_equal(np.frombuffer(source.data, "u1"), np.frombuffer(other.data, "u1")):
                raise OptionError(
                    f"{source.name} and {other.name} hold the same {len(source.data):,} bytes, so every contact would count twice; "
                    "name each log once"
                )
        of_size[len(source.data)].append(source)


def _open(source: Any, limits: tuple[int, int, int]) -> list[Source]:
    if isinstance(source, str | os.PathLike):
        return [_opened(name, _mapped(name), limits) for name in paths_of(source)]
    if isinstance(source, bytes | bytearray | memoryview | mmap.mmap):
        return [_opened("<bytes>", source, limits)]
    if isinstance(source, pd.DataFrame):
        return [Source("<frame>", frame=source)]
    if hasattr(source, "__arrow_c_stream__"):
        return [Source("<frame>", frame=_frame(source))]
    if hasattr(source, "read"):
        name, data = _stream(source)
        return [_opened(name, data, limits)]
    if isinstance(source, Iterable):
        opened = [each for part in source for each in _open(part, limits)]
        if not opened:
            raise OptionError("the list of sources is empty; name at least one file")
        return opened
    raise OptionError(
        f"cannot read from {type(source).__qualname__}; give a path, a list of paths, a glob, an open file, bytes, a pandas frame, "
        "or a table that speaks the Arrow PyCapsule protocol"
    )


def _opened(name: str, raw: Any, limits: tuple[int, int, int]) -> Source:
    return Source(name, _decoded(name, raw, limits), raw=raw)


def paths_of(source: str | os.PathLike[str]) -> list[str]:
    """The files that a name or a glob means, sorted.

    Raises
    ------
    OptionError
        If it is a folder, an address, or no name.
    SourceMissingError
        If there is no such file.

    Examples
    --------
    >>> import ccstats as cc
    >>> [os.path.basename(path) for path in paths_of(cc.sample_log())]
    ['queue_log.gz']
    """
    path = Path(source)
    name = os.fspath(path) if isinstance(source, Path) else os.fspath(source)
    if not isinstance(name, str) or "\0" in name or not name:
        raise OptionError(f"{name!r} is no file name; give a path as text")
    if "://" in name:
        # The address may hold a password, so it is not repeated.
        raise OptionError("the source is an address; fetch the file first and give its path (for a database use ccstats.read_sql)")
    try:
        folder, there = path.is_dir(), path.exists()
    except OSError as error:  # a name too long, a folder that may not be entered
        raise SourceMissingError(f"{name} cannot be looked up: {error.strerror}") from None
    if folder:
        raise OptionError(f"{name} is a folder; name its files, for example by a glob: {name.rstrip('/')}/*.log")
    if there:
        return [name]
    if not any(sign in name for sign in "*?["):
        raise SourceMissingError(f"there is no file {name}{_nearby(path)}")
    found = sorted(each for each in glob.glob(name, recursive=True) if not Path(each).is_dir())  # noqa: PTH207  (absolute too)
    if not found:
        raise SourceMissingError(f"no file matches the glob {name}{_nearby(path)}")
    return found


def _nearby(path: Path) -> str:
    folder = path.parent
    if any(sign in str(folder) for sign in "*?["):
        return ""
    if not folder.is_dir():
        return f": there is no folder {folder}"
    names = sorted(each.name for each in folder.iterdir())[:10_000]
    return f" (looked in {folder.resolve()}).{did_you_mean(path.name, names)}"


def _mapped(name: str) -> Any:
    try:
        with Path(name).open("rb") as file:
            try:
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (ValueError, OSError):  # an empty file, or one that cannot be mapped, such as a pipe
                return file.read()
    except OSError as error:
        raise SourceMissingError(f"{name} cannot be opened: {error.strerror}") from None


def _stream(file: Any) -> tuple[str, bytes]:
    name = getattr(file, "name", None)
    name = name if isinstance(name, str) else f"<{type(file).__name__}>"
    try:
        data = file.read()
    except UnicodeDecodeError:
        raise FormatError(f"{name} was opened as text in the wrong encoding; open it in binary mode ('rb')") from None
    except (OSError, ValueError) as error:
        raise SourceMissingError(f"{name} cannot be read: {error}; give an open file") from None
    if isinstance(data, str):
        return name, data.encode("utf-8", "surrogateescape")
    if isinstance(data, bytes | bytearray | memoryview):
        return name, bytes(data)
    raise OptionError(f"{name}: read() gave {type(data).__qualname__}; expected bytes or text")


def _frame(table: Any) -> pd.DataFrame:
    try:
        frame: pd.DataFrame = pa.table(table).to_pandas()
    except pa.ArrowException as error:
        raise FormatError(f"the table given cannot be turned into a frame: {error}") from None
    return frame


def _decoded(name: str, data: Any, limits: tuple[int, int, int]) -> Any:
    head = bytes(data[:6])
    codec = next((codec for magic, codec in _CODECS.items() if head.startswith(magic)), None)
    if codec:
        data = _decompressed(name, data, codec, limits)
        head = bytes(data[:4])
    if head.startswith(b"\xef\xbb\xbf"):
        return memoryview(data)[3:]
    encoding = next((encoding for mark, encoding in _MARKS.items() if head.startswith(mark)), None)
    if encoding is None:
        return data
    try:
        return bytes(data).decode(encoding).encode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{name} begins as text in {encoding.upper()} but is broken or cut at byte {error.start}; "
            "copy the file again or save it as UTF-8"
        ) from None


def _decompressed(name: str, data: Any, codec: str, limits: tuple[int, int, int]) -> bytearray:
    max_bytes, max_ratio, ratio_from = limits
    packed = len(data)
    out = bytearray()
    try:
        reader = pa.BufferReader(pa.py_buffer(data))
        stream: Any = {
            "gzip": lambda: gzip.GzipFile(fileobj=reader),
            "bzip2": lambda: bz2.BZ2File(reader),
            "xz": lambda: lzma.LZMAFile(reader),  # noqa: SIM115  (owns nothing)
            "zstd": lambda: pa.CompressedInputStream(reader, "zstd"),
        }[codec]()
        while chunk := stream.read(_CHUNK):
            out += chunk
            if len(out) > max_bytes or (len(out) > ratio_from and len(out) > max_ratio * packed):
                raise FormatError(
                    f"{name} ({codec}, {packed:,} bytes) unpacks to more than {len(out):,} bytes, beyond the bounds of {max_bytes:,} bytes "
                    f"and {max_ratio:,} times its size; if it is sound, decompress it and read the plain file"
                )
    except (EOFError, OSError, lzma.LZMAError, zlib.error, MemoryError) as error:
        cut = isinstance(error, EOFError) or "Truncated" in str(error)
        what = "is cut: it ends before its compressed content does" if cut else f"is broken ({str(error) or type(error).__name__})"
        raise FormatError(f"{name} ({codec}) {what}, after {len(out):,} bytes of content; copy the file again") from None
    return out
