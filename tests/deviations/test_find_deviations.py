"""Deviations: ranks and sums against plain loops, planted cases, calibration, no look-ahead, and what is refused."""

from __future__ import annotations

import math
import os
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

import ccstats as cc
from ccstats.deviations.control import FEWEST, SHORT
from ccstats.deviations.observed import observe_metrics
from ccstats.deviations.residuals import points_needed
from ccstats.deviations.sustained import BUDGET, SCALES, fit_thresholds, follow_sums, measure_excursions
from ccstats.deviations.tails import empirical_limits, false_shares, from_scale, lower_chances, normal_scores, to_scale
from ccstats.errors import ColumnError, DataWarning, OptionError, TableError
from ccstats.schema import POINTS
from planted import STABLE, VOLUME, planted_case, stable_intervals

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
HALF_HOUR = pd.Timedelta(minutes=30)


def intervals_of(offered: np.ndarray, within: np.ndarray | None = None, *, queue: str = "sales", start: str = "2026-01-05") -> pd.DataFrame:
    """Half-hours with these counts; a third of those not answered in time give up, handle times are 200 s."""
    offered = np.asarray(offered, dtype="int64")
    within = offered if within is None else np.asarray(within, dtype="int64")
    table = stable_intervals(STABLE[0], 1, days=1).iloc[:1]
    table = table.loc[table.index.repeat(len(offered))].reset_index(drop=True)
    lost = (offered - within) // 3
    answered = offered - lost
    return table.assign(
        queue=pd.Categorical([queue] * len(offered)),
        interval_start=pd.Timestamp(start, tz="UTC") + HALF_HOUR * np.arange(len(offered)),
        offered=offered,
        answered=answered,
        abandoned=lost,
        answered_within=pd.array(within, dtype="Int64"),
        abandoned_within=pd.array(np.zeros(len(offered)), dtype="Int64"),
        reached_threshold=pd.array(offered - within, dtype="Int64"),
        talk_known=answered,
        total_talk_s=200.0 * answered,
        **dict.fromkeys(("open", "flowed_out", "callbacks", "lost", "unknown"), 0),
    )


def poisson(days: int, seed: int = 0, mean: float = 60.0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(mean, 48 * days)


# ---- loops ----


@settings(max_examples=60, deadline=None)
@given(
    hnp.arrays(float, st.integers(20, 60), elements=st.integers(-5, 5).map(float)),
    hnp.arrays(float, 5, elements=st.floats(-7, 7)),
)
def test_ranks_are_those_of_a_loop(pool, scores):
    pool = np.sort(pool)
    found = lower_chances(pool, scores)
    n = len(pool)
    for score, chance in zip(scores, found, strict=True):
        below, same = sum(x < score for x in pool), sum(x == score for x in pool)
        if same:
            assert chance == pytest.approx((2 * below + same + 1) / 2 / (n + 1))
        elif below == 0:
            assert 0 <= chance <= 1 / (n + 1)
        elif below == n:
            assert n / (n + 1) <= chance <= 1
        else:
            low, high = pool[below - 1], pool[below]
            assert chance == pytest.approx((below + (score - low) / (high - low)) / (n + 1))


@pytest.mark.parametrize("n", [199, 200, 250, 576])
def test_limits_leave_alpha_outside_of_the_next_draw(n):
    """Uniform order statistics: the k-th of n is on average k / (n + 1), so limits at uniform ranks leave alpha outside on average."""
    rng = np.random.default_rng(n)
    outside = []
    for _ in range(4000):
        low, high = empirical_limits(np.sort(rng.random(n)), 0.01)
        outside.append(low + 1 - high)
    assert np.mean(outside) == pytest.approx(0.01, abs=4 * np.std(outside) / np.sqrt(4000))


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(float, st.integers(1, 12), elements=st.floats(0, 1)), st.integers(0, 1000))
def test_q_values_are_those_of_a_loop(p, seed):
    families = np.random.default_rng(seed).integers(0, 3, len(p))
    p = np.where(p > 0.95, np.nan, p)
    found = false_shares(p, families)
    for i in range(len(p)):
        if math.isnan(p[i]):
            assert math.isnan(found[i])
            continue
        family = sorted(p[j] for j in range(len(p)) if families[j] == families[i] and not math.isnan(p[j]))
        shares = [family[k] * len(family) / (k + 1) for k in range(len(family)) if family[k] >= p[i]]
        assert found[i] == pytest.approx(min(1.0, *shares), abs=1e-12)


