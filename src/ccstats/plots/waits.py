"""How long people waited, and how long they are willing to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.labels import column_label, number_text, phrase, vocabulary_word
from ccstats.plots.scales import value_axis, value_text
from ccstats.plots.style import LINES, Look, start
from ccstats.plots.tables import chosen, numbers, read, texts
from ccstats.plots.words import apart, finish, legible, name_ends, note, say_no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["patience_curve", "wait_distribution"]

_WITHIN = re.compile(r"(answered|abandoned)_share_within_(\d[\d.e+-]*)s")
#: A curve has no more steps than this; it is exact at those it has.
_STEPS = 2000
#: Behind the right end of a curve of patience stand at least so many contacts, where there are so many.
_AT_RISK = 10


def wait_distribution(
    contacts: Any,
    *,
    queue: str | None = None,
    threshold_s: float | None = None,
    title: str | None = None,
    lang: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Which share of the answered, and of the abandoned, had waited no longer than each time.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        `contacts`, or what `ccstats.measure_waits` makes: then the shares it has are points on the curve.
    queue : str, optional
        One of them; by default all contacts together.
    threshold_s : float, optional
        A line, with the share of the answered that had been answered by then. [s]
    title : str, optional
        Instead of *How long people waited*.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        Two distributions, not a service level, whose denominator is all contacts. The axis ends where 99 % had been answered or had left.
        Waits that are not known, and of those still waiting, are in none.

    Raises
    ------
    OptionError
        If there is no such queue; if a table of `ccstats.measure_waits` has several and none was asked for.
    ColumnError, TableError
        If a column is missing or holds something else.

    See Also
    --------
    patience_curve : how long people are willing to wait; the abandoned alone do not tell.

    Examples
    --------
    >>> import ccstats as cc
    >>> from matplotlib.figure import Figure
    >>> ax = cc.plots.wait_distribution(cc.synthesize_contacts(seed=1).contacts, threshold_s=20, ax=Figure().add_subplot())
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('Wait [s]', 'Share [%]')
    """
    frame = read(contacts, what="contacts", needs=(), made_by="read")
    measured = any(_WITHIN.fullmatch(str(name)) for name in frame.columns)
    if measured or queue is not None:
        frame, _ = chosen(frame, "queue", queue, what="waits" if measured else "contacts")
    curves, counts = _measured(frame) if measured else _observed(frame)
    ax, look = start(ax, (8.0, 4.4), lang)
    heading = (legible(title, 200) or phrase("plot_waits", lang)) + (f", {legible(queue)}" if queue is not None and not title else "")
    if not curves:
        say_no_data(ax, look, lang)
        finish(ax, look, title=heading, subtitle=[])
        return ax
    longest = max(float(np.interp(0.99, share, wait)) for wait, share in curves.values())
    drawing: dict[str, Any] = (
        {"linewidth": 0.8, "marker": "o", "markersize": 4} if measured else {"linewidth": 1.6, "drawstyle": "steps-post"}
    )
    for word, (wait, share) in curves.items():
        colour, line = (look.main, "-") if word == "answered" else (look.second, "--")
        ax.plot(wait, share, linestyle=line, color=colour, label=word, **drawing)
    ax.set(xlim=(0, max(longest, threshold_s or 0, 1.0) * 1.02), ylim=(0, 1.03))
    ends: dict[str, tuple[Any, str]] = {}
    for word, (wait, share) in curves.items():
        name = f"{vocabulary_word(word, 'outcome', lang)} (n = {number_text(counts[word], lang=lang)})"
        end = float(share[np.searchsorted(wait, ax.get_xlim()[1], side="right") - 1])
        ends[name] = (np.array([end]), look.main if word == "answered" else look.second)
    name_ends(ax, ends)
    if threshold_s is not None:
        _threshold(ax, look, threshold_s, curves.get("answered"), measured, lang)
    value_axis(ax, "y", "ratio", phrase("plot_share", lang), lang)
    value_axis(ax, "x", "s", phrase("plot_wait", lang), lang, values=[longest])
    finish(ax, look, title=heading, subtitle=[phrase("plot_waits_what", lang)])
    return ax


