"""Status of users in Genesys Cloud: a JSON record a user with two timelines, presence and routing status, laid over each other."""

from __future__ import annotations

import functools
import warnings
from array import array
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from ccstats.errors import DataWarning, OptionError
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.json_facts import BadRecord, instant_of, list_of, text_of
from ccstats.readers.json_records import JsonRecords, JsonShape, starts_as_json
from ccstats.readers.settling import to_log
from ccstats.readers.spans import laid_over, told_apart, whole_spans
from ccstats.readers.values import LONGEST_S
from ccstats.readers.words import to_series
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
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
#: The end of a span that has none yet; before any other. [us]
_OPEN = -1
#: In these a user may be for longer than a year.
_LASTING = ("OFFLINE", "OFF_QUEUE")
#: What stands in a page of an answer besides its users.
_OF_PAGES = {"userDetails", "aggregations", "totalHits", "cursor", "dataAvailabilityDate"}


class _Span(NamedTuple):
    """A span of a user on a timeline, in microseconds; several pages may tell of it, the later ones with its end."""

    timeline: int
    start: int
    end: int
    word: str


class _Spans:
    """All spans, as numbers in little memory: users and words are places in lists."""

    def __init__(self) -> None:
        self.users: dict[str, int] = {}
        self.words: dict[str, int] = {}
        self.numbers = array("q")

    def add(self, user: str, found: list[_Span]) -> None:
        number = self.users.setdefault(user, len(self.users))
        for timeline, start, end, word in found:
            self.numbers.extend((timeline, number, start, self.words.setdefault(word, len(self.words)), end))

    def once(self) -> np.ndarray:
        """Timeline, user, start, word and end of each span, in order of time; that of several records has the latest end."""
        rows = np.frombuffer(self.numbers, dtype="int64").reshape(-1, 5) if self.numbers else np.empty((0, 5), dtype="int64")
        timeline, user, start, word, end = rows.T
        rows = rows[np.lexsort((end, word, start, user, timeline))]
        rows = rows[np.append((rows[1:, :4] != rows[:-1, :4]).any(axis=1), True)[: len(rows)]]
        timeline, user, start, word, end = rows.T
        place = np.argsort(np.argsort(np.array(list(self.words), dtype=object)))
        return rows[np.lexsort((place[word], end, end == _OPEN, start))].T


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
    spans = _Spans()
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
            user, those = found
            account.count(source.name, *(("used", "user") if those else ("ignored", "user without a status")), 1)
            if those:
                spans.add(user, those)
        if options.progress:
            options.progress(source.name, 1.0)
    states = _states(spans, users, account)
    return to_log(CONTACTS.empty(), account, options, "genesys_cloud_user_status", states=states)


def _spans(record: dict[str, Any]) -> tuple[str, list[_Span]] | None:
    """A user, and the spans on both timelines; None if it is a page without users."""
    user = text_of(record, "userId")
    if user is None:
        if _OF_PAGES.issuperset(record):
            return None
        raise BadRecord("userId is missing")
    found = []
    for number, (timeline, name) in enumerate(_TIMELINES.items()):
        for span in list_of(record, timeline):
            start, end, word = _instant(span, "startTime"), _instant(span, "endTime"), text_of(span, name)
            if start == _OPEN or word is None:
                raise BadRecord(f"{timeline} has a span without {'startTime' if start == _OPEN else name}")
            word = word.upper()
            if end != _OPEN and end < start:
                raise BadRecord(f"{timeline} has a span that ends before it starts")
            if end != _OPEN and word not in _LASTING and end - start >= LONGEST_S * 1e6:
                raise BadRecord(f"{timeline} has a span of more than a year")
            found.append(_Span(number, start, end, word))
    return user, found


def _instant(span: dict[str, Any], name: str) -> int:
    """The instant of this name in microseconds since 1970."""
    text = span.get(name)
    return _OPEN if text is None else _micros(text, name) if isinstance(text, str) else _micros.__wrapped__(text, name)


@functools.lru_cache(maxsize=65_536)
def _micros(text: str, name: str) -> int:
    at = instant_of({name: text}, name)
    return _OPEN if at is None else (at - _EPOCH) // _MICROSECOND


def _states(spans: _Spans, users: Mapping[str, str], account: Account) -> pd.DataFrame:
    rows = spans.once()
    account.note("a span that several records tell of: once, with the later end", len(spans.numbers) // 5 - rows.shape[1])
    timeline, user, start, word, end = rows
    log_ends = rows[[2, 4]].max(initial=_OPEN)
    names = {each: users.get(each, each) for each in spans.users}
    called = told_apart(names)
    account.note("two users of one name: the id is added", sum(called[key] != name for key, name in names.items()))
    if users:
        account.note("users without a name in users=: called by the id", sum(key not in users for key in names))
    frame = pd.DataFrame(
        {
            "timeline": _words(_TIMELINES, timeline),
            "agent": _words(called.values(), user),
            "started_at": _instants(start),
            "ended_at": _instants(np.where(end == _OPEN, log_ends, end)),
            "word": _words(spans.words, word),
            "closed_by": _words(("event", "end_of_file"), (end == _OPEN).astype("int64")),
        }
    )
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


def _words(words: Iterable[str], places: np.ndarray) -> pd.Series:
    return to_series(pa.array(words, pa.large_string()).take(pa.array(places)))


def _instants(micros: np.ndarray) -> pd.Series:
    return pd.Series(np.ascontiguousarray(micros).view("M8[us]")).dt.tz_localize("UTC")


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
            stacklevel=6,
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
