"""What `to_intervals`, `merge_intervals` and `roll_up` promise: sums add up whatever the order, the split and the grain."""

from __future__ import annotations

import os
import pickle
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning, OptionError, TableError, ZoneError
from ccstats.periods import PERIODS, WEEKDAYS, period_start
from ccstats.schema import CONTACTS, INTERVALS
from interval_cases import NIGHTS, noon, plain, random_contacts

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
EXAMPLES = max(8, int(400 * EXAM))
#: The oracle's tests see every night; these see those that differ in kind.
FEW_NIGHTS = ("autumn in London", "autumn in Lord Howe", "the day Apia left out", "no midnight in Cairo")
COUNTED_AS = ("answered", "abandoned", "flowed_out", "callbacks", "lost", "open", "unknown")
THRESHOLD_COUNTS = ("answered_within", "abandoned_within", "callback_within", "reached_threshold")


def visits(*rows: tuple[str, float, str], queue: str = "sales") -> pd.DataFrame:
    """Contacts from (time of 1 June 2026 UTC, wait, outcome)."""
    frame = CONTACTS.empty()
    size = len(rows)
    return pd.DataFrame(
        {
            "contact_id": pd.array([f"{place}" for place in range(size)], dtype="str"),
            "visit": np.ones(size, dtype="int64"),
            "channel": pd.Categorical(["voice"] * size),
            "direction": pd.Categorical(["inbound"] * size, categories=["inbound", "outbound", "internal"]),
            "queue": pd.Categorical([queue] * size),
            "queued_at": pd.to_datetime([f"2026-06-01 {time}" for time, _, _ in rows], utc=True).as_unit("us"),
            "outcome": pd.Categorical([outcome for _, _, outcome in rows], categories=frame["outcome"].cat.categories),
            "raw_outcome": pd.Categorical([outcome for _, _, outcome in rows]),
            "wait_s": [float(wait) for _, wait, _ in rows],
            "ring_s": np.full(size, np.nan),
            "talk_s": [60.0 if outcome == "answered" else np.nan for _, _, outcome in rows],
            "hold_s": np.full(size, np.nan),
            "wrap_s": np.full(size, np.nan),
            "agent": pd.Categorical([None] * size, categories=["Ada"]),
        }
    )


class Partitions:
    """An engine as `to_intervals` sees one: it ships a function to where the rows are."""

    def __init__(self, frames: list[pd.DataFrame]) -> None:
        self._frames = frames

    def map_partitions(self, function):
        shipped = pickle.loads(pickle.dumps(function))
        return (shipped(frame) for frame in self._frames)


# ---------------------------------------------------------------------------------------------------------------- what is counted


def test_each_outcome_is_counted_once_and_where_the_design_says():
    contacts = visits(*(("10:00", 5, outcome) for outcome in cc.schema.OUTCOMES))
    row = cc.to_intervals(contacts, threshold_s=20).iloc[0]
    counts = {name: int(row[name]) for name in (*COUNTED_AS, "blocked", "ivr_abandoned", "offered")}
    assert counts == {
        **{"answered": 1, "abandoned": 1, "flowed_out": 5, "callbacks": 1, "lost": 3, "open": 1, "unknown": 1},
        **{"blocked": 3, "ivr_abandoned": 1, "offered": 13},
    }


@pytest.mark.parametrize(
    ("inclusive", "within", "reached"),
    [(True, 2, 1), (False, 1, 2)],
)
def test_a_wait_of_exactly_the_threshold(inclusive, within, reached):
    contacts = visits(("10:00", 19, "answered"), ("10:01", 20, "answered"), ("10:02", 21, "answered"))
    row = cc.to_intervals(contacts, threshold_s=20, inclusive=inclusive).iloc[0]
    assert (row["answered_within"], row["reached_threshold"]) == (within, reached)


def test_where_a_contact_is_booked():
    """Queued 10:29:50, answered 10:30:20, ended 11:00:20."""
    contacts = visits(("10:29:50", 30, "answered")).assign(talk_s=1800.0)
    found = {}
    for how in ("queued", "left", "ended", "event"):
        table = cc.to_intervals(contacts, threshold_s=5, attribute_by=how)
        shown = table.assign(at=table["interval_start"].dt.strftime("%H:%M")).set_index("at")
        found[how] = {
            name: shown.index[shown[name].fillna(0) > 0].tolist() for name in ("offered", "reached_threshold", "answered", "total_talk_s")
        }
    alike = lambda at: dict.fromkeys(("offered", "reached_threshold", "answered", "total_talk_s"), [at])  # noqa: E731
    assert found["queued"] == alike("10:00")
    assert found["left"] == alike("10:30")
    assert found["ended"] == alike("11:00")
    assert found["event"] == {"offered": ["10:00"], "reached_threshold": ["10:00"], "answered": ["10:30"], "total_talk_s": ["11:00"]}


