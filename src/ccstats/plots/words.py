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

__all__ = ["apart", "finish", "key", "legible", "name_ends", "note", "say_no_data", "size_of", "width_of", "wrapped"]

#: Sizes of title, subtitle and other words. [points]
_TITLE, _SUBTITLE, _TEXT = 12.0, 9.0, 9.0
#: A title, a part of a subtitle, a label have so many lines at most.
_LINES = 3
#: Height of a line of names. [points]
_LINE = 11.0
#: Least gap between names side by side. [points]
_GAP = 8.0
#: Bold text is so much wider.
_BOLD = 1.15
#: Height that a strip of bars takes from the axes above it. [points]
_STRIP = 50.0
#: Length of a legend's sample of a line, with the gaps around it. [points]
_SAMPLE = 40.0


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


def size_of(ax: Axes) -> tuple[float, float]:
    """Width and height that the axes will have at least when titles and names around them have taken their share: points.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> [round(size) for size in size_of(Figure(figsize=(10, 10)).add_subplot())]
    [446, 444]
    """
    figure: Any = ax.figure
    wide, high = (0.8 * size * 72 / figure.dpi for size in (ax.bbox.width, ax.bbox.height))
    return wide, high - (_STRIP if ax.child_axes else 0.0)


@lru_cache(maxsize=4096)
def width_of(text: str, size: float) -> float:
    """Width of a text in points.

    Examples
    --------
    >>> width_of("two words", 8) > width_of("two", 8) > 0
    True
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    return float(text_to_path.get_text_width_height_descent(text, FontProperties(size=size), ismath=False)[0])


def wrapped(text: str, size: float, width: float) -> str:
    r"""A text on one line, two or three, as wide as there is room for.

    Parameters
    ----------
    text : str
        What a fourth line would hold is cut.
    size, width : float
        Of the text, and of the room. [points]

    Examples
    --------
    >>> wrapped("Service level of all offered", 9, 100)
    'Service level of all\noffered'
    """
    if not text:
        return ""
    letters = max(20, int(width * len(text) / width_of(text, size)))
    return "\n".join(textwrap.wrap(text, letters, max_lines=_LINES, placeholder=" …"))


def _room(ax: Axes) -> float:
    """Width for words above the axes and below them: points; a little of the margin at the right is theirs."""
    figure: Any = ax.figure
    names = max((width_of(label.get_text(), _TEXT) for label in ax.get_yticklabels() if label.get_text()), default=0.0)
    beside = max(0.0, names - 0.1 * figure.bbox.width * 72 / figure.dpi)  # long names of rows make the axes narrower
    return 1.03 * ax.bbox.width * 72 / figure.dpi - beside


def finish(ax: Axes, look: Look, *, title: str, subtitle: Sequence[str], above: float = 0.0) -> None:
    r"""The title, what it says; below it, smaller, how it is defined and what it rests on.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    look : Look
        Its colours.
    title : str
        At most three lines.
    subtitle : sequence of str
        Parts, a line or more each; empty ones are left out.
    above : float
        Height of what stands between them and the axes. [points]

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from ccstats.plots.style import start
    >>> ax, look = start(Figure().add_subplot(), (6, 4), "en")
    >>> finish(ax, look, title="Service level", subtitle=["answered_within / (offered - open)", "n = 10"])
    >>> ax.get_title(loc="left"), ax.texts[-1].get_text()
    ('Service level', 'answered_within / (offered - open)\nn = 10')
    """
    room = _room(ax)
    below = "\n".join(wrapped(part, _SUBTITLE, room) for part in subtitle if part)
    rows = below.count("\n") + 1 if below else 0
    text = ax.annotate(
        below,
        (0, 1),
        (0, 6 + above),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=_SUBTITLE,
        color=look.muted,
        va="bottom",
    )
    text.set(linespacing=1.25, gid="subtitle")
    pad = 8 + above + rows * _SUBTITLE * 1.3 + (3 if rows else 0)
    ax.set_title(wrapped(title, _TITLE * _BOLD, room), loc="left", fontsize=_TITLE, fontweight="bold", color=look.ink, pad=pad)
    figure: Any = ax.figure
    high = ax.bbox.height * 72 / figure.dpi - pad - (_STRIP if ax.child_axes else 0.0)
    for axis, length in ((ax.xaxis, 0.9 * room), (ax.yaxis, high)):
        axis.label.set(text=wrapped(axis.label.get_text(), _TEXT, length), color=look.muted, fontsize=_TEXT)


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
    last = {word: float(values[values == values][-1]) for word, (values, _) in ends.items() if (values == values).any()}
    for word, place in apart(ax, last).items():
        note(ax, word, (1, place), ends[word][1], end=True)


def apart(ax: Axes, places: dict[str, float], begins: dict[str, float] | None = None) -> dict[str, float]:
    """Where names stand along y that belong to these values: upwards in their order, each at least a line above those it would touch.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes, with their final limits.
    places : dict of str to float
        Values by their names.
    begins : dict of str to float, optional
        Where the names begin along x; by default all at one place.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure(figsize=(6, 4)).add_subplot()
    >>> found = apart(ax, {"upper": 0.50, "other": 0.1, "lower": 0.49})
    >>> {word: round(place, 2) for word, place in found.items()}
    {'other': 0.1, 'lower': 0.49, 'upper': 0.55}
    >>> apart(ax, {"upper": 0.50, "lower": 0.49}, {"upper": 0.0, "lower": 0.9})
    {'lower': 0.49, 'upper': 0.5}
    """
    (left, right), (low, high), (width, height) = ax.get_xlim(), ax.get_ylim(), size_of(ax)
    line = float(_LINE / height * (high - low))
    at = {word: (begins[word] - left) / (right - left) * width if begins else 0.0 for word in places}

    def touch(one: str, other: str) -> bool:
        first, second = sorted((one, other), key=lambda word: at[word])
        return not begins or at[second] - at[first] < width_of(legible(first, 24), 8.5) + _GAP

    moved: dict[str, float] = {}
    for word in sorted(places, key=lambda each: places[each]):
        moved[word] = max(places[word], max((moved[each] for each in moved if touch(word, each)), default=-math.inf) + line)
    top, done = max(float(high), max(places.values(), default=high)), list[str]()
    for word in reversed(list(moved)):  # what was pushed out at the top comes down again
        moved[word] = min(moved[word], top, min((moved[each] for each in done if touch(word, each)), default=math.inf) - line)
        done.append(word)
    return moved


def key(ax: Axes, lines: dict[str, tuple[Any, str]]) -> None:
    """A legend in the words' own colours, above the data.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes; they become higher, so that the words stand above what is drawn.
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
    beside = max(1, int(size_of(ax)[0] / (max(width_of(word, 8.5) for word in lines) + _SAMPLE)))
    low, high = ax.get_ylim()
    share = min(0.5, (3 + 15 * -(-len(lines) // beside)) / size_of(ax)[1])
    ax.set_ylim(low, low + (high - low) / (1 - share))
    columns = min(beside, len(lines))
    legend = ax.legend(handles=handles, loc="upper left", ncols=columns, frameon=False, fontsize=8.5, borderaxespad=0.2)
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
