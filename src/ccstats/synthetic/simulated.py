"""A plan played through: the contacts it would bring and what its agents would do, as the tables the readers yield."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning, OptionError
from ccstats.queueing.network import Staff, simulate_network
from ccstats.queueing.replications import check_seed, random_stream
from ccstats.schema import FORECAST, as_frame
from ccstats.synthetic.draws import draw_arrivals, draw_handle, draw_patience
from ccstats.synthetic.duties import TICK_S, make_people, make_routing
from ccstats.synthetic.played import Played

__all__ = ["Simulation", "simulate_contacts"]

#: Nobody makes more attempts, and none are drawn that fewer than one contact in a million would make.
_MOST_ATTEMPTS, _RARE = 30, 1e-6


@dataclass(frozen=True)
class Simulation:
    """What `simulate_contacts` made.

    Attributes
    ----------
    contacts, agent_states : pandas.DataFrame
        The tables of `ccstats.schema`.

    Examples
    --------
    >>> starts = pd.date_range("2026-03-02 09:00", periods=2, freq="30min", tz="UTC")
    >>> demand = {"queue": "sales", "interval_start": starts, "interval_s": 1800, "expected_offered": [10, 12], "expected_aht_s": 180}
    >>> made = simulate_contacts(pd.DataFrame(demand).assign(agents=3), seed=1)
    >>> sorted(made.agent_states["agent"].unique())
    ['sales-001', 'sales-002', 'sales-003']
    """

    contacts: pd.DataFrame
    agent_states: pd.DataFrame


def simulate_contacts(
    plan: Any,
    *,
    seed: int,
    patience_s: Any = None,
    handle: Any = "exponential",
    handle_cv: float = 1.0,
    wrap_share: float = 0.0,
    ring_s: float = 0.0,
    skills: Mapping[str, Mapping[str, int]] | None = None,
    priorities: Mapping[str, int] | None = None,
    overflow_s: Mapping[str, Mapping[str, float]] | None = None,
    staff: Any = None,
    shifts: Any = None,
    breaks: Any = None,
    lines: float | Mapping[str, float] | None = None,
    retrial_share: float = 0.0,
    retrial_delay_s: float = 900.0,
    callback_share: float = 0.0,
    callback_after_s: float = 60.0,
    channel: str = "voice",
) -> Simulation:
    """Contacts and agent states as they would be logged if the plan came true.

    Parameters
    ----------
    plan : pandas.DataFrame or Arrow table
        One row a queue and interval: ``queue, interval_start, interval_s, expected_offered, expected_aht_s``, and ``agents`` unless
        ``staff`` or ``shifts`` says who is there. A `FORECAST` or a `PLAN`.
    seed : int
        The same seed and arguments give the same tables. Arrivals, handle times, patience and retrials of each queue have a stream of
        their own, so that another staffing meets the same contacts.
    patience_s : float, array, contacts, callable, or mapping of queue to one of these, optional
        Mean of an exponential patience; values to draw from; contacts whose patience is resampled by their Kaplan–Meier curve; or a
        function of a generator and a number that draws so many. By default the mean in the plan's ``patience_s``, else infinite. [s]
    handle : str, contacts or callable
        ``"exponential"`` (as Erlang's formulas have it), ``"lognormal"`` (with ``handle_cv``) or ``"deterministic"`` around
        ``expected_aht_s``; contacts whose answered rows of the same queue are resampled, whatever the plan's AHT; or a function of a
        generator and the means that draws.
    handle_cv : float
        Standard deviation of a lognormal handle time over its mean.
    wrap_share : float
        Share of the handle time that is wrap-up; resampled contacts bring their own. [0-1]
    ring_s : float
        How long an agent's phone rings, part of the wait. [s]
    skills : mapping of group to mapping of queue to int, optional
        What each group of agents serves: 1 first choice, 2 second, …. By default each queue has a group of its name that serves it alone.
    priorities : mapping of queue to int, optional
        Queues of a lower number are served first; by default all are equal and the longest wait decides.
    overflow_s : mapping of group to mapping of queue to float, optional
        After what wait a contact of the queue is also offered to the group; a group that does not have the skill serves such contacts as
        its last choice. [s]
    staff : pandas.DataFrame, optional
        ``group, interval_start, interval_s, agents``: agents by group instead of by queue.
    shifts : pandas.DataFrame, optional
        ``agent, group, started_at, ended_at``: named agents instead of numbers.
    breaks : pandas.DataFrame, optional
        ``agent, started_at, ended_at`` and, if known, ``reason``: pauses within ``shifts``.
    lines : int or mapping of queue to int, optional
        Contacts that can be in the centre, or in each queue, at a time, those talking included; who comes then is blocked. By default
        the number in the plan's ``lines`` for each queue, else no limit.
    retrial_share : float
        Share of the abandoned and blocked who come again, each time. [0-1]
    retrial_delay_s : float
        Mean time until then, exponential. [s]
    callback_share : float
        Share who accept to be called back after ``callback_after_s``; they keep their place. [0-1]
    callback_after_s : float
        After what wait a callback is offered. [s]
    channel : str
        Channel of the contacts; callbacks have channel ``callback``.

    Returns
    -------
    Simulation
        Without contacts expected, an empty ``contacts``. A retrial is a new contact of the same ``customer``; a callback is the second
        visit of its contact. Whoever is still waiting where agents and plan end, and would wait for ever, is ``open``.

    Raises
    ------
    TableError, ColumnError, OptionError
        If the plan or an argument cannot be.

    Warns
    -----
    DataWarning
        Where rows lack a number: without contacts expected, or agents, there are none; without AHT the mean of the queue is taken.

    Notes
    -----
    Arrivals are Poisson with a rate constant in each interval. An agent whose duty ends finishes the contact in hand; who then still waits
    goes on waiting until patience ends or agents come back, be it the next morning: the centre does not send anybody away. The routing
    is that of `ccstats.queueing.network.simulate_network`. Instants are cut to milliseconds, and durations are differences of them.

    Examples
    --------
    >>> import ccstats as cc
    >>> starts = pd.date_range("2026-03-02 09:00", periods=3, freq="30min", tz="Europe/London")
    >>> demand = {"queue": "sales", "interval_start": starts, "interval_s": 1800, "expected_offered": [40, 60, 50], "expected_aht_s": 180}
    >>> plan = cc.plan_staffing(pd.DataFrame(demand), target_service_level=0.80, threshold_s=20, patience_s=120)
    >>> made = cc.simulate_contacts(plan, wrap_share=0.1, seed=7)
    >>> half_hours = cc.to_intervals(made.contacts, threshold_s=20)
    >>> bool(cc.measure_service(half_hours)["service_level"].iloc[0] > 0.6)
    True
    >>> bool(cc.reconcile(made.contacts, made.agent_states)["ok"].all())
    True
    """
    if not isinstance(seed, np.random.SeedSequence):  # as `replicate` hands them out
        check_seed(seed)
    frame = _checked_plan(plan)
    lines = _planned_lines(frame) if lines is None else lines
    for name, share in (("wrap_share", wrap_share), ("retrial_share", retrial_share), ("callback_share", callback_share)):
        if not 0 <= share <= 1:
            raise OptionError(f"{name}={share!r} is a share, from 0 to 1")
    for name, seconds in (("ring_s", ring_s), ("retrial_delay_s", retrial_delay_s), ("callback_after_s", callback_after_s)):
        if not (np.isfinite(seconds) and seconds >= 0):
            raise OptionError(f"{name}={seconds!r} must be a finite number of seconds, not negative")
    if not (np.isfinite(handle_cv) and handle_cv >= 0):
        raise OptionError(f"handle_cv={handle_cv!r} must be finite and not negative")
    queues = sorted(frame["queue"].astype("str").unique())
    likes, opens, groups = make_routing(queues, skills, overflow_s)
    unknown = sorted((set(priorities or {}) | (set(lines) if isinstance(lines, Mapping) else set())) - set(queues))
    if unknown:
        raise OptionError(f"priorities= or lines= name {unknown}, which are not among the plan's queues {queues}")
    origin, last = frame["interval_start"].min(), (frame["interval_start"] + pd.to_timedelta(frame["interval_s"], unit="s")).max()
    people = make_people(frame, groups, staff, shifts, breaks, origin)

    attempts = 1
    if retrial_share:
        attempts += min(_MOST_ATTEMPTS, int(np.ceil(np.log(_RARE) / np.log(retrial_share)))) if retrial_share < 1 else _MOST_ATTEMPTS
    laws = {"handle": handle, "cv": handle_cv, "wrap_share": wrap_share, "patience_s": patience_s, "attempts": attempts}
    drawn = [_draw(frame[frame["queue"] == queue], queue, origin, seed, laws) for queue in queues]
    sizes = [len(part["at"]) for part in drawn]
    came = {name: np.concatenate([part[name] for part in drawn]) for name in drawn[0]}
    retrial = np.concatenate(
        [
            np.where(
                random_stream(seed, f"retrial of {queue}").random((attempts - 1, size)) < retrial_share,
                random_stream(seed, f"retrial delay of {queue}").exponential(retrial_delay_s, (attempts - 1, size)),
                np.inf,
            ).T
            for queue, size in zip(queues, sizes, strict=True)
        ]
    )
    accepts = np.concatenate([random_stream(seed, f"callback of {q}").random(n) for q, n in zip(queues, sizes, strict=True)])
    run = simulate_network(
        np.repeat(np.arange(len(queues)), sizes),
        came["at"],
        came["talk"] + np.nan_to_num(came["hold"]) + np.nan_to_num(came["wrap"]),
        came["patience"],
        staff=Staff(people.group, people.duty.agent, people.duty.start * TICK_S, people.duty.end * TICK_S),
        preference=likes,
        opens_s=opens,
        priority=[(priorities or {}).get(queue, 0) for queue in queues],
        wrap_s=np.nan_to_num(came["wrap"]),
        ring_s=ring_s,
        lines=[lines.get(queue, np.inf) for queue in queues] if isinstance(lines, Mapping) else np.inf,
        total_lines=np.inf if lines is None or isinstance(lines, Mapping) else lines,
        retrial_s=retrial,
        callback_s=np.where(accepts < callback_share, callback_after_s, np.inf),
    )
    log = Played(run, came["hold"], came["wrap"], queues, people, likes, origin, last)
    return Simulation(log.contacts(channel), log.agent_states())


def _checked_plan(plan: Any) -> pd.DataFrame:
    frame = as_frame(plan, what="plan")
    with suppress(TypeError, ValueError):  # what cannot be taken so, the check names
        frame = FORECAST.conform(frame)
    FORECAST.check(frame[[name for name in frame if name in FORECAST]])
    if frame.empty:
        raise OptionError("the plan has no rows; simulate at least one interval")
    if not (np.isfinite(frame["interval_s"]) & (frame["interval_s"] > 0)).all():
        raise OptionError("interval_s must be positive in every row of the plan")
    offered, aht = frame["expected_offered"].astype("float64"), frame["expected_aht_s"].astype("float64")
    if not ((offered >= 0) | offered.isna()).all() or np.isinf(offered).any():
        raise OptionError("expected_offered must be finite and not negative in every row of the plan")
    known = offered.fillna(0.0)
    lacks_aht = aht.isna() & (known > 0)
    if offered.isna().any() or lacks_aht.any():
        warnings.warn(
            f"of {len(frame)} rows of the plan {offered.isna().sum()} have no expected_offered (nobody comes there) and "
            f"{lacks_aht.sum()} contacts but no expected_aht_s (the mean of the queue is taken)",
            DataWarning,
            stacklevel=3,
        )
    weight = known.where(aht.notna(), 0.0)
    sums = pd.DataFrame({"w": weight, "t": weight * aht.fillna(0.0)}).groupby(frame["queue"].astype("str")).transform("sum")
    aht = aht.where(~lacks_aht, sums["t"] / sums["w"].where(sums["w"] > 0))
    if (aht.isna() & (known > 0)).any():
        raise OptionError("a queue of the plan has contacts but no expected_aht_s in any row; give it a handle time")
    return frame.assign(expected_offered=known, expected_aht_s=aht.fillna(0.0))


def _planned_lines(frame: pd.DataFrame) -> dict[str, float] | None:
    """The lines of each queue, where the plan tells them."""
    if "lines" not in frame:
        return None
    lines = frame["lines"].fillna(np.inf).groupby(frame["queue"].astype("str"))
    if (changing := lines.min() < lines.max()).any():
        raise OptionError(f"the plan's lines of queue {changing.idxmax()!r} change; a queue is simulated with one number: give lines=")
    return {str(queue): float(places) for queue, places in lines.first().items()}


def _draw(rows: pd.DataFrame, queue: str, origin: pd.Timestamp, seed: int, laws: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What the contacts of one queue bring, in the order in which they come."""
    start = (rows["interval_start"] - origin).dt.total_seconds().to_numpy()
    expected, length = rows["expected_offered"].to_numpy(), rows["interval_s"].to_numpy(dtype="float64")
    interval, at = draw_arrivals(expected, start, length, random_stream(seed, f"arrivals of {queue}"))
    mean = rows["expected_aht_s"].to_numpy()[interval]
    stream = random_stream(seed, f"handle of {queue}")
    talk, hold, wrap = draw_handle(laws["handle"], queue, mean, cv=laws["cv"], wrap_share=laws["wrap_share"], rng=stream)
    law, stream = laws["patience_s"], random_stream(seed, f"patience of {queue}")
    if law is None and "patience_s" in rows:
        planned = rows["patience_s"].fillna(np.inf).to_numpy(dtype="float64")
        patience = draw_patience(1.0, queue, len(at), laws["attempts"], stream) * planned[interval, None]
    else:
        patience = draw_patience(np.inf if law is None else law, queue, len(at), laws["attempts"], stream)
    return {"at": at, "talk": talk, "hold": hold, "wrap": wrap, "patience": patience}
