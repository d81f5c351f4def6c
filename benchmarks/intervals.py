"""How fast contacts become intervals, beside SQL and two frame libraries that compute the same columns from the same frame.

Ten million contacts of 50 queues in a year, cut into 15-minute intervals in Europe/Istanbul with a threshold of 20 seconds. All results
are compared first, value by value. Each contender then runs in a process of its own, forked from the one that holds the frame. Two things
make it easier for the others: the zone has no clock changes, so that a quarter of an hour is the same in UTC; and gaps are not filled.

Run ``python benchmarks/intervals.py --rows 10000000``.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

import ccstats as cc
from ccstats.schema import CONTACTS, OUTCOMES

ZONE, EVERY_S, THRESHOLD_S = "Europe/Istanbul", 900, 20
_SHARES = {
    **{"answered": 0.84, "abandoned": 0.09, "timed_out": 0.01, "exited_key": 0.01, "voicemail": 0.01, "callback": 0.02, "failed": 0.005},
    **{"unknown": 0.005, "blocked_full": 0.01},
}
_FLOWED_OUT = [word for word, counted in OUTCOMES.items() if counted == "flowed_out"]
_LOST = [word for word, counted in OUTCOMES.items() if counted == "lost"]
_BLOCKED = [word for word, counted in OUTCOMES.items() if counted == "blocked"]
_OUTSIDE = [*_BLOCKED, "ivr_abandoned"]


def make_contacts(
    rows: int, *, queues: int = 50, in_order: bool = True, seed: int = 1, year: tuple[float, float] = (0.0, 1.0)
) -> pd.DataFrame:
    """A year of contacts, or a part of it, with every required column of the schema, in order of time or (as with random ids) in none."""
    random = np.random.default_rng(seed)
    first, last = (int(share * 365 * 86_400_000_000) for share in year)
    queued = np.datetime64("2025-01-01", "us").astype("int64") + random.integers(first, last, rows)
    if in_order:
        queued.sort()
    outcome = random.choice([list(OUTCOMES).index(word) for word in _SHARES], rows, p=list(_SHARES.values())).astype("int8")
    answered = outcome == list(OUTCOMES).index("answered")

    def seconds(mean: float, where: np.ndarray) -> np.ndarray:
        return np.where(where, np.round(random.exponential(mean, rows)), np.nan)

    def category(codes: np.ndarray, words: list[str]) -> pd.Categorical:
        return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(words))

    second, serial = (pa.array(each).cast("large_string") for each in (queued // 1_000_000, np.arange(rows)))
    numbers = pc.binary_join_element_wise(second, serial, pa.scalar(".", "large_string"))
    everyone, nobody = np.ones(rows, dtype=bool), np.zeros(rows, dtype="int8")
    columns = {
        "contact_id": pd.Series(pd.arrays.ArrowExtensionArray(numbers)).astype("str").array,
        "visit": np.ones(rows, dtype="int64"),
        "channel": category(nobody, ["voice"]),
        "direction": category(nobody, ["inbound", "outbound", "internal"]),
        "queue": category(random.integers(0, queues, rows, dtype="int16"), [f"queue {number:02d}" for number in range(queues)]),
        "queued_at": pd.DatetimeIndex(queued.view("datetime64[us]"), tz="UTC"),
        "outcome": category(outcome, list(OUTCOMES)),
        "raw_outcome": category(outcome, list(OUTCOMES)),
        "wait_s": seconds(30, everyone),
        "ring_s": seconds(6, answered),
        "talk_s": seconds(180, answered),
        "hold_s": seconds(3, answered),
        "wrap_s": seconds(40, answered),
        "agent": category(
            np.where(answered, random.integers(0, 800, rows), -1).astype("int16"), [f"agent {number}" for number in range(800)]
        ),
    }
    return pd.DataFrame({name: columns[name] for name in CONTACTS.names(required=True)}, copy=False)


def by_ccstats(contacts: pd.DataFrame) -> pd.DataFrame:
    return cc.to_intervals(contacts, every=pd.Timedelta(seconds=EVERY_S), timezone=ZONE, threshold_s=THRESHOLD_S, fill=False)


def by_duckdb(contacts: pd.DataFrame) -> pa.Table:
    import duckdb

    def words(names: list[str]) -> str:
        return ", ".join(f"'{name}'" for name in names)

    def count(condition: str) -> str:
        return f"count(*) FILTER ({condition})"

    inside, answered, abandoned = f"outcome NOT IN ({words(_OUTSIDE)})", "outcome = 'answered'", "outcome = 'abandoned'"
    within = f"wait_s <= {THRESHOLD_S}"
    measures = {
        "offered": count(inside),
        "answered": count(answered),
        "abandoned": count(abandoned),
        "abandoned_short": "0",
        "answered_within": count(f"{answered} AND {within}"),
        "abandoned_within": count(f"{abandoned} AND {within}"),
        "callback_within": count(f"outcome = 'callback' AND {within}"),
        "reached_threshold": count(f"{inside} AND NOT {within}"),
        "flowed_out": count(f"outcome IN ({words(_FLOWED_OUT)})"),
        "callbacks": count("outcome = 'callback'"),
        "lost": count(f"outcome IN ({words(_LOST)})"),
        "open": count("outcome = 'open'"),
        "unknown": count("outcome = 'unknown'"),
        "blocked": count(f"outcome IN ({words(_BLOCKED)})"),
        "ivr_abandoned": count("outcome = 'ivr_abandoned'"),
        "total_wait_s": f"coalesce(sum(wait_s) FILTER ({answered}), 0)",
        "total_abandon_wait_s": f"coalesce(sum(wait_s) FILTER ({abandoned}), 0)",
        **{f"total_{part}_s": f"coalesce(sum({part}_s) FILTER ({answered}), 0)" for part in ("talk", "hold", "wrap")},
        **{f"{part}_known": f"count({part}_s) FILTER ({answered})" for part in ("talk", "hold", "wrap")},
        "max_wait_s": f"max(wait_s) FILTER ({inside})",
        "held": count(f"{answered} AND hold_s > 0"),
    }
    query = f"""
        SELECT queue, time_bucket(INTERVAL {EVERY_S} SECOND, queued_at) AS interval_start, {EVERY_S}.0 AS interval_s, '{ZONE}' AS timezone,
            {THRESHOLD_S}.0 AS threshold_s, NULL::DOUBLE AS short_s, 'queued' AS attribute_by,
            {", ".join(f"{value} AS {name}" for name, value in measures.items())}
        FROM contacts WHERE outcome <> 'ignored' GROUP BY queue, interval_start ORDER BY queue, interval_start
    """  # noqa: S608 - the text is ours
    with duckdb.connect() as db:
        db.execute("SET TimeZone = 'UTC'")
        db.register("contacts", contacts)
        return db.sql(query).to_arrow_table()


def to_polars(contacts: pd.DataFrame) -> Any:
    """The columns that are needed, as a Polars frame; its time is shown apart."""
    import polars as pl

    return pl.from_pandas(contacts[["queue", "queued_at", "outcome", "wait_s", "talk_s", "hold_s", "wrap_s"]])


def by_polars(frame: Any) -> Any:
    import polars as pl

    outcome, wait = pl.col("outcome"), pl.col("wait_s")
    inside, answered, abandoned = ~outcome.is_in(_OUTSIDE), outcome == "answered", outcome == "abandoned"
    within = wait <= THRESHOLD_S
    counts = {
        **{"offered": inside, "answered": answered, "abandoned": abandoned, "abandoned_short": pl.lit(False)},
        **{
            "answered_within": answered & within,
            "abandoned_within": abandoned & within,
            "callback_within": (outcome == "callback") & within,
        },
        **{"reached_threshold": inside & ~within, "flowed_out": outcome.is_in(_FLOWED_OUT), "callbacks": outcome == "callback"},
        **{"lost": outcome.is_in(_LOST), "open": outcome == "open", "unknown": outcome == "unknown"},
        **{"blocked": outcome.is_in(_BLOCKED), "ivr_abandoned": outcome == "ivr_abandoned"},
        **{f"{part}_known": answered & pl.col(f"{part}_s").is_not_null() for part in ("talk", "hold", "wrap")},
        "held": answered & (pl.col("hold_s") > 0),
    }
    totals = {"total_wait_s": wait.filter(answered), "total_abandon_wait_s": wait.filter(abandoned)}
    totals |= {f"total_{part}_s": pl.col(f"{part}_s").filter(answered) for part in ("talk", "hold", "wrap")}
    return (
        frame.lazy()
        .filter(outcome != "ignored")
        .group_by("queue", pl.col("queued_at").dt.truncate(f"{EVERY_S}s").alias("interval_start"))
        .agg(
            *(condition.sum().cast(pl.Int64).alias(name) for name, condition in counts.items()),
            *(values.sum().alias(name) for name, values in totals.items()),
            wait.filter(inside).max().alias("max_wait_s"),
        )
        .with_columns(pl.col("queue").cast(pl.String).cast(pl.Categorical))
        .sort("queue", "interval_start")
        .collect()
    )


def by_pandas(contacts: pd.DataFrame) -> pd.DataFrame:
    outcome, wait = contacts["outcome"], contacts["wait_s"]
    inside, answered, abandoned = ~outcome.isin(_OUTSIDE), outcome == "answered", outcome == "abandoned"
    within = wait <= THRESHOLD_S
    columns = {
        **{"offered": inside, "answered": answered, "abandoned": abandoned},
        **{
            "answered_within": answered & within,
            "abandoned_within": abandoned & within,
            "callback_within": (outcome == "callback") & within,
        },
        **{"reached_threshold": inside & ~within, "flowed_out": outcome.isin(_FLOWED_OUT), "callbacks": outcome == "callback"},
        **{"lost": outcome.isin(_LOST), "open": outcome == "open", "unknown": outcome == "unknown"},
        **{"blocked": outcome.isin(_BLOCKED), "ivr_abandoned": outcome == "ivr_abandoned"},
        **{"total_wait_s": wait.where(answered, 0.0), "total_abandon_wait_s": wait.where(abandoned, 0.0)},
        **{f"total_{part}_s": contacts[f"{part}_s"].where(answered, 0.0) for part in ("talk", "hold", "wrap")},
        **{f"{part}_known": answered & contacts[f"{part}_s"].notna() for part in ("talk", "hold", "wrap")},
        "held": answered & (contacts["hold_s"] > 0),
    }
    start = contacts["queued_at"].dt.floor(f"{EVERY_S}s").rename("interval_start")
    grouped = pd.DataFrame({**columns, "max_wait_s": wait.where(inside)}).groupby([contacts["queue"], start], observed=True)
    return grouped[list(columns)].sum().assign(max_wait_s=grouped["max_wait_s"].max(), abandoned_short=0).reset_index()


@numba.njit(cache=True, nogil=True)
def _add_up(begin, end, outcome, queue, queued_at, wait_s, talk_s, hold_s, wrap_s):
    """Sums of all that a count must read."""
    whole, seconds = 0, 0.0
    for row in range(begin, end):
        whole += outcome[row] + queue[row] + queued_at[row]
        seconds += wait_s[row] + talk_s[row] + hold_s[row] + wrap_s[row]
    return whole, seconds


def by_memory(contacts: pd.DataFrame) -> None:
    """No count at all, only what any of them must read, by all cores: as fast as memory is."""
    columns = [contacts[name].cat.codes.to_numpy() for name in ("outcome", "queue")]
    columns.append(pd.DatetimeIndex(contacts["queued_at"]).asi8)
    columns += [contacts[f"{part}_s"].to_numpy() for part in ("wait", "talk", "hold", "wrap")]
    cuts = np.linspace(0, len(contacts), 1 + (os.cpu_count() or 1)).astype(int)
    with ThreadPoolExecutor(len(cuts) - 1) as pool:
        list(pool.map(lambda begin, end: _add_up(begin, end, *columns), cuts[:-1], cuts[1:]))


CONTENDERS: dict[str, tuple[str, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "ccstats": ("ccstats, a pandas frame", lambda frame: frame, by_ccstats),
    "duckdb": ("DuckDB, an Arrow table", lambda frame: frame, by_duckdb),
    "polars": ("Polars, a Polars frame", to_polars, by_polars),
    "pandas": ("pandas groupby", lambda frame: frame, by_pandas),
    "memory": ("the limit: the same columns read once", lambda frame: frame, by_memory),
}


def compare(contacts: pd.DataFrame, who: str) -> None:
    """Raise if a contender's table differs from ours in any value."""
    ours = by_ccstats(contacts)
    _, prepare, count = CONTENDERS[who]
    theirs = count(prepare(contacts))
    theirs = theirs if isinstance(theirs, pd.DataFrame) else theirs.to_pandas()
    theirs = theirs.assign(queue=theirs["queue"].astype("str")).sort_values(["queue", "interval_start"], ignore_index=True)
    if len(theirs) != len(ours):
        raise AssertionError(f"{who} has {len(theirs)} rows, ccstats {len(ours)}")
    for name in theirs.columns:
        if name in ("timezone", "attribute_by", "queue"):
            same = theirs[name].astype("str").to_numpy() == ours[name].astype("str").to_numpy()
        elif name == "interval_start":
            same = pd.DatetimeIndex(theirs[name]).as_unit("us").asi8 == pd.DatetimeIndex(ours[name]).asi8
        else:
            a, b = (table[name].to_numpy(dtype="float64", na_value=np.nan) for table in (theirs, ours))
            same = (a == b) | (np.isnan(a) & np.isnan(b))
        if not np.all(same):
            raise AssertionError(f"{who} and ccstats differ in {name}, first in row {np.argmin(same)}")
    lacking = set(ours.columns) - set(theirs.columns) - {"interval_s", "timezone", "threshold_s", "short_s", "attribute_by"}
    if lacking:
        raise AssertionError(f"{who} lacks {sorted(lacking)}")


