"""Erlang B, C and A for real-valued agents, with finite lines, every service-level definition, and the inverses.

Arrays in, arrays out; all arguments broadcast, and numbers give a number. ``cc.erlang`` is this module. ``load`` is offered load in Erlangs
(`offered_load`), ``agents`` may be real-valued, ``patience_s`` is mean (exponential) patience and infinite where nobody leaves (Erlang C),
``lines`` are all places, agents' included, and infinite where nobody is turned away; ``lines = agents`` is Erlang B.

* Shares are of all offered, those turned away included. Mean waits are over those admitted.
* Zero load: 0 agents required, an empty queue, idle agents; shares and waits of nobody are NaN.
* Overload without patience (load not below agents, lines unlimited): everybody waits, for ever: service level 0, wait inf, occupancy 1.
  With patience or with finite lines any load is stable.
* No agents: nobody is answered; service level 0, and with patience everybody abandons.
* Between whole numbers of waiting places (``lines - agents``) the sums of the neighbouring whole numbers are interpolated linearly.
* Negative, missing or infinite input is an error that names the argument and the place. Infinite agents are allowed: that is what an
  inverse says where no number of agents meets a target.

It is one file because the measures and their inverses are one calculator: who asks one asks the others, with the same arguments.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError, did_you_mean
from ccstats.queueing.sizing import (
    GRID_BITS,
    MEASURES,
    SERVICE_LEVELS,
    agents_for,
    agents_for_many,
    agents_for_rows,
    line_rows,
    lines_for,
    load_for,
    load_rows,
    measure,
    measure_rows,
    quantile,
    quantile_rows,
)

__all__ = [
    "abandonment_rate",
    "agents_required",
    "blocking_rate",
    "erlang_b",
    "erlang_c",
    "lines_required",
    "max_load",
    "mean_queue",
    "mean_wait_s",
    "occupancy",
    "offered_load",
    "service_level",
    "wait_exceeds",
    "wait_probability",
    "wait_quantile_s",
]

Floats = NDArray[np.float64]
Result = float | Floats

_MANY = 5_000  # rows from which on a grid of loads pays


def offered_load(contacts: ArrayLike, *, aht_s: ArrayLike, interval_s: ArrayLike) -> Result:
    """Offered load: the agents that would be busy if nobody ever waited.

    Parameters
    ----------
    contacts : float or array
        Contacts offered in the interval. [contacts]
    aht_s : float or array
        Mean handle time. [s]
    interval_s : float or array
        Length of the interval. [s]

    Returns
    -------
    float or numpy.ndarray
        contacts × aht_s / interval_s; 0 without contacts. [Erlang]

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape, or the interval is 0.

    Examples
    --------
    A hundred calls of three minutes in half an hour:

    >>> import ccstats as cc
    >>> cc.erlang.offered_load(100, aht_s=180, interval_s=1800)
    10.0
    """
    count, aht = _numbers("contacts", contacts), _numbers("aht_s", aht_s)
    result = count * aht / _numbers("interval_s", interval_s, positive=True)
    return result if isinstance(result, np.ndarray) else float(result)


def erlang_b(agents: ArrayLike, load: ArrayLike) -> Result:
    """Erlang B: the share turned away where there are as many lines as agents, so that nobody can wait.

    Parameters
    ----------
    agents : float or array
        Agents on duty, real-valued, 0 or more. [agents]
    load : float or array
        Offered load. [Erlang]

    Returns
    -------
    float or numpy.ndarray
        1 without agents; NaN without load; 0 where it is below the smallest number.

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape.

    See Also
    --------
    blocking_rate : with places to wait.

    Notes
    -----
    1/B(n, a) = Σ n(n-1)…(n-k+1)/a^k, continued to real n as e^a a^-n Γ(n+1, a) (Jagers & van Doorn 1986, Operations Research Letters 5).

    Examples
    --------
    >>> import ccstats as cc
    >>> round(cc.erlang.erlang_b(10, 5.0), 4)
    0.0184
    """
    return _measured("blocking_rate", agents, load, lines=agents)


def erlang_c(agents: ArrayLike, load: ArrayLike) -> Result:
    """Erlang C: the share that has to wait where everybody waits as long as it takes.

    Parameters
    ----------
    agents : float or array
        Agents on duty, real-valued, 0 or more. [agents]
    load : float or array
        Offered load. [Erlang]

    Returns
    -------
    float or numpy.ndarray
        1 where the load is not below the agents; NaN without load.

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape.

    See Also
    --------
    wait_probability : with patience and finite lines.

    Notes
    -----
    C = B / (1 - ρ (1 - B)) with ρ = load / agents (Gans, Koole & Mandelbaum 2003, Manufacturing & Service Operations Management 5(2)).

    Examples
    --------
    >>> import ccstats as cc
    >>> round(cc.erlang.erlang_c(14, 10.0), 3)
    0.174
    """
    return _measured("wait_probability", agents, load)


def wait_probability(
    agents: ArrayLike, load: ArrayLike, *, aht_s: ArrayLike | None = None, patience_s: ArrayLike = math.inf, lines: ArrayLike = math.inf
) -> Result:
    """The share of all offered that is let in and finds no agent free.

    Parameters
    ----------
    agents : float or array
        Agents on duty, real-valued, 0 or more. [agents]
    load : float or array
        Offered load. [Erlang]
    aht_s : float or array, optional
        Mean handle time; needed where ``patience_s`` is finite. [s]
    patience_s : float or array
        Mean patience; infinite where nobody leaves. [s]
    lines : float or array
        Places in all, at least as many as agents; infinite where nobody is turned away. [lines]

    Returns
    -------
    float or numpy.ndarray
        1 in overload without patience and without agents; NaN without load.

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape.

    References
    ----------
    Garnett, Mandelbaum & Reiman (2002), Manufacturing & Service Operations Management 4(3): M/M/n+M.

    Examples
    --------
    Ten agents, ten Erlangs, handle time three minutes, patience one minute:

    >>> import ccstats as cc
    >>> round(cc.erlang.wait_probability(10, 10.0, aht_s=180, patience_s=60), 4)
    0.4234
    """
    return _measured("wait_probability", agents, load, aht_s, patience_s, lines)


def service_level(
    agents: ArrayLike,
    load: ArrayLike,
    *,
    aht_s: ArrayLike,
    threshold_s: ArrayLike,
    patience_s: ArrayLike = math.inf,
    lines: ArrayLike = math.inf,
    definition: str = "service_level",
    short_s: ArrayLike | None = None,
) -> Result:
    """The service level, under any of the definitions.

    Parameters
    ----------
    agents : float or array
        Agents on duty, real-valued, 0 or more. [agents]
    load : float or array
        Offered load. [Erlang]
    aht_s : float or array
        Mean handle time. [s]
    threshold_s : float or array
        Answered within this is in time; may be infinite. [s]
    patience_s : float or array
        Mean patience; infinite where nobody leaves. [s]
    lines : float or array
        Places in all, at least as many as agents; infinite where nobody is turned away. [lines]
    definition : str
        ``service_level`` (answered in time / offered), ``sl_answered_only`` (/ answered), ``sl_excl_early_abandoned`` (/ offered less those
        who left within the threshold), ``sl_early_abandoned_met`` (answered or left within the threshold / offered: P(W ≤ T)),
        ``sl_excl_short`` (answered in time / offered less those who left within ``short_s``), ``sl_virtual`` (would be answered in time
        with endless patience / offered).
    short_s : float or array, optional
        How short an abandoned wait ``sl_excl_short`` ignores; without it none. [s]

    Returns
    -------
    float or numpy.ndarray
        0 in overload without patience and without agents (except what counts abandoning as met); NaN without load. Without patience all
        definitions agree but for those turned away, whom only ``sl_answered_only`` leaves out.

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape, or the definition is not known.

    Notes
    -----
    Erlang C: 1 - C e^{-(n - a) T/AHT}. Erlang A: the wait of a patient caller has an incomplete gamma law, and so has that of the answered
    (Zeltyn & Mandelbaum 2005, Queueing Systems 51); both are taken from positive terms or from the smaller tail.

    Examples
    --------
    >>> import ccstats as cc
    >>> round(cc.erlang.service_level(14, 10.0, aht_s=180, threshold_s=20), 4)
    0.8884
    >>> cc.erlang.service_level(10, 10.0, aht_s=180, threshold_s=[0, 20], patience_s=60).round(4)
    array([0.5766, 0.718 ])
    """
    code, short = _definition(definition), 0.0 if short_s is None else short_s
    return _measured(code, agents, load, aht_s, patience_s, lines, _numbers("threshold_s", threshold_s, infinite=True), short)


def mean_wait_s(
    agents: ArrayLike,
    load: ArrayLike,
    *,
    aht_s: ArrayLike,
    patience_s: ArrayLike = math.inf,
    lines: ArrayLike = math.inf,
    of: str = "all",
) -> Result:
    """The mean time in the queue.

    Parameters
    ----------
    agents : float or array
        Agents on duty, real-valued, 0 or more. [agents]
    load : float or array
        Offered load. [Erlang]
    aht_s : float or array
        Mean handle time. [s]
    patience_s : float or array
        Mean patience; infinite where nobody leaves. [s]
    lines : float or array
        Places in all, at least as many as agents; infinite where nobody is turned away. [lines]
    of : str
        ``all`` who were admitted, ``answered`` (the ASA), or ``abandoned``.

    Returns
    -------
    float or numpy.ndarray
        Those who do not wait count as 0. inf in overload without patience; NaN without load, and where there is nobody to wait (no agent
        answers, nobody abandons). [s]

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape, or ``of`` is not known.

    Notes
    -----
    Erlang C: C · AHT / (n - a). Erlang A: of all, abandonment rate × mean patience; of the answered and the abandoned, the mean over the
    number waiting j of Σ 1/(n + iθ) and Σ iθ/(n + iθ)/(jθ), i = 1 … j, in handle times; with unlimited lines and patience so long that j
    may be any of very many numbers, integrals of the offered wait instead.

    Examples
    --------
    >>> import ccstats as cc
    >>> round(cc.erlang.mean_wait_s(14, 10.0, aht_s=180), 2)
    7.84
    >>> round(cc.erlang.mean_wait_s(10, 10.0, aht_s=180, patience_s=60, of="answered"), 3)
    7.494
    """
    return _measured("mean_wait_" + _whose(of, "mean_wait_"), agents, load, aht_s, patience_s, lines)


def abandonment_rate(
    agents: ArrayLike, load: ArrayLike, *, aht_s: ArrayLike | None = None, patience_s: ArrayLike = math.inf, lines: ArrayLike = math.inf
) -> Result:
    """The share of all offered that loses patience.

    Parameters
    ----------
    agents : float or array
        Agents on duty, real-valued, 0 or more. [agents]
    load : float or array
        Offered load. [Erlang]
    aht_s : float or array, optional
        Mean handle time; needed where ``patience_s`` is finite. [s]
    patience_s : float or array
        Mean patience; infinite where nobody leaves. [s]
    lines : float or array
        Places in all, at least as many as agents; infinite where nobody is turned away. [lines]

    Returns
    -------
    float or numpy.ndarray
        0 where patience is infinite; NaN without load. Small rates keep their relative accuracy.

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape.

    References
    ----------
    Garnett, Mandelbaum & Reiman (2002), Manufacturing & Service Operations Management 4(3): M/M/n+M.

    Examples
    --------
    >>> import ccstats as cc
    >>> round(cc.erlang.abandonment_rate(14, 10.0, aht_s=180, patience_s=300), 4)
    0.014
    """
    return _measured("abandonment_rate", agents, load, aht_s, patience_s, lines)


def blocking_rate(
    agents: ArrayLike, load: ArrayLike, *, lines: ArrayLike, aht_s: ArrayLike | None = None, patience_s: ArrayLike = math.inf
) -> Result:
    """The share of all offered that finds every line taken and is turned away.

    Parameters
    ----------
    agents : float or array
        Agents on duty, real-valued, 0 or more. [agents]
    load : float or array
        Offered load. [Erlang]
    lines : float or array
        Places in all, at least as many as agents; infinite where nobody is turned away. [lines]
    aht_s : float or array, optional
        Mean handle time; needed where ``patience_s`` is finite. [s]
    patience_s : float or array
        Mean patience; infinite where nobody leaves. [s]

    Returns
    -------
    float or numpy.ndarray
        0 where lines are unlimited, or so many that the share is below 1e-16; NaN without load.

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape, or there are fewer lines than agents.

    Examples
    --------
    >>> import ccstats as cc
    >>> round(cc.erlang.blocking_rate(12, 10.0, lines=15), 4)
    0.0553
    """
    return _measured("blocking_rate", agents, load, aht_s, patience_s, lines)


def occupancy(
    agents: ArrayLike, load: ArrayLike, *, aht_s: ArrayLike | None = None, patience_s: ArrayLike = math.inf, lines: ArrayLike = math.inf
) -> Result:
    """The share of their time that the agents are busy.

    Parameters
    ----------
    agents : float or array
        Agents on duty, real-valued, 0 or more. [agents]
    load : float or array
        Offered load. [Erlang]
    aht_s : float or array, optional
        Mean handle time; needed where ``patience_s`` is finite. [s]
    patience_s : float or array
        Mean patience; infinite where nobody leaves. [s]
    lines : float or array
        Places in all, at least as many as agents; infinite where nobody is turned away. [lines]

    Returns
    -------
    float or numpy.ndarray
        load × answered share / agents; 1 in overload without patience, 0 without load, NaN without agents.

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape.

    Examples
    --------
    >>> import ccstats as cc
    >>> round(cc.erlang.occupancy(14, 10.0), 4)
    0.7143
    """
    return _measured("occupancy", agents, load, aht_s, patience_s, lines)


def mean_queue(
    agents: ArrayLike, load: ArrayLike, *, aht_s: ArrayLike | None = None, patience_s: ArrayLike = math.inf, lines: ArrayLike = math.inf
) -> Result:
    """The mean number waiting.

    Parameters
    ----------
    agents : float or array
        Agents on duty, real-valued, 0 or more. [agents]
    load : float or array
        Offered load. [Erlang]
    aht_s : float or array, optional
        Mean handle time; needed where ``patience_s`` is finite. [s]
    patience_s : float or array
        Mean patience; infinite where nobody leaves. [s]
    lines : float or array
        Places in all, at least as many as agents; infinite where nobody is turned away. [lines]

    Returns
    -------
    float or numpy.ndarray
        Contacts per second × mean wait (Little). inf in overload without patience, 0 without load. [contacts]

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape.

    Examples
    --------
    >>> import ccstats as cc
    >>> round(cc.erlang.mean_queue(14, 10.0), 3)
    0.435
    """
    return _measured("mean_queue", agents, load, aht_s, patience_s, lines)


def wait_exceeds(
    agents: ArrayLike,
    load: ArrayLike,
    *,
    aht_s: ArrayLike,
    wait_s: ArrayLike,
    patience_s: ArrayLike = math.inf,
    lines: ArrayLike = math.inf,
    of: str = "all",
) -> Result:
    """The distribution of the wait: the share that waits longer than ``wait_s``.

    Parameters
    ----------
    agents : float or array
        Agents on duty, real-valued, 0 or more. [agents]
    load : float or array
        Offered load. [Erlang]
    aht_s : float or array
        Mean handle time. [s]
    wait_s : float or array
        The wait to exceed. [s]
    patience_s : float or array
        Mean patience; infinite where nobody leaves. [s]
    lines : float or array
        Places in all, at least as many as agents; infinite where nobody is turned away. [lines]
    of : str
        ``all`` who were admitted (in the queue, answered or not), ``answered``, ``abandoned``, or ``virtual``: the wait that the admitted
        would have with endless patience.

    Returns
    -------
    float or numpy.ndarray
        1 in overload without patience; NaN where there is nobody.

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape, or ``of`` is not known.

    See Also
    --------
    wait_quantile_s : the other way round.

    Examples
    --------
    >>> import ccstats as cc
    >>> cc.erlang.wait_exceeds(14, 10.0, aht_s=180, wait_s=[0, 20, 60], patience_s=120).round(4)
    array([0.127 , 0.053 , 0.0066])
    """
    what = "longer_" + _whose(of, "longer_")
    return _measured(what, agents, load, aht_s, patience_s, lines, _numbers("wait_s", wait_s, infinite=True))


def wait_quantile_s(
    agents: ArrayLike,
    load: ArrayLike,
    *,
    aht_s: ArrayLike,
    q: ArrayLike,
    patience_s: ArrayLike = math.inf,
    lines: ArrayLike = math.inf,
    of: str = "all",
) -> Result:
    """The wait that a share ``q`` does not exceed.

    Parameters
    ----------
    agents : float or array
        Agents on duty, real-valued, 0 or more. [agents]
    load : float or array
        Offered load. [Erlang]
    aht_s : float or array
        Mean handle time. [s]
    q : float or array
        Share, 0 to 1.
    patience_s : float or array
        Mean patience; infinite where nobody leaves. [s]
    lines : float or array
        Places in all, at least as many as agents; infinite where nobody is turned away. [lines]
    of : str
        As for `wait_exceeds`.

    Returns
    -------
    float or numpy.ndarray
        0 where that many do not wait at all; inf where no wait is long enough (overload without patience, ``q = 1``). [s]

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape, or ``of`` is not known.

    Examples
    --------
    >>> import ccstats as cc
    >>> round(cc.erlang.wait_quantile_s(14, 10.0, aht_s=180, q=0.9), 2)
    24.96
    """
    code = MEASURES["longer_" + _whose(of, "longer_")]
    inputs = (*_queue(agents, load, aht_s, patience_s, lines), _numbers("q", q, most=1.0))
    return _by_row(lambda *row: quantile(code, *row), lambda *rows: quantile_rows(code, *rows), inputs)


def agents_required(
    load: ArrayLike,
    *,
    aht_s: ArrayLike | None = None,
    target_service_level: ArrayLike | None = None,
    threshold_s: ArrayLike | None = None,
    max_mean_wait_s: ArrayLike | None = None,
    max_abandonment_rate: ArrayLike | None = None,
    max_occupancy: ArrayLike | None = None,
    max_blocking_rate: ArrayLike | None = None,
    patience_s: ArrayLike = math.inf,
    lines: ArrayLike = math.inf,
    definition: str = "service_level",
    short_s: ArrayLike | None = None,
    fractional: bool = False,
) -> Result:
    """The fewest agents that meet every target: met with them, missed with one less.

    Parameters
    ----------
    load : float or array
        Offered load. [Erlang]
    aht_s : float or array, optional
        Mean handle time; not needed where only occupancy or blocking is limited and patience is infinite. [s]
    target_service_level : float or array, optional
        At least this, under ``definition``, at ``threshold_s``. [0 to 1]
    threshold_s : float or array, optional
        Threshold of the service level. [s]
    max_mean_wait_s : float or array, optional
        At most this mean wait of the answered (ASA). [s]
    max_abandonment_rate : float or array, optional
        At most this share of all offered; holds always where patience is infinite. [0 to 1]
    max_occupancy : float or array, optional
        At most this. [0 to 1]
    max_blocking_rate : float or array, optional
        At most this share of all offered; holds always where ``lines`` is infinite. [0 to 1]
    patience_s : float or array
        Mean patience; infinite where nobody leaves. [s]
    lines : float or array
        Places in all, at least as many as agents; infinite where nobody is turned away. [lines]
    definition, short_s
        As for `service_level`.
    fractional : bool
        Whether the answer may lie between whole numbers: the least real number of agents, where the tightest target is just met.

    Returns
    -------
    float or numpy.ndarray
        Whole numbers as floats, so that ``inf`` can say that no number of agents meets the targets (a service level of 1, no occupancy, no
        wait, no abandonment, more agents than ``lines``). 0 without load, at least 1 with one (fractional: from 0). A target missed by less
        than 1e-12 of itself is met, so that 2.1 Erlangs at an occupancy of 0.7 need 3 agents, not 4. [agents]

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape, a target is outside its range, or there is no target.

    See Also
    --------
    max_load : the load that given agents carry.

    Notes
    -----
    More agents hurt none of the measures, so the answer lies between a miss and a hit, which the search narrows from one agent upwards
    (from the load upwards only where nobody leaves). The exception is patience shorter than the handle time with finite ``lines``: who is
    served holds a line longer than who waits, and more agents may turn more away; there every number from one upwards is tried.
    ``sl_answered_only`` says nothing of those who left: one agent may meet it.

    Examples
    --------
    Ten Erlangs, 80 % in 20 s; then with a patience of two minutes and at most 3 % lost:

    >>> import ccstats as cc
    >>> cc.erlang.agents_required(10.0, aht_s=180, target_service_level=0.80, threshold_s=20)
    14.0
    >>> cc.erlang.agents_required([1.0, 10.0, 100.0], aht_s=180, target_service_level=0.80, threshold_s=20, patience_s=120)
    array([  3.,  12.,  96.])
    >>> cc.erlang.agents_required(100.0, aht_s=180, max_abandonment_rate=0.03, patience_s=120)
    104.0
    """
    need = _needs(
        aht_s, target_service_level, threshold_s, max_mean_wait_s, max_abandonment_rate, max_occupancy, max_blocking_rate,
        patience_s, lines, definition, short_s,
    )  # fmt: skip
    loads = _numbers("load", load)
    if isinstance(loads, float) and all(isinstance(each, float) for each in need):
        return float(agents_for(loads, need, fractional, math.nan))
    shape, (loads, *rest) = _broadcast((loads, *need))
    rows, table = np.broadcast_to(loads, (math.prod(shape),)) + 0.0, _table(rest)  # -0.0 becomes 0.0
    out = np.empty(len(rows))
    if table.shape[1] == 1 and math.isinf(table[2, 0]) and not fractional and len(rows) >= _MANY:
        agents_for_many(rows, rows.view("int64") >> GRID_BITS, table, out)
    else:
        agents_for_rows(rows, table, fractional, out)
    return out.reshape(shape)


def max_load(
    agents: ArrayLike,
    *,
    aht_s: ArrayLike | None = None,
    target_service_level: ArrayLike | None = None,
    threshold_s: ArrayLike | None = None,
    max_mean_wait_s: ArrayLike | None = None,
    max_abandonment_rate: ArrayLike | None = None,
    max_occupancy: ArrayLike | None = None,
    max_blocking_rate: ArrayLike | None = None,
    patience_s: ArrayLike = math.inf,
    lines: ArrayLike = math.inf,
    definition: str = "service_level",
    short_s: ArrayLike | None = None,
) -> Result:
    """The greatest load that the agents carry within every target: the inverse of `agents_required`.

    Parameters
    ----------
    agents : float or array
        Agents on duty, real-valued, 0 or more. [agents]
    aht_s : float or array, optional
        Mean handle time; as for `agents_required`. [s]
    target_service_level : float or array, optional
        At least this, under ``definition``, at ``threshold_s``. [0 to 1]
    threshold_s : float or array, optional
        Threshold of the service level. [s]
    max_mean_wait_s : float or array, optional
        At most this mean wait of the answered (ASA). [s]
    max_abandonment_rate : float or array, optional
        At most this share of all offered; holds always where patience is infinite. [0 to 1]
    max_occupancy : float or array, optional
        At most this. [0 to 1]
    max_blocking_rate : float or array, optional
        At most this share of all offered; holds always where ``lines`` is infinite. [0 to 1]
    patience_s : float or array
        Mean patience; infinite where nobody leaves. [s]
    lines : float or array
        Places in all, at least as many as agents; infinite where nobody is turned away. [lines]
    definition, short_s
        As for `service_level`.

    Returns
    -------
    float or numpy.ndarray
        0 where any load misses a target, inf where not even a million Erlangs an agent do. Divide by ``aht_s`` for contacts per second.
        With finite ``lines`` and patience fewer lose patience again where nearly all are turned away: the load looked for then is near the
        number of agents. [Erlang]

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape, a target is outside its range, or there is no target.

    Examples
    --------
    What fourteen agents carry at 80 % in 20 s, and a hundred lines at 1 % turned away:

    >>> import ccstats as cc
    >>> round(cc.erlang.max_load(14, aht_s=180, target_service_level=0.80, threshold_s=20), 3)
    10.868
    >>> round(cc.erlang.max_load(100, lines=100, max_blocking_rate=0.01), 3)
    84.064
    """
    need = _needs(
        aht_s, target_service_level, threshold_s, max_mean_wait_s, max_abandonment_rate, max_occupancy, max_blocking_rate,
        patience_s, lines, definition, short_s,
    )  # fmt: skip
    count = _numbers("agents", agents)
    _enough_lines(count, need[2])
    if isinstance(count, float) and all(isinstance(each, float) for each in need):
        return float(load_for(count, need))
    shape, (count, *rest) = _broadcast((count, *need))
    out = np.empty(math.prod(shape))
    load_rows(count, _table(rest), out)
    return out.reshape(shape)


def lines_required(load: ArrayLike, *, max_blocking_rate: ArrayLike, fractional: bool = False) -> Result:
    """The fewest lines that turn away no more than a share, where every line has its agent or machine and nobody waits (Erlang B).

    Parameters
    ----------
    load : float or array
        Offered load. [Erlang]
    max_blocking_rate : float or array
        At most this share of all offered. [0 to 1]
    fractional : bool
        Whether the answer may lie between whole numbers.

    Returns
    -------
    float or numpy.ndarray
        Whole numbers as floats; 0 without load or where all may be turned away; inf where nobody may. [lines]

    Raises
    ------
    OptionError
        If an argument is negative, missing or of the wrong shape.

    Examples
    --------
    >>> import ccstats as cc
    >>> cc.erlang.lines_required(10.0, max_blocking_rate=0.05)
    15.0
    >>> round(cc.erlang.lines_required(10.0, max_blocking_rate=0.05, fractional=True), 5)
    14.30043
    """
    inputs = (_numbers("load", load), _numbers("max_blocking_rate", max_blocking_rate, most=1.0))
    return _by_row(lambda a, most: lines_for(a, most, fractional), lambda a, most, out: line_rows(a, most, fractional, out), inputs)


def _measured(
    what: str,
    agents: ArrayLike,
    load: ArrayLike,
    aht_s: ArrayLike | None = None,
    patience_s: ArrayLike = math.inf,
    lines: ArrayLike = math.inf,
    t: Any = 0.0,
    short_s: ArrayLike = 0.0,
) -> Result:
    code = MEASURES[what]
    inputs = (*_queue(agents, load, aht_s, patience_s, lines), t, _numbers("short_s", short_s))
    return _by_row(lambda *row: measure(code, *row), lambda *rows: measure_rows(code, *rows), inputs)


def _queue(agents: ArrayLike, load: ArrayLike, aht_s: ArrayLike | None, patience_s: ArrayLike, lines: ArrayLike) -> tuple[Any, ...]:
    """The five inputs of every measure, checked."""
    count, places = _numbers("agents", agents, infinite=True), _numbers("lines", lines, infinite=True)
    _enough_lines(count, places)
    return count, _numbers("load", load), *_times(aht_s, patience_s, needed=False), places


def _times(aht_s: ArrayLike | None, patience_s: ArrayLike, *, needed: bool) -> tuple[Any, Any]:
    patience = _numbers("patience_s", patience_s, positive=True, infinite=True)
    if aht_s is not None:
        return _numbers("aht_s", aht_s, positive=True), patience
    if needed or np.isfinite(patience).any():
        raise OptionError("aht_s= is missing; patience, thresholds and mean waits need the mean handle time in seconds")
    return 1.0, patience


def _needs(
    aht_s: ArrayLike | None,
    target_service_level: ArrayLike | None,
    threshold_s: ArrayLike | None,
    max_mean_wait_s: ArrayLike | None,
    max_abandonment_rate: ArrayLike | None,
    max_occupancy: ArrayLike | None,
    max_blocking_rate: ArrayLike | None,
    patience_s: ArrayLike,
    lines: ArrayLike,
    definition: str,
    short_s: ArrayLike | None,
) -> tuple[Any, ...]:
    """The targets in the order of `ccstats.queueing.sizing.Need`; NaN where there is none."""
    shares = {
        "target_service_level": target_service_level,
        "max_abandonment_rate": max_abandonment_rate,
        "max_occupancy": max_occupancy,
        "max_blocking_rate": max_blocking_rate,
    }
    if max_mean_wait_s is None and all(each is None for each in shares.values()):
        raise OptionError(f"no target: give at least one of {', '.join(shares)}, max_mean_wait_s")
    if (target_service_level is None) != (threshold_s is None):
        raise OptionError("target_service_level= and threshold_s= go together: 80 % in 20 s is target_service_level=0.80, threshold_s=20")
    level, abandonment, occupied, blocking = (math.nan if each is None else _numbers(name, each, most=1.0) for name, each in shares.items())
    times = _times(aht_s, patience_s, needed=target_service_level is not None or max_mean_wait_s is not None)
    return (
        *times,
        _numbers("lines", lines, infinite=True),
        float(MEASURES[_definition(definition)]),
        0.0 if threshold_s is None else _numbers("threshold_s", threshold_s, infinite=True),
        0.0 if short_s is None else _numbers("short_s", short_s),
        level,
        math.nan if max_mean_wait_s is None else _numbers("max_mean_wait_s", max_mean_wait_s, infinite=True),
        abandonment,
        occupied,
        blocking,
    )


def _definition(name: str) -> str:
    if name not in SERVICE_LEVELS:
        near = did_you_mean(str(name), SERVICE_LEVELS)
        raise OptionError(f"definition={name!r} is not a service level of the models: {', '.join(SERVICE_LEVELS)}.{near}")
    return name


def _whose(of: str, kind: str) -> str:
    known = [each.removeprefix(kind) for each in MEASURES if each.startswith(kind)]
    if of not in known:
        raise OptionError(f"of={of!r} is not one of {', '.join(known)}.{did_you_mean(str(of), known)}")
    return of


def _numbers(name: str, value: ArrayLike, *, positive: bool = False, infinite: bool = False, most: float = math.inf) -> Any:
    """A float for a number, else an array of float64; refused where one is missing or out of its range."""
    if isinstance(value, int | float) and (0.0 if not positive else 5e-324) <= value <= most and (infinite or value != math.inf):
        return float(value)
    try:
        numbers = np.asarray(value, dtype="float64")
    except (TypeError, ValueError):
        raise OptionError(f"{name}={value!r} is not a number or an array of numbers") from None
    good = (numbers > 0.0 if positive else numbers >= 0.0) & (numbers <= most)
    if not infinite:
        good &= numbers < math.inf
    if not good.all():
        place = np.unravel_index(np.argmin(good), good.shape)
        where = f" at position {', '.join(map(str, place))}" if place else ""
        low = "above 0" if positive else "0 or more" if most == math.inf else f"from 0 to {most:g}"
        raise OptionError(f"{name}= is {numbers[place]:g}{where}; expected a number {low}{', infinite allowed' if infinite else ''}")
    return float(numbers) if numbers.ndim == 0 else numbers


def _enough_lines(agents: Any, lines: Any) -> None:
    if isinstance(lines, float) and math.isinf(lines):
        return
    try:
        short = np.atleast_1d(np.isfinite(lines) & (np.asarray(lines) < np.asarray(agents) - 1e-9))
    except ValueError:
        return  # shapes that do not broadcast are refused with the others
    if short.any():
        raise OptionError(f"lines= is below agents= in {int(short.sum())} of {short.size} rows; every agent needs a line")


def _broadcast(inputs: tuple[Any, ...]) -> tuple[tuple[int, ...], list[Floats]]:
    """The common shape, and each input flat: one number where it holds for all."""
    try:
        shape = np.broadcast_shapes(*(np.shape(each) for each in inputs))
    except ValueError:
        raise OptionError(f"arrays of shapes {', '.join(str(np.shape(each)) for each in inputs)} do not broadcast") from None
    flat = [np.asarray(each) if np.size(each) == 1 else np.broadcast_to(each, shape) for each in inputs]
    flat = [np.ascontiguousarray(each.reshape(-1)).view() for each in flat]
    for each in flat:
        each.flags.writeable = False  # all alike, so that a loop over rows is compiled once
    return shape, flat


def _by_row(one: Callable[..., float], many: Callable[..., None], inputs: tuple[Any, ...]) -> Result:
    """The compiled function of numbers, or its loop over rows."""
    if all(isinstance(each, float) for each in inputs):
        return float(one(*inputs))
    shape, flat = _broadcast(inputs)
    out = np.empty(math.prod(shape))
    many(*flat, out)
    return out.reshape(shape)


def _table(need: list[Floats]) -> Floats:
    """The targets as 11 × 1, or 11 × rows where any differs from row to row."""
    return np.array(np.broadcast_arrays(*need))
