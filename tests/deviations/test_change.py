"""Period against period: matched by weekday and time, weighted by contacts, and exact in sum."""

from __future__ import annotations

import os
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from cause_cases import Row, intervals_of, staff_of
from hypothesis import given, settings
from hypothesis import strategies as st

import ccstats as cc
from ccstats.deviations.wording import describe_causes
from ccstats.errors import DataWarning, OptionError, TableError

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
#: Half-hours of a week.
WEEK = 7 * 48
INNER = ["volume", "handle_time", "agents"]


def both(before: list[Row], after: list[Row], **asked: object) -> pd.DataFrame:
    """The numbers after the commas are those that count: `Row` has a planned side that is not looked at."""
    tables = (intervals_of(before), intervals_of(after), staff_of(before), staff_of(after))
    return cc.explain_change(*tables, **{"replications": 0, "patience_s": 150.0, **asked})


def row(offered: int, aht_s: float, agents: float, *, slot: int = 0, queue: str = "sales", within: int | None = None) -> Row:
    return Row((0.0, offered), (0.0, aht_s), (0.0, agents), queue=queue, slot=slot, within=within)


LAST = [row(30, 180, 5, within=25), row(45, 200, 7, slot=1, within=40), row(20, 300, 5, queue="support", within=17)]
THIS = [
    row(38, 190, 5, slot=WEEK, within=20),
    row(44, 180, 6, slot=WEEK + 1, within=39),
    row(40, 330, 6, slot=WEEK, queue="support", within=10),
]


def level(calls: float, aht: float, agents: float, patience: float = 150.0) -> float:
    return float(cc.erlang.service_level(agents, calls * aht / 1800, aht_s=aht, threshold_s=20, patience_s=patience))


def test_is_the_loop_over_all_orders() -> None:
    why = both(LAST, THIS, by=()).set_index("driver")
    numbers = [[(each.offered[1], each.aht_s[1], each.agents[1]) for each in side] for side in (LAST, THIS)]
    came = [sum(each.offered[1] for each in side) for side in (LAST, THIS)]

    def value(have: frozenset[int]) -> float:
        return sum(
            after[0] / came[1] * level(*(after[k] if k in have else before[k] for k in range(3)))
            for before, after in zip(*numbers, strict=True)
        )

    mean = dict.fromkeys(range(3), 0.0)
    for order in permutations(range(3)):
        for place, driver in enumerate(order):
            mean[driver] += (value(frozenset(order[: place + 1])) - value(frozenset(order[:place]))) / 6
    for number, driver in enumerate(INNER):
        assert why.loc[driver, "contribution"] == pytest.approx(mean[number], abs=1e-9)
    modelled = sum(each[0] / came[0] * level(*each) for each in numbers[0])
    assert why.loc["mix", "contribution"] == pytest.approx(value(frozenset()) - modelled, abs=1e-9)
    assert why["service_level_before"].iloc[0] == pytest.approx(82 / 95)
    assert why["service_level"].iloc[0] == pytest.approx(69 / 122)
    assert why["service_level_before"].iloc[0] + why["contribution"].sum() == pytest.approx(69 / 122, abs=1e-12)
    off = 69 / 122 - value(frozenset(range(3))) - (82 / 95 - modelled)
    assert why.loc["residual", "contribution"] == pytest.approx(off, abs=1e-9)
    assert why.loc["agents", ["before", "after"]].tolist() == pytest.approx([17 / 3, 17 / 3])


sides = st.lists(st.tuples(st.integers(0, 80), st.floats(30, 500), st.one_of(st.just(0.0), st.floats(0.5, 20))), min_size=1, max_size=4)


