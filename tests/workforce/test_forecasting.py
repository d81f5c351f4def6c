"""Forecasts: by hand, by plain loops, by properties, on days the clocks change, and on what cannot be forecast."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning, OptionError, TableError, ZoneError
from ccstats.schema import FORECAST
from ccstats.synthetic.histories import QueueHistory, synthesize_history
from ccstats.workforce.day_level import Days, fit_day_levels
from ccstats.workforce.forecast_history import lay_out, read_history
from ccstats.workforce.forecast_spread import Spread, fit_spread, negative_binomial_limits
from ccstats.workforce.forecast_trials import Past, origins_of, run_trials
from ccstats.workforce.intraday_profile import HOLIDAY, day_shares, handle_times, shrunk_shares
from ccstats.workforce.special_days import read_specials

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
ZONE = "Europe/Berlin"
LIMITS = ["offered_low_95", "offered_low_80", "expected_offered", "offered_high_80", "offered_high_95"]


def regular(days: int, per_slot: np.ndarray, *, start: str = "2026-01-05", zone: str = ZONE, queue: str = "sales") -> pd.DataFrame:
    """Half-hours in which every slot of the wall clock has the same contacts, of 200 s each, on every day."""
    begin = pd.Timestamp(start, tz=zone)
    grid = lay_out(begin, begin + pd.DateOffset(days=days), step_s=86_400 // len(per_slot), zone=zone)
    offered = per_slot[grid.slot].astype("int64")
    made, _ = synthesize_history(seed=1, start=start, days=days, timezone=zone, holidays=None, queues=(QueueHistory(queue, 10.0),))
    row = made.iloc[[0]].drop(columns=["queue", "interval_start", "interval_s", "offered"])
    rest = pd.concat([row] * len(offered), ignore_index=True)
    return rest.assign(
        queue=pd.Categorical([queue] * len(offered)),
        interval_start=grid.start,
        interval_s=grid.length_s,
        offered=offered,
        total_talk_s=200.0 * offered,
        talk_known=offered,
    )


FLAT = np.repeat([0, 10, 20, 0], 12)


@pytest.fixture(scope="module")
def history() -> pd.DataFrame:
    return synthesize_history(seed=5, start="2022-11-28", days=84)[0]


@pytest.fixture(scope="module")
def forecast(history: pd.DataFrame) -> pd.DataFrame:
    return cc.forecast_contacts(history, horizon="14D", holidays="DE")


# by hand ---------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["auto", "profile", "ets", "mstl", "naive"])
def test_a_week_like_every_other_comes_again(method: str) -> None:
    made = cc.forecast_contacts(regular(42, FLAT), horizon="7D", method=method)
    slot = (made["interval_start"].dt.tz_convert(ZONE).dt.hour * 2 + made["interval_start"].dt.tz_convert(ZONE).dt.minute // 30).to_numpy()
    assert made["expected_offered"].to_numpy() == pytest.approx(
        FLAT[slot], rel=0.06, abs=1e-6
    )  # a step of the day is smoothed within its chance
    assert made["expected_aht_s"].to_numpy() == pytest.approx(200.0)
    assert made["interval_start"].iloc[0] == pd.Timestamp("2026-02-16", tz=ZONE)
    assert len(made) == 7 * 48


def test_naive_is_last_week(history: pd.DataFrame) -> None:
    made = cc.forecast_contacts(history, horizon="7D", method="naive")
    for queue in ("sales", "service"):
        mine, past = (table[table["queue"] == queue].set_index("interval_start") for table in (made, history))
        before = past["offered"].reindex(mine.index - pd.Timedelta("7D")).to_numpy()
        assert mine["expected_offered"].to_numpy() == pytest.approx(before)


def test_limits_by_hand() -> None:
    # Poisson 3: F(0) = 0.0498, F(1) = 0.1991; a tenth lies (0.1 - 0.0498) / 0.1494 of the way from one half to one and a half
    assert negative_binomial_limits(3.0, 3.0, 0.1) == pytest.approx(0.5 + (0.1 - np.exp(-3)) / (3 * np.exp(-3)))
    assert negative_binomial_limits([0.0, 1e9], [0.0, 1e9], 0.975)[1] == pytest.approx(1e9 + 1.96 * np.sqrt(1e9), rel=1e-6)


def test_shares_by_hand() -> None:
    # 40 and 60 where 50 and 50 are common: chi-square is 4 on one degree of freedom for either, so three quarters are believed
    found = shrunk_shares(np.array([[40.0, 60.0], [60.0, 40.0]]), np.ones((2, 2)))
    assert found == pytest.approx(np.array([[0.425, 0.575], [0.575, 0.425]]))


# by plain loops --------------------------------------------------------------------------------------------------------------------------


def test_history_by_a_loop(history: pd.DataFrame) -> None:
    read = read_history(history, by=("queue",), timezone=None)
    counted: dict[tuple[str, str, int], int] = {}
    for row in history.itertuples():
        local = row.interval_start.tz_convert(ZONE)
        key = (row.queue, str(local.date()), (local.hour * 60 + local.minute) // 30)
        counted[key] = counted.get(key, 0) + row.offered
    for (queue, date, slot), offered in counted.items():
        group = int(np.flatnonzero(read.keys["queue"] == queue)[0])
        day = int(np.flatnonzero(read.grid.date.astype("datetime64[D]").astype(str) == date)[0])
        assert read.count[group, day, slot] == offered
    assert read.count.sum() == history["offered"].sum()


def test_handle_times_by_a_loop() -> None:
    rng = np.random.default_rng(3)
    handled = rng.integers(0, 9, (1, 40, 6)).astype("float64")
    handled[..., 5] = 0
    total = handled * (200 + 30 * np.arange(6)) + rng.normal(0, 40, handled.shape) * np.sqrt(handled)
    days, slots = handled.shape[1:]
    recent, weights = 0.0, 0.0
    for day in range(days):
        weight = 0.5 ** ((days - 1 - day) / 28)
        recent += weight * total[0, day].sum()
        weights += weight * handled[0, day].sum()
    overall = total.sum() / handled.sum()
    means = [total[0, :, slot].sum() / handled[0, :, slot].sum() if handled[0, :, slot].sum() else overall for slot in range(slots)]
    within, cells = 0.0, 0
    for day in range(days):
        for slot in range(slots):
            if handled[0, day, slot]:
                within += handled[0, day, slot] * (total[0, day, slot] / handled[0, day, slot] - means[slot]) ** 2
                cells += 1
    sizes = [handled[0, :, slot].sum() for slot in range(slots)]
    within /= cells - 5
    scatter = sum(size * (mean - overall) ** 2 for size, mean in zip(sizes, means, strict=True))
    between = (scatter - 4 * within) / (sum(sizes) - sum(size**2 for size in sizes) / sum(sizes))
    expected = []
    for size, mean in zip(sizes, means, strict=True):
        trust = between / (between + within / size) if size else 0.0
        expected.append(recent / weights * (trust * mean + (1 - trust) * overall) / overall)
    assert handle_times(total, handled) == pytest.approx(expected)
    assert np.isnan(handle_times(total * 0, handled * 0)).all()


def test_day_shares_by_a_loop() -> None:
    rng = np.random.default_rng(4)
    count, known, kind = rng.poisson(5, (60, 4)).astype("float64"), np.ones((60, 4)), np.arange(60) % 7
    known[7, :2] = 0.0
    sums, base = np.zeros((8, 4)), np.zeros((8, 4))
    for day in range(60):
        for slot in range(4):
            if known[day, slot]:
                sums[kind[day], slot] += 0.5 ** ((59 - day) / 84) * count[day, slot]
                base[kind[day], slot] += 0.5 ** ((59 - day) / 84)
    assert day_shares(count, known, kind) == pytest.approx(shrunk_shares(sums, base))
    assert day_shares(count, known, kind)[HOLIDAY].sum() == pytest.approx(1.0)


def test_trials_know_only_what_was_known(history: pd.DataFrame) -> None:
    specials = read_specials("DE", None, zone=ZONE, years=range(2023, 2024))
    read = read_history(history, by=("queue",), timezone=None)
    tampered = history.copy()
    tampered.loc[tampered["interval_start"] >= pd.Timestamp("2023-01-30", tz=ZONE), "offered"] *= 3
    other = read_history(tampered, by=("queue",), timezone=None)
    made = [run_trials(Past(each, specials), [63], ahead=7, methods=[["profile"]] * 2) for each in (read, other)]
    assert made[0].expected["profile"] == pytest.approx(made[1].expected["profile"])
    assert made[1].actual.sum() == pytest.approx(3 * made[0].actual.sum())


# what must always hold -------------------------------------------------------------------------------------------------------------------


def test_intervals_add_to_days_and_queues_to_the_total(history: pd.DataFrame, forecast: pd.DataFrame) -> None:
    days = cc.forecast_contacts(history, horizon="14D", holidays="DE", period="day")
    total = cc.forecast_contacts(history, horizon="14D", holidays="DE", by=())
    both = cc.forecast_contacts(history, horizon="14D", holidays="DE", by=(), period="day")
    local = forecast["interval_start"].dt.tz_convert(ZONE).dt.normalize()
    added = forecast.groupby([forecast["queue"], local], observed=True)["expected_offered"].sum().to_numpy()
    assert days["expected_offered"].to_numpy() == pytest.approx(added)
    assert total["expected_offered"].to_numpy() == pytest.approx(forecast.groupby("interval_start")["expected_offered"].sum().to_numpy())
    assert both["expected_offered"].sum() == pytest.approx(forecast["expected_offered"].sum())
    assert set(total["queue"]) == {"all"}
    # errors of half-hours and of queues partly cancel: a day is surer than its half-hours, all queues than each
    width = (days["offered_high_80"] - days["offered_low_80"]).sum()
    assert width < (forecast["offered_high_80"] - forecast["offered_low_80"]).sum()


def test_limits_are_ordered_and_not_negative(forecast: pd.DataFrame) -> None:
    FORECAST.check(forecast)
    busy = forecast[forecast["expected_offered"] > 1]
    limits = busy[LIMITS].to_numpy()
    assert (np.diff(limits, axis=1) >= 0).all()
    assert (forecast[LIMITS] >= 0).all(axis=None)
    assert (forecast["model_offered"] == forecast["expected_offered"]).all()


@settings(max_examples=max(5, int(200 * EXAM)), deadline=None)
@given(
    st.lists(st.integers(0, 400), min_size=4, max_size=4).filter(any),
    st.integers(14, 40),
    st.integers(0, 2**31),
    st.sampled_from(["profile", "naive", "ets", "auto"]),
)
def test_any_history_has_a_sound_forecast(level: list[int], days: int, seed: int, method: str) -> None:
    table = regular(days, np.repeat(level, 6))
    table["offered"] = np.random.default_rng(seed).poisson(table["offered"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        if not table["offered"].any():
            with pytest.raises(TableError, match="no contact ever came"):
                cc.forecast_contacts(table, horizon="3D", method=method)
            return
        made = cc.forecast_contacts(table, horizon="3D", method=method)
    FORECAST.check(made)
    limits = made[LIMITS].to_numpy()
    assert np.isfinite(limits).all()
    assert (limits >= 0).all()
    assert (np.diff(limits[:, [0, 1, 3, 4]], axis=1) >= 0).all()


@settings(max_examples=max(20, int(500 * EXAM)), deadline=None)
@given(st.floats(0, 1e7), st.floats(1, 50), st.lists(st.floats(0.001, 0.999), min_size=2, max_size=2))
def test_quantiles_rise_and_lie_about_the_whole_ones(mean: float, over: float, shares: list[float]) -> None:
    low, high = sorted(shares)
    found = [float(negative_binomial_limits(mean, mean * over, each)) for each in (low, high)]
    assert 0 <= found[0] <= found[1]
    if 1e-9 < mean < 1e5 and over == 1:
        assert abs(found[1] - stats.poisson.ppf(high, mean)) <= 0.5 + 1e-9


def test_spread_is_found_again() -> None:
    rng = np.random.default_rng(2)
    mean, ahead = rng.uniform(5, 300, 40_000), rng.integers(1, 29, 40_000).astype("float64")
    cv2 = 0.01 + 0.001 * ahead
    found = fit_spread(mean, rng.poisson(mean * rng.gamma(1 / cv2, cv2)), ahead)
    assert found.level + 14 * found.growth == pytest.approx(0.024, rel=0.1)
    assert found.chance < 1.15
    assert fit_spread(np.zeros(0), np.zeros(0), np.zeros(0)) == Spread(1.0, 0.01, 0.0)


# the clock and the calendar --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "day", "hours"), [("2026-03-02", "2026-03-29", 23), ("2026-09-28", "2026-10-25", 25)])
def test_days_the_clocks_change(start: str, day: str, hours: int) -> None:
    round_the_clock = np.full(48, 8)
    ahead = cc.forecast_contacts(regular(21, round_the_clock, start=start), horizon="14D", method="profile")
    local = ahead["interval_start"].dt.tz_convert(ZONE)
    there = ahead[(local.dt.date.astype(str) == day).to_numpy()]
    assert len(there) == 2 * hours
    assert there["expected_offered"].sum() == pytest.approx(16 * hours, rel=0.02)
    # and as history: the day with an hour more or less is no busier or quieter an hour than others
    after = cc.forecast_contacts(regular(35, round_the_clock, start=start), horizon="7D", method="profile")
    assert after["expected_offered"].to_numpy() == pytest.approx(8.0, rel=0.02)


def test_holidays_and_the_day_after() -> None:
    table, truth = synthesize_history(seed=8, days=728, queues=(QueueHistory("a", 3000.0, level_sd=0.01, day_cv=0.02),))
    cut = table["interval_start"] < pd.Timestamp("2024-12-23", tz=ZONE)
    made = cc.forecast_contacts(table[cut], horizon="7D", holidays="DE", period="day")
    rows = truth[truth["interval_start"].isin(table.loc[~cut, "interval_start"])]
    day = rows["interval_start"].dt.tz_convert(ZONE).dt.normalize()
    due = rows.groupby(day)["expected_offered"].sum().to_numpy()
    got = made["expected_offered"].to_numpy()[: len(due)]
    assert got == pytest.approx(due, rel=0.2)  # Christmas Day is a third of an ordinary Wednesday


def test_a_holiday_without_one_before_is_like_a_sunday() -> None:
    table = synthesize_history(seed=2, days=28, holidays=None)[0]
    with pytest.warns(DataWarning, match="2023-02-01.* taken for Sundays"):
        made = cc.forecast_contacts(table, horizon="7D", holidays=["2023-02-01"], period="day", method="profile")
    service = made[made["queue"] == "service"].reset_index(drop=True)
    assert service["expected_offered"][2] == pytest.approx(service["expected_offered"][6], rel=0.05)
    assert "holiday taken for a Sunday" in service["note"][2]
    assert made.loc[made["queue"] == "sales", "expected_offered"].iloc[2] == 0  # closed on Sundays


def test_events_known_and_learnt() -> None:
    table = regular(56, FLAT)
    mailing = table["interval_start"].dt.tz_convert(ZONE).dt.date.astype(str).isin(["2026-01-20", "2026-02-10"])
    table.loc[mailing, "offered"] *= 2
    events = pd.DataFrame(
        {
            "name": ["mailing", "mailing", "mailing", "strike"],
            "start": ["2026-01-20", "2026-02-10", "2026-03-03", "2026-03-05 12:00"],
            "end": ["2026-01-21", "2026-02-11", "2026-03-04", "2026-03-06"],
            "factor": [np.nan, np.nan, np.nan, 0.5],
        }
    )
    made = cc.forecast_contacts(table, horizon="7D", events=events, period="day", method="profile")["expected_offered"]
    usual = FLAT.sum()
    assert made[0] == pytest.approx(usual, rel=0.03)
    assert 1.7 * usual < made[1] < 2.05 * usual
    assert made[3] == pytest.approx(usual - 0.5 * FLAT[24:].sum(), rel=0.03)
    with pytest.warns(DataWarning, match="'mailing' are left out"):
        cc.forecast_contacts(regular(56, FLAT), horizon="14D", events=events.iloc[2:3])


# gaps and outages ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["rows lost", "rows of zeros"])
def test_a_day_without_any_record_is_a_gap(how: str) -> None:
    table = regular(28, FLAT)
    lost = table["interval_start"].dt.tz_convert(ZONE).dt.date.astype(str).isin(["2026-01-29", "2026-01-30"])
    if how == "rows lost":
        table = table[~lost].reset_index(drop=True)
    else:
        table.loc[lost, "offered"] = 0
    with pytest.warns(DataWarning, match="2 days without any record taken for gaps"):
        made = cc.forecast_contacts(table, horizon="7D", period="day", method="profile")
    assert made["expected_offered"].to_numpy() == pytest.approx(FLAT.sum(), rel=0.02)


def test_an_outage_is_no_demand() -> None:
    table = regular(28, FLAT)
    local = table["interval_start"].dt.tz_convert(ZONE)
    out = (local >= pd.Timestamp("2026-01-28 08:00", tz=ZONE)) & (local < pd.Timestamp("2026-01-28 16:00", tz=ZONE))
    table.loc[out.to_numpy(), "offered"] = 0
    with pytest.warns(DataWarning, match="16 intervals without a contact where 12 or more were due"):
        made = cc.forecast_contacts(table, horizon="7D", method="profile")
    assert made["expected_offered"].to_numpy().reshape(7, 48) == pytest.approx(np.tile(FLAT, (7, 1)), rel=0.08, abs=1e-6)


def test_excluded_spans_are_not_learnt_from() -> None:
    table = regular(28, FLAT)
    wrong = table["interval_start"] >= pd.Timestamp("2026-01-26", tz=ZONE)
    table.loc[wrong.to_numpy(), "offered"] *= 5
    made = cc.forecast_contacts(table, horizon="7D", period="day", method="profile", exclude=("2026-01-26", "2026-02-02"))
    assert made["expected_offered"].to_numpy() == pytest.approx(FLAT.sum(), rel=0.02)


def test_a_queue_that_is_closed_stays_closed_and_a_new_one_has_no_zeros_before() -> None:
    old, new = regular(56, FLAT, queue="old"), regular(56, FLAT, queue="new")
    middle = pd.Timestamp("2026-02-02", tz=ZONE)
    old.loc[(old["interval_start"] >= middle).to_numpy(), "offered"] = 0
    new.loc[(new["interval_start"] < middle).to_numpy(), "offered"] = 0
    both = pd.concat([old, new], ignore_index=True).assign(queue=lambda table: table["queue"].astype("str").astype("category"))
    made = cc.forecast_contacts(both, horizon="7D", period="day", method="profile")
    assert made.loc[made["queue"] == "new", "expected_offered"].to_numpy() == pytest.approx(FLAT.sum(), rel=0.02)
    assert made.loc[made["queue"] == "old", "expected_offered"].max() < 0.1 * FLAT.sum()


def test_the_rest_of_a_day_that_has_begun() -> None:
    table = regular(21, FLAT)
    table = table[table["interval_start"] < pd.Timestamp("2026-01-25 15:00", tz=ZONE)]
    made = cc.forecast_contacts(table, horizon="1D", method="auto")
    assert made["interval_start"].iloc[0] == pd.Timestamp("2026-01-25 15:00", tz=ZONE)
    assert len(made) == 18 + 48
    assert made["expected_offered"].to_numpy() == pytest.approx(np.append(FLAT[30:], FLAT), rel=0.08, abs=1e-6)


# what cannot be --------------------------------------------------------------------------------------------------------------------------


def test_no_history_one_day_and_duplicates_name_rows_and_what_to_do(history: pd.DataFrame) -> None:
    with pytest.raises(TableError, match="no history: the intervals have no row. Make them of a log with to_intervals"):
        cc.forecast_contacts(history.iloc[:0])
    with pytest.raises(TableError, match="rows 0 to 47 are 1 local day, from 2026-01-05 .* needs 14 or more.*give more history"):
        cc.forecast_contacts(regular(1, FLAT))
    with pytest.raises(TableError, match="13 local days"):
        cc.forecast_contacts(regular(13, FLAT))
    twice = pd.concat([history, history.iloc[[3, 4]]], ignore_index=True)
    with pytest.raises(TableError, match=f"rows 3, 4, {len(history)}, {len(history) + 1} repeat a queue and interval.*merge_intervals"):
        cc.forecast_contacts(twice)


def test_other_bad_input(history: pd.DataFrame) -> None:
    with pytest.raises(ColumnError, match="no column 'channel'"):
        cc.forecast_contacts(history, by=("queue", "channel"))
    for wrong in ({"horizon": "5min"}, {"horizon": "9999D"}, {"method": "arima"}, {"period": "week"}, {"by": "agent"}, {"holidays": "XX"}):
        with pytest.raises(OptionError):
            cc.forecast_contacts(history, **wrong)
    with pytest.raises(ZoneError):
        cc.forecast_contacts(history, timezone="Mars/Olympus")
    with pytest.raises(TableError, match=r"begin where no interval of 30 minutes begins in Asia/Kathmandu"):
        cc.forecast_contacts(history, timezone="Asia/Kathmandu")
    with pytest.raises(TableError, match="offered"):
        cc.forecast_contacts(history.assign(offered=history["offered"] - 1000))
    mixed = history.copy()
    mixed.loc[5, "interval_s"] = 3600.0
    with pytest.raises(TableError, match="rows 5 are longer than the most common interval of 1800 s"):
        cc.forecast_contacts(mixed)
    with pytest.raises(OptionError, match="exclude: .* ends before it begins"):
        cc.forecast_contacts(history, exclude=("2023-03-02", "2023-03-01"))
    with pytest.raises(TableError, match="no interval of the history is left"):
        cc.forecast_contacts(history, exclude=("2020-01-01", "2030-01-01"))
    with pytest.raises(ColumnError, match="events: no column 'end'"):
        cc.forecast_contacts(history, events=pd.DataFrame({"name": ["a"], "start": ["2023-01-01"]}))
    for event in ({"end": "2022-01-01"}, {"factor": -1.0}, {"start": "soon"}):
        one = pd.DataFrame([{"name": "a", "start": "2023-01-01", "end": "2023-01-02"} | event])
        with pytest.raises(OptionError, match="events, row 0"):
            cc.forecast_contacts(history, events=one)


def test_huge_counts_do_no_harm() -> None:
    made = cc.forecast_contacts(regular(14, np.full(48, 2**52)), horizon="1D", method="profile")
    assert made["expected_offered"].to_numpy() == pytest.approx(2.0**52, rel=0.02)
    assert np.isfinite(made[LIMITS]).all(axis=None)


# what becomes of it ----------------------------------------------------------------------------------------------------------------------


def test_a_plan_is_made_of_it(forecast: pd.DataFrame) -> None:
    plan = cc.plan_staffing(forecast, target_service_level=0.8, threshold_s=20, patience_s=180.0, shrinkage=0.3)
    assert len(plan) == len(forecast)
    assert (plan.loc[plan["expected_offered"] > 0.5, "agents"] > 0).all()


def test_a_file_of_it_is_read_again(forecast: pd.DataFrame) -> None:
    again = cc.read_forecast(forecast.to_csv(index=False).encode())
    assert again["expected_offered"].to_numpy() == pytest.approx(forecast["expected_offered"].to_numpy())
    assert (again["interval_start"] == forecast["interval_start"]).all()


def test_it_is_compared_with_what_came(history: pd.DataFrame) -> None:
    cut = (history["interval_start"] < pd.Timestamp("2023-02-06", tz=ZONE)).to_numpy()
    made = cc.forecast_contacts(history[cut], horizon="14D")
    accuracy = cc.measure_forecast_accuracy(made, history[~cut])
    assert accuracy.loc[accuracy["metric"] == "offered", "wape"].max() < 0.35


def test_overrides_stay_apart(forecast: pd.DataFrame) -> None:
    day = ("2023-02-21", "2023-02-22")
    rows = pd.DataFrame(
        [
            {"start": day[0], "end": day[1], "queue": "sales", "factor": 1.5},
            {"start": day[0], "end": day[1], "queue": "service", "offered": 1000.0, "aht_s": 300.0},
        ]
    )
    made = cc.override_forecast(forecast, rows, timezone=ZONE)
    local = made["interval_start"].dt.tz_convert(ZONE).dt.date.astype(str)
    hit = (local == day[0]).to_numpy()
    sales, service = ((made["queue"] == queue).to_numpy() for queue in ("sales", "service"))
    assert made.loc[hit & service, "expected_offered"].sum() == pytest.approx(1000.0)
    assert made.loc[hit & service, "expected_aht_s"].eq(300.0).all()
    assert made.loc[hit & sales, "expected_offered"].to_numpy() == pytest.approx(
        1.5 * forecast.loc[hit & sales, "expected_offered"].to_numpy()
    )
    assert made["model_offered"].equals(forecast["model_offered"])
    assert made.loc[~hit, "override_offered"].isna().all()
    again = cc.override_forecast(made, pd.DataFrame([{"start": day[0], "end": day[1], "factor": 1.0}]), timezone=ZONE)
    assert again["expected_offered"].to_numpy() == pytest.approx(forecast["expected_offered"].to_numpy())
    FORECAST.check(again)
    for bad, said in (({"end": "2020-01-01"}, "does not come after"), ({"factor": -1}, "0 or more"), ({"queue": "x"}, "no interval")):
        row = {"start": day[0], "end": day[1], "queue": "sales", "factor": 1.0} | bad
        with pytest.raises(OptionError, match=f"overrides, row 0: .*{said}"):
            cc.override_forecast(forecast, pd.DataFrame([row]), timezone=ZONE)
    with pytest.raises(ColumnError, match="one of factor, offered, aht_s"):
        cc.override_forecast(forecast, rows[["start", "end"]], timezone=ZONE)


# how good it is --------------------------------------------------------------------------------------------------------------------------


def test_backtest_scores_by_a_loop() -> None:
    table = synthesize_history(seed=3, days=42, queues=(QueueHistory("a", 800.0),))[0]
    found = cc.backtest_forecast(table, horizon="7D", origins=1, methods=["profile"], holidays="DE").set_index(["period", "horizon"])
    begin = pd.Timestamp("2023-02-06", tz=ZONE)
    past, rest = table[table["interval_start"] < begin], table[table["interval_start"] >= begin]
    made = cc.forecast_contacts(past, horizon="7D", method="profile", holidays="DE")
    error = total = inside = rows = loss = 0.0
    came = dict(zip(rest["interval_start"], rest["offered"], strict=True))
    for row in made.itertuples():
        actual = came[row.interval_start]
        if row.expected_offered <= 1e-9 and actual == 0:
            continue
        error += abs(row.expected_offered - actual)
        total += actual
        rows += 1
        inside += row.offered_low_80 <= actual <= row.offered_high_80
        for limit, share in (
            (row.offered_low_80, 0.1),
            (row.offered_high_80, 0.9),
            (row.offered_low_95, 0.025),
            (row.offered_high_95, 0.975),
        ):
            loss += max(share * (actual - limit), (share - 1) * (actual - limit)) / 4
    mine = found.loc[("interval", "all")]
    assert (mine["rows"], mine["offered"]) == (rows, total)
    assert mine["wape"] == pytest.approx(error / total)
    assert mine["coverage_80"] == pytest.approx(inside / rows)
    assert mine["pinball"] == pytest.approx(loss / total)
    assert found.loc[("day", "1"), "wape"] == found.loc[("day", "all"), "wape"]


@pytest.mark.parametrize("method", ["auto", "profile"])
def test_progress_is_told(method: str) -> None:
    table = synthesize_history(seed=3, days=35, queues=(QueueHistory("a", 800.0),))[0]
    told: list[tuple[str, float]] = []
    cc.forecast_contacts(table, horizon="3D", holidays="DE", method=method, progress=lambda *words: told.append(words))
    looking: list[tuple[str, float]] = []
    cc.backtest_forecast(
        table, horizon="3D", origins=2, methods=[method, "naive"], holidays="DE", progress=lambda *words: looking.append(words)
    )
    for words in (told, looking):
        shares = [share for _, share in words]
        assert shares == sorted(shares)
        assert shares[0] < 0.2
        assert shares[-1] == 1.0
        assert len(set(shares)) > 5
    assert {text for text, _ in told} >= {"learning limits"} | ({"choosing models"} if method == "auto" else set())


def test_backtest_bad_input(history: pd.DataFrame) -> None:
    with pytest.raises(TableError, match="84 local days; a forecast of 80 after the 14"):
        cc.backtest_forecast(history, horizon="80D")
    for wrong in ({"origins": 0}, {"methods": ["arima"]}, {"methods": []}, {"step": "x"}):
        with pytest.raises(OptionError):
            cc.backtest_forecast(history, **wrong)


def test_origins() -> None:
    assert origins_of(14, most=9) == [11, 8]
    assert origins_of(7, most=9) == []


def test_the_level_follows_a_step() -> None:
    date = np.arange(20_000, 20_000 + 120)
    count = np.where(np.arange(120) < 90, 1000.0, 1300.0)
    (level,) = fit_day_levels([Days(date, count, np.ones(120), {})], read_specials(None, None, zone="UTC", years=range(1970, 1971)))
    assert level.expect(date[-1] + np.arange(1, 8), {})[0] == pytest.approx(1300.0, rel=0.05)


@pytest.mark.shared
def test_bank_month(shared) -> None:
    zone = "Asia/Jerusalem"
    log = cc.read(shared / "data" / "anonymous_bank_1999" / "february.txt", format="technion_bank", timezone=zone)
    half_hours = cc.to_intervals(log.contacts, every="30min", timezone=zone, threshold_s=20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        found = cc.backtest_forecast(half_hours, horizon="7D", origins=3, step="2D", methods=["auto", "naive"], by=())
    wape = found[found["horizon"] == "all"].set_index(["model", "period"])["wape"]
    assert wape["auto", "interval"] < wape["naive", "interval"]
    assert wape["auto", "day"] < 0.15