@pytest.mark.parametrize("family", ["count", "mean", "share"])
def test_scales_have_their_inverse_and_a_spread_of_one(family):
    rng = np.random.default_rng(1)
    if family == "count":
        mean, sigma, values = 50.0, math.sqrt(50.0), rng.poisson(50, 40_000)
    elif family == "mean":
        mean, sigma, values = 300.0, 60.0, rng.gamma(25, 12, 40_000)
    else:
        mean, sigma, values = 0.8, 0.04, rng.binomial(100, 0.8, 40_000) / 100
    at, spread = np.full(len(values), mean), np.full(len(values), sigma)
    scores = to_scale(family, values.astype(float), at, spread)
    assert scores.mean() == pytest.approx(0, abs=0.06)
    assert scores.std() == pytest.approx(1, abs=0.03)
    assert abs(stats.skew(scores)) < 0.1 < abs(stats.skew(values))
    assert from_scale(family, scores, at, spread) == pytest.approx(values, abs=1e-9)


def test_small_counts_are_centred_too():
    for mean in (0.1, 0.5, 2.0, 8.0):
        counts = np.arange(60)
        weight = stats.poisson.pmf(counts, mean)
        scores = to_scale("count", counts.astype(float), np.full(60, mean), np.full(60, math.sqrt(mean)))
        assert (weight * scores).sum() == pytest.approx(0, abs=0.35)


def follow_by_hand(scores: list[float], height: float, scale: float) -> set[int]:
    """Page's sums for one scale, upwards, row by row."""
    marked: set[int] = set()
    total, rows, start, half, rest = 0.0, 0, 0, None, 0.0
    for i, score in enumerate(scores):
        if math.isnan(score):
            continue
        if half is None:
            total, rows = total + score - scale, rows + 1
            if total <= 0:
                total, rows, start = 0.0, 0, i + 1
            elif total > height:
                half, rest, done = (total / rows + scale) / 2, 0.0, start
                marked |= set(range(start, i + 1))
                done = i + 1
        else:
            rest += score - half
            if rest < -2 / half:
                half, total, rows, start = None, 0.0, 0, i + 1
            elif rest > 0:
                marked |= set(range(done, i + 1))
                rest, done = 0.0, i + 1
    return {i for i in marked if not math.isnan(scores[i])}


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 10_000), st.floats(0, 2.5), st.integers(5, 40))
def test_sums_are_those_of_a_loop(seed, shift, length):
    rng = np.random.default_rng(seed)
    scores = np.clip(rng.normal(size=150), -4, 4)
    scores[60 : 60 + length] += shift
    scores[rng.random(150) < 0.1] = np.nan
    height, decay = np.full((1, 1, 2), 4.0), np.ones((1, 1, 2))
    side, seen, began, chance = follow_sums(scores, np.array([0.5]), height, decay, np.zeros(150, dtype=np.int64), BUDGET)
    high = follow_by_hand(scores.tolist(), 4.0, 0.5)
    low = follow_by_hand((-scores).tolist(), 4.0, 0.5)
    assert set(np.flatnonzero(side)) == high | low
    assert set(np.flatnonzero(side > 0)) - low == high - low
    marked = side != 0
    assert (seen[marked] >= np.flatnonzero(marked)).all()
    assert (began[marked] <= np.flatnonzero(marked)).all()
    assert ((chance > 0) & (chance <= BUDGET))[marked].all()
    assert (seen[~marked] == -1).all()


def test_excursions_are_those_of_a_loop():
    path = np.random.default_rng(3).normal(size=20_000)
    peaks: list[tuple[float, int]] = []
    for sign in (-1.0, 1.0):
        total = peak = 0.0
        length = begun = 0
        for i, x in enumerate(path.tolist()):
            total += sign * x - 0.5
            if total <= 0:
                if peak > 0:
                    peaks.append((peak, length))
                total, peak, length, begun = 0.0, 0.0, 0, i + 1
            elif total > peak:
                peak, length = total, i + 1 - begun
    often, seldom = measure_excursions(path, 0.5, 0.02, 0.002)
    for height, share in ((often, 0.02), (seldom, 0.002)):
        assert sum(length for peak, length in peaks if peak >= height) / 2 <= share * len(path)
        assert sum(length for peak, length in peaks if peak >= height - 0.04) / 2 > share * len(path)


def test_thresholds_hold_what_they_promise_on_series_of_their_kind():
    """Fresh series with the dependence that thresholds were fitted to: about the budget is flagged, for each scale and side."""
    rng = np.random.default_rng(5)
    rows, days = 24, 6000
    noise, effect = rng.normal(size=(days, rows)), rng.normal(size=(days, 1))
    path = (np.sqrt(0.8) * noise + np.sqrt(0.2) * effect).ravel()
    day = np.repeat(np.arange(days), rows)
    found = fit_thresholds(path, day)
    for scale in range(len(SCALES)):
        height, decay = found.height[None, scale : scale + 1], found.decay[None, scale : scale + 1]
        side, *_ = follow_sums(path, np.array(SCALES[scale : scale + 1]), height, decay, np.zeros(len(path), dtype=np.int64), BUDGET)
        assert (side != 0).mean() < 4 * BUDGET
    assert (side != 0).any()


