"""Legs of FreeSWITCH's calls: by the variables of mod_callcenter, or, without them, by the number that was dialled.

Times are those of UTC, without a zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.readers.categories import categorised, each_category
from ccstats.readers.clock import Instants
from ccstats.readers.masks import only
from ccstats.readers.product_tables import Rows, folded
from ccstats.readers.words import each_word, of_series, to_series
from ccstats.schema import CONTACTS

__all__ = ["cc_legs", "plain_legs"]

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
#: A call that goes on for longer than this after it left the queue was not given up there.
_WENT_ON = np.timedelta64(5, "s")
_NAT = np.datetime64("NaT", "us")
#: Sides of a leg of a queue call, and of others the one that dialled a queue's number and those that did not.
_SIDES = ("member", "agent", "number", "other")
_OUTCOMES, _WAYS = CONTACTS["outcome"].vocabulary, CONTACTS["direction"].vocabulary


def cc_legs(rows: Rows) -> pd.DataFrame:
    """Legs of queue calls, by their variables cc_…; other legs are ignored.

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.readers.accounting import Account
    >>> from ccstats.readers.contract import Options
    >>> from ccstats.readers.tabular import Grid
    >>> names = ["uuid", "cc_side", "cc_queue", "cc_queue_joined_epoch"]
    >>> cells = {name: pd.Series([cell], dtype="str") for name, cell in zip(names, ["u1", "member", "sales", "1709280000"])}
    >>> rows = Rows(Grid("a.csv", names, cells, np.array([2]), np.array([1])), Account(Options()), Options())
    >>> cc_legs(rows)[["side", "queue"]].to_dict("records")
    [{'side': 'member', 'queue': 'sales'}]
    """
    side = each_category(rows.words("cc_side"), _side_of, among=_SIDES)
    rows.ignore(side.isna(), "no leg of a queue call (cc_side is neither member nor agent)")
    member = side.eq("member").to_numpy()
    queue, own = rows.text("queue", "cc_queue"), rows.text("uuid", "xml_cdr_uuid", "cc_member_session_uuid")
    rows.close(own.isna(), "uuid is blank")
    rows.close(member & queue.isna(), "cc_queue is blank")
    joined, answered, ended, left = (
        _utc(rows.instants(f"cc_queue_{each}_epoch", "epoch_s", missing=_NEVER))
        for each in ("joined", "answered", "terminated", "canceled")
    )
    rows.close(member & np.isnat(joined), "cc_queue_joined_epoch is blank")
    # Of an earlier queue of the call there may be times and a reason left.
    answered, ended, left = (np.where(each >= joined, each, _NAT) for each in (answered, ended, left))
    cause = _cause(rows, member, answered, left)
    taken, cancelled = cause.eq(_ANSWERED).to_numpy(), cause.eq(_CANCELLED).to_numpy()
    rows.close(member & taken & np.isnat(answered), "answered, but cc_queue_answered_epoch is blank or before the caller joined")
    reason = each_category(rows.words("cc_cancel_reason"), str.upper, among=tuple(_CANCEL))
    outcome = _outcome(taken, cancelled, reason, rows.words("cc_exit_key").notna())
    frame = _of_call(rows)
    gave_up, went_on = member & outcome.eq("abandoned"), frame["end"] - left > _WENT_ON
    rows.note(gave_up & went_on, "abandoned, but the call went on: it may have been taken out of the queue")
    rows.note(member & cancelled & ~np.isnat(answered), "cancelled as an agent answered: not answered, as the platform says")
    session = rows.text("cc_member_session_uuid")
    if (member & session.isna()).any():
        session = session.fillna(only(own, member))
    visit = pc.binary_join_element_wise(of_series(rows.text("cc_member_uuid")), of_series(session), pa.scalar(" ", pa.large_string()))
    return rows.frame(
        {
            **frame,
            "uuid": own,
            "side": side,
            "queue": queue,
            "queued_at": joined,
            "outcome": outcome,
            "raw_outcome": _raw(cause, cancelled, reason),
            "left": np.where(taken, answered, left),
            "over": ended,
            "stayed": rows.words("last_app").eq("callcenter") & rows.words("transfer_history").isna(),
            "agent": rows.text("agent", "cc_agent"),
            "other": rows.text("cc_agent_uuid"),
            "standby": rows.words("cc_agent_type").eq("uuid-standby"),
            "visit_of": to_series(visit),
        }
    )


def _side_of(word: str) -> str | None:
    return word.casefold() if word.casefold() in ("member", "agent") else None


def _cause(rows: Rows, member: np.ndarray, answered: np.ndarray, left: np.ndarray) -> pd.Series:
    """Why the caller left the queue, by cc_cause; told by the times where that is blank."""
    cause = each_category(rows.words("cc_cause"), str.casefold, among=(_ANSWERED, _CANCELLED))
    blank, gone, met = cause.isna().to_numpy(), ~np.isnat(left), ~np.isnat(answered)
    rows.note(member & blank & (met | gone), "cc_cause is blank: told by the times")
    return cause.mask(blank & gone, _CANCELLED).mask(blank & met & ~gone, _ANSWERED)


def _outcome(taken: np.ndarray, cancelled: np.ndarray, reason: pd.Series, key: pd.Series) -> pd.Series:
    """What became of the caller; a reason that is blank is none."""
    place = {word: at for at, word in enumerate(_OUTCOMES)}
    by_reason = np.array([place[_CANCEL.get(word, "unknown")] for word in [*reason.cat.categories, "NONE"]])
    codes = np.where(cancelled, by_reason[reason.cat.codes], place["unknown"])
    codes[cancelled & reason.eq("BREAK_OUT") & key] = place["exited_key"]
    codes[taken] = place["answered"]
    return pd.Series(pd.Categorical.from_codes(codes, categories=pd.Index(_OUTCOMES, dtype="str")))


def _raw(cause: pd.Series, cancelled: np.ndarray, reason: pd.Series) -> pd.Series:
    """The cause, and why the call was cancelled, as text."""
    causes, why = list(cause.cat.categories), reason.cat.codes.to_numpy().astype("int64")
    words = pa.array([*causes, *(f"{_CANCELLED} {word}" for word in reason.cat.categories)], pa.large_string())
    at = np.where(cancelled & (why >= 0), len(causes) + why, cause.cat.codes)
    return to_series(words.take(pa.array(at, mask=at < 0)))


def plain_legs(rows: Rows, queues: Mapping[str, str]) -> pd.DataFrame:
    """Legs of any calls; those that dialled one of ``queues`` (numbers and names) are in a queue.

    Examples
    --------
    >>> import numpy as np
    >>> from ccstats.readers.accounting import Account
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
    rows.close(np.isnat(frame["start"]), "start_stamp is blank")
    rows.close(frame["lasted"].isna(), "duration is blank")
    rows.close(frame["billed"] > frame["lasted"], "billsec is more than duration")
    queue = each_word(frame["dnis"], queues.get)
    cause, other = rows.text("hangup_cause").str.upper(), rows.text("bleg_uuid", "bridge_uuid")
    channel = rows.text("bridge_channel")
    connected = other.notna() | channel.notna()
    never, no = np.full(len(rows), _NAT), np.zeros(len(rows), dtype=bool)
    return rows.frame(
        {
            **frame,
            "uuid": own,
            "side": each_category(queue, lambda _: "number", among=_SIDES).fillna("other"),
            "queue": queue,
            "queued_at": frame["start"],
            "outcome": categorised(cause, _HUNG_UP, _OUTCOMES, "unknown").mask(connected, "answered"),
            "raw_outcome": cause,
            "left": never,
            "over": never,
            "stayed": no,
            "agent": channel,
            "other": other,
            "standby": no,
            "visit_of": None,
        }
    )


