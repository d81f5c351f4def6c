"""The rest of a day, in the light of its first hours."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.deviations.day_factors import Belief, count_limits, update, update_handle_times
from ccstats.deviations.day_history import handled_sums, learn_from, read_history
from ccstats.deviations.planned import planned_handle_times, read_planned
from ccstats.deviations.requirement import required_agents
from ccstats.errors import DataWarning, OptionError, TableError, did_you_mean
from ccstats.expectation.expected import divide
from ccstats.expectation.outlook import numbers
from ccstats.periods import check_timezone, period_start
from ccstats.schema import as_frame

__all__ = ["reforecast_day"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MODELS = ("erlang_a", "erlang_b", "erlang_c")


def reforecast_day(
    intervals_so_far: Any,
    forecast: Any,
    *,
    now: Any = None,
    by: str | Sequence[str] = "queue",
    history: Any = None,
    day_cv: float = 0.10,
    aht_cv: float = 0.05,
    coverage: float = 0.90,
    model: str | None = None,
    target_service_level: float | None = None,
    threshold_s: float | None = None,
    patience_s: float | None = None,
    timezone: str | None = None,
) -> pd.DataFrame:
    """The forecast of a day revised by what has come so far, with limits, and the agents that the rest of the day takes.

    Parameters
    ----------
    intervals_so_far : table
        `intervals` of the day up to ``now``; earlier days are not looked at.
    forecast : table
        A `forecast` or a `plan`; rows of other days serve as expectation of ``history`` only.
    now : datetime-like with a time zone, optional
        Until when contacts are counted; inside an interval that one counts pro rata. By default the end of the last interval so far.
    by : str or sequence of str
        ``queue``: each queue has its own day factor; ``()``: all queues share one.
    history : table, optional
        `intervals` of earlier days, from which it is learnt how days differ. They are held against the forecast of those days where
        ``forecast`` has any, else against their own mean of the same weekday and time.
    day_cv, aht_cv : float
        Coefficient of variation of day factors, of volume and of handle time, as assumed without history; with it they count as four more
        days. 0: the forecast's level is right. [ratio]
    coverage : float
        Probability within the limits. [0-1]
    model, target_service_level, threshold_s, patience_s : optional
        How the agents required are found, instead of what the plan says; without a plan ``erlang_a`` where patience is finite, ``erlang_c``
        where not. [-, 0-1, s, s]
    timezone : str, optional
        Whose day it is; by default the zone the intervals were cut in.

    Returns
    -------
    pandas.DataFrame
        The forecast's rows of the day of ``now``, by queue and time: ``elapsed``, the share of the interval that is over; ``offered`` so
        far (missing: not begun, or no row so far); ``forecast_offered, forecast_aht_s`` as they were;

        ``expected_offered, expected_aht_s`` revised: what came where an interval is over, what came and what is still expected where it is
        not; ``low, high`` of the contacts (what came, where it is over);

        ``day_factor`` with ``day_factor_low, day_factor_high``, and ``aht_factor``: by how much the rest of the day is revised;
        ``day_offered, day_low, day_high``, the contacts expected of the queue's whole day;

        where there is a target, ``required_agents`` (real-valued, on the floor); for a plan also its ``agents`` and ``gap``, these less
        those required: below 0 too few.

    Raises
    ------
    TableError
        If a table lacks a column, is booked otherwise, there is no forecast of the day, nothing is known of its past, contacts came after
        ``now``, lengths differ, or history has less than two days before this one.
    OptionError
        If an argument has no such value.
    ZoneError
        If the zone is not known.

    Warns
    -----
    DataWarning
        If queues so far have no forecast; they are left out.

    See Also
    --------
    measure_forecast_accuracy : whether the forecast's errors are whole days' or single intervals'.

    Notes
    -----
    Days are busy or quiet as a whole: what is above the forecast in the morning is likely to be above it in the afternoon, but by less,
    because some of it is chance. The share that is believed grows with the contacts so far, see `ccstats.deviations.day_factors`: with 10 %
    between days (``day_cv``) and Poisson arrivals half of the surprise is believed once 100 contacts were forecast [1]_. Limits hold the
    chance of the interval and what is not known of the factor; those of single intervals do not add up, ``day_low, day_high`` are the
    day's own.

    Handle times are known when contacts have ended. Those that joined last and are known are the short ones; take ``now`` some minutes
    back, or book no later than they end, where handle times are long.

    References
    ----------
    .. [1] S. Aldor-Noiman, P. D. Feigin, A. Mandelbaum (2009), Workload forecasting for a call center: methodology and a case study. Annals
       of Applied Statistics 3, 1403-1447; J. Weinberg, L. D. Brown, J. R. Stroud (2007), Bayesian forecasting of an inhomogeneous Poisson
       process with applications to call center data. Journal of the American Statistical Association 102, 1185-1198.

    Examples
    --------
    Until noon 30 % more came than the 200 forecast; most of that is expected of the afternoon too:

    >>> import ccstats as cc
    >>> day = pd.DataFrame({"queue": "sales", "interval_start": pd.date_range("2026-03-02 08:00", periods=20, freq="30min", tz="UTC")})
    >>> forecast = day.assign(interval_s=1800.0, expected_offered=25.0, expected_aht_s=240.0)
    >>> calls = pd.DataFrame({"queued_at": day["interval_start"][:8].repeat(32)})
    >>> calls = calls.assign(contact_id=[str(k) for k in range(256)], visit=1, channel="voice", direction="inbound", queue="sales")
    >>> calls = calls.assign(outcome="abandoned", raw_outcome="", wait_s=9.0, ring_s=0.0, talk_s=0.0, hold_s=0.0, wrap_s=0.0, agent="")
    >>> so_far = cc.to_intervals(cc.schema.CONTACTS.conform(calls), threshold_s=20)
    >>> revised = cc.reforecast_day(so_far, forecast, day_cv=0.1)
    >>> revised["expected_offered"].round(2).iloc[[0, 7, 8]].tolist()
    [32.0, 32.0, 29.67]
    """
    keys = [by] if isinstance(by, str) else list(by)
    if keys not in ([], ["queue"]):
        raise OptionError(f"by={by!r} is not known; give 'queue', or () for one day factor of all queues")
    assumed = _assumed(day_cv, aht_cv, coverage)
    frame = as_frame(forecast, what="forecast")
    is_plan = "agents" in frame
    known, cut = handled_sums(intervals_so_far, what="intervals_so_far")
    zone = cut if timezone is None else check_timezone(timezone)
    planned = read_planned(frame, what="plan" if is_plan else "forecast")
    planned["planned_aht_s"] = planned_handle_times(planned, zone)
    moment, day = _moment(now, known, zone)
    made = _day_so_far(planned, known, moment, day, zone)
    past = None if history is None else read_history(history, planned, day, zone)
    group = pd.factorize(made["queue"])[0] if keys else np.zeros(len(made), dtype="int64")
    learnt = [assumed if past is None else learn_from(past, set(made["queue"][group == number]), assumed) for number in np.unique(group)]
    volume, handling = (Belief(*np.array([each[place] for each in learnt]).T) for place in (0, 1))
    made = _revised(made, group, volume, handling, coverage)
    made = _with_staff(made, is_plan, model, target_service_level, threshold_s, patience_s)
    first = ["queue", "interval_start", "interval_s", "elapsed", "offered", "forecast_offered", "forecast_aht_s", "expected_offered"]
    first += ["low", "high", "expected_aht_s", "day_factor", "day_factor_low", "day_factor_high", "aht_factor"]
    last = ["day_offered", "day_low", "day_high", *(name for name in ("required_agents", "agents", "gap") if name in made)]
    made = made.rename(columns={"planned_offered": "forecast_offered", "planned_aht_s": "forecast_aht_s"})[[*first, *last]]
    return made.astype({"queue": pd.CategoricalDtype(sorted(made["queue"].unique()))}).sort_values(first[:2], ignore_index=True)


def _assumed(day_cv: float, aht_cv: float, coverage: float) -> tuple[Belief, Belief]:
    """What is believed of volume and handle time without history: Poisson counts, and handle times that scatter like exponential ones."""
    for name, value in (("day_cv", day_cv), ("aht_cv", aht_cv)):
        if not (isinstance(value, int | float) and 0 <= value < np.inf):
            raise OptionError(f"{name}={value!r} must be a number from 0 (the forecast's level is right) up, such as 0.1")
    if not (isinstance(coverage, int | float) and 0 < coverage < 1):
        raise OptionError(f"coverage={coverage!r} must lie between 0 and 1, such as 0.9")
    return Belief(1.0, day_cv**2, 1.0), Belief(1.0, aht_cv**2, 1.0)


def _moment(now: Any, known: pd.DataFrame, zone: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Until when contacts are counted, and the start of its local day."""
    if now is None:
        if not len(known):
            raise TableError("intervals_so_far has no rows; say now=, the moment that the forecast is to be revised at")
        moment = (known["interval_start"] + pd.to_timedelta(known["interval_s"] * 1e6, unit="us")).max()
        within = moment - pd.Timedelta("1us")
    else:
        try:
            moment = within = pd.Timestamp(now)
        except (TypeError, ValueError):
            moment = pd.NaT
        if moment is pd.NaT or moment.tzinfo is None:
            raise OptionError(f"now={now!r} must be an instant with its time zone, such as pd.Timestamp('2026-03-02 11:20', tz={zone!r})")
    return moment.tz_convert("UTC"), period_start(pd.DatetimeIndex([within]), period="day", timezone=zone)[0]


