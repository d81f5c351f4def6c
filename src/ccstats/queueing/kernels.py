"""Compiled scalars of M/M/n, M/M/n/N, M/M/n+M and M/M/n/N+M: the arithmetic beneath `ccstats.queueing.erlang` and its neighbours.

Times are in units of the mean handle time and ``impatience`` is mean handle time over mean patience, so that a kernel needs agents ``n``,
load ``a`` [Erlang] and impatience only. Nothing is checked here: that is the work of the modules that call.

Everything rests on the Poisson weights ``f(s, x) = x^s e^-x / Γ(s + 1)`` on both sides of a real state ``s``, relative to the weight of
``s`` itself:

    ``below(s, x)`` = s/x + s(s-1)/x² + …       = Q(s, x) / f(s, x)            (continued to real s)
    ``above(s, x)`` = x/(s+1) + x²/((s+1)(s+2)) + … = P(s+1, x) / f(s, x)

with ``P + Q = 1`` the regularised incomplete gamma functions, so ``below + 1 + above = 1/f``. In M/M/n+M the states below ``n`` weigh
``below(n, a)`` against state ``n`` and those above it ``above(κ, η)`` with ``κ = n/impatience, η = a/impatience``; Erlang B is
``1 / (1 + below(n, a))``. Each side has only positive terms: nothing cancels, nothing overflows before its answer is 0 or 1.

For ``s >= 12`` and ``0.3 <= x/s <= 2.35`` both come from Temme's uniform expansion in the variable ``ζ``, ``ζ²/2 = x/s - 1 - ln(x/s)``; its
coefficients are derived below in exact fractions. Elsewhere the series or the continued fraction converge fast.
The time a caller would have to wait has an incomplete gamma law too (Zeltyn & Mandelbaum 2005): given a wait,
``P(V > t) = P(κ, η e^-θt) / P(κ, η)``.

It is one file because the parts are of no use without each other.

References
----------
Jagers & van Doorn (1986), Operations Research Letters 5: Erlang B for real n. Garnett, Mandelbaum & Reiman (2002), Manufacturing & Service
Operations Management 4(3): M/M/n+M. Zeltyn & Mandelbaum (2005), Queueing Systems 51: the integrals. Temme (1979), SIAM Journal on
Mathematical Analysis 10: the uniform expansion.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

__all__ = ["above", "below", "compiled", "erlang_b_scalar", "inner", "mean_waits", "shares"]

compiled = njit(cache=True, nogil=True, error_model="numpy")
#: Loops that only other loops call need no door to Python, and are kept with those.
if TYPE_CHECKING:
    inner = compiled
else:
    inner = njit(nogil=True, error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)


def _saddle_coefficients(count: int) -> np.ndarray:
    """Taylor coefficients of ζ / (λ - 1), where ζ²/2 = λ - 1 - ln λ.

    With λ - 1 = Σ c_k ζ^k the derivative (λ - 1) λ' = ζ λ gives (k + 1)/2 · Σ_{i=1..k} c_i c_{k+1-i} = c_{k-1}; asked for is the reciprocal
    of Σ c_{k+1} ζ^k.
    """
    c = [Fraction(0), Fraction(1)]
    for k in range(2, count + 2):
        c.append(c[k - 1] / (k + 1) - sum((c[i] * c[k + 1 - i] for i in range(2, k)), Fraction(0)) / 2)
    out = [Fraction(1)]
    for k in range(1, count + 1):
        out.append(-sum((c[i + 1] * out[k - i] for i in range(1, k + 1)), Fraction(0)))
    return np.array([float(each) for each in out])


_TERMS = 26
_F = _saddle_coefficients(_TERMS + 2)
_ODD = 1.0 / (2.0 * np.arange(22) + 1.0)
_LARGE = 12.0  # from here on the expansion is exact to the last digits
_NARROW, _WIDE = 0.3, 2.35  # … for x/s between these
_EPS = 1e-17
_HUGE = 1e200
_LOG_HUGE = math.log(_HUGE)
_MANY_STATES = 1e4  # offered load over impatience from which on mean waits are integrals, not sums
_PANELS = 12
_NODES, _WEIGHTS = (0.5 * (each + shift) for each, shift in zip(np.polynomial.legendre.leggauss(20), (1.0, 0.0), strict=True))
_INVERSE_FACTORIAL = np.array([1.0 / math.factorial(k) for k in range(12)])
Shares = tuple[float, float, float, float, float, float, float, float]


@inner
def _saddle(u: float) -> float:
    """The excess u - ln(1 + u), without cancellation for small u."""
    if u < -0.45 or u > 0.7:
        return u - math.log1p(u)
    t = u / (2.0 + u)  # ln(1 + u) = 2 artanh(t)
    square = t * t
    total = 0.0
    for k in range(6 if square < 2e-3 else (10 if square < 0.015 else 21), 0, -1):
        total = total * square + _ODD[k]
    return t * (u - 2.0 * square * total)


@inner
def _scaled_erfc(y: float) -> tuple[float, float]:
    """exp(y²) erfc(y) for y >= 0, and 1 - √π y times it."""
    if y < 10.0:
        square = y * y
        split = 134217729.0 * y
        high = split - (split - y)
        low = y - high
        lost = ((high * high - square) + 2.0 * high * low) + low * low  # what rounding y² lost
        value = math.exp(square) * (1.0 + lost) * math.erfc(y)
        return value, 1.0 - math.sqrt(math.pi) * y * value
    v = 0.5 / (y * y)
    rest = 0.0
    for k in range(14, 0, -1):
        rest = (2 * k - 1) * v * (1.0 - rest)
    return (1.0 - rest) / (math.sqrt(math.pi) * y), rest


@inner
def _temme(s: float, x: float, d: float) -> tuple[float, float, float]:
    """The lighter side of large s (`above` where d <= 0, else `below`), the first moment of `above`, and f(s, x): Temme's expansion.

    With ε = Γ(s+1) / (√(2πs) (s/e)^s) - 1 and y = |ζ| √(s/2) the side is (1 + ε) √(πs/2) e^{y²} erfc(y) plus a power series in ζ; the
    coefficients come from the last to the first, and so does the sum.
    """
    square = s * _saddle(d / s)
    y = math.sqrt(square)
    size = y / math.sqrt(0.5 * s)
    zeta = math.copysign(size, d)
    inverse = 1.0 / s
    after, late, series, rest, epsilon = 0.0, 0.0, 0.0, 0.0, 0.0
    for m in range(_TERMS, -1, -1):
        small = (m + 2) * inverse * late  # what vanishes for large s
        now = _F[m + 1] + small
        series = series * zeta + now
        rest = rest * zeta + small
        if m == 1:
            epsilon = now * inverse
        late, after = after, now
    scaled, mills = _scaled_erfc(y)
    bulk = (1.0 + epsilon) * math.sqrt(0.5 * math.pi * s) * scaled
    at = math.exp(-square) / (math.sqrt(2.0 * math.pi * s) * (1.0 + epsilon))
    if d > 0.0:
        return bulk + series, math.nan, at
    side = bulk - series - 1.0
    if y < 1.0:
        return side, 1.0 + d / x * side, at
    # The same, with what would cancel taken out by hand.
    return side, -d / x * ((mills + epsilon * (mills - 1.0)) / size + rest), at


@inner
def _factorial_ratio(s: float) -> float:
    """Γ(s + 1) / (√(2πs) (s/e)^s) for large s."""
    v = 1.0 / (s * s)
    return math.exp((1 / 12 - v * (1 / 360 - v * (1 / 1260 - v * (1 / 1680 - v * (1 / 1188 - v * 691 / 360360))))) / s)


@inner
def _density(s: float, x: float, d: float) -> float:
    """f(s, x) = x^s e^-x / Γ(s + 1), where d = x - s."""
    if s < _LARGE:
        return math.exp((s * math.log(x) if s > 0.0 else 0.0) - x - math.lgamma(s + 1.0))
    phase = _saddle(d / s) if x > _NARROW * s else x / s - 1.0 - math.log(x / s)
    return math.exp(-s * phase) / (math.sqrt(2.0 * math.pi * s) * _factorial_ratio(s))


@compiled
def _series(s: float, x: float) -> tuple[float, float]:
    """above(s, x) and its first moment Σ j·term / x, term by term."""
    if x == 0.0:
        return 0.0, 1.0 / (s + 1.0)
    term, total, moment, j = 1.0, 0.0, 0.0, 0.0
    while x >= s + j or j * term > _EPS * moment or j == 0.0:
        j += 1.0
        term *= x / (s + j)
        total += term
        moment += j * term
    return total, moment / x


@inner
def _fraction(s: float, x: float) -> float:
    """below(s, x) for x well above s: Legendre's continued fraction (modified Lentz)."""
    b = x + 1.0 - s
    c, d = 1e300, 1.0 / b
    h = d
    for k in range(1, 500):
        a = k * (s - k)
        b += 2.0
        d = 1.0 / (a * d + b)
        c = b + a / c
        change = c * d
        h *= change
        if abs(change - 1.0) < 1e-16:
            break
    return s * h


