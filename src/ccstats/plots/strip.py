"""Contacts as bars in a strip below a chart over time: what its values rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccstats.labels import phrase
from ccstats.plots.scales import place_axis, value_axis
from ccstats.plots.style import Look
from ccstats.plots.tables import Places

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["strip_below"]

#: Height of the bars. [inches]
_HEIGHT = 0.6


def strip_below(ax: Axes, look: Look, places: Places, counted: Any, lang: str, *, width: Any, align: str = "center") -> Axes:
    """The bars, as an inset below the axes that share their periods; the periods are named below it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes, with what they show.
    look : Look
        Its colours.
    places : Places
        The periods.
    counted : array of float
        Contacts of each.
    lang : str
        Language.
    width : float or timedelta
        Of a bar.
    align : str
        ``center``, or ``edge`` where a period is a step.

    Returns
    -------
    matplotlib.axes.Axes
        The inset.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from ccstats.plots.style import start
    >>> from ccstats.plots.tables import places_of
    >>> ax, look = start(Figure().add_subplot(), (6, 4), "en")
    >>> _, places = places_of(pd.DataFrame({"slot": ["08:00", "09:00"]}), None, what="service", made_by="")
    >>> [int(bar.get_height()) for bar in strip_below(ax, look, places, [10, 12], "en", width=0.8).patches]
    [10, 12]
    """
    below = _below(ax)
    strip = ax.inset_axes((0, -_HEIGHT - 0.16, 1, _HEIGHT), transform=below, sharex=ax)
    strip.bar(places.x, counted, width=width, align=align, color=look.muted, alpha=0.7, linewidth=0)  # type: ignore[arg-type]
    strip.set_facecolor("none")
    strip.spines[["top", "right"]].set_visible(False)
    strip.spines[["left", "bottom"]].set_color(look.muted)
    strip.tick_params(colors=look.muted, labelsize=8, length=3)
    value_axis(strip, "y", "count", phrase("plot_contacts", lang), lang)
    strip.yaxis.set_major_locator(_few_ticks())
    strip.yaxis.label.set(color=look.muted, fontsize=8)
    place_axis(strip, places, lang)
    ax.tick_params(axis="x", labelbottom=False, length=0)
    ax.set_xlabel(strip.get_xlabel(), va="top")  # the label is that of the axes themselves
    ax.xaxis.set_label_coords(0.5, -_HEIGHT - 0.4, transform=below)
    strip.set_xlabel("")
    return strip


def _below(ax: Axes) -> Any:
    """From left to right shares of the axes' width, downwards inches from their bottom: what a layout can count on."""
    from matplotlib.transforms import ScaledTranslation, blended_transform_factory

    figure: Any = ax.figure
    corner: Any = ax.transAxes
    return blended_transform_factory(ax.transAxes, figure.dpi_scale_trans + ScaledTranslation(0, 0, corner))


def _few_ticks() -> Any:
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(nbins=2, integer=True)
