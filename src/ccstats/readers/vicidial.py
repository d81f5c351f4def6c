"""VICIdial and GoAutoDial: vicidial_closer_log (one row a visit to an in-group) and vicidial_agent_log (one row a cycle of an agent)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from ccstats.readers.accounting import Account
from ccstats.readers.categories import chosen, constant_category, each_category
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.masks import only
from ccstats.readers.parts import Parts, given_back
from ccstats.readers.product_tables import Rows, folded, header_has, of_two_tables
from ccstats.readers.settling import settle, to_log
from ccstats.readers.spans import whole_spans
from ccstats.readers.words import each_combination
from ccstats.schema import CONTACTS

__all__ = ["READER", "looks_like", "read_vicidial"]

_CLOSER = ("closecallid", "campaign_id", "start_epoch", "length_in_sec", "status", "user", "queue_seconds")
_CYCLE = ("pause", "wait", "talk", "dispo")
_AGENT = ("agent_log_id", "user", *(f"{phase}_{what}" for phase in _CYCLE for what in ("epoch", "sec")))

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
_AT_THE_DOOR = ("blocked_closed", "blocked_empty", "blocked_full")
_ENDED_BY = {"CALLER": "customer", "ABANDON": "customer", "AGENT": "agent"}

#: Phases of an agent's cycle in their order, and their states. In a dead call the customer has hung up, but the agent has not yet: from
#: there on it is after-contact work.
_PHASES = {"pause": "pause", "wait": "available", "talk": "on_contact", "dead": "wrap", "dispo": "wrap"}
_PAUSE, _, _TALK, _DEAD, _ = range(len(_PHASES))
_STATES = ["pause", "available", "on_contact", "wrap"]
#: A figure from here on is a capped or negative one: the product's own reports leave them out. [s]
_GARBAGE_S = 65_000
_ROWS = 16_384  # made into spans at a time


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
        log = log.drop(columns=["_agent_log_id", "_written", "_line", "_weight"])
        contacts = _with_wrap_up(contacts, log, account) if visits else contacts
        spans = _spans(log, account, options)
        del log
        states = spans.frame()
    return to_log(contacts, account, options, "vicidial", states=states)


def _epochs(rows: Rows, name: str) -> pd.Series:
    return rows.instants(name, "epoch_s", timezone="UTC", missing=("0",)).utc


def _visits(table: Rows) -> pd.DataFrame:
    started, ended = _epochs(table, "start_epoch"), _epochs(table, "end_epoch")
    if table.has("call_date") and table.options.timezone is not None:
        # Mostly none is needed, and none is read.
        dates = only(table.columns[folded("call_date")], started.isna()) if started.hasnans else constant_category(None, len(table))
        table.put("call_date", dates)
        at = table.instants("call_date", timezone=table.options.timezone, missing=("0000-00-00 00:00:00",))
        table.note(started.isna() & at.utc.notna(), "start_epoch is missing: call_date is taken")
        started = started.fillna(at.utc)
    table.close(started.isna(), "start_epoch is missing (with timezone=, call_date is taken)")
    queue, user, status = table.words("campaign_id"), table.words("user"), _upper(table.words("status"))
    table.close(queue.isna(), "campaign_id (the in-group) is blank")
    waited, length = table.seconds("queue_seconds"), table.numbers("length_in_sec")
    table.close(length.abs() >= 366 * 86_400, "length_in_sec is above a year")
    why = _upper(table.words("term_reason"))

    person = user.notna() & ~_upper(user).isin(_NOBODY)
    # A status that only the system writes is believed before the user: such a call was not answered, whoever it was offered to.
    never = status.isin({*_DROPPED, *_STATUS} - {"INCALL"})
    answered = person & ~never & (waited.notna() | status.ne("INCALL"))
    table.close(answered & waited.isna(), "an agent took it, but queue_seconds is blank: nobody knows after how long")
    table.note(person & never, "an agent is named, but the status says that the call was not answered: left out")
    outcome = each_combination(_outcome, status, why, waited.fillna(0) == 0, answered)

    in_call = status.eq("INCALL")
    talk = (length - waited).where(answered & ~(in_call & ended.isna()))
    short = talk < -1
    table.note(short, "length_in_sec is less than queue_seconds: talk_s is missing")
    talk = talk.clip(lower=0).mask(short).mask(talk >= 86_400)
    table.note((ended - started).dt.total_seconds().sub(length).abs() > 1, "end_epoch - start_epoch is not length_in_sec")
    door = outcome.isin(_AT_THE_DOOR)
    uniqueid, own = table.call_ids("uniqueid"), table.text("closecallid")
    table.close(own.isna(), "closecallid is blank")
    table.note(uniqueid.isna(), "uniqueid is blank or not there: closecallid names the contact")
    out: dict[str, pd.Series | np.ndarray | str | None] = {
        "contact_id": uniqueid.fillna("closecallid:" + own) if uniqueid.hasnans else uniqueid,
        "channel": constant_category("voice", len(table)),
        "direction": constant_category("inbound", len(table)),
        "queue": queue,
        "queued_at": started.mask(door),
        "outcome": outcome,
        "raw_outcome": each_combination(_raw, status, why) if table.has("term_reason") else status,
        "wait_s": waited.mask(door | (outcome.eq("open") & waited.eq(0))),
        "ring_s": pd.Series(np.full(len(table), np.nan)),
        "talk_s": talk,
        "hold_s": pd.Series(np.full(len(table), np.nan)),
        "wrap_s": pd.Series(np.full(len(table), np.nan)),
        "agent": only(user, answered),
        "arrived_at": started.where(door),
        "disposition": only(table.words("status"), answered & ~in_call),
        "customer": table.text("phone_number"),
        "_closecallid": own,
        "_ended": ended,
    }
    if table.has("term_reason"):
        out["ended_by"] = only(each_category(why, _ENDED_BY.get), answered | outcome.eq("abandoned"))
    return table.frame(out)


def _upper(text: pd.Series) -> pd.Series:
    """A category of the words in capitals, sign for sign."""
    return each_category(text, lambda word: pc.utf8_upper(word).as_py())


def _outcome(status: str | None, why: str | None, at_the_door: bool, answered: bool) -> str:
    """Of calls that no agent took: by the system's status, else by the reason of the end, else as a drop."""
    if answered:
        return "answered"
    told = _STATUS.get(status or "") or _REASON.get(why or "") or _DROPPED.get(status or "", "unknown")
    return told if isinstance(told, str) else told[0 if at_the_door else 1]


