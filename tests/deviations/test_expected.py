"""Service level judged: outcomes by a plain loop and by Erlang A, stable queues that are noise, hidden causes that are not."""

from __future__ import annotations

import heapq
import math
import os
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import ccstats as cc
from ccstats.deviations.expected import judge_service_level
from ccstats.deviations.spread import expected_variance, spread_of_outcomes, spread_of_shares
from ccstats.errors import DataWarning, OptionError, TableError, ZoneError
from ccstats.expectation.expected import Rows
from ccstats.expectation.given import simulate_given
from ccstats.expectation.simulated import simulate_once
from ccstats.metrics import SERVICE_LEVELS
from ccstats.queueing import erlang

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
INF = float("inf")
#: The stable queues of the issue: contacts an hour, handle time, agents, patience.
QUEUES = [(60, 300.0, 8, INF), (200, 240.0, 17, INF), (200, 240.0, 16, 180.0), (1000, 300.0, 88, 180.0), (1000, 300.0, 90, INF)]


def rows_of(offered, agents, aht_s, *, patience_s=INF, threshold_s=20.0, short_s=math.nan, run=None, interval_s=1800.0) -> Rows:
    offered = np.asarray(offered, dtype="float64")
    full = [np.broadcast_to(np.asarray(each, dtype="float64"), offered.shape) for each in (agents, aht_s)]
    rest = [np.full(len(offered), float(each)) for each in (interval_s, patience_s, threshold_s, short_s)]
    return Rows(offered, *full, *rest, np.zeros(len(offered), dtype="int64") if run is None else np.asarray(run))


