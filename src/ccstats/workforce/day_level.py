"""How many contacts a day has: a regression on the calendar, and what the last weeks differ from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ccstats.workforce.forecast_regression import DayRows, fit_effects
from ccstats.workforce.special_days import Specials

__all__ = ["YEAR", "DayLevel", "Days", "fit_day_levels"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

#: History from which a yearly season is learnt. [days]
YEAR = 365
#: Pairs of sine and cosine of the yearly season.
_PAIRS = 4
#: A day counts half in the regression after so long. [days]
_HALF_LIFE = 365.0
#: A trend loses so much of itself with every day ahead.
_DAMPED = 0.99
#: How far effects are believed to lie from none, as standard deviations of the logarithm. The trend's is learnt.
_SD = {"level": 100.0, "weekday": 0.4, "trend": 0.001, "season": 0.15, "holiday": 2.0, "name": 0.4, "near": 0.15, "event": 0.5}
_TREND = 8
#: What is left of the level a day later. From a year on it is known what it returns to, the usual of the season: half of it in five weeks.
_KEPT, _KEPT_YEAR = 1.0, 0.98


@dataclass(frozen=True)
class Days:
    """Local days of a group: what came, what share of the day is known, and what makes them special.

    ``share`` is the share of an ordinary day's contacts that the known slots have, planned factors included.
    """

    date: Ints
    count: Floats
    share: Floats
    events: dict[str, Floats]


@dataclass(frozen=True)
class DayLevel:
    """A fitted level.

    Attributes
    ----------
    usual, special : numpy.ndarray
        Of each day of the history: what the calendar expects without holidays and events, and their factor.
    level : numpy.ndarray
        Of each day: by what share it lies above the regression, chance left out.
    usable : numpy.ndarray
        Days that were learnt from.
    closed : numpy.ndarray
        Weekdays without contacts.
    """

    coefficients: Floats
    names: tuple[str, ...]
    holiday_seen: bool
    days: Days
    usual: Floats
    special: Floats
    level: Floats
    usable: Bools
    closed: Bools
    specials: Specials
    pairs: int
    kept: float

    def expect(self, date: Ints, events: dict[str, Floats]) -> tuple[Floats, Floats]:
        """What the regression and the level expect of days to come, and the factor of holidays and events in it."""
        usual, special = self.calendar(date, events)
        ahead = np.maximum(date - self.days.date[-1], 0)
        return usual * special * (1.0 + self.level[-1]) ** (self.kept**ahead), special

    def calendar(self, date: Ints, events: dict[str, Floats]) -> tuple[Floats, Floats]:
        """The regression alone, without holidays and events, and their factor."""
        columns, ordinary = _columns(date, int(self.days.date[-1]), self.specials, self.closed, self.names, events, self.pairs)
        usual = np.exp(np.clip(columns[:, ordinary] @ self.coefficients[ordinary], -50, 50))
        special = np.exp(np.clip(columns[:, ~ordinary] @ self.coefficients[~ordinary], -50, 50))
        weekday = (date + 3) % 7
        holiday = np.isin(date, self.specials.holiday_dates())
        if not self.holiday_seen and holiday.any():  # like a Sunday, as long as none is known
            sunday = 0.0 if self.closed[6] else np.exp(self.coefficients[7] - self.coefficients[1 + weekday])
            special = np.where(holiday, special * np.minimum(sunday, 1.0), special)
        return np.where(self.closed[weekday], 0.0, usual), special


def fit_day_levels(queues: Sequence[Days], specials: Specials) -> list[DayLevel]:
    """Fit the levels of the days of all groups.

    Notes
    -----
    Counts of days by a log-linear regression with a level that wanders (`ccstats.workforce.forecast_regression.fit_effects`). Effects are
    drawn towards none (a normal prior each: the standard deviations stand at the head of the file). Days a year ago count half.
    """
    plans = [_plan(days, specials) for days in queues]
    fitted = fit_effects([plan.rows for plan in plans])
    made = []
    for plan, (effects, level) in zip(plans, fitted, strict=True):
        known = (effects, plan.names, plan.holiday_seen, plan.days)
        bare = DayLevel(*known, np.ones(0), np.ones(0), np.zeros(0), plan.usable, plan.closed, specials, plan.pairs, plan.rows.kept)
        usual, special = bare.calendar(plan.days.date, plan.days.events)
        made.append(replace(bare, usual=usual, special=special, level=np.expm1(level)))
    return made


@dataclass(frozen=True)
class _Plan:
    """What a group's regression is made of."""

    days: Days
    rows: DayRows
    names: tuple[str, ...]
    holiday_seen: bool
    usable: Bools
    closed: Bools
    pairs: int


