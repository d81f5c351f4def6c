"""Turnover, absenteeism and training: by hand, against a loop over days, and what must add up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import ColumnError, OptionError, TableError, ZoneError
from ccstats.schema import ABSENCES, STAFF


def day(text: str, zone: str = "UTC") -> pd.Timestamp:
    return pd.Timestamp(text, tz=zone).tz_convert("UTC")


def people(rows: list[tuple[str, str, str | None]], zone: str = "UTC", **more: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "agent": [row[0] for row in rows],
            "joined_at": pd.Series([day(row[1], zone) for row in rows], dtype="datetime64[us, UTC]"),
            "left_at": pd.Series([day(row[2], zone) if row[2] else pd.NaT for row in rows], dtype="datetime64[us, UTC]"),
        }
        | more
    )
    return STAFF.conform(frame)


YEAR = (day("2025-01-01"), day("2026-01-01"))


def test_by_hand() -> None:
    """100 agents, 5 leave in January and 3 come: 5 / ((100 + 98) / 2) a month, twelve times that a year."""
    rows = [(f"a{n:03d}", "2024-01-01", "2025-01-20" if n < 5 else None) for n in range(100)] + [
        (f"n{n}", "2025-01-10", None) for n in range(3)
    ]
    staff = people(rows, voluntary=[n < 2 for n in range(103)])
    found = cc.measure_turnover(staff, timezone="UTC", observed=(day("2025-01-01"), day("2025-03-01")))
    assert found[["headcount_start", "joined", "leavers", "voluntary_leavers", "headcount_end"]].values.tolist() == [
        [100, 3, 5, 2, 98],
        [98, 0, 0, 0, 98],
    ]
    assert found["agent_turnover"].tolist() == [5 / 99, 0.0]
    assert found["agent_turnover_annual"][0] == pytest.approx(12 * 5 / 99)
    assert found["voluntary_turnover_annual"][0] == pytest.approx(12 * 2 / 99)
    # Garwood's limits of 5: 1.6235 and 11.6683 (Pearson and Hartley, table 40)
    assert found["agent_turnover_annual_low"][0] == pytest.approx(12 * 1.6235 / 99, rel=1e-4)
    assert found["agent_turnover_annual_high"][0] == pytest.approx(12 * 11.6683 / 99, rel=1e-4)
    assert found["agent_turnover_annual_low"][1] == 0.0
    assert found["agent_turnover_annual_high"][1] > 0.0


def test_the_last_midnight_of_a_month_belongs_to_it_in_the_zone_asked_for() -> None:
    staff = people([("Ada", "2024-01-01", "2025-04-01"), ("Bo", "2025-04-01", None), ("Cy", "2024-01-01", None)], zone="Europe/Berlin")
    span = (day("2025-03-01", "Europe/Berlin"), day("2025-05-01", "Europe/Berlin"))
    found = cc.measure_turnover(staff, timezone="Europe/Berlin", observed=span)
    assert found[["leavers", "joined", "headcount_start", "headcount_end"]].values.tolist() == [[1, 0, 2, 1], [0, 1, 1, 2]]
    assert [str(each) for each in found["period_start"]] == ["2025-03-01 00:00:00+01:00", "2025-04-01 00:00:00+02:00"]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(1, 30), period=st.sampled_from(["week", "month", "quarter", "year", None]))
def test_heads_add_up(seed, size, period) -> None:
    rng = np.random.default_rng(seed)
    joined = pd.Timestamp("2024-06-01T00:00Z") + pd.to_timedelta(rng.integers(0, 700, size), unit="D")
    left = pd.Series(joined + pd.to_timedelta(rng.integers(1, 400, size), unit="D")).mask(rng.random(size) < 0.4)
    staff = STAFF.conform(
        pd.DataFrame({"agent": [f"a{n}" for n in range(size)], "joined_at": joined, "left_at": left, "queue": rng.choice(["x", "y"], size)})
    )
    found = cc.measure_turnover(staff, timezone="UTC", period=period, by="queue", observed=YEAR)
    assert (found["headcount_start"] + found["joined"] - found["leavers"] == found["headcount_end"]).all()
    for _, row in found.iterrows():
        start = YEAR[0] if period is None else row["period_start"]
        months = {"month": 1, "quarter": 3, "year": 12}.get(period)
        end = YEAR[1] if period is None else start + (pd.DateOffset(months=months) if months else pd.Timedelta(days=7))
        theirs = [each for each in staff.to_dict("records") if each["queue"] == row["queue"]]
        assert row["leavers"] == sum(start < each["left_at"] <= end for each in theirs if not pd.isna(each["left_at"]))
        assert row["headcount_start"] == sum(
            each["joined_at"] < start and (pd.isna(each["left_at"]) or each["left_at"] > start) for each in theirs
        )
    if period in ("month", "quarter", "year"):
        assert (found.groupby("queue", observed=True)["months"].sum() == 12).all()


def test_periods_that_are_not_whole_are_left_out() -> None:
    staff = people([("Ada", "2025-01-10", None), ("Bo", "2025-01-20", "2025-04-15")])
    assert [str(each.date()) for each in cc.measure_turnover(staff, timezone="UTC")["period_start"]] == ["2025-02-01", "2025-03-01"]
    assert "period_start" not in cc.measure_turnover(staff, period=None)


def test_without_heads_or_people() -> None:
    staff = people([("Ada", "2025-03-10", "2025-03-20")])
    found = cc.measure_turnover(staff, timezone="UTC", observed=(day("2025-01-01"), day("2025-02-01")))
    assert found["agent_turnover"].isna().all()
    assert found["voluntary_leavers"].isna().all()
    empty = cc.measure_turnover(staff.iloc[:0], timezone="UTC", by="agent")
    assert len(empty) == 0
    assert {"period_start", "leavers", "agent_turnover"} <= set(empty.columns)


def test_training() -> None:
    staff = people([("Ada", "2024-01-01", None), ("Bo", "2024-01-01", "2025-06-01")], training_s=[36_000.0, 3_600.0])
    found = cc.measure_training(staff, observed=YEAR).iloc[0]
    assert (found["headcount"], found["training_hours_per_agent"]) == (1.5, 11 / 1.5)
    with pytest.raises(ColumnError, match="training_s"):
        cc.measure_training(staff.drop(columns="training_s"))
    assert math.isnan(cc.measure_training(staff.iloc[:0])["training_hours_per_agent"][0])


def shifts(absent: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    rows = [
        {"agent": agent, "started_at": day("2025-03-03") + pd.Timedelta(days=n), "scheduled_s": 100.0, "absent_s": each}
        for agent, days in absent.items()
        for n, each in enumerate(days)
    ]
    return ABSENCES.conform(pd.DataFrame(rows))


def test_absenteeism() -> None:
    found = cc.measure_absenteeism(shifts({"Ada": [0, 100, 100], "Bo": [0, 0, 50], "Cy": [0, 0, 0]})).iloc[0]
    assert (found["agents"], found["agents_absent"], found["scheduled_s"], found["absent_s"]) == (3, 2, 900, 250)
    assert found["absenteeism_rate"] == 250 / 900
    assert found["absenteeism_rate_low"] < 250 / 900 < found["absenteeism_rate_high"]
    days = cc.measure_absenteeism(shifts({"Ada": [0, 100, 100]}), period="day", timezone="UTC")
    assert days["absenteeism_rate"].tolist() == [0, 1, 1]
    assert days["absenteeism_rate_low"].isna().all()
    # One long illness is one unit, not ten: limits are wider than for ten agents who miss a day each.
    ill = cc.measure_absenteeism(shifts({"a": [100] * 10} | {f"b{n}": [0] * 10 for n in range(9)})).iloc[0]
    spread = cc.measure_absenteeism(shifts({f"b{n}": [100] + [0] * 9 for n in range(9)} | {"c": [100] + [0] * 9})).iloc[0]
    assert ill["absenteeism_rate"] == spread["absenteeism_rate"] == 0.1
    assert ill["absenteeism_rate_high"] >= spread["absenteeism_rate_high"]


def test_bad_input() -> None:
    with pytest.raises(TableError, match="end before they begin"):
        cc.measure_turnover(people([("Ada", "2025-02-01", "2025-01-01")]), timezone="UTC")
    with pytest.raises(TableError, match="second time"):
        cc.measure_turnover(people([("Ada", "2025-01-01", None), ("Ada", "2025-02-01", None)]), timezone="UTC")
    with pytest.raises(OptionError, match="period"):
        cc.measure_turnover(people([("Ada", "2025-01-01", None)]), timezone="UTC", period="day")
    with pytest.raises(ZoneError, match="Berln"):
        cc.measure_turnover(people([("Ada", "2025-01-01", None)]), timezone="Europe/Berln")
    with pytest.raises(TableError, match="longer than scheduled"):
        cc.measure_absenteeism(shifts({"Ada": [101.0]}))
    with pytest.raises(TableError, match="negative"):
        cc.measure_absenteeism(shifts({"Ada": [-1.0]}))
