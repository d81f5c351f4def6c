"""`ccstats report` with an agreement: the bundled centre, the same bytes each time, in Turkish, suppressed; what goes wrong."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import openpyxl
import pandas as pd
import pytest

import command_line

CENTRE = Path(__file__).parents[1] / "data" / "samples" / "centre"
RECORDS = ("surveys", "evaluations", "complaints", "forecast")
LOG = """\
1740816000|1740815990.1|=1+1|NONE|ENTERQUEUE||5551234|1
1740816012|1740815990.1|=1+1|SIP/2001|CONNECT|12|1740816000.2|9
1740816132|1740815990.1|=1+1|SIP/2001|COMPLETECALLER|12|120|1
"""
AGREEMENT = """\
client = "[bold]<script>x</script>|y"
name = "small"
timezone = "UTC"
[[targets]]
name = "level"
metric = "service_level"
op = ">="
value = 0.8
"""


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


def run(*words: str | Path) -> Done:
    done = command_line.run("report", *words)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def centre(*more: str | Path) -> tuple[str | Path, ...]:
    records = [word for name in RECORDS for word in (f"--{name}", CENTRE / f"{name}.csv")]
    return CENTRE / "queue_log.gz", "--agreement", CENTRE / "agreement.toml", *records, *more


def alone(*words: str | Path, seed: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, whose hashes begin with ``seed``."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CCSTATS_")} | {"PYTHONHASHSEED": seed}
    command = [sys.executable, "-m", "ccstats", "report", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=clean, timeout=300, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """The same command twice, in two processes that hash differently."""
    folders = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    done = [alone(*centre("--out", folder), seed=seed) for folder, seed in zip(folders, ("1", "4711"), strict=True)]
    assert [each.returncode for each in done] == [0, 0], done[0].stderr + done[1].stderr
    return *folders, done[0].stdout


def test_the_same_command_gives_the_same_bytes(twice: tuple[Path, Path, str]) -> None:
    one, other, _ = twice
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    assert {"kpis.csv", "kpis.json", "index.csv", "trace.csv", "scorecard.md", "scorecard.xlsx", "provenance.json"} <= set(names)
    for name in names:
        if name.endswith((".csv", ".json", ".md")) and name != "provenance.json":
            assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_data_hold_no_clock_no_word_for_missing_and_ten_digits(twice: tuple[Path, Path, str]) -> None:
    text = (twice[0] / "kpis.json").read_text()
    told = json.loads(text)
    assert text == json.dumps(told, sort_keys=True, ensure_ascii=False, indent=1) + "\n"
    assert not {"NaN", "Infinity"} & set(text.split())
    today = pd.Timestamp.now(tz="UTC")
    for path in twice[0].iterdir():
        if path.suffix in (".csv", ".json") and path.name != "provenance.json":
            assert f"{today:%Y-%m-%d}" not in path.read_text()
    for row in told["kpis"]:
        for value in row.values():
            if isinstance(value, float):
                assert value == float(f"{value:.10g}")
    assert set(json.loads((twice[0] / "provenance.json").read_text())) >= {"made_at", "python", "packages", "ccstats"}


def test_the_scorecard_of_the_centre_has_every_kind_of_figure(twice: tuple[Path, Path, str]) -> None:
    kpis = pd.read_csv(twice[0] / "kpis.csv")
    wanted = {"service_level", "abandonment_rate", "asa_s", "fcr_window", "csat_top2", "nps", "complaints_per_1000", "qm_score", "wape"}
    assert wanted <= set(kpis["metric"])
    assert set(kpis["verdict"]) == {"met", "not_met", "not_decidable"}
    assert (kpis["verdict_reason"].notna() == (kpis["verdict"] == "not_decidable")).where(kpis["target"] != "csat", True).all()
    known = kpis[kpis["value"].notna()]
    assert wanted <= set(known["metric"])
    with_interval = known[~known["metric"].isin(["wape"])]
    assert (with_interval["value_low"] <= with_interval["value"] + 1e-9).all()
    assert (with_interval["value_high"] >= with_interval["value"] - 1e-9).all()
    for said in ("Scorecard", "service_level", "not met", "not decidable", "complaints_in_time", "forecast_accuracy", "Index"):
        assert said in twice[2], said


def test_page_workbook_and_screen_show_the_same(twice: tuple[Path, Path, str]) -> None:
    sheet = list(openpyxl.load_workbook(twice[0] / "scorecard.xlsx")["scorecard"].values)
    text = (twice[0] / "scorecard.md").read_text()
    kpis = pd.read_csv(twice[0] / "kpis.csv")
    assert len(sheet) - 1 == len(kpis)
    heads = list(sheet[0])
    for row, kpi in zip(sheet[1:], kpis.itertuples(), strict=True):
        shown = row[heads.index("Value")]
        if kpi.unit == "ratio" and kpi.value == kpi.value:
            assert shown == f"{100 * kpi.value:.1f} %"
        assert str(shown) in text
        assert str(shown) in twice[2]


def test_the_trace_names_the_files_by_their_bytes(twice: tuple[Path, Path, str]) -> None:
    import hashlib

    with (twice[0] / "trace.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    digests = {row["input"]: row["sha256"] for row in rows}
    for name, path in (("contacts", "queue_log.gz"), ("surveys", "surveys.csv"), ("complaints", "complaints.csv")):
        assert digests[name] == hashlib.sha256((CENTRE / path).read_bytes()).hexdigest()


def test_in_turkish_and_suppressed(tmp_path: Path) -> None:
    done = run(*centre("--period", "week", "--lang", "tr", "--suppress-below", "15", "--out", tmp_path))
    assert done.returncode == 0, done.stderr
    for said in ("karar verilemez", "Hizmet seviyesi"):
        assert said in (tmp_path / "scorecard.md").read_text().casefold() or said in (tmp_path / "scorecard.md").read_text(), said
    kpis = pd.read_csv(tmp_path / "kpis.csv")
    assert not kpis["count"].between(1, 14).any()
    gone = kpis[kpis["verdict_reason"] == "fewer than 15 cases: suppressed"]
    assert len(gone)
    assert gone[["value", "count", "indicator"]].isna().all(axis=None)
    assert pd.read_csv(tmp_path / "trace.csv")["rows"].isna().all()
    index = pd.read_csv(tmp_path / "index.csv")
    assert index["kpi_index"].dropna().between(0, 100).all()


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, Path]:
    log, deal = tmp_path / "queue_log", tmp_path / "agreement.toml"
    log.write_text(LOG, encoding="utf-8")
    deal.write_text(AGREEMENT, encoding="utf-8")
    return log, deal


def test_records_without_an_agreement_are_an_error(small: tuple[Path, Path]) -> None:
    done = run(small[0], "--timezone", "UTC", "--surveys", CENTRE / "surveys.csv")
    assert done.returncode == 2
    assert "--surveys is for the scorecard, which needs --agreement" in done.stderr


def test_a_bad_agreement_is_told_by_file_line_and_key(small: tuple[Path, Path]) -> None:
    small[1].write_text(AGREEMENT.replace("service_level", "servce_level"), encoding="utf-8")
    done = run(small[0], "--agreement", small[1])
    assert done.returncode == 2
    for said in (str(small[1]), "line 6", "metric", "servce_level", "service_level"):
        assert said in done.stderr, done.stderr


def test_a_period_that_no_scorecard_has_is_refused_at_once(small: tuple[Path, Path]) -> None:
    done = run(small[0], "--agreement", small[1], "--period", "slot")
    assert done.returncode == 2
    assert "give one of day, week, month, quarter, year" in done.stderr


def test_a_formula_for_a_queue_and_markup_for_a_client_do_no_harm_and_rejected_records_are_said(
    small: tuple[Path, Path], tmp_path: Path
) -> None:
    lines = (CENTRE / "complaints.csv").read_text(encoding="utf-8").splitlines()
    broken = lines[1].split(",")
    broken[lines[0].split(",").index("received_at")] = "some day"
    path, out = tmp_path / "complaints.csv", tmp_path / "out"
    path.write_text("\n".join([lines[0], ",".join(broken), lines[2]]) + "\n", encoding="utf-8")
    done = run(small[0], "--agreement", small[1], "--complaints", path, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "1 rows rejected, first in line 2" in done.stderr.replace("\n", " ")
    assert "[bold]<script>" in done.stdout  # as it is, not as markup
    text = (out / "scorecard.md").read_text()
    assert "<script>" not in text
    rows = pd.read_csv(out / "kpis.csv", dtype="str")
    assert rows["queue"].tolist() == ["'=1+1"]
    cells = [cell for sheet in openpyxl.load_workbook(out / "scorecard.xlsx") for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]


def test_a_schedule_beside_the_log_makes_adherence_a_figure(tmp_path: Path) -> None:
    """Planned from nine to eleven, there from half past nine on; a break that is kept."""
    log, deal, plan = (tmp_path / name for name in ("queue_log", "agreement.toml", "roster.csv"))
    log.write_text(
        "1740821400|NONE|help|Ada|ADDMEMBER|\n1740821460|1740821460.1|help|NONE|ENTERQUEUE||5551234|1\n"
        "1740821470|1740821460.1|help|Ada|CONNECT|10|1740821460.2|9\n1740821500|1740821460.1|help|Ada|COMPLETECALLER|10|30|1\n"
        "1740823200|NONE|NONE|Ada|PAUSEALL|break\n1740825000|NONE|NONE|Ada|UNPAUSEALL|\n1740826800|NONE|help|Ada|REMOVEMEMBER|\n"
    )
    targets = "".join(
        f'[[targets]]\nname = "{name}"\nmetric = "{name}"\nop = ">="\nvalue = 0.5\nby_queue = false\n'
        for name in ("adherence", "conformance", "shrinkage")
    )
    deal.write_text('client = "C"\nname = "small"\ntimezone = "UTC"\n' + targets)
    plan.write_text(
        "agent,started_at,ended_at,activity,queue\nAda,2025-03-01T09:30Z,2025-03-01T10:00Z,on_queue,help\n"
        "Ada,2025-03-01T10:00Z,2025-03-01T10:30Z,break,\nAda,2025-03-01T10:30Z,2025-03-01T11:00Z,on_queue,help\n"
    )
    words = (log, "--agreement", deal, "--timezone", "UTC", "--period", "day")
    done = run(*words, "--schedule", plan, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "out" / "kpis.csv").open(encoding="utf-8-sig", newline="") as file:
        found = {row["metric"]: float(row["value"]) for row in csv.DictReader(file)}
    assert found == pytest.approx({"adherence": 1.0, "conformance": 1.0, "shrinkage": 1 / 3})
    without = run(*words)
    assert without.returncode == 0
    assert "schedule" in without.stdout
    plan.write_text("agent,started_at\nAda,2025-03-01T09:30Z\n")
    assert run(*words, "--schedule", plan).returncode == 2
