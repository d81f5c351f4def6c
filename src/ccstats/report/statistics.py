"""The tables of ``ccstats stats``: waits, agents, pauses, transfers, who hung up, why contacts went unanswered."""

from __future__ import annotations

import pandas as pd

from ccstats.readers.contract import Log
from ccstats.report.suppressed import suppress_statistics
from ccstats.service.agents import measure_agents, measure_pauses
from ccstats.service.listing import list_ended_by, list_transfers, list_unanswered
from ccstats.service.waits import measure_waits

__all__ = ["build_statistics", "split_waits"]

#: What an agent's row shows; the function behind it has more.
_AGENT = ("answered", "handled", "att_s", "mean_hold_s", "mean_wrap_s", "aht_s", "aht_parts", "transfer_rate", "rona_rate")
_AGENT_TIME = (
    *("logged_in_s", "available_s", "on_contact_s", "pause_s"),
    *("occupancy", "occupancy_logged", "utilisation_logged", "contacts_per_hour", "sessions"),
)


def split_waits(waits: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What `ccstats.measure_waits` gives as two tables that fit a page: quantiles, and the shares answered and abandoned within x.

    Examples
    --------
    >>> quantiles, within = split_waits(pd.DataFrame({"queue": ["a"], "wait_p50_s": [5.0], "answered_within_10s": [1],
    ...                                               "answered_share_within_10s": [0.5]}))
    >>> list(quantiles), list(within)
    (['queue', 'wait_p50_s'], ['queue', 'answered_share_within_10s'])
    """
    counts = [name for name in waits.columns if "_within_" in name]
    shares = [name for name in counts if "_share_" in name]
    groups = list(waits.columns[: waits.columns.get_loc("answered")]) if "answered" in waits else [waits.columns[0]]
    return waits.drop(columns=counts), waits[[*groups, *shares]]


def build_statistics(log: Log, *, timezone: str, suppress_below: int = 0) -> dict[str, pd.DataFrame]:
    """Tables of a log by name, without those that the log says nothing about.

    Parameters
    ----------
    log : Log
        What `ccstats.read` gave.
    timezone : str
        The zone of the centre.
    suppress_below : int
        Blank agents with fewer answered contacts and queues with fewer contacts than this, and those that would give them away. [contacts]

    Returns
    -------
    dict of str to pandas.DataFrame

    Examples
    --------
    >>> import ccstats as cc
    >>> list(build_statistics(cc.read(cc.sample_log()), timezone="Europe/Berlin"))
    ['queue_waits', 'queue_within', 'unanswered', 'ended_by', 'transfers', 'agents', 'pauses']
    """
    contacts, states = log.contacts, log.agent_states
    quantiles, within = split_waits(measure_waits(contacts, by="queue", timezone=timezone))
    tables = {"queue_waits": quantiles, "queue_within": within, "unanswered": list_unanswered(contacts)}
    if "ended_by" in contacts:
        tables["ended_by"] = list_ended_by(contacts)
    if "transferred_to" in contacts:
        tables["transfers"] = list_transfers(contacts)
    agents = measure_agents(contacts, states, timezone=timezone)
    shown = [name for name in ("agent", *_AGENT, *_AGENT_TIME) if name in agents]
    tables["agents"] = agents[shown].dropna(axis="columns", how="all")
    if len(states):
        tables["pauses"] = measure_pauses(states, timezone=timezone)
    return suppress_statistics({name: table for name, table in tables.items() if len(table)}, contacts, below=suppress_below)
