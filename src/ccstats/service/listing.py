"""The contacts behind the figures: who was counted, who gave up and what came of it, who was sent where, why nobody answered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, OptionError
from ccstats.periods import WEEKDAYS
from ccstats.schema import CONTACTS, NOT_QUEUED, OUTCOMES, as_frame
from ccstats.service._booking import MEASURES, Seconds, Visits, seconds_added
from ccstats.service._groups import alphabetical, columns_of, micros_of, period_of

__all__ = ["list_abandoned", "list_contacts", "list_ended_by", "list_transfers", "list_unanswered"]


def list_contacts(
    contacts: Any,
    *,
    measure: str = "offered",
    period: str | None = None,
    timezone: str = "UTC",
    every: str = "30min",
    threshold_s: Seconds = None,
    short_s: Seconds = None,
    inclusive: bool = True,
    attribute_by: str = "queued",
    clock: str = "queued",
    **cell: Any,
) -> pd.DataFrame:
    """The visits behind one figure: exactly those that a cell of `measure_service` counted.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit.
    measure : str
        A count, such as ``offered``, ``answered_within``, ``abandoned_short``, ``flowed_out`` or ``held``.
    period, timezone, every, threshold_s, short_s, inclusive, attribute_by, clock
        As the figure was made with `to_intervals` and `measure_service`. [s]
    **cell
        Which cell, by its columns: ``queue="sales"``, ``period_start="2026-03-01"`` (read in ``timezone``), ``weekday="Monday"``,
        ``slot="09:30"``, or any other column of ``contacts``. Columns left out are not restricted.

    Returns
    -------
    pandas.DataFrame
        Rows of ``contacts``, all columns, in their order; its length is the figure. Empty where the figure is 0.

    Raises
    ------
    OptionError
        If ``measure`` is no count, it needs a threshold that is not given, a period's column is named without ``period``, or a value
        names no period (``weekday="Mo"``) or is not one value.
    ColumnError
        If ``contacts`` lacks a column of the cell.

    See Also
    --------
    list_abandoned, list_unanswered

    Examples
    --------
    >>> import ccstats as cc
    >>> contacts = cc.synthesize_contacts(seed=1).contacts
    >>> service = cc.measure_service(cc.to_intervals(contacts, threshold_s=20), by="queue", period="day", timezone="UTC")
    >>> cell = service.loc[0, ["queue", "period_start"]]
    >>> late = cc.list_contacts(contacts, measure="reached_threshold", threshold_s=20, period="day", **cell)
    >>> len(late) == service.loc[0, "reached_threshold"]
    np.True_
    """
    if measure not in MEASURES:
        raise OptionError(f"measure={measure!r} is no count of contacts; choose one of: {', '.join(MEASURES)}")
    frame = as_frame(contacts, what="contacts")
    visits = Visits(frame, threshold_s=threshold_s, short_s=short_s, inclusive=inclusive, attribute_by=attribute_by, clock=clock)
    chosen = visits.counted(measure)
    if period is not None:
        name, values = period_of(visits.booked_at(measure), period=period, timezone=timezone, every=every)
        if name in cell:
            chosen &= np.asarray(values == _period_asked(name, cell.pop(name), timezone), dtype=bool)
    for name, value in cell.items():
        if name in ("period_start", "weekday", "slot"):
            raise OptionError(f"{name}={value!r} names a cell of another period; period={period!r}")
        if name not in frame:
            raise ColumnError(f"{name}={value!r}: contacts has no column {name!r}; it has: {', '.join(map(str, frame.columns))}")
        if not pd.api.types.is_scalar(value):
            raise OptionError(f"{name}={value!r}: expected one value, the one that the cell has")
        chosen &= (frame[name].isna() if pd.isna(value) else frame[name] == value).to_numpy(dtype=bool)
    return frame[chosen].reset_index(drop=True)


def list_abandoned(contacts: Any, *, within: float | str | pd.Timedelta = "1D") -> pd.DataFrame:
    """The abandoned visits and what came of them: whether the customer called again and was answered, and who called back.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit; only with ``customer`` can anybody be followed.
    within : float, str or pandas.Timedelta
        How long after leaving the queue another contact still belongs to it; a number is seconds. [s]

    Returns
    -------
    pandas.DataFrame
        ``contact_id, visit, channel, direction, queue, queued_at, left_at, wait_s, customer`` of every abandoned visit, then
        ``called_again_at`` and ``called_again_after_s`` (the customer's first other inbound contact), ``answered_again`` (whether any of
        those in time was answered), ``called_back_at``, ``called_back_after_s`` and ``called_back_by`` (the first outbound contact with the
        customer and its agent), and ``censored``: the log ends before the time is over, so that silence proves nothing. Where the customer
        is not known, ``answered_again`` is missing.

    Raises
    ------
    OptionError
        If ``within`` is no positive length of time.

    Notes
    -----
    A contact starts where it arrived on the platform or, if that is not logged, joined a queue; refused attempts (blocked) count as calling
    again. A visit whose wait is not known is followed from where it queued.

    Examples
    --------
    >>> import ccstats as cc
    >>> contacts = cc.synthesize_contacts(seed=1).contacts
    >>> abandoned = cc.list_abandoned(contacts, within="4h")
    >>> len(abandoned) == (contacts["outcome"] == "abandoned").sum()
    np.True_
    """
    limit = _length_of(within)
    frame = as_frame(contacts, what="contacts")
    CONTACTS.check(frame, columns=["contact_id", "visit", "direction", "queue", "queued_at", "outcome", "wait_s", "agent"], keys=False)
    frame = frame.assign(
        left_at=seconds_added(frame["queued_at"], frame["wait_s"]),
        started_at=_started_at(frame),
        customer=frame["customer"] if "customer" in frame else pd.Series(pd.NA, index=frame.index, dtype="str"),
        contact=pd.factorize(frame["contact_id"])[0],  # numbers are found faster than texts
    )
    frame["customer_number"] = pd.factorize(frame["customer"])[0]
    shown = ["contact_id", "visit", "channel", "direction", "queue", "queued_at", "left_at", "wait_s", "customer"]
    visits = frame[frame["outcome"] == "abandoned"].reset_index(drop=True)
    once = _one_row_a_contact(frame)
    again = _first_after(visits, once[once["direction"] == "inbound"], limit)
    back = _first_after(visits, once[once["direction"] == "outbound"], limit)
    out = visits[shown]
    log_ends: Any = frame[["started_at", "queued_at", "left_at"]].max(axis=None) if len(frame) else pd.NaT
    return out.assign(
        called_again_at=again["started_at"],
        called_again_after_s=(again["started_at"] - out["left_at"]).dt.total_seconds(),
        answered_again=again["any_answered"].astype("boolean").mask(out["customer"].isna()),
        called_back_at=back["started_at"],
        called_back_after_s=(back["started_at"] - out["left_at"]).dt.total_seconds(),
        called_back_by=back["agent"],
        censored=out["left_at"] + limit > log_ends,
    )


def list_transfers(contacts: Any) -> pd.DataFrame:
    """Who was sent where: the moves between queues, one row for each pair and way.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit.

    Returns
    -------
    pandas.DataFrame
        ``queue``, ``moved_to``, ``way``, ``contacts`` and ``share`` of all moves out of ``queue``. ``moved_to`` is the queue of the
        contact's next visit or, if none followed, the destination that the agent chose (an extension, an outside number). ``way`` is
        ``transferred`` (by the agent who answered; these add up to the count ``transferred``), ``flowed_out`` (left unanswered and queued
        again, whatever the outcome) or ``rejoined`` (answered, no transfer logged, and yet another visit). Empty where nobody moved.

    Notes
    -----
    ``list_transfers(contacts).pivot_table(index="queue", columns="moved_to", values="contacts", aggfunc="sum")`` is the matrix.

    Examples
    --------
    >>> import ccstats as cc
    >>> moves = cc.list_transfers(cc.synthesize_contacts(seed=1).contacts)
    >>> list(moves.columns)
    ['queue', 'moved_to', 'way', 'contacts', 'share']
    """
    frame = as_frame(contacts, what="contacts")
    CONTACTS.check(frame, columns=["contact_id", "visit", "queue", "outcome"], keys=False)
    frame = _candidates(frame[~frame["outcome"].isin(NOT_QUEUED)]).sort_values(["contact_id", "visit"])
    following = frame["queue"].astype("str").groupby(frame["contact_id"].to_numpy()).shift(-1)
    sent = frame["transferred_to"].astype("str") if "transferred_to" in frame else pd.Series(pd.NA, index=frame.index, dtype="str")
    answered = frame["outcome"] == "answered"
    way = np.select([answered & sent.notna(), answered], ["transferred", "rejoined"], "flowed_out")
    moves = pd.DataFrame(
        {"queue": frame["queue"].astype("str"), "moved_to": following.fillna(sent), "way": pd.Series(way, frame.index, dtype="str")}
    )
    moves = moves[moves["moved_to"].notna() & ((way == "transferred") | following.notna())]
    return _with_share(moves.groupby(["queue", "moved_to", "way"]).size().rename("contacts").reset_index(), of=["queue"])


def _candidates(frame: pd.DataFrame) -> pd.DataFrame:
    """The visits that may have moved on: those of contacts with several, and those that were sent on; most are neither."""
    number = pd.factorize(frame["contact_id"])[0]
    several = np.bincount(number + 1)[number + 1] > 1  # a missing id has number -1
    sent = frame["transferred_to"].notna().to_numpy() if "transferred_to" in frame else False
    return frame[several | sent]


def list_unanswered(contacts: Any, *, by: str | Sequence[str] = ("queue",)) -> pd.DataFrame:
    """Why contacts were not answered: outcome and the source's own word, with counts and shares.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit.
    by : str or sequence of str
        Group columns of ``contacts``.

    Returns
    -------
    pandas.DataFrame
        The ``by`` columns, ``outcome``, ``raw_outcome``, ``counted_in`` (the count of ``intervals``), ``contacts``, ``share`` (of the
        group's unanswered) and ``share_of_offered`` (of the group's ``offered - open``; missing for those refused before the queue, which
        are not offered). Most frequent first within a group. Contacts still waiting (``open``) may yet be answered and are left out.

    Raises
    ------
    OptionError
        If ``by`` names a column that stands in the result anyway.
    ColumnError
        If a ``by`` column is not there.

    Examples
    --------
    >>> import ccstats as cc
    >>> reasons = cc.list_unanswered(cc.synthesize_contacts(seed=1).contacts)
    >>> "answered" in set(reasons["outcome"])
    False
    """
    frame = as_frame(contacts, what="contacts")
    CONTACTS.check(frame, columns=["outcome", "raw_outcome"], keys=False)
    names = columns_of(by, frame, what="contacts", reserved=("outcome", "raw_outcome", "counted_in"))
    outcome = frame["outcome"]
    table = alphabetical(frame[names]).assign(base=~outcome.isin([*NOT_QUEUED, "open"]))
    base = table.groupby(names, observed=True, dropna=False)["base"].transform("sum") if names else table["base"].sum()
    table["base"] = np.where(table["base"], base, np.nan)
    left = outcome.isin([word for word, count in OUTCOMES.items() if count and word not in ("answered", "open")])
    table = table[left].assign(**{name: frame.loc[left, name].astype("str") for name in ("outcome", "raw_outcome")})
    table["counted_in"] = table["outcome"].map(OUTCOMES).astype("str")
    keys = [*names, "outcome", "raw_outcome", "counted_in"]
    out = table.groupby(keys, observed=True, dropna=False)["base"].agg(["size", "first"]).reset_index()
    out = _with_share(out.rename(columns={"size": "contacts"}), of=names)
    out["share_of_offered"] = out["contacts"] / out.pop("first")
    return out.sort_values([*names, "contacts"], ascending=[True] * len(names) + [False], kind="stable", ignore_index=True)


def list_ended_by(contacts: Any, *, by: str | Sequence[str] = ("queue",)) -> pd.DataFrame:
    """Who ended the answered contacts: customer, agent, system or unknown, with counts, shares and talk time.

    Parameters
    ----------
    contacts : pandas.DataFrame or Arrow table
        One row a visit.
    by : str or sequence of str
        Group columns of ``contacts``, such as ``queue`` or ``agent``.

    Returns
    -------
    pandas.DataFrame
        The ``by`` columns, ``ended_by``, ``contacts``, ``share`` of the group's answered and ``att_s`` of those whose talk is known.
        What is not logged counts as ``unknown``.

    Raises
    ------
    OptionError
        If ``by`` names ``ended_by`` or ``talk_s``.
    ColumnError
        If the source does not log who hung up, or a ``by`` column is not there.

    Examples
    --------
    >>> import ccstats as cc
    >>> ended = cc.list_ended_by(cc.synthesize_contacts(seed=1).contacts)
    >>> ended.groupby("queue", observed=True)["share"].sum().round(9).eq(1).all()
    np.True_
    """
    frame = as_frame(contacts, what="contacts")
    if "ended_by" not in frame:
        raise ColumnError("who ended the contacts is not logged by this source: there is no column 'ended_by'")
    names = columns_of(by, frame, what="contacts", reserved=("ended_by", "talk_s"))
    frame = frame[frame["outcome"] == "answered"]
    ended_by = frame["ended_by"].astype("category")
    ended_by = ended_by.cat.set_categories(ended_by.cat.categories.union(["unknown"])).fillna("unknown")
    table = alphabetical(frame[[*names, "talk_s"]].assign(ended_by=ended_by))
    out = table.groupby([*names, "ended_by"], observed=True, dropna=False)["talk_s"].agg(["size", "mean"]).reset_index()
    out["ended_by"] = out["ended_by"].astype("str")
    out = _with_share(out.rename(columns={"size": "contacts"}), of=names)
    out["att_s"] = out.pop("mean")
    return out


def _period_asked(name: str, value: Any, timezone: str) -> Any:
    """The value of a period's column, as `period_of` has it."""
    if name == "period_start":
        try:
            at = pd.Timestamp(value)
            return at.tz_localize(timezone) if at.tz is None else at
        except (TypeError, ValueError):
            raise OptionError(f"period_start={value!r} is no instant; give one such as '2026-03-01' or '2026-03-01 09:30'") from None
    if name == "weekday" and value not in WEEKDAYS:
        raise OptionError(f"weekday={value!r}: expected one of {', '.join(WEEKDAYS)}")
    if name == "slot" and not re.fullmatch(r"\d\d:\d\d", str(value)):
        raise OptionError(f"slot={value!r}: expected a time of day such as '09:30'")
    return value


