"""The contacts behind figures: each list against the figure it explains, or against a loop over contacts."""

from __future__ import annotations

import math
import os

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccstats.errors import ColumnError, OptionError
from ccstats.intervals import to_intervals
from ccstats.schema import NOT_QUEUED, OUTCOMES
from ccstats.service._booking import MEASURES
from ccstats.service.listing import list_abandoned, list_contacts, list_ended_by, list_transfers, list_unanswered
from ccstats.service.ratios import measure_service

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))


@settings(max_examples=max(6, int(150 * EXAM)), deadline=None)
@given(
    seed=st.integers(0, 10**6),
    attribute_by=st.sampled_from(["queued", "left", "ended", "event"]),
    clock=st.sampled_from(["queued", "arrived"]),
    threshold_s=st.sampled_from([0.0, 5.5, 20, {"sales": 10, "help": 20, "billing": 60}]),
    short_s=st.sampled_from([None, 5]),
    period=st.sampled_from(["interval", "hour", "day", "week", "month", "weekday", "slot", None]),
)
@pytest.mark.filterwarnings("ignore::ccstats.errors.DataWarning")
def test_the_list_is_as_long_as_the_figure(contacts_of, seed, attribute_by, clock, threshold_s, short_s, period) -> None:
    contacts = contacts_of(seed, 50, waits_known=True)
    definition = {"threshold_s": threshold_s, "short_s": short_s, "attribute_by": attribute_by, "clock": clock}
    intervals = to_intervals(contacts, every="30min", timezone="Europe/Berlin", by="channel", **definition)
    service = measure_service(intervals, by=("queue", "channel"), period=period, timezone="Europe/Berlin")
    name = {"weekday": "weekday", "slot": "slot", None: None}.get(period, "period_start")
    keys = ["queue", "channel", *([name] if name else [])]
    listed = 0
    for measure in MEASURES:
        # Where the sum of a measure is not 0, every row must be found; a sample of the cells that are 0 shows that nothing else is.
        for _, cell in pd.concat([service[service[measure].fillna(0) > 0], service[service[measure] == 0].head(3)]).iterrows():
            rows = list_contacts(contacts, measure=measure, period=period, timezone="Europe/Berlin", **definition, **cell[keys])
            assert len(rows) == cell[measure], (measure, dict(cell[keys]))
            listed += len(rows)
    assert listed > 0


def test_contacts_of_a_threshold_set_by_queue() -> None:
    waits = pd.DataFrame({"contact_id": ["a", "b"], "visit": [1, 1], "queue": ["sales", "help"], "wait_s": [15.0, 15.0]})
    contacts = complete(waits)
    assert list_contacts(contacts, measure="answered_within", threshold_s={"sales": 10, "help": 20})["contact_id"].tolist() == ["b"]
    assert list_contacts(contacts, measure="answered_within", threshold_s={"help": 20})["contact_id"].tolist() == ["b"]
    assert list_contacts(contacts, measure="reached_threshold", threshold_s={"sales": 10})["contact_id"].tolist() == ["a"]
    assert len(list_contacts(contacts, measure="answered_within", threshold_s=15)) == 2
    assert list_contacts(contacts, measure="answered_within", threshold_s=15, inclusive=False).empty


def complete(frame: pd.DataFrame, **more: object) -> pd.DataFrame:
    """A contacts table of the few columns that matter to a test."""
    start = pd.Timestamp("2026-03-02T10:00Z")
    defaults = {
        "channel": "voice",
        "direction": "inbound",
        "queue": "sales",
        "queued_at": start,
        "outcome": "answered",
        "raw_outcome": "x",
        "wait_s": 0.0,
        "ring_s": math.nan,
        "talk_s": 60.0,
        "hold_s": math.nan,
        "wrap_s": math.nan,
        "agent": "Ada",
    }
    from ccstats.schema import CONTACTS

    return CONTACTS.conform(frame.assign(**{name: value for name, value in (defaults | more).items() if name not in frame}))


