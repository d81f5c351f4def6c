"""Talkdesk: the reports ``calls`` and ``contacts`` of the Explore API, one row a call or a contact, in UTC."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError
from ccstats.readers.accounting import Account
from ccstats.readers.categories import categorised, chosen, constant_category, each_category
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.masks import only
from ccstats.readers.parts import Parts
from ccstats.readers.product_tables import Rows, header_has
from ccstats.readers.settling import settle, to_log
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.words import filled
from ccstats.schema import CONTACTS

__all__ = ["READER", "looks_like", "read_report"]

_CALLS = ("call_id", "type", "start_at", "wait_time", "talk_time", "ring_groups")
_CONTACTS = ("interaction_id", "contact_id", "contact_type", "started_at", "wait_time", "talk_time", "ring_groups")
#: Columns of the two reports that say the same.
_SAME = {
    "calls": {
        "contact": ("call_id",), "word": ("type",), "start": "start_at", "wrap": "", "ring": "total_ringing_time",
        "customer": ("contact_phone_number",), "dnis": ("talkdesk_phone_number",), "agent": ("user_name", "user_id", "handling_user_name"),
        "callback": "is_callback_from_queue",
    },
    "contacts": {
        "contact": ("interaction_id",), "word": ("contact_type",), "start": "started_at", "wrap": "after_call_work_time",
        "ring": "ring_time",
        "customer": ("contact_person_number", "contact_phone_number"), "dnis": ("talkdesk_phone_number", "company_number"),
        "agent": ("user_name", "user_id"), "callback": "callback",
    },
}  # fmt: skip
#: ``type`` and ``contact_type``.
_OUTCOMES = {
    "inbound": "answered",
    "answered": "answered",
    "abandoned": "abandoned",
    "short_abandoned": "abandoned",
    "missed": "timed_out",
    "voicemail": "voicemail",
    "after_hours": "blocked_closed",
}
_OUTBOUND = ("outbound", "outbound_missed", "connected", "not_connected")
#: How long a caller who was not answered stayed, by outcome: the first of these that is logged and above zero, else wait_time.
_STAYED = {"abandoned": ("abandon_time", "short_abandon_time"), "timed_out": ("time_to_missed",), "voicemail": ("time_to_voicemail",)}


def looks_like(head: bytes) -> bool:
    r"""Whether the header is that of the report on calls or on contacts.

    Examples
    --------
    >>> looks_like(b"call_id,callsid,type,start_at,end_at,talk_time,wait_time,ring_groups\n")
    True
    >>> looks_like(b"call_id,type\n")
    False
    """
    return header_has(head, _CALLS, _CONTACTS)


def read_report(sources: Iterable[Source], options: Options) -> Log:
    r"""Read one of the two reports; `ccstats.read` and `ccstats.read_sql` are the ways in.

    Parameters
    ----------
    sources : iterable of Source
        Exports, frames or query results, all of the same report: both would count every call twice.
    options : Options
        With ``timezone`` if times without a zone are not in UTC.

    Returns
    -------
    Log
        ``agent_states`` is empty: they are in the report on user status.

    Raises
    ------
    ColumnError
        If a table is neither report, or there are both.

    Examples
    --------
    >>> rows = b"call_id,type,start_at,talk_time,wait_time,ring_groups,user_name\n7,inbound,2024-03-01T08:00:00Z,90,20,sales,Ada\n"
    >>> read_report([Source("calls.csv", rows)], Options()).contacts[["queue", "outcome", "wait_s", "talk_s"]].to_dict("records")
    [{'queue': 'sales', 'outcome': 'answered', 'wait_s': 20.0, 'talk_s': 90.0}]
    """
    account = Account(options)
    parts, seen = Parts(options), set()
    for source in sources:
        grid = read_grid(source, Layout(), account)
        report = "contacts" if Rows(grid, account, options).has("contact_type") else "calls"
        seen |= {report} if grid.header else set()
        if len(seen) > 1:
            raise ColumnError(f"{source.name} is the report on {report}, and another source is not: read one report, or calls count twice")
        rows = Rows(grid, account, options, needed=_CONTACTS if report == "contacts" else _CALLS)
        parts.extend(rows.in_pieces(partial(_contacts, report=report)))
        if options.progress:
            options.progress(source.name, 1.0)
    same = ["contact_id", "_part", "_start", "raw_outcome", "_user"]
    contacts = settle(parts, account, options, same=same, called="id, start, type and user", rule="contact", ordered=True)
    return to_log(contacts, account, options, "talkdesk")


def _contacts(rows: Rows, report: str) -> pd.DataFrame:
    names = _SAME[report]
    zone = rows.options.timezone or "UTC"
    word = rows.words(*names["word"])
    plain = each_category(word, lambda each: re.sub(r"[\s-]+", "_", each.casefold()))
    rows.ignore(
        plain.isin(_OUTBOUND) | (each_category(rows.words("direction"), str.casefold) == "outbound"), "outbound: no visit to a queue"
    )
    contact = rows.text(*names["contact"])
    rows.close(contact.isna(), f"{names['contact'][0]} is blank")
    start = rows.instants(str(names["start"]), timezone=zone).utc
    rows.close(start.isna(), f"{names['start']} is blank")
    at_answer = rows.instants("answered_at", timezone=zone).utc
    wait, talk, hold, total = (rows.seconds(f"{name}_time") for name in ("wait", "talk", "hold", "total"))
    ring = rows.seconds(str(names["ring"]))
    wrap = rows.seconds(str(names["wrap"])) if names["wrap"] else pd.Series(np.full(len(rows), np.nan))
    for name, values in {"wait_time": wait, "talk_time": talk, "hold_time": hold}.items():
        rows.close((values > 0) & (values < 0.5), f"{name} is a fraction of a day, as in the report explore_calls; export seconds")

    outcome = categorised(plain, _OUTCOMES, CONTACTS["outcome"].vocabulary, "unknown")
    for each, columns in _STAYED.items():
        for column in filter(rows.has, columns[::-1]):
            stayed = rows.seconds(column)
            wait = wait.mask((outcome == each) & (stayed > 0), stayed)
    answered, outside = outcome == "answered", outcome == "blocked_closed"
    rows.close(answered & wait.isna(), "wait_time of an answered contact is blank")
    rows.note(
        ((at_answer - start).dt.total_seconds() - wait).abs().where(answered) > 1, "wait_time is not answered_at - started_at: as logged"
    )
    rows.note((wait + talk).where(answered) > total + 1, "wait_time and talk_time are longer than total_time: as logged")
    queue = rows.words("ring_groups")
    rows.note(queue.isna(), "ring_groups is blank: the queue is the number called")
    queue = filled(queue, rows.words(*names["dnis"]))
    rows.close(queue.isna(), f"ring_groups and {names['dnis'][0]} are blank")
    user, many = rows.words(*names["agent"]), len(rows)
    return rows.frame(
        {
            "contact_id": contact,
            "channel": chosen("voice", (rows.flags(str(names["callback"])), "callback")),
            "direction": constant_category("inbound", many),
            "queue": queue,
            "queued_at": start.mask(outside),
            "outcome": outcome,
            "raw_outcome": word,
            "wait_s": wait.mask(outside),
            "ring_s": ring.where(answered),
            "talk_s": talk.where(answered),
            "hold_s": hold.where(answered),
            "wrap_s": wrap.where(answered),
            "agent": only(user, answered),
            "arrived_at": start.where(outside),
            "ended_by": chosen(None, (outcome == "abandoned", "customer")),
            "customer": rows.text(*names["customer"]),
            "dnis": rows.words(*names["dnis"]),
            "disposition": rows.words("disposition_code"),
            "_part": rows.text("contact_id") if report == "contacts" else contact,
            "_start": start,
            "_user": user,
        }
    )


READER = Reader(
    name="talkdesk",
    title="Talkdesk: reports calls and contacts of the Explore API",
    yields=("contacts",),
    clock="utc",
    evidence="from a public connector's schema and documentation; not seen on real data",
    looks_like=looks_like,
    read=read_report,
    streams=True,
)
