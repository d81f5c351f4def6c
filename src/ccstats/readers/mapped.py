"""Any table with a mapping: CSV, Excel, Parquet or a frame whose columns, units, clock and words are described in a few lines."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, DataWarning, OptionError, did_you_mean
from ccstats.readers.accounting import Account
from ccstats.readers.categories import constant_category, each_category
from ccstats.readers.clock import Instants, in_turn
from ccstats.readers.contract import Log, Options, Reader, Source
from ccstats.readers.instants import to_instants
from ccstats.readers.mapping import JOINED, ColumnMapping, parse_mapping
from ccstats.readers.masks import only
from ccstats.readers.parts import Parts, taken
from ccstats.readers.pieces import in_pieces
from ccstats.readers.settling import hidden, settle, used, with_visits
from ccstats.readers.tabular import Grid, read_grid
from ccstats.readers.values import LONGEST_S, to_counts, to_seconds, to_text, to_words
from ccstats.schema import AGENT_STATES, CONTACTS, NOT_QUEUED, Table

__all__ = ["READER", "read_mapped"]

_TABLES = {"contacts": CONTACTS, "agent_states": AGENT_STATES}
#: What a vocabulary's unknown words become; rows are rejected where there is no such word.
_UNKNOWN = {"outcome": "unknown", "state": "other", "ended_by": "unknown"}
#: Facts of an answer: other contacts have none.
_OF_ANSWER = ("ring_s", "talk_s", "hold_s", "wrap_s", "agent")
#: Durations that no contact of any channel has for a whole day.
_WITHIN_A_DAY, _DAY_S = ("ring_s", "talk_s", "hold_s"), 86_400.0


def read_mapped(sources: Iterable[Source], options: Options) -> Log:
    r"""Read tables with a mapping; `ccstats.read` is the way in.

    Parameters
    ----------
    sources : iterable of Source
        Files or frames with the same columns.
    options : Options
        With ``mapping`` among the extra ones.

    Returns
    -------
    Log
        One of its tables is filled, the one the mapping names.

    Raises
    ------
    OptionError
        If the mapping is missing or wrong; the text lists every problem.
    ColumnError
        If columns it names are not there; the text lists them all, those found, and the nearest names.
    ZoneError
        If times have no zone and neither mapping nor caller says which.

    Examples
    --------
    >>> mapping = {
    ...     "columns": {"contact_id": "Call", "queue": "Skill", "queued_at": "Start", "wait_s": "Wait", "outcome": "Result"},
    ...     "units": {"wait_s": "ms"},
    ...     "outcomes": {"Handled": "answered"},
    ...     "constants": {"channel": "voice", "direction": "inbound"},
    ... }
    >>> file = Source("calls.csv", b"Call,Skill,Start,Wait,Result\n7,Sales,2024-03-01T09:00:00Z,12500,Handled\n")
    >>> read_mapped([file], Options(extra={"mapping": mapping})).contacts[["queue", "outcome", "wait_s"]].to_dict("records")
    [{'queue': 'Sales', 'outcome': 'answered', 'wait_s': 12.5}]
    """
    given = options.extra.get("mapping")
    if given is None:
        raise OptionError("format 'mapped' needs mapping=: a dict or a TOML file; ccstats.draft_mapping drafts one from the file")
    mapping, problems = parse_mapping(given)
    # The mapping knows where its file's clock stood; the caller's zone serves where it does not say.
    mapping = replace(mapping, timezone=mapping.timezone or options.timezone)
    account = Account(options)
    parts = Parts(options)
    for source in sources:
        grid = read_grid(source, mapping.layout, account)
        _check(grid, mapping, problems)
        parts.extend(in_pieces(grid, account, lambda piece, booked: _Rows(piece, mapping, options, booked).table()))
        if options.progress:
            options.progress(source.name, 1.0)
    frame = _merged(parts, mapping, options, account)
    rejected, lines, notes = account.tables()
    contacts, states = (frame, AGENT_STATES.empty()) if mapping.table == "contacts" else (CONTACTS.empty(), frame)
    return Log(contacts, states, rejected, lines, notes, "mapped", mapping.timezone)


def _check(grid: Grid, mapping: ColumnMapping, problems: list[str]) -> None:
    """Raise one error that says everything that is wrong with the mapping, for this file."""
    missing = []
    if grid.header:
        wanted = {f"[columns] {ours}": theirs for ours, theirs in mapping.columns.items()}
        wanted |= {"[ignore]": tuple(mapping.ignore)}
        for where, names in wanted.items():
            for name in names:
                if name not in grid.columns:
                    missing.append(f"{where}: {grid.name} has no column {name!r}.{did_you_mean(name, grid.header)}")
                elif name in grid.repeated:
                    missing.append(f"{where}: {grid.name} has several columns {name!r}; rename all but one")
    every = [*problems, *missing]
    if every:
        found = f"\nColumns found: {', '.join(map(repr, grid.header))}" if grid.header else ""
        text = f"the mapping does not fit ({len(every)} problem{'s' if len(every) > 1 else ''}):\n  - " + "\n  - ".join(every) + found
        raise ColumnError(text) if missing else OptionError(text)


class _Rows:
    """The rows of one file on their way: each is open until one reason closes it."""

    def __init__(self, grid: Grid, mapping: ColumnMapping, options: Options, account: Account) -> None:
        self.grid, self.mapping, self.options, self.account = grid, mapping, options, account
        self.open = np.ones(len(grid.line), dtype=bool)
        self.missing = mapping.layout.missing
        for name, words in mapping.ignore.items():
            if name in grid.columns:
                hit = to_text(grid.columns[name]).isin(words).to_numpy() & self.open
                account.count(grid.name, "ignored", f"{name} is {' or '.join(words)}", int(grid.weight[hit].sum()))
                self.open &= ~hit

    def close(self, mask: np.ndarray | pd.Series, reason: str) -> None:
        """Reject the open rows of ``mask``."""
        hit = np.asarray(mask, dtype=bool) & self.open
        at = np.flatnonzero(hit)
        texts = self._texts(at) if self.options.keep_text and len(at) else ()
        self.account.reject(self.grid.name, self.grid.line[at], reason, texts=texts, weight=int(self.grid.weight[at].sum()))
        self.open &= ~hit

    def _texts(self, rows: np.ndarray) -> list[str]:
        columns = [self.grid.columns[name].iloc[rows].astype("str").fillna("") for name in self.grid.columns]
        return [" | ".join(cells) for cells in zip(*columns, strict=True)]

    def _theirs(self, ours: str) -> str:
        return f"{ours} ({' + '.join(self.mapping.columns[ours])})"

    def _column(self, ours: str, joint: str = " ") -> pd.Series:
        names = self.mapping.columns[ours]
        if len(names) == 1:
            return self.grid.columns[names[0]] if self.grid.header else pd.Series([], dtype="str")
        parts = [to_text(self.grid.columns[name], self.missing) for name in names] if self.grid.header else [pd.Series([], dtype="str")]
        joined = parts[0]
        for part in parts[1:]:
            joined = joined + joint + part
        return joined

    def text(self, ours: str) -> pd.Series:
        return to_text(self._column(ours, JOINED["contact_id"]), self.missing)

    def _words(self, ours: str) -> pd.Series:
        return to_words(self._column(ours, JOINED["contact_id"]), self.missing)

    def seconds(self, ours: str) -> pd.Series:
        layout, unit = self.mapping.layout, self.mapping.units.get(ours, "s")
        parsed = to_seconds(self._column(ours), unit, missing=self.missing, decimal=layout.decimal, thousands=layout.thousands)
        self.close(parsed.bad, f"{self._theirs(ours)} is no duration in {unit}, or negative, or above a year")
        self._close_long(ours, parsed.values)
        return parsed.values

    def _close_long(self, ours: str, seconds: pd.Series) -> None:
        """A message may wait for weeks, but nobody talks for a day."""
        if ours in _WITHIN_A_DAY:
            self.close(seconds >= _DAY_S, f"{ours} is a day or more")

    def instants(self, ours: str) -> Instants:
        written = self.mapping.units.get(ours, self.mapping.times)
        at, bad = to_instants(
            self._column(ours), written, timezone=self.mapping.timezone, missing=self.missing, decimal=self.mapping.layout.decimal
        )
        self.close(bad, f"{self._theirs(ours)} is no instant written as {written}, or outside 1970 to 2200")
        self.account.note(f"{ours}: local time that the clock showed twice: the first is taken", int((at.twice & self.open).sum()))
        self.account.note(f"{ours}: local time that the clock never showed: moved on", int((at.never & self.open).sum()))
        return at

    def words(self, ours: str, vocabulary: tuple[str, ...]) -> tuple[pd.Series, pd.Series]:
        """Our word and theirs; unknown ones become the vocabulary's word for that, or close the row."""
        theirs = self._words(ours)
        given = self.mapping.words.get(ours, {})
        if not given and not vocabulary:
            return theirs, theirs
        folded = {word: word for word in vocabulary} | {word.casefold(): our for word, our in given.items()}
        strange = []

        def our(word: str) -> str | None:
            known = given.get(word) or folded.get(word.casefold()) or given.get("*")
            if known is None and vocabulary:
                strange.append(word)
            return known or (_UNKNOWN.get(ours) if vocabulary else word)

        mapped = each_category(theirs, our, vocabulary or tuple(filter(None, [given.get("")])))
        if "" in given:
            mapped = mapped.mask(theirs.isna(), given[""])
        if ours in _UNKNOWN and strange:
            self.account.note(f"{ours} is not in the mapping: {_UNKNOWN[ours]}", int((theirs.isin(strange).to_numpy() & self.open).sum()))
        if vocabulary:
            self.close(theirs.notna() & mapped.isna(), f"{self._theirs(ours)} is none of {', '.join(vocabulary)}, nor in [words.{ours}]")
        return mapped, theirs

    def category(self, ours: str, vocabulary: tuple[str, ...]) -> pd.Series:
        if ours in self.mapping.constants:
            return constant_category(self.mapping.constants[ours], len(self.open))
        return self.words(ours, vocabulary)[0]

    def table(self) -> pd.DataFrame:
        """Our table of the rows that are sound, with their place in ``_line``, ``_weight`` and ``_source``."""
        out = self._contacts() if self.mapping.table == "contacts" else self._states()
        many = len(self.open)
        out |= {
            "_line": pd.Series(self.grid.line),
            "_weight": pd.Series(self.grid.weight),
            "_source": constant_category(self.grid.name, many),
        }
        if self.options.keep_text:
            out["_text"] = pd.Series(self._texts(np.arange(many)), dtype="str")
        return pd.DataFrame(out, copy=False) if self.open.all() else taken(out, np.flatnonzero(self.open))

    def _direct(self, table: Table, skip: tuple[str, ...]) -> tuple[dict[str, pd.Series], dict[str, Instants]]:
        """Columns of ours that are mapped one to one or constant, and all instants."""
        out: dict[str, pd.Series] = {}
        instants = {name: self.instants(name) for name in self.mapping.columns if self.mapping.kind(name) == "instant"}
        for column in table.columns:
            name, mapped = column.name, column.name in self.mapping.columns
            if name in skip or (not mapped and name not in self.mapping.constants):
                continue
            if column.kind == "instant":
                out[name] = instants[name].utc
            elif column.kind == "category":
                out[name] = self.category(name, column.vocabulary)
            elif column.kind == "seconds":
                out[name] = self.seconds(name)
            elif column.kind in ("count", "maybe_count"):
                parsed = to_counts(self._column(name), missing=self.missing)
                self.close(parsed.bad, f"{self._theirs(name)} is no whole number")
                out[name] = parsed.values
            else:
                out[name] = self.text(name)
        return out, instants

    def _contacts(self) -> dict[str, pd.Series]:
        many = len(self.open)
        out, instants = self._direct(CONTACTS, skip=("outcome",))
        if "outcome" in self.mapping.constants:
            out["outcome"], out["raw_outcome"] = self.category("outcome", ()), constant_category(None, many)
        else:
            out["outcome"], out["raw_outcome"] = self.words("outcome", CONTACTS["outcome"].vocabulary)
            blank = out["outcome"].isna()
            self.account.note("outcome is blank: unknown", int((blank.to_numpy() & self.open).sum()))
            out["outcome"] = out["outcome"].fillna("unknown")
        nothing = pd.Series(np.full(many, np.nan))
        if "contact_id" not in out:
            # Without an id of theirs, a contact is known by its place.
            out["contact_id"] = pd.Series([f"{self.grid.name}:{line}" for line in self.grid.line], dtype="str")
        for name in ("wait_s", "ring_s", "talk_s", "hold_s", "wrap_s"):
            if name not in out:
                out[name] = self._derived(name, instants, out)
        if "ivr_s" not in out and {"arrived_at", "queued_at"} <= set(instants):
            out["ivr_s"] = self._between("ivr_s", instants["arrived_at"], instants["queued_at"])
        if "agent" not in out:
            out["agent"] = constant_category(None, many)
        out.setdefault("queued_at", out.get("arrived_at", nothing))

        outside = out["outcome"].isin(NOT_QUEUED)
        if outside.any():
            arrived = out.get("arrived_at", out["queued_at"].where(outside))
            out["arrived_at"] = arrived.fillna(out["queued_at"].where(outside))
            out["queued_at"], out["wait_s"] = out["queued_at"].mask(outside), out["wait_s"].mask(outside)
        elif "arrived_at" not in self.mapping.columns:
            out["arrived_at"] = pd.Series(pd.DatetimeIndex(np.full(many, "NaT", dtype="M8[us]"), tz="UTC"))
        others = (out["outcome"] != "answered").to_numpy()
        told = np.zeros(many, dtype=bool)
        for name in _OF_ANSWER:
            told |= out[name].notna().to_numpy() & others & ((out[name] != 0).to_numpy() if name != "agent" else False)
            out[name] = only(out[name], ~others)
        self.account.note("ring, talk, hold or wrap-up of a contact that was not answered: left out", int((told & self.open).sum()))
        for name in ("contact_id", "queue", "channel", "direction"):
            self.close(out[name].isna(), f"{name} is blank")
        self.close(out["queued_at"].isna() & ~outside, "queued_at is blank")
        self.close(out["arrived_at"].isna() & outside if outside.any() else np.zeros(many, dtype=bool), "arrived_at is blank")
        if "visit" in out:
            self.close(out["visit"].isna() | (out["visit"] < 1).fillna(True), "visit is no whole number from 1")
        return out

    def _derived(self, name: str, instants: dict[str, Instants], out: dict[str, pd.Series]) -> pd.Series:
        """A duration that is not logged but follows from two instants that are; missing otherwise."""
        steps = {"wait_s": ("queued_at", "answered_at"), "talk_s": ("answered_at", "ended_at"), "wrap_s": ("ended_at", "closed_at")}
        nothing = pd.Series(np.full(len(self.open), np.nan))
        start, end = (instants.get(step) for step in steps.get(name, ("", "")))
        if name == "wait_s" and "left_at" in instants and start is not None:
            left = instants["left_at"]
            end = left if end is None else end.or_else(left)
        if start is None or end is None:
            return nothing
        seconds = self._between(name, start, end)
        if name == "talk_s" and "hold_s" in self.mapping.columns:
            seconds = seconds - out["hold_s"].fillna(0)
            self.close(seconds < 0, "hold_s is longer than the time from answered_at to ended_at")
        return seconds

    def _between(self, name: str, start: Instants, end: Instants) -> pd.Series:
        """Seconds from start to end; an hour that the clock showed twice is read so that they are fewest, but not negative."""
        seconds = (end.utc - start.utc).dt.total_seconds()
        if (start.twice | end.twice).any():
            later = {"end": end.later.dt.total_seconds(), "start": start.later.dt.total_seconds()}
            seconds = seconds.where(~((seconds < 0) & end.twice), seconds + later["end"])
            seconds = seconds.where(~((seconds >= later["start"]) & start.twice & ~end.twice), seconds - later["start"])
        self.close(seconds < 0, f"{name} would be negative: its end is before its start")
        self.close(seconds >= LONGEST_S, f"{name} would be above a year")
        self._close_long(name, seconds)
        return seconds

    def _states(self) -> dict[str, pd.Series]:
        out, instants = self._direct(AGENT_STATES, skip=())
        if "ended_at" not in out:
            span = self.seconds("duration_s")
            out["ended_at"] = instants["started_at"].utc + pd.to_timedelta((span * 1e6).round(), unit="us")
        else:
            out["started_at"], out["ended_at"] = in_turn(instants["started_at"], instants["ended_at"], near=False)
        many = len(self.open)
        for name in ("reason", "queue", "contact_id"):
            out.setdefault(name, constant_category(None, many))
        out.setdefault("closed_by", constant_category("event", many))
        out["closed_by"] = out["closed_by"].fillna("event")
        out["state"] = out["state"].fillna("other")
        for name in ("agent", "started_at", "ended_at"):
            self.close(out[name].isna(), f"{name} is blank")
        span = (out["ended_at"] - out["started_at"]).dt.total_seconds()
        self.close(span < 0, "ended_at is before started_at")
        self.close(span >= LONGEST_S, "ended_at is more than a year after started_at")
        return out


