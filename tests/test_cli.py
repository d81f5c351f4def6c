"""The command line as a user meets it: output, files, exit status, messages; no traceback, ever."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from command_line import run

LOG = """\
1740816000|1740815990.1|sales|NONE|DID|4930
1740816000|1740815990.1|sales|NONE|ENTERQUEUE||5551234|1
1740816012|1740815990.1|sales|SIP/2001|CONNECT|12|1740816000.2|9
1740816132|1740815990.1|sales|SIP/2001|COMPLETECALLER|12|120|1
1740816300|1740816290.3|support|NONE|ENTERQUEUE||5559876|1
1740816340|1740816290.3|support|NONE|ABANDON|1|1|40
1743500000|1743499990.5|sales|NONE|ENTERQUEUE||5551111|1
1743500030|1743499990.5|sales|SIP/2001|CONNECT|30|1743500000.6|9
1743500090|1743499990.5|sales|SIP/2001|COMPLETEAGENT|30|60|1
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "queue_log"
    path.write_text(LOG, encoding="utf-8")
    return path


def test_help_and_version_load_nothing_heavy() -> None:
    code = "import sys, ccstats.cli; print(sorted({'pandas', 'numpy', 'numba', 'matplotlib'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
    alone = subprocess.run([sys.executable, "-m", "ccstats", "--version"], capture_output=True, check=True)
    assert alone.stdout == run("--version").stdout
    assert alone.stdout.startswith(b"ccstats 0.")
    commands = run("--help").stdout.decode()
    for command in ("report", "check", "stats", "formats", "map", "demo", "staff", "erlang", "simulate"):
        assert command in commands
        assert run(command, "--help").returncode == 0


def test_report_prints_the_monthly_table_with_its_definition(log: Path) -> None:
    done = run("report", log, "--timezone", "Europe/Berlin", "--threshold", "20")
    assert done.returncode == 0
    text = done.stdout.decode()
    assert "2025-03" in text
    assert "2025-04" in text
    assert "answered_within / (offered - open); threshold 20 s, inclusive" in text
    assert done.stderr.decode().strip() == "repaired or assumed: 1. ccstats check says which and why."


def test_report_as_csv_on_standard_output_and_from_standard_input() -> None:
    done = run("report", "-", "--timezone", "Europe/Berlin", "--out", "-", stdin=gzip.compress(LOG.encode()))
    assert done.returncode == 0
    lines = [line.split(",") for line in done.stdout.decode().splitlines()]
    table = pd.DataFrame(lines[1:], columns=lines[0])
    assert table["queue"].tolist() == ["sales", "sales", "support"] or sorted(table["queue"]) == ["sales", "sales", "support"]
    march = table[(table["queue"] == "sales") & table["period_start"].str.startswith("2025-03-01T00:00:00+01:00")]
    assert march["service_level"].astype(float).tolist() == [1.0]


def test_report_writes_markdown_and_csv(log: Path, tmp_path: Path) -> None:
    done = run("report", log, "-z", "Europe/Berlin", "--period", "all", "--short", "5", "-d", "sl_excl_short", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        "report.md",
        "service.csv",
        "service_total.csv",
        "waits.csv",
        "lines.csv",
        "rejected.csv",
        "notes.csv",
        "definitions.csv",
        "report.html",
        "report.xlsx",
        "tables",
    }
    service = pd.read_csv(tmp_path / "out" / "service.csv")
    assert service.set_index("queue")["offered"].to_dict() == {"sales": 2, "support": 1}
    assert service.set_index("queue")["sl_excl_short"].to_dict() == {"sales": 0.5, "support": 0.0}
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "| sales |" in text
    assert "short-abandon rule 5 s" in text