@given(before=sides, after=sides, by=st.sampled_from(["queue", ()]), model=st.sampled_from(["erlang_a", "erlang_c", "transient"]))
@settings(max_examples=max(int(500 * EXAM), 12), deadline=None)
def test_adds_up(before: list[tuple], after: list[tuple], by: object, model: str) -> None:
    made = [
        [row(max(each[0], 1), *each[1:], slot=slot // 2 + week, queue=("sales", "support")[slot % 2]) for slot, each in enumerate(side)]
        for side, week in ((before, 0), (after, WEEK))
    ]
    made = [[*side[:-1], side[-1]._replace(agents=(0.0, side[-1].agents[1] + 1))] for side in made]
    cut = min(map(len, made))
    made = [side[:cut] for side in made]
    made[0][0], made[1][0] = (each._replace(agents=(0.0, each.agents[1] + 1)) for each in (made[0][0], made[1][0]))
    why = both(*made, by=by, model=model)
    for _, part in why.groupby("queue", observed=True) if by else [("all", why)]:
        total = part["service_level_before"].iloc[0] + part["contribution"].sum()
        assert total == pytest.approx(part["service_level"].iloc[0], abs=1e-12)


def test_the_same_twice_has_no_causes() -> None:
    again = [each._replace(slot=each.slot + WEEK) for each in LAST]
    why = both(LAST, again)
    np.testing.assert_allclose(why["contribution"], 0, atol=1e-12)
    assert (why["agents"].dropna() == 0).all()


def test_only_the_mix_has_changed() -> None:
    twice = [each._replace(slot=each.slot + WEEK) for each in LAST if each.queue == "sales"] * 1
    # Three weeks of support's Monday at eight against one: the same per interval, other weights.
    support = [LAST[2]._replace(slot=WEEK * turn) for turn in (1, 2, 3)]
    why = both(LAST, [*twice, *support], by=()).set_index("driver")
    np.testing.assert_allclose(why.loc[INNER, "contribution"], 0, atol=1e-12)
    expected = [level(30, 180, 5), level(45, 200, 7), level(20, 300, 5)]
    shift = np.average(expected, weights=[30, 45, 60]) - np.average(expected, weights=[30, 45, 20])
    assert why.loc["mix", "contribution"] == pytest.approx(shift, abs=1e-9)


def test_weeks_are_averaged() -> None:
    weeks = [row(30, 180, 5, slot=0), row(50, 240, 7, slot=WEEK)]
    why = both(weeks, [row(44, 200, 6, slot=2 * WEEK)]).set_index("driver")
    assert why.loc["volume", "before"] == 40
    assert why.loc["agents", "before"] == pytest.approx(6)
    assert why.loc["handle_time", "before"] == pytest.approx((30 * 180 + 50 * 240) / 80)
    assert why.loc["volume", "after"] == 44


def test_patience_is_a_driver_where_it_is_estimated() -> None:
    tables = [intervals_of(LAST), intervals_of(THIS)]
    tables = [
        table.assign(abandoned=4, total_abandon_wait_s=wait, total_wait_s=100.0) for table, wait in zip(tables, (500.0, 100.0), strict=True)
    ]
    asked = (*tables, staff_of(LAST), staff_of(THIS))
    why = cc.explain_change(*asked, replications=0, by=()).set_index("driver")
    assert why.index.tolist() == ["mix", *INNER, "patience", "residual"]
    assert why.loc["patience", ["before", "after"]].tolist() == pytest.approx([150.0, 50.0])
    assert why.loc["patience", "contribution"] != 0
    assert "patience" not in cc.explain_change(*asked, replications=0, patience_s=100.0)["driver"].tolist()
    assert "patience" not in cc.explain_change(*asked, replications=0, model="erlang_c")["driver"].tolist()


def test_matching_by_time_of_day() -> None:
    tuesday = [each._replace(slot=each.slot + 48) for each in LAST]
    with pytest.raises(TableError, match="match='slot'"):
        both(LAST, tuesday)
    why = both(LAST, tuesday, match="slot")
    np.testing.assert_allclose(why["contribution"], 0, atol=1e-12)
    slots = both(LAST, tuesday, match="slot", period="slot")
    assert slots.groupby("queue", observed=True)["slot"].nunique().tolist() == [2, 1]
    with pytest.raises(OptionError, match="match='weekday'"):
        both(LAST, tuesday, match="slot", period="weekday")


def test_days_of_the_week() -> None:
    before = [*LAST[:2], row(33, 200, 5, slot=48, within=20)]
    after = [*THIS[:2], row(35, 200, 4, slot=WEEK + 48, within=10)]
    why = both(before, after, period="weekday")
    assert why["weekday"].astype("str").drop_duplicates().tolist() == ["Monday", "Tuesday"]
    tuesday = why[why["weekday"] == "Tuesday"].set_index("driver")
    assert tuesday["service_level"].iloc[0] == pytest.approx(10 / 35)
    assert tuesday["contribution"].sum() == pytest.approx(10 / 35 - 20 / 33)


def test_what_cannot_be_compared_is_counted() -> None:
    extra = [*THIS, row(22, 200, 5, slot=WEEK + 5)]
    with pytest.warns(DataWarning, match="22 after"):
        why = both(LAST, extra, by=())
    assert why["unexplained"].iloc[0] == pytest.approx(22 / 144)
    assert why["counted"].iloc[0] == 122


def test_without_agents_the_mix_alone_is_told() -> None:
    why = cc.explain_change(intervals_of(LAST), intervals_of(THIS), by=()).set_index("driver")
    levels, weights = [25 / 30, 40 / 45, 17 / 20], [38, 44, 40]
    mix = np.average(levels, weights=weights) - 82 / 95
    assert why.index.tolist() == ["mix", "residual"]
    assert why.loc["mix", "contribution"] == pytest.approx(mix)
    assert why["contribution"].sum() == pytest.approx(69 / 122 - 82 / 95)
    assert "infer_agents" in why["note"].iloc[0]
    full = both(LAST, THIS, by=())
    assert list(why.reset_index().columns.sort_values()) == list(full.columns.sort_values())
    with pytest.raises(OptionError, match="both, or of neither"):
        cc.explain_change(intervals_of(LAST), intervals_of(THIS), staff_of(LAST))


def test_spread_of_the_residual() -> None:
    why = both(LAST, THIS, replications=60, by=(), seed=3).iloc[-1]
    assert why["residual_low"] < 0 < why["residual_high"]
    assert why["noise"] == (why["residual_low"] <= why["contribution"] <= why["residual_high"])
    assert both(LAST, THIS, replications=60, by=(), seed=3)["residual_low"].iloc[-1] == why["residual_low"]


def test_in_words() -> None:
    words = describe_causes(both(LAST, THIS, by=(), replications=40))["words"][0]
    assert words.startswith("30 points below before, 53 calls late: ")


def test_agents_without_queue_serve_the_only_one() -> None:
    one = [LAST[:2], THIS[:2]]
    tables = [intervals_of(side) for side in one] + [staff_of(side).drop(columns="queue") for side in one]
    plain = cc.explain_change(*tables, replications=0, patience_s=150.0)
    pd.testing.assert_frame_equal(plain, both(*one))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"model": "erlangc"}, "Did you mean erlang_c"),
        ({"match": "weekdays"}, "Did you mean weekday"),
        ({"period": "day"}, "period='day'"),
        ({"by": "x"}, "by='x'"),
    ],
)
def test_bad_options(asked: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        both(LAST, THIS, **asked)


def test_tables_that_do_not_fit() -> None:
    before, after = intervals_of(LAST), intervals_of(THIS)
    for changed, said in (
        (after.assign(threshold_s=30.0), "threshold_s"),
        (after.assign(timezone=pd.Categorical(["Europe/London"] * 3)), "timezone"),
        (after.assign(interval_s=900.0), "lengths"),
        (after.assign(queue=pd.Categorical(["other"] * 3)), "no queue in common"),
        (after[:0], "no rows"),
    ):
        with pytest.raises(TableError, match=said):
            cc.explain_change(before, changed, staff_of(LAST), staff_of(THIS))


def test_agents_must_have_rows() -> None:
    with pytest.raises(TableError, match="agent_intervals of one of the periods has no rows"):
        cc.explain_change(intervals_of(LAST), intervals_of(THIS), staff_of(LAST), staff_of(THIS)[:0])


def test_intervals_there_twice_are_refused() -> None:
    before, after = intervals_of(LAST), intervals_of(THIS)
    with pytest.raises(TableError, match="is there twice"):
        cc.explain_change(before, pd.concat([after, after]))