def test_clock_arrived_counts_the_wait_from_the_platform():
    contacts = visits(("10:00", 15, "answered"), ("10:05", 15, "answered"))
    contacts["arrived_at"] = contacts["queued_at"] - pd.to_timedelta([10, np.nan], unit="s")
    with pytest.warns(DataWarning, match="1 contacts have no arrived_at"):
        row = cc.to_intervals(contacts, threshold_s=20, clock="arrived").iloc[0]
    assert (row["total_wait_s"], row["answered_within"], row["max_wait_s"]) == (40.0, 1, 25.0)
    assert (row["arrival_known"], row["total_to_agent_s"]) == (1, 25.0)
    assert cc.to_intervals(contacts, threshold_s=20).iloc[0]["answered_within"] == 2


def test_blocked_contacts_are_booked_where_they_arrived():
    contacts = visits(("10:00", 0, "blocked_full"), ("10:40", 0, "ivr_abandoned"), ("11:10", 0, "ignored"))
    contacts["wait_s"] = np.nan
    contacts["arrived_at"] = pd.to_datetime(["2026-06-01 09:50", None, None], utc=True).as_unit("us")
    table = cc.to_intervals(contacts)
    assert table["interval_start"].dt.strftime("%H:%M").tolist() == ["09:30", "10:00", "10:30"]
    assert table["blocked"].tolist() == [1, 0, 0]
    assert table["ivr_abandoned"].tolist() == [0, 0, 1]
    assert table["offered"].sum() == 0
    assert table["max_wait_s"].isna().all()


def test_a_queue_without_a_threshold_has_no_threshold_counts():
    contacts = pd.concat([visits(("10:00", 5, "answered")), visits(("10:00", 5, "abandoned"), queue="billing")], ignore_index=True)
    contacts["queue"] = contacts["queue"].astype("category")
    table = cc.to_intervals(contacts, threshold_s={"sales": 20, "no calls this month": 10}, short_s={"billing": 10}).set_index("queue")
    assert table.loc["billing", list(THRESHOLD_COUNTS)].isna().all()
    assert table["threshold_s"].to_dict() == pytest.approx({"billing": np.nan, "sales": 20.0}, nan_ok=True)
    assert table["abandoned_short"].to_dict() == {"billing": 1, "sales": 0}
    assert table.loc["sales", "answered_within"] == 1


def test_a_misspelt_queue_among_the_thresholds_is_warned_of():
    with pytest.warns(DataWarning, match=r"queue 'Sales' that has no contacts, and the queue 'sales' has no threshold"):
        cc.to_intervals(visits(("10:00", 5, "answered")), threshold_s={"Sales": 20})


def test_what_a_source_never_logs_is_missing_and_not_zero():
    table = cc.to_intervals(visits(("10:00", 5, "answered"), ("11:00", 5, "abandoned"), ("12:00", 5, "answered")))
    answered, abandoned, empty = (table.iloc[place] for place in (0, 2, 1))
    assert np.isnan(answered["total_wrap_s"])
    assert answered["wrap_known"] == 0
    assert answered["total_talk_s"] == 60.0
    assert abandoned["total_wrap_s"] == empty["total_wrap_s"] == 0.0
    assert np.isnan(empty["max_wait_s"])


def test_result_has_the_schema_and_is_sorted_by_key():
    zone, middle = noon("autumn in London")
    contacts = random_contacts(1, 400, middle, extras=True)
    for by, fill in (((), True), (("channel",), False)):
        table = cc.to_intervals(contacts, timezone=zone, threshold_s=20, by=by, fill=fill)
        INTERVALS.check(table)
        names = [name for name in table.columns if name not in by]
        assert names == [name for name in INTERVALS.names() if name in names]
        assert table.sort_values(["queue", "interval_start", *by], ignore_index=True).equals(table)
        assert isinstance(table.index, pd.RangeIndex)
        assert list(table["queue"].cat.categories) == ["billing", "complaints", "sales"]


