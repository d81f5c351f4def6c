"""Service level judged against what could be expected of the contacts that came, the time they took and the agents who were there."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from ccstats.deviations.cells import Cells
from ccstats.deviations.observed import check_amounts
from ccstats.deviations.spread import Spread, expected_variance, spread_of_outcomes, spread_of_shares
from ccstats.errors import DataWarning, OptionError
from ccstats.expectation.expected import Rows, Sums, divide, known_rows, level_sums, stationary_sums, transient_sums
from ccstats.expectation.given import simulate_given
from ccstats.expectation.outlook import numbers
from ccstats.expectation.staffed import OCCUPIED, join_agents, staffed_rows
from ccstats.intervals.cells import by_names
from ccstats.intervals.merging import as_intervals
from ccstats.metrics import SERVICE_LEVELS
from ccstats.periods import PERIODS, check_timezone
from ccstats.queueing.replications import check_seed, random_stream
from ccstats.schema import AGENT_INTERVALS, as_frame

__all__ = ["judge_service_level"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_FORMULAS: dict[str, Callable[[Rows], Sums]] = {"transient": partial(transient_sums, finish=False), "stationary": stationary_sums}
_MODELS = ("simulation", *_FORMULAS)
_PERIODS = ("interval", *PERIODS, "weekday", "slot")
_VERDICTS = ("noise", "better", "worse", "unknown")
#: Answered contacts from which on an interval's handle time is its own, see `ccstats.expectation.staffed.handle_times`.
_ENOUGH = 10
_NUMBER = int | float | np.integer | np.floating


def judge_service_level(
    intervals: Any,
    agent_intervals: Any,
    *,
    by: str | Sequence[str] | None = None,
    definition: str = "service_level",
    model: str = "simulation",
    patience_s: float | None = None,
    aht_s: str | float = "interval",
    window: int = 1,
    period: str | None = "interval",
    timezone: str | None = None,
    replications: int = 200,
    coverage: float = 0.99,
    seed: int = 0,
) -> pd.DataFrame:
    """Whether a service level is noise: what chance alone makes of the same contacts, handle times and agents, beside what happened.

    Parameters
    ----------
    intervals : table
        `intervals`, counted with a threshold and booked where contacts joined the queue (``attribute_by="queued"``).
    agent_intervals : table
        `agent_intervals`, made with the same ``every`` and ``timezone``. Those before the first or after the last of ``intervals`` are
        left out.
    by : str, optional
        ``queue``: every queue with the agents counted under it. ``()``: all queues as one, served by all agents. By default ``queue``
        where ``agent_intervals`` has that column.
    definition : str
        Which of the nine observed service levels is judged (`ccstats.metrics.SERVICE_LEVELS`).
    model : str
        ``simulation``: outcomes with exactly the observed number of contacts in every interval, their mean handle time, and the agents who
        were there; the reference. ``transient`` and ``stationary``: the expectation by formula, with an approximated spread, in a
        fraction of the time; see Notes.
    patience_s : float, optional
        Mean patience. By default total wait by number of abandons of each queue, over all its intervals; infinite where nobody abandoned.
        [s]
    aht_s : str or float
        ``interval``: the interval's own where at least 10 contacts were answered, else that of the time of day, else of all; ``slot``: of
        the time of day; ``month``: of the month; or a number for all. [s]
    window : int
        Handle times (and, for the formulas, volumes) are averaged over this odd number of intervals around each. [intervals]
    period : str, optional
        ``interval``; or ``hour, day, week, month, quarter, year, weekday, slot``: sums per period, divided last; None: one row a queue.
    timezone : str, optional
        The zone whose days count; by default the one the intervals were cut in.
    replications : int
        Simulated outcomes. [outcomes]
    coverage : float
        Share of outcomes between ``expected_low`` and ``expected_high``: 0.99 leaves one stable interval in a hundred outside. [0-1]
    seed : int
        Of the simulation. A queue's outcomes do not depend on the other queues of the table.

    Returns
    -------
    pandas.DataFrame
        One row per (queue and) interval or period: ``queue`` where grouped by it; ``interval_start`` and ``interval_s``, or
        ``period_start`` (``weekday``, ``slot``) and ``intervals``; ``model``, ``definition``; ``offered``, ``aht_s`` and ``agents``, what
        the model was told (of periods the means, weighted by contacts and by time); the observed service level under the definition's name;
        ``expected_service_level``, mean of the outcomes, ``expected_low`` and ``expected_high``, between which it is noise,
        ``expected_sd``; ``p_value``, the chance of a service level as far out on this side, doubled; ``verdict``: ``noise``, ``better``,
        ``worse``, or ``unknown`` where nothing can be said; ``late``, contacts not answered in time beyond the expectation (negative:
        fewer); ``note``.

        ``unknown`` are intervals without contacts and those whose handle time is not known from anywhere. With nobody there all is
        expected to be late: what was answered in time nevertheless is ``better``, and the agents were not all counted. Without rows the
        table is empty.

    Raises
    ------
    TableError
        If a column is missing or of another kind; if the tables were cut differently; if contacts were counted without a threshold or, in
        one pool, with several; if agents are to be counted by queue and some of their time has none.
    OptionError, ZoneError
        If an argument has no such value, or a period begins inside an interval.

    Warns
    -----
    DataWarning
        If intervals with contacts have no handle time to be had from anywhere.

    See Also
    --------
    find_deviations : all metrics, with charts.
    explain_service_level : where plan and actual parted.
    backtest_staffing : whether a model's expectations fit this centre.

    Notes
    -----
    *What is conditioned on.* A model told the observed count and handle time as if they were its parameters adds the chance in them again:
    with single half-hours it is biased low by 2 to 3 points, by 5 to 8 where nobody gives up, and its spread is a third too wide. So every
    outcome has exactly the contacts of the interval, uniformly placed in it, and the same seconds of handle time, divided among the
    answered as exponential times would be (`ccstats.expectation.given`). What is left is the spread of service level *given* volume, handle
    time and staff. Patience is the queue's mean, exponential. The queue is carried over. Time that agents were reserved, by answered
    contact of the queue, is how long it rang: part of the wait, and of the agents' time. Who left otherwise (flow-outs, callbacks) is
    offered to the model, which knows only patience.

    *p-value.* Where k of R outcomes are as far out as the observed one, ``2 (k + 1) / (R + 1)``, at most 1 [1]_: exact whatever the shape.
    Beyond all outcomes it is the tail of a binomial distribution with their mean and variance, if that is smaller, so that many intervals
    can be ranked, and judged together. The limits follow the same rule.

    *Formulas.* Means by Erlang A (C where nobody gives up) or the transient model with the count as rate, hence the bias above; a
    ``window`` takes most of it away. The variance is that of the time average of the birth-and-death chain of each interval [2]_, see
    `ccstats.deviations.spread.expected_variance`, relative to the binomial one, about the model's mean; intervals of a period are taken as
    independent. Stationary intervals with more contacts than the agents can serve, while nobody gives up, are ``unknown``.

    *How sure.* On five stable simulated queues, 28 days each, the simulation calls 0.3 to 0.7 % of half-hours better or worse at
    ``coverage=0.99`` (ties make it less than 1 %), and its mean is within 0.4 points; with agents who come and go, ringing, and handle
    times whose standard deviation is 1.2 times the mean, up to 1.5 %. What the model does not know shows as ``worse``: agents slower than
    logged, logged in but away from the desk, served by others. A single interval shows only much of it, a day much less.

    References
    ----------
    .. [1] A. C. Davison, D. V. Hinkley (1997), Bootstrap Methods and their Application, section 4.2.
    .. [2] W. Whitt (1992), Asymptotic formulas for Markov processes with applications to simulation. Operations Research 40, 279-291.

    Examples
    --------
    Two weeks in which nothing happened but chance, and the same with handle times that were logged 15 % too short:

    >>> import pandas as pd
    >>> import ccstats as cc
    >>> starts = pd.date_range("2026-03-02", periods=14 * 48, freq="30min", tz="UTC")
    >>> steady = {"queue": "sales", "interval_start": starts, "interval_s": 1800, "expected_offered": 60, "expected_aht_s": 240}
    >>> made = cc.simulate_contacts(pd.DataFrame(steady).assign(agents=9), patience_s=180, seed=1)
    >>> half_hours, staffed = cc.to_intervals(made.contacts, threshold_s=20), cc.to_agent_intervals(made.agent_states)
    >>> judged = cc.judge_service_level(half_hours, staffed)
    >>> bool((judged["verdict"] != "noise").mean() < 0.02)
    True
    >>> shorter = half_hours.assign(total_talk_s=half_hours["total_talk_s"] / 1.15)
    >>> cc.judge_service_level(shorter, staffed, period=None)["verdict"].tolist()
    ['worse']
    """
    _check(definition, model, period, replications, coverage, seed)
    by, timezone = None if by is None else by_names(by), None if timezone is None else check_timezone(timezone)
    came = as_intervals(intervals)
    check_amounts(came)
    frame, keys = join_agents(came, _there(came, agent_intervals), by)
    queue = frame["queue"].cat.codes.to_numpy().astype("int64") if keys else np.zeros(len(frame), dtype="int64")
    rows, fixed = _told(frame, queue, patience_s, aht_s, window, averaged=model != "simulation")
    ring_s = _ring_times(frame, queue)
    known = known_rows(rows)
    if not known.all():
        warnings.warn(
            f"{(~known).sum()} of {len(known)} intervals have contacts, but no handle time is known for them; they cannot be judged. "
            "Give aht_s= a number",
            DataWarning,
            stacklevel=2,
        )
    keyed, number = _rows_of_result(frame, keys, period, timezone)

    def add(values: Any) -> Floats:
        return np.bincount(number, weights=np.asarray(values, dtype="float64"), minlength=len(keyed)).astype("float64")

    # Those refused before the queue are not among the offered, whom alone the models are told.
    counts = {name: numbers(frame, name) for name in frame.columns if frame[name].dtype.kind in "iuf" and name != "blocked"}
    above, below = (add(np.where(known, each, 0.0)) for each in level_sums(counts, definition))
    level = divide(above, below)
    if model == "simulation":
        words = [str(word) for word in frame["queue"].cat.categories] if keys else [""]
        mean, sd, low, high, p_value = np.full((5, len(keyed)), np.nan)
        for sums, at in _outcomes(rows, fixed, ring_s, words, queue, number, definition, replications, seed):
            found = spread_of_outcomes(*sums, level[at], below[at], 1 - coverage)
            mean[at], sd[at], low[at], high[at], p_value[at] = found
        spread = Spread(mean, sd, low, high, p_value)
    else:
        spread = spread_of_shares(*_by_formula(_with_ring(rows, ring_s), known, add, definition, model), level, below, 1 - coverage)
    told = np.isfinite(spread.mean) & np.isfinite(level)
    flagged = told & (spread.p_value <= 1 - coverage + 1e-12)
    verdict: Ints = np.where(flagged, np.where(level > spread.mean, 1, 2), np.where(told, 0, 3)).astype("int64")
    offered, called = add(numbers(frame, "offered")), np.where(known, rows.offered, 0.0)
    return keyed.assign(
        model=pd.Categorical([model] * len(keyed), categories=[model]),
        definition=pd.Categorical([definition] * len(keyed), categories=[definition]),
        offered=offered.astype("int64"),
        aht_s=divide(add(np.where(called > 0, called * rows.aht_s, 0.0)), add(called)),
        agents=divide(add(numbers(frame, "productive_s")), add(rows.interval_s)),
        **{definition: level},
        expected_service_level=spread.mean,
        expected_low=spread.low,
        expected_high=spread.high,
        expected_sd=spread.sd,
        p_value=spread.p_value,
        verdict=pd.Categorical.from_codes(verdict, dtype=pd.CategoricalDtype(list(_VERDICTS))),
        late=(spread.mean - level) * below,
        note=_notes(offered, add(~known), add((rows.agents <= 0) & (rows.offered > 0)), told),
    )


def _check(definition: str, model: str, period: str | None, replications: int, coverage: float, seed: int) -> None:
    if definition not in SERVICE_LEVELS:
        raise OptionError(f"definition={definition!r} is not an observed service level; choose one of: {', '.join(SERVICE_LEVELS)}")
    if model not in _MODELS:
        raise OptionError(f"model={model!r} is not known; choose one of: {', '.join(_MODELS)}")
    if period is not None and period not in _PERIODS:
        raise OptionError(f"period={period!r} is not known; choose one of: {', '.join(_PERIODS)}, or None for one row a queue")
    if not isinstance(replications, int | np.integer) or isinstance(replications, bool) or replications < 20:
        raise OptionError(f"replications={replications!r} must be a whole number, 20 or more: a spread is estimated from them")
    if not (isinstance(coverage, _NUMBER) and 0 < coverage < 1):
        raise OptionError(f"coverage={coverage!r} must lie between 0 and 1, such as 0.99")
    check_seed(seed)


def _there(came: pd.DataFrame, agent_intervals: Any) -> pd.DataFrame:
    """Agents' intervals within the span of the contacts', in an order of their own: sums must not depend on that of the rows."""
    agents, seconds = as_frame(agent_intervals, what="agent_intervals"), ["available_s", "reserved_s", *OCCUPIED]
    AGENT_INTERVALS.check(agents, columns=["interval_start", "interval_s", "timezone", *seconds], keys=False)
    end = (came["interval_start"] + pd.to_timedelta(came["interval_s"], unit="s")).max()
    agents = agents[(agents["interval_start"] >= came["interval_start"].min()) & (agents["interval_start"] < end)]
    return agents.iloc[np.lexsort([numbers(agents, name) for name in seconds])]


def _told(
    frame: pd.DataFrame, queue: Ints, patience_s: float | None, aht_s: str | float, window: int, *, averaged: bool
) -> tuple[Rows, Ints]:
    """What the model is told of each interval, and how many of its contacts take its mean handle time exactly."""
    if not isinstance(patience_s, _NUMBER | None):
        raise OptionError(f"patience_s={patience_s!r} must be a positive number of seconds, or infinite")
    if not isinstance(aht_s, _NUMBER | str):
        raise OptionError(f"aht_s={aht_s!r} must be a positive number of seconds, or 'interval', 'slot' or 'month'")
    if not isinstance(window, int | np.integer):
        raise OptionError(f"window={window!r} must be an odd number of intervals: 1 (each its own), 3, 5, …")
    rows = staffed_rows(frame, queue, patience_s=patience_s, aht_s=aht_s, window=int(window), averaged=averaged)
    known = np.nanmax([np.zeros(len(frame)), *(numbers(frame, f"{part}_known") for part in ("talk", "hold", "wrap"))], axis=0)
    own = (known >= _ENOUGH) & (isinstance(aht_s, str) and aht_s == "interval" and window == 1)
    return rows, np.where(own, numbers(frame, "answered"), 0.0).astype("int64")


def _ring_times(frame: pd.DataFrame, queue: Ints) -> Floats:
    """Seconds that agents of the queue were reserved (the phone rang), by answered contact."""
    reserved = numbers(frame, "productive_s") - numbers(frame, "available_s") - sum(numbers(frame, name) for name in OCCUPIED)
    seconds, answered = (
        np.bincount(queue, weights=each).astype("float64") for each in (np.maximum(reserved, 0.0), numbers(frame, "answered"))
    )
    return np.nan_to_num(divide(seconds, answered))[queue]


def _with_ring(rows: Rows, ring_s: Floats) -> Rows:
    """For the formulas: contacts take longer by it, and must be taken earlier."""
    return rows._replace(aht_s=rows.aht_s + ring_s, threshold_s=np.maximum(rows.threshold_s - ring_s, 0.0))


def _rows_of_result(frame: pd.DataFrame, keys: list[str], period: str | None, timezone: str | None) -> tuple[pd.DataFrame, Ints]:
    """The keys of the result, and its row for each interval."""
    if period == "interval":
        return frame[[*keys, "interval_start", "interval_s"]].copy(), np.arange(len(frame))
    if not len(frame):
        keyed = frame[[*keys, "interval_start"]].rename(columns={"interval_start": "period_start"})
        return (keyed if period else keyed[keys]).assign(intervals=0), np.arange(0)
    cells = Cells(frame, keys, period=period, timezone=timezone)
    return cells.keys.assign(intervals=np.bincount(cells.number, minlength=len(cells))), cells.number


def _outcomes(
    rows: Rows, fixed: Ints, ring_s: Floats, words: Sequence[str], queue: Ints, number: Ints, definition: str, replications: int, seed: int
) -> Iterator[tuple[tuple[Floats, Floats], Ints]]:
    """What is divided in each simulated outcome (outcomes × rows of the result), and those rows.

    Queue by queue: a queue's outcomes are its own, whatever else is in the table, and those of all are never held at once.
    """
    for code, word in enumerate(words):
        of_it = np.flatnonzero(queue == code)
        at, row = np.unique(number[of_it], return_inverse=True)
        rng = random_stream(seed, f"given {word}")
        made = simulate_given(rows.take(of_it), fixed[of_it], replications=replications, rng=rng, ring_s=ring_s[of_it])
        gather = sparse.csr_array((np.ones(len(row)), (row, np.arange(len(row)))), shape=(len(at), len(row)))
        above, below = ((gather @ each.T).T for each in level_sums(made, definition))
        yield (above, below), at


def _by_formula(rows: Rows, known: Bools, add: Callable[[Any], Floats], definition: str, model: str) -> tuple[Floats, Floats]:
    """Mean and variance of the service level of each row of the result; missing where the formula has no steady state to tell of."""
    asked = rows.take(known)
    above, below, strayed = np.zeros((3, len(known)))
    above[known], below[known] = level_sums(_FORMULAS[model](asked), definition)
    share = np.nan_to_num(divide(above[known], below[known]))
    strayed[known] = expected_variance(asked) * share * (1 - share) * below[known]
    counted = add(below)
    mean = divide(add(above), counted)
    if model == "stationary":
        endless = known & (rows.offered > 0) & np.isinf(rows.patience_s) & ~(rows.offered * rows.aht_s < rows.agents * rows.interval_s)
        mean = np.where(add(endless) > 0, np.nan, mean)
    return mean, divide(add(strayed), counted**2)


def _notes(offered: Floats, unknown: Floats, nobody: Floats, told: Bools) -> Any:
    """Why nothing can be said, or what the reader must know."""
    some = [
        (offered == 0, "no contacts"),
        (unknown > 0, "contacts whose handle time is not known from anywhere are left out"),
        (~told, "no expectation: more contacts than the agents can serve, and nobody gives up"),
        (nobody > 0, "nobody on the floor in intervals with contacts"),
    ]
    return pd.array(np.select([each for each, _ in some], [text for _, text in some], default=""), dtype="str")