def test_residual_chart_ranks_scores_among_the_28_days_before():
    points = cc.find_deviations(intervals_of(poisson(40, seed=3)), metric="offered")
    assert (points["p_value"] > 1e-4).all()  # nothing was kept from any baseline
    score, day = points["score"].to_numpy(), np.arange(len(points)) // 48
    for row in (28 * 48 + 5, 33 * 48 + 20, 39 * 48 + 47):
        pool = sorted(score[(day >= day[row] - 28) & (day < day[row])])
        rank = sum(x < score[row] for x in pool)
        if 0 < rank < len(pool) and pool[rank] != score[row]:
            lower = (rank + (score[row] - pool[rank - 1]) / (pool[rank] - pool[rank - 1])) / (len(pool) + 1)
            assert points["p_value"][row] == pytest.approx(2 * min(lower, 1 - lower))
        low, high = (np.quantile(pool, each, method="weibull") for each in (0.005, 0.995))
        one = np.ones(1)
        limits = [from_scale("count", each * one, points["baseline"][row] * one, points["sigma"][row] * one)[0] for each in (low, high)]
        assert points.loc[row, ["lower", "upper"]].tolist() == pytest.approx(limits)
    single = (points["value"] < points["lower"]) | (points["value"] > points["upper"])
    assert (single == points["rule"].str.contains("beyond_limits")).all()


# ---- what is planted is found, what is quiet stays quiet ----


@pytest.mark.parametrize("metric", ["offered", "aht_s", "service_level"])
def test_stable_queues_stay_quiet(metric):
    tables = [stable_intervals(STABLE[number], 40 + number, days=35) for number in (1, 2, 3)]
    shares = []
    for table in tables:
        points = cc.find_deviations(table, metric=metric)
        assert points["chart"].unique().tolist() == ["residual"]
        shares.append(points.loc[points["phase"] == "judged", "signal"].mean())
    assert 0 < np.mean(shares) < 0.035, shares


def test_a_week_of_more_volume_is_found_and_its_baseline_not_taught():
    offered = poisson(56, seed=7)
    shifted = slice(35 * 48, 42 * 48)
    offered[shifted] = np.random.default_rng(8).poisson(72, 7 * 48)  # 20 % more: 1.5 sigma each
    points = cc.find_deviations(intervals_of(offered), metric="offered")
    flags = points["signal"].to_numpy()
    assert flags[shifted].mean() > 0.95
    assert flags[28 * 48 : 35 * 48].mean() < 0.03
    assert flags[43 * 48 :].mean() < 0.04
    assert points["baseline"][shifted][flags[shifted]].mean() == pytest.approx(60, rel=0.03)
    week = points[shifted]
    assert week.loc[week["signal"], "direction"].mode().tolist() == ["higher"]
    assert (week.loc[week["signal"], "signalled_at"] >= week.loc[week["signal"], "period_end"]).all()
    assert week["signalled_at"].min() < week["period_start"].iloc[0] + pd.Timedelta(hours=12)
    assert week.loc[week["rule"].str.contains("sustained"), "severity"].median() > 0.95
    assert week["incident"].dropna().nunique() <= 3


def test_an_outage_of_one_interval_is_found_in_the_right_sense():
    offered = poisson(35, seed=1)
    within = np.random.default_rng(2).binomial(offered, 0.85)
    at = 30 * 48 + 20
    within[at], offered[at + 10] = 10, 140
    points = cc.find_deviations(
        intervals_of(offered, within), metric=["service_level", "offered", "abandonment_rate"], false_discovery=None
    )
    here = points[points["period_start"] == points["period_start"].min() + at * HALF_HOUR].set_index("metric")
    assert here.loc["service_level", "direction"] == here.loc["abandonment_rate", "direction"] == "worse"
    assert here["signalled_at"].dropna().eq(here["period_end"].iloc[0]).all()
    there = points[points["period_start"] == points["period_start"].min() + (at + 10) * HALF_HOUR].set_index("metric")
    assert there.loc["offered", "direction"] == "higher"
    assert there.loc["offered", "rule"].startswith("beyond_limits")
    assert there.loc["offered", "count"] == 140
    assert here.loc["service_level", "count"] == offered[at]
    assert points[(points["direction"] == "better") & (points["metric"] == "service_level")]["score"].gt(0).all()


