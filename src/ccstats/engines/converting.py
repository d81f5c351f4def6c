"""Logs into an archive, part by part: never all of them in memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ccstats.engines.archive import Archived, write_archive
from ccstats.readers.contract import Counted, Log

__all__ = ["Converted", "convert_parts"]


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
    accounts: list[tuple[pd.DataFrame, pd.DataFrame]] = []
    rows, done = [0, 0], Archived(0, 0, 0, 0)
    for part in parts:
        done = Archived(*map(sum, zip(done, write_archive(part, folder, customers=customers), strict=True)))
        accounts.append((part.lines, part.notes))
        rows = [rows[0] + len(part.contacts), rows[1] + len(part.agent_states)]
    lines, notes = (pd.concat(each, ignore_index=True) for each in zip(*accounts, strict=True))
    return Converted(lines, notes.groupby("note", sort=False, as_index=False)["count"].sum(), *rows), done