def _plan(days: Days, specials: Specials) -> _Plan:
    weekday = (days.date + 3) % 7
    holiday = np.isin(days.date, specials.holiday_dates())
    usable = days.share > 0.3
    closed = _closed(days, weekday, usable & ~holiday)
    usable = usable & ~closed[weekday]
    seen = usable & holiday
    holiday_seen = bool(seen.any())
    named = sorted({specials.holidays[int(each)] for each in days.date[seen]} - {""})
    names = (*(f"h:{name}" for name in named), *(f"e:{name}" for name in sorted(days.events) if (days.events[name] * usable).sum() > 0))
    span = int(days.date[-1] - days.date[0]) + 1
    pairs = _PAIRS if span >= YEAR else 0
    columns, _ = _columns(days.date, int(days.date[-1]), specials, closed, names, days.events, pairs)
    weight = 0.5 ** ((days.date[-1] - days.date) / _HALF_LIFE)
    learn = usable if holiday_seen else usable & ~holiday
    rows = DayRows(columns, days.count, days.share, weight, learn, _prior(names, pairs), _TREND, _KEPT_YEAR if span >= YEAR else _KEPT)
    return _Plan(days, rows, names, holiday_seen, usable, closed, pairs)


def _closed(days: Days, weekday: Ints, usable: Bools) -> Bools:
    found = np.zeros(7, dtype=np.bool_)
    for each in range(7):
        last = days.count[usable & (weekday == each)][-8:]
        found[each] = len(last) > 0 and last.sum() == 0
    return found & ~found.all()


def _prior(names: tuple[str, ...], pairs: int) -> Floats:
    """Precision of the effects."""
    kinds = ["level", *["weekday"] * 7, "trend"]
    season = [_SD["season"] / pair for pair in range(1, pairs + 1) for _ in range(2)]
    rest = ["holiday", "near", "near", *("name" if name.startswith("h:") else "event" for name in names)]
    return np.array([*(_SD[kind] for kind in kinds), *season, *(_SD[kind] for kind in rest)]) ** -2.0


def _columns(
    date: Ints, last: int, specials: Specials, closed: Bools, names: tuple[str, ...], events: dict[str, Floats], pairs: int
) -> tuple[Floats, Bools]:
    """What the calendar says of each day; and which columns are of ordinary days."""
    weekday = (date + 3) % 7
    away = (date - last).astype("float64")
    trend = np.where(away > 0, (1.0 - _DAMPED ** np.maximum(away, 0)) / (1.0 - _DAMPED), away)
    turn = 2.0 * np.pi * date / 365.2425
    season = [wave(pair * turn) for pair in range(1, pairs + 1) for wave in (np.sin, np.cos)]
    ordinary = [np.ones(len(date)), *(1.0 * (weekday == each) for each in range(7)), trend, *season]
    before, after = specials.neighbours(date, closed)
    called = [specials.holidays.get(int(each)) for each in date]
    holiday = np.array([each is not None for each in called], dtype="float64")
    special = [holiday, before * (1 - holiday), after * (1 - holiday)]
    for name in names:
        of_name = np.array([each == name[2:] for each in called], dtype="float64")
        special.append(of_name if name.startswith("h:") else events.get(name[2:], np.zeros(len(date))))
    made = np.column_stack([*ordinary, *special]) if len(date) else np.zeros((0, len(ordinary) + len(special)))
    return made, np.arange(made.shape[1]) < len(ordinary)
