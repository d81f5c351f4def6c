"""Words on charts never stand on each other and never leave the page: real bounding boxes, wide and narrow, in every chart."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
from chart_cases import CHARTS, ZONE, agents, curve, misplaced, named, plan, points
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

import ccstats as cc

plots = cc.plots
#: A chart of its own, one of the report or the page, and one of the page on a telephone.
SIZES = [(9.0, 4.4), (9.0, 3.4), (4.6, 3.4)]


def on(size: tuple[float, float]) -> Axes:
    return Figure(figsize=size, layout="constrained").add_subplot()


def neighbours(count: int, where: float, *, every: str = "30min") -> pd.DataFrame:
    """Periods of which ``count`` in a row are signals, at this share of the way; every third is for the better."""
    rng = np.random.default_rng(count)
    values, signal = 0.85 + 0.03 * rng.standard_normal(240), np.zeros(240, bool)
    first = round(where * (240 - count))
    signal[first : first + count] = True
    values[signal] = np.where(np.arange(count) % 3, 0.5 - 0.1 * rng.random(count), 0.99)
    start = pd.date_range("2025-01-06", periods=240, freq=every, tz=ZONE, unit="us")
    words = np.where(values < 0.8, "worse", "better")
    return points(values, period_start=start, score=(values - 0.85) / 0.05, signal=signal, direction=words, lower=0.7, target=0.8)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("where", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("count", [1, 5, 30])
def test_flags_of_neighbouring_signals_stand_apart(count: int, where: float, size: tuple[float, float]) -> None:
    table, ax = neighbours(count, where), on(size)
    plots.control_chart(table, ax=ax)
    assert misplaced(ax) == []
    flags = [text for text in ax.texts if text.get_gid() == "signal"]
    assert 1 <= len(flags) <= count
    assert count == 1 or size[0] < 9 or len(flags) >= 3
    worst = table.loc[table["score"].abs().idxmax()]
    assert any(f"{worst['period_start']:%Y-%m-%d %H:%M}: {100 * worst['value']:.1f} %" == flag.get_text() for flag in flags)
    for one, other in itertools.permutations(flags, 2):  # nor does a pole go through a flag
        pole = ax.transData.transform((one.xy[0], one.xy[1]))[0]
        box, mine = Text.get_window_extent(other), Text.get_window_extent(one)
        assert not (mine.y0 > box.y0 and box.x0 < pole < box.x1), (one, other)


def test_a_flag_points_to_its_signal() -> None:
    table, ax = neighbours(5, 0.5), on(SIZES[0])
    plots.control_chart(table, ax=ax)
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]
    for flag in [text for text in ax.texts if text.get_gid() == "signal"]:
        said = pd.Timestamp(flag.get_text().partition(": ")[0], tz=ZONE)
        value = float(table.loc[table["period_start"] == said, "value"].iloc[0])
        path = flag.arrow_patch.get_path().vertices  # type: ignore[attr-defined]
        ends = ax.transData.inverted().transform(flag.arrow_patch.get_transform().transform(path))[[0, -1]]  # type: ignore[attr-defined]
        nearest = ends[np.abs(ends[:, 1] - value).argmin()]
        assert nearest[0] == pytest.approx(ax.convert_xunits(said.tz_convert("UTC").tz_localize(None)), abs=0.02)
        assert nearest[1] == pytest.approx(value, abs=0.03)  # the pole ends at the triangle's edge


def test_flags_of_days_and_of_a_single_point() -> None:
    for table in (neighbours(30, 0.4, every="D"), points((0.4,), signal=True, score=-5.0, direction="worse", lower=0.7)):
        ax = on(SIZES[2])
        plots.control_chart(table, ax=ax)
        assert misplaced(ax) == []
        assert named(ax, "signal")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", ["en", "de"])
@pytest.mark.parametrize("name", CHARTS)
def test_no_chart_has_words_that_meet_or_are_cut(name: str, lang: str, size: tuple[float, float]) -> None:
    ax = on(size)
    getattr(plots, name)(CHARTS[name][0](), lang=lang, ax=ax)
    assert misplaced(ax) == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", ["en", "es"])
def test_a_days_curve_with_paid_agents_and_contacts_has_room(lang: str, size: tuple[float, float]) -> None:
    ax = on(size)
    plots.staffing_curve(plan(scheduled_agents=[5, 6, 2], expected_offered=[40.0, 60.0, 10.0]), lang=lang, ax=ax)
    assert misplaced(ax) == []
    lowest = min(text.get_window_extent().y0 for text in ax.get_legend().get_texts())
    assert ax.transData.transform((0, 6))[1] < lowest  # nothing is drawn behind the words


@pytest.mark.parametrize("size", SIZES)
def test_names_outside_a_funnel_stand_apart_and_the_furthest_out_has_one(size: tuple[float, float]) -> None:
    count = 40
    share = np.r_[np.linspace(0.50, 0.55, count // 2), np.linspace(0.95, 0.97, count // 2)]
    cases = np.r_[np.linspace(190, 200, count // 2), np.linspace(100, 300, count // 2)]
    flag = np.where(share < 0.7, "below", "above")
    columns: dict[str, Any] = {"agent": [f"agent {at:02d}" for at in range(count)], "counted": cases, "met": cases * share}
    crowd = pd.DataFrame(columns | {"share_adjusted": share, "lower": 0.7, "upper": 0.9, "flag": flag, "suppressed": False})
    ax = on(size)
    plots.funnel(pd.concat([agents(), crowd], ignore_index=True), ax=ax)
    assert misplaced(ax) == []
    assert "agent 00" in named(ax, "signal")
    assert len(named(ax, "signal")) >= 4


@pytest.mark.parametrize("size", SIZES)
def test_names_of_lines_that_end_together_stand_apart(size: tuple[float, float]) -> None:
    for step in (0, 2, 40):  # seconds between the ends of two curves
        curves = [curve(queue=f"queue {at}", time_s=np.array([0, 100, 200, 300]) + step * at) for at in range(6)]
        ax = on(size)
        plots.patience_curve(pd.concat(curves, ignore_index=True), ax=ax)
        assert misplaced(ax) == []
    named_at = {text.get_text(): text.xy[1] for text in ax.texts if text.get_text().startswith("queue")}  # type: ignore[attr-defined]
    assert set(named_at) == {f"queue {at}" for at in range(6)}
    ax = on(size)
    plots.control_chart(points(lower=0.849, upper=0.851, baseline=0.85, target=0.85), ax=ax)
    assert misplaced(ax) == []
