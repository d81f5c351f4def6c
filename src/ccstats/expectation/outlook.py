"""A plan as arrays, its intervals gathered into periods, and what is expected of them: by formula, or over simulated outcomes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from ccstats.errors import DataWarning, OptionError, TableError, ZoneError
from ccstats.expectation.expected import DEFINITIONS, FORMULAS, Rows, Sums, divide, known_rows, level_sums, run_numbers
from ccstats.expectation.simulated import simulate_once
from ccstats.periods import PERIODS, check_timezone, period_start
from ccstats.queueing.replications import check_seed, random_stream
from ccstats.schema import PLAN, as_frame

__all__ = ["Asked", "Cells", "Options", "Quotient", "by_formula", "numbers", "outcomes", "read_plan"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MODELS = (*FORMULAS, "simulation")
_PERIODS = ("interval", *PERIODS)
_NEEDED = ("queue", "interval_start", "interval_s", "expected_offered", "expected_aht_s", "threshold_s", "patience_s")
#: Points that a gamma distribution is replaced by where a formula is averaged over it.
_POINTS = 16


@dataclass(frozen=True)
class Options:
    """How a plan is evaluated: the arguments of `ccstats.evaluate_staffing`, checked.

    Examples
    --------
    >>> Options(model="transient").replications
    200
    """

    model: str = "stationary"
    period: str | None = "interval"
    timezone: str | None = None
    arrival_cv: float = 0.0
    replications: int = 200
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        if self.model not in _MODELS:
            raise OptionError(f"model={self.model!r} is not known; choose one of: {', '.join(_MODELS)}")
        if self.period is not None and self.period not in _PERIODS:
            raise OptionError(f"period={self.period!r} is not known; choose one of: {', '.join(_PERIODS)}, or None for one row a queue")
        if not (np.isfinite(self.arrival_cv) and self.arrival_cv >= 0):
            raise OptionError(f"arrival_cv={self.arrival_cv!r} must be a number from 0 (the forecast is right) up, such as 0.1")
        least, why = (2, "model='simulation' is made of them") if self.model == "simulation" else (0, "0 leaves out target_met_probability")
        if not isinstance(self.replications, int | np.integer) or self.replications < least:
            raise OptionError(f"replications={self.replications!r} must be a whole number, {least} or more: {why}")
        check_seed(self.seed)
        if not 0 < self.confidence < 1:
            raise OptionError(f"confidence={self.confidence!r} must lie between 0 and 1, such as 0.95")
        days = self.period not in (None, "interval")
        if self.timezone is not None:
            check_timezone(self.timezone)
        elif days or self.arrival_cv > 0:
            what = f"period={self.period!r}" if days else f"arrival_cv={self.arrival_cv!r}"
            raise ZoneError(f"{what} depends on where days begin; say timezone=, such as 'Europe/Istanbul'")


@dataclass(frozen=True)
class Asked:
    """A plan as arrays, sorted by queue and time.

    Attributes
    ----------
    frame : pandas.DataFrame
        The plan.
    queue : numpy.ndarray
        Number of the queue.
    rows : Rows
        What a model needs.
    known : numpy.ndarray
        Whether a model can say anything.
    definition : numpy.ndarray
        Service level planned for.
    target : numpy.ndarray
        Service level asked for; missing: none.
    """

    frame: pd.DataFrame
    queue: Ints
    rows: Rows
    known: NDArray[np.bool_]
    definition: NDArray[Any]
    target: Floats


def read_plan(plan: Any, agents: str) -> Asked:
    """A plan as arrays, if it has what an evaluation needs; warns of intervals that cannot be evaluated.

    Parameters
    ----------
    plan : table
        A `plan`.
    agents : str
        The column of agents on the floor.

    Returns
    -------
    Asked

    Raises
    ------
    TableError
        If a column is missing or of another kind, or intervals of a queue overlap.
    """
    frame = as_frame(plan, what="plan")
    problems = PLAN.problems(frame, columns=[*_NEEDED, *(["shrinkage"] if agents == "scheduled_agents" else [])])
    if agents not in frame:
        problems.append(f"column {agents!r} is missing (agents={agents!r} says who is on the floor)")
    elif not pd.api.types.is_numeric_dtype(frame[agents].dtype):
        problems.append(f"column {agents!r} is {frame[agents].dtype}, expected numbers (agents={agents!r} says who is on the floor)")
    for name in ("lines", "short_s"):
        if name in frame and not pd.api.types.is_numeric_dtype(frame[name].dtype):
            problems.append(f"column {name!r} is {frame[name].dtype}, expected numbers")
        elif name == "lines" and (numbers(frame, name) < 1).any():
            problems.append("column 'lines' is below 1; expected the contacts that can be there at once, infinite or missing for no limit")
    if problems:
        lines = "\n  - ".join(problems)
        raise TableError(
            f"the plan cannot be evaluated ({len(problems)} problem{'s' if len(problems) > 1 else ''}):\n  - {lines}\n"
            "Make it with plan_staffing, or add what is missing, such as plan.assign(threshold_s=20.0, patience_s=float('inf'))"
        )
    frame = frame.sort_values(["queue", "interval_start"], kind="stable", ignore_index=True)
    queue = frame["queue"].cat.codes.to_numpy().astype("int64")
    floor = numbers(frame, agents) * (1 - numbers(frame, "shrinkage") if agents == "scheduled_agents" else 1.0)
    places = numbers(frame, "lines")
    rows = Rows(
        offered=numbers(frame, "expected_offered"),
        agents=floor,
        aht_s=numbers(frame, "expected_aht_s"),
        interval_s=numbers(frame, "interval_s"),
        patience_s=numbers(frame, "patience_s"),
        threshold_s=numbers(frame, "threshold_s"),
        short_s=numbers(frame, "short_s"),
        run=np.zeros(len(frame), dtype="int64"),
        lines=np.where(_lossy(frame), floor, np.where(np.isnan(places), np.inf, places)),
    )
    start = pd.DatetimeIndex(frame["interval_start"]).as_unit("us").asi8 / 1e6
    early = (np.diff(queue) == 0) & (start[:-1] + rows.interval_s[:-1] > start[1:] + 1e-3)
    if early.any():
        first, second = frame.iloc[np.flatnonzero(early)[0]], frame.iloc[np.flatnonzero(early)[0] + 1]
        raise TableError(
            f"queue {first['queue']!r}: the interval of {first['interval_s']:g} s from {first['interval_start']} reaches into the next "
            f"one, from {second['interval_start']} ({early.sum()} such rows); each moment of a queue may stand in one row only"
        )
    rows = rows._replace(run=run_numbers(queue, start, rows))
    known = known_rows(rows)
    if not known.all():
        row = frame.iloc[np.flatnonzero(~known)[0]]
        found = ", ".join(f"{name} {row[name]:g}" for name in ("expected_offered", agents, "expected_aht_s", "patience_s"))
        warnings.warn(
            f"{(~known).sum()} of {len(known)} intervals cannot be evaluated and are left out, first {row['queue']} at "
            f"{row['interval_start']}: {found}. Expected: volume and agents from 0 up, a handle time where contacts are expected, positive "
            "patience",
            DataWarning,
            stacklevel=3,
        )
    return Asked(frame, queue, rows, known, _definitions(frame, rows.short_s), numbers(frame, "target_service_level"))


def _lossy(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Where the plan is by Erlang B: as many lines as agents, so that nobody waits."""
    return (frame["model"] == "erlang_b").to_numpy() if "model" in frame else np.zeros(len(frame), dtype=bool)


