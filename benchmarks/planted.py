"""Queues of which it is known what is the matter: stable ones, where nothing is, and centres with one planted deviation.

Everything is drawn from a seed and played through the compiled event simulation. The tables are those that `to_intervals` and
`to_agent_intervals` would make of the contacts; they are counted straight from the arrays, because a benchmark needs hundreds of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.queueing import erlang
from ccstats.queueing.simulation import Simulated, arrival_times, simulate_queue
from ccstats.schema import AGENT_INTERVALS, INTERVALS

LENGTH = 1800.0
DAY = 48
START = pd.Timestamp("2026-01-05", tz="UTC")  # a Monday
BASELINE_DAYS, JUDGED_DAYS, THRESHOLD = 28, 14, 20.0

#: The centres of the planted cases are open from Monday to Saturday, 8:00 to 20:00.
OPEN_DAYS, OPENS, CLOSES = 6, 16, 40
WEEK = OPEN_DAYS * (CLOSES - OPENS)
#: How much more or less comes on each weekday, and how much a whole day is higher or lower by chance (standard deviation of its factor).
WEEKDAYS = (1.25, 1.10, 1.00, 0.97, 1.00, 0.65)
DAY_SPREAD = 0.06

VOLUME, HANDLE, AGENTS = "volume +20 %", "handle time +15 %", "two agents missing"
#: The metric in which each kind of deviation is looked for.
KINDS = {VOLUME: "offered", HANDLE: "aht_s", AGENTS: "service_level"}
#: Open half-hours that a deviation lasts: from one interval to one week.
LENGTHS = {
    1: "1 interval",
    2: "2 intervals",
    4: "4 intervals",
    8: "8 intervals",
    16: "16 intervals",
    24: "1 day",
    72: "3 days",
    WEEK: "1 week",
}
#: Lengths that no detector can have been made for.
OTHER_LENGTHS = (3, 6, 11, 20, 40, 100)


class StableQueue(NamedTuple):
    """A queue in which nothing ever changes."""

    name: str
    offered: float  # an hour
    aht_s: float
    agents: int
    patience_s: float


STABLE = (
    StableQueue("60/h, 300 s, 8 agents, Erlang C", 60, 300, 8, np.inf),
    StableQueue("200/h, 240 s, 17 agents, Erlang C", 200, 240, 17, np.inf),
    StableQueue("200/h, 240 s, 16 agents, patience 180 s", 200, 240, 16, 180),
    StableQueue("1000/h, 300 s, 88 agents, patience 180 s", 1000, 300, 88, 180),
    StableQueue("1000/h, 300 s, 90 agents, Erlang C", 1000, 300, 90, np.inf),
)


class Case(NamedTuple):
    """A centre of one queue, and the truth about it; the arrays have one value for each row of ``intervals``."""

    intervals: pd.DataFrame
    agents: NDArray[np.int64]  # on duty
    occupied_s: NDArray[np.float64]  # all agents together
    open: NDArray[np.bool_]
    judged: NDArray[np.bool_]  # open, and after the days of the baseline
    planted: NDArray[np.bool_]  # the deviation is on
    after: NDArray[np.bool_]  # the next open interval, which may have to serve whom the deviation kept waiting
    kind: str  # empty: none
    length: int
    seed: int


def stable_intervals(queue: StableQueue, seed: int, *, days: int = 2 * BASELINE_DAYS) -> pd.DataFrame:
    """The `intervals` of a stable queue day and night, after a day in which it has filled."""
    rng = np.random.default_rng([seed, STABLE.index(queue)])
    steps = (days + 1) * DAY
    arrival = arrival_times(np.full(steps, queue.offered * LENGTH / 3600), interval_s=LENGTH, seed=rng)
    handle = rng.exponential(queue.aht_s, len(arrival))
    patience = rng.exponential(queue.patience_s, len(arrival)) if np.isfinite(queue.patience_s) else np.inf
    run = simulate_queue(arrival, handle, patience, agents=np.full(steps, queue.agents), interval_s=LENGTH)
    return count_intervals(queue.name, arrival, handle, run, steps).iloc[DAY:].reset_index(drop=True)


def planted_case(seed: int, *, kind: str = "", length: int = 0) -> Case:
    """A centre with a profile of weekday and time of day, staffed to 80 % in 20 s, and one deviation (or none) in its judged weeks.

    60 to 600 contacts an hour at the peak of an average day, 180 to 360 s each (exponential), a patience of 120 to 300 s (exponential),
    all log-uniform. Staffing is Erlang A for the expected demand of each half-hour, at least three; it does not know the day's factor. The
    deviation begins in a random open interval of the first judged week and lasts ``length`` open intervals, over the night where need be.
    """
    rng = np.random.default_rng([seed, 7_4])
    peak, aht, mean_patience = np.exp(rng.uniform(np.log([60.0, 180.0, 120.0]), np.log([600.0, 360.0, 300.0])))
    steps = (BASELINE_DAYS + JUDGED_DAYS) * DAY
    step, day = np.arange(steps) % DAY, np.arange(steps) // DAY
    at_work = (day % 7 < OPEN_DAYS) & (step >= OPENS) & (step < CLOSES)
    expected = np.where(at_work, peak * LENGTH / 3600 * _time_of_day(step) * np.append(WEEKDAYS, 0.0)[day % 7], 0.0)
    agents = np.zeros(steps, dtype=np.int64)
    load = expected[at_work] * aht / LENGTH
    agents[at_work] = np.maximum(
        3, erlang.agents_required(load, aht_s=aht, target_service_level=0.80, threshold_s=THRESHOLD, patience_s=mean_patience)
    )
    factor = np.exp(rng.normal(-(DAY_SPREAD**2) / 2, DAY_SPREAD, BASELINE_DAYS + JUDGED_DAYS))

    judged = at_work & (day >= BASELINE_DAYS)
    planted, after = np.zeros((2, steps), dtype=bool)
    begins = int(rng.integers(WEEK))
    if kind:
        ahead = np.flatnonzero(judged)[begins:]
        planted[ahead[:length]] = True
        after[ahead[length : length + 1]] = True
    volume, longer, missing = (np.where(planted & (kind == each), size, 0) for each, size in ((VOLUME, 0.20), (HANDLE, 0.15), (AGENTS, 2)))
    present = (agents - missing).astype(np.int64)
    arrival = arrival_times(expected * factor[day] * (1 + volume), interval_s=LENGTH, seed=rng)
    booked = (arrival / LENGTH).astype(np.int64)
    handle = rng.exponential(aht, len(arrival)) * (1 + longer[booked])
    run = simulate_queue(arrival, handle, rng.exponential(mean_patience, len(arrival)), agents=present, interval_s=LENGTH)
    table = count_intervals("centre", arrival, handle, run, steps)
    return Case(table, present, occupied_seconds(run, steps), at_work, judged, planted, after, kind, length, seed)


def planted_cases(count: int = 200, *, seed: int = 0, lengths: Sequence[int] = tuple(LENGTHS)) -> Iterator[Case]:
    """So many cases, kinds and lengths in turn, so that each length meets each kind."""
    for number in range(count):
        yield planted_case(seed + number, kind=list(KINDS)[number % len(KINDS)], length=lengths[number // len(KINDS) % len(lengths)])


def quiet_cases(count: int, *, seed: int = 0) -> Iterator[Case]:
    """As many centres of the same make in which nothing is the matter but the day's factor and chance."""
    for number in range(count):
        yield planted_case(seed + number)


