"""Cells of a planner's file: numbers, handle times, starts of intervals and their lengths, each trouble said with its lines."""

from __future__ import annotations

import io
import re
import warnings
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning, FormatError, OptionError
from ccstats.periods import seconds_of
from ccstats.readers.contract import Source
from ccstats.readers.instants import to_instants
from ccstats.readers.tabular import Grid
from ccstats.readers.values import COLONS, SECONDS, to_seconds, to_text

__all__ = ["handle_times", "lengths", "lines_of", "numbers_of", "queues_of", "say", "starts", "with_formulas"]

#: Signs between groups of three digits: point, comma, apostrophes, blanks.
_GROUPING = ".,'’ \u00a0\u202f"
_LISTED = 5


def queues_of(cells: pd.Series) -> pd.Series:
    """Queues' names, without the apostrophe that keeps a spreadsheet from taking one for a formula.

    Examples
    --------
    >>> queues_of(pd.Series(["'=help", "o'neill", None])).tolist()
    ['=help', "o'neill", nan]
    """
    return to_text(cells).str.replace(r"^'([=+\-@])", r"\1", regex=True)


def lines_of(lines: np.ndarray) -> str:
    """Lines for a message.

    Examples
    --------
    >>> lines_of(np.array([3, 4]))
    'lines 3, 4 (2 in all)'
    """
    shown = ", ".join(map(str, lines[:_LISTED]))
    return f"line{'s' if len(lines) > 1 else ''} {shown}{', …' if len(lines) > _LISTED else ''} ({len(lines)} in all)"


def say(name: str, lines: np.ndarray, what: str) -> None:
    """Warn of these lines, if there are any.

    Examples
    --------
    >>> say("a.csv", np.array([]), "have no number")
    """
    if len(lines):
        warnings.warn(f"{name}: {lines_of(lines)} {what}", DataWarning, stacklevel=4)


def numbers_of(grid: Grid, name: str, decimal: str, *, infinite: bool = False) -> pd.Series:
    """Numbers as they stand, negative ones too: the plan says row by row what is wrong with them.

    Digits in groups of three are read as such where the sign between them is not the decimal sign and the column nowhere uses it as one
    (``0,5``); every other number with a foreign sign is unreadable rather than wrong by a thousand.

    Examples
    --------
    >>> grid = Grid("a.csv", ["calls"], {"calls": pd.Series(["1.250", "12,5"])}, np.array([2, 3]), np.array([1, 1]))
    >>> numbers_of(grid, "calls", ",").tolist()
    [1250.0, 12.5]
    """
    column = grid.columns[name]
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column.astype("float64").reset_index(drop=True)
    text = to_text(column)
    point = re.escape(decimal)
    plain = rf"[+-]?(?:\d+(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d{{1,3}})?"
    bare = text.where(text.str.fullmatch(plain, na=False))
    for sign in _GROUPING.replace(decimal, ""):
        between = re.escape(sign)
        grouped = text.str.fullmatch(rf"[+-]?[1-9]\d{{0,2}}(?:{between}\d{{3}})+(?:{point}\d+)?", na=False)
        decimals = sign in ".," and (text.str.fullmatch(rf"[+-]?\d*{between}\d+", na=False) & ~grouped).any()
        if not decimals:
            bare = bare.where(~grouped, text.str.replace(sign, "", regex=False))
    numbers = bare.str.replace(decimal, ".", regex=False).astype("float64")
    numbers = numbers.where(np.isfinite(numbers))
    if infinite:
        numbers = numbers.mask(text.str.lower().isin(["inf", "∞"]), np.inf)
    say(
        grid.name,
        grid.line[(text.notna() & numbers.isna()).to_numpy()],
        f"have no number in column {name!r}: taken as missing (the decimal sign is {decimal!r})",
    )
    return numbers


def handle_times(grid: Grid, name: str, unit: str, decimal: str) -> pd.Series:
    """Handle times in seconds; durations of a frame know their unit.

    Examples
    --------
    >>> grid = Grid("a.csv", ["aht"], {"aht": pd.Series(["3:30"])}, np.array([2]), np.array([1]))
    >>> handle_times(grid, "aht", "mm:ss", ".").tolist()
    [210.0]
    """
    column = grid.columns[name]
    if unit not in SECONDS and unit not in COLONS:
        raise OptionError(f"aht_unit={unit!r}: expected s, min, h or one of {', '.join(COLONS)}")
    if unit in SECONDS and not pd.api.types.is_timedelta64_dtype(column.dtype):
        cells = to_text(column).dropna()
        if len(cells) and cells.str.contains(":", regex=False).all():
            raise FormatError(
                f"{grid.name}: handle times in column {name!r} are written with colons, such as {cells.iloc[0]!r}, where a number of "
                f"{unit} was expected; say aht_unit='mm:ss' (--aht-unit mm:ss), or 'h:mm:ss' if hours come first"
            )
        return numbers_of(grid, name, decimal) * SECONDS[unit]
    parsed = to_seconds(column, unit, decimal=decimal)
    say(grid.name, grid.line[parsed.bad], f"have no duration in {unit} in column {name!r}: taken as missing")
    return parsed.values


