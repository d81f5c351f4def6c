"""The search of `ccstats.workforce.multiskill` for one interval: simulated levels, bounds by formula, agents added and taken away."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from ccstats.errors import OptionError
from ccstats.queueing.erlang import agents_required
from ccstats.queueing.network import Staff, simulate_network
from ccstats.queueing.replications import Replications, random_stream, replicate

__all__ = ["Answer", "Asked", "solve"]

Levels = np.ndarray
Slack = Callable[[tuple[float, ...]], float]

#: Share of a run that is left out because it begins empty.
_WARM_UP = 0.1
#: A queue has at least this share of the contacts that are simulated, as far as a run ten times as long allows.
_LEAST_SHARE = 0.1


@dataclass(frozen=True)
class Asked:
    """What is the same for all intervals; arrays by queue or by group."""

    queues: list[str]
    groups: list[str]
    likes: np.ndarray
    opens: np.ndarray
    priority: np.ndarray
    target: np.ndarray
    threshold_s: np.ndarray
    patience_s: np.ndarray
    cost: np.ndarray
    most: np.ndarray
    contacts: int
    replications: int
    confidence: float
    seed: int


@dataclass(frozen=True)
class Answer:
    """The agents of each group, and what each queue gets."""

    agents: np.ndarray
    pooled: float
    separate: np.ndarray
    level: np.ndarray
    low: np.ndarray
    high: np.ndarray
    met: np.ndarray


def _simulated(asked: Asked, rate: np.ndarray, aht_s: np.ndarray, seed: np.random.SeedSequence) -> Callable[[np.ndarray], Levels]:
    """The service level of each queue as a function of the agents of each group; every call meets the same contacts."""
    here = rate > 0
    least = _LEAST_SHARE * asked.contacts / rate[here].min()
    span = min(max(asked.contacts / rate.sum(), least), 10 * asked.contacts / rate.sum())
    drawn = [random_stream(seed, f"arrivals of {queue}").poisson(r * span) for queue, r in zip(asked.queues, rate, strict=True)]
    queue = np.repeat(np.arange(len(drawn)), drawn)

    def each(kind: str, draw: Callable[[np.random.Generator, int], np.ndarray]) -> np.ndarray:
        return np.concatenate([draw(random_stream(seed, f"{kind} of {q}"), n) for q, n in zip(asked.queues, drawn, strict=True)])

    arrival = each("instant", lambda rng, n: rng.uniform(0, span, n))
    order = np.argsort(arrival)
    handle = each("handle", lambda rng, n: rng.standard_exponential(n)) * aht_s[queue]
    patience = each("patience", lambda rng, n: rng.standard_exponential(n)) * asked.patience_s[queue]
    queue, arrival, handle, patience = queue[order], arrival[order], handle[order], patience[order]
    late = arrival >= _WARM_UP * span
    offered = np.bincount(queue[late], minlength=len(drawn))

    def levels(agents: np.ndarray) -> Levels:
        group = np.repeat(np.arange(len(agents)), agents.astype("int64"))
        everybody = np.arange(len(group))
        staff = Staff(group, everybody, np.zeros(len(group)), np.full(len(group), 1e3 * span))
        run = simulate_network(
            queue, arrival, handle, patience, staff=staff, preference=asked.likes, opens_s=asked.opens, priority=asked.priority
        )
        quick = late & (run.outcome == 1) & (run.wait_s <= asked.threshold_s[queue])
        with np.errstate(invalid="ignore"):
            return np.bincount(queue[quick], minlength=len(drawn)) / offered

    return levels


def _bounds(asked: Asked, rate: np.ndarray, aht_s: np.ndarray) -> tuple[float, np.ndarray]:
    """Agents of one queue in which everybody serves everything, and of each queue alone, by formula."""
    loads, here = rate * aht_s, rate > 0
    separate = np.zeros(len(rate))
    for q in np.flatnonzero(here):
        separate[q] = agents_required(
            float(loads[q]),
            aht_s=float(aht_s[q]),
            target_service_level=float(asked.target[q]),
            threshold_s=float(asked.threshold_s[q]),
            patience_s=float(asked.patience_s[q]),
        )
    pooled = agents_required(
        float(loads.sum()),
        aht_s=float(loads.sum() / rate.sum()),
        target_service_level=float(asked.target[here].min()),
        threshold_s=float(asked.threshold_s[here].max()),
        patience_s=float(rate.sum() / (rate / asked.patience_s).sum()) if np.isfinite(asked.patience_s[here]).any() else np.inf,
    )
    return float(pooled), separate


def solve(asked: Asked, rate: np.ndarray, aht_s: np.ndarray) -> Answer:
    """The agents of each group that serve contacts of these rates [1/s] and handle times, by queue."""
    here = rate > 0
    nobody = np.zeros(len(asked.groups))
    if not here.any():
        missing = np.full(len(rate), np.nan)
        return Answer(nobody, 0.0, np.zeros(len(rate)), missing, missing, missing, np.ones(len(rate), dtype=bool))
    serves = asked.likes > 0
    unserved = [asked.queues[q] for q in np.flatnonzero(here & ~serves.any(axis=0))]
    if unserved:
        raise OptionError(f"skills=: no group serves {unserved}, which have contacts")
    pooled, separate = _bounds(asked, rate, aht_s)
    search, judge = np.random.SeedSequence(asked.seed).spawn(2)
    levels = _simulated(asked, rate, aht_s, search)

    def worst(levels: Levels) -> float:
        """By how much the worst queue exceeds its target."""
        return float((levels - asked.target)[here].min())

    @cache
    def slack(agents: tuple[float, ...]) -> float:
        return worst(levels(np.array(agents)))

    @cache
    def judged(agents: tuple[float, ...]) -> Replications:
        def run(seed: np.random.SeedSequence) -> dict[str, float]:
            return dict(zip(asked.queues, _simulated(asked, rate, aht_s, seed)(np.array(agents)).tolist(), strict=True))

        return replicate(run, seed=int(judge.generate_state(1)[0]), replications=asked.replications, confidence=asked.confidence)

    def judged_slack(agents: tuple[float, ...]) -> float:
        return worst(_in_order(asked, judged(agents).mean))

    starts = [_start(asked, separate, most_flexible) for most_flexible in (False, True)]
    # the formula vouches for queues apart, where there are enough agents and each of them serves one queue only
    apart = [each for each in starts[:1] if each.sum() >= separate.sum() and (serves[each > 0][:, here].sum(axis=1) == 1).all()]
    found = []
    for start in starts:
        enough = start if any(start is each for each in apart) else _add(asked, start, slack, limit=separate.sum())
        found.append(_add(asked, _take_away(asked, enough, slack, pooled), judged_slack, limit=separate.sum()))
    holds = [judged_slack(tuple(each)) >= 0 for each in found]
    candidates = [each for each, met in zip(found, holds, strict=True) if met] + apart or found
    agents = min(candidates, key=lambda each: (round(asked.cost @ each, 6), tuple(each)))
    runs = judged(tuple(agents))
    level = _in_order(asked, runs.mean)
    low, high = (_in_order(asked, {name: ends[side] for name, ends in runs.interval.items()}) for side in (0, 1))
    met = ~here | (level >= asked.target) | any((agents == each).all() for each in apart)
    level, low, high = (np.where(here, each, np.nan) for each in (level, low, high))
    return Answer(agents, pooled, separate, level, low, high, met)


def _in_order(asked: Asked, by_queue: Mapping[str, float]) -> np.ndarray:
    return np.array([by_queue[queue] for queue in asked.queues])


def _start(asked: Asked, separate: np.ndarray, most_flexible: bool) -> np.ndarray:
    """The agents of each queue apart in the groups that prefer it most (or have most skills), as many as there can be."""
    agents = np.zeros(len(asked.groups))
    serves = asked.likes > 0
    for q, needed in enumerate(separate):
        homes = sorted(
            np.flatnonzero(serves[:, q]),
            key=lambda g: (-serves[g].sum(), asked.cost[g], g) if most_flexible else (serves[g].sum(), asked.likes[g, q], asked.cost[g], g),
        )
        for g in homes:
            taken = min(needed, asked.most[g] - agents[g])
            agents[g] += taken
            needed -= taken
    return agents


def _add(asked: Asked, agents: np.ndarray, slack: Slack, *, limit: float) -> np.ndarray:
    """Agents added where they help the worst queue most, until every target is met or nobody can be added."""
    now = slack(tuple(agents))
    while now < 0 and agents.sum() < 2 * limit + 10:
        moves = [agents + one for one in np.eye(len(agents)) if (agents + one <= asked.most).all()]
        if not moves:
            break
        tried = [(slack(tuple(move)), -asked.cost @ move) for move in moves]
        best = max(range(len(moves)), key=tried.__getitem__)
        agents, now = moves[best], tried[best][0]
    return agents


def _take_away(asked: Asked, agents: np.ndarray, slack: Slack, pooled: float) -> np.ndarray:
    """Agents taken away, or others put in their place, as long as every target stays met and the cost falls."""
    unit = np.eye(len(agents))
    singles = [-one for one in unit]
    swaps = [
        unit[new] - unit[list(old)].sum(axis=0)
        for count in (1, 2)
        for old in itertools.combinations_with_replacement(range(len(agents)), count)
        for new in range(len(agents))
        if new not in old
    ]
    step = 2.0 ** np.floor(np.log2(max(agents.sum() / 4, 1.0)))
    while step >= 1:
        for moves in (singles, swaps):
            left = {}
            for move in moves:
                after, saved = agents + step * move, -asked.cost @ move
                if (
                    (after >= 0).all()
                    and (after <= asked.most).all()
                    and after.sum() >= pooled
                    and saved > 1e-9
                    and slack(tuple(after)) >= 0
                ):
                    left[tuple(after)] = saved
            if left:
                # of the moves that save most, or half of it, the one that is felt least
                best = max(left.values())
                agents = np.array(max((each for each in left if left[each] >= best / 2), key=lambda each: (slack(each), each)))
                break
        else:
            step /= 2
    return agents
