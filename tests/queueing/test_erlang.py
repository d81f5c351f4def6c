"""Erlang B, C, A and finite lines against reference numbers, known traps, and what must hold in any queue."""

from __future__ import annotations

import math

import numpy as np
import pytest
from erlang_reference import MODELS, Row, all_rows, rows

from ccstats.errors import OptionError
from ccstats.queueing import erlang

#: Definitions by the names of the reference file.
LEVELS = {
    "sl": "service_level",
    "service_level": "service_level",
    "sl_offered": "service_level",
    "sl_answered": "sl_answered_only",
    "sl_excl_short": "sl_excl_early_abandoned",
    "sl_wait": "sl_early_abandoned_met",
    "sl_virtual": "sl_virtual",
}
TARGETS = {"asa": "max_mean_wait_s", "abandon": "max_abandonment_rate", "occ": "max_occupancy", "block": "max_blocking_rate"}


def answer(row: Row) -> float:
    """What ccstats says to the question of a row."""
    queue = {"aht_s": row.aht_s}
    if not math.isnan(row.patience_s):
        queue["patience_s"] = row.patience_s
    if not math.isnan(row.lines):
        queue["lines"] = row.lines
    of = (row.agents, row.load)
    level = {"target_service_level": None, **{TARGETS.get(name, name): value for name, value in row.asked.items()}}
    for name in [each for each in level if each in LEVELS]:
        level |= {"target_service_level": level.pop(name), "threshold_s": row.threshold_s, "definition": LEVELS[name]}
    match row.metric:
        case "prob_block":
            return erlang.erlang_b(*of) if row.model == "B" else erlang.blocking_rate(*of, **queue)
        case "prob_wait" | "prob_wait_offered":
            return erlang.wait_probability(*of, **queue)
        case "prob_no_wait":
            return 1 - erlang.erlang_c(*of)
        case "prob_abandon" | "prob_abandon_offered":
            return erlang.abandonment_rate(*of, **queue)
        case "occupancy":
            return erlang.occupancy(*of, **queue)
        case "mean_queue":
            return erlang.mean_queue(*of, **queue)
        case "mean_wait_s" | "mean_wait_admitted_s":
            return erlang.mean_wait_s(*of, **queue)
        case "mean_wait_served_s":
            return erlang.mean_wait_s(*of, **queue, of="answered")
        case "mean_wait_abandoned_s":
            return erlang.mean_wait_s(*of, **queue, of="abandoned")
        case "wait_quantile_s":
            return erlang.wait_quantile_s(*of, **queue, q=row.asked["p"])
        case "state_prob":  # the law of the number in the system, from two neighbouring sizes: full at j places against full at j + 1
            return state_probability(row, int(row.asked["j"]))
        case "servers":
            return erlang.lines_required(row.load, max_blocking_rate=row.asked["block"], fractional=True)
        case "required_agents":
            shrinkage = level.pop("shrinkage", 0.0)
            return math.ceil(erlang.agents_required(row.load, **queue, **level) / (1 - shrinkage) - 1e-9)
        case "max_load":
            return erlang.max_load(row.agents, **queue, **level)
        case "max_arrivals_per_hour":
            return erlang.max_load(row.agents, **queue, **level) / row.aht_s * 3600
    assert row.metric in LEVELS, f"{row}: nobody answers this"
    return erlang.service_level(*of, **queue, threshold_s=row.threshold_s, definition=LEVELS[row.metric])


def state_probability(row: Row, j: int) -> float:
    """P(j in the system) of the row's queue: blocking at ``j`` lines, carried up to all its lines by the balance of flows."""
    at_j = erlang.blocking_rate(row.agents, row.load, lines=j, aht_s=row.aht_s, patience_s=row.patience_s)
    weight, more = 1.0, 0.0
    for k in range(j + 1, int(row.lines) + 1):
        weight *= row.load / (row.agents + (k - row.agents) * row.aht_s / row.patience_s)
        more += weight
    return at_j / (1 + at_j * more)


@pytest.mark.parametrize("model", MODELS["erlang"])
def test_reference(model: str, capsys: pytest.CaptureFixture[str], record_property) -> None:
    worst, missed = (0.0, None), []
    for row in rows((model,)):
        error = row.error(answer(row))
        if not error <= row.tolerance:
            missed.append(f"{row}: {answer(row)!r} is {error:.2e} from {row.value!r}, allowed {row.tolerance:.1e} ({row.source})")
        if row.digits and row.digits >= 15 and error >= worst[0]:
            worst = (error, row)
    record_property(f"worst relative error, {model}", worst[0])
    with capsys.disabled():
        print(f"\n{model}: worst relative error {worst[0]:.1e} ({worst[1]})")
    assert not missed, "\n".join(missed)


def test_erlang_reference_is_whole() -> None:
    every = all_rows()
    owners = [owner for row in every for owner, models in MODELS.items() if row.model in models]
    assert len(owners) == len(every) == 382
    assert sum(len(rows(owner)) for owner in MODELS) == len(every)