def test_a_level_that_stays_becomes_normal():
    offered = poisson(80, seed=4)
    offered[35 * 48 :] = np.random.default_rng(9).poisson(80, 45 * 48)
    points = cc.find_deviations(intervals_of(offered), metric="offered")
    assert points["signal"][36 * 48 : 42 * 48].mean() > 0.9
    assert points["signal"][72 * 48 :].mean() < 0.04
    assert points["baseline"].iloc[-1] == pytest.approx(80, rel=0.05)


# ---- properties ----

_SAME = ["value", "count", "baseline", "lower", "upper", "sigma", "score", "p_value"]


@pytest.mark.parametrize("cut", [29 * 48, 33 * 48 + 21, 39 * 48 + 30])
def test_nothing_that_came_later_matters(cut):
    case = planted_case(5, kind=VOLUME, length=72)
    whole = cc.find_deviations(case.intervals, metric="offered")
    part = cc.find_deviations(case.intervals.iloc[:cut], metric="offered")
    same = whole.iloc[: len(part)]
    judged = (part["phase"] == "judged").to_numpy()
    figures = judged & ~same["rule"].str.contains("sustained").to_numpy()
    pd.testing.assert_frame_equal(part.loc[figures, _SAME], same.loc[figures, _SAME])
    limits = ["value", "lower", "upper", "p_value"]
    pd.testing.assert_frame_equal(part.loc[judged, limits], same.loc[judged, limits])
    told = same["signal"] & (same["signalled_at"] <= part["period_end"].max())
    assert (part.loc[judged, "signal"] == told[judged]).all()
    assert part.loc[judged & told, "signalled_at"].equals(same.loc[judged & told, "signalled_at"])


@settings(max_examples=max(3, round(20 * EXAM)), deadline=None)
@given(st.integers(0, 10**6))
def test_order_of_rows_does_not_matter(seed):
    table = pd.concat([intervals_of(poisson(30, seed=1)), intervals_of(poisson(30, seed=2), queue="care")], ignore_index=True)
    table["queue"] = table["queue"].astype("category")
    order = np.random.default_rng(seed).permutation(len(table))
    pd.testing.assert_frame_equal(
        cc.find_deviations(table.iloc[order].reset_index(drop=True), metric="offered"), cc.find_deviations(table, metric="offered")
    )


def test_queues_know_nothing_of_each_other_without_false_discovery_control():
    one, two = intervals_of(poisson(35, seed=1)), intervals_of(poisson(35, seed=2, mean=300), queue="care")
    both = pd.concat([one, two], ignore_index=True).astype({"queue": "category"})
    together = cc.find_deviations(both, metric="offered", false_discovery=None)
    for table, name in ((one, "sales"), (two, "care")):
        alone = cc.find_deviations(table, metric="offered", false_discovery=None)
        mine = together[together["queue"] == name].reset_index(drop=True)
        columns = [*_SAME, "signal", "rule", "signalled_at", "phase", "note"]
        pd.testing.assert_frame_equal(mine[columns], alone[columns])


def test_false_discoveries_are_controlled_where_many_are_judged():
    tables = [intervals_of(poisson(32, seed=number), queue=f"q{number:02d}") for number in range(40)]
    many = pd.concat(tables, ignore_index=True).astype({"queue": "category"})
    free = cc.find_deviations(many, metric="offered", false_discovery=None)
    held = cc.find_deviations(many, metric="offered")
    judged = free["phase"] == "judged"
    assert 0.005 < free.loc[judged, "signal"].mean() < 0.03
    assert held.loc[judged, "signal"].mean() < free.loc[judged, "signal"].mean() / 2
    single = [each["rule"].str.contains("beyond_limits") for each in (held, free)]
    assert not (single[0] & ~single[1]).any()
    POINTS.check(held)


def test_the_input_is_left_alone_and_arrow_is_accepted():
    import pyarrow as pa

    table = intervals_of(poisson(30))
    kept = table.copy(deep=True)
    points = cc.find_deviations(table, metric="offered")
    pd.testing.assert_frame_equal(table, kept)
    again = cc.find_deviations(pa.Table.from_pandas(table, preserve_index=False), metric="offered")
    pd.testing.assert_frame_equal(points, again)
    POINTS.check(points)
    assert list(points.columns) == POINTS.names()


# ---- which chart ----


