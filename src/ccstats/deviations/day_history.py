"""Earlier days beside what was to be expected of them, to learn how days differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ccstats.deviations.day_factors import Belief, learn, learn_handle_times
from ccstats.errors import TableError
from ccstats.expectation.expected import divide
from ccstats.expectation.outlook import numbers
from ccstats.intervals import roll_up
from ccstats.intervals.merging import as_intervals
from ccstats.intervals.ratios import add_ratios
from ccstats.periods import period_start, slot_of, weekday_of

__all__ = ["handled_sums", "learn_from", "read_history"]

#: Days that differ at all.
_FEWEST = 2


def handled_sums(intervals: Any, *, what: str) -> tuple[pd.DataFrame, str]:
    """Contacts and handle time per queue and interval, and the zone the intervals were cut in.

    Parameters
    ----------
    intervals : table
        `intervals`, booked where contacts joined the queue.
    what : str
        Its name, for the error text.

    Returns
    -------
    tuple of (pandas.DataFrame, str)
        ``queue`` (text), ``interval_start, interval_s, offered, aht_s`` and ``known``, the contacts whose handle time is known.

    Raises
    ------
    TableError
        If a column is missing, or the intervals are booked otherwise or cut in several zones.

    Examples
    --------
    >>> import ccstats as cc
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1, days=1).contacts, timezone="Europe/Istanbul")
    >>> sums, zone = handled_sums(half_hours, what="intervals")
    >>> int(sums["offered"].sum()) == int(half_hours["offered"].sum()), zone
    (True, 'Europe/Istanbul')
    """
    frame = as_intervals(intervals)
    for name, wanted, how in (
        ("attribute_by", "queued", "a forecast says who is to join the queue when: give intervals made with attribute_by='queued'"),
        ("timezone", None, "make them with one timezone="),
    ):
        found = sorted(map(str, frame[name].unique()))
        if len(found) > 1 or (wanted and found not in ([], [wanted])):
            raise TableError(f"{what} has {name} {', '.join(found)}; {how}")
    zone = str(frame["timezone"].iloc[0]) if len(frame) else "UTC"
    sums = add_ratios(roll_up(frame, by="queue", period="interval", timezone=zone), metrics=("aht_s",))
    known = np.nan_to_num(np.fmax.reduce([numbers(sums, f"{part}_known") for part in ("talk", "hold", "wrap")]))
    made = pd.DataFrame(
        {
            "queue": sums["queue"].astype("str"),
            "interval_start": sums["period_start"].dt.tz_convert("UTC").dt.as_unit("us"),
            "offered": numbers(sums, "offered"),
            "aht_s": numbers(sums, "aht_s"),
            "known": known,
        }
    )
    lengths = (
        frame[["interval_start", "interval_s"]].astype({"interval_start": made["interval_start"].dtype}).drop_duplicates("interval_start")
    )
    return made.merge(lengths, on="interval_start", how="left"), zone


def read_history(history: Any, planned: pd.DataFrame, day: pd.Timestamp, zone: str) -> pd.DataFrame:
    """Intervals of days before ``day`` with what was to be expected of each.

    Parameters
    ----------
    history : table
        `intervals`.
    planned : pandas.DataFrame
        The forecast, as `ccstats.deviations.planned.read_planned` makes it.
    day : pandas.Timestamp
        Start of the local day that is to be revised.
    zone : str
        Where days begin.

    Returns
    -------
    pandas.DataFrame
        ``queue, day, offered, expected, aht_s, expected_s, known, inflate``: expected by the forecast for queues that it knows on any of
        these days, else the mean of the queue's weekday and time; ``inflate`` makes up for a mean that holds the day itself.

    Raises
    ------
    TableError
        If the table is booked otherwise or has no rows before the day.

    Examples
    --------
    >>> import ccstats as cc
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1, days=15).contacts, timezone="Europe/Istanbul")
    >>> planned = half_hours[["queue", "interval_start"]][:0].assign(planned_offered=0.0, planned_aht_s=0.0)
    >>> past = read_history(half_hours, planned, pd.Timestamp("2025-01-20", tz="Europe/Istanbul"), "Europe/Istanbul")
    >>> past["inflate"].max()  # every weekday is there twice
    np.float64(2.0)
    """
    made, _ = handled_sums(history, what="history")
    made["day"] = period_start(made["interval_start"], period="day", timezone=zone)
    made = made[made["day"] < day].reset_index(drop=True)
    if not len(made):
        raise TableError(f"history has no intervals before {day:%Y-%m-%d} ({zone}), the day to revise; give earlier days")
    terms = planned[["queue", "interval_start", "planned_offered", "planned_aht_s"]].astype({"queue": made["queue"].dtype})
    made = made.merge(terms, on=["queue", "interval_start"], how="left")
    forecast = made.groupby("queue")["planned_offered"].transform("count").to_numpy() > 0
    made["took_s"] = made["known"] * made["aht_s"].fillna(0.0)
    slot = [made["queue"], weekday_of(made["interval_start"], timezone=zone).codes, slot_of(made["interval_start"], timezone=zone).codes]
    alike = made.groupby(slot)
    size = alike["offered"].transform("size").to_numpy()
    usual = divide(alike["took_s"].transform("sum").to_numpy(), alike["known"].transform("sum").to_numpy())
    return made.assign(
        expected=np.where(forecast, numbers(made, "planned_offered"), np.where(size > 1, alike["offered"].transform("mean"), np.nan)),
        expected_s=np.where(forecast, numbers(made, "planned_aht_s"), usual),
        inflate=np.where(forecast, 1.0, size / np.maximum(size - 1, 1)),
    )[["queue", "day", "offered", "expected", "aht_s", "expected_s", "known", "inflate"]]


def learn_from(past: pd.DataFrame, queues: set[str], assumed: tuple[Belief, Belief]) -> tuple[Belief, Belief]:
    """What the days of these queues were like, taken together: factors of volume and of handle time.

    Parameters
    ----------
    past : pandas.DataFrame
        As from `read_history`.
    queues : set of str
        The queues that share a day factor.
    assumed : tuple of Belief
        Of volume and handle time, without history.

    Returns
    -------
    tuple of Belief

    Raises
    ------
    TableError
        If less than two days are known, or no weekday twice where there is no forecast of them.

    Examples
    --------
    >>> past = pd.DataFrame({"queue": "sales", "day": [1, 2], "offered": [90.0, 110.0], "expected": 100.0, "inflate": 1.0})
    >>> past = past.assign(aht_s=200.0, expected_s=200.0, known=50.0)
    >>> volume, handling = learn_from(past, {"sales"}, (Belief(1.0, 0.01, 1.0), Belief(1.0, 0.0025, 1.0)))
    >>> round(volume.cv2, 4), round(handling.cv2, 6)
    (0.01, 0.001667)
    """
    rows = past[past["queue"].isin(queues) & (past["expected"] > 0)]
    day, days = pd.factorize(rows["day"])
    if len(days) < _FEWEST:
        raise TableError(
            f"history has {len(days)} days of {', '.join(sorted(queues))} that can be held against an expectation; give two at least that "
            "the forecast covers, or several weeks, so that weekdays come twice"
        )

    def per_day(which: pd.DataFrame, number: Any) -> Any:
        return which["inflate"].groupby(number).mean().to_numpy(dtype="float64")

    volume = learn(assumed[0], numbers(rows, "offered"), numbers(rows, "expected"), day, per_day(rows, day))
    rows = rows[(rows["known"] > 0) & (rows["aht_s"] > 0) & (rows["expected_s"] > 0)]
    day, days = pd.factorize(rows["day"])
    if len(days) < _FEWEST:
        return volume, assumed[1]
    aht, expected, known = (numbers(rows, name) for name in ("aht_s", "expected_s", "known"))
    return volume, learn_handle_times(assumed[1], aht, expected, known, day, per_day(rows, day))
