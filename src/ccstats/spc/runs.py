"""Anhøj's test of a whole series: whether its longest run is too long, or it crosses the centre line too rarely."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ccstats.errors import OptionError

__all__ = ["RunsTest", "runs_limits", "runs_test"]


@dataclass(frozen=True)
class RunsTest:
    """What `runs_test` found.

    Attributes
    ----------
    useful : int
        Points off the centre line: only they count. [points]
    longest_run : int
        Points in the longest run on one side. [points]
    longest_run_limit : int
        A run longer than this is a signal. [points]
    crossings : int
        Changes from one side to the other.
    crossings_limit : int
        Fewer crossings than this are a signal.
    signal : bool
        Whether either is.

    Examples
    --------
    >>> runs_test([3, 5, 4, 6, 3, 5, 4, 6, 3, 5]).signal
    False
    """

    useful: int
    longest_run: int
    longest_run_limit: int
    crossings: int
    crossings_limit: int
    signal: bool


def runs_limits(useful: int) -> tuple[int, int]:
    """The longest run and the fewest crossings that chance explains.

    Parameters
    ----------
    useful : int
        Points off the centre line. [points]

    Returns
    -------
    tuple of int
        Longest run that is no signal, ``log2(useful) + 3`` rounded; fewest crossings that are none, the 5 % point of a binomial law of
        ``useful - 1`` fair tosses. With no useful point both are 0.

    Raises
    ------
    OptionError
        If the number is negative.

    References
    ----------
    Schilling (2012), Journal of Quality Technology 44(3). Chen (2010), Journal of Quality Technology 42(3). Anhøj & Olesen (2014),
    PLoS ONE 9(11).

    Examples
    --------
    >>> runs_limits(24)
    (8, 8)
    """
    if useful < 0:
        raise OptionError(f"useful={useful} is no number of points; give 0 or more")
    if useful == 0:
        return 0, 0
    tosses = useful - 1
    fewest = max(0, math.floor(0.5 * tosses - 0.8225 * math.sqrt(tosses)) - 2)  # a little below the point sought
    while special.bdtr(fewest, tosses, 0.5) < 0.05:
        fewest += 1
    return round(math.log2(useful) + 3), fewest


def runs_test(values: ArrayLike, *, center: float | None = None) -> RunsTest:
    """Whether a series shifts, drifts or clusters, by its longest run and its crossings of the centre line.

    Parameters
    ----------
    values : array of float
        The series in order of time; missing ones are left out.
    center : float, optional
        The centre line; the median where none is given.

    Returns
    -------
    RunsTest
        Without a useful point (a constant series, or nothing at all) all figures are 0 and there is no signal.

    Raises
    ------
    OptionError
        If the values are no series of numbers, or one is infinite.

    Notes
    -----
    Points on the centre line are dropped: they neither break a run nor count in it. The test needs no limits and no normal law, and keeps
    its false alarms at a few per cent for any length between 10 and 100, which no fixed run rule does.

    References
    ----------
    Anhøj & Olesen (2014), PLoS ONE 9(11), e113825; Anhøj (2015), PLoS ONE 10(3), e0121349.

    Examples
    --------
    Abandoned calls a day; in the second fortnight they stay above the median:

    >>> days = [4, 6, 5, 3, 6, 4, 5, 3, 4, 5, 9, 8, 9, 8, 9, 8, 9, 9, 8, 9]
    >>> runs_test(days)
    RunsTest(useful=20, longest_run=10, longest_run_limit=7, crossings=1, crossings_limit=6, signal=True)
    """
    try:
        series = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        series = np.empty((0, 0))
    if series.ndim != 1 or np.isinf(series).any():
        raise OptionError("values must be one series of finite numbers, missing ones NaN")
    series = series[~np.isnan(series)]
    if center is None:
        center = float(np.median(series)) if len(series) else 0.0
    sides = np.sign(series - center)
    sides = sides[sides != 0]
    run, limit, crossings, fewest = figures(sides)
    return RunsTest(len(sides), run, limit, crossings, fewest, run > limit or crossings < fewest)


def figures(sides: NDArray[np.float64]) -> tuple[int, int, int, int]:
    """Longest run and its limit, crossings and theirs, of sides that are -1 or 1.

    Examples
    --------
    >>> import numpy as np
    >>> figures(np.array([1.0, 1.0, -1.0]))
    (2, 5, 1, 0)
    """
    longest, fewest = runs_limits(len(sides))
    if not len(sides):
        return 0, 0, 0, 0
    turns = np.flatnonzero(np.diff(sides))
    lengths = np.diff(np.concatenate([[-1], turns, [len(sides) - 1]]))
    return int(lengths.max()), longest, len(turns), fewest
