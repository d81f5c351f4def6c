"""What holds for every function of satisfaction: empty tables, zones, group columns, doubled rows, and inputs that stay as they are."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import ccstats as cc
from ccstats.schema import ABSENCES, COMPLAINTS, CONTACTS, EVALUATIONS, ITEMS, STAFF, SURVEYS

DAY = pd.Timestamp("2025-03-03T09:00Z")
SIZE = 40


def calls() -> pd.DataFrame:
    number = pd.RangeIndex(SIZE)
    return CONTACTS.conform(
        pd.DataFrame(
            {
                "contact_id": [f"c{each:02}" for each in number],
                "visit": 1,
                "queue": ["sales", "support"] * (SIZE // 2),
                "queued_at": DAY + pd.to_timedelta(number * 7, unit="h"),
                "outcome": ["answered"] * (SIZE - 4) + ["abandoned"] * 4,
                "wait_s": number * 3.0,
                "talk_s": 100.0,
                "hold_s": 0.0,
                "wrap_s": 10.0,
                "channel": "voice",
                "agent": ["Ada", "Bo"] * (SIZE // 2),
                "direction": "inbound",
                "customer": [f"k{each % 9}" for each in number],
                "reason": ["bill", "fault"] * (SIZE // 2),
            }
        )
    )


def surveys() -> pd.DataFrame:
    ids = [f"c{each:02}" for each in range(SIZE - 4)]
    rows = pd.DataFrame({"response_id": ids, "contact_id": ids, "instrument": "csat", "scale_min": 1.0, "scale_max": 5.0})
    rows = rows.assign(score=[5.0, 2.0, None] * 12, polarity="higher_is_better", invited_at=DAY, responded_at=DAY)
    return SURVEYS.conform(rows)


def complaints() -> pd.DataFrame:
    made = pd.DataFrame({"complaint_id": ["1", "2", "3"], "received_at": DAY, "resolved_at": [DAY, None, None], "reason": ["a", "a", "b"]})
    return COMPLAINTS.conform(made.assign(acknowledged_at=DAY, reminders=0))


def evaluations() -> pd.DataFrame:
    rows = pd.DataFrame({"evaluation_id": list("112233"), "contact_id": list("aaaabb"), "agent": "Ada", "assessor": list("PPQQPP")})
    rows = rows.assign(evaluated_at=DAY, item=["x", "y"] * 3, weight=1.0, points=[1.0, 0, 1, 1, 0, 1], max_points=1.0)
    return EVALUATIONS.conform(rows.assign(critical_error=False, auto_fail=False))


def people() -> pd.DataFrame:
    joined = pd.to_datetime(["2024-01-01", "2024-02-01", "2025-01-01"], utc=True)
    left = pd.to_datetime([None, "2024-06-05", None], utc=True)
    return STAFF.conform(pd.DataFrame({"agent": list("abc"), "joined_at": joined, "left_at": left, "training_s": 3600.0}))


def absences() -> pd.DataFrame:
    return ABSENCES.conform(pd.DataFrame({"agent": list("ab"), "started_at": DAY, "scheduled_s": 28800.0, "absent_s": [0.0, 28800.0]}))


def items() -> pd.DataFrame:
    rows = pd.DataFrame({"item_id": list("ab"), "queue": "mail", "channel": "email", "opened_at": DAY})
    return ITEMS.conform(rows.assign(first_response_at=[DAY, None], closed_at=[DAY, None]))


#: Name: the tables it takes, and what else it needs.
CASES: dict[str, tuple[list[Callable[[], pd.DataFrame]], dict[str, Any]]] = {
    "measure_satisfaction": ([surveys], {}),
    "adjust_satisfaction": ([surveys, calls], {}),
    "list_complaint_reasons": ([complaints], {}),
    "measure_complaints": ([complaints], {}),
    "measure_quality": ([evaluations], {}),
    "measure_resolution": ([calls], {}),
    "measure_returns_after_abandon": ([calls], {}),
    "measure_absenteeism": ([absences], {}),
    "measure_turnover": ([people], {"timezone": "UTC"}),
    "measure_deferred": ([items], {}),
    "measure_callbacks": ([calls], {"promise_s": 60}),
    "measure_outbound": ([calls], {}),
    "measure_ivr": ([calls], {}),
    "measure_concurrency": ([calls], {"channel": None}),
    "check_nonresponse": ([surveys, calls], {}),
    "explain_satisfaction": ([surveys, calls], {"drivers": ["wait_s"]}),
    "list_repeats": ([calls], {}),
    "list_backlog": ([complaints], {"as_of": DAY}),
    "score_evaluations": ([evaluations], {}),
    "measure_calibration": ([evaluations], {}),
    "measure_assessors": ([evaluations], {}),
    "measure_item_agreement": ([evaluations], {}),
    "compare_agents": ([evaluations], {}),
    "measure_training": ([people], {}),
}
GROUPED = [name for name in CASES if name not in list(CASES)[14:]]


def ask(name: str, tables: list[pd.DataFrame], **options: Any) -> pd.DataFrame:
    return getattr(cc, name)(*tables, **CASES[name][1] | options)


def tables(name: str) -> list[pd.DataFrame]:
    return [make() for make in CASES[name][0]]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::ccstats.DataWarning")
def test_nothing_makes_a_table_of_the_same_columns_and_kinds(name: str) -> None:
    whole, empty = ask(name, tables(name)), ask(name, [table.iloc[:0] for table in tables(name)])
    assert list(empty.columns) == list(whole.columns)
    kinds = [{each: str(table[each].dtype) for each in table} for table in (whole, empty)]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::ccstats.DataWarning")
def test_inputs_stay_as_they_are_and_their_order_does_not_matter(name: str) -> None:
    given, before = tables(name), tables(name)
    found = ask(name, given)
    for table, same in zip(given, before, strict=True):
        pd.testing.assert_frame_equal(table, same)
    again = ask(name, [table.iloc[::-1] for table in given])
    pd.testing.assert_frame_equal(found, again, check_categorical=False)


@pytest.mark.parametrize("name", GROUPED)
@pytest.mark.filterwarnings("ignore::ccstats.DataWarning")
def test_a_group_column_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(cc.errors.ColumnError, match=r"by=\['nosuch'.*has no column 'nosuch'; it has: ") as told:
        ask(name, tables(name), by="nosuch")
    assert "boxed" not in str(told.value), "columns of our own are not the user's"


@pytest.mark.parametrize(
    "name", ["measure_satisfaction", "adjust_satisfaction", "measure_complaints", "measure_quality", "measure_resolution"]
)
@pytest.mark.filterwarnings("ignore::ccstats.DataWarning")
def test_a_period_needs_a_zone(name: str) -> None:
    with pytest.raises(cc.errors.ZoneError, match="period='month' needs timezone=, such as"):
        ask(name, tables(name), period="month")


@pytest.mark.parametrize("name", [name for name in GROUPED if name != "measure_concurrency"])
@pytest.mark.parametrize("confidence", ["0.95", 95, 1.0, 0.0, True, float("nan"), None])
@pytest.mark.filterwarnings("ignore::ccstats.DataWarning")
def test_a_confidence_that_is_none_is_refused(name: str, confidence: Any) -> None:
    with pytest.raises(cc.errors.OptionError, match="confidence=.*give a share between 0 and 1, such as 0.95"):
        ask(name, tables(name), confidence=confidence)


@pytest.mark.parametrize("name", ["measure_resolution", "list_repeats", "measure_returns_after_abandon"])
def test_a_visit_that_stands_twice_is_no_repeat_of_itself(name: str) -> None:
    twice = pd.concat([calls(), calls().iloc[[3]]], ignore_index=True)
    with pytest.raises(cc.errors.TableError, match="c03"):
        ask(name, [twice])


def test_no_contacts_are_no_facts_about_them() -> None:
    found = cc.measure_satisfaction(surveys(), contacts=calls().iloc[:0], by="queue")
    assert found["queue"].isna().all()
    assert found["responses"].tolist() == [24]


def test_a_variable_that_no_contact_has_does_not_differ() -> None:
    found = cc.check_nonresponse(surveys(), calls().assign(wait_s=float("nan")), variables="wait_s")
    assert found["level"].tolist() == ["not known"]
    assert not found["differs"].any()


def test_nobody_employed_in_no_period() -> None:
    assert "period_start" not in cc.measure_turnover(people().iloc[:0], period=None)
