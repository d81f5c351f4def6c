"""How many agents given demand takes, by the model and target of each row of a plan; arrays only."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ccstats.queueing import erlang

__all__ = ["required_agents"]

Floats = NDArray[np.float64]

#: What logs count, as the models name it: where nobody flows out or is called back, these are the same.
_MODELLED = {
    **{name: name for name in ("service_level", "sl_answered_only", "sl_excl_early_abandoned", "sl_early_abandoned_met", "sl_excl_short")},
    "sl_excl_flowout": "service_level",
    "sl_event": "service_level",
    "sl_removed_from_queue": "sl_early_abandoned_met",
}


def required_agents(
    offered: ArrayLike,
    *,
    aht_s: ArrayLike,
    interval_s: ArrayLike,
    target_service_level: ArrayLike,
    threshold_s: ArrayLike,
    patience_s: ArrayLike = np.inf,
    lines: ArrayLike = np.inf,
    short_s: ArrayLike = np.nan,
    model: ArrayLike = "erlang_a",
    definition: ArrayLike = "service_level",
) -> Floats:
    """The fewest agents, real-valued, that meet each row's target for the contacts that came.

    Parameters
    ----------
    offered : array
        Contacts in the interval. [contacts]
    aht_s, interval_s, threshold_s, patience_s, short_s : array
        Handle time, length of the interval, threshold, mean patience (infinite: nobody gives up), short abandons. [s]
    target_service_level : array
        Service level asked for. [0-1]
    lines : array
        Contacts that can be there at once; infinite for no limit. [contacts]
    model : array of str
        ``erlang_a``, ``erlang_c`` (patience is not looked at) or ``erlang_b`` (as many lines as agents).
    definition : array of str
        Which service level is meant.

    Returns
    -------
    numpy.ndarray
        0 without contacts; infinite where no number does; missing where the target, threshold or handle time is, or no model knows the
        definition (``sl_short_met``). [agents]

    Examples
    --------
    >>> required_agents([100.0, 0.0], aht_s=180, interval_s=1800, target_service_level=0.8, threshold_s=20, model="erlang_c").round(2)
    array([13.04,  0.  ])
    """
    demand = np.broadcast_arrays(*(np.asarray(each, dtype="float64") for each in (offered, aht_s, interval_s, target_service_level)))
    shape = demand[0].shape
    terms = [np.broadcast_to(np.asarray(each, dtype="float64"), shape) for each in (threshold_s, patience_s, lines, short_s)]
    models, definitions = (np.broadcast_to(np.asarray(each, dtype=object), shape) for each in (model, definition))
    contacts, aht, length, target = demand
    threshold, patience, places, short = terms
    lossy = models == "erlang_b"
    known = (contacts >= 0) & (target > 0) & (target <= 1) & (lossy | (threshold >= 0)) & (length > 0)
    found = np.where(known & (contacts == 0), 0.0, np.nan)
    known = known & (contacts > 0) & (aht > 0)
    load = np.where(known, contacts * aht / length, 0.0)
    for word in np.unique(definitions[known].astype("str")) if known.any() else ():
        rows = known & (definitions == word) & ~lossy & ((short >= 0) | (word != "sl_excl_short"))
        if not rows.any() or word not in _MODELLED:
            continue
        found[rows] = erlang.agents_required(
            load[rows],
            aht_s=aht[rows],
            target_service_level=target[rows],
            threshold_s=threshold[rows],
            patience_s=np.where(models[rows] == "erlang_c", np.inf, patience[rows]),
            lines=places[rows],
            definition=_MODELLED[word],
            short_s=short[rows] if word == "sl_excl_short" else None,
            fractional=True,
        )
    rows = known & lossy
    if rows.any():
        found[rows] = erlang.lines_required(load[rows], max_blocking_rate=1 - target[rows], fractional=True)
    return found
