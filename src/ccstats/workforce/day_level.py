"""How many contacts a day has: a regression on the calendar, and what the last weeks differ from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ccstats.workforce.special_days import Specials

__all__ = ["YEAR", "DayLevel", "Days", "fit_day_level"]

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
#: How far effects are believed to lie from none, as standard deviations of the logarithm; of the trend for a day.
_SD = {"level": 100.0, "weekday": 1.0, "trend": 0.001, "season": 0.15, "holiday": 2.0, "name": 0.4, "near": 0.15, "event": 0.5}
#: How much of a day's surprise the level may take over, and what is left of the level a day later.
_GAINS = np.array([0.05, 0.1, 0.2, 0.3])
_KEPT = 0.99
_AHEAD = (1, 2, 3, 7)


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
        Of each day: by what share the days up to it lay above the regression.
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

    def expect(self, date: Ints, events: dict[str, Floats]) -> tuple[Floats, Floats]:
        """What the regression and the level expect of days to come, and the factor of holidays and events in it."""
        usual, special = self.calendar(date, events)
        ahead = np.maximum(date - self.days.date[-1], 0)
        return usual * special * (1.0 + (self.level[-1] if len(self.level) else 0.0) * _KEPT**ahead), special

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


def fit_day_level(days: Days, specials: Specials) -> DayLevel:
    """Fit the level of a group's days.

    Notes
    -----
    Counts of days by a log-linear regression, quasi-likelihood with variance μ + c μ², effects drawn towards none (a normal prior each:
    the standard deviations stand at the head of the file), days far from it drawn in (Huber). Then a filter follows what is left, its
    gain chosen by the errors that it would have had one to seven days ahead; a hundredth of the level is lost with every day.
    """
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
    columns, ordinary = _columns(days.date, int(days.date[-1]), specials, closed, names, days.events, pairs)
    age = (days.date[-1] - days.date).astype("float64")
    learn = usable if holiday_seen else usable & ~holiday
    beta = _regress(columns[learn], days.count[learn], days.share[learn], 0.5 ** (age[learn] / _HALF_LIFE), _prior(names, pairs))
    made = DayLevel(
        beta, names, holiday_seen, days, np.ones(0), np.ones(0), np.zeros(0), usable, closed, specials, pairs,
    )  # fmt: skip
    usual, special = made.calendar(days.date, days.events)
    mean = usual * special * days.share
    level = _follow(days.count, mean, usable & (mean > 0) & ~holiday)
    return DayLevel(beta, names, holiday_seen, days, usual, special, level, usable, closed, specials, pairs)


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


def _regress(columns: Floats, count: Floats, share: Floats, weight: Floats, prior: Floats) -> Floats:
    beta = np.zeros(columns.shape[1])
    if not len(count) or count.sum() <= 0:
        beta[0] = -50.0
        return beta
    beta[0] = np.log(count.sum() / share.sum())
    spread, drawn = 0.01, np.ones(len(count))
    for turn in range(30):
        mean = share * np.exp(np.clip(columns @ beta, -50, 50))
        variance = mean + spread * mean**2
        if turn > 2:
            off = np.abs(count - mean) / np.sqrt(variance)
            drawn = np.minimum(1.0, 2.0 / np.maximum(off, 1e-9))
            spread = float(np.clip((drawn**2 * (count - mean) ** 2 - mean).sum() / max(float((mean**2).sum()), 1e-300), 1e-4, 0.25))
        information = weight * drawn * mean**2 / variance
        working = columns @ beta + (count - mean) / np.maximum(mean, 1e-9)
        square = (columns * information[:, None]).T @ columns + np.diag(prior)
        goal = columns.T @ (information * working)
        new = np.linalg.solve(square, goal)
        step = np.clip(new - beta, -2.0, 2.0)
        beta = beta + step
        if turn > 6 and np.abs(step).max() < 1e-6:
            break
    return beta


def _follow(count: Floats, mean: Floats, usable: Bools) -> Floats:
    """What the days lie above the regression, as followed up to each."""
    size, known = len(count), max(int(usable.sum()), 1)
    if known < 7:
        return np.zeros(size)
    above = np.where(usable, count / np.where(usable, mean, 1.0) - 1.0, 0.0)
    spread = max(float(np.median(np.abs(above[usable])) * 1.4826), 0.01)
    # small days say little: their weight is that of their chance
    chance = np.where(usable, 1.0 / np.where(usable, np.maximum(mean, 1e-9), 1.0), 0.0)
    trust = usable * spread**2 / (spread**2 + chance)
    levels = np.zeros((size, len(_GAINS)))
    now = np.zeros(len(_GAINS))
    for day in range(size):
        now = _KEPT * now + _GAINS * trust[day] * np.clip(above[day] - _KEPT * now, -2.5 * spread, 2.5 * spread)
        levels[day] = now
    worth = np.full(len(_GAINS), 1e-12)
    bounded = np.clip(above, -6 * spread, 6 * spread)
    for ahead in _AHEAD:
        then = usable[ahead:] & (np.arange(ahead, size) >= min(14, size // 3))
        error = bounded[ahead:, None] - _KEPT**ahead * levels[:-ahead]
        worth += (trust[ahead:, None] * error**2 * then[:, None]).sum(axis=0)
    # the regression has seen these days and lies close to them, which makes following look worse than it is
    best = int(np.argmin(worth * (1.0 - _GAINS * min(30.0 / known, 0.3))))
    found: Floats = levels[:, best]
    return found
