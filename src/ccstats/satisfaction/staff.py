"""Who left, who was absent, and how much training was there: turnover, absenteeism and training of agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from ccstats.errors import OptionError, TableError, ZoneError
from ccstats.periods import check_timezone
from ccstats.satisfaction._cells import Cells, Clusters, columns_of, divide, keys_of, score_limits, span_of
from ccstats.schema import ABSENCES, STAFF, as_frame
from ccstats.spc.proportions import check_confidence

__all__ = ["measure_absenteeism", "measure_training", "measure_turnover"]

_STEPS = {"week": "W-MON", "month": "MS", "quarter": "QS", "year": "YS"}
#: Days of a mean month of the Gregorian calendar, 365.2425 / 12.
_MONTH_DAYS = 30.436875


def measure_turnover(
    staff: Any,
    *,
    period: str | None = "month",
    timezone: str | None = None,
    by: str | Sequence[str] = (),
    observed: tuple[Any, Any] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Agents who left, relative to the mean of those there at the start and at the end.

    Parameters
    ----------
    staff : pandas.DataFrame or Arrow table
        One row an employment.
    period : str, optional
        ``week``, ``month``, ``quarter`` or ``year``; None for the whole time at once.
    timezone : str, optional
        The zone whose days count; needed with ``period``.
    by : str or sequence of str
        Group columns of ``staff``, such as ``queue``.
    observed : (instant, instant), optional
        From when to when the table tells who came and left; by default from the first to the last instant in it. Periods that it does not
        cover are left out, because half a month would look like a quiet one; without ``period`` it is taken as it is.
    confidence : float
        Of the limits, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        The groups, ``period_start``, ``months`` (length of the period), ``headcount_start``, ``joined``, ``leavers``,
        ``voluntary_leavers`` (missing where the table does not tell), ``headcount_end``, ``agent_turnover`` = leavers / ((start +
        end) / 2),
        ``agent_turnover_annual`` = 12 / months of it with ``_low`` and ``_high``, and ``voluntary_turnover_annual``. Without headcount at
        either end the ratios are missing. Every group has every period.

    Raises
    ------
    TableError
        If somebody leaves before joining, or is employed twice at once.
    OptionError, ColumnError, ZoneError
        If an argument has no such value.

    Notes
    -----
    A person counts at an instant who joined before it and has not left by it; who leaves at the end of a month (its last midnight) left in
    that month. So headcount_start + joined - leavers = headcount_end. A mean of two ends misleads in a centre that grows or shrinks within
    the period, such as before Christmas: use months, and add leavers and mean headcounts up. The limits are Garwood's of a Poisson count:
    one leaver of ten in a month is an annual turnover between 3 and 669 %.

    References
    ----------
    F. Garwood (1936), Biometrika 28, 437-442.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> day = lambda text: pd.Timestamp(text, tz="UTC")
    >>> staff = cc.schema.STAFF.conform(pd.DataFrame({
    ...     "agent": ["Ada", "Bo", "Cy"], "joined_at": [day("2024-01-01")] * 3, "left_at": [day("2025-01-15"), pd.NaT, pd.NaT]}))
    >>> cc.measure_turnover(staff, timezone="UTC", observed=(day("2025-01-01"), day("2025-02-01")))[
    ...     ["headcount_start", "leavers", "headcount_end", "agent_turnover"]].values.tolist()
    [[3.0, 1.0, 2.0, 0.4]]
    """
    check_confidence(confidence)
    if period is not None and period not in _STEPS:
        raise OptionError(f"period={period!r}: expected {', '.join(_STEPS)} or None")
    if period is not None and timezone is None:
        raise ZoneError(f"period={period!r} needs timezone=, the zone whose days count, such as 'Europe/Istanbul'")
    zone = check_timezone(timezone or "UTC")
    frame = _employments(staff)
    starts, ends, months = _periods(frame, period, zone, observed)
    cells = Cells(keys_of(frame, by, instants=frame["joined_at"], period=None, timezone=None, what="staff"))
    told = "voluntary" in frame
    voluntary = frame["voluntary"].to_numpy(dtype=bool) if told else np.zeros(len(frame), dtype=bool)
    parts = []
    spans = list(zip(starts, ends, months, strict=True))
    for start, end, length in spans or [(_NEVER, _NEVER, np.nan)]:  # without periods a row that is dropped again, for the columns' kinds
        left = (frame["left_at"] > start).to_numpy() & (frame["left_at"] <= end).to_numpy()
        here = {
            "headcount_start": cells.count(_there(frame, start)),
            "joined": cells.count(((frame["joined_at"] >= start) & (frame["joined_at"] < end)).to_numpy()),
            "leavers": cells.count(left),
            "voluntary_leavers": pd.array(cells.count(left & voluntary) if told else [pd.NA] * len(cells), dtype="Int64"),
            "headcount_end": cells.count(_there(frame, end)),
        }
        parts.append(cells.table({"period_start": start.tz_convert(timezone), "months": length, **here}))
    out = pd.concat(parts, ignore_index=True)
    out = out if spans else out.iloc[:0]
    names = list(cells.keys.columns)
    out = out.sort_values([*names, "period_start"], kind="stable", ignore_index=True) if names else out
    mean = (out["headcount_start"] + out["headcount_end"]) / 2
    leavers, year = out["leavers"].to_numpy(dtype="float64"), 12 / out["months"].to_numpy()
    tail = (1 - confidence) / 2
    low = np.where(leavers > 0, special.gammaincinv(np.maximum(leavers, 1), tail), 0.0)
    out["agent_turnover"] = divide(leavers, mean)
    out["agent_turnover_annual"] = divide(leavers, mean) * year
    out["agent_turnover_annual_low"] = divide(low, mean) * year
    out["agent_turnover_annual_high"] = divide(special.gammaincinv(leavers + 1, 1 - tail), mean) * year
    out["voluntary_turnover_annual"] = divide(out["voluntary_leavers"].to_numpy(dtype="float64", na_value=np.nan), mean) * year
    return out if period is not None else out.drop(columns="period_start")


