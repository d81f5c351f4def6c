"""Charts of odd tables: whatever the figures are, the chart is drawn and shows them, or the error is one of ours."""

from __future__ import annotations

import numpy as np
import pandas as pd
from chart_cases import axes, draw, forecast, intervals, line, points, same, service
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc

FIGURES = st.lists(st.floats(allow_nan=True, allow_infinity=True, width=64), min_size=1, max_size=12)
SENSIBLE = st.floats(min_value=-1e9, max_value=1e9)
QUIET = settings(deadline=None, max_examples=40)


def finite(values: list[float]) -> np.ndarray:
    array = np.array(values, dtype="float64")
    return np.where(np.isfinite(array), array, np.nan)


@QUIET
@given(st.lists(st.one_of(SENSIBLE, st.just(float("nan")), st.just(float("inf"))), min_size=1, max_size=12), st.data())
def test_control_charts_of_whatever(values: list[float], data: st.DataObject) -> None:
    count = len(values)
    signal = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    lower = data.draw(st.lists(SENSIBLE, min_size=count, max_size=count))
    table = points(values, lower=lower, upper=np.array(lower) + 1, signal=signal, direction="worse", metric="aht_s", score=values)
    ax = axes()
    cc.plots.control_chart(table, ax=ax)
    draw(ax)
    known = finite(values)
    if not np.isfinite(known).any():
        assert not ax.lines
        return
    assert same(line(ax, "value").get_ydata(), known)
    marked = [each for each in ax.lines if each.get_label() == "worse"]
    assert sum(len(each.get_ydata()) for each in marked) == (np.array(signal) & np.isfinite(known)).sum()


@QUIET
@given(FIGURES)
def test_services_of_whatever(values: list[float]) -> None:
    small = [value / 1e300 if np.isfinite(value) else value for value in values]  # the renderer's own arithmetic ends at 1e308
    ax = axes()
    cc.plots.service_by_interval(service(small), ax=ax)
    draw(ax)
    if np.isfinite(finite(small)).any():
        assert same(line(ax, "value").get_ydata(), finite(small))


@QUIET
@given(st.lists(st.integers(0, 500), min_size=1, max_size=96))
def test_heatmaps_hold_what_a_plain_loop_finds(offered: list[int]) -> None:
    table, ax = intervals(offered), axes()
    cc.plots.heatmap(table, ax=ax)
    draw(ax)
    local = table["interval_start"].dt.tz_convert("Europe/Istanbul")
    sums: dict[tuple[int, str], list[int]] = {}
    for start, came, within in zip(local, table["offered"], table["answered_within"], strict=True):
        cell = sums.setdefault((start.weekday(), f"{start:%H:%M}"), [0, 0])
        cell[0] += within
        cell[1] += came
    expected = {where: within / came for where, (within, came) in sums.items() if came}
    if not expected:
        assert not ax.collections
        return
    cells = ax.collections[0].get_array()
    came_at = sorted(slot for _, slot in expected)
    slots = [slot for slot in sorted({slot for _, slot in sums}) if came_at[0] <= slot <= came_at[-1]]
    found = {(day, slot): cells[day, at] for day in range(7) for at, slot in enumerate(slots) if not np.ma.is_masked(cells[day, at])}
    assert found.keys() == expected.keys()
    assert all(abs(found[where] - expected[where]) < 1e-12 for where in expected)


@QUIET
@given(st.permutations(range(5)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    ax = axes()
    cc.plots.control_chart(points().iloc[order], ax=ax)
    assert same(line(ax, "value").get_ydata(), points()["value"])


@QUIET
@given(st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu"]))
def test_days_of_any_zone_stand_where_they_began(zone: str) -> None:
    clocks_change = pd.date_range("2025-03-28", periods=5, tz=zone, unit="us")
    ax = axes()
    cc.plots.service_by_interval(service([0.1, 0.2, 0.3, 0.4, 0.5], period_start=clocks_change), ax=ax)
    draw(ax)
    assert (line(ax, "value").get_xdata() == clocks_change.tz_convert("UTC").tz_localize(None).to_numpy()).all()
    assert ax.get_xlabel() == f"Time of {zone}"


def test_one_row_is_a_chart_too() -> None:
    for name, table in (("control_chart", points([0.5])), ("service_by_interval", service([0.5])), ("forecast_fan", forecast().head(1))):
        ax = axes()
        getattr(cc.plots, name)(table, ax=ax)
        draw(ax)
        assert len(ax.lines) >= 1


def test_a_year_of_half_hours_is_drawn_in_a_moment() -> None:
    import time

    count = 17_520
    start = pd.date_range("2025-01-01", periods=count, freq="30min", tz="UTC", unit="us")
    table = points(np.random.default_rng(1).random(count), period_start=start, signal=False)
    begin = time.process_time()
    ax = axes()
    cc.plots.control_chart(table, ax=ax)
    draw(ax)
    assert time.process_time() - begin < 10
    assert len(line(ax, "value").get_ydata()) == count
