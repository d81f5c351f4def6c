"""How fast a year of intervals is staffed, beside pyworkforce called in a loop and the bare compiled recursion.

1,752,000 rows (50 queues, a year of 15-minute intervals) of lognormal loads around 33 Erlangs, 80 % within 20 s, handle time 180 s; for
Erlang A patience of 120 s. pyworkforce is timed on a sample of the same rows and scaled up, since a whole run takes minutes (Erlang C) or
a day (Erlang A, which it has from Python 3.12 on). Where all rows share their targets, ours finds the loads at which each number of agents
begins to fail and looks the rows up; with a handle time of its own in each row it cannot. Five rounds, alternating, each the same in one
process; the median counts. Before anything is timed, the compiled recursion and ours must agree on every row, and pyworkforce on the
sampled rows where it is right: never below ours, and above it on rows counted and shown.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from ccstats.queueing import erlang
from rounds import median_seconds, result_rows

ROWS = 1_752_000
AHT, TARGET, THRESHOLD, PATIENCE = 180.0, 0.80, 20.0, 120.0
_ASKED = {"aht_s": AHT, "target_service_level": TARGET, "threshold_s": THRESHOLD}


@njit
def bare_recursion(loads: np.ndarray, aht: float, target: float, threshold: float) -> np.ndarray:  # pragma: no cover - compiled
    """Agents by the textbook recursion, row by row: what a compiled loop costs without checks, limits or other targets."""
    agents = np.empty(loads.size)
    for row in range(loads.size):
        load = loads[row]
        blocking, count = 1.0, 0
        while True:
            count += 1
            blocking = load * blocking / (count + load * blocking)
            if count > load:
                waiting = count * blocking / (count - load * (1.0 - blocking))
                if 1.0 - waiting * np.exp(-(count - load) * threshold / aht) >= target:
                    break
        agents[row] = count
    return agents


def loads(rows: int) -> np.ndarray:
    """Lognormal loads with a mean of 33 Erlangs."""
    sigma = 1.0
    return np.random.default_rng(1).lognormal(np.log(33.0) - sigma**2 / 2, sigma, rows)


def pyworkforce_c(sample: np.ndarray) -> np.ndarray:
    from pyworkforce.queuing import ErlangC

    return np.array(
        [
            ErlangC(transactions=load * 30 / (AHT / 60), aht=AHT / 60, interval=30, asa=THRESHOLD / 60).required_positions(TARGET)[
                "raw_positions"
            ]
            for load in sample
        ]
    )


def pyworkforce_a(sample: np.ndarray) -> np.ndarray:
    from pyworkforce.queuing import ErlangA

    return np.array(
        [
            ErlangA(
                transactions=load * 30 / (AHT / 60), aht=AHT / 60, asa=THRESHOLD / 60, interval=30, patience=PATIENCE / 60
            ).required_positions(service_level=TARGET, asa=THRESHOLD / 60)["raw_positions"]
            for load in sample
        ]
    )


def main(rows: int = ROWS, *, repeat: int = 5, sample: int = 20_000, sample_a: int = 30) -> list[dict[str, Any]]:
    """Time everybody; rows of the result table."""
    drawn = loads(rows)
    some, few = drawn[:sample], drawn[:sample_a]
    ours = erlang.agents_required(drawn, **_ASKED)
    if not np.array_equal(ours, bare_recursion(drawn, AHT, TARGET, THRESHOLD)):
        raise SystemExit("ours and the bare recursion disagree")
    theirs = pyworkforce_c(some)
    if (theirs < ours[:sample]).any():
        raise SystemExit("pyworkforce needs fewer agents than the minimum")
    above = int((theirs > ours[:sample]).sum())
    each = np.full(rows, AHT)  # the same, but not known to be
    own = {**_ASKED, "aht_s": each}
    took = median_seconds(
        {
            "ccstats": (lambda: erlang.agents_required(drawn, **_ASKED), 1.0),
            "ccstats, a handle time of its own in each row": (lambda: erlang.agents_required(drawn, **own), 1.0),
            "bare compiled recursion": (lambda: bare_recursion(drawn, AHT, TARGET, THRESHOLD), 1.0),
            f"pyworkforce in a loop ({sample:,} rows, scaled; {above} not minimal)": (lambda: pyworkforce_c(some), rows / sample),
        },
        repeat,
    )
    found = result_rows(f"Erlang C, {rows:,} rows", took, rows, "ccstats")
    erlang.agents_required(few, **_ASKED, patience_s=PATIENCE)
    runs: dict[str, tuple[Callable[[], Any], float]] = {
        "ccstats": (lambda: erlang.agents_required(drawn, **_ASKED, patience_s=PATIENCE), 1.0),
        "ccstats, a handle time of its own in each row": (lambda: erlang.agents_required(drawn, **own, patience_s=PATIENCE), 1.0),
    }
    try:
        from pyworkforce.queuing import ErlangA  # noqa: F401
    except ImportError:
        print("pyworkforce has no Erlang A on this Python (it needs 3.12); the case is run without it")
    else:
        above = int((pyworkforce_a(few) > erlang.agents_required(few, **_ASKED, patience_s=PATIENCE)).sum())
        runs[f"pyworkforce in a loop ({sample_a} rows, scaled; {above} not minimal)"] = (lambda: pyworkforce_a(few), rows / sample_a)
    return found + result_rows(f"Erlang A, {rows:,} rows", median_seconds(runs, repeat), rows, "ccstats")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    for row in main(parser.parse_args().rows):
        print(row)
