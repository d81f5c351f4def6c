"""Tables of a plan and of what happened, made from a few numbers a row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from ccstats.schema import AGENT_INTERVALS, INTERVALS


class Row(NamedTuple):
    """One interval of one queue: planned and actual volume, handle time and agents."""

    offered: tuple[float, int]
    aht_s: tuple[float, float]
    agents: tuple[float, float]
    queue: str = "sales"
    slot: int = 0
    within: int | None = None
    shrinkage: float = 0.0
    pause: float = 0.0  # share of the actual agents' logged-in time


def starts(rows: Sequence[Row], length_s: float) -> pd.Series:
    begin = pd.Timestamp("2026-03-02 08:00", tz="UTC").as_unit("us")
    return pd.Series([begin + pd.Timedelta(seconds=row.slot * length_s) for row in rows]).astype("datetime64[us, UTC]")


def plan_of(rows: Sequence[Row], *, length_s: float = 1800.0, patience_s: float = math.inf, **columns: object) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "queue": pd.Categorical([row.queue for row in rows]),
            "interval_start": starts(rows, length_s),
            "interval_s": length_s,
            "expected_offered": [float(row.offered[0]) for row in rows],
            "expected_aht_s": [row.aht_s[0] for row in rows],
            "agents": [float(row.agents[0]) for row in rows],
            "scheduled_agents": [row.agents[0] / (1 - row.shrinkage) for row in rows],
            "shrinkage": [row.shrinkage for row in rows],
            "threshold_s": 20.0,
            "patience_s": patience_s,
            **columns,
        }
    )


def intervals_of(rows: Sequence[Row], *, length_s: float = 1800.0, threshold_s: float = 20.0) -> pd.DataFrame:
    offered = [row.offered[1] for row in rows]
    names = INTERVALS.names(required=True)
    frame = pd.DataFrame({name: [0] * len(rows) for name in names}).assign(
        queue=pd.Categorical([row.queue for row in rows]),
        interval_start=starts(rows, length_s),
        interval_s=length_s,
        timezone="UTC",
        threshold_s=threshold_s,
        short_s=float("nan"),
        attribute_by="queued",
        offered=offered,
        answered=offered,
        answered_within=[row.offered[1] * 7 // 10 if row.within is None else row.within for row in rows],
        total_talk_s=[row.offered[1] * row.aht_s[1] for row in rows],
        talk_known=offered,
    )
    return INTERVALS.conform(frame)


def staff_of(rows: Sequence[Row], *, length_s: float = 1800.0) -> pd.DataFrame:
    """Agents logged in for as much of each interval as makes their number right, part of it paused."""
    made = []
    for row, start in zip(rows, starts(rows, length_s), strict=True):
        left = row.agents[1]
        for number in range(math.ceil(left)):
            seconds = min(left - number, 1.0) * length_s
            made.append((f"{row.queue} {number}", start, row.queue, seconds / (1 - row.pause), seconds))
    columns = ["agent", "interval_start", "queue", "logged_in_s", "available_s"]
    frame = pd.DataFrame(made, columns=columns)
    names = {name: 0.0 for name in AGENT_INTERVALS.names(required=True) if name not in columns}
    frame = frame.assign(**names).assign(interval_s=length_s, timezone="UTC", handled=0)
    frame["pause_s"] = frame["logged_in_s"] - frame["available_s"]
    return AGENT_INTERVALS.conform(frame)


def rostered_of(rows: Sequence[Row], agents: Sequence[float], *, length_s: float = 1800.0) -> pd.DataFrame:
    queue = pd.Categorical([row.queue for row in rows])
    return pd.DataFrame({"queue": queue, "interval_start": starts(rows, length_s), "scheduled_agents": list(agents)})
