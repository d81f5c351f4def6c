"""Contacts and agent states with known truth, from a seed: the same tables the readers yield."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.queueing.simulation import arrival_times
from ccstats.synthetic.agents import agent_names, roster, to_agent_states
from ccstats.synthetic.contacts import INSTANTS, to_contacts, visit_queue
from ccstats.synthetic.specs import QUEUES, Planted, QueueSpec
from ccstats.synthetic.truth import INTERVAL_S, STEPS, QueuePlan, expected_contacts, make_calendar, plan_queue, to_truth

__all__ = ["Synthetic", "synthesize_contacts"]


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
    agents = [agent_names(spec.name, len(there)) for spec, there in zip(queues, logged_in, strict=True)]
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
