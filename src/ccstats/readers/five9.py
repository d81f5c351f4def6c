"""Five9: the Call Log report, one row a call and agent, in the domain's local time."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from ccstats.errors import ColumnError
from ccstats.readers.accounting import Account
from ccstats.readers.categories import categorised, chosen, constant_category, each_category
from ccstats.readers.clock import Instants
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.instants import in_formats, to_instants
from ccstats.readers.masks import only
from ccstats.readers.parts import Parts
from ccstats.readers.product_tables import MISSING, Rows, header_has
from ccstats.readers.settling import settle, to_log
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.values import to_words
from ccstats.readers.words import coded, constant, each_word, filled, joined, of_series, to_series
from ccstats.schema import CONTACTS

__all__ = ["READER", "looks_like", "read_call_log"]

_NEEDED = ("CALL ID", "AGENT", "DISPOSITION", "QUEUE WAIT TIME")
#: The report on segments of calls, which has another grain.
_SEGMENTS = ("CALL ID", "SEGMENT TYPE")
#: Title lines that may stand above the header. [lines]
_TITLES = 10
#: CALL TYPE: what is a visit to a queue, by channel, and what is none. A report without the column is one of inbound calls.
_CHANNELS = {"inbound": "voice", "inbound voicemail": "voicemail", "queue callback": "callback"}
_LEGS = ("3rd party transfer", "3rd party conference")
_ELSEWHERE = ("outbound", "manual", "autodial", "preview", "agent", "outbound preview", "outbound voicemail", "internal",
              "internal voicemail", "test", "test call")  # fmt: skip
#: DISPOSITION, where the system sets it because no agent did.
_OUTCOMES = {
    "abandon": "abandoned",
    "caller disconnected": "abandoned",
    "sent to voicemail": "voicemail",
    "transferred to 3rd party": "overflowed",
    "queue callback assigned": "callback",
    "queue callback timeout": "callback",
    "queue callback": "callback",
    "timeout": "timed_out",
    "queue timeout": "timed_out",
    "system error": "failed",
    "system shutdown": "failed",
    "resource unavailable": "failed",
}
_NONE = ("[None]", "[none]")
_MONTHS = {"jan": "01", "feb": "02", "mar": "03", "apr": "04", "may": "05", "jun": "06",
           "jul": "07", "aug": "08", "sep": "09", "oct": "10", "nov": "11", "dec": "12"}  # fmt: skip
_WORDED = r"(?:[A-Za-z]{3},? )?(?P<d>\d{1,2}) (?P<m>[A-Za-z]{3}) (?P<y>\d{4})"
_SLASHED = r"(?P<y>\d{4})/(?P<m>\d{1,2})/(?P<d>\d{1,2})"
_TOTAL = r"(?:grand )?totals?:?"
#: How the product writes times, mostly.
_FORMATS = ("%a, %d %b %Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
_TIME = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?"


def looks_like(head: bytes) -> bool:
    r"""Whether it has the header of a call log, or of the report on segments, which is then refused with a reason.

    Examples
    --------
    >>> looks_like(b'"CALL ID","TIMESTAMP","CAMPAIGN","CALL TYPE","AGENT","DISPOSITION","QUEUE WAIT TIME"\n')
    True
    >>> looks_like(b"CALL ID,TIMESTAMP,AGENT\n")
    False
    """
    return _above(head) is not None


def read_call_log(sources: Iterable[Source], options: Options) -> Log:
    r"""Read call logs; `ccstats.read` and `ccstats.read_sql` are the ways in.

    Parameters
    ----------
    sources : iterable of Source
        Reports, frames or query results.
    options : Options
        With ``timezone``, the zone that the report was run in.

    Returns
    -------
    Log
        ``agent_states`` is empty: they are in another report.

    Raises
    ------
    ColumnError
        If a column is not there, or the report is the one on segments.

    Examples
    --------
    >>> rows = b'"CALL ID","TIMESTAMP","CALL TYPE","SKILL","AGENT","DISPOSITION","QUEUE WAIT TIME","TALK TIME","HOLD TIME"\n'
    >>> rows += b'"7","Fri, 01 Mar 2024 09:00:00","Inbound","Sales","ada","Sold","00:00:20","00:02:00","00:00:30"\n'
    >>> log = read_call_log([Source("calls.csv", rows)], Options(timezone="Europe/London"))
    >>> log.contacts[["queue", "outcome", "wait_s", "talk_s", "hold_s"]].to_dict("records")
    [{'queue': 'Sales', 'outcome': 'answered', 'wait_s': 20.0, 'talk_s': 90.0, 'hold_s': 30.0}]
    """
    account = Account(options)
    parts = Parts(options)
    for source in sources:
        above = 0 if source.frame is not None else _above(bytes(source.data[:65_536])) or 0
        rows = Rows(read_grid(source, Layout(skip_rows=above), account), account, options)
        if all(map(rows.has, _SEGMENTS)):
            raise ColumnError(
                f"{source.name} is the report on segments of calls, with several rows a call and queue; run the Call Log report instead"
            )
        when = next((name for name in ("TIMESTAMP", "DATE") if rows.has(name)), "TIMESTAMP")
        parts.extend(Rows(rows.grid, account, options, needed=[*_NEEDED, when]).in_pieces(_calls))
        if options.progress:
            options.progress(source.name, 1.0)
    same = ["contact_id", "_start", "_type", "queue", "_agent"]
    calls = settle(parts, account, options, same=same, called="call, time, type, skill and agent", rule="call", ordered=True)
    return to_log(calls, account, options, "five9")


def _above(head: bytes) -> int | None:
    """How many lines stand above the header; None if there is no header."""
    for at, line in enumerate(head[:16_384].splitlines()[: _TITLES + 1]):
        if line.strip() and header_has(line, _NEEDED, _SEGMENTS):
            return at
    return None


def _calls(rows: Rows) -> pd.DataFrame:
    many = len(rows)
    call, agent = rows.text("CALL ID"), _named(rows, "AGENT")
    kind, word = _lower(rows.words("CALL TYPE")), rows.words("DISPOSITION")
    rows.ignore(_is_total(rows) | (call.isna() & rows.text("TIMESTAMP", "DATE").isna() & agent.isna()), "totals")
    rows.ignore(kind.isin(_ELSEWHERE), "outbound or internal: no visit to a queue")
    rows.ignore(kind.isin(_LEGS), "leg of a transfer or conference")
    rows.ignore((kind == "queue callback") & agent.isna(), "callback that reached no agent")
    rows.close(call.isna(), "CALL ID is blank")
    start = _instants(rows)
    names = ("QUEUE WAIT", "RING", "TALK", "HOLD", "PARK", "AFTER CALL WORK", "IVR", "CALL")
    wait, ring, talk, hold, park, wrap, menu, lasted = (rows.seconds(f"{name} TIME", "h:mm:ss") for name in names)
    less, speed = (rows.seconds(name, "h:mm:ss") for name in ("TALK TIME LESS HOLD AND PARK", "SPEED OF ANSWER"))

    skill, gave_up = _named(rows, "SKILL"), rows.flags("ABANDONED") if rows.has("ABANDONED") else np.zeros(many, dtype=bool)
    answered = agent.notna() & ~(gave_up & ~(talk > 0))
    rows.note(answered & gave_up, "ABANDONED, but an agent talked: answered")
    outcome = categorised(_lower(word), _OUTCOMES, CONTACTS["outcome"].vocabulary, "unknown").mask(gave_up, "abandoned")
    outcome = outcome.mask((kind == "inbound voicemail") & (outcome == "unknown"), "voicemail")
    strange = kind.notna() & ~kind.isin(list(_CHANNELS))
    outcome = outcome.mask(answered, "answered").mask(strange, "unknown")
    answered = answered & ~strange
    queued = skill.notna() | (wait > 0)
    outcome = outcome.mask((outcome == "abandoned") & ~queued, "ivr_abandoned")
    known = ~outcome.isin(["answered", "ivr_abandoned", "unknown"])
    rows.ignore(known & ~queued, "ended before any queue")
    rows.ignore((outcome == "unknown") & ~queued & ~strange & agent.isna(), "ended before any queue")
    outside = outcome == "ivr_abandoned"

    rows.close(answered & wait.isna(), "QUEUE WAIT TIME of an answered call is blank")
    rows.note(skill.isna(), "no SKILL: the queue is the campaign")
    queue = filled(skill, _named(rows, "CAMPAIGN"))
    rows.close(queue.isna(), "SKILL and CAMPAIGN are blank")
    # Parking is holding; the product's TALK TIME contains both, as its TALK TIME LESS HOLD AND PARK says.
    held = hold.fillna(0.0) + park.fillna(0.0)
    apart = answered & less.isna() & (held > talk)
    rows.note(apart, "HOLD TIME and PARK TIME are longer than TALK TIME: talk_s is TALK TIME")
    spoken = less.fillna((talk - held).mask(apart, talk))
    rows.note(answered & ((speed - wait).abs() > 1), "SPEED OF ANSWER is not QUEUE WAIT TIME: QUEUE WAIT TIME is taken")
    parts = menu.fillna(0.0) + wait.fillna(0.0) + talk.fillna(0.0)
    rows.note(parts > lasted + 2, "IVR, QUEUE WAIT and TALK TIME are longer than CALL TIME: as logged")
    called_back = kind == "queue callback"
    ani, dnis = rows.text("ANI"), rows.text("DNIS")
    caller, called = (ani.mask(called_back, dnis), dnis.mask(called_back, ani)) if called_back.any() else (ani, dnis)
    return rows.frame(
        {
            "contact_id": call,
            "channel": categorised(kind, _CHANNELS, tuple(_CHANNELS.values()), "voice"),
            "direction": constant_category("inbound", many),
            "queue": queue,
            "queued_at": (start.utc + pd.to_timedelta(menu.fillna(0.0), unit="s")).dt.as_unit("us").mask(outside),
            "outcome": outcome,
            "raw_outcome": filled(only(word, ~strange), only(rows.words("CALL TYPE"), strange)) if strange.any() else word,
            "wait_s": wait.mask(outside),
            "ring_s": ring.where(answered),
            "talk_s": spoken.where(answered),
            "hold_s": held.where(answered & (hold.notna() | park.notna())),
            "wrap_s": wrap.where(answered),
            "agent": only(filled(rows.words("AGENT NAME"), agent), answered),
            "arrived_at": start.utc,
            "ivr_s": menu,
            "transferred_to": chosen(None, (answered & (_lower(word) == "transferred to 3rd party"), "external")),
            "ended_by": chosen(None, (outcome.isin(["abandoned", "ivr_abandoned"]), "customer")),
            "customer": caller,
            "dnis": called,
            "disposition": word,
            "_start": start.utc,
            "_type": kind,
            "_agent": agent,
        }
    )


def _is_total(rows: Rows) -> np.ndarray:
    """Rows of totals, as the first column or the one of calls says; a call's id is longer than the word."""
    text = of_series(rows.text(*rows.grid.header[:1], "CALL ID"))
    total = pc.fill_null(pc.less_equal(pc.binary_length(text), len("grand totals:")), False).to_numpy()
    short = np.flatnonzero(total)
    total[short] = to_series(text.take(short)).str.fullmatch(_TOTAL, case=False, na=False)
    return np.asarray(total)


