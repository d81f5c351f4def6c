"""Patience and retrials from contacts: against plain loops over rows, queues whose truth is known, and February 1999."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

import ccstats as cc
from ccstats.errors import ColumnError, OptionError, TableError
from ccstats.queueing.patience import LAWS, fit_law
from ccstats.queueing.patience_laws import PatienceLaw
from ccstats.queueing.simulation import arrival_times, simulate_queue
from ccstats.schema import CONTACTS, NOT_QUEUED, OUTCOMES
from ccstats.workforce.patience import estimate_patience, estimate_retrials

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
SEEDS = range(max(5, int(100 * EXAM)))
START = pd.Timestamp("2026-03-28T00:00", tz="UTC")


def random_contacts(seed, n=120):
    """Contacts of few queues and customers with every outcome, waits of whole seconds, some not known."""
    rng = np.random.default_rng(seed)
    outcome = pd.Series(rng.choice([*OUTCOMES, *["answered"] * 20, *["abandoned"] * 12], n), dtype="str")
    at = START + pd.to_timedelta(np.sort(rng.integers(0, 20_000, n)), unit="s")
    frame = pd.DataFrame(
        {
            "contact_id": [f"c{number}" for number in range(n)],
            "visit": np.ones(n, dtype="int64"),
            "channel": "voice",
            "direction": rng.choice(["inbound", "inbound", "inbound", "outbound"], n),
            "queue": rng.choice(["sales", "billing", "help"], n),
            "queued_at": pd.Series(at).where(~outcome.isin(NOT_QUEUED)),
            "outcome": outcome,
            "raw_outcome": outcome,
            "wait_s": np.where(rng.random(n) < 0.93, rng.choice([0, 0, 1, 5, 5, 20, 60, 61, 300], n), np.nan),
            "ring_s": np.nan,
            "talk_s": np.nan,
            "hold_s": np.nan,
            "wrap_s": np.nan,
            "agent": pd.Series([None] * n, dtype="str"),
            "customer": pd.Series(rng.choice(["ann", "bob", "cat", "dan", "eve", "none"], n), dtype="str").replace("none", None),
        }
    )
    return CONTACTS.conform(frame)


def from_queue(seed, *, patience_s, law="exponential", shape=1.0, hours=60, agents=5):
    """Contacts of an overloaded queue of callers whose patience is known."""
    rng = np.random.default_rng(seed)
    arrival = arrival_times([150.0 * hours], interval_s=3600.0 * hours, seed=rng)
    scale = patience_s / math.gamma(1 + 1 / shape)
    run = simulate_queue(
        arrival, rng.exponential(150.0, arrival.size), scale * rng.weibull(shape, arrival.size), agents=[agents], interval_s=3600.0 * hours
    )
    known = ~np.isnan(run.wait_s)
    outcome = pd.Series(np.where(run.abandoned, "abandoned", "answered"), dtype="category")
    return pd.DataFrame({"outcome": outcome.cat.set_categories(list(OUTCOMES)), "wait_s": run.wait_s, "arrival": arrival})[known]


def plain_curve(rows):
    """Kaplan-Meier by loop: (time, at risk, events, survival) at 0, each event and the longest time."""
    share, out = 1.0, []
    for time in sorted({0.0, *(wait for wait, event in rows if event), *([max(wait for wait, _ in rows)] if rows else [])}):
        at_risk, events = sum(wait >= time for wait, _ in rows), sum(wait == time and event for wait, event in rows)
        if at_risk:
            share *= 1 - events / at_risk
            out.append((time, at_risk, events, share))
    return out


def plain_patience(contacts, by, short_s):
    """Counts, sums and curves of each group, row by row."""
    groups = defaultdict(lambda: defaultdict(int))
    waits, offered = defaultdict(list), defaultdict(list)
    for row in contacts.to_dict("records"):
        if row["outcome"] in NOT_QUEUED:
            continue
        key, wait = tuple(row[name] for name in by), row["wait_s"]
        group = groups[key]
        if math.isnan(wait):
            group["wait_unknown"] += 1
            continue
        kind = row["outcome"] if row["outcome"] in ("answered", "abandoned") else "others"
        group[kind] += 1
        gave_up = kind == "abandoned" and not (short_s is not None and wait <= short_s)
        group["short"] += kind == "abandoned" and not gave_up
        group["answered_at_once"] += kind == "answered" and wait == 0
        group["balked"] += gave_up and wait == 0
        group["gave_up"] += gave_up
        group["total_wait_s"] += wait
        group["longest_wait_s"] = max(group["longest_wait_s"], wait)
        offered[key].append((wait, kind == "answered"))
        if wait > 0 or gave_up:
            waits[key].append((wait, gave_up))
    return groups, waits, offered


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("by", [(), ("queue",), ("queue", "direction")])
@pytest.mark.parametrize("short_s", [None, 0, 5.0])
def test_against_a_plain_loop(seed, by, short_s):
    contacts = random_contacts(seed)
    found = estimate_patience(contacts, by=by, short_s=short_s)
    groups, waits, offered = plain_patience(contacts, by, short_s)
    assert [tuple(row) for row in found.groups[list(by)].itertuples(index=False)] == sorted(groups)
    for place, (key, group) in enumerate(sorted(groups.items())):
        row = found.groups.iloc[place]
        for name in ("answered", "abandoned", "others", "answered_at_once", "balked", "short", "wait_unknown"):
            assert row[name] == group[name]
        assert (row["total_wait_s"], row["longest_wait_s"]) == (group["total_wait_s"], group["longest_wait_s"])
        none = math.inf if group["total_wait_s"] else math.nan
        mean = group["total_wait_s"] / group["gave_up"] if group["gave_up"] else none
        assert row["mean_s"] == pytest.approx(mean, nan_ok=True)
        for table, times in ((found.curve, waits), (found.virtual_wait, offered)):
            mine = table[(table[list(by)] == list(key)).all(axis=1)] if by else table
            expected = plain_curve(times[key])
            assert mine[["time_s", "at_risk", "events"]].values.tolist() == [list(map(float, each[:3])) for each in expected]
            np.testing.assert_allclose(mine["survival"], [each[3] for each in expected], rtol=1e-12, atol=1e-15)
        curve = plain_curve(waits[key])
        median = next((time for time, _, _, left in curve if left <= 0.5 + 1e-12), math.nan)
        assert row["median_s"] == pytest.approx(median, nan_ok=True)
        hazard = found.hazard[(found.hazard[list(by)] == list(key)).all(axis=1)] if by else found.hazard
        assert (hazard["events"].sum(), hazard["exposure_s"].sum()) == (group["gave_up"], pytest.approx(group["total_wait_s"]))
        laws = found.laws[(found.laws[list(by)] == list(key)).all(axis=1)] if by else found.laws
        fits = [fit_law([w for w, _ in waits[key]], np.array([e for _, e in waits[key]], dtype=bool), law) for law in LAWS]
        assert laws["law"].tolist() == list(LAWS)
        np.testing.assert_allclose(laws["aic"], [fit.aic for fit in fits], rtol=1e-12)
        best = min((fit for fit in fits if fit.aic == fit.aic), key=lambda fit: fit.aic, default=None)
        assert laws.loc[laws["best"], "law"].tolist() == ([best.name] if best else [])
        assert (row["law"] == best.name) if best else pd.isna(row["law"])
    everybody = sum(group["total_wait_s"] for group in groups.values()), sum(group["gave_up"] for group in groups.values())
    assert found.mean_s == pytest.approx(everybody[0] / everybody[1])
    assert found.mean_low_s == pytest.approx(2 * everybody[0] / stats.chi2.ppf(0.975, 2 * everybody[1] + 2))


def test_order_source_and_input_do_not_matter():
    contacts = random_contacts(3)
    before = contacts.copy(deep=True)
    found = estimate_patience(contacts, by="queue")
    pd.testing.assert_frame_equal(contacts, before)
    others = (
        estimate_patience(contacts.sample(frac=1, random_state=1), by=["queue"]),
        estimate_patience(pl.from_pandas(contacts.drop(columns=["agent"])), by="queue"),
    )
    for other in others:
        assert other.mean_s == found.mean_s
        for name in ("groups", "laws", "curve", "virtual_wait", "hazard"):
            pd.testing.assert_frame_equal(getattr(other, name), getattr(found, name), rtol=1e-9)


def test_truth_of_a_queue_is_found():
    contacts = from_queue(1, patience_s=90.0)
    found = estimate_patience(contacts)
    assert found.mean_low_s < 90.0 < found.mean_high_s
    row = found.groups.iloc[0]
    assert row["median_low_s"] < 90.0 * math.log(2) < row["median_high_s"]
    for time in (5.0, 20.0, 60.0, 120.0):
        at = found.curve[found.curve["time_s"] <= time].iloc[-1]
        true, width = math.exp(-time / 90.0), at["survival_high"] - at["survival_low"]
        assert abs(at["survival"] - true) < width  # four standard errors
    # people lose patience at the same rate at every age
    hazard = found.hazard[found.hazard["events"] > 0]
    assert ((hazard["hazard_low"] <= 1 / 90.0) & (hazard["hazard_high"] >= 1 / 90.0)).mean() > 0.85


def test_growing_impatience_is_seen():
    found = estimate_patience(from_queue(2, patience_s=90.0, shape=2.0))
    assert found.groups["law"].tolist() == ["weibull"]
    law = found.laws.set_index("law").loc["weibull"]
    assert abs(law["shape"] - 2.0) < 4 * law["shape_se"]
    assert abs(law["mean_s"] - 90.0) < 5.0


def test_smoothing_and_steps_of_the_hazard():
    contacts = from_queue(3, patience_s=90.0, hours=20)
    rough, smooth = (estimate_patience(contacts, step_s=5, smooth_s=each).hazard for each in (0, 20))
    assert (rough["end_s"] - rough["start_s"]).iloc[:-1].eq(5).all()
    pd.testing.assert_frame_equal(rough[["start_s", "events", "exposure_s"]], smooth[["start_s", "events", "exposure_s"]])
    assert smooth["hazard"].diff().abs().head(20).mean() < rough["hazard"].diff().abs().head(20).mean() / 2
    assert len(estimate_patience(contacts).hazard) <= 101


def test_curve_is_thinned_and_fits_a_general_queue():
    contacts = from_queue(4, patience_s=90.0)
    whole, thin = estimate_patience(contacts, points=None), estimate_patience(contacts, points=200)
    assert len(whole.curve) > 2000 > 200 >= len(thin.curve)
    kept = whole.curve.merge(thin.curve, on="time_s", suffixes=("", "_thin"))
    assert len(kept) == len(thin.curve)
    np.testing.assert_array_equal(kept["survival"], kept["survival_thin"])
    assert thin.curve["events"].sum() == whole.curve["events"].sum() == whole.groups["abandoned"].sum()
    law = PatienceLaw.from_curve(whole.curve["time_s"], whole.curve["survival"], tail_mean_s=whole.mean_s)
    assert law.mean_s == pytest.approx(90.0, rel=0.1)


@pytest.mark.parametrize(
    ("outcome", "wait", "mean"), [("answered", 30.0, math.inf), ("abandoned", 30.0, 30.0), ("answered", 0.0, math.nan)]
)
def test_all_alike(outcome, wait, mean):
    contacts = random_contacts(5).assign(wait_s=wait)
    contacts["outcome"] = pd.Categorical([outcome] * len(contacts), categories=list(OUTCOMES))
    found = estimate_patience(contacts, by="queue")
    assert found.mean_s == pytest.approx(mean, nan_ok=True)
    assert (found.mean_low_s > 0) == (wait > 0)
    if outcome == "answered":
        assert found.laws[["scale_s", "aic"]].isna().all().all()
        assert found.groups["law"].isna().all()
        assert (found.curve["survival"] == 1).all()
    else:
        assert found.groups["law"].tolist() == ["exponential"] * 3
        assert found.groups["median_s"].tolist() == [30.0] * 3
        assert found.curve["survival"].tolist() == [1.0, 0.0] * 3


def test_nobody():
    none = random_contacts(6)[:0]
    found = estimate_patience(none)
    assert np.isnan([found.mean_s, found.mean_low_s, found.mean_high_s]).all()
    assert found.groups["answered"].tolist() == [0]
    assert [len(each) for each in (found.curve, found.virtual_wait, found.hazard, found.laws)] == [0, 0, 1, 3]
    by_queue, filled = estimate_patience(none, by="queue"), estimate_patience(random_contacts(6), by="queue")
    retrials, some = estimate_retrials(none, by="queue"), estimate_retrials(random_contacts(6), by="queue")
    assert math.isnan(retrials.share)
    pairs = [(by_queue, filled, name) for name in ("groups", "laws", "curve", "virtual_wait", "hazard")]
    for empty, full, name in [*pairs, (retrials, some, "groups"), (retrials, some, "curve")]:
        frame = getattr(empty, name)
        assert len(frame) == 0
        pd.testing.assert_series_equal(frame.drop(columns="queue").dtypes, getattr(full, name).drop(columns="queue").dtypes)


def test_bad_input():
    contacts = random_contacts(7)
    with pytest.raises(TableError, match="'wait_s' is missing"):
        estimate_patience(contacts.drop(columns="wait_s"))
    with pytest.raises(TableError, match="'wait_s' is negative"):
        estimate_patience(contacts.assign(wait_s=-1.0))
    with pytest.raises(ColumnError, match="by='team'"):
        estimate_patience(contacts, by="team")
    for by in ("mean_low_s", "law", "hazard", "others"):
        with pytest.raises(OptionError, match="name of a figure"):
            estimate_patience(contacts.assign(**{by: "x"}), by=by)
    bad = {"short_s": -1, "step_s": 0, "smooth_s": -1, "laws": ["gamma"], "points": 1, "confidence": 1.0}
    for name, value in bad.items():
        with pytest.raises(OptionError, match=f"{name}="):
            estimate_patience(contacts, **{name: value})
    with pytest.raises(OptionError, match="laws="):
        estimate_patience(contacts, laws="weibull")
    with pytest.raises(OptionError, match="too many intervals"):
        estimate_patience(contacts, step_s=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("by", [(), ("queue",)])
@pytest.mark.parametrize("window", [600.0, 3600.0, 50_000.0])
def test_retrials_against_a_plain_loop(seed, by, window):
    contacts = random_contacts(seed)
    found = estimate_retrials(contacts, by=by, window_s=window)
    visits = [
        row
        for row in contacts.to_dict("records")
        if row["outcome"] not in NOT_QUEUED and row["direction"] == "inbound" and not pd.isna(row["queued_at"])
    ]
    end, groups = max(row["queued_at"] for row in visits), defaultdict(list)
    for row in visits:
        if row["outcome"] != "abandoned" or math.isnan(row["wait_s"]):
            continue
        left = row["queued_at"] + pd.Timedelta(seconds=row["wait_s"])
        later = [each["queued_at"] for each in visits if each["customer"] == row["customer"] and each["queued_at"] > left]
        until = min(later) if later else max(end, left)
        known = not pd.isna(row["customer"])
        groups[tuple(row[name] for name in by)].append(((until - left).total_seconds(), bool(later)) if known else None)
    assert [tuple(row) for row in found.groups[list(by)].itertuples(index=False)] == sorted(groups)
    for key, rows in [*zip(found.groups.index, (groups[key] for key in sorted(groups)), strict=True), (None, sum(groups.values(), []))]:
        row = found.groups.loc[key] if key is not None else {"share": found.share, "abandoned": None}
        times = [each for each in rows if each is not None]
        curve = [each for each in plain_curve(times) if each[0] <= window]
        followed = max((time for time, _ in times), default=0) >= window or (curve and curve[-1][3] < 1e-12)
        assert row["share"] == pytest.approx(1 - curve[-1][3] if followed else math.nan, nan_ok=True, abs=1e-12)
        if key is not None:
            counts = len(rows), len(rows) - len(times), sum(came and time <= window for time, came in times)
            assert (row["abandoned"], row["customer_unknown"], row["returned"]) == counts
            assert not row["share_low"] > row["share"] > row["share_high"]


def test_retrials_near_the_end_of_the_log_are_censored():
    """Half of those who give up come again after ten minutes; in a log that ends after fifteen a plain share sees fewer."""
    rng = np.random.default_rng(8)
    size, share = 4000, 0.5
    at = np.sort(rng.uniform(0, 900, size))
    comes = rng.random(size) < share
    again = at + 1 + rng.exponential(400, size)
    rows = [(time, f"k{number}", "abandoned", 1.0) for number, time in enumerate(at)]
    rows += [(time, f"k{number}", "answered", 0.0) for number, time in enumerate(again) if comes[number] and time < 900]
    table = pd.DataFrame(rows, columns=["at", "customer", "outcome", "wait_s"]).sort_values("at", ignore_index=True)
    contacts = pd.DataFrame(
        {
            "direction": pd.Categorical(["inbound"] * len(table)),
            "queued_at": (START + pd.to_timedelta(table["at"].round(6), unit="s")).astype("datetime64[us, UTC]"),
            "outcome": pd.Categorical(table["outcome"], categories=list(OUTCOMES)),
            "wait_s": table["wait_s"],
            "customer": table["customer"].astype("str"),
        }
    )
    found = estimate_retrials(contacts, window_s=600)
    true = share * (1 - math.exp(-600 / 400))
    assert found.share_low < true < found.share_high
    assert found.groups["returned"].iloc[0] / size < found.share_low
    half = -400 * math.log((1 + math.exp(-600 / 400)) / 2)
    assert found.groups["median_return_s"].iloc[0] == pytest.approx(half, rel=0.1)


def test_retrials_refuse():
    contacts = random_contacts(9)
    with pytest.raises(ColumnError, match="column 'customer'"):
        estimate_retrials(contacts.drop(columns="customer"))
    with pytest.raises(OptionError, match="window_s="):
        estimate_retrials(contacts, window_s=-5)
    with pytest.raises(OptionError, match="name of a figure"):
        estimate_retrials(contacts.assign(share="x"), by="share")


@pytest.mark.shared
def test_february_1999(shared: Path):
    path = shared / "data" / "anonymous_bank_1999" / "february.txt"
    log = cc.read(path, format="technion_bank", timezone="Asia/Jerusalem")
    found, retrials = estimate_patience(log.contacts, points=None), estimate_retrials(log.contacts)
    groups, waits, offered = plain_patience(log.contacts, (), None)
    group = groups[()]
    assert (group["answered"], group["abandoned"]) == (27_162, 3_963)  # counted by hand
    assert found.mean_s == group["total_wait_s"] / 3_963
    assert 300 < found.mean_s < 400
    row = found.groups.iloc[0]
    assert (row["answered_at_once"], row["balked"]) == (group["answered_at_once"], group["balked"])
    for table, times in ((found.curve, waits[()]), (found.virtual_wait, offered[()])):
        ordered, share, place = sorted(times), 1.0, 0
        left = defaultdict(lambda: [0, 0])
        for wait, event in ordered:
            left[wait][event] += 1
        for time, (cut, events) in sorted(left.items()):
            share *= 1 - events / (len(ordered) - place)
            place += cut + events
            left[time] = share
        np.testing.assert_allclose(table["survival"], [left.get(time, 1.0) for time in table["time_s"]], rtol=1e-9)
    # People who wait want to wait longer than they have to: half of the patience outlasts nearly all offered waits.
    offered_median = found.virtual_wait.loc[found.virtual_wait["survival"] <= 0.5, "time_s"].iloc[0]
    assert offered_median < 20 < 200 < row["median_s"] < 400
    # The hazard is uneven: it peaks within the first quarter of a minute and again as the first minute ends.
    hazard = found.hazard.set_index("start_s")
    assert hazard.loc[10, "hazard_low"] > hazard.loc[30, "hazard_high"]
    assert hazard.loc[55, "hazard_low"] > hazard.loc[50, "hazard_high"]
    assert found.groups["law"].tolist() == ["lognormal"]
    assert 0.3 < retrials.share < 0.7
