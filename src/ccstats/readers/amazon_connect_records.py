"""Contact records of Amazon Connect: a JSON record each, in any order and perhaps several times; a record is one stay in one queue."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning
from ccstats.privacy import pseudonymise
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.json_records import JsonRecords, JsonShape, Record, clean_text, starts_as_json
from ccstats.readers.values import LONGEST_S
from ccstats.schema import AGENT_STATES, CONTACTS

__all__ = ["READER", "SHAPE", "looks_like", "read_records"]

SHAPE = JsonShape(
    keys=("AWSAccountId", "AWSContactTraceRecordFormatVersion", "ContactId", "InitialContactId", "InstanceARN", "InitiationTimestamp"),
    within=("Records", "records", "Contacts", "contacts"),
)
#: What is read, and where in the record it stands.
_TEXTS = {
    "id": ("ContactId",), "root": ("InitialContactId",), "next": ("NextContactId",), "channel": ("Channel",),
    "method": ("InitiationMethod",),
    "reason": ("DisconnectReason",), "queue": ("Queue", "Name"), "queue_arn": ("Queue", "ARN"), "agent": ("Agent", "Username"),
    "agent_arn": ("Agent", "ARN"), "customer": ("CustomerEndpoint", "Address"), "dnis": ("SystemEndpoint", "Address"),
    "sent_to": ("TransferredToEndpoint", "Address"),
}  # fmt: skip
_INSTANTS = {
    "began": ("InitiationTimestamp",), "queued": ("Queue", "EnqueueTimestamp"), "left": ("Queue", "DequeueTimestamp"),
    "connected": ("Agent", "ConnectedToAgentTimestamp"), "over": ("DisconnectTimestamp",), "updated": ("LastUpdateTimestamp",),
}  # fmt: skip
_NUMBERS = {
    "wait_s": ("Queue", "Duration"), "talk_s": ("Agent", "AgentInteractionDuration"), "hold_s": ("Agent", "CustomerHoldDuration"),
    "wrap_s": ("Agent", "AfterContactWorkDuration"), "attempts": ("AgentConnectionAttempts",),
}  # fmt: skip
#: Who began the contact; transfers and the flow after a disconnect go the way of the contact they continue.
_DIRECTIONS = {
    "INBOUND": "inbound", "OUTBOUND": "outbound", "CALLBACK": "outbound", "EXTERNAL_OUTBOUND": "outbound", "WEBRTC_API": "inbound",
    "AGENT_REPLY": "outbound", "CAMPAIGN_PREVIEW": "outbound",
}  # fmt: skip
_INHERITED = ("TRANSFER", "QUEUE_TRANSFER", "DISCONNECT")
#: How a contact that no agent took went on.
_NEXT = {"CALLBACK": "callback", "TRANSFER": "overflowed", "QUEUE_TRANSFER": "overflowed"}
#: … or ended.
_REASONS = {
    "CUSTOMER_DISCONNECT": "abandoned", "CONTACT_FLOW_DISCONNECT": "overflowed", "TRANSFERRED": "overflowed", "EXPIRED": "timed_out",
    "API": "withdrawn", "DISCARDED": "withdrawn", "TELECOM_PROBLEM": "failed",
}  # fmt: skip
_HUNG_UP = {
    "CUSTOMER_DISCONNECT": "customer",
    "AGENT_DISCONNECT": "agent",
    "CONTACT_FLOW_DISCONNECT": "system",
    "TELECOM_PROBLEM": "system",
}
_WHEN = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})"
_FIRST, _LAST = pd.Timestamp("1970-01-01", tz="UTC"), pd.Timestamp("2200-01-01", tz="UTC")
#: Instants are whole seconds, so a difference of two may be off by one each way. [s]
_ROUNDING_S = 2.0


def looks_like(head: bytes) -> bool:
    """Whether it is JSON with contact records, not with events of agents.

    Examples
    --------
    >>> looks_like(b'{"AWSAccountId":"1","AWSContactTraceRecordFormatVersion":"2017-03-10","Agent":null')
    True
    >>> looks_like(b'{"AgentARN":"a","CurrentAgentSnapshot":{"Contacts":[{"ContactId":"c"}]}}')
    False
    """
    if not starts_as_json(head) or b'"CurrentAgentSnapshot"' in head:
        return False
    told = b'"AWSContactTraceRecordFormatVersion"' in head
    return told or all(key in head for key in (b'"ContactId"', b'"InitiationMethod"', b'"InitiationTimestamp"', b'"LastUpdateTimestamp"'))


def read_records(sources: Sequence[Source], options: Options) -> Log:
    """Read contact records; `ccstats.read` is the way in.

    Parameters
    ----------
    sources : sequence of Source
        Files of the stream or its storage: records one after the other, lines, or lists.
    options : Options
        No option of its own.

    Returns
    -------
    Log
        Lines are records. ``agent_states`` is empty: states of agents are in the agents' event stream.

    Examples
    --------
    >>> log = read_records([Source("empty", b"")], Options())
    >>> len(log.contacts), len(log.agent_states)
    (0, 0)
    """
    account = Account(options, unit="record")
    parts = []
    for source in sources:
        parts.append(_one(source, account))
        if options.progress:
            options.progress(source.name, 1.0)
    records = pd.concat(parts, ignore_index=True)
    # The newest version of a contact; of equals the one that came last.
    order = records["updated"].fillna(_FIRST).argsort(kind="stable").to_numpy()
    newest = ~records["id"].iloc[order].duplicated(keep="last").sort_index().to_numpy()
    fates = {
        "delivered again: an equal or older version": ~newest,
        "a supervisor listened (MONITOR)": (records["method"] == "MONITOR").to_numpy(),
        "never queued: ended in the flow, or went to an agent directly": records["queued"].isna().to_numpy(),
    }
    open_ = np.ones(len(records), dtype=bool)
    for rule, mask in fates.items():
        for name, many in records["source"][mask & open_].value_counts().items():
            account.count(str(name), "ignored", rule, int(many))
        open_ &= ~mask
    for name, many in records["source"][open_].value_counts().items():
        account.count(str(name), "used", "contact record", int(many))
    contacts = _contacts(records[newest], open_[newest], account)
    _warn(contacts)
    if options.pseudonyms:
        contacts["customer"] = pseudonymise(contacts["customer"], options.key)
    rejected, lines, notes = account.tables()
    return Log(CONTACTS.conform(contacts), AGENT_STATES.empty(), rejected, lines, notes, "amazon_connect_records", options.timezone)


def _one(source: Source, account: Account) -> pd.DataFrame:
    """The records of one source as columns; those that cannot be read are rejected."""
    records = JsonRecords(source, SHAPE, account)
    paths = {**_TEXTS, **_INSTANTS, **_NUMBERS}
    columns: dict[str, list[Any]] = {name: [] for name in paths}
    # Objects that hold what we read are looked up once a record.
    top = [(columns[name], path[0]) for name, path in paths.items() if len(path) == 1]
    inner: dict[str, list[tuple[list[Any], str]]] = {}
    for name, path in paths.items():
        if len(path) == 2:
            inner.setdefault(path[0], []).append((columns[name], path[1]))
    numbers: list[int] = []
    texts: list[str] = []
    for number, value, text in records:
        objects = {name: value.get(name) or {} for name in inner}
        wrong = next((name for name, held in objects.items() if type(held) is not dict), None)
        if wrong:
            records.reject(Record(number, value, text), f"{wrong} is no object")
            continue
        for column, key in top:
            column.append(value.get(key))
        for name, those in inner.items():
            held = objects[name]
            for column, key in those:
                column.append(held.get(key))
        numbers.append(number)
        if account.keeps_text:
            texts.append(text)
    frame, problems = _typed(columns)
    open_ = np.ones(len(numbers), dtype=bool)
    line = np.array(numbers, dtype="int64")
    for reason, mask in problems.items():
        hit = np.flatnonzero(mask & open_)
        account.reject(source.name, line[hit], reason, texts=[texts[at] for at in hit] if account.keeps_text else ())
        open_ &= ~mask
    frame["source"] = pd.Series([source.name] * len(frame), dtype="str")
    return frame[open_]


def _typed(columns: dict[str, list[Any]]) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Columns with their types, and what is wrong with which rows."""
    out: dict[str, pd.Series] = {}
    problems: dict[str, np.ndarray] = {}
    for name, path in _TEXTS.items():
        values, strange = _strings(columns[name])
        out[name] = values
        problems[f"{'.'.join(path)} is no text"] = strange
    for name, path in _INSTANTS.items():
        values, strange = _strings(columns[name])
        fits = values.where(values.str.fullmatch(_WHEN, na=False))
        at = pd.to_datetime(fits, format="ISO8601", utc=True, errors="coerce")
        at = at.where((at >= _FIRST) & (at < _LAST)).dt.as_unit("us")
        out[name] = at
        problems[f"{'.'.join(path)} is no instant such as 2024-03-01T09:00:00Z, or outside 1970 to 2200"] = strange | (
            values.notna() & at.isna()
        ).to_numpy(dtype=bool)
    for name, path in _NUMBERS.items():
        plain = [value if type(value) in (int, float) else None for value in columns[name]]
        strange = np.array([value is not None and type(value) not in (int, float) for value in columns[name]], dtype=bool)
        most = LONGEST_S if name.endswith("_s") else 2.0**31
        values = pd.Series([None if value is None or not 0 <= value < most else float(value) for value in plain], dtype="float64")
        there = np.array([value is not None for value in plain], dtype=bool)
        out[name] = values
        problems[f"{'.'.join(path)} is no number, negative, or beyond a year"] = strange | (there & values.isna().to_numpy())
    problems["AgentConnectionAttempts is no whole number"] = (out["attempts"] % 1 > 0).to_numpy()
    problems |= {"ContactId is missing": out["id"].isna().to_numpy(), "Channel is missing": out["channel"].isna().to_numpy()}
    unanswerable = out["connected"].notna() & out["queued"].isna() & (out["queue"].notna() & out["wait_s"].notna())
    problems["answered out of a queue, but Queue.EnqueueTimestamp is missing"] = unanswerable.to_numpy()
    problems["Queue has neither Name nor ARN"] = (out["queued"].notna() & out["queue"].isna() & out["queue_arn"].isna()).to_numpy()
    backwards = (out["connected"] - out["queued"]).dt.total_seconds() < -_ROUNDING_S
    problems["connected to the agent before it was queued"] = backwards.to_numpy(dtype=bool)
    return pd.DataFrame(out), problems