def _day_so_far(planned: pd.DataFrame, known: pd.DataFrame, moment: pd.Timestamp, day: pd.Timestamp, zone: str) -> pd.DataFrame:
    """The forecast's rows of the day, with what is known of each: ``elapsed``, ``seen``, ``offered``, ``known`` and ``aht_s``."""
    made = planned[np.asarray(period_start(planned["interval_start"], period="day", timezone=zone) == day)]
    if not len(made):
        raise TableError(
            f"the forecast has no intervals on {day:%Y-%m-%d} ({zone}), the day to revise; it has "
            f"{planned['interval_start'].min().tz_convert(zone):%Y-%m-%d %H:%M} to "
            f"{planned['interval_start'].max().tz_convert(zone):%Y-%m-%d %H:%M}"
        )
    if np.isnan(numbers(made, "planned_offered")).any():
        row = made[made["planned_offered"].isna()].iloc[0]
        raise TableError(
            f"the forecast has no volume, handle time or agents for queue {row['queue']!r} at {row['interval_start']} "
            f"({made['planned_offered'].isna().sum()} rows of the day); fill them in first"
        )
    known = known[np.asarray(period_start(known["interval_start"], period="day", timezone=zone) == day)]
    late = known[(known["interval_start"] >= moment) & (known["offered"] > 0)]
    if len(late):
        raise TableError(
            f"intervals_so_far has contacts after now={moment.tz_convert(zone)}: first {late['queue'].iloc[0]!r} at "
            f"{late['interval_start'].iloc[0].tz_convert(zone)} ({int(late['offered'].sum())} contacts); leave out what had not come yet"
        )
    made = made.merge(known, on=["queue", "interval_start"], how="left", suffixes=("", "_known"))
    differ = made["interval_s_known"].notna() & ((made["interval_s_known"] - made["interval_s"]).abs() > 1e-3)
    if differ.any():
        row = made[differ].iloc[0]
        raise TableError(
            f"intervals have different lengths: at {row['interval_start']} the forecast has {row['interval_s']:g} s, intervals_so_far "
            f"{row['interval_s_known']:g} s; make both with one every="
        )
    lacking = sorted(set(known.loc[known["offered"] > 0, "queue"]) - set(made["queue"]))
    if lacking:
        warnings.warn(
            f"no forecast for {', '.join(map(repr, lacking))} on this day; their contacts are left out", DataWarning, stacklevel=3
        )
    over = (moment - made["interval_start"]).dt.total_seconds().to_numpy() / numbers(made, "interval_s")
    made["elapsed"] = np.clip(over, 0.0, 1.0)
    made["seen"] = (made["elapsed"] > 0) & made["offered"].notna()
    if ((made["elapsed"] > 0) & (made["planned_offered"] > 0)).any() and not made["seen"].any():
        raise TableError(
            f"intervals_so_far has no interval of {day:%Y-%m-%d} ({zone}) that is in the forecast too, but contacts were forecast until "
            f"{moment.tz_convert(zone):%H:%M}; check queues, days and lengths of both"
        )
    return made.assign(offered=made["offered"].where(made["seen"]), known=made["known"].where(made["seen"]))


