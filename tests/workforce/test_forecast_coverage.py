"""Do the limits hold what they say? Forecasts of two synthetic years beside what came, for fifty seeds in the exam and for few here.

The figures are printed by ``CCSTATS_EXAM=1 pytest -s tests/workforce/test_forecast_coverage.py``.
"""

from __future__ import annotations

import os

import pandas as pd
import pytest

import ccstats as cc
from ccstats.synthetic.histories import synthesize_history

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
SEEDS = max(2, round(50 * min(EXAM, 1.0)))
METHODS = ["auto", "profile"]
ORIGINS = 3 if SEEDS >= 50 else 1
#: Three points of what is said; of few seeds, whose days have their level in common, less can be asked.
SPARE = 0.03 if SEEDS >= 50 else 0.08


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    """Scores of each seed: by queue, model and period, over four weeks from each of three origins."""
    parts = []
    for seed in range(SEEDS):
        table = synthesize_history(seed=seed)[0]
        scores = cc.backtest_forecast(table, horizon="28D", origins=ORIGINS, step="35D", methods=METHODS, holidays="DE")
        parts.append(scores[scores["horizon"] == "all"].assign(seed=seed))
    made = pd.concat(parts, ignore_index=True)
    print(f"\n{SEEDS} seeds, means over queues and seeds, and standard errors over seeds")  # noqa: T201 - asked for with -s
    columns = ["coverage_80", "coverage_95", "wape", "bias"]
    by_seed = made.groupby(["model", "period", "seed"])[columns].mean().groupby(["model", "period"])
    print(pd.concat({"mean": by_seed.mean(), "standard error": by_seed.sem()}, axis=1).round(4).to_string())  # noqa: T201
    return made


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("period", ["interval", "day"])
def test_limits_hold_what_they_say(found: pd.DataFrame, method: str, period: str) -> None:
    mine = found[(found["model"] == method) & (found["period"] == period)]
    assert len(mine) == 2 * SEEDS
    for share in (80, 95):
        assert mine[f"coverage_{share}"].mean() == pytest.approx(share / 100, abs=SPARE)


@pytest.mark.parametrize("method", METHODS)
def test_forecasts_are_close_and_lean_to_no_side(found: pd.DataFrame, method: str) -> None:
    mine = found[found["model"] == method]
    assert abs(mine["bias"].mean()) < SPARE
    assert mine.loc[mine["period"] == "day", "wape"].mean() < 0.08
