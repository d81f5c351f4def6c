"""What the reader of a plan's row must know: numbers that cannot be, targets that cannot be met, models outside their validity."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ccstats.errors import DataWarning
from ccstats.workforce.targets import Expected, StaffingTargets

__all__ = ["HIGH_ABANDONMENT", "UNPROVED", "model_notes", "row_problems", "tolerates_abandonment", "warn_of_plan"]

Floats = NDArray[np.float64]
Texts = NDArray[np.object_]

#: Where more than this share abandons, the planner is told.
HIGH_ABANDONMENT = 0.20

#: How a note begins that a day's, week's or month's agents are not proved to be the fewest.
UNPROVED = "not proved to be the fewest:"

#: Intervals that a queue may take to settle before its stationary answer is doubted.
_SETTLING_INTERVALS = 4.0


def row_problems(offered: Floats, aht_s: Floats, interval_s: Floats) -> Texts:
    """Why a row of a forecast cannot be planned for; empty where it can.

    Parameters
    ----------
    offered : numpy.ndarray
        Contacts expected. [contacts]
    aht_s, interval_s : numpy.ndarray
        Their handle time, and the length of the interval. [s]

    Returns
    -------
    numpy.ndarray of str

    Examples
    --------
    >>> row_problems(np.array([10.0, -1.0]), np.array([180.0, 180.0]), np.array([1800.0, 1800.0])).tolist()
    ['', 'expected_offered is -1, expected 0 or more']
    """
    text = np.full(len(offered), "", dtype=object)
    with np.errstate(invalid="ignore"):
        known = np.isfinite(offered) & (offered >= 0)
        handled = (offered == 0) | (np.isfinite(aht_s) & (aht_s > 0))
    for at in np.flatnonzero(~(known & handled & (interval_s > 0))):
        if np.isnan(offered[at]):
            text[at] = "expected_offered is missing"
        elif not known[at]:
            text[at] = f"expected_offered is {offered[at]:g}, expected 0 or more"
        elif not interval_s[at] > 0:
            text[at] = f"interval_s is {interval_s[at]:g}, expected more than 0"
        elif np.isnan(aht_s[at]):
            text[at] = f"{offered[at]:g} contacts without expected_aht_s"
        else:
            text[at] = f"expected_aht_s is {aht_s[at]:g}, expected more than 0"
    return text


def model_notes(
    targets: StaffingTargets, *, agents: Floats, load: Floats, before: Floats, aht_s: Floats, interval_s: Floats, expected: Expected
) -> list[tuple[NDArray[np.bool_], str]]:
    """Where a model's answer for one queue should be doubted, and why.

    Parameters
    ----------
    targets : StaffingTargets
        What was asked, and the model.
    agents, load : numpy.ndarray
        Agents on the floor, and the work that is expected. [agents, Erlangs]
    before : numpy.ndarray
        Load of the interval that ends where this one begins; as ``load`` where there is none. [Erlangs]
    aht_s, interval_s : numpy.ndarray
        Handle time, and the length of the interval. [s]
    expected : Expected
        What the model says.

    Returns
    -------
    list of tuple of (numpy.ndarray of bool, str)

    Notes
    -----
    All models here take each interval as if it had always been like this. Four rules say where that, or the plan, is in doubt:

    - *overload* without abandonment: no steady state exists.
    - *long contacts*: the load that is felt is that of one handle time ago, so more than half an interval of handle time shifts it by more
      than half an interval (Eick, Massey & Whitt 1993, The physics of the Mt/G/inf queue).
    - *carried over*: after a fall of the load, contacts of the interval before still hold on average
      ``(before - load) (aht/interval) (1 - exp(-interval/aht))`` agents (the modified offered load; Jennings, Mandelbaum, Massey & Whitt
      1996, Server staffing to meet time-varying demand); noted where that is more than an agent and more than one standard deviation
      of the load itself.
    - *slow to settle*, without abandonment: the relaxation time ``aht / (sqrt(agents) - sqrt(load))²`` (Odoni & Roth 1983, An empirical
      investigation of the transient behavior of stationary queueing systems) is longer than four intervals.

    Examples
    --------
    >>> from ccstats.workforce.targets import targets_of
    >>> targets = targets_of(["sales"], max_occupancy=1.0)["sales"]
    >>> nothing, ten, half_hour = np.array([np.nan]), np.array([10.0]), np.array([1800.0])
    >>> notes = model_notes(
    ...     targets,
    ...     agents=ten,
    ...     load=ten,
    ...     before=ten,
    ...     aht_s=18 * ten,
    ...     interval_s=half_hour,
    ...     expected=Expected(*[nothing] * 4),
    ... )
    >>> [text for where, text in notes if where.any()]
    ['overload: without abandonment the queue grows as long as it lasts']
    """
    busy = load > 0
    found = []
    with np.errstate(invalid="ignore", divide="ignore"):
        if tolerates_abandonment(targets):
            limit = targets.max_abandonment_rate
            asked = " and no limit on it was asked for" if limit is None or limit == 1 else f"; the limit asked for is {limit:g}"
            found.append((expected.abandonment_rate > HIGH_ABANDONMENT, _ABANDONMENT + asked))
        if targets.model == "erlang_c" and np.isinf(targets.lines):
            over = busy & (agents <= load)
            settles_s = aht_s / (np.sqrt(agents) - np.sqrt(load)) ** 2
            found.append((over, "overload: without abandonment the queue grows as long as it lasts"))
            found.append((busy & ~over & (settles_s > _SETTLING_INTERVALS * interval_s), _SETTLING))
        found.append((busy & (aht_s > interval_s / 2), "handle time is more than half the interval: work shifts into the next intervals"))
        share = aht_s / interval_s
        carried = (before - load) * share * -np.expm1(-1 / share)
        found.append((carried > np.maximum(1.0, np.sqrt(load)), "load falls steeply: contacts of the interval before still hold agents"))
    return found


def tolerates_abandonment(targets: StaffingTargets) -> bool:
    """Whether more abandonment than `HIGH_ABANDONMENT` is within what was asked for: no limit, or a higher one.

    Examples
    --------
    >>> from ccstats.workforce.targets import targets_of
    >>> [tolerates_abandonment(targets_of(["sales"], max_abandonment_rate=limit)["sales"]) for limit in (0.05, 0.5)]
    [False, True]
    """
    return targets.max_abandonment_rate is None or targets.max_abandonment_rate > HIGH_ABANDONMENT


_ABANDONMENT = f"expected abandonment exceeds {HIGH_ABANDONMENT:.2f}"
_SETTLING = "so close to saturation that the queue takes more than four intervals to settle: evaluate with the transient model"


def warn_of_plan(*, problems: Any, unreachable: Any, abandoning: Any, unproved: Any) -> None:
    """One `DataWarning` for each kind of trouble, with the number of rows it is in.

    Parameters
    ----------
    problems, unreachable, abandoning, unproved : numpy.ndarray of bool
        Rows that cannot be planned for, whose targets cannot be met, that lose many contacts, and whose agents may be too many.

    Examples
    --------
    >>> none = np.zeros(3, dtype=bool)
    >>> warn_of_plan(problems=none, unreachable=none, abandoning=none, unproved=none)
    """
    for rows, text in (
        (problems, "of the forecast cannot be planned for: their agents are missing"),
        (unreachable, "have targets that no number of agents meets: their agents are infinite"),
        (
            abandoning,
            f"expect more than {HIGH_ABANDONMENT:.2f} of the contacts to abandon, and no max_abandonment_rate= so low was asked for",
        ),
        (unproved, "are planned with more agents than may be needed: time_limit_s= ran out"),
    ):
        if count := int(np.count_nonzero(rows)):
            warnings.warn(f"{count:,} of {len(rows):,} rows {text}; column 'note' says where and why", DataWarning, stacklevel=4)
