"""Interval tables of Avaya CMS: what each column counts, what is missing, whose time it is; Avaya's formulas against a plain loop."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cms_oracle import agents_of, intervals_of, rows_of
from exam_cases import Case, cases_of

import ccstats as cc
from ccstats.errors import ColumnError, FormatError, OptionError, TableError, ZoneError
from ccstats.readers import READERS
from command_line import run

ZONE = "Europe/Berlin"
SAMPLES = {case.path.name: case for case in cases_of("avaya_cms_intervals")}
HSPLIT = "ROW_DATE,STARTTIME,INTRVL,ACD,SPLIT,CALLSOFFERED,ACDCALLS,ABNCALLS"


def read(*rows: str, header: str = HSPLIT, **options: Any) -> cc.IntervalLog:
    return cc.read_intervals("\n".join([header, *rows, ""]).encode(), **{"format": "avaya_cms_intervals", "timezone": ZONE, **options})


def row(more: str = "", *, of: str = "", begins: str = "2024-03-01,930,30,1,12", counts: str = "10,7,2", **options: Any) -> dict[str, Any]:
    """One interval, with further columns ``of`` and what stands in them."""
    log = read(f"{begins},{counts},{more}", header=f"{HSPLIT},{of}", **options)
    assert len(log.intervals) == 1, log.rejected
    return log.intervals.iloc[0].to_dict()


def notes(log: cc.IntervalLog) -> str:
    return "; ".join(log.notes["note"])


# ------------------------------------------------------------------------------------------------------- against a plain loop


def loop_rows(name: str) -> list[dict[str, Any]]:
    """Rows of the loop for hsplit.csv, as numbers."""
    case: Case = SAMPLES[name]
    return intervals_of(case.data, ZONE, case.options["dictionary"]["split"], acds=True)


def test_formulas_of_avaya_agree_with_a_plain_loop() -> None:
    log, loop = SAMPLES["hsplit.csv"].read(), loop_rows("hsplit.csv")
    service = cc.measure_service(log.intervals, by="queue").set_index("queue")
    assert len(service) == 3
    for queue, found in service.iterrows():
        mine = [each for each in loop if each["queue"] == queue]

        def total(name: str, mine: list[dict[str, Any]] = mine) -> int:
            return sum(each[name] for each in mine)

        answered, offered = total("answered"), total("offered")
        assert found["asa_s"] == pytest.approx(total("total_wait_s") / answered)
        assert found["mean_abandon_s"] == pytest.approx(total("total_abandon_wait_s") / total("abandoned"))
        assert found["aht_s"] == pytest.approx((total("total_talk_s") + total("total_hold_s") + total("total_wrap_s")) / answered)
        assert found["aht_parts"] == "talk+hold+wrap"
        assert found["abandonment_rate"] == pytest.approx(total("abandoned") / offered)
        assert found["transfer_rate"] == pytest.approx(total("transferred") / answered)
        assert found["max_wait_s"] == max(each["max_wait_s"] or 0 for each in mine)
        if all(each["answered_within"] is not None for each in mine):
            within = total("answered_within")
            assert found["service_level"] == pytest.approx(within / offered)
            assert found["sl_answered_only"] == pytest.approx(within / answered)
            early = total("abandoned_within")
            assert found["sl_excl_early_abandoned"] == pytest.approx(within / (answered + total("abandoned") - early))
        else:
            assert np.isnan(found["service_level"])


def test_a_service_level_that_changed_within_an_interval_makes_its_day_missing() -> None:
    log = SAMPLES["hsplit.csv"].read()
    days = cc.measure_service(log.intervals, by="queue", period="day", timezone=ZONE).set_index(["queue", "period_start"])["service_level"]
    first, second = pd.Timestamp("2024-10-25", tz=ZONE), pd.Timestamp("2024-10-27", tz=ZONE)
    assert np.isnan(days["Störung", first])
    assert days["Störung", second] > 0
    assert days["Rechnung", first] > 0


def test_other_agents_and_tables_agree_with_the_loop_under_other_names() -> None:
    case = SAMPLES["hagent.tsv"]
    found = case.read(dictionary=None).agent_intervals
    loop = agents_of(case.data, ZONE, {}, acds=False)
    assert found["agent"].tolist() == [each["agent"] for each in loop]
    assert found["logged_in_s"].tolist() == [each["logged_in_s"] for each in loop]
    both = case.read([case.path, SAMPLES["hsplit.csv"].path])
    assert set(both.agent_intervals["agent"]) == {"1/7001", "1/7002", "1/7003"}  # two ACDs are named
    assert len(both.intervals) == len(loop_rows("hsplit.csv"))


# ------------------------------------------------------------------------------------------------------- calls


def test_calls_go_where_the_dispositions_say() -> None:
    found = row("1,0,0,0", of="BUSYCALLS,DISCCALLS,OUTFLOWCALLS,DEQUECALLS")
    assert [found[name] for name in ("offered", "answered", "abandoned", "flowed_out", "unknown", "open", "lost")] == [10, 7, 2, 1, 0, 0, 0]
    assert row()["flowed_out"] == 1  # without the columns: all that were neither answered nor abandoned
    assert row()["attribute_by"] == "ended"


def test_calls_without_a_disposition_are_unknown_and_counted() -> None:
    log = read("2024-03-01,930,30,1,12,10,7,1,0,0,1,0", header=f"{HSPLIT},BUSYCALLS,DISCCALLS,OUTFLOWCALLS,DEQUECALLS")
    assert log.intervals[["flowed_out", "unknown"]].to_numpy().tolist() == [[1, 1]]
    assert "more than the sum of its dispositions" in notes(log)
    log = read("2024-03-01,930,30,1,12,10,7,2,3,0,1,0", header=f"{HSPLIT},BUSYCALLS,DISCCALLS,OUTFLOWCALLS,DEQUECALLS")
    assert log.intervals[["flowed_out", "unknown"]].to_numpy().tolist() == [[1, 0]]
    assert "less than the sum of its dispositions" in notes(log)


def test_what_the_table_does_not_have_is_missing_and_never_nothing() -> None:
    found = row()
    for name in ("answered_within", "abandoned_within", "callback_within", "reached_threshold", "blocked", "ivr_abandoned", "threshold_s"):
        assert pd.isna(found[name]), name
    for name in ("total_wait_s", "total_abandon_wait_s", "total_talk_s", "total_hold_s", "total_wrap_s", "max_wait_s"):
        assert np.isnan(found[name]), name
    assert not {"held", "transferred", "ring_attempts", "ring_noanswer"} & set(found)
    service = cc.measure_service(read("2024-03-01,930,30,1,12,10,7,2").intervals).iloc[0]
    for name in ("service_level", "asa_s", "aht_s", "att_s", "mean_wait_s", "blocked_rate", "hold_rate", "transfer_rate", "rona_rate"):
        assert np.isnan(service[name]), name
    assert service["answer_rate"] == 0.7


def test_a_column_that_one_file_lacks_is_not_added_as_nothing() -> None:
    short = f"{HSPLIT}\n2024-03-01,930,30,1,12,10,7,2\n".encode()
    long = f"{HSPLIT},ANSTIME,HOLDCALLS,HOLDTIME,ACDTIME\n2024-03-01,1000,30,1,12,10,7,2,70,3,90,700\n".encode()
    log = cc.read_intervals([short, long], timezone=ZONE)
    assert log.intervals["total_wait_s"].isna().tolist() == [True, False]
    together = cc.measure_service(log.intervals).iloc[0]
    assert np.isnan(together["asa_s"])
    assert together["att_s"] == 100  # of the calls whose talk is known
    assert pd.isna(cc.roll_up(log.intervals)["total_wait_s"].iloc[0])
    assert cc.measure_service(log.intervals, period="hour", timezone=ZONE)["asa_s"].isna().tolist() == [True, False]


def test_known_parts_are_those_of_columns_that_are_there() -> None:
    found = row("70,700", of="ANSTIME,ACDTIME")
    assert (found["talk_known"], found["hold_known"], found["wrap_known"]) == (7, 0, 0)
    assert found["total_talk_s"] == 700
    quiet = row("0,0,0", of="ANSTIME,ACDTIME,MAXOCWTIME", counts="0,0,0")
    assert quiet["total_talk_s"] == 0
    assert np.isnan(quiet["max_wait_s"])


def test_ringing_holding_and_transfers() -> None:
    found = row("3,1,9,2,44", of="HOLDCALLS,TRANSFERRED,RINGCALLS,NOANSREDIR,MAXOCWTIME")
    assert [found[name] for name in ("held", "transferred", "ring_attempts", "ring_noanswer", "max_wait_s")] == [3, 1, 9, 2, 44]


def test_dialled_calls_are_counted_and_told() -> None:
    log = read("2024-03-01,930,30,1,12,10,7,2,1,0", header=f"{HSPLIT},O_ACDCALLS,O_ABNCALLS")
    assert "calls of a dialler" in notes(log)
    assert log.intervals["answered"].tolist() == [7]


# ------------------------------------------------------------------------------------------------------- thresholds

WITHIN = "ACCEPTABLE,SLVLABNS,SLVLOUTFLOWS,OUTFLOWCALLS"


def test_the_threshold_is_the_column_or_the_argument() -> None:
    by_column = row("5,1,1,1,20", of=f"{WITHIN},SERVICELEVEL")
    assert [by_column[name] for name in ("threshold_s", "answered_within", "abandoned_within", "callback_within")] == [20, 5, 1, 0]
    assert by_column["reached_threshold"] == 10 - 5 - 1 - 1
    assert row("5,1,1,1", of=WITHIN, threshold_s=20)["answered_within"] == 5
    assert row("5,1,1,1", of=WITHIN, threshold_s={"12": 30})["threshold_s"] == 30
    assert row("5,1,1,1,20", of=f"{WITHIN},SERVICELEVEL", threshold_s=20)["threshold_s"] == 20
    # None was set: a level of 0 s is no level.
    assert row("5,1,1,1,0", of=f"{WITHIN},SERVICELEVEL", threshold_s=15)["threshold_s"] == 15


def test_without_a_threshold_what_was_within_it_is_missing_and_told() -> None:
    log = read("2024-03-01,930,30,1,12,10,7,2,5", header=f"{HSPLIT},ACCEPTABLE")
    assert log.intervals["answered_within"].isna().all()
    assert "ACCEPTABLE without its SERVICELEVEL" in notes(log)


def test_a_threshold_that_is_not_the_source_s_is_refused() -> None:
    with pytest.raises(OptionError, match=r"threshold_s=30, but ACCEPTABLE of split '12' was counted with SERVICELEVEL = 20"):
        row("5,20", of="ACCEPTABLE,SERVICELEVEL", threshold_s=30)
    with pytest.raises(OptionError, match=r"threshold_s: no split 'sale'; there are sales\. Did you mean sales"):
        row(threshold_s={"sale": 20}, dictionary={"split": {"12": "sales"}})
    for wrong in (-1, "20", True, float("nan"), {"12": None}):
        with pytest.raises(OptionError, match="threshold_s=.*expected seconds above 0"):
            row(threshold_s=wrong)


def test_who_reached_the_threshold_is_known_if_only_outflows_left_otherwise() -> None:
    columns = f"{WITHIN},SERVICELEVEL,DEQUECALLS"
    assert row("5,1,1,1,20,0", of=columns)["reached_threshold"] == 3
    assert pd.isna(row("5,1,0,0,20,1", of=columns)["reached_threshold"])
    assert row("5,1,20", of="ACCEPTABLE,SLVLABNS,SERVICELEVEL", counts="9,7,2")["reached_threshold"] == 3
    assert pd.isna(row("5,1,20", of="ACCEPTABLE,SLVLABNS,SERVICELEVEL")["reached_threshold"])


def test_a_level_that_changed_within_the_interval_counts_nothing() -> None:
    log = read("2024-03-01,930,30,1,12,10,7,2,5,1,20,1", header=f"{HSPLIT},ACCEPTABLE,SLVLABNS,SERVICELEVEL,SVCLEVELCHG")
    assert log.intervals[["answered_within", "abandoned_within"]].isna().all(axis=None)
    assert log.intervals["threshold_s"].tolist() == [20]
    assert "SERVICELEVEL changed" in notes(log)


HISTOGRAM = ",".join([*(f"PERIOD{k}" for k in range(1, 10)), *(f"{name}{k}" for name in ("ACDCALLS", "ABNCALLS") for k in range(1, 11))])


def histogram(periods: str, answered: str, abandoned: str, more: str = "", of: str = "") -> tuple[dict[str, Any], cc.IntervalLog]:
    log = read(f"2024-03-01,930,30,1,12,10,7,2,{periods},{answered},{abandoned}{more}", header=f"{HSPLIT},{HISTOGRAM}{of}")
    return log.intervals.iloc[0].to_dict(), log


def test_increments_become_a_wait_histogram() -> None:
    found, _ = histogram("5,10,20,30,60,90,120,180,240", "2,1,1,0,1,0,0,0,0,2", "1,0,0,0,0,0,0,0,0,1")
    assert [found[f"answered_within_{x}s"] for x in (5, 10, 20, 60, 240)] == [2, 3, 4, 5, 5]
    assert [found[f"abandoned_within_{x}s"] for x in (5, 240)] == [1, 1]
    fewer, _ = histogram("10,20,0,0,0,0,0,0,0", "2,1,4,0,0,0,0,0,0,0", "1,0,1,0,0,0,0,0,0,0")
    assert [name for name in fewer if "_within_" in name and name.endswith("s")] == [
        "answered_within_10s",
        "abandoned_within_10s",
        "answered_within_20s",
        "abandoned_within_20s",
    ]
    none, _ = histogram("0,0,0,0,0,0,0,0,0", "7,0,0,0,0,0,0,0,0,0", "2,0,0,0,0,0,0,0,0,0")
    assert not [name for name in none if name.startswith("answered_within_")]


def test_increments_that_do_not_add_up_or_changed_make_no_histogram() -> None:
    found, log = histogram("5,10,20,30,60,90,120,180,240", "2,1,1,0,1,0,0,0,0,3", "1,0,0,0,0,0,0,0,0,1")
    assert not [name for name in found if name.startswith("answered_within_")]
    assert "ACDCALLS1 to ACDCALLS10 do not add up" in notes(log)
    found, log = histogram("5,10,20,30,60,90,120,180,240", "2,1,1,0,1,0,0,0,0,2", "1,0,0,0,0,0,0,0,0,1", ",1", ",PERIODCHG")
    assert not [name for name in found if "_within_5s" in name]
    assert "PERIOD1 to PERIOD9 changed" in notes(log)


def test_a_hundred_settings_make_no_histogram_of_a_thousand_columns() -> None:
    of = ",".join([HSPLIT, *(f"PERIOD{k}" for k in range(1, 10)), *(f"ACDCALLS{k}" for k in range(1, 11))])
    periods = [",".join(str(9 * split + k) for k in range(9)) for split in range(1, 99)]
    lines = [f"2024-03-01,930,30,1,{at},10,10,0,{each}{',1' * 10}" for at, each in enumerate(periods)]
    log = read(*lines, header=of)
    assert log.intervals["answered"].tolist() == [10] * 98
    assert not [name for name in log.intervals if name.startswith("answered_within_")]
    assert "more than 500 different bounds" in notes(log)


def test_acceptable_that_is_not_its_increments_is_told() -> None:
    _, log = histogram("5,10,20,30,60,90,120,180,240", "2,1,1,0,1,0,0,0,0,2", "1,0,0,0,0,0,0,0,0,1", ",3,10", ",ACCEPTABLE,SERVICELEVEL")
    assert log.notes.empty
    _, log = histogram("5,10,20,30,60,90,120,180,240", "2,1,1,0,1,0,0,0,0,2", "1,0,0,0,0,0,0,0,0,1", ",4,10", ",ACCEPTABLE,SERVICELEVEL")
    assert "ACCEPTABLE is not what ACDCALLS1 to 10 say" in notes(log)


def test_steps_that_a_split_does_not_have_are_missing_in_the_whole() -> None:
    log = SAMPLES["hsplit.csv"].read()
    assert cc.roll_up(log.intervals, by="queue").set_index("queue")["answered_within_5s"].isna()["Rechnung"]
    assert pd.isna(cc.roll_up(log.intervals)["answered_within_5s"].iloc[0])


# ------------------------------------------------------------------------------------------------------- when and who


@pytest.mark.parametrize(
    ("begins", "utc", "length"),
    [
        ("2024-03-01,930,30", "2024-03-01T08:30:00Z", 1800),
        ("2024-03-01,0,15", "2024-02-29T23:00:00Z", 900),
        ("2024-03-01,45,15", "2024-02-29T23:45:00Z", 900),
        ("2024-03-01,2300,60", "2024-03-01T22:00:00Z", 3600),
        ("2024-03-01,0930,30", "2024-03-01T08:30:00Z", 1800),
        ("2024-03-01 00:00:00,9:30,30", "2024-03-01T08:30:00Z", 1800),
        ("01.03.2024,09:30:00,30", "2024-03-01T08:30:00Z", 1800),
        ("03/31/2024,930,30", "2024-03-31T07:30:00Z", 1800),
        ("31/03/2024,930,30", "2024-03-31T07:30:00Z", 1800),
    ],
)
def test_ways_to_write_when(begins: str, utc: str, length: int) -> None:
    found = row(begins=f"{begins},1,12")
    assert found["interval_start"] == pd.Timestamp(utc)
    assert found["interval_s"] == length


def test_month_or_day_first_is_asked_for_where_no_date_tells() -> None:
    with pytest.raises(OptionError, match=r"ROW_DATE '03/04/2024' has its month or its day first.* dates='%m/%d/%Y' or dates='%d/%m/%Y'"):
        row(begins="03/04/2024,930,30,1,12")
    assert row(begins="03/04/2024,930,30,1,12", dates="%d/%m/%Y")["interval_start"] == pd.Timestamp("2024-04-03T07:30Z")
    assert row(begins="20240304,930,30,1,12", dates="%Y%m%d")["interval_start"] == pd.Timestamp("2024-03-04T08:30Z")
    assert row(begins="04/04/2024,930,30,1,12")["interval_start"] == pd.Timestamp("2024-04-04T07:30Z")
    for wrong in ("day first", 5, "%Q"):
        with pytest.raises(OptionError, match="dates="):
            row(dates=wrong)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2024-02-30,930,30,1,12,10,7,2", "ROW_DATE is blank, no date"),
        ("1969-02-03,930,30,1,12,10,7,2", "outside 1970 to 2200"),
        ("2024-03-01,960,30,1,12,10,7,2", "STARTTIME is no time of day"),
        ("2024-03-01,2400,30,1,12,10,7,2", "STARTTIME is no time of day"),
        ("2024-03-01,-30,30,1,12,10,7,2", "STARTTIME is no time of day"),
        ("2024-03-01,930,20,1,12,10,7,2", "INTRVL is not 15, 30 or 60"),
        ("2024-03-01,930,60,1,12,10,7,2", "STARTTIME is not where an interval of this INTRVL begins"),
        ("2024-03-31,230,30,1,12,10,7,2", "never showed on this day: is timezone= the zone of CMS"),
        ("2024-03-01,930,30,1,,10,7,2", "SPLIT is blank"),
        ("2024-03-01,930,30,1,12,,7,2", "CALLSOFFERED is blank"),
        ("2024-03-01,930,30,1,12,10,7.5,2", "ACDCALLS is no count"),
        ("2024-03-01,930,30,1,12,10,7,-2", "ABNCALLS is no count"),
        ("2024-03-01,930,30,1,12,10,7,4", "ACDCALLS and ABNCALLS are more than CALLSOFFERED"),
    ],
)
def test_rows_that_cannot_be_are_set_aside(line: str, reason: str) -> None:
    log = read("2024-03-01,900,30,1,12,1,1,0", line)
    assert len(log.intervals) == 1
    assert log.rejected[["line", "reason"]].to_numpy().tolist() == [[3, log.rejected["reason"].iloc[0]]]
    assert reason in log.rejected["reason"].iloc[0]
    with pytest.raises(FormatError, match=r"line 3: .*on_error='reject'"):
        read("2024-03-01,900,30,1,12,1,1,0", line, on_error="raise")


@pytest.mark.parametrize(("more", "of", "reason"), [("8", "ACCEPTABLE", "ACCEPTABLE is more"), ("3", "SLVLABNS", "SLVLABNS is more")])
def test_more_within_than_there_were_is_set_aside(more: str, of: str, reason: str) -> None:
    assert reason in read(f"2024-03-01,930,30,1,12,10,7,2,{more}", header=f"{HSPLIT},{of}").rejected["reason"].iloc[0]


def test_the_night_the_clock_goes_back_has_its_hour_twice() -> None:
    first, second = "2024-10-27,200,60,1,12,10,7,2", "2024-10-27,200,60,1,12,8,8,0"
    log = read(first, second, "2024-10-27,300,60,1,12,4,4,0")
    starts = ["2024-10-27T00:00Z", "2024-10-27T01:00Z", "2024-10-27T02:00Z"]
    assert log.intervals["interval_start"].tolist() == [pd.Timestamp(each) for each in starts]
    assert log.intervals["offered"].tolist() == [10, 8, 4]
    assert "clock showed twice" in notes(log)
    assert len(cc.merge_intervals([log.intervals])) == 3  # on the grid that to_intervals cuts
    again = read(first, second, first, second)  # two exports of the same night
    assert again.intervals["offered"].tolist() == [10, 8]
    assert again.rejected["line"].tolist() == [4, 5]
    assert read(first).intervals["interval_start"].tolist() == [pd.Timestamp(starts[0])]
    alike = read(first, first)
    assert alike.intervals["interval_start"].tolist() == [pd.Timestamp(each) for each in starts[:2]]
    assert alike.intervals["offered"].tolist() == [10, 10]
    export = "\n".join([HSPLIT, first, first, ""])
    frames = [pd.read_csv(io.StringIO(export)) for _ in range(2)]  # two exports of it
    log = cc.read_intervals(frames, format="avaya_cms_intervals", timezone=ZONE)
    assert log.intervals["offered"].tolist() == [10, 10]
    assert len(log.rejected) == 2


def test_rows_that_come_again_are_counted_once() -> None:
    log = read("2024-03-01,930,30,1,12,10,7,2", "2024-03-01,930,30,1,12,10,7,2", "2024-03-01,930,30,1,13,10,7,2")
    assert log.intervals["queue"].tolist() == ["12", "13"]
    assert log.rejected["line"].tolist() == [3]
    assert (log.count(), log.count("used"), log.count("ignored")) == (4, 2, 1)


def test_several_acds_are_named_and_a_dictionary_names_their_splits() -> None:
    rows = ["2024-03-01,930,30,1,12,10,7,2", "2024-03-01,930,30,2,12,9,7,2", "2024-03-01,930,30,2,13,8,7,1"]
    assert read(*rows).intervals["queue"].tolist() == ["1/12", "2/12", "2/13"]
    assert read(rows[0]).intervals["queue"].tolist() == ["12"]
    named = read(*rows, dictionary={"split": {"1/12": "Ünal", "2/12": "billing"}}).intervals
    assert sorted(named["queue"]) == ["2/13", "billing", "Ünal"]
    assert read(rows[0], dictionary={"split": {"12": "sales"}}).intervals["queue"].tolist() == ["sales"]
    assert read(rows[0], dictionary={"split": {"1/12": "sales"}}).intervals["queue"].tolist() == ["sales"]


@pytest.mark.parametrize(
    ("dictionary", "text"),
    [
        ({"12": "sales"}, "expected {'split': {'12': 'sales', '2/12': 'billing'}"),
        ("12=sales", "dictionary='12=sales': expected"),
        ({"split": {"12": "sales", "13": "sales"}}, "several splits are called 'sales'"),
        ({"split": {"12": "13"}}, "several numbers are called '13'"),
    ],
)
def test_a_dictionary_that_does_not_fit(dictionary: Any, text: str) -> None:
    with pytest.raises(OptionError, match=text):
        read("2024-03-01,930,30,1,12,10,7,2", "2024-03-01,930,30,1,13,10,7,2", dictionary=dictionary)


def test_intervals_of_several_lengths_are_told_and_not_merged() -> None:
    log = read("2024-03-01,930,30,1,12,10,7,2", "2024-03-01,1000,15,1,12,10,7,2")
    assert "intervals of 15, 30 min" in notes(log)
    assert cc.measure_service(log.intervals, period="day", timezone=ZONE)["offered"].tolist() == [20]
    with pytest.raises(TableError, match="no interval of 1800 s"):
        cc.merge_intervals([log.intervals])


def test_frames_and_workbooks_are_read_as_well() -> None:
    frame = pd.DataFrame(
        {"row_date": pd.to_datetime(["2024-03-01"]), "starttime": [930], "intrvl": [30], "acd": [1], "split": [12.0], "callsoffered": [10],
         "acdcalls": [7], "abncalls": [2.0]}
    )  # fmt: skip
    found = cc.read_intervals(frame, format="avaya_cms_intervals", timezone=ZONE).intervals
    assert found[["queue", "interval_start", "offered"]].to_numpy().tolist() == [["12", pd.Timestamp("2024-03-01T08:30Z"), 10]]


# ------------------------------------------------------------------------------------------------------- agents

HAGENT = (
    "ROW_DATE,STARTTIME,INTRVL,SPLIT,LOGID,TI_STAFFTIME,TI_AVAILTIME,I_RINGTIME,I_ACDTIME,I_ACWTIME,TI_AUXTIME,TI_OTHERTIME"
    ",I_DA_ACDTIME,I_DA_ACWTIME,I_ACDAUX_OUTTIME,I_ACDAUXINTIME,I_ACDOTHERTIME"
)


def agent(*rows: str, without: str = "", **options: Any) -> tuple[dict[str, Any], cc.IntervalLog]:
    names = HAGENT.split(",")
    cells = [dict(zip(names, f"2024-03-01,930,30,{each}".split(","), strict=True)) for each in rows]
    kept = [name for name in names if name not in without.split(",")]
    log = read(*(",".join(each[name] for name in kept) for each in cells), header=",".join(kept), **options)
    assert len(log.agent_intervals) == 1, log.rejected
    return log.agent_intervals.iloc[0].to_dict(), log


TWO_SPLITS = ("12,7001,1800,300,60,500,100,240,200,300,100,0,0,0", "13,7001,0,0,0,0,0,0,0,0,0,40,0,50")


def test_time_is_added_over_the_splits_of_an_agent() -> None:
    found, log = agent(*TWO_SPLITS)
    assert log.notes.empty
    expected = {"logged_in_s": 1800, "available_s": 300, "reserved_s": 60, "on_contact_s": 800, "hold_s": 90, "wrap_s": 200, "pause_s": 200,
                "other_s": 150}  # fmt: skip
    assert {name: found[name] for name in expected} == expected
    assert sum(expected.values()) == 2 * 1800
    assert pd.isna(found["handled"])  # ACDCALLS are of the interval a call ended in, and time is of the interval it was spent in


def test_without_the_items_of_hold_it_is_missing_and_so_is_occupancy() -> None:
    found, _ = agent(*TWO_SPLITS, without="I_ACDAUXINTIME")
    assert np.isnan(found["hold_s"])
    assert (found["pause_s"], found["other_s"]) == (240, 200)


def test_direct_calls_that_are_not_exported_are_none_if_the_rest_is_all_there_is() -> None:
    without = "I_DA_ACDTIME,I_DA_ACWTIME"
    found, _ = agent("12,7001,1400,300,60,500,100,240,200,0,0,40,0,50", without=without)
    assert (found["on_contact_s"], found["wrap_s"]) == (500, 100)
    found, log = agent(*TWO_SPLITS, without=without)
    assert np.isnan(found["on_contact_s"])
    assert np.isnan(found["wrap_s"])
    assert "TI_STAFFTIME is not the sum" in notes(log)


def test_more_hold_than_the_states_it_is_part_of_is_missing() -> None:
    found, log = agent("12,7001,1800,300,60,500,100,240,200,300,100,260,0,0")
    assert np.isnan(found["pause_s"])
    assert "more time on hold" in notes(log)


def test_time_that_a_row_does_not_tell_is_not_added_as_nothing() -> None:
    found, _ = agent(TWO_SPLITS[0], TWO_SPLITS[1].replace("13,7001,0,0,0,0", "13,7001,0,0,0,", 1))
    assert np.isnan(found["on_contact_s"])
    assert found["available_s"] == 300


def test_an_agent_table_without_total_time_is_refused() -> None:
    with pytest.raises(ColumnError, match="no column TI_STAFFTIME"):
        read("2024-03-01,930,30,12,7001,1800", header="ROW_DATE,STARTTIME,INTRVL,SPLIT,LOGID,I_STAFFTIME")


# ------------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("column", "text"), [("VDN", "hvdn, calls by VDN"), ("TKGRP", "htrunk or htkgrp"), ("VECTOR", "hvector"), ("CWC", "hcwc")]
)
def test_other_tables_are_told_apart_and_refused(column: str, text: str) -> None:
    data = f"ROW_DATE,STARTTIME,INTRVL,ACD,{column},ACDCALLS\n2024-03-01,930,30,1,7,3\n".encode()
    with pytest.raises(ColumnError, match=f"is {text}.*leave it out, give hsplit and hagent"):
        cc.read_intervals(data, timezone=ZONE)


def test_daily_tables_are_refused() -> None:
    data = b"ROW_DATE,ACD,SPLIT,CALLSOFFERED,ACDCALLS,ABNCALLS\n2024-03-01,1,12,10,7,2\n"
    with pytest.raises(FormatError, match="is of no format known here"):
        cc.read_intervals(data, timezone=ZONE)
    with pytest.raises(ColumnError, match="no column STARTTIME, INTRVL"):
        cc.read_intervals(data, format="avaya_cms_intervals", timezone=ZONE)


def test_read_and_read_intervals_send_to_each_other() -> None:
    data = SAMPLES["report.csv"].data
    for options in ({}, {"format": "avaya_cms_intervals"}):
        with pytest.raises(FormatError, match="holds intervals that .* counted, not contacts: read it with ccstats.read_intervals"):
            cc.read(data, timezone=ZONE, **options)
    with pytest.raises(FormatError, match="read_intervals"):
        cc.read_sql("select 1", "sqlite://", format="avaya_cms_intervals", timezone=ZONE)
    for other, options in ((cases_of("zendesk_talk")[0].data, {}), (b"", {"format": "vicidial"}), (b"", {"mapping": {}})):
        with pytest.raises(FormatError, match="holds single contacts or states of agents, not intervals: read it with ccstats.read"):
            cc.read_intervals(other, timezone=ZONE, **options)
    with pytest.raises(ZoneError, match="local times without a zone"):
        cc.read_intervals(data)
    with pytest.raises(OptionError, match="unknown option queue"):
        cc.read_intervals(data, timezone=ZONE, queue="12")
    with pytest.raises(OptionError, match="on_error='stop'"):
        cc.read_intervals(data, timezone=ZONE, on_error="stop")
    assert READERS["avaya_cms_intervals"].yields == ("intervals", "agent_intervals")


def test_tables_of_cms_and_of_contacts_are_not_added() -> None:
    contacts = cc.synthesize_contacts(seed=1).contacts
    ours = cc.to_intervals(contacts, every="30min", timezone=ZONE)
    theirs = read("2024-03-01,930,30,1,12,10,7,2").intervals
    with pytest.raises(TableError, match=r"booked in several ways \(attribute_by: ended, queued\): 'ended': 1 queue \(12\); 'queued'"):
        cc.merge_intervals([ours, theirs])
    ended = cc.to_intervals(contacts, every="30min", timezone=ZONE, attribute_by="ended")
    assert set(ended["queue"]) < set(cc.merge_intervals([ended, theirs])["queue"])


def test_results_are_frozen_and_the_rows_of_the_loop_are_those_of_the_file() -> None:
    log = SAMPLES["hsplit.csv"].read()
    with pytest.raises(AttributeError):
        log.intervals = None
    assert len(rows_of(SAMPLES["hsplit.csv"].data)) > len(log.intervals) > 30


def test_the_command_line_checks_intervals_and_says_what_needs_contacts() -> None:
    def said_of(command: str) -> tuple[int, str]:
        done = run(command, SAMPLES["report.csv"].path, "--timezone", ZONE, env={"COLUMNS": "160"})
        return done.returncode, (done.stdout + done.stderr).decode()

    status, said = said_of("check")
    assert status == 1  # rows were rejected
    assert "13 lines = 9 used + 1 ignored + 3 rejected; 9 intervals of 2 queues" in said
    assert "Counted by the platform" in said
    for command in ("report", "stats"):
        status, said = said_of(command)
        assert status == 2
        assert "read it with ccstats.read_intervals" in said
