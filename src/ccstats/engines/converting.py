"""Logs into an archive, or into files for one scan, part by part: never all of them in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from ccstats.engines.archive import Archived, write_archive
from ccstats.exports.parquet import write_parquet
from ccstats.readers import READERS
from ccstats.readers.contract import Counted, Log

__all__ = ["Converted", "convert_parts", "write_parts"]


@dataclass(frozen=True)
class Converted(Counted):
    """What was read of all parts: the account of their lines, and how many rows they had.

    Attributes
    ----------
    lines, notes : pandas.DataFrame
        As in `Log`, of all parts.
    visits, agent_states : int
        Rows of the two tables.

    Examples
    --------
    >>> Converted(pd.DataFrame({"source": ["a"], "fate": ["used"], "rule": ["line"], "lines": [7]}), pd.DataFrame(), 3, 0).count()
    7
    """

    lines: pd.DataFrame
    notes: pd.DataFrame
    visits: int
    agent_states: int


def convert_parts(parts: Iterable[Log], folder: str | Path, *, customers: bool = False) -> tuple[Converted, Archived]:
    """Add parts of logs to an archive as they come (`ccstats.write_archive`).

    A run that is cut off leaves the parts before in the archive; the same parts again complete it.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> from ccstats.readers.file_by_file import read_file_by_file
    >>> read, done = convert_parts(read_file_by_file(cc.sample_log()), f"{tempfile.mkdtemp()}/archive")
    >>> done.added == read.visits + read.agent_states
    True
    """
    return _each(parts, lambda at, part: write_archive(part, folder, customers=customers))


def write_parts(parts: Iterable[Log], folder: Path) -> Converted:
    """Parts of logs as Parquet below a new folder, for one scan.

    Where the reader joins what goes on from file to file no row is in two parts, and each part is a file. Else rows may stand in two files
    of the log, and it is an archive, which has them once.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> folder = Path(tempfile.mkdtemp())
    >>> write_parts([cc.read(cc.sample_log())], folder).visits == len(cc.read_parquet(folder / "contacts" / "0.parquet"))
    True
    """
    return _each(parts, partial(_written, folder))[0]


def _written(folder: Path, at: int, part: Log) -> Archived:
    if READERS[part.format].read_parts is None:
        return write_archive(part, folder, customers=True)
    for name, table in (("contacts", part.contacts), ("agent_states", part.agent_states)):
        if len(table):
            (folder / name).mkdir(exist_ok=True)
            write_parquet(table, folder / name / f"{at}.parquet", table=name)
    return Archived(len(part.contacts) + len(part.agent_states), 0, 0, 2)


def _each(parts: Iterable[Log], write: Callable[[int, Log], Archived]) -> tuple[Converted, Archived]:
    accounts: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    rows, done = [0, 0], Archived(0, 0, 0, 0)
    for at, part in enumerate(parts):
        done = Archived(*map(sum, zip(done, write(at, part), strict=True)))
        accounts.append((part.lines, part.notes))
        rows = [rows[0] + len(part.contacts), rows[1] + len(part.agent_states)]
    lines, notes = (pd.concat(each, ignore_index=True) for each in zip(*accounts, strict=True))
    return Converted(lines, notes.groupby("note", sort=False, as_index=False)["count"].sum(), *rows), done
