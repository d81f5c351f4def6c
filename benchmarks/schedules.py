"""How fast shifts are chosen for a week of quarter-hours, beside pyworkforce (OR-tools CP-SAT, two workers), and how weekly tours are.

672 intervals, 10, 20 and 50 shift templates of 4 to 8.5 hours, the long ones with an unpaid lunch; fewest heads, fewest paid periods, least
absolute difference of required and covered. Before anything is timed, both must find the same optimum. Seconds are those of one whole call
of `schedule_shifts` with either engine, checks and tables included; the median of the rounds. Tours: one shift all week, two days off in a
row, which pyworkforce does not know: HiGHS to a stated gap.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd

import ccstats as cc
from ccstats.errors import DataWarning
from rounds import median_seconds, result_rows

OBJECTIVES = {"heads": "heads", "paid": "paid hours", "difference": "agent-hours short or spare"}
_HOUR = 3600
#: Costs are whole quarters of an hour, and what is within this of the best of a day is less than that from it: it is the best.
GAP = 1e-4


def week(peak: float) -> pd.DataFrame:
    """Whole agents for each quarter-hour of seven days."""
    day = np.concatenate([np.zeros(28), np.sin(np.linspace(0, np.pi, 60)) ** 0.7 * peak, np.linspace(peak / 10, 0, 8)])
    agents = np.concatenate([np.rint(day * each) for each in (1.1, 1.0, 0.95, 0.97, 0.9, 0.6, 0.4)])
    starts = pd.date_range("2024-03-04", periods=len(agents), freq="15min", tz="UTC", unit="us")
    return pd.DataFrame({"queue": "help", "interval_start": starts, "interval_s": 900.0, "agents": agents})


def templates(many: int) -> list[dict[str, Any]]:
    """Shifts that begin from six in the morning on, none over midnight."""
    every = [(start, hours) for start in np.arange(6, 18, 0.25) for hours in (4, 6, 8, 8.5) if start + hours <= 24]
    chosen = dict.fromkeys(np.linspace(0, len(every) - 1, many).round().astype(int))
    lunch = [{"offset_s": 4 * _HOUR, "length_s": _HOUR / 2}]
    return [
        {
            "shift": f"s{at}",
            "first_start": f"{int(every[at][0]):02d}:{int(every[at][0] % 1 * 60):02d}",
            "length_s": every[at][1] * _HOUR,
            "breaks": lunch if every[at][1] >= 8 else [],
        }
        for at in chosen
    ]


def schedule(table: pd.DataFrame, shifts: list[dict[str, Any]], **options: Any) -> cc.Schedule:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.schedule_shifts(table, shifts, timezone="UTC", **options)


def main(
    many: tuple[int, ...] = (10, 20, 50), *, peak: float = 100.0, repeat: int = 3, time_limit_s: float = 120.0, tours: bool = True
) -> list[dict[str, Any]]:
    """Time both; rows of the result table."""
    table, found = week(peak), []
    for number in many:
        shifts = templates(number)
        for objective, said in OBJECTIVES.items():
            asked = {"objective": objective, "gap": GAP, "time_limit_s": time_limit_s}
            ours, theirs = schedule(table, shifts, **asked), schedule(table, shifts, engine="pyworkforce", **asked)
            if ours.status == theirs.status == "optimal" and abs(ours.objective - theirs.objective) > 1e-6 * max(1.0, ours.objective):
                raise SystemExit(f"{number} shifts, {said}: {ours.objective} with HiGHS, {theirs.objective} with pyworkforce")
            if ours.objective > theirs.objective + 1e-6 * max(1.0, ours.objective):
                raise SystemExit(f"{number} shifts, {said}: pyworkforce found {theirs.objective}, better than {ours.objective}")
            proved = {name: "" if made.status == "optimal" else ", not proved" for name, made in (("ours", ours), ("theirs", theirs))}
            took = median_seconds(
                {
                    f"ccstats, HiGHS{proved['ours']}": (lambda s=shifts, a=asked: schedule(table, s, **a), 1.0),
                    f"pyworkforce, CP-SAT{proved['theirs']}": (
                        lambda s=shifts, a=asked: schedule(table, s, engine="pyworkforce", **a),
                        1.0,
                    ),
                },
                repeat,
            )
            case = f"{number} shifts, {len(table)} quarter-hours, {said} ({ours.objective:,.10g})"
            found += result_rows(case, took, len(table), f"ccstats, HiGHS{proved['ours']}")
    return found + (_tours(week(60.0)) if tours else [])


def _tours(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Weekly tours; how far from the best they may be stands in the row."""
    found = []
    for objective, gap in (("heads", 0.01), ("cost", 0.02)):
        began = time.perf_counter()
        made = schedule(table, templates(50), objective=objective, days_off=2, gap=gap, time_limit_s=30)
        took = time.perf_counter() - began
        who = f"ccstats, HiGHS, {objective}: {made.heads} people, within {made.gap:.2%} of the best (asked: {gap:.0%})"
        found += result_rows("350 weekly tours (50 shifts, two days off in a row), 672 quarter-hours", {who: took}, len(table), who)
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shifts", type=int, nargs="*", default=[10, 20, 50])
    for row in main(tuple(parser.parse_args().shifts)):
        print(row)