def _of_call(rows: Rows) -> dict[str, Any]:
    """What any leg tells."""
    (start, one), (answer, two), (end, three) = (_at(rows, name) for name in ("start", "answer", "end"))
    return {
        "start": start,
        "answer": answer,
        "end": end,
        "rounded": one | two | three,
        "lasted": rows.seconds("duration"),
        "billed": rows.seconds("billsec"),
        "direction": each_category(rows.words("direction"), lambda word: _DIRECTIONS.get(word.casefold()), among=_WAYS).fillna("inbound"),
        "customer": rows.text("caller_id_number"),
        "dnis": rows.text("caller_destination", "destination_number"),
    }


def _at(rows: Rows, name: str) -> tuple[np.ndarray, np.ndarray | pd.Series]:
    """Start, answer or end, and whether its seconds were lost: by the epoch where there is one, else by the stamp, which is local."""
    exact, stamp = np.zeros(len(rows), dtype=bool), f"{name}_stamp"
    if rows.has(f"{name}_epoch"):
        return _utc(rows.instants(f"{name}_epoch", "epoch_s", missing=_NEVER)), exact
    if not rows.has(stamp) or isinstance(rows.columns[folded(stamp)].dtype, pd.DatetimeTZDtype):
        return _utc(rows.instants(stamp)), exact
    text = rows.text(stamp)
    parts = text.str.extract(_STAMP)
    spread = parts["y"].notna()
    iso = parts["y"] + "-" + parts["m"].str.zfill(2) + "-" + parts["d"].str.zfill(2) + " " + parts["h"].str.zfill(2) + ":" + parts["min"]
    rows.put(stamp, text.mask(spread, iso + ":" + parts["s"].fillna("00")))
    coarse = spread & parts["s"].isna()
    rows.note(coarse, f"{stamp} has no seconds, as a spreadsheet program leaves it: to the minute")
    return _utc(rows.instants(stamp, timezone=rows.options.timezone)), coarse


def _utc(at: Instants) -> np.ndarray:
    return np.asarray(at.utc, dtype="datetime64[us]")
