"""How long callers are ready to wait: one object for any law of patience, ready to be integrated.

A law is known by its distribution function and the places where that is not smooth. For the integrals of `ccstats.queueing.offered_wait` it
is written once as polynomials on short panels (Chebyshev, degree 15; panels are halved until they fit), so that the compiled loop
needs no special functions, and a curve from data, a formula and a mixture of both are the same thing. It is one file because a
law is one object.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray
from scipy import special

from ccstats.errors import OptionError
from ccstats.queueing.patience import FittedLaw

__all__ = ["PatienceLaw"]

Floats = NDArray[np.float64]

_DEGREE = 15
_FIT = np.cos(np.pi * (np.arange(_DEGREE + 1) + 0.5) / (_DEGREE + 1))[::-1]  # where a panel is fitted ...
_CHECK = np.linspace(-0.98, 0.98, 23)  # ... and where the fit is checked
_SOLVE = np.linalg.inv(chebyshev.chebvander(_FIT, _DEGREE))
_MOST = 100_000  # panels that fail at once: no smooth function


class Panels(NamedTuple):
    """A distribution function in pieces; what the compiled integrals read."""

    edges: Floats  # borders of the panels, from 0 [s]
    cdf: Floats  # panels × coefficients of the share that has left
    cdf_at: Floats  # share that has left by each edge
    lost: Floats  # panels × coefficients of its integral, beginning with 0 at each panel's left edge [s]
    lost_at: Floats  # that integral from 0 to each edge [s]
    flat: NDArray[np.bool_]  # whether nobody leaves within the panel
    end: float  # share that has left at the last edge; nobody leaves afterwards


@dataclass(frozen=True, eq=False)
class PatienceLaw:
    """The law of the time a caller is ready to wait.

    Made by one of `exponential`, `weibull`, `lognormal`, `fixed`, `from_curve`, `fitted`, `mixture` and `balking`, or from a distribution
    function of your own.

    Attributes
    ----------
    cdf : callable
        Share of callers whose patience has ended by ``x`` [s] inclusive, for an array of times.
    marks_s : tuple of float
        Where it jumps or bends, and the scale of it: where panels begin and end. After the last mark nobody leaves. [s]

    Examples
    --------
    One caller in ten hangs up as soon as there is a queue, the others are exponential with a mean of two minutes:

    >>> law = PatienceLaw.exponential(120.0).balking(0.10)
    >>> law.survival([0.0, 120.0]).round(4).tolist()
    [0.9, 0.3311]
    """

    cdf: Callable[[Floats], Floats]
    marks_s: tuple[float, ...]

    @classmethod
    def exponential(cls, mean_s: float) -> PatienceLaw:
        """Callers lose patience at a constant rate; ``inf`` never do.

        Parameters
        ----------
        mean_s : float
            Mean patience; callers who waited t seconds and have not left will wait as long again on average. [s]

        Returns
        -------
        PatienceLaw

        Raises
        ------
        OptionError
            If the mean is not positive.

        Examples
        --------
        >>> round(float(PatienceLaw.exponential(120.0).survival(120.0)), 4)
        0.3679
        """
        mean = _positive(mean_s, "mean_s", infinite=True)
        if mean == np.inf:
            return cls(np.zeros_like, ())
        return cls(lambda x: -np.expm1(-x / mean), _scales(mean, 40.0 * mean))

    @classmethod
    def weibull(cls, *, shape: float, scale_s: float) -> PatienceLaw:
        """The hazard of leaving falls (``shape`` < 1) or rises (``shape`` > 1) with the wait.

        Parameters
        ----------
        shape : float
            Exponent; 1 is the exponential law.
        scale_s : float
            63 % have left by then. [s]

        Returns
        -------
        PatienceLaw

        Raises
        ------
        OptionError
            If a parameter is not positive and finite, or the shape is under 0.1 (nearly everybody leaves at once or never).

        Examples
        --------
        >>> round(float(PatienceLaw.weibull(shape=0.7, scale_s=90.0).survival(90.0)), 4)
        0.3679
        """
        power, scale = _positive(shape, "shape"), _positive(scale_s, "scale_s")
        if power < 0.1:
            raise OptionError(f"shape={shape!r} is under 0.1: nearly everybody leaves at once or never; use a share that balks")
        return cls(lambda x: -np.expm1(-((x / scale) ** power)), _scales(scale, scale * 40.0 ** (1.0 / power)))

    @classmethod
    def lognormal(cls, *, median_s: float, sigma: float) -> PatienceLaw:
        """The logarithm of patience is normal.

        Parameters
        ----------
        median_s : float
            Half of the callers have left by then. [s]
        sigma : float
            Standard deviation of the logarithm.

        Returns
        -------
        PatienceLaw

        Raises
        ------
        OptionError
            If a parameter is not positive and finite, or sigma is over 10.

        Examples
        --------
        >>> float(PatienceLaw.lognormal(median_s=90.0, sigma=1.0).survival(90.0))
        0.5
        """
        middle, spread = _positive(median_s, "median_s"), _positive(sigma, "sigma")
        if spread > 10.0:
            raise OptionError(f"sigma={sigma!r} is over 10: such a law spans more than 70 powers of ten; give sigma in natural logarithms")

        def cdf(x: Floats) -> Floats:
            with np.errstate(divide="ignore"):
                return np.asarray(special.ndtr(np.log(x / middle) / spread), dtype="float64")

        return cls(cdf, tuple(middle * np.exp(spread * np.arange(-8.5, 8.6, 1.0))))

    @classmethod
    def fixed(cls, patience_s: float) -> PatienceLaw:
        """Everybody waits exactly so long: an announced limit, or a platform that ends the wait.

        Parameters
        ----------
        patience_s : float
            The limit; 0 is a caller who leaves as soon as there is a wait. [s]

        Returns
        -------
        PatienceLaw

        Raises
        ------
        OptionError
            If it is negative or not finite.

        Examples
        --------
        >>> PatienceLaw.fixed(60.0).survival([59.0, 60.0]).tolist()
        [1.0, 0.0]
        """
        return cls.from_curve([patience_s], [0.0])

    @classmethod
    def from_curve(cls, times_s: ArrayLike, survival: ArrayLike, *, tail_mean_s: float = np.inf) -> PatienceLaw:
        """A curve from data, such as the Kaplan–Meier curve of patience: steps down at the times given.

        Parameters
        ----------
        times_s : array of float
            When the curve steps, ascending; a step at 0 is a share that balks. [s]
        survival : array of float
            Share still ready to wait from that time on, never rising.
        tail_mean_s : float
            How much longer those wait who outlast the curve: exponential with this mean; by default they never leave. [s]

        Returns
        -------
        PatienceLaw

        Raises
        ------
        OptionError
            If times do not ascend, or shares rise or lie outside 0 to 1.

        Notes
        -----
        A curve from a log ends at the longest wait seen, and often far above zero. What happens beyond it matters only where callers meet
        such waits; say it with ``tail_mean_s`` (the censored mean of patience is the usual choice).

        Examples
        --------
        >>> law = PatienceLaw.from_curve([10.0, 60.0, 300.0], [0.9, 0.6, 0.5], tail_mean_s=400.0)
        >>> law.survival([5.0, 60.0, 700.0]).round(4).tolist()
        [1.0, 0.6, 0.1839]
        """
        times, left = np.atleast_1d(np.asarray(times_s, dtype="float64")), np.atleast_1d(np.asarray(survival, dtype="float64"))
        if times.ndim != 1 or times.shape != left.shape or not times.size:
            raise OptionError(f"times_s= and survival= have shapes {times.shape} and {left.shape}; expected two rows of the same length")
        if not np.isfinite(times).all() or (times < 0).any() or (np.diff(times) <= 0).any():
            raise OptionError("times_s= must be finite, none negative, each later than the one before [s]")
        if not ((left >= 0) & (left <= 1)).all() or (np.diff(left) > 0).any():
            raise OptionError("survival= must be shares from 0 to 1 that never rise")
        tail = _positive(tail_mean_s, "tail_mean_s", infinite=True)
        gone = np.concatenate([[0.0], 1.0 - left])

        def steps(x: Floats) -> Floats:
            return gone[np.searchsorted(times, x, side="right")]

        if tail == np.inf or left[-1] == 0:
            return cls(steps, tuple(times))

        def cdf(x: Floats) -> Floats:
            return np.where(x >= times[-1], gone[-1] - left[-1] * np.expm1(-np.maximum(x - times[-1], 0.0) / tail), steps(x))

        return cls(cdf, (*times, *(times[-1] + mark for mark in _scales(tail, 40.0 * tail))))

    @classmethod
    def fitted(cls, law: FittedLaw) -> PatienceLaw:
        """A law that was fitted to waits.

        Parameters
        ----------
        law : FittedLaw
            From `ccstats.queueing.patience.fit_law`.

        Returns
        -------
        PatienceLaw

        Examples
        --------
        >>> from ccstats.queueing.patience import fit_law
        >>> law = PatienceLaw.fitted(fit_law([10.0, 20.0, 30.0], [True, True, False], "exponential"))
        >>> round(law.mean_s, 6)
        30.0
        """
        if law.name == "weibull":
            return cls.weibull(shape=law.shape, scale_s=law.scale_s)
        if law.name == "lognormal":
            return cls.lognormal(median_s=law.scale_s, sigma=law.shape)
        return cls.exponential(law.scale_s)

    @classmethod
    def mixture(cls, laws: Sequence[PatienceLaw], weights: ArrayLike) -> PatienceLaw:
        """Several kinds of callers in one queue, such as patient and impatient ones.

        Parameters
        ----------
        laws : sequence of PatienceLaw
            The kinds.
        weights : array of float
            Their shares; divided by their sum.

        Returns
        -------
        PatienceLaw

        Raises
        ------
        OptionError
            If there is not one weight, none negative, for each law.

        Examples
        --------
        >>> kinds = [PatienceLaw.exponential(20.0), PatienceLaw.exponential(600.0)]
        >>> round(PatienceLaw.mixture(kinds, [0.25, 0.75]).mean_s, 6)
        455.0
        """
        share = np.asarray(weights, dtype="float64")
        if not laws or share.shape != (len(laws),) or not np.isfinite(share).all() or (share < 0).any() or not share.sum() > 0:
            raise OptionError(f"weights= must be one share for each of the {len(laws)} laws, none negative, not all zero; got {weights!r}")
        share, kinds = share / share.sum(), tuple(laws)
        marks = sorted({mark for law in kinds for mark in law.marks_s})

        def cdf(x: Floats) -> Floats:
            return np.asarray(sum(weight * law.cdf(x) for weight, law in zip(share, kinds, strict=True)), dtype="float64")

        return cls(cdf, tuple(marks))

    def balking(self, share: float) -> PatienceLaw:
        """The same law for those who stay, when a share leaves as soon as there is a wait.

        Parameters
        ----------
        share : float
            Share of callers who do not join a queue; they are served where an agent is idle.

        Returns
        -------
        PatienceLaw

        Raises
        ------
        OptionError
            If the share is not within 0 to 1.

        Examples
        --------
        >>> float(PatienceLaw.fixed(30.0).balking(0.2).survival(10.0))
        0.8
        """
        if not 0 <= share <= 1:
            raise OptionError(f"share={share!r} must be a share from 0 to 1")
        return PatienceLaw.mixture([PatienceLaw.fixed(0.0), self], [share, 1.0 - share])

    def survival(self, wait_s: ArrayLike) -> Floats:
        """Share of callers who are ready to wait longer than ``wait_s``.

        Parameters
        ----------
        wait_s : array of float
            How long. [s]

        Returns
        -------
        numpy.ndarray

        Examples
        --------
        >>> PatienceLaw.fixed(30.0).survival(10.0).tolist()
        1.0
        """
        return np.asarray(1.0 - self.cdf(np.asarray(wait_s, dtype="float64")), dtype="float64")

    @property
    def mean_s(self) -> float:
        """Mean patience in seconds; infinite where some never leave.

        Examples
        --------
        >>> PatienceLaw.fixed(30.0).mean_s
        30.0
        """
        panels = self.panels
        return float(panels.edges[-1] - panels.lost_at[-1]) if panels.end == 1 else np.inf

    @cached_property
    def panels(self) -> Panels:
        """The law in pieces, as the compiled integrals need it; made once.

        Examples
        --------
        >>> PatienceLaw.fixed(30.0).panels.edges.tolist()
        [0.0, 30.0]
        """
        edges = np.unique([0.0, *self.marks_s])
        left, right = edges[:-1], edges[1:]
        enough = 1e-14 * min((mark for mark in self.marks_s if mark > 0), default=1.0)
        done: list[tuple[Floats, Floats, Floats]] = []
        while left.size:
            middle, half = ((left + right) / 2)[:, None], ((right - left) / 2)[:, None]
            share = self.cdf(middle + half * _FIT)
            fitted = share @ _SOLVE.T
            flat = share.min(axis=1) == share.max(axis=1)
            fitted[flat, 0], fitted[flat, 1:] = share[flat, 0], 0.0
            missed = np.abs(chebyshev.chebval(_CHECK, fitted.T) - self.cdf(middle + half * _CHECK)).max(axis=1)
            # Near a power law at 0 no panel ever fits: there it is enough that the area missed no longer matters.
            good = (missed <= 5e-16 + 5e-15 * share.max(axis=1)) | (missed * half[:, 0] <= enough)
            done.append((left[good], right[good], fitted[good]))
            left, right = np.concatenate([left[~good], middle[~good, 0]]), np.concatenate([middle[~good, 0], right[~good]])
            if left.size > _MOST:
                raise OptionError("cdf= jumps or bends between its marks_s=; name the places where it does, or give the law as a curve")
        order = np.argsort(np.concatenate([piece[0] for piece in done])) if done else np.zeros(0, dtype="int64")
        edges = np.concatenate([[0.0], np.concatenate([right, *(piece[1] for piece in done)])[order]])
        cdf = np.concatenate([np.zeros((0, _DEGREE + 1)), *(piece[2] for piece in done)])[order]
        at_nodes = cdf @ chebyshev.chebvander(_FIT, _DEGREE).T
        if at_nodes.size and not (at_nodes.min() > -1e-12 and at_nodes.max() < 1 + 1e-12 and np.diff(at_nodes.ravel()).min() > -1e-12):
            raise OptionError("cdf= must rise from 0 to 1: the share of callers whose patience has ended by then")
        lost = chebyshev.chebint(cdf, lbnd=-1, axis=1) * np.diff(edges)[:, None] / 2
        lost_at = np.concatenate([[0.0], np.cumsum(chebyshev.chebval(1.0, lost.T))])
        # A jump at a mark may lie a rounding beyond it in the function as it is computed.
        gone = self.cdf(edges * (1 + 1e-15))
        end = 1.0 if gone[-1] > 1.0 - 1e-15 else float(gone[-1])
        flat = (cdf[:, 1:] == 0).all(axis=1)
        return Panels(edges, np.ascontiguousarray(cdf), gone, np.ascontiguousarray(lost), lost_at, flat, end)


def _positive(value: float, name: str, *, infinite: bool = False) -> float:
    if not value > 0 or (value == np.inf and not infinite):
        raise OptionError(f"{name}={value!r} must be positive" + ("" if infinite else " and finite"))
    return float(value)


def _scales(scale: float, end: float) -> tuple[float, ...]:
    """Marks of a law that is smooth but for 0, where it may be a power of time: finer towards 0."""
    return (*(scale * 16.0**k for k in range(-5, 1)), *np.geomspace(scale, end, 2 + int(np.log2(end / scale)))[1:])
