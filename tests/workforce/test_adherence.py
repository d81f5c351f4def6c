"""Was the schedule kept: published vectors, every kind of exception, and a loop over seconds as the oracle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import DataWarning, OptionError, TableError, ZoneError
from ccstats.schema import AGENT_STATES

NINE = pd.Timestamp("2024-03-01 09:00", tz="UTC")


def spans(rows: list[tuple], third: str) -> pd.DataFrame:
    """(agent, from [min], to [min], word) as a table."""
    frame = pd.DataFrame(rows, columns=["agent", "started_at", "ended_at", third])
    for name in ("started_at", "ended_at"):
        frame[name] = (NINE + pd.to_timedelta(frame[name] * 60, unit="s")).dt.as_unit("us")
    return frame


def planned(*rows: tuple) -> pd.DataFrame:
    return spans(list(rows), "activity")


def states(*rows: tuple) -> pd.DataFrame:
    """A word that is no state is the reason of a pause."""
    frame = spans(list(rows), "state")
    known = frame["state"].isin(AGENT_STATES["state"].vocabulary)
    frame["reason"] = frame["state"].where(~known)
    frame["state"] = frame["state"].where(known, "pause")
    return AGENT_STATES.conform(frame.assign(queue=None, contact_id=None, closed_by="event"))


COVERED = NINE - pd.Timedelta("2h"), NINE + pd.Timedelta("12h")


@pytest.mark.parametrize(("outside", "adherence"), [("ignore", 50 / 60), ("exception", 50 / 70)])
def test_ten_minutes_late_and_ten_minutes_longer(outside: str, adherence: float) -> None:
    """Genesys Cloud: conformance 1.0; adherence 0.8333, or 0.7143 where work outside the shift is an exception."""
    kept = cc.measure_adherence(planned(("Ada", 0, 60, "on_queue")), states(("Ada", 10, 70, "available")), outside=outside, covered=COVERED)
    assert kept["conformance"].tolist() == [1.0]
    assert kept["adherence"].tolist() == pytest.approx([adherence])
    assert kept["adherence"].round(4).tolist() == [0.8333 if outside == "ignore" else 0.7143]
    assert kept[["scheduled_s", "in_adherence_s", "exception_s", "outside_s"]].values.tolist() == [[3600, 3000, 600, 600]]


DAY = planned(("Ada", 0, 120, "on_queue"), ("Ada", 120, 150, "break"), ("Ada", 150, 240, "on_queue"), ("Ada", 300, 360, "on_queue"))


def test_every_kind_of_exception() -> None:
    did = states(
        ("Ada", 5, 30, "available"), ("Ada", 30, 40, "coffee"), ("Ada", 40, 60, "on_contact"), ("Ada", 60, 63, "wrap"),
        ("Ada", 70, 125, "hold"), ("Ada", 125, 150, "lunch"), ("Ada", 150, 230, "available"), ("Ada", 245, 250, "reserved"),
    )  # fmt: skip
    found = cc.list_exceptions(DAY, did, covered=COVERED).sort_values("started_at")
    minutes = (found["started_at"] - NINE).dt.total_seconds() / 60
    rows = list(zip(minutes, found["seconds"] / 60, found["kind"], found["planned"].fillna("-"), found["actual"].fillna("-"), strict=True))
    assert rows == [
        (0, 5, "late", "on_queue", "-"),
        (30, 10, "off_queue", "on_queue", "coffee"),
        (63, 7, "away", "on_queue", "-"),
        (120, 5, "worked_through", "break", "on_queue"),
        (230, 10, "left_early", "on_queue", "-"),
        (245, 5, "outside", "-", "on_queue"),
        (300, 60, "absent", "on_queue", "-"),
    ]
    kept = cc.measure_adherence(DAY, did, covered=COVERED).iloc[0]
    assert kept["exception_s"] == 60 * (5 + 10 + 7 + 5 + 10 + 60)
    assert kept["scheduled_s"] == 60 * 300
    assert kept["adherence"] == pytest.approx(1 - 97 / 300)


def test_what_was_planned_or_just_the_time() -> None:
    did = states(("Ada", 0, 120, "available"), ("Ada", 120, 150, "mittag"), ("Ada", 150, 360, "available"))
    plan = DAY.iloc[:3]
    assert cc.measure_adherence(plan, did)["adherence"].tolist() == [1.0]
    assert cc.measure_adherence(plan, did, match="activity")["adherence"].tolist() == [pytest.approx(210 / 240)]
    assert cc.list_exceptions(plan, did, match="activity")["kind"].tolist() == ["outside", "other_activity"]
    assert cc.measure_adherence(plan, did, match="activity", reasons={"mittag": "break"})["adherence"].tolist() == [1.0]


def test_short_exceptions_may_be_forgiven() -> None:
    did = states(("Ada", 2, 100, "available"), ("Ada", 100, 103, "coffee"), ("Ada", 103, 115, "available"))
    plan = DAY.iloc[:1]
    for tolerance, exceptions in ((0, 2 + 3 + 5), (60, 10), (120, 8), (180, 5), (300, 0)):
        kept = cc.measure_adherence(plan, did, tolerance_s=tolerance, covered=COVERED)
        assert kept["exception_s"].tolist() == [60 * exceptions]
    # What a period cuts in two is as long as it was.
    cut = cc.measure_adherence(plan, did, tolerance_s=180, period="interval", every="1min", covered=COVERED)
    assert cut["exception_s"].sum() == 300


def test_against_a_loop_over_seconds() -> None:
    rng = np.random.default_rng(5)
    words = ["available", "on_contact", "lunch", "other", None]
    plan_words = ["on_queue", "break", None]
    for _ in range(25):
        plan_rows, did_rows, did, plan = [], [], {}, {}
        for agent in ("Ada", "Bo"):
            for rows, vocabulary, seconds in ((plan_rows, plan_words, plan), (did_rows, words, did)):
                at = int(rng.integers(0, 30))
                while at < 400:
                    to, word = at + int(rng.integers(1, 90)), vocabulary[rng.integers(len(vocabulary))]
                    if word is not None:
                        rows.append((agent, at / 60, to / 60, word))
                        seconds.update({(agent, second): word for second in range(at, to)})
                    at = to
        plan_rows.append(("Ada", 10, 11, "on_queue"))
        plan |= {("Ada", second): "on_queue" for second in range(600, 660)}
        schedule, states_ = planned(*plan_rows), states(*did_rows)
        serving = {place for place, word in did.items() if word in ("available", "on_contact")}
        kept = cc.measure_adherence(schedule, states_, covered=COVERED)
        for agent, row in kept.set_index("agent").iterrows():
            mine = {place: word for place, word in plan.items() if place[0] == agent}
            adherent = sum((word == "on_queue") == (place in serving) for place, word in mine.items())
            worked = [place for place in serving if place[0] == agent]
            assert row["scheduled_s"] == len(mine)
            assert row["in_adherence_s"] == adherent
            assert row["outside_s"] == sum(place not in mine for place in worked)
            assert row["worked_on_queue_s"] == len(worked)
            assert row["scheduled_on_queue_s"] == sum(word == "on_queue" for word in mine.values())
        # Cut into any intervals, the seconds are the same.
        cut = cc.measure_adherence(schedule, states_, period="interval", every="1min", covered=COVERED)
        whole = cut.groupby("agent")[["scheduled_s", "in_adherence_s", "outside_s"]].sum()
        assert whole.to_numpy() == pytest.approx(kept.set_index("agent")[whole.columns].to_numpy())
        both = cc.measure_adherence(schedule, states_, by=(), covered=COVERED)
        assert both["in_adherence_s"].tolist() == [kept["in_adherence_s"].sum()]
        # The exceptions listed are those counted.
        listed = cc.list_exceptions(schedule, states_, covered=COVERED)
        assert listed.loc[listed["kind"] != "outside", "seconds"].sum() == kept["exception_s"].sum()
        assert listed.loc[listed["kind"] == "outside", "seconds"].sum() == kept["outside_s"].sum()


def test_teams_and_local_days() -> None:
    plan = planned(("Ada", -600, -300, "on_queue"), ("Bo", 0, 60, "on_queue"), ("Cy", 0, 60, "on_queue")).assign(team=["a", "b", "b"])
    did = states(("Ada", -600, -300, "available"), ("Bo", 0, 60, "available"), ("Cy", 0, 30, "available"))
    kept = cc.measure_adherence(plan, did, by="team", period="day", timezone="America/New_York")
    assert kept[["team", "adherence"]].values.tolist() == [["a", 1.0], ["b", 0.75]]
    assert kept["period_start"].dt.strftime("%d %H:%M %z").tolist() == ["29 00:00 -0500", "01 00:00 -0500"]
    month = cc.measure_adherence(plan, did, by=(), period="month", timezone="America/New_York")
    assert month["period_start"].dt.month.tolist() == [2, 3]


def test_a_day_of_25_hours_is_judged_whole() -> None:
    start = pd.Timestamp("2024-10-27", tz="Europe/Berlin")
    plan = pd.DataFrame({"agent": ["Ada"], "started_at": [start], "ended_at": [start + pd.DateOffset(days=1)]})
    did = AGENT_STATES.conform(
        plan.assign(state="available", reason=None, queue=None, contact_id=None, closed_by="event").assign(
            started_at=plan["started_at"].dt.tz_convert("UTC"), ended_at=plan["ended_at"].dt.tz_convert("UTC")
        )
    )
    kept = cc.measure_adherence(plan, did, period="day", timezone="Europe/Berlin")
    assert kept["scheduled_s"].tolist() == [25 * 3600]
    assert len(cc.measure_adherence(plan, did, period="interval", timezone="Europe/Berlin")) == 50


def test_what_the_log_does_not_cover_is_not_judged() -> None:
    did = states(("Ada", 10, 50, "available"))
    with pytest.warns(DataWarning, match=r"covers 0.7 of 1.0 scheduled hours"):
        kept = cc.measure_adherence(planned(("Ada", 0, 60, "on_queue")), did)
    assert kept["adherence"].tolist() == [1.0]
    with pytest.warns(DataWarning, match="'Bo'.*count as absent"):
        kept = cc.measure_adherence(planned(("Ada", 10, 50, "on_queue"), ("Bo", 10, 50, "on_queue")), did)
    assert kept["adherence"].tolist() == [1.0, 0.0]
    assert cc.list_exceptions(planned(("Ada", 10, 50, "on_queue")), did).empty


def test_agents_without_a_schedule_are_not_judged() -> None:
    did = states(("Ada", 0, 60, "available"), ("Zoe", 0, 60, "available"))
    kept = cc.measure_adherence(planned(("Ada", 0, 60, "on_queue")), did)
    assert kept["agent"].tolist() == ["Ada"]


def test_the_steps_of_paid_time_add_up() -> None:
    plan = planned(
        ("Ada", 0, 240, "on_queue"), ("Ada", 240, 270, "break"), ("Ada", 270, 480, "on_queue"), ("Bo", 0, 480, "leave"),
        ("Cy", 0, 60, "training"), ("Cy", 60, 480, "on_queue"),
    )  # fmt: skip
    plan["team"] = "x"
    plan["paid"] = plan["activity"] != "break"
    did = states(
        ("Ada", 0, 240, "available"), ("Ada", 240, 270, "lunch"), ("Ada", 270, 420, "on_contact"),
        ("Cy", 0, 60, "training"), ("Cy", 60, 400, "available"), ("Cy", 400, 430, "smoke"), ("Cy", 430, 480, "wrap"),
    )  # fmt: skip
    with pytest.warns(DataWarning, match="'Bo'"):
        one = cc.measure_shrinkage(plan, did)
    with pytest.warns(DataWarning, match="'Bo'"):
        steps = cc.split_paid_time(plan, did).set_index("step")
    with pytest.warns(DataWarning, match="'Bo'"):
        teams = cc.measure_shrinkage(plan, did, by="team")
    paid = (450 + 480 + 480) * 60
    assert one["paid_s"].tolist() == [paid]
    assert one["planned_shrinkage"].tolist() == [pytest.approx(1 - (450 + 420) * 60 / paid)]
    assert one["shrinkage"].tolist() == [pytest.approx(1 - (240 + 150 + 340 + 50) * 60 / paid)]
    assert teams["shrinkage"].tolist() == one["shrinkage"].tolist()
    assert steps.index.tolist() == ["paid", "leave", "training", "smoke", "absent", "on_queue"]
    assert (steps["planned_s"] / 60).tolist() == [1410, 480, 60, 0, 0, 870]
    assert (steps["actual_s"] / 60).tolist() == [1410, 480, 60, 30, 60, 780]
    for side in ("planned", "actual"):
        assert steps[f"{side}_s"].iloc[1:].sum() == steps[f"{side}_s"].iloc[0]
        assert 1 - steps.loc["on_queue", f"{side}_share"] == pytest.approx(
            one[{"planned": "planned_shrinkage", "actual": "shrinkage"}[side]][0]
        )
    # And the planner takes it as it is.
    forecast = pd.DataFrame(
        {"queue": ["q"], "interval_start": [NINE], "interval_s": [1800.0], "expected_offered": [100.0], "expected_aht_s": [180.0]}
    )
    staffed = cc.plan_staffing(forecast, target_service_level=0.8, threshold_s=20, shrinkage=float(one["shrinkage"].iloc[0]))
    assert staffed["scheduled_agents"].iloc[0] >= staffed["agents"].iloc[0] / (1 - one["shrinkage"].iloc[0]) - 1e-9


def test_nothing_paid_is_missing() -> None:
    plan = planned(("Ada", 0, 60, "on_queue")).assign(paid=False)
    did = states(("Ada", 0, 60, "available"))
    assert cc.measure_shrinkage(plan, did)[["planned_shrinkage", "shrinkage"]].isna().all(axis=None)


BAD = {
    "overlap": (lambda: planned(("Ada", 0, 60, "on_queue"), ("Ada", 50, 70, "break")), {}, TableError, r"row 1 \('Ada'\) begins before"),
    "backwards": (lambda: planned(("Ada", 60, 0, "on_queue")), {}, TableError, r"not after started_at in row 0"),
    "no column": (lambda: planned(("Ada", 0, 60, "on_queue")).drop(columns="ended_at"), {}, TableError, "no column ended_at"),
    "no zone": (lambda: planned(("Ada", 0, 60, "x")).assign(started_at=pd.Timestamp("2024-03-01")), {}, TableError, "time zone"),
    "missing": (lambda: planned(("Ada", 0, 60, "x"), (None, 0, 60, "x")), {}, TableError, "missing in row 1"),
    "no queue": (lambda: planned(("Ada", 0, 60, "Phone")), {}, OptionError, r"on_queue=\['on_queue'\].*'Phone'"),
    "match": (lambda: DAY, {"match": "yes"}, OptionError, "match='yes'"),
    "tolerance": (lambda: DAY, {"tolerance_s": -1}, OptionError, "tolerance_s=-1"),
    "outside": (lambda: DAY, {"outside": "count"}, OptionError, "outside='count'"),
    "by": (lambda: DAY, {"by": "team"}, OptionError, "no column 'team'"),
    "two teams": (lambda: DAY.assign(team=["a", "b", "a", "a"]), {"by": "team"}, OptionError, "'Ada' have several"),
    "period": (lambda: DAY, {"period": "fortnight"}, OptionError, "period='fortnight'"),
    "zone": (lambda: DAY, {"timezone": "Mars/Base"}, ZoneError, "Mars/Base"),
    "reasons": (lambda: DAY, {"reasons": "lunch"}, OptionError, "reasons='lunch'"),
    "covered": (lambda: DAY, {"covered": ("a", "b")}, OptionError, "covered="),
    "covered, turned": (lambda: DAY, {"covered": COVERED[::-1]}, OptionError, "not after the first"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said(name: str) -> None:
    plan, options, error, words = BAD[name]
    with pytest.raises(error, match=words):
        cc.measure_adherence(plan(), states(("Ada", 0, 60, "available")), **{"covered": COVERED, **options})


def test_nothing_in_nothing_out() -> None:
    empty = cc.measure_adherence(DAY.iloc[:0], states(("Ada", 0, 60, "available")))
    assert len(empty) == 0
    with pytest.warns(DataWarning, match="covers 0.0 of"):
        nobody = cc.measure_adherence(DAY, AGENT_STATES.empty())
    assert len(nobody) == 0


@pytest.mark.parametrize("paid", [[None, False], pd.array([None, False], dtype="boolean"), [float("nan"), 0.0], [True, False], [1, 0]])
def test_what_does_not_say_whether_it_is_paid_is_paid(paid) -> None:
    """Of two hours on queue, each by an agent who is there, the second is not paid."""
    plan = planned(("Ada", 0, 60, "on_queue"), ("Bo", 0, 60, "on_queue")).assign(paid=paid)
    done = states(("Ada", 0, 60, "available"), ("Bo", 0, 60, "available"))
    assert cc.measure_shrinkage(plan, done, covered=COVERED)["paid_s"].tolist() == [3600.0]
    with pytest.raises(TableError, match="paid is 'no' in row 0 .'Ada'.; expected True or False"):
        cc.measure_shrinkage(plan.assign(paid=["no", True]), done, covered=COVERED)
