"""Forecasts as planners keep them: files by content, columns by name, every line accounted for."""

from __future__ import annotations

import io

import numpy as np
import openpyxl
import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import CcstatsError, ColumnError, DataWarning, FormatError, OptionError, ZoneError
from ccstats.report.files import csv_text
from ccstats.report.workbooks import workbook_bytes
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
        (text("start,calls,aht,interval_s", "2024-03-04T09:00Z,5,180,0"), {}, OptionError, "no positive length"),
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


def said_by(content: bytes, **options: object) -> tuple[pd.DataFrame, str]:
    with pytest.warns(DataWarning) as said:
        made = read_forecast(content, **options)
    return made, " ".join(str(each.message) for each in said)


@pytest.mark.parametrize(
    ("cell", "decimal", "value"),
    [
        ("1.250", ",", 1250),
        ("1.250,5", ",", 1250.5),
        ("1 250", ",", 1250),
        ("1\u00a0250", ",", 1250),
        ("1'250.5", ".", 1250.5),
        ("1,250", ".", 1250),
        ("-1,234,567", ".", -1234567),
        ("1.250", ".", 1.25),
        ("12,5", ",", 12.5),
    ],
)
def test_thousands_are_never_divided(cell: str, decimal: str, value: float) -> None:
    made = read_forecast(text("start;calls;aht", f'2024-03-04T09:00Z;"{cell}";180'), every="30min", decimal=decimal)
    assert made["expected_offered"].item() == value


@pytest.mark.parametrize(
    ("cell", "decimal"), [("12.5", ","), ("1.25", ","), ("0,125", "."), ("1.250.5", ","), ("1,25,000", "."), ("1,2.5", ".")]
)
def test_a_wrong_sign_is_unreadable(cell: str, decimal: str) -> None:
    made, told = said_by(text("start;calls;aht", f"2024-03-04T09:00Z;{cell};180"), every="30min", decimal=decimal)
    assert made["expected_offered"].isna().all()
    assert "line 2 (1 in all) have no number in column 'calls'" in told


def test_a_sign_that_is_decimal_elsewhere_groups_nothing() -> None:
    made, told = said_by(text("start;calls;aht", "2024-03-04T09:00Z;12,500;180", "2024-03-04T09:30Z;12,5;180"))
    assert made["expected_offered"].isna().all()
    assert "lines 2, 3" in told


def day_of(date: str, hours: list[str]) -> bytes:
    return text("start,calls,aht", *[f"{date} {hour},{at},180" for at, hour in enumerate(hours)])


def test_a_day_of_25_hours_reads_whole() -> None:
    hours = [f"{hour:02}:{minute}" for hour in [0, 1, 2, 2, *range(3, 24)] for minute in ("00", "30")]
    made = read_forecast(day_of("2026-10-25", hours), timezone="Europe/Berlin")
    assert made["interval_start"].diff().dropna().dt.total_seconds().unique().tolist() == [1800.0]
    assert made["expected_offered"].tolist() == list(range(50))
    sorted_pairs = [f"{hour:02}:{minute}" for hour in range(24) for minute in ("00", "30") for _ in range(1 + (hour == 2))]
    assert read_forecast(day_of("2026-10-25", sorted_pairs), timezone="Europe/Berlin")["interval_start"].equals(made["interval_start"])
    with pytest.raises(FormatError, match="repeat"):
        read_forecast(day_of("2026-10-25", ["02:00"] * 3), timezone="Europe/Berlin")


def test_the_doubled_hour_given_once_is_the_first_and_said() -> None:
    made, told = said_by(day_of("2026-10-25", ["01:30", "02:00", "02:30", "03:00"]), timezone="Europe/Berlin")
    assert "lines 3, 4 (2 in all) are in the hour that the clock shows twice, and are there once" in told
    assert made["interval_start"].dt.strftime("%H:%M").tolist() == ["23:30", "00:00", "00:30", "02:00"]


