"""The table of contributions: what each driver did to the service level of each group and period, in points, contacts and agents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.deviations.cells import Cells
from ccstats.deviations.game import Game
from ccstats.deviations.shapley import Attribution, attribute
from ccstats.errors import OptionError, did_you_mean
from ccstats.expectation.expected import divide
from ccstats.expectation.outlook import numbers
from ccstats.metrics import SERVICE_LEVELS
from ccstats.queueing.replications import check_seed

__all__ = ["Account", "Options", "left_out", "tabulate"]

Floats = NDArray[np.float64]

_MODELS = ("erlang_a", "erlang_c", "transient")
_UNITS = {
    "volume": "contacts",
    "handle_time": "s",
    "scheduled_agents": "agents",
    "agents": "agents",
    "patience": "s",
}
_EXACT = 1e-12
_NUMBER = int | float | np.integer | np.floating


@dataclass(frozen=True)
class Options:
    """The arguments that `explain_service_level` and `explain_change` share, checked.

    Examples
    --------
    >>> Options(model="transient").carried
    True
    """

    model: str = "erlang_a"
    definition: str | None = None
    patience_s: float | None = None
    target: float | None = None
    replications: int = 200
    coverage: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        for name, words in (("model", _MODELS), ("definition", (None, *SERVICE_LEVELS))):
            value = getattr(self, name)
            if value not in words:
                hint = did_you_mean(str(value), [word for word in words if word])
                raise OptionError(f"{name}={value!r} is not known; choose one of: {', '.join(filter(None, words))}.{hint}")
        if self.patience_s is not None and not (isinstance(self.patience_s, _NUMBER) and self.patience_s > 0):
            raise OptionError(f"patience_s={self.patience_s!r} must be a positive number of seconds, or infinite")
        if self.target is not None and not (isinstance(self.target, _NUMBER) and 0 < self.target <= 1):
            raise OptionError(f"target={self.target!r} must be a service level above 0, up to 1, such as 0.8")
        if not isinstance(self.replications, int | np.integer) or self.replications < 0:
            raise OptionError(f"replications={self.replications!r} must be a whole number, 0 (no simulated spread) or more")
        if not (isinstance(self.coverage, _NUMBER) and 0 < self.coverage < 1):
            raise OptionError(f"coverage={self.coverage!r} must lie between 0 and 1, such as 0.95")
        check_seed(self.seed)

    @property
    def carried(self) -> bool:
        """Whether the queue is carried from one interval to the next."""
        return self.model == "transient"


class Account:
    """From the planned service level to the observed one, cell by cell.

    Parameters
    ----------
    game : Game
        The intervals.
    cells : Cells
        Where they count.
    above, below : numpy.ndarray
        What is divided for the observed service level, of each interval.
    counted : numpy.ndarray, optional
        What each interval counts in the planned level; by default its planned contacts.

    Attributes
    ----------
    weights : numpy.ndarray
        What each interval counts in its cell: its share of the contacts that came.
    planned, weighed, expected, observed : numpy.ndarray
        Of each cell: the model's level of the plan, its contacts as weights; the same with those who came; the model's level of what
        happened; what was measured.
    parts : Attribution
        Drivers × cells.

    Examples
    --------
    >>> from ccstats.expectation.expected import Rows
    >>> one = np.ones(1)
    >>> fixed = Rows(one, 14 * one, one, 1800 * one, np.inf * one, 20 * one, np.nan * one, np.zeros(1, dtype=int))
    >>> planned, actual = {"volume": 100 * one, "handle_time": 180 * one}, {"volume": 110 * one, "handle_time": 180 * one}
    >>> game = Game(planned, actual, fixed, start_s=0 * one, definition="service_level")
    >>> frame = pd.DataFrame({"interval_start": pd.to_datetime(["2026-03-02"], utc=True), "timezone": "UTC"})
    >>> cells = Cells(frame, [], period=None)
    >>> account = Account(game, cells, 80 * one, 110 * one)
    >>> account.planned.round(3).tolist(), account.parts.shapley.ravel().round(3).tolist(), account.observed.round(3).tolist()
    ([0.888], [-0.105, 0.0], [0.727])
    """

    def __init__(self, game: Game, cells: Cells, above: Floats, below: Floats, counted: Floats | None = None) -> None:
        total = cells.add(below)
        self.counted, self.late = total, total - cells.add(above)
        self.weights: Floats = np.where(below > 0, divide(below, total[cells.number]), 0.0)
        levels = game.levels(self.weights)
        values = np.stack([cells.add(self.weights * each) for each in levels])
        values[:, total <= 0] = np.nan
        self.planned = cells.mean(levels[0], game.counted() if counted is None else counted)
        self.weighed, self.expected = values[0], values[-1]
        self.observed = divide(cells.add(above), total)
        self.parts: Attribution = attribute(values)


def tabulate(
    game: Game,
    cells: Cells,
    account: Account,
    *,
    before: Floats | None = None,
    target: Floats,
    residuals: Floats,
    coverage: float,
    columns: dict[str, Any],
) -> pd.DataFrame:
    """The contributions as a long table: cells × drivers, from ``mix`` to ``residual``.

    Parameters
    ----------
    game, cells, account
        The intervals, where they count, and what came of it.
    before : numpy.ndarray, optional
        The observed service level from which the contributions lead to the later one; without it they begin at the planned one.
    target : numpy.ndarray
        Service level asked for; missing: none.
    residuals : numpy.ndarray
        Outcomes × cells: simulated residuals; no outcomes: not simulated.
    coverage : float
        Of their limits.
    columns : dict
        What stands last, a value for each cell.

    Returns
    -------
    pandas.DataFrame
        See `explain_service_level`.

    Examples
    --------
    >>> from ccstats.expectation.expected import Rows
    >>> one = np.ones(1)
    >>> fixed = Rows(one, 14 * one, one, 1800 * one, np.inf * one, 20 * one, np.nan * one, np.zeros(1, dtype=int))
    >>> planned, actual = {"volume": 100 * one, "handle_time": 180 * one}, {"volume": 110 * one, "handle_time": 180 * one}
    >>> game = Game(planned, actual, fixed, start_s=0 * one, definition="service_level")
    >>> frame = pd.DataFrame({"interval_start": pd.to_datetime(["2026-03-02"], utc=True), "timezone": "UTC"})
    >>> cells = Cells(frame, [], period=None)
    >>> account = Account(game, cells, 80 * one, 110 * one)
    >>> made = tabulate(game, cells, account, target=np.nan * one, residuals=np.empty((0, 1)), coverage=0.95, columns={})
    >>> made[["driver", "contribution", "planned", "actual", "agents"]].round(3)
            driver  contribution  planned   actual  agents
    0          mix         0.000    0.888    0.888   0.000
    1       volume        -0.105  100.000  110.000   1.144
    2  handle_time         0.000  180.000  180.000   0.000
    3     residual        -0.056    0.783    0.727     NaN
    """
    names, parts = ("mix", *game.names, "residual"), account.parts
    mix = account.weighed - account.planned
    residual = account.observed - account.expected - (0.0 if before is None else before - account.planned)
    none = np.full(len(cells), np.nan)

    def stack(first: Floats, drivers: Floats, last: Floats) -> Floats:
        """Of each cell, from mix to residual."""
        return np.vstack([first, drivers, last]).T.ravel()

    contribution = stack(mix, parts.shapley, residual)
    offset = [game.agents_for(account.expected - each, cells.number, account.weights) for each in (mix, *parts.shapley)]
    measured = _measured(game, cells)
    some = np.isfinite(residuals).any(axis=0)
    low, high = none.copy(), none.copy()
    if some.any():
        tails = [(1 - coverage) / 2, (1 + coverage) / 2]
        low[some], high[some] = np.nanquantile(residuals[:, some], tails, axis=0)
    within = (residual >= low - _EXACT) & (residual <= high + _EXACT)
    last = np.arange(len(cells)) * len(names) + len(names) - 1
    noise = pd.array([pd.NA] * (len(cells) * len(names)), dtype="boolean")
    told = some & np.isfinite(residual)
    noise[last[told]] = within[told]
    blank = np.full((len(game.names), len(cells)), np.nan)
    each = np.repeat(np.arange(len(cells)), len(names))
    repeated = {
        "planned_service_level": account.planned if before is None else before,
        "expected_service_level": account.expected,
        "service_level": account.observed,
        "target_service_level": target,
        "agents_for_plan": game.agents_for(account.planned, cells.number, account.weights),
        "agents_for_target": game.agents_for(target, cells.number, account.weights),
        "counted": account.counted,
        "late": account.late,
        **columns,
    }
    made: dict[str, Any] = {
        "driver": pd.Categorical(list(names) * len(cells), categories=list(names), ordered=True),
        "contribution": contribution,
        "lowest": stack(mix, parts.lowest, residual),
        "highest": stack(mix, parts.highest, residual),
        "one_at_a_time": stack(none, parts.one_at_a_time, none),
        "last_in": stack(none, parts.last_in, none),
        "contacts": contribution * np.repeat(account.counted, len(names)),
        "planned": stack(account.planned, np.stack([measured[name][0] for name in game.names]), account.expected),
        "actual": stack(account.weighed, np.stack([measured[name][1] for name in game.names]), account.observed),
        "unit": pd.Categorical([_UNITS.get(name, "0-1") for name in names] * len(cells)),
        "agents": stack(offset[0], np.stack(offset[1:]), none),
        "residual_low": stack(none, blank, low),
        "residual_high": stack(none, blank, high),
        "noise": noise,
        **{name: pd.Series(values).take(each).array for name, values in repeated.items()},
    }
    keys: dict[str, Any] = {str(name): cells.keys[name].take(each).array for name in cells.keys.columns}
    return pd.DataFrame(keys | made)


def left_out(kept: pd.DataFrame, left: pd.DataFrame, cells: Cells, by: list[str], *, period: str | None, timezone: str | None) -> Floats:
    """Share of the contacts of each cell that came in intervals which are not compared.

    Parameters
    ----------
    kept, left : pandas.DataFrame
        Intervals that are compared, in the order of ``cells``, and those that are not: ``interval_start, interval_s, timezone, offered``
        and the columns of ``by``.
    cells : Cells
        Of those that are.
    by, period, timezone
        As ``cells`` was made.

    Returns
    -------
    numpy.ndarray
        0 where none is left out. [0-1]

    Examples
    --------
    >>> half_hours = pd.DataFrame({"interval_start": pd.date_range("2026-03-02", periods=2, freq="30min", tz="UTC"), "offered": [30, 10]})
    >>> kept, left = (half_hours.assign(interval_s=1800.0, timezone="UTC").iloc[[k]] for k in (0, 1))
    >>> left_out(kept, left, Cells(kept, [], period="day"), [], period="day", timezone=None).tolist()
    [0.25]
    """
    if not len(left):
        return np.zeros(len(cells))
    names = [*by, "interval_start", "interval_s", "timezone", "offered"]
    words = dict.fromkeys([*by, "timezone"], "str")
    both = pd.concat([each[names].astype(words) for each in (kept, left)], ignore_index=True)
    wide = Cells(both, by, period=period, timezone=timezone)
    missed = np.where(np.arange(len(both)) < len(kept), 0.0, numbers(both, "offered"))
    share = np.nan_to_num(divide(wide.add(missed), wide.add(numbers(both, "offered"))))
    return share[wide.number[np.unique(cells.number, return_index=True)[1]]]


def _measured(game: Game, cells: Cells) -> dict[str, tuple[Floats, Floats]]:
    """Every driver in its own unit, planned and actual: sums of contacts, means over contacts of seconds, over time of agents."""
    found: dict[str, list[Floats]] = {name: [] for name in game.names}
    time = game.fixed.interval_s
    for side in (game.planned, game.actual):
        volume = side["volume"]
        found["volume"].append(cells.add(volume))
        for name in {"handle_time", "patience"} & set(game.names):
            power = -1.0 if name == "patience" else 1.0  # who never gives up has a rate
            with np.errstate(divide="ignore"):
                found[name].append(cells.mean(side[name] ** power, np.where((cells.add(volume) > 0)[cells.number], volume, 1.0)) ** power)
        if "agents" in game.names:
            found["agents"].append(cells.mean(side["agents"], time))
        if "scheduled_agents" in game.names:
            scheduled = side["scheduled_agents"] * time
            granted = scheduled * (1 - side["shrinkage"])
            found["scheduled_agents"].append(cells.mean(side["scheduled_agents"], time))
            found["shrinkage"].append(1 - divide(cells.add(granted), cells.add(scheduled)))
            found["adherence"].append(divide(cells.add(granted * side["adherence"]), cells.add(granted)))
    if game.steps is not None:  # the share of contacts that would have to come at another time of their interval
        away = np.add.reduceat(np.abs(game.steps.share - game.steps.flat()), game.steps.first) / 2
        came = game.actual["volume"]
        found["arrival_pattern"] = [np.zeros(len(cells)), cells.mean(away, came)]
    return {name: (planned, actual) for name, (planned, actual) in found.items()}
