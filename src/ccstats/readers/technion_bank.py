"""The "Anonymous Bank" call log of 1999 (Technion): one row a call, 17 columns separated by tabs, local times without dates."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.errors import DataWarning, FormatError, ZoneError
from ccstats.readers.accounting import Account
from ccstats.readers.categories import chosen, constant_category
from ccstats.readers.clock import localise
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.parts import Parts
from ccstats.readers.plain_csv import plain_columns
from ccstats.readers.settling import hidden, settle, used
from ccstats.readers.threads import for_each
from ccstats.readers.values import of_day, trimmed
from ccstats.readers.words import joined, of_series, to_series
from ccstats.schema import AGENT_STATES, CONTACTS

__all__ = ["READER", "looks_like", "read_calls"]

_COLUMNS = (
    "vru+line", "call_id", "customer_id", "priority", "type", "date", "vru_entry", "vru_exit", "vru_time",
    "q_start", "q_exit", "q_time", "outcome", "ser_start", "ser_exit", "ser_time", "server",
)  # fmt: skip
_CLOCKS = ("vru_entry", "vru_exit", "q_start", "q_exit", "ser_start", "ser_exit")
_LENGTHS = ("vru_time", "q_time", "ser_time")
_CLOCK = r"^([01]?[0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"
_DAY_S = 86_400
_HALF_S = _DAY_S // 2


def looks_like(head: bytes) -> bool:
    r"""Whether the first line is the header, or has 17 fields with a date and clock times where they belong.

    Examples
    --------
    >>> looks_like(b"vru+line\tcall_id\tcustomer_id\tpriority\ttype\tdate\t")
    True
    >>> looks_like(b"1266833905|NONE|NONE|NONE|QUEUESTART|\n")
    False
    """
    first = head.split(b"\n", 1)[0].rstrip(b"\r")
    if first.startswith(b"vru+line\tcall_id\t"):
        return True
    fields = first.decode("latin-1").split("\t")
    if len(fields) != len(_COLUMNS):
        return False
    clocks = pc.match_substring_regex(pa.array([fields[_COLUMNS.index(column)] for column in _CLOCKS]), _CLOCK)
    return len(fields[5]) == 6 and fields[5].isdigit() and pc.all(clocks).as_py()


def read_calls(sources: Sequence[Source], options: Options) -> Log:
    """Read the log; `ccstats.read` is the way in.

    Parameters
    ----------
    sources : sequence of Source
        Files with the same layout, such as the months of the year.
    options : Options
        With a time zone.

    Returns
    -------
    Log
        ``agent_states`` is empty: the log does not say when agents were logged in.

    Examples
    --------
    >>> log = read_calls([Source("empty", b"")], Options(timezone="Asia/Jerusalem"))
    >>> len(log.contacts), len(log.agent_states)
    (0, 0)
    """
    if options.timezone is None:
        raise ZoneError("a log of format 'technion_bank' holds local times; pass timezone='Asia/Jerusalem'")
    account = Account(options)
    parts = Parts(options)
    for source in sources:
        parts.append(_one(source, options, account))
        if options.progress:
            options.progress(source.name, 1.0)
    called = "vru+line, call_id and date"
    contacts = hidden(settle(parts, account, options, same=["contact_id"], called=called, rule="call", ordered=True), options)
    unknown = int((contacts["outcome"] == "unknown").sum())
    if unknown:
        words = sorted(contacts.loc[contacts["outcome"] == "unknown", "raw_outcome"].dropna().unique())[:5]
        warnings.warn(
            f"{unknown} calls have an outcome that format 'technion_bank' does not know ({', '.join(map(repr, words)) or 'blank'}); "
            "they are counted as 'unknown'",
            DataWarning,
            stacklevel=4,
        )
    rejected, lines, notes = account.tables()
    whole = CONTACTS.typed(pd.DataFrame(used(contacts, CONTACTS), copy=False))
    return Log(whole.reset_index(drop=True), AGENT_STATES.empty(), rejected, lines, notes, "technion_bank", options.timezone)


def _one(source: Source, options: Options, account: Account) -> pd.DataFrame:
    name = source.name
    if source.frame is not None:
        raise FormatError(f"{name}: format 'technion_bank' is read from files; read a frame with format='mapped' and a mapping")
    fields, line, texts = _split(source, account)

    def text(column: str) -> pa.Array:
        return fields[_COLUMNS.index(column)]

    # What is ignored or rejected first is looked at no further: each line has one fate.
    ignored = {"header": pc.equal(text("vru+line"), "vru+line"), "PHANTOM": pc.equal(text("outcome"), "PHANTOM")}
    open_ = np.ones(len(line), dtype=bool)
    for rule, mask in ignored.items():
        hit = _mask(mask) & open_
        account.count(name, "ignored", rule, int(hit.sum()))
        open_ &= ~hit

    read = {"date": _date, **dict.fromkeys(_CLOCKS, _seconds), **dict.fromkeys(_LENGTHS, _whole)}
    values = for_each(lambda column: _each(read[column], text(column)), read, rows=len(line))
    told = dict(zip(read, values, strict=True))
    day, clock, length = told["date"], {column: told[column] for column in _CLOCKS}, {column: told[column] for column in _LENGTHS}
    # The times wrap at midnight, and so does a length that was made by subtracting them.
    wrapped = {column: values < -_HALF_S for column, values in length.items()}
    length = {column: np.where(wrapped[column], values + _DAY_S, values) for column, values in length.items()}

    problems = {"date is no day written yymmdd": np.isnat(day)}
    problems |= {f"{column} is no clock time H:MM:SS": np.isnan(values) for column, values in clock.items()}
    problems |= {f"{column} is no whole number of seconds": np.isnan(values) for column, values in length.items()}
    problems |= {f"{column} is negative": length[column] < 0 for column in ("q_time", "ser_time")}
    problems |= {f"{column} is impossible (a day or more)": length[column] >= _DAY_S for column in ("q_time", "ser_time")}
    problems |= {f"{column} is blank": _mask(pc.equal(text(column), "")) for column in ("vru+line", "call_id", "type")}
    for reason, mask in problems.items():
        hit = mask & open_
        account.reject(name, line[hit], reason, texts=texts(hit) if options.keep_text else ())
        open_ &= ~hit

    keep = np.flatnonzero(open_)
    kept = [column for column in _COLUMNS if column not in clock | length]
    taken = {column: to_series(text(column) if open_.all() else text(column).take(pa.array(keep))) for column in kept}
    day = day[keep]
    clock = {column: values[keep] for column, values in clock.items()}
    length = {column: values[keep] for column, values in length.items()}
    account.note("time wraps past midnight", sum(int(mask[keep].sum()) for mask in wrapped.values()))
    backwards = length["vru_time"] < 0
    account.note("vru_time is negative: ivr_s is left missing", int(backwards.sum()))

    answered = (taken["outcome"] == "AGENT").to_numpy()
    hung_up = (taken["outcome"] == "HANG").to_numpy()
    # Midnight is 0:00:00 as well, so a call that did not queue is one whose three queue columns are all zero.
    queued = (clock["q_start"] != 0) | (clock["q_exit"] != 0) | (length["q_time"] != 0)
    entered = np.where(queued, clock["q_start"], clock["vru_exit"])
    # Only the call has a date. An event belongs to the day that brings it nearest to the call's beginning.
    since = (entered - clock["vru_entry"] + _HALF_S) % _DAY_S - _HALF_S
    account.note("queued after midnight: dated the day after the call's", int(((since > 0) & (entered < clock["vru_entry"])).sum()))
    beginning = day + clock["vru_entry"].astype("timedelta64[s]")
    arrived_at = localise(pd.Series(beginning), options.timezone or "UTC")
    queued_at = localise(pd.Series(beginning + since.astype("timedelta64[s]")), options.timezone or "UTC")
    account.note("local time that the clock showed twice: the first is taken", int((arrived_at.twice | queued_at.twice).sum()))
    account.note("local time that the clock never showed: moved on", int((arrived_at.never | queued_at.never).sum()))

    in_menu = hung_up & ~queued
    no_server = answered & (taken["server"] == "NO_SERVER").to_numpy()
    account.note("answered with NO_SERVER: talk_s and agent are missing", int(no_server.sum()))
    served = answered & ~no_server
    unknown_agent = ~served | (taken["server"].str.strip() == "").to_numpy()
    out = {
        "contact_id": joined("|", taken["vru+line"], taken["call_id"], taken["date"]),
        "visit": np.ones(len(keep), dtype="int64"),
        "channel": constant_category("voice", len(keep)),
        "direction": constant_category("inbound", len(keep)),
        "queue": taken["type"],
        "queued_at": queued_at.utc.mask(in_menu),
        "outcome": chosen("unknown", (hung_up, "abandoned"), (in_menu, "ivr_abandoned"), (answered, "answered")),
        "raw_outcome": taken["outcome"].mask(taken["outcome"].str.strip() == ""),
        "wait_s": np.where(in_menu, np.nan, length["q_time"]),
        "ring_s": np.full(len(keep), np.nan),
        "talk_s": np.where(served, length["ser_time"], np.nan),
        "hold_s": np.full(len(keep), np.nan),
        "wrap_s": np.full(len(keep), np.nan),
        "agent": taken["server"].mask(unknown_agent),
        "arrived_at": arrived_at.utc,
        "ivr_s": np.where(backwards, np.nan, length["vru_time"]),
        "customer": taken["customer_id"].mask(taken["customer_id"].str.strip().isin(["", "0"])),
    }
    out |= {"_source": constant_category(name, len(keep)), "_line": line[keep], "_weight": np.ones(len(keep), dtype="uint8")}
    return pd.DataFrame(out | ({"_text": texts(open_)} if options.keep_text else {}), copy=False)


def _split(source: Source, account: Account) -> tuple[list[pa.Array], np.ndarray, Callable[[np.ndarray], list[str]]]:
    """Columns of the lines that have 17 fields; their line numbers; and a way to the text of some of them."""
    plain = None if account.keeps_text else plain_columns(bytes(source.data), "\t", quoted=False, header=_COLUMNS, categories=False)
    if plain is not None:
        if bytes(source.data[-1:]) != b"\n":
            account.note("the last line has no line end: it may be cut", 1)
        return (
            for_each(lambda values: trimmed(of_series(values).combine_chunks()), plain[1], rows=len(plain[1][0])),
            np.arange(1, len(plain[1][0]) + 1),
            lambda _: [],
        )
    buffer = np.frombuffer(source.data, dtype="uint8")
    ends = np.flatnonzero(buffer == ord("\n"))
    if len(buffer) and (not len(ends) or ends[-1] != len(buffer) - 1):
        ends = np.append(ends, len(buffer))
        account.note("the last line has no line end: it may be cut", 1)
    starts = np.concatenate([[0], ends[:-1] + 1])[: len(ends)]
    ends = np.where((ends > starts) & (buffer[ends - 1] == ord("\r")), ends - 1, ends) if len(ends) else ends
    tabs = np.flatnonzero(buffer == ord("\t"))
    first = np.searchsorted(tabs, starts)
    separators = np.searchsorted(tabs, ends) - first
    blank = ends == starts
    account.count(source.name, "ignored", "blank", int(blank.sum()))
    wanted = len(_COLUMNS) - 1

    def texts(rows: np.ndarray) -> list[str]:
        return [_decode(buffer[starts[row] : ends[row]].tobytes()) for row in rows]

    bad = np.flatnonzero(~blank & (separators != wanted))
    for many in np.unique(separators[bad]):
        rows = bad[separators[bad] == many]
        account.reject(
            source.name, rows + 1, f"{many + 1} fields instead of {len(_COLUMNS)}", texts=texts(rows) if account.keeps_text else ()
        )
    good = np.flatnonzero(~blank & (separators == wanted))
    # Borders of all fields: a line's fields begin at its start and after its tabs, and end at its tabs and its end.
    cuts = tabs[first[good][:, None] + np.arange(wanted)] if len(good) else np.empty((0, wanted), dtype="int64")
    begins = np.column_stack([starts[good], cuts + 1])
    stops = np.column_stack([cuts, ends[good]])
    columns = [_gather(buffer, begins[:, at], stops[:, at]) for at in range(len(_COLUMNS))]
    return columns, good + 1, lambda mask: texts(good[mask])


def _gather(buffer: np.ndarray, begins: np.ndarray, stops: np.ndarray) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(stops - begins)])
    at = np.repeat(begins - offsets[:-1], stops - begins) + np.arange(offsets[-1])
    values = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(begins), [None, pa.py_buffer(offsets.astype("int64")), pa.py_buffer(buffer[at])]
    )
    try:
        text = values.cast(pa.large_string())
    except pa.ArrowInvalid:  # not UTF-8
        text = pa.array([_decode(value) for value in values.to_pylist()], pa.large_string())
    return pc.utf8_trim_whitespace(text)


def _decode(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _mask(values: pa.Array) -> np.ndarray:
    return values.to_numpy(zero_copy_only=False).astype(bool)


def _floats(values: pa.Array) -> np.ndarray:
    return values.cast("float64").to_numpy(zero_copy_only=False)


def _each(read: Callable[[pa.Array], np.ndarray], values: pa.Array) -> np.ndarray:
    """What each text tells, read once."""
    coded = values.dictionary_encode()
    return read(coded.dictionary)[coded.indices.to_numpy()]


def _whole(values: pa.Array) -> np.ndarray:
    fits = pc.match_substring_regex(values, r"^-?[0-9]{1,7}$")
    return _floats(pc.if_else(fits, values, None)) + 0.0  # no negative zero


def _seconds(values: pa.Array) -> np.ndarray:
    fits = pc.if_else(pc.match_substring_regex(values, _CLOCK), values, None)
    micros = of_day(pc.utf8_lpad(fits, len("hh:mm:ss"), "0"))
    return np.full(len(values), np.nan) if micros is None else np.asarray(micros / 1e6)


def _date(values: pa.Array) -> np.ndarray:
    fits = pc.match_substring_regex(values, r"^[0-9]{6}$")
    days = pd.to_datetime(pc.if_else(fits, values, None).to_pandas(), format="%y%m%d", errors="coerce")
    return days.to_numpy(dtype="datetime64[s]")


READER = Reader(
    name="technion_bank",
    title='"Anonymous Bank" call log of 1999 (Technion)',
    yields=("contacts",),
    clock="wall",
    evidence="all calls of February 1999, counted by hand",
    looks_like=looks_like,
    read=read_calls,
    alone=True,
)
