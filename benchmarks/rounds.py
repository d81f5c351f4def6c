"""Rounds that alternate between those compared, and the rows of the result table made of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any


def median_seconds(runs: Mapping[str, tuple[Callable[[], Any], float]], repeat: int) -> dict[str, float]:
    """Median seconds of each run times its factor, in alternating rounds."""
    took: dict[str, list[float]] = {who: [] for who in runs}
    for _ in range(repeat):
        for who, (run, scale) in runs.items():
            begun = time.perf_counter()
            run()
            took[who].append((time.perf_counter() - begun) * scale)
    return {who: statistics.median(each) for who, each in took.items()}


def result_rows(
    case: str, took: Mapping[str, float], rows: float, against: str, names: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """One row for each, the fastest first; ``rows`` is how many the seconds are for, ``against`` who has the ratio 1."""
    return [
        {
            "case": case,
            "who": (names or {}).get(who, who),
            "seconds": seconds,
            "rows_per_second": int(rows / seconds),
            "peak_mb": "–",
            "ratio": seconds / took[against],
        }
        for who, seconds in sorted(took.items(), key=lambda item: item[1])
    ]
