"""A queue_log of our own: what is written reads back as the same visits, and what cannot be written is counted."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import OptionError, TableError
from ccstats.schema import AGENT_STATES, CONTACTS

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
SHAPES = ("table", "file")
FORMAT = {"table": "queuemetrics_table", "file": "asterisk_queue_log"}


def written(log_or_contacts, folder: Path, shape: str, **options):
    path = folder / f"out.{shape}"
    contacts = getattr(log_or_contacts, "contacts", log_or_contacts)
    account = cc.write_queue_log(contacts, path, shape=shape, **options)
    assert account["rows"].sum() == len(contacts) + len(options.get("agent_states", ()))
    assert [each.name for each in folder.iterdir()] == [path.name]
    return cc.read(path, format=FORMAT[shape], pseudonyms=False), account


def made(rows: list[dict]) -> pd.DataFrame:
    base = {"channel": "voice", "direction": "inbound", "queue": "sales", "visit": 1, "raw_outcome": None, "agent": None}
    base |= dict.fromkeys(("wait_s", "ring_s", "talk_s", "hold_s", "wrap_s"), np.nan)
    frame = pd.DataFrame([base | row for row in rows])
    for name in ("queued_at", "arrived_at"):
        if name in frame:
            frame[name] = pd.to_datetime(frame[name], utc=True)
    return CONTACTS.conform(frame)


NINE = pd.Timestamp("2024-03-01 09:00", tz="UTC")
#: One visit of each outcome, and how it is read again.
EACH = {
    "answered": "answered",
    "abandoned": "abandoned",
    "timed_out": "timed_out",
    "exited_key": "exited_key",
    "left_empty": "left_empty",
    "withdrawn": "withdrawn",
    "failed": "failed",
    "agent_dropped": "agent_dropped",
    "voicemail": "exited_key",
    "callback": "exited_key",
    "overflowed": "exited_key",
    "blocked_full": "blocked_full",
    "blocked_empty": "blocked_empty",
    "blocked_closed": "blocked_closed",
    "open": "open",
    "unknown": None,
    "ivr_abandoned": None,
    "ignored": None,
}


def one_of_each() -> pd.DataFrame:
    rows = []
    for at, outcome in enumerate(CONTACTS["outcome"].vocabulary):
        outside = outcome.startswith("blocked") or outcome in ("ivr_abandoned", "ignored")
        row = {"contact_id": f"c{at:02d}", "outcome": outcome, "arrived_at": NINE + pd.Timedelta(minutes=at)}
        row |= {} if outside else {"queued_at": row["arrived_at"], "wait_s": 7.0 + at}
        rows.append(
            row | ({"agent": "Özge", "talk_s": 60.0, "hold_s": 5.0, "wrap_s": 20.0, "ring_s": 3.0} if outcome == "answered" else {})
        )
    return made(rows)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_outcome(shape: str, tmp_path: Path) -> None:
    contacts = one_of_each()
    assert set(EACH) == set(CONTACTS["outcome"].vocabulary)
    log, account = written(contacts, tmp_path, shape)
    assert log.count("rejected") == 0
    before = contacts.set_index("contact_id")
    after = log.contacts.set_index("contact_id")
    for contact, outcome in before["outcome"].items():
        if EACH[outcome] is None:
            assert contact not in after.index
            continue
        assert after.loc[contact, "outcome"] == EACH[outcome]
        if outcome != "open":
            assert after.loc[contact, "wait_s"] == before.loc[contact, "wait_s"] or outcome.startswith("blocked")
    answered = after.loc["c00"]
    assert answered[["talk_s", "hold_s", "wrap_s", "ring_s"]].tolist() == [60.0, 5.0, 20.0, 3.0]
    assert answered["agent"] == "Özge"
    told = {(fate, rule): rows for _, fate, rule, rows in account.itertuples(index=False)}
    assert told["left_out", "a queue_log has no verb for outcome unknown"] == 1
    assert told["written", "callback, as EXITWITHKEY"] == 1
    assert len(account) == len(EACH)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_real_shape_of_log_comes_back(shape: str, tmp_path: Path) -> None:
    log = cc.read(SAMPLES / "asterisk_queue_log" / "small_day.queue_log", pseudonyms=False)
    again, account = written(log, tmp_path, shape, agent_states=log.agent_states)
    assert (account["fate"] == "written").all()
    columns = [
        name for name in log.contacts if name in again.contacts and name not in ("arrived_at", "ivr_s", "ring_attempts", "ring_noanswer")
    ]
    told = ["raw_outcome"]  # ATTENDEDTRANSFER comes back as BLINDTRANSFER
    assert {"wait_s", "talk_s", "ring_s", "agent", "customer", "ended_by", "queued_at"} <= set(columns)
    columns = [name for name in columns if name not in told]
    assert_frame_equal(again.contacts[columns], log.contacts[columns], check_categorical=False)
    names = ["agent", "started_at", "ended_at", "state", "reason", "queue"]
    assert_frame_equal(again.agent_states[names], log.agent_states[names], check_categorical=False)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(5))
def test_busy_queues_come_back(shape: str, seed: int, tmp_path: Path) -> None:
    """Many calls a second, waits and talks of none to some seconds, calls that go through several queues."""
    rng = np.random.default_rng(seed)
    rows = []
    for call in range(300):
        at = NINE + pd.Timedelta(seconds=int(rng.integers(0, 400)))
        for visit in range(1, 1 + int(rng.integers(1, 4))):
            outcome = rng.choice(["answered", "abandoned", "timed_out", "exited_key", "left_empty"])
            wait = float(rng.integers(0, 4))
            row = {"contact_id": f"c{call:03d}", "visit": visit, "queue": f"q{visit}", "queued_at": at, "outcome": outcome, "wait_s": wait}
            row |= {"customer": f"+49{call:05d}"}
            lasted = 0.0
            if outcome == "answered":
                lasted = float(rng.integers(0, 5))
                row |= {"agent": f"agent {call}.{visit}", "talk_s": lasted, "ring_s": min(wait, float(rng.integers(0, 3)))}
                row |= {"ended_by": rng.choice(["customer", "agent"])}
            elif outcome in ("abandoned", "exited_key"):
                row |= {"ended_by": "customer"}
            else:
                row |= {"ended_by": "system"}
            rows.append(row)
            at += pd.Timedelta(seconds=wait + lasted + int(rng.integers(0, 2)))
    contacts = made(rows)
    log, account = written(contacts, tmp_path, shape)
    assert (account["fate"] == "written").all()
    columns = ["contact_id", "visit", "queue", "queued_at", "outcome", "wait_s", "ring_s", "talk_s", "agent", "ended_by", "customer"]
    assert_frame_equal(log.contacts[columns], contacts[columns], check_categorical=False)
    assert log.count("used") == log.count() - (shape == "table")  # its header


@pytest.mark.parametrize("shape", SHAPES)
def test_an_agent_who_takes_the_next_call_at_once(shape: str, tmp_path: Path) -> None:
    """Contacts back to back, the last to come first."""
    rows, at = [], NINE
    for call in range(6):
        talk = float(call % 3)  # some of no length
        rows.append(
            {
                "contact_id": f"c{call}",
                "outcome": "answered",
                "queued_at": at - pd.Timedelta(seconds=9 + 3 * call),
                "wait_s": 9.0 + 3 * call,
            }
        )
        rows[-1] |= {"agent": "Ada", "talk_s": talk, "ended_by": "customer"}
        at += pd.Timedelta(seconds=talk)
    spans = [
        ("available", -60, -29.8),
        ("pause", -29.8, -29.2),
        ("available", -29.2, 0),
        ("on_contact", 0, 6),
        ("pause", 6, 66),
        ("pause", 66, 100),
        ("pause", 100, 160),
    ]
    states = pd.DataFrame(spans, columns=["state", "started_at", "ended_at"]).assign(agent="Ada", queue=None, contact_id=None)
    states = states.assign(reason=["", "none", "", "", "lunch", "walk", "coffee"], closed_by="event")
    for name in ("started_at", "ended_at"):
        states[name] = NINE + pd.to_timedelta(states[name], unit="s")
    contacts, states = made(rows), AGENT_STATES.conform(states)
    log, _ = written(contacts, tmp_path, shape, agent_states=states)
    columns = ["contact_id", "queued_at", "wait_s", "talk_s", "agent"]
    assert_frame_equal(log.contacts[columns], contacts[columns], check_categorical=False)
    seconds = (log.agent_states["ended_at"] - log.agent_states["started_at"]).dt.total_seconds().groupby(log.agent_states["state"]).sum()
    assert seconds[seconds > 0].to_dict() == {"available": 60.0, "on_contact": 6.0, "pause": 154.0}
    assert log.agent_states["reason"].dropna().tolist() == ["lunch", "walk", "coffee"]
    assert not log.notes["note"].str.contains("before the last one ended").any()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({"outcome": "answered", "wait_s": 10.0, "agent": "bo"}, ["overflowed", "answered"]),
        ({"outcome": "unknown", "wait_s": 10.0}, ["exited_key"]),
        ({"outcome": "abandoned"}, ["exited_key"]),
        ({"outcome": "overflowed"}, ["exited_key"]),
        ({"outcome": "abandoned", "wait_s": 10.0, "channel": "chat"}, ["exited_key"]),
        ({"outcome": "abandoned", "wait_s": 10.0, "direction": "outbound"}, ["exited_key"]),
        ({"outcome": "abandoned", "wait_s": 10.0, "queued_at": None, "arrived_at": None}, ["exited_key"]),
        ({"outcome": "blocked_full", "queued_at": None}, ["exited_key", "blocked_full"]),
    ],
)
def test_an_overflow_ends_where_the_next_visit_is_not_written(shape: str, after: dict, told: list[str], tmp_path: Path) -> None:
    first = {"contact_id": "1", "queued_at": NINE, "arrived_at": NINE, "outcome": "overflowed", "wait_s": 30.0}
    later = {
        "queue": "b",
        "visit": 2,
        "wait_s": np.nan,
        "queued_at": NINE + pd.Timedelta(seconds=30),
        "arrived_at": NINE + pd.Timedelta(seconds=30),
    }
    other = {"contact_id": "2", "queued_at": NINE + pd.Timedelta(hours=1), "outcome": "abandoned", "wait_s": 5.0}
    log, _ = written(made([first, first | later | after, other]), tmp_path, shape)
    mine = log.contacts[log.contacts["contact_id"] == "1"]
    assert sorted(mine["outcome"].tolist()) == sorted(told)
    assert mine.loc[mine["queue"] == "sales", "wait_s"].tolist() == [30.0]


def test_an_overflow_whose_wait_is_not_known_is_written_where_the_call_goes_on(tmp_path: Path) -> None:
    rows = [
        {"contact_id": "1", "visit": visit, "queue": queue, "queued_at": NINE + pd.Timedelta(seconds=30 * visit), "outcome": outcome} | more
        for visit, queue, outcome, more in (
            (1, "a", "overflowed", {}), (2, "b", "overflowed", {}), (3, "c", "abandoned", {"wait_s": 4.0}), (4, "d", "overflowed", {}),
        )
    ]  # fmt: skip
    log, account = written(made(rows), tmp_path, "file")
    assert log.contacts[["queue", "wait_s"]].to_numpy().tolist() == [["a", 30.0], ["b", 30.0], ["c", 4.0]]
    assert account["fate"].tolist() == ["written", "written", "left_out"]


@pytest.mark.parametrize("shape", SHAPES)
def test_figures_of_a_bundled_log_stay(shape: str, tmp_path: Path) -> None:
    log = cc.read(cc.sample_log(), pseudonyms=False)
    again, _ = written(log, tmp_path, shape, agent_states=log.agent_states)
    for name in ("dnis", "customer"):
        assert_frame_equal(*(each.contacts[["contact_id", "visit", name]] for each in (again, log)), check_categorical=False)
    names = ["offered", "answered", "abandoned", "flowed_out", "lost", "answered_within", "service_level", "asa_s"]
    one, two = (cc.measure_service(cc.to_intervals(each.contacts, threshold_s=20), by=["queue"])[names] for each in (log, again))
    assert_frame_equal(one, two)
    seconds = [
        each.agent_states.assign(s=(each.agent_states["ended_at"] - each.agent_states["started_at"]).dt.total_seconds())
        .groupby("state", observed=True)["s"].sum()
        for each in (log, again)
    ]  # fmt: skip
    for state in ("available", "on_contact", "pause"):
        # Phones that rang in vain are available, and answers without a logged end last until the logout.
        assert seconds[1][state] == pytest.approx(seconds[0][state], rel=0.01)


def test_the_ten_columns(tmp_path: Path) -> None:
    hostile = made(
        [{"contact_id": "a|b", "outcome": "answered", "queued_at": NINE, "wait_s": 2.7, "talk_s": 5.0, "agent": 'x"\n,y', "queue": "=1+1"}]
    )
    cc.write_queue_log(hostile, tmp_path / "a.csv", partition="P7")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["partition", "time_id", "call_id", "queue", "agent", "verb", "data1", "data2", "data3", "data4"]
    assert {len(row) for row in rows} == {10}
    assert {row[0] for row in rows[1:]} == {"P7"}
    assert [row[1:6] for row in rows[1:]] == [
        ["1709283600", "a b", "=1+1", "NONE", "ENTERQUEUE"],
        ["1709283602", "a b", "=1+1", 'x" ,y', "CONNECT"],
        ["1709283607", "a b", "=1+1", 'x" ,y', "COMPLETECALLER"],
    ]
    cc.write_queue_log(hostile, tmp_path / "a.log", shape="file")
    assert (tmp_path / "a.log").read_text().splitlines()[1] == '1709283602|a b|=1+1|x" ,y|CONNECT|2'


def test_what_a_queue_log_does_not_hold_is_left_out_and_counted(tmp_path: Path) -> None:
    rows = [
        {"contact_id": "1", "outcome": "abandoned", "queued_at": NINE, "wait_s": 3.0, "channel": "chat"},
        {"contact_id": "2", "outcome": "abandoned", "queued_at": NINE, "wait_s": 3.0, "direction": "outbound"},
        {"contact_id": "3", "outcome": "abandoned", "queued_at": NINE},
        {"contact_id": "4", "outcome": "abandoned", "wait_s": 3.0},
        {"contact_id": "5", "outcome": "open", "queued_at": NINE},
    ]
    log, account = written(made(rows), tmp_path, "table")
    assert log.contacts["contact_id"].tolist() == ["5"]
    assert dict(zip(account["rule"], account["rows"], strict=True)) == {
        "not voice: chat": 1,
        "not inbound": 1,
        "how long it waited is not known": 1,
        "no time is known": 1,
        "open": 1,
    }
    assert account["fate"].tolist()[0] == "written"


def test_nothing_is_a_valid_log(tmp_path: Path) -> None:
    account = cc.write_queue_log(CONTACTS.empty(), tmp_path / "a.csv")
    assert len(account) == 0
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 1


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    contacts = one_of_each()
    with pytest.raises(OptionError, match="shape='lines'"):
        cc.write_queue_log(contacts, tmp_path / "a", shape="lines")
    with pytest.raises(OptionError, match="partition"):
        cc.write_queue_log(contacts, tmp_path / "a", partition="a\nb")
    with pytest.raises(TableError, match="queue"):
        cc.write_queue_log(contacts.drop(columns="queue"), tmp_path / "a")
    with pytest.raises(OptionError, match="cannot be written"):
        cc.write_queue_log(contacts, tmp_path / "no" / "a")
    assert not list(tmp_path.iterdir())
