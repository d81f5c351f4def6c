"""Who finds a planted deviation, and who cries wolf: `find_deviations` beside the charts, bands and a detector in use elsewhere.

**Cases** (`planted.py`): 200 centres with a profile of weekday and time of day and days that are by chance higher or lower, 28 days of
baseline and 14 that are judged; in these volume rises by 20 %, handle time by 15 %, or two agents are missing, for one half-hour up to a
week. Each kind is looked for in the metric it belongs to: ``offered``, ``aht_s``, ``service_level``. Then centres without any deviation,
and the five stable queues.

**Detectors**. The others are given the open half-hours alone, in their order, and take limits from the 28 days:

* XmR: mean ± 2.66 mean moving ranges (within a day). *Deseasonalised*: of the differences from the mean of the same weekday and half-hour.
* p, c: 3 binomial sigma about the mean service level, 3 roots of the mean volume. *Deseasonalised*: about the mean of the same weekday and
  half-hour, half a contact added to either outcome lest a share be 0 or 1. There is no such chart for handle time.
* p', u': the same, the sigma multiplied by the mean moving range of the standardised values over 1.128 (Laney).
* ±10 %: further than a tenth of the mean of the same weekday and half-hour from it.
* adtk: ``SeasonalAD`` with a season of one week and its other settings as they are.
* ccstats: ``find_deviations(half_hours, metric=…, period="interval")`` as it is, of the whole table, not told when the centre is open or
  where the baseline ends.

**Scores**. A half-hour is found when it is flagged, in whichever direction. Recall: flagged among all planted half-hours. Precision:
planted among all flagged. F1: 2 × recall × precision / (recall + precision). All sums are pooled over cases before they are divided. What
is judged are the open half-hours of the 14 days, but for the one right after a deviation, which may have to serve whom it kept waiting. A
false alarm is a run of neighbouring flagged half-hours outside the deviation; they are divided by the judged weeks. A deviation is noticed
when any of its half-hours is flagged. The delay is how many half-hours after its first one it is known, mean of those noticed: ours is
asked after every half-hour, of the table so far, until it flags one of the deviation.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import ccstats as cc
from planted import (
    BASELINE_DAYS,
    DAY,
    JUDGED_DAYS,
    KINDS,
    LENGTHS,
    OTHER_LENGTHS,
    STABLE,
    WEEK,
    Case,
    planted_case,
    planted_cases,
    quiet_cases,
    stable_intervals,
)
from rounds import median_seconds, result_rows

try:
    from adtk.detector import SeasonalAD
except ImportError:  # it is no dependency of the tests
    SeasonalAD = None

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]

OURS = "ccstats"
METRICS = tuple(KINDS.values())
#: Numerator and denominator of each metric in `planted`'s tables, where nothing is held or wrapped up.
_TERMS = {"offered": ("offered", None), "aht_s": ("total_talk_s", "answered"), "service_level": ("answered_within", "offered")}
_D2 = 1.128  # the mean range of two is so many sigma
_SEED = 4711


class Series:
    """One metric of a case over its open half-hours: the baseline, what is judged, and what is usual at each time of the week."""

    def __init__(self, intervals: pd.DataFrame, metric: str, chosen: Flags, baseline: Flags, slots: int) -> None:
        rows = intervals[chosen]
        above, below = _TERMS[metric]
        self.metric, self.baseline, self.slots = metric, baseline[chosen], slots
        self.above = rows[above].to_numpy(dtype="float64")
        self.count = rows[below].to_numpy(dtype="float64") if below else np.ones(len(rows))
        self.value = np.divide(self.above, self.count, out=np.full(len(rows), np.nan), where=self.count > 0)
        self.day = rows["interval_start"].dt.day_of_year.to_numpy()
        slot = np.arange(len(rows)) % slots
        self.mean = self._pooled(np.zeros(len(rows), dtype=np.int64))
        self.usual = self._pooled(slot)

    def _pooled(self, group: NDArray[np.int64]) -> Floats:
        """Sums of the baseline over the group, divided last; of a share never quite 0 or 1, or the charts would have no width."""
        above, below = (np.bincount(group[self.baseline], weights=sums[self.baseline]) for sums in (self.above, self.count))
        share = self.metric == "service_level"
        return ((above + 0.5 * share) / (below + share))[group]

    def sigma(self, values: Floats) -> Floats:
        """Sigma of the baseline by the moving range, within days."""
        same = self.baseline[1:] & self.baseline[:-1] & (self.day[1:] == self.day[:-1])
        return np.nanmean(np.abs(np.diff(values))[same]) / _D2

    def standardised(self, centre: Floats) -> Floats:
        """Distance from the centre in binomial or Poisson sigma."""
        variance = centre * (1 - centre) / np.maximum(self.count, 1) if self.metric == "service_level" else centre
        return (self.value - centre) / np.sqrt(variance)


def _xmr(series: Series, centre: Floats) -> Flags:
    residual = series.value - centre
    return np.abs(residual - np.nanmean(residual[series.baseline])) > 3 * series.sigma(residual)


def _shewhart(series: Series, centre: Floats) -> Flags | None:
    return None if series.metric == "aht_s" else np.abs(series.standardised(centre)) > 3


def _laney(series: Series, centre: Floats) -> Flags | None:
    if series.metric == "aht_s":
        return None
    z = series.standardised(centre)
    return np.abs(z) > 3 * series.sigma(z)


def _adtk(series: Series) -> Flags:
    times = pd.date_range("2026-01-01", periods=len(series.value), freq="30min")  # it takes no gaps: the closed hours are left out
    values = pd.Series(series.value, index=times).ffill().bfill()
    detector = SeasonalAD(freq=series.slots)
    found = np.zeros(len(values), dtype=bool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it was written for an older pandas, which today's tells it
        detector.fit(values[series.baseline])
        found[~series.baseline] = detector.detect(values[~series.baseline]).to_numpy(dtype=bool)
    return found


PEERS: dict[str, Callable[[Series], Flags | None]] = {
    "XmR": lambda series: _xmr(series, series.mean),
    "XmR, deseasonalised": lambda series: _xmr(series, series.usual),
    "p, c": lambda series: _shewhart(series, series.mean),
    "p, c, deseasonalised": lambda series: _shewhart(series, series.usual),
    "p', u'": lambda series: _laney(series, series.mean),
    "p', u', deseasonalised": lambda series: _laney(series, series.usual),
    "±10 %": lambda series: np.abs(series.value / series.usual - 1) > 0.10,
    **({"adtk SeasonalAD": _adtk} if SeasonalAD is not None else {}),
}


def flagged_by_ours(intervals: pd.DataFrame, metric: str) -> Flags:
    """The rows that `find_deviations` flags with its settings as they are."""
    points = cc.find_deviations(intervals, metric=metric, period="interval")
    return np.isin(intervals["interval_start"].to_numpy(), points.loc[points["signal"], "period_start"].dt.tz_convert("UTC").to_numpy())


def detect(case: Case, metric: str, took: dict[str, float]) -> Iterator[tuple[str, Flags | None]]:
    """Each detector and the rows it flags; the seconds are added to ``took``."""

    def timed(who: str, run: Callable[[], Flags | None]) -> Flags | None:
        begun = time.perf_counter()
        found = run()
        took[who] = took.get(who, 0.0) + time.perf_counter() - begun
        return found

    yield OURS, timed(OURS, lambda: flagged_by_ours(case.intervals, metric))
    series = Series(case.intervals, metric, case.open, case.open & ~case.judged, WEEK)
    for who, peer in PEERS.items():
        found = timed(who, lambda peer=peer: peer(series))
        if found is not None:
            rows = np.zeros(len(case.intervals), dtype=bool)
            rows[case.open] = found
            found = rows
        yield who, found


def score(case: Case, flagged: Flags) -> dict[str, Any]:
    """The sums of one case that the scores are made of."""
    counted = case.judged & ~case.after
    hits, false = flagged & case.planted, (flagged & counted & ~case.planted)[case.judged]
    seen = np.flatnonzero(hits[case.planted])
    return {
        "kind": case.kind,
        "length": case.length,
        "planted": int(case.planted.sum()),
        "hit": int(hits.sum()),
        "false": int(false.sum()),
        "quiet": int((counted & ~case.planted).sum()),
        "alarms": int((false & ~np.append(False, false[:-1])).sum()),
        "noticed": len(seen) > 0,
        "delay": float(seen[0]) if len(seen) else np.nan,
        "seed": case.seed,
    }


def delay_of_ours(case: Case, metric: str) -> float:
    """Open half-hours from the first of the deviation to the one after which `find_deviations` sees it: it may have to see several.

    The others judge each half-hour for itself, so that what they flag in the end is what they flagged when it was over.
    """
    begun = np.flatnonzero(case.planted)[0]
    for delay, row in enumerate(np.flatnonzero(case.judged & (np.arange(len(case.judged)) >= begun))):
        if (flagged_by_ours(case.intervals.iloc[: row + 1], metric) & case.planted[: row + 1]).any():
            return float(delay)
    return np.nan


def run_cases(cases: Iterable[Case], metrics: Callable[[Case], tuple[str, ...]]) -> tuple[pd.DataFrame, dict[str, float]]:
    """The sums of every case and detector, a half-hour being flagged when it is in any of the metrics; and everybody's seconds."""
    records, took = [], {}
    for case in cases:
        flags: dict[str, Flags] = {}
        for metric in metrics(case):
            for who, found in detect(case, metric, took):
                if found is not None:
                    flags[who] = flags[who] | found if who in flags else found
        records += [{"who": who, **score(case, found)} for who, found in flags.items()]
    return pd.DataFrame(records), took


