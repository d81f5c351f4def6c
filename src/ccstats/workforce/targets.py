"""What a planner asks of a queue, checked once, and the model that says how many agents it takes and what they achieve.

Every option is one value for all queues or a dict with one for each; here it becomes one `StaffingTargets` a queue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ccstats.errors import OptionError, did_you_mean
from ccstats.queueing import erlang
from ccstats.queueing.measures import DEFINITIONS

__all__ = ["MODELS", "Expected", "StaffingTargets", "targets_of"]

Floats = NDArray[np.float64]

#: The models a plan can be made with.
MODELS = ("erlang_c", "erlang_a", "erlang_b")

#: A limit that is passed by less than this factor is kept: 8.4 / 12 is 0.7.
_SAME = 1 + 1e-12

#: Those whose denominator leaves contacts out, so that it depends on the agents; their numerator is that of ``service_level``.
_LEAVE_OUT = ("sl_answered_only", "sl_excl_early_abandoned", "sl_excl_short")

_EXAMPLE = "plan_staffing(forecast, target_service_level=0.80, threshold_s=20)"


class Expected(NamedTuple):
    """What agents are expected to achieve; NaN where nothing is expected to come.

    Attributes
    ----------
    service_level, abandonment_rate, occupancy : numpy.ndarray
        Shares; service level by the definition asked for, NaN without a threshold.
    asa_s : numpy.ndarray
        Mean wait of the answered; infinite in overload without abandonment. [s]

    Examples
    --------
    >>> Expected(*np.full((4, 1), np.nan)).asa_s
    array([nan])
    """

    service_level: Floats
    asa_s: Floats
    abandonment_rate: Floats
    occupancy: Floats


@dataclass(frozen=True)
class StaffingTargets:
    """What is asked of one queue, and how its callers behave. `targets_of` checks the values.

    Attributes
    ----------
    model, definition : str
        Of `MODELS`, and of `ccstats.queueing.measures.DEFINITIONS`; the other service levels count what no queueing model knows.
    target_service_level, max_abandonment_rate, max_occupancy, max_blocking_rate : float or None
        Shares asked for; None: not asked.
    threshold_s, max_mean_wait_s, short_s : float or None
        Seconds asked for; None: not asked. [s]
    patience_s : float
        Mean patience; infinite: nobody gives up. [s]
    lines : float
        Contacts that can be in the queue and with agents at once.
    floor : float
        Service level of every interval where the target is one over several; by default 0.5, or the target if that is lower.
    shrinkage : float
        Share of scheduled time that is not on the floor.
    min_agents : float
        Agents in every interval, whatever comes.

    Examples
    --------
    >>> targets_of(["sales"], target_service_level=0.8, threshold_s=20)["sales"].required([10.0], [180.0])
    array([14.])
    """

    model: str
    definition: str
    target_service_level: float | None
    threshold_s: float | None
    max_mean_wait_s: float | None
    max_abandonment_rate: float | None
    max_occupancy: float | None
    max_blocking_rate: float | None
    patience_s: float
    lines: float
    short_s: float | None
    floor: float
    shrinkage: float
    min_agents: float

    @property
    def limited(self) -> bool:
        """Whether anything but a service level is asked for.

        Examples
        --------
        >>> targets_of(["sales"], max_occupancy=0.85)["sales"].limited
        True
        """
        return any(
            each is not None for each in (self.max_mean_wait_s, self.max_abandonment_rate, self.max_occupancy, self.max_blocking_rate)
        )

    def required(self, load: Any, aht_s: Any, *, fractional: bool = False) -> Floats:
        """The fewest agents that meet everything asked for; infinite where no number does.

        Examples
        --------
        >>> lossy = targets_of(["trunk"], max_blocking_rate=0.01, model="erlang_b")["trunk"]
        >>> lossy.required([10.0], [180.0])
        array([18.])
        """
        load, aht_s = np.asarray(load, dtype="float64"), np.asarray(aht_s, dtype="float64")
        if not load.size or (self.target_service_level is None and not self.limited):
            return np.zeros(load.shape)
        if self.model == "erlang_b":
            lost = [1.0 if self.target_service_level is None else 1 - self.target_service_level]
            lost += [1.0 if self.max_blocking_rate is None else self.max_blocking_rate]
            return _fewest_servers(load, min(lost), 1.0 if self.max_occupancy is None else self.max_occupancy, fractional=fractional)
        found = erlang.agents_required(
            load,
            aht_s=aht_s,
            target_service_level=self.target_service_level,
            threshold_s=None if self.target_service_level is None else self.threshold_s,
            max_mean_wait_s=self.max_mean_wait_s,
            max_abandonment_rate=self.max_abandonment_rate,
            max_occupancy=self.max_occupancy,
            max_blocking_rate=self.max_blocking_rate,
            patience_s=self.patience_s,
            lines=self.lines,
            definition=self.definition,
            short_s=self.short_s,
            fractional=fractional,
        )
        return np.asarray(found, dtype="float64")

    def window(self, load: Any, aht_s: Any) -> tuple[Floats, Floats]:
        """The fewest agents that meet the floor and every limit, and as many as still make a difference to the service level.

        More agents than the second number would serve less than a billionth of the contacts in time that are not already.

        Examples
        --------
        >>> targets = targets_of(["sales"], target_service_level=0.8, threshold_s=20, floor=0.5)["sales"]
        >>> low, high = targets.window([10.0], [180.0])
        >>> low.tolist(), bool(high[0] > 20)
        ([12.0], True)
        """
        low = np.maximum(replace(self, target_service_level=self.floor or None).required(load, aht_s), np.ceil(self.min_agents))
        ample = replace(
            self,
            target_service_level=1 - 1e-9,
            max_mean_wait_s=None,
            max_abandonment_rate=None,
            max_occupancy=None,
            max_blocking_rate=None,
        )
        high = ample.required(load, aht_s)
        # Where contacts are lost even with an agent for every line, more agents than lines make no difference.
        return low, np.maximum(low, np.minimum(high, np.floor(self.lines)))

    def expected(self, agents: Any, load: Any, aht_s: Any) -> Expected:
        """What so many agents achieve.

        Examples
        --------
        >>> targets = targets_of(["sales"], target_service_level=0.8, threshold_s=20)["sales"]
        >>> targets.expected([14.0], [10.0], [180.0]).service_level.round(4)
        array([0.8884])
        """
        agents, load = np.asarray(agents, dtype="float64"), np.asarray(load, dtype="float64")
        if self.model == "erlang_b":
            blocked = np.asarray(erlang.erlang_b(agents, load))
            with np.errstate(invalid="ignore", divide="ignore"):
                busy = load * (1 - blocked) / agents
            level, none = np.where(load > 0, [1 - blocked, np.zeros(load.shape)], np.nan)
            return Expected(np.full(load.shape, np.nan) if self.threshold_s is None else level, none, none, busy)
        queue: dict[str, Any] = {"aht_s": aht_s, "patience_s": self.patience_s, "lines": self.lines}
        return Expected(
            np.full(load.shape, np.nan) if self.threshold_s is None else self.service_level(agents, load, aht_s),
            np.asarray(erlang.mean_wait_s(agents, load, of="answered", **queue)),
            np.asarray(erlang.abandonment_rate(agents, load, **queue)),
            np.asarray(erlang.occupancy(agents, load, **queue)),
        )

    def scheduled(self, agents: Any, *, fractional: bool = False) -> Floats:
        """How many to schedule so that, shrinkage taken off, these are on the floor: rounded up once, or not at all.

        Rounding forgives a billionth above a whole number, because 21 / 0.7 is a little more than 30 to a computer.

        Examples
        --------
        >>> targets_of(["sales"], max_occupancy=0.85, shrinkage=0.30)["sales"].scheduled([14.0, 21.0])
        array([20., 30.])
        """
        needed = np.asarray(agents, dtype="float64") / (1 - self.shrinkage)
        return needed if fractional else np.ceil(needed * (1 - 1e-9))

    def service_level(self, agents: Floats, load: Floats, aht_s: Any, *, definition: str | None = None) -> Floats:
        """The service level of so many agents, by the definition asked for or another one; a threshold must have been given.

        Examples
        --------
        >>> targets = targets_of(["sales"], target_service_level=0.8, threshold_s=20)["sales"]
        >>> targets.service_level(np.array([14.0]), np.array([10.0]), 180.0).round(4)
        array([0.8884])
        """
        if self.model == "erlang_b":
            return 1 - np.asarray(erlang.erlang_b(agents, load))
        level = erlang.service_level(
            agents,
            load,
            aht_s=aht_s,
            threshold_s=float(self.threshold_s or 0),
            patience_s=self.patience_s,
            lines=self.lines,
            definition=definition or self.definition,
            short_s=self.short_s,
        )
        return np.asarray(level)

    def counted(self, level: Floats, agents: Floats, load: Floats, aht_s: Any) -> Floats:
        """The share of the offered that the definition's denominator counts, given the service level by that definition.

        Examples
        --------
        >>> targets = targets_of(["sales"], target_service_level=0.8, threshold_s=20)["sales"]
        >>> targets.counted(np.array([0.9]), np.array([14.0]), np.array([10.0]), 180.0)
        array([1.])
        """
        if self.definition not in _LEAVE_OUT:
            return np.ones(level.shape)
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.service_level(agents, load, aht_s, definition="service_level") / level


def targets_of(
    queues: Sequence[Any],
    *,
    target_service_level: Any = None,
    threshold_s: Any = None,
    max_mean_wait_s: Any = None,
    max_abandonment_rate: Any = None,
    max_occupancy: Any = None,
    max_blocking_rate: Any = None,
    model: Any = None,
    patience_s: Any = np.inf,
    lines: Any = np.inf,
    definition: Any = "service_level",
    short_s: Any = None,
    floor: Any = None,
    shrinkage: Any = 0.0,
    min_agents: Any = 0,
) -> dict[Any, StaffingTargets]:
    """What is asked of each queue, checked: options as `ccstats.plan_staffing` takes them.

    Parameters
    ----------
    queues : sequence
        Names of the queues.
    target_service_level, threshold_s, max_mean_wait_s, max_abandonment_rate, max_occupancy, max_blocking_rate, model, patience_s, lines, \
    definition, short_s, floor, shrinkage, min_agents
        One value for all queues, or a dict of queue to value.

    Returns
    -------
    dict of queue to StaffingTargets

    Raises
    ------
    OptionError
        If nothing is asked of a queue, a dict leaves one out, a value is out of range, or options contradict each other.

    Examples
    --------
    >>> patience_s = {"sales": 120, "help": float("inf")}
    >>> asked = targets_of(["sales", "help"], target_service_level={"sales": 0.9, "help": 0.8}, threshold_s=20, patience_s=patience_s)
    >>> [(each.target_service_level, each.model) for each in asked.values()]
    [(0.9, 'erlang_a'), (0.8, 'erlang_c')]
    """
    given = {name: value for name, value in locals().items() if name != "queues"}
    return {queue: _targets({name: _of_queue(value, name, queue) for name, value in given.items()}, queue) for queue in queues}


def _of_queue(value: Any, name: str, queue: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    if queue not in value:
        hint = did_you_mean(str(queue), value)
        raise OptionError(f"{name}= is a dict without the queue {queue!r}; give every queue of the forecast a value.{hint}")
    return value[queue]


def _targets(given: dict[str, Any], queue: Any) -> StaffingTargets:
    """One queue's options, each checked on its own, then together."""
    checked = {name: _checked(value, name, queue) for name, value in given.items()}
    patience = checked["patience_s"]
    model = checked["model"] or ("erlang_a" if np.isfinite(patience) else "erlang_c")
    checked["floor"] = min(_FLOOR, checked["target_service_level"] or 0.0) if checked["floor"] is None else checked["floor"]
    targets = StaffingTargets(**{**checked, "model": model, "patience_s": patience if model == "erlang_a" else np.inf})
    where = f"queue {queue!r}: "
    if targets.target_service_level is None and not targets.limited:
        raise OptionError(f"{where}no service is asked for, so no agents are needed; say what is, for example {_EXAMPLE}")
    if targets.target_service_level is not None and targets.threshold_s is None:
        raise OptionError(f"{where}target_service_level= needs threshold_s=, the seconds to answer within; for 80/20: {_EXAMPLE}")
    if (targets.definition == "sl_excl_short") != (targets.short_s is not None):
        raise OptionError(
            f"{where}short_s= and definition='sl_excl_short' belong together; found short_s={targets.short_s}, {targets.definition!r}"
        )
    if model == "erlang_a" and not np.isfinite(patience):
        raise OptionError(
            f"{where}model='erlang_a' needs patience_s=, the mean time after which callers give up; estimate_patience finds it"
        )
    if model == "erlang_b" and (targets.definition != "service_level" or np.isfinite(targets.lines)):
        raise OptionError(f"{where}model='erlang_b' has no queue: leave out lines= and definition=")
    if targets.min_agents > targets.lines:
        raise OptionError(f"{where}min_agents={targets.min_agents:g} are more than lines={targets.lines:g}; every agent needs a line")
    if targets.max_blocking_rate is not None and model != "erlang_b" and not np.isfinite(targets.lines):
        raise OptionError(f"{where}max_blocking_rate= needs lines=, or model='erlang_b': without a limit on lines nothing is blocked")
    if targets.floor and targets.target_service_level is not None and targets.floor > targets.target_service_level:
        raise OptionError(
            f"{where}floor={targets.floor} is above target_service_level={targets.target_service_level}; the floor is the least"
        )
    return targets


