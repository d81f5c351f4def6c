"""Why: what the points of a service level came from, and what goes along with satisfaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ccstats.labels import moment_text, number_text, phrase, vocabulary_word
from ccstats.plots.scales import definition_of, title_of, value_axis, value_text
from ccstats.plots.style import Look, start
from ccstats.plots.tables import chosen, numbers, one_period, read, texts
from ccstats.plots.words import finish, legible, note, say_no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["driver_chart", "service_level_waterfall"]

#: A chart of drivers has no more rows than this.
_ROWS = 40


def service_level_waterfall(
    explained: Any,
    *,
    queue: str | None = None,
    period_start: Any = None,
    title: str | None = None,
    lang: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """From the planned service level to the one that was achieved, driver by driver.

    Parameters
    ----------
    explained : pandas.DataFrame or Arrow table
        As `ccstats.explain_service_level` makes it.
    queue : str, optional
        Which, where the table has several.
    period_start : datetime-like, optional
        Which period, where the table has several.
    title : str, optional
        Instead of *Service level: from plan to actual*.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        A bar a driver from where the one before ended, with its points and contacts; planned and achieved are marks and no bars, because
        the axis does not begin at 0. The residual is hatched. A driver whose contribution is missing has no bar.

    Raises
    ------
    OptionError
        If there are several queues or periods and none was asked for.
    ColumnError, TableError
        If a column is missing or holds something else.

    See Also
    --------
    ccstats.explain_service_level : the table, and how drivers share what they did together.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> from matplotlib.figure import Figure
    >>> explained = pd.DataFrame({"driver": ["volume", "residual"], "contribution": [-0.08, 0.01], "contacts": [-40.0, 5.0],
    ...                           "planned_service_level": 0.85, "service_level": 0.78, "definition": "service_level"})
    >>> ax = cc.plots.service_level_waterfall(explained, ax=Figure().add_subplot())
    >>> [round(float(bar.get_width()), 3) for bar in ax.patches]
    [-0.08, 0.01]
    """
    needs = ("driver", "contribution", "planned_service_level", "service_level")
    frame = read(explained, what="explained", needs=needs, made_by="explain_service_level")
    frame, who = chosen(frame, "queue", queue, what="explained")
    frame, moment = one_period(frame, period_start, what="explained")
    ax, look = start(ax, (8.5, 4.4), lang)
    heading = legible(title, 200) or ": ".join([title_of("service_level", lang), phrase("plot_plan_to_actual", lang)])
    if not title:
        heading += f", {legible(who)}" if who and who != "all" else ""
        heading += f", {moment_text(moment, period='day', lang=lang)}" if moment is not None else ""
    change = numbers(frame, "contribution", "explained")
    planned, achieved = (numbers(frame, name, "explained")[:1] for name in needs[2:])
    if not len(frame) or not np.isfinite([*planned, *achieved]).all():
        say_no_data(ax, look, lang)
        finish(ax, look, title=heading, subtitle=[])
        return ax
    begin = planned[0] + np.r_[0.0, np.nancumsum(change)]
    drivers = texts(frame["driver"]).tolist()
    contacts = numbers(frame, "contacts", "explained") if "contacts" in frame else np.full(len(frame), np.nan)
    for row, (driver, step) in enumerate(zip(drivers, change, strict=True), start=1):
        _bar(ax, look, row, driver, begin[row - 1], step, contacts[row - 1], lang)
    for row, level, word in ((0, planned[0], "plot_planned"), (len(drivers) + 1, achieved[0], "plot_achieved")):
        ax.plot(
            [level, level], [row - 0.36, row + 0.36], color=look.ink, linewidth=4, solid_capstyle="butt", label=word.removeprefix("plot_")
        )
        note(ax, value_text(level, "ratio", lang), (level, row), look.ink, shift=(6, 0), fontsize=9, fontweight="bold")
    for row, level in enumerate([*begin, achieved[0]][: len(drivers) + 1]):
        ax.plot([level, level], [row + 0.36, row + 0.64], color=look.muted, linewidth=0.8, label="_link")
    words = [
        phrase("plot_planned", lang),
        *(legible(vocabulary_word(each, "driver", lang), 30) for each in drivers),
        phrase("plot_achieved", lang),
    ]
    ax.set_yticks(range(len(words)), [word[:1].upper() + word[1:] for word in words])
    ax.set_ylim(len(words) - 0.4, -0.6)
    ax.margins(x=0.2)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=look.faint, linewidth=0.6)
    value_axis(ax, "x", "ratio", title_of("service_level", lang), lang)
    name = str(frame["definition"].dropna().iloc[0]) if "definition" in frame and frame["definition"].notna().any() else "service_level"
    parts = []
    if "counted" in frame:
        parts.append(phrase("plot_n_contacts", lang, count=number_text(float(numbers(frame, "counted", "explained")[0]), lang=lang)))
    if "model" in frame:
        parts.append(f"{phrase('plot_model', lang)}: {legible(frame['model'].iloc[0])}")
    finish(ax, look, title=heading, subtitle=[definition_of(name), phrase("plot_waterfall", lang), " · ".join(parts)])
    return ax


def _bar(ax: Axes, look: Look, row: int, driver: str, begin: float, step: float, contacts: float, lang: str) -> None:
    if not np.isfinite(step):
        return
    nothing = abs(step) < 0.0005
    colour = look.muted if nothing else look.bad if step < 0 else look.good
    bars = ax.barh(row, step, left=begin, height=0.6, color=colour, linewidth=0)
    if driver == "residual":
        bars[0].set(facecolor="none", edgecolor=colour, hatch="////", linewidth=1)
    said = f"{'+' if step > 0 and not nothing else ''}{number_text(0.0 if nothing else 100 * step, digits=1, lang=lang)} "
    said += phrase("plot_pp", lang)
    if np.isfinite(contacts) and not nothing:
        few = 0 if abs(contacts) >= 10 else 1
        said += f" ({'+' if contacts > 0 else ''}{phrase('plot_n_contacts', lang, count=number_text(contacts, digits=few, lang=lang))})"
    right = max(begin, begin + step)
    note(ax, said, (right, row), colour, gid="contribution")


def driver_chart(
    drivers: Any,
    *,
    title: str | None = None,
    lang: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """By how many points each driver moves satisfaction, the others held equal, with its interval.

    Parameters
    ----------
    drivers : pandas.DataFrame or Arrow table
        As `ccstats.explain_satisfaction` makes it.
    title : str, optional
        Instead of *What goes along with satisfaction*.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Filled where the interval leaves out 0, open where it does not. Effects that cannot be told stand there without a dot. At most 40
        rows are drawn, those of the largest effects, and the subtitle says how many there are.

    Raises
    ------
    ColumnError, TableError
        If a column is missing or holds something else.

    See Also
    --------
    ccstats.explain_satisfaction : the table.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> from matplotlib.figure import Figure
    >>> drivers = pd.DataFrame({"driver": ["wait_s"], "level": ["+60 s"], "reference": ["60 s less"], "responses": [800],
    ...                         "effect": [-13.6], "effect_low": [-15.1], "effect_high": [-12.1]})
    >>> ax = cc.plots.driver_chart(drivers, ax=Figure().add_subplot())
    >>> [label.get_text() for label in ax.get_yticklabels()]
    ['Wait: +60 s']
    """
    needs = ("driver", "level", "reference", "responses", "effect", "effect_low", "effect_high")
    frame = read(drivers, what="drivers", needs=needs, made_by="explain_satisfaction")
    many = len(frame)
    if many > _ROWS:
        strongest = np.argsort(-np.nan_to_num(np.abs(numbers(frame, "effect", "drivers"))), kind="stable")[:_ROWS]
        frame = frame.iloc[np.sort(strongest)]
    effect, low, high = (numbers(frame, name, "drivers") for name in needs[4:])
    size = (8.0, max(2.6, 1.5 + 0.26 * len(frame)))
    ax, look = start(ax, size, lang)
    heading = legible(title, 200) or phrase("plot_drivers", lang)
    if not len(frame):
        say_no_data(ax, look, lang)
        finish(ax, look, title=heading, subtitle=[])
        return ax
    rows = np.arange(len(frame))
    ax.axvline(0, color=look.muted, linewidth=1, label="none")
    with np.errstate(invalid="ignore"):
        clear = (low > 0) | (high < 0)
    for mine, worse in ((clear & (effect < 0), True), (clear & (effect >= 0), False)):
        colour = look.bad if worse else look.good
        ax.hlines(rows[mine], low[mine], high[mine], color=colour, linewidth=1.6)
        ax.plot(effect[mine], rows[mine], "v" if worse else "^", color=colour, markersize=7, label="worse" if worse else "better")
    open_ones = ~clear & np.isfinite(effect)
    ax.hlines(rows[open_ones], low[open_ones], high[open_ones], color=look.muted, linewidth=1.2)
    ax.plot(effect[open_ones], rows[open_ones], "o", color=look.muted, markerfacecolor=look.paper, markersize=5.5, label="unclear")
    ax.set_yticks(rows, [_row_name(*row, lang=lang) for row in zip(*(texts(frame[name]) for name in needs[:3]), strict=True)])
    ax.set_ylim(len(frame) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=look.faint, linewidth=0.6)
    value_axis(ax, "x", "points", phrase("plot_effect", lang), lang)
    parts = [phrase("plot_n_rows", lang, shown=number_text(len(frame), lang=lang), count=number_text(many, lang=lang))]
    finish(ax, look, title=heading, subtitle=[phrase("plot_drivers_what", lang), parts[0] if many > len(frame) else ""])
    return ax


def _row_name(driver: str, level: str, reference: str, *, lang: str) -> str:
    """``Queue: b (against a)``; of a number, ``Wait: +60 s``."""
    against = "" if level.startswith("+") or not reference else f" ({phrase('plot_against', lang, reference=reference[:100])})"
    return legible(f"{title_of(driver, lang)[:30]}: {level[:100]}", 32) + (f" {legible(against, 20)}" if against else "")