@compiled
def below(s: float, x: float, d: float) -> float:
    """Weight of the states below s against that of s, for a Poisson law of mean x.

    Parameters
    ----------
    s, x : float
        State (real-valued, >= 0) and mean (> 0).
    d : float
        x - s; handed in because the caller may know it better than the subtraction.

    Returns
    -------
    float
        Q(s, x) / f(s, x); 0 for s = 0, inf where it is beyond the largest number.

    Examples
    --------
    States 0 and 1 against state 2 of a Poisson law of mean 1 (weights 1, 1, 1/2):

    >>> below(2.0, 1.0, -1.0)
    4.0
    """
    if s == 0.0:
        return 0.0
    if s <= 30.0 and s == math.floor(s):
        total = 0.0
        for k in range(1, int(s) + 1):
            total = k / x * (1.0 + total)
        return total
    if s >= _LARGE and _NARROW * s <= x <= _WIDE * s:
        side, _, at = _temme(s, x, d)
        return side if d > 0.0 else 1.0 / at - 1.0 - side
    if d > (4.0 if s < _LARGE else 0.0):
        return _fraction(s, x)
    return 1.0 / _density(s, x, d) - 1.0 - _series(s, x)[0]


@compiled
def above(s: float, x: float, d: float) -> tuple[float, float]:
    """Weight of the states above s against that of s, for a Poisson law of mean x <= s, and its first moment over x.

    Parameters
    ----------
    s, x : float
        State (real-valued) and mean.
    d : float
        x - s, not above 0.

    Returns
    -------
    tuple of float
        Σ w_j and Σ j w_j / x, where w_j = x^j / ((s+1) … (s+j)).

    Examples
    --------
    >>> total, moment = above(2.0, 1.0, -1.0)  # 1/3 + 1/12 + 1/60 + …
    >>> round(total, 6), round(moment, 6)
    (0.436564, 0.563436)
    """
    if s < _LARGE or x < _NARROW * s:
        return _series(s, x)
    side, moment, _ = _temme(s, x, d)
    return side, moment