def measure(contacts: pd.DataFrame, who: str, repeat: int) -> dict[str, float]:
    """Best time of several, and the most memory above that of the frame."""
    _, prepare, count = CONTENDERS[who]
    count(prepare(contacts[:1000]))  # compile, or load what is compiled, before the clock runs
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    begin = time.perf_counter()
    table = prepare(contacts)
    prepared = time.perf_counter() - begin
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        count(table)
        times.append(time.perf_counter() - begin)
    return {"seconds": min(times), "prepared": prepared, "peak_mb": (memory("VmHWM") - before) / 1e6}


def memory(what: str) -> int:
    """Bytes of this process as the system tells them: ``VmRSS`` now, ``VmHWM`` at the most."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(what))
    return int(line.split()[1]) * 1024


def _apart(work: Callable[..., Any], *arguments: Any) -> Any:
    """What a forked process makes of it: it sees the frame without a copy, and leaves no memory or threads behind."""
    context = multiprocessing.get_context("fork")
    mine, its = context.Pipe(duplex=False)

    def run() -> None:
        try:
            its.send((True, work(*arguments)))
        except BaseException as error:
            its.send((False, f"{type(error).__name__}: {error}"))

    process = context.Process(target=run)
    process.start()
    its.close()
    try:
        fine, result = mine.recv()
    except EOFError:
        raise RuntimeError(f"the process for {arguments[1:]} ended without a result (out of memory?)") from None
    finally:
        process.join()
    if not fine:
        raise RuntimeError(result)
    return result


def main(rows: int = 10_000_000, *, repeat: int = 3) -> list[dict[str, Any]]:
    """Compare, then time, each contender on contacts in order of time, and the two fastest on contacts in none."""
    found = []
    for in_order, people in ((True, list(CONTENDERS)), (False, ["ccstats", "duckdb", "memory"])):
        contacts = make_contacts(rows, in_order=in_order)
        size = contacts.memory_usage(deep=True).sum() / 1e6
        for who in people:
            if who not in ("ccstats", "memory"):
                _apart(compare, contacts, who)
        measured = {who: _apart(measure, contacts, who, repeat) for who in people}
        order = "in order of time" if in_order else "in random order"
        for who, result in measured.items():
            title = CONTENDERS[who][0]
            if who == "polars":
                title += f" (made from pandas in {result['prepared']:.2f} s)"
            found.append(
                {
                    "case": f"intervals, {rows:,} contacts {order}, a frame of {size:,.0f} MB",
                    "who": title,
                    "seconds": round(result["seconds"], 3),
                    "rows_per_second": round(rows / result["seconds"]),
                    "peak_mb": round(result["peak_mb"]),
                    "ratio": round(result["seconds"] / measured["duckdb"]["seconds"], 2),
                }
            )
        del contacts
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    for row in main(parser.parse_args().rows):
        print(row)
