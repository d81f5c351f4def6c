"""Counting: one table of contacts or agent states into the rows of `intervals` or `agent_intervals`."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ccstats.errors import DataWarning, OptionError, TableError
from ccstats.intervals import loops, row_loops
from ccstats.intervals.cells import Cells, Grid, Groups, check_by, coded, constant, instants_of, plain
from ccstats.intervals.sums import LEFT_AS, THRESHOLD_COUNTS, measure_columns
from ccstats.schema import AGENT_INTERVALS, AGENT_STATES, CONTACTS, INTERVALS, NOT_QUEUED, OUTCOMES, STATES, as_frame

__all__ = [
    "AgentRules",
    "CountPart",
    "Rules",
    "agent_frame",
    "count_contacts",
    "count_spans",
    "per_queue",
    "seconds",
    "warn_of_names",
]

_DURATIONS = ("wait_s", "talk_s", "hold_s", "wrap_s")
_COLUMNS = ("queue", "queued_at", "outcome", *_DURATIONS)
_EXTRA = ("arrived_at", "transferred_to", "ring_attempts", "ring_noanswer")  # where the source has them
_SPAN_COLUMNS = ("agent", "started_at", "ended_at", "state")
_NONE = plain(np.empty(0))
#: Fewer rows than this are counted before a second thread has started.
_WORTH_A_THREAD = 200_000

#: Sums that only contacts with this column have.
_NEEDS = {
    "transferred": "transferred_to",
    "ring_attempts": "ring_attempts",
    "attempts_known": "ring_attempts",
    "ring_noanswer": "ring_noanswer",
    "noanswer_known": "ring_noanswer",
    "arrival_known": "arrived_at",
    "total_to_agent_s": "arrived_at",
}

PerQueue = float | Mapping[Any, float | None] | None


@dataclass(frozen=True)
class Rules:
    """What `to_intervals` was asked for, checked."""

    every_s: int
    timezone: str
    threshold_s: PerQueue
    short_s: PerQueue
    by: tuple[str, ...]
    attribute_by: str
    from_arrival: bool
    inclusive: bool
    fill: bool
    histogram: dict[str, float]
    in_parts: bool = False

    def definition(self, number: np.ndarray, threshold: np.ndarray, short: np.ndarray) -> dict[str, Any]:
        """The columns that say with which definition rows of these groups were counted, from the groups' thresholds [µs]."""
        given = {"threshold_s": threshold, "short_s": short}
        thresholds = {name: np.where(each == loops.NEVER, np.nan, each / 1e6)[number] for name, each in given.items()}
        return {**thresholds, "attribute_by": constant(self.attribute_by, len(number), INTERVALS["attribute_by"].vocabulary)}


@dataclass(frozen=True)
class AgentRules:
    """What `to_agent_intervals` was asked for, checked."""

    every_s: int
    timezone: str
    by: tuple[str, ...]


def per_queue(value: Any, name: str) -> PerQueue:
    """A threshold as it was given, if every number in it is one."""
    if value is not None and not isinstance(value, Mapping):
        return seconds(value, f"{name}={value!r}")
    if value is None:
        return None
    return {queue: None if each is None else seconds(each, f"{name}[{queue!r}]={each!r}") for queue, each in value.items()}


def seconds(value: Any, shown: str) -> float:
    """A number of seconds, if it is one; ``shown`` says in the error where it was given."""
    number = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1e10:
        raise OptionError(f"{shown} is no number of seconds from 0 on; give one number, a dict of queue to number, or None for no rule")
    return float(value)


def _by_label(value: PerQueue, labels: pd.Index) -> np.ndarray:
    """Thresholds of the queues [µs]."""
    each = [value.get(label) for label in labels] if isinstance(value, Mapping) else [value] * len(labels)
    # The last one is that of a missing queue, which no contact has.
    return np.array([loops.NEVER if one is None else round(one * 1e6) for one in (*each, None)], dtype=np.int64)


def warn_of_names(value: PerQueue, name: str, queues: pd.Index) -> None:
    """Warn of a name in a dict of thresholds that looks like a misspelt queue; a queue without contacts is no mistake."""
    if not isinstance(value, Mapping):
        return
    without = [str(queue) for queue in queues if queue not in value]
    for stranger in (each for each in value if each not in queues):
        if near := difflib.get_close_matches(str(stranger), without, n=1, cutoff=0.75):
            text = f"{name} names a queue {stranger!r} that has no contacts, and the queue {near[0]!r} has no threshold; is it misspelt?"
            warnings.warn(text, DataWarning, stacklevel=3)


