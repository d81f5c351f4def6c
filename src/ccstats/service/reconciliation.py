"""Do the figures agree? Sums that must be equal, side by side, and what it means where they are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from ccstats.errors import OptionError
from ccstats.intervals import to_intervals
from ccstats.readers.contract import Log
from ccstats.schema import AGENT_STATES, CONTACTS, NOT_QUEUED, OUTCOMES, as_frame

__all__ = ["reconcile"]

#: Platforms log whole seconds: a talk time and the difference of two time stamps may differ by one.
_ROUNDING_S = 1.0


def reconcile(log: Any, agent_states: Any = None) -> pd.DataFrame:
    """Check that the figures agree: lines, visits, counts per interval, and the queues' view against the agents'.

    Parameters
    ----------
    log : Log, or contacts
        What `ccstats.read` gave; or a table of contacts, with ``agent_states`` beside it if there is one.
    agent_states : pandas.DataFrame or Arrow table, optional
        One row a span; only with contacts.

    Returns
    -------
    pandas.DataFrame
        One row a check: ``check, left, right``, ``difference`` (left less right), ``ok`` and ``explanation``, which says what is compared
        and what a difference means. Checks on lines are there for a `Log`, checks on agents where agent states are logged.

    Raises
    ------
    OptionError
        If ``agent_states`` is given beside a `Log`, which has its own.
    TableError
        If a table does not fit its schema, so that it cannot be counted.

    Notes
    -----
    ``ok`` asks for equality, but for seconds: there one second a contact is allowed, because platforms log whole seconds. Answered contacts
    and spans belong together where contact and agent are the same; an answered contact without any talk or hold needs no span, nor does one
    whose talk is not known: a log that ends with the answer has neither.

    Examples
    --------
    >>> import ccstats as cc
    >>> centre = cc.synthesize_contacts(seed=1)
    >>> checks = cc.reconcile(centre.contacts, centre.agent_states)
    >>> checks["ok"].all()
    np.True_
    """
    checks: list[tuple[str, float, float, float, str]] = []
    if isinstance(log, Log):
        if agent_states is not None:
            raise OptionError("agent_states= is for a table of contacts; a log has its own")
        agent_states = log.agent_states
        checks.append(_lines(log))
        log = log.contacts
    contacts = as_frame(log, what="contacts")
    checks += _visits(contacts)
    if agent_states is not None and len(agent_states := as_frame(agent_states, what="agent_states")):
        AGENT_STATES.check(agent_states, columns=["agent", "started_at", "ended_at", "state", "contact_id"], keys=False)
        checks += _agents(contacts, agent_states)
    table = pd.DataFrame(checks, columns=["check", "left", "right", "allowed", "explanation"])
    table = table.astype({"check": "str", "left": "float64", "right": "float64", "explanation": "str"})
    difference = table["left"] - table["right"]
    table.insert(3, "difference", difference)
    table["ok"] = difference.abs() <= table.pop("allowed")
    return table[["check", "left", "right", "difference", "ok", "explanation"]]


def _lines(log: Log) -> tuple[str, float, float, float, str]:
    fates = sum(log.count(fate) for fate in ("used", "ignored", "rejected"))
    return ("lines", log.count(), fates, 0, "lines read = used + ignored + rejected; else lines are unaccounted for")


def _visits(contacts: pd.DataFrame) -> list[tuple[str, float, float, float, str]]:
    CONTACTS.check(contacts, columns=["contact_id", "visit", "outcome", "talk_s", "hold_s", "agent"], keys=False)
    outcome = contacts["outcome"]
    offered = ~outcome.isin(NOT_QUEUED)
    days = to_intervals(contacts, every="1D", fill=False)
    parts = ("answered", "abandoned", "flowed_out", "callbacks", "lost", "open", "unknown")
    counted = sum(int(days[name].sum()) for name in parts)
    refused = int(days["blocked"].sum() + days["ivr_abandoned"].sum())
    uncounted = [word for word, count in OUTCOMES.items() if count is None]
    last = contacts.groupby("contact_id", sort=False)["visit"].max().sum()
    return [
        (
            "visits of contacts",
            len(contacts),
            last,
            0,
            "visits = last visit numbers of all contacts, added up; else a visit is missing or double",
        ),
        (
            "offered in intervals",
            offered.sum(),
            days["offered"].sum(),
            0,
            "visits that joined a queue = offered; else intervals lose contacts",
        ),
        ("parts of offered", days["offered"].sum(), counted, 0, f"offered = {' + '.join(parts)}"),
        (
            "outcomes",
            len(contacts),
            counted + refused + outcome.isin(uncounted).sum(),
            0,
            "visits = parts of offered + blocked + ivr_abandoned + ignored; else an outcome is counted nowhere",
        ),
    ]


def _agents(contacts: pd.DataFrame, states: pd.DataFrame) -> list[tuple[str, float, float, float, str]]:
    answered = contacts[(contacts["outcome"] == "answered") & contacts["agent"].notna() & contacts["contact_id"].notna()]
    spans = states[states["state"].isin(["on_contact", "hold"]) & states["agent"].notna() & states["contact_id"].notna()]
    # A contact may come to an agent twice: compare per pair.
    pair = _pairs(answered, spans)
    ours, theirs = pair[: len(answered)], pair[len(answered) :]
    size = int(pair.max(initial=-1)) + 1
    seconds = (answered["talk_s"] + answered["hold_s"].fillna(0)).to_numpy("float64", na_value=np.nan)
    lasted = (spans["ended_at"] - spans["started_at"]).dt.total_seconds().to_numpy()
    talked = np.bincount(ours, weights=np.nan_to_num(seconds), minlength=size)  # what is not known adds nothing
    on_contact = np.bincount(theirs, weights=lasted, minlength=size)
    in_queue, with_agent = (np.bincount(each, minlength=size) > 0 for each in (ours, theirs))
    both = in_queue & with_agent
    no_talk = in_queue & ~with_agent & (talked == 0)
    timed = both & (np.bincount(ours[np.isnan(seconds)], minlength=size) == 0)
    talked, on_contact = talked[timed].sum(), on_contact[timed].sum()
    return [
        (
            "answered contacts with a span",
            (in_queue & ~no_talk).sum(),
            both.sum(),
            0,
            "answered contacts (and their agents) = those for whom the agent was on_contact; else agents' events are missing from the log",
        ),
        (
            "spans with an answered contact",
            with_agent.sum(),
            both.sum(),
            0,
            "contacts agents were on = those answered in a queue; else agents took others (transfers, outbound) that no queue logged",
        ),
        (
            "talk seconds",
            round(talked, 6),
            round(on_contact, 6),
            _ROUNDING_S * timed.sum(),
            "talk and hold of the contacts = on_contact and hold of their agents, 1 s a contact allowed; else the two clocks disagree",
        ),
    ]


def _pairs(*tables: pd.DataFrame) -> np.ndarray:
    """Contact and agent of the tables' rows, one table after the other, as one number each."""
    contact = pd.factorize(pd.concat([table["contact_id"].astype("str") for table in tables]))[0]
    agents = [table["agent"].astype("category") for table in tables]
    agents = [each.cat.rename_categories(pd.Index(list(each.cat.categories.astype("str")), dtype="str")) for each in agents]
    agent = union_categoricals(agents)
    return pd.factorize(contact.astype("int64") * max(len(agent.categories), 1) + agent.codes)[0]
