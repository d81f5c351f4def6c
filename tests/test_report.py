"""The report: what it says, that nothing in it comes from a hostile name, and that files appear whole."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ccstats as cc
from ccstats.report import ServiceReport, build_service_report
from ccstats.report.cells import escape_markdown, present, safe_cell
from ccstats.report.files import csv_text, service_tables, write_tables, write_text, write_texts
from ccstats.report.markdown import markdown_table
from ccstats.report.placing import place_agents
from ccstats.report.statistics import build_statistics


@pytest.fixture(scope="module")
def log() -> cc.Log:
    return cc.read(cc.sample_log())


@pytest.fixture(scope="module")
def report(log: cc.Log) -> ServiceReport:
    return build_service_report(log, timezone="Europe/Berlin", threshold_s=20)


def test_groups_and_total_agree_with_the_contacts(report: ServiceReport, log: cc.Log) -> None:
    month = log.contacts["queued_at"].dt.tz_convert("Europe/Berlin").dt.strftime("%Y-%m")
    by_hand = log.contacts.groupby([log.contacts["queue"].astype(str), month])["wait_s"].size()
    for row in report.groups.itertuples():
        assert by_hand[(row.queue, row.period_start.strftime("%Y-%m"))] == row.offered
    assert report.total["offered"].sum() == len(log.contacts)


def test_headline_shows_the_definition_first_and_the_total_last_of_each_period(report: ServiceReport) -> None:
    headline = report.headline()
    assert list(headline.columns[:4]) == ["queue", "period_start", "service_level", "offered"]
    assert headline.groupby("period_start")["queue"].last().tolist() == ["all"] * 3
    for _, rows in headline.groupby("period_start"):
        assert rows["offered"].iloc[:-1].sum() == rows["offered"].iloc[-1]
    assert "blocked" not in headline.columns  # nobody was


def test_a_queue_called_all_does_not_hide(log: cc.Log) -> None:
    contacts = log.contacts.assign(queue=log.contacts["queue"].cat.rename_categories({"sales": "all"}))
    renamed = cc.Log(contacts, log.agent_states, log.rejected, log.lines, log.notes, log.format)
    headline = build_service_report(renamed, timezone="Europe/Berlin", period=None).headline()
    assert (headline["queue"] == "all").sum() == 1
    assert headline["queue"].iloc[-1] not in contacts["queue"].cat.categories


_SPANS = st.lists(st.tuples(st.sampled_from(["Ada", "Bo", "Cem", None]), st.sampled_from(["z", "a", "m", None])), max_size=12)


@given(_SPANS)
def test_agents_of_one_queue_are_in_it_is_a_loop(spans: list[tuple[str | None, str | None]]) -> None:
    states = pd.DataFrame(spans, columns=["agent", "queue"]).astype({"agent": "category", "queue": "category"})
    by_hand = []
    for agent, queue in spans:
        served = {other for name, other in spans if name == agent and other is not None}
        by_hand.append(served.pop() if queue is None and agent is not None and len(served) == 1 else queue)
    placed = place_agents(states)["queue"]
    assert [None if pd.isna(each) else each for each in placed] == by_hand
    assert list(placed.cat.categories) == sorted({each for each in by_hand if each is not None})


@pytest.mark.parametrize("period", ["interval", "hour", "day", "week", "month", "weekday", "slot", None])
@pytest.mark.parametrize("by", [(), ("queue",), ("queue", "ended_by")])
def test_every_period_and_group_adds_up(log: cc.Log, period: str | None, by: tuple[str, ...]) -> None:
    made = build_service_report(
        log, timezone="Europe/Berlin", period=period, by=by, threshold_s={"sales": 10, "support": 20, "roadside": 20}
    )
    assert made.groups["offered"].sum() == len(log.contacts)
    assert made.total["answered"].sum() == (log.contacts["outcome"] == "answered").sum()
    assert "sales: 10 s" in made.threshold
    assert "nan" not in present(made.headline(), period=period).to_string().lower().replace("abandon", "")


def test_every_line_is_accounted_for_and_every_figure_defined(report: ServiceReport) -> None:
    assert report.account.groupby("fate")["lines"].sum().to_dict() == {"used": 77_252, "ignored": 8}
    defined = {row.metric for row in report.definitions().itertuples()}
    assert {name for name in report.headline().columns if name in cc.metrics.METRICS} == defined


def test_shares_are_percent_seconds_have_a_decimal_and_missing_is_a_dash() -> None:
    table = pd.DataFrame({"service_level": [0.8113, float("nan")], "asa_s": [40.77, None], "offered": [1200, 0]})
    assert present(table).to_numpy().tolist() == [["81.1 %", "40.8", "1,200"], ["–", "–", "0"]]


@given(st.text(max_size=30))
def test_no_text_of_the_data_leaves_its_cell(text: str) -> None:
    row = markdown_table(pd.DataFrame({"queue": [text]})).split("\n")
    assert len(row) == 3
    assert not re.search(r"(?<!\\)(?:\\\\)*[|`*_\[\]#]", row[2][2:-2])
    assert not re.search("[<>]", row[2])
    assert row[2].isprintable()
    assert not safe_cell(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert escape_markdown("plain words") == "plain words"


def test_csv_keeps_precision_and_instants_and_disarms_formulas() -> None:
    table = pd.DataFrame(
        {
            "queue": pd.Categorical(["=1+1", "b"]),
            "period_start": pd.to_datetime(["2025-03-01", "2025-04-01"]).tz_localize("Europe/Berlin"),
            "service_level": [1 / 3, None],
            "difference": [-1.5, 2.0],
        }
    )
    header, first, second = csv_text(table).splitlines()
    assert header == "queue,period_start,service_level,difference"
    assert first == f"'=1+1,2025-03-01T00:00:00+01:00,{1 / 3},-1.5"
    assert second == "b,2025-04-01T00:00:00+02:00,,2.0"


def test_files_appear_whole_or_not_at_all(tmp_path: Path, report: ServiceReport, monkeypatch: pytest.MonkeyPatch) -> None:
    write_texts(tmp_path / "a", service_tables(report))
    before = {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()}
    assert not any(name.startswith(".") for name in before)
    write_texts(tmp_path / "a", service_tables(report))
    assert {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()} == before

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_text(tmp_path / "a" / "report.md", "half")
    assert {path.name: path.read_bytes() for path in (tmp_path / "a").iterdir()} == before
    with pytest.raises(cc.CcstatsError, match="cannot be written: No space left on device"):
        write_tables({"waits": report.waits}, tmp_path / "b")


def test_statistics_hide_small_groups_of_agents(log: cc.Log) -> None:
    tables = build_statistics(log, timezone="Europe/Berlin", suppress_below=300)
    agents = tables["agents"].set_index("agent")
    few = log.contacts.loc[log.contacts["outcome"] == "answered", "agent"].value_counts()
    for agent, answered in few.items():
        assert pd.isna(agents.loc[agent, "answered"]) == (answered < 300)
    assert "pauses" not in tables


def test_a_group_that_is_no_column_is_named(log: cc.Log) -> None:
    with pytest.raises(cc.CcstatsError, match=r"by=\['team'\]: no such columns in contacts; it has: contact_id"):
        build_service_report(log, timezone="Europe/Berlin", by=("queue", "team"))
