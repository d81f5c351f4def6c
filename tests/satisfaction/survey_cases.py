"""Surveys and contacts of the tests: small ones by hand, and worlds in which the truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from ccstats.schema import CONTACTS, SURVEYS

BASE = pd.Timestamp("2024-03-04T00:00:00Z")
LATER = BASE + pd.Timedelta("1h")


def surveys_of(scores, *, instrument="csat", scale=(1, 5), polarity="higher_is_better", prefix="r", **columns):
    """One survey a score; None is no answer."""
    ids = [f"{prefix}{number}" for number in range(len(scores))]
    frame = pd.DataFrame({"response_id": ids, "contact_id": ids, "instrument": instrument, "score": pd.array(scores, dtype="Float64")})
    frame = frame.assign(scale_min=float(scale[0]), scale_max=float(scale[1]), polarity=polarity, invited_at=BASE, responded_at=LATER)
    frame["score"] = frame["score"].astype("float64")
    for name, values in columns.items():
        frame[name] = values
    return SURVEYS.conform(frame)


def contacts_of(count, **columns):
    """One answered visit a contact, an hour apart, with ids like those of `surveys_of`."""
    frame = pd.DataFrame({"contact_id": [f"r{number}" for number in range(count)], "visit": 1})
    frame["queued_at"] = BASE + pd.to_timedelta(np.arange(count), unit="h")
    frame = frame.assign(outcome="answered", queue="sales", agent="a", wait_s=10.0, customer=[f"c{number}" for number in range(count)])
    for name, values in columns.items():
        frame[name] = values
    frame["queued_at"] = pd.DatetimeIndex(frame["queued_at"]).as_unit("us")
    wanted = [*CONTACTS.names(required=True)]
    for name in wanted:
        if name not in frame:
            frame[name] = None
    return CONTACTS.conform(frame)


def world(seed, *, count=2500, kind="straight", odds=1.0):
    """Contacts and their surveys where satisfaction and answering both depend on wait, queue and hour; and the true CSAT.

    ``odds`` is how much likelier the unhappy answer than the happy among contacts that are alike.
    """
    rng = np.random.default_rng(seed)
    hour = rng.choice(np.arange(8, 20), count, p=np.array([1, 2, 3, 3, 2, 1.5, 2, 2, 1.5, 1, 1, 1]) / 21)
    queue = rng.choice(3, count, p=[0.5, 0.3, 0.2])
    wait = np.where(rng.random(count) < 0.25, 0.0, rng.exponential(60 + 60 * ((hour >= 10) & (hour <= 12)) + 30 * queue))
    late = hour >= 17
    if kind == "straight":
        happy = 1.6 - 0.012 * wait - np.array([0, 0.5, 1])[queue] - 0.8 * late
        answers = -1.3 + 0.006 * wait + np.array([0, 0.5, -0.6])[queue] + 0.6 * late
    elif kind == "curved":
        happy = 1.2 - 0.5 * np.log1p(wait / 10) - 0.5 * queue + np.sin(hour / 3)
        answers = -1.5 + 0.3 * np.log1p(wait / 10) - 0.3 * queue + 0.5 * np.sin(hour / 3) + 0.3 * (queue == 1) * late
    else:  # steps
        happy = 2.0 - 1.6 * (wait > 60) - 0.004 * wait * queue
        answers = -2.2 + 1.2 * (wait > 60) + 0.5 * (queue == 2) - 0.5 * (hour < 10)
    is_happy = rng.random(count) < expit(happy)
    answered = rng.random(count) < expit(answers + np.log(odds) * ~is_happy)
    day = rng.integers(0, 25, count)
    calls = contacts_of(
        count,
        wait_s=wait,
        queue=np.array(["a", "b", "c"])[queue],
        queued_at=BASE + pd.to_timedelta(day * 24 + hour, unit="h"),
    )
    score = np.where(is_happy, rng.choice([4.0, 5.0], count), rng.choice([1.0, 2.0, 3.0], count))
    ids = [f"r{number}" for number in range(count)]
    table = pd.DataFrame({"response_id": ids, "contact_id": ids, "instrument": "csat", "score": np.where(answered, score, np.nan)})
    table = table.assign(scale_min=1.0, scale_max=5.0, polarity="higher_is_better", invited_at=BASE, responded_at=LATER)
    return SURVEYS.conform(table), calls, float(expit(happy).mean())
