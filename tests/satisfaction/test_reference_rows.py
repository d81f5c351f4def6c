"""Rows of the reference cases on satisfaction and service: figures worked by hand, or found elsewhere."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ccstats as cc
from ccstats.satisfaction.score_intervals import net_standard_error
from ccstats.schema import CONTACTS

REFERENCE = Path(__file__).parents[1] / "reference"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = rows_of(REFERENCE / "satisfaction_cases.csv")


def answered(at: pd.Series, **more: object) -> pd.DataFrame:
    frame = {"contact_id": [f"c{number}" for number in range(len(at))], "visit": 1, "channel": "voice", "direction": "inbound"}
    return pd.DataFrame(frame | {"queue": "help", "queued_at": at, "outcome": "answered", "raw_outcome": "", "agent": "Ada"} | more)


def fcr(quantity: str) -> float:
    calls = pd.read_csv(REFERENCE / "spc_data" / "fcr_calls.csv")
    times = dict.fromkeys(("ring_s", "talk_s", "hold_s", "wrap_s"), np.nan)
    at = pd.to_datetime(calls["t"], utc=True)
    contacts = CONTACTS.conform(answered(at, wait_s=0.0, customer=calls["caller"].astype("str"), **times))
    days = float(re.match(r"(\d)-day", quantity)[1])  # type: ignore[index]
    end = pd.Timestamp("2026-04-01" if "full follow-up" in quantity else "2027-01-01", tz="UTC")
    observed = (pd.Timestamp("2026-01-01", tz="UTC"), end)
    found = cc.measure_resolution(contacts, window_days=days, key="customer", observed=observed).iloc[0]
    assert found["contacts"] == (6 if "full follow-up" in quantity else 7)
    return float(found["not_followed_rate"])


def boundary() -> dict[str, float]:
    """Five answered, one of them at the very threshold, and three abandoned, one of them before it."""
    waits = [5.0, 8.0, 10.0, 15.0, 20.0, 4.0, 12.0, 30.0]
    at = pd.Series(pd.Timestamp("2026-03-02 09:00", tz="UTC")).repeat(8).reset_index(drop=True)
    times = dict.fromkeys(("ring_s", "talk_s", "hold_s", "wrap_s"), np.nan)
    contacts = CONTACTS.conform(answered(at, wait_s=waits, **times).assign(outcome=["answered"] * 5 + ["abandoned"] * 3))
    level = cc.measure_service(cc.to_intervals(contacts, threshold_s=10)).iloc[0]
    strict = cc.measure_service(cc.to_intervals(contacts, threshold_s=10, inclusive=False)).iloc[0]
    within = int(level["answered_within"])
    late = int(level["abandoned"] - level["abandoned_within"])
    return {
        "ans<=T/ans": level["sl_answered_only"],
        "ans<T/ans": strict["sl_answered_only"],
        "ans<=T/offered": level["service_level"],
        "(ans<=T+ab<=T)/offered": level["sl_early_abandoned_met"],
        "ans<=T/(offered-ab<=T)": level["sl_excl_early_abandoned"],
        "ans<=T/(ans+ab>T)": within / (level["answered"] + late),
    }


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['case']}: {row['quantity']}" for row in ROWS])
def test_row(row: dict[str, str]) -> None:
    if row["case"] == "sl_boundary":
        for told in row["recomputed"].split("; "):
            name, _, value = told.rpartition("=")
            assert round(boundary()[name], 4) == float(value), name
        return
    found = {"fcr_hand": fcr, "nps_whuber": nps}[row["case"]](row["quantity"])
    assert found == pytest.approx(float(row["expected"]), abs=float(row["tolerance"])) or found == pytest.approx(
        float(row["recomputed"]), rel=1e-6
    )


def nps(quantity: str) -> float:
    promoters, detractors, size = 162.0, 54.0, 324.0
    error = net_standard_error(promoters, detractors, size)
    return float(error if "s.e." in quantity else size * (error / 100) ** 2)


@pytest.mark.shared
def test_copy_is_the_shared_one(shared: Path) -> None:
    theirs = [row for row in rows_of(shared / "reference" / "spc_cases.csv") if row["use"].startswith("satisfaction")]
    assert theirs == ROWS
    assert rows_of(shared / "reference" / "spc_data" / "fcr_calls.csv") == rows_of(REFERENCE / "spc_data" / "fcr_calls.csv")
