"""Pseudonyms are keyed, stable under one key, and never the identifier; small groups are blanked and said so."""

from __future__ import annotations

import hashlib
import hmac

import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccstats.errors import ColumnError, OptionError
from ccstats.privacy import key_of, pseudonym, pseudonymise, suppress_small


def test_hmac_sha256_of_rfc_4231_case_2() -> None:
    # RFC 4231, 4.3: key "Jefe", data "what do ya want for nothing?"
    assert "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843".startswith(pseudonym("what do ya want for nothing?", b"Jefe"))


@given(st.lists(st.none() | st.text(max_size=12), max_size=20), st.binary(min_size=1, max_size=8))
def test_many_at_once_agree_with_one_at_a_time(values: list[str | None], key: bytes) -> None:
    def alone(value: str | None) -> str | None:
        if value is None or not value.strip():
            return None
        return hmac.new(key, value.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:20]

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
