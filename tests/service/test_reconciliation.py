"""Sums that must agree do, and each kind of damage is seen by the check that is for it."""

from __future__ import annotations

import pandas as pd
import pytest

from ccstats import read
from ccstats.errors import OptionError
from ccstats.readers.contract import Log
from ccstats.schema import AGENT_STATES, CONTACTS, NOT_QUEUED
from ccstats.service.reconciliation import reconcile

START = pd.Timestamp("2026-03-02T10:00Z")
AGENT_CHECKS = ["answered contacts with a span", "spans with an answered contact", "talk seconds"]


@pytest.fixture
def centre() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Three answered contacts of two agents and one abandoned, with the agents' spans to match."""
    rows = []
    spans = []
    for number, (agent, outcome, talk) in enumerate(
        [("Ada", "answered", 60.0), ("Bo", "answered", 30.0), (None, "abandoned", None), ("Ada", "answered", 0.0)]
    ):
        at = START + pd.Timedelta(minutes=10 * number)
        rows.append({"contact_id": f"c{number}", "queued_at": at, "outcome": outcome, "agent": agent, "talk_s": talk})
        if agent and talk:
            spans.append(
                {
                    "agent": agent,
                    "started_at": at,
                    "ended_at": at + pd.Timedelta(seconds=talk),
                    "state": "on_contact",
                    "contact_id": f"c{number}",
                }
            )
    defaults = {"visit": 1, "channel": "voice", "direction": "inbound", "queue": "sales", "raw_outcome": "x", "wait_s": 0.0}
    contacts = pd.DataFrame(rows).assign(**defaults, ring_s=None, hold_s=None, wrap_s=None)
    states = pd.DataFrame(spans).assign(reason=None, queue="sales", closed_by="event")
    return CONTACTS.conform(contacts), AGENT_STATES.conform(states)


def failing(checks: pd.DataFrame) -> list[str]:
    assert list(checks.columns) == ["check", "left", "right", "difference", "ok", "explanation"]
    assert (checks["difference"] == checks["left"] - checks["right"]).all()
    return checks.loc[~checks["ok"], "check"].tolist()


def test_a_sound_centre_agrees(centre) -> None:
    contacts, states = centre
    before = contacts.copy(), states.copy()
    checks = reconcile(contacts, states)
    assert failing(checks) == []
    pd.testing.assert_frame_equal(contacts, before[0])
    pd.testing.assert_frame_equal(states, before[1])
    assert checks.set_index("check")["left"].to_dict() == {
        "visits of contacts": 4,
        "offered in intervals": 4,
        "parts of offered": 4,
        "outcomes": 4,
        "answered contacts with a span": 2,
        "spans with an answered contact": 2,
        "talk seconds": 90,
    }
    assert checks["explanation"].str.len().gt(20).all()


def test_a_missing_visit_is_seen(centre) -> None:
    contacts, states = centre
    contacts.loc[0, "visit"] = 2
    assert failing(reconcile(contacts, states)) == ["visits of contacts"]


def test_a_missing_span_is_seen(centre) -> None:
    contacts, states = centre
    assert failing(reconcile(contacts, states.iloc[1:])) == ["answered contacts with a span"]


def test_a_span_that_no_queue_logged_is_seen(centre) -> None:
    contacts, states = centre
    assert failing(reconcile(contacts[contacts["contact_id"] != "c0"], states)) == ["spans with an answered contact"]


@pytest.mark.parametrize(("seconds", "found"), [(1, []), (2, []), (3, ["talk seconds"])])
def test_clocks_that_disagree_are_seen(centre, seconds: int, found: list[str]) -> None:
    contacts, states = centre
    states.loc[0, "ended_at"] += pd.Timedelta(seconds=seconds)
    assert failing(reconcile(contacts, states)) == found


def test_talk_that_is_not_known_is_not_compared(centre) -> None:
    contacts, states = centre
    contacts.loc[0, "talk_s"] = None
    checks = reconcile(contacts, states)
    assert failing(checks) == []
    assert checks.set_index("check").loc["talk seconds", ["left", "right"]].tolist() == [30.0, 30.0]


def test_a_log_that_ends_with_the_answer_agrees(centre) -> None:
    contacts, states = centre
    contacts.loc[1, "talk_s"] = None  # answered as the log ends: no talk, and a span of no length is not kept
    checks = reconcile(contacts, states[states["contact_id"] != "c1"])
    assert failing(checks) == []
    assert checks.set_index("check").loc["answered contacts with a span", ["left", "right"]].tolist() == [1.0, 1.0]


def test_random_contacts_agree(contacts_of) -> None:
    contacts = contacts_of(4, 300, waits_known=True)
    checks = reconcile(contacts).set_index("check")
    assert failing(reconcile(contacts)) == []
    assert checks.loc["offered in intervals", "left"] == (~contacts["outcome"].isin(NOT_QUEUED)).sum()
    assert not set(AGENT_CHECKS) & set(checks.index)


def test_no_contacts_agree(contacts_of) -> None:
    checks = reconcile(contacts_of(1, 0), AGENT_STATES.empty())
    assert failing(checks) == []
    assert (checks["left"] == 0).all()


def test_agents_who_had_no_contact_agree() -> None:
    """Nobody is named in one of the tables: an agent was there, and the only caller gave up."""
    caller = b"1709280001|17.1|q|NONE|ENTERQUEUE||anna|1\n1709280012|17.1|q|NONE|ABANDON|1|1|11\n"
    log = read(b"1709280000|17.0|q|Agent/1|ADDMEMBER|\n" + caller + b"1709280100|17.2|q|Agent/1|REMOVEMEMBER|\n")
    assert len(log.agent_states) == 1
    assert failing(reconcile(log)) == []


@pytest.mark.parametrize(("fate", "found"), [("used", []), ("rejected", []), ("forgotten", ["lines"])])
def test_lines_of_a_log_are_accounted_for(centre, fate: str, found: list[str]) -> None:
    contacts, states = centre
    lines = pd.DataFrame({"source": ["a", "a"], "fate": ["used", fate], "rule": ["line", "line"], "lines": [7, 3]})
    log = Log(contacts, states, pd.DataFrame(), lines, pd.DataFrame(), "mapped")
    checks = reconcile(log)
    assert failing(checks) == found
    assert checks.loc[0, ["check", "left"]].tolist() == ["lines", 10]
    with pytest.raises(OptionError, match="its own"):
        reconcile(log, states)
