"""Agents' contacts and time against a loop over spans, second by second where clocks change."""

from __future__ import annotations

import math
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccstats.errors import ColumnError, OptionError
from ccstats.schema import AGENT_STATES, STATES
from ccstats.service.agents import measure_agents, measure_pauses
from ccstats.service.ratios import measure_service

EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))


def day_edges(zone: str) -> list[pd.Timestamp]:
    return list(pd.date_range("2026-03-27", "2026-04-04", freq="D", tz=zone))


def hour_edges(zone: str) -> list[pd.Timestamp]:
    """Elapsed hours from every local midnight."""
    days = day_edges(zone)
    return [at for day, after in zip(days, days[1:], strict=False) for at in pd.date_range(day, after, freq="h", inclusive="left")]


def pieces_by_hand(spans: list[dict], edges: list[pd.Timestamp]) -> list[tuple[dict, pd.Timestamp, float]]:
    """Every span cut at the edges: the span, the period, the seconds."""
    found = []
    for span in spans:
        for begin, end in zip(edges, edges[1:], strict=False):
            if end <= span["started_at"] or begin >= span["ended_at"]:
                continue
            seconds = (min(span["ended_at"], end) - max(span["started_at"], begin)).total_seconds()
            found.append((span, begin, seconds))
    return found


def in_period(at: pd.Timestamp, edges: list[pd.Timestamp]) -> pd.Timestamp:
    return max(edge for edge in edges if edge <= at)


@settings(max_examples=max(6, int(100 * EXAM)), deadline=None)
@given(seed=st.integers(0, 10**6), zone=st.sampled_from(["UTC", "Europe/Berlin"]), period=st.sampled_from(["day", "hour"]))
def test_agents_are_a_loop_over_contacts_and_spans(contacts_of, agent_states_of, seed, zone, period) -> None:
    contacts, states = contacts_of(seed, 60), agent_states_of(seed)
    before = contacts.copy(), states.copy()
    made = measure_agents(contacts, states.sample(frac=1, random_state=seed), period=period, timezone=zone)
    pd.testing.assert_frame_equal(contacts, before[0])
    pd.testing.assert_frame_equal(states, before[1])

    edges = {"day": day_edges, "hour": hour_edges}[period](zone)
    # Where two spans begin together the empty one comes first.
    order = ["agent", "started_at", "ended_at"]
    spans = sorted(
        states.to_dict("records"), key=lambda span: [span[name] for name in order] + [STATES.index(span["state"]), str(span["queue"])]
    )
    cells = {(row["agent"], row["period_start"]): row for row in made.to_dict("records")}
    seconds: dict[tuple, float] = {}
    for span, at, length in pieces_by_hand(spans, edges):
        for state in (span["state"], "logged_in"):
            seconds[span["agent"], at, state] = seconds.get((span["agent"], at, state), 0.0) + length
    assert {key[:2] for key in seconds} <= set(cells)

    events: dict[tuple, int] = {}
    logins: dict[tuple, list] = {}
    logouts: dict[tuple, list] = {}
    for number, span in enumerate(spans):
        previous = spans[number - 1] if number and spans[number - 1]["agent"] == span["agent"] else None
        following = spans[number + 1] if number + 1 < len(spans) and spans[number + 1]["agent"] == span["agent"] else None
        cell = span["agent"], in_period(span["started_at"], edges)

        def count(name: str, cell: tuple = cell) -> None:
            events[*cell, name] = events.get((*cell, name), 0) + 1

        joined = previous is not None and previous["ended_at"] == span["started_at"]
        if not joined:
            count("sessions")
            logins.setdefault(cell, []).append(span["started_at"])
        ids = [None if pd.isna(each["contact_id"]) else each["contact_id"] for each in (span, previous or span)]
        continued = joined and previous["state"] in ("on_contact", "hold") and ids[0] == ids[1]
        if span["state"] == "on_contact" and not continued:
            count("handled")
        goes_on = following is not None and following["started_at"] == span["ended_at"]
        if span["state"] == "reserved":
            count("ring_attempts")
            if not (goes_on and following["state"] == "on_contact"):
                count("ring_noanswer")
        if not goes_on and span["closed_by"] != "end_of_file":
            last = span["agent"], in_period(span["ended_at"] - pd.Timedelta("1us"), edges)
            logouts.setdefault(last, []).append(span["ended_at"])

    answered: dict[tuple, list[dict]] = {}
    for contact in contacts.to_dict("records"):
        if contact["outcome"] == "answered" and isinstance(contact["agent"], str):
            answered.setdefault((contact["agent"], in_period(contact["queued_at"], edges)), []).append(contact)
    assert set(answered) | set(logins) | set(logouts) <= set(cells)

    for cell, row in cells.items():
        assert row["logged_in_s"] == pytest.approx(seconds.get((*cell, "logged_in"), 0.0))
        for state in STATES:
            assert row[f"{state}_s"] == pytest.approx(seconds.get((*cell, state), 0.0))
        for name in ("sessions", "handled", "ring_attempts", "ring_noanswer"):
            assert row[name] == events.get((*cell, name), 0)
        assert (row["first_login_at"] if cell in logins else None) == min(logins.get(cell, []), default=None)
        assert (row["last_logout_at"] if cell in logouts else None) == max(logouts.get(cell, []), default=None)
        busy = sum(row[f"{state}_s"] for state in ("on_contact", "hold", "wrap"))
        ready = busy + row["available_s"]
        np.testing.assert_allclose(row["occupancy"], busy / ready if ready else math.nan)
        mine = answered.get(cell, [])
        assert row["answered"] == len(mine)
        assert row["short_talks"] == sum(contact["talk_s"] <= 10 for contact in mine)
        talks = [contact["talk_s"] for contact in mine if not math.isnan(contact["talk_s"])]
        np.testing.assert_allclose(row["att_s"], sum(talks) / len(talks) if talks else math.nan)
        assert row["transferred"] == sum(isinstance(contact["transferred_to"], str) for contact in mine)