def scores(records: pd.DataFrame) -> dict[str, float]:
    """Recall, precision, F1 and what else is told of the sums of one detector."""
    sums = records[["planted", "hit", "false", "alarms"]].sum()
    recall, flagged = sums["hit"] / sums["planted"], sums["hit"] + sums["false"]
    precision = sums["hit"] / flagged if flagged else 0.0
    told = {
        "F1": 2 * sums["hit"] / (sums["planted"] + flagged),
        "recall": recall,
        "precision": precision,
        "noticed": records["noticed"].mean(),
        "false alarms a week": sums["alarms"] / (len(records) * JUDGED_DAYS / 7),
    }
    return {**told, "delay": records["delay"].mean()} if "delay" in records else told


def _score_rows(case: str, records: pd.DataFrame, took: Mapping[str, float] | None = None) -> list[dict[str, Any]]:
    """One row for each detector, the best first."""
    rows = [
        {"case": case, "who": who, **scores(each), **({} if took is None else {"seconds": took[who]})}
        for who, each in records.groupby("who", sort=False)
    ]
    return sorted(rows, key=lambda row: -row["F1"])


def _length_rows(case: str, records: pd.DataFrame, score_name: str) -> list[dict[str, Any]]:
    """One row for each detector, a column for each length."""
    lengths = [length for length in LENGTHS if length in set(records["length"])]
    return [
        {"case": case, "who": who, **{LENGTHS[length]: scores(each[each["length"] == length])[score_name] for length in lengths}}
        for who, each in records.groupby("who", sort=False)
    ]


