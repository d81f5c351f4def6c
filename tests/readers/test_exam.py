"""Every reader sits the same exam: all samples of all formats, one small rule each."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import warnings
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from exam_cases import CASES, Case, as_text, cases_of, lines_of
from pandas.testing import assert_frame_equal

import ccstats as cc
from ccstats.readers import READERS
from ccstats.schema import NOT_QUEUED, TABLES

every_case = pytest.mark.parametrize("case", CASES, ids=str)
EXAM = float(os.environ.get("CCSTATS_EXAM", "0.02"))
every_log = pytest.mark.parametrize("case", [case for case in CASES if case.tables[0] == "contacts"], ids=str)
every_text = pytest.mark.parametrize("case", [case for case in CASES if not case.binary], ids=str)


def same(one: Any, other: Any) -> None:
    assert type(one) is type(other)
    for name in TABLES:
        if hasattr(one, name):
            assert_frame_equal(getattr(one, name), getattr(other, name))


def zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("format", READERS)
def test_a_format_has_samples(format: str) -> None:
    assert cases_of(format), f"no samples in data/samples/{format}"


@every_case
def test_tables_fit_the_schema(case: Case) -> None:
    log = case.read()
    for name in case.tables:
        frame = getattr(log, name)
        TABLES[name].check(frame)
        assert isinstance(frame.index, pd.RangeIndex)
        key = frame[list(TABLES[name].key)].astype("str")
        assert key.equals(key.sort_values(list(key), ignore_index=True)) or name == "agent_states"
    assert log.format == case.format


@every_case
def test_equals_the_golden_tables(case: Case) -> None:
    log = case.read()
    compared = 0
    for name in case.tables:
        golden = case.golden(name)
        if golden is None:
            continue
        compared += len(golden)
        found = as_text(getattr(log, name), name)
        assert found[list(golden.columns)].to_dict("records") == golden.to_dict("records")
    assert compared, "a sample needs golden rows"


@every_case
def test_instants_are_aware(case: Case) -> None:
    log = case.read()
    for name in case.tables:
        frame = getattr(log, name)
        instants = [column.name for column in TABLES[name].columns if column.kind == "instant" and column.name in frame]
        assert instants
        assert {str(frame[each].dtype) for each in instants} == {"datetime64[us, UTC]"}


@every_log
def test_answered_contacts_waited_and_others_have_no_handle_time(case: Case) -> None:
    contacts = case.read().contacts
    answered = contacts["outcome"] == "answered"
    assert contacts.loc[answered, ["queued_at", "wait_s"]].notna().all(axis=None)
    assert contacts.loc[~answered, ["talk_s", "hold_s", "wrap_s", "agent"]].isna().all(axis=None)
    outside = contacts["outcome"].isin(["ivr_abandoned", "blocked_full", "blocked_empty", "blocked_closed"])
    assert contacts.loc[outside, ["queued_at", "wait_s"]].isna().all(axis=None)
    assert contacts.loc[~outside, "queued_at"].notna().all()


@every_log
@pytest.mark.filterwarnings("ignore:.*have no wait_s:ccstats.errors.DataWarning")
def test_what_is_read_can_be_counted_and_measured(case: Case) -> None:
    contacts = case.read().contacts
    outside = contacts["outcome"].isin(NOT_QUEUED)
    table = cc.to_intervals(contacts, threshold_s=20)
    queued = ["answered", "abandoned", "flowed_out", "callbacks", "lost", "open", "unknown"]
    assert table["offered"].sum() == table[queued].sum().sum() == (~outside).sum()
    assert table[["offered", "blocked", "ivr_abandoned"]].sum().sum() == (contacts["outcome"] != "ignored").sum()
    for within in ("answered", "abandoned"):
        assert table[f"{within}_within"].sum() == ((contacts["outcome"] == within) & (contacts["wait_s"] <= 20)).sum()
    assert cc.measure_service(table)["offered"].sum() == (~outside).sum()
    known = contacts["wait_s"].notna()
    assert cc.measure_waits(contacts)["answered"].sum() == ((contacts["outcome"] == "answered") & known).sum()


@every_case
def test_warnings_point_at_the_line_that_read(case: Case) -> None:
    way_in = cc.read_intervals if "intervals" in READERS[case.format].yields else cc.read
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        way_in(case.path, **case.options)
    assert {each.filename for each in told} <= {__file__}


@every_case
def test_every_way_in_gives_the_same(case: Case, tmp_path) -> None:
    log, data = case.read(), case.data
    with case.path.open("rb") as file:
        same(log, case.read(file))
    for source in (str(case.path), [case.path], data, bytearray(data), memoryview(data), io.BytesIO(data)):
        same(log, case.read(source))
    if not case.binary:
        same(log, case.read(io.StringIO(data.decode())))
    for packed in (
        gzip.compress(data),
        bz2.compress(data),
        lzma.compress(data),
        zstd(data),
        gzip.compress(data[:99]) + gzip.compress(data[99:]),
    ):
        same(log, case.read(packed))
    named = tmp_path / "without_a_telling_name"
    named.write_bytes(zstd(data))
    same(log, case.read(named))
    assert case.path.read_bytes() == data


@every_case
def test_the_account_adds_up(case: Case) -> None:
    log = case.read()
    assert log.count() == log.count("used") + log.count("ignored") + log.count("rejected") == lines_of(case.format, case.data)
    assert set(log.lines["fate"]) <= {"used", "ignored", "rejected"}
    assert list(log.lines.columns) == ["source", "fate", "rule", "lines"]
    assert list(log.rejected.columns) == ["source", "line", "reason"]
    assert list(log.notes.columns) == ["note", "count"]
    assert 0 < len(log.rejected) + 1 <= log.count("rejected") + 1
    assert log.rejected["line"].between(1, lines_of(case.format, case.data)).all()
    assert (log.lines["lines"] > 0).all()


@every_case
def test_a_cut_last_line_is_reported(case: Case) -> None:
    cut, number = case.cut
    log = case.read(cut)
    told = log.rejected["line"].eq(number).any() or log.notes["note"].str.contains("cut").any()
    assert told, log.notes
    assert log.count() == lines_of(case.format, cut)


@every_text
def test_line_ends_and_byte_order_marks_change_nothing(case: Case) -> None:
    log = case.read()
    plain = case.data.replace(b"\r\n", b"\n")
    unix, windows = case.read(plain), case.read(plain.replace(b"\n", b"\r\n"))
    for other in (unix, windows):
        for name in case.tables:
            one, two = as_text(getattr(log, name), name), as_text(getattr(other, name), name)
            assert_frame_equal(one.replace("\r\n", "\n", regex=True), two.replace("\r\n", "\n", regex=True))
    same(log, case.read(b"\xef\xbb\xbf" + case.data))
    text = case.data.decode()
    for encoding in ("utf-16", "utf-32"):
        same(log, case.read(text.encode(encoding)))
    same(log, case.read(b"\xfe\xff" + text.encode("utf-16-be")))


@pytest.mark.parametrize("format", READERS)
def test_names_beyond_ascii_survive(format: str) -> None:
    names: set[str] = set()
    for case in cases_of(format):
        log = case.read()
        names |= {str(name) for table in case.tables for who in ("queue", "agent") for name in getattr(log, table).get(who, ())}
    assert any(not name.isascii() for name in names)
    assert not any("�" in name or "Ã" in name for name in names)


@every_case
def test_a_log_without_rows_is_empty_and_valid(case: Case) -> None:
    log = case.read(case.bare)
    assert [len(getattr(log, name)) for name in (*case.tables, "rejected")] == [0, 0, 0]
    for name in case.tables:
        TABLES[name].check(getattr(log, name))
    assert log.count() == lines_of(case.format, case.bare)


@pytest.mark.parametrize("case", [case for case in CASES if case.format != "mapped"], ids=str)
def test_a_log_cut_in_two_is_the_same_log(case: Case) -> None:
    lines = case.units
    whole = case.read()
    for at in range(1, len(lines), max(1, len(lines) // 6) if EXAM < 1 else 1):
        again = lines[:1] if case.headed else []  # each part of a table has the header
        parts = [case.above + b"".join(lines[:at]), case.above + b"".join([*again, *lines[at:]])]
        log = case.read(parts)
        same(whole, log)
        assert log.count() == whole.count() + len(again)


@every_log
def test_customers_are_pseudonyms_that_depend_on_the_key(case: Case) -> None:
    clear = case.read().contacts
    one, again, other = (case.read(pseudonyms=True, key=key).contacts for key in ("a", "a", "b"))
    assert_frame_equal(one, again)
    assert ("customer" in one) == ("customer" in clear)
    if "customer" in clear:
        there = clear["customer"].notna()
        assert (one["customer"].notna() == there).all()
        assert not set(one["customer"][there]) & {*clear["customer"][there], *other["customer"][there]}


@every_case
def test_the_text_of_rejected_lines_is_kept_on_request_only(case: Case) -> None:
    bad = case.data + b"\x07 no such line\n"
    assert "text" not in case.read(bad).rejected
    kept = case.read(bad, keep_text=True).rejected
    assert kept["text"].notna().all()


@every_case
def test_the_first_bad_line_raises_on_request(case: Case) -> None:
    from ccstats.errors import FormatError

    bad = case.data + b"no such line\n"
    first = case.read(bad).rejected.iloc[0]
    with pytest.raises(FormatError, match=rf"(line|record) {first['line']}: .*on_error='reject'") as caught:
        case.read(bad, on_error="raise")
    assert first["reason"] in str(caught.value)
