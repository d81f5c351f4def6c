"""The synthetic centre's agents: who works when, and the states each went through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccstats.schema import STATES
from ccstats.synthetic.contacts import instants, text_ids
from ccstats.synthetic.specs import QueueSpec
from ccstats.synthetic.truth import INTERVAL_S, STEP_S, Calendar, QueuePlan, category

#: The longest shift, and the shifts from which on there is a break, or two breaks and lunch. [quarters of an hour]
LONGEST, WITH_BREAK, WITH_LUNCH = 40, 12, 24
#: Multiples of it spread evenly over 0 to 1, so that any share of agents can be left out without drawing lots.
GOLDEN = 0.6180339887498949
LOGOUT = -1
PAUSES = ["break", "lunch"]


def roster(needed: np.ndarray, day: np.ndarray, present: np.ndarray, running: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Who is logged in, and who of them takes contacts: two arrays of bool (agents × quarters of an hour).

    Every ninth agent is there so that the others can take breaks. Each day is cut into shifts; shifts are handed round, three places
    further every day, so that everybody has early and late days and days off. ``present`` is the share of the agents who come.
    """
    wanted = (needed + np.ceil(needed / 8)).astype(int)
    shifts, most = [], 0
    for today in np.unique(day):
        steps = np.flatnonzero(day == today)
        number = 0
        for place in range(wanted[steps].max()):
            worked = steps[wanted[steps] > place]
            first, last = worked[0], worked[-1] + 1
            cuts = np.linspace(first, last, -(-(last - first) // LONGEST) + 1).astype(int)
            for begin, end in zip(cuts[:-1], cuts[1:], strict=True):
                shifts.append((today, number, begin, end))
                number += 1
        most = max(most, number)
    people = most + -(-most // 8)
    there = np.zeros((people, len(needed)), dtype=bool)
    pause = np.zeros_like(there)
    for today, number, begin, end in shifts:
        who = (number + 3 * today) % people
        there[who, begin:end] = present[begin:end] > number * GOLDEN % 1.0
        for at, length in _breaks(begin, end, number):
            pause[who, at : at + length] = True
    there &= running
    return there, there & ~pause


def _breaks(begin: int, end: int, number: int) -> list[tuple[int, int]]:
    """Start and length of each break of a shift, not the same for neighbours."""
    length = end - begin
    if length < WITH_BREAK:
        return []
    if length < WITH_LUNCH:
        return [(begin + length // 2 - 1 + number % 3, 1)]
    quarter = length // 4
    return [(begin + quarter - 1 + number % 3, 1), (begin + 2 * quarter - 4 + number % 9, 2), (begin + 3 * quarter - 1 + number % 3, 1)]


@dataclass
class Spans:
    """Spans in states, as columns of equal length; times in ticks."""

    agent: np.ndarray
    start: np.ndarray
    end: np.ndarray
    state: np.ndarray
    pause: np.ndarray
    contact: np.ndarray


@dataclass
class Blocks:
    """What kept agents: one block per contact taken, ordered by agent and time; times in ticks."""

    agent: np.ndarray
    contact: np.ndarray
    offered: np.ndarray
    answered: np.ndarray
    hold_from: np.ndarray
    hold_to: np.ndarray
    talk_end: np.ndarray
    free: np.ndarray


@dataclass
class Runs:
    """Runs of one agent after another, in time and none touching; times in ticks."""

    agent: np.ndarray
    start: np.ndarray
    end: np.ndarray


def agent_names(group: str, count: int) -> list[str]:
    """Names of the agents of a group, in order."""
    return [f"{group}-{k:0{max(3, len(str(count)))}d}" for k in range(1, count + 1)]


def to_agent_states(
    visits: pd.DataFrame,
    queues: Sequence[QueueSpec],
    agents: Sequence[Sequence[str]],
    logged_in: Sequence[np.ndarray],
    duties: Sequence[np.ndarray],
    plans: Sequence[QueuePlan],
    calendar: Calendar,
    resolution_s: float,
) -> pd.DataFrame:
    """The table `agent_states` of `ccstats.schema`, from visits whose times are ticks of ``resolution_s`` since the first interval."""
    order = sorted(range(len(queues)), key=lambda place: queues[place].name)
    closed_by = ["event", "next_event", "restart", "end_of_file", "assumed"]
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("agent", "queue", "start", "end", "state", "pause", "contact", "closed")}
    before = 0
    for code, place in enumerate(order):
        taken = visits[(visits["place"] == place) & (visits["agent"] >= 0)]
        taken = taken.take(np.lexsort((taken["offered"], taken["agent"])))
        times = [taken[name].to_numpy().astype("int64") for name in ("offered", "answered", "hold_from", "hold_to", "talk_end", "free")]
        blocks = Blocks(taken["agent"].to_numpy(), taken["number"].to_numpy(), *times)
        spans = _states(blocks, logged_in[place], duties[place], ticks_per_s=1.0 / resolution_s)
        down = np.flatnonzero(plans[place].outage) * INTERVAL_S / resolution_s
        closed = np.where(np.isin(spans.end, np.round(down)), 2, 0)
        closed[spans.end == round(calendar.size * INTERVAL_S / resolution_s)] = 3
        parts = (
            spans.agent + before,
            np.full(len(spans.agent), code),
            spans.start,
            spans.end,
            spans.state,
            spans.pause - 1,
            spans.contact,
            closed,
        )
        for column, part in zip(columns.values(), parts, strict=True):
            column.append(part)
        before += len(agents[place])
    made = {name: np.concatenate(parts) for name, parts in columns.items()}
    everybody = [name for place in order for name in agents[place]]
    return pd.DataFrame(
        {
            "agent": category(made["agent"], everybody).remove_unused_categories(),
            "started_at": instants(calendar.starts[0], made["start"], resolution_s),
            "ended_at": instants(calendar.starts[0], made["end"], resolution_s),
            "state": category(made["state"], list(STATES)),
            "reason": category(made["pause"], PAUSES),
            "queue": category(made["queue"], [queues[place].name for place in order]),
            "contact_id": text_ids("c", made["contact"]).where(made["contact"] >= 0),
            "closed_by": category(made["closed"], closed_by),
        }
    )


def _runs(here: np.ndarray, per_step: float) -> Runs:
    """Every run of True."""
    edges = np.diff(here.astype("int8"), axis=1, prepend=0, append=0)
    agent, first = np.nonzero(edges == 1)
    _, last = np.nonzero(edges == -1)
    return Runs(agent, np.round(first * per_step).astype("int64"), np.round(last * per_step).astype("int64"))


def _states(blocks: Blocks, there: np.ndarray, duty: np.ndarray, *, ticks_per_s: float) -> Spans:
    """The spans of agents who are there and on duty in quarters of an hour."""
    per_step = STEP_S * ticks_per_s
    rests = _runs(there & ~duty, per_step)
    return weave_states(blocks, _runs(there, per_step), rests, np.where(rests.end - rests.start > per_step, 2, 1))


def weave_states(blocks: Blocks, sessions: Runs, rests: Runs, pause: np.ndarray) -> Spans:
    """Every span of every agent, contiguous from login to logout, ordered by agent and start.

    ``sessions`` are from login to logout, ``rests`` the breaks within them, of the kinds ``pause`` (1, 2, …). A contact in hand delays
    the break and the logout.
    """
    # more than any time: agent × far + time orders by agent, then time
    far = np.int64(2 * (max(sessions.end.max(initial=0), blocks.free.max(initial=0)) + 1))
    block_key = blocks.agent * far + blocks.offered

    def delayed(agent: np.ndarray, instant: np.ndarray) -> np.ndarray:
        """``instant``, or later when the agent is free of the contact taken before it."""
        if not len(block_key):
            return instant
        last = np.searchsorted(block_key, agent * far + instant) - 1
        mine = (last >= 0) & (blocks.agent[last] == agent)
        return np.where(mine, np.maximum(instant, blocks.free[last]), instant)

    who, login = sessions.agent, sessions.start.copy()
    logout = delayed(who, sessions.end)
    login[1:] = np.where(who[1:] == who[:-1], np.maximum(login[1:], logout[:-1]), login[1:])
    resting, end = rests.agent, rests.end
    begin_late = delayed(resting, rests.start)

    waits, reserved, talks, holds, wraps, paused = (
        STATES.index(s) for s in ("available", "reserved", "on_contact", "hold", "wrap", "pause")
    )
    parts = [
        (blocks.agent, blocks.offered, blocks.answered, reserved),
        (blocks.agent, blocks.answered, blocks.hold_from, talks),
        (blocks.agent, blocks.hold_from, blocks.hold_to, holds),
        (blocks.agent, blocks.hold_to, blocks.talk_end, talks),
        (blocks.agent, blocks.talk_end, blocks.free, wraps),
        (resting, begin_late, end, paused),
        (who, logout, logout, LOGOUT),
    ]
    size = [len(part[0]) for part in parts]
    agent, start, stop = (np.concatenate([part[k] for part in parts]) for k in range(3))
    state = np.repeat([part[3] for part in parts], size)
    no_break = np.zeros(sum(size[:5]), dtype=np.int8)
    pause = np.concatenate([no_break, pause.astype("int8"), np.zeros(len(who), dtype=np.int8)])
    contact = np.concatenate([*[blocks.contact] * 5, np.full(len(resting) + len(who), -1)])

    session_key = who * far + login
    session = np.searchsorted(session_key, agent * far + start, side="right") - 1
    session[len(session) - len(who) :] = np.arange(len(who))
    used = (stop > start) | (state == LOGOUT)
    order = np.flatnonzero(used)
    order = order[np.argsort(session[order] * far * 2 + start[order] * 2 + (state[order] == LOGOUT), kind="stable")]
    agent, start, stop, state, pause, contact, session = (a[order] for a in (agent, start, stop, state, pause, contact, session))
    # between two spans, before the first and after the last the agent waits for a contact
    first = np.append(True, session[1:] != session[:-1])
    since = np.where(first, login[session], np.append(0, stop[:-1]))
    idle, kept = since < start, state != LOGOUT
    at = np.concatenate([np.flatnonzero(kept) * 2 + 1, np.flatnonzero(idle) * 2])
    order = np.argsort(at, kind="stable")

    def weave(spans: np.ndarray, gaps: np.ndarray) -> np.ndarray:
        return np.concatenate([spans[kept], gaps[idle]])[order]

    nothing = np.full(len(state), -1)
    return Spans(
        weave(agent, agent),
        weave(start, since),
        weave(stop, start),
        weave(state, nothing + 1 + waits),
        weave(pause, nothing + 1),
        weave(contact, nothing),
    )
