"""Contacts and agent states with known truth, from a seed: the same tables the readers yield."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.queueing.simulation import arrival_times
from ccstats.synthetic.agents import agent_names, roster, to_agent_states
from ccstats.synthetic.contacts import INSTANTS, to_contacts, visit_queue
from ccstats.synthetic.truth import INTERVAL_S, STEPS, QueuePlan, expected_contacts, make_calendar, plan_queue, to_truth

__all__ = ["Planted", "QueueSpec", "Synthetic", "synthesize_contacts"]


@dataclass(frozen=True)
class QueueSpec:
    """One queue of a synthetic centre: its true parameters.

    Parameters
    ----------
    name : str
        The queue.
    contacts_per_day : float
        First visits expected on a mean weekday (Monday to Friday), transfers from other queues not counted. [contacts]
    aht_s : float
        Mean handle time: talk, hold and wrap-up. Lognormal. [s]
    handle_cv : float
        Standard deviation of the handle time over its mean.
    wrap_s : float
        Mean wrap-up, part of ``aht_s``; at most half of it. [s]
    hold_share : float
        Share of the answered who are put on hold once, for 10 to 50 % of the conversation.
    patience_s : float
        Mean patience. Exponential. [s]
    key_s : float
        Mean time until a caller presses the key that leads out of the queue. Exponential. [s]
    max_wait_s : float
        After this the queue lets the caller go. [s]
    opens, closes : str
        Opening hours, local: whole half-hours. ``"00:00"`` and ``"24:00"`` for round the clock.
    weekdays : tuple of float
        How busy Monday … Sunday are, relative to each other; 0 is closed.
    holiday_factor : float
        Share of the usual volume that comes on a public holiday; 0 is closed.
    day_cv : float
        Standard deviation of the day factor (gamma, mean 1) by which whole days are busier than expected: over-dispersion.
    safety : float
        Safety of the square-root staffing rule, agents = load + safety × √load.
    transfer_to, transfer_share : str or None, float
        Where agents send contacts on (a queue later in the list, or a place outside), and what share.
    missed_ring_share : float
        Chance that an agent misses a ring; after 15 s it rings again.
    redial_share : float
        Share of those who did not get through who call again, after some 15 minutes.
    repeat_share : float
        Share of the answered who call again, after some two days.
    channel : str
        Channel of the contacts.

    Examples
    --------
    >>> QueueSpec("sales", 900, aht_s=240.0).patience_s
    180.0
    """

    name: str
    contacts_per_day: float
    aht_s: float = 240.0
    handle_cv: float = 0.9
    wrap_s: float = 30.0
    hold_share: float = 0.15
    patience_s: float = 180.0
    key_s: float = 3600.0
    max_wait_s: float = 900.0
    opens: str = "08:00"
    closes: str = "20:00"
    weekdays: tuple[float, ...] = (1.15, 1.05, 0.98, 0.92, 0.90, 0.40, 0.0)
    holiday_factor: float = 0.15
    day_cv: float = 0.08
    safety: float = 0.6
    transfer_to: str | None = None
    transfer_share: float = 0.0
    missed_ring_share: float = 0.03
    redial_share: float = 0.4
    repeat_share: float = 0.08
    channel: str = "voice"

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, (int, float)) and not value >= 0:
                raise OptionError(f"queue {self.name!r}: {each.name}={value!r} must not be negative")
            if each.name.endswith(("_share", "_factor")) and value > 1:
                raise OptionError(f"queue {self.name!r}: {each.name}={value!r} is a share, at most 1")
        if not self.aht_s > 0 or self.wrap_s > self.aht_s / 2:
            raise OptionError(f"queue {self.name!r}: aht_s={self.aht_s!r} must be positive and wrap_s={self.wrap_s!r} at most half of it")
        if len(self.weekdays) != 7 or min(self.weekdays) < 0 or sum(self.weekdays[:5]) <= 0:
            raise OptionError(f"queue {self.name!r}: weekdays={self.weekdays!r} must be seven weights, Monday first, some weekday above 0")


@dataclass(frozen=True)
class Planted:
    """A deviation that is put in on purpose, so that finding it can be tested.

    Parameters
    ----------
    kind : str
        ``"volume"`` (contacts × factor), ``"aht"`` (handle times × factor), ``"staff"`` (share of the agents who come) or
        ``"outage"`` (a restart at ``start`` loses all open contacts, and nothing runs until ``end``).
    start, end : str
        Local times. A half-hour is affected when it begins in [start, end).
    factor : float
        What to multiply with; 0 for an outage.
    queue : str, optional
        The queue; by default all.

    Examples
    --------
    >>> Planted("volume", "2025-01-15", "2025-01-16", factor=1.5).queue is None
    True
    """

    kind: str
    start: str
    end: str
    factor: float = 0.0
    queue: str | None = None

    def __post_init__(self) -> None:
        most = {"volume": np.inf, "aht": np.inf, "staff": 1.0, "outage": 0.0}
        if self.kind not in most:
            raise OptionError(f"kind={self.kind!r} is not known; plant one of {', '.join(most)}")
        if not 0 <= self.factor <= most[self.kind] or (self.kind == "aht" and self.factor == 0):
            raise OptionError(
                f"factor={self.factor!r} does not fit {self.kind!r}: staff is a share, an outage has 0, handle times stay positive"
            )


@dataclass(frozen=True)
class Synthetic:
    """What `synthesize_contacts` made.

    Attributes
    ----------
    contacts, agent_states : pandas.DataFrame
        The tables of `ccstats.schema`.
    truth : pandas.DataFrame
        One row per queue and half-hour: ``queue, interval_start, interval_s, expected_offered`` (first visits a perfect forecaster would
        expect), ``mean_offered`` (the mean they were drawn with: day factor and deviations included), ``transferred_in`` (visits sent on
        from other queues, observed), ``expected_aht_s, mean_aht_s, patience_s, planned_agents, agents`` (really on duty, mean over the
        interval), ``holiday, label`` (the kinds planted there, joined by ``+``; missing where none).
    queues : tuple of QueueSpec
        The true parameters.

    Examples
    --------
    >>> made = synthesize_contacts(seed=1, days=1)
    >>> len(made.truth) == 48 * len(made.queues)
    True
    """

    contacts: pd.DataFrame
    agent_states: pd.DataFrame
    truth: pd.DataFrame
    queues: tuple[QueueSpec, ...]


#: Three queues, of which the first two send contacts on.
QUEUES = (
    QueueSpec("sales", 700, aht_s=240.0, transfer_to="support", transfer_share=0.05),
    QueueSpec("support", 450, aht_s=360.0, wrap_s=60.0, patience_s=240.0, transfer_to="complaints", transfer_share=0.03),
    QueueSpec("complaints", 120, aht_s=480.0, wrap_s=90.0, patience_s=300.0, closes="18:00", weekdays=(1.2, 1.0, 1.0, 0.9, 0.9, 0.0, 0.0)),
)


def synthesize_contacts(
    *,
    seed: int,
    start: str = "2025-01-06",
    days: int = 28,
    timezone: str = "Europe/Istanbul",
    queues: Sequence[QueueSpec] = QUEUES,
    planted: Sequence[Planted] = (),
    holidays: str | None = "TR",
    until: str | None = None,
    resolution_s: float = 0.001,
) -> Synthetic:
    """Contacts and agent states of a centre that never was, with everything known about it.

    Parameters
    ----------
    seed : int
        The same seed and arguments give the same tables.
    start : str
        First day, local.
    days : int
        How many days. [days]
    timezone : str
        Zone of the opening hours.
    queues : sequence of QueueSpec
        The queues; each agent serves one.
    planted : sequence of Planted
        Deviations to put in.
    holidays : str, optional
        Country whose public holidays are kept (``"TR"``, ``"DE-BE"``); None knows no holidays.
    until : str, optional
        Local half-hour at which the log ends in the middle of a day, leaving contacts open.
    resolution_s : float
        Clock of the log, at least 0.001: every instant is cut to it, and durations are differences of instants. [s]

    Returns
    -------
    Synthetic

    Raises
    ------
    OptionError, ZoneError
        If an argument cannot be.

    Notes
    -----
    Arrivals are Poisson with a rate constant in each half-hour, handle times lognormal, patience exponential. They meet the agents on duty
    in `ccstats.queueing.simulation`: waits and abandonments are not drawn, they happen. Repeat calls do not add contacts: a later
    caller of the same queue is made the same customer, so that the volume stays the one stated.

    Examples
    --------
    >>> import ccstats as cc
    >>> made = cc.synthesize_contacts(seed=1, days=7)
    >>> made.contacts["queue"].cat.categories.tolist()
    ['complaints', 'sales', 'support']
    >>> bool(abs((made.contacts["visit"] == 1).sum() / made.truth["mean_offered"].sum() - 1) < 0.05)
    True
    """
    queues = tuple(queues)
    _check(queues, planted, resolution_s)
    calendar = make_calendar(start, days, timezone, holidays, until)
    streams = np.random.default_rng(seed).spawn(len(queues))
    expected = [expected_contacts(spec, calendar) for spec in queues]
    plans: list[QueuePlan] = []
    for spec, mine, rng in zip(queues, expected, streams, strict=True):
        transferred = np.zeros(calendar.size)
        for other, theirs in zip(queues, expected, strict=True):
            if other.transfer_to == spec.name:
                transferred += other.transfer_share * theirs
        plans.append(plan_queue(spec, calendar, planted, mine, transferred, rng))
    fresh = [arrival_times(plan.mean, interval_s=INTERVAL_S, seed=rng) for plan, rng in zip(plans, streams, strict=True)]
    # contacts are numbered in the order in which they come
    number = np.argsort(np.argsort(np.concatenate(fresh), kind="stable"), kind="stable")
    numbers = np.split(number, np.cumsum([len(each) for each in fresh])[:-1])

    targets = {spec.name: (place, plans[place]) for place, spec in enumerate(queues)}
    parts: list[pd.DataFrame] = []
    logged_in, duties = [], []
    for place, (spec, plan, rng) in enumerate(zip(queues, plans, streams, strict=True)):
        steps = [np.repeat(each, STEPS) for each in (plan.planned_agents, calendar.day, plan.present, ~plan.outage)]
        there, duty = roster(*steps)
        arrivals = [pd.DataFrame({"number": numbers[place], "visit": 1, "at": fresh[place]})]
        for part in parts:
            sent = part[part["transferred_to"] == place]
            arrivals.append(pd.DataFrame({"number": sent["number"], "visit": sent["visit"] + 1, "at": sent["talk_end"]}))
        joined = pd.concat(arrivals).sort_values("at", kind="stable", ignore_index=True)
        parts.append(visit_queue(spec, plan, joined, duty, targets, calendar, rng).assign(place=place))
        logged_in.append(there)
        duties.append(duty)

    visits = pd.concat(parts, ignore_index=True)
    for column in INSTANTS:  # the clock of the log
        visits[column] = np.floor(visits[column] / resolution_s + 1e-6)
    agents = agent_names(queues, logged_in)
    return Synthetic(
        to_contacts(visits, queues, agents, calendar, resolution_s, streams),
        to_agent_states(visits, queues, agents, logged_in, duties, plans, calendar, resolution_s),
        to_truth(visits, queues, plans, duties, calendar, resolution_s),
        queues,
    )


def _check(queues: Sequence[QueueSpec], planted: Sequence[Planted], resolution_s: float) -> None:
    names = [spec.name for spec in queues]
    if not names or len(set(names)) < len(names):
        raise OptionError(f"queues= must be at least one queue, each with a name of its own; found {names}")
    for place, spec in enumerate(queues):
        if spec.transfer_to in names[: place + 1]:
            raise OptionError(f"queue {spec.name!r} sends contacts to {spec.transfer_to!r}; put that queue after it in the list")
    unknown = sorted({each.queue for each in planted if each.queue is not None} - set(names))
    if unknown:
        raise OptionError(f"planted= names {unknown}, which are not among the queues {names}")
    if not resolution_s >= 0.001:
        raise OptionError(f"resolution_s={resolution_s!r} must be at least 0.001")
