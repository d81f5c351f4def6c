"""JSON records of hostile texts: bounded time and memory, every piece accounted for, whatever the window cuts."""

from __future__ import annotations

import random
import tracemalloc
from typing import Any

import pytest
from json_units import units

from ccstats.errors import FormatError
from ccstats.readers import json_records
from ccstats.readers.accounting import Account
from ccstats.readers.contract import Options, Source
from ccstats.readers.json_records import JsonRecords, JsonShape

SHAPE = JsonShape(("id", "start"), ("rows",))


def scan(data: bytes, **options: Any) -> tuple[list[Any], list[tuple[int, str]], list[str]]:
    account = Account(Options(**options), unit="record")
    values = [record.value.get("id") for record in JsonRecords(Source("a.json", data), SHAPE, account)]
    rejected, _, notes = account.tables()
    return values, list(zip(rejected["line"], rejected["reason"], strict=True)), notes["note"].tolist()


@pytest.mark.parametrize(
    "text",
    ['{"id": 1}{"id": 2}', '{"id": 1}\n{"id": 2}\n', '[{"id": 1}, {"id": 2}]', '{"rows": [{"id": 1}, {"id": 2}]}',
     '\x1e{"id": 1}\n\x1e{"id": 2}\n',
     '{"n": 2, "rows": [{"id": 1}, {"id": 2}], "next": {"page": [1]}, "ok": true}',
     '{"rows": [{"id": 1}]} {"rows": []} {"rows": [{"id": 2}]}',
     '[[{"id": 1}], [{"id": 2}]]', '{"id": 1},\n{"id": 2},\n', '{"rows": [{"id": 1}], "more": [], "rows": [{"id": 2}]}'],
)  # fmt: skip
def test_every_shape_gives_the_same_records(text: str) -> None:
    assert scan(text.encode()) == ([1, 2], [], [])


@pytest.mark.parametrize(
    ("text", "values", "rejected"),
    [
        ('{"id": 1}{"id": 2, "a": ', [1], [(2, "cut: the text ends before the record does")]),
        ('{"id": 1}{"id": "2', [1], [(2, "cut: the text ends before the record does")]),
        ('{"id": 1}{"id": 2 3}{"id": 4}', [1, 4], [(2, "broken JSON")]),
        ('{"id": 1, {"id": 2}', [2], [(1, "broken JSON")]),
        ('{"id": NaN}{"id": 2}', [2], [(1, "a number that JSON does not have, or one too long")]),
        ('{"id": ' + "9" * 5000 + '}{"id": 2}', [2], [(1, "a number that JSON does not have, or one too long")]),
        ('{"id": ' + "[" * 100_000 + '{"id": 2}', [2], [(1, "nested too deeply")]),
        ("sense{}", [], [(1, "no JSON object")]),
        ('7 "a" {"id": 1}', [1], [(1, "no JSON object")]),
    ],
)
def test_what_is_broken_is_rejected_up_to_the_next_record(text: str, values: list[int], rejected: list[tuple[int, str]]) -> None:
    assert scan(text.encode())[:2] == (values, rejected)


def test_a_list_that_is_not_closed_is_noted() -> None:
    assert scan(b'{"rows": [{"id": 1}, ') == ([1], [], ["the text ends inside a list: it may be cut"])


def test_bytes_that_are_not_utf_8_and_half_characters_survive_as_text() -> None:
    account = Account(Options(keep_text=True))
    data = b'{"id": "Ren\xe9e"} {"id": "\\ud800"} {"id": "\\ud83d\\ude00"} {"id": bad\xe9}'
    texts = [json_records.clean_text(record.value["id"]) for record in JsonRecords(Source("a", data), SHAPE, account)]
    assert texts == ["Renée", "�", "😀"]
    assert account.tables()[0]["text"].tolist() == ['{"id": badé}']


@pytest.mark.parametrize("seed", range(12))
def test_where_the_window_ends_makes_no_difference(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    parts = [
        '{"id": %d}',
        '{"id": "é", "a": [1, {"b": "}{"}]}',
        '{"rows": [{"id": 3}], "n": 1}',
        '{"id": 3, "a',
        "]",
        "}",
        '"a": 1',
        " \n",
        '{"x": "\\u00e9\\n"}',
    ]
    text = "".join(part % rng.randrange(10**9) if "%" in part else part for part in rng.choices(parts, k=60))
    data = text.encode()
    expected = units(data, SHAPE)
    monkeypatch.setattr(json_records, "_CHUNK", rng.choice([7, 64, 1000]))
    monkeypatch.setattr(json_records, "_HEAD", 400)
    account = Account(Options(keep_text=True))
    found = [(record.number, record.text) for record in JsonRecords(Source("a", data), SHAPE, account)]
    assert found == [(at, text) for at, (text, good) in enumerate(expected, 1) if good]
    assert account.tables()[0]["line"].tolist() == [at for at, (_, good) in enumerate(expected, 1) if not good]


def peak_of(data: bytes) -> tuple[int, tuple[list[Any], list[tuple[int, str]], list[str]] | None]:
    tracemalloc.start()
    try:
        result = scan(data)
    except FormatError:
        result = None
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak, result


@pytest.mark.parametrize(
    "data",
    [b'{"id": "' + b"x" * 4_000_000, b'{"id": [' + b"1," * 2_000_000, b'{"id": [' + b"[]," * 1_500_000, b"x" * 4_000_000, b"{" * 4_000_000,
     b"[" * 4_000_000, b'{"id":' * 40_000, b'{"id": [1,' * 40_000, b'{"id": "' * 40_000, b'{"rows":' * 40_000, b'{"rows":[' * 40_000],
    ids=["string", "array", "many lists", "prose", "braces", "brackets", "nested", "nested lists", "quotes", "wrappers", "wrapped lists"],
)  # fmt: skip
def test_bombs_do_no_harm(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_records, "MAX_RECORD", 2**20)
    monkeypatch.setattr(json_records, "MAX_WASTE", 2**23)
    peak, result = peak_of(data)
    assert peak < 100e6
    assert result is None or len(result[1]) >= 1 or result[2]


def test_a_long_line_of_many_records_is_read_piece_by_piece() -> None:
    one = b'{"id": 7, "a": "' + b"x" * 1000 + b'"},'
    many = 20_000
    data = b'{"rows": [' + one * many
    tracemalloc.start()
    account = Account(Options())
    assert sum(1 for _ in JsonRecords(Source("a", data), SHAPE, account)) == many
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()
