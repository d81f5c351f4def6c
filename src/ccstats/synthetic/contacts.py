"""The synthetic centre's contacts: what they bring, what the queue does to them, and who calls again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ccstats.queueing.simulation import simulate_queue
from ccstats.synthetic.specs import QueueSpec
from ccstats.synthetic.truth import CODE, INTERVAL_S, MISSED_S, RING_S, STEP_S, Calendar, QueuePlan, category

#: What can end a wait besides an answer and the end of all waiting (`QueuePlan.left_over`).
_ENDINGS = np.array([CODE["abandoned"], CODE["exited_key"], CODE["timed_out"]])
_ENDED_BY = ("customer", "agent", "system", "unknown")
#: Nobody talks longer, so that a contact never reaches into another day's shift. [s]
_LONGEST_S = 4 * 3600.0
#: How long after leaving one calls again: who did not get through, and who did but whose matter was not settled. [s]
_MEAN_REDIAL_S, _MEAN_REPEAT_S = 900.0, 2 * 86400.0
_OUTSIDE = -2
#: Columns of `visit_queue` that are instants.
INSTANTS = ("at", "offered", "ring_from", "answered", "hold_from", "hold_to", "talk_end", "free", "left")


def visit_queue(
    spec: QueueSpec,
    plan: QueuePlan,
    arrivals: pd.DataFrame,
    duty: np.ndarray,
    targets: Mapping[str, tuple[int, QueuePlan]],
    calendar: Calendar,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """What becomes of the arrivals (``number, visit, at``) of one queue; times in seconds since the first interval."""
    at = arrivals["at"].to_numpy()
    size, half_hour = len(at), (at // INTERVAL_S).astype(int)
    sigma2 = np.log1p(spec.handle_cv**2)
    handle = np.minimum(rng.lognormal(np.log(plan.aht_s[half_hour]) - sigma2 / 2, np.sqrt(sigma2)), _LONGEST_S)
    wrap = handle * rng.uniform(0.0, 2.0 * spec.wrap_s / spec.aht_s, size)
    hold = (handle - wrap) * np.where(rng.random(size) < spec.hold_share, rng.uniform(0.1, 0.5, size), 0.0)
    missed = rng.binomial(2, spec.missed_ring_share, size)
    ring = rng.uniform(*RING_S, size)
    limits = np.stack(
        [
            rng.exponential(spec.patience_s, size),
            rng.exponential(spec.key_s, size),
            np.full(size, spec.max_wait_s),
            plan.until_s[half_hour] - at,
        ]
    )
    run = simulate_queue(at, handle, limits.min(axis=0), agents=duty, interval_s=STEP_S, ring_s=missed * MISSED_S + ring)

    left_over = plan.left_over[half_hour]
    answered = ~np.isnan(run.start_s)
    ending = limits.argmin(axis=0)
    outcome = np.where(answered, CODE["answered"], np.where(ending < len(_ENDINGS), np.append(_ENDINGS, 0)[ending], left_over))
    failed = left_over == CODE["failed"]
    # a restart, or the end of the log, cuts what is going on
    kill = np.where(failed, plan.until_s[half_hour], calendar.size * INTERVAL_S)
    left = at + run.wait_s
    talk_end = np.where(answered, left + handle - wrap, left)
    held = answered & (hold > 0)
    table = arrivals.assign(
        offered=run.offered_s,
        ring_from=run.offered_s + missed * MISSED_S,
        answered=left,
        hold_from=np.where(held, (left + talk_end - hold) / 2, talk_end),
        hold_to=np.where(held, (left + talk_end + hold) / 2, talk_end),
        talk_end=talk_end,
        free=np.where(answered, run.end_s, left),
        left=left,
        agent=run.agent,
        outcome=outcome,
        talk_known=answered & (talk_end <= kill),
        wrap_known=answered & (run.end_s <= kill),
        cut=answered & (talk_end > kill),
    )
    for column in ("hold_from", "hold_to", "talk_end", "free"):
        table[column] = np.minimum(table[column], kill)
    tried = np.where(answered, missed, np.minimum(missed, (left - run.offered_s) // MISSED_S))
    table["ring_noanswer"] = np.where(run.agent >= 0, tried, 0).astype("int64")
    table["ring_attempts"] = table["ring_noanswer"] + (run.agent >= 0)
    table["transferred_to"] = _send_on(spec, table, targets, rng)
    customer, agent, system = range(3)
    hung_up = np.where((table["transferred_to"] != -1) | (rng.random(size) < 0.4), agent, customer)
    by_system = np.isin(outcome, [CODE[word] for word in ("timed_out", "left_empty", "failed")])
    unanswered = np.where(outcome == CODE["open"], -1, np.where(by_system, system, customer))
    table["ended_by"] = np.where(~answered, unanswered, np.where(~table["cut"], hung_up, np.where(failed, system, -1)))
    return table


def _send_on(spec: QueueSpec, table: pd.DataFrame, targets: Mapping[str, tuple[int, QueuePlan]], rng: np.random.Generator) -> np.ndarray:
    """Place of the queue each contact is sent on to, -2 for a place outside, -1 for none; never to a queue that is closed just then."""
    chosen = table["talk_known"].to_numpy() & (rng.random(len(table)) < spec.transfer_share)
    target = targets.get(spec.transfer_to or "")
    if target is None:
        return np.where(chosen, _OUTSIDE, -1)
    place, plan = target
    when = (table["talk_end"].to_numpy() // INTERVAL_S).astype(int)
    when = np.minimum(when, len(plan.expected) - 1)
    is_open = (plan.expected[when] > 0) & ~plan.outage[when] & (table["talk_end"].to_numpy() < plan.until_s[when])
    return np.where(chosen & is_open, place, -1)


def _customers(table: pd.DataFrame, queues: Sequence[QueueSpec], resolution_s: float, streams: Sequence[np.random.Generator]) -> np.ndarray:
    """The customer of every contact number: a number of its own, or that of an earlier contact which calls again."""
    same_as = np.arange(table["number"].max() + 1 if len(table) else 0)
    for place, (spec, rng) in enumerate(zip(queues, streams, strict=True)):
        mine = table[table["place"] == place]
        through = (mine["outcome"] == CODE["answered"]).to_numpy()
        settled = (mine["transferred_to"] != -1).to_numpy() | mine["cut"].to_numpy() | (mine["outcome"] == CODE["open"]).to_numpy()
        again = ~settled & (rng.random(len(mine)) < np.where(through, spec.repeat_share, spec.redial_share))
        after_s = rng.exponential(np.where(through, _MEAN_REPEAT_S, _MEAN_REDIAL_S))
        target = (mine["free"].to_numpy() + after_s / resolution_s)[again]
        source = mine["number"].to_numpy()[again]
        order = np.argsort(target, kind="stable")
        first = mine[mine["visit"] == 1]
        # the first caller at or after the target whom no earlier one has taken
        step = np.arange(len(order))
        found = np.maximum.accumulate(np.searchsorted(first["at"].to_numpy(), target[order]) - step) + step
        known = found < len(first)
        same_as[first["number"].to_numpy()[found[known]]] = source[order][known]
    while (same_as[same_as] != same_as).any():
        same_as = same_as[same_as]
    return same_as


def to_contacts(
    visits: pd.DataFrame,
    queues: Sequence[QueueSpec],
    agents: Sequence[Sequence[str]],
    calendar: Calendar,
    resolution_s: float,
    streams: Sequence[np.random.Generator],
) -> pd.DataFrame:
    """The table `contacts` of `ccstats.schema`, from visits whose times are ticks of ``resolution_s`` since the first interval."""
    customer = _customers(visits, queues, resolution_s, streams)
    ivr_s = streams[0].uniform(10.0, 40.0, len(customer))
    table = visits.take(np.lexsort((visits["visit"], visits["number"])))
    number = table["number"].to_numpy()
    answered = (table["outcome"] == CODE["answered"]).to_numpy()
    names = sorted(spec.name for spec in queues)
    code = np.array([names.index(spec.name) for spec in queues])
    channels = sorted({spec.channel for spec in queues})
    channel = np.array([channels.index(spec.channel) for spec in queues])
    place = table["place"].to_numpy()
    sent_to = sorted({spec.transfer_to for spec in queues if spec.transfer_to})
    sent = np.array([sent_to.index(spec.transfer_to) if spec.transfer_to else -1 for spec in queues])

    def seconds(later: str, earlier: str, known: np.ndarray) -> np.ndarray:
        return np.where(known, (table[later] - table[earlier]).to_numpy() * resolution_s, np.nan).round(3)

    talk_known = table["talk_known"].to_numpy()
    hold = seconds("hold_to", "hold_from", talk_known)
    first = (table["visit"] == 1).to_numpy()
    arrived = np.floor(table["at"].to_numpy()[first] - ivr_s / resolution_s)
    base = np.cumsum([0, *map(len, agents)])
    everybody = [name for each in agents for name in each]
    agent = np.where(answered, table["agent"].to_numpy() + base[place], -1)
    outcome = category(table["outcome"], list(CODE))
    return pd.DataFrame(
        {
            "contact_id": text_ids("c", number),
            "visit": table["visit"].to_numpy(),
            "channel": category(channel[place], channels),
            "direction": category(np.zeros(len(table), dtype="int8"), ["inbound", "outbound", "internal"]),
            "queue": category(code[place], names),
            "queued_at": instants(calendar.starts[0], table["at"].to_numpy(), resolution_s),
            "outcome": outcome,
            "raw_outcome": outcome.remove_unused_categories(),
            "wait_s": seconds("left", "at", np.ones(len(table), dtype=bool)),
            "ring_s": seconds("answered", "ring_from", answered),
            "talk_s": (seconds("talk_end", "answered", talk_known) - hold).round(3),
            "hold_s": hold,
            "wrap_s": seconds("free", "talk_end", table["wrap_known"].to_numpy()),
            "agent": category(agent, everybody).remove_unused_categories(),
            "arrived_at": instants(calendar.starts[0], arrived[number], resolution_s),
            "ivr_s": np.where(first, (table["at"].to_numpy() - arrived[number]) * resolution_s, np.nan).round(3),
            "transferred_to": category(np.where(table["transferred_to"] != -1, sent[place], -1), sent_to),
            "ended_by": category(table["ended_by"], _ENDED_BY),
            "customer": text_ids("k", customer[number]),
            "ring_attempts": table["ring_attempts"].astype("Int64").array,
            "ring_noanswer": table["ring_noanswer"].astype("Int64").array,
        }
    )


def text_ids(letter: str, numbers: np.ndarray) -> pd.Series:
    """Identifiers of one width, so that text order is the order of the numbers."""
    return letter + pd.Series(numbers + 100_000_000).astype("str")


def instants(origin: pd.Timestamp, ticks: np.ndarray, resolution_s: float) -> pd.Series:
    """Ticks since ``origin`` as UTC instants."""
    microseconds = np.round(ticks * (resolution_s * 1e6)).astype("int64")
    return pd.Series((origin.value // 1000 + microseconds).view("datetime64[us]")).dt.tz_localize("UTC")
