"""Tables in files, counted a piece at a time: the same figures as in memory, whatever the pieces."""

from __future__ import annotations

import gc
import gzip
import os
import random
import sys
import tempfile
import warnings
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

import ccstats as cc
from ccstats.errors import ColumnError, DataWarning, FormatError, MissingExtraError, OptionError, SourceMissingError, TableError
from ccstats.intervals.merging import added_up


class Made(NamedTuple):
    contacts: pd.DataFrame
    agent_states: pd.DataFrame


@pytest.fixture(scope="module")
def made() -> Made:
    whole = cc.synthesize_contacts(seed=7)
    return Made(whole.contacts.iloc[:3000], whole.agent_states.iloc[:3000])


@pytest.fixture(scope="module")
def folder(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Contacts in files that are cut anywhere, in a folder below, not in the order of time."""
    folder = tmp_path_factory.mktemp("archive")
    (folder / "contacts" / "month=3").mkdir(parents=True)
    rng = np.random.default_rng(1)
    parts = np.array_split(rng.permutation(len(made.contacts)), 5)
    for at, rows in enumerate(parts):
        frame = made.contacts.iloc[rows].reset_index(drop=True)
        cc.write_parquet(frame, folder / "contacts" / "month=3" / f"{at}.parquet", table="contacts")
    cc.write_parquet(made.agent_states, folder / "states.parquet", table="agent_states")
    return folder


RULES = [
    {"threshold_s": 20},
    {"threshold_s": {"support": 20, "sales": 10}, "short_s": 5, "by": ("channel", "agent"), "timezone": "Europe/London"},
    {"attribute_by": "event", "every": "15min", "wait_histogram": (10, 60), "timezone": "Asia/Kolkata"},
    {"every": "1D", "fill": False, "clock": "queued", "inclusive": False},
]


@pytest.mark.parametrize("rules", RULES)
def test_the_pieces_give_what_the_whole_gives(rules: dict, made: Made, folder: Path) -> None:
    whole = cc.to_intervals(made.contacts, **rules)
    for batch_rows, cores in ((1_000_000, None), (777, 1), (200, 3)):
        pd.testing.assert_frame_equal(cc.to_intervals(cc.scan(folder / "contacts", batch_rows=batch_rows, cores=cores), **rules), whole)


def test_agent_states_too(made: Made, folder: Path) -> None:
    scanned = cc.scan(folder / "states.parquet", table="agent_states", batch_rows=500)
    assert scanned.rows == len(made.agent_states)
    pd.testing.assert_frame_equal(
        cc.to_agent_intervals(scanned, timezone="Europe/London"), cc.to_agent_intervals(made.agent_states, timezone="Europe/London")
    )


def test_only_the_columns_that_are_counted_are_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    read = parquet.ParquetFile.iter_batches
    monkeypatch.setattr(parquet.ParquetFile, "iter_batches", lambda file, **given: asked.append(given["columns"]) or read(file, **given))
    cc.to_intervals(cc.scan(folder / "contacts"), by="channel")
    assert len(asked) == 5
    assert all("channel" in columns and not {"contact_id", "agent", "raw_outcome", "customer"} & set(columns) for columns in asked)


def test_files_of_others_are_read_by_their_columns(made: Made, tmp_path: Path) -> None:
    """Text instead of categories, whole seconds, instants in another zone and unit, columns of their own."""
    frame = made.contacts[["queue", "queued_at", "outcome", "wait_s", "talk_s", "hold_s", "wrap_s"]]
    theirs = frame.assign(
        queue=frame["queue"].astype("str"), outcome=frame["outcome"].astype("str"), their_own=1,
        queued_at=frame["queued_at"].dt.floor("s").astype("datetime64[ms, Asia/Tokyo]"), wait_s=frame["wait_s"].round(),
    )  # fmt: skip
    theirs["wait_s"] = theirs["wait_s"].astype("Int32")
    parquet.write_table(pa.Table.from_pandas(theirs, preserve_index=False), tmp_path / "theirs.parquet")
    ours = frame.assign(queued_at=frame["queued_at"].dt.floor("s"), wait_s=frame["wait_s"].round())
    pd.testing.assert_frame_equal(cc.to_intervals(cc.scan(tmp_path, batch_rows=999)), cc.to_intervals(ours))


def test_sources_that_can_be_read_only_once(made: Made, folder: Path, tmp_path: Path) -> None:
    """What looks whether they are logs takes nothing from them."""
    assert cc.scan((folder / "contacts").rglob("*.parquet")).rows == len(made.contacts)
    log = tmp_path / "queue_log"
    log.write_bytes(b"1709280000|17.1|q|NONE|ENTERQUEUE||anna|1\n1709280012|17.1|q|NONE|ABANDON|1|1|12\n")
    with log.open("rb") as file:
        assert cc.scan(file).log.count("used") == 2
    assert cc.scan(iter([log])).log.count("used") == 2
    if Path("/dev/fd").is_dir():  # as a shell names <(zcat queue_log.gz)
        out, into = os.pipe()
        os.write(into, log.read_bytes())
        os.close(into)
        assert cc.scan(f"/dev/fd/{out}").log.count("used") == 2
        os.close(out)


def test_progress_ends_with_all(folder: Path) -> None:
    told: list[tuple[str, float]] = []
    cc.to_intervals(cc.scan(str(folder / "contacts" / "**" / "*.parquet"), batch_rows=400, progress=lambda *words: told.append(words)))
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert len({name for name, _ in told}) == 5


def test_what_is_wrong_is_said(made: Made, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceMissingError, match="no file"):
        cc.scan(tmp_path / "nowhere.parquet")
    with pytest.raises(SourceMissingError, match="no Parquet file in the folder"):
        cc.scan(tmp_path)
    with pytest.raises(FormatError, match="holds agent_states, not contacts"):
        cc.scan(folder / "states.parquet")
    (tmp_path / "log.parquet").write_bytes(b"1709280000|17.1|support|NONE|ENTERQUEUE||anna|1\n")
    with pytest.raises(FormatError, match=r"cannot be read as Parquet.*ccstats\.read"):
        cc.scan(tmp_path)
    parquet.write_table(pa.table({"queue": ["a"]}), tmp_path / "log.parquet")
    with pytest.raises(ColumnError, match="lacks queued_at, outcome, wait_s; it has queue"):
        cc.scan(tmp_path)
    for wrong in ({"batch_rows": 0}, {"cores": 1.5}, {"table": "surveys"}):
        with pytest.raises(OptionError, match=next(iter(wrong))):
            cc.scan(folder / "contacts", **wrong)
    whole = (folder / "contacts" / "month=3" / "0.parquet").read_bytes()
    (tmp_path / "log.parquet").write_bytes(whole[:100] + bytes(len(whole) // 2) + whole[100 + len(whole) // 2 :])
    with pytest.raises((FormatError, TableError)):
        cc.to_intervals(cc.scan(tmp_path))


@pytest.fixture(scope="module")
def rotated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A queue_log that was cut at twenty lines, the newest file without a number."""
    folder = tmp_path_factory.mktemp("logs")
    lines = gzip.decompress(Path(cc.sample_log()).read_bytes()).splitlines(keepends=True)[:12_000]
    edges = [0, *sorted(random.Random(9).sample(range(1, len(lines)), 20)), len(lines)]
    for at, (begin, end) in enumerate(pairwise(edges)):
        name = "queue_log" if at == 20 else f"queue_log.{20 - at}.gz"
        data = b"".join(lines[begin:end])
        (folder / name).write_bytes(data if at == 20 else gzip.compress(data))
    return folder


def test_logs_are_counted_file_by_file(rotated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls and stays of agents go on from one file to the next, and are over in some part of the reading."""
    monkeypatch.setattr("ccstats.readers.asterisk_queue_log.parts._ENOUGH", 300)
    whole = cc.read(str(rotated / "queue_log*"), key="k")
    rules = {"timezone": "Europe/Berlin", "threshold_s": 20}
    told: list[str] = []
    scanned = cc.scan(str(rotated / "queue_log*"), progress=lambda name, share: told.append(name))
    pd.testing.assert_frame_equal(cc.to_intervals(scanned, **rules), cc.to_intervals(whole.contacts, **rules))
    assert len({Path(name).name for name in told if "queue_log" in name}) == 21
    assert scanned.log.summary().equals(whole.summary())
    assert scanned.log.notes["note"].tolist() == whole.notes["note"].tolist()
    states = cc.scan(sorted(rotated.iterdir()), table="agent_states", key="k")
    pd.testing.assert_frame_equal(cc.to_agent_intervals(states), cc.to_agent_intervals(whole.agent_states))


def test_what_no_file_holds_is_counted(rotated: Path) -> None:
    """Without the files in the middle, calls have no beginning or no end."""
    files = [rotated / "queue_log.20.gz", rotated / "queue_log"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        scanned, whole = cc.scan(files), cc.read(files)
    assert "agent seen at work without a login: logged in from the first event" in set(scanned.log.notes["note"])
    assert scanned.log.notes.equals(whole.notes)
    pd.testing.assert_frame_equal(cc.to_intervals(scanned), cc.to_intervals(whole.contacts))


def test_the_temporary_archive_goes_with_the_scan(rotated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    scanned = cc.scan(rotated / "queue_log")
    assert len(list(tmp_path.iterdir())) == 1
    pieces = scanned.map_partitions(len)
    del scanned
    gc.collect()
    assert sum(pieces) > 0
    del pieces
    gc.collect()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "log").write_bytes(b"1709280000|17.1|support|NONE|NOTHING|\n")
    with pytest.raises(FormatError, match="no format known"):
        cc.scan(tmp_path / "log")
    with pytest.raises(OptionError, match="unknown option agent"):
        cc.scan(rotated / "queue_log", agent={})
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_log_without_visits_is_an_empty_table(tmp_path: Path) -> None:
    (tmp_path / "queue_log").write_bytes(b"1709280000|NONE|NONE|NONE|QUEUESTART|\n")
    scanned = cc.scan(tmp_path / "queue_log")
    assert (scanned.rows, scanned.log.count()) == (0, 1)
    assert cc.to_intervals(scanned).empty


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 2000), max_size=12), waiting=st.integers(1, 400))
def test_parts_are_added_up_as_they_come(cuts: list[int], waiting: int, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ccstats.intervals.merging._WAITING", waiting)
    contacts = made.contacts.iloc[:2000]
    edges = sorted({0, *cuts, len(contacts)})
    parts = [cc.to_intervals(contacts.iloc[a:b], fill=False) for a, b in zip(edges, edges[1:], strict=False)]
    most = []

    def merge(frames: list[pd.DataFrame]) -> pd.DataFrame:
        most.append(len(frames))
        return cc.merge_intervals(frames)

    assert cc.merge_intervals(added_up(iter(parts), merge)).equals(cc.to_intervals(contacts))


@pytest.mark.parametrize(
    "rules",
    [
        {"by": "queue", "period": "day", "timezone": "Europe/London"},
        {"by": ("queue", "channel"), "period": "weekday", "timezone": "Asia/Tokyo"},
        {"period": "slot", "every": "60min", "quantiles": [0, 0.25, 1], "within_s": [20]},
        {"clock": "arrived", "period": "interval"},
        {},
    ],
)
def test_waits_of_few_are_exact(rules: dict, made: Made, folder: Path) -> None:
    """Cells of no more waits than a sketch holds have the quantiles of memory, and counts are always exact."""
    ours = cc.measure_waits(made.contacts.iloc[:1900], **rules)
    path = cc.write_parquet(made.contacts.iloc[:1900], folder / "few.parquet", table="contacts")
    found = cc.measure_waits(cc.scan(path, batch_rows=400), **rules)
    errors = found[["wait_rank_error", "abandon_wait_rank_error"]]
    assert (errors == 0).all(axis=None)
    pd.testing.assert_frame_equal(found.drop(columns=errors.columns), ours, check_dtype=False, check_categorical=False)


def test_waits_by_a_column_that_some_contacts_lack(made: Made, tmp_path: Path) -> None:
    contacts = made.contacts.iloc[:900].reset_index(drop=True)
    contacts["agent"] = contacts["agent"].where(contacts.index % 7 > 0)
    for at in range(3):
        cc.write_parquet(contacts.iloc[300 * at : 300 * at + 300].reset_index(drop=True), tmp_path / f"{at}.parquet", table="contacts")
    for asked in ({"by": "agent"}, {"by": ("agent", "queue"), "period": "day"}):
        ours = cc.measure_waits(contacts, **asked)
        assert ours["agent"].isna().any()
        found = cc.measure_waits(cc.scan(tmp_path, batch_rows=100), **asked).iloc[:, :-2]
        pd.testing.assert_frame_equal(found, ours, check_dtype=False, check_categorical=False)


def test_waits_of_many_keep_their_rank_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    base = cc.synthesize_contacts(seed=7).contacts.iloc[:1000]
    for at in range(5):
        waits = np.round(rng.exponential(60, 40_000) + 1e-3, 6)
        rows = base.iloc[rng.integers(0, len(base), len(waits))].assign(outcome="answered", wait_s=waits, visit=1)
        rows["outcome"] = rows["outcome"].astype(base["outcome"].dtype)
        rows["contact_id"] = np.arange(len(rows)).astype(str)
        cc.write_parquet(rows.reset_index(drop=True), tmp_path / f"{at}.parquet", table="contacts")
    shares = [0.01, 0.5, 0.9, 0.99]
    found = cc.measure_waits(cc.scan(tmp_path, batch_rows=15_000), by="queue", quantiles=shares)
    whole = pd.concat([cc.read_parquet(path) for path in sorted(tmp_path.iterdir())])
    exact = cc.measure_waits(whole, by="queue", quantiles=shares)
    counts = [name for name in exact if name.split("_")[0] != "abandon" and "_p" not in name]
    assert found[counts].equals(exact[counts])
    for _, row in found.iterrows():
        waits = np.sort(whole.loc[whole["queue"] == row["queue"], "wait_s"])
        assert 0 < row["wait_rank_error"] < 0.002
        for share in shares:
            rank = np.searchsorted(waits, row[f"wait_p{100 * share:g}_s"], side="right") / len(waits)
            assert abs(rank - share) < 2 * row["wait_rank_error"]  # 99 % confidence once; the double practically always
    assert np.isnan(found["abandon_wait_p50_s"]).all()
    empty = cc.scan(cc.write_parquet(base.iloc[:0], tmp_path / "0.parquet", table="contacts"))
    pd.testing.assert_frame_equal(cc.measure_waits(empty).iloc[:, :-2], cc.measure_waits(base.iloc[:0]), check_dtype=False)
    assert cc.measure_waits(empty, by="queue").empty


def test_the_library_of_sketches_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasketches", None)
    with pytest.raises(MissingExtraError, match=r"ccstats\[sketch\]"):
        cc.measure_waits(cc.scan(folder / "contacts"))


@pytest.mark.parametrize("rules", [{}, {"by": "queue", "short_s": 5, "points": None}, {"by": ("channel", "agent"), "laws": ["weibull"]}])
def test_patience_of_files(rules: dict, made: Made, folder: Path) -> None:
    ours, found = cc.estimate_patience(made.contacts, **rules), cc.estimate_patience(cc.scan(folder / "contacts", batch_rows=350), **rules)
    assert (found.mean_low_s, found.mean_high_s) == pytest.approx((ours.mean_low_s, ours.mean_high_s), rel=1e-12)
    for name in ("groups", "laws", "curve", "virtual_wait", "hazard"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(ours, name), check_categorical=False, rtol=1e-9)
    with pytest.raises(ColumnError, match="brand"):
        cc.estimate_patience(cc.scan(folder / "contacts"), by="brand")