def test_agents_answered_adds_up_to_the_queues(contacts_of, agent_states_of) -> None:
    from ccstats.intervals import to_intervals

    contacts = contacts_of(8, 200, waits_known=True)
    contacts.loc[contacts["outcome"] == "answered", "agent"] = contacts["agent"].fillna("Ada")
    queues = measure_service(to_intervals(contacts, every="1h", timezone="Europe/Berlin"), period="day", timezone="Europe/Berlin")
    team = measure_agents(contacts, agent_states_of(8), by=(), period="day", timezone="Europe/Berlin")
    both = queues.merge(team, on="period_start", suffixes=("", "_of_agents"), how="left")
    assert both["answered"].sum() > 0
    assert both["answered_of_agents"].fillna(0).tolist() == both["answered"].tolist()
    for name in ("att_s", "aht_s", "hold_rate"):
        np.testing.assert_allclose(both[f"{name}_of_agents"], both[name])


@pytest.mark.parametrize("every", ["30min", "1h"])
def test_agents_agree_with_agent_intervals(contacts_of, agent_states_of, every: str) -> None:
    from ccstats.intervals import to_agent_intervals

    states = agent_states_of(11)
    intervals = to_agent_intervals(states, every=every, timezone="Europe/Berlin")
    made = measure_agents(contacts_of(11), states, period="interval", every=every, timezone="Europe/Berlin")
    made["interval_start"] = made["period_start"].dt.tz_convert("UTC")
    both = intervals.astype({"agent": "str"}).merge(
        made.astype({"agent": "str"}), on=["agent", "interval_start"], how="left", suffixes=("", "_made")
    )
    for name in ("handled", "logged_in_s", *(f"{state}_s" for state in STATES)):
        np.testing.assert_allclose(both[f"{name}_made"].astype("float64").fillna(0), both[name].astype("float64").fillna(0), err_msg=name)
    assert both["logged_in_s"].sum() == pytest.approx(made["logged_in_s"].sum())


def one_agent(spans: list[tuple[str, str, str]], **more: object) -> pd.DataFrame:
    rows = pd.DataFrame(spans, columns=["started_at", "ended_at", "state"])
    for name in ("started_at", "ended_at"):
        rows[name] = pd.to_datetime(rows[name], utc=True).dt.as_unit("us")
    defaults = {"agent": "Ada", "reason": None, "queue": None, "contact_id": None, "closed_by": "event"}
    return AGENT_STATES.conform(rows.assign(**(defaults | more)))