def _strings(values: list[Any]) -> tuple[pd.Series, np.ndarray]:
    """Text, missing where blank; and a mask of what is none."""
    strange = np.array([value is not None and type(value) is not str for value in values], dtype=bool)
    plain = [clean_text(value) if type(value) is str else None for value in values]
    text = pd.Series(plain, dtype="str").str.strip()
    return text.mask(text == ""), strange


def _contacts(records: pd.DataFrame, used: np.ndarray, account: Account) -> pd.DataFrame:
    """One row for each of the records ``used``; the others tell of roots and of how a contact went on."""
    records = records.assign(root=records["root"].fillna(records["id"]))
    known = records.set_index("id")
    rows = records[used].sort_values(["root", "queued", "began", "id"], kind="stable", ignore_index=True)
    answered = rows["connected"].notna()
    next_method = _at(known["method"], rows["next"])
    outcome = _outcome(rows, answered, next_method, account)
    answered_wait = (rows["connected"] - rows["queued"]).dt.total_seconds().clip(lower=0)
    left_wait = (rows["left"] - rows["queued"]).dt.total_seconds()
    derived = answered_wait.where(answered, left_wait.where(left_wait >= 0))
    wait = rows["wait_s"]
    account.note("Queue.Duration is missing: the wait is from queued to connected or left", int((wait.isna() & derived.notna()).sum()))
    account.note(
        "Queue.Duration differs from connected (or left) - queued by more than two seconds: the logged wait is taken",
        int(((wait - derived).abs() > _ROUNDING_S).sum()),
    )
    root_began = _at(known["began"], rows["root"])
    own_root = rows["root"] == rows["id"]
    menu = (rows["queued"] - rows["began"]).dt.total_seconds().where(own_root & ~rows["method"].isin(["CALLBACK", "OUTBOUND", "API"]))
    sent_on = answered & next_method.isin(["TRANSFER", "QUEUE_TRANSFER"])
    to_queue = _at(_queue_of(known), rows["next"]).where(sent_on)
    outside = pd.Series(["external"] * len(rows), dtype="str").where(answered & rows["sent_to"].notna())
    ended_by = rows["reason"].map(_HUNG_UP).astype("str").where(outcome.isin(["answered", "abandoned"]))
    return pd.DataFrame(
        {
            "contact_id": rows["root"],
            "visit": (rows.groupby("root").cumcount() + 1).astype("int64"),
            "channel": rows["channel"].str.lower(),
            "direction": _direction(rows, known, account),
            "queue": _queue_of(rows),
            "queued_at": rows["queued"],
            "outcome": outcome,
            "raw_outcome": rows["reason"],
            "wait_s": wait.fillna(derived),
            "ring_s": np.full(len(rows), np.nan),
            **{name: rows[name].where(answered) for name in ("talk_s", "hold_s", "wrap_s")},
            "agent": rows["agent"].fillna(_last_of(rows["agent_arn"])).where(answered),
            "arrived_at": root_began,
            "ivr_s": menu.where(menu >= 0),
            "transferred_to": to_queue.fillna(outside),
            "ended_by": ended_by,
            "customer": rows["customer"],
            "dnis": rows["dnis"],
            "ring_attempts": rows["attempts"].astype("Int64"),
        }
    )


