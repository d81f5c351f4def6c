"""A planner's own figures beside the model's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, OptionError
from ccstats.periods import check_timezone
from ccstats.schema import FORECAST, as_frame
from ccstats.workforce.forecast_history import instant_of

__all__ = ["override_forecast"]

_GIVEN = ("factor", "offered", "aht_s")


def override_forecast(forecast: Any, overrides: Any, *, timezone: str) -> pd.DataFrame:
    r"""Put a planner's figures in the place of the model's, which stay beside them.

    Parameters
    ----------
    forecast : table
        A `forecast`, of `forecast_contacts` or a planner's own.
    overrides : table
        One row each: ``start`` and ``end`` (the first moment after), where it is for one queue only ``queue``, and one or more of
        ``factor`` (1: as the model says), ``offered`` (contacts of the whole span, spread as the model spreads them, evenly where it
        expects none) and ``aht_s``. Later rows go before earlier ones.
    timezone : str
        Of dates and times without a zone.

    Returns
    -------
    pandas.DataFrame
        The forecast: ``expected_offered`` and ``expected_aht_s`` are the planner's where there are any, in ``override_offered`` and
        ``override_aht_s`` too, and the model's elsewhere; ``model_offered`` and ``model_aht_s`` are the model's everywhere. Limits stay
        the model's. Intervals that lie half in a span are not touched.

    Raises
    ------
    ColumnError, OptionError, ZoneError
        If a column is missing, or a row's span or figure cannot be or meets no interval; the row is named.

    Examples
    --------
    >>> import ccstats as cc
    >>> forecast = cc.read_forecast(b"start,calls,aht\n2026-03-02 09:00,100,180\n2026-03-02 09:30,50,180\n", timezone="Europe/London")
    >>> mine = [{"start": "2026-03-02", "end": "2026-03-03", "offered": 300}]
    >>> import pandas as pd
    >>> made = cc.override_forecast(forecast, pd.DataFrame(mine), timezone="Europe/London")
    >>> made[["expected_offered", "model_offered", "override_offered"]].to_numpy().tolist()
    [[200.0, 100.0, 200.0], [100.0, 50.0, 100.0]]
    """
    zone = check_timezone(timezone)
    table = FORECAST.conform(as_frame(forecast, what="forecast"))
    FORECAST.check(table, columns=FORECAST.names(required=True), keys=False)
    rows = as_frame(overrides, what="overrides")
    lacking = [name for name in ("start", "end") if name not in rows]
    if lacking or not any(name in rows for name in _GIVEN):
        raise ColumnError(f"overrides: expected start, end and one of {', '.join(_GIVEN)}; found {', '.join(map(str, rows.columns))}")
    made = {}
    for name in ("offered", "aht_s"):
        model, own = f"model_{name}", f"override_{name}"
        made[model] = np.array(table[model if model in table else f"expected_{name}"])
        made[own] = np.array(table[own]) if own in table else np.full(len(table), np.nan)
    ends = table["interval_start"] + pd.to_timedelta(table["interval_s"], unit="s")
    for number, row in enumerate(rows.to_dict("records")):
        hit = _rows_of(table, ends, row, zone, number)
        factor, offered, aht_s = (_figure(row, name, number) for name in _GIVEN)
        model = made["model_offered"][hit]
        if factor is not None:
            made["override_offered"][hit] = factor * model
        if offered is not None:
            total = float(np.nansum(model))
            made["override_offered"][hit] = offered * np.nan_to_num(model) / total if total > 0 else offered / hit.sum()
        if aht_s is not None:
            made["override_aht_s"][hit] = aht_s
    for name in ("offered", "aht_s"):
        made[f"expected_{name}"] = np.where(np.isnan(made[f"override_{name}"]), made[f"model_{name}"], made[f"override_{name}"])
    return FORECAST.conform(table.assign(**made))


def _rows_of(table: pd.DataFrame, ends: pd.Series[Any], row: dict[Any, Any], zone: str, number: int) -> np.ndarray:
    try:
        start, end = instant_of(row["start"], zone), instant_of(row["end"], zone)
    except (TypeError, ValueError):
        raise OptionError(f"overrides, row {number}: start={row['start']!r}, end={row['end']!r}: expected two dates or times") from None
    if not start < end:
        raise OptionError(
            f"overrides, row {number}: its end ({end}) does not come after its start ({start}); the end is the first moment after"
        )
    hit = ((table["interval_start"] >= start) & (ends <= end)).to_numpy()
    queue = row.get("queue")
    if queue is not None and not pd.isna(queue):
        hit = hit & (table["queue"].astype("str") == str(queue)).to_numpy()
    if not hit.any():
        raise OptionError(f"overrides, row {number}: no interval of the forecast lies within {start} to {end} (queue {queue!r})")
    return hit


def _figure(row: dict[Any, Any], name: str, number: int) -> float | None:
    given = row.get(name)
    if given is None or pd.isna(given):
        return None
    try:
        value = float(given)
    except (TypeError, ValueError):
        value = -1.0
    if not 0 <= value < np.inf:
        raise OptionError(f"overrides, row {number}: {name}={given!r} must be a number of 0 or more")
    return value
