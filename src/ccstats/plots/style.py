"""The look that all charts share: colours that colour-blind readers can tell apart, on light and on dark, and lines with gaps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ccstats.errors import OptionError, TableError
from ccstats.labels import check_language

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["LINES", "LOOKS", "Look", "plot_style", "start", "trace"]

#: Size of text. [points]
_TEXT = 9.0
#: A line of at most so many values has dots.
_DOTS = 120
#: Lines of several series: dashes tell them apart where colours do not.
LINES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)))


@dataclass(frozen=True)
class Look:
    """The colours of one background, after Okabe and Ito.

    Attributes
    ----------
    paper, ink, muted, faint : str
        Background, text, secondary text, grid and bands.
    main, second, bad, good : str
        What is observed, what it is beside, what is worse, what is better.
    series : tuple of str
        For several series side by side.

    Examples
    --------
    >>> LOOKS["light"].main
    '#0072B2'
    """

    paper: str
    ink: str
    muted: str
    faint: str
    main: str
    second: str
    bad: str
    good: str
    series: tuple[str, ...]


#: By the name of the style.
LOOKS = {
    "light": Look(
        *("#FFFFFF", "#1F2328", "#57606A", "#D5DAE0", "#0072B2", "#B36B00", "#C44601", "#00795A"),
        ("#0072B2", "#D55E00", "#009E73", "#AA4A8A", "#8A6D00", "#3E8FC4", "#1F2328"),
    ),
    "dark": Look(
        *("#16191D", "#E8EAED", "#A7AFB8", "#3A4048", "#56B4E9", "#E69F00", "#FF8A5B", "#3FCFA4"),
        ("#56B4E9", "#FF8A5B", "#3FCFA4", "#E59CC5", "#F0E442", "#9AD0F5", "#E8EAED"),
    ),
}

_chosen: ContextVar[str | None] = ContextVar("ccstats_plot_style", default=None)


def _settings(look: Look) -> Any:
    from cycler import cycler

    return {
        "figure.facecolor": look.paper,
        "savefig.facecolor": look.paper,
        "axes.facecolor": look.paper,
        "axes.edgecolor": look.muted,
        "axes.labelcolor": look.muted,
        "axes.prop_cycle": cycler(color=look.series),
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.color": look.ink,
        "text.usetex": False,
        "xtick.color": look.muted,
        "ytick.color": look.muted,
        "grid.color": look.faint,
        "font.size": _TEXT,
        "svg.fonttype": "path",
    }


@contextlib.contextmanager
def _set(settings: dict[Any, Any]) -> Iterator[None]:
    """These settings, and no others, for a while.

    Matplotlib's ``rc_context`` puts all back, also what choosing a backend sets with the first figure: a notebook then shows no second one.
    """
    from matplotlib import rcParams

    before = {name: rcParams[name] for name in settings}
    rcParams.update(settings)
    try:
        yield
    finally:
        rcParams.update(before)


@contextlib.contextmanager
def plot_style(style: str = "light") -> Iterator[Look]:
    """The style of our charts for everything drawn inside: ``with cc.plots.plot_style("dark"): …``.

    Parameters
    ----------
    style : str
        ``light`` or ``dark``.

    Yields
    ------
    Look
        Its colours, for what you draw yourself.

    Raises
    ------
    OptionError
        If there is no such style.

    Notes
    -----
    Outside of it a chart on axes of yours takes the colours that can be read on their background; one without ``ax=`` follows Matplotlib's
    ``axes.facecolor``, so that ``plt.style.use("dark_background")`` gives dark charts as well.

    Examples
    --------
    >>> import matplotlib
    >>> with plot_style("dark") as look:
    ...     matplotlib.rcParams["axes.facecolor"] == look.paper
    True
    """
    if style not in LOOKS:
        raise OptionError(f"style={style!r}: expected one of: {', '.join(LOOKS)}")
    token = _chosen.set(style)
    try:
        with _set(_settings(LOOKS[style])):
            yield LOOKS[style]
    finally:
        _chosen.reset(token)


def _is_dark(colour: Any) -> bool:
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.4


def start(ax: Axes | None, size: tuple[float, float], lang: str) -> tuple[Axes, Look]:
    """The axes to draw on, in our style, and the colours that can be read on them.

    Parameters
    ----------
    ax : matplotlib.axes.Axes or None
        None makes a figure.
    size : tuple of float
        Width and height of that figure. [inches]
    lang : str
        Is checked before a figure is made.

    Returns
    -------
    tuple of matplotlib.axes.Axes and Look

    Raises
    ------
    OptionError
        If there is no such language.
    TableError
        If ``ax`` is no axes of Matplotlib.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> start(Figure(facecolor="black").add_subplot(facecolor="black"), (6, 4), "en")[1] == LOOKS["dark"]
    True
    """
    import matplotlib as mpl
    from matplotlib.axes import Axes
    from matplotlib.colors import to_rgba

    check_language(lang)
    if ax is None:
        import matplotlib.pyplot as plt

        style = _chosen.get() or ("dark" if _is_dark(mpl.rcParams["axes.facecolor"]) else "light")
        with _set(_settings(LOOKS[style])):
            _, ax = plt.subplots(figsize=size, layout="constrained")
    elif isinstance(ax, Axes):
        alpha = ax.patch.get_alpha()
        seen = ax.patch.get_visible() and to_rgba(ax.get_facecolor())[3] > 0.5 and (alpha is None or alpha > 0.5)
        shown = ax.get_facecolor() if seen else None
        style = "dark" if _is_dark(ax.figure.get_facecolor() if shown is None else shown) else "light"
    else:
        raise TableError(f"ax={type(ax).__qualname__}: expected axes of Matplotlib, such as plt.subplots() gives; several are one too many")
    look = LOOKS[style]
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(look.muted)
    ax.tick_params(colors=look.muted, labelsize=_TEXT, length=3)
    ax.grid(axis="y", color=look.faint, linewidth=0.6)
    ax.set_axisbelow(True)
    return ax, look


def trace(ax: Axes, x: Any, values: Any, colour: str, **more: Any) -> None:
    """A line with gaps where values are missing; with dots where there are few, or where one stands alone between gaps.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    x, values : array
        Where, and what.
    colour : str
        Of line and dots.
    **more
        Further properties of the line.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> import numpy as np
    >>> ax = Figure().add_subplot()
    >>> trace(ax, np.arange(3), np.array([1.0, np.nan, 2.0]), "black", label="value")
    >>> ax.lines[0].get_marker(), len(ax.lines)
    ('o', 1)
    """
    few = len(values) <= _DOTS
    ax.plot(x, values, color=colour, linewidth=1.4 if few else 0.9, marker="o" if few else None, markersize=3.5, **more)
    gaps = np.isnan(np.r_[np.nan, values, np.nan])
    alone = ~gaps[1:-1] & gaps[:-2] & gaps[2:]
    if not few and alone.any():
        ax.plot(x[alone], values[alone], ".", color=colour, markersize=3, label="_alone")
