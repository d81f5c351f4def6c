"""Cisco UCCX: ContactCallDetail, ContactQueueDetail and AgentConnectionDetail, one by one or joined, in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.errors import ColumnError
from ccstats.readers.accounting import Account
from ccstats.readers.categories import categorised, constant_category
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.masks import only
from ccstats.readers.parts import Parts
from ccstats.readers.product_tables import Rows, header_has
from ccstats.readers.settling import to_log
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.words import coded, constant, filled, of_series, to_series
from ccstats.schema import CONTACTS

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
_AGENT_NAMES = ("resourceName", "resourceLoginID", "resourceID")
#: What is needed of calls that never queued.
_OF_CALL = ["_session", "_type", "_call", "_start", "_application", "_customer", "_dnis"]
_DASH = pa.scalar("-", pa.large_string())
_NAT = np.iinfo(np.int64).min


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
    parts = Parts(options)
    for source in sources:
        rows = Rows(read_grid(source, Layout(), account), account, options)
        if rows.grid.header and not any(all(rows.has(name) for name in table) for table in (_CALL, _QUEUE, _AGENT)):
            raise ColumnError(
                f"{source.name}: the table has no column {', '.join(_QUEUE)} (ContactQueueDetail), nor those of ContactCallDetail or "
                f"AgentConnectionDetail; found {', '.join(map(repr, rows.grid.header[:40]))}"
            )
        parts.extend(rows.in_pieces(_details))
        if options.progress:
            options.progress(source.name, 1.0)
    details = parts.frame()
    contacts, twice, lost = _visits(details, account)
    _book(details, twice, lost, account, options)
    return to_log(contacts, account, options, "cisco_uccx")


def _details(rows: Rows) -> pd.DataFrame:
    """The rows of one table with what they tell: of the call, of a queue, of an agent, or of several."""
    has_queue, has_agent = rows.has("targetID"), rows.has("resourceID")
    session, seq, node = rows.text("sessionID"), rows.words("sessionSeqNum"), rows.words("nodeID")
    rows.close(session.isna() | seq.isna(), "sessionID or sessionSeqNum is blank")
    zone = rows.options.timezone or "UTC"
    alone = has_agent and not has_queue and not rows.has("contactDisposition")
    start, end = rows.instants(_START, timezone=zone).utc, rows.instants(_END, timezone=zone).utc
    agent_start = start if alone else rows.instants(_AGENT_START, timezone=zone).utc
    seconds = {name: rows.seconds(f"{name}Time") for name in ("queue", "ring", "talk", "hold", "work")}
    target, kind, agent = rows.words("targetID"), rows.words("targetType"), rows.words("resourceID")
    word = rows.words(*_QUEUE_WORD)
    rows.ignore(target.notna() & (kind == "1"), "queued for an agent (targetType 1), not for a queue")
    rows.close(target.notna() & word.isna(), "disposition is blank")
    call = rows.words("contactDisposition")
    if node.notna().any():
        session = filled(to_series(pc.binary_join_element_wise(of_series(node), of_series(session), _DASH)), session)
    if alone:
        start = end = start.mask(start.notna())
    return rows.frame(
        {
            "_session": session,
            "_seq": seq,
            "_index": rows.words("qIndex"),
            "_call": call,
            "_type": rows.words("contactType"),
            "_start": start,
            "_end": end,
            "_target": target,
            "_queue": filled(rows.words("csqName"), target) if rows.has("csqName") else target,
            "_word": word,
            "_queued_s": seconds["queue"],
            "_agent": agent,
            "_agent_name": reduce(filled, map(rows.words, filter(rows.has, _AGENT_NAMES)), constant_category(None, len(rows))),
            "_agent_start": agent_start,
            "_ring_s": seconds["ring"],
            "_talk_s": seconds["talk"],
            "_hold_s": seconds["hold"],
            "_work_s": seconds["work"],
            "_application": rows.words("applicationName", "applicationID"),
            "_customer": rows.text("originatorDN"),
            "_dnis": rows.words("calledNumber"),
        }
    )


def _visits(details: pd.DataFrame, account: Account) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Contacts, the rows that repeat an earlier one, and those of queue visits that cannot be dated."""
    session, seq, index, call, target, agent = (
        coded(details[name])[0] for name in ("_session", "_seq", "_index", "_call", "_target", "_agent")
    )
    started = details["_agent_start"].dt.tz_localize(None).to_numpy().astype("int64")
    leg = _pairs(session, seq)
    visit = _pairs(leg, index)
    answer = _pairs(_pairs(visit, agent), pd.factorize(started)[0])
    twice = _again(_pairs(_pairs(answer, call), target))
    here = np.flatnonzero(~twice)

    calls = _first(here[call[here] >= 0], leg)
    queued = here[target[here] >= 0]
    queued = queued[~_again(_pairs(visit, target)[queued])]
    word = details["_word"].iloc[queued]
    rank = categorised(word, {each: each for each in _OUTCOMES}, [*_OUTCOMES, ""], "").cat.codes.to_numpy()
    waited_s = details["_queued_s"].to_numpy()[queued]
    queued = queued[np.lexsort((np.where(np.isnan(waited_s), np.inf, -waited_s), rank))]
    several = _again(visit[queued])
    account.note(
        "in several queues at once: counted once, in the queue that answered or else the one waited in longest", int(several.sum())
    )
    queued = queued[~several]

    agents = here[agent[here] >= 0]
    agents = agents[~_again(answer[agents])]
    took = details["_talk_s"].to_numpy()[agents] > 0
    missed = np.bincount(visit[agents[~took]], minlength=len(details))
    agents = agents[took]
    # Where no start is logged it is the last.
    late = np.where(started[agents] == _NAT, np.iinfo(np.int64).max, started[agents])
    taken = _first(agents[np.argsort(late, kind="stable")], visit)
    of_call, of_agent = calls[leg[queued]], taken[visit[queued]]
    columns = {name: queued for name in ("_session", "_queue", "_word", "_queued_s")}
    columns |= {name: of_call for name in ("_call", "_start", "_end", "_customer", "_dnis")}
    columns |= {name: of_agent for name in ("_agent_name", "_agent_start", "_ring_s", "_talk_s", "_hold_s", "_work_s")}
    visits = pd.DataFrame({name: details[name].array.take(rows, allow_fill=True) for name, rows in columns.items()}, copy=False)

    outcome = categorised(visits["_word"], _OUTCOMES, CONTACTS["outcome"].vocabulary, "unknown")
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
    lost = np.zeros(len(details), dtype=bool)
    lost[queued[~dated]] = True

    seconds = {name: visits[column].where(answered) for name, column in _SECONDS.items()}
    missed_by = missed[visit[queued]]
    out = pd.DataFrame(
        {
            "contact_id": visits["_session"],
            "queue": _text(visits["_queue"]),
            "queued_at": at,
            "outcome": outcome,
            "raw_outcome": _text(visits["_word"]),
            "wait_s": visits["_queued_s"] + visits["_ring_s"].where(answered).fillna(0.0),
            **seconds,
            "agent": _text(only(visits["_agent_name"], answered)),
            "arrived_at": visits["_start"],
            "customer": visits["_customer"],
            "dnis": visits["_dnis"],
            "ring_noanswer": missed_by,
            "ring_attempts": missed_by + visits["_talk_s"].notna(),
        }
    )[dated]
    unseen = np.ones(len(calls), dtype=bool)
    unseen[leg[queued]] = False
    return _with_unqueued(out, details[_OF_CALL].iloc[np.sort(calls[(calls >= 0) & unseen])]), twice, lost


