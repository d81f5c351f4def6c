"""What callers of a queue meet, under every service-level definition, and the fewest agents that meet targets on it.

Shared by the models of this folder that end in the same nine sums per contact (`ccstats.queueing.offered_wait`): general patience, chat,
blending. Sums are added first (over busy and quiet days, say); ratios are divided here, last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError, did_you_mean
from ccstats.queueing.sizing import SERVICE_LEVELS

__all__ = ["DEFINITIONS", "SUMS", "QueueMeasures", "Targets", "check_targets", "checked", "divide_sums", "fewest_agents"]

Floats = NDArray[np.float64]

#: Service levels by name, as in the registry of ratios; ``sl_virtual`` exists in models only.
DEFINITIONS = tuple(SERVICE_LEVELS)

#: What `ccstats.queueing.offered_wait.offered_wait` returns, all per offered contact.
SUMS = (
    "delayed",
    "answered_within",
    "abandoned_within",
    "abandoned_short",
    "virtual_within",
    "answered",
    "abandoned",
    "wait_answered_s",
    "wait_abandoned_s",
)

_ROUNDING = 1e-12  # a target missed by less is met: 8.4 / 12 is 0.7


class QueueMeasures(NamedTuple):
    """What callers and agents of a queue meet in the long run; arrays of one shape, NaN where nobody calls.

    Attributes
    ----------
    wait_probability : numpy.ndarray
        Share that finds no agent idle; of those, some balk.
    abandonment_rate : numpy.ndarray
        Share that leaves unanswered.
    mean_wait_s, mean_wait_answered_s, mean_wait_abandoned_s : numpy.ndarray
        Mean wait of all, of the answered, of those who leave; NaN where there are none. [s]
    occupancy : numpy.ndarray
        Share of agents busy.
    mean_queue : numpy.ndarray
        Contacts waiting on average. [contacts]
    service_level : numpy.ndarray
        Answered within the threshold, of all.
    sl_answered_only : numpy.ndarray
        … of the answered.
    sl_excl_early_abandoned : numpy.ndarray
        … of all but those who left within the threshold.
    sl_early_abandoned_met : numpy.ndarray
        Answered or left within the threshold, of all: P(W ≤ T).
    sl_excl_short : numpy.ndarray
        Answered within the threshold, of all but those who left within ``short_s`` (of all, where that is None).
    sl_virtual : numpy.ndarray
        Share that would be answered within the threshold if it waited for ever: P(V ≤ T).

    Examples
    --------
    >>> import numpy as np
    >>> round(float(divide_sums(np.array([0.5, 0.8, 0.05, 0.0, 0.82, 0.9, 0.1, 9.0, 2.0]), 10.0, 180.0, 12.0).sl_answered_only), 4)
    0.8889
    """

    wait_probability: Floats
    abandonment_rate: Floats
    mean_wait_s: Floats
    mean_wait_answered_s: Floats
    mean_wait_abandoned_s: Floats
    occupancy: Floats
    mean_queue: Floats
    service_level: Floats
    sl_answered_only: Floats
    sl_excl_early_abandoned: Floats
    sl_early_abandoned_met: Floats
    sl_excl_short: Floats
    sl_virtual: Floats


class Targets(NamedTuple):
    """What is asked for; None asks nothing. `max_mean_wait_s` limits the mean wait of the answered.

    Examples
    --------
    >>> Targets(target_service_level=0.8).definition
    'service_level'
    """

    target_service_level: float | None = None
    definition: str = "service_level"
    max_mean_wait_s: float | None = None
    max_abandonment_rate: float | None = None
    max_occupancy: float | None = None

    def met(self, measures: QueueMeasures) -> NDArray[np.bool_]:
        """Where the measures meet everything asked for; a difference of rounding is forgiven.

        Examples
        --------
        >>> import numpy as np
        >>> measures = divide_sums(np.array([0.5, 0.8, 0.05, 0.0, 0.82, 0.9, 0.1, 9.0, 2.0]), 10.0, 180.0, 12.0)
        >>> bool(Targets(0.8).met(measures)), bool(Targets(max_mean_wait_s=9.0).met(measures))
        (True, False)
        """
        good = np.ones(np.shape(measures.service_level), dtype=bool)
        if self.target_service_level is not None:
            good &= getattr(measures, self.definition) >= self.target_service_level * (1 - _ROUNDING)
        limits = (
            (self.max_mean_wait_s, measures.mean_wait_answered_s),
            (self.max_abandonment_rate, measures.abandonment_rate),
            (self.max_occupancy, measures.occupancy),
        )
        for limit, value in limits:
            if limit is not None:
                good &= value <= limit * (1 + _ROUNDING)
        return good


def check_targets(targets: Targets) -> Targets:
    """The targets, if they can be met.

    Parameters
    ----------
    targets : Targets
        What is asked for.

    Returns
    -------
    Targets

    Raises
    ------
    OptionError
        If nothing is asked for, a share is not between 0 and 1, a limit not positive, or the definition not known.

    Examples
    --------
    >>> check_targets(Targets(target_service_level=0.8)).target_service_level
    0.8
    """
    if targets.definition not in DEFINITIONS:
        hint = did_you_mean(targets.definition, DEFINITIONS)
        raise OptionError(f"definition={targets.definition!r} is no service level of a model; choose from {', '.join(DEFINITIONS)}.{hint}")
    asked = {name: value for name, value in targets._asdict().items() if name != "definition" and value is not None}
    if not asked:
        raise OptionError("nothing is asked for: give target_service_level=, max_mean_wait_s=, max_abandonment_rate= or max_occupancy=")
    for name, value in asked.items():
        top = np.inf if name == "max_mean_wait_s" else 1.0
        if not 0 < value < top and not (name == "max_occupancy" and value == 1):
            wanted = "a positive number of seconds" if top == np.inf else "a share above 0 and below 1, which enough agents can meet"
            raise OptionError(f"{name}={value!r} must be {wanted}")
    return targets


def checked(values: ArrayLike, name: str, *, positive: bool = False, infinite: bool = False) -> Floats:
    """The values as an array of float, if all are numbers that make sense.

    Parameters
    ----------
    values : array of float
        Any shape.
    name : str
        The argument, for the text of the error.
    positive : bool
        Whether 0 is not allowed either.
    infinite : bool
        Whether ``inf`` is allowed.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    OptionError
        If one is missing, negative, or otherwise not allowed; the text names the first.

    Examples
    --------
    >>> checked([1, 2], "load").tolist()
    [1.0, 2.0]
    """
    try:
        out = np.asarray(values, dtype="float64")
    except (TypeError, ValueError) as error:
        raise OptionError(f"{name}={values!r} must be a number or an array of numbers") from error
    good = (out > 0 if positive else out >= 0) & (np.isfinite(out) | (infinite & (out == np.inf)))
    if not good.all():
        place = tuple(int(i) for i in np.argwhere(~good)[0])
        wanted = ("positive" if positive else "0 or more") + ("" if infinite else " and finite")
        raise OptionError(f"{name}= must be {wanted}; found {out[place]}" + (f" at position {list(place)}" if place else ""))
    return out


def divide_sums(sums: Floats, load: ArrayLike, aht_s: ArrayLike, agents: ArrayLike) -> QueueMeasures:
    """Every ratio from sums per contact.

    Parameters
    ----------
    sums : numpy.ndarray (… × 9)
        As `SUMS`, per offered contact.
    load : array of float
        Offered load. [Erlangs]
    aht_s : array of float
        Mean handle time. [s]
    agents : array of float
        Agents. [agents]

    Returns
    -------
    QueueMeasures

    Examples
    --------
    >>> import numpy as np
    >>> measures = divide_sums(np.array([0.5, 0.8, 0.05, 0.0, 0.82, 0.9, 0.1, 9.0, 2.0]), 10.0, 180.0, 12.0)
    >>> round(float(measures.mean_wait_answered_s), 6), round(float(measures.occupancy), 6)
    (10.0, 0.75)
    """
    part = dict(zip(SUMS, np.moveaxis(sums, -1, 0), strict=True))
    wait = part["wait_answered_s"] + part["wait_abandoned_s"]
    within, answered, abandoned = part["answered_within"], part["answered"], part["abandoned"]
    with np.errstate(divide="ignore", invalid="ignore"):
        quiet = np.asarray(load) == 0
        measures = QueueMeasures(
            wait_probability=part["delayed"],
            abandonment_rate=abandoned,
            mean_wait_s=wait,
            mean_wait_answered_s=part["wait_answered_s"] / answered,
            mean_wait_abandoned_s=part["wait_abandoned_s"] / abandoned,
            occupancy=np.where(quiet, 0.0, load * answered / agents),
            mean_queue=np.where(quiet, 0.0, load / np.asarray(aht_s) * wait),
            service_level=within,
            sl_answered_only=within / answered,
            sl_excl_early_abandoned=within / (1.0 - part["abandoned_within"]),
            sl_early_abandoned_met=within + part["abandoned_within"],
            sl_excl_short=within / (1.0 - part["abandoned_short"]),
            sl_virtual=part["virtual_within"],
        )
    return QueueMeasures(*(np.asarray(each)[()] for each in measures))


def fewest_agents(met: Callable[[Floats], NDArray[np.bool_]], load: Floats, *, fractional: bool = False) -> Floats:
    """The smallest number of agents for which ``met`` is true, for each load.

    Parameters
    ----------
    met : callable
        Whether targets are met, for an array of agents as large as ``load``; once true it stays true for more agents.
    load : numpy.ndarray
        Offered load: where it is 0 the answer is 0, elsewhere it is where the search begins. [Erlangs]
    fractional : bool
        Whether parts of an agent are allowed.

    Returns
    -------
    numpy.ndarray
        Agents; whole numbers as float unless ``fractional``; where anybody calls, more than 0.

    Notes
    -----
    Bisection between 0 and a bound that is doubled until all targets are met, never a search upwards from the load: impatient callers can
    be served well by fewer agents than Erlangs.

    Examples
    --------
    >>> import numpy as np
    >>> fewest_agents(lambda agents: agents >= 2.5, np.array([1.0])).tolist()
    [3.0]
    """
    low, high = np.zeros(load.shape), np.ceil(load + np.sqrt(load) + 1.0)
    busy = load > 0
    while True:
        short = busy & ~met(high)
        if not short.any():
            break
        low, high = np.where(short, high, low), np.where(short, 2.0 * high, high)
    while (wide := busy & (high - low > 1.0)).any():
        middle = np.where(wide, np.floor((low + high) / 2), high)
        good = met(middle)
        low, high = np.where(wide & ~good, middle, low), np.where(wide & good, middle, high)
    if fractional:
        for _ in range(50):
            middle = (low + high) / 2
            good = met(middle)
            low, high = np.where(good, low, middle), np.where(good, middle, high)
    return np.where(busy, high, 0.0)
