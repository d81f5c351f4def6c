"""The same sums from a Spark cluster: partitions as they come, workers that die, tables that do not fit."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import ccstats as cc
from ccstats.errors import ColumnError, TableError

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def session() -> Iterator[Any]:
    """A cluster of two workers in this machine, by the Python of the tests."""
    import sys

    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pyspark.sql import SparkSession

        spark = (
            SparkSession.builder.master("local[2,2]")  # a task is tried twice
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.session.timeZone", "America/Bogota")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .getOrCreate()
        )
        spark.sparkContext.setLogLevel("OFF")
    yield spark
    spark.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Contacts in seven files, rows anywhere."""
    folder = tmp_path_factory.mktemp("spark")
    contacts = cc.synthesize_contacts(seed=3).contacts
    for at, rows in enumerate(np.array_split(np.random.default_rng(0).permutation(len(contacts)), 7)):
        cc.write_parquet(contacts.iloc[rows].reset_index(drop=True), folder / f"{at}.parquet", table="contacts")
    return folder


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"pyspark\..*")
        warnings.filterwarnings("ignore", category=ResourceWarning)
        yield


@pytest.mark.parametrize(
    "rules",
    [
        {"threshold_s": 20, "timezone": "Europe/London"},
        {"threshold_s": {"support": 20}, "short_s": 5, "by": ("channel",), "wait_histogram": (10, 60), "attribute_by": "event"},
        {"every": "1D", "fill": False},
    ],
)
def test_the_cluster_gives_what_memory_gives(rules: dict, session: Any, folder: Path) -> None:
    whole = pd.concat([cc.read_parquet(path) for path in sorted(folder.iterdir())], ignore_index=True)
    frame = session.read.parquet(str(folder))
    pd.testing.assert_frame_equal(cc.to_intervals(cc.scan(frame, batch_rows=300), **rules), cc.to_intervals(whole, **rules))


def test_agent_states_too(session: Any, tmp_path: Path) -> None:
    states = cc.synthesize_contacts(seed=3).agent_states
    cc.write_parquet(states, tmp_path / "states.parquet", table="agent_states")
    scanned = cc.scan(session.read.parquet(str(tmp_path)), table="agent_states")
    ours = cc.to_agent_intervals(states, timezone="Europe/London")
    pd.testing.assert_frame_equal(cc.to_agent_intervals(scanned, timezone="Europe/London"), ours)


@pytest.mark.parametrize(
    "rules", [{"by": "queue", "period": "day", "timezone": "Europe/London"}, {"period": "weekday"}, {"by": ("queue", "channel")}, {}]
)
def test_waits_too(rules: dict, session: Any, folder: Path) -> None:
    """Counts are those of memory; quantiles are, where there are few waits, and else near in rank."""
    whole = pd.concat([cc.read_parquet(path) for path in sorted(folder.iterdir())], ignore_index=True)
    ours, found = cc.measure_waits(whole, **rules), cc.measure_waits(cc.scan(session.read.parquet(str(folder)), batch_rows=300), **rules)
    sure = [name for name in ours if "_p" not in name or name.startswith("period")]
    pd.testing.assert_frame_equal(found[sure], ours[sure], check_dtype=False, check_categorical=False)
    few = found["wait_rank_error"] == 0
    pd.testing.assert_frame_equal(found.loc[few, list(ours)], ours[few], check_dtype=False, check_categorical=False)
    assert (found["wait_rank_error"] < 0.002).all()


def test_a_worker_that_is_killed_changes_nothing(session: Any, folder: Path, tmp_path: Path) -> None:
    """The first worker that counts kills itself; Spark tries its task again, and nothing is counted twice."""
    from ccstats.intervals import tables
    from ccstats.intervals.counts import CountPart

    class Murdered(CountPart):
        def __call__(self, part: Any) -> pd.DataFrame:
            try:
                (tmp_path / "killed").touch(exist_ok=False)
            except FileExistsError:
                return super().__call__(part)
            if len(part):
                os.kill(os.getpid(), signal.SIGKILL)
            (tmp_path / "killed").unlink()  # this is the driver, which counts no row
            return super().__call__(part)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "CountPart", Murdered)
        counted = cc.to_intervals(cc.scan(session.read.parquet(str(folder))), threshold_s=20)
    assert (tmp_path / "killed").exists()
    whole = pd.concat([cc.read_parquet(path) for path in sorted(folder.iterdir())], ignore_index=True)
    pd.testing.assert_frame_equal(counted, cc.to_intervals(whole, threshold_s=20))


