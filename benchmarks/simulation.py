"""Contacts simulated per second, beside Ciw on the same network: two queues with agents of their own, and callers who give up.

Poisson arrivals, exponential handle times and patience; drawing the random numbers is part of the time of both. Abandonment of both must
agree with Erlang A before anything is timed. Agents with several skills, overflow and callbacks are left out: Ciw has no like for them.
"""

from __future__ import annotations

import argparse
from typing import Any

import ciw
import numpy as np

from ccstats.queueing import erlang
from ccstats.queueing.network import Staff, simulate_network
from rounds import median_seconds, result_rows

AHT, PATIENCE, AGENTS, LOADS = 180.0, 120.0, (20, 50), (19.0, 50.0)


def with_ciw(seconds: float, seed: int) -> tuple[int, float]:
    """Contacts and the share that gave up, by Ciw."""
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(load / AHT) for load in LOADS],
        service_distributions=[ciw.dists.Exponential(1 / AHT)] * 2,
        reneging_time_distributions=[ciw.dists.Exponential(1 / PATIENCE)] * 2,
        number_of_servers=list(AGENTS),
        routing=[[0.0, 0.0], [0.0, 0.0]],
    )
    ciw.seed(seed)
    run = ciw.Simulation(network)
    run.simulate_until_max_time(seconds)
    records = run.get_all_records()
    return len(records), sum(record.record_type == "renege" for record in records) / len(records)


def with_ours(seconds: float, seed: int) -> tuple[int, float]:
    """Contacts and the share that gave up, by ours."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson([load / AHT * seconds for load in LOADS])
    queue = np.repeat([0, 1], counts)
    arrival = np.concatenate([np.sort(rng.random(count) * seconds) for count in counts])
    total = len(queue)
    everybody = np.arange(sum(AGENTS))
    staff = Staff(np.repeat([0, 1], AGENTS), everybody, np.zeros(len(everybody)), np.full(len(everybody), seconds))
    run = simulate_network(queue, arrival, rng.exponential(AHT, total), rng.exponential(PATIENCE, total), staff=staff)
    return total, float(np.mean(run.outcome == 2))


def main(hours: float = 200.0, *, repeat: int = 5) -> list[dict[str, Any]]:
    """Time both; rows of the result table."""
    loads = np.array(LOADS)
    expected = float((erlang.abandonment_rate(np.array(AGENTS), loads, aht_s=AHT, patience_s=PATIENCE) * loads).sum() / loads.sum())
    more = 5  # a round of ours is shorter
    slow, fast = with_ciw(hours * 3600, 1), with_ours(more * hours * 3600, 1)
    for who, (count, share) in {"Ciw": slow, "ccstats": fast}.items():
        spread = 5 * np.sqrt(expected / count) * 5  # arrivals that give up come in bursts
        if abs(share - expected) > spread:
            raise SystemExit(f"{who} loses {share:.4f} of the contacts; Erlang A says {expected:.4f} ± {spread:.4f}")
    took = median_seconds(
        {"Ciw": (lambda: with_ciw(hours * 3600, 2), 1.0 / slow[0]), "ccstats": (lambda: with_ours(more * hours * 3600, 2), 1.0 / fast[0])},
        repeat,
    )
    names = {who: f"{who} ({count:,} contacts a round)" for who, count in (("Ciw", slow[0]), ("ccstats", fast[0]))}
    of_a_million = {who: 1e6 * seconds for who, seconds in took.items()}
    return result_rows("two queues with abandonment; seconds of a million contacts", of_a_million, 1e6, "ccstats", names)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=200.0)
    for row in main(parser.parse_args().hours):
        print(row)