def test_days_are_charted_by_the_kind_of_the_metric_and_say_why():
    rng = np.random.default_rng(2)
    offered = rng.poisson(60 * np.repeat([1.2, 1.1, 1, 1, 1, 0.5, 0.4] * 5, 48))
    offered[20 * 48 : 21 * 48] //= 2
    table = intervals_of(offered, rng.binomial(offered, 0.8))
    points = cc.find_deviations(table, metric=["service_level", "offered", "asa_s"], period="day", false_discovery=None)
    assert points.groupby("metric", observed=True)["chart"].first().to_dict() == {
        "service_level": "p_prime",
        "offered": "xmr",
        "asa_s": "i_prime",
    }
    assert points["note"].str.contains("a day a point").all()
    halved = points[(points["metric"] == "offered") & points["signal"]]
    assert halved["period_start"].dt.day.tolist() == [25]  # the weekend, half as busy, is none
    shares = points[points["metric"] == "service_level"].reset_index(drop=True)
    daily = cc.roll_up(table, by="queue", period="day")
    drawn = cc.spc.limits(
        "p_prime", daily["answered_within"].to_numpy(float), daily["offered"].to_numpy(float), width=stats.norm.isf(0.00135)
    )
    assert shares["lower"].to_numpy() == pytest.approx(drawn.lower)
    assert shares["baseline"].to_numpy() == pytest.approx(drawn.center)


def test_run_rules_are_left_off_below_days_and_modest_from_days_on():
    offered = poisson(40, seed=6)
    offered[25 * 48 : 36 * 48] = np.random.default_rng(1).poisson(64, 11 * 48)
    table = intervals_of(offered)
    assert not cc.find_deviations(table, metric="offered")["rule"].str.contains("run_of").any()
    days = cc.find_deviations(table, metric="offered", period="day", chart="xmr")
    run = days[days["rule"].str.contains("run_of_9")]
    assert len(run) >= 9
    assert (run["signalled_at"] >= run["period_end"]).all()
    assert run.loc[~run["rule"].str.contains("beyond_limits"), "signalled_at"].min() > run["period_start"].iloc[7]
    none = cc.find_deviations(table, metric="offered", period="day", chart="xmr", rules="beyond_limits")
    assert not none["rule"].str.contains("run").any()


def test_baselines_are_frozen_by_span_table_or_file(tmp_path):
    table = intervals_of(poisson(40, seed=1))
    start = table["interval_start"].iloc[0]
    span = cc.find_deviations(table, metric="offered", baseline=(start, start + pd.Timedelta(days=28)))
    assert span["phase"].value_counts().to_dict() == {"baseline": 28 * 48, "judged": 12 * 48, "excluded": 0}
    earlier = cc.find_deviations(table.iloc[28 * 48 :], metric="offered", baseline=table.iloc[: 28 * 48])
    assert len(earlier) == 12 * 48
    assert earlier["phase"].unique().tolist() == ["judged"]
    judged = span[span["phase"] == "judged"].reset_index(drop=True)
    pd.testing.assert_frame_equal(earlier[_SAME], judged[_SAME])

    within = np.random.default_rng(1).binomial(table["offered"], 0.8)
    days = intervals_of(table["offered"].to_numpy(), within)
    learned = cc.spc.limits("p_prime", within.reshape(-1, 48).sum(1)[:28], table["offered"].to_numpy().reshape(-1, 48).sum(1)[:28]).baseline
    learned.save(tmp_path / "kept.json")
    for baseline in (learned, tmp_path / "kept.json"):
        points = cc.find_deviations(days, metric="service_level", period="day", baseline=baseline)
        assert points["baseline"].unique() == pytest.approx(learned.center[0])
        assert points["chart"].unique().tolist() == ["p_prime"]


@pytest.mark.parametrize("kind", ["overall", "slot", "weekday_slot", "same_weekday"])
def test_kinds_of_the_profile_are_passed_on(kind):
    table = intervals_of(poisson(63, seed=2))
    points = cc.find_deviations(table, metric="offered", baseline=kind)
    fitted = cc.fit_profile(table, value="offered", start="interval_start", kind=kind, half_life=None, exclude=None, family="count")
    last = slice(29 * 48, 30 * 48)
    if not points["p_value"].lt(1e-4).any() and not points["rule"].str.contains("sustained").any():
        assert points["baseline"].to_numpy()[last] == pytest.approx(fitted["baseline"].to_numpy()[last], nan_ok=True)
    assert points["baseline"].notna().mean() > 0.4


def test_profile_chart_needs_no_200_points():
    points = cc.find_deviations(intervals_of(poisson(35)), metric="offered", chart="profile")
    assert points["chart"].unique().tolist() == ["profile"]
    assert points["p_value"].to_numpy() == pytest.approx(2 * stats.norm.sf(points["score"].abs()))
    assert 0 < points["signal"].mean() < 0.03


