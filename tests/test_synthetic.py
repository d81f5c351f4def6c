"""The synthetic centre: sound tables, the truth it states, and states built span by span as a plain loop builds them."""

from __future__ import annotations

import math
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import OptionError, ZoneError
from ccstats.queueing.simulation import arrival_times, simulate_queue
from ccstats.schema import AGENT_STATES, CONTACTS, STATES
from ccstats.synthetic import QUEUES, Planted, QueueSpec, Synthetic
from ccstats.synthetic.agents import Blocks, _states, roster

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
PLANTED = (
    Planted("volume", "2025-01-15", "2025-01-16", factor=1.6, queue="sales"),
    Planted("aht", "2025-01-21 12:00", "2025-01-23", factor=1.4, queue="support"),
    Planted("staff", "2025-01-27 08:00", "2025-01-27 14:00", factor=0.5),
    Planted("volume", "2025-01-30 09:30", "2025-01-30 10:30", factor=2.0),  # a queue when it all stops
    Planted("outage", "2025-01-30 10:30", "2025-01-30 12:00"),
    Planted("aht", "2025-01-30 12:00", "2025-01-30 15:00", factor=2.0, queue="sales"),
    Planted("volume", "2025-01-31 13:00", "2025-01-31 17:00", factor=2.0),  # a queue when the log ends
)


@pytest.fixture(scope="module")
def centre() -> Synthetic:
    return cc.synthesize_contacts(seed=11, planted=PLANTED, until="2025-01-31 15:30")


@pytest.fixture(scope="module")
def big() -> Synthetic:
    """One busy queue, for statistics."""
    days = 20 + int(100 * EXAM)
    return cc.synthesize_contacts(seed=5, days=days, queues=[QueueSpec("big", 2500, patience_s=120.0, day_cv=0.1)], holidays=None)


def seconds(frame: pd.DataFrame) -> pd.Series:
    return (frame["ended_at"] - frame["started_at"]).dt.total_seconds()


@pytest.mark.parametrize(
    "arguments",
    [
        {"days": 3},
        {"days": 2, "resolution_s": 1.0},
        {"start": "2025-03-29", "days": 3, "timezone": "Europe/Berlin", "holidays": "DE-BE"},
        {"days": 2, "queues": [QueueSpec("night", 60, opens="00:00", closes="24:00", weekdays=(1.0,) * 7, channel="chat")]},
        {"days": 5, "planted": [Planted("outage", "2025-01-08 09:00", "2025-01-08 09:30", queue="support")]},
        {"days": 1, "start": "2025-01-05"},  # a Sunday: all closed
    ],
    ids=str,
)
def test_tables_are_sound(arguments):
    made = cc.synthesize_contacts(seed=2, **arguments)
    CONTACTS.check(made.contacts)
    AGENT_STATES.check(made.agent_states)
    for table, frame in ((CONTACTS, made.contacts), (AGENT_STATES, made.agent_states)):
        assert list(frame.columns) == [name for name in table.names() if name in frame]
        pd.testing.assert_frame_equal(frame, frame.sort_values(list(table.key), ignore_index=True))


def test_tables_are_sound_with_everything_planted(centre):
    CONTACTS.check(centre.contacts)
    AGENT_STATES.check(centre.agent_states)
    assert set(centre.contacts["outcome"]) >= {"answered", "abandoned", "exited_key", "failed", "open"}
    assert set(centre.agent_states["closed_by"]) == {"event", "restart", "end_of_file"}
    assert set(centre.agent_states["state"]) == set(STATES) - {"other"}