def test_contacts_are_not_changed():
    zone, middle = noon("Kathmandu")
    contacts = random_contacts(2, 50, middle, extras=True)
    before = contacts.copy(deep=True)
    cc.to_intervals(contacts, timezone=zone)
    pd.testing.assert_frame_equal(contacts, before)


@pytest.mark.parametrize("extra", [[], ["arrived_at", "transferred_to", "ring_attempts"]])
def test_no_contacts_give_an_empty_table_with_the_same_columns(extra):
    empty = CONTACTS.empty(extra)
    table = cc.to_intervals(empty, threshold_s=20, by="channel", wait_histogram=[10])
    assert len(table) == 0
    full = cc.to_intervals(random_contacts(3, 30, pd.Timestamp("2026-01-01", tz="UTC"), extras=False), by="channel", wait_histogram=[10])
    assert set(full.columns) <= set(table.columns)
    assert len(cc.merge_intervals([table, table])) == 0
    assert len(cc.roll_up(table, by="queue", period="day")) == 0


@pytest.mark.parametrize("make", [pl.from_pandas, lambda frame: duckdb.sql("select * from frame").to_arrow_table()])
def test_any_arrow_frame_is_counted_like_a_pandas_frame(make):
    contacts = random_contacts(4, 80, pd.Timestamp("2026-01-01", tz="UTC"), extras=False)
    assert plain(cc.to_intervals(make(contacts), threshold_s=20)) == plain(cc.to_intervals(contacts, threshold_s=20))


# ---------------------------------------------------------------------------------------------------------------------- what adds up


OPTIONS = st.fixed_dictionaries(
    {
        "every": st.sampled_from(["30min", "1h", "1D"]),
        "threshold_s": st.sampled_from([None, 20, {"sales": 10}]),
        "short_s": st.sampled_from([None, 5]),
        "by": st.sampled_from([(), ("channel",)]),
        "attribute_by": st.sampled_from(["queued", "left", "ended", "event"]),
        "wait_histogram": st.sampled_from([None, (10, 30)]),
    }
)


@pytest.mark.parametrize("night", FEW_NIGHTS)
@settings(max_examples=EXAMPLES, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    rows=st.integers(1, 60),
    extras=st.booleans(),
    untold=st.sampled_from([0.0, 0.1]),
    parts=st.integers(1, 5),
    fill=st.booleans(),
    options=OPTIONS,
)
@pytest.mark.filterwarnings("ignore:.*have no wait_s:ccstats.errors.DataWarning")
def test_any_split_merged_equals_the_whole(night, seed, rows, extras, untold, parts, fill, options):
    zone, middle = noon(night)
    contacts = random_contacts(seed, rows, middle, extras=extras, untold=untold)
    part_of = np.random.default_rng(seed).integers(0, parts, rows)
    pieces = [contacts[part_of == part] for part in range(parts)]
    whole = cc.to_intervals(contacts, timezone=zone, **options)
    merged = cc.merge_intervals([cc.to_intervals(piece, timezone=zone, fill=fill, **options) for piece in pieces])
    if len(whole) and whole["interval_s"].max() == pd.Timedelta(options["every"]).total_seconds():
        pd.testing.assert_frame_equal(merged, whole)
        for filled in (True, False):
            expected = cc.to_intervals(contacts, timezone=zone, fill=filled, **options)
            pd.testing.assert_frame_equal(cc.to_intervals(Partitions(pieces), timezone=zone, fill=filled, **options), expected)


@pytest.mark.parametrize("night", FEW_NIGHTS)
@settings(max_examples=EXAMPLES, deadline=None)
@given(seed=st.integers(0, 10**6), options=OPTIONS)
def test_shuffling_the_rows_changes_nothing(night, seed, options):
    zone, middle = noon(night)
    contacts = random_contacts(seed, 60, middle, extras=True)
    shuffled = contacts.iloc[np.random.default_rng(seed).permutation(len(contacts))]
    expected = cc.to_intervals(contacts, timezone=zone, **options)
    pd.testing.assert_frame_equal(cc.to_intervals(shuffled, timezone=zone, **options), expected)