def _length_of(within: float | str | pd.Timedelta) -> pd.Timedelta:
    """A positive length of time; numbers are seconds, where pandas would take nanoseconds."""
    no_unit = isinstance(within, bool) or (isinstance(within, str) and re.fullmatch(r"[\s\d.+-]*", within))
    limit: Any = pd.NaT
    with suppress(TypeError, ValueError, OverflowError):
        limit = pd.NaT if no_unit else pd.Timedelta(float(within), unit="s") if isinstance(within, Real) else pd.Timedelta(within)
    if not limit > pd.Timedelta(0):
        raise OptionError(f"within={within!r} is no positive length of time; give seconds, or a text such as '1D' or '4h'")
    return pd.Timedelta(limit)


def _with_share(table: pd.DataFrame, *, of: list[str]) -> pd.DataFrame:
    total = table.groupby(of, observed=True, dropna=False)["contacts"].transform("sum") if of else table["contacts"].sum()
    return table.assign(share=table["contacts"] / total)


def _started_at(frame: pd.DataFrame) -> pd.Series:
    return frame["arrived_at"].fillna(frame["queued_at"]) if "arrived_at" in frame else frame["queued_at"]


def _one_row_a_contact(frame: pd.DataFrame) -> pd.DataFrame:
    """Contacts of known customers in the order of customer and start: whether anybody answered, and who was first to."""
    frame = frame[(frame["customer_number"] >= 0) & frame["started_at"].notna()].sort_values(["started_at", "visit"], kind="stable")
    once = frame.drop_duplicates("contact")[["contact", "customer_number", "direction", "started_at"]]
    agents = frame[frame["outcome"] == "answered"].drop_duplicates("contact").set_index("contact")["agent"]
    once = once.assign(answered=once["contact"].isin(agents.index), agent=agents.reindex(once["contact"]).array)
    return once.sort_values(["customer_number", "started_at"], kind="stable")