@dataclass(frozen=True)
class CountPart:
    """What partitions are counted with.

    ``columns`` are those of a partition that it looks at, if they are there; ``merge`` makes one of its results; rows of different
    values of ``key`` are never added to each other.
    """

    count: Callable[[Any, Any], pd.DataFrame]
    rules: Any
    columns: tuple[str, ...]
    key: str
    merge: Callable[[list[pd.DataFrame]], pd.DataFrame]

    def __call__(self, part: Any) -> pd.DataFrame:
        """The rows of one partition."""
        return self.count(part, self.rules)

    @classmethod
    def contacts(cls, rules: Rules, merge: Callable[[list[pd.DataFrame]], pd.DataFrame]) -> CountPart:
        """For partitions of contacts: without rows for empty intervals."""
        return cls(count_contacts, replace(rules, fill=False, in_parts=True), (*_COLUMNS, *_EXTRA, *rules.by), "queue", merge)

    @classmethod
    def spans(cls, rules: AgentRules, merge: Callable[[list[pd.DataFrame]], pd.DataFrame]) -> CountPart:
        """For partitions of agent states."""
        return cls(count_spans, rules, (*_SPAN_COLUMNS, *rules.by), "agent", merge)


def count_contacts(table: Any, rules: Rules) -> pd.DataFrame:
    """The rows of `intervals` for one table of contacts."""
    contacts = as_frame(table, what="contacts")
    columns = list(_COLUMNS)
    extra = [name for name in _EXTRA if name in contacts]
    if rules.from_arrival and "arrived_at" not in contacts:
        raise OptionError("clock='arrived' needs the column 'arrived_at', and contacts has none; give clock='queued'")
    CONTACTS.check(contacts.iloc[:0], columns=[*columns, *extra], keys=False)
    check_by(rules.by, contacts.columns, what="contacts", fixed=INTERVALS)

    keys = {name: coded(contacts[name]) for name in ("queue", *rules.by)}
    if (keys["queue"][0] < 0).any():
        _explain(contacts, [*columns, *extra])
    groups = Groups(keys, len(contacts))
    queues = keys["queue"][1]
    queue_of = groups.leading(np.arange(groups.size))
    threshold, short = (_by_label(value, queues)[queue_of] for value in (rules.threshold_s, rules.short_s))
    words = contacts["outcome"].cat.categories
    kinds = [-2 if word not in OUTCOMES else -1 if OUTCOMES[word] is None else loops.BOOKED_AS.index(str(OUTCOMES[word])) for word in words]
    visits = (
        plain(groups.numbers),
        plain(np.array(kinds, dtype=np.int64)),
        plain(contacts["outcome"].cat.codes.to_numpy()),
        instants_of(contacts["queued_at"]),
        instants_of(contacts["arrived_at"]) if "arrived_at" in contacts else plain(np.empty(0, dtype=np.int64)),
        *(_floats(contacts, name) for name in _DURATIONS),
    )
    options = (loops.MODES.index(rules.attribute_by), rules.from_arrival, rules.inclusive)
    seen = np.zeros(groups.size, dtype=bool)
    rows = len(contacts)
    found = _share(rows, lambda begin, end: loops.scan_contacts(*visits, plain(threshold), *options, seen, begin, end))
    low, high = min(each[0] for each in found), max(each[1] for each in found)
    if any(each[2] for each in found):
        _explain(contacts, [*columns, *extra])
    if unplaced := sum(each[3] for each in found):
        text = f"{_number(unplaced, rules)}contacts have no arrived_at before queued_at; their wait is counted from queued_at"
        warnings.warn(text, DataWarning, stacklevel=3)
    if untold := sum(each[4] for each in found):
        text = (
            f"{_number(untold, rules)}contacts left the queue and have no wait_s: they are booked as if they had not waited, and not "
            "counted within the threshold; the longest wait of intervals and periods with them is missing, of answered and abandoned ones "
            "the average, too"
        )
        warnings.warn(text, DataWarning, stacklevel=3)

    used = np.flatnonzero(seen)
    grid = Grid.between(*((low, high) if len(used) else (0, 0)), every_s=rules.every_s, timezone=rules.timezone)
    cells = Cells(queue_of[used], len(grid.edges) - 1)
    if rules.fill:
        cells.check_size()
    place = np.zeros((2, groups.size), dtype=np.int64)
    place[:, used] = cells.base, cells.stride
    where = (plain(threshold), *options, *map(plain, place), grid.edges, grid.step)
    dense = rules.fill or 2 * cells.total < rows  # most cells are used: looking which are costs more than it saves
    bits = cells.bits(full=dense)
    if not dense:
        loops.mark_contacts(*visits, *where, bits)
    group, interval, before = cells.rows(bits)

    counts = np.zeros((len(group), len(loops.COUNTS) + 2 * len(rules.histogram)), dtype=np.int32)
    totals = np.zeros((len(group), len(loops.TOTALS)), dtype=np.int64)
    more = (
        plain(short),
        plain(np.array([round(seconds * 1e6) for seconds in rules.histogram.values()], dtype=np.int64)),
        plain(contacts["transferred_to"].notna().to_numpy()) if "transferred_to" in contacts else plain(np.empty(0, dtype=bool)),
        *(_floats(contacts, name) if name in contacts else _NONE for name in ("ring_attempts", "ring_noanswer")),
    )
    _share(2, lambda part, _: loops.count_contacts(*visits, *where, bits, before, *more, counts, totals, part, 1), worth=rows)
    occupied = np.arange(len(group))
    if dense and not rules.fill:
        occupied = row_loops.booked_rows(counts)
        group, interval = group[occupied], interval[occupied]
    number = used[group]
    return pd.DataFrame(
        {
            **groups.columns(number),
            **grid.columns(interval, rules.timezone),
            **rules.definition(number, threshold, short),
            **_measures(counts, totals, occupied, (threshold == loops.NEVER)[number], rules, extra),
        },
        copy=False,
    )


