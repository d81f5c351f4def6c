"""Profiles: planted truth, plain loops as oracles, no look-ahead, days followed as they go, holidays, clock changes, new levels."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.seasonal import MSTL, STL

import ccstats as cc
from ccstats.errors import ColumnError, FormatError, OptionError, SourceMissingError, TableError, ZoneError
from ccstats.profile import Profile, fit_profile, freeze_profile, loops

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
WEEKDAY = np.array([1.2, 1.0, 1.0, 0.95, 0.9, 0.5, 0.3])


def grid(days: int, *, start: str = "2025-01-06", zone: str = "UTC", every: str = "30min") -> pd.DatetimeIndex:
    begin = pd.Timestamp(start, tz=zone)
    return pd.date_range(begin, begin + pd.DateOffset(days=days), freq=every, inclusive="left", unit="us")


def table(times: pd.DatetimeIndex, queue: str = "sales", **columns) -> pd.DataFrame:
    return pd.DataFrame({"queue": pd.Categorical([queue] * len(times)), "period_start": times, **columns})


def curve(times: pd.DatetimeIndex, peak: float = 30.0) -> np.ndarray:
    hour = times.hour.to_numpy() + times.minute.to_numpy() / 60
    return peak * np.exp(-(((hour - 12) / 5) ** 2)) + 2.0


def poisson(days: int, *, seed: int, peak: float = 30.0, day_sd: float = 0.0, zone: str = "UTC", queue: str = "sales") -> pd.DataFrame:
    times, rng = grid(days, zone=zone), np.random.default_rng(seed)
    mean = curve(times, peak) * WEEKDAY[times.day_of_week]
    date = pd.factorize(times.date)[0]
    day = rng.gamma(1 / day_sd**2, day_sd**2, date.max() + 1) if day_sd else np.ones(date.max() + 1)
    return table(times, queue, offered=rng.poisson(mean * day[date]).astype(float), mean=mean, day=day[date])


# --- planted truth ---------------------------------------------------------------------------------------------------------------


def test_recovers_the_weekday_and_slot_means() -> None:
    rows = poisson(56, seed=1)
    found = fit_profile(rows, value="offered")
    judged = found["phase"] == "judged"
    assert judged.sum() == 28 * 48
    off = ((found["level"] - rows["mean"]) / np.sqrt(rows["mean"]))[judged]
    assert abs(off.mean()) < 0.08  # three standard errors of the mean of a window: 1 / sqrt(1344) each
    # four observations a cell would be off by half a standard deviation; a level that knows slots and weekdays by less than half of that
    assert off.std() < 0.27
    assert found.loc[judged, "score"].std() == pytest.approx(1.0, abs=0.06)
    assert found.loc[~judged, "score"].std() == pytest.approx(1.0, abs=0.06)
    assert (found["points"] == np.where(judged, 28 * 48, 27 * 48)).all()
    assert found["kind"].unique().tolist() == ["weekday_slot"]


def test_a_weekday_unlike_weekends_keeps_its_own_level_however_it_varies() -> None:
    # one Monday of four is low: the others still say what Mondays have, although Saturdays and Sundays are far from all of them
    days = pd.date_range("2026-02-02", periods=28, tz="UTC")
    usual = np.where(days.day_of_week == 5, 180.0, np.where(days.day_of_week == 6, 430.0, 1450.0))
    offered = usual + np.where(days == days[7], -300.0, 0.0) + np.random.default_rng(5).normal(0, 0.04, 28) * usual
    rows = pd.DataFrame({"queue": "a", "period_start": days, "offered": offered.round()})
    level = fit_profile(rows, value="offered")["level"].to_numpy()
    mondays = (days.day_of_week == 0) & (days != days[7])
    assert (np.abs(level[mondays] / 1450 - 1) < 0.12).all()


def test_recovers_a_weekday_with_a_curve_of_its_own() -> None:
    times = grid(42)
    hour = times.hour.to_numpy()
    saturday = times.day_of_week == 5
    mean = np.where(saturday, np.where((hour >= 9) & (hour < 13), 60.0, 4.0), curve(times))
    rows = table(times, offered=np.random.default_rng(2).poisson(mean).astype(float))
    found = fit_profile(rows, value="offered")
    busy = (found["phase"] == "judged").to_numpy() & saturday & (hour >= 9) & (hour < 13)
    quiet = (found["phase"] == "judged").to_numpy() & saturday & (hour >= 14) & (hour < 20)
    assert found.loc[busy, "level"].mean() == pytest.approx(60, rel=0.08)
    assert found.loc[quiet, "level"].mean() == pytest.approx(4, rel=0.25)


def test_a_queue_without_a_pattern_does_not_pay_for_cells() -> None:
    times = grid(56)
    rows = table(times, offered=np.random.default_rng(3).poisson(50, len(times)).astype(float))
    found = fit_profile(rows, value="offered")
    judged = found["phase"] == "judged"
    # an unshrunk cell of four is off by 3.5, a slot by 0.67 or more
    assert (found["level"][judged] - 50).std() < 0.8
    assert found["score"][judged].std() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("extra", [0.0, 0.04, 0.25])
def test_dispersion_of_counts(extra: float) -> None:
    """Gamma-Poisson: variance = mean + extra × mean²."""
    times, rng = grid(35), np.random.default_rng(4)
    mean = curve(times, 60.0)
    rate = mean if extra == 0 else rng.gamma(1 / extra, extra * mean)
    rows = table(times, offered=rng.poisson(rate).astype(float))
    found = fit_profile(rows, value="offered").iloc[-1]
    # what is drawn in at three standard deviations is missing from skewed counts
    assert found["between"] == pytest.approx(extra, rel=0.2, abs=0.004)
    typical = mean.mean()
    assert found["dispersion"] / typical + found["between"] == pytest.approx(1 / typical + extra, rel=0.2)


@pytest.mark.parametrize("rho", [0.0, 0.05, 0.2])
def test_dispersion_of_shares(rho: float) -> None:
    """Beta-binomial: variance = p (1 - p) ((1 - rho) / n + rho)."""
    times, rng = grid(35), np.random.default_rng(5)
    n = rng.poisson(curve(times, 80.0)) + 1
    p = 0.8 if rho == 0 else rng.beta(0.8 * (1 / rho - 1), 0.2 * (1 / rho - 1), len(n))
    rows = table(times, service_level=rng.binomial(n, p) / n, offered=n)
    found = fit_profile(rows, value="service_level", count="offered").iloc[-1]
    assert found["between"] == pytest.approx(rho, rel=0.25, abs=0.003)
    total = (found["dispersion"] / n + found["between"]).mean()
    assert total == pytest.approx(((1 - rho) / n + rho).mean(), rel=0.15)


def test_dispersion_of_means() -> None:
    times, rng = grid(35), np.random.default_rng(6)
    n = rng.poisson(curve(times)) + 1
    rows = table(times, aht_s=240 * (1 + 0.3 * rng.normal(size=len(n)) / np.sqrt(n) + 0.05 * rng.normal(size=len(n))), answered=n)
    found = fit_profile(rows, value="aht_s", count="answered").iloc[-1]
    assert found["dispersion"] == pytest.approx(0.09, rel=0.15)
    assert found["between"] == pytest.approx(0.0025, rel=0.3)


def test_day_sd_is_recovered() -> None:
    found = [fit_profile(poisson(28, seed=seed, day_sd=0.1), value="offered")["day_sd"].mean() for seed in range(5)]
    assert np.mean(found) == pytest.approx(0.1, rel=0.2)


@pytest.mark.parametrize("seed", range(max(1, round(20 * EXAM))))
@pytest.mark.parametrize(
    ("hourly", "handle_s", "agents", "patience_s"), [(60, 300, 8, math.inf), (200, 240, 16, 180.0), (1000, 300, 90, math.inf)]
)
def test_stable_queues_are_left_in_peace(hourly: int, handle_s: float, agents: int, patience_s: float, seed: int) -> None:
    """Service level of a stable queue, limits at the 0.5 % and 99.5 % points of the scores of the 28 days before each day."""
    from ccstats.queueing.simulation import arrival_times, simulate_queue

    rng = np.random.default_rng([seed, hourly])
    times = grid(49)
    arrival = arrival_times(np.full(len(times), hourly / 2), interval_s=1800, seed=rng)
    patience = np.full(len(arrival), np.inf) if math.isinf(patience_s) else rng.exponential(patience_s, len(arrival))
    played = simulate_queue(arrival, rng.exponential(handle_s, len(arrival)), patience, agents=np.full(len(times), agents), interval_s=1800)
    slot = (arrival // 1800).astype(int)
    n = np.bincount(slot, minlength=len(times))
    within = np.bincount(slot, weights=np.isfinite(played.start_s) & (played.wait_s <= 20), minlength=len(times))
    rows = table(times, service_level=within / n, offered=n)
    score = fit_profile(rows, value="service_level", count="offered")["score"].to_numpy()
    flagged = []
    for day in range(28, 49):
        low, high = np.quantile(score[(day - 28) * 48 : day * 48], [0.005, 0.995])
        today = score[day * 48 : (day + 1) * 48]
        flagged.append(((today < low) | (today > high)).mean())
    assert np.mean(flagged) < 0.045  # one queue and seed; 20 seeds have a mean below 0.02
    assert 0.9 < np.nanstd(score) < 1.5  # heavy tails are drawn in where the spread is estimated


# --- plain loops as oracles ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["UTC", "Europe/London"])
def test_same_weekday_against_a_plain_loop(zone: str) -> None:
    times = grid(70, start="2025-02-10", zone=zone, every="1h")  # London's clocks go forward on 30 March
    values = np.random.default_rng(7).poisson(20, len(times)).astype(float)
    values[100] = np.nan
    found = fit_profile(table(times, offered=values), value="offered", kind="same_weekday", weeks=4, level_shifts=False)
    local = [(each.date(), each.weekday(), each.hour) for each in times]
    first = local[0][0]
    for i in range(0, len(times), 7):
        date, weekday, hour = local[i]
        early = (date - first).days < 28
        days = sorted({each[0] for each, v in zip(local, values, strict=True) if each[1] == weekday and not math.isnan(v)})
        if early:
            pool = [each for each in days if each != date and (each - first).days < 28]
        else:
            pool = [each for each in days if 0 < (date - each).days <= 28]
        pool = sorted(pool, key=lambda each: abs((each - date).days))[:4]
        mine = [v for each, v in zip(local, values, strict=True) if each[0] in pool and each[2] == hour and not math.isnan(v)]
        assert found["level"][i] == pytest.approx(sum(mine) / len(mine))
        assert found["phase"][i] == ("baseline" if early else "judged")


def test_overall_against_a_plain_loop() -> None:
    """The level solves the weighted equation it claims to: every row drawn in at 2.5, ignored beyond 6 standard deviations."""
    rng = np.random.default_rng(8)
    values = rng.poisson(200, 40).astype(float)
    values[[5, 17]] = 600, 5
    rows = table(grid(40, every="1D"), offered=values)
    found = fit_profile(rows, value="offered", kind="overall", level_shifts=False)
    for day in range(28, 40):
        past = range(day - 28, day)
        level, dispersion = found["level"][day], found["dispersion"][day]
        assert found["between"][day] == 0
        top, bottom = 0.0, 0.0
        square, mass = 0.0, 0.0
        for i in past:
            near = 0.5 ** ((day - i) / 14)
            z = abs(values[i] - level) / math.sqrt(level * dispersion)
            weight = near * (1 if z <= 2.5 else 2.5 / z if z <= 6 else 0)
            top, bottom = top + weight * values[i], bottom + weight
            if weight > 0:
                square += near * min(z * z, 9) / 0.995
                mass += near
        assert level == pytest.approx(top / bottom, rel=2e-3)
        # residuals about a level of 28 days are smaller by the share each has in it
        assert square / mass == pytest.approx(1, abs=0.12)
        assert found["sigma"][day] > math.sqrt(level * dispersion)


def test_half_life_weighs_days() -> None:
    """Noise-free steps by day: the weighted mean of the days before, newest counting most."""
    values = 100.0 + np.arange(30) % 3
    rows = table(grid(30, every="1D"), offered=values)
    for half_life in ("3D", None):
        found = fit_profile(rows, value="offered", kind="overall", half_life=half_life, level_shifts=False, window="10D")
        for day in range(10, 30):
            near = [1.0 if half_life is None else 0.5 ** (age / 3) for age in range(10, 0, -1)]
            assert found["level"][day] == pytest.approx(np.average(values[day - 10 : day], weights=near), rel=1e-9)


def test_day_factor_against_a_plain_loop() -> None:
    """The posterior mean and variance of a day's factor, row by row, from what the profile says of levels and spread."""
    rows = poisson(35, seed=9, day_sd=0.1)
    profile = freeze_profile(rows, value="offered", baseline=("2025-01-06", "2025-02-03"))
    found = fit_profile(rows, value="offered", baseline=profile)
    cells = profile.cells[profile.cells["weekday"] == "Sunday"].to_dict("records")
    f, spread, told, heard = 1.0, cells[0]["among_days"] + cells[0]["day_variance"], 0.0, 0.0
    prior = spread
    for i, cell in zip(range(34 * 48, 35 * 48), cells, strict=True):
        level, value = cell["level"], rows["offered"][i]
        here = max(level * f, cell["floor"])
        own = here * (cell["dispersion"] + here * cell["between"]) + cell["level_variance"]
        sigma = math.sqrt(own + level**2 * spread)
        assert found["level"][i] == level
        assert found["day_factor"][i] == pytest.approx(f, rel=1e-9)
        assert found["sigma"][i] == pytest.approx(sigma, rel=1e-9)
        assert found["score"][i] == pytest.approx((value - level * f) / sigma, rel=1e-9)
        seen = level * f + max(-2.5 * sigma, min(2.5 * sigma, value - level * f))
        info = level**2 / own
        told, heard = told + info * seen / level, heard + info
        assert found["day_score"][i] == pytest.approx((told / heard - 1) / math.sqrt(prior + 1 / heard), rel=1e-6, abs=1e-9)
        gain = spread / (spread + 1 / info)
        f, spread = f + gain * (seen / level - f), 1 / (1 / spread + info)


