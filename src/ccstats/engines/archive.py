"""An archive of logs: contacts and agent states as Parquet by month and queue, to which later logs are added."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
import pandas as pd

from ccstats.errors import FormatError, OptionError, SourceMissingError
from ccstats.exports.parquet import read_parquet, write_parquet
from ccstats.readers.contract import Log
from ccstats.readers.settling import with_visits
from ccstats.report.files import write_text
from ccstats.schema import AGENT_STATES, CONTACTS, came_at, worded

__all__ = ["Archived", "is_archive", "read_archive", "write_archive"]

_ABOUT = "archive.json"
_VERSION = 1
_LONGEST = 80  # signs of a queue's name in a file's name
#: What makes a row of a later log the same as one that is there.
_SAME = {"contacts": ["contact_id", "queue", "_moment"], "agent_states": ["agent", "started_at", "state", "queue"]}


#: What may become known of a visit after it was read first.
_FACTS = (
    "raw_outcome",
    "wait_s",
    "ring_s",
    "talk_s",
    "hold_s",
    "wrap_s",
    "agent",
    "arrived_at",
    "transferred_to",
    "ended_by",
    "disposition",
)


class Archived(NamedTuple):
    """What a log did to an archive: rows that are new, that took the place of unfinished or older ones, that were there; files written.

    Examples
    --------
    >>> Archived(10, 2, 0, 3).added
    10
    """

    added: int
    completed: int
    known: int
    files: int


def write_archive(log: Log, folder: str | Path, *, customers: bool = False) -> Archived:
    """Add a log to an archive, which is made if it is not there.

    The folder holds ``contacts/month=2025-03/queue=sales.parquet``, ``agent_states/month=2025-03.parquet`` (months of UTC) and an account
    of all lines that were read. The same log twice adds nothing. A visit that was still open, or had no end, where an earlier log ended is
    replaced by the one that a later log completes; so is the last span of an agent. Of two versions of a finished visit the one of which
    more is known stays, of equals that of the log added last (for the first time). Read logs whose calls go on in the next file
    together with that file.

    Parameters
    ----------
    log : Log
        As `read` gave it.
    folder : str or Path
        The archive.
    customers : bool
        Whether the customers' pseudonyms are kept. Only with a key of your own are they the same in the next log.

    Returns
    -------
    Archived

    Raises
    ------
    OptionError
        If the folder cannot be written, or is no archive and not empty.
    FormatError
        If a file of the archive is broken.

    See Also
    --------
    read_archive : the whole of it as a log.
    scan : counts it without reading it whole.

    Notes
    -----
    Each file is written under a temporary name and moved into place, and nothing else is changed: a writing that is cut off leaves files
    that are whole, old or new, and the same log given again completes them. One writing at a time: another one waits.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> log, folder = cc.read(cc.sample_log()), f"{tempfile.mkdtemp()}/archive"
    >>> cc.write_archive(log, folder).added == len(log.contacts) + len(log.agent_states)
    True
    >>> cc.write_archive(log, folder).added
    0
    """
    folder = Path(folder)
    with _alone(folder):
        about = _about(folder)
        contacts = log.contacts if customers else log.contacts.drop(columns="customer", errors="ignore")
        digest = _digest(log)
        again = digest in about["logs"]
        changes = [_add("contacts", path, rows, again) for path, rows in _contacts_by_file(contacts, folder / "contacts")]
        changes += [_add("agent_states", path, rows, again) for path, rows in _states_by_file(log.agent_states, folder / "agent_states")]
        if not again:
            about["logs"][digest] = {
                "format": log.format, "timezone": log.timezone,
                "lines": json.loads(log.lines.to_json(orient="values")), "notes": json.loads(log.notes.to_json(orient="values")),
            }  # fmt: skip
            write_text(folder / _ABOUT, json.dumps(about, ensure_ascii=False, indent=1))
    return Archived(*(sum(each) for each in zip(*changes, strict=True))) if changes else Archived(0, 0, 0, 0)


def read_archive(folder: str | Path) -> Log:
    """All of an archive as one log: visits numbered anew over all that was added, and the account of every line ever read into it.

    Parameters
    ----------
    folder : str or Path
        As `write_archive` left it.

    Returns
    -------
    Log
        Rejected lines are counted in ``lines``; their numbers are not kept.

    Raises
    ------
    SourceMissingError
        If the folder is no archive.
    FormatError
        If a file is broken.

    See Also
    --------
    write_archive : makes it.

    Examples
    --------
    >>> import tempfile
    >>> import ccstats as cc
    >>> log, folder = cc.read(cc.sample_log()), f"{tempfile.mkdtemp()}/archive"
    >>> _ = cc.write_archive(log, folder)
    >>> again = cc.read_archive(folder)
    >>> len(again.contacts) == len(log.contacts), again.count() == log.count()
    (True, True)
    """
    folder = Path(folder)
    if not is_archive(folder):
        raise SourceMissingError(f"{str(folder)!r} is no archive: it has no {_ABOUT}; ccstats convert makes one")
    logs = _about(folder)["logs"].values()
    contacts = _whole(sorted((folder / "contacts").rglob("[!.]*.parquet")), CONTACTS)
    contacts = CONTACTS.conform(with_visits(contacts.drop(columns="visit"))) if len(contacts) else contacts
    states = AGENT_STATES.conform(_whole(sorted((folder / "agent_states").glob("[!.]*.parquet")), AGENT_STATES))
    lines = pd.DataFrame([row for each in logs for row in each["lines"]], columns=["source", "fate", "rule", "lines"])
    notes = pd.DataFrame([row for each in logs for row in each["notes"]], columns=["note", "count"])
    formats, zones = sorted({each["format"] for each in logs}), {each["timezone"] for each in logs}
    rejected = pd.DataFrame({"source": pd.Series(dtype="str"), "line": pd.Series(dtype="int64"), "reason": pd.Series(dtype="str")})
    return Log(contacts, states, rejected, lines, notes, ", ".join(formats), zones.pop() if len(zones) == 1 else None)


def is_archive(folder: str | Path) -> bool:
    """Whether this is a folder that `write_archive` made.

    Examples
    --------
    >>> is_archive("nowhere")
    False
    """
    return (Path(folder) / _ABOUT).is_file()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The folder, to which nobody else adds, without what a writing that was cut off left behind."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not is_archive(folder) and any(not each.name.startswith(".") and each.name not in _SAME for each in folder.iterdir()):
            raise OptionError(f"{str(folder)!r} is no archive of ccstats, and not empty: name a new folder")
        with (folder / ".lock").open("w") as lock:
            try:
                import fcntl

                fcntl.flock(lock, fcntl.LOCK_EX)
            except ImportError:  # no such system: two writings at a time are the caller's to avoid
                pass
            for left in (*folder.glob(".*.json.*"), *folder.rglob(".*.parquet.*")):
                left.unlink()
            yield
    except OSError as error:
        raise OptionError(f"{str(folder)!r} cannot be written: {error.strerror or error}. Name a folder you may write to.") from error


def _about(folder: Path) -> dict[str, Any]:
    path = folder / _ABOUT
    if not path.exists():
        return {"archive": _VERSION, "logs": {}}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["archive"] != _VERSION:
            raise FormatError(f"{str(path)!r} is of version {found['archive']!r}; this ccstats writes {_VERSION}")
        for each in found["logs"].values():
            each["lines"], each["notes"], each["format"], each["timezone"]  # noqa: B018  (that they are there)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{str(path)!r} is broken ({error}); convert the logs into a new folder") from None
    return dict(found)


def _contacts_by_file(contacts: pd.DataFrame, folder: Path) -> Iterator[tuple[Path, pd.DataFrame]]:
    moment = came_at(contacts)
    month = moment.dt.strftime("%Y-%m").fillna("unknown")
    queue = contacts["queue"].astype("str")
    for (each_month, each_queue), rows in contacts.groupby([month.to_numpy(), queue.to_numpy()], sort=True):
        yield folder / f"month={each_month}" / f"queue={_safe(str(each_queue))}.parquet", rows.reset_index(drop=True)


def _states_by_file(states: pd.DataFrame, folder: Path) -> Iterator[tuple[Path, pd.DataFrame]]:
    for month, rows in states.groupby(states["started_at"].dt.strftime("%Y-%m").to_numpy(), sort=True):
        yield folder / f"month={month}.parquet", rows.reset_index(drop=True)


def _safe(queue: str) -> str:
    """A queue as a part of a file's name; long ones are told apart by their hash."""
    name = quote(queue, safe=" ")
    if len(name) <= _LONGEST:
        return name
    return f"{name[:_LONGEST]}-{hashlib.sha256(queue.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _add(table: str, path: Path, rows: pd.DataFrame, again: bool) -> tuple[int, int, int, int]:
    """Add rows to a file; how many are new, complete one that was there, or were there, and whether it was written.

    Rows of a log that is added ``again`` take the place of unfinished ones only.
    """
    there = read_parquet(path) if path.exists() else rows.iloc[:0]
    schema = CONTACTS if table == "contacts" else AGENT_STATES
    both = pd.concat([worded(each) for each in (there, rows) if len(each)] or [rows], ignore_index=True)
    both["_new"] = np.arange(len(both)) >= len(there)
    if table == "contacts":
        both["_moment"], both["_done"] = came_at(both), _finished(both)
        both["_facts"] = both[[name for name in _FACTS if name in both]].notna().sum(axis=1)
        # Of one log's own rows the fullest, then the first; and what is there in all but its number, or the pseudonym of a key of this
        # day, is not there again.
        both = both.sort_values(["_new", "_done", "_facts"], ascending=[True, False, False], kind="stable").drop_duplicates(
            [*_SAME[table], "_new"]
        )
        both = both[~both.drop(columns=["_new", "visit", "customer"], errors="ignore").duplicated()]
    else:
        both["_done"] = (both["closed_by"] != "end_of_file").astype("int64") if "closed_by" in both else 1
    # Of the same visit the finished one stays, then the one of which most is known, then the last; of spans that the log cut, the longest.
    keys, by = _SAME[table], {"contacts": ["_facts"], "agent_states": ["ended_at"]}[table]
    order = both.sort_values(["_done", *by, "_new"], ascending=[False, False, again or table == "agent_states"], kind="stable")
    kept = order.drop_duplicates(keys)
    if table == "agent_states":
        kept = kept[~_outdated(kept)]
    new = int(kept["_new"].sum())
    added = int((~both[keys].duplicated() & both["_new"])[kept.index].sum())
    if new:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame = schema.conform(
            kept.sort_index().drop(columns=["_new", "_done", "_facts", "_moment"], errors="ignore").reset_index(drop=True)
        )
        write_parquet(frame, path, table=table)
    return added, new - added, len(rows) - new, int(new > 0)


