"""Avaya CMS historical interval tables: ``hsplit``, one row a split and interval, and ``hagent``, one row an agent, split and interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import ColumnError, OptionError, did_you_mean
from ccstats.readers.accounting import Account
from ccstats.readers.avaya_cms_intervals.rows import (
    AGENT,
    AGENT_KEY,
    SPLIT,
    WHEN,
    WHERE_LOGGED,
    agent_rows,
    dates_of,
    split_rows,
    ways_of_dates,
)
from ccstats.readers.contract import IntervalLog, Options, Reader, Source
from ccstats.readers.product_tables import Rows, header_has
from ccstats.readers.settling import settle
from ccstats.readers.tabular import Layout, read_grid
from ccstats.readers.words import each_word
from ccstats.schema import AGENT_INTERVALS, INTERVALS, STATES

__all__ = ["READER", "looks_like", "read_tables"]

#: Other interval tables of CMS, by a column that only they have.
_OTHER = {
    "VDN": "hvdn, calls by VDN",
    "VECTOR": "hvector, calls by vector",
    "TKGRP": "htrunk or htkgrp, calls by trunk",
    "CWC": "hcwc, calls by work code",
}


def looks_like(head: bytes) -> bool:
    r"""Whether the header is that of an interval table of CMS.

    Examples
    --------
    >>> looks_like(b"ROW_DATE,STARTTIME,INTRVL,ACD,SPLIT,CALLSOFFERED,ACDCALLS,ABNCALLS\n")
    True
    >>> looks_like(b"ROW_DATE,ACD,SPLIT,CALLSOFFERED,ACDCALLS,ABNCALLS\n")
    False
    """
    return header_has(head, WHEN)


def read_tables(sources: Iterable[Source], options: Options) -> IntervalLog:
    r"""Read ``hsplit``, ``hagent`` or both; `ccstats.read_intervals` is the way in.

    Parameters
    ----------
    sources : iterable of Source
        Exports, frames or query results, each of one table.
    options : Options
        With ``timezone``; ``threshold_s``, ``dictionary`` and ``dates`` see the format's page.

    Returns
    -------
    IntervalLog

    Raises
    ------
    ColumnError
        If a source is another table of CMS, or lacks a column.
    OptionError
        If an option has a value that is not allowed, or dates may be read in two ways.

    Examples
    --------
    >>> rows = b"ROW_DATE,STARTTIME,INTRVL,SPLIT,CALLSOFFERED,ACDCALLS,ABNCALLS,ANSTIME\n2024-03-01,930,30,12,10,8,2,96\n"
    >>> intervals = read_tables([Source("hsplit.csv", rows)], Options("Europe/Berlin")).intervals
    >>> intervals[["queue", "answered", "total_wait_s"]].to_dict("records")
    [{'queue': '12', 'answered': 8, 'total_wait_s': 96.0}]
    """
    account = Account(options)
    names = _dictionary(options.extra.get("dictionary"))
    tables = [Rows(read_grid(source, Layout(), account), account, options) for source in sources]
    tables = [rows for rows in tables if rows.columns]
    for rows in tables:
        for column, what in _OTHER.items():
            if rows.has(column):
                raise ColumnError(
                    f"{rows.grid.name} is {what} (column {column!r}); hsplit counts its calls too: leave it out, give hsplit and hagent"
                )
    written = _ways(options.extra.get("dates"), tables)
    splits: list[pd.DataFrame] = []
    agents: list[pd.DataFrame] = []
    for rows in tables:
        whose = rows.has("LOGID")
        table = Rows(rows.grid, account, options, needed=AGENT if whose else SPLIT)
        (agents if whose else splits).append(agent_rows(table, options, written) if whose else split_rows(table, options, written))
        if options.progress:
            options.progress(rows.grid.name, 1.0)
    many = len(set().union(*(part["_acd"].dropna().unique() for part in (*splits, *agents)))) > 1
    intervals = INTERVALS.empty() if not splits else _intervals(splits, account, options, names["split"], many)
    staffed = AGENT_INTERVALS.empty() if not agents else _agent_intervals(agents, account, options, names["agent"], many)
    return IntervalLog(intervals, staffed, *account.tables(), format="avaya_cms_intervals", timezone=options.timezone)


def _ways(given: Any, tables: list[Rows]) -> tuple[str, ...]:
    if given is None:
        return ways_of_dates(pd.concat([dates_of(rows) for rows in tables])) if tables else ()
    if not isinstance(given, str) or "%" not in given:
        raise OptionError(f"dates={given!r}: expected the way ROW_DATE is written, such as '%d/%m/%Y'")
    return (given,)


def _dictionary(given: Any) -> dict[str, dict[str, str]]:
    """Names of splits and agents by number, or by ACD and number (``1/12``)."""
    if given is None:
        return {"split": {}, "agent": {}}
    sound = isinstance(given, Mapping) and set(given) <= {"split", "agent"} and all(isinstance(each, Mapping) for each in given.values())
    if not sound:
        raise OptionError(
            f"dictionary={str(given)[:80]!r}: expected {{'split': {{'12': 'sales', '2/12': 'billing'}}, 'agent': {{'7001': 'Ada'}}}}, "
            "either or both, with names by number or by ACD and number"
        )
    out = {what: {str(key): str(name) for key, name in given.get(what, {}).items()} for what in ("split", "agent")}
    for what, names in out.items():
        twice = sorted({name for name in names.values() if list(names.values()).count(name) > 1})
        if twice:
            raise OptionError(f"dictionary: several {what}s are called {twice[0]!r}; give each a name of its own and add them afterwards")
    return out


def _once(parts: list[pd.DataFrame], key: list[str], account: Account, options: Options) -> pd.DataFrame:
    """Each interval once. In the hour that the clock showed twice the first of two rows of one source is the first hour's."""
    frame = pd.concat(parts, ignore_index=True)
    twice = frame[frame["_twice"]]
    account.note("STARTTIME in the hour that the clock showed twice: the first row of a split is the first hour", len(twice))
    if len(twice):
        what = twice[[name for name in twice if not str(name).startswith("_") or name in ("_acd", "_split")]].astype("str").fillna("")
        what = what.assign(_start=twice["_start"])
        # Both hours of a quiet night may be alike: a source tells of each once, and two exports of one night of the same two.
        what["_again"] = what.assign(_source=twice["_source"]).groupby(["_source", *what], sort=False).cumcount()
        rank = what.drop_duplicates()
        rank = rank.assign(_rank=twice.loc[rank.index].groupby(key, dropna=False).cumcount())
        ranks = what.merge(rank, how="left")["_rank"].to_numpy()
        frame.loc[twice.index[ranks > 0], "_start"] += twice.loc[ranks > 0, "_later"]
    return settle([frame], account, options, same=key, called="date, start and who", rule="interval")


