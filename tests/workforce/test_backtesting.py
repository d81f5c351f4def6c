"""The back-test: accounts by a plain loop, a simulated centre whose truth is known, clocks that change, and a real February."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning, OptionError, TableError
from ccstats.expectation.staffed import Window, pooled_patience
from ccstats.metrics import METRICS, SERVICE_LEVELS
from ccstats.queueing import erlang
from ccstats.queueing.simulation import arrival_times, simulate_queue
from ccstats.queueing.transient import transient_service
from ccstats.schema import CONTACTS, STATES
from ccstats.workforce.backtesting import backtest_staffing, summarise_backtest

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
ZONE = "Europe/Berlin"


@pytest.fixture(scope="module")
def centre() -> tuple[pd.DataFrame, pd.DataFrame]:
    """A synthetic centre of three queues over the weekend on which the clocks go forward."""
    made = cc.synthesize_contacts(seed=3, start="2026-03-26", days=5, timezone=ZONE)
    half_hours = cc.to_intervals(made.contacts, timezone=ZONE, threshold_s=20, short_s=5)
    return half_hours, cc.to_agent_intervals(made.agent_states, timezone=ZONE)


def steady(seed: int, *, days: int, offered: float, agents: int, patience_s: float = 180.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A queue of constant demand and staff, exactly as Erlang A has it."""
    rng = np.random.default_rng(seed)
    arrival = arrival_times(np.full(48 * days, offered), interval_s=1800.0, seed=rng)
    size = len(arrival)
    run = simulate_queue(
        arrival, rng.exponential(180.0, size), rng.exponential(patience_s, size), agents=np.full(48 * days, agents), interval_s=1800.0
    )
    start = pd.Timestamp("2026-03-02", tz="UTC")
    answered = ~np.isnan(run.start_s)
    contacts = pd.DataFrame(
        {
            "contact_id": pd.Series(np.arange(size)).astype("str"),
            "visit": 1,
            "channel": "voice",
            "direction": "inbound",
            "queue": "sales",
            "queued_at": start + pd.to_timedelta(arrival, unit="s").as_unit("us"),
            "outcome": np.where(answered, "answered", np.where(run.abandoned, "abandoned", "open")),
            "raw_outcome": "x",
            "wait_s": np.where(np.isnan(run.wait_s), 0.0, run.wait_s),
            "ring_s": np.nan,
            "talk_s": run.end_s - run.start_s,
            "hold_s": np.nan,
            "wrap_s": np.nan,
            "agent": "Ada",
        }
    )
    half_hours = cc.to_intervals(CONTACTS.conform(contacts), threshold_s=20)
    return half_hours, on_duty(half_hours, agents)


def on_duty(half_hours: pd.DataFrame, agents: float) -> pd.DataFrame:
    """So many agents in every interval of a table, half of their time on contact."""
    frame = half_hours[["interval_start", "interval_s", "timezone"]].drop_duplicates().reset_index(drop=True)
    seconds = {f"{state}_s": 0.0 for state in STATES}
    seconds["available_s"] = seconds["on_contact_s"] = agents * frame["interval_s"] / 2
    return frame.assign(agent=pd.Categorical(["all"] * len(frame)), logged_in_s=agents * frame["interval_s"], handled=0, **seconds)