def _revised(made: pd.DataFrame, group: Ints, volume: Belief, handling: Belief, coverage: float) -> pd.DataFrame:
    """The day, revised; rows of a group share a day factor."""
    elapsed, forecast, aht = (numbers(made, name) for name in ("elapsed", "planned_offered", "planned_aht_s"))
    offered, known, own = (np.nan_to_num(numbers(made, name)) for name in ("offered", "known", "aht_s"))
    seen = made["seen"].to_numpy()
    known = np.where((aht > 0) & (own > 0), known, 0.0)

    def add(values: Floats, by: Ints) -> Floats:
        return np.bincount(by, weights=values).astype("float64")

    took, expected = add(known * own, group), add(known * np.nan_to_num(aht), group)
    volume = update(volume, add(offered, group), add(np.where(seen, elapsed * forecast, 0.0), group))
    handling = update_handle_times(handling, np.nan_to_num(divide(took, expected), nan=1.0), add(known, group)).take(group)
    queue = pd.factorize(made["queue"])[0]
    of_queue = volume.take(group[np.unique(queue, return_index=True)[1]])
    volume = volume.take(group)
    rest = volume.mean * np.where(seen, 1 - elapsed, 1.0) * forecast
    low, high = count_limits(rest, volume, coverage)
    so_far, to_come = add(offered, queue), add(rest, queue)
    day_low, day_high = count_limits(to_come, of_queue, coverage)
    factor_low, factor_high = volume.limits(coverage)
    return made.assign(
        expected_offered=offered + rest,
        low=offered + low,
        high=offered + high,
        expected_aht_s=np.where(seen & (elapsed == 1) & (known > 0), own, aht * handling.mean),
        day_factor=volume.mean,
        day_factor_low=factor_low,
        day_factor_high=factor_high,
        aht_factor=handling.mean,
        day_offered=(so_far + to_come)[queue],
        day_low=(so_far + day_low)[queue],
        day_high=(so_far + day_high)[queue],
    )


