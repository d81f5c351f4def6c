"""Pseudonyms are keyed, stable under one key, and never the identifier; small groups are blanked and said so."""

from __future__ import annotations

import hashlib
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccstats.errors import ColumnError, OptionError
from ccstats.privacy import key_of, pseudonym, pseudonymise, suppress_small

#: Key 00 01 … 3f and what the designers' known answers (blake2b, keyed) give for no bytes, for 00, for 00 01 and for 00 01 02.
KNOWN_KEY = bytes(range(64))
KNOWN = {0: "10ebb67700b1868efb44", 1: "961f6dd1e4dd30f63901", 2: "da2cfbe2d8409a0f3802", 3: "33d0825dddf7ada99b0e"}


def test_known_answers_of_keyed_blake2b() -> None:
    values = ["".join(map(chr, range(many))) for many in KNOWN]
    assert [pseudonym(value, KNOWN_KEY) for value in values] == list(KNOWN.values())
    # A value of nothing, or of nothing but signs that are blanks, has no pseudonym in a column.
    assert pseudonymise(values, KNOWN_KEY).tolist()[1:] == list(KNOWN.values())[1:]


def test_a_key_that_is_too_long_for_blake2b_is_hashed_first() -> None:
    # RFC 7693, appendix A: BLAKE2b-512 of "abc" without a key begins and ends so.
    digest = hashlib.blake2b(b"abc").digest()
    assert (digest[:8].hex(), digest[-8:].hex()) == ("ba80a53f981c4d0d", "b92386edd4009923")
    long = b"abc" * 22
    assert pseudonym("5551234", long) == pseudonym("5551234", hashlib.blake2b(long).digest())
    assert pseudonym("5551234", long[:64]) != pseudonym("5551234", hashlib.blake2b(long[:64]).digest())
    assert pseudonymise(["5551234"], long).tolist() == [pseudonym("5551234", long)]


@given(st.lists(st.none() | st.text(max_size=12), max_size=20), st.binary(min_size=1, max_size=64))
def test_many_at_once_agree_with_one_at_a_time(values: list[str | None], key: bytes) -> None:
    def alone(value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        return hashlib.blake2b(value.encode("utf-8", "surrogateescape"), key=key).hexdigest()[:20]

    made = pseudonymise(values, key)
    assert [None if pd.isna(value) else value for value in made] == [alone(value) for value in values]


def test_the_key_comes_from_the_argument_then_the_environment_then_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCSTATS_KEY", "of the environment")
    assert key_of("mine") == b"mine"
    assert key_of(None) == b"of the environment"
    monkeypatch.delenv("CCSTATS_KEY")
    assert key_of(None) != key_of(None)
    with pytest.raises(OptionError, match="key= is empty"):
        key_of("")


@pytest.mark.parametrize("key", [12345, 0, 2.5, ["a"], 10**13])
def test_a_key_is_text_or_bytes(key: Any) -> None:
    with pytest.raises(OptionError, match="key= is of type"):
        key_of(key)


def test_small_groups_are_blanked_but_stay() -> None:
    table = pd.DataFrame({"agent": ["Ada", "Bo", "Cy"], "answered": [40, 2, 5], "aht_s": [180.0, 95.0, 1.0]})
    before = table.copy()
    out = suppress_small(table, count="answered", at_least=5)
    assert out["agent"].tolist() == ["Ada", "Bo", "Cy"]
    assert out["suppressed"].tolist() == [False, True, False]
    assert out["answered"].isna().tolist() == [False, True, False]
    assert out["aht_s"].isna().tolist() == [False, True, False]
    assert suppress_small(table, count="answered", at_least=5, keep=["answered"])["answered"].tolist() == [40, 2, 5]
    pd.testing.assert_frame_equal(table, before)
    arrow = suppress_small(pl.DataFrame({"agent": ["Ada", "Bo"], "answered": [40, 2]}), count="answered", at_least=5)
    assert arrow["answered"].isna().tolist() == [False, True]
    with pytest.raises(ColumnError, match="count='calls' is no column"):
        suppress_small(table, count="calls", at_least=5)
