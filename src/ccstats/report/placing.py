"""Which queue agents are in while they wait and pause, and their intervals by it, for every face that sets them beside contacts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccstats.intervals import to_agent_intervals

__all__ = ["count_agents", "place_agents"]

#: States in which an agent can serve; a pause belongs to no queue.
_ON_FLOOR = ("available", "reserved", "on_contact", "hold", "wrap")


def place_agents(agent_states: pd.DataFrame) -> pd.DataFrame:
    """Agent states in which agents who served one queue only are in that queue while they wait and pause too.

    Agents who served several queues, or none, stay as they are.

    Parameters
    ----------
    agent_states : pandas.DataFrame
        `agent_states`.

    Returns
    -------
    pandas.DataFrame
        The same rows.

    Examples
    --------
    >>> states = pd.DataFrame({"agent": ["Ada", "Ada", "Bo", "Bo", "Bo"], "queue": ["sales", None, "sales", "help", None]})
    >>> place_agents(states)["queue"].tolist()
    ['sales', 'sales', 'sales', 'help', nan]
    """
    agents, queues = (agent_states[name].astype("category").cat for name in ("agent", "queue"))
    agent, queue = agents.codes.to_numpy(), queues.codes.to_numpy()
    served = np.zeros((len(agents.categories) + 1, len(queues.categories) + 1), dtype=bool)
    served[agent, queue] = True  # a missing one has code -1, the last row or column
    known = served[:, :-1]
    only = np.where(known.sum(axis=1) == 1, known.argmax(axis=1) if known.size else -1, -1)
    only[-1] = -1
    placed = pd.Categorical.from_codes(np.where(queue >= 0, queue, only[agent]), queues.categories).remove_unused_categories()
    return agent_states.assign(queue=placed.reorder_categories(placed.categories.sort_values()))


def count_agents(agent_states: pd.DataFrame, *, queues: int, every: str, timezone: str) -> pd.DataFrame | None:
    """Agents as `agent_intervals`, by queue where every agent on the floor served one only; else they are one pool.

    Parameters
    ----------
    agent_states : pandas.DataFrame
        `agent_states`.
    queues : int
        How many the centre has: the agents of a single one need no telling apart.
    every, timezone : str
        As for `ccstats.to_agent_intervals`.

    Returns
    -------
    pandas.DataFrame or None
        None where nothing is known of agents.

    Examples
    --------
    >>> import ccstats as cc
    >>> "queue" in count_agents(cc.read(cc.sample_log()).agent_states, queues=3, every="30min", timezone="Europe/Berlin")
    True
    """
    if not len(agent_states):
        return None
    placed = place_agents(agent_states)
    on_floor = placed["state"].isin(_ON_FLOOR)
    alone = queues > 1 and bool(placed.loc[on_floor, "queue"].notna().all())
    return to_agent_intervals(placed, every=every, timezone=timezone, by="queue" if alone else ())
