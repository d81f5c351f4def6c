"""How long people are willing to wait: its mean, its law, and how soon those who gave up come again; arrays only.

It is one file because the laws share their likelihoods' parts; more than half of its lines are docstrings.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError
from ccstats.queueing.survival import durations, poisson_limits

__all__ = ["LAWS", "FittedLaw", "MeanPatience", "fit_law", "mean_patience", "time_to_return"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Laws that `fit_law` knows.
LAWS = ("exponential", "weibull", "lognormal")

_ROOT_2, _LOG_ROOT_2PI = math.sqrt(2.0), math.log(2.0 * math.pi) / 2.0
#: From here on the tail of the normal law is taken from its asymptotic series.
_FAR = 30.0


class MeanPatience(NamedTuple):
    """Mean patience, its standard error and limits.

    Attributes
    ----------
    mean_s : numpy.ndarray
        Mean patience. [s]
    se_s : numpy.ndarray
        Its standard error. [s]
    low_s, high_s : numpy.ndarray
        Its limits. [s]

    Examples
    --------
    >>> float(mean_patience(6000.0, 50).mean_s)
    120.0
    """

    mean_s: Floats
    se_s: Floats
    low_s: Floats
    high_s: Floats


class FittedLaw(NamedTuple):
    """A law of patience, fitted.

    Attributes
    ----------
    name : str
        ``exponential``, ``weibull`` or ``lognormal``.
    shape, shape_se : float
        Weibull: the exponent, below 1 where people become more patient the longer they wait. Lognormal: σ, the standard deviation of the
        logarithm. Exponential: 1, without error.
    scale_s, scale_se_s : float
        Exponential: the mean. Weibull: the time by which 63.2 % have given up. Lognormal: the median, exp(μ). [s]
    log_likelihood : float
        Of all waits, answered and abandoned.
    aic : float
        Akaike's criterion; the law with the smaller one describes the waits better.
    abandoned : int
        How many were seen to give up after they had begun to wait.

    Examples
    --------
    >>> round(fit_law([10.0, 20.0, 30.0], [True, True, False], "exponential").scale_s, 6)
    30.0
    """

    name: str
    shape: float
    shape_se: float
    scale_s: float
    scale_se_s: float
    log_likelihood: float
    aic: float
    abandoned: int

    @property
    def mean_s(self) -> float:
        """Mean patience of the law, in seconds.

        Examples
        --------
        >>> round(fit_law([10.0, 20.0], [True, False], "exponential").mean_s, 6)
        30.0
        """
        if self.name == "lognormal":
            return _exp(math.log(self.scale_s) + self.shape**2 / 2)
        return _exp(math.log(self.scale_s) + math.lgamma(1 + 1 / self.shape))

    @property
    def median_s(self) -> float:
        """Median patience of the law, in seconds.

        Examples
        --------
        >>> round(fit_law([10.0, 20.0], [True, False], "exponential").median_s, 3)
        20.794
        """
        if self.name == "lognormal":
            return self.scale_s
        return _exp(math.log(self.scale_s) + math.log(math.log(2)) / self.shape)


def mean_patience(total_wait_s: ArrayLike, abandoned: ArrayLike, *, confidence: float = 0.95) -> MeanPatience:
    r"""Mean patience from what everybody waited together and how many gave up.

    Parameters
    ----------
    total_wait_s : array of float
        Waits of the answered and of the abandoned, added up. [s]
    abandoned : array of int
        How many gave up.
    confidence : float
        Confidence of the limits. [0-1]

    Returns
    -------
    MeanPatience
        Where nobody gave up the mean is infinite, with a finite lower limit; where moreover nobody waited, all is missing.

    Raises
    ------
    OptionError
        If an argument is negative or missing.

    Notes
    -----
    :math:`\hat\tau = T / d`: the maximum-likelihood estimate for exponential patience when waits end with the answer, with standard error
    :math:`\hat\tau / \sqrt d`. Whatever the law of patience, :math:`1/\hat\tau` is the rate for which abandonment is this rate times the
    mean queue, the identity that Erlang A rests on. Limits are :math:`T` over the Poisson limits of :math:`d`, exact for a given time
    waited.

    Add waits and abandons up before you divide. A mean of such quotients over intervals is too large: those without abandons have none,
    and those with few weigh most.

    References
    ----------
    A. Mandelbaum and S. Zeltyn, "Service engineering in action: the Palm/Erlang-A queue, with applications to call centers", 2007.
    A. Mandelbaum and S. Zeltyn, "Data-stories about (im)patient customers in tele-queues", Queueing Systems 75, 2013, pp. 115-146.

    Examples
    --------
    Six thousand seconds waited, fifty of whom gave up:

    >>> patience = mean_patience(6000.0, 50)
    >>> float(patience.mean_s), float(patience.low_s.round(1)), float(patience.high_s.round(1))
    (120.0, 91.0, 161.7)
    """
    total, count = np.broadcast_arrays(np.asarray(total_wait_s, dtype="float64"), np.asarray(abandoned, dtype="float64"))
    if not ((total >= 0) & (count >= 0) & np.isfinite(total) & np.isfinite(count)).all():
        raise OptionError("total_wait_s= and abandoned= must be finite and not negative")
    low, high = poisson_limits(count, confidence=confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / count
        error = np.where(count > 0, mean / np.sqrt(count), np.nan)
        return MeanPatience(mean, error, np.where(total + count > 0, total / high, np.nan), total / low)


def fit_law(wait_s: ArrayLike, abandoned: ArrayLike, law: str) -> FittedLaw:
    r"""A law of patience fitted to waits by maximum likelihood, those who were answered taken as censored.

    Parameters
    ----------
    wait_s : array of float
        Waits, in any order. [s]
    abandoned : array of bool
        Whether each gave up; the others would have waited at least this long.
    law : str
        ``exponential``, ``weibull`` or ``lognormal``.

    Returns
    -------
    FittedLaw
        Its figures are missing where no law of this kind is the likeliest: nobody gave up, or (Weibull, lognormal) all who did waited
        equally long and nobody longer.

    Raises
    ------
    OptionError
        If a wait is missing, negative or infinite, or the law is not known.

    Notes
    -----
    With hazard :math:`h` and survival :math:`S`, :math:`\log L = \sum_{\text{abandoned}} \log h(w) + \sum_{\text{all}} \log S(w)`. Waits of
    0 are left out: who was answered at once tells nothing of patience, and who gave up at once was not willing to wait at all, a share of
    its own for which none of the laws has a place. So all laws are compared on the same waits.

    Standard errors are from the observed information. The Weibull exponent is the one root of its likelihood equation, found by Newton's
    method between bounds; the lognormal likelihood is concave in :math:`(1/\sigma, \mu/\sigma)` and climbed there (Burridge).

    References
    ----------
    J. Burridge, "A note on maximum likelihood estimation for regression models using grouped data", JRSS B 43, 1981, pp. 41-45.
    J. D. Kalbfleisch and R. L. Prentice, "The Statistical Analysis of Failure Time Data", 2nd ed., 2002, chapter 3.

    Examples
    --------
    >>> waits, gave_up = [4.0, 9.0, 15.0, 40.0, 60.0, 120.0], [True, False, True, True, False, True]
    >>> [law for law in LAWS if fit_law(waits, gave_up, law).aic < 50]
    ['exponential', 'weibull', 'lognormal']
    """
    if law not in LAWS:
        raise OptionError(f"law={law!r} is not known; choose one of: {', '.join(LAWS)}")
    wait, gave_up = durations(wait_s, abandoned)
    waited = wait > 0
    wait, gave_up = wait[waited], gave_up[waited]
    count = int(gave_up.sum())
    if count == 0 or (law != "exponential" and (wait[gave_up] == wait.max()).all()):
        return FittedLaw(law, np.nan, np.nan, np.nan, np.nan, np.nan, np.nan, count)
    fit = {"exponential": _exponential, "weibull": _weibull, "lognormal": _lognormal}[law]
    shape, shape_se, scale, scale_se, likelihood = fit(wait, gave_up, count)
    aic = (2 if law == "exponential" else 4) - 2 * likelihood
    return FittedLaw(law, shape, shape_se, scale, scale_se, likelihood, aic, count)


def time_to_return(
    customer: ArrayLike, began_s: ArrayLike, left_s: ArrayLike, abandoned: ArrayLike, *, end_s: float
) -> tuple[Floats, Bools]:
    """How long after giving up each customer came again.

    Parameters
    ----------
    customer : array of int
        Number of the customer of each contact.
    began_s : array of float
        When each contact joined a queue. [s]
    left_s : array of float
        When it left the queue. [s]
    abandoned : array of bool
        Whether it gave up.
    end_s : float
        Until when contacts were recorded. [s]

    Returns
    -------
    tuple of numpy.ndarray
        Of each contact that gave up: time to the same customer's next contact that began after this one left, or to the end [s]; whether
        there was one.

    Raises
    ------
    OptionError
        If the arrays do not fit together or a time is missing.

    Examples
    --------
    >>> time_to_return([7, 7, 8], [0.0, 100.0, 10.0], [40.0, 110.0, 30.0], [True, False, True], end_s=500.0)
    (array([ 60., 470.]), array([ True, False]))
    """
    who, gave_up = np.asarray(customer), np.asarray(abandoned, dtype=bool)
    began, left = (np.asarray(each, dtype="float64") for each in (began_s, left_s))
    if who.ndim != 1 or not who.shape == began.shape == left.shape == gave_up.shape:
        raise OptionError("customer=, began_s=, left_s= and abandoned= must be rows of the same length")
    if not (np.isfinite(began).all() and np.isfinite(left).all()):
        raise OptionError("began_s= and left_s= must be finite; leave out contacts whose times are not known")
    order = np.lexsort((began, who))
    found = np.empty(who.size)
    found[order] = _next_began(who[order], began[order], left[order], gave_up[order])
    returned = ~np.isnan(found)
    until = np.where(returned, found, np.maximum(float(end_s), left))
    return (until - left)[gave_up], returned[gave_up]


def _exp(value: float) -> float:
    return math.inf if value > 709 else math.exp(value)


def _exponential(wait: Floats, gave_up: Bools, count: int) -> tuple[float, ...]:
    mean = float(wait.sum()) / count
    return 1.0, np.nan, mean, mean / math.sqrt(count), -count * (math.log(mean) + 1)


def _weibull(wait: Floats, gave_up: Bools, count: int) -> tuple[float, ...]:
    longest = float(wait.max())
    logs = np.log(wait / longest)  # at most 0, so that no power overflows
    mean_log = float(logs[gave_up].mean())

    def slope(shape: float) -> tuple[float, float]:
        powers, first, second = _power_sums(logs, shape)
        ratio = first / powers
        return ratio - 1 / shape - mean_log, second / powers - ratio**2 + 1 / shape**2

    shape = _root(slope)
    powers, first, second = _power_sums(logs, shape)
    log_scale = math.log(powers / count) / shape  # of the scale over the longest wait
    # At the maximum the powers of w / scale add up to the number of abandons; their first and second moments of log(w / scale):
    first = count * (first / powers - log_scale)
    second = count * second / powers - 2 * log_scale * first - count * log_scale**2
    information = np.array([[shape**2 * count, -shape * first], [-shape * first, count / shape**2 + second]])
    log_scale_se, shape_se = np.sqrt(np.diag(np.linalg.inv(information)))
    log_scale += math.log(longest)
    likelihood = count * (math.log(shape) - shape * log_scale + (shape - 1) * (mean_log + math.log(longest)) - 1)
    scale = math.exp(log_scale)
    return shape, float(shape_se), scale, scale * float(log_scale_se), likelihood


def _root(slope: Callable[[float], tuple[float, float]]) -> float:
    """Where an ascending function of a positive number is 0: Newton's method in its logarithm, bisection where that leaves the bounds."""
    low, high, x = -np.inf, np.inf, 0.0
    for _ in range(200):
        value, gradient = slope(math.exp(x))
        low, high = (x, high) if value < 0 else (low, x)
        step = min(max(-value / (gradient * math.exp(x)), -2.0), 2.0)
        new = x + step
        if not low < new < high and np.isfinite(low + high):
            new = (low + high) / 2
        if abs(new - x) < 1e-12:
            break
        x = new
    return math.exp(x)