def test_service_levels_are_judged_by_who_was_there():
    from planted import AGENTS, agent_intervals

    case = planted_case(3, kind=AGENTS, length=24)
    table, staffed = case.intervals.iloc[: 3 * 48], agent_intervals(case)
    staffed = staffed[staffed["interval_start"] < table["interval_start"].max() + HALF_HOUR]
    points = cc.find_deviations(table, metric="service_level", agent_intervals=staffed, seed=1)
    judged = cc.judge_service_level(table, staffed, by="queue", seed=1)
    assert points["chart"].unique().tolist() == ["expected"]
    assert points["lower"].to_numpy() == pytest.approx(judged["expected_low"].to_numpy(), nan_ok=True)
    assert (points["signal"] == judged["verdict"].isin(["better", "worse"])).all()
    assert points["note"].str.startswith("simulated spread").all()


def test_periods_that_are_not_whole_are_left_out():
    table = intervals_of(poisson(30)).iloc[20:-20]
    points = cc.find_deviations(table, metric="offered", period="day")
    assert points["phase"].iloc[[0, -1]].tolist() == ["excluded", "excluded"]
    assert points["note"].iloc[0].endswith("not a whole period")
    assert not points["signal"].iloc[[0, -1]].any()
    assert points.loc[1:28, "p_value"].notna().all()


def test_several_columns_to_group_by_and_none():
    table = pd.concat([intervals_of(poisson(30, seed=1)), intervals_of(poisson(30, seed=2))], ignore_index=True)
    table["channel"] = pd.Categorical(np.repeat(["chat", "voice"], 30 * 48))
    points = cc.find_deviations(table, metric="offered", by=["queue", "channel"], false_discovery=None)
    assert points.groupby("channel", observed=True).size().tolist() == [1440, 1440]
    POINTS.check(points)
    alone = cc.find_deviations(intervals_of(poisson(30, seed=2)), metric="offered", false_discovery=None)
    assert points.loc[points["channel"] == "voice", "baseline"].to_numpy() == pytest.approx(alone["baseline"].to_numpy())
    assert "queue" not in cc.find_deviations(table, metric="offered", by=())


def test_targets_stand_beside_the_values():
    table = intervals_of(poisson(30), np.random.default_rng(1).binomial(poisson(30), 0.8))
    points = cc.find_deviations(table, metric=["service_level", "offered"], period="day", target={"service_level": 0.8})
    assert points.groupby("metric", observed=True)["target"].first().to_dict() == {
        "service_level": 0.8,
        "offered": pytest.approx(np.nan, nan_ok=True),
    }