def test_the_hour_that_never_was_is_left_out_and_said() -> None:
    lines = ["01:30,4", "02:00,0", "02:30,", "03:00,6", "03:30,7"]
    made, told = said_by(text("start,calls,aht", *[f"2026-03-29 {each},180" for each in lines]), timezone="Europe/Berlin")
    assert "lines 3, 4 (2 in all) lie in the hour that the clock left out" in told
    assert "no contacts" in told
    assert made["expected_offered"].tolist() == [4, 6, 7]
    made, told = said_by(day_of("2026-03-29", ["01:30", "02:00", "02:30", "03:00", "03:30"]), timezone="Europe/Berlin")
    assert "lines 3, 4 (2 in all)" in told
    assert "3 contacts" in told
    assert made["expected_offered"].tolist() == [0, 3, 4]


def test_times_are_looked_at_first() -> None:
    dotted = text("start,calls,aht", *[f"04.03.2024 09:{minute},5,180" for minute in ("00", "30")])
    with pytest.raises(FormatError, match=r"'04\.03\.2024 09:00' in line 2.*time_format='%d\.%m\.%Y %H:%M' \(--time-format\)"):
        read_forecast(dotted, timezone=ZONE)
    with pytest.raises(FormatError, match="empty"):
        read_forecast(text("start,calls,aht", ",5,180"), timezone=ZONE)
    with pytest.raises(FormatError, match="repeat"):
        read_forecast(text("start,calls,aht", *["2024-03-04T09:00Z,5,180"] * 2))


def test_a_bad_length_is_the_usual_one() -> None:
    lines = ["09:00Z,1,60,900", "09:15Z,1,60,x", "10:00Z,1,60,1800", "11:00Z,1,60,0", "12:00Z,1,60,1800"]
    made, told = said_by(text("start,calls,aht,interval_s", *[f"2024-03-04T{each}" for each in lines]))
    assert made["interval_s"].tolist() == [900, 1800, 1800, 1800, 1800]
    assert "lines 3, 5 (2 in all) have no positive length" in told
    made, told = said_by(text("start,calls,aht,interval_s", "2024-03-04T09:00Z,1,60,0", "2024-03-04T09:15Z,1,60,"))
    assert made["interval_s"].tolist() == [900, 900]


@pytest.mark.parametrize(
    "header",
    [
        "interval start (UTC);Calls offered;AHT (s);interval [s]",
        "Start (UTC);contacts offered;expected aht [s];interval_s",
        "interval (UTC);Volume;expected AHT;Interval (s)",
    ],
)
def test_headings_with_units_and_zones(header: str) -> None:
    made = read_forecast(text(header, "2024-03-04 09:00;5;180;1800"))
    assert made.iloc[0, 1:].tolist() == [pd.Timestamp("2024-03-04 09:00", tz="UTC"), 1800.0, 5.0, 180.0]


def test_a_unit_in_the_heading_counts_unless_another_is_asked_for() -> None:
    content = text("start;calls;AHT (min)", "2024-03-04T09:00Z;5;3.5")
    assert read_forecast(content, every="1h")["expected_aht_s"].item() == 210
    assert read_forecast(content, every="1h", aht_unit="h")["expected_aht_s"].item() == 12600
    with pytest.raises(ZoneError):
        read_forecast(text("start (local time);calls;aht", "2024-03-04 09:00;5;180"), every="1h")


@pytest.mark.parametrize("name", ["time", "start", "interval", "interval start"])
def test_the_day_in_a_column_of_its_own(name: str) -> None:
    made = read_forecast(text(f"Date,{name},calls,aht", "2024-03-04,09:00,5,180", "2024-03-04,9:30:00,5,180"), timezone="UTC")
    assert made["interval_start"].dt.strftime("%d %H:%M").tolist() == ["04 09:00", "04 09:30"]