def test_the_night_the_clocks_go_forward_is_an_hour_shorter(contacts_of) -> None:
    night = one_agent([("2026-03-28T22:00Z", "2026-03-29T23:30Z", "available")])
    days = measure_agents(contacts_of(1, 0), night, period="day", timezone="Europe/Berlin")
    assert days["logged_in_s"].tolist() == [3600.0, 23 * 3600.0, 1.5 * 3600]
    assert days["sessions"].tolist() == [1, 0, 0]
    assert days["last_logout_at"].notna().tolist() == [False, False, True]


def test_logging_out_at_midnight_belongs_to_the_day_that_ends(contacts_of) -> None:
    shift = one_agent([("2026-03-02T10:00Z", "2026-03-03T00:00Z", "available")])
    days = measure_agents(contacts_of(1, 0), shift, period="day")
    assert len(days) == 1
    assert days["last_logout_at"].iloc[0] == pd.Timestamp("2026-03-03T00:00Z")


def test_a_hold_does_not_make_two_contacts(contacts_of) -> None:
    spans = [("2026-03-02T10:00Z", "2026-03-02T10:05Z", "on_contact"), ("2026-03-02T10:05Z", "2026-03-02T10:06Z", "hold")]
    spans += [("2026-03-02T10:06Z", "2026-03-02T10:09Z", "on_contact"), ("2026-03-02T10:09Z", "2026-03-02T10:10Z", "wrap")]
    row = measure_agents(contacts_of(1, 0), one_agent(spans, contact_id="c1")).iloc[0]
    assert (row["handled"], row["occupancy"], row["contacts_per_hour"]) == (1, 1.0, 6.0)
    assert pd.isna(row["ring_attempts"])
    assert math.isnan(row["rona_rate"])


def test_small_groups_are_blanked(contacts_of, agent_states_of) -> None:
    contacts, states = contacts_of(8, 200), agent_states_of(8)
    plain = measure_agents(contacts, states)
    limit = int(plain["answered"].median()) + 1
    made = measure_agents(contacts, states, at_least=limit)
    small = plain["answered"] < limit
    assert small.any()
    assert made["suppressed"].tolist() == small.tolist()
    assert made.loc[small].drop(columns=["agent", "suppressed"]).isna().all(axis=None)
    kept = made.loc[~small, list(plain.columns)]
    pd.testing.assert_frame_equal(kept, plain[~small], check_dtype=False)
    assert "suppressed" not in plain


def test_groupings(contacts_of, agent_states_of) -> None:
    contacts, states = contacts_of(8, 200), agent_states_of(8)
    by_queue = measure_agents(contacts, by=("agent", "queue"))
    assert by_queue.groupby("agent", observed=True)["answered"].sum().tolist() == measure_agents(contacts)["answered"].tolist()
    assert "logged_in_s" not in by_queue
    with pytest.raises(OptionError, match="not logged by queue"):
        measure_agents(contacts, states, by=("agent", "queue"))
    with pytest.raises(ColumnError, match="agent_states has no column 'channel'"):
        measure_agents(contacts, states, by="channel")
    team = {"Ada": "north", "Bo": "north", "Cy": "south"}
    teams = measure_agents(
        contacts.assign(team=contacts["agent"].astype("str").map(team)),
        states.assign(team=states["agent"].astype("str").map(team)),
        by="team",
    )
    assert teams["team"].tolist() == ["north", "south"]
    assert teams["logged_in_s"].sum() == pytest.approx(measure_agents(contacts, states)["logged_in_s"].sum())


def test_nothing_logged_is_missing_not_zero(contacts_of, agent_states_of) -> None:
    none = AGENT_STATES.empty()
    made = measure_agents(contacts_of(8, 100), none)
    assert made["answered"].sum() > 0
    assert made[["logged_in_s", "handled", "sessions", "occupancy", "contacts_per_hour"]].isna().all(axis=None)
    assert measure_agents(contacts_of(8, 0), none).empty
    assert measure_pauses(none, period="day").empty