def _merged(parts: Parts, mapping: ColumnMapping, options: Options, account: Account) -> pd.DataFrame:
    """All files' rows together: repeated ones rejected, visits numbered, customers made pseudonyms."""
    if mapping.table == "agent_states":
        same, called = list(AGENT_STATES.key), "agent, started_at, state and queue"
    elif "visit" in mapping.columns:
        same, called = ["contact_id", "visit"], "contact_id and visit"
    else:
        same, called = ["contact_id", "queue", "queued_at", "arrived_at"], "contact_id, queue and queued_at"
    frame = settle(parts, account, options, same=same, called=called, ordered=True)
    if mapping.table == "contacts":
        if "arrived_at" not in mapping.columns and frame["arrived_at"].isna().all():
            del frame["arrived_at"]
        if "visit" not in mapping.columns:
            frame = with_visits(frame)
        _warn(frame, "outcome", "unknown")
        frame = hidden(frame, options)
    table = _TABLES[mapping.table]
    frame = pd.DataFrame(used(frame, table), copy=False)
    # Visits were numbered in order.
    in_order = mapping.table == "contacts" and "visit" not in mapping.columns
    return table.typed(frame).reset_index(drop=True) if in_order else table.conform(frame)


def _warn(frame: pd.DataFrame, name: str, word: str) -> None:
    unknown = frame.loc[frame[name] == word, f"raw_{name}"]
    if len(unknown):
        words = ", ".join(repr(each) for each in sorted(unknown.dropna().unique())[:5]) or "blank"
        warnings.warn(
            f"{len(unknown)} contacts have an outcome that the mapping does not know ({words}); they are counted as 'unknown'. "
            "Add them to [outcomes]",
            DataWarning,
            stacklevel=6,
        )


READER = Reader(
    name="mapped",
    title="Any CSV, Excel, Parquet file or frame, with a mapping",
    yields=("contacts", "agent_states"),
    clock="mapped",
    evidence="the mapping you write",
    looks_like=lambda head: False,
    read=read_mapped,
    options=("mapping",),
    streams=True,
    alone=True,
)