@compiled
def _split(s: float, x: float, d: float) -> tuple[float, float, float, float]:
    """The Poisson law of mean x cut at the real state s: Q(s, x), f(s, x), P(s + 1, x), and Σ_{j>0} j f(s + j, x) / x.

    The smaller side is never a difference.
    """
    if x < 1e-300:
        return (1.0, 0.0, 0.0, 0.0) if s > 0.0 else (0.0, 1.0, 0.0, 0.0)
    if s >= _LARGE and _NARROW * s <= x <= _WIDE * s:
        side, moment, at = _temme(s, x, d)
    else:
        at = _density(s, x, d)
        side, moment = (below(s, x, d), 0.0) if d > 4.0 else _series(s, x)
    if d > 0.0 and (d > 4.0 or s >= _LARGE):
        left = at * side if at > 0.0 else 0.0
        right = 1.0 - at - left
        return left, at, right, at + d / x * right
    right = at * side
    return max(1.0 - at - right, 0.0), at, right, at * moment


@compiled
def erlang_b_scalar(agents: float, load: float) -> float:
    """Erlang B: the share of contacts that find all of ``agents`` (real-valued) busy where nobody waits.

    Parameters
    ----------
    agents, load : float
        Agents or lines, and offered load. [agents, Erlang]

    Returns
    -------
    float
        1 without agents; 0 without load.

    Examples
    --------
    >>> round(erlang_b_scalar(10.0, 5.0), 4)
    0.0184
    """
    if agents == 0.0:
        return 1.0
    if load == 0.0 or agents == math.inf:
        return 0.0
    return 1.0 / (1.0 + below(agents, load, load - agents))


@inner
def _patient(n: float, a: float, tau: float) -> Shares:
    """`shares` of M/M/n: nobody leaves, the wait is exponential."""
    if n <= a:
        return 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, math.inf
    free = (n - a) / n * below(n, a, a - n)
    if free == math.inf:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0
    waiting = 1.0 / (1.0 + free)
    over = waiting * math.exp(-(n - a) * tau)
    return 0.0, waiting, 0.0, over, over, 0.0, (free - math.expm1(-(n - a) * tau)) * waiting, waiting * a / (n - a)