@pytest.mark.parametrize("night", NIGHTS)
@pytest.mark.parametrize("attribute_by", ["queued", "event"])
def test_quarters_add_up_to_half_hours(night, attribute_by):
    zone, middle = noon(night)
    contacts = random_contacts(11, 2000, middle, extras=True)
    quarters, halves = (
        cc.to_intervals(contacts, every=every, timezone=zone, threshold_s=20, attribute_by=attribute_by, wait_histogram=[30])
        for every in ("15min", "30min")
    )
    quarters["pair"] = [halves["interval_start"][halves["interval_start"] <= each].max() for each in quarters["interval_start"]]
    names = [name for name in halves.columns[7:] if name != "max_wait_s"]
    added = quarters.groupby(["queue", "pair"], observed=True)[names].sum(min_count=0).reset_index(drop=True)
    for name in names:
        known = halves[name].notna()
        assert added[name][known].tolist() == pytest.approx(halves[name][known].tolist(), rel=1e-12), name


def test_threads_and_one_thread_agree():
    """Enough contacts for two threads, against the same contacts in pieces that need none."""
    rows = 200_001
    rng = np.random.default_rng(1)
    contacts = visits(("10:00", 5, "answered")).take(np.zeros(rows, dtype="int64")).reset_index(drop=True)
    contacts["queue"] = pd.Categorical.from_codes(rng.integers(0, 7, rows), [f"q{place}" for place in range(7)])
    contacts["queued_at"] += pd.to_timedelta(rng.integers(0, 30 * 86_400, rows), unit="s")
    contacts["wait_s"] = rng.exponential(20, rows)
    whole = cc.to_intervals(contacts, threshold_s=20)
    pieces = [cc.to_intervals(contacts[start : start + 60_000], threshold_s=20, fill=False) for start in range(0, rows, 60_000)]
    pd.testing.assert_frame_equal(cc.merge_intervals(pieces), whole)
    assert whole["offered"].sum() == rows


# ---------------------------------------------------------------------------------------------------------------------- merging


def test_filled_rows_take_the_threshold_of_their_neighbours():
    """A threshold that changed on the way: gaps keep the one before."""
    june, july = visits(("10:00", 5, "answered")), visits(("12:00", 5, "answered"))
    july["queued_at"] += pd.Timedelta("2h")
    merged = cc.merge_intervals([cc.to_intervals(june, every="1h", threshold_s=20), cc.to_intervals(july, every="1h", threshold_s=30)])
    assert merged["threshold_s"].tolist() == [20, 20, 20, 20, 30]
    assert merged["answered_within"].tolist() == [1, 0, 0, 0, 1]


def test_what_only_one_part_knows_is_missing_where_the_other_has_contacts():
    plainly, fully = visits(("10:00", 5, "answered")), visits(("10:40", 5, "answered"))
    fully["transferred_to"] = pd.Categorical(["billing"])
    fully["arrived_at"] = fully["queued_at"]
    merged = cc.merge_intervals([cc.to_intervals(plainly, wait_histogram=[10]), cc.to_intervals(fully, wait_histogram=[20])])
    assert merged["transferred"].tolist() == [pd.NA, 1]
    assert merged["arrival_known"].tolist() == [pd.NA, 1]
    assert merged["answered_within_10s"].tolist() == [1, pd.NA]
    assert merged["answered_within_20s"].tolist() == [pd.NA, 1]
    together = cc.roll_up(merged).iloc[0]
    assert together["transferred"] is pd.NA
    assert together["arrival_known"] == 1


def of_another_system(at: str, **missing: Any) -> pd.DataFrame:
    """A table that some system exported: an answered and an abandoned visit, without some of the measures."""
    return cc.to_intervals(visits((at, 5, "answered"), (at, 8, "abandoned")), threshold_s=20).assign(**missing)


@pytest.mark.parametrize(
    "name", ["total_wait_s", "total_abandon_wait_s", "max_wait_s", "blocked", "ivr_abandoned", "answered_within", "held"]
)
def test_what_one_part_does_not_tell_is_not_added_as_nothing(name):
    known, nothing = of_another_system("10:00", hold_known=1, total_hold_s=4.0, held=1), pd.Series([pd.NA], dtype="Int64")
    told = known[name].iloc[0]
    untold = of_another_system(
        "10:40", hold_known=1, total_hold_s=4.0, **({"held": 1} | {name: np.nan if name.endswith("_s") else nothing})
    )
    merged = cc.merge_intervals([known, untold])
    assert merged[name].isna().tolist() == [False, True]
    assert merged[name].iloc[0] == told
    assert cc.roll_up(merged)[name].isna().tolist() == [True]
    ratios = {"total_wait_s": "asa_s", "total_abandon_wait_s": "mean_abandon_s", "blocked": "blocked_rate", "held": "hold_rate"}
    if name in ratios:
        assert cc.measure_service(merged)[ratios[name]].isna().tolist() == [True]
        assert cc.measure_service(known)[ratios[name]].notna().all()