def _raw(status: str | None, why: str | None) -> str | None:
    return None if status is None and why is None else f"{status or ''}|{why or ''}".rstrip("|")


def _cycles(table: Rows) -> pd.DataFrame:
    agent, own = table.words("user"), table.text("agent_log_id")
    table.close(agent.isna(), "user is blank")
    table.close(own.isna(), "agent_log_id is blank")
    out: dict[str, pd.Series | np.ndarray] = {
        "agent": agent,
        "contact_id": table.call_ids("uniqueid"),
        "reason": table.words("sub_status"),
        "_agent_log_id": own,
    }
    for phase in (*_CYCLE, "dead"):
        at = _epochs(table, f"{phase}_epoch")
        spent = table.seconds(f"{phase}_sec").fillna(0)
        garbage = spent >= _GARBAGE_S
        table.note(garbage, "a phase of 65,000 s or more (the column overflowed): left out, or ended where the next begins")
        out[f"_{phase}_at"], out[f"_{phase}_s"] = at, spent.mask(garbage)
    written = np.fmax.reduce([_wall(pd.Series(out[f"_{phase}_at"])) for phase in _CYCLE])
    table.ignore(np.isnat(written), "no phase has begun")
    out["_written"] = written
    return table.frame(out)


def _spans(rows: pd.DataFrame, account: Account, options: Options) -> Parts:
    """The phases of all cycles as spans, made for some agents at a time: there are three or four times as many."""
    agent = rows["agent"].cat.codes.to_numpy()
    order = np.argsort(agent, kind="stable")
    agent = agent[order]
    block = np.searchsorted(agent, agent) // _ROWS  # by where the cycles of the same agent begin
    spans = Parts(options)
    for some in np.split(order, np.flatnonzero(np.diff(block)) + 1):
        spans.append(given_back(_spans_of(rows, some, account)))
    return spans


