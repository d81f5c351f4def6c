"""VICIdial and GoAutoDial: vicidial_closer_log (one row a visit to an in-group) and vicidial_agent_log (one row a cycle of an agent)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.product_tables import Rows, header_has, of_two_tables, settle, to_log
from ccstats.readers.spans import whole_spans
from ccstats.readers.words import constant, joined, looked_up
from ccstats.schema import CONTACTS

__all__ = ["READER", "looks_like", "read_vicidial"]

_CLOSER = ("closecallid", "campaign_id", "start_epoch", "length_in_sec", "status", "user", "queue_seconds")
_AGENT = ("agent_log_id", "user", *(f"{phase}_{what}" for phase in ("pause", "wait", "talk", "dispo") for what in ("epoch", "sec")))

#: Users that are no people: a call that is filed under one never reached an agent.
_NOBODY = ("VDCL", "VDAD")
#: What the system itself writes as status where no agent took the call. Of two words the first is for calls that never waited
#: (queue_seconds 0: refused at the door), the second for those that did.
_STATUS: dict[str, str | tuple[str, str]] = {
    "QVMAIL": "voicemail",
    "TIMEOT": "timed_out",
    "HOLDTO": "exited_key",
    "HXFER": "exited_key",
    "AFTHRS": ("blocked_closed", "timed_out"),
    "CLOSOP": ("blocked_closed", "timed_out"),
    "NANQUE": ("blocked_empty", "left_empty"),
    "IQNANQ": "left_empty",
    "MAXCAL": ("blocked_full", "overflowed"),
    "IVRXFR": "overflowed",
    "RQXFER": "overflowed",
    "QUEUE": "open",
    "LIVE": "open",
    "INCALL": "open",
    "INBND": "open",
}
#: Where the status is DROP, XDROP or one the agents may choose, term_reason says it.
_REASON: dict[str, str | tuple[str, str]] = {
    "ABANDON": "abandoned",
    "CALLER": "abandoned",
    "QUEUETIMEOUT": "timed_out",
    "HOLDTIME": "exited_key",
    "HOLDRECALLXFER": "overflowed",
    "AFTERHOURS": ("blocked_closed", "timed_out"),
    "CLOSETIME": ("blocked_closed", "timed_out"),
    "NOAGENT": ("blocked_empty", "left_empty"),
    "MAXCALLS": ("blocked_full", "overflowed"),
    "ACFILTER": "overflowed",
    "SYSTEM": "failed",
}
#: Where neither says it, as in tables from before there was a term_reason.
_DROPPED = {"DROP": "abandoned", "XDROP": "abandoned"}
_ENDED_BY = {"CALLER": "customer", "ABANDON": "customer", "AGENT": "agent"}

#: Phases of an agent's cycle in their order: columns and state.
_PHASES = {"pause": "pause", "wait": "available", "talk": "on_contact", "dispo": "wrap"}
#: A figure from here on is a capped or negative one: the product's own reports leave them out. [s]
_GARBAGE_S = 65_000


def looks_like(head: bytes) -> bool:
    r"""Whether the first line is the header of one of the two tables.

    Examples
    --------
    >>> looks_like(b"closecallid,lead_id,campaign_id,start_epoch,length_in_sec,status,user,queue_seconds\n")
    True
    >>> looks_like(b"1266833905|NONE|NONE|NONE|QUEUESTART|\n")
    False
    """
    return header_has(head, ("closecallid", "start_epoch", "campaign_id"), ("agent_log_id", "pause_epoch", "dispo_epoch"))


def read_vicidial(sources: Iterable[Source], options: Options) -> Log:
    r"""Read closer logs, agent logs or both; `ccstats.read` is the way in.

    Parameters
    ----------
    sources : iterable of Source
        Dumps or frames; which table one is, its columns say.
    options : Options
        A time zone is needed only for rows without ``start_epoch``.

    Returns
    -------
    Log
        With both tables, contacts have the wrap-up of the agent log.

    Raises
    ------
    ColumnError
        If a source is none of the two tables, or lacks a column.

    Examples
    --------
    >>> rows = b"closecallid,uniqueid,campaign_id,start_epoch,length_in_sec,status,user,queue_seconds,term_reason\n"
    >>> rows += b"1,1709280000.7,SALES,1709280000,95,SALE,anna,12.50,CALLER\n"
    >>> read_vicidial([Source("closer", rows)], Options(pseudonyms=False)).contacts[["outcome", "wait_s", "talk_s"]].to_dict("records")
    [{'outcome': 'answered', 'wait_s': 12.5, 'talk_s': 82.5}]
    """
    account = Account(options)
    visits, cycles = of_two_tables(
        sources,
        account,
        options,
        ("vicidial_closer_log", "closecallid", _CLOSER, _visits),
        ("vicidial_agent_log", "agent_log_id", _AGENT, _cycles),
    )
    contacts, states = CONTACTS.empty(), None
    if visits:
        contacts = settle(visits, account, options, same=["_closecallid"], newest="_ended", rule="visit")
    if cycles:
        log = settle(cycles, account, options, same=["_agent_log_id"], newest="_written", rule="cycle")
        contacts = _with_wrap_up(contacts, log, account) if visits else contacts
        states = _spans(log, account)
    return to_log(contacts, account, options, "vicidial", states=states)


def _epochs(rows: Rows, name: str) -> pd.Series:
    return rows.instants(name, "epoch_s", timezone="UTC", missing=("0",)).utc


def _visits(table: Rows) -> pd.DataFrame:
    started, ended = _epochs(table, "start_epoch"), _epochs(table, "end_epoch")
    if table.has("call_date") and table.options.timezone is not None and started.isna().any():
        at = table.instants("call_date", timezone=table.options.timezone, missing=("0000-00-00 00:00:00",))
        table.note(started.isna() & at.utc.notna(), "start_epoch is missing: call_date is taken")
        started = started.fillna(at.utc)
    table.close(started.isna(), "start_epoch is missing (with timezone=, call_date is taken)")
    queue, user, status = table.text("campaign_id"), table.text("user"), table.text("status").str.upper()
    table.close(queue.isna(), "campaign_id (the in-group) is blank")
    waited, length = table.seconds("queue_seconds"), table.numbers("length_in_sec")
    table.close(length.abs() >= 366 * 86_400, "length_in_sec is above a year")
    why = table.text("term_reason").str.upper()

    person = user.notna() & ~user.str.upper().isin(_NOBODY)
    # A status that only the system writes is believed before the user: such a call was not answered, whoever it was offered to.
    never = status.isin([*_DROPPED, *_STATUS]) & ~status.isin(["INCALL"])
    answered = person & ~never & waited.notna()
    table.note(person & never, "an agent is named, but the status says that the call was not answered: left out")
    outcome = _outcomes(status, why, waited).mask(answered, "answered").fillna("unknown")

    in_call = answered & status.eq("INCALL") & ended.isna()
    talk = (length - waited).where(answered & ~in_call)
    short = talk < -1
    table.note(short, "length_in_sec is less than queue_seconds: talk_s is missing")
    talk = talk.clip(lower=0).mask(short).mask(talk >= 86_400)
    table.note((ended - started).dt.total_seconds().sub(length).abs() > 1, "end_epoch - start_epoch is not length_in_sec")
    door = outcome.str.startswith("blocked_")
    both = joined("|", status, why).where(status.notna() | why.notna()).str.rstrip("|")
    uniqueid, own = table.call_ids("uniqueid"), table.text("closecallid")
    table.close(own.isna(), "closecallid is blank")
    table.note(uniqueid.isna(), "uniqueid is blank or not there: closecallid names the contact")
    out: dict[str, pd.Series | np.ndarray] = {
        "contact_id": uniqueid.fillna("closecallid:" + own),
        "channel": constant("voice", len(table)),
        "direction": constant("inbound", len(table)),
        "queue": queue,
        "queued_at": started.mask(door),
        "outcome": outcome,
        "raw_outcome": both if table.has("term_reason") else status,
        "wait_s": waited.mask(door | (outcome.eq("open") & waited.eq(0))),
        "ring_s": pd.Series(np.full(len(table), np.nan)),
        "talk_s": talk,
        "hold_s": pd.Series(np.full(len(table), np.nan)),
        "wrap_s": pd.Series(np.full(len(table), np.nan)),
        "agent": user.where(answered),
        "arrived_at": started.where(door),
        "disposition": table.text("status").where(answered & ~status.eq("INCALL")),
        "customer": table.text("phone_number"),
        "_closecallid": own,
        "_ended": ended,
    }
    if table.has("term_reason"):
        out["ended_by"] = looked_up(why, _ENDED_BY).where(answered | outcome.eq("abandoned"))
    return table.frame(out)


def _outcomes(status: pd.Series, why: pd.Series, waited: pd.Series) -> pd.Series:
    """Of calls that no agent took: by the system's status, else by the reason of the end, else as a drop; missing where none tells."""

    def told(words: pd.Series, table: Mapping[str, str | tuple[str, str]]) -> pd.Series:
        at_the_door = looked_up(words, {word: one if isinstance(one, str) else one[0] for word, one in table.items()})
        inside = looked_up(words, {word: one if isinstance(one, str) else one[1] for word, one in table.items()})
        return at_the_door.where(waited.fillna(0) == 0, inside)

    return told(status, _STATUS).fillna(told(why, _REASON)).fillna(told(status, _DROPPED))


