"""Forecasts as planners keep them: files by content, columns by name, every line accounted for."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import CcstatsError, ColumnError, DataWarning, FormatError, OptionError, ZoneError
from ccstats.report.files import csv_text
from ccstats.schema import FORECAST
from ccstats.workforce.demand import read_forecast, to_forecast

ZONE = "Europe/Istanbul"


def text(*lines: str) -> bytes:
    return "\n".join([*lines, ""]).encode()


def test_columns_are_known_by_the_names_planners_use() -> None:
    ours = text("queue,interval_start,interval_s,expected_offered,expected_aht_s", "sales,2024-03-04T06:00:00Z,1800,100,180")
    theirs = text("Skill;Date;Time;Calls;AHT", "sales;2024-03-04;09:00;100;180")
    pd.testing.assert_frame_equal(read_forecast(ours), read_forecast(theirs, timezone=ZONE, every="30min"))
    german = text("Skill;Start;Volume;AHT", "sales;04.03.2024 09:00;100,5;180,25")
    made = read_forecast(german, timezone=ZONE, time_format="%d.%m.%Y %H:%M", every="30min", decimal=",")
    assert made[["expected_offered", "expected_aht_s"]].to_numpy().tolist() == [[100.5, 180.25]]


def test_the_table_passes_its_schema_and_is_sorted() -> None:
    made = read_forecast(text("start,queue,calls,aht", "2024-03-04T09:30Z,b,1,60", "2024-03-04T09:00Z,b,2,60", "2024-03-04T09:00Z,a,3,60"))
    FORECAST.check(made)
    assert made["expected_offered"].tolist() == [3, 2, 1]
    assert made["interval_s"].tolist() == [1800.0] * 3


def test_the_length_is_given_told_or_asked_for() -> None:
    one = text("start,calls,aht", "2024-03-04T09:00Z,100,180")
    with pytest.raises(OptionError, match="every='30min'"):
        read_forecast(one)
    assert read_forecast(one, every="15min")["interval_s"].tolist() == [900.0]
    gap = text("start,calls,aht", "2024-03-04T09:00Z,1,180", "2024-03-04T09:15Z,1,180", "2024-03-04T18:00Z,1,180")
    assert read_forecast(gap)["interval_s"].tolist() == [900.0] * 3


def test_excel_and_frames_and_plans() -> None:
    frame = pd.DataFrame(
        {"start": pd.to_datetime(["2024-03-04 09:00", "2024-03-04 09:30"]), "calls": [100, 120], "aht": [180.0, 170.5], "agents": [14, 15]}
    )
    book = io.BytesIO()
    frame.to_excel(book, index=False)
    from_book = read_forecast(book.getvalue(), timezone=ZONE)
    pd.testing.assert_frame_equal(from_book, read_forecast(frame, timezone=ZONE), check_dtype=False)
    assert from_book["agents"].tolist() == [14, 15]
    split = pd.DataFrame(
        {"date": pd.to_datetime(["2024-03-04"] * 2), "time": ["09:00", "09:30"], "calls": [100, 120], "aht": [180.0, 170.5]}
    )
    assert read_forecast(split, timezone=ZONE)["interval_start"].equals(from_book["interval_start"])


def test_one_bad_cell_is_said_and_costs_no_plan() -> None:
    bad = text("start,calls,aht", "2024-03-04T09:00Z,100,180", "2024-03-04T09:30Z,many,180", "soon,5,180", "2024-03-04T10:00Z,-3,", "1,2")
    with pytest.warns(DataWarning) as said:
        made = read_forecast(bad)
    told = " ".join(str(each.message) for each in said)
    assert "line 3 (1 in all) have no number in column 'calls'" in told
    assert "line 4 (1 in all) have no time that can be read" in told
    assert "line 6 (1 in all) do not fit the header" in told
    assert made["expected_offered"].tolist()[0] == 100
    assert np.isnan(made["expected_offered"].tolist()[1])
    assert made["expected_offered"].tolist()[2] == -3  # the plan says what is wrong with it
    assert len(made) == 3


@pytest.mark.parametrize(
    ("content", "options", "error", "said"),
    [
        (text("start,aht", "2024-03-04T09:00Z,180"), {}, ColumnError, "expected_offered"),
        (text("start,calls", "2024-03-04T09:00Z,180"), {}, ColumnError, "--aht 180"),
        (text("calls,aht", "5,180"), {}, ColumnError, "interval_start"),
        (text("start,calls,aht"), {}, FormatError, "no rows"),
        (b"", {}, FormatError, "no rows"),
        (text("start,calls,aht", "2024-03-04 09:00,5,180"), {"every": "30min"}, ZoneError, "zone"),
        (text("start,calls,aht", *["2024-03-04T09:00Z,5,180"] * 2), {"every": "30min"}, FormatError, "line 3 (1 in all) repeat"),
        (text("start,calls,aht,interval_s", "2024-03-04T09:00Z,5,180,0"), {}, FormatError, "no positive length"),
        (text("start,calls,aht", "2024-03-04T09:00Z,5,3:00"), {"aht_unit": "mm-ss", "every": "30min"}, OptionError, "mm:ss"),
    ],
)
def test_what_cannot_be_read_says_what_to_do(content: bytes, options: dict, error: type[CcstatsError], said: str) -> None:
    with pytest.raises(error, match=said.replace("(", r"\(").replace(")", r"\)")):
        read_forecast(content, **options)


def test_handle_times_in_other_units_and_for_all() -> None:
    assert read_forecast(text("start,calls,aht", "2024-03-04T09:00Z,5,03:30"), aht_unit="mm:ss", every="1h")["expected_aht_s"].item() == 210
    assert read_forecast(text("start,calls", "2024-03-04T09:00Z,5"), aht_s=200, every="1h")["expected_aht_s"].item() == 200


def test_intervals_become_a_forecast_by_the_sums_of_each() -> None:
    log = cc.read(cc.sample_log())
    half_hours = cc.to_intervals(log.contacts, every="30min", timezone="Europe/Berlin", threshold_s=20)
    made = to_forecast(half_hours)
    FORECAST.check(made)
    assert len(made) == len(half_hours)
    pooled = {}
    for queue, rows in half_hours.groupby("queue", observed=True):
        pooled[queue] = {
            part: rows[f"total_{part}_s"].sum() / rows[f"{part}_known"].sum() if rows[f"{part}_known"].sum() else None
            for part in ("talk", "hold", "wrap")
        }
    for (_, interval), (_, row) in list(zip(half_hours.iterrows(), made.iterrows(), strict=True))[::97]:
        expected = 0.0
        for part in ("talk", "hold", "wrap"):
            known = interval[f"{part}_known"]
            value = interval[f"total_{part}_s"] / known if known else pooled[interval["queue"]][part]
            expected += value or 0.0
        assert row["expected_aht_s"] == pytest.approx(expected)
        assert row["expected_offered"] == interval["offered"]


def test_a_file_of_intervals_is_the_forecast_it_was_written_from() -> None:
    log = cc.read(cc.sample_log())
    half_hours = cc.to_intervals(log.contacts, every="30min", timezone="Europe/Berlin", threshold_s=20).head(500)
    pd.testing.assert_frame_equal(read_forecast(csv_text(half_hours).encode()), to_forecast(half_hours), check_categorical=False)


def test_a_queue_that_never_logs_handle_time_has_none() -> None:
    log = cc.read(cc.sample_log())
    contacts = log.contacts.assign(talk_s=np.nan, hold_s=np.nan, wrap_s=np.nan)
    made = to_forecast(cc.to_intervals(contacts, timezone="Europe/Berlin", threshold_s=20))
    assert made["expected_aht_s"].isna().all()