@pytest.mark.parametrize("definition", SERVICE_LEVELS)
def test_accounts_by_a_plain_loop(centre: tuple[pd.DataFrame, pd.DataFrame], definition: str) -> None:
    half_hours, staffed = centre
    before = half_hours.copy(), staffed.copy()
    made = backtest_staffing(half_hours, staffed, definition=definition)
    for frame, kept in zip(centre, before, strict=True):
        pd.testing.assert_frame_equal(frame, kept)
    pooled: dict[pd.Timestamp, dict[str, float]] = {}
    for row in half_hours.to_dict("records"):
        sums = pooled.setdefault(row["interval_start"], {})
        for name, value in row.items():
            if isinstance(value, int | float) and not name.endswith("threshold_s"):
                sums[name] = sums.get(name, 0) + (0 if pd.isna(value) else value)
    agents: dict[pd.Timestamp, dict[str, float]] = {}
    for row in staffed.to_dict("records"):
        sums = agents.setdefault(row["interval_start"], {})
        for state in STATES:
            sums[state] = sums.get(state, 0.0) + row[f"{state}_s"]
    waited = sum(each["total_wait_s"] + each["total_abandon_wait_s"] for each in pooled.values())
    patience = waited / sum(each["abandoned"] for each in pooled.values())
    assert len(made) == 3 * len(set(pooled) | set(agents))
    for row in made.to_dict("records"):
        sums = pooled.get(row["interval_start"], {})
        duty = agents.get(row["interval_start"], {})
        assert row["offered"] == row["weight"] == row["expected_offered"] == sums.get("offered", 0)
        productive = sum(duty.get(state, 0.0) for state in STATES if state not in ("pause", "other"))
        assert row["agents"] == pytest.approx(productive / row["interval_s"])
        assert row["patience_s"] == pytest.approx(math.inf if row["model"] == "erlang_c" else patience)
        above, below = METRICS[definition].formula.split("/")
        divisor = eval(below, {}, sums) if sums else 0
        level = eval(above, {}, sums) / divisor if divisor else math.nan
        np.testing.assert_allclose(row[definition], level)
        np.testing.assert_allclose(row["error"], row[f"expected_{definition}"] - level)
        np.testing.assert_allclose(row["asa_s"], sums["total_wait_s"] / sums["answered"] if sums.get("answered") else math.nan)
        base = sums.get("offered", 0) - sums.get("open", 0)
        np.testing.assert_allclose(row["abandonment_rate"], sums["abandoned"] / base if base else math.nan)
        occupied = sum(duty.get(state, 0.0) for state in ("on_contact", "hold", "wrap"))
        both = occupied + duty.get("available", 0.0)
        np.testing.assert_allclose(row["occupancy"], occupied / both if both else math.nan)
        if row["offered"]:
            assert row["load"] == pytest.approx(row["offered"] * row["aht_s"] / row["interval_s"])
            own = sum(sums[f"total_{part}_s"] / sums[f"{part}_known"] for part in ("talk", "hold", "wrap") if sums[f"{part}_known"])
            if sums["answered"] >= 10:
                assert row["aht_s"] == pytest.approx(own)
    for model in ("erlang_c", "erlang_a", "transient"):
        assert made.loc[made["model"] == model, "weight"].sum() == half_hours["offered"].sum()


