"""Cisco UCCE, PCCE and ICM: Termination_Call_Detail, one row a call leg, dated by its end on the central controller's wall clock."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.errors import OptionError, ZoneError
from ccstats.readers.accounting import Account
from ccstats.readers.categories import categorised, chosen, constant_category
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.masks import only
from ccstats.readers.parts import Parts, alike, taken
from ccstats.readers.product_tables import Rows, header_has
from ccstats.readers.settling import settle, to_log
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.values import to_words
from ccstats.readers.words import coded, filled, joined, of_series, to_series
from ccstats.schema import CONTACTS, sortable, sorting

__all__ = ["READER", "looks_like", "read_legs"]

_NEEDED = ("RouterCallKeyDay", "RouterCallKey", "DateTime", "CallDisposition", "TalkTime")
#: Types of call that reach a queue from outside: ACD in, pre-routed, to an agent, transferred, overflowed. Blank counts as well.
_INBOUND = ("1", "2", "3", "4", "5")
#: CallDisposition of a leg that an agent was chosen for. Codes of neither table are ``unknown``.
_WITH_AGENT = {
    **dict.fromkeys(("6", "13", "14", "28", "29", "30", "34", "38", "40", "41", "52", "55", "56", "59", "62", "63", "65"), "answered"),
    **dict.fromkeys(("1", "2", "3", "4", "5", "7", "10", "36", "37"), "abandoned"),
    **dict.fromkeys(("8", "11", "12", "20", "21", "25", "26", "27", "42", "60", "61", "64"), "failed"),
    **dict.fromkeys(("17", "18"), "overflowed"),
    "22": "timed_out",
    "9": "blocked_full",
}
#: The same for legs without an agent: the voice response unit, where callers wait.
_WITHOUT_AGENT = {
    **dict.fromkeys(("1", "2", "3", "4", "5", "6", "7", "35", "36"), "abandoned"),
    **dict.fromkeys(("8", "11", "12", "20", "21", "25", "26", "27", "42", "60", "61", "64"), "failed"),
    **dict.fromkeys(("17", "18"), "overflowed"),
    "22": "timed_out",
    "9": "blocked_full",
}
#: Legs that say nothing of their own: the call goes on in another row, or is told there.
_PASSING = {
    "15": "redirected (15): the call goes on",
    "19": "ring no answer (19): the call goes on",
    "31": "duplicate transfer (31)",
    "53": "partial call (53): an interim record",
    "54": "network consult (54)",
    "57": "network consult (57)",
    "58": "requery before answer (58): the call goes on",
}
_NOT_TAKEN = ("15", "19")
_ROUTED_ON = ("13", "14", "28", "29", "30", "34", "38", "43", "52", "59", "62")
_FATES = (*CONTACTS["outcome"].vocabulary, "passing")
_DASH = pa.scalar("-", pa.large_string())
_LAYOUT = Layout()


def looks_like(head: bytes) -> bool:
    r"""Whether the header has the call key, the leg's end, its disposition and its talk time.

    Examples
    --------
    >>> looks_like(b"RecoveryKey,RouterCallKeyDay,RouterCallKey,DateTime,CallDisposition,TalkTime\n")
    True
    >>> looks_like(b"DateTime,TalkTime\n")
    False
    """
    return header_has(head, _NEEDED)


def read_legs(sources: Iterable[Source], options: Options) -> Log:
    r"""Read the table; `ccstats.read` and `ccstats.read_sql` are the ways in.

    Parameters
    ----------
    sources : iterable of Source
        Exports, frames or query results with the table's columns.
    options : Options
        With a time zone; ``queue_by="skill_group"`` names queues by skill group instead of call type.

    Returns
    -------
    Log
        ``agent_states`` is empty: they are in Agent_Event_Detail.

    Examples
    --------
    >>> rows = b"RouterCallKeyDay,RouterCallKey,DateTime,CallDisposition,TalkTime,RingTime,AgentSkillTargetID,CallTypeID\n"
    >>> rows += b"152000,7,2024-03-01 09:05:00,13,240,8,5001,5010\n"
    >>> log = read_legs([Source("tcd.csv", rows)], Options(timezone="Europe/Berlin"))
    >>> log.contacts[["queue", "outcome", "wait_s", "talk_s"]].to_dict("records")
    [{'queue': '5010', 'outcome': 'answered', 'wait_s': 8.0, 'talk_s': 240.0}]
    """
    if options.timezone is None:
        raise ZoneError("a log of format 'cisco_ucce' holds local times; pass the central controller's zone, as timezone='Europe/Berlin'")
    queue_by = options.extra.get("queue_by", "call_type")
    if queue_by not in ("call_type", "skill_group"):
        raise OptionError(f"queue_by={queue_by!r}: expected 'call_type' or 'skill_group'")
    account = Account(options)
    parts = Parts(options)
    for source in sources:
        rows = Rows(read_grid(source, _LAYOUT, account), account, options, needed=_NEEDED)
        parts.extend(rows.in_pieces(partial(_legs, queue_by=str(queue_by))))
        if options.progress:
            options.progress(source.name, 1.0)
    legs = settle(parts, account, options, same=["record"], called="RecoveryKey", rule="leg")
    del legs["record"]
    return to_log(_refused(legs), account, options, "cisco_ucce")


def _legs(rows: Rows, queue_by: str) -> pd.DataFrame:
    code, kind = rows.words("CallDisposition"), rows.words("PeripheralCallType")
    agent_id = to_words(rows.words("AgentSkillTargetID"), ("0", "-1"))
    rows.ignore(kind.notna() & ~kind.isin(_INBOUND), "PeripheralCallType is none of a call that comes in to a queue (1 to 5)")
    seen, none = set(coded(code)[1]), np.zeros(len(rows), dtype=bool)
    for each, rule in _PASSING.items():
        if each not in _NOT_TAKEN:
            rows.ignore(code == each if each in seen else none, rule)
    alone = agent_id.isna()
    rows.ignore(alone & code.isin(_ROUTED_ON), "leg in the voice response unit that was handled there or routed on")
    rows.ignore(alone & code.isin(_NOT_TAKEN), "leg without an agent that was redirected")

    day, key, recovery = rows.words("RouterCallKeyDay"), rows.text("RouterCallKey"), rows.text("RecoveryKey")
    known = day.notna() & key.notna() & (key != "0")
    prefix = filled(only(day, known), constant_category("recovery", len(rows)))
    contact = to_series(pc.binary_join_element_wise(*map(of_series, (prefix, filled(only(key, known), recovery))), _DASH))
    rows.close(contact.isna(), "RouterCallKeyDay, RouterCallKey and RecoveryKey are blank")
    rows.close(code.isna(), "CallDisposition is blank")
    rows.note(~known, "not routed (no RouterCallKey): the row's RecoveryKey is the contact")
    ended = rows.instants("DateTime", timezone=rows.options.timezone)
    rows.close(ended.utc.isna(), "DateTime is blank")
    ring, talk, hold, work = (rows.seconds(f"{name}Time") for name in ("Ring", "Talk", "Hold", "Work"))
    delay, local, aband, duration = (
        rows.seconds("DelayTime"),
        rows.seconds("LocalQTime"),
        rows.seconds("TimeToAband"),
        rows.seconds("Duration"),
    )
    network = _network(rows)
    _check_zone(rows, ended.utc)

    outcome = categorised(code, _WITHOUT_AGENT, _FATES, "unknown").where(alone, categorised(code, _WITH_AGENT, _FATES, "unknown"))
    passing = code.isin(_NOT_TAKEN) & ~alone
    outcome = outcome.mask(passing, "passing")
    answered = outcome == "answered"
    # At the peripheral a leg waits for the switch, in its queue, and rings; before that it waits in the network.
    here = local.fillna(0) + delay.fillna(0) + ring.fillna(0)
    handled = talk.fillna(0) + hold.fillna(0) + work.fillna(0)
    left = here.mask(~answered & (aband > 0), aband)
    lasted = duration.fillna(here + handled).where(answered, left.where(duration.isna() | (aband > 0), duration))
    before = network.fillna(0).mask(alone, 0.0)
    told = answered & duration.notna() & ((duration - here - handled).abs() > 1)
    rows.note(told, "Duration is not LocalQTime + DelayTime + RingTime + TalkTime + HoldTime + WorkTime: wait_s is as logged")
    wait = left + before
    rows.close(wait >= 366 * 86_400, "the wait would be above a year")
    outside = outcome == "blocked_full"
    queued = ended.utc - pd.to_timedelta((lasted + before).clip(upper=400 * 86_400.0).round(3), unit="s")

    by_type, by_skill = _first(rows, "CallTypeName", "CallTypeID"), _first(rows, "SkillGroupName", "SkillGroupSkillTargetID")
    first, second = (by_type, by_skill) if queue_by == "call_type" else (by_skill, by_type)
    rows.note(
        first.isna() & second.notna() & ~passing, f"no {queue_by}: the queue is the {'skill group' if first is by_type else 'call type'}"
    )
    queue = filled(filled(first, second), rows.words("ServiceSkillTargetID"))
    rows.close(queue.isna() & ~passing, "CallTypeID, SkillGroupSkillTargetID and ServiceSkillTargetID are blank")
    domain, agent = rows.words("MRDomainID"), filled(rows.words("AgentName"), agent_id)
    record = recovery
    if recovery.isna().any():
        record = filled(recovery, joined("|", contact, ended.utc.astype("str"), agent_id, code))
    ended_by = chosen(None, ((code.eq("6") | outcome.eq("abandoned")) & ~passing, "customer"))
    return rows.frame(
        {
            "record": record,
            "contact_id": contact,
            "channel": chosen("voice", (domain.notna() & ~domain.isin(["0", "1"]), "task")),
            "direction": constant_category("inbound", len(rows)),
            "queue": queue,
            "queued_at": queued.mask(outside),
            "outcome": outcome,
            "raw_outcome": code,
            "wait_s": wait.mask(outside),
            "ring_s": ring.where(answered),
            "talk_s": talk.where(answered),
            "hold_s": hold.where(answered),
            "wrap_s": work.where(answered),
            "agent": only(agent, answered),
            "arrived_at": queued.where(outside),
            "ended_by": ended_by,
            "customer": rows.text("ANI"),
            "dnis": _first(rows, "DNIS", "DigitsDialed"),
            "_ended": ended.utc,
        }
    )


def _first(rows: Rows, name: str, other: str) -> pd.Series:
    """Words of the first column, and of the other one where that is blank or not there."""
    return filled(rows.words(name), rows.words(other)) if rows.has(name) and rows.has(other) else rows.words(name, other)


def _network(rows: Rows) -> pd.Series:
    """Seconds in the network's queue, before the leg; the skill group's figure where it is known, else the enterprise queue's."""
    skill, enterprise = rows.seconds("NetworkSkillGroupQTime"), rows.seconds("EnterpriseQueueTime")
    return skill.where(skill > 0, enterprise).fillna(skill)


