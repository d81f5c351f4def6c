"""The planner's commands as a planner meets them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

import ccstats as cc
from ccstats.schema import AGENT_STATES, CONTACTS
from command_line import run

STARTS = pd.date_range("2026-03-02 08:00", periods=20, freq="30min", tz="Europe/Istanbul")
CALLS = [20, 45, 80, 110, 120, 115, 100, 80, 70, 75, 90, 105, 110, 100, 80, 60, 45, 30, 20, 10]


@pytest.fixture
def forecast(tmp_path: Path) -> Path:
    path = tmp_path / "forecast.csv"
    pd.DataFrame({"start": STARTS.tz_localize(None), "calls": CALLS, "aht": 180}).to_csv(path, index=False)
    return path


def test_pocket_calculator_gives_the_published_answer() -> None:
    done = run("erlang", "--contacts", "100", "--aht", "180", "--interval", "30min", "--service-level", "80/20", "--shrinkage", "30%")
    assert done.returncode == 0
    text = done.stdout.decode()
    assert "10.00 Erlangs" in text
    assert "14 agents, 20 scheduled (Erlang C)" in text  # Call Centre Helper, "Erlang C formula made simple"
    assert "88.8 %" in text
    assert "threshold 20 s, inclusive" in text


def test_pocket_calculator_knows_patience_lines_and_other_targets() -> None:
    done = run("erlang", "-c", "10000", "--aht", "180", "-s", "80/20", "--patience", "120")
    assert "892 agents (Erlang A, patience 120 s)" in done.stdout.decode()
    done = run("erlang", "-c", "1000", "--aht", "180", "--max-abandonment", "3%", "--patience", "120")
    assert "104 agents" in done.stdout.decode()
    done = run("erlang", "-c", "100", "--aht", "180", "-s", "80/20", "--lines", "30")
    assert "blocked" in done.stdout.decode()


def test_staff_prints_the_days_and_the_definition(forecast: Path) -> None:
    done = run("staff", forecast, "--service-level", "80/20", "--timezone", "Europe/Istanbul", "--shrinkage", "30%")
    assert done.returncode == 0, done.stderr.decode()
    text = done.stdout.decode()
    assert "2026-03-02" in text
    assert "service_level = answered_within / (offered - open); threshold 20 s, inclusive" in text


def test_staff_prints_the_plan_as_csv(forecast: Path) -> None:
    done = run("staff", forecast, "-s", "80/20", "-z", "Europe/Istanbul", "--patience", "120", "--out", "-")
    plan = pd.read_csv(io.BytesIO(done.stdout))
    load = np.array(CALLS) * 180 / 1800
    assert (
        plan["agents"].tolist()
        == cc.erlang.agents_required(load, aht_s=180, target_service_level=0.8, threshold_s=20, patience_s=120).tolist()
    )
    assert pd.to_datetime(plan["interval_start"], utc=True).iloc[0] == STARTS[0]


def test_staff_writes_a_workbook_with_local_times_and_no_formula(forecast: Path, tmp_path: Path) -> None:
    hostile = pd.read_csv(forecast).assign(queue="=HYPERLINK(1)")
    hostile.to_csv(forecast, index=False)
    out = tmp_path / "plan.xlsx"
    done = run("staff", forecast, "-s", "80/20", "-z", "Europe/Istanbul", "--shrinkage", "0.3", "--out", out)
    assert done.returncode == 0, done.stderr.decode()
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["plan", "days", "to know"]
    rows = list(book["plan"].iter_rows(values_only=True))
    header = list(rows[0])
    assert rows[1][header.index("interval start (Europe/Istanbul)")] == STARTS[0].tz_localize(None).to_pydatetime()
    assert rows[1][header.index("queue")] == "'=HYPERLINK(1)"
    assert all(cell.data_type != "f" for row in book["plan"].iter_rows() for cell in row)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_wider_scope_costs_no_more(forecast: Path) -> None:
    hours = {}
    for scope in ("interval", "day"):
        done = run("staff", forecast, "-s", "80/20", "-z", "Europe/Istanbul", "--scope", scope, "--out", "-")
        hours[scope] = pd.read_csv(io.BytesIO(done.stdout))["agents"].sum()
    assert hours["day"] < hours["interval"]


def test_simulate_lives_through_the_day_and_writes_logs(forecast: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    words = ("simulate", forecast, "-z", "Europe/Istanbul", "--patience", "120", "--replications", "20")
    done = run(*words, "--agents", "12", "--seed", "7", "--out", out)
    assert done.returncode == 0, done.stderr.decode()
    assert "20 replications, seed 7" in done.stdout.decode()
    assert done.stdout == run(*words, "--agents", "12", "--seed", "7").stdout
    contacts, states = (pd.read_csv(out / f"{name}.csv") for name in ("contacts", "agent_states"))
    assert set(CONTACTS.names(required=True)) <= set(contacts.columns)
    assert set(AGENT_STATES.names(required=True)) <= set(states.columns)
    assert abs(len(contacts) - sum(CALLS)) < 6 * sum(CALLS) ** 0.5
    assert states["agent"].nunique() == 12
    staffed = run(*words, "-s", "80/20")
    assert b"each interval staffed to 80/20" in staffed.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("erlang", "-c", "100", "--aht", "180", "-s", "80"), "SHARE/SECONDS"),
        (("erlang", "-c", "100", "--aht", "180", "--shrinkage", "100%"), "shrinkage"),
        (("erlang", "-c", "-5", "--aht", "180"), "contacts"),
        (("erlang", "-c", "100", "--aht", "180", "--definition", "sl_answered"), "sl_answered_only"),
        (("erlang", "-c", "100", "--aht", "180", "--max-abandonment", "1", "--patience", "60"), "1% or 100%"),
        (("staff", "FORECAST", "-s", "80/20", "-z", "Europe/Istanbul", "--out", "nowhere/plan.csv"), "no folder"),
        (("staff", "FORECAST", "-s", "80/20", "-z", "Europe/Istanbul", "--out", "FORECAST"), "the forecast itself"),
        (("simulate", "FORECAST", "-z", "Europe/Istanbul", "--seed", "-1"), "seed"),
        (("staff", "nowhere.csv", "-s", "80/20"), "no file nowhere.csv"),
        (("staff", "FORECAST", "-z", "Europe/Istanbul"), "asked for"),
        (("staff", "FORECAST", "-s", "80/20"), "zone"),
        (("staff", "FORECAST", "-s", "80/20", "-z", "Europe/Istanbul", "--model", "erlang_d"), "erlang_c"),
        (("staff", "FORECAST", "-s", "80/20", "-z", "Europe/Istanbul", "--out", "plan.pdf"), ".xlsx"),
        (("simulate", "FORECAST", "-s", "80/20", "-z", "Europe/Istnbul"), "Europe/Istanbul"),
    ],
)
def test_bad_input_is_one_message_and_exit_status_2(words: tuple[str, ...], said: str, forecast: Path) -> None:
    done = run(*(str(forecast) if word == "FORECAST" else word for word in words))
    assert done.returncode == 2, done.stdout.decode()
    assert said in done.stderr.decode()


def test_one_bad_row_never_kills_a_plan(forecast: Path) -> None:
    rows = pd.read_csv(forecast).astype({"calls": "str", "aht": "float64"})
    rows.loc[3, "calls"], rows.loc[5, "calls"], rows.loc[7, "aht"] = "many", "-4", np.nan
    rows.to_csv(forecast, index=False)
    done = run("staff", forecast, "-s", "80/20", "-z", "Europe/Istanbul", "--out", "-")
    assert done.returncode == 0
    plan = pd.read_csv(io.BytesIO(done.stdout))
    assert plan["agents"].isna().to_numpy().nonzero()[0].tolist() == [3, 5, 7]
    assert plan["note"][[3, 5, 7]].str.len().gt(10).all()
    assert "line 5" in done.stderr.decode()


def test_no_more_agents_than_lines() -> None:
    done = run("erlang", "-c", "100", "--aht", "180", "--lines", "12", "-s", "80/20")
    assert done.returncode == 0, done.stderr.decode()
    assert "11 agents" in done.stdout.decode()
    assert "│     12 │" in done.stdout.decode()
    assert "│     13 │" not in done.stdout.decode()


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_plan_is_simulated_as_it_was_made(forecast: Path, tmp_path: Path, ending: str) -> None:
    plan = tmp_path / f"plan.{ending}"
    run("staff", forecast, "-s", "80/20", "-z", "Europe/Istanbul", "--patience", "60", "-d", "sl_early_abandoned_met", "-o", plan)
    simulated = run("simulate", plan, "-z", "Europe/Istanbul", "--replications", "30")
    assert simulated.returncode == 0, simulated.stderr.decode()
    text = simulated.stdout.decode()
    assert "sl_early_abandoned_met = (answered_within + abandoned_within) / (answered + abandoned); threshold 20 s" in text
    assert " – " in text  # limits
    other = run("simulate", plan, "-z", "Europe/Istanbul", "--replications", "30", "--patience", "600", "-s", "90/30").stdout.decode()
    assert "threshold 30 s" in other
    assert other != text