def test_models_are_told_what_they_say_they_were_told(centre: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    made = backtest_staffing(*centre)
    wide = {model: part.reset_index(drop=True) for model, part in made.groupby("model", observed=True)}
    for model in ("erlang_c", "erlang_a"):
        for row in wide[model].to_dict("records"):
            if not row["offered"] or not row["agents"]:
                continue
            queue = {"aht_s": row["aht_s"], "patience_s": row["patience_s"]}
            expected = erlang.service_level(row["agents"], row["load"], threshold_s=20.0, **queue)
            np.testing.assert_allclose(row["expected_service_level"], expected, rtol=1e-9)
            np.testing.assert_allclose(
                row["expected_asa_s"], erlang.mean_wait_s(row["agents"], row["load"], of="answered", **queue), rtol=1e-9
            )
            np.testing.assert_allclose(
                row["expected_abandonment_rate"], erlang.abandonment_rate(row["agents"], row["load"], **queue), rtol=1e-9, atol=1e-15
            )
    # One run of the transient model by hand: the first open stretch, agents leaving at once.
    rows = wide["transient"]
    is_open = (rows["offered"] > 0) | (rows["agents"] > 0)
    first = int(is_open.idxmax())
    last = first
    while last + 1 < len(rows) and is_open[last + 1]:
        last += 1
    run = rows.loc[first:last]
    found = transient_service(
        run["offered"].to_numpy(),
        run["agents"].to_numpy(),
        aht_s=run["aht_s"].to_numpy(),
        interval_s=run["interval_s"].to_numpy(),
        patience_s=run["patience_s"].to_numpy(),
        threshold_s=20.0,
        finish=False,
    )
    np.testing.assert_allclose(run["expected_service_level"], found.service_level, rtol=1e-9)
    np.testing.assert_allclose(run["expected_abandonment_rate"], found.abandonment_rate, rtol=1e-9, atol=1e-15)


def test_erlang_a_is_unbiased_where_it_holds_and_c_is_not() -> None:
    """Overload: told the true rate (averaged over days), A and the transient model are right within the limits, C says 0."""
    days = max(12, int(200 * EXAM))
    made = backtest_staffing(*steady(1, days=days, offered=400.0, agents=37), window=47, aht_s="month")
    summary = summarise_backtest(made, by=None, confidence=0.999).set_index("model")
    for model in ("erlang_a", "transient"):
        row = summary.loc[model]
        assert row["bias_low"] < 0 < row["bias_high"], row
        assert row["bias_high"] - row["bias_low"] < 0.08
    assert summary.loc["erlang_c", "expected"] < 0.01
    assert summary.loc["erlang_c", "bias_high"] < -0.4
    abandoned = summarise_backtest(made, by=None, metric="abandonment_rate", confidence=0.999).set_index("model")
    assert abandoned.loc["erlang_a", "bias_low"] < 0 < abandoned.loc["erlang_a", "bias_high"]
    assert abandoned.loc["erlang_c", "expected"] == 0
    assert made["patience_s"].iloc[1] == pytest.approx(180.0, rel=0.03)


def test_chance_counted_twice_is_what_the_documentation_says() -> None:
    """Told the interval's own count, even the true model is low; a window takes that away."""
    tables = steady(2, days=max(10, int(100 * EXAM)), offered=400.0, agents=43)
    own, wide = (summarise_backtest(backtest_staffing(*tables, models=["erlang_a"], window=width), by=None) for width in (1, 9))
    assert -0.04 < own["bias"][0] < -0.01
    assert own["bias"][0] < wide["bias"][0] < 0.01


def test_erlang_c_holds_where_nobody_gives_up() -> None:
    tables = steady(3, days=max(10, int(100 * EXAM)), offered=200.0, agents=26, patience_s=math.inf)
    made = backtest_staffing(*tables, window=47, aht_s="month")
    assert np.isinf(made["patience_s"]).all()
    summary = summarise_backtest(made, by=None, confidence=0.999)
    assert (summary["bias_low"] < 0).all()
    assert (summary["bias_high"] > 0).all()
    first, second = (made.loc[made["model"] == model, "expected_service_level"].to_numpy() for model in ("erlang_c", "erlang_a"))
    np.testing.assert_array_equal(first, second)


def small(**columns: object) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Four half-hours of 30 contacts, one of them as given."""
    contacts = CONTACTS.conform(
        pd.DataFrame(
            {
                "contact_id": [str(number) for number in range(120)],
                "visit": 1,
                "channel": "voice",
                "direction": "inbound",
                "queue": ["sales", "help"] * 60,
                "queued_at": pd.date_range("2026-03-02 08:00", periods=120, freq="1min", tz="UTC", unit="us"),
                "outcome": (["answered"] * 5 + ["abandoned"]) * 20,
                "raw_outcome": "x",
                "wait_s": [1.0, 5.0, 15.0, 25.0, 40.0, 30.0] * 20,
                "ring_s": np.nan,
                "talk_s": [100.0, 140.0, 120.0, 100.0, 140.0, np.nan] * 20,
                "hold_s": np.nan,
                "wrap_s": [30.0, 30.0, 30.0, 30.0, 30.0, np.nan] * 20,
                "agent": "Ada",
            }
        ).assign(**columns)
    )
    half_hours = cc.to_intervals(contacts, threshold_s=20)
    return half_hours, on_duty(half_hours, 3.5)


def test_handle_times() -> None:
    half_hours, staffed = small()
    assert backtest_staffing(half_hours, staffed)["aht_s"].unique() == pytest.approx([150.0])
    for aht, value in (("slot", 150.0), ("month", 150.0), (99.0, 99.0)):
        assert backtest_staffing(half_hours, staffed, aht_s=aht)["aht_s"].unique() == pytest.approx([value])
    # A second day with other talk: few answers take the slot's, none answered the day's, and zeros in an export mean nothing.
    later = half_hours.assign(interval_start=half_hours["interval_start"] + pd.Timedelta("1D"))
    later["total_talk_s"] = later["total_talk_s"] * 2
    slot = later["interval_start"].dt.strftime("%H:%M")
    later.loc[slot == "08:00", ["answered", "talk_known", "wrap_known"]] = 2
    later.loc[slot == "08:00", ["total_talk_s", "total_wrap_s"]] = [200.0, 60.0]
    later.loc[slot == "08:30", ["answered", "talk_known", "wrap_known", "total_talk_s", "total_wrap_s"]] = 0
    both = pd.concat([half_hours, later], ignore_index=True)
    duty = on_duty(both, 3.5)
    own = backtest_staffing(both, duty, models=["erlang_c"])["aht_s"].tolist()
    # 08:00: 25 at 120 s and 2 × 2 at 100 s on average of talk, 30 s of wrap-up; 08:30: the first day's alone
    pooled = (25 * 120 + 2 * 200) / (25 + 4) + (25 * 30 + 2 * 60) / (25 + 4)
    assert own == pytest.approx([150.0, 150.0, 150.0, 150.0, pooled, 150.0, 270.0, 270.0])
    slots = backtest_staffing(both, duty, models=["erlang_c"], aht_s="slot")["aht_s"].tolist()
    assert slots[:2] == pytest.approx([pooled, 150.0])
    assert slots[2] == pytest.approx((25 * 120 + 25 * 240) / 50 + 30)
    wide = backtest_staffing(half_hours, staffed, models=["erlang_c"], window=3)
    assert wide["expected_offered"].tolist() == [30.0] * 4
    with pytest.raises(OptionError, match="aht_s='hour' is not known"):
        backtest_staffing(both, duty, aht_s="hour")
    for value in (0, -1.0, math.nan):
        with pytest.raises(OptionError, match="positive number of seconds"):
            backtest_staffing(both, duty, aht_s=value)
        with pytest.raises(OptionError, match="positive number of seconds"):
            backtest_staffing(both, duty, patience_s=value)


def test_no_handle_time_anywhere_is_said_once() -> None:
    half_hours, staffed = small(talk_s=np.nan, wrap_s=np.nan)
    with pytest.warns(DataWarning, match="4 of 4 intervals have contacts, but no handle time"):
        made = backtest_staffing(half_hours, staffed)
    assert made[["expected_service_level", "error"]].isna().all(axis=None)
    assert made["service_level"].notna().all()
    assert len(summarise_backtest(made)) == 0
    assert backtest_staffing(half_hours, staffed, aht_s=150)["error"].notna().all()


def test_nobody_there_and_nobody_calling() -> None:
    half_hours, staffed = small()
    seconds = [f"{state}_s" for state in STATES] + ["logged_in_s"]
    staffed.loc[1, seconds] = 0.0  # contacts without agents
    alone = staffed.iloc[[3]].assign(interval_start=staffed["interval_start"].iloc[3] + pd.Timedelta("30min"))  # agents without contacts
    made = backtest_staffing(half_hours, pd.concat([staffed, alone], ignore_index=True)).set_index(["interval_start", "model"])
    assert len(made) == 15
    starts = made.index.get_level_values(0).unique()
    for model in ("erlang_c", "erlang_a"):
        row = made.loc[(starts[1], model)]
        assert row["agents"] == 0
        assert row["load_per_agent"] == math.inf
        assert row["expected_service_level"] == 0
    assert made.loc[(starts[1], "erlang_c"), "expected_asa_s"] == math.inf
    assert made.loc[(starts[1], "erlang_a"), "expected_abandonment_rate"] == pytest.approx(1)
    assert 0 < made.loc[(starts[1], "transient"), "expected_service_level"] < 0.5  # the agents before and after it help
    last = made.loc[starts[4]]
    assert (last["offered"] == 0).all()
    assert (last["weight"] == 0).all()
    assert last[["service_level", "expected_service_level", "error"]].isna().all(axis=None)
    assert (last["agents"] == 3.5).all()
    top = summarise_backtest(made.reset_index(), by="load_per_agent").query("load_per_agent == '1.5 or more'")
    assert top["intervals"].tolist() == [1, 1, 1]


def test_by_queue_or_all_in_one_pool() -> None:
    half_hours, staffed = small()
    by_queue = pd.concat([staffed.assign(queue=queue) for queue in ("sales", "help")], ignore_index=True)
    by_queue = by_queue.assign(queue=by_queue["queue"].astype("category"))
    apart = backtest_staffing(half_hours, by_queue)
    assert list(apart.columns[:2]) == ["queue", "interval_start"]
    assert apart["queue"].astype("str").unique().tolist() == ["help", "sales"]
    assert (apart["agents"] == 3.5).all()
    assert apart["offered"].unique().tolist() == [15]
    pool = backtest_staffing(half_hours, by_queue, by=())
    assert "queue" not in pool
    assert (pool["agents"] == 7.0).all()
    assert pool["offered"].unique().tolist() == [30]
    pd.testing.assert_frame_equal(backtest_staffing(half_hours, by_queue, by="queue"), apart)
    for queue, part in half_hours.groupby("queue", observed=True):
        alone = backtest_staffing(part, staffed)
        same = apart[apart["queue"] == queue].drop(columns="queue").reset_index(drop=True)
        pd.testing.assert_frame_equal(alone, same)
    summary = summarise_backtest(apart, by=["queue", "load"])
    assert list(summary.columns[:3]) == ["queue", "load", "model"]
    assert len(summary) == 6
    with pytest.raises(TableError, match="no column 'queue'"):
        backtest_staffing(half_hours, staffed, by="queue")
    some = by_queue.assign(queue=by_queue["queue"].where(by_queue.index > 0))
    with pytest.raises(TableError, match="some of the agents' time has no queue"):
        backtest_staffing(half_hours, some)
    with pytest.raises(OptionError, match="by='channel'"):
        backtest_staffing(half_hours, staffed, by="channel")


def test_tables_that_do_not_fit() -> None:
    half_hours, staffed = small()
    with pytest.raises(TableError, match="'answered_within' is missing"):
        backtest_staffing(half_hours.drop(columns="answered_within"), staffed)
    with pytest.raises(TableError, match="'available_s' is missing"):
        backtest_staffing(half_hours, staffed.drop(columns="available_s"))
    with pytest.raises(TableError, match="cut in UTC, agent intervals in Europe/Paris"):
        backtest_staffing(half_hours, staffed.assign(timezone=pd.Categorical(["Europe/Paris"] * len(staffed))))
    with pytest.raises(TableError, match="cut differently"):
        backtest_staffing(half_hours, staffed.assign(interval_s=900.0))
    with pytest.raises(TableError, match="cut differently"):
        backtest_staffing(half_hours, staffed.assign(interval_start=staffed["interval_start"] + pd.Timedelta("15min")))
    without = half_hours.assign(threshold_s=np.nan)
    with pytest.raises(TableError, match="4 intervals with contacts were counted without a threshold"):
        backtest_staffing(without, staffed)
    several = half_hours.assign(threshold_s=np.where(half_hours["queue"] == "sales", 20.0, 30.0))
    with pytest.raises(TableError, match="several in one pool"):
        backtest_staffing(several, staffed)
    with pytest.raises(OptionError, match="models="):
        backtest_staffing(half_hours, staffed, models=["erlang_b"])
    with pytest.raises(OptionError, match="models="):
        backtest_staffing(half_hours, staffed, models="erlang_a")
    with pytest.raises(OptionError, match="not an observed service level"):
        backtest_staffing(half_hours, staffed, definition="sl_virtual")
    for width in (0, 2, -1, 1.5):
        with pytest.raises(OptionError, match="odd number"):
            backtest_staffing(half_hours, staffed, window=width)


def test_no_rows() -> None:
    half_hours, staffed = small()
    made = backtest_staffing(half_hours.iloc[:0], staffed.iloc[:0])
    assert len(made) == 0
    assert list(made.columns) == list(backtest_staffing(half_hours, staffed).columns)
    assert len(summarise_backtest(made)) == 0
    assert len(backtest_staffing(half_hours, staffed.iloc[:0])) == 12
    assert backtest_staffing(half_hours.iloc[:0], staffed)["weight"].sum() == 0


def test_the_night_the_clocks_change(centre: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    made = backtest_staffing(*centre, models=["transient"])
    local = made["interval_start"].dt.tz_convert(ZONE)
    per_day = local.dt.strftime("%m-%d").value_counts()
    assert per_day["03-29"] <= 46
    assert made["interval_start"].is_unique
    summary = summarise_backtest(made, by=None)
    assert summary["days"][0] == local[made["error"].notna()].dt.date.nunique()
    # Four-hour intervals: the last of the short day has three hours, in both tables.
    contacts = cc.synthesize_contacts(seed=3, start="2026-03-28", days=3, timezone=ZONE)
    long = cc.to_intervals(contacts.contacts, every="4h", timezone=ZONE, threshold_s=20)
    staffed = cc.to_agent_intervals(contacts.agent_states, every="4h", timezone=ZONE)
    back = backtest_staffing(long, staffed)
    assert 10_800.0 in back["interval_s"].unique()
    assert back["weight"].sum() == 3 * long["offered"].sum()


def test_summary_by_a_plain_loop(centre: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    made = backtest_staffing(*centre)
    summary = summarise_backtest(made, by="load_per_agent", confidence=0.9)
    edges = {"0-0.5": (0, 0.5), "0.5-0.6": (0.5, 0.6), "0.9-1": (0.9, 1.0), "1.5 or more": (1.5, math.inf)}
    checked = 0
    for row in summary.to_dict("records"):
        if row["load_per_agent"] not in edges:
            continue
        low, high = edges[row["load_per_agent"]]
        rows = [
            each
            for each in made.to_dict("records")
            if each["model"] == row["model"] and low <= each["load_per_agent"] and each["load_per_agent"] < high and each["offered"]
        ]
        weight = [each["offered"] for each in rows]
        error = [each["expected_service_level"] - each["service_level"] for each in rows]
        assert row["intervals"] == len(rows)
        assert row["weight"] == sum(weight)
        bias = np.average(error, weights=weight)
        assert row["bias"] == pytest.approx(bias)
        assert row["mae"] == pytest.approx(np.average(np.abs(error), weights=weight))
        assert row["rmse"] == pytest.approx(math.sqrt(np.average(np.square(error), weights=weight)))
        assert row["expected"] - row["observed"] == pytest.approx(bias)
        days: dict[object, float] = {}
        for each, w, e in zip(rows, weight, error, strict=True):
            day = each["interval_start"].tz_convert(ZONE).date()
            days[day] = days.get(day, 0.0) + w * (e - bias)
        count = len(days)
        assert row["days"] == count
        if count > 1:
            spread = math.sqrt(count / (count - 1) * sum(value**2 for value in days.values())) / sum(weight)
            half = stats.t.ppf(0.95, count - 1) * spread
            assert row["bias_high"] == pytest.approx(bias + half)
            assert row["bias_low"] == pytest.approx(bias - half)
            checked += 1
        else:
            assert math.isnan(row["bias_low"])
    assert checked >= 3


def test_summaries_of_other_figures(centre: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    made = backtest_staffing(*centre, models=["erlang_a"], definition="sl_answered_only")
    named = summarise_backtest(made, by=None)
    pd.testing.assert_frame_equal(named, summarise_backtest(made, by=None, metric="sl_answered_only"))
    waits = summarise_backtest(made, by=None, metric="asa_s")
    counted = made[made["asa_s"].notna() & made["expected_asa_s"].notna()]
    assert waits["weight"][0] == counted["answered"].sum()
    assert waits["observed"][0] == pytest.approx(np.average(counted["asa_s"], weights=counted["answered"]))
    with pytest.raises(OptionError, match="asa_s, occupancy, sl_answered_only"):
        summarise_backtest(made, metric="service_level")
    with pytest.raises(ColumnError, match="no column 'queue'"):
        summarise_backtest(made, by="queue")
    with pytest.raises(OptionError, match="between 0 and 1"):
        summarise_backtest(made, confidence=95)
    both = pd.concat([made.assign(definition="a"), made.assign(definition="b")])
    with pytest.raises(OptionError, match="one by one"):
        summarise_backtest(both)


@settings(max_examples=max(20, int(1000 * EXAM)), deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 100)), max_size=12), st.sampled_from([1, 3, 5, 99]))
def test_windows_by_a_plain_loop(rows: list[tuple[bool, float]], width: int) -> None:
    run, number = [], -1
    for at, (open_, _) in enumerate(rows):
        number += open_ and (at == 0 or not rows[at - 1][0])
        run.append(number if open_ else -1)
    values = np.array([value for _, value in rows], dtype="float64")
    made = Window(np.array(run, dtype="int64"), width).mean(values)
    for at in range(len(rows)):
        near = [j for j in range(len(rows)) if abs(j - at) <= width // 2 and run[j] == run[at]] if run[at] >= 0 else [at]
        assert made[at] == pytest.approx(np.mean(values[near]), abs=1e-9)


@pytest.mark.shared
def test_february_1999(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zone = "Asia/Jerusalem"
    log = cc.read(shared / "data" / "anonymous_bank_1999" / "february.txt", format="technion_bank", timezone=zone)
    half_hours = cc.to_intervals(log.contacts, every="30min", timezone=zone, threshold_s=20)
    biases = {}
    for gap in (300.0, 900.0, 1800.0):
        staffed = cc.to_agent_intervals(cc.infer_agents(log.contacts, gap_s=gap, timezone=zone), every="30min", timezone=zone)
        made = backtest_staffing(half_hours, staffed)
        summary = summarise_backtest(made, by=None).set_index("model")
        assert (summary["weight"] == half_hours["offered"].sum()).all()
        observed = half_hours["answered_within"].sum() / half_hours["offered"].sum()
        np.testing.assert_allclose(summary["observed"], observed)
        np.testing.assert_allclose(summary["expected"] - summary["observed"], summary["bias"])
        assert (summary["days"] == 28).all()
        # Without abandonment the queue is longer, so that C says less than A (but for the few who give up before 20 s in quiet
        # intervals); in overload it says nobody is in time.
        c, a = (made.loc[made["model"] == model, "expected_service_level"].to_numpy() for model in ("erlang_c", "erlang_a"))
        assert (c <= a + 0.001)[~np.isnan(c)].all()
        over = made[(made["load_per_agent"] > 1) & (made["offered"] > 0)]
        assert (over.loc[over["model"] == "erlang_c", "expected_service_level"] == 0).all()
        crowded = summarise_backtest(over, by=None).set_index("model")
        assert crowded.loc["erlang_c", "bias_high"] < 0
        assert crowded.loc["erlang_a", "rmse"] < crowded.loc["erlang_c", "rmse"]
        # Carrying the queue over explains half-hours better than taking each for itself, and A better than C.
        assert summary.loc["transient", "rmse"] < summary.loc["erlang_a", "rmse"]
        biases[gap] = 100 * summary["bias"]
        waits = made.loc[made["model"] == "erlang_a", "patience_s"].unique()
        total = half_hours["total_wait_s"].sum() + half_hours["total_abandon_wait_s"].sum()
        assert waits == pytest.approx([total / half_hours["abandoned"].sum()])
    table = pd.DataFrame(biases)
    assert (table.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)  # the longer the gap, the more agents, the better the expectation
    with capsys.disabled():
        print("\nbias of the expected service level, points, February 1999, by gap_s of infer_agents:")  # noqa: T201
        print(table.round(1).to_string())  # noqa: T201


def test_waits_that_nobody_knows_are_no_waits_of_none() -> None:
    made = cc.synthesize_contacts(seed=3, start="2026-03-26", days=14, timezone=ZONE)
    staffed = cc.to_agent_intervals(made.agent_states, timezone=ZONE)
    answered = made.contacts.index[(made.contacts["outcome"] == "answered").to_numpy()]
    some = made.contacts.assign(wait_s=made.contacts["wait_s"].mask(made.contacts.index.isin(answered[::100])))
    with pytest.warns(DataWarning, match="have no wait_s"):
        untold = cc.to_intervals(some, timezone=ZONE, threshold_s=20)
    told = cc.to_intervals(made.contacts, timezone=ZONE, threshold_s=20)
    one, other = (cc.plan_as_usual(each, staffed, by=())["patience_s"].iloc[0] for each in (told, untold))
    assert math.isfinite(other)
    assert other == pytest.approx(one, rel=0.2)
    found, expected = (cc.backtest_staffing(each, staffed, models=["erlang_a"], by=()) for each in (untold, told))
    known = found["asa_s"].notna().to_numpy()
    assert 0 < known.sum() < len(found)
    np.testing.assert_array_equal(found["asa_s"][known], expected["asa_s"][known])


def test_patience_is_pooled_over_what_is_known() -> None:
    sums = {"total_wait_s": [100.0, np.nan, 40.0], "total_abandon_wait_s": [60.0, 5.0, 0.0], "abandoned": [2, 9, 0]}
    assert pooled_patience(pd.DataFrame(sums), np.array([0, 0, 1]), None).tolist() == [80.0, 80.0, math.inf]
    with pytest.warns(DataWarning, match="patience is taken as endless"):
        endless = pooled_patience(pd.DataFrame(sums), np.array([0, 1, 2]), None)
    assert endless.tolist() == [80.0, math.inf, math.inf]
