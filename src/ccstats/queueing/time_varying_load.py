"""How many contacts would be in hand at each time of day if nobody ever waited: the load lags behind the arrivals."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError
from ccstats.queueing.measures import checked

__all__ = ["offered_load_curve", "sinusoidal_load"]

Floats = NDArray[np.float64]


def sinusoidal_load(time_s: ArrayLike, load: ArrayLike, *, amplitude: ArrayLike, period_s: ArrayLike, aht_s: ArrayLike) -> Floats:
    """Offered load when the arrival rate is a sine around its mean.

    Parameters
    ----------
    time_s : array of float
        Since the rate rose through its mean. [s]
    load : array of float
        Mean arrival rate × mean handle time. [Erlangs]
    amplitude : array of float
        Height of the sine as a share of the mean rate, 0 to 1.
    period_s : array of float
        From peak to peak. [s]
    aht_s : array of float
        Mean handle time, exponentially distributed. [s]

    Returns
    -------
    numpy.ndarray
        Mean number in hand with unlimited agents, in the long run. [Erlangs]

    Raises
    ------
    OptionError
        If an argument is negative, missing, or the amplitude above 1.

    Notes
    -----
    For the rate ``λ (1 + r sin ωt)`` and ``g = ω aht``: ``a (1 + r (sin ωt - g cos ωt) / (1 + g²))``. The load lags by about one handle
    time, and swings less.

    References
    ----------
    S. Eick, W. Massey, W. Whitt (1993), "M_t/G/∞ queues with sinusoidal arrival rates", Management Science 39, theorem 4.1.

    Examples
    --------
    Two hundred contacts an hour that take an hour each; a day's sine of 50 %, at its peak at 06:00 and an hour later:

    >>> sinusoidal_load([21600.0, 25200.0], 200.0, amplitude=0.5, period_s=86400.0, aht_s=3600.0).round(2).tolist()
    [293.59, 296.74]
    """
    swing = checked(amplitude, "amplitude")
    if (swing > 1).any():
        raise OptionError("amplitude= must be a share of the mean rate from 0 to 1: an arrival rate is never negative")
    time = np.asarray(time_s, dtype="float64")
    if not np.isfinite(time).all():
        raise OptionError("time_s= must be finite [s]")
    turn = 2.0 * np.pi / checked(period_s, "period_s", positive=True)
    lag = turn * checked(aht_s, "aht_s", positive=True)
    return np.asarray(checked(load, "load") * (1.0 + swing * (np.sin(turn * time) - lag * np.cos(turn * time)) / (1.0 + lag**2)))


def offered_load_curve(
    contacts: ArrayLike, *, aht_s: ArrayLike, interval_s: float, start_load: ArrayLike = 0.0, cyclic: bool = False
) -> Floats:
    """Offered load of each interval when arrivals change from interval to interval.

    Parameters
    ----------
    contacts : array of float (… × intervals)
        Expected contacts of each interval; the rate is constant within it. [contacts]
    aht_s : array of float
        Mean handle time, exponentially distributed; one, or one for each interval. [s]
    interval_s : float
        Length of an interval. [s]
    start_load : array of float
        Contacts in hand at the beginning; not with ``cyclic``. [Erlangs]
    cyclic : bool
        Whether the intervals repeat for ever, such as a day without a closing hour: the load at the beginning is then that at the end.

    Returns
    -------
    numpy.ndarray (… × intervals)
        Mean over each interval. [Erlangs]

    Raises
    ------
    OptionError
        If an argument is negative or missing, or the arrays do not fit together.

    Notes
    -----
    The load m solves ``m' = λ - m / aht``: within an interval it tends exponentially to ``λ aht``, and its mean over the interval is taken
    exactly. Where the handle time changes, contacts in hand take the new one.

    References
    ----------
    S. Eick, W. Massey, W. Whitt (1993), "The physics of the M_t/G/∞ queue", Operations Research 41.

    Examples
    --------
    An hour of calls after opening, ten minutes each, by quarter of an hour: the load builds up, and outlasts the calls.

    >>> offered_load_curve([30, 30, 30, 30, 0], aht_s=600.0, interval_s=900.0).round(1).tolist()
    [9.6, 17.7, 19.5, 19.9, 10.3]
    """
    expected, handle = checked(contacts, "contacts"), checked(aht_s, "aht_s", positive=True)
    length, start = float(checked(interval_s, "interval_s", positive=True)), checked(start_load, "start_load")
    if expected.ndim == 0:
        raise OptionError("contacts= must have one number for each interval")
    try:
        handle = np.broadcast_to(handle, expected.shape)
        start = np.broadcast_to(start, expected.shape[:-1])
    except ValueError as error:
        raise OptionError(f"aht_s= {handle.shape} or start_load= {start.shape} does not fit contacts= {expected.shape}") from error
    if cyclic and start.any():
        raise OptionError("start_load= has no meaning with cyclic=True: the beginning follows from the end")
    rows = expected.shape[-1]
    out = _smooth(
        np.ascontiguousarray(expected / length * handle).reshape(-1, rows),
        np.ascontiguousarray(length / handle).reshape(-1, rows),
        np.ascontiguousarray(start).ravel(),
        cyclic,
    )
    return np.asarray(out.reshape(expected.shape))


@njit(cache=True, nogil=True, error_model="numpy")
def _smooth(level: Floats, turns: Floats, start: Floats, cyclic: bool) -> Floats:  # pragma: no cover - compiled; checked against an ODE
    """Mean of the load over each interval; ``level`` is where it tends to, ``turns`` how many handle times the interval lasts."""
    out = np.empty_like(level)
    for row in range(level.shape[0]):
        now = start[row]
        if cyclic:
            # Over a whole cycle the load at the beginning is forgotten by a factor; the rest is what has come since.
            kept, came = 1.0, 0.0
            for i in range(level.shape[1]):
                kept *= np.exp(-turns[row, i])
                came = level[row, i] + (came - level[row, i]) * np.exp(-turns[row, i])
            now = came / (1.0 - kept)
        for i in range(level.shape[1]):
            gap = now - level[row, i]
            out[row, i] = level[row, i] - gap * np.expm1(-turns[row, i]) / turns[row, i]
            now = level[row, i] + gap * np.exp(-turns[row, i])
    return out
