"""Contacts of few customers, made to come again, from a seed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ccstats.schema import CONTACTS, NOT_QUEUED

START = pd.Timestamp("2025-03-28T00:00Z")
LATE = (START - pd.Timedelta(days=90), START + pd.Timedelta(days=90))


def calls(customers: list[str | None], *, days: list[float] | None = None, **more: object) -> pd.DataFrame:
    """One answered visit a customer named, an hour or the days given apart."""
    size = len(customers)
    at = pd.Series([START + pd.Timedelta(days=day) for day in (days if days is not None else [hour / 24 for hour in range(size)])])
    frame = pd.DataFrame(
        {
            "contact_id": [f"c{number:03d}" for number in range(size)],
            "visit": 1,
            "direction": "inbound",
            "queued_at": at if size else pd.Series([], dtype="datetime64[us, UTC]"),
            "outcome": "answered",
            "wait_s": 0.0,
            "talk_s": 0.0,
            "queue": "help",
            "agent": "Ada",
            "customer": pd.array(customers, dtype="str"),
        }
        | more
    )
    return CONTACTS.conform(frame)


def random_calls(seed: int, size: int, *, days: float = 20.0) -> pd.DataFrame:
    """Visits of few customers: transfers, equal instants, abandons, callers without a number, two directions, missing reasons."""
    rng = np.random.default_rng(seed)
    pick = rng.choice
    contact = np.array([f"c{number}" for number in rng.integers(0, max(1, size * 4 // 5), size)], dtype=object)
    at = pd.Series(START + pd.to_timedelta(np.sort(rng.integers(0, int(days * 24), size)) * 3600, unit="s"))
    who = pd.Series(pick(["k1", "k2", "k3", "k4", "k5"], size), dtype="str")
    frame = pd.DataFrame(
        {
            "contact_id": contact,
            "visit": pd.Series(contact, dtype=object).groupby(contact).cumcount().to_numpy() + 1,
            "direction": pick(["inbound", "inbound", "inbound", "outbound"], size),
            "queued_at": at.mask(rng.random(size) < 0.05),
            "outcome": pick(["answered", "answered", "answered", "abandoned", "timed_out", "open", "blocked_full"], size),
            "wait_s": np.where(rng.random(size) < 0.9, pick([0.0, 10.0, 3600.0, 90000.0], size), np.nan),
            "talk_s": np.where(rng.random(size) < 0.8, pick([0.0, 60.0, 7200.0], size), np.nan),
            "queue": pick(["help", "sales"], size),
            "agent": pick(["Ada", "Bo"], size),
            "customer": who.mask(rng.random(size) < 0.1),
            "reason": pd.Series(pick(["bill", "move"], size), dtype="str").mask(rng.random(size) < 0.2),
            "done": rng.random(size) < 0.7,
        }
    )
    # one contact is of one customer
    frame["customer"] = frame.groupby("contact_id")["customer"].transform("first").astype("str")
    return CONTACTS.conform(frame).reset_index(drop=True)


def contacts_of(frame: pd.DataFrame, direction: str | None) -> list[dict]:
    """Visits joined by hand."""
    out: dict[str, dict] = {}
    for visit in sorted(frame.to_dict("records"), key=lambda row: (row["contact_id"], row["visit"])):
        if visit["outcome"] in NOT_QUEUED or pd.isna(visit["queued_at"]) or (direction and visit["direction"] != direction):
            continue
        lasted = sum(value for name in ("wait_s", "talk_s", "hold_s") if name in visit and not math.isnan(value := visit[name]))
        over = visit["queued_at"] + pd.Timedelta(seconds=lasted)
        one = out.setdefault(visit["contact_id"], {"begun": visit["queued_at"], "over": over, "answered": False, "done": False, **visit})
        one["begun"], one["over"] = min(one["begun"], visit["queued_at"]), max(one["over"], over)
        one["done"] = one["done"] or bool(visit["done"])
        if not one["answered"]:  # the first answered visit stands for the contact, else the last
            one |= {name: visit[name] for name in ("customer", "reason", "queue", "agent")}
            one["answered"] = visit["outcome"] == "answered"
    return list(out.values())