@given(st.lists(st.floats(-5, 5), min_size=6, max_size=11), st.floats(0.1, 20), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_partition_is_the_best_of_all(values: list[float], penalty: float, minimum: int) -> None:
    x = np.array(values)
    n = len(x)

    def cost(bounds: tuple[int, ...]) -> float:
        parts = [x[a:b] for a, b in zip(bounds[:-1], bounds[1:], strict=True)]
        return sum(((part - part.mean()) ** 2).sum() for part in parts) + penalty * len(parts)

    best = math.inf
    for chosen in range(2 ** (n - 1)):
        bounds = (0, *(i + 1 for i in range(n - 1) if chosen >> i & 1), n)
        if min(np.diff(bounds)) >= minimum:
            best = min(best, cost(bounds))
    segment = loops.partition(x, penalty, minimum)
    found = (0, *(np.flatnonzero(np.diff(segment)) + 1).tolist(), n)
    assert min(np.diff(found)) >= minimum
    assert cost(found) == pytest.approx(best, abs=1e-9)
    assert segment[0] == 0
    assert set(np.diff(segment)) <= {0, 1}


# --- no look-ahead, groups, order, scale -------------------------------------------------------------------------------------------


def test_the_future_does_not_change_the_past() -> None:
    rows = poisson(42, seed=10, day_sd=0.1)
    whole = fit_profile(rows, value="offered")
    at = 35 * 48 + 20
    changed = rows.copy()
    changed.loc[at:, "offered"] = 500.0
    after = fit_profile(changed, value="offered")
    columns = ["baseline", "level", "day_factor", "sigma", "points", "dispersion", "between", "day_sd"]
    pd.testing.assert_frame_equal(whole[columns][: at + 1], after[columns][: at + 1])
    pd.testing.assert_frame_equal(whole[:at], after[:at])
    cut = fit_profile(rows[:at], value="offered")
    pd.testing.assert_frame_equal(whole[:at], cut)
    # within a day the next row knows of it, the next day's level does
    assert not np.allclose(whole["day_factor"][at + 1 : at + 5], after["day_factor"][at + 1 : at + 5])
    assert not np.allclose(whole["level"][36 * 48 :], after["level"][36 * 48 :])


def test_a_baseline_day_is_judged_without_itself() -> None:
    rows = poisson(28, seed=11)
    whole = fit_profile(rows, value="offered")
    changed = rows.copy()
    changed.loc[480:527, "offered"] = 400.0
    after = fit_profile(changed, value="offered")
    np.testing.assert_array_equal(whole["level"][480:528], after["level"][480:528])
    # an absurd day is ignored by the others
    assert np.abs(after["level"] / whole["level"] - 1)[np.r_[0:480, 528:1344]].max() < 0.15


@given(st.sampled_from([1e-3, 0.5, 60.0, 1e4]), st.integers(0, 3), st.sampled_from(["count", "mean", "number"]))
@settings(max_examples=10, deadline=None)
def test_scale_does_not_matter(scale: float, seed: int, family: str) -> None:
    rows = poisson(30, seed=seed, peak=8.0)[["queue", "period_start", "offered"]]
    rows["n"] = 5
    rows["value"] = rows["offered"] - (10.0 if family == "number" else 0.0)
    count = "n" if family == "mean" else None
    plain = fit_profile(rows, value="value", count=count, family=family)
    scaled = fit_profile(rows.assign(value=rows["value"] * scale), value="value", count=count, family=family)
    for name in ("baseline", "level", "sigma", "residual"):
        np.testing.assert_allclose(scaled[name], plain[name] * scale, rtol=1e-6, atol=1e-9 * scale)
    for name in ("score", "level_score", "day_factor", "day_sd"):
        np.testing.assert_allclose(scaled[name], plain[name], rtol=1e-6, atol=1e-9)


@given(st.integers(0, 1000))
@settings(max_examples=5, deadline=None)
def test_order_and_other_queues_do_not_matter(seed: int) -> None:
    rows = pd.concat([poisson(30, seed=1, queue="a"), poisson(30, seed=2, queue="b", peak=5.0)], ignore_index=True)
    together = fit_profile(rows, value="offered")
    order = np.random.default_rng(seed).permutation(len(rows))
    shuffled = fit_profile(rows.iloc[order].reset_index(drop=True), value="offered")
    pd.testing.assert_frame_equal(shuffled, together.iloc[order].reset_index(drop=True))
    alone = fit_profile(rows[rows["queue"] == "b"].reset_index(drop=True), value="offered")
    pd.testing.assert_frame_equal(alone, together[rows["queue"] == "b"].reset_index(drop=True))


def test_input_is_left_alone_and_may_be_an_arrow_frame() -> None:
    rows = poisson(30, seed=12).assign(queue="sales").astype({"queue": "str"})
    before = rows.copy()
    found = fit_profile(rows, value="offered", timezone="Europe/London")
    pd.testing.assert_frame_equal(rows, before)
    pd.testing.assert_frame_equal(fit_profile(pl.from_pandas(rows), value="offered", timezone="Europe/London"), found)
    assert isinstance(found.index, pd.RangeIndex)


# --- the day so far ----------------------------------------------------------------------------------------------------------------


def test_a_high_day_is_told_apart_from_an_odd_half_hour() -> None:
    rows = poisson(35, seed=13, day_sd=0.05)
    high = rows.copy()
    day = slice(30 * 48, 31 * 48)
    high.loc[30 * 48 : 31 * 48 - 1, "offered"] = np.round(high["offered"][day] * 1.4)
    found = fit_profile(high, value="offered")[day]
    assert found["day_factor"].iloc[0] == 1.0
    assert found["day_factor"].iloc[-1] == pytest.approx(1.4 * rows["day"][30 * 48], rel=0.12)
    assert found["day_score"].iloc[-1] > 4
    assert found["level_score"].mean() > 1
    assert abs(found["score"].iloc[24:]).mean() < 1.3  # the half-hours are not odd, given the day

    odd = rows.copy()
    odd.loc[30 * 48 + 24, "offered"] *= 3
    found = fit_profile(odd, value="offered")[day]
    plain = fit_profile(rows, value="offered")[day]
    assert found["score"].iloc[24] > 6
    assert abs(found["day_score"].iloc[-1] - plain["day_score"].iloc[-1]) < 0.8
    assert abs(found["day_factor"].iloc[-1] / plain["day_factor"].iloc[-1] - 1) < 0.04


def test_a_stable_queue_has_no_day_factor() -> None:
    found = fit_profile(poisson(56, seed=14), value="offered")
    assert found["day_factor"].between(0.97, 1.03).all()
    assert (fit_profile(poisson(30, seed=14, day_sd=0.1), value="offered", day_factor=False)["day_factor"] == 1).all()


def test_scores_are_calibrated_with_and_without_day_factor() -> None:
    rows = pd.concat([poisson(70, seed=20 + i, day_sd=0.1, queue=f"q{i}") for i in range(3)], ignore_index=True)
    for day_factor in (True, False):
        found = fit_profile(rows, value="offered", day_factor=day_factor)
        assert found["score"].std() == pytest.approx(1, abs=0.06)
        assert found["level_score"].std() == pytest.approx(1, abs=0.06)
    last = fit_profile(rows, value="offered").groupby([rows["queue"], rows["period_start"].dt.date], observed=True)["day_score"].last()
    assert last.std() == pytest.approx(1, abs=0.2)


# --- the calendar ------------------------------------------------------------------------------------------------------------------


def test_holidays_are_no_ordinary_days() -> None:
    spec = cc.QueueSpec("sales", 900, weekdays=(1, 1, 1, 1, 1, 0.5, 0.4))
    made = cc.synthesize_contacts(seed=3, days=70, start="2025-03-03", queues=[spec])
    rows = cc.to_intervals(made.contacts, timezone="Europe/Istanbul")
    found = fit_profile(rows, value="offered", start="interval_start", holidays="TR")
    date = rows["interval_start"].dt.tz_convert("Europe/Istanbul").dt.strftime("%m-%d")
    days = ["03-30", "03-31", "04-01", "04-23", "05-01"]
    assert sorted(date[found["special"] == "holiday"].unique()) == days
    assert set(found["phase"][date == days[0]]) == {"excluded"}  # the last day of the first window
    assert set(found["phase"][date.isin(days[1:])]) == {"judged"}
    notes = [found.loc[date == each, "note"].iloc[0] for each in days]
    assert all("compared with Sundays" in each for each in notes[:2])
    assert [each.split(";")[0] for each in notes[2:]] == [f"holiday: compared with {n} earlier holidays" for n in (2, 3, 4)]
    # 15 % of the usual volume comes: from the third holiday on that is expected
    usual = found["level"][date == "04-24"].sum()
    assert found["level"][date == "04-23"].sum() / usual == pytest.approx(0.15, abs=0.06)
    assert found.loc[date == "05-01", "score"].abs().max() < 4.5
    # no ordinary day is lower for them: as if they had never been
    known = date.isin(days)
    without = fit_profile(rows[~known].reset_index(drop=True), value="offered", start="interval_start")
    np.testing.assert_allclose(found["level"][~known], without["level"])
    listed = fit_profile(rows, value="offered", start="interval_start", holidays=[f"2025-{each}" for each in days])
    pd.testing.assert_frame_equal(listed, found)
    blind = fit_profile(rows, value="offered", start="interval_start")
    assert (blind["day_score"][date == "04-23"].iloc[-1]) < -4


def test_a_holiday_where_sundays_are_closed() -> None:
    rows = poisson(42, seed=15)
    closed = rows["period_start"].dt.day_of_week == 6
    rows.loc[closed, "offered"] = 0
    found = fit_profile(rows, value="offered", holidays=["2025-02-11"])
    mine = rows["period_start"].dt.strftime("%m-%d") == "02-11"
    assert found.loc[mine, "score"].isna().all()
    assert found.loc[mine, "note"].str.contains("Sundays are closed").all()


@pytest.mark.parametrize(("start", "day", "halves"), [("2025-02-24", "2025-03-30", 46), ("2025-09-22", "2025-10-26", 50)])
def test_clock_changes_keep_the_wall_clock(start: str, day: str, halves: int) -> None:
    times = grid(42, start=start, zone="Europe/London")
    rows = table(times, offered=np.random.default_rng(16).poisson(curve(times, 60.0)).astype(float))
    found = fit_profile(rows, value="offered")
    mine = rows["period_start"].dt.strftime("%Y-%m-%d") == day
    assert mine.sum() == halves
    after = rows["period_start"] >= pd.Timestamp(day, tz="Europe/London")
    off = (found["level"] / curve(times) * curve(times, 30) / curve(times, 60))[after]
    assert off.notna().all()
    assert found.loc[after, "score"].std() == pytest.approx(1, abs=0.1)
    assert found.loc[mine, "score"].abs().max() < 5


def test_long_intervals_on_a_day_the_clocks_change() -> None:
    """Four hours from midnight begin at 05:00, 09:00, … on that day; they are compared with 04:00, 08:00, …"""
    begin, end = (pd.Timestamp(each, tz="Europe/London") for each in ("2025-02-24", "2025-04-07"))
    grids = cc.periods.local_grid(begin, end, every="4h", timezone="Europe/London")
    rows = table(pd.DatetimeIndex(grids["interval_start"]), offered=np.random.default_rng(17).poisson(80, len(grids)).astype(float))
    found = fit_profile(rows, value="offered", timezone="Europe/London")
    assert found["level"].notna().all()
    assert found["level"].between(60, 100).all()


def test_daily_rows_whose_midnight_does_not_exist() -> None:
    """Cairo's clocks skip the midnight of 25 April 2025."""
    begin, end = (pd.Timestamp(each, tz="Africa/Cairo") for each in ("2025-03-17", "2025-05-19"))
    starts = pd.DatetimeIndex(cc.periods.local_grid(begin, end, every="1D", timezone="Africa/Cairo")["interval_start"])
    rows = table(starts, offered=np.random.default_rng(18).poisson(300, len(starts)).astype(float))
    found = fit_profile(rows, value="offered", timezone="Africa/Cairo")
    assert found["level"].between(270, 330).all()
    assert set(found["kind"]) == {"weekday"}
    assert (found["day_factor"] == 1).all()


def test_closed_hours() -> None:
    times = grid(42)
    hour, weekday = times.hour.to_numpy(), times.day_of_week
    open_ = np.where(weekday == 5, (hour >= 9) & (hour < 13), (hour >= 8) & (hour < 20) & (weekday < 5))
    n = np.random.default_rng(19).poisson(np.where(open_, 25.0, 0.0))
    n[-48 + 20] = 3  # three contacts on the last Sunday, at 10:00
    rows = table(times, offered=n.astype(float), service_level=np.where(n > 0, 0.8, np.nan))
    found = fit_profile(rows, value="offered")
    shut = ~open_.astype(bool)
    assert (found["level"][shut] == 0).all()
    assert (found["special"][shut] == "closed").all()
    assert (found["special"][~shut] == "").all()
    assert found["level"][~shut].between(18, 33).all()
    assert (found["score"][shut & (n == 0)] == 0).all()
    assert found["score"].iloc[-48 + 20] > 6
    assert found["score"][~shut].std() == pytest.approx(1, abs=0.08)
    share = fit_profile(rows, value="service_level", count="offered")
    assert share["level"][shut].isna().all()
    assert share["score"][shut].isna().all()


# --- new levels --------------------------------------------------------------------------------------------------------------------


def test_a_new_level_is_taken_once_it_has_lasted() -> None:
    rows = poisson(70, seed=21)
    day = np.arange(len(rows)) // 48
    rows["offered"] = np.where(day >= 35, np.round(rows["offered"] * 1.5), rows["offered"])
    found = fit_profile(rows, value="offered")
    ratio = (found["level"] / rows["mean"]).groupby(day).mean()
    assert ratio[35:45].between(0.93, 1.1).all()  # ten days long it is a deviation
    assert ratio[48:].between(1.38, 1.65).all()
    assert set(found["special"][(day >= 48) & (day < 60)]) == {"level_shift"}
    assert found["note"][50 * 48].endswith("new level since 2025-02-10")
    slow = fit_profile(rows, value="offered", level_shifts=False)
    assert (slow["level"] / rows["mean"]).groupby(day).mean()[46] < 1.35


def test_a_bad_week_does_not_become_the_baseline() -> None:
    rows = poisson(63, seed=22)
    day = np.arange(len(rows)) // 48
    rows["offered"] = np.where((day >= 35) & (day < 42), np.round(rows["offered"] * 1.4), rows["offered"])
    found = fit_profile(rows, value="offered")
    ratio = (found["level"] / rows["mean"]).groupby(day).mean()
    assert ratio[28:].between(0.92, 1.12).all()
    last = found.groupby(day)["day_score"].last()
    assert (last[35:42] > 4).all()
    assert (last[42:].abs() < 4).all()


# --- other kinds -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["stl", "mstl"])
def test_decomposition_is_that_of_statsmodels(kind: str) -> None:
    times = grid(31, every="3h")
    rows = table(times, offered=np.random.default_rng(23).poisson(curve(times) * WEEKDAY[times.day_of_week]).astype(float))
    found = fit_profile(rows, value="offered", kind=kind)
    options = {"robust": True, "trend_jump": 1, "low_pass_jump": 1}
    for begin, stop, days in ((0, 28, range(28)), (2, 30, [30])):
        series = rows["offered"].to_numpy()[begin * 8 : stop * 8]
        if kind == "stl":
            parts = STL(series, period=56, **options).fit(inner_iter=2, outer_iter=4)
            season = parts.seasonal
        else:
            parts = MSTL(series, periods=(8, 56), stl_kwargs={**options, "inner_iter": 2, "outer_iter": 4}).fit()
            season = parts.seasonal.sum(axis=1)
        for day in days:
            inside = day < 28
            expected = parts.trend[day * 8 : day * 8 + 8] + season[day * 8 : day * 8 + 8] if inside else parts.trend[-1] + season[-56:-48]
            np.testing.assert_allclose(found["level"][day * 8 : day * 8 + 8], np.maximum(expected, 0))
    assert set(found["kind"]) == {kind}
    with pytest.raises(OptionError, match="cannot be frozen"):
        freeze_profile(rows, value="offered", kind=kind)


def test_auto_takes_what_the_days_allow() -> None:
    rows = poisson(12, seed=24)
    found = fit_profile(rows, value="offered")
    assert set(found["kind"]) == {"slot"}
    assert found["note"].str.contains("too few days for weekdays").all()
    assert set(found["phase"]) == {"baseline"}
    dates = grid(60, every="1D")
    daily = table(dates, offered=np.random.default_rng(25).poisson(100 * WEEKDAY[dates.day_of_week]).astype(float))
    assert set(fit_profile(daily, value="offered")["kind"]) == {"weekday"}
    assert set(fit_profile(daily[:15], value="offered")["kind"]) == {"overall"}
    weekly = daily[::7].reset_index(drop=True)
    assert set(fit_profile(weekly, value="offered", window="70D", half_life=None, minimum=5)["kind"]) == {"overall"}


@pytest.mark.parametrize("kind", ["overall", "slot", "weekday", "weekday_slot", "same_weekday"])
def test_every_kind_is_finite(kind: str) -> None:
    rows = poisson(42, seed=26)
    if kind != "same_weekday":  # which knows nothing of how a day that was never open varies
        rows.loc[rows["period_start"].dt.day_of_week == 6, "offered"] = 0
    found = fit_profile(rows, value="offered", kind=kind)
    for name in ("baseline", "level", "day_factor", "sigma", "score", "level_score", "dispersion", "between", "day_sd"):
        assert np.isfinite(found[name]).all(), name
    assert set(found["kind"]) == {kind}


def test_signed_numbers() -> None:
    times = grid(42)
    rows = table(times, variance=np.random.default_rng(27).normal(np.where(times.hour < 12, -3.0, 2.0), 1.5))
    found = fit_profile(rows, value="variance")
    judged = found["phase"] == "judged"
    assert found["level"][judged & (times.hour < 12)].mean() == pytest.approx(-3, abs=0.1)
    assert found["between"].mean() == pytest.approx(2.25, rel=0.08)
    assert found["score"].std() == pytest.approx(1, abs=0.05)


# --- frozen ------------------------------------------------------------------------------------------------------------------------


def test_frozen_baselines_agree_and_survive_a_file(tmp_path: Path) -> None:
    rows = pd.concat([poisson(42, seed=28, queue="a", day_sd=0.08), poisson(42, seed=29, queue="b")], ignore_index=True)
    span = ("2025-01-06", "2025-02-03")
    mask = (rows["period_start"] < pd.Timestamp("2025-02-03", tz="UTC")).to_numpy()
    by_span = fit_profile(rows, value="offered", baseline=span, half_life=None)
    pd.testing.assert_frame_equal(by_span, fit_profile(rows, value="offered", baseline=mask, half_life=None))
    assert (by_span["phase"] == np.where(mask, "baseline", "judged")).all()
    kept = freeze_profile(rows, value="offered", baseline=span)
    by_profile = fit_profile(rows, value="offered", baseline=kept)
    judged = ~mask
    pd.testing.assert_frame_equal(by_profile[judged].drop(columns="note"), by_span[judged].drop(columns="note"))
    assert (by_profile["phase"] == "judged").all()
    kept.save(tmp_path / "profile.json")
    again = Profile.load(tmp_path / "profile.json")
    pd.testing.assert_frame_equal(fit_profile(rows, value="offered", baseline=again), by_profile)
    # a profile knows its groups; another queue has no baseline
    other = fit_profile(rows.assign(queue=rows["queue"].astype(str).replace("b", "c")), value="offered", baseline=again)
    assert other["level"][(rows["queue"] == "b").to_numpy()].isna().all()
    with pytest.raises(OptionError, match="made with family='count'"):
        fit_profile(rows.assign(n=10, share=0.5), value="share", count="n", baseline=again)
    with pytest.raises(SourceMissingError, match="no file"):
        Profile.load(tmp_path / "nothing.json")
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(FormatError, match="no profile"):
        Profile.load(tmp_path / "bad.json")


def test_frozen_same_weekday_is_each_weekdays_own() -> None:
    rows = poisson(28, seed=30)
    kept = freeze_profile(rows, value="offered", kind="same_weekday", weeks=3)
    mine = rows[(rows["period_start"].dt.day_of_week == 2) & (rows["period_start"].dt.strftime("%H:%M") == "10:30")]
    cell = kept.cells[(kept.cells["weekday"] == "Wednesday") & (kept.cells["slot"] == "10:30")]
    assert cell["level"].item() == pytest.approx(mine["offered"][-3:].mean())


def test_excluded_rows_are_judged_but_never_used() -> None:
    rows = poisson(42, seed=31)
    bad = ("2025-01-20", "2025-01-22")
    mask = ((rows["period_start"] >= pd.Timestamp(bad[0], tz="UTC")) & (rows["period_start"] < pd.Timestamp(bad[1], tz="UTC"))).to_numpy()
    spoilt = rows.assign(offered=np.where(mask, 999.0, rows["offered"]))
    found, same = (fit_profile(each, value="offered", exclude=bad) for each in (spoilt, rows))
    np.testing.assert_array_equal(found["level"], same["level"])
    assert set(found["phase"][mask]) == {"excluded"}
    assert (found["score"][mask] > 10).all()


# --- what can go wrong -------------------------------------------------------------------------------------------------------------


def test_errors_say_what_is_needed() -> None:
    rows = poisson(30, seed=32)
    for options, error, text in (
        ({"value": "offerd"}, ColumnError, "Did you mean offered"),
        ({"value": "queue"}, TableError, "expected numbers"),
        ({"value": "offered", "by": "team"}, ColumnError, "no column 'team'"),
        ({"value": "offered", "by": ()}, None, ""),
        ({"value": "offered", "kind": "weekly"}, OptionError, "choose one of: auto, overall"),
        ({"value": "offered", "family": "rate"}, OptionError, "choose one of: auto, count"),
        ({"value": "offered", "family": "share"}, OptionError, "does not fit values"),
        ({"value": "day", "family": "mean"}, OptionError, "needs count="),
        ({"value": "offered", "window": "soon"}, OptionError, "whole days"),
        ({"value": "offered", "half_life": "0D"}, OptionError, "whole days"),
        ({"value": "offered", "minimum": 40}, OptionError, "at least minimum=40 days .* is 30 .*'sales'"),
        ({"value": "offered", "minimum": 1}, OptionError, "at least 2"),
        ({"value": "offered", "holidays": "XX"}, OptionError, "give a country"),
        ({"value": "offered", "holidays": ["soon"]}, OptionError, "no list of dates"),
        ({"value": "offered", "baseline": ("2025-02-01", "2025-01-01")}, OptionError, "no span"),
        ({"value": "offered", "baseline": ("some", "time")}, OptionError, "no date or time"),
        ({"value": "offered", "baseline": [True, False]}, OptionError, "boolean mask of 1440 rows"),
        ({"value": "offered", "timezone": "Mars"}, ZoneError, "IANA"),
    ):
        if error is None:
            assert len(fit_profile(rows, **options)) == len(rows)
            continue
        with pytest.raises(error, match=text):
            fit_profile(rows, **options)
    with pytest.raises(ZoneError, match="time zone"):
        fit_profile(rows.assign(period_start=rows["period_start"].dt.tz_localize(None)), value="offered")
    with pytest.raises(TableError, match="name in by="):
        fit_profile(pd.concat([rows, rows]), value="offered")
    with pytest.raises(TableError, match="negative"):
        fit_profile(rows.assign(n=-1), value="offered", count="n")
    with pytest.raises(TableError, match="infinite"):
        fit_profile(rows.assign(offered=np.inf), value="offered")
    with pytest.raises(OptionError, match=r"most that any group has is 0"):
        fit_profile(rows.assign(offered=np.nan), value="offered")
    with pytest.raises(OptionError, match=r"most that any group has is 5"):
        fit_profile(rows[: 5 * 48], value="offered")


def test_few_days_and_empty_tables() -> None:
    rows = pd.concat([poisson(30, seed=33, queue="a"), poisson(30, seed=34, queue="b")[: 3 * 48]], ignore_index=True)
    found = fit_profile(rows, value="offered")
    young = (rows["queue"] == "b").to_numpy()
    assert found["level"][young].isna().all()
    assert found["note"][young].str.contains("fewer than minimum=7 days").all()
    assert found["level"][~young].notna().all()
    assert fit_profile(rows[:0], value="offered").columns.tolist() == found.columns.tolist()
    constant = fit_profile(rows.assign(offered=5.0), value="offered")
    np.testing.assert_allclose(constant["level"][~young], 5)
    assert constant["score"].isna().all()


# --- change points -----------------------------------------------------------------------------------------------------------------


def test_the_nile() -> None:
    cases = pd.read_csv(Path(__file__).parent / "reference" / "spc_cases.csv", keep_default_na=False)
    cases = cases[cases["case"] == "cp_nile"].set_index("quantity")["expected"]
    nile = sm.datasets.nile.load_pandas().data
    for model in ("mean", "robust", "mean_variance"):
        found = cc.find_change_points(nile["volume"], times=nile["year"].astype(int), model=model)
        assert len(found) == 2
        assert found["end"][0] == float(cases["last year before the shift"])
        assert [round(each, 2) for each in found["mean"]] == [float(each) for each in cases["means before/after"].split()]
        assert found["change"][1] == pytest.approx(849.972222 - 1097.75)


def test_change_points_of_awkward_series() -> None:
    rng = np.random.default_rng(35)
    constant = cc.find_change_points([3.0] * 20)
    assert constant[["start", "end", "points", "mean"]].to_numpy().tolist() == [[0, 19, 20, 3.0]]
    steps = np.r_[np.zeros(10), np.ones(10)]
    assert cc.find_change_points(steps)["end"].tolist() == [9, 19]
    gaps = np.r_[rng.normal(0, 1, 30), rng.normal(6, 1, 30)]
    gaps[[0, 29, 30, 45]] = np.nan
    times = pd.date_range("2025-01-01", periods=60, freq="D", tz="UTC")
    found = cc.find_change_points(gaps, times=times)
    assert found["end"].tolist() == [times[28], times[59]]
    assert found["start"].tolist() == [times[1], times[31]]
    assert found["points"].tolist() == [28, 28]
    wild = np.r_[rng.normal(0, 1, 30), 60, 70, rng.normal(0, 1, 30)]
    assert len(cc.find_change_points(wild, minimum=2)) > 1
    assert len(cc.find_change_points(wild, minimum=2, model="robust")) == 1
    louder = np.r_[rng.normal(0, 1, 60), rng.normal(0, 6, 60)]
    assert cc.find_change_points(louder, model="mean_variance")["start"].tolist()[1] == pytest.approx(60, abs=4)
    noise = [len(cc.find_change_points(np.random.default_rng(seed).normal(size=100))) for seed in range(40)]
    assert np.mean(np.array(noise) > 1) <= 0.15


def test_change_points_need_enough() -> None:
    for values, options, text in (
        ([1, 2, 3, 4], {}, "at least 10 values .minimum=5 on either side.; found 4"),
        ([1, 2, np.nan, np.nan], {"minimum": 2}, "found 2 that are not missing among 4"),
        ([1, 2, np.inf, 4], {"minimum": 1}, "infinite"),
        (range(20), {"model": "median"}, "choose one of: mean"),
        (range(20), {"model": ["mean"]}, "choose one of: mean"),
        (["a"] * 9, {}, "one series of numbers"),
        ([[1], [2, 3]], {}, "one series of numbers"),
        ([1j] * 9, {}, "one series of numbers"),
        (range(20), {"penalty": -1}, "above 0"),
        (range(20), {"penalty": "x"}, "penalty='x' must be a number above 0"),
        (range(20), {"penalty": True}, "above 0"),
        (range(20), {"penalty": [1.0, 2.0]}, "above 0"),
        (range(20), {"minimum": True}, "at least 1"),
        (range(20), {"minimum": "5"}, "at least 1"),
        (range(20), {"times": 5}, "one entry for each of the 20 values"),
        (range(20), {"minimum": 0}, "at least 1"),
        (range(20), {"minimum": 2, "model": "mean_variance"}, "at least 3"),
        (range(20), {"times": range(3)}, "3 entries for 20 values"),
        ([[1, 2], [3, 4]], {}, "one series"),
    ):
        with pytest.raises(OptionError, match=text):
            cc.find_change_points(values, **options)


@given(st.floats(0.01, 1000), st.floats(-1000, 1000), st.integers(0, 20))
@settings(max_examples=25, deadline=None)
def test_change_points_do_not_depend_on_unit(scale: float, shift: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    series = np.r_[rng.normal(0, 1, 25), rng.normal(3, 1, 25)]
    plain, other = cc.find_change_points(series), cc.find_change_points(series * scale + shift)
    assert plain["start"].tolist() == other["start"].tolist()
    np.testing.assert_allclose(other["mean"], plain["mean"] * scale + shift, rtol=1e-6, atol=1e-6 * scale)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "5",
        '{"ccstats_profile": 1}',
        '{"ccstats_profile": 1, "by": [], "timezone": "UTC", "family": "count", "cells": {"a": [1], "b": []}}',
    ],
)
def test_files_that_are_no_profile_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(FormatError, match="is no profile"):
        Profile.load(tmp_path / "other.json")


