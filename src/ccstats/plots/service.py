"""How was the service: a metric over the periods, with the contacts it rests on, and its week at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError, did_you_mean
from ccstats.intervals.ratios import add_ratios
from ccstats.labels import number_text, phrase, vocabulary_word
from ccstats.metrics import METRICS, RATIOS
from ccstats.periods import slot_of, weekday_of
from ccstats.plots.scales import definition_of, place_axis, target_text, title_of, unit_of_metric, value_axis, value_text
from ccstats.plots.strip import strip_below
from ccstats.plots.style import start, trace
from ccstats.plots.tables import chosen, moments, numbers, places_of, read, zone_named
from ccstats.plots.words import finish, legible, note, say_no_data, size_of, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["heatmap", "service_by_interval"]

#: From so many columns on the cells of a heat map hold no figures.
_FIGURES = 26


def _with_metric(frame: pd.DataFrame, metric: str, what: str) -> pd.DataFrame:
    """The table with the metric as a column: its own, or divided from its sums."""
    if metric in frame:
        return frame
    if metric not in RATIOS["intervals"]:
        known = [*RATIOS["intervals"], *map(str, frame.columns)]
        raise OptionError(
            f"metric={str(metric)[:60]!r} is no column of {what} and no ratio of intervals.{did_you_mean(str(metric), known)} "
            f"Ratios are: {', '.join(RATIOS['intervals'])}"
        )
    return add_ratios(frame, metrics=[metric])


def _threshold(frame: pd.DataFrame, metric: str, lang: str) -> str:
    """The threshold that the counts were made with, where the metric has one."""
    formula = METRICS[metric].formula if metric in METRICS else ""
    if "within" not in formula or "threshold_s" not in frame:
        return ""
    known = np.unique(numbers(frame, "threshold_s", "the table"))
    known = known[np.isfinite(known)]
    return f"{phrase('threshold', lang)} {value_text(float(known[0]), 's', lang)}" if len(known) == 1 else ""


def service_by_interval(
    service: Any,
    *,
    metric: str = "service_level",
    queue: str | None = None,
    target: float | None = None,
    timezone: str | None = None,
    title: str | None = None,
    lang: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """A metric by interval, day, month, weekday or time of day, and below it the contacts that each value rests on.

    Parameters
    ----------
    service : pandas.DataFrame or Arrow table
        As `ccstats.measure_service` makes it with ``period=``; `intervals` do as well.
    metric : str
        A column of the table, or a ratio of the registry that its sums make.
    queue : str, optional
        Which, where the table has several.
    target : float, optional
        A line to compare with. [unit of the metric; shares 0-1]
    timezone : str, optional
        Whose time is shown; by default that of the periods, or of the intervals.
    title : str, optional
        Instead of the metric and the queue.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Periods without contacts leave gaps. The bars are an inset of these axes (``ax.child_axes``), there where the table has ``offered``
        and it is not what is shown.

    Raises
    ------
    OptionError
        If there is no such metric; if there are several queues and none was asked for.
    ColumnError, TableError, ZoneError
        If the table has no periods, or one more than once; if there is no such zone.

    See Also
    --------
    control_chart : whether a value is unusual.

    Examples
    --------
    >>> import ccstats as cc
    >>> from matplotlib.figure import Figure
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1).contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> days = cc.measure_service(half_hours, by="queue", period="day")
    >>> ax = cc.plots.service_by_interval(days, queue="sales", target=0.8, ax=Figure().add_subplot())
    >>> ax.get_title(loc="left"), ax.get_ylabel()
    ('Service level - of all offered, sales', 'Service level - of all offered [%]')
    """
    frame = read(service, what="service", needs=(), made_by="measure_service")
    frame, who = chosen(frame, "queue", queue, what="service")
    frame, places = places_of(_with_metric(frame, metric, "service"), timezone, what="service", made_by="measure_service")
    value = numbers(frame, metric, "service")
    ax, look = start(ax, (9.0, 4.6), lang)
    label, unit = title_of(metric, lang), unit_of_metric(metric)
    heading = legible(title, 200) or label + (f", {legible(who)}" if who else "")
    threshold = _threshold(frame, metric, lang)
    definition = "; ".join(part for part in (definition_of(metric), threshold) if part)
    if not np.isfinite(value).any():
        say_no_data(ax, look, lang)
        finish(ax, look, title=heading, subtitle=[definition])
        return ax
    trace(ax, places.x, value, look.main, label="value")
    if target is not None:
        ax.axhline(target, color=look.second, linewidth=1.2, linestyle=(0, (6, 2)), label="target")
        text = f"{phrase('plot_target', lang)} {target_text(target, unit, lang)}"
        note(ax, text, (1, target), look.second, end=True)
    value_axis(ax, "y", unit, label, lang, values=value)
    counted = numbers(frame, "offered", "service") if "offered" in frame and metric != "offered" else np.zeros(0)
    if np.isfinite(counted).any():
        width = np.diff(places.x).min() * 0.85 if len(places.x) > 1 else 0.8
        strip_below(ax, look, places, counted, lang, width=width)
    else:
        place_axis(ax, places, lang)
    if places.words:  # closed hours at both ends are left out
        known = np.flatnonzero(np.isfinite(value))
        ax.set_xlim(known[0] - 0.7, known[-1] + 0.7)
    basis = phrase("plot_periods", lang, count=number_text(np.isfinite(value).sum(), lang=lang))
    if len(counted):
        basis += " · " + phrase("plot_n_contacts", lang, count=number_text(np.nansum(counted), lang=lang))
    finish(ax, look, title=heading, subtitle=[definition, basis])
    return ax


def heatmap(
    intervals: Any,
    *,
    metric: str = "service_level",
    queue: str | None = None,
    timezone: str | None = None,
    title: str | None = None,
    lang: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """The week at a glance: a metric by weekday and time of day, sums divided last.

    Parameters
    ----------
    intervals : pandas.DataFrame or Arrow table
        `intervals`, or what `ccstats.measure_service` makes with ``period="interval"`` or ``"hour"``.
    metric : str
        A ratio or mean of intervals, or a count, of which the mean of an interval is shown.
    queue : str, optional
        One of them; by default all are added up.
    timezone : str, optional
        Whose weekdays and times; by default the zone the intervals were cut in.
    title : str, optional
        Instead of the metric and the queue.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Cells without contacts are hatched. Times of day at which nothing ever came are left out at both ends. Up to 26 times of day the
        cells hold their figures, percent without its sign.

    Raises
    ------
    OptionError
        If there is no such metric or queue.
    ColumnError, TableError, ZoneError
        If a column is missing or holds something else; if there is no such zone.

    Examples
    --------
    >>> import ccstats as cc
    >>> from matplotlib.figure import Figure
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1).contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> ax = cc.plots.heatmap(half_hours, queue="sales", ax=Figure().add_subplot())
    >>> ax.get_yticklabels()[0].get_text(), ax.get_xlabel()
    ('Monday', 'Time of day, Europe/Istanbul')
    """
    from matplotlib import colormaps

    frame = read(intervals, what="intervals", needs=("offered",), made_by="to_intervals")
    name = "interval_start" if "interval_start" in frame else "period_start"
    read(frame, what="intervals", needs=(name,), made_by="to_intervals")
    if queue is not None:
        frame, _ = chosen(frame, "queue", queue, what="intervals")
    starts = moments(frame, name, "intervals")
    zone = zone_named(frame, timezone, starts)
    cells, days, slots = _week(frame, starts, metric, zone)
    ax, look = start(ax, (9.5, 3.8), lang)
    label, unit = title_of(metric, lang), unit_of_metric(metric)
    is_count = metric not in RATIOS["intervals"]
    heading = legible(title, 200) or f"{label}, {legible(queue) if queue is not None else phrase('all_queues', lang)}"
    definition = definition_of(metric) if not is_count else f"{definition_of(metric)}; {phrase('plot_mean_interval', lang)}"
    if not np.isfinite(cells).any():
        say_no_data(ax, look, lang)
        finish(ax, look, title=heading, subtitle=[definition])
        return ax
    ax.grid(visible=False)
    ax.patch.set(hatch="////", edgecolor=look.faint)
    mesh = ax.pcolormesh(
        np.arange(len(slots) + 1),
        np.arange(8),
        np.ma.masked_invalid(cells),
        cmap=colormaps["cividis"],
        edgecolors=look.paper,
        linewidth=0.5,
    )
    ax.set_yticks(np.arange(7) + 0.5, [vocabulary_word(day, "weekday", lang) for day in days])
    ax.invert_yaxis()
    step = next((each for each in (1, 2, 4, 6, 8, 12, 16, 24) if len(slots) / each <= 13), len(slots))
    first = next((at for at, slot in enumerate(slots) if slot.endswith(":00")), 0) if step > 1 else 0
    ax.set_xticks(range(first, len(slots), step), slots[first::step])
    ax.set_xlabel(f"{phrase('plot_time_of_day', lang)}, {zone}")
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.01, aspect=18)
    value_axis(bar.ax, "y", unit, label, lang, values=cells)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=look.muted, labelsize=8, length=2)
    bar.ax.yaxis.label.set(text=wrapped(bar.ax.get_ylabel(), 8, 0.9 * size_of(ax)[1]), color=look.muted, fontsize=8)
    if len(slots) <= _FIGURES:
        _write_cells(ax, mesh, cells, unit, lang)
    threshold = _threshold(frame, metric, lang)
    total = np.nansum(numbers(frame, "offered", "intervals"))
    parts = [
        phrase("plot_n_contacts", lang, count=number_text(total, lang=lang)),
        *([phrase("plot_hatched", lang)] if not is_count else []),
    ]
    finish(ax, look, title=heading, subtitle=["; ".join(part for part in (definition, threshold) if part), " · ".join(parts)])
    return ax


def _week(frame: pd.DataFrame, starts: pd.DatetimeIndex, metric: str, zone: str) -> tuple[np.ndarray, list[str], list[str]]:
    """The metric by weekday and time of day, the weekdays, and the times of day at which anything came."""
    sums = frame.select_dtypes("number").drop(columns=["threshold_s", "short_s", "interval_s"], errors="ignore")
    keys = [pd.Series(weekday_of(starts, timezone=zone), frame.index), pd.Series(slot_of(starts, timezone=zone), frame.index)]
    days = [str(day) for day in keys[0].cat.categories]
    added = sums.astype("float64").groupby(keys, observed=False).sum(min_count=1)
    if metric in RATIOS["intervals"]:
        value = add_ratios(added, metrics=[metric])[metric]
    elif metric in METRICS and METRICS[metric].kind == "count" and metric in sums:
        distinct = pd.Series(starts, frame.index).groupby(keys, observed=False).nunique()
        value = added[metric] / distinct.where(distinct > 0)
    else:
        counts = [name for name in sums if name in METRICS and METRICS[name].kind == "count"]
        near = did_you_mean(str(metric), [*RATIOS["intervals"], *counts])
        raise OptionError(f"metric={str(metric)[:60]!r} is no ratio and no count of intervals.{near}")
    table = value.unstack(level=1)  # noqa: PD010 - of a series
    came = added["offered"].unstack(level=1).sum() > 0  # noqa: PD010
    at = np.flatnonzero(came.to_numpy())
    table = table.iloc[:, at[0] : at[-1] + 1] if len(at) else table.iloc[:, :0]
    return table.to_numpy(dtype="float64"), days, [str(slot) for slot in table.columns]


def _write_cells(ax: Axes, mesh: Any, cells: np.ndarray, unit: str, lang: str) -> None:
    if unit == "s" and np.nanmax(cells) >= 600:
        return
    factor = 100 if unit == "ratio" else 1
    few = 1 if factor == 1 and np.nanmax(cells) < 10 else 0
    for (row, column), value in np.ndenumerate(cells):
        if np.isfinite(value):
            red, green, blue, _ = mesh.to_rgba(value)
            ink = "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.45 else "#FFFFFF"
            text = number_text(factor * value, digits=few, lang=lang)
            ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7, color=ink, gid="cell")
