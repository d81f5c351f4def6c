"""Contacts of FreeSWITCH's legs: the caller's leg tells of the visit, and the agents' legs that belong to it of rings and talk."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ccstats.errors import DataWarning
from ccstats.readers.accounting import Account
from ccstats.readers.categories import constant_category
from ccstats.readers.masks import only
from ccstats.readers.parts import taken
from ccstats.readers.words import coded, of_series
from ccstats.schema import CONTACTS, sortable, sorting, tied

__all__ = ["contacts_of"]

#: What may become of the lines of a leg.
_FATES = (
    ("ignored", "no leg of a queue call (dialled none of queues=)"),
    ("ignored", "agent's leg of a caller who is not in the log"),
    ("used", "queue visit"),
    ("used", "agent's leg"),
    ("ignored", "the same uuid once more, as in Master.csv and the file of an accountcode"),
)
_NONE, _ALONE, _VISIT, _AGENT, _AGAIN = range(len(_FATES))
#: What a contact has of its leg.
_TOLD = ("uuid", "direction", "queue", "queued_at", "outcome", "raw_outcome", "start", "customer", "dnis")


def contacts_of(parts: list[pd.DataFrame], account: Account, first: bool | None) -> pd.DataFrame:
    """Contacts of all legs, each leg once, and the lines booked.

    Parameters
    ----------
    parts : list of pandas.DataFrame
        Of `cc_legs` and `plain_legs`.
    account : Account
        Where lines and notes are booked.
    first : bool or None
        Whether a call is answered before an agent takes it, of legs without variables; None to tell by the legs.

    Examples
    --------
    >>> from ccstats.readers.contract import Options
    >>> len(contacts_of([], Account(Options()), None))
    0
    """
    parts = [part for part in parts if len(part)]
    if not parts:
        return CONTACTS.empty()
    legs = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    if legs["rounded"].any():
        warnings.warn(
            f"{int(legs['rounded'].sum())} records have times without seconds, from a spreadsheet program: queued_at is to the minute",
            DataWarning,
            stacklevel=5,
        )
    ids = sortable(legs["uuid"])
    order = sorting([ids])
    again = _again(legs, tied(ids, order)[0])
    members, agents, calls, others = (
        np.flatnonzero(legs["side"].eq(side).to_numpy() & ~again) for side in ("member", "agent", "number", "other")
    )
    visits, rung = _of_members(legs, members, agents, account)
    dialled, rung_too = _of_numbers(legs, calls, others, account, first)
    fate = np.full(len(legs), _NONE)
    for rows, what in ((agents, _ALONE), (members, _VISIT), (calls, _VISIT), (rung, _AGENT), (rung_too, _AGENT), (again, _AGAIN)):
        fate[rows] = what
    _book(legs, fate, account)
    found = [each for each in (visits, dialled) if len(each)] or [visits]
    contacts = found[0] if len(found) == 1 else pd.concat(found, ignore_index=True)
    return _ordered(contacts, np.append(members, calls), order)


def _ordered(contacts: pd.DataFrame, rows: np.ndarray, order: np.ndarray | None) -> pd.DataFrame:
    """The contacts of these legs in the order of their ids, in which all legs are known already; their table is sorted so."""
    if order is None:
        return contacts
    place = np.full(len(order), -1)
    place[rows] = np.arange(len(rows))
    at = place[order]
    at = at[at >= 0]
    return contacts if (at[1:] > at[:-1]).all() else taken(contacts, at)


def _again(legs: pd.DataFrame, shared: np.ndarray) -> np.ndarray:
    """Which legs are there once more: of those of an id with variables, which tell more, or else of all, the one that ends last stays."""
    again = np.zeros(len(legs), dtype=bool)
    if len(shared):
        some = legs[["uuid", "side", "end"]].iloc[np.sort(shared)]
        some = some.assign(plain=some["side"].isin(["number", "other"]))
        some = some.sort_values(["plain", "end"], ascending=[True, False], kind="stable", na_position="last")
        again[some.index[some.duplicated("uuid")]] = True
    return again


def _book(legs: pd.DataFrame, fate: np.ndarray, account: Account) -> None:
    """Book the lines of each source by what became of them, in the order in which that is met first."""
    codes, sources = coded(legs["_source"])
    met = pa.array(codes * len(_FATES) + fate).dictionary_encode()
    weights = np.bincount(met.indices.to_numpy(), legs["_weight"].to_numpy())
    for both, weight in zip(met.dictionary.to_pylist(), weights, strict=True):
        source, what = divmod(both, len(_FATES))
        account.count(sources[source], *_FATES[what], int(weight))


def _of_members(legs: pd.DataFrame, members: np.ndarray, agents: np.ndarray, account: Account) -> tuple[pd.DataFrame, np.ndarray]:
    """Contacts by the variables of mod_callcenter, and the agents' legs that belong to them."""
    visit, many = _numbered(legs["visit_of"])
    caller = _first(members, visit, many)
    offers = agents[caller[visit[agents]] >= 0]
    leg = _talked(legs, offers, visit, caller, many)[visit[members]]
    answered = legs["outcome"].eq("answered").to_numpy()[members]
    joined, left, over, end = (legs[name].to_numpy()[members] for name in ("queued_at", "left", "over", "end"))
    # A standby agent's leg was there before the call and goes on after it.
    dialled = answered & (leg >= 0) & ~legs["standby"].to_numpy()[leg]
    starts, answers, ends = (legs[name].to_numpy()[leg] for name in ("start", "answer", "end"))
    talk = _seconds(left, over, answered)
    by_leg = _seconds(left, ends, dialled)
    by_call = _seconds(left, end, answered & legs["stayed"].to_numpy()[members])
    account.note("cc_queue_terminated_epoch is blank: talk_s by the end of the agent's leg", _more(talk, by_leg))
    talk = np.where(np.isnan(talk), by_leg, talk)
    account.note("cc_queue_terminated_epoch is blank: talk_s by the end of the call, which was not transferred", _more(talk, by_call))
    talk = np.where(np.isnan(talk), by_call, talk)
    account.note("answered, but when the talk ended is not in the log: talk_s is missing", int((answered & np.isnan(talk)).sum()))
    agent = only(_of(legs, "agent", members), answered)
    contacts = _contacts(legs, members, _seconds(joined, left), _seconds(starts, answers, dialled), talk, agent)
    if len(offers):
        unanswered = offers[np.isnat(legs["answer"].to_numpy()[offers])]
        rung, missed = (np.bincount(visit[each], minlength=many + 1)[visit[members]] for each in (offers, unanswered))
        # Who was answered was offered to someone: those legs are not in the log.
        unknown = answered & (rung == 0)
        contacts["ring_attempts"], contacts["ring_noanswer"] = (pd.arrays.IntegerArray(each, unknown) for each in (rung, missed))
    return contacts, offers


