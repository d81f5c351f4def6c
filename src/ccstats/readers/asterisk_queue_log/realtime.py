"""The realtime table: the same log in a database, turned into the lines that the file would have."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, ZoneError
from ccstats.readers.clock import localise

__all__ = ["lines_of"]

#: Columns by their names in the schemas about: Asterisk, QueueMetrics, add-ons.
_COLUMNS = {
    "time": ("time", "time_id", "eventdate"),
    "callid": ("callid", "call_id"),
    "queue": ("queuename", "queue_name", "queue"),
    "agent": ("agent",),
    "event": ("event", "verb"),
}
_DATA = ("data", "data1", "data2", "data3", "data4", "data5")
_ORDER = ("id", "unique_row_count")
_HOUR = pd.Timedelta(hours=1)
_BREAKS = str.maketrans({"\n": " ", "\r": " "})


def lines_of(name: str, frame: pd.DataFrame, timezone: str | None) -> tuple[bytes, np.ndarray, dict[str, int]]:
    r"""Lines of the file form, the row of the table (from 1) that each was made of, and what had to be noted.

    Rows are ordered by time and, within one time, by ``id``.

    Parameters
    ----------
    name : str
        Name of the source, for errors.
    frame : pandas.DataFrame
        Columns ``id, time, callid, queuename, agent, event`` and ``data`` or ``data1`` … ``data5``.
    timezone : str or None
        Zone of the server; needed where ``time`` is a local time without a zone.

    Raises
    ------
    ColumnError
        If a column is missing, or call ids were read as numbers.
    ZoneError
        If the times are local and no zone is given.

    Examples
    --------
    >>> row = {"id": 1, "time": "1266833905", "callid": "1.2", "queuename": "q", "agent": "NONE", "event": "ENTERQUEUE"}
    >>> lines_of("queue_log", pd.DataFrame([row | {"data1": "", "data2": "5551", "data3": None}]), None)[0]
    b'1266833905.000000|1.2|q|NONE|ENTERQUEUE||5551\n'
    """
    lower = {str(column).lower(): column for column in frame.columns}
    found = {}
    for what, choices in _COLUMNS.items():
        column = next((lower[choice] for choice in choices if choice in lower), None)
        if column is None:
            raise ColumnError(
                f"{name}: no column {' or '.join(map(repr, choices))} in the table; it has: {', '.join(map(str, frame.columns))}. "
                "A realtime queue_log has id, time, callid, queuename, agent, event and data or data1 to data5."
            )
        found[what] = frame[column]
    if pd.api.types.is_float_dtype(found["callid"].dtype) and found["callid"].notna().any():
        raise ColumnError(
            f"{name}: column 'callid' was read as numbers, and 1266833905.2 and 1266833905.20 are different calls; read it as text"
        )
    data = [_text(frame[lower[column]]) for column in _DATA if column in lower]
    serial = next((pd.to_numeric(frame[lower[column]], errors="coerce") for column in _ORDER if column in lower), None)
    by_id = np.arange(len(frame)) if serial is None else np.argsort(serial.to_numpy(dtype="float64", na_value=np.inf), kind="stable")
    time, notes = _epochs(name, found["time"].iloc[by_id], timezone)
    order = by_id[np.argsort(np.where(time < 0, np.iinfo("int64").max, time), kind="stable")]
    moments = np.empty(len(frame), dtype="int64")
    moments[by_id] = time
    columns = [_text(found[what]) for what in ("callid", "queue", "agent", "event")]
    out = []
    for row in order:
        moment = f"{moments[row] // 1_000_000}.{moments[row] % 1_000_000:06d}" if moments[row] >= 0 else ""
        line = "|".join((moment, *(column[row] for column in columns)))
        out.append(f"{line}|{'|'.join(column[row] for column in data).rstrip('|')}\n")
    return "".join(out).encode("utf-8", "replace"), order + 1, notes


def _text(column: pd.Series) -> list[str]:
    return ["" if value is None or value != value else str(value).translate(_BREAKS) for value in column.astype(object)]


def _epochs(name: str, column: pd.Series, timezone: str | None) -> tuple[np.ndarray, dict[str, int]]:
    """Microseconds since 1970, -1 where there is no time; rows in the order they were written."""
    if isinstance(column.dtype, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_dtype(column.dtype):
        return _of_datetimes(name, column, timezone)
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    if not np.isnan(numbers).all() or not column.notna().any():
        seconds = np.floor(numbers)
        micros = seconds * 1_000_000 + np.round((numbers - seconds) * 1_000_000)
        return np.where(np.isnan(micros), -1, np.clip(micros, -1, 9e18)).astype("int64"), {}
    texts = column.astype("str")
    zoned = bool(texts.str.contains(r"(?:[+-]\d\d:?\d\d|Z)$", na=False).any())
    return _of_datetimes(name, pd.to_datetime(texts, errors="coerce", format="ISO8601", utc=zoned), timezone)


def _of_datetimes(name: str, column: pd.Series, timezone: str | None) -> tuple[np.ndarray, dict[str, int]]:
    column = column.reset_index(drop=True)
    notes = {}
    if not isinstance(column.dtype, pd.DatetimeTZDtype):
        if timezone is None:
            raise ZoneError(
                f"{name}: column 'time' holds local times without a zone; say where the server's clock stood, "
                "for example timezone='Europe/Istanbul' (or timezone='UTC' with queue_log_realtime_use_gmt=yes)"
            )
        wall = column
        instants = localise(wall, timezone)
        column = instants.utc
        if instants.twice.any():
            again = instants.twice & _second_time(wall, instants.twice)
            column = column.mask(again, column + instants.later)
        notes = {
            "local time that the clock showed twice: the hour told by the order of the rows": int(instants.twice.sum()),
            "local time that the clock never showed: moved to the end of the gap": int(instants.never.sum()),
        }
    micros = column.dt.tz_convert("UTC").dt.as_unit("us").astype("int64").to_numpy().copy()
    micros[column.isna().to_numpy()] = -1
    return micros, notes


def _second_time(wall: pd.Series, twice: np.ndarray) -> np.ndarray:
    """Which rows of an hour shown twice stand after the clock was set back: those after a step back of the clock within it."""
    values = wall.to_numpy()
    second = np.zeros(len(values), dtype=bool)
    set_back, last = False, None
    for at in np.flatnonzero(twice):
        if last is not None and values[at] - last > 2 * _HOUR.to_timedelta64():
            set_back = False  # another year's hour
        elif last is not None and last - values[at] > _HOUR.to_timedelta64() / 4:
            set_back = True
        second[at] = set_back
        last = values[at]
    return second
