"""Charts of what is unusual: values with what was to be expected of them and their limits; agents side by side in a funnel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import TableError
from ccstats.labels import moment_text, number_text, phrase
from ccstats.plots.flags import Flag, fly
from ccstats.plots.scales import definition_of, title_of, unit_of_metric, value_axis, value_text, when_axis
from ccstats.plots.style import Look, start, trace
from ccstats.plots.tables import chosen, moments, numbers, read, utc, zone_named
from ccstats.plots.words import finish, legible, name_ends, note, say_no_data, size_of, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["control_chart", "funnel"]


def control_chart(
    points: Any,
    *,
    metric: str | None = None,
    queue: str | None = None,
    timezone: str | None = None,
    title: str | None = None,
    lang: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """A metric over time with what was to be expected, its limits, and every signal marked.

    Parameters
    ----------
    points : pandas.DataFrame or Arrow table
        As `ccstats.find_deviations` makes it.
    metric, queue : str, optional
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
        Signals are triangles that point the way they deviate, vermilion where that is for the worse. Of those that are named, above the
        chart, as many as there is room for, the furthest out come first. Missing values and limits leave gaps; an empty table gives a chart
        that says *no data*.

    Raises
    ------
    OptionError
        If there are several metrics or queues and none was asked for, or the one asked for is not there.
    ColumnError, TableError, ZoneError
        If a column is missing or holds something else; if there is no such zone.

    See Also
    --------
    ccstats.find_deviations : the table.

    Examples
    --------
    >>> import ccstats as cc
    >>> from matplotlib.figure import Figure
    >>> half_hours = cc.to_intervals(cc.synthesize_contacts(seed=1, days=28).contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> points = cc.find_deviations(half_hours, metric="offered", by=(), period="day")
    >>> ax = cc.plots.control_chart(points, ax=Figure().add_subplot())
    >>> ax.get_title(loc="left"), ax.get_xlabel()
    ('Contacts offered', 'Time of Europe/Istanbul')
    """
    needs = ("period_start", "metric", "value", "baseline", "lower", "upper", "signal")
    frame = read(points, what="points", needs=needs, made_by="find_deviations")
    frame, name = chosen(frame, "metric", metric, what="points")
    frame, who = chosen(frame, "queue", queue, what="points")
    starts = moments(frame, "period_start", "points")
    zone = zone_named(frame, timezone, starts)
    if starts.duplicated().any():
        raise TableError(f"points: period_start {starts[starts.duplicated()][0]} is there more than once; keep one group of the table")
    order = np.argsort(starts.asi8, kind="stable")
    frame, starts = frame.iloc[order], starts[order]
    value, center, low, high = (numbers(frame, each, "points") for each in ("value", "baseline", "lower", "upper"))
    signal = frame["signal"].fillna(False).to_numpy(dtype=bool) & np.isfinite(value)
    ax, look = start(ax, (9.0, 4.4), lang)
    label = title_of(name or "value", lang)
    heading = legible(title, 200) or label + (f", {legible(who)}" if who else "")
    if not np.isfinite(value).any():
        say_no_data(ax, look, lang)
        finish(ax, look, title=heading, subtitle=[definition_of(name or "")])
        return ax
    unit, at = unit_of_metric(name or ""), utc(starts)
    ax.fill_between(at, low, high, color=look.faint, alpha=0.55, linewidth=0, label="limits")
    for limit, which in ((low, "lower limit"), (high, "upper limit")):
        ax.plot(at, limit, color=look.muted, linewidth=0.7, linestyle="--", label=which)
    ax.plot(at, center, color=look.muted, linewidth=1.0, label="baseline")
    trace(ax, at, value, look.main, label="value")
    ends = {"plot_upper": high, "plot_lower": low, "plot_usual": center}
    if "target" in frame and np.isfinite(target := numbers(frame, "target", "points")).any():
        ax.plot(at, target, color=look.second, linewidth=1.2, linestyle=(0, (6, 2)), label="target")
        ends["plot_target"] = target
    flags = _mark(ax, look, frame, at, value, center, signal, zone, lang)
    value_axis(ax, "y", unit, label, lang, values=[*value, *low, *high])
    when_axis(ax, zone, lang)
    name_ends(ax, {phrase(key, lang): (values, look.second if key == "plot_target" else look.muted) for key, values in ends.items()})
    shown = {"points": number_text(np.isfinite(value).sum(), lang=lang), "signals": number_text(signal.sum(), lang=lang)}
    chart = ", ".join(sorted({str(each) for each in frame["chart"].dropna()})) if "chart" in frame else ""
    basis = [phrase("plot_points", lang, **shown), f"{phrase('plot_chart', lang)}: {legible(chart)}" if chart else ""]
    subtitle = [definition_of(name or ""), " · ".join(part for part in basis if part)]
    finish(ax, look, title=heading, subtitle=subtitle, above=fly(ax, flags))
    return ax


def _mark(
    ax: Axes, look: Look, frame: pd.DataFrame, at: Any, value: Any, center: Any, signal: NDArray[np.bool_], zone: str, lang: str
) -> list[Flag]:
    """Signals as triangles; their times and values, the furthest out first."""
    words = (
        frame["direction"].astype("object").where(frame["direction"].notna(), "") if "direction" in frame else pd.Series("", frame.index)
    )
    up = np.where(np.isfinite(center), value >= center, words.isin(["higher"]).to_numpy())
    worse = (words == "worse").to_numpy()
    for chosen_rows, marker, colour, kind in (
        (signal & up & worse, "^", look.bad, "worse"),
        (signal & ~up & worse, "v", look.bad, "worse"),
        (signal & up & ~worse, "^", look.good, "signal"),
        (signal & ~up & ~worse, "v", look.good, "signal"),
    ):
        if chosen_rows.any():
            ax.plot(
                at[chosen_rows], value[chosen_rows], marker, color=colour, markersize=8, markeredgecolor=look.paper, label=kind, zorder=4
            )
    score = np.abs(numbers(frame, "score", "points")) if "score" in frame else np.abs(value - center)
    score = np.where(np.isfinite(score), score, 0.0)
    unit = unit_of_metric(str(frame["metric"].iloc[0]))
    daily = len(at) < 2 or (at[1] - at[0]) >= np.timedelta64(23, "h")
    local = pd.DatetimeIndex(at).tz_localize("UTC").tz_convert(zone)
    return [
        Flag(
            f"{moment_text(local[row], period='day' if daily else 'interval', lang=lang)}: {value_text(value[row], unit, lang)}",
            (at[row], value[row]),
            look.bad if worse[row] else look.good,
        )
        for row in np.argsort(-score, kind="stable")
        if signal[row]
    ]


def funnel(
    agents: Any,
    *,
    title: str | None = None,
    lang: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Agents (queues, teams) by how many cases each had, with the limits that chance alone sets; who is outside is named.

    Parameters
    ----------
    agents : pandas.DataFrame or Arrow table
        As `ccstats.compare_agents` makes it.
    title : str, optional
        Instead of *Share of each compared with all*.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Each agent's own limits are a bar behind the dot: they depend on the mix of cases as well as on their number. Of those outside as
        many are named as there is room for, the furthest out first. Suppressed rows are counted, not drawn.

    Raises
    ------
    ColumnError, TableError
        If a column is missing or holds something else.

    See Also
    --------
    ccstats.compare_agents : the table.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> from matplotlib.figure import Figure
    >>> counts = pd.DataFrame({"agent": ["Ada", "Bo", "Cy"], "top2": [170, 175, 120], "answers": [200, 200, 200]})
    >>> ax = cc.plots.funnel(cc.compare_agents(counts, met="top2", counted="answers"), ax=Figure().add_subplot())
    >>> sorted(text.get_text() for text in ax.texts if text.get_gid() == "signal")
    ['Bo', 'Cy']
    """
    needs = ("counted", "met", "share_adjusted", "lower", "upper", "flag", "suppressed")
    frame = read(agents, what="agents", needs=needs, made_by="compare_agents")
    hidden = frame["suppressed"].fillna(False).to_numpy(dtype=bool)
    rows = frame[~hidden]
    cases, met, share, low, high = (numbers(rows, each, "agents") for each in needs[:5])
    names = rows.iloc[:, 0].astype("object").map(lambda value: legible(value, 24)).to_numpy()
    ax, look = start(ax, (7.0, 4.6), lang)
    heading = legible(title, 200) or phrase("plot_funnel", lang)
    if not (np.isfinite(share) & np.isfinite(cases)).any():
        say_no_data(ax, look, lang)
        finish(ax, look, title=heading, subtitle=[])
        return ax
    ax.vlines(cases, low, high, color=look.faint, linewidth=5, capstyle="round", label="limits")
    overall = np.nansum(met) / np.nansum(cases) if np.nansum(cases) > 0 else np.nan
    ax.axhline(overall, color=look.muted, linewidth=1, label="all")
    note(ax, f"{phrase('all', lang)}: {value_text(overall, 'ratio', lang)}", (1, overall), look.muted, end=True)
    flag = rows["flag"].astype("object").to_numpy()
    for word, marker, colour in (("inside", "o", look.main), ("above", "^", look.second), ("below", "v", look.second)):
        mine = flag == word
        if mine.any():
            ax.plot(cases[mine], share[mine], marker, color=colour, markersize=5 if word == "inside" else 9, label=word)
    value_axis(ax, "y", "ratio", phrase("plot_share_adjusted", lang), lang)
    value_axis(ax, "x", "count", phrase("plot_cases", lang), lang)
    outside = np.flatnonzero((flag != "inside") & np.isfinite(share) & np.isfinite(cases))
    _name_outside(ax, look, names[outside], cases[outside], share[outside], np.abs(share - (low + high) / 2)[outside])
    parts = [phrase("plot_inside", lang), phrase("plot_compared", lang, count=number_text(len(rows), lang=lang))]
    if hidden.any():
        parts.append(phrase("plot_suppressed", lang, count=number_text(hidden.sum(), lang=lang)))
    finish(ax, look, title=heading, subtitle=[parts[0], " · ".join(parts[1:])])
    return ax


def _name_outside(ax: Axes, look: Look, names: Any, cases: Any, share: Any, distance: Any) -> None:
    """Names beside their triangles, towards the middle, where they stand on no other; the furthest out come first."""
    (low, high), (bottom, top), (width, height) = ax.get_xlim(), ax.get_ylim(), size_of(ax)
    named: list[tuple[float, float, float]] = []
    for at in np.argsort(-np.nan_to_num(distance), kind="stable"):
        x, y = (cases[at] - low) / (high - low) * width, (share[at] - bottom) / (top - bottom) * height
        left = x > width / 2
        length = 1.15 * width_of(names[at], 8.5) + 18  # bold, and its distance from the triangle
        begin, end = (x - length, x) if left else (x, x + length)
        if any(abs(y - there) < 12 and begin < until and end > since for since, until, there in named):
            continue
        named.append((begin, end, y))
        side: dict[str, Any] = {"shift": (-9, 0), "ha": "right"} if left else {"shift": (9, 0), "ha": "left"}
        note(ax, names[at], (cases[at], share[at]), look.ink, gid="signal", fontweight="bold", **side)
