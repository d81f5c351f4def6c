"""A plan played through: sound tables that agree with each other, with what was asked for, and with what formulas expect."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
import polars as pl
import pytest

import ccstats as cc
from ccstats.errors import DataWarning, OptionError
from ccstats.queueing.general_patience import impatient_queue
from ccstats.queueing.replications import half_width
from ccstats.schema import AGENT_STATES, CONTACTS
from ccstats.synthetic import Simulation, simulate_contacts

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
START = pd.Timestamp("2026-03-02T08:00Z")


def make_plan(agents=(4, 5, 5, 4), *, offered=30.0, aht_s=200.0, queue="sales", **columns) -> pd.DataFrame:
    size = len(agents)
    return pd.DataFrame(
        {
            "queue": pd.Categorical([queue] * size),
            "interval_start": pd.date_range(START, periods=size, freq="30min", unit="us"),
            "interval_s": 1800.0,
            "expected_offered": offered,
            "expected_aht_s": aht_s,
            "agents": list(agents),
            **columns,
        }
    )


def two_queues(**columns) -> pd.DataFrame:
    both = pd.concat([make_plan((3, 4, 4, 3), **columns), make_plan((2, 3, 3, 2), queue="support", offered=15.0, aht_s=300.0, **columns)])
    return both.astype({"queue": "category"}).reset_index(drop=True)


def shifts() -> tuple[pd.DataFrame, pd.DataFrame]:
    hours = [("Bo", "both", 0, 90), ("Ada", "sales", 0, 120), ("Cy", "both", 30, 120), ("Dee", "sales", 0, 45), ("Dee", "sales", 60, 120)]
    table = pd.DataFrame(hours, columns=["agent", "group", "from", "to"])
    pauses = pd.DataFrame(
        [("Ada", 30, 40, "tea"), ("Bo", 60, 75, "lunch"), ("Cy", 20, 35, "tea")], columns=["agent", "from", "to", "reason"]
    )
    for each in (table, pauses):
        for name, source in (("started_at", "from"), ("ended_at", "to")):
            each[name] = START + pd.to_timedelta(each[source], unit="min").astype("timedelta64[us]")
    return table, pauses


def everything(seed=1, **changes) -> Simulation:
    table, pauses = shifts()
    options = {
        "patience_s": {"sales": 90.0, "support": np.array([30.0, 600.0])},
        "handle": "lognormal",
        "handle_cv": 0.7,
        "wrap_share": 0.2,
        "ring_s": 4.0,
        "skills": {"both": {"support": 1, "sales": 2}, "sales": {"sales": 1}},
        "overflow_s": {"sales": {"support": 30.0}},
        "priorities": {"support": 0, "sales": 1},
        "shifts": table,
        "breaks": pauses,
        "lines": {"sales": 9},
        "retrial_share": 0.5,
        "retrial_delay_s": 300.0,
        "callback_share": 0.3,
        "callback_after_s": 45.0,
    }
    return simulate_contacts(two_queues(), seed=seed, **(options | changes))


CASES = {
    "plain": lambda: simulate_contacts(make_plan(), seed=1),
    "impatient": lambda: simulate_contacts(two_queues(), seed=2, patience_s=60.0, wrap_share=0.1, ring_s=2.5, lines=8),
    "everything": everything,
    "nobody comes": lambda: simulate_contacts(make_plan(offered=0.0), seed=1),
    "nobody works": lambda: simulate_contacts(make_plan((0, 0, 0, 0)), seed=1, patience_s=30.0),
    "one who never stops": lambda: simulate_contacts(make_plan(), seed=1, retrial_share=1.0, patience_s=20.0),
}


@pytest.mark.parametrize("case", CASES)
def test_tables_are_sound_and_agree(case):
    made = CASES[case]()
    for table, schema in ((made.contacts, CONTACTS), (made.agent_states, AGENT_STATES)):
        schema.check(table)
        pd.testing.assert_frame_equal(schema.conform(table), table)  # order of columns, dtypes, sorted by key
    if len(made.contacts):
        checks = cc.reconcile(made.contacts, made.agent_states)
        assert checks["ok"].all(), checks
        assert (checks["difference"].abs() < 1e-6).all()  # one clock: not even rounding differs
    spans = made.agent_states
    assert (spans["ended_at"] > spans["started_at"]).all()
    assert len(spans) or case == "nobody works"
    # contiguous from login to logout, and the next login is later
    same = (spans["agent"] == spans["agent"].shift()).to_numpy()
    gap = (spans["started_at"] - spans["ended_at"].shift()).dt.total_seconds().to_numpy()
    assert (gap[same] >= 0).all()
    # the seconds of the agents are the seconds of the contacts
    seconds = (spans["ended_at"] - spans["started_at"]).dt.total_seconds().groupby(spans["state"].astype("str")).sum()
    answered = made.contacts[made.contacts["outcome"] == "answered"]
    for state, column in (("on_contact", "talk_s"), ("hold", "hold_s"), ("wrap", "wrap_s")):
        assert seconds.get(state, 0.0) == pytest.approx(answered[column].sum(), abs=1e-6)
    assert seconds.get("reserved", 0.0) >= answered["ring_s"].sum() - 1e-6  # some give up while it rings


def test_everything_asked_for_happens():
    contacts = pd.concat([everything(seed).contacts for seed in range(8)])
    assert set(contacts["outcome"].unique()) >= {"answered", "abandoned", "callback", "blocked_full"}
    assert set(contacts.loc[contacts["visit"] == 2, "channel"]) == {"callback"}
    assert contacts.loc[contacts["outcome"] == "blocked_full", "queued_at"].isna().all()
    assert contacts.loc[contacts["queue"] == "support", "wait_s"].max() > 30.0
    spans = pd.concat([everything(seed).agent_states for seed in range(8)])
    assert set(spans["state"].unique()) == {"available", "reserved", "on_contact", "wrap", "pause"}
    assert set(spans["reason"].dropna().unique()) == {"lunch", "tea"}
    # overflow: Ada and Dee have support contacts only because they waited
    helped = contacts[(contacts["queue"] == "support") & contacts["agent"].isin(["Ada", "Dee"])]
    assert len(helped) > 5
    fresh = helped[helped["visit"] == 1]
    assert (fresh["wait_s"] >= 30.0 + 4.0).all()


def test_duty_is_as_asked():
    spans = everything().agent_states
    dee = spans[spans["agent"] == "Dee"]
    minutes = (dee["started_at"] - START).dt.total_seconds() / 60
    assert minutes.iloc[0] == 0.0
    pause = spans[(spans["agent"] == "Ada") & (spans["state"] == "pause")]
    assert pause["ended_at"].tolist() == [START + pd.Timedelta(minutes=40)]
    assert pause["started_at"].iloc[0] >= START + pd.Timedelta(minutes=30)
    # no contact is offered during a break or before a shift
    offered = spans[(spans["agent"] == "Cy") & (spans["state"] == "reserved")]["started_at"]
    assert (offered >= START + pd.Timedelta(minutes=35)).all()
    # numbers of agents: the third is there while three are planned
    made = simulate_contacts(make_plan((2, 3, 2, 3), offered=1.0), seed=1)
    third = made.agent_states[made.agent_states["agent"] == "sales-003"]
    assert third["started_at"].min() == START + pd.Timedelta(minutes=30)
    logged_in = (made.agent_states["ended_at"] - made.agent_states["started_at"]).dt.total_seconds().sum()
    assert logged_in >= 10 * 1800.0


def test_same_seed_same_tables_and_inputs_untouched():
    plan, before = two_queues(), two_queues()
    one, two = (simulate_contacts(plan, seed=3, patience_s=60.0) for _ in range(2))
    pd.testing.assert_frame_equal(one.contacts, two.contacts)
    pd.testing.assert_frame_equal(one.agent_states, two.agent_states)
    pd.testing.assert_frame_equal(plan, before)
    other = simulate_contacts(plan, seed=4, patience_s=60.0)
    assert not other.contacts["queued_at"].head(5).equals(one.contacts["queued_at"].head(5))
    arrow = simulate_contacts(pl.from_pandas(plan), seed=3, patience_s=60.0)
    pd.testing.assert_frame_equal(arrow.contacts, one.contacts)
    loose = plan.astype({"queue": "str", "interval_s": "int64"}).assign(interval_start=plan["interval_start"].dt.tz_convert("Asia/Tokyo"))
    pd.testing.assert_frame_equal(simulate_contacts(loose, seed=3, patience_s=60.0).contacts, one.contacts)


def test_another_staffing_meets_the_same_contacts():
    few = simulate_contacts(make_plan((4, 4, 4, 4)), seed=3).contacts
    more = simulate_contacts(make_plan((9, 9, 9, 9)), seed=3).contacts
    assert (few["queued_at"] == more["queued_at"]).all()
    both = ((few["outcome"] == "answered") & (more["outcome"] == "answered")).to_numpy()
    assert both.sum() > 80
    np.testing.assert_allclose(few["talk_s"][both], more["talk_s"][both], atol=0.0021)  # instants are cut to milliseconds
    assert few["wait_s"].sum() > more["wait_s"].sum()
    # nor does a second queue change the first
    alone = simulate_contacts(make_plan((3, 4, 4, 3)), seed=3).contacts
    beside = simulate_contacts(two_queues(), seed=3).contacts
    assert alone["queued_at"].tolist() == beside.loc[beside["queue"] == "sales", "queued_at"].tolist()


def test_measured_service_is_what_erlang_a_expects():
    days, intervals = max(20, int(200 * EXAM)), 48
    plan = make_plan([12] * intervals, offered=100.0, aht_s=200.0)
    found = {"service_level": [], "abandonment_rate": [], "occupancy": []}
    for seed in range(days):
        made = simulate_contacts(plan, seed=seed, patience_s=120.0, wrap_share=0.1)
        late = made.contacts["queued_at"] >= START + pd.Timedelta(hours=1)  # it begins empty
        service = cc.measure_service(cc.to_intervals(made.contacts[late], threshold_s=20))
        spans = made.agent_states[made.agent_states["started_at"] >= START + pd.Timedelta(hours=1)]
        seconds = (spans["ended_at"] - spans["started_at"]).dt.total_seconds()
        busy = spans["state"].isin(["on_contact", "wrap"])
        found["service_level"].append(service["service_level"].iloc[0])
        found["abandonment_rate"].append(service["abandonment_rate"].iloc[0])
        found["occupancy"].append(seconds[busy].sum() / seconds.sum())
    expected = impatient_queue(12, 100.0 * 200.0 / 1800.0, aht_s=200.0, patience=120.0, threshold_s=20.0)
    for name, values in found.items():
        half = half_width(np.array(values), 1 - 0.01 / 3)
        assert half < 0.02
        assert abs(np.mean(values) - float(getattr(expected, name))) <= half, name


def test_plan_brings_its_own_patience():
    plan = make_plan([5] * 8, offered=40.0, patience_s=50.0)
    own = simulate_contacts(plan, seed=1).contacts
    said = simulate_contacts(plan.drop(columns="patience_s"), seed=1, patience_s=50.0).contacts
    pd.testing.assert_frame_equal(own, said)
    assert (own["outcome"] == "abandoned").any()
    never = simulate_contacts(plan.assign(patience_s=[np.inf, np.nan] * 4), seed=1).contacts
    assert not (never["outcome"] == "abandoned").any()


@pytest.mark.parametrize(("law", "cv"), [("exponential", 1.0), ("lognormal", 0.5), ("deterministic", 0.0)])
def test_handle_times_follow_their_law(law, cv):
    made = simulate_contacts(make_plan([600], offered=4000.0), seed=1, handle=law, handle_cv=0.5, wrap_share=0.25).contacts
    handle = (made["talk_s"] + made["wrap_s"]).to_numpy()
    assert handle.mean() == pytest.approx(200.0, rel=0.05)
    assert handle.std() / handle.mean() == pytest.approx(cv, abs=0.06)
    assert made["wrap_s"].sum() / handle.sum() == pytest.approx(0.25, abs=1e-3)
    assert made["hold_s"].isna().all()


def test_handle_times_and_patience_resampled_from_contacts():
    log = cc.synthesize_contacts(seed=1, days=7).contacts
    mine = log[(log["queue"] == "sales") & (log["outcome"] == "answered")].dropna(subset=["talk_s", "hold_s", "wrap_s"])
    plan = make_plan([60] * 4, offered=300.0)
    made = simulate_contacts(plan, seed=1, handle=log, patience_s=log).contacts
    answered = made[made["outcome"] == "answered"]
    triples = set(map(tuple, (mine[["talk_s", "hold_s", "wrap_s"]] * 1000).round().astype(int).to_numpy()))
    near = (answered[["talk_s", "hold_s", "wrap_s"]] * 1000).round().astype(int).to_numpy()
    step = range(-2, 3)  # instants are cut to milliseconds
    assert all(any((a + i, b + j, c + k) in triples for i in step for j in step for k in step) for a, b, c in near[:100])
    assert answered["talk_s"].mean() == pytest.approx(mine["talk_s"].mean(), rel=0.1)
    assert (answered["hold_s"] > 0).mean() == pytest.approx((mine["hold_s"] > 0).mean(), abs=0.05)
    # patience by Kaplan–Meier: the same curve from a centre where nobody is answered
    lost = simulate_contacts(make_plan([0] * 4, offered=2000.0), seed=1, patience_s=log).contacts
    seen = log[(log["queue"] == "sales") & log["outcome"].isin(["answered", "abandoned"])]
    from ccstats.queueing.survival import kaplan_meier

    curve = kaplan_meier(seen["wait_s"].to_numpy(), (seen["outcome"] == "abandoned").to_numpy())
    for at in (10.0, 30.0, 60.0):
        waited = (lost["wait_s"] > at).mean()
        assert waited == pytest.approx(float(curve.at([at])[0]), abs=0.02)
    assert set(lost["outcome"].unique()) <= {"abandoned", "open"}


def test_laws_of_your_own():
    made = simulate_contacts(
        make_plan([2] * 4, offered=60.0),
        seed=1,
        handle=lambda rng, mean_s: mean_s * rng.uniform(0.5, 1.5, len(mean_s)),
        patience_s=lambda rng, size: np.full(size, 33.0),
    ).contacts
    gave_up = made[made["outcome"] == "abandoned"]
    assert gave_up["wait_s"].tolist() == pytest.approx([33.0] * len(gave_up), abs=0.0011)
    assert made["talk_s"].between(99.9, 300.1)[made["outcome"] == "answered"].all()


def test_retrials_come_again_as_often_as_asked():
    made = simulate_contacts(make_plan([0] * 8, offered=500.0), seed=1, patience_s=30.0, retrial_share=0.4, retrial_delay_s=60.0).contacts
    attempts = made.groupby("customer").size()
    assert attempts.mean() == pytest.approx(1 / (1 - 0.4), rel=0.05)
    assert (attempts == 1).mean() == pytest.approx(0.6, abs=0.03)
    assert (made["visit"] == 1).all()
    assert made["contact_id"].is_unique
    again = made.sort_values(["customer", "queued_at"])
    gap = (again["queued_at"] - again["queued_at"].shift()).dt.total_seconds() - again["wait_s"].shift()
    gap = gap[(again["customer"] == again["customer"].shift()).to_numpy()]
    assert gap.mean() == pytest.approx(60.0, rel=0.1)


def test_rows_that_lack_a_number_are_said():
    plan = make_plan([5] * 4)
    plan.loc[1, "expected_offered"] = np.nan
    plan.loc[2, "expected_aht_s"] = np.nan
    with pytest.warns(DataWarning, match="1 have no expected_offered .* 1 contacts but no expected_aht_s"):
        made = simulate_contacts(plan, seed=1, handle="deterministic").contacts
    hour = (made["queued_at"] - START).dt.total_seconds() // 1800
    assert 1.0 not in set(hour)
    assert made["talk_s"].to_numpy() == pytest.approx(200.0, abs=0.0011)
    plan = make_plan([5.0, np.nan, 5.0, 5.0])
    with pytest.warns(DataWarning, match="no number of agents"):
        made = simulate_contacts(plan, seed=1)
    idle = made.agent_states[made.agent_states["state"] == "available"]["started_at"]
    assert not idle.between(START + pd.Timedelta(minutes=50), START + pd.Timedelta(minutes=59)).any()


TABLE, PAUSES = shifts()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"plan": make_plan().drop(columns="expected_aht_s")}, "expected_aht_s"),
        ({"plan": make_plan().drop(columns="agents")}, "agents"),
        ({"plan": make_plan([1.5] * 4)}, "whole numbers"),
        ({"plan": make_plan([-1] * 4)}, "whole numbers"),
        (
            {"plan": make_plan([4.0, np.inf, 5.0, np.inf])},
            "agents infinite in 2 rows, first 'sales' at 2026-03-02 08:30.*no number of agents met",
        ),
        ({"plan": make_plan().head(0)}, "no rows"),
        ({"seed": -1}, "seed=-1 must be a whole number from 0 on"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"seed": "one"}, "seed='one'"),
        ({"plan": make_plan(lines=[3.0, 3.0, 4.0, 4.0])}, "lines"),
        ({"plan": make_plan(offered=-1.0)}, "expected_offered"),
        ({"plan": make_plan(offered=np.inf)}, "expected_offered"),
        ({"plan": make_plan(interval_s=0.0)}, "interval_s"),
        ({"plan": pd.concat([make_plan(), make_plan()], ignore_index=True)}, "repeated"),
        ({"patience_s": -5.0}, "patience_s"),
        ({"patience_s": {"support": 5.0}}, "no queue 'sales'"),
        ({"patience_s": CONTACTS.empty()}, "no answered or abandoned row"),
        ({"handle": "gamma"}, "handle="),
        ({"handle": CONTACTS.empty()}, "no answered row"),
        ({"handle": lambda rng, mean_s: -mean_s}, "handle="),
        ({"handle_cv": -1.0}, "handle_cv"),
        ({"wrap_share": 1.5}, "wrap_share"),
        ({"retrial_share": -0.1}, "retrial_share"),
        ({"ring_s": np.inf}, "ring_s"),
        ({"skills": {"sales": {"billing": 1}}}, "billing"),
        ({"skills": {"gold": {"sales": 1}}}, "gold"),
        ({"overflow_s": {"gold": {"sales": 10.0}}}, "gold"),
        ({"priorities": {"billing": 1}}, "billing"),
        ({"lines": {"billing": 1}}, "billing"),
        ({"staff": make_plan()}, "group"),
        ({"shifts": TABLE}, "one group"),
        ({"shifts": TABLE.assign(group="sales", ended_at=START)}, "end before they begin"),
    ],
)
def test_what_cannot_be_is_refused(arguments, text):
    with pytest.raises(cc.CcstatsError, match=text):
        simulate_contacts(**({"plan": make_plan(), "seed": 1} | arguments))


def test_an_aht_that_nobody_knows_is_refused():
    with pytest.warns(DataWarning), pytest.raises(OptionError, match="give it a handle time"):
        simulate_contacts(make_plan(aht_s=np.nan), seed=1)


def test_staff_by_group():
    staff = make_plan([3, 3, 3, 3]).rename(columns={"queue": "group"}).assign(group="all")
    made = simulate_contacts(two_queues(), seed=1, skills={"all": {"sales": 1, "support": 1}}, staff=staff, patience_s=60.0)
    spans = made.agent_states
    assert set(spans["agent"].unique()) == {"all-001", "all-002", "all-003"}
    assert spans.loc[spans["state"] == "available", "queue"].isna().all()
    assert set(spans["queue"].dropna().unique()) == {"sales", "support"}