@inner
def _impatient(n: float, a: float, impatience: float, tau: float) -> Shares:
    """`shares` of M/M/n+M."""
    if n == 0.0:  # all stay until they have had enough
        return 0.0, 1.0, 1.0, 1.0, 0.0, math.exp(-impatience * tau), 0.0, a / impatience
    root = below(n, a, a - n)
    if root == math.inf:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0
    kappa, eta, d = n / impatience, a / impatience, (a - n) / impatience
    x = impatience * tau
    left, gone = math.exp(-x), -math.expm1(-x)
    gap = d - eta * gone  # η e^-θt - κ, without the rounding of a product of large numbers
    if d <= 0.0 or eta < 1e-290:  # so small a mean is as good as below any state
        total, moment = above(kappa, eta, d)
        whole = root + 1.0 + total
        waiting, abandoned = (1.0 + total) / whole, moment / whole
        at, after, moment_after = 1.0 / whole, total, moment
        if tau > 0.0:
            at *= math.exp(d * gone - kappa * (_saddle(-gone) if x < 0.5 else x - gone))
            after, moment_after = above(kappa, eta * left, gap) if at > 0.0 else (0.0, 0.0)
        over, late = at * (1.0 + after), at * after * n / a
        return 0.0, waiting, abandoned, over, late, at * left * moment_after, 1.0 - abandoned - late, a * abandoned / impatience
    below_0, at_0, above_0, moment = _split(kappa, eta, d)
    whole = root * at_0 + at_0 + above_0
    waiting, abandoned = (at_0 + above_0) / whole, moment / whole
    below_t, at_t, above_t, moment_t = below_0, at_0, above_0, moment
    if tau > 0.0:
        below_t, at_t, above_t, moment_t = _split(kappa, eta * left, gap)
        if eta * left < 1e-300 and kappa < _LARGE:  # not over yet where hardly anybody is served
            at_t = math.exp(kappa * (math.log(eta) - x) - math.lgamma(kappa + 1.0))
            below_t, moment_t = 1.0 - at_t, at_t
    met = (below_t - below_0) + (at_t - at_0) if above_0 > 0.5 else above_0 - above_t
    within = (root * at_0 + n / a * met) / whole
    over, late = (at_t + above_t) / whole, n / a * above_t / whole
    return 0.0, waiting, abandoned, over, late, left * moment_t / whole, within, a * abandoned / impatience


@inner
def _whole_places(n: float, a: float, impatience: float, places: float, tau: float) -> Shares:
    """`shares` for a whole number of waiting places: term by term, rescaled before it overflows."""
    root = below(n, a, a - n)
    if root == math.inf:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0
    if n + impatience == 0.0:  # nobody ever leaves: the places are taken
        return 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, places
    # The chances that m callers ahead (and the caller) are not all gone within tau are cumulative negative binomial laws (Poisson without
    # impatience): of the caller's own patience too (late), or not (over). They start as exp(-left), which may be too small to write.
    # Without agents no caller ahead is ever answered.
    gone, left_late, left_over = 0.0, math.inf, math.inf if n > 0.0 else 0.0
    if tau < math.inf:
        gone = -math.expm1(-impatience * tau) / impatience if impatience > 0.0 else tau
        left_late, left_over = (n + impatience) * tau, n * tau
    factor_late, factor_over = math.exp(-left_late), math.exp(-left_over)
    term_late, sum_late, term_over, sum_over = 1.0, 0.0, 1.0, 0.0
    weight, total, waiting, moment, late, over, within = 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    m = 0.0
    while m < places:
        sum_late += term_late
        sum_over += term_over
        waiting += weight
        over += weight * min(sum_over * factor_over, 1.0)
        term_late *= (n + impatience * (m + 1.0)) * gone / (m + 1.0)
        term_over *= (n + impatience * m) * gone / (m + 1.0)
        m += 1.0
        ratio = a / (n + impatience * m)
        weight *= ratio
        total += weight
        moment += m * weight
        missed = min(sum_late * factor_late, 1.0)
        late += weight * missed
        within += weight * (1.0 - missed)
        if sum_late > _HUGE and left_late < math.inf:
            term_late, sum_late, left_late = term_late / _HUGE, sum_late / _HUGE, left_late - _LOG_HUGE
            factor_late = math.exp(-left_late)
        if sum_over > _HUGE and left_over < math.inf:
            term_over, sum_over, left_over = term_over / _HUGE, sum_over / _HUGE, left_over - _LOG_HUGE
            factor_over = math.exp(-left_over)
        if weight > _HUGE:
            weight, total, waiting, moment = weight / _HUGE, total / _HUGE, waiting / _HUGE, moment / _HUGE
            late, over, within, root = late / _HUGE, over / _HUGE, within / _HUGE, root / _HUGE
        if ratio < 1.0 and m * weight * ratio < _EPS * (1.0 - ratio) ** 2 * moment:
            weight = 0.0  # the places beyond, and being turned away, weigh nothing
            break
    total += root
    blocked, abandoned = weight / total, impatience * moment / (a * total)
    over, late, within = over / total, n / a * late / total, (root + n / a * within) / total
    gone_late = max(over * math.exp(-impatience * tau) - late, 0.0) if impatience > 0.0 else 0.0
    return blocked, waiting / total, abandoned, over, late, gone_late, within, moment / total


