"""Ratios against published figures, against plain Python, and at the edges."""

from __future__ import annotations

import csv
import math
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccstats.errors import ColumnError, OptionError
from ccstats.intervals import to_intervals
from ccstats.intervals.ratios import add_ratios
from ccstats.metrics import METRICS, RATIOS, SERVICE_LEVELS
from ccstats.schema import OUTCOMES
from ccstats.service.ratios import measure_service

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
PUBLISHED = list(csv.DictReader((Path(__file__).parents[1] / "reference" / "service_levels.csv").read_text(encoding="utf-8").splitlines()))
COUNTS = ("answered", "abandoned", "answered_within", "abandoned_within", "abandoned_short", "reached_threshold")
COLUMNS = sorted({column for name in RATIOS["intervals"] for column in METRICS[name].columns})


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row['case']} {row['metric']}")
def test_published_service_levels(row: dict[str, str]) -> None:
    counts = pd.DataFrame({name: [int(row[name])] for name in COUNTS})
    value = add_ratios(counts, metrics=[row["metric"]])[row["metric"]].iloc[0]
    assert round(value, int(row["decimals"])) == float(row["expected"])


def test_sums_are_divided_last() -> None:
    quiet_and_busy = pd.DataFrame({"answered_within": [9, 100], "offered": [10, 400], "open": [0, 0]})
    assert add_ratios(quiet_and_busy, metrics=["service_level"])["service_level"].tolist() == [0.9, 0.25]
    both = quiet_and_busy.sum().to_frame().T
    assert add_ratios(both, metrics=["service_level"])["service_level"].iloc[0] == pytest.approx(0.266, abs=0.0005)


def by_hand(name: str, row: dict[str, int | float | None]) -> float:
    """The formula as it is printed, evaluated by Python on exact fractions."""
    metric = METRICS[name]
    if metric.parts:
        known = [value for value in (by_hand(part, row) for part in metric.parts) if not math.isnan(value)]
        return sum(known) if known else math.nan
    if any(row[column] is None for column in metric.columns):
        return math.nan
    above, below = metric.formula.split("/")
    values = {column: Fraction(row[column]) for column in metric.columns}
    divisor = eval(below, {}, values)
    return float(eval(above, {}, values) / divisor) if divisor > 0 else math.nan


@settings(max_examples=max(20, int(2000 * EXAM)), deadline=None)
@given(st.lists(st.fixed_dictionaries({name: st.one_of(st.none(), st.integers(0, 50)) for name in COLUMNS}), max_size=5))
def test_ratios_are_the_printed_formulas(rows: list[dict[str, int | None]]) -> None:
    sums = pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype="Int64") for name in COLUMNS})
    before = sums.copy()
    made = add_ratios(sums)
    pd.testing.assert_frame_equal(sums, before)
    for position, row in enumerate(rows):
        for name in RATIOS["intervals"]:
            np.testing.assert_allclose(made[name].iloc[position], by_hand(name, row), rtol=1e-12, err_msg=name)
        parts = [
            word
            for word, part in (("talk", "att_s"), ("hold", "mean_hold_s"), ("wrap", "mean_wrap_s"))
            if not math.isnan(by_hand(part, row))
        ]
        text = made["aht_parts"].iloc[position]
        assert pd.isna(text) if not parts else text == "+".join(parts)


def test_agent_ratios_are_the_printed_formulas() -> None:
    sums = pd.DataFrame(
        {"on_contact_s": [1800.0, 0.0], "hold_s": [200.0, 0], "wrap_s": [400.0, 0], "available_s": [600.0, 0], "logged_in_s": [3600.0, 0]}
    ).assign(handled=pd.array([12, 0], dtype="Int64"))
    made = add_ratios(sums, metrics=RATIOS["agent_intervals"])
    assert made["occupancy"].iloc[0] == pytest.approx(0.8)
    assert made["occupancy_logged"].iloc[0] == pytest.approx(2400 / 3600)
    assert made["contacts_per_hour"].iloc[0] == pytest.approx(12)
    assert made.loc[1, list(RATIOS["agent_intervals"])].isna().all()


def test_unknown_ratio_and_missing_column() -> None:
    with pytest.raises(OptionError, match="'answered' is not a ratio"):
        add_ratios(pd.DataFrame(), metrics=["answered"])
    with pytest.raises(ColumnError, match="asa_s = total_wait_s / answered needs the column 'total_wait_s'"):
        add_ratios(pd.DataFrame({"answered": [1]}), metrics=["asa_s"])
    assert add_ratios(pd.DataFrame({"answered": [1]}), metrics=["hold_rate"])["hold_rate"].isna().all()  # never logged, not misspelt


# measure_service: contacts in, service out, against a loop over contacts


