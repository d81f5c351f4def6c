"""The pocket calculator: what each number of agents around the answer would achieve."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.queueing import erlang
from ccstats.workforce.targets import targets_of

__all__ = ["tabulate_agents"]


def tabulate_agents(load: float, *, aht_s: float, around: int = 4, **options: Any) -> pd.DataFrame:
    """What each number of agents would achieve, from a few below the fewest that meet the targets to a few above.

    Parameters
    ----------
    load : float
        Offered load, see `ccstats.queueing.erlang.offered_load`. [Erlangs]
    aht_s : float
        Handle time. [s]
    around : int
        Rows above and below the answer. [rows]
    **options
        Targets, patience, lines, definition, model and shrinkage, as for `ccstats.plan_staffing`.

    Returns
    -------
    pandas.DataFrame
        One row per number of agents: ``agents``, ``scheduled_agents`` (shrinkage included), ``expected_service_level``, ``expected_asa_s``,
        ``expected_abandonment_rate``, ``expected_occupancy``, and with lines ``expected_blocked_rate``; ``meets_targets`` says whether all
        that was asked for is met. The answer is the first row that does.

    Raises
    ------
    OptionError
        If an option is out of range, nothing is asked for, or no number of agents meets it.

    Examples
    --------
    Ten Erlangs of three minutes, 80 % within 20 s:

    >>> table = tabulate_agents(10.0, aht_s=180, target_service_level=0.80, threshold_s=20, around=1)
    >>> table[["agents", "expected_service_level", "meets_targets"]].round(3)
       agents  expected_service_level  meets_targets
    0    13.0                   0.796          False
    1    14.0                   0.888           True
    2    15.0                   0.941           True
    """
    for name, value in (("load", load), ("aht_s", aht_s)):
        if not (np.isfinite(value) and value >= 0):
            raise OptionError(f"{name}={value!r}: expected a number from 0 on")
    asked = targets_of(["all"], **options)["all"]
    loads, times = np.array([load], dtype="float64"), np.array([aht_s], dtype="float64")
    answer = float(max(asked.required(loads, times)[0], np.ceil(asked.min_agents)))
    if not np.isfinite(answer):
        raise OptionError("no number of agents meets what is asked for; with a limit on lines, callers are turned away however many serve")
    agents = np.arange(max(answer - around, 0.0), min(answer + around, asked.lines) + 1)  # nobody serves without a line
    loads, times = np.full(agents.shape, load), np.full(agents.shape, aht_s)
    expected = asked.expected(agents, loads, times)
    table = pd.DataFrame(
        {
            "agents": agents,
            "scheduled_agents": asked.scheduled(agents),
            "expected_service_level": expected.service_level,
            "expected_asa_s": expected.asa_s,
            "expected_abandonment_rate": expected.abandonment_rate,
            "expected_occupancy": expected.occupancy,
        }
    )
    if asked.model == "erlang_b":
        table["expected_blocked_rate"] = erlang.erlang_b(agents, loads)
    elif np.isfinite(asked.lines):
        table["expected_blocked_rate"] = erlang.blocking_rate(agents, loads, aht_s=times, patience_s=asked.patience_s, lines=asked.lines)
    return table.assign(meets_targets=agents >= answer)