def test_same_seed_same_tables():
    first, second, other = (cc.synthesize_contacts(seed=seed, days=2, planted=PLANTED) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(first.contacts, second.contacts)
    pd.testing.assert_frame_equal(first.agent_states, second.agent_states)
    pd.testing.assert_frame_equal(first.truth, second.truth)
    assert not first.contacts.equals(other.contacts)


def test_agent_states_are_contiguous(centre):
    for frame in (centre.agent_states, cc.synthesize_contacts(seed=1, days=3, resolution_s=1.0).agent_states):
        assert (seconds(frame) > 0).all()
        same = (frame["agent"].cat.codes.diff() == 0).to_numpy()[1:]
        start, end = (pd.DatetimeIndex(frame[name]).asi8 for name in ("started_at", "ended_at"))
        gap = (start[1:] - end[:-1])[same] / 1e6
        assert (gap >= 0).all()
        # a gap is a time logged out, never between two states of one session
        assert (gap[gap > 0] > 300).all()


def test_states_tell_the_same_story_as_contacts(centre):
    contacts, states = centre.contacts, centre.agent_states
    spans = states.assign(s=seconds(states)).pivot_table(
        index=["contact_id", "queue"], columns="state", values="s", aggfunc="sum", observed=True
    )
    done = contacts[contacts["talk_s"].notna()].set_index(["contact_id", "queue"])
    spans = spans.reindex(done.index).fillna(0.0)
    np.testing.assert_allclose(spans["on_contact"], done["talk_s"], atol=1e-6)
    np.testing.assert_allclose(spans["hold"], done["hold_s"], atol=1e-6)
    known = done["wrap_s"].notna()
    np.testing.assert_allclose(spans["wrap"][known], done["wrap_s"][known], atol=1e-6)
    np.testing.assert_allclose(spans["reserved"], done["ring_s"] + 15.0 * done["ring_noanswer"].astype(float), atol=0.0011)
    talk = (
        states[states["state"] == "on_contact"]
        .groupby(["contact_id", "queue"], observed=True)
        .agg(agent=("agent", "first"), at=("started_at", "min"))
    )
    talk = talk.reindex(done.index)
    assert (talk["agent"].astype(str) == done["agent"].astype(str)).all()
    assert (talk["at"] == done["queued_at"] + pd.to_timedelta(done["wait_s"], unit="s").dt.round("ms")).all()


def test_arrivals_follow_the_stated_mean(centre, big):
    for made in (centre, big):
        first = made.contacts[made.contacts["visit"] == 1]
        counts = first.groupby(["queue", first["queued_at"].dt.floor("30min")], observed=True).size()
        truth = made.truth.set_index(["queue", "interval_start"])
        counts = counts.reindex(truth.index, fill_value=0)
        mean = truth["mean_offered"]
        assert abs(counts.sum() - mean.sum()) <= 4 * math.sqrt(mean.sum())
        assert (counts[mean == 0] == 0).all()
        # Pearson's statistic of Poisson counts: mean and variance of a chi-square, its variance raised by sum(1 / mean)
        used = mean > 1
        pearson = ((counts - mean) ** 2 / mean)[used].sum()
        assert abs(pearson - used.sum()) <= 4 * math.sqrt(2 * used.sum() + (1 / mean[used]).sum())


def test_day_factor_spreads_whole_days(big):
    day = big.truth.groupby(big.truth["interval_start"].dt.tz_convert("Europe/Istanbul").dt.date)[
        ["mean_offered", "expected_offered"]
    ].sum()
    factor = (day["mean_offered"] / day["expected_offered"])[day["expected_offered"] > 0]
    # standard error of a standard deviation of nearly normal values: s / sqrt(2 n)
    assert abs(factor.std() - 0.1) <= 4 * 0.1 / math.sqrt(2 * len(factor))
    assert abs(factor.mean() - 1.0) <= 4 * 0.1 / math.sqrt(len(factor))


def test_handle_times_and_patience_are_as_stated(big):
    contacts, spec = big.contacts, big.queues[0]
    answered = contacts[contacts["wrap_s"].notna()]
    handle = answered["talk_s"] + answered["hold_s"] + answered["wrap_s"]
    assert abs(handle.mean() - spec.aht_s) <= 4 * handle.std() / math.sqrt(len(handle))
    log = np.log(handle)
    assert abs(log.std() - math.sqrt(math.log1p(spec.handle_cv**2))) <= 4 * log.std() / math.sqrt(2 * len(log))
    assert abs(answered["wrap_s"].mean() - spec.wrap_s) <= 4 * answered["wrap_s"].std() / math.sqrt(len(handle))
    held = (answered["hold_s"] > 0).mean()
    assert abs(held - spec.hold_share) <= 4 * math.sqrt(spec.hold_share / len(answered))
    # censored exponential: total wait over the number who gave up
    gave_up = (contacts["outcome"] == "abandoned").sum()
    assert abs(contacts["wait_s"].sum() / gave_up / spec.patience_s - 1) <= 4 / math.sqrt(gave_up)
    missed, offers = contacts["ring_noanswer"].sum(), contacts["ring_attempts"].sum()
    # two chances to miss; a few callers give up while it rings, and what would have been missed is never known
    expected = 2 * spec.missed_ring_share / (1 + 2 * spec.missed_ring_share)
    assert 0.8 * expected <= missed / offers <= expected + 4 * math.sqrt(expected / offers)


def test_service_is_plausible(centre, big):
    for made in (centre, big):
        contacts = made.contacts
        within = ((contacts["outcome"] == "answered") & (contacts["wait_s"] <= 20)).mean()
        assert 0.6 < within < 0.97
        assert 0.005 < (contacts["outcome"] == "abandoned").mean() < 0.15


def test_those_who_do_not_get_through_call_again(big):
    contacts, spec = big.contacts, big.queues[0]
    early = contacts["queued_at"] < contacts["queued_at"].max() - pd.Timedelta(days=8)
    again = contacts.duplicated("customer", keep="last")  # the same customer comes later
    through = contacts["outcome"] == "answered"
    for who, share in ((~through, spec.redial_share), (through, spec.repeat_share)):
        rows = early & who
        assert abs(again[rows].mean() - share) <= 4 * math.sqrt(share * (1 - share) / rows.sum())


def test_transfers_are_second_visits(centre):
    contacts = centre.contacts
    first = contacts[contacts["transferred_to"].notna()]
    following = contacts.merge(
        first.assign(visit=first["visit"] + 1)[["contact_id", "visit", "queued_at", "wait_s", "talk_s", "hold_s", "transferred_to"]],
        on=["contact_id", "visit"],
        suffixes=("", "_before"),
    )
    assert len(following) == len(first) == (contacts["visit"] > 1).sum() > 100
    assert (following["queue"].astype(str) == following["transferred_to_before"].astype(str)).all()
    busy = following[["wait_s_before", "talk_s_before", "hold_s_before"]].sum(axis=1)
    ends = following["queued_at_before"] + pd.to_timedelta(busy, unit="s")
    assert ((following["queued_at"] - ends).dt.total_seconds().abs() < 1e-5).all()
    assert following["arrived_at"].notna().all()
    assert centre.truth["transferred_in"].sum() == len(following)
    share = {spec.name: spec.transfer_share for spec in centre.queues}
    for queue in ("sales", "support"):
        answered = contacts[(contacts["queue"] == queue) & contacts["talk_s"].notna()]
        expected = share[queue]
        # after closing time nobody is sent on
        assert expected - 5 * math.sqrt(expected / len(answered)) <= answered["transferred_to"].notna().mean() <= expected * 1.2


def test_a_place_outside_is_no_visit():
    made = cc.synthesize_contacts(seed=1, days=2, queues=[QueueSpec("front", 300, transfer_to="branch", transfer_share=0.3)])
    assert (made.contacts["visit"] == 1).all()
    assert 0.2 < (made.contacts["transferred_to"] == "branch").mean() < 0.4


def test_truth_names_what_was_planted(centre):
    truth = centre.truth
    local = truth["interval_start"].dt.tz_convert("Europe/Istanbul")
    for each in PLANTED:
        here = (local >= pd.Timestamp(each.start, tz="Europe/Istanbul")) & (local < pd.Timestamp(each.end, tz="Europe/Istanbul"))
        if each.queue:
            here &= truth["queue"] == each.queue
        assert here.any()
        labels = truth.loc[here, "label"].astype(str)
        assert labels.str.split("+").map(lambda words, kind=each.kind: kind in words).all()
    outage = truth["label"] == "outage"
    assert (truth.loc[outage, ["mean_offered", "agents"]] == 0).all(axis=None)
    assert (truth.loc[truth["label"] == "aht", "mean_aht_s"] > truth.loc[truth["label"] == "aht", "expected_aht_s"]).all()
    plain = truth[truth["label"].isna()]
    assert (plain["mean_aht_s"] == plain["expected_aht_s"]).all()
    spike = truth[(truth["label"] == "volume") & (truth["interval_start"] < "2025-01-20")]
    assert 1.6 * 0.7 < spike["mean_offered"].sum() / spike["expected_offered"].sum() < 1.6 * 1.3
    thin = truth[(truth["label"] == "staff") & (truth["planned_agents"] > 4)]
    assert 0.35 < thin["agents"].sum() / thin["planned_agents"].sum() < 0.75


def test_restart_loses_open_contacts(centre):
    contacts, states = centre.contacts, centre.agent_states
    down, up = (pd.Timestamp(f"2025-01-30 {clock}", tz="Europe/Istanbul").tz_convert("UTC") for clock in ("10:30", "12:00"))
    assert not contacts["queued_at"].between(down, up, inclusive="left").any()
    failed = contacts[contacts["outcome"] == "failed"]
    assert (failed["queued_at"] + pd.to_timedelta(failed["wait_s"], unit="s") == down).all()
    lost = contacts[(contacts["outcome"] == "answered") & contacts["talk_s"].isna() & (contacts["queued_at"] < down)]
    assert len(lost) > 3
    assert (lost["ended_by"] == "system").all()
    assert not ((states["started_at"] < up) & (states["ended_at"] > down)).any()
    assert (states.loc[states["closed_by"] == "restart", "ended_at"] == down).all()


def test_log_that_ends_in_the_middle_leaves_contacts_open(centre):
    contacts, states = centre.contacts, centre.agent_states
    stop = pd.Timestamp("2025-01-31 15:30", tz="Europe/Istanbul").tz_convert("UTC")
    waiting = contacts[contacts["outcome"] == "open"]
    assert (waiting["queued_at"] + pd.to_timedelta(waiting["wait_s"], unit="s") == stop).all()
    talking = contacts[
        (contacts["outcome"] == "answered") & contacts["talk_s"].isna() & (contacts["queued_at"] > stop - pd.Timedelta(hours=4))
    ]
    assert len(talking) > 3
    assert talking["ended_by"].isna().all()
    assert (states["ended_at"] <= stop).all()
    assert centre.truth["interval_start"].max() == stop - pd.Timedelta(minutes=30)


def test_hours_are_local_and_holidays_quiet():
    made = cc.synthesize_contacts(seed=1, start="2025-03-24", days=28, timezone="Europe/Berlin", holidays="DE-BE")
    clock = made.contacts["queued_at"].dt.tz_convert("Europe/Berlin")
    visits = made.contacts["visit"] == 1
    assert clock[visits].dt.hour.between(8, 19).all()
    rows = made.truth.groupby(["queue", made.truth["interval_start"].dt.tz_convert("Europe/Berlin").dt.date], observed=True).size()
    assert set(rows.xs(pd.Timestamp("2025-03-30").date(), level=1)) == {46}
    assert set(rows.xs(pd.Timestamp("2025-04-07").date(), level=1)) == {48}
    good_friday = made.truth["holiday"]
    assert set(made.truth.loc[good_friday, "interval_start"].dt.tz_convert("Europe/Berlin").dt.date.astype(str)) == {"2025-04-18"}
    friday = made.truth["interval_start"].dt.tz_convert("Europe/Berlin").dt.date.astype(str) == "2025-04-11"
    ratio = made.truth.loc[good_friday, "expected_offered"].sum() / made.truth.loc[friday, "expected_offered"].sum()
    assert ratio == pytest.approx(0.15)


def plain_states(blocks, there, duty, per_step):
    """Span by span, agent by agent, as one would with pencil and paper: `(agent, start, end, state, pause, contact)`."""
    out = []
    for agent in range(len(there)):
        mine = sorted(block for block in blocks if block[0] == agent)
        here = [*there[agent], False]
        edges = [k for k in range(len(here)) if here[k] != (here[k - 1] if k else False)]
        logged_out_at = 0
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            login, logout = max(first * per_step, logged_out_at), last * per_step
            taken = [b for b in mine if first * per_step <= b[2] < logout]
            spans = []
            for _, contact, offered, answered, hold_from, hold_to, talk_end, free in taken:
                spans += [(offered, answered, "reserved", 0, contact), (answered, hold_from, "on_contact", 0, contact)]
                spans += [
                    (hold_from, hold_to, "hold", 0, contact),
                    (hold_to, talk_end, "on_contact", 0, contact),
                    (talk_end, free, "wrap", 0, contact),
                ]
            k = first
            while k < last:
                if duty[agent][k]:
                    k += 1
                    continue
                begin = k
                while k < last and not duty[agent][k]:
                    k += 1
                late = max([b[7] for b in taken if b[2] < begin * per_step] + [begin * per_step])
                spans.append((late, k * per_step, "pause", 2 if k - begin > 1 else 1, -1))
            logout = max([b[7] for b in taken] + [logout])
            spans = sorted(span for span in spans if span[1] > span[0])
            now = login
            for start, end, state, pause, contact in spans:
                if start > now:
                    out.append((agent, now, start, "available", 0, -1))
                out.append((agent, start, end, state, pause, contact))
                now = end
            if logout > now:
                out.append((agent, now, logout, "available", 0, -1))
            logged_out_at = logout
    return out


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=max(60, int(1500 * EXAM)), deadline=None)
def test_states_are_those_of_a_plain_loop(seed):
    rng = np.random.default_rng(seed)
    steps, agents = int(rng.integers(2, 16)), int(rng.integers(1, 5))
    there = np.repeat(rng.random((agents, -(-steps // 3))) < 0.7, 3, axis=1)[:, :steps]
    duty = there & (rng.random((agents, steps)) < 0.8)
    at = arrival_times(np.full(steps, 3.0), interval_s=900.0, seed=rng)
    handle, ring = rng.exponential(200.0, len(at)), rng.uniform(2, 8, len(at))
    run = simulate_queue(at, np.minimum(handle, 700.0), rng.exponential(200.0, len(at)), agents=duty, interval_s=900.0, ring_s=ring)
    took = np.flatnonzero(run.agent >= 0)
    took = took[np.lexsort((run.offered_s[took], run.agent[took]))]
    left = np.where(run.abandoned, run.end_s, run.start_s)[took]
    long = run.end_s[took] - left
    times = [
        np.floor(t).astype("int64")
        for t in (run.offered_s[took], left, left + long * 0.3, left + long * 0.5, left + long * 0.8, run.end_s[took])
    ]
    blocks = Blocks(run.agent[took], took, *times)
    made = _states(blocks, there, duty, ticks_per_s=1.0)
    rows = zip(made.agent, made.start, made.end, made.state, made.pause, made.contact, strict=True)
    plain = plain_states(list(zip(run.agent[took].tolist(), took.tolist(), *(t.tolist() for t in times), strict=True)), there, duty, 900)
    assert [(a, s, e, STATES[x], p, c) for a, s, e, x, p, c in rows] == plain


@given(st.lists(st.integers(0, 9), min_size=8, max_size=40), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_roster_covers_the_need(needs, days):
    needed = np.repeat(np.tile(needs, days), 2).astype(float)
    day = np.repeat(np.arange(days), 2 * len(needs))
    there, duty = roster(needed, day, np.ones(len(needed)), np.ones(len(needed), dtype=bool))
    assert (there.sum(axis=0) >= needed).all()
    assert (there | ~duty).all()
    for today in range(days):
        for person in there[:, day == today].astype(int):
            worked = np.flatnonzero(person)
            assert len(worked) <= 40  # ten hours
            assert len(worked) == 0 or worked[-1] - worked[0] + 1 == len(worked)
    half, _ = roster(needed, day, np.full(len(needed), 0.5), np.ones(len(needed), dtype=bool))
    assert half.sum() <= there.sum()


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"timezone": "Europe/Stambul"}, ZoneError, "Europe/Istanbul"),
        ({"start": "yesterday week"}, OptionError, "local date"),
        ({"days": 0}, OptionError, "days"),
        ({"holidays": "XX"}, OptionError, "holidays"),
        ({"queues": []}, OptionError, "at least one"),
        ({"queues": [QUEUES[0], QUEUES[0]]}, OptionError, "name of its own"),
        ({"queues": QUEUES[::-1]}, OptionError, "after it"),
        ({"planted": [Planted("volume", "2025-01-06", "2025-01-07", factor=2.0, queue="sale")]}, OptionError, "sale"),
        ({"until": "2025-01-06 10:10"}, OptionError, "half-hour"),
        ({"until": "2026-01-06 10:00"}, OptionError, "not after"),
        ({"resolution_s": 0.0}, OptionError, "resolution_s"),
    ],
)
def test_what_cannot_be_is_refused(arguments, error, text):
    with pytest.raises(error, match=text):
        cc.synthesize_contacts(seed=1, **({"days": 1} | arguments))


@pytest.mark.parametrize(
    "make",
    [
        lambda: QueueSpec("q", -1),
        lambda: QueueSpec("q", math.nan),
        lambda: QueueSpec("q", 10, transfer_share=1.5),
        lambda: QueueSpec("q", 10, aht_s=100.0, wrap_s=60.0),
        lambda: QueueSpec("q", 10, weekdays=(1.0,)),
        lambda: Planted("weather", "2025-01-06", "2025-01-07"),
        lambda: Planted("staff", "2025-01-06", "2025-01-07", factor=1.5),
        lambda: Planted("aht", "2025-01-06", "2025-01-07"),
        lambda: cc.synthesize_contacts(seed=1, days=1, queues=[QueueSpec("q", 10, opens="08:15")]),
    ],
)
def test_specifications_are_checked(make):
    with pytest.raises(OptionError):
        make()
