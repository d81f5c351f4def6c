"""What agents did: contacts and handle time, time per state, occupancy, sessions, pauses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import OptionError
from ccstats.intervals.ratios import add_ratios
from ccstats.metrics import METRICS, RATIOS
from ccstats.periods import local_grid
from ccstats.privacy import suppress_small
from ccstats.schema import AGENT_STATES, CONTACTS, STATES, as_frame
from ccstats.service._groups import Groups, alphabetical, columns_of, micros_of

__all__ = ["measure_agents", "measure_pauses"]

_PARTS = ("talk", "hold", "wrap")
_HANDLING = ("att_s", "mean_hold_s", "mean_wrap_s", "aht_s", "hold_rate")


def measure_agents(
    contacts: Any,
    agent_states: Any = None,
    *,
    by: str | Sequence[str] = ("agent",),
    period: str | None = None,
    timezone: str = "UTC",
    every: str = "30min",
    short_talk_s: float = 10.0,
    at_least: int = 0,
    paid_s: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Contacts, handle time, time per state, occupancy and sessions per agent and period.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit.
    agent_states : pandas.DataFrame or Arrow table, optional
        One row a span. Without it, and for groupings that agents' time does not have (``queue``), only what contacts tell is measured.
    by : str or sequence of str
        Group columns, in both tables; none for the whole team.
    period : str, optional
        ``interval``, ``hour``, ``day``, ``week``, ``month``, ``quarter``, ``year``, ``weekday`` or ``slot``; without one, one row a group.
    timezone : str
        The zone whose days count.
    every : str
        Length of an interval or slot, such as ``"15min"``.
    short_talk_s : float
        Answered contacts with no more talk than this are ``short_talks``. [s]
    at_least : int
        Figures of rows with fewer answered contacts than this are blanked, and ``suppressed`` says so. [contacts]
    paid_s : mapping of str to float, optional
        Paid time of each agent over all that is measured, which no log holds. Only per agent and without ``period``. [s]

    Returns
    -------
    pandas.DataFrame
        From contacts, booked where they queued: ``answered, short_talks, total_talk_s, talk_known, …, held``, ``transferred`` where logged,
        and their ratios (``att_s, mean_hold_s, mean_wrap_s, aht_s, aht_parts, hold_rate, transfer_rate``). From agent states, clipped to
        the period: ``logged_in_s`` and seconds per state (``available_s``, …); booked where they began: ``handled, ring_attempts`` and
        ``ring_noanswer`` (ringing that no contact followed; missing where ringing is never logged) and ``sessions`` with
        ``first_login_at`` and ``last_logout_at`` of those that begin or end in the period (a session that the log cuts off has no logout);
        and ``occupancy, occupancy_logged, utilisation_logged, contacts_per_hour, rona_rate``. With ``paid_s`` also ``paid_s`` (missing for
        agents not named) and ``utilisation``. A ratio whose denominator is empty is missing; where no agent states are logged at all,
        everything that comes from them is.

    Raises
    ------
    ColumnError
        If a ``by`` column is in one of the tables only.
    OptionError
        If agent states are to be cut by ``queue``, ``period`` is not known, ``short_talk_s`` is no number of seconds, or ``paid_s`` is no
        mapping to seconds or is given with other groups, a period or no agent states.

    See Also
    --------
    measure_pauses : seconds and counts by reason.
    to_agent_intervals : the same time per state, interval by interval.

    Notes
    -----
    ``answered`` counts visits to queues and adds up to the same count of `measure_service`; contacts whose agent is not logged are in no
    agent's row. ``handled`` counts what agents were on, transfers in and outbound contacts included; a contact taken up again after a hold
    counts once. Occupancy is handling (on contact, hold, wrap-up) over handling plus available time; ringing, pauses and other work stand
    in neither. Utilisation is handling plus available time, over paid time (``utilisation``) or, where that is not known, over logged-in
    time (``utilisation_logged``). Where several phones ring at once, those who were not the first also count as not answering.

    Examples
    --------
    >>> import ccstats as cc
    >>> centre = cc.synthesize_contacts(seed=1)
    >>> agents = cc.measure_agents(centre.contacts, centre.agent_states, period="day", timezone="Europe/London")
    >>> agents["occupancy"].dropna().between(0, 1).all()
    np.True_
    """
    frame = as_frame(contacts, what="contacts")
    CONTACTS.check(frame, columns=["queued_at", "outcome", "talk_s", "hold_s", "wrap_s", "agent"], keys=False)
    names = columns_of(by, frame, what="contacts")
    _check_seconds("short_talk_s", short_talk_s)
    if paid_s is not None:
        _check_paid(paid_s, fits=names == ["agent"] and period is None and agent_states is not None)
    if agent_states is None:
        rows = _answered(frame, names)
        groups = Groups(rows, names, instants=rows["at"], period=period, timezone=timezone, every=every)
        table = add_ratios(groups.table(_from_contacts(rows, groups, short_talk_s)), metrics=_ratios_of(frame))
        return _suppressed(table, at_least, keep=names)
    states = _ordered(agent_states)
    if "queue" in names:
        raise OptionError("agents' time is not logged by queue: leave agent_states out to measure contacts by agent and queue")
    columns_of(names, states, what="agent_states")
    frame, states = _same_categories(frame, states, names)
    parts = [
        _answered(frame, names),
        _pieces(states, names, period=period, timezone=timezone, every=every),
        _begun(states, names),
        _logouts(states, names),
    ]
    keys = pd.concat([part[[*names, "at"]] for part in parts], ignore_index=True)
    groups = Groups(keys, names, instants=keys["at"], period=period, timezone=timezone, every=every)
    answered, pieces, begun, logouts = zip(parts, groups.split([len(part) for part in parts]), strict=True)
    table = add_ratios(groups.table(_from_contacts(*answered, short_talk_s)), metrics=_ratios_of(frame))
    table = table.assign(**_from_states(pieces, begun, logouts))
    table = add_ratios(table, metrics=(*RATIOS["agent_intervals"], "rona_rate"))
    return _suppressed(table if paid_s is None else _with_paid(table, paid_s), at_least, keep=names)


