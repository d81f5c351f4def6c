"""History as planners keep it: a file of counted intervals; and the tables of planned events and of their own figures beside it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning, FormatError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Options, Source
from ccstats.readers.files import open_sources, paths_of
from ccstats.readers.instants import to_instants
from ccstats.readers.tabular import Grid, Layout, read_grid
from ccstats.readers.values import to_counts, to_numbers, to_text
from ccstats.schema import INTERVALS
from ccstats.workforce.demand import _found, _names, _under_title, read_forecast

__all__ = ["is_counted", "read_counted", "read_spans_table"]

#: What tells a table of `intervals` from a planner's table of contacts and handle times.
_OURS = {"queue", "interval_start", "interval_s", "offered"}
#: So much of a text file is looked at. [bytes]
_HEAD = 65_536


def is_counted(source: Any) -> bool:
    r"""Whether a file holds counted intervals (when they begin, and contacts) rather than a log.

    Parameters
    ----------
    source : path, bytes or open file
        The file.

    Raises
    ------
    SourceMissingError, FormatError
        If there is no such file, or it cannot be opened.

    Examples
    --------
    >>> is_counted(b"start,calls,aht\n2024-03-04T09:00Z,10,180\n"), is_counted(b"1709280000|1.2|q|NONE|ENTERQUEUE||5551|1\n")
    (True, False)
    """
    if isinstance(source, str) and len(paths_of(source)) > 1:
        return False
    opened = open_sources(source)
    return len(opened) == 1 and _is_counted(_header(opened[0]))


def _header(source: Source) -> dict[str, str]:
    """The columns' names, read from the beginning of the file."""
    data = source.data
    if source.frame is None and bytes(data[:4]) not in (b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        head = bytes(data[:_HEAD])
        source = Source(source.name, head[: head.rfind(b"\n") + 1] or head)
    with warnings.catch_warnings():  # of rows that do not fit, whoever reads the file will say so
        warnings.simplefilter("ignore", DataWarning)
        try:
            return _names(_under_title(source, Layout()))
        except FormatError:
            return {}


def _is_counted(names: dict[str, str]) -> bool:
    found = _found(names)
    return (found["interval_start"] is not None or "date" in names) and found["expected_offered"] is not None


def read_counted(source: Any, *, timezone: str | None = None, every: str | None = None, aht_s: float | None = None) -> pd.DataFrame:
    r"""Counted intervals of a file, for `forecast_contacts`.

    Parameters
    ----------
    source : path, bytes or open file
        `intervals` as CSV, Excel or Parquet; or a planner's history, with columns as `read_forecast` knows them: when an interval begins,
        contacts, handle time and queue.
    timezone : str, optional
        Zone of times without an offset.
    every : str, optional
        Length of the intervals of a planner's history; told from the file if left out.
    aht_s : float, optional
        Handle time where a planner's history has none. [s]

    Returns
    -------
    pandas.DataFrame
        ``queue, interval_start, interval_s, offered``, the seconds of talk, hold and wrap-up and the contacts whose part is known. Of a
        planner's history all handle time is talk, and lines without a number of contacts are left out: nothing is known of them.

    Raises
    ------
    FormatError
        If a cell of `intervals` cannot be read; its line is named.
    SourceMissingError, ColumnError, OptionError, ZoneError
        As for `read_forecast`.

    Examples
    --------
    >>> read_counted(b"start,calls,aht\n2024-03-04T09:00Z,10,180\n", every="30min")[["offered", "total_talk_s"]].values.tolist()
    [[10.0, 1800.0]]
    """
    opened = open_sources(source)[0]
    if set(_header(opened).values()) >= _OURS:
        return _intervals(_under_title(opened, Layout()), timezone)
    frame = read_forecast(source, timezone=timezone, every=every, aht_s=aht_s)
    frame = frame[frame["expected_offered"] >= 0]
    offered = frame["expected_offered"].round().astype("int64")
    known = frame["expected_aht_s"].notna()
    counted = frame[["queue", "interval_start", "interval_s"]].assign(
        offered=offered,
        total_talk_s=(frame["expected_aht_s"] * offered).fillna(0.0),
        talk_known=offered.where(known, 0),
    )
    return counted.reset_index(drop=True)


def _intervals(grid: Grid, timezone: str | None) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name, values in grid.columns.items():
        values = values.reset_index(drop=True)
        kind = INTERVALS[name].kind if name in INTERVALS else "text"
        if kind in ("instant", "period"):
            read, bad = to_instants(values, "iso", timezone=timezone)
            columns[name] = read.utc.dt.as_unit("us")
        elif kind in ("count", "maybe_count"):
            columns[name], bad = to_counts(_whole(values))
        elif kind in ("seconds", "number"):
            columns[name], bad = to_numbers(values)
        else:
            columns[name], bad = to_text(values).astype("category"), np.zeros(len(values), dtype=bool)
        if name in _OURS:
            bad = bad | columns[name].isna().to_numpy(dtype=bool)
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            cell = to_text(values).iloc[at]
            said = (
                f"{name} is missing" if pd.isna(cell) else f"{name} {str(cell)[:100]!r} is no {'time' if kind == 'instant' else 'number'}"
            )
            raise FormatError(f"{grid.name}, line {grid.line[at]}: {said} ({int(bad.sum())} such lines)")
    frame = pd.DataFrame(columns)
    counts = [str(name) for name in frame if str(name) in INTERVALS and INTERVALS[str(name)].kind == "count"]
    return frame.astype({name: "int64" for name in counts if frame[name].notna().all()})


def _whole(values: pd.Series) -> pd.Series:
    """Counts that a spreadsheet keeps as 12.0 or 1e3 are whole numbers too."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.astype("Int64") if (values.dropna() % 1 == 0).all() else values
    return values.str.replace(r"\.0+$", "", regex=True)


def read_spans_table(path: str | Path) -> pd.DataFrame:
    r"""Planned events, or a planner's own figures: a table (CSV, Excel, Parquet) of spans with ``start`` and ``end``.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "events.csv"
    >>> _ = path.write_text("name,start,end,factor\nsale,2026-03-02,2026-03-04,1.5\n")
    >>> read_spans_table(path).to_dict("records")
    [{'name': 'sale', 'start': '2026-03-02', 'end': '2026-03-04', 'factor': 1.5}]
    """
    account = Account(Options())
    grid = read_grid(open_sources(str(path))[0], Layout(), account)
    rejected = account.tables()[0]
    if len(rejected):
        raise FormatError(f"{grid.name}, line {rejected.iloc[0]['line']}: {rejected.iloc[0]['reason']}; correct or remove it")
    columns = {}
    for name, values in grid.columns.items():
        columns[name] = to_text(values)
        if name in ("factor", "offered", "aht_s"):
            columns[name], bad = to_numbers(values)
            if bad.any():
                at = int(np.flatnonzero(bad)[0])
                raise FormatError(f"{grid.name}, line {grid.line[at]}: {name} {to_text(values).iloc[at]!r} is no number")
    return pd.DataFrame(columns)
