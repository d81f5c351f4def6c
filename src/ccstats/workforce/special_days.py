"""Days that are not like others: holidays and the working days next to them, and events that are planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import ColumnError, OptionError
from ccstats.periods.hours import as_date, check_country
from ccstats.schema import as_frame
from ccstats.workforce.forecast_history import Grid, instant_of

__all__ = ["Specials", "read_specials"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_EPOCH = np.datetime64("1970-01-01", "D")


@dataclass(frozen=True)
class Specials:
    """Holidays by date, and planned events.

    Attributes
    ----------
    holidays : dict of int to str
        Days since 1970, and their names.
    events : pandas.DataFrame
        ``name, start, end, factor, queue``; a missing factor is to be learnt, a missing queue is every queue.
    """

    holidays: dict[int, str]
    events: pd.DataFrame

    def holiday_dates(self) -> Ints:
        """The dates of all holidays, days since 1970."""
        return np.array(sorted(self.holidays), dtype=np.int64)

    def neighbours(self, dates: Ints, closed: NDArray[np.bool_]) -> tuple[Floats, Floats]:
        """Whether each date is the last open day before a holiday, and the first after one; a holiday on a closed weekday has none."""
        before: set[int] = set()
        after: set[int] = set()
        for day in self.holidays:
            if closed[(day + 3) % 7]:
                continue
            for step, found in ((-1, before), (1, after)):
                near = day + step
                while abs(near - day) < 14 and (closed[(near + 3) % 7] or near in self.holidays):
                    near += step
                found.add(near)
        return tuple(np.isin(dates, np.array(sorted(each), dtype=np.int64)).astype("float64") for each in (before, after))  # type: ignore[return-value]

    def factors(self, grid: Grid, queue: str) -> Floats:
        """Days × slots: by what the planned factors of events multiply the volume of a queue."""
        found = np.ones((len(grid.date), grid.slots))
        for each in self._of(queue).to_dict("records"):
            if np.isnan(each["factor"]):
                continue
            hit = np.asarray((grid.start >= each["start"]) & (grid.start < each["end"]))
            found[grid.day[hit], grid.slot[hit]] *= each["factor"]
        return found

    def shares(self, grid: Grid, queue: str) -> dict[str, Floats]:
        """For every event without a factor: how much of each day it takes."""
        length = np.bincount(grid.day, weights=grid.length_s, minlength=len(grid.date))
        found: dict[str, Floats] = {}
        for each in self._of(queue).to_dict("records"):
            if np.isnan(each["factor"]):
                hit = np.asarray((grid.start >= each["start"]) & (grid.start < each["end"]))
                share = np.bincount(grid.day, weights=grid.length_s * hit, minlength=len(grid.date)) / np.maximum(length, 1.0)
                found[str(each["name"])] = np.minimum(found.get(str(each["name"]), 0.0) + share, 1.0)
        return found

    def _of(self, queue: str) -> pd.DataFrame:
        return self.events[self.events["queue"].isna() | (self.events["queue"] == queue)]


def read_specials(holidays: Any, events: Any, *, zone: str, years: range) -> Specials:
    """Holidays and events as the user gives them.

    Parameters
    ----------
    holidays : str, mapping or iterable of dates, optional
        A country (``"TR"``, ``"DE-BE"``), dates, or dates with names: holidays of one name are alike.
    events : table, optional
        ``name, start, end`` and, where known, ``factor`` and ``queue``.
    zone : str
        Of times without a zone.
    years : range
        Years for which a country's holidays are wanted.

    Examples
    --------
    >>> found = read_specials("TR", None, zone="UTC", years=range(2026, 2027))
    >>> len(found.holidays) > 5
    True
    """
    return Specials(_holidays(holidays, years), _events(events, zone))


def _holidays(given: Any, years: range) -> dict[int, str]:
    if given is None:
        return {}
    if isinstance(given, str):
        import holidays as public

        country, _, part = check_country(given).partition("-")
        named: Mapping[Any, str] = dict(public.country_holidays(country, subdiv=part or None, years=list(years)))
    elif isinstance(given, Mapping):
        named = given
    else:
        try:
            named = dict.fromkeys(given, "")
        except TypeError:
            raise OptionError(f"holidays={given!r} is no country such as 'TR' or 'DE-BE' and no list of dates") from None
    return {int((np.datetime64(as_date(day, "holidays"), "D") - _EPOCH).astype(np.int64)): str(name) for day, name in named.items()}


def _events(given: Any, zone: str) -> pd.DataFrame:
    columns = ["name", "start", "end", "factor", "queue"]
    if given is None:
        return pd.DataFrame({name: pd.Series([], dtype="float64" if name == "factor" else "object") for name in columns})
    frame = as_frame(given, what="events")
    lacking = [name for name in columns[:3] if name not in frame]
    if lacking:
        raise ColumnError(f"events: no column {lacking[0]!r}; give name, start and end, and where known factor and queue")
    rows = []
    for number, row in enumerate(frame.to_dict("records")):
        try:
            start, end = instant_of(row["start"], zone), instant_of(row["end"], zone)
            factor = float(row.get("factor", np.nan))
        except (TypeError, ValueError):
            raise OptionError(
                f"events, row {number}: start={row['start']!r}, end={row['end']!r}, factor={row.get('factor')!r}: expected two dates or "
                "times such as 2026-03-02 or 2026-03-02 12:00, and a number"
            ) from None
        if not start < end:
            raise OptionError(
                f"events, row {number}: {row['name']!r} ends ({end}) before it begins ({start}); the end is the first moment after"
            )
        if not (np.isnan(factor) or 0 <= factor <= 100):
            raise OptionError(f"events, row {number}: factor={factor!r} must lie between 0 and 100 (1: as usual); leave it out to learn it")
        queue = row.get("queue")
        rows.append((str(row["name"]), start, end, factor, None if queue is None or pd.isna(queue) else str(queue)))
    made = pd.DataFrame(rows, columns=columns)
    return made.astype({"factor": "float64", "queue": "object"})
