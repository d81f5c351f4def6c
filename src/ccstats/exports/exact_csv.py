"""Tables as CSV that comes back as it went: full precision, instants with their offset, nothing that a spreadsheet would run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, FormatError, OptionError, TableError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Options
from ccstats.readers.files import open_sources
from ccstats.readers.instants import to_instants
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.values import to_text
from ccstats.report.files import write_text
from ccstats.schema import as_frame

__all__ = ["as_table", "read_exact", "write_exact"]

#: What a spreadsheet takes for a formula, after any apostrophes that say it is none.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_SHOWN = 5


def write_exact(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a table as CSV under a temporary name and move it into place.

    Text that begins like a formula gets an apostrophe in front, which `read_exact` takes away; a missing cell and an empty text are both
    empty; zero bytes become ``�``.

    Raises
    ------
    OptionError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> path = write_exact(pd.DataFrame({"agent": ["=1+1", "Ada"]}), f"{tempfile.mkdtemp()}/a.csv")
    >>> path.read_text().split()
    ['agent', "'=1+1", 'Ada']
    """
    path = Path(path)
    columns = [[_quoted(str(name)), *_cells(frame[name])] for name in frame.columns]
    text = "".join(",".join(cells) + "\n" for cells in zip(*columns, strict=True))
    try:
        write_text(path, text.encode("utf-8", "replace").decode())
    except OSError as error:
        raise OptionError(
            f"{str(path)!r} cannot be written: {error.strerror or error}. Name a file in a folder you may write to."
        ) from error
    return path


def _cells(values: pd.Series) -> list[str]:
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return ["" if pd.isna(each) else each.isoformat() for each in values]
    if pd.api.types.is_bool_dtype(values.dtype):
        return ["true" if each else "false" for each in values]
    if pd.api.types.is_numeric_dtype(values.dtype):
        return ["" if pd.isna(each) else repr(each.item() if isinstance(each, np.generic) else each) for each in values]
    return ["" if pd.isna(each) else _quoted(str(each)) for each in values.astype(object)]


def _quoted(text: str) -> str:
    text = text.replace("\0", "�")
    text = f"'{text}" if _FORMULA.match(text) else text
    return '"' + text.replace('"', '""') + '"' if re.search('[,"\r\n;|\t]', text) or text != text.strip() else text


def read_exact(
    source: Any, kinds: Mapping[str, str], *, needed: tuple[str, ...], what: str, made_by: str, timezone: str | None = None
) -> pd.DataFrame:
    r"""Read a table again: CSV as `write_exact` wrote it, or a table of somebody else's with these columns (CSV, Excel, Parquet).

    Parameters
    ----------
    source : path, bytes, open file or frame
        The table.
    kinds : mapping of str to str
        Columns that are known, and what each holds: ``text`` (never missing), ``word`` (missing where empty), ``instant``, ``number``,
        ``count`` or ``flag``. Others are words.
    needed : tuple of str
        Columns without which it is no such table; no cell of theirs may be missing.
    what, made_by : str
        What the table is called, and what makes one, for messages.
    timezone : str, optional
        Zone of times without an offset.

    Returns
    -------
    pandas.DataFrame
        Columns in the file's order, instants in UTC.

    Raises
    ------
    SourceMissingError
        If there is no such file.
    ColumnError
        If a column is not there.
    FormatError
        If it holds nothing, a line does not fit the header, or a cell cannot be read; its line is named.
    ZoneError
        If times have no offset and there is no zone.

    Examples
    --------
    >>> kinds = {"agent": "text", "started_at": "instant"}
    >>> lines = b"agent,started_at\n'=Ada,2024-03-01T09:00:00+01:00\n"
    >>> read_exact(lines, kinds, needed=("agent",), what="roster", made_by="build_roster").values.tolist()
    [['=Ada', Timestamp('2024-03-01 08:00:00+0000', tz='UTC')]]
    """
    opened = open_sources(source)
    if len(opened) > 1:
        raise OptionError(f"a {what} is one file, found {len(opened)}; read them one by one and concatenate the tables")
    account = Account(Options())
    grid = read_grid(opened[0], Layout(), account)
    rejected = account.tables()[0]
    if len(rejected):
        first = rejected.iloc[0]
        raise FormatError(f"{grid.name}, line {first['line']}: {first['reason']}; correct or remove it")
    missing = [name for name in needed if name not in grid.columns]
    if missing:
        found = f"found {', '.join(map(repr, grid.header[:20]))}" if grid.header else "it is empty"
        raise ColumnError(f"{grid.name}: a {what} needs {', '.join(missing)}; {found}. {made_by} makes one")
    columns = {}
    for name, values in grid.columns.items():
        kind = kinds.get(name, "word")
        cells, bad = _READ[kind](values.reset_index(drop=True), timezone)
        if name in needed:
            bad = bad | (cells.isna() | (cells == "" if kind == "text" else False)).to_numpy(dtype=bool)
        if bad.any():
            places = np.flatnonzero(bad)
            lines = ", ".join(str(grid.line[at]) for at in places[:_SHOWN])
            shown = to_text(values.reset_index(drop=True)).iloc[places[0]]
            said = f"{name} is missing" if pd.isna(shown) else f"{name} {str(shown)[:100]!r} is no {_SAID[kind]}"
            many = f" ({len(places)} in all)" if len(places) > _SHOWN else ""
            raise FormatError(f"{grid.name}, line{'s' if len(places) > 1 else ''} {lines}{many}: {said}")
        columns[name] = cells
    return pd.DataFrame(columns)


