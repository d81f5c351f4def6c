"""How good forecasts are: `forecast_contacts` beside what planners do by hand and beside forecasting packages, origin after origin.

**Histories**. Synthetic: two years of half-hours of two queues (`ccstats.synthetic.histories`): trend, yearly season, weekdays, holidays
and the day after, a level that wanders, days and half-hours that are by chance busier; and two to three weeks of the like. Real, where
the logs are beside the repository (CCSTATS_SHARED): the bank's February of 1999, by queue.

**Forecasters**. All see the days before the origin only, and none is told what a gap is.

* last week: the contacts of the same half-hour a week before. *Mean of four*: of the last four same weekdays, half-hour by half-hour.
* statsmodels ETS: daily totals by Holt-Winters (additive, season of a week, damped trend); STL: ``STLForecast`` with the same, less
  season, on what it leaves. Both are spread over the day by the mean of the last four same weekdays.
* Prophet: daily totals with the country's holidays, spread likewise. statsforecast: ``MSTL`` (day and week) with ``AutoETS`` on the
  half-hours of the last sixteen weeks. Both are no dependencies: where they are not installed their rows say so.
* ccstats: ``forecast_contacts`` as it is, and its method ``profile`` alone; told the country's holidays.

**Scores**. WAPE: the errors without their sign as a share of what came, by half-hour and by day; *ordinary*: without holidays and the days
next to them, because not all are told of them. Bias: what was forecast too much. Limits: half-hours (in which a contact was due or came)
and days within those of 80 and 95 %. Seconds: for all queues from one origin.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import ccstats as cc
from ccstats.synthetic.histories import synthesize_history

Floats = NDArray[np.float64]
Forecaster = Callable[[pd.DatetimeIndex, Floats, int], Floats]

HOLIDAYS = "DE"
OURS = ("auto", "profile")
_SHARED = Path(os.environ.get("CCSTATS_SHARED", Path(__file__).parents[2] / "shared"))


def last_week(dates: pd.DatetimeIndex, counts: Floats, ahead: int) -> Floats:
    return counts[-7:][np.arange(ahead) % 7]


def mean_of_four(dates: pd.DatetimeIndex, counts: Floats, ahead: int) -> Floats:
    weeks = min(4, len(counts) // 7)
    return counts[-7 * weeks :].reshape(weeks, 7, -1).mean(axis=0)[np.arange(ahead) % 7]


def _spread(counts: Floats, ahead: int, total: Floats) -> Floats:
    shares = mean_of_four(pd.DatetimeIndex([]), counts, ahead)
    return np.maximum(total, 0)[:, None] * shares / np.maximum(shares.sum(axis=1, keepdims=True), 1e-9)


def statsmodels_ets(dates: pd.DatetimeIndex, counts: Floats, ahead: int) -> Floats:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    model = ExponentialSmoothing(counts.sum(axis=1), trend="add", damped_trend=True, seasonal="add", seasonal_periods=7)
    return _spread(counts, ahead, model.fit().forecast(ahead))


def statsmodels_stl(dates: pd.DatetimeIndex, counts: Floats, ahead: int) -> Floats:
    from statsmodels.tsa.forecasting.stl import STLForecast
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    settings = {"trend": "add", "damped_trend": True, "initialization_method": "estimated"}
    model = STLForecast(counts.sum(axis=1), ExponentialSmoothing, model_kwargs=settings, period=7, robust=True)
    return _spread(counts, ahead, np.asarray(model.fit().forecast(ahead)))


def prophet(dates: pd.DatetimeIndex, counts: Floats, ahead: int) -> Floats:
    from prophet import Prophet

    logging.getLogger("cmdstanpy").setLevel(logging.ERROR)
    model = Prophet(weekly_seasonality=True, yearly_seasonality=len(counts) > 365, daily_seasonality=False)
    if HOLIDAYS and len(counts) > 365:
        model.add_country_holidays(HOLIDAYS)
    model.fit(pd.DataFrame({"ds": dates, "y": counts.sum(axis=1)}))
    future = pd.DataFrame({"ds": pd.date_range(dates[-1] + pd.Timedelta(days=1), periods=ahead)})
    return _spread(counts, ahead, model.predict(future)["yhat"].to_numpy())


def statsforecast_mstl(dates: pd.DatetimeIndex, counts: Floats, ahead: int) -> Floats:
    from statsforecast.models import MSTL, AutoETS

    slots = counts.shape[1]
    series = counts[-112:].ravel().astype("float32")
    model = MSTL(season_length=[slots, 7 * slots], trend_forecaster=AutoETS(model="ZZN"))
    made = model.forecast(y=series, h=ahead * slots)["mean"]
    return np.maximum(np.asarray(made, dtype="float64"), 0.0).reshape(ahead, slots)


PEERS: dict[str, Forecaster] = {
    "last week": last_week,
    "mean of four": mean_of_four,
    "statsmodels ETS": statsmodels_ets,
    "statsmodels STL": statsmodels_stl,
    "Prophet": prophet,
    "statsforecast MSTL": statsforecast_mstl,
}


def _table(intervals: pd.DataFrame, queue: str, zone: str) -> pd.DataFrame:
    """Days × slots of the wall clock of one queue; an hour that the clock shows twice is halved."""
    mine = intervals[intervals["queue"] == queue]
    local = mine["interval_start"].dt.tz_convert(zone).dt.tz_localize(None)
    slot = (local - local.dt.normalize()).dt.total_seconds() // 1800
    rows = pd.DataFrame({"day": local.dt.normalize(), "slot": slot.astype(int), "offered": mine["offered"]})
    made = rows.pivot_table(index="day", columns="slot", values="offered", aggfunc="mean")
    return made.reindex(columns=range(48)).astype("float64").fillna(0.0)


def _peer(name: str, intervals: pd.DataFrame, begin: pd.Timestamp, ahead: int, zone: str) -> pd.DataFrame:
    parts = []
    for queue in intervals["queue"].cat.categories:
        grid = _table(intervals, queue, zone)
        known = grid[grid.index < begin.tz_localize(None)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = PEERS[name](pd.DatetimeIndex(known.index), known.to_numpy(), ahead)
        days = pd.date_range(begin.tz_localize(None), periods=ahead)
        local = np.repeat(days, 48) + pd.to_timedelta(np.tile(np.arange(48) * 30, ahead), unit="min")
        parts.append(pd.DataFrame({"local": local, "expected_offered": np.asarray(made).ravel(), "queue": queue}))
    return pd.concat(parts)


def _ours(method: str, intervals: pd.DataFrame, begin: pd.Timestamp, ahead: int, zone: str, holidays: Any, period: str) -> pd.DataFrame:
    past = intervals[intervals["interval_start"] < begin]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cc.DataWarning)
        made = cc.forecast_contacts(past, horizon=f"{ahead}D", timezone=zone, method=method, holidays=holidays, period=period)
    return made.assign(local=made["interval_start"].dt.tz_convert(zone).dt.tz_localize(None), queue=made["queue"].astype("str"))


def _scores(rows: list[pd.DataFrame], special: set[pd.Timestamp]) -> dict[str, str]:
    joined = pd.concat(rows, ignore_index=True)
    day = joined.groupby(["run", "queue", joined["local"].dt.normalize()])[["expected_offered", "offered"]].sum().reset_index()

    def wape(table: pd.DataFrame) -> str:
        return f"{100 * (table['expected_offered'] - table['offered']).abs().sum() / table['offered'].sum():.2f} %"

    def ordinary(table: pd.DataFrame) -> pd.DataFrame:
        return table[~table["local"].dt.normalize().isin(special)]

    bias = (joined["expected_offered"].sum() / joined["offered"].sum() - 1) * 100
    return {
        "WAPE half-hour": wape(joined),
        "WAPE day": wape(day),
        "ordinary half-hour": wape(ordinary(joined)),
        "ordinary day": wape(ordinary(day)),
        "bias": f"{bias:+.1f} %",
    }


def _coverage(rows: list[pd.DataFrame]) -> list[str]:
    joined = pd.concat(rows, ignore_index=True)
    joined = joined[(joined["expected_offered"] > 1e-9) | (joined["offered"] > 0)]
    found = []
    for share in (80, 95):
        within = (joined["offered"] >= joined[f"offered_low_{share}"]) & (joined["offered"] <= joined[f"offered_high_{share}"])
        found.append(f"{100 * within.mean():.1f} %")
    return found


def compare(
    case: str, histories: list[pd.DataFrame], begins: list[pd.Timestamp], ahead: int, zone: str, holidays: Any
) -> Iterator[dict[str, Any]]:
    """One row per forecaster, over all histories and origins."""
    special = set()
    if holidays:
        import holidays as public

        dates = pd.DatetimeIndex(
            sorted(public.country_holidays(holidays, years=sorted({each.year + up for each in begins for up in (0, 1)})))
        )
        special = {date + pd.Timedelta(days=off) for date in dates for off in (-1, 0, 1)}
    for name in (*PEERS, *(f"ccstats {method}" for method in OURS)):
        rows, days, began = [], [], time.perf_counter()
        try:
            for number, history in enumerate(histories):
                local = history["interval_start"].dt.tz_convert(zone).dt.tz_localize(None)
                came = history.assign(local=local, queue_=history["queue"].astype("str"))[["queue_", "local", "offered"]]
                came = came.rename(columns={"queue_": "queue"}).groupby(["queue", "local"], as_index=False)["offered"].mean()
                for begin in begins:
                    run = f"{number} {begin}"
                    if name in PEERS:
                        made = _peer(name, history, begin, ahead, zone)
                    else:
                        method = name.split()[1]
                        made = _ours(method, history, begin, ahead, zone, holidays, "interval")
                        day = _ours(method, history, begin, ahead, zone, holidays, "day")
                        total = came.assign(local=came["local"].dt.normalize()).groupby(["queue", "local"], as_index=False)["offered"].sum()
                        days.append(day.merge(total, on=["queue", "local"]))
                    rows.append(made.merge(came, on=["queue", "local"]).assign(run=run))
        except ImportError as error:
            yield {"case": case, "forecaster": f"{name} (not run: {error})", **dict.fromkeys(_COLUMNS, "")}
            continue
        seconds = (time.perf_counter() - began) / (len(histories) * len(begins))
        found = [*_coverage(rows), *_coverage(days)] if days else [""] * 4
        yield {
            "case": case,
            "forecaster": name,
            **_scores(rows, special),
            **dict(zip(_COLUMNS[5:9], found, strict=True)),
            "s": f"{seconds / (1 if name in PEERS else 2):.2f}",
        }


_COLUMNS = (
    *("WAPE half-hour", "WAPE day", "ordinary half-hour", "ordinary day", "bias"),
    *("half-hours in 80", "half-hours in 95", "days in 80", "days in 95", "s"),
)


def main(seeds: int = 2, origins: int = 3, days: int = 728, ahead: int = 28) -> list[dict[str, Any]]:
    """The synthetic years, and the bank's month where it is."""
    zone = "Europe/Berlin"
    histories = [synthesize_history(seed=seed, days=days)[0] for seed in range(seeds)]
    first = pd.Timestamp("2023-01-02", tz=zone)
    begins = [first + pd.DateOffset(days=days - ahead - 49 * turn) for turn in range(origins)]
    case = f"{days} days, two queues, {seeds} seeds × {origins} origins, {ahead} days ahead"
    rows = list(compare(case, histories, begins, ahead, zone, HOLIDAYS))
    short = [synthesize_history(seed=seed, start="2023-05-01", days=28)[0] for seed in range(3 * seeds)]
    begins = [pd.Timestamp("2023-05-15", tz=zone) + pd.DateOffset(days=turn) for turn in range(0, 8, 2 if seeds > 1 else 4)]
    case = f"two to three weeks, two queues, {3 * seeds} seeds × {len(begins)} origins, 7 days ahead"
    rows += compare(case, short, begins, 7, zone, HOLIDAYS)
    log = _SHARED / "data" / "anonymous_bank_1999" / "february.txt"
    if log.exists():
        zone = "Asia/Jerusalem"
        contacts = cc.read(log, format="technion_bank", timezone=zone).contacts
        half_hours = cc.to_intervals(contacts, every="30min", timezone=zone, threshold_s=20)
        begins = [pd.Timestamp("1999-02-15", tz=zone) + pd.DateOffset(days=turn) for turn in range(0, 8, 1 if seeds > 1 else 4)]
        rows += compare(f"the bank's month, six queues, {len(begins)} origins, 7 days ahead", [half_hours], begins, 7, zone, None)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--origins", type=int, default=3)
    parser.add_argument("--days", type=int, default=728)
    asked = parser.parse_args()
    print(pd.DataFrame(main(asked.seeds, asked.origins, asked.days)).to_string())
