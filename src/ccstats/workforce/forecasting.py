"""What will come: contacts and handle times of every queue and interval of the days ahead, with the limits they will lie in."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import DataWarning, OptionError, did_you_mean
from ccstats.profile.rows import days_of
from ccstats.schema import as_frame
from ccstats.workforce.day_level import YEAR
from ccstats.workforce.forecast_history import Grid, History, lay_out, read_history
from ccstats.workforce.forecast_models import METHODS, GroupFit, fit_groups
from ccstats.workforce.forecast_table import learn_trials, tabulate
from ccstats.workforce.forecast_trials import LONGEST, Past, Tell, choose_methods, part_of
from ccstats.workforce.intraday_profile import handle_times
from ccstats.workforce.special_days import Specials, read_specials

__all__ = ["forecast_contacts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_PERIODS = ("interval", "day")
#: No forecast is worth more. [days]
_FURTHEST = 731


def forecast_contacts(
    intervals: Any,
    *,
    horizon: str = "28D",
    by: str | Sequence[str] = "queue",
    period: str = "interval",
    timezone: str | None = None,
    holidays: Any = None,
    events: Any = None,
    method: str = "auto",
    exclude: Any = None,
    progress: Tell | None = None,
) -> pd.DataFrame:
    """Contacts and handle time expected in each interval of the days ahead, with limits that hold 80 and 95 % of them.

    Parameters
    ----------
    intervals : table
        `intervals` of two weeks or more, booked where contacts join the queue.
    horizon : str
        How many local days ahead, counted from the first midnight after the history; the rest of a day that has begun comes first. [days]
    by : str or sequence of str
        ``queue``; with further columns such as ``channel`` each is forecast on its own; ``()`` adds the forecasts of all queues up.
    period : str
        ``interval`` or ``day``. Figures of a day are those of its intervals, added; limits are those of days.
    timezone : str, optional
        Whose days and times of day count; by default the zone that the intervals were cut in.
    holidays : str, mapping or iterable of dates, optional
        A country (``"TR"``) or a part of one (``"DE-BE"``), dates, or dates with names, past and to come. Holidays of one name are alike.
    events : table, optional
        Planned events, past and to come: ``name, start, end`` (the first moment after), and where known ``factor`` (1: as usual) and
        ``queue``. An event without a factor is learnt from earlier ones of its name.
    method : str
        ``profile``: regression on the calendar with a level that follows the last weeks; ``ets``: exponential smoothing; ``mstl``:
        smoothing of what a decomposition by LOESS leaves; ``naive``: as last week. ``auto``: ``profile``, unless forecasts of a queue's
        last weeks prove another of these, or the mean of the first two (``profile+ets``), better than chance would make it.
    exclude : tuple or list of tuples, optional
        Spans ``(start, end)`` of the history not to learn from, such as a known incident.
    progress : callable, optional
        Called with what is being done and the share of the whole that is done. [0-1]

    Returns
    -------
    pandas.DataFrame
        `forecast`: ``queue`` (``all`` for ``by=()``), ``interval_start, interval_s``; ``expected_offered`` and ``expected_aht_s`` (missing
        where no handle time was ever logged; of a day weighted by contacts); ``model_offered, model_aht_s`` the same, which
        `override_forecast` leaves as they are; ``offered_low_80, offered_high_80, offered_low_95, offered_high_95``; ``model``, the method
        taken; ``note``, what could not be learnt for this row.

    Raises
    ------
    TableError
        If there is no history or less than two weeks, a queue and interval stands there twice, or intervals do not fit the zone's days;
        rows are named.
    ColumnError, OptionError, ZoneError
        If a column is missing or an option has no such value.

    Warns
    -----
    DataWarning
        If part of the history was left out as a gap or an outage, a holiday ahead has none like it in the history, or an event has neither
        a factor nor an earlier one of its name.

    See Also
    --------
    backtest_forecast : how good forecasts of this history would have been.
    override_forecast : a planner's own figures beside the model's.
    to_forecast : what came, taken for what will come.

    Notes
    -----
    Contacts of a day × share of the time of day. Shares of weekdays are drawn towards those of all days as far as chance explains their
    differences. Days: see `ccstats.workforce.forecast_regression.fit_effects`; how fast level and trend of a queue move is learnt from
    all queues. A yearly season is learnt from one year on.

    Days without any record are gaps, and runs of intervals without a contact where a dozen or more were due are outages; neither is
    taken for low demand, and no more are days before a queue's first contact. Busy and quiet days far from the others count for less.

    The limits are those of a negative binomial count whose variance is learnt from what forecasts of the last weeks, made with what was
    known then, were off: chance × mean + (level + growth × days ahead) × mean². Limits of days, and of all queues, are learnt from the
    errors of days, and of all queues; they are not sums, because errors partly cancel.

    Examples
    --------
    >>> import ccstats as cc
    >>> made = cc.synthesize_contacts(seed=1, days=28)
    >>> half_hours = cc.to_intervals(made.contacts, timezone="Europe/Istanbul", threshold_s=20)
    >>> forecast = cc.forecast_contacts(half_hours, horizon="7D", holidays="TR")
    >>> sorted(forecast["queue"].unique()), bool((forecast["offered_low_80"] <= forecast["offered_high_80"]).all())
    (['complaints', 'sales', 'support'], True)
    >>> days = cc.forecast_contacts(half_hours, horizon="7D", holidays="TR", period="day", by=())
    >>> bool(abs(days["expected_offered"].sum() - forecast["expected_offered"].sum()) < 1e-6)
    True
    """
    ahead = days_of(horizon, "horizon")
    if ahead > _FURTHEST:
        raise OptionError(f"horizon={horizon!r} is too far; a forecast is worth no more than {_FURTHEST} days")
    columns = check_options(by, period, method)
    history, specials = prepare(intervals, columns, timezone, holidays, events, exclude, ahead=ahead)
    future = _future(history, as_frame(intervals), ahead)
    seen = min(ahead, LONGEST)
    groups = range(len(history.keys))
    past = Past(history, specials)
    chosen = [method] * len(groups)
    if method == "auto":
        chosen = choose_methods(past, ahead=seen, tell=part_of(progress, 0.0, 0.5))
    tell = part_of(progress, 0.5 if method == "auto" else 0.0, 1.0)
    trials = learn_trials(past, chosen, ahead=seen, tell=part_of(tell, 0.0, 0.9))
    tell("forecasting", 0.9)
    fits = fit_groups(history, specials)
    expected = np.array([fit.expect(future, each) for fit, each in zip(fits, chosen, strict=True)])
    aht = np.array([handle_times(history.total[:, group], history.handled[:, group])[future.slot] for group in groups])
    notes = _notes(fits, future, chosen)
    made = tabulate(history, specials, future, expected, aht, chosen, trials, columns, period, notes)
    tell("forecast", 1.0)
    _warn(history, fits, specials, future)
    return made


def check_options(by: Any, period: str, method: str) -> tuple[str, ...]:
    """The columns to group by, if the options are known."""
    columns = (by,) if isinstance(by, str) else tuple(by)
    if not all(isinstance(each, str) for each in columns) or (columns and "queue" not in columns):
        raise OptionError(f"by={by!r}: expected 'queue', further columns beside it such as ('queue', 'channel'), or () for all together")
    for name, given, known in (("period", period, _PERIODS), ("method", method, ("auto", *METHODS))):
        if given not in known:
            raise OptionError(f"{name}={given!r} is not known; choose one of: {', '.join(known)}.{did_you_mean(str(given), known)}")
    return columns


def prepare(
    intervals: Any, columns: Sequence[str], timezone: str | None, holidays: Any, events: Any, exclude: Any, *, ahead: int
) -> tuple[History, Specials]:
    """The history, and the special days of it and of what is to come."""
    frame = as_frame(intervals, what="intervals")
    years = range(1970, 1971)
    if (
        isinstance(holidays, str)
        and "interval_start" in frame
        and len(frame)
        and isinstance(frame["interval_start"].dtype, pd.DatetimeTZDtype)
    ):
        low, high = frame["interval_start"].min(), frame["interval_start"].max() + pd.Timedelta(days=ahead + 31)
        years = range(low.year, high.year + 1)
    # dates of holidays do not hang on the zone, but a zone is needed for events: it is checked with the table
    dates = read_specials(holidays, None, zone="UTC", years=years).holiday_dates()
    history = read_history(frame, by=columns, timezone=timezone, exclude=exclude, special=dates)
    return history, read_specials(holidays, events, zone=history.zone, years=years)


def _future(history: History, frame: pd.DataFrame, ahead: int) -> Grid:
    end = history.grid.start[-1] + pd.Timedelta(seconds=float(history.grid.length_s[-1]))
    local = end.tz_convert(history.zone).tz_localize(None)
    whole = local.normalize() + pd.Timedelta(days=ahead + (local != local.normalize()))
    stop = whole.tz_localize(history.zone, ambiguous=True, nonexistent="shift_forward")
    return lay_out(end, stop, step_s=history.grid.step_s, zone=history.zone)


def _notes(fits: Sequence[GroupFit], future: Grid, chosen: Sequence[str]) -> list[NDArray[np.object_]]:
    found = []
    days = len(fits[0].history.grid.date)
    for fit, method in zip(fits, chosen, strict=True):
        texts = ["no yearly season: less than a year of history"] if days < YEAR and method != "naive" else []
        day = np.full(len(future.date), "; ".join(texts), dtype=object)
        if method != "naive":
            for place, date in enumerate(future.date.tolist()):
                more = []
                if date in fit.specials.holidays and not fit.level.holiday_seen:
                    more.append("holiday taken for a Sunday: none in the history")
                for name, share in fit.specials.shares(future, fit.queue).items():
                    if share[place] > 0 and f"e:{name}" not in fit.level.names:
                        more.append(f"event {name!r} left out: no factor and none in the history")
                if more:
                    day[place] = "; ".join([*texts, *more])
        found.append(day[future.day])
    return found


def _warn(history: History, fits: Sequence[GroupFit], specials: Specials, future: Grid) -> None:
    said = list(history.notes)
    holidays = [date for date in future.date.tolist() if date in specials.holidays]
    if holidays and not any(fit.level.holiday_seen for fit in fits):
        days = ", ".join(str(np.datetime64(date, "D")) for date in holidays[:5])
        said.append(f"holidays ahead ({days}) are taken for Sundays: there is none in the history to learn from")
    learnt = {name for fit in fits for name in fit.level.names}
    missing = sorted(
        {name for fit in fits for name, share in specials.shares(future, fit.queue).items() if share.any() and f"e:{name}" not in learnt}
    )
    if missing:
        said.append(f"events {', '.join(map(repr, missing))} are left out: no earlier one of the name, and no factor")
    if said:
        warnings.warn("; ".join(said), DataWarning, stacklevel=3)