def test_a_part_in_which_nothing_happened_tells_by_that():
    quiet = of_another_system("10:00").assign(**{name: 0 for name in ("offered", "answered", "abandoned", "talk_known", "answered_within")})
    quiet = quiet.assign(total_wait_s=np.nan, total_abandon_wait_s=np.nan, max_wait_s=np.nan)
    merged = cc.merge_intervals([quiet, of_another_system("10:40")])
    assert merged["total_wait_s"].tolist() == [0, 5]
    assert cc.roll_up(merged)[["total_wait_s", "total_abandon_wait_s", "max_wait_s"]].to_numpy().tolist() == [[5, 8, 8]]


def test_queues_booked_in_several_ways_are_measured_apart_and_never_added():
    joined, ended = visits(("10:20", 5, "answered")), visits(("10:29", 5, "answered"))
    ended["queue"] = pd.Categorical(["support"])
    parts = [cc.to_intervals(joined), cc.to_intervals(ended, attribute_by="ended")]
    both = pd.concat(parts, ignore_index=True).astype({"queue": "category"})
    found = cc.measure_service(both, by="queue")
    assert found[["queue", "attribute_by", "answer_rate"]].to_numpy().tolist() == [["sales", "queued", 1.0], ["support", "ended", 1.0]]
    said = r"booked in several ways \(attribute_by: ended, queued\): 'ended': 1 queue \(support\); 'queued': 1 queue \(sales\)"
    for refused in (lambda: cc.measure_service(both), lambda: cc.roll_up(both, period="day"), lambda: cc.merge_intervals(parts)):
        with pytest.raises(TableError, match=said) as caught:
            refused()
        assert "measure by='queue'" in str(caught.value)
        assert "attribute_by=" in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        ({"threshold_s": 20}, {"threshold_s": 30}, r"queue 'sales', interval 2026-06-01 10:00.* different threshold_s"),
        ({"threshold_s": 20}, {}, "different threshold_s"),
        ({"short_s": 5}, {"short_s": 6}, "different short_s"),
        ({"attribute_by": "left"}, {}, r"booked in several ways \(attribute_by: left, queued\)"),
        ({"timezone": "Europe/London"}, {}, r"cut in several zones \(timezone: Europe/London, UTC\)"),
        ({"every": "15min"}, {"every": "1h"}, "no interval of 3600 s cut in UTC"),
        ({"by": "channel"}, {}, r"counted by different columns: \['channel'\] and \[\]"),
    ],
)
def test_tables_that_do_not_fit_are_not_added(one, other, text):
    contacts = visits(("10:00", 5, "answered"))
    with pytest.raises(TableError, match=text):
        cc.merge_intervals([cc.to_intervals(contacts, **one), cc.to_intervals(contacts, **other)])


def test_nothing_merged_is_an_empty_table():
    INTERVALS.check(cc.merge_intervals([]))
    with pytest.raises(TableError, match="column 'offered' is missing"):
        cc.merge_intervals([cc.to_intervals(visits()).drop(columns="offered")])


# ---------------------------------------------------------------------------------------------------------------------- rolling up


def test_ninety_percent_of_ten_and_a_quarter_of_four_hundred():
    few = visits(*[("10:00", 5, "answered")] * 9, ("10:00", 50, "answered"))
    many = visits(*[("11:00", 5, "answered")] * 100, *[("11:00", 50, "answered")] * 300)
    table = cc.to_intervals(pd.concat([few, many], ignore_index=True), threshold_s=20)
    row = cc.roll_up(table).iloc[0]
    assert row["answered_within"] / row["offered"] == pytest.approx(0.266, abs=0.0005)


