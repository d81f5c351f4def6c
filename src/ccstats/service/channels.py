"""How did the other ways in and out do? The voice menu, callbacks that were promised, and outbound contacts (EN 15838, 7.7)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import ColumnError, OptionError
from ccstats.periods import Calendar
from ccstats.queueing.durations import summarise_durations
from ccstats.schema import CONTACTS, as_frame
from ccstats.schema.instants import as_known, check_order, look_at
from ccstats.service._booking import seconds_added
from ccstats.service._groups import Groups
from ccstats.spc.proportions import check_confidence, wilson_interval

__all__ = ["measure_callbacks", "measure_ivr", "measure_outbound"]

Flags = NDArray[np.bool_]
#: A column of flags, or values of ``disposition``.
Words = str | Collection[str]

_KEY = ["contact_id", "visit"]


def measure_ivr(
    contacts: Any,
    *,
    by: str | Sequence[str] = (),
    period: str | None = None,
    timezone: str = "UTC",
    every: str = "30min",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Time in the voice menu, time until it offers a human, containment, and who left in it, per group and period.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit; of each contact the first visit counts.
    by : str or sequence of str
        Group columns, such as ``dnis``.
    period : str, optional
        ``interval``, ``hour``, ``day``, ``week``, ``month``, ``quarter``, ``year``, ``weekday`` or ``slot``, by ``arrived_at``.
    timezone : str
        The zone whose days count.
    every : str
        Length of an interval or slot.
    confidence : float
        Of all intervals, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        ``entered``: contacts of which a voice menu is logged (time in it, an option offered, contained, or left in it); ``ivr_s``, mean
        time in it; ``offered_human`` and, from arrival, ``ivr_to_option_s`` (mean), ``ivr_to_option_p50_s``, ``ivr_to_option_p95_s`` and
        ``ivr_to_option_max_s``; ``contained``, ``ivr_containment_rate``; ``ivr_abandoned`` and ``ivr_abandoned_rate``, left before a queue
        and not contained; means and shares with ``_low`` and ``_high``. ``not_logged`` names the columns that the source does not have;
        what they would tell is missing.

    Raises
    ------
    TableError
        If the table does not fit the schema, or a human was offered before the arrival: with row and key.
    OptionError, ColumnError, ZoneError
        If an argument has no such value, or a ``by`` column is not there.

    Notes
    -----
    Contacts are booked where they arrived (``arrived_at``), else where they queued. Identity checks and announcements are in the time
    to the option; regulators differ on whether they count. The quantiles are those of contacts that were offered a human, which whoever
    left earlier never was.

    Examples
    --------
    >>> import ccstats as cc
    >>> contacts = cc.synthesize_contacts(seed=1).contacts
    >>> menu = cc.measure_ivr(contacts).loc[0]
    >>> menu["not_logged"]
    'human_option_at, contained'
    """
    check_confidence(confidence)
    frame = as_frame(contacts, what="contacts")
    logged = [name for name in ("arrived_at", "ivr_s", "human_option_at", "contained") if name in frame]
    CONTACTS.check(frame, columns=[*_KEY, "queued_at", "outcome", *logged], keys=False)
    if {"arrived_at", "human_option_at"} <= set(logged):
        check_order(frame, "arrived_at", "human_option_at", key=_KEY, what="contacts")
    frame = frame[frame["outcome"] != "ignored"].sort_values(_KEY, kind="stable").drop_duplicates("contact_id", ignore_index=True)
    spent = _numbers(frame, "ivr_s")
    offered = frame["human_option_at"].notna().to_numpy() if "human_option_at" in frame else np.zeros(len(frame), dtype=bool)
    kept = frame["contained"].fillna(False).to_numpy(dtype=bool) if "contained" in frame else np.zeros(len(frame), dtype=bool)
    left = (frame["outcome"] == "ivr_abandoned").to_numpy() & ~kept
    entered = (spent > 0) | offered | kept | left
    frame, spent, offered, kept, left = (each[entered] for each in (frame, spent, offered, kept, left))
    booked = frame["arrived_at"].fillna(frame["queued_at"]) if "arrived_at" in frame else frame["queued_at"]
    frame, booked = frame.reset_index(drop=True), booked.reset_index(drop=True)
    groups = Groups(frame, by, instants=booked, period=period, timezone=timezone, every=every)
    size = len(groups.keys)
    time = np.full(len(frame), np.nan)
    if {"arrived_at", "human_option_at"} <= set(logged):
        time = (frame["human_option_at"] - frame["arrived_at"]).dt.total_seconds().to_numpy(dtype="float64", na_value=np.nan)
    every_one = np.ones(len(frame), dtype=bool)
    columns: dict[str, Any] = {"entered": groups.count()}
    columns |= _means("ivr", spent, every_one, groups, (), confidence)
    columns["offered_human"] = _where("human_option_at" in logged, groups.count(offered))
    columns |= _means("ivr_to_option", time, every_one, groups, (0.5, 0.95), confidence)
    columns["ivr_to_option_max_s"] = groups.largest(time)
    entered_known = groups.count()
    contained = "contained" in logged
    columns["contained"] = _where(contained, groups.count(kept))
    columns |= _share("ivr_containment_rate", groups.count(kept), entered_known if contained else np.zeros(size), confidence)
    columns["ivr_abandoned"] = groups.count(left)
    columns |= _share("ivr_abandoned_rate", groups.count(left), entered_known, confidence)
    lacking = [name for name in ("arrived_at", "ivr_s", "human_option_at", "contained") if name not in logged]
    return groups.table(columns | {"not_logged": ", ".join(lacking)})


