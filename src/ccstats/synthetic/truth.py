"""What the synthetic centre is made of: its calendar, its expected volumes, what was planted, how many agents were planned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.periods import check_timezone
from ccstats.schema import OUTCOMES
from ccstats.synthetic.specs import Planted, QueueSpec

INTERVAL_S = 1800.0
#: Duties change at quarters of an hour.
STEPS = 2
STEP_S = INTERVAL_S / STEPS
#: Outcomes as small numbers, in the order of the vocabulary.
CODE = {outcome: code for code, outcome in enumerate(OUTCOMES)}
#: A phone rings 2 to 8 seconds before the answer, 15 before it is given up.
RING_S, MISSED_S = (2.0, 8.0), 15.0


def category(codes: Any, words: Iterable[str]) -> pd.Categorical[Any]:
    """Words from their numbers; -1 is missing."""
    return pd.Categorical.from_codes(np.asarray(codes), categories=pd.Index(list(words), dtype="str"))


@dataclass(frozen=True)
class Calendar:
    """The half-hours of the log, from local midnight on, and what is known about each."""

    starts: pd.DatetimeIndex
    local: pd.DatetimeIndex
    day: np.ndarray
    holiday: np.ndarray

    @property
    def size(self) -> int:
        """How many half-hours there are."""
        return len(self.starts)

    def localise(self, instant: str) -> pd.Timestamp:
        """A local date or time as an instant."""
        return _local(instant, self.local.tz)


def _local(instant: str, zone: Any) -> pd.Timestamp:
    try:
        return pd.Timestamp(instant).tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    except (ValueError, TypeError) as error:
        raise OptionError(f"{instant!r} is no local date or time such as '2025-01-06' or '2025-01-06 09:00' ({error})") from None


def make_calendar(start: str, days: int, timezone: str, country: str | None, until: str | None) -> Calendar:
    """The half-hours of whole local days, with the country's holidays."""
    zone = ZoneInfo(check_timezone(timezone))
    if days < 1:
        raise OptionError(f"days={days!r} must be at least 1")
    first = _local(start, zone).normalize()
    last = _local(str((first.tz_localize(None) + pd.Timedelta(days=days)).date()), zone)
    if until is not None:
        stop = _local(until, zone)
        if not first < stop <= last or stop.minute % 30 or stop.second:
            raise OptionError(f"until={until!r} must be a whole half-hour of local time after {first} and not after {last}")
        last = stop
    starts = pd.date_range(first.tz_convert("UTC"), last.tz_convert("UTC"), freq="30min", inclusive="left", unit="us")
    local = starts.tz_convert(zone)
    dates = local.tz_localize(None).normalize()
    day = np.asarray((dates - dates[0]).days)
    return Calendar(starts, local, day, _holidays(dates, country))


def _holidays(dates: pd.DatetimeIndex, country: str | None) -> np.ndarray:
    if country is None:
        return np.zeros(len(dates), dtype=bool)
    code, _, part = country.partition("-")
    try:
        known = holidays.country_holidays(code, subdiv=part or None, years=sorted(set(dates.year)))
    except NotImplementedError:
        raise OptionError(
            f"holidays={country!r} is not known; give a country such as 'TR', or one with its part, such as 'DE-BE'"
        ) from None
    return np.asarray(dates.isin(pd.DatetimeIndex(sorted(known))))


@dataclass(frozen=True)
class QueuePlan:
    """One queue, half-hour by half-hour: what is expected, what is drawn from, who is planned."""

    expected: np.ndarray
    mean: np.ndarray
    aht_s: np.ndarray
    planned_agents: np.ndarray
    present: np.ndarray
    outage: np.ndarray
    label: pd.Categorical
    #: Where the time in which callers can queue ends, seen from each half-hour, and the outcome of those still waiting then.
    until_s: np.ndarray
    left_over: np.ndarray


def expected_contacts(spec: QueueSpec, calendar: Calendar) -> np.ndarray:
    """Expected contacts per half-hour: weekday × time of day, fewer on holidays, none when closed."""
    opens, closes = (_hour(each) for each in (spec.opens, spec.closes))
    hours = np.arange(0.0, 24.0, INTERVAL_S / 3600.0)
    curve = np.where((hours >= opens) & (hours < closes), _curve(hours), 0.0)
    clock = calendar.local.hour.to_numpy() + calendar.local.minute.to_numpy() / 60.0
    share = np.where((clock >= opens) & (clock < closes), _curve(clock), 0.0) / curve.sum()
    weights = np.array(spec.weekdays)
    weekday = weights[calendar.local.day_of_week.to_numpy()] / weights[:5].mean()
    return spec.contacts_per_day * share * weekday * np.where(calendar.holiday, spec.holiday_factor, 1.0)


