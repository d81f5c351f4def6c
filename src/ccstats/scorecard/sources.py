"""What the scorecard is given: the tables, the span they cover, the periods in it, and the queue of a record that does not say its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from ccstats.agreement import Agreement, Target
from ccstats.errors import OptionError
from ccstats.labels import reason
from ccstats.periods import period_start
from ccstats.schema import SCHEDULE, TABLES, as_frame
from ccstats.workforce.kept import check_schedule

__all__ = ["ALL", "INSTANTS", "NotMeasured", "Sources", "period_end"]

#: The name of all queues together.
ALL = "all"

#: When a row of a table happened, the first of these that it has.
INSTANTS: dict[str, tuple[str, ...]] = {
    "contacts": ("queued_at", "arrived_at"),
    "intervals": ("interval_start",),
    "agent_states": ("started_at",),
    "agent_intervals": ("interval_start",),
    "forecast": ("interval_start",),
    "surveys": ("invited_at", "responded_at"),
    "evaluations": ("evaluated_at",),
    "complaints": ("received_at",),
    "items": ("opened_at",),
    "staff": ("joined_at",),
    "absences": ("started_at",),
    "schedule": ("started_at",),
    "figures": ("period_start",),
}
#: Tables whose rows say which days the data are about; the others may begin late or end early without anything missing.
_COVERING = ("intervals", "contacts")
_LENGTHS = {
    "day": pd.DateOffset(days=1),
    "week": pd.DateOffset(weeks=1),
    "month": pd.DateOffset(months=1),
    "quarter": pd.DateOffset(months=3),
    "year": pd.DateOffset(years=1),
}


class NotMeasured(Exception):
    """A figure cannot be had from what was given; the text says why and stands beside the verdict.

    Examples
    --------
    >>> str(NotMeasured("not given: surveys"))
    'not given: surveys'
    """


def period_end(starts: pd.DatetimeIndex, *, period: str) -> pd.DatetimeIndex:
    """The start of the period that follows each.

    Examples
    --------
    >>> period_end(pd.DatetimeIndex(["2026-03-01"], tz="Europe/Berlin"), period="month")[0]
    Timestamp('2026-04-01 00:00:00+0200', tz='Europe/Berlin')
    """
    if period == "hour":
        return starts + pd.Timedelta("1h")
    zone = starts.tz
    ends = pd.DatetimeIndex(starts.tz_localize(None) + _LENGTHS[period])
    return ends.tz_localize(zone, nonexistent="shift_forward", ambiguous=np.zeros(len(ends), dtype=bool))


@dataclass(frozen=True)
class Sources:
    """The tables of one scorecard, by name, checked; and what can be asked of them together.

    Attributes
    ----------
    agreement : Agreement
        What was promised.
    tables : mapping of str to pandas.DataFrame
        Those that were given.
    covers : tuple of Timestamp
        Start of the first and end of the last local day that the data are about.

    Examples
    --------
    >>> Sources.__dataclass_params__.frozen
    True
    """

    agreement: Agreement
    tables: Mapping[str, pd.DataFrame]
    covers: tuple[pd.Timestamp, pd.Timestamp]
    cache: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, agreement: Agreement, tables: Mapping[str, Any], *, covers: tuple[date, date] | None = None) -> Sources:
        """Check what was given.

        Parameters
        ----------
        agreement : Agreement
            What was promised.
        tables : mapping of str to table
            By the names of the schema; None: not given.
        covers : tuple of date, optional
            First and last day that the data are about, local; by default from the first to the last day with contacts.

        Raises
        ------
        OptionError
            If there is nothing to measure, or the span is turned round.
        TableError
            If a table breaks its schema.

        Examples
        --------
        >>> import ccstats as cc
        >>> contacts = cc.synthesize_contacts(seed=1, days=2).contacts
        >>> made = Sources.of(cc.Agreement.preset("std_80_20", timezone="Europe/Berlin"), {"contacts": contacts})
        >>> (made.covers[1] - made.covers[0]).days
        2
        """
        frames = {name: as_frame(table, what=name) for name, table in tables.items() if table is not None}
        if "schedule" in frames:
            frames["schedule"] = _schedule(frames["schedule"])
        for name, frame in frames.items():
            TABLES[name].check(frame, keys=name in ("surveys", "evaluations", "complaints", "items", "figures"))
        zone = agreement.timezone
        if covers is None:
            span = _span(frames, zone)
        else:
            first, last = (pd.Timestamp(each).tz_localize(zone) for each in _check_covers(covers))
            if last < first:
                raise OptionError(f"covers={tuple(map(str, covers))} ends before it begins; give the first and the last day")
            span = first, period_end(pd.DatetimeIndex([last]), period="day")[0]
        return cls(agreement, frames, span)

    def table(self, name: str) -> pd.DataFrame:
        """A table that is needed.

        Raises
        ------
        NotMeasured
            If it was not given.

        Examples
        --------
        >>> Sources.table.__name__
        'table'
        """
        if name not in self.tables:
            raise NotMeasured(reason("not_given", table=name))
        return self.tables[name]

    def rows(self, name: str, target: Target, *, everything: bool = False) -> pd.DataFrame:
        """The rows of a table that a target is about: its queues and channels, without the times it excludes.

        Parameters
        ----------
        name : str
            The table.
        target : Target
            Its ``queues``, ``channels`` and ``exclude``.
        everything : bool
            Only without the times it excludes, of whatever queue.

        Returns
        -------
        pandas.DataFrame
            With a column ``queue`` where one is known: its own, or else that of the contact the row is about.

        Raises
        ------
        NotMeasured
            If the table was not given, or cannot be told apart by queue or channel as the target needs.

        Examples
        --------
        >>> Sources.rows.__name__
        'rows'
        """
        frame = self.placed(name)
        keep = np.ones(len(frame), dtype=bool)
        queues = self.agreement.queues_of(target)
        channel = self._channel(name, frame)
        own = () if channel is None and queues else target.channels  # the agreement knows the channel of its queues
        some = bool(target.queues or target.channels)
        for column, words, said in (("queue", queues, frame.get("queue")), ("channel", own, channel)):
            if words and not everything:
                if said is None and column == "queue" and not some:
                    continue  # all of the agreement's queues
                if said is None:
                    raise NotMeasured(reason("not_said", table=name, column=column, words=", ".join(words)))
                # What is of no queue, such as a call left in the menu or a figure about everything, is about all of the agreement's.
                keep &= (said.isin(list(words)) | (said.isna() & (column == "queue" and not some))).to_numpy(dtype=bool)
        at = self.instants(name, frame)
        # Who joined in those days is there for all that; stretches of a schedule are cut where they are measured.
        for begin, end in self.excluded(target) if name not in ("staff", "schedule") else ():
            keep &= ~((at >= begin) & (at < end)).to_numpy(dtype=bool)
        return frame if keep.all() else frame[keep].reset_index(drop=True)

    def _channel(self, name: str, frame: pd.DataFrame) -> pd.Series[Any] | None:
        """The channel of each row's contact; in surveys the column says how the customer was asked."""
        if name != "surveys":
            return frame.get("channel")
        known = "contacts" in self.tables and "channel" in self.tables["contacts"]
        return frame["contact_id"].map(self._of_contact("channel")) if known else None

    def excluded(self, target: Target) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
        """The spans that a target leaves out, in the zone of the agreement.

        Examples
        --------
        >>> Sources.excluded.__name__
        'excluded'
        """
        return [(self._local(begin), self._local(end)) for begin, end in (each.span() for each in target.exclude)]

    def _local(self, wall: datetime) -> pd.Timestamp:
        return pd.Timestamp(wall).tz_localize(self.agreement.timezone, nonexistent="shift_forward", ambiguous=False)

    def placed(self, name: str) -> pd.DataFrame:
        """A table with a column ``queue``, taken from the contact where it has none of its own and contacts were given.

        Examples
        --------
        >>> Sources.placed.__name__
        'placed'
        """
        frame = self.table(name)
        if "queue" in frame or "contact_id" not in frame or "contacts" not in self.tables:
            return frame
        if ("placed", name) not in self.cache:
            self.cache["placed", name] = frame.assign(queue=frame["contact_id"].map(self._queue_of_contact()).astype("category"))
        made: pd.DataFrame = self.cache["placed", name]
        return made

    def instants(self, name: str, frame: pd.DataFrame) -> pd.Series[Any]:
        """When each row happened; of a record without an instant of its own that of its contact.

        Examples
        --------
        >>> Sources.instants.__name__
        'instants'
        """
        at = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")
        for column in INSTANTS[name]:
            if column in frame:
                at = at.fillna(frame[column].dt.tz_convert("UTC").dt.as_unit("us"))
        if at.isna().any() and "contact_id" in frame and "contacts" in self.tables and name != "contacts":
            at = at.fillna(frame["contact_id"].map(self._instant_of_contact()))
        return at

    def periods(self, period: str) -> pd.DatetimeIndex:
        """Every period in the span that the data cover, in the zone of the agreement.

        Examples
        --------
        >>> Sources.periods.__name__
        'periods'
        """
        return period_start(self._days(*self.covers), period=period, timezone=self.agreement.timezone).unique()

    def queues(self, target: Target, table: str) -> list[str]:
        """The queues that a target is judged for: its own, or the agreement's, or those of the data: of contacts, or of its own table.

        Examples
        --------
        >>> Sources.queues.__name__
        'queues'
        """
        if self.agreement.queues or target.queues:
            return sorted(self.agreement.queues_of(target))
        names = [table] if table == "items" else ["contacts", "intervals"]
        frames = [self.placed(name) for name in names if name in self.tables]
        frames = frames or ([self.placed(table)] if table in self.tables else [])
        return sorted({str(word) for frame in frames if "queue" in frame for word in frame["queue"].dropna().unique()})

    def missing_days(self, start: pd.Timestamp, end: pd.Timestamp, queues: Sequence[str] = ()) -> tuple[int, int]:
        """How many days of a period the data are not about, of how many; days on which all these queues are closed do not count.

        Examples
        --------
        >>> Sources.missing_days.__name__
        'missing_days'
        """
        days = self._days(start, end)
        names: list[str | None] = [*queues] or [None]
        if all(self.agreement.hours_of(name) is not None for name in names):
            ends = period_end(days, period="day")
            served = np.array([self.agreement.calendar(name).open_seconds(days, ends) for name in names])
            days = days[np.flatnonzero((served > 0).any(axis=0))]
        outside = (days < self.covers[0]) | (days >= self.covers[1])
        return int(outside.sum()), len(days)

    def _days(self, start: pd.Timestamp, end: pd.Timestamp) -> pd.DatetimeIndex:
        """The local days from one to the other, each as the instant it begins."""
        days = pd.date_range(start.tz_localize(None).normalize(), end.tz_localize(None), freq="D", inclusive="left")
        return days.tz_localize(self.agreement.timezone, nonexistent="shift_forward", ambiguous=np.zeros(len(days), dtype=bool))

    def _queue_of_contact(self) -> pd.Series[Any]:
        return self._of_contact("queue")

    def _instant_of_contact(self) -> pd.Series[Any]:
        return self._of_contact("queued_at")

    def _of_contact(self, column: str) -> pd.Series[Any]:
        """Of each contact, that of its last visit that was answered, or else of its last."""
        if "contact" not in self.cache:
            contacts = self.tables["contacts"]
            order = contacts.assign(answered=contacts["outcome"].eq("answered")).sort_values(["contact_id", "answered", "visit"])
            self.cache["contact"] = order.drop_duplicates("contact_id", keep="last").set_index("contact_id")
        found: pd.Series[Any] = self.cache["contact"][column]
        return found