def agent_intervals(case: Case) -> pd.DataFrame:
    """The `agent_intervals` of a case: everybody logged in on duty, the occupied time in equal parts."""
    row = np.repeat(np.arange(len(case.agents)), case.agents)
    number = np.arange(len(row)) - np.repeat(np.cumsum(case.agents) - case.agents, case.agents)
    occupied = np.minimum(case.occupied_s[row] / case.agents[row], LENGTH)
    names = pd.Categorical.from_codes(number, [f"agent-{each:03d}" for each in range(int(case.agents.max()))])
    columns: dict[str, Any] = {
        "agent": names,
        "interval_start": case.intervals["interval_start"].to_numpy()[row],
        "interval_s": LENGTH,
        "timezone": "UTC",
        "queue": "centre",
        "logged_in_s": LENGTH,
        **{f"{state}_s": 0.0 for state in ("reserved", "hold", "wrap", "pause", "other")},
        "available_s": LENGTH - occupied,
        "on_contact_s": occupied,
        "handled": pd.NA,
    }
    frame = pd.DataFrame(columns)
    frame["interval_start"] = pd.to_datetime(frame["interval_start"], utc=True)
    return AGENT_INTERVALS.conform(frame)


def _time_of_day(step: NDArray[np.int64]) -> NDArray[np.float64]:
    """The shape of a day with its peak of 1 in the morning and a lower one in the afternoon."""
    hour = (step + 0.5) / 2
    return 0.25 + 0.75 * np.maximum(np.exp(-(((hour - 10.5) / 1.8) ** 2)), 0.75 * np.exp(-(((hour - 15.5) / 2.4) ** 2)))


