"""How many agents of which skills: searched by simulation, between all queues apart and all queues as one."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning, OptionError
from ccstats.queueing.replications import check_seed
from ccstats.schema import FORECAST, as_frame
from ccstats.synthetic.duties import make_routing
from ccstats.workforce.skill_search import Answer, Asked, solve

__all__ = ["MultiskillPlan", "plan_multiskill"]


@dataclass(frozen=True)
class MultiskillPlan:
    """What `plan_multiskill` found.

    Attributes
    ----------
    staff : pandas.DataFrame
        One row a group and interval: ``group, interval_start, interval_s, agents``, as `simulate_contacts` takes it.
    service : pandas.DataFrame
        One row a queue and interval: the forecast's columns, ``target_service_level, threshold_s, patience_s``, ``separate_agents`` (what
        the queue would need with agents of its own, by formula), ``expected_service_level`` with its limits ``…_low`` and ``…_high``
        (simulated), and ``met``. Without contacts the service level is missing and the target met.
    totals : pandas.DataFrame
        One row an interval: ``agents`` in all, and the bounds ``pooled_agents`` (everybody serves everything, one queue) and
        ``separate_agents`` (nobody serves two queues), both by formula.

    Examples
    --------
    Sales alone, support alone, and one group for both; the plan goes straight into the simulation:

    >>> import ccstats as cc
    >>> nine = pd.Timestamp("2026-03-02 09:00", tz="Europe/London")
    >>> demand = {"queue": ["a", "b"], "interval_start": nine, "interval_s": 1800, "expected_offered": 20, "expected_aht_s": 180}
    >>> forecast = pd.DataFrame(demand)
    >>> skills = {"a": {"a": 1}, "b": {"b": 1}, "both": {"a": 1, "b": 1}}
    >>> found = plan_multiskill(forecast, skills, seed=1, contacts=5000, patience_s=120)
    >>> made = cc.simulate_contacts(forecast, seed=1, skills=skills, staff=found.staff, patience_s=120)
    >>> bool(made.agent_states["agent"].nunique() == found.totals["agents"].sum())
    True
    """

    staff: pd.DataFrame
    service: pd.DataFrame
    totals: pd.DataFrame


def plan_multiskill(
    forecast: Any,
    skills: Mapping[str, Mapping[str, int]],
    *,
    seed: int,
    target_service_level: float | Mapping[str, float] = 0.80,
    threshold_s: float | Mapping[str, float] = 20.0,
    patience_s: float | Mapping[str, float] = np.inf,
    priorities: Mapping[str, int] | None = None,
    overflow_s: Mapping[str, Mapping[str, float]] | None = None,
    cost: Mapping[str, float] | None = None,
    max_agents: Mapping[str, int] | None = None,
    contacts: int = 50_000,
    replications: int = 10,
    confidence: float = 0.95,
) -> MultiskillPlan:
    """The agents of each skill group that give every queue its service level, as few as a search by simulation finds.

    Parameters
    ----------
    forecast : pandas.DataFrame or Arrow table
        ``queue, interval_start, interval_s, expected_offered, expected_aht_s``; rows without contacts or without numbers need nobody.
    skills : mapping of group to mapping of queue to int
        What each group serves: 1 first choice, 2 second, …
    seed : int
        The same seed and arguments give the same plan.
    target_service_level : float or mapping of queue to float
        Share of the offered to be answered within ``threshold_s``, for every queue. [0-1]
    threshold_s : float or mapping of queue to float
        [s]
    patience_s : float or mapping of queue to float
        Mean of the exponential patience. [s]
    priorities, overflow_s
        As for `ccstats.simulate_contacts`.
    cost : mapping of group to float, optional
        What an agent of the group costs, relative to the others. By default 1, and 0.001 more for each skill beyond the first, so that
        flexible agents are used only where they save others.
    max_agents : mapping of group to int, optional
        At most so many agents of the group. [agents]
    contacts : int
        Contacts of a simulation while searching. [contacts]
    replications : int
        Simulations, of other contacts, by which the answer is judged.
    confidence : float
        Confidence of the limits. [0-1]

    Returns
    -------
    MultiskillPlan

    Raises
    ------
    TableError, OptionError
        If the forecast or an argument cannot be, or nobody serves a queue that has contacts.

    Warns
    -----
    DataWarning
        Where ``max_agents`` does not allow the targets to be met.

    Notes
    -----
    Each interval is simulated as if it lasted for ever (exponential handle times): what is left of one interval is not carried into the
    next. Intervals that expect the same are solved once. The search begins with the agents that the queues need apart, once in the least
    and once in the most flexible groups. It takes away whatever lowers the cost and leaves every target met, many agents at a time and
    then fewer: agents, of those the ones whose loss is felt least; or one in place of another or of two. All its simulations meet the same
    contacts. What it finds is judged by other contacts, and agents are added until it holds there; the cheaper of the two is the answer,
    or the queues apart if they are cheaper. It is a local optimum, no proof that there is none better.

    An agent is counted once, whatever the skills: two queues of 8 Erlangs that share all agents need more than 16, not the 11 that one of
    them would need.

    References
    ----------
    Wallace, R. B. & Whitt, W. (2005), A staffing algorithm for call centers with skill-based routing, Manufacturing & Service Operations
    Management 7(4): a simulation-based search from a pooled system, and how little flexibility brings nearly all of its gain.

    Examples
    --------
    >>> nine = pd.Timestamp("2026-03-02 09:00", tz="Europe/London")
    >>> demand = {"queue": ["a", "b"], "interval_start": nine, "interval_s": 1800, "expected_offered": 80, "expected_aht_s": 180}
    >>> found = plan_multiskill(pd.DataFrame(demand), {"all": {"a": 1, "b": 1}}, seed=1, contacts=5000)
    >>> found.totals[["pooled_agents", "agents", "separate_agents"]].to_numpy().tolist()
    [[20.0, 20.0, 22.0]]
    """
    check_seed(seed)
    frame = as_frame(forecast, what="forecast")
    with suppress(TypeError, ValueError):  # what cannot be taken so, the check names
        frame = FORECAST.conform(frame[[name for name in FORECAST.names(required=True) if name in frame]])
    FORECAST.check(frame, columns=FORECAST.names(required=True))
    queues = sorted(frame["queue"].astype("str").unique())
    likes, opens, groups = make_routing(queues, skills, overflow_s)
    _check(cost, max_agents, priorities, groups, queues, contacts, replications)
    asked = Asked(
        queues,
        groups,
        likes,
        opens,
        np.array([(priorities or {}).get(queue, 0) for queue in queues]),
        _by_queue(target_service_level, "target_service_level", queues),
        _by_queue(threshold_s, "threshold_s", queues),
        _by_queue(patience_s, "patience_s", queues),
        np.array(
            [
                float((cost or {}).get(group, 1.0 + 0.001 * (skilled - 1)))
                for group, skilled in zip(groups, (likes > 0).sum(axis=1), strict=True)
            ]
        ),
        np.array([float((max_agents or {}).get(group, np.inf)) for group in groups]),
        contacts,
        replications,
        confidence,
        seed,
    )
    row, starts = pd.factorize(frame["interval_start"], sort=True)
    column = np.searchsorted(queues, frame["queue"].astype("str").to_numpy(dtype=object))
    seconds = np.zeros(len(starts))
    seconds[row] = frame["interval_s"]
    if not (seconds > 0).all() or (seconds[row] != frame["interval_s"]).any():
        raise OptionError("interval_s must be positive, and the same for all queues in one interval of the forecast")
    known = ((frame["expected_offered"] > 0) & (frame["expected_aht_s"] > 0)).to_numpy()
    rate, aht = np.zeros((2, len(starts), len(queues)))
    rate[row, column] = np.where(known, frame["expected_offered"] / frame["interval_s"], 0.0)
    aht[row, column] = np.where(known, frame["expected_aht_s"], 0.0)
    solved: dict[bytes, Answer] = {}
    answers = []
    for demand in np.stack([rate, aht], axis=1):
        key = demand.tobytes()
        if key not in solved:
            solved[key] = solve(asked, *demand)
        answers.append(solved[key])
    missed = sum(not answer.met.all() for answer in answers)
    if missed:
        warnings.warn(
            f"{missed} of {len(answers)} intervals cannot meet every target with max_agents={max_agents}", DataWarning, stacklevel=2
        )
    per_queue = {
        name: np.array([getattr(answer, name) for answer in answers])[row, column] for name in ("separate", "level", "low", "high", "met")
    }
    service = frame.assign(
        target_service_level=asked.target[column],
        threshold_s=asked.threshold_s[column],
        patience_s=asked.patience_s[column],
        separate_agents=per_queue["separate"],
        expected_service_level=per_queue["level"],
        expected_service_level_low=per_queue["low"],
        expected_service_level_high=per_queue["high"],
        met=per_queue["met"],
    )
    staff = pd.DataFrame(
        {
            "group": pd.Categorical(np.repeat(groups, len(starts)), categories=groups),
            "interval_start": starts.take(np.tile(np.arange(len(starts)), len(groups))),
            "interval_s": np.tile(seconds, len(groups)),
            "agents": np.array([answer.agents for answer in answers]).T.ravel(),
        }
    )
    totals = pd.DataFrame(
        {
            "interval_start": starts,
            "interval_s": seconds,
            "agents": [float(answer.agents.sum()) for answer in answers],
            "pooled_agents": [answer.pooled for answer in answers],
            "separate_agents": [float(answer.separate.sum()) for answer in answers],
        }
    )
    return MultiskillPlan(staff, service, totals)


def _by_queue(value: float | Mapping[str, float], name: str, queues: list[str]) -> np.ndarray:
    if isinstance(value, Mapping):
        lacking = sorted(set(queues) - set(value))
        if lacking:
            raise OptionError(f"{name}= has no queue {', '.join(map(repr, lacking))}")
        value = {queue: value[queue] for queue in queues}
    out = np.full(len(queues), list(value.values()) if isinstance(value, Mapping) else value, dtype="float64")
    if not (out > 0).all() or (name == "target_service_level" and not (out < 1).all()):
        raise OptionError(f"{name}={value!r} must be positive" + (" and below 1" if name == "target_service_level" else ""))
    return out


def _check(
    cost: Mapping[str, float] | None,
    max_agents: Mapping[str, int] | None,
    priorities: Mapping[str, int] | None,
    groups: list[str],
    queues: list[str],
    contacts: int,
    replications: int,
) -> None:
    unknown = sorted((set(cost or {}) | set(max_agents or {})) - set(groups)) + sorted(set(priorities or {}) - set(queues))
    if unknown:
        raise OptionError(f"cost=, max_agents= or priorities= name {unknown}; there are the groups {groups} and the queues {queues}")
    if not all(each > 0 for each in (cost or {}).values()) or not all(each >= 0 for each in (max_agents or {}).values()):
        raise OptionError("cost= must be positive, and max_agents= not negative")
    if contacts < 100 or replications < 2:
        raise OptionError(f"contacts={contacts!r} must be at least 100, and replications={replications!r} at least 2")
