"""A day revised while it runs: Bayes by numerical integration, limits by SciPy's laws, a back-test with planted day factors."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_cases import START, ZONE, make_intervals, make_plan, stack, starts
from scipy import integrate, stats

import ccstats as cc
from ccstats.deviations.day_factors import PRIOR_DAYS, Belief, count_limits, learn, learn_handle_times, update, update_handle_times
from ccstats.deviations.day_history import learn_from, read_history
from ccstats.deviations.intraday import reforecast_day
from ccstats.deviations.planned import read_planned
from ccstats.errors import DataWarning, OptionError, TableError, ZoneError

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
SHAPE = 20 + 30 * np.sin(np.linspace(0.2, 2.9, 24))


# -- beliefs


@settings(max_examples=30, deadline=None)
@given(
    mean=st.floats(0.5, 2.0),
    cv=st.floats(0.02, 0.5),
    offered=st.integers(0, 400),
    forecast=st.floats(0.0, 400.0),
    spread=st.floats(1.0, 3.0),
)
def test_day_factor_by_integration(mean: float, cv: float, offered: int, forecast: float, spread: float) -> None:
    """Gamma prior times Poisson likelihood, both taken to the power that the spread leaves of them."""
    prior = stats.gamma(1 / cv**2, scale=mean * cv**2)

    def log_density(factor: float) -> float:
        return float(prior.logpdf(factor)) + (offered * np.log(factor) - factor * forecast) / spread

    made = update(Belief(mean, cv**2, spread), offered, forecast)
    width = made.mean * made.cv2**0.5
    ends = max(made.mean - 12 * width, 1e-9), made.mean + 25 * width
    top = log_density(made.mean)
    moments = [
        integrate.quad(lambda x, k=k: x**k * np.exp(log_density(x) - top), *ends, points=[made.mean], limit=200)[0] for k in range(3)
    ]
    expected = moments[1] / moments[0]
    assert made.mean == pytest.approx(expected, rel=1e-6)
    assert made.cv2 == pytest.approx(moments[2] / moments[0] / expected**2 - 1, rel=1e-3)


def test_handle_time_factor_by_the_weights_of_two_normals() -> None:
    made = update_handle_times(Belief(1.1, 0.04, 0.8), 1.5, 20)
    prior, sample = 1 / 0.04, 20 / 0.8
    assert made.mean == pytest.approx((prior * 1.1 + sample * 1.5) / (prior + sample))
    assert made.cv2 == pytest.approx(1 / (prior + sample))
    assert update_handle_times(Belief(1.1, 0.04, 0.8), 9.0, 0) == Belief(1.1, 0.04, 0.8)
    assert update_handle_times(Belief(1.1, 0.0, 0.8), 9.0, 50).mean == 1.1


@pytest.mark.parametrize(("cv2", "spread"), [(0.0, 1.0), (0.01, 1.0), (0.0, 1.7), (0.04, 2.5)])
@pytest.mark.parametrize("coverage", [0.5, 0.9, 0.99])
def test_limits_are_the_quantiles_of_scipy(cv2: float, spread: float, coverage: float) -> None:
    mean = np.concatenate([[0.0, 1e-6, 0.05, 0.1], np.random.default_rng(1).gamma(0.5, 40, 500), [1e4]])
    variance = spread * mean + cv2 * mean**2
    for share, found in zip(((1 - coverage) / 2, (1 + coverage) / 2), count_limits(mean, Belief(1.0, cv2, spread), coverage), strict=True):
        for m, v, limit in zip(mean, variance, found, strict=True):
            law = stats.poisson(m) if v == m else stats.nbinom(m**2 / (v - m), m / v)
            assert limit == (law.ppf(share) if m > 0 else 0)


def test_limits_of_the_factor_are_quantiles_of_its_gamma_law() -> None:
    low, high = Belief(1.2, 0.03, 1.0).limits(0.8)
    law = stats.gamma(1 / 0.03, scale=1.2 * 0.03)
    assert (low, high) == pytest.approx((law.ppf(0.1), law.ppf(0.9)))
    assert Belief(1.2, 0.0, 1.0).limits(0.8) == (1.2, 1.2)


def days_of(rng: np.random.Generator, days: int, *, mean: float, cv: float, spread: float) -> tuple[np.ndarray, ...]:
    """Counts of days with gamma day factors, over-dispersed by ``spread`` in each interval; expectation and day."""
    expected, day = np.tile(SHAPE, days), np.repeat(np.arange(days), len(SHAPE))
    level = expected * rng.gamma(1 / cv**2, mean * cv**2, days)[day]
    counts = rng.poisson(level) if spread == 1 else rng.negative_binomial(level / (spread - 1), 1 / spread)
    return counts.astype("float64"), expected, day


@pytest.mark.parametrize(("cv", "spread"), [(0.15, 1.0), (0.08, 2.0), (0.25, 1.4)])
def test_how_days_differ_is_learnt(cv: float, spread: float) -> None:
    days = 1500
    counts, expected, day = days_of(np.random.default_rng(2), days, mean=1.1, cv=cv, spread=spread)
    found = learn(Belief(1.0, 0.0, 1.0), counts, expected, day, np.ones(days))
    assert found.mean == pytest.approx(1.1, rel=0.02)
    assert found.cv2**0.5 == pytest.approx(cv, rel=0.08)
    assert found.spread == pytest.approx(spread, rel=0.04)


def test_days_that_do_not_differ_leave_only_what_was_assumed() -> None:
    counts, expected, day = days_of(np.random.default_rng(4), 6, mean=1.0, cv=1e-6, spread=1.0)
    found = learn(Belief(1.0, 0.01, 1.0), counts, expected, day, np.ones(6))
    assert 0.01 * PRIOR_DAYS / (6 + PRIOR_DAYS) <= found.cv2 < 0.01


def test_how_handle_times_differ_is_learnt() -> None:
    rng = np.random.default_rng(3)
    days, known = 800, 12
    day = np.repeat(np.arange(days), 24)
    aht = 240 * 1.2 * (1 + 0.06 * rng.standard_normal(days))[day] * (1 + 0.9 / known**0.5 * rng.standard_normal(len(day)))
    found = learn_handle_times(Belief(1.0, 0.0, 1.0), aht, np.full(len(day), 240.0), np.full(len(day), float(known)), day, np.ones(days))
    assert found.mean == pytest.approx(1.2, rel=0.02)
    assert found.cv2**0.5 == pytest.approx(0.06, rel=0.1)
    assert found.spread == pytest.approx(0.81, rel=0.06)


def test_a_mean_that_holds_the_day_itself_is_made_up_for() -> None:
    """Without a forecast of them, days are held against their own mean by weekday and time: few weeks, and the same answer."""
    rng = np.random.default_rng(6)
    weeks, found = 4, []
    start = pd.date_range("2026-01-05 08:00", periods=24, freq="30min", tz="UTC")
    interval = start.append([start + pd.Timedelta(days=day) for day in range(1, 7 * weeks)])
    for _ in range(40):
        counts, _, _ = days_of(rng, 7 * weeks, mean=1.0, cv=0.2, spread=1.5)
        past = make_intervals(interval.as_unit("us"), counts.astype("int64")).assign(timezone="UTC").astype({"timezone": "category"})
        planned = read_planned(make_plan(starts(1), 9.0, 0.0))
        table = read_history(past, planned, pd.Timestamp("2026-02-02", tz="UTC"), "UTC")
        found.append(learn_from(table, {"sales"}, (Belief(1.0, 0.04, 1.0), Belief(1.0, 0.0, 1.0)))[0])
    assert np.mean([each.spread for each in found]) == pytest.approx(1.5, rel=0.06)
    assert np.mean([each.cv2 for each in found]) == pytest.approx(0.04, rel=0.12)


# -- the day


def test_a_morning_by_hand() -> None:
    """200 were forecast and 240 came until half past the fifth half-hour, of which 20 in its first 20 of 30 minutes."""
    start = starts(8)
    forecast = make_plan(start, 45.0, 0.0, aht_s=200.0)[["queue", "interval_start", "interval_s", "expected_offered", "expected_aht_s"]]
    so_far = make_intervals(start[:5], [60, 55, 55, 50, 20], aht_s=240.0)
    made = reforecast_day(so_far, forecast, now=start[4] + pd.Timedelta("20min"), day_cv=0.1, aht_cv=0.05)
    past = 4 * 45 + 45 * 2 / 3
    factor = (100 + 240) / (100 + past)
    assert made["day_factor"].to_numpy() == pytest.approx(factor)
    assert made["elapsed"].tolist() == pytest.approx([1, 1, 1, 1, 2 / 3, 0, 0, 0])
    assert made["offered"].tolist()[:5] == [60, 55, 55, 50, 20]
    assert made["offered"].isna().tolist() == [False] * 5 + [True] * 3
    assert made["expected_offered"].tolist() == pytest.approx([60, 55, 55, 50, 20 + 15 * factor, 45 * factor, 45 * factor, 45 * factor])
    assert made["day_offered"].to_numpy() == pytest.approx(240 + (15 + 135) * factor)
    assert (made["low"][:4] == made["high"][:4]).all()
    assert (made["low"] <= made["expected_offered"]).all()
    assert (made["expected_offered"] <= made["high"]).all()
    weight = 0.0025 / (0.0025 + 1 / 240)
    assert made["aht_factor"].to_numpy() == pytest.approx(1 + 0.2 * weight)
    assert made["expected_aht_s"].tolist() == pytest.approx([240.0] * 4 + [200 * (1 + 0.2 * weight)] * 4)
    assert "required_agents" not in made
    assert "agents" not in made


def test_a_forecast_whose_level_is_right_is_left_alone() -> None:
    start = starts(4)
    made = reforecast_day(make_intervals(start[:2], [90, 90]), make_plan(start, 45.0, 0.0), day_cv=0.0, aht_cv=0.0)
    assert made["expected_offered"].tolist() == [90, 90, 45, 45]
    assert made["day_factor"].tolist() == made["day_factor_low"].tolist() == [1.0] * 4


def test_queues_may_share_one_day_factor() -> None:
    start = starts(4)
    forecast = stack(*(make_plan(start, 50.0, 0.0, queue=queue) for queue in "ab"))
    so_far = stack(make_intervals(start[:2], [60, 60], queue="a"), make_intervals(start[:2], [50, 50], queue="b"))
    each, both = (reforecast_day(so_far, forecast, by=by).groupby("queue", observed=True)["day_factor"].first() for by in ("queue", ()))
    assert each.tolist() == pytest.approx([220 / 200, 1.0])
    assert both.tolist() == pytest.approx([320 / 300] * 2)


def test_the_day_is_the_local_one() -> None:
    start = starts(12, start=pd.Timestamp("2026-03-02 20:00", tz="UTC")).tz_convert("UTC")
    zone = "America/New_York"  # 15:00 to 21:00 there, across midnight in London
    so_far = make_intervals(start[:9], [10] * 9).assign(timezone=zone).astype({"timezone": "category"})
    made = reforecast_day(so_far, make_plan(start, 8.0, 0.0))
    assert len(made) == 12
    assert made["elapsed"].tolist() == [1.0] * 9 + [0.0] * 3
    assert len(reforecast_day(so_far, make_plan(start, 8.0, 0.0), timezone="UTC")) == 4  # 90 contacts of two London days


def test_the_staff_that_the_rest_of_the_day_takes() -> None:
    start = starts(6)
    plan = make_plan(start, 50.0, 7.0, patience_s=150.0)
    so_far = make_intervals(start[:3], [70, 65, 60], aht_s=260.0)
    made = reforecast_day(so_far, plan)
    given = {"target_service_level": 0.8, "threshold_s": 20, "fractional": True}
    for row in made.itertuples():
        need = cc.erlang.agents_required(
            row.expected_offered * row.expected_aht_s / 1800, aht_s=row.expected_aht_s, patience_s=150, **given
        )
        assert row.required_agents == pytest.approx(need)
        assert row.gap == pytest.approx(7 - need)
    forecast = plan[["queue", "interval_start", "interval_s", "expected_offered", "expected_aht_s"]]
    asked = {"target_service_level": 0.8, "threshold_s": 20}
    assert reforecast_day(so_far, forecast, patience_s=150, **asked)["required_agents"].tolist() == made["required_agents"].tolist()
    alone = reforecast_day(so_far, forecast, **asked)
    load = alone["expected_offered"] * alone["expected_aht_s"] / 1800
    aht = alone["expected_aht_s"].to_numpy()
    assert alone["required_agents"].to_numpy() == pytest.approx(cc.erlang.agents_required(load.to_numpy(), aht_s=aht, **given))
    assert (reforecast_day(so_far, plan, target_service_level=0.95)["required_agents"] > made["required_agents"]).all()
    assert (reforecast_day(so_far, plan, model="erlang_c")["required_agents"] > made["required_agents"]).all()
    assert "gap" not in alone


def test_what_is_not_known_of_the_past_is_expected_like_the_rest() -> None:
    start = starts(4)
    made = reforecast_day(make_intervals(start[1:3], [60, 60]), make_plan(start, 50.0, 0.0))
    factor = (100 + 120) / (100 + 100)
    assert made["day_factor"].iloc[0] == pytest.approx(factor)
    assert np.isnan(made["offered"].iloc[0])
    assert made["expected_offered"].tolist() == pytest.approx([50 * factor, 60, 60, 50 * factor])


def test_inputs_stay_as_they_are() -> None:
    start = starts(4)
    so_far, forecast, past = make_intervals(start[:2], [60, 60]), make_plan(start, 50.0, 3.0), two_weeks()
    copies = [each.copy(deep=True) for each in (so_far, forecast, past)]
    reforecast_day(so_far, forecast, history=past)
    for each, copy in zip((so_far, forecast, past), copies, strict=True):
        pd.testing.assert_frame_equal(each, copy)


def two_weeks(*, days: int = 14, level: int = 50) -> pd.DataFrame:
    """Intervals of the days before the first one, a tenth above and below a level by turns."""
    parts = [
        make_intervals(starts(4, start=START - pd.Timedelta(days=day)), [level + (level // 10 if day % 2 else -level // 10)] * 4)
        for day in range(1, days + 1)
    ]
    return stack(*parts)


def played(rng: np.random.Generator, queues: int, *, cv: float, spread: float = 1.0, days: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """Queues of the same forecast, each with its own day factors; the last day is that of `START`."""
    frames, last = [], np.empty(0)
    for back in reversed(range(days)):
        counts, _, _ = days_of(rng, queues, mean=1.0, cv=cv, spread=spread)
        start = starts(24, start=START - pd.Timedelta(days=back))
        frames.append(
            make_intervals(
                start.append([start] * (queues - 1)), counts.astype("int64"), queue=np.repeat([f"q{k:04d}" for k in range(queues)], 24)
            )
        )
        last = counts
    return stack(*frames), last.reshape(queues, 24)


def forecast_of(queues: int, days: int = 1) -> pd.DataFrame:
    start = starts(24, start=START)
    every = start.append([start - pd.Timedelta(days=back) for back in range(1, days)])
    return stack(*(make_plan(every, np.tile(SHAPE, days), 0.0, queue=f"q{k:04d}") for k in range(queues)))


def test_backtest_with_planted_day_factors() -> None:
    """250 days (2,000 under the exam): the revised forecast beats the one it began with, and its limits hold what they say."""
    queues, seen = int(np.clip(20_000 * EXAM, 250, 2000)), 10
    days, counts = played(np.random.default_rng(11), queues, cv=0.15)
    now = starts(24)[seen]
    made = reforecast_day(days[days["interval_start"] < now], forecast_of(queues), day_cv=0.15)
    rest = counts[:, seen:]
    revised, low, high = (made[name].to_numpy().reshape(queues, 24)[:, seen:] for name in ("expected_offered", "low", "high"))
    wape = [np.abs(each - rest).sum() / rest.sum() for each in (revised, np.broadcast_to(SHAPE[seen:], rest.shape))]
    assert wape[0] < 0.85 * wape[1]
    totals = [np.abs(each - rest.sum(axis=1)).sum() for each in (revised.sum(axis=1), np.full(queues, SHAPE[seen:].sum()))]
    assert totals[0] < 0.5 * totals[1]
    covered = ((low <= rest) & (rest <= high)).mean()
    assert 0.90 <= covered <= 0.95  # whole numbers enclose at least what is asked for
    first = made.groupby("queue", observed=True).first()
    assert 0.86 <= first["day_low"].le(counts.sum(axis=1)).mul(first["day_high"].ge(counts.sum(axis=1))).mean() <= 0.95


def test_history_tells_what_was_not_assumed() -> None:
    """Days that scatter by 25 % and half-hours twice like Poisson: without history the limits are too narrow, with it they hold."""
    queues, seen, days = 40, 8, 29
    everything, counts = played(np.random.default_rng(12), queues, cv=0.25, spread=2.0, days=days)
    first, now = starts(1)[0], starts(24)[seen]
    so_far = everything[(everything["interval_start"] >= first) & (everything["interval_start"] < now)]
    past = everything[everything["interval_start"] < first]
    plan, rest = forecast_of(queues, days), counts[:, seen:]
    covered, error = {}, {}
    for name, history in (("without", None), ("with", past)):
        made = reforecast_day(so_far, plan, history=history)
        revised, low, high = (made[each].to_numpy().reshape(queues, 24)[:, seen:] for each in ("expected_offered", "low", "high"))
        covered[name], error[name] = ((low <= rest) & (rest <= high)).mean(), np.abs(revised - rest).sum()
    assert covered["without"] < 0.84
    assert 0.87 <= covered["with"] <= 0.96
    assert error["with"] < error["without"]


def test_history_of_the_day_itself_and_later_is_not_looked_at() -> None:
    start = starts(4)
    so_far, forecast, past = make_intervals(start[:2], [60, 60]), make_plan(start, 50.0, 0.0), two_weeks()
    later = stack(past, make_intervals(starts(4), [900] * 4), make_intervals(starts(4, start=START + pd.Timedelta("1D")), [900] * 4))
    pd.testing.assert_frame_equal(reforecast_day(so_far, forecast, history=later), reforecast_day(so_far, forecast, history=past))


FORECAST = make_plan(starts(4), 50.0, 3.0)
SO_FAR = make_intervals(starts(2), [60, 60])
OTHER_DAY = SO_FAR.assign(interval_start=SO_FAR["interval_start"] - pd.Timedelta("3D"))


@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"forecast": FORECAST.drop(columns="expected_aht_s")}, TableError, "column 'expected_aht_s' is missing"),
        (
            {"forecast": FORECAST.assign(interval_start=starts(4, start=START + pd.Timedelta("2D")))},
            TableError,
            "no intervals on 2026-03-02",
        ),
        (
            {"forecast": FORECAST.assign(expected_offered=[1.0, 2.0, 3.0, -4.0])},
            TableError,
            "'expected_offered' is -4 in 1 row; expected 0 or more",
        ),
        ({"forecast": FORECAST.assign(expected_offered=[1.0, 2.0, 3.0, np.nan])}, TableError, "no volume, handle time or agents"),
        (
            {"forecast": FORECAST.assign(interval_s=900.0)},
            TableError,
            "different lengths: .* the forecast has 900 s, intervals_so_far 1800 s",
        ),
        ({"so_far": SO_FAR.drop(columns="offered")}, TableError, "column 'offered' is missing"),
        ({"so_far": SO_FAR.assign(attribute_by=pd.Categorical(["left"] * 2))}, TableError, "attribute_by left; a forecast says who"),
        ({"so_far": SO_FAR.assign(timezone=pd.Categorical(["UTC", ZONE]))}, TableError, "has timezone Europe/Berlin, UTC; make them"),
        ({"so_far": SO_FAR[:0]}, TableError, "intervals_so_far has no rows; say now="),
        ({"so_far": OTHER_DAY, "now": starts(3)[2]}, TableError, "has no interval of 2026-03-02 .* forecast until 09:00"),
        ({"now": starts(2)[1]}, TableError, "contacts after now=2026-03-02 08:30.*60 contacts"),
        ({"now": "2026-03-02 09:00"}, OptionError, "must be an instant with its time zone"),
        ({"now": "noon"}, OptionError, "now='noon' must be an instant"),
        ({"by": "channel"}, OptionError, "by='channel' is not known"),
        ({"day_cv": -0.1}, OptionError, "day_cv=-0.1 must be a number from 0"),
        ({"aht_cv": "5 %"}, OptionError, "aht_cv='5 %'"),
        ({"coverage": 90}, OptionError, "coverage=90 must lie between 0 and 1"),
        ({"coverage": "90 %"}, OptionError, "coverage='90 %' must lie between 0 and 1"),
        ({"timezone": "Berlin"}, ZoneError, "Did you mean Europe/Berlin"),
        ({"model": "erlang_x"}, OptionError, "model='erlang_x' is not known"),
        ({"target_service_level": 80}, OptionError, "target_service_level=80: expected a share"),
        ({"patience_s": 0}, OptionError, "patience_s=0: expected seconds above 0"),
        (
            {"forecast": FORECAST.drop(columns=["agents", "threshold_s"]), "target_service_level": 0.8},
            OptionError,
            "target_service_level= needs threshold_s=",
        ),
        ({"history": SO_FAR}, TableError, "history has no intervals before 2026-03-02"),
        ({"history": two_weeks(days=7)}, TableError, "history has 0 days of sales .* several weeks"),
        ({"history": SO_FAR.drop(columns="offered")}, TableError, "column 'offered' is missing"),
    ],
)
def test_what_cannot_be_revised_is_refused(changed: dict[str, Any], error: type[Exception], text: str) -> None:
    options = {name: value for name, value in changed.items() if name not in ("so_far", "forecast")}
    with pytest.raises(error, match=text):
        reforecast_day(changed.get("so_far", SO_FAR), changed.get("forecast", FORECAST), **options)


def test_contacts_without_a_forecast_are_told_of() -> None:
    so_far = stack(SO_FAR, make_intervals(starts(2), [5, 5], queue="help"))
    with pytest.warns(DataWarning, match="no forecast for 'help'"):
        made = reforecast_day(so_far, FORECAST)
    assert made["queue"].unique().tolist() == ["sales"]


def test_before_the_day_begins_all_is_as_forecast() -> None:
    made = reforecast_day(OTHER_DAY, FORECAST, now=START)
    assert made["expected_offered"].tolist() == [50.0] * 4
    assert made["offered"].isna().all()
    assert (made["low"] < 50).all()
