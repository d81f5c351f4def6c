"""Avaya CMS call history (ECH, ECHI): one record a call segment, in binary files ``chrNNNN`` of five layouts or as comma-separated text."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from ccstats.errors import DataWarning, FormatError, OptionError
from ccstats.privacy import pseudonymise
from ccstats.readers.accounting import Account
from ccstats.readers.avaya_ech.records import LENGTHS, Segments, looks_like, read_binary, read_text
from ccstats.readers.categories import chosen
from ccstats.readers.clock import Instants, localise
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.values import LONGEST_S
from ccstats.readers.words import constant, to_series
from ccstats.schema import AGENT_STATES, CONTACTS

__all__ = ["READER", "looks_like", "read_segments"]

#: Segments that are no visit to a queue, by disposition; ``other`` only where no queue is named.
_IGNORED = {1: "connected, not ACD (calldisp 1)", 7: "other, not ACD (calldisp 7)"}
_CHOICES = {"queue_by": ("split", "vdn"), "wait_from": ("segment", "queue")}
#: A first segment this far from the time in its UCID tells of a clock in another zone. [s]
_FAR_S = 840
_PLACE = {outcome: at for at, outcome in enumerate(CONTACTS["outcome"].vocabulary)}
_LAST_S = 7_258_118_400  # 2200-01-01


def read_segments(sources: Sequence[Source], options: Options) -> Log:
    """Read call history; `ccstats.read` is the way in.

    Parameters
    ----------
    sources : sequence of Source
        Files, binary or text, of any of the layouts.
    options : Options
        ``timezone`` says that the switch stored local time, and where; ``queue_by`` and ``wait_from`` see the format's page.

    Returns
    -------
    Log
        ``agent_states`` is empty: call history does not say when agents were logged in.

    Raises
    ------
    FormatError
        If a file is of none of the layouts.
    OptionError
        If an option has a value that is not allowed, or asks for what a layout does not log.

    Examples
    --------
    >>> log = read_segments([Source("empty", b"")], Options())
    >>> len(log.contacts), len(log.agent_states)
    (0, 0)
    """
    for name, allowed in _CHOICES.items():
        if (value := options.extra.get(name, allowed[0])) not in allowed:
            raise OptionError(f"{name}={value!r}: expected {' or '.join(map(repr, allowed))}")
    account = Account(options)
    parts: list[pd.DataFrame] = []
    drift: list[np.ndarray] = []
    for source in sources:
        if source.frame is not None:
            raise FormatError(f"{source.name}: format 'avaya_ech' is read from files; read a frame with format='mapped' and a mapping")
        data = source.data
        segments = read_binary(source.name, data, account) if b"\0" in bytes(data[:64]) else read_text(source.name, data, account)
        parts.append(_one(source.name, segments, options, account, drift))
        if options.progress:
            options.progress(source.name, 1.0)
    contacts = _once(pd.concat(parts, ignore_index=True), options, account)
    _warn(contacts, np.concatenate(drift), options)
    contacts["customer"] = pseudonymise(contacts["customer"], options.key) if options.pseudonyms else contacts["customer"].astype("str")
    rejected, lines, notes = account.tables()
    return Log(CONTACTS.conform(contacts), AGENT_STATES.empty(), rejected, lines, notes, "avaya_ech", options.timezone)


def _one(name: str, segments: Segments, options: Options, account: Account, drift: list[np.ndarray]) -> pd.DataFrame:
    n, text = segments.numbers, segments.texts
    if options.extra.get("wait_from") == "queue" and "queuetime" not in n:
        raise OptionError(f"{name} does not log the time in queue (queuetime); read it with wait_from='segment'")
    open_ = np.ones(len(segments.line), dtype=bool)
    problems = {"segstart is no time after 1970": n["segstart"] <= 0, "segstop is before segstart": n["segstop"] < n["segstart"]}
    problems |= {f"{each} is negative": n[each] < 0 for each in LENGTHS if each in n}
    problems |= {f"{each} is impossible (a year or more)": n[each] >= LONGEST_S for each in LENGTHS if each in n}
    problems["ucid is not made of digits"] = ~text["ucid"].str.fullmatch("[0-9]{0,20}").to_numpy(dtype=bool)
    problems["segstart is past 2200"] = n["segstart"] >= _LAST_S
    for reason, mask in problems.items():
        hit = np.flatnonzero(mask & open_)
        account.reject(name, segments.line[hit], reason, texts=segments.raw(hit) if account.keeps_text else ())
        open_[hit] = False

    answered, abandoned = n["calldisp"] == 2, n["calldisp"] == 3
    handled = n["disptime"] + n["talktime"] + n["onholdtime"]
    account.note("duration is not wait, talk and hold together (answered)", int((open_ & answered & (n["duration"] != handled)).sum()))
    account.note("duration is not the wait (abandoned)", int((open_ & abandoned & (n["duration"] != n["disptime"])).sum()))
    spans = n["segstop"] - n["segstart"] != n["duration"] + n["acwtime"]
    account.note("segstop less segstart is not duration and wrap-up together", int((open_ & spans).sum()))

    split = np.where(n["dispsplit"] > 0, n["dispsplit"], np.maximum(n["split1"], 0))
    for disposition, rule in _IGNORED.items():
        hit = open_ & (n["calldisp"] == disposition) & ((split == 0) | (disposition == 1))
        account.count(name, "ignored", rule, int(hit.sum()))
        open_ &= ~hit
    keep = np.flatnonzero(open_)
    n = {each: values[keep] for each, values in n.items()}
    text = {each: values.iloc[keep].reset_index(drop=True) for each, values in text.items()}
    split, answered = split[keep], answered[keep]
    arrived = _instants(n, options, account)
    stamp = text["ucid"].str[-10:]
    stamped = (n["segment"] == 1) & text["ucid"].str.len().eq(20).to_numpy(dtype=bool)
    stamped &= stamp.str.fullmatch("[0-9]{10}").to_numpy(dtype=bool)
    made = stamp[stamped].astype("int64").to_numpy()
    late = arrived[stamped].dt.tz_localize(None).astype("datetime64[s]").astype("int64").to_numpy() - made
    drift.append(late[made > 0])

    queued_s = n.get("queuetime", np.zeros(len(keep), dtype="int64"))
    reached = (split > 0) | (queued_s > 0)
    code = n["calldisp"]
    outcome = np.select(
        [answered, code == 3, code == 4, (code == 5) & (queued_s > 0), code == 5, (code == 6) & reached, code == 6],
        [_PLACE[each] for each in ("answered", "abandoned", "overflowed", "timed_out", "blocked_full", "timed_out", "blocked_closed")],
        default=_PLACE["unknown"],
    )
    wait = n["disptime"]
    if options.extra.get("wait_from") == "queue":
        wait = np.minimum(n["queuetime"] + n["ringtime"], n["disptime"])
        outcome = np.where((code == 3) & ~reached, _PLACE["ivr_abandoned"], outcome)
    outside = np.isin(outcome, [_PLACE[each] for each in ("ivr_abandoned", "blocked_full", "blocked_closed")])
    # Numbers of splits and logins are those of one ACD; ACD 1 goes without saying.
    acd = _digits(n["acdnum"], n["acdnum"] > 1).add("/").fillna("")
    own = ~text["ucid"].str.contains("[1-9]").to_numpy(dtype=bool)
    account.note("no UCID: contact named by ACD, callid and day", int(own.sum()))
    contact = text["ucid"]
    if own.any():
        contact = contact.mask(own, (acd + _digits(n["callid"]))[own] + "|" + arrived[own].dt.strftime("%Y-%m-%d"))
    nothing = np.full(len(keep), np.nan)
    frame = {
        "contact_id": contact,
        "channel": constant("voice", len(keep)),
        "direction": constant("inbound", len(keep)),
        "queue": acd + _queues(split, text, n["daqueued"], options.extra.get("queue_by", "split")),
        "queued_at": (arrived + pd.to_timedelta(n["disptime"] - wait, unit="s")).mask(outside),
        "outcome": pd.Categorical.from_codes(outcome.astype("int8"), categories=pd.Index(_PLACE, dtype="str")),
        "raw_outcome": _digits(code),
        "wait_s": np.where(outside, np.nan, wait),
        "ring_s": np.where(answered, n["ringtime"], np.nan) if "ringtime" in n else nothing,
        "talk_s": np.where(answered, n["talktime"], np.nan),
        "hold_s": np.where(answered, n["onholdtime"], np.nan),
        "wrap_s": np.where(answered, n["acwtime"], np.nan),
        "agent": (acd + text["anslogid"]).where(answered & (text["anslogid"] != "")),
        "arrived_at": arrived,
        "ended_by": chosen(None, (answered & (n["agentreleased"] == 1), "agent"), (code == 3, "customer")),
        "customer": text["callingparty"].mask(text["callingparty"] == ""),
        "dnis": text["dialednumber"].mask(text["dialednumber"] == ""),
    }
    keys = {f"_{each}": n[each] for each in ("acdnum", "callid", "segment", "segstart")}
    found = pd.DataFrame(frame | keys | {"_source": constant(name, len(keep)), "_line": segments.line[keep]}, copy=False)
    return found.assign(_text=segments.raw(keep)) if account.keeps_text else found


def _instants(n: dict[str, np.ndarray], options: Options, account: Account) -> pd.Series:
    """Starts: the UTC twin where the record has one, else the time as stored, which is UTC or that of the switch's wall."""
    stored = pd.Series(n["segstart"].astype("datetime64[s]")).astype("datetime64[us]")
    utc = n.get("segstart_utc", np.zeros(len(stored), dtype="int64"))
    twin = (utc > 0) & (utc < _LAST_S)
    wall: Instants = localise(stored.mask(twin), options.timezone or "UTC")
    account.note("local time that the clock showed twice: the first is taken", int(wall.twice.sum()))
    account.note("local time that the clock never showed: moved on", int(wall.never.sum()))
    at = pd.Series(np.where(twin, utc, 0).astype("datetime64[s]")).astype("datetime64[us]").dt.tz_localize("UTC")
    return wall.utc.where(~twin, at)