def numbers(frame: pd.DataFrame, name: str) -> Floats:
    """A column as floats, missing where the table does not have it.

    Examples
    --------
    >>> numbers(pd.DataFrame({"agents": [3]}), "shrinkage")
    array([nan])
    """
    if name not in frame:
        return np.full(len(frame), np.nan)
    return frame[name].to_numpy(dtype="float64", na_value=np.nan)


def _definitions(frame: pd.DataFrame, short_s: Floats) -> NDArray[Any]:
    if "definition" not in frame:
        return np.full(len(frame), "service_level", dtype=object)
    words = frame["definition"].astype("str")
    pairs = pd.DataFrame({"queue": frame["queue"], "definition": words}).drop_duplicates()
    several = pairs.loc[pairs["queue"].duplicated(), "queue"]
    if len(several):
        raise TableError(f"queue {several.iloc[0]!r} has several definitions of the service level; evaluate them as plans of their own")
    unknown = sorted(set(words.unique()) - set(DEFINITIONS))
    if unknown:
        raise TableError(f"the plan's definition is {unknown}, which is no service level; choose one of: {', '.join(DEFINITIONS)}")
    if (words.isin(["sl_excl_short", "sl_short_met"]).to_numpy() & np.isnan(short_s)).any():
        raise TableError(
            "the plan's definition counts short abandons, but the table does not say what is short; add the column, such as "
            "plan.assign(short_s=5.0)"
        )
    return words.to_numpy(dtype=object)


class Cells:
    """The rows of the result: one for every interval, or for every queue and period.

    Parameters
    ----------
    asked : Asked
        The plan.
    period, timezone : str, optional
        Of `Options`.

    Attributes
    ----------
    keys : dict of str to column
        ``queue``, and ``interval_start`` or ``period_start``.
    first : numpy.ndarray
        The first interval of each.
    """

    def __init__(self, asked: Asked, period: str | None, timezone: str | None) -> None:
        begins = np.append(True, np.diff(asked.queue) != 0)[: len(asked.queue)]
        starts = pd.DatetimeIndex(asked.frame["interval_start"])
        if period == "interval":
            begins[:] = True
        elif period is not None and len(starts):
            starts = period_start(starts, period=period, timezone=str(timezone))
            begins[1:] |= starts[1:] != starts[:-1]
        self.number = np.cumsum(begins) - 1
        self.first = np.flatnonzero(begins)
        self.keys: dict[str, Any] = {"queue": asked.frame["queue"].array.take(self.first)}
        if period is not None:
            self.keys["interval_start" if period == "interval" else "period_start"] = starts.take(self.first)

    def __len__(self) -> int:
        return len(self.first)

    def add(self, values: Any) -> Floats:
        """The sum over the intervals of each row."""
        return np.bincount(self.number, weights=values, minlength=len(self.first)).astype("float64")

    def mean(self, values: Floats, weights: Floats) -> Floats:
        """The mean over the intervals of each row, weighted; unweighted where all weights are 0. What has no weight need not be known."""
        weights = np.where((self.add(weights) > 0)[self.number], weights, 1.0)
        return divide(self.add(np.where(weights > 0, weights * values, 0.0)), self.add(weights))


