"""Who contributed what: the change of a value from all planned to all actual, shared among the drivers that changed together; arrays only.

A *game* is the value of every subset of drivers: those in the subset as they actually were, the others as planned. Subsets are numbered by
their bits: driver ``k`` is actual in subset ``s`` where bit ``k`` of ``s`` is set, so that 0 is the plan and the last one what happened.
Everything here is linear in the game: many intervals may be added up, weighted, before or after.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccstats.errors import OptionError

__all__ = ["Attribution", "attribute", "subsets"]

Floats = NDArray[np.float64]

#: More drivers have more subsets than anybody can evaluate.
_MOST = 20


class Attribution(NamedTuple):
    """What each driver contributed, drivers × rows, in the unit of the value.

    Attributes
    ----------
    shapley : numpy.ndarray
        Mean over all orders in which the drivers could have changed one after the other; adds up to the whole change.
    one_at_a_time : numpy.ndarray
        If this driver alone had changed.
    last_in : numpy.ndarray
        What it added when all others had changed: what would be won back if this driver alone had been as planned.
    lowest, highest : numpy.ndarray
        Over all orders.

    Examples
    --------
    >>> attribute([0.0, 1.0, 2.0, 5.0]).last_in.tolist()
    [[3.0], [4.0]]
    """

    shapley: Floats
    one_at_a_time: Floats
    last_in: Floats
    lowest: Floats
    highest: Floats


def subsets(drivers: int) -> NDArray[np.bool_]:
    """Every subset of so many drivers, in the order that `attribute` takes values.

    Parameters
    ----------
    drivers : int
        How many, 1 to 20. [drivers]

    Returns
    -------
    numpy.ndarray
        2^drivers × drivers: whether the driver is as it actually was. The first row is the plan, the last what happened.

    Raises
    ------
    OptionError
        If there are none, or more than 20.

    Examples
    --------
    >>> subsets(2).astype(int).tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    if not 1 <= drivers <= _MOST:
        raise OptionError(f"drivers={drivers!r} must be a whole number from 1 to {_MOST}: 2^drivers values are needed")
    return (np.arange(2**drivers)[:, None] >> np.arange(drivers) & 1).astype(bool)


def attribute(values: ArrayLike) -> Attribution:
    """Exact Shapley values of each row's game, and what simpler ways of asking would have said.

    Parameters
    ----------
    values : array
        Subsets × rows, or one number for each subset: the value of each, in the order of `subsets`.

    Returns
    -------
    Attribution
        Drivers × rows (one row for a plain list). A missing value makes its row's answers missing where they depend on it.

    Raises
    ------
    OptionError
        If the number of values is no power of two from 2 up.

    See Also
    --------
    subsets : the order.

    Notes
    -----
    Driver k gets Σ over subsets S without k of |S|! (d - |S| - 1)! / d! times v(S and k) - v(S): the only division that adds up, gives
    nothing to a driver that changes nothing, treats equals equally, and adds when games are added [1]_. An order puts some subset S before
    k, and every S comes before k in some order: the range over orders is that of v(S and k) - v(S).

    References
    ----------
    .. [1] L. S. Shapley (1953), A value for n-person games. In: Contributions to the Theory of Games II, Princeton, 307-317.

    Examples
    --------
    Volume alone costs 8 points, one agent fewer 12, both together 28: who is to blame for the 8 that neither cost alone?

    >>> game = [0.80, 0.72, 0.68, 0.52]
    >>> attribute(game).shapley.ravel().round(2).tolist(), attribute(game).one_at_a_time.ravel().round(2).tolist()
    ([-0.12, -0.16], [-0.08, -0.12])
    """
    game = np.asarray(values, dtype="float64")
    game = game[:, None] if game.ndim == 1 else game
    drivers = len(game).bit_length() - 1 if game.ndim == 2 else 0
    if drivers < 1 or len(game) != 2**drivers:
        raise OptionError(f"values= has the shape {game.shape}; expected one row for each subset of the drivers: 2, 4, 8, … rows")
    each = subsets(drivers)
    size = each.sum(axis=1)
    weight = np.array([1.0 / (drivers * math.comb(drivers - 1, k)) for k in range(drivers)])
    made = Attribution(*(np.empty((drivers, game.shape[1])) for _ in Attribution._fields))
    for driver in range(drivers):
        before = np.flatnonzero(~each[:, driver])
        added = game[before | 1 << driver] - game[before]
        made.shapley[driver] = weight[size[before]] @ added
        made.one_at_a_time[driver], made.last_in[driver] = added[0], added[-1]
        made.lowest[driver], made.highest[driver] = added.min(axis=0), added.max(axis=0)
    return made
