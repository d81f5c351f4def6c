"""Every recogniser on every sample: one yes a file."""

from __future__ import annotations

import struct

import pytest
from exam_cases import CASES, Case, cases_of

import ccstats as cc
from ccstats.errors import DataWarning, FormatError
from ccstats.readers import READERS
from ccstats.readers.recognition import HEAD
from ccstats.schema import TABLES

JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb0043")
STRANGERS = {
    "empty": b"",
    "JPEG": JPEG,
    "zero bytes": bytes(4096),
    "prose": b"Dear team,\nplease find attached the calls of March.\n",
    "CSV": b"date,time,queue,wait\n2024-03-01,09:00,support,12\n",
    "JSON": b'{"conversations": []}',
    "one line end": b"\n",
    "pipes": b"a|b|c|d|e|f\n" * 20,
    "tabs": b"a\tb\tc\td\n" * 20,
    "all bytes": bytes(range(256)) * 8,
    "numbers": struct.pack("<100d", *range(100)),
    "blanks": b" " * 500,
}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_one_yes_a_sample(case: Case) -> None:
    yes = [name for name, reader in READERS.items() if reader.looks_like(case.data[:HEAD])]
    # A mapping fits whatever its owner says, so this format never volunteers.
    assert yes == ([] if case.format == "mapped" else [case.format])


@pytest.mark.parametrize("data", STRANGERS.values(), ids=STRANGERS)
def test_no_yes_for_strangers(data: bytes) -> None:
    assert [name for name, reader in READERS.items() if reader.looks_like(data)] == []


@pytest.mark.parametrize("case", [case for case in CASES if case.format != "mapped"], ids=str)
def test_recognised_in_any_wrapping(case: Case) -> None:
    import gzip

    options = {key: value for key, value in case.options.items() if key != "format"}
    windows = case.data if case.binary else case.data.replace(b"\n", b"\r\n")
    for data in (case.data, gzip.compress(case.data), windows, b"\xef\xbb\xbf" + case.data):
        assert case.read(data, format=None, **options).format == case.format
    # A file may be cut anywhere after its first lines.
    assert case.read(case.begun, format=None).format == case.format


def test_an_unknown_file_lists_the_formats_and_shows_how_it_begins() -> None:
    with pytest.raises(FormatError) as caught:
        cc.read(JPEG)
    text = str(caught.value)
    assert "<bytes> is of no format known here: it begins with b'\\xff\\xd8" in text
    assert "It looks like a JPEG picture." in text
    assert all(name in text for name in READERS)
    assert "format=" in text
    assert "mapping=" in text


def test_numbers_that_may_be_somebodys_are_not_shown() -> None:
    with pytest.raises(FormatError) as caught:
        cc.read(b"caller +49 30 5551234567\n")
    assert "5551234567" not in str(caught.value)


def test_an_empty_file_is_an_error_or_an_empty_log() -> None:
    with pytest.raises(FormatError, match="<bytes>: empty, so there is nothing to recognise; name the format"):
        cc.read(b"")
    with pytest.raises(FormatError, match="all 2 files: empty"):
        cc.read([b"", b""])
    for name in READERS:
        mapping = {"mapping": cases_of(name)[0].options.get("mapping")} if name == "mapped" else {}
        counts = "intervals" in READERS[name].yields
        table, way = ("intervals", cc.read_intervals) if counts else ("contacts", cc.read)
        with pytest.warns(DataWarning, match=f"<bytes> is empty: no {table} were read from it"):
            log = way(b"", format=name, timezone=None if mapping else "UTC", **mapping)
        TABLES[table].check(getattr(log, table))
        assert len(getattr(log, table)) == log.count() == 0


def test_an_empty_file_goes_along_with_the_others() -> None:
    data = b"\n".join(cases_of("technion_bank")[0].data.split(b"\n")[:9])
    with pytest.warns(DataWarning, match="is empty"):
        log = cc.read([data, b""], timezone="Asia/Jerusalem")
    assert log.format == "technion_bank"


def test_files_of_one_call_are_of_one_format() -> None:
    parts = [cases_of("technion_bank")[0].path, cases_of("asterisk_queue_log")[0].path]
    with pytest.raises(
        FormatError, match=r"must be of one format, but .* is technion_bank, .* is asterisk_queue_log; read them one by one"
    ):
        cc.read(parts, timezone="UTC")


def test_a_mapping_is_enough_to_name_the_format() -> None:
    case = cases_of("mapped")[0]
    assert cc.read(case.path, mapping=case.options["mapping"]).format == "mapped"
