"""VICIdial: what the samples do not hold."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pandas as pd
import pytest
from exam_cases import SAMPLES

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning
from ccstats.readers import READERS

CLOSER = "closecallid,campaign_id,start_epoch,length_in_sec,status,user,queue_seconds,term_reason,uniqueid"
CYCLE = "agent_log_id,user,pause_epoch,pause_sec,wait_epoch,wait_sec,talk_epoch,talk_sec,dispo_epoch,dispo_sec,uniqueid"


def read(*lines: str, header: str = CLOSER, **options: object) -> cc.Log:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read("\n".join([header, *lines, ""]).encode(), format="vicidial", pseudonyms=False, **options)


@pytest.mark.parametrize(
    ("status", "user", "waited", "reason", "outcome"),
    [
        ("SALE", "anna", "5.00", "AGENT", "answered"),
        ("XFER", "anna", "0.00", "NONE", "answered"),
        ("DROP", "VDCL", "5.00", "NONE", "abandoned"),
        ("XDROP", "VDCL", "5.00", "QUEUETIMEOUT", "timed_out"),
        ("DROP", "anna", "5.00", "ABANDON", "abandoned"),
        ("HXFER", "VDCL", "5.00", "HOLDRECALLXFER", "exited_key"),
        ("NANQUE", "VDCL", "5.00", "NOAGENT", "left_empty"),
        ("AFTHRS", "VDCL", "5.00", "AFTERHOURS", "timed_out"),
        ("ODD", "VDCL", "5.00", "CLOSETIME", "timed_out"),
        ("ODD", "VDCL", "0.00", "MAXCALLS", "blocked_full"),
        ("ODD", "VDCL", "5.00", "ACFILTER", "overflowed"),
        ("ODD", "VDCL", "5.00", "SYSTEM", "failed"),
        ("ODD", "VDCL", "5.00", "CALLER", "abandoned"),
        ("ODD", "VDCL", "5.00", "NONE", "unknown"),
        ("NULL", "NULL", "5.00", "NULL", "unknown"),
        ("INCALL", "VDCL", "5.00", "NONE", "open"),
    ],
)
def test_outcomes(status: str, user: str, waited: str, reason: str, outcome: str) -> None:
    log = read(f"1,Q,1709280000,30,{status},{user},{waited},{reason},1.2")
    assert log.contacts["outcome"].tolist() == [outcome]


def test_a_call_in_progress_is_answered_without_talk() -> None:
    log = read("1,Q,1709280000,NULL,INCALL,anna,5.00,NONE,1.2")
    assert log.contacts[["outcome", "agent", "wait_s"]].iloc[0].tolist() == ["answered", "anna", 5.0]
    assert log.contacts["talk_s"].isna().all()


def test_talk_is_what_is_left_of_the_length_and_never_negative() -> None:
    log = read("1,Q,1709280000,12,SALE,anna,12.40,AGENT,1.2", "2,Q,1709280000,3,SALE,anna,12.40,AGENT,1.3")
    assert log.contacts["talk_s"].fillna(-1).tolist() == [0.0, -1.0]
    assert dict(log.notes.to_numpy())["length_in_sec is less than queue_seconds: talk_s is missing"] == 1


def test_of_rows_exported_twice_the_last_written_counts() -> None:
    header = CLOSER + ",end_epoch"
    rows = ["7,Q,1709280000,30,SALE,anna,5.00,AGENT,1.2,1709280030", "7,Q,1709280000,NULL,INCALL,anna,5.00,NONE,1.2,NULL"]
    for order in (rows, rows[::-1]):
        log = read(*order, header=header)
        assert log.contacts["disposition"].tolist() == ["SALE"]
        assert log.count() == 3
        assert log.count("used") == 1


def test_of_rows_that_ended_alike_the_last_one_counts() -> None:
    header = CLOSER + ",end_epoch"
    rows = ["7,Q,1709280000,0,QUEUE,VDCL,0,NONE,1.2,NULL", "7,Q,1709280000,0,INCALL,anna,12.50,NONE,1.2,NULL"]
    assert read(*rows, header=header).contacts[["outcome", "wait_s"]].to_numpy().tolist() == [["answered", 12.5]]
    cycles = [f"1,anna,1709280000,10,1709280010,20,1709280030,60,1709280090,{wrap},1.2" for wrap in (0, 15)]
    states = read(*cycles, header=CYCLE).agent_states
    assert (states["ended_at"] - states["started_at"]).dt.total_seconds()[states["state"] == "wrap"].tolist() == [15.0]


def test_an_agents_call_without_a_wait_is_rejected() -> None:
    log = read("1,Q,1709280000,95,SALE,anna,,CALLER,1.2", "2,Q,1709280000,95,DROP,VDCL,,CALLER,1.3")
    assert log.rejected[["line", "reason"]].to_numpy().tolist() == [
        [2, "an agent took it, but queue_seconds is blank: nobody knows after how long"]
    ]
    assert log.contacts["outcome"].tolist() == ["abandoned"]
    assert read("1,Q,1709280000,NULL,INCALL,anna,NULL,NONE,1.2").contacts["outcome"].tolist() == ["open"]


def test_agents_are_the_same_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        f"{n},agent{n * 7 % 5},{1709280000 + n * 60},{n % 3 * 30},,0,{1709280040 + n * 60},{200 + n},{1709280300 + n * 60},10,1.{n}"
        for n in range(40)
    ]
    found = []
    for many in (1, 9, 65_536):
        monkeypatch.setattr("ccstats.readers.vicidial._ROWS", many)
        found.append(read(*rows, header=CYCLE))
    for other in found[1:]:
        pd.testing.assert_frame_equal(other.agent_states, found[0].agent_states)
        pd.testing.assert_frame_equal(other.notes, found[0].notes)
    assert found[0].notes["count"].sum() > 0
    assert found[0].agent_states["agent"].nunique() == 5


def test_calls_alone_need_no_compiler() -> None:
    code = "import sys, ccstats.readers.issabel, ccstats.readers.vicidial; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # it takes 65 MB


def test_wrap_up_comes_from_the_agent_log() -> None:
    folder = SAMPLES / "vicidial"
    with pytest.warns(DataWarning, match=r"1 contacts have an outcome .*MYST1"):
        log = cc.read([folder / "closer_log.csv", folder / "agent_log.csv"])
    known = log.contacts.dropna(subset="wrap_s").set_index("contact_id")["wrap_s"]
    # 25 s of disposition and 7 s after the customer had gone; 20 s.
    assert known.to_dict() == {"1709279990.11": 32.0, "1709280415.18": 20.0}
    assert len(log.agent_states) == 10
    assert log.format == "vicidial"


def test_spans_do_not_overlap_and_overflowed_figures_are_left_out() -> None:
    log = read(
        "1,anna,1709280000,30,1709280020,65535,NULL,0,NULL,0,",
        "2,anna,1709280100,10,1709280110,5,1709280115,60,1709280160,10,1.2",
        header=CYCLE,
    )
    spans = log.agent_states
    assert spans["state"].astype("str").tolist() == ["pause", "pause", "available", "on_contact", "wrap"]
    assert (spans["ended_at"].shift(1).dropna() <= spans["started_at"].iloc[1:]).all()
    assert spans["closed_by"].astype("str").tolist() == ["next_event", "event", "event", "next_event", "event"]
    notes = dict(log.notes.to_numpy())
    assert notes["a phase of 65,000 s or more (the column overflowed): left out, or ended where the next begins"] == 1
    assert notes["phases that ran into the cycle's next one: cut where it begins"] == 2


def test_rows_without_an_epoch_need_the_zone() -> None:
    header = CLOSER + ",call_date"
    row = "1,Q,0,30,SALE,anna,5.00,AGENT,1.2,2024-03-01 09:00:00"
    assert read(row, header=header).rejected["reason"].tolist() == ["start_epoch is missing (with timezone=, call_date is taken)"]
    log = read(row, header=header, timezone="Europe/Berlin")
    assert log.contacts["queued_at"].tolist() == [pd.Timestamp("2024-03-01T08:00:00Z")]


def test_bad_rows_are_rejected_with_their_reason() -> None:
    log = read(
        "1,Q,soon,30,SALE,anna,5,AGENT,1.2",
        "2,,1709280000,30,SALE,anna,5,AGENT,1.2",
        "3,Q,1709280000,30,SALE,anna,-5,AGENT,1.2",
        ",Q,1709280000,30,SALE,anna,5,AGENT,1.2",
        "5,Q,1709280000,30,SALE,anna,5,AGENT,",
    )
    assert log.rejected["line"].tolist() == [2, 3, 4, 5]
    assert log.contacts["contact_id"].tolist() == ["closecallid:5"]


def test_other_tables_are_refused_by_name() -> None:
    with pytest.raises(ColumnError, match="neither vicidial_closer_log"):
        cc.read(b"id,status\n1,open\n", format="vicidial")
    with pytest.raises(ColumnError, match="queue_seconds"):
        cc.read(b"closecallid,campaign_id,start_epoch,length_in_sec,status,user\n", format="vicidial")
    with pytest.raises(ColumnError, match="different calls"):
        cc.read(pd.read_csv(SAMPLES / "vicidial" / "closer_log.csv"), format="vicidial")


def test_frames_and_a_database_are_read_like_the_file() -> None:
    import sqlalchemy as sa

    path = SAMPLES / "vicidial" / "closer_log.csv"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        whole = cc.read(path, pseudonyms=False).contacts
        frame = pd.read_csv(path, dtype={"uniqueid": str, "phone_number": str})  # numbers as a client of a database gives them
        assert cc.read(frame, format="vicidial", pseudonyms=False).contacts.equals(whole)
        engine = sa.create_engine("sqlite://")
        frame.to_sql("vicidial_closer_log", engine, index=False)
        log = cc.read_sql("vicidial_closer_log", engine, format="vicidial", pseudonyms=False)
        engine.dispose()
    assert log.contacts.equals(whole)
    assert READERS["vicidial"].clock == "utc"