def count_intervals(queue: str, arrival: NDArray[np.float64], handle: NDArray[np.float64], run: Simulated, steps: int) -> pd.DataFrame:
    """Counts and sums by the half-hour in which the contact joined the queue."""
    step = (arrival / LENGTH).astype(np.int64)
    answered = ~np.isnan(run.start_s)
    waited = np.nan_to_num(run.wait_s)

    def count(chosen: Any) -> NDArray[np.int64]:
        return np.bincount(step[chosen], minlength=steps)

    def total(seconds: Any, chosen: Any) -> NDArray[np.float64]:
        return np.bincount(step[chosen], weights=seconds[chosen], minlength=steps)

    longest = np.full(steps, -1.0)
    np.maximum.at(longest, step, waited)
    within = run.wait_s <= THRESHOLD
    return INTERVALS.conform(
        pd.DataFrame(
            {
                "queue": queue,
                "interval_start": START + pd.to_timedelta(np.arange(steps) * LENGTH, unit="s"),
                "interval_s": LENGTH,
                "timezone": "UTC",
                "threshold_s": THRESHOLD,
                "short_s": np.nan,
                "attribute_by": "queued",
                "offered": np.bincount(step, minlength=steps),
                "answered": count(answered),
                "abandoned": count(run.abandoned),
                "answered_within": count(answered & within),
                "abandoned_within": count(run.abandoned & within),
                "reached_threshold": count(~within),
                "open": count(~answered & ~run.abandoned),
                **dict.fromkeys(("abandoned_short", "callback_within", "flowed_out", "callbacks", "lost", "unknown"), 0),
                **dict.fromkeys(("blocked", "ivr_abandoned", "hold_known", "wrap_known"), 0),
                "total_wait_s": total(waited, answered),
                "total_abandon_wait_s": total(waited, run.abandoned),
                "total_talk_s": total(handle, answered),
                "total_hold_s": np.nan,
                "total_wrap_s": np.nan,
                "talk_known": count(answered),
                "max_wait_s": np.where(longest < 0, np.nan, longest),
            }
        )
    )


def occupied_seconds(run: Simulated, steps: int) -> NDArray[np.float64]:
    """Seconds of contact in each half-hour."""
    answered = ~np.isnan(run.start_s)
    edges = np.arange(steps + 1) * LENGTH

    def until(moments: NDArray[np.float64]) -> NDArray[np.float64]:
        """For each edge, the seconds from those of the moments before it to it."""
        ordered = np.sort(moments)
        before = np.searchsorted(ordered, edges)
        return before * edges - np.append(0.0, np.cumsum(ordered))[before]

    return np.diff(until(run.start_s[answered]) - until(run.end_s[answered]))