def _cycles(table: Rows) -> pd.DataFrame:
    agent, own = table.text("user"), table.text("agent_log_id")
    table.close(agent.isna(), "user is blank")
    table.close(own.isna(), "agent_log_id is blank")
    out: dict[str, pd.Series | np.ndarray] = {
        "agent": agent,
        "contact_id": table.call_ids("uniqueid"),
        "reason": table.text("sub_status"),
        "_agent_log_id": own,
    }
    for phase in (*_PHASES, "dead"):
        at = _epochs(table, f"{phase}_epoch")
        spent = table.seconds(f"{phase}_sec").fillna(0)
        garbage = spent >= _GARBAGE_S
        table.note(garbage, "a phase of 65,000 s or more (the column overflowed): left out, or ended where the next begins")
        out[f"_{phase}_at"], out[f"_{phase}_s"] = at, spent.mask(garbage)
    written = pd.concat([pd.Series(out[f"_{phase}_at"]) for phase in _PHASES], axis=1).max(axis=1)
    table.ignore(written.isna(), "no phase has begun")
    out["_written"] = written
    return table.frame(out)


def _spans(rows: pd.DataFrame, account: Account) -> pd.DataFrame:
    """The phases of all cycles as spans, cut where the cycle's next phase begins."""
    parts, following = [], pd.Series(pd.NaT, index=rows.index, dtype="datetime64[us, UTC]")
    cut_short = 0
    for phase, state in reversed(_PHASES.items()):
        at, spent = rows[f"_{phase}_at"], rows[f"_{phase}_s"]
        end = (at + pd.to_timedelta(spent, unit="s").dt.as_unit("us")).fillna(following)
        cut = ((end > following) | spent.isna()) & at.notna() & following.notna()
        cut_short += int((cut & spent.notna()).sum())
        end = end.mask(cut, following)
        span = rows[["agent", "contact_id", "reason"]].assign(started_at=at, ended_at=end, state=state, closed_by="event")
        span["closed_by"] = span["closed_by"].mask(cut, "next_event")
        if state == "on_contact":
            # The customer has hung up, but the agent has not yet: from there on it is after-contact work.
            dead = rows["_dead_at"].where((rows["_dead_s"] > 0) & rows["_dead_at"].between(at, end))
            parts.append(span.assign(started_at=dead, state="wrap", reason="DEAD"))
            span["ended_at"] = end.where(dead.isna(), dead)
        if state in ("pause", "available"):
            span["contact_id"] = None
        if state != "pause":
            span["reason"] = None
        parts.append(span)
        following = at.fillna(following)
    account.note("phases that ran into the cycle's next one: cut where it begins", cut_short)
    spans = pd.concat(parts, ignore_index=True).dropna(subset=["started_at", "ended_at"])
    spans["queue"] = pd.Series([None] * len(spans), index=spans.index, dtype="str")
    return whole_spans(spans, account)


