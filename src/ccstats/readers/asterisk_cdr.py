"""Asterisk call detail records: ``cdr-csv/Master.csv`` (16 to 21 columns, no header) and the ``cdr`` table of a database.

A record is one path between two channels, not a call, and knows nothing of queues but that Queue() ran: see the page on this format.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.errors import OptionError, ZoneError
from ccstats.readers.accounting import Account
from ccstats.readers.categories import constant_category, each_category
from ccstats.readers.clock import in_turn
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.parts import Parts, alike
from ccstats.readers.product_tables import Rows, header_has
from ccstats.readers.settling import settle, to_log
from ccstats.readers.tabular import Grid, Layout, read_grid
from ccstats.readers.words import without
from ccstats.schema import sortable

__all__ = ["READER", "looks_like", "read_cdr"]

_BASE = (
    "accountcode", "src", "dst", "dcontext", "clid", "channel", "dstchannel", "lastapp", "lastdata", "start", "answer", "end", "duration",
    "billsec", "disposition", "amaflags",
)  # fmt: skip
#: Columns that follow where cdr.conf asks for them; of 17 or 20 columns the one in question is told by its content.
_MORE = {
    16: ((),),
    17: (("uniqueid",), ("userfield",)),
    18: (("uniqueid", "userfield"),),
    19: (("peeraccount", "linkedid", "sequence"),),
    20: (("uniqueid", "peeraccount", "linkedid", "sequence"), ("userfield", "peeraccount", "linkedid", "sequence")),
    21: (("uniqueid", "userfield", "peeraccount", "linkedid", "sequence"),),
}
_DATABASE = ("channel", "dstchannel", "lastapp", "lastdata", "duration", "billsec", "disposition")
#: What a queue visit is where no agent answered, by the disposition of its last record.
_UNANSWERED = {
    "ANSWERED": "abandoned",
    "NO ANSWER": "abandoned",
    "CANCEL": "abandoned",
    "BUSY": "abandoned",
    "FAILED": "failed",
    "CONGESTION": "failed",
}
_UNIQUE = re.compile(r"(\S+-)?\d{9,11}\.\d+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")
#: What a record is told by, and what of it is needed for no more than that.
_SAME = (
    "contact_id", "unique", "sequence", "queue", "start", "answer", "end", "billed", "raw_outcome", "agent", "caller", "customer", "dnis",
)  # fmt: skip
_NO_MORE = ("unique", "sequence", "caller")
_VISIT = ["contact_id", "queue"]
_PLACE = "int32"  # of a record
_CALLED_SUFFIX = r"-[0-9a-fA-F]{4,}(?:;\d)?$"
_NEVER = ("0000-00-00 00:00:00",)


def looks_like(head: bytes) -> bool:
    r"""Whether the first line is a record of Master.csv, or the header of a ``cdr`` table.

    Examples
    --------
    >>> looks_like(b'"","100","800","ctx","","SIP/1-0a1b","","Queue","sales","2024-03-01 09:00:00","","2024-03-01 09:00:30",30,0,"NO ANSWER","DOCUMENTATION"\n')
    True
    >>> looks_like(b"calldate,clid,src,dst,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition\n")
    True
    >>> looks_like(b"calldate,src,dst,duration\n")
    False
    """  # noqa: E501
    return header_has(head, ("calldate", *_DATABASE), ("start", *_DATABASE)) or _cells(head) is not None


def read_cdr(sources: Iterable[Source], options: Options) -> Log:
    r"""Read the records of queue calls; `ccstats.read` and `ccstats.read_sql` are the ways in.

    Parameters
    ----------
    sources : iterable of Source
        Files, frames or query results.
    options : Options
        With a time zone; ``answers_first`` says whether the dialplan answers before Queue() (True, False, or None to tell by the records).

    Returns
    -------
    Log
        ``agent_states`` is empty.

    Examples
    --------
    >>> rows = b"calldate,src,dst,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,uniqueid\n"
    >>> rows += b"2024-03-01 09:00:00,100,800,SIP/1-0a1b,SIP/anna-0a1c,Queue,sales,90,80,ANSWERED,1709280000.1\n"
    >>> log = read_cdr([Source("cdr.csv", rows)], Options(timezone="UTC"))
    >>> log.contacts[["queue", "outcome", "wait_s", "talk_s", "agent"]].to_dict("records")
    [{'queue': 'sales', 'outcome': 'answered', 'wait_s': 10.0, 'talk_s': 80.0, 'agent': 'SIP/anna'}]
    """
    if options.timezone is None:
        raise ZoneError("a log of format 'asterisk_cdr' holds local times; pass timezone= (UTC if cdr.conf says usegmtime=yes)")
    first = options.extra.get("answers_first")
    if first not in (None, True, False):
        raise OptionError(f"answers_first={first!r}: expected True, False, or None (told by the records)")
    account = Account(options)
    parts = Parts(options)
    for source in sources:
        parts.extend(_rows(source, account, options).in_pieces(_records))
        if options.progress:
            options.progress(source.name, 1.0)
    visits = _visits(settle(parts, account, options, same=_SAME, called="in all columns read", rule="record"), account, first)
    return to_log(visits, account, options, "asterisk_cdr")


def _cells(head: bytes) -> list[str] | None:
    """The fields of the first line, if it is a record of Master.csv."""
    line = next((line for line in head[:65_536].splitlines() if line.strip()), b"").decode("utf-8", "replace")
    if "\0" in line:
        return None
    try:
        cells = next(csv.reader([line]), [])
    except csv.Error:
        return None
    # FreeSWITCH has a template of the same columns; its ids are UUIDs, which Asterisk's never are.
    if len(cells) > 16 and _UUID.fullmatch(cells[16]):
        return None
    if len(cells) not in _MORE or not all(_TIME.fullmatch(cells[at]) for at in (9, 11)):
        return None
    return cells if (not cells[10] or _TIME.fullmatch(cells[10])) and cells[12].isdigit() and cells[13].isdigit() else None


def _rows(source: Source, account: Account, options: Options) -> Rows:
    head = b"" if source.frame is not None else bytes(source.data[:65_536])
    cells = _cells(head)
    if cells is None:
        grid = read_grid(source, Layout(), account)
        needed = ("start" if "start" in {name.casefold() for name in grid.header} else "calldate", *_DATABASE)
        return Rows(grid, account, options, needed=needed)
    header = [*_BASE, *_MORE[len(cells)][0]]
    grid = read_grid(source, Layout(delimiter=","), account, header=header)
    if len(_MORE[len(cells)]) > 1:
        ids = grid.columns["uniqueid"]
        if not ids.str.fullmatch(_UNIQUE).any():
            columns = {("userfield" if name == "uniqueid" else name): values for name, values in grid.columns.items()}
            grid = Grid(grid.name, list(columns), columns, grid.line, grid.weight)
    return Rows(grid, account, options)


def _records(rows: Rows) -> pd.DataFrame:
    """Records of queue calls, one row each."""
    rows.ignore(~each_category(rows.words("lastapp"), str.casefold).eq("queue"), "no queue call: lastapp is not Queue")
    queue = each_category(rows.words("lastdata"), lambda data: re.split(r"[,|]", data)[0].strip() or None)
    rows.close(queue.isna(), "lastdata names no queue")
    zone = rows.options.timezone
    began = rows.instants("start" if rows.has("start") else "calldate", timezone=zone, missing=_NEVER)
    rows.close(began.utc.isna(), "start (calldate) is blank")
    lasted, billed = rows.seconds("duration"), rows.seconds("billsec")
    rows.close(lasted.isna() | billed.isna(), "duration or billsec is blank")
    word = each_category(rows.words("disposition"), lambda disposition: str(pc.utf8_upper(disposition)))
    answered, ended = (rows.instants(name, timezone=zone, missing=_NEVER) for name in ("answer", "end"))
    start, answer, end = in_turn(began, answered, ended, lengths={(0, 2): lasted, (1, 2): billed})
    end = end.fillna(start + pd.to_timedelta(lasted, unit="s"))
    if not rows.has("answer"):
        answer = (end - pd.to_timedelta(billed, unit="s")).where((billed > 0) | (word == "ANSWERED"))
    rows.close((end < start) | (answer < start), "end or answer is before start")
    rows.note(((end - answer).dt.total_seconds() - billed).abs() > 1, "billsec is not end - answer: talk_s is billsec")
    linked, unique = rows.text("linkedid"), rows.text("uniqueid")
    contact = linked.fillna(unique) if rows.has("linkedid") else unique
    alone = contact.isna()
    rows.note(alone, "neither linkedid nor uniqueid: every record is a contact of its own")
    if alone.any():
        contact = contact.fillna(pd.Series([f"{rows.grid.name}:{line}" for line in rows.grid.line], dtype="str"))
    agent = without(rows.text("dstchannel"), _CALLED_SUFFIX)
    return rows.frame(
        {
            "contact_id": contact,
            "unique": unique.mask(unique == linked, "=") if rows.has("linkedid") else unique,
            "sequence": rows.words("sequence"),
            "queue": queue,
            "start": start,
            "answer": answer,
            "end": end,
            "billed": billed,
            "raw_outcome": word,
            "agent": agent.mask(agent == ""),
            "caller": rows.text("channel"),
            "customer": rows.text("src"),
            "dnis": rows.words("did", "dst"),
        }
    )


def _of_visits(mask: np.ndarray, visit: np.ndarray, order: np.ndarray, *, last: bool = False) -> np.ndarray:
    """Of each visit the first (last) record where the mask holds, records being in order; -1 where there is none."""
    at = np.flatnonzero(mask) if last else np.flatnonzero(mask)[::-1]
    rows = np.full(visit[-1] + 1 if len(visit) else 0, -1, dtype=_PLACE)
    rows[visit[at]] = order[at]
    return rows


def _visits(records: pd.DataFrame, account: Account, first: bool | None) -> pd.DataFrame:
    """Records of one contact and queue are one visit: offers to agents, at most one of them taken."""
    for name in (*_NO_MORE, *(name for name in records if str(name).startswith("_"))):
        del records[name]
    offered, said = records["agent"].notna().to_numpy(), (records["raw_outcome"] == "ANSWERED").to_numpy()
    took = offered & said
    # A caller whom no agent answered, but who was: the dialplan answers before the queue, and so it does for the others of that queue.
    alone = ~offered & said & records["answer"].notna().to_numpy()
    early = records["queue"].isin(records.loc[alone, "queue"]).to_numpy() if first is None else np.full(len(records), first)

    keys = pa.table({name: sortable(records[name]) for name in (*_VISIT, "start", "end")})
    order = pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in keys.column_names]).to_numpy().astype(_PLACE)
    contact = np.append(0, np.cumsum(~alike(keys.select(_VISIT[:1]), order)))
    begins = np.flatnonzero(np.r_[True, ~alike(keys.select(_VISIT), order)][: len(order)])
    visit = np.repeat(np.arange(len(begins), dtype=_PLACE), np.diff(np.r_[begins, len(order)]))

    ends = records["end"].astype("int64").to_numpy()[order]
    is_latest = ends == (np.maximum.reduceat(ends, begins)[visit] if len(begins) else ends)
    first_row, last_row, answer_row = order[begins], _of_visits(is_latest, visit, order, last=True), _of_visits(took[order], visit, order)
    rows = {"contact_id": first_row, "queue": first_row, "start": first_row, "end": last_row, "raw_outcome": last_row}
    rows |= {name: _of_visits(records[name].notna().to_numpy()[order], visit, order) for name in ("customer", "dnis")}
    rows |= dict.fromkeys(("answer", "billed", "agent"), answer_row)
    # Visits in the order that they keep: by contact and time.
    start, end = (records[name].astype("int64").to_numpy()[first_row] for name in ("start", "end"))
    by = np.lexsort([first_row, end, start, contact[begins]])
    facts = {"missed": np.bincount(visit[(offered & ~took)[order]], minlength=len(begins))[by], "early": early[first_row[by]]}
    several = int(took.sum()) - int((answer_row >= 0).sum())
    account.note("answered by several agents in one queue visit (transfer or pickup): the first is taken", several)
    del keys, ends, is_latest, order, visit, contact, start, end
    visits = pd.DataFrame({name: records.pop(name).array.take(at[by], allow_fill=True) for name, at in rows.items()} | facts, copy=False)
    answered = visits["agent"].notna()
    word = visits["raw_outcome"]
    word = word.cat.set_categories(word.cat.categories.union(["ANSWERED"])).mask(answered, "ANSWERED")
    # Whole columns of words as objects would take more memory than all else.
    names = ["answered", "unknown", *dict.fromkeys(_UNANSWERED.values())]
    of_word = np.array([*(names.index(_UNANSWERED.get(each, "unknown")) for each in visits["raw_outcome"].cat.categories), 1])
    codes = np.where(answered, 0, of_word[visits["raw_outcome"].cat.codes]).astype("int8")
    outcome = pd.Categorical.from_codes(codes, categories=pd.Index(names, dtype="str"))
    hidden = answered & visits["early"]
    account.note("the dialplan answers before the queue: wait_s and talk_s of answered calls are not in the records", int(hidden.sum()))
    account.note("when a call joined the queue is not logged: its first record's start stands for it", len(visits))
    until = visits["answer"].where(answered, visits["end"])
    nothing = pd.Series(np.full(len(visits), np.nan))
    return pd.DataFrame(
        {
            "contact_id": visits["contact_id"],
            "channel": constant_category("voice", len(visits)),
            "direction": constant_category("inbound", len(visits)),
            "queue": visits["queue"],
            "queued_at": visits["start"],
            "outcome": pd.Series(outcome),
            "raw_outcome": word,
            "wait_s": (until - visits["start"]).dt.total_seconds().mask(hidden),
            "ring_s": nothing,
            "talk_s": visits["billed"].where(answered & ~hidden),
            "hold_s": nothing,
            "wrap_s": nothing,
            "agent": visits["agent"],
            "customer": visits["customer"],
            "dnis": visits["dnis"],
            "ring_noanswer": visits["missed"].astype("int64"),
            "ring_attempts": visits["missed"].astype("int64") + answered,
        },
        copy=False,
    )


READER = Reader(
    name="asterisk_cdr",
    title="Asterisk call detail records (Master.csv, cdr table)",
    yields=("contacts",),
    clock="wall",
    evidence="read in source code; not seen on real data",
    looks_like=looks_like,
    read=read_cdr,
    options=("answers_first",),
    streams=True,
)