@compiled
def shares(n: float, a: float, impatience: float, places: float, tau: float) -> Shares:
    """What becomes of the contacts offered to ``n`` agents.

    Parameters
    ----------
    n, a : float
        Agents (real-valued, inf allowed) and offered load, positive. [agents, Erlang]
    impatience : float
        Mean handle time over mean patience; 0 where nobody leaves.
    places : float
        Waiting places beside the agents; inf for no limit. Between whole numbers the shares are interpolated linearly.
    tau : float
        Threshold. [mean handle times]

    Returns
    -------
    tuple of float
        Shares of all offered: turned away; admitted and not answered at once; abandoned; admitted who would wait longer than ``tau`` if
        they had the patience; answered after ``tau``; abandoned after ``tau``; answered within it; and the mean number waiting.
        In overload without patience nobody is answered in time and the queue is inf.

    Examples
    --------
    Ten agents, ten Erlangs, handle time 180 s, patience 60 s, threshold 20 s:

    >>> blocked, waiting, abandoned, over, late, gone_late, within, queue = shares(10.0, 10.0, 3.0, np.inf, 20 / 180)
    >>> round(waiting, 4), round(within, 4)
    (0.4234, 0.718)
    """
    if n == math.inf:
        return 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0
    if places == math.inf:
        return _impatient(n, a, impatience, tau) if impatience > 0.0 else _patient(n, a, tau)
    whole = float(math.floor(places + 1e-9))
    part = max(places - whole, 0.0)
    first = _whole_places(n, a, impatience, whole, tau)
    if part < 1e-9:
        return first
    second = _whole_places(n, a, impatience, whole + 1.0, tau)
    rest = 1.0 - part
    return (
        rest * first[0] + part * second[0],
        rest * first[1] + part * second[1],
        rest * first[2] + part * second[2],
        rest * first[3] + part * second[3],
        rest * first[4] + part * second[4],
        rest * first[5] + part * second[5],
        rest * first[6] + part * second[6],
        rest * first[7] + part * second[7],
    )


@inner
def _digamma_rest(x: float) -> float:
    """What is left of ψ(x + 1) = ln x + 1/(2x) - rest, for large x."""
    v = 1.0 / (x * x)
    return v * (1 / 12 - v * (1 / 120 - v * (1 / 252 - v * (1 / 240 - v * (1 / 132 - v * 691 / 32760)))))


@compiled
def _steps(n: float, impatience: float, m: float) -> tuple[float, float]:
    """Σ 1/(n + iθ) and Σ iθ/(n + iθ) over i = 1 … m, without walking to a large m."""
    if impatience == 0.0:
        return m / n, 0.0
    served, left, i, kappa = 0.0, 0.0, 0.0, n / impatience
    while i < m and kappa + i < 20.0:
        i += 1.0
        served += 1.0 / (n + i * impatience)
        left += i / (kappa + i)
    if i < m:
        start, more = kappa + i, m - i
        small = 0.5 * more / (start * (start + more)) - (_digamma_rest(start) - _digamma_rest(start + more))
        inverses = math.log1p(more / start) - small  # Σ 1/(κ + l) over l = i+1 … m
        served += inverses / impatience
        left += start * (_saddle(more / start) + small) + i * inverses
    return served, left


@inner
def _log_density(d: float, kappa: float, v: float) -> float:
    """Logarithm of the density of the offered wait, ``v`` mean patiences after its mode, over that at the mode."""
    gone = -math.expm1(-v)
    return min(d, 0.0) * gone - kappa * _saddle(-gone)


