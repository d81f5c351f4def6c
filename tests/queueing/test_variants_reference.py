"""Every row of the reference numbers that belongs to the variants; none is skipped."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from erlang_reference import MODELS, Row, rows

from ccstats.queueing.chat import chat_queue
from ccstats.queueing.general_patience import impatient_queue
from ccstats.queueing.limits import garnett, halfin_whitt
from ccstats.queueing.random_rate import rate_points
from ccstats.queueing.retrials import retrial_load
from ccstats.queueing.time_varying_load import sinusoidal_load

#: The three points of A-mix3: of 8 widths, 12 sets of weights and both ways of averaging, these alone give the digits of all rows.
THREE = rate_points([0.8, 1.0, 1.2], [0.25, 0.5, 0.25])
FIELDS = {"sl_offered": "service_level", "prob_abandon": "abandonment_rate", "prob_wait": "wait_probability"}


def impatient(row: Row, **more: object) -> float:
    threshold = 0.0 if np.isnan(row.threshold_s) else row.threshold_s
    queue = impatient_queue(row.agents, row.load, aht_s=row.aht_s, patience=row.patience_s, threshold_s=threshold, **more)
    return float(getattr(queue, FIELDS[row.metric]))


def retrials(row: Row) -> float:
    if row.metric == "inflated_load":
        return float(retrial_load(row.agents, row.load, aht_s=row.aht_s, patience=row.patience_s, retry_share=row.asked["r"]))
    return impatient(row, retry_share=row.asked["r"])


def chat(row: Row) -> float:
    answer = chat_queue(row.agents, row.load, aht_s=[row.asked[f"aht{level}"] for level in (1, 2, 3)])
    return float(answer.mean_in_system if row.metric == "mean_in_system" else getattr(answer.queue, FIELDS[row.metric]))


def time_varying(row: Row) -> float:
    asked = row.asked
    return float(sinusoidal_load(asked["t_s"], row.load, amplitude=asked["rel"], period_s=asked["period_s"], aht_s=row.aht_s))


ANSWERS = {
    "A+retry": retrials,
    "A-mix3": partial(impatient, rate=THREE),
    "MtMinf": time_varying,
    "chat": chat,
    "HW": lambda row: float(halfin_whitt(row.asked["beta"])),
    "GMR": lambda row: float(garnett(row.asked["beta"], row.patience_s / row.aht_s)),
}


def test_no_model_is_left_out() -> None:
    assert set(ANSWERS) == set(MODELS["variants"])


@pytest.mark.parametrize("model", MODELS["variants"])
def test_every_row(model: str) -> None:
    errors = {str(row): (row.error(ANSWERS[model](row)), row) for row in rows((model,))}
    assert errors
    worst = max(error for error, row in errors.values() if row.digits and row.digits > 9)
    print(f"{model}: {len(errors)} rows, worst relative error {worst:.1e}")  # noqa: T201
    missed = {name: error for name, (error, row) in errors.items() if not error <= row.tolerance}
    assert not missed
    assert worst < 1e-12
