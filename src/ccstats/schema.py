"""The tables: their columns, meaning, unit, dtype, key and vocabulary, and one check that reports every problem at once.

It is one file because the tables are one list: documentation and checks are made from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, TableError

__all__ = [
    "AGENT_INTERVALS",
    "AGENT_STATES",
    "CONTACTS",
    "FORECAST",
    "INTERVALS",
    "OUTCOMES",
    "PLAN",
    "SERVICE",
    "STATES",
    "TABLES",
    "Column",
    "Table",
    "as_frame",
]

#: Every outcome a visit can have, and the count of ``intervals`` it is booked in (``None``: nowhere).
OUTCOMES: dict[str, str | None] = {
    "answered": "answered",
    "abandoned": "abandoned",
    "timed_out": "flowed_out",
    "exited_key": "flowed_out",
    "left_empty": "flowed_out",
    "overflowed": "flowed_out",
    "voicemail": "flowed_out",
    "callback": "callbacks",
    "withdrawn": "lost",
    "agent_dropped": "lost",
    "failed": "lost",
    "open": "open",
    "unknown": "unknown",
    "ivr_abandoned": "ivr_abandoned",
    "blocked_full": "blocked",
    "blocked_empty": "blocked",
    "blocked_closed": "blocked",
    "ignored": None,
}

#: Outcomes that never joined a queue: booked at ``arrived_at``, outside ``offered``.
NOT_QUEUED = ("ivr_abandoned", "blocked_full", "blocked_empty", "blocked_closed", "ignored")

#: What an agent can be doing.
STATES = ("available", "reserved", "on_contact", "hold", "wrap", "pause", "other")

#: What can end a span of an agent's state.
CLOSED_BY = ("event", "next_event", "restart", "end_of_file", "assumed")

_DTYPES = {
    "id": "str",
    "text": "str",
    "category": "category",
    "instant": "datetime64[us, UTC]",
    "period": "datetime64[us, UTC]",
    "seconds": "float64",
    "count": "int64",
    "maybe_count": "Int64",
    "share": "float64",
    "number": "float64",
    "flag": "bool",
}


@dataclass(frozen=True)
class Column:
    """One column of a table: its name, kind, meaning, unit, and what it may hold.

    Parameters
    ----------
    name : str
        Column name.
    kind : str
        ``id`` and ``text`` (str), ``category``, ``instant`` (UTC), ``period`` (any zone), ``seconds`` (float, not negative),
        ``count`` (int64), ``maybe_count`` (Int64, missing allowed), ``share`` (float), ``number`` (float) or ``flag`` (bool).
    meaning : str
        One line for the documentation.
    required : bool
        Whether the column must be there; others are there where the source has them.
    nullable : bool
        Whether single values may be missing.
    vocabulary : tuple of str
        The closed list of values, where there is one.

    Examples
    --------
    >>> CONTACTS["wait_s"].unit
    's'
    """

    name: str
    kind: str
    meaning: str
    required: bool = True
    nullable: bool = True
    vocabulary: tuple[str, ...] = ()

    @property
    def dtype(self) -> str:
        """The pandas dtype, as text."""
        return _DTYPES[self.kind]

    @property
    def unit(self) -> str:
        """The unit: ``s`` for durations, ``UTC`` for instants, ``1`` for counts and shares, empty otherwise."""
        units = {"seconds": "s", "instant": "UTC", "period": "zone asked for", "count": "1", "maybe_count": "1", "share": "0-1"}
        return units.get(self.kind, "")


@dataclass(frozen=True)
class Table:
    """One table of the design: what a row is, its key and its columns.

    Examples
    --------
    >>> CONTACTS.key
    ('contact_id', 'visit')
    >>> len(CONTACTS.empty())
    0
    """

    name: str
    row: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    _by_name: dict[str, Column] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._by_name.update({column.name: column for column in self.columns})

    def __getitem__(self, name: str) -> Column:
        try:
            return self._by_name[name]
        except KeyError:
            raise ColumnError(f"table {self.name!r} has no column {name!r}; it has: {', '.join(self._by_name)}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def names(self, *, required: bool = False) -> list[str]:
        """Column names in their order; with ``required=True`` only those that must be there.

        Examples
        --------
        >>> CONTACTS.names(required=True)[:3]
        ['contact_id', 'visit', 'channel']
        """
        return [column.name for column in self.columns if column.required or not required]

    def empty(self, extra: Iterable[str] = ()) -> pd.DataFrame:
        """An empty, valid table: the required columns and the optional ones named in ``extra``.

        Examples
        --------
        >>> AGENT_STATES.empty()["started_at"].dtype
        datetime64[us, UTC]
        """
        wanted = set(extra)
        frame: dict[str, Any] = {}
        for column in self.columns:
            if column.required or column.name in wanted:
                if column.vocabulary:
                    frame[column.name] = pd.Categorical([], categories=list(column.vocabulary))
                else:
                    frame[column.name] = pd.Series([], dtype=column.dtype)
        return pd.DataFrame(frame)

    def problems(self, frame: pd.DataFrame, *, columns: Sequence[str] | None = None, keys: bool = True) -> list[str]:
        """Everything in ``frame`` that breaks this schema, one line each (empty when it is sound).

        Parameters
        ----------
        frame : pandas.DataFrame
            The table.
        columns : sequence of str, optional
            Look at these columns only; by default all the schema's.
        keys : bool
            Whether the key must be unique.

        Examples
        --------
        >>> CONTACTS.problems(CONTACTS.empty().drop(columns="wait_s"))
        ["column 'wait_s' is missing (seconds: from joining the queue to the answer or to leaving, ringing included)"]
        """
        found: list[str] = []
        for column in self.columns:
            if columns is not None and column.name not in columns:
                continue
            if column.name not in frame:
                if column.required or columns is not None:
                    found.append(f"column {column.name!r} is missing ({column.kind}: {column.meaning})")
                continue
            found += _column_problems(column, frame[column.name])
        if keys and all(name in frame for name in self.key):
            key = [name for name in (*self.key, *_by_columns(self, frame)) if name in frame]
            repeated = frame.duplicated(key, keep=False).to_numpy()
            if repeated.any():
                shown = frame.loc[repeated, key].head(1).to_dict("records")[0]
                found.append(f"key {tuple(key)} is repeated in {repeated.sum()} rows, first {shown}{_rows(repeated)}")
        return found

    def check(self, frame: pd.DataFrame, *, columns: Sequence[str] | None = None, keys: bool = True) -> None:
        """Raise one `TableError` that lists every problem of ``frame``; return nothing when it is sound.

        Examples
        --------
        >>> CONTACTS.check(CONTACTS.empty())
        """
        found = self.problems(frame, columns=columns, keys=keys)
        if found:
            lines = "\n  - ".join(found)
            raise TableError(
                f"the table does not fit the schema of {self.name!r} ({len(found)} problem{'s' if len(found) > 1 else ''}):\n  - {lines}\n"
                f"TABLES[{self.name!r}].conform(frame) of ccstats.schema repairs dtypes and order; see 'Tables, columns and metrics'."
            )

    def conform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Columns in the schema's order (unknown ones last), with its dtypes, sorted by key, default index.

        Examples
        --------
        >>> CONTACTS.conform(CONTACTS.empty())["visit"].dtype
        dtype('int64')
        """
        out: dict[str, Any] = {}
        for column in self.columns:
            if column.name not in frame:
                continue
            values = frame[column.name]
            if column.vocabulary and list(getattr(values.dtype, "categories", ())) != list(column.vocabulary):
                values = values.astype(pd.CategoricalDtype(list(column.vocabulary)))
            elif column.kind != "period" and str(values.dtype) != column.dtype:
                values = values.astype(column.dtype)  # type: ignore[call-overload]
            out[column.name] = values
        for name in frame.columns:
            out.setdefault(name, frame[name])
        key = [name for name in self.key if name in out]
        return pd.DataFrame(out).sort_values(key, kind="stable", ignore_index=True) if key else pd.DataFrame(out)