def _outcome(rows: pd.DataFrame, answered: pd.Series, next_method: pd.Series, account: Account) -> pd.Series:
    """An agent answered; else the next contact says how it went on; else the reason says how it ended."""
    running = rows["left"].isna() & rows["over"].isna() & rows["wait_s"].isna()
    went_on = next_method.map(_NEXT).astype("str")
    # A contact that follows but is not in the log; what a disconnect starts is no way to go on.
    elsewhere = rows["next"].notna() & next_method.isna()
    ended = rows["reason"].map(_REASONS).astype("str")
    silent = rows["reason"].isna()
    outcome = pd.Series(
        np.select(
            [answered, went_on.notna(), elsewhere & (rows["reason"] != "CUSTOMER_DISCONNECT"), running, ended.notna(), silent],
            ["answered", went_on, "overflowed", "open", ended, "abandoned"],
            default="unknown",
        ),
        dtype="str",
    )
    account.note("the next contact is not in the log: overflowed", int((elsewhere & ~answered & (outcome == "overflowed")).sum()))
    account.note(
        "the customer hung up, and a next contact is not in the log: abandoned, though it may be a callback",
        int((elsewhere & ~answered & (outcome == "abandoned")).sum()),
    )
    account.note(
        "no DisconnectReason and no next contact: abandoned", int((silent & (outcome == "abandoned") & ~answered & went_on.isna()).sum())
    )
    return outcome


