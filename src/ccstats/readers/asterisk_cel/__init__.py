"""Asterisk channel event logging (CEL): the ``cel`` table of a database, and the CSV of cel_custom.

One row is one event of one channel. A visit to a queue begins where a channel starts Queue(), and was answered where that channel and
another were in one bridge: what CDR hides, see the page on this format. Events are put in the order of time first; each is then
known by its place in it.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.errors import ZoneError
from ccstats.readers.accounting import Account
from ccstats.readers.asterisk_cel.events import Events
from ccstats.readers.asterisk_cel.visits import starts_of, visits_of
from ccstats.readers.categories import by_word, each_category
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.masks import only
from ccstats.readers.parts import Parts
from ccstats.readers.product_tables import Rows, header_has
from ccstats.readers.settling import settle, to_log
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.words import coded, each_word, filled, of_series, to_series
from ccstats.schema import CONTACTS

__all__ = ["READER", "looks_like", "read_cel"]

#: Columns in the sample configurations of cel_custom, which writes no header; some have a literal before the event's time.
_LEGACY = (
    "eventtype", "eventtime", "cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten", "context", "channame", "appname",
    "appdata", "amaflags", "accountcode", "uniqueid", "linkedid", "peer", "userfield", "userdeftype", "extra",
)  # fmt: skip
_ADVANCED = (
    "eventtype", "eventenum", "eventtime", "userdeftype", "cid_name", "cid_num", "exten", "context", "channame", "appname", "appdata",
    "amaflags", "accountcode", "uniqueid", "userfield", "cid_ani", "cid_rdnis", "cid_dnid", "peer", "linkedid", "peeraccount", "extra",
    "tenantid",
)  # fmt: skip
_LAYOUTS = {
    20: _LEGACY,
    21: (_LEGACY[0], "literal", *_LEGACY[1:]),
    23: _ADVANCED,
    24: (*_ADVANCED[:2], "literal", *_ADVANCED[2:]),
}
_NEEDED = ("eventtype", "eventtime", "channame", "appname", "appdata", "uniqueid")
#: What stands for the type where its column holds numbers, since Asterisk 12.
_NUMBERS = {
    str(number): name
    for number, name in enumerate(
        ("CHAN_START", "CHAN_END", "HANGUP", "ANSWER", "APP_START", "APP_END", "BRIDGE_ENTER", "BRIDGE_EXIT", "PARK_START", "PARK_END",
         "BLINDTRANSFER", "ATTENDEDTRANSFER", "USER_DEFINED", "LINKEDID_END", "PICKUP", "FORWARD", "LOCAL_OPTIMIZE",
         "LOCAL_OPTIMIZE_BEGIN"),
        start=1,
    )
}  # fmt: skip
_NUMBER = re.compile(r"\d{1,2}")
_UNIQUE = re.compile(r"(\S+-)?\d{9,11}\.\d+")
_TIME = re.compile(r"\d{9,11}\.\d{1,6}|\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d.*")


def looks_like(head: bytes) -> bool:
    r"""Whether the first line is the header of a ``cel`` table, or an event as the sample configurations of cel_custom write it.

    Examples
    --------
    >>> looks_like(b"id,eventtype,eventtime,cid_num,channame,appname,appdata,uniqueid,linkedid,extra\n")
    True
    >>> looks_like(b"eventtype,eventtime,queue\n")
    False
    """
    return header_has(head, _NEEDED) or _layout(head, known=True) is not None


def read_cel(sources: Iterable[Source], options: Options) -> Log:
    r"""Read the visits to queues out of channel events; `ccstats.read` and `ccstats.read_sql` are the ways in.

    Parameters
    ----------
    sources : iterable of Source
        Files, frames or query results; together they are one log.
    options : Options
        With a time zone where times are not seconds since 1970 (``dateformat`` of cel.conf, databases).

    Returns
    -------
    Log
        ``agent_states`` is empty. Events that cel.conf leaves out are told in ``notes``, with what is missing for it.

    Raises
    ------
    ColumnError
        If a column that is needed is not there.
    ZoneError
        If there are local times and no time zone.

    Examples
    --------
    >>> rows = b"eventtype,eventtime,channame,appname,appdata,uniqueid,linkedid\n"
    >>> rows += b"ANSWER,1709280000,SIP/t-0a1b2c3d,Answer,,1.1,1.1\n"
    >>> rows += b"APP_START,1709280000.5,SIP/t-0a1b2c3d,Queue,sales|t,1.1,1.1\nHANGUP,1709280030.5,SIP/t-0a1b2c3d,,,1.1,1.1\n"
    >>> log = read_cel([Source("cel.csv", rows)], Options())
    >>> log.contacts[["queue", "outcome", "wait_s"]].to_dict("records")
    [{'queue': 'sales', 'outcome': 'abandoned', 'wait_s': 30.0}]
    """
    account, parts = Account(options), Parts(options)
    for source in sources:
        parts.extend(_rows(source, account, options).in_pieces(_events))
        if options.progress:
            options.progress(source.name, 1.0)
    events = Events(parts.frame())
    last = int(events.times[-1]) if len(events) else 0
    starts = starts_of(events)
    of_queue = events.among(events.call, starts)
    of_queue |= events.among(events.uid, events.among(events.bridge, of_queue))
    cut = events.among(events.call, events.apps("queue".__eq__) & ~events.among(events.uid, starts))
    if starts.any():
        many = len(np.unique(events.call[cut]))
        account.note("calls in a queue before the log begins, or APP_START is lost: no visits", many)
    for whose, of_cut, lines in events.lines(~of_queue, cut):
        rule = "of a call whose APP_START of Queue() is not in the log" if of_cut and starts.any() else "of a call that visited no queue"
        account.count(whose, "ignored", rule, lines)
    if not starts.any():
        account.note("no APP_START of Queue(): no queue calls (cel.conf needs APP_START in events and queue in apps)", len(events))
        return to_log(CONTACTS.empty(), account, options, "asterisk_cel")
    events.keep(of_queue)
    once = settle([events.lines_of()], account, options, same=["event"], called="in all columns read", rule="event")
    events.keep(once["event"].to_numpy())
    return to_log(visits_of(events, last, account), account, options, "asterisk_cel")


def _layout(head: bytes, *, known: bool = False) -> tuple[str, ...] | None:
    """Names of the columns of a file without a header, by its first line: an event, and one of a type we know where that is asked for."""
    line = next((line for line in head[:65_536].splitlines() if line.strip()), b"").decode("utf-8", "replace")
    try:
        cells = [] if "\0" in line else next(csv.reader([line]), [])
    except csv.Error:
        return None
    names = _LAYOUTS.get(len(cells))
    if names is None or (known and cells[0].upper() not in _NUMBERS.values()):
        return None
    cell = dict(zip(names, cells, strict=True))
    ids = all(_UNIQUE.fullmatch(cell[name]) for name in ("uniqueid", "linkedid"))
    return names if ids and _TIME.fullmatch(cell["eventtime"]) else None


def _rows(source: Source, account: Account, options: Options) -> Rows:
    header = None if source.frame is not None else _layout(bytes(source.data[:65_536]))
    layout = Layout() if header is None else Layout(delimiter=",")
    return Rows(read_grid(source, layout, account, header=header), account, options, needed=_NEEDED)


def _events(rows: Rows) -> pd.DataFrame:
    said = rows.words("eventtype")
    kind = each_category(said, lambda word: _NUMBERS.get(word) if _NUMBER.fullmatch(word) else str(pc.utf8_upper(word)))
    numbered = each_category(said, lambda word: word if _NUMBER.fullmatch(word) else None).notna()
    rows.note(numbered, "types of events are numbers: read as Asterisk 12 and later count them")
    rows.close(kind.isna(), "eventtype is blank or an unknown number")
    uid, linked = rows.call_ids("uniqueid"), rows.call_ids("linkedid")
    rows.close(uid.isna(), "uniqueid is blank")
    rows.note(linked.isna(), "linkedid is blank or not there: a channel is a contact of its own, and offers to agents are not counted")
    try:
        at = rows.instants("eventtime", "epoch_s", timezone=rows.options.timezone).utc
    except ZoneError:
        raise ZoneError(
            f"{rows.grid.name}: eventtime holds local times; say where the clock stood, for example timezone='Europe/Istanbul' "
            "('UTC' where usegmtime=yes). Seconds since 1970, which cel.conf writes without a dateformat, need none"
        ) from None
    rows.close(at.isna(), "eventtime is blank")
    app = each_category(rows.words("appname"), str.casefold, among=("",)).fillna("")
    began = (app.eq("queue") & kind.eq("APP_START")).to_numpy(dtype=bool)
    data = only(rows.words("appdata"), began)
    # Queue(name,options,URL,announcement,timeout,…), in old versions with bars.
    queue = each_category(data, lambda text: re.split("[,|]", text)[0].strip())
    of_data, datas = coded(data)
    timeout = np.array([*map(_timeout, datas), np.nan])[of_data]
    rows.close(began & (queue.isna() | queue.eq("")), "appdata of Queue names no queue")
    extra = rows.words("extra", "eventextra")

    def told(*asked: tuple[tuple[str, ...], tuple[str, ...]], default: str | None = None) -> pd.Series:
        """What events of these kinds say under the first of these names that they have."""
        place, found = np.full(len(rows), -1), [pa.array([default], pa.large_string())]
        for kinds, names in asked:
            those = np.flatnonzero(kind.isin(kinds))
            place[those] = sum(map(len, found)) + np.arange(len(those))
            some = pd.Series(extra.array.take(those))
            said = pc.coalesce(*(of_series(_said(some, name)) for name in names))
            found += (said if default is None else pc.fill_null(said, default)).chunks
        place[place < 0] = 0
        return to_series(pa.concat_arrays(found).take(pa.array(place)))

    transfers = ("BLINDTRANSFER", "ATTENDEDTRANSFER")
    return rows.frame(
        {
            "at": at,
            "row": _numbers(rows.text("id")),
            "kind": kind,
            "uid": uid,
            "linked": filled(linked, uid),
            "name": rows.text("channame").fillna(""),
            "app": app,
            "exten": rows.words("exten"),
            "queue": queue,
            "timeout": timeout,
            "bridge": told((("BRIDGE_ENTER", "BRIDGE_EXIT", "BLINDTRANSFER"), ("bridge_id",)), (("ATTENDEDTRANSFER",), ("bridge1_id",))),
            "source": told((("HANGUP",), ("hangupsource",)), default=""),
            "target": told((transfers, ("extension", "transfer_target_channel_name", "app"))),
            "customer": rows.text("cid_num", "cidnum"),
            "dnid": rows.words("cid_dnid", "ciddnid"),
        }
    )


def _numbers(text: pd.Series) -> pd.Series:
    try:
        return pd.Series(of_series(text).cast("int64").to_numpy())
    except pa.ArrowInvalid:
        return pd.to_numeric(text, errors="coerce")


def _timeout(data: str) -> float:
    found = re.match(r"(?:[^,|]*[,|]){4}\s*([0-9]{1,9})", data)
    return float(found[1]) if found else np.nan


@by_word
def _said(extra: pd.Series, name: str) -> pd.Series:
    """The text that stands under a name in ``extra``."""
    found = pc.struct_field(pc.extract_regex(of_series(extra), rf'"{name}"\s*:\s*"(?P<text>[^"]+)"'), "text")
    text = to_series(pc.if_else(pc.equal(found, "N/A"), None, found))
    return each_word(text, _unescaped) if pc.any(pc.match_substring(found, "\\")).as_py() else text


def _unescaped(text: str) -> str:
    """What a text in JSON stands for, or itself where its escapes are broken."""
    try:
        return str(json.loads(f'"{text}"')).encode("utf-8", "replace").decode()
    except ValueError:
        return text


READER = Reader(
    name="asterisk_cel",
    title="Asterisk channel event logging (cel table, cel_custom)",
    yields=("contacts",),
    clock="utc",
    evidence="read in source code and documentation; checked on one queue call of a public test suite",
    looks_like=looks_like,
    read=read_cel,
    streams=True,
)