class Quotient:
    """A quotient of two sums over simulated outcomes: the mean above divided by the mean below, and its confidence limits.

    Examples
    --------
    >>> asa_s = Quotient()
    >>> for waited, answered in ((100, 10), (120, 12), (200, 20)):
    ...     asa_s.add(np.array([waited]), np.array([answered]))
    >>> asa_s.value().tolist(), asa_s.half_width(0.95).round(6).tolist()
    ([10.0], [0.0])
    """

    def __init__(self) -> None:
        self._outcomes = 0
        self._moments: Any = 0.0

    def add(self, above: Floats, below: Floats) -> None:
        """Count one outcome."""
        self._outcomes += 1
        self._moments = self._moments + np.stack([above, below, above**2, above * below, below**2])

    def value(self) -> Floats:
        """The quotient; missing where nothing is below."""
        return divide(self._moments[0], self._moments[1])

    def half_width(self, confidence: float) -> Floats:
        """Half of its confidence interval: delta method, Student's t."""
        mean, value = self._moments / self._outcomes, self.value()
        with np.errstate(invalid="ignore"):
            variance = np.maximum(mean[2] - 2 * value * mean[3] + value**2 * mean[4], 0.0) / (self._outcomes - 1)
        return float(special.stdtrit(self._outcomes - 1, (1 + confidence) / 2)) * divide(np.sqrt(variance), mean[1])


def by_formula(asked: Asked, options: Options) -> Sums:
    """Expected sums of every interval by a formula, averaged over how busy the days may be; 0 where an interval is not known."""
    factors, weights = np.ones(1), np.ones(1)
    if options.arrival_cv > 0:
        points, weights = np.polynomial.legendre.leggauss(_POINTS)
        factors = special.gammaincinv(options.arrival_cv**-2, (points + 1) / 2)
        factors, weights = factors / (weights @ factors / 2), weights / 2
    if options.model != "stationary":
        _refuse_lossy(asked, f"model={options.model!r}", "model='stationary'")
    rows = asked.rows.take(asked.known)
    total: Sums = {}
    for factor, weight in zip(factors, weights, strict=True):
        for name, values in FORMULAS[options.model](rows._replace(offered=rows.offered * factor)).items():
            total[name] = total.get(name, 0.0) + weight * values
    return _of_all(asked, total)


def outcomes(asked: Asked, options: Options) -> Iterator[Sums]:
    """Sums of every interval in each simulated outcome; 0 where an interval is not known."""
    if options.replications:
        simulated = options.model == "simulation"
        _refuse_lossy(
            asked,
            "model='simulation'" if simulated else "the simulated target_met_probability",
            "model='stationary'" if simulated else "replications=0",
        )
    rows = asked.rows.take(asked.known)
    day = np.zeros(len(rows.run), dtype="int64")
    if options.arrival_cv > 0:
        starts = period_start(asked.frame["interval_start"][asked.known], period="day", timezone=str(options.timezone))
        day = pd.factorize(pd.MultiIndex.from_arrays([asked.queue[asked.known], starts]))[0]
    for seed in np.random.SeedSequence(options.seed).spawn(options.replications):
        offered = rows.offered
        if options.arrival_cv > 0:
            shape = options.arrival_cv**-2
            offered = offered * random_stream(seed, "busyness").gamma(shape, 1 / shape, day.max(initial=-1) + 1)[day]
        yield _of_all(asked, simulate_once(rows._replace(offered=offered), seed))


def _refuse_lossy(asked: Asked, what: str, instead: str) -> None:
    if (lossy := _lossy(asked.frame)).any():
        queue = asked.frame["queue"].iloc[int(np.argmax(lossy))]
        raise OptionError(f"queue {queue!r} is planned by erlang_b, which has no queue to carry over: not for {what}; use {instead}")


def _of_all(asked: Asked, sums: Sums) -> Sums:
    """Sums of the known intervals in place among all, with what is divided for the service level of each."""
    definition = asked.definition[asked.known]
    above, below = np.zeros(len(definition)), np.zeros(len(definition))
    for word in np.unique(definition):
        of_it = definition == word
        above[of_it], below[of_it] = (each[of_it] for each in level_sums(sums, word))
    placed = {}
    for name, values in {**sums, "within": above, "counted": below}.items():
        placed[name] = np.zeros(len(asked.known))
        placed[name][asked.known] = values
    return placed
