"""Status of users in Genesys Cloud: a JSON record a user with two timelines, presence and routing status, laid over each other."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import pandas as pd

from ccstats.errors import DataWarning, OptionError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.json_facts import BadRecord, instant_of, list_of, text_of
from ccstats.readers.json_records import JsonRecords, JsonShape, starts_as_json
from ccstats.readers.product_tables import to_log
from ccstats.readers.spans import laid_over, told_apart, whole_spans
from ccstats.readers.values import LONGEST_S
from ccstats.schema import CONTACTS

__all__ = ["READER", "SHAPE", "looks_like", "read_user_status"]

SHAPE = JsonShape(keys=("userId", "primaryPresence"), within=("userDetails",))
#: A user's two timelines: where they stand in the record, and the key of the word.
_TIMELINES = {"primaryPresence": "systemPresence", "routingStatus": "routingStatus"}
#: What an agent does of whom this is known; where several are, the last one in this list. None: nothing, or logged out. ``*``: other words.
_LAYERS: tuple[tuple[str, dict[str, str | None]], ...] = (
    ("routingStatus", {"OFF_QUEUE": None}),
    # On queue, but it is not known what for: the routing status says it.
    ("primaryPresence", {"ON_QUEUE": "other"}),
    ("routingStatus", {"IDLE": "available", "NOT_RESPONDING": "pause", "*": "other"}),
    # Whoever is not on queue is given no contacts, whatever the routing status was a moment ago …
    ("primaryPresence", {"AVAILABLE": "other", "AWAY": "pause", "BUSY": "pause", "IDLE": "pause", "MEAL": "pause", "TRAINING": "pause",
                         "MEETING": "pause", "BREAK": "pause", "*": "other"}),
    # … but may still be busy with the last one.
    ("routingStatus", {"INTERACTING": "on_contact", "COMMUNICATING": "other"}),
    ("primaryPresence", {"OFFLINE": None}),
)  # fmt: skip
_KNOWN = {name: [word for timeline, words in _LAYERS if timeline == name for word in words if word != "*"] for name in _TIMELINES}
#: The state of whoever does nothing, until the layers are one.
_NOTHING = "nothing"
#: In these a user may be for longer than a year.
_LASTING = ("OFFLINE", "OFF_QUEUE")
#: What stands in a page of an answer besides its users.
_OF_PAGES = {"userDetails", "aggregations", "totalHits", "cursor", "dataAvailabilityDate"}


class _Key(NamedTuple):
    """A span that several pages may tell of, the later ones with its end."""

    timeline: str
    user: str
    start: datetime
    word: str


def looks_like(head: bytes) -> bool:
    """Whether it is JSON with timelines of users.

    Examples
    --------
    >>> looks_like(b'{"userDetails": [{"userId": "u1", "primaryPresence": [{"startTime": "2024-03-01T08:00:00Z", "systemPresence": "')
    True
    >>> looks_like(b'{"conversationId": "c1", "participants": [{"userId": "u1", "sessions": []}]}')
    False
    """
    return starts_as_json(head) and b'"userId"' in head and (b'"primaryPresence"' in head or b'"routingStatus"' in head)


def read_user_status(sources: Sequence[Source], options: Options) -> Log:
    """Read details of users; `ccstats.read` is the way in.

    Parameters
    ----------
    sources : sequence of Source
        Answers of the details query or of the job: pages, lines or lists of users.
    options : Options
        ``users``: names by ids; who has none is called by the id.

    Returns
    -------
    Log
        Lines are users. ``contacts`` is empty: contacts are in the conversations.

    Raises
    ------
    OptionError
        If ``users`` maps no texts to texts.

    Examples
    --------
    >>> log = read_user_status([Source("empty", b"")], Options())
    >>> len(log.contacts), len(log.agent_states)
    (0, 0)
    """
    users = options.extra.get("users") or {}
    if not isinstance(users, Mapping) or not all(isinstance(each, str) and each for pair in users.items() for each in pair):
        raise OptionError("users=: expected names by ids, such as {'5b2c…': 'Zoë Brandt'}, both texts")
    account = Account(options, unit="record")
    spans: dict[_Key, datetime | None] = {}
    for source in sources:
        records = JsonRecords(source, SHAPE, account)
        for record in records:
            try:
                found = _spans(record.value)
            except BadRecord as problem:
                records.reject(record, str(problem))
                continue
            if found is None:
                account.count(source.name, "ignored", "page without users", 1)
                continue
            account.count(source.name, *(("used", "user") if found else ("ignored", "user without a status")), 1)
            for key, end in found:
                account.note("a span that several records tell of: once, with the later end", key in spans)
                other = spans.get(key)
                # Once a span has an end, a record without one is an older one.
                spans[key] = end if other is None else max(other, end or other)
        if options.progress:
            options.progress(source.name, 1.0)
    states = _states(spans, users, account)
    return to_log(CONTACTS.empty(), account, options, "genesys_cloud_user_status", states=states)


def _spans(record: dict[str, Any]) -> list[tuple[_Key, datetime | None]] | None:
    """Spans of one user on both timelines; None if it is a page without users."""
    user = text_of(record, "userId")
    if user is None:
        if _OF_PAGES.issuperset(record):
            return None
        raise BadRecord("userId is missing")
    found = []
    for timeline, name in _TIMELINES.items():
        for span in list_of(record, timeline):
            start, end, word = instant_of(span, "startTime"), instant_of(span, "endTime"), text_of(span, name)
            if start is None or word is None:
                raise BadRecord(f"{timeline} has a span without {'startTime' if start is None else name}")
            word = word.upper()
            if end is not None and end < start:
                raise BadRecord(f"{timeline} has a span that ends before it starts")
            if end is not None and word not in _LASTING and (end - start).total_seconds() >= LONGEST_S:
                raise BadRecord(f"{timeline} has a span of more than a year")
            found.append((_Key(timeline, user, start, word), end))
    return found


def _states(spans: dict[_Key, datetime | None], users: Mapping[str, str], account: Account) -> pd.DataFrame:
    log_ends = max([*(key.start for key in spans), *(end for end in spans.values() if end is not None)], default=None)
    names = {key.user: users.get(key.user, key.user) for key in spans}
    called = told_apart(names)
    account.note("two users of one name: the id is added", sum(called[key] != name for key, name in names.items()))
    if users:
        account.note("users without a name in users=: called by the id", sum(key not in users for key in names))
    rows = [
        (key.timeline, called[key.user], key.start, end or log_ends, key.word, "event" if end else "end_of_file")
        for key, end in sorted(spans.items(), key=lambda each: (each[0].start, each[1] is None, each[1] or each[0].start, each[0].word))
    ]
    frame = pd.DataFrame(rows, columns=["timeline", "agent", "started_at", "ended_at", "word", "closed_by"])
    for name in frame.columns:
        at = name in ("started_at", "ended_at")
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("us") if at else frame[name].astype("str")
    strange = ~pd.concat([frame["word"].isin(_KNOWN[name]) & (frame["timeline"] == name) for name in _TIMELINES], axis=1).any(axis=1)
    _warn(frame.loc[strange, "word"], account)
    frame["word"], frame["told"] = frame["word"].mask(strange, "*"), frame["word"]
    timelines = _where_both({name: whole_spans(frame[frame["timeline"] == name], account) for name in _TIMELINES}, account)
    layers = []
    for timeline, words in _LAYERS:
        those = timelines[timeline]
        those = those[those["word"].isin(list(words))]
        layers.append(those.assign(state=those["word"].map({word: state or _NOTHING for word, state in words.items()}).astype("str")))
    states = laid_over(layers, account)
    states = states[states["state"] != _NOTHING].reset_index(drop=True)
    nothing = pd.Series([None] * len(states), dtype="str")
    reason = states["told"].where(states["state"].isin(["pause", "other"]))
    return states.assign(reason=reason, queue=nothing, contact_id=nothing).drop(columns=["timeline", "word", "told"])


def _where_both(timelines: dict[str, pd.DataFrame], account: Account) -> dict[str, pd.DataFrame]:
    """Routing status only where there is a presence, and time on queue only where there is a routing status.

    A query answers whole spans, also those that began long before its interval, where the other timeline is not known. A user of whom
    only one timeline is there keeps it as it is.
    """
    presence, routing = (each.groupby("agent").agg(first=("started_at", "min"), last=("ended_at", "max")) for each in timelines.values())
    account.note("users without primaryPresence: nobody knows when they were logged in", len(routing.index.difference(presence.index)))
    account.note("users without routingStatus: time on queue is 'other'", len(presence.index.difference(routing.index)))
    out = {}
    for (name, spans), other in zip(timelines.items(), (routing, presence), strict=True):
        since, until = (other[each].reindex(spans["agent"]).set_axis(spans.index) for each in ("first", "last"))
        needs = spans["word"].eq("ON_QUEUE") | (name == "routingStatus")
        early, late = needs & (spans["started_at"] < since), needs & (spans["ended_at"] > until)
        account.note("spans that reach beyond what is known of the other timeline: cut there", int((early | late).sum()))
        out[name] = spans.assign(
            started_at=spans["started_at"].mask(early, since),
            ended_at=spans["ended_at"].mask(late, until),
            closed_by=spans["closed_by"].mask(late, "end_of_file"),
        )
    return out


def _warn(strange: pd.Series, account: Account) -> None:
    account.note("a presence or routing status that is not known: other", len(strange))
    if len(strange):
        words = ", ".join(map(repr, sorted(strange.unique())[:5]))
        warnings.warn(
            f"{len(strange)} spans have a status that format 'genesys_cloud_user_status' does not know ({words}); they are 'other'",
            DataWarning,
            stacklevel=5,
        )


READER = Reader(
    name="genesys_cloud_user_status",
    title="Genesys Cloud user status details (JSON)",
    yields=("agent_states",),
    clock="utc",
    evidence="the interface's published model and documentation; not seen on real data",
    looks_like=looks_like,
    read=read_user_status,
    options=("users",),
)
