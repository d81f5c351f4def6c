"""A workbook saved by LibreOffice is read like the CSV it was made from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pandas as pd
import pytest

import ccstats as cc

CSV = """call,queue,joined,waited,spoke,result
00012,sales,2025-03-01 09:00:00,12,95,ANSWER
00013,second,2025-03-01 09:01:00,40,,GAVE UP
"""
MAPPING = {
    "constants": {"channel": "voice", "direction": "inbound"},
    "columns": {"contact_id": "call", "queue": "queue", "queued_at": "joined", "wait_s": "waited", "talk_s": "spoke", "outcome": "result"},
    "outcomes": {"ANSWER": "answered", "GAVE UP": "abandoned"},
}


@pytest.mark.office
def test_a_workbook_of_libreoffice_reads_like_its_csv(tmp_path: Path) -> None:
    source = tmp_path / "calls.csv"
    source.write_text(CSV, encoding="utf-8")
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    # Filter options: comma, double quote, UTF-8, first row 1, and the first column as text so that its zeros stay.
    subprocess.run(
        ["soffice", profile, "--headless", "--infilter=CSV:44,34,76,1,1/2", "--convert-to", "xlsx", "--outdir", tmp_path, source],
        check=True,
        capture_output=True,
        timeout=300,
    )
    from_csv = cc.read(source, format="mapped", mapping=MAPPING, timezone="Europe/Berlin").contacts
    from_xlsx = cc.read(tmp_path / "calls.xlsx", format="mapped", mapping=MAPPING, timezone="Europe/Berlin").contacts
    assert from_csv["contact_id"].tolist() == ["00012", "00013"]
    assert from_csv["queued_at"].iloc[0] == pd.Timestamp("2025-03-01T08:00:00Z")
    pd.testing.assert_frame_equal(from_csv, from_xlsx)
