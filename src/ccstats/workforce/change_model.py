"""Which changes to make: the program for HiGHS, and its answer as a list of changes and a changed schedule."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, sparse

from ccstats.workforce.change_options import Allowed, Limits, Option, Worker, list_options, workers_of
from ccstats.workforce.kept import ON_QUEUE
from ccstats.workforce.seats import overlaps, seconds_of, to_instants

__all__ = ["Day", "Solved"]

Floats = NDArray[np.float64]
_COVERED_ENOUGH = 1e-6


@dataclass(frozen=True)
class Solved:
    """How often each option is taken, how the solver ended, cost, and its bounds.

    Examples
    --------
    >>> Solved(np.zeros(1), "optimal", 0.0, 0.0, 0.0).status
    'optimal'
    """

    counts: Floats
    status: str
    objective: float
    bound: float
    short_bound: float


class Day:
    """Workers alike in groups, their options as columns, and what each adds to each row of the plan.

    Examples
    --------
    >>> Day.__name__
    'Day'
    """

    def __init__(
        self, spans: pd.DataFrame, frame: pd.DataFrame, required: Floats, rules: tuple[Allowed, ...], limits: Limits, last: float
    ) -> None:
        self.required, self.hours = required, frame["interval_s"].to_numpy(dtype="float64") / 3600
        self.rules = rules
        self._rows = {queue: np.asarray(rows) for queue, rows in frame.groupby("queue", observed=True).indices.items()}
        self._starts, self._lengths = seconds_of(frame["interval_start"]), frame["interval_s"].to_numpy(dtype="float64")
        serving = spans[spans["activity"] == ON_QUEUE]
        whole = self._matrix(serving["queue"].tolist(), seconds_of(serving["started_at"]), seconds_of(serving["ended_at"]))
        self.before: Floats = np.asarray(whole.sum(axis=1)).ravel()
        groups: dict[Any, list[Worker]] = {}
        for worker in workers_of(spans):
            asked = tuple(rule.agents is None or worker.agent in rule.agents for rule in rules)
            groups.setdefault((asked, tuple(shift[1:] for shift in worker.shifts)), []).append(worker)
        self.members = list(groups.values())
        listed = [(number, option) for number, each in enumerate(self.members) for option in list_options(each[0], rules, limits)]
        stretch = [
            (place, self.members[number][0].shifts[option.shift][1], *each)
            for place, (number, option) in enumerate(listed)
            for each in option.stretches
        ]
        gains = sparse.csc_matrix((len(required), len(listed)))
        if stretch:
            place, queues, begin, end, sign = zip(*stretch, strict=True)
            share = self._matrix(list(queues), np.array(begin), np.array(end))
            gains = (share @ sparse.csr_matrix((sign, (np.arange(len(place)), place)), shape=(len(place), len(listed)))).tocsc()
        # What changes nothing in these intervals is not asked for, nor what reaches beyond them, where its harm would not be seen.
        seen = np.array([max(each.end, each.moved[1] if each.moved else each.end) <= last + 1e-6 for _, each in listed], dtype=bool)
        there = np.flatnonzero((np.asarray(abs(gains).sum(axis=0)).ravel() > 1e-9) & seen)
        self.options: list[tuple[int, Option]] = [listed[at] for at in there]
        self.gains = gains[:, there]

    def _matrix(self, queues: list[str], begin: Floats, end: Floats) -> sparse.csr_matrix:
        """Share of each row of the plan that each stretch takes of it."""
        made = sparse.lil_matrix((len(self._starts), len(begin)))
        names = np.array(queues, dtype=object)
        parts = []
        for queue, rows in self._rows.items():
            mine = np.flatnonzero(names == queue)
            part = overlaps(begin[mine], end[mine], self._starts[rows], self._lengths[rows]).tocoo()
            parts.append((rows[part.row], mine[part.col], part.data))
        row, column, value = (np.concatenate(each) for each in zip(*parts, strict=True)) if parts else (np.empty(0, int),) * 3
        return sparse.csr_matrix((value, (row, column)), shape=made.shape)

    def solve(self, short_cost: float | None, time_limit_s: float, gap: float) -> Solved:
        """First as little short as can be, then as cheap as can be; or both at once at a price.

        Examples
        --------
        >>> Day.solve.__name__
        'solve'
        """
        until = time.monotonic() + time_limit_s
        cost = np.array([option.cost for _, option in self.options])
        base = self._short(np.zeros(len(cost)))
        if not len(cost):
            value = base * (short_cost or 0.0)
            return Solved(cost, "optimal", value, value, base if short_cost is None else np.nan)
        if short_cost is not None:
            counts, status, bound = self._milp(cost, short_cost, None, until, gap)
            value = float(cost @ counts) + short_cost * self._short(counts)
            return Solved(counts, status, value, min(bound, value), np.nan)
        least, first, short_bound = self._milp(np.zeros(len(cost)), 1.0, None, until - time_limit_s / 2, gap)
        short = self._short(least)
        short_bound = short if abs(short - short_bound) <= 1e-6 * max(1.0, short) else min(max(short_bound, 0.0), short)
        counts, second, bound = self._milp(cost, 0.0, short, until, gap)
        if self._short(counts) > short + 1e-5 * max(1.0, short):
            counts, second, bound = least, "feasible", -np.inf
        value = float(cost @ counts)
        bound = value if abs(bound - value) <= 1e-6 * max(1.0, abs(value)) else min(bound, value)
        return Solved(counts, "optimal" if first == second == "optimal" else "feasible", value, bound, short_bound)

    def _short(self, counts: Floats) -> float:
        return float(self.hours @ np.clip(self.required - self.before - self.gains @ counts, 0.0, None))

    def _milp(self, cost: Floats, short_cost: float, most_short: float | None, until: float, gap: float) -> tuple[Floats, str, float]:
        many, intervals = len(cost), len(self.required)
        rows = [
            optimize.LinearConstraint(
                sparse.hstack([self.gains, sparse.identity(intervals)], format="csc"), self.required - self.before, np.inf
            )
        ]
        group = np.array([number for number, _ in self.options])
        rule = np.array([option.rule for _, option in self.options])
        most = [float(len(each)) for each in self.members]
        caps = [(rule == at, float(each.most)) for at, each in enumerate(self.rules) if each.most is not None]
        lines = [(group == at, most[at]) for at in np.unique(group)] + caps
        for mine, limit in lines:
            line = sparse.csr_matrix(np.concatenate([mine.astype("float64"), np.zeros(intervals)]))
            rows.append(optimize.LinearConstraint(line, -np.inf, limit))
        if most_short is not None:
            line = sparse.csr_matrix(np.concatenate([np.zeros(many), self.hours]))
            rows.append(optimize.LinearConstraint(line, -np.inf, most_short + 1e-7 * max(1.0, most_short)))
        found = optimize.milp(
            np.concatenate([cost, short_cost * self.hours]),
            constraints=rows,
            integrality=np.concatenate([np.ones(many), np.zeros(intervals)]),
            bounds=optimize.Bounds(0.0, np.concatenate([np.array(most)[group], np.full(intervals, np.inf)])),
            options={"time_limit": max(until - time.monotonic(), 0.05), "mip_rel_gap": gap},
        )
        bound = -np.inf if found.mip_dual_bound is None else float(found.mip_dual_bound)
        if found.x is None:
            return np.zeros(many), "feasible", bound
        return np.rint(found.x[:many]), "optimal" if found.status == 0 else "feasible", bound

    def taken(self, counts: Floats) -> list[tuple[int, int, Option]]:
        """Place of the option, number of the shift, and option of each change: who comes first in a group is asked first.

        Examples
        --------
        >>> Day.taken.__name__
        'taken'
        """
        asked, found = dict.fromkeys(range(len(self.members)), 0), []
        for place, (number, option) in enumerate(self.options):
            for _ in range(int(counts[place])):
                worker = self.members[number][asked[number]]
                asked[number] += 1
                found.append((place, worker.shifts[option.shift][0], option))
        return found

    def table(self, spans: pd.DataFrame, counts: Floats) -> pd.DataFrame:
        """The changes, a row each; the dearest first.

        Examples
        --------
        >>> Day.table.__name__
        'table'
        """
        of_seat = spans.drop_duplicates("seat").set_index("seat")
        gap = self.required - self.before > _COVERED_ENOUGH
        helped = [
            tuple(to_instants(self._starts[np.flatnonzero((self.gains[:, [place]].toarray().ravel() > 1e-9) & gap)]))
            for place, *_ in self.taken(counts)
        ]
        rows = [
            {
                "kind": self.rules[option.rule].kind, "agent": of_seat["agent"][seat], "seat": seat, "queue": of_seat["queue"][seat],
                "shift": of_seat["shift"][seat], "started_at": option.begin, "ended_at": option.end,
                "was_at": np.nan if option.moved is None else option.moved[0], "hours": option.hours, "cost": option.cost, "helps": helps,
            }
            for (_, seat, option), helps in zip(self.taken(counts), helped, strict=True)
        ]  # fmt: skip
        names = ("kind", "agent", "seat", "queue", "shift", "started_at", "ended_at", "was_at", "hours", "cost", "helps")
        made = pd.DataFrame(rows, columns=list(names))
        for name in ("started_at", "ended_at", "was_at"):
            made[name] = pd.to_datetime(made[name].astype("float64") * 1e6, unit="us", utc=True).astype("datetime64[us, UTC]")
        made = made.astype({"kind": "str", "agent": "str", "seat": "int64", "hours": "float64", "cost": "float64"})
        return made.sort_values(["cost", "started_at", "seat"], ascending=[False, True, True], kind="stable", ignore_index=True)

    def changed(self, spans: pd.DataFrame, counts: Floats) -> pd.DataFrame:
        """The schedule with the changes.

        Examples
        --------
        >>> Day.changed.__name__
        'changed'
        """
        found = {seat: option for _, seat, option in self.taken(counts)}
        same = spans[~spans["seat"].isin(found)]
        rows = []
        for _, mine in spans[spans["seat"].isin(found)].groupby("seat"):
            option = found[int(mine["seat"].iloc[0])]
            rows += _rebuilt(mine, self.rules[option.rule].kind, option)
        if rows:
            new = pd.DataFrame(rows, columns=list(spans.columns)).astype({"agent": "str"})
            for name in ("started_at", "ended_at"):
                new[name] = to_instants(new[name].to_numpy(dtype="float64"))
            same = pd.concat([same, new], ignore_index=True) if len(same) else new
        return same.sort_values(["seat", "started_at"], kind="stable", ignore_index=True)


def _rebuilt(mine: pd.DataFrame, kind: str, option: Option) -> list[dict[str, Any]]:
    """The stretches of one shift after its change."""
    first = mine.iloc[0]
    begin, end = float(seconds_of(mine["started_at"]).min()), float(seconds_of(mine["ended_at"]).max())
    begin = min(begin, option.begin) if kind == "overtime_before" else begin
    end = {"leave": option.begin, "overtime_after": option.end}.get(kind, end)
    other = mine[mine["activity"] != ON_QUEUE]
    off = []
    for low, high, activity, paid in zip(
        seconds_of(other["started_at"]), seconds_of(other["ended_at"]), other["activity"], other["paid"], strict=True
    ):
        moved = option.moved is not None and low == option.moved[0]
        low, high = (option.begin, option.end) if moved else (float(low), min(float(high), end))
        if high > low:
            off.append((low, high, activity, paid))
    rows, at = [], begin
    for low, high, activity, paid in [*sorted(off), (end, end, "", True)]:
        if low > at:
            rows.append((at, low, ON_QUEUE, True))
        if high > low:
            rows.append((low, high, activity, paid))
        at = high
    fixed = {"seat": first["seat"], "agent": first["agent"], "queue": first["queue"], "shift": first["shift"]}
    return [{**fixed, "started_at": low, "ended_at": high, "activity": activity, "paid": paid} for low, high, activity, paid in rows]
