"""Small tables for tests of plan against actual: valid `intervals`, `agent_intervals` and plans from a few columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import ccstats as cc
from ccstats.schema import AGENT_INTERVALS, INTERVALS, STATES

ZONE = "Europe/Berlin"
START = pd.Timestamp("2026-03-02 08:00", tz=ZONE)


def starts(count: int, *, every: str = "30min", start: pd.Timestamp = START) -> pd.DatetimeIndex:
    """So many intervals in a row."""
    return pd.date_range(start, periods=count, freq=every).tz_convert("UTC").as_unit("us")


def make_intervals(start: Any, offered: Any, *, queue: Any = "sales", threshold_s: float = 20.0, **columns: Any) -> pd.DataFrame:
    """Intervals in which all were answered, in time, after 200 s of talk, 30 s of wrap-up and no hold, unless ``columns`` say otherwise."""
    frame = pd.DataFrame({"interval_start": start, "offered": offered})
    answered = pd.Series(columns.pop("answered", frame["offered"])).to_numpy()
    aht = np.broadcast_to(np.asarray(columns.pop("aht_s", 230.0), dtype="float64"), answered.shape)
    base: dict[str, Any] = {
        column.name: 0 if column.kind in ("count", "maybe_count") else 0.0 for column in INTERVALS.columns if column.required
    }
    base |= {
        "queue": queue,
        "interval_s": 1800.0,
        "timezone": ZONE,
        "threshold_s": threshold_s,
        "short_s": np.nan,
        "attribute_by": "queued",
    }
    frame = frame.assign(**{name: value for name, value in base.items() if name not in frame})
    frame = frame.assign(
        answered=answered,
        answered_within=answered,
        abandoned=frame["offered"].to_numpy() - answered,
        talk_known=answered,
        wrap_known=answered,
        hold_known=answered,
        total_talk_s=answered * (aht - 30.0),
        total_wrap_s=answered * 30.0,
    ).assign(**columns)
    return INTERVALS.conform(frame)


def make_agents(start: Any, logged_in: Any, present: Any, *, interval_s: float = 1800.0, **columns: Any) -> pd.DataFrame:
    """So many agents logged in and on the floor, all under one name; half of the latter with a contact."""
    frame = pd.DataFrame({"interval_start": start, "logged_in": logged_in, "present": present})
    seconds = {f"{state}_s": 0.0 for state in STATES}
    seconds["available_s"] = seconds["on_contact_s"] = frame["present"] * interval_s / 2
    seconds["pause_s"] = (frame["logged_in"] - frame["present"]) * interval_s
    frame = frame.assign(
        agent="all", interval_s=interval_s, timezone=ZONE, logged_in_s=frame["logged_in"] * interval_s, handled=0, **seconds
    )
    return AGENT_INTERVALS.conform(frame.drop(columns=["logged_in", "present"]).assign(**columns))


def make_plan(start: Any, offered: Any, agents: Any, *, queue: Any = "sales", aht_s: Any = 230.0, **columns: Any) -> pd.DataFrame:
    """A plan of so many agents by Erlang A, 80 % in 20 s, nobody missing, unless ``columns`` say otherwise."""
    frame = pd.DataFrame({"interval_start": start, "queue": queue, "interval_s": 1800.0, "expected_offered": offered})
    frame = frame.assign(expected_aht_s=aht_s, agents=agents, threshold_s=20.0, patience_s=180.0, target_service_level=0.8)
    return frame.assign(**columns).astype({"queue": "category"})


def stack(*frames: pd.DataFrame) -> pd.DataFrame:
    """Tables on one another, with the categories of all."""
    made = pd.concat(
        [each.astype({name: "str" for name in each if str(each[name].dtype) == "category"}) for each in frames], ignore_index=True
    )
    return made.astype({name: "category" for name in frames[0] if str(frames[0][name].dtype) == "category"})


def planned_for(half_hours: pd.DataFrame, *, volume: float = 1.0, aht_s: float = 280.0, shrinkage: float = 0.3) -> pd.DataFrame:
    """A plan by Erlang A whose forecast is what came, times ``volume``."""
    forecast = half_hours[["queue", "interval_start", "interval_s"]].assign(
        expected_offered=volume * half_hours["offered"], expected_aht_s=aht_s
    )
    return cc.plan_staffing(forecast, target_service_level=0.8, threshold_s=20, patience_s=180, shrinkage=shrinkage)
