"""Names of points of a crowded chart: flags above the axes, each with its pole, of which none stands on another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ccstats.plots.words import size_of, width_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Flag", "fly"]

#: Size of text, height of a lane, gap between a pole and its flag and between two flags. [points]
_SIZE, _LANE, _GAP = 8.0, 11.0, 3.0
#: So many lanes of flags at most; more would dwarf the chart.
_LANES = 3
#: At most so many points are named, of so many that are tried.
_MOST, _TRIED = 8, 24


class Flag(NamedTuple):
    """What is said of a point.

    Attributes
    ----------
    text : str
        On the flag.
    where : tuple
        Time and value of the point.
    colour : str
        Of flag and pole.

    Examples
    --------
    >>> Flag("lunch: 40 %", (0.5, 0.4), "black").text
    'lunch: 40 %'
    """

    text: str
    where: tuple[Any, Any]
    colour: str


class _Placed(NamedTuple):
    """A flag on a chart that is ``width`` points wide: its pole, its ends, its lane."""

    pole: float
    left: float
    right: float
    lane: int

    def hits(self, other: _Placed) -> bool:
        """Whether the two overlap, or the pole of the higher one goes through the lower one."""
        if self.lane == other.lane:
            return self.left - _GAP < other.right and other.left - _GAP < self.right
        high, low = (self, other) if self.lane > other.lane else (other, self)
        return low.left - _GAP / 2 < high.pole < low.right + _GAP / 2


def fly(ax: Axes, flags: Sequence[Flag]) -> float:
    """Name points by flags above the axes; what finds no room is left out, so the most important come first.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes, with everything drawn that sets their limits along x.
    flags : sequence of Flag
        The most important first.

    Returns
    -------
    float
        Height of the lanes that were used. [points]

    Notes
    -----
    Places are told by the width that the axes have at least, as titles and names around them take their share when the figure is drawn: on
    wider axes poles are further apart and flags as long as they were, so that no two meet that did not before. Heights are points above
    the axes, whatever the values.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> ax = Figure().add_subplot()
    >>> _ = ax.plot([0, 1, 2], [1, 3, 2])
    >>> fly(ax, [Flag("one", (1, 3), "black"), Flag("two", (1.02, 3), "black")])
    22.0
    """
    from matplotlib.transforms import ScaledTranslation

    width, _ = size_of(ax)
    low, high = ax.get_xlim()
    chosen: list[Flag] = []
    placed: list[_Placed] = []
    for flag in flags[:_TRIED]:
        tried = _places([((_at(ax, each) - low) / (high - low) * width, width_of(each.text, _SIZE)) for each in [*chosen, flag]], width)
        if tried is not None:
            chosen, placed = [*chosen, flag], tried
        if len(chosen) == _MOST:
            break
    for flag, found in zip(chosen, placed, strict=True):
        rightwards = found.right > found.pole
        shift = (_GAP if rightwards else -_GAP, 3.0 + found.lane * _LANE)
        above = ax.get_xaxis_transform() + ScaledTranslation(shift[0] / 72, shift[1] / 72, ax.figure.dpi_scale_trans)
        beside = _GAP / (found.right - found.left - _GAP)
        ax.annotate(
            flag.text,
            (_at(ax, flag), flag.where[1]),
            (_at(ax, flag), 1.0),
            textcoords=above,
            fontsize=_SIZE,
            color=flag.colour,
            ha="left" if rightwards else "right",
            va="bottom",
            gid="signal",
            zorder=3.5,
            arrowprops={
                "arrowstyle": "-", "color": flag.colour, "linewidth": 0.7, "alpha": 0.8, "shrinkA": 0, "shrinkB": 3,
                "relpos": (-beside if rightwards else 1 + beside, 0.9),
            },
        )  # fmt: skip
    return _LANE * (1 + max((each.lane for each in placed), default=-1))


def _at(ax: Axes, flag: Flag) -> float:
    return float(ax.convert_xunits(flag.where[0]))


def _places(wanted: list[tuple[float, float]], width: float) -> list[_Placed] | None:
    """Places for flags of which pole and length are given; None where not all find one.

    All fly to the right, or, where that does not do, some of the last or of the first to the left.
    """
    order, count = sorted(range(len(wanted)), key=lambda at: wanted[at][0]), len(wanted)
    for turned in range(count + 1):
        for left, right in ((order[count - turned :], order[: count - turned]), (order[:turned], order[turned:])):
            placed = _placed(wanted, left, right, width)
            if placed is not None:
                return placed
    return None


def _placed(wanted: list[tuple[float, float]], left: list[int], right: list[int], width: float) -> list[_Placed] | None:
    placed: dict[int, _Placed] = {}
    for at in [*reversed(right), *left]:  # each one's pole stands beside the flags before it, and may be higher
        pole, length = wanted[at][0], wanted[at][1] + _GAP
        if not _stays(width - pole if at in left else pole, length, width):
            return None
        begin, end = (pole - length, pole) if at in left else (pole, pole + length)
        tries = (_Placed(pole, begin, end, lane) for lane in range(_LANES))
        found = next((each for each in tries if not any(each.hits(other) for other in placed.values())), None)
        if found is None:
            return None
        placed[at] = found
    return [placed[at] for at in range(len(wanted))]


def _stays(begin: float, length: float, width: float) -> bool:
    """Whether a flag stays above the axes; one that could not on either side takes the one with more room."""
    return begin + length <= width or (begin < length and begin <= width / 2)