@settings(max_examples=max(6, int(100 * EXAM)), deadline=None)
@given(seed=st.integers(0, 10**6), zone=st.sampled_from(["UTC", "Europe/Berlin"]))
def test_pauses_are_a_loop_over_spans(agent_states_of, seed, zone) -> None:
    states = agent_states_of(seed)
    made = measure_pauses(states, period="day", timezone=zone)
    edges = day_edges(zone)
    spans = [span for span in states.to_dict("records") if span["state"] == "pause"]
    hand: dict[tuple, list[float]] = {}

    def cell(span: dict, at: pd.Timestamp) -> list[float]:
        return hand.setdefault((span["agent"], span["reason"] if isinstance(span["reason"], str) else None, at), [0, 0.0, math.nan])

    for span, at, seconds in pieces_by_hand(spans, edges):
        cell(span, at)[1] += seconds
    for span in spans:
        row = cell(span, in_period(span["started_at"], edges))
        row[0] += 1
        row[2] = np.fmax(row[2], (span["ended_at"] - span["started_at"]).total_seconds())
    found = {
        (row["agent"], row["reason"] if isinstance(row["reason"], str) else None, row["period_start"]): row
        for row in made.to_dict("records")
    }
    assert set(found) == set(hand)
    for key, (pauses, total, longest) in hand.items():
        assert (found[key]["pauses"], found[key]["pause_s"]) == (pauses, pytest.approx(total))
        np.testing.assert_equal(found[key]["longest_pause_s"], longest)


def test_utilisation_is_over_logged_in_or_paid_time(contacts_of) -> None:
    spans = [("2026-03-02T10:00Z", "2026-03-02T10:30Z", "available"), ("2026-03-02T10:30Z", "2026-03-02T10:40Z", "on_contact")]
    spans += [("2026-03-02T10:40Z", "2026-03-02T10:45Z", "wrap"), ("2026-03-02T10:45Z", "2026-03-02T11:00Z", "pause")]
    states = pd.concat([one_agent(spans, agent=agent) for agent in ("Ada", "Bo", "Cy")], ignore_index=True).astype({"agent": "category"})
    plain = measure_agents(contacts_of(1, 0), states)
    assert plain["utilisation_logged"].tolist() == [0.75] * 3
    assert "utilisation" not in plain
    made = measure_agents(contacts_of(1, 0), states, paid_s={"Ada": 5400, "Bo": 0.0, "Eve": 1.0})
    assert made["paid_s"].fillna(-1).tolist() == [5400, 0, -1]
    assert made["utilisation"].fillna(-1).tolist() == [0.5, -1, -1]
    pd.testing.assert_frame_equal(made[list(plain.columns)], plain)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"short_talk_s": "x"}, "short_talk_s='x'"),
        ({"short_talk_s": math.nan}, "short_talk_s=nan"),
        ({"paid_s": {"Ada": 1.0}, "period": "day"}, "no period"),
        ({"paid_s": {"Ada": 1.0}, "by": ()}, "by='agent'"),
        ({"paid_s": {"Ada": 1.0}, "agent_states": None}, "needs agent_states"),
        ({"paid_s": 3600}, "mapping of agents"),
        ({"paid_s": {"Ada": "8h"}}, "'Ada'"),
        ({"paid_s": {"Ada": -1}}, "0 or more"),
    ],
)
def test_wrong_options(contacts_of, agent_states_of, options, words) -> None:
    with pytest.raises(OptionError, match=words):
        measure_agents(contacts_of(1), **({"agent_states": agent_states_of(1)} | options))


def test_groups_of_pauses(agent_states_of) -> None:
    states = agent_states_of(1)
    with pytest.raises(OptionError, match="leave it out of by="):
        measure_pauses(states, by="reason")
    pd.testing.assert_frame_equal(measure_pauses(states, by=["agent", "agent"]), measure_pauses(states))


def test_rows_come_in_one_order(contacts_of, agent_states_of) -> None:
    import polars as pl

    contacts, states = contacts_of(8, 200), agent_states_of(8)
    made = measure_agents(contacts, states, by=["agent", "agent"]).astype({"agent": "str"})
    assert made["agent"].tolist() == ["Ada", "Bo", "Cy"]
    order = ["Cy", "Ada", "Bo"]
    moved = [table.assign(agent=table["agent"].cat.set_categories(order)) for table in (contacts, states)]
    polars = [pl.from_pandas(table).with_columns(pl.col("agent").cast(pl.Categorical)) for table in moved]
    for tables in (moved, polars):
        pd.testing.assert_frame_equal(measure_agents(*tables).astype({"agent": "str"}), made)
    ranked = [table.assign(agent=table["agent"].cat.set_categories(order, ordered=True)) for table in (contacts, states)]
    assert measure_agents(*ranked)["agent"].tolist() == order