def _lognormal(wait: Floats, gave_up: Bools, count: int) -> tuple[float, ...]:
    logs = np.log(wait)
    centre = float(logs[gave_up].mean())
    logs -= centre
    censored = np.ascontiguousarray(logs[~gave_up])
    seen = logs[gave_up]
    first, second = float(seen.sum()), float(seen @ seen)

    def climb(a: float, b: float) -> tuple[float, Floats, Floats]:
        """Log-likelihood, gradient and curvature where z = a log w - b."""
        value, slope, curved = _normal_tails(censored, a, b)
        value += count * (math.log(a) - _LOG_ROOT_2PI) - (a * a * second - 2 * a * b * first + count * b * b) / 2
        gradient = np.array([count / a - a * second + b * first - slope[1], a * first - count * b + slope[0]])
        curvature = np.array([[count / a**2 + second + curved[2], -first - curved[1]], [-first - curved[1], count + curved[0]]])
        return value, gradient, curvature

    a, b = 1.0 / max(float(np.std(logs)), 1e-3), 0.0
    value, gradient, curvature = climb(a, b)
    for _ in range(200):
        step = np.linalg.solve(curvature, gradient)
        gain = float(step @ gradient)
        if gain < 1e-12:
            break
        # The function is concave: a shorter step gains in the end. Near the top a gain drowns in rounding, and the whole step is right.
        while gain > 1e-4 and not (a + step[0] > 0 and climb(a + step[0], b + step[1])[0] >= value):
            step /= 2
        a, b = a + float(step[0]), b + float(step[1])
        value, gradient, curvature = climb(a, b)
    covariance = np.linalg.inv(curvature)
    to_mean, to_sigma = np.array([-b / a**2, 1 / a]), np.array([-1 / a**2, 0.0])
    scale = math.exp(centre + b / a)
    errors = [math.sqrt(float(each @ covariance @ each)) for each in (to_sigma, to_mean)]
    likelihood = value - count * centre - first  # of the waits, no longer of their logarithms
    return 1 / a, errors[0], scale, scale * errors[1], likelihood


