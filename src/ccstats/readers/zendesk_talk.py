"""Zendesk Talk: the calls of the incremental export as a table, one row a call and version, in UTC."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ccstats.readers.accounting import Account
from ccstats.readers.categories import chosen, constant_category, each_category
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.masks import only
from ccstats.readers.parts import Parts
from ccstats.readers.product_tables import Rows, header_has
from ccstats.readers.settling import settle, to_log
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.words import each_combination, filled

__all__ = ["READER", "looks_like", "read_calls"]

_NEEDED = ("id", "created_at", "direction", "completion_status", "wait_time", "talk_time")
_MARK = (*_NEEDED, "time_to_answer")
#: completion_status; what ``completed`` means depends on whether an agent, the voice mail or neither took the call.
_OUTCOMES = {
    "abandoned_in_queue": "abandoned",
    "abandoned_in_voicemail": "abandoned",
    "not_answered": "abandoned",
    "abandoned_in_ivr": "ivr_abandoned",
    "abandoned_on_hold": "answered",
    "pending_voicemail": "voicemail",
    "not_available": "left_empty",
    "failed": "failed",
}
_GAVE_UP = ("abandoned_in_queue", "abandoned_in_voicemail", "abandoned_in_ivr", "abandoned_on_hold", "not_answered")
_GROUPS = ("call_group_name", "call_group_id")
#: What is taken for the queue of a call without a group.
_OTHERS = ("ivr_destination_group_name", "phone_number", "line", "phone_number_id")


def looks_like(head: bytes) -> bool:
    r"""Whether the header is that of the export's calls.

    Examples
    --------
    >>> looks_like(b"id,created_at,updated_at,direction,completion_status,talk_time,wait_time,time_to_answer\n")
    True
    >>> looks_like(b"id,created_at,direction\n")
    False
    """
    return header_has(head, _MARK)


def read_calls(sources: Iterable[Source], options: Options) -> Log:
    r"""Read the calls; `ccstats.read` and `ccstats.read_sql` are the ways in.

    Parameters
    ----------
    sources : iterable of Source
        Exports, frames or query results.
    options : Options
        With ``timezone`` if times without a zone are not in UTC.

    Returns
    -------
    Log
        ``agent_states`` is empty.

    Examples
    --------
    >>> rows = b"id,created_at,direction,agent_id,call_group_id,completion_status,time_to_answer,wait_time,talk_time\n"
    >>> rows += b"7,2024-03-01T08:00:00Z,inbound,31,4,completed,25,20,90\n"
    >>> read_calls([Source("calls.csv", rows)], Options()).contacts[["queue", "outcome", "wait_s", "talk_s"]].to_dict("records")
    [{'queue': '4', 'outcome': 'answered', 'wait_s': 20.0, 'talk_s': 90.0}]
    """
    account = Account(options)
    parts = Parts(options)
    for source in sources:
        parts.extend(Rows(read_grid(source, Layout(), account), account, options, needed=_NEEDED).in_pieces(_calls))
        if options.progress:
            options.progress(source.name, 1.0)
    calls = settle(parts, account, options, same=["contact_id"], newest="_updated", rule="call", ordered=True)
    return to_log(calls, account, options, "zendesk_talk")


def _calls(rows: Rows) -> pd.DataFrame:
    zone = rows.options.timezone or "UTC"
    direction, word = (each_category(rows.words(name), str.casefold) for name in ("direction", "completion_status"))
    rows.ignore(direction == "outbound", "outbound: no visit to a queue")
    rows.close(direction.notna() & (direction != "inbound"), "direction is neither inbound nor outbound")
    number = rows.text("id")
    rows.close(number.isna(), "id is blank")
    created = rows.instants("created_at", timezone=zone).utc
    rows.close(created.isna(), "created_at is blank")
    updated = rows.instants("updated_at", timezone=zone).utc
    names = ("wait_time", "time_to_answer", "talk_time", "hold_time", "wrap_up_time", "ivr_time_spent")
    wait, to_answer, talk, hold, wrap, menu = (rows.seconds(name) for name in names)

    agent_id, voicemail = rows.words("agent_id"), rows.flags("voicemail") | rows.flags("customer_requested_voicemail")
    taken = agent_id.notna() & ~voicemail
    elsewhere = rows.flags("overflowed") | rows.words("ivr_routed_to").notna()
    outcome = each_combination(_outcome, word, taken, voicemail, elsewhere, rows.flags("outside_business_hours"))
    answered = outcome == "answered"
    outside = outcome.isin(["ivr_abandoned", "blocked_closed"])

    rows.close(answered & wait.isna(), "wait_time of an answered call is blank")
    # Answered calls are dated from the answer, as greetings and consent come before the queue and are not in the menu's time.
    known = answered & (to_answer >= wait) & (to_answer > 0)
    rows.note(answered & ~known, "time_to_answer is blank or shorter than wait_time: the queue is dated by the menu's time")
    before = (to_answer - wait).where(known, menu.fillna(0.0))
    queued = created + pd.to_timedelta(before.fillna(0.0), unit="s")
    group = rows.words(*_GROUPS)
    queue = filled(group, rows.words(*_OTHERS)) if group.hasnans else group
    rows.note(group.isna(), "no call group: the queue is the menu's group, or else the line")
    rows.close(queue.isna(), f"no {', '.join((*_GROUPS, *_OTHERS)[1:])}")
    many = len(rows)
    return rows.frame(
        {
            "contact_id": number,
            "channel": chosen("voice", (rows.flags("callback"), "callback")),
            "direction": constant_category("inbound", many),
            "queue": queue,
            "queued_at": queued.mask(outside),
            "outcome": outcome,
            "raw_outcome": word,
            "wait_s": wait.mask(outside),
            "ring_s": np.full(many, np.nan),
            "talk_s": talk.where(answered),
            "hold_s": hold.where(answered),
            "wrap_s": wrap.where(answered),
            "agent": only(rows.words("agent_name", "agent_id"), answered),
            "arrived_at": created,
            "ivr_s": menu,
            "ended_by": chosen(None, (word.isin(_GAVE_UP), "customer")),
            "customer": rows.text("customer_id"),
            "dnis": rows.words("phone_number", "line"),
            "_updated": updated,
        }
    )


def _outcome(word: str | None, taken: bool, voicemail: bool, elsewhere: bool, closed: bool) -> str:
    """The outcome of a call by its completion status, whether an agent took it or a machine, and whether it came while all were closed."""
    outcome = _OUTCOMES.get(word or "", "unknown")
    if word == "completed":
        outcome = "answered" if taken else "voicemail" if voicemail else "overflowed" if elsewhere else outcome
    if closed and not taken and outcome in ("voicemail", "unknown", "left_empty", "ivr_abandoned"):
        return "blocked_closed"
    return outcome


READER = Reader(
    name="zendesk_talk",
    title="Zendesk Talk: calls of the incremental export",
    yields=("contacts",),
    clock="utc",
    evidence="from a public connector's schema and documentation; not seen on real data",
    looks_like=looks_like,
    read=read_calls,
    streams=True,
)