def _named(frame: pd.DataFrame, number: str, names: Mapping[str, str], many: bool) -> pd.Series:
    """The dictionary's names; without one the number, and before it the ACD where there are several."""
    full = (frame["_acd"] + "/").fillna("") + frame[number]
    named = each_word(full, names.get)
    if not many:
        named = named.fillna(each_word(frame[number], names.get))
    named = named.fillna(full if many else frame[number])
    if full.nunique() > named.nunique():
        shown = full.groupby(named).nunique().idxmax()
        raise OptionError(f"dictionary: several numbers are called {shown!r}, which may be a number too; give each a name of its own")
    return named


def _intervals(parts: list[pd.DataFrame], account: Account, options: Options, names: Mapping[str, str], many: bool) -> pd.DataFrame:
    frame = _once(parts, ["_acd", "_split", "_start"], account, options)
    frame["queue"] = _named(frame, "_split", names, many)
    if len(lengths := sorted(frame["_length"].unique() / 60)) > 1:
        account.note(f"intervals of {', '.join(f'{each:g}' for each in lengths)} min: roll up to hours or days before adding", len(frame))
    frame["threshold_s"] = _threshold(frame, options.extra.get("threshold_s"))
    untold = frame["threshold_s"].isna() & frame["answered_within"].notna()
    account.note("ACCEPTABLE without its SERVICELEVEL: what was within the level is missing; say threshold_s=", int(untold.sum()))
    for name in ("answered_within", "abandoned_within", "callback_within", "reached_threshold"):
        frame[name] = frame[name].mask(frame["threshold_s"].isna())
    frame = frame.assign(
        interval_start=frame["_start"],
        interval_s=frame["_length"],
        timezone=options.timezone,
        short_s=np.nan,
        attribute_by="ended",
        **{name: _untold(len(frame)) for name in ("blocked", "ivr_abandoned")},
    )
    # An optional column that no row fills is one that the source does not have.
    absent = [name for name in WHERE_LOGGED if frame[name].isna().all()]
    return INTERVALS.conform(frame.drop(columns=[*absent, *(name for name in frame if str(name).startswith("_"))]))


