r"""Asterisk's ``queue_log``, versions 1.2 to 22, with the lines of its add-ons, from files or from the realtime table.

A line is ``epoch|callid|queue|agent|VERB|data…``. What a verb means is data, in `verbs`. The bytes are scanned by compiled code into
events (`scan`), which two compiled state machines follow, one for callers (`visits`), one for agents (`agents`); `tables` makes text of
the numbers at the end. So ten million lines take about as long as an ordinary CSV reader needs for splitting them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from ccstats.readers.asterisk_queue_log.verbs import VERBS
from ccstats.readers.contract import Log, Options, Reader, Source

__all__ = ["READER", "looks_like", "read_queue_log"]

_LINE = re.compile(rb"\d{9,10}(?:\.\d{1,6})?\|[^|\x00]*\|[^|\x00]*\|[^|\x00]*\|([A-Z][A-Z0-9_]{1,40})(?:\||$)")
_WORDS = frozenset(verb.encode() for verb in VERBS)
_HEAD = 65_536


def looks_like(head: bytes) -> bool:
    r"""Whether nearly all first lines are ``epoch|callid|queue|agent|VERB`` and most of their verbs are known.

    Examples
    --------
    >>> looks_like(b"1266833905|1266833900.20|support|NONE|ENTERQUEUE||5551234|1\n")
    True
    >>> looks_like(b"1266833905|1266833900.20|support|open\n")
    False
    """
    lines = head.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if len(head) >= _HEAD:
        lines.pop()  # cut by the head's end
    lines = [line.rstrip(b"\r") for line in lines if line.strip()][:200]
    found = [match[1] for match in map(_LINE.match, lines) if match]
    return bool(found) and len(found) >= 0.8 * len(lines) and sum(verb in _WORDS for verb in found) >= 0.5 * len(found)


def read_queue_log(sources: Iterable[Source], options: Options) -> Log:
    r"""Read queue logs; `ccstats.read` is the way in.

    Several sources are one stream, ordered by their first time, so that a call may begin in one file and end in the next.

    Parameters
    ----------
    sources : iterable of Source
        Files, or frames of the realtime table.
    options : Options
        ``extra["agents"]`` may map what the log calls agents to their names.

    Returns
    -------
    Log
        Empty sources give empty tables.

    Raises
    ------
    FormatError
        If sources overlap in time by more than an hour; at the first bad line, with ``on_error="raise"``.
    ZoneError
        If a frame holds local times and no zone is given.
    ColumnError
        If a frame lacks a column.
    OptionError
        If ``agents`` is no mapping of text to text.

    Examples
    --------
    >>> lines = b"1266833905|1266833900.20|support|NONE|ENTERQUEUE||5551234|1\n1266833917|1266833900.20|support|NONE|ABANDON|1|1|12\n"
    >>> log = read_queue_log([Source("queue_log", lines)], Options(key=b"k"))
    >>> log.contacts[["queue", "outcome", "wait_s", "ivr_s"]].to_dict("records")
    [{'queue': 'support', 'outcome': 'abandoned', 'wait_s': 12.0, 'ivr_s': 5.0}]
    """
    from ccstats.readers.asterisk_queue_log.stream import Stream  # compiles; recognising a log must not

    return Stream(options).read(sources)


def _read_parts(files: Sequence[Callable[[], Source]], options: Options) -> Iterator[Log]:
    from ccstats.readers.asterisk_queue_log.parts import read_parts

    return read_parts(files, options)


READER = Reader(
    name="asterisk_queue_log",
    title="Asterisk queue_log (file or realtime table)",
    yields=("contacts", "agent_states"),
    clock="utc",
    evidence="source code of Asterisk 1.2 to 22 and of add-ons; the log of a public bug report",
    looks_like=looks_like,
    read=read_queue_log,
    options=("agents",),
    streams=True,
    read_parts=_read_parts,
)
