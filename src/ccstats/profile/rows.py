"""The rows of a table as sorted arrays: group, local day, weekday and slot, value and count, usable or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import holidays as public_holidays
import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, OptionError, TableError, ZoneError, did_you_mean
from ccstats.intervals.cells import by_names
from ccstats.periods import check_timezone, zone_offsets
from ccstats.profile.loops import COUNT, FAMILIES, MEAN, NUMBER, SHARE
from ccstats.schema import as_frame

__all__ = ["Rows", "holiday_dates", "days_of", "prepare_rows", "row_mask"]

_DAY = 86_400_000_000
_MINUTE = 60_000_000


@dataclass(frozen=True)
class Rows:
    """A table sorted by group, local day and instant; ``order`` leads from its rows to those of the table.

    Rows are ``watched`` where a baseline may look at them (neither holiday nor excluded), and ``usable`` where they have a value besides.
    """

    order: np.ndarray
    by: tuple[str, ...]
    keys: pd.DataFrame
    timezone: str
    family: int
    value: np.ndarray
    count: np.ndarray
    instants: np.ndarray
    watched: np.ndarray
    usable: np.ndarray
    excluded: np.ndarray
    slot: np.ndarray
    minutes: np.ndarray
    day_of: np.ndarray
    day_rows: np.ndarray
    day_group: np.ndarray
    day_date: np.ndarray
    day_weekday: np.ndarray
    day_holiday: np.ndarray

    @property
    def slots(self) -> int:
        """How many times of day there are."""
        return len(self.minutes)

    def days_of_group(self, group: int) -> tuple[int, int]:
        """Bounds of the group's days."""
        low, high = np.searchsorted(self.day_group, [group, group + 1])
        return int(low), int(high)

    def name_of(self, group: int) -> str:
        """The group, to be read."""
        return ", ".join(f"{name} {value!r}" for name, value in zip(self.by, self.keys.iloc[group], strict=True)) or "the table"


def prepare_rows(
    table: Any,
    *,
    value: str,
    count: str | None,
    by: str | Sequence[str],
    start: str,
    timezone: str | None,
    family: str,
    holidays: Any,
    exclude: Any,
) -> Rows:
    """Check a table and sort it; see `ccstats.profile.fit_profile` for the parameters."""
    frame = as_frame(table)
    names = by_names(by)
    for name in (*names, start, value, *([count] if count is not None else [])):
        if not isinstance(name, str) or name not in frame:
            shown = ", ".join(map(str, frame.columns))
            raise ColumnError(f"no column {name!r} in the table; it has: {shown}.{did_you_mean(str(name), frame.columns)}")
    instants = frame[start]
    if not isinstance(instants.dtype, pd.DatetimeTZDtype):
        raise ZoneError(f"column {start!r} is {instants.dtype}; expected instants with a time zone, such as those of measure_service")
    if instants.isna().any():
        raise TableError(f"column {start!r} has {int(instants.isna().sum())} missing instants; every row needs its start")
    zone = check_timezone(timezone if timezone is not None else _zone_of(frame, instants))
    numbers = _numbers(frame, value)
    counts = np.ones(len(frame)) if count is None else np.nan_to_num(_numbers(frame, count))
    if (counts < 0).any():
        raise TableError(f"column {count!r} is negative in {int((counts < 0).sum())} rows; it must be what {value!r} was divided by")
    known = np.isfinite(numbers) & (counts > 0)

    if names:
        grouped = frame.groupby(list(names), observed=True, dropna=False, sort=True)
        group: np.ndarray = grouped.ngroup().to_numpy()
        keys = frame.loc[~pd.Series(group).duplicated().to_numpy(), list(names)].copy()
        keys = keys.iloc[np.argsort(pd.unique(group))].reset_index(drop=True)
    else:
        group, keys = np.zeros(len(frame), dtype=np.intp), pd.DataFrame(index=range(1))
    micros = pd.DatetimeIndex(instants).as_unit("us").asi8
    date, minute = _wall_clock(micros, zone)
    order = np.lexsort((micros, group))
    group, date, minute, micros = (each[order] for each in (group, date, minute, micros))
    twice = (np.diff(micros) == 0) & (np.diff(group) == 0)
    if twice.any():
        at = pd.Timestamp(int(micros[1:][twice][0]), unit="us", tz="UTC").tz_convert(zone)
        raise TableError(
            f"{int(twice.sum())} rows have the same {', '.join((*names, start))} as another, first {at}; name in by= what tells them apart"
        )
    turns = np.append(True, (np.diff(group) != 0) | (np.diff(date) != 0))[: len(date)]
    first = np.flatnonzero(turns)
    rows = np.append(first, len(date))
    if len(first) == len(date):  # one row a day: a day that begins at 01:00 because the clocks changed is a day all the same
        minute = np.zeros_like(minute)
    minutes, slot = np.unique(minute, return_inverse=True)
    day_date = date[first]
    special = np.isin(day_date, holiday_dates(holidays, day_date))
    day_of = np.cumsum(turns) - 1
    excluded = row_mask(exclude, micros, order, zone, "exclude")
    return Rows(
        order=order,
        by=names,
        keys=keys,
        timezone=zone,
        family=_family(family, numbers[known], count),
        value=np.where(known, numbers, np.nan)[order],
        count=np.where(known, counts, 0.0 if count is not None else 1.0)[order],
        instants=micros,
        watched=~special[day_of] & ~excluded,
        usable=known[order] & ~special[day_of] & ~excluded,
        excluded=excluded,
        slot=slot.astype(np.int64),
        minutes=minutes,
        day_of=day_of,
        day_rows=rows.astype(np.int64),
        day_group=group[first],
        day_date=day_date,
        day_weekday=(day_date + 3) % 7,
        day_holiday=special,
    )