# ---- what is refused, and what is warned of ----


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"metric": "servce_level"}, "Did you mean service_level"),
        ({"metric": "occupancy"}, "made of agent_intervals"),
        ({"metric": "nps"}, "is made of surveys, not of intervals"),
        ({"metric": []}, "names nothing"),
        ({"metric": "offered", "chart": "shewhart"}, "choose one of"),
        ({"metric": "offered", "chart": "cusum"}, r"see ccstats\.spc\.limits"),
        ({"metric": "offered", "chart": "p", "period": "day"}, "is for shares"),
        ({"metric": "offered", "chart": "expected"}, "is for service levels"),
        ({"metric": "service_level", "chart": "expected"}, "needs agent_intervals"),
        ({"metric": "offered", "baseline": "weekdays"}, "Did you mean weekday"),
        ({"metric": "offered", "baseline": ("2026-02-01", "2026-01-01")}, "end must come after"),
        ({"metric": "offered", "baseline": ("2020-02-01", "2020-03-01")}, "has no period of the table"),
        ({"metric": "offered", "period": "slot"}, "cannot be followed in time"),
        ({"metric": "offered", "alpha": 2}, "alpha"),
        ({"metric": "offered", "false_discovery": 2}, "false_discovery"),
        ({"metric": "offered", "rules": "westgard"}, "there is no rule"),
        ({"metric": "offered", "target": {"asa_s": 1}}, "not judged"),
        ({"metric": "offered", "gap": -1}, "gap"),
    ],
)
def test_options_that_are_refused(options, text):
    with pytest.raises(OptionError, match=text):
        cc.find_deviations(intervals_of(poisson(30), poisson(30) // 2), **options)


def test_too_few_points_say_how_many_are_needed():
    with pytest.raises(OptionError, match=rf"5 of its 5 periods have a value; a chart needs at least {FEWEST}"):
        cc.find_deviations(intervals_of(poisson(5)), metric="offered", period="day", chart="xmr")


def test_constant_series_and_empty_periods_are_errors_that_say_so():
    with pytest.raises(TableError, match="nothing varies"):
        cc.find_deviations(intervals_of(np.full(48 * 30, 7)), metric="offered")
    with pytest.raises(TableError, match="no value in any of the 1440 periods"):
        cc.find_deviations(intervals_of(np.zeros(48 * 30)), metric="service_level")
    with pytest.raises(TableError, match="is empty"):
        cc.find_deviations(intervals_of(poisson(1)).iloc[:0], metric="offered")
    without = intervals_of(poisson(30)).assign(answered_within=pd.array([None] * 1440, dtype="Int64"))
    with pytest.raises(TableError, match="threshold_s="):
        cc.find_deviations(without, metric="service_level")


def test_one_queue_without_contacts_does_not_keep_the_others_from_being_judged():
    busy = intervals_of(poisson(30), np.random.default_rng(1).binomial(poisson(30), 0.8))
    table = pd.concat([busy, intervals_of(np.zeros(30 * 48), queue="idle")], ignore_index=True)
    with pytest.warns(DataWarning, match="1 of 2 series cannot be judged: service_level of idle"):
        points = cc.find_deviations(table.astype({"queue": "category"}), metric="service_level", chart="p_prime", period="day")
    idle = points[points["queue"] == "idle"]
    assert not idle["signal"].any()
    assert idle["note"].str.contains("no value").all()


def test_short_series_are_warned_of_in_the_note_too():
    table = intervals_of(poisson(12))
    with pytest.warns(DataWarning, match=f"fewer than {SHORT} points"):
        points = cc.find_deviations(table, metric="offered", period="day")
    assert points["note"].str.contains("limits rest on 12 points").all()


def test_a_short_table_falls_back_and_says_what_ranks_would_need():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        points = cc.find_deviations(intervals_of(poisson(4)), metric="offered")
    assert points["chart"].unique().tolist() == ["xmr"]
    assert points["note"].str.contains(f"192 baseline points on 4 days, ranks need {points_needed(0.01)}").all()


def test_zones_must_be_said_where_there_are_several():
    table = pd.concat(
        [intervals_of(poisson(30)), intervals_of(poisson(30), queue="care").assign(timezone="Europe/London")], ignore_index=True
    )
    with pytest.raises(cc.errors.ZoneError, match="say timezone="):
        cc.find_deviations(table.astype({"queue": "category", "timezone": "category"}), metric="offered")


def test_periods_end_where_the_next_begin_also_when_clocks_change():
    contacts = cc.synthesize_contacts(seed=3, days=90, timezone="Europe/London").contacts
    hours = cc.to_intervals(contacts, every="1h", timezone="Europe/London", threshold_s=20)
    for period in ("interval", "hour", "day", "week", "month", "quarter", "year"):
        found = observe_metrics(hours, metrics=["offered"], by=["queue"], period=period, timezone="Europe/London")["offered"]
        for _, part in found.groupby("queue", observed=True):
            assert (part["period_end"].iloc[:-1].to_numpy() == part["period_start"].iloc[1:].to_numpy()).all(), period


def test_normal_scores_reach_no_farther_than_four():
    assert normal_scores(np.array([0.0, 0.5, 1.0])).tolist() == [-4.0, 0.0, 4.0]


def half_hours_of(days: int = 42) -> pd.DataFrame:
    centre = cc.synthesize_contacts(seed=3, days=days)
    return cc.to_intervals(centre.contacts, timezone="Europe/Istanbul", threshold_s=20)


def test_where_nothing_varies_nothing_deviates() -> None:
    table = half_hours_of()
    perfect = table.assign(**dict.fromkeys(("offered", "answered", "answered_within"), 10), abandoned=0)
    for metric in ("service_level", "offered", "abandonment_rate"):
        with pytest.raises(TableError, match="nothing varies"):
            cc.find_deviations(perfect, metric=metric)
    nobody = table.assign(abandoned=0, answered=table["offered"], answered_within=table["offered"])
    one = nobody.assign(answered_within=nobody["offered"].where(nobody.index % 997 != 0, nobody["offered"] // 2))
    points = cc.find_deviations(one, metric="service_level", by=())
    assert (points.loc[points["signal"], "value"] < 1).all()  # all in time is what there nearly always is


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target": "x"}, "target='x'"),
        ({"target": 80}, "share is given from 0 to 1, such as 0.8"),
        ({"metric": None}, "metric=None"),
        ({"alpha": "x"}, "alpha='x'"),
        ({"metric": "aht_s", "chart": "u"}, "chart='u' is for counts"),
        ({"metric": "max_wait_s", "chart": "c"}, "chart='c' is for counts"),
        ({"metric": "offered", "chart": "p"}, "chart='p' is for shares"),
    ],
)
def test_arguments_that_cannot_be_are_named(options: dict, said: str) -> None:
    with pytest.raises(OptionError, match=re.escape(said)):
        cc.find_deviations(half_hours_of(14), **({"metric": "service_level"} | options))


def test_tables_counted_otherwise_or_twice_are_refused() -> None:
    centre = cc.synthesize_contacts(seed=3, days=28)
    first, last = (
        centre.contacts[part] for part in (centre.contacts["queued_at"] < "2025-01-20", centre.contacts["queued_at"] >= "2025-01-21")
    )
    new = cc.to_intervals(last, timezone="Europe/Istanbul", threshold_s=20)
    for other, name in (({"every": "15min", "threshold_s": 20}, "interval_s"), ({"threshold_s": 120}, "threshold_s")):
        with pytest.raises(TableError, match=f"its {name} is"):
            cc.find_deviations(new, metric="offered", baseline=cc.to_intervals(first, timezone="Europe/Istanbul", **other))
    with pytest.raises(TableError, match="is there twice"):
        cc.find_deviations(pd.concat([new, new]), metric="offered")


def test_agents_without_queues_leave_queues_to_their_past() -> None:
    centre = cc.synthesize_contacts(seed=3, days=35)
    table = cc.to_intervals(centre.contacts, timezone="Europe/Istanbul", threshold_s=20)
    staffed = cc.to_agent_intervals(centre.agent_states, timezone="Europe/Istanbul")
    with pytest.warns(DataWarning, match="agent_intervals have no queue"):
        points = cc.find_deviations(table, metric="service_level", agent_intervals=staffed)
    assert points["chart"].unique().tolist() == ["residual"]
    pool = cc.find_deviations(table, metric="service_level", by=(), agent_intervals=staffed)
    assert pool["note"].str.contains("one pool").all()


def spoilt(table: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    """The table with one value that cannot be."""
    out = table.copy()
    out.loc[3, column] = value
    return out


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("offered", -5, "'offered' is negative (row 3"),
        ("queue", None, "'queue' has missing values (row 3"),
        ("interval_start", pd.NaT, "'interval_start' has missing values (row 3"),
        ("interval_s", 0.0, "interval_s is 0 or missing in 1 rows, first in row 3"),
        ("answered_within", 10_000, "more answered within the threshold than offered in 1 rows, first in row 3"),
    ],
)
@pytest.mark.parametrize("judge", [cc.find_deviations, cc.measure_compliance])
def test_rows_that_cannot_be_are_refused(judge, column: str, value: object, said: str) -> None:
    options = {"metric": "service_level"} | ({"target": 0.8} if judge is cc.measure_compliance else {})
    with pytest.raises(TableError, match=re.escape(said)):
        judge(spoilt(half_hours_of(14), column, value), **options)


def test_shares_booked_by_event_may_pass_one() -> None:
    table = half_hours_of(14)
    table["attribute_by"] = pd.Categorical(["event"] * len(table))
    points = cc.find_deviations(spoilt(table, "answered_within", 99), metric="service_level")
    assert points["value"].max() > 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": 5}, "by=5 must be a column name, several of them, or () for none"),
        ({"by": None}, "by=None must be a column name"),
        ({"chart": ["p"]}, "chart=['p'] is not known"),
        ({"chart": np.array(["p", "u"])}, "is not known"),
        ({"baseline": None}, "baseline=None is not known"),
        ({"baseline": 5}, "baseline=5 is not known"),
        ({"false_discovery": np.array([0.1, 0.2])}, "false_discovery="),
    ],
)
def test_arguments_of_another_type_are_named(options: dict, said: str) -> None:
    with pytest.raises(OptionError, match=re.escape(said)):
        cc.find_deviations(half_hours_of(14), **({"metric": "service_level"} | options))


