"""Cisco UCCX: AgentStateDetail, one row each time an agent's state changes, in UTC."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa

from ccstats.errors import DataWarning
from ccstats.readers.accounting import Account
from ccstats.readers.categories import category_of
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.parts import Parts
from ccstats.readers.product_tables import Rows, header_has
from ccstats.readers.settling import settle, to_log
from ccstats.readers.spans import told_apart
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.words import coded, constant, filled, to_series
from ccstats.schema import AGENT_STATES, CONTACTS

__all__ = ["READER", "looks_like", "read_agent_states"]

_COLUMNS = ("agentID", "eventDateTime", "eventType")
#: What an agent does from an event of this type on, up to the agent's next one.
_STATES = {"1": "other", "2": "pause", "3": "available", "4": "reserved", "5": "on_contact", "6": "wrap"}
_LOGIN, _LOGOUT = "1", "7"
_OF_CONTACTS = ("reserved", "on_contact", "wrap")
#: The primary key of the table, with what differs most first, as it is sorted by it.
_KEY = ["started_at", "_id", "_type", "_code", "_profile"]
_PLACE = {state: place for place, state in enumerate(AGENT_STATES["state"].vocabulary)}
_DAY = np.timedelta64(1, "D")


def looks_like(head: bytes) -> bool:
    r"""Whether the header is that of the table.

    Examples
    --------
    >>> looks_like(b"agentid,eventdatetime,gmtoffset,eventtype,reasoncode,profileid\n")
    True
    >>> looks_like(b"sessionID,sessionSeqNum,contactDisposition\n")
    False
    """
    return header_has(head, _COLUMNS)


def read_agent_states(sources: Iterable[Source], options: Options) -> Log:
    r"""Read the table; `ccstats.read` and `ccstats.read_sql` are the ways in.

    Parameters
    ----------
    sources : iterable of Source
        Exports, frames or query results, in any order.
    options : Options
        With ``timezone`` if the times are not in UTC, as in reports.

    Returns
    -------
    Log
        ``contacts`` is empty: they are in the detail tables of format ``cisco_uccx``.

    Raises
    ------
    ColumnError
        If a column is not there.

    Examples
    --------
    >>> rows = b"agentID,eventDateTime,gmtOffset,eventType,reasonCode\n"
    >>> rows += b"31,2024-03-01 08:00:00.000,0,3,0\n31,2024-03-01 08:10:00.000,0,2,5\n31,2024-03-01 08:15:00.000,0,7,0\n"
    >>> log = read_agent_states([Source("states.csv", rows)], Options())
    >>> log.agent_states[["agent", "state", "reason"]].to_numpy().tolist()
    [['31', 'available', nan], ['31', 'pause', '5']]
    """
    account = Account(options)
    parts = Parts(options)
    for source in sources:
        parts.extend(Rows(read_grid(source, Layout(), account), account, options, needed=_COLUMNS).in_pieces(_events))
        if options.progress:
            options.progress(source.name, 1.0)
    events = settle(parts, account, options, same=_KEY, called="agent, time, type, reason and profile", rule="event")
    return to_log(CONTACTS.empty(), account, options, "cisco_uccx_agent_states", states=_spans(events, account))


def _events(rows: Rows) -> pd.DataFrame:
    agent, kind, code = rows.words("agentID"), rows.words("eventType"), rows.words("reasonCode")
    rows.close(agent.isna(), "agentID is blank")
    at = rows.instants("eventDateTime", timezone=rows.options.timezone or "UTC").utc
    rows.close(at.isna(), "eventDateTime is blank")
    rows.close(kind.isna(), "eventType is blank")
    offset = rows.words("gmtOffset")
    rows.note(offset.notna() & ~offset.isin(["0", "-0"]), "gmtOffset is not 0, as it should be in UTC: it is not applied")
    return rows.frame(
        {
            "started_at": at,
            "_id": agent,
            # An agent has one login, and a new agentID where the administrator has made a new one.
            "_agent": filled(rows.words("resourceLoginID"), agent),
            "_name": filled(rows.words("resourceName"), filled(rows.words("resourceLoginID"), agent)),
            "_type": kind,
            "_code": code,
            "_profile": rows.words("profileID"),
            "_reason": filled(rows.words("reasonLabel"), code.mask(code == "0")),
            "contact_id": rows.text("contactID"),
        }
    )


def _spans(events: pd.DataFrame, account: Account) -> pd.DataFrame:
    """Spans from each event to the agent's next one, made of columns of numbers."""
    if not len(events):
        return AGENT_STATES.empty()
    kind, kinds = coded(events["_type"])
    _warn(kind, kinds, account)
    agent, agents = coded(events["_agent"])
    order = _in_time(events, agent)
    agent, kind, at = agent[order], kind[order], events["started_at"].dt.tz_localize(None).to_numpy()[order]
    login, off = (np.isin(kind, [code for code, word in enumerate(kinds) if word == event]) for event in (_LOGIN, _LOGOUT))
    last = np.append(np.diff(agent) != 0, True)
    following = np.where(last, at.max(), np.roll(at, -1))
    account.note("agents whose last state has no end: closed where the log ends", int((last & ~off).sum()))
    lost = ~last & np.roll(login, -1) & ~off
    account.note("a login without a logout before it: the state before ends with it", int(lost.sum()))
    resumed = ~off & ~login & np.roll(off & ~last, 1)
    account.note("a state after a logout, without a login between", int(resumed.sum()))

    here = np.flatnonzero(~off & (following > at))
    rows, state = order[here], np.array([_PLACE[_STATES.get(word, "other")] for word in kinds], dtype="int8")[kind[here]]
    reason, reasons = coded(events["_reason"])
    contact, contacts = coded(events["contact_id"])
    reason = np.where(state == _PLACE["pause"], reason[rows], -1)
    contact = np.where(np.isin(state, [_PLACE[each] for each in _OF_CONTACTS]), contact[rows], -1)
    closed_by = np.where(last, 0, np.where(lost, 1, 2))[here]
    # Events that repeat the state do not end it.
    same = np.append(False, (following[here[:-1]] == at[here[1:]]) & (closed_by[:-1] == 2))[: len(here)]
    for shown in (agent[here], state, reason, contact):
        same[1:] &= shown[1:] == shown[:-1]
    account.note("events that repeat the agent's state: one span", int(same.sum()))
    begin, end = np.flatnonzero(~same), np.flatnonzero(~np.append(same[1:], False)[: len(same)])
    started, ended = at[here[begin]], following[here[end]]
    account.note("states of more than a day: a logout may be missing", int((ended - started > _DAY).sum()))
    return pd.DataFrame(
        {
            "agent": category_of(agent[here[begin]], _names(events["_name"], agent, order, agents, account)),
            "started_at": pd.DatetimeIndex(started).tz_localize("UTC"),
            "ended_at": pd.DatetimeIndex(ended).tz_localize("UTC"),
            "state": category_of(state[begin], list(_PLACE)),
            "reason": category_of(reason[begin], reasons),
            "queue": constant(None, len(begin)),
            "contact_id": _of_words(contact[begin], contacts),
            "closed_by": category_of(closed_by[end], ["end_of_file", "assumed", "next_event"]),
        }
    )