def test_thresholds_per_queue(log: Path) -> None:
    done = run("report", log, "-z", "Europe/Berlin", "-p", "all", "-t", "20", "-t", "sales=30", "-o", "-")
    header, *rows = [line.split(",") for line in done.stdout.decode().splitlines()]
    shown = {row[0]: row[header.index("threshold_s")] for row in rows}
    assert shown == {"sales": "30.0", "support": "20.0"}
    done = run("report", log, "-z", "Europe/Berlin", "-t", "sals=30")
    assert done.returncode == 2
    assert b"no queue sals in the log; it has: sales, support" in done.stderr


def test_check_is_content_with_a_sound_log_and_finds_what_is_wrong(log: Path, tmp_path: Path) -> None:
    done = run("check", log)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert b"9 lines = " in done.stdout
    cut = tmp_path / "cut"
    cut.write_text(LOG + "17435000", encoding="utf-8")
    done = run("check", cut, "--format", "asterisk_queue_log")
    assert done.returncode == 1
    assert b"10 lines = " in done.stdout
    assert b"1 rejected" in done.stdout


def test_stats_and_formats_and_map(log: Path, tmp_path: Path) -> None:
    done = run("stats", log, "-z", "Europe/Berlin", "--out", tmp_path / "stats")
    assert done.returncode == 0, done.stderr.decode()
    assert b"2001" in done.stdout
    assert {"agents.csv", "queue_waits.csv"} <= {path.name for path in (tmp_path / "stats").iterdir()}
    hidden = run("stats", log, "-z", "Europe/Berlin", "--suppress-below", 5)
    assert hidden.returncode == 0, hidden.stderr.decode()
    assert "Figures on fewer than 5 contacts are blank" in hidden.stdout.decode()
    assert run("stats", log, "-z", "Europe/Berlin", "--suppress-below", -1).returncode == 2
    rows = run("report", log, "-z", "Europe/Berlin", "--suppress-below", 5, "--by", "agent")
    assert rows.returncode == 0, rows.stderr.decode()
    assert "Rows on fewer than 5 contacts are blank" in rows.stdout.decode()
    assert b"2001" not in rows.stdout
    assert b"2001" in run("report", log, "-z", "Europe/Berlin", "--by", "agent", "--agent-names").stdout
    assert b"asterisk_queue_log" in run("formats").stdout
    calls = tmp_path / "calls.csv"
    calls.write_text("Call ID,Queue,Queued at,Wait (s),Result\n1,sales,2025-03-01 09:00:00,12,answered\n", encoding="utf-8")
    drafted = run("map", calls)
    assert drafted.returncode == 0
    assert b"[columns]" in drafted.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["report", "no_such_log", "-z", "Europe/Berlin"], "no_such_log"),
        (["report", "queue_log"], "--timezone"),
        (["report", "queue_log", "-z", "Europe/Berln"], "Europe/Berlin"),
        (["report", "queue_log", "-z", "Europe/Berlin", "--period", "fortnight"], "month"),
        (["report", "queue_log", "-z", "Europe/Berlin", "--by", "qeue"], "qeue"),
        (["report", "queue_log", "-z", "Europe/Berlin", "--threshold", "soon"], "expected seconds"),
        (["report", "queue_log", "-z", "Europe/Berlin", "--definition", "sl_best"], "sl_excl_short"),
        (["report", "queue_log", "-z", "Europe/Berlin", "--every", "7min"], "7min"),
        (["report", "queue_log", "-z", "Europe/Berlin", "--format", "asterisk"], "asterisk_queue_log"),
        (["report", "queue_log", "-z", "Europe/Berlin", "--out", "queue_log"], "queue_log"),
        (["check", "empty"], "empty"),
        (["check", "picture"], "format"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_message_and_exit_status_2(words: list[str], says: str, log: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(100))
    done = run(*words, folder=tmp_path)
    assert done.returncode == 2, done.stdout.decode() + done.stderr.decode()
    assert says in " ".join(done.stderr.decode().split())


def test_hostile_names_reach_neither_terminal_nor_spreadsheet(tmp_path: Path) -> None:
    nasty = "=cmd()[red]\x1b[2J<script>"
    path = tmp_path / "queue_log"
    path.write_text(LOG.replace("support", nasty), encoding="utf-8")
    done = run("report", path, "-z", "Europe/Berlin", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr.decode()
    assert b"\x1b[2J" not in done.stdout
    assert b"[red]" in done.stdout
    assert "\n'=cmd()" in (tmp_path / "out" / "service.csv").read_text(encoding="utf-8").replace('"', "")
    assert "<script>" not in (tmp_path / "out" / "report.md").read_text(encoding="utf-8")


def test_the_zone_can_come_from_the_environment(log: Path) -> None:
    assert run("report", log, env={"CCSTATS_TIMEZONE": "Europe/Berlin"}).returncode == 0


def test_demo_in_an_empty_folder(tmp_path: Path) -> None:
    done = run("demo", folder=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "ccstats-demo" / "report.md").is_file()


def test_on_a_narrow_screen_no_figure_is_cut(log: Path) -> None:
    import pty

    command = [sys.executable, "-m", "ccstats", "report", str(log), "-z", "Europe/Berlin"]
    screen, terminal = pty.openpty()
    with subprocess.Popen(
        command, stdout=terminal, stderr=subprocess.DEVNULL, env=os.environ | {"COLUMNS": "72", "TERM": "dumb"}
    ) as process:
        os.close(terminal)
        shown = b""
        try:
            while chunk := os.read(screen, 4096):
                shown += chunk
        except OSError:  # the other end is closed
            pass
    assert process.returncode == 0
    text = shown.decode()
    assert "…" not in text
    assert text.count("│ support │") > 1
    assert all(name in text for name in ("service level", "abandonment rate", "mean abandon [s]", "AHT [s]"))
    assert max(map(len, text.splitlines()[1:-1])) <= 150


def test_the_clock_of_the_log_and_the_zone_of_the_report_are_two_things(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text("id,q,at,w,r\n1,sales,2025-06-30 23:30:00,5,answered\n", encoding="utf-8")
    (tmp_path / "calls.toml").write_text(
        '[columns]\ncontact_id = "id"\nqueue = "q"\nqueued_at = "at"\nwait_s = "w"\noutcome = "r"\n'
        '[constants]\nchannel = "voice"\ndirection = "inbound"\n[outcomes]\nanswered = "answered"\n',
        encoding="utf-8",
    )
    words = ["report", tmp_path / "calls.csv", "-m", tmp_path / "calls.toml", "-z", "Europe/London", "-o", "-"]
    assert b"2025-06-01T00:00:00+01:00" in run(*words).stdout
    assert b"2025-07-01T00:00:00+01:00" in run(*words, "--clock", "UTC").stdout
    with (tmp_path / "calls.toml").open("a", encoding="utf-8") as file:
        file.write('[clock]\ntimezone = "UTC"\n')
    assert b"2025-07-01T00:00:00+01:00" in run(*words).stdout


def test_a_wrong_format_is_bad_input_not_an_empty_report(log: Path) -> None:
    done = run("report", log, "-z", "Europe/Berlin", "--format", "technion_bank")
    assert done.returncode == 2
    assert b"none of 9 lines could be used as 'technion_bank'" in done.stderr


def test_a_closed_pipe_is_no_finding_and_a_full_disk_is_one_message(log: Path) -> None:
    piped = f"{sys.executable} -m ccstats check {log} | head -1; exit ${{PIPESTATUS[0]}}"
    assert subprocess.run(["bash", "-c", piped], capture_output=True, check=False).returncode == 0
    if Path("/dev/full").exists():
        for words in (["check", log], ["report", log, "-z", "UTC", "-o", "-"]):
            with Path("/dev/full").open("w") as full:
                command = [sys.executable, "-m", "ccstats", *map(str, words)]
                done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
            assert done.returncode == 2, done.stderr
            assert b"Traceback" not in done.stderr
            assert b"the output cannot be written" in done.stderr
