"""Who is there in a simulation, from numbers of agents or from shifts and breaks, and whom the groups serve."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, DataWarning, OptionError
from ccstats.schema import as_frame
from ccstats.synthetic.agents import Runs, agent_names

#: Clock of a simulated log.
TICK_S = 0.001


def make_routing(
    queues: Sequence[str], skills: Mapping[str, Mapping[str, int]] | None, overflow_s: Mapping[str, Mapping[str, float]] | None
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Preference and opening waits (groups × queues), and the names of the groups."""
    skills = {queue: {queue: 1} for queue in queues} if skills is None else skills
    overflow_s = overflow_s or {}
    groups = sorted(skills)
    named = {queue for each in (*skills.values(), *overflow_s.values()) for queue in each}
    if not groups or set(overflow_s) - set(groups) or named - set(queues):
        raise OptionError(
            f"skills= and overflow_s= must map groups to queues of the plan: groups {groups}, queues {queues}; "
            f"unknown: {sorted((set(overflow_s) - set(groups)) | (named - set(queues)))}"
        )
    likes = np.array([[int(skills[group].get(queue, 0)) for queue in queues] for group in groups], dtype="int64")
    opens = np.array([[float(overflow_s.get(group, {}).get(queue, 0.0)) for queue in queues] for group in groups])
    offered = np.array([[queue in overflow_s.get(group, {}) for queue in queues] for group in groups])
    last_choice = np.broadcast_to(likes.max(axis=1, keepdims=True) + 1, likes.shape)
    return np.where(offered & (likes <= 0), last_choice, likes), opens, groups


@dataclass
class People:
    """The agents in the order of their names, and when they are there, on duty and on a break; times in ticks."""

    names: list[str]
    group: np.ndarray
    sessions: Runs
    duty: Runs
    rests: Runs
    reason: np.ndarray
    reasons: list[str]


def _ticks(instant: pd.Series, origin: pd.Timestamp) -> np.ndarray:
    return ((instant - origin).dt.total_seconds() / TICK_S).round().to_numpy().astype("int64")


def make_people(frame: pd.DataFrame, groups: list[str], staff: Any, shifts: Any, breaks: Any, origin: pd.Timestamp) -> People:
    """The agents of `simulate_contacts`, from shifts and breaks, or else from the numbers of agents in ``staff`` or the plan."""
    if shifts is not None:
        spans = _columns(shifts, ["agent", "group", "started_at", "ended_at"], "shifts")
        names = sorted(spans["agent"].astype("str").unique())
        home = spans.astype({"agent": "str", "group": "str"}).groupby("agent")["group"].agg(["first", "nunique"]).loc[names]
        if (home["nunique"] > 1).any() or not set(home["first"]) <= set(groups):
            raise OptionError(f"shifts= must give every agent one group, and one of {groups}")
        group = np.array([groups.index(each) for each in home["first"]], dtype="int64")
        who = np.searchsorted(names, spans["agent"].astype("str").to_numpy(dtype=object))
        start, end = _ticks(spans["started_at"], origin), _ticks(spans["ended_at"], origin)
    else:
        who, start, end, names, group = _counted(frame, groups, staff, origin)
    if (end < start).any():
        raise OptionError("staff=, shifts= and the plan must not have spans that end before they begin")
    rest_who, rest_start, rest_end = (np.zeros(0, dtype="int64"),) * 3
    reasons, reason = ["break"], np.zeros(0, dtype="int64")
    if breaks is not None:
        pauses = _columns(breaks, ["agent", "started_at", "ended_at"], "breaks")
        pauses = pauses[pauses["agent"].astype("str").isin(names)]
        rest_who = np.searchsorted(names, pauses["agent"].astype("str").to_numpy(dtype=object))
        rest_start, rest_end = _ticks(pauses["started_at"], origin), _ticks(pauses["ended_at"], origin)
        words = pauses["reason"].astype("str").fillna("break") if "reason" in pauses else pd.Series("break", index=pauses.index)
        reasons = sorted(words.unique()) or reasons
        reason = words.map({word: code for code, word in enumerate(reasons)}).to_numpy()
    agent = np.concatenate([who, rest_who, who, rest_who])
    at = np.concatenate([start, rest_start, end, rest_end])
    there = np.repeat([1, 0, -1, 0], [len(who), len(rest_who)] * 2)
    away = np.repeat([0, 1, 0, -1], [len(who), len(rest_who)] * 2)
    order = np.lexsort((at, agent))
    agent, at, there, away = agent[order], at[order], np.cumsum(there[order]) > 0, np.cumsum(away[order]) > 0
    rests = _runs(agent, at, there & away)
    # the reason of the break that began last
    by_start = np.lexsort((rest_start, rest_who))
    far = np.int64(at.max(initial=0) + 1)
    found = np.searchsorted((rest_who * far + rest_start)[by_start], rests.agent * far + rests.start, side="right") - 1
    return People(names, group, _runs(agent, at, there), _runs(agent, at, there & ~away), rests, reason[by_start][found], reasons)


