"""3CX: the table callcent_queuecalls, one row a visit of a call to a queue; times in UTC without a zone, durations as intervals."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pandas as pd

from ccstats.readers.accounting import Account
from ccstats.readers.categories import by_word, constant_category
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.masks import only
from ccstats.readers.parts import Parts
from ccstats.readers.product_tables import Rows, header_has
from ccstats.readers.settling import settle, to_log
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.values import LONGEST_S, Parsed, to_seconds
from ccstats.readers.words import each_combination

__all__ = ["READER", "looks_like", "read_queue_calls"]

_NEEDED = ("idcallcent_queuecalls", "q_num", "time_start", "ts_waiting", "ts_servicing")
_KNOWN_BY = ("idcallcent_queuecalls", "q_num", "ts_waiting", "ts_servicing")

#: What reason_noanswerdesc says of calls that no agent took; the first pattern that is found in it counts.
_WORDS = {
    r"dropped|hung ?up|cancel": "abandoned",
    r"max.?wait|time ?out|expired": "timed_out",
    r"no.?agents": "left_empty",
    r"call ?back": "callback",
    r"queue.?full|max.?queue": "blocked_full",
}
#: The one code that all users of the table read alike; it counts where there are no words.
_CODES = {"3": "timed_out"}
_DAYS = r"(?:(?P<days>\d{1,4}) days?,? )?(?P<clock>\d{1,6}:\d{2}:\d{2}(?:\.\d+)?)"


def looks_like(head: bytes) -> bool:
    r"""Whether the first line is the table's header.

    Examples
    --------
    >>> looks_like(b"idcallcent_queuecalls,q_num,time_start,time_end,ts_waiting,ts_polling,ts_servicing\n")
    True
    >>> looks_like(b"id,q_num\n")
    False
    """
    return header_has(head, _KNOWN_BY)


def read_queue_calls(sources: Iterable[Source], options: Options) -> Log:
    r"""Read dumps of the table; `ccstats.read` is the way in.

    Parameters
    ----------
    sources : iterable of Source
        Dumps or frames.
    options : Options
        Times without an offset are UTC, unless a time zone says that the query turned them into local time.

    Returns
    -------
    Log
        ``agent_states`` is empty.

    Raises
    ------
    ColumnError
        If a column is not there.

    Examples
    --------
    >>> rows = b"idcallcent_queuecalls,q_num,time_start,ts_waiting,ts_polling,ts_servicing,to_dn\n"
    >>> rows += b"1,800,2024-03-01 08:00:00.5,00:00:10.25,00:00:08,00:02:00,101\n"
    >>> read_queue_calls([Source("calls", rows)], Options()).contacts[["outcome", "wait_s", "talk_s", "agent"]].to_dict("records")
    [{'outcome': 'answered', 'wait_s': 18.25, 'talk_s': 120.0, 'agent': '101'}]
    """
    account = Account(options)
    parts = Parts(options)
    for source in sources:
        parts.extend(Rows(read_grid(source, Layout(), account), account, options, needed=_NEEDED).in_pieces(_visits))
        if options.progress:
            options.progress(source.name, 1.0)
    contacts = settle(parts, account, options, same=["_id"], newest="_ended", rule="visit")
    return to_log(contacts, account, options, "threecx_queue_calls")


def _visits(rows: Rows) -> pd.DataFrame:
    own, queue, agent = rows.text("idcallcent_queuecalls"), rows.words("q_num"), rows.words("to_dn")
    rows.close(own.isna(), "idcallcent_queuecalls is blank")
    rows.close(queue.isna(), "q_num is blank")
    zone = rows.options.timezone or "UTC"
    started, ended = (rows.instants(name, timezone=zone).utc for name in ("time_start", "time_end"))
    rows.close(started.isna(), "time_start is blank")
    waited, rung, talked = (_seconds(rows, name) for name in ("ts_waiting", "ts_polling", "ts_servicing"))
    rows.close(waited.isna(), "ts_waiting is blank")
    wait = waited + rung.fillna(0)
    code, failed, words = (rows.words(name) for name in ("reason_noanswercode", "reason_failcode", "reason_noanswerdesc"))

    served = talked > 0
    # An answer that ended at once has no length, but no reason for not being answered either.
    answered = served | (talked.notna() & agent.notna() & code.eq("0") & failed.eq("0"))
    rows.note(served & agent.isna(), "served, but to_dn is blank: agent is missing")
    refused = (code.notna() & code.ne("0")) | (failed.notna() & failed.ne("0"))
    rows.note(served & refused, "served in spite of a reason for not being answered")
    outcome = each_combination(_outcome, words, code, answered, rows.words("cb_num").notna(), ended.notna())
    lasted = (ended - started).dt.total_seconds()
    rows.note((lasted - wait - talked.fillna(0)).abs() > 1, "time_end - time_start is not waiting + polling + servicing")

    polls, dialled = rows.numbers("count_polls"), rows.numbers("count_dialed")
    door, history = outcome.eq("blocked_full"), rows.text("call_history_id")
    out: dict[str, pd.Series | np.ndarray | str | None] = {
        "contact_id": history.fillna("idcallcent_queuecalls:" + own) if history.hasnans else history,
        "channel": constant_category("voice", len(rows)),
        "direction": constant_category("inbound", len(rows)),
        "queue": queue,
        "queued_at": started.mask(door),
        "outcome": outcome,
        "raw_outcome": each_combination(_raw, code, failed, words),
        "wait_s": wait.mask(door),
        # Polling is the sum over all agents tried, so it is the ringing of the one who answered only if nobody was tried before.
        "ring_s": rung.where(answered & (polls == 1)),
        "talk_s": talked.where(answered).mask(talked >= 86_400),
        "hold_s": pd.Series(np.full(len(rows), np.nan)),
        "wrap_s": pd.Series(np.full(len(rows), np.nan)),
        "agent": only(agent, answered),
        "arrived_at": started.where(door),
        "customer": rows.text("from_userpart"),
        "ring_attempts": dialled.where((dialled >= 0) & (dialled % 1 == 0) & (dialled < 2**31)).astype("Int64"),
        "_id": own,
        "_ended": ended,
    }
    return rows.frame(out)


def _outcome(words: str | None, code: str | None, answered: bool, called_back: bool, over: bool) -> str:
    if answered or called_back:
        return "answered" if answered else "callback"
    if words is None:
        told = _CODES.get(code or "")
    else:
        told = next((ours for pattern, ours in _WORDS.items() if re.search(pattern, words, re.IGNORECASE)), None)
    return told or ("unknown" if over else "open")


def _raw(code: str | None, failed: str | None, words: str | None) -> str | None:
    return "|".join([code or "", *(part for part in (failed, words) if part is not None)]) or None


def _seconds(rows: Rows, name: str) -> pd.Series:
    """Intervals, or durations of a driver's own type."""
    if not rows.has(name):
        return pd.Series(np.full(len(rows), np.nan))
    column = rows.columns[name.replace("_", "")]
    if pd.api.types.is_timedelta64_dtype(column.dtype) or not len(column):
        return rows.seconds(name)
    parsed = _intervals(rows.words(name))
    rows.close(parsed.bad, f"{name} is no interval such as 00:01:23.45, or negative, or above a year")
    return parsed.values


@by_word
def _intervals(text: pd.Series) -> Parsed:
    """Intervals as PostgreSQL writes them, with or without days."""
    clock, days = text, pd.Series(np.zeros(len(text)))
    of_days = text.str.contains("day", regex=False, na=False)
    if of_days.any():
        parts = text.where(of_days).str.extract("^" + _DAYS + "$")
        clock, days = text.mask(of_days, parts["clock"]), parts["days"].astype("float64").fillna(0)
    seconds = to_seconds(clock, "h:mm:ss").values + days * 86_400
    bad = text.notna() & (seconds.isna() | (seconds >= LONGEST_S))
    return Parsed(seconds.mask(bad), bad.to_numpy())


READER = Reader(
    name="threecx_queue_calls",
    title="3CX queue calls (callcent_queuecalls)",
    yields=("contacts",),
    clock="utc",
    evidence="schema of the table and what its users query; not checked on real data",
    looks_like=looks_like,
    read=read_queue_calls,
    streams=True,
)
