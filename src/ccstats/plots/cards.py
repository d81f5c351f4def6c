"""The verdict at a glance: a card a target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ccstats.labels import moment_text, number_text, phrase, reason, translate
from ccstats.plots.scales import target_text, title_of, unit_of_metric, value_text
from ccstats.plots.style import Look, start
from ccstats.plots.tables import chosen, numbers, one_period, read, texts
from ccstats.plots.words import finish, legible, say_no_data, size_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["kpi_cards"]

#: Verdicts by a sign as well as a colour.
_SIGNS = {"met": "✔", "not_met": "✘", "not_decidable": "?"}
_ARROWS = {"better": "▲", "worse": "▼", "steady": "▶"}
#: Cards side by side, and in all.
_COLUMNS, _CARDS = 4, 24
#: Narrowest card that is put beside others. [points]
_NARROWEST = 110.0


def kpi_cards(
    kpis: Any,
    *,
    period_start: Any = None,
    queue: str | None = None,
    title: str | None = None,
    lang: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """A card a metric: its value, its target, and what can be said of it.

    Parameters
    ----------
    kpis : pandas.DataFrame or Arrow table
        As `ccstats.build_scorecard` makes it.
    period_start : datetime-like, optional
        Which period; by default the last.
    queue : str, optional
        Which, where the table has several; by default ``all`` where it is among them.
    title : str, optional
        Instead of *Scorecard*, the queue and the period.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Verdicts have a sign and a word as well as a colour. Where the margin of error or other periods decided, so that value and target
        alone do not tell the verdict, the card says so. The first 24 cards are drawn, and the subtitle says how many there are.

    Raises
    ------
    OptionError
        If there are several queues, none of them ``all``, and none was asked for; if there is no such queue or period.
    ColumnError, TableError
        If a column is missing or holds something else.

    Examples
    --------
    >>> import pandas as pd
    >>> import ccstats as cc
    >>> from matplotlib.figure import Figure
    >>> kpis = pd.DataFrame({"queue": "sales", "period_start": pd.to_datetime(["2025-03-01T00:00Z"]), "metric": "service_level",
    ...                      "target": "sla", "value": 0.834, "target_low": 0.8, "target_high": None, "verdict": "met"})
    >>> ax = cc.plots.kpi_cards(kpis, ax=Figure().add_subplot())
    >>> [text.get_text() for text in ax.texts if text.get_gid() == "value"]
    ['83.4 %']
    """
    needs = ("period_start", "metric", "value", "target_low", "target_high", "verdict")
    frame = read(kpis, what="kpis", needs=needs, made_by="build_scorecard")
    frame, who = chosen(frame, "queue", queue, what="kpis", prefer="all")
    frame, moment = one_period(frame, period_start, what="kpis", last=True)
    shown = frame.head(_CARDS)
    columns = min(_COLUMNS, max(len(shown), 1))
    size = (2.55 * columns + 0.3, 1.3 * -(-max(len(shown), 1) // columns) + 0.9)
    if ax is not None:  # as many side by side as can be read
        columns = max(1, min(columns, int(size_of(ax)[0] / _NARROWEST)))
    rows = max(-(-len(shown) // columns), 1)
    ax, look = start(ax, size, lang)
    period = texts(frame["period"]).iloc[0] if "period" in frame and len(frame) else "day"
    heading = legible(title, 200) or ", ".join(
        part
        for part in (
            phrase("scorecard", lang),
            (phrase("all_queues", lang) if who == "all" else legible(who)) if who else "",
            moment_text(moment, period=period, lang=lang) if moment is not None else "",
        )
        if part
    )
    ax.spines[["left", "bottom"]].set_visible(False)
    ax.grid(visible=False)
    ax.set(xticks=[], yticks=[], xlim=(0, columns), ylim=(rows, 0))
    if shown.empty:
        say_no_data(ax, look, lang)
        finish(ax, look, title=heading, subtitle=[])
        return ax
    value, low, high = (numbers(shown, name, "kpis") for name in needs[2:5])
    told = pd.DataFrame({name: texts(shown[name]) for name in ("metric", "verdict", "verdict_reason", "trend", "unit") if name in shown})
    for at, row in enumerate(told.to_dict("records")):
        _card(ax, look, at % columns, at // columns, row, value[at], low[at], high[at], lang)
    verdicts = texts(frame["verdict"])
    counts = {word: number_text((verdicts == word).sum(), lang=lang) for word in _SIGNS}
    said = phrase(
        "targets_met", lang, met=counts["met"], all=number_text((verdicts != "").sum(), lang=lang), undecided=counts["not_decidable"]
    )
    cut = phrase("plot_n_rows", lang, shown=number_text(len(shown), lang=lang), count=number_text(len(frame), lang=lang))
    finish(ax, look, title=heading, subtitle=[said, cut if len(frame) > len(shown) else ""])
    return ax


def _card(ax: Axes, look: Look, column: int, line: int, row: dict[Any, Any], value: float, low: float, high: float, lang: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    verdict = row["verdict"]
    colour = {"met": look.good, "not_met": look.bad}.get(verdict, look.muted)
    box = FancyBboxPatch((column + 0.04, line + 0.06), 0.92, 0.88, boxstyle="round,pad=0,rounding_size=0.04", linewidth=0)
    box.set(facecolor=look.faint, alpha=0.35)
    ax.add_patch(box)
    ax.plot([column + 0.04] * 2, [line + 0.06, line + 0.94], color=colour, linewidth=3, solid_capstyle="butt", label=verdict or "_none")
    metric = row["metric"]
    unit = row.get("unit") or unit_of_metric(metric)
    x, why = column + 0.1, _why(row, lang)
    lines = (0.16, 0.38, 0.57, 0.73, 0.88) if why else (0.2, 0.46, 0.67, 0.84, 1.0)
    ax.text(x, line + lines[0], legible(title_of(metric, lang), _letters(ax, 8.5)), fontsize=8.5, color=look.muted, va="center")
    said = value_text(value, unit, lang) if np.isfinite(value) else phrase("not_measured", lang)
    ax.text(
        x, line + lines[1], said, fontsize=15 if np.isfinite(value) else 10, fontweight="bold", color=look.ink, va="center", gid="value"
    )
    arrow = _ARROWS.get(row.get("trend", ""), "")
    if arrow:
        trend = look.good if row["trend"] == "better" else look.bad if row["trend"] == "worse" else look.muted
        ax.text(column + 0.92, line + lines[1], arrow, fontsize=11, color=trend, ha="right", va="center", gid="trend")
    ax.text(
        x,
        line + lines[2],
        legible(_target(low, high, unit, lang), _letters(ax, 8)),
        fontsize=8,
        color=look.muted,
        va="center",
        gid="target",
    )
    if verdict:
        text = f"{_SIGNS.get(verdict, '')} {phrase(verdict, lang) if verdict in _SIGNS else legible(verdict, 20)}"
        ax.text(x, line + lines[3], text.strip(), fontsize=8.5, color=colour, fontweight="bold", va="center", gid="verdict")
    if why:
        ax.text(x, line + lines[4], legible(why, _letters(ax, 7)), fontsize=7, color=look.muted, va="center", gid="why")


def _letters(ax: Axes, points: float) -> int:
    """How many letters of a size a card has room for; they are 0.56 as wide as high."""
    return max(8, int(0.84 * size_of(ax)[0] / ax.get_xlim()[1] / (0.56 * points)))


def _why(row: dict[Any, Any], lang: str) -> str:
    """What decided, where value and target alone did not: the margin of error, or other periods."""
    said = row.get("verdict_reason", "")
    if row["verdict"] not in ("met", "not_met"):
        return ""
    return phrase("within_margin", lang) if said == reason("misses_within_margin") else translate(said, lang)


def _target(low: float, high: float, unit: str, lang: str) -> str:
    """``target: at least 80 %``."""
    if np.isfinite(low) and np.isfinite(high):
        return phrase("between", lang, low=target_text(low, unit, lang), high=target_text(high, unit, lang))
    if np.isfinite(low):
        return phrase("at_least", lang, value=target_text(low, unit, lang))
    if np.isfinite(high):
        return phrase("at_most", lang, value=target_text(high, unit, lang))
    return phrase("no_target", lang)
