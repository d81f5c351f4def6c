"""Times that were seen to end and times that were not: survival curves and hazards from right-censored durations, arrays only.

Patience and the offered wait hide each other: whoever is answered never shows how long they would have waited, whoever gives up never
sees how long they would have had to. Each is estimated with the other as its censoring.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ccstats.errors import OptionError

__all__ = ["Hazard", "Survival", "durations", "hazard_rate", "kaplan_meier", "poisson_limits"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Survival(NamedTuple):
    """A survival curve: constant from each time to the next, and unknown beyond the last.

    Attributes
    ----------
    time_s : numpy.ndarray
        0, every time at which something ended, and the longest time seen; ascending. [s]
    at_risk : numpy.ndarray
        How many lasted at least this long.
    events : numpy.ndarray
        How many ended after the time before and up to this one.
    survival : numpy.ndarray
        Estimated share that lasts longer than this. [0-1]
    survival_se : numpy.ndarray
        Its standard error (Greenwood); missing where the share is 0.
    survival_low, survival_high : numpy.ndarray
        Its limits; 1 and 1 before the first event, missing where the share is 0.

    Examples
    --------
    >>> kaplan_meier([1.0, 2.0, 3.0], [True, True, True]).quantile(0.5)[0]
    2.0
    """

    time_s: Floats
    at_risk: Ints
    events: Ints
    survival: Floats
    survival_se: Floats
    survival_low: Floats
    survival_high: Floats

    def at(self, time_s: ArrayLike) -> Floats:
        """The share that lasts longer than each time; missing beyond the longest time seen, unless nothing is left there.

        Examples
        --------
        >>> kaplan_meier([1.0, 2.0], [True, False]).at([0.5, 1.0, 2.5]).tolist()
        [1.0, 0.5, nan]
        """
        times = np.asarray(time_s, dtype="float64")
        if self.time_s.size == 0:
            return np.full(times.shape, np.nan)
        place = np.searchsorted(self.time_s, times, side="right") - 1
        known = (times >= 0) & ((times <= self.time_s[-1]) | (self.survival[-1] == 0))
        return np.where(known, self.survival[np.maximum(place, 0)], np.nan)

    def quantile(self, share: float) -> tuple[float, float, float]:
        """The time by which this share has ended, with its limits (Brookmeyer & Crowley 1982); missing where the curve does not reach it.

        Parameters
        ----------
        share : float
            Share that has ended: 0.5 for the median. [0-1]

        Examples
        --------
        >>> kaplan_meier([1.0, 2.0, 3.0, 4.0], [True, False, False, False]).quantile(0.5)[0]
        nan
        """

        def first(curve: Floats) -> float:
            # A share that is 0.5 may have become 0.5 and a little by multiplying.
            reached = np.flatnonzero(curve <= 1.0 - share + 1e-12)
            return float(self.time_s[reached[0]]) if reached.size else np.nan

        # The lower curve is unknown where nothing is left, but it is not above the curve itself.
        return first(self.survival), first(np.where(self.survival == 0, 0.0, self.survival_low)), first(self.survival_high)

    def mean_s(self) -> float:
        """The mean time, each counted up to the longest time seen: the area under the curve.

        Where the curve ends above 0 this is less than the mean, and the more so the fewer endings were seen.

        Examples
        --------
        >>> round(kaplan_meier([1.0, 2.0, 3.0], [True, True, True]).mean_s(), 6)
        2.0
        """
        return float(np.sum(np.diff(self.time_s) * self.survival[:-1])) if self.time_s.size else np.nan

    def thin(self, points: int) -> Survival:
        """The curve on at most this many of its times, half of them evenly spaced in time and half in number; exact at each.

        Examples
        --------
        >>> curve = kaplan_meier([float(wait) for wait in range(1000)], [True] * 1000)
        >>> thin = curve.thin(100)
        >>> len(thin.time_s) <= 100 and int(thin.events.sum()) == 1000
        True
        """
        size = self.time_s.size
        if size <= points:
            return self
        by_number = np.linspace(0, size - 1, points - points // 2).astype("int64")
        by_time = np.searchsorted(self.time_s, np.linspace(self.time_s[0], self.time_s[-1], points // 2))
        keep = np.union1d(by_number, by_time)
        events = np.add.reduceat(self.events, np.append(0, keep[:-1] + 1))
        return Survival(*(events if name == "events" else getattr(self, name)[keep] for name in self._fields))


class Hazard(NamedTuple):
    """How readily things end at each age: one rate an interval of time.

    Attributes
    ----------
    start_s, end_s : numpy.ndarray
        The interval; its end belongs to the next one. [s]
    events : numpy.ndarray
        How many ended in it.
    exposure_s : numpy.ndarray
        Time spent in it by all together, whether they ended in it or not. [s]
    hazard : numpy.ndarray
        Endings per second of it; missing where nobody spent time there. [1/s]
    hazard_low, hazard_high : numpy.ndarray
        Its limits. [1/s]

    Examples
    --------
    >>> hazard_rate([10.0, 20.0], [True, False], edges_s=[0.0, 20.0]).hazard.round(4).tolist()
    [0.0333]
    """

    start_s: Floats
    end_s: Floats
    events: Ints
    exposure_s: Floats
    hazard: Floats
    hazard_low: Floats
    hazard_high: Floats


def durations(wait_s: ArrayLike, event: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    """Durations and whether each was seen to end, checked.

    Parameters
    ----------
    wait_s : array of float
        Durations. [s]
    event : array of bool
        Whether each was seen to end.

    Returns
    -------
    tuple of numpy.ndarray

    Raises
    ------
    OptionError
        If a duration is missing, negative or infinite, or the two do not fit together.

    Examples
    --------
    >>> durations([5], [True])[0]
    array([5.])
    """
    wait, ended = np.asarray(wait_s, dtype="float64"), np.asarray(event)
    if wait.ndim != 1 or ended.shape != wait.shape:
        raise OptionError(f"durations of shape {wait.shape} and events of shape {ended.shape}: expected one row of each, equally long")
    if ended.dtype != bool and ended.size:
        raise OptionError(f"events are {ended.dtype}; expected bool: whether each duration was seen to end")
    if not np.isfinite(wait).all() or (wait < 0).any():
        raise OptionError("durations must be seconds from 0 on, none missing or infinite; leave out those that are not known")
    return wait, ended.astype(bool)


def kaplan_meier(wait_s: ArrayLike, event: ArrayLike, *, confidence: float = 0.95) -> Survival:
    r"""Survival curve of durations of which some were not seen to end.

    Parameters
    ----------
    wait_s : array of float
        Durations, in any order. [s]
    event : array of bool
        Whether each was seen to end; the others lasted at least this long.
    confidence : float
        Confidence of the limits, each time taken by itself. [0-1]

    Returns
    -------
    Survival
        Without durations it is empty. Where the longest duration was not seen to end the curve stays above 0, and beyond it nothing is
        known.

    Raises
    ------
    OptionError
        If a duration is missing, negative or infinite, or ``confidence`` is no share.

    Notes
    -----
    With :math:`d_i` endings at time :math:`t_i` and :math:`n_i` that lasted at least so long,

    .. math:: \hat S(t) = \prod_{t_i \le t} \left(1 - \frac{d_i}{n_i}\right), \qquad
       \widehat{\mathrm{var}}\,\hat S(t) = \hat S(t)^2 \sum_{t_i \le t} \frac{d_i}{n_i (n_i - d_i)}.

    At equal times endings come before durations that were cut off: whoever was cut off at :math:`t` counts among :math:`n_i`. The limits
    are symmetric for :math:`\log(-\log S)`, so that they stay between 0 and 1 (Kalbfleisch & Prentice). They suppose that what cuts the
    durations off knows nothing of how long they would have lasted.

    References
    ----------
    E. L. Kaplan and P. Meier, "Nonparametric estimation from incomplete observations", JASA 53, 1958, pp. 457-481.
    M. Greenwood, "The natural duration of cancer", Reports on Public Health and Medical Subjects 33, 1926.
    R. Brookmeyer and J. Crowley, "A confidence interval for the median survival time", Biometrics 38, 1982, pp. 29-41.

    Examples
    --------
    Four callers: two give up, two are answered first.

    >>> curve = kaplan_meier([10.0, 20.0, 30.0, 40.0], [True, False, True, False])
    >>> curve.time_s.tolist(), curve.survival.tolist()
    ([0.0, 10.0, 30.0, 40.0], [1.0, 0.75, 0.375, 0.375])
    """
    wait, ended = durations(wait_s, event)
    z = special.ndtri(0.5 + _share(confidence) / 2)
    if wait.size == 0:
        none = np.empty(0)
        return Survival(none, none.astype("int64"), none.astype("int64"), none, none, none, none)
    everybody, ends = np.sort(wait), np.sort(wait[ended])
    first = np.flatnonzero(np.append(True, np.diff(ends) > 0)) if ends.size else np.empty(0, dtype="int64")
    times, events = ends[first], np.diff(np.append(first, ends.size))
    if times.size == 0 or times[0] > 0:
        times, events = np.append(0.0, times), np.append(0, events)
    if everybody[-1] > times[-1]:
        times, events = np.append(times, everybody[-1]), np.append(events, 0)
    at_risk = wait.size - np.searchsorted(everybody, times, side="left")
    left = at_risk - events
    survival = np.asarray(np.cumprod(left / at_risk), dtype="float64")
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt(np.cumsum(events / (at_risk * left.astype("float64"))))
        power = z * spread / np.log(survival)  # negative: log S is
        limits = [np.where(survival == 1, 1.0, survival ** np.exp(sign * power)) for sign in (-1, 1)]
        error = survival * spread
    some = survival > 0
    low, high, error = (np.where(some, each, np.nan) for each in (*limits, error))
    return Survival(times, at_risk, events, survival, error, low, high)


def hazard_rate(wait_s: ArrayLike, event: ArrayLike, *, edges_s: ArrayLike, smooth_s: float = 0.0, confidence: float = 0.95) -> Hazard:
    r"""How readily things end at each age, as a rate that is constant between given times.

    Parameters
    ----------
    wait_s : array of float
        Durations, in any order. [s]
    event : array of bool
        Whether each was seen to end.
    edges_s : array of float
        Where intervals begin and end, ascending; one more than intervals. [s]
    smooth_s : float
        Take the rate from an interval widened by this on either side, as far as the edges reach; counts and time stay those of the
        interval itself. Peaks, such as those after an announcement, become lower and wider. [s]
    confidence : float
        Confidence of the limits, each interval taken by itself. [0-1]

    Returns
    -------
    Hazard
        The last interval includes its end.

    Raises
    ------
    OptionError
        If a duration is missing, negative or infinite, or the edges do not ascend.

    Notes
    -----
    The rate is endings over the time spent, :math:`\hat h = d / \sum_j \min((w_j - a)^+, b - a)` in the interval from :math:`a` to
    :math:`b`: the maximum-likelihood estimate of a piecewise constant hazard. Summed over intervals that hold all durations, endings over
    time are those of the exponential law. Limits are those of a Poisson count (`poisson_limits`) over the same time. Recorded in whole
    seconds, a time of 0 is less than a second, and its ending counts in the first interval.

    References
    ----------
    L. Brown et al., "Statistical analysis of a telephone call center: a queueing-science perspective", JASA 100, 2005, pp. 36-50.

    Examples
    --------
    >>> rate = hazard_rate([5.0, 15.0, 30.0], [True, True, False], edges_s=[0, 10, 20, 30])
    >>> rate.exposure_s.tolist(), rate.hazard.tolist()
    ([25.0, 15.0, 10.0], [0.04, 0.06666666666666667, 0.0])
    """
    wait, ended = durations(wait_s, event)
    edges = np.asarray(edges_s, dtype="float64")
    if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all() or not np.isfinite(edges).all() or edges[0] < 0:
        raise OptionError("edges_s= must be at least two times in ascending order, from 0 on")
    if not 0 <= smooth_s < np.inf:
        raise OptionError(f"smooth_s={smooth_s!r} must be a number of seconds from 0 on")
    everybody, ends = np.sort(wait), np.sort(wait[ended])
    so_far = np.append(0.0, np.cumsum(everybody))

    def between(start: Floats, end: Floats) -> tuple[Ints, Floats]:
        def time_up_to(age: Floats) -> Floats:
            shorter = np.searchsorted(everybody, age, side="right")
            return np.asarray(so_far[shorter] + age * (wait.size - shorter))

        def number_before(age: Floats) -> Ints:
            whole = age == edges[-1]
            return np.where(whole, np.searchsorted(ends, age, side="right"), np.searchsorted(ends, age, side="left"))

        return number_before(end) - number_before(start), time_up_to(end) - time_up_to(start)

    start, end = edges[:-1], edges[1:]
    events, exposure = between(start, end)
    near, time = between(np.maximum(start - smooth_s, edges[0]), np.minimum(end + smooth_s, edges[-1]))
    low, high = poisson_limits(near, confidence=confidence)
    rates = (np.divide(each, time, out=np.full(time.shape, np.nan), where=time > 0) for each in (near, low, high))
    return Hazard(start, end, events, exposure, *rates)


def poisson_limits(count: ArrayLike, *, confidence: float = 0.95) -> tuple[Floats, Floats]:
    r"""Limits of the mean of a Poisson count.

    Parameters
    ----------
    count : array of int
        What was counted.
    confidence : float
        At least this share of such limits hold the true mean. [0-1]

    Returns
    -------
    tuple of numpy.ndarray
        Lower limits, 0 where nothing was counted, and upper limits.

    Raises
    ------
    OptionError
        If ``confidence`` is no share.

    Notes
    -----
    With :math:`\alpha` one less the confidence, :math:`\chi^2_{\alpha/2,\,2k}/2` and :math:`\chi^2_{1-\alpha/2,\,2k+2}/2`: exact, in that
    they miss on neither side more often than :math:`\alpha/2`.

    References
    ----------
    F. Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28, 1936, pp. 437-442.

    Examples
    --------
    >>> low, high = poisson_limits([0, 10])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.0, 4.795], [3.689, 18.39])
    """
    counted = np.asarray(count, dtype="float64")
    miss = (1 - _share(confidence)) / 2
    low = np.where(counted > 0, special.gammaincinv(np.maximum(counted, 1.0), miss), 0.0)
    return low, np.asarray(special.gammainccinv(counted + 1.0, miss), dtype="float64")


def _share(confidence: Any) -> float:
    if not 0 < confidence < 1:
        raise OptionError(f"confidence={confidence!r} must be a share between 0 and 1, such as 0.95")
    return float(confidence)
