"""Issabel and Elastix call center: call_entry (one row a call in a queue) and audit (sessions and breaks of agents), in local time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ccstats.readers.accounting import Account
from ccstats.readers.categories import categorised, chosen, constant_category, each_category
from ccstats.readers.clock import in_turn
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.masks import only
from ccstats.readers.product_tables import Rows, header_has, of_two_tables
from ccstats.readers.settling import settle, to_log
from ccstats.readers.spans import laid_over
from ccstats.schema import CONTACTS

__all__ = ["READER", "looks_like", "read_issabel"]

_CALLS = ("id", "datetime_entry_queue", "datetime_init", "datetime_end", "duration", "duration_wait", "status")
_AUDIT = ("id", "id_agent", "id_break", "datetime_init", "datetime_end")

#: status of a call that has come to its end or is still going on.
_STATUS = {
    "terminada": "answered",
    "activa": "answered",
    "hold": "answered",
    "abandonada": "abandoned",
    "en-cola": "open",
}
#: The dialler was restarted while the call was there: answered if it had been, lost otherwise.
_LOST = "fin-monitoreo"
_GOING_ON = ("activa", "hold", "en-cola", _LOST)
_NO_DATE = ("0000-00-00 00:00:00",)
_STATES = ("agent", "started_at", "ended_at", "state", "reason", "queue", "contact_id", "closed_by")


def looks_like(head: bytes) -> bool:
    r"""Whether the first line is the header of one of the two tables.

    Examples
    --------
    >>> looks_like(b"id;id_agent;id_queue_call_entry;datetime_init;datetime_entry_queue;duration_wait;status\n")
    True
    >>> looks_like(b"id,id_agent,status\n")
    False
    """
    return header_has(head, ("datetime_entry_queue", "duration_wait", "status"), ("id_agent", "id_break", "datetime_init", "datetime_end"))


def read_issabel(sources: Iterable[Source], options: Options) -> Log:
    r"""Read call_entry, audit or both; `ccstats.read` is the way in.

    Parameters
    ----------
    sources : iterable of Source
        Dumps or frames; which table one is, its columns say.
    options : Options
        With the server's time zone.

    Returns
    -------
    Log
        With both tables, agents' states tell calls from waiting for one; with audit alone that is state ``other``.

    Raises
    ------
    ColumnError
        If a source is none of the two tables, or lacks a column.
    ZoneError
        If there is no zone.

    Examples
    --------
    >>> rows = b"id,id_agent,id_queue_call_entry,datetime_entry_queue,datetime_init,datetime_end,duration_wait,duration,status\n"
    >>> rows += b"1,7,2,2024-03-01 09:00:00,2024-03-01 09:00:12,2024-03-01 09:02:12,12,120,terminada\n"
    >>> log = read_issabel([Source("call_entry", rows)], Options(timezone="America/Bogota"))
    >>> log.contacts[["queue", "outcome", "wait_s", "talk_s", "agent"]].to_dict("records")
    [{'queue': '2', 'outcome': 'answered', 'wait_s': 12.0, 'talk_s': 120.0, 'agent': '7'}]
    """
    account = Account(options)
    calls, audits = of_two_tables(
        sources,
        account,
        options,
        ("call_entry", "datetime_entry_queue", _CALLS, _calls),
        ("audit", "id_break", _AUDIT, _audit),
    )
    contacts, states = CONTACTS.empty(), None
    if calls:
        contacts = settle(calls, account, options, same=["_id"], newest="_end", rule="call")
    if audits:
        audit = settle(audits, account, options, same=["_id"], newest="_end", rule="session or break")
        states = _states(audit, contacts if calls else None, account)
    return to_log(contacts, account, options, "issabel", states=states)


def _calls(rows: Rows) -> pd.DataFrame:
    own, zone = rows.text("id"), rows.options.timezone
    queue = rows.words("queue", "id_queue_call_entry")
    rows.close(own.isna(), "id is blank")
    rows.close(queue.isna(), "id_queue_call_entry is blank")
    entered, began, ended = (
        rows.instants(name, timezone=zone, missing=_NO_DATE) for name in ("datetime_entry_queue", "datetime_init", "datetime_end")
    )
    waited, talked = rows.seconds("duration_wait"), rows.seconds("duration")
    entry, begin, end = in_turn(entered, began, ended, lengths={(0, 1): waited, (1, 2): talked})
    rows.close(entry.isna(), "datetime_entry_queue is blank")
    status = each_category(rows.words("status"), str.casefold)
    outcome = categorised(status, _STATUS, CONTACTS["outcome"].vocabulary, "unknown")
    outcome = outcome.mask(status.eq(_LOST), "failed").mask(status.eq(_LOST) & begin.notna(), "answered")
    answered = outcome.eq("answered")

    between = (begin - entry).dt.total_seconds()
    rows.note(answered & waited.isna() & (between >= 0), "duration_wait is blank: taken from the times")
    waited = waited.fillna(between.where(between >= 0))
    rows.close(answered & waited.isna(), "answered, but neither duration_wait nor datetime_init says after how long")
    turned = entered.twice | began.twice | entered.never | began.never
    rows.note(answered & ((between - waited).abs() > 1) & ~turned, "datetime_init - datetime_entry_queue is not duration_wait")
    going_on = status.isin(_GOING_ON)
    nothing = pd.Series(np.full(len(rows), np.nan))
    uniqueid = rows.call_ids("uniqueid")
    out: dict[str, pd.Series | np.ndarray] = {
        "contact_id": uniqueid.fillna("id:" + own) if uniqueid.hasnans else uniqueid,
        "channel": constant_category("voice", len(rows)),
        "direction": constant_category("inbound", len(rows)),
        "queue": queue,
        "queued_at": entry,
        "outcome": outcome,
        "raw_outcome": rows.words("status"),
        "wait_s": waited.mask(outcome.isin(["open", "failed"]) & waited.eq(0)),
        "ring_s": nothing,
        "talk_s": talked.where(answered & ~going_on).mask(talked >= 86_400),
        "hold_s": nothing,
        "wrap_s": nothing,
        "agent": only(rows.words("agent", "id_agent"), answered),
        "transferred_to": only(rows.words("transfer"), answered),
        "customer": rows.text("callerid"),
        "_id": own,
        "_began": begin.where(answered),
        "_end": end,
    }
    return rows.frame(out)


def _audit(rows: Rows) -> pd.DataFrame:
    own, zone, agent = rows.text("id"), rows.options.timezone, rows.words("agent", "id_agent")
    rows.close(own.isna(), "id is blank")
    rows.close(agent.isna(), "id_agent is blank")
    began, ended = in_turn(
        *(rows.instants(name, timezone=zone, missing=_NO_DATE) for name in ("datetime_init", "datetime_end")), near=False
    )
    rows.close(began.isna(), "datetime_init is blank")
    rows.close(ended < began, "datetime_end is before datetime_init")
    rows.close(ended - began >= pd.Timedelta(days=366), "a session or break of more than a year")
    pausing = rows.words("id_break").notna()
    holding = pausing & (rows.words("tipo").isin(["H", "h"]) | rows.words("ext_parked").notna())
    out: dict[str, pd.Series | np.ndarray] = {
        "agent": agent,
        "started_at": began,
        "ended_at": ended,
        "state": chosen("session", (pausing, "pause"), (holding, "hold")),
        "reason": only(rows.words("break", "id_break"), pausing & ~holding),
        "_id": own,
        "_end": ended,
    }
    return rows.frame(out)


def _states(audit: pd.DataFrame, contacts: pd.DataFrame | None, account: Account) -> pd.DataFrame:
    """Sessions, with breaks, calls and holds laid over them."""
    of_calls, times = None, [audit["started_at"].max(), audit["ended_at"].max()]
    if contacts is not None:
        of_calls = contacts[contacts["agent"].notna()]
        of_calls = of_calls.assign(
            started_at=of_calls["_began"], ended_at=of_calls["_end"], state="on_contact", reason=None, closed_by="event"
        )
        times += [contacts["queued_at"].max(), contacts["_end"].max()]
    still = audit["ended_at"].isna()
    account.note("sessions and breaks without an end: closed where the log ends", int(still.sum()))
    # Without the calls nobody knows whether an agent waits for one.
    state = audit["state"].cat.rename_categories({"session": "other" if contacts is None else "available"})
    nothing = constant_category(None, len(audit))
    spans = audit[["agent", "reason"]].assign(
        started_at=audit["started_at"],
        ended_at=audit["ended_at"].fillna(pd.Series(times).max()),
        state=state,
        queue=nothing,
        contact_id=nothing,
        closed_by=chosen("event", (still, "end_of_file")),
    )
    session, pause, hold = (spans[(audit["state"] == each).to_numpy()] for each in ("session", "pause", "hold"))
    layers = [session, pause, of_calls, hold]
    return laid_over([layer[list(_STATES)] for layer in layers if layer is not None], account)


READER = Reader(
    name="issabel",
    title="Issabel, Elastix call center (call_entry, audit)",
    yields=("contacts", "agent_states"),
    clock="wall",
    evidence="schema and source code of the product; not checked on real data",
    looks_like=looks_like,
    read=read_issabel,
    streams=True,
)
