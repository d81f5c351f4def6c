"""Legs of FreeSWITCH's calls as contacts: by the variables of mod_callcenter, or, without them, by the number that was dialled."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from ccstats.errors import DataWarning
from ccstats.readers.accounting import Account
from ccstats.readers.product_tables import Rows, folded
from ccstats.readers.words import each_word, of_series
from ccstats.schema import CONTACTS

__all__ = ["cc_legs", "contacts_of", "plain_legs"]

#: cc_cause, and what became of the caller; cancelled ones by their reason.
_ANSWERED, _CANCELLED = "answered", "cancel"
_CANCEL = {
    "BREAK_OUT": "abandoned",
    "NONE": "abandoned",
    "TIMEOUT": "timed_out",
    "NO_AGENT_TIMEOUT": "timed_out",
    "EXIT_WITH_KEY": "exited_key",
}
#: hangup_cause of a call that was connected to nobody, where nothing else is known.
_HUNG_UP = {
    **dict.fromkeys(("NORMAL_CLEARING", "ORIGINATOR_CANCEL"), "abandoned"),
    **dict.fromkeys(("NO_ANSWER", "NO_USER_RESPONSE", "ALLOTTED_TIMEOUT"), "timed_out"),
    **dict.fromkeys(
        (
            "USER_BUSY", "CALL_REJECTED", "UNALLOCATED_NUMBER", "NO_ROUTE_DESTINATION", "SUBSCRIBER_ABSENT", "USER_NOT_REGISTERED",
            "DESTINATION_OUT_OF_ORDER", "NETWORK_OUT_OF_ORDER", "NORMAL_TEMPORARY_FAILURE", "NORMAL_CIRCUIT_CONGESTION",
            "SERVICE_UNAVAILABLE", "RECOVERY_ON_TIMER_EXPIRE", "MEDIA_TIMEOUT", "SYSTEM_SHUTDOWN", "MANAGER_REQUEST",
        ),
        "failed",
    ),
}  # fmt: skip
#: An epoch of a time that never was.
_NEVER = ("0", "0.0", "-1")
_DIRECTIONS = {"outbound": "outbound", "local": "internal"}
_STAMP = r"^(?P<y>\d{4})[-/](?P<m>\d{1,2})[-/](?P<d>\d{1,2}) (?P<h>\d{1,2}):(?P<min>\d\d)(?::(?P<s>\d\d))?$"
#: A call that goes on for longer than this after it left the queue was not given up there. [s]
_WENT_ON_S = 5.0


def cc_legs(rows: Rows) -> pd.DataFrame:
    """Legs of queue calls, by their variables cc_…; other legs are ignored.

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.readers.contract import Options
    >>> from ccstats.readers.tabular import Grid
    >>> names = ["uuid", "cc_side", "cc_queue", "cc_queue_joined_epoch"]
    >>> cells = {name: pd.Series([cell], dtype="str") for name, cell in zip(names, ["u1", "member", "sales", "1709280000"])}
    >>> rows = Rows(Grid("a.csv", names, cells, np.array([2]), np.array([1])), Account(Options()), Options())
    >>> cc_legs(rows)[["side", "queue"]].to_dict("records")
    [{'side': 'member', 'queue': 'sales'}]
    """
    side = each_word(rows.text("cc_side"), str.casefold)
    rows.ignore(~side.isin(["member", "agent"]), "no leg of a queue call (cc_side is neither member nor agent)")
    member = side.eq("member")
    queue, own = rows.text("queue", "cc_queue"), rows.text("uuid", "xml_cdr_uuid", "cc_member_session_uuid")
    rows.close(own.isna(), "uuid is blank")
    rows.close(member & queue.isna(), "cc_queue is blank")
    joined, answered, ended, left = (
        rows.instants(f"cc_queue_{each}_epoch", "epoch_s", missing=_NEVER).utc for each in ("joined", "answered", "terminated", "canceled")
    )
    rows.close(member & joined.isna(), "cc_queue_joined_epoch is blank")
    cause, reason = each_word(rows.text("cc_cause"), str.casefold), each_word(rows.text("cc_cancel_reason"), str.upper)
    # Of an earlier queue of the call there may be times and a reason left.
    answered, ended, left = (each.where(each >= joined) for each in (answered, ended, left))
    rows.note(member & cause.isna() & (answered.notna() | left.notna()), "cc_cause is blank: told by the times")
    cause = cause.mask(cause.isna() & left.notna(), _CANCELLED).mask(cause.isna() & left.isna() & answered.notna(), _ANSWERED)
    taken = cause.eq(_ANSWERED)
    rows.close(member & taken & answered.isna(), "answered, but cc_queue_answered_epoch is blank or before the caller joined")
    outcome = each_word(reason.fillna("NONE"), _CANCEL.get).where(cause.eq(_CANCELLED)).mask(taken, "answered").fillna("unknown")
    outcome = outcome.mask(outcome.eq("abandoned") & reason.eq("BREAK_OUT") & rows.text("cc_exit_key").notna(), "exited_key")
    frame = _of_call(rows)
    went_on = (frame["end"] - left).dt.total_seconds() > _WENT_ON_S
    rows.note(member & outcome.eq("abandoned") & went_on, "abandoned, but the call went on: it may have been taken out of the queue")
    rows.note(member & cause.eq(_CANCELLED) & answered.notna(), "cancelled as an agent answered: not answered, as the platform says")
    stayed = rows.text("last_app").eq("callcenter") & rows.text("transfer_history").isna()
    return rows.frame(
        {
            **frame,
            "uuid": own,
            "side": side,
            "queue": queue,
            "queued_at": joined,
            "outcome": outcome,
            "raw_outcome": (cause + " " + reason.where(cause.eq(_CANCELLED)).fillna("")).str.strip(),
            "left": answered.where(taken, left),
            "over": ended,
            "stayed": stayed,
            "agent": rows.text("agent", "cc_agent"),
            "other": rows.text("cc_agent_uuid"),
            "standby": rows.text("cc_agent_type").eq("uuid-standby"),
            "visit_of": rows.text("cc_member_uuid") + " " + rows.text("cc_member_session_uuid").fillna(own.where(member)),
        }
    )


def plain_legs(rows: Rows, queues: Mapping[str, str]) -> pd.DataFrame:
    """Legs of any calls; those that dialled one of ``queues`` (numbers and names) are in a queue.

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.readers.contract import Options
    >>> from ccstats.readers.tabular import Grid
    >>> names = ["uuid", "destination_number", "start_stamp", "end_stamp", "duration", "billsec"]
    >>> cells = ["u1", "8000", "2024-03-01 09:00:00", "2024-03-01 09:00:40", "40", "0"]
    >>> columns = {name: pd.Series([cell], dtype="str") for name, cell in zip(names, cells)}
    >>> grid = Grid("a.csv", names, columns, np.array([1]), np.array([1]))
    >>> rows = Rows(grid, Account(Options()), Options(timezone="UTC"), needed=names)
    >>> plain_legs(rows, {"8000": "Support"})[["side", "queue"]].to_dict("records")
    [{'side': 'number', 'queue': 'Support'}]
    """
    own = rows.text("uuid", "xml_cdr_uuid")
    rows.close(own.isna(), "uuid is blank")
    frame = _of_call(rows)
    rows.close(frame["start"].isna(), "start_stamp is blank")
    rows.close(frame["lasted"].isna(), "duration is blank")
    rows.close(frame["billed"] > frame["lasted"], "billsec is more than duration")
    queue = frame["dnis"].map(dict(queues)).astype("str")
    cause, other = rows.text("hangup_cause").str.upper(), rows.text("bleg_uuid", "bridge_uuid")
    channel = rows.text("bridge_channel")
    connected = other.notna() | channel.notna()
    return rows.frame(
        {
            **frame,
            "uuid": own,
            "side": pd.Series(np.where(queue.notna(), "number", "other"), dtype="str"),
            "queue": queue,
            "queued_at": frame["start"],
            "outcome": each_word(cause, _HUNG_UP.get).fillna("unknown").mask(connected, "answered"),
            "raw_outcome": cause,
            "agent": channel,
            "other": other,
        }
    )


def contacts_of(parts: list[pd.DataFrame], account: Account, first: bool | None) -> pd.DataFrame:
    """Contacts of all legs, each leg once, and the lines booked.

    Parameters
    ----------
    parts : list of pandas.DataFrame
        Of `cc_legs` and `plain_legs`.
    account : Account
        Where lines and notes are booked.
    first : bool or None
        Whether a call is answered before an agent takes it, of legs without variables; None to tell by the legs.

    Examples
    --------
    >>> from ccstats.readers.contract import Options
    >>> len(contacts_of([], Account(Options()), None))
    0
    """
    parts = [part for part in parts if len(part)]
    if not parts:
        return CONTACTS.empty()
    legs = pd.concat(parts, ignore_index=True)
    if legs["rounded"].any():
        warnings.warn(
            f"{int(legs['rounded'].sum())} records have times without seconds, from a spreadsheet program: queued_at is to the minute",
            DataWarning,
            stacklevel=5,
        )
    for name in ("left", "over"):
        legs[name] = legs[name] if name in legs else pd.Series(pd.NaT, index=legs.index, dtype=legs["queued_at"].dtype)
    for name in ("standby", "stayed"):
        legs[name] = legs[name].eq(True) if name in legs else False
    if "visit_of" not in legs:
        legs["visit_of"] = pd.Series([None] * len(legs), dtype="str")
    # Variables tell more of a leg than a line without them.
    legs["_rank"] = legs["side"].isin(["number", "other"])
    again = legs.sort_values(["_rank", "end"], ascending=[True, False], kind="stable", na_position="last").duplicated("uuid")
    again = again.reindex(legs.index)
    kept = legs[~again]
    side = kept["side"]
    visits, theirs = _of_members(kept[side == "member"], kept[side == "agent"], account)
    calls, others = _of_numbers(kept[side == "number"], kept[side == "other"], account, first)
    fate = pd.Series("ignored|no leg of a queue call (dialled none of queues=)", index=legs.index)
    fate[kept.index[side == "agent"]] = "ignored|agent's leg of a caller who is not in the log"
    fate[kept.index[side.isin(["member", "number"])]] = "used|queue visit"
    fate[theirs.union(others)] = "used|agent's leg"
    fate[again] = "ignored|the same uuid once more, as in Master.csv and the file of an accountcode"
    booked = legs.assign(_fate=fate).groupby(["_source", "_fate"], sort=False, as_index=False)["_weight"].sum()
    for source, what, weight in booked.itertuples(index=False):
        said, rule = str(what).split("|")
        account.count(str(source), said, rule, int(weight))
    return pd.concat([each for each in (visits, calls) if len(each)] or [visits], ignore_index=True)


def _of_members(members: pd.DataFrame, agents: pd.DataFrame, account: Account) -> tuple[pd.DataFrame, pd.Index]:
    """Contacts by the variables of mod_callcenter, and the agents' legs that belong to them."""
    agents = agents[_among(agents["visit_of"], members["visit_of"])]
    answered = members["outcome"] == "answered"
    offers = agents.assign(missed=agents["answer"].isna()).groupby("visit_of")["missed"].agg(["size", "sum"])
    offers = offers.reindex(members["visit_of"]).set_axis(members.index)
    # Whose leg it was that the caller talked to: by its uuid, or, behind a loopback, by the agent.
    told = members[["visit_of", "other", "agent"]].dropna(subset=["visit_of"]).drop_duplicates("visit_of").set_index("visit_of")
    told = told.reindex(agents["visit_of"]).set_axis(agents.index)
    exact, alike = agents["uuid"] == told["other"], agents["agent"] == told["agent"]
    found = agents[agents["answer"].notna() & (exact | alike)].assign(_alike=~exact)
    found = found.sort_values("_alike", kind="stable").drop_duplicates("visit_of").set_index("visit_of")
    found = found.reindex(members["visit_of"]).set_axis(members.index)
    # A standby agent's leg was there before the call and goes on after it.
    dialled = ~found["standby"].eq(True)
    ring = _seconds(found["start"], found["answer"]).where(answered & dialled)
    talk = _seconds(members["left"], members["over"]).where(answered)
    by_leg = _seconds(members["left"], found["end"]).where(answered & dialled)
    by_call = _seconds(members["left"], members["end"]).where(answered & members["stayed"])
    account.note("cc_queue_terminated_epoch is blank: talk_s by the end of the agent's leg", int((talk.isna() & by_leg.notna()).sum()))
    talk = talk.fillna(by_leg)
    account.note(
        "cc_queue_terminated_epoch is blank: talk_s by the end of the call, which was not transferred",
        int((talk.isna() & by_call.notna()).sum()),
    )
    talk = talk.fillna(by_call)
    account.note("answered, but when the talk ended is not in the log: talk_s is missing", int((answered & talk.isna()).sum()))
    wait = _seconds(members["queued_at"], members["left"])
    contacts = _contacts(members, wait, ring, talk, members["agent"].where(answered))
    if len(agents):
        none = offers["size"].isna() & answered
        contacts["ring_attempts"] = offers["size"].fillna(0).mask(none).astype("Int64")
        contacts["ring_noanswer"] = offers["sum"].fillna(0).mask(none).astype("Int64")
    return contacts, agents.index


