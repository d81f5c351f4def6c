"""What a report and statistics print with --suppress-below: nothing small comes back, from any of their tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import linprog

import ccstats as cc
from ccstats.report import build_service_report
from ccstats.report.cells import present
from ccstats.report.files import service_tables
from ccstats.report.statistics import build_statistics
from ccstats.report.suppressed import suppress_report, without_names


@pytest.fixture(scope="module")
def log() -> cc.Log:
    """Two weeks of the bundled log with a queue of few calls and an agent with few."""
    log = cc.read(cc.sample_log(), key="k")
    contacts = log.contacts[log.contacts["queued_at"] < "2025-03-10"].reset_index(drop=True).astype({"queue": "str", "agent": "str"})
    contacts.loc[contacts.index[:3], "queue"] = "vip"
    few = np.flatnonzero(contacts["agent"] == "roadside01")[4:]
    contacts.loc[few, "agent"] = "roadside02"
    contacts = contacts.astype({"queue": "category", "agent": "category"})
    return cc.Log(contacts, log.agent_states, log.rejected, log.lines, log.notes, log.format)


def highest(rows: list[tuple[np.ndarray, float]], of: np.ndarray) -> tuple[float, float]:
    matrix, values = np.array([row for row, _ in rows]), np.array([value for _, value in rows])
    ends = [linprog(sign * of, A_eq=matrix, b_eq=values, bounds=(0, 1e6)) for sign in (1, -1)]
    assert all(end.status == 0 for end in ends)
    return ends[0].fun, -ends[1].fun


@pytest.mark.parametrize("period", ["day", "month", "interval", "weekday", None])
@pytest.mark.parametrize("by", [("queue",), (), ("queue", "ended_by"), ("agent",)])
def test_no_row_of_a_report_comes_back(log: cc.Log, period: str | None, by: tuple[str, ...]) -> None:
    if period == "interval":
        some = log.contacts[log.contacts["queued_at"] < "2025-02-27"]
        log = cc.Log(some, log.agent_states, log.rejected, log.lines, log.notes, log.format)
    report = build_service_report(log, timezone="Europe/Berlin", period=period, by=by, threshold_s=20)
    made = suppress_report(report, below=5)
    when = [name for name in ("period_start", "weekday") if name in report.total]
    for before, after in ((report.groups, made.groups), (report.total, made.total)):
        assert len(before) == len(after)
        shown = ~after["suppressed"]
        assert after.loc[shown, "offered"].tolist() == before.loc[shown.to_numpy(), "offered"].tolist()
        assert not ((after["offered"] > 0) & (after["offered"] < 5)).any()
        assert after.loc[after["suppressed"], [name for name in after if name not in (*by, *when, "suppressed")]].isna().all().all()
    if by:
        # An attacker, a period at a time: every group is a cell, the total of the period their sum.
        cells, total = made.groups, made.total
        of_period = [tuple(row) for row in cells[when].astype("str").itertuples(index=False)] if when else [()] * len(cells)
        for at, whole in enumerate(total["offered"]):
            key = tuple(total[when].astype("str").iloc[at]) if when else ()
            here = np.array([each == key for each in of_period])
            hidden = report.groups.loc[here & cells["suppressed"].to_numpy(), "offered"].to_numpy()
            if len(hidden) and not pd.isna(whole):
                assert hidden.sum() >= 5
                assert len(hidden) > 1
    if period != "interval" and (by or when):
        hidden_keys = set(map(str, made.groups.loc[made.groups["suppressed"], [*by, *when]].to_numpy().tolist()))
        for key, blank in zip(made.waits[[*by, *when]].to_numpy().tolist(), made.waits["answered"].isna(), strict=True):
            assert blank == (str(key) in hidden_keys)
    hidden = made.groups["suppressed"].sum() + (made.total["suppressed"].sum() if by else 0)
    assert made.notes["count"].iloc[-1] == hidden
    assert suppress_report(report, below=0) is report
    assert "–" in present(made.headline(), period=period).to_string() or not hidden


def test_no_agent_comes_back_from_statistics_even_by_who_knows_the_queues(log: cc.Log) -> None:
    below = 5
    tables = build_statistics(log, timezone="Europe/Berlin", suppress_below=below)
    plain = build_statistics(log, timezone="Europe/Berlin")
    assert "pauses" not in tables
    agents, queues = tables["agents"], tables["queue_waits"]
    assert agents.set_index("agent")["suppressed"]["roadside01"]
    assert agents["suppressed"].sum() >= 2
    assert agents.loc[agents["suppressed"], [name for name in agents if name not in ("agent", "suppressed")]].isna().all().all()
    answered = log.contacts[log.contacts["outcome"] == "answered"]
    cells = answered.groupby(["agent", "queue"], observed=True).size().reset_index(name="contacts")
    known = [
        ((cells["agent"] == row.agent).to_numpy(dtype=float), float(row.answered)) for row in agents.itertuples() if not row.suppressed
    ]
    known += [
        ((cells["queue"] == row.queue).to_numpy(dtype=float), float(row.answered)) for row in queues.itertuples() if not row.suppressed
    ]
    known += [(np.ones(len(cells)), float(len(answered)))]
    for agent, true in plain["agents"].set_index("agent")["answered"].items():
        if true < below:
            low, high = highest(known, (cells["agent"] == agent).to_numpy(dtype=float))
            assert low <= true < below <= high
    assert queues.loc[queues["queue"] == "vip", "answered"].isna().all()
    for name in ("unanswered", "ended_by", "transfers"):
        table = tables[name]
        assert not table["contacts"].between(1, below - 1).any(), name
        gone = table[table["suppressed"]]
        assert gone.select_dtypes("number").isna().all().all(), name
    assert plain["unanswered"]["contacts"].between(1, below - 1).any()
    assert plain["ended_by"]["contacts"].between(1, below - 1).any()
    counts = queues[["answered", "abandoned", "open", "wait_unknown"]].to_numpy(dtype="float64", na_value=np.nan)
    assert not ((counts > 0) & (counts < below)).any()


def test_no_count_of_statistics_comes_back_from_the_tables_together(log: cc.Log) -> None:
    """The attacker reads every table and knows every fact of every contact but how many there are of each."""
    below = 10
    tables = build_statistics(log, timezone="Europe/Berlin", suppress_below=below)
    names = ["queue", "outcome", "raw_outcome", "ended_by", "agent"]
    facts = log.contacts[names].astype("str").fillna("none")
    facts["ended_by"] = facts["ended_by"].replace("none", "unknown")
    cells = facts.groupby(names).size().reset_index(name="contacts")
    truth = cells["contacts"].to_numpy(dtype=float)

    def of(**values: str) -> np.ndarray:
        return np.logical_and.reduce([cells[name] == value for name, value in values.items()]).astype(float)

    rows: list[tuple[np.ndarray, float]] = [(of(outcome="answered"), float(truth @ of(outcome="answered")))]
    hidden = []
    for row in tables["queue_waits"].to_dict("records"):
        for outcome in ("answered", "abandoned", "open"):
            (hidden if pd.isna(row[outcome]) else rows).append((of(queue=row["queue"], outcome=outcome), row[outcome]))
    for row in tables["unanswered"].to_dict("records"):
        mask = of(queue=row["queue"], outcome=row["outcome"], raw_outcome=row["raw_outcome"])
        (hidden if row["suppressed"] else rows).append((mask, row["contacts"]))
        if not row["suppressed"]:
            every = of(queue=row["queue"]) - of(queue=row["queue"], outcome="answered") - of(queue=row["queue"], outcome="open")
            rows.append((every, round(row["contacts"] / row["share"])))
    for row in tables["ended_by"].to_dict("records"):
        mask = of(queue=row["queue"], outcome="answered", ended_by=row["ended_by"])
        (hidden if row["suppressed"] else rows).append((mask, row["contacts"]))
        if not row["suppressed"]:
            rows.append((of(queue=row["queue"], outcome="answered"), round(row["contacts"] / row["share"])))
    for row in tables["agents"].to_dict("records"):
        (hidden if row["suppressed"] else rows).append((of(outcome="answered", agent=row["agent"]), row["answered"]))
    small = 0
    for mask, value in rows:
        assert mask @ truth == value
    for mask, _ in hidden:
        true = mask @ truth
        if 0 < true < below:
            small += 1
            low, high = highest(rows, mask)
            assert low <= true + 1e-6
            assert high >= below - 1e-6
    assert small > 5


def test_reports_number_agents_unless_names_are_asked_for(log: cc.Log) -> None:
    report = build_service_report(log, timezone="Europe/Berlin", by=("agent",), threshold_s=20)
    made = without_names(report, key="k")
    names = set(log.contacts["agent"].dropna())
    text = made.headline().to_string() + "".join(service_tables(made).values())
    assert not any(name in text for name in names)
    assert made.groups["offered"].sum() == report.groups["offered"].sum()
    of_name = report.groups.groupby("agent", observed=True)["offered"].sum()
    of_number = made.groups.groupby("agent", observed=True)["offered"].sum()
    assert sorted(of_name) == sorted(of_number)
    waits = made.waits.groupby("agent", observed=True)["answered"].sum()
    assert (waits == made.groups.groupby("agent", observed=True)["answered"].sum()).all()
    queues = build_service_report(log, timezone="Europe/Berlin", threshold_s=20)
    assert without_names(queues) is queues