def measure_callbacks(
    contacts: Any,
    *,
    by: str | Sequence[str] = ("queue",),
    period: str | None = None,
    timezone: str = "UTC",
    every: str = "30min",
    promise_s: float | None = None,
    promise_working_days: int | None = None,
    calendar: Calendar | None = None,
    as_of: Any = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Whether callbacks were tried by when they were promised, per group and period.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit; those with outcome ``callback`` count. ``promised_at`` and ``attempted_at`` where the source has them.
    by : str or sequence of str
        Group columns.
    period : str, optional
        ``interval``, ``hour``, ``day``, ``week``, ``month``, ``quarter``, ``year``, ``weekday`` or ``slot``, by when it was asked for.
    timezone : str
        The zone whose days count.
    every : str
        Length of an interval or slot.
    promise_s : float, optional
        The promise where none is logged: so long after it was asked for. [s]
    promise_working_days : int, optional
        Instead: by the end of this working day, the day it was asked for being day 0. Needs ``calendar``.
    calendar : Calendar, optional
        Opening hours and holidays.
    as_of : datetime-like with a time zone, optional
        The instant the callbacks are looked at. By default the last instant of these columns and ``queued_at``.
    confidence : float
        Of all intervals, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        ``callbacks`` asked for; ``attempted``, and from the request ``callback_attempt_s`` (mean of the tried),
        ``callback_attempt_p50_s``, ``callback_attempt_p95_s`` (which know of those still open); ``on_time``, ``late`` (tried after the
        promise, or not yet though it has passed), ``not_due`` (not tried, and the promise has not passed), ``no_promise``;
        ``callback_on_time_rate`` = on time / (on time + late); figures with ``_low`` and ``_high``. ``not_logged`` names the columns that
        the source does not have; what they would tell is missing.

    Raises
    ------
    TableError
        If the table does not fit the schema, or a callback was tried or promised before it was asked for: with row and key.
    OptionError
        If both promises are given, or one without its calendar; if an argument has no such value.
    ColumnError, ZoneError
        If a ``by`` column is not there, or ``as_of`` has no zone.

    Notes
    -----
    A callback is asked for at ``queued_at + wait_s``. An attempt is enough: whether somebody was reached is not asked. A logged promise is
    kept by an attempt at that instant; a promise in working days by one before the midnight that ends it.

    Examples
    --------
    >>> import ccstats as cc
    >>> import pandas as pd
    >>> asked = pd.to_datetime(["2026-03-02T10:00Z", "2026-03-02T11:00Z"])
    >>> tried = pd.to_datetime(["2026-03-02T10:20Z", None], utc=True)
    >>> calls = pd.DataFrame({"contact_id": ["a", "b"], "visit": 1, "queued_at": asked, "wait_s": 0.0, "attempted_at": tried})
    >>> calls = calls.assign(outcome=pd.Categorical(["callback"] * 2), queue="sales")
    >>> cc.measure_callbacks(calls, promise_s=3600, as_of="2026-03-02T11:30Z")[["on_time", "not_due"]].to_dict("records")
    [{'on_time': 1, 'not_due': 1}]
    """
    check_confidence(confidence)
    frame = as_frame(contacts, what="contacts")
    logged = [name for name in ("promised_at", "attempted_at") if name in frame]
    CONTACTS.check(frame, columns=[*_KEY, "queued_at", "outcome", "wait_s", *logged], keys=False)
    frame = frame[(frame["outcome"] == "callback").to_numpy() & frame["queued_at"].notna().to_numpy()]
    frame = frame.assign(asked_at=seconds_added(frame["queued_at"], frame["wait_s"]))
    for name in logged:
        check_order(frame, "asked_at", name, key=_KEY, what="callbacks")
    at = look_at(as_of, *(frame[name] for name in ("asked_at", *logged)))
    frame = frame[frame["asked_at"] <= at].reset_index(drop=True)
    groups = Groups(frame, by, instants=frame["asked_at"], period=period, timezone=timezone, every=every)
    size = len(groups.keys)
    nothing = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")
    tried = as_known(frame["attempted_at"], at) if "attempted_at" in logged else nothing
    promised = frame["promised_at"] if "promised_at" in logged else nothing
    assumed, strict = _promise(frame["asked_at"], promise_s, promise_working_days, calendar)
    assumed_here = promised.isna().to_numpy()
    promised = promised.fillna(assumed)
    has, done = promised.notna().to_numpy(), tried.notna().to_numpy()
    before = (tried < promised) | ((tried == promised) & ~(assumed_here & strict))
    passed = (promised < at) | ((promised == at) & (assumed_here & strict))
    if "attempted_at" not in logged:  # nobody knows whether anybody tried
        has = np.zeros(len(frame), dtype=bool)
    met = has & before.to_numpy()
    late = has & ~met & (done | passed.to_numpy())
    took = (tried.fillna(at) - frame["asked_at"]).dt.total_seconds().to_numpy(dtype="float64")
    known = "attempted_at" in logged
    columns: dict[str, Any] = {"callbacks": groups.count(), "attempted": _where(known, groups.count(done))}
    columns |= _means("callback_attempt", took if known else np.full(len(frame), np.nan), done, groups, (0.5, 0.95), confidence)
    counts = {"on_time": met, "late": late, "not_due": has & ~met & ~late, "no_promise": promised.isna().to_numpy()}
    columns |= {name: _where(known or name == "no_promise", groups.count(flags)) for name, flags in counts.items()}
    columns |= _share("callback_on_time_rate", groups.count(met), groups.count(met | late), confidence)
    lacking = [name for name in ("promised_at", "attempted_at") if name not in logged]
    return groups.table(columns | {"not_logged": pd.array([", ".join(lacking)] * size, dtype="str")})


def measure_outbound(
    contacts: Any,
    *,
    right_party: Words | None = None,
    live: Words | None = None,
    within_s: float = 2.0,
    by: str | Sequence[str] = ("queue",),
    period: str | None = None,
    timezone: str = "UTC",
    every: str = "30min",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Dial attempts, connects, right-party contacts and dialler abandonment of outbound contacts, per group and period.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit; those with ``direction`` outbound count, each one attempt.
    right_party : str or collection of str, optional
        Who reached the right person: a column of flags, or values of ``disposition``.
    live : str or collection of str, optional
        Who was picked up by a person: likewise; by default those with outcome ``answered`` or ``abandoned``.
    within_s : float
        A live connect that no agent took within this was abandoned by the dialler. [s]
    by : str or sequence of str
        Group columns.
    period : str, optional
        ``interval``, ``hour``, ``day``, ``week``, ``month``, ``quarter``, ``year``, ``weekday`` or ``slot``, by ``queued_at``.
    timezone : str
        The zone whose days count.
    every : str
        Length of an interval or slot.
    confidence : float
        Of all intervals, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        ``dial_attempts``, ``connects`` (live), ``connect_rate``; ``right_party`` and ``rpc_rate`` (of the attempts; missing without
        ``right_party``); ``no_agent`` (live, no agent within the time), ``wait_unknown`` (live and answered, nobody knows how soon: in
        neither), ``dialer_abandonment_rate``; shares with ``_low`` and ``_high`` (Wilson). No outbound contacts: counts are 0.

    Raises
    ------
    TableError
        If the table does not fit the schema.
    OptionError
        If ``within_s`` is no number of seconds.
    ColumnError
        If a ``by`` column or the column of ``right_party`` or ``live`` is not there.

    Notes
    -----
    ``queued_at`` is where the person picked up (the greeting), ``wait_s`` the time to an agent. Regulators that limit dialler abandonment
    give a time and a share; the two seconds of the US Telemarketing Sales Rule (16 CFR 310.4(b)(4)) are the default here. Read the current
    text of the rule that binds you.

    Examples
    --------
    >>> import ccstats as cc
    >>> import pandas as pd
    >>> dialled = pd.DataFrame({"outcome": ["answered", "answered", "abandoned", "failed"], "wait_s": [0.5, 3.0, 4.0, 0.0]})
    >>> dialled = dialled.assign(direction="outbound", queue="sales", disposition=["sale", "wrong person", None, None])
    >>> dialled = dialled.astype({name: "category" for name in ("outcome", "direction", "queue", "disposition")})
    >>> dialled["queued_at"] = pd.Timestamp("2026-03-02T10:00Z")
    >>> found = cc.measure_outbound(dialled, right_party=["sale"]).loc[0]
    >>> [round(float(found[name]), 3) for name in ("connect_rate", "rpc_rate", "dialer_abandonment_rate")]
    [0.75, 0.25, 0.667]
    """
    if not isinstance(within_s, Real) or isinstance(within_s, bool) or not 0 <= within_s < np.inf:
        raise OptionError(f"within_s={within_s!r}: expected seconds from 0, such as 2")
    check_confidence(confidence)
    frame = as_frame(contacts, what="contacts")
    CONTACTS.check(frame, columns=["direction", "queued_at", "outcome", "wait_s"], keys=False)
    frame = frame[(frame["direction"] == "outbound") & (frame["outcome"] != "ignored")].reset_index(drop=True)
    groups = Groups(frame, by, instants=frame["queued_at"], period=period, timezone=timezone, every=every)
    outcome, wait = frame["outcome"].astype("str").to_numpy(), _numbers(frame, "wait_s")
    answered = outcome == "answered"
    picked = np.isin(outcome, ["answered", "abandoned"]) if live is None else _flagged(frame, live, "live")
    right = np.zeros(len(frame), dtype=bool) if right_party is None else _flagged(frame, right_party, "right_party")
    unknown = picked & answered & np.isnan(wait)
    alone = picked & ~unknown & ~(answered & (wait <= within_s))
    attempts, connects = groups.count(), groups.count(picked)
    columns: dict[str, Any] = {"dial_attempts": attempts, "connects": connects}
    columns |= _share("connect_rate", connects, attempts, confidence)
    columns["right_party"] = _where(right_party is not None, groups.count(right))
    columns |= _share("rpc_rate", groups.count(right), attempts if right_party is not None else 0 * attempts, confidence)
    columns |= {"no_agent": groups.count(alone), "wait_unknown": groups.count(unknown)}
    columns |= _share("dialer_abandonment_rate", columns["no_agent"], connects - columns["wait_unknown"], confidence)
    return groups.table(columns)


def _numbers(frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
    return frame[name].to_numpy(dtype="float64", na_value=np.nan) if name in frame else np.full(len(frame), np.nan)


def _where(known: bool, counts: Any) -> Any:
    """Counts, or as many missing ones where the source does not log them."""
    return pd.array(counts if known else [pd.NA] * len(counts), dtype="Int64")


def _share(name: str, met: Any, of: Any, confidence: float) -> dict[str, Any]:
    of = np.asarray(of, dtype="float64")
    chosen = np.where(of > 0, met, 0)
    low, high = wilson_interval(chosen, of, confidence=confidence)
    return {name: np.divide(chosen, of, out=np.full(len(of), np.nan), where=of > 0), f"{name}_low": low, f"{name}_high": high}


def _means(name: str, seconds: Any, ended: Any, groups: Groups, shares: Sequence[float], confidence: float) -> dict[str, Any]:
    found = summarise_durations(seconds, ended, groups.codes, groups=len(groups.keys), shares=shares, confidence=confidence)
    out = {}
    for figure, values in found.items():
        what, _, end = figure.partition("_")
        out[f"{name}{'' if what == 'mean' else '_' + what}_s{'_' + end if end else ''}"] = values
    return out


def _promise(
    asked: pd.Series, promise_s: float | None, promise_working_days: int | None, calendar: Calendar | None
) -> tuple[pd.Series, bool]:
    """The promise that holds where none is logged, and whether it must be met before its instant (True) or at it."""
    if promise_s is not None and promise_working_days is not None:
        raise OptionError(f"promise_s={promise_s!r} and promise_working_days={promise_working_days!r}: give one of them")
    if promise_working_days is not None:
        if calendar is None:
            raise OptionError("promise_working_days= needs calendar=, such as cc.Calendar({'Monday': [('09:00', '17:00')], …})")
        return pd.Series(calendar.after_working_days(asked, promise_working_days), index=asked.index), True
    if promise_s is None:
        return pd.Series(pd.NaT, index=asked.index, dtype=asked.dtype), False
    if not isinstance(promise_s, Real) or isinstance(promise_s, bool) or not 0 <= promise_s < np.inf:
        raise OptionError(f"promise_s={promise_s!r}: expected seconds from 0, such as 86400 for a day")
    return asked + pd.Timedelta(seconds=float(promise_s)), False


def _flagged(frame: pd.DataFrame, words: Words, name: str) -> Flags:
    """Visits with a flag in a column, or with one of the words as their disposition."""
    if isinstance(words, str) and words in frame and pd.api.types.is_bool_dtype(frame[words].dtype):
        return frame[words].fillna(False).to_numpy(dtype=bool)
    if isinstance(words, str) and "disposition" not in frame:
        raise ColumnError(f"{name}={words!r} is no column of flags, and contacts have no column 'disposition'")
    if "disposition" not in frame:
        raise ColumnError(f"{name}= names dispositions, and contacts have no column 'disposition'")
    return frame["disposition"].isin([words] if isinstance(words, str) else list(words)).to_numpy()
