"""NICE CXone: completed contacts of the reporting API, as its JSON or as a table, one row a leg of a call, in UTC."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.json_facts import BadRecord
from ccstats.readers.json_records import JsonRecords, JsonShape, Record, clean_text, starts_as_json
from ccstats.readers.product_tables import Rows, folded, header_has
from ccstats.readers.settling import settle, to_log
from ccstats.readers.tabular import Grid, Layout, read_grid
from ccstats.readers.workbooks import cell_text

__all__ = ["READER", "SHAPE", "looks_like", "read_contacts"]

SHAPE = JsonShape(
    keys=("contactId", "masterContactId", "abandoned", "abandonSeconds", "acwSeconds", "ACWSeconds", "agentId", "analyticsProcessedDate"),
    within=("completedContacts",),
)
#: Fields that are read, and what else they are called, by version of the interface. Case and underscores do not matter.
_FIELDS: dict[str, tuple[str, ...]] = {
    "contactId": (), "masterContactId": (), "contactStart": ("contactStartDate",), "lastUpdateTime": (),
    "skillName": (), "skillId": (), "pointOfContactName": (), "pointOfContactId": (),
    "mediaTypeName": (), "mediaType": ("mediaTypeId",), "isOutbound": ("outbound",), "isActive": (),
    "agentId": (), "agentName": (), "firstName": (), "lastName": (),
    "fromAddr": ("fromAddress",), "toAddr": ("toAddress",),
    "preQueueSeconds": (), "inQueueSeconds": (), "agentSeconds": (), "postQueueSeconds": (), "holdSeconds": (), "acwSeconds": (),
    "totalDurationSeconds": (), "callbackTime": (),
    "abandoned": ("isAbandoned",), "isShortAbandon": ("shortAbandon",), "isRefused": ("refused",),
    "endReason": (), "primaryDispositionId": (),
}  # fmt: skip
_FIELD_OF = {folded(name): field for field, others in _FIELDS.items() for name in (field, *others)}
_NEEDED = ("contactId", "masterContactId", "contactStart", "agentId", "inQueueSeconds", "agentSeconds", "abandoned")
_MARK = ("contactId", "masterContactId", "inQueueSeconds", "agentSeconds")
#: Media by name; the only id that is known for sure is that of a call. Others go by their own name in small letters.
_CHANNELS = {"call": "voice", "4": "voice", "phonecall": "voice", "voice": "voice", "email": "email", "chat": "chat", "sms": "sms",
             "voicemail": "voicemail", "workitem": "task", "digital": "digital"}  # fmt: skip
#: What stands in a page of an answer besides its contacts.
_OF_PAGES = {"completedContacts", "businessUnitId", "totalRecords", "lastPollTime", "_links"}
_ZERO = r"0+(?:\.0+)?"
#: The outcome of a leg that left its queue, until it is known whether another leg followed.
_LEFT = "left the queue"
_BATCH = 20_000
_LONGEST_KEY = 64


def looks_like(head: bytes) -> bool:
    r"""Whether it is a table or JSON with the fields of completed contacts.

    Examples
    --------
    >>> looks_like(b"contactId,masterContactId,contactStart,skillName,inQueueSeconds,agentSeconds,abandoned\n")
    True
    >>> looks_like(b'{"completedContacts": [{"contactId": 1, "masterContactId": 1, "inQueueSeconds": 3.2, "agentSeconds": 60.0')
    True
    >>> looks_like(b'{"completedContacts": []}')
    False
    """
    if starts_as_json(head):
        return all(f'"{name}"'.encode() in head for name in _MARK)
    return header_has(head, _MARK)


def read_contacts(sources: Iterable[Source], options: Options) -> Log:
    r"""Read completed contacts; `ccstats.read` and `ccstats.read_sql` are the ways in.

    Parameters
    ----------
    sources : iterable of Source
        Answers of the interface (pages, lists or lines), tables, frames or query results.
    options : Options
        With ``timezone`` if times without a zone are not in UTC.

    Returns
    -------
    Log
        Lines are records where the first source is JSON. ``agent_states`` is empty.

    Raises
    ------
    ColumnError
        If a table lacks a column.

    Examples
    --------
    >>> rows = b"contactId,masterContactId,contactStart,skillName,agentId,inQueueSeconds,agentSeconds,holdSeconds,abandoned\n"
    >>> rows += b"8,7,2024-03-01T08:00:00.000Z,sales,31,13,277,40,False\n"
    >>> read_contacts([Source("c.csv", rows)], Options()).contacts[["queue", "outcome", "wait_s", "talk_s"]].to_dict("records")
    [{'queue': 'sales', 'outcome': 'answered', 'wait_s': 13.0, 'talk_s': 237.0}]
    """
    rest = iter(sources)
    first = list(itertools.islice(rest, 1))
    account = Account(options, unit="record" if first and _is_json(first[0]) else "line")
    parts = []
    for source in itertools.chain(first, rest):
        many = _of_json(source, account, options) if _is_json(source) else [_of_table(source, account, options)]
        parts += [_contacts(rows, options) for rows in many]
        if options.progress:
            options.progress(source.name, 1.0)
    contacts = settle(parts, account, options, same=["_contact"], called="contactId", newest="_updated", rule="contact")
    return to_log(_followed(contacts), account, options, "nice_cxone")


def _is_json(source: Source) -> bool:
    return source.frame is None and starts_as_json(bytes(source.data[:65_536]))


def _of_table(source: Source, account: Account, options: Options) -> Rows:
    """The rows of a table, with its columns under the names they are read by."""
    grid = read_grid(source, Layout(), account)
    there = {folded(name) for name in grid.header}
    needed = [next((name for name in (field, *_FIELDS[field]) if folded(name) in there), field) for field in _NEEDED]
    rows = Rows(grid, account, options, needed=needed)
    for field, others in _FIELDS.items():
        found = [name for name in (field, *others) if rows.has(name)]
        if found and found != [field]:
            # A table of answers of several versions has both.
            rows.put(field, rows.text(*found))
    return rows


class _Records(Rows):
    """Rows that were JSON records, and are shown as such."""

    texts: list[str]

    def _texts(self, rows: np.ndarray) -> list[str]:
        return [self.texts[at] for at in rows]


def _of_json(source: Source, account: Account, options: Options) -> Iterator[Rows]:
    records = JsonRecords(source, SHAPE, account)
    batch: list[tuple[Record, dict[str, str]]] = []
    for record in records:
        try:
            facts = _facts(record.value)
        except BadRecord as problem:
            records.reject(record, str(problem))
            continue
        if not facts and _OF_PAGES.issuperset(record.value):
            account.count(source.name, "ignored", "page without contacts", 1)
            continue
        # Only the text is kept of a record, and only where it was asked for.
        batch.append((record._replace(value={}), facts))
        if len(batch) == _BATCH:
            yield _grid(source.name, batch, account, options)
            batch = []
    yield _grid(source.name, batch, account, options)


def _grid(name: str, batch: list[tuple[Record, dict[str, str]]], account: Account, options: Options) -> Rows:
    columns = {field: pd.Series([facts.get(field) for _, facts in batch], dtype="str") for field in _FIELDS}
    numbers = np.array([record.number for record, _ in batch], dtype="int64")
    rows = _Records(Grid(name, list(_FIELDS), columns, numbers, np.ones(len(batch), dtype="int64")), account, options)
    rows.texts = [record.text for record, _ in batch]
    return rows


def _facts(record: dict[str, Any]) -> dict[str, str]:
    """Those fields of a record that are read, as text."""
    if "resultSet" in record:
        raise BadRecord("an answer wrapped in resultSet: give what is within")
    facts: dict[str, str] = {}
    for key, value in record.items():
        field = _FIELD_OF.get(key) or (_FIELD_OF.get(folded(key)) if len(key) <= _LONGEST_KEY else None)
        if field is None or value is None:
            continue
        if isinstance(value, dict | list):
            raise BadRecord(f"{field} is neither text nor a number")
        facts.setdefault(field, clean_text(cell_text(value)))
    return facts


def _contacts(rows: Rows, options: Options) -> pd.DataFrame:
    zone, many = options.timezone or "UTC", len(rows)
    contact = rows.text("contactId")
    rows.ignore(_flags(rows, "isOutbound"), "outbound: no visit to a queue")
    rows.close(contact.isna(), "contactId is blank")
    start = rows.instants("contactStart", timezone=zone).utc
    rows.close(start.isna(), "contactStart is blank")
    updated = rows.instants("lastUpdateTime", timezone=zone).utc
    names = ("preQueue", "inQueue", "agent", "postQueue", "hold", "acw", "totalDuration")
    before, wait, agent_s, after, hold, wrap, total = (rows.seconds(f"{name}Seconds") for name in names)

    agent, media = _known(rows.text("agentId")), rows.text("mediaTypeName", "mediaType")
    rows.note(media.isna(), "no media type: a call")
    word = media.str.casefold().str.replace(r"[\W_]+", "", regex=True)
    channel = word.map(_CHANNELS).astype("str").fillna(word).fillna("voice")
    abandoned, short, refused, active = (_flags(rows, name) for name in ("abandoned", "isShortAbandon", "isRefused", "isActive"))
    asked_back = _known(rows.text("callbackTime")).notna()
    queued, talked = wait > 0, agent_s > 0
    rows.note(talked & agent.isna(), "agentSeconds without an agent: answered")
    rows.note(talked & (abandoned | short), "abandoned, but with agentSeconds: answered")
    taken = agent.notna() & ~talked & ~abandoned & ~short & ~refused
    rows.note(taken, "an agent, but no agentSeconds: answered")
    abandoned = abandoned | short

    answered = talked | taken
    outcome = pd.Series([_LEFT] * many, dtype="str")
    outcome = outcome.mask(channel == "voicemail", "voicemail").mask(active, "open")
    outcome = outcome.mask(abandoned, "abandoned").mask(abandoned & ~queued, "ivr_abandoned").mask(asked_back, "callback")
    outcome = outcome.mask(answered, "answered")
    rows.ignore((outcome == _LEFT) & ~queued & ~refused, "ended before any queue")
    rows.note(short & (outcome == "abandoned"), "short abandons of the platform: abandoned, leave them out with short_s")
    raw = rows.text("endReason").fillna(pd.Series(np.select([short, abandoned, refused], ["short abandon", "abandoned", "refused"], "")))

    rows.close(answered & wait.isna(), "inQueueSeconds of an answered contact is blank")
    outside = outcome == "ivr_abandoned"
    skill = rows.text("skillName").fillna(_known(rows.text("skillId")))
    rows.note(skill.isna(), "no skill: the queue is the point of contact")
    queue = skill.fillna(rows.text("pointOfContactName")).fillna(_known(rows.text("pointOfContactId")))
    rows.close(queue.isna(), "no skillName, skillId and pointOfContactName")
    rows.note(answered & hold.isna(), "holdSeconds is blank: talk_s contains what there was of it")
    apart = answered & (hold > agent_s)
    rows.note(apart, "holdSeconds is longer than agentSeconds: talk_s is agentSeconds")
    spent = sum((each.fillna(0.0) for each in (before, wait, agent_s, after)), pd.Series(np.zeros(many)))
    longer = answered & (hold > 2) & ((total - spent - hold).abs() <= 1)
    rows.note(longer, "totalDurationSeconds is its parts and the hold: agentSeconds seems not to contain it")
    rows.note(spent > total + 2, "the parts are longer than totalDurationSeconds: as logged")

    over = answered & ~active  # while it goes on, they are what they are so far
    name = rows.text("firstName").fillna("") + " " + rows.text("lastName").fillna("")
    name = name.str.strip().mask(lambda each: each == "").fillna(rows.text("agentName")).fillna(agent)
    return rows.frame(
        {
            "contact_id": rows.text("masterContactId").fillna(contact),
            "channel": channel.mask(asked_back & answered, "callback"),
            "direction": pd.Series(["inbound"] * many, dtype="str"),
            "queue": queue,
            "queued_at": (start + pd.to_timedelta(before.fillna(0.0), unit="s")).dt.as_unit("us").mask(outside),
            "outcome": outcome,
            "raw_outcome": raw.mask(raw == ""),
            "wait_s": wait.mask(outside),
            "ring_s": pd.Series(np.full(many, np.nan)),
            "talk_s": (agent_s - hold.fillna(0.0)).mask(apart, agent_s).where(over),
            "hold_s": hold.where(over),
            "wrap_s": wrap.where(over),
            "agent": name.where(answered),
            "arrived_at": start,
            "ivr_s": before,
            "ended_by": pd.Series([None] * many, dtype="str").mask(abandoned & ~answered, "customer"),
            "customer": rows.text("fromAddr"),
            "dnis": rows.text("toAddr"),
            "disposition": _known(rows.text("primaryDispositionId")),
            "_contact": contact,
            "_updated": updated,
        }
    )


def _followed(contacts: pd.DataFrame) -> pd.DataFrame:
    """What became of legs that left their queue, by the leg of the same call that began next."""
    order = contacts.sort_values(["contact_id", "arrived_at", "_contact"], kind="stable")
    after = order.groupby("contact_id", sort=False, observed=True)[["queue", "channel"]].shift(-1).reindex(contacts.index).astype("str")
    outcome = contacts["outcome"].astype("str")
    left, later = outcome == _LEFT, after["queue"].notna()
    outcome = outcome.mask(left & later, "overflowed").mask(left & (after["channel"] == "voicemail"), "voicemail")
    return contacts.assign(
        outcome=outcome.mask(left & ~later, "unknown"),
        transferred_to=after["queue"].where(outcome == "answered"),
    )


def _flags(rows: Rows, name: str) -> np.ndarray:
    return rows.flags(name) if rows.has(name) else np.zeros(len(rows), dtype=bool)


def _known(ids: pd.Series) -> pd.Series:
    """Ids, of which 0 is none."""
    return ids.mask(ids.str.fullmatch(_ZERO, na=False))


READER = Reader(
    name="nice_cxone",
    title="NICE CXone: completed contacts of the reporting API",
    yields=("contacts",),
    clock="utc",
    evidence="fields and one answer as published by users of the interface, and documentation; not seen on real data",
    looks_like=looks_like,
    read=read_contacts,
    streams=True,
)
