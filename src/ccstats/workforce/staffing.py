"""How many agents each interval of a forecast needs, and what they will achieve: a `plan`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import OptionError, did_you_mean
from ccstats.periods import check_timezone, period_start
from ccstats.queueing.measures import DEFINITIONS
from ccstats.schema import FORECAST, PLAN, as_frame
from ccstats.workforce.allocation import allocate_agents
from ccstats.workforce.notes import HIGH_ABANDONMENT, UNPROVED, model_notes, row_problems, tolerates_abandonment, warn_of_plan
from ccstats.workforce.targets import MODELS, Expected, StaffingTargets, targets_of

__all__ = ["SCOPES", "plan_staffing"]

Floats = NDArray[np.float64]

#: Over what a target can be meant to be met.
SCOPES = ("interval", "day", "week", "month")

#: Fewer rows than this are done before a second thread has started.
_WORTH_A_THREAD = 20_000


def plan_staffing(
    forecast: Any,
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
    scope: str = "interval",
    floor: Any = None,
    timezone: str | None = None,
    shrinkage: Any = 0.0,
    min_agents: Any = 0,
    fractional: bool = False,
    time_limit_s: float = 10.0,
    progress: Callable[[str, float], None] | None = None,
) -> pd.DataFrame:
    """The fewest agents that give each interval, day, week or month of a forecast the service that is asked for.

    Every option down to ``min_agents``, ``scope`` and ``timezone`` excepted, is one value for all queues or a dict with a value for each.

    Parameters
    ----------
    forecast : table
        `forecast`: ``queue, interval_start, interval_s, expected_offered, expected_aht_s``. Other columns are left out of the plan.
    target_service_level : float or dict, optional
        Share of the contacts to serve within ``threshold_s``. [0-1]
    threshold_s : float or dict, optional
        Threshold of the service level; without a target it is only reported. [s]
    max_mean_wait_s : float or dict, optional
        The answered wait no longer than this on average. [s]
    max_abandonment_rate, max_occupancy, max_blocking_rate : float or dict, optional
        No more than this share of the contacts gives up; of the agents' time goes to contacts; of the contacts finds all lines busy. [0-1]
    model : str or dict, optional
        ``erlang_c`` (nobody gives up), ``erlang_a`` (patience is exponential) or ``erlang_b`` (nobody waits). By default Erlang A for
        queues with a finite patience and C for the others.
    patience_s : float or dict
        Mean time after which a waiting contact gives up, as `estimate_patience` finds it. [s]
    lines : float or dict
        Contacts that can be waiting or in service at once; more are blocked. [contacts]
    definition : str or dict
        Which service level is meant: ``service_level`` (answered within the threshold, of all offered), ``sl_answered_only``,
        ``sl_excl_early_abandoned``, ``sl_early_abandoned_met``, ``sl_excl_short`` or ``sl_virtual``.
    short_s : float or dict, optional
        Abandons up to this wait are left out by ``sl_excl_short``. [s]
    scope : str
        ``interval``: the target holds in every interval. ``day``, ``week``, ``month``: it holds over all contacts of a queue's local day,
        week or month, weighted by contacts, with the fewest agent-hours; all limits hold in every interval still.
    floor : float or dict, optional
        Wider scopes only: service level of every single interval; 0.5 by default, or the target if that is lower. With 0, whole
        intervals are sacrificed, because that is cheapest. [0-1]
    timezone : str, optional
        Whose days, weeks and months count; wider scopes need it.
    shrinkage : float or dict
        Share of scheduled time that is not on the floor: breaks, training, illness. [0-1]
    min_agents : float or dict
        Agents on the floor in every interval, also where nothing is expected. [agents]
    fractional : bool
        Leave agents and scheduled agents unrounded (one agent shared by queues; sums that are rounded later); scope ``interval`` only.
    time_limit_s : float
        Search for the fewest agents of one day, week or month no longer than this. [s]
    progress : callable, optional
        Called with a text and the share done.

    Returns
    -------
    pandas.DataFrame
        `plan`, one row per row of the forecast, sorted by queue and time. ``required_agents`` is the real-valued minimum (in wider scopes
        the agents allotted), ``agents`` the least whole number that meets the targets, ``scheduled_agents`` those divided by one less
        the shrinkage, rounded up once. The ``expected_`` columns are those of ``agents`` under the same model; shares are NaN where
        nothing is expected, and there ``agents`` is ``min_agents``.

        ``note`` is empty where there is nothing to say. A row whose numbers cannot be (negative or missing contacts, contacts without a
        handle time) has NaN agents; where no number of agents meets the targets (too few lines) they are infinite, and the ``expected_``
        columns are those of an agent for every line. Such rows count in no day, week or month. Overload, abandonment above 0.20 where no
        limit so low was asked for, and intervals in which a steady state is a doubtful picture have a note too. A day, week or month whose
        agents are not proved to be the fewest says in its rows how many agent-hours might be saved at most.

    Raises
    ------
    TableError
        If a column is missing or of another kind, or a queue and interval is there twice.
    OptionError
        If nothing is asked, a value is out of range, a dict leaves a queue out, or options contradict each other.
    ZoneError
        If the time zone is unknown.

    Warns
    -----
    DataWarning
        Once for each kind of trouble: rows that cannot be planned for, targets that cannot be met, abandonment above 0.20 without a
        limit so low (a target on the answered alone can be met by one agent), agents not proved to be the fewest.

    See Also
    --------
    evaluate_staffing : what a plan achieves when intervals are not taken one by one.

    Notes
    -----
    Each interval is taken as stationary (SIPP: Green, Kolesar & Soares 2001, Improving the SIPP approach for staffing service systems that
    have cyclic demands). Rounding up forgives a billionth, so that 21 agents at 30 % are 30 and not 31.

    Over a day the sum of ``offered × (service level - target)`` has to be zero or more; definitions that leave contacts out of the
    denominator weigh by what they count. Agents beyond whom less than a billionth of the contacts gain are not considered: leaving them
    out changes the day's service level by less than that. See `ccstats.workforce.allocation.allocate_agents` for the search and its
    proof. One agent added at the margin helps more contacts in a busy interval, so a wider scope moves agents from quiet to busy ones.

    Examples
    --------
    200 contacts an hour of three minutes each, 80 % answered in 20 seconds, 30 % shrinkage: 14 agents on the floor, 20 on the schedule.

    >>> import ccstats as cc
    >>> import pandas as pd
    >>> starts = pd.date_range("2026-03-02 09:00", periods=2, freq="h", tz="Europe/London")
    >>> forecast = pd.DataFrame(
    ...     {"queue": "sales", "interval_start": starts, "interval_s": 3600, "expected_offered": [200, 0], "expected_aht_s": 180}
    ... )
    >>> plan = cc.plan_staffing(forecast, target_service_level=0.80, threshold_s=20, shrinkage=0.30)
    >>> plan[["agents", "scheduled_agents"]].astype(int).to_numpy().tolist()
    [[14, 20], [0, 0]]
    """
    frame = _forecast(forecast)
    _check_scope(scope, timezone, floor=floor, fractional=fractional, time_limit_s=time_limit_s)
    codes = frame["queue"].cat.codes.to_numpy()
    present = np.unique(codes)
    asked = targets_of(
        [frame["queue"].cat.categories[code] for code in present],
        target_service_level=target_service_level,
        threshold_s=threshold_s,
        max_mean_wait_s=max_mean_wait_s,
        max_abandonment_rate=max_abandonment_rate,
        max_occupancy=max_occupancy,
        max_blocking_rate=max_blocking_rate,
        model=model,
        patience_s=patience_s,
        lines=lines,
        definition=definition,
        short_s=short_s,
        floor=floor,
        shrinkage=shrinkage,
        min_agents=min_agents,
    )
    if scope != "interval" and (without := [queue for queue, each in asked.items() if each.target_service_level is None]):
        raise OptionError(f"scope={scope!r} needs target_service_level= for every queue; {without[0]!r} has none")

    periods = None if scope == "interval" else period_start(frame["interval_start"], period=scope, timezone=str(timezone)).asi8
    starts_s = pd.DatetimeIndex(frame["interval_start"]).as_unit("us").asi8 / 1e6
    numbers = [frame[name].to_numpy(dtype="float64") for name in ("interval_s", "expected_offered", "expected_aht_s")]
    tell = progress or (lambda text, share: None)
    queues = list(asked)

    def staff(place: int) -> dict[str, Any]:
        rows = slice(*np.searchsorted(codes, [present[place], present[place] + 1]))  # sorted by queue
        one = _Queue(asked[queues[place]], starts_s[rows], *(each[rows] for each in numbers))
        if periods is None:
            one.staff_intervals(fractional=fractional)
        else:
            for share in one.staff_periods(periods[rows], scope=scope, time_limit_s=time_limit_s):
                tell(f"staffing of {queues[place]}", (place + share) / len(queues))
        return one.finish(fractional=fractional)

    parts = []
    with ThreadPoolExecutor() as pool:  # the models let go of the interpreter; the search over periods is told of, and not worth it
        for part in (pool.map if periods is None and len(frame) >= _WORTH_A_THREAD else map)(staff, range(len(queues))):
            parts.append(part)
            tell(f"staffing of {queues[len(parts) - 1]}", len(parts) / len(queues))
    plan = _plan(frame, np.searchsorted(present, codes), list(asked.values()), parts)
    _warn(plan, asked, scope)
    return plan


def _forecast(forecast: Any) -> pd.DataFrame:
    """The forecast's own columns, sorted; text for a category or whole numbers for real ones are taken as they are meant."""
    frame, names = as_frame(forecast, what="forecast"), FORECAST.names(required=True)
    if all(name in frame for name in names):
        with suppress(TypeError, ValueError):  # what cannot be taken so, the check names
            frame = FORECAST.conform(frame[names])
    FORECAST.check(frame, columns=names)
    return frame