def starts(
    grid: Grid, cells: pd.Series, *, queue: pd.Series, offered: pd.Series, time_format: str, timezone: str | None
) -> tuple[pd.Series, np.ndarray]:
    """Instants at which intervals begin, and which lines have one.

    Of an hour that the clock shows twice the second line of a queue is the later one; lines in an hour that never was are left out.

    Examples
    --------
    >>> cells = pd.Series(["2026-10-25 02:00"] * 2)
    >>> grid = Grid("a.csv", ["start"], {"start": cells}, np.array([2, 3]), np.array([1, 1]))
    >>> queue, offered = pd.Series(["all"] * 2), pd.Series([5.0, 6.0])
    >>> at, there = starts(grid, cells, queue=queue, offered=offered, time_format="iso", timezone="Europe/Berlin")
    >>> at.dt.hour.tolist(), there.tolist()
    ([0, 1], [True, True])
    """
    read, unread = to_instants(cells, time_format, timezone=timezone)
    there = read.utc.notna().to_numpy(dtype=bool)
    if not there.any():
        written = to_text(cells).dropna()
        example = f", such as {written.iloc[0]!r} in line {grid.line[written.index[0]]}" if len(written) else ": they are empty"
        raise FormatError(
            f"{grid.name}: no line has a time that can be read ({time_format}){example}; say how times are written, "
            "for example time_format='%d.%m.%Y %H:%M' (--time-format)"
        )
    say(grid.name, grid.line[~there], f"have no time{f' that can be read ({time_format})' if unread.any() else ''} and are left out")
    some = read.never & (offered > 0).to_numpy()
    gone = "lie in the hour that the clock left out and are left out too"
    say(grid.name, grid.line[read.never & ~some], f"{gone}; no contacts are expected in them")
    say(grid.name, grid.line[some], f"{gone}, and with them {offered[some].sum():g} contacts: give them to another hour")
    double = pd.DataFrame({"queue": queue.to_numpy(), "at": read.utc})[read.twice].groupby(["queue", "at"])["at"]
    second, times = np.zeros(len(there), dtype=bool), np.zeros(len(there), dtype="int64")
    second[read.twice], times[read.twice] = double.cumcount() > 0, double.transform("size")
    say(grid.name, grid.line[times == 1], "are in the hour that the clock shows twice, and are there once: taken as the first of the two")
    return read.utc + read.later.where(second, pd.Timedelta(0)), there & ~read.never


def lengths(grid: Grid, frame: pd.DataFrame, given: pd.Series | None, name: str | None, every: Any) -> Any:
    """Lengths of the intervals [s]: as asked for, as given (the most common one where a line has none), or the shortest step.

    Examples
    --------
    >>> grid = Grid("a.csv", [], {}, np.array([2]), np.array([1]))
    >>> lengths(grid, pd.DataFrame(), None, None, "30min")
    1800.0
    """
    if every is not None:
        return float(seconds_of(every))
    good = None if given is None else given.where((given > 0) & np.isfinite(given))
    if good is not None and good.notna().any():
        usual = float(good.mode().iloc[0])
    else:
        steps = frame.sort_values("interval_start").groupby("queue")["interval_start"].diff().dt.total_seconds().dropna()
        if steps.empty:
            why = "from one row" if name is None else f"from column {name!r}, which holds no positive length,"
            raise OptionError(f"{grid.name}: the length of the intervals cannot be told {why}; say every='30min' (--every 30min)")
        usual = float(steps.min())
    if good is None:
        return usual
    say(grid.name, grid.line[good.isna().to_numpy()], f"have no positive length in column {name!r}: taken as {usual:g} s like the others")
    return good.fillna(usual)


def with_formulas(grid: Grid, source: Source, sheet: str | int | None, names: list[str]) -> Grid:
    """The grid with the text of each formula that a workbook was saved with no value for, so that it is not taken for an empty cell.

    Examples
    --------
    >>> grid = Grid("a.csv", [], {}, np.array([]), np.array([]))
    >>> with_formulas(grid, Source("a.csv", b""), None, []) is grid
    True
    """
    blank = {name: to_text(grid.columns[name]).isna() for name in names} if source.frame is None else {}
    if bytes(source.data[:4]) != b"PK\x03\x04" or not any(each.any() for each in blank.values()):
        return grid
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(source.data), read_only=True)
    chosen = book[sheet] if isinstance(sheet, str) else book.worksheets[(sheet or 1) - 1]
    chosen.reset_dimensions()
    rows = [[str(cell.value) if cell.data_type == "f" else "" for cell in row] for row in chosen.iter_rows()]
    book.close()
    columns = dict(grid.columns)
    for name, empty in blank.items():
        at = grid.header.index(name)
        formulas = pd.Series([rows[line - 1][at] if at < len(rows[line - 1]) else "" for line in grid.line], dtype="str")
        columns[name] = columns[name].mask(empty, formulas)
    return Grid(grid.name, grid.header, columns, grid.line, grid.weight, grid.repeated)
