"""VICIdial and GoAutoDial: vicidial_closer_log (one row a visit to an in-group) and vicidial_agent_log (one row a cycle of an agent)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.parts import Parts, given_back
from ccstats.readers.product_tables import Rows, folded, header_has, of_two_tables
from ccstats.readers.settling import settle, to_log
from ccstats.readers.spans import whole_spans
from ccstats.readers.words import constant, each_combination, each_word
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
        table.put("call_date", table.columns[folded("call_date")].where(started.isna()))
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
    outcome = each_combination(_outcome, status, why, waited.fillna(0) == 0, answered)

    in_call = answered & status.eq("INCALL") & ended.isna()
    talk = (length - waited).where(answered & ~in_call)
    short = talk < -1
    table.note(short, "length_in_sec is less than queue_seconds: talk_s is missing")
    talk = talk.clip(lower=0).mask(short).mask(talk >= 86_400)
    table.note((ended - started).dt.total_seconds().sub(length).abs() > 1, "end_epoch - start_epoch is not length_in_sec")
    door = outcome.str.startswith("blocked_")
    uniqueid, own = table.call_ids("uniqueid"), table.text("closecallid")
    table.close(own.isna(), "closecallid is blank")
    table.note(uniqueid.isna(), "uniqueid is blank or not there: closecallid names the contact")
    out: dict[str, pd.Series | np.ndarray | str | None] = {
        "contact_id": uniqueid.fillna("closecallid:" + own) if uniqueid.hasnans else uniqueid,
        "channel": "voice",
        "direction": "inbound",
        "queue": queue,
        "queued_at": started.mask(door),
        "outcome": outcome,
        "raw_outcome": each_combination(_raw, status, why) if table.has("term_reason") else status,
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
        out["ended_by"] = each_word(why, _ENDED_BY.get).where(answered | outcome.eq("abandoned"))
    return table.frame(out)


def _outcome(status: str | None, why: str | None, at_the_door: bool, answered: bool) -> str:
    """Of calls that no agent took: by the system's status, else by the reason of the end, else as a drop."""
    if answered:
        return "answered"
    told = _STATUS.get(status or "") or _REASON.get(why or "") or _DROPPED.get(status or "", "unknown")
    return told if isinstance(told, str) else told[0 if at_the_door else 1]


def _raw(status: str | None, why: str | None) -> str | None:
    return None if status is None and why is None else f"{status or ''}|{why or ''}".rstrip("|")


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
    written = np.fmax.reduce([_wall(pd.Series(out[f"_{phase}_at"])) for phase in _PHASES])
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
        spans.append(given_back(_spans_of(rows.take(some), account)))
    return spans


def _spans_of(rows: pd.DataFrame, account: Account) -> pd.DataFrame:
    """The phases of all cycles as spans, cut where the cycle's next phase begins."""
    at = {phase: _wall(rows[f"_{phase}_at"]) for phase in (*_PHASES, "dead")}
    nothing = np.datetime64("NaT", "us")
    following = np.full(len(rows), nothing)
    parts, cut_short = [], 0
    for phase, state in reversed(_PHASES.items()):
        spent = rows[f"_{phase}_s"]
        end: np.ndarray = at[phase] + pd.to_timedelta(spent, unit="s").dt.as_unit("us").to_numpy()
        end = np.where(np.isnat(end), following, end)
        cut = ((end > following) | spent.isna().to_numpy()) & ~np.isnat(at[phase]) & ~np.isnat(following)
        cut_short += int((cut & spent.notna().to_numpy()).sum())
        end = np.where(cut, following, end)
        if state == "on_contact":
            # The customer has hung up, but the agent has not yet: from there on it is after-contact work.
            dead = (rows["_dead_s"] > 0).to_numpy() & (at[phase] <= at["dead"]) & (at["dead"] <= end)
            parts.append(("dead", "wrap", np.where(dead, at["dead"], nothing), end, cut))
            end = np.where(dead, at["dead"], end)
        parts.append((phase, state, at[phase], end, cut))
        following = np.where(np.isnat(at[phase]), following, at[phase])
    account.note("phases that ran into the cycle's next one: cut where it begins", cut_short)

    kept = [np.flatnonzero(~np.isnat(begin) & ~np.isnat(end)) for _, _, begin, end, _ in parts]
    place = np.concatenate(kept)
    begin, end, cut = (np.concatenate([part[at][each] for part, each in zip(parts, kept, strict=True)]) for at in (2, 3, 4))
    names, kinds = [part[0] for part in parts], [part[1] for part in parts]

    def of_part(values: list[int]) -> np.ndarray:
        return np.repeat(np.array(values, dtype="int8"), [len(each) for each in kept])

    without_call = of_part([state in ("pause", "available") for state in kinds]) == 1
    reasons = sorted({*rows["reason"].cat.categories, "DEAD"})
    own = np.append(np.searchsorted(reasons, rows["reason"].cat.categories), -1)[rows["reason"].cat.codes]
    of_name = of_part([names.index(name) for name in names])
    reason = np.where(of_name == names.index("pause"), own[place], np.where(of_name == names.index("dead"), reasons.index("DEAD"), -1))
    spans = pd.DataFrame(
        {
            "agent": rows["agent"].array.take(place),
            "contact_id": rows["contact_id"].array.take(np.where(without_call, -1, place), allow_fill=True),
            "reason": pd.Categorical.from_codes(reason, categories=pd.Index(reasons, dtype="str")),
            "started_at": pd.Series(begin).dt.tz_localize("UTC"),
            "ended_at": pd.Series(end).dt.tz_localize("UTC"),
            "state": pd.Categorical.from_codes(
                of_part([_STATES.index(state) for state in kinds]), categories=pd.Index(_STATES, dtype="str")
            ),
            "closed_by": pd.Categorical.from_codes(cut.astype("int8"), categories=pd.Index(["event", "next_event"], dtype="str")),
        }
    )
    spans = whole_spans(spans, account)
    return spans.assign(reason=spans["reason"].cat.remove_unused_categories(), queue=constant(None, len(spans)))


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