def _checked(value: Any, name: str, queue: Any) -> Any:
    """One option of one queue, if it is what the option can be."""
    if name in _WORDS:
        if value not in _WORDS[name]:
            hint = did_you_mean(str(value), map(str, _WORDS[name]))
            raise OptionError(
                f"{name}={value!r} for queue {queue!r}: expected one of {', '.join(map(str, filter(None, _WORDS[name])))}.{hint}"
            )
        return value
    if value is None and name not in _ALWAYS:
        return None
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    fits, expected = _RANGES[name]
    if not number or not fits(value):
        share = number and name in _SHARES and 1 < value <= 100
        hint = f" Shares are written 0 to 1: for {value:g} % give {value / 100:g}." if share else ""
        raise OptionError(f"{name}={value!r} for queue {queue!r}: expected {expected}.{hint}")
    return float(value)


_WORDS: dict[str, tuple[Any, ...]] = {"model": (None, *MODELS), "definition": DEFINITIONS}
_ALWAYS = ("patience_s", "lines", "shrinkage", "min_agents")

#: Floor of every interval where none is named: without one, whole intervals are sacrificed, because that is cheapest.
_FLOOR = 0.5

_SHARES = ("target_service_level", "max_abandonment_rate", "max_occupancy", "max_blocking_rate", "floor", "shrinkage")
_RANGES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "target_service_level": (lambda x: 0 < x < 1, "a share above 0 and below 1 (only endless agents serve everybody in time)"),
    "threshold_s": (lambda x: 0 <= x < np.inf, "seconds from 0 on"),
    "max_mean_wait_s": (lambda x: 0 < x < np.inf, "seconds above 0"),
    "max_abandonment_rate": (lambda x: 0 < x <= 1, "a share above 0"),
    "max_occupancy": (lambda x: 0 < x <= 1, "a share above 0"),
    "max_blocking_rate": (lambda x: 0 < x <= 1, "a share above 0"),
    "patience_s": (lambda x: x > 0, "seconds above 0, or infinity where nobody gives up"),
    "lines": (lambda x: x >= 1, "a number of lines from 1 on, or infinity"),
    "short_s": (lambda x: 0 <= x < np.inf, "seconds from 0 on"),
    "floor": (lambda x: 0 <= x < 1, "a share from 0 on and below 1"),
    "shrinkage": (lambda x: 0 <= x < 1, "a share from 0 on and below 1"),
    "min_agents": (lambda x: 0 <= x < np.inf, "a number of agents from 0 on"),
}


def _fewest_servers(load: Floats, blocked: float, busy: float, *, fractional: bool) -> Floats:
    """The fewest servers that lose no more than a share of the contacts and are busy no more than a share of their time."""

    def met(servers: Floats) -> NDArray[np.bool_]:
        lost = erlang.erlang_b(servers, load)
        return (lost <= blocked * _SAME) & (load * (1 - lost) <= busy * servers * _SAME)

    low, high = np.zeros(load.shape), np.where(load > 0, np.maximum(1.0, np.ceil(load)), 0.0)
    while (short := (high > 0) & ~met(high)).any():
        low, high = np.where(short, high, low), np.where(short, 2 * high, high)
    while (apart := high - low > (1e-13 * high if fractional else 1)).any():
        middle = (low + high) / 2 if fractional else np.floor((low + high) / 2)
        enough = met(middle)
        low, high = np.where(apart & ~enough, middle, low), np.where(apart & enough, middle, high)
    return high
