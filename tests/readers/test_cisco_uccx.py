"""UCCX detail tables: one by one or joined, every disposition, several queues at once."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest
from exam_cases import cases_of
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning

KEY = ["sessionID", "sessionSeqNum", "nodeID", "profileID"]


def read(sources, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read(sources, **{"format": "cisco_uccx", "pseudonyms": False, **options})


def three_tables() -> list[pd.DataFrame]:
    """The sample's join taken apart, as the product stores it."""
    (case,) = cases_of("cisco_uccx")
    joined = pd.read_csv(case.path, dtype=str, na_values=["NULL"], keep_default_na=False)
    calls = joined[
        [*KEY, "contactType", "contactDisposition", "startDateTime", "endDateTime", "originatorDN", "calledNumber", "applicationName"]
    ]
    queues = joined[[*KEY, "targetType", "targetID", "csqName", "qIndex", "queueOrder", "queueDisposition", "queueTime"]]
    agents = joined[[*KEY, "qIndex", "resourceID", "resourceName", "agentStart", "ringTime", "talkTime", "holdTime", "workTime"]]
    queues = queues[queues["targetID"].notna()].rename(columns={"queueDisposition": "disposition"})
    agents = agents[agents["resourceID"].notna()].rename(columns={"agentStart": "startDateTime"})
    return [each.drop_duplicates().reset_index(drop=True) for each in (calls, queues, agents)]


def test_three_tables_say_what_their_join_says() -> None:
    (case,) = cases_of("cisco_uccx")
    tables = three_tables()
    log = read(tables)
    # The join's row with a queueTime that is none is set aside whole; apart, its call and its agent are read, its queue is not.
    assert_frame_equal(log.contacts, case.read().contacts)
    assert_frame_equal(read(tables[::-1]).contacts, log.contacts)
    assert log.count() == sum(map(len, tables))
    assert log.rejected["reason"].tolist() == ["queueTime is no duration in s, or negative, or above a year"]
    as_files = [each.to_csv(index=False).encode() for each in tables]
    assert_frame_equal(read(as_files, format=None).contacts, log.contacts)


QUEUE = {"sessionID": "1", "sessionSeqNum": "0", "targetType": "0", "targetID": "11", "qIndex": "1", "disposition": "2", "queueTime": "20"}
AGENT = {
    "sessionID": "1",
    "sessionSeqNum": "0",
    "qIndex": "1",
    "resourceID": "31",
    "startDateTime": "2024-03-01 08:00:20",
    "talkTime": "60",
}
CALL = {
    "sessionID": "1",
    "sessionSeqNum": "0",
    "contactDisposition": "2",
    "startDateTime": "2024-03-01 08:00",
    "endDateTime": "2024-03-01 08:05",
}


def table(first: dict[str, str], *changes: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame([{**first, **change} for change in changes or ({},)])


def test_wait_is_queue_and_ringing() -> None:
    row = read([table(QUEUE), table(AGENT, {"ringTime": "7"})]).contacts.iloc[0]
    assert (row["wait_s"], row["ring_s"], str(row["queued_at"])) == (27, 7, "2024-03-01 08:00:00+00:00")
    row = read([table(QUEUE), table(AGENT)]).contacts.iloc[0]
    assert row["wait_s"] == 20
    assert pd.isna(row["ring_s"])


@pytest.mark.parametrize(
    ("queue", "call", "outcome"),
    [
        ("1", "1", "abandoned"),
        ("1", "4", "failed"),
        ("2", "2", "answered"),
        ("3", "2", "overflowed"),
        ("4", "2", "overflowed"),
        ("5", "2", "overflowed"),
        ("7", "2", "unknown"),
    ],
)
def test_what_a_disposition_becomes(queue: str, call: str, outcome: str) -> None:
    log = read([table(QUEUE, {"disposition": queue}), table(AGENT), table(CALL, {"contactDisposition": call})])
    assert log.contacts["outcome"].tolist() == [outcome]
    assert log.contacts["raw_outcome"].tolist() == [queue]


def test_in_three_queues_at_once_is_one_visit() -> None:
    changes = [{"targetID": "11", "disposition": "5"}, {"targetID": "12", "disposition": "2"}, {"targetID": "13", "disposition": "5"}]
    log = read([table(QUEUE, *changes), table(AGENT)])
    assert log.contacts["queue"].tolist() == ["12"]
    assert log.notes.set_index("note")["count"].filter(like="several queues").tolist() == [2]
    given_up = [{"targetID": "11", "disposition": "1", "queueTime": "9"}, {"targetID": "12", "disposition": "1", "queueTime": "15"}]
    log = read([table(QUEUE, *given_up), table(CALL, {"contactDisposition": "1"})])
    assert log.contacts[["queue", "wait_s"]].to_numpy().tolist() == [["12", 15.0]]


def test_queued_again_later_in_the_leg_is_a_second_visit() -> None:
    again = [{}, {"qIndex": "2", "targetID": "12"}]
    log = read([table(QUEUE, *again), table(AGENT, {}, {"qIndex": "2", "startDateTime": "2024-03-01 08:03:00"})])
    assert log.contacts[["visit", "queue"]].to_numpy().tolist() == [[1, "11"], [2, "12"]]


def test_a_visit_that_cannot_be_dated_is_rejected() -> None:
    log = read([table(QUEUE, {}, {"sessionID": "2", "disposition": "1"}), table(AGENT)])
    assert log.contacts["contact_id"].tolist() == ["1"]
    assert log.rejected[["line", "reason"]].to_numpy().tolist() == [
        [2, "when the call joined the queue cannot be told: no row of AgentConnectionDetail or ContactCallDetail, or no queueTime"]
    ]
    assert log.count("used") == 2


def test_queued_for_an_agent_is_no_queue() -> None:
    log = read([table(QUEUE, {"targetType": "1"}), table(AGENT)])
    assert (len(log.contacts), log.count("ignored")) == (0, 1)


@pytest.mark.parametrize(
    ("word", "kind", "outcome"), [("1", "1", "ivr_abandoned"), ("5", "1", "blocked_full"), ("2", "1", None), ("1", "2", None)]
)
def test_calls_that_never_queued(word: str, kind: str, outcome: str | None) -> None:
    log = read([table(CALL, {"contactDisposition": word, "contactType": kind, "applicationName": "menu"})])
    assert log.contacts["outcome"].tolist() == ([] if outcome is None else [outcome])
    assert log.count("used") == 1


def test_times_are_utc_unless_said_otherwise() -> None:
    assert str(read([table(QUEUE), table(AGENT)], timezone="Europe/Berlin").contacts["queued_at"][0]) == "2024-03-01 07:00:00+00:00"


def test_other_tables_are_refused() -> None:
    with pytest.raises(ColumnError, match="the table has no column sessionID, .* found 'a'"):
        read(pd.DataFrame({"a": ["1"]}))