def _spans_of(rows: pd.DataFrame, cycles: np.ndarray, account: Account) -> pd.DataFrame:
    """The phases of these cycles, which stand in the order of agents, as spans, cut where the cycle's next phase begins."""
    begin = np.stack([_wall(rows[f"_{phase}_at"].take(cycles)) for phase in _PHASES])
    spent = np.stack([rows[f"_{phase}_s"].to_numpy()[cycles] for phase in _PHASES])
    end = begin + pd.to_timedelta(spent.ravel(), unit="s").as_unit("us").to_numpy().reshape(spent.shape)
    there, known, cut = ~np.isnat(begin), ~np.isnan(spent), np.zeros(spent.shape, dtype=bool)
    following, cut_short = np.full(len(cycles), np.datetime64("NaT", "us")), 0
    for each in reversed(range(len(_PHASES))):
        if each == _DEAD:
            continue
        until = np.where(np.isnat(end[each]), following, end[each])
        cut[each] = ((until > following) | ~known[each]) & there[each] & ~np.isnat(following)
        cut_short += int(np.count_nonzero(cut[each] & known[each]))
        end[each] = np.where(cut[each], following, until)
        if each == _TALK:
            dead = (spent[_DEAD] > 0) & (begin[each] <= begin[_DEAD]) & (begin[_DEAD] <= end[each])
            end[_DEAD], cut[_DEAD] = end[each], cut[each]
            begin[_DEAD, ~dead] = np.datetime64("NaT")
            end[each] = np.where(dead, begin[_DEAD], end[each])
        following = np.where(there[each], begin[each], following)
    account.note("phases that ran into the cycle's next one: cut where it begins", cut_short)

    # Of phases that begin together the first of a cycle is the one that counts, and that of a later cycle: it has to come last.
    at, phase = np.nonzero((end > begin).T)
    agent, started = rows["agent"].cat.codes.to_numpy()[cycles[at]], begin[phase, at]
    if ((agent[1:] == agent[:-1]) & (started[1:] <= started[:-1])).any():
        order = np.lexsort((at, -phase, started, agent))
        at, phase, started = at[order], phase[order], started[order]
    row, reason = cycles[at], rows["reason"].cat
    reasons = list(dict.fromkeys([*reason.categories, "DEAD"]))
    why = np.where(phase == _PAUSE, reason.codes.to_numpy()[row], np.where(phase == _DEAD, reasons.index("DEAD"), -1))
    state = np.array([_STATES.index(state) for state in _PHASES.values()])[phase]
    spans = {
        "agent": rows["agent"].array.take(row),
        "contact_id": rows["contact_id"].array.take(np.where(phase < _TALK, -1, row), allow_fill=True),
        "reason": pd.Categorical.from_codes(why, categories=pd.Index(reasons, dtype="str")),
        "started_at": pd.Series(started).dt.tz_localize("UTC"),
        "ended_at": pd.Series(end[phase, at]).dt.tz_localize("UTC"),
        "state": pd.Categorical.from_codes(state, categories=pd.Index(_STATES, dtype="str")),
        "closed_by": chosen("event", (cut[phase, at], "next_event")),
        "queue": constant_category(None, len(row)),
    }
    return whole_spans(pd.DataFrame(spans, copy=False), account)


def _wall(at: pd.Series) -> np.ndarray:
    return np.asarray(at.dt.tz_localize(None).to_numpy())


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
