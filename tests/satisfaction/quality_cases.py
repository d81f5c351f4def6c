"""Evaluations made from a seed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccstats.schema import EVALUATIONS

START = pd.Timestamp("2025-03-28T00:00Z")
ITEMS = {"greeting": (1.0, 2.0), "solution": (4.0, 4.0), "privacy": (2.0, 2.0)}


def forms(rows: list[dict]) -> pd.DataFrame:
    """Evaluations from a list of items; what is not said is as it mostly is."""
    usual = {
        "contact_id": "c",
        "agent": "Ada",
        "assessor": "Q",
        "evaluated_at": START,
        "item": "all",
        "weight": 1.0,
        "max_points": 10.0,
        "critical_error": False,
        "auto_fail": False,
    }
    return EVALUATIONS.conform(pd.DataFrame([usual | row for row in rows]))


def random_forms(seed: int, count: int) -> pd.DataFrame:
    """Evaluations of few agents and contacts by three assessors, with everything that a form can hold."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        contact = None if rng.random() < 0.1 else f"c{rng.integers(0, max(1, count // 2))}"
        head = {
            "evaluation_id": f"E{number}",
            "contact_id": contact,
            "agent": str(rng.choice(["Ada", "Bo", "Cy"])),
            "assessor": str(rng.choice(["P", "Q", "R"])),
            "evaluated_at": START + pd.Timedelta(hours=int(rng.integers(0, 24 * 20))),
        }
        for item, (weight, most) in ITEMS.items():
            error = bool(rng.random() < 0.1)
            rows.append(
                head
                | {
                    "item": item,
                    "weight": weight,
                    "max_points": most,
                    "points": np.nan if rng.random() < 0.2 else float(rng.integers(0, int(most) + 1)),
                    "critical_error": error,
                    "auto_fail": error and bool(rng.random() < 0.5),
                    "error_class": str(rng.choice(["customer", "compliance"])) if error else None,
                }
            )
    frame = pd.DataFrame(rows)
    return EVALUATIONS.conform(frame.astype({"contact_id": "str"}))