def _check_scope(scope: str, timezone: str | None, *, floor: Any, fractional: bool, time_limit_s: Any) -> None:
    if scope not in SCOPES:
        raise OptionError(f"scope={scope!r}: expected one of {', '.join(SCOPES)}.{did_you_mean(str(scope), SCOPES)}")
    if timezone is not None:
        check_timezone(timezone)
    if scope == "interval":
        if floor is not None:
            raise OptionError("floor= is for a target over a day, week or month; give scope= too, or leave it out")
        return
    if timezone is None:
        raise OptionError(f"scope={scope!r} needs timezone=, the zone whose {scope}s count, such as 'Europe/London'")
    if fractional:
        raise OptionError(f"fractional=True is for scope='interval': over a {scope} whole agents are allotted")
    if not time_limit_s > 0:
        raise OptionError(f"time_limit_s={time_limit_s!r}: expected seconds above 0")


class _Queue:
    """The rows of one queue on their way from forecast to plan."""

    def __init__(self, targets: StaffingTargets, start_s: Floats, interval_s: Floats, offered: Floats, aht_s: Floats) -> None:
        self.targets, self.start_s = targets, start_s
        self.interval_s, self.offered, self.aht_s = interval_s, offered, aht_s
        self.problem = row_problems(offered, aht_s, interval_s)
        self.sound = self.problem == ""
        self.busy = self.sound & (offered > 0)
        self.load = np.zeros(len(offered))
        self.load[self.busy] = offered[self.busy] * aht_s[self.busy] / interval_s[self.busy]
        self.required = np.where(self.sound, 0.0, np.nan)
        self.agents = self.required.copy()
        self.notes: list[tuple[NDArray[np.bool_], str]] = []

    def staff_intervals(self, *, fractional: bool) -> None:
        """Every interval on its own."""
        self.required[self.busy] = self.targets.required(self.load[self.busy], self.aht_s[self.busy], fractional=True)
        # The real-valued minimum lies above one whole number that misses the targets, up to the next, which meets them.
        self.agents = self.required.copy() if fractional else np.ceil(self.required)
        self.notes.append((np.isinf(self.agents), "no number of agents meets the targets"))

    def staff_periods(self, periods: NDArray[np.int64], *, scope: str, time_limit_s: float) -> Iterator[float]:
        """One target over all the intervals of a period; says after each what share of the rows is done."""
        low, high = np.zeros((2, len(self.load)))
        low[self.busy], high[self.busy] = self.targets.window(self.load[self.busy], self.aht_s[self.busy])
        missed = np.isinf(low) | np.isinf(high)
        self.agents[missed] = np.inf
        self.notes.append((missed, f"no number of agents meets the floor and limits; left out of the {scope}"))
        bounds = np.flatnonzero(np.append(True, np.diff(periods) != 0))
        for begin, end in zip(bounds, np.append(bounds[1:], len(periods)), strict=True):
            at = begin + np.flatnonzero((self.busy & ~missed)[begin:end])
            if len(at):
                self._allot(at, low[at], high[at], scope=scope, time_limit_s=time_limit_s)
            yield end / len(periods)
        self.required = self.agents.copy()

    def _allot(self, at: NDArray[np.int64], low: Floats, high: Floats, *, scope: str, time_limit_s: float) -> None:
        """The fewest agents for the rows ``at`` of one period, between ``low`` and ``high`` in each."""
        gains, tolerance = self._gains(at, low, high), 1e-9 * float(self.offered[at].sum())
        found = allocate_agents(low, gains, self.interval_s[at], tolerance=tolerance, time_limit_s=time_limit_s)
        self.agents[at] = found.agents
        within = np.isin(np.arange(len(self.load)), at)
        if found.cost == np.inf:
            self.agents[at] = np.inf
            self.notes.append((within, f"no number of agents meets the target over the {scope}"))
        elif found.gap > 0:
            spare, spent = (found.cost - found.bound) / 3600, found.cost / 3600
            self.notes.append((within, f"{UNPROVED} up to {spare:.2f} of the {scope}'s {spent:.2f} agent-hours might be saved"))

    def _gains(self, at: NDArray[np.int64], low: Floats, high: Floats) -> Floats:
        """Contacts in time beyond the target's share, per interval and number of agents from ``low`` on."""
        agents = low[:, None] + np.arange(int((high - low).max()) + 1)
        open_ = agents <= high[:, None]
        load, aht_s, offered = (np.broadcast_to(each[at, None], agents.shape)[open_] for each in (self.load, self.aht_s, self.offered))
        level = self.targets.service_level(agents[open_], load, aht_s)
        counted = self.targets.counted(level, agents[open_], load, aht_s)
        worth = offered * counted * (level - float(self.targets.target_service_level or 0))
        gains = np.full(agents.shape, -np.inf)
        gains[open_] = np.where(np.isnan(worth), -np.inf, worth)
        return gains

    def finish(self, *, fractional: bool) -> dict[str, Any]:
        """The plan's columns that this queue's rows have of their own."""
        targets = self.targets
        self.agents = np.maximum(self.agents, targets.min_agents if fractional else np.ceil(targets.min_agents))  # missing stays missing
        on_floor = np.where(np.isinf(self.agents), targets.lines, self.agents)
        known = np.isfinite(on_floor)
        expected = Expected(*np.full((4, len(on_floor)), np.nan))
        achieved = targets.expected(on_floor[known], self.load[known], np.where(self.busy, self.aht_s, 1.0)[known])
        for column, values in zip(expected, achieved, strict=True):
            column[known] = values
        follows = np.append(False, np.abs(self.start_s[:-1] + self.interval_s[:-1] - self.start_s[1:]) < 1e-3)
        before = np.where(follows, np.append(0.0, self.load[:-1]), self.load)
        doubts = model_notes(
            targets, agents=on_floor, load=self.load, before=before, aht_s=self.aht_s, interval_s=self.interval_s, expected=expected
        )
        return {
            "required_agents": self.required,
            "agents": self.agents,
            "scheduled_agents": targets.scheduled(self.agents, fractional=fractional),
            **{f"expected_{name}": values for name, values in expected._asdict().items()},
            "note": _joined(self.problem, [*self.notes, *doubts]),
        }