def _queues(split: np.ndarray, text: dict[str, pd.Series], direct: np.ndarray, by: str) -> pd.Series:
    """Names of queues; what is not of the kind asked for says what it is, as a VDN may have a split's number."""
    vdn = text["dispvdn"].where(text["dispvdn"] != "", text["firstvdn"])
    splits = _digits(split, split != 0)
    vdns = vdn.mask(vdn == "")
    names = splits.fillna("vdn " + vdns) if by == "split" else vdns.fillna("split " + splits)
    return names.fillna(chosen("none", (direct == 1, "direct agent")))


def _digits(numbers: np.ndarray, known: np.ndarray | None = None) -> pd.Series:
    """Numbers as text, missing where they are not known."""
    return to_series(pa.array(numbers, mask=None if known is None else ~known).cast(pa.large_string()))


def _once(contacts: pd.DataFrame, options: Options, account: Account) -> pd.DataFrame:
    """Each segment once, and the visits of a contact numbered in time."""
    key = ["contact_id", "_acdnum", "_callid", "_segment", "_segstart"]
    again = contacts.duplicated(key).to_numpy()
    for name, places in contacts.groupby("_source", sort=False).indices.items():
        rows = np.asarray(places)
        twice = rows[again[rows]]
        account.reject(
            str(name),
            contacts["_line"].to_numpy()[twice],
            "repeats an earlier record (same ucid, acdnum, callid, segment and segstart)",
            texts=contacts["_text"].to_numpy()[twice] if options.keep_text else (),
        )
        account.count(str(name), "used", "segment", len(rows) - len(twice))
    once = contacts[~again].sort_values(["contact_id", "arrived_at", *key[1:]], ignore_index=True)
    once["visit"] = once.groupby("contact_id").cumcount() + 1
    return once.drop(columns=[each for each in once.columns if each.startswith("_")])


