"""History from files: tables of intervals come back as they were, planners' tables are taken for what they count, logs are told apart."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.errors import CcstatsError, FormatError
from ccstats.report.files import csv_text
from ccstats.workforce.counted_files import is_counted, read_counted, read_spans_table

ZONE = "Europe/Berlin"
SAMPLES = Path(__file__).parents[2] / "data" / "samples"
SUMS = [f"total_{part}_s" for part in ("talk", "hold", "wrap")] + [f"{part}_known" for part in ("talk", "hold", "wrap")]
NEEDED = ["queue", "interval_start", "interval_s", "offered", *SUMS]


@pytest.fixture(scope="module")
def intervals() -> pd.DataFrame:
    contacts = cc.synthesize_contacts(seed=3, days=3).contacts
    return cc.to_intervals(contacts, timezone=ZONE, threshold_s=20)


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "xlsx", "parquet"])
def test_intervals_come_back(intervals: pd.DataFrame, kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"intervals.{kind}"
    if kind == "parquet":
        cc.write_parquet(intervals, path, table="intervals")
    elif kind == "xlsx":
        intervals[NEEDED].assign(interval_start=intervals["interval_start"].dt.tz_localize(None)).to_excel(path, index=False)
    else:
        data = csv_text(intervals).encode()
        path.write_bytes(gzip.compress(data) if kind == "csv.gz" else data)
    assert is_counted(path)
    again = read_counted(path, timezone="UTC" if kind == "xlsx" else None)
    wanted = intervals[NEEDED].astype({"queue": "str"})
    assert_frame_equal(again[NEEDED].astype({"queue": "str"}), wanted, check_dtype=False, rtol=1e-12)


def test_a_planners_history_is_what_it_counts() -> None:
    text = "Date;Time;Skill;Calls offered;AHT (min)\n2024-03-04;09:00;help;12;4\n2024-03-04;09:30;help;;4\n2024-03-04;10:00;help;7;\n"
    assert is_counted(text.encode())
    made = read_counted(text.encode(), timezone=ZONE)
    assert made["interval_start"].tolist() == [pd.Timestamp("2024-03-04 08:00Z"), pd.Timestamp("2024-03-04 09:00Z")]
    assert made[["queue", "interval_s", "offered", "total_talk_s", "talk_known"]].values.tolist() == [
        ["help", 1800.0, 12, 2880.0, 12],
        ["help", 1800.0, 7, 0.0, 0],
    ]


@pytest.mark.parametrize(
    "folder", sorted(path.name for path in SAMPLES.iterdir() if path.is_dir() and path.name not in ("centre", "records"))
)
def test_no_log_is_taken_for_a_table_of_intervals(folder: str) -> None:
    for path in sorted((SAMPLES / folder).iterdir()):
        if path.is_file() and not path.name.endswith((".contacts.csv", ".agent_states.csv", ".intervals.csv", ".agent_intervals.csv")):
            try:
                assert not is_counted(path), path
            except CcstatsError as error:  # an empty or broken sample is the reader's to tell
                assert str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("cell", "name", "said"),
    [("many", "offered", "line 2: offered 'many' is no number"), ("", "offered", "line 2: offered is missing"), ("-3", "offered", "line 2"),
     ("soon", "interval_start", "line 2: interval_start 'soon' is no time"), ("nan", "total_talk_s", "line 2: total_talk_s 'nan'"),
     ("1e999", "interval_s", "line 2: interval_s")],
)  # fmt: skip
def test_what_is_no_number_is_named_with_its_line(intervals: pd.DataFrame, cell: str, name: str, said: str) -> None:
    frame = pd.read_csv(io.StringIO(csv_text(intervals[NEEDED].head(3))), dtype="str")
    frame.loc[0, name] = cell
    with pytest.raises(FormatError) as raised:
        read_counted(frame.to_csv(index=False).encode())
    assert said in str(raised.value)


def test_events_and_own_figures_are_tables(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("start;end;queue;offered;factor\n2026-03-02;2026-03-03;;120;\n2026-03-04 08:00;2026-03-04 12:00;help;;1.25\n")
    made = read_spans_table(path)
    assert made["start"].tolist() == ["2026-03-02", "2026-03-04 08:00"]
    assert made["queue"].isna().tolist() == [True, False]
    assert made["offered"].tolist()[0] == 120
    path.write_text("start,end\n2026-03-02\n")
    with pytest.raises(FormatError, match="line 2: 1 fields"):
        read_spans_table(path)
