"""Random contacts and agent states with everything that can go wrong in them, from a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from ccstats.schema import AGENT_STATES, CLOSED_BY, CONTACTS, NOT_QUEUED, OUTCOMES, STATES

#: The clocks of Berlin go forward on 29 March 2026: three days around it.
START = pd.Timestamp("2026-03-28T00:00", tz="UTC")


def _pick(rng: np.random.Generator, words, n: int, missing: float = 0.0) -> pd.Series:
    values = pd.Series(rng.choice(np.array(list(words), dtype=object), n), dtype="str")
    return values.mask(rng.random(n) < missing)


def make_contacts(
    seed: int, n: int = 60, *, days: float = 3.0, outcomes: tuple[str, ...] = tuple(OUTCOMES), waits_known: bool = False
) -> pd.DataFrame:
    """Contacts of few queues, agents and customers; whole and half seconds, so that waits meet thresholds exactly."""
    rng = np.random.default_rng(seed)
    at = START + pd.to_timedelta(np.sort(rng.integers(0, int(days * 86400 * 2), n)) / 2, unit="s")
    contact = np.array([f"c{number}" for number in rng.integers(0, max(1, n * 3 // 4), n)], dtype=object)
    outcome = _pick(rng, outcomes, n)
    queued = ~outcome.isin(NOT_QUEUED).to_numpy()
    answered = (outcome == "answered").to_numpy()
    waits = rng.choice([0.0, 5.0, 5.5, 10.0, 20.0, 20.5, 60.0, 400.0, 90000.0], n, p=[0.1, 0.1, 0.1, 0.2, 0.2, 0.1, 0.1, 0.08, 0.02])

    def part(missing: float) -> np.ndarray:
        return np.where(answered & (rng.random(n) >= missing), rng.integers(0, 600, n) * (rng.random(n) < 0.8), np.nan)

    attempts = pd.Series(rng.integers(0, 5, n), dtype="Int64")
    frame = pd.DataFrame(
        {
            "contact_id": contact,
            "visit": pd.Series(contact).groupby(contact).cumcount().to_numpy() + 1,
            "channel": _pick(rng, ("voice", "chat"), n),
            "direction": _pick(rng, ("inbound", "inbound", "inbound", "outbound"), n),
            "queue": _pick(rng, ("billing", "sales", "help"), n),
            "queued_at": pd.Series(at).where(queued),
            "outcome": outcome,
            "raw_outcome": outcome.str.upper(),
            "wait_s": np.where(queued & ((rng.random(n) < 0.95) | waits_known), waits, np.nan),
            "ring_s": np.nan,
            "talk_s": part(0.1),
            "hold_s": part(0.3),
            "wrap_s": part(0.5),
            "agent": _pick(rng, ("Ada", "Bo", "Cy"), n, 0.05).where(answered),
            "arrived_at": pd.Series(at - pd.to_timedelta(rng.integers(0, 100, n), unit="s")).mask(queued & (rng.random(n) < 0.1)),
            "transferred_to": _pick(rng, ("sales", "help", "600@internal"), n, 0.7).where(answered),
            "ended_by": _pick(rng, ("customer", "agent", "system", "unknown"), n, 0.2).where(answered),
            "customer": _pick(rng, [f"k{number}" for number in range(max(1, n // 5))], n, 0.1),
            "ring_attempts": attempts,
            "ring_noanswer": attempts // 2,
        }
    )
    return CONTACTS.conform(frame)


def make_agent_states(seed: int, *, days: float = 3.0, spans: int = 40) -> pd.DataFrame:
    """Contiguous spans of three agents, now and then logged out; zero-length spans included."""
    rng = np.random.default_rng(seed)
    rows = []
    for agent in ("Ada", "Bo", "Cy"):
        at = START + pd.Timedelta(seconds=int(rng.integers(0, 3600)))
        for _ in range(spans):
            state = str(rng.choice(STATES))
            end = at + pd.Timedelta(seconds=int(rng.choice([0, 20, 200, 3000, int(days * 86400 / spans * 2)])))
            paused, served = state == "pause", state in ("on_contact", "hold", "wrap", "reserved")
            rows.append(
                {
                    "agent": agent,
                    "started_at": at,
                    "ended_at": end,
                    "state": state,
                    "reason": str(rng.choice(["lunch", "training"])) if paused and rng.random() < 0.8 else None,
                    "queue": str(rng.choice(["billing", "sales", "help"])) if served else None,
                    "contact_id": f"c{rng.integers(0, 40)}" if served and rng.random() < 0.9 else None,
                    "closed_by": str(rng.choice(CLOSED_BY)),
                }
            )
            at = end + (pd.Timedelta(seconds=int(rng.integers(1, 7200))) if rng.random() < 0.1 else pd.Timedelta(0))
    return AGENT_STATES.conform(pd.DataFrame(rows).drop_duplicates(list(AGENT_STATES.key)))


@pytest.fixture(scope="session")
def contacts_of() -> Callable[..., pd.DataFrame]:
    return make_contacts


@pytest.fixture(scope="session")
def agent_states_of() -> Callable[..., pd.DataFrame]:
    return make_agent_states
