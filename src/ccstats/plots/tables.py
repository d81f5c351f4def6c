"""Reading the table of a chart: which columns it needs, which queue, metric or period is shown, and whose time it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import ColumnError, OptionError, TableError, did_you_mean
from ccstats.periods import check_timezone
from ccstats.schema import as_frame

__all__ = ["Places", "chosen", "moments", "numbers", "one_period", "places_of", "read", "texts", "utc", "zone_named"]

#: Where a period stands: its start, or the word of a time of day or a weekday.
_WHEN = ("period_start", "interval_start", "slot", "weekday")


def read(table: Any, *, what: str, needs: Sequence[str], made_by: str) -> pd.DataFrame:
    """The table as a frame, if it has the columns.

    Parameters
    ----------
    table : pandas.DataFrame or Arrow table
        What was handed in.
    what : str
        Its name, for the error.
    needs : sequence of str
        Columns.
    made_by : str
        The function that makes such a table.

    Raises
    ------
    TableError, ColumnError
        If it is no table, or columns are missing.

    Examples
    --------
    >>> read(pd.DataFrame({"a": [1]}), what="points", needs=["value"], made_by="find_deviations")
    Traceback (most recent call last):
    ccstats.errors.ColumnError: points: no column 'value'; expected the table that `find_deviations` makes. It has: a
    """
    frame = as_frame(table, what=what)
    missing = [name for name in needs if name not in frame]
    if missing:
        names = ", ".join(map(repr, missing))
        has = ", ".join(str(name)[:60] for name in list(frame.columns)[:40]) or "none"
        raise ColumnError(f"{what}: no column {names}; expected the table that `{made_by}` makes. It has: {has}")
    twice = [str(name) for name in frame.columns[frame.columns.duplicated()] if name in needs]
    if twice:
        raise TableError(f"{what}: column {twice[0]!r} is there more than once; leave one of them out")
    return frame


def numbers(frame: pd.DataFrame, name: str, what: str) -> NDArray[np.float64]:
    """A column of numbers; what is missing or infinite is NaN and leaves a gap.

    Raises
    ------
    TableError
        If it holds something else.

    Examples
    --------
    >>> numbers(pd.DataFrame({"value": [1, None, float("inf")]}), "value", "points")
    array([ 1., nan, nan])
    """
    column = frame[name]
    if not len(column):
        return np.zeros(0)
    try:
        if pd.api.types.is_datetime64_any_dtype(column.dtype) or isinstance(column.dtype, pd.CategoricalDtype):
            raise TypeError
        values = column.to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError):
        raise TableError(f"{what}: column {name!r} is {column.dtype}, expected numbers") from None
    return np.where(np.isfinite(values), values, np.nan)


def moments(frame: pd.DataFrame, name: str, what: str) -> pd.DatetimeIndex:
    """A column of instants.

    Raises
    ------
    TableError
        If it has no time zone, or holds something else.

    Examples
    --------
    >>> moments(pd.DataFrame({"at": pd.to_datetime(["2025-01-01T00:00Z"])}), "at", "points").tz
    datetime.timezone.utc
    """
    column = frame[name]
    if not len(column):
        return pd.DatetimeIndex([], tz="UTC")
    if not isinstance(column.dtype, pd.DatetimeTZDtype):
        raise TableError(f"{what}: column {name!r} is {column.dtype}, expected instants with a time zone (Series.dt.tz_localize gives one)")
    return pd.DatetimeIndex(column)


def texts(values: pd.Series[Any]) -> pd.Series[Any]:
    """Words of the data as text; empty where they are missing.

    Examples
    --------
    >>> texts(pd.Series(["sales", None, 3])).tolist()
    ['sales', '', '3']
    """
    return values.astype("object").map(lambda value: "" if pd.api.types.is_scalar(value) and pd.isna(value) else str(value)).astype("str")


def utc(instants: Any) -> Any:
    """Instants as Matplotlib takes them: UTC without a zone; the axis knows the zone.

    Examples
    --------
    >>> utc(pd.Series(pd.to_datetime(["2025-01-06 10:00+03:00"])))
    array(['2025-01-06T07:00:00.000000'], dtype='datetime64[us]')
    """
    return pd.DatetimeIndex(instants).tz_convert("UTC").tz_localize(None).as_unit("us").to_numpy()


def chosen(frame: pd.DataFrame, column: str, asked: Any, *, what: str, prefer: str | None = None) -> tuple[pd.DataFrame, str | None]:
    """The rows of one queue or metric, and which it is.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table.
    column : str
        Whose values are chosen from; a table without it is of one alone.
    asked : str or None
        Which; None where there is only one.
    what : str
        Name of the table.
    prefer : str, optional
        Taken where several are there and none was asked for.

    Returns
    -------
    tuple of pandas.DataFrame and str or None

    Raises
    ------
    OptionError
        If there are several and none was asked for, or the one asked for is not there.
    ColumnError
        If one was asked for and the table has no such column.

    Examples
    --------
    >>> table = pd.DataFrame({"queue": ["sales", "help"], "value": [1, 2]})
    >>> chosen(table, "queue", "help", what="points")[0]["value"].tolist()
    [2]
    >>> chosen(table, "queue", None, what="points")
    Traceback (most recent call last):
    ccstats.errors.OptionError: points have 2 of queue; choose one with queue=: help, sales
    """
    if column not in frame:
        if asked is not None:
            raise ColumnError(f"{column}={asked!r}: {what} have no column {column!r}")
        return frame, None
    words = texts(frame[column])
    there = sorted(set(words))
    if asked is None:
        if len(there) < 2:
            return frame, there[0] if there else None
        if prefer is None or prefer not in there:
            shown = ", ".join(word[:60] for word in there[:20]) + (", …" if len(there) > 20 else "")
            raise OptionError(f"{what} have {len(there)} of {column}; choose one with {column}=: {shown}")
        asked = prefer
    if str(asked) not in there and len(frame):
        shown = ", ".join(word[:60] for word in there[:20])
        raise OptionError(f"{column}={str(asked)[:60]!r} is not in {what}; there are: {shown}.{did_you_mean(str(asked), there)}")
    return frame[(words == str(asked)).to_numpy()], str(asked)


def one_period(frame: pd.DataFrame, asked: Any, *, what: str, last: bool = False) -> tuple[pd.DataFrame, pd.Timestamp | None]:
    """The rows of one period, and when it starts.

    Parameters
    ----------
    frame : pandas.DataFrame
        With ``period_start``, or without: then it is of one period.
    asked : datetime-like or None
        A moment without a zone is one of the table's.
    what : str
        Name of the table.
    last : bool
        Take the last where none was asked for.

    Raises
    ------
    OptionError
        If there are several and none was asked for, or the one asked for is not there or no moment.

    Examples
    --------
    >>> table = pd.DataFrame({"period_start": pd.to_datetime(["2025-01-01T00:00Z", "2025-02-01T00:00Z"]), "value": [1, 2]})
    >>> one_period(table, "2025-01-01", what="kpis")[0]["value"].tolist()
    [1]
    """
    if "period_start" not in frame or frame.empty:
        return frame, None
    starts = moments(frame, "period_start", what)
    there = starts.unique().sort_values()
    said = ", ".join(f"{each:%Y-%m-%d %H:%M}" for each in there[:10]) + (", …" if len(there) > 10 else "")
    if asked is None:
        if len(there) > 1 and not last:
            raise OptionError(f"{what} are of {len(there)} periods; choose one with period_start=: {said}")
        moment = there[-1]
    else:
        try:
            moment = pd.Timestamp(asked)
            moment = moment.tz_localize(starts.tz) if moment.tzinfo is None else moment
        except (TypeError, ValueError):
            raise OptionError(f"period_start={asked!r} is no moment; expected one such as {there[-1]:%Y-%m-%d}") from None
        if moment not in there:
            raise OptionError(f"period_start={asked!r} is not in {what}; there are: {said}")
    return frame[starts == moment], moment


def zone_named(frame: pd.DataFrame, timezone: Any, starts: pd.DatetimeIndex) -> str:
    """Whose time is shown: the zone asked for, that of the instants, or that the table names; UTC where nobody says.

    Raises
    ------
    ZoneError
        If there is no such zone.

    Examples
    --------
    >>> zone_named(pd.DataFrame({"timezone": ["Europe/London"]}), None, pd.DatetimeIndex([], tz="UTC"))
    'Europe/London'
    """
    if timezone is not None:
        return check_timezone(timezone)
    name = getattr(starts.tz, "key", None) or "UTC"  # a fixed offset is nobody's time
    named = set(texts(frame["timezone"])) - {""} if name == "UTC" and "timezone" in frame else set()
    return check_timezone(named.pop() if len(named) == 1 else name)


@dataclass(frozen=True)
class Places:
    """Where the rows of a table stand from left to right: in time, by time of day, or by weekday.

    Attributes
    ----------
    x : numpy.ndarray
        Instants in UTC, or 0, 1, 2, ….
    words : tuple of str
        What stands below 0, 1, 2, …; empty in time.
    zone : str
        The zone of time.
    column : str
        The column that says so.

    Examples
    --------
    >>> Places(np.arange(2), ("08:00", "09:00"), "", "slot").zone
    ''
    """

    x: Any
    words: tuple[str, ...]
    zone: str
    column: str


def places_of(frame: pd.DataFrame, timezone: Any, *, what: str, made_by: str) -> tuple[pd.DataFrame, Places]:
    """The rows in the order of their periods, and where they stand.

    Raises
    ------
    ColumnError, TableError
        If the table has no period, or a period more than once.

    Examples
    --------
    >>> table = pd.DataFrame({"slot": ["09:00", "08:00"], "offered": [2, 1]})
    >>> rows, places = places_of(table, None, what="service", made_by="measure_service")
    >>> rows["offered"].tolist(), places.words
    ([1, 2], ('08:00', '09:00'))
    """
    name = next((each for each in _WHEN if each in frame), None)
    if name is None:
        raise ColumnError(f"{what}: no column {', '.join(map(repr, _WHEN))}; call `{made_by}` with period=, such as 'day'")
    if name in ("slot", "weekday"):
        rows = frame.sort_values(name, kind="stable")
        places = Places(np.arange(len(rows)), tuple(str(value) for value in rows[name]), "", name)
    else:
        starts = moments(frame, name, what)
        zone = zone_named(frame, timezone, starts)
        rows = frame.iloc[np.argsort(starts.asi8, kind="stable")]
        places = Places(utc(moments(rows, name, what)), (), zone, name)
    repeated = rows[name].duplicated().to_numpy()
    if repeated.any():
        first = rows[name].iloc[int(np.flatnonzero(repeated)[0])]
        raise TableError(f"{what}: {name} {first} is there more than once; keep one group of the table, or measure without `by`")
    return rows, places