@njit(cache=True, nogil=True)
def _power_sums(logs: Floats, shape: float) -> tuple[float, float, float]:  # pragma: no cover - compiled
    """Sums of w^k, w^k log w and w^k log² w."""
    zeroth, first, second = 0.0, 0.0, 0.0
    for log in logs:
        power = math.exp(shape * log)
        zeroth += power
        first += power * log
        second += power * log * log
    return zeroth, first, second


@njit(cache=True, nogil=True)
def _normal_tails(  # pragma: no cover - compiled
    logs: Floats, a: float, b: float
) -> tuple[float, tuple[float, float], tuple[float, float, float]]:
    """Σ log Φ(-z) with z = a log w - b; its hazards summed plain and by log w; the hazards' slopes plain, by log w and by its square."""
    value = 0.0
    slope = np.zeros(2)
    curved = np.zeros(3)
    for log in logs:
        z = a * log - b
        if z < _FAR:
            tail = 0.5 * math.erfc(z / _ROOT_2)
            log_tail = math.log(tail)
            hazard = math.exp(-0.5 * z * z - _LOG_ROOT_2PI) / tail
        else:
            r = 1.0 / (z * z)
            series = 1.0 - r * (1.0 - r * (3.0 - r * (15.0 - r * 105.0)))
            log_tail = -0.5 * z * z - _LOG_ROOT_2PI + math.log(series / z)
            hazard = z / series
        change = hazard * (hazard - z)
        value += log_tail
        slope[0] += hazard
        slope[1] += hazard * log
        curved[0] += change
        curved[1] += change * log
        curved[2] += change * log * log
    return value, (slope[0], slope[1]), (curved[0], curved[1], curved[2])


@njit(cache=True, nogil=True)
def _next_began(  # pragma: no cover - compiled
    customer: NDArray[np.int64], began: Floats, left: Floats, wanted: Bools
) -> Floats:
    """For contacts sorted by customer and beginning: when the customer's next one began that began later than this one left."""
    found = np.full(customer.size, np.nan)
    for row in np.flatnonzero(wanted):
        other = row + 1
        while other < customer.size and customer[other] == customer[row] and began[other] <= left[row]:
            other += 1
        if other < customer.size and customer[other] == customer[row]:
            found[row] = began[other]
    return found
