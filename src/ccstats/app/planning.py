"""One day planned under what the page's controls say; every figure is the library's own."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ccstats.app.centre import Centre
from ccstats.errors import DataWarning, OptionError
from ccstats.workforce.evaluation import compare_plans, evaluate_staffing
from ccstats.workforce.staffing import plan_staffing

__all__ = ["Controls", "PlannedDay", "plan_day"]

#: How the service of a plan is told.
OUTLOOKS = ("stationary", "transient", "simulation")
#: Whether people give up.
FORMULAS = ("erlang_a", "erlang_c")
#: Simulated days: enough for a figure on a screen, few enough for an answer at once.
REPLICATIONS = 40
#: From which to which number each control goes; shares in percent.
LIMITS: dict[str, tuple[float, float]] = {
    "volume": (0, 1000),
    "handle_time": (1, 1000),
    "shrinkage": (0, 95),
    "target": (1, 99.9),
    "threshold": (0, 86_400),
    "patience": (1, 864_000),
    "cost": (0, 1e9),
}


@dataclass(frozen=True)
class Controls:
    """What is asked: shares 0-1, seconds.

    Attributes
    ----------
    queue, day : str
        What is shown; a queue of the centre, and a key of its days.
    volume, handle_time : float
        Factors on what is expected. [1]
    shrinkage, target : float
        Share of paid time not on the floor; service level asked for. [0-1]
    threshold_s : float
        Of the service level. [s]
    patience_s : float or None
        Mean patience of all queues; None for each queue's own. [s]
    formula, outlook : str
        ``erlang_a`` or ``erlang_c``; ``stationary``, ``transient`` or ``simulation``.
    cost : float
        Of a paid hour, in any money.

    Examples
    --------
    >>> given = {"queue": "sales", "day": "2025-03-10", "shrinkage": 35, "target": 80, "threshold": 20}
    >>> Controls.of(given).shrinkage
    0.35
    """

    queue: str
    day: str
    volume: float = 1.0
    handle_time: float = 1.0
    shrinkage: float = 0.3
    target: float = 0.8
    threshold_s: float = 20.0
    patience_s: float | None = None
    formula: str = "erlang_a"
    outlook: str = "stationary"
    cost: float = 0.0

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Controls:
        """The controls from what a browser sent, checked.

        Raises
        ------
        OptionError
            If a number is missing or out of range, or a word is none of ours.

        Examples
        --------
        >>> Controls.of({"queue": "sales", "day": "2025-03-10", "shrinkage": 100, "target": 80, "threshold": 20})
        Traceback (most recent call last):
        ...
        ccstats.errors.OptionError: shrinkage: expected a number from 0 to 95, found 100
        """
        formula, outlook = str(given.get("formula") or "erlang_a"), str(given.get("outlook") or "stationary")
        for what, word, words in (("formula", formula, FORMULAS), ("outlook", outlook, OUTLOOKS)):
            if word not in words:
                raise OptionError(f"{what}: expected one of {', '.join(words)}, found {word[:40]!r}")
        return cls(
            queue=str(given.get("queue")),
            day=str(given.get("day")),
            volume=_number(given, "volume", 100.0) / 100,
            handle_time=_number(given, "handle_time", 100.0) / 100,
            shrinkage=_number(given, "shrinkage") / 100,
            target=_number(given, "target") / 100,
            threshold_s=_number(given, "threshold"),
            patience_s=None if given.get("patience") in (None, "") else _number(given, "patience"),
            formula=formula,
            outlook=outlook,
            cost=_number(given, "cost", 0.0),
        )


def _number(given: Mapping[str, Any], name: str, otherwise: float | None = None) -> float:
    value = given.get(name, otherwise)
    low, high = LIMITS[name]
    sound = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and low <= value <= high
    if not sound:
        found = "nothing" if value in (None, "") else repr(value)[:40]
        raise OptionError(f"{name}: expected a number from {low:g} to {high:g}, found {found}")
    return float(value)


@dataclass(frozen=True)
class PlannedDay:
    """A day's plan and what it will achieve.

    Attributes
    ----------
    intervals : pandas.DataFrame
        `plan` of the queue that is shown, its ``expected_`` columns by the outlook asked for.
    queues : pandas.DataFrame
        One row a queue: agent hours, scheduled (paid) hours, ``cost``, and expected service.
    notes : tuple of str
        Warnings of the library.

    Examples
    --------
    >>> PlannedDay.__dataclass_params__.frozen
    True
    """

    intervals: pd.DataFrame
    queues: pd.DataFrame
    notes: tuple[str, ...]


def plan_day(centre: Centre, asked: Controls) -> PlannedDay:
    """Plan the day for all queues, by `ccstats.plan_staffing`, and tell its service by `ccstats.evaluate_staffing`.

    Parameters
    ----------
    centre : Centre
        What `open_centre` read.
    asked : Controls
        What the controls say.

    Returns
    -------
    PlannedDay

    Raises
    ------
    OptionError
        If there is no such queue or day.

    Examples
    --------
    >>> import ccstats as cc
    >>> from ccstats.app.centre import open_centre
    >>> centre = open_centre([cc.sample_file("forecast.csv")], timezone="Europe/Berlin")
    >>> day = plan_day(centre, Controls("sales", "2025-03-10", shrinkage=0.35))
    >>> day.queues["queue"].tolist(), len(day.intervals)
    (['support', 'sales', 'roadside'], 48)
    """
    if asked.queue not in centre.patience_s:
        raise OptionError(f"there is no queue {asked.queue[:40]!r} in {centre.title[:80]}")
    came = centre.day(asked.day)
    forecast = came.assign(
        expected_offered=came["expected_offered"] * asked.volume, expected_aht_s=came["expected_aht_s"] * asked.handle_time
    )
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", DataWarning)
        plan = plan_staffing(
            forecast,
            target_service_level=asked.target,
            threshold_s=asked.threshold_s,
            patience_s=_patience(centre, asked),
            shrinkage=asked.shrinkage,
        )
        how: dict[str, Any] = {"model": asked.outlook, "timezone": centre.timezone}
        if asked.outlook == "simulation":
            how["replications"] = REPLICATIONS
        queues = compare_plans({"plan": plan}, period=None, **how)
        if asked.outlook != "stationary":  # else the plan says so itself
            told = evaluate_staffing(plan, period="interval", **how)
            names = [str(name) for name in told if str(name).startswith("expected_") and name in plan]
            plan = plan.assign(**{name: told[name].to_numpy() for name in names})
    queues = queues.assign(queue=queues["queue"].astype("str"), cost=queues["scheduled_hours"] * asked.cost)
    order = [queue for queue in centre.queues if queue in set(queues["queue"])]
    notes = dict.fromkeys(str(each.message) for each in said if issubclass(each.category, DataWarning))
    return PlannedDay(
        plan[plan["queue"].astype("str") == asked.queue].reset_index(drop=True),
        queues.set_index("queue").loc[order].reset_index(),
        tuple(notes),
    )


def _patience(centre: Centre, asked: Controls) -> float | dict[str, float]:
    if asked.formula == "erlang_c":
        return math.inf
    if asked.patience_s is not None:
        return asked.patience_s
    return {queue: np.inf if math.isnan(mean) else mean for queue, mean in centre.patience_s.items()}