def _in_time(events: pd.DataFrame, agent: np.ndarray) -> np.ndarray:
    """Places of the events by agent and time; what has one instant stays in its table's order, or the other way in one turned round."""
    source, (whose, _) = pd.factorize(events["_source"])[0], coded(events["_id"])
    at = events["started_at"].dt.tz_localize(None).to_numpy()
    places = np.arange(len(at))
    by = np.lexsort((whose, source))
    step, one = np.diff(at[by]).astype("int64"), (np.diff(whose[by]) == 0) & (np.diff(source[by]) == 0)
    many = source.max() + 1
    up, down = (np.bincount(source[by][1:][one & (step * way > 0)], minlength=many) > 0 for way in (1, -1))
    return np.lexsort((np.where((down & ~up)[source], -places, places), at, agent))


def _names(name: pd.Series, agent: np.ndarray, order: np.ndarray, agents: list[str], account: Account) -> list[str]:
    """What each agent is called: by the last name, told apart from others of that name."""
    code, names = coded(name)
    latest = np.zeros(len(agents), dtype="int64")
    latest[agent] = code[order]
    called = {key: names[code] for key, code in zip(agents, latest.tolist(), strict=True)}
    told = told_apart(called)
    account.note("two agents of one name: the login or agentID is added", sum(told[key] != each for key, each in called.items()))
    return [told[key] for key in agents]


def _of_words(codes: np.ndarray, words: list[str]) -> pd.Series:
    """The words of these numbers, missing where it is -1."""
    return to_series(pa.array(words, pa.large_string()).take(pa.array(codes, mask=codes < 0)))


def _warn(kind: np.ndarray, kinds: list[str], account: Account) -> None:
    strange = [code for code, word in enumerate(kinds) if word not in _STATES and word != _LOGOUT]
    many = int(np.isin(kind, strange).sum())
    account.note("eventType is not known: state other", many)
    if many:
        words = ", ".join(map(repr, sorted(kinds[code] for code in strange)[:5]))
        warnings.warn(
            f"{many} events have an eventType that format 'cisco_uccx_agent_states' does not know ({words}); their state is 'other'",
            DataWarning,
            stacklevel=6,
        )


READER = Reader(
    name="cisco_uccx_agent_states",
    title="Cisco UCCX: AgentStateDetail",
    yields=("agent_states",),
    clock="utc",
    evidence="from documentation (database schema guide); later columns read in a public replication job; not seen on real data",
    looks_like=looks_like,
    read=read_agent_states,
    streams=True,
)