def _of_numbers(calls: pd.DataFrame, others: pd.DataFrame, account: Account, first: bool | None) -> tuple[pd.DataFrame, pd.Index]:
    """Contacts by the number that was dialled, and the legs of agents that are in the log."""
    others = others[_among(others["uuid"], calls["other"])]
    found = others.set_index("uuid").reindex(calls["other"]).set_axis(calls.index)
    answered = calls["outcome"] == "answered"
    seen = found["answer"].notna() & answered
    # A caller who was connected to nobody and yet answered: the queue answers, and so it does for the others of it.
    alone = ~answered & calls["answer"].notna()
    early = calls["queue"].isin(calls.loc[alone, "queue"]) if first is None else pd.Series(first, index=calls.index)
    hidden = answered & ~seen & early
    rounded = calls["rounded"].eq(True) | found["rounded"].eq(True)
    account.note("when a call joined the queue is not logged: its start stands for it", len(calls))
    account.note("answered before an agent takes it: wait_s and talk_s of answered calls are not in the records", int(hidden.sum()))
    account.note("times to the minute: wait_s of answered calls is not in the records", int((seen & rounded).sum()))
    by_leg = _seconds(calls["start"], found["answer"]).mask(rounded)
    by_call = (calls["lasted"] - calls["billed"]).mask(hidden)
    wait = calls["lasted"].where(~answered, by_leg.where(seen, by_call))
    talk = found["billed"].where(seen, calls["billed"].mask(hidden)).where(answered)
    ring = (found["lasted"] - found["billed"]).where(seen)
    agent = found["dnis"].where(seen, calls["agent"]).where(answered)
    return _contacts(calls, wait, ring, talk, agent), others.index