def test_list_contacts_keeps_every_column_and_the_order(contacts_of) -> None:
    contacts = contacts_of(2)
    before = contacts.copy()
    everything = list_contacts(contacts)
    pd.testing.assert_frame_equal(contacts, before)
    pd.testing.assert_frame_equal(everything, contacts[~contacts["outcome"].isin(NOT_QUEUED)].reset_index(drop=True))
    unknown_agent = list_contacts(contacts, measure="answered", agent=None)
    assert len(unknown_agent) == ((contacts["outcome"] == "answered") & contacts["agent"].isna()).sum()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"measure": "asa_s"}, OptionError, "no count of contacts"),
        ({"measure": "answered_within"}, OptionError, "needs threshold_s="),
        ({"weekday": "Monday"}, OptionError, "another period"),
        ({"period": "day", "weekday": "Monday"}, OptionError, "another period"),
        ({"team": "north"}, ColumnError, "^team='north': contacts has no column 'team'"),
        ({"period": "day", "period_start": "foo"}, OptionError, "period_start='foo' is no instant"),
        ({"period": "weekday", "weekday": "Mondya"}, OptionError, "expected one of Monday, Tuesday"),
        ({"period": "slot", "slot": "morning"}, OptionError, "time of day"),
        ({"queue": ["sales", "help"]}, OptionError, "expected one value"),
        ({"attribute_by": "offered"}, OptionError, "queued, left, ended, event"),
    ],
)
def test_wrong_questions(contacts_of, options, error, words) -> None:
    with pytest.raises(error, match=words):
        list_contacts(contacts_of(1), **options)


# abandoned, and what came of it


def followed_by_hand(contacts: pd.DataFrame, within: pd.Timedelta) -> list[dict]:
    rows = contacts.to_dict("records")
    instants = [row[name] for row in rows for name in ("arrived_at", "queued_at") if pd.notna(row[name])]
    instants += [
        row["queued_at"] + pd.Timedelta(seconds=row["wait_s"]) for row in rows if pd.notna(row["queued_at"]) and row["wait_s"] >= 0
    ]
    begun: dict[str, dict] = {}
    for row in rows:
        row["start"] = row["arrived_at"] if pd.notna(row["arrived_at"]) else row["queued_at"]
    for row in sorted(rows, key=lambda row: (row["start"], row["visit"])):
        if pd.notna(row["customer"]):
            one = begun.setdefault(row["contact_id"], row | {"served_by": []})
            one["served_by"] += [row["agent"]] if row["outcome"] == "answered" else []
    found = []
    for row in rows:
        if row["outcome"] != "abandoned":
            continue
        left = row["queued_at"] + pd.Timedelta(seconds=0 if math.isnan(row["wait_s"]) else row["wait_s"])
        later = [
            other
            for other in begun.values()
            if other["customer"] == row["customer"] and other["contact_id"] != row["contact_id"] and left <= other["start"] <= left + within
        ]
        again = [other for other in later if other["direction"] == "inbound"]
        back = [other for other in later if other["direction"] == "outbound"]
        found.append(
            {
                "contact_id": row["contact_id"],
                "visit": row["visit"],
                "left_at": left,
                "called_again_at": min((other["start"] for other in again), default=None),
                "answered_again": any(other["served_by"] for other in again) if pd.notna(row["customer"]) else None,
                "called_back_at": min((other["start"] for other in back), default=None),
                "agents": {agent for other in back if other["start"] == min(o["start"] for o in back) for agent in other["served_by"][:1]},
                "censored": left + within > max(instants),
            }
        )
    return found


@settings(max_examples=max(20, int(1000 * EXAM)), deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(0, 80), hours=st.sampled_from([1, 6, 24, 48]))
def test_abandoned_and_what_followed_is_a_loop(contacts_of, seed, n, hours) -> None:
    contacts = contacts_of(seed, n, outcomes=("abandoned", "abandoned", "answered", "blocked_full", "open", "timed_out"))
    before = contacts.copy()
    made = list_abandoned(contacts, within=f"{hours}h")
    pd.testing.assert_frame_equal(contacts, before)
    hand = followed_by_hand(contacts, pd.Timedelta(hours=hours))
    assert len(made) == len(hand)
    for row, one in zip(made.to_dict("records"), hand, strict=True):
        assert (row["contact_id"], row["visit"], row["left_at"]) == (one["contact_id"], one["visit"], one["left_at"])
        assert row["censored"] == one["censored"]
        for name, seconds in (("called_again_at", "called_again_after_s"), ("called_back_at", "called_back_after_s")):
            assert (None if pd.isna(row[name]) else row[name]) == one[name]
            assert pd.isna(row[seconds]) if one[name] is None else row[seconds] == (one[name] - row["left_at"]).total_seconds()
        assert (None if pd.isna(row["answered_again"]) else row["answered_again"]) == one["answered_again"]
        assert pd.isna(row["called_back_by"]) or row["called_back_by"] in one["agents"]


