"""Was it settled the first time? First contact resolution by repeat window and by disposition, repeats, and the contacts behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ccstats.errors import OptionError
from ccstats.satisfaction._cells import Cells, Clusters, columns_of, divide, keys_of, micros_of, share_of, span_of
from ccstats.satisfaction._joined import Joined, Words, flagged, join_visits, key_columns, order_within, owners
from ccstats.schema import CONTACTS, as_frame
from ccstats.spc.proportions import check_confidence

__all__ = ["list_repeats", "measure_resolution", "resolution_sums"]

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_NEEDED = ("contact_id", "visit", "direction", "queued_at", "outcome", "wait_s")
_LONGEST = 3653


@dataclass(frozen=True)
class _Chains:
    """Answered contacts, those of one issue next to each other in time, and whether each continues and is continued."""

    frame: pd.DataFrame
    joined: Joined
    places: Ints  # places in ``joined`` of the answered
    customer: Ints
    follows: Flags
    followed: Flags
    window_over: Flags
    looked_back: Flags

    @property
    def rows(self) -> Ints:
        return self.joined.row[self.places]

    @property
    def begun(self) -> pd.Series:
        return _instants(self.joined.begun[self.places])


def measure_resolution(
    contacts: Any,
    *,
    window_days: float = 7,
    key: str | Sequence[str] = ("customer", "reason"),
    by: str | Sequence[str] = (),
    period: str | None = None,
    timezone: str | None = None,
    resolved: Words | None = None,
    not_resolvable: Words | None = None,
    direction: str | None = "inbound",
    observed: tuple[Any, Any] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """First contact resolution and repeats: which customers had to come again about the same thing.

    Parameters
    ----------
    contacts : pandas.DataFrame, Arrow table, or a `scan`
        One row a visit, with ``customer``. The visits of a contact are joined; a contact counts if anyone answered it. Of a scan of files
        the contacts of each customer are brought together in temporary files, some customers in each, which are counted one by one.
    window_days : float
        A contact continues an issue if it begins no later than this after the end of the contact before. [days]
    key : str or sequence of str
        What makes two contacts the same issue: ``customer``, and columns such as ``reason``. A column that the source never logs is left
        out, with a warning.
    by : str or sequence of str
        Group columns of ``contacts``. A contact belongs to the group of its first answered visit, an issue to that of its first contact.
    period : str, optional
        ``hour``, ``day``, ``week`` or ``month`` in which the contact began; without one, one row a group.
    timezone : str, optional
        The zone whose days count; needed with ``period``.
    resolved : str, set or mapping, optional
        How ``fcr_gross`` and ``fcr_net`` know that a contact was resolved: a column of flags, a set of words looked up in ``reason`` and
        ``disposition``, or a mapping of columns to words. By default from the window: nobody came again.
    not_resolvable : str, set or mapping, optional
        Contacts that nobody can resolve at first level, given in the same way. Without it ``fcr_net`` is missing.
    direction : str, optional
        Which contacts count; None for all.
    observed : (instant, instant), optional
        From when to when the data reach; by default from the first to the last contact in the table, answered or not.
    confidence : float
        Of the limits, between 0 and 1.

    Returns
    -------
    pandas.DataFrame
        One row a group and period in which a contact was answered:

        ``issues`` whose first contact's window is over, and ``fcr_window``, the share of them with one contact;
        ``contacts`` of known customers whose window is over, ``fcr_window_contacts``, the share of them that neither follows nor is
        followed, and ``not_followed_rate``, the share that is not followed, whether it follows or not;
        ``inbound_contacts``, which are these and those of unknown customers, and ``fcr_gross``, issues resolved at first contact
        per inbound contact; ``resolvable_contacts`` and ``fcr_net``, the same without ``not_resolvable`` contacts
        (0 and missing without that argument);
        ``lookback_contacts``, contacts of known customers that began at least one window after the data begin, ``repeat_contacts``, those
        of them that follow another, and ``repeat_rate``. Each share with ``_low`` and ``_high``.

        Counted apart: ``censored`` issues and ``censored_contacts``, whose window is not over where the data end; ``no_customer``, answered
        contacts of unknown customers, which are in no issue and never resolved; ``unknown_resolution``, contacts whose ``resolved`` is
        missing (0 without ``resolved``), which are in neither ``fcr_gross`` nor ``fcr_net``; ``returned_after_resolved``, the share of
        issues marked as resolved at first contact, window over, whose customer came again (missing without ``resolved``).

        A share of nothing is missing. An empty table gives an empty one, or one row of zeros where there is nothing to group by.

    Raises
    ------
    OptionError
        If the window is not above 0, ``key`` lacks ``customer``, or another argument has no such value.
    ColumnError
        If ``customer``, a ``by`` column or a column of flags is not there.
    TableError
        If a column has the wrong type, or a visit stands there twice.
    ZoneError
        If the zone is unknown, or ``period`` is given without one.

    Warns
    -----
    DataWarning
        If a column of ``key`` is not logged, or (but for a scan) no row has any of the words given.

    See Also
    --------
    list_repeats : the contacts behind the figures.
    measure_returns_after_abandon : who comes again after giving up.

    Notes
    -----
    Contacts of one key are put in order of time. One that begins within the window after the end of the contact just before continues its
    issue, so that an issue may last longer than one window. Unanswered attempts neither make nor continue an issue. A transfer is part of
    the same contact and does not count against it. A missing ``reason`` is a reason of its own.

    A longer window never raises the number of issues with one contact, ``fcr_window_contacts`` of the same contacts, or lowers the number
    of repeats. It can raise ``fcr_window``: two issues of two contacts each become one of four. Compare windows by the former.

    An issue is left out while its *first* contact's window is open, whether somebody has come again or not: to leave out only those with
    one contact would keep the failures and lose the successes. Where the data begin, a contact that looks like the first may be a repeat
    of one before; contacts of the first window are therefore left out of the repeat rate, but not of resolution, which is a little too
    good there. Give a log that begins one window earlier, or read the periods from the second window on.

    ``resolved`` says what agents marked, not what customers found: ``returned_after_resolved`` is the price of believing it.

    The limits are Wilson's. Contacts of one customer are not independent, so that the number of contacts is divided by the design effect,
    the variance of the ratio linearised by customers over that of independent contacts (Cochran 1977, Sampling Techniques, 9.3 and 2.11).

    References
    ----------
    Gross and net: J. Rumburg, MetricNet, "First call resolution metrics: gross vs net FCR". Issue and contact based: "Call center FCR",
    callcenterdecoded.com, whose example is below.

    Examples
    --------
    Tom called once, Jane twice, Bob once, each about one thing:

    >>> import pandas as pd
    >>> import ccstats as cc
    >>> start = pd.Timestamp("2025-03-03T09:00Z")
    >>> calls = cc.schema.CONTACTS.conform(
    ...     pd.DataFrame({"contact_id": ["1", "2", "3", "4"], "visit": 1, "direction": "inbound", "outcome": "answered", "wait_s": 5.0,
    ...                   "queued_at": pd.date_range(start, periods=4, freq="h"), "customer": ["Tom", "Jane", "Jane", "Bob"]}))
    >>> found = cc.measure_resolution(calls, key="customer", observed=(start, start + pd.Timedelta(days=30)))
    >>> found[["issues", "contacts", "fcr_window_contacts"]].values.tolist(), round(float(found["fcr_window"][0]), 4)
    ([[3.0, 4.0, 0.5]], 0.6667)
    """
    check_confidence(confidence)
    how: dict[str, Any] = {
        "window_days": window_days, "key": key, "by": by, "period": period, "timezone": timezone, "resolved": resolved,
        "not_resolvable": not_resolvable, "direction": direction, "observed": observed,
    }  # fmt: skip
    if hasattr(contacts, "map_partitions"):
        from ccstats.satisfaction._scanned_resolution import scanned_sums

        return _shares(*scanned_sums(contacts, how), confidence=confidence)
    return _shares(*resolution_sums(contacts, **how), confidence=confidence)


def resolution_sums(
    contacts: Any,
    *,
    window_days: float,
    key: str | Sequence[str],
    by: str | Sequence[str],
    period: str | None,
    timezone: str | None,
    resolved: Words | None,
    not_resolvable: Words | None,
    direction: str | None,
    observed: Any,
) -> tuple[pd.DataFrame, dict[str, NDArray[Any]]]:
    """Cells, and what `measure_resolution` counts in them; of tables that share no customer and no contact it may be added.

    A share is five sums, ``name 0`` to ``name 4`` (`Clusters.moments`).

    Examples
    --------
    >>> import ccstats as cc
    >>> how = {"window_days": 7, "key": "customer", "by": (), "period": None, "timezone": None, "resolved": None}
    >>> contacts = cc.read(cc.sample_log(), key="our secret").contacts
    >>> cells, sums = resolution_sums(contacts, **how, not_resolvable=None, direction="inbound", observed=None)
    >>> len(cells), int(sums["fcr_window 1"][0]) == int(sums["issues"][0])
    (1, True)
    """
    chains = _chain(contacts, window_days=window_days, key=key, direction=direction, observed=observed)
    frame, known = chains.frame, chains.customer >= 0
    cells = Cells(
        keys_of(
            frame[columns_of(by, frame, what="contacts")].iloc[chains.rows],
            by,
            instants=chains.begun,
            period=period,
            timezone=timezone,
            what="contacts",
        )
    )
    first, single, over = known & ~chains.follows, known & ~chains.follows & ~chains.followed, chains.window_over
    # A contact of nobody known is a cluster of its own.
    cluster = np.where(known, chains.customer, np.arange(len(known)) + int(chains.customer.max(initial=-1)) + 1)
    clusters = Clusters(cells.codes, cluster, len(cells))
    sums: dict[str, NDArray[Any]] = {}

    def share(name: str, met: Flags, counted: Flags) -> None:
        moments = clusters.moments((met & counted).astype("float64"), counted.astype("float64"))
        sums.update({f"{name} {place}": each for place, each in enumerate(moments)})

    marked, marked_known = single, over
    again = counted_again = np.zeros(len(known), dtype=bool)
    if resolved is not None:
        hit, told = (chains.joined.any(each)[chains.places] for each in flagged(frame, resolved, name="resolved"))
        marked, marked_known = first & hit, told | ~known
        again, counted_again = marked & over & chains.followed, marked & over
    sums["issues"] = cells.count(first & over)
    sums["contacts"] = cells.count(known & over)
    share("fcr_window", single, first & over)
    share("fcr_window_contacts", single, known & over)
    share("not_followed_rate", ~chains.followed, known & over)
    sums["inbound_contacts"] = cells.count(marked_known)
    share("fcr_gross", marked, marked_known)
    possible = np.zeros(len(known), dtype=bool)
    if not_resolvable is not None:
        possible = marked_known & ~chains.joined.any(flagged(frame, not_resolvable, name="not_resolvable")[0])[chains.places]
    sums["resolvable_contacts"] = cells.count(possible)
    share("fcr_net", marked, possible)
    back = known & chains.looked_back
    sums["lookback_contacts"] = cells.count(back)
    sums["repeat_contacts"] = cells.count(chains.follows & back)
    share("repeat_rate", chains.follows, back)
    sums["censored"] = cells.count(first & ~over)
    sums["censored_contacts"] = cells.count(known & ~over)
    sums["no_customer"] = cells.count(~known)
    sums["unknown_resolution"] = cells.count(~marked_known) if resolved is not None else np.zeros(len(cells), dtype="int64")
    sums["returned"], sums["returned_of"] = cells.count(again), cells.count(counted_again)
    return cells.keys, sums


def _shares(cells: pd.DataFrame, sums: dict[str, NDArray[Any]], *, confidence: float) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for column in sums:
        name, _, place = column.partition(" ")
        if not place:
            columns[name] = sums[name]
        elif place == "0":
            found = share_of([sums[f"{name} {each}"] for each in range(5)], confidence=confidence)
            columns |= dict(zip((name, f"{name}_low", f"{name}_high"), found, strict=True))
    columns["returned_after_resolved"] = divide(columns.pop("returned"), columns.pop("returned_of"))
    return cells.assign(**columns)


def list_repeats(
    contacts: Any,
    *,
    window_days: float = 7,
    key: str | Sequence[str] = ("customer", "reason"),
    direction: str | None = "inbound",
) -> pd.DataFrame:
    """Every answered contact that continues an issue, beside the contact that it follows.

    Parameters
    ----------
    contacts, window_days, key, direction
        As for `measure_resolution`.

    Returns
    -------
    pandas.DataFrame
        ``contact_id``; the key columns; ``started_at``; ``number``, its place in the issue (2 or more); ``previous_contact_id``;
        ``gap_s`` from the end of that contact to the start of this one (0 where they overlap); and, where the table has them, ``queue``,
        ``agent`` and ``previous_queue``, ``previous_agent``, of the first answered visits; sorted by ``contact_id``. Without a repeat the
        table is empty.

    Raises
    ------
    OptionError, ColumnError, TableError
        As `measure_resolution` does.

    Examples
    --------
    >>> import ccstats as cc
    >>> log = cc.read(cc.sample_log(), key="our secret")
    >>> repeats = cc.list_repeats(log.contacts, key="customer")
    >>> bool((repeats["gap_s"] <= 7 * 86400).all()), int(repeats["number"].min())
    (True, 2)
    """
    if hasattr(contacts, "map_partitions"):
        from ccstats.satisfaction._scanned_resolution import scanned_repeats

        return scanned_repeats(contacts, {"window_days": window_days, "key": key, "direction": direction})
    chains = _chain(contacts, window_days=window_days, key=key, direction=direction, observed=None)
    frame, rows = chains.frame, chains.rows
    names = [name for name in ([key] if isinstance(key, str) else key) if name in frame]
    number = _numbers(chains)
    these = np.flatnonzero(chains.follows)
    those = these - 1
    gap = chains.joined.begun[chains.places[these]] - chains.joined.over[chains.places[those]]
    this, that = (frame.iloc[rows[each]].reset_index(drop=True) for each in (these, those))
    out = {
        "contact_id": this["contact_id"],
        **{name: this[name] for name in dict.fromkeys(names)},
        "started_at": chains.begun.iloc[these].array,
        "number": number[these],
        "previous_contact_id": that["contact_id"],
        "gap_s": np.maximum(gap, 0) / 1e6,
    }
    for name in ("queue", "agent"):
        if name in frame:
            out |= {name: this[name], f"previous_{name}": that[name]}
    return pd.DataFrame(out).sort_values("contact_id", kind="stable", ignore_index=True)


def _chain(contacts: Any, *, window_days: float, key: str | Sequence[str], direction: str | None, observed: Any) -> _Chains:
    number = isinstance(window_days, int | float | np.number) and not isinstance(window_days, bool)
    if not number or not 0 < window_days <= _LONGEST:
        raise OptionError(f"window_days={window_days!r}: give days above 0 and up to {_LONGEST}, such as 7")
    frame = as_frame(contacts, what="contacts")
    names = key_columns(frame, key)
    CONTACTS.check(frame, columns=[*_NEEDED, *(name for name in ("talk_s", "hold_s") if name in frame)], keys=False)
    joined = join_visits(frame, direction=direction)
    low, high = span_of(observed, _instants(np.concatenate([joined.begun, joined.over])))
    window = round(float(window_days) * 86_400e6)
    at = np.flatnonzero(joined.answered)
    owner, customer = owners(frame, joined.row[at], names)
    order = order_within(owner, joined.begun[at], frame["contact_id"], joined.row[at])
    at, owner, customer = at[order], owner[order], customer[order]
    begun, over = joined.begun[at], joined.over[at]
    linked = (owner[1:] == owner[:-1]) & (owner[1:] >= 0) & (begun[1:] - over[:-1] <= window)
    nobody = np.zeros(min(len(at), 1), dtype=bool)
    return _Chains(
        frame,
        joined,
        at,
        customer,
        follows=np.append(nobody, linked),
        followed=np.append(linked, nobody),
        window_over=over + window <= micros_of(high),
        looked_back=begun - window >= micros_of(low),
    )


def _numbers(chains: _Chains) -> Ints:
    """The place of each contact in its issue, from 1."""
    place = np.arange(len(chains.follows))
    return place - np.maximum.accumulate(np.where(chains.follows, 0, place)) + 1


def _instants(micros: Ints) -> pd.Series:
    return pd.Series(micros.view("datetime64[us]")).dt.tz_localize("UTC")