def _curve(hour: np.ndarray) -> np.ndarray:
    """How busy an hour of the day is: a peak in the morning, a lower one in the afternoon, little at night."""
    return 0.06 + np.exp(-(((hour - 10.5) / 1.8) ** 2)) + 0.8 * np.exp(-(((hour - 15.0) / 2.3) ** 2))


def _hour(clock: str) -> float:
    hour, _, minute = clock.partition(":")
    if not (hour.isdigit() and minute in ("00", "30") and int(hour) * 60 + int(minute) <= 1440):
        raise OptionError(f"{clock!r} is no opening hour; give a whole half-hour such as '08:00' or '17:30', or '24:00'")
    return int(hour) + int(minute) / 60.0


def plan_queue(
    spec: QueueSpec, calendar: Calendar, planted: Sequence[Planted], expected: np.ndarray, transferred: np.ndarray, rng: np.random.Generator
) -> QueuePlan:
    """What is true of one queue in every half-hour: volume, handle time, agents, and the label of what was planted."""
    factor = {kind: np.ones(calendar.size) for kind in ("volume", "aht", "staff", "outage")}
    label = np.full(calendar.size, "", dtype=object)
    for each in planted:
        if each.queue not in (None, spec.name):
            continue
        here = np.asarray((calendar.local >= calendar.localise(each.start)) & (calendar.local < calendar.localise(each.end)))
        factor[each.kind][here] *= each.factor
        label[here] = [f"{old}+{each.kind}" if old else each.kind for old in label[here]]
    outage = factor["outage"] == 0.0
    shape = 1.0 / spec.day_cv**2 if spec.day_cv else np.inf
    busy = rng.gamma(shape, 1.0 / shape, calendar.day[-1] + 1) if spec.day_cv else np.ones(calendar.day[-1] + 1)
    mean = np.where(outage, 0.0, expected * busy[calendar.day] * factor["volume"])
    load = (expected + transferred) * (spec.aht_s + np.mean(RING_S)) / INTERVAL_S
    # the square-root rule; two at least, so that one may take a break
    agents = np.where(expected > 0, np.maximum(2.0, np.ceil(load + spec.safety * np.sqrt(load))), 0.0)
    active = (expected > 0) & ~outage
    stops = np.append(np.flatnonzero(~active), calendar.size)
    stop = stops[np.searchsorted(stops, np.arange(calendar.size))]
    left_over = np.where(stop == calendar.size, CODE["open"], np.where(np.append(outage, False)[stop], CODE["failed"], CODE["left_empty"]))
    words = sorted(set(label) - {""})
    labels = pd.Categorical([each or None for each in label], categories=words)
    return QueuePlan(expected, mean, spec.aht_s * factor["aht"], agents, factor["staff"], outage, labels, stop * INTERVAL_S, left_over)


def to_truth(
    visits: pd.DataFrame,
    queues: Sequence[QueueSpec],
    plans: Sequence[QueuePlan],
    duties: Sequence[np.ndarray],
    calendar: Calendar,
    resolution_s: float,
) -> pd.DataFrame:
    """The table described at `ccstats.synthetic.Synthetic`."""
    sent = visits[visits["visit"] > 1]
    half_hour = (sent["at"].to_numpy() * resolution_s // INTERVAL_S).astype(int)
    names = sorted(spec.name for spec in queues)
    parts = []
    for place, (spec, plan, duty) in enumerate(zip(queues, plans, duties, strict=True)):
        part = pd.DataFrame(
            {
                "queue": category(np.full(calendar.size, names.index(spec.name)), names),
                "interval_start": calendar.starts,
                "interval_s": INTERVAL_S,
                "expected_offered": plan.expected,
                "mean_offered": plan.mean,
                "transferred_in": np.bincount(half_hour[sent["place"].to_numpy() == place], minlength=calendar.size),
                "expected_aht_s": spec.aht_s,
                "mean_aht_s": plan.aht_s,
                "patience_s": spec.patience_s,
                "planned_agents": plan.planned_agents,
                "agents": duty.sum(axis=0).reshape(-1, STEPS).mean(axis=1),
                "holiday": calendar.holiday,
                "label": plan.label,
            }
        )
        parts.append(part)
    labels = sorted({word for plan in plans for word in plan.label.categories})
    truth = pd.concat([part.assign(label=part["label"].cat.set_categories(labels)) for part in parts])
    return truth.sort_values(["queue", "interval_start"], ignore_index=True)