_SAID = {
    "text": "text", "word": "text", "instant": "time such as 2024-03-01T09:00:00+01:00", "number": "number", "count": "whole number",
    "flag": "true or false",
}  # fmt: skip


def _text(values: pd.Series, _: Any) -> tuple[pd.Series, np.ndarray]:
    raw = values if isinstance(values.dtype, pd.StringDtype) else to_text(values)
    return raw.fillna("").astype("str").str.replace(r"\A'('*[=+\-@\t\r])", r"\1", regex=True), np.zeros(len(values), dtype=bool)


def _word(values: pd.Series, _: Any) -> tuple[pd.Series, np.ndarray]:
    text, bad = _text(values, _)
    return text.where(text != ""), bad


def _instant(values: pd.Series, timezone: str | None) -> tuple[pd.Series, np.ndarray]:
    read, bad = to_instants(values, "iso", timezone=timezone)
    return read.utc.dt.as_unit("us"), bad | read.never


def _number(values: pd.Series, _: Any) -> tuple[pd.Series, np.ndarray]:
    if not isinstance(values.dtype, pd.StringDtype):
        return pd.to_numeric(values, errors="coerce").astype("float64"), np.zeros(len(values), dtype=bool)
    text = to_text(values)
    numbers = pd.to_numeric(text, errors="coerce").astype("float64")
    return numbers, (text.notna() & numbers.isna() & (text != "nan")).to_numpy(dtype=bool)


def _count(values: pd.Series, _: Any) -> tuple[pd.Series, np.ndarray]:
    numbers, bad = _number(values, _)
    bad = bad | ~((numbers >= 0) & (numbers < 2**53) & (numbers % 1 == 0)).to_numpy(dtype=bool)
    return numbers.where(~bad, 0).astype("int64"), bad


def _flag(values: pd.Series, _: Any) -> tuple[pd.Series, np.ndarray]:
    if pd.api.types.is_bool_dtype(values.dtype):
        return values.astype("bool"), np.zeros(len(values), dtype=bool)
    word = to_text(values).str.casefold()
    said = word.isin(["true", "yes", "1"])
    return said.astype("bool"), (~said & ~word.isin(["false", "no", "0"])).to_numpy(dtype=bool)


_READ = {"text": _text, "word": _word, "instant": _instant, "number": _number, "count": _count, "flag": _flag}


def as_table(given: Any, name: str, what: str) -> pd.DataFrame:
    """The table itself, or the one of that name in a result of ours.

    Examples
    --------
    >>> as_table(pd.DataFrame({"agent": ["Ada"]}), "roster", "roster").columns.tolist()
    ['agent']
    """
    frame = as_frame(getattr(given, name, given), what=what)
    for each in ("started_at", "ended_at"):
        if each in frame and not isinstance(frame[each].dtype, pd.DatetimeTZDtype):
            raise TableError(f"{what}: {each} is {frame[each].dtype}; expected instants with a time zone")
    return frame