def _with_staff(made: pd.DataFrame, is_plan: bool, model: Any, target: Any, threshold_s: Any, patience_s: Any) -> pd.DataFrame:
    """The agents that the revised day takes, where it is known what is asked for."""
    if model is not None and model not in _MODELS:
        raise OptionError(f"model={model!r} is not known; choose one of: {', '.join(_MODELS)}.{did_you_mean(str(model), _MODELS)}")
    for name, value, fits, expected in (
        ("target_service_level", target, lambda x: 0 < x < 1, "a share above 0 and below 1"),
        ("threshold_s", threshold_s, lambda x: 0 <= x < np.inf, "seconds from 0 on"),
        ("patience_s", patience_s, lambda x: x > 0, "seconds above 0, or infinity where nobody gives up"),
    ):
        if value is not None and not (isinstance(value, int | float | np.integer | np.floating) and fits(value)):
            raise OptionError(f"{name}={value!r}: expected {expected}")
    given = {"target_service_level": target, "threshold_s": threshold_s, "patience_s": patience_s}
    made = made.drop(columns="required_agents").assign(**{name: float(value) for name, value in given.items() if value is not None})
    if model is not None:
        made["model"] = model
    elif patience_s is not None or not is_plan:
        made["model"] = np.where(np.isfinite(made["patience_s"]), "erlang_a", "erlang_c")
    if made["target_service_level"].notna().any():
        if made["threshold_s"].isna().all() and (made["model"] != "erlang_b").all():
            raise OptionError("target_service_level= needs threshold_s=, the seconds to answer within")
        terms = ("interval_s", "target_service_level", "threshold_s", "patience_s", "lines", "short_s")
        made["required_agents"] = required_agents(
            numbers(made, "expected_offered"),
            aht_s=numbers(made, "expected_aht_s"),
            **{name: numbers(made, name) for name in terms},
            model=made["model"].to_numpy(dtype=object),
            definition=made["definition"].to_numpy(dtype=object),
        )
    if is_plan:
        made["agents"] = made["present"]
        if "required_agents" in made:
            made["gap"] = made["agents"] - made["required_agents"]
    return made
