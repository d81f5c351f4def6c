"""The queue through the day: against the matrix exponential, Erlang's figures and the simulation; and what must always hold."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest
from erlang_reference import Row, rows
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.linalg import expm

from ccstats.errors import OptionError
from ccstats.queueing.simulation import arrival_times, simulate_queue
from ccstats.queueing.transient import Transient, stationary_service, transient_service
from ccstats.queueing.uniformisation import _gauss, _poisson

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))


# ---------------------------------------------------------------------------------------------------------------- matrix exponential


class Matrices:
    """The same model with dense matrices: the chain on 0 … size, and one contact followed from its arrival to its end."""

    def __init__(self, offered, agents, aht, length, patience, lines, threshold, start, finish, size=40):
        self.lam = [o / s for o, s in zip(offered, length, strict=True)]
        self.agents, self.length, self.threshold, self.finish, self.size = agents, length, threshold, finish, size
        self.mu, self.theta = [1 / a for a in aht], [1 / p for p in patience]
        self.lines = [min(x, size) for x in lines]
        self.begin, self.known = [], {}
        p = np.zeros(size + 1)
        p[: len(start)] = start
        for i in range(len(offered)):
            if i and finish and agents[i] < agents[i - 1]:
                p = self.leave(p, agents[i - 1], agents[i])
            self.begin.append(p)
            p = p @ self.over(self.chain, i, length[i])
        self.end = p

    def leave(self, p, before, after):
        out = np.zeros_like(p)
        for k, mass in enumerate(p):
            busy = min(k, before)
            for gone in range(before - after + 1):
                out[k - gone] += mass * stats.hypergeom.pmf(gone, before, busy, before - after)
        return out

    def chain(self, i):
        n, size = self.agents[i], self.size
        q = np.zeros((size + 1, size + 1))
        for k in range(size + 1):
            if k < self.lines[i]:
                q[k, k + 1] = self.lam[i]
            if k:
                q[k, k - 1] = min(k, n) * self.mu[i] + max(k - n, 0) * self.theta[i]
        return q - np.diag(q.sum(axis=1))

    def over(self, rates, i, seconds):
        """What becomes of it in so many seconds; contacts that come at different times live through the same whole intervals."""
        key = rates.__name__, i, seconds
        if key not in self.known:
            self.known[key] = expm(rates(i) * seconds)
        return self.known[key]

    def at(self, i, seconds):
        return self.begin[i] @ self.over(self.chain, i, seconds)

    def waiting(self, i):
        """One waiting contact: places 0 … size ahead, answered, given up; each twice, the second time multiplied by the wait so far."""
        n, half = self.agents[i], self.size + 3
        q = np.zeros((half, half))
        for j in range(n, self.size + 1):
            q[j, self.size + 1 if j == n else j - 1] = n * self.mu[i] + (j - n) * self.theta[i]
            q[j, self.size + 2] += self.theta[i]
        q -= np.diag(q.sum(axis=1))
        ages = np.zeros((half, half))
        ages[: self.size + 1, : self.size + 1] = np.eye(self.size + 1)
        return np.block([[q, ages], [np.zeros((half, half)), q]])

    def fate(self, i, seconds):
        """Answered, given up, each within the threshold and ever, and wait of the answered and of the others, by number found there."""
        half = self.size + 3
        fates = np.zeros((self.size + 1, 6))
        x = np.zeros((self.size + 1, 2 * half))
        for k in range(self.size + 1):
            x[k, k if k >= self.agents[i] else self.size + 1] = k < self.lines[i]
        left, to_go, here = self.length[i] - seconds, self.threshold[i], i
        while True:
            last = here == len(self.length) - 1
            span = left if not last else 3e4
            if to_go is not None and (last or to_go <= span):
                x = x @ self.over(self.waiting, here, to_go)
                fates[:, :2] = x[:, self.size + 1 : self.size + 3]
                span, to_go = span - to_go, None
            elif to_go is not None:
                to_go -= span
            x = x @ self.over(self.waiting, here, span)
            if last:
                fates[:, 2:4] = x[:, self.size + 1 : half]
                fates[:, 4:6] = x[:, half + self.size + 1 :]
                return fates
            here, left = here + 1, self.length[here + 1]
            before, after = self.agents[here - 1], self.agents[here]
            for first in (0, half):
                if self.finish and after < before:
                    x[:, first : first + self.size + 1] = np.roll(x[:, first : first + self.size + 1], after - before, axis=1)
                served = slice(first, first + after)
                x[:, first + self.size + 1] += x[:, served].sum(axis=1)
                x[:, served] = 0.0

    def measures(self, nodes=16):
        rows = []
        for i, length in enumerate(self.length):
            cuts = sorted({0.0, length, *(max(sum(self.length[i : b + 1]) - self.threshold[i], 0.0) for b in range(i, len(self.length)))})
            cuts = [c for c in cuts if c <= length]
            row = dict.fromkeys(
                [
                    "answered_within",
                    "abandoned_within",
                    "answered",
                    "abandoned",
                    "wait_answered",
                    "wait_left",
                    "blocked",
                    "waited",
                    "busy",
                    "queue",
                ],
                0.0,
            )
            n, k = self.agents[i], np.arange(self.size + 1)
            for a, b in zip(cuts, cuts[1:], strict=False):
                x, weight = np.polynomial.legendre.leggauss(nodes)
                for t, share in zip(a + (b - a) * (x + 1) / 2, weight * (b - a) / 2, strict=True):
                    p = self.at(i, t)
                    names = ["answered_within", "abandoned_within", "answered", "abandoned", "wait_answered", "wait_left"]
                    for name, value in zip(names, p @ self.fate(i, t), strict=True):
                        row[name] += self.lam[i] * share * value
                    row["blocked"] += self.lam[i] * share * p[k >= self.lines[i]].sum()
                    row["waited"] += self.lam[i] * share * p[(k >= n) & (k < self.lines[i])].sum()
                    row["busy"] += share * (p @ np.minimum(k, n))
                    row["queue"] += share * (p @ np.maximum(k - n, 0))
            row["queue_at_end"] = self.at(i, length) @ np.maximum(k - n, 0)
            rows.append(row)
        return {name: np.array([row[name] for row in rows]) for name in rows[0]}


CASES = {
    "staffing up and down": dict(offered=[6, 9, 4, 5], agents=[2, 3, 5, 2], aht=[100.0] * 4, length=[300.0] * 4, patience=[150.0] * 4),
    "rates change, staffing not": dict(
        offered=[9, 3, 8], agents=[3, 3, 3], aht=[60.0, 120.0, 90.0], length=[300.0, 200.0, 400.0], patience=[90.0, 400.0, 60.0]
    ),
    "nobody gives up": dict(offered=[9, 2, 1], agents=[3, 4, 2], aht=[90.0] * 3, length=[200.0] * 3, patience=[math.inf] * 3),
    "few lines": dict(offered=[12, 9, 4], agents=[2, 4, 1], aht=[100.0] * 3, length=[300.0] * 3, patience=[200.0] * 3, lines=[6, 6, 6]),
    "an interval without agents": dict(offered=[5, 4, 6], agents=[3, 0, 4], aht=[80.0] * 3, length=[200.0] * 3, patience=[120.0] * 3),
    "thresholds over several borders": dict(
        offered=[5, 6, 5, 4],
        agents=[2, 1, 3, 2],
        aht=[60.0] * 4,
        length=[60.0, 40.0, 80.0, 60.0],
        patience=[200.0] * 4,
        threshold=[70.0, 30.0, 95.0, 50.0],
    ),
    "begins in the middle": dict(
        offered=[5, 6], agents=[3, 2], aht=[80.0] * 2, length=[200.0] * 2, patience=[120.0] * 2, start=[0, 0, 0, 0.25, 0, 0.75]
    ),
}


@pytest.mark.parametrize("finish", [True, False], ids=["finish", "hand back"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_against_the_matrix_exponential(case, finish):
    full = {"lines": [math.inf] * len(case["offered"]), "threshold": [20.0] * len(case["offered"]), "start": [1.0]} | case
    exact = Matrices(**full, finish=finish).measures()
    got = transient_service(
        case["offered"],
        case["agents"],
        aht_s=case["aht"],
        interval_s=case["length"],
        patience_s=case["patience"],
        threshold_s=full["threshold"],
        lines=full["lines"],
        start="empty" if "start" not in case else full["start"],
        finish=finish,
    )
    same = dict(rtol=2e-9, atol=2e-10)
    for name in ("answered", "abandoned", "blocked", "answered_within", "abandoned_within", "queue_at_end"):
        np.testing.assert_allclose(getattr(got, name), exact[name], err_msg=name, **same)
    np.testing.assert_allclose(got.wait_probability, exact["waited"] / got.offered, **same)
    np.testing.assert_allclose(got.mean_wait_s, exact["wait_answered"] / exact["answered"], **same)
    admitted = got.offered - exact["blocked"]
    np.testing.assert_allclose(got.mean_wait_all_s, (exact["wait_answered"] + exact["wait_left"]) / admitted, **same)
    np.testing.assert_allclose(got.mean_queue, exact["queue"] / np.array(case["length"]), **same)
    on_duty = np.array(case["agents"]) > 0
    np.testing.assert_allclose(
        got.occupancy[on_duty], (exact["busy"] / np.array(case["length"]) / np.maximum(case["agents"], 1))[on_duty], **same
    )
    assert np.isnan(got.occupancy[~on_duty]).all()


# ---------------------------------------------------------------------------------------------------------- somebody else's numbers

#: What a published number is here, in one interval that begins in its stationary state.
METRICS = {
    "mean_queue": lambda x, n: x.mean_queue,
    "mean_wait_s": lambda x, n: x.mean_wait_all_s,
    "mean_wait_admitted_s": lambda x, n: x.mean_wait_all_s,
    "mean_wait_served_s": lambda x, n: x.mean_wait_s,
    "occupancy": lambda x, n: x.occupancy,
    "prob_abandon": lambda x, n: x.abandonment_rate,
    "prob_abandon_offered": lambda x, n: x.abandonment_rate,
    "prob_block": lambda x, n: x.blocked / x.offered,
    "prob_no_wait": lambda x, n: 1 - x.wait_probability,
    "prob_wait": lambda x, n: x.wait_probability,
    "prob_wait_offered": lambda x, n: x.wait_probability,
    "service_level": lambda x, n: x.service_level,
    "sl_offered": lambda x, n: x.service_level,
    "sl_answered": lambda x, n: x.answered_within / x.answered,
    "sl_excl_short": lambda x, n: x.answered_within / (x.offered - x.abandoned_within),
    "sl_wait": lambda x, n: (x.answered_within + x.abandoned_within) / x.offered,
}


def stationary_row(row: Row) -> float:
    rate = row.arrivals_per_hour / 3600
    interval_s = 100 / (rate + row.agents / row.aht_s)
    got = transient_service(
        [rate * interval_s],
        [row.agents],
        aht_s=row.aht_s,
        interval_s=interval_s,
        patience_s=np.inf if math.isnan(row.patience_s) else row.patience_s,
        lines=np.inf if math.isnan(row.lines) else row.lines,
        threshold_s=None if math.isnan(row.threshold_s) else row.threshold_s,
        start="stationary",
    )
    return float(METRICS[row.metric](got, row.agents)[0])


def test_stationary_numbers_of_others():
    """Whole agents; the largest systems only under the full exam. (100,000 Erlangs for 100,001 agents take millions of states.)"""
    chosen = [
        row
        for row in rows(("C", "A", "CK", "AK"))
        if row.metric in METRICS
        and row.agents == int(row.agents)
        and row.load <= 1200 + 1e5 * EXAM
        and (row.model != "C" or row.load < 0.9999 * row.agents)
    ]
    assert len(chosen) > 110
    for row in chosen:
        assert abs(stationary_row(row) - row.value) <= max(row.tolerance, 2e-9) * abs(row.value) + 1e-12, row


def test_reference_rows_of_this_model():
    """The file names the model ``A-transient`` but holds no row of it; one that comes must be computed here, not passed over."""
    assert rows("transient") == []


@pytest.mark.parametrize(
    ("agents", "load", "aht_s", "patience_s", "level"), [(100, 105, 120, 600, 0.94676), (50, 52, 60, 300, 0.94515)], ids=["100", "50"]
)
def test_many_jumps_do_not_underflow(agents, load, aht_s, patience_s, level):
    """exp(-rate * t) is 0 beyond 745; a peer's answers are 0.087 and 0.1615 where these are right (15 minutes' service level)."""
    got = transient_service(
        [load * 900 / aht_s], agents, aht_s=aht_s, interval_s=900, patience_s=patience_s, threshold_s=900, start="stationary"
    )
    assert round(float(got.service_level[0]), 5) == level
    # one long interval is many short ones
    one = transient_service([load * 86400 / aht_s], agents, aht_s=aht_s, interval_s=86400, patience_s=patience_s, threshold_s=900)
    many = transient_service(np.full(480, load * 180 / aht_s), agents, aht_s=aht_s, interval_s=180, patience_s=patience_s, threshold_s=900)
    np.testing.assert_allclose(many.answered_within.sum(), one.answered_within[0], rtol=1e-10)
    np.testing.assert_allclose(many.abandoned.sum(), one.abandoned[0], rtol=1e-10)


# ------------------------------------------------------------------------------------------------------------------------ simulation

DAY = 3 + 35 * np.exp(-(((np.arange(48) - 20.5) / 4.4) ** 2)) + 28 * np.exp(-(((np.arange(48) - 31.5) / 5.0) ** 2))


def test_simulated_day():
    """48 half-hours with two peaks, agents come and go: every half-hour and the whole day within the 99 % confidence interval."""
    aht_s, patience_s, threshold_s, interval_s = 240.0, 180.0, 20.0, 1800.0
    load = DAY * aht_s / interval_s
    agents = np.maximum(1, np.round(load + 0.3 * np.sqrt(load)))
    assert (np.diff(agents) < 0).sum() >= 5
    got = transient_service(DAY, agents, aht_s=aht_s, interval_s=interval_s, patience_s=patience_s, threshold_s=threshold_s)
    rng = np.random.default_rng(20250303)
    count = int(400 + 20000 * EXAM)
    names = ["answered", "abandoned", "answered_within", "abandoned_within", "wait"]
    seen = np.zeros((count, len(names), 48))
    for day in range(count):
        arrival = arrival_times(DAY, interval_s=interval_s, seed=rng)
        handle, patience = rng.exponential(aht_s, arrival.size), rng.exponential(patience_s, arrival.size)
        duty = np.append(agents, [agents[-1]] * 4).astype(int)  # the last staffing stays until everybody is served
        run = simulate_queue(arrival, handle, patience, agents=duty, interval_s=interval_s)
        left, quick = run.abandoned, run.wait_s <= threshold_s
        for row, value in enumerate([~left, left, ~left & quick, left & quick, np.where(left, 0.0, run.wait_s)]):
            seen[day, row] = np.bincount((arrival // interval_s).astype(int), weights=value, minlength=48)
    for row, name in enumerate(names):
        expected = got.mean_wait_s * got.answered if name == "wait" else getattr(got, name)
        error = seen[:, row].std(axis=0, ddof=1) / math.sqrt(count)
        far = np.abs(seen[:, row].mean(axis=0) - expected) / error
        day = seen[:, row].sum(axis=1)
        whole = abs(day.mean() - expected.sum()) / day.std(ddof=1) * math.sqrt(count)
        # 49 intervals at once: 99 % for all together, of each of the five
        assert max(far.max(), whole) < stats.t.ppf(1 - 0.005 / 49, count - 1), name
        assert math.sqrt((far**2).mean()) < 1.4, name  # a bias too small to leave an interval would show here


# ---------------------------------------------------------------------------------------------------------------------- closed forms


def test_as_patient_as_served():
    """Where patience is as long as a contact, nobody feels the agents: a Poisson number in the system, whatever the staffing."""
    aht_s, interval_s = 200.0, 600.0
    offered, agents = np.array([20.0, 50.0, 5.0, 0.0, 30.0]), np.array([5, 12, 12, 3, 9])
    got = transient_service(offered, agents, aht_s=aht_s, interval_s=interval_s, patience_s=aht_s, finish=False)
    mean = 0.0
    for i, (rate, n) in enumerate(zip(offered / interval_s, agents, strict=True)):
        x, weight = np.polynomial.legendre.leggauss(40)
        t = interval_s * (x + 1) / 2
        means = rate * aht_s + (mean - rate * aht_s) * np.exp(-t / aht_s)
        k = np.arange(200)
        law = stats.poisson.pmf(k, means[:, None])
        np.testing.assert_allclose(got.mean_queue[i], weight / 2 @ (law @ np.maximum(k - n, 0)), rtol=1e-10)
        np.testing.assert_allclose(got.occupancy[i], weight / 2 @ (law @ np.minimum(k, n)) / n, rtol=1e-10)
        if rate:
            np.testing.assert_allclose(got.wait_probability[i], weight / 2 @ law[:, n:].sum(axis=1), rtol=1e-10)
        mean = rate * aht_s + (mean - rate * aht_s) * math.exp(-interval_s / aht_s)
        law = stats.poisson.pmf(k, mean)
        np.testing.assert_allclose(got.queue_at_end[i], law @ np.maximum(k - n, 0), rtol=1e-10)


def test_deep_overload_grows_by_the_difference():
    """All 1,000 agents stay busy: the queue grows by what comes less what is served, exactly, and drains as fast."""
    start = np.zeros(1401)
    start[1400] = 1.0
    got = transient_service([6600, 5500], [1000, 1000], aht_s=180, interval_s=1000, start=start, threshold_s=20)
    np.testing.assert_allclose(got.queue_at_end, [400 + 6600 - 1e6 / 180, 400 + 12100 - 2e6 / 180], rtol=1e-9)
    np.testing.assert_allclose(got.service_level, 0.0, atol=1e-12)
    np.testing.assert_allclose(got.answered, got.offered)
    np.testing.assert_allclose(got.occupancy, 1.0)
    # who finds a queue of q waits q + 1 services
    mean_found = np.array([400 + (6600 - 1e6 / 180) / 2, 400 + 6600 - 1e6 / 180 + (5500 - 1e6 / 180) / 2])
    np.testing.assert_allclose(got.mean_wait_s, (mean_found + 1) * 180 / 1000, rtol=1e-9)


def test_constant_rates_settle():
    got = transient_service(np.full(60, 50.0), 10, aht_s=180, interval_s=900, patience_s=120, threshold_s=20)
    settled = transient_service([50.0], 10, aht_s=180, interval_s=900, patience_s=120, threshold_s=20, start="stationary")
    for name in ("service_level", "abandonment_rate", "mean_wait_s", "mean_queue", "occupancy"):
        distance = np.abs(getattr(got, name) - getattr(settled, name))
        assert distance[0] > 1e-3 * getattr(settled, name)[0] > 1e6 * distance[-1], name


def test_stationary_intervals():
    """Interval by interval: the formulas, which are the chain in its stationary state."""
    offered, agents = np.array([[50.0, 20.0, 90.0], [10.0, 0.0, 30.0]]), np.array([[10, 6, 12], [3, 2, 0]])
    common = {"aht_s": 180, "interval_s": [900, 900, 1800], "patience_s": [[120], [600]], "threshold_s": 20}
    for lines in (np.inf, 14):
        got = stationary_service(offered, agents, **common, lines=lines)
        for queue, interval in np.ndindex(offered.shape):
            cell = {"offered": offered, "agents": agents, **common}
            cell = {name: np.broadcast_to(value, (2, 3))[queue, [interval]] for name, value in cell.items()}
            chain = transient_service(**cell, lines=lines, start="stationary")
            for name, formula, exact in zip(Transient._fields, got, chain, strict=True):
                np.testing.assert_allclose(formula[queue, interval], exact[0], rtol=1e-9, atol=1e-11, err_msg=name)
    without = stationary_service(offered, agents, **common | {"threshold_s": None})
    assert np.isnan(without.service_level).all()
    assert np.isnan(without.answered_within).all()


def test_stationary_overload_gives_limits():
    got = stationary_service([60, 10], [4, 4], aht_s=180, interval_s=1800, threshold_s=20)
    assert got.service_level[0] == 0
    assert got.service_level[1] > 0.9
    assert math.isinf(got.mean_wait_s[0])
    assert got.wait_probability[0] == got.occupancy[0] == 1
    # within its half-hour the queue is far from its limit
    assert 0 < transient_service([60, 10], [4, 4], aht_s=180, interval_s=1800, threshold_s=20).service_level[0] < 0.3


def test_patience_of_a_million_seconds():
    common = {"aht_s": 180, "interval_s": 1800, "threshold_s": 20}
    for_ever = transient_service([40, 80, 40], [5, 7, 6], **common)
    long = transient_service([40, 80, 40], [5, 7, 6], patience_s=1e6, **common)
    np.testing.assert_allclose(long.service_level, for_ever.service_level, rtol=1e-2)
    assert (for_ever.abandoned == 0).all()
    assert (long.abandonment_rate < 1e-3).all()


# -------------------------------------------------------------------------------------------------------------------- what must hold

SOME_DAYS = st.integers(1, 5).flatmap(
    lambda size: st.fixed_dictionaries(
        {
            "offered": st.lists(st.integers(0, 300).map(lambda n: n / 10), min_size=size, max_size=size),
            "agents": st.lists(st.integers(0, 80).map(lambda n: n / 10) | st.integers(0, 8), min_size=size, max_size=size),
            "aht_s": st.lists(st.floats(20, 400), min_size=size, max_size=size),
            "interval_s": st.lists(st.floats(60, 900), min_size=size, max_size=size),
            "patience_s": st.floats(10, 1000) | st.just(math.inf),
            "threshold_s": st.sampled_from([0.0, 5.0, 20.0, 300.0]),
            "lines": st.integers(0, 20) | st.just(math.inf),  # beyond the agents
            "finish": st.booleans(),
        }
    ).map(lambda day: day | {"lines": day["lines"] + math.ceil(max(day["agents"]))})
)


@given(SOME_DAYS)
@settings(max_examples=max(40, int(1000 * EXAM)), deadline=None)
def test_nothing_is_lost(day):
    got = transient_service(**day)
    lost = got.offered - got.answered - got.abandoned - got.blocked
    if day["agents"][-1] > 0 or math.isfinite(day["patience_s"]):
        np.testing.assert_allclose(lost, 0.0, atol=1e-8)
    else:
        assert (lost > -1e-8).all()
    tiny = 1e-8
    assert (got.answered_within <= got.answered + tiny).all()
    assert (got.abandoned_within <= got.abandoned + tiny).all()
    assert ((got.occupancy <= 1 + tiny) | np.isnan(got.occupancy)).all()
    assert all((np.isnan(field) | (field >= -tiny)).all() for field in got)
    assert np.isnan(got.service_level).tolist() == [each == 0 for each in day["offered"]]


@given(SOME_DAYS)
@settings(max_examples=max(40, int(1000 * EXAM)), deadline=None)
def test_who_gives_up_is_counted_once(day):
    """Booked by arrival or seen by the clock: in all, the same number gives up."""
    patience_s = min(day["patience_s"], 500.0)
    long = {"offered": 0.0, "agents": day["agents"][-1], "aht_s": day["aht_s"][-1], "interval_s": 40 * (patience_s + day["aht_s"][-1])}
    day = day | {name: [*day[name], value] for name, value in long.items()} | {"patience_s": patience_s, "finish": True}
    got = transient_service(**day)
    queue_s = (got.mean_queue * day["interval_s"]).sum()
    np.testing.assert_allclose(got.abandoned.sum(), queue_s / patience_s, rtol=1e-8, atol=1e-9)


@given(SOME_DAYS)
@settings(max_examples=max(30, int(500 * EXAM)), deadline=None)
def test_a_border_without_change_changes_nothing(day):
    whole = transient_service(**day)
    halves = {name: np.repeat(day[name], 2) for name in ("agents", "aht_s")}
    halves |= {name: np.repeat(np.array(day[name]) / 2, 2) for name in ("offered", "interval_s")}
    got = transient_service(**day | halves)
    for name in ("answered", "abandoned", "blocked", "answered_within", "abandoned_within"):
        np.testing.assert_allclose(getattr(got, name).reshape(-1, 2).sum(axis=1), getattr(whole, name), rtol=1e-8, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(got.queue_at_end[1::2], whole.queue_at_end, rtol=1e-8, atol=1e-9)


@given(SOME_DAYS, st.floats(0.01, 100))
@settings(max_examples=30, deadline=None)
def test_the_unit_of_time_does_not_matter(day, scale):
    scaled = day | {name: np.array(day[name]) * scale for name in ("aht_s", "interval_s", "patience_s", "threshold_s")}
    one, other = transient_service(**day), transient_service(**scaled)
    for name in Transient._fields:
        unit = scale if name.endswith("_s") else 1
        some = (
            one.answered > 1e-6 * one.offered if "mean_wait" in name else np.full(len(one.offered), True)
        )  # else 0 divided by 0, or nearly
        np.testing.assert_allclose(getattr(other, name)[some] / unit, getattr(one, name)[some], rtol=1e-7, atol=1e-8, err_msg=name)


def test_more_of_an_agent_is_never_worse():
    """From 4 to 12 agents in steps of 0.1: continuous and monotone, on the day as in each interval."""
    steps = np.arange(40, 121) / 10
    got = transient_service(np.tile([30, 60, 40], (81, 1)), steps[:, None], aht_s=180, interval_s=1200, patience_s=240, threshold_s=20)
    assert (np.diff(got.answered_within, axis=0) > 0).all()
    assert (np.diff(got.abandoned, axis=0) < 0).all()
    assert (np.diff(got.service_level, axis=0) < 0.06).all()


@pytest.mark.parametrize("part", [0.05, 0.3, 0.5, 0.7, 0.95])
@pytest.mark.parametrize("patience_s", [0.5, 30, 120, 600, math.inf])
def test_part_of_an_agent_is_that_of_the_formulas(part, patience_s):
    """A constant staffing in its stationary state: the continued Erlang formulas, in every measure."""
    per_agent = np.array([0.5, 0.8, 0.95] if math.isinf(patience_s) else [0.0, 0.01, 0.5, 0.8, 1.0, 1.3])
    agents = np.array([0, 1, 3, 9, 24, 49])[:, None] + part
    queues = np.broadcast_arrays(agents, per_agent)
    agents, offered = queues[0].reshape(-1, 1), (10 * queues[0] * queues[1]).reshape(-1, 1)
    common = {"aht_s": 180, "interval_s": 1800, "patience_s": patience_s, "threshold_s": 20}
    chain = transient_service(offered, agents, **common, start="stationary")
    for name, got, formula in zip(Transient._fields, chain, stationary_service(offered, agents, **common), strict=True):
        some = offered > 0 if "mean_wait" in name or name == "wait_probability" else np.full(offered.shape, True)
        np.testing.assert_allclose(got[some], formula[some], rtol=1e-8, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("finish", [True, False])
def test_a_trace_of_an_agent_more_or_less(finish):
    """Through changes of staffing, from an empty start or not, the measures are continuous where the agents become whole."""
    agents = np.array([[3, 5, 2, 0, 4, 1], [6, 1, 1, 3, 2, 7]], dtype="float64")
    common = {"aht_s": 180, "interval_s": 600, "patience_s": 150, "threshold_s": 60, "finish": finish}
    for start in ("empty", [0.2, 0, 0.3, 0, 0, 0, 0.5]):
        whole = transient_service([20, 30, 12, 4, 25, 10], agents, **common, start=start)
        for trace in (1e-7, -1e-7):
            near = transient_service([20, 30, 12, 4, 25, 10], np.maximum(agents + trace, 0), **common, start=start)
            for name in ("answered", "abandoned", "answered_within", "abandoned_within", "wait_probability", "mean_queue", "queue_at_end"):
                np.testing.assert_allclose(getattr(near, name), getattr(whole, name), rtol=2e-5, atol=2e-5, err_msg=name)


def test_part_of_an_agent_moves_the_level_by_its_part():
    """Where parts change from interval to interval: between the whole numbers below and above."""
    offered, agents = [30, 60, 40, 20, 35], np.array([4.3, 7.8, 5.5, 2.1, 4.9])
    common = {"aht_s": 180, "interval_s": 1200, "patience_s": 240, "threshold_s": 20}
    for finish in (True, False):
        low, got, high = (transient_service(offered, n, **common, finish=finish) for n in (np.floor(agents), agents, np.ceil(agents)))
        assert (low.answered_within < got.answered_within).all()
        assert (got.answered_within < high.answered_within).all()
        assert (low.abandoned > got.abandoned).all()
        assert (got.abandoned > high.abandoned).all()


@pytest.mark.parametrize(("interval_s", "points"), [(60, 0.0025), (1800, 0.0015)])
def test_parts_that_take_turns_are_nearly_their_mean(interval_s, points):
    """What the chance at the borders adds, as the notes of `transient_service` say."""
    common = {"aht_s": 180, "interval_s": interval_s, "patience_s": 240, "threshold_s": 20, "finish": False}
    count = 36000 // interval_s
    offered = np.full(count, 0.9 * 5.5 * interval_s / 180)
    turns, mean = (transient_service(offered, np.resize(n, count), **common) for n in ([5.3, 5.7], [5.5]))
    assert abs(turns.answered_within.sum() - mean.answered_within.sum()) < points * offered.sum()


def test_long_overloaded_queue_is_quick():
    """222,000 waiting: only the states and places that somebody can be in are computed (1 s; with all places it took 7 to 17)."""
    common = {"aht_s": 180, "interval_s": 1800, "patience_s": 1e5, "threshold_s": 20}
    got = transient_service([5000], [100], **common, start="stationary")
    np.testing.assert_allclose(got.mean_queue, 4000 / 1800 * 1e5)
    np.testing.assert_allclose(got.abandonment_rate, 0.8)


def test_nobody_ever_comes_to_the_phone():
    got = transient_service([10, 0], 0, aht_s=180, interval_s=600, threshold_s=20)
    assert got.answered.tolist() == got.abandoned.tolist() == [0, 0]
    assert math.isinf(got.mean_wait_all_s[0])
    assert math.isnan(got.mean_wait_s[0])
    assert math.isnan(got.occupancy[0])
    np.testing.assert_allclose(got.queue_at_end, 10)
    assert math.isnan(got.service_level[1])


def test_queues_are_rows():
    offered, agents = np.array([[20, 50, 30], [5, 0, 9]]), np.array([[5, 8, 7], [2, 1, 1]])
    threshold_s = np.array([[20.0], [40.0]])
    both = transient_service(offered, agents, aht_s=[180, 200, 220], interval_s=900, patience_s=[[100], [300]], threshold_s=threshold_s)
    assert both.service_level.shape == (2, 3)
    for queue in range(2):
        one = transient_service(
            offered[queue],
            agents[queue],
            aht_s=[180, 200, 220],
            interval_s=900,
            patience_s=[100, 300][queue],
            threshold_s=threshold_s[queue],
        )
        for whole, row in zip(both, one, strict=True):
            np.testing.assert_array_equal(whole[queue], row)
    without = transient_service(offered, agents, aht_s=[180, 200, 220], interval_s=900, patience_s=[[100], [300]])
    np.testing.assert_allclose(without.abandoned, both.abandoned, rtol=1e-12)
    assert np.isnan(without.service_level).all()


def test_inputs_are_left_alone():
    offered, start = np.array([20.0, 30.0]), np.array([0.5, 0.5])
    got = transient_service(offered, [2, 3], aht_s=180, interval_s=600, patience_s=100, start=start)
    got.offered[:] = 0
    assert offered.tolist() == [20, 30]
    assert start.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"offered": [1, -2]}, r"offered= holds -2.0 at \(1,\)"),
        ({"offered": [1, math.nan]}, "offered= holds nan"),
        ({"offered": "many"}, "offered= must be numbers"),
        ({"agents": [1, math.inf]}, "agents= holds inf"),
        ({"agents": [1, 2, 3]}, "do not fit together"),
        ({"aht_s": 0}, "aht_s= holds 0.0; expected positive and finite"),
        ({"interval_s": [600, -1]}, "interval_s= holds -1"),
        ({"patience_s": 0}, "patience_s= holds 0.0; expected positive"),
        ({"threshold_s": -1}, "threshold_s= holds -1.0"),
        ({"threshold_s": math.inf}, "threshold_s= holds inf"),
        ({"lines": 2.5}, "whole numbers of places"),
        ({"lines": 2}, r"lines= holds 2 at \(1,\) for 3 agents; expected at least one line for each agent"),
        ({"offered": 5, "agents": 1}, "at least one of each"),
        ({"offered": [], "agents": []}, "at least one of each"),
        ({"start": "full"}, "start='full' is not known"),
        ({"start": [0.5, 0.4]}, "adds up to 0.9"),
        ({"start": [1.5, -0.5]}, "start= holds -0.5"),
        ({"start": [[1.0], [1.0]]}, r"expected \(states,\) or \(1, states\)"),
        ({"start": "stationary"}, "no stationary state"),
        ({"start": "stationary", "offered": 20 / 3 * (1 - 1e-9)}, "too close to saturation"),
    ],
)
def test_bad_input(change, text):
    fine = {"offered": [20, 20], "agents": [2, 3], "aht_s": 180, "interval_s": 600}
    with pytest.raises(OptionError, match=text):
        transient_service(**fine | change)


# -------------------------------------------------------------------------------------------------------------------------- the tools


def test_poisson_weights():
    for mean in (1e-9, 0.3, 7.0, 123.4, 500.0):
        weight, beyond = _poisson(mean)
        k = np.arange(weight.size)
        np.testing.assert_allclose(weight, stats.poisson.pmf(k, mean), rtol=1e-11, atol=1e-30)
        np.testing.assert_allclose(beyond, stats.poisson.sf(k, mean), rtol=1e-9, atol=1e-20)


def test_nodes_of_gauss():
    for size in (1, 2, 9, 60):
        x, w = np.polynomial.legendre.leggauss(size)
        node, weight = _gauss(size)
        np.testing.assert_allclose(node, (x + 1) / 2, atol=1e-14)
        np.testing.assert_allclose(weight, w / 2, atol=1e-14)
