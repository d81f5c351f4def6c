"""What every reader is given and what it gives back: `Source`, `Options`, `Reader`, `Log`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from ccstats.errors import FormatError

__all__ = ["Counted", "IntervalLog", "Log", "Options", "Reader", "Source"]


@dataclass(frozen=True)
class Source:
    r"""One input, opened and decompressed: a name for messages and either bytes or a frame.

    ``data`` is anything with the buffer protocol (bytes, mmap), so that a large file is mapped and not copied; ``raw`` is the same before
    it was decompressed or decoded. ``first`` is the row that a frame begins with: a table may come as several sources of one name.

    Examples
    --------
    >>> Source("queue_log", b"1266833905|NONE|NONE|NONE|QUEUESTART|\n").name
    'queue_log'
    """

    name: str
    data: Any = b""
    frame: pd.DataFrame | None = None
    first: int = 1
    raw: Any = field(default=b"", repr=False, compare=False)


@dataclass(frozen=True)
class Options:
    """What the caller of `ccstats.read` asked for, already checked.

    ``key`` is the secret for pseudonyms, never empty; ``pseudonyms=False`` leaves customer ids as they are.
    ``format_named`` says whether the caller chose the format: then an empty log is a valid, empty table.

    Examples
    --------
    >>> Options(timezone="Europe/Istanbul").on_error
    'reject'
    """

    timezone: str | None = None
    key: bytes = b""
    pseudonyms: bool = True
    on_error: str = "reject"
    keep_text: bool = False
    format_named: bool = True
    progress: Callable[[str, float], None] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def reject(self, source: str, line: int, reason: str, *, unit: str = "line") -> None:
        """Raise if the first bad line should stop the reading; readers call it for every line (``unit``) they reject.

        Examples
        --------
        >>> Options().reject("queue_log", 7, "no verb")
        """
        if self.on_error == "raise":
            raise FormatError(f"{source}, {unit} {line}: {reason}. Read with on_error='reject' to set such {unit}s aside and go on.")


@dataclass(frozen=True)
class Reader:
    """One log format: how to recognise it and how to read it.

    ``looks_like`` is given the first 64 KiB (decompressed) and answers yes or no; it must say no to every other format.
    ``read`` is given the sources in the order they were named and returns a `Log`, or an `IntervalLog` if it ``yields`` intervals.
    ``clock`` is ``"utc"``, ``"wall"`` (a time zone is required) or ``"mapped"`` (the mapping says; the reader asks if it does not).
    ``streams`` says that ``read`` goes through the sources once, in order, and keeps only what it needs of each: it is then given a
    database's rows in chunks as they come, instead of one source that holds them all.

    How files that do not fit into memory together are read: ``alone`` says that every row is a whole visit or span, so that each file may
    be read by itself. ``read_parts``, where visits go on in the next file, is given what opens each file, and yields logs that together
    are what ``read`` makes of all. Without either all files are read at once.

    Examples
    --------
    >>> from ccstats.readers import READERS
    >>> READERS["asterisk_queue_log"].clock
    'utc'
    """

    name: str
    title: str
    yields: tuple[str, ...]
    clock: str
    evidence: str
    looks_like: Callable[[bytes], bool]
    read: Callable[[Sequence[Source], Options], Log | IntervalLog]
    options: tuple[str, ...] = ()
    streams: bool = False
    alone: bool = False
    read_parts: Callable[[Sequence[Callable[[], Source]], Options], Iterator[Log]] | None = None


class Counted:
    r"""What any reader's result can tell of its lines, from ``lines``: ``source, fate, rule, lines``.

    Examples
    --------
    >>> issubclass(Log, Counted)
    True
    """

    lines: pd.DataFrame

    def count(self, fate: str | None = None) -> int:
        r"""Lines with this fate (``used``, ``ignored``, ``rejected``), or all of them.

        Examples
        --------
        >>> import ccstats as cc
        >>> log = cc.read(b"1266833905|NONE|NONE|NONE|QUEUESTART|\n", format="asterisk_queue_log")
        >>> log.count(), log.count("used") + log.count("ignored") + log.count("rejected")
        (1, 1)
        """
        lines = self.lines if fate is None else self.lines[self.lines["fate"] == fate]
        return int(lines["lines"].sum())

    def summary(self) -> pd.DataFrame:
        r"""The account of lines over all sources: ``fate, rule, lines``; the lines add up to the lines read.

        Examples
        --------
        >>> import ccstats as cc
        >>> log = cc.read(b"1266833905|NONE|NONE|NONE|QUEUESTART|\n", format="asterisk_queue_log")
        >>> int(log.summary()["lines"].sum())
        1
        """
        order = {"used": 0, "ignored": 1, "rejected": 2}
        table = self.lines.groupby(["fate", "rule"], observed=True, as_index=False)["lines"].sum()
        table = table[table["lines"] > 0]
        return table.sort_values(["fate", "lines"], key=lambda s: s.map(order) if s.name == "fate" else -s, ignore_index=True)


@dataclass
class Log(Counted):
    r"""What was read: two tables, and an account of every line.

    Attributes
    ----------
    contacts, agent_states : pandas.DataFrame
        The tables of `ccstats.schema`.
    rejected : pandas.DataFrame
        ``source, line, reason`` of every line set aside (``text`` only if asked for). Lines count from 1; in JSON they are records.
    lines : pandas.DataFrame
        ``source, fate, rule, lines``: how many lines were used, ignored (by which rule) or rejected (for which reason).
    notes : pandas.DataFrame
        ``note, count``: oddities that are repaired or assumed, so that a figure can be explained.
    format, timezone : str
        How it was read.

    Examples
    --------
    >>> import ccstats as cc
    >>> log = cc.read(b"1266833905|NONE|NONE|NONE|QUEUESTART|\n", format="asterisk_queue_log")
    >>> len(log.contacts), len(log.rejected)
    (0, 0)
    """

    contacts: pd.DataFrame
    agent_states: pd.DataFrame
    rejected: pd.DataFrame
    lines: pd.DataFrame
    notes: pd.DataFrame
    format: str
    timezone: str | None = None


@dataclass(frozen=True)
class IntervalLog(Counted):
    r"""What was read from a source that counts by itself: tables of intervals, and an account of every line.

    Attributes
    ----------
    intervals, agent_intervals : pandas.DataFrame
        The tables of `ccstats.schema`, for `ccstats.measure_service`, `ccstats.merge_intervals` and whatever takes intervals. What the
        source does not count is missing; so are intervals it has no row for.
    rejected, lines, notes : pandas.DataFrame
        As in `Log`.
    format, timezone : str
        How it was read.

    Examples
    --------
    >>> import ccstats as cc
    >>> rows = b"ROW_DATE,STARTTIME,INTRVL,SPLIT,CALLSOFFERED,ACDCALLS,ABNCALLS\n2024-03-01,930,30,12,10,8,2\n"
    >>> log = cc.read_intervals(rows, timezone="Europe/Berlin")
    >>> len(log.intervals), log.count("used"), log.count("rejected")
    (1, 1, 0)
    """

    intervals: pd.DataFrame
    agent_intervals: pd.DataFrame
    rejected: pd.DataFrame
    lines: pd.DataFrame
    notes: pd.DataFrame
    format: str
    timezone: str | None = None
