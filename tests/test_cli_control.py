"""`ccstats deviations` as a manager meets it."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ccstats as cc
from command_line import run

ZONE = "Europe/Istanbul"


def to_queue_log(made) -> str:
    """A simulated centre as lines of a queue_log: agents who come and go, calls entered, and answered and hung up, or abandoned."""
    lines = []
    for agent, states in made.agent_states.groupby("agent", observed=True):
        for event, at in (("ADDMEMBER", states["started_at"].min()), ("REMOVEMEMBER", states["ended_at"].max())):
            lines.append((at.timestamp(), f"{int(at.timestamp())}|MANAGER|sales|{agent}|{event}|"))
    for row in made.contacts.itertuples():
        begin, queue, call = row.queued_at.timestamp(), row.queue, row.contact_id
        lines.append((begin, f"{int(begin)}|{call}|{queue}|NONE|ENTERQUEUE||5551|1"))
        left = begin + row.wait_s
        if row.outcome == "answered":
            lines.append((left, f"{int(left)}|{call}|{queue}|{row.agent}|CONNECT|{int(row.wait_s)}|{call}.1|2"))
            lines.append(
                (
                    left + row.talk_s,
                    f"{int(left + row.talk_s)}|{call}|{queue}|{row.agent}|COMPLETECALLER|{int(row.wait_s)}|{int(row.talk_s)}|1",
                )
            )
        else:
            lines.append((left, f"{int(left)}|{call}|{queue}|NONE|ABANDON|1|1|{int(row.wait_s)}"))
    return "\n".join(text for _, text in sorted(lines, key=lambda line: line[0])) + "\n"


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five weeks of one queue, open round the clock, and on the last Wednesday from two to six twice the calls."""
    begin = pd.Timestamp("2026-03-02", tz=ZONE)
    starts = pd.date_range(begin, periods=35 * 48, freq="30min")
    busy = (starts.date == pd.Timestamp("2026-04-01").date()) & (starts.hour >= 14) & (starts.hour < 18)
    forecast = pd.DataFrame(
        {
            "queue": "sales",
            "interval_start": starts.tz_convert("UTC").as_unit("us"),
            "interval_s": 1800.0,
            "expected_offered": np.where(busy, 60.0, 30.0),
            "expected_aht_s": 240.0,
        }
    ).astype({"queue": "category"})
    made = cc.simulate_contacts(forecast.assign(agents=7), patience_s=180.0, seed=3)
    folder = tmp_path_factory.mktemp("centre")
    (folder / "queue_log").write_text(to_queue_log(made))
    planned = forecast.assign(expected_offered=30.0)
    planned.to_csv(folder / "forecast.csv", index=False)
    return folder


def test_the_planted_afternoon_is_told_with_its_reason(centre: Path) -> None:
    plan = centre / "plan.csv"
    assert run("staff", centre / "forecast.csv", "-s", "80/20", "-z", ZONE, "--patience", "180", "--out", plan).returncode == 0
    done = run("deviations", centre / "queue_log", "-z", ZONE, "--plan", plan, "--since", "2026-04-01")
    text = done.stdout.decode()
    assert done.returncode == 1, done.stderr.decode()
    first = text.splitlines()[0]
    assert first.startswith("Wednesday 1 April 1"), text
    assert re.search(r"service level \d+ % where \d+ % was to be expected, \d+ points below, \d+ calls late", first)
    assert re.search(r"service level −\d+ points against the plan as modelled: .*volume −\d+", first)
    assert "judged by: " in done.stderr.decode()
    assert "March" not in text  # --since


def test_files_and_csv_say_the_same(centre: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("deviations", centre / "queue_log", "-z", ZONE, "--metric", "offered", "--metric", "service_level", "--out", out)
    assert done.returncode == 1, done.stderr.decode()
    points, incidents = (pd.read_csv(out / f"{name}.csv") for name in ("points", "incidents"))
    assert set(points["metric"]) == {"offered", "service_level"}
    printed = [line for line in done.stdout.decode().splitlines() if line]
    assert len(incidents) == len(printed) or printed[-1].startswith("… and ")
    assert all(said in done.stdout.decode() for said in incidents["in_words"].head(20))
    page = (out / "deviations.md").read_text()
    assert "service\\_level" in page or "service_level" in page
    csv = run("deviations", centre / "queue_log", "-z", ZONE, "--metric", "offered", "--metric", "service_level", "--out", "-")
    assert csv.returncode == 1
    assert len(pd.read_csv(io.BytesIO(csv.stdout))) == len(points)
    causes = pd.read_csv(out / "causes.csv")
    whole = causes.groupby("incident")
    gap = whole["planned_service_level"].first() + whole["contribution"].sum() - whole["service_level"].first()
    assert (gap.abs().dropna() < 1e-9).all()


def test_a_quiet_span_leaves_with_0(centre: Path) -> None:
    done = run("deviations", centre / "queue_log", "-z", ZONE, "--since", "2026-04-05 18:00")
    assert done.returncode == 0
    assert done.stdout.decode().startswith("nothing deviates since 2026-04-05 18:00: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--metric", "servicelevel"], "Did you mean service_level?"),
        (["--chart", "pchart"], "chart='pchart'"),
        (["--period", "fortnight"], "period='fortnight'"),
        (["--by", "agent"], "--by 'agent'"),
        (["--plan", "nowhere.csv"], "nowhere.csv"),
        (["--target", "eighty"], "--target 'eighty'"),
        (["--since", "yesterday-ish"], "since='yesterday-ish'"),
        (["--since", "2026-05-01"], "since='2026-05-01' is after the contacts, which end 2026-04-06 00:"),
        (["--plan", "{centre}/forecast.csv"], "column 'agents' is missing"),
    ],
)
def test_bad_arguments_are_said_with_status_2(centre: Path, arguments: list[str], said: str) -> None:
    done = run("deviations", centre / "queue_log", "-z", ZONE, *(each.format(centre=centre) for each in arguments))
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()


def test_agents_who_serve_one_queue_only_explain_it() -> None:
    log = Path(__file__).parents[1] / "data" / "samples" / "centre" / "queue_log.gz"  # free agents have no queue in it
    done = run("deviations", log, "-z", "Europe/Berlin", "--show", "5")
    assert done.returncode == 1, done.stderr.decode()
    assert "it is not known which queue" not in done.stderr.decode()
    lines = [line for line in done.stdout.decode().splitlines() if ": service level" in line]
    assert len(lines) == 5
    assert all(" against the usual as modelled: " in line for line in lines)
    assert any("agents " in line for line in lines)