_Curve = tuple[NDArray[np.float64], NDArray[np.float64]]


def _measured(frame: pd.DataFrame) -> tuple[dict[str, _Curve], dict[str, float]]:
    """Points of the distributions of a table that holds shares."""
    curves, counts = {}, {}
    for word in ("answered", "abandoned"):
        steps = {float(match[2]): match[0] for name in frame.columns if (match := _WITHIN.fullmatch(str(name))) and match[1] == word}
        if len(frame) and steps and word in frame:
            share = np.array([numbers(frame, steps[limit], "waits")[0] for limit in sorted(steps)])
            if np.isfinite(share).any():
                curves[word], counts[word] = (np.array(sorted(steps)), share), float(numbers(frame, word, "waits")[0])
    return curves, counts


def _observed(frame: pd.DataFrame) -> tuple[dict[str, _Curve], dict[str, float]]:
    """Distributions of waits as steps from 0."""
    read(frame, what="contacts", needs=("outcome", "wait_s"), made_by="read")
    wait, outcome = numbers(frame, "wait_s", "contacts"), frame["outcome"].astype("object").to_numpy()
    curves, counts = {}, {}
    for word in ("answered", "abandoned"):
        mine = np.sort(wait[(outcome == word) & np.isfinite(wait)])
        if len(mine):
            at, share = np.r_[0.0, mine], np.arange(len(mine) + 1) / len(mine)
            kept = np.unique(np.linspace(0, len(mine), min(_STEPS, len(mine) + 1)).round().astype("int64"))
            curves[word], counts[word] = (at[kept], share[kept]), float(len(mine))
    return curves, counts


def _threshold(ax: Axes, look: Look, threshold_s: float, answered: _Curve | None, measured: bool, lang: str) -> None:
    ax.axvline(threshold_s, color=look.muted, linewidth=1, linestyle=":", label="threshold")
    said = value_text(threshold_s, "s", lang)
    if answered is not None:
        wait, share = answered
        exact = not measured or threshold_s in wait
        at = float(share[np.searchsorted(wait, threshold_s, side="right") - 1]) if exact and threshold_s >= wait[0] else np.nan
        if np.isfinite(at):
            said = phrase("plot_by_then", lang, wait=said, share=value_text(at, "ratio", lang))
    note(ax, said, (threshold_s, 0.05), look.ink, gid="threshold")


