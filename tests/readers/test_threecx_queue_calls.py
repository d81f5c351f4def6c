"""3CX queue calls: what the samples do not hold."""

from __future__ import annotations

import datetime as dt
import warnings

import pandas as pd
import pytest
from exam_cases import SAMPLES

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning

HEADER = (
    "idcallcent_queuecalls,q_num,time_start,time_end,ts_waiting,ts_polling,ts_servicing,count_polls,"
    "reason_noanswercode,reason_failcode,reason_noanswerdesc,call_history_id,to_dn,cb_num"
)
START = "2024-03-01 08:00:00"


def read(*lines: str, header: str = HEADER, **options: object) -> cc.Log:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read("\n".join([header, *lines, ""]).encode(), format="threecx_queue_calls", pseudonyms=False, **options)


@pytest.mark.parametrize(
    ("servicing", "code", "failed", "words", "agent", "callback", "outcome"),
    [
        ("00:00:00.5", "0", "0", "", "101", "", "answered"),
        ("00:01:00", "4", "0", "Caller dropped the call", "101", "", "answered"),
        ("00:01:00", "0", "0", "", "", "", "answered"),
        ("00:00:00", "0", "0", "", "101", "", "answered"),
        ("00:00:00", "", "", "", "101", "", "unknown"),
        ("00:00:00", "4", "0", "Caller dropped the call", "", "", "abandoned"),
        ("00:00:00", "4", "0", "Caller dropped the call", "", "5551", "callback"),
        ("00:00:00", "3", "0", "", "", "", "timed_out"),
        ("00:00:00", "2", "0", "", "", "", "unknown"),
        ("00:00:00", "2", "0", "No agents logged in", "", "", "left_empty"),
        ("00:00:00", "7", "0", "Max queue size is reached", "", "", "blocked_full"),
        ("00:00:00", "3", "0", "Some new word", "", "", "unknown"),
    ],
)
def test_outcomes(servicing: str, code: str, failed: str, words: str, agent: str, callback: str, outcome: str) -> None:
    log = read(f"1,800,{START},2024-03-01 08:01:00,00:00:10,00:00:05,{servicing},1,{code},{failed},{words},h_1,{agent},{callback}")
    assert log.contacts["outcome"].tolist() == [outcome]


def test_times_are_utc_unless_the_caller_or_an_offset_says_otherwise() -> None:
    rows = [f"1,800,{START},,00:00:10,00:00:05,00:01:00,1,,,,h_1,101,", f"2,800,{START}+03,,00:00:10,00:00:05,00:01:00,1,,,,h_2,101,"]
    times = [str(at)[:16] for at in read(*rows).contacts["queued_at"]]
    assert times == ["2024-03-01 08:00", "2024-03-01 05:00"]
    times = [str(at)[:16] for at in read(*rows, timezone="Europe/Berlin").contacts["queued_at"]]
    assert times == ["2024-03-01 07:00", "2024-03-01 05:00"]


def test_intervals_may_have_days_and_types_of_their_own() -> None:
    row = f"1,800,{START},,1 day 00:00:10.5,00:00:00,2 days 01:00:00,1,,,,h_1,101,"
    log = read(row)
    assert log.contacts["wait_s"].tolist() == [86_410.5]
    assert log.contacts["talk_s"].isna().all()  # nobody talks for two days
    frame = pd.DataFrame(
        {
            "idcallcent_queuecalls": [1],
            "q_num": ["800"],
            "time_start": pd.to_datetime([START]),
            "ts_waiting": pd.to_timedelta(["00:00:10.25"]),
            "ts_polling": [dt.time(0, 0, 5)],  # as SQL Server gives it
            "ts_servicing": pd.Series([dt.timedelta(seconds=60)], dtype=object),
            "to_dn": [101],
        }
    )
    contacts = cc.read(frame, format="threecx_queue_calls").contacts
    assert contacts[["wait_s", "talk_s"]].iloc[0].tolist() == [15.25, 60.0]
    assert contacts["agent"].tolist() == ["101"]


def test_ringing_is_known_only_if_nobody_was_tried_before() -> None:
    log = read(
        f"1,800,{START},,00:00:10,00:00:05,00:01:00,1,,,,h_1,101,",
        f"2,800,{START},,00:00:10,00:00:25,00:01:00,3,,,,h_2,101,",
    )
    assert log.contacts["ring_s"].fillna(-1).tolist() == [5.0, -1.0]


def test_disagreements_are_counted_and_repeats_read_once() -> None:
    log = read(
        f"1,800,{START},2024-03-01 08:01:15,00:00:10,00:00:05,00:01:00,1,,,,h_1,101,",
        f"2,800,{START},2024-03-01 08:09:00,00:00:10,00:00:05,00:01:00,1,,,,h_2,101,",
        f"2,800,{START},2024-03-01 08:09:00,00:00:10,00:00:05,00:01:00,1,,,,h_2,101,",
    )
    assert len(log.contacts) == 2
    assert log.count("ignored") == 2  # the header and the repeat
    assert dict(log.notes.to_numpy())["time_end - time_start is not waiting + polling + servicing"] >= 1


def test_bad_rows_are_rejected_with_their_reason() -> None:
    log = read(
        f",800,{START},,00:00:10,,00:01:00,1,,,,h_1,101,",
        f"2,,{START},,00:00:10,,00:01:00,1,,,,h_1,101,",
        "3,800,yesterday,,00:00:10,,00:01:00,1,,,,h_1,101,",
        f"4,800,{START},,soon,,00:01:00,1,,,,h_1,101,",
        f"5,800,{START},,,,00:01:00,1,,,,h_1,101,",
        f"6,800,{START},,-00:00:10,,00:01:00,1,,,,h_1,101,",
    )
    assert log.rejected["line"].tolist() == [2, 3, 4, 5, 6, 7]
    assert len(log.contacts) == 0
    with pytest.raises(ColumnError, match="ts_servicing"):
        cc.read(b"idcallcent_queuecalls,q_num,time_start,ts_waiting\n", format="threecx_queue_calls")


def test_a_database_is_read_like_the_file() -> None:
    import sqlalchemy as sa

    path = SAMPLES / "threecx_queue_calls" / "callcent_queuecalls.csv"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        whole = cc.read(path, pseudonyms=False).contacts
        engine = sa.create_engine("sqlite://")
        pd.read_csv(path, dtype={"from_userpart": str, "cb_num": str}).to_sql("callcent_queuecalls", engine, index=False)
        log = cc.read_sql("callcent_queuecalls", engine, format="threecx_queue_calls", pseudonyms=False)
        engine.dispose()
    assert log.contacts.equals(whole)