class Fixed:
    """A generator whose next numbers are known, asked for in the order in which the contacts are drawn."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def exponential(self) -> float:
        return self._rng.standard_exponential()

    def uniform(self) -> float:
        return self._rng.random()


def plain_outcome(rows: Rows, fixed, ring_s: float, draw: Fixed) -> np.ndarray:
    """One outcome, event by event, with the lists of the standard library."""
    steps, length = len(rows.offered), rows.interval_s[0]
    contacts, handles, changes = [], [], []
    for k in range(steps):
        number = int(rows.offered[k])
        gaps, handle, patience = [], [], []
        for _ in range(number):
            gaps.append(draw.exponential())
            handle.append(draw.exponential())
            patience.append(rows.patience_s[k] * draw.exponential() if rows.patience_s[k] < INF else INF)
        total = sum(gaps) + draw.exponential()
        mean = rows.aht_s[k] + ring_s
        scale = mean * fixed[k] / sum(handle[: fixed[k]]) if fixed[k] else 0.0
        contacts += [(k, (k + sum(gaps[: i + 1]) / total) * length, patience[i]) for i in range(number)]
        handles.append([each * (scale if i < fixed[k] else mean) for i, each in enumerate(handle)])
        whole, part, where = int(rows.agents[k]), rows.agents[k] - int(rows.agents[k]), draw.uniform()
        before = rows.agents[k - 1] if k else 0.0
        after = rows.agents[k + 1] if k + 1 < steps else 0.0
        free = 0.0 if before > rows.agents[k] > after else 1 - part if before < rows.agents[k] < after else where * (1 - part)
        changes += [(k * length, whole), ((k + free) * length, whole + (part > 0)), ((k + free + part) * length, whole)]
    counts = np.zeros((steps, 5), dtype=int)
    ends, left_over, waiting, agents = [], [], [], 0
    events = sorted([(at, 0, on) for at, on in changes] + [(at, 2, (k, patience)) for k, at, patience in contacts], key=lambda e: e[:2])
    while events or waiting:
        now, kind, what = events[0] if events else (INF, 2, None)
        if ends and ends[0] < now or (ends and ends[0] == now and kind == 2):
            now, kind = ends[0], 1
            heapq.heappop(ends)
        elif now == INF:
            break
        else:
            events.pop(0)
            if kind == 0:
                agents = what
                while len(ends) > agents:  # the last of the heap hands on the contact
                    left_over.append(ends.pop() - now)
            else:
                waiting.append((what[0], now, what[1]))
        while len(ends) < agents and left_over:
            heapq.heappush(ends, now + left_over.pop())
        while waiting and len(ends) < agents:
            k, came, patience = waiting.pop(0)
            wait = now - came
            if wait <= patience:
                heapq.heappush(ends, now + handles[k].pop(0))
                counts[k] += [1, 0, wait + ring_s <= rows.threshold_s[k], 0, 0]
            else:
                counts[k] += [0, 1, 0, patience <= rows.threshold_s[k], patience <= rows.short_s[k]]
    for k, _, patience in waiting:
        if patience < INF:
            counts[k] += [0, 1, 0, patience <= rows.threshold_s[k], patience <= rows.short_s[k]]
    return counts


NAMES = ("answered", "abandoned", "answered_within", "abandoned_within", "abandoned_short")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 25), st.sampled_from([0.0, 1.0, 2.0, 2.5, 3.25])), min_size=1, max_size=4),
    st.sampled_from([INF, 90.0]),
    st.sampled_from([0.0, 5.0]),
    st.booleans(),
    st.integers(0, 1000),
)
def test_an_outcome_by_a_plain_loop(steps, patience_s, ring_s, own, seed) -> None:
    offered, agents = zip(*steps, strict=True)
    rows = rows_of(offered, agents, 120.0, patience_s=patience_s, short_s=10.0, interval_s=600.0)
    fixed = np.minimum(np.full(len(steps), 7 if own else 0), np.array(offered))
    drawn = simulate_given(rows, fixed, replications=1, rng=np.random.default_rng(seed), ring_s=ring_s)
    expected = plain_outcome(rows, fixed, ring_s, Fixed(seed))
    for place, name in enumerate(NAMES):
        assert drawn[name][0].tolist() == expected[:, place].tolist(), name
    assert (drawn["reached_threshold"] == drawn["offered"] - drawn["answered_within"] - drawn["abandoned_within"]).all()


def test_outcomes_are_the_same_on_any_number_of_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, drawn = rows_of([80, 120, 60], [9.5, 12.0, 8.0], 180.0, patience_s=90.0, short_s=10.0), []
    for cores in (1, 2, 7):
        monkeypatch.setattr("os.cpu_count", lambda cores=cores: cores)
        drawn.append(simulate_given(rows, np.array([0, 9, 0]), replications=23, rng=np.random.default_rng(5)))
    # Whichever block is drawn first: the last one here.
    monkeypatch.setattr(
        "ccstats.expectation.given.ThreadPoolExecutor.map", lambda _, work, *each: [work(*one) for one in [*zip(*each, strict=True)][::-1]]
    )
    drawn.append(simulate_given(rows, np.array([0, 9, 0]), replications=23, rng=np.random.default_rng(5)))
    for name in NAMES:
        assert len(np.unique(drawn[0][name][:, 1])) > 3, name  # the outcomes differ from each other, not between machines
        assert (drawn[0][name] == drawn[1][name]).all(), name
        assert (drawn[0][name] == drawn[2][name]).all(), name
        assert (drawn[0][name] == drawn[3][name]).all(), name


@pytest.mark.parametrize("patience_s", [INF, 180.0])
def test_long_intervals_are_as_erlang_has_them(patience_s: float) -> None:
    """So many contacts that their number is hardly chance: the mean of the outcomes is the formula's."""
    rows = rows_of([20_000.0], 11.6, 180.0, patience_s=patience_s, interval_s=360_000.0)
    drawn = simulate_given(rows, np.array([0]), replications=40, rng=np.random.default_rng(1))
    share = drawn["answered_within"][:, 0] / 20_000
    half = stats.t.ppf(0.9995, 39) * share.std(ddof=1) / math.sqrt(40)
    wholes = [float(erlang.service_level(n, 10.0, aht_s=180.0, threshold_s=20.0, patience_s=patience_s)) for n in (11, 12)]
    assert abs(share.mean() - (0.4 * wholes[0] + 0.6 * wholes[1])) < half + 0.005  # 60 of 100 hours there is a twelfth agent


def test_variance_of_the_formula_against_many_outcomes() -> None:
    """Of Poisson arrivals at a steady rate, as the formula has it; an interval among many."""
    for patience_s, agents in ((INF, 13.0), (180.0, 11.0), (60.0, 9.0)):
        rows = rows_of(np.full(6000, 100.0), agents, 180.0, patience_s=patience_s)
        drawn = simulate_once(rows, np.random.SeedSequence(3))
        share = (drawn["answered_within"] / drawn["offered"])[10:]
        binomial = share.mean() * (1 - share.mean()) / 100
        assert float(expected_variance(rows)[0]) == pytest.approx(
            share.var() / binomial, rel=0.25
        )  # low by up to a fifth where many give up