def _schedule(given: pd.DataFrame) -> pd.DataFrame:
    """A schedule, checked, with what it may leave out: all on queue, all paid; a break is of the queue of its agent."""
    frame = check_schedule(given)
    if "queue" in frame:
        queue = frame["queue"].astype("str")
        of_agent = queue.groupby(frame["agent"]).agg(["min", "max"])
        only = of_agent["min"].where(of_agent["min"] == of_agent["max"])
        frame["queue"] = queue.where(queue.notna(), frame["agent"].map(only))
    return SCHEDULE.conform(frame)


def _check_covers(covers: Any) -> tuple[date, date]:
    given = tuple(covers) if isinstance(covers, tuple | list) else ()
    if len(given) != 2 or not all(type(each) is date for each in given):
        raise OptionError(f"covers={covers!r}: give the first and the last day, such as (date(2026, 3, 1), date(2026, 3, 31))")
    return given


def _span(frames: Mapping[str, pd.DataFrame], zone: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    # Contacts say which days the data are about; without any, the records do.
    covering = [name for name in _COVERING if name in frames]
    others = [name for name in frames if name not in (*_COVERING, "staff", "forecast", "schedule")]
    found = _ends(frames, covering) or _ends(frames, others)
    if not found:
        given = ", ".join(frames) or "no table"
        raise OptionError(f"there is nothing to measure: no row with an instant in {given}; give contacts= or intervals=, or covers=")
    first, last = min(each["min"] for each in found), max(each["max"] for each in found)
    days = period_start(pd.DatetimeIndex([first, last]), period="day", timezone=zone)
    return days[0], period_end(days[1:], period="day")[0]


def _ends(frames: Mapping[str, pd.DataFrame], names: Sequence[str]) -> list[Any]:
    """The first and the last instant of each of these tables that has any."""
    found = []
    for name in names:
        for column in INSTANTS[name]:
            if column in frames[name] and len(at := frames[name][column].dropna()):
                found.append(at.dt.tz_convert("UTC").agg(["min", "max"]))
                break
    return found