def row_mask(given: Any, instants: np.ndarray, order: np.ndarray, zone: str, what: str) -> np.ndarray:
    """Rows that a span ``(start, end)`` or a boolean mask in the order of the table names, as sorted rows."""
    if given is None:
        return np.zeros(len(order), dtype=bool)
    if isinstance(given, tuple) and len(given) == 2:
        low, high = (_instant(each, zone, what) for each in given)
        if not low < high:
            raise OptionError(f"{what}={given!r} is no span: its end must come after its start")
        return np.asarray((instants >= low) & (instants < high))
    mask = np.asarray(given)
    if mask.dtype != bool or mask.shape != order.shape:
        raise OptionError(
            f"{what}= must be a span (start, end) or a boolean mask of {len(order)} rows; found {mask.dtype} of shape {mask.shape}"
        )
    return np.asarray(mask[order])


def days_of(given: Any, what: str) -> int:
    """Whole days of a text such as ``"28D"``."""
    try:
        days = pd.Timedelta(given) / pd.Timedelta(days=1)
    except (ValueError, TypeError):
        days = 0.0
    if not days >= 1 or days != int(days):
        raise OptionError(f"{what}={given!r} is no number of whole days; give '28D' or the like")
    return int(days)


def holiday_dates(given: Any, dates: np.ndarray) -> np.ndarray:
    """Dates of holidays (days since 1970): of a country such as ``"TR"`` or ``"DE-BE"`` in the years of ``dates``, or those given."""
    if given is None or not len(dates):
        return np.empty(0, dtype=np.int64)
    if isinstance(given, str):
        code, _, part = given.partition("-")
        years = np.unique(dates.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970)
        try:
            found: Iterable[Any] = public_holidays.country_holidays(code, subdiv=part or None, years=years.tolist())
        except NotImplementedError:
            raise OptionError(
                f"holidays={given!r} is not known; give a country such as 'TR', one with its part, such as 'DE-BE', or a list of dates"
            ) from None
    else:
        found = given
    try:
        return np.array([np.datetime64(pd.Timestamp(each).date(), "D") for each in found], dtype="datetime64[D]").astype(np.int64)
    except (ValueError, TypeError):
        raise OptionError(f"holidays={given!r} is no country and no list of dates") from None


def _instant(given: Any, zone: str, what: str) -> int:
    try:
        at = pd.Timestamp(given)
        at = at.tz_localize(zone, ambiguous=True, nonexistent="shift_forward") if at.tz is None else at
        return int(pd.DatetimeIndex([at]).as_unit("us").asi8[0])
    except (ValueError, TypeError):
        raise OptionError(f"{what}: {given!r} is no date or time such as '2025-01-06'") from None


def _zone_of(frame: pd.DataFrame, instants: pd.Series[Any]) -> str:
    """The zone of the instants; where that is UTC, the one that the intervals were cut in."""
    own = str(instants.dt.tz)
    if own == "UTC" and "timezone" in frame:
        cut = frame["timezone"].dropna().unique()
        if len(cut) > 1:
            raise ZoneError(f"the intervals were cut in several zones ({', '.join(map(str, cut))}); say timezone=")
        return str(cut[0]) if len(cut) else own
    return own


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    try:
        found = frame[name].to_numpy(dtype="float64", na_value=np.nan)
    except (ValueError, TypeError):
        raise TableError(f"column {name!r} is {frame[name].dtype}; expected numbers") from None
    if np.isinf(found).any():
        raise TableError(f"column {name!r} is infinite in {int(np.isinf(found).sum())} rows")
    return found


def _family(given: str, known: np.ndarray, count: str | None) -> int:
    if given != "auto":
        if given not in FAMILIES:
            raise OptionError(f"family={given!r} is not known; choose one of: auto, {', '.join(FAMILIES)}")
        found = FAMILIES.index(given)
        low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
        if (low < 0 and found != NUMBER) or (high > 1 and found == SHARE):
            raise OptionError(f"family={given!r} does not fit values from {low:g} to {high:g}")
        if count is None and found in (SHARE, MEAN):
            raise OptionError(f"family={given!r} needs count=, the column that the values were divided by")
        return found
    if len(known) and known.min() < 0:
        return NUMBER
    if count is None:
        return COUNT
    return SHARE if not len(known) or known.max() <= 1 else MEAN


def _wall_clock(micros: np.ndarray, zone: str) -> tuple[np.ndarray, np.ndarray]:
    """Local date (days since 1970) and minute of the day of each instant.

    On a day the clocks change, long intervals begin at times no other day knows: such a row takes the nearest usual time.
    """
    if not len(micros):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    turns, offsets = zone_offsets(zone, int(micros.min()), int(micros.max()))
    local = micros + offsets[np.searchsorted(turns, micros, side="right") - 1]
    date, minute = local // _DAY, local % _DAY // _MINUTE
    changed = np.isin(date, (turns[1:] + offsets[1:]) // _DAY)
    usual = np.unique(minute[~changed])
    if changed.any() and len(usual):
        odd = changed & ~np.isin(minute, usual)
        nearest = np.abs(minute[odd][:, None] - usual[None, :]).argmin(axis=1)
        minute[odd] = usual[nearest]
    return date, minute