def test_variance_has_limits() -> None:
    rows = rows_of([100.0, 100.0, 0.0, 100.0], [5.0, 0.0, 3.0, 60.0], 180.0)
    assert expected_variance(rows).tolist()[:3] == [100.0, 100.0, 1.0]  # all or nothing, nobody there, nobody calling
    assert expected_variance(rows)[3] == pytest.approx(1.0, abs=1e-6)  # nobody ever waits


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.floats(0.02, 0.98), st.integers(0, 40), st.sampled_from([0.3, 0.1, 0.01]))
def test_shares_of_independent_contacts_are_binomial(counted, mean, observed, outside) -> None:
    observed = min(observed, counted)
    n, middle = np.array([float(counted)]), np.array([mean])
    found = spread_of_shares(middle, middle * (1 - middle) / n, observed / n, n, outside)
    law = stats.binom(counted, mean)
    assert found.p_value[0] == pytest.approx(min(1.0, 2 * min(law.cdf(observed), law.sf(observed - 1))), rel=1e-6, abs=1e-12)
    inside = found.low[0] - 1e-9 <= observed / counted <= found.high[0] + 1e-9
    assert inside == bool(found.p_value[0] >= outside) or abs(found.p_value[0] - outside) < 1e-6


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=2, max_size=60),
    st.integers(0, 10),
    st.sampled_from([0.5, 0.1, 0.01]),
)
def test_spread_of_outcomes_by_a_plain_loop(outcomes, observed, outside) -> None:
    above, below = (np.array([[float(each[place])] for each in outcomes]) for place in (0, 1))
    below = np.maximum(below, above)
    shares = [a / b for a, b in zip(above[:, 0], below[:, 0], strict=True) if b > 0]
    found = spread_of_outcomes(above, below, np.array([observed / 10]), np.array([10.0]), outside)
    if len(shares) < 2:
        assert math.isnan(found.mean[0])
        return
    assert found.mean[0] == pytest.approx(np.mean(shares))
    assert found.sd[0] == pytest.approx(np.std(shares, ddof=1))
    low = sum(each <= observed / 10 + 1e-12 for each in shares)
    high = sum(each >= observed / 10 - 1e-12 for each in shares)
    by_rank = min(1.0, 2 * (min(low, high) + 1) / (len(shares) + 1))
    assert found.p_value[0] <= by_rank + 1e-12
    if low and high:
        assert found.p_value[0] == pytest.approx(by_rank)
    place = int(outside / 2 * (len(shares) + 1) + 1e-9)
    if place:
        assert (found.low[0], found.high[0]) == (sorted(shares)[place - 1], sorted(shares)[-place])
        flagged = not found.low[0] <= observed / 10 <= found.high[0]
        if low and high:
            assert flagged == bool(found.p_value[0] <= outside + 1e-9)


def plan_of(offered, agents, aht_s, *, patience_s=INF, queue="sales") -> pd.DataFrame:
    start = pd.date_range("2026-03-02", periods=len(offered), freq="30min", tz="UTC", unit="us")
    return pd.DataFrame({"queue": pd.Categorical([queue] * len(offered)), "interval_start": start, "interval_s": 1800.0}).assign(
        expected_offered=offered, expected_aht_s=aht_s, agents=agents, patience_s=patience_s, threshold_s=20.0
    )


