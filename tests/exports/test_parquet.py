"""Parquet: every table of ours comes back as it went, and the file says what it holds."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from pyarrow import parquet

import ccstats as cc
from ccstats.errors import CcstatsError, FormatError, OptionError, SourceMissingError, TableError
from ccstats.schema import TABLES
from ccstats.schema.table import Column

SAMPLES = Path(__file__).parents[2] / "data" / "samples"
WORDS = ["sales", "Zürich", "=1+1", "", "a|b\nc", "👩‍💻", "x" * 500]


def values_of(column: Column, many: int, rng: np.random.Generator) -> pd.Series:
    """Any values that the column may hold, some of them missing where they may be."""
    if column.kind in ("id", "text"):
        values = pd.Series([f"{rng.choice(WORDS)}{number}" for number in range(many)], dtype="str")
    elif column.kind == "category":
        values = pd.Series(rng.choice(list(column.vocabulary or WORDS), many))
        values = values.astype(pd.CategoricalDtype(list(column.vocabulary)) if column.vocabulary else "category")
    elif column.kind in ("instant", "period"):
        zone = "UTC" if column.kind == "instant" else "Europe/Berlin"
        micros = np.arange(many) * 1_000_000 + rng.integers(0, 999_999, many) + 1_709_280_000_000_000
        values = pd.Series(pd.to_datetime(micros, unit="us", utc=True)).dt.as_unit("us").dt.tz_convert(zone)
    elif column.kind in ("count", "maybe_count"):
        values = pd.Series(np.arange(many)).astype(column.dtype)
    elif column.kind == "flag":
        values = pd.Series(rng.random(many) < 0.5)
    else:
        values = pd.Series(rng.random(many) * 100)
    if column.nullable and column.kind not in ("count", "flag"):
        values = values.mask(rng.random(many) < 0.3)
    return values


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("many", [0, 1, 40])
def test_every_table_comes_back(name: str, many: int, tmp_path: Path) -> None:
    table, rng = TABLES[name], np.random.default_rng(many)
    frame = pd.DataFrame({column.name: values_of(column, many, rng) for column in table.columns})

    again = cc.read_parquet(cc.write_parquet(frame, tmp_path / "a.parquet", table=name))

    assert_frame_equal(again, frame)
    for each, column in zip(parquet.read_schema(tmp_path / "a.parquet"), table.columns, strict=True):
        told = {key.decode(): value.decode() for key, value in each.metadata.items()}
        assert told == {"kind": column.kind, "unit": column.unit, "meaning": column.meaning}
    about = json.loads(parquet.read_schema(tmp_path / "a.parquet").metadata[b"ccstats"])
    assert (about["table"], about["row"], tuple(about["key"]), about["version"]) == (name, table.row, table.key, cc.__version__)


def test_tables_of_a_log_come_back(tmp_path: Path) -> None:
    log = cc.read(SAMPLES / "asterisk_queue_log" / "small_day.queue_log")
    intervals = cc.to_intervals(log.contacts, timezone="Asia/Kathmandu", threshold_s=20, wait_histogram=[5, 10])
    tables = {
        "contacts": log.contacts,
        "agent_states": log.agent_states,
        "intervals": intervals,
        "agent_intervals": cc.to_agent_intervals(log.agent_states),
        "service": cc.measure_service(intervals, by=["queue"], period="day", timezone="Asia/Kathmandu"),
    }
    for name, table in tables.items():
        again = cc.read_parquet(cc.write_parquet(table, tmp_path / f"{name}.parquet", table=name))
        assert_frame_equal(again, table)
    service = parquet.read_schema(tmp_path / "service.parquet")
    assert service.field("service_level").metadata[b"unit"] == b"ratio"
    assert service.field("service_level").metadata[b"meaning"]
    # The same figures from the file as from the table.
    again = cc.measure_service(cc.read_parquet(tmp_path / "intervals.parquet"), period="day", timezone="Asia/Kathmandu")
    assert_frame_equal(again, cc.measure_service(intervals, period="day", timezone="Asia/Kathmandu"))


def test_other_programs_and_other_frames(tmp_path: Path) -> None:
    contacts = cc.read(SAMPLES / "asterisk_queue_log" / "small_day.queue_log").contacts
    path = cc.write_parquet(pa.Table.from_pandas(contacts), tmp_path / "a.parquet", table="contacts")
    assert_frame_equal(cc.read_parquet(path), contacts)
    plain = pd.read_parquet(path)
    assert plain["wait_s"].sum() == contacts["wait_s"].sum()
    more = contacts.assign(site="Bursa")
    assert_frame_equal(cc.read_parquet(cc.write_parquet(more, path, table="contacts")), more)
    assert [each.name for each in tmp_path.iterdir()] == ["a.parquet"]


def test_what_does_not_fit_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    contacts = cc.read(SAMPLES / "asterisk_queue_log" / "small_day.queue_log").contacts
    with pytest.raises(TableError, match="wait_s"):
        cc.write_parquet(contacts.drop(columns="wait_s"), tmp_path / "a.parquet", table="contacts")
    with pytest.raises(OptionError, match="none of ours: contacts.*Did you mean contacts"):
        cc.write_parquet(contacts, tmp_path / "a.parquet", table="contact")
    with pytest.raises(OptionError, match="cannot be written: No such file"):
        cc.write_parquet(contacts, tmp_path / "no" / "a.parquet", table="contacts")
    mixed = contacts.assign(note=pd.Series([1, "a"] * len(contacts), dtype=object).iloc[: len(contacts)])
    with pytest.raises(TableError, match="column note.*one type"):
        cc.write_parquet(mixed, tmp_path / "a.parquet", table="contacts")
    assert not list(tmp_path.iterdir())


def test_files_of_others_are_told(tmp_path: Path) -> None:
    with pytest.raises(SourceMissingError, match="nowhere"):
        cc.read_parquet(tmp_path / "nowhere.parquet")
    (tmp_path / "text.parquet").write_text("queue,wait\n")
    with pytest.raises(FormatError, match="cannot be read as Parquet"):
        cc.read_parquet(tmp_path / "text.parquet")
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(FormatError, match="which table of ours"):
        cc.read_parquet(tmp_path / "other.parquet")
    for about in (b"[]", b"{", b'{"table": 7}', b'{"table": ["contacts"]}', b'{"table": "contact"}'):
        table = pa.table({"a": [1]}).replace_schema_metadata({b"ccstats": about})
        parquet.write_table(table, tmp_path / "odd.parquet")
        with pytest.raises(FormatError, match="which table of ours"):
            cc.read_parquet(tmp_path / "odd.parquet")
    lying = pa.table({"a": [1]}).replace_schema_metadata({b"ccstats": b'{"table": "contacts"}'})
    parquet.write_table(lying, tmp_path / "lying.parquet")
    with pytest.raises(TableError, match="'contact_id' is missing"):
        cc.read_parquet(tmp_path / "lying.parquet")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 5000), st.binary(min_size=1, max_size=40))
def test_a_broken_file_breaks_nothing(tmp_path_factory: pytest.TempPathFactory, at: int, noise: bytes) -> None:
    folder = tmp_path_factory.mktemp("broken")
    contacts = cc.read(SAMPLES / "asterisk_queue_log" / "small_day.queue_log", key="k").contacts
    path = cc.write_parquet(contacts, folder / "a.parquet", table="contacts")
    data = bytearray(path.read_bytes())
    at %= len(data)
    data[at : at + len(noise)] = noise
    path.write_bytes(data)
    with contextlib.suppress(CcstatsError):
        cc.read_parquet(path)