def _warn(contacts: pd.DataFrame, drift: np.ndarray, options: Options) -> None:
    unknown = contacts.loc[contacts["outcome"] == "unknown", "raw_outcome"]
    if len(unknown):
        warnings.warn(
            f"{len(unknown)} segments have a disposition that does not say what became of the call (calldisp "
            f"{', '.join(sorted(unknown.unique())[:5])}); they are counted as 'unknown'",
            DataWarning,
            stacklevel=5,
        )
    far = float(np.median(drift)) if len(drift) else 0.0
    if abs(far) > _FAR_S:
        advice = "the switch seems to store local time: say where, timezone='Europe/Istanbul'"
        if options.timezone is not None:
            advice = f"the times seem to be in UTC, or in another zone than {options.timezone}"
        warnings.warn(
            f"calls begin {far / 3600:+.2f} h from the time in their UCID (median of {len(drift)}); {advice}", DataWarning, stacklevel=5
        )


READER = Reader(
    name="avaya_ech",
    title="Avaya CMS call history (ECH, ECHI), binary and text",
    yields=("contacts",),
    clock="utc",
    evidence="one binary and one text file of release 12, byte for byte; other layouts from source code",
    looks_like=looks_like,
    read=read_segments,
    options=tuple(_CHOICES),
)