def _finished(contacts: pd.DataFrame) -> pd.Series:
    """How much of a visit is known: 0 still waiting, 1 answered without an end, 2 all."""
    answered = contacts["outcome"] == "answered"
    return (contacts["outcome"] != "open").astype("int64") * (2 - (answered & contacts["talk_s"].isna()).astype("int64"))


def _outdated(spans: pd.DataFrame) -> pd.Series:
    """Spans cut where a log ended, of agents who, as a later log knows, did something else at that moment."""
    cut = spans.loc[spans["_done"] == 0, ["agent", "ended_at"]].reset_index()
    pairs = cut.merge(spans[["agent", "started_at", "ended_at"]], on="agent", suffixes=("", "_other"))
    later = pairs[(pairs["started_at"] <= pairs["ended_at"]) & (pairs["ended_at"] < pairs["ended_at_other"])]
    return pd.Series(spans.index.isin(later["index"]), index=spans.index)


def _whole(files: list[Path], schema: Any) -> pd.DataFrame:
    frames = [frame for frame in map(read_parquet, files) if len(frame)]
    return schema.typed(pd.concat([worded(frame) for frame in frames], ignore_index=True)) if frames else schema.empty()


def _digest(log: Log) -> str:
    """The same of the same log, whatever the key of its pseudonyms."""
    told = hashlib.sha256()
    for frame in (log.contacts.drop(columns="customer", errors="ignore"), log.agent_states, log.lines):
        told.update(pd.util.hash_pandas_object(worded(frame), index=False).to_numpy().tobytes())
    return told.hexdigest()
