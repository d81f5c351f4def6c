"""Compliance: what was met, counted by hand and by loops, and limits that hold what they promise."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_cases import START, ZONE, make_intervals, starts
from scipy import special, stats

import ccstats as cc
from ccstats.deviations.compliance import list_breaches, measure_compliance
from ccstats.errors import ColumnError, OptionError, TableError, ZoneError
from ccstats.schema import INTERVALS

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))


def shares(met: Any, offered: Any = 10, **columns: Any) -> pd.DataFrame:
    """Half-hours from Monday 8:00 with so many of ``offered`` answered in time."""
    met = np.asarray(met)
    return make_intervals(columns.pop("start", starts(len(met))), np.broadcast_to(offered, met.shape), answered_within=met, **columns)


def test_a_morning_counted_by_hand() -> None:
    half_hours = shares([9, 8, 7, 0, 6, 9, 5, 5, 5, 10], [10, 10, 10, 0, 10, 10, 10, 10, 10, 10])
    kept = measure_compliance(half_hours, target=0.8, k=1, n=3).iloc[0]
    assert kept[["queue", "metric", "target_low"]].tolist() == ["sales", "service_level", 0.8]
    assert np.isnan(kept["target_high"])
    assert kept[["periods", "empty", "met"]].tolist() == [9, 1, 4]
    assert kept["interval_attainment"] == pytest.approx(4 / 9)
    assert kept["contact_attainment"] == pytest.approx(4 / 9)
    assert kept["breach_run"] == 3
    assert kept["breach_started_at"] == START + pd.Timedelta("3h")
    assert (kept["fewest_met"], kept["k_of_n_met"]) == (0, False)
    assert kept["contacts"] == 90
    assert kept["value"] == pytest.approx(64 / 90)
    assert kept["deviation"] == pytest.approx(64 / 90 - 0.8)
    assert not kept["target_met"]


def test_an_empty_period_neither_breaks_nor_lengthens_a_run() -> None:
    half_hours = shares([5, 0, 5, 9], [10, 0, 10, 10])
    assert measure_compliance(half_hours, target=0.8)["breach_run"].tolist() == [2]
    breaches = list_breaches(half_hours, target=0.8)
    assert breaches["periods"].tolist() == [2]
    assert breaches["started_at"][0] == START
    assert breaches["ended_at"][0] == START + pd.Timedelta("90min")
    assert breaches["ended_at"].dtype == breaches["started_at"].dtype


def test_breaches_one_by_one() -> None:
    half_hours = shares([5, 9, 7, 4, 6, 9, 7])
    found = list_breaches(half_hours, target=0.8)
    assert found["periods"].tolist() == [1, 3, 1]
    assert found["worst_value"].tolist() == [0.5, 0.4, 0.7]
    assert found["value"].tolist() == pytest.approx([0.5, 17 / 30, 0.7])
    assert found["deviation"].tolist() == pytest.approx([-0.3, 17 / 30 - 0.8, -0.1])
    pd.testing.assert_frame_equal(list_breaches(half_hours, target=0.8, least=2), found.iloc[[1]].reset_index(drop=True))
    assert measure_compliance(half_hours, target=0.8)["breaches"].tolist() == [3]
    with pytest.raises(OptionError, match="least=0 is no number of periods"):
        list_breaches(half_hours, target=0.8, least=0)


def test_limits_of_the_attainment() -> None:
    met = np.array([1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 1])
    kept = measure_compliance(shares(9 * met), target=0.8).iloc[0]
    away = met - met.mean()
    r = float((away[1:] * away[:-1]).sum() / (away**2).sum())
    n = 12 * (1 - r) / (1 + r)
    low, high = cc.spc.wilson_interval(7 / 12 * n, n)
    assert r > 0
    assert kept[["attainment_low", "attainment_high"]].tolist() == pytest.approx([low, high])
    every = measure_compliance(shares([9] * 12), target=0.8).iloc[0]
    assert every[["attainment_low", "attainment_high"]].tolist() == pytest.approx(list(cc.spc.wilson_interval(12, 12)))


def test_contacts_weigh_what_intervals_do_not() -> None:
    kept = measure_compliance(shares([10, 10, 40], [10, 10, 80]), target=0.8).iloc[0]
    assert kept["interval_attainment"] == pytest.approx(2 / 3)
    assert kept["contact_attainment"] == pytest.approx(0.2)
    assert kept["value"] == pytest.approx(0.6)


def test_k_of_n() -> None:
    half_hours = shares([9, 5, 9, 9, 5, 9])
    for k, n, fewest, met in ((2, 3, 2, True), (1, 2, 1, True), (2, 2, 1, False), (4, None, 4, True), (5, None, 4, False)):
        kept = measure_compliance(half_hours, target=0.8, k=k, n=n).iloc[0]
        assert (kept["fewest_met"], kept["k_of_n_met"]) == (fewest, met), (k, n)
    too_few = measure_compliance(half_hours, target=0.8, k=2, n=7)
    assert too_few[["fewest_met", "k_of_n_met"]].isna().all(axis=None)
    assert measure_compliance(half_hours, target=0.8)["k_of_n_met"].isna().all()


@pytest.mark.parametrize(
    ("target", "sense", "met", "deviation"),
    [
        (0.7, None, [False, True, True], 0.0),
        (0.7, "at_most", [True, True, False], 0.0),
        ((0.65, 0.75), None, [False, True, False], 0.0),
        ((0.75, 0.85), None, [False, False, True], -0.05),
        ((0.5, 0.55), None, [False, False, False], 0.15),
    ],
)
def test_senses_and_bands(target: Any, sense: str | None, met: list[bool], deviation: float) -> None:
    half_hours = shares([6, 7, 8])
    kept = measure_compliance(half_hours, target=target, sense=sense).iloc[0]
    assert kept["met"] == sum(met)
    assert kept["deviation"] == pytest.approx(deviation, abs=1e-12)
    broken = [START + at * pd.Timedelta("30min") for at, each in enumerate(met) if not each]
    found = list_breaches(half_hours, target=target, sense=sense)
    assert found["periods"].sum() == len(broken)
    assert found["started_at"].iloc[0] == broken[0]


def test_the_metric_knows_its_sense() -> None:
    half_hours = shares([10] * 4, abandoned=[0, 1, 2, 3], answered=[10, 9, 8, 7], aht_s=[300, 250, 200, 280])
    assert measure_compliance(half_hours, metric="abandonment_rate", target=0.1)["met"].tolist() == [2]
    with pytest.raises(OptionError, match="aht_s is neither better high nor low; say sense="):
        measure_compliance(half_hours, metric="aht_s", target=270)
    assert measure_compliance(half_hours, metric="aht_s", target=270, sense="at_most")["met"].tolist() == [2]
    assert measure_compliance(half_hours, metric="aht_s", target=(240, 290))["met"].tolist() == [2]


def test_tolerance_holds_to_the_last_digit() -> None:
    half_hours = shares([7, 7, 6])
    assert measure_compliance(half_hours, target=0.8, tolerance=0.1)["met"].tolist() == [2]
    assert measure_compliance(half_hours, target=0.8, tolerance=0.0999)["met"].tolist() == [0]
    late = shares([10] * 2, abandoned=[3, 4], answered=[7, 6])
    assert measure_compliance(late, metric="abandonment_rate", target=0.2, tolerance=0.1)["met"].tolist() == [1]


def test_a_longest_wait_is_a_fact() -> None:
    kept = measure_compliance(shares([10, 10], max_wait_s=[50.0, 90.0]), metric="max_wait_s", target=60).iloc[0]
    assert kept[["met", "value", "deviation", "verdict"]].tolist() == [1, 90.0, 30.0, "missed"]
    assert kept[["dispersion", "value_low", "value_high"]].isna().all()
    assert not kept["target_met_ci"]


def test_days_within_months_and_groups() -> None:
    index = pd.date_range("2026-03-30 08:00", periods=4, freq="D", tz=ZONE).tz_convert("UTC").as_unit("us")
    both = pd.concat([shares([9, 5, 5, 9], start=index), shares([9, 9, 9, 9], start=index, queue="help")], ignore_index=True)
    both["queue"] = both["queue"].astype("category")
    kept = measure_compliance(both, target=0.8, period="day", within="month")
    assert kept["queue"].tolist() == ["help", "help", "sales", "sales"]
    assert kept["period_start"].tolist() == [pd.Timestamp("2026-03-01", tz=ZONE), pd.Timestamp("2026-04-01", tz=ZONE)] * 2
    assert kept["met"].tolist() == [2, 2, 1, 1]
    assert kept["breach_run"].tolist() == [0, 0, 1, 1]  # the run over the end of March is cut there
    assert measure_compliance(both, target=0.8, period="day")["breach_run"].tolist() == [0, 2]
    assert list_breaches(both, target=0.8, period="day")[["queue", "periods"]].to_numpy().tolist() == [["sales", 2]]
    together = measure_compliance(both, target=0.7, period="day", by=())
    assert together["value"].tolist() == [pytest.approx(64 / 80)]
    assert "queue" not in together


def test_whole_values_are_those_of_measure_service() -> None:
    made = cc.synthesize_contacts(seed=3)
    half_hours = cc.to_intervals(made.contacts, timezone="Europe/London", threshold_s=20)
    for metric, target in (("service_level", 0.8), ("abandonment_rate", 0.05), ("asa_s", 20.0), ("aht_s", (100.0, 200.0))):
        kept = measure_compliance(half_hours, metric=metric, target=target, within="day")
        service = cc.measure_service(half_hours, by="queue", period="day")
        pd.testing.assert_series_equal(kept["value"], service[metric], check_names=False)
        assert kept["period_start"].equals(service["period_start"])
        inside = kept["value_low"].isna() | ((kept["value_low"] <= kept["value"]) & (kept["value"] <= kept["value_high"]))
        assert inside.all()


def test_wilson_with_students_t_where_periods_are_alike() -> None:
    rng = np.random.default_rng(5)
    offered = rng.integers(50, 150, 7)
    met = rng.binomial(offered, 0.8)
    kept = measure_compliance(shares(met, offered), target=0.8).iloc[0]
    # The same by hand: no lags for 7 periods, d_j = x_j - n_j p, variance m / (m - 1) sum(d²) / N².
    total, m = offered.sum(), 7
    p = met.sum() / total
    variance = m / (m - 1) * float(((met - offered * p) ** 2).sum()) / total**2
    assert kept["dispersion"] == pytest.approx(variance / (p * (1 - p) / total))
    n = total / max(kept["dispersion"], 1.0)
    t = stats.t.ppf(0.975, m - 1)
    middle, half = (p + t**2 / (2 * n)) / (1 + t**2 / n), t / (1 + t**2 / n) * math.sqrt(p * (1 - p) / n + t**2 / (4 * n**2))
    assert kept[["value_low", "value_high"]].tolist() == pytest.approx([middle - half, middle + half])


def test_means_have_limits_from_their_days() -> None:
    rng = np.random.default_rng(6)
    half_hours = shares(np.full(10 * 48, 10), start=starts(10 * 48, start=pd.Timestamp("2026-03-02", tz=ZONE)), aht_s=rng.gamma(9, 30, 480))
    kept = measure_compliance(half_hours, metric="aht_s", target=300, sense="at_most").iloc[0]
    days = half_hours["total_talk_s"].to_numpy().reshape(10, 48).sum(axis=1) + half_hours["total_wrap_s"].to_numpy().reshape(10, 48).sum(
        axis=1
    )
    stray = days / 4800 - kept["value"] / 10
    variance = 10 / 9 * (np.sum(stray**2) + 2 * 0.5 * np.sum(stray[1:] * stray[:-1]))
    half = special.stdtrit(9, 0.975) * math.sqrt(variance)
    assert kept[["value_low", "value_high"]].tolist() == pytest.approx([kept["value"] - half, kept["value"] + half])
    assert np.isnan(kept["dispersion"])


def test_verdicts() -> None:
    steady = [80, 82, 78, 81, 79, 80]
    for target, verdict, possible in ((0.7, "met", True), (0.9, "missed", False), (0.8, "undecided", True), (0.82, "undecided", True)):
        kept = measure_compliance(shares(steady, 100), target=target).iloc[0]
        assert (kept["verdict"], kept["target_met_ci"]) == (verdict, possible), target
    band = measure_compliance(shares(steady, 100), target=(0.7, 0.9)).iloc[0]
    assert (band["verdict"], band["deviation"]) == ("met", 0.0)
    alone = measure_compliance(shares([10], 100), target=0.8).iloc[0]
    assert (alone["verdict"], alone["target_met"]) == ("undecided", False)
    assert pd.isna(alone["target_met_ci"])
    assert alone[["dispersion", "value_low", "value_high"]].isna().all()


def test_a_group_without_contacts_among_others() -> None:
    both = pd.concat([shares([9, 5]), shares([0, 0], 0, queue="help")], ignore_index=True)
    both["queue"] = both["queue"].astype("category")
    kept = measure_compliance(both, target=0.8, k=1).set_index("queue").loc["help"]
    assert kept[["periods", "empty", "met", "breach_run"]].tolist() == [0, 2, 0, 0]
    nothing = ["interval_attainment", "contact_attainment", "fewest_met", "k_of_n_met", "value", "target_met", "target_met_ci", "verdict"]
    assert kept[nothing].isna().all()


def test_an_empty_table_gives_an_empty_one() -> None:
    full = measure_compliance(shares([9, 5]), target=0.8, within="day")
    none = measure_compliance(INTERVALS.empty(), target=0.8, within="day")
    assert (len(none), list(none.columns)) == (0, list(full.columns))
    assert none.dtypes.drop(["queue", "period_start", "breach_started_at"]).equals(
        full.dtypes.drop(["queue", "period_start", "breach_started_at"])
    )
    breaches = list_breaches(INTERVALS.empty(), target=0.8)
    assert (len(breaches), list(breaches.columns)) == (0, list(list_breaches(shares([9, 5]), target=0.8).columns))
    assert len(list_breaches(shares([9, 9]), target=0.8)) == 0


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        ({"metric": "service_levl"}, OptionError, "Did you mean service_level"),
        ({"metric": ["service_level"]}, OptionError, "is not known; choose one of"),
        ({"metric": "offered"}, OptionError, "is a count, which grows with the period"),
        ({"metric": "wait_p90_s"}, OptionError, "is made of contacts, not of intervals"),
        ({"metric": "occupancy"}, OptionError, "is made of agent_intervals, not of intervals"),
        ({"target": 80}, OptionError, "a share between 0 and 1"),
        ({"target": (0.7, 80)}, OptionError, "a share between 0 and 1"),
        ({"target": "0.8"}, OptionError, "is not possible; give a number"),
        ({"target": float("nan")}, OptionError, "is not possible"),
        ({"target": (0.9, 0.8)}, OptionError, "a band is \\(lowest, highest\\)"),
        ({"sense": "above"}, OptionError, "choose 'at_least' or 'at_most'"),
        ({"tolerance": -0.1}, OptionError, "give a number from 0"),
        ({"period": "slot"}, OptionError, "choose one of: interval, hour, day, week, month"),
        ({"within": "slot"}, OptionError, "choose one of: day, week, month, quarter, year"),
        ({"within": "day", "period": "day"}, OptionError, "periods of a day do not divide a day"),
        ({"within": "month", "period": "week"}, OptionError, "periods of a week do not divide a month"),
        ({"k": 0}, OptionError, "whole numbers of periods from 1"),
        ({"n": 3}, OptionError, "give k <= n"),
        ({"k": 4, "n": 3}, OptionError, "give k <= n"),
        *(({"confidence": each}, OptionError, "give a share between 0 and 1") for each in (95, "a", None, True, float("nan"), (0.9, 0.95))),
        ({"by": "team"}, ColumnError, "by='team' is no column"),
        ({"timezone": "Europe/Berln", "period": "day"}, ZoneError, "Did you mean"),
    ],
)
def test_what_is_wrong_is_said(wrong: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        measure_compliance(shares([9, 5]), **{"target": 0.8, **wrong})


def test_a_share_of_eighty_is_refused_for_breaches_too() -> None:
    with pytest.raises(OptionError, match="target=80 is not possible; give a number in the unit of service_level .a share between 0 and 1"):
        list_breaches(shares([9, 5]), target=80)


@pytest.mark.parametrize("judge", [measure_compliance, list_breaches])
def test_rows_given_twice_are_not_counted_twice(judge: Any) -> None:
    half_hours = shares([9, 5])
    twice = pd.concat([half_hours, half_hours.iloc[1:]], ignore_index=True)
    with pytest.raises(
        TableError,
        match="more than one row for queue 'sales', interval_start 2026-03-02 08:30:00.01:00 .1 too many.*merge_intervals adds parts",
    ):
        judge(twice, target=0.8)
    channels = pd.concat([half_hours.assign(channel="voice"), half_hours.assign(channel="chat")], ignore_index=True)
    alone = judge(half_hours, target=0.8)
    judged = judge(channels.astype({"channel": "category"}), target=0.8)
    assert judged["contacts"].tolist() == (2 * alone["contacts"]).tolist()
    with pytest.raises(TableError, match="for queue 'sales', interval_start 2026-03-02 08:00:00.01:00, channel 'voice' .4 too many"):
        judge(pd.concat([channels, channels], ignore_index=True), target=0.8)
    merged = cc.merge_intervals([half_hours, half_hours])
    assert judge(merged, target=0.8)["contacts"].tolist() == (2 * alone["contacts"]).tolist()


def test_tables_that_cannot_be_judged() -> None:
    with pytest.raises(
        TableError, match="no interval of 2 has data for service_level.*needs contacts and the intervals made with threshold_s="
    ):
        measure_compliance(shares([0, 0], 0), target=0.8)
    unlike = pd.concat(
        [shares([9, 5]), shares([9], start=starts(1, start=START + pd.Timedelta("1h")), interval_s=900.0)], ignore_index=True
    )
    with pytest.raises(TableError, match="several lengths: 1800 s, and 900 s at 2026-03-02 09:00"):
        measure_compliance(unlike, target=0.8)
    assert measure_compliance(unlike, target=0.8, period="hour")["periods"].tolist() == [2]


def test_short_last_intervals_of_clock_changes_are_no_other_length() -> None:
    contacts = cc.synthesize_contacts(seed=1).contacts.head(40)
    moved = contacts.assign(
        queued_at=pd.date_range("2026-04-05 00:00", periods=len(contacts), freq="37min", tz="Australia/Lord_Howe")
        .tz_convert("UTC")
        .as_unit("us")
    ).drop(columns="arrived_at", errors="ignore")
    hours = cc.to_intervals(moved, every="1h", timezone="Australia/Lord_Howe", threshold_s=20)
    assert hours["interval_s"].nunique() == 2
    assert measure_compliance(hours, target=0.8, by=())["contacts"].tolist() == [40]


def test_the_input_is_left_alone_and_may_come_by_arrow() -> None:
    import pyarrow as pa

    half_hours = shares([9, 5, 8])
    before = half_hours.copy(deep=True)
    kept = measure_compliance(half_hours, target=0.8)
    pd.testing.assert_frame_equal(half_hours, before)
    through = measure_compliance(pa.Table.from_pandas(half_hours), target=0.8)
    pd.testing.assert_frame_equal(through, kept, check_categorical=False)
    assert cc.measure_compliance is measure_compliance


# ------------------------------------------------------------------------------------------------ the loop


def loop(half_hours: pd.DataFrame, target: float, n: int) -> list[dict[str, Any]]:
    """Group by group and day by day, one half-hour after the other."""
    found = []
    local = half_hours.assign(day=half_hours["interval_start"].dt.tz_convert(ZONE).dt.normalize())
    for (queue, day), rows in local.groupby(["queue", "day"], observed=True):
        rows = [each for each in rows.sort_values("interval_start").itertuples() if each.offered > 0]
        good = [each.answered_within / each.offered >= target for each in rows]
        longest, run, begin = 0, 0, None
        for at, met in enumerate(good):
            run = 0 if met else run + 1
            if run > longest:
                longest, begin = run, rows[at - run + 1].interval_start
        windows = [sum(good[at : at + n]) for at in range(len(good) - n + 1)]
        contacts = sum(each.offered for each in rows)
        found.append(
            {
                "queue": queue,
                "period_start": day,
                "periods": len(rows),
                "met": sum(good),
                "breach_run": longest,
                "breach_started_at": begin,
                "fewest_met": min(windows) if windows else None,
                "contact_attainment": sum(each.offered for each, met in zip(rows, good, strict=True) if met) / contacts
                if contacts
                else None,
                "value": sum(each.answered_within for each in rows) / contacts if contacts else None,
            }
        )
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([0.5, 0.75, 0.8]))
def test_as_the_loop_counts(seed: int, n: int, target: float) -> None:
    rng = np.random.default_rng(seed)
    frames = []
    for queue in ("a", "b"):
        size = int(rng.integers(1, 120))
        offered = np.where(rng.random(size) < 0.2, 0, rng.integers(1, 12, size))
        offered[0] = max(offered[0], 1)
        keep = np.sort(rng.choice(size, int(rng.integers(1, size + 1)), replace=False))
        frames.append(shares(rng.binomial(offered, 0.75), offered, queue=queue).iloc[keep])
    half_hours = pd.concat(frames, ignore_index=True)
    half_hours["queue"] = half_hours["queue"].astype("category")
    if not half_hours["offered"].any():
        return
    kept, expected = measure_compliance(half_hours, target=target, within="day", k=1, n=n), pd.DataFrame(loop(half_hours, target, n))
    assert len(kept) == len(expected)
    for name in ("queue", "period_start", "periods", "met", "breach_run"):
        assert kept[name].tolist() == expected[name].tolist(), name
    begun = pd.to_datetime(expected["breach_started_at"], utc=True)
    assert begun.isna().equals(kept["breach_started_at"].isna())
    assert (begun.dropna() == kept["breach_started_at"].dropna()).all()
    for name in ("fewest_met", "contact_attainment", "value"):
        np.testing.assert_allclose(
            kept[name].to_numpy(dtype="float64", na_value=np.nan), expected[name].to_numpy(dtype="float64"), rtol=1e-12, err_msg=name
        )
    breaches = list_breaches(half_hours, target=target)
    whole = measure_compliance(half_hours, target=target).set_index("queue")
    assert breaches["periods"].sum() == (whole["periods"] - whole["met"]).sum()
    runs = breaches.groupby("queue", observed=False)["periods"].max().reindex(whole.index).fillna(0)
    assert runs.tolist() == whole["breach_run"].tolist()


# ------------------------------------------------------------------------------------------------ the limits


def correlated(rng: np.random.Generator, days: int, queues: int) -> pd.DataFrame:
    """Half-hours whose chance to be in time wanders slowly about a course of the day; the truth is 0.8."""
    size = days * 20
    wander = np.zeros((queues, size))
    for at in range(1, size):
        wander[:, at] = 0.5 * wander[:, at - 1] + rng.normal(0, 0.06, queues)
    chance = np.clip(0.8 + np.tile(np.linspace(-0.1, 0.1, 20), days) + wander, 0, 1)
    index = starts(days * 48)[np.arange(days * 48) % 48 < 20]
    names = pd.Categorical(np.repeat([f"{each:04d}" for each in range(queues)], size))
    return shares(rng.binomial(60, chance).ravel(), 60, start=np.tile(index, queues), queue=names)


@pytest.mark.parametrize(("days", "least", "width"), [(28, 0.87, 0.024), (12, 0.87, 0.038), (1, 0.9, 0.125)])
def test_limits_hold_the_truth(days: int, least: float, width: float) -> None:
    rounds = max(200, round(1000 * EXAM))
    rng = np.random.default_rng(20260303)
    kept = measure_compliance(correlated(rng, days, rounds), target=0.8)
    held = ((kept["value_low"] <= 0.8) & (kept["value_high"] >= 0.8)).mean()
    assert len(kept) == rounds
    assert held >= least
    assert (kept["value_high"] - kept["value_low"]).mean() < width
    assert (kept["verdict"] != "undecided").mean() == pytest.approx(1 - held)
    # Contacts taken as independent would be wrong far oftener.
    low, high = cc.spc.wilson_interval(kept["value"] * kept["contacts"], kept["contacts"])
    assert ((low <= 0.8) & (high >= 0.8)).mean() < 0.85