def _first_after(visits: pd.DataFrame, others: pd.DataFrame, limit: pd.Timedelta) -> pd.DataFrame:
    """For every visit the customer's first other contact that starts in time after it: start, agent, and whether any was answered."""
    starts, left, until = (micros_of(each) for each in (others["started_at"], visits["left_at"], visits["left_at"] + limit))
    # One sorted number for (customer, start) turns the search for all visits into two binary searches.
    times = np.unique(starts)
    width = len(times) + 1
    keys = others["customer_number"].to_numpy() * width + np.searchsorted(times, starts)
    customer = visits["customer_number"].to_numpy()
    low = np.searchsorted(keys, customer * width + np.searchsorted(times, left))
    high = np.searchsorted(keys, customer * width + np.searchsorted(times, until, side="right"))
    high = np.where(customer < 0, low, high)
    own = pd.Index(others["contact"]).get_indexer(visits["contact"])
    # Answered contacts up to each place: their difference counts those in time, of which the visit's own is none.
    answered = others["answered"].to_numpy(dtype="int64")
    total = np.concatenate([[0], np.cumsum(answered)])
    inside = (own >= low) & (own < high)
    mine = np.append(answered, 0)[np.where(inside, own, -1)]
    first = np.where(own == low, low + 1, low)
    found = others[["started_at", "agent"]].reset_index(drop=True).reindex(np.where(first < high, first, -1)).reset_index(drop=True)
    return found.assign(any_answered=total[high] - total[low] - mine > 0)