def _by_columns(table: Table, frame: pd.DataFrame) -> list[str]:
    return [str(name) for name in frame.columns if name not in table and str(frame[name].dtype) in ("category", "str")]


def _rows(mask: np.ndarray) -> str:
    rows = np.flatnonzero(mask)
    shown = ", ".join(str(row) for row in rows[:5])
    return f" (row{'s' if len(rows) > 1 else ''} {shown}{', …' if len(rows) > 5 else ''}; {len(rows)} in all)"


def _fits(column: Column, values: pd.Series[Any]) -> bool:
    dtype = values.dtype
    if column.kind in ("instant", "period"):
        return isinstance(dtype, pd.DatetimeTZDtype) and (column.kind == "period" or str(dtype.tz) == "UTC")
    if column.kind in ("id", "text"):
        return isinstance(dtype, pd.StringDtype)
    if column.kind == "category":
        return isinstance(dtype, pd.CategoricalDtype)
    if column.kind in ("count", "maybe_count"):
        return pd.api.types.is_integer_dtype(dtype)
    if column.kind == "flag":
        return pd.api.types.is_bool_dtype(dtype)
    return pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)


def _column_problems(column: Column, values: pd.Series[Any]) -> list[str]:
    if not _fits(column, values):
        return [f"column {column.name!r} is {values.dtype}, expected {column.dtype} ({column.meaning})"]
    found = []
    missing = values.isna().to_numpy()
    if missing.any() and (not column.nullable or column.kind == "count"):
        found.append(f"column {column.name!r} has missing values{_rows(missing)}")
    if column.vocabulary:
        unknown = set(values.cat.categories) - set(column.vocabulary)
        if unknown:
            bad = values.isin(unknown).to_numpy()
            if bad.any():
                words = sorted(map(str, values[bad].unique()))[:5]
                found.append(f"column {column.name!r} has {words}, outside its vocabulary {list(column.vocabulary)}{_rows(bad)}")
    if column.kind in ("seconds", "count", "maybe_count"):
        numbers = values.to_numpy(dtype="float64", na_value=np.nan)
        with np.errstate(invalid="ignore"):
            negative = numbers < 0
        if negative.any():
            found.append(f"column {column.name!r} is negative{_rows(negative)}")
        infinite = np.isinf(numbers)
        if infinite.any():
            found.append(f"column {column.name!r} is infinite{_rows(infinite)}")
    return found