def test_periods_are_local():
    late = visits(("10:00", 5, "answered"))
    late["queued_at"] = pd.to_datetime(["2026-06-30 23:30"], utc=True).as_unit("us")
    london = cc.roll_up(cc.to_intervals(late, timezone="Europe/London"), period="month")
    assert london["period_start"][0] == pd.Timestamp("2026-07-01", tz="Europe/London")
    assert str(london["period_start"].dt.tz) == "Europe/London"
    elsewhere = cc.roll_up(cc.to_intervals(late, timezone="Europe/London"), period="month", timezone="UTC")
    assert elsewhere["period_start"][0] == pd.Timestamp("2026-06-01", tz="UTC")


def roll_by_loop(table: pd.DataFrame, by: list[str], period: str | None, zone: str) -> dict[tuple, dict]:
    """Sums per group, row by row."""
    groups: dict[tuple, list[dict]] = {}
    for row in table.to_dict("records"):
        local = row["interval_start"].tz_convert(zone)
        label = {None: (), "interval": (local,), "weekday": (WEEKDAYS.index(local.day_name()),), "slot": (local.strftime("%H:%M"),)}.get(
            period
        )
        if label is None:
            label = (period_start([local], period=period, timezone=zone)[0],)
        groups.setdefault((*((pd.isna(row[name]), row[name]) for name in by), *label), []).append(row)
    found = {}
    for key in sorted(
        groups, key=lambda key: tuple((each[0], "" if each[0] else each[1]) if isinstance(each, tuple) else each for each in key)
    ):
        rows = groups[key]
        sums = {}
        booked = [row for row in rows if row["offered"] or any(row[name] for name in COUNTED_AS)]
        left = [row for row in rows if any(row[name] for name in COUNTED_AS)]
        for name in INTERVALS.names()[7:]:
            if name not in table:
                continue
            values = [row[name] for row in rows if not pd.isna(row[name])]
            sums[name] = max(values, default=None) if name == "max_wait_s" else sum(round(value * 1e6) for value in values) / 1e6
        for part in ("talk", "hold", "wrap"):
            if sums["answered"] and not sums[f"{part}_known"]:
                sums[f"total_{part}_s"] = None
        if sums["answered"] and not sums["hold_known"]:
            sums["held"] = None
        for name in THRESHOLD_COUNTS:
            if any(pd.isna(row[name]) for row in booked) or all(pd.isna(row[name]) for row in rows):
                sums[name] = None
        for name in ("ring_attempts", "ring_noanswer", "arrival_known"):
            if name in sums and left and all(pd.isna(row[name]) for row in left):
                sums[name] = None
        if "total_to_agent_s" in sums and sums["answered"] and not sums["arrival_known"]:
            sums["total_to_agent_s"] = None
        for name in ("threshold_s", "short_s"):
            values = {None if pd.isna(row[name]) else row[name] for row in rows}
            sums[name] = values.pop() if len(values) == 1 else None
        found[key] = sums
    return found


@pytest.mark.parametrize("night", FEW_NIGHTS)
@settings(max_examples=EXAMPLES, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    by=st.sampled_from([[], ["queue"], ["queue", "channel"], ["channel"]]),
    period=st.sampled_from([None, "interval", "hour", "day", "week", "month", "weekday", "slot"]),
    extras=st.booleans(),
    options=OPTIONS,
)
def test_rolling_up_agrees_with_a_plain_loop(night, seed, by, period, extras, options):
    zone, middle = noon(night)
    contacts = random_contacts(seed, 25, middle, extras=extras, days=1)
    options |= {"every": "1h", "by": "channel"}
    table = cc.to_intervals(contacts, timezone=zone, **options)
    found = cc.roll_up(table, by=by, period=period)
    expected = roll_by_loop(table, by, period, zone)
    columns = plain(found)
    label = {None: [], "weekday": ["weekday"], "slot": ["slot"]}.get(period, ["period_start"])
    assert list(found.columns[: len(by) + len(label)]) == [*by, *label]
    shown = [tuple(None if each[0] else each[1] for each in key[: len(by)]) for key in expected]
    assert list(zip(*(columns[name] for name in by), strict=True)) == (shown if by else [])
    if label:
        last = [WEEKDAYS[key[-1]] if period == "weekday" else key[-1] for key in expected]
        assert columns[label[0]] == last
    for name in (*INTERVALS.names()[4:6], *INTERVALS.names()[7:]):
        if name in found:
            assert columns[name] == [sums[name] for sums in expected.values()], name
    if period in PERIODS and len(found):
        assert str(found["period_start"].dt.tz) == zone


