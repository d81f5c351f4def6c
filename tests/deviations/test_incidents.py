"""Incidents: which signals belong together, what they cost, and how they are told."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plan_cases import make_intervals

import ccstats as cc
from ccstats.deviations.incidents import list_incidents, number_incidents
from ccstats.errors import ColumnError, OptionError, TableError
from ccstats.metrics import METRICS
from ccstats.schema import POINTS

ZONE = "Europe/London"


def make_points(
    value: Any, *, start: str = "2026-03-03 14:00", every: str = "30min", metric: str = "service_level", starts: Any = None, **columns: Any
) -> pd.DataFrame:
    """Points of one queue in a row, 100 contacts each where 80 % was to be expected; ``signal`` where a direction is given."""
    value = np.asarray(value, dtype="float64")
    if starts is None:
        starts = pd.date_range(start, periods=len(value), freq=every, tz=ZONE)
    starts = pd.DatetimeIndex(starts).as_unit("us")
    offset = pd.tseries.frequencies.to_offset(every)
    direction = columns.pop("direction", ["worse"] * len(value))
    given = {
        "queue": "sales",
        "period_start": starts,
        "period_end": pd.DatetimeIndex([each + offset for each in starts]).as_unit("us"),
        "metric": metric,
        "value": value,
        "count": 100.0,
        "baseline": 0.8,
        "lower": np.nan,
        "upper": np.nan,
        "sigma": 0.05,
        "p_value": 0.001,
        "rule": ["limits" if each else "" for each in direction],
        "signal": [each is not None for each in direction],
        "severity": 0.99,
        "phase": "judged",
        "chart": "residuals",
        "target": 0.85,
        "signalled_at": pd.DatetimeIndex([each + offset for each in starts]).as_unit("us"),
        "note": "",
        "incident": pd.array([pd.NA] * len(value), dtype="Int64"),
        **columns,
    }
    frame = pd.DataFrame({**given, "direction": pd.Categorical(direction, categories=["better", "worse", "higher", "lower"])})
    if "score" not in frame:
        frame["score"] = (frame["value"] - frame["baseline"]) / frame["sigma"]
    for name in ("queue", "metric", "phase", "chart"):
        frame[name] = frame[name].astype("category")
    return frame


def test_the_sentence_a_manager_reads() -> None:
    points = make_points([0.62] * 4, count=433.0)
    found = list_incidents(points)
    assert len(found) == 1
    assert found["in_words"][0] == (
        "Tuesday 3 March 14:00–16:00, sales: service level 62 % where 80 % was to be expected, 18 points below, 312 calls late"
    )
    assert found["excess"][0] == pytest.approx(4 * 433 * 0.18)
    assert (found["periods"][0], found["signals"][0], found["excess_unit"][0]) == (4, 4, "contacts")


@pytest.mark.parametrize(
    ("metric", "value", "baseline", "direction", "words", "excess", "unit"),
    [
        ("offered", [120, 120], 100, "higher", "240 contacts where 200 were to be expected, 20 % above", 40, "contacts"),
        ("offered", [2, 1], 2.2, "lower", "3 contacts where 4.4 were to be expected, 32 % below", -1.4, "contacts"),
        (
            *("abandoned", [9, 12], 0.0, "worse"),
            "21 contacts abandoned where 0 were to be expected",
            *(21, "contacts"),
        ),
        ("aht_s", [310, 310], 270, "higher", "handle time 310 s where 270 s was to be expected, 40 s above, over 200 calls", 8000, "s"),
        (
            "asa_s",
            [4.0, 6.0],
            9.0,
            "better",
            "average speed of answer 5 s where 9 s was to be expected, 4 s below, over 200 calls",
            -800,
            "s",
        ),
        (
            *("abandonment_rate", [0.12, 0.16], 0.04, "worse"),
            "abandonment rate 14 % where 4 % was to be expected, 10 points above, 20 calls more abandoned",
            *(20, "contacts"),
        ),
        (
            *("service_level", [0.815, 0.805], 0.796, "better"),
            "service level 81.0 % where 79.6 % was to be expected, 1.4 points above, 3 calls fewer late",
            *(-2.8, "contacts"),
        ),
        (
            *("service_level", [0.9, 0.7], 0.8, "worse"),
            "service level 80.0 %, on the whole neither above nor below what was to be expected",
            *(0, "contacts"),
        ),
        (
            *("service_level", [0.9999, 0.9997], 0.9996, "better"),
            "service level 100.0 %, hardly above what was to be expected",
            *(-0.04, "contacts"),
        ),
        (
            *("service_level", [0.9996, 0.9996], 0.9999, "worse"),
            "service level 100.0 %, hardly below what was to be expected",
            *(0.06, "contacts"),
        ),
        ("aht_s", [270.3, 270.3], 270, "higher", "handle time 270 s, hardly above what was to be expected, over 200 calls", 60, "s"),
        ("offered", [50.1, 50.1], 50, "higher", "100 contacts, hardly above what was to be expected", 0.2, "contacts"),
        ("offered", [1, 0], 0, "higher", "1 contact where 0 were to be expected", 1, "contacts"),
        ("offered", [5002, 5002], 5000, "higher", "10,004 contacts where 10,000 were to be expected, less than 1 % above", 4, "contacts"),
        (
            *("answer_rate", [0.89, 0.91], 0.91, "worse"),
            "answer rate 90.0 % where 91.0 % was to be expected, 1.0 point below, 2 calls not answered",
            *(2, "contacts"),
        ),
    ],
)
def test_words_and_excess_of_each_kind(
    metric: str, value: list[float], baseline: float, direction: str, words: str, excess: float, unit: str
) -> None:
    points = make_points(value, metric=metric, baseline=baseline, direction=[direction] * 2, sigma=1.0)
    if METRICS[metric].kind == "count":
        points["count"] = points["value"]
    found = list_incidents(points.drop(columns="queue"))
    assert found["in_words"][0] == "Tuesday 3 March 14:00–15:00: " + words
    assert found["excess"][0] == pytest.approx(excess, abs=1e-9)
    assert found["excess_unit"][0] == unit
    assert found["direction"][0] == direction


@pytest.mark.parametrize(
    ("start", "count", "every", "when"),
    [
        ("2026-03-03", 1, "D", "Tuesday 3 March"),
        ("2026-03-03", 3, "D", "3–5 March"),
        ("2026-03-30", 4, "D", "30 March – 2 April"),
        ("2025-12-30", 4, "D", "30 December 2025 – 2 January 2026"),
        ("2026-03-02", 1, "7D", "2–8 March"),
        ("2026-03-01", 1, "MS", "March 2026"),
        ("2026-03-01", 3, "MS", "March–May 2026"),
        ("2025-12-01", 2, "MS", "December 2025 – January 2026"),
        ("2026-03-03 22:00", 4, "30min", "Tuesday 3 March 22:00–24:00"),
        ("2026-03-03 00:00", 2, "30min", "Tuesday 3 March 00:00–01:00"),
        ("2026-03-03 23:30", 2, "30min", "Tuesday 3 March 23:30 – Wednesday 4 March 00:30"),
        ("2025-12-31 23:00", 2, "h", "Wednesday 31 December 2025 23:00 – Thursday 1 January 2026 01:00"),
        ("2026-03-29 00:00", 46, "30min", "Sunday 29 March"),
    ],
)
def test_when(start: str, count: int, every: str, when: str) -> None:
    found = list_incidents(make_points([0.5] * count, start=start, every=every))
    assert found["in_words"][0].split(", sales")[0] == when


def test_times_are_told_in_the_zone_of_the_points() -> None:
    points = make_points([0.5], start="2026-07-01 14:00")
    points["period_end"] = points["period_end"].dt.tz_convert("UTC")
    found = list_incidents(points)
    assert found["in_words"][0].startswith("Wednesday 1 July 14:00–14:30, ")
    assert found["ended_at"].dtype == points["period_start"].dtype


@pytest.mark.parametrize("make", [pl.from_pandas, pa.Table.from_pandas, lambda frame: pl.from_pandas(frame).to_arrow()])
def test_arrow_points_are_told_in_their_zone(make: Any) -> None:
    points = make_points([0.5, 0.6], start="2026-07-01 00:00", every="D")
    given = make(points)
    found, through = list_incidents(points), list_incidents(given)
    assert found["in_words"][0].startswith("1–2 July, ")
    assert through["in_words"].tolist() == found["in_words"].tolist()
    for name in ("started_at", "ended_at", "signalled_at", "worst_at"):
        assert str(through[name].dtype) == f"datetime64[us, {ZONE}]", name
        assert through[name].tolist() == found[name].tolist(), name


@pytest.mark.parametrize(
    ("queue", "shown"),
    [
        ("", "(no name)"),
        (" \n", "(no name)"),
        ("sales\r\nnorth", "sales north"),
        ("a\x1b[31mb\x00", "a [31mb"),
        ("a\u2028b", "a b"),
        ("[b]", "[b]"),
        ("Verkauf  Süd", "Verkauf  Süd"),
    ],
)
def test_names_stay_on_their_line(queue: str, shown: str) -> None:
    words = list_incidents(make_points([0.5], queue=queue))["in_words"][0]
    assert words.startswith(f"Tuesday 3 March 14:00–14:30, {shown}: service level 50 %")


def test_nights_are_bridged_and_open_periods_only_up_to_the_gap() -> None:
    evening, night, morning = [0.5, 0.6], [np.nan] * 27, [0.55]
    count = [100.0] * 2 + [0.0] * 13 + [np.nan] * 14 + [100.0]
    direction = ["worse", "worse", *[None] * 27, "worse"]
    points = make_points(evening + night + morning, start="2026-03-03 17:00", count=count, direction=direction)
    for gap in (0, 1):
        found = list_incidents(points, gap=gap)
        assert found[["periods", "signals"]].to_numpy().tolist() == [[3, 3]]
        assert found["value"][0] == pytest.approx(0.55)
        assert found["in_words"][0].startswith("Tuesday 3 March 17:00 – Wednesday 4 March 08:00, sales: ")
    # The same night without rows at all:
    assert len(list_incidents(points[points["count"] > 0], gap=0)) == 1
    # A centre that is open all night, and calm:
    calm = points.assign(value=points["value"].fillna(0.8), count=100.0)
    assert list_incidents(calm)["signals"].tolist() == [2, 1]
    assert list_incidents(calm, gap=26)["signals"].tolist() == [2, 1]
    assert list_incidents(calm, gap=27)["periods"].tolist() == [30]


def test_a_count_of_zero_is_closed_only_where_nothing_was_to_be_expected() -> None:
    value = [150.0, 0.0, 0.0, 150.0]
    closed = make_points(value, metric="offered", baseline=[100, 0.1, 0, 100], count=value, direction=["higher", None, None, "higher"])
    assert len(list_incidents(closed, gap=0)) == 1
    assert len(list_incidents(closed.assign(baseline=[100.0, 3.0, 0.0, 100.0]), gap=0)) == 2
    silent = make_points([0.0, 0.0], metric="offered", baseline=40.0, count=0.0, direction=["lower", "lower"])
    found = list_incidents(silent)
    assert found[["value", "contacts", "excess", "periods"]].to_numpy().tolist() == [[0.0, 0.0, -80.0, 2.0]]


def test_a_signal_the_other_way_parts() -> None:
    points = make_points([0.5, 0.97, 0.5], direction=["worse", "better", "worse"])
    found = list_incidents(points, gap=5)
    assert found["direction"].tolist() == ["worse", "worse", "better"]
    assert found["signals"].tolist() == [1, 1, 1]


def test_ranking_and_numbers_of_the_points() -> None:
    late = make_points([0.5, 0.8, 0.8, 0.3], direction=["worse", None, None, "worse"])
    calls = make_points([200.0], metric="offered", baseline=100.0, count=200.0, direction=["higher"])
    slow = make_points([400.0], metric="aht_s", baseline=300.0, direction=["higher"])
    good = make_points([1.0], start="2026-03-04 14:00", count=1000.0, direction=["better"])
    waits = make_points([90.0], metric="asa_s", baseline=10.0, direction=["worse"])
    points = pd.concat([good, slow, calls, late, waits], ignore_index=True)
    for name in ("queue", "metric", "phase", "chart"):
        points[name] = points[name].astype("category")
    found = list_incidents(points)
    assert found["incident"].tolist() == [1, 2, 3, 4, 5, 6]
    assert found["metric"].tolist() == ["service_level", "service_level", "asa_s", "offered", "aht_s", "service_level"]
    assert found["excess"].tolist() == pytest.approx([50, 30, 8000, 100, 10_000, -200])
    assert found["direction"].tolist() == ["worse", "worse", "worse", "higher", "higher", "better"]
    numbers = number_incidents(points)
    assert pd.Series(numbers).fillna(0).tolist() == [6, 5, 4, 2, 0, 0, 1, 3]
    assert numbers.dtype == POINTS["incident"].dtype
    turned = points.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(list_incidents(turned), found)
    assert pd.Series(number_incidents(turned), index=turned.index).sort_index().equals(pd.Series(numbers))


def test_worst_severity_and_rules() -> None:
    points = make_points([0.6, 0.5, 0.4], score=[-3.0, -5.0, -4.0], severity=[0.9, np.nan, 0.7], rule=["limits", "run+limits", "trend"])
    found = list_incidents(points)
    assert found["worst_at"][0] == points["period_start"][1]
    assert found.loc[0, ["worst_value", "score", "severity", "rules"]].tolist() == [0.5, -5.0, 0.9, "limits+run+trend"]
    unscored = list_incidents(points.assign(score=np.nan, severity=np.nan))
    assert unscored["worst_value"][0] == 0.4
    assert unscored[["score", "severity"]].isna().all(axis=None)


def test_direction_is_made_where_it_is_not_given() -> None:
    for metric, value, direction in (
        *(("service_level", 0.5, "worse"), ("service_level", 0.95, "better"), ("abandonment_rate", 0.95, "worse")),
        *(("abandonment_rate", 0.1, "better"), ("occupancy", 0.9, "higher"), ("occupancy", 0.5, "lower")),
    ):
        points = make_points([value], metric=metric).assign(direction=pd.Categorical([None], categories=["better", "worse"]))
        assert list_incidents(points)["direction"].tolist() == [direction]


def test_without_counts_all_periods_weigh_the_same() -> None:
    found = list_incidents(make_points([0.5, 0.7], count=np.nan))
    assert found["value"][0] == pytest.approx(0.6)
    assert found[["contacts", "excess"]].isna().all(axis=None)
    assert found["in_words"][0].endswith("service level 60 % where 80 % was to be expected, 20 points below")


def test_a_longest_wait_is_not_averaged() -> None:
    found = list_incidents(make_points([300.0, 900.0], metric="max_wait_s", baseline=[100.0, 200.0]))
    assert found[["value", "baseline", "worst_value"]].to_numpy().tolist() == [[900.0, 200.0, 900.0]]
    assert np.isnan(found["excess"][0])
    assert found["in_words"][0].endswith("longest wait 900 s where 200 s was to be expected, 700 s above")


def test_seconds_as_denominator() -> None:
    found = list_incidents(make_points([0.95], metric="occupancy", count=3600.0, direction=["higher"]))
    assert np.isnan(found["contacts"][0])
    assert (found["excess"][0], found["excess_unit"][0]) == (pytest.approx(540.0), "s")
    hourly = list_incidents(make_points([6.0], metric="contacts_per_hour", baseline=10.0, count=7200.0, direction=["lower"]))
    assert (hourly["excess"][0], hourly["excess_unit"][0]) == (pytest.approx(-8.0), "contacts")
    assert hourly["in_words"][0].endswith("contacts per agent hour 6 where 10 was to be expected, 40 % below")


def test_no_signal_and_no_points_give_an_empty_table_of_the_same_columns() -> None:
    full = list_incidents(make_points([0.5]))
    calm = list_incidents(make_points([0.8, 0.8], direction=[None, None]))
    assert len(calm) == 0
    assert calm.dtypes.drop("queue").drop("metric").equals(full.dtypes.drop("queue").drop("metric"))
    none = list_incidents(POINTS.empty(["queue"]).assign(period_start=lambda f: f["period_start"], score=1.0))
    assert list(none.columns) == list(full.columns)
    assert none.dtypes.drop(["queue", "metric", "started_at", "ended_at", "signalled_at", "worst_at"]).equals(
        full.dtypes.drop(["queue", "metric", "started_at", "ended_at", "signalled_at", "worst_at"])
    )


def test_arrow_frames_and_the_input_left_alone() -> None:
    points = make_points([0.5, 0.8, 0.6], direction=["worse", None, "worse"])
    before = points.copy(deep=True)
    found = list_incidents(points)
    pd.testing.assert_frame_equal(points, before)
    through = list_incidents(pa.Table.from_pandas(points))
    assert through["in_words"].tolist() == [found["in_words"][0]]
    assert through["excess"].tolist() == found["excess"].tolist()


def test_what_is_wrong_is_said() -> None:
    points = make_points([0.5, 0.6])
    with pytest.raises(TableError, match="'baseline' is missing"):
        list_incidents(points.drop(columns="baseline"))
    with pytest.raises(TableError, match="two rows for"):
        list_incidents(pd.concat([points, points], ignore_index=True))
    with pytest.raises(OptionError, match="'service_levle' of the points is not in the registry. Did you mean service_level"):
        list_incidents(make_points([0.5], metric="service_levle"))
    for gap in (-1, 1.5, True, "1"):
        with pytest.raises(OptionError, match="give a whole number from 0"):
            list_incidents(points, gap=gap)
    with pytest.raises((TableError, ColumnError), match="points: expected a pandas frame"):
        list_incidents([1, 2])


def test_the_worst_stands_on_the_side_of_its_incident() -> None:
    points = make_points([0.7, 0.95, 0.6], rule=["sustained"] * 3, score=[-2.0, 9.0, -4.0])
    found = list_incidents(points.assign(target=[0.8, 0.85, 0.9]))
    assert found.loc[0, ["worst_value", "score", "target"]].tolist() == [0.6, -4.0, 0.9]
    calls = make_points([90.0, 300.0], metric="offered", baseline=100.0, score=[-8.0, 3.0], direction=["higher", "higher"])
    assert list_incidents(calls)["worst_value"].tolist() == [300.0]
    few = make_points([90.0, 300.0], metric="offered", baseline=100.0, score=[-8.0, 3.0], direction=["lower", "lower"])
    assert list_incidents(few)["worst_value"].tolist() == [90.0]


def test_incidents_are_told_when_their_first_signal_is() -> None:
    points = make_points([0.5, 0.6, 0.6])
    late = points["period_end"].iloc[[2, 1, 2]].array
    assert list_incidents(points.assign(signalled_at=late))["signalled_at"].tolist() == [points["period_end"][1]]


def test_points_that_are_numbered_keep_their_numbers() -> None:
    points = make_points([0.5, 0.8, 0.8, 0.8, 0.3, 0.2], direction=["worse", None, None, None, "worse", "worse"])
    joined = points.assign(incident=number_incidents(points, gap=3))
    assert joined["incident"].tolist() == [1] * 6
    assert list_incidents(joined)["signals"].tolist() == [3]
    assert list_incidents(joined, gap=1)["signals"].tolist() == [2, 1]
    apart = points.assign(incident=number_incidents(points))
    assert apart["incident"].fillna(0).tolist() == [2, 0, 0, 0, 1, 1]
    pd.testing.assert_frame_equal(list_incidents(apart), list_incidents(points))
    assert list_incidents(apart.head(4))["incident"].tolist() == [2]
    assert number_incidents(apart, gap=3).tolist() == [1] * 6


def test_lost_calls() -> None:
    starts = pd.date_range("2026-03-03 13:00", periods=6, freq="30min", tz=ZONE).tz_convert("UTC").as_unit("us")
    two = {"offered": 100, "abandoned": [2, 4, 20, 30, 3, 3], "answered": [98, 96, 80, 70, 97, 97]}
    half_hours = pd.concat([make_intervals(starts, **two), make_intervals(starts, **two | {"abandoned": 50}, queue="help")]).astype(
        {"queue": "category"}
    )
    points = make_points([0.5, 0.6])
    found = list_incidents(points, intervals=half_hours)
    # 50 of 200 gave up, where 12 of 400 do outside of the incident
    assert found["lost_calls"].tolist() == pytest.approx([50 - 200 * 12 / 400])
    assert found["in_words"][0].endswith(", 50 calls late, 44 calls more abandoned")
    assert list_incidents(points)["lost_calls"].isna().all()
    rate = list_incidents(make_points([0.2, 0.3], metric="abandonment_rate", baseline=0.05), intervals=half_hours)
    assert rate["lost_calls"].tolist() == pytest.approx([40.0])
    assert rate["in_words"][0].endswith("20 points above, 40 calls more abandoned")
    pooled = list_incidents(points.drop(columns="queue"), intervals=half_hours)
    assert pooled["lost_calls"].tolist() == pytest.approx([150 - 400 * 212 / 800])
    always = list_incidents(points, intervals=half_hours[half_hours["abandoned"].isin([20, 30])])
    assert always["lost_calls"].isna().all()
    with pytest.raises(ColumnError, match="intervals have no column 'channel'"):
        list_incidents(points.assign(channel=pd.Categorical(["voice"] * 2)), intervals=half_hours)


def test_it_is_on_the_public_face() -> None:
    assert cc.list_incidents is list_incidents


# ------------------------------------------------------------------------------------------------ the loop


def loop(points: pd.DataFrame, gap: int) -> list[dict[str, Any]]:
    """Every incident, signal by signal."""
    found: list[dict[str, Any]] = []
    for (queue, metric), rows in points.groupby(["queue", "metric"], observed=True):
        counts = METRICS[str(metric)].kind == "count"
        current: list[Any] = []
        waiting: list[Any] = []

        def close(current: list[Any], queue: str = str(queue), metric: str = str(metric)) -> None:
            if current:
                found.append({"queue": queue, "metric": metric, "rows": current})

        for row in rows.sort_values("period_start").itertuples():
            if row.signal:
                last = next((each for each in reversed(current) if each.signal), None)
                if last is not None and (row.direction != last.direction or len(waiting) > gap):
                    close(current)
                    current, waiting = [], []
                current = [*current, *waiting, row] if current else [row]
                waiting = []
            else:
                closed = (row.value == 0 and row.baseline < 0.5) if counts else row.count == 0
                if not (closed or math.isnan(row.value) or math.isnan(row.baseline)):
                    waiting.append(row)
        close(current)
    for each in found:
        rows, metric = each.pop("rows"), METRICS[each["metric"]]
        each["periods"], each["signals"] = len(rows), sum(row.signal for row in rows)
        each["direction"] = rows[0].direction
        each["started_at"], each["ended_at"] = rows[0].period_start, rows[-1].period_end
        if metric.kind == "count":
            each["value"], each["baseline"] = (math.fsum(getattr(row, name) for row in rows) for name in ("value", "baseline"))
            each["excess"] = each["value"] - each["baseline"]
        else:
            count = [0.0 if math.isnan(row.count) else row.count for row in rows]
            total = math.fsum(count)
            each["value"], each["baseline"] = (
                math.fsum(n * getattr(row, name) for n, row in zip(count, rows, strict=True)) / total for name in ("value", "baseline")
            )
            sign = -1 if metric.direction == "higher_is_better" else 1
            each["excess"] = math.fsum(sign * n * (row.value - row.baseline) for n, row in zip(count, rows, strict=True))
    return sorted(found, key=lambda each: (each["queue"], each["metric"], each["started_at"]))


@st.composite
def random_points(draw: st.DrawFn) -> pd.DataFrame:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    frames = []
    for queue in ("a", "b"):
        for metric, words in (("service_level", ["worse", "better"]), ("asa_s", ["worse", "better"]), ("offered", ["higher", "lower"])):
            size = int(rng.integers(1, 25))
            value = rng.random(size) * (1 if metric == "service_level" else 100)
            count = np.where(rng.random(size) < 0.3, rng.choice([0.0, np.nan], size), rng.integers(1, 200, size).astype("float64"))
            direction = np.where(rng.random(size) < 0.45, rng.choice(words, size), None)
            if metric == "offered":
                value = np.where(rng.random(size) < 0.3, 0.0, np.floor(value))
                count = value
            else:
                value = np.where(count > 0, value, np.nan)
                direction = np.where(count > 0, direction, None)
            baseline = np.where(rng.random(size) < 0.3, 0.0, rng.random(size) * 50) if metric == "offered" else rng.random(size)
            starts = pd.date_range("2026-03-03", periods=60, freq="30min", tz=ZONE)[np.sort(rng.choice(60, size, replace=False))]
            frames.append(
                make_points(value, starts=starts, metric=metric, queue=queue, count=count, baseline=baseline, direction=list(direction))
            )
    points = pd.concat(frames, ignore_index=True)
    return points.astype(dict.fromkeys(("queue", "metric", "phase", "chart"), "category"))


@settings(max_examples=30, deadline=None)
@given(random_points(), st.integers(0, 4))
def test_as_the_loop_finds_them(points: pd.DataFrame, gap: int) -> None:
    ranked, expected = list_incidents(points, gap=gap), loop(points, gap)
    # Of equal excess the order is another's matter.
    order = {"worse": 0, "higher": 1, "lower": 1, "better": 2}
    ranks = [(order[each.direction], each.metric == "asa_s", -round(abs(each.excess), 6)) for each in ranked.itertuples()]
    assert ranks == sorted(ranks)
    assert ranked["incident"].tolist() == list(range(1, len(expected) + 1))
    found = ranked.astype({"queue": "str", "metric": "str"}).sort_values(["queue", "metric", "started_at"])
    for name in ("queue", "metric", "periods", "signals", "direction", "started_at", "ended_at"):
        assert found[name].tolist() == [each[name] for each in expected], name
    for name in ("value", "baseline", "excess"):
        np.testing.assert_allclose(found[name].to_numpy(), [each[name] for each in expected], rtol=1e-9, atol=1e-9)
    # Every signal lies in exactly one incident, and no sum is lost.
    assert found["signals"].sum() == points["signal"].sum()
    numbers = pd.Series(number_incidents(points, gap=gap))
    assert not numbers[points["signal"]].isna().any()
    assert numbers[points["signal"]].value_counts().sort_index().tolist() == ranked["signals"].tolist()


def test_a_signal_without_a_value_is_refused() -> None:
    points = make_points([0.5, 0.8], signal=[True, False])
    for name in ("value", "baseline"):
        with pytest.raises(TableError, match=rf"1 signals have no {name}"):
            list_incidents(points.assign(**{name: np.nan}))
