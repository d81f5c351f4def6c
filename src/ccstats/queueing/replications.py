"""Replications of a simulation: confidence intervals, common random numbers, warm-up, and as many runs as the precision needs."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from ccstats.errors import OptionError

__all__ = ["Replications", "check_seed", "paired_differences", "random_stream", "replicate", "warm_up_length"]

Floats = NDArray[np.float64]
Measures = dict[str, float]


@dataclass(frozen=True)
class Replications:
    """The measures of independent runs, and what they say about the true means.

    Attributes
    ----------
    values : dict of str to numpy.ndarray
        Each measure in every run, in the order of the runs.
    confidence : float
        Confidence of the intervals. [0-1]
    seed : int
        The seed: runs of the same seed drew the same random numbers.

    Notes
    -----
    A run in which a measure is missing (NaN: nothing was answered, say) does not count for that measure. With fewer than two runs
    nothing is known about the error: the half-width is infinite.

    Examples
    --------
    >>> runs = Replications({"asa_s": np.array([9.0, 10.0, 11.0])}, 0.95, seed=1)
    >>> round(runs.mean["asa_s"], 3), round(runs.half_width["asa_s"], 3)
    (10.0, 2.484)
    """

    values: dict[str, Floats]
    confidence: float
    seed: int

    @property
    def mean(self) -> Measures:
        """The mean of each measure over the runs; NaN where no run knows it."""
        return {name: float(known.mean()) if known.size else float("nan") for name, known in self._known()}

    @property
    def half_width(self) -> Measures:
        """Half the width of each confidence interval, by Student's t."""
        return {name: half_width(known, self.confidence) for name, known in self._known()}

    @property
    def interval(self) -> dict[str, tuple[float, float]]:
        """The confidence interval of each measure: lower and upper end."""
        mean, half = self.mean, self.half_width
        return {name: (mean[name] - half[name], mean[name] + half[name]) for name in self.values}

    def _known(self) -> list[tuple[str, Floats]]:
        return [(name, each[~np.isnan(each)]) for name, each in self.values.items()]


def half_width(values: Floats, confidence: float) -> float:
    """Half the width of Student's confidence interval of the mean of independent values; infinite for fewer than two.

    Examples
    --------
    >>> round(half_width(np.array([9.0, 10.0, 11.0]), 0.95), 3)
    2.484
    """
    if values.size < 2:
        return float("inf")
    return float(stdtrit(values.size - 1, (1 + confidence) / 2) * values.std(ddof=1) / np.sqrt(values.size))


def check_seed(seed: object) -> None:
    """Refuse what is no seed.

    Parameters
    ----------
    seed : object
        What was given as ``seed=``.

    Raises
    ------
    OptionError
        If it is not a whole number from 0 on.

    Examples
    --------
    >>> check_seed(7)
    """
    if not isinstance(seed, int | np.integer) or isinstance(seed, bool) or seed < 0:
        raise OptionError(f"seed={seed!r} must be a whole number from 0 on, such as seed=1")


def random_stream(seed: int | np.random.SeedSequence, name: str) -> np.random.Generator:
    """The generator of one named kind of randomness, independent of all other names.

    Arrivals that have a stream of their own stay the same when handle times are drawn otherwise: common random numbers.

    Parameters
    ----------
    seed : int or numpy.random.SeedSequence
        The seed of the run.
    name : str
        What is drawn from it: ``"arrivals"``, ``"handle"``, ``"patience"``, …

    Returns
    -------
    numpy.random.Generator
        The same for the same seed and name, at its beginning.

    Examples
    --------
    >>> random_stream(7, "arrivals").random() == random_stream(7, "arrivals").random()
    True
    >>> random_stream(7, "arrivals").random() == random_stream(7, "patience").random()
    False
    """
    root = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    child = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, zlib.crc32(name.encode())))
    return np.random.default_rng(child)