def measure_pauses(
    agent_states: Any,
    *,
    by: str | Sequence[str] = ("agent",),
    period: str | None = None,
    timezone: str = "UTC",
    every: str = "30min",
) -> pd.DataFrame:
    """Pauses by reason, per agent and period: how many, how long, the longest.

    Parameters
    ----------
    agent_states : pandas.DataFrame or Arrow table
        One row a span.
    by : str or sequence of str
        Group columns; none for the whole team.
    period, timezone, every
        As in `measure_agents`.

    Returns
    -------
    pandas.DataFrame
        The ``by`` columns, ``reason`` (missing where none was given), the period, ``pauses`` begun in it, ``pause_s`` spent in it, and
        ``longest_pause_s`` of those begun, each at its whole length. Empty where nobody paused.

    Raises
    ------
    ColumnError
        If a ``by`` column is not there.
    OptionError
        If ``by`` names ``reason``, which is in the result anyway.

    Examples
    --------
    >>> import ccstats as cc
    >>> pauses = cc.synthesize_contacts(seed=1).agent_states.pipe(measure_pauses, by=())
    >>> pauses["pause_s"].ge(0).all()
    np.True_
    """
    states = _ordered(agent_states)
    AGENT_STATES.check(states, columns=["reason"], keys=False)
    names = [*columns_of(by, states, what="agent_states", reserved=("reason",)), "reason"]
    paused = states[states["state"] == "pause"]
    parts = [_pieces(paused, names, period=period, timezone=timezone, every=every), paused[names].assign(at=paused["started_at"])]
    keys = pd.concat([part[[*names, "at"]] for part in parts], ignore_index=True)
    groups = Groups(keys, names, instants=keys["at"], period=period, timezone=timezone, every=every)
    spent, begun = groups.split([len(part) for part in parts])
    return groups.table(
        {
            "pauses": begun.count(),
            "pause_s": spent.total(parts[0]["seconds"].to_numpy()),
            "longest_pause_s": begun.largest(_seconds(paused).to_numpy()),
        }
    )