def patience_curve(
    patience: Any,
    *,
    queue: str | None = None,
    title: str | None = None,
    lang: str = "en",
    ax: Axes | None = None,
) -> Axes:
    """Which share of callers is willing to wait longer than each time, by Kaplan and Meier.

    Parameters
    ----------
    patience : Patience, pandas.DataFrame or Arrow table
        What `ccstats.estimate_patience` found, or its ``curve``.
    queue : str, optional
        One of them; by default all that are there, each with its own line, up to seven.
    title : str, optional
        Instead of *How long people are willing to wait*.
    lang : str
        ``en``, ``de``, ``es`` or ``tr``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; by default on a figure of its own.

    Returns
    -------
    matplotlib.axes.Axes
        With one curve, its limits as a band and the exponential law of the mean, which Erlang A takes, dotted. Curves end where fewer
        than ten were still waiting.

    Raises
    ------
    OptionError
        If there is no such queue, or there are more than seven and none was asked for.
    ColumnError, TableError
        If a column is missing or holds something else.

    See Also
    --------
    ccstats.estimate_patience : the curve.

    Examples
    --------
    >>> import ccstats as cc
    >>> from matplotlib.figure import Figure
    >>> patience = cc.estimate_patience(cc.synthesize_contacts(seed=1).contacts)
    >>> ax = cc.plots.patience_curve(patience, ax=Figure().add_subplot())
    >>> ax.get_xlabel(), [line.get_label() for line in ax.lines]
    ('Wait [s]', ['survival', 'exponential'])
    """
    groups = getattr(patience, "groups", None)
    needs = ("time_s", "at_risk", "survival", "survival_low", "survival_high")
    frame = read(getattr(patience, "curve", patience), what="patience", needs=needs, made_by="estimate_patience")
    known = np.isfinite(np.array([numbers(frame, name, "patience") for name in needs[:3]])).all(axis=0)
    frame = frame.take(np.flatnonzero(known))
    words = texts(frame["queue"]).unique().tolist() if "queue" in frame else [None]
    if queue is not None or len(words) > len(LINES):
        frame, _ = chosen(frame, "queue", queue, what="patience")
        words = [queue]
    ax, look = start(ax, (8.0, 4.4), lang)
    alone = f", {legible(words[0])}" if len(words) == 1 and words[0] else ""
    heading = legible(title, 200) or phrase("plot_patience", lang) + alone
    parts = {word: frame if word is None or len(words) == 1 else frame[(texts(frame["queue"]) == word).to_numpy()] for word in words}
    parts = {word: part for word, part in parts.items() if len(part)}
    if not parts:
        say_no_data(ax, look, lang)
        finish(ax, look, title=heading, subtitle=[])
        return ax
    ends, asked = [], 0.0
    last: dict[Any, tuple[float, float, str]] = {}
    for at, (word, part) in enumerate(parts.items()):
        time, risk, share = (numbers(part, name, "patience") for name in ("time_s", "at_risk", "survival"))
        asked += float(np.nanmax(risk))
        seen = np.flatnonzero(risk >= min(_AT_RISK, np.nanmax(risk)))
        ends.append(float(time[seen[-1]]))
        part, time, share = part.iloc[: seen[-1] + 1], time[: seen[-1] + 1], share[: seen[-1] + 1]
        if len(parts) == 1:
            low, high = numbers(part, "survival_low", "patience"), numbers(part, "survival_high", "patience")
            ax.fill_between(time, low, high, step="post", color=look.main, alpha=0.18, linewidth=0, label="limits")
        colour = look.series[at % len(look.series)]
        ax.plot(time, share, drawstyle="steps-post", color=colour, linestyle=LINES[at], linewidth=1.6, label=word or "survival")
        last[word] = (time[-1], float(share[-1]), colour)
    ax.set(xlim=(0, max(*ends, 1.0)), ylim=(0, 1.03))
    if len(parts) > 1:
        places = apart(ax, {word: end[1] for word, end in last.items()}, {word: end[0] for word, end in last.items()})
        for word, place in places.items():
            note(ax, legible(word, 24), (last[word][0], place), last[word][2], annotation_clip=False)
    said = _law_and_median(ax, look, groups, next(iter(parts)), lang) if len(parts) == 1 else ""
    value_axis(ax, "y", "ratio", phrase("plot_still_willing", lang), lang)
    value_axis(ax, "x", "s", phrase("plot_wait", lang), lang, values=ends)
    basis = " · ".join(part for part in (phrase("plot_n_contacts", lang, count=number_text(asked, lang=lang)), said) if part)
    finish(ax, look, title=heading, subtitle=[phrase("plot_patience_what", lang), basis])
    return ax


def _law_and_median(ax: Axes, look: Look, groups: Any, word: str | None, lang: str) -> str:
    """The exponential law of the mean, and mean and median in words, where they are known."""
    if not isinstance(groups, pd.DataFrame) or "mean_s" not in groups:
        return ""
    row = groups[(texts(groups["queue"]) == word).to_numpy()] if word is not None and "queue" in groups else groups
    if len(row) != 1 or not np.isfinite(mean := float(row["mean_s"].iloc[0])):
        return ""
    at = np.linspace(0, ax.get_xlim()[1], 200)
    ax.plot(at, np.exp(-at / mean), linestyle=":", linewidth=1.3, color=look.second, label="exponential")
    text = phrase("plot_exponential", lang, mean=value_text(mean, "s", lang))
    note(ax, text, (at[110], float(np.exp(-at[110] / mean))), look.second, shift=(-4, -14), ha="right")
    median = float(row["median_s"].iloc[0])
    return f"{column_label('median_s', lang)} {value_text(median, 's', lang)}" if np.isfinite(median) else ""