def replicate(
    run: Callable[[np.random.SeedSequence], Mapping[str, float]],
    *,
    seed: int,
    replications: int = 20,
    confidence: float = 0.95,
    wanted: float | Mapping[str, float] | None = None,
    max_replications: int = 1000,
) -> Replications:
    """Run a simulation again and again, each time with another seed.

    Parameters
    ----------
    run : callable
        Takes the seed of one run and returns its measures by name, the same names every time.
    seed : int
        Run ``k`` gets the ``k``-th child of it, whatever the number of runs: two systems with the same seed meet the same randomness.
    replications : int
        How many runs, at least 2; with ``wanted`` how many before the precision is looked at for the first time.
    confidence : float
        Confidence of the intervals. [0-1]
    wanted : float or mapping of str to float, optional
        Go on until the half-width of every measure (of those named) is at most this.
    max_replications : int
        … but stop here.

    Returns
    -------
    Replications
        Whether ``wanted`` was reached is seen from its ``half_width``.

    Raises
    ------
    OptionError
        If a number cannot be, ``wanted`` names what ``run`` does not measure, or the runs measure different things.

    Notes
    -----
    Stopping when the interval is narrow enough makes it a little less sure than stated; ten runs or more before the first look keep the
    loss small (Law 2015, section 9.4.1, who calls it the sequential procedure).

    References
    ----------
    Law, A. M. (2015), Simulation Modeling and Analysis, 5th ed., sections 9.4 (terminating simulations) and 11.2 (common random numbers).

    Examples
    --------
    >>> def run(seed):
    ...     return {"mean": random_stream(seed, "numbers").exponential(60.0, 400).mean()}
    >>> runs = replicate(run, seed=1, wanted=1.0)
    >>> lower, upper = runs.interval["mean"]
    >>> lower < 60.0 < upper, upper - lower <= 2.0
    (True, True)
    """
    if replications < 2 or max_replications < replications:
        raise OptionError(f"replications={replications!r} must be at least 2 and at most max_replications={max_replications!r}")
    if not 0 < confidence < 1:
        raise OptionError(f"confidence={confidence!r} must lie between 0 and 1, such as 0.95")
    root = np.random.SeedSequence(seed)
    rows: dict[str, list[float]] = {}
    done = 0
    while done < replications or (done < max_replications and _too_wide(rows, wanted, confidence)):
        measures = run(root.spawn(1)[0])
        if done == 0:
            rows = {name: [] for name in measures}
            unknown = set(wanted) - set(rows) if isinstance(wanted, Mapping) else set()
            if unknown:
                raise OptionError(f"wanted= names {sorted(unknown)}, but the run measures {list(rows)}")
        elif set(measures) != set(rows):
            raise OptionError(f"run {done} measures {list(measures)}, the first one {list(rows)}; every run must measure the same")
        for name, value in measures.items():
            rows[name].append(float(value))
        done += 1
    return Replications({name: np.array(row) for name, row in rows.items()}, confidence, seed)


def _too_wide(rows: Mapping[str, list[float]], wanted: float | Mapping[str, float] | None, confidence: float) -> bool:
    if wanted is None:
        return False
    limits = wanted if isinstance(wanted, Mapping) else dict.fromkeys(rows, wanted)
    known = Replications({name: np.array(rows[name]) for name in limits}, confidence, 0).half_width
    return any(known[name] > limit for name, limit in limits.items())


def paired_differences(first: Replications, second: Replications) -> Replications:
    """First less second, run by run: the comparison of two systems that met the same random numbers.

    Parameters
    ----------
    first, second : Replications
        From `replicate` with the same seed.

    Returns
    -------
    Replications
        The differences of the measures both have, over the runs both made; the confidence is that of the first. What the two systems
        share cancels, so that the interval is much narrower than one around the difference of two independent means.

    Raises
    ------
    OptionError
        If they come from different seeds, or share no measure.

    Examples
    --------
    >>> def centre(mean):
    ...     return lambda seed: {"aht_s": random_stream(seed, "handle").exponential(mean, 100).mean()}
    >>> slow, fast = (replicate(centre(mean), seed=3) for mean in (200.0, 190.0))
    >>> lower, upper = paired_differences(slow, fast).interval["aht_s"]
    >>> 0 < lower < 10 < upper
    True
    """
    if first.seed != second.seed:
        raise OptionError(f"the runs come from the seeds {first.seed} and {second.seed}; replicate both systems with the same seed=")
    both = [name for name in first.values if name in second.values]
    if not both:
        raise OptionError(f"no measure in common: {list(first.values)} and {list(second.values)}")
    runs = min(first.values[both[0]].size, second.values[both[0]].size)
    return Replications({name: first.values[name][:runs] - second.values[name][:runs] for name in both}, first.confidence, first.seed)


def warm_up_length(observations: ArrayLike, *, batch: int = 5) -> int:
    """How many observations at the beginning of a run to leave out, because the system was not yet in its steady state.

    Parameters
    ----------
    observations : array of float
        What was observed, in time: waits, or queue lengths at regular instants; no missing values.
    batch : int
        Observations averaged before the rule looks at them. [observations]

    Returns
    -------
    int
        A multiple of ``batch``, at most half the observations; 0 for a run of fewer than two batches.

    Notes
    -----
    MSER-5: the cut that makes the squared standard error of what is left smallest. If the best cut would be later than half the run, the
    run is too short to tell, and half of it is what is returned.

    References
    ----------
    White, K. P. (1997), An effective truncation heuristic for bias reduction in simulation output, Simulation 69(6).

    Examples
    --------
    >>> warm_up_length([90.0] * 10 + [10.0, 12.0] * 50)
    10
    """
    values = np.asarray(observations, dtype="float64")
    if values.ndim != 1 or np.isnan(values).any() or batch < 1:
        raise OptionError("observations= must be one row without missing values, and batch= at least 1")
    batches = values.size // batch
    if batches < 2:
        return 0
    means = values[: batches * batch].reshape(batches, batch).mean(axis=1)
    left = np.arange(batches, 0, -1)
    centred = means - means.mean()  # so that the difference of squares below keeps its digits
    total, squares = np.cumsum(centred[::-1])[::-1], np.cumsum(centred[::-1] ** 2)[::-1]
    error = (squares - total**2 / left) / left**2
    return int(np.argmin(error[: batches // 2 + 1])) * batch
