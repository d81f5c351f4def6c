"""Excel workbooks as rows of text, with guards against hostile ones."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

from ccstats.errors import FormatError, OptionError, did_you_mean

__all__ = ["MAX_BYTES", "cell_text", "sheet_rows"]

#: A workbook's parts together may unpack to this much. [bytes]
MAX_BYTES = 2 * 2**30
#: And to this many times its size. [1]
MAX_RATIO = 500
#: Excel's own limit. [rows]
MAX_ROWS = 1_048_576


def sheet_rows(name: str, data: Any, sheet: str | int | None) -> Iterator[list[str]]:
    """Rows of one sheet, as text; formulas as the value they had when the workbook was saved.

    Parameters
    ----------
    name : str
        The workbook's name, for messages.
    data : bytes-like
        The workbook.
    sheet : str, int or None
        Name of the sheet or its number from 1; by default the first.

    Yields
    ------
    list of str
        Dates are ISO, times of day and spans ``h:mm:ss``, empty cells empty.

    Raises
    ------
    FormatError
        If it is no workbook, or is larger than the bounds, or declares entities.
    OptionError
        If it has no such sheet.

    Examples
    --------
    >>> import openpyxl
    >>> book, file = openpyxl.Workbook(), io.BytesIO()
    >>> book.active.append(["Queue", dt.time(0, 1, 30)])
    >>> book.save(file)
    >>> list(sheet_rows("book.xlsx", file.getvalue(), None))
    [['Queue', '0:01:30']]
    """
    import openpyxl

    _guard(name, data)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        titles = [str(each.title) for each in book.worksheets]
        if not titles:
            raise FormatError(f"{name}: the workbook has no sheet with cells")
        if isinstance(sheet, int):
            if not 1 <= sheet <= len(titles):
                raise OptionError(f"{name}: there is no sheet number {sheet}; its sheets are {', '.join(titles)}")
            chosen = book.worksheets[sheet - 1]
        elif sheet is None:
            chosen = book.worksheets[0]
        elif sheet in titles:
            chosen = book.worksheets[titles.index(sheet)]
        else:
            raise OptionError(f"{name}: there is no sheet {sheet!r}; its sheets are {', '.join(titles)}.{did_you_mean(sheet, titles)}")
        # The size a sheet declares may be wrong, and is used for padding.
        chosen.reset_dimensions()
        for count, row in enumerate(chosen.iter_rows(values_only=True)):
            if count >= MAX_ROWS:
                raise FormatError(f"{name}: the sheet has more than {MAX_ROWS:,} rows, which Excel does not allow")
            yield [cell_text(value) for value in row]
        book.close()
    except (FormatError, OptionError):
        raise
    except Exception as error:  # the library raises what it stumbles over
        raise FormatError(
            f"{name} cannot be read as an Excel workbook ({type(error).__name__}: {str(error)[:200]}); open and save it again as .xlsx"
        ) from None


def cell_text(value: Any) -> str:
    """A cell as text: what a person would read in it.

    Examples
    --------
    >>> cell_text(dt.timedelta(hours=30, seconds=5)), cell_text(17.0), cell_text(None)
    ('30:00:05', '17', '')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(" ")
    if isinstance(value, dt.time):
        value = dt.timedelta(hours=value.hour, minutes=value.minute, seconds=value.second, microseconds=value.microsecond)
    if isinstance(value, dt.timedelta):
        micros = value // dt.timedelta(microseconds=1)
        seconds, part = divmod(abs(micros), 1_000_000)
        sign = "-" if micros < 0 else ""
        return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}" + (f".{part:06}" if part else "")
    return str(value)


def _guard(name: str, data: Any) -> None:
    if bytes(data[:4]) == b"\xd0\xcf\x11\xe0":
        raise FormatError(f"{name} is an old (.xls) or encrypted workbook; save it as .xlsx without a password")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            size = sum(part.file_size for part in parts)
            if size > MAX_BYTES or size > max(MAX_RATIO * len(data), 2**20):
                raise FormatError(
                    f"{name} unpacks to {size:,} bytes, beyond the bounds of {MAX_BYTES:,} bytes and {MAX_RATIO} times its size; "
                    "if it is sound, save the sheet as CSV"
                )
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    with archive.open(part) as file:
                        _refuse_doctype(name, part.filename, file)
    except FormatError:
        raise
    except Exception as error:  # zipfile raises several kinds
        raise FormatError(
            f"{name} is no sound Excel workbook ({type(error).__name__}: {str(error)[:200]}); open and save it again as .xlsx"
        ) from None


class _Begun(Exception):
    """The first element: no document type can follow."""


def _refuse_doctype(name: str, part: str, file: Any) -> None:
    """Stop at a document type declaration, where entities that grow without bound would be."""

    def doctype(*_: object) -> None:
        raise FormatError(f"{name}: its part {part} declares a document type, as no spreadsheet program does; it is not read")

    def element(*_: object) -> None:
        raise _Begun

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = element
    try:
        while chunk := file.read(65_536):
            parser.Parse(chunk)
        parser.Parse(b"", True)  # newer parsers put off what they have not read to its end
    except (_Begun, expat.ExpatError):
        pass  # broken XML is the library's to report
