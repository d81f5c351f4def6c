"""Small tables for charts, with figures that can be read off: one for each chart, as the library's functions make them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

import ccstats as cc

ZONE = "Europe/Istanbul"
NAN = float("nan")


def days(count: int, zone: str = ZONE) -> pd.DatetimeIndex:
    return pd.date_range("2025-01-06", periods=count, tz=zone, unit="us")


def points(values: Any = (0.8, 0.82, NAN, 0.4, 0.95), **columns: Any) -> pd.DataFrame:
    """Days of one metric; the fourth is a signal for the worse, the fifth one for the better."""
    count = len(values)
    signal = [at in (3, 4) for at in range(count)]
    table = {
        "queue": "sales",
        "period_start": days(count),
        "metric": "service_level",
        "value": values,
        "baseline": 0.8,
        "lower": [0.7] * (count - 1) + [NAN],
        "upper": 0.9,
        "score": [-5.0 if at == 3 else 3.0 if at == 4 else 0.1 for at in range(count)],
        "signal": signal,
        "direction": [{3: "worse", 4: "better"}.get(at) for at in range(count)],
        "chart": "p_prime",
        "target": NAN,
    }
    return pd.DataFrame(table | columns)


def service(values: Any = (0.8, NAN, 0.9), **columns: Any) -> pd.DataFrame:
    table = {"queue": "sales", "period_start": days(len(values)), "threshold_s": 20.0, "offered": 10, "service_level": values}
    return pd.DataFrame(table | columns)


def intervals(offered: Any = (10, 0, 30), **columns: Any) -> pd.DataFrame:
    """Half-hours of a Monday from 09:00 on, nine of ten answered in time."""
    start = pd.date_range("2025-01-06 09:00", periods=len(offered), freq="30min", tz=ZONE, unit="us").tz_convert("UTC")
    within = [count * 9 // 10 for count in offered]
    table = {"queue": "sales", "interval_start": start, "interval_s": 1800.0, "timezone": ZONE, "threshold_s": 20.0}
    return pd.DataFrame(table | {"offered": offered, "open": 0, "answered_within": within} | columns)


def contacts() -> pd.DataFrame:
    waits = [0.0, 10.0, 20.0, 30.0, 5.0, 15.0, NAN]
    outcome = ["answered"] * 4 + ["abandoned"] * 2 + ["open"]
    return pd.DataFrame({"queue": "sales", "outcome": pd.Categorical(outcome), "wait_s": waits})


def curve(**columns: Any) -> pd.DataFrame:
    table = {"time_s": [0.0, 10.0, 20.0, 30.0], "at_risk": [100, 80, 40, 5], "survival": [1.0, 0.8, 0.6, 0.5]}
    low = {"survival_low": [1.0, 0.7, 0.5, 0.3], "survival_high": [1.0, 0.9, 0.7, 0.7]}
    return pd.DataFrame(table | low | columns)


def tabulated() -> pd.DataFrame:
    return cc.tabulate_agents(10.0, aht_s=180, target_service_level=0.80, threshold_s=20)


def plan(**columns: Any) -> pd.DataFrame:
    start = pd.date_range("2025-01-06 09:00", periods=3, freq="30min", tz=ZONE, unit="us").tz_convert("UTC")
    table = {"queue": "sales", "interval_start": start, "interval_s": 1800.0, "required_agents": [2.5, 4.0, 1.0], "agents": [3, 3, 1]}
    return pd.DataFrame(table | columns)


def versus(**columns: Any) -> pd.DataFrame:
    table = {"queue": "sales", "period_start": days(3), "planned_offered": [100.0, 110.0, 90.0], "offered": [120, 100, 80]}
    hours = {"planned_agent_hours": [8.0, 8.0, 8.0], "agent_hours": [7.0, NAN, 9.0], "required_hours": [7.5, 8.0, 6.0]}
    return pd.DataFrame(table | hours | columns)


def forecast(**columns: Any) -> pd.DataFrame:
    limits = {
        "offered_low_80": [90.0, 80.0],
        "offered_high_80": [110.0, 100.0],
        "offered_low_95": [80.0, 70.0],
        "offered_high_95": [120.0, 110.0],
    }
    start = days(2).tz_convert("UTC")
    table = {"queue": "sales", "interval_start": start, "interval_s": 86400.0, "expected_offered": [100.0, 90.0], "model": "profile"}
    return pd.DataFrame(table | limits | columns)


def explained(**columns: Any) -> pd.DataFrame:
    table = {"driver": ["volume", "handle_time", "residual"], "contribution": [-0.08, 0.03, -0.02], "contacts": [-80.0, 30.0, -20.0]}
    levels = {"planned_service_level": 0.85, "service_level": 0.78, "definition": "service_level", "counted": 1000.0, "model": "erlang_a"}
    return pd.DataFrame(table | levels | columns)


def agents(**columns: Any) -> pd.DataFrame:
    table = {"agent": ["Ada", "Bo", "Cy", None], "counted": [200, 200, 50, None], "met": [170, 120, 40, None]}
    limits = {"share_adjusted": [0.85, 0.6, 0.8, NAN], "lower": [0.7, 0.7, 0.6, NAN], "upper": [0.9, 0.9, 0.95, NAN]}
    words = {"flag": ["inside", "below", "inside", "inside"], "suppressed": [False, False, False, True]}
    return pd.DataFrame(table | limits | words | columns)


def drivers(**columns: Any) -> pd.DataFrame:
    table = {"driver": ["wait_s", "queue", "queue"], "level": ["+60 s", "b", "c"], "reference": ["60 s less", "a", "a"], "responses": 100}
    effects = {"effect": [-13.6, 2.0, NAN], "effect_low": [-15.0, -1.0, NAN], "effect_high": [-12.0, 5.0, NAN]}
    return pd.DataFrame(table | effects | columns)


def shifts(**columns: Any) -> pd.DataFrame:
    start = pd.to_datetime(["2025-01-06 08:00", "2025-01-06 12:00", "2025-01-07 22:00"]).tz_localize(ZONE)
    table = {
        "agent": ["Ada", "Bo", "Ada"],
        "shift": ["early", "late", "night"],
        "started_at": start,
        "ended_at": start + pd.Timedelta("8h"),
    }
    return pd.DataFrame(table | {"queue": "sales"} | columns)


def kpis(**columns: Any) -> pd.DataFrame:
    start = pd.DatetimeIndex(["2025-03-01"] * 3).tz_localize(ZONE)
    table = {"queue": "sales", "period_start": start, "period": "month", "metric": ["service_level", "asa_s", "qm_score"], "target": "t"}
    values = {"value": [0.834, 31.0, NAN], "target_low": [0.8, NAN, 0.9], "target_high": [NAN, 20.0, NAN]}
    words = {"verdict": ["met", "not_met", "not_decidable"], "trend": ["better", None, None], "unit": ["ratio", "s", "ratio"]}
    return pd.DataFrame(table | values | words | columns)


#: Every chart with a table for it, a column it cannot do without, and whether a table of two queues needs ``queue=``.
CHARTS: dict[str, tuple[Callable[..., pd.DataFrame], str, bool]] = {
    "control_chart": (points, "lower", True),
    "service_by_interval": (service, "period_start", True),
    "heatmap": (intervals, "offered", False),
    "wait_distribution": (contacts, "wait_s", False),
    "patience_curve": (curve, "survival", False),
    "staffing_curve": (tabulated, "expected_service_level", False),
    "plan_against_actual": (versus, "planned_offered", True),
    "service_level_waterfall": (explained, "contribution", False),
    "funnel": (agents, "flag", False),
    "forecast_fan": (forecast, "expected_offered", True),
    "schedule_grid": (shifts, "ended_at", False),
    "driver_chart": (drivers, "effect", False),
    "kpi_cards": (kpis, "verdict", True),
}


def axes(style: str = "light") -> Axes:
    """Axes of a figure that no window knows."""
    colour = cc.plots.style.LOOKS[style].paper
    return Figure(figsize=(8, 4.5), layout="constrained", facecolor=colour).add_subplot(facecolor=colour)


def draw(ax: Axes) -> None:
    """Draws it, so that whatever would go wrong then does so now."""
    ax.figure.draw_without_rendering()  # type: ignore[union-attr]


def words(ax: Axes) -> list[str]:
    """Every text on the axes, insets and legend included."""
    texts = [text.get_text() for text in ax.findobj(match=lambda artist: hasattr(artist, "get_text"))]
    return [text for text in texts if text]


def misplaced(ax: Axes) -> list[str]:
    """Texts of the figure that stand on another, or leave the page; by more than a point."""
    figure: Any = ax.figure
    figure.draw_without_rendering()
    unseen = set()
    for each in figure.findobj(lambda artist: isinstance(artist, Axes)):
        for axis in (each.xaxis, each.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                    unseen |= {tick.label1, tick.label2}
    texts = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible() and text not in unseen]
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in texts]
    page, point = figure.bbox, figure.dpi / 72
    found = [f"{said!r} leaves the page" for said, box in boxes if min(box.x0, box.y0, page.x1 - box.x1, page.y1 - box.y1) < -point]
    for (one, here), (other, there) in itertools.combinations(boxes, 2):
        wide, high = min(here.x1, there.x1) - max(here.x0, there.x0), min(here.y1, there.y1) - max(here.y0, there.y0)
        if min(wide, high) > point:
            found.append(f"{one!r} stands on {other!r}")
    return found


def line(ax: Axes, label: str) -> Any:
    """The one line of that name."""
    found = [each for each in ax.lines if each.get_label() == label]
    assert len(found) == 1, [each.get_label() for each in ax.lines]
    return found[0]


def lines(ax: Axes, label: str) -> list[Any]:
    return [each for each in ax.lines if each.get_label() == label]


def subtitle(ax: Axes) -> str:
    return next(text.get_text() for text in ax.texts if text.get_gid() == "subtitle")


def named(ax: Axes, gid: str) -> list[str]:
    return [text.get_text() for text in ax.texts if text.get_gid() == gid]


def same(one: Any, other: Any) -> bool:
    return bool(np.array_equal(np.asarray(one, dtype="float64"), np.asarray(other, dtype="float64"), equal_nan=True))
