"""Plan and forecast: what was planned beside what came, and what will come with the limits it will lie in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, OptionError, did_you_mean
from ccstats.labels import number_text, phrase
from ccstats.plots.scales import definition_of, place_axis, title_of, unit_of_metric, value_axis, value_text
from ccstats.plots.style import start, trace
from ccstats.plots.tables import Places, chosen, numbers, places_of, read
from ccstats.plots.words import finish, key, legible, say_no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["forecast_fan", "plan_against_actual"]

#: What can be compared: planned and actual column.
_PAIRS = {
    "offered": ("planned_offered", "offered"),
    "aht_s": ("planned_aht_s", "aht_s"),
    "workload_hours": ("planned_workload_hours", "workload_hours"),
    "service_level": ("planned_service_level", "achieved_service_level"),
    "required_hours": ("planned_required_hours", "required_hours"),
    "scheduled_hours": ("planned_scheduled_hours", "scheduled_hours"),
    "agent_hours": ("planned_agent_hours", "agent_hours"),
    "shrinkage": ("planned_shrinkage", "shrinkage"),
    "adherence": ("planned_adherence", "adherence"),
    "cost": ("planned_cost", "cost"),
}


def plan_against_actual(
    versus: Any,
    *,
    metric: str = "offered",
    queue: str | None = None,
    timezone: str | None = None,
    title: str | None = None,
    lang: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """What was planned and what came, the difference filled.

    Parameters
    ----------
    versus : pandas.DataFrame or Arrow table
        As `ccstats.compare_with_plan` makes it.
    metric : str
        ``offered, aht_s, workload_hours, service_level, required_hours, scheduled_hours, agent_hours, shrinkage, adherence`` or ``cost``.
    queue : str, optional
        Which, where the table has several.
    timezone : str, optional
        Whose time is shown; by default that of the periods.
    title : str, optional
        Instead of the metric and the queue.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Planned dashed, actual with dots. With ``agent_hours`` what actual demand required is there too.

    Raises
    ------
    OptionError
        If there is no such metric; if there are several queues and none was asked for.
    ColumnError, TableError, ZoneError
        If a column is missing or holds something else; if there is no such zone.

    See Also
    --------
    service_level_waterfall : what each difference did to the service level.

    Examples
    --------
    >>> import ccstats as cc
    >>> from matplotlib.figure import Figure
    >>> made = cc.synthesize_contacts(seed=1, days=14)
    >>> half_hours = cc.to_intervals(made.contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> plan = cc.plan_staffing(cc.to_forecast(half_hours), target_service_level=0.8, threshold_s=20, patience_s=200)
    >>> ax = cc.plots.plan_against_actual(cc.compare_with_plan(plan, half_hours), queue="sales", ax=Figure().add_subplot())
    >>> [line.get_label() for line in ax.lines]
    ['planned', 'actual']
    """
    if metric not in _PAIRS:
        raise OptionError(f"metric={str(metric)[:60]!r}: expected one of: {', '.join(_PAIRS)}.{did_you_mean(str(metric), _PAIRS)}")
    frame = read(versus, what="versus", needs=_PAIRS[metric], made_by="compare_with_plan")
    frame, who = chosen(frame, "queue", queue, what="versus")
    frame, places = places_of(frame, timezone, what="versus", made_by="compare_with_plan")
    planned, actual = (numbers(frame, name, "versus") for name in _PAIRS[metric])
    ax, look = start(ax, (9.0, 4.2), lang)
    label, unit = title_of(metric, lang), "currency" if metric == "cost" else unit_of_metric(metric)
    heading = legible(title, 200) or f"{label}: {phrase('plot_plan_and_actual', lang)}" + (f", {legible(who)}" if who else "")
    if not np.isfinite(np.r_[planned, actual]).any():
        say_no_data(ax, look, lang)
        finish(ax, look, title=heading, subtitle=[definition_of(metric)])
        return ax
    both = np.isfinite(planned) & np.isfinite(actual)
    ax.fill_between(places.x, planned, actual, where=both, color=look.main, alpha=0.16, linewidth=0, label="difference")
    ends = {"plot_planned": (planned, look.second), "plot_actual": (actual, look.main)}
    ax.plot(places.x, planned, color=look.second, linewidth=1.3, linestyle="--", label="planned")
    trace(ax, places.x, actual, look.main, label="actual")
    if metric == "agent_hours" and "required_hours" in frame:
        required = numbers(frame, "required_hours", "versus")
        ax.plot(places.x, required, color=look.bad, linewidth=1.2, linestyle=":", label="required")
        ends["plot_required"] = (required, look.bad)
    value_axis(ax, "y", unit, label, lang, values=[*planned, *actual])
    place_axis(ax, places, lang)
    key(ax, {phrase(word, lang): (dash, colour) for (word, (_, colour)), dash in zip(ends.items(), ("--", "-", ":"), strict=False)})
    share = np.nansum(actual[both]) / np.nansum(planned[both]) - 1 if both.any() and np.nansum(planned[both]) > 0 else np.nan
    said = [phrase("plot_periods", lang, count=number_text(both.sum(), lang=lang))]
    if unit in ("count", "h", "currency") and np.isfinite(share):
        sign = "+" if share > 0 else ""
        said.append(phrase("plot_off_plan", lang, share=sign + value_text(share, "ratio", lang)))
    finish(ax, look, title=heading, subtitle=[definition_of(metric), " · ".join(said)])
    return ax


def forecast_fan(
    forecast: Any,
    *,
    history: Any = None,
    queue: str | None = None,
    timezone: str | None = None,
    title: str | None = None,
    lang: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """What will come, with the limits that hold 80 and 95 % of it.

    Parameters
    ----------
    forecast : pandas.DataFrame or Arrow table
        As `ccstats.forecast_contacts` makes it.
    history : pandas.DataFrame or Arrow table, optional
        What came before, cut alike: `intervals`, or what `ccstats.measure_service` makes with ``period="day"`` for a forecast of days.
    queue : str, optional
        Which, where the table has several.
    timezone : str, optional
        Whose time is shown; a forecast is in UTC.
    title : str, optional
        Instead of *Contacts expected* and the queue.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        A planner's own figures (`ccstats.override_forecast`) are crosses. In a forecast of days the rest of a day that has begun is left
        out.

    Raises
    ------
    OptionError
        If there are several queues and none was asked for, or the one asked for is not there.
    ColumnError, TableError, ZoneError
        If a column is missing or holds something else; if there is no such zone.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> from matplotlib.figure import Figure
    >>> days = pd.date_range("2025-03-03", periods=3, tz="Europe/Istanbul")
    >>> forecast = pd.DataFrame({"interval_start": days, "interval_s": 86400.0, "expected_offered": [900.0, 850.0, 800.0],
    ...                          "offered_low_80": [840.0, 790.0, 730.0], "offered_high_80": [960.0, 910.0, 870.0]})
    >>> ax = cc.plots.forecast_fan(forecast, timezone="Europe/Istanbul", ax=Figure().add_subplot())
    >>> len(ax.collections), ax.get_xlabel()
    (1, 'Time of Europe/Istanbul')
    """
    frame = read(forecast, what="forecast", needs=("interval_start", "expected_offered"), made_by="forecast_contacts")
    frame, who = chosen(_whole_days(frame), "queue", queue, what="forecast")
    frame, places = places_of(frame, timezone, what="forecast", made_by="forecast_contacts")
    expected = numbers(frame, "expected_offered", "forecast")
    ax, look = start(ax, (9.0, 4.2), lang)
    heading = legible(title, 200) or phrase("plot_expected_contacts", lang) + (f", {legible(who)}" if who and who != "all" else "")
    if not np.isfinite(expected).any():
        say_no_data(ax, look, lang)
        finish(ax, look, title=heading, subtitle=[])
        return ax
    lines = {phrase("plot_expected_line", lang): ("-", look.main)}
    if history is not None:
        before, came = _history(history, who, timezone or places.zone)
        ax.plot(before.x, came, color=look.muted, linewidth=1.0, label="history")
        lines = {phrase("plot_history", lang): ("-", look.muted), **lines}
    shares: list[int] = []
    for share, alpha in ((95, 0.16), (80, 0.28)):
        names = f"offered_low_{share}", f"offered_high_{share}"
        if all(name in frame for name in names):
            low, high = (numbers(frame, name, "forecast") for name in names)
            ax.fill_between(places.x, low, high, color=look.main, alpha=alpha, linewidth=0, label=f"{share} %")
            shares.insert(0, share)
    trace(ax, places.x, expected, look.main, label="expected")
    if "override_offered" in frame and np.isfinite(own := numbers(frame, "override_offered", "forecast")).any():
        ax.plot(places.x, own, "x", color=look.second, markersize=6, label="override")
        lines[phrase("plot_override", lang)] = (":", look.second)
    ax.set_ylim(bottom=0)
    value_axis(ax, "y", "count", _per(frame, places, lang), lang)
    place_axis(ax, places, lang)
    key(ax, lines)
    bands = (
        phrase("plot_bands", lang, shares=" / ".join(value_text(share / 100, "ratio", lang, digits=0) for share in shares))
        if shares
        else ""
    )
    models = ", ".join(sorted({str(each) for each in frame["model"].dropna()})) if "model" in frame else ""
    total = phrase("plot_n_contacts", lang, count=number_text(np.nansum(expected), lang=lang))
    finish(
        ax,
        look,
        title=heading,
        subtitle=[
            bands,
            " · ".join(part for part in (total, f"{phrase('plot_model', lang)}: {legible(models)}" if models else "") if part),
        ],
    )
    return ax


def _whole_days(frame: pd.DataFrame) -> pd.DataFrame:
    """A forecast of days without the rest of a day that has begun, which is no day."""
    if "interval_s" not in frame or frame.empty:
        return frame
    length = numbers(frame, "interval_s", "forecast")
    known = length[np.isfinite(length)]
    return frame[length > 82_000] if len(known) and np.median(known) > 82_000 else frame


def _per(frame: pd.DataFrame, places: Places, lang: str) -> str:
    """*Contacts a day*, *contacts in 30 min*: by the commonest length of an interval."""
    known = numbers(frame, "interval_s", "forecast") if "interval_s" in frame else np.diff(places.x) / np.timedelta64(1, "s")
    known = known[np.isfinite(known)]
    length = float(np.median(known)) if len(known) else np.nan
    if not np.isfinite(length):
        return phrase("plot_contacts", lang)
    if 82_800 <= length <= 90_000:
        return phrase("plot_contacts_day", lang)
    return phrase("plot_contacts_in", lang, minutes=number_text(length / 60, lang=lang))


def _history(history: Any, who: str | None, zone: str) -> tuple[Places, Any]:
    """What came before, of one queue or of all added up."""
    frame = read(history, what="history", needs=("offered",), made_by="to_intervals")
    if who is not None and who != "all":
        frame, _ = chosen(frame, "queue", who, what="history")
    name = "interval_start" if "interval_start" in frame else "period_start"
    if name not in frame:
        raise ColumnError("history: no column 'interval_start' or 'period_start'; expected `intervals`, or measure_service(period='day')")
    numbers(frame, "offered", "history")
    frame = frame.groupby(name)["offered"].sum().reset_index()
    frame, places = places_of(frame, zone, what="history", made_by="to_intervals")
    return places, numbers(frame, "offered", "history")