def played(plan: pd.DataFrame, seed: int, **options: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    made = cc.simulate_contacts(plan, seed=seed, **options)
    return cc.to_intervals(made.contacts, threshold_s=20, short_s=5), cc.to_agent_intervals(made.agent_states)


def day() -> tuple[np.ndarray, np.ndarray]:
    """Volume and agents of a day from 8 to 20 with a noon peak; agents by the square-root rule."""
    hour = np.arange(48) / 2
    offered = np.where((hour >= 8) & (hour < 20), 60 + 40 * np.sin((hour - 8) / 12 * np.pi) + 20 * np.sin((hour - 8) / 3 * np.pi), 0.0)
    load = offered * 240 / 1800
    return offered, np.ceil(load + 0.5 * np.sqrt(load)).astype(int)


@pytest.fixture(scope="module")
def days() -> tuple[pd.DataFrame, pd.DataFrame]:
    offered, agents = day()
    return played(plan_of(np.tile(offered, 5), np.tile(agents, 5), 240.0, patience_s=180.0), seed=1, ring_s=4.0, wrap_share=0.1)


def seeds() -> Iterator[int]:
    return iter(range(max(1, round(10 * EXAM))))


@pytest.mark.parametrize("queue", QUEUES, ids=lambda q: f"{q[0]}-{q[2]}-{q[3]:g}")
def test_stable_queues_are_noise(queue) -> None:
    """At most 2 % of half-hours are flagged in each of the five, and nobody is told a bias."""
    rate, aht_s, agents, patience_s = queue
    parts = []
    for seed in seeds():
        days = max(4, round(28 * EXAM))
        plan = plan_of(np.full(48 * days, rate / 2), np.full(48 * days, agents), aht_s, patience_s=patience_s)
        parts.append(judge_service_level(*played(plan, 100 + seed)))
    judged = pd.concat(parts)
    judged = judged[judged["offered"] > 0]
    flagged = (judged["verdict"] != "noise").sum()
    assert flagged <= stats.binom.ppf(0.999, len(judged), 0.01)
    if EXAM >= 0.5:
        assert flagged / len(judged) <= 0.015
    error = judged["service_level"] - judged["expected_service_level"]
    assert abs(error.mean()) < 4 * error.std() / math.sqrt(len(judged) / 4) + 0.005
    assert error.std() / judged["expected_sd"].mean() < 1.3


@pytest.mark.parametrize("options", [{}, {"ring_s": 6.0, "wrap_share": 0.2}, {"handle": "lognormal", "handle_cv": 1.2}])
def test_agents_who_come_and_go_are_no_deviation(options) -> None:
    offered, agents = day()
    length = max(5, round(28 * EXAM))
    tables = played(plan_of(np.tile(offered, length), np.tile(agents, length), 240.0, patience_s=180.0), 5, **options)
    judged = judge_service_level(*tables)
    judged = judged[judged["offered"] > 0]
    assert (judged["verdict"] != "noise").sum() <= stats.binom.ppf(0.999, len(judged), 0.02)
    assert (judge_service_level(*tables, period="day")["verdict"] != "worse").all() or EXAM > 0.5


@pytest.mark.parametrize("hidden", ["slower", "away"])
def test_hidden_causes_are_flagged(days, hidden) -> None:
    half_hours, staffed = days
    if hidden == "slower":  # every contact takes 15 % longer than logged
        half_hours = half_hours.assign(total_talk_s=half_hours["total_talk_s"] / 1.15, total_wrap_s=half_hours["total_wrap_s"] / 1.15)
    else:  # two agents are logged in as available, and away
        one = staffed.drop_duplicates("interval_start").assign(
            **{f"{state}_s": 0.0 for state in ("reserved", "on_contact", "wrap", "hold")}
        )
        one = one.assign(available_s=one["interval_s"], logged_in_s=one["interval_s"])
        ghosts = [one.assign(agent=f"ghost {number}") for number in (1, 2)]
        staffed = pd.concat([each.astype({"agent": "str"}) for each in (staffed, *ghosts)]).astype({"agent": "category"})
    before = judge_service_level(*days, period="day", replications=100)
    after = judge_service_level(half_hours, staffed, period="day", replications=100)
    busy = before["offered"] > 100
    assert (before["verdict"][busy] == "noise").all()
    assert (after["verdict"][busy] == "worse").all()
    assert (after["late"][busy] > 20).all()
    assert (after["p_value"][busy] < 1e-3).all()  # beyond what 100 outcomes can count
    by_interval = [judge_service_level(half_hours, staffed, replications=100, seed=seed)["verdict"] for seed in range(5)]
    assert sum((each == "worse").sum() for each in by_interval) >= 5 * 4  # of 120; by chance 0.6


@pytest.mark.parametrize("definition", SERVICE_LEVELS)
@pytest.mark.parametrize("model", ["simulation", "transient", "stationary"])
def test_sums_and_verdicts_add_up(days, definition, model) -> None:
    half_hours, staffed = days
    judged = judge_service_level(half_hours, staffed, definition=definition, model=model, replications=20)
    told = judged["verdict"] != "unknown"
    assert (judged["offered"].sum(), told.sum()) == (half_hours["offered"].sum(), (judged[definition].notna()).sum())
    assert judged[told].drop(columns="note").notna().all(axis=None)
    kept = judged["verdict"] == "noise"
    inside = (judged[definition] >= judged["expected_low"] - 1e-9) & (judged[definition] <= judged["expected_high"] + 1e-9)
    assert (inside[told] == kept[told]).mean() > 0.98  # a limit between two possible shares may be either
    measured = cc.measure_service(half_hours, by="queue", period="interval", definition=definition)
    np.testing.assert_allclose(judged[definition], measured[definition].reindex(judged.index))


def test_periods_are_sums_of_intervals(days) -> None:
    half_hours, staffed = days
    by_day = judge_service_level(half_hours, staffed, period="day", timezone="UTC", replications=50)
    by_interval = judge_service_level(half_hours, staffed, replications=50)
    weights = by_interval["offered"].where(by_interval["offered"] > 0, 0)
    expected = (by_interval["expected_service_level"].fillna(0) * weights).groupby(by_interval["interval_start"].dt.floor("D")).sum()
    np.testing.assert_allclose(by_day["expected_service_level"] * by_day["offered"], expected[expected > 0].to_numpy(), rtol=1e-9)
    slots = judge_service_level(half_hours, staffed, period="slot", replications=20)
    assert (slots["offered"].sum(), list(slots.columns[:2])) == (by_day["offered"].sum(), ["slot", "intervals"])
    whole = judge_service_level(half_hours, staffed, period=None, replications=20)
    assert (len(whole), whole["offered"][0]) == (1, by_day["offered"].sum())


def test_a_queue_does_not_depend_on_the_others() -> None:
    offered, agents = day()
    plans = [plan_of(offered, agents, 240.0, patience_s=180.0, queue=name) for name in ("billing", "sales")]
    made = cc.simulate_contacts(pd.concat(plans, ignore_index=True).astype({"queue": "category"}), seed=2)
    half_hours = cc.to_intervals(made.contacts, threshold_s=20)
    staffed = cc.to_agent_intervals(made.agent_states, by="queue")
    staffed = staffed.assign(
        queue=staffed["queue"].astype("str").fillna("").where(staffed["queue"].notna(), staffed["agent"].astype("str"))
    )
    staffed["queue"] = staffed["queue"].str.extract("(billing|sales)", expand=False).astype("category")
    both = judge_service_level(half_hours, staffed, replications=30)
    sales = half_hours[half_hours["queue"] == "sales"]
    alone = judge_service_level(sales, staffed[staffed["queue"] == "sales"], replications=30, by="queue")
    pd.testing.assert_frame_equal(
        both[both["queue"] == "sales"].reset_index(drop=True).drop(columns="queue"), alone.drop(columns="queue"), check_categorical=False
    )
    pooled = judge_service_level(half_hours, staffed, by=(), replications=30)
    assert "queue" not in pooled
    assert pooled["offered"].sum() == both["offered"].sum()


def test_edges(days) -> None:
    half_hours, staffed = days
    kept = half_hours.copy(), staffed.copy()
    judged = judge_service_level(half_hours, staffed.iloc[:0], replications=20)
    busy = judged["offered"] > 0
    assert (judged["expected_service_level"][busy] == 0).all()
    assert set(judged["note"][busy]) == {"nobody on the floor in intervals with contacts"}
    assert (judged["verdict"][busy & (judged["service_level"] > 0.5)] == "better").all()
    assert set(judged["note"][~busy]) == {"no contacts"}
    unlogged = half_hours.assign(
        **{f"total_{part}_s": np.nan for part in ("talk", "hold", "wrap")}, talk_known=0, hold_known=0, wrap_known=0
    )
    with pytest.warns(DataWarning, match="no handle time is known"):
        unknown = judge_service_level(unlogged, staffed, replications=20)
    assert set(unknown["verdict"]) == {"unknown"}
    assert (
        judge_service_level(unlogged, staffed, replications=20, aht_s=200.0)["verdict"].isin(["noise", "better", "worse", "unknown"]).all()
    )
    for period in ("interval", "day", None):
        empty = judge_service_level(half_hours.iloc[:0], staffed.iloc[:0], period=period)
        assert len(empty) == 0
    same = [judge_service_level(half_hours, staffed, replications=20, seed=seed) for seed in (3, 3, 4)]
    pd.testing.assert_frame_equal(same[0], same[1])
    assert not same[0]["expected_sd"].equals(same[2]["expected_sd"])
    pd.testing.assert_frame_equal(half_hours, kept[0])
    pd.testing.assert_frame_equal(staffed, kept[1])


@pytest.mark.parametrize("period", ["interval", "day", "slot", None])
def test_agents_beyond_the_intervals_are_left_out(days, period) -> None:
    half_hours, staffed = days
    staffed = staffed.assign(queue=pd.Categorical(["sales"] * len(staffed)))
    part = half_hours.iloc[20:30]
    judged = judge_service_level(part, staffed, period=period, replications=20)
    inside = staffed["interval_start"].between(part["interval_start"].min(), part["interval_start"].max())
    pd.testing.assert_frame_equal(judged, judge_service_level(part, staffed[inside], period=period, replications=20))
    assert len(judged) == {"interval": 10, "day": 1, "slot": 10, None: 1}[period]
    assert len(judge_service_level(half_hours.iloc[[22]], staffed, period=period, replications=20)) == 1
    none = judge_service_level(half_hours.iloc[:0], staffed, period=period, replications=20)
    assert (len(none), list(none.columns)[-12:]) == (0, list(judged.columns)[-12:])
    # Within the span agents without contacts stay: somebody was there for nobody.
    gap = part.drop(part.index[[1, 2]])
    assert len(judge_service_level(gap, staffed, replications=20)) == 10


def test_agents_may_stand_in_any_order(days) -> None:
    half_hours, staffed = days
    odd = np.random.default_rng(1).uniform(0.9, 1.0, len(staffed)) / 3
    staffed = staffed.assign(available_s=staffed["available_s"] * odd, on_contact_s=staffed["on_contact_s"] * odd)
    judged = judge_service_level(half_hours, staffed, model="stationary")
    for seed in range(5):
        mixed = staffed.sample(frac=1.0, random_state=seed)
        pd.testing.assert_frame_equal(judge_service_level(half_hours, mixed, model="stationary"), judged, check_exact=True)


def test_few_outcomes_have_wide_limits(days) -> None:
    few = judge_service_level(*days, replications=20, coverage=0.999)
    many = judge_service_level(*days, replications=400, coverage=0.9)
    told = few["verdict"] != "unknown"
    assert (few["verdict"][told] == "noise").mean() > 0.98
    assert (few["expected_high"] - few["expected_low"])[told].mean() > (many["expected_high"] - many["expected_low"])[told].mean()
    assert 0.03 < (many["verdict"][told] != "noise").mean() < 0.17


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"definition": "sl_virtual"}, OptionError, "not an observed service level"),
        ({"model": "erlang"}, OptionError, "simulation, transient, stationary"),
        ({"period": "fortnight"}, OptionError, "choose one of: interval, hour"),
        ({"replications": 5}, OptionError, "20 or more"),
        ({"coverage": 1.0}, OptionError, "between 0 and 1"),
        ({"coverage": "x"}, OptionError, "between 0 and 1"),
        ({"patience_s": "x"}, OptionError, "patience_s='x' must be a positive number"),
        ({"aht_s": None}, OptionError, "aht_s=None must be a positive number"),
        ({"window": "x"}, OptionError, "odd number"),
        ({"seed": -1}, OptionError, "whole number from 0"),
        ({"window": 2}, OptionError, "odd number"),
        ({"patience_s": 0.0}, OptionError, "positive"),
        ({"aht_s": "week"}, OptionError, "is not known"),
        ({"by": "agent"}, OptionError, "give 'queue'"),
        ({"by": "queue"}, TableError, "no column 'queue'"),
        ({"period": "day", "timezone": "Asia/Kathmandu"}, ZoneError, "begins inside"),
        ({"period": "day", "timezone": "Mars"}, ZoneError, "no zone"),
    ],
)
def test_what_cannot_be_is_refused(days, options, error, said) -> None:
    with pytest.raises(error, match=said):
        judge_service_level(*days, **options)


def test_tables_cut_differently_are_refused(days) -> None:
    half_hours, staffed = days
    with pytest.raises(TableError, match="cut differently"):
        judge_service_level(half_hours, staffed.assign(interval_start=staffed["interval_start"] + pd.Timedelta(minutes=5)))


def test_by_and_timezone_are_looked_at_first(days) -> None:
    with pytest.raises(OptionError, match=r"by=5 must be a column name"):
        judge_service_level(*days, by=5)
    with pytest.raises(ZoneError, match="Mars"):
        judge_service_level(*days, timezone="Mars")
    half_hours, staffed = days
    with pytest.raises(TableError, match="'offered' is negative"):
        judge_service_level(half_hours.assign(offered=-half_hours["offered"]), staffed)
