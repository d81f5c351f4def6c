"""Cisco UCCX: AgentStateDetail, one row each time an agent's state changes, in UTC."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.product_tables import Rows, header_has, settle, to_log
from ccstats.readers.spans import told_apart
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.words import constant, looked_up
from ccstats.schema import AGENT_STATES, CONTACTS

__all__ = ["READER", "looks_like", "read_agent_states"]

_COLUMNS = ("agentID", "eventDateTime", "eventType")
#: What an agent does from an event of this type on, up to the agent's next one.
_STATES = {"1": "other", "2": "pause", "3": "available", "4": "reserved", "5": "on_contact", "6": "wrap"}
_LOGIN, _LOGOUT = "1", "7"
_OF_CONTACTS = ("reserved", "on_contact", "wrap")
#: The table's primary key.
_KEY = ["_id", "started_at", "_type", "_code", "_profile"]
_SHOWN = ["_agent", "state", "reason", "contact_id"]
_DAY = pd.Timedelta(days=1)


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
    parts = []
    for source in sources:
        parts.append(_events(Rows(read_grid(source, Layout(), account), account, options, needed=_COLUMNS)))
        if options.progress:
            options.progress(source.name, 1.0)
    events = settle(parts, account, options, same=_KEY, called="agent, time, type, reason and profile", rule="event")
    return to_log(CONTACTS.empty(), account, options, "cisco_uccx_agent_states", states=_spans(events, account))


def _events(rows: Rows) -> pd.DataFrame:
    agent, kind, code = rows.text("agentID"), rows.text("eventType"), rows.text("reasonCode")
    rows.close(agent.isna(), "agentID is blank")
    at = rows.instants("eventDateTime", timezone=rows.options.timezone or "UTC").utc
    rows.close(at.isna(), "eventDateTime is blank")
    rows.close(kind.isna(), "eventType is blank")
    rows.note(~rows.text("gmtOffset").fillna("0").isin(["0", "-0"]), "gmtOffset is not 0, as it should be in UTC: it is not applied")
    return rows.frame(
        {
            "started_at": at,
            "_id": agent,
            # An agent has one login, and a new agentID where the administrator has made a new one.
            "_agent": rows.text("resourceLoginID").fillna(agent),
            "_name": rows.text("resourceName", "resourceLoginID", "agentID"),
            "_type": kind,
            "_code": code,
            "_profile": rows.text("profileID"),
            "_reason": rows.text("reasonLabel").fillna(code.mask(code == "0")),
            "contact_id": rows.text("contactID"),
        }
    )


def _spans(events: pd.DataFrame, account: Account) -> pd.DataFrame:
    """Spans from each event to the agent's next one."""
    state = looked_up(events["_type"], _STATES).mask(events["_type"] == _LOGOUT, "")
    _warn(events.loc[state.isna(), "_type"], account)
    events = events.assign(
        state=state.fillna("other"),
        reason=events["_reason"].where(state.eq("pause")),
        contact_id=events["contact_id"].where(state.isin(_OF_CONTACTS)),
    )
    # What has one instant stays in the table's order.
    events = events.iloc[_upwards(events)].sort_values(["_agent", "started_at"], kind="stable", ignore_index=True)
    of_agent = events.groupby("_agent")
    following, then = of_agent["started_at"].shift(-1), of_agent["_type"].shift(-1)
    account.note("agents whose last state has no end: closed where the log ends", int((following.isna() & (events["state"] != "")).sum()))
    lost = then.eq(_LOGIN) & events["state"].ne("")
    closed_by = np.select([following.isna(), lost], ["end_of_file", "assumed"], default="next_event")
    spans = events.assign(ended_at=following.fillna(events["started_at"].max()), closed_by=pd.Series(closed_by, dtype="str"))
    account.note("a login without a logout before it: the state before ends with it", int(lost.sum()))
    resumed = events["state"].ne("") & ~events["_type"].isin([_LOGIN]) & of_agent["_type"].shift().eq(_LOGOUT)
    account.note("a state after a logout, without a login between", int(resumed.sum()))
    spans = spans[(spans["state"] != "") & (spans["ended_at"] > spans["started_at"])].reset_index(drop=True)

    # Events that repeat the state do not end it.
    same = (spans[_SHOWN].fillna("") == spans[_SHOWN].shift().fillna("")).all(axis=1)
    same &= spans["started_at"].eq(spans["ended_at"].shift()) & spans["closed_by"].shift().eq("next_event")
    account.note("events that repeat the agent's state: one span", int(same.sum()))
    ends = spans[["ended_at", "closed_by"]][~same.shift(-1, fill_value=False)]
    spans = spans[~same].reset_index(drop=True).assign(ended_at=ends["ended_at"].array, closed_by=ends["closed_by"].array)
    long = spans["ended_at"] - spans["started_at"] > _DAY
    account.note("states of more than a day: a logout may be missing", int(long.sum()))
    called = {str(key): str(name) for key, name in events.groupby("_agent")["_name"].last().items()}
    names = told_apart(called)
    account.note("two agents of one name: the login or agentID is added", sum(names[key] != name for key, name in called.items()))
    spans = spans.assign(agent=looked_up(spans["_agent"], names), queue=constant(None, len(spans)))
    return spans[[column.name for column in AGENT_STATES.columns]].sort_values(["agent", "started_at"], kind="stable", ignore_index=True)


def _upwards(events: pd.DataFrame) -> np.ndarray:
    """Places of the events in the tables' order, with those tables turned round that go backwards in time."""
    step = events.groupby(["_source", "_id"])["started_at"].diff().dt.total_seconds()
    steps = pd.DataFrame({"_source": events["_source"], "up": step > 0, "down": step < 0}).groupby("_source").any()
    backwards = events["_source"].isin(steps.index[steps["down"] & ~steps["up"]]).to_numpy(dtype=bool)
    places = np.arange(len(events))
    return np.argsort(np.where(backwards, -places, places), kind="stable")


def _warn(types: pd.Series, account: Account) -> None:
    account.note("eventType is not known: state other", len(types))
    if len(types):
        words = ", ".join(map(repr, sorted(types.unique())[:5]))
        warnings.warn(
            f"{len(types)} events have an eventType that format 'cisco_uccx_agent_states' does not know ({words}); their state is 'other'",
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