def _plan(frame: pd.DataFrame, number: NDArray[np.int64], asked: list[StaffingTargets], parts: list[dict[str, Any]]) -> pd.DataFrame:
    """The plan of all queues; ``number`` says which of them a row belongs to."""
    if not parts:
        return PLAN.conform(PLAN.empty(extra=PLAN.names()).astype({"queue": frame["queue"].dtype}))
    columns: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    columns["note"] = pd.array(columns["note"], dtype="str")
    for name in ("shrinkage", "target_service_level", "threshold_s", "patience_s", "lines", "short_s"):
        columns[name] = np.array([getattr(each, name) for each in asked], dtype="float64")[number]  # None is missing
    for name, words in (("model", MODELS), ("definition", DEFINITIONS)):
        codes = np.array([words.index(getattr(each, name)) for each in asked])
        columns[name] = pd.Categorical.from_codes(codes[number], categories=pd.Index(words))
    return PLAN.conform(frame.assign(**columns))


def _joined(texts: NDArray[np.object_], notes: list[tuple[NDArray[np.bool_], str]]) -> NDArray[np.object_]:
    for where, text in notes:
        at = np.flatnonzero(where)
        texts[at] = [f"{each}; {text}" if each else text for each in texts[at]]
    return texts


def _warn(plan: pd.DataFrame, asked: dict[Any, StaffingTargets], scope: str) -> None:
    """One warning for each kind of trouble."""
    tolerant = plan["queue"].isin([queue for queue, each in asked.items() if tolerates_abandonment(each)])
    warn_of_plan(
        problems=plan["agents"].isna(),
        unreachable=np.isinf(plan["agents"]),
        abandoning=tolerant & (plan["expected_abandonment_rate"] > HIGH_ABANDONMENT),
        unproved=plan["note"].str.contains(UNPROVED, regex=False) if scope != "interval" else np.zeros(len(plan), dtype=bool),
    )