def _instants(rows: Rows) -> Instants:
    """When calls began; rows where that is no time are rejected."""
    column = rows.columns.get("timestamp")
    if column is None or not pd.api.types.is_datetime64_any_dtype(column.dtype):
        apart = not rows.has("TIMESTAMP") and rows.has("DATE") and rows.has("TIME")
        text = joined(" ", rows.words("DATE"), rows.words("TIME")) if apart else rows.text("TIMESTAMP")
        column = in_formats(text, _FORMATS)
        if column is None or (column.isna().to_numpy() & rows.open).any():
            column = _iso(_times(rows))
    at, bad = to_instants(column, "iso", timezone=rows.options.timezone, missing=MISSING)
    how = "such as Fri, 01 Mar 2024 09:12:45, 2024/03/01 09:12:45 or 2024-03-01 09:12:45"
    rows.close(bad, f"TIMESTAMP, or DATE and TIME, is no time {how}, or outside 1970 to 2200")
    rows.close(at.utc.isna(), "TIMESTAMP, or DATE and TIME, is blank")
    rows.note(at.twice, "TIMESTAMP: local time that the clock showed twice: the first is taken")
    rows.note(at.never, "TIMESTAMP: local time that the clock never showed: moved on")
    return at


def _times(rows: Rows) -> pd.Series:
    """A time alone belongs to the date beside it, and a date alone to the time."""
    date = rows.text("DATE").str.removesuffix(" 00:00:00")
    text = rows.text("TIMESTAMP").fillna(date)
    alone = ~text.str.contains(":", regex=False, na=True)
    if not (alone | text.str.contains(" ", regex=False, na=True)).all():
        text = text.mask(text.str.fullmatch(_TIME, na=False), date + " " + text)
    return text.mask(alone, text + " " + rows.text("TIME")) if alone.any() else text


