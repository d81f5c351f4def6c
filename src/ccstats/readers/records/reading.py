"""From files of records to one table: every source opened, its rows typed and judged, repeated keys set aside, customers pseudonymised."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning, OptionError
from ccstats.periods import check_timezone
from ccstats.privacy import key_of, pseudonymise
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Options, Source
from ccstats.readers.files import open_sources
from ccstats.readers.instants import TIMES
from ccstats.readers.mapping import parse_layout
from ccstats.readers.records.result import Records
from ccstats.readers.records.rows import Asked, Rows
from ccstats.readers.tabular import Layout, read_grid
from ccstats.schema import Table

__all__ = ["Kind", "read_records"]


@dataclass(frozen=True)
class Kind:
    """One kind of records: its table, how rows are judged, and what is understood besides its columns.

    ``judge`` is given `Rows` and returns the columns; what it returns may hold several rows a line, with ``_row`` saying of which.

    Examples
    --------
    >>> from ccstats.schema.records import STAFF
    >>> Kind(STAFF, Rows.columns).besides
    ()
    """

    table: Table
    judge: Callable[[Rows], dict[str, Any]]
    besides: tuple[str, ...] = ()


def read_records(
    source: Any,
    kind: Kind,
    *,
    timezone: str | None,
    key: str | bytes | None,
    columns: Mapping[str, str] | None,
    keep: Iterable[str],
    times: str,
    layout: Mapping[str, Any] | None,
    pseudonyms: bool,
    on_error: str,
    keep_text: bool,
    scales: Mapping[str, tuple[float, float, str]] | None = None,
) -> Records:
    """Read one kind of records; the functions of this package are the way in and say what each argument is.

    Examples
    --------
    >>> read_records.__name__
    'read_records'
    """
    if on_error not in ("reject", "raise"):
        raise OptionError(f"on_error={on_error!r}: expected 'reject' (set bad lines aside) or 'raise' (stop at the first)")
    if timezone is not None:
        check_timezone(timezone)
    if times not in TIMES and "%" not in times:
        raise OptionError(f"times={times!r}: expected {', '.join(TIMES)} or a strptime format such as '%d.%m.%Y %H:%M:%S'")
    kept = (keep,) if isinstance(keep, str) else tuple(keep)
    options = Options(timezone, key_of(key), pseudonyms, on_error, keep_text)
    asked = Asked(options, dict(columns or {}), kept, times, _layout(layout), dict(scales or {}))
    account = Account(options, keyed=True)
    sources = open_sources(source)
    parts = []
    for at, each in enumerate(sources):
        grid = read_grid(each, asked.layout, account)
        if grid.header:
            parts.append(_judged(Rows(grid, kind.table, asked, account, kind.besides), kind).assign(_file=at))
    frame = _merged(parts, kind.table, account)
    if "customer" in frame and pseudonyms:
        frame["customer"] = pseudonymise(frame["customer"], options.key)
        if key is None and not os.environ.get("CCSTATS_KEY") and frame["customer"].notna().any():
            account.note("customer: pseudonyms of a random key: they join with no other table", int(frame["customer"].notna().sum()))
    rejected, lines, notes = account.tables()
    made = Records(frame, rejected, lines, notes, kind.table.name, _sum_of(sources), timezone)
    _warn(made, sources)
    return made


def _layout(given: Mapping[str, Any] | None) -> Layout:
    found: list[str] = []
    made = parse_layout(given or {}, found)
    if found:
        raise OptionError("layout= does not fit:\n  - " + "\n  - ".join(each.replace("[source] ", "") for each in found))
    return made


def _judged(rows: Rows, kind: Kind) -> pd.DataFrame:
    judged = kind.judge(rows)
    frame = pd.DataFrame({"_row": np.arange(len(rows.open)), **judged})
    at = frame["_row"].to_numpy()
    frame["_line"], frame["_weight"] = rows.grid.line[at], rows.grid.weight[at]
    frame["_source"] = pd.Series([rows.grid.name] * len(frame), dtype="str")
    frame["_key"] = rows.keys().to_numpy()[at]
    if rows.account.keeps_text:
        frame["_text"] = pd.Series(rows.texts(np.arange(len(rows.open))), dtype="str").to_numpy()[at]
    return frame[rows.open[at]].reset_index(drop=True)


def _merged(parts: list[pd.DataFrame], table: Table, account: Account) -> pd.DataFrame:
    """All files' rows together; a line that repeats a key is rejected as a whole."""
    if not parts:
        return table.empty()
    frame = pd.concat(parts, ignore_index=True)
    line = frame.groupby(["_file", "_line"], sort=False).ngroup().to_numpy()
    repeated = np.zeros(line.max(initial=-1) + 1, dtype=bool)
    repeated[line[frame.duplicated(list(table.key)).to_numpy()]] = True
    lines = frame.drop_duplicates(["_file", "_line"])
    for _, part in lines.groupby("_file", sort=False):
        name, twice = part["_source"].iloc[0], part[repeated[line[part.index]]]
        account.reject(
            name,
            twice["_line"].to_numpy(),
            f"repeats the {' and '.join(table.key)} of an earlier line",
            texts=twice["_text"] if account.keeps_text else (),
            weight=int(twice["_weight"].sum()),
            keys=twice["_key"],
        )
        account.count(name, "used", "record", int(part["_weight"].sum() - twice["_weight"].sum()))
    frame = frame[~repeated[line]].drop(columns=[name for name in frame.columns if str(name).startswith("_")])
    for name in frame.columns:
        if name not in table:
            frame[name] = frame[name].astype("category")
    return table.conform(frame)


def _sum_of(sources: list[Source]) -> str:
    sums = []
    for source in sources:
        data = source.raw if source.frame is None else source.frame.to_csv(index=False).encode("utf-8", "surrogatepass")
        sums.append(hashlib.sha256(data).hexdigest())
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(f"{each}\n" for each in sums).encode()).hexdigest()


def _warn(made: Records, sources: list[Source]) -> None:
    if len(made.table):
        return
    names = ", ".join(source.name for source in sources)
    said = f"{names}: no {made.name} were read, the table is empty"
    if len(made.rejected):
        said += f"; all {made.count('rejected'):,} lines were rejected, most because: {made.rejected['reason'].mode().iloc[0]}"
    warnings.warn(said, DataWarning, stacklevel=4)