def _number(many: int, rules: Rules) -> str:
    """How many, but for a part of a table: the same warning of all parts is shown once."""
    return "" if rules.in_parts else f"{many:,} "


def _share(rows: int, work: Callable[[int, int], Any], *, worth: int | None = None) -> list[Any]:
    """Let two threads do ``work(begin, end)``, each for half of the rows; with little to do, one after the other."""
    halves = [(0, rows // 2), (rows // 2, rows)]
    if (rows if worth is None else worth) < _WORTH_A_THREAD:
        return [work(*half) for half in halves]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, *zip(*halves, strict=True)))


def _measures(
    counts: np.ndarray, totals: np.ndarray, rows: np.ndarray, no_threshold: np.ndarray, rules: Rules, extra: list[str]
) -> dict[str, Any]:
    """Measure columns from these rows of the two arrays that the loop has filled."""
    absent = {name for name, source in _NEEDS.items() if source not in extra}
    sums: dict[str, np.ndarray] = {}
    for table, names in ((counts, (*loops.COUNTS, *_histogram_columns(rules.histogram))), (totals, loops.TOTALS)):
        wanted = [place for place, name in enumerate(names) if name not in absent]
        out = np.empty((len(wanted), len(rows)), dtype=np.int64)
        _share(len(rows), partial(row_loops.pick_columns, table, rows, np.array(wanted), out))
        sums |= {names[place]: out[at] for at, place in enumerate(wanted)}
    sums["max_wait_s"] = np.where(sums["max_wait_s"] == loops.FAR, 0, sums["max_wait_s"]) - 1
    missing = {name: no_threshold for name in THRESHOLD_COUNTS}
    missing |= {name: sums[name] == loops.NEVER for name in ("total_wait_s", "total_abandon_wait_s")}
    if known := [name for name in ("attempts_known", "noanswer_known") if name in sums]:
        visited = np.sum([sums[name] for name in LEFT_AS], axis=0) > 0
        missing |= {_NEEDS[name]: visited & (sums.pop(name) == 0) for name in known}
    return measure_columns(sums, missing)


def _histogram_columns(histogram: Mapping[str, float]) -> list[str]:
    return [f"{outcome}_within_{text}s" for text in histogram for outcome in ("answered", "abandoned")]


def _floats(frame: pd.DataFrame, name: str) -> np.ndarray:
    return plain(frame[name].to_numpy(dtype="float64", na_value=np.nan))


