"""What an attribution costs: five drivers, a month of half-hours, in multiples of one plain evaluation of that month.

1,440 half-hours of one queue (a day's curve of up to 200 contacts, 240 s, patience 180 s), planned for 80 % within 20 s; what happened
differs in every half-hour and in every driver, so that all 32 subsets are evaluated. One plain evaluation is every expected sum of the
month (`stationary_sums`), or its service level alone. Beside it, the same attribution as a plain loop: 32 such evaluations, then the mean
over all 120 orders. Before anything is timed, both must agree.
"""

from __future__ import annotations

import argparse
from itertools import permutations
from typing import Any

import numpy as np
import pandas as pd

import ccstats as cc
from ccstats.deviations.game import Game
from ccstats.deviations.shapley import attribute, subsets
from ccstats.expectation.expected import Rows, divide, stationary_sums
from rounds import median_seconds, result_rows

ROWS = 1_440
_DRIVERS = ("volume", "handle_time", "scheduled_agents", "shrinkage", "adherence")
_LENGTH, _PATIENCE, _THRESHOLD = 1800.0, 180.0, 20.0


def month(rows: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Drivers as planned and as they were."""
    rng = np.random.default_rng(1)
    curve = 20 + 180 * np.sin(np.pi * (np.arange(rows) % 48) / 48) ** 2
    load = curve * 240 / _LENGTH
    agents = cc.erlang.agents_required(load, aht_s=240, target_service_level=0.8, threshold_s=_THRESHOLD, patience_s=_PATIENCE)
    planned = {
        "volume": curve,
        "handle_time": np.full(rows, 240.0),
        "scheduled_agents": agents / 0.7,
        "shrinkage": np.full(rows, 0.3),
        "adherence": np.ones(rows),
    }
    actual = {
        "volume": np.maximum(rng.poisson(curve * rng.normal(1.03, 0.1, rows).clip(0.5)), 1).astype("float64"),
        "handle_time": rng.normal(245.0, 12.0, rows),
        "scheduled_agents": planned["scheduled_agents"] - rng.integers(1, 3, rows) / 2,
        "shrinkage": rng.uniform(0.26, 0.36, rows),
        "adherence": rng.uniform(0.92, 0.99, rows),
    }
    return planned, actual


def as_rows(drivers: dict[str, np.ndarray]) -> Rows:
    """What a model is told."""
    one = np.ones(len(drivers["volume"]))
    agents = drivers["scheduled_agents"] * (1 - drivers["shrinkage"]) * drivers["adherence"]
    run = np.zeros(len(one), dtype="int64")
    return Rows(drivers["volume"], agents, drivers["handle_time"], _LENGTH * one, _PATIENCE * one, _THRESHOLD * one, np.nan * one, run)


def level(rows: Rows) -> np.ndarray:
    """The service level alone."""
    load = cc.erlang.offered_load(rows.offered, aht_s=rows.aht_s, interval_s=rows.interval_s)
    return cc.erlang.service_level(rows.agents, load, aht_s=rows.aht_s, threshold_s=rows.threshold_s, patience_s=rows.patience_s)


def by_loop(planned: dict[str, np.ndarray], actual: dict[str, np.ndarray]) -> np.ndarray:
    """Contributions by 32 evaluations of all sums and a loop over all orders."""
    values = []
    for members in subsets(len(_DRIVERS)):
        sums = stationary_sums(as_rows({name: (actual if there else planned)[name] for name, there in zip(_DRIVERS, members, strict=True)}))
        values.append(np.average(divide(sums["answered_within"], sums["offered"]), weights=actual["volume"]))
    added = np.zeros(len(_DRIVERS))
    orders = list(permutations(range(len(_DRIVERS))))
    for order in orders:
        have = 0
        for driver in order:
            added[driver] += values[have | 1 << driver] - values[have]
            have |= 1 << driver
    return added / len(orders)


def tables(planned: dict[str, np.ndarray], actual: dict[str, np.ndarray]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The same month as plan, intervals, agent_intervals and roster; all agents' seconds stand in one row an interval."""
    count = len(planned["volume"])
    keys = {
        "queue": pd.Categorical(["sales"] * count),
        "interval_start": pd.date_range("2026-03-01", periods=count, freq="30min", tz="UTC", unit="us"),
        "interval_s": _LENGTH,
    }
    floor = planned["scheduled_agents"] * (1 - planned["shrinkage"])
    plan = pd.DataFrame(
        {
            **keys,
            "expected_offered": planned["volume"],
            "expected_aht_s": planned["handle_time"],
            "agents": floor,
            "scheduled_agents": planned["scheduled_agents"],
            "shrinkage": planned["shrinkage"],
            "planned_pause": 0.0,
            "threshold_s": _THRESHOLD,
            "patience_s": _PATIENCE,
        }
    )
    offered = actual["volume"].astype("int64")
    schema = cc.schema
    came = pd.DataFrame({name: 0 for name in schema.INTERVALS.names(required=True)}, index=range(count)).assign(
        **keys,
        timezone="UTC",
        threshold_s=_THRESHOLD,
        attribute_by="queued",
        offered=offered,
        answered=offered,
        answered_within=(0.75 * offered).astype("int64"),
        total_talk_s=offered * actual["handle_time"],
        talk_known=offered,
    )
    logged_in = actual["scheduled_agents"] * (1 - actual["shrinkage"]) * _LENGTH
    there = pd.DataFrame({name: 0.0 for name in schema.AGENT_INTERVALS.names(required=True)}, index=range(count)).assign(
        **keys, timezone="UTC", agent="all", handled=0, logged_in_s=logged_in, available_s=logged_in * actual["adherence"]
    )
    roster = pd.DataFrame(
        {"queue": keys["queue"], "interval_start": keys["interval_start"], "scheduled_agents": actual["scheduled_agents"]}
    )
    return plan, schema.INTERVALS.conform(came), schema.AGENT_INTERVALS.conform(there), roster


def main(rows: int = ROWS, *, repeat: int = 5, replications: int = 200) -> list[dict[str, Any]]:
    """Time everything; rows of the result table."""
    planned, actual = month(rows)
    plain = as_rows(actual)
    start = _LENGTH * np.arange(rows)
    weights = actual["volume"] / actual["volume"].sum()

    def contributions() -> np.ndarray:
        game = Game(planned, actual, plain, start_s=start, definition="service_level")
        return attribute(game.levels(weights) @ weights).shapley[:, 0]

    plan, came, there, roster = tables(planned, actual)
    whole = cc.explain_service_level(plan, came, there, scheduled=roster, replications=0).set_index("driver")
    expected = by_loop(planned, actual)
    if not np.allclose(contributions(), expected, atol=1e-9) or not np.allclose(
        whole.loc[list(_DRIVERS), "contribution"], expected, atol=1e-9
    ):
        raise SystemExit("the attribution and the plain loop disagree")
    asked = {"scheduled": roster, "seed": 0}
    cc.explain_service_level(plan, came, there, replications=2, **asked)  # compiled before it is timed
    took = median_seconds(
        {
            "one plain evaluation (all expected sums)": (lambda: stationary_sums(plain), 1.0),
            "one evaluation of the service level alone": (lambda: level(plain), 1.0),
            "contributions, from arrays (32 service levels)": (contributions, 1.0),
            "explain_service_level, with agents, without simulation": (
                lambda: cc.explain_service_level(plan, came, there, replications=0, **asked),
                1.0,
            ),
            f"explain_service_level, {replications} simulated months": (
                lambda: cc.explain_service_level(plan, came, there, replications=replications, **asked),
                1.0,
            ),
            "plain loop: 32 plain evaluations, 120 orders": (lambda: by_loop(planned, actual), 1.0),
        },
        repeat,
    )
    return result_rows(f"Five drivers, {rows:,} half-hours", took, rows, "one plain evaluation (all expected sums)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    for row in main(parser.parse_args().rows):
        print(row)