def _text(words: pd.Series) -> pd.Series:
    """Text of a category: those of queues and of what never queued have different words."""
    return to_series(of_series(words)).set_axis(words.index)


def _pairs(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Numbers of the pairs of two columns of numbers from -1, in the order they come."""
    return pd.factorize((one.astype("int64") + 1) * (int(other.max(initial=0)) + 2) + other + 1)[0]


def _again(numbers: np.ndarray) -> np.ndarray:
    """Which of them come earlier too."""
    return pd.Series(numbers).duplicated().to_numpy()


def _first(rows: np.ndarray, number: np.ndarray) -> np.ndarray:
    """The first of these rows that has each number, or -1."""
    first = np.full(int(number.max(initial=-1)) + 1, -1)
    first[number[rows[::-1]]] = rows[::-1]
    return first


_SECONDS = {"ring_s": "_ring_s", "talk_s": "_talk_s", "hold_s": "_hold_s", "wrap_s": "_work_s"}


def _with_unqueued(visits: pd.DataFrame, calls: pd.DataFrame) -> pd.DataFrame:
    """Incoming calls that ended before any queue, after those that queued."""
    alone = calls[(calls["_type"].isna() | (calls["_type"] == "1")) & calls["_call"].isin(_UNQUEUED)]
    alone = alone[alone["_start"].notna() & alone["_application"].notna()]
    nothing = np.full(len(alone), np.nan)
    more = pd.DataFrame(
        {
            "contact_id": alone["_session"],
            "queue": _text(alone["_application"]),
            "queued_at": alone["_start"].mask(alone["_start"].notna()),
            "outcome": categorised(alone["_call"], _UNQUEUED, CONTACTS["outcome"].vocabulary, "unknown").array,
            "raw_outcome": _text(alone["_call"]),
            **dict.fromkeys(["wait_s", *_SECONDS], nothing),
            "agent": constant(None, len(alone)).set_axis(alone.index),
            "arrived_at": alone["_start"],
            "customer": alone["_customer"],
            "dnis": alone["_dnis"],
            "ring_noanswer": 0,
            "ring_attempts": 0,
        }
    )
    every = pd.concat([visits, more], ignore_index=True) if len(more) else visits.reset_index(drop=True)
    return every.assign(channel=constant_category("voice", len(every)), direction=constant_category("inbound", len(every)))


def _book(details: pd.DataFrame, twice: np.ndarray, lost: np.ndarray, account: Account, options: Options) -> None:
    """One fate a row: repeated, not to be dated, or used."""
    lines, weight = (details[name].to_numpy() for name in ("_line", "_weight"))
    texts = details["_text"].to_numpy() if options.keep_text else None
    reasons = {
        "repeats an earlier row (same session, leg, queue and agent)": twice,
        "when the call joined the queue cannot be told: no row of AgentConnectionDetail or ContactCallDetail, or no queueTime": lost
        & ~twice,
    }
    for name, places in details.groupby("_source", sort=False).indices.items():
        kept = np.asarray(places)
        for reason, mask in reasons.items():
            hit = kept[mask[kept]]
            account.reject(str(name), lines[hit], reason, texts=() if texts is None else texts[hit], weight=int(weight[hit].sum()))
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
