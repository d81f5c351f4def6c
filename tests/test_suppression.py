"""No small cell comes back by subtraction: an attacker with every printed row and a linear programme tries, on any table."""

from __future__ import annotations

import itertools
import os
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

import ccstats as cc
from ccstats.errors import ColumnError, OptionError, TableError
from ccstats.privacy import suppress_cells

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
ANY = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def cells(shape: tuple[int, ...], counts: list[int], *, absent: set[int] = frozenset()) -> pd.DataFrame:  # type: ignore[assignment]
    names = ["agent", "queue", "week"][: len(shape)]
    rows = [dict(zip(names, map(str, place), strict=True)) for place in itertools.product(*map(range, shape))]
    frame = pd.DataFrame(rows).assign(answered=counts)
    frame = frame[[at not in absent for at in range(len(frame))]].reset_index(drop=True)
    return frame.assign(talk_s=frame["answered"] * 180.0, aht_s=180.0)


class Attacker:
    """Knows which cells are in the table, every printed count, and that counts are not negative; written apart from the library."""

    def __init__(self, printed: pd.DataFrame, by: list[str], total: str = "all") -> None:
        keys = [tuple(None if value == total else value for value in row) for row in printed[by].itertuples(index=False)]
        self.unknown = [key for key in keys if None not in key]
        self.known: list[tuple[np.ndarray, float]] = []
        self.rows = {}
        for key, count in zip(keys, printed["answered"], strict=True):
            covers = np.array([all(a is None or a == b for a, b in zip(key, cell, strict=True)) for cell in self.unknown], dtype=float)
            self.rows[key] = covers
            if not pd.isna(count):
                self.known.append((covers, float(count)))

    def range_of(self, key: tuple[Any, ...], *, whole: bool = False) -> tuple[float, float]:
        matrix = np.array([row for row, _ in self.known]).reshape(-1, len(self.unknown))
        values = np.array([value for _, value in self.known])
        ends = []
        for sign in (1, -1):
            if whole:
                limits = [LinearConstraint(matrix, values, values)] if len(values) else []
                found = milp(sign * self.rows[key], constraints=limits, bounds=Bounds(0, 10_000), integrality=np.ones(len(self.unknown)))
            else:
                equal = {"A_eq": matrix, "b_eq": values} if len(values) else {}
                found = linprog(sign * self.rows[key], bounds=(0, 10_000), **equal)
            assert found.status == 0, found.message
            ends.append(sign * found.fun)
        return ends[0], ends[1]


def assert_protected(original: pd.DataFrame, made: pd.DataFrame, by: list[str], at_least: int, *, whole: bool = False) -> int:
    """Every small row, cell or sum, may be as large as one that is not small, and as small as it is."""
    attacker, small = Attacker(made, by), 0
    counts = original.set_index(by)["answered"].reindex([key if len(by) > 1 else key[0] for key in attacker.unknown]).to_numpy()
    truth = {key: covers @ counts for key, covers in attacker.rows.items()}
    for key, count in truth.items():
        if 0 < count < at_least:
            small += 1
            low, high = attacker.range_of(key, whole=whole)
            assert low <= count + 1e-6, (key, count, low, high)
            assert high >= at_least - 1e-6, (key, count, low, high)
    shown = made[~made["suppressed"]]
    assert not ((shown["answered"] > 0) & (shown["answered"] < at_least)).any()
    assert made.loc[made["suppressed"], [name for name in made if name not in (*by, "suppressed")]].isna().all().all()
    for row in shown.itertuples():
        key = tuple(None if getattr(row, name) == "all" else getattr(row, name) for name in by)
        assert row.answered == truth[key]
    return small