def measure_absenteeism(
    absences: Any,
    *,
    by: str | Sequence[str] = (),
    period: str | None = None,
    timezone: str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Share of scheduled time in which agents were absent without having planned it.

    Parameters
    ----------
    absences : pandas.DataFrame or Arrow table
        One row an agent's scheduled time, such as a day, whether absent or not.
    by : str or sequence of str
        Group columns of ``absences``.
    period : str, optional
        ``day``, ``week``, ``month``, … by ``started_at``; without one, one row a group.
    timezone : str, optional
        The zone whose days count; needed with ``period``.
    confidence : float
        Of the limits, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        The groups and ``period_start``: ``agents``, ``scheduled_s``, ``absent_s``, ``absenteeism_rate`` with ``_low`` and ``_high``, and
        ``agents_absent``, who were absent at all. Shares of nothing are missing.

    Raises
    ------
    TableError
        If more is absent than scheduled, or the table does not fit its schema.
    OptionError, ColumnError, ZoneError
        If an argument has no such value.

    Notes
    -----
    A table of absences only, without the days on which agents were there, gives a rate of 1. One long illness is many days of one agent:
    the limits take agents as the units (linearised ratio, as in `measure_quality`), and are missing with one agent.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> days = cc.schema.ABSENCES.conform(pd.DataFrame({
    ...     "agent": ["Ada", "Bo"], "started_at": pd.Timestamp("2025-03-03T08:00Z"), "scheduled_s": 28800.0, "absent_s": [0.0, 14400.0]}))
    >>> float(cc.measure_absenteeism(days)["absenteeism_rate"][0])
    0.25
    """
    check_confidence(confidence)
    frame = as_frame(absences, what="absences")
    ABSENCES.check(frame, columns=["agent", "started_at", "scheduled_s", "absent_s"])
    scheduled, absent = (frame[name].to_numpy(dtype="float64", na_value=np.nan) for name in ("scheduled_s", "absent_s"))
    bad = ~(absent <= scheduled)
    if bad.any():
        row = frame.iloc[int(np.flatnonzero(bad)[0])]
        raise TableError(
            f"absences: {int(bad.sum())} rows are absent longer than scheduled; first {row['agent']} at {row['started_at']}: "
            f"{row['absent_s']:g} s of {row['scheduled_s']:g} s. Absences outside the schedule do not count"
        )
    cells = Cells(keys_of(frame, by, instants=frame["started_at"], period=period, timezone=timezone, what="absences"))
    agent = pd.factorize(frame["agent"].astype("str"))[0].astype("int64")
    found = score_limits(absent, scheduled, Clusters(cells.codes, agent, len(cells)), confidence=confidence)
    width = int(agent.max(initial=0)) + 1

    def agents(chosen: np.ndarray) -> np.ndarray:
        return np.bincount(np.unique((cells.codes * width + agent)[chosen]) // width, minlength=len(cells)).astype("int64")

    return cells.table(
        {
            "agents": agents(scheduled > 0),
            "agents_absent": agents(absent > 0),
            "scheduled_s": cells.total(scheduled),
            "absent_s": cells.total(absent),
            **dict(zip(("absenteeism_rate", "absenteeism_rate_low", "absenteeism_rate_high"), found, strict=True)),
        }
    )


def measure_training(staff: Any, *, by: str | Sequence[str] = (), observed: tuple[Any, Any] | None = None) -> pd.DataFrame:
    """Hours of training per agent.

    Parameters
    ----------
    staff : pandas.DataFrame or Arrow table
        One row an employment, with ``training_s``, the training in the time looked at.
    by : str or sequence of str
        Group columns of ``staff``.
    observed : (instant, instant), optional
        That time; by default from the first to the last instant in the table.

    Returns
    -------
    pandas.DataFrame
        The groups, ``headcount`` (mean of those at the start and at the end), ``training_s`` and ``training_hours_per_agent`` [h]; missing
        without headcount. It is a sum over everybody there, not a sample: no interval.

    Raises
    ------
    TableError, ColumnError, OptionError, ZoneError
        As `measure_turnover` does.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> day = lambda text: pd.Timestamp(text, tz="UTC")
    >>> staff = cc.schema.STAFF.conform(pd.DataFrame({
    ...     "agent": ["Ada", "Bo"], "joined_at": day("2024-01-01"), "left_at": pd.Series([pd.NaT, pd.NaT], dtype="datetime64[us, UTC]"),
    ...     "training_s": [7200.0, 21600.0]}))
    >>> float(cc.measure_training(staff, observed=(day("2025-01-01"), day("2025-02-01")))["training_hours_per_agent"][0])
    4.0
    """
    frame = _employments(staff)
    columns_of("training_s", frame, what="staff")
    STAFF.check(frame, columns=["training_s"], keys=False)
    starts, ends, _ = _periods(frame, None, "UTC", observed)
    cells = Cells(keys_of(frame, by, instants=frame["joined_at"], period=None, timezone=None, what="staff"))
    headcount = np.zeros(len(cells))
    if starts:
        headcount = (cells.count(_there(frame, starts[0])) + cells.count(_there(frame, ends[0]))) / 2
    training = cells.total(frame["training_s"].fillna(0.0))
    return cells.table({"headcount": headcount, "training_s": training, "training_hours_per_agent": divide(training / 3600, headcount)})


_NEVER = pd.Timestamp(0, tz="UTC").as_unit("us")


def _employments(staff: Any) -> pd.DataFrame:
    frame = as_frame(staff, what="staff")
    STAFF.check(frame, columns=["agent", "joined_at", "left_at", *(["voluntary"] if "voluntary" in frame else [])])
    bad = (frame["left_at"] <= frame["joined_at"]).to_numpy()
    if bad.any():
        row = frame.iloc[int(np.flatnonzero(bad)[0])]
        raise TableError(
            f"staff: {int(bad.sum())} rows end before they begin; first {row['agent']}: {row['joined_at']} to {row['left_at']}"
        )
    order = frame.sort_values(["agent", "joined_at"], kind="stable")
    before = order["left_at"].shift()
    again = (order["agent"].astype("str") == order["agent"].astype("str").shift()).to_numpy()
    twice = again & (before.isna() | (before > order["joined_at"])).to_numpy()
    if twice.any():
        row = order.iloc[int(np.flatnonzero(twice)[0])]
        raise TableError(f"staff: {row['agent']} is employed a second time from {row['joined_at']}, before the first time ended")
    return frame


def _there(frame: pd.DataFrame, at: pd.Timestamp) -> np.ndarray:
    return ((frame["joined_at"] < at) & ~(frame["left_at"] <= at)).to_numpy()


def _periods(
    frame: pd.DataFrame, period: str | None, timezone: str, observed: Any
) -> tuple[list[pd.Timestamp], list[pd.Timestamp], list[float]]:
    """Whole periods within the time that the table tells of, and their length in months."""
    low, high = span_of(observed, pd.concat([frame["joined_at"], frame["left_at"]], ignore_index=True).dropna())
    if pd.isna(low) or low == high:
        return [], [], []
    if period is None:
        return [low], [high], [(high - low) / pd.Timedelta(days=_MONTH_DAYS)]
    local = [each.tz_convert(timezone).tz_localize(None) for each in (low, high)]
    edges = pd.date_range(local[0].normalize(), local[1], freq=_STEPS[period])
    try:
        edges = edges.tz_localize(timezone, ambiguous=np.ones(len(edges), dtype=bool), nonexistent="shift_forward")
    except (ValueError, TypeError) as error:
        raise ZoneError(f"timezone={timezone!r}: {error}") from None
    edges = edges[(edges >= low) & (edges <= high)]
    length = {"week": 7 / _MONTH_DAYS, "month": 1.0, "quarter": 3.0, "year": 12.0}[period]
    return list(edges[:-1]), list(edges[1:]), [length] * max(len(edges) - 1, 0)
