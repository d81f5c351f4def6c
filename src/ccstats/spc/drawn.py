"""What the charts' own files hand to `ccstats.spc.limits`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccstats.errors import OptionError
from ccstats.spc.series import Series

__all__ = ["Companion", "Drawn", "no_spread", "too_few"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Companion:
    """The second chart beneath the first: how much points vary, beside where they lie.

    Attributes
    ----------
    name : str
        ``moving_range`` or ``s``.
    statistic, center, lower, upper : numpy.ndarray of float
        One figure for each point of the main chart.

    Examples
    --------
    >>> import ccstats as cc
    >>> chart = cc.spc.limits("xmr", [310, 288, 297, 298, 307])
    >>> chart.companion.name, chart.companion.statistic.tolist()
    ('moving_range', [nan, 22.0, 9.0, 1.0, 9.0])
    """

    name: str
    statistic: Floats
    center: Floats
    lower: Floats
    upper: Floats

    @property
    def signals(self) -> NDArray[np.bool_]:
        """Strictly beyond the limits.

        Examples
        --------
        >>> import ccstats as cc
        >>> cc.spc.limits("xmr", [10, 11, 10, 11, 10, 11, 10, 30]).companion.signals.nonzero()[0].tolist()
        [7]
        """
        return (self.statistic > self.upper) | (self.statistic < self.lower)


@dataclass(frozen=True, eq=False)
class Drawn:
    """A chart before its limits are cut to what is possible.

    Attributes
    ----------
    statistic, center, sigma, lower, upper : numpy.ndarray of float
        As in `ccstats.spc.Limits`.
    floor, ceiling : float or numpy.ndarray
        Where the statistic cannot go beyond.
    power : float
        The score is a distance on the scale of the statistic to this power.
    companion : Companion or None
        The second chart.
    details : mapping of str to numpy.ndarray
        What only this chart has.

    Examples
    --------
    >>> import numpy as np
    >>> Drawn(*[np.ones(1)] * 5).power
    1.0
    """

    statistic: Floats
    center: Floats
    sigma: Floats
    lower: Floats
    upper: Floats
    floor: float | Floats = -np.inf
    ceiling: float | Floats = np.inf
    power: float = 1.0
    companion: Companion | None = None
    details: Mapping[str, NDArray[Any]] = field(default_factory=dict)


def too_few(chart: str, part: Series, need: str, remedy: str) -> OptionError:
    """The error of a phase with too few points.

    Examples
    --------
    >>> from ccstats.spc.series import Kind, read_series
    >>> print(too_few("c", read_series("c", Kind(), [1], None, None, None, None), "2 points", "Give more"))
    chart 'c' needs 2 points, but phase 0 has 1, 1 of them known and not excluded. Give more.
    """
    have = f"phase {part.phase[0]} has {len(part.x)}, {int(part.used.sum())} of them known and not excluded"
    return OptionError(f"chart {chart!r} needs {need}, but {have}. {remedy}.")


def no_spread(chart: str, part: Series, remedy: str) -> OptionError:
    """The error of a phase whose points do not vary.

    Examples
    --------
    >>> from ccstats.spc.series import Kind, read_series
    >>> print(no_spread("c", read_series("c", Kind(), [0], None, None, None, None), "Wait"))
    chart 'c' found no spread: the 1 points of phase 0 that count are all 0, or vary no more than that. Wait.
    """
    used = part.x[part.used]
    what = f"the {len(used)} points of phase {part.phase[0]} that count are all {used[0]:g}, or vary no more than that"
    return OptionError(f"chart {chart!r} found no spread: {what}. {remedy}.")