def test_one_value_is_too_few_and_not_constant() -> None:
    with pytest.raises(OptionError, match=rf"1 of its 1 periods have a value; a chart needs at least {FEWEST}"):
        cc.find_deviations(intervals_of(poisson(1)).head(1), metric="offered")


def test_broken_periods_are_told_where_they_make_a_series_too_short() -> None:
    with pytest.raises(OptionError, match="3 of its 5 periods are whole and have a value"):
        cc.find_deviations(intervals_of(poisson(5)).iloc[3:-3], metric="offered", period="day")


def test_half_hours_of_a_few_days_say_that_their_course_is_in_the_chart() -> None:
    points = cc.find_deviations(intervals_of(poisson(4)), metric="offered")
    assert points["note"].str.contains("too few days to know the course of a day").all()


@pytest.mark.parametrize("metric", ["rona_rate", "time_to_agent_s"])
def test_a_metric_that_the_source_does_not_log_is_said(metric):
    table = cc.to_intervals(cc.synthesize_contacts(seed=1, days=3).contacts, threshold_s=20)
    lacking = cc.metrics.METRICS[metric].columns
    with pytest.raises(ColumnError, match=f"{metric} = .* needs {', '.join(lacking)}, which these intervals do not have"):
        cc.find_deviations(table.drop(columns=[name for name in lacking if name in table]), metric=metric)