def _runs(agent: np.ndarray, at: np.ndarray, here: np.ndarray) -> Runs:
    """Runs of True from what holds after each change, changes ordered by agent and time."""
    final = np.append((agent[1:] != agent[:-1]) | (at[1:] != at[:-1]), True)[: len(agent)]  # of several changes at one instant the last
    agent, at, here = agent[final], at[final], here[final]
    flips = np.diff(here.astype("int8"), prepend=0) != 0
    return Runs(agent[flips][::2], at[flips][::2], at[flips][1::2])


def _counted(
    frame: pd.DataFrame, groups: list[str], staff: Any, origin: pd.Timestamp
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str], np.ndarray]:
    """Agent, start and end of spans, from numbers of agents; then the names of the agents and their groups."""
    if staff is None:
        rows = _columns(frame, ["queue", "interval_start", "interval_s", "agents"], "the plan")
        home = rows["queue"].astype("str")
        where = "the plan has agents of"
    else:
        rows = _columns(staff, ["group", "interval_start", "interval_s", "agents"], "staff")
        home = rows["group"].astype("str")
        where = "staff= has agents of"
    lacking, unknown = sorted(set(groups) - set(home)), sorted(set(home) - set(groups)) if staff is not None else []
    if lacking or unknown:
        raise OptionError(f"{where} {sorted(set(home))}, skills= has the groups {groups}; give staff= or shifts= for exactly these")
    count = rows["agents"].to_numpy(dtype="float64", na_value=np.nan)
    if np.isnan(count).any():
        warnings.warn(f"{np.isnan(count).sum()} rows have no number of agents: nobody is there", DataWarning, stacklevel=4)
        count = np.nan_to_num(count)
    if (endless := np.isposinf(count)).any():
        first = rows.iloc[int(np.argmax(endless))]
        raise OptionError(
            f"agents infinite in {endless.sum()} rows, first {first.iloc[0]!r} at {first['interval_start']}: no number of agents met the "
            "target there; give the number that is there"
        )
    if not ((count >= 0) & (count == np.floor(count))).all():
        raise OptionError("agents must be whole numbers, none negative; round them up, or plan without fractional=True")
    code = home.map({name: place for place, name in enumerate(groups)}).fillna(-1).to_numpy().astype("int64")
    count = np.where(code >= 0, count, 0).astype("int64")
    most = np.array([count[code == place].max(initial=0) for place in range(len(groups))])
    names = [name for group, size in zip(groups, most, strict=True) for name in agent_names(group, int(size))]
    by_name = np.argsort(names, kind="stable") if names else np.zeros(0, dtype="int64")
    rank = np.empty_like(by_name)
    rank[by_name] = np.arange(len(names))
    row = np.repeat(np.arange(len(rows)), count)
    number = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
    start = _ticks(rows["interval_start"], origin)
    end = start + np.round(rows["interval_s"].to_numpy(dtype="float64") / TICK_S).astype("int64")
    who = rank[(np.cumsum(most) - most)[code[row]] + number]
    return who, start[row], end[row], [names[k] for k in by_name], np.repeat(np.arange(len(groups)), most)[by_name]


def _columns(table: Any, names: list[str], what: str) -> pd.DataFrame:
    frame = as_frame(table, what=what)
    lacking = [name for name in names if name not in frame]
    if lacking:
        raise ColumnError(f"{what} lacks the column {', '.join(map(repr, lacking))}; it has: {', '.join(map(str, frame.columns))}")
    return frame
