"""What would have been without outages: the baselines that `measure_continuity` compares with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.deviations.outages import Outages, overlap
from ccstats.errors import OptionError, TableError
from ccstats.expectation.expected import divide, level_sums
from ccstats.expectation.outlook import numbers
from ccstats.intervals import roll_up
from ccstats.periods import check_timezone, period_start
from ccstats.profile import fit_profile

__all__ = ["add_baseline", "sum_intervals"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Who was lost, whatever became of them elsewhere.
_LOST = ("abandoned", "flowed_out", "lost", "blocked")


def sum_intervals(frame: pd.DataFrame, keys: list[str], timezone: str | None) -> tuple[pd.DataFrame, str]:
    """Counts by (queue and) interval, and the zone whose days count.

    Parameters
    ----------
    frame : pandas.DataFrame
        `intervals`.
    keys : list of str
        ``queue`` or nothing.
    timezone : str, optional
        By default the zone the intervals were cut in.

    Returns
    -------
    tuple of (pandas.DataFrame, str)
        With ``interval_start``, ``interval_s`` and ``second``, the start since 1970 [s].

    Raises
    ------
    TableError, OptionError, ZoneError
        If there are no intervals, or they were counted without a threshold; if they were cut in several zones, or there is no such zone.

    Examples
    --------
    >>> import ccstats as cc
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1, days=2).contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> pool, zone = sum_intervals(half_hours, [], None)
    >>> int(pool["offered"].sum()) == int(half_hours["offered"].sum()), zone
    (True, 'Europe/Istanbul')
    """
    zones = sorted(map(str, frame["timezone"].unique()))
    if len(zones) > 1 and timezone is None:
        raise OptionError(f"intervals were cut in several zones ({', '.join(zones)}); say timezone= for whose weekdays count")
    zone = check_timezone(timezone if timezone is not None else (zones or ["UTC"])[0])
    if not len(frame):
        raise TableError("the table of intervals is empty; outages are measured against the weeks around them")
    if frame["answered_within"].isna().all():
        raise TableError("the intervals were counted without a threshold; count them with to_intervals(threshold_s=20)")
    lengths = frame.drop_duplicates("interval_start").set_index("interval_start")["interval_s"]
    made = roll_up(frame, by=keys, period="interval", timezone=zone).rename(columns={"period_start": "interval_start"})
    made = made.sort_values([*keys, "interval_start"], ignore_index=True)
    starts = pd.DatetimeIndex(made["interval_start"]).tz_convert("UTC").as_unit("us")
    return made.assign(interval_s=lengths.reindex(starts).to_numpy(), second=starts.asi8 / 1e6), zone


def add_baseline(frame: pd.DataFrame, keys: list[str], known: Outages, definition: str, options: dict[str, Any]) -> pd.DataFrame:
    """Contacts, service level, share lost and mean wait of each interval, what they are divided by, and what was to be expected.

    Parameters
    ----------
    frame : pandas.DataFrame
        As `sum_intervals` makes it.
    keys : list of str
        ``queue`` or nothing.
    known : Outages
        They are left out of the baseline, to the end of the local day.
    definition : str
        Of the service level.
    options : dict
        ``kind``, ``timezone`` and ``holidays`` of `fit_profile`.

    Returns
    -------
    pandas.DataFrame
        For each figure (``offered``, ``level``, ``lost``, ``wait``) its value, ``…_sum``, ``…_count``, ``…_baseline`` and ``…_sigma``.
        Where nothing varies, and at a time at which there never was anybody, a ratio's baseline is that of all times.

    Raises
    ------
    OptionError
        If there are too few days.

    Examples
    --------
    >>> import ccstats as cc
    >>> from ccstats.deviations.outages import Outages
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1, days=14).contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> none = Outages(*np.zeros((2, 0)), *np.zeros((2, 0), dtype=object))
    >>> pool, zone = sum_intervals(half_hours, [], None)
    >>> made = add_baseline(pool, [], none, "service_level", {"kind": "slot", "timezone": zone, "holidays": None})
    >>> bool((made["lost_baseline"].dropna() < 0.5).all())
    True
    """
    counts = {name: numbers(frame, name) for name in frame.columns if frame[name].dtype.kind in "iuf" and name != "blocked"}
    above, below = level_sums(counts, definition)
    offered = numbers(frame, "offered")
    lost = np.sum([np.nan_to_num(numbers(frame, name)) for name in _LOST], axis=0)
    came = offered + np.nan_to_num(numbers(frame, "blocked"))
    figures = {  # what is summed, what it is divided by, and how it varies
        "offered": (offered, np.ones(len(frame)), "count"),
        "level": (above, below, "share"),
        "lost": (lost, came, "share"),
        "wait": (numbers(frame, "total_wait_s"), numbers(frame, "answered"), "mean"),
    }
    unusual = _unusual(frame, keys, known, options["timezone"])
    made = frame[[*keys, "interval_start", "interval_s", "second"]]
    for name, (total, count, family) in figures.items():
        value = divide(total, count)
        usual = pd.DataFrame({"queue": frame["queue"] if keys else "", "value": np.where(unusual, np.nan, value)})
        made = made.assign(**{f"{name}_sum": total, f"{name}_count": count, name: value})
        made[f"{name}_baseline"], made[f"{name}_sigma"] = np.nan, np.nan
        if usual.groupby("queue", observed=True)["value"].nunique().max() > 1 or name == "offered":
            table = made.assign(value=usual["value"])
            count_name = None if family == "count" else f"{name}_count"
            found = fit_profile(table, value="value", count=count_name, by=keys, start="interval_start", family=family, **options)
            made[f"{name}_baseline"] = found["baseline"]
            made[f"{name}_sigma"] = _sigma(found, count, family)
        if name != "offered":  # at a time at which there never was anybody, and where nothing varies: that of all times
            sums = (
                pd.DataFrame({"total": total * ~unusual, "count": np.where(np.isnan(total), 0.0, count) * ~unusual})
                .groupby(usual["queue"], observed=True)
                .transform("sum")
            )
            overall = divide(sums["total"].to_numpy(), sums["count"].to_numpy())
            made[f"{name}_baseline"] = made[f"{name}_baseline"].fillna(pd.Series(overall, index=made.index))
    return made


def _sigma(found: pd.DataFrame, count: Floats, family: str) -> Floats:
    """How far the ratio of so many contacts strays from its baseline, also where it was left out of the fit."""
    mean, spread, between = (found[name].to_numpy() for name in ("baseline", "dispersion", "between"))
    scale = mean * (1 - mean) if family == "share" else mean**2
    return np.sqrt(scale * (divide(spread, count) + between))


def _unusual(frame: pd.DataFrame, keys: list[str], known: Outages, zone: str) -> Bools:
    """Intervals from the start of an outage to the end of the local day in which it ends."""
    begins, length = frame["second"].to_numpy(), numbers(frame, "interval_s")
    out = np.zeros(len(frame), dtype=bool)
    day = period_start(frame["interval_start"], period="day", timezone=zone).asi8
    for start, end, queue in zip(known.start, known.end, known.queue, strict=True):
        its = (frame["queue"] == queue).to_numpy() if queue else np.ones(len(frame), dtype=bool)
        touched = its & (overlap(start, end, begins, length) > 0)
        out |= its & (begins + length > start) & (day <= day[touched].max())
    return out