def _explain(contacts: pd.DataFrame, columns: list[str]) -> None:
    """Raise the error for contacts that cannot be counted."""
    CONTACTS.check(contacts, columns=columns, keys=False)
    queued = ~contacts["outcome"].isin(NOT_QUEUED)
    arrived = contacts["arrived_at"].notna() if "arrived_at" in contacts else np.zeros(len(contacts), dtype=bool)
    lines = []
    for what, wrong in (
        ("are counted in 'offered' and have no queued_at", queued & contacts["queued_at"].isna()),
        (
            "left before a queue, or were blocked, and have neither arrived_at nor queued_at",
            contacts["outcome"].isin(NOT_QUEUED[:-1]) & contacts["queued_at"].isna() & ~arrived,
        ),
        ("last longer than 1e10 seconds", (contacts[list(_DURATIONS)] > 1e10).any(axis=1)),
    ):
        rows = np.flatnonzero(wrong)
        if len(rows):
            lines.append(f"{len(rows)} contacts {what} (rows {', '.join(map(str, rows[:5]))}{', …' if len(rows) > 5 else ''})")
    raise TableError(
        "contacts cannot be counted:\n  - " + "\n  - ".join(lines) + "\nCorrect these rows, or give them the outcome 'ignored'."
    )


def count_spans(table: Any, rules: AgentRules) -> pd.DataFrame:
    """The rows of `agent_intervals` for one table of agent states."""
    spans = as_frame(table, what="agent_states")
    columns = [*_SPAN_COLUMNS, *rules.by]
    AGENT_STATES.check(spans.iloc[:0], columns=columns, keys=False)
    if any(spans[name].isna().any() for name in columns[:4]):
        AGENT_STATES.check(spans, columns=columns, keys=False)
    begin, end = instants_of(spans["started_at"]), instants_of(spans["ended_at"])
    backward = np.flatnonzero(end < begin)
    if len(backward):
        shown = spans.iloc[backward[0]]
        raise TableError(
            f"agent_states: {len(backward)} spans end before they start (rows {', '.join(map(str, backward[:5]))}), first "
            f"{shown['agent']!r} {shown['state']} from {shown['started_at']} to {shown['ended_at']}. Correct or drop them."
        )
    groups = Groups({name: coded(spans[name]) for name in ("agent", *rules.by)}, len(spans))
    words = spans["state"].cat.categories
    places = np.array([STATES.index(word) if word in STATES else -1 for word in words], dtype=np.int8)
    state = places[spans["state"].cat.codes] if len(words) else np.empty(0, dtype=np.int8)
    if (state < 0).any():
        AGENT_STATES.check(spans, columns=columns, keys=False)
    counted = state == STATES.index("on_contact")
    used = np.unique(groups.numbers[(begin < end) | counted])
    low, high = (int(begin.min()), int(max(begin.max(), end.max() - 1))) if len(used) else (0, 0)
    grid = Grid.between(low, high, every_s=rules.every_s, timezone=rules.timezone)
    cells = Cells(groups.leading(used), len(grid.edges) - 1)
    number = np.searchsorted(used, groups.numbers)
    where = (*map(plain, (number, begin, end)), plain(counted), plain(cells.base), plain(cells.stride), grid.edges, grid.step)
    bits = cells.bits(full=False)
    loops.mark_spans(*where, bits)
    group, interval, before = cells.rows(bits)
    totals = np.zeros((len(group), len(STATES) + 1), dtype=np.int64)
    loops.clip_spans(*where[:3], plain(state), *where[3:], bits, before, totals)
    keys = {**groups.columns(used[group]), **grid.columns(interval, rules.timezone)}
    return agent_frame(keys, totals)


def agent_frame(keys: dict[str, Any], totals: np.ndarray) -> pd.DataFrame:
    """The table from its keys and, per row, the time in each state [µs] and the contacts begun."""
    seconds = {f"{state}_s": totals[:, place] / 1e6 for place, state in enumerate(STATES)}
    handled = pd.arrays.IntegerArray(totals[:, -1].copy(), np.zeros(len(totals), dtype=bool))
    columns = {**keys, "logged_in_s": totals[:, :-1].sum(axis=1) / 1e6, **seconds, "handled": handled}
    return pd.DataFrame({name: columns[name] for name in AGENT_INTERVALS.names() if name in columns}, copy=False)