def test_queues_with_different_thresholds_add_up_and_lose_the_threshold():
    contacts = pd.concat([visits(("10:00", 15, "answered")), visits(("10:00", 15, "answered"), queue="billing")], ignore_index=True)
    contacts["queue"] = contacts["queue"].astype("category")
    row = cc.roll_up(cc.to_intervals(contacts, threshold_s={"sales": 20, "billing": 10})).iloc[0]
    assert (row["answered_within"], row["offered"]) == (1, 2)
    assert np.isnan(row["threshold_s"])
    partly = cc.roll_up(cc.to_intervals(contacts, threshold_s={"sales": 20})).iloc[0]
    assert partly["answered_within"] is pd.NA


def test_a_period_that_begins_inside_an_interval_is_refused_by_name():
    table = cc.to_intervals(visits(("10:00", 5, "answered"), ("23:50", 5, "answered")), every="30min", timezone="Europe/London")
    with pytest.raises(
        ZoneError, match=r"a day of Asia/Kathmandu begins inside the interval of 1800 s from 2026-06-01 19:00.* in Europe/London"
    ):
        cc.roll_up(table, period="day", timezone="Asia/Kathmandu")
    quarters = cc.to_intervals(visits(("10:00", 5, "answered"), ("23:50", 5, "answered")), every="15min", timezone="Europe/London")
    assert len(cc.roll_up(quarters, period="day", timezone="Asia/Kathmandu")) == 2
    with pytest.raises(OptionError, match="period='hour' is shorter than the intervals"):
        cc.roll_up(cc.to_intervals(visits(("10:00", 5, "answered")), every="1D"), period="hour")


def test_roll_up_says_what_it_does_not_know():
    table = cc.to_intervals(visits(("10:00", 5, "answered")))
    with pytest.raises(ColumnError, match="by='queu' is no column of intervals; it has: .* Did you mean queue"):
        cc.roll_up(table, by="queu")
    with pytest.raises(OptionError, match="period='decade' is not known"):
        cc.roll_up(table, period="decade")
    with pytest.raises(TableError, match="booked in several ways"):
        cc.roll_up(pd.concat([table, cc.to_intervals(visits(("10:00", 5, "answered")), attribute_by="left")], ignore_index=True))
    both = pd.concat([table, cc.to_intervals(visits(("10:00", 5, "answered")), timezone="Europe/London")], ignore_index=True)
    both["timezone"] = both["timezone"].astype("category")
    with pytest.raises(ZoneError, match="cut in several zones"):
        cc.roll_up(both, period="day")
    assert cc.roll_up(both, period="day", timezone="UTC")["offered"].tolist() == [2]


def test_contacts_without_a_known_wait_are_counted_and_in_no_average():
    contacts = visits(("10:00", 5, "answered"), ("10:01", np.nan, "answered"), ("11:00", 5, "answered"), ("11:01", np.nan, "open"))
    with pytest.warns(DataWarning, match="1 contacts left the queue and have no wait_s") as told:
        table = cc.to_intervals(contacts, every="1h", threshold_s=20)
    assert table[["offered", "answered", "answered_within", "reached_threshold", "open"]].to_numpy().tolist() == [
        [2, 2, 1, 0, 0],
        [2, 1, 1, 0, 1],
    ]
    assert told[0].filename == __file__
    for name in ("total_wait_s", "max_wait_s"):
        assert table[name].fillna(-1).tolist() == [-1.0, 5.0]
    service = cc.measure_service(table, by=["queue"])
    assert service["service_level"].tolist() == [2 / 3]
    assert service["asa_s"].isna().all()


def test_the_wait_of_the_open_is_in_no_figure_but_the_longest():
    contacts = visits(("10:00", 5, "answered"), ("10:01", np.nan, "open"), ("10:02", 90, "open"))
    table = cc.to_intervals(contacts, threshold_s=20)
    assert table[["total_wait_s", "max_wait_s", "reached_threshold"]].to_numpy().tolist() == [[5.0, 90.0, 1]]


