"""What simulated contacts bring with them: when they come, how long they take, how long they wait. Each kind has a stream of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.queueing.survival import kaplan_meier
from ccstats.schema import CONTACTS

#: Mean, or law, of the patience of a queue.
Patience = float | np.ndarray | pd.Series | pd.DataFrame | Callable[[np.random.Generator, int], np.ndarray]

_HANDLE = ("exponential", "lognormal", "deterministic")


def draw_arrivals(
    expected: np.ndarray, start_s: np.ndarray, length_s: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The interval and the instant [s] of every contact, in time: Poisson with a rate constant within each interval."""
    interval = np.repeat(np.arange(len(expected)), rng.poisson(expected))
    at = start_s[interval] + rng.random(len(interval)) * length_s[interval]
    order = np.argsort(at, kind="stable")
    return interval[order], at[order]


def draw_handle(
    law: Any, queue: str, mean_s: np.ndarray, *, cv: float, wrap_share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Talk, hold and wrap-up of every contact [s]; the hold is missing where ``law`` knows none."""
    size = len(mean_s)
    if isinstance(law, pd.DataFrame):
        CONTACTS.check(law, columns=["queue", "outcome", "talk_s", "hold_s", "wrap_s"], keys=False)
        known = law[(law["queue"] == queue) & (law["outcome"] == "answered")]
        parts = known[["talk_s", "hold_s", "wrap_s"]].to_numpy(dtype="float64", na_value=np.nan)
        logged = ~np.isnan(parts).all(axis=0)  # a part that the source never logs takes no time
        parts = parts[~np.isnan(parts[:, logged]).any(axis=1)]
        if size and not (logged[0] and len(parts)):
            raise OptionError(f"handle=: the contacts have no answered row of queue {queue!r} whose talk, hold and wrap-up are all known")
        talk, hold, wrap = parts[rng.integers(0, max(len(parts), 1), size)].T if size else np.zeros((3, 0))
        return talk, hold, wrap
    if callable(law):
        handle = np.asarray(law(rng, mean_s), dtype="float64")
        if handle.shape != mean_s.shape or not (handle >= 0).all():
            raise OptionError(f"handle=: the function gave shape {handle.shape} or negative times; expected {mean_s.shape}, none negative")
    elif law == "exponential":
        handle = mean_s * rng.standard_exponential(size)
    elif law == "lognormal":
        sigma2 = np.log1p(cv**2)
        handle = mean_s * rng.lognormal(-sigma2 / 2, np.sqrt(sigma2), size)
    elif law == "deterministic":
        handle = mean_s.copy()
    else:
        raise OptionError(f"handle={law!r}: expected {', '.join(_HANDLE)}, a table of contacts, or a function of a generator and the means")
    return handle * (1 - wrap_share), np.full(size, np.nan), handle * wrap_share


def draw_patience(law: Any, queue: str, size: int, attempts: int, rng: np.random.Generator) -> np.ndarray:
    """Patience [s] of every contact in every attempt: contacts × attempts."""
    if isinstance(law, Mapping):
        if queue not in law:
            raise OptionError(f"patience_s= has no queue {queue!r}; it has: {', '.join(map(repr, law))}")
        law = law[queue]
    shape = (attempts, size)  # the first attempts are drawn first, so that they stay when there can be more
    if callable(law):
        out = np.asarray(law(rng, attempts * size), dtype="float64").reshape(shape)
    elif isinstance(law, pd.DataFrame):
        out = _resample_censored(law, queue, rng.random(shape))
    elif np.ndim(law) == 1:
        values = np.asarray(law, dtype="float64")
        out = values[rng.integers(0, len(values), shape)] if len(values) else np.full(shape, np.nan)
    else:
        out = rng.standard_exponential(shape) * float(law)
    if not (out >= 0).all():
        raise OptionError("patience_s= must be a mean, a row of patiences, a table of contacts or a function that draws; none negative")
    return out.T


def _resample_censored(contacts: pd.DataFrame, queue: str, uniform: np.ndarray) -> np.ndarray:
    """Patience by the Kaplan–Meier curve of the queue; infinite for the share that outlasts the longest wait seen."""
    CONTACTS.check(contacts, columns=["queue", "outcome", "wait_s"], keys=False)
    seen = contacts[(contacts["queue"] == queue) & contacts["outcome"].isin(["answered", "abandoned"]) & contacts["wait_s"].notna()]
    if seen.empty:
        raise OptionError(f"patience_s=: the contacts have no answered or abandoned row of queue {queue!r}")
    curve = kaplan_meier(seen["wait_s"].to_numpy(dtype="float64"), (seen["outcome"] == "abandoned").to_numpy())
    # the first time at which no more than the drawn share is left
    place = np.searchsorted(-curve.survival, -uniform)
    return np.append(curve.time_s, np.inf)[place]
