"""How far targets are fulfilled, weighed into one figure, with bounds that no other weights go beyond."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccstats.errors import OptionError, TableError
from ccstats.scorecard.index import fulfilment, measure_index

MARCH = pd.Timestamp("2026-03-01", tz="Europe/Berlin")


@pytest.mark.parametrize(
    ("value", "low", "high", "worst", "share"),
    [
        (0.80, 0.80, None, 0.0, 100.0),
        (0.95, 0.80, None, 0.0, 100.0),
        (0.60, 0.80, None, 0.0, 75.0),
        (0.0, 0.80, None, 0.0, 0.0),
        (40.0, None, 20.0, 0.0, 50.0),
        (20.0, None, 20.0, 0.0, 100.0),
        (0.1, None, 0.0, 0.0, 0.0),  # nothing is allowed, and there is something
        (0.0, None, 0.0, 0.0, 100.0),
        (0.07, 0.05, 0.08, 0.0, 100.0),
        (0.04, 0.05, 0.08, 0.0, 80.0),
        (0.16, 0.05, 0.08, 0.0, 50.0),
        (10.0, 40.0, None, -100.0, 100 * 110 / 140),  # NPS of 10 where 40 was asked for
        (-100.0, 40.0, None, -100.0, 0.0),
        (-30.0, -10.0, None, -100.0, 100 * 70 / 90),
        (-0.10, -0.05, 0.05, 0.0, 50.0),  # a bias is as bad below as above
        (0.10, -0.05, 0.05, 0.0, 50.0),
        (-0.01, 0.0, None, 0.0, 0.0),
        (np.nan, 0.8, None, 0.0, np.nan),
        (0.8, None, None, 0.0, np.nan),
        (0.8, -np.inf, np.inf, 0.0, np.nan),
    ],
)
def test_fulfilment_by_hand(value: float, low: float | None, high: float | None, worst: float, share: float) -> None:
    assert fulfilment(value, low, high, worst=worst).item() == pytest.approx(share, nan_ok=True)


@settings(deadline=None)
@given(
    low=st.floats(-50, 50),
    width=st.floats(0, 50),
    values=st.tuples(st.floats(-100, 200), st.floats(-100, 200)),
    worst=st.sampled_from([0.0, -100.0]),
)
def test_fulfilment_is_full_inside_and_falls_on_either_side(low: float, width: float, values: tuple[float, float], worst: float) -> None:
    near, far = sorted(values, key=lambda value: max(low - value, value - low - width, 0))
    first, second = fulfilment(np.array([near, far]), low, low + width, worst=worst)
    assert 0 <= first <= 100
    assert 0 <= second <= 100
    if low <= near <= low + width:
        assert first == 100
    if (near < low) == (far < low) and (near > low + width) == (far > low + width):  # on the same side
        assert first >= second - 1e-9


def rows(indicators: list[float], weights: list[float], **more: object) -> pd.DataFrame:
    count = len(indicators)
    usual = {"period_start": [MARCH] * count, "indicator": indicators, "weight": weights, "count": [100.0] * count, "queue": "all"}
    usual |= {"metric": "asa_s", "verdict": ["not_decidable" if np.isnan(each) else "met" for each in indicators]}
    return pd.DataFrame({**usual, **more}).astype({"indicator": "float64", "weight": "float64"})


cells = st.lists(st.tuples(st.floats(0, 100), st.floats(0.01, 10)), min_size=1, max_size=7)


@settings(deadline=None)
@given(given_cells=cells, factor=st.floats(1, 5))
def test_the_bounds_are_those_of_every_corner_of_the_weights(given_cells: list[tuple[float, float]], factor: float) -> None:
    values, weights = (np.array(each) for each in zip(*given_cells, strict=True))
    found = measure_index(rows(list(values), list(weights)), factor=factor).loc[0]
    corners = [weights * np.array(each) for each in itertools.product([1 / factor, factor], repeat=len(weights))]
    means = [float((each * values).sum() / each.sum()) for each in corners]
    assert found["index_low"] == pytest.approx(min(means), abs=1e-9)
    assert found["index_high"] == pytest.approx(max(means), abs=1e-9)
    assert found["kpi_index"] == pytest.approx(float((weights * values).sum() / weights.sum()))
    assert found["index_equal"] == pytest.approx(values.mean())
    assert found["index_low"] - 1e-9 <= found["kpi_index"] <= found["index_high"] + 1e-9


def test_what_has_no_indicator_or_no_weight_lowers_the_coverage_only() -> None:
    found = measure_index(rows([100.0, 50.0, np.nan, 0.0], [3.0, 1.0, 4.0, 0.0])).loc[0]
    assert (found["kpi_index"], found["coverage"], found["indicators"]) == (87.5, 0.5, 2)
    assert (found["met"], found["not_met"], found["not_decidable"]) == (3, 0, 1)


def test_a_period_without_any_indicator_has_no_index() -> None:
    found = measure_index(rows([np.nan], [1.0])).loc[0]
    assert found[["kpi_index", "index_low", "index_high", "index_equal"]].isna().all()
    assert (found["coverage"], found["indicators"], found["not_decidable"]) == (0.0, 0, 1)
    assert np.isnan(measure_index(rows([90.0], [0.0])).loc[0, "coverage"])
    assert len(measure_index(rows([90.0], [1.0]).head(0))) == 0


def test_each_period_stands_for_itself_and_a_quarter_is_not_its_first_month() -> None:
    january, february = pd.Timestamp("2026-01-01", tz="UTC"), pd.Timestamp("2026-02-01", tz="UTC")
    table = rows([100.0, 20.0, 60.0], [1.0] * 3, period_start=[january, february, january], period=["month", "month", "quarter"])
    found = measure_index(table)
    assert found[["period_start", "period", "kpi_index"]].to_numpy().tolist() == [
        [january, "month", 100.0],
        [january, "quarter", 60.0],
        [february, "month", 20.0],
    ]


def test_small_samples_are_named() -> None:
    table = rows([100.0, 100.0, np.nan], [1.0] * 3, count=[30.0, 29.0, 2.0], metric=["asa_s", "csat_top2", "nps"], queue=["a", "b", "c"])
    assert measure_index(table).loc[0, "small_samples"] == "csat_top2 of b"


@pytest.mark.parametrize("factor", [0.5, 0, -2, float("nan")])
def test_a_factor_below_one_is_refused(factor: float) -> None:
    with pytest.raises(OptionError, match="from 1"):
        measure_index(rows([1.0], [1.0]), factor=factor)


def test_a_table_that_is_no_scorecard_is_refused() -> None:
    with pytest.raises(TableError, match="indicator"):
        measure_index(pd.DataFrame({"period_start": [MARCH], "weight": [1.0], "count": [1.0]}))
