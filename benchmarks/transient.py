"""A day with its backlog carried over, beside the simulation that comes as close.

96 quarter-hours with two peaks and agents up to 100, who change with the load. The transient model is exact but for a stated truncation of
1e-9 or so; a simulation nears it with the square root of its replications. Counted are the replications (scaled from a few hundred) whose
95 % half-width of the service level is 0.005, in the mean over the intervals. Both follow the same law (staff that leaves finishes the
contact in hand), and are first compared over the whole day.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from ccstats.queueing import erlang
from ccstats.queueing.simulation import arrival_times, simulate_queue
from ccstats.queueing.transient import transient_service
from rounds import median_seconds, result_rows

AHT, PATIENCE, THRESHOLD, LENGTH, WANTED = 180.0, 120.0, 20.0, 900.0, 0.005


def day(intervals: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Contacts expected and agents of each quarter-hour: two peaks."""
    hour = np.arange(intervals) * 24 / intervals
    load = 5 + 95 * (np.exp(-(((hour - 10.5) / 2) ** 2)) + 0.8 * np.exp(-(((hour - 16) / 2.2) ** 2))) / 1.05
    agents = erlang.agents_required(load, aht_s=AHT, target_service_level=0.8, threshold_s=THRESHOLD, patience_s=PATIENCE)
    return load * LENGTH / AHT, np.minimum(agents, 100.0)


def simulated(offered: np.ndarray, agents: np.ndarray, replications: int, seed: int) -> np.ndarray:
    """Service level of each replication and interval."""
    levels = np.empty((replications, len(offered)))
    for number in range(replications):
        rng = np.random.default_rng([seed, number])
        arrival = arrival_times(offered, interval_s=LENGTH, seed=rng)
        size = len(arrival)
        run = simulate_queue(
            arrival, rng.exponential(AHT, size), rng.exponential(PATIENCE, size), agents=agents.astype(int), interval_s=LENGTH
        )
        place = np.minimum((arrival // LENGTH).astype(int), len(offered) - 1)
        within = np.bincount(place, weights=(~run.abandoned) & (run.wait_s <= THRESHOLD), minlength=len(offered))
        with np.errstate(invalid="ignore"):
            levels[number] = within / np.bincount(place, minlength=len(offered))
    return levels


def main(replications: int = 300, *, repeat: int = 5) -> list[dict[str, Any]]:
    """Time both; rows of the result table."""
    offered, agents = day()

    def exact() -> Any:
        return transient_service(offered, agents, aht_s=AHT, interval_s=LENGTH, patience_s=PATIENCE, threshold_s=THRESHOLD)

    levels = simulated(offered, agents, replications, 1)
    weight = offered / offered.sum()
    gap = float(np.nanmean(levels, axis=0) @ weight - exact().service_level @ weight)
    if abs(gap) > 0.02:
        raise SystemExit(f"the simulated day is {gap:+.4f} from the exact one")
    needed = int(np.ceil((1.96 * np.nanmean(np.nanstd(levels, axis=0)) / WANTED) ** 2))
    took = median_seconds(
        {"transient": (exact, 1.0), "simulation": (lambda: simulated(offered, agents, replications, 2), needed / replications)}, repeat
    )
    names = {"transient": "ccstats, transient", "simulation": f"ccstats, {needed:,} simulated days (scaled from {replications})"}
    case = f"a day of {len(offered)} intervals, up to {agents.max():.0f} agents; service level to ± {WANTED}"
    return result_rows(case, took, len(offered), "transient", names)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replications", type=int, default=300)
    for row in main(parser.parse_args().replications):
        print(row)