def _iso(text: pd.Series) -> pd.Series:
    """Times as the product writes them, in ISO form; others as they are."""
    day, time = (to_series(pc.utf8_slice_codeunits(of_series(text), *place)) for place in ((0, -9), (-9,)))
    codes, times = coded(time)
    mostly = np.array([*(re.fullmatch(" [0-9]{2}:[0-9]{2}:[0-9]{2}", each) is not None for each in times), True])[codes]
    if not mostly.all():
        others = np.flatnonzero(~mostly)
        parts = pc.extract_regex(of_series(text.iloc[others]), r"(?s)^(?P<day>.*?)(?P<time> [0-9]{1,2}:.*)?$")
        for column, name in ((day, "day"), (time, "time")):
            column.iloc[others] = to_series(pc.struct_field(parts, name)).array
    return (each_word(day, _iso_day) + time).fillna(text)


def _iso_day(day: str) -> str | None:
    found = re.fullmatch(_WORDED, day) or re.fullmatch(_SLASHED, day)
    month = None if found is None else _MONTHS.get(found["m"].casefold(), found["m"].zfill(2))
    return None if found is None else f"{found['y']}-{month}-{found['d'].zfill(2)}"


def _named(rows: Rows, name: str) -> pd.Series:
    """Text that names somebody or something: ``[None]`` does not."""
    if not rows.has(name):
        return constant(None, len(rows))
    return to_words(rows.words(name), _NONE)


def _lower(text: pd.Series) -> pd.Series:
    return each_category(text, lambda word: re.sub(r"\s+", " ", word.casefold()))


READER = Reader(
    name="five9",
    title="Five9: Call Log report",
    yields=("contacts",),
    clock="wall",
    evidence="header, rows and rules as published by users of the report; not seen on real data",
    looks_like=looks_like,
    read=read_call_log,
    streams=True,
)
