"""Cisco UCCX: ContactCallDetail, ContactQueueDetail and AgentConnectionDetail, one by one or joined, in UTC."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.product_tables import Rows, header_has, to_log
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.words import constant, looked_up

__all__ = ["READER", "looks_like", "read_details"]

_CALL = ("sessionID", "sessionSeqNum", "contactDisposition")
_QUEUE = ("sessionID", "sessionSeqNum", "targetID", "queueTime")
_AGENT = ("sessionID", "sessionSeqNum", "resourceID", "talkTime")
#: ContactQueueDetail.disposition; a call in several queues at once is told by the first of these that one of them has.
_OUTCOMES = {"2": "answered", "1": "abandoned", "4": "overflowed", "3": "overflowed", "5": "overflowed"}
#: ContactCallDetail.contactDisposition of calls that never queued: abandoned in the script, rejected.
_UNQUEUED = {"1": "ivr_abandoned", "5": "blocked_full"}
_ABORTED = "4"
#: What each column is called in a table of its own, and in a join of all three.
_START, _END, _AGENT_START, _QUEUE_WORD = "startDateTime", "endDateTime", "agentStart", ("queueDisposition", "disposition")
_LEG, _VISIT = ["_session", "_seq"], ["_session", "_seq", "_index"]


def looks_like(head: bytes) -> bool:
    r"""Whether the header is that of one of the three tables, or of a join of them.

    Examples
    --------
    >>> looks_like(b"sessionID,sessionSeqNum,nodeID,profileID,targetType,targetID,qIndex,disposition,queueTime\n")
    True
    >>> looks_like(b"sessionID,queueTime\n")
    False
    """
    return header_has(head, _CALL, _QUEUE, _AGENT)


def read_details(sources: Iterable[Source], options: Options) -> Log:
    r"""Read the detail tables; `ccstats.read` and `ccstats.read_sql` are the ways in.

    Parameters
    ----------
    sources : iterable of Source
        Exports, frames or query results: the three tables in any order, or a join of them.
    options : Options
        With ``timezone`` if the times are not in UTC, as in reports.

    Returns
    -------
    Log
        ``agent_states`` is empty: they are in AgentStateDetail.

    Raises
    ------
    ColumnError
        If a table is none of the three.

    Examples
    --------
    >>> rows = b"sessionID,sessionSeqNum,targetID,disposition,queueTime,resourceID,agentStart,ringTime,talkTime\n"
    >>> rows += b"100,0,7,2,20,31,2024-03-01 08:00:20,5,90\n"
    >>> read_details([Source("join.csv", rows)], Options()).contacts[["queue", "outcome", "wait_s", "talk_s"]].to_dict("records")
    [{'queue': '7', 'outcome': 'answered', 'wait_s': 25.0, 'talk_s': 90.0}]
    """
    account = Account(options)
    parts = []
    for source in sources:
        rows = Rows(read_grid(source, Layout(), account), account, options)
        if rows.grid.header and not any(all(rows.has(name) for name in table) for table in (_CALL, _QUEUE, _AGENT)):
            raise ColumnError(
                f"{source.name}: the table has no column {', '.join(_QUEUE)} (ContactQueueDetail), nor those of ContactCallDetail or "
                f"AgentConnectionDetail; found {', '.join(map(repr, rows.grid.header[:40]))}"
            )
        parts.append(_details(rows, options))
        if options.progress:
            options.progress(source.name, 1.0)
    details = pd.concat(parts, ignore_index=True)
    key = [*_VISIT, "_call", "_target", "_agent", "_agent_start"]
    twice = details.duplicated(key).to_numpy(dtype=bool)
    contacts, lost = _visits(details[~twice], account)
    _book(details, twice, details.index.isin(lost), account, options)
    return to_log(contacts, account, options, "cisco_uccx")


def _details(rows: Rows, options: Options) -> pd.DataFrame:
    """The rows of one table with what they tell: of the call, of a queue, of an agent, or of several."""
    has_queue, has_agent = rows.has("targetID"), rows.has("resourceID")
    session, seq, node = rows.text("sessionID"), rows.text("sessionSeqNum"), rows.text("nodeID")
    rows.close(session.isna() | seq.isna(), "sessionID or sessionSeqNum is blank")
    zone = options.timezone or "UTC"
    alone = has_agent and not has_queue and not rows.has("contactDisposition")
    start, end = rows.instants(_START, timezone=zone).utc, rows.instants(_END, timezone=zone).utc
    agent_start = start if alone else rows.instants(_AGENT_START, timezone=zone).utc
    seconds = {name: rows.seconds(f"{name}Time") for name in ("queue", "ring", "talk", "hold", "work")}
    target, kind, agent = rows.text("targetID"), rows.text("targetType"), rows.text("resourceID")
    word = rows.text(*_QUEUE_WORD)
    rows.ignore(target.notna() & (kind == "1"), "queued for an agent (targetType 1), not for a queue")
    rows.close(target.notna() & word.isna(), "disposition is blank")
    call = rows.text("contactDisposition")
    order = pd.to_numeric(seq, errors="coerce")
    return rows.frame(
        {
            "_session": session.where(node.isna(), node + "-" + session),
            "_seq": seq,
            "_order": order,
            "_index": rows.text("qIndex").fillna(""),
            "_call": call,
            "_type": rows.text("contactType"),
            "_start": start.where(~pd.Series([alone] * len(rows))),
            "_end": end.where(~pd.Series([alone] * len(rows))),
            "_target": target,
            "_queue": rows.text("csqName", "targetID"),
            "_word": word,
            "_queued_s": seconds["queue"],
            "_agent": agent,
            "_agent_name": rows.text("resourceName", "resourceLoginID", "resourceID"),
            "_agent_start": agent_start,
            "_ring_s": seconds["ring"],
            "_talk_s": seconds["talk"],
            "_hold_s": seconds["hold"],
            "_work_s": seconds["work"],
            "_application": rows.text("applicationName", "applicationID"),
            "_customer": rows.text("originatorDN"),
            "_dnis": rows.text("calledNumber"),
        }
    )


def _visits(details: pd.DataFrame, account: Account) -> tuple[pd.DataFrame, pd.Index]:
    """Contacts, and the rows of queue visits that cannot be dated."""
    # Numbers are compared faster than texts.
    details = details.assign(_leg=details.groupby(_LEG, sort=False).ngroup())
    details["_visit"] = details.groupby(["_leg", "_index"], sort=False).ngroup()
    calls = details[details["_call"].notna()].drop_duplicates("_leg")
    calls = calls[["_leg", "_session", "_order", "_call", "_type", "_start", "_end", "_application", "_customer", "_dnis"]]
    queued = details[details["_target"].notna()].drop_duplicates(["_visit", "_target"])
    rank = queued["_word"].map({word: at for at, word in enumerate(_OUTCOMES)}).fillna(len(_OUTCOMES))
    queued = queued.assign(_rank=rank, _row=queued.index).sort_values(["_rank", "_queued_s"], ascending=[True, False], kind="stable")
    several = queued.duplicated("_visit")
    account.note(
        "in several queues at once: counted once, in the queue that answered or else the one waited in longest", int(several.sum())
    )
    queued = queued[~several][["_leg", "_visit", "_session", "_order", "_row", "_queue", "_word", "_queued_s"]]

    agents = details[details["_agent"].notna()].drop_duplicates(["_visit", "_agent", "_agent_start"])
    took = agents["_talk_s"] > 0
    missed = agents[~took].groupby("_visit").size()
    taken = agents[took].sort_values("_agent_start", kind="stable").drop_duplicates("_visit")
    taken = taken[["_visit", "_agent_name", "_agent_start", "_ring_s", "_talk_s", "_hold_s", "_work_s"]]
    visits = queued.merge(calls.drop(columns=["_order", "_session"]), on="_leg", how="left").merge(taken, on="_visit", how="left")

    outcome = looked_up(visits["_word"], _OUTCOMES).fillna("unknown")
    outcome = outcome.mask((outcome == "abandoned") & (visits["_call"] == _ABORTED), "failed")
    answered = outcome == "answered"
    account.note(
        "handled by the queue, but no agent's row with talk: agent and talk are missing", int((answered & visits["_talk_s"].isna()).sum())
    )
    waited = pd.to_timedelta(visits["_queued_s"].fillna(0.0), unit="s")
    left = visits["_agent_start"].where(answered, visits["_end"].where(outcome.isin(["abandoned", "failed"])))
    passed_on = left.isna() & visits["_start"].notna()
    account.note("when it left the queue is not logged: the start of the call's leg stands for when it joined", int(passed_on.sum()))
    at = (left - waited).where(~passed_on, visits["_start"])
    account.note("queueTime is blank: wait_s is missing", int(visits["_queued_s"].isna().sum()))
    dated = at.notna() & ~(answered & visits["_queued_s"].isna())
    lost = pd.Index(visits.loc[~dated, "_row"])

    seconds = {name: visits[column].where(answered) for name, column in _SECONDS.items()}
    missed_by = visits["_visit"].map(missed).fillna(0).astype("int64")
    out = pd.DataFrame(
        {
            "contact_id": visits["_session"],
            "queue": visits["_queue"],
            "queued_at": at,
            "outcome": outcome,
            "raw_outcome": visits["_word"],
            "wait_s": visits["_queued_s"] + visits["_ring_s"].where(answered).fillna(0.0),
            **seconds,
            "agent": visits["_agent_name"].where(answered),
            "arrived_at": visits["_start"],
            "customer": visits["_customer"],
            "dnis": visits["_dnis"],
            "ring_noanswer": missed_by,
            "ring_attempts": missed_by + visits["_talk_s"].notna(),
            "_order": visits["_order"],
        }
    )[dated]
    return _with_unqueued(out, calls, queued), lost


_SECONDS = {"ring_s": "_ring_s", "talk_s": "_talk_s", "hold_s": "_hold_s", "wrap_s": "_work_s"}


def _with_unqueued(visits: pd.DataFrame, calls: pd.DataFrame, queued: pd.DataFrame) -> pd.DataFrame:
    """Incoming calls that ended before any queue, after those that queued."""
    unseen, incoming = ~calls["_leg"].isin(queued["_leg"]), calls["_type"].fillna("1") == "1"
    alone = calls[unseen & incoming & calls["_call"].isin(_UNQUEUED)]
    alone = alone[alone["_start"].notna() & alone["_application"].notna()]
    nothing = np.full(len(alone), np.nan)
    more = pd.DataFrame(
        {
            "contact_id": alone["_session"],
            "queue": alone["_application"],
            "queued_at": alone["_start"].mask(alone["_start"].notna()),
            "outcome": looked_up(alone["_call"], _UNQUEUED),
            "raw_outcome": alone["_call"],
            **dict.fromkeys(["wait_s", *_SECONDS], nothing),
            "agent": constant(None, len(alone)).set_axis(alone.index),
            "arrived_at": alone["_start"],
            "customer": alone["_customer"],
            "dnis": alone["_dnis"],
            "ring_noanswer": 0,
            "ring_attempts": 0,
            "_order": alone["_order"],
        }
    )
    every = pd.concat([visits, more], ignore_index=True) if len(more) else visits.reset_index(drop=True)
    return every.assign(channel="voice", direction="inbound")


def _book(details: pd.DataFrame, twice: np.ndarray, lost: np.ndarray, account: Account, options: Options) -> None:
    """One fate a row: repeated, not to be dated, or used."""
    lines, weight, texts = (details[name].to_numpy() for name in ("_line", "_weight", "_text"))
    reasons = {
        "repeats an earlier row (same session, leg, queue and agent)": twice,
        "when the call joined the queue cannot be told: no row of AgentConnectionDetail or ContactCallDetail, or no queueTime": lost
        & ~twice,
    }
    for name, places in details.groupby("_source", sort=False).indices.items():
        kept = np.asarray(places)
        for reason, mask in reasons.items():
            hit = kept[mask[kept]]
            account.reject(str(name), lines[hit], reason, texts=texts[hit] if options.keep_text else (), weight=int(weight[hit].sum()))
            kept = kept[~mask[kept]]
        account.count(str(name), "used", "detail", int(weight[kept].sum()))


READER = Reader(
    name="cisco_uccx",
    title="Cisco UCCX: ContactCallDetail, ContactQueueDetail, AgentConnectionDetail",
    yields=("contacts",),
    clock="utc",
    evidence="from documentation (database schema and report developer guides); not seen on real data",
    looks_like=looks_like,
    read=read_details,
    streams=True,
)
