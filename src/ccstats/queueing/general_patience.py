"""M/M/n+G: callers whose patience follows any law, who may call again, on days that may be busier than expected.

`impatient_queue` says what callers meet, `impatient_agents_required` how many agents it takes. With an exponential law and neither retrials
nor an uncertain rate this is Erlang A, for which `ccstats.queueing.erlang` is faster.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccstats.queueing.measures import SUMS, QueueMeasures, Targets, check_targets, divide_sums, fewest_agents
from ccstats.queueing.offered_wait import row_arguments, row_sums
from ccstats.queueing.patience_laws import PatienceLaw
from ccstats.queueing.random_rate import RateFactors
from ccstats.queueing.retrials import all_attempts

__all__ = ["impatient_agents_required", "impatient_queue"]

Floats = NDArray[np.float64]


def impatient_queue(
    agents: ArrayLike,
    load: ArrayLike,
    *,
    aht_s: ArrayLike,
    patience: PatienceLaw | ArrayLike = np.inf,
    threshold_s: ArrayLike = 20.0,
    short_s: ArrayLike | None = None,
    rate: RateFactors | None = None,
    retry_share: ArrayLike = 0.0,
) -> QueueMeasures:
    """Service level, waits and abandonment of a queue whose callers have any law of patience.

    Parameters
    ----------
    agents : array of float
        Agents; parts of an agent are allowed. [agents]
    load : array of float
        Offered load of first calls on an ordinary day. [Erlangs]
    aht_s : array of float
        Mean handle time, exponentially distributed. [s]
    patience : PatienceLaw or array of float
        The law of patience; a number is the mean of an exponential one, ``inf`` never leaves. [s]
    threshold_s : array of float
        Answered within. [s]
    short_s : array of float, optional
        Those who leave within this are not counted by ``sl_excl_short``; None counts all. [s]
    rate : RateFactors, optional
        An uncertain arrival rate; by default it is certain.
    retry_share : array of float
        Share of those who abandon that call again at once, each time anew; below 1.

    Returns
    -------
    QueueMeasures
        Arrays as the arguments broadcast. Shares are NaN where nobody calls. Where more call than are served or leave, the limit: waits are
        infinite and nobody is answered in time. With retrials all shares are per attempt, and the agents meet the attempts; with an
        uncertain rate all shares are per call: busy days count with their calls, occupancy and queue with their time.

    Raises
    ------
    OptionError
        If an argument is negative, missing, or not what it must be.

    See Also
    --------
    impatient_agents_required, ccstats.queueing.retrials.retrial_load, ccstats.queueing.random_rate.gamma_rate

    Notes
    -----
    Exact for Poisson arrivals and exponential handle times. Zeltyn & Mandelbaum (2005): with H(x) the integral of the survival of patience,
    the offered wait has the density ``v(x) = λ exp(λ H(x) - n μ x) / (E + λ J)``, J is the integral of the exponential and
    ``E = 1 / B(n-1, a)``. Then ``P(abandon) = ∫ v G``, ``E[wait] = ∫ v H``, ``P(answered within t) = E / (E + λ J) + ∫₀ᵗ v (1 - G)``. All
    terms are positive and scaled by the peak of the density, so that neither large loads nor overload cost digits; with exponential
    patience the answers are those of Erlang A to about 1e-12.

    References
    ----------
    S. Zeltyn, A. Mandelbaum (2005), "Call centers with impatient customers: many-server asymptotics of the M/M/n+G queue", Queueing
    Systems 51. L. Brown et al. (2005), section 7, on callers whose hazard of leaving is not constant.

    Examples
    --------
    Ten Erlangs, ten agents; callers are patient for two minutes on average, exponentially or exactly:

    >>> queue = impatient_queue(10, 10.0, aht_s=180.0, patience=[120.0], threshold_s=20.0)
    >>> queue.service_level.round(4).tolist()
    [0.6399]
    >>> round(float(impatient_queue(10, 10.0, aht_s=180.0, patience=PatienceLaw.fixed(120.0), threshold_s=20.0).service_level), 4)
    0.4212
    """
    own, shape = row_arguments(agents, load, aht_s, patience, threshold_s, short_s, retry_share)
    sums, attempts = _sums(own, patience, rate)
    measures = divide_sums(sums, attempts, own["aht_s"], own["agents"])
    return QueueMeasures(*(each.reshape(shape)[()] for each in measures))


def impatient_agents_required(
    load: ArrayLike,
    *,
    aht_s: ArrayLike,
    patience: PatienceLaw | ArrayLike = np.inf,
    target_service_level: float | None = None,
    threshold_s: ArrayLike = 20.0,
    definition: str = "service_level",
    short_s: ArrayLike | None = None,
    max_mean_wait_s: float | None = None,
    max_abandonment_rate: float | None = None,
    max_occupancy: float | None = None,
    rate: RateFactors | None = None,
    retry_share: ArrayLike = 0.0,
    fractional: bool = False,
) -> Floats:
    """The fewest agents that meet every target, for callers with any law of patience.

    Parameters
    ----------
    load : array of float
        Offered load of first calls on an ordinary day. [Erlangs]
    aht_s, patience, threshold_s, short_s, rate, retry_share
        As for `impatient_queue`.
    target_service_level : float, optional
        At least this share, by ``definition``: a service level of `QueueMeasures`.
    definition : str
        Which service level.
    max_mean_wait_s : float, optional
        At most this mean wait of the answered. [s]
    max_abandonment_rate, max_occupancy : float, optional
        At most these shares.
    fractional : bool
        Whether parts of an agent are allowed.

    Returns
    -------
    numpy.ndarray
        Agents; 0 where nobody calls, more elsewhere.

    Raises
    ------
    OptionError
        If nothing is asked for, or something that no number of agents can give.

    Notes
    -----
    All measures improve with every agent (the offered wait falls in the likelihood-ratio order), so bisection finds the true minimum; with
    retrials or an uncertain rate this is proved only for shares of all calls.

    Examples
    --------
    >>> law = PatienceLaw.lognormal(median_s=90.0, sigma=1.0)
    >>> impatient_agents_required([10.0, 100.0], aht_s=180.0, patience=law, target_service_level=0.8, threshold_s=20.0).tolist()
    [12.0, 101.0]
    """
    targets = check_targets(Targets(target_service_level, definition, max_mean_wait_s, max_abandonment_rate, max_occupancy))
    own, shape = row_arguments(1.0, load, aht_s, patience, threshold_s, short_s, retry_share)

    def met(agents: Floats) -> NDArray[np.bool_]:
        sums, attempts = _sums(own | {"agents": agents}, patience, rate)
        return targets.met(divide_sums(sums, attempts, own["aht_s"], agents))

    return np.asarray(fewest_agents(met, own["load"], fractional=fractional).reshape(shape)[()])


def _sums(own: dict[str, Floats], patience: PatienceLaw | ArrayLike, rate: RateFactors | None) -> tuple[Floats, Floats]:
    """Sums per attempt (rows × 9) and the mean load of all attempts."""
    if rate is None:
        attempts = all_attempts(own, patience)
        return row_sums(own | {"load": attempts}, patience), attempts
    # Rows × factors, in one row for the loop; each day's sums count with the calls of that day.
    points = len(rate.factors)
    days = {name: np.repeat(value, points) for name, value in own.items()}
    days["load"] = (own["load"][:, None] * rate.factors).ravel()
    days["load"] = all_attempts(days, patience)
    each = row_sums(days, patience).reshape(-1, points, len(SUMS))
    calls = days["load"].reshape(-1, points) * rate.weights
    attempts = calls.sum(axis=1)
    with np.errstate(invalid="ignore"):
        sums = np.where((calls > 0)[:, :, None], calls[:, :, None] * each, 0.0).sum(axis=1) / attempts[:, None]
    return sums, attempts