@pytest.fixture(scope="module")
def called_again(tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path]:
    """Contacts whose customers are known, visits of one contact apart, in five files, rows anywhere."""
    folder = tmp_path_factory.mktemp("again")
    contacts = cc.read(cc.sample_log(), key="k").contacts
    assert contacts["visit"].max() > 1
    for at, rows in enumerate(np.array_split(np.random.default_rng(1).permutation(len(contacts)), 5)):
        cc.write_parquet(contacts.iloc[rows].reset_index(drop=True), folder / f"{at}.parquet", table="contacts")
    return contacts, folder


@pytest.mark.parametrize(
    "asked", [{}, {"by": "queue", "period": "month", "timezone": "Europe/Berlin"}, {"window_days": 2, "by": "channel"}]
)
def test_who_called_again_too(asked: dict, session: Any, called_again: tuple[pd.DataFrame, Path]) -> None:
    contacts, folder = called_again
    scanned = cc.scan(session.read.parquet(str(folder)), batch_rows=2_000)
    found, ours = (cc.measure_resolution(each, key="customer", **asked) for each in (scanned, contacts))
    assert ours["repeat_contacts"].sum() > 100
    pd.testing.assert_frame_equal(found, ours, check_categorical=False)
    repeats = [cc.list_repeats(each, key="customer", window_days=asked.get("window_days", 7)) for each in (scanned, contacts)]
    pd.testing.assert_frame_equal(*repeats, check_categorical=False)


def test_patience_too(session: Any, folder: Path) -> None:
    whole = pd.concat([cc.read_parquet(path) for path in sorted(folder.iterdir())], ignore_index=True)
    found, ours = (cc.estimate_patience(each, by="queue") for each in (cc.scan(session.read.parquet(str(folder))), whole))
    assert found.mean_s == pytest.approx(ours.mean_s, rel=1e-12)
    pd.testing.assert_frame_equal(found.groups, ours.groups, check_categorical=False, rtol=1e-9)


def test_a_shuffle_loses_no_row_and_brings_a_key_together(session: Any, folder: Path) -> None:
    whole = pd.concat([cc.read_parquet(path) for path in sorted(folder.iterdir())], ignore_index=True)
    by_contact = cc.scan(session.read.parquet(str(folder)), batch_rows=300).shuffle(lambda frame: frame["contact_id"])
    pieces = list(by_contact.map_partitions(lambda frame: frame))
    assert len(pieces) > 1
    ids = [set(piece["contact_id"]) for piece in pieces]
    assert sum(map(len, ids)) == len(set().union(*ids)) == whole["contact_id"].nunique()
    order = ["contact_id", "visit"]
    back = pd.concat([cc.schema.worded(piece) for piece in pieces]).sort_values(order, ignore_index=True)
    pd.testing.assert_frame_equal(back, cc.schema.worded(whole).sort_values(order, ignore_index=True)[list(back)], check_dtype=False)


def test_what_does_not_fit_is_said(session: Any, folder: Path) -> None:
    frame = session.read.parquet(str(folder))
    with pytest.raises(TableError, match="queued_at"):
        cc.to_intervals(cc.scan(frame.drop("queued_at")))
    with pytest.raises(TableError, match=r"queued_at is a time without a zone"):
        cc.to_intervals(cc.scan(frame.withColumn("queued_at", frame.queued_at.cast("timestamp_ntz"))))
    with pytest.raises(ColumnError, match="brand"):
        cc.to_intervals(cc.scan(frame), by="brand")
    with pytest.raises(TableError, match=r"Spark could not count the table.*\n.*wait_s.*negative"):
        cc.to_intervals(cc.scan(frame.withColumn("wait_s", -frame.wait_s - 1)))