def as_frame(table: Any, *, what: str = "table") -> pd.DataFrame:
    """A pandas frame of ``table``: itself, or built from anything that speaks the Arrow PyCapsule protocol.

    Polars, PyArrow and DuckDB results are accepted; columns that our schema knows are given the schema's dtypes. Instants are shown in
    UTC; starts and ends of periods, and times that the schema does not know, keep the zone they come in.

    Parameters
    ----------
    table : pandas.DataFrame or object with ``__arrow_c_stream__``
        The table. A pandas frame is returned as it is, never copied.
    what : str
        Its name, for the error text.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    TableError
        If it is neither.

    Examples
    --------
    >>> import pyarrow as pa
    >>> as_frame(pa.table({"wait_s": [1.0, 2.0]}))["wait_s"].sum()
    np.float64(3.0)
    """
    if isinstance(table, pd.DataFrame):
        return table
    if not hasattr(table, "__arrow_c_stream__"):
        raise TableError(
            f"{what}: expected a pandas frame or a table that speaks the Arrow PyCapsule protocol (Polars, PyArrow, DuckDB), "
            f"found {type(table).__module__}.{type(table).__qualname__}"
        )
    import pyarrow as pa

    frame: pd.DataFrame = pa.table(table).to_pandas()
    known = {column.name: column for each in TABLES.values() for column in each.columns}
    for name in frame.columns:
        column = known.get(str(name))
        if column is None:
            continue
        if column.kind == "category" and not isinstance(frame[name].dtype, pd.CategoricalDtype):
            frame[name] = frame[name].astype("category")
        elif column.kind in ("instant", "period") and isinstance(frame[name].dtype, pd.DatetimeTZDtype):
            moved = frame[name].dt.tz_convert("UTC") if column.kind == "instant" else frame[name]
            frame[name] = moved.dt.as_unit("us")
        elif column.kind in ("id", "text", "seconds", "count", "maybe_count"):
            frame[name] = frame[name].astype(column.dtype)  # type: ignore[call-overload]
    return frame