def test_a_customer_who_calls_again_is_found() -> None:
    at = pd.Timestamp("2026-03-02T10:00Z")
    contacts = complete(
        pd.DataFrame(
            {
                "contact_id": ["a", "b", "c"],
                "visit": [1, 1, 1],
                "customer": ["k", "k", "k"],
                "direction": ["inbound", "inbound", "outbound"],
                "outcome": ["abandoned", "answered", "answered"],
                "queued_at": [at, at + pd.Timedelta(minutes=5), at + pd.Timedelta(hours=1)],
                "wait_s": [60.0, 5.0, 0.0],
                "agent": [None, "Ada", "Bo"],
            }
        )
    )
    row = list_abandoned(contacts, within="30min").iloc[0]
    assert (row["called_again_after_s"], row["answered_again"], row["censored"]) == (240.0, True, False)
    assert pd.isna(row["called_back_at"])
    row = list_abandoned(contacts).iloc[0]
    assert (row["called_back_after_s"], row["called_back_by"], row["censored"]) == (3540.0, "Bo", True)


def test_the_last_moment_still_belongs_to_the_time_after() -> None:
    left = pd.Timestamp("2026-03-02T10:01Z")
    again = pd.DataFrame(
        {"contact_id": ["a", "b"], "visit": [1, 1], "customer": "k", "outcome": ["abandoned", "answered"], "wait_s": [60.0, 0.0]}
    )
    for late, found in ((0, True), (1, False)):
        contacts = complete(again.assign(queued_at=[left - pd.Timedelta(seconds=60), left + pd.Timedelta(minutes=30, microseconds=late)]))
        assert list_abandoned(contacts, within="30min")["answered_again"].tolist() == [found]


def test_another_visit_of_the_same_contact_is_not_calling_again() -> None:
    at = pd.Timestamp("2026-03-02T10:00Z")
    visits = pd.DataFrame({"contact_id": ["a", "a"], "visit": [1, 2], "customer": "k", "outcome": ["abandoned", "answered"]})
    row = list_abandoned(complete(visits.assign(queued_at=[at, at + pd.Timedelta(minutes=1)]))).iloc[0]
    assert pd.isna(row["called_again_at"])
    assert not row["answered_again"]


def test_who_passed_the_threshold_in_the_voice_menu_is_late_when_queued() -> None:
    at = pd.Timestamp("2026-03-02T10:00:10Z")
    contacts = complete(
        pd.DataFrame({"contact_id": ["a"], "visit": [1], "queued_at": [at], "arrived_at": [at - pd.Timedelta(seconds=100)]})
    )
    definition = {"threshold_s": 20, "attribute_by": "event", "clock": "arrived"}
    hours = measure_service(to_intervals(contacts, every="1h", **definition), period="hour")
    late = hours.loc[hours["reached_threshold"] > 0, "period_start"].item()
    assert late == pd.Timestamp("2026-03-02T10:00Z")
    assert len(list_contacts(contacts, measure="reached_threshold", period="hour", period_start=late, **definition)) == 1


def test_without_customers_nobody_is_followed(contacts_of) -> None:
    made = list_abandoned(contacts_of(4).drop(columns="customer"))
    assert len(made) > 0
    assert made[["called_again_at", "answered_again", "called_back_at"]].isna().all(axis=None)


@pytest.mark.parametrize("within", [3600, 3600.0, pd.Timedelta("1h")])
def test_a_number_is_seconds(within) -> None:
    at = [pd.Timestamp("2026-03-02T10:00Z"), pd.Timestamp("2026-03-02T10:59Z"), pd.Timestamp("2026-03-02T12:30Z")]
    rows = {"contact_id": ["a", "b", "c"], "visit": 1, "queued_at": at, "outcome": ["abandoned", "answered", "abandoned"], "customer": "k"}
    made = list_abandoned(complete(pd.DataFrame(rows)), within=within)
    assert made["called_again_after_s"].fillna(-1).tolist() == [59 * 60, -1]
    assert made["censored"].tolist() == [False, True]


@pytest.mark.parametrize("within", ["0s", "soon", "-1D", "3600", "", 0, -60, True, math.nan, math.inf, None, [1]])
def test_within_is_a_positive_time(contacts_of, within) -> None:
    with pytest.raises(OptionError, match="positive length of time"):
        list_abandoned(contacts_of(4), within=within)


# transfers, reasons, hang-ups