def _quiet_rows(records: pd.DataFrame, metric: str) -> list[dict[str, Any]]:
    return [
        {
            "case": f"nothing planted, {len(each)} centres, {metric}",
            "who": who,
            "half-hours flagged": each["false"].sum() / each["quiet"].sum(),
            "false alarms a week": each["alarms"].sum() / (len(each) * JUDGED_DAYS / 7),
        }
        for who, each in records.groupby("who", sort=False)
    ]


def stable_shares(seeds: Iterable[int], *, metrics: Sequence[str] = METRICS, judged_days: int = 7) -> pd.DataFrame:
    """Share of the half-hours after the 28 days that each flags in each stable queue, mean over seeds: who × queue.

    Ours in each of the metrics, the others in the service level.
    """
    shown = {"p chart": "p, c", "Laney p'": "p', u'", "XmR": "XmR", "±10 %": "±10 %"}
    records = []
    for queue in STABLE:
        for seed in seeds:
            table = stable_intervals(queue, seed, days=BASELINE_DAYS + judged_days)
            judged = np.arange(len(table)) >= BASELINE_DAYS * DAY
            for metric in metrics:
                who = OURS if metric == "service_level" else f"{OURS}, {metric}"
                records.append((who, queue.name, flagged_by_ours(table, metric)[judged].mean()))
            series = Series(table, "service_level", np.ones(len(table), dtype=bool), ~judged, 7 * DAY)
            records += [(who, queue.name, PEERS[peer](series)[judged].mean()) for who, peer in shown.items()]
    made = pd.DataFrame(records, columns=["who", "queue", "share"])
    return made.pivot_table("share", "who", "queue", sort=False)


