"""A forecast for people: its days, and what could not be learnt."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["forecast_days", "forecast_lines"]


def forecast_days(forecast: pd.DataFrame, *, timezone: str) -> pd.DataFrame:
    """A `forecast` by queue and local day.

    Parameters
    ----------
    forecast : pandas.DataFrame
        A `forecast`.
    timezone : str
        Zone whose days count.

    Returns
    -------
    pandas.DataFrame
        ``queue, period_start, expected_offered``, and ``expected_aht_s`` weighted by contacts, missing where none are expected.

    Examples
    --------
    >>> at = pd.date_range("2024-03-04", periods=2, freq="12h", tz="UTC")
    >>> forecast = pd.DataFrame({"queue": "help", "interval_start": at, "expected_offered": [10.0, 30.0], "expected_aht_s": [100.0, 200.0]})
    >>> forecast_days(forecast, timezone="UTC")[["expected_offered", "expected_aht_s"]].values.tolist()
    [[40.0, 175.0]]
    """
    days = forecast["interval_start"].dt.tz_convert(timezone).dt.normalize()
    known = forecast["expected_aht_s"].notna()
    sums = pd.DataFrame(
        {
            "queue": forecast["queue"].astype("str"),
            "period_start": days,
            "expected_offered": forecast["expected_offered"],
            "seconds": (forecast["expected_offered"] * forecast["expected_aht_s"]).where(known, 0.0),
            "contacts": forecast["expected_offered"].where(known, 0.0),
        }
    )
    out = sums.groupby(["queue", "period_start"], as_index=False)[["expected_offered", "seconds", "contacts"]].sum()
    with np.errstate(invalid="ignore", divide="ignore"):
        out["expected_aht_s"] = (out["seconds"] / out["contacts"]).where(out["contacts"] > 0)
    return out[["queue", "period_start", "expected_offered", "expected_aht_s"]]


def forecast_lines(forecast: pd.DataFrame) -> list[str]:
    """Which models were taken, and the notes with how often each is made.

    Examples
    --------
    >>> forecast_lines(pd.DataFrame({"queue": ["help"], "model": ["ets"], "note": [""]}))
    ['model ets: help']
    """
    lines = []
    if "model" in forecast:
        queues = forecast.assign(queue=forecast["queue"].astype("str"), model=forecast["model"].astype("str"))
        for model, rows in queues.groupby("model", sort=True):
            names = list(dict.fromkeys(rows["queue"]))
            lines.append(f"model {model}: {', '.join(names[:10])}{f' and {len(names) - 10} more' if len(names) > 10 else ''}")
    if "note" in forecast:
        notes = forecast["note"][forecast["note"].fillna("") != ""].value_counts()
        lines += [f"{count:,} interval{'s' if count > 1 else ''}: {note}" for note, count in notes.items()]
    return lines