def _check_zone(rows: Rows, ended: pd.Series) -> None:
    """Count the rows whose own bias is not that of the zone named."""
    bias, zone = rows.numbers("TimeZone"), rows.options.timezone
    other = np.zeros(len(rows), dtype=bool)
    if bias.notna().any() and zone is not None:
        wall, utc = (each.dt.tz_localize(None).to_numpy() for each in (ended.dt.tz_convert(zone), ended))
        other = np.abs(bias.to_numpy() + (wall - utc) / np.timedelta64(1, "m")) > 0
    rows.note(other, "TimeZone of the row is not the zone named (bias in minutes, with or without summer time)")


def _refused(legs: pd.DataFrame) -> pd.DataFrame:
    """Without the offers that were not taken: they are counted at the next visit of the same contact."""
    order = sorting([sortable(legs["contact_id"]), sortable(legs.pop("_ended"))])
    order = np.arange(len(legs)) if order is None else order
    offer = (legs["outcome"] == "passing").to_numpy()[order]
    # Offers since the contact's last leg that was none, or since its first leg.
    begins = np.append(True, ~alike(pa.table({"contact": sortable(legs["contact_id"])}), order))[: len(order)]
    first = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
    offers = np.append(0, np.cumsum(offer))
    kept = np.flatnonzero(~offer)
    since = np.maximum(np.append(0, kept[:-1])[: len(kept)], first[kept])
    missed = offers[kept] - offers[since]
    legs = taken(legs, order[kept])
    return legs.assign(ring_noanswer=missed, ring_attempts=missed + (legs["outcome"] == "answered").to_numpy())


READER = Reader(
    name="cisco_ucce",
    title="Cisco UCCE, PCCE, ICM: Termination_Call_Detail",
    yields=("contacts",),
    clock="wall",
    evidence="from documentation (database schema handbooks); not seen on real data",
    looks_like=looks_like,
    read=read_legs,
    options=("queue_by",),
    streams=True,
)
