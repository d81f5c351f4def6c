"""What the models would have said about what happened, interval by interval, and how wrong they would have been."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from ccstats.errors import ColumnError, DataWarning, OptionError, did_you_mean
from ccstats.expectation.expected import Rows, Sums, divide, known_rows, level_sums, stationary_sums, transient_sums
from ccstats.expectation.outlook import numbers
from ccstats.expectation.staffed import OCCUPIED, join_agents, staffed_rows
from ccstats.metrics import SERVICE_LEVELS
from ccstats.periods import period_start

__all__ = ["backtest_staffing", "summarise_backtest"]

Floats = NDArray[np.float64]

#: The models by name, and whether they know that customers give up. Who was on duty is measured, the minutes of finishing included.
_MODELS: dict[str, tuple[Callable[[Rows], Sums], bool]] = {
    "erlang_c": (stationary_sums, False),
    "erlang_a": (stationary_sums, True),
    "transient": (partial(transient_sums, finish=False), True),
}
#: Where bands begin: Erlangs, and Erlangs per agent.
_BANDS = {
    "load": (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0),
    "load_per_agent": (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5),
}


def backtest_staffing(
    intervals: Any,
    agent_intervals: Any,
    *,
    models: Sequence[str] = tuple(_MODELS),
    by: str | Sequence[str] | None = None,
    definition: str = "service_level",
    patience_s: float | None = None,
    aht_s: str | float = "interval",
    window: int = 1,
) -> pd.DataFrame:
    """What each model would have expected of the contacts that came and the agents who were there, beside what happened.

    Parameters
    ----------
    intervals : table
        `intervals`, counted with a threshold and booked where contacts joined the queue (``attribute_by="queued"``).
    agent_intervals : table
        `agent_intervals`, made with the same ``every`` and ``timezone``. For a log without agent states see `infer_agents`.
    models : sequence of str
        ``erlang_c`` (each interval on its own, nobody gives up), ``erlang_a`` (each on its own, exponential patience), ``transient``
        (the same patience, the queue carried from interval to interval).
    by : str, optional
        ``queue``: every queue with the agents counted under it. ``()``: all queues as one, served by all agents. By default ``queue``
        where ``agent_intervals`` has that column.
    definition : str
        Which of the nine observed service levels is compared (`ccstats.metrics.SERVICE_LEVELS`).
    patience_s : float, optional
        Mean patience. By default total wait by number of abandons of each queue, over all its intervals; infinite where nobody abandoned.
        [s]
    aht_s : str or float
        ``interval``: the interval's own where at least 10 contacts were answered, else that of the time of day, else of all; ``slot``: of
        the time of day; ``month``: of the month, what a planner knows beforehand; or a number for all. [s]

    Returns
    -------
    pandas.DataFrame
        One row per (queue and) interval and model: ``interval_start, interval_s, timezone, model, definition, offered``; what the model was
        told, ``expected_offered`` (``offered``, averaged), ``agents`` (agent-seconds available, reserved, on contact, on hold and in
        wrap-up by the length of the interval), ``aht_s``, ``patience_s``, ``threshold_s``; ``load`` in Erlangs and ``load_per_agent``;
        ``answered``; what happened, under the definition's name, ``asa_s``, ``abandonment_rate``, ``occupancy``; the same expected,
        ``expected_…``; ``error``, the expected service level less the observed; and its ``weight``, the contacts offered.

        All intervals of either table are there. With nobody on duty Erlang C and A are at their limits (nobody in time). Without contacts
        shares and error are missing and the weight is 0. Without rows the table is empty.

    Raises
    ------
    TableError
        If a column is missing or of another kind; if the tables were cut differently; if contacts were counted without a threshold or, in
        one pool, with several; if agents are to be counted by queue and some of their time has none.
    OptionError
        If an argument has no such value.

    Warns
    -----
    DataWarning
        If intervals with contacts have no handle time to be had from anywhere; their expectations are missing.

    See Also
    --------
    summarise_backtest : bias and error, overall and by load.
    estimate_patience : the curve behind ``patience_s``.

    Notes
    -----
    Handle times are weighted by contacts: sums of talk, hold and wrap-up by the contacts whose part is known. An interval without answers
    has no handle time of its own, whatever the platform prints there.

    The transient model runs through intervals that follow each other and begins empty after intervals without contacts and agents. Agents
    as measured include the time in which somebody finishes a contact after the shift, so that agents of the model leave at once. Measured
    agents are seldom whole; part of an agent counts alike in all models (`transient_service` settles where Erlang A does, to 1e-8), so that
    their difference is the queue carried over.

    Contacts that left otherwise (flow-outs, callbacks) are offered to the models, which know only patience. Short abandons count like
    all others.

    *Chance counted twice.* An interval's own count and handle time hold the chance that a model adds again, and service suffers more from a
    busy half-hour than it gains from a quiet one. So even a model whose every assumption holds is biased low, the more the fewer the
    contacts: by 1 to 3 points of service level at 20 to 40 Erlangs. A ``window`` of some intervals takes most of that away, as long as the
    volume does not change much within it; then bias says something about the model.

    Total wait by abandons is the maximum-likelihood estimate of an exponential patience, those who were answered being censored
    [1]_. Part of the difference between a model and one interval is chance; it averages out in the bias, not in the errors.

    References
    ----------
    .. [1] L. Brown, N. Gans, A. Mandelbaum, A. Sakov, H. Shen, S. Zeltyn, L. Zhao (2005), Statistical analysis of a telephone call center.
       Journal of the American Statistical Association 100, 36-50, section 5.

    Examples
    --------
    >>> import ccstats as cc
    >>> centre = cc.synthesize_contacts(seed=1, days=7)
    >>> half_hours = cc.to_intervals(centre.contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> staffed = cc.to_agent_intervals(centre.agent_states, timezone="Europe/Istanbul")
    >>> backtest = cc.backtest_staffing(half_hours, staffed)
    >>> summary = cc.summarise_backtest(backtest, by=None)
    >>> list(summary["model"])
    ['erlang_c', 'erlang_a', 'transient']
    """
    unknown = [model for model in models if model not in _MODELS]
    if isinstance(models, str) or not models or unknown:
        raise OptionError(f"models={models!r}: expected a list of some of: {', '.join(_MODELS)}")
    if definition not in SERVICE_LEVELS:
        raise OptionError(f"definition={definition!r} is not an observed service level; choose one of: {', '.join(SERVICE_LEVELS)}")
    frame, keys = join_agents(intervals, agent_intervals, by)
    queue = frame["queue"].cat.codes.to_numpy().astype("int64") if keys else np.zeros(len(frame), dtype="int64")
    rows = staffed_rows(frame, queue, patience_s=patience_s, aht_s=aht_s, window=window)
    known = known_rows(rows)
    if not known.all():
        warnings.warn(
            f"{(~known).sum()} of {len(known)} intervals have contacts, but no handle time is known for them; their expectations are "
            "missing. Give aht_s= a number",
            DataWarning,
            stacklevel=2,
        )
    observed = _ratios({name: numbers(frame, name) for name in frame.columns if frame[name].dtype.kind in "iuf"}, definition)
    load = divide(rows.offered * np.where(rows.offered > 0, rows.aht_s, 0.0), rows.interval_s)
    told = frame[[*keys, "interval_start", "interval_s", "timezone"]]
    parts = []
    for place, model in enumerate(models):
        formula, gives_up = _MODELS[model]
        asked = rows if gives_up else rows._replace(patience_s=np.full(len(frame), np.inf))
        expected = {f"expected_{name}": np.full(len(frame), np.nan) for name in observed}
        for name, values in _ratios(formula(asked.take(known)), definition).items():
            expected[f"expected_{name}"][known] = values
        parts.append(
            told.assign(
                model=place,
                definition=definition,
                offered=frame["offered"],
                expected_offered=rows.offered,
                agents=rows.agents,
                aht_s=rows.aht_s,
                patience_s=asked.patience_s,
                threshold_s=rows.threshold_s,
                load=load,
                load_per_agent=_per_agent(load, rows.agents),
                answered=frame["answered"],
                **observed,
                **expected,
                error=expected[f"expected_{definition}"] - observed[definition],
                weight=frame["offered"].astype("float64"),
            )
        )
    made = pd.concat(parts, ignore_index=True).sort_values([*keys, "interval_start", "model"], ignore_index=True)
    made["model"] = pd.Categorical.from_codes(made["model"].to_numpy(dtype="int64"), dtype=pd.CategoricalDtype(list(models)))
    return made.assign(definition=made["definition"].astype("category"))


def summarise_backtest(
    backtest: pd.DataFrame,
    *,
    by: str | Sequence[str] | None = "load",
    metric: str | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How wrong each model was: bias with confidence limits, and errors, weighted by contacts.

    Parameters
    ----------
    backtest : pandas.DataFrame
        As `backtest_staffing` makes it.
    by : str or sequence of str, optional
        ``load`` or ``load_per_agent`` (in bands), or columns such as ``queue``; None: all intervals together.
    metric : str, optional
        ``asa_s``, ``abandonment_rate`` or ``occupancy``; by default the service level. Waits are weighted by the answered, occupancies by
        agents, the others by the offered.
    confidence : float
        Of the limits of the bias. [0-1]

    Returns
    -------
    pandas.DataFrame
        One row per group and model: ``intervals`` in which the error is known, ``days`` they lie in, ``weight``; ``observed`` and
        ``expected``, the weighted means; ``bias``, the second less the first, with ``bias_low`` and ``bias_high``; ``mae`` and ``rmse``,
        mean absolute error and root mean square error of an interval. Limits are missing with less than two days. An infinite expected
        wait makes the bias infinite.

    Raises
    ------
    ColumnError
        If ``by`` or what is needed is no column.
    OptionError
        If an argument has no such value.

    Notes
    -----
    Intervals of one day share its customers, its agents and its queue; days are taken as independent. The limits are those of a quotient
    of two sums over days (error times weight, and weight), with Student's t [1]_.

    References
    ----------
    .. [1] W. G. Cochran (1977), Sampling Techniques, 3rd edition, section 6.

    Examples
    --------
    >>> import ccstats as cc
    >>> centre = cc.synthesize_contacts(seed=1, days=7)
    >>> half_hours = cc.to_intervals(centre.contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> staffed = cc.to_agent_intervals(centre.agent_states, timezone="Europe/Istanbul")
    >>> summary = cc.summarise_backtest(cc.backtest_staffing(half_hours, staffed, models=["erlang_a"]), by="load_per_agent")
    >>> bool((summary["rmse"] >= summary["mae"]).all())
    True
    """
    if not 0 < confidence < 1:
        raise OptionError(f"confidence={confidence!r} must lie between 0 and 1, such as 0.95")
    names = [] if by is None else [by] if isinstance(by, str) else list(by)
    for name in ("interval_start", "timezone", "model", "definition", "offered", *names):
        if name not in backtest:
            raise ColumnError(f"the backtest has no column {name!r}.{did_you_mean(name, backtest.columns)} backtest_staffing makes it")
    measured = {str(word) for word in backtest["definition"].unique()} | {"asa_s", "abandonment_rate", "occupancy"}
    levels = [str(word) for word in backtest["definition"].unique()]
    if metric is not None and metric not in measured:
        raise OptionError(f"metric={metric!r} is not in the backtest; choose one of: {', '.join(sorted(measured))}")
    if metric is None and len(levels) > 1:
        raise OptionError(f"the backtest has several service levels ({', '.join(levels)}); summarise them one by one")
    metric = metric or (levels[0] if levels else "service_level")
    weight = numbers(backtest, {"asa_s": "answered", "occupancy": "agents"}.get(metric, "offered"))
    observed, expected = numbers(backtest, metric), numbers(backtest, f"expected_{metric}")
    counted = ~np.isnan(expected - observed) & (weight > 0)
    groups = {name: _bands(backtest[name], _BANDS[name]) if name in _BANDS else backtest[name] for name in names}
    table = pd.DataFrame({**groups, "model": backtest["model"]})[counted]
    keys = list(table.columns)
    table["day"] = _days(backtest[counted])
    weight, observed, expected = weight[counted], observed[counted], expected[counted]
    error = expected - observed
    table = table.assign(
        intervals=1,
        weight=weight,
        observed=weight * observed,
        expected=weight * expected,
        bias=weight * error,
        mae=weight * np.abs(error),
        rmse=weight * error**2,
    )
    days = table.groupby([*keys, "day"], observed=True).sum().reset_index("day")
    sums = days.drop(columns="day").groupby(keys, observed=True).sum()
    made = sums[["intervals"]].assign(days=days.groupby(keys, observed=True).size(), weight=sums["weight"])
    for name in ("observed", "expected", "bias", "mae", "rmse"):
        made[name] = sums[name] / sums["weight"]
    made["rmse"] = np.sqrt(made["rmse"])
    spare = made["days"].to_numpy(dtype="float64") - 1
    residual = (days["bias"] - made["bias"].reindex(days.index) * days["weight"]) ** 2
    squares = residual.groupby(keys, observed=True).sum().reindex(made.index).to_numpy()
    error_of_bias = np.sqrt(squares * divide(spare + 1, spare)) / made["weight"].to_numpy()
    half = special.stdtrit(np.where(spare > 0, spare, np.nan), (1 + confidence) / 2) * error_of_bias
    made = made.assign(bias_low=made["bias"] - half, bias_high=made["bias"] + half)
    return made[["intervals", "days", "weight", "observed", "expected", "bias", "bias_low", "bias_high", "mae", "rmse"]].reset_index()


def _ratios(sums: Sums, definition: str) -> dict[str, Floats]:
    """Of observed or expected sums."""
    return {
        definition: divide(*level_sums(sums, definition)),
        "asa_s": divide(sums["total_wait_s"], sums["answered"]),
        "abandonment_rate": divide(sums["abandoned"], sums["offered"] - sums.get("open", 0.0)),
        "occupancy": _occupancy(sums),
    }


def _occupancy(sums: Sums) -> Floats:
    if "staffed_s" in sums:
        return divide(sums["occupied_s"], sums["staffed_s"])
    occupied = np.sum([sums[name] for name in OCCUPIED], axis=0)
    return divide(occupied, occupied + sums["available_s"])


def _per_agent(load: Floats, agents: Floats) -> Floats:
    """Erlangs per agent: infinite with work and nobody there, missing with neither."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return load / agents


def _bands(values: pd.Series, begins: Sequence[float]) -> pd.Categorical[Any]:
    labels = [f"{low:g}-{high:g}" for low, high in zip(begins[:-1], begins[1:], strict=True)] + [f"{begins[-1]:g} or more"]
    number = np.searchsorted(begins, values.to_numpy(dtype="float64"), side="right") - 1
    return pd.Categorical.from_codes(np.where(values.isna(), -1, number), dtype=pd.CategoricalDtype(labels, ordered=True))


def _days(backtest: pd.DataFrame) -> Any:
    zones = backtest["timezone"].unique()
    return period_start(backtest["interval_start"], period="day", timezone=str(zones[0]) if len(zones) else "UTC")