def _direction(rows: pd.DataFrame, known: pd.DataFrame, account: Account) -> pd.Series:
    method = rows["method"].mask(rows["method"].isin(_INHERITED), _at(known["method"], rows["root"]))
    api = (method == "API").to_numpy()
    found = method.map(_DIRECTIONS).astype("str")
    found = found.mask(api & (rows["channel"] == "VOICE").to_numpy(), "outbound").mask(
        api & (rows["channel"] != "VOICE").to_numpy(), "inbound"
    )
    account.note(
        "direction is not known (the first contact is not in the log, or another InitiationMethod): inbound", int(found.isna().sum())
    )
    return found.fillna("inbound")


def _at(values: pd.Series, keys: pd.Series) -> pd.Series:
    """The value at each key, missing where there is none."""
    return values.reindex(keys).set_axis(keys.index)


def _queue_of(rows: pd.DataFrame) -> pd.Series:
    """Name of the queue; an agent's own queue has none and goes by the end of its address."""
    return rows["queue"].fillna(_last_of(rows["queue_arn"]))


def _last_of(address: pd.Series) -> pd.Series:
    return address.str.replace("^.*/", "", regex=True)


def _warn(contacts: pd.DataFrame) -> None:
    unknown = contacts.loc[contacts["outcome"] == "unknown", "raw_outcome"]
    if len(unknown):
        words = ", ".join(map(repr, sorted(unknown.dropna().unique())[:5])) or "blank"
        warnings.warn(
            f"{len(unknown)} contacts ended in a way that format 'amazon_connect_records' does not know ({words}); "
            "they are counted as 'unknown'",
            DataWarning,
            stacklevel=5,
        )


READER = Reader(
    name="amazon_connect_records",
    title="Amazon Connect contact records (JSON)",
    yields=("contacts",),
    clock="utc",
    evidence="the vendor's documentation and published queries over such records; not checked on real data",
    looks_like=looks_like,
    read=read_records,
)
