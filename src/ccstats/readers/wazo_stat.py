"""Wazo and XiVO: ``stat_call_on_queue``, one row a call to a queue, which the product makes of its queue_log."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ccstats.errors import ZoneError
from ccstats.readers.accounting import Account
from ccstats.readers.categories import categorised, constant_category, each_category
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.masks import only
from ccstats.readers.parts import Parts
from ccstats.readers.product_tables import Rows, header_has
from ccstats.readers.settling import settle, to_log
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.values import LONGEST_S
from ccstats.readers.words import filled
from ccstats.schema import CONTACTS, sortable, tied

__all__ = ["READER", "looks_like", "read_stat"]

_NEEDED = ("callid", "time", "talktime", "waittime", "status")
_MARK = (*_NEEDED, "ringtime")
#: Calls that are refused or sent on before the queue have no wait: the product's own reports call the first three saturated.
_OUTCOMES = {
    "full": "blocked_full",
    "divert_ca_ratio": "blocked_full",
    "divert_waittime": "blocked_full",
    "closed": "blocked_closed",
    "joinempty": "blocked_empty",
    "leaveempty": "left_empty",
    "timeout": "timed_out",
    "answered": "answered",
    "abandoned": "abandoned",
}
_OUTSIDE = ("blocked_full", "blocked_closed", "blocked_empty")
#: What a call is told by; all else follows from it.
_SAME = ("contact_id", "queue", "queued_at", "arrived_at", "raw_outcome", "wait_s", "ring_s", "talk_s", "agent")
#: Names that a join of one's own adds, then the keys of the table, since Wazo 20 and before.
_QUEUE_NAMES, _QUEUE_IDS = ("queue", "queue_name"), ("stat_queue_id", "queue_id")
_AGENT_NAMES, _AGENT_IDS = ("agent", "agent_name"), ("stat_agent_id", "agent_id")


def looks_like(head: bytes) -> bool:
    r"""Whether the header is that of the table.

    Examples
    --------
    >>> looks_like(b"id,callid,time,ringtime,talktime,waittime,status,stat_queue_id,stat_agent_id\n")
    True
    >>> looks_like(b"id,callid,time,status\n")
    False
    """
    return header_has(head, *((*_MARK, queue) for queue in (*_QUEUE_NAMES, *_QUEUE_IDS)))


def read_stat(sources: Iterable[Source], options: Options) -> Log:
    r"""Read the calls; `ccstats.read` and `ccstats.read_sql` are the ways in.

    Parameters
    ----------
    sources : iterable of Source
        Exports, frames or query results.
    options : Options
        With a time zone where ``time`` has none of its own, as before Wazo 20.15.

    Returns
    -------
    Log
        ``agent_states`` is empty.

    Raises
    ------
    ColumnError
        If a column that is needed is not there.
    ZoneError
        If ``time`` has no zone and there is no time zone.

    Examples
    --------
    >>> rows = b"callid,time,ringtime,talktime,waittime,status,queue,agent\n"
    >>> rows += b"1709280000.7,2024-03-01 09:00:00-05,0,95,12,answered,sales,Agent/1001\n"
    >>> read_stat([Source("stat.csv", rows)], Options()).contacts[["queue", "outcome", "wait_s", "talk_s"]].to_dict("records")
    [{'queue': 'sales', 'outcome': 'answered', 'wait_s': 12.0, 'talk_s': 95.0}]
    """
    account = Account(options)
    parts = Parts(options)
    for source in sources:
        parts.extend(Rows(read_grid(source, Layout(), account), account, options, needed=_NEEDED).in_pieces(_calls))
        if options.progress:
            options.progress(source.name, 1.0)
    # Rows are made anew when the product counts anew, with other ids: what they say makes them the same.
    calls = settle(parts, account, options, same=_SAME, called="in all but id", rule="call", ordered=True)
    several = calls[["contact_id", "queue", "outcome"]].take(tied(sortable(calls["contact_id"]), None)[0])
    again = several[several["outcome"] == "answered"].duplicated(["contact_id", "queue"], keep=False)
    account.note(
        "one call answered several times in one queue: Wazo pairs each entry with each end, which counts too many", int(again.sum())
    )
    return to_log(calls, account, options, "wazo_stat")


def _calls(rows: Rows) -> pd.DataFrame:
    try:
        at = rows.instants("time", timezone=rows.options.timezone).utc
    except ZoneError:
        raise ZoneError(
            f"{rows.grid.name}: time has no zone of its own, as before Wazo 20.15; say where the server's clock stood, "
            "for example timezone='America/Toronto'"
        ) from None
    rows.close(at.isna(), "time is blank")
    call, word = rows.call_ids("callid"), each_category(rows.words("status"), str.casefold)
    rows.close(call.isna(), "callid is blank")
    outcome = categorised(word, _OUTCOMES, CONTACTS["outcome"].vocabulary, "unknown")
    answered, outside = (outcome.isin(names).to_numpy() for names in (["answered"], _OUTSIDE))

    name = rows.words(*_QUEUE_NAMES)
    queue = filled(name, rows.words(*_QUEUE_IDS))
    rows.close(queue.isna(), f"no {', '.join((*_QUEUE_NAMES, *_QUEUE_IDS))}")
    rows.note(name.isna(), "no name of the queue: its number is taken (join stat_queue)")
    wait = rows.numbers("waittime")
    rows.close(wait >= LONGEST_S, "waittime is above a year")
    rows.close(answered & ~(wait >= 0), "waittime of an answered call is blank or negative")
    rows.note(wait < 0, "waittime is negative: missing")
    wait = wait.mask((wait < 0) | outside)
    rang, talked = rows.seconds("ringtime"), rows.seconds("talktime")
    rows.note((rang > wait) & answered, "ringtime is longer than waittime: missing")
    nothing = np.full(len(rows), np.nan)
    return rows.frame(
        {
            "contact_id": call,
            "channel": constant_category("voice", len(rows)),
            "direction": constant_category("inbound", len(rows)),
            "queue": queue,
            "queued_at": at.mask(outside),
            "outcome": outcome,
            "raw_outcome": word,
            "wait_s": wait,
            "ring_s": rang.where(answered & (rang > 0) & (rang <= wait)),
            "talk_s": talked.where(answered),
            "hold_s": nothing,
            "wrap_s": nothing,
            "agent": only(rows.words(*_AGENT_NAMES, *_AGENT_IDS), answered),
            "arrived_at": at.where(outside),
        }
    )


READER = Reader(
    name="wazo_stat",
    title="Wazo, XiVO (stat_call_on_queue)",
    yields=("contacts",),
    clock="utc",
    evidence="read in source code; not seen on real data",
    looks_like=looks_like,
    read=read_stat,
    streams=True,
)
