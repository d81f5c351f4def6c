"""Limits and rules of a million points, in multiples of one pass over them: the mean, and the standard deviation of the moving ranges."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

import ccstats as cc
from rounds import median_seconds, result_rows


def main(size: int = 1_000_000, *, repeat: int = 5) -> list[dict[str, Any]]:
    """Time the charts; rows of the result table."""
    rng = np.random.default_rng(1)
    values, counts = rng.normal(size=size), rng.integers(20, 200, size)
    met = rng.binomial(counts, 0.8)
    drawn = cc.spc.limits("xmr", values)
    work = {
        "one pass": lambda: (values.mean(), np.abs(np.diff(values)).mean()),
        "ccstats, xmr": lambda: cc.spc.limits("xmr", values),
        "ccstats, p": lambda: cc.spc.limits("p", met, counts),
        "ccstats, p'": lambda: cc.spc.limits("p_prime", met, counts),
        "ccstats, four Western Electric rules": lambda: cc.spc.apply_rules(drawn.statistic, drawn, rules="western_electric"),
        "ccstats, Nelson's eight rules": lambda: cc.spc.apply_rules(drawn.statistic, drawn, rules="nelson"),
    }
    took = median_seconds({name: (run, 1.0) for name, run in work.items()}, repeat)
    return result_rows(f"{size:,} points", took, size, "one pass")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1_000_000)
    for row in main(parser.parse_args().size):
        print(row)
