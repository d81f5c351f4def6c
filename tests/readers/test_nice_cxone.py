"""NICE CXone: what a leg becomes, calls of several legs, names by version, and the two forms against each other and a plain loop."""

from __future__ import annotations

import json
import random
import warnings
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning
from ccstats.readers import nice_cxone

LEG: dict[str, Any] = {
    "contactId": 1, "masterContactId": None, "contactStart": "2024-03-01T08:00:00.000Z", "lastUpdateTime": "2024-03-01T09:00:00.000Z",
    "agentId": 31, "firstName": "Zoë", "lastName": "Brandt", "skillId": 5, "skillName": "sales", "pointOfContactName": "line",
    "mediaTypeName": "Call", "isOutbound": False, "preQueueSeconds": 5, "inQueueSeconds": 13, "agentSeconds": 277, "holdSeconds": 40,
    "postQueueSeconds": 0, "acwSeconds": 60, "totalDurationSeconds": 295, "callbackTime": 0, "abandoned": False, "isShortAbandon": False,
    "isRefused": False, "isActive": False, "endReason": None, "fromAddr": "+491", "toAddr": "+492", "primaryDispositionId": 0,
}  # fmt: skip
NOBODY = {"agentId": 0, "agentSeconds": 0, "holdSeconds": 0}