def _c(name: str, kind: str, meaning: str, *, required: bool = True, nullable: bool = True, words: Iterable[str] = ()) -> Column:
    return Column(name, kind, meaning, required, nullable, tuple(words))


CONTACTS = Table(
    "contacts",
    "one visit of one contact to one queue",
    ("contact_id", "visit"),
    (
        _c("contact_id", "id", "the customer's whole interaction", nullable=False),
        _c("visit", "count", "1, 2, … in time within the contact", nullable=False),
        _c("channel", "category", "voice, chat, email, callback, task, …", nullable=False),
        _c("direction", "category", "inbound, outbound or internal", nullable=False, words=("inbound", "outbound", "internal")),
        _c("queue", "category", "the queue visited", nullable=False),
        _c("queued_at", "instant", "joined this queue; missing where it never did"),
        _c("outcome", "category", "what became of the visit", nullable=False, words=tuple(OUTCOMES)),
        _c("raw_outcome", "category", "the source's own word, untouched"),
        _c("wait_s", "seconds", "from joining the queue to the answer or to leaving, ringing included"),
        _c("ring_s", "seconds", "the last part of the wait, while the answering agent's phone rang"),
        _c("talk_s", "seconds", "talk, hold excluded where hold is logged"),
        _c("hold_s", "seconds", "on hold"),
        _c("wrap_s", "seconds", "after-contact work"),
        _c("agent", "category", "who answered"),
        _c("arrived_at", "instant", "entered the platform", required=False),
        _c("ivr_s", "seconds", "in the voice menu before the queue", required=False),
        _c("transferred_to", "category", "where the agent sent the contact on", required=False),
        _c("ended_by", "category", "who hung up", required=False, words=("customer", "agent", "system", "unknown")),
        _c("customer", "id", "keyed pseudonym of the customer", required=False),
        _c("dnis", "category", "number dialled", required=False),
        _c("reason", "category", "why the customer got in touch", required=False),
        _c("disposition", "category", "the result the agent chose", required=False),
        _c("ring_attempts", "maybe_count", "times the visit was offered to an agent", required=False),
        _c("ring_noanswer", "maybe_count", "offers that no agent took", required=False),
    ),
)

AGENT_STATES = Table(
    "agent_states",
    "one span of one agent in one state",
    ("agent", "started_at", "state", "queue"),
    (
        _c("agent", "category", "the agent", nullable=False),
        _c("started_at", "instant", "start of the span", nullable=False),
        _c("ended_at", "instant", "end of the span", nullable=False),
        _c("state", "category", "what the agent was doing", nullable=False, words=STATES),
        _c("reason", "category", "why paused, in the source's word"),
        _c("queue", "category", "the queue served, where one is known"),
        _c("contact_id", "id", "the contact served"),
        _c(
            "closed_by",
            "category",
            "what ended the span",
            nullable=False,
            words=("event", "next_event", "restart", "end_of_file", "assumed"),
        ),
    ),
)