def test_folders_are_no_files(tmp_path: Path) -> None:
    with pytest.raises(SourceMissingError):
        Profile.load(tmp_path)
    kept = freeze_profile(days_of_calls(), value="offered", start="interval_start")
    with pytest.raises(SourceMissingError, match="no folder"):
        kept.save(tmp_path / "nowhere" / "profile.json")


def days_of_calls() -> pd.DataFrame:
    return cc.to_intervals(cc.synthesize_contacts(seed=1).contacts, timezone="Europe/Istanbul")


def test_columns_are_named_by_words() -> None:
    with pytest.raises(OptionError, match="by=5 must be a column name"):
        fit_profile(days_of_calls(), value="offered", start="interval_start", by=5)
    with pytest.raises(ColumnError, match=r"no column \['offered'\]"):
        fit_profile(days_of_calls(), value=["offered"], start="interval_start")


def test_what_is_frozen_and_what_broke_are_in_the_shop_window() -> None:
    assert cc.freeze_profile is freeze_profile
    assert cc.Profile is Profile
    assert callable(cc.list_breaches)


@pytest.mark.parametrize("kind", ["stl", "mstl"])
def test_spread_about_a_decomposition_is_not_made_small_by_its_own_fit(kind: str) -> None:
    starts = pd.date_range("2025-01-06", periods=24 * 49, freq="1h", tz="UTC")
    mean = 60 * (1 + 0.6 * np.sin((starts.hour - 6) / 24 * 2 * np.pi)) * np.where(starts.day_of_week < 5, 1.1, 0.5)
    table = pd.DataFrame({"period_start": starts, "calls": np.random.default_rng(1).poisson(mean)})
    found = fit_profile(table, value="calls", by=(), kind=kind, window="28D")
    judged = found[found["phase"] == "judged"]
    assert 0.8 < judged["score"].std() < 1.25
