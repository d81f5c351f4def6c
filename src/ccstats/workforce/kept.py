"""A schedule laid over what agents did: pieces of time in which neither changes, and the rules by which they agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError, TableError
from ccstats.periods import PERIODS, check_timezone, local_grid, period_start
from ccstats.schema import AGENT_STATES, as_frame

__all__ = ["ON_QUEUE", "check_schedule", "cut_at", "lay_over", "mark"]

#: What serving queues is called, in schedules and in what agents did.
ON_QUEUE = "on_queue"
#: States in which an agent serves the queues; `pause` is told apart by its reason.
_SERVING = ("available", "reserved", "on_contact", "hold", "wrap")


def check_schedule(schedule: Any) -> pd.DataFrame:
    """The schedule with ``agent, started_at, ended_at, activity, paid``, sorted, checked.

    Raises
    ------
    TableError
        If a column is missing, an instant has no zone or is missing, a row ends before it starts, ``paid`` is no truth value, or two rows
        of an agent overlap.

    Examples
    --------
    >>> nine = pd.Timestamp("2024-03-01 09:00", tz="UTC")
    >>> row = {"agent": "Ada", "started_at": nine, "ended_at": nine + pd.Timedelta("8h")}
    >>> check_schedule(pd.DataFrame([row]))[["activity", "paid"]].values.tolist()
    [['on_queue', True]]
    """
    frame = as_frame(schedule, what="schedule").copy()
    missing = [name for name in ("agent", "started_at", "ended_at") if name not in frame]
    if missing:
        raise TableError(
            f"schedule: no column {', '.join(missing)}; a schedule has agent, started_at, ended_at, and activity ('on_queue', 'break', …) "
            "where not all of it is on queue"
        )
    for name in ("started_at", "ended_at"):
        if not isinstance(frame[name].dtype, pd.DatetimeTZDtype):
            raise TableError(f"schedule: {name} is {frame[name].dtype}; expected instants with a time zone")
        frame[name] = frame[name].dt.tz_convert("UTC").dt.as_unit("us")
    bad = (frame["agent"].isna() | frame["started_at"].isna() | frame["ended_at"].isna()).to_numpy()
    if bad.any():
        raise TableError(f"schedule: agent, started_at or ended_at is missing in {_rows(frame, bad)}")
    bad = (frame["ended_at"] <= frame["started_at"]).to_numpy()
    if bad.any():
        raise TableError(f"schedule: ended_at is not after started_at in {_rows(frame, bad)}")
    frame["agent"] = frame["agent"].astype("str")
    given = frame["activity"].astype("str") if "activity" in frame else pd.Series(ON_QUEUE, index=frame.index)
    frame["activity"] = given.fillna(ON_QUEUE)
    frame["paid"] = _paid(frame) if "paid" in frame else True
    order = frame.sort_values(["agent", "started_at"], kind="stable")
    over = ((order["agent"] == order["agent"].shift()) & (order["started_at"] < order["ended_at"].shift())).to_numpy()
    if over.any():
        raise TableError(
            f"schedule: {_rows(order, over)} begins before the same agent's row before it has ended; an agent does one thing at a time"
        )
    return order.reset_index(drop=True)


def _paid(frame: pd.DataFrame) -> pd.Series:
    """Whether each row is paid; paid where it does not say."""
    known = frame["paid"].isin([True, False]) | frame["paid"].isna()
    if not known.all():
        bad = ~known.to_numpy()
        raise TableError(f"schedule: paid is {frame.loc[bad, 'paid'].iloc[0]!r} in {_rows(frame, bad)}; expected True or False")
    return ~frame["paid"].isin([False])


def _rows(frame: pd.DataFrame, mask: np.ndarray) -> str:
    places = frame.index[mask]
    shown = ", ".join(str(place) for place in places[:5])
    agents = ", ".join(map(repr, frame.loc[places[:5], "agent"].astype("str").unique()))
    return f"row{'s' if len(places) > 1 else ''} {shown}{', …' if len(places) > 5 else ''} ({agents})"


def lay_over(
    schedule: pd.DataFrame, agent_states: Any, reasons: Mapping[str, str] | None, covered: tuple[Any, Any] | None = None
) -> pd.DataFrame:
    """Pieces of each agent's time in which neither plan nor doing changes.

    Parameters
    ----------
    schedule : pandas.DataFrame
        As `check_schedule` gives it.
    agent_states : pandas.DataFrame or Arrow table
        `agent_states`; of spans of one agent that overlap, the later one counts from where it begins.
    reasons : mapping of str to str, optional
        What a pause's reason is called in the schedule.
    covered : (instant, instant), optional
        From when to when the log tells what agents did; by default from its first to its last moment.

    Returns
    -------
    pandas.DataFrame
        ``agent, started_at, ended_at, planned, paid, actual, block``: ``planned`` and ``actual`` are missing where nothing was planned or
        the agent was logged out, ``block`` numbers stretches of the schedule without a gap, -1 outside. Only scheduled time and time on
        queue is there, and only what the log covers.

    Examples
    --------
    >>> nine = pd.Timestamp("2024-03-01 09:00", tz="UTC")
    >>> hour = pd.DataFrame({"agent": ["Ada"], "started_at": nine, "ended_at": nine + pd.Timedelta("1h")})
    >>> states = AGENT_STATES.conform(pd.DataFrame({"agent": ["Ada"], "started_at": nine + pd.Timedelta("10min"),
    ...     "ended_at": nine + pd.Timedelta("70min"), "state": "available", "reason": None, "queue": None, "contact_id": None,
    ...     "closed_by": "event"}))
    >>> lay_over(check_schedule(hour), states, None)["planned"].tolist()
    ['on_queue', nan]
    """
    states = as_frame(agent_states, what="agent_states")
    AGENT_STATES.check(states, columns=["agent", "started_at", "ended_at", "state", "reason"])
    if reasons is not None and not isinstance(reasons, Mapping):
        raise OptionError(f"reasons={reasons!r}: expected a mapping from reasons of pauses to activities, such as {{'lunch': 'break'}}")
    done = pd.DataFrame(
        {
            "agent": states["agent"].astype("str"),
            "started_at": states["started_at"],
            "ended_at": states["ended_at"],
            "activity": _activity(states, dict(reasons or {})),
        }
    )
    done = done[done["ended_at"] > done["started_at"]].sort_values(["agent", "started_at"], kind="stable")
    following = done.groupby("agent")["started_at"].shift(-1)
    done["ended_at"] = done["ended_at"].where(~(done["ended_at"] > following), following)
    done = done[done["ended_at"] > done["started_at"]]

    apart = (schedule["agent"] != schedule["agent"].shift()) | (schedule["started_at"] > schedule["ended_at"].shift())
    plan = schedule.assign(block=apart.cumsum() - 1)
    ends = [
        frame[["agent", name]].set_axis(["agent", "started_at"], axis=1) for frame in (plan, done) for name in ("started_at", "ended_at")
    ]
    pieces = pd.concat(ends).drop_duplicates().sort_values(["started_at", "agent"], kind="stable", ignore_index=True)
    pieces["ended_at"] = pieces.groupby("agent")["started_at"].shift(-1)
    pieces = pieces[pieces["ended_at"].notna()].reset_index(drop=True)
    for frame, names in ((plan, {"activity": "planned", "paid": "paid", "block": "block"}), (done, {"activity": "actual"})):
        spans = frame[["agent", "started_at", "ended_at", *names]].rename(columns={"ended_at": "_end", **names}).sort_values("started_at")
        found = pd.merge_asof(pieces[["agent", "started_at"]], spans, on="started_at", by="agent")
        inside = (found["_end"] > pieces["started_at"]).to_numpy(dtype=bool)
        for name in names.values():
            pieces[name] = found[name].where(inside)
    first, last = _covered(covered) if covered is not None else (done["started_at"].min(), done["ended_at"].max())
    pieces = pieces.iloc[:0] if first is pd.NaT else pieces
    start, end = pieces["started_at"], pieces["ended_at"]
    pieces = pieces.assign(started_at=start.where(start >= first, first), ended_at=end.where(end <= last, last))
    pieces = pieces[pieces["ended_at"] > pieces["started_at"]]
    there = pieces["planned"].notna() | (pieces["actual"] == ON_QUEUE)
    pieces = pieces[there].sort_values(["agent", "started_at"], kind="stable", ignore_index=True)
    return pieces.assign(
        planned=pieces["planned"].astype("str"),
        actual=pieces["actual"].astype("str"),
        paid=pieces["paid"].eq(True),
        block=pieces["block"].fillna(-1).astype("int64"),
    )


def _covered(covered: Any) -> tuple[pd.Timestamp, pd.Timestamp]:
    try:
        first, last = (pd.Timestamp(each).tz_convert("UTC") for each in covered)
    except (TypeError, ValueError):
        raise OptionError(f"covered={covered!r}: expected two instants with a time zone, from when to when the log tells") from None
    if not first < last:
        raise OptionError(f"covered={covered!r}: the second instant is not after the first")
    return first, last


def _activity(states: pd.DataFrame, reasons: dict[str, str]) -> pd.Series:
    state, reason = states["state"].astype("str"), states["reason"].astype("str")
    why = reason.map(reasons).astype("str").fillna(reason).fillna("pause")
    return pd.Series(np.where(state.isin(_SERVING), ON_QUEUE, np.where(state == "pause", why, "other")), index=states.index, dtype="str")


def mark(pieces: pd.DataFrame, *, on_queue: Sequence[str], match: str, tolerance_s: float) -> pd.DataFrame:
    """Whether each piece is as planned: ``kept``, and for scheduled pieces that are not, ``kind`` of exception and ``run``.

    Parameters
    ----------
    pieces : pandas.DataFrame
        As `lay_over` gives them.
    on_queue : sequence of str
        Activities of the schedule in which queues are served.
    match : {"time", "activity"}
        ``time``: on queue when that was planned, not on queue when something else was. ``activity``: and doing just what was planned.
    tolerance_s : float
        A run of exceptions of one kind that is not longer counts as kept. [s]

    Examples
    --------
    >>> mark(pd.DataFrame(), on_queue=["on_queue"], match="half", tolerance_s=0)
    Traceback (most recent call last):
    ccstats.errors.OptionError: match='half': expected 'time' or 'activity'
    """
    if match not in ("time", "activity"):
        raise OptionError(f"match={match!r}: expected 'time' or 'activity'")
    if not isinstance(tolerance_s, Real) or isinstance(tolerance_s, bool) or not 0 <= float(tolerance_s) < np.inf:
        raise OptionError(f"tolerance_s={tolerance_s!r}: expected a number of seconds, 0 or more")
    words = [on_queue] if isinstance(on_queue, str) else list(on_queue)
    if len(pieces) and not pieces["planned"].isin(words).any():
        there = ", ".join(map(repr, sorted(pieces["planned"].dropna().unique())[:10]))
        raise OptionError(f"on_queue={words!r}: no row of the schedule that the log covers is of these; its activities are {there}")
    planned_on, serving = pieces["planned"].isin(words), pieces["actual"] == ON_QUEUE
    scheduled = pieces["planned"].notna()
    kept = scheduled & (planned_on == serving)
    if match == "activity":
        kept &= planned_on | (pieces["planned"] == pieces["actual"]) | pieces["actual"].isna()
    pieces = pieces.assign(planned_on=planned_on, serving=serving, scheduled=scheduled, kept=kept)
    pieces["kind"] = _kinds(pieces)
    again = (
        (pieces["kind"] == pieces["kind"].shift())
        & (pieces["agent"] == pieces["agent"].shift())
        & (pieces["started_at"] == pieces["ended_at"].shift())
        & (pieces["planned"].fillna("") == pieces["planned"].shift().fillna(""))
        & (pieces["actual"].fillna("") == pieces["actual"].shift().fillna(""))
    )
    pieces["run"] = (~again).cumsum()
    seconds = (pieces["ended_at"] - pieces["started_at"]).dt.total_seconds()
    forgiven = (seconds.groupby(pieces["run"]).transform("sum") <= float(tolerance_s)) & scheduled
    return pieces.assign(kept=kept | forgiven, kind=pieces["kind"].where(~forgiven))


def _kinds(pieces: pd.DataFrame) -> pd.Series:
    """What sort of exception a piece is; missing where it is none."""
    blocks = pieces[pieces["scheduled"]].groupby("block")
    first, last = blocks["started_at"].min(), blocks["ended_at"].max()
    away = pieces["planned_on"] & pieces["actual"].isna()
    # Where in the block somebody first and last was there.
    seen = pieces[pieces["scheduled"] & pieces["actual"].notna()].groupby("block")
    came, went = (each.reindex(pieces["block"]).set_axis(pieces.index) for each in (seen["started_at"].min(), seen["ended_at"].max()))
    kind = pd.Series(None, index=pieces.index, dtype="str")
    kind = kind.mask(pieces["planned_on"] & ~pieces["serving"], "off_queue")
    kind = (
        kind.mask(away, "away").mask(away & (pieces["ended_at"] <= came), "late").mask(away & (pieces["started_at"] >= went), "left_early")
    )
    kind = kind.mask(away & came.isna() & pieces["block"].isin(first.index) & pieces["block"].isin(last.index), "absent")
    kind = kind.mask(pieces["scheduled"] & ~pieces["planned_on"] & pieces["serving"], "worked_through")
    kind = kind.mask(pieces["scheduled"] & ~pieces["planned_on"] & ~pieces["serving"] & ~pieces["kept"], "other_activity")
    return kind.mask(~pieces["scheduled"] & pieces["serving"], "outside")


def cut_at(pieces: pd.DataFrame, period: str | None, timezone: str, every: str) -> pd.DataFrame:
    """The pieces cut at the starts of periods, with ``period_start``; as they are without a period.

    Examples
    --------
    >>> at = pd.to_datetime(["2024-03-01 09:00", "2024-03-01 10:00"], utc=True)
    >>> pieces = pd.DataFrame({"started_at": at[[0]], "ended_at": at[[1]]})
    >>> len(cut_at(pieces, "interval", "UTC", "15min"))
    4
    """
    check_timezone(timezone)
    if period is None:
        return pieces
    if period != "interval" and period not in PERIODS:
        raise OptionError(f"period={period!r} is not known; choose one of: interval, {', '.join(PERIODS)}")
    if not len(pieces):
        return pieces.assign(period_start=pd.Series([], dtype=f"datetime64[us, {timezone}]"))
    grid = local_grid(
        pieces["started_at"].min(), pieces["ended_at"].max(), every=every if period == "interval" else "15min", timezone=timezone
    )
    starts = pd.DatetimeIndex(grid["interval_start"])
    if period != "interval":
        starts = pd.DatetimeIndex(period_start(starts, period=period, timezone=timezone)).unique().tz_convert("UTC")
    edges = starts.as_unit("us").asi8
    begin, end = (pd.DatetimeIndex(pieces[name]).as_unit("us").asi8 for name in ("started_at", "ended_at"))
    low, high = np.searchsorted(edges, begin, "right") - 1, np.searchsorted(edges, end, "left") - 1
    many = high - low + 1
    rows = np.repeat(np.arange(len(pieces)), many)
    place = low[rows] + np.arange(len(rows)) - np.repeat(np.cumsum(many) - many, many)
    upper = np.append(edges[1:], np.iinfo("int64").max)
    out = pieces.iloc[rows].reset_index(drop=True)
    instants = [np.maximum(begin[rows], edges[place]), np.minimum(end[rows], upper[place])]
    for name, micros in zip(("started_at", "ended_at"), instants, strict=True):
        out[name] = pd.to_datetime(micros, unit="us", utc=True)
    return out.assign(period_start=starts[place].tz_convert(timezone))