def _threshold(frame: pd.DataFrame, given: Any) -> pd.Series:
    """SERVICELEVEL, or what the caller says where there is none."""
    if given is None:
        return frame["threshold_s"]
    queues = [str(each) for each in frame["queue"].unique()]
    by_queue = given if isinstance(given, Mapping) else dict.fromkeys(queues, given)
    for value in by_queue.values():
        if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 < float(value) < 1e9:
            raise OptionError(f"threshold_s={value!r}: expected seconds above 0, or a mapping of split to seconds")
    unknown = [str(queue) for queue in by_queue if str(queue) not in queues]
    if unknown and queues:
        raise OptionError(f"threshold_s: no split {unknown[0]!r}; there are {', '.join(queues[:40])}.{did_you_mean(unknown[0], queues)}")
    said = frame["queue"].map({str(queue): float(value) for queue, value in by_queue.items()}).astype("float64")
    differ = said.notna() & frame["threshold_s"].notna() & (said != frame["threshold_s"])
    if differ.any():
        row = frame[differ].iloc[0]
        raise OptionError(
            f"threshold_s={said[differ].iloc[0]:g}, but ACCEPTABLE of split {row['queue']!r} was counted with SERVICELEVEL = "
            f"{row['threshold_s']:g}: leave threshold_s= out, it is for files without that column"
        )
    return frame["threshold_s"].fillna(said)


def _agent_intervals(parts: list[pd.DataFrame], account: Account, options: Options, names: Mapping[str, str], many: bool) -> pd.DataFrame:
    frame = _once(parts, [*AGENT_KEY, "_start"], account, options)
    frame["agent"] = _named(frame, "LOGID", names, many)
    seconds = ["logged_in_s", *(f"{state}_s" for state in STATES)]
    groups = frame.groupby(["agent", "_start"], sort=True)
    sums = groups[seconds].sum(min_count=1).mask(groups[seconds].count().ne(groups.size(), axis=0))
    less = (sums < 0).to_numpy()
    account.note("more time on hold than in the states it is part of: they are missing", int(less.any(axis=1).sum()))
    sums = sums.mask(less)
    states = sums[seconds[1:]].sum(axis=1, skipna=False)
    off = (states - sums["logged_in_s"]).abs() > 1
    account.note("TI_STAFFTIME is not the sum of the agent's states: as logged (is a split missing from the export?)", int(off.sum()))
    # Without the columns of direct calls there were none if the others are all there is; else it is not known what they took.
    sums.loc[~groups["_direct"].all() & ((states - sums["logged_in_s"]).abs() <= 1).eq(False), ["on_contact_s", "wrap_s"]] = np.nan
    sums = sums.assign(interval_s=groups["_length"].max()).reset_index().rename(columns={"_start": "interval_start"})
    return AGENT_INTERVALS.conform(sums.assign(timezone=options.timezone, handled=_untold(len(sums))))


def _untold(rows: int) -> pd.Series:
    """What the tables do not count."""
    return pd.Series(pd.arrays.IntegerArray(np.ones(rows, dtype="int64"), np.ones(rows, dtype=bool)))


READER = Reader(
    name="avaya_cms_intervals",
    title="Avaya CMS: historical interval tables hsplit and hagent",
    yields=("intervals", "agent_intervals"),
    clock="wall",
    evidence="from Avaya's documentation of the database items and public extracts' column lists; not seen on real data",
    looks_like=looks_like,
    read=read_tables,
    options=("threshold_s", "dictionary", "dates"),
)