# ---------------------------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"wait_s": [-1.0, 5.0]}, r"column 'wait_s' is negative \(row 0"),
        ({"talk_s": [60.0, -2.0]}, r"column 'talk_s' is negative \(row 1"),
        ({"hold_s": [60.0, np.inf]}, "column 'hold_s' is infinite"),
        ({"wrap_s": [60.0, 2e10]}, "last longer than 1e10 seconds"),
        ({"queued_at": pd.to_datetime([None, "2026-06-01"], utc=True).as_unit("us")}, "have no queued_at"),
        ({"outcome": pd.Categorical(["answered", None])}, "column 'outcome' has missing values"),
        ({"outcome": pd.Categorical(["answered", "vanished"])}, "outside its vocabulary"),
        ({"queue": pd.Categorical(["sales", None])}, "column 'queue' has missing values"),
        ({"queue": ["sales", "sales"]}, "column 'queue' is str, expected category"),
        ({"wait_s": ["5", "6"]}, "column 'wait_s' is str, expected float64"),
        ({"queued_at": pd.to_datetime(["2026-06-01"] * 2)}, "expected datetime64"),
    ],
)
def test_contacts_that_cannot_be_counted_are_named(change, text):
    contacts = visits(("10:00", 5, "answered"), ("10:01", 5, "answered")).assign(**change)
    with pytest.raises(TableError, match=text):
        cc.to_intervals(contacts)


def test_blocked_contacts_without_any_instant_are_named():
    contacts = visits(("10:00", 5, "blocked_full"))
    contacts["queued_at"] = pd.DatetimeIndex([None], tz="UTC")
    with pytest.raises(TableError, match="neither arrived_at nor queued_at"):
        cc.to_intervals(contacts)


def test_missing_columns_are_named_all_at_once():
    with pytest.raises(TableError, match=r"2 problems(.|\n)*'wait_s' is missing(.|\n)*'wrap_s' is missing"):
        cc.to_intervals(visits(("10:00", 5, "answered")).drop(columns=["wait_s", "wrap_s"]))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"attribute_by": "answered"}, OptionError, "attribute_by='answered' is not known; choose one of: queued, left, ended, event"),
        ({"clock": "wall"}, OptionError, "clock='wall' is not known"),
        ({"clock": "arrived"}, OptionError, "needs the column 'arrived_at'"),
        ({"every": "7min"}, OptionError, "divides a day"),
        ({"timezone": "Mars"}, ZoneError, "no zone of the IANA database"),
        ({"threshold_s": -1}, OptionError, "threshold_s=-1 is no number of seconds"),
        ({"threshold_s": "20"}, OptionError, "threshold_s='20' is no number"),
        ({"threshold_s": {"sales": float("nan")}}, OptionError, r"threshold_s\['sales'\]=nan"),
        ({"short_s": True}, OptionError, "short_s=True"),
        ({"by": "chanel"}, ColumnError, "by='chanel' is no column of contacts; it has: .* Did you mean channel"),
        ({"by": ["wait_s", "queue", "nothing like it"]}, ColumnError, "it has: contact_id"),
        ({"wait_histogram": 20}, OptionError, "no list of seconds"),
        ({"wait_histogram": [-5]}, OptionError, "wait_histogram: -5"),
        ({"wait_histogram": [20, 20.0000001]}, OptionError, "differ by less"),
    ],
)
def test_options_that_are_not_known_are_refused(options, error, text):
    with pytest.raises(error, match=text):
        cc.to_intervals(visits(("10:00", 5, "answered")), **options)


def test_a_column_of_contacts_that_intervals_have_too_is_no_group():
    contacts = visits(("10:00", 5, "answered")).assign(open=pd.Categorical(["yes"]))
    with pytest.raises(OptionError, match="by='open' has a meaning of its own"):
        cc.to_intervals(contacts, by="open")


def test_a_wrong_date_does_not_fill_the_memory(monkeypatch):
    contacts = visits(("10:00", 5, "answered"), ("10:01", 5, "answered"))
    contacts["queued_at"] = pd.DatetimeIndex(np.array(["0500-01-01", "2026-06-01"], dtype="datetime64[us]"), tz="UTC")
    with pytest.raises(OptionError, match=r"intervals of 60 s from 0500-01-01 .* are too many"):
        cc.to_intervals(contacts, every="1min", fill=False)
    assert len(cc.to_intervals(contacts, every="1D", fill=False)) == 2
    monkeypatch.setattr("ccstats.intervals.cells._MOST_ROWS", 500_000)
    with pytest.raises(OptionError, match=r"fill=True would make 557,512 rows: 1 groups"):
        cc.to_intervals(contacts, every="1D")


def test_what_is_no_table_is_refused():
    with pytest.raises(TableError, match="found builtins.list"):
        cc.to_intervals([1, 2, 3])