def read(*legs: dict[str, Any], **options: Any) -> Any:
    records = [{**LEG, "contactId": at, **leg} for at, leg in enumerate(legs, 1)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return cc.read(json.dumps(records).encode(), format="nice_cxone", pseudonyms=False, **options)


@pytest.mark.parametrize(
    ("leg", "outcome"),
    [
        ({}, "answered"),
        ({"agentSeconds": 0, "holdSeconds": 0}, "answered"),
        ({"agentId": 0}, "answered"),
        ({"abandoned": True}, "answered"),
        ({"isRefused": True}, "answered"),
        ({"isActive": True}, "answered"),
        ({**NOBODY, "abandoned": True}, "abandoned"),
        ({**NOBODY, "isShortAbandon": "True"}, "abandoned"),
        ({**NOBODY, "agentId": 31, "abandoned": True}, "abandoned"),
        ({**NOBODY, "abandoned": True, "inQueueSeconds": 0}, "ivr_abandoned"),
        ({**NOBODY, "abandoned": True, "inQueueSeconds": None}, "ivr_abandoned"),
        ({**NOBODY, "callbackTime": 90.5}, "callback"),
        ({**NOBODY, "callbackTime": 90, "abandoned": True}, "callback"),
        ({**NOBODY, "mediaTypeName": "Voice Mail"}, "voicemail"),
        ({"mediaTypeName": "VoiceMail"}, "answered"),
        ({**NOBODY, "isActive": True}, "open"),
        (NOBODY, "unknown"),
        ({**NOBODY, "isRefused": True}, "unknown"),
        ({**NOBODY, "agentId": 31, "isRefused": True, "inQueueSeconds": 0}, "unknown"),
    ],
)
def test_what_a_leg_becomes(leg: dict[str, Any], outcome: str) -> None:
    assert read(leg).contacts["outcome"].tolist() == [outcome]


def test_of_a_contact_that_goes_on_nobody_knows_how_long_it_takes() -> None:
    row = read({"isActive": True}).contacts.iloc[0]
    assert row["wait_s"] == 13
    assert row[["talk_s", "hold_s", "wrap_s"]].isna().all()


def test_what_never_queued_or_went_out_is_left_out() -> None:
    log = read({}, {"isOutbound": True}, {**NOBODY, "inQueueSeconds": 0})
    assert log.summary().set_index("rule")["lines"].to_dict() == {
        "contact": 1,
        "outbound: no visit to a queue": 1,
        "ended before any queue": 1,
    }


def test_a_leg_that_left_its_queue_goes_by_the_next_one() -> None:
    call = {"masterContactId": 9}
    later = {**call, "contactStart": "2024-03-01T08:05:00Z"}
    log = read({**call, **NOBODY}, {**later, "skillName": "more"})
    assert log.contacts[["visit", "queue", "outcome"]].to_numpy().tolist() == [[1, "sales", "overflowed"], [2, "more", "answered"]]
    log = read({**call, **NOBODY}, {**later, **NOBODY, "mediaTypeName": "VoiceMail"})
    assert log.contacts["outcome"].tolist() == ["voicemail", "voicemail"]
    log = read(call, {**later, "skillName": "more"}, {**later, **NOBODY, "contactStart": "2024-03-01T08:09:00Z"})
    assert log.contacts["outcome"].tolist() == ["answered", "answered", "unknown"]
    assert log.contacts["transferred_to"].iloc[:2].tolist() == ["more", "sales"]
    # The order in the file does not matter, and whoever comes before is no successor.
    log = read({**later, **NOBODY}, call)
    assert log.contacts["outcome"].tolist() == ["answered", "unknown"]


def test_talk_is_without_hold_and_the_queue_begins_after_the_menu() -> None:
    row = read({}).contacts.iloc[0]
    assert row[["wait_s", "talk_s", "hold_s", "wrap_s", "ivr_s"]].tolist() == [13, 237, 40, 60, 5]
    assert (row["queued_at"] - row["arrived_at"]).total_seconds() == 5
    assert row["agent"] == "Zoë Brandt"


@pytest.mark.parametrize(
    ("leg", "talk_s", "note"),
    [
        ({"holdSeconds": 300}, 277, "holdSeconds is longer"),
        ({"holdSeconds": None}, 277, "holdSeconds is blank"),
        ({"totalDurationSeconds": 335}, 237, "seems not to contain"),
        ({"totalDurationSeconds": 200}, 237, "the parts are longer"),
    ],
)
def test_durations_that_contradict_are_noted(leg: dict[str, Any], talk_s: float, note: str) -> None:
    log = read(leg)
    assert log.contacts["talk_s"].tolist() == [talk_s]
    assert log.notes["note"].str.contains(note).tolist() == [True]
    assert log.notes["count"].tolist() == [1]


def test_the_newest_version_counts_whatever_the_order() -> None:
    versions = [{"contactId": 7, "lastUpdateTime": f"2024-03-01T09:0{minute}:00Z", "acwSeconds": minute} for minute in (2, 8, 5)]
    log = read(*versions)
    assert log.contacts["wrap_s"].tolist() == [8]
    assert (log.count("used"), log.count("ignored")) == (1, 2)


def test_names_of_any_version_and_in_any_case() -> None:
    leg = {**LEG, "contactStartDate": LEG["contactStart"], "fromAddress": "+491", "outbound": False, "ACWSeconds": 60, "refused": False}
    for name in ("contactStart", "fromAddr", "isOutbound", "acwSeconds", "isRefused"):
        del leg[name]
    table = pd.DataFrame([leg])
    snake = table.rename(columns=lambda name: "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name))
    for given in (json.dumps([leg]).encode(), table, snake, table.to_csv(index=False).encode()):
        log = cc.read(given, format="nice_cxone", pseudonyms=False)
        assert_frame_equal(log.contacts, read({}).contacts)
    # Answers of two versions in one table have both columns, each half empty.
    both = pd.concat([table, pd.DataFrame([{**LEG, "contactId": 2}])], ignore_index=True)
    assert cc.read(both, format="nice_cxone", pseudonyms=False).contacts["customer"].tolist() == ["+491", "+491"]


def test_the_queue_is_the_skill_or_the_point_of_contact() -> None:
    log = read({}, {"skillName": ""}, {"skillName": None, "skillId": 0}, {"skillName": None, "skillId": 0, "pointOfContactName": None})
    assert log.contacts["queue"].tolist() == ["sales", "5", "line"]
    assert log.rejected["line"].tolist() == [4]


def test_bad_values_are_rejected() -> None:
    log = read({}, {"contactId": None}, {"contactStart": None}, {"contactStart": "soon"}, {"inQueueSeconds": -1}, {"inQueueSeconds": None},
               {"agentSeconds": [1]}, {"holdSeconds": 1e300}, {"inQueueSeconds": "NaN"})  # fmt: skip
    assert log.rejected["line"].tolist() == [2, 3, 4, 5, 6, 7, 8, 9]
    assert len(log.contacts) == 1


def test_pages_that_are_none() -> None:
    page = {"completedContacts": [LEG], "businessUnitId": 7, "totalRecords": 1, "_links": {"next": None}}
    empty = {**page, "completedContacts": None}
    old = {"resultSet": page}
    log = cc.read("\n".join(map(json.dumps, (page, empty, old))).encode(), format="nice_cxone")
    assert (log.count("used"), log.count("ignored"), log.count("rejected")) == (1, 1, 1)
    assert "resultSet" in log.rejected["reason"].iloc[0]


def test_a_table_without_its_columns_says_which() -> None:
    with pytest.raises(ColumnError, match="inQueueSeconds"):
        cc.read(b"contactId,masterContactId,contactStart,agentId,agentSeconds,abandoned\n", format="nice_cxone")


def test_the_text_of_a_rejected_record_is_the_record() -> None:
    log = read({"contactStart": "soon"}, keep_text=True)
    assert json.loads(log.rejected["text"].iloc[0])["contactStart"] == "soon"


def plain(legs: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The same by a loop over legs: newest versions, then one after the other in their call."""
    newest: dict[Any, tuple[Any, ...]] = {}
    for leg in legs:
        if leg["isOutbound"]:
            continue
        served = leg["agentSeconds"] > 0 or (leg["agentId"] and not leg["abandoned"] and not leg["isRefused"])
        if served:
            outcome = "answered"
        elif leg["callbackTime"] > 0:
            outcome = "callback"
        elif leg["abandoned"]:
            outcome = "abandoned" if leg["inQueueSeconds"] > 0 else "ivr_abandoned"
        elif leg["mediaTypeName"] == "VoiceMail":
            outcome = "voicemail"
        elif leg["inQueueSeconds"] == 0 and not leg["isRefused"]:
            continue
        else:
            outcome = ""
        other = newest.get(leg["contactId"])
        if other is None or leg["lastUpdateTime"] >= other[4]["lastUpdateTime"]:
            newest[leg["contactId"]] = (leg["masterContactId"], leg["contactStart"], str(leg["contactId"]), outcome, leg)
    kept = sorted(newest.values(), key=lambda each: each[:3])
    rows = []
    for (call, _, contact, outcome, leg), after in zip(kept, [*kept[1:], None], strict=True):
        follows = after is not None and after[0] == call
        if not outcome:
            outcome = "unknown" if not follows else "voicemail" if after[4]["mediaTypeName"] == "VoiceMail" else "overflowed"
        answered = outcome == "answered"
        hold, agent_s = leg["holdSeconds"], leg["agentSeconds"]
        talk = (agent_s if hold > agent_s else agent_s - hold) if answered else None
        wait = None if outcome == "ivr_abandoned" else leg["inQueueSeconds"]
        rows.append((str(call), contact, outcome, wait, talk, after[4]["skillName"] if answered and follows else None))
    return rows


def test_against_a_plain_loop_in_both_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(5)
    legs = []
    for _ in range(700):
        minute, update = rng.randrange(60), rng.randrange(10)
        legs.append({
            **LEG, "contactId": rng.randrange(1000, 1600), "contactStart": f"2024-03-01T08:{minute:02}:00Z",
            "lastUpdateTime": f"2024-03-01T09:0{update}:00Z", "skillName": rng.choice("abc"), "agentId": rng.choice([0, 31]),
            "mediaTypeName": rng.choice(["Call", "Call", "VoiceMail"]), "isOutbound": rng.random() < 0.1,
            "inQueueSeconds": rng.choice([0, 12.5, 80]), "agentSeconds": rng.choice([0, 0, 60.25]), "holdSeconds": rng.choice([0, 10, 90]),
            "callbackTime": rng.choice([0, 0, 0, 40]), "abandoned": rng.random() < 0.3, "isRefused": rng.random() < 0.2,
        })  # fmt: skip
        legs[-1]["masterContactId"] = legs[-1]["contactId"] // 3
    expected = plain(legs)
    # Records come in batches, and where one ends must not matter.
    monkeypatch.setattr(nice_cxone, "_BATCH", 100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        log = cc.read(json.dumps({"completedContacts": legs}).encode(), pseudonyms=False)
        table = cc.read(pd.DataFrame(legs).to_csv(index=False).encode(), pseudonyms=False)
    assert_frame_equal(log.contacts, table.contacts)
    found = log.contacts[["contact_id", "outcome", "wait_s", "talk_s", "transferred_to"]].astype(object)
    found = [tuple(None if pd.isna(cell) else cell for cell in row) for row in found.itertuples(index=False)]
    expected = [(call, *rest) for call, _, *rest in expected]
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert len(found) > 300
