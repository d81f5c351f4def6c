"""What the page works on: the demand to plan for and, where there is a log, what happened."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ccstats.engines.archive import is_archive, read_archive
from ccstats.errors import CcstatsError, DataWarning, OptionError, SourceMissingError
from ccstats.expectation.staffed import pooled_patience
from ccstats.intervals import to_intervals
from ccstats.labels import vocabulary_word
from ccstats.periods import WEEKDAYS, check_timezone
from ccstats.readers.either import read_either
from ccstats.report.placing import count_agents
from ccstats.workforce.counted_files import is_counted, read_counted
from ccstats.workforce.demand import read_forecast, to_forecast
from ccstats.workforce.forecasting import forecast_contacts
from ccstats.workforce.patience import estimate_patience

__all__ = ["Centre", "open_centre"]

#: What a folder of ours may hold that can be planned from, the best first.
_TABLES = ("intervals.parquet", "intervals.csv", "plan.csv", "plan.xlsx", "forecast.csv")
#: Columns without which what happened cannot be judged.
_JUDGED = {"offered", "answered", "abandoned", "answered_within", "threshold_s", "timezone"}


@dataclass(frozen=True)
class Centre:
    """Tables behind the page; none of them is changed.

    Attributes
    ----------
    title : str
        Names of the files.
    timezone : str
        Whose days count.
    every : str
        Length of the intervals that contacts were counted in.
    threshold_s : float
        Threshold they were counted with. [s]
    demand : pandas.DataFrame
        A `forecast`: what came, or what the file expects.
    typical : pandas.DataFrame
        A `forecast` of the week to come by the calendar; empty where the history is too short for one.
    patience_s : dict of str to float
        Mean patience of each queue; infinite where nobody is known to give up. [s]
    intervals, agent_intervals, contacts : pandas.DataFrame or None
        What happened; None where the file does not tell.
    notes : tuple of str
        What the reader of the page must know.

    Examples
    --------
    >>> Centre.__dataclass_params__.frozen
    True
    """

    title: str
    timezone: str
    every: str
    threshold_s: float
    demand: pd.DataFrame = field(repr=False)
    typical: pd.DataFrame = field(repr=False)
    patience_s: dict[str, float]
    intervals: pd.DataFrame | None = field(default=None, repr=False)
    agent_intervals: pd.DataFrame | None = field(default=None, repr=False)
    contacts: pd.DataFrame | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()

    @property
    def queues(self) -> list[str]:
        """Queues that contacts are expected in, the busiest first.

        Examples
        --------
        >>> Centre.queues.fget.__name__
        'queues'
        """
        volume = self.demand.groupby(self.demand["queue"].astype("str"))["expected_offered"].sum()
        return [str(queue) for queue in volume.sort_values(ascending=False, kind="stable").index]

    def days(self, lang: str = "en") -> dict[str, str]:
        """Days that can be planned, by their key: typical weekdays first, then dates from the newest on.

        Examples
        --------
        >>> Centre.days.__name__
        'days'
        """
        typical = dict(sorted((date.weekday(), date) for date in set(self._dates(self.typical))))
        words = {f"typical-{day}": vocabulary_word(WEEKDAYS[day], "weekday", lang) for day in typical}
        found = self._dates(self.demand[self.demand["expected_offered"] > 0])
        return words | {f"{date:%Y-%m-%d}": f"{date:%Y-%m-%d}" for date in sorted(set(found), reverse=True)}

    def day(self, key: str) -> pd.DataFrame:
        """The rows of one of `days`.

        Raises
        ------
        OptionError
            If there is no such day.

        Examples
        --------
        >>> Centre.day.__name__
        'day'
        """
        if key not in self.days():
            raise OptionError(f"there is no day {str(key)[:40]!r} in {self.title}")
        if not key.startswith("typical-"):
            return self.demand[self._dates(self.demand) == pd.Timestamp(key)].reset_index(drop=True)
        dates = self._dates(self.typical)
        rows = dates[dates.day_of_week == int(key.removeprefix("typical-"))].value_counts()  # the first and the last day may be cut
        return self.typical[dates == rows.idxmax()].reset_index(drop=True)

    def _dates(self, table: pd.DataFrame) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(table["interval_start"]).tz_convert(self.timezone).tz_localize(None).normalize()


def open_centre(
    sources: Sequence[str],
    *,
    timezone: str,
    format: str | None = None,
    clock: str | None = None,
    mapping: Path | None = None,
    every: str = "30min",
    threshold_s: float = 20.0,
    aht_s: float | None = None,
    progress: Any = None,
) -> Centre:
    """Read logs, an archive of them, a table of intervals, a forecast or a plan, or a folder that holds one.

    Parameters
    ----------
    sources : sequence of str
        Files, globs, or one folder: an archive as `ccstats.write_archive` makes it, or one that holds such a table.
    timezone : str
        Zone of the centre.
    format, clock, mapping
        As for `ccstats.read`, where the format is not recognised, or the log's clock stood in another zone.
    every : str
        Length of the intervals in which contacts of a log are counted.
    threshold_s : float
        Threshold of the service levels of what happened. [s]
    aht_s : float, optional
        Handle time where a file of counts has none. [s]
    progress : callable, optional
        Called with a text and the share done.

    Returns
    -------
    Centre

    Raises
    ------
    CcstatsError
        If a file cannot be read, or holds nothing to plan from.

    Examples
    --------
    >>> import ccstats as cc
    >>> centre = open_centre([cc.sample_file("forecast.csv")], timezone="Europe/Berlin")
    >>> centre.queues, centre.intervals is None
    (['support', 'sales', 'roadside'], True)
    """
    zone, tell = check_timezone(timezone), progress or (lambda text, share: None)
    archived = len(sources) == 1 and is_archive(sources[0])
    whole = archived or len(sources) != 1 or not Path(sources[0]).is_dir()
    given = list(sources) if whole else [_table_of(Path(sources[0]))]
    title = ", ".join(Path(name).name for name in given)
    common: dict[str, Any] = {"title": title, "timezone": zone, "every": every, "threshold_s": threshold_s}
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", DataWarning)
        if archived:
            found = _of_log(read_archive(given[0]), zone, every, threshold_s)
        elif format is None and mapping is None and len(given) == 1 and is_counted(given[0]):
            found = _of_counts(given[0], zone, aht_s)
        else:
            options: dict[str, Any] = {"mapping": mapping} if mapping is not None else {}
            kind = format or ("mapped" if mapping is not None else None)
            log = read_either(given[0] if len(given) == 1 else given, format=kind, timezone=clock or zone, progress=progress, **options)
            tell("counting", 0.5)
            found = _of_log(log, zone, every, threshold_s)
        demand = found["demand"]
        if not len(demand) or not (demand["expected_offered"] > 0).any():
            raise OptionError(f"{title} holds no contacts to plan for")
        found["patience_s"] = {str(queue): found["patience_s"].get(str(queue), np.inf) for queue in demand["queue"].unique()}
        tell("looking at the calendar", 0.8)
        history = found.get("intervals")
        typical, why = (demand.iloc[:0], "") if history is None else _typical(history, zone)
    notes += [*dict.fromkeys(str(each.message) for each in said if issubclass(each.category, DataWarning)), *([why] if why else [])]
    return Centre(**common, **found, typical=typical, notes=tuple(notes))


def _table_of(folder: Path) -> str:
    """The table in a folder of ours that can be planned from."""
    for place in (folder, folder / "tables"):
        for name in _TABLES:
            if (place / name).is_file():
                return str(place / name)
    if (folder / "report.html").is_file():
        account = folder / "tables" / "inputs.csv"
        logs = pd.read_csv(account, dtype="str")["input"].dropna().tolist() if account.is_file() else []
        raise SourceMissingError(
            f"{folder} is a report: it keeps figures of days, not the intervals that plans are made of; "
            f"give the log it was made from: {', '.join(logs) or 'files or an archive'}"
        )
    names = sorted(path.name for path in folder.iterdir())
    held = ", ".join(names[:12]) + (", …" if len(names) > 12 else "") or "nothing"
    raise SourceMissingError(f"{folder} holds {held}, but none of {', '.join(_TABLES)}; give a log, an archive or a forecast")


def _of_counts(source: str, zone: str, aht_s: float | None) -> dict[str, Any]:
    """A file of intervals, a forecast or a plan."""
    counted = read_counted(source, timezone=zone, aht_s=aht_s)
    if set(counted) >= _JUDGED:
        return {"demand": to_forecast(counted), "intervals": counted, "patience_s": _patience_of_sums(counted)}
    demand = read_forecast(source, timezone=zone, aht_s=aht_s)
    given = demand.groupby(demand["queue"].astype("str"))["patience_s"].mean() if "patience_s" in demand else pd.Series(dtype="float64")
    return {"demand": demand, "patience_s": {str(queue): float(value) for queue, value in given.dropna().items()}}


def _of_log(log: Any, zone: str, every: str, threshold_s: float) -> dict[str, Any]:
    if hasattr(log, "intervals"):
        staffed = log.agent_intervals if len(log.agent_intervals) else None
        return {
            "demand": to_forecast(log.intervals),
            "intervals": log.intervals,
            "agent_intervals": staffed,
            "patience_s": _patience_of_sums(log.intervals),
        }
    intervals = to_intervals(log.contacts, every=every, timezone=zone, threshold_s=threshold_s)
    groups = estimate_patience(log.contacts, by="queue", laws=()).groups
    return {
        "demand": to_forecast(intervals),
        "intervals": intervals,
        "agent_intervals": count_agents(log.agent_states, queues=len(log.contacts["queue"].cat.categories), every=every, timezone=zone),
        "contacts": log.contacts,
        "patience_s": {str(queue): float(mean) for queue, mean in zip(groups["queue"], groups["mean_s"], strict=True)},
    }


def _patience_of_sums(intervals: pd.DataFrame) -> dict[str, float]:
    """Mean patience where only sums are known, as `ccstats.plan_as_usual` takes it; waits of those who flowed out are not among them."""
    queues = intervals["queue"].astype("category")
    means = pooled_patience(intervals, queues.cat.codes.to_numpy().astype("int64"), None)
    return dict(zip(queues.astype("str"), means.tolist(), strict=True))


def _typical(intervals: pd.DataFrame, zone: str) -> tuple[pd.DataFrame, str]:
    try:
        return forecast_contacts(intervals, horizon="7D", by=("queue",), timezone=zone, method="profile"), ""
    except CcstatsError as error:
        return to_forecast(intervals).iloc[:0], f"no typical weekdays: {str(error).splitlines()[0]}"
