"""Schedules and rosters as iCalendar (RFC 5545): an event a shift, in one calendar or in one for each agent."""

from __future__ import annotations

import hashlib
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from ccstats.errors import OptionError, TableError
from ccstats.exports.exact_csv import as_table
from ccstats.report.files import write_bytes

__all__ = ["write_calendar"]

#: A line is no longer, without its end. [octets]
_LINE = 75
#: A control character has no place in a text; an end of line is written as one.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f]")
_ENDS = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


def write_calendar(roster: Any, out: str | Path, *, by: str | None = None, name: str = "Shifts", stamped_at: Any = None) -> list[Path]:
    r"""Write shifts as iCalendar files that calendars on telephones and desks can open.

    Parameters
    ----------
    roster : Roster, Schedule or table
        Who works when (``agent, started_at, ended_at``, and ``shift, queue, activity``), or which shifts there are (``shift, started_at,
        ended_at, agents``).
    out : str or Path
        One calendar: the file; its folder must be there. With ``by="agent"`` a folder, made if it is not there, with a file for each
        agent, called after them as far as a file can be.
    by : {None, "agent"}
        One calendar of all, or one for each agent.
    name : str
        What the one calendar is called; an agent's is called after the agent.
    stamped_at : instant, optional
        When this was said (DTSTAMP); now by default. With the same instant the same bytes are written.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    TableError
        If a column is missing, a row has no start or end, or an agent has two rows that start at the same time.
    OptionError
        If an argument has a value that is not allowed, or a file cannot be written.

    Notes
    -----
    Times are instants in UTC, cut to whole seconds, so that no definition of a zone is needed. The UID of an event is made from agent,
    start and queue (of a schedule: shift, start and queue), so that a calendar that is sent again moves no event twice: a shift whose end
    or name changed is the same event. Shifts that were taken away stay in calendars that only add; subscribe to the file, or delete first.

    References
    ----------
    B. Desruisseaux (2009), Internet Calendaring and Scheduling Core Object Specification (iCalendar). RFC 5545.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> nine = pd.to_datetime(["2024-03-04 09:00"], utc=True)
    >>> roster = pd.DataFrame({"agent": ["Ada"], "shift": ["day"], "started_at": nine, "ended_at": nine + pd.Timedelta("8h")})
    >>> paths = cc.write_calendar(roster, f"{tempfile.mkdtemp()}/shifts.ics", stamped_at="2024-03-01T12:00Z")
    >>> for line in paths[0].read_text().splitlines()[5:13]:
    ...     print(line)
    BEGIN:VEVENT
    UID:...@ccstats
    DTSTAMP:20240301T120000Z
    DTSTART:20240304T090000Z
    DTEND:20240304T170000Z
    SUMMARY:day: Ada
    END:VEVENT
    END:VCALENDAR
    """
    if by not in (None, "agent"):
        raise OptionError(f"by={by!r}: expected 'agent' for a calendar each, or nothing for one")
    if not isinstance(name, str):
        raise OptionError(f"name={name!r}: expected what the calendar is called")
    stamp = _stamp(stamped_at)
    events = _events(roster)
    if by is None:
        files = {Path(out): (name, events)}
    elif "agent" not in events:
        raise OptionError("by='agent': a schedule has no agents yet; write one calendar, or build a roster first")
    else:
        files = {Path(out) / _file_name(str(agent)): (str(agent), rows) for agent, rows in events.groupby("agent", sort=True)}
    texts = {path: _calendar(title, rows, stamp, names=by is None) for path, (title, rows) in files.items()}
    try:
        if by == "agent":
            Path(out).mkdir(parents=True, exist_ok=True)
        for path, text in texts.items():
            write_bytes(path, text)
    except OSError as error:
        raise OptionError(f"out={str(out)!r} cannot be written: {error.strerror or error}. Name a place you may write to.") from error
    return list(texts)


def _stamp(given: Any) -> str:
    try:
        at = pd.Timestamp.now(tz="UTC") if given is None else pd.Timestamp(given).tz_convert("UTC")
    except (TypeError, ValueError, OverflowError):
        raise OptionError(f"stamped_at={given!r}: expected an instant with a zone, such as '2024-03-01T12:00Z'") from None
    if at is pd.NaT:
        raise OptionError("stamped_at is missing: expected an instant with a zone, such as '2024-03-01T12:00Z'")
    return at.strftime("%Y%m%dT%H%M%SZ")