def _talked(legs: pd.DataFrame, offers: np.ndarray, visit: np.ndarray, caller: np.ndarray, many: int) -> np.ndarray:
    """Of each visit the leg of the agent that the caller talked to: by its uuid, or, behind a loopback, by the agent."""
    offers = offers[~np.isnat(legs["answer"].to_numpy()[offers])]
    told = caller[visit[offers]]
    exact, alike = (
        pc.fill_null(pc.equal(_text(legs, one, offers), _text(legs, other, told)), False).to_numpy()
        for one, other in (("uuid", "other"), ("agent", "agent"))
    )
    exact, alike = _first(offers[exact], visit, many), _first(offers[alike], visit, many)
    return np.where(exact >= 0, exact, alike)


def _of_numbers(
    legs: pd.DataFrame, dialled: np.ndarray, others: np.ndarray, account: Account, first: bool | None
) -> tuple[pd.DataFrame, np.ndarray]:
    """Contacts by the number that was dialled, and the legs of agents that are in the log."""
    if not len(dialled):
        return pd.DataFrame(), dialled
    names = ("queue", "outcome", "start", "answer", "rounded", "lasted", "billed", "agent", "other")
    calls = pd.DataFrame({name: _of(legs, name, dialled) for name in names}, copy=False)
    met = pc.index_in(of_series(calls["other"]), of_series(_of(legs, "uuid", others)).combine_chunks())
    at = pc.fill_null(met, -1).to_numpy()
    found = pd.DataFrame({name: _of(legs, name, others) for name in ("answer", "rounded", "lasted", "billed", "dnis")}, copy=False)
    found = found.reindex(at).set_axis(calls.index)
    answered = calls["outcome"].eq("answered")
    seen = found["answer"].notna() & answered
    # A caller who was connected to nobody and yet answered: the queue answers, and so it does for the others of it.
    alone = ~answered & calls["answer"].notna()
    early = calls["queue"].isin(calls.loc[alone, "queue"]) if first is None else pd.Series(first, index=calls.index)
    hidden = answered & ~seen & early
    rounded = calls["rounded"].eq(True) | found["rounded"].eq(True)
    account.note("when a call joined the queue is not logged: its start stands for it", len(calls))
    account.note("answered before an agent takes it: wait_s and talk_s of answered calls are not in the records", int(hidden.sum()))
    account.note("times to the minute: wait_s of answered calls is not in the records", int((seen & rounded).sum()))
    by_leg = pd.Series(_seconds(calls["start"].to_numpy(), found["answer"].to_numpy())).mask(rounded)
    by_call = (calls["lasted"] - calls["billed"]).mask(hidden)
    wait = calls["lasted"].where(~answered, by_leg.where(seen, by_call))
    talk = found["billed"].where(seen, calls["billed"].mask(hidden)).where(answered)
    ring = (found["lasted"] - found["billed"]).where(seen)
    agent = found["dnis"].where(seen, calls["agent"]).where(answered)
    return _contacts(legs, dialled, wait, ring, talk, agent), others[np.unique(at[at >= 0])]