def _check_seconds(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not float(value) >= 0:
        raise OptionError(f"{name}={value!r}: expected seconds, 0 or more")


def _check_paid(paid_s: Any, *, fits: bool) -> None:
    if not fits:
        raise OptionError("paid_s= is paid time per agent over the whole log: it needs agent_states, by='agent' and no period")
    if not isinstance(paid_s, Mapping):
        raise OptionError(f"paid_s={paid_s!r}: expected a mapping of agents to seconds, such as {{'Ada': 144000.0}}")
    for agent, seconds in paid_s.items():
        if not pd.isna(seconds):
            _check_seconds(f"paid_s[{agent!r}]", seconds)


def _with_paid(table: pd.DataFrame, paid_s: Mapping[str, float]) -> pd.DataFrame:
    paid = table["agent"].astype("str").map(dict(paid_s)).astype("float64")
    # The same time as over the logged-in time, and only the base is another.
    used = table[[column for _, column in METRICS["utilisation_logged"].numerator]].sum(axis=1, skipna=False)
    return table.assign(paid_s=paid, utilisation=(used / paid).where(paid > 0))


def _ratios_of(frame: pd.DataFrame) -> list[str]:
    return [*_HANDLING, *(["transfer_rate"] if "transferred_to" in frame else [])]


def _answered(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """The visits answered by somebody known."""
    rows = frame[((frame["outcome"] == "answered") & frame["agent"].notna()).to_numpy()]
    wanted = dict.fromkeys([*names, "talk_s", "hold_s", "wrap_s", *(["transferred_to"] if "transferred_to" in rows else [])])
    return rows[list(wanted)].assign(at=rows["queued_at"])


def _ordered(agent_states: Any) -> pd.DataFrame:
    states = as_frame(agent_states, what="agent_states")
    AGENT_STATES.check(states, columns=["agent", "started_at", "ended_at", "state", "queue", "contact_id", "closed_by"], keys=False)
    # Where spans begin together the empty one comes first; state and queue only make the order the same every time.
    named = alphabetical(states[["queue", "agent"]]).assign(state=states["state"].cat.set_categories(STATES))
    queue, state, agent = (named[name].cat.codes.to_numpy() for name in ("queue", "state", "agent"))
    keys = (agent, micros_of(states["started_at"]), micros_of(states["ended_at"]), state, queue)
    return states if _in_order(keys) else states.iloc[np.lexsort(keys[::-1])].reset_index(drop=True)


def _in_order(keys: Sequence[np.ndarray]) -> bool:
    """Whether rows are sorted by the first key, where that is the same by the second, and so on."""
    tied = np.ones(max(len(keys[0]) - 1, 0), dtype=bool)
    for key in keys:
        if (tied & (key[1:] < key[:-1])).any():
            return False
        tied &= key[1:] == key[:-1]
    return True


def _same_categories(frame: pd.DataFrame, states: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables with group columns of one dtype, so that their rows can be stacked."""
    for name in names:
        if frame[name].dtype == states[name].dtype:
            continue
        if isinstance(frame[name].dtype, pd.CategoricalDtype) and isinstance(states[name].dtype, pd.CategoricalDtype):
            both = pd.CategoricalDtype(sorted(set(frame[name].cat.categories) | set(states[name].cat.categories)))
            frame, states = (table.assign(**{name: table[name].astype(both)}) for table in (frame, states))
    return frame, states


def _seconds(states: pd.DataFrame) -> pd.Series:
    return (states["ended_at"] - states["started_at"]).dt.total_seconds()


def _pieces(states: pd.DataFrame, names: list[str], *, period: str | None, timezone: str, every: str) -> pd.DataFrame:
    """Spans cut where periods begin."""
    spans = states[names].assign(at=states["started_at"], state=states["state"], seconds=_seconds(states))
    if period is None or states.empty:
        return spans
    step = {"hour": "1h", "interval": every, "slot": every}.get(period, "1D")
    begin, end = micros_of(states["started_at"]), micros_of(states["ended_at"])
    grid = local_grid(states["started_at"].min(), states["ended_at"].max() + pd.Timedelta("1us"), every=step, timezone=timezone)
    edges = micros_of(grid["interval_start"])
    first = np.searchsorted(edges, begin, side="right") - 1
    last = np.maximum(np.searchsorted(edges, end, side="left") - 1, first)
    times = last - first + 1
    span = np.repeat(np.arange(len(states)), times)
    which = np.arange(times.sum()) - np.repeat(np.cumsum(times) - times, times) + first[span]
    from_ = np.maximum(begin[span], edges[which])
    until = np.minimum(end[span], np.append(edges[1:], np.iinfo("int64").max)[which])
    at = pd.DatetimeIndex(from_.view("datetime64[us]")).tz_localize("UTC")
    return spans.iloc[span].assign(at=at, seconds=(until - from_) / 1e6)


def _joined(states: pd.DataFrame) -> np.ndarray:
    """Whether a span begins where the same agent's span before it ended; one entry more than spans, for the end of the last."""
    agent, begin, end = states["agent"].cat.codes.to_numpy(), micros_of(states["started_at"]), micros_of(states["ended_at"])
    within = (agent[1:] == agent[:-1]) & (begin[1:] <= end[:-1])
    return np.concatenate([[False], within, [False]]) if len(states) else np.array([False])


def _begun(states: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Spans by their start, with what began: a session, a contact, a ringing that was answered or not."""
    joined, state, contact = _joined(states), states["state"], states["contact_id"]
    on_contact = (state == "on_contact").to_numpy()
    same = ((contact == contact.shift()) | (contact.isna() & contact.shift().isna())).to_numpy(dtype=bool)
    again = joined[:-1] & same & state.shift().isin(["on_contact", "hold"]).to_numpy()
    return states[names].assign(
        at=states["started_at"],
        login=~joined[:-1],
        taken=on_contact & ~again,
        rang=(state == "reserved").to_numpy(),
        picked_up=joined[1:] & np.append(on_contact[1:], False)[: len(states)],
    )


def _logouts(states: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """The last spans of sessions that the end of the log did not cut off, by their last moment."""
    rows = states[~_joined(states)[1:] & (states["closed_by"] != "end_of_file").to_numpy()]
    return rows[names].assign(at=rows["ended_at"] - pd.Timedelta("1us"), until=rows["ended_at"])


def _from_contacts(rows: pd.DataFrame, groups: Groups, short_talk_s: float) -> dict[str, Any]:
    columns: dict[str, Any] = {"answered": groups.count(), "short_talks": groups.count((rows["talk_s"] <= short_talk_s).to_numpy())}
    for part in _PARTS:
        seconds = rows[f"{part}_s"].to_numpy(dtype="float64")
        known = ~np.isnan(seconds)
        columns[f"{part}_known"] = groups.count(known)
        silent = (columns["answered"] > 0) & (columns[f"{part}_known"] == 0)
        columns[f"total_{part}_s"] = np.where(silent, np.nan, groups.total(seconds, known))
    held = groups.count((rows["hold_s"] > 0).to_numpy())
    columns["held"] = pd.arrays.IntegerArray(held, np.isnan(columns["total_hold_s"]))
    if "transferred_to" in rows:
        columns["transferred"] = groups.count(rows["transferred_to"].notna().to_numpy())
    return columns


def _from_states(*parts: tuple[pd.DataFrame, Groups]) -> dict[str, Any]:
    (pieces, spent), (begun, at_start), (logouts, at_end) = parts

    def count(name: str, *, logged: bool, chosen: np.ndarray | bool = True) -> Any:
        counts = at_start.count(begun[name].to_numpy() & chosen)
        return pd.arrays.IntegerArray(counts, np.full(len(counts), not logged))

    def total(chosen: np.ndarray | None = None) -> np.ndarray:
        return spent.total(pieces["seconds"].to_numpy(), chosen) if len(pieces) else np.full(len(spent.keys), np.nan)

    logged, rings = len(begun) > 0, bool(begun["rang"].any())
    columns: dict[str, Any] = {"handled": count("taken", logged=logged), "logged_in_s": total()}
    columns |= {f"{state}_s": total((pieces["state"] == state).to_numpy()) for state in STATES}
    columns["ring_attempts"] = count("rang", logged=rings)
    columns["ring_noanswer"] = count("rang", logged=rings, chosen=~begun["picked_up"].to_numpy())
    columns["sessions"] = count("login", logged=logged)
    cells = range(len(spent.keys))
    login = begun["login"].to_numpy()
    columns["first_login_at"] = begun["at"][login].groupby(at_start.codes[login]).min().reindex(cells)
    columns["last_logout_at"] = logouts["until"].groupby(at_end.codes).max().reindex(cells)
    return columns


def _suppressed(table: pd.DataFrame, at_least: int, *, keep: list[str]) -> pd.DataFrame:
    if at_least <= 0:
        return table
    out = suppress_small(table, count="answered", at_least=at_least, keep=keep)
    for name in ("first_login_at", "last_logout_at", "aht_parts"):
        if name in out:
            out[name] = out[name].mask(out["suppressed"])
    return out
