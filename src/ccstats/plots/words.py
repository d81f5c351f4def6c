"""Words on charts: titles with their definitions, names beside lines instead of legends, and no markup from the data."""

from __future__ import annotations

import contextlib
import math
import textwrap
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ccstats.labels import phrase
from ccstats.plots.style import Look

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["finish", "key", "legible", "name_ends", "note", "say_no_data"]

#: Sizes of title, subtitle and other words. [points]
_TITLE, _SUBTITLE, _TEXT = 12.0, 9.0, 9.0
#: Mean width of a letter, as a share of its size: of plain and of bold text.
_LETTER, _BOLD = 0.48, 0.58


@lru_cache(maxsize=8)
def _letters(families: tuple[str, ...]) -> frozenset[int]:
    """The letters that these fonts can draw."""
    from matplotlib.font_manager import findfont, get_font

    known: set[int] = set()
    for family in families:
        with contextlib.suppress(ValueError):  # a font that is not installed
            known |= set(get_font(findfont(family, fallback_to_default=False)).get_charmap())
    return frozenset(known)


def legible(text: Any, most: int = 40) -> str:
    r"""A text of the data as it can be drawn: on one line, shortened, without letters no font has, and never taken for a formula.

    Parameters
    ----------
    text : object
        A queue, an agent, a title; None is no text.
    most : int
        Longer ones end in an ellipsis. [letters]

    Examples
    --------
    >>> legible("cost $x^2$\n<script>"), legible("a" * 10_000, most=5)
    ('cost \\$x^2\\$ <script>', 'aaaa…')
    """
    import matplotlib as mpl

    if text is None:
        return ""
    line = " ".join(str(text)[: 4 * most].split())
    line = line if len(line) <= most else f"{line[: most - 1].rstrip()}…"
    settings: Any = mpl.rcParams
    families = [each for name in settings["font.family"] for each in (settings.get(f"font.{name}") or [name])]
    known = _letters(tuple(families))
    drawn = "".join(
        letter if letter.isprintable() and (ord(letter) in known or not known) else "\N{REPLACEMENT CHARACTER}" for letter in line
    )
    return drawn.replace("$", r"\$")


def _wrapped(ax: Axes, text: str, width_of_letter: float, lines: int) -> str:
    figure: Any = ax.figure
    names = max((len(label.get_text()) for label in ax.get_yticklabels()), default=0)
    beside = max(0.0, names * _TEXT * _LETTER - 0.1 * figure.get_figwidth() * 72)  # long names of rows make the axes narrower
    width = ax.get_position().width * figure.get_figwidth() * 72 - beside
    return "\n".join(textwrap.wrap(text, max(20, int(width / width_of_letter)), max_lines=lines, placeholder=" …"))


def finish(ax: Axes, look: Look, *, title: str, subtitle: Sequence[str]) -> None:
    r"""The title, what it says; below it, smaller, how it is defined and what it rests on.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    look : Look
        Its colours.
    title : str
        At most two lines.
    subtitle : sequence of str
        Parts, a line or more each; empty ones are left out.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from ccstats.plots.style import start
    >>> ax, look = start(Figure().add_subplot(), (6, 4), "en")
    >>> finish(ax, look, title="Service level", subtitle=["answered_within / (offered - open)", "n = 10"])
    >>> ax.get_title(loc="left"), ax.texts[-1].get_text()
    ('Service level', 'answered_within / (offered - open)\nn = 10')
    """
    below = "\n".join(_wrapped(ax, part, _SUBTITLE * _LETTER, 2) for part in subtitle if part)
    rows = below.count("\n") + 1 if below else 0
    text = ax.annotate(
        below, (0, 1), (0, 6), xycoords="axes fraction", textcoords="offset points", fontsize=_SUBTITLE, color=look.muted, va="bottom"
    )
    text.set(linespacing=1.25, gid="subtitle")
    pad = 8 + rows * _SUBTITLE * 1.3 + (3 if rows else 0)
    ax.set_title(_wrapped(ax, title, _TITLE * _BOLD, 2), loc="left", fontsize=_TITLE, fontweight="bold", color=look.ink, pad=pad)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set(color=look.muted, fontsize=_TEXT)


def note(
    ax: Axes, text: str, where: tuple[Any, Any], colour: str, *, shift: tuple[float, float] = (5, 0), end: bool = False, **more: Any
) -> None:
    """A word beside what it names, in its colour, instead of a legend.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    text : str
        What is said.
    where : tuple
        The point it belongs to.
    colour : str
        Of the text.
    shift : tuple of float
        How far from the point. [points]
    end : bool
        The point's x is a share of the width of the axes: 1 is the right end.
    **more
        Further properties of the text.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().add_subplot()
    >>> note(ax, "target", (1, 0.8), "black", end=True)
    >>> ax.texts[0].get_text()
    'target'
    """
    from matplotlib.colors import to_rgba
    from matplotlib.patheffects import withStroke

    coordinates: Any = ("axes fraction", "data") if end else "data"
    style = {"fontsize": 8.5, "va": "center", "color": colour, "annotation_clip": False if end else None, **more}
    drawn = ax.annotate(text, where, shift, xycoords=coordinates, textcoords="offset points", **style)
    if not end:  # it may stand on lines
        paper = ax.get_facecolor() if to_rgba(ax.get_facecolor())[3] > 0.5 else ax.figure.get_facecolor()
        drawn.set_path_effects([withStroke(linewidth=2.5, foreground=paper)])


def name_ends(ax: Axes, ends: dict[str, tuple[Any, str]]) -> None:
    """The names of lines at their right ends, moved apart where they would touch.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes, with their final limits.
    ends : dict of str to (values, colour)
        By their names; a line without any value has none.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import numpy as np
    >>> ax = Figure().add_subplot()
    >>> name_ends(ax, {"upper": (np.array([0.50]), "black"), "lower": (np.array([0.49]), "black")})
    >>> [text.get_text() for text in ax.texts]
    ['lower', 'upper']
    """
    low, high = ax.get_ylim()
    place = -math.inf
    last = {word: values[values == values][-1] for word, (values, _) in ends.items() if (values == values).any()}
    for word in sorted(last, key=lambda each: last[each]):
        place = max(float(last[word]), place + 0.05 * (high - low))
        note(ax, word, (1, place), ends[word][1], end=True)


def key(ax: Axes, lines: dict[str, tuple[Any, str]]) -> None:
    """A legend in the words' own colours, above the data.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes; they become a tenth higher.
    lines : dict of str to (dashes, colour)
        By their words.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().add_subplot()
    >>> key(ax, {"planned": ("--", "black")})
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['planned']
    """
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, linestyle=dash, linewidth=1.5, label=word) for word, (dash, colour) in lines.items()]
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + 0.1 * (high - low))
    legend = ax.legend(handles=handles, loc="upper left", ncols=len(handles), frameon=False, fontsize=8.5, borderaxespad=0.2)
    for text, (_, colour) in zip(legend.get_texts(), lines.values(), strict=True):
        text.set_color(colour)


def say_no_data(ax: Axes, look: Look, lang: str) -> None:
    """An empty chart that says so.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from ccstats.plots.style import start
    >>> ax, look = start(Figure().add_subplot(), (6, 4), "en")
    >>> say_no_data(ax, look, "en")
    >>> ax.texts[0].get_text()
    'no data'
    """
    ax.text(0.5, 0.5, phrase("no_data", lang), transform=ax.transAxes, ha="center", va="center", color=look.muted, fontsize=_TITLE)
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