def service_by_hand(contacts: list[dict], threshold_s: float, short_s: float) -> dict[str, float]:
    """Counts of one group by a loop, then the printed formulas."""
    row = dict.fromkeys(COLUMNS, 0) | {"held": 0, "transferred": 0}
    for contact in contacts:
        counted, wait = OUTCOMES[contact["outcome"]], contact["wait_s"]
        if counted is None:
            continue
        row[counted] = row.get(counted, 0) + 1
        if counted in ("blocked", "ivr_abandoned"):
            continue
        row["offered"] += 1
        within = wait <= threshold_s  # a wait that is not known is not within
        row["reached_threshold"] += wait > threshold_s
        if counted in ("answered", "abandoned"):
            row[f"{counted}_within"] += within
            row["total_wait_s" if counted == "answered" else "total_abandon_wait_s"] += 0 if math.isnan(wait) else Fraction(wait)
        if counted == "abandoned":
            row["abandoned_short"] += wait <= short_s
        if counted == "callbacks":
            row["callback_within"] += within
        if counted == "answered":
            for part in ("talk", "hold", "wrap"):
                if not math.isnan(contact[f"{part}_s"]):
                    row[f"{part}_known"] += 1
                    row[f"total_{part}_s"] += Fraction(contact[f"{part}_s"])
            row["held"] += contact["hold_s"] > 0
            row["transferred"] += isinstance(contact["transferred_to"], str)
    if row["answered"] and not row["hold_known"]:
        row["held"] = None
    return row


LOGGED = [name for name in RATIOS["intervals"] if name not in ("rona_rate", "time_to_agent_s")]


@settings(max_examples=max(5, int(200 * EXAM)), deadline=None)
@given(
    seed=st.integers(0, 10**6),
    threshold_s=st.sampled_from([0.0, 10, 20]),
    short_s=st.sampled_from([0.0, 5]),
    zone=st.sampled_from(["UTC", "Europe/Berlin"]),
)
def test_service_is_a_loop_over_contacts(contacts_of, seed, threshold_s, short_s, zone) -> None:
    contacts = contacts_of(seed, 80, waits_known=True)
    intervals = to_intervals(contacts, every="30min", timezone=zone, threshold_s=threshold_s, short_s=short_s)
    service = measure_service(intervals, by="queue", period="day", timezone=zone)
    at = contacts["queued_at"].fillna(contacts["arrived_at"]).dt.tz_convert(zone)
    for _, made in service.iterrows():
        cell = contacts[(contacts["queue"] == made["queue"]) & (at.dt.date == made["period_start"].date())]
        hand = service_by_hand(cell.to_dict("records"), threshold_s, short_s)
        assert made["offered"] == hand["offered"]
        for name in LOGGED:
            np.testing.assert_allclose(made[name], by_hand(name, hand), rtol=1e-9, err_msg=name)
    whole = measure_service(intervals)
    assert (
        whole["offered"].iloc[0]
        == service["offered"].sum()
        == sum(OUTCOMES[o] not in (None, "blocked", "ivr_abandoned") for o in contacts["outcome"])
    )


@pytest.mark.parametrize("definition", SERVICE_LEVELS)
def test_the_definition_asked_for_stands_first(contacts_of, definition: str) -> None:
    intervals = to_intervals(contacts_of(3, waits_known=True), every="1h", threshold_s=20)
    table = measure_service(intervals, by="queue", definition=definition)
    ratios = [name for name in table.columns if name in RATIOS["intervals"]]
    assert ratios[0] == definition
    assert set(ratios) == set(RATIOS["intervals"])
    pd.testing.assert_series_equal(table[definition], measure_service(intervals, by="queue")[definition])
    assert table[list(SERVICE_LEVELS)].apply(lambda share: share.dropna().between(0, 1).all()).all()


def test_unknown_definition_names_the_nine(contacts_of) -> None:
    intervals = to_intervals(contacts_of(3, waits_known=True), every="1h", threshold_s=20)
    with pytest.raises(OptionError, match="service_level, sl_excl_flowout") as caught:
        measure_service(intervals, definition="sla")
    assert all(name in str(caught.value) for name in SERVICE_LEVELS)


def test_without_a_threshold_the_nine_are_missing(contacts_of) -> None:
    service = measure_service(to_intervals(contacts_of(3, waits_known=True), every="1h"), by="queue")
    assert service[list(SERVICE_LEVELS)].isna().all(axis=None)
    assert service["answer_rate"].notna().all()


def test_a_month_without_contacts_is_missing_not_perfect(contacts_of) -> None:
    contacts = contacts_of(3, waits_known=True, outcomes=("answered",)).iloc[:2].copy()
    contacts["queue"] = pd.Categorical(["sales", "sales"])
    contacts["queued_at"] = pd.to_datetime(["2026-01-31T23:59:59Z", "2026-03-01T00:00:00Z"]).as_unit("us")
    service = measure_service(to_intervals(contacts, every="1h", threshold_s=20), by="queue", period="month", timezone="UTC")
    assert service["offered"].tolist() == [1, 0, 1]
    empty = service.iloc[1]
    assert all(math.isnan(empty[name]) for name in RATIOS["intervals"])
    assert pd.isna(empty["aht_parts"])


def test_all_abandoned_and_all_open(contacts_of) -> None:
    abandoned = measure_service(to_intervals(contacts_of(5, waits_known=True, outcomes=("abandoned",)), every="1D", threshold_s=1e6))
    assert abandoned["service_level"].tolist() == [0.0]
    assert abandoned["abandonment_rate"].tolist() == [1.0]
    assert abandoned[["asa_s", "att_s", "aht_s", "sl_answered_only"]].isna().all(axis=None)
    still_open = measure_service(to_intervals(contacts_of(5, waits_known=True, outcomes=("open",)), every="1D", threshold_s=20))
    assert still_open["open"].iloc[0] == still_open["offered"].iloc[0] > 0
    assert still_open[["service_level", "answer_rate", "abandonment_rate"]].isna().all(axis=None)