def ten_queues(days: int) -> pd.DataFrame:
    """Ten queues of half-hours, all the days long."""
    tables = [stable_intervals(STABLE[number % 2], number, days=days).assign(queue=f"queue {number}") for number in range(10)]
    return pd.concat(tables, ignore_index=True).astype({"queue": "category"})


def main(
    cases: int = 200, *, quiet: int = 50, seeds: int = 20, days: int = 365, repeat: int = 5, seed: int = _SEED
) -> list[dict[str, Any]]:
    """Score and time everybody; rows of the result table."""
    if SeasonalAD is None:
        print("adtk is not installed: compared without it")
    flagged_by_ours(next(planted_cases(1)).intervals, "offered")  # compiled before it is timed
    records, took = run_cases(planted_cases(cases, seed=seed), lambda case: (KINDS[case.kind],))
    slow = (records["who"] == OURS) & records["noticed"]
    records.loc[slow, "delay"] = [
        delay_of_ours(planted_case(each.seed, kind=each.kind, length=each.length), KINDS[each.kind]) for each in records[slow].itertuples()
    ]
    rows = _score_rows(f"{cases} planted deviations, each in its metric (handle time without p, c, p', u')", records, took)
    for kind, metric in KINDS.items():
        rows += _score_rows(f"{kind}, in {metric}", records[records["kind"] == kind])
    rows += _length_rows("F1 by length of the deviation", records, "F1")
    rows += _length_rows("Share noticed by length of the deviation", records, "noticed")
    other, _ = run_cases(planted_cases(cases // 2, seed=seed + 5_000, lengths=OTHER_LENGTHS), lambda case: (KINDS[case.kind],))
    names = ", ".join(map(str, OTHER_LENGTHS))
    rows += _score_rows(f"{cases // 2} deviations of other lengths ({names} half-hours)", other.drop(columns="delay"))
    union, _ = run_cases(planted_cases(cases, seed=seed), lambda case: METRICS)
    rows += _score_rows("flagged in any of the three metrics", union.drop(columns="delay"))
    for metric in METRICS:
        rows += _quiet_rows(run_cases(quiet_cases(quiet, seed=seed + 10_000), lambda case, metric=metric: (metric,))[0], metric)
    for who, shares in stable_shares(range(seeds)).iterrows():
        rows.append({"case": f"stable queues, {seeds} seeds: share of half-hours flagged in service_level", "who": who, **shares})
    table = ten_queues(days)
    for metric in METRICS:
        found = median_seconds({OURS: (lambda metric=metric: cc.find_deviations(table, metric=metric, period="interval"), 1.0)}, repeat)
        rows += result_rows(f"10 queues, {days} days of half-hours, {metric}", found, len(table), OURS)
    return rows


if __name__ == "__main__":
    from run import table as result_table

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=_SEED)
    asked = parser.parse_args()
    print(result_table(main(asked.cases, seed=asked.seed), OURS))