def test_a_start_that_holds_the_day_needs_no_other_column() -> None:
    made = read_forecast(text("date,start,calls,aht", "2024-03-05,2024-03-04T09:00Z,5,180"), every="1h")
    assert made["interval_start"].item() == pd.Timestamp("2024-03-04 09:00", tz="UTC")


def test_titles_above_the_header() -> None:
    made = read_forecast(text("Forecast; March", "", "made by planning", "start;calls;aht", "2024-03-04T09:00Z;5;180"), every="1h")
    assert made["expected_offered"].tolist() == [5]
    book = io.BytesIO()
    rows = pd.DataFrame([["Forecast", None, None], ["start", "calls", "aht"], ["2024-03-04T09:00Z", 5, 180]])
    rows.to_excel(book, index=False, header=False)
    assert read_forecast(book.getvalue(), every="1h")["expected_aht_s"].tolist() == [180]


def test_a_plan_reads_back_from_its_workbook_and_its_csv() -> None:
    expected = read_forecast(text("start,calls,aht", "2024-03-04T09:00Z,100,180", "2024-03-04T09:30Z,120,180.5"))
    plan = cc.plan_staffing(expected, target_service_level=0.8, threshold_s=20.0)
    planned = ["agents", "scheduled_agents", "required_agents", "shrinkage", "expected_service_level"]
    kept = [*expected.columns, *planned, "patience_s", "threshold_s", "target_service_level", "definition"]
    from_book = read_forecast(workbook_bytes({"plan": plan}, timezone=ZONE))
    from_csv = read_forecast(csv_text(plan).encode())
    for made in (from_book, from_csv):
        pd.testing.assert_frame_equal(made[kept], plan[kept], check_categorical=False)
        assert np.isinf(made["patience_s"]).all()
        assert {*kept} <= {*made.columns} <= {*kept, "lines", "short_s"}
    more = read_forecast(text("start,calls,aht,lines,short_s,patience_s", "2024-03-04T09:00Z,5,180,∞,5,inf"), every="1h")
    assert more[["lines", "short_s", "patience_s"]].iloc[0].tolist() == [np.inf, 5, np.inf]


@pytest.mark.parametrize("cell", ["3:00", "0:03:00"])
def test_handle_times_with_colons_are_not_guessed(cell: str) -> None:
    with pytest.raises(FormatError, match=r"aht_unit='mm:ss' \(--aht-unit mm:ss\), or 'h:mm:ss'"):
        read_forecast(text("start,calls,aht", f"2024-03-04T09:00Z,5,{cell}"), every="1h", aht_s=100)
    frame = pd.DataFrame({"start": ["2024-03-04T09:00Z"], "calls": [5], "aht": pd.to_timedelta([180], unit="s")})
    assert read_forecast(frame, every="1h")["expected_aht_s"].item() == 180


def test_a_formula_without_a_value_is_said() -> None:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in (["start", "calls", "aht"], ["2024-03-04T09:00Z", "=2+3", 180], ["2024-03-04T09:30Z", 5, None]):
        book.active.append(row)
    book.save(file)
    made, told = said_by(file.getvalue())
    assert "line 2 (1 in all) have no number in column 'calls'" in told
    assert "'aht'" not in told  # empty, not unreadable
    assert made["expected_offered"].isna().tolist() == [True, False]


def test_two_zones_are_said() -> None:
    made, told = said_by(text("start (UTC),calls,aht", "2024-03-04 09:00,5,180"), every="1h", timezone=ZONE)
    assert "heading says UTC" in told
    assert made["interval_start"].item() == pd.Timestamp("2024-03-04 06:00", tz="UTC")


def test_a_workbook_of_intervals_is_the_forecast_too() -> None:
    log = cc.read(cc.sample_log())
    hours = cc.to_intervals(log.contacts, every="1h", timezone="Europe/Berlin", threshold_s=20).head(60)
    made = read_forecast(workbook_bytes({"intervals": hours}, timezone="Europe/Berlin"))
    pd.testing.assert_frame_equal(made, to_forecast(hours), check_categorical=False)