upto = [st.integers(1, most) for most in range(1, 9)]
sizes = st.tuples(upto[6]) | st.tuples(upto[4], upto[3]) | st.tuples(upto[2], upto[2], upto[2])
count = st.integers(0, 7) | st.integers(0, 60)


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, list[str]]:
    shape = draw(sizes)
    many = int(np.prod(shape))
    counts = draw(st.lists(count, min_size=many, max_size=many))
    absent = draw(st.sets(st.integers(0, many - 1), max_size=many // 3))
    return cells(shape, counts, absent=absent), ["agent", "queue", "week"][: len(shape)]


@settings(max_examples=max(80, int(4_000 * EXAM)), **ANY)
@given(made=tables(), at_least=st.sampled_from([2, 5, 10]))
def test_no_small_cell_comes_back_from_all_sums(made: tuple[pd.DataFrame, list[str]], at_least: int) -> None:
    table, by = made
    out = suppress_cells(table, count="answered", by=by, at_least=at_least)
    if len(table):
        levels = {tuple(value == "all" for value in row) for row in out[by].itertuples(index=False)}
        assert len(levels) == 2 ** len(by)
        assert_protected(table, out, by, at_least)


@settings(max_examples=max(40, int(1_000 * EXAM)), **ANY)
@given(made=tables(), data=st.data())
def test_no_small_cell_comes_back_from_some_sums(made: tuple[pd.DataFrame, list[str]], data: st.DataObject) -> None:
    table, by = made
    groups = [list(each) for size in range(len(by)) for each in itertools.combinations(by, size)]
    margins = data.draw(st.lists(st.sampled_from(groups), unique_by=tuple))
    if len(table):
        assert_protected(table, suppress_cells(table, count="answered", by=by, margins=margins), by, 5)


@settings(max_examples=max(30, int(1_000 * EXAM)), **ANY)
@given(made=tables())
def test_who_knows_that_counts_are_whole_learns_no_more(made: tuple[pd.DataFrame, list[str]]) -> None:
    table, by = made
    if len(table) and len(by) < 3:
        assert_protected(table, suppress_cells(table, count="answered", by=by), by, 5, whole=True)


def test_the_attacker_can_win() -> None:
    """Blanking small rows alone gives them back: the attacker of these tests is not blind."""
    table = cells((3, 3), [40, 3, 25, 30, 20, 10, 8, 9, 50])
    whole = suppress_cells(table, count="answered", by=["agent", "queue"], at_least=0)
    assert not whole["suppressed"].any()
    naive = whole.assign(answered=whole["answered"].mask(whole["answered"] < 5))
    assert Attacker(naive, ["agent", "queue"]).range_of(("0", "1")) == (3.0, 3.0)
    # A second cell in the row is not enough: the columns tell.
    pairs = naive.assign(answered=naive["answered"].mask(naive["agent"].eq("0") & naive["queue"].eq("0")))
    assert Attacker(pairs, ["agent", "queue"]).range_of(("0", "1")) == (
        3.0,
        3.0,
    )


def test_the_cheapest_cells_go() -> None:
    out = suppress_cells(cells((3, 3), [40, 3, 25, 30, 20, 10, 8, 9, 50]), count="answered", by=["agent", "queue"])
    gone = out.loc[out["suppressed"], ["agent", "queue"]].to_numpy().tolist()
    # By hand: the rectangle over 3 that loses least: 3 + 8 + 9 + 40 = 60 against 3 + 25 + 10 + 20 = 58, 3 + 30 + 40 + 20, 3 + 25 + 9 + 50.
    assert gone == [["0", "1"], ["0", "2"], ["1", "1"], ["1", "2"]]
    assert "all" not in out.loc[out["suppressed"], "agent"].tolist()


def test_several_small_cells_cover_each_other() -> None:
    out = suppress_cells(cells((4,), [40, 4, 4, 25]), count="answered", by="agent")
    assert out["suppressed"].tolist() == [False, True, True, False, False]
    # 1 + 1 stay below 5 whatever else: a third one goes.
    out = suppress_cells(cells((4,), [40, 1, 1, 25]), count="answered", by="agent")
    assert out["suppressed"].tolist() == [False, True, True, True, False]


def test_a_table_of_one_small_cell_loses_its_sum_too() -> None:
    out = suppress_cells(cells((1,), [3]), count="answered", by="agent")
    assert out["answered"].isna().all() and len(out) == 2  # noqa: PT018
    out = suppress_cells(cells((2,), [3, 0]), count="answered", by="agent")
    assert out["answered"].astype("float64").tolist()[1] == 0
    assert out["suppressed"].tolist() == [True, False, True]


def test_zeros_are_shown_unless_asked() -> None:
    table = cells((4,), [0, 0, 40, 60])
    assert not suppress_cells(table, count="answered", by="agent")["suppressed"].any()
    out = suppress_cells(table, count="answered", by="agent", zeros=True)
    assert out["suppressed"].tolist() == [True, True, True, False, False]


def test_sums_in_the_table_are_taken_for_what_they_are_and_checked() -> None:
    months = pd.to_datetime(["2025-03-01", "2025-04-01"]).tz_localize("Europe/Berlin")
    table = pd.DataFrame(
        {
            "queue": pd.Categorical(["sales", "vip", "all", "sales", "vip", "all"]),
            "period_start": months.repeat(3),
            "offered": [100, 2, 102, 80, 70, 150],
            "busy": [True, False, True, True, True, True],
            "asa_s": [10.0, 20.0, 10.2, 9.0, 9.0, 9.0],
            "note": ["a", "b", "c", "d", "e", "f"],
        }
    )
    before = table.copy()
    out = suppress_cells(table, count="offered", by=["queue", "period_start"], margins=False)
    assert out["suppressed"].tolist() == [True, True, False, False, False, False]
    assert out["note"].isna().tolist() == [True, True, False, False, False, False]
    assert str(out["busy"].dtype) == "boolean"
    assert out["period_start"].tolist() == table["period_start"].tolist()
    grand = suppress_cells(table, count="offered", by=["queue", "period_start"], keep=["note"])
    added = grand[6:]
    assert added["queue"].tolist() == ["sales", "vip", "all"]
    assert added["period_start"].isna().all()
    assert added["offered"].astype("float64").tolist()[2] == 252
    assert grand["note"].tolist()[:6] == list("abcdef")
    pd.testing.assert_frame_equal(table, before)
    with pytest.raises(TableError, match=r"row 2 \(queue=all, period_start=2025-03-01 .*\): offered is 99, but its cells add up to 102"):
        suppress_cells(table.assign(offered=[100, 2, 99, 80, 70, 150]), count="offered", by=["queue", "period_start"])
    with pytest.raises(TableError, match="for some of its groups only"):
        suppress_cells(table.drop(index=2), count="offered", by=["queue", "period_start"])


def test_groups_under_other_groups_and_words_that_are_missing() -> None:
    table = pd.DataFrame({"team": ["a", "a", "b", "b", None], "agent": ["1", "2", "3", "4", "5"], "answered": [50, 3, 40, 30, 20]})
    out = suppress_cells(table, count="answered", by=["team", "agent"], margins=[["team"], []])
    assert out.loc[out["suppressed"], "agent"].tolist() == ["1", "2"]
    assert len(out) == 5 + 3 + 1


def test_empty_tables_and_other_frames() -> None:
    empty = suppress_cells(cells((2,), [1, 2]).head(0), count="answered", by="agent")
    assert len(empty) == 0
    assert empty["suppressed"].dtype == bool
    arrow = pl.from_pandas(cells((3,), [40, 3, 25]))
    assert suppress_cells(arrow, count="answered", by="agent")["suppressed"].tolist() == [False, True, True, False]
    one = suppress_cells(pd.DataFrame({"answered": [3]}), count="answered", by=[])
    assert one["suppressed"].tolist() == [True]


@pytest.mark.parametrize(
    ("table", "options", "error", "told"),
    [
        ({}, {"count": "calls"}, ColumnError, "count='calls' is no column of the table"),
        ({}, {"by": "team"}, ColumnError, "by='team' is no column"),
        ({}, {"keep": ["team"]}, ColumnError, "keep='team' is no column"),
        ({}, {"keep": ["answered"]}, OptionError, "is in by= or keep= as well"),
        ({}, {"at_least": -1}, OptionError, "expected a whole number of cases"),
        ({}, {"at_least": 2.5}, OptionError, "expected a whole number of cases"),
        ({}, {"margins": [["team"]]}, OptionError, "margins: 'team' is not in by="),
        ({"answered": [1.0, np.nan, 3.0]}, {}, TableError, r"row 1 \(agent=1\) has nan; expected whole numbers"),
        ({"answered": [1, -2, 3]}, {}, TableError, "has -2; expected whole numbers"),
        ({"answered": [1.5, 2, 3]}, {}, TableError, "has 1.5; expected whole numbers"),
        ({"answered": ["1", "2", "3"]}, {}, TableError, "expected whole numbers of cases"),
        ({"agent": ["0", "0", "1"]}, {}, TableError, r"row 0 \(agent=0\) is there more than once"),
    ],
)
def test_what_cannot_be_suppressed_says_why(table: dict[str, Any], options: dict[str, Any], error: type[Exception], told: str) -> None:
    frame = cells((3,), [40, 3, 25]).assign(**table)
    with pytest.raises(error, match=told):
        suppress_cells(frame, **{"count": "answered", "by": "agent", **options})


def test_agents_become_numbers_that_tell_nothing_of_the_alphabet() -> None:
    names = [f"agent of name {letter}" for letter in "ABCDEFGHIJKL"]
    table = pd.DataFrame({"agent": pd.Categorical(names), "answered": range(12)})
    made = cc.anonymise_agents(table, key="k")
    assert made["agent"].astype("str").tolist() == [f"agent {at:02}" for at in range(1, 13)]
    assert sorted(made["answered"]) == list(range(12))
    assert made["answered"].tolist() != list(range(12))
    assert not set(names) & set(made["agent"].cat.categories)
    pd.testing.assert_frame_equal(made, cc.anonymise_agents(table.iloc[::-1], key="k"))
    assert cc.anonymise_agents(table, key="other")["answered"].tolist() != made["answered"].tolist()
    few = cc.anonymise_agents(table.head(2), key="k", among=names)
    in_all = dict(zip(made["answered"], made["agent"], strict=True))
    assert few["agent"].tolist() == [in_all[answered] for answered in few["answered"]]
    with_gap = cc.anonymise_agents(pd.DataFrame({"agent": ["Ada", None], "answered": [1, 2]}), key="k")
    assert with_gap["agent"].tolist() == ["agent 1", np.nan]
    assert cc.anonymise_agents(pl.from_pandas(with_gap.astype({"agent": "str"})), key="k")["answered"].tolist() == [1, 2]
    with pytest.raises(OptionError, match="among= lacks 11 of the 12 agents"):
        cc.anonymise_agents(table, key="k", among=names[:1])
    with pytest.raises(ColumnError, match="column='who' is no column"):
        cc.anonymise_agents(table, key="k", column="who")
