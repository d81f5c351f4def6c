"""Random contacts and agent states around clock changes, and the plain loops that the compiled ones are checked against."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from ccstats.schema import OUTCOMES, STATES

UTC = dt.UTC
#: What a cell of the loop counts and adds.
COUNTED = (
    *("offered", "answered", "abandoned", "flowed_out", "callbacks", "lost", "open", "unknown", "blocked", "ivr_abandoned", "held"),
    *("abandoned_short", "answered_within", "abandoned_within", "callback_within", "reached_threshold", "transferred"),
)
ADDED = ("attempts", "noanswer", "wait", "abandon_wait", "talk", "hold", "wrap", "to_agent")
MICRO = dt.timedelta(microseconds=1)

#: Zones and a local noon near a change of their clocks (or none: Kathmandu).
NIGHTS = {
    "spring in London": ("Europe/London", "2026-03-29"),
    "autumn in London": ("Europe/London", "2026-10-25"),
    "spring in Lord Howe": ("Australia/Lord_Howe", "2026-10-04"),
    "autumn in Lord Howe": ("Australia/Lord_Howe", "2026-04-05"),
    "spring in New York": ("America/New_York", "2026-03-08"),
    "autumn in New York": ("America/New_York", "2026-11-01"),
    "Kathmandu": ("Asia/Kathmandu", "2026-03-01"),
    "the day Apia left out": ("Pacific/Apia", "2011-12-31"),
    "no midnight in Cairo": ("Africa/Cairo", "2023-04-28"),
    "two elevens in Cairo": ("Africa/Cairo", "2023-10-26"),
    "no midnight in Sao Paulo": ("America/Sao_Paulo", "2018-11-04"),
}


def noon(night: str) -> tuple[str, pd.Timestamp]:
    zone, day = NIGHTS[night]
    return zone, pd.Timestamp(f"{day} 12:00", tz=zone).tz_convert("UTC")


def random_contacts(
    seed: int, rows: int, middle: pd.Timestamp, *, extras: bool, days: float = 1.5, whole: bool = False, untold: float = 0.0
) -> pd.DataFrame:
    """Contacts with everything that can be missing missing somewhere; ``whole`` seconds hit thresholds exactly.

    ``untold`` is the share of them whose wait is not known, besides those who waited in no queue.
    """
    rng = np.random.default_rng(seed)

    def instants(micros: np.ndarray, missing: np.ndarray) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(np.where(missing, np.iinfo(np.int64).min, micros).view("datetime64[us]")).tz_localize("UTC")

    def seconds(mean: float, missing: np.ndarray) -> np.ndarray:
        drawn = rng.exponential(mean, rows)
        return np.where(missing, np.nan, np.round(drawn) if whole else np.round(drawn, 6))

    outcome = rng.choice(np.arange(len(OUTCOMES)), rows, p=[0.4, 0.2, *[0.4 / 16] * 16])
    words = np.array(list(OUTCOMES))[outcome]
    outside = np.isin(words, ["ivr_abandoned", "blocked_full", "blocked_empty", "blocked_closed", "ignored"])
    spread = int(days * 86_400e6)
    queued = middle.value // 1000 + rng.integers(-spread, spread, rows)
    arrived = queued - (rng.exponential(60, rows) * 1e6).astype(np.int64)
    some = lambda share: rng.random(rows) < share  # noqa: E731
    no_queue = outside & (some(0.5) if extras else (words == "ignored"))
    queue = rng.integers(0, 3, rows)
    columns = {
        "contact_id": pd.array([f"{each}" for each in range(rows)], dtype="str"),
        "visit": np.ones(rows, dtype="int64"),
        "channel": pd.Categorical.from_codes(np.where(some(0.1), -1, rng.integers(0, 2, rows)), ["voice", "chat"]),
        "direction": pd.Categorical(["inbound"] * rows, categories=["inbound", "outbound", "internal"]),
        "queue": pd.Categorical.from_codes(queue, ["sales", "complaints", "billing", "nobody calls"]),
        "queued_at": instants(queued, no_queue),
        "outcome": pd.Categorical(words, categories=list(OUTCOMES)),
        "wait_s": seconds(30, outside),
        "ring_s": seconds(5, some(0.5)),
        "talk_s": seconds(180, some(0.2) | (words != "answered")),
        "hold_s": seconds(15, some(0.3) | (queue == 1)) * some(0.6),
        "wrap_s": seconds(60, some(0.8)),
    }
    if extras:
        columns["arrived_at"] = instants(np.where(some(0.05), queued + 1, arrived), some(0.2) & ~no_queue)
        columns["transferred_to"] = pd.Categorical(np.where(some(0.2), "billing", None), categories=["billing"])
        attempts = pd.array(rng.integers(0, 4, rows), dtype="Int64")
        attempts[some(0.4)] = pd.NA
        columns["ring_attempts"], columns["ring_noanswer"] = attempts, attempts // 2
    columns["wait_s"] = np.where(some(untold), np.nan, columns["wait_s"])
    return pd.DataFrame(columns)


def random_spans(seed: int, rows: int, middle: pd.Timestamp) -> pd.DataFrame:
    """States of three agents: any length, none at all among them."""
    rng = np.random.default_rng(seed)
    start = middle.value // 1000 + rng.integers(-86_400_000_000, 86_400_000_000, rows)
    length = np.where(rng.random(rows) < 0.1, 0, rng.exponential(4000e6, rows).astype(np.int64))
    instants = [pd.DatetimeIndex(each.view("datetime64[us]")).tz_localize("UTC") for each in (start, start + length)]
    return pd.DataFrame(
        {
            "agent": pd.Categorical.from_codes(rng.integers(0, 3, rows), ["Zoe", "Ada", "Bo"]),
            "started_at": instants[0],
            "ended_at": instants[1],
            "state": pd.Categorical.from_codes(rng.integers(0, len(STATES), rows), list(STATES)),
            "queue": pd.Categorical.from_codes(rng.integers(-1, 2, rows), ["sales", "billing"]),
        }
    )


def local_midnight(date: dt.date, zone: ZoneInfo) -> dt.datetime:
    """The instant of 00:00; where there is none, PEP 495 gives the moment the clocks went forward."""
    return dt.datetime(date.year, date.month, date.day, tzinfo=zone).astimezone(UTC)


def interval_of(moment: dt.datetime, zone_name: str, every: dt.timedelta) -> tuple[dt.datetime, float]:
    """Start and length of the interval a moment lies in, by calendar arithmetic on this one moment."""
    zone = ZoneInfo(zone_name)
    date = moment.astimezone(zone).date()
    midnight, following = local_midnight(date, zone), local_midnight(date + dt.timedelta(days=1), zone)
    if every == dt.timedelta(days=1):
        return midnight, (following - midnight).total_seconds()
    start = midnight + (moment - midnight) // every * every
    return start, min(every, following - start).total_seconds()


def micros(seconds: float) -> int:
    return 0 if seconds != seconds else round(seconds * 1e6)


def given(value, queue):
    return value.get(queue) if isinstance(value, dict) else value


def count_by_loop(
    contacts: pd.DataFrame, *, every, timezone, threshold_s, short_s, by, attribute_by, clock, inclusive, fill, wait_histogram
) -> pd.DataFrame:
    """What `to_intervals` should give, one contact after the other, in the words of the design."""
    every = pd.Timedelta(every).to_pytimedelta()
    histogram = sorted(wait_histogram or ())
    extras = {name: name in contacts for name in ("arrived_at", "transferred_to", "ring_attempts", "ring_noanswer")}
    cells: dict[tuple, dict] = {}
    combinations = {}

    def cell(row, moment):
        start, length = interval_of(moment, timezone, every)
        group = (row["queue"], *(None if pd.isna(row[name]) else row[name] for name in by))
        combinations[group] = None
        return cells.setdefault((group, start), new_cell(length))

    def new_cell(length):
        counts = dict.fromkeys(
            [*COUNTED, *(f"{part}_known" for part in ("talk", "hold", "wrap", "arrival", "attempts", "noanswer")), *ADDED],
            0,
        )
        return {**counts, "interval_s": length, "max": None, "untold": set(), "steps": [0] * 2 * len(histogram)}

    def within(wait, limit):
        return wait is not None and limit is not None and (wait < micros(limit) or (inclusive and wait == micros(limit)))

    for row in contacts.to_dict("records"):
        booked = OUTCOMES[row["outcome"]]
        if booked is None:
            continue
        arrived = row.get("arrived_at", pd.NaT)
        arrived = None if arrived is pd.NaT else arrived.to_pydatetime()
        if booked in ("blocked", "ivr_abandoned"):
            cell(row, arrived or row["queued_at"].to_pydatetime())[booked] += 1
            continue
        queued = row["queued_at"].to_pydatetime()
        left = queued + micros(row["wait_s"]) * MICRO
        ended = left
        if booked == "answered":
            ended += sum(micros(row[name]) for name in ("talk_s", "hold_s", "wrap_s")) * MICRO
        usable = arrived is not None and arrived <= queued
        start = arrived if clock == "arrived" and usable else queued
        waited = (left - start) // MICRO
        wait = waited if row["wait_s"] == row["wait_s"] else None
        threshold = given(threshold_s, row["queue"])
        moments = {"queued": [queued] * 3, "left": [left] * 3, "ended": [ended] * 3, "event": [queued, left, ended]}[attribute_by]
        at_offer, at_left, at_end = (cell(row, moment) for moment in moments)
        at_offer["offered"] += 1
        if threshold is not None and not within(waited, threshold):
            moment = max(start + micros(threshold) * MICRO, queued) if attribute_by == "event" else moments[0]
            cell(row, moment)["reached_threshold"] += 1
        at_left[booked] += 1
        if wait is None:
            at_left["untold"].add(booked)
        else:
            at_left["max"] = max(wait, at_left["max"] or 0)
        for name, known in (("ring_attempts", "attempts"), ("ring_noanswer", "noanswer")):
            if extras[name] and not pd.isna(row[name]):
                at_left[known] += int(row[name])
                at_left[f"{known}_known"] += 1
        if booked == "answered":
            at_left["wait"] += wait or 0
            at_left["answered_within"] += within(wait, threshold)
            at_left["transferred"] += isinstance(row.get("transferred_to"), str)
            if usable and wait is not None:
                at_left["arrival_known"] += 1
                at_left["to_agent"] += (left - arrived) // MICRO
            for part in ("talk", "hold", "wrap"):
                if row[f"{part}_s"] == row[f"{part}_s"]:
                    at_end[f"{part}_known"] += 1
                    at_end[part] += micros(row[f"{part}_s"])
            at_end["held"] += row["hold_s"] > 0
        elif booked == "abandoned":
            at_left["abandon_wait"] += wait or 0
            at_left["abandoned_within"] += within(wait, threshold)
            at_left["abandoned_short"] += within(wait, given(short_s, row["queue"]))
        elif booked == "callbacks":
            at_left["callback_within"] += within(wait, threshold)
        for place, step in enumerate(histogram):
            at_left["steps"][2 * place] += booked == "answered" and within(wait, step)
            at_left["steps"][2 * place + 1] += booked == "abandoned" and within(wait, step)

    if fill and cells:
        starts = sorted(start for _, start in cells)
        start, last = starts[0], starts[-1]
        while start <= last:
            _, length = interval_of(start, timezone, every)
            for group in combinations:
                cells.setdefault((group, start), new_cell(length))
            start += dt.timedelta(seconds=length)

    order = sorted(cells, key=lambda key: (key[0][0], key[1], *((each is None, each or "") for each in key[0][1:])))
    rows = []
    for group, start in order:
        found = cells[group, start]
        threshold, short = given(threshold_s, group[0]), given(short_s, group[0])
        silent = found["answered"] > 0
        visits = sum(found[name] for name in ("answered", "abandoned", "flowed_out", "callbacks", "lost", "open", "unknown"))
        row = dict(zip(("queue", *by), group, strict=True))
        row |= {"interval_start": pd.Timestamp(start), "interval_s": found["interval_s"], "timezone": timezone}
        row |= {"threshold_s": threshold, "short_s": short, "attribute_by": attribute_by}
        for name in ("offered", "answered", "abandoned", "abandoned_short"):
            row[name] = found[name]
        for name in ("answered_within", "abandoned_within", "callback_within", "reached_threshold"):
            row[name] = None if threshold is None else found[name]
        for name in ("flowed_out", "callbacks", "lost", "open", "unknown", "blocked", "ivr_abandoned"):
            row[name] = found[name]
        row |= {"total_wait_s": found["wait"] / 1e6, "total_abandon_wait_s": found["abandon_wait"] / 1e6}
        row |= {name: None for name, of in (("total_wait_s", "answered"), ("total_abandon_wait_s", "abandoned")) if of in found["untold"]}
        for part in ("talk", "hold", "wrap"):
            row[f"total_{part}_s"] = None if silent and not found[f"{part}_known"] else found[part] / 1e6
        row |= {f"{part}_known": found[f"{part}_known"] for part in ("talk", "hold", "wrap")}
        row["max_wait_s"] = None if found["max"] is None or found["untold"] - {"open"} else found["max"] / 1e6
        row["held"] = None if silent and not found["hold_known"] else found["held"]
        if extras["transferred_to"]:
            row["transferred"] = found["transferred"]
        for name, known in (("ring_attempts", "attempts"), ("ring_noanswer", "noanswer")):
            if extras[name]:
                row[name] = None if visits and not found[f"{known}_known"] else found[known]
        if extras["arrived_at"]:
            row["arrival_known"] = found["arrival_known"]
            row["total_to_agent_s"] = None if silent and not found["arrival_known"] else found["to_agent"] / 1e6
        for place, step in enumerate(histogram):
            row[f"answered_within_{step:g}s"], row[f"abandoned_within_{step:g}s"] = found["steps"][2 * place : 2 * place + 2]
        rows.append(row)
    return pd.DataFrame(rows)


def clip_by_loop(spans: pd.DataFrame, *, every, timezone, by) -> dict[tuple, dict[str, float]]:
    """Seconds per state of each agent (and queue) and interval, one span and one interval after the other."""
    every = pd.Timedelta(every).to_pytimedelta()
    cells: dict[tuple, dict[str, float]] = {}
    for row in spans.to_dict("records"):
        queue = (None if pd.isna(row["queue"]) else row["queue"],) if by else ()
        moment, end = row["started_at"].to_pydatetime(), row["ended_at"].to_pydatetime()
        first = True
        while moment < end or (first and row["state"] == "on_contact"):
            start, length = interval_of(moment, timezone, every)
            stop = min(end, start + dt.timedelta(seconds=length))
            cell = cells.setdefault((row["agent"], start, *queue), {**dict.fromkeys(STATES, 0), "handled": 0, "length": length})
            cell[row["state"]] += (stop - moment) // MICRO
            cell["handled"] += first and row["state"] == "on_contact"
            first, moment = False, stop
    return cells


def plain(frame: pd.DataFrame) -> dict[str, list]:
    """Columns as lists in which everything missing is None: what is compared is names, order, values, and nothing else."""
    return {name: [None if pd.isna(value) else value for value in frame[name].tolist()] for name in frame.columns}