#: Counts of ``intervals``: whole numbers that add up.
_COUNTS = {
    "offered": "answered + abandoned + flowed_out + callbacks + lost + open + unknown",
    "answered": "outcome answered",
    "abandoned": "outcome abandoned",
    "abandoned_short": "abandoned with wait_s <= short_s",
    "answered_within": "answered with wait_s <= threshold_s; missing without a threshold",
    "abandoned_within": "abandoned with wait_s <= threshold_s; missing without a threshold",
    "callback_within": "turned into a callback with wait_s <= threshold_s; missing without a threshold",
    "reached_threshold": "still queued when the threshold passed; missing without a threshold",
    "flowed_out": "left the queue for somewhere else",
    "callbacks": "asked to be called back",
    "lost": "withdrawn, dropped by the agent, or failed",
    "open": "still waiting where the log ends",
    "unknown": "an outcome we do not know",
    "blocked": "refused before the queue, outside offered",
    "ivr_abandoned": "left before the queue, outside offered",
}
_THRESHOLD_COUNTS = ("answered_within", "abandoned_within", "callback_within", "reached_threshold")
_TOTALS = {
    "total_wait_s": "wait of the answered",
    "total_abandon_wait_s": "wait of the abandoned",
    "total_talk_s": "talk of the answered; missing where the source never logs it",
    "total_hold_s": "hold of the answered; missing where the source never logs it",
    "total_wrap_s": "wrap-up of the answered; missing where the source never logs it",
}
_KNOWN = {
    "talk_known": "answered contacts whose talk is known",
    "hold_known": "answered contacts whose hold is known",
    "wrap_known": "answered contacts whose wrap-up is known",
}
_WHERE_LOGGED = {
    "held": ("maybe_count", "answered contacts with hold_s > 0"),
    "transferred": ("maybe_count", "answered contacts that the agent sent on"),
    "ring_attempts": ("maybe_count", "offers to agents"),
    "ring_noanswer": ("maybe_count", "offers that no agent took"),
    "arrival_known": ("maybe_count", "answered contacts whose arrival on the platform is known"),
    "total_to_agent_s": ("seconds", "from arrival on the platform to the answer, of those"),
}

_MEASURES = (
    *(_c(name, "maybe_count" if name in _THRESHOLD_COUNTS else "count", meaning) for name, meaning in _COUNTS.items()),
    *(_c(name, "seconds", meaning) for name, meaning in _TOTALS.items()),
    *(_c(name, "count", meaning) for name, meaning in _KNOWN.items()),
    _c("max_wait_s", "seconds", "longest wait of anyone queued, answered or not; missing where nobody queued"),
    *(_c(name, kind, meaning, required=False) for name, (kind, meaning) in _WHERE_LOGGED.items()),
)

_DEFINITION = (
    _c("threshold_s", "seconds", "service-level threshold the counts were made with; missing: none, or several after a roll-up"),
    _c("short_s", "seconds", "short-abandon threshold the counts were made with; missing: no rule"),
    _c("attribute_by", "category", "where a contact is booked", nullable=False, words=("queued", "left", "ended", "event")),
)

INTERVALS = Table(
    "intervals",
    "one queue in one interval: counts and sums",
    ("queue", "interval_start"),
    (
        _c("queue", "category", "the queue", nullable=False),
        _c("interval_start", "instant", "start of the interval", nullable=False),
        _c("interval_s", "seconds", "length of the interval; shorter at the end of a day the clocks change", nullable=False),
        _c("timezone", "category", "the zone whose midnights the intervals are cut from", nullable=False),
        *_DEFINITION,
        *_MEASURES,
    ),
)

AGENT_INTERVALS = Table(
    "agent_intervals",
    "one agent in one interval: seconds per state",
    ("agent", "interval_start"),
    (
        _c("agent", "category", "the agent", nullable=False),
        _c("interval_start", "instant", "start of the interval", nullable=False),
        _c("interval_s", "seconds", "length of the interval", nullable=False),
        _c("timezone", "category", "the zone whose midnights the intervals are cut from", nullable=False),
        _c("queue", "category", "the queue served, where asked for and known", required=False),
        _c("logged_in_s", "seconds", "logged in: all states together"),
        *(_c(f"{state}_s", "seconds", f"in state {state}, clipped to the interval") for state in STATES),
        _c("handled", "maybe_count", "contacts whose span in state on_contact began in the interval"),
    ),
)

SERVICE = Table(
    "service",
    "one group and period: measures and ratios",
    ("period_start",),
    (
        _c("queue", "category", "the queue, where grouped by it", required=False),
        _c("period_start", "period", "start of the period, in the zone asked for", required=False),
        *_DEFINITION,
        *_MEASURES,
    ),
)