def _numbered(text: pd.Series) -> tuple[np.ndarray, int]:
    """A number for each different text, -1 where there is none, and how many there are."""
    found = of_series(text).combine_chunks().dictionary_encode()
    return found.indices.fill_null(-1).to_numpy(zero_copy_only=False), len(found.dictionary)


def _first(rows: np.ndarray, numbers: np.ndarray, many: int) -> np.ndarray:
    """Of each number the first of these rows that has it; -1 where none has, and of the number -1, which stands at the end."""
    out = np.full(many + 1, -1)
    out[numbers[rows][::-1]] = rows[::-1]
    out[-1] = -1
    return out


def _more(known: np.ndarray, also: np.ndarray) -> int:
    """How many are known only by what is known also."""
    return int((np.isnan(known) & ~np.isnan(also)).sum())


def _seconds(since: np.ndarray, until: np.ndarray, rows: np.ndarray | bool = True) -> np.ndarray:
    """Seconds from one time to a later one, in these rows; a missing time gives a number far below zero."""
    seconds = (until - since).astype("int64") / 1e6
    return np.where(rows & (seconds >= 0), seconds, np.nan)


def _text(legs: pd.DataFrame, name: str, rows: np.ndarray) -> pa.ChunkedArray:
    return of_series(legs[name]).take(pa.array(rows))


def _of(legs: pd.DataFrame, name: str, rows: np.ndarray) -> pd.Series:
    return pd.Series(legs[name].array[rows])


def _contacts(legs: pd.DataFrame, rows: np.ndarray, wait: Any, ring: Any, talk: Any, agent: pd.Series) -> pd.DataFrame:
    told = {name: _of(legs, name, rows) for name in _TOLD}
    return pd.DataFrame(
        {
            "contact_id": told["uuid"],
            "channel": constant_category("voice", len(rows)),
            "direction": told["direction"],
            "queue": told["queue"],
            "queued_at": told["queued_at"].dt.tz_localize("UTC"),
            "outcome": told["outcome"],
            "raw_outcome": told["raw_outcome"],
            "wait_s": wait,
            "ring_s": ring,
            "talk_s": talk,
            "hold_s": np.nan,
            "wrap_s": np.nan,
            "agent": agent,
            "arrived_at": told["start"].dt.tz_localize("UTC"),
            "customer": told["customer"],
            "dnis": told["dnis"],
        },
        copy=False,
    )