@inner
def _reach(d: float, kappa: float, eta: float, sign: float) -> float:
    """How far from the mode, before (-1) or after it (1), the density of the offered wait is e^-50 of its height there."""
    low, high = 0.0, 1.0 / eta
    while _log_density(d, kappa, sign * high) > -50.0:
        low, high = high, 2.0 * high
    for _ in range(5):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if _log_density(d, kappa, sign * middle) > -50.0 else (low, middle)
    return high


@inner
def _mean_waits_by_density(n: float, a: float, impatience: float) -> tuple[float, float]:
    """`mean_waits` by Gauss-Legendre quadrature of exp(η(1 - e^-u) - κu), the density of the offered wait u in mean patiences.

    Who is offered u is answered with probability e^-u, else leaves before, having waited 1 - e^-u (1 + u) on average over all.
    """
    kappa, eta, d = n / impatience, a / impatience, (a - n) / impatience
    mode = math.log1p(d / kappa) if d > 0.0 else 0.0
    start = max(-_reach(d, kappa, eta, -1.0), -mode) if mode > 0.0 else 0.0
    width = (_reach(d, kappa, eta, 1.0) - start) / _PANELS
    answered, answered_wait, gone, gone_wait = 0.0, 0.0, 0.0, 0.0
    for panel in range(_PANELS):
        for k in range(len(_NODES)):
            v = start + width * (panel + _NODES[k])
            u = mode + v
            weight = _WEIGHTS[k] * math.exp(_log_density(d, kappa, v))
            stay, leave = math.exp(-u), -math.expm1(-u)
            if u > 0.3:
                waited = leave - u * stay
            else:  # Σ_{k>=2} (k - 1)/k! (-u)^k, without cancellation
                waited = 0.0
                for power in range(11, 1, -1):
                    waited = (power - 1.0) * _INVERSE_FACTORIAL[power] - u * waited
                waited *= u * u
            answered += weight * stay
            answered_wait += weight * stay * u
            gone += weight * leave
            gone_wait += weight * waited
    return answered_wait / answered / impatience, gone_wait / gone / impatience


@compiled
def mean_waits(n: float, a: float, impatience: float, places: float) -> tuple[float, float]:
    """Mean wait of those answered after a wait, and of those who abandoned.

    Parameters
    ----------
    n, a, impatience, places : float
        As for `shares`; ``places`` whole, ``n + impatience`` positive.

    Returns
    -------
    tuple of float
        In mean handle times; NaN where there is no such contact. [mean handle times]

    Notes
    -----
    Who meets j - 1 waiting is answered with probability n/(n + jθ), after Σ_{i<=j} 1/(n + iθ) on average; who leaves does so after
    Σ_{i<=j} iθ/(n + iθ) / (jθ). Both are averaged over the law of j, outwards from its mode. That takes some 16 √(a/θ) states; where these
    are too many, both come from the density of the offered wait.

    Examples
    --------
    >>> answered, abandoned = mean_waits(10.0, 10.0, 3.0, np.inf)
    >>> round(abandoned * 180, 3)
    19.919
    """
    if places < 1.0 or n == math.inf:
        return math.nan, math.nan
    if impatience == 0.0 and places == math.inf:
        return (1.0 / (n - a) if n > a else math.inf), math.nan
    if n == 0.0 and places == math.inf:
        return math.nan, 1.0 / impatience
    if places == math.inf and a > _MANY_STATES * impatience and n > 10.0 * impatience:
        return _mean_waits_by_density(n, a, impatience)
    mode = min(max(math.floor((a - n) / impatience), 1.0), places) if impatience > 0.0 else (places if a > n else 1.0)
    served, left = _steps(n, impatience, mode)
    total, moment, sum_served, sum_left = 1.0, mode, served, left
    weight, m, up_served, up_left = 1.0, mode, served, left
    while m < places:
        m += 1.0
        rate = n + m * impatience
        weight *= a / rate
        up_served += 1.0 / rate
        up_left += m * impatience / rate
        total += weight
        moment += m * weight
        sum_served += weight * up_served
        sum_left += weight * up_left
        if a < rate and m * m * weight * a < _EPS * (rate - a) * (1.0 - a / rate) ** 2 * total:
            break
    weight, m = 1.0, mode
    while m > 1.0:
        rate = n + m * impatience
        weight *= rate / a
        served -= 1.0 / rate
        left -= m * impatience / rate
        m -= 1.0
        total += weight
        moment += m * weight
        sum_served += weight * served
        sum_left += weight * left
        if weight < _EPS * total:
            break
    return (sum_served / total if n > 0.0 else math.nan), (sum_left / (impatience * moment) if impatience > 0.0 else math.nan)
