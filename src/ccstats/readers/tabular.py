"""CSV, Excel, Parquet and frames as one grid: a header, columns, and the line each row came from."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from ccstats.errors import FormatError, OptionError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Source
from ccstats.readers.plain_csv import plain_columns
from ccstats.readers.workbooks import cell_text, sheet_rows

__all__ = ["Grid", "Layout", "read_grid"]

_DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True)
class Layout:
    """How a file is laid out: section ``[source]`` of a mapping.

    Examples
    --------
    >>> Layout(delimiter=";", decimal=",").skip_rows
    0
    """

    delimiter: str | None = None
    quote: str = '"'
    encoding: str | None = None
    decimal: str = "."
    thousands: str = ""
    sheet: str | int | None = None
    skip_rows: int = 0
    missing: tuple[str, ...] = ()


@dataclass
class Grid:
    """What was found: ``columns`` by the header's names, and ``line`` and ``weight`` (lines covered) of each row.

    Columns are text, or of a long text with few words categories of them, or what a frame or a Parquet file has.

    Examples
    --------
    >>> Grid("a.csv", ["Queue"], {"Queue": pd.Series(["support"])}, np.array([2]), np.array([1])).header
    ['Queue']
    """

    name: str
    header: list[str]
    columns: dict[str, pd.Series]
    line: np.ndarray
    weight: np.ndarray
    repeated: list[str] = field(default_factory=list)

    def part(self, first: int, end: int) -> Grid:
        """The rows from ``first`` to before ``end``, where they are.

        Examples
        --------
        >>> Grid("a.csv", ["Queue"], {"Queue": pd.Series(["a", "b"])}, np.array([2, 3]), np.array([1, 1])).part(1, 2).line.tolist()
        [3]
        """
        columns = {name: pd.Series(values.array[first:end]) for name, values in self.columns.items()}
        return Grid(self.name, self.header, columns, self.line[first:end], self.weight[first:end], self.repeated)


class _Record(NamedTuple):
    line: int
    weight: int
    cells: list[str]
    problem: str = ""


def read_grid(
    source: Source,
    layout: Layout,
    account: Account,
    *,
    rows: int | None = None,
    header: Sequence[str] | None = None,
    categories: bool = True,
) -> Grid:
    r"""Read one source as a grid; rows that do not fit the header are rejected.

    Parameters
    ----------
    source : Source
        CSV (or text with another delimiter), Excel, Parquet or a frame, recognised by content.
    layout : Layout
        How it is laid out.
    account : Account
        Where title lines, header, blank lines and rejected lines are booked.
    rows : int, optional
        Stop after this many rows. [rows]
    header : sequence of str, optional
        Names of the columns of a text file that has no header.
    categories : bool
        Whether columns of few words may be categories of them.

    Returns
    -------
    Grid
        Without rows and columns where the source is empty.

    Raises
    ------
    FormatError
        If the content is not text, or a workbook or Parquet file is broken.
    OptionError
        If the layout does not fit, for example a sheet that is not there.

    Examples
    --------
    >>> from ccstats.readers.contract import Options
    >>> grid = read_grid(Source("a.csv", b"Queue;Wait\nsupport;12\n"), Layout(), Account(Options()))
    >>> grid.columns["Wait"].tolist(), grid.line.tolist()
    (['12'], [2])
    """
    if source.frame is not None:
        return _of_frame(source.name, source.frame if rows is None else source.frame.head(rows), source.first)
    head = bytes(source.data[:4])
    if head == b"PAR1":
        return _of_frame(source.name, _parquet(source, rows))
    if head[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        cells = sheet_rows(source.name, source.data, layout.sheet)
        return _of_records(source.name, (_Record(at, 1, row) for at, row in enumerate(cells, 1)), layout, account, rows, pad=True)
    text = None
    plain = rows is None and layout.encoding is None
    grid = _plain(source.name, source.data, layout, account, header, categories) if plain else None
    if grid is None:
        text = _decoded(source, layout.encoding, account)
        recoded = text.encode("utf-8", "surrogatepass")
        if rows is None and recoded != bytes(source.data):
            grid = _plain(source.name, recoded, layout, account, header, categories)
    if grid is None:
        grid = _of_records(source.name, _csv(source, text or "", layout, account), layout, account, rows, pad=False, given=header)
    return grid


def _plain(name: str, data: Any, layout: Layout, account: Account, given: Sequence[str] | None, categories: bool) -> Grid | None:
    """The same grid as by `_of_records`, much faster, where the text is plain."""
    head, begin = bytes(data[: 2**20]), 0
    for _ in range(layout.skip_rows):
        begin = head.find(b"\n", begin) + 1
        if not begin:
            return None
    titles = head[:begin]
    if layout.quote not in ("", '"') or b'"' in titles or titles.count(b"\r") != titles.count(b"\r\n") or b"\0" in titles:
        return None
    delimiter = layout.delimiter or _sniffed(head.decode("utf-8", "replace"), layout.skip_rows)
    plain = plain_columns(memoryview(data)[begin:], delimiter, quoted=bool(layout.quote), header=given, categories=categories)
    if plain is None:
        return None
    if bytes(data[-1:]) not in (b"\n", b"\r"):
        account.note("the last line has no line end: it may be cut", 1)
    account.count(name, "ignored", "header", 1 if given is None else 0)
    account.count(name, "ignored", "title", layout.skip_rows)
    header, many = [each.strip() for each in plain[0]] if given is None else list(given), len(plain[1][0])
    columns = {each: plain[1][at] for each, at in _places(header).items()}
    first = layout.skip_rows + (2 if given is None else 1)
    return Grid(name, header, columns, np.arange(first, first + many), np.ones(many, dtype="int64"), _repeated(header))


def _of_frame(name: str, frame: pd.DataFrame, first: int = 1) -> Grid:
    header = [str(each).strip() for each in frame.columns]
    columns = {each: frame.iloc[:, at].reset_index(drop=True) for each, at in _places(header).items()}
    for each, values in columns.items():
        if values.dtype == object:
            columns[each] = pd.Series([None if _missing(value) else cell_text(value) for value in values], dtype="str")
    return Grid(name, header, columns, np.arange(first, first + len(frame)), np.ones(len(frame), dtype="int64"), _repeated(header))


def _missing(value: Any) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and value != value)


def _parquet(source: Source, rows: int | None) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pa.BufferReader(pa.py_buffer(source.data)))
        if rows is None:
            frame: pd.DataFrame = file.read().to_pandas()
        else:
            batch = next(file.iter_batches(rows), None)
            frame = file.schema_arrow.empty_table().to_pandas() if batch is None else batch.to_pandas()
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise FormatError(f"{source.name} cannot be read as Parquet ({str(error)[:200]}); write it again") from None
    return frame.reset_index() if any(name is not None for name in frame.index.names) else frame


def _decoded(source: Source, encoding: str | None, account: Account) -> str:
    data = source.data
    if encoding is not None:
        try:
            name = codecs.lookup(encoding).name
            # A file that begins with a mark of UTF-16 or UTF-32 was turned into UTF-8 when it was opened.
            name = "utf-8" if name.startswith(("utf-16", "utf-32")) and b"\0" not in bytes(data[:64]) else name
            return bytes(data).decode(name)
        except LookupError:
            raise OptionError(f"encoding = {encoding!r} is no text encoding; expected one such as 'utf-8' or 'cp1252'") from None
        except UnicodeError as error:
            raise FormatError(f"{source.name} is not {encoding}: {str(error)[:200]}; correct encoding in [source]") from None
    try:
        return bytes(data).decode("utf-8")
    except UnicodeDecodeError:
        account.note("text is not UTF-8: read as Windows-1252 (say encoding in [source])", 1)
        return bytes(data).decode("cp1252", "replace")


def _csv(source: Source, text: str, layout: Layout, account: Account) -> Iterator[_Record]:
    if not text:
        return
    if b"\0" in bytes(source.data[:4096]) and "\0" in text[:4096]:
        raise FormatError(f"{source.name} is neither text, Excel nor Parquet: it holds zero bytes; for UTF-16 say encoding in [source]")
    if not text.endswith(("\n", "\r")):
        account.note("the last line has no line end: it may be cut", 1)
    delimiter = layout.delimiter or _sniffed(text, layout.skip_rows)
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if layout.quote else csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=layout.quote or None, quoting=quoting, strict=True)
    before = 0
    while True:
        problem, cells = "", []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = "a quoted field is never closed" if "unexpected end" in str(error) else f"broken quotes ({error})"
        yield _Record(before + 1, reader.line_num - before, cells, problem)
        before = reader.line_num


def _sniffed(text: str, skip: int) -> str:
    lines = io.StringIO(text[: 2**20], newline="")
    header = next((line for at, line in enumerate(lines) if at >= skip and line.strip()), "")
    return max(_DELIMITERS, key=header.count)


def _of_records(
    name: str,
    records: Iterable[_Record],
    layout: Layout,
    account: Account,
    rows: int | None,
    *,
    pad: bool,
    given: Sequence[str] | None = None,
) -> Grid:
    header = None if given is None else list(given)
    cells_taken: list[list[str]] = []
    lines: list[int] = []
    weights: list[int] = []
    blank = titles = seen = 0
    bad: dict[str, list[_Record]] = {}
    for record in records:
        seen += 1
        if seen <= layout.skip_rows:
            titles += record.weight
        elif record.problem:
            bad.setdefault(record.problem, []).append(record)
        elif not any(cell.strip() for cell in record.cells):
            blank += record.weight
        elif header is None:
            header = [cell.strip() for cell in record.cells]
            account.count(name, "ignored", "header", record.weight)
        else:
            cells = record.cells
            missing = len(header) - len(cells)
            if missing < 0 and not any(cell.strip() for cell in cells[missing:]):
                cells, missing = cells[:missing], 0
            if missing > 0 and pad:
                cells, missing = [*cells, *[""] * missing], 0
            if missing:
                bad.setdefault(f"{len(cells)} fields, the header has {len(header)}", []).append(record)
                continue
            cells_taken.append(cells)
            lines.append(record.line)
            weights.append(record.weight)
            if len(lines) == rows:
                break
    account.count(name, "ignored", "title", titles)
    account.count(name, "ignored", "blank", blank)
    for reason, those in bad.items():
        texts = [" | ".join(each.cells) for each in those]
        account.reject(name, [each.line for each in those], reason, texts=texts, weight=sum(each.weight for each in those))
    header = header or []
    by_column = list(zip(*cells_taken, strict=True)) if cells_taken else [()] * len(header)
    columns = {each: pd.Series(by_column[at], dtype="str") for each, at in _places(header).items()}
    return Grid(name, header, columns, np.array(lines, dtype="int64"), np.array(weights, dtype="int64"), _repeated(header))


def _places(header: list[str]) -> dict[str, int]:
    """Where each name stands first, in the header's order."""
    places: dict[str, int] = {}
    for at, each in enumerate(header):
        places.setdefault(each, at)
    return places


def _repeated(header: list[str]) -> list[str]:
    return sorted({each for each in header if each and header.count(each) > 1})