def _among(texts: pd.Series, others: pd.Series) -> np.ndarray:
    """Whether each text is there and one of the others; ``isin`` makes an object of each."""
    return np.asarray(pc.is_in(of_series(texts), of_series(others).combine_chunks(), skip_nulls=True))


def _seconds(since: pd.Series, until: pd.Series) -> pd.Series:
    seconds = (until - since).dt.total_seconds()
    return seconds.where(seconds >= 0)


def _contacts(legs: pd.DataFrame, wait: pd.Series, ring: pd.Series, talk: pd.Series, agent: pd.Series) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "contact_id": legs["uuid"],
            "channel": "voice",
            "direction": legs["direction"],
            "queue": legs["queue"],
            "queued_at": legs["queued_at"],
            "outcome": legs["outcome"],
            "raw_outcome": legs["raw_outcome"],
            "wait_s": wait,
            "ring_s": ring,
            "talk_s": talk,
            "hold_s": np.nan,
            "wrap_s": np.nan,
            "agent": agent,
            "arrived_at": legs["start"],
            "customer": legs["customer"],
            "dnis": legs["dnis"],
        }
    )


def _of_call(rows: Rows) -> dict[str, pd.Series]:
    """What any leg tells."""
    (start, one), (answer, two), (end, three) = (_at(rows, name) for name in ("start", "answer", "end"))
    return {
        "start": start,
        "answer": answer,
        "end": end,
        "rounded": one | two | three,
        "lasted": rows.seconds("duration"),
        "billed": rows.seconds("billsec"),
        "direction": each_word(rows.text("direction"), lambda word: _DIRECTIONS.get(word.casefold())).fillna("inbound"),
        "customer": rows.text("caller_id_number"),
        "dnis": rows.text("caller_destination", "destination_number"),
    }


def _at(rows: Rows, name: str) -> tuple[pd.Series, pd.Series]:
    """Start, answer or end, and whether its seconds were lost: by the epoch where there is one, else by the stamp, which is local."""
    exact, stamp = pd.Series(np.zeros(len(rows), dtype=bool)), f"{name}_stamp"
    if rows.has(f"{name}_epoch"):
        return rows.instants(f"{name}_epoch", "epoch_s", missing=_NEVER).utc, exact
    if not rows.has(stamp) or isinstance(rows.columns[folded(stamp)].dtype, pd.DatetimeTZDtype):
        return rows.instants(stamp).utc, exact
    text = rows.text(stamp)
    parts = text.str.extract(_STAMP)
    spread = parts["y"].notna()
    iso = parts["y"] + "-" + parts["m"].str.zfill(2) + "-" + parts["d"].str.zfill(2) + " " + parts["h"].str.zfill(2) + ":" + parts["min"]
    rows.put(stamp, text.mask(spread, iso + ":" + parts["s"].fillna("00")))
    coarse = spread & parts["s"].isna()
    rows.note(coarse, f"{stamp} has no seconds, as a spreadsheet program leaves it: to the minute")
    return rows.instants(stamp, timezone=rows.options.timezone).utc, coarse