def _with_wrap_up(contacts: pd.DataFrame, rows: pd.DataFrame, account: Account) -> pd.DataFrame:
    """Wrap-up of the one cycle of the same call and agent; where there are several, nobody knows which belongs to which visit."""
    of_call = rows[rows["contact_id"].notna() & rows["_talk_at"].notna() & rows["_dispo_at"].notna()]
    wrap = of_call["_dispo_s"] + of_call["_dead_s"].fillna(0)
    once = ~of_call.duplicated(["contact_id", "agent"], keep=False)
    known = pd.DataFrame({"contact_id": of_call["contact_id"], "agent": of_call["agent"], "_wrap": wrap})[once]
    several = contacts.duplicated(["contact_id", "agent"], keep=False).to_numpy(dtype=bool)
    found = contacts[["contact_id", "agent"]].merge(known, how="left", on=["contact_id", "agent"])["_wrap"]
    answered = (contacts["outcome"] == "answered").to_numpy(dtype=bool)
    account.note("answered without one cycle of call and agent in the agent log: wrap_s is missing", int((answered & found.isna()).sum()))
    return contacts.assign(wrap_s=found.where(answered & ~several).to_numpy())


READER = Reader(
    name="vicidial",
    title="VICIdial, GoAutoDial (vicidial_closer_log, vicidial_agent_log)",
    yields=("contacts", "agent_states"),
    clock="utc",
    evidence="schema and reports of the product; not checked on real data",
    looks_like=looks_like,
    read=read_vicidial,
    streams=True,
)