def _events(given: Any) -> pd.DataFrame:
    """The rows, in time, each with what tells it from the others."""
    frame = as_table(getattr(given, "roster", given), "shifts", "roster")
    needed = ("agent",) if "agent" in frame else ("shift", "agents")
    missing = [each for each in (*needed, "started_at", "ended_at") if each not in frame]
    if missing:
        raise TableError(f"roster: no column {', '.join(missing)}; a roster has agent, started_at, ended_at")
    bad = frame["started_at"].isna() | frame["ended_at"].isna() | ~(frame["ended_at"] > frame["started_at"]) | frame[needed[0]].isna()
    if bad.any():
        raise TableError(f"roster: {needed[0]}, started_at or ended_at is missing, or the end not after the start, in row {bad.idxmax()}")
    words = [each for each in ("agent", "shift", "queue", "activity") if each in frame]
    events = frame.assign(**{each: frame[each].astype("str") for each in words}).reset_index(drop=True)
    keys = [*(["agent"] if "agent" in frame else ["shift"]), "started_at", *(["queue"] if "queue" in frame else [])]
    twice = events.duplicated(keys)
    if twice.any():
        raise TableError(f"roster: row {frame.index[int(twice.to_numpy().argmax())]} starts when another one of the same {keys[0]} does")
    return events.sort_values(["started_at", keys[0]], kind="stable", ignore_index=True)


def _calendar(title: str, events: pd.DataFrame, stamp: str, *, names: bool) -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//ccstats//ccstats {version('ccstats')}//EN",
        "METHOD:PUBLISH",
        f"X-WR-CALNAME:{_text(title)}",
    ]
    for row in events.to_dict("records"):
        start, end = (row[each].tz_convert("UTC").strftime("%Y%m%dT%H%M%SZ") for each in ("started_at", "ended_at"))
        lines += [
            "BEGIN:VEVENT",
            f"UID:{_identity(row, start)}",
            f"DTSTAMP:{stamp}",
            f"DTSTART:{start}",
            f"DTEND:{end}",
            f"SUMMARY:{_text(_summary(row, names=names))}",
            *([f"CATEGORIES:{_text(row['queue'])}"] if isinstance(row.get("queue"), str) and row["queue"] else []),
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return b"".join(map(_folded, lines))


def _summary(row: dict[Any, Any], *, names: bool) -> str:
    what = [row[each] for each in ("shift", "activity") if isinstance(row.get(each), str) and row[each] and row[each] != "on_queue"]
    said = ", ".join(what) or "work"
    if "agent" not in row:
        return f"{said} × {row['agents']:g}"
    return f"{said}: {row['agent']}" if names else said


def _identity(row: dict[Any, Any], start: str) -> str:
    who = ("agent", row["agent"]) if "agent" in row else ("shift", row["shift"])
    queue = row.get("queue")
    parts = [*who, start, queue if isinstance(queue, str) else ""]
    # Lengths stand before the texts, so that no two rows are written alike.
    return hashlib.sha256("".join(f"{len(each)}:{each}" for each in parts).encode("utf-8", "replace")).hexdigest()[:32] + "@ccstats"


def _text(value: str) -> str:
    """TEXT as RFC 5545 3.3.11 writes it."""
    value = value.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return _CONTROL.sub(" ", _ENDS.sub("\\\\n", value))


def _folded(line: str) -> bytes:
    """The line with its end, cut into pieces of 75 octets, no character torn apart (RFC 5545 3.1)."""
    pieces, room, piece = [], _LINE, b""
    for letter in line:
        octets = letter.encode("utf-8", "replace")
        if len(octets) > room:
            pieces.append(piece)
            piece, room = b" ", _LINE - 1
        piece += octets
        room -= len(octets)
    return b"\r\n".join([*pieces, piece]) + b"\r\n"


def _file_name(agent: str) -> str:
    """A name for any system: letters, digits, and what keeps two agents apart."""
    plain = re.sub(r"[^\w-]+", "_", agent).strip("_")[:40]
    return f"{plain or 'agent'}-{hashlib.sha256(agent.encode('utf-8', 'replace')).hexdigest()[:8]}.ics"