_EXPECTED = (
    _c("queue", "category", "the queue", nullable=False),
    _c("interval_start", "instant", "start of the interval", nullable=False),
    _c("interval_s", "seconds", "length of the interval", nullable=False),
    _c("expected_offered", "number", "contacts expected; missing where nothing is known"),
    _c("expected_aht_s", "number", "handle time expected: talk, hold and wrap-up [s]; missing where nothing is known"),
)

FORECAST = Table("forecast", "one queue in one interval: what is expected to come", ("queue", "interval_start"), _EXPECTED)

PLAN = Table(
    "plan",
    "one queue in one interval: how many agents it takes, and what they will achieve",
    ("queue", "interval_start"),
    (
        *_EXPECTED,
        _c("required_agents", "number", "agents that meet the targets, real-valued"),
        _c("agents", "number", "agents on the floor: whole, unless fractional ones were asked for"),
        _c("scheduled_agents", "number", "agents to schedule so that, shrinkage taken off, these are on the floor"),
        _c("shrinkage", "share", "share of scheduled time that is not on the floor"),
        _c("expected_service_level", "share", "expected service level, by the definition in `definition`"),
        _c("expected_asa_s", "number", "expected mean wait of the answered; infinite in overload without abandonment"),
        _c("expected_abandonment_rate", "share", "expected share of the offered that give up"),
        _c("expected_occupancy", "share", "expected share of the agents' time spent on contacts"),
        _c("model", "category", "the model that says so", nullable=False),
        _c("definition", "category", "which service level was planned for", nullable=False),
        _c("target_service_level", "share", "service level asked for; missing: none"),
        _c("threshold_s", "seconds", "its threshold; missing: none"),
        _c("patience_s", "number", "mean patience; infinite: nobody gives up"),
        _c("lines", "number", "contacts that can be waiting or in service at once; infinite: no limit", required=False),
        _c("short_s", "seconds", "abandons up to this wait are short and left out by `sl_excl_short`; missing: no rule", required=False),
        _c("note", "text", "what the reader of this row must know; empty if nothing"),
    ),
)

POINTS = Table(
    "points",
    "one observation of one metric with its limits and signals",
    ("queue", "period_start", "metric"),
    (
        _c("queue", "category", "the queue, where grouped by it", required=False),
        _c("period_start", "period", "start of the period, in the zone asked for", nullable=False),
        _c("period_end", "period", "its end", nullable=False),
        _c("metric", "category", "the metric observed", nullable=False),
        _c("value", "number", "what was observed; missing where the denominator is empty"),
        _c("count", "number", "what the value was divided by: the contacts of a ratio or a mean; of a count the value itself"),
        _c("baseline", "number", "what was to be expected"),
        _c("lower", "number", "lower limit; missing: none"),
        _c("upper", "number", "upper limit; missing: none"),
        _c("sigma", "number", "standard deviation of the value about its baseline, as estimated"),
        _c("score", "number", "distance from the baseline in such standard deviations"),
        _c("p_value", "share", "chance of a value as far away while nothing has changed"),
        _c("signal", "flag", "whether this is a deviation", nullable=False),
        _c("rule", "text", "the rules that say so, joined by `+`; empty: none"),
        _c("direction", "category", "which way it deviates", words=("better", "worse", "higher", "lower")),
        _c("signalled_at", "period", "end of the period by which it could be told; missing: no signal"),
        _c("severity", "share", "how sure: 1 less the q value, the share of false ones among deviations as clear as this"),
        _c("phase", "category", "baseline (the limits come from here) or judged", nullable=False, words=("baseline", "judged", "excluded")),
        _c("incident", "maybe_count", "number of the incident it belongs to; missing: none"),
        _c("chart", "category", "the chart that made the limits", nullable=False),
        _c("target", "number", "what was asked for; missing: nothing"),
        _c("note", "text", "why this chart, and what the reader of this row must know"),
    ),
)

#: All tables by name.
TABLES: dict[str, Table] = {
    each.name: each for each in (CONTACTS, AGENT_STATES, INTERVALS, AGENT_INTERVALS, SERVICE, FORECAST, PLAN, POINTS)
}