@settings(max_examples=max(10, int(300 * EXAM)), deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(0, 80))
def test_transfers_are_a_loop(contacts_of, seed, n) -> None:
    contacts = contacts_of(seed, n)
    hand: dict[tuple[str, str, str], int] = {}
    rows = [row for row in contacts.to_dict("records") if row["outcome"] not in NOT_QUEUED]
    for row in rows:
        later = [other for other in rows if other["contact_id"] == row["contact_id"] and other["visit"] > row["visit"]]
        onward = min(later, key=lambda other: other["visit"])["queue"] if later else None
        sent = row["transferred_to"] if isinstance(row["transferred_to"], str) else None
        way = "flowed_out" if row["outcome"] != "answered" else "transferred" if sent else "rejoined"
        if onward or way == "transferred":
            key = (row["queue"], onward or sent, way)
            hand[key] = hand.get(key, 0) + 1
    made = list_transfers(contacts)
    assert {(row.queue, row.moved_to, row.way): row.contacts for row in made.itertuples()} == hand
    for row in made.itertuples():
        assert row.share == pytest.approx(row.contacts / sum(count for key, count in hand.items() if key[0] == row.queue))
    assert (
        made.loc[made["way"] == "transferred", "contacts"].sum()
        == ((contacts["outcome"] == "answered") & contacts["transferred_to"].notna()).sum()
    )


@settings(max_examples=max(10, int(300 * EXAM)), deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(0, 80), by=st.sampled_from([(), "queue", ("queue", "channel")]))
def test_reasons_are_a_loop(contacts_of, seed, n, by) -> None:
    contacts = contacts_of(seed, n)
    names = [by] if isinstance(by, str) else list(by)
    made = list_unanswered(contacts, by=by)
    seen = 0
    for row in made.to_dict("records"):
        group = [each for each in contacts.to_dict("records") if all(each[name] == row[name] for name in names)]
        unanswered = [each for each in group if OUTCOMES[each["outcome"]] not in (None, "answered", "open")]
        offered = [each for each in group if each["outcome"] not in (*NOT_QUEUED, "open")]
        count = sum(each["raw_outcome"] == row["raw_outcome"] and each["outcome"] == row["outcome"] for each in unanswered)
        assert row["contacts"] == count > 0
        assert row["counted_in"] == OUTCOMES[row["outcome"]]
        assert row["share"] == pytest.approx(count / len(unanswered))
        if row["outcome"] in NOT_QUEUED:
            assert math.isnan(row["share_of_offered"])
        else:
            assert row["share_of_offered"] == pytest.approx(count / len(offered))
        seen += count
    assert seen == sum(OUTCOMES[outcome] not in (None, "answered", "open") for outcome in contacts["outcome"])


def test_who_hung_up(contacts_of) -> None:
    contacts = contacts_of(6, 200)
    made = list_ended_by(contacts)
    answered = contacts[contacts["outcome"] == "answered"]
    assert made["contacts"].sum() == len(answered)
    for row in made.itertuples():
        rows = [each for each in answered.to_dict("records") if each["queue"] == row.queue]
        mine = [each for each in rows if (each["ended_by"] if isinstance(each["ended_by"], str) else "unknown") == row.ended_by]
        talks = [each["talk_s"] for each in mine if not math.isnan(each["talk_s"])]
        assert (row.contacts, row.share) == (len(mine), pytest.approx(len(mine) / len(rows)))
        assert row.att_s == pytest.approx(sum(talks) / len(talks), nan_ok=True) if talks else math.isnan(row.att_s)
    with pytest.raises(ColumnError, match="not logged"):
        list_ended_by(contacts.drop(columns="ended_by"))


def test_empty_logs_give_empty_lists(contacts_of) -> None:
    none = contacts_of(1, 0)
    for made in (list_contacts(none), list_abandoned(none), list_transfers(none), list_unanswered(none), list_ended_by(none)):
        assert made.empty
        assert len(made.columns) > 3


@pytest.mark.parametrize(
    ("listed", "by"), [(list_unanswered, "outcome"), (list_unanswered, ["queue", "raw_outcome"]), (list_ended_by, "ended_by")]
)
def test_a_column_of_the_result_is_no_group(contacts_of, listed, by) -> None:
    with pytest.raises(OptionError, match="leave it out of by="):
        listed(contacts_of(1), by=by)


@pytest.mark.parametrize("listed", [list_unanswered, list_ended_by])
def test_rows_come_in_one_order(contacts_of, listed) -> None:
    import polars as pl

    contacts = contacts_of(7, 200)
    made = listed(contacts, by=["queue", "queue"]).astype({"queue": "str"})
    assert made["queue"].is_monotonic_increasing
    order = ["sales", "help", "billing"]
    moved = contacts.assign(queue=contacts["queue"].cat.set_categories(order))
    for other in (moved, pl.from_pandas(moved).with_columns(pl.col("queue").cast(pl.Categorical))):
        pd.testing.assert_frame_equal(listed(other).astype({"queue": "str"}), made)
